"""Code: a QR code as black bars, for a template to draw."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from markupsafe import Markup

__all__ = ["Code", "code"]


@dataclass(frozen=True)
class Code:
    """`size` modules wide and high; a bar is as many modules as it is long, from the upper left."""

    size: int
    bars: tuple[dict[str, int], ...]

    def drawn(self, pattern: str) -> Markup:
        """Every bar as the pattern has it: "M%(column)d %(row)dh%(length)d"."""
        return Markup("".join(pattern % bar for bar in self.bars))


@lru_cache(256)
def code(text: str) -> Code:
    """A quarter of it may be unreadable (level Q, ISO/IEC 18004), of a text as short as an id."""
    import segno

    rows = [*segno.make(text, micro=False, error="m", boost_error=True).matrix]
    bars = []
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row):
            length = len([*run])
            if dark:
                bars.append({"column": x, "row": y, "length": length})
            x += length
    return Code(len(rows), tuple(bars))
