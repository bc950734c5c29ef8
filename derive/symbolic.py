"""The graph in SymPy: closed forms, the taught rules differentiated, an independent oracle.

SymPy is imported here only, and this module only by who needs it: importing SymPy takes longer
than everything else that a homework needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy

from derive.expression import Call, Expr, Num, value
from derive.graph import Graph
from derive.ops import Elementwise
from derive.quantity import Derivative, Quantity

__all__ = ["SYMPY", "closed_form", "gradients", "local_derivative", "symbol"]

SYMPY: Mapping[str, Callable[..., Any]] = {
    "num": lambda number: sympy.Rational(number.numerator, number.denominator),
    "+": sympy.Add,
    "*": sympy.Mul,
    "-": lambda a, b: a - b,
    "/": lambda a, b: sympy.sympify(a, strict=True) / b,
    "**": lambda a, b: a**b,
    "neg": lambda a: -a,
    ">": sympy.Gt,
    "where": lambda c, a, b: sympy.Piecewise((a, c), (b, True)),
    "max": lambda a, b: sympy.Piecewise((a, sympy.Ge(a, b)), (b, True)),
    "min": lambda a, b: sympy.Piecewise((a, sympy.Le(a, b)), (b, True)),
    "abs": lambda a: sympy.Piecewise((a, sympy.Ge(a, 0)), (-a, True)),
    **{name: getattr(sympy, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh")},
}


def symbol(q: Quantity | str) -> sympy.Symbol:
    """The real SymPy symbol of a quantity, named by its id."""
    return sympy.Symbol(str(q), real=True)


def _compose(
    graph: Graph, q: Quantity, leaf: Callable[[Quantity], Any], seen: dict[Quantity, Any]
) -> Any:
    if q not in seen:
        definition = graph.definition(q)
        if definition is None:
            seen[q] = leaf(q)
        else:
            seen[q] = value(definition, lambda name: _compose(graph, name, leaf, seen), SYMPY)
    return seen[q]


def closed_form(graph: Graph, q: Quantity | Derivative) -> Any:
    """q composed down to inputs and parameters; a derivative is SymPy's own `diff` of the composed
    quantity, so it grows quickly with depth: for small networks, to look at."""
    if isinstance(q, Quantity):
        return sympy.sympify(_compose(graph, q, symbol, {}), strict=True)
    wrt, i = graph.locate(q.wrt, q.sample)
    at = wrt.element(i, q.sample)
    seen: dict[Quantity, Any] = {at: symbol(at)}
    composed = _compose(graph, q.of.at(sample=q.sample) if _sampled(graph, q) else q.of, symbol, seen)
    definition = _compose(graph, at, symbol, {})
    return sympy.diff(composed, symbol(at)).subs(symbol(at), definition)


def _sampled(graph: Graph, q: Derivative) -> bool:
    return q.sample is not None and graph.locate(q.of, q.sample)[0].sampled


def gradients(
    graph: Graph, numbers: Mapping[Quantity, Any], wanted: Iterable[Quantity], digits: int = 30
) -> dict[Quantity, float]:
    """∂root/∂q for each parameter or input q: SymPy composes the root as a function of q alone
    (all other numbers put in), differentiates it and evaluates it to `digits` digits."""
    result = {}
    exact = {q: sympy.Float(number, digits) for q, number in numbers.items()}
    for q in wanted:
        free = symbol(q)
        composed = _compose(graph, graph.root, exact.__getitem__, {q: free})
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
