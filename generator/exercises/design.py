"""Design neurons: find weights with which each computes a given function of 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.exercise import Exercise
from generator.exercises._parts import designed, with_function
from generator.spec import Spec
from generator.spec_network import NetworkSpec

NEEDS = (
    "inputs of 0 and 1 (draw.keep)",
    "step outputs",
    "plain outputs",
    "at most 4 inputs of an output",
)
OVERLOOKS = ("a step that no sample changes",)

SPEC = """\
name = "design"
kind = "design"  # what is asked; others: `list kinds`
title = "Design three neurons"
notation = "plain"  # how quantities are written; others: `list notations`
margin = 0.25  # every pre-activation is at least this far from 0

[network]
inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]

[[network.layers]]
activation = "step"  # 1 where the pre-activation is positive, else 0
weights = [[1, 1], [1, 1], [-1, -1]]  # are asked; each variant has other functions
biases = [-1.5, -0.5, 1.5]  # are given

[draw]
keep = ["inputs"]  # what is not drawn
biases = { min = -3, max = 3, decimals = 2 }
"""


def complete(spec: Spec, lot: int) -> NetworkSpec | None:
    """With weights that compute a function drawn from those that there are weights for."""
    return with_function(spec, lot)


def ask(exercise: Exercise) -> Iterator[tuple[Any, ...]]:
    """(group, quantity, points, form) for each part."""
    yield from (("design", q, 2, "design") for q in designed(exercise))
