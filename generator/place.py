"""Where a key stands in a TOML text: `network.layers[0].bias` -> its line.

tomllib gives no lines, and a library that keeps them would parse the text a second time; so the text is
walked for table heads and `key =`, with strings and comments left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Place", "line_of"]

_SKIPPED = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_HEAD = re.compile(r"\s*(\[\[?)\s*([\w-]+(?:\s*\.\s*[\w-]+)*)\s*\]")
_KEY = re.compile(r"\s*([\w-]+(?:\s*\.\s*[\w-]+)*)\s*=")


@dataclass(frozen=True)
class Place:
    """The file that something was read from, and its text.  All are equal: a spec is what it says,
    wherever it stands."""

    file: str = field(default="", compare=False)
    text: str = field(default="", compare=False)


def line_of(text: str, key: str) -> int | None:
    """The line of a key's path, counted from 1; of the table or the key that it is in where it has none
    of its own; None where nothing of it is there."""
    wanted = re.findall(r"[^.\[\]]+", key)
    found = {len(path): line for path, line in _paths(text) if path == wanted[: len(path)]}
    return found[max(found)] if found else None


def _paths(text: str) -> Iterator[tuple[list[str], int]]:
    """(path, line) of every table head and every key, the last first."""
    bare = _SKIPPED.sub(lambda match: "\n" * match[0].count("\n"), text)
    table: list[str] = []
    arrays: Counter[str] = Counter()
    depth = 0
    paths: list[tuple[list[str], int]] = []
    for number, line in enumerate(bare.splitlines(), 1):
        if depth == 0 and (head := _HEAD.match(line)):
            name = re.sub(r"\s", "", head[2])
            arrays[name] += head[1] == "[["
            table = _numbered(name, arrays)
            paths += [(table[:end], number) for end in range(1, len(table) + 1)]
            continue
        if depth == 0 and (assigned := _KEY.match(line)):
            paths.append(([*table, *re.sub(r"\s", "", assigned[1]).split(".")], number))
        depth += sum(map(line.count, "[{")) - sum(map(line.count, "]}"))
    yield from reversed(paths)  # of several lines with one path the first is the last word


def _numbered(name: str, arrays: Counter[str]) -> list[str]:
    """The path of a table, with the number of each array of tables that it is in."""
    path: list[str] = []
    parts = name.split(".")
    for end, part in enumerate(parts, 1):
        path.append(part)
        if count := arrays[".".join(parts[:end])]:
            path.append(str(count - 1))
    return path
