"""The vanishing gradient: ∂L/∂z in every layer of a deep, narrow network of sigmoids."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Derivative, Id, Quantity
from generator.exercise import Exercise
from generator.exercises._parts import deltas

NEEDS = ("targets", "a second layer")
OVERLOOKS = ("a vanishing answer",)

SPEC = """\
name = "vanishing"
kind = "vanishing"  # what is asked; others: `list kinds`
title = "The vanishing gradient"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 5  # significant digits of an answer

[network]
inputs = [[1.5]]
targets = [[1]]
updates = 0  # no update follows

[[network.layers]]
activation = "sigmoid"
weights = [[0.8]]
biases = [0.1]

[[network.layers]]
activation = "sigmoid"
weights = [[-0.9]]
biases = [0.2]

[[network.layers]]
activation = "sigmoid"
weights = [[0.7]]
biases = [-0.3]

[[network.layers]]
activation = "sigmoid"
weights = [[0.9]]
biases = [0.1]

[draw]  # from where each variant's numbers come
inputs = { min = 0.5, max = 2, decimals = 2 }
weights = { min = 0.5, max = 1, decimals = 2 }
biases = { min = -0.5, max = 0.5, decimals = 2 }
targets = { min = 0.1, max = 0.9, decimals = 1 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield from deltas(exercise)
    widths = exercise.spec.network_spec.widths[1:]
    if set(widths) == {1}:
        last, first = (Quantity("z", (layer, 1)) for layer in (len(widths), 1))
        for sample in exercise.graph.sample_numbers:
            yield "ratio", Derivative(last, first, sample), 2
