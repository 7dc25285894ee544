"""What comes with the program, judged as it is beside the networks that a trial trains."""

from dataclasses import dataclass

from anomaly_explorer.engine.calibration.stored import SHIPPED_CALIBRATION, StoredCalibration
from anomaly_explorer.engine.model.card import SHIPPED, SHIPPED_MEASURER
from anomaly_explorer.engine.scan.scorer import Scorer
from anomaly_explorer.engine.scoring.calibrated import ScoreCalibration


@dataclass(frozen=True)
class Shipped:
    """Both networks, and the calibration of simulated spectra.

    Parameters
    ----------
    scorer : Scorer
    calibration : ScoreCalibration
    """

    scorer: Scorer
    calibration: ScoreCalibration

    @classmethod
    def load(cls) -> "Shipped":
        """Load what is in the folder of weights; ModelError where it is not what it says."""
        stored = StoredCalibration.read(SHIPPED_CALIBRATION)
        return cls(Scorer.load(), stored.surveys["simulated"])

    @property
    def megabytes(self) -> float:
        """Return the size of the larger file of weights, in 10⁶ bytes."""
        return max(path.stat().st_size for path in (SHIPPED, SHIPPED_MEASURER)) / 1e6
