import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.spectra.bits import (
    FIBER_STATUS_BITS,
    REDSHIFT_WARNING_BITS,
    bit_names,
)

tables = st.sampled_from([FIBER_STATUS_BITS, REDSHIFT_WARNING_BITS])


@given(tables, st.sets(st.integers(0, 40)))
def test_names_say_exactly_which_bits_are_set(table, bits):
    names = bit_names(sum(1 << bit for bit in bits), table)
    assert names == tuple(table.get(bit, f"bit {bit}") for bit in sorted(bits))


@pytest.mark.parametrize("table", [FIBER_STATUS_BITS, REDSHIFT_WARNING_BITS])
def test_names_are_unique(table):
    assert len(set(table.values())) == len(table)


def test_a_negative_mask_is_refused():
    with pytest.raises(ValueError, match="got -1"):
        bit_names(-1, REDSHIFT_WARNING_BITS)
