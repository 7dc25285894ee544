"""The command `calibrate`: sigmas of a catalog, and whether they can be believed."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from .progress import say, steps


def calibrate(options: Namespace) -> None:
    """Calibrate a catalog, and say with how many normals and how it holds."""
    from anomaly_explorer.engine.calibration.run import DEFAULT_NORMALS, calibrate_catalog

    with steps() as tell:
        facts = calibrate_catalog(
            options.catalog, options.source, options.normals or DEFAULT_NORMALS, progress=tell
        )
    total = sum(facts["catalog"].values())
    say(
        f"calibration {facts['calibration_id']} of {options.catalog}: fitted to "
        f"{facts['n_fitted']:,} normals, {facts['n_scored']:,} of {total:,} objects have a sigma"
    )
    for line in describe_calibration(facts):
        say(line)


def describe_calibration(facts: dict[str, Any]) -> Iterator[str]:
    """Yield what a calibration says of its surveys, a line each."""
    from anomaly_explorer.engine.calibration.check import describe

    for survey, said in facts["surveys"].items():
        for name, each in said["classes"].items():
            if not each["is_calibrated"]:
                yield (
                    f"  {survey} {name}: no score, {each['n_normals']:,} normals "
                    f"({each['why_not']})"
                )
        health = said["health"]
        if health is None or health["is_healthy"] is None:
            yield f"  {survey}: too few normals to judge"
            continue
        red = [check for check in health["checks"] if not check["is_green"]]
        verdict = "healthy" if not red else f"NOT HEALTHY, {len(red)} checks are red"
        yield f"  {survey}: {verdict} (judged by {health['n_judged']:,} other normals)"
        for check in red:
            yield f"    {describe(check)}"
