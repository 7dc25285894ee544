"""The filters: population, tier, arm ("Band") and class, each option with how many it holds."""

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.session import UNCLASSIFIED, Session
from anomaly_explorer.dashboard.state import ALL
from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.dashboard.words import POPULATION_LABELS
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.scoring.tiers import TIERS, Tier, least_fitted, why_no_gold

ARMS = ("B", "R", "Z")
CAPTIONS = {
    "Population": "what the fiber was put on",
    "Tier": "counts are of the population above",
    "Band": "arm with the largest residual",
    "Class": "class the pipeline gave",
}

# A list of up to fifteen tiers in a column that also has histograms.
_DENSE = {
    "& .MuiFormControlLabel-root": {"minHeight": 0, "height": 24},
    "& .MuiRadio-root": {"padding": "2px 6px 2px 9px"},
    "& .MuiSvgIcon-root": {"fontSize": "18px"},
    "& .MuiTypography-root": {"fontSize": "12px", "whiteSpace": "nowrap"},
}


class Counts:
    """How many objects of one population each option holds, from the totals of the store.

    Parameters
    ----------
    store : Store
    population : str
        One of the gate's, or all of them.
    """

    def __init__(self, store: Store, population: str) -> None:
        self._store, self._totals = store, store.totals
        codes = store.legend("population")
        self._groups = slice(None)
        if population != ALL:
            code = codes.index(population) if population in codes else len(codes)
            self._groups = slice(code, code + (population in codes))

    @property
    def n_objects(self) -> int:
        """Return how many objects the population has."""
        return int(self._totals.n_rows()[self._groups].sum())

    def of_tier(self, name: str) -> int:
        """Return how many are in a tier."""
        return self._count("tier_bits", self._store.manifest.tiers.index(name))

    def of_arm(self, name: str) -> int:
        """Return of how many an arm is the worst."""
        return self._count("worst_arm", self._store.legend("worst_arm").index(name))

    def of_class(self, name: str) -> int:
        """Return how many are of a class; "" stands for no class or an unknown one."""
        legend = self._store.legend("spectype")
        n_named = self._count("spectype", legend.index(name)) if name in legend else 0
        n_null = self._totals.tallies["spectype"].n_null[self._groups].sum()
        return n_named + (int(n_null) if name == UNCLASSIFIED else 0)

    def _count(self, column: str, place: int) -> int:
        return int(self._totals.tallies[column].counts[self._groups, place].sum())


def offered_tiers(store: Store) -> list[Tier]:
    """Return the tiers that a store can have: of the calibrated score only those it has earned."""
    has_sigma = store.manifest.has_sigma
    has_gold = not why_no_gold(least_fitted(store.manifest.calibration))
    return [
        tier for tier in TIERS
        if not tier.is_calibrated or (has_sigma and (tier.kind == "percentile" or has_gold))
    ]  # fmt: skip


def no_gold_html(store: Store) -> str:
    """Return why a store with sigmas offers no tier of 5 sigma; empty where it does."""
    said = store.manifest
    why = why_no_gold(least_fitted(said.calibration)) if said.has_sigma else ""
    return f'<div class="muted" style="font-size:11px;line-height:1.35">{escape(why)}</div>'


def tier_options(store: Store, counts: Counts) -> dict[str, str]:
    """Return label -> tier name with the number of objects of the population in each tier."""
    options = {f"Every score · {counts.n_objects:,}": ""}
    for tier in offered_tiers(store):
        options[f"{tier.label} · {counts.of_tier(tier.name):,}"] = tier.name
    return options


def population_options(session: Session) -> dict[str, str]:
    """Return label -> population with its count, and all of them."""
    counts = {**session.counts, ALL: session.store.n_objects}
    return {f"{POPULATION_LABELS[name]} · {count:,}": name for name, count in counts.items()}


def class_options(store: Store) -> dict[str, str]:
    """Return label -> class; objects of no known class are unclassified."""
    options = {name: name for name in sorted(store.legend("spectype")) if name}
    if Counts(store, ALL).of_class(UNCLASSIFIED):
        options["unclassified"] = UNCLASSIFIED
    return options


def present_arms(store: Store) -> list[str]:
    """Return the arms that are the worst of some object."""
    return [arm for arm in ARMS if arm in store.legend("worst_arm")]


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
        self.session, store = session, session.store
        self._is_syncing = False
        self._counted = ""
        self._headings = {
            name: pn.pane.HTML(_heading(name), margin=(10, 4, 0, 4), stylesheets=[BASE_CSS])
            for name in CAPTIONS
        }
        self._population = pmui.RadioBoxGroup(
            options=population_options(session), margin=(0, 0), sx=_DENSE,
            css_classes=["filter-population"],
        )  # fmt: skip
        self._tier = pmui.RadioBoxGroup(
            options=tier_options(store, Counts(store, session.state.population)),
            margin=(0, 0),
            css_classes=["filter-tier"], sx=_DENSE,
        )  # fmt: skip
        self._arms = pmui.CheckButtonGroup(
            options=present_arms(store), margin=(4, 4), css_classes=["filter-band"], size="small"
        )
        self._classes = pmui.CheckButtonGroup(
            options=class_options(store), margin=(4, 4), css_classes=["filter-class"],
            size="small",
        )  # fmt: skip
        self._gold = pn.pane.HTML(
            no_gold_html(store), margin=(2, 4), stylesheets=[BASE_CSS], css_classes=["no-gold"]
        )
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
            if self._counted != state.population:
                self._count()
            self._population.value = state.population
            self._tier.value = state.tier
            self._arms.value = list(state.arms)
            self._classes.value = list(state.classes)
        finally:
            self._is_syncing = False

    @property
    def population(self) -> pn.Column:
        """Return the choice of the population."""
        return self._column(self._headings["Population"], self._population)

    @property
    def rest(self) -> pn.Column:
        """Return the other controls, and what resets all filters."""
        return self._column(
            self._headings["Tier"], self._tier, self._gold, self._headings["Band"], self._arms,
            self._headings["Class"], self._classes, self._reset,
        )  # fmt: skip

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the controls in one column."""
        return pn.Column(self.population, self.rest, sizing_mode="stretch_width", margin=0)

    @staticmethod
    def _column(*parts: Any) -> pn.Column:
        return pn.Column(*parts, sizing_mode="stretch_width", margin=(0, 6))

    def _count(self) -> None:
        """Write how many objects of the population each option holds."""
        store, self._counted = self.session.store, self.session.state.population
        counts = Counts(store, self._counted)
        self._tier.options = tier_options(store, counts)
        arms = {arm: counts.of_arm(arm) for arm in present_arms(store)}
        self._headings["Band"].object = _heading("Band", arms)
        classes = {label: counts.of_class(name) for label, name in class_options(store).items()}
        self._headings["Class"].object = _heading("Class", classes)

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
