"""The outputs and the loss: every output's term, every sample's loss, their sum or mean."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import elements

NEEDS = ("targets",)
OVERLOOKS = ("too many answers that are 0",)  # of classes that are not meant

SPEC = """\
name = "loss"
kind = "loss"  # what is asked; others: `list kinds`
title = "The loss of two outputs"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 5  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[0.9, 0.2]]  # a number for each output
loss = "half_squared_error"  # others: `list losses`
updates = 0  # the loss is not followed by an update

[[network.layers]]
activation = "sigmoid"  # others: `list activations`
weights = [[0.4, -0.7], [0.6, 0.3]]  # a row for each unit
biases = [0.1, -0.2]

[[network.layers]]
activation = "sigmoid"
weights = [[0.8, -0.5], [-0.3, 0.9]]
biases = [0.3, -0.1]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 1 }
weights = { min = -1, max = 1, decimals = 1 }
biases = { min = -0.5, max = 0.5, decimals = 1 }
targets = { min = 0.1, max = 0.9, decimals = 2 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield from elements(exercise, "outputs", "a", layers=slice(-1, None))
    for node in exercise.graph.nodes:
        if node.name in ("L", "L0", "R") and node.shape != (1,):
            group = "terms" if node.shape else "loss" if not node.sampled else "of_sample"
            group = group if exercise.graph.samples > 1 or node.shape else "loss"
            for sample in exercise.graph.sample_numbers if node.sampled else [None]:
                yield from ((group, q, 1) for q in node.elements(sample))
