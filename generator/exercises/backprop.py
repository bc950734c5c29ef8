"""One full pass: every activation, the loss, every ∂L/∂z, the parameters' gradients, one update.

A network of at most 12 trained parameters is asked for all of them.  Of a larger one each layer
gives two weights (the first of its first unit, the last of its last unit) and one bias: the rest is
the same calculation again.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import after, deltas, elements, gradients

NEEDS = ("targets",)

SPEC = """\
name = "backprop"
kind = "backprop"  # what is asked; others: `list kinds`
title = "One pass of backpropagation"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 4  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[0.9]]
loss = "half_squared_error"  # others: `list losses`
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
    yield from elements(exercise, "forward", "a")
    yield "loss", exercise.graph.root, 1
    yield from deltas(exercise)
    yield from gradients(exercise)
    yield from after(exercise)
