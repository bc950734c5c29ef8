"""A forward pass alone: the pre-activation and the activation of every unit, for every sample."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    graph = exercise.graph
    for sample in graph.sample_numbers:
        for node in graph.nodes:
            if node.name in ("z", "a"):
                yield from (("forward_only", q, 1) for q in node.elements(sample))
