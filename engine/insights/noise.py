"""Is the score a noise meter? Spearman's rank correlation of every score with S/N."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .chance import bootstrap_error, two_sided
from .inquiry import Inquiry
from .insight import Figure, Insight, Table, counted, series

KEY = ("noise", "Does the score follow the noise?")
SCORES = ("score_mse", "score_sum", "arm_residual_b", "arm_residual_r", "arm_residual_z")
CALIBRATED = ("sigma_astro", "sigma_instrument", "sigma_all")
BAR = 0.1
_FEWEST, _MOST, _BINS, _PERMUTATIONS = 30, 1_000_000, 20, 199
Numbers = NDArray[np.floating]


def correlate_with_noise(inquiry: Inquiry) -> Insight:
    """Correlate every score of the store with S/N, overall and within each class."""
    places = inquiry.draw(np.arange(len(inquiry.members)), _MOST, "noise")
    snr = inquiry.numbers("snr", inquiry.members[places])
    n = int(np.isfinite(snr).sum())
    if n < _FEWEST:
        return inquiry.too_few(
            KEY, f"Only {inquiry.whom(n)} have an S/N: too few for a correlation "
            f"({_FEWEST} are needed).", n,
        )  # fmt: skip
    rows = inquiry.members[places]
    known = [name for name in (*SCORES, *CALIBRATED) if inquiry.has(name)]
    names = [name for name in known if _differs(inquiry.numbers(name, rows))]
    if SCORES[0] not in names:
        return inquiry.too_few(
            KEY, f"{inquiry.whom(n)} have no {SCORES[0]} or all the same: nothing to correlate.", n
        )
    absent = [name for name in CALIBRATED if name not in names]
    found = {name: _by_class(inquiry, places, snr, inquiry.numbers(name, rows)) for name in names}
    main = CALIBRATED[0] if CALIBRATED[0] in names else SCORES[0]
    shown = {name: inquiry.numbers(name, rows) for name in dict.fromkeys(("score_mse", main))}
    chances = {name: _chance(inquiry, snr, score) for name, score in shown.items()}
    n_training = inquiry.n_training(rows[np.isfinite(snr)])
    return Insight(
        *KEY,
        population=inquiry.whom(n, f"of {len(inquiry.members):,}" if n < len(inquiry.members)
                                else ""),
        n_objects=n,
        n_training=n_training,
        sentences=_sentences(found, absent, n_training, n),
        control=f"S/N dealt to the wrong objects {_PERMUTATIONS} times gives |ρ| up to "
        + " and ".join(f"{most:.3f} for {name} (p = {p:.2g} for the value found)"
                       for name, (most, p) in chances.items())
        + f". A score that does not measure noise is to have |ρ| ≤ {BAR}, overall and within each "
        "class.",
        numbers={"spearman": found, "absent": absent, "shown": main},
        figure=_figure(snr, shown),
        table=_table(inquiry, found),
    )  # fmt: skip


def spearman(a: Numbers, b: Numbers) -> float:
    """Return Spearman's rank correlation of (N,) and (N,); NaN where one of them is constant.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([9.0, 8.0, 1.0]))
    -1.0
    """
    left, right = (rankdata(v) - (len(v) + 1) / 2 for v in (a, b))
    size = float(np.sqrt((left @ left) * (right @ right)))
    return round(float(left @ right) / size, 12) if size else float("nan")


def _differs(score: Numbers) -> bool:
    """Return whether enough objects have a score, and not all the same."""
    known = score[np.isfinite(score)]
    return len(known) >= _FEWEST and bool(np.ptp(known) > 0)


def _by_class(
    inquiry: Inquiry, places: NDArray[np.integer], snr: Numbers, score: Numbers
) -> dict[str, dict[str, float]]:
    known = np.isfinite(snr) & np.isfinite(score)
    codes = inquiry.class_codes[places]
    found = {"all": _measure(inquiry, snr[known], score[known])}
    for code, name in enumerate(inquiry.classes):
        rows = known & (codes == code)
        if np.count_nonzero(rows) >= _FEWEST:
            found[name] = _measure(inquiry, snr[rows], score[rows])
    return found


def _measure(inquiry: Inquiry, snr: Numbers, score: Numbers) -> dict[str, float]:
    rng = inquiry.generator("bootstrap")
    error = bootstrap_error(rng, spearman, (snr, score), n_draws=50, n_most=5_000)
    return {"n": len(snr), "rho": spearman(snr, score), "error": error}


def _chance(inquiry: Inquiry, snr: Numbers, score: Numbers) -> tuple[float, float]:
    """Return the largest |rho| of permutations, and the p-value of what was found."""
    rng = inquiry.generator("permuted noise")
    known = np.flatnonzero(np.isfinite(snr) & np.isfinite(score))
    known = inquiry.draw(known, 50_000, "permuted noise")
    ranks = [rankdata(v[known]) - (len(known) + 1) / 2 for v in (snr, score)]
    size = np.sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1])) or 1.0
    drawn = np.array([
        rng.permutation(ranks[0]) @ ranks[1] / size for _ in range(_PERMUTATIONS)
    ])  # fmt: skip
    return float(np.abs(drawn).max()), two_sided(float(ranks[0] @ ranks[1] / size), drawn)


def _sentences(
    found: dict[str, dict[str, dict[str, float]]], absent: list[str], n_training: int | None, n: int
) -> tuple[str, ...]:
    mse = found["score_mse"]["all"]
    others = ", ".join(
        f"{name} {each['all']['rho']:+.2f}" for name, each in found.items() if name != "score_mse"
    )
    verdict = (
        "it does not follow S/N" if abs(mse["rho"]) <= BAR
        else "it is in good part a noise meter" if mse["rho"] < -0.5
        else f"it {'falls' if mse['rho'] < 0 else 'rises'} with S/N"
    )  # fmt: skip
    return (
        f"The published score, score_mse, has a rank correlation of {mse['rho']:+.3f} ± "
        f"{mse['error']:.3f} with S/N: {verdict}.",
        f"The others: {others or 'none in this store'}."
        + (f" Not in this store, or the same for all: {', '.join(absent)}." if absent else "")
        + "".join(_against_bar(name, found[name]) for name in CALIBRATED if name in found),
        f"{counted(n_training)} of these {n:,} are training members of the compatible network, "
        "whose score_mse may be a little lower.",
    )


def _against_bar(name: str, groups: dict[str, dict[str, float]]) -> str:
    """Say whether a calibrated score keeps what it promises, in the worst of its groups."""
    worst = max(groups, key=lambda group: abs(np.nan_to_num(groups[group]["rho"])))
    rho = groups[worst]["rho"]
    verdict = "met" if abs(rho) <= BAR else "not met"
    return f" {name}: at worst {rho:+.2f} ({worst}), the bar is {verdict}."


def _figure(snr: Numbers, scores: dict[str, Numbers]) -> Figure:
    """Draw the median of each score in bins of equal count of S/N, with its 16 to 84 %."""
    drawn = []
    for name, score in scores.items():
        known = np.flatnonzero(np.isfinite(snr) & np.isfinite(score) & (snr > 0))
        parts = np.array_split(known[np.argsort(snr[known], kind="stable")], _BINS)
        quantiles = np.array([np.quantile(score[p], (0.16, 0.5, 0.84)) for p in parts if len(p)])
        x = [np.median(snr[p]) for p in parts if len(p)]
        low, middle, high = quantiles.T if len(quantiles) else ([], [], [])
        drawn.append(series(f"{name}, median and 16 to 84 %", "points", x, middle,
                            low=low, high=high))  # fmt: skip
    is_calibrated = len(scores) > 1
    return Figure(
        "S/N per square root of Å",
        "score" if is_calibrated else "score_mse",
        tuple(drawn),
        x_scale="log",
        y_scale="linear" if is_calibrated else "log",
    )


def _table(inquiry: Inquiry, found: dict[str, dict[str, dict[str, float]]]) -> Table:
    groups = ("all", *(c for c in inquiry.classes if any(c in each for each in found.values())))
    rows = tuple(
        (name, *(f"{each[g]['rho']:+.3f} ± {each[g]['error']:.3f}" if g in each else None
                 for g in groups))
        for name, each in found.items()
    )  # fmt: skip
    return Table(("score", *groups), rows)
