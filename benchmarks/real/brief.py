"""The first section of docs/real-data.md: what all the tables come to."""

from collections.abc import Sequence

import numpy as np

from .findings import compare, compatible_rho, drifts, marked_of, separations
from .scoring import Scored
from .surveys import LIGHT_SHARES, SKY
from .unexpected import brief_of


def brief(all_scored: Sequence[Scored]) -> str:
    """Return the findings in a few sentences."""
    by_name = {scored.survey.collection.name: scored for scored in all_scored}
    lines = [_drift(by_name), _oddities(by_name), brief_of(by_name["SDSS/BOSS"]),
             _plants(by_name["SDSS/BOSS"]),
             _sky(by_name["SDSS/BOSS"]), _compatible(by_name)]  # fmt: skip
    return "\n".join(["## In short", "", *(f"- {line}" for line in lines)])


def _drift(by_name: dict[str, Scored]) -> str:
    said = {name: {d.name: d for d in drifts(scored)} for name, scored in by_name.items()}
    sdss, lamost, desi = said["SDSS/BOSS"], said["LAMOST"]["STAR"], said["DESI"]["QSO"]
    return (
        f"The calibration of the simulated survey calls {100 * sdss['QSO'].astro:.0f} % of SDSS's "
        f"quasars, {100 * sdss['STAR'].astro:.0f} % of its stars and {100 * lamost.astro:.0f} % of "
        f"LAMOST's anomalous at nominal 1 %, and {round(desi.astro * desi.n)} of the {desi.n} "
        "quasars of DESI. It is of no use elsewhere, and each survey got its own."
    )


def _oddities(by_name: dict[str, Scored]) -> str:
    marked = [each for scored in by_name.values() for each in marked_of(scored)]

    def places(word: str) -> str:
        found = sorted((m.percentile for m in marked if word in m.note), reverse=True)
        return ", ".join(f"{each:.0f}" for each in found)

    scored = by_name["SDSS/BOSS"]
    found = separations(scored)[scored.name_taken]
    return (
        f"Known oddities rise or not by kind. Percentiles: Wolf-Rayet stars {places('Wolf')}; BAL "
        f"quasars {places('BAL')}; named AGN {places('AGN')}; emitters of coronal lines (TDE "
        f"candidates) {places('coronal')}; cataclysmic variables {places('cataclysmic')}. All of "
        f"SDSS together: AUC {found.auc:.2f} ± {found.error:.2f}, p {found.p_value:.3f}, which is "
        f"{'more' if found.p_value < 0.05 else 'no more'} than chance may do."
    )


def _plants(scored: Scored) -> str:
    name = f"supernova, {LIGHT_SHARES[0]:g} × galaxy"
    auc, error, share = compare(scored.taken).planted[name]
    return (
        "A supernova planted into a real galaxy, half as bright as it, ranks above galaxies "
        f"without with AUC {auc:.2f} ± {error:.2f}, and reaches in {100 * share:.0f} % of them "
        "p ≤ 0.05, with 22 galaxies to rank it among."
    )


def _sky(scored: Scored) -> str:
    p = scored.companions[SKY].p_value["astro"]
    gates = scored.survey.companions[SKY].gates
    n_gated = int(np.char.startswith(gates, "gated").sum())
    return (
        f"Of {len(gates)} sky fibers the gate stops {n_gated}. Without it {int((p <= 0.05).sum())} "
        f"of the {int(np.isfinite(p).sum())} that can be scored would be in the oddest twentieth."
    )


def _compatible(by_name: dict[str, Scored]) -> str:
    names = ("DESI", "SDSS/BOSS", "OzDES")
    theirs = ", ".join(f"{compatible_rho(by_name[name]):+.2f}" for name in names)
    ours = max(abs(compare(scored.taken).rho) for scored in by_name.values())
    return (
        f"The compatible score follows the noise (Spearman with S/N {theirs} in {names[0]}, "
        f"{names[1]} and {names[2]}), the calibrated one in no survey by more than {ours:.2f}."
    )
