"""The documents say what the code says: commands, columns, tiers, links, docstrings, folders."""

import argparse
import ast
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from anomaly_explorer.dashboard.cli import make_parser
from anomaly_explorer.dashboard.keys import MEANINGS
from anomaly_explorer.engine.catalog.schema import COLUMNS
from anomaly_explorer.engine.scoring.tiers import TIERS
from anomaly_explorer.engine.simulation.population import INJECTED_TYPES

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
PAGES = sorted([*CHECKOUT.glob("*.md"), *DOCS.rglob("*.md")])
# A shape in a docstring: "(N,)", "(N, B) float32", "each (n,)", "(3, B)", "(H, W)".
SHAPE = re.compile(r"\((?:[A-Z]'?|[nd]|n_rows|\d+)(?: [+-] \d)?,|\(height, width\)|\bshape\b")


def text(path):
    return (CHECKOUT / path).read_text(encoding="utf-8")


def subcommands():
    parser = make_parser()
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return action.choices


def guide_row(command):
    """The line of the guide's table of commands that is about one command."""
    rows = [line for line in text("docs/guide.md").splitlines() if line.startswith("| `")]
    return next((line for line in rows if re.match(rf"\| `{command}[ `]", line)), "")


@pytest.mark.parametrize("command", sorted(subcommands()))
def test_the_guide_has_every_command_with_its_options(command):
    row = guide_row(command)
    assert row, f"docs/guide.md has no row for {command}"
    if command == "demo":  # it takes the options of serve, and the guide says so
        row += guide_row("serve")
    for action in subcommands()[command]._actions:
        for option in action.option_strings:
            if option not in ("-h", "--help"):
                assert f"`{option}`" in row, f"{command} {option} is not in its row of the guide"


def test_the_guide_invents_no_option():
    known = {o for p in subcommands().values() for a in p._actions for o in a.option_strings}
    written = set(re.findall(r"`(--[a-z-]+)`", text("docs/guide.md")))
    assert written - known <= {"--version"}


def test_defaults_in_the_guide_are_those_of_the_parser():
    for command, parser in subcommands().items():
        for action in parser._actions:
            if isinstance(action.default, int) and not isinstance(action.default, bool):
                row = guide_row(command)
                name = action.option_strings[0]
                written = re.search(rf"`{name}` \(([\d,]+)", row)
                if name in row:
                    assert written, f"{command} {name}: the guide does not say the default"
                    assert int(written[1].replace(",", "")) == action.default


def column_module():
    spec = importlib.util.spec_from_file_location("columns", DOCS / "columns.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_column_table_is_that_of_the_schema():
    page = text("docs/data.md")
    assert column_module().page_with_table(page) == page, "run `python docs/columns.py`"
    for column in COLUMNS:
        if not column.name.startswith("latent_"):
            assert f"| `{column.name}` | `{column.catalog_name}` | {column.dtype} |" in page


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_the_guide_has_every_tier_with_its_rule(tier):
    row = f"| `{tier.name}` | {tier.label} | {tier.rule} | {tier.kind} |"
    assert row in text("docs/guide.md").splitlines()


def test_the_data_page_names_every_injected_type():
    page = text("docs/data.md")
    assert [t for t in INJECTED_TYPES if t and f"`{t}`" not in page] == []


def test_every_dependency_has_its_role():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    names = {re.split(r"[^a-z0-9-]", item, maxsplit=1)[0] for item in project["dependencies"]}
    table = text("docs/decisions/0002-dependencies.md")
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    assert names <= {name.strip() for row in rows for name in row.split(",")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_links_between_documents_resolve(page):
    broken = [
        target
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_map_in_the_readme_is_the_tree():
    named = set(re.findall(r"^\| `([a-z/]+)` \|", text("README.md"), re.MULTILINE))
    assert {name for name in named if not (CHECKOUT / name).is_dir()} == set()
    engine = {f"engine/{path.parent.name}" for path in (CHECKOUT / "engine").glob("*/__init__.py")}
    assert engine <= named


@pytest.mark.parametrize("folder", ["engine", "dashboard"])
def test_the_architecture_names_every_file(folder):
    page = text("docs/architecture.md")
    missing = {
        path.stem
        for path in (CHECKOUT / folder).rglob("*.py")
        if path.stem not in ("__init__", "errors") and f"`{path.stem}`" not in page
    }
    assert missing == set()


def undocumented(source):
    """Names of public functions and classes without docstring, or with arrays but no shape.

    The shape may stand in the docstring of the function, of its class or of its module.
    """
    tree = ast.parse(source)
    faults = []

    def visit(nodes, around):
        for node in nodes:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            own = ast.get_docstring(node) or ""
            if not own:
                faults.append(f"{node.name}: no docstring")
            if isinstance(node, ast.ClassDef):
                visit(node.body, around + own)
            elif has_arrays(node) and not SHAPE.search(around + own):
                faults.append(f"{node.name}: arrays without a shape")

    visit(tree.body, ast.get_docstring(tree) or "")
    return faults


def has_arrays(function):
    """Whether an annotation names arrays; a SpectrumBatch carries its shapes in its own words."""
    arguments = [*function.args.args, *function.args.kwonlyargs]
    annotations = [a.annotation for a in arguments] + [function.returns]
    return any("NDArray" in ast.unparse(a) for a in annotations if a is not None)


@pytest.mark.parametrize(
    "path",
    sorted((CHECKOUT / "engine").rglob("*.py")),
    ids=lambda path: path.relative_to(CHECKOUT).as_posix(),
)
def test_public_names_of_the_engine_say_what_they_are(path):
    assert undocumented(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ("def f(): return 1", "f: no docstring"),
        ("class A:\n    'Word.'\n    def m(self): pass", "m: no docstring"),
        ("def f(x: NDArray[np.float32]) -> int:\n    'Count.'", "f: arrays without a shape"),
        ("def f() -> 'NDArray[np.int64]':\n    'Give.'", "f: arrays without a shape"),
    ],
)
def test_the_check_sees_a_planted_fault(planted, fault):
    assert fault in undocumented(planted)


def test_the_check_accepts_a_shape():
    assert undocumented("def f(x: NDArray[np.float32]) -> int:\n    'Count, (N,).'") == []


def test_the_guide_lists_every_key_with_its_meaning():
    guide = (CHECKOUT / "docs" / "guide.md").read_text(encoding="utf-8")
    for key, meaning in MEANINGS.items():
        assert f"| `{key}` | {meaning} |" in guide
