"""The nearest landmark is that of brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.embedding.nearest import LandmarkIndex


def squared_distances(points, landmarks):
    steps = points[:, None].astype(np.float64) - landmarks[None].astype(np.float64)
    return (steps**2).sum(axis=2)


def assert_nearest(found, points, landmarks):
    """The landmark named is as near as the nearest, to the rounding of float32."""
    squared = squared_distances(points, landmarks)
    chosen = squared[np.arange(len(points)), found]
    scale = (points.astype(np.float64) ** 2).sum(axis=1) + (landmarks**2).sum(axis=1).max()
    assert (np.sqrt(chosen) <= np.sqrt(squared.min(axis=1)) + 1e-5 * np.sqrt(scale)).all()


@settings(max_examples=40)
@given(
    st.integers(1, 300), st.integers(1, 20), st.integers(1, 5), st.floats(0, 3), st.integers(0, 99)
)
def test_the_nearest_is_that_of_brute_force(n_landmarks, n_dimensions, n_clumps, width, seed):
    rng = np.random.default_rng(seed)

    def clumpy(n):
        centers = np.random.default_rng(1).normal(0, 5, (n_clumps, n_dimensions))
        points = centers[rng.integers(n_clumps, size=n)] + rng.normal(0, width, (n, n_dimensions))
        return points.astype(np.float32)

    landmarks, points = clumpy(n_landmarks), clumpy(100)
    cells = rng.integers(max(1, n_landmarks // 8), size=n_landmarks).astype(np.int32)
    centers = clumpy(int(cells.max()) + 1)  # a cell may be empty, and its center far from it
    index = LandmarkIndex(landmarks, centers, cells)
    assert_nearest(index.nearest(points), points, landmarks)
    again = LandmarkIndex.of_arrays(index.arrays())
    np.testing.assert_array_equal(again.nearest(points), index.nearest(points))


@pytest.mark.parametrize("n_dimensions", [2, 16])
def test_cells_found_by_k_means_answer_the_same(n_dimensions):
    rng = np.random.default_rng(3)
    landmarks = rng.normal(size=(3000, n_dimensions)).astype(np.float32)
    points = rng.normal(size=(2000, n_dimensions)).astype(np.float32)
    index = LandmarkIndex.of(landmarks, seed=0)
    assert len(index.centers) > 40
    assert_nearest(index.nearest(points), points, landmarks)
    np.testing.assert_array_equal(index.nearest(landmarks), np.arange(3000))
