"""A circuit of gates: the value of every gate, then the gradient on every wire."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise

NEEDS = ("a circuit",)

SPEC = """\
name = "circuit"
kind = "circuit"  # what is asked; others: `list kinds`
title = "Backpropagation through a circuit"
digits = 6  # significant digits of an answer

[circuit]
inputs = { x = -2, y = 5, z = -4 }
# + - * / **, exp, log, sigmoid, tanh, relu, max, …
nodes = ["q = x + y", "p = q * z", "m = max(x, y)", "f = p + m"]
output = "f"

[draw]
wires = { min = -20, max = 20, decimals = 2 }  # from where each variant's inputs come
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    graph = exercise.graph
    for node in graph.nodes:
        if node.op:
            yield "gate", node.element(()), 1
    for target in exercise.derivation.targets():
        if target.wrt != graph.root:
            yield "wire", target, 1
