"""What the Earth's air adds and takes: the lines of its glow, and where the model's bins meet them.

The lines are the 190 strongest of the dark-sky model that DESI's pipeline ships (desispec
data/spec-sky.dat, BSD-3): wavelength in Å (vacuum), strength in 1e-17 erg s⁻¹ cm⁻² arcsec⁻². Most
are OH; 5578.9 and 6302.0 Å are [O I], 5891.4 Å is Na I. Telluric bands are those of `lines`.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .grid import BinGrid
from .lines import TELLURIC_BANDS

AIRGLOW: tuple[tuple[float, float], ...] = (
    (3914.4, 4.5),
    (5199.4, 6.2),
    (5578.9, 224.2),
    (5656.6, 25.2),
    (5891.4, 23.5),
    (5897.4, 13.1),
    (6237.3, 7.7),
    (6259.7, 6.1),
    (6289.2, 5.7),
    (6302.0, 211.4),
    (6308.7, 6.9),
    (6331.6, 6.0),
    (6365.5, 71.8),
    (6500.4, 8.8),
    (6534.8, 7.0),
    (6555.4, 7.7),
    (6579.1, 5.5),
    (6618.0, 7.7),
    (6662.9, 13.2),
    (6679.2, 13.6),
    (6831.3, 7.5),
    (6836.1, 8.4),
    (6865.7, 17.2),
    (6914.5, 5.1),
    (6925.1, 9.5),
    (6941.5, 4.4),
    (6951.0, 10.7),
    (6980.3, 6.2),
    (7241.8, 21.0),
    (7247.2, 21.1),
    (7255.1, 4.9),
    (7278.3, 35.6),
    (7286.5, 12.1),
    (7298.0, 4.0),
    (7305.7, 8.0),
    (7318.3, 27.3),
    (7331.2, 11.6),
    (7342.9, 32.2),
    (7360.7, 10.4),
    (7371.4, 25.0),
    (7394.3, 7.4),
    (7403.9, 14.7),
    (7431.8, 4.5),
    (7440.5, 7.0),
    (7475.7, 4.9),
    (7485.5, 6.3),
    (7526.0, 20.0),
    (7532.8, 5.4),
    (7574.1, 15.0),
    (7588.2, 5.0),
    (7600.5, 6.0),
    (7630.8, 5.1),
    (7664.5, 4.4),
    (7714.6, 25.3),
    (7719.0, 33.2),
    (7728.2, 6.6),
    (7752.7, 47.1),
    (7762.1, 16.6),
    (7775.2, 6.2),
    (7782.6, 10.3),
    (7796.3, 33.7),
    (7810.6, 14.5),
    (7823.7, 42.4),
    (7843.4, 13.4),
    (7855.5, 40.9),
    (7860.2, 4.2),
    (7862.8, 16.2),
    (7869.9, 6.6),
    (7872.9, 19.0),
    (7880.9, 9.3),
    (7883.8, 7.2),
    (7892.0, 19.9),
    (7915.8, 58.7),
    (7923.2, 23.0),
    (7933.4, 7.2),
    (7951.4, 12.2),
    (7966.8, 41.8),
    (7982.0, 15.1),
    (7995.5, 44.0),
    (8016.3, 11.8),
    (8028.0, 28.8),
    (8054.2, 7.4),
    (8064.4, 13.5),
    (8104.7, 4.9),
    (8280.8, 10.5),
    (8283.9, 17.7),
    (8288.7, 7.6),
    (8291.0, 32.7),
    (8298.5, 12.3),
    (8301.2, 35.0),
    (8313.0, 13.1),
    (8346.8, 100.3),
    (8355.2, 32.1),
    (8367.0, 8.3),
    (8384.5, 23.5),
    (8401.5, 71.3),
    (8417.6, 28.0),
    (8432.5, 82.5),
    (8454.6, 24.3),
    (8467.7, 54.3),
    (8495.7, 14.0),
    (8507.2, 27.0),
    (8541.0, 5.7),
    (8623.2, 6.4),
    (8626.9, 6.0),
    (8628.4, 5.4),
    (8630.3, 8.0),
    (8631.8, 6.9),
    (8633.9, 8.7),
    (8635.4, 7.4),
    (8638.2, 14.1),
    (8642.6, 10.2),
    (8649.3, 6.4),
    (8652.1, 10.8),
    (8653.7, 9.6),
    (8657.6, 25.4),
    (8662.3, 27.0),
    (8667.3, 26.3),
    (8672.4, 21.8),
    (8677.0, 7.8),
    (8678.5, 8.5),
    (8682.6, 5.3),
    (8684.0, 5.7),
    (8689.0, 6.7),
    (8761.1, 15.2),
    (8763.7, 46.6),
    (8770.0, 77.2),
    (8778.6, 26.2),
    (8780.8, 59.8),
    (8793.6, 23.5),
    (8829.4, 165.8),
    (8835.6, 5.8),
    (8838.9, 56.4),
    (8852.3, 14.3),
    (8870.0, 34.0),
    (8888.3, 114.3),
    (8905.6, 47.4),
    (8922.1, 122.2),
    (8945.9, 39.9),
    (8960.6, 89.0),
    (8990.9, 25.5),
    (9003.8, 44.2),
    (9040.5, 13.8),
    (9052.0, 16.7),
    (9095.2, 6.9),
    (9105.3, 8.9),
    (9163.5, 7.3),
    (9227.3, 5.3),
    (9296.4, 4.9),
    (9310.1, 104.6),
    (9315.8, 96.3),
    (9320.4, 11.3),
    (9326.0, 111.7),
    (9333.5, 4.1),
    (9340.4, 31.8),
    (9351.7, 5.1),
    (9378.4, 252.2),
    (9385.5, 6.7),
    (9389.4, 30.5),
    (9404.7, 21.5),
    (9422.3, 52.5),
    (9425.3, 4.6),
    (9442.3, 162.9),
    (9450.5, 5.5),
    (9461.1, 69.3),
    (9479.5, 159.0),
    (9505.4, 56.7),
    (9522.0, 107.7),
    (9539.6, 4.6),
    (9555.2, 42.8),
    (9570.0, 63.1),
    (9610.3, 24.7),
    (9623.5, 22.2),
    (9661.8, 4.1),
    (9671.5, 22.3),
    (9676.9, 4.8),
    (9684.1, 42.8),
    (9693.2, 12.6),
    (9702.0, 55.1),
    (9714.4, 23.4),
    (9722.5, 76.5),
    (9737.7, 6.7),
    (9740.8, 26.0),
    (9748.4, 13.3),
    (9793.6, 192.6),
    (9799.2, 4.2),
    (9802.4, 50.6),
    (9814.7, 12.2),
    (9819.3, 4.4),
    (9820.7, 4.5),
)

# A line this strong leaves residues that outdo the noise of a faint spectrum; there are 78 of them.
BRIGHT = 20.0
# A line is so many Å wide on either side, as the arms see it.
_REACH = 1.5


@dataclass(frozen=True)
class AirBins:
    """Which bins of a grid the air spoils.

    Parameters
    ----------
    has_line : (B,) bool
        A line of the night sky of at least `BRIGHT` falls into the bin.
    has_band : (B,) bool
        The bin's center is in a telluric band; it may have a line too.
    """

    has_line: NDArray[np.bool_]
    has_band: NDArray[np.bool_]


@cache
def air_bins(grid: BinGrid) -> AirBins:
    """Return which of the B bins of a grid the air spoils.

    Examples
    --------
    >>> from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID as grid
    >>> int(air_bins(grid).has_line.sum()), int(air_bins(grid).has_band.sum())
    (85, 113)
    """
    centers, reach = grid.centers, grid.bin_width / 2 + _REACH
    has_line, has_band = (np.zeros(grid.n_bins, bool) for _ in range(2))
    for wavelength, strength in AIRGLOW:
        if strength >= BRIGHT:
            has_line |= np.abs(centers - wavelength) <= reach
    for band in TELLURIC_BANDS:
        has_band |= (centers >= band.low) & (centers <= band.high)
    return AirBins(has_line, has_band)


def name_air(low: float, high: float) -> str:
    """Return what of the air lies between two wavelengths (Å), in words; empty for nothing.

    Of several bright lines the strongest is named; a band only where there is no bright line.

    Examples
    --------
    >>> name_air(5570, 5590), name_air(7600, 7610), name_air(5000, 5010)
    ('night-sky line at 5579 Å', 'telluric A band O₂', '')
    """
    lines = [line for line in AIRGLOW
             if line[1] >= BRIGHT and low - _REACH <= line[0] <= high + _REACH]  # fmt: skip
    if lines:
        return f"night-sky line at {max(lines, key=lambda line: line[1])[0]:.0f} Å"
    middle = (low + high) / 2
    bands = (band.name for band in TELLURIC_BANDS if band.low <= middle <= band.high)
    return next((f"telluric {name}" for name in bands), "")
