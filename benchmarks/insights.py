"""All findings of a store, made as a person makes them: what each takes."""

import sys
import tempfile
from pathlib import Path

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.insights.answers import read_answers

from .stages import watch


def insight_lines(store: Path, n_objects: int) -> list[str]:
    """Run `insights` on a store of N objects, and return the lines of its table."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "insights.json"
        command = [sys.executable, "-m", "anomaly_explorer.dashboard.cli", "insights", str(store),
                   "--json", str(kept)]  # fmt: skip
        ran = watch("insights", command, Path(folder), n_objects)
        answers = read_answers(kept)
    if ran.code or answers is None:
        raise InputError(f"insights ended with {ran.code} and no findings: see above")
    lines = [
        f"{n_objects:,} objects: {ran.seconds:,.0f} s, {ran.peak_private_mib:,.0f} MiB of private "
        "memory at most.", "",
        "| card | s | measured | objects | whom |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, card in answers.insights.items():
        cells = (f"`{name}`", f"{card['seconds']:,.0f}", "yes" if card["is_measured"] else "no",
                 f"{card['n_objects']:,}", card["population"])  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines
