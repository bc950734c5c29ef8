"""Difficulty: how much a student must calculate, read off the formulas on the way to what is asked.

    difficulty = Σ over these formulas, each once, of Σ over their operations of
                   d(a)·d(b)        a·b and a/b
                   max(d(a), d(b))  a + b and a − b; nothing where one of them is 0
                   d(result)²       exp, log, a root, a power, …

d(number) is how many digits it takes: those of 0.35 are 2; a computed number has at most as many as the
sheet asks for; 0, ±1 and ±10 have none, for nobody multiplies by them.  Paths, operations and factors
count because a sum over paths is a formula with that many terms; what is asked after k updates counts
every update on the way.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from derive.expression import Call, Expr, Num, Ref, numpy_table
from derive.ops import Array
from derive.quantity import Id
from generator.exercise import STOP
from generator.sheet import Batch

__all__ = ["difficulty", "work"]

FREE = ("neg", "where", ">", "==", "max", "min", "abs", "num")  # they are decided, not calculated


def work(batch: Batch) -> dict[Id, Array]:
    """What each formula on the way to the answers costs, in every variant."""
    sheet, found = batch.sheet, dict[Id, Array]()
    program, digits = sheet.exercise.program, sheet.exercise.spec.digits
    for q in (*sheet.between, *sheet.asked):
        if q == STOP:
            continue
        try:
            formula = program.formula(q)
        except KeyError:  # a count
            found[q] = _digits(batch.numbers(q), digits).astype(float) ** 2
            continue
        if formula is not None:
            found[q] = np.broadcast_to(_walked(formula, batch, digits)[1], len(batch))
    if STOP in sheet.asked:  # all of it again for every update
        found[STOP] = sum(found.values(), np.zeros(len(batch))) * np.nan_to_num(batch.answers[STOP])
    return found


def difficulty(batch: Batch) -> Array:
    """Of every variant."""
    return np.asarray(sum(work(batch).values(), np.zeros(len(batch))))


def _walked(expr: Expr, batch: Batch, digits: int) -> tuple[Any, Any]:
    """The number of a formula and what it costs."""
    if isinstance(expr, Ref):
        name: Any = expr.name  # an id, in formulas of a program
        return batch.numbers(name), 0.0
    if isinstance(expr, Num):
        return np.asarray(float(expr.value)), 0.0
    assert isinstance(expr, Call)
    walked = [_walked(arg, batch, digits) for arg in expr.args]
    numbers, spent = [n for n, _ in walked], sum(cost for _, cost in walked)
    operation = numpy_table(0.0)[expr.fn]
    with np.errstate(all="ignore"):
        if expr.fn in ("*", "/", "+", "-"):
            cost = _product if expr.fn in "*/" else _sum

            def next_to(left: tuple[Any, Any], right: Any) -> tuple[Any, Any]:
                return operation(left[0], right), left[1] + cost(left[0], right, digits)

            return reduce(next_to, numbers[1:], (numbers[0], spent))
        result = operation(*numbers)
    return result, spent + (0.0 if expr.fn in FREE else _digits(result, digits) ** 2.0)


def _product(a: Array, b: Array, digits: int) -> Array:
    return np.asarray(_digits(a, digits) * _digits(b, digits))


def _sum(a: Array, b: Array, digits: int) -> Array:
    places = np.maximum(_written(a, digits), _written(b, digits))
    return np.where((np.asarray(a) == 0) | (np.asarray(b) == 0), 0, places)


def _written(numbers: Any, digits: int) -> Array:
    """How many significant digits say a number, of at most so many."""
    exact = np.abs(np.nan_to_num(np.asarray(numbers, float), posinf=0, neginf=0))
    power = np.floor(np.log10(np.where(exact == 0, 1.0, exact)))
    whole = np.rint(exact * 10.0 ** (digits - 1 - power))  # its digits, as one integer
    return np.asarray(digits - sum((whole % 10**n == 0).astype(int) for n in range(1, digits + 1)))


def _digits(numbers: Any, digits: int) -> Array:
    """The same, but none of 0 and of a power of ten."""
    exact = np.abs(np.nan_to_num(np.asarray(numbers, float), posinf=0, neginf=0))
    power = np.log10(np.where(exact == 0, 1.0, exact))
    return np.where(np.abs(power - np.rint(power)) < 1e-12, 0, _written(exact, digits))
