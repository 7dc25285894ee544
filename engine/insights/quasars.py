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
# The control: quasars whose Lyman alpha is well inside DESI's range, and whose gas is thin.
_CONTROL = (2.6, 3.6)
_MOST, _CONTROLS, _LISTED = 200, 60, 30
NO_SPECTRA = "no spectra at hand: name their root with --spectra"
_SURVIVING = {"trough": "a trough", "no trough": "no trough", "undecided": "too noisy to say"}


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
    chosen = inquiry.draw(found, _MOST, "quasars")
    troughs = measure_rows(inquiry, chosen)
    near = np.flatnonzero(is_quasar & (redshift > _CONTROL[0]) & (redshift < _CONTROL[1])
                          & (inquiry.numbers("redshift_warning") == 0))  # fmt: skip
    near = inquiry.draw(near, _CONTROLS, "controls")
    controls = measure_rows(inquiry, near)
    n_training = inquiry.n_training(inquiry.members[chosen])
    return Insight(
        *KEY,
        population=inquiry.whom(n_quasars, f"of class QSO, {len(found):,} of them above z = "
                                f"{MIN_REDSHIFT:g}"),
        n_objects=len(found),
        n_training=n_training,
        sentences=_sentences(inquiry, chosen, troughs, n_training),
        control=_control(controls),
        numbers=_numbers(found, troughs, controls),
        figure=_figure(redshift, (chosen, troughs), (near, controls)),
        table=_table(inquiry, chosen, troughs),
    )  # fmt: skip


def _code(inquiry: Inquiry) -> int:
    return inquiry.classes.index("QSO") if "QSO" in inquiry.classes else -1


def measure_rows(inquiry: Inquiry, places: NDArray[np.integer]) -> list[Trough]:
    """Open the spectra of some members, (n,), and measure each; say why where that fails."""
    if inquiry.archive is None:
        return [Trough(np.nan, np.nan, NO_SPECTRA)] * len(places)
    names = ("target_id", "source_file", "row_in_file", "redshift")
    troughs = []
    for record in inquiry.store.records(inquiry.members[places], names):
        redshift = record.pop("redshift")
        try:
            batch = inquiry.archive.read([ObjectKey(*record.values())])
        except InputError as error:
            troughs.append(Trough(np.nan, np.nan, str(error)))
            continue
        troughs.append(measure_trough(batch.one(0), redshift))
    return troughs


def _sentences(
    inquiry: Inquiry, chosen: NDArray[np.integer], troughs: list[Trough], n_training: int | None
) -> tuple[str, ...]:
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
        f"{len(chosen):,} objects that the pipeline calls QSO above z = {MIN_REDSHIFT:g} are "
        f"looked at; {n_sure:,} have ZWARN = 0, and {n_tier:,} are of {inquiry.tier_label}.",
        measured,
        f"A quasar without a trough there is most likely another object or at another redshift; "
        f"{counted(n_training)} of these are training members of the model.",
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


def _numbers(
    found: NDArray[np.integer], troughs: list[Trough], controls: list[Trough]
) -> dict[str, object]:
    return {
        "n_found": len(found), "n_measured": sum(not t.reason for t in troughs),
        "verdicts": Counter(t.verdict for t in troughs),
        "control_ratios": [t.ratio for t in controls if not t.reason],
        "window_blueward": f"rest frame, Lyman alpha at {LYMAN_ALPHA} Å",
    }  # fmt: skip


def _figure(
    redshift: NDArray[np.floating], *groups: tuple[NDArray[np.integer], list[Trough]]
) -> Figure | None:
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


def _table(inquiry: Inquiry, chosen: NDArray[np.integer], troughs: list[Trough]) -> Table:
    names = ("target_id", "redshift", "redshift_warning", "snr", "score_mse")
    is_simulated = bool(inquiry.store.manifest.simulated)
    names = (*names, "injected_type") if is_simulated else names
    records = inquiry.store.records(inquiry.members[chosen], names)
    rows = [
        (str(r["target_id"]), *(_cell(r[name]) for name in names[1:]),
         None if t.reason else f"{t.ratio:+.3f} ± {t.error:.3f}", t.reason or t.verdict)
        for r, t in zip(records, troughs, strict=True)
    ]  # fmt: skip
    rows.sort(key=lambda row: -(row[1] or 0))
    put_in = ("put in (simulated)",) if is_simulated else ()
    return Table(("TARGETID", "z", "ZWARN", "S/N", "score", *put_in, "ratio", "verdict"),
                 tuple(rows[:_LISTED]))  # fmt: skip


def _cell(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
