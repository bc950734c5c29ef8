"""Deck: a worked example as slides: one step a slide, and of a long step as many as it takes.

    slide = heading of its section, the sentence of its step, formulas | table | picture

Heights are in em of the text of a slide, estimated as widths of formulas are: on the safe side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby
from math import ceil
from typing import TypeVar

from generator.formula import EMPTY, Aligned, Node
from generator.page import Block, Formula, Section, Table
from generator.picture import extent

__all__ = ["ROOM", "Slide", "slides"]

T = TypeVar("T")
Line = tuple[Node, Node]

ROOM = 19.0  # em under the heading of a slide
ACROSS = 38.5  # em from left to right
LINE = 1.35  # em of a line of text
LETTERS = 84  # in a line of text
GAP = 0.65  # em between the lines of a formula
AROUND = 1.6  # em around a formula or a table
TABLE_LINE = 2.1  # em of a line of a table


@dataclass(frozen=True)
class Slide:
    """As much of a step as there is room for; `again`: its sentence has been said on the slide before;
    `scale`: of a picture that is larger than a slide."""

    section: Section
    blocks: tuple[Block, ...]
    again: bool = False
    scale: float = 1.0


def slides(sections: Iterable[Section], letters: Callable[[Block], int]) -> Iterator[Slide]:
    """The slides of a worked example; `letters`: how long the sentence of a block is."""

    def lines(block: Block) -> float:
        return LINE * ceil(letters(block) / LETTERS)

    for section in sections:
        for bare, blocks in groupby(section.blocks, _is_bare):
            if bare:  # nothing but sentences
                yield from (Slide(section, tuple(some)) for some in _filled(blocks, lines))
            else:
                for block in blocks:
                    yield from _steps(section, block, lines(block))


def _is_bare(block: Block) -> bool:
    return not (block.formulas or block.table or block.picture)


def _steps(section: Section, block: Block, sentence: float) -> Iterator[Slide]:
    bare = replace(block, formulas=(), table=None, picture=None)
    again = False
    parts = [part for f in block.formulas for part in _parts(f, ROOM - AROUND - sentence)]
    for some in _filled(parts, lambda part: _high(part) + AROUND, ROOM - sentence):
        yield Slide(section, (replace(bare, formulas=tuple(some)),), again)
        again = True
    for table in _tables(block.table, ROOM - AROUND - sentence) if block.table else ():
        yield Slide(section, (replace(bare, table=table),), again)
        again = True
    if block.picture:
        picture = block.picture
        scale = min(1.0, (ROOM - 1 - sentence) / picture.height, ACROSS / picture.width)
        yield Slide(section, (replace(bare, picture=picture),), again, scale)


def _parts(formula: Formula, room: float) -> Iterator[Formula]:
    """A formula; one that is higher than a slide in parts, the last of which has its number; an equation
    only where it is higher than that itself."""
    node, number = formula
    if not isinstance(node, Aligned):
        yield formula
        return
    runs = _filled(_equations(node.lines), lambda lines: sum(map(_line, lines)), room)
    *before, last = (lines for run in runs for lines in _filled([*chain(*run)], _line, room))
    yield from ((Aligned(tuple(lines)), None) for lines in before)
    yield Aligned(tuple(last)), number


def _equations(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines, each with those that go on with it: a side between them is empty."""
    found: list[list[Line]] = []
    for line in lines:
        if not found or (line[0] != EMPTY and found[-1][-1][1] != EMPTY):
            found.append([])
        found[-1].append(line)
    return found


def _line(line: Line) -> float:
    return max(sum(extent(side)) for side in line) + GAP


def _high(formula: Formula) -> float:
    node, _ = formula
    return sum(map(_line, node.lines)) if isinstance(node, Aligned) else sum(extent(node))


def _filled(items: Iterable[T], high: Callable[[T], float], room: float = ROOM) -> list[list[T]]:
    """As few runs of items as have the room, about as high as one another."""
    items = [*items]
    few = len(_greedy(items, high, room))
    total, step = sum(map(high, items)), room / 20
    rooms = (total / max(few, 1) + n * step for n in range(20))
    even = next((r for r in rooms if r < room and len(_greedy(items, high, r)) == few), room)
    return _greedy(items, high, even)


def _greedy(items: Iterable[T], high: Callable[[T], float], room: float) -> list[list[T]]:
    runs: list[list[T]] = []
    left = 0.0
    for item in items:
        if not runs or high(item) > left:
            runs.append([])
            left = room
        runs[-1].append(item)
        left -= high(item)
    return runs


def _tables(table: Table, room: float) -> Iterator[Table]:
    """A table, in parts with the same heads where it is long."""
    most = max(1, int(room / TABLE_LINE) - 1)
    for at in range(0, len(table.rows), most):
        yield replace(table, rows=table.rows[at : at + most])
