"""All gradients: ∂L/∂z of every unit, then ∂L/∂w and ∂L/∂b of every trained parameter."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import deltas, gradients

NEEDS = ("targets", "trained weights")

SPEC = """\
name = "gradients"
kind = "gradients"  # what is asked; others: `list kinds`
title = "All gradients of a small network"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 4  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[0.9]]
updates = 0  # no update follows

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
    yield from deltas(exercise)
    yield from gradients(exercise, most=len(exercise.graph.nodes) * 1000)
