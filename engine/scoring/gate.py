"""The gate: which objects are science targets, which are gated out, which nobody can tell.

More than 99.5 % of everything above score 3 in the published catalog was sky or broken fibers, so
the gate comes before any ranking. It never deletes: every object keeps its score and its answer.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCIENCE, GATED, UNKNOWN = "science", "gated", "unknown"
POPULATIONS = (SCIENCE, GATED, UNKNOWN)

# desitarget: bit 59 of a TARGETID marks a sky position.
SKY_BIT = np.int64(1) << np.int64(59)
# desispec: bit 3, RESTRICTED, is information only; a fiber with nothing else is good.
INFORMATION_BITS = np.int64(1 << 3)
MIN_COVERAGE = 0.9


def gate_objects(
    columns: Mapping[str, NDArray[Any]], coverage: NDArray[np.float32]
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Sort N objects into science targets, gated out and unknown, with the reason.

    A science target has OBJTYPE TGT, no bad fiber status, a positive TARGETID without the sky
    bit, and at least 90 % coverage. What a file does not say is unknown: without `objtype` or
    `fiber_status` no object is called science. What it does say still gates out: an id that is
    itself a sky or unassigned one, an object type other than TGT, or a bad fiber status alone.

    Parameters
    ----------
    columns : mapping of str to (N,) array
        Reader columns: `target_id`, `id_origin`, `survey`, and, where the file has them, `objtype`
        (text) and `fiber_status` (bits).
    coverage : (N,) float32
        Share of the model's bins with an unmasked pixel of ivar > 0.

    Returns
    -------
    population, reason : (N,) arrays of str

    Examples
    --------
    >>> import numpy as np
    >>> facts = {"target_id": np.array([39627733000000001, -12345]),
    ...          "id_origin": np.array(["survey"] * 2), "survey": np.array(["DESI"] * 2),
    ...          "objtype": np.array(["TGT", ""]), "fiber_status": np.array([0, 1])}
    >>> gate_objects(facts, np.ones(2, np.float32))[0].tolist()
    ['science', 'gated']
    """
    n = len(coverage)
    population = np.full(n, SCIENCE, dtype=object)
    reason = np.full(n, "", dtype=object)

    def send(where: NDArray[np.bool_], to: str, why: str) -> None:
        still = where & (population == SCIENCE)
        population[still], reason[still] = to, why

    for where, why in _gating_ids(columns):
        send(where, GATED, why)
    has_objtype, has_status = "objtype" in columns, "fiber_status" in columns
    if has_objtype:
        objtype = np.char.upper(np.char.strip(np.asarray(columns["objtype"], dtype=str)))
        send((objtype != "TGT") & (objtype != ""), GATED, "fiber on sky or bad, not on a target")
    if has_status:
        status = np.asarray(columns["fiber_status"], dtype=np.int64)
        send((status & ~INFORMATION_BITS) != 0, GATED, "fiber status bits set")
    if has_objtype:
        send(objtype == "", UNKNOWN, "no object type")
    else:
        send(np.ones(n, bool), UNKNOWN, "the file does not say what the fiber was put on")
    if not has_status:
        send(np.ones(n, bool), UNKNOWN, "the file carries no fiber status")
    send(~(coverage >= MIN_COVERAGE), GATED, "under 90 % of the bins have data")
    return population, reason


def is_sky_fiber(
    columns: Mapping[str, NDArray[Any]], coverage: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Return which of N objects are sky fibers that worked, (N,).

    Parameters
    ----------
    columns : mapping of str to (N,) array
        `objtype` and `fiber_status`, where a file has them.
    coverage : (N,) array
    """
    if "objtype" not in columns:
        return np.zeros(len(coverage), np.bool_)
    objtype = np.char.upper(np.char.strip(np.asarray(columns["objtype"], dtype=str)))
    status = np.asarray(columns.get("fiber_status", np.zeros(len(coverage))), dtype=np.int64)
    works = (status & ~INFORMATION_BITS) == 0
    return (objtype == "SKY") & works & (coverage >= MIN_COVERAGE)


def _gating_ids(
    columns: Mapping[str, NDArray[Any]],
) -> list[tuple[NDArray[np.bool_], str]]:
    """Return which ids say by themselves that no target was observed (DESI's bit layout only)."""
    ids = np.asarray(columns["target_id"], dtype=np.int64)
    survey = np.asarray(columns["survey"], dtype=str)
    is_desi = np.isin(survey, ("DESI", "simulated"))
    is_desi &= np.asarray(columns["id_origin"], dtype=str) == "survey"
    return [
        (is_desi & (ids <= 0), "negative TARGETID: unassigned or stuck fiber"),
        (is_desi & (ids > 0) & ((ids & SKY_BIT) != 0), "sky bit of the TARGETID is set"),
    ]
