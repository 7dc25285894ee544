"""Fixtures every test may use, and the flags that opt in to long ones."""

import os
from pathlib import Path

import numpy as np
import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser):
    parser.addoption("--scale", action="store_true", help="run the tests marked scale")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--scale"):
        return
    for item in items:
        if "scale" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs --scale"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real spectra; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("ANOMALY_REAL_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real spectra: {folder} does not exist (set ANOMALY_REAL_DATA)")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)
