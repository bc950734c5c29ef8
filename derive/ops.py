"""OPS: one row an operation, with its value and its local derivatives *as they are taught*.

An elementwise operation is two formulas: `sigmoid` is 1/(1 + exp(-z)), its local derivative is
a*(1 - a), in terms of its own output `a` because that is how it is computed by hand.  Everything
else is read off the row: NumPy, mpmath and complex evaluation, the shown formula, and the SymPy
expression that a test differentiates to prove the local derivative right.

Affine maps, sums and the softmax have a structure besides a formula; they are the only other classes.
Arrays have the shape of the node, followed by two axes: samples, variants.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from derive.expression import Call, Expr, Num, Ref, Table, call, fold, parse, substitute, value

__all__ = [
    "ACTIVATIONS",
    "DERIVED",
    "DOMAINS",
    "FUSED",
    "GATES",
    "LOSSES",
    "OPS",
    "OUT",
    "Affine",
    "Array",
    "Elementwise",
    "Index",
]
__all__ += ["Op", "OverSamples", "Penalty", "Shape", "Softmax", "Total", "Wiring", "indices"]
__all__ += ["OUTPUTS_OF", "VECTOR_ACTIVATIONS"]

Array = npt.NDArray[Any]
Index = tuple[int, ...]  # of an element in a node, counted from 1
Shape = tuple[int, ...]

OUT = "out"  # the slot name of an operation's own output


@dataclass(frozen=True)
class Op(ABC):
    """What a node does with its inputs.

    Vectorised: `forward` and `backward` (vector-Jacobian product) over whole arrays.  Scalar:
    `definition`, `feeds` and `partial`, formulas whose names are `(slot, index)` pairs,
    or triples with a sample.  A test
    holds the two against each other for every row of OPS.
    """

    slots: tuple[str, ...]

    @abstractmethod
    def shape(self, *inputs: Shape) -> Shape:
        """Shape of the output."""

    @abstractmethod
    def forward(self, table: Table, *inputs: Array) -> Array:
        """Output from inputs, computed with the functions in `table`."""

    @abstractmethod
    def backward(
        self, table: Table, upstream: Array, output: Array, *inputs: Array
    ) -> tuple[Array | None, ...]:
        """∂L/∂input for each input from ∂L/∂output; None where the input gets no gradient."""

    @abstractmethod
    def definition(self, i: Index, *inputs: Shape) -> Expr:
        """The formula of output element i."""

    @abstractmethod
    def feeds(self, slot: int, j: Index, *inputs: Shape) -> Iterable[Index]:
        """The output elements that element j of input `slot` feeds."""

    @abstractmethod
    def partial(self, slot: int, j: Index, i: Index) -> Expr:
        """The local derivative ∂out[i]/∂input[j], for an i that it feeds."""

    def differentiable(self, slot: int) -> bool:
        """Whether input `slot` gets a gradient at all (a target does not)."""
        return True


def indices(shape: Shape) -> Iterable[Index]:
    """All element indices of a shape, counted from 1, in row order."""
    return product(*(range(1, n + 1) for n in shape))


@dataclass(frozen=True)
class Elementwise(Op):
    """out[i] = f(in[i], …), given by formulas; an input of shape () feeds every element."""

    output: str
    formula: Expr
    partials: Mapping[str, Expr]
    kinks: tuple[Expr, ...] = ()  # where one of these is 0, there is no derivative, but one on each side
    constants: Mapping[str, Fraction] | None = None  # e.g. alpha, with its default

    def with_constants(self, **constants: Fraction) -> Elementwise:
        """The same row with its constants set, as in leaky_relu with alpha = 0.1."""
        if unknown := set(constants) - set(self.constants or ()):
            raise ValueError(f"no constant {min(unknown)}")
        return replace(self, constants={**(self.constants or {}), **constants})

    def bind(self, slot: str, number: Fraction) -> Elementwise:
        """The row with a number in place of an input: x*y with x = 2 is 2*y."""
        partials = {name: partial for name, partial in self.partials.items() if name != slot}
        slots = tuple(name for name in self.slots if name != slot)
        constants = {**(self.constants or {}), slot: number}
        return replace(self, slots=slots, partials=partials, constants=constants)

    def rule(self, expr: Expr, i: Index, shapes: Mapping[str, Shape] | None = None) -> Expr:
        """`expr` of the row applied to element i: names become (slot, index) pairs."""

        def name(word: str) -> Expr:
            if self.constants and word in self.constants:
                return Num(self.constants[word])
            if word == self.output:
                return Ref((OUT, i))
            return Ref((word, i if shapes is None or shapes[word] else ()))

        bound = substitute(expr, name)
        return fold(bound) if self.constants else bound

    def shape(self, *inputs: Shape) -> Shape:
        return np.broadcast_shapes(*inputs)

    def _evaluate(self, expr: Expr, table: Table, output: Array | None, inputs: Sequence[Array]) -> Any:
        names: dict[str, Any] = dict(zip(self.slots, inputs, strict=True))
        names[self.output] = output
        for name, constant in (self.constants or {}).items():
            names[name] = value(Num(constant), names.__getitem__, table)
        return value(expr, names.__getitem__, table)

    def forward(self, table: Table, *inputs: Array) -> Array:
        return np.asarray(self._evaluate(self.formula, table, None, inputs))

    def at_kinks(self, table: Table, *inputs: Array) -> list[Array]:
        """The value of each kink's expression."""
        return [np.asarray(self._evaluate(kink, table, None, inputs)) for kink in self.kinks]

    def local(self, table: Table, slot: int, output: Array, *inputs: Array) -> Array:
        """∂out[i]/∂in[i] as an array of the output's shape."""
        local = self._evaluate(self.partials[self.slots[slot]], table, output, inputs)
        return np.broadcast_to(local, output.shape)

    def backward(
        self, table: Table, upstream: Array, output: Array, *inputs: Array
    ) -> tuple[Array | None, ...]:
        return tuple(
            upstream * self._evaluate(self.partials[name], table, output, inputs)
            if name in self.partials
            else None
            for name in self.slots
        )

    def definition(self, i: Index, *inputs: Shape) -> Expr:
        return self.rule(self.formula, i, dict(zip(self.slots, inputs, strict=True)))

    def feeds(self, slot: int, j: Index, *inputs: Shape) -> Iterable[Index]:
        return [j] if inputs[slot] else indices(self.shape(*inputs))

    def partial(self, slot: int, j: Index, i: Index) -> Expr:
        return self.rule(self.partials[self.slots[slot]], i)

    def differentiable(self, slot: int) -> bool:
        return self.slots[slot] in self.partials


Wiring = tuple[tuple[Index | None, ...], ...]


@dataclass(frozen=True)
class Affine(Op):
    """z[i] = Σ_j W[w(i,j)] a[j] + b[i] + s[i]: weights, the layer below, and whatever else is there.

    `wiring` says which weight w(i,j) joins unit i to input j, or that none does (a row a unit): tied
    weights, missing connections and convolutions are tables of it.  None: W[i,j], everything
    joined.  W (units, inputs) unless it is wired; b (units,), or () when shared; s (units,) is added
    as it is, a skip connection; `one`, a constant 1, is what b is the weight of, if it is there.
    """

    slots: tuple[str, ...] = ("W", "a", "b")
    wiring: Wiring | None = None

    @property
    def plain(self) -> bool:
        """W a + b, everything joined, and nothing else."""
        return self.wiring is None and set(self.slots) <= {"W", "a", "b"}

    @cached_property
    def _places(self) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        """(units, inputs) that are joined, and where the weights of them are, counted from 0."""
        assert self.wiring is not None
        joined = [
            (i, j, weight) for i, row in enumerate(self.wiring) for j, weight in enumerate(row) if weight
        ]
        units, inputs, weights = zip(*joined, strict=True)
        at = tuple(np.array(axis) - 1 for axis in zip(*weights, strict=True))
        return (np.array(units), np.array(inputs)), at

    def _matrix(self, weights: Array) -> Array:
        """Weights as a matrix, with 0 where nothing is joined."""
        if self.wiring is None:
            return weights
        joined, at = self._places
        shape = (len(self.wiring), len(self.wiring[0]), *weights.shape[-2:])
        matrix: Array = np.zeros(shape, weights.dtype)
        matrix[joined] = weights[at]
        return matrix

    def shape(self, *inputs: Shape) -> Shape:
        return (len(self.wiring),) if self.wiring else inputs[0][:1]

    def forward(self, table: Table, *inputs: Array) -> Array:
        given = dict(zip(self.slots, inputs, strict=True))
        total = (self._matrix(given["W"]) * given["a"]).sum(axis=1)
        if "b" in given:
            total = total + given["b"] * given.get("one", 1)
        return np.asarray(total + given["s"] if "s" in given else total)

    def backward(
        self, table: Table, upstream: Array, output: Array, *inputs: Array
    ) -> tuple[Array | None, ...]:
        given = dict(zip(self.slots, inputs, strict=True))
        weights = upstream[:, None] * given["a"]
        if self.wiring:
            joined, at = self._places
            shape = (*given["W"].shape[:-2], *weights.shape[-2:])
            collected: Array = np.zeros(shape, weights.dtype)
            np.add.at(collected, at, weights[joined])
            weights = collected
        gradients: dict[str, Array] = {
            "W": weights,
            "a": (self._matrix(given["W"]) * upstream[:, None]).sum(axis=0),
            "s": upstream,
        }
        if "b" in given:
            bias = upstream * given.get("one", 1)
            gradients["b"] = bias if given["b"].ndim > 2 else bias.sum(axis=0)
        return tuple(gradients.get(slot) for slot in self.slots)

    def weight(self, i: Index, j: Index) -> Index | None:
        """w(i, j)."""
        return self.wiring[i[0] - 1][j[0] - 1] if self.wiring else (*i, *j)

    def definition(self, i: Index, *inputs: Shape) -> Expr:
        shapes = dict(zip(self.slots, inputs, strict=True))
        joined = ((self.weight(i, j), j) for j in indices(shapes["a"]))
        terms = [call("*", Ref(("W", weight)), Ref(("a", j))) for weight, j in joined if weight]
        if "b" in shapes:
            bias = Ref(("b", i if shapes["b"] else ()))
            terms.append(call("*", bias, Ref(("one", ()))) if "one" in shapes else bias)
        return call("+", *terms, *([Ref(("s", i))] if "s" in shapes else []))

    def feeds(self, slot: int, j: Index, *inputs: Shape) -> Iterable[Index]:
        match self.slots[slot]:
            case "W" if self.wiring is None:
                return [j[:1]]
            case "W":
                return [(i,) for i, row in enumerate(self.wiring or (), 1) if j in row]
            case "a" if self.wiring:
                return [(i,) for i, row in enumerate(self.wiring, 1) if row[j[0] - 1]]
            case "b" | "s" if j:
                return [j]
            case _:
                return indices(self.shape(*inputs))

    def partial(self, slot: int, j: Index, i: Index) -> Expr:
        match self.slots[slot]:
            case "W" if self.wiring is None:
                return Ref(("a", j[1:]))
            case "W":
                row = (self.wiring or ())[i[0] - 1]
                return call("+", *(Ref(("a", (n,))) for n, w in enumerate(row, 1) if w == j))
            case "a":
                return Ref(("W", self.weight(i, j) or ()))
            case "b" if "one" in self.slots:
                return Ref(("one", ()))
            case _:
                return Num(Fraction(1))

    def differentiable(self, slot: int) -> bool:
        return self.slots[slot] != "one"


@dataclass(frozen=True)
class Softmax(Op):
    """a[i] = exp(z[i]) / Σ_k exp(z[k]); ∂a[i]/∂z[i] = a[i] (1 − a[i]), ∂a[i]/∂z[j] = −a[i] a[j].

    Every output depends on every input: the only operation whose local derivatives name siblings.
    """

    slots: tuple[str, ...] = ("z",)
    formula: ClassVar[str] = "exp(z)/(the sum of exp(z) over the layer)"
    constants: ClassVar[None] = None

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def forward(self, table: Table, *inputs: Array) -> Array:
        (z,) = inputs
        # The same number taken from every z changes nothing, and exp(z) stays ≤ 1.  A real one, so that
        # a complex step is not taken away with it.  exp is never 0, however small: log(a) has a value.
        powers = table["exp"](z - np.real(z).max(axis=0))
        powers = np.where(powers == 0, np.finfo(float).tiny, powers)
        return np.asarray(powers / powers.sum(axis=0))

    def backward(
        self, table: Table, upstream: Array, output: Array, *inputs: Array
    ) -> tuple[Array | None, ...]:
        return (output * (upstream - (upstream * output).sum(axis=0)),)

    def definition(self, i: Index, *inputs: Shape) -> Expr:
        powers = {j: call("exp", Ref(("z", j))) for j in indices(inputs[0])}
        return call("/", powers[i], call("+", *powers.values()))

    def feeds(self, slot: int, j: Index, *inputs: Shape) -> Iterable[Index]:
        return indices(inputs[0])

    def partial(self, slot: int, j: Index, i: Index) -> Expr:
        own, other = Ref((OUT, i)), Ref((OUT, j))
        return call("*", own, call("-", 1, own)) if i == j else call("*", call("neg", own), other)

    def local(self, table: Table, slot: int, output: Array, *inputs: Array) -> Array:
        """∂out[i]/∂in[i] as an array of the output's shape."""
        return np.asarray(output * (1 - output))


@dataclass(frozen=True)
class Total(Op):
    """L = Σ_i L[i], the sum (or the mean) over the outputs."""

    slots: tuple[str, ...] = ("L",)
    mean: bool = False
    outputs: int = 1

    @property
    def weight(self) -> Fraction:
        """What one output counts: 1 or 1/n."""
        return Fraction(1, self.outputs if self.mean else 1)

    def shape(self, *inputs: Shape) -> Shape:
        return ()

    def forward(self, table: Table, *inputs: Array) -> Array:
        total = inputs[0].sum(axis=0)
        return np.asarray(total / self.outputs if self.mean else total)

    def backward(
        self, table: Table, upstream: Array, output: Array, *inputs: Array
    ) -> tuple[Array | None, ...]:
        share = upstream * float(self.weight) if self.mean else upstream
        return (np.broadcast_to(share, inputs[0].shape),)

    def definition(self, i: Index, *inputs: Shape) -> Expr:
        return _summed([Ref(("L", j)) for j in indices(inputs[0])], self.weight)

    def feeds(self, slot: int, j: Index, *inputs: Shape) -> Iterable[Index]:
        return [()]

    def partial(self, slot: int, j: Index, i: Index) -> Expr:
        return Num(self.weight)


def _summed(terms: Sequence[Expr], weight: Fraction) -> Expr:
    """L1 + L2 + …, or L1/n + L2/n + …, which a line can be broken in."""
    if weight != 1:
        terms = [Call("/", (term, Num(1 / weight))) for term in terms]
    return call("+", *terms)


@dataclass(frozen=True)
class OverSamples(Op):
    """L = Σ_s L#s, the sum (or the mean) over the samples of a batch."""

    slots: tuple[str, ...] = ("L",)
    mean: bool = False
    samples: int = 1

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    @property
    def weight(self) -> Fraction:
        """What one sample counts: 1 or 1/n."""
        return Fraction(1, self.samples if self.mean else 1)

    def forward(self, table: Table, *inputs: Array) -> Array:
        total = inputs[0].sum(axis=-2, keepdims=True)
        return np.asarray(total / self.samples if self.mean else total)

    def backward(
        self, table: Table, upstream: Array, output: Array, *inputs: Array
    ) -> tuple[Array | None, ...]:
        return (np.broadcast_to(upstream * float(self.weight), inputs[0].shape),)

    def definition(self, i: Index, *inputs: Shape) -> Expr:
        return _summed([Ref(("L", i, s)) for s in range(1, self.samples + 1)], self.weight)

    def feeds(self, slot: int, j: Index, *inputs: Shape) -> Iterable[Index]:
        return [j]

    def partial(self, slot: int, j: Index, i: Index) -> Expr:
        return Num(self.weight)


@dataclass(frozen=True)
class Penalty(Op):
    """R = λ/2 Σ w², over all elements of all inputs but the first, which is λ; ∂R/∂w = λ w.
    `absent`: elements of each that are not there."""

    slots: tuple[str, ...] = ("lambda", "W")
    absent: tuple[frozenset[Index], ...] = (frozenset(),)

    def shape(self, *inputs: Shape) -> Shape:
        return ()

    def forward(self, table: Table, *inputs: Array) -> Array:
        rate, *weights = inputs
        squares = [(w * w).reshape(-1, *w.shape[-2:]).sum(axis=0) for w in weights]
        return np.asarray(rate * sum(squares) / 2)

    def backward(
        self, table: Table, upstream: Array, output: Array, *inputs: Array
    ) -> tuple[Array | None, ...]:
        rate, *weights = inputs
        return (None, *(upstream * rate * w for w in weights))

    def definition(self, i: Index, *inputs: Shape) -> Expr:
        squares = [
            call("**", Ref((slot, j)), 2)
            for slot, shape, absent in zip(self.slots[1:], inputs[1:], self.absent, strict=True)
            for j in indices(shape)
            if j not in absent
        ]
        return call("*", call("/", Ref(("lambda", ())), 2), call("+", *squares))

    def feeds(self, slot: int, j: Index, *inputs: Shape) -> Iterable[Index]:
        return [()]

    def partial(self, slot: int, j: Index, i: Index) -> Expr:
        return call("*", Ref(("lambda", ())), Ref((self.slots[slot], j)))

    def differentiable(self, slot: int) -> bool:
        return slot > 0


def _activation(
    formula: str, derivative: str, kinks: tuple[str, ...] = (), **constants: str
) -> Elementwise:
    return Elementwise(
        slots=("z",),
        output="a",
        formula=parse(formula),
        partials={"z": parse(derivative)},
        kinks=tuple(parse(kink) for kink in kinks),
        constants={name: Fraction(number) for name, number in constants.items()},
    )


def _loss(formula: str, derivative: str, kinks: tuple[str, ...] = (), **constants: str) -> Elementwise:
    return Elementwise(
        slots=("a", "t"),
        output="L",
        formula=parse(formula),
        partials={"a": parse(derivative)},
        kinks=tuple(parse(kink) for kink in kinks),
        constants={name: Fraction(number) for name, number in constants.items()},
    )


_GELU = "tanh(sqrt(2/pi)*(z + 0.044715*z**3))"

ACTIVATIONS: dict[str, Elementwise] = {
    "sigmoid": _activation("1/(1 + exp(-z))", "a*(1 - a)"),
    "tanh": _activation("tanh(z)", "1 - a**2"),
    "relu": _activation("max(0, z)", "where(z > 0, 1, 0)", kinks=("z",)),
    "leaky_relu": _activation(
        "where(z > 0, z, alpha*z)", "where(z > 0, 1, alpha)", kinks=("z",), alpha="0.01"
    ),
    "prelu": _activation(
        "where(z > 0, z, alpha*z)", "where(z > 0, 1, alpha)", kinks=("z",), alpha="0.25"
    ),
    "elu": _activation(
        "where(z > 0, z, alpha*(exp(z) - 1))",
        "where(z > 0, 1, a + alpha)",
        kinks=("where(alpha == 1, 1, z)",),
        alpha="1",
    ),
    "softplus": _activation("log(1 + exp(z))", "1/(1 + exp(-z))"),
    "gelu": _activation("z*Phi(z)", "Phi(z) + z*phi(z)"),
    "gelu_tanh": _activation(
        f"1/2*z*(1 + {_GELU})",
        f"1/2*(1 + {_GELU}) + 1/2*z*(1 - {_GELU}**2)*sqrt(2/pi)*(1 + 0.134145*z**2)",
    ),
    "silu": _activation("z*sigmoid(z)", "a + sigmoid(z)*(1 - a)"),
    "hard_sigmoid": _activation(
        "where(z > 3, 1, where(z > -3, z/6 + 1/2, 0))",
        "where(z > 3, 0, where(z > -3, 1/6, 0))",
        kinks=("z - 3", "z + 3"),
    ),
    "step": _activation("where(z > 0, 1, 0)", "0", kinks=("z",)),
    "identity": _activation("z", "1"),
}

VECTOR_ACTIVATIONS: dict[str, Softmax] = {"softmax": Softmax()}  # of a whole layer at once

# The loss of one output; it is summed over the outputs, of which there are n.
LOSSES: dict[str, Elementwise] = {
    "half_squared_error": _loss("1/2*(a - t)**2", "a - t"),
    "squared_error": _loss("(a - t)**2", "2*(a - t)"),
    "mse": _loss("1/n*(a - t)**2", "2/n*(a - t)", n="1"),
    "half_mse": _loss("1/(2*n)*(a - t)**2", "1/n*(a - t)", n="1"),
    "binary_cross_entropy": _loss("-t*log(a) - (1 - t)*log(1 - a)", "(a - t)/(a*(1 - a))"),
    "hinge": _loss("max(0, 1 - t*a)", "where(1 - t*a > 0, -t, 0)", kinks=("1 - t*a",)),
    "huber": _loss(
        "where(abs(a - t) > delta, delta*(abs(a - t) - delta/2), 1/2*(a - t)**2)",
        "where(a - t > delta, delta, where(t - a > delta, -delta, a - t))",
        delta="1",
    ),
    "mae": _loss("abs(a - t)", "where(a - t > 0, 1, -1)", kinks=("a - t",)),
    "cross_entropy": _loss("-t*log(a)", "-(t/a)"),
}

# The activations of the output layer that a loss can be taken of, where not all will do: of 0 and of
# negative numbers there is no logarithm.
OUTPUTS_OF: dict[str, tuple[str, ...]] = {"cross_entropy": ("softmax", "sigmoid")}


class Domain(NamedTuple):
    """What a loss for two classes is made for: `labels`, the targets of the classes; whether a target
    may lie `between` them; the `outputs`, if it is not defined for those of every activation."""

    labels: tuple[int, int]
    between: bool = False
    outputs: tuple[str, ...] = ()


DOMAINS: dict[str, Domain] = {
    "binary_cross_entropy": Domain((0, 1), between=True, outputs=("sigmoid",)),
    "hinge": Domain((-1, 1)),
}

# (loss, activation) -> ∂L/∂z in one, where what the one divides by is what the other multiplies with.
FUSED: dict[tuple[str, str], Expr] = {("binary_cross_entropy", "sigmoid"): parse("a - t")}


def _gate(formula: str, *partials: str, kinks: tuple[str, ...] = ()) -> Elementwise:
    slots = ("x", "y")[: len(partials)]
    taught = {slot: parse(partial) for slot, partial in zip(slots, partials, strict=True)}
    return Elementwise(slots, "out", parse(formula), taught, tuple(map(parse, kinks)))


# What a circuit is made of; `out` is the gate's own output.
GATES: dict[str, Elementwise] = {
    "+": _gate("x + y", "1", "1"),
    "-": _gate("x - y", "1", "-1"),
    "*": _gate("x*y", "y", "x"),
    "/": _gate("x/y", "1/y", "-x/y**2"),
    "**": _gate("x**y", "y*x**(y - 1)", "out*log(x)"),
    "neg": _gate("-x", "-1"),
    "exp": _gate("exp(x)", "out"),
    "log": _gate("log(x)", "1/x"),
    "sqrt": _gate("sqrt(x)", "1/(2*out)"),
    "sin": _gate("sin(x)", "cos(x)"),
    "cos": _gate("cos(x)", "-sin(x)"),
    "tanh": _gate("tanh(x)", "1 - out**2"),
    "sigmoid": _gate("1/(1 + exp(-x))", "(1 - out)*out"),
    "relu": _gate("max(0, x)", "where(x > 0, 1, 0)", kinks=("x",)),
    "abs": _gate("abs(x)", "where(x > 0, 1, -1)", kinks=("x",)),
    "max": _gate("max(x, y)", "where(y > x, 0, 1)", "where(y > x, 1, 0)", kinks=("x - y",)),
    "min": _gate("min(x, y)", "where(x > y, 0, 1)", "where(x > y, 1, 0)", kinks=("x - y",)),
}

# How a local derivative is found, by the name of its activation or gate: what f(x) is, then f′(x) step
# by step until f is back.  A test proves each step.
DERIVED: dict[str, tuple[Expr, ...]] = {
    "sigmoid": (
        parse("1/(1 + exp(-x))"),
        parse("exp(-x)/(1 + exp(-x))**2"),
        parse("(1 + exp(-x) - 1)/(1 + exp(-x))*(1/(1 + exp(-x)))"),
        parse("((1 + exp(-x))/(1 + exp(-x)) - 1/(1 + exp(-x)))*(1/(1 + exp(-x)))"),
        parse("(1 - f)*f"),
    ),
    "tanh": (
        parse("(exp(x) - exp(-x))/(exp(x) + exp(-x))"),
        parse("((exp(x) + exp(-x))**2 - (exp(x) - exp(-x))**2)/(exp(x) + exp(-x))**2"),
        parse("1 - ((exp(x) - exp(-x))/(exp(x) + exp(-x)))**2"),
        parse("1 - f**2"),
    ),
}

OPS: dict[str, Op] = {
    **ACTIVATIONS,
    **VECTOR_ACTIVATIONS,
    **LOSSES,
    "affine": Affine(),
    "total": Total(),
    "penalty": Penalty(),
}
OPS |= {"over_samples": OverSamples()} | {f"{fn} gate": gate for fn, gate in GATES.items()}
