"""Certificates: no derived number is handed out that independent methods have not confirmed.

    chain rule     Σ upstream · factors of every step, as it is shown, against the array evaluation
    complex step   Im f(q + ih)/h of the forward pass alone, h = 1e-30 |q|: no subtraction, no rules
    mpmath         the forward pass in 50 digits, in 70 or more where (f(q + h) − f(q))/h is taken of it
    counting       parameters, one by one
    sympy          SymPy composes the loss and differentiates it (small networks, on request)

What an optimizer makes of the gradients is checked as one sum over all of them (UNROLLED), not update by
update.

Errors are scaled by the variant's largest gradient (values: by the largest value, at least 1).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil, log10
from typing import Any

import numpy as np

from derive.backprop import Derivation, Step
from derive.descent import Descent
from derive.evaluate import Values, evaluate
from derive.expression import mpmath_table, numpy_table, parse, value
from derive.graph import FIXED, Graph, Kind, Node
from derive.network import counted
from derive.ops import Array
from derive.optimizer import of_parameter
from derive.quantity import Derivative, Id, Quantity
from derive.zscore import Feature

__all__ = ["TOLERANCE", "Certificate", "Uncertified", "certify", "certify_descent", "certify_values"]
__all__ += ["Findings", "certify_scores", "examine", "examine_derivatives", "examine_descent"]
__all__ += ["METHODS", "examine_by_sympy", "examine_counts", "examine_values"]
__all__ += ["quantities"]

DIFFERENTIATED: tuple[Kind, ...] = ("input", "parameter", "computed")
COMPUTED: tuple[Kind, ...] = ("computed",)
TOLERANCE = 1e-12
DIGITS = 50
ROOT = 35  # digits of a step: what a difference with it is off by, and half of what that takes
STEP = 1e-30j
SMALLEST = 1e-100  # beside which a step is still taken
ROOM = 2_000_000  # numbers that are held at a time, about
NOISE = 1e-25  # of differences, relative to the largest gradient, with no zeros


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


def _size(numbers: Array) -> Array:
    """What a step of a number has to be small beside: an output of 1e-35 may stand in a logarithm."""
    sizes = np.clip(np.abs(numbers).astype(float), SMALLEST, 1.0)
    return np.where(numbers == 0, 1e-8, sizes)


def _zeros(values: Values, moved: Iterable[Quantity]) -> int:
    """How many more zeros the smallest of these numbers begins with than 50 digits have room for."""
    smallest = min((float(_size(values[q]).min()) for q in moved), default=1.0)
    return max(0, ceil(-log10(smallest)) - 8)


def _copies(values: Values, count: int) -> dict[str, Array]:
    """The numbers put in, as many times as quantities are moved: one copy of all variants for each."""
    wide = values.variants
    arrays = {n.key: values.forward[n] for n in values.graph.given}
    return {name: np.tile(a, count) if a.shape[-1] == wide else a for name, a in arrays.items()}


def complex_step(graph: Graph, values: Values, moved: list[Quantity]) -> dict[Quantity, Array]:
    """∂root/∂q of every variant for every q that is moved, from one evaluation of the forward pass for
    many of them."""
    slopes: dict[Quantity, Array] = {}
    for block in _blocks(values, moved):
        given, steps = {}, [STEP * _size(values[q]) for q in block]
        for p, q in enumerate(block):
            column = np.full((len(block), values.variants), np.nan, dtype=complex)
            column[p] = values[q] + steps[p]
            given[q] = column.ravel()
        nudged = evaluate(graph, _copies(values, len(block)), given, tie=values.tie, gradients=False)
        root = np.broadcast_to(nudged[graph.root], column.size).reshape(column.shape)
        slopes |= {q: np.imag(root[p]) / steps[p].imag for p, q in enumerate(block)}
    return slopes


def _blocks(values: Values, moved: list[Quantity]) -> Iterator[list[Quantity]]:
    """As many quantities at a time as there is memory for: each is moved in a copy of all numbers."""
    numbers = sum(array.size for array in values.forward.values())
    size = max(1, ROOM // numbers)
    return (moved[at : at + size] for at in range(0, len(moved), size))


@cache
def _context(digits: int) -> Any:
    """Arithmetic in so many digits."""
    import mpmath

    context: Any = mpmath.MPContext()
    context.dps = digits
    return context


def _precise(values: Values, digits: int = DIGITS) -> Values:
    """The forward pass in so many digits, from the numbers put in."""
    context = _context(digits)
    exact = np.frompyfunc(context.mpf, 1, 1)
    given = values.graph.given
    data = {n.key: np.asarray(exact(values.forward[n]), object) for n in given}
    table = mpmath_table(context, values.tie)
    return evaluate(values.graph, data, table=table, gradients=False)


def _digits(values: Values, moved: Iterable[Quantity]) -> int:
    """Of a difference with one step on one side: half of them for the step, which is beside a small
    number as small, half for what the step changes; 35 are right then."""
    return 2 * ROOT + 4 * _zeros(values, moved)


def mpmath_gradients(
    values: Values, moved: Iterable[Quantity], precise: Values, digits: int
) -> dict[Quantity, Array]:
    """∂root/∂q of every variant for every q that is moved, by differences (f(q + h) − f(q))/h of the
    forward pass in many digits, h = 10^(−digits/2) |q|.  `precise` is the pass where nothing is moved;
    what does not depend on q is taken from it."""
    graph, context, wide = values.graph, _context(digits), values.variants
    table = mpmath_table(context, values.tie)
    small = context.mpf(10) ** -(digits // 2)
    root = np.broadcast_to(precise[graph.root], wide)
    slopes: dict[Quantity, Array] = {}
    of_node: dict[Node, list[Quantity]] = {}
    for q in moved:
        of_node.setdefault(graph.find(q)[0], []).append(q)
    for node, of_it in of_node.items():
        following = graph.following(node)
        for block in _blocks(values, of_it):
            held = {
                n: np.tile(array, len(block)) if array.shape[-1] == wide else array
                for n, array in precise.forward.items()
                if n is node or n not in following
            }
            shape = (*held[node].shape[:-1], len(block) * wide)
            held[node] = np.array(np.broadcast_to(held[node], shape), object)
            steps = [_size(values[q]).astype(object) * small for q in block]
            for p, (q, h) in enumerate(zip(block, steps, strict=True)):
                at = slice(None) if q.sample is None else q.sample - 1
                element = (*(n - 1 for n in graph.find(q)[1]), at, slice(p * wide, (p + 1) * wide))
                held[node][element] += h
            nudged = evaluate(graph, {}, table=table, gradients=False, held=held)[graph.root]
            moved_root = np.broadcast_to(nudged, len(block) * wide).reshape(len(block), wide)
            for p, (q, h) in enumerate(zip(block, steps, strict=True)):
                slopes[q] = _floats((moved_root[p] - root) / h)
    return slopes


def _floats(numbers: Array) -> Array:
    return np.array([float(number.real) for number in np.atleast_1d(numbers)])


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


class Findings:
    """Of each variant the largest error, and the first thing that is wrong with it."""

    def __init__(self, variants: int) -> None:
        self.errors: Array = np.zeros(variants)
        self.wrong: list[str | None] = [None] * variants
        self.unfinished = False  # one of them ended the tests of all

    @np.errstate(all="ignore")  # what has no value is found, not warned of
    def check(self, method: str, about: Id, ours: Array, theirs: Array, scale: Any) -> None:
        """Two methods about one number."""
        ours, theirs, errors = np.broadcast_arrays(ours, theirs, np.abs(ours - theirs) / scale)
        self.errors = np.fmax(self.errors, errors)
        self.say(~(errors <= TOLERANCE), lambda v: _disagree(about, ours[v], method, theirs[v]))

    def say(self, where: Array, what: str | Callable[[int], str]) -> None:
        """What is wrong with some variants, unless something else was said of them."""
        for v in np.flatnonzero(np.broadcast_to(where, len(self.wrong))):
            self.wrong[v] = self.wrong[v] or (what if isinstance(what, str) else what(int(v)))

    def add(self, others: Findings) -> None:
        """What else was found of the same variants."""
        self.errors = np.fmax(self.errors, others.errors)
        self.unfinished |= others.unfinished
        self.wrong = [mine or theirs for mine, theirs in zip(self.wrong, others.wrong, strict=True)]

    def worst(self) -> float:
        """The largest error of all; Uncertified if something is wrong with any."""
        for said in self.wrong:
            if said:
                raise Uncertified(said)
        return float(self.errors.max())


def _disagree(about: Id, ours: Any, method: str, theirs: Any) -> str:
    return f"{about} is {float(ours)!r} but {method} says {float(theirs)!r}"


def certify(
    derivation: Derivation,
    values: Values,
    sympy_for: Iterable[Quantity] | None = None,
    digits: int = 4,
    only: Iterable[Quantity] | None = None,
) -> Certificate:
    """Check every value, gradient and shown step; Uncertified names the first number that two methods
    disagree about by more than 1e-12 (scaled), or that has lost the significant `digits` that are
    shown of it.

    `sympy_for`: parameters or inputs whose gradient SymPy differentiates too, of a single variant.
    `only`: the quantities whose gradients are checked, for a network too large to check them all.
    """
    found = examine(derivation, values, digits, only)
    if sympy_for is not None:
        found.add(examine_by_sympy(derivation, values, sympy_for))
    return Certificate((*METHODS, *(["sympy"] if sympy_for is not None else [])), found.worst())


METHODS = ("chain rule", "complex step", "mpmath")


def examine_by_sympy(derivation: Derivation, values: Values, wanted: Iterable[Quantity]) -> Findings:
    """Gradients of a single variant against those of the composed loss, differentiated by SymPy."""
    found = Findings(1)
    largest = _largest(values[d] for d in map(derivation.derivative, quantities(derivation.graph)))
    for q, slope in _sympy_gradients(derivation.graph, values, wanted).items():
        d = derivation.derivative(q)
        found.check("sympy", d, values[d], np.array([slope]), largest)
    return found


def _largest(numbers: Iterable[Array]) -> Array:
    """Of each variant (the last axis) the size of its largest number, 1 where all are 0."""
    largest: Any = 0.0
    for array in numbers:
        largest = np.maximum(largest, np.abs(array).reshape(-1, array.shape[-1]).max(axis=0))
    return np.where(largest == 0, 1.0, largest)


def examine(
    derivation: Derivation, values: Values, digits: int = 4, only: Iterable[Quantity] | None = None
) -> Findings:
    """What `certify` checks, of every variant, without an exception for what is wrong."""
    graph = derivation.graph
    moved = quantities(graph) if only is None else list(only)
    found = _finite(values)
    if found.unfinished:
        return found
    many = _digits(values, moved)
    forward = _precise(values, many)
    _check_values(found, values, forward)
    if any(found.wrong):
        found.unfinished = True
        return found
    slopes = complex_step(graph, values, moved)
    precise = mpmath_gradients(values, moved, forward, many)
    derived = {d: values[d] for d in map(derivation.derivative, moved)}
    gradients = (array for node, array in values.gradient.items() if node.kind not in FIXED)
    largest = _largest(gradients)
    noise = largest * NOISE * 10.0 ** -_zeros(values, moved)
    for d, number in derived.items():
        kind = graph.locate(d.wrt, d.sample)[0]
        q = d.wrt.at(sample=d.sample) if kind.sampled else d.wrt
        found.check("complex step", d, number, slopes[q], largest)
        found.check("mpmath", d, number, precise[q], largest)
        step = derivation.step(d)
        if step.rule != "seed":
            found.check("chain rule", d, number, step_value(step, values), largest)
        if (short := derivation.together(d)) is not None:
            found.check("a − t", d, number, values.compute(short), largest)
        for term in step.terms:
            for factor in term.factors:
                if factor.derivative.of != graph.root.at():
                    _check_local(found, graph, values, factor.derivative)
        if not (graph.of_kind("parameter") and kind.kind == "input"):  # no page shows those
            _check_digits(found, d, number, precise[q], noise, digits)
    return found


@np.errstate(all="ignore")
def _check_digits(
    found: Findings, about: Id, ours: Array, exact: Array, noise: Any, digits: int
) -> None:
    """Every number has the digits that are shown of it."""
    smallest = np.maximum(np.abs(exact), noise)
    ours, exact, off = np.broadcast_arrays(ours, exact, np.abs(ours - exact))
    found.say(off > smallest * 10.0 ** -(digits + 1), lambda v: _lost(about, exact[v], ours[v]))


def certify_values(values: Values, digits: int | None = None) -> float:
    """Check the forward values alone (of a state whose gradients nobody uses): the largest error.

    With `digits`, every single value must have that many, however small it is: σ(−30) = 9.358·10⁻¹⁴.
    """
    return examine_values(values, digits).worst()


def examine_values(values: Values, digits: int | None = None) -> Findings:
    """What `certify_values` checks, of every variant."""
    found = _finite(values)
    if not found.unfinished:
        _check_values(found, values, _precise(values), digits)
    return found


def _finite(values: Values) -> Findings:
    """What is no number ends all tests."""
    found = Findings(values.variants)
    for what, arrays in (("value", values.forward), ("gradient", values.gradient)):
        for node, array in arrays.items():
            flat = np.asarray(array, float).reshape(-1, array.shape[-1])
            found.say(~np.isfinite(flat).all(axis=0), f"{node} has no finite {what}")
    found.unfinished = any(found.wrong)
    return found


def _check_values(found: Findings, values: Values, precise: Values, digits: int | None = None) -> None:
    """Forward values against those in many digits."""
    computed = quantities(values.graph, COMPUTED)
    scale = np.maximum(1.0, _largest(values[q] for q in computed))
    for q in computed:
        exact = np.broadcast_to(_floats(precise[q]), values.variants)
        if digits:
            _check_digits(found, q, values[q], exact, 0.0, digits)
        found.check("mpmath", q, values[q], exact, scale)


def examine_counts(graph: Graph, wanted: Iterable[Id], variants: int = 1) -> Findings:
    """Check P and P[l] of a network without ties by counting its parameters one by one; once for all
    its variants, whose numbers are not looked at."""
    found = Findings(variants)
    one_by_one = {node: sum(1 for _ in node.present) for node in graph.of_kind("parameter")}
    for q in wanted:
        layer = q.index if isinstance(q, Quantity) else ()
        theirs = sum(count for node, count in one_by_one.items() if layer in ((), node.prefix))
        found.check("counting", q, np.full(variants, counted(graph, q)), np.array(theirs), 1.0)
    return found


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


def examine_derivatives(values: Values, wanted: Iterable[Derivative]) -> Findings:
    """Check derivatives of anything by anything, ∂L[1]/∂a[1][1], by complex steps."""
    found = Findings(values.variants)
    for d in wanted:
        graph = values.graph.towards(d.of, d.sample)
        node, i = graph.locate(d.wrt, d.sample)
        moved = node.element(i, d.sample)
        slope = complex_step(graph, values, [moved])[moved]
        found.check("complex step", d, values[d], slope, np.maximum(1.0, np.abs(slope)))
    return found


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
    return examine_descent(descent).worst()


@np.errstate(all="ignore")
def examine_descent(descent: Descent) -> Findings:
    """What `certify_descent` checks, of every variant."""
    graph, count, wide = descent.graph, len(descent), descent[0].values.variants
    found = Findings(wide)
    if count < 2 or not descent.trained:
        return found
    stacked = descent.stacked(count)
    checks: list[tuple[str, Quantity, Array, Array]] = []
    for node in descent.trained:
        for q in node.elements():
            path = stacked[node.key][(*(n - 1 for n in graph.find(q)[1]), 0)].reshape(count, -1)
            slopes = _slopes(descent, stacked, q, wide).reshape(count - 1, wide)
            theirs = _unrolled(descent, path[:-1], slopes)
            checks.append(("w", q, path[1:], theirs["w"]))
            for name, ours in descent.variables(q).items():
                checks.append((name, of_parameter(name, q), ours, theirs[name]))
    kinds = descent.optimizer.variables
    largest = {kind: _largest(abs(c[2]).max(axis=0) for c in checks if c[0] == kind) for kind in kinds}
    for name, q, ours, expected in checks:
        scale = np.maximum(1.0, np.abs(expected)) if name == "w" else largest[name]
        errors = np.broadcast_to(np.abs(ours - expected) / scale, (count - 1, wide))
        for k in (1 + np.flatnonzero(~(errors <= TOLERANCE).all(axis=1))).tolist():
            wrong, finite = ~(errors[k - 1] <= TOLERANCE), np.isfinite(ours[k - 1])
            found.say(wrong & ~finite, f"{q.at(update=k)} has no finite value")
            found.say(wrong, f"{q.at(update=k)} does not follow by complex steps")
        found.errors = np.fmax(found.errors, errors.max(axis=0))
    return found


def _slopes(descent: Descent, stacked: Mapping[str, Array], q: Quantity, wide: int) -> Array:
    """∂root/∂q of every state but the last, of each variant, by complex steps."""
    graph, count = descent.graph, len(descent)
    node, i = graph.find(q)
    tie = descent.tie if count == 2 else 0.0
    slopes = []
    for start in range(0, count - 1, BLOCK):
        states = slice(start * wide, min(start + BLOCK, count - 1) * wide)
        now = {n: a[..., states] if a.shape[-1] == count * wide else a for n, a in stacked.items()}
        given = {q: now[node.key][(*(n - 1 for n in i), 0)] + STEP}
        moved = evaluate(graph, now, given, tie=tie, gradients=False)[graph.root]
        length = states.stop - states.start
        slopes.append(np.broadcast_to(np.imag(moved) / STEP.imag, length))
    return np.concatenate(slopes)


def _unrolled(descent: Descent, w: Array, g: Array) -> dict[str, Array]:
    """The optimizer's variables and w after each update, from all gradients; a column a variant."""
    k = np.arange(1, len(g) + 1)[:, None]
    env = {**descent.optimizer.floats, "eta": descent.learning_rate, "w": w, "g": g, "k": k, "i": k - 1}
    new: dict[str, Array] = {}
    for name, (formula, weights) in UNROLLED[descent.optimizer.name].items():
        new[name] = value(parse(formula), {**env, **new}.__getitem__)
        if weights:
            by_age = value(parse(weights), env.__getitem__)[:, 0]
            columns = (np.convolve(by_age, column)[: len(g)] for column in new[name].T)
            new[name] = np.stack([*columns], axis=-1)
    return new


def _lost(q: Id, exact: Any, computed: Any) -> str:
    return f"{q} is {exact:.6g}, but computed as {computed:.6g}: its digits cancel out"


def _check_local(found: Findings, graph: Graph, values: Values, d: Derivative) -> None:
    """The operation alone, its one input moved by a complex step, all others held."""
    (of, i), (wrt, j) = graph.locate(d.of, d.sample), graph.locate(d.wrt, d.sample)
    assert of.op is not None
    row = (*(n - 1 for n in j), ((d.sample or 1) - 1) if wrt.sampled else 0)
    moved = values.forward[wrt].astype(complex)
    step = STEP * _size(moved[row].real)
    moved[row] += step
    inputs = (moved if n is wrt else values.forward[n] for n in of.inputs)
    with np.errstate(all="ignore"):
        output = of.op.forward(numpy_table(values.tie), *inputs)
    at = (d.sample or 1) - 1 if of.sampled else 0
    slope = np.imag(output[(*(n - 1 for n in i), at)]) / step.imag
    found.check("complex step", d, values[d], slope, np.maximum(1.0, np.abs(slope)))
