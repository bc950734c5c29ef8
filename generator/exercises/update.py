"""One update: the gradients, a new value of each layer's first weight, the loss before and after."""

from __future__ import annotations

from collections.abc import Iterator

from derive.network import WEIGHTS
from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import gradients, trained

NEEDS = ("targets", "an update", "trained weights")

SPEC = """\
name = "update"
kind = "update"  # what is asked; others: `list kinds`
title = "One step of gradient descent"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 4  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[0.9]]
learning_rate = 0.5

[[network.layers]]
activation = "sigmoid"  # others: `list activations`
weights = [[0.4, -0.7], [0.6, 0.3]]  # a row for each unit
biases = [0.1, -0.2]

[[network.layers]]
activation = "sigmoid"
weights = [[0.8, -0.5]]
biases = [0.3]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 1 }
weights = { min = -1, max = 1, decimals = 1 }
biases = { min = -0.5, max = 0.5, decimals = 1 }
targets = { min = 0.1, max = 0.9, decimals = 1 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield "loss", exercise.graph.root, 1
    yield from gradients(exercise)
    for node in trained(exercise):
        if node.name in WEIGHTS:
            yield "new", next(node.elements()).at(update=1), 1
    yield "after_it", exercise.graph.root.at(update=1), 2
