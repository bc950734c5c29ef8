"""A forward pass alone: the pre-activation and the activation of every unit, for every sample."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import elements

NEEDS = ("a network",)

SPEC = """\
name = "forward"
kind = "forward"  # what is asked; others: `list kinds`
title = "Forward pass"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 5  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample

[[network.layers]]
activation = "relu"  # others: `list activations`
weights = [[0.4, -0.7], [0.6, 0.3]]  # a row for each unit
biases = [0.1, -0.2]

[[network.layers]]
activation = "sigmoid"
weights = [[0.8, -0.5]]
biases = [0.3]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 2 }
weights = { min = -1, max = 1, decimals = 1 }
biases = { min = -0.5, max = 0.5, decimals = 2 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield from elements(exercise, "forward_only", "z", "a")
