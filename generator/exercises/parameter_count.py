"""How many parameters a fully connected network has, layer by layer and in all."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id, Quantity
from generator.exercise import Exercise

NEEDS = ("draw.sizes",)

SPEC = """\
name = "parameter-count"
kind = "parameter_count"  # what is asked; others: `list kinds`
title = "Counting parameters"
notation = "plain"  # how quantities are written; others: `list notations`
digits = 4  # significant digits of an answer

[network]
sizes = [9, 8, 6, 5, 4, 3]  # inputs, then the units of each layer

[draw]
sizes = { min = 2, max = 50, decimals = 0 }  # at most 99
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    for node in exercise.graph.nodes:
        if node.name == "z":
            yield "count", Quantity("P", node.prefix), 1
    yield "count_all", Quantity("P"), 1
