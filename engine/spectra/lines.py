"""Spectral lines of objects and of the Earth's sky, all in vacuum.

Sources: optical lines are the air wavelengths of the NIST Atomic Spectra Database taken to vacuum
(Morton 1991); ultraviolet lines are NIST vacuum values; blends (N V, C IV, C III], G band, Mg b,
O VI, Fe 5270) are the effective wavelengths of the SDSS line table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["emission", "absorption", "both"]


@dataclass(frozen=True)
class SpectralLine:
    """One line of an object.

    Parameters
    ----------
    name : str
        What astronomers write beside it, such as ``[O III] 5007`` (air wavelength by custom).
    wavelength : float
        Rest wavelength in vacuum, Å.
    kind : {"emission", "absorption", "both"}
        How it usually shows.
    is_major : bool
        Whether it belongs to the short list that is drawn by default.
    """

    name: str
    wavelength: float
    kind: Kind
    is_major: bool = False


@dataclass(frozen=True)
class PlacedLine:
    """A line and where it falls at some redshift, in Å (vacuum, observed)."""

    line: SpectralLine
    observed_wavelength: float


@dataclass(frozen=True)
class SkyBand:
    """A stretch of wavelengths (Å, vacuum) that the Earth's atmosphere absorbs."""

    name: str
    low: float
    high: float


def _major(kind: Kind, lines: Iterable[tuple[str, float]]) -> tuple[SpectralLine, ...]:
    return tuple(SpectralLine(name, wavelength, kind, True) for name, wavelength in lines)


def _minor(kind: Kind, lines: Iterable[tuple[str, float]]) -> tuple[SpectralLine, ...]:
    return tuple(SpectralLine(name, wavelength, kind) for name, wavelength in lines)


_UNSORTED = (
    *_major(
        "emission",
        (
            ("N V 1240", 1240.81),
            ("Si IV 1394", 1393.76),
            ("Si IV 1403", 1402.77),
            ("C IV 1549", 1549.48),
            ("He II 1640", 1640.42),
            ("C III] 1909", 1908.73),
            ("Mg II 2796", 2796.35),
            ("Mg II 2803", 2803.53),
            ("[O II] 3726", 3727.09),
            ("[O II] 3729", 3729.88),
            ("[Ne III] 3869", 3869.86),
            ("[O III] 4959", 4960.30),
            ("[O III] 5007", 5008.24),
            ("[O I] 6300", 6302.05),
            ("[N II] 6548", 6549.86),
            ("[N II] 6584", 6585.27),
            ("[S II] 6716", 6718.29),
            ("[S II] 6731", 6732.67),
        ),
    ),
    *_major(
        "both",
        (
            ("Lyα", 1215.67),
            ("Hδ", 4102.89),
            ("Hγ", 4341.68),
            ("Hβ", 4862.68),
            ("Hα", 6564.61),
        ),
    ),
    *_major(
        "absorption",
        (
            ("Ca K", 3934.78),
            ("Ca H", 3969.59),
            ("G band", 4305.61),
            ("Mg b", 5176.70),
            ("Na D 5890", 5891.58),
            ("Na D 5896", 5897.56),
            ("Ca II 8498", 8500.36),
            ("Ca II 8542", 8544.44),
            ("Ca II 8662", 8664.52),
        ),
    ),
    *_minor(
        "emission",
        (
            ("O VI 1034", 1033.82),
            ("[Ne V] 3426", 3426.85),
            ("[O III] 4363", 4364.44),
            ("He II 4686", 4687.02),
            ("He I 5876", 5877.25),
            ("[O I] 6364", 6365.54),
            ("[Ar III] 7136", 7137.76),
            ("[O II] 7320", 7322.01),
            ("[S III] 9069", 9071.1),
            ("[S III] 9531", 9533.2),
        ),
    ),
    *_minor(
        "both",
        (
            ("Lyβ", 1025.72),
            ("O I 1302", 1302.17),
            ("C II 1335", 1334.53),
            ("Hε", 3971.20),
            ("H8", 3890.16),
        ),
    ),
    *_minor(
        "absorption",
        (
            ("Lyman limit", 911.75),
            ("Si II 1260", 1260.42),
            ("Si II 1527", 1526.71),
            ("Fe II 1608", 1608.45),
            ("Al II 1671", 1670.79),
            ("Al III 1855", 1854.72),
            ("Fe II 2344", 2344.21),
            ("Fe II 2374", 2374.46),
            ("Fe II 2383", 2382.76),
            ("Fe II 2587", 2586.65),
            ("Fe II 2600", 2600.17),
            ("Mg I 2853", 2852.96),
            ("Fe 5270", 5271.0),
        ),
    ),
)
LINES: tuple[SpectralLine, ...] = tuple(sorted(_UNSORTED, key=lambda line: line.wavelength))
# Lines that few objects show, those of a hot corona ([Fe VII] and up, seen where a black hole feeds
# on a star) among them: they name what is found, and are not taken for granted as `LINES` are.
RARE_LINES = _minor(
    "emission",
    (
        ("[Ne V] 3346", 3346.79),
        ("[N I] 5198", 5199.35),
        ("[N I] 5200", 5201.70),
        ("[Fe XIV] 5303", 5304.34),
        ("[Fe VII] 5721", 5722.29),
        ("[Fe VII] 6087", 6088.69),
        ("[Fe X] 6375", 6376.27),
        ("He I 6678", 6679.99),
        ("He I 7065", 7067.14),
        ("[Fe XI] 7892", 7893.97),
    ),
)
_DRAWN = tuple(sorted((*LINES, *RARE_LINES), key=lambda line: line.wavelength))

# Strongest airglow: NIST air wavelengths 5577.34, 5889.95, 5895.92, 6300.30, 6363.78 to vacuum.
SKY_LINES: tuple[tuple[str, float], ...] = (
    ("[O I] 5577", 5578.89),
    ("Na 5890", 5891.58),
    ("Na 5896", 5897.56),
    ("[O I] 6300", 6302.05),
    ("[O I] 6364", 6365.54),
)
# Rounded edges in common use, good to some 10 Å, so that air or vacuum makes no difference.
TELLURIC_BANDS: tuple[SkyBand, ...] = (
    SkyBand("B band O₂", 6860.0, 6930.0),
    SkyBand("H₂O", 7160.0, 7340.0),
    SkyBand("A band O₂", 7590.0, 7700.0),
    SkyBand("H₂O", 8130.0, 8350.0),
    SkyBand("H₂O", 8950.0, 9800.0),
)


def lines_at(
    redshift: float, low: float, high: float, major_only: bool = True
) -> tuple[PlacedLine, ...]:
    """Return the lines that fall between two observed wavelengths, bluest first.

    Parameters
    ----------
    redshift : float
        Redshift of the object, > -1.
    low, high : float
        Observed wavelengths in Å (vacuum), both included.
    major_only : bool
        Whether to leave the minor and the rare lines out.

    Examples
    --------
    >>> [placed.line.name for placed in lines_at(2.0, 5000, 5800, major_only=False)]
    ['Al II 1671', 'Al III 1855', 'C III] 1909']
    """
    if not redshift > -1:
        raise ValueError(f"redshift must be above -1, got {redshift}")
    placed = (
        PlacedLine(line, line.wavelength * (1 + redshift))
        for line in _DRAWN
        if line.is_major or not major_only
    )
    return tuple(p for p in placed if low <= p.observed_wavelength <= high)
