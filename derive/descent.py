"""Gradient descent: w@k+1 = w@k − η ∂L/∂w@k for every trained parameter, all from the old values; or
the assignments of another optimizer, which keep something of older gradients beside the parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import prod
from typing import overload

import numpy as np

from derive.backprop import Step, Term
from derive.evaluate import Data, Rounding, Values, evaluate
from derive.graph import Graph, Node
from derive.ops import Array
from derive.optimizer import SGD, Optimizer, of_parameter
from derive.quantity import Derivative, Id, Quantity

__all__ = ["Descent", "Iterate", "first_below", "one_at_a_time", "update_steps"]


@dataclass(frozen=True)
class Iterate:
    """The state after `updates` updates: the numbers put in, all that follows from them, and the
    optimizer's variables by the names of their arrays, `vW[2]`."""

    updates: int
    data: Data
    values: Values
    optimizer: Optimizer = SGD
    variables: Data = field(default_factory=dict)

    def __getitem__(self, q: Id) -> Array:
        """The number of a quantity in this state, of each variant, whatever update q is of; KeyError if
        there is none."""
        owned = self.optimizer.owned(q)
        if owned is None:
            return self.values[replace(q, update=0)]
        variable, parameter = owned
        node, i = self.values.graph.find(parameter)
        numbers: Array = self.variables[f"{variable}{node}"][(*(n - 1 for n in i), 0)]
        return numbers

    def number(self, q: Id) -> float:
        """The number of the only variant."""
        (number,) = self[q]
        return float(number)


@dataclass
class Descent(Sequence[Iterate]):
    """The states after 0, 1, …, `updates` updates, computed when they are asked for; ∂L over the
    whole batch each time.  `descent[k]` is the state after k updates.  `rounding` is that of `evaluate`.

    `tie` (see `evaluate.kinks`) is for the numbers put in; later ones are not exact decimals.
    """

    graph: Graph
    start: Data
    learning_rate: float
    updates: int
    rounding: Rounding | None = None
    tie: float = 0.0
    optimizer: Optimizer = SGD
    _data: list[Data] = field(default_factory=list, repr=False)
    _variables: list[Data] = field(default_factory=list, repr=False)
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
            state = self._evaluate(k)
            self._kept[k] = Iterate(k, self.data(k), state, self.optimizer, self._variables[k])
        return self._kept[k]

    def data(self, k: int) -> Data:
        """The numbers put in after k updates."""
        if not self._data:
            self._data, self._variables = [self.start], [self._nothing()]
        while len(self._data) <= k:
            latest = len(self._data) - 1
            values = self._kept[latest].values if latest in self._kept else self._evaluate(latest)
            parameters: dict[str, Array] = dict(self._data[-1])
            variables: dict[str, Array] = {}
            for node in self.trained:
                with np.errstate(all="ignore"):  # as in `evaluate`
                    parameters[node.key], *new = self._updated(node, values, latest + 1)
                variables.update(zip(self._names(node), new, strict=True))
            self._data.append(parameters)
            self._variables.append(variables)
        return self._data[k]

    def _names(self, node: Node) -> list[str]:
        """The arrays of the variables that belong to a block of parameters: vW[2]."""
        return [f"{variable}{node}" for variable in self.optimizer.variables]

    def _nothing(self) -> Data:
        """What is kept before the first update: 0."""
        kept = self.optimizer.kept
        return {f"{name}{n}": np.zeros((*n.shape, 1, 1)) for n in self.trained for name in kept}

    def _updated(self, node: Node, values: Values, k: int) -> list[Array]:
        """The new parameters of a block, and the new variables."""
        before = self._variables[k - 1]
        names = {name: before[f"{name}{node}"] for name in self.optimizer.kept}
        names |= {"w": values.forward[node], "g": values.gradient[node]}
        new = self.optimizer.update({**names, "eta": self.learning_rate, "k": k}, self.rounding)
        return [new["w"], *(new[name] for name in self.optimizer.variables)]

    @property
    def trained(self) -> list[Node]:
        """The parameters that an update changes."""
        return [node for node in self.graph.of_kind("parameter") if node.trained]

    def _evaluate(self, k: int) -> Values:
        tie = 0.0 if k else self.tie
        return evaluate(self.graph, self.data(k), tie=tie, rounding=self.rounding)

    def stacked(self, count: int) -> dict[str, np.ndarray]:
        """The numbers put in of the first `count` states, as variants of one evaluation: all variants of
        the first state, then of the second, …"""
        self.data(count - 1)
        changing = {node.key for node in self.trained}
        wide = max(array.shape[-1] for array in self.start.values())
        return {
            name: np.concatenate([self._data[k][name] for k in range(count)], axis=-1)
            if name in changing
            else np.tile(array, count)
            if array.shape[-1] == wide > 1
            else array
            for name, array in self.start.items()
        }

    def variables(self, q: Quantity) -> dict[str, Array]:
        """The optimizer's variables of one parameter, after 1, 2, …, `updates` updates; a column for
        each variant."""
        node, i = self.graph.find(q)
        at = (*(n - 1 for n in i), 0)
        self.data(self.updates)
        return {
            variable: np.array([state[f"{variable}{node}"][at] for state in self._variables[1:]])
            for variable in self.optimizer.variables
        }


def first_below(descent: Descent, quantity: Quantity, bound: float) -> list[int | None]:
    """Of each variant, the number of updates after which `quantity` is below `bound` for the first
    time; None if it never is."""
    count, wide = len(descent), descent[0].values.variants
    values = evaluate(descent.graph, descent.stacked(count), gradients=False)
    below = np.broadcast_to(values[quantity], count * wide).reshape(count, wide) < bound
    return [int(column.argmax()) if column.any() else None for column in below.T]


def update_steps(graph: Graph, parameter: Quantity, optimizer: Optimizer = SGD) -> list[Step]:
    """w@1 = w − η ∂L/∂w as a Step, after those of the optimizer's variables: their only term names the
    gradient that they rest on."""
    gradient = Derivative(graph.root.at(), parameter)
    targets = [of_parameter(name, parameter) for name in optimizer.variables]
    return [Step(q.at(update=1), "update", (Term(gradient, ()),)) for q in [*targets, parameter]]


def one_at_a_time(gradient: Step, old: float, values: Values, rate: float) -> list[tuple[float, float]]:
    """The update of a weight sample by sample: each term of its gradient, and the weight after it.
    All terms are computed with the old weights, so that the last number is w@1."""
    terms = [float(prod(values.number(d) for d in term.ids)) for term in gradient.terms]
    weights = accumulate(terms, lambda w, term: w - rate * term, initial=old)
    return list(zip(terms, list(weights)[1:], strict=True))
