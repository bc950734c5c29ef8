"""When a training has reached its goal: the first losses, and after how many updates to stop."""

from __future__ import annotations

from collections.abc import Iterator

from derive.network import WEIGHTS
from derive.quantity import Id
from generator.exercise import STOP, Exercise
from generator.exercises._parts import trained

NEEDS = ("stop_below",)

SPEC = """\
name = "stopping"
kind = "stopping"  # what is asked; others: `list kinds`
title = "When to stop"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 7  # significant digits of an answer

[network]
inputs = [[1.0]]
targets = [[1]]
loss = "half_squared_error"
learning_rate = 0.5
stop_below = 0.05
updates = 8  # at most

[[network.layers]]
activation = "identity"
weights = [[-0.5]]

[draw]  # from where each variant's numbers come
inputs = { min = 0.6, max = 1.2, decimals = 4 }
weights = { min = -2, max = -0.5, decimals = 3 }
targets = { min = 0.5, max = 2, decimals = 4 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    root = exercise.graph.root
    yield "loss", root, 1
    for node in trained(exercise):
        if node.name in WEIGHTS:
            yield "new", next(node.elements()).at(update=1), 1
    yield "after", root.at(update=1), 2
    yield "stop", STOP, 3
