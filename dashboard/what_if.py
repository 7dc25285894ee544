"""How far a person has moved the latents of the object in focus. No widgets here."""

from typing import Any

import param

from anomaly_explorer.engine.explain.what_if import N_SLIDERS, REACH


class WhatIfState(param.Parameterized):
    """Offsets of some latents, and the way to the twin; of the object in focus only."""

    offsets = param.ClassSelector(
        class_=tuple, default=(0.0,) * N_SLIDERS,
        doc="Of the latents that matter most, in standard deviations of the store.",
    )  # fmt: skip
    blend = param.Number(0.0, bounds=(0, 1), doc="0 = the object, 1 = its normal twin.")
    is_open = param.Boolean(False, doc="Whether the sliders are on screen.")
    shows_twin = param.Boolean(False, doc="Whether the twin is laid over the spectrum.")

    @property
    def is_at_rest(self) -> bool:
        """Return whether nothing is moved: then there is nothing to decode."""
        return not any(self.offsets) and not self.blend

    def move(self, index: Any, value: Any) -> None:
        """Move one slider: 0 and up are the latents, -1 is the way to the twin.

        What came from a browser and is no such move changes nothing.
        """
        if not isinstance(index, int) or not isinstance(value, int | float) or value != value:
            return
        if index == -1:
            self.blend = min(max(float(value), 0.0), 1.0)
        elif 0 <= index < N_SLIDERS:
            offsets = list(self.offsets)
            offsets[index] = min(max(float(value), -REACH), REACH)
            self.offsets = tuple(offsets)

    def reset(self) -> None:
        """Move everything back."""
        self.param.update(offsets=(0.0,) * N_SLIDERS, blend=0.0)
