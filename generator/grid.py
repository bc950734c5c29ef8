"""Grids: formulas with printed numbers in them, and matrices of such formulas.

    Grid(((w_11, w_12), (w_21, w_22)))  combine("*", W, x) = (w_11·x_1 + w_12·x_2, …)

What a lecture prints or a student types; nothing is simplified.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import islice

from derive.expression import ARITY, UNDEFINED, Call, Expr, Ref, call, refs, substitute
from derive.ops import ACTIVATIONS
from generator.unreadable import Unreadable

__all__ = ["OTHERWISE", "Grid", "Printed", "Unknown", "Value", "apply", "cases", "combine"]
__all__ += ["grid", "is_number", "negative", "numbers", "scalar", "shortened", "unknown"]

MAX_SIZE, MAX_POWER = 500, 1000


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as it is printed, with its sign."""

    text: str

    @property
    def value(self) -> Fraction:
        return Fraction(Decimal(self.text))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that is not in the vocabulary, and where it stands."""

    text: str
    at: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix, or a vector with one row or column."""

    rows: tuple[tuple[Expr, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0])

    @property
    def transposed(self) -> Grid:
        return Grid(tuple(zip(*self.rows, strict=True)))


Value = Expr | Grid


def numbers(value: Expr) -> list[Printed]:
    """The printed numbers in a formula, from left to right."""
    return [name for name in refs(value) if isinstance(name, Printed)]


def is_number(value: Value) -> bool:
    """Whether it is a printed number."""
    return isinstance(value, Ref) and isinstance(value.name, Printed)


def unknown(value: Expr) -> bool:
    """Whether there is a name in it that nobody knows."""
    return any(isinstance(name, Unknown) for name in refs(value))


def negative(value: Value, number: bool) -> Value:
    """−value; `number`: the minus stands before a number and belongs to it."""
    if isinstance(value, Grid):
        return Grid(tuple(tuple(Call("neg", (cell,)) for cell in row) for row in value.rows))
    if number and isinstance(value, Ref) and isinstance(value.name, Printed):
        return Ref(Printed("-" + value.name.text))
    if number and isinstance(value, Call) and value.fn == "*":
        first = negative(value.args[0], True)
        assert not isinstance(first, Grid)
        return Call("*", (first, *value.args[1:]))
    return Call("neg", (value,))


def scalar(value: Value) -> Expr:
    """The only element of a matrix; a formula as it is."""
    if isinstance(value, Grid):
        if value.shape == (1, 1):
            return value.rows[0][0]
        raise Unreadable("matrix")
    return value


def grid(rows: Sequence[Sequence[Expr]]) -> Grid:
    """A matrix of rows, without the empty ones."""
    kept = tuple(tuple(row) for row in rows if row)
    if not kept or len({len(row) for row in kept}) != 1:
        raise Unreadable("ragged")
    return Grid(kept)


def shortened(fn: str, one: Value, other: Value) -> Expr:
    """A power; of an exponent that nobody computes with it is none."""
    if is_number(other) and abs(numbers(scalar(other))[0].value) > MAX_POWER:
        raise Unreadable("power", found=numbers(scalar(other))[0].text)
    return Call(fn, (scalar(one), scalar(other)))


def _power_of_ten(value: Expr) -> int | None:
    if isinstance(value, Call) and value.fn == "**" and all(map(is_number, value.args)):
        base, exponent = numbers(value)
        if base.text == "10" and re.fullmatch(r"-?\d{1,3}", exponent.text):
            return int(exponent.text)
    return None


OPERATORS = {"⊙": "*"}


def combine(fn: str, one: Value, other: Value) -> Value:
    """one fn other, for scalars, matrices, and a scalar with a matrix."""
    if isinstance(one, Grid) and one.shape == (1, 1) and not isinstance(other, Grid):
        one = scalar(one)
    if isinstance(one, Grid) and isinstance(other, Grid):
        if fn == "*" and one.shape[1] == other.shape[0]:
            columns = list(zip(*other.rows, strict=True))
            return Grid(tuple(tuple(_dot(row, column) for column in columns) for row in one.rows))
        if one.shape != other.shape:
            raise Unreadable("shape")
        pairs = (zip(a, b, strict=True) for a, b in zip(one.rows, other.rows, strict=True))
        fn = OPERATORS.get(fn, fn)
        return Grid(tuple(tuple(Call(fn, (a, b)) for a, b in row) for row in pairs))
    if isinstance(one, Grid):
        return Grid(tuple(tuple(_scalars(fn, cell, scalar(other)) for cell in r) for r in one.rows))
    if isinstance(other, Grid):
        return Grid(tuple(tuple(_scalars(fn, one, cell) for cell in r) for r in other.rows))
    return _scalars(fn, one, other)


def _dot(row: Sequence[Expr], column: Sequence[Expr]) -> Expr:
    if sum(sum(1 for _ in islice(refs(e), MAX_SIZE)) for e in (*row, *column)) > MAX_SIZE:
        raise Unreadable("size")
    return call("+", *(call("*", a, b) for a, b in zip(row, column, strict=True)))


def _scalars(fn: str, one: Expr, other: Expr) -> Expr:
    fn = OPERATORS.get(fn, fn)
    power = _power_of_ten(other) if fn == "*" else None
    first, last = (one.args[:-1], one.args[-1]) if isinstance(one, Call) and one.fn == "*" else ((), one)
    if power is not None and isinstance(last, Ref) and isinstance(last.name, Printed):
        if "e" not in last.name.text.lower():
            return call("*", *first, Ref(Printed(f"{last.name.text}e{power}")))
    if fn in "+*" and isinstance(one, Call) and one.fn == fn:
        return Call(fn, (*one.args, other))
    return Call(fn, (one, other))


def apply(function: str, primes: int, arguments: tuple[Expr, ...]) -> Expr:
    """f(x), f′(x), or a function of several."""
    if len(arguments) != ARITY.get(function, 1):
        raise Unreadable("arguments", found=function)
    row = ACTIVATIONS.get(function)
    if row is None or (function == "tanh" and not primes):
        if primes:
            raise Unreadable("primes", found=function)
        return Call(function, arguments)
    (argument,) = arguments
    value = substitute(row.formula, lambda _: argument)
    if primes > 1:
        raise Unreadable("primes", found=function)
    if primes:
        return substitute(row.partials["z"], lambda name: value if name == "a" else argument)
    return value


OTHERWISE = Call("otherwise", ())


def cases(rows: Sequence[Sequence[Expr]]) -> Expr:
    """where(condition, value, …) of rows of a value and its condition."""
    value: Expr = UNDEFINED
    for row in reversed(rows):
        if len(row) == 1:
            value = row[0]
            continue
        shown, condition = row
        if condition == OTHERWISE:
            value = shown
            continue
        assert isinstance(condition, Call)
        left, right = condition.args
        above, below = Call(">", (left, right)), Call(">", (right, left))
        match condition.fn:
            case ">":
                value = Call("where", (above, shown, value))
            case "<":
                value = Call("where", (below, shown, value))
            case "≥":
                value = Call("where", (below, value, shown))
            case "≤":
                value = Call("where", (above, value, shown))
            case _:
                value = Call("where", (Call("==", (left, right)), shown, value))
    return value
