"""Keeps pages apart from the flag that all sessions share: who else is busy concerns nobody."""

import panel as pn
from panel.viewable import Viewable


def untie_page(page: Viewable) -> None:
    """End a page's tie to `busy` of `panel.state`, before it is served.

    Every event of anybody would change it twice in every open page, and for each change Panel
    walks all models of the page: tens of milliseconds of the loop. The one watcher behind it would
    also keep every page ever opened in memory, about 5 MB each. What it moves is a line in the
    header that appears after a second of work on the loop; nothing there works that long.

    Parameters
    ----------
    page : panel.viewable.Viewable
        Just made.
    """
    for watchers in pn.state.param.watchers.get("busy", {}).values():
        for watcher in list(watchers):
            # A bound parameter is watched by the `param` namespace of whom it is bound to.
            follower = getattr(watcher.fn, "__self__", None)
            if getattr(follower, "self", None) is page:
                pn.state.param.unwatch(watcher)
