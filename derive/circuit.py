"""Formulas -> Graph of gates: `q = x + y`, `f = q*z`.

Every operator and function is a gate of its own, in the order of evaluation; a number that enters a
gate belongs to the gate (`+1`, `×−1`, `1/x`).  A gate whose result has no name is g1, g2, ….  What is
used several times fans out, and its gradients add up.

Or every line is one operation, however much stands in it: `z = w*x + u*h + b` has the local
derivatives x, w, h, u, 1.  So recurrence and attention are told as they are taught.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from derive.expression import ARITY, Call, Expr, ExpressionError, Num, fold, parse, refs
from derive.graph import Graph, Node
from derive.ops import ACTIVATIONS, GATES, Elementwise
from derive.quantity import Quantity

__all__ = ["FUNCTIONS", "CircuitError", "circuit"]

FUNCTIONS = {fn: len(gate.slots) for fn, gate in GATES.items()} | {"neg": 1}
assert {fn for fn in FUNCTIONS if fn in ARITY} <= set(GATES)


class CircuitError(ValueError):
    """What is wrong with which line of a circuit (counted from 0)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def circuit(
    inputs: Sequence[str],
    lines: Sequence[str],
    output: str,
    constants: Sequence[str] = (),
    whole: bool = False,
) -> Graph:
    """The graph of the assignments `lines`, rooted at `output`.

    A name that is assigned again means its newest value from there on; the values before are gates
    without a name.  `constants` are inputs that get no gradient.  `whole`: a line is one operation, not
    one for each gate.  CircuitError names the line.
    """
    assigned = [_split(number, line) for number, line in enumerate(lines)]
    last = {name: number for number, (name, _) in enumerate(assigned)}
    known: dict[str, Node] = {}
    for name in inputs:
        known[name] = Node(name, (), (), "constant" if name in constants else "input")
    nodes = list(known.values())
    unnamed = 0

    def gate(op: Elementwise, sources: tuple[Node, ...], name: str | None) -> Node:
        nonlocal unnamed
        while name is None or (name in last and name != target):
            unnamed += 1
            name = f"g{unnamed}" if f"g{unnamed}" not in {*last, *inputs} else None
        nodes.append(Node(name, (), (), "computed", op, sources))
        return nodes[-1]

    def source_of(name: Hashable) -> Node:
        if name not in known:
            there = ", ".join(known)
            raise CircuitError(number, f"{name!r} has no value here; there are {there}")
        return known[str(name)]

    def build(expr: Expr, name: str | None) -> Node | Num:
        if isinstance(expr, Num):
            return expr
        if not isinstance(expr, Call):
            source = source_of(expr.name)
            return gate(ACTIVATIONS["identity"], (source,), name) if name else source
        op = GATES.get(expr.fn)
        if op is None:
            raise CircuitError(number, f"{expr.fn!r} is not a gate; there are {' '.join(GATES)}")
        sources = []
        for slot, arg in zip(op.slots, expr.args, strict=True):
            built = build(arg, None)
            if isinstance(built, Num):
                op = op.bind(slot, built.value)
            else:
                sources.append(built)
        if not sources:
            raise CircuitError(number, f"{expr.fn} of a number; write its result instead")
        return gate(op, tuple(sources), name)

    def line(expr: Expr, name: str | None) -> Node | Num:
        """The whole formula as one operation, if it is more than one gate."""
        if not (whole and isinstance(expr, Call) and any(isinstance(arg, Call) for arg in expr.args)):
            return build(expr, name)
        sources = {str(leaf): source_of(leaf) for leaf in refs(expr)}
        if not sources:
            return build(expr, name)
        return gate(_operation(number, lines[number], list(sources)), tuple(sources.values()), name)

    for number, (target, formula) in enumerate(assigned):
        if target in inputs:
            raise CircuitError(number, f"{target!r} is an input; give the result another name")
        built = line(formula, target if last[target] == number else None)
        if isinstance(built, Num):
            raise CircuitError(number, f"{target!r} is a number; make it an input")
        known[target] = built
    if output not in last:
        raise CircuitError(len(lines) - 1, f"the output {output!r} is not computed")
    return Graph(tuple(nodes), Quantity(output))


def _operation(number: int, line: str, slots: list[str]) -> Elementwise:
    """What stands right of `=`, differentiated by every name in it."""
    from derive.symbolic import elementwise

    _, _, formula = line.partition("=")
    try:
        return elementwise(formula.strip(), "out", *slots, by=slots)
    except ExpressionError as error:
        raise CircuitError(number, f"{formula.strip()[:60]!r}: {error}") from None


def _split(number: int, line: str) -> tuple[str, Expr]:
    """`name = formula`."""
    name, equals, formula = line.partition("=")
    name = name.strip()
    if not equals or not name.isidentifier() or not name.isascii() or name in FUNCTIONS:
        raise CircuitError(number, f"{line[:60]!r} is not of the form name = formula")
    try:
        return name, fold(parse(formula, FUNCTIONS))
    except ExpressionError as error:
        at = error.offset + line.index("=") + 1
        raise CircuitError(number, f"character {at + 1}: {error}") from None
