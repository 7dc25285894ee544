"""What a measurer leaves of spectra: flux minus model without known lines and modes, bin by bin.

A `Measurer` turns this into statistics and keeps the statistics only; whoever asks where in the
spectrum a statistic comes from needs the bins. A test holds the two together.
"""

from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measurer
from anomaly_explorer.engine.scoring.statistics import Difference


def leave(measurer: Measurer, spectra: WeighedInput, known: Known) -> Difference:
    """Return what is left of N spectra, in the values and weights (N, B) the statistics see.

    Parameters
    ----------
    measurer : Measurer
    spectra : WeighedInput
        Of a few spectra: all of them pass the network at once.
    known : Known
        Class and redshift of each.
    """
    differences, model, _ = measurer.differences(spectra, known)
    return measurer.without_modes(differences, model, known)
