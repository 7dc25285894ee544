"""The map keeps what is near near; landmarks keep anomalies and small strata."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.embedding.cluster import NOISE, Clusters, find_clusters
from anomaly_explorer.engine.embedding.landmarks import ANOMALY_SHARE, choose_landmarks
from anomaly_explorer.engine.embedding.project import (
    Placer,
    fit_map,
    neighbor_preservation,
    trustworthiness,
)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.integers(10, 200), st.integers(0, 99))
def test_landmarks_are_sorted_distinct_and_hold_the_highest_scores(n, wanted, seed):
    random = np.random.default_rng(seed)
    scores = random.permutation(n).astype(np.float32)
    strata = random.choice([0, 3], n, p=[0.95, 0.05])
    is_stated = random.random(n) < 0.8
    rows = choose_landmarks(scores, strata, is_stated, wanted, seed)
    assert len(rows) == min(n, wanted) == len(set(rows.tolist()))
    assert (np.diff(rows) > 0).all()
    if n > wanted:
        highest = np.flatnonzero(is_stated)
        highest = highest[np.argsort(-scores[highest])][: int(ANOMALY_SHARE * wanted)]
        assert set(highest.tolist()) <= set(rows.tolist())


def test_sky_with_high_scores_takes_no_share_from_science():
    is_science = np.arange(10_000) >= 5_000
    scores = np.where(is_science, 1, 100) + np.arange(10_000, dtype=np.float32) / 1e4
    rows = choose_landmarks(scores, is_science.astype(int), is_science, 1000, seed=0)
    assert set(range(9_900, 10_000)) <= set(rows.tolist())


@pytest.mark.parametrize("score", [np.nan, 1])
def test_landmarks_are_as_many_when_few_or_none_have_a_score(score):
    scores = np.full(500, score, np.float32)
    for n_stated in (0, 3, 500):
        rows = choose_landmarks(scores, np.zeros(500, int), np.arange(500) < n_stated, 200, seed=0)
        assert len(set(rows.tolist())) == 200


def test_small_strata_are_over_represented():
    strata = np.arange(10_000) // 9900
    everything = np.ones(10_000, bool)
    rows = choose_landmarks(np.zeros(10_000, np.float32), strata, everything, 1000, seed=0)
    assert (strata[rows] == 1).sum() > 30


def blobs(rng, n, n_blobs=4):
    label = rng.integers(n_blobs, size=n)
    centres = rng.normal(0, 12, (n_blobs, 128))
    return (centres[label] + rng.normal(size=(n, 128))).astype(np.float32), label


def test_the_map_and_its_placer_keep_blobs_apart(rng):
    latents, label = blobs(rng, 500)
    positions = fit_map(latents[:300], seed=1)
    np.testing.assert_array_equal(positions, fit_map(latents[:300], seed=1))
    placer = Placer(latents[:300], positions, seed=1, epochs=40)
    placed = placer.place(latents[300:])
    again = Placer.of_arrays(placer.arrays())
    np.testing.assert_array_equal(again.place(latents[300:]), placed)
    assert placed.shape == (200, 2)
    assert placed.dtype == np.float32
    centres = np.stack([positions[label[:300] == k].mean(axis=0) for k in range(4)])
    nearest = np.linalg.norm(placed[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == label[300:]).mean() > 0.95
    assert trustworthiness(latents[:300], positions, 10) > 0.8
    assert 0 <= neighbor_preservation(latents[:300], positions, 10) <= 1


def test_clusters_are_found_in_latent_space_and_numbered_by_size(rng):
    latents, label = blobs(rng, 600)
    found = find_clusters(latents[:400], seed=0)
    clusters = found.assign(latents)
    assert found.n_clusters == 4
    np.testing.assert_array_equal(clusters[:400], found.labels)
    again = Clusters.of_arrays(found.arrays())
    np.testing.assert_array_equal(again.assign(latents), clusters)
    sizes = np.bincount(clusters[clusters != NOISE])
    assert len(sizes) == 4
    found = {(int(a), int(b)) for a, b in zip(clusters, label, strict=True) if a != NOISE}
    assert len(found) == 4
    landmark_sizes = np.bincount(clusters[:400][clusters[:400] != NOISE])
    assert (np.diff(landmark_sizes) <= 0).all()


def test_too_few_objects_make_no_cluster(rng):
    latents, _ = blobs(rng, 9)
    found = find_clusters(latents, seed=0)
    assert found.assign(latents).tolist() == [NOISE] * 9
    assert found.n_clusters == 0
    assert Clusters.of_arrays(found.arrays()).assign(latents).tolist() == [NOISE] * 9


@pytest.mark.parametrize("n", [5, 20])
def test_a_tiny_map_is_finite(rng, n):
    assert np.isfinite(fit_map(rng.normal(size=(n, 128)).astype(np.float32), seed=0)).all()
