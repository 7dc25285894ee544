"""Redshift recoverability: how much of the redshift is left in the latents of a spectrum."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from .accuracy import Accuracy, measure_accuracy, nmad_error
from .inquiry import Inquiry
from .insight import Figure, Insight, Table, counted, percent, series
from .readout import Readout
from .regression import MIN_SNR, Latents, boosted_trees, draw_latents

KEY = ("recoverability", "How much of the redshift is in the latents?")
BARS = {"sigma_nmad": 0.021, "r2": 0.97, "outliers_15": 0.013}
FAR = ("GALAXY", "QSO")
N_MOST, _FEWEST, _FEWEST_FAR = 200_000, 1_000, 200
_DRAWN, _NEIGHBORS, _COMPONENTS, _QUINTILES = 1_500, 10, 10, 5
_WHOM = f"with ZWARN = 0, z > 0 and S/N > {MIN_SNR:g}"
Numbers = NDArray[np.float64]


def measure_recoverability(inquiry: Inquiry) -> Insight:
    """Predict redshifts from latents, and judge them on objects nobody trained on."""
    latents = draw_latents(inquiry, N_MOST)
    n = len(latents.rows)
    if n < _FEWEST:
        return inquiry.too_few(
            KEY, f"Only {inquiry.whom(n, _WHOM)}: too few to train on and to judge by "
            f"({_FEWEST:,} are needed).", n,
        )  # fmt: skip
    judged, classes = latents.part(2), _classes(inquiry, latents)
    is_far = np.isin(classes[judged], FAR)
    if is_far.sum() < _FEWEST_FAR:
        return inquiry.too_few(
            KEY, f"Only {is_far.sum()} galaxies and quasars among {inquiry.whom(n, _WHOM)} are "
            f"held out to judge by ({_FEWEST_FAR} are needed).", n,
        )  # fmt: skip
    predicted, chosen = _predict(inquiry, latents, classes)
    true = latents.redshift[judged]
    rows, numbers = _rows(inquiry, latents, predicted, is_far)
    best = measure_accuracy(true[is_far], predicted[chosen][is_far])
    error = nmad_error(inquiry.generator("accuracy"), true[is_far], predicted[chosen][is_far])
    groups = _groups(inquiry, latents, predicted[chosen], classes)
    rows += tuple(_row(f"{chosen}: {label}", each) for label, each in groups)
    n_training = inquiry.n_training(latents.rows[judged])
    return Insight(
        *KEY,
        population=inquiry.whom(n, f"{_WHOM}, of {latents.n_eligible:,} such; "
                                f"{len(judged):,} held out to judge by"),
        n_objects=n,
        n_training=n_training,
        sentences=(*_sentences(best, error, chosen), _whose(inquiry, n_training, len(judged))),
        control="The same judged objects by four trivial ways: the median redshift of the class "
        f"(σ_NMAD {numbers['median of the class']['sigma_nmad']:.3f}), the {_NEIGHBORS} nearest on "
        f"the 2-d map ({numbers['nearest on the map']['sigma_nmad']:.3f}), {_COMPONENTS} principal "
        f"components ({numbers['ten components']['sigma_nmad']:.3f}), and latents dealt to "
        f"the wrong objects ({numbers['shuffled latents']['sigma_nmad']:.3f}).",
        numbers={
            "bars": BARS, "chosen": chosen, "sigma_nmad_error": error, "ways": numbers,
            "groups": {label: each.to_dict() for label, each in groups},
        },
        figure=_figure(inquiry, true, predicted[chosen], classes[judged]),
        table=Table(("who", "judged", "σ_NMAD", "R²", "|dz| > 0.15", "|dz| > 0.05"), rows),
    )  # fmt: skip


def _predict(
    inquiry: Inquiry, latents: Latents, classes: NDArray[np.str_]
) -> tuple[dict[str, Numbers], str]:
    """Return redshifts of the judged by every way, and which of two networks did the better."""
    learned, choosing, judged = (latents.part(i) for i in range(3))
    choosing = choosing[np.isin(classes[choosing], FAR)]
    ways = {"boosted trees": boosted_trees(inquiry.seed), "network": Readout(inquiry.seed)}
    predicted, chosen_by = {}, {}
    for name, way in ways.items():
        way.fit(latents.inputs[learned], latents.target[learned])
        found = latents.clipped(way.predict(latents.inputs[choosing]))
        chosen_by[name] = measure_accuracy(latents.redshift[choosing], found).sigma_nmad
        predicted[name] = latents.clipped(way.predict(latents.inputs[judged]))
    predicted["median of the class"] = _class_medians(inquiry, latents)
    predicted["nearest on the map"] = _by_map(inquiry, latents)
    predicted["ten components"] = _by_components(inquiry, latents)
    predicted["shuffled latents"] = _by_shuffled(inquiry, latents)
    return predicted, min(chosen_by, key=chosen_by.__getitem__)


def _class_medians(inquiry: Inquiry, latents: Latents) -> Numbers:
    classes, found = _classes(inquiry, latents), np.zeros(len(latents.part(2)))
    learned, judged = latents.part(0), latents.part(2)
    for name in np.unique(classes[judged]):
        same = learned[classes[learned] == name]
        found[classes[judged] == name] = np.median(latents.redshift[same if len(same) else learned])
    return found


def _by_map(inquiry: Inquiry, latents: Latents) -> Numbers:
    from sklearn.neighbors import KNeighborsRegressor

    place = [inquiry.store.column(f"umap_{axis}")[latents.rows] for axis in "xy"]
    places = np.nan_to_num(np.stack(place, axis=1), nan=0.0, posinf=0.0, neginf=0.0)
    learned = latents.part(0)
    way = KNeighborsRegressor(_NEIGHBORS).fit(places[learned], latents.target[learned])
    return latents.clipped(way.predict(places[latents.part(2)]))


def _by_components(inquiry: Inquiry, latents: Latents) -> Numbers:
    from sklearn.decomposition import PCA

    learned = latents.part(0)
    few = PCA(_COMPONENTS, random_state=inquiry.seed).fit(latents.inputs[learned])
    way = boosted_trees(inquiry.seed, 50)
    way.fit(few.transform(latents.inputs[learned]), latents.target[learned])
    return latents.clipped(way.predict(few.transform(latents.inputs[latents.part(2)])))


def _by_shuffled(inquiry: Inquiry, latents: Latents) -> Numbers:
    learned = latents.part(0)
    wrong = inquiry.generator("shuffled").permutation(learned)
    way = boosted_trees(inquiry.seed, 50)
    way.fit(latents.inputs[wrong], latents.target[learned])
    return latents.clipped(way.predict(latents.inputs[latents.part(2)]))


def _classes(inquiry: Inquiry, latents: Latents) -> NDArray[np.str_]:
    codes = inquiry.class_codes[np.searchsorted(inquiry.members, latents.rows)]
    return np.array(inquiry.classes)[codes]


def _rows(
    inquiry: Inquiry, latents: Latents, predicted: dict[str, Numbers], is_far: NDArray[np.bool_]
) -> tuple[tuple[tuple[object, ...], ...], dict[str, dict[str, object]]]:
    """Return lines of the table and numbers, of galaxies and quasars by every way."""
    true = latents.redshift[latents.part(2)]
    found = {name: measure_accuracy(true[is_far], each[is_far]) for name, each in predicted.items()}
    rows = tuple(_row(f"{name}, galaxies and quasars", each) for name, each in found.items())
    return rows, {name: each.to_dict() for name, each in found.items()}


def _groups(
    inquiry: Inquiry, latents: Latents, predicted: Numbers, classes: NDArray[np.str_]
) -> list[tuple[str, Accuracy]]:
    """Return the figures by class and, of all but stars, by quintile of S/N, faint to bright."""
    judged = latents.part(2)
    true = latents.redshift[judged]
    of = partial(_accuracy_of, true, predicted)
    found = [("every class", measure_accuracy(true, predicted))]
    found += [(str(c), of(classes[judged] == c)) for c in np.unique(classes[judged])]
    far = np.flatnonzero(np.isin(classes[judged], FAR))
    snr = inquiry.numbers("snr", latents.rows[judged][far])
    for part in np.array_split(far[np.argsort(snr, kind="stable")], _QUINTILES):
        if len(part):
            ends = inquiry.numbers("snr", latents.rows[judged][part])
            found.append((f"S/N {ends.min():.1f} to {ends.max():.1f}", of(part)))
    return found


def _accuracy_of(true: Numbers, predicted: Numbers, which: NDArray[np.generic]) -> Accuracy:
    return measure_accuracy(true[which], predicted[which])


def _row(label: str, found: Accuracy) -> tuple[object, ...]:
    return (label, found.n_objects, round(found.sigma_nmad, 4), round(found.r2, 3),
            percent(found.outliers_15), percent(found.outliers_5))  # fmt: skip


def _sentences(best: Accuracy, error: float, chosen: str) -> tuple[str, ...]:
    met = (
        best.sigma_nmad <= BARS["sigma_nmad"], best.r2 >= BARS["r2"],
        best.outliers_15 <= BARS["outliers_15"],
    )  # fmt: skip
    verdict = "all three bars are met" if all(met) else f"{sum(met)} of three bars are met"
    return (
        f"From the latents alone, {best.n_objects:,} held-out galaxies and quasars get their "
        f"redshift back with σ_NMAD {best.sigma_nmad:.4f} ± {error:.4f} (bar 0.021), R² "
        f"{best.r2:.3f} (bar 0.97) and {percent(best.outliers_15)} beyond 0.15 (bar 1.3 %), by the "
        f"{chosen}, which was chosen on other objects: {verdict}.",
        "The input is a whole spectrum, so this is redshift recoverability, to be held against "
        "encoders of spectra; it says nothing about redshifts from photometry.",
    )


def _whose(inquiry: Inquiry, n_training: int | None, n_judged: int) -> str:
    return (
        f"The latents are those of {inquiry.network}, which catalogs carry; benchmark score "
        f"judges those of the network that measures. {counted(n_training)} of the {n_judged:,} "
        "judged objects were seen when it was trained (without their redshifts)."
    )


def _figure(
    inquiry: Inquiry, true: Numbers, predicted: Numbers, classes: NDArray[np.str_]
) -> Figure:
    shown = inquiry.draw(np.arange(len(true)), _DRAWN, "figure")
    drawn = [
        series(str(name), "points", true[rows], predicted[rows])
        for name in np.unique(classes[shown])
        for rows in [shown[classes[shown] == name]]
    ]
    top = float(max(true[shown].max(), predicted[shown].max()))
    drawn.append(series("equal", "line", [0, top], [0, top]))
    return Figure("redshift of the pipeline", "redshift from the latents", tuple(drawn))
