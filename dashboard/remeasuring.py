"""What the command `object` says of the calibrated score: statistics measured again, and sigma."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .sigmas import winner_words

if TYPE_CHECKING:
    from anomaly_explorer.engine.catalog.store import Store
    from anomaly_explorer.engine.scoring.measurer_file import TrainedMeasurer
    from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

# Sums in another order: what is measured alone is not measured among 1,024 others.
TOLERANCE = 1e-3


def load_measurer_of(store: "Store", path: Path | None) -> "TrainedMeasurer | None":
    """Load the measurer that a store was measured by; None where it was measured by none.

    Raises
    ------
    ModelError
        The file is another one, or none.
    """
    from anomaly_explorer.engine.model.card import SHIPPED_MEASURER, check_made_by
    from anomaly_explorer.engine.scoring.measurer_file import load_measurer

    made_by = store.manifest.measurer.get("id")
    if not made_by:
        return None
    measurer = load_measurer(path or SHIPPED_MEASURER)
    check_made_by(measurer.card, made_by, "--measurer")
    return measurer


def describe_measured(
    facts: Mapping[str, Any], batch: "SpectrumBatch", measurer: "TrainedMeasurer"
) -> str:
    """Return sigma, and whether the statistics measured now are the catalog's, of one spectrum."""
    difference = largest_difference(facts, batch, measurer)
    verdict = "agree" if difference <= TOLERANCE else "DO NOT AGREE"
    again = f"statistics measured again {verdict} (relative {difference:.1e})"
    sigma = facts.get("sigma_astro")
    if sigma is None:
        return f"no sigma_astro in the catalog; {again}"
    return f"sigma_astro {sigma:.3f}, odd by {winner_words(facts)}; {again}"


def largest_difference(
    facts: Mapping[str, Any], batch: "SpectrumBatch", measurer: "TrainedMeasurer"
) -> float:
    """Return the largest relative difference of the statistics of one spectrum; of nothing 0."""
    import math

    from anomaly_explorer.engine.model.weighing import weigh_bins
    from anomaly_explorer.engine.scan.measure import measured_columns
    from anomaly_explorer.engine.scoring.known import Known
    from anomaly_explorer.engine.scoring.pixel_findings import PixelFindings

    weighed = weigh_bins(batch, measurer.card.grid)
    known = Known.of_columns(batch.columns)
    measured = measurer.measurer.measure(weighed, known, PixelFindings.of_batch(batch, known))
    found = measured_columns(measured, weighed, measurer.card.grid)
    worst = 0.0
    for name, values in found.items():
        if not name.startswith("statistic_"):
            continue
        now, then = float(values[0]), facts.get(name)
        if then is None or math.isnan(now):
            worst = worst if then is None and math.isnan(now) else math.inf
        else:
            worst = max(worst, abs(now - then) / max(abs(then), 1.0))
    return worst
