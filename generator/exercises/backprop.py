"""One full pass: every activation, the loss, every ∂L/∂z, the parameters' gradients, one update.

A network of at most 12 trained parameters is asked for all of them.  Of a larger one each layer
gives two weights (the first of its first unit, the last of its last unit) and one bias: the rest is
the same calculation again.  A bias of one unit is not asked: its gradient is that unit's ∂L/∂z.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.network import WEIGHTS, parameter_count
from derive.quantity import Id, Quantity
from generator.exercise import Exercise

ALL = 12


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    graph, gradient = exercise.graph, exercise.derivation.derivative
    for sample in graph.sample_numbers:
        for node in graph.nodes:
            if node.name == "a":
                yield from (("forward", q, 1) for q in node.elements(sample))
    yield "loss", graph.root, 1
    for sample in graph.sample_numbers:
        for node in reversed(graph.nodes):
            if node.name == "z":
                yield from (("delta", gradient(q), 2) for q in node.elements(sample))
    trained = [node for node in reversed(graph.of_kind("parameter")) if node.trained]
    for node in trained:
        if node.name == "b" and node.shape and graph.samples == 1:
            continue
        chosen: list[Quantity] = list(node.elements())
        if parameter_count(graph) > ALL and node.name in WEIGHTS:
            chosen = list(dict.fromkeys([chosen[0], chosen[-1]]))
        yield from (("gradient", gradient(q), 1) for q in chosen)
    if exercise.spec.source.updates and trained:
        yield "after", graph.root.at(update=1), 3
