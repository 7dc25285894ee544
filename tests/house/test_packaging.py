"""The package list, the two lists of dependencies, and the wheel."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGED = ("assets", "dashboard", "engine")


def test_the_package_list_names_every_folder_with_an_init():
    found = {
        "anomaly_explorer." + ".".join(path.parent.relative_to(CHECKOUT).parts)
        for folder in PACKAGED
        for path in (CHECKOUT / folder).rglob("__init__.py")
    }
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == found


def test_conda_users_get_the_same_dependencies():
    environment = yaml.safe_load((CHECKOUT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert pip[-1] == "--editable ."
    assert set(pip[:-1]) == set(PYPROJECT["project"]["dependencies"])


def test_the_changelog_begins_with_the_version():
    lines = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    first = next(line for line in lines if line.startswith("## "))
    assert first.split()[1] == PYPROJECT["project"]["version"]


def test_help_answers_without_heavy_imports():
    heavy = "{'torch', 'panel', 'vaex', 'umap', 'astropy', 'numpy'}"
    code = (
        "import sys; from anomaly_explorer.dashboard.cli import make_parser; make_parser(); "
        f"print(sorted({heavy} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(CHECKOUT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_every_module_and_asset(wheel):
    names = set(wheel.namelist())
    expected = {
        f"anomaly_explorer/{path.relative_to(CHECKOUT).as_posix()}"
        for folder in PACKAGED
        for pattern in ("*.py", "*.js", "*.safetensors", "*.json", "py.typed")
        for path in (CHECKOUT / folder).rglob(pattern)
    }
    assert expected <= names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"anomaly_explorer", next(t for t in tops if t.endswith(".dist-info"))}
