"""Each statistic answers to what it is for, and the density to what a mixture says."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from anomaly_explorer.engine.scoring.density import LatentDensity
from anomaly_explorer.engine.scoring.pixel_findings import PixelFindings
from anomaly_explorer.engine.scoring.statistics import ASTRO, INSTRUMENT, NAMES, Difference, measure
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID, Arm

N_BINS = COMPATIBLE_GRID.n_bins
# Statistics that are no function of the difference.
ELSEWHERE = ("latent", "modes", "profile", "line")
SKY = np.zeros((1, N_BINS), np.float32)
SKY[0, 330:490:9] = 1


def quiet(rng, n=400):
    weight = rng.uniform(20, 400, (n, N_BINS)).astype(np.float32)
    model = (1 + 0.3 * np.sin(np.linspace(0, 5, N_BINS)) * np.ones((n, 1))).astype(np.float32)
    values = (rng.normal(size=weight.shape) / np.sqrt(weight)).astype(np.float32)
    return Difference(values, weight, model, np.ones(n, np.float32))


def measured(difference):
    found, _ = measure(
        difference,
        np.zeros(len(difference.values)),
        PixelFindings.unknown(len(difference.values)),
        SKY,
        COMPATIBLE_GRID,
    )
    return found


def fringes():
    nir = COMPATIBLE_GRID.bins_of(Arm.NIR)
    added = np.zeros(N_BINS, np.float32)
    added[nir] = 0.08 * np.cos(2 * np.pi * COMPATIBLE_GRID.centers[nir] / 55.0)
    return added


def raised_arm():
    added = np.zeros(N_BINS, np.float32)
    added[COMPATIBLE_GRID.bins_of(Arm.RED)] = 0.1
    return added


ODD = {
    "fringe": fringes(),
    "gain": raised_arm(),
    "sky": 0.25 * SKY[0],
    "width_0": np.eye(N_BINS, dtype=np.float32)[200] * 3,
    "width_8": 0.3 * np.exp(-0.5 * ((np.arange(N_BINS) - 80) / 8) ** 2).astype(np.float32),
}


@pytest.mark.parametrize("name", ODD)
def test_a_statistic_leads_where_its_own_oddity_is(name, rng):
    difference = quiet(rng)
    normal = measured(difference)
    odd = measured(replace(difference, values=difference.values + ODD[name]))
    rise = {
        each: np.median((odd[each] - normal[each]) / normal[each].std())
        for each in NAMES if each not in ELSEWHERE
    }  # fmt: skip
    assert rise[name] > 4
    others = [each for each in ("fringe", "gain", "sky", "width_0") if each != name]
    assert all(rise[name] > rise[each] for each in others)


def test_noise_alone_is_near_one_in_the_mean_and_one_spike_cannot_rule(rng):
    difference = quiet(rng)
    found = measured(difference)
    assert np.median(found["misfit"]) == pytest.approx(1, abs=0.05)
    spiked = difference.values.copy()
    spiked[:, 100] = 1e4
    more = measured(replace(difference, values=spiked))["misfit"]
    assert (more - found["misfit"]).max() <= 25 / N_BINS + 1e-4


def test_what_is_not_known_counts_nowhere(rng):
    difference = quiet(rng, 20)
    hidden = difference.weight.copy()
    hidden[:, 50:90] = 0
    wild = difference.values.copy()
    wild[:, 50:90] = 1e3
    found = measured(replace(difference, values=wild, weight=hidden))
    tame = measured(replace(difference, weight=hidden))
    for name in NAMES:
        np.testing.assert_array_equal(found[name], tame[name], err_msg=name)
    dead = measured(replace(difference, values=wild, weight=np.zeros_like(hidden)))
    assert all(np.isnan(dead[name]).all() for name in NAMES if name not in ELSEWHERE)


def test_the_sets_combine_statistics_that_exist():
    assert set(ASTRO) | set(INSTRUMENT) <= set(NAMES)


def test_the_density_is_that_of_the_mixture_and_lonely_latents_surprise(rng):
    latents = np.concatenate([rng.normal(0, 1, (700, 32)), rng.normal(4, 0.5, (500, 32))])
    density = LatentDensity.fit(latents, seed=1)
    places = (latents[:200] - density.mean) @ density.axes
    mixture = GaussianMixture(len(density.log_weight))
    mixture.weights_, mixture.means_ = np.exp(density.log_weight), density.center
    mixture.precisions_cholesky_ = density.precision
    np.testing.assert_allclose(
        density.surprise(latents[:200]), -mixture.score_samples(places), rtol=1e-9, atol=1e-6
    )
    fresh = density.surprise(rng.normal(0, 1, (500, 32)))
    lonely = density.surprise(rng.normal(-6, 1, (500, 32)))
    assert np.median(lonely) > np.quantile(fresh, 0.999)
    again = LatentDensity.fit(latents, seed=1)
    np.testing.assert_array_equal(again.center, density.center)
