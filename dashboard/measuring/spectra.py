"""Gestures that ask for latents or spectra: nearest objects, a click, a stack."""

from pathlib import Path

import numpy as np

from anomaly_explorer.dashboard.live import load_inspector, open_archive
from anomaly_explorer.dashboard.settings import Settings
from anomaly_explorer.engine.catalog.latents import Latents
from anomaly_explorer.engine.embedding.neighbors import nearest_rows
from anomaly_explorer.engine.errors import ExplorerError

from .stock import StockNeighbors
from .timing import middle, middle_and_tail, time_each, time_once
from .visit import Visit

_N_CLICKS = 40
_N_STACKED = 10_000


def neighbor_figures(visit: Visit) -> dict[str, float]:
    """Measure the nearest 50 of all in latent space, warm; NumPy on a sample, extrapolated."""
    store = visit.store
    latents = Latents(store.path / "latents.f16", store.n_objects, store.manifest.latent_block)
    rows = _rows_with_latents(visit, 4)
    if not rows:
        return {}
    time_once(lambda: nearest_rows(latents, rows[0]))
    times = time_each((lambda r=r: nearest_rows(latents, r) for r in rows[1:]), visit.enough, 1)
    figures = {"neighbors_ms": middle(times)}
    if visit.has_stock:
        stock = StockNeighbors(store)
        places = store.latents(np.array(rows))
        times = time_each((lambda p=p: stock.nearest(p) for p in places), visit.enough)
        figures["neighbors_ms_stock"] = middle(times) / stock.share
        figures["neighbors_stock_sampled"] = float(stock.n_rows)
    return figures


def click_figures(visit: Visit, spectra: Path | None, weights: Path | None) -> dict[str, float]:
    """Measure a click and a stack; no figures where the spectra or their model are not at hand.

    Parameters
    ----------
    visit : Visit
    spectra : Path, optional
        Root of the files of spectra; a simulated store makes its own anew.
    weights : Path, optional
        Weights file, default: the shipped one.
    """
    from anomaly_explorer.engine.model.stack import stack_rows

    settings = Settings(visit.store.path, spectra, weights)
    try:
        archive = open_archive(visit.store, settings)
        if archive is None:
            return {}
        archive.close()
        inspector = load_inspector(visit.store, settings)
        rows = np.random.default_rng(9).integers(visit.store.n_objects, size=_N_CLICKS)
        time_once(lambda: inspector.inspect(int(rows[0])))
        clicks = time_each(
            (lambda r=r: inspector.inspect(int(r)) for r in rows[1:]), 2 * visit.enough
        )
        stacked = np.unique(
            np.random.default_rng(10).integers(visit.store.n_objects, size=_N_STACKED)
        )
        took = time_once(lambda: stack_rows(inspector, stacked))
    except ExplorerError:  # files that moved, weights of another catalog: nothing to measure
        return {}
    inspector.reconstructor.close()
    figures = middle_and_tail("click_ms", clicks)
    return figures | {"stack_ms": took, "stack_objects": float(len(stacked))}


def _rows_with_latents(visit: Visit, n: int) -> list[int]:
    """Return up to n rows all of whose latents are numbers."""
    rows = np.random.default_rng(4).integers(visit.store.n_objects, size=20 * n)
    known = np.isfinite(visit.store.latents(rows)).all(axis=1)
    return rows[known][:n].tolist()
