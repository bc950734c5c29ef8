"""Find the mistake in a working: which line is the first wrong one, and what should it say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive.network import WEIGHTS
from derive.quantity import Derivative, Id, Quantity
from generator.exercise import CORRECTION, MISTAKE, Exercise
from generator.exercises._parts import elements, first_weight, last_weight, trained

NEEDS = ("targets",)

SPEC = """\
name = "find-mistake"
kind = "find_mistake"  # what is asked; others: `list kinds`
title = "Find the mistake"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 5  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[0.9]]
learning_rate = 0.5

[[network.layers]]
activation = "sigmoid"  # others: `list activations`
weights = [[0.4, -0.7]]  # a row for each unit
biases = [0.1]

[[network.layers]]
activation = "sigmoid"
weights = [[0.8]]
biases = [0.3]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 2 }
weights = { min = -1, max = 1, decimals = 2 }
biases = { min = -0.5, max = 0.5, decimals = 2 }
targets = { min = 0.1, max = 0.9, decimals = 1 }
"""


def working(exercise: Exercise) -> Iterator[Id]:
    """The forward pass, the loss, the gradients from the output back, the new weights."""
    graph, gradient = exercise.graph, exercise.derivation.derivative
    yield from (q for _, q, _ in elements(exercise, "", "z", "a"))
    yield graph.root
    for z in reversed([node for node in graph.nodes if node.name == "z"]):
        for s in graph.sample_numbers:
            for q in z.elements(s):
                a = Quantity("a", q.index, s)
                yield from (gradient(a), Derivative(a.at(), q.at(), s), gradient(q))
        for node in trained(exercise):
            if node.prefix == z.prefix and node.name in WEIGHTS:
                yield from map(gradient, node.elements())
    if exercise.spec.source.updates:
        for node in reversed(trained(exercise)):
            if node.name in WEIGHTS:
                yield from (q.at(update=1) for q in node.elements())


def ask(exercise: Exercise) -> Iterator[tuple[Any, ...]]:
    """(group, quantity, points) for each part."""
    yield "mistake", MISTAKE, 2
    yield "correction", CORRECTION, 2
    for weight in dict.fromkeys([last_weight(exercise), first_weight(exercise)]):
        yield "right_gradient", exercise.derivation.derivative(weight), 2
