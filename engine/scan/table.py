"""From scored spectra to the rows of a Parquet batch. What nobody computed is null."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.schema import COLUMNS, LATENT_NAMES, Column, arrow_schema

Columns = Mapping[str, NDArray[Any]]
# What Parquet should keep as dictionaries: floats hardly repeat, and would grow by half.
REPEATING = tuple(c.catalog_name for c in COLUMNS if not c.dtype.startswith("float"))


def derive_columns(facts: Columns) -> dict[str, NDArray[Any]]:
    """Compute what follows from reader columns: colours, flags, float32 twins, the largest S/N.

    Parameters
    ----------
    facts : mapping of str to (N,) array
        Reader columns; a derived column appears only where its inputs are there.

    Returns
    -------
    dict of str to (N,) array
    """
    derived: dict[str, NDArray[Any]] = {}
    for name, (blue, red) in {
        "gr_color": ("flux_g", "flux_r"),
        "rz_color": ("flux_r", "flux_z"),
        "w1w2_color": ("flux_w1", "flux_w2"),
    }.items():
        if blue in facts and red in facts:
            derived[name] = _magnitude(facts[blue]) - _magnitude(facts[red])
    for ours, published in (("ra_deg", "target_ra"), ("dec_deg", "target_dec")):
        if ours in facts and published not in facts:
            derived[published] = np.asarray(facts[ours], dtype=np.float32)
    if "morphtype" in facts:
        derived["is_point_source"] = np.asarray(facts["morphtype"], dtype=str) == "PSF"
    if "parallax" in facts and {"gr_color", "rz_color"} <= derived.keys():
        blue_enough = (derived["gr_color"] < 0.5) & (derived["rz_color"] < 0.3)
        derived["is_star_candidate"] = (np.asarray(facts["parallax"]) > 0.5) | blue_enough
    snrs = [facts[name] for name in ("snr_b", "snr_r", "snr_z") if name in facts]
    if snrs:
        derived["snr"] = np.fmax.reduce(np.asarray(snrs, dtype=np.float32))
    return derived


def _magnitude(flux: NDArray[Any]) -> NDArray[np.float32]:
    """Return AB magnitudes of nanomaggies; NaN where the flux is not positive."""
    flux = np.asarray(flux, dtype=np.float64)
    positive = np.where(flux > 0, flux, np.nan)
    return (22.5 - 2.5 * np.log10(positive)).astype(np.float32)


def make_table(facts: Columns, latents: NDArray[np.float32]) -> pa.Table:
    """Build the Arrow table of N objects, every column of the schema, absent ones null.

    Parameters
    ----------
    facts : mapping of str to (N,) array
        Columns under our names.
    latents : (N, 128) float32

    Returns
    -------
    pyarrow.Table
        With `schema.arrow_schema()`; NaN in floating columns stays NaN.
    """
    n = len(latents)
    position = {name: i for i, name in enumerate(LATENT_NAMES)}
    arrays = []
    for column in COLUMNS:
        if column.name in position:
            values = np.ascontiguousarray(latents[:, position[column.name]])
            arrays.append(pa.array(values, type=pa.float32()))
        elif column.name in facts:
            arrays.append(_to_arrow(column, facts[column.name]))
        else:
            arrays.append(pa.nulls(n, column.arrow_type))
    return pa.Table.from_arrays(arrays, schema=arrow_schema())


def _to_arrow(column: Column, values: NDArray[Any]) -> pa.Array:
    if column.dtype == "string":
        text = np.asarray(values)
        return pa.array([None if v is None else str(v) for v in text.tolist()], type=pa.string())
    kind = np.dtype(column.dtype)
    return pa.array(np.ascontiguousarray(values).astype(kind, copy=False), type=column.arrow_type)
