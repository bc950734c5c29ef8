"""Telling: what every telling of a derivation needs, whatever it is that is derived.

A Teller says the names and numbers of one Exercise, writes a Step as equations, and remembers the
numbers of the formulas, so that what was derived before is pointed to and not derived again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction as Rational
from functools import partial
from itertools import pairwise, product
from math import isclose
from typing import Any

import numpy as np

from derive.backprop import Step, Term
from derive.expression import Call, Expr, Num, Ref, call, refs, substitute, text, value
from derive.ops import ACTIVATIONS, DERIVED, GATES, Elementwise
from derive.optimizer import RATE, of_parameter
from derive.quantity import Derivative, Id, Quantity
from derive.verify import Uncertified
from generator.exercise import Exercise, trained
from generator.formula import Boxed, Brace, Index, Node, Number, Op, Row, Symbol, equation, row
from generator.notation import Writer
from generator.number import as_float, decimals_for, living, shown
from generator.page import Section, block
from generator.picture import Picture
from generator.typeset import typeset

__all__ = ["Teller", "chain"]

ALL_DIGITS = 17  # of a floating-point number
ALL_TYPED = 12  # of a number in a spec
SAME = 1e-9  # relative: sums are rounded in another order
TOTALS = ("L", "L0")  # what only sums stand between and the loss
MANY = 6  # terms of a sum beyond which it is not first written in names of derivatives


def chain(left: Node, rights: Iterable[Node]) -> Node:
    """left = right = …, each side once: a = z = 2.494, not a = z = 2.494 = 2.494."""
    sides = [left]
    sides += (right for before, right in pairwise([left, *rights]) if right != before)
    return equation(sides[0], *sides[1:])


class Teller:
    """Says a quantity's name, its number, its formula; and numbers what has been derived."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.graph = exercise.graph
        self.derivation = exercise.derivation
        self.name: Writer = exercise.namer
        self.digits = exercise.spec.digits
        self.numbered: dict[Id, int] = {}
        self.told: set[Id] = set()  # known from a table, without a number of its own
        self.typed = self._typed()
        self._shown: dict[tuple[Any, int], Number] = {}

    def picture(self, draw: Callable[[Exercise], Picture | None]) -> Picture | None:
        """What is to be seen of the exercise, where its spec wants pictures."""
        return draw(self.exercise) if self.exercise.spec.pictures else None

    def _typed(self) -> dict[Quantity, Any]:
        """The numbers of the spec as they were typed, by quantity."""
        numbers = self.exercise.spec.source.numbers()
        typed: dict[Quantity, Any] = {}
        for node in self.graph.given:
            per_sample = numbers[str(node)] if node.sampled else [numbers[str(node)]]
            samples = self.graph.sample_numbers if node.sampled else [None]
            for sample, numbers_of in zip(samples, per_sample, strict=True):
                for i in node.present:
                    number = numbers_of
                    for position in i:
                        number = number[position - 1]
                    typed[node.element(i, sample)] = number
        for q, variable in product(trained(self.graph), self.exercise.optimizer.kept):
            typed[of_parameter(variable, q)] = Decimal(0)  # before the first update
        return typed

    def derived(self) -> Iterator[Section]:
        """σ′(x) = … = (1 − σ(x)) σ(x): how the derivative of each function in the graph is found.
        Homework does without."""
        blocks, used = [], [node.op for node in self.graph.nodes]
        for name, steps in DERIVED.items() if not self.exercise.parts else ():
            if ACTIVATIONS.get(name) in used or GATES.get(name) in used:
                names: dict[str, Expr] = {"x": Ref("x"), "f": Call(name, (Ref("x"),))}
                exprs = [substitute(step, names.__getitem__) for step in (Ref("f"), *steps)]
                function, what, *slopes = (typeset(e, Symbol) for e in exprs)
                assert isinstance(function, Row)
                letter, argument = function.items
                slope = Row((Index(letter, sup=Op("′")), argument))
                formulas = [(equation(function, what), None), (equation(slope, *slopes), None)]
                blocks.append(block("derivative_of", {"activation": name}, formulas))
        if blocks:
            yield Section("derived", {}, tuple(blocks))

    def kinks(self) -> Iterator[Section]:
        """Which derivative is taken on a kink, of every operation that has one: a question has to say it
        where units are drawn to sit there."""
        wanted, seen, formulas = self.exercise.spec.draw.kinks, list[object](), []
        for node in self.graph.nodes if wanted and self.exercise.parts else ():
            if not (isinstance(node.op, Elementwise) and node.op.kinks) or node.op in seen:
                continue
            if not self.exercise.spec.circuit:
                seen.append(node.op)  # of all layers alike
            sample = self.graph.sample_numbers[0]
            i = next(iter(node.present))
            for slot in node.op.partials:
                source = node.inputs[node.op.slots.index(slot)]
                local = Derivative(node.element(i), source.element(i), sample if node.sampled else None)
                if (rule := self.graph.local(local)) is not None:
                    formulas.append((equation(self.name(local), self.names(rule)), None))
        if formulas:
            yield Section("kinks", {}, (block("on_kinks", {}, formulas),))

    # --- leaves ---

    def label(self, leaf: Any) -> Node:
        """A quantity's name; the learning rate's."""
        return self.name.rate if leaf == RATE else self.name(leaf)

    def shown(self, leaf: Any, digits: int | None = None) -> Number:
        """A quantity's number: as typed, or rounded for showing."""
        key = leaf, digits or self.digits
        if key not in self._shown:
            self._shown[key] = self._rounded(*key)
        return self._shown[key]

    def _rounded(self, leaf: Any, digits: int) -> Number:
        if (constant := self.exercise.program.constant(leaf)) is not None:
            return shown(float(constant), ALL_TYPED)
        number = self.typed.get(leaf)  # a z-score may be a float
        if leaf == RATE:
            number = self.exercise.spec.source.learning_rate
        elif number is None:
            number = self.exercise.number(leaf)
        return living(leaf, number, digits)

    def equal(self, leaf: Any) -> Node:
        """name = number."""
        return row(self.label(leaf), "=", self.shown(leaf))

    def holds(self, condition: Expr) -> bool:
        return bool(self.exercise.values.compute(condition))

    def names(self, expr: Expr) -> Node:
        return typeset(expr, self.label)

    def numbers(self, expr: Expr) -> Node:
        """The formula with numbers put in, with as many digits as it takes to find the result that is
        shown from the numbers that are shown: 0.9975 · (1 − 0.9975) would lose two."""
        with np.errstate(over="ignore", invalid="ignore"):
            result = float(value(expr, self._number))
        if not np.isfinite(result):  # e^1000/(e^1000 + e^2), which is 1
            return typeset(expr, self.shown, self.holds)
        return self._near(expr, result, self.shown)

    def _near(self, expr: Expr, result: float, show: Callable[..., Number]) -> Node:
        """The formula with its leaves shown, with as many digits as bring its value near the result."""
        unit = 10.0 ** -decimals_for(result, self.digits)
        leaves = (partial(show, digits=digits) for digits in range(self.digits, ALL_DIGITS))
        near = (leaf for leaf in leaves if abs(self._computed(expr, leaf) - result) <= unit)
        return typeset(expr, next(near, show), self.holds)

    @staticmethod
    def _computed(expr: Expr, leaf: Callable[[Any], Number]) -> float:
        with np.errstate(all="ignore"):  # 1 − 1.0000 has no logarithm: more digits are shown then
            return float(value(expr, lambda q: np.float64(as_float(leaf(q)))))

    def sides(self, expr: Expr, q: Id) -> list[Node]:
        """The formula in names, with numbers put in, and q's number, unless that was just said by
        the branch of a case distinction: 1 (1.5 > 0)."""
        if self._braced(expr):
            return [self.factors(expr), self.result(q)]
        sides = [self.names(expr), self.numbers(expr)]
        taken = expr
        while isinstance(taken, Call) and taken.fn == "where":
            condition, first, second = taken.args
            taken = first if self.holds(condition) else second
        said = taken is not expr and not isinstance(taken, Call)
        return sides if said else [*sides, self.result(q)]

    def _braced(self, expr: Expr) -> bool:
        """Whether a product of derivatives has their numbers under braces."""
        factors = [*refs(expr)]
        chained = len(factors) > 1 and all(isinstance(q, Derivative) for q in factors)
        return self.exercise.spec.braces and chained

    def factors(self, expr: Expr) -> Node:
        """A product of derivatives by their names, with their numbers where the spec wants braces."""

        def factor(leaf: Any) -> Node:
            return Brace(self.label(leaf), self.shown(leaf))

        return typeset(expr, factor if self._braced(expr) else self.label)

    def result(self, q: Id) -> Node:
        """The number of a quantity; of a gradient in a box, where there are braces."""
        boxed = self.exercise.spec.braces and isinstance(q, Derivative) and q.of == self.graph.root.at()
        return Boxed(self.shown(q)) if boxed else self.shown(q)

    def tag(self, q: Id) -> int:
        """The number of the formula that derives q from now on."""
        self.numbered[q] = len(self.numbered) + 1
        return self.numbered[q]

    def pointers(self, step: Step) -> list[int]:
        """The numbers of the formulas that a step builds on."""
        ids = [d for term in step.terms for d in term.ids]
        return sorted({self.numbered[d] for d in ids if d in self.numbered})

    def shortest(self, step: Step) -> Step:
        """The step by what was derived before, where all of it was: ∂L/∂z for ∂L/∂a · ∂a/∂z."""
        assert isinstance(step.target, Derivative)
        short = self.derivation.step(step.target)
        known = self.told.union(self.numbered)
        return short if all(term.upstream in known for term in short.terms) else step

    def sure(self, q: Id, *exprs: Expr) -> None:
        """Uncertified if one of the formulas of q does not give its number."""
        number = self.exercise.number(q)
        for expr in exprs:
            found = float(self.exercise.values.compute(expr).item())
            if not isclose(found, number, rel_tol=SAME, abs_tol=SAME):
                raise Uncertified(f"{q} is {number!r}, but {found!r} by its formula")

    def surely(self, q: Id, *exprs: Expr) -> list[Node]:
        """The formulas of q, once each of them gives its number."""
        self.sure(q, *exprs)
        return [self.names(expr) for expr in exprs]

    def step(self, step: Step, *before: Node) -> Node:
        """∂L/∂q (= another name) = named factors = the taught formulas = numbers = the terms = value."""
        return chain(self.name(step.target), [*before, *self.step_sides(step)])

    def step_sides(self, step: Step) -> list[Node]:
        """What ∂L/∂q is, from named factors to its value."""
        named = [call("*", *self._factors(term)[0]) for term in step.terms]
        taught = [call("*", *self._factors(term)[1]) for term in self.shortest(step).terms]
        rights = [self.factors(call("+", *named))] if len(named) <= MANY else []
        rights.append(self.names(call("+", *taught)))
        rights.append(self.numbers(call("+", *taught)))
        if len(taught) > 1:
            terms = {text(t): float(value(t, self._number)) for t in taught}

            def term(said: str, digits: int = self.digits) -> Number:
                return living(said, terms[said], digits)

            each = call("+", *(Ref(text(t)) for t in taught))
            rights.append(self._near(each, sum(terms[text(t)] for t in taught), term))
        return [*rights, self.result(step.target)]

    def _number(self, leaf: Any) -> float:
        rate = self.exercise.spec.source.learning_rate
        return float(rate) if leaf == RATE else self.exercise.number(leaf)

    def _factors(self, term: Term) -> tuple[list[Expr], list[Expr]]:
        """A term's factors as names and as formulas; a factor ∂L/∂L_i = 1 is left out of both, unless it
        is the only one."""
        ids: list[Expr] = [Ref(term.upstream)] if term.upstream else []
        exprs: list[Expr] = list(ids)
        for factor in term.factors:
            inner = factor.derivative.of == self.graph.root.at() or factor.derivative.wrt.name in TOTALS
            only = len(ids) + len(term.factors) == 1
            if inner and factor.expr == Num(Rational(1)) and not only:
                continue
            ids.append(Ref(factor.derivative))
            # A local derivative that was derived before is named by its number, not derived again.
            known = factor.derivative in self.numbered
            exprs.append(Ref(factor.derivative) if known else factor.expr)
        return ids, exprs
