"""Epochs, batches and updates: counting them."""

from __future__ import annotations

from collections.abc import Iterator

from derive.quantity import Id
from generator.exercise import Exercise
from generator.exercises._parts import lines

NEEDS = ("a circuit",)
OVERLOOKS = ("two parts with the same answer",)

SPEC = '''\
name = "epochs"
kind = "epochs"  # what is asked; others: `list kinds`
title = "Epochs, batches and updates"
digits = 9  # significant digits of an answer

[circuit]
# what a question says in place of the formulas; a name in braces is written as a formula
text = """\\
A training set of {N} samples is divided into batches of {B} samples, and after every batch the \\
parameters are updated. After every epoch the network is validated with {V} other samples, which \\
change nothing. Training takes {E} epochs. An epoch makes {u} updates, the whole training {k}. {s} \\
samples pass through the network in training, a sample counted each time that it is used, and {v} \\
in validation."""
inputs = { N = 1200, B = 20, V = 300, E = 5 }
nodes = ["u = N/B", "k = u*E", "s = N*E", "v = V*E"]
output = "s"
steps = "lines"

[draw.of]  # a range or a list for each input
N = { min = 1000, max = 1000000, decimals = -2 }  # whole hundreds
B = [10, 20, 25, 50, 100]
V = { min = 100, max = 50000, decimals = -1 }
E = { min = 2, max = 99, decimals = 0 }
'''


def ask(exercise: Exercise) -> Iterator[tuple[str, Id, int]]:
    """(group, quantity, points) for each part."""
    yield from lines(exercise, "value")
