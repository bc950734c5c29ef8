"""A network as a function: its truth table, the lines on which its units are undecided, and the one
linear map that it is without activations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction as Rational
from itertools import product as pairs
from math import gcd, lcm
from typing import Any

import numpy as np

from derive.expression import Call, Expr, Num, Ref, call, fold, value
from derive.graph import Node as GraphNode
from derive.network import collapsed
from derive.ops import Affine, Array, Elementwise
from derive.verify import TOLERANCE, Uncertified
from generator.formula import (
    LINE,
    Fence,
    Matrix,
    Node,
    Number,
    Op,
    Row,
    Symbol,
    Text,
    equation,
    row,
    width,
)
from generator.notation import Namer
from generator.number import shown
from generator.page import Block, Table, block
from generator.spec_network import LayerSpec, NetworkSpec
from generator.telling import Teller, chain
from generator.typeset import typeset

__all__ = ["boundaries", "collapse", "truth_table"]

GAP, WORD = 1.1, 4.5  # em between the columns of a table, and of a head in words
PAGE = LINE + 5  # em: a table has no number at its side

Leaf = Callable[[str, int], Node]  # a layer's W or b: by name, or with its numbers


# The value at (0, 0), (0, 1), (1, 0), (1, 1) -> the function of x and y.
LOGIC: dict[tuple[int, ...], str] = {
    (0, 0, 0, 1): "x AND y",
    (0, 1, 1, 1): "x OR y",
    (1, 1, 1, 0): "NOT (x AND y)",
    (1, 0, 0, 0): "NOT x AND NOT y",
    (0, 1, 1, 0): "x XOR y",
    (1, 0, 0, 1): "x XNOR y",
    (0, 0, 1, 0): "x AND NOT y",
    (0, 1, 0, 0): "NOT x AND y",
    (1, 0, 1, 1): "x OR NOT y",
    (1, 1, 0, 1): "NOT x OR y",
    (0, 0, 1, 1): "x",
    (0, 1, 0, 1): "y",
    (1, 1, 0, 0): "NOT x",
    (1, 0, 1, 0): "NOT y",
}
CERTAIN = 0.01  # away from 0 or 1 an activation may be to be taken for it


def _logic(teller: Teller, corners: Sequence[tuple[float, ...]]) -> Iterator[Node]:
    """a ≈ x AND y, for every unit that is nearly 0 or 1 at all four corners."""
    number, samples = teller.exercise.number, teller.graph.sample_numbers
    inputs = dict(zip("xy", map(teller.name, teller.graph.of_kind("input")[0].elements()), strict=True))
    order = sorted(range(len(corners)), key=lambda n: corners[n])
    for node in (node for node in teller.graph.nodes if node.name == "a"):
        for q in node.elements():
            values = [number(q.at(sample=samples[n])) for n in order]
            function = LOGIC.get(tuple(map(round, values)))
            if function and all(abs(v - round(v)) < CERTAIN for v in values):
                parts = re.split(r"\b([xy])\b", function)
                yield row(teller.name(q), "≈", *(inputs.get(p, Text(p)) for p in parts if p))


def truth_table(teller: Teller) -> Iterator[Block]:
    """A line a sample, where all inputs are 0 or 1: inputs, units, output rounded to 0 or 1.

    Of the columns as many as fit on the page: all units, their activations, the outputs alone.
    """
    graph, number = teller.graph, teller.exercise.number
    if not teller.exercise.spec.network_spec.truth_table:
        return
    samples, (x,) = graph.sample_numbers, graph.of_kind("input")
    corners = [tuple(number(q) for q in x.elements(sample)) for sample in samples]
    units = [node for node in graph.nodes if node.name in ("z", "a")]
    outputs = list(units[-1].elements())
    bits = [tuple(round(number(q.at(sample=sample))) for q in outputs) for sample in samples]
    binary = all(bit in (0, 1) for line in bits for bit in line)
    for nodes in (units, [node for node in units if node.name == "a"], units[-1:]):
        columns = [q for node in (x, *nodes) for q in node.elements()]
        table = Table(
            (*(teller.name(q) for q in columns), *["rounded"] * (binary * len(outputs))),
            tuple(
                (
                    *(teller.shown(q.at(sample=sample)) for q in columns),
                    *(Number(str(bit)) for bit in line if binary),
                )
                for sample, line in zip(samples, bits, strict=True)
            ),
        )
        if _width(table) <= PAGE:
            break
    yield Block("truth_table", {"samples": len(samples)}, (), table)
    if binary and len(outputs) == 1 and set(corners) == set(pairs((0, 1), repeat=2)):
        if functions := [(node, None) for node in _logic(teller, corners)]:
            yield block("logic", {}, functions)
        output = dict(zip(corners, (bit for (bit,) in bits), strict=True))
        if output[0, 0] == output[1, 1] != output[0, 1] == output[1, 0]:
            yield Block("not_separable", {"layers": len(units) // 2})


def wanted_table(teller: Teller) -> Block:
    """What the outputs of a network that is to be designed are for every sample."""
    graph, number = teller.graph, teller.exercise.number
    (x,), output = graph.of_kind("input"), next(n for n in reversed(graph.nodes) if n.name == "a")
    columns = [q for node in (x, output) for q in node.elements()]
    rows = (
        tuple(shown(number(q.at(sample=sample)), 1) for q in columns) for sample in graph.sample_numbers
    )
    table = Table(tuple(teller.name(q) for q in columns), tuple(rows))
    return Block("wanted_table", {"margin": shown(teller.exercise.spec.margin)}, (), table)


def _width(table: Table) -> float:
    columns = zip(table.heads, *table.rows, strict=True)
    return sum(max(WORD if isinstance(n, str) else width(n) for n in c) + GAP for c in columns)


def boundaries(teller: Teller) -> Iterator[Block]:
    """Where a unit with two inputs gives 1/2: w1 x1 + w2 x2 + w0 = 0, of every such unit whose
    activation is 1/2 at 0 (in a network that does not learn: else they move)."""
    rows = []
    for node in teller.graph.nodes if teller.graph.forward_only else ():
        op = node.op
        if node.name == "a" and isinstance(op, Elementwise) and _at_zero(op) == 0.5:
            z, a = node.inputs[0], list(node.elements())
            rows += [
                (teller.name(a[unit]), *line)
                for unit in range(z.shape[0] if _two_inputs(z) else 0)
                if (line := _line(teller, z, unit + 1))
            ]
    if rows:
        table = Table(("unit", "boundary_line", "boundary_short"), tuple(rows))
        yield Block("boundaries", {"count": len(rows)}, (), table)


def _two_inputs(z: GraphNode) -> bool:
    return isinstance(z.op, Affine) and z.op.plain and z.inputs[1].shape == (2,)


def _at_zero(op: Elementwise) -> float:
    with np.errstate(all="ignore"):  # a formula may have no value there
        return float(value(op.formula, lambda name: np.float64((op.constants or {}).get(name, 0))))


def _line(teller: Teller, z: GraphNode, unit: int) -> tuple[Node, ...]:
    """20 x1 + 20 x2 − 30 = 0, and the same line with coprime weights, x1 + x2 = 3/2; nothing where
    both weights are 0."""
    weights, below, *biases = z.inputs
    slopes = [Rational(teller.typed[weights.element((unit, j))]) for j in (1, 2)]
    shift = sum(Rational(teller.typed[b.element((unit,) if b.shape else ())]) for b in biases)
    if not any(slopes):
        return ()
    whole = lcm(*(n.denominator for n in slopes))
    scale = Rational(whole, gcd(*(int(n * whole) for n in slopes)))
    scale *= 1 if next(filter(None, slopes)) > 0 else -1

    def side(*numbers: Rational) -> Node:
        pairs = zip(numbers, [*map(Ref, below.elements()), None], strict=False)
        return typeset(_linear([(n, name) for n, name in pairs if n]), teller.label)

    long = equation(side(*slopes, Rational(shift)), Number("0"))
    at = -shift * scale
    return long, equation(
        side(*(n * scale for n in slopes)), typeset(_linear([(at, None)]), teller.label)
    )


def _linear(terms: list[tuple[Rational, Ref | None]]) -> Expr:
    """20·x1 − x2 + 3: a minus that is not the first sign is a subtraction, −1·x1 is −x1."""
    written: list[Expr] = []
    for number, name in terms:
        minus = number < 0 and (bool(written) or name is None or number == -1)
        size = Num(abs(number) if minus else number)
        term = fold(call("*", size, name)) if name else size
        written.append(Call("neg", (term,)) if minus else term)
    return call("+", *written)


def collapse(teller: Teller) -> Iterator[Block]:
    """f(x) = W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2) where no hidden layer has an activation: in
    names, and the numbers of the one map that it is."""
    net = teller.exercise.spec.network_spec
    *hidden, output = (layer.activation for layer in net.layers)
    if not hidden or any(activation != "identity" for activation in hidden):
        return
    if not all(layer.plain for layer in net.layers):
        return
    maps = _Maps(net, teller.exercise.network_namer, teller.digits)
    names, x = maps.name.whole, maps.name.whole("x")
    f = Row((Symbol("f"), Fence(x))) if output == "identity" else names("z", len(net.layers))
    flat = [
        maps.times(Fence(maps.product(names)), x),
        *([Fence(maps.shift(names))] if maps.biased else []),
    ]
    whole = equation(f, maps.nested(x), _sum(*flat))
    yield Block("collapse", {"output": output == "identity"}, ((whole, None),))
    if net.symbols:
        return
    slope, constant = collapsed([_exact(layer) for layer in net.layers])
    first, *_ = [_confirmed(teller, slope, constant, sample) for sample in teller.graph.sample_numbers]
    matrix, vector, result = (maps.matrix(array) for array in (slope, constant[:, None], first[:, None]))
    lines = [chain(maps.product(names), [maps.product(maps.numbers), matrix])]
    value = maps.times(matrix, maps.matrix([[number] for number in net.inputs[0]]))
    if maps.biased:
        lines.append(chain(maps.shift(names), [maps.shift(maps.numbers), vector]))
        value = _sum(value, vector)
    if max(map(width, [*lines, value])) < LINE:
        args = {"samples": teller.graph.samples, "biased": bool(maps.biased)}
        yield Block("collapsed", args, tuple((line, None) for line in lines))
        yield Block("collapsed_value", args, ((equation(f, value, result), None),))


@dataclass(frozen=True)
class _Maps:
    """The layers of a network as matrices and columns, or as rows where the notation has rows."""

    net: NetworkSpec
    name: Namer
    digits: int

    @property
    def biased(self) -> list[int]:
        """The layers with biases."""
        return [n for n, layer in enumerate(self.net.layers, 1) if layer.kind_of_bias != "none"]

    @property
    def rows(self) -> bool:
        return self.name.notation.vectors == "row"

    def times(self, *factors: Node) -> Node:
        """W x, or x W."""
        return factors[0] if len(factors) == 1 else Row(factors[::-1] if self.rows else factors)

    def product(self, leaf: Leaf, down_to: int = 1, *right: Node) -> Node:
        """W3 W2 … and what stands right of them."""
        weights = (leaf("W", n) for n in range(len(self.net.layers), down_to - 1, -1))
        return self.times(*weights, *right)

    def shift(self, leaf: Leaf) -> Node:
        """W2 b1 + b2."""
        return _sum(*(self.product(leaf, n + 1, leaf("b", n)) for n in self.biased))

    def nested(self, x: Node) -> Node:
        """W2 (W1 x + b1) + b2."""
        for n in range(1, len(self.net.layers) + 1):
            x = self.times(self.name.whole("W", n), Fence(x) if n - 1 in self.biased else x)
            x = _sum(x, self.name.whole("b", n)) if n in self.biased else x
        return x

    def numbers(self, role: str, n: int) -> Node:
        """A layer's W or b with its numbers."""
        layer = self.net.layers[n - 1]
        return self.matrix(layer.own() if role == "W" else [[b] for b in layer.biases])

    def matrix(self, grid: Sequence[Sequence[Any]] | Array) -> Node:
        """Numbers in brackets; exact ones that are not decimals are rounded for showing."""
        lines = zip(*grid, strict=True) if self.rows else grid
        return Matrix(tuple(tuple(self.shown(number) for number in line) for line in lines))

    def shown(self, number: Any) -> Node:
        return shown(float(number) if isinstance(number, Rational) else number, self.digits)


def _sum(*terms: Node) -> Node:
    return row(*[part for term in terms for part in (Op("+"), term)][1:])


def _exact(layer: LayerSpec) -> tuple[Array, Array]:
    """W and b in fractions."""
    weights = [[Rational(number) for number in line] for line in layer.own()]
    biases = layer.biases or [Decimal(0)] * len(weights)
    return np.array(weights, dtype=object), np.array([*map(Rational, biases)], dtype=object)


def _confirmed(teller: Teller, slope: Array, constant: Array, sample: int | None) -> Array:
    """M x + c of a sample; Uncertified if it is not what the layers gave."""
    (x,), z = teller.graph.of_kind("input"), [n for n in teller.graph.nodes if n.name == "z"][-1]
    inputs = np.array([Rational(teller.typed[q]) for q in x.elements(sample)], dtype=object)
    found = slope @ inputs + constant
    for q, number in zip(z.elements(sample), found, strict=True):
        if abs(float(number) - teller.exercise.number(q)) > TOLERANCE * max(1.0, abs(number)):
            raise Uncertified(
                f"{q} is {teller.exercise.number(q)!r}, but {float(number)!r} by one linear map"
            )
    return np.asarray(found)
