"""What several kinds ask: (group, quantity, points), in the order in which it is computed."""

from __future__ import annotations

from collections.abc import Iterator

from derive.graph import Node
from derive.network import WEIGHTS, parameter_count
from derive.quantity import Id, Quantity
from generator.exercise import Exercise

__all__ = ["after", "deltas", "elements", "first_weight", "gradients"]
__all__ += ["lines", "trained"]

Part = tuple[str, Id, int]
ALL = 12  # trained parameters of which all are asked


def elements(exercise: Exercise, group: str, *names: str, layers: slice = slice(None)) -> Iterator[Part]:
    """z, a, … of all units of some layers, sample by sample."""
    graph = exercise.graph
    nodes = [node for node in graph.nodes if node.name in names]
    prefixes = list(dict.fromkeys(node.prefix for node in nodes))[layers]
    for sample in graph.sample_numbers:
        for node in nodes:
            if node.prefix in prefixes:
                yield from ((group, q, 1) for q in node.elements(sample))


def deltas(exercise: Exercise) -> Iterator[Part]:
    """∂L/∂z of every unit, from the output back."""
    graph, gradient = exercise.graph, exercise.derivation.derivative
    for sample in graph.sample_numbers:
        for node in reversed(graph.nodes):
            if node.name == "z":
                yield from (("delta", gradient(q), 2) for q in node.elements(sample))


def trained(exercise: Exercise) -> list[Node]:
    """The blocks of parameters that an update changes, from the output back."""
    return [node for node in reversed(exercise.graph.of_kind("parameter")) if node.trained]


def gradients(exercise: Exercise, most: int = ALL) -> Iterator[Part]:
    """∂L/∂w of every trained parameter; where there are more than `most`, of each layer's first and last
    weight and its first bias.  The bias of one unit is not asked: its gradient is that unit's ∂L/∂z."""
    graph, gradient = exercise.graph, exercise.derivation.derivative
    for node in trained(exercise):
        if node.name == "b" and node.shape and graph.samples == 1:
            continue
        chosen: list[Quantity] = list(node.elements())
        if parameter_count(graph) > most and node.name in WEIGHTS:
            chosen = list(dict.fromkeys([chosen[0], chosen[-1]]))
        yield from (("gradient", gradient(q), 1) for q in chosen)


def after(exercise: Exercise) -> Iterator[Part]:
    """The loss after one update, where there is one."""
    if exercise.spec.source.updates and trained(exercise):
        yield "after", exercise.graph.root.at(update=1), 3


def first_weight(exercise: Exercise) -> Quantity:
    """The first weight of the first layer that has weights of its own."""
    node = next(node for node in exercise.graph.of_kind("parameter") if node.name in WEIGHTS)
    return next(node.elements())


def lines(exercise: Exercise, group: str) -> Iterator[Part]:
    """Every value of a circuit, in the order in which it is computed."""
    yield from ((group, node.element(()), 1) for node in exercise.graph.nodes if node.op)
