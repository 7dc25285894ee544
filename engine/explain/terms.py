"""What the numbers of an analysis note mean that no column of a store has, one sentence each."""

TERMS: dict[str, str] = {
    "width": "full width at half maximum of the feature; its finest is one bin of the model",
    "height": "normalized flux minus reconstruction in the bin where it is largest; flux is "
    "normalized by the median of its absolute value",
    "significance": "the feature over its noise, where the model has one over noise and model "
    "error; noise alone makes 3 to 4 somewhere in a spectrum",
    "offset": "velocity of the feature against the nearest line of the list at the redshift; "
    "the nearest of many lines is often near by chance",
    "arm_share": "share of the score, or of the misfit behind the calibrated one, that comes from "
    "the bins of an arm",
    "sky_lines": "the same share of bins with a bright line of the night sky",
    "telluric": "the same share of the other bins of telluric bands",
    "bins_on_air": "share of the bins that have such a line or are in such a band: what a spectrum "
    "that errs evenly has there",
    "distance": "Euclidean distance in the space of the latents; it has no unit and is only to be "
    "compared with other distances of the same store",
}  # fmt: skip
