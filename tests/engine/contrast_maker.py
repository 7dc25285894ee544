"""Columns and rows to count, and a store in memory whose numbers drift along it."""

import numpy as np

from anomaly_explorer.engine.catalog.manifest import StoredColumn
from anomaly_explorer.engine.contrast.side import Counted
from anomaly_explorer.engine.contrast.tally import Tally

NULL = -(2**31)


def column_of(kind, n_legend=0):
    null = {"float": None, "bits": None, "integer": NULL}.get(kind, -1)
    return StoredColumn("some", "some", kind, "", null=null, n_legend=n_legend)


def counted(ruler, values, rows):
    tally = Tally.empty(ruler, 1)
    tally.add(ruler, values, rows, np.zeros(len(rows), np.int8))
    return Counted(tally, np.array([len(rows)]))


class DriftingStore:
    """200,000 objects in the place of a store of files: numbers drift, or are alike in patches."""

    n_objects = 200_000
    column_names = ("drifting", "class", "patchy")

    def __init__(self, rng):
        drift = np.linspace(0, 1, self.n_objects)
        self.columns = {
            "drifting": (drift + rng.normal(size=self.n_objects)).astype(np.float32),
            "class": (drift + rng.random(self.n_objects)).astype(np.int8),
            "patchy": np.repeat(rng.normal(size=self.n_objects // 500), 500).astype(np.float32),
        }

    def column(self, name):
        return self.columns[name]

    def describe(self, name):
        return column_of("category", 2) if name == "class" else column_of("float")

    def legend(self, name):
        return "ab"
