"""One weight of the first layer by the chain rule: its factors, and their product.

Where one path leads from the loss to the weight, all factors along it are asked; where several do, the
sum of them, ∂L/∂a of the weight's unit, is the first factor.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import first_weight

NEEDS = ("targets",)

SPEC = """\
name = "chain-rule"
kind = "chain_rule"  # what is asked; others: `list kinds`
title = "The chain rule for one weight"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 4  # significant digits of an answer

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


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    derivation = exercise.derivation
    target = derivation.derivative(first_weight(exercise))
    terms = derivation.chain(target, lambda upstream: upstream.wrt.name == "a").terms
    if derivation.path_count(target) == 1:
        terms = tuple(derivation.paths(target))
    factors = dict.fromkeys(d for term in terms for d in term.ids if d.wrt.name != "L")
    yield from (("factors", d, 1) for d in factors)
    yield "product", target, 2
