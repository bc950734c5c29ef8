"""Evaluate: a Graph to numbers, for all samples and variants at once, with interventions.

Arrays have the node's shape followed by (samples, variants).  `given` sets quantities to numbers
(a student's own, a printed, a rounded one) and everything after them follows; NaN in a given
array means 'not given here', so one call can intervene differently in every variant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.expression import NUMPY, value
from derive.graph import Graph, Node
from derive.ops import Array, Index, Table
from derive.quantity import Id, Quantity

__all__ = ["Data", "Given", "Rounding", "Values", "arrays", "evaluate"]

Data = Mapping[str, Array]  # of the input, target and parameter nodes, by the node's name
Given = Mapping[Quantity, Any] | Mapping[Id, Any]
Rounding = Callable[[Array], Array]


def arrays(graph: Graph, numbers: Mapping[str, Any], dtype: type = float) -> dict[str, Array]:
    """Nested lists of one variant (samples × features for x and t) as arrays for `evaluate`."""
    data: dict[str, Array] = {}
    for node in graph.of_kind("input", "target", "parameter"):
        array: Array = np.asarray(numbers[str(node)], dtype=dtype)
        if node.sampled:
            array = array.reshape(graph.samples, *node.shape)
            array = np.moveaxis(array, 0, -1)[..., None]
        else:
            array = array.reshape(*node.shape, 1, 1)
        data[str(node)] = array
    return data


Placed = Mapping[tuple[Node, Index, int | None], Array]


def _intervene(array: Array, node: Node, placed: Placed) -> Array:
    for (where, i, sample), number in placed.items():
        if where is node:
            wide = (*array.shape[:-1], max(array.shape[-1], number.size))
            array = np.array(np.broadcast_to(array, wide), np.result_type(array, number))
            samples = slice(None) if sample is None else slice(sample - 1, sample)
            row: tuple[Any, ...] = (*(n - 1 for n in i), samples)
            array[row] = np.where(number == number, number, array[row])  # NaN != NaN
    return array


@dataclass(frozen=True)
class Values:
    """All values and gradients of one evaluation; index it with ids: values[parse("dL/dz[1][1]")]."""

    graph: Graph
    forward: Mapping[Node, Array]
    gradient: Mapping[Node, Array]

    def __getitem__(self, q: Id) -> Array:
        """The number of each variant, shape (variants,); KeyError if this evaluation has no q."""
        if isinstance(q, Quantity):
            return self._pick(self.forward, *self.graph.find(q), q.sample)
        root = self.graph.root
        if q.of == root.at():
            node, i = self.graph.locate(q.wrt, q.sample)
            if node in self.gradient:
                return self._pick(self.gradient, node, i, q.sample if node.sampled else None)
        local = self.graph.local(q)
        if local is None:
            raise KeyError(str(q))
        return np.atleast_1d(value(local, self.__getitem__))

    def number(self, q: Id) -> float:
        """The number of the only variant."""
        (number,) = self[q]
        return float(number)

    @staticmethod
    def _pick(arrays: Mapping[Node, Array], node: Node, i: Index, sample: int | None) -> Array:
        picked: Array = arrays[node][(*(n - 1 for n in i), (sample or 1) - 1)]
        return picked


def evaluate(
    graph: Graph,
    data: Data,
    given: Given | None = None,
    table: Table = NUMPY,
    gradients: bool = True,
    rounding: Rounding | None = None,
) -> Values:
    """Forward values of all nodes and ∂root/∂node of each, `given` quantities kept as given.

    `given` takes forward quantities and derivatives of the root; KeyError for any other.  `table`
    chooses the arithmetic (NumPy, or mpmath over object arrays); `rounding` is applied to every
    computed block, as by somebody who writes each intermediate result down.
    """
    numbers: dict[tuple[Node, Index, int | None], Array] = {}
    derivatives: dict[tuple[Node, Index, int | None], Array] = {}
    for q, number in (given or {}).items():
        if isinstance(q, Quantity):
            numbers[(*graph.find(q), q.sample)] = np.asarray(number)
        elif q.of == graph.root.at():
            derivatives[(*graph.locate(q.wrt, q.sample), q.sample)] = np.asarray(number)
        else:
            raise KeyError(str(q))
    forward: dict[Node, Array] = {}
    with np.errstate(over="ignore", under="ignore"):
        for node in graph.nodes:
            if node.op is None:
                array = data[str(node)]
            else:
                array = node.op.forward(table, *(forward[n] for n in node.inputs))
                array = rounding(array) if rounding else array
            forward[node] = _intervene(array, node, numbers)
        gradient = _backward(graph, forward, derivatives, rounding) if gradients else {}
    return Values(graph, forward, gradient)


def _seed(graph: Graph, forward: Mapping[Node, Array]) -> dict[Node, Array]:
    root, i = graph.find(graph.root)
    seed = np.zeros_like(forward[root])
    sample = graph.root.sample
    seed[(*(n - 1 for n in i), slice(None) if sample is None else sample - 1)] = 1
    return {root: seed}


def _backward(
    graph: Graph, forward: Mapping[Node, Array], placed: Placed, rounding: Rounding | None
) -> dict[Node, Array]:
    gradient = _seed(graph, forward)
    for node in reversed(graph.nodes):
        if node not in gradient:
            continue
        upstream = rounding(gradient[node]) if rounding else gradient[node]
        gradient[node] = upstream = _intervene(upstream, node, placed)
        if node.op is None:
            continue
        received = node.op.backward(upstream, forward[node], *(forward[n] for n in node.inputs))
        for source, array in zip(node.inputs, received, strict=True):
            if array is None:
                continue
            if not source.sampled and array.shape[-2] > 1:
                array = array.sum(axis=-2, keepdims=True)
            gradient[source] = gradient[source] + array if source in gradient else array
    return gradient
