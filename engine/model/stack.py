"""Stacks: median and percentiles of flux, reconstruction and residual of many objects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.plane.mask import Mask

from .forward import BLOCK
from .inspection import Inspector

MAX_OBJECTS = 10_000
PERCENTILES = (16.0, 50.0, 84.0)
Progress = Callable[[int, int], bool]


@dataclass(frozen=True)
class Stack:
    """The spectra of a selection, summed up per bin, observed frame.

    Parameters
    ----------
    n_objects, n_selected : int
        Objects in the stack, and in the selection it stands for.
    wavelength : (B,) float64
        True bin centres, Å.
    flux, reconstruction, residual : (3, B) float32
        16th, 50th and 84th percentile of normalized flux, reconstruction and their difference,
        each over the objects that cover the bin; NaN where none does.
    n_agree : int
        Objects whose recomputed score agrees with the catalog.
    failures : tuple of str
        One sentence for each file that could not be read again.
    """

    n_objects: int
    n_selected: int
    wavelength: NDArray[np.float64]
    flux: NDArray[np.float32]
    reconstruction: NDArray[np.float32]
    residual: NDArray[np.float32]
    n_agree: int
    failures: tuple[str, ...]


def stack_rows(
    inspector: Inspector, selection: Sequence[int] | Mask, progress: Progress | None = None
) -> Stack:
    """Read, reconstruct and stack store rows.

    Parameters
    ----------
    inspector : Inspector
    selection : sequence of int, or Mask
        Rows; beyond 10,000 a sample evenly spaced in map order is taken, and
        `n_objects` < `n_selected` says so.
    progress : callable, optional
        Called with (done, total); returning False stops early with what is there.

    Returns
    -------
    Stack
        Raises ValueError for an empty selection.
    """
    if isinstance(selection, Mask):
        n_selected, rows = selection.count, selection.sample(MAX_OBJECTS)
    else:
        n_selected, rows = len(selection), _thinned(np.sort(selection))
    if n_selected == 0:
        raise ValueError("a stack needs at least one object")
    chosen = _by_file(inspector, rows)
    parts = _Parts()
    for start in range(0, len(chosen), BLOCK):
        parts.add(inspector, chosen[start : start + BLOCK])
        if progress is not None and not progress(min(start + BLOCK, len(chosen)), len(chosen)):
            break
    grid = inspector.reconstructor.grid
    return Stack(
        n_objects=parts.n_objects,
        n_selected=n_selected,
        wavelength=grid.centers,
        flux=_percentiles(parts.flux, grid.n_bins),
        reconstruction=_percentiles(parts.reconstruction, grid.n_bins),
        residual=_percentiles(parts.residual, grid.n_bins),
        n_agree=parts.n_agree,
        failures=tuple(dict.fromkeys(parts.failures)),
    )


def _thinned(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(rows) <= MAX_OBJECTS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MAX_OBJECTS).astype(np.intp)]


def _by_file(inspector: Inspector, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order by file, so that each is opened once."""
    store = inspector.store
    files, places = store.column("source_file")[rows], store.column("row_in_file")[rows]
    return rows[np.lexsort((places, files))]


class _Parts:
    """What has been read so far."""

    def __init__(self) -> None:
        self.flux: list[NDArray[np.float32]] = []
        self.reconstruction: list[NDArray[np.float32]] = []
        self.residual: list[NDArray[np.float32]] = []
        self.n_objects = self.n_agree = 0
        self.failures: list[str] = []

    def add(self, inspector: Inspector, rows: NDArray[np.int64]) -> None:
        """Add a block; where it fails, add its objects one by one and note the failures."""
        try:
            self._add_block(inspector, rows)
        except ExplorerError as error:
            if len(rows) == 1:
                self.failures.append(str(error))
                return
            for row in rows:
                self.add(inspector, np.array([row]))

    def _add_block(self, inspector: Inspector, rows: NDArray[np.int64]) -> None:
        _, made = inspector.reconstruct_rows(rows.tolist())
        blank = np.where(made.model_input.is_covered, np.float32(0), np.float32(np.nan))
        self.flux.append(made.model_input.normalized_flux + blank)
        self.reconstruction.append(made.reconstruction + blank)
        self.residual.append(made.residual)
        catalog = np.asarray(inspector.store.column("score_mse")[rows], dtype=np.float64)
        recomputed = made.scores.score_mse.astype(np.float64)
        difference = np.abs(recomputed - catalog) / np.maximum(np.abs(catalog), 1e-30)
        tolerance = inspector.reconstructor.tolerance
        agrees = (difference <= tolerance) | (np.isnan(catalog) & np.isnan(recomputed))
        self.n_agree += int(agrees.sum())
        self.n_objects += len(rows)


def _percentiles(parts: list[NDArray[np.float32]], n_bins: int) -> NDArray[np.float32]:
    result = np.full((len(PERCENTILES), n_bins), np.nan, dtype=np.float32)
    if parts:
        values = np.concatenate(parts)
        some = np.isfinite(values).any(axis=0)
        result[:, some] = np.nanpercentile(values[:, some], PERCENTILES, axis=0)
    return result
