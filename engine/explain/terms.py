"""What the words and numbers of an analysis note mean, one sentence each."""

from anomaly_explorer.engine.scoring.filters import WIDTHS
from anomaly_explorer.engine.scoring.statistics import MATCHED

_BUMPS = {
    name: f"most significant bump or dip of a Gaussian {width:g} bins in standard deviation"
    if width
    else "most significant single bin"
    for name, width in zip(MATCHED, WIDTHS, strict=True)
}
TERMS: dict[str, str] = {
    "sigma_astro": "how surprising the spectrum is to the noise-aware model, among normals of its "
    "class and a like S/N, in standard deviations; by what the sky above may do",
    "sigma_instrument": "the same by what the Earth and the instrument do",
    "sigma_all": "the same by both together",
    "p_astro": "share of normals of the class and a like S/N that are at least as odd",
    "misfit": "mean square of the deviations, each held to 5",
    **_BUMPS,
    "gain": "an arm whose flux is off by a factor",
    "sky": "lines of the night sky, subtracted too much or too little",
    "fringe": "waves in the Z arm",
    "profile": "emission lines that two velocities explain better than one",
    "line": "most significant narrow emission line where none is known at the redshift",
    "modes": "how far the model is off in the ways in which it is often off",
    "latent": "how lonely the latents are",
    "width": "full width at half maximum of the feature; its finest is one bin of the model",
    "height": "normalized flux minus reconstruction in the bin where it is largest; flux is "
    "normalized by the median of its absolute value",
    "significance": "the feature over its noise, where the model has one over noise and model "
    "error; noise alone makes 3 to 4 somewhere in a spectrum",
    "offset": "velocity of the feature against the nearest line of the list at the redshift; "
    "the nearest of many lines is often near by chance",
    "arm_share": "share of the score that comes from the bins of an arm",
    "sky_lines": "share of the score from bins with a bright line of the night sky",
    "telluric": "share of the score from the other bins of telluric bands",
    "bins_on_air": "share of the bins that have such a line or are in such a band: the score of a "
    "spectrum that errs evenly has this share there",
    "distance": "Euclidean distance in the space of the latents; it has no unit and is only to be "
    "compared with other distances of the same store",
}  # fmt: skip
