"""Certificates: no derived number is handed out that independent methods have not confirmed.

    chain rule     Σ upstream · factors of every step, as it is shown, against the array evaluation
    complex step   Im f(q + ih)/h of the forward pass alone, h = 1e-30: no subtraction, no rules
    mpmath         the forward pass in 50 digits, and central differences of it
    sympy          SymPy composes the loss and differentiates it (small networks, on request)

What an optimizer makes of the gradients is checked as one sum over all of them (UNROLLED), not update by
update.

Errors are scaled by the variant's largest gradient (values: by the largest value, at least 1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from derive.backprop import Derivation, Step
from derive.descent import Descent
from derive.evaluate import Given, Values, evaluate
from derive.expression import mpmath_table, numpy_table, parse, value
from derive.graph import FIXED, Graph, Kind
from derive.ops import Array
from derive.optimizer import of_parameter
from derive.quantity import Derivative, Id, Quantity
from derive.zscore import Feature

__all__ = ["TOLERANCE", "Certificate", "Uncertified", "certify", "certify_descent", "certify_values"]
__all__ += ["certify_derivatives", "certify_scores", "quantities"]

DIFFERENTIATED: tuple[Kind, ...] = ("input", "parameter", "computed")
COMPUTED: tuple[Kind, ...] = ("computed",)
TOLERANCE = 1e-12
DIGITS = 50
STEP = 1e-30j
ROOM = 2_000_000  # numbers that are held at a time, about
NOISE = 1e-25  # of central differences in 50 digits, relative to the largest gradient


class Uncertified(ArithmeticError):
    """Two independent methods disagree about a number."""


@dataclass(frozen=True)
class Certificate:
    """Which methods agreed, and the largest scaled difference between them."""

    methods: tuple[str, ...]
    max_error: float


def quantities(graph: Graph, kinds: Collection[Kind] = DIFFERENTIATED) -> list[Quantity]:
    """Every quantity that the root is differentiated by, targets left out; or those of some kinds."""
    reached = graph.ancestors()
    return [
        q
        for node in graph.nodes
        if node in reached and node.kind in kinds
        for sample in (graph.sample_numbers if node.sampled else [None])
        for q in node.elements(sample)
    ]


def step_value(step: Step, values: Values) -> Array:
    """Σ over the terms of upstream · factors, computed exactly as the step is written."""
    total = np.zeros(1)
    for term in step.terms:
        product = values[term.upstream] if term.upstream else np.ones(1)
        for factor in term.factors:
            product = product * values.compute(factor.expr)
        total = total + product
    return total


def _nudged(graph: Graph, values: Values, moved: list[Quantity], by: complex) -> Values:
    """One evaluation whose variant p has quantity p (and nothing else) moved by `by`."""
    given = {}
    for p, q in enumerate(moved):
        column = np.full(len(moved), np.nan, dtype=complex)
        column[p] = values.number(q) + by
        given[q] = column
    data = {str(n): values.forward[n] for n in graph.given}
    return evaluate(graph, data, given, tie=values.tie, gradients=False)


def complex_step(graph: Graph, values: Values, moved: list[Quantity]) -> dict[Quantity, float]:
    """∂root/∂q for every q that is moved, from one evaluation of the forward pass for many of them."""
    slopes: dict[Quantity, float] = {}
    for block in _blocks(graph, moved):
        root = np.broadcast_to(_nudged(graph, values, block, STEP)[graph.root], len(block))
        slopes |= {q: float(root[p].imag) / STEP.imag for p, q in enumerate(block)}
    return slopes


def _blocks(graph: Graph, moved: list[Quantity]) -> Iterator[list[Quantity]]:
    """As many quantities at a time as there is memory for: each is moved in a copy of all numbers."""
    numbers = sum(prod(n.shape) * (graph.samples if n.sampled else 1) for n in graph.nodes)
    size = max(1, ROOM // numbers)
    return (moved[at : at + size] for at in range(0, len(moved), size))


def _precise(graph: Graph, values: Values, given: Given | None = None) -> tuple[Any, Values]:
    """The forward pass in 50 digits, and the arithmetic it was made with."""
    import mpmath

    context: Any = mpmath.MPContext()
    context.dps = DIGITS
    exact = np.frompyfunc(context.mpf, 1, 1)
    data = {str(n): exact(values.forward[n]) for n in graph.given}
    table = mpmath_table(context, values.tie)
    return context, evaluate(graph, data, given, table=table, gradients=False)


def mpmath_gradients(graph: Graph, values: Values, moved: list[Quantity]) -> dict[Quantity, float]:
    """∂root/∂q for every q that is moved, by central differences of the forward pass in 50 digits."""
    slopes: dict[Quantity, float] = {}
    for block in _blocks(graph, moved):
        slopes |= _mpmath_gradients(graph, values, block)
    return slopes


def _mpmath_gradients(graph: Graph, values: Values, moved: list[Quantity]) -> dict[Quantity, float]:
    context, base = _precise(graph, values)
    given, steps = {}, []
    for p, q in enumerate(moved):
        column = np.full(2 * len(moved), np.nan, dtype=object)
        (centre,) = base[q]
        # Small beside a small number: the logarithm of an output must stay on its side of 0.
        h = context.mpf(10) ** -(DIGITS // 3) * min(1, max(abs(centre), 1e-8))
        steps.append(h)
        column[2 * p], column[2 * p + 1] = centre + h, centre - h
        given[q] = column
    root = np.broadcast_to(_precise(graph, values, given)[1][graph.root], 2 * len(moved))
    slopes = ((root[2 * p] - root[2 * p + 1]) / (2 * h) for p, h in enumerate(steps))
    return {q: float(context.re(slope)) for q, slope in zip(moved, slopes, strict=True)}


def _sympy_gradients(graph: Graph, values: Values, wanted: Iterable[Quantity]) -> dict[Quantity, float]:
    from derive.symbolic import gradients

    given = graph.given
    samples = graph.sample_numbers
    numbers = {
        q: values.number(q)
        for node in given
        for sample in (samples if node.sampled else [None])
        for q in node.elements(sample)
    }
    return gradients(graph, numbers, wanted, tie=values.tie)


def certify(
    derivation: Derivation,
    values: Values,
    sympy_for: Iterable[Quantity] | None = None,
    digits: int = 4,
    only: Iterable[Quantity] | None = None,
) -> Certificate:
    """Check every value, gradient and shown step of one variant; Uncertified names the first number
    that two methods disagree about by more than 1e-12 (scaled), or that has lost the significant
    `digits` that are shown of it.

    `sympy_for`: parameters or inputs whose gradient SymPy differentiates too.  `only`: the quantities
    whose gradients are checked, for a network too large to check them all.
    """
    graph = derivation.graph
    _finite(values)
    moved = quantities(graph) if only is None else list(only)
    slopes = complex_step(graph, values, moved)
    precise = mpmath_gradients(graph, values, moved)
    derived = {d: values.number(d) for d in map(derivation.derivative, moved)}
    gradients = (array for node, array in values.gradient.items() if node.kind not in FIXED)
    largest = max(float(np.abs(array).max()) for array in gradients) or 1.0
    checks: list[_Check] = []
    lost: list[str] = []
    for d, number in derived.items():
        q = d.wrt.at(sample=d.sample) if graph.locate(d.wrt, d.sample)[0].sampled else d.wrt
        checks.append(_Check("complex step", d, number, slopes[q], largest))
        checks.append(_Check("mpmath", d, number, precise[q], largest))
        smallest = max(abs(precise[q]), largest * NOISE)
        unseen = graph.of_kind("parameter") and graph.locate(d.wrt, d.sample)[0].kind == "input"
        if abs(number - precise[q]) > smallest * 10.0 ** -(digits + 1) and not unseen:
            lost.append(_lost(d, precise[q], number))
        step = derivation.step(d)
        if step.rule != "seed":
            checks.append(_Check("chain rule", d, number, float(step_value(step, values)[0]), largest))
        if (short := derivation.together(d)) is not None:
            checks.append(_Check("a − t", d, number, float(values.compute(short)[0]), largest))
        for term in step.terms:
            locals_ = (f.derivative for f in term.factors if f.derivative.of != graph.root.at())
            checks.extend(_local_check(graph, values, local) for local in locals_)
    methods = ["chain rule", "complex step", "mpmath"]
    if sympy_for is not None:
        methods.append("sympy")
        for q, slope in _sympy_gradients(graph, values, sympy_for).items():
            d = derivation.derivative(q)
            checks.append(_Check("sympy", d, values.number(d), slope, largest))
    worst = max(certify_values(values), _worst(checks))
    if lost:
        raise Uncertified(lost[0])
    return Certificate(tuple(methods), worst)


def certify_values(values: Values, digits: int | None = None) -> float:
    """Check the forward values alone (of a state whose gradients nobody uses): the largest error.

    With `digits`, every single value must have that many, however small it is: σ(−30) = 9.358·10⁻¹⁴.
    """
    graph = values.graph
    _finite(values)
    precise = _precise(graph, values)[1]
    numbers = {q: values.number(q) for q in quantities(graph, COMPUTED)}
    for q, number in numbers.items() if digits else ():
        exact = float(precise[q][0])
        if abs(number - exact) > abs(exact) * 10.0 ** -((digits or 0) + 1):
            raise Uncertified(_lost(q, exact, number))
    scale = max([1.0, *(abs(v) for v in numbers.values())])
    return _worst(
        _Check("mpmath", q, number, float(precise[q][0]), scale) for q, number in numbers.items()
    )


def _finite(values: Values) -> None:
    """Every quantity has a value and a gradient: none is the logarithm of 0."""
    for what, arrays in (("value", values.forward), ("gradient", values.gradient)):
        for node, array in arrays.items():
            if not np.isfinite(np.asarray(array, float)).all():
                raise Uncertified(f"{node} has no finite {what}")


def certify_scores(feature: Feature, decimals: int | None) -> float:
    """Check a feature's z-scores in 50 digits, from the sums of its numbers and of their squares: the
    largest error, beyond the half unit that rounding takes."""
    import mpmath

    context: Any = mpmath.MPContext()
    context.dps = DIGITS
    worst = 0.0
    raw = [context.mpf(x.numerator) / x.denominator for x in feature.raw]
    n, total, squares = len(raw), context.fsum(raw), context.fsum(x * x for x in raw)
    spread = context.sqrt((squares - total * total / n) / (n - feature.sample))
    half = 0 if decimals is None else context.mpf(10) ** -decimals / 2
    for number, (x, z) in enumerate(zip(raw, feature.scores(decimals), strict=True), 1):
        error = float(abs((x - total / n) / spread - context.mpf(str(z))) - half)
        if not error <= TOLERANCE:
            raise Uncertified(f"the z-score {z} of sample {number} does not follow by mpmath")
        worst = max(worst, error)
    return worst


BLOCK = 4096  # states of a training that are checked in one evaluation


def certify_derivatives(values: Values, wanted: Iterable[Derivative]) -> float:
    """Check derivatives of anything by anything, ∂L[1]/∂a[1][1], by complex steps: the largest error."""
    checks = []
    for d in wanted:
        graph = values.graph.towards(d.of, d.sample)
        node, i = graph.locate(d.wrt, d.sample)
        moved = node.element(i, d.sample)
        slope = complex_step(graph, values, [moved])[moved]
        checks.append(_Check("complex step", d, values.number(d), slope, max(1.0, abs(slope))))
    return _worst(checks)


# What an update comes to, said without its row: a formula of the gradients g, or, with weights, the sum
# over all gradients so far, that of i updates ago with the weight of i.
UNROLLED: dict[str, dict[str, tuple[str, str]]] = {
    "sgd": {"w": ("w - eta*g", "")},
    "momentum": {"v": ("g", "mu**i"), "w": ("w - eta*v", "")},
    "rmsprop": {"s": ("g*g", "(1 - rho)*rho**i"), "w": ("w - eta/(epsilon + s**0.5)*g", "")},
    "adam": {
        "m": ("g", "(1 - beta1)*beta1**i"),
        "v": ("g*g", "(1 - beta2)*beta2**i"),
        "mhat": ("m/(1 - beta1**k)", ""),
        "vhat": ("v/(1 - beta2**k)", ""),
        "w": ("w - eta/(epsilon + vhat**0.5)*mhat", ""),
    },
}


def certify_descent(descent: Descent) -> float:
    """Check every update w@k+1 = w@k − η ∂L/∂w@k, or what another optimizer comes to (UNROLLED), with
    gradients by complex steps, many states at a time: the largest error, of a parameter scaled by its
    own size (at least 1), of an optimizer's variable by the largest of its kind."""
    graph, count = descent.graph, len(descent)
    if count < 2 or not descent.trained:
        return 0.0
    stacked = descent.stacked(count)
    checks: list[tuple[str, Quantity, Array, Array]] = []
    for node in descent.trained:
        for q in node.elements():
            path = stacked[node.key][(*(n - 1 for n in graph.find(q)[1]), 0)]
            theirs = _unrolled(descent, path[:-1], _slopes(descent, stacked, q))
            checks.append(("w", q, path[1:], theirs["w"]))
            for name, ours in descent.variables(q).items():
                checks.append((name, of_parameter(name, q), ours, theirs[name]))
    worst = 0.0
    largest = dict.fromkeys(descent.optimizer.variables, 0.0)
    for name, _, ours, _ in checks:
        if name != "w":
            largest[name] = max(largest[name], float(np.abs(ours).max()))
    for name, q, ours, expected in checks:
        scale = np.maximum(1.0, np.abs(expected)) if name == "w" else largest[name] or 1.0
        errors = np.abs(ours - expected) / scale
        error = float(errors.max())
        if not error <= TOLERANCE:
            k = int(errors.argmax()) + 1
            raise Uncertified(f"{q.at(update=k)} does not follow by complex steps")
        worst = max(worst, error)
    return worst


def _slopes(descent: Descent, stacked: Mapping[str, Array], q: Quantity) -> Array:
    """∂root/∂q of every state but the last, by complex steps."""
    graph, count = descent.graph, len(descent)
    node, i = graph.find(q)
    tie = descent.tie if count == 2 else 0.0
    slopes = []
    for start in range(0, count - 1, BLOCK):
        now = _variants(stacked, slice(start, min(start + BLOCK, count - 1)), count)
        given = {q: now[node.key][(*(n - 1 for n in i), 0)] + STEP}
        moved = evaluate(graph, now, given, tie=tie, gradients=False)[graph.root]
        slopes.append(np.broadcast_to(np.imag(moved) / STEP.imag, given[q].shape))
    return np.concatenate(slopes)


def _unrolled(descent: Descent, w: Array, g: Array) -> dict[str, Array]:
    """The optimizer's variables and w after each update, from all gradients."""
    k = np.arange(1, len(g) + 1)
    env = {**descent.optimizer.floats, "eta": descent.learning_rate, "w": w, "g": g, "k": k, "i": k - 1}
    new: dict[str, Array] = {}
    for name, (formula, weights) in UNROLLED[descent.optimizer.name].items():
        new[name] = value(parse(formula), {**env, **new}.__getitem__)
        if weights:
            new[name] = np.convolve(value(parse(weights), env.__getitem__), new[name])[: len(g)]
    return new


def _variants(stacked: Mapping[str, Array], states: slice, count: int) -> dict[str, Array]:
    return {n: a[..., states] if a.shape[-1] == count else a for n, a in stacked.items()}


def _lost(q: Id, exact: float, computed: float) -> str:
    return f"{q} is {exact:.6g}, but computed as {computed:.6g}: its digits cancel out"


class _Check(NamedTuple):
    method: str
    about: Id
    ours: float
    theirs: float
    scale: float


def _worst(checks: Iterable[_Check]) -> float:
    worst = 0.0
    for method, about, ours, theirs, scale in checks:
        error = abs(ours - theirs) / scale
        if not error <= TOLERANCE:
            raise Uncertified(f"{about} is {ours!r} but {method} says {theirs!r}")
        worst = max(worst, error)
    return worst


def _local_check(graph: Graph, values: Values, d: Derivative) -> _Check:
    """The operation alone, its one input moved by a complex step, all others held."""
    (of, i), (wrt, j) = graph.locate(d.of, d.sample), graph.locate(d.wrt, d.sample)
    assert of.op is not None
    row = (*(n - 1 for n in j), ((d.sample or 1) - 1) if wrt.sampled else 0)
    moved = values.forward[wrt].astype(complex)
    moved[row] += STEP
    inputs = (moved if n is wrt else values.forward[n] for n in of.inputs)
    output = of.op.forward(numpy_table(values.tie), *inputs)
    at = (d.sample or 1) - 1 if of.sampled else 0
    slope = float(output[(*(n - 1 for n in i), at, 0)].imag) / STEP.imag
    return _Check("complex step", d, values.number(d), slope, max(1.0, abs(slope)))
