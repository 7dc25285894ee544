"""Who the objects of a simulated survey are: index, TARGETID, fiber use, program, cell, position.

The survey is a list of fibers. Every block of 1,000 consecutive indices fills one HEALPix cell,
even indices in the dark program and odd ones in the bright program, so that a short survey holds
every class and a file holds 500 rows. TARGETID follows DESI's bit layout (desitarget: bits 0-21
OBJID, 22-41 BRICKID, 42-57 RELEASE, 59 SKY; negative = -(TILEID × 10000 + LOCATION) for a fiber
without a target), and index and TARGETID can be computed from each other.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .random import first_uniforms, mix, object_keys

NSIDE = 64
ROWS_PER_FILE = 500
OBJECTS_PER_CELL = 2 * ROWS_PER_FILE
PROGRAMS = ("dark", "bright")
SCIENCE, SKY, UNASSIGNED = 0, 1, 2

# Share of science and of sky fibers; the rest has no target. About 18 % of the rows of the real
# redshift catalogue are not science targets (28.4 M rows against about 23 M).
_SCIENCE_SHARE, _SKY_SHARE = 0.82, 0.09

_RELEASE = 9010  # Legacy Surveys DR9, south: gives the familiar 39,6xx,... numbers
_FIRST_BRICK, _BRICKS_PER_CELL = 1000, 13
_FIRST_TILE = 1000
_SKY_BIT = 59
_LOCAL_BITS, _TAG_BITS = 10, 12

# The disc around the north galactic pole is filled first; DESI observes |b| > 15 degrees or so,
# north of declination -23. Pole: ICRS 192.85948, +27.12825 (Hipparcos catalogue, vol. 1).
_POLE_RA_DEG, _POLE_DEC_DEG = 192.85948, 27.12825
_MIN_LATITUDE_DEG, _MIN_DEC_DEG = 15.0, -23.0


@lru_cache(maxsize=1)
def footprint() -> NDArray[np.int64]:
    """Return the (n,) cells of the survey, nside 64 nested, nearest to the galactic pole first."""
    from astropy_healpix import healpy  # astropy takes half a second to import

    cells = np.arange(12 * NSIDE**2)
    ra, dec = np.radians(healpy.pix2ang(NSIDE, cells, nest=True, lonlat=True))
    pole_ra, pole_dec = np.radians([_POLE_RA_DEG, _POLE_DEC_DEG])
    sin_b = np.sin(dec) * np.sin(pole_dec)
    sin_b += np.cos(dec) * np.cos(pole_dec) * np.cos(ra - pole_ra)
    inside = (np.abs(sin_b) > np.sin(np.radians(_MIN_LATITUDE_DEG))) & (
        dec > np.radians(_MIN_DEC_DEG)
    )
    # Rounding makes the order independent of the last bit of the platform's sine.
    order = np.lexsort((cells, -np.round(sin_b, 9)))
    return cells[order[inside[order]]]


def capacity() -> int:
    """Return how many objects a survey can hold at most: about 25 million."""
    return len(footprint()) * OBJECTS_PER_CELL


def program_codes(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0 for the dark and 1 for the bright program, (N,)."""
    return indices % 2


def rows_in_file(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of each object in its coadd file, (N,)."""
    return indices % OBJECTS_PER_CELL // 2


def cells_of(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the HEALPix cell of each object, nside 64 nested, (N,)."""
    return footprint()[indices // OBJECTS_PER_CELL]


def tile_ids(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the tile of each object, (N,): one for each block."""
    return _FIRST_TILE + indices // OBJECTS_PER_CELL


def locations(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the LOCATION of each fiber, (N,): ten petals, places 0 to 495 on each."""
    local = indices % OBJECTS_PER_CELL
    return local // 100 * 1000 + local % 100 * 5


def fiber_uses(seed: int, version: int, indices: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return what the fibers were put on, (N,): SCIENCE, SKY or UNASSIGNED."""
    u = first_uniforms(object_keys(np.uint64(seed), np.uint64(version), indices))
    limits = np.array([_SCIENCE_SHARE, _SCIENCE_SHARE + _SKY_SHARE])
    return np.searchsorted(limits, u, side="right").astype(np.int8)


def _tag(seed: int) -> int:
    # Twelve bits of the seed in every OBJID let a survey recognise the ids of another one.
    return int(mix(np.uint64(seed))) >> (64 - _TAG_BITS)


def target_ids(seed: int, version: int, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the TARGETIDs of the given survey indices, (N,)."""
    block, local = np.divmod(indices, OBJECTS_PER_CELL)
    uses = fiber_uses(seed, version, indices)
    brick = _FIRST_BRICK + block * _BRICKS_PER_CELL + local % _BRICKS_PER_CELL
    placed = (_RELEASE << 42) | (brick << 22) | (_tag(seed) << _LOCAL_BITS) | local
    placed |= np.where(uses == SKY, np.int64(1) << _SKY_BIT, 0)
    unplaced = -(tile_ids(indices) * 10000 + locations(indices))
    return np.where(uses == UNASSIGNED, unplaced, placed)


def indices_of(seed: int, version: int, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the survey indices of TARGETIDs, (N,).

    Raises InputError when one of them is no object of this survey.
    """
    tile, location = np.divmod(-ids, 10000)
    unplaced = (tile - _FIRST_TILE) * OBJECTS_PER_CELL + location // 1000 * 100
    unplaced += location % 1000 // 5
    block = (((ids >> 22) & 0xFFFFF) - _FIRST_BRICK) // _BRICKS_PER_CELL
    placed = block * OBJECTS_PER_CELL + (ids & ((1 << _LOCAL_BITS) - 1))
    indices = np.where(ids < 0, unplaced, placed)
    is_ours = (indices >= 0) & (indices < capacity())
    is_ours[is_ours] = target_ids(seed, version, indices[is_ours]) == ids[is_ours]
    if not is_ours.all():
        raise InputError(
            f"TARGETID {ids[~is_ours][0]} is no object of the simulated survey with seed {seed}: "
            "ask with the seed and generator version its catalog was made with."
        )
    return indices


def positions(keys: NDArray[np.uint64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return right ascension and declination inside the cells, (2, N), degrees (ICRS).

    A position is the centre of one of the 4^18 sub-cells of 12 milliarcseconds.
    """
    from astropy_healpix import healpy

    depth = 18
    children = (np.asarray(keys) >> np.uint64(64 - 2 * depth)).astype(np.int64)
    children += cells << (2 * depth)
    lonlat = healpy.pix2ang(NSIDE << depth, children, nest=True, lonlat=True)
    return np.array(lonlat)
