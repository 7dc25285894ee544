"""What `bench` measures: every promised figure, finite, of a store as small as it may be."""

import importlib
import json
import math
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard.measuring.drawing import bytes_sent
from anomaly_explorer.dashboard.measuring.gestures import _span
from anomaly_explorer.dashboard.measuring.path import SIZE, walk
from anomaly_explorer.dashboard.measuring.report import table_of
from anomaly_explorer.dashboard.measuring.run import Wish, measure_store
from anomaly_explorer.dashboard.measuring.stock import StockLasso, StockMap
from anomaly_explorer.dashboard.measuring.targets import TARGETS, judge
from anomaly_explorer.dashboard.measuring.timing import middle_and_tail, time_each
from anomaly_explorer.dashboard.measuring.visit import random_ranges, wave_lasso
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.insights.run import NAMES
from anomaly_explorer.engine.plane.cells import CellIndex, morton_codes
from anomaly_explorer.engine.plane.lasso import mask_polygon

PROMISED = (
    "rows", "frame_ms_p50", "frame_ms_p95", "frame_filtered_ms_p95", "frame_bytes_p95",
    "lasso_mask_ms", "hover_ms", "histogram_ms", "neighbors_ms",
)  # fmt: skip
TWINS = ("frame_ms_p50", "frame_bytes_p95", "lasso_mask_ms", "hover_ms", "histogram_ms",
         "neighbors_ms")  # fmt: skip


@pytest.fixture
def part_of(monkeypatch):
    """Import a part of the benchmarks, which are in the checkout and not in the package."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2]))
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.fixture(scope="module")
def figures(made):
    wish = Wish(made / "store", made / "spectra", made / "w.safetensors", enough=0.0)
    return measure_store(wish)


def test_a_column_without_values_has_a_span_all_the_same(made):
    visit = SimpleNamespace(store=Store.open(made / "store"))
    assert _span(visit, "redshift") == (0.0, 1.0)
    low, high = _span(visit, "score_mse")
    assert 0 < low < high


def test_every_promised_figure_is_there_and_finite(figures):
    assert set(PROMISED) <= figures.keys()
    assert {f"{name}_stock" for name in TWINS} <= figures.keys()
    assert all(math.isfinite(value) and value >= 0 for value in figures.values())
    assert figures["rows"] == 30


def test_every_target_is_measured(figures):
    assert "not measured" not in {judge(figures, target) for target in TARGETS}


def test_the_table_names_every_figure_once_and_every_target(figures):
    lines = table_of(figures)
    for name in figures:
        if not name.endswith("_stock"):
            assert sum(line.split()[:1] == [name] for line in lines) == 1
    assert all(any(target.what in line for line in lines) for target in TARGETS)


def test_the_command_prints_the_table_and_writes_the_figures(run, made, tmp_path, monkeypatch):
    from anomaly_explorer.dashboard.measuring import run as measuring

    wishes = []
    monkeypatch.setattr(measuring, "measure_store", lambda w, _: wishes.append(w) or {"rows": 3.0})
    code, out, err = run("bench", made / "store", "--json", "figures.json")
    assert (code, err) == (0, [])
    assert wishes[0].store == made / "store"
    assert any(line.split() == ["rows", "3"] for line in out)
    assert json.loads((tmp_path / "figures.json").read_text()) == {"rows": 3.0}


def test_the_command_refuses_what_is_no_store(run, tmp_path):
    code, out, err = run("bench", tmp_path)
    assert (code, out, len(err)) == (2, [], 1)


def test_a_store_without_spectra_is_measured_but_for_the_click(made):
    figures = measure_store(Wish(made / "store", has_stock=False, enough=0.0))
    assert "click_ms_p95" not in figures
    assert not any(name.endswith("_stock") for name in figures)


@given(st.integers(0, 2**32))
def test_no_walk_leaves_the_numbers_a_viewport_may_have(made, seed):
    plane = Store.open(made / "store").plane("umap")
    viewports = list(walk(plane, seed))
    assert len(viewports) >= 20
    assert {(v.width, v.height) for v in viewports} == {SIZE}
    areas = [(v.x1 - v.x0) * (v.y1 - v.y0) for v in viewports]
    assert max(areas) / min(areas) > 100


def test_ranges_differ_and_keep_some(made):
    store = Store.open(made / "store")
    found = {random_ranges(store, seed) for seed in range(8)}
    assert len(found) == 8
    assert all(low <= high for limits in found for _, low, high in limits)


def test_the_stock_lasso_picks_what_ours_picks(made):
    plane = Store.open(made / "store").plane("umap")
    x0, x1, y0, y1 = plane.extent
    at = wave_lasso(((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 4, (y1 - y0) / 4))
    assert mask_polygon(plane, *at).count == StockLasso(plane).inside(*at).sum()


def test_the_stock_map_holds_the_rows_shown(made):
    store = Store.open(made / "store")
    plane = store.plane("score_snr")
    mask = mask_polygon(store.plane("umap"), *wave_lasso((0, 0), (1, 1)))
    shown = mask.bools() if plane.rows is None else mask.bools()[plane.rows]
    assert len(StockMap(plane, mask).table) == shown[: len(plane)].sum()


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_the_tail_is_no_less_than_the_middle(times):
    figures = middle_and_tail("a", times)
    assert figures["a_p50"] <= figures["a_p95"] * 1.001
    assert figures["a_p95"] <= max(times) * 1.001


def test_a_series_ends_when_it_took_long_enough():
    assert len(time_each((lambda: None for _ in range(5)), 0.0, least=2)) == 2
    assert len(time_each((lambda: None for _ in range(5)), 60.0)) == 5


def test_what_is_alike_is_few_bytes(rng):
    noise = rng.integers(0, 256, (70, 90), dtype=np.uint8)
    assert bytes_sent(np.zeros_like(noise)) < 200 < bytes_sent(noise)


def test_a_multiplied_plane_is_one_in_map_order(made, part_of, tmp_path):
    plane = Store.open(made / "store").plane("umap")
    large = part_of("growth").multiply(plane, tmp_path / "multiplied", 7)
    assert len(large) == 7 * len(plane)
    codes = morton_codes(*large.cells.square.quantize(large.x, large.y))
    assert np.all(codes[1:] >= codes[:-1])
    index = CellIndex.of_codes(large.cells.square, codes)
    assert index.level == large.cells.level
    np.testing.assert_array_equal(index.offsets, large.cells.offsets)


def test_the_page_says_what_was_met_and_what_was_not(figures, part_of, tmp_path):
    facts = {"command": "c", "date": "d", "machine": ["- m"], "load": ["0.1", "0.2"]}
    found = {**facts, "figures": {**figures, "click_ms_p95": 300.0}}
    (tmp_path / "server.json").write_text(json.dumps(found))
    part_of("page").write_page(tmp_path, tmp_path / "page.md")
    lines = (tmp_path / "page.md").read_text().splitlines()
    assert any("click" in line and "2 × the target" in line for line in lines)
    assert any("cold start" in line and "not measured" in line for line in lines)


def test_a_watched_command_tells_its_memory_and_disk(part_of, tmp_path):
    code = (
        "import time, pathlib; kept = bytearray(40 << 20); kept[::4096] = b'1' * (10 << 10); "
        "pathlib.Path('made').write_bytes(bytes(kept)); time.sleep(1.2)"
    )
    command = [sys.executable, "-c", f"import os; os.chdir({str(tmp_path)!r}); {code}"]
    stage = part_of("stages").watch("write", command, tmp_path, n_objects=7)
    assert (stage.name, stage.code, stage.n_objects) == ("write", 0, 7)
    assert stage.seconds > 1
    assert stage.peak_private_mib > 40
    assert stage.disk_gib == pytest.approx(40 / 1024, rel=0.1)


def test_the_rate_of_a_simulation_is_that_of_what_it_made_itself(
    part_of, write_catalog, tmp_path, monkeypatch
):
    stages = part_of("stages")
    write_catalog(tmp_path / "made" / "catalog", sizes=(30, 20))
    monkeypatch.setattr(stages, "watch", lambda name, _, __, n: stages.Stage(name, 2, *[0] * 4, n))
    stages.make_store(tmp_path / "made", 70)
    facts = {"command": "c", "date": "d", "machine": [], "load": [0, 0]}
    found = {**facts, **json.loads((tmp_path / "made" / "stages.json").read_text())}
    (tmp_path / "build.json").write_text(json.dumps(found))
    part_of("page").write_page(tmp_path, tmp_path / "page.md")
    (line,) = (x for x in (tmp_path / "page.md").read_text().splitlines() if "score, write" in x)
    assert line.split("|")[5].strip() == "10"  # 20 of 70 in 2 s


def test_every_finding_of_a_store_has_a_line(part_of, random_store, tmp_path):
    store = shutil.copytree(random_store.path, tmp_path / "store")
    lines = part_of("insights").insight_lines(store, random_store.n_objects)
    assert lines[0].startswith("1,000 objects: ")
    cards = [line.split("`")[1] for line in lines[4:]]
    assert cards == list(NAMES)
    assert {line.count("|") for line in lines[2:]} == {6}
