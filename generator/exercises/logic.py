"""A truth table: what given neurons make of every combination of 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import elements

NEEDS = ("inputs of 0 and 1 (draw.keep)",)
OVERLOOKS = ("too many answers that are 0",)

SPEC = """\
name = "logic"
kind = "logic"  # what is asked; others: `list kinds`
title = "The truth table of a neuron"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 5  # significant digits of an answer

[network]
inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]

[[network.layers]]
activation = "step"  # 1 where the pre-activation is positive, else 0
weights = [[1, 1]]
biases = [-0.5]

[draw]
keep = ["inputs"]  # what is not drawn
weights = { min = -15, max = 15, decimals = 2 }
biases = { min = -15, max = 15, decimals = 2 }  # or a list, [-1.5, -0.5, 0.5, 1.5]
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield from elements(exercise, "truth_table", "z", "a")
