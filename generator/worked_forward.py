"""A network as a function: its truth table, the lines on which its units are undecided, and the one
linear map that it is without activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction as Rational
from itertools import product as pairs
from math import gcd, lcm
from typing import Any

import numpy as np

from derive.expression import Call, Expr, Num, Ref, call, fold, value
from derive.graph import Node as GraphNode
from derive.network import collapsed
from derive.ops import Array, Elementwise
from derive.verify import TOLERANCE, Uncertified
from generator.formula import LINE, Fence, Matrix, Node, Number, Op, Row, Symbol, equation, row, width
from generator.number import shown
from generator.page import Block, Table
from generator.telling import Teller, chain
from generator.typeset import typeset

__all__ = ["boundaries", "collapse", "truth_table"]

GAP, WORD = 1.1, 4.5  # em between the columns of a table, and of a head in words
PAGE = LINE + 5  # em: a table has no number at its side

Leaf = Callable[[str, int], Node]  # a layer's W or b: by name, or with its numbers


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
    if len(outputs) == 1 and set(corners) == set(pairs((0, 1), repeat=2)):
        output = dict(zip(corners, (bit for (bit,) in bits), strict=True))
        if output[0, 0] == output[1, 1] != output[0, 1] == output[1, 0]:
            yield Block("not_separable", {"layers": len(units) // 2})


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
                for unit in range(z.shape[0] if z.inputs[1].shape == (2,) else 0)
                if (line := _line(teller, z, unit + 1))
            ]
    if rows:
        table = Table(("unit", "boundary_line", "boundary_short"), tuple(rows))
        yield Block("boundaries", {"count": len(rows)}, (), table)


def _at_zero(op: Elementwise) -> float:
    return float(value(op.formula, lambda name: (op.constants or {}).get(name, 0)))


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
    net, namer = teller.exercise.spec.network_spec, teller.exercise.network_namer
    if len(net.layers) < 2 or any(layer.activation != "identity" for layer in net.layers[:-1]):
        return
    rows, last = namer.notation.vectors == "row", len(net.layers)
    biased = [n for n, layer in enumerate(net.layers, 1) if layer.kind_of_bias != "none"]
    identity, x = net.layers[-1].activation == "identity", namer.whole("x")
    f = Row((Symbol("f"), Fence(x))) if identity else namer.whole("z", last)

    def times(*factors: Node) -> Node:
        return factors[0] if len(factors) == 1 else Row(factors[::-1] if rows else factors)

    def product(leaf: Leaf, down_to: int, *right: Node) -> Node:
        return times(*(leaf("W", n) for n in range(last, down_to - 1, -1)), *right)

    def shift(leaf: Leaf) -> Node:
        return _sum(*(product(leaf, n + 1, leaf("b", n)) for n in biased))

    def matrix(grid: Sequence[Sequence[Any]] | Array) -> Node:
        turned = zip(*grid, strict=True) if rows else grid
        return Matrix(tuple(tuple(shown(number, teller.digits) for number in line) for line in turned))

    def numbers(role: str, n: int) -> Node:
        layer = net.layers[n - 1]
        return matrix(layer.weights if role == "W" else [[b] for b in layer.biases])

    nested: Node = x
    for n in range(1, last + 1):
        nested = times(namer.whole("W", n), Fence(nested) if n - 1 in biased else nested)
        nested = _sum(nested, namer.whole("b", n)) if n in biased else nested
    whole = Fence(product(namer.whole, 1))
    flat = _sum(times(whole, x), *([Fence(shift(namer.whole))] if biased else []))
    yield Block("collapse", {"output": identity}, ((equation(f, nested, flat), None),))
    if net.symbols:
        return

    maps = [
        (_exact(layer.weights), _exact(layer.biases or [0] * len(layer.weights))) for layer in net.layers
    ]
    slope, constant = collapsed(maps)
    outputs = [_confirmed(teller, slope, constant, sample) for sample in teller.graph.sample_numbers]
    results = [matrix(array.astype(float)) for array in (slope, constant[:, None], outputs[0][:, None])]
    column = matrix([[number] for number in net.inputs[0]])
    lines = [chain(product(namer.whole, 1), [product(numbers, 1), results[0]])]
    value_at = _sum(times(results[0], column), *results[1:2] * bool(biased))
    if biased:
        lines.append(chain(shift(namer.whole), [shift(numbers), results[1]]))
    if max(map(width, [*lines, value_at])) < LINE:
        one = {"samples": teller.graph.samples, "biased": bool(biased)}
        yield Block("collapsed", one, tuple((line, None) for line in lines))
        yield Block("collapsed_value", one, ((equation(f, value_at, results[2]), None),))


def _sum(*terms: Node) -> Node:
    return row(*[part for term in terms for part in (Op("+"), term)][1:])


def _exact(numbers: Any) -> Any:
    return np.frompyfunc(Rational, 1, 1)(np.array(numbers, dtype=object))


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
