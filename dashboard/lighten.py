"""Figures with fewer models: what Bokeh adds to each glyph for gestures that the page has not."""

from typing import Any

from bokeh.models import CDSView


def lighten(figure: Any) -> None:
    """Leave out how the glyphs of a figure look when others are selected, or muted.

    Bokeh makes three glyphs and a view of each that is asked for. A page is walked through model
    by model some ten times before it is sent: a third of the models of a figure is a third of that.

    Parameters
    ----------
    figure : bokeh.plotting.figure
        With everything drawn that it will ever have.
    """
    # A view knows which items of its source are in it: only glyphs of one source can share one.
    views: dict[str, CDSView] = {}
    for renderer in figure.renderers:
        view = views.setdefault(renderer.data_source.id, renderer.view)
        renderer.update(view=view, nonselection_glyph=None, muted_glyph=None)
