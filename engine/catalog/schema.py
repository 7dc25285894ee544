"""Every column of a catalog, once: our name, its name in Parquet, type, unit and meaning.

The 173 published columns keep their names and types on disk, so that existing catalogs load; the
rest are ours. Code and store use `Column.name`; the renaming happens at the file boundary and
nowhere else. Source of the first 173: the published catalog's schema.
"""

import hashlib
from functools import lru_cache

import pyarrow as pa

from .column import Column as Column
from .column import ours as _ours
from .column import published as _published
from .measured import CALIBRATED as CALIBRATED
from .measured import MEASURED

N_LATENTS = 128


_RESIDUAL = "mean absolute residual over the bins of the {} arm, flux / median |flux|"
_FLUX = "{} flux of the Legacy Surveys / WISE forced photometry"
_SNR = "median S/N of the {} arm per square root of Å; exactly 0 where the arm is missing"
_AB = "AB colour {} without dereddening; NaN if either flux is not positive"

_AUTOENCODER = (
    _published(
        "score_mse",
        "anomaly_score",
        "float32",
        "",
        "mean squared residual over the model's bins; larger = less like the training set",
    ),
    _published("arm_residual_b", "rB", "float32", "", _RESIDUAL.format("blue")),
    _published("arm_residual_r", "rR", "float32", "", _RESIDUAL.format("red")),
    _published("arm_residual_z", "rZ", "float32", "", _RESIDUAL.format("near-infrared")),
    _published(
        "worst_arm",
        "worst_band",
        "string",
        "",
        "arm with the largest arm residual: B, R or Z; ties go to the earlier arm",
    ),
    _published(
        "published_peak_wavelength",
        "peak_residual_wavelength",
        "float32",
        "Angstrom",
        "bin of the largest |residual| in the published, approximate wavelengths",
    ),
    _published(
        "residual_kurtosis",
        "residual_kurtosis",
        "float32",
        "",
        "excess kurtosis of the signed residuals",
    ),
)
_LATENTS = tuple(
    _published(f"latent_{i:03d}", f"lat_{i:03d}", "float32", "", f"latent {i} of the encoder")
    for i in range(N_LATENTS)
)
_REDROCK = (
    _published("redshift", "z", "float32", "", "redshift of the pipeline's best template"),
    _published("redshift_error", "zerr", "float32", "", "error of the redshift"),
    _published(
        "redshift_warning",
        "zwarn",
        "int64",
        "",
        "redshift warning bits; 0 = none, -1 = no redshift file",
    ),
    _published("spectype", "spectype", "string", "", "GALAXY, QSO, STAR or empty"),
    _published("subtype", "subtype", "string", "", "subclass of the best template"),
    _published("deltachi2", "deltachi2", "float32", "", "chi² gap to the second-best redshift"),
)
_FIBERMAP = (
    _published(
        "target_id", "targetid", "int64", "", "DESI's 64-bit TARGETID, or what id_origin says"
    ),
    _published("target_ra", "target_ra", "float32", "deg", "right ascension, float32: see ra_deg"),
    _published("target_dec", "target_dec", "float32", "deg", "declination, float32: see dec_deg"),
    _published("morphtype", "morphtype", "string", "", "PSF, REX, EXP, DEV, SER or empty"),
    *(
        _published(f"flux_{b}", f"flux_{b}", "float32", "nanomaggy", _FLUX.format(b.upper()))
        for b in ("g", "r", "z", "w1", "w2")
    ),
    _published("ebv", "ebv", "float32", "mag", "Galactic reddening E(B-V)"),
    _published("parallax", "parallax", "float32", "mas", "Gaia parallax"),
    _published(
        "gaia_phot_g_mean_mag", "gaia_phot_g_mean_mag", "float32", "mag", "Gaia G magnitude"
    ),
    _published("sersic", "sersic", "float32", "", "Sérsic index of the imaging fit"),
    _published("shape_r", "shape_r", "float32", "arcsec", "half-light radius of the imaging fit"),
    _published("coadd_numexp", "coadd_numexp", "int64", "", "exposures in the coadd"),
    _published("coadd_exptime", "coadd_exptime", "float32", "s", "summed exposure time"),
    _published(
        "mean_fiber_ra", "mean_fiber_ra", "float32", "deg", "mean right ascension of the fiber"
    ),
    _published(
        "mean_fiber_dec", "mean_fiber_dec", "float32", "deg", "mean declination of the fiber"
    ),
)
_SCORES = (
    *(
        _published(
            f"snr_{a}", f"median_coadd_snr_{a}", "float32", "Angstrom-1/2", _SNR.format(a.upper())
        )
        for a in ("b", "r", "z")
    ),
    *(
        _published(
            f"tsnr2_{t}", f"tsnr2_{t}", "float32", "", f"squared template S/N for {t.upper()}"
        )
        for t in ("qso", "elg", "lrg", "bgs")
    ),
)
_DERIVED = (
    _published("gr_color", "gr_color", "float32", "mag", _AB.format("g-r")),
    _published("rz_color", "rz_color", "float32", "mag", _AB.format("r-z")),
    _published("w1w2_color", "w1w2_color", "float32", "mag", _AB.format("W1-W2")),
    _published("is_point_source", "is_point_source", "bool", "", "morphtype is PSF"),
    _published(
        "is_star_candidate",
        "is_star_candidate",
        "bool",
        "",
        "parallax > 0.5 mas, or g-r < 0.5 and r-z < 0.3",
    ),
    _published(
        "classification",
        "classification",
        "string",
        "",
        "published triage label; null here, the rules were never applied upstream",
    ),
    _published(
        "discovery_potential",
        "discovery_potential",
        "string",
        "",
        "published triage label; null here, the rules were never applied upstream",
    ),
)
_OURS = (
    _ours("score_sum", "float32", "", "sum of the three arm residuals; reported, never tiered"),
    _ours(
        "peak_wavelength", "float32", "Angstrom", "true centre of the bin of the largest |residual|"
    ),
    _ours(
        "coverage",
        "float32",
        "",
        "share of the model's bins with at least one unmasked pixel of ivar > 0",
    ),
    _ours("snr", "float32", "Angstrom-1/2", "largest of the three arm S/N"),
    _ours("population", "string", "", "answer of the gate: science, gated or unknown"),
    _ours("gate_reason", "string", "", "why the gate decided so"),
    _ours("is_training_member", "bool", "", "the model was trained on this very spectrum"),
    _ours("model_id", "string", "", "first 12 digits of the SHA-256 of the weights file"),
    _ours("survey", "string", "", "sky survey: DESI, SDSS, LAMOST; 'simulated' for our own"),
    _ours("desi_survey", "string", "", "DESI SURVEY: sv1, sv2, sv3, main, special, cmx"),
    _ours("program", "string", "", "DESI PROGRAM: dark, bright, backup, other"),
    _ours("healpix", "int32", "", "HEALPix cell, nside 64, nested; of the file or of the position"),
    _ours("tile_id", "int32", "", "DESI TILEID; -1 where exposures are of several tiles"),
    _ours(
        "location",
        "int32",
        "",
        "DESI LOCATION, 1000 × petal + place of the fiber on it; -1 where exposures differ",
    ),
    _ours(
        "coadd_group", "string", "", "group the key is unique in, such as healpix/main/dark/9144"
    ),
    _ours(
        "id_origin",
        "string",
        "",
        "survey: the survey's own id, or built from its keys (SDSS plate, MJD, fiber); "
        "file: made from (file hash, row)",
    ),
    _ours("objtype", "string", "", "what the fiber was put on: TGT, SKY, BAD, as the survey says"),
    _ours("fiber_status", "int32", "", "COADD_FIBERSTATUS bits; 0 = good"),
    _ours("ra_deg", "float64", "deg", "right ascension (ICRS)"),
    _ours("dec_deg", "float64", "deg", "declination (ICRS)"),
    _ours("source_file", "string", "", "file of the spectrum, relative to the root of the scan"),
    _ours("row_in_file", "int32", "", "row of the spectrum in that file"),
    _ours("is_simulated", "bool", "", "made by a simulator, not by a telescope"),
    _ours(
        "injected_type", "string", "", "anomaly the simulator put in; empty = none, null = unknown"
    ),
)

COLUMNS: tuple[Column, ...] = (
    *_AUTOENCODER,
    *_LATENTS,
    *_REDROCK,
    *_FIBERMAP,
    *_SCORES,
    *_DERIVED,
    *_OURS,
    *MEASURED,
)
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
BY_CATALOG_NAME: dict[str, Column] = {column.catalog_name: column for column in COLUMNS}
PUBLISHED: tuple[Column, ...] = tuple(column for column in COLUMNS if column.published)
LATENT_NAMES: tuple[str, ...] = tuple(column.name for column in _LATENTS)

# What a reader may put into `SpectrumBatch.columns`; everything else is computed by the scan.
READER_COLUMNS: frozenset[str] = frozenset(
    column.name
    for column in (*_REDROCK, *_FIBERMAP, *_SCORES, *_OURS)
    if column.name
    not in {
        "score_sum",
        "peak_wavelength",
        "coverage",
        "snr",
        "population",
        "gate_reason",
        "is_training_member",
        "model_id",
        "source_file",
    }
)


def schema_hash() -> str:
    """Return a hash of the names and types of `COLUMNS` and `CALIBRATED`."""
    columns = (*COLUMNS, *CALIBRATED)
    text = "\n".join(f"{c.name} {c.catalog_name} {c.dtype}" for c in columns)
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def arrow_schema() -> pa.Schema:
    """Return the schema of a Parquet batch: the 173 published columns first, then ours.

    Every field is nullable and carries its unit and meaning as metadata.
    """
    return pa.schema(
        [
            pa.field(c.catalog_name, c.arrow_type, metadata={"unit": c.unit, "meaning": c.meaning})
            for c in COLUMNS
        ]
    )
