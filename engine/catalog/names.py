"""What to say about a name nobody knows."""

from collections.abc import Sequence
from difflib import get_close_matches

_MAX_LISTED = 12


def unknown_name(thing: str, name: str, known: Sequence[str]) -> str:
    """Return the sentence for an unknown name: close matches first, else what there is.

    Examples
    --------
    >>> unknown_name("column", "redshfit", ["redshift", "snr"])
    "There is no column 'redshfit'; did you mean redshift?"
    >>> unknown_name("plane", "sky", ["umap", "score_snr"])
    "There is no plane 'sky'; expected one of umap, score_snr."
    """
    close = get_close_matches(name, known, n=3)
    if close:
        return f"There is no {thing} {name!r}; did you mean {' or '.join(close)}?"
    listed = ", ".join(known[:_MAX_LISTED])
    more = f" and {len(known) - _MAX_LISTED} more" if len(known) > _MAX_LISTED else ""
    return f"There is no {thing} {name!r}; expected one of {listed}{more}."
