"""Two updates of one weight by momentum, RMSProp or Adam, with what the optimizer keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.optimizer import of_parameter
from derive.quantity import Id
from generator.exercise import TOLD, Exercise
from generator.exercises._parts import first_weight

NEEDS = ("targets", "an optimizer that remembers", "an update", "trained weights")
OVERLOOKS = ("a vanishing answer",)

SPEC = """\
name = "optimizer-step"
kind = "optimizer_step"  # what is asked; others: `list kinds`
title = "Two updates with momentum"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 6  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[1]]
learning_rate = 0.5
optimizer = { name = "momentum", mu = 0.9 }  # others: `list optimizers`
updates = 2

[[network.layers]]
activation = "sigmoid"
weights = [[0.4, -0.7]]
biases = [0.1]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 2 }
weights = { min = -1, max = 1, decimals = 2 }
biases = { min = -0.5, max = 0.5, decimals = 1 }
targets = { min = 0.1, max = 0.9, decimals = 2 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    weight, rule = first_weight(exercise), exercise.optimizer
    gradient = exercise.derivation.derivative(weight)
    for k in range(1, min(exercise.spec.source.updates, TOLD) + 1):
        group = "step_first" if k == 1 else "step_next"
        yield group, replace(gradient, update=k - 1), 2
        yield from ((group, of_parameter(v, weight).at(update=k), 1) for v in rule.variables)
        yield group, weight.at(update=k), 1
