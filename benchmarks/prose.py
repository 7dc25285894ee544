"""Pages in Markdown with lines of one length, whatever numbers were put into them."""

import re
import textwrap

WIDTH = 118
_VERBATIM = ("|", "#", "!", "```", "<")


def wrapped(page: str) -> str:
    r"""Return a page whose paragraphs and lists are broken anew; tables and headings stay.

    Examples
    --------
    >>> wrapped("One\ntwo.\n\n- three\n  four\n- five\n")
    'One two.\n\n- three four\n- five\n'
    """
    blocks = [_block(block) for block in page.rstrip("\n").split("\n\n")]
    return "\n\n".join(blocks) + "\n"


def _block(block: str) -> str:
    if block.startswith(_VERBATIM):
        return block
    items = re.split(r"\n(?=- |\|)", block)
    return "\n".join(
        item if item.startswith("|") else textwrap.fill(
            " ".join(item.split()), WIDTH,
            subsequent_indent="  " if item.startswith("- ") else "",
            break_long_words=False, break_on_hyphens=False,
        )
        for item in items
    )  # fmt: skip
