"""Compose XOR or XNOR of neurons: two hidden ones are given, the output neuron is to be found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.exercise import Exercise
from generator.exercises._parts import designed, elements, with_function
from generator.spec import Spec
from generator.spec_network import NetworkSpec

NEEDS = (
    "inputs of 0 and 1 (draw.keep)",
    "a single step output",
    "a second layer",
    "plain outputs",
    "at most 4 inputs of an output",
)
OVERLOOKS = ("a step that no sample changes", "too many answers that are 0")

SPEC = """\
name = "compose"
kind = "compose"  # what is asked; others: `list kinds`
title = "XOR and XNOR of neurons"
notation = "plain"  # how quantities are written; others: `list notations`
margin = 0.25  # every pre-activation is at least this far from 0

[network]
inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]

[[network.layers]]
activation = "step"  # 1 where the pre-activation is positive, else 0
weights = [[1, 1], [1, 1]]
biases = [-0.5, -1.5]

[[network.layers]]
activation = "step"
weights = [[1, -1]]  # are asked; the function is XOR or XNOR
biases = [-0.5]  # is given

[draw]
keep = ["inputs"]  # what is not drawn
weights = { min = 1.5, max = 1.8, decimals = 2 }
biases = { min = -3, max = -0.3, decimals = 2 }  # the output may have the opposite of its own
"""

FUNCTIONS = {(0, 1, 1, 0), (1, 0, 0, 1)}  # XOR and XNOR


def complete(spec: Spec, lot: int) -> NetworkSpec | None:
    """With weights of the output that make XOR or XNOR of the hidden neurons, where there are any."""
    return with_function(spec, lot, FUNCTIONS)


def ask(exercise: Exercise) -> Iterator[tuple[Any, ...]]:
    """(group, quantity, points, form) for each part."""
    yield from elements(exercise, "hidden_table", "a", layers=slice(0, -1))
    yield from (("design", q, 2, "design") for q in designed(exercise))
