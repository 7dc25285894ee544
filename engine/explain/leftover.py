"""What a measurer leaves of spectra: flux minus model without known lines and modes, bin by bin.

A `Measurer` turns this into statistics and keeps the statistics only; whoever asks where in the
spectrum a statistic comes from needs the bins. A test holds the two together.
"""

from dataclasses import replace

import numpy as np
import torch

from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.scoring.error_modes import Differences
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.known_lines import remove_known_lines
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
    with torch.inference_mode():
        made = measurer.network(torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance))
    model, log_variance, _ = (each.numpy() for each in made)
    values = np.where(spectra.is_known, spectra.flux - model, np.float32(0))
    found = Differences(values, spectra.variance, np.exp(log_variance), spectra.is_known)
    weight = found.weight(np.ones(values.shape[1]))
    values = remove_known_lines(values, weight, known, measurer.grid)
    found, values = replace(found, values=values), values.copy()
    strength = np.full(len(values), np.nan, np.float32)
    for name, modes in measurer.modes.items():
        rows = np.flatnonzero(known.classes == name)
        values[rows], weight[rows], strength[rows] = modes.remove(found.take(rows))
    return Difference(values, weight, model, strength)
