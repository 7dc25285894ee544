"""A simulated survey: 25 million spectra that need no storage, each a function of its TARGETID."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.schema import BY_NAME
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from . import identity
from .facts import MORPHTYPES, N_FACTS, OBJTYPES, SPECTYPES, SUBTYPES, Fact
from .population import CLASSES, INJECTED_TYPES
from .random import object_keys
from .render import Fibers, Rows, draw, first_rows, new_bench, new_rows, render

# Raised whenever any spectrum of any survey would change: catalogs name it, and refuse another.
# The drifted generator is a version of its own: see `drift`.
GENERATOR_VERSION, DRIFTED_VERSION = 2, 3

_NUMBERS = {
    "redshift": Fact.REDSHIFT,
    "redshift_error": Fact.REDSHIFT_ERROR,
    "redshift_warning": Fact.REDSHIFT_WARNING,
    "deltachi2": Fact.DELTACHI2,
    "flux_g": Fact.FLUX_G,
    "flux_r": Fact.FLUX_R,
    "flux_z": Fact.FLUX_Z,
    "flux_w1": Fact.FLUX_W1,
    "flux_w2": Fact.FLUX_W2,
    "ebv": Fact.EBV,
    "parallax": Fact.PARALLAX,
    "gaia_phot_g_mean_mag": Fact.GAIA_G,
    "sersic": Fact.SERSIC,
    "shape_r": Fact.SHAPE_R,
    "coadd_numexp": Fact.EXPOSURES,
    "coadd_exptime": Fact.SECONDS,
    "snr_b": Fact.SNR_B,
    "snr_r": Fact.SNR_R,
    "snr_z": Fact.SNR_Z,
    "fiber_status": Fact.FIBER_STATUS,
}
_TEXTS = {
    "spectype": (Fact.SPECTYPE, SPECTYPES),
    "subtype": (Fact.SUBTYPE, SUBTYPES),
    "morphtype": (Fact.MORPHTYPE, MORPHTYPES),
    "objtype": (Fact.OBJTYPE, OBJTYPES),
    "injected_type": (Fact.INJECTED, INJECTED_TYPES),
}
# Seconds of effective exposure per unit of TSNR2: desispec's definition of EFFTIME_SPEC.
_SECONDS_PER_TSNR2 = {"qso": 33.61, "elg": 8.60, "lrg": 12.15, "bgs": 0.14}
_CHUNK = 512  # anomalies rendered at once to measure their strength: 50 MB
_FIBER_OFFSET_DEG = 1e-5  # 0.04 arcsec: how far fibers miss their targets


@dataclass(frozen=True)
class SimulatedSurvey:
    """A survey of simulated DESI spectra.

    A spectrum is a pure function of (generator version, seed, TARGETID) on native pixels: the same
    bits alone, in any batch, in any order, through files or without.

    Parameters
    ----------
    seed : int
        0 to 2^63 - 1; another seed is another universe.
    version : int
        Generator version: the present one, or the present drifted one.

    Examples
    --------
    >>> survey = SimulatedSurvey(seed=42)
    >>> batch = survey.spectra(survey.target_ids(2))
    >>> batch.flux[Arm.BLUE].shape, bool(batch.columns["is_simulated"].all())
    ((2, 2751), True)
    """

    seed: int
    version: int = GENERATOR_VERSION

    def __post_init__(self) -> None:
        if self.version not in (GENERATOR_VERSION, DRIFTED_VERSION):
            raise InputError(
                f"The simulated survey asks for generator version {self.version}, and this "
                f"program has version {GENERATOR_VERSION} (drifted: {DRIFTED_VERSION}): simulate "
                "the survey again."
            )
        if not 0 <= self.seed < 2**63:
            raise InputError(f"A survey's seed is a number from 0 to 2^63 - 1, got {self.seed}.")

    def target_ids(self, n: int) -> NDArray[np.int64]:
        """Return the TARGETIDs of the first n objects, (n,).

        Raises InputError when the survey is smaller than that.
        """
        if not 0 < n <= identity.capacity():
            raise InputError(
                f"A simulated survey holds 1 to {identity.capacity():,} objects, got {n:,}."
            )
        return identity.target_ids(self.seed, self.version, np.arange(n))

    def indices(self, target_ids: Sequence[int] | NDArray[Any]) -> NDArray[np.int64]:
        """Return where TARGETIDs stand in the survey, (N,); InputError for an id of another."""
        ids = np.asarray(target_ids, dtype=np.int64)
        return identity.indices_of(self.seed, self.version, ids)

    def spectra(self, target_ids: Sequence[int] | NDArray[Any]) -> SpectrumBatch:
        """Return the spectra of TARGETIDs in the given order, with every reader column.

        Raises InputError when an id is not of this survey.
        """
        return self.spectra_with_truth(target_ids)[0]

    def spectra_with_truth(
        self, target_ids: Sequence[int] | NDArray[Any]
    ) -> tuple[SpectrumBatch, dict[str, NDArray[Any]]]:
        """Return `spectra` and `truth` of the same objects, made once."""
        ids = np.asarray(target_ids, dtype=np.int64)
        rows = self._render(ids, has_truth=False)
        return self._batch(ids, rows), truth_of(ids, rows.facts)

    def stream(self, indices: range, n: int) -> Iterator[SpectrumBatch]:
        """Yield the spectra at consecutive survey indices, at most n at a time.

        The arrays of a batch are overwritten by the next one: a catalog is made from spectra that
        nobody keeps, and fresh memory for each would cost a tenth of the time.
        """
        ids = identity.target_ids(self.seed, self.version, np.arange(indices.start, indices.stop))
        rows, bench = new_rows(min(n, len(ids)), has_truth=False), new_bench()
        for start in range(0, len(ids), n):
            some = ids[start : start + n]
            part = first_rows(rows, len(some))
            render(self._fibers(some), bench, part)
            yield self._batch(some, part)

    def noiseless(
        self, target_ids: Sequence[int] | NDArray[Any]
    ) -> tuple[dict[Arm, NDArray[np.float64]], dict[Arm, NDArray[np.float64]]]:
        """Return what the arms would see without noise, and the true sigma: (N, n) per arm."""
        rows = self._render(np.asarray(target_ids, dtype=np.int64), has_truth=True)
        models = dict(zip(ARMS, rows.model, strict=True))
        return models, dict(zip(ARMS, rows.sigma, strict=True))

    def truth(self, target_ids: Sequence[int] | NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return what was put in, (N,) each.

        Keys: target_id, injected_type ('' = none), class, redshift, flux (mean near 6500 Å,
        1e-17 erg s⁻¹ cm⁻² Å⁻¹), strength (ideal S/N of the anomaly, the root of the sum of
        ivar × difference²; 0 = none) and peak_wavelength (Å, where it stands out; NaN = none).
        """
        ids = np.asarray(target_ids, dtype=np.int64)
        facts = np.zeros((len(ids), N_FACTS))
        draw(self._fibers(ids), facts)
        injected = np.flatnonzero(facts[:, Fact.INJECTED])
        for start in range(0, len(injected), _CHUNK):
            part = injected[start : start + _CHUNK]
            facts[part] = self._render(ids[part], has_truth=False).facts
        return truth_of(ids, facts)

    def injected_types(self, target_ids: Sequence[int] | NDArray[Any]) -> NDArray[np.str_]:
        """Return what `truth` says of the injected types, (N,), and render nothing for it."""
        ids = np.asarray(target_ids, dtype=np.int64)
        facts = np.zeros((len(ids), N_FACTS))
        draw(self._fibers(ids), facts)
        return np.array(INJECTED_TYPES)[facts[:, Fact.INJECTED].astype(np.intp)]

    def fiber_uses(self, target_ids: Sequence[int] | NDArray[Any]) -> NDArray[np.int8]:
        """Return what the fibers were put on, (N,): `identity.SCIENCE`, `SKY`, `UNASSIGNED`."""
        indices = self.indices(np.asarray(target_ids, dtype=np.int64))
        return identity.fiber_uses(self.seed, self.version, indices)

    def _render(self, ids: NDArray[np.int64], *, has_truth: bool) -> Rows:
        rows = new_rows(len(ids), has_truth=has_truth)
        # A fresh bench per call: threads may ask at the same time.
        render(self._fibers(ids), new_bench(), rows)
        return rows

    def _batch(self, ids: NDArray[np.int64], rows: Rows) -> SpectrumBatch:
        return SpectrumBatch(
            dict(zip(ARMS, rows.flux, strict=True)),
            dict(zip(ARMS, rows.ivar, strict=True)),
            dict(zip(ARMS, rows.mask, strict=True)),
            self._columns(ids, rows.facts),
        )

    def _fibers(self, ids: NDArray[np.int64]) -> Fibers:
        indices = self.indices(ids)
        return Fibers(
            object_keys(np.uint64(self.seed), np.uint64(self.version), ids),
            identity.fiber_uses(self.seed, self.version, indices),
            identity.program_codes(indices),
            self.version == DRIFTED_VERSION,
        )

    def _columns(self, ids: NDArray[np.int64], facts: NDArray[np.float64]) -> dict[str, NDArray]:
        columns: dict[str, NDArray] = {"target_id": ids.copy()}
        for name, fact in _NUMBERS.items():
            columns[name] = facts[:, fact].astype(BY_NAME[name].dtype)
        for name, (fact, words) in _TEXTS.items():
            columns[name] = np.array(words)[facts[:, fact].astype(np.intp)]
        for name, seconds in _SECONDS_PER_TSNR2.items():
            depth = facts[:, Fact.EFFECTIVE_SECONDS] / seconds
            columns[f"tsnr2_{name}"] = depth.astype(np.float32)
        return columns | self._places(ids)

    def _places(self, ids: NDArray[np.int64]) -> dict[str, NDArray]:
        indices = self.indices(ids)
        cells = identity.cells_of(indices)
        keys = object_keys(np.uint64(self.seed), np.uint64(self.version), ids)
        ra, dec = identity.positions(keys, cells)
        programs = np.array(identity.PROGRAMS)[identity.program_codes(indices)]
        groups = [f"healpix/main/{p}/{c}" for p, c in zip(programs, cells, strict=True)]
        n = len(ids)
        return {
            "ra_deg": ra,
            "dec_deg": dec,
            "target_ra": ra.astype(np.float32),
            "target_dec": dec.astype(np.float32),
            "mean_fiber_ra": (ra + _FIBER_OFFSET_DEG).astype(np.float32),
            "mean_fiber_dec": (dec - _FIBER_OFFSET_DEG).astype(np.float32),
            "survey": np.full(n, "simulated"),
            "desi_survey": np.full(n, "main"),
            "program": programs,
            "healpix": cells.astype(np.int32),
            "tile_id": identity.tile_ids(indices).astype(np.int32),
            "location": identity.locations(indices).astype(np.int32),
            "coadd_group": np.array(groups, dtype=str),
            "id_origin": np.full(n, "survey"),
            "is_simulated": np.ones(n, bool),
            "row_in_file": identity.rows_in_file(indices).astype(np.int32),
        }


def truth_of(ids: NDArray[np.int64], facts: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return the truth table of rendered objects, (N,) each: see `SimulatedSurvey.truth`."""
    injected = facts[:, Fact.INJECTED].astype(np.intp)
    peak = np.where(injected > 0, facts[:, Fact.PEAK_WAVELENGTH], np.nan)
    return {
        "target_id": ids.copy(),
        "injected_type": np.array(INJECTED_TYPES)[injected],
        "class": np.array(CLASSES)[facts[:, Fact.KIND].astype(np.intp)],
        "redshift": facts[:, Fact.TRUE_REDSHIFT].copy(),
        "flux": facts[:, Fact.TRUE_FLUX].copy(),
        "strength": facts[:, Fact.STRENGTH].copy(),
        "peak_wavelength": peak,
    }
