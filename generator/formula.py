"""The math tree: what a formula looks like, apart from any format.

Its printers are `latex`, `mathml` and `typst`; nobody else writes formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import singledispatch
from typing import Any, Literal

__all__ = [
    "Aligned",
    "Boxed",
    "Brace",
    "Cases",
    "Either",
    "Fence",
    "Fraction",
    "Hat",
    "Index",
    "Matrix",
    "Node",
    "Number",
    "Op",
]
__all__ += [
    "Root",
    "Row",
    "Symbol",
    "Text",
    "Under",
    "equation",
    "negative",
    "row",
    "side_by_side",
    "stack",
    "width",
]


RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal as it is shown, `-0.0822`; with an exponent `4.386·10^-7`.

    On a page that lives, `of` is the formula whose value it is, shown with `digits`; `guarded` where a
    minus would need parentheses.
    """

    text: str
    exponent: int | None = None
    of: Any = field(default=None, compare=False, repr=False)
    digits: int = field(default=0, compare=False, repr=False)
    guarded: bool = field(default=False, compare=False, repr=False)

    @property
    def line(self) -> str:
        """On one line of plain text, with a real minus: 4.386·10⁻⁷."""
        power = "" if self.exponent is None else f"·10{str(self.exponent).translate(RAISED)}"
        return self.text.replace("-", "−") + power


@dataclass(frozen=True, slots=True)
class Symbol:
    """A letter (italic, Greek as Unicode) or a word (upright)."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Words inside a formula."""

    text: str


@dataclass(frozen=True, slots=True)
class Op:
    """An operator or relation: + − · × = > ≤ ≈ ∂ ∑, or a comma or space."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Side by side."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    """A fraction."""

    top: Node
    bottom: Node


@dataclass(frozen=True, slots=True)
class Index:
    """A base with a subscript, a superscript, or both."""

    base: Node
    sub: Node | None = None
    sup: Node | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """A square root."""

    body: Node


@dataclass(frozen=True, slots=True)
class Hat:
    """A letter with a hat."""

    body: Symbol


@dataclass(frozen=True, slots=True)
class Fence:
    """In parentheses (or brackets)."""

    body: Node
    kind: Literal["()", "[]"] = "()"


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in brackets, or a vector with one row or column; `loose`: room for fractions and for
    names with an index below and one above."""

    rows: tuple[tuple[Node, ...], ...]
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Under:
    """Something small under something: the shape under a matrix."""

    body: Node
    below: Node


@dataclass(frozen=True, slots=True)
class Brace:
    """Something under a brace under something: the number of a factor."""

    body: Node
    below: Node


@dataclass(frozen=True, slots=True)
class Boxed:
    """In a frame: a result."""

    body: Node


@dataclass(frozen=True, slots=True)
class Cases:
    """Values with their conditions."""

    branches: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Either:
    """What is shown because `condition` holds, or because it does not, and what would be shown else."""

    shown: Node
    other: Node = field(compare=False, repr=False)
    holds: bool = field(compare=False, repr=False)
    condition: Any = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Aligned:
    """Lines, each of a left and a right side; a right side starts with its relation."""

    lines: tuple[tuple[Node, Node], ...]


Node = (
    Number
    | Symbol
    | Text
    | Op
    | Row
    | Fraction
    | Index
    | Root
    | Hat
    | Fence
    | Matrix
    | Under
    | Brace
    | Boxed
    | Cases
    | Either
    | Aligned
)


def rewritten(node: Any, leaf: Callable[[Number | Text], Node]) -> Any:
    """A formula, or several, with numbers and words as `leaf` has them."""
    if isinstance(node, Number | Text):
        return leaf(node)
    if isinstance(node, tuple):
        return tuple(rewritten(item, leaf) for item in node)
    if isinstance(node, Node):
        parts = {f.name: getattr(node, f.name) for f in fields(node)}
        return replace(node, **{name: rewritten(part, leaf) for name, part in parts.items()})
    return node


THIN = "\u2009"  # a thin space
EMPTY = Row(())

# Signs that stand between two sides, with room around them.
RELATIONS = set("=>≤≥<≈")
INFIX = RELATIONS | set("+−·×")

# The letters that formulas have, and their names.
GREEK = dict(
    zip(
        "αβγδεζηθλμνπρστφχψωΔΣΦΩ",
        (
            *("alpha", "beta", "gamma", "delta", "varepsilon", "zeta", "eta", "theta", "lambda"),
            *("mu", "nu", "pi", "rho", "sigma", "tau", "varphi", "chi", "psi", "omega"),
            *("Delta", "Sigma", "Phi", "Omega"),
        ),
        strict=True,
    )
)


def row(*items: Node | str) -> Row:
    """`row(a, "+", b)`; strings are operators."""
    return Row(tuple(Op(i) if isinstance(i, str) else i for i in items))


def side_by_side(*factors: Node) -> Row:
    """A product without a sign; shapes under the factors are kept apart."""
    shaped = any(isinstance(factor, Under) for factor in factors)
    gap: tuple[Node, ...] = (Op(THIN),) if shaped else ()
    return Row(tuple(part for factor in factors for part in (*gap, factor))[len(gap) :])


def negative(node: Node) -> bool:
    """Whether the node starts with a minus sign of its own."""
    if isinstance(node, Row) and node.items:
        return node.items[0] == Op("−") or negative(node.items[0])
    if isinstance(node, Either):
        return negative(node.shown)
    return isinstance(node, Number) and node.text.startswith("-")


# --- measuring and breaking -------------------------------------------------------------------

LINE = 36.0  # em that a displayed line may take, beside the number of the formula


@singledispatch
def width(node: object) -> float:
    """Rough width in em, on the safe side."""
    raise TypeError(node)


@width.register
def _(node: Number) -> float:
    return 0.5 * len(node.text) + (0 if node.exponent is None else 2.6)


@width.register
def _(node: Symbol) -> float:
    return 0.62 if len(node.text) == 1 else 0.55 * len(node.text)


@width.register
def _(node: Text) -> float:
    return 0.5 * len(node.text)


@width.register
def _(node: Op) -> float:
    return {"∂": 0.6, ",": 0.45, " ": 1.0, THIN: 0.2}.get(node.text, 1.35)


@width.register
def _(node: Row) -> float:
    return sum(width(item) for item in node.items)


@width.register
def _(node: Fraction) -> float:
    return max(width(node.top), width(node.bottom)) + 0.3


@width.register
def _(node: Index) -> float:
    return width(node.base) + 0.75 * max(width(s) if s else 0 for s in (node.sub, node.sup)) + 0.1


@width.register
def _(node: Root) -> float:
    return width(node.body) + 1.0


@width.register
def _(node: Hat) -> float:
    return width(node.body)


@width.register
def _(node: Fence) -> float:
    return width(node.body) + (1.2 if tall(node.body) else 0.8)


@width.register
def _(node: Matrix) -> float:
    columns = zip(*node.rows, strict=True)
    return sum(max(map(width, column)) + 1.0 for column in columns) + 0.5


@width.register
def _(node: Under | Brace) -> float:
    return max(width(node.body), 0.7 * width(node.below))


@width.register
def _(node: Boxed) -> float:
    return width(node.body) + 0.8


@width.register
def _(node: Cases) -> float:
    return 2.0 + max(width(v) + 2.0 + width(c) for v, c in node.branches)


@width.register
def _(node: Either) -> float:
    return width(node.shown)


@width.register
def _(node: Aligned) -> float:
    return max(width(left) for left, _ in node.lines) + max(width(right) for _, right in node.lines)


def tall(node: Node) -> bool:
    """Whether parentheses around the node must grow."""
    if isinstance(node, Row):
        return any(map(tall, node.items))
    if isinstance(node, Either):
        return tall(node.shown)
    if isinstance(node, Index | Root | Under | Boxed):
        return tall(node.base if isinstance(node, Index) else node.body)
    return isinstance(node, Fraction | Matrix | Brace | Cases | Aligned) or (
        isinstance(node, Fence) and tall(node.body)
    )


def two_scripts(node: Node) -> bool:
    """Whether a name in it has an index below and one above: it needs room in a matrix."""
    if isinstance(node, Row):
        return any(map(two_scripts, node.items))
    return isinstance(node, Index) and node.sub is not None and node.sup is not None


def _broken(node: Node, room: float) -> list[Node]:
    """The node as lines of at most `room` em, broken before its + and − signs; where that is not enough
    before its dots, and inside a factor's parentheses."""
    if width(node) <= room or not isinstance(node, Row):
        return [node]
    lines: list[list[Node]] = [[]]
    pieces = _pieces(node)
    parted = (_factors(p, room) if width(Row(tuple(p))) > room else [p] for p in pieces)
    for item in (part for parts in parted for part in parts):
        if lines[-1] and width(Row((*lines[-1], *item))) > room:
            lines.append([Op(" ")])
        lines[-1].extend(item)
    return [Row(tuple(line)) for line in lines]


def _factors(summand: list[Node], room: float) -> Iterator[list[Node]]:
    """The factors of a summand, the sign before the first; of a sum that has no room its summands."""
    for *before, last in _split(_flat(Row(tuple(summand))), (Op("·"),)):
        wide = width(Row((*before, last))) > room
        if wide and isinstance(last, Fence) and isinstance(last.body, Row) and not tall(last):
            left, right = last.kind
            first, *more = _pieces(Row((*last.body.items, Op(right))))
            yield from ([*before, Op(left), *first], *more)
        else:
            yield [*before, last]


def _flat(node: Node) -> Iterator[Node]:
    """What stands side by side, in rows inside rows too."""
    if not isinstance(node, Row):
        yield node
        return
    for item in node.items:
        yield from _flat(item)


def _pieces(node: Row) -> list[list[Node]]:
    """The summands of a row, each with the sign before it; of a product its factors."""
    signs = (Op("+"), Op("−"))
    breaks = signs if any(item in signs for item in node.items[1:]) else (Op("·"),)
    return _split(node.items, breaks)


def _split(items: Iterable[Node], breaks: tuple[Op, ...]) -> list[list[Node]]:
    pieces: list[list[Node]] = [[]]
    for item in items:
        if item in breaks and pieces[-1]:
            pieces.append([])
        pieces[-1].append(item)
    return pieces


def equation(left: Node, *rights: Node, relation: str = "=") -> Node:
    """left = right = right …: on one line where it fits, else one line a relation, long sums
    broken before + and −."""
    whole = row(left, *(part for right in rights for part in (relation, right)))
    if width(whole) <= LINE and not any(isinstance(right, Cases) for right in rights[:-1]):
        return whole
    room = LINE - width(left) - 1.5
    if room < LINE / 3:  # a long left side stands on a line of its own
        lines: list[tuple[Node, Node]] = [(left, EMPTY)]
        room, left = LINE - 3, Op(" ")
    else:
        lines = []
    for right in rights:
        first, *more = _broken(right, room)
        lines.append((left if not lines else EMPTY, row(relation, first)))
        lines.extend((EMPTY, line) for line in more)
    return Aligned(tuple(lines))


STACK = 12  # lines under one another before a page may want to break


def stack(nodes: Iterable[Node]) -> Iterator[Node]:
    """Equations under one another, aligned at their first relation, in stacks of a dozen lines."""
    lines: list[tuple[Node, Node]] = []
    for node in nodes:
        new = _lines(node)
        if lines and len(lines) + len(new) > STACK:
            yield Aligned(tuple(lines))
            lines = []
        lines += new
    if lines:
        yield Aligned(tuple(lines))


def _lines(node: Node) -> list[tuple[Node, Node]]:
    if isinstance(node, Aligned):
        return list(node.lines)
    items = node.items if isinstance(node, Row) else (node,)
    at = next((n for n, item in enumerate(items) if item == Op("=")), 0)
    return [(Row(items[:at]), Row(items[at:]))]
