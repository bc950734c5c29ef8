"""Multiple choice: the wrong numbers are those of known misconceptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.exercise import Exercise
from generator.exercises._parts import deltas, first_weight, last_weight

NEEDS = ("targets",)

SPEC = """\
name = "multiple-choice"
kind = "multiple_choice"  # what is asked; others: `list kinds`
title = "Which number is right?"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 4  # significant digits of an answer

[network]
inputs = [[0.5, -1.0]]  # a row for each sample
targets = [[0.9]]
learning_rate = 0.5

[[network.layers]]
activation = "sigmoid"  # others: `list activations`
weights = [[0.4, -0.7], [-0.3, 0.6]]  # a row for each unit
biases = [0.1, 0.2]

[[network.layers]]
activation = "sigmoid"
weights = [[0.8, -0.5]]
biases = [0.3]

[draw]  # from where each variant's numbers come
inputs = { min = -2, max = 2, decimals = 1 }
weights = { min = -1, max = 1, decimals = 1 }
biases = { min = -0.5, max = 0.5, decimals = 1 }
targets = { min = 0.1, max = 0.9, decimals = 1 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[Any, ...]]:
    """(group, quantity, points, form) for each part."""
    gradient = exercise.derivation.derivative
    yield "choice", exercise.graph.root, 1, "choice"
    yield from ((("choice", q, 1, "choice")) for _, q, _ in deltas(exercise))
    weights = dict.fromkeys((last_weight(exercise), first_weight(exercise)))
    yield from (("choice", gradient(q), 1, "choice") for q in weights)
    if exercise.spec.source.updates:
        yield from (("choice", q.at(update=1), 1, "choice") for q in weights)
