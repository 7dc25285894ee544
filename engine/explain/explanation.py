"""Everything that is said of why one object is strange, as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anomaly_explorer.engine.model.weighing import weigh_bins
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measurer

from .evidence import Evidence, evidence_of_residual
from .narrow_line import NarrowLine, narrow_line_of_record
from .noise import bin_weights
from .noise_aware import noise_aware_evidence
from .twin import Twin
from .verdict import Verdict, verdict_of_record

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.inspection import Inspection


# Column that says whether the network behind the evidence was trained on an object.
MEMBER = {False: "is_training_member", True: "is_measurer_member"}


@dataclass(frozen=True)
class Explanation:
    """Why one object is strange to the model.

    Parameters
    ----------
    target_id : int
    spectype, population : str
        Empty where unknown.
    redshift, score : float
        By the pipeline, and `score_mse` of the catalog; NaN where there is none.
    rank, n_ranked : int
        Rank of the score in the object's population, and how many of it are ranked; 0 = unknown.
    is_simulated : bool
    is_training_member : bool or None
        Of the network behind the evidence; None where nobody knows.
    evidence : Evidence
        For the calibrated score if `is_noise_aware`, else for the compatible one.
    is_noise_aware : bool
    verdict : Verdict or None
        None where there is no calibrated score.
    narrow_line : NarrowLine or None
        The strongest where none is known; None where it is not worth a word.
    twin : Twin or None
        None while nobody has searched, or where there is none.
    """

    target_id: int
    spectype: str
    population: str
    redshift: float
    score: float
    rank: int
    n_ranked: int
    is_simulated: bool
    is_training_member: bool | None
    evidence: Evidence
    is_noise_aware: bool = False
    verdict: Verdict | None = None
    narrow_line: NarrowLine | None = None
    twin: Twin | None = None

    def with_twin(self, twin: Twin | None) -> "Explanation":
        """Return the same with a twin."""
        return replace(self, twin=twin)


def explain(
    inspection: "Inspection", n_ranked: int = 0, measurer: Measurer | None = None
) -> Explanation:
    """Return why an object is strange, without its twin.

    Parameters
    ----------
    inspection : Inspection
        The object read and reconstructed again.
    n_ranked : int
        Ranked objects of its population: the store's manifest says it.
    measurer : Measurer, optional
        The one that the store was measured by. Without it, and without a calibrated score, the
        evidence is that for the compatible score.
    """
    facts = inspection.facts
    redshift, grid = _number(facts, "redshift"), inspection.grid
    verdict = verdict_of_record(facts)
    is_noise_aware = measurer is not None and verdict is not None
    if measurer is not None and verdict is not None:
        known = Known.of_columns(inspection.batch.columns)
        spectrum = weigh_bins(inspection.batch, measurer.grid)
        at = verdict.wavelength if verdict.winner == "line" else float("nan")
        evidence = noise_aware_evidence(measurer, spectrum, known, verdict.winner, at)
    else:
        weight = bin_weights(inspection.spectrum, inspection.scale, grid)
        evidence = evidence_of_residual(inspection.residual, weight, grid, redshift)
    member = facts.get(MEMBER[is_noise_aware])
    return Explanation(
        target_id=int(facts["target_id"]),
        spectype=str(facts.get("spectype") or ""),
        population=str(facts.get("population") or ""),
        redshift=redshift,
        score=_number(facts, "score_mse"),
        rank=int(facts.get("score_rank") or 0),
        n_ranked=n_ranked,
        is_simulated=bool(facts.get("is_simulated")),
        is_training_member=None if member is None else bool(member),
        evidence=evidence,
        is_noise_aware=is_noise_aware,
        verdict=verdict,
        narrow_line=narrow_line_of_record(facts),
    )


def _number(facts: Mapping[str, Any], name: str) -> float:
    value = facts.get(name)
    return float("nan") if value is None else float(value)
