"""What is compared: real spectra by survey, and simulated ones of the same kinds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.weighing import WeighedInput, weigh_bins
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.simulation import identity
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID, Arm
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch, concatenate
from benchmarks.real.collections import Collection, read_desi, read_folder, read_sdss
from benchmarks.real.libraries import read_ozdes
from benchmarks.real.native import ArmPixels, pixels_of_batch, pixels_of_files

SEED, N_SCIENCE, N_SKY = 910, 2500, 300
_BLOCK = 500


@dataclass(frozen=True)
class Population:
    """Spectra of one origin.

    Parameters
    ----------
    batch : SpectrumBatch
        N spectra on DESI's arms.
    known : Known
    pixels : mapping of Arm to ArmPixels
        As their survey has them.
    """

    batch: SpectrumBatch
    known: Known
    pixels: dict[Arm, ArmPixels]

    def __len__(self) -> int:
        return len(self.batch)

    @property
    def weighed(self) -> WeighedInput:
        """Return what the noise-aware network sees."""
        return weigh_bins(self.batch, COMPATIBLE_GRID)


@dataclass(frozen=True)
class Both:
    """The simulated populations, and the real ones by survey."""

    simulated: Population
    simulated_sky: Population
    desi: Population
    sdss: Population
    sdss_sky: Population
    lamost: Population
    ozdes: Population
    edr: dict[str, NDArray]

    @property
    def objects(self) -> dict[str, Population]:
        """Return the populations that are no sky, simulated first."""
        return {
            "simulated": self.simulated, "DESI": self.desi, "SDSS/BOSS": self.sdss,
            "LAMOST": self.lamost, "OzDES": self.ozdes,
        }  # fmt: skip


def read_both(root: Path) -> Both:
    """Read all that is real, and make what it is compared with."""
    survey = SimulatedSurvey(SEED)
    ids = survey.target_ids(40_000)
    uses = survey.fiber_uses(ids)
    normal = ids[(uses == identity.SCIENCE) & (survey.injected_types(ids) == "")][:N_SCIENCE]
    sky = ids[uses == identity.SKY][:N_SKY]
    desi, sdss, ozdes = read_desi(root), read_sdss(root), read_ozdes(root)
    sky_sdss = read_folder("SDSS sky", root / "sdss-sky", {})
    lamost = read_folder("LAMOST", root / "lamost", {})
    with np.load(root / "desi-edr-spectra" / "desi-edr-normalised.npz") as arrays:
        edr = {name: arrays[name] for name in ("wavelength", "flux_norm", "valid", "z")}
    return Both(
        _made(survey, normal), _made(survey, sky),
        Population(desi.batch, desi.known, pixels_of_batch(desi.batch)),
        _native(sdss, root / "sdss-boss"), _native(sky_sdss, root / "sdss-sky"),
        _native(lamost, root / "lamost"),
        Population(ozdes.batch, ozdes.known, pixels_of_batch(ozdes.batch)), edr,
    )  # fmt: skip


def _made(survey: SimulatedSurvey, ids: NDArray[np.int64]) -> Population:
    parts = [survey.spectra(ids[i : i + _BLOCK]) for i in range(0, len(ids), _BLOCK)]
    batch = concatenate(parts)
    return Population(batch, Known.of_columns(batch.columns), pixels_of_batch(batch))


def _native(found: Collection, folder: Path) -> Population:
    paths = [folder / name for name in found.files]
    return Population(found.batch, found.known, pixels_of_files(paths))
