"""HEALPix cells of positions on the sky: nside 64, nested, as DESI groups its files."""

import numpy as np
from astropy import units
from astropy_healpix import HEALPix
from numpy.typing import NDArray

_DESI_CELLS = HEALPix(nside=64, order="nested")  # DESI data model, healpix-grouped coadds


def cells_of(ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the nested nside-64 cell of each position, -1 where a position is not finite.

    Parameters
    ----------
    ra_deg, dec_deg : (N,) float64
        ICRS position in degrees.

    Examples
    --------
    >>> cells_of(np.array([45.0, np.nan]), np.array([0.0, 0.0])).tolist()
    [0, -1]
    """
    is_known = np.isfinite(ra_deg) & np.isfinite(dec_deg) & (np.abs(dec_deg) <= 90)
    cells = np.full(len(ra_deg), -1, dtype=np.int32)
    cells[is_known] = _DESI_CELLS.lonlat_to_healpix(
        ra_deg[is_known] * units.deg, dec_deg[is_known] * units.deg
    )
    return cells
