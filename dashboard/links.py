"""Addresses of one object's pages at other services: plain anchors, nothing is asked from here."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

# A DESI fibre is 1.5 arcsec wide; 5 arcsec is the radius the published cross-matches used.
RADIUS_ARCSEC = 5.0
_LEGACY = "https://www.legacysurvey.org/viewer"


def links_of(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return (label, address) pairs for an object; none for a simulated one.

    Parameters
    ----------
    facts : mapping
        A decoded store record: `ra_deg`, `dec_deg`, `survey`, `target_id`, `id_origin` and
        `is_simulated` are read; without a position only the DESI page is left.
    """
    if facts.get("is_simulated"):
        return ()
    links: list[tuple[str, str]] = []
    ra, dec = facts.get("ra_deg"), facts.get("dec_deg")
    if ra is not None and dec is not None and ra == ra and dec == dec:
        links += _position_links(float(ra), float(dec))
    if facts.get("survey") == "DESI" and facts.get("id_origin") != "file":
        page = f"{_LEGACY}/desi-spectrum/dr1/targetid{int(facts['target_id'])}"
        links.insert(1 if links else 0, ("DESI spectrum", page))
    return tuple(links)


def _position_links(ra: float, dec: float) -> list[tuple[str, str]]:
    here = f"{ra:.6f} {dec:+.6f}"
    legacy = {"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "layer": "ls-dr9", "zoom": 15}
    simbad = {"Coord": here, "Radius": RADIUS_ARCSEC, "Radius.unit": "arcsec"}
    ned = {
        "search_type": "Near Position Search",
        "in_csys": "Equatorial",
        "in_equinox": "J2000.0",
        "ra": f"{ra:.6f}d",
        "dec": f"{dec:+.6f}d",
        "radius": f"{RADIUS_ARCSEC / 60:.5f}",
    }
    vizier = {"-c": here, "-c.rs": RADIUS_ARCSEC}
    return [
        ("Legacy Surveys", f"{_LEGACY}/?{urlencode(legacy)}&mark={ra:.6f},{dec:.6f}"),
        ("SIMBAD", f"https://simbad.cds.unistra.fr/simbad/sim-coo?{urlencode(simbad)}"),
        ("NED", f"https://ned.ipac.caltech.edu/conesearch?{urlencode(ned)}"),
        ("VizieR", f"https://vizier.cds.unistra.fr/viz-bin/VizieR-4?{urlencode(vizier)}"),
    ]
