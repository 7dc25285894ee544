"""The stack of a selection: medians and percentiles of flux, reconstruction and residual."""

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from anomaly_explorer.dashboard.theme import BASE_CSS, DARK, Palette

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.stack import Stack

_CSS = """
.headline{font-size:14px;font-weight:600;} .failure{color:var(--warning);font-size:12px;}
.some{color:var(--warning);} details{font-size:12px;color:var(--muted);}
"""


def title_html(stack: "Stack") -> str:
    """Return what is stacked, how many agree with the catalog, and what failed."""
    n = stack.n_objects
    n_agree = int(stack.n_agree)
    css = "" if n_agree == n else ' class="some"'
    failures = "".join(f'<div class="failure">{escape(text)}</div>' for text in stack.failures)
    if failures:
        failures = (
            f"<details open><summary>{len(stack.failures)} failed</summary>{failures}</details>"
        )
    return (
        f'<div class="headline">{n:,} of {stack.n_selected:,} selected objects, normalized, '
        f"observed frame</div><div{css}>score agrees with the catalog for {n_agree:,} of {n:,}"
        f'<span class="muted"> · line: median, band: 16–84 %</span></div>{failures}'
    )


class StackView(pn.viewable.Viewer):
    """Show one stack, or a message while it is made."""

    palette = param.ClassSelector(class_=Palette, default=DARK, doc="Colours.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._stack: Stack | None = None
        self._title = pn.pane.HTML(
            "", css_classes=["stack-title"], margin=(2, 8), stylesheets=[BASE_CSS + _CSS]
        )
        # This column is hidden, not the panes: with `visible`, Panel hands a figure all that was
        # set on its pane, also the design of the page, which is no property of a figure.
        self._frame = pn.Column(sizing_mode="stretch_width", margin=0, visible=False)
        self.param.watch(lambda *_: self._redraw(), "palette")

    def show(self, stack: "Stack | None", message: str = "") -> None:
        """Show a stack; None shows the message, such as how far the reading is."""
        self._stack = stack
        quiet = f'<div class="muted">{escape(message)}</div>' if message else ""
        self._title.object = quiet + (title_html(stack) if stack is not None else "")
        self._redraw()

    def _redraw(self) -> None:
        self._frame.visible = self._stack is not None
        if self._stack is None:
            self._frame.clear()
            return
        from anomaly_explorer.dashboard.stack_figure import draw_stack

        drawn = draw_stack(self._stack, self.palette)
        # One pane each: the theme of the page does not know the grid that HoloViews makes of two.
        self._frame[:] = [pn.pane.HoloViews(each, sizing_mode="stretch_width") for each in drawn]

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self._title, self._frame, sizing_mode="stretch_width", margin=0)
