"""One object in full: its catalog row, its spectrum read again, its reconstruction made again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.spectra.grid import ARMS, Arm, BinGrid
from anomaly_explorer.engine.spectra.source import ObjectKey, SpectrumArchive
from anomaly_explorer.engine.spectra.spectrum import Spectrum, SpectrumBatch

from .card import check_made_by
from .reconstructor import Reconstruction, Reconstructor

_LETTER_TO_ARM = {arm.value.upper(): arm for arm in ARMS}


@dataclass(frozen=True)
class ScoreAgreement:
    """The score of the catalog against the score recomputed now."""

    catalog: float
    recomputed: float
    tolerance: float

    @property
    def relative_difference(self) -> float:
        """Return |recomputed − catalog| / |catalog|; 0 when both are NaN."""
        if np.isnan(self.catalog) and np.isnan(self.recomputed):
            return 0.0
        return abs(self.recomputed - self.catalog) / max(abs(self.catalog), 1e-30)

    @property
    def agrees(self) -> bool:
        """Return whether the two scores are the same to the tolerance."""
        return bool(self.relative_difference <= self.tolerance)


@dataclass(frozen=True)
class Inspection:
    """Everything the spectrum viewer shows of one object.

    Parameters
    ----------
    row : int
        Store row.
    facts : dict
        The decoded catalog row, without latents.
    batch : SpectrumBatch
        The object as it was read, with all that its file says of it.
    spectrum : Spectrum
        Full resolution, per arm; 1e-17 erg s⁻¹ cm⁻² Å⁻¹.
    grid : BinGrid
        The model's bins.
    normalized_flux, reconstruction, residual : (B,) float32
        Flux / scale, model output, their difference; residual is NaN where not covered.
    is_covered : (B,) bool
    latents : (128,) float32
        As the encoder has them now.
    scale : float
        Flux units per unit of normalized flux.
    score_mse, score_sum : float
        Recomputed now.
    arm_residuals : dict of Arm to float
    worst_arm : Arm or None
        None where nothing is covered.
    peak_wavelength : float
        Å.
    agreement : ScoreAgreement
    notes : tuple of str
        Sentences about data that is missing or odd.
    """

    row: int
    facts: dict[str, Any]
    batch: SpectrumBatch
    spectrum: Spectrum
    grid: BinGrid
    normalized_flux: NDArray[np.float32]
    reconstruction: NDArray[np.float32]
    residual: NDArray[np.float32]
    is_covered: NDArray[np.bool_]
    latents: NDArray[np.float32]
    scale: float
    score_mse: float
    score_sum: float
    arm_residuals: dict[Arm, float]
    worst_arm: Arm | None
    peak_wavelength: float
    agreement: ScoreAgreement
    notes: tuple[str, ...]


class Inspector:
    """Reads and reconstructs objects of a store again, one or many.

    Parameters
    ----------
    store : Store
    archive : SpectrumArchive or None
        None when no spectra were named; looking at an object then raises `InputError`.
    reconstructor : Reconstructor
        Must carry the model that made the catalog, else `ModelError`.
    """

    def __init__(
        self, store: Store, archive: SpectrumArchive | None, reconstructor: Reconstructor
    ) -> None:
        check_made_by(reconstructor.card, store.manifest.model.get("id"))
        self.store, self.archive, self.reconstructor = store, archive, reconstructor

    def reconstruct_rows(self, rows: Sequence[int]) -> tuple[SpectrumBatch, Reconstruction]:
        """Read the spectra of store rows, in order, and reconstruct them."""
        if self.archive is None:
            raise InputError("no spectra at hand: start the explorer with --spectra ROOT")
        facts = self.store.records(rows, ("target_id", "source_file", "row_in_file"))
        keys = [ObjectKey(*record.values()) for record in facts]
        batch = self.archive.read(keys)
        return batch, self.reconstructor.reconstruct(batch)

    def inspect(self, row: int) -> Inspection:
        """Return everything about one store row.

        Raises
        ------
        InputError
            No spectra at hand, or the file is missing, changed or unreadable.
        """
        batch, made = self.reconstruct_rows([row])
        facts = self.store.records([row])[0]
        scores = made.scores
        catalog_score = facts["score_mse"]
        return Inspection(
            row=row,
            facts=facts,
            batch=batch,
            spectrum=batch.one(0),
            grid=self.reconstructor.grid,
            normalized_flux=made.model_input.normalized_flux[0],
            reconstruction=made.reconstruction[0],
            residual=made.residual[0],
            is_covered=made.model_input.is_covered[0],
            latents=made.latents[0],
            scale=float(made.model_input.scale[0]),
            score_mse=float(scores.score_mse[0]),
            score_sum=float(scores.score_sum[0]),
            arm_residuals={arm: float(scores.arm_residuals[0, i]) for i, arm in enumerate(ARMS)},
            worst_arm=_LETTER_TO_ARM.get(scores.worst_arm[0]),
            peak_wavelength=float(scores.peak_wavelength[0]),
            agreement=ScoreAgreement(
                float("nan") if catalog_score is None else catalog_score,
                float(scores.score_mse[0]),
                self.reconstructor.tolerance,
            ),
            notes=_describe_faults(batch.one(0)),
        )


def _describe_faults(spectrum: Spectrum) -> tuple[str, ...]:
    """Say what is missing or odd in a spectrum, one sentence each."""
    notes = []
    n_nan = sum(int((~np.isfinite(spectrum.flux[arm])).sum()) for arm in ARMS)
    if n_nan:
        notes.append(f"{n_nan} pixels are NaN or infinite; their bins enter the model as 0.")
    empty = [arm.value.upper() for arm in ARMS if not spectrum.good(arm).any()]
    if len(empty) == len(ARMS):
        notes.append("No data: every pixel has inverse variance 0.")
    elif empty:
        notes.append(f"Arm {' and '.join(empty)} has no data: every pixel has inverse variance 0.")
    return tuple(notes)
