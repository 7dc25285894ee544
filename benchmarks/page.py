"""The page of benchmarks, from the results of the sections that are there."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from anomaly_explorer.dashboard.measuring.report import written
from anomaly_explorer.dashboard.measuring.targets import TARGETS, Target, judge

HEAD = """# Benchmarks

Written by `python -m benchmarks`; nothing here is edited by hand. Ours and the stock way ran one
after the other on the same rows and the same machine: read the ratios, not the single times. `p50`
and `p95` are percentiles of the gestures of a series. A figure that ends in `_stock` is the stock
way as installed, `_stock_lod60` the same with Bokeh's `lod_timeout` at 60 ms. The machine is
shared: the load of the minute before and after each section is stated. The data are simulated.
"""
NOTES = {
    "server": "Steps of the server, without network and browser. Stock is Datashader over all rows "
    "shown, and shade (frames); shapely, vectorised and prepared (lasso; HoloViews itself is "
    "slower); a raster of `where(max)` (hover); vaex `binby` under a range (histogram); NumPy on "
    "float32 rows, a sample extrapolated (neighbors). Bytes are those of the picture deflated at "
    "level 1; of stock those of the counts, which HoloViews sends as they are.",
    "browser": "Chromium without a window: from the input event to the end of the animation frame "
    "that painted the answer. Bytes are those of the messages received before compression, and "
    "`deflated` each message deflated at level 1: what our server puts on the wire, and what a "
    "stock server could but does not. Cold start is from the start of the process to the first "
    "picture of all objects; the marks of the highest scores may come a second later.",
    "crowd": "One measured page among seven clients of the protocol, a gesture every two seconds "
    "each; then eight pages in one browser. Clients and browser share the cores with the server.",
    "sessions": "Clients of the protocol open a page, filter, select and leave, one after the "
    "other, after ten that were open together. Growth is the slope of the private memory (RssAnon) "
    "over the cycles after the first 20; `session_rest` is from then until the last is forgotten.",
    "growth": "Frames of the map, positions only: two rasters and the picture, pyramids kept. "
    "`new_filter` is the one raster that a filter nobody asked for costs.",
    "build": "The three commands as a person runs them; private memory is the RssAnon of a command "
    "and its children, disk is everything in the folder: catalog, store and temporary files.",
    "insights": "`anomaly-explorer insights STORE`, every card: what it counts, or has drawn.",
    "spectra": "Simulated, in DESI's layout, on the CPU. Medians, with the 16th to 84th percentile "
    "in brackets.",
}
TITLES = {
    "server": "Steps of the server", "browser": "End to end in the browser",
    "crowd": "Eight people at once", "sessions": "Sessions that come and go",
    "growth": "Ten times the objects", "build": "From nothing to a store",
    "insights": "Findings", "spectra": "Spectra",
}  # fmt: skip
# Where each line of the targets is measured end to end; limits are those of 22.5M objects.
BROWSER_TARGETS = (
    Target("wheel_ms_p50", "wheel → new pixels, middle", 120),
    Target("wheel_ms_p95", "the same, 95th percentile", 200),
    Target("pan_ms_p95", "pan → new pixels", 200),
    Target("wheel_filtered_ms_p95", "wheel → new pixels under a new range", 300),
    Target("wheel_bytes_deflated_p95", "bytes of a frame on the wire", 250_000, "bytes"),
    Target("lasso_large_ms_p95", "large lasso → count, highlight, table page", 200),
    Target("brush_ms_p95", "histogram brush → every linked view", 250),
    Target("click_ms_p95", "click → spectrum drawn", 150),
    Target("cold_start_ms", "cold start → first picture", 5000),
)
# Ratios that `_derived` makes of the figures of a section.
BROWSER_TARGETS += (
    Target("wheel_ratio", "wheel: stock as installed / ours, middles", 5, "×", is_least=True),
    Target(
        "wheel_ratio_lod60", "wheel: stock with `lod` 60 / ours, middles", 1, "×", is_least=True
    ),
    Target("lasso_ratio", "large lasso: stock / ours, middles", 30, "×", is_least=True),
)
BUILD_TARGETS = (
    Target("build_seconds", "catalog → store", 600, "s"),
    Target("build_mib", "private memory of the build", 8192, "MiB"),
    Target("disk_gib", "catalog, store and temporary files", 45, "GiB"),
    Target("simulate_rate", "simulate, score, write", 3000, "spectra/s", is_least=True),
)
CROWD_TARGETS = (
    Target("crowd_errors", "errors among eight", 0, "of all"),
    Target("crowd_page_ms_p95", "wheel → new pixels, one page among seven clients", 1000),
    Target("crowd_session_mib", "private memory of one more session", 60, "MiB"),
)
SESSION_TARGETS = (
    Target("session_mib", "private memory of one more session", 60, "MiB"),
    Target("session_growth_mib_per_cycle", "growth a session opened and closed", 0.1, "MiB"),
)
GROWTH_TARGETS = tuple(
    Target(f"growth_{name}_ratio", f"frame at 10 × the objects, {words}", 1.5, "×")
    for name, words in (("unfiltered", "unfiltered"), ("tier", "tier × arm"), ("zoomed", "zoomed"))
)
ALL_TARGETS = {
    "server": TARGETS, "browser": BROWSER_TARGETS, "crowd": CROWD_TARGETS,
    "sessions": SESSION_TARGETS, "growth": GROWTH_TARGETS, "build": BUILD_TARGETS,
}  # fmt: skip
_TWINS = ("_stock", "_stock_lod60")
# How many gestures were measured, and how many never had their answer: no figures to compare.
_COUNTS = ("_n", "_missed")


def write_page(results: Path, out: Path) -> None:
    """Write the page from the JSON files of a folder of results."""
    parts = {
        name: json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
        for name in TITLES
        if (results / f"{name}.json").is_file()
    }
    if not parts.get("build", {}).get("stages"):  # a store that was there before
        parts.pop("build", None)
    lines = [HEAD, *_targets(parts)]
    for name, found in parts.items():
        lines += ["", f"## {TITLES[name]}", "", *_about(name, found), ""]
        if "lines" in found:
            lines += found["lines"]
        elif "stages" in found:
            lines += _stages(found)
        elif "figures" in found:
            lines += _figures(found["figures"])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _targets(parts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of all targets: met, or the distance."""
    yield "## Targets"
    yield ""
    yield "For 22.5 million objects on two cores; each line says how many it was measured on."
    yield ""
    yield "| target | measured in | objects | limit | figure | stock / ours | verdict |"
    yield "|---|---|---|---|---|---|---|"
    for section, targets in ALL_TARGETS.items():
        figures = _derived(parts.get(section, {}))
        for target in targets:
            yield _target_line(section, target, figures)


def _derived(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of a section with the ratios and totals that targets speak of."""
    figures = dict(found.get("figures", {}))
    for name, stock, ours in (
        ("wheel_ratio", "wheel_ms_p50_stock", "wheel_ms_p50"),
        ("wheel_ratio_lod60", "wheel_ms_p50_stock_lod60", "wheel_ms_p50"),
        ("lasso_ratio", "lasso_large_ms_p50_stock", "lasso_large_ms_p50"),
    ):
        if stock in figures and figures.get(ours):
            figures[name] = figures[stock] / figures[ours]
    stages = {stage["name"]: stage for stage in found.get("stages", [])}
    if "build" in stages:
        figures["rows"] = found["rows"]
        figures["build_seconds"] = stages["build"]["seconds"]
        figures["build_mib"] = stages["build"]["peak_private_mib"]
        figures["disk_gib"] = stages["build"]["peak_disk_gib"]
        simulated = stages["simulate"]
        figures["simulate_rate"] = simulated["n_objects"] / simulated["seconds"]
    return figures


def _target_line(section: str, target: Target, figures: Mapping[str, float]) -> str:
    value, stock = figures.get(target.figure), figures.get(f"{target.figure}_stock")
    limit = f"{'≥' if target.is_least else '≤'} {written(target.limit)} {target.unit}"
    if value is None:
        return f"| {target.what} | {section} | – | {limit} | – | – | not measured |"
    rows = figures.get("rows", figures.get("growth_rows", 0))
    ratio = f"{stock / value:.2g} ×" if stock is not None and value > 0 else "–"
    return (
        f"| {target.what} | {section} | {rows:,.0f} | {limit} | {written(value)} | {ratio} | "
        f"{judge(figures, target)} |"
    )


def _about(name: str, found: Mapping[str, Any]) -> Iterator[str]:
    yield NOTES[name]
    yield ""
    yield f"- `{found['command']}` on {found['date']}"
    yield from found["machine"]
    before, after = found["load"]
    yield f"- Load of the last minute: {before} before, {after} after, our own work included"


def _figures(figures: Mapping[str, float]) -> Iterator[str]:
    yield "| figure | ours | stock | stock / ours | stock, `lod` 60 | stock / ours |"
    yield "|---|---|---|---|---|---|"
    for name, value in figures.items():
        if name.endswith(_TWINS):
            continue
        cells = [f"`{name}`", written(value)]
        for suffix in _TWINS:
            stock = figures.get(name + suffix)
            is_ratio = stock is not None and value > 0 and not name.endswith(_COUNTS)
            times = f"{stock / value:.2g} ×" if is_ratio else ""
            cells += ["" if stock is None else written(stock), times]
        yield f"| {' | '.join(cells)} |"
    alone = [n for n in figures if n.endswith(_TWINS) and _base(n) not in figures]
    for name in alone:
        yield f"| `{name}` | | {written(figures[name])} | | | |"


def _base(name: str) -> str:
    for suffix in _TWINS:
        name = name.removesuffix(suffix)
    return name


def _stages(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['rows']:,} objects; a simulation that was stopped goes on with what is missing."
    yield ""
    yield "| stage | objects | s | most private memory, MiB | most disk, GiB | disk after, GiB |"
    yield "|---|---|---|---|---|---|"
    for stage in found["stages"]:
        keys = ("n_objects", "seconds", "peak_private_mib", "peak_disk_gib", "disk_gib")
        yield f"| {stage['name']} | {' | '.join(written(stage[key]) for key in keys)} |"
