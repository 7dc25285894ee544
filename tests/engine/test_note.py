"""Notes of any explanation: short, honest, with its numbers, each of which leads somewhere."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog.measured import CALIBRATED
from anomaly_explorer.engine.catalog.schema import BY_NAME
from anomaly_explorer.engine.explain.evidence import evidence_of_residual
from anomaly_explorer.engine.explain.explanation import MEMBER, Explanation
from anomaly_explorer.engine.explain.narrow_line import NarrowLine, narrow_line_of_record
from anomaly_explorer.engine.explain.note import CLAIM, MAX_LENGTH, plain_text, write_note
from anomaly_explorer.engine.explain.terms import TERMS
from anomaly_explorer.engine.explain.twin import Twin
from anomaly_explorer.engine.explain.verdict import Verdict
from anomaly_explorer.engine.scoring.statistics import INSTRUMENT, NAMES
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID

from .explain_maker import N_BINS

COLUMN_NAMES = {*BY_NAME, *(column.name for column in CALIBRATED), "score_rank"}
NOISE = np.full(N_BINS, 4.0)
FORBIDDEN = ("discover", "verified", "prove", "real ", "new ", "truly", "certain", "unprecedented")
VERDICTS = st.none() | st.builds(
    Verdict,
    sigma_astro=st.floats(-3, 38), sigma_instrument=st.floats(-3, 38),
    sigma_all=st.floats(-3, 38), p_value=st.floats(1e-300, 1), winner=st.sampled_from(["", *NAMES]),
    is_extrapolated=st.none() | st.booleans(), instrument_winner=st.sampled_from(["", *INSTRUMENT]),
    wavelength=st.just(float("nan")) | st.floats(3600, 9824),
)  # fmt: skip
NARROW_LINES = st.builds(
    narrow_line_of_record,
    st.fixed_dictionaries({
        "statistic_line": st.none() | st.floats(-9, 1e4), "line_wavelength": st.floats(3600, 9824),
        "spectype": st.sampled_from(["GALAXY", "QSO", "STAR", None]),
        "redshift": st.none() | st.floats(-0.01, 7),
    }),
)  # fmt: skip
TWINS = st.none() | st.builds(
    Twin, row=st.integers(0, 10**7), target_id=st.integers(-(2**63), 2**63 - 1),
    distance=st.floats(0, 1e4), latents=st.just(np.zeros(128, np.float32)),
    n_searched=st.integers(1, 10**7),
)  # fmt: skip

NOISES = st.sampled_from([NOISE, 0 * NOISE])


@st.composite
def explanations(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    residual = rng.normal(size=N_BINS).astype(np.float32)
    residual[rng.random(N_BINS) < draw(st.sampled_from([0, 0.3, 1]))] = np.nan
    redshift = draw(st.just(float("nan")) | st.floats(-0.01, 7))
    return Explanation(
        draw(st.integers(-(2**63), 2**63 - 1)), draw(st.sampled_from(["GALAXY", "QSO", "x<b>"])),
        draw(st.sampled_from(["science", "gated", "unknown", ""])), redshift,
        draw(st.just(float("nan")) | st.floats(0, 1e6)), draw(st.integers(0, 10**8)),
        draw(st.integers(0, 10**8)), draw(st.booleans()), draw(st.none() | st.booleans()),
        evidence_of_residual(residual, draw(NOISES), COMPATIBLE_GRID, redshift),
        draw(st.booleans()), draw(VERDICTS), draw(NARROW_LINES), draw(TWINS),
    )  # fmt: skip


@given(explanations())
def test_notes_are_short_honest_and_every_number_leads_somewhere(found):
    note = write_note(found)
    text = plain_text(note)
    assert len(text) <= MAX_LENGTH
    assert text.endswith(CLAIM)
    assert not any(word in text.lower() for word in FORBIDDEN)
    assert ("simulated" in text) is found.is_simulated
    assert ("compatible score alone" in text) is (found.verdict is None)
    assert "x<b>" not in text
    members = {segment.target for segment in note} & {f"column:{name}" for name in MEMBER.values()}
    is_told = found.is_training_member is not None
    assert members == ({f"column:{MEMBER[found.is_noise_aware]}"} if is_told else set())
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", text)
    for segment in note:
        if re.search("[0-9]", segment.text):
            assert segment.target, segment.text
        kind, _, name = segment.target.partition(":")
        assert kind in ("", "column", "term", "wavelength", "object")
        if kind in ("term", "column"):
            assert name in (TERMS if kind == "term" else COLUMN_NAMES)
    is_blind = found.verdict is not None and not found.is_noise_aware
    assert ("not at hand" in text) is is_blind


@given(explanations())
def test_only_what_stands_out_most_is_said_to(found):
    """A narrow line is looked at in its bin, where it need not stand out."""
    text = plain_text(write_note(found))
    is_line = found.is_noise_aware and found.verdict is not None and found.verdict.winner == "line"
    if found.evidence.feature is not None:
        assert ("stands out most" in text) is not is_line
        assert ("In the bins of the model" in text) is is_line


def number_of(note, target, pattern=r"-?[\d,]+\.?\d*(?:e[+-]?\d+)?"):
    """The first number of the first piece that leads to a target."""
    text = next(s.text for s in note if s.target == target)
    return float(re.search(pattern, text)[0].replace(",", ""))


@given(explanations())
def test_the_numbers_of_a_note_are_those_of_the_explanation(found):
    note = write_note(found)
    if found.score == found.score:
        assert number_of(note, "column:score_mse") == pytest.approx(found.score, rel=1e-3)
        if found.rank:
            assert number_of(note, "column:score_rank") == found.rank
    if found.verdict is not None:
        assert number_of(note, "column:sigma_astro") == pytest.approx(
            found.verdict.sigma_astro, abs=0.005001
        )
        assert number_of(note, "column:p_astro") == pytest.approx(found.verdict.p_value, rel=0.06)
    if found.evidence.feature is not None:
        feature, shares = found.evidence.feature, found.evidence.shares
        at = f"wavelength:{feature.wavelength:.1f}"
        text = next(s.text for s in note if s.target == at and s.text.endswith("Å"))
        assert abs(float(text[:-1]) - feature.wavelength) <= 0.5
        assert number_of(note, "term:width") == pytest.approx(feature.width_bins, rel=0.01)
        assert number_of(note, "term:height") == pytest.approx(feature.height, rel=0.01)
        is_known = feature.significance == feature.significance
        assert ("term:significance" in {s.target for s in note}) is is_known
        assert number_of(note, "term:sky_lines") == pytest.approx(100 * shares.sky_lines, abs=0.51)
        assert number_of(note, "term:telluric") == pytest.approx(100 * shares.telluric, abs=0.51)
        largest = max(shares.arms[arm] for arm in ARMS)
        assert number_of(note, "term:arm_share") == pytest.approx(100 * largest, abs=0.51)
    told = [s for s in note if s.target == "column:statistic_line" and "times" in s.text]
    assert bool(told) is (found.narrow_line is not None)
    if found.narrow_line is not None:
        times = float(told[0].text.split()[0])
        assert times == pytest.approx(found.narrow_line.significance, rel=0.01)
    if found.twin is not None:
        assert f"object:{found.twin.target_id}" in {s.target for s in note}
        assert number_of(note, "term:distance") == pytest.approx(found.twin.distance, rel=0.01)


def test_a_narrow_line_is_told_where_it_stands_out_and_of_a_star_without_a_name():
    record = {"statistic_line": 12.0, "line_wavelength": 6088.69 * 1.05, "spectype": "GALAXY",
              "redshift": 0.05}  # fmt: skip
    line = narrow_line_of_record(record)
    assert (line.near.line.name, round(line.near.offset_kms)) == ("[Fe VII] 6087", 0)
    assert narrow_line_of_record(record | {"spectype": "STAR"}).near is None
    for weak in (None, 5.9, float("nan")):
        assert narrow_line_of_record(record | {"statistic_line": weak}) is None


@given(explanations(), st.sampled_from(list(INSTRUMENT)))
def test_a_note_says_what_an_instrument_might_have_done(found, name):
    verdict = Verdict(1, 6.1, 5, 0.1, "misfit", instrument_winner=name)
    text = plain_text(write_note(replace(found, verdict=verdict)))
    assert "by what an instrument does at 6.10, for " in text
    assert f" ({name}); least likely is the misfit as a whole (misfit)" in text


@given(explanations(), st.floats(3600, 9824))
def test_where_a_narrow_line_is_stands_once_in_a_note(found, wavelength):
    line = NarrowLine(wavelength, 12.0, None)
    won = Verdict(5, 0, 4, 1e-6, "line", wavelength=wavelength)
    text = plain_text(write_note(replace(found, narrow_line=line, verdict=won)))
    assert "On its pixels that line is 12 times its noise." in text
    assert "the strongest narrow line" not in text
