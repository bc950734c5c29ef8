"""Page: what a page is made of, before any format: sections, blocks, tables, groups of questions.

A block names a phrase (a macro of the prose file, so that a language is one file), its arguments,
and formulas.  Templates print these and compute nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from derive.quantity import Id, Quantity
from generator.exercise import Exercise, Part
from generator.formula import Node, Number, row, stack, width
from generator.number import shown

__all__ = ["Block", "Formula", "Group", "Section", "Table", "answers", "block", "groups", "tables"]

WIDE = 41.0  # em that the columns of a table may take
WORD = 4.0  # em of a head in words
GAP = 1.1  # em around a column


@dataclass(frozen=True)
class Table:
    """Column heads (phrases or formulas) and rows of formulas."""

    heads: tuple[str | Node, ...]
    rows: tuple[tuple[Node, ...], ...]


def tables(heads: Sequence[str | Node], rows: Sequence[Sequence[Node]]) -> Iterator[Table]:
    """A table; where its columns do not fit beside one another several, each with the first column."""
    columns = list(zip(heads, *rows, strict=True))
    first, *wides = (max(WORD if isinstance(c, str) else width(c) for c in cs) + GAP for cs in columns)
    start, room = 1, WIDE - first
    for at, wide in enumerate(wides, 1):
        if wide > room and at > start:
            yield _columns(columns, start, at)
            start, room = at, WIDE - first
        room -= wide
    yield _columns(columns, start, len(columns))


def _columns(columns: Sequence[tuple[Any, ...]], start: int, end: int) -> Table:
    heads, *rows = zip(columns[0], *columns[start:end], strict=True)
    return Table(heads, tuple(rows))


Formula = tuple[Node, int | None]  # with its number, where it has one


@dataclass(frozen=True)
class Block:
    """A sentence, formulas, a table."""

    phrase: str
    args: Mapping[str, Any] = field(default_factory=dict)
    formulas: tuple[Formula, ...] = ()
    table: Table | None = None


@dataclass(frozen=True)
class Section:
    """A heading (also a phrase) and its blocks."""

    phrase: str
    args: Mapping[str, Any]
    blocks: tuple[Block, ...]


def block(phrase: str, args: Mapping[str, Any], formulas: Iterable[Formula]) -> Block:
    """A block whose neighbouring formulas without a number stand under one another."""
    merged: list[Formula] = []
    for unnumbered, run in groupby(formulas, key=lambda formula: formula[1] is None):
        nodes = list(run)
        if unnumbered and len(nodes) > 1:
            merged += [(node, None) for node in stack(node for node, _ in nodes)]
        else:
            merged += nodes
    return Block(phrase, args, tuple(merged))


@dataclass(frozen=True)
class Group:
    """Parts that are asked for together, by their names alone."""

    name: str
    points: int
    labels: tuple[Node, ...]
    definition: Node | None = None  # what a name of its own stands for: δ = ∂L/∂z
    goal: Node | None = None  # of the training, where it has one


def _together(exercise: Exercise) -> list[tuple[str, list[Part]]]:
    """The parts that follow one another in one group."""
    return [(name, list(parts)) for name, parts in groupby(exercise.parts, lambda part: part.group)]


def groups(exercise: Exercise) -> tuple[Group, ...]:
    """What is asked, in order; carries no answers."""
    net = exercise.spec.network
    goal = shown(net.stop_below) if net and net.stop_below else None
    return tuple(
        Group(
            name,
            sum(p.points for p in parts),
            tuple(exercise.namer(p.quantity) for p in parts),
            _meaning(exercise, parts[0].quantity),
            goal,
        )
        for name, parts in _together(exercise)
    )


def _meaning(exercise: Exercise, q: Id) -> Node | None:
    """δ = ∂L/∂z, where the notation writes a derivative by a name of its own."""
    if isinstance(q, Quantity) or exercise.spec.circuit:
        return None  # a circuit has no second names
    name, derivative = exercise.namer(q), exercise.namer.gradient(q.wrt.at(sample=q.sample))
    return row(name, "=", derivative) if name != derivative else None


def answers(exercise: Exercise, first: int = 1) -> Table | None:
    """The key as a table: question, from `first` on, quantity, answer, tolerance."""
    digits = exercise.spec.digits
    rows = tuple(
        (
            Number(str(number)),
            exercise.namer(p.quantity),
            shown(p.answer, digits),
            row("±", shown(p.tolerance, 2)),
        )
        for number, (_, parts) in enumerate(_together(exercise), first)
        for p in parts
    )
    return Table(("question", "quantity", "answer", "tolerance"), rows) if rows else None
