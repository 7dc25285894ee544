import re

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard.links import links_of
from anomaly_explorer.dashboard.position import sexagesimal
from anomaly_explorer.dashboard.views.facts import FactsView, draw_facts
from anomaly_explorer.engine.catalog.schema import COLUMNS, LATENT_NAMES
from anomaly_explorer.engine.scoring.tiers import TIERS

EVIL = '"><img src=x onerror=alert(1)>'
FACTS = {
    "target_id": 39633345008634465,
    "survey": "DESI",
    "desi_survey": "main",
    "program": "dark",
    "ra_deg": 187.70593077,
    "dec_deg": -12.39112325,
    "redshift": 0.2041,
    "redshift_error": 3e-5,
    "redshift_warning": 5,
    "fiber_status": 0,
    "population": "science",
    "score_mse": 0.4312,
    "score_rank": 1204,
    "score_percentile": 99.125,
    "tier_bits": 0b1001,
    "is_simulated": False,
}


def words(html):
    return re.sub(r"<[^>]+>", " ", html)


@given(st.floats(0, 360, exclude_max=True), st.floats(-90, 90))
def test_sexagesimal_is_the_position_to_its_rounding(ra, dec):
    text = sexagesimal(ra, dec)
    assert re.fullmatch(r"\d\d:[0-5]\d:[0-5]\d\.\d\d [+-]\d\d:[0-5]\d:[0-5]\d\.\d", text)
    back = SkyCoord(text, unit=(u.hourangle, u.deg))
    assert back.separation(SkyCoord(ra, dec, unit="deg")).arcsec < 0.12


def test_seconds_carry_instead_of_reaching_sixty():
    assert sexagesimal(359.9999999, -0.00000001) == "00:00:00.00 +00:00:00.0"
    assert sexagesimal(14.9999999, 29.9999999) == "01:00:00.00 +30:00:00.0"


def test_an_impossible_declination_is_refused():
    with pytest.raises(ValueError, match="got 91"):
        sexagesimal(0, 91)


def test_every_text_of_a_file_is_escaped():
    names = [column.name for column in COLUMNS if column.dtype == "string"]
    html = draw_facts({**FACTS, **dict.fromkeys(names, EVIL)})
    assert "<img" not in html
    assert "&lt;img" in html
    assert "<img" not in draw_facts({**FACTS, "is_simulated": True, "injected_type": EVIL})


def test_the_target_id_is_exact_text():
    assert ">39633345008634465</span>" in draw_facts(FACTS)
    assert ">-9007199254740993</span>" in draw_facts({**FACTS, "target_id": -9007199254740993})


def test_a_rank_names_its_population():
    shown = " ".join(words(draw_facts(FACTS, 140_301)).split())
    assert "1,204 of 140,301 science targets (percentile 99.125)" in shown
    assert "gated-out fibers" in draw_facts({**FACTS, "population": "gated"}, 7)
    assert "1,204 among science targets" in draw_facts(FACTS)
    assert "not ranked" in draw_facts({**FACTS, "score_rank": None}, 7)


def test_warnings_are_decoded():
    assert "5: SKY, SMALL_DELTA_CHI2" in draw_facts(FACTS)
    assert "no redshift file" in draw_facts({**FACTS, "redshift_warning": -1})
    assert "BROKENFIBER" in draw_facts({**FACTS, "fiber_status": 4})


def test_the_fiber_status_of_sdss_is_decoded_as_its_redshift_warning():
    facts = {**FACTS, "fiber_status": 1 << 7 | 1 << 8 | 1 << 9, "redshift_warning": 0}
    assert "UNPLUGGED, BAD_TARGET, NODATA" in draw_facts({**facts, "survey": "SDSS"})
    assert "bit 7, MISSINGPOSITION, BADPOSITION" in draw_facts(facts)


def test_tier_bits_are_the_tiers_in_order():
    html = draw_facts(FACTS)
    shown = [tier.label for tier in TIERS if f">{tier.label}</span>" in html]
    assert shown == [TIERS[0].label, TIERS[3].label]
    assert "in no tier by default" not in html
    assert "in no tier by default" in draw_facts({**FACTS, "population": "gated"})


@pytest.mark.parametrize("value", [None, float("nan")])
def test_missing_facts_are_dashes(value):
    names = [column.name for column in COLUMNS if column.name not in LATENT_NAMES]
    numbers = {c.name for c in COLUMNS if c.dtype.startswith("float")}
    facts = {name: value if name in numbers else None for name in names}
    html = draw_facts({**facts, "target_id": 1})
    assert not re.search(r"\b(nan|None)\b", words(html))
    assert draw_facts({"target_id": 1}).count("—") > 10


def test_a_desi_object_has_five_links_that_leak_nothing():
    links = dict(links_of(FACTS))
    assert list(links) == ["Legacy Surveys", "DESI spectrum", "SIMBAD", "NED", "VizieR"]
    assert links["DESI spectrum"].endswith("/dr1/targetid39633345008634465")
    assert "layer=ls-dr9" in links["Legacy Surveys"]
    assert all(url.startswith("https://") and " " not in url for url in links.values())
    assert draw_facts(FACTS).count('rel="noopener"') == 5


def test_only_desi_has_a_desi_page():
    assert "DESI spectrum" not in dict(links_of({**FACTS, "survey": "SDSS"}))
    assert "DESI spectrum" not in dict(links_of({**FACTS, "id_origin": "file"}))
    assert list(dict(links_of({**FACTS, "ra_deg": None}))) == ["DESI spectrum"]


def test_a_simulated_object_has_no_sky_counterpart():
    facts = {**FACTS, "is_simulated": True, "injected_type": ""}
    assert links_of(facts) == ()
    assert "simulated: no sky counterpart" in draw_facts(facts)
    assert "<a " not in draw_facts(facts)


def test_the_view_shows_and_empties():
    view = FactsView()
    view.show(FACTS, 10)
    assert view._pane.object == draw_facts(FACTS, 10)
    view.show(None)
    assert view._pane.object == ""
