"""Names of the quality bits that DESI files carry.

Sources: redrock ``zwarning`` and desispec ``maskbits`` (zmask, fibermask).
"""

from collections.abc import Mapping

REDSHIFT_WARNING_BITS: Mapping[int, str] = {
    0: "SKY",
    1: "LITTLE_COVERAGE",
    2: "SMALL_DELTA_CHI2",
    3: "NEGATIVE_MODEL",
    4: "MANY_OUTLIERS",
    5: "Z_FITLIMIT",
    6: "NEGATIVE_EMISSION",
    7: "UNPLUGGED",
    8: "BAD_TARGET",
    9: "NODATA",
    10: "BAD_MINFIT",
    11: "POORDATA",
    16: "LOW_DEL_CHI2",
    17: "LOW_DEL_CHI2_BGS",
    18: "BAD_SPECQA",
    19: "BAD_PETALQA",
}
FIBER_STATUS_BITS: Mapping[int, str] = {
    0: "UNASSIGNED",
    1: "STUCKPOSITIONER",
    2: "BROKENFIBER",
    3: "RESTRICTED",
    8: "MISSINGPOSITION",
    9: "BADPOSITION",
    10: "POORPOSITION",
    12: "LOWTRANSMISSION",
    15: "LOWEFFTIME",
    16: "BADFIBER",
    17: "BADTRACE",
    18: "BADFLAT",
    19: "BADARC",
    20: "MANYBADCOL",
    21: "MANYREJECTED",
    22: "BADAMPB",
    23: "BADAMPR",
    24: "BADAMPZ",
    25: "BADPETALPOS",
    26: "BADPETALSKY",
    27: "BADPETALSTDSTAR",
    28: "BADPETALFLUXCAL",
    29: "BADPETALSNR",
    30: "BADREADNOISE",
}


def bit_names(value: int, names: Mapping[int, str]) -> tuple[str, ...]:
    """Return the names of the bits set in a value, lowest bit first.

    Parameters
    ----------
    value : int
        Non-negative bit mask; a negative one raises ValueError, since it is a code and no mask.
    names : mapping of int to str
        `REDSHIFT_WARNING_BITS` or `FIBER_STATUS_BITS`; a bit without a name is called ``bit 27``.

    Examples
    --------
    >>> bit_names(5, REDSHIFT_WARNING_BITS)
    ('SKY', 'SMALL_DELTA_CHI2')
    """
    if value < 0:
        raise ValueError(f"a bit mask cannot be negative, got {value}")
    return tuple(
        names.get(bit, f"bit {bit}") for bit in range(value.bit_length()) if value >> bit & 1
    )
