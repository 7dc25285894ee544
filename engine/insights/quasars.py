"""The most distant quasars by the pipeline's word, and whether their spectra agree."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.spectra.source import ObjectKey

from .inquiry import Inquiry
from .insight import Figure, Insight, Table, counted, percent, series
from .trough import LYMAN_ALPHA, Trough, measure_trough

KEY = ("quasars", "Which quasars are beyond z = 6, and do they show the trough?")
MIN_REDSHIFT = 6.0
# Controls: quasars whose Lyman alpha is well inside DESI's range and whose gas is thin; and stars
# and galaxies, whose light is looked at where that of a distant quasar would be.
_CONTROL = (2.6, 3.6)
_MOST, _CONTROLS, _LISTED, _KEPT = 500, 200, 30, 10_000
NO_SPECTRA = "no spectra at hand: name their root with --spectra"
_SURVIVING = {"trough": "a trough", "no trough": "no trough", "undecided": "something between"}
Places = NDArray[np.integer]


def list_quasars(inquiry: Inquiry) -> Insight:
    """List quasars beyond z = 6, and measure the light left blueward of Lyman alpha."""
    redshift = inquiry.numbers("redshift")
    is_quasar = inquiry.class_codes == _code(inquiry)
    found = np.flatnonzero(is_quasar & (redshift > MIN_REDSHIFT))
    n_quasars = int(is_quasar.sum())
    if len(found) == 0:
        highest = redshift[is_quasar & np.isfinite(redshift)]
        known = f"the highest is at z = {highest.max():.3f}" if len(highest) else "none has one"
        return inquiry.too_few(
            KEY, f"None of {inquiry.whom(n_quasars, 'of class QSO')} has a pipeline redshift "
            f"above {MIN_REDSHIFT:g}; {known}.", n_quasars,
        )  # fmt: skip
    found = _surest_first(inquiry, found)
    chosen = found[:_MOST]
    troughs = measure_rows(inquiry, chosen, redshift[chosen])
    near = _near(inquiry, is_quasar, redshift)
    controls = measure_rows(inquiry, near, redshift[near])
    others = _others(inquiry, is_quasar)
    somewhere = inquiry.generator("elsewhere").choice(redshift[chosen], len(others))
    strangers = measure_rows(inquiry, others, somewhere)
    n_training = inquiry.n_training(inquiry.members[chosen])
    return Insight(
        *KEY,
        population=inquiry.whom(n_quasars, f"of class QSO, {len(found):,} of them above z = "
                                f"{MIN_REDSHIFT:g}"),
        n_objects=len(found),
        n_training=n_training,
        sentences=_sentences(inquiry, (found, chosen), troughs, n_training),
        control=f"{_control(controls)} {_control_of_others(strangers)}",
        numbers=_numbers((troughs, controls, strangers)) | _candidates(inquiry, found),
        figure=_figure(redshift, (chosen, troughs), (near, controls)),
        table=_table(inquiry, chosen, troughs),
    )  # fmt: skip


def _code(inquiry: Inquiry) -> int:
    return inquiry.classes.index("QSO") if "QSO" in inquiry.classes else -1


def _surest_first(inquiry: Inquiry, found: Places) -> Places:
    """Return the found, (n,): without a warning first, and then by the gap to the next redshift."""
    rows = inquiry.members[found]
    gap = inquiry.numbers("deltachi2", rows) if inquiry.has("deltachi2") else np.zeros(len(rows))
    warned = inquiry.numbers("redshift_warning", rows) != 0
    return found[np.lexsort((-np.nan_to_num(gap, nan=-1.0), warned))]


def _near(inquiry: Inquiry, is_quasar: NDArray[np.bool_], redshift: NDArray[np.floating]) -> Places:
    low, high = _CONTROL
    sure = is_quasar & (inquiry.numbers("redshift_warning") == 0)
    near = np.flatnonzero(sure & (redshift > low) & (redshift < high))
    return inquiry.draw(near, _CONTROLS, "controls")


def _others(inquiry: Inquiry, is_quasar: NDArray[np.bool_]) -> Places:
    is_known = inquiry.class_codes < len(inquiry.classes) - 1
    return inquiry.draw(np.flatnonzero(is_known & ~is_quasar), _CONTROLS, "others")


def measure_rows(inquiry: Inquiry, places: Places, redshifts: NDArray[np.floating]) -> list[Trough]:
    """Open the spectra of some members, (n,), and measure each at a redshift of (n,).

    Where that fails it is said why.
    """
    if inquiry.archive is None:
        return [Trough(np.nan, np.nan, NO_SPECTRA)] * len(places)
    names = ("target_id", "source_file", "row_in_file")
    records = inquiry.store.records(inquiry.members[places], names)
    troughs = []
    for record, redshift in zip(records, redshifts, strict=True):
        try:
            batch = inquiry.archive.read([ObjectKey(*record.values())])
        except InputError as error:
            troughs.append(Trough(np.nan, np.nan, str(error)))
            continue
        troughs.append(measure_trough(batch.one(0), float(redshift)))
    return troughs


def _sentences(
    inquiry: Inquiry, places: tuple[Places, Places], troughs: list[Trough], n_training: int | None
) -> tuple[str, ...]:
    found, chosen = places
    counts = {verdict: sum(t.verdict == verdict for t in troughs) for verdict in _SURVIVING}
    told = ", ".join(f"{n} {_SURVIVING[verdict]}" for verdict, n in counts.items())
    n_measured = sum(not t.reason for t in troughs)
    n_sure = int((inquiry.numbers("redshift_warning", inquiry.members[chosen]) == 0).sum())
    measured = (
        f"The light left blueward of Lyman alpha was measured in {n_measured} of {len(troughs)}: "
        f"{told}." if n_measured
        else f"The trough was not measured in any of them: {troughs[0].reason}."
    )  # fmt: skip
    n_tier = int(inquiry.in_tier[chosen].sum())
    return (
        f"{len(chosen):,} of the {len(found):,} objects that the pipeline calls QSO above z = "
        f"{MIN_REDSHIFT:g} are looked at, the surest first (ZWARN, then DELTACHI2); {n_sure:,} of "
        f"them have ZWARN = 0, and {n_tier:,} are of {inquiry.tier_label}.",
        measured,
        "A quasar without a trough there is most likely another object or at another redshift, "
        f"and a cool dwarf may look as if it had one; {counted(n_training)} of these are training "
        "members of the compatible network.",
    )


def _control(controls: list[Trough]) -> str:
    measured = [t for t in controls if not t.reason]
    low, high = _CONTROL
    if not measured:
        reason = controls[0].reason if controls else "there are none"
        return f"Quasars at z = {low} to {high} were not measured either: {reason}."
    n_trough = sum(t.verdict == "trough" for t in measured)
    return (
        f"The same measurement of {len(measured)} quasars at z = {low} to {high}, whose gas is "
        f"thin, finds a median ratio of {np.median([t.ratio for t in measured]):.2f} and a trough "
        f"in {n_trough} ({percent(n_trough / len(measured))})."
    )


def _control_of_others(strangers: list[Trough]) -> str:
    measured = [t for t in strangers if not t.reason]
    if not measured:
        return "No star and no galaxy was measured where such quasars have theirs."
    n_trough = sum(t.verdict == "trough" for t in measured)
    return (
        f"{len(measured)} stars and galaxies, measured at the redshifts of these, seem to have one "
        f"in {n_trough} ({percent(n_trough / len(measured))})."
    )


def _numbers(groups: tuple[list[Trough], list[Trough], list[Trough]]) -> dict[str, object]:
    found, near, others = ([t for t in group if not t.reason] for group in groups)
    return {
        "n_measured": len(found), "verdicts": Counter(t.verdict for t in groups[0]),
        "control_ratios": [t.ratio for t in near], "other_ratios": [t.ratio for t in others],
        "other_verdicts": Counter(t.verdict for t in others),
        "window_blueward": f"rest frame, Lyman alpha at {LYMAN_ALPHA} Å",
    }  # fmt: skip


def _candidates(inquiry: Inquiry, found: Places) -> dict[str, object]:
    """Return all that are found, the surest first, by name."""
    names = ("target_id", "redshift", "redshift_warning")
    kept = inquiry.store.records(inquiry.members[found[:_KEPT]], names)
    listed = [{**each, "target_id": str(each["target_id"])} for each in kept]
    return {"n_found": len(found), "candidates": listed}


def _figure(redshift: NDArray[np.floating], *groups: tuple[Places, list[Trough]]) -> Figure | None:
    labels = (f"z > {MIN_REDSHIFT:g}", "control")
    drawn = []
    for label, (places, troughs) in zip(labels, groups, strict=True):
        kept = [(p, t) for p, t in zip(places, troughs, strict=True) if not t.reason]
        if kept:
            ratio = np.array([t.ratio for _, t in kept])
            error = np.array([t.error for _, t in kept])
            x = redshift[[p for p, _ in kept]]
            drawn.append(series(f"{label}, ± 1σ", "points", x, ratio,
                                low=ratio - error, high=ratio + error))  # fmt: skip
    if not drawn:
        return None
    return Figure("redshift of the pipeline", "flux blueward / redward of Lyman α", tuple(drawn))


def _table(inquiry: Inquiry, chosen: Places, troughs: list[Trough]) -> Table:
    names = ("target_id", "redshift", "redshift_warning", "snr", *inquiry.scores)
    is_simulated = bool(inquiry.store.manifest.made)
    names = (*names, "injected_type") if is_simulated else names
    records = inquiry.store.records(inquiry.members[chosen[:_LISTED]], names)
    rows = tuple(
        (str(r["target_id"]), *(_cell(r[name]) for name in names[1:]),
         None if t.reason else f"{t.ratio:+.3f} ± {t.error:.3f}", t.reason or t.verdict)
        for r, t in zip(records, troughs[:_LISTED], strict=True)
    )  # fmt: skip
    put_in = ("put in (simulated)",) if is_simulated else ()
    return Table(("TARGETID", "z", "ZWARN", "S/N", *inquiry.scores, *put_in, "ratio", "verdict"),
                 rows)  # fmt: skip


def _cell(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
