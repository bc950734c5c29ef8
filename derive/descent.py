"""Gradient descent: w@k+1 = w@k − η ∂L/∂w@k for every trained parameter, all from the old values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import prod
from typing import overload

import numpy as np

from derive.backprop import Step, Term
from derive.evaluate import Data, Rounding, Values, evaluate
from derive.graph import Graph, Node
from derive.quantity import Derivative, Quantity

__all__ = ["Descent", "Iterate", "first_below", "one_at_a_time", "update_step"]


@dataclass(frozen=True)
class Iterate:
    """The state after `updates` updates: the numbers put in, and all that follows from them."""

    updates: int
    data: Data
    values: Values


@dataclass
class Descent(Sequence[Iterate]):
    """The states after 0, 1, …, `updates` updates, computed when they are asked for; ∂L over the
    whole batch each time.  `descent[k]` is the state after k updates.

    `tie` (see `evaluate.kinks`) is for the numbers put in; later ones are not exact decimals.
    """

    graph: Graph
    start: Data
    learning_rate: float
    updates: int
    rounding: Rounding | None = None
    tie: float = 0.0
    _data: list[Data] = field(default_factory=list, repr=False)
    _kept: dict[int, Iterate] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.updates + 1

    @overload
    def __getitem__(self, k: int) -> Iterate: ...

    @overload
    def __getitem__(self, k: slice) -> list[Iterate]: ...

    def __getitem__(self, k: int | slice) -> Iterate | list[Iterate]:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        if not 0 <= k < len(self):
            raise IndexError(k)
        if k not in self._kept:
            self._kept[k] = Iterate(k, self.data(k), self._evaluate(k))
        return self._kept[k]

    def data(self, k: int) -> Data:
        """The numbers put in after k updates."""
        self._data = self._data or [self.start]
        while len(self._data) <= k:
            latest = len(self._data) - 1
            values = self._kept[latest].values if latest in self._kept else self._evaluate(latest)
            with np.errstate(all="ignore"):  # as in `evaluate`
                new = {
                    str(node): values.forward[node] - self.learning_rate * values.gradient[node]
                    for node in self.trained
                }
            self._data.append({**self._data[-1], **new})
        return self._data[k]

    @property
    def trained(self) -> list[Node]:
        """The parameters that an update changes."""
        return [node for node in self.graph.of_kind("parameter") if node.trained]

    def _evaluate(self, k: int) -> Values:
        tie = 0.0 if k else self.tie
        return evaluate(self.graph, self.data(k), tie=tie, rounding=self.rounding)

    def stacked(self, count: int) -> dict[str, np.ndarray]:
        """The numbers put in of the first `count` states, as variants of one evaluation."""
        self.data(count - 1)
        changing = {str(node) for node in self.trained}
        return {
            name: np.concatenate([self._data[k][name] for k in range(count)], axis=-1)
            if name in changing
            else array
            for name, array in self.start.items()
        }


def first_below(descent: Descent, quantity: Quantity, bound: float) -> int | None:
    """The number of updates after which `quantity` is below `bound` for the first time."""
    values = evaluate(descent.graph, descent.stacked(len(descent)), gradients=False)
    below = np.flatnonzero(np.broadcast_to(values[quantity], len(descent)) < bound)
    return int(below[0]) if len(below) else None


def update_step(graph: Graph, parameter: Quantity) -> Step:
    """w@1 = w − η ∂L/∂w as a Step: its only term names the gradient that it uses."""
    gradient = Derivative(graph.root.at(), parameter)
    return Step(parameter.at(update=1), "update", (Term(gradient, ()),))


def one_at_a_time(gradient: Step, old: float, values: Values, rate: float) -> list[tuple[float, float]]:
    """The update of a weight sample by sample: each term of its gradient, and the weight after it.
    All terms are computed with the old weights, so that the last number is w@1."""
    terms = [float(prod(values.number(d) for d in term.ids)) for term in gradient.terms]
    weights = accumulate(terms, lambda w, term: w - rate * term, initial=old)
    return list(zip(terms, list(weights)[1:], strict=True))
