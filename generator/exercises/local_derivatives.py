"""The derivative of every activation, ∂a/∂z: as a formula, and its number at its point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive.quantity import Derivative, Quantity
from generator.exercise import Exercise
from generator.exercises._parts import elements

NEEDS = ("targets",)

SPEC = """\
name = "local-derivatives"
kind = "local_derivatives"  # what is asked; others: `list kinds`
title = "Derivatives of activation functions"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 5  # significant digits of an answer

[network]
inputs = [[0.5]]
targets = [[0.9]]
updates = 0  # no update follows

[[network.layers]]
activation = "sigmoid"  # others: `list activations`
weights = [[0.4]]
biases = [0.1]

[[network.layers]]
activation = "leaky_relu"
alpha = 0.1  # its slope where the pre-activation is negative
weights = [[-0.7]]
biases = [0.2]

[[network.layers]]
activation = "tanh"
weights = [[1.2]]
biases = [-0.3]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 2 }
weights = { min = -2, max = 2, decimals = 2 }
biases = { min = -0.5, max = 0.5, decimals = 1 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[Any, ...]]:
    """(group, quantity, points, form) for each part."""
    yield from elements(exercise, "forward_only", "z", "a")
    nodes = [node for node in exercise.graph.nodes if node.name == "z"]
    for node in nodes:  # one formula for all units of a layer
        q = next(node.elements(exercise.graph.sample_numbers[0]))
        yield "local_formula", Derivative(Quantity("a", q.index), q.at(), q.sample), 1, "formula"
    for z in [q for node in nodes for s in exercise.graph.sample_numbers for q in node.elements(s)]:
        yield "local", Derivative(Quantity("a", z.index), z.at(), z.sample), 1
