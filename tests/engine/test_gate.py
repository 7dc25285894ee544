"""The gate has three answers, and never calls science what nobody knows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.scoring.gate import SKY_BIT, gate_objects

TARGET = 39627733000000001


def gate(target_id=TARGET, coverage=1.0, **facts):
    columns = {"target_id": [target_id], "id_origin": ["survey"], "survey": ["DESI"]}
    columns |= {name: [value] for name, value in facts.items()}
    arrays = {name: np.array(values) for name, values in columns.items()}
    return gate_objects(arrays, np.array([coverage], dtype=np.float32))[0][0]


@pytest.mark.parametrize(
    ("expected", "facts"),
    [
        ("science", {"objtype": "TGT", "fiber_status": 0}),
        ("science", {"objtype": "TGT", "fiber_status": 8}),  # RESTRICTED is information
        ("gated", {"objtype": "TGT", "fiber_status": 1}),
        ("gated", {"objtype": "TGT", "fiber_status": 1 << 12}),
        ("gated", {"objtype": "SKY", "fiber_status": 0}),
        ("gated", {"objtype": "BAD", "fiber_status": 0}),
        ("unknown", {"objtype": "", "fiber_status": 0}),
        ("unknown", {"objtype": "TGT"}),
        ("unknown", {"fiber_status": 0}),
        ("unknown", {}),
        ("gated", {"objtype": "SKY"}),
        ("gated", {"fiber_status": 2}),
        ("gated", {"objtype": "", "fiber_status": 2}),
        ("unknown", {"objtype": ""}),
        ("gated", {"target_id": -80605000}),
        ("gated", {"target_id": int(TARGET | SKY_BIT), "objtype": "TGT", "fiber_status": 0}),
        ("gated", {"objtype": "TGT", "fiber_status": 0, "coverage": 0.5}),
        ("unknown", {"coverage": 0.5}),
        ("unknown", {"target_id": 2**61 + 5, "id_origin": "file"}),
        ("science", {"target_id": int(SKY_BIT) + 7, "survey": "SDSS", "objtype": "TGT",
                     "fiber_status": 0}),
    ],
)  # fmt: skip
def test_answers(expected, facts):
    assert gate(**facts) == expected


@given(
    st.integers(-(2**62), 2**62),
    st.sampled_from(["TGT", "SKY", "BAD", ""]),
    st.integers(0, 2**31 - 1),
    st.floats(0, 1),
)
def test_science_means_every_condition(target_id, objtype, status, coverage):
    answer = gate(target_id, coverage, objtype=objtype, fiber_status=status)
    is_science = (
        objtype == "TGT"
        and status & ~8 == 0
        and target_id > 0
        and not target_id & int(SKY_BIT)
        and np.float32(coverage) >= 0.9
    )
    assert (answer == "science") == is_science


def test_every_answer_but_science_has_a_reason(rng):
    n = 200
    facts = {
        "target_id": rng.integers(-(2**40), 2**60, n),
        "id_origin": np.full(n, "survey"),
        "survey": np.full(n, "DESI"),
        "objtype": rng.choice(["TGT", "SKY", ""], n),
        "fiber_status": rng.integers(0, 3, n),
    }
    population, reason = gate_objects(facts, rng.uniform(0.8, 1, n).astype(np.float32))
    assert ((reason == "") == (population == "science")).all()
