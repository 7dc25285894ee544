"""Makes narrow-lines.safetensors, of the survey that the shipped measurer learned from."""

import sys

import numpy as np

from anomaly_explorer.engine.scoring.expected_excess import SHIPPED_EXCESS, ExpectedExcess
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.narrow_lines import excess_moments
from anomaly_explorer.engine.scoring.pixels import Pixels
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey

SEED, N_OBJECTS, BLOCK = 7, 80_000, 512
CLASSES = ("GALAXY", "QSO", "STAR")


def main() -> None:
    """Learn the excess in what no anomaly was put into, and write it."""
    survey = SimulatedSurvey(SEED)
    ids = survey.target_ids(N_OBJECTS)
    ids = ids[survey.injected_types(ids) == ""]
    moments = dict.fromkeys(CLASSES, np.float64(0))
    for start in range(0, len(ids), BLOCK):
        batch = survey.spectra(ids[start : start + BLOCK])
        pixels, known = Pixels.of_batch(batch), Known.of_columns(batch.columns)
        moments = {name: sums + excess_moments(pixels, known, name)
                   for name, sums in moments.items()}  # fmt: skip
        sys.stderr.write(f"\r{min(start + BLOCK, len(ids)):,} of {len(ids):,} spectra")
    ExpectedExcess.fit(moments).save(SHIPPED_EXCESS)
    sys.stderr.write(f"\nwrote {SHIPPED_EXCESS.name}\n")


if __name__ == "__main__":
    main()
