"""What is planted in a store is found, what is not is not, and both say whom they count."""

import json
from dataclasses import replace

import numpy as np
import pytest

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.insights import crowding, neuron, recoverability
from anomaly_explorer.engine.insights.answers import (
    Answers,
    identify,
    path_beside,
    read_answers,
    write_answers,
)
from anomaly_explorer.engine.insights.inquiry import Inquiry, default_tier
from anomaly_explorer.engine.insights.readout import Readout
from anomaly_explorer.engine.insights.regression import boosted_trees
from anomaly_explorer.engine.insights.run import FINDERS, NAMES, find_insights

from .insight_maker import (
    BAD_TILE,
    KNOWING_LATENT,
    N_OBJECTS,
    ODD_CLUSTER,
    WithColumns,
    make_insight_store,
)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return make_insight_store(tmp_path_factory.mktemp("planted"), is_planted=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return make_insight_store(tmp_path_factory.mktemp("plain"), is_planted=False)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Less of what takes long: the numbers are judged by their size, not their digits."""
    monkeypatch.setattr(neuron, "N_ROTATIONS", 19)
    monkeypatch.setattr(neuron, "_TREE_ROTATIONS", 1)
    monkeypatch.setattr(neuron, "_ROUNDS", 10)
    monkeypatch.setattr(crowding, "N_DRAWS", 199)
    monkeypatch.setattr(recoverability, "Readout", lambda seed: Readout(seed, 2))
    monkeypatch.setattr(
        recoverability, "boosted_trees", lambda seed, n=0: boosted_trees(seed, 40, n_leaves=7)
    )


def ask(store, name, tier="top_10", seed=1):
    return FINDERS[name][1](Inquiry(store, tier, seed))


def test_a_planted_tile_is_found_and_none_where_none_is(planted, plain):
    found, none = (ask(store, "fibers").numbers for store in (planted, plain))
    assert found["tile"]["rich"] == [BAD_TILE]
    assert found["tile"]["p"] <= 0.01 < none["tile"]["p"]
    assert none["tile"]["rich"] == []
    assert found["missing"] == ["petal", "location"]
    assert "petal, location" in ask(planted, "fibers").sentences[-1]


def test_a_planted_pixel_is_the_worst_and_the_sky_is_even_without(planted, plain):
    found, none = (ask(store, "sky") for store in (planted, plain))
    assert found.numbers["dispersion_p"] <= 0.01 < none.numbers["dispersion_p"]
    assert found.numbers["worst_p"] <= 0.01 < none.numbers["worst_p"]
    assert "RA 17" in found.sentences[1]  # planted around 174°
    assert all(trend["p"] > 0.001 for trend in none.numbers["trends"].values())
    assert "reddening E(B-V)" in none.numbers["trends"]


def test_a_planted_cluster_is_rich(planted, plain):
    found, none = (ask(store, "clusters") for store in (planted, plain))
    assert ODD_CLUSTER in found.numbers["rich"]
    assert none.numbers["rich"] == []
    assert sum(row[1] for row in found.table.rows) == N_OBJECTS


def test_a_tier_that_crowds_is_nearer_than_matched_draws(planted, plain):
    found, none = (ask(store, "crowding").numbers for store in (planted, plain))
    assert found["p_nearer"] == pytest.approx(1 / 200)
    assert found["ratio"] > 1.05
    assert none["p_nearer"] > 0.01
    assert none["p_further"] > 0.01


def test_a_tier_of_a_handful_is_nowhere_rich(plain):
    few = np.zeros(N_OBJECTS, np.uint32)
    few[:3] = 1 << plain.manifest.tiers.index("top_10")
    for name in ("clusters", "fibers"):
        found = ask(WithColumns(plain, tier_bits=few), name)
        assert not found.is_measured
        assert "holds 3 simulated science targets: too few" in found.sentences[0]


def test_a_score_that_is_noise_over_s_n_follows_it(plain):
    found = ask(plain, "noise")
    rho = found.numbers["spearman"]["score_mse"]["all"]
    assert rho["rho"] == pytest.approx(-0.55, abs=0.05)
    assert 0.005 < rho["error"] < 0.03
    assert found.numbers["absent"] == ["sigma_astro", "sigma_instrument", "sigma_all"]
    assert "sigma_astro" in found.sentences[1]
    assert "for score_mse (p = 0.005" in found.control
    assert found.n_training == 100


def test_calibrated_scores_are_judged_where_the_store_has_them(plain, rng):
    nothing = np.full(N_OBJECTS, np.nan)
    snr = plain.column("snr")
    store = WithColumns(
        plain, sigma_astro=rng.normal(size=N_OBJECTS), sigma_instrument=nothing, sigma_all=snr / 9
    )
    found = ask(store, "noise")
    assert found.numbers["absent"] == ["sigma_instrument"]
    assert abs(found.numbers["spearman"]["sigma_astro"]["all"]["rho"]) < 0.06
    assert "sigma_all: at worst +1.00" in found.sentences[1]
    assert "the bar is not met" in found.sentences[1]
    assert " for sigma_astro (p = " in found.control
    constant = WithColumns(plain, sigma_astro=np.ones(N_OBJECTS))
    assert "nan" not in ask(constant, "noise").sentences[1]
    assert [each.label.split(",")[0] for each in found.figure.series] == [
        "score_mse", "sigma_astro"
    ]  # fmt: skip


def test_a_bad_petal_and_a_bad_fiber_are_found(plain, rng):
    location = 1000 * rng.integers(10, size=N_OBJECTS) + rng.integers(10, size=N_OBJECTS)
    location[Inquiry(plain, "top_10").in_tier & (rng.random(N_OBJECTS) < 0.1)] = 4002
    location[:50] = -1  # several fibers
    card = ask(WithColumns(plain, location=location.astype(float)), "fibers")
    found, rows = card.numbers, {row[0]: row for row in card.table.rows}
    in_tier = Inquiry(plain, "top_10").in_tier & (location == 4002)
    tiles = np.unique(plain.column("tile_id")[in_tier])
    assert rows["location 4002"][-1] == len(tiles) > 5
    assert max(row[-1] for where, row in rows.items() if where.startswith("tile")) == 1
    assert found["location"]["rich"] == [4002]
    assert found["petal"]["rich"] == [4]
    assert found["location"]["n_objects"] <= N_OBJECTS - 50
    assert found["missing"] == []


def test_redshifts_are_recovered_where_a_latent_has_them(planted, plain):
    found, none = (ask(store, "recoverability") for store in (planted, plain))
    ways = found.numbers["ways"]
    best = ways[found.numbers["chosen"]]
    assert best["sigma_nmad"] < 0.05
    assert best["r2"] > 0.95
    assert ways["ten components"]["sigma_nmad"] > best["sigma_nmad"]
    assert ways["shuffled latents"]["sigma_nmad"] > 5 * best["sigma_nmad"]
    assert ways["median of the class"]["sigma_nmad"] > 5 * best["sigma_nmad"]
    assert none.numbers["ways"][none.numbers["chosen"]]["r2"] < 0.05
    assert "photometry" in found.sentences[1]
    assert "the compatible network" in found.sentences[2]


def test_stars_alone_have_no_redshifts_to_recover(plain):
    legend = plain.legend("spectype")
    stars = np.full(N_OBJECTS, legend.index("STAR"))
    found = ask(WithColumns(plain, spectype=stars), "recoverability")
    assert not found.is_measured
    assert "Only 0 galaxies and quasars" in found.sentences[0]


def test_a_planted_neuron_is_named_and_none_where_none_is(planted, plain):
    found, none = (ask(store, "neuron") for store in (planted, plain))
    assert found.sentences[0].startswith(f"Latent {KNOWING_LATENT} ")
    assert found.numbers["p_to_second"] == pytest.approx(1 / 20)
    assert np.argmax(found.numbers["importance"]["values"]) == KNOWING_LATENT
    assert "no axis is more special" in none.sentences[1]
    assert "benchmark score" in found.control


def test_confidence_independent_of_the_tier_is_as_expected(plain):
    found = ask(plain, "confident").numbers
    assert found["p_more"] > 0.01
    assert found["p_fewer"] > 0.01
    assert found["expected_if_independent"] == pytest.approx(found["expected_matched"], rel=0.1)
    assert abs(found["found"] - found["expected_matched"]) < 4 * found["spread"]


def test_without_spectra_or_distant_quasars_that_is_said(plain):
    found = ask(plain, "quasars")
    assert not found.is_measured
    assert "highest is at z = 1." in found.sentences[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_tiny_store_gets_a_sentence_and_no_figure_of_speech(scanned_store, name):
    inquiry = Inquiry(scanned_store, default_tier(scanned_store))
    found = find_insights(inquiry, [name])[name]
    assert found["population"]
    assert found["sentences"]
    json.dumps(found, allow_nan=False)
    if name in ("recoverability", "neuron", "crowding", "sky"):
        assert not found["is_measured"]
        assert "too few" in found["sentences"][0]


def test_members_of_the_training_set_that_nobody_knows_are_not_called_none(plain):
    unknown = np.full(N_OBJECTS, np.nan)
    found = ask(WithColumns(plain, is_training_member=unknown), "noise")
    assert found.n_training is None
    assert found.sentences[-1].startswith("An unknown number of these")


def test_what_is_not_about_the_tier_counts_objects_without_its_score(plain):
    is_galaxy = plain.column("spectype") == plain.legend("spectype").index("GALAXY")
    sigma = np.where(is_galaxy, np.arange(N_OBJECTS), np.nan)
    store = WithColumns(plain, sigma_astro=sigma, is_measurer_member=sigma * 0 + 1)
    found = find_insights(Inquiry(store, "sigma_top_10"), ("noise", "clusters"))
    noise, clusters = found["noise"], found["clusters"]
    assert noise["numbers"]["spearman"]["score_mse"]["all"]["n"] == N_OBJECTS
    assert noise["numbers"]["spearman"]["sigma_astro"]["all"]["n"] == is_galaxy.sum()
    assert clusters["n_objects"] in (0, is_galaxy.sum())
    assert noise["population"].endswith("counts once, with 90 % of a spectrum")
    assert clusters["population"].endswith("with sigma_astro and 90 % of a spectrum")
    assert (noise["judge"], noise["n_training"]) == ("the compatible network", 100)
    asked = Inquiry(store, "sigma_top_10")
    assert (asked.judge, asked.n_training(asked.members)) == ("the measurer", is_galaxy.sum())


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(plain):
    first, again, other = (ask(plain, "fibers", seed=s).numbers["tile"] for s in (1, 1, 2))
    assert first == again != other


def test_answers_come_back_and_know_their_store(plain, planted, tmp_path):
    found = find_insights(Inquiry(plain, "top_10"), ["fibers", "clusters"])
    path = tmp_path / "store.insights.json"
    assert read_answers(path) is None
    write_answers(path, Answers(found, identify(plain.manifest)))
    again = read_answers(path)
    assert again.insights == json.loads(json.dumps(found))
    assert again.is_of(plain.manifest)
    assert not again.is_of(planted.manifest)
    assert not again.is_of(replace(plain.manifest, n_objects=1))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 1}', "\x00", "[" * 100_000,
             '{"format": "anomaly-explorer insights", "format_version": 1, "insights": [1]}',
             '{"format": "anomaly-explorer insights", "format_version": 2, "insights": {}}'],
)  # fmt: skip
def test_a_file_that_is_not_ours_is_refused_in_a_sentence(tmp_path, text):
    path = tmp_path / "x.insights.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x.insights.json .* run `anomaly-explorer insights`"):
        read_answers(path)


def test_the_file_is_beside_the_store(plain):
    assert path_beside(plain.path) == plain.path.parent / "store.insights.json"
