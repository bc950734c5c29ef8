"""The gradient of a weight as a formula, by the chain rule; then its number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.exercise import Exercise
from generator.exercises._parts import first_weight, last_weight

NEEDS = ("targets",)

SPEC = """\
name = "symbolic"
kind = "symbolic"  # what is asked; others: `list kinds`
title = "The gradient as a formula"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 6  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[0.9]]
updates = 0  # no update follows

[[network.layers]]
activation = "tanh"  # others: `list activations`
weights = [[0.4, -0.7]]  # a row for each unit
biases = [0.1]

[[network.layers]]
activation = "sigmoid"
weights = [[0.8]]
biases = [0.3]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 2 }
weights = { min = -1, max = 1, decimals = 2 }
biases = { min = -0.5, max = 0.5, decimals = 1 }
targets = { min = 0.1, max = 0.9, decimals = 1 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[Any, ...]]:
    """(group, quantity, points, form) for each part."""
    gradient = exercise.derivation.derivative
    asked = [gradient(q) for q in dict.fromkeys((last_weight(exercise), first_weight(exercise)))]
    yield from (("formula", d, 3, "formula") for d in asked)
    yield from (("gradient", d, 1) for d in asked)
