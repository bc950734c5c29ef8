"""Tables of a text: Markdown's pipes and LaTeX's tabular, as cells and where they start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Cell", "TextTable", "text_tables"]

_RULE = re.compile(r"^\s*\|?\s*:?-{3,}:?\s*(\|\s*:?-{3,}:?\s*)*\|?\s*$")
_BEGIN = re.compile(r"\\begin\{(tabular[x*]?|longtable|array)\}")
_ORNAMENT = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|endfoot|centering|cline\{[^{}]*\})"
)
_COLUMNS = re.compile(r"(?:\{[^{}]*\}|\[[^\]]*\])?\s*\{(?:[^{}]|\{[^{}]*\})*\}")


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, without dollars, and where."""

    text: str
    offset: int


@dataclass(frozen=True)
class TextTable:
    """The first row is the head; `start` and `end` bound the table in the text."""

    rows: tuple[tuple[Cell, ...], ...]
    start: int
    end: int


def text_tables(source: str) -> Iterator[TextTable]:
    """The tables of a Markdown or LaTeX text."""
    yield from _markdown(source)
    yield from _latex(source)


def _cell(text: str, offset: int) -> Cell:
    bare = text.strip().strip("$").strip()
    return Cell(bare.removeprefix(r"\(").removesuffix(r"\)").strip(), offset)


def _cells(text: str, offset: int, separator: str) -> tuple[Cell, ...]:
    cells = []
    for part in re.split(rf"(?<!\\){re.escape(separator)}", text):
        cells.append(_cell(part, offset))
        offset += len(part) + len(separator)
    return tuple(cells)


def _markdown(source: str) -> Iterator[TextTable]:
    lines, offsets, at = source.split("\n"), [], 0
    for line in lines:
        offsets.append(at)
        at += len(line) + 1

    def row(n: int) -> tuple[Cell, ...]:
        inner = lines[n].rstrip()
        lead = len(inner) - len(inner.lstrip()) + inner.lstrip().startswith("|")
        return _cells(inner[lead:].removesuffix("|"), offsets[n] + lead, "|")

    n = 1
    while n < len(lines):
        if _RULE.match(lines[n]) and "|" in lines[n - 1]:
            last = n + 1
            while last < len(lines) and "|" in lines[last]:
                last += 1
            rows = (row(n - 1), *(row(i) for i in range(n + 1, last)))
            yield TextTable(rows, offsets[n - 1], offsets[last - 1] + len(lines[last - 1]))
            n = last
        n += 1


def _latex(source: str) -> Iterator[TextTable]:
    for begin in _BEGIN.finditer(source):
        end = source.find(rf"\end{{{begin[1]}}}", begin.end())
        if end < 0:
            continue
        columns = _COLUMNS.match(source, begin.end())
        start = columns.end() if columns else begin.end()
        body = _ORNAMENT.sub(lambda m: " " * len(m[0]), source[start:end])
        rows, offset = [], start
        for line in body.split(r"\\"):
            if line.strip():
                rows.append(_cells(line, offset + len(line) - len(line.lstrip()), "&"))
            offset += len(line) + 2
        if rows:
            yield TextTable(tuple(rows), begin.start(), end)
