"""The two networks a scan scores with: the compatible one, and the measurer of the calibrated."""

from dataclasses import dataclass
from pathlib import Path

from anomaly_explorer.engine.model.card import SHIPPED, SHIPPED_MEASURER, ModelCard
from anomaly_explorer.engine.model.weights import TrainedModel, load_model
from anomaly_explorer.engine.scoring.measurer_file import TrainedMeasurer, load_measurer


@dataclass(frozen=True)
class ScoreCards:
    """The cards of both networks: what a catalog says it was scored by."""

    model: ModelCard
    measurer: ModelCard


@dataclass(frozen=True)
class Scorer:
    """Both networks, loaded."""

    model: TrainedModel
    measurer: TrainedMeasurer

    @classmethod
    def load(cls, weights: Path | None = None, measurer: Path | None = None) -> "Scorer":
        """Load both from their files; those not named are the shipped ones.

        Raises
        ------
        ModelError
            A file does not match its card, or is of another kind.
        """
        return cls(load_model(weights or SHIPPED), load_measurer(measurer or SHIPPED_MEASURER))

    @property
    def cards(self) -> ScoreCards:
        """Return the cards of both."""
        return ScoreCards(self.model.card, self.measurer.card)
