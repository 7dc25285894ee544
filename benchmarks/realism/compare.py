"""Everything that is measured for docs/simulation.md, in one value."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import Arm
from benchmarks.real.native import ArmNoise

from .noise import (
    Masks,
    SkyResidue,
    bin_pulls,
    masks_of,
    noise_curves,
    noise_table,
    sky_residues,
)
from .shapes import (
    CLASSES,
    Lines,
    Median,
    edr_lines,
    lines_of,
    rest_median,
    unexplained_table,
)
from .spectra import Both, read_both


@dataclass(frozen=True)
class Compared:
    """What simulated and real spectra do.

    Parameters
    ----------
    counts : dict of str to int
        Spectra of each population.
    noise : dict of str to dict of Arm to ArmNoise
    curves : dict of str to tuple
        Wavelength, (n,), and noise of faint spectra, (M, n).
    sky : dict of str to SkyResidue
    pulls : dict of str to (B,) array
        Root mean square of the pulls of sky fibers.
    masks : dict of str to Masks
    medians : dict of str to dict of str to Median
        By class, then survey.
    unexplained : dict of str to dict of str to tuple
        Median share that components of simulated spectra leave, and how many spectra.
    lines : dict of str to Lines
    """

    counts: dict[str, int]
    noise: dict[str, dict[Arm, ArmNoise]]
    curves: dict[str, tuple[NDArray, NDArray]]
    sky: dict[str, SkyResidue]
    pulls: dict[str, NDArray]
    masks: dict[str, Masks]
    medians: dict[str, dict[str, Median]]
    unexplained: dict[str, dict[str, tuple[float, int]]]
    lines: dict[str, Lines]


def compare(root: Path) -> Compared:
    """Measure simulated spectra and the real ones in a folder."""
    both = read_both(root)
    objects = both.objects
    skies = {"simulated sky": both.simulated_sky, "SDSS sky": both.sdss_sky}
    weighed = {name: each.weighed for name, each in objects.items()}
    medians = {
        name: {survey: rest_median(weighed[survey], each.known, name)
               for survey, each in objects.items()}
        for name in CLASSES
    }  # fmt: skip
    with_lines = {name: objects[name] for name in ("simulated", "DESI", "SDSS/BOSS")}
    return Compared(
        _counts(both), noise_table(both),
        {name: noise_curves(objects[name]) for name in ("simulated", "DESI")},
        sky_residues(both), {name: bin_pulls(each.weighed) for name, each in skies.items()},
        {name: masks_of(each.pixels) for name, each in {**objects, **skies}.items()},
        medians, unexplained_table(both),
        {**{name: lines_of(each) for name, each in with_lines.items()},
         "DESI EDR": edr_lines(both.edr)},
    )  # fmt: skip


def _counts(both: Both) -> dict[str, int]:
    named = {**both.objects, "simulated sky": both.simulated_sky, "SDSS sky": both.sdss_sky}
    return {**{name: len(each) for name, each in named.items()}, "DESI EDR": len(both.edr["z"])}


def quantiles(values: NDArray[np.floating]) -> tuple[float, float, float, int]:
    """Return 16th percentile, median, 84th percentile and number of the finite values, (n,)."""
    values = np.asarray(values)[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan, np.nan, 0
    low, middle, high = (float(q) for q in np.quantile(values, (0.16, 0.5, 0.84)))
    return low, middle, high, len(values)
