"""The steps of the server by pytest-benchmark: `BENCH_STORE=folder pytest benchmarks`.

For comparing two versions of the code on one machine (`--benchmark-compare`); the page of
benchmarks is written by `python -m benchmarks`.
"""

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anomaly_explorer.dashboard.measuring.drawing import draw
from anomaly_explorer.dashboard.measuring.path import walk, whole
from anomaly_explorer.dashboard.measuring.visit import Visit, random_ranges, wave_lasso
from anomaly_explorer.engine.catalog.latents import Latents
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.embedding.neighbors import nearest_rows
from anomaly_explorer.engine.plane.lasso import mask_polygon

pytest.importorskip("pytest_benchmark")


@pytest.fixture(scope="module")
def visit() -> Visit:
    """Return a session over the store named by BENCH_STORE."""
    named = os.environ.get("BENCH_STORE")
    if not named:
        pytest.skip("set BENCH_STORE to the folder of a store")
    return Visit(Store.open(Path(named)), has_stock=False)


@pytest.mark.parametrize("plane", ["umap", "score_snr"])
def test_frame_of_a_walk(benchmark: Any, visit: Visit, plane: str) -> None:
    shown = visit.session.plane(plane)
    viewports = itertools.cycle(list(walk(shown, seed=1)))
    draw(visit.session, shown, whole(shown))
    benchmark(lambda: draw(visit.session, shown, next(viewports)))


def test_first_frame_of_a_new_filter(benchmark: Any, visit: Visit) -> None:
    numbers, plane = itertools.count(), visit.session.plane("umap")

    def new_filter() -> None:
        visit.session.state.ranges = random_ranges(visit.store, next(numbers))

    benchmark.pedantic(lambda: draw(visit.session, plane, whole(plane)), setup=new_filter, rounds=8)
    visit.session.state.ranges = ()


@pytest.mark.parametrize("reach", [0.03, 0.3])
def test_mask_of_a_lasso(benchmark: Any, visit: Visit, reach: float) -> None:
    plane = visit.session.plane("umap")
    x0, x1, y0, y1 = plane.extent
    center = float(np.median(plane.x[::100])), float(np.median(plane.y[::100]))
    at = wave_lasso(center, (reach * (x1 - x0), reach * (y1 - y0)))
    benchmark(lambda: mask_polygon(plane, *at))


def test_histogram(benchmark: Any, visit: Visit) -> None:
    names = itertools.cycle(visit.session.frames.histograms)
    benchmark(lambda: visit.session.histogram(next(names)))


def test_page_of_the_table(benchmark: Any, visit: Visit) -> None:
    benchmark(visit.session.page)


def test_nearest_objects(benchmark: Any, visit: Visit) -> None:
    store = visit.store
    latents = Latents(store.path / "latents.f16", store.n_objects, store.manifest.latent_block)
    known = np.isfinite(store.latents(np.arange(min(1000, store.n_objects)))).all(axis=1)
    rows = itertools.cycle(np.flatnonzero(known)[:5].tolist())
    benchmark.pedantic(lambda: nearest_rows(latents, next(rows)), rounds=5, warmup_rounds=1)
