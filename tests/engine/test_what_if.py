"""What if: nothing moved changes no bit, the latents that matter are found, twins are normal."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog.latents import Latents, write_latents
from anomaly_explorer.engine.explain.noise import bin_weights
from anomaly_explorer.engine.explain.spread import latent_spread
from anomaly_explorer.engine.explain.twin import nearest_twin, normals_like
from anomaly_explorer.engine.explain.what_if import N_SLIDERS, WhatIf, what_if
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.spectra.grid import ARMS

from .spectra_maker import make_batch


def test_nothing_moved_decodes_to_the_bits_of_the_reconstruction(inspector):
    spread = latent_spread(inspector.store)
    for row in range(0, inspector.store.n_objects, 7):
        found = inspector.inspect(row)
        weight = bin_weights(found.spectrum, found.scale, found.grid)
        what = what_if(found.latents, spread, weight, inspector.reconstructor.decode)
        place = what.place([0.0] * N_SLIDERS)
        np.testing.assert_array_equal(place, found.latents)
        decoded = inspector.reconstructor.decode(place[None])[0]
        np.testing.assert_array_equal(decoded, found.reconstruction)
        moved = inspector.reconstructor.decode(what.place([1.0] + [0.0] * (N_SLIDERS - 1))[None])
        assert not np.array_equal(moved[0], found.reconstruction)


def test_many_latents_decode_as_each_by_itself(inspector, rng):
    latents = rng.normal(0, 3, (300, 128)).astype(np.float32)
    together = inspector.reconstructor.decode(latents)
    assert together.shape == (300, inspector.reconstructor.grid.n_bins)
    for row in (0, 255, 256, 299):
        alone = inspector.reconstructor.decode(latents[row : row + 1])[0]
        np.testing.assert_allclose(together[row], alone, rtol=1e-5, atol=1e-5)


def test_the_latents_that_change_the_spectrum_most_against_its_noise_are_chosen(rng):
    slopes = rng.normal(size=(128, 40)) * rng.uniform(0.1, 2, (128, 1))
    spread, weight = rng.uniform(0.5, 2, 128), rng.uniform(0, 3, 40)
    weight[:5] = 0
    latents = rng.normal(size=128).astype(np.float32)
    what = what_if(latents, spread, weight, lambda z: (z @ slopes).astype(np.float32))
    expected = np.sqrt(((slopes * spread[:, None]) ** 2 * weight).sum(axis=1) / 35)
    np.testing.assert_array_equal(what.chosen, np.argsort(-expected)[:N_SLIDERS])
    np.testing.assert_allclose(what.importance, np.sort(expected)[::-1][:N_SLIDERS], rtol=1e-3)


@given(
    offsets=st.lists(st.floats(-3, 3), min_size=3, max_size=3), blend=st.floats(0, 1),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_places_lie_between_the_object_and_its_twin_and_are_moved_in_the_chosen_latents(
    offsets, blend, seed
):
    rng = np.random.default_rng(seed)
    own, twin = rng.normal(size=(2, 128)).astype(np.float32)
    chosen, spread = np.array([3, 70, 5]), rng.uniform(0, 2, 128)
    what = WhatIf(own, spread, chosen, np.ones(3))
    expected = own + blend * (twin.astype(float) - own)
    expected[chosen] += np.array(offsets) * spread[chosen]
    np.testing.assert_allclose(what.place(offsets, blend, twin), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(what.place([0, 0, 0], 1.0, twin), twin)
    np.testing.assert_array_equal(what.place([0, 0, 0], blend), own)


def test_the_noise_of_bins_is_that_of_plain_means_of_good_pixels(inspector, rng):
    batch, grid = make_batch(rng, 4), inspector.reconstructor.grid
    for row in range(4):
        spectrum = batch.one(row)
        weight, at = bin_weights(spectrum, 2.5, grid), 0
        for arm in ARMS:
            good = spectrum.good(arm)
            for start in range(0, grid.n_bins_of(arm) * grid.pixels_per_bin, grid.pixels_per_bin):
                pixels = [i for i in range(start, start + grid.pixels_per_bin) if good[i]]
                variance = sum(1 / float(spectrum.ivar[arm][i]) for i in pixels)
                expected = len(pixels) ** 2 / variance * 2.5**2 if pixels else 0
                assert weight[at] == pytest.approx(expected, rel=1e-6)
                at += 1
        assert at == len(weight)


@pytest.fixture
def store(random_store, tmp_path, monkeypatch):
    """A random store with latents that nearly all objects have."""
    n = random_store.n_objects
    values = np.random.default_rng(8).normal(size=(n, 128)).astype(np.float16)
    values[5] = np.nan
    path = tmp_path / "latents.f16"
    write_latents(path, n, lambda latent: values[:, latent].astype(np.float32))
    monkeypatch.setattr(random_store, "_latents", Latents(path, n))
    return random_store


def test_a_twin_is_the_nearest_normal_and_never_the_object_itself(store):
    records = store.records(np.arange(store.n_objects))
    latents = store.latents(np.arange(store.n_objects)).astype(np.float64)
    for row in range(0, store.n_objects, 41):
        own = records[row]
        normals = normals_like(store, own).mask(store)
        twin = nearest_twin(store, row, normals)
        expected = [
            other for other, each in enumerate(records)
            if other != row and each["tier_bits"] == 0 and each["score_rank"]
            and each["spectype"] == own["spectype"] and each["population"] == own["population"]
            and np.isfinite(latents[other]).all()
        ]  # fmt: skip
        if not expected:
            assert twin is None
            continue
        distances = np.sqrt(((latents[expected] - latents[row]) ** 2).sum(axis=1))
        assert twin.row == expected[int(distances.argmin())]
        assert twin.target_id == records[twin.row]["target_id"]
        assert twin.distance == pytest.approx(distances.min(), rel=1e-5)
        np.testing.assert_array_equal(twin.latents, latents[twin.row].astype(np.float32))


def test_where_nobody_is_normal_there_is_no_twin(store):
    assert nearest_twin(store, 0, Mask.none(store.n_objects)) is None
    assert nearest_twin(store, 0, Mask.of_rows(np.array([0]), store.n_objects)) is None


def test_the_spread_is_the_standard_deviation_of_those_who_have_latents(store):
    rows = np.delete(np.arange(store.n_objects), 5)
    expected = store.latents(rows).astype(np.float64).std(axis=0)
    np.testing.assert_allclose(latent_spread(store), expected, rtol=1e-6)


def test_a_bin_nobody_knows_makes_nothing_important(rng):
    what = what_if(
        rng.normal(size=128).astype(np.float32), np.ones(128), np.zeros(40),
        lambda z: np.ones((len(z), 40), np.float32),
    )  # fmt: skip
    assert (what.importance == 0).all()
    assert np.isfinite(replace(what, spread=np.zeros(128)).place([1.0] * N_SLIDERS)).all()
