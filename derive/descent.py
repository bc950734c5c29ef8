"""Gradient descent: w@k+1 = w@k − η ∂L/∂w@k for every trained parameter, all from the old values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from derive.backprop import Step, Term
from derive.evaluate import Data, Rounding, Values, evaluate
from derive.graph import Graph
from derive.quantity import Derivative, Quantity

__all__ = ["Iterate", "descend", "update_step"]


@dataclass(frozen=True)
class Iterate:
    """The state after `updates` updates: the numbers put in, and all that follows from them."""

    updates: int
    data: Data
    values: Values


def descend(
    graph: Graph,
    data: Data,
    learning_rate: float,
    updates: int,
    rounding: Rounding | None = None,
    tie: float = 0.0,
) -> Iterator[Iterate]:
    """The states after 0, 1, …, `updates` updates; ∂L over the whole batch each time.

    `tie` (see `evaluate.kinks`) is for the numbers put in; later ones are not exact decimals.
    """
    for k in range(updates + 1):
        values = evaluate(graph, data, tie=0.0 if k else tie, rounding=rounding)
        yield Iterate(k, data, values)
        new = {
            str(node): values.forward[node] - learning_rate * values.gradient[node]
            for node in graph.of_kind("parameter")
            if node.trained
        }
        data = {**data, **new}


def update_step(graph: Graph, parameter: Quantity) -> Step:
    """w@1 = w − η ∂L/∂w as a Step: its only term names the gradient that it uses."""
    gradient = Derivative(graph.root.at(), parameter)
    return Step(parameter.at(update=1), "update", (Term(gradient, ()),))
