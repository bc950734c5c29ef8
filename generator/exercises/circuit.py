"""A circuit of gates: the value of every gate, then the gradient on every wire."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    graph = exercise.graph
    for node in graph.nodes:
        if node.op:
            yield "gate", node.element(()), 1
    for target in exercise.derivation.targets():
        if target.wrt != graph.root:
            yield "wire", target, 1
