"""The command and the page of insights, and the charts on it."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard.insights.chart import HEIGHT, draw_chart, page_ink, write_chart
from anomaly_explorer.dashboard.insights.handler import InsightsPage
from anomaly_explorer.dashboard.insights.page import PageFacts, make_page
from anomaly_explorer.dashboard.insights.scale import make_scale
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ExplorerState
from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.dashboard.views.header import HeaderView
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.insights.answers import (
    Answers,
    path_beside,
    read_answers,
    write_answers,
)
from anomaly_explorer.engine.insights.insight import Figure, Insight, Table, series
from anomaly_explorer.engine.insights.run import NAMES

FACTS = PageFacts("store", 30, "simulated", "anomaly-explorer insights store", True)
NUMBERS = st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=1, max_size=20)
EVIL = "<script>alert('&')</script>"
SVG = "{http://www.w3.org/2000/svg}"


def figure(**more):
    x = np.arange(1, 6)
    drawn = (
        series("found", "points", x, x**2, low=x, high=x**3, names=[EVIL] * 5),
        series("expected", "line", x, [1, np.nan, 3, 4, 5]),
        series("counts", "bars", x, x),
        series("", "cells", x, x, value=[-1, 0, 1, 2, np.nan]),
    )
    return json.loads(json.dumps(Insight(
        "noise", EVIL, "30 objects", 30, 0, (EVIL,), EVIL,
        figure=Figure(EVIL, "y", drawn, value_label="z", **more),
        table=Table(("a", EVIL), (("1", EVIL), (2.5, None), (7, 10_000))),
    ).to_dict(), allow_nan=False))  # fmt: skip


def kept(**more):
    return {**figure(**more), "seconds": 3.0, "made": "today", "command": f"run '{EVIL}'",
            "judge": "the measurer"}  # fmt: skip


@given(NUMBERS)
def test_every_number_is_within_its_axis_and_ticks_too(numbers):
    scale = make_scale(numbers, (0, 100))
    places = [scale.place(n) for n in numbers] + [scale.place(value) for value, _ in scale.ticks()]
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)
    assert len(scale.ticks()) >= 2


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20))
def test_a_logarithmic_axis_keeps_order_and_cannot_draw_zero(numbers):
    scale = make_scale([*numbers, 0.0, -3.0, None], (200, 50), is_log=True)
    places = [scale.place(n) for n in sorted(numbers)]
    assert places == sorted(places, reverse=True)
    assert all(50 - 1e-6 <= place <= 200 + 1e-6 for place in places)
    assert not scale.has(0.0)


@pytest.mark.parametrize(("x_scale", "y_scale"), [("linear", "linear"), ("log", "log")])
def test_a_chart_is_one_element_with_every_point_and_no_foreign_markup(x_scale, y_scale):
    svg = draw_chart(figure(x_scale=x_scale, y_scale=y_scale)["figure"], page_ink, EVIL)
    root = ElementTree.fromstring(svg)
    assert len(root.findall(f"{SVG}circle")) == 5
    assert len(root.findall(f"{SVG}polyline")[0].get("points").split()) == 4
    assert {each.text for each in root.iter(f"{SVG}title")} == {EVIL}
    assert "<script" not in svg
    assert "nan" not in svg.lower()


def test_a_file_needs_no_page_for_its_colours():
    text = write_chart(figure()["figure"], "title", "Whom it counts, simulated. " * 9)
    assert "var(" not in text
    root = ElementTree.fromstring(text.encode())
    lines = [each for each in root.iter(f"{SVG}text") if "simulated" in each.text]
    assert len(lines) == 3
    height = float(root.get("viewBox").split()[3])
    assert all(HEIGHT < float(line.get("y")) < height for line in lines)


def test_names_of_groups_are_written_along_the_axis():
    made = figure(x_scale="names", x_names=("first", "second"))["figure"]
    assert ">second</text>" in draw_chart(made, page_ink, "")


def test_the_page_has_a_card_for_everything_and_escapes_what_it_shows():
    page = make_page(FACTS, {"noise": kept()}, EVIL, False)
    assert [page.count(f'id="{name}"') for name in NAMES] == [1] * len(NAMES)
    assert "<script" not in page
    assert page.count("Not made yet") == len(NAMES) - 1
    assert "anomaly-explorer insights store --cards sky" in page
    assert "simulated" in page
    assert "10,000" in page


@pytest.mark.parametrize(
    "fault", [{"figure": 1}, {"table": {"rows": 3}}, {"seconds": "x"}, {"sentences": None},
              {"figure": {"series": [{"style": "points"}]}}, {"command": None}, {"n_training": []},
              {"n_training": 10**400, "seconds": 10**400}],
)  # fmt: skip
def test_what_is_garbled_is_said_and_the_rest_is_shown(fault):
    page = make_page(FACTS, {"noise": {**kept(), **fault}, "sky": kept()}, "", False)
    assert page.count("cannot be read") == 1
    assert page.count("<svg") == 1


def test_the_header_links_to_the_page_in_its_own_theme(random_store):
    header = HeaderView(Session(random_store, ExplorerState()))
    for palette in (DARK, LIGHT):
        header.repaint(palette)
        links = [p.object for p in header.__panel__() if "insights" in p.css_classes]
        assert f'href="insights?theme={palette.name}"' in links[0]


def test_the_command_keeps_what_it_makes_and_the_page_shows_it(made, run, tmp_path):
    store = made / "store"
    beside = path_beside(store)
    page = InsightsPage(Store.open(store), "", True)
    beside.unlink(missing_ok=True)
    assert "No findings are kept" in page.make("")
    code, said, _ = run("insights", store, "--cards", "noise", "fibers", "--tier", "top_10")
    assert code == 0
    assert any("This store does not say by tile" in line for line in said)
    code, *_ = run("insights", store, "--cards", "sky", "--seed", "5", "--out", tmp_path / "out",
                   "--json", "all.json")  # fmt: skip
    assert code == 0
    answers = read_answers(beside)
    assert set(answers.insights) == {"noise", "fibers", "sky"}
    assert answers.insights["sky"]["command"].endswith("--cards sky --tier top_1 --seed 5")
    assert read_answers(tmp_path / "all.json") == answers
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {"insights.json"}
    shown = page.make("light")
    assert shown.count("Not made yet") == len(NAMES) - 3
    assert "top_10" in shown
    write_answers(beside, Answers(answers.insights, "0" * 64))
    assert "These findings are stale" in page.make("")
    assert page.make("").count('class="chip stale"') == 3
    code, said, _ = run("insights", store, "--cards", "sky")
    assert code == 0
    assert any("another build" in line for line in said)
    assert set(read_answers(beside).insights) == {"sky"}
    for broken in ("{", beside.read_text().replace('"seed": 0', '"seed": 1e999')):
        beside.write_text(broken)
        assert "store.insights.json does not hold" in page.make("")
    beside.unlink()


def test_what_is_asked_wrongly_is_one_sentence(made, run):
    for arguments, words in [
        (("--cards", "photoz"), "no card 'photoz'"),
        (("--tier", "gold"), "gold"),
        (("--seed", "-4"), "2^31"),
        (("--json", "nowhere/x.json"), "nowhere is no folder"),
        (("--spectra", "nowhere"), "nowhere is no folder"),
    ]:
        code, _, err = run("insights", made / "store", *arguments)
        assert (code, len(err)) == (2, 1), err
        assert words in err[0]
