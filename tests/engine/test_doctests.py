"""Every example in a docstring of the engine and the dashboard runs and is true.

They are run under the real package name: collected by path, the compiled functions would be
cached under a second one.
"""

import doctest
import importlib
import pkgutil

import pytest

import anomaly_explorer.dashboard
import anomaly_explorer.engine

MODULES = sorted(
    found.name
    for package in (anomaly_explorer.engine, anomaly_explorer.dashboard)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = [t for name in MODULES for t in finder.find(importlib.import_module(name))]
    assert sum(bool(test.examples) for test in tests) >= 20
