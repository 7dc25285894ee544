"""Error modes against the dense covariance they stand for, and against modes that were put in."""

import numpy as np
import pytest

from anomaly_explorer.engine.scoring.error_modes import Differences, ErrorModes

N_BINS, N_MODES = 40, 3


def shapes(rng):
    x = np.linspace(0, 1, N_BINS)
    return np.stack([np.ones(N_BINS), x - 0.5, np.sin(9 * x)], axis=1) * 0.3


def normals(rng, n, modes, left=0.04):
    noise = rng.uniform(0.005, 0.05, (n, N_BINS)).astype(np.float32)
    is_known = rng.random((n, N_BINS)) > 0.1
    values = rng.normal(size=(n, modes.shape[1])) @ modes.T
    values += rng.normal(size=values.shape) * np.sqrt(noise + left)
    model = np.full_like(noise, 0.1)
    values = np.where(is_known, values, 0).astype(np.float32)
    return Differences(values, np.where(is_known, noise, 1e6).astype(np.float32), model, is_known)


def test_what_is_left_is_what_the_full_covariance_leaves(rng):
    modes = shapes(rng)
    found = ErrorModes(modes.astype(np.float32), np.full(N_BINS, 0.4, np.float32))
    some = normals(rng, 5, modes)
    left, weight, size = found.remove(some)
    for row in range(5):
        known = some.is_known[row]
        rest = np.diag(some.noise[row] + 0.4 * some.model[row])[np.ix_(known, known)]
        shape = modes[known]
        # The mean of the strengths, by the rule for normal distributions.
        strengths = shape.T @ np.linalg.solve(shape @ shape.T + rest, some.values[row][known])
        expected = some.values[row][known] - shape @ strengths
        np.testing.assert_allclose(left[row][known], expected, atol=1e-4)
        np.testing.assert_allclose(weight[row][known], 1 / np.diag(rest), rtol=1e-4)
        assert size[row] == pytest.approx((strengths**2).sum(), rel=1e-3)
        assert (left[row][~known] == 0).all()
        assert (weight[row][~known] == 0).all()


def test_modes_that_were_put_in_are_found(rng):
    modes = shapes(rng)
    found = ErrorModes.fit(normals(rng, 3000, modes), N_MODES)
    np.testing.assert_allclose(found.modes @ found.modes.T, modes @ modes.T, atol=0.02)
    assert np.median(found.share) == pytest.approx(0.4, abs=0.08)


def test_outliers_do_not_become_a_mode(rng):
    modes = shapes(rng)
    some = normals(rng, 3000, modes)
    some.values[:60, 7] += 30
    found = ErrorModes.fit(some, N_MODES)
    np.testing.assert_allclose(found.modes @ found.modes.T, modes @ modes.T, atol=0.05)


def test_a_bin_that_nobody_knows_is_nothing(rng):
    some = normals(rng, 400, shapes(rng))
    some.is_known[:, 5] = False
    some.values[:, 5], some.noise[:, 5] = 0, 1e6
    found = ErrorModes.fit(some, N_MODES)
    assert np.isfinite(found.modes).all()
    assert np.abs(found.modes[5]).max() < 1e-3


def test_what_the_modes_explain_is_gone(rng):
    modes = shapes(rng)
    found = ErrorModes.fit(normals(rng, 3000, modes), N_MODES)
    odd = normals(rng, 2, modes, left=0)
    odd.values[:] += (3 * modes[:, 1]).astype(np.float32) * odd.is_known
    left, weight, size = found.remove(odd)
    known = odd.is_known
    assert (left[known] ** 2 * weight[known]).mean() < 1.3
    assert (size > 5).all()


def test_too_few_normals_are_refused(rng):
    with pytest.raises(ValueError, match="need 30 normals, got 12"):
        ErrorModes.fit(normals(rng, 12, shapes(rng)), N_MODES)
