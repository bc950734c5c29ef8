"""The z-scores of a feature: its mean, its standard deviation, every score."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import lines

NEEDS = ("a circuit",)

SPEC = '''\
name = "z-score"
kind = "z_score"  # what is asked; others: `list kinds`
title = "Standardizing a feature"
digits = 4  # significant digits of an answer

[circuit]
# what a question says in place of the formulas; a name in braces is written as a formula
text = """\\
A feature has the values {x1}, {x2}, {x3}, {x4} and {x5} in five samples. Let {m} be its mean, {s} \\
its standard deviation (that of a sample: the squares are added up and divided by 4), and {z1}, {z2}, \\
{z3}, {z4} and {z5} the z-scores of the five samples."""
inputs = { x1 = 12, x2 = 35, x3 = 24, x4 = 9, x5 = 20 }
nodes = [
  "m = (x1 + x2 + x3 + x4 + x5)/5",
  "s = sqrt(((x1 - m)**2 + (x2 - m)**2 + (x3 - m)**2 + (x4 - m)**2 + (x5 - m)**2)/4)",
  "z1 = (x1 - m)/s",
  "z2 = (x2 - m)/s",
  "z3 = (x3 - m)/s",
  "z4 = (x4 - m)/s",
  "z5 = (x5 - m)/s",
]
output = "z5"
steps = "lines"

[draw]
wires = { min = 1, max = 99, decimals = 0 }
'''


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield from lines(exercise, "value")
