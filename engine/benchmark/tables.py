"""Tables of a summary of trials, in lines of Markdown."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from anomaly_explorer.engine.scoring.figures import STRENGTHS

OURS = "sigma_astro"
_COLUMNS = ("rho", "auc", "recall_1pct", "recall_01pct")


def table_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return every score's figures: means, by type, by class, by strength and S/N, and alarms."""
    scores = summary["scores"]
    return [
        *_score_lines(summary), "", *_type_lines(summary), "", *_class_lines(scores), "",
        *_strength_lines(scores), "", *_decile_lines(summary),
    ]  # fmt: skip


def _with_error(figures: Mapping[str, Any], name: str) -> str:
    error = figures["errors"][name]
    return f"{figures[name]:.3f}" + (f" ± {error:.3f}" if error is not None else "")


def _score_lines(summary: Mapping[str, Any]) -> list[str]:
    scores, n_types = summary["scores"], len(summary["headline"])
    lines = [
        f"Means over the {n_types} types that the bars are stated for.", "",
        "| score | Spearman with S/N | AUC | recall at 1 % | recall at 0.1 % |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, figures in scores.items():
        cells = " | ".join(_with_error(figures, column) for column in _COLUMNS)
        lines.append(f"| {name} | {cells} |")
    return lines


def best_other(scores: Mapping[str, Any]) -> str:
    """Return the name of the score with the largest recall at 1 % of all that are not ours."""
    rivals = [name for name in scores if not name.startswith("sigma_")]
    return max(rivals, key=lambda name: scores[name]["recall_1pct"])


def _type_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return ours beside the best of the others, and then all that are not in that table."""
    scores = summary["scores"]
    best = best_other(scores)
    first = (OURS, "sigma_instrument", "sigma_all", best)
    titles = (
        f"Recall at 1 % false positives by type, beside the best of the others ({best}).",
        "The same of every other score.",
    )
    lines = []
    for title, names in zip(titles, (first, [n for n in scores if n not in first]), strict=True):
        heads = ["best other" if name == best else name for name in names]
        lines += [title, "", f"| type | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
        for kind in summary["recall_1pct_by_type"]:
            cells = (f"{scores[name]['recall_1pct_by_type'][kind]:.2f}" for name in names)
            lines.append(f"| `{kind}` | {' | '.join(cells)} |")
        lines.append("")
    return lines[:-1]


def _class_lines(scores: Mapping[str, Any]) -> list[str]:
    """Return a table of every score for each figure that is stated by class."""
    tables = (
        ("rho", "Spearman with S/N among the normals of each class.", "+.3f"),
        ("auc", "AUC by class: the anomalies of a class against its normals.", ".3f"),
        ("recall_1pct", "Recall by class, at the score that 1 % of all normals exceed.", ".2f"),
        ("recall_01pct", "Recall by class, at the score that 0.1 % of them exceed.", ".2f"),
    )
    lines = []
    for figure, title, form in tables:
        classes = list(scores[OURS][f"{figure}_by_class"])
        lines += [title, "", f"| score | {' | '.join(classes)} |"]
        lines.append("|---" * (len(classes) + 1) + "|")
        for name, figures in scores.items():
            values = [figures[f"{figure}_by_class"][each] for each in classes]
            cells = " | ".join("" if value is None else format(value, form) for value in values)
            lines.append(f"| {name} | {cells} |")
        lines.append("")
    return lines[:-1]


def _strength_lines(scores: Mapping[str, Any]) -> list[str]:
    """Return what is found by how strong it is, and by how faint its spectrum is."""
    ends = [f"{low} to {high}" for low, high in pairwise(STRENGTHS)] + [f"over {STRENGTHS[-1]}"]
    quintiles = [str(part) for part in range(1, 6)]
    tables = (
        ("Recall at 1 % false positives by the ideal S/N of what was put in.", ends,
         "recall_1pct_by_strength"),
        ("The same by quintile of S/N of the spectrum, faint to bright.", quintiles,
         "recall_1pct_by_snr_quintile"),
    )  # fmt: skip
    lines = []
    for title, heads, figure in tables:
        lines += [title, "", f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
        for name, figures in scores.items():
            cells = ("" if share is None else f"{share:.2f}" for share in figures[figure])
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
    return lines[:-1]


def _decile_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return the alarms of every score, and of calibrated ones on a survey that is another."""
    lines = [
        "Share of normals that are called at 1 % (of calibrated scores p < 0.01, of others the "
        "highest 1 %), in deciles", "of S/N, faint to bright, in %.", "",
        "| | " + " | ".join(map(str, range(1, 11))) + " | Spearman |", "|---" * 12 + "|",
        *_alarms(summary["scores"]),
    ]  # fmt: skip
    if summary["drifted"] is None:
        return lines
    title = "The same of a drifted survey, by the calibration of the survey before."
    return [*lines, "", title, "", *lines[3:5], *_alarms(summary["drifted"])]


def _alarms(scores: Mapping[str, Any]) -> Iterator[str]:
    for name, figures in scores.items():
        cells = " | ".join(f"{100 * share:.1f}" for share in figures["fpr_by_snr_decile"])
        yield f"| {name} | {cells} | {figures['rho']:+.3f} |"
