"""A gradient held against a difference: (L(w + h) − L(w − h))/2h beside ∂L/∂w."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import lines

NEEDS = ("a circuit",)
OVERLOOKS = ("two parts with the same answer",)

SPEC = """\
name = "gradient-check"
kind = "gradient_check"  # what is asked; others: `list kinds`
title = "Checking a gradient"
digits = 5  # significant digits of an answer

[circuit]
inputs = { x = 1.5, t = 0.5, w = 0.3, b = 0.2, h = 0.1 }
constants = ["x", "t", "b", "h"]  # what has no gradient
nodes = [
  "y = sigmoid(w*x + b)",
  "L = (y - t)**2/2",
  "p = (sigmoid((w + h)*x + b) - t)**2/2",
  "m = (sigmoid((w - h)*x + b) - t)**2/2",
  "d = (p - m)/(2*h)",
]
output = "L"
steps = "lines"

[draw]
keep = ["h"]  # what is not drawn

[draw.of]  # a range or a list for each input
x = { min = 0.5, max = 2, decimals = 3 }
t = { min = 0.1, max = 0.9, decimals = 3 }
w = { min = -1, max = 1, decimals = 2 }
b = { min = -0.5, max = 0.5, decimals = 2 }
"""


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield from lines(exercise, "difference")
    inputs = {node.element(()) for node in exercise.graph.of_kind("input")}
    yield from (("check", d, 2) for d in exercise.derivation.targets() if d.wrt in inputs)
