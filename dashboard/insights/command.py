"""The command `insights`: makes findings, keeps them beside the store, and says them."""

import shlex
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anomaly_explorer.dashboard.progress import say, steps
from anomaly_explorer.dashboard.settings import Settings

if TYPE_CHECKING:
    from anomaly_explorer.engine.catalog.store import Store


def insights(options: Namespace) -> None:
    """Make the findings that were asked for; those kept of the same store stay beside them."""
    from anomaly_explorer.dashboard.live import open_archive
    from anomaly_explorer.engine.catalog.store import Store
    from anomaly_explorer.engine.errors import InputError
    from anomaly_explorer.engine.insights.answers import Answers, identify, write_answers
    from anomaly_explorer.engine.insights.inquiry import Inquiry, default_tier
    from anomaly_explorer.engine.insights.run import check_names, find_insights

    names = check_names(options.cards or ())
    if options.json is not None and not options.json.absolute().parent.is_dir():
        raise InputError(f"{options.json.parent} is no folder: make it, or name another file")
    store = Store.open(options.store)
    archive = open_archive(store, Settings(options.store, options.spectra))
    inquiry = Inquiry(store, options.tier or default_tier(store), options.seed, archive)
    made: dict[str, dict[str, Any]] = {}
    with steps() as tell:
        for name in names:
            made |= find_insights(inquiry, (name,), tell)
            made[name]["command"] = command_of(options, name, inquiry.tier)
            # Kept one by one, beside what another run has kept meanwhile: one that is stopped has
            # lost only the card it was at.
            where, kept = _kept(store, options)
            answers = Answers(kept | {name: made[name]}, identify(store.manifest))
            write_answers(where, answers)
    if archive is not None:
        archive.close()
    if options.json is not None:
        write_answers(options.json, answers)
    if options.out is not None:
        _write_figures(options.out, made)
    for name in names:
        _tell(made[name])
    say(f"kept in {where}: the page of `anomaly-explorer serve` shows them at /insights")


def command_of(options: Namespace, name: str, tier: str) -> str:
    """Return the command that makes one finding again."""
    parts = ["anomaly-explorer", "insights", str(options.store)]
    parts += ["--spectra", str(options.spectra)] if options.spectra else []
    return shlex.join([*parts, "--cards", name, "--tier", tier, "--seed", str(options.seed)])


def _kept(store: "Store", options: Namespace) -> tuple[Path, dict[str, Any]]:
    """Return the file beside the store, and the findings in it that are of this very store."""
    from anomaly_explorer.engine.errors import InputError
    from anomaly_explorer.engine.insights.answers import path_beside, read_answers

    where = path_beside(store.path)
    try:
        answers = read_answers(where)
    except InputError as error:
        say(f"{error} It is replaced.")
        return where, {}
    if answers is None or not answers.is_of(store.manifest):
        if answers is not None:
            say(f"{where.name} is of another build of {options.store}: it is replaced")
        return where, {}
    return where, dict(answers.insights)


def _write_figures(folder: Path, insights: Any) -> None:
    """Write `insights.json` and one SVG per figure into a folder, made where it is not there."""
    import json

    from anomaly_explorer.engine.scan.atomic import replace_file

    from .chart import write_chart

    folder.mkdir(parents=True, exist_ok=True)
    files = {
        f"{name}.svg": write_chart(
            each["figure"], each["title"], f"{each['title']} {each['population']}."
        )
        for name, each in insights.items()
        if each["figure"]
    }
    files["insights.json"] = json.dumps(insights, indent=1, allow_nan=False, ensure_ascii=False)
    for name, content in files.items():
        replace_file(folder / name, lambda path, text=content: path.write_text(text, "utf-8"))
    say(f"{folder}: insights.json and {len(files) - 1} figures")


def _tell(insight: dict[str, Any]) -> None:
    say(f"\n{insight['title']}\n  {insight['population']}")
    for sentence in insight["sentences"]:
        say(f"  {sentence}")
    say(f"  Control: {insight['control']}")
