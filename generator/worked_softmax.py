"""Worked softmax: a[i] = exp(z[i])/Σ exp(z[k]), and the way back through it, path by path.

Every z enters every a, so that ∂L/∂z[j] is a sum over all outputs, with the local derivatives of all of
them.  After cross-entropy the terms are then put together: ∂L/∂z[j] = a[j] − t[j].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction as Rational
from typing import Any

import numpy as np

from derive.expression import Call, Expr, Num, Ref, call, value
from derive.graph import Node as GraphNode
from derive.ops import Softmax
from derive.quantity import Derivative, Quantity
from generator.formula import Node, Symbol
from generator.number import shown
from generator.page import Block, Formula, Table, block
from generator.telling import Teller, chain
from generator.typeset import typeset

__all__ = ["MANY_OUTPUTS", "paths", "softmax", "with_sum"]

Leaf = Callable[[Any], Node]

MANY_OUTPUTS = 4  # beyond which one unit is told in full, and the others in a table
SUM = "S"  # what Σ exp(z[k]) is called where it is too long for a denominator


def softmax(node: GraphNode) -> bool:
    """Whether a node is a softmax of a layer."""
    return isinstance(node.op, Softmax)


# --- forward -----------------------------------------------------------------------------------


def with_sum(teller: Teller, a: GraphNode, sample: int | None, numbers: bool = False) -> Iterator[Block]:
    """S = e^z1 + e^z2 + …, then a = e^z/S, where all that would be too long for a line; else nothing.
    In names, of the first and the last unit; or with numbers, of all."""
    if not softmax(a) or a.shape[0] <= MANY_OUTPUTS:
        return
    pairs = zip(a.elements(sample), a.inputs[0].elements(sample), strict=True)
    powers = {q: call("exp", Ref(z)) for q, z in pairs}
    whole = call("+", *powers.values())
    with np.errstate(over="ignore"):
        total = float(value(whole, teller.exercise.number))
    known = [shown(total, teller.digits + 1)] if np.isfinite(total) else []
    sides = [teller.names(whole), *([teller.numbers(whole), *known] if numbers else [])]
    yield Block("softmax_sum", {}, ((chain(Symbol(SUM), sides), None),))

    def share(power: Expr, leaf: Leaf, bottom: Node) -> Node:
        return typeset(call("/", power, Ref(SUM)), lambda q: bottom if q == SUM else leaf(q))

    lines: list[Formula] = []
    for q in powers if numbers else list(powers)[:: len(powers) - 1]:
        sides = [share(powers[q], teller.label, Symbol(SUM))]
        if numbers:
            sides += [share(powers[q], teller.shown, bottom) for bottom in known]
            sides.append(teller.shown(q))
        lines.append((chain(teller.name(q), sides), None))
    yield block("softmax_shares", {}, lines)


# --- backward ----------------------------------------------------------------------------------


def paths(teller: Teller, z: GraphNode, sample: int | None) -> Iterator[Block]:
    """∂L/∂z of a whole layer, from ∂L/∂a of all its units, which was told before: by the Jacobian, then,
    where there is a shorter way, by that."""
    units = list(z.elements(sample))
    told = units if len(units) <= MANY_OUTPUTS else units[:1]
    for q in told:
        yield _jacobian(teller, q, len(units), q is told[0])
    whole = sum(Rational(teller.typed[t]) for t in _targets(units)) == 1
    short = teller.derivation.together(teller.derivation.derivative(units[0])) is not None
    if short and (whole or told == units):
        yield from _together(teller, units, told, whole)
    elif len(told) < len(units):
        rest = [teller.derivation.derivative(q) for q in units[len(told) :]]
        teller.told.update(rest)
        rows = tuple((teller.name(d), teller.shown(d)) for d in rest)
        yield Block("softmax_others", {}, (), Table(("quantity", "gradient"), rows))


def _jacobian(teller: Teller, z: Quantity, units: int, first: bool) -> Block:
    target = teller.derivation.derivative(z)
    step = teller.derivation.step(target)
    pointers = teller.pointers(step)
    formulas: list[Formula] = []
    for term in step.terms:
        (factor,) = term.factors
        sides = teller.sides(factor.expr, factor.derivative)
        formulas.append((chain(teller.name(factor.derivative), sides), teller.tag(factor.derivative)))
    line = teller.step(step, teller.name.gradient(z))
    formulas.append((line, teller.tag(target)))
    args = {"z": teller.name(z), "paths": units, "first": first, "pointers": pointers}
    return Block("softmax_paths", args, tuple(formulas))


def _targets(units: list[Quantity]) -> list[Quantity]:
    return [Quantity("t", q.index[1:], q.sample) for q in units]


def _together(
    teller: Teller, units: list[Quantity], told: list[Quantity], whole: bool
) -> Iterator[Block]:
    """−t1/a1 · a1 (1 − a1) + t2/a2 · a2 a1 + … = −t1 (1 − a1) + t2 a1 + … = a1 (t1 + t2 + …) − t1."""
    target = teller.derivation.derivative(units[0])
    derivation, name = teller.derivation, teller.name
    general = derivation.together(target)
    assert general is not None
    sides: list[Node] = []
    if not isinstance(_weight(general), Num):
        own, *_ = outputs = [Quantity("a", q.index, q.sample) for q in units]
        taught, kept = [], []
        for t, a, term in zip(_targets(units), outputs, derivation.step(target).terms, strict=True):
            slope = teller.graph.local(Derivative(Quantity("L", t.index), a.at(), t.sample))
            assert slope is not None
            local = term.factors[0].expr
            assert isinstance(local, Call)
            taught.append(call("*", slope, *local.args))
            left = call("*", call("neg", Ref(t)), call("-", 1, Ref(a)))
            kept.append(left if a == own else call("*", Ref(t), Ref(own)))
        sides = [teller.names(call("+", *taught)), teller.names(call("+", *kept))]
        teller.sure(target, call("+", *taught), call("+", *kept))
    if told == units:  # t1 + t2 + … in parentheses, on a line
        sides.append(teller.names(general))
    short = [derivation.together(derivation.derivative(q), whole) for q in units]
    args: dict[str, Any] = {"whole": whole, "z": name(units[0])}
    if whole and short[0] is not None:
        sides.append(teller.names(short[0]))
    yield Block("softmax_together", args, ((chain(name.gradient(units[0]), sides), None),))
    lines: list[Formula] = []
    rows: list[tuple[Node, ...]] = []
    for q, expr in zip(units, short, strict=True):
        assert expr is not None
        d = derivation.derivative(q)
        teller.sure(d, expr)
        lines.append((chain(name(d), teller.sides(expr, d)), None))
        rows.append((name(d), teller.numbers(expr), teller.shown(d)))
    if len(told) == len(units):
        yield block("softmax_short", args, lines)
    else:
        teller.told.update(derivation.derivative(q) for q in units)
        table = Table(("quantity", "softmax_numbers", "gradient"), tuple(rows))
        yield Block("softmax_short", args, (), table)


def _weight(expr: Expr) -> Expr | None:
    """What one sample counts, where that is not 1."""
    return expr.args[0] if isinstance(expr, Call) and expr.fn == "*" else None
