"""Every survey with what it is calibrated by, what is scored beside it, and what is planted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.benchmark.sample import draw_sample, draw_sky
from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.scoring.calibrated import ScoreCalibration
from anomaly_explorer.engine.scoring.measurer import Measurer
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm

from .collections import Collection, read_desi, read_folder, read_sdss
from .libraries import read_calspec, read_ozdes, read_stelib, read_supernovae
from .native import ArmPixels, arms_with_noise, pixels_of_batch, pixels_of_files
from .network import N_CALIBRATION, N_MODES, N_SKY_OF_OTHERS, SEED
from .planting import add_light
from .scoring import Simulated, Survey

SKY, EPOCHS = "sky fibers", "nine epochs of one quasar"
# Light of a supernova over that of its galaxy.
LIGHT_SHARES = (0.5, 2.0)
_LEAST_REACH = 300  # bins that a template of a supernova must have


def simulate(measurer: Measurer) -> Simulated:
    """Return a measurer with modes and calibration of a simulated survey it was not trained on."""
    survey = SimulatedSurvey(SEED + 1)
    normals = draw_sample(survey, N_MODES + N_CALIBRATION, 0)
    first, rest = np.arange(N_MODES), np.arange(N_MODES, len(normals))
    measurer = measurer.with_modes(normals.weighed.take(first), normals.known.take(first))
    others = normals.take(rest)
    measured = measurer.measure(others.weighed, others.known, others.pixels)
    calibration = ScoreCalibration.fit(measured, others.known.peers)
    return Simulated(measurer, calibration, draw_sky(survey, N_SKY_OF_OTHERS))


def read_surveys(root: Path) -> Iterator[Survey]:
    """Yield the surveys of a folder of real spectra, the largest first."""
    supernovae = read_supernovae(root)
    yield _sdss(root, supernovae)
    lamost = read_folder("LAMOST", root / "lamost", {})
    yield Survey(lamost, lamost.known.classes, _scales(_files(lamost, root / "lamost")))
    for found in (read_desi(root), read_ozdes(root)):
        yield Survey(found, _one_group(found), _scales(pixels_of_batch(found.batch)))
    unscaled = dict.fromkeys(ARMS, 1.0)  # of these the noise was taken from the pixels already
    for found in (supernovae, read_stelib(root), read_calspec(root)):
        yield Survey(found, _one_group(found), unscaled)


def _sdss(root: Path, supernovae: Collection) -> Survey:
    found = read_sdss(root)
    sky = read_folder("SDSS sky", root / "sdss-sky", {})
    epochs = read_folder("SDSS RM017", root / "sdss-boss-rm017", {})
    planted = {f"supernova, {share:g} × galaxy": plant_supernovae(found, supernovae, share)
               for share in LIGHT_SHARES}  # fmt: skip
    scales = _scales(_files(found, root / "sdss-boss"))
    return Survey(found, found.known.classes, scales, {SKY: sky, EPOCHS: epochs}, planted)


def plant_supernovae(galaxies: Collection, supernovae: Collection, share: float) -> WeighedInput:
    """Return N spectra, each galaxy with the light of a supernova at its redshift."""
    rng = np.random.default_rng(1)
    reaching = np.flatnonzero(supernovae.weighed.is_known.sum(axis=1) > _LEAST_REACH)
    chosen = rng.choice(reaching, len(galaxies))
    flux = np.where(supernovae.weighed.is_known, supernovae.weighed.flux, 0)[chosen]
    order = np.argsort(COMPATIBLE_GRID.centers, kind="stable")
    redshift = np.where(galaxies.known.classes == "GALAXY", galaxies.known.redshift, np.nan)
    light = (COMPATIBLE_GRID.centers[order], flux[:, order])
    return add_light(galaxies.weighed, light, redshift, share)


def _one_group(found: Collection) -> NDArray[np.str_]:
    return np.full(len(found), found.name)


def _files(found: Collection, folder: Path) -> dict[Arm, ArmPixels]:
    return pixels_of_files([folder / name for name in found.files])


def _scales(pixels: dict[Arm, ArmPixels]) -> dict[Arm, float]:
    return {arm: noise.bin_scale for arm, noise in arms_with_noise(pixels)}
