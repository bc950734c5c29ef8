"""Functions: whether a typed formula is what was asked for, for all numbers.

    dL/dz[2][1]  =  (a[2][1] - t[1])·a[2][1]·(1 - a[2][1])    equal at POINTS random points

Made once for a sheet.  All points are computed together, in floating point; where that cannot tell, a
formula that loses its digits, in DIGITS digits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from derive.descent import Descent
from derive.expression import NUMPY, Expr, Ref, mpmath_table, refs, value
from derive.ops import Array
from derive.program import Runs
from derive.quantity import Derivative, Id, Quantity
from generator.exercise import Exercise
from generator.statement import FEWEST, Statements

__all__ = ["POINTS", "Functions"]

POINTS, DIGITS = 12, 50
CLOSE, LOST = 1e-9, 1e-12  # relative errors: of what is equal; by the largest number on the way


class Functions:
    """The quantities of one exercise as functions of its given numbers."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.statements = Statements(exercise)
        random = np.random.default_rng(1)
        data = [self.statements.drawn(k, random) for k in range(POINTS)]
        self.data = {name: np.concatenate([one[name] for one in data], axis=-1) for name in data[0]}
        self.rate = 0.2718281828
        updates, rule = len(exercise.iterates) - 1, exercise.optimizer
        states = Descent(exercise.graph, self.data, self.rate, updates, optimizer=rule)
        self.runs = Runs(exercise.program, states, self.rate)
        self.known: dict[Id, Array] = {}

    def equal(self, q: Id, formula: Expr) -> bool:
        """Whether the formula has the value of q at all points where q has one.  KeyError if it names
        what there is not."""
        return self.same(Ref(q), formula)

    def same(self, left: Expr, formula: Expr) -> bool:
        """Whether two formulas have the same value at all points where the first has one."""
        samples = self.statements.samples(left, formula)
        at = self.statements.at
        return all(self._equal(at(left, sample), at(formula, sample)) for sample in samples)

    def circular(self, q: Id, formula: Expr, forbidden: Collection[Id] = ()) -> bool:
        """Whether the formula names what is asked for, by whatever name, or one of `forbidden`."""
        asked = {self.canonical(one) for one in (q, *forbidden)}
        return any(self.canonical(name) in asked for name in refs(formula))

    def canonical(self, q: Id) -> Id:
        """The id that the graph has for q: b[1] for a shared b[1][2]."""
        if isinstance(q, Derivative):
            return replace(q, of=self._canonical(q.of), wrt=self._canonical(q.wrt))
        return self._canonical(q)

    def _canonical(self, q: Quantity) -> Quantity:
        try:
            node, i = self.exercise.graph.locate(q.at(), q.sample)
        except KeyError:  # the rate
            return q
        return node.element(i, q.sample).at(sample=q.sample, update=q.update)

    def __getitem__(self, q: Id) -> Array:
        """The value of q at each point."""
        if q not in self.known:
            self.known[q] = np.asarray(self.runs.exact(q))
        return self.known[q]

    def _equal(self, left: Expr, right: Expr) -> bool:
        one, other = (self._value(formula, NUMPY) for formula in (left, right))
        there = np.isfinite(one)
        if there.sum() < FEWEST or not np.isfinite(other[there]).all():
            return False
        off = np.abs(one - other)[there]
        if (off <= CLOSE * np.abs(one[there])).all():
            return True
        largest = np.maximum(self._largest(right), np.abs(one))[there]
        if not np.isfinite(largest).all() or (off > LOST * largest).any():
            return False
        return self._precisely(left, right, there)

    def _value(self, formula: Expr, table: Mapping[str, Any]) -> Array:
        with np.errstate(all="ignore"):
            try:
                found = np.asarray(value(formula, self.__getitem__, table))
                if not np.iscomplexobj(found):  # as (-8)^(1/3) is
                    return np.broadcast_to(found, POINTS).astype(float)
            except (ZeroDivisionError, OverflowError, TypeError):  # exp of an integer of 20 digits
                pass
        return np.full(POINTS, np.nan)

    def _largest(self, formula: Expr) -> Array:
        """At each point the size of the largest result on the way."""
        sizes = [np.zeros(POINTS)]

        def watched(function: Callable[..., Any]) -> Callable[..., Any]:
            def watching(*args: Any) -> Any:
                result = function(*args)
                sizes.append(np.broadcast_to(np.abs(np.asarray(result, float)), POINTS))
                return result

            return watching

        self._value(formula, {name: watched(function) for name, function in NUMPY.items()})
        return np.asarray(np.max(sizes, axis=0))

    @cached_property
    def precise(self) -> _Precise:
        """The same points in many digits."""
        import mpmath

        context: Any = mpmath.MPContext()
        context.dps = DIGITS
        return _Precise(self.exercise.program, self.runs.states, self.rate, context=context)

    def _precisely(self, left: Expr, right: Expr, there: Array) -> bool:
        try:
            both = [np.broadcast_to(self.precise.evaluate(side), POINTS) for side in (left, right)]
            one, other = (side[there] for side in both)
            return bool((abs(one - other) <= abs(one) * CLOSE).all())
        except (ZeroDivisionError, OverflowError, TypeError, ValueError):
            return False


@dataclass
class _Precise(Runs):
    """Every quantity by its formula, in the digits of an mpmath context."""

    context: Any = None

    def evaluate(self, formula: Expr) -> Any:
        return value(formula, lambda q: self[q], mpmath_table(self.context))

    def compute(self, q: Id) -> Any:
        return np.frompyfunc(self.context.mpf, 1, 1)(super().compute(q))

    @staticmethod
    def single(numbers: Any) -> Any:
        return np.asarray(numbers)
