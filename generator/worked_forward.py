"""A network as a function: its truth table, and the lines on which its units are undecided."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction as Rational
from itertools import product
from math import gcd, lcm

from derive.expression import Call, Expr, Num, Ref, call, fold, value
from derive.graph import Node as GraphNode
from derive.ops import Elementwise
from generator.formula import LINE, Node, Number, equation, width
from generator.page import Block, Table
from generator.telling import Teller
from generator.typeset import typeset

__all__ = ["boundaries", "truth_table"]

GAP, WORD = 1.1, 4.5  # em between the columns of a table, and of a head in words
PAGE = LINE + 5  # em: a table has no number at its side


def truth_table(teller: Teller) -> Iterator[Block]:
    """A line a sample, where all inputs are 0 or 1: inputs, units, output rounded to 0 or 1.

    Of the columns as many as fit on the page: all units, their activations, the outputs alone.
    """
    graph, number = teller.graph, teller.exercise.number
    if not graph.forward_only:
        return
    samples, (x,) = graph.sample_numbers, graph.of_kind("input")
    corners = [tuple(number(q) for q in x.elements(sample)) for sample in samples]
    if len(samples) == 1 or any(bit not in (0, 1) for corner in corners for bit in corner):
        return
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
    if len(outputs) == 1 and set(corners) == set(product((0, 1), repeat=2)):
        output = dict(zip(corners, (bit for (bit,) in bits), strict=True))
        if output[0, 0] == output[1, 1] != output[0, 1] == output[1, 0]:
            yield Block("not_separable", {"layers": len(units) // 2})


def _width(table: Table) -> float:
    columns = zip(table.heads, *table.rows, strict=True)
    return sum(max(WORD if isinstance(n, str) else width(n) for n in c) + GAP for c in columns)


def boundaries(teller: Teller) -> Iterator[Block]:
    """Where a unit with two inputs gives 1/2: w1 x1 + w2 x2 + w0 = 0, of every such unit whose
    activation is 1/2 at 0."""
    rows = []
    for node in teller.graph.nodes:
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
