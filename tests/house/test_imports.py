"""Arrows between packages: app → views → state → engine, and never back."""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
UI = {"panel", "panel_material_ui", "bokeh", "holoviews", "param"}
OURS = "anomaly_explorer"


def imports_of(source: str, package: str) -> set[str]:
    """Every absolute module name a source imports, relative ones resolved against its package."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            stem = ".".join(base) if node.level else ""
            module = ".".join(part for part in (stem, node.module) if part)
            names.add(module)
            names.update(f"{module}.{alias.name}" for alias in node.names)
    return names


def offences(path: str, source: str) -> list[str]:
    """What a file imports against the arrows; `path` is relative to the checkout."""
    parts = Path(path).with_suffix("").parts
    package = ".".join((OURS, *parts[:-1]))
    names = imports_of(source, package)
    dashboard = f"{OURS}.dashboard"
    banned: list[str] = []
    if parts[0] == "engine":
        banned += [n for n in names if n.split(".")[0] in UI or n.startswith(dashboard)]
    if path == "dashboard/state.py":
        banned += [n for n in names if n.split(".")[0] in UI - {"param"}]
    if parts[:2] == ("dashboard", "views"):
        own = f"{dashboard}.views."
        banned += [n for n in names if n.startswith(own) and n.split(".")[3] != parts[-1]]
        banned += [n for n in names if n.startswith((f"{dashboard}.app", f"{dashboard}.cli"))]
    return banned


def files_of(*folders: str) -> list[str]:
    """Every Python file in some folders, relative to the checkout."""
    return sorted(
        path.relative_to(CHECKOUT).as_posix()
        for folder in folders
        for path in (CHECKOUT / folder).rglob("*.py")
    )


SOURCES, BESIDE = files_of("engine", "dashboard"), files_of("tests", "benchmarks", "docs")


@pytest.mark.parametrize("path", SOURCES)
def test_no_file_imports_against_the_arrows(path):
    assert offences(path, (CHECKOUT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "planted"),
    [
        ("engine/scoring/tiers.py", "import panel as pn"),
        ("engine/scoring/tiers.py", "from anomaly_explorer.dashboard.state import ExplorerState"),
        ("engine/plane/raster.py", "def f():\n    import bokeh.plotting"),
        ("dashboard/state.py", "from panel.viewable import Viewer"),
        ("dashboard/views/map.py", "from .table import TableView"),
        ("dashboard/views/map.py", "from anomaly_explorer.dashboard.views.table import TableView"),
        ("dashboard/views/map.py", "from anomaly_explorer.dashboard import app"),
    ],
)
def test_the_check_sees_a_planted_offender(path, planted):
    assert offences(path, planted)


@pytest.mark.parametrize("path", [*SOURCES, *BESIDE])
def test_files_fit_in_a_head(path):
    assert len((CHECKOUT / path).read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", [*SOURCES, *BESIDE])
def test_no_vague_names(path):
    assert Path(path).stem not in {"utils", "helpers", "misc", "manager", "common"}
