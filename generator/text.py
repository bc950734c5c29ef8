"""Text that somebody typed, before any format: what of it can be written at all."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["CannotRender", "CannotWrite", "plain"]


class CannotWrite(ValueError):
    """Text that a format has no way to write."""


class CannotRender(ValueError):
    """What is wrong with somebody's own template, and where."""


def plain(text: str) -> str:
    """NFC, control characters dropped, white space folded."""
    if not (text.isascii() and text.isprintable()):  # else nothing of it is to be changed
        text = unicodedata.normalize("NFC", text)
        text = "".join(" " if c.isspace() else c for c in text if c.isspace() or c.isprintable())
    return re.sub(" +", " ", text)
