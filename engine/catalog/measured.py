"""The columns of the calibrated score: what a scan measures, and what a calibration makes of it.

Names of statistics are those of `engine.scoring.statistics.NAMES`, with ``_`` for a point (tested).
"""

from .column import Column, ours

_BUMP = "most significant bump or dip {} wide, in standard deviations"
_NOISE = (
    "variance of neighboring bins of the {} arm over what ivar says; 1 = the noise is as the "
    "pipeline has it, of a bright spectrum larger"
)
_SIGMA = (
    "how surprising the spectrum is among normals of its class and S/N{}, in standard deviations "
    "of a normal distribution; null where the class was not calibrated"
)
_STATISTICS = {
    "misfit": "mean square of flux minus model over its expected variance, each bin held to 5 σ",
    "width_0": _BUMP.format("one bin"),
    **{
        f"width_{width}": _BUMP.format(f"σ = {width.replace('_', '.')} bins")
        for width in ("0_5", "1", "2", "4", "8", "16", "32")
    },
    "gain": "most significant factor on the flux of one arm, in standard deviations",
    "sky": "most significant residual of the night sky, in standard deviations",
    "fringe": "most significant wave of 28 to 95 Å in the near-infrared arm",
    "modes": "how far the model is off in the ways it is often off; null for a class without modes",
    "profile": "√(1 + gain in chi² of the emission lines by a second velocity), a share taken off "
    "of strong lines; null where no lines of a galaxy are seen",
    "line": "most significant narrow emission line where none is known, in standard deviations; "
    "null without a redshift",
    "latent": "how lonely the latents are: grows with minus the log of their density",
}

MEASURED: tuple[Column, ...] = (
    *(ours(f"statistic_{name}", "float32", "", text) for name, text in _STATISTICS.items()),
    ours(
        "snr_bin", "float32", "", "median S/N of the known bins, which statistics are compared at"
    ),
    ours(
        "bump_wavelength", "float32", "Angstrom", "where the most significant bump of any width is"
    ),
    ours("bump_width", "float32", "", "its width: standard deviation in bins, 0 = one bin"),
    ours("line_wavelength", "float32", "Angstrom", "where the most significant narrow line is"),
    ours("noise_scale_b", "float32", "", _NOISE.format("blue")),
    ours("noise_scale_r", "float32", "", _NOISE.format("red")),
    ours("noise_scale_z", "float32", "", _NOISE.format("near-infrared")),
    ours("measurer_id", "string", "", "first 12 digits of the SHA-256 of the measurer's file"),
    ours(
        "is_measurer_member", "bool", "", "the measurer's network was trained on this very spectrum"
    ),
)

# Of `calibration/scores.parquet`, beside the batches as the positions of an embedding are.
CALIBRATED: tuple[Column, ...] = (
    ours("sigma_astro", "float32", "", _SIGMA.format(", as to what the sky could do")),
    ours("sigma_instrument", "float32", "", _SIGMA.format(", as to what an instrument could do")),
    ours("sigma_all", "float32", "", _SIGMA.format(", as to both")),
    ours(
        "p_astro", "float64", "",
        "share of normals of its class and S/N that are at least as odd, behind sigma_astro",
    ),
    ours("winning_statistic", "string", "", "the least likely statistic behind sigma_astro"),
    ours(
        "winning_instrument_statistic", "string", "",
        "the least likely statistic behind sigma_instrument",
    ),
    ours(
        "is_extrapolated", "bool", "",
        "fewer than three of the normals are as odd: sigma_astro rests on the shape of the tail",
    ),
)  # fmt: skip
