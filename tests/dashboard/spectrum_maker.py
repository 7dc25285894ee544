"""An inspection made up, and what a figure shows of it."""

import numpy as np

from anomaly_explorer.engine.model.inspection import Inspection, ScoreAgreement
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED, Spectrum, SpectrumBatch

EVIL = "<script>alert(1)</script>"


def make_inspection(rng):
    """A spectrum with bad pixels, an arm cut short and a residual that sticks out."""
    grid = COMPATIBLE_GRID
    flux = {arm: (5 + rng.normal(size=arm.n_pixels)).astype(np.float32) for arm in ARMS}
    ivar = {arm: np.ones(arm.n_pixels, np.float32) for arm in ARMS}
    mask = {arm: np.zeros(arm.n_pixels, np.uint32) for arm in ARMS}
    ivar[Arm.BLUE][100:110] = 0
    mask[Arm.RED][40] = 4
    mask[Arm.NIR][-400:] = NOT_COVERED
    flux[Arm.NIR][-400:] = np.nan
    is_covered = np.ones(grid.n_bins, bool)
    is_covered[-25:] = False
    made = np.linspace(0.5, 1.5, grid.n_bins).astype(np.float32)
    residual = np.where(is_covered, rng.normal(size=grid.n_bins), np.nan).astype(np.float32)
    residual[200] = 9.0
    facts = {"target_id": -39633345008634465, "redshift": 0.25, "spectype": "GALAXY"}
    return Inspection(
        row=3,
        facts={**facts, "is_simulated": False, "population": "science"},
        batch=SpectrumBatch(
            *({arm: each[arm][None] for arm in ARMS} for each in (flux, ivar, mask))
        ),
        spectrum=Spectrum(flux, ivar, mask),
        grid=grid,
        normalized_flux=made + residual,
        reconstruction=made,
        residual=residual,
        is_covered=is_covered,
        latents=rng.normal(size=128).astype(np.float32),
        scale=4.0,
        score_mse=0.1,
        score_sum=0.3,
        arm_residuals={Arm.BLUE: 0.1, Arm.RED: 0.4, Arm.NIR: float("nan")},
        worst_arm=Arm.RED,
        peak_wavelength=float(grid.centers[200]),
        agreement=ScoreAgreement(0.1, 0.1000000001, 1e-5),
        notes=(f"odd {EVIL}",),
    )


def drawn(figure, name):
    """What a source shows: what is no longer there stays on, filled up with nothing to see."""
    data = figure.sources[name].data
    first = next(iter(data.values()))
    n = len(first)
    while n and not np.isfinite(np.asarray(first[n - 1], dtype=float)).any():
        n -= 1
    return {key: values[:n] for key, values in data.items()}


def finite(values):
    """The finite ones of some values."""
    values = np.asarray(values)
    return values[np.isfinite(values)]
