"""Markdown, as GitHub reads it: text.  Its formulas are LaTeX."""

from __future__ import annotations

import re

from generator.text import plain

__all__ = ["escape_markdown"]

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "@": "&#64;"}
_MARKUP = re.compile(
    r"[\\`*_{}\[\]~|#!]"  # markup wherever it stands
    r"|^[-+=:]|(?<=^\d)[.)]"  # a list, a rule or a heading where a line starts
    r"|:(?=//)|(?<=www)\."  # an address, which GitHub turns into a link
)


def escape_markdown(text: str) -> str:
    """Text that GitHub's Markdown shows as it is: no markup, no HTML, no math, no mention, no link."""
    escaped = _MARKUP.sub(lambda match: "\\" + match[0], plain(text))
    return "".join(_ENTITIES.get(c, c) for c in escaped)
