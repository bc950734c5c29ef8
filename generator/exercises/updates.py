"""Several updates of one network: the loss after each, a weight after the last.

Of a long training the loss is asked after the first updates and the last.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import first_weight

FIRST = 5  # updates after which the loss is asked
NEEDS = ("targets", "a second update", "trained weights")

SPEC = """\
name = "updates"
kind = "updates"  # what is asked; others: `list kinds`
title = "Three steps of gradient descent"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 5  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[1]]
learning_rate = 1
updates = 3

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
    root, last = exercise.graph.root, exercise.spec.source.updates
    yield "loss", root, 1
    for k in sorted({*range(1, min(last, FIRST) + 1), last}):
        yield "after_each", root.at(update=k), 2
    yield "last_weight", first_weight(exercise).at(update=last), 1
