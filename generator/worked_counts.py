"""Worked counts: how many parameters the layers of a network have, P = Σ P_l.

P_l = units · inputs + biases
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.network import counted
from derive.quantity import Quantity
from generator.exercise import Exercise
from generator.formula import Node, Number, equation, row
from generator.page import Section, block
from generator.worked import NetworkTeller

__all__ = ["problem", "worked"]


def problem(exercise: Exercise) -> tuple[Section, ...]:
    """The layers, in words; what has been counted is not said, nor drawn."""
    architecture = next(NetworkTeller(exercise).given())
    return (Section("network", {}, (replace(architecture, picture=None),)),)


def worked(exercise: Exercise) -> tuple[Section, ...]:
    """The weights and biases of every layer, and their sum."""
    formulas = ((formula, None) for formula in _counts(exercise))
    return (Section("counting", {}, (block("count_rule", {}, formulas),)),)


def _counts(exercise: Exercise) -> Iterator[Node]:
    graph, name = exercise.graph, exercise.network_namer
    totals: list[int] = []
    for z in (node for node in graph.nodes if node.name == "z"):
        weights, biases, count = (counted(graph, Quantity(of, z.prefix)) or 0 for of in COUNTED)
        below, units = (name.sizes[z.prefix[0] - at] for at in (1, 0))
        product = (
            row(_number(units), "·", _number(below)) if weights == units * below else _number(weights)
        )
        sum_ = row(product, "+", _number(biases)) if biases else product
        sides = [sum_] if count == weights + biases else []  # what is not trained does not count
        yield equation(name(Quantity("P", z.prefix)), *sides, _number(count))
        totals.append(count)
    terms = [part for count in totals for part in ("+", _number(count))][1:]
    yield equation(name(Quantity("P")), row(*terms), _number(sum(totals)))


COUNTED = ("weights", "biases", "P")


def _number(count: int) -> Number:
    return Number(str(count))
