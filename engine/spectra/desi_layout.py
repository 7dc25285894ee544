"""Where a DESI file belongs: DESI survey, program, cell or tile, and its redrock file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# coadd-main-dark-23040.fits and coadd-1-80693-thru20210204.fits: DESI data model, file names.
_HEALPIX_NAME = re.compile(r"^(?:coadd|spectra)-([a-z0-9]+)-([a-z]+)-(\d+)$")
_TILE_NAME = re.compile(r"^(?:coadd|spectra)-(\d)-(\d+)-(?:thru|exp)?(\d+)$")
_SUFFIXES = (".fits.gz", ".fits.fz", ".fits", ".fit.gz", ".fit")


@dataclass(frozen=True)
class DesiLayout:
    """What header, name and folders of a file say; None or empty where they say nothing.

    Parameters
    ----------
    desi_survey, program : str
        DESI's SURVEY and PROGRAM in lower case; empty when unknown.
    cell : int or None
        HEALPix cell (nside 64, nested) of a healpix coadd.
    tile_id : int or None
        TILEID of a tile coadd.
    group : str
        Group that a target id is unique in; empty when unknown.
    """

    desi_survey: str = ""
    program: str = ""
    cell: int | None = None
    tile_id: int | None = None
    group: str = ""


def layout_of(header: Mapping[str, Any], path: Path) -> DesiLayout:
    """Return the layout from the primary header, else from the file name and its folders."""
    named = _named_healpix(path)
    survey = str(header.get("SURVEY", "") or named[0]).strip().lower()
    program = str(header.get("PROGRAM", header.get("FAPRGRM", "")) or named[1]).strip().lower()
    cell = _first_int(header.get("HPXPIXEL"), named[2])
    if cell is not None:
        group = f"healpix/{survey or 'unknown'}/{program or 'unknown'}/{cell}"
        return DesiLayout(survey, program, cell, None, group)
    petal, tile, night = _named_tile(path)
    tile_id = _first_int(header.get("TILEID"), tile)
    night = _first_int(header.get("NIGHT"), night)
    petal = _first_int(header.get("PETAL"), petal)
    if tile_id is None or night is None or petal is None:
        return DesiLayout(survey, program, None, tile_id, "")
    return DesiLayout(survey, program, None, tile_id, f"tile/{tile_id}/{night}/{petal}")


def redrock_path(path: Path) -> Path | None:
    """Return the redrock file beside a coadd or spectra file, None when there is none."""
    kind, dash, rest = stem_of(path).partition("-")
    if kind not in ("coadd", "spectra") or not dash:
        return None
    candidates = (path.with_name(f"redrock-{rest}{suffix}") for suffix in _SUFFIXES)
    return next((found for found in candidates if found.is_file()), None)


def stem_of(path: Path) -> str:
    """Return the file name without its FITS suffixes.

    Examples
    --------
    >>> stem_of(Path("a/spectra-main-dark-9144.fits.gz"))
    'spectra-main-dark-9144'
    """
    suffix = next((s for s in _SUFFIXES if path.name.endswith(s)), "")
    return path.name.removesuffix(suffix)


def _named_healpix(path: Path) -> tuple[str, str, str | None]:
    match = _HEALPIX_NAME.match(stem_of(path))
    if match:
        return match.group(1), match.group(2), match.group(3)
    folders = path.parts[:-1]
    # healpix/{survey}/{program}/{pix//100}/{pix}/file
    if len(folders) >= 5 and folders[-5] == "healpix" and folders[-1].isdigit():
        return folders[-4], folders[-3], folders[-1]
    return "", "", None


def _named_tile(path: Path) -> tuple[str | None, str | None, str | None]:
    match = _TILE_NAME.match(stem_of(path))
    return (match.group(1), match.group(2), match.group(3)) if match else (None, None, None)


def _first_int(*candidates: Any) -> int | None:
    for candidate in candidates:
        try:
            return int(candidate)
        except (TypeError, ValueError):
            continue
    return None
