r"""Matrices: rows and columns as a student types them -> their cells, each read by whoever reads one.

[[1, 2], [3, 4]]    [1 2; 3 4]    \begin{pmatrix}1&2\\3&4\end{pmatrix}    ->    ((1, 2), (3, 4))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from generator.answers import blank
from generator.plain import WRAPPERS, placed, plain, unwrapped
from generator.unreadable import Unreadable

__all__ = ["read_matrix"]

MAX_CELLS = 400
T = TypeVar("T")
_ENVIRONMENT = re.compile(
    r"\s*\\begin\s*\{(?P<name>[bpvBV]?matrix|smallmatrix|array)\}(?:\s*\{[lcr| ]*\})?(?P<in>.*)"
    r"\\end\s*\{(?P=name)\}\s*",
    re.DOTALL,
)
_TURNED = re.compile(r"(?P<in>.*[\])}])\s*(?:\^\s*\{?\s*(?:T|⊤|\\top|\\intercal)\s*\}?|')\s*", re.DOTALL)
_SIZED = re.compile(r"\\(?:left|right|big|Big|bigg|Bigg)[lr]?(?![A-Za-z])")
_PIECE = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?", re.ASCII)
OPENING = dict(zip("([{", ")]}", strict=True))


def read_matrix(
    text: str, cell: Callable[[str], T], decimal_mark: str | None = "."
) -> tuple[tuple[T, ...], ...]:
    """The rows that were typed, each cell read by `cell` (`read_number`, `read_formula` with its names);
    a vector is a matrix of one row or one column, as it was typed."""
    typed = plain(text)
    try:
        if blank(typed.text):
            raise Unreadable("blank", 0)
        lo, hi = unwrapped(typed.text, WRAPPERS, [])
        rows = _rows(_SIZED.sub(lambda m: " " * len(m[0]), typed.text[lo:hi]), lo, decimal_mark)
        read = tuple(tuple([_cell(shown, at, cell) for shown, at in row]) for row in rows)
    except Unreadable as error:
        raise placed(error, typed) from None
    return read


def _cell(shown: str, at: int, cell: Callable[[str], T]) -> T:
    try:
        return cell(shown)
    except Unreadable as error:
        raise Unreadable(error.reason, at + (error.offset or 0), error.found) from None


def _rows(source: str, at: int, mark: str | None) -> list[list[tuple[str, int]]]:
    """The cells of each row, and where they start."""
    if "=" in source:  # W = [[1, 2], [3, 4]]
        cut = source.rindex("=") + 1
        source, at = source[cut:], at + cut
    turned = _TURNED.fullmatch(source)
    if turned:
        source = turned["in"]
    bare = source.strip()
    if _whole(bare) and _ENVIRONMENT.fullmatch(bare[1:-1]):
        source, at = bare[1:-1], at + source.index(bare) + 1
    if match := _ENVIRONMENT.fullmatch(source):
        start = at + match.start("in")
        lines = [part for part in _split(match["in"], start, ("\\\\",), mark) if part[0].strip()]
        rows = [_split(line, where, ("&",), mark) for line, where in lines]
    else:
        inner, start = _opened(source, at)
        outer = _split(inner, start, (";", "\\\\"), mark)
        if len(outer) == 1:
            outer = _split(inner, start, (",",), mark)
        nested = [
            part for part in outer if part[0].strip()[:1] in ("[", "(") and _whole(part[0].strip())
        ]
        if nested and len(nested) == len(outer):
            rows = [_cells(*_opened(*part), mark, (";",)) for part in outer]
        else:
            outer = _split(inner, start, (";", "\\\\"), mark)
            if mark is None and len(outer) > 1 and _COMMA.search(inner):
                raise Unreadable("cells", start, inner)
            rows = [_cells(line, where, mark, alone=len(outer) == 1) for line, where in outer]
    if not rows or sum(map(len, rows)) > MAX_CELLS:
        raise Unreadable("size" if rows else "rows", at)
    if len({len(row) for row in rows}) != 1:
        raise Unreadable("ragged", at)
    return [list(column) for column in zip(*rows, strict=True)] if turned else rows


def _opened(source: str, at: int) -> tuple[str, int]:
    """What is between the brackets."""
    bare = source.strip()
    if not _whole(bare):
        raise Unreadable("rows", at)
    return bare[1:-1], at + source.index(bare) + 1


def _whole(bare: str) -> bool:
    """Whether the bracket that opens first closes last."""
    depth = 0
    for n, character in enumerate(bare):
        depth += (character in "([{") - (character in ")]}")
        if not depth:
            return n == len(bare) - 1 and OPENING.get(bare[0]) == bare[-1]
    return False


_COMMA = re.compile(r"\d,\d", re.ASCII)


def _cells(
    line: str, at: int, mark: str | None, also: tuple[str, ...] = (), alone: bool = True
) -> list[tuple[str, int]]:
    """The cells of a row.  Where a comma is the decimal mark, (1,2) `alone` is one number or two."""
    found = _split(line, at, ("&", *also), mark)
    if len(found) == 1:
        found = _split(line, at, (",",), mark)
    if len(found) == 1:
        pieces = [(m[0], at + m.start()) for m in re.finditer(r"\S+", line)]
        if len(pieces) > 1 and all(_PIECE.fullmatch(piece) for piece, _ in pieces):
            return pieces
        if alone and mark == "," and _COMMA.search(line):
            raise Unreadable("cells", at, line)
    return found


def _split(source: str, at: int, marks: tuple[str, ...], mark: str | None) -> list[tuple[str, int]]:
    """The parts between marks outside brackets; a comma between two digits may be a decimal one."""

    def parts() -> Iterator[tuple[int, int]]:
        depth = begun = n = 0
        while n < len(source):
            found = next((m for m in marks if source.startswith(m, n)), None)
            depth += (source[n] in "([{") - (source[n] in ")]}")
            decimal = found == "," and mark == "," and source[n - 1 : n].isdigit()
            decimal = decimal and source[n + 1 : n + 2].isdigit()
            if found and not depth and not decimal:
                yield begun, n
                begun = n + len(found)
                n = begun
            else:
                n += 1
        yield begun, len(source)

    return [(source[a:b], at + a) for a, b in parts()]
