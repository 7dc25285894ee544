"""Is the rate of a tier the same all over the sky? By HEALPix pixel, against matched permutations.

Trends with latitude and reddening are those of the deviation of each pixel, and their p-values
come from the same permutations, so that they know of pixels with few objects.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .chance import two_sided
from .inquiry import Inquiry
from .insight import Figure, Insight, Table, chance_text, percent, series
from .noise import spearman
from .rates import GroupRates, measure_rates

KEY = ("sky", "Is the tier spread evenly over the sky?")
# The finest pixels that are expected to hold so many objects of the tier on average.
_PER_PIXEL, _MOST_PIXELS, _NSIDES = 3, 4_000, (64, 32, 16, 8, 4, 2, 1)
_FEWEST, _FEWEST_PIXELS, _LISTED = 50, 4, 5
Numbers = NDArray[np.floating]


@dataclass(frozen=True)
class Pixels:
    """G occupied pixels and in which of them M objects are.

    `groups` (M,) is the pixel of each object or -1; `indices` (G,) are nested HEALPix numbers.
    """

    nside: int
    groups: NDArray[np.int64]
    indices: NDArray[np.int64]

    def centers(self) -> tuple[Numbers, Numbers]:
        """Return right ascension and declination in degrees, (G,) each."""
        from astropy_healpix import HEALPix

        lon, lat = HEALPix(self.nside, order="nested").healpix_to_lonlat(self.indices)
        return lon.to_value("deg"), lat.to_value("deg")


def map_rates(inquiry: Inquiry) -> Insight:
    """Count a tier in pixels of the sky."""
    ra, dec = _positions(inquiry)
    n = int((np.isfinite(ra) & np.isfinite(dec)).sum())
    n_tier = int((inquiry.in_tier & np.isfinite(ra) & np.isfinite(dec)).sum())
    if n_tier < _FEWEST:
        return inquiry.too_few(
            KEY, f"{inquiry.tier_label} holds {inquiry.whom(n_tier, 'with a position')}: too few "
            f"to be uneven ({_FEWEST} are needed; name a larger --tier).", n_tier,
        )  # fmt: skip
    pixels = divide(ra, dec, n_tier)
    if len(pixels.indices) < _FEWEST_PIXELS:
        return inquiry.too_few(
            KEY, f"{inquiry.whom(n)} lie in {len(pixels.indices)} pixels of the sky: too few to "
            "compare.", n,
        )  # fmt: skip
    rates = measure_rates(pixels.groups, inquiry.strata, inquiry.in_tier, inquiry.generator("sky"))
    trends, missing = _trends(inquiry, pixels, rates)
    rows = inquiry.members[pixels.groups >= 0]
    return Insight(
        *KEY,
        population=inquiry.whom(n, f"with a position, {n_tier:,} of them of {inquiry.tier_label}"),
        n_objects=n,
        n_training=inquiry.n_training(rows),
        sentences=_sentences(inquiry, pixels, rates, trends),
        control=f"{rates.n_permutations:,} permutations of who is in the tier among objects of the "
        "same survey, class and S/N. " + (f"Not in the store: {', '.join(missing)}." if missing else
                                  "Trends with latitude and reddening have the same control."),
        numbers=_numbers(pixels, rates, trends) | {"missing": missing},
        figure=_figure(pixels, rates),
        table=_worst(pixels, rates),
    )  # fmt: skip


def _positions(inquiry: Inquiry) -> tuple[Numbers, Numbers]:
    names = ("ra_deg", "dec_deg") if inquiry.has("ra_deg") else ("target_ra", "target_dec")
    ra, dec = (inquiry.numbers(name) for name in names)
    return ra, dec


def divide(ra: Numbers, dec: Numbers, n_tier: int) -> Pixels:
    """Sort positions in degrees, (M,) each, into the finest pixels that hold enough of a tier."""
    from astropy import units
    from astropy_healpix import HEALPix

    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90))
    finest = _NSIDES[0]
    cells = np.full(len(ra), -1, np.int64)
    grid = HEALPix(finest, order="nested")
    for start in range(0, len(known), 1 << 20):
        part = known[start : start + (1 << 20)]
        cells[part] = grid.lonlat_to_healpix(ra[part] * units.deg, dec[part] * units.deg)
    for nside in _NSIDES:  # nested: a coarser pixel is the leading bits of a finer
        merged = cells[known] // (finest // nside) ** 2
        indices, groups = np.unique(merged, return_inverse=True)
        if len(indices) <= min(n_tier / _PER_PIXEL, _MOST_PIXELS):
            break
    placed = np.full(len(ra), -1, np.int64)
    placed[known] = groups
    return Pixels(nside, placed, indices)


def _trends(
    inquiry: Inquiry, pixels: Pixels, rates: GroupRates
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Return rank correlation and p-value of the deviations with each fact of the pixels."""
    from astropy import units
    from astropy.coordinates import SkyCoord

    lon, lat = pixels.centers()
    places = SkyCoord(lon * units.deg, lat * units.deg)
    ecliptic = places.barycentrictrueecliptic.lat.deg
    facts = {"|Galactic latitude|": np.abs(places.galactic.b.deg),
             "|ecliptic latitude|": np.abs(ecliptic)}  # fmt: skip
    missing = []
    if inquiry.has("ebv"):
        facts["reddening E(B-V)"] = _means(pixels, inquiry.numbers("ebv"))
    else:
        missing.append("ebv")
    able = rates.spread > 0
    deviations, drawn = rates.deviations[able], rates.drawn_deviations[:, able]
    found = {}
    for name, values in facts.items():
        known = np.isfinite(values[able])
        if np.count_nonzero(known) < _FEWEST_PIXELS:
            missing.append(name)
            continue
        there = values[able][known]
        rho = spearman(there, deviations[known])
        by_chance = rank_correlations(there, drawn[:, known])
        found[name] = (rho, two_sided(float(np.nan_to_num(rho)), by_chance))
    return found, missing


def rank_correlations(values: Numbers, drawn: Numbers) -> NDArray[np.float64]:
    """Return Spearman's correlation of values, (G,), with each of many, (P, G), as (P,)."""
    ranks = [rankdata(v, axis=-1) - (len(values) + 1) / 2 for v in (values, drawn)]
    sizes = [np.sqrt((each**2).sum(axis=-1)) for each in ranks]
    size = sizes[0] * sizes[1]
    return np.divide(ranks[1] @ ranks[0], size, out=np.zeros(len(drawn)), where=size > 0)


def _means(pixels: Pixels, values: Numbers) -> Numbers:
    known = np.isfinite(values) & (pixels.groups >= 0)
    n_pixels = len(pixels.indices)
    sums = np.bincount(pixels.groups[known], values[known], n_pixels)
    counts = np.bincount(pixels.groups[known], minlength=n_pixels)
    return np.divide(sums, counts, out=np.full(n_pixels, np.nan), where=counts > 0)


def _sentences(
    inquiry: Inquiry, pixels: Pixels, rates: GroupRates, trends: dict[str, tuple[float, float]]
) -> tuple[str, ...]:
    dispersion, chance = rates.dispersion()
    worst, worst_chance = rates.largest()
    verdict = "as even as chance makes it" if chance > 0.05 else "less even than chance makes it"
    told = "; ".join(f"{name} ρ {rho:+.2f}, {chance_text(p)}" for name, (rho, p) in trends.items())
    rate = rates.n_tier.sum() / rates.n_objects.sum()
    return (
        f"In {len(pixels.indices):,} HEALPix pixels (nside {pixels.nside}) {inquiry.tier_label} "
        f"holds {percent(rate)}; its squared deviations average {dispersion:.2f} of what counting "
        f"alone gives ({chance_text(chance)}): {verdict}.",
        f"The richest pixel, {_name(pixels, worst)}, has {rates.n_tier[worst]:,} of "
        f"{rates.n_objects[worst]:,} where {rates.expected[worst]:.1f} are expected; some pixel "
        f"does as much by chance with {chance_text(worst_chance)}.",
        f"Trends: {told}.",
    )


def _name(pixels: Pixels, place: int) -> str:
    lon, lat = pixels.centers()
    return f"{pixels.indices[place]} around RA {lon[place]:.1f}°, Dec {lat[place]:+.1f}°"


def _numbers(
    pixels: Pixels, rates: GroupRates, trends: dict[str, tuple[float, float]]
) -> dict[str, object]:
    dispersion, chance = rates.dispersion()
    worst, worst_chance = rates.largest()
    return {
        "nside": pixels.nside, "n_pixels": len(pixels.indices), "dispersion": dispersion,
        "dispersion_p": chance, "worst_pixel": int(pixels.indices[worst]),
        "worst_p": worst_chance, "n_permutations": rates.n_permutations,
        "trends": {name: {"rho": rho, "p": p} for name, (rho, p) in trends.items()},
    }  # fmt: skip


def _worst(pixels: Pixels, rates: GroupRates) -> Table:
    deviations = rates.deviations
    rows = tuple(
        (_name(pixels, i), int(rates.n_tier[i]), int(rates.n_objects[i]),
         round(float(rates.expected[i]), 1), round(float(deviations[i]), 1))
        for i in np.argsort(-deviations)[:_LISTED]
    )  # fmt: skip
    return Table(("richest pixels", "in tier", "objects", "expected", "deviation σ"), rows)


def _figure(pixels: Pixels, rates: GroupRates) -> Figure:
    lon, lat = pixels.centers()
    names = [
        f"pixel {i}: {k} of {n}, {e:.1f} expected"
        for i, k, n, e in zip(pixels.indices, rates.n_tier, rates.n_objects, rates.expected,
                              strict=True)
    ]  # fmt: skip
    drawn = series("", "cells", lon, lat, value=rates.deviations, names=names)
    return Figure("right ascension (°)", "declination (°)", (drawn,),
                  value_label="deviation from what is expected (σ)")  # fmt: skip
