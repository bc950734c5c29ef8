"""The gradient over a batch: what each sample contributes, then the sum or mean."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Derivative, Id, Quantity
from generator.exercise import Exercise
from generator.exercises._parts import elements, first_weight

NEEDS = ("targets", "a second sample", "a single output", "trained weights")

SPEC = """\
name = "batch"
kind = "batch"  # what is asked; others: `list kinds`
title = "The gradient over a batch"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 4  # significant digits of an answer

[network]
inputs = [[0.5, -1.0], [1.5, 0.4], [-0.8, 1.2]]  # a row for each sample
targets = [[1], [0], [1]]
reduction = "sum"  # over the samples; or "mean"
updates = 0  # no update follows

[[network.layers]]
activation = "sigmoid"
weights = [[0.4, -0.7]]
biases = [0.1]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 1 }
weights = { min = -1, max = 1, decimals = 1 }
biases = { min = -0.5, max = 0.5, decimals = 1 }
targets = { min = 0.1, max = 0.9, decimals = 1 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    weight = first_weight(exercise)
    yield from elements(exercise, "outputs", "a", layers=slice(-1, None))
    for sample in exercise.graph.sample_numbers:
        yield "contribution", Derivative(Quantity("L", (1,)), weight, sample), 2
    yield "over_batch", exercise.derivation.derivative(weight), 1
