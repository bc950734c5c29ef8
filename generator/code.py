"""Code: a QR code as black bars, for a template to draw."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby

__all__ = ["code"]

Bar = tuple[int, int, int]


@lru_cache(256)
def code(text: str) -> tuple[int, tuple[Bar, ...]]:
    """How many modules it is wide and high, and its bars: (column, row, length), from the upper left.

    A quarter of it may be unreadable (level Q, ISO/IEC 18004) for as short a text as a variant's id."""
    import segno

    rows = [*segno.make(text, micro=False, error="m", boost_error=True).matrix]
    bars = []
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row):
            length = len([*run])
            if dark:
                bars.append((x, y, length))
            x += length
    return len(rows), tuple(bars)
