"""Linear layers are one linear map: a forward pass, then the entries of the one matrix."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Derivative, Id, Quantity
from generator.exercise import Exercise
from generator.exercises._parts import elements

NEEDS = ("identity activations", "a second layer")
OVERLOOKS = ("too many answers that are 0",)

SPEC = """\
name = "collapse"
kind = "collapse"  # what is asked; others: `list kinds`
title = "Linear layers are one linear map"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 4  # significant digits of an answer

[network]
inputs = [[2, -1]]

[[network.layers]]
activation = "identity"
weights = [[1, -2], [3, 1]]
biases = [1, -1]

[[network.layers]]
activation = "identity"
weights = [[2, -1]]
biases = [3]

[draw]  # from where each variant's numbers come
inputs = { min = -9, max = 9, decimals = 0 }
weights = { min = -9, max = 9, decimals = 0 }
biases = { min = -9, max = 9, decimals = 0 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield from elements(exercise, "forward", "a")
    inputs, *_, outputs = exercise.spec.network_spec.widths
    sample = exercise.graph.sample_numbers[0]
    for i in range(1, outputs + 1):
        of = Quantity("a", (len(exercise.spec.network_spec.layers), i))
        yield from (
            ("matrix", Derivative(of, Quantity("x", (j,)), sample), 2) for j in range(1, inputs + 1)
        )
