"""What outlives a session lets go of its page, which would otherwise stay in memory for good."""

import panel as pn
from panel.viewable import Viewable


def release_page(page: Viewable) -> None:
    """End a page's ties to the state that all sessions share.

    A page of panel-material-ui shows `busy` of `panel.state`, which has no end: through the one
    watcher behind it every page ever opened stays alive, about 5 MB each.

    Parameters
    ----------
    page : panel.viewable.Viewable
        Of a session that ended.
    """
    for watchers in pn.state.param.watchers.get("busy", {}).values():
        for watcher in list(watchers):
            # A bound parameter is watched by the `param` namespace of whom it is bound to.
            follower = getattr(watcher.fn, "__self__", None)
            if getattr(follower, "self", None) is page:
                pn.state.param.unwatch(watcher)
