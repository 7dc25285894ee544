"""The redshift neuron: whether one latent knows the redshift, more than any direction would.

The axes of a latent space are arbitrary up to a rotation, so a top latent means something only
where randomly rotated latents have no such top. Mutual information is counted in bins of equal
count, less the bias (b − 1)² / 2N of counting (Miller 1955).
"""

import numpy as np
from numpy.typing import NDArray

from .chance import p_value
from .inquiry import Inquiry
from .insight import Figure, Insight, Table, chance_text, percent, series
from .regression import Latents, Predictor, boosted_trees, draw_latents

KEY = ("neuron", "Is there a redshift neuron?")
_FEWEST, _MOST, _FOR_TREES = 1_000, 10_000, 1_000
N_ROTATIONS, _TREE_ROTATIONS = 199, 19
_BINS, _ROUNDS, _REPEATS = 16, 60, 3
Numbers = NDArray[np.float64]


def look_for_neuron(inquiry: Inquiry) -> Insight:
    """Compare the latent that knows most of the redshift with those of rotated latents."""
    latents = draw_latents(inquiry, _MOST)
    n = len(latents.rows)
    if n < _FEWEST:
        return inquiry.too_few(
            KEY, f"Only {inquiry.whom(n)} have a sure redshift and S/N > 2: too few to say what "
            f"each latent knows ({_FEWEST:,} are needed).", n,
        )  # fmt: skip
    rng = inquiry.generator("rotations")
    information, found, drawn, chance = against_rotations(latents.inputs, latents.target, rng)
    trees = _tree_ratios(inquiry, latents)
    return Insight(
        *KEY,
        population=inquiry.whom(n, f"drawn of {latents.n_eligible:,} with ZWARN = 0, z > 0, "
                                "S/N > 2"),
        n_objects=n,
        n_training=inquiry.n_training(latents.rows),
        sentences=_sentences(information, found, drawn, chance, trees),
        control=f"The same ratios for {N_ROTATIONS} random rotations of the latents "
        f"({_TREE_ROTATIONS} for the importance). Of {inquiry.network} alone: benchmark score "
        "says the same of networks that measure, over several training seeds.",
        numbers={
            "information": information.round(4), "ratio_to_second": found[0],
            "ratio_to_median": found[1], "rotated_ratio_to_second": drawn[:, 0],
            "rotated_ratio_to_median": drawn[:, 1], "p_to_second": chance[0],
            "p_to_median": chance[1], "importance": trees,
        },
        figure=_figure(information, rng, latents),
        table=_table(information, trees["values"]),
    )  # fmt: skip


def against_rotations(
    inputs: NDArray[np.floating], target: NDArray[np.floating], rng: np.random.Generator
) -> tuple[Numbers, tuple[float, float], Numbers, tuple[float, float]]:
    """Return what each of L latents, (N, L), tells of a target, (N,), and if the top is special.

    Returns
    -------
    information : (L,) float64
        In nats.
    found : tuple
        Largest over second and over median.
    drawn : (R, 2) float64
        The same of R random rotations of the latents.
    chance : tuple
        How often rotations have as large ratios.
    """
    information = mutual_information(inputs, target)
    found = top_ratios(information)
    drawn = np.array([
        top_ratios(mutual_information(rotated(inputs, rng), target)) for _ in range(N_ROTATIONS)
    ])  # fmt: skip
    return (
        information,
        found,
        drawn,
        (p_value(found[0], drawn[:, 0]), p_value(found[1], drawn[:, 1])),
    )


def mutual_information(inputs: NDArray[np.floating], target: NDArray[np.floating]) -> Numbers:
    """Return what each of L latents, (N, L), tells of a target, (N,), in nats, (L,)."""
    n, n_latents = inputs.shape
    columns, goal = _binned(inputs.T), _binned(target[None])
    cells = (np.arange(n_latents)[:, None] * _BINS + columns) * _BINS + goal
    counts = np.bincount(cells.ravel(), minlength=n_latents * _BINS**2)
    joint = counts.reshape(n_latents, _BINS, _BINS) / n
    apart = joint.sum(axis=2, keepdims=True) * joint.sum(axis=1, keepdims=True)
    terms = joint * np.log(np.where(joint > 0, joint, 1) / np.where(apart > 0, apart, 1))
    return terms.sum(axis=(1, 2)) - (_BINS - 1) ** 2 / (2 * n)


def _binned(rows: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the bin of equal count of each value in its row, (L, N)."""
    order = np.argsort(np.ascontiguousarray(rows), axis=1)
    bins = np.empty(rows.shape, np.int64)
    steps = np.arange(rows.shape[1]) * _BINS // rows.shape[1]
    np.put_along_axis(bins, order, np.broadcast_to(steps, rows.shape), axis=1)
    return bins


def top_ratios(known: NDArray[np.floating]) -> tuple[float, float]:
    """Return how the largest of (L,) compares with the second and with the median.

    What is at or below zero after taking off a bias counts as a thousandth of the largest.

    Examples
    --------
    >>> top_ratios(np.array([1.0, 6.0, 2.0, 1.0]))
    (3.0, 4.0)
    """
    ordered = np.sort(np.asarray(known, np.float64))[::-1]
    floor = max(ordered[0] * 1e-3, 1e-12)
    return (float(ordered[0] / max(ordered[1], floor)),
            float(ordered[0] / max(np.median(ordered), floor)))  # fmt: skip


def rotated(inputs: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
    """Return latents, (N, L), turned by a random rotation, each as likely as any other."""
    n_latents = inputs.shape[1]
    turn, upper = np.linalg.qr(rng.normal(size=(n_latents, n_latents)))
    turn *= np.sign(np.diag(upper))
    return (inputs - inputs.mean(axis=0)) @ turn.astype(inputs.dtype)


def _tree_ratios(inquiry: Inquiry, latents: Latents) -> dict[str, object]:
    """Return the same by what boosted trees lose when a latent is shuffled."""
    rng = inquiry.generator("importance")
    values = _importance(inquiry.seed, latents, latents.inputs, rng)
    found = top_ratios(values)
    drawn = np.array([
        top_ratios(_importance(inquiry.seed, latents, rotated(latents.inputs, rng), rng))
        for _ in range(_TREE_ROTATIONS)
    ])  # fmt: skip
    return {
        "values": values.tolist(), "ratio_to_second": found[0], "ratio_to_median": found[1],
        "rotated_ratio_to_second": drawn[:, 0].tolist(),
        "p_to_second": p_value(found[0], drawn[:, 0]),
    }  # fmt: skip


def _importance(
    seed: int, latents: Latents, inputs: NDArray[np.floating], rng: np.random.Generator
) -> Numbers:
    """Return by how much the squared error grows when each latent is shuffled, (L,)."""
    learned, judged = latents.part(0), latents.part(2)
    if len(judged) > _FOR_TREES:
        judged = rng.choice(judged, _FOR_TREES, replace=False)
    trees = boosted_trees(seed, _ROUNDS, n_leaves=15)
    trees.fit(inputs[learned], latents.target[learned])
    shown, target = inputs[judged], latents.target[judged]
    base = np.mean((trees.predict(shown) - target) ** 2)
    return np.mean([_loss(trees, shown, target, rng) for _ in range(_REPEATS)], axis=0) - base


def _loss(trees: Predictor, shown: Numbers, target: Numbers, rng: np.random.Generator) -> Numbers:
    """Return the squared error with each latent of (N, L) shuffled, (L,)."""
    # One call for all latents: trees cost more to start than to walk.
    n_latents = shown.shape[1]
    tried = np.repeat(shown[None], n_latents, axis=0)
    for latent in range(n_latents):
        tried[latent, :, latent] = rng.permutation(shown[:, latent])
    predicted = trees.predict(tried.reshape(-1, n_latents)).reshape(n_latents, -1)
    return np.mean((predicted - target) ** 2, axis=1)


def _sentences(
    information: Numbers, found: tuple[float, float], drawn: Numbers, chance: tuple[float, float],
    trees: dict[str, object],
) -> tuple[str, ...]:  # fmt: skip
    top = int(np.argmax(information))
    typical, high = np.quantile(drawn[:, 0], (0.5, 0.95))
    # With nine latents in ten knowing nothing, a ratio to the median means little by itself.
    is_special = chance[0] <= 0.05 and found[0] > 1.5
    verdict = (
        "so this axis is special" if is_special
        else "so no axis is more special than directions drawn by lot"
    )  # fmt: skip
    return (
        f"Latent {top} knows most of the redshift ({information[top]:.2f} nats), "
        f"{found[0]:.2f} times the second and {found[1]:.1f} times the median latent.",
        f"Rotated latents have a top of {typical:.2f} times the second (95 % below {high:.2f}), "
        f"{chance_text(chance[0])} for the second and {chance_text(chance[1])} for the median: "
        f"{verdict}.",
        f"By permutation importance in boosted trees the top is {trees['ratio_to_second']:.2f} "
        f"times the second ({chance_text(trees['p_to_second'])} against rotations).",
    )


def _figure(information: Numbers, rng: np.random.Generator, latents: Latents) -> Figure:
    turned = mutual_information(rotated(latents.inputs, rng), latents.target)
    order = np.arange(len(information))
    return Figure(
        "latents from the one that knows most to the least",
        "mutual information with the redshift (nats)",
        (series("latents", "points", order, np.sort(information)[::-1]),
         series("one rotation of them", "line", order, np.sort(turned)[::-1])),
    )  # fmt: skip


def _table(information: Numbers, importance: object) -> Table:
    losses = np.asarray(importance)
    shares = losses / max(losses.sum(), 1e-12)
    top = np.argsort(-information)[:8]
    rows = tuple(
        (f"latent {i}", round(float(information[i]), 3), percent(float(shares[i]))) for i in top
    )
    return Table(("latent", "information (nats)", "share of importance"), rows)
