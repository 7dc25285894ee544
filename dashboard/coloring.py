"""What the objects of a map are coloured by, when it is not how many there are."""

from dataclasses import dataclass

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError

from .frames import COMMONEST, LARGEST, MAX_CATEGORIES, MEAN

HOWS = {MEAN: "Mean", LARGEST: "Largest", COMMONEST: "Commonest"}
# First in the list: what people ask for most, where the store has it.
_FAVORITES = (
    "score_mse", "sigma_astro", "snr", "redshift", "spectype", "worst_arm", "injected_type",
    "winning_statistic",
)  # fmt: skip


@dataclass(frozen=True)
class Coloring:
    """A column and how the objects of a pixel are reduced to one value of it.

    Parameters
    ----------
    how : str
        ``mean``, ``largest`` or ``commonest``.
    column : str
    unit : str
    categories : tuple of str
        The values of a category, by code; empty for numbers.
    """

    how: str
    column: str
    unit: str = ""
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, store: Store, how: str, column: str) -> "Coloring":
        """Return the colouring by a column of a store.

        Raises
        ------
        InputError
            The column is unknown, or cannot be reduced so.
        """
        if column not in columns_for(store, how):
            kind = store.describe(column).kind
            raise InputError(f"Column {column} is a {kind}: no map is coloured by its {how} value.")
        unit = store.describe(column).unit
        categories = store.legend(column) if how == COMMONEST else ()
        return cls(how, column, unit, tuple(name or "none" for name in categories))

    @property
    def label(self) -> str:
        """Return what the colours show, in words."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{HOWS[self.how]} {self.column}{unit}"


def columns_for(store: Store, how: str) -> list[str]:
    """Return the columns a map can be coloured by in one way, those people ask for most first."""
    wanted = []
    for name in store.column_names:
        column = store.describe(name)
        is_empty = column.n_null == store.n_objects
        if how == COMMONEST:
            fits = column.kind == "category" and 1 < column.n_legend <= MAX_CATEGORIES
        else:
            fits = column.kind in ("float", "integer", "bool") and name != "target_id"
        if fits and not is_empty:
            wanted.append(name)
    places = {name: place for place, name in enumerate(_FAVORITES)}
    return sorted(wanted, key=lambda name: (places.get(name, len(places)), name))
