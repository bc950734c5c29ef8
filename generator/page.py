"""Page: what a page is made of, before any format: sections, blocks, tables, groups of questions.

A block names a phrase (a macro of the prose file, so that a language is one file), its arguments,
and formulas.  Templates print these and compute nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from derive.expression import Expr, value
from derive.network import counted
from derive.program import RATE, read
from derive.quantity import Id, Quantity
from generator.exercise import MISTAKE, STOP, Exercise, Line, Part
from generator.forms import LETTERS, SHAPES
from generator.formula import Fraction, Node, Number, Op, Text, equation, row, stack, width
from generator.misconceptions import MISCONCEPTIONS
from generator.number import shown
from generator.picture import Picture
from generator.typeset import typeset

__all__ = ["Block", "Formula", "Group", "Item", "Phrase", "Section", "Table", "Words"]
__all__ += ["answers", "block", "groups", "keyed", "label", "mistake", "said", "tables", "working"]

WIDE = 41.0  # em that the columns of a table may take
WORD = 4.0  # em of a head in words
GAP = 1.1  # em around a column
LETTER = 0.55  # em of a letter


@dataclass(frozen=True)
class Words:
    """Text that somebody typed: escaped, nothing more."""

    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Phrase:
    """A phrase with its arguments."""

    phrase: str
    args: Mapping[str, Any]


Cell = str | Phrase | Node | Words  # a phrase, a formula, or text


@dataclass(frozen=True)
class Table:
    """Column heads and rows."""

    heads: tuple[str | Node, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables(
    heads: Sequence[str | Node], rows: Sequence[Sequence[Node | Words]], whole: float = WIDE
) -> Iterator[Table]:
    """A table; where its columns do not fit into so many em several, each with the first column."""
    columns = list(zip(heads, *rows, strict=True))
    first, *wides = (max(map(_wide, cells)) + GAP for cells in columns)
    start, room = 1, whole - first
    for at, wide in enumerate(wides, 1):
        if wide > room and at > start:
            yield _columns(columns, start, at)
            start, room = at, whole - first
        room -= wide
    yield _columns(columns, start, len(columns))


def _wide(cell: Node | Words | str) -> float:
    if isinstance(cell, Words):
        return LETTER * len(cell.words)
    return WORD if isinstance(cell, str) else width(cell)


def _columns(columns: Sequence[tuple[Any, ...]], start: int, end: int) -> Table:
    heads, *rows = zip(columns[0], *columns[start:end], strict=True)
    return Table(heads, tuple(rows))


Formula = tuple[Node, int | None]  # with its number, where it has one


@dataclass(frozen=True)
class Block:
    """A sentence, formulas, a table, a picture."""

    phrase: str
    args: Mapping[str, Any] = field(default_factory=dict)
    formulas: tuple[Formula, ...] = ()
    table: Table | None = None
    picture: Picture | None = None


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
class Item:
    """One question: its id, its name, in what form it is answered, and the numbers to choose from."""

    id: str
    label: Node
    form: str
    options: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True)
class Group:
    """Parts that are asked for together, by their names alone."""

    name: str
    points: int
    items: tuple[Item, ...]
    definition: Node | None = None  # what a name of its own stands for: δ = ∂L/∂z
    goal: Node | None = None  # of the training, where it has one
    vectors: str = "column"  # what a layer is, where it is a matrix

    @property
    def blanks(self) -> bool:
        """Whether its answers are short enough to be written side by side."""
        return all(item.form not in ("choice", "formula") for item in self.items)


def _together(exercise: Exercise) -> list[tuple[str, list[Part]]]:
    """The parts that follow one another in one group."""
    return [(name, list(parts)) for name, parts in groupby(exercise.parts, lambda part: part.group)]


def groups(exercise: Exercise, prefix: str = "") -> tuple[Group, ...]:
    """What is asked, in order; carries no answers but among those to choose from."""
    net = exercise.spec.network
    goal = shown(net.stop_below) if net and net.stop_below else None
    return tuple(
        Group(
            name,
            sum(p.points for p in parts),
            tuple(Item(prefix + p.id, label(exercise, p), p.form, _options(exercise, p)) for p in parts),
            next((m for p in parts if (m := _meaning(exercise, p))), None),
            goal,
            _vectors(exercise),
        )
        for name, parts in _together(exercise)
    )


def _vectors(exercise: Exercise) -> str:
    return "column" if exercise.spec.circuit else exercise.network_namer.notation.vectors or "column"


def label(exercise: Exercise, part: Part) -> Node:
    """The name of what is asked; of a shape that of the matrix."""
    if part.form != "shape":
        return exercise.namer(part.quantity)
    assert isinstance(part.quantity, Quantity)
    name, role, (layer,) = exercise.network_namer, SHAPES[part.quantity.name][0], part.quantity.index
    if role == "dW":
        return Fraction(row("∂", name(exercise.graph.root)), row("∂", name.whole("W", layer)))
    return name.whole(role, layer)


def _options(exercise: Exercise, part: Part) -> tuple[tuple[str, Node], ...]:
    digits = exercise.spec.digits
    return tuple((LETTERS[k], shown(option, digits)) for k, option in enumerate(part.options))


def _meaning(exercise: Exercise, part: Part) -> Node | None:
    """δ = ∂L/∂z, where the notation writes a derivative by a name of its own; of a whole layer too."""
    q, name = part.quantity, exercise.namer
    if isinstance(q, Quantity) and q.name == "shape_delta":
        whole = exercise.network_namer.whole("z", *q.index)
        below = Fraction(row("∂", name(exercise.graph.root)), row("∂", whole))
        return row(label(exercise, part), "=", below)
    if isinstance(q, Quantity) or exercise.spec.circuit:
        return None  # a circuit has no second names
    short, derivative = name(q), name.gradient(q.wrt.at(sample=q.sample))
    return row(short, "=", derivative) if short != derivative else None


def keyed(exercise: Exercise, part: Part) -> tuple[Node, Node | str]:
    """The answer, and what is accepted beside it: ± its tolerance, or a phrase."""
    near = ACCEPTED.get(part.form, "only_this")
    if part.form == "formula":
        return typeset(read(str(part.answer)), exercise.namer), near
    if part.form == "choice":
        letter = str(part.answer)
        return row(Text(f"({letter})"), Op(" "), dict(_options(exercise, part))[letter]), near
    if isinstance(part.answer, str):
        return row(*part.answer.replace("x", "×")), near
    answer = shown(part.answer, exercise.spec.digits)
    exact = part.quantity in (STOP, MISTAKE) or counted(exercise.graph, part.quantity) is not None
    if exact or part.tolerance is None:
        return answer, near
    return answer, row("±", shown(part.tolerance, 2))


def answers(exercise: Exercise, first: int = 1) -> Section | None:
    """The key: question, from `first` on, quantity, answer, tolerance; formulas under it."""
    if not exercise.parts:
        return None
    rows, formulas = [], []
    for number, (_, parts) in enumerate(_together(exercise), first):
        for p in parts:
            name = label(exercise, p)
            if p.form == "formula":
                formulas.append((equation(name, keyed(exercise, p)[0]), None))
                continue
            rows.append((Number(str(number)), name, *keyed(exercise, p)))
    table = Table(("question", "quantity", "answer", "tolerance"), tuple(rows)) if rows else None
    blocks = [Block("answer_table", {}, (), table)] if table else []
    blocks += [block("formula_answers", {"count": len(formulas)}, formulas)] if formulas else []
    return Section("answer_heading", {}, tuple(blocks))


# What is accepted beside an answer that is not a number: a phrase.
ACCEPTED = {"design": "one_of_many", "formula": "one_of_many"}


# --- a working with a mistake in it -------------------------------------------------------------


def said(exercise: Exercise, line: Line) -> Node:
    """quantity = formula = numbers put in = number."""
    digits = exercise.spec.digits

    def number(q: Id) -> Node:
        return shown(line.numbers[q], digits)

    def holds(condition: Expr) -> bool:
        return bool(value(condition, line.numbers.__getitem__))

    def name(q: Id) -> Node:
        return exercise.namer.rate if q == RATE else exercise.namer(q)

    names, numbers = typeset(line.formula, name), typeset(line.formula, number, holds)
    sides = [names, numbers, shown(line.number, digits)]
    return equation(exercise.namer(line.quantity), *(s for s, _ in groupby(sides)))


def working(exercise: Exercise) -> tuple[Section, ...]:
    """The lines of a working with a mistake in it, numbered."""
    if exercise.working is None:
        return ()
    lines = [(said(exercise, line), n) for n, line in enumerate(exercise.working.lines, 1)]
    return (Section("working", {}, (block("working_lines", {}, lines),)),)


def mistake(exercise: Exercise) -> tuple[Section, ...]:
    """Which line is wrong, in what, and how it should read."""
    found = exercise.working
    if found is None:
        return ()
    args = {"line": found.first, "cause": MISCONCEPTIONS[found.note]}
    wrong = Block("mistake_found", args, ((said(exercise, found.lines[found.first - 1]), None),))
    right = Block("mistake_right", args, ((said(exercise, found.right), None),))
    return (Section("mistake", {}, (wrong, right)),)
