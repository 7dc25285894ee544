"""What each figure of a store of 22.5 million objects on two cores is meant to reach."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One figure and its limit.

    Parameters
    ----------
    figure : str
        Its name among the figures.
    what : str
        In words.
    limit : float
        Largest value that is good, in `unit`.
    unit : str
        Such as ``ms`` or ``bytes``.
    is_least : bool
        Whether the limit is the smallest value that is good instead.
    """

    figure: str
    what: str
    limit: float
    unit: str = "ms"
    is_least: bool = False

    def is_met(self, value: float) -> bool:
        """Return whether a value is good."""
        return value >= self.limit if self.is_least else value <= self.limit


TARGETS = (
    Target("frame_ms_p50", "frame, unfiltered or tier × arm, middle", 120),
    Target("frame_ms_p95", "the same, 95th percentile", 200),
    Target("frame_filtered_ms_p95", "frame under any filter, the first of each included", 300),
    Target("frame_bytes_p95", "bytes of a frame, deflated", 250_000, "bytes"),
    Target("lasso_mask_ms", "lasso: the mask", 50),
    Target("lasso_ms_p95", "lasso: count, both pictures, table page", 200),
    Target("brush_ms_p95", "histogram brush: every view", 250),
    Target("click_ms_p95", "click: spectrum, reconstruction, residual", 150),
    Target("stack_ms", "stack of 10,000 simulated spectra", 5000),
    Target("neighbors_ms", "nearest 50 in latent space, warm", 3000),
    Target("hover_ms_p95", "mouse at rest: which object", 30),
)


def judge(figures: Mapping[str, float], target: Target) -> str:
    """Return ``met``, how far off a figure is, or that it was not measured.

    Examples
    --------
    >>> judge({"hover_ms_p95": 45.0}, TARGETS[-1])
    '1.5 × the target'
    """
    value = figures.get(target.figure)
    if value is None:
        return "not measured"
    if target.is_met(value):
        return "met"
    return f"{value / target.limit:.2g} × the target" if target.limit else "missed"
