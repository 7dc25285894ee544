"""What pixels say of their noise, against noise that is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.benchmark.pixels import (
    noise_scale,
    pixel_correlation,
    run_lengths,
    smooth_pulls,
    widening,
)


def make_noise(n_rows=6, n=4000, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n))


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.3])
def test_noise_is_measured_through_slopes_lines_and_spikes(scale):
    flux = scale * make_noise() + np.linspace(0, 500, 4000)
    flux[:, ::97] += 1e4
    assert noise_scale(flux, np.ones_like(flux)) == pytest.approx(scale, rel=0.12)


def test_neighbours_that_share_their_noise_do_not_hide_it():
    noise = make_noise(20, 8000)
    shared = (noise[:, 1:] + noise[:, :-1]) / np.sqrt(2)
    assert np.mean(noise_scale(shared, np.ones_like(shared))) == pytest.approx(1, rel=0.03)


@given(st.floats(1e-3, 1e3))
def test_the_unit_of_flux_does_not_matter(unit):
    flux, ivar = make_noise(2, 400), np.full((2, 400), 2.0)
    ivar[:, 100:140] = 0
    same = noise_scale(flux * unit, ivar / unit**2)
    assert noise_scale(flux, ivar) == pytest.approx(same, rel=1e-9)


def test_too_few_pixels_are_no_scale():
    ivar = np.ones((1, 200))
    ivar[:, 40:] = 0
    assert np.isnan(noise_scale(make_noise(1, 200), ivar)[0])


def test_correlation_is_that_of_a_moving_mean():
    noise = make_noise(30, 6000, 4)
    moving = (noise[:, 2:] + noise[:, 1:-1] + noise[:, :-2]) / np.sqrt(3)
    found = pixel_correlation(moving, 4)
    assert found == pytest.approx([2 / 3, 1 / 3, 0, 0], abs=0.02)


@given(st.integers(2, 30))
def test_widening_is_that_of_the_whole_covariance(n):
    correlation = np.array([0.4, -0.1, 0.05])
    covariance = np.eye(n)
    for lag, value in enumerate(correlation, 1):
        covariance += value * (np.eye(n, k=lag) + np.eye(n, k=-lag))
    assert widening(correlation, n) == pytest.approx(np.sqrt(covariance.sum() / n))


def test_pulls_forget_the_level_and_skip_what_is_bad():
    flux, ivar = make_noise(3, 1000) + 50, np.ones((3, 1000))
    flux[:, 10], ivar[:, 10] = 1e9, 0
    pulls = smooth_pulls(flux, ivar)
    assert np.isnan(pulls[:, 10]).all()
    assert abs(np.nanmean(pulls)) < 0.05
    assert np.nanstd(pulls) == pytest.approx(1, rel=0.05)


@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_those_of_splitting_a_text(bad):
    text = "".join("x" if b else " " for b in bad)
    expected = [len(part) for part in text.split()]
    assert run_lengths(np.array([bad], bool).reshape(1, -1)).tolist() == expected
