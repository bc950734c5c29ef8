"""The graph in SymPy: closed forms, the taught rules differentiated, an independent oracle.

SymPy is imported here only, and this module only by who needs it: importing SymPy takes longer
than everything else that a homework needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy

from derive.expression import SMOOTH, Call, Expr, Num, Table, value
from derive.graph import Graph
from derive.ops import Elementwise
from derive.quantity import Derivative, Quantity

__all__ = ["SYMPY", "closed_form", "gradients", "local_derivative", "symbol", "sympy_table"]


def sympy_table(tie: float = 0.0) -> Table:
    """Arithmetic over SymPy expressions; branches as in `expression`."""
    near = sympy.Float(tie) if tie else 0

    def where(condition: Any, yes: Any, no: Any) -> Any:
        return sympy.Piecewise((yes, condition), (no, True))

    return {
        "num": lambda number: sympy.Rational(number.numerator, number.denominator),
        "+": sympy.Add,
        "*": sympy.Mul,
        "-": lambda a, b: a - b,
        "/": lambda a, b: sympy.Mul(a, sympy.Pow(b, -1)),
        "**": lambda a, b: a**b,
        "neg": lambda a: -a,
        ">": lambda a, b: sympy.Gt(a - b, near),
        "==": lambda a, b: sympy.Le(sympy.Abs(a - b), near),
        "where": where,
        "max": lambda a, b: where(sympy.Ge(a - b, -near), a, b),
        "min": lambda a, b: where(sympy.Ge(b - a, -near), a, b),
        "abs": lambda a: where(sympy.Gt(a, near), a, -a),
        **{name: getattr(sympy, name) for name in SMOOTH},
    }


SYMPY = sympy_table()


def symbol(q: Quantity | str) -> sympy.Symbol:
    """The real SymPy symbol of a quantity, named by its id."""
    return sympy.Symbol(str(q), real=True)


def _compose(
    graph: Graph,
    q: Quantity,
    leaf: Callable[[Quantity], Any],
    seen: dict[Quantity, Any],
    table: Table = SYMPY,
) -> Any:
    if q not in seen:
        definition = graph.definition(q)
        if definition is None:
            seen[q] = leaf(q)
        else:
            seen[q] = value(definition, lambda name: _compose(graph, name, leaf, seen, table), table)
    return seen[q]


def closed_form(graph: Graph, q: Quantity | Derivative) -> Any:
    """q composed down to inputs and parameters; a derivative is SymPy's own `diff` of the composed
    quantity, so it grows quickly with depth: for small networks, to look at."""
    if isinstance(q, Quantity):
        return sympy.Add(_compose(graph, q, symbol, {}))
    wrt, i = graph.locate(q.wrt, q.sample)
    at = wrt.element(i, q.sample)
    seen: dict[Quantity, Any] = {at: symbol(at)}
    composed = _compose(graph, q.of.at(sample=q.sample) if _sampled(graph, q) else q.of, symbol, seen)
    definition = _compose(graph, at, symbol, {})
    return sympy.diff(composed, symbol(at)).subs(symbol(at), definition)


def _sampled(graph: Graph, q: Derivative) -> bool:
    return q.sample is not None and graph.locate(q.of, q.sample)[0].sampled


def gradients(
    graph: Graph,
    numbers: Mapping[Quantity, Any],
    wanted: Iterable[Quantity],
    digits: int = 30,
    tie: float = 0.0,
) -> dict[Quantity, float]:
    """∂root/∂q for each parameter or input q: SymPy composes the root as a function of q alone
    (all other numbers put in), differentiates it and evaluates it to `digits` digits."""
    result, table = {}, sympy_table(tie)
    exact = {q: sympy.Float(number, digits) for q, number in numbers.items()}
    for q in wanted:
        free = symbol(q)
        composed = _compose(graph, graph.root, exact.__getitem__, {q: free}, table)
        slope = sympy.diff(composed, free).subs(free, exact[q])
        result[q] = float(sympy.N(slope, digits))
    return result


def local_derivative(op: Elementwise, slot: str) -> Any:
    """∂out/∂slot − (the taught rule), with the output put in: 0 where the row is right."""

    def compose(expr: Expr) -> Any:
        def name(word: str) -> Any:
            constants = op.constants or {}
            if word in constants:
                return value(Num(constants[word]), name, SYMPY)
            return compose(op.formula) if word == op.output else symbol(word)

        return value(expr if isinstance(expr, Call) else Call("+", (expr,)), name, SYMPY)

    return sympy.diff(compose(op.formula), symbol(slot)) - compose(op.partials[slot])
