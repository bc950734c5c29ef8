"""Refusal: what is wrong with a key of a spec, as one line.

    hw.toml:12: network.layers[0].bias: found 'perunit', allowed: …; did you mean per_unit?

Raised while a file is read, and by what turns out only when a spec is built, asked or drawn.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = ["WHOLE", "SpecError", "choices", "near"]

WHOLE = "the file"  # the key of what is wrong with all of it


class SpecError(ValueError):
    """A spec that cannot be used: file and line, key path, what was found, what is allowed."""

    def __init__(
        self, file: str, key: str, found: str, allowed: str, more: int = 0, line: int | None = None
    ) -> None:
        self.file, self.key, self.found, self.allowed, self.more = file, key, found, allowed, more
        others = f" (and {more} more)" if more else ""
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {key}: found {found}, allowed: {allowed}{others}")

    def at(self, line: int | None) -> SpecError:
        """The same with its line."""
        return SpecError(self.file, self.key, self.found, self.allowed, self.more, line)


def choices(found: Any, names: Iterable[str]) -> str:
    """All of the names, with the nearest."""
    names = list(names)
    return near(found, names, ", ".join(names))


def near(found: Any, names: Iterable[str], allowed: str) -> str:
    """What is allowed, with the nearest of the names."""
    close = difflib.get_close_matches(str(found), list(names), 1)
    return allowed + (f"; did you mean {close[0]}?" if close else "")
