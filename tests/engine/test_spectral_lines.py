import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.spectra.lines import (
    LINES,
    RARE_LINES,
    SKY_LINES,
    TELLURIC_BANDS,
    lines_at,
)

# NIST Atomic Spectra Database, standard air.
AIR = {
    "Hα": 6562.80,
    "Hβ": 4861.33,
    "Hγ": 4340.47,
    "Hδ": 4101.74,
    "[O III] 5007": 5006.84,
    "[O III] 4959": 4958.91,
    "[O II] 3726": 3726.03,
    "[O II] 3729": 3728.82,
    "[N II] 6548": 6548.05,
    "[N II] 6584": 6583.45,
    "[S II] 6716": 6716.44,
    "[S II] 6731": 6730.82,
    "[O I] 6300": 6300.30,
    "[Ne III] 3869": 3868.76,
    "Ca K": 3933.66,
    "Ca H": 3968.47,
    "Na D 5890": 5889.95,
    "Na D 5896": 5895.92,
    "Ca II 8498": 8498.02,
    "Ca II 8542": 8542.09,
    "Ca II 8662": 8662.14,
    "He II 4686": 4685.71,
    "He I 5876": 5875.62,
    "[Ar III] 7136": 7135.79,
    "[S III] 9069": 9068.6,
    "[S III] 9531": 9530.6,
    "[Ne V] 3346": 3345.83,
    "[N I] 5198": 5197.90,
    "[N I] 5200": 5200.26,
    "[Fe XIV] 5303": 5302.86,
    "[Fe VII] 5721": 5720.7,
    "[Fe VII] 6087": 6087.0,
    "[Fe X] 6375": 6374.51,
    "He I 6678": 6678.15,
    "He I 7065": 7065.19,
    "[Fe XI] 7892": 7891.8,
}
ALL_LINES = sorted((*LINES, *RARE_LINES), key=lambda line: line.wavelength)
SKY_AIR = (5577.34, 5889.95, 5895.92, 6300.30, 6363.78)


def air_to_vacuum(air):
    # Ciddor's dispersion as given by Birch and Downs 1994: another formula than the table's.
    s2 = (1e4 / air) ** 2
    return air * (1 + 8.34254e-5 + 2.406147e-2 / (130 - s2) + 1.5998e-4 / (38.9 - s2))


@pytest.mark.parametrize("name", AIR)
def test_optical_lines_are_in_vacuum(name):
    line = next(line for line in ALL_LINES if line.name == name)
    assert line.wavelength == pytest.approx(air_to_vacuum(AIR[name]), abs=0.12)


def test_sky_lines_are_in_vacuum():
    expected = [pytest.approx(air_to_vacuum(air), abs=0.05) for air in SKY_AIR]
    assert [wavelength for _, wavelength in SKY_LINES] == expected


def test_line_names_are_unique_and_sorted_by_wavelength():
    assert len({line.name for line in ALL_LINES}) == len(ALL_LINES)
    wavelengths = [line.wavelength for line in LINES]
    assert wavelengths == sorted(wavelengths)


def test_lines_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LINES[0].wavelength = 1.0


def test_bands_are_ordered_and_apart():
    edges = [edge for band in TELLURIC_BANDS for edge in (band.low, band.high)]
    assert edges == sorted(edges)
    assert all(3600 < edge < 9824 for edge in edges)


@given(st.floats(-0.5, 9), st.floats(1000, 12000), st.floats(0, 9000), st.booleans())
def test_lines_at_are_all_lines_in_range_and_no_others(redshift, low, span, major_only):
    high = low + span
    expected = [
        line.name
        for line in ALL_LINES
        if low <= line.wavelength * (1 + redshift) <= high and (line.is_major or not major_only)
    ]
    placed = lines_at(redshift, low, high, major_only)
    assert [item.line.name for item in placed] == expected


def test_a_redshift_of_minus_one_is_refused():
    with pytest.raises(ValueError, match="above -1, got -1"):
        lines_at(-1, 0, 1)
