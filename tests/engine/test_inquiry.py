"""Whom findings are about: the tier they ask about by themselves, and who could be in it."""

import numpy as np
import pytest

from anomaly_explorer.engine.calibration.run import calibrate_catalog
from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.insights.inquiry import Inquiry, default_tier
from anomaly_explorer.engine.insights.run import FINDERS, NAMES, check_names

from .catalog_maker import place_randomly
from .insight_maker import N_OBJECTS, WithColumns, make_insight_store
from .measured_maker import make_columns, write_catalog


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return make_insight_store(tmp_path_factory.mktemp("plain"), is_planted=False)


def test_a_target_seen_several_times_is_counted_once_at_its_best(plain, rng):
    ids, snr = plain.column("target_id").copy(), plain.column("snr")
    ids[1000:2000] = ids[:1000]
    ids[2000:2100] = plain.describe("target_id").null  # nobody knows which targets they are
    inquiry = Inquiry(WithColumns(plain, target_id=ids), "top_10")
    assert len(inquiry.members) == N_OBJECTS - 1000
    pairs = np.stack([np.arange(1000), np.arange(1000, 2000)])
    best = pairs[snr[pairs].argmax(axis=0), np.arange(1000)]
    assert np.array_equal(inquiry.members[inquiry.members < 2000], np.sort(best))
    assert np.isin(np.arange(2000, N_OBJECTS), inquiry.members).all()


def test_who_cannot_be_in_a_tier_takes_no_part(plain, rng):
    coverage = rng.uniform(0.5, 1, N_OBJECTS)
    able = Inquiry(WithColumns(plain, coverage=coverage), "top_10").members
    assert np.array_equal(able, np.flatnonzero(coverage >= 0.9))
    with pytest.raises(InputError, match="no science object with score_mse and 90 % of a spectrum"):
        Inquiry(WithColumns(plain, coverage=np.full(N_OBJECTS, 0.2)), "top_10")


def test_objects_of_two_surveys_are_not_alike(plain):
    survey = np.arange(N_OBJECTS) % 2
    strata = Inquiry(WithColumns(plain, survey=survey), "top_10").strata
    both = [set(strata.codes[survey == each].tolist()) for each in (0, 1)]
    assert not both[0] & both[1]


def test_without_a_calibrated_score_findings_are_about_the_published_one(plain):
    assert default_tier(plain) == "top_1"
    inquiry = Inquiry(plain, "top_1")
    assert (inquiry.ranked_by, inquiry.scores) == ("score_mse", ("score_mse",))
    with pytest.raises(InputError, match="no science object with sigma_astro"):
        Inquiry(plain, "sigma_top_1")


def test_of_a_calibrated_store_findings_are_about_the_calibrated_score(tmp_path, rng):
    facts = make_columns(3_000)
    facts |= {"snr": facts["snr_bin"], "deltachi2": rng.lognormal(5, 1, 3_000),
              "redshift_warning": np.zeros(3_000, int)}  # fmt: skip
    catalog = write_catalog(tmp_path / "catalog", facts, [3_000])
    calibrate_catalog(catalog)
    place_randomly(catalog)
    store = build_store(catalog, tmp_path / "store")
    assert default_tier(store) == "sigma_top_1"
    inquiry = Inquiry(store, "sigma_top_10")
    assert (inquiry.ranked_by, inquiry.scores) == ("sigma_astro", ("score_mse", "sigma_astro"))
    assert "median sigma_astro" in FINDERS["clusters"][1](inquiry).table.headings
    listed = FINDERS["confident"][1](inquiry).table
    place = listed.headings.index("sigma_astro")
    sigmas = [row[place] for row in listed.rows]
    assert len(sigmas) > 5
    assert sigmas == sorted(sigmas, reverse=True)


def test_what_is_asked_wrongly_is_refused_in_a_sentence(plain):
    for fault in ({"tier": "gold"}, {"seed": -1}, {"seed": 2**31}):
        with pytest.raises(InputError):
            Inquiry(plain, **{"tier": "top_10"} | fault)
    with pytest.raises(InputError, match="There is no card 'photoz': the cards are noise"):
        check_names(["noise", "photoz"])
    assert check_names(["sky", "noise"]) == ("noise", "sky")
    assert check_names([]) == NAMES
