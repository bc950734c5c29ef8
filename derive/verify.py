"""Certificates: no derived number is handed out that independent methods have not confirmed.

    chain rule     Σ upstream · factors of every step, as it is shown, against the array evaluation
    complex step   Im f(q + ih)/h of the forward pass alone, h = 1e-30: no subtraction, no rules
    mpmath         the forward pass in 50 digits, and central differences of it
    sympy          SymPy composes the loss and differentiates it (small networks, on request)

Errors are scaled by the variant's largest gradient (values: by the largest value, at least 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from derive.backprop import Derivation, Step
from derive.evaluate import Data, Values, evaluate
from derive.expression import MPMATH, value
from derive.graph import Graph
from derive.ops import Array
from derive.quantity import Derivative, Quantity

__all__ = ["TOLERANCE", "Certificate", "Uncertified", "certify"]

TOLERANCE = 1e-12
DIGITS = 50


class Uncertified(ArithmeticError):
    """Two independent methods disagree about a number."""


@dataclass(frozen=True)
class Certificate:
    """Which methods agreed, and the largest scaled difference between them."""

    methods: tuple[str, ...]
    max_error: float


def quantities(graph: Graph) -> list[Quantity]:
    """Every quantity that the root is differentiated by, targets left out."""
    reached = graph.ancestors()
    return [
        q
        for node in graph.nodes
        if node in reached and node.kind != "target"
        for sample in (graph.sample_numbers if node.sampled else [None])
        for q in node.elements(sample)
    ]


def step_value(step: Step, values: Values) -> Array:
    """Σ over the terms of upstream · factors, computed exactly as the step is written."""
    total = np.zeros(1)
    for term in step.terms:
        product = values[term.upstream] if term.upstream else np.ones(1)
        for factor in term.factors:
            product = product * value(factor.expr, values.__getitem__)
        total = total + product
    return total


def _nudged(graph: Graph, values: Values, by: complex) -> tuple[list[Quantity], Values]:
    """One evaluation whose variant p has quantity p (and nothing else) moved by `by`."""
    moved = quantities(graph)
    given = {}
    for p, q in enumerate(moved):
        column = np.full(len(moved), np.nan, dtype=complex)
        column[p] = values.number(q) + by
        given[q] = column
    data = {str(n): values.forward[n] for n in graph.of_kind("input", "target", "parameter")}
    return moved, evaluate(graph, data, given, gradients=False)


def complex_step(graph: Graph, values: Values) -> dict[tuple[Quantity, Quantity], float]:
    """∂of/∂q for every q and every `of` at or after it, from one evaluation of the forward pass."""
    moved, nudged = _nudged(graph, values, 1e-30j)
    slopes = {}
    for of in moved:
        array = np.broadcast_to(nudged[of], len(moved))
        slopes.update({(of, q): float(array[p].imag) / 1e-30 for p, q in enumerate(moved)})
    return slopes


def mpmath_forward(graph: Graph, values: Values) -> Mapping[Quantity, tuple[float, float]]:
    """For every quantity its forward value, and ∂root/∂q by central differences, in 50 digits."""
    from mpmath import MPContext

    context = MPContext()
    context.dps = DIGITS
    exact = np.frompyfunc(context.mpf, 1, 1)
    data = {str(n): exact(values.forward[n]) for n in graph.of_kind("input", "target", "parameter")}
    table = MPMATH(context)
    base = evaluate(graph, data, table=table, gradients=False)
    moved = quantities(graph)
    h = context.mpf(10) ** -(DIGITS // 3)
    given = {}
    for p, q in enumerate(moved):
        column = np.full(2 * len(moved), context.nan, dtype=object)
        (centre,) = base[q]
        column[2 * p], column[2 * p + 1] = centre + h, centre - h
        given[q] = column
    root = evaluate(graph, data, given, table, gradients=False)[graph.root]
    return {
        q: (float(base[q][0]), float((root[2 * p] - root[2 * p + 1]) / (2 * h)))
        for p, q in enumerate(moved)
    }


def _sympy_gradients(graph: Graph, values: Values, wanted: Iterable[Quantity]) -> dict[Quantity, float]:
    from derive.symbolic import gradients

    given = graph.of_kind("input", "target", "parameter")
    samples = graph.sample_numbers
    numbers = {
        q: values.number(q)
        for node in given
        for sample in (samples if node.sampled else [None])
        for q in node.elements(sample)
    }
    return gradients(graph, numbers, wanted)


def certify(
    derivation: Derivation, values: Values, sympy_for: Iterable[Quantity] | None = None
) -> Certificate:
    """Check every value, gradient and shown step of one variant; Uncertified names the first number
    that two methods disagree about by more than 1e-12 (scaled).

    `sympy_for`: parameters or inputs whose gradient SymPy differentiates too.
    """
    graph = derivation.graph
    slopes = complex_step(graph, values)
    precise = mpmath_forward(graph, values)
    numbers = {q: values.number(q) for q in quantities(graph)}
    derived = {d: values.number(d) for d in derivation.targets()}
    largest = max(abs(g) for g in derived.values())
    checks: list[tuple[str, str, float, float, float]] = []  # method, id, ours, theirs, scale
    scale = max([1.0, *(abs(v) for v in numbers.values())])
    for q, number in numbers.items():
        checks.append(("mpmath", str(q), number, precise[q][0], scale))
    for d, number in derived.items():
        q = d.wrt.at(sample=d.sample) if graph.locate(d.wrt, d.sample)[0].sampled else d.wrt
        checks.append(("complex step", str(d), number, slopes[graph.root, q], largest or 1.0))
        checks.append(("mpmath", str(d), number, precise[q][1], largest or 1.0))
        step = derivation.step(d)
        if step.rule != "seed":
            shown = float(step_value(step, values)[0])
            checks.append(("chain rule", str(d), number, shown, largest or 1.0))
        for term in step.terms:
            for factor in (f for f in term.factors if f.derivative.of != graph.root.at()):
                checks.append(_local_check(graph, values, slopes, factor.derivative))
    methods = ["chain rule", "complex step", "mpmath"]
    if sympy_for is not None:
        methods.append("sympy")
        for q, slope in _sympy_gradients(graph, values, sympy_for).items():
            d = derivation.derivative(q)
            checks.append(("sympy", str(d), values.number(d), slope, largest or 1.0))
    worst = 0.0
    for method, name, ours, theirs, unit in checks:
        error = abs(ours - theirs) / unit
        if not error <= TOLERANCE:
            raise Uncertified(f"{name}: {ours!r} but {method} says {theirs!r}")
        worst = max(worst, error)
    return Certificate(tuple(methods), worst)


def _local_check(
    graph: Graph, values: Values, slopes: Mapping[tuple[Quantity, Quantity], float], d: Derivative
) -> tuple[str, str, float, float, float]:
    (of, i), (wrt, j) = graph.locate(d.of, d.sample), graph.locate(d.wrt, d.sample)
    slope = slopes[of.element(i, d.sample), wrt.element(j, d.sample)]
    return ("complex step", str(d), values.number(d), slope, max(1.0, abs(slope)))


def data_of(values: Values) -> Data:
    """The numbers put in, as `evaluate` takes them."""
    given = values.graph.of_kind("input", "target", "parameter")
    return {str(node): values.forward[node] for node in given}
