"""Backpropagation with matrices: their shapes, and the numbers in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive.quantity import Quantity
from generator.exercise import Exercise
from generator.exercises._parts import deltas, elements, gradients

NEEDS = ("targets", "a second layer", "a plain network")

SPEC = """\
name = "matrix-form"
kind = "matrix_form"  # what is asked; others: `list kinds`
title = "Backpropagation with matrices"
notation = "plain"  # how quantities are written; others: `list notations`
telling = "layers"  # with matrices
digits = 4  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[0.9]]
updates = 0  # no update follows

[[network.layers]]
activation = "tanh"  # others: `list activations`
weights = [[0.4, -0.7], [-0.3, 0.6], [0.2, 0.5]]  # a row for each unit
biases = [0.1, 0.2, -0.3]

[[network.layers]]
activation = "sigmoid"
weights = [[0.8, -0.5, 0.7]]
biases = [0.3]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 1 }
weights = { min = -1, max = 1, decimals = 1 }
biases = { min = -0.5, max = 0.5, decimals = 1 }
targets = { min = 0.1, max = 0.9, decimals = 1 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[Any, ...]]:
    """(group, quantity, points, form) for each part."""
    for layer in range(1, len(exercise.spec.network_spec.layers) + 1):
        for name in ("shape_W", "shape_a", "shape_delta", "shape_dW"):
            yield "shape", Quantity(name, (layer,)), 1, "shape"
    yield from elements(exercise, "forward", "a")
    yield from deltas(exercise)
    yield from gradients(exercise)
