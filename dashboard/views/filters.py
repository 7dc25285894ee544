"""The filters: population, tier, arm ("Band") and class, each option with how many it holds."""

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.session import UNCLASSIFIED, Session, class_filter
from anomaly_explorer.dashboard.state import ALL
from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.dashboard.words import POPULATION_LABELS
from anomaly_explorer.engine.catalog.filters import AllOf, OneOf, Tier
from anomaly_explorer.engine.scoring.tiers import TIERS

ARMS = ("B", "R", "Z")
CAPTIONS = {
    "Population": "what the gate says the fiber was put on",
    "Tier": "counts are of the population above",
    "Band": "arm with the largest residual",
    "Class": "class the pipeline gave",
}


def tier_options(session: Session) -> dict[str, str]:
    """Return label -> tier name with the number of objects of the population in each tier."""
    options = {f"Every score · {session.count_of(AllOf()):,}": ""}
    for tier in TIERS:
        options[f"{tier.label} · {session.count_of(Tier(tier.name)):,}"] = tier.name
    return options


def population_options(session: Session) -> dict[str, str]:
    """Return label -> population with its count, and all of them."""
    counts = {**session.counts, ALL: session.store.n_objects}
    return {f"{POPULATION_LABELS[name]} · {count:,}": name for name, count in counts.items()}


def class_options(session: Session) -> dict[str, str]:
    """Return label -> class; objects of no known class are unclassified."""
    store = session.store
    options = {name: name for name in sorted(store.legend("spectype")) if name}
    if session.frames.mask(class_filter(store, (UNCLASSIFIED,))).count:
        options["unclassified"] = UNCLASSIFIED
    return options


def arm_counts(session: Session) -> dict[str, int]:
    """Return how many objects of the population each arm is the worst of."""
    present = [arm for arm in ARMS if arm in session.store.legend("worst_arm")]
    return {arm: session.count_of(OneOf("worst_arm", (arm,))) for arm in present}


def class_counts(session: Session) -> dict[str, int]:
    """Return how many objects of the population are of each class."""
    return {
        label: session.count_of(class_filter(session.store, (name,)))
        for label, name in class_options(session).items()
    }


def _heading(name: str, counts: dict[str, int] | None = None) -> str:
    listed = " · ".join(f"{escape(key)} {count:,}" for key, count in (counts or {}).items())
    small = '<div class="muted" style="font-size:11px;line-height:1.35">'
    more = f"{small}{listed}</div>" if listed else ""
    return f'<div style="font-weight:600">{name}</div>{small}{CAPTIONS[name]}</div>{more}'


class FiltersView(pn.viewable.Viewer):
    """The controls of the filters, bound to a session.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        self._is_syncing = False
        self._headings = {
            name: pn.pane.HTML(_heading(name), margin=(10, 4, 0, 4), stylesheets=[BASE_CSS])
            for name in CAPTIONS
        }
        self._population = pmui.RadioBoxGroup(
            options=population_options(session), margin=(0, 0), css_classes=["filter-population"]
        )
        self._tier = pmui.RadioBoxGroup(
            options=tier_options(session), margin=(0, 0), css_classes=["filter-tier"]
        )
        arms = [arm for arm in ARMS if arm in session.store.legend("worst_arm")]
        self._arms = pmui.CheckButtonGroup(
            options=arms, margin=(4, 4), css_classes=["filter-band"], size="small"
        )
        self._classes = pmui.CheckButtonGroup(
            options=class_options(session), margin=(4, 4), css_classes=["filter-class"],
            size="small",
        )  # fmt: skip
        self._reset = pmui.Button(
            label="Reset filters", variant="outlined", size="small", margin=(14, 4)
        )
        self._reset.on_click(lambda _: session.state.reset_filters())
        for widget in (self._population, self._tier, self._arms, self._classes):
            widget.param.watch(self._write, "value")
        session.state.param.watch(self.sync, list(session.state.FILTERS))
        self.sync()

    def sync(self, *_: Any) -> None:
        """Show the state in the controls."""
        state = self.session.state
        self._is_syncing = True
        try:
            self._population.value = state.population
            self._tier.param.update(options=tier_options(self.session), value=state.tier)
            self._headings["Band"].object = _heading("Band", arm_counts(self.session))
            self._headings["Class"].object = _heading("Class", class_counts(self.session))
            self._arms.value = list(state.arms)
            self._classes.value = list(state.classes)
        finally:
            self._is_syncing = False

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the controls in one column."""
        return pn.Column(
            self._headings["Population"], self._population,
            self._headings["Tier"], self._tier,
            self._headings["Band"], self._arms,
            self._headings["Class"], self._classes,
            self._reset, sizing_mode="stretch_width", margin=(0, 6),
        )  # fmt: skip

    def _write(self, *_: Any) -> None:
        """Write the controls into the state, in one step."""
        if self._is_syncing:
            return
        self.session.state.param.update(
            population=self._population.value,
            tier=self._tier.value,
            arms=tuple(self._arms.value),
            classes=tuple(self._classes.value),
        )
