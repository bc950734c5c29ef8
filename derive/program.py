"""Program: the whole calculation as formulas, one for each named quantity, as somebody does it by hand.

    a[1][1] = 1/(1 + exp(-z[1][1]))
    dL/da[1][1] = dL/dz[2][1]*dz[2][1]/da[1][1] + …
    W[1][1][1]@1 = W[1][1][1] - eta*dL/dW[1][1][1]

`Run` computes them one by one when they are asked for, with numbers given (printed on a slide, typed by
a student) in place of computed ones, and with formulas rewritten the way a known mistake would.
Slower than `evaluate`, but every single formula can be replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.backprop import Derivation, Step
from derive.descent import Iterate
from derive.expression import ARITY, Call, Expr, Num, Ref, call, numpy_table, substitute, value
from derive.expression import parse as parse_formula
from derive.network import counted
from derive.ops import ACTIVATIONS
from derive.optimizer import RATE, SGD, Optimizer
from derive.quantity import Derivative, Id, Quantity
from derive.quantity import parse as parse_id

__all__ = ["RATE", "Program", "Run", "Runs", "product_of", "read", "sum_of"]

_ID = r"[A-Za-z_]\w*(?:\[[1-9]\d*\])*"
_SUFFIX = r"(?:\#[1-9]\d*)?(?:@\d+)?"
IDS = rf"(?:d{_ID}/d{_ID}|{_ID}){_SUFFIX}"
NAMED = {name: row for name, row in ACTIVATIONS.items() if not row.constants and name not in ARITY}


def read(source: str) -> Expr:
    """A formula of ids, `W[2][1][1] - eta*dL/dW[2][1][1]`; activations by name, `sigmoid(z[1][1])`.
    ValueError says what was not understood."""
    expr = parse_formula(source, ARITY | dict.fromkeys(NAMED, 1), IDS)

    def spelled_out(expr: Expr) -> Expr:
        if isinstance(expr, Ref):
            q = parse_id(str(expr.name))
            return Ref(RATE if q == LONG_RATE else q)
        if isinstance(expr, Num):
            return expr
        args = tuple(spelled_out(arg) for arg in expr.args)
        row = NAMED.get(expr.fn)
        return substitute(row.formula, lambda _: args[0]) if row else Call(expr.fn, args)

    return spelled_out(expr)


LONG_RATE = Quantity("learning_rate")  # the rate, as a report spells it


def product_of(factors: tuple[Expr, ...]) -> Expr:
    """f1·f2·…"""
    return call("*", *factors)


def sum_of(terms: tuple[tuple[Expr, ...], ...]) -> Expr:
    """Σ over the terms of the product of their factors."""
    return call("+", *(product_of(term) for term in terms))


@dataclass(frozen=True)
class Program:
    """Formulas of one derivation; a quantity `@k` is the one after k updates."""

    derivation: Derivation
    optimizer: Optimizer = SGD
    known: dict[Id, Expr | None] = field(default_factory=dict, compare=False, repr=False)

    def formula(self, q: Id) -> Expr | None:
        """How q is computed from named quantities; None if it is given.  KeyError if it is unknown."""
        if q not in self.known:
            self.known[q] = self._formula(q)
        return self.known[q]

    def _formula(self, q: Id) -> Expr | None:
        if isinstance(q, Derivative):
            graph = self.derivation.graph
            if q.of != graph.root.at():
                local = graph.local(replace(q, update=0))
                if local is not None:
                    return self._at(local, q.update)
                if not graph.depends(q.of, q.wrt, q.sample):
                    return call("+", 0)
            terms = self.factors(q, opened=False)
            return sum_of(terms) if terms else call("+", int(q.of == q.wrt))
        if (constant := self.constant(q)) is not None:
            return Num(constant)
        if owned := self.optimizer.owned(q):
            return self._assigned(*owned, q)
        node, i = self.derivation.graph.locate(q.at(), q.sample)
        if node.op is not None:
            definition = self.derivation.graph.definition(q.at(sample=q.sample))
            assert definition is not None
            return self._at(definition, q.update)
        if not q.update or node.kind != "parameter":
            return None
        if not node.trained:
            return Ref(node.element(i).at(update=q.update - 1))
        return self._assigned("w", node.element(i), q)

    def _assigned(self, variable: str, parameter: Quantity, q: Quantity) -> Expr:
        """How update q.update computes q, a variable of a parameter or the parameter itself."""
        node, i = self.derivation.graph.find(parameter)
        slope = Derivative(self.derivation.graph.root.at(), node.element(i))
        formula = self.optimizer.formula(variable, node.element(i), q.update, slope)
        if formula is None or not node.trained:
            raise KeyError(str(q))
        return formula

    def constant(self, q: Id) -> Fraction | None:
        """The number of beta1, a constant of the optimizer; None for any other id."""
        if isinstance(q, Quantity) and q.name in self.optimizer.constants and q == Quantity(q.name):
            return self.optimizer.constants[q.name]
        return None

    def factors(self, target: Derivative, *, opened: bool = True) -> tuple[tuple[Expr, ...], ...]:
        """The chain rule's terms as tuples of named factors; opened: back to ∂L/∂a, as a lecture
        without δ writes them."""
        base = replace(target, update=0)
        derivation = self.derivation.towards(target.of, target.sample)
        step: Step = (
            derivation.chain(base, lambda d: d.wrt.name == "a") if opened else derivation.step(base)
        )
        root = derivation.graph.root.at()
        terms: list[tuple[Expr, ...]] = []
        for term in step.terms:
            named: tuple[Expr, ...] = tuple(Ref(replace(d, update=target.update)) for d in term.ids)
            if term.upstream is None or term.upstream.wrt == root:
                # The root's own local derivative has the gradient's name: it is written by its formula.
                # What comes before it is 1, but of a mean over the samples a share.
                whole = term.upstream is None or derivation.step(term.upstream).rule == "seed"
                local = tuple(self._at(factor.expr, target.update) for factor in term.factors)
                named = (() if whole else named[:1]) + local
            terms.append(named)
        return tuple(terms)

    def _at(self, expr: Expr, update: int) -> Expr:
        """The formula after `update` updates: what does not change keeps its name."""
        if not update:
            return expr

        def name(q: Any) -> Expr:
            node, _ = self.derivation.graph.locate(q.at(), q.sample)
            fixed = node.op is None and node.kind != "parameter"
            return Ref(q) if fixed else Ref(replace(q, update=update))

        return substitute(expr, name)


Rewrite = Callable[[Program, Id], Expr | None]


@dataclass
class Run:
    """Numbers of a program: given ones, rewritten ones, and all that follows from them."""

    program: Program
    states: Sequence[Iterate]  # the numbers put in, and those of later states
    rate: float
    given: Mapping[Id, Any] = field(default_factory=dict)
    rewrite: Rewrite | None = None
    base: int = 0  # parameters up to this update are taken as they are, later ones computed
    computed: dict[Id, float] = field(default_factory=dict)

    def __getitem__(self, q: Id) -> float:
        """The number of q: given, computed before, or computed now."""
        if q in self.given:
            return self.single(self.given[q])
        if q not in self.computed:
            self.computed[q] = self.compute(q)
        return self.computed[q]

    def exact(self, q: Id) -> float:
        """The number of q by arrays, whatever is given or rewritten."""
        if (number := self.constant(q)) is not None:
            return number
        return self.single(self.states[q.update][q])

    @staticmethod
    def single(numbers: Any) -> float:
        """The number of the only variant."""
        return float(np.asarray(numbers).item())

    def constant(self, q: Id) -> float | None:
        """The rate, a constant of the optimizer or a count; None for any other id."""
        if q == RATE:
            return self.rate
        if (number := self.program.constant(q)) is not None:
            return float(number)
        return counted(self.program.derivation.graph, q)

    def compute(self, q: Id) -> float:
        """The number of q by its formula, whatever is given for q itself."""
        if (number := self.constant(q)) is not None:
            return number
        if isinstance(q, Quantity) and 0 < q.update <= self.base:
            owned = self.program.optimizer.owned(q)
            if owned or self.program.derivation.graph.locate(q.at(), q.sample)[0].kind == "parameter":
                return self.single(self.states[q.update][q])
        formula = self.formula(q)
        if formula is None:
            given = q.at(sample=q.sample) if isinstance(q, Quantity) else q
            return self.single(self.states[0].values[given])
        return self.evaluate(formula)

    def formula(self, q: Id) -> Expr | None:
        """How q is computed here: as it is taught, or as it is rewritten."""
        rewritten = self.rewrite(self.program, q) if self.rewrite else None
        return rewritten if rewritten is not None else self.program.formula(q)

    def evaluate(self, formula: Expr) -> float:
        """The number of any formula of named quantities."""
        table = numpy_table(self.states[0].values.tie)
        with np.errstate(all="ignore"):  # a mistake may lead to what has no value
            return self.single(value(formula, lambda q: np.float64(self[q]), table))


class Runs(Run):
    """The same for many variants at once: every number is an array, one for each of them."""

    @staticmethod
    def single(numbers: Any) -> Any:
        """All of them."""
        return np.asarray(numbers, dtype=float)
