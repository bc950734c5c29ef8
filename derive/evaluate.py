"""Evaluate: a Graph to numbers, for all samples and variants at once, with interventions.

Arrays have the node's shape followed by (samples, variants).  `given` sets quantities to numbers
(a student's own, a printed, a rounded one) and everything after them follows; NaN in a given
array means 'not given here', so one call can intervene differently in every variant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.expression import Expr, Table, numpy_table, rational_table, refs, value
from derive.graph import Graph, Node
from derive.ops import Array, Elementwise, Index, indices
from derive.quantity import Id, Quantity

__all__ = ["Data", "Given", "Rounding", "Values", "arrays", "evaluate", "kinks"]

Data = Mapping[str, Array]  # of the input, target and parameter nodes, by the node's name
Given = Mapping[Quantity, Any] | Mapping[Id, Any]
Rounding = Callable[[Array], Array]


def arrays(graph: Graph, numbers: Mapping[str, Any], dtype: type = float) -> dict[str, Array]:
    """Nested lists of one variant (samples × features for x and t) as arrays for `evaluate`."""
    data: dict[str, Array] = {}
    for node in graph.given:
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
    tie: float = 0.0

    def __getitem__(self, q: Id) -> Array:
        """The number of each variant, shape (variants,); KeyError if this evaluation has no q."""
        if isinstance(q, Quantity):
            return self._pick(self.forward, *self.graph.find(q), q.sample)
        root = self.graph.root
        node, i = self.graph.locate(q.wrt, q.sample)
        if q.sample and not (node.sampled or self.graph.locate(q.of, q.sample)[0].sampled):
            raise KeyError(f"{q}: a parameter's gradient is over all samples")
        if q.of == root.at():
            if node in self.gradient:
                return self._pick(self.gradient, node, i, q.sample if node.sampled else None)
        local = self.graph.local(q)
        if local is not None:
            return np.atleast_1d(self.compute(local))
        if q.of == root.at():
            raise KeyError(str(q))  # made without gradients
        if not self.graph.depends(q.of, q.wrt, q.sample):
            return np.zeros(1)
        return self.towards(q.of, q.sample)[q]

    def towards(self, root: Quantity, sample: int | None) -> Values:
        """The same values, with the gradients of another quantity."""
        graph = self.graph.towards(root, sample)
        gradient = _backward(graph, self.forward, {}, numpy_table(self.tie), None)
        return Values(graph, self.forward, gradient, self.tie)

    def compute(self, formula: Expr) -> Array:
        """The value of a formula of quantities."""
        with np.errstate(all="ignore"):
            return np.asarray(value(formula, self.__getitem__, numpy_table(self.tie)))

    @property
    def variants(self) -> int:
        """How many there are."""
        return int(max(array.shape[-1] for array in self.forward.values()))

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
    table: Table | None = None,
    tie: float = 0.0,
    gradients: bool = True,
    rounding: Rounding | None = None,
    held: Mapping[Node, Array] | None = None,
) -> Values:
    """Forward values of all nodes and ∂root/∂node of each, `given` quantities kept as given.

    `given` takes forward quantities and derivatives of the root; KeyError for any other.  `table`
    chooses the arithmetic (NumPy with `tie`, see `kinks`, or mpmath over object arrays); `rounding` is
    applied to every computed block, as by somebody who writes each intermediate result down.  Nodes
    that are `held` keep the arrays that they come with.
    """
    table = table or numpy_table(tie)
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
    with np.errstate(all="ignore"):  # what has no value is NaN, and is not certified
        for node in graph.nodes:
            if held and node in held:
                array = held[node]
            elif node.op is None:
                array = data[node.key]
            else:
                array = node.op.forward(table, *(forward[n] for n in node.inputs))
                array = rounding(array) if rounding else array
            forward[node] = _intervene(array, node, numbers)
        gradient = _backward(graph, forward, derivatives, table, rounding) if gradients else {}
    return Values(graph, forward, gradient, tie)


def _seed(graph: Graph, forward: Mapping[Node, Array]) -> dict[Node, Array]:
    root, i = graph.find(graph.root)
    seed = np.zeros_like(forward[root])
    sample = graph.root.sample
    seed[(*(n - 1 for n in i), slice(None) if sample is None else sample - 1)] = 1
    return {root: seed}


def _backward(
    graph: Graph,
    forward: Mapping[Node, Array],
    placed: Placed,
    table: Table,
    rounding: Rounding | None,
) -> dict[Node, Array]:
    gradient = _seed(graph, forward)
    for node in reversed(graph.nodes):
        if node not in gradient:
            continue
        upstream = rounding(gradient[node]) if rounding else gradient[node]
        gradient[node] = upstream = _intervene(upstream, node, placed)
        if node.op is None:
            continue
        received = node.op.backward(table, upstream, forward[node], *(forward[n] for n in node.inputs))
        for source, array in zip(node.inputs, received, strict=True):
            if array is None:
                continue
            if not source.sampled and array.shape[-2] > 1:
                array = array.sum(axis=-2, keepdims=True)
            gradient[source] = gradient[source] + array if source in gradient else array
    return gradient


NEAR = 1e-9  # a floating-point number this small may be an exact 0


def kinks(graph: Graph, numbers: Mapping[str, Any], values: Values) -> tuple[list[Quantity], float]:
    """The units that sit exactly on a kink, and the `tie` that makes every arithmetic say so.

    0.4·0.5 − 0.3 + 0.1 is 2.8e-17 in floating point and 0 in truth; so near a kink the forward pass
    is made again in fractions.  What is 0 there is on the kink; `tie` lies between the rounding noise
    of those units and the nearest unit that is not.
    """
    near = _kink_values(graph, values.forward, numpy_table())
    if not any(abs(float(v)) < NEAR for _, v in near):
        return [], 0.0
    fraction = np.frompyfunc(Fraction, 1, 1)
    typed = arrays(graph, numbers, object)
    data = {name: np.asarray(fraction(array)) for name, array in typed.items()}
    table = rational_table()
    fractions = evaluate(graph, data, table=table, gradients=False).forward
    exactly = (v for _, v in _kink_values(graph, fractions, table))
    # What is not rational (behind a sigmoid, say) is on the kink if it is 0 in floating point too.
    found = [
        (q, abs(float(v)), exact == 0 or (exact != exact and v == 0))
        for (q, v), exact in zip(near, exactly, strict=True)
    ]
    on = [q for q, _, there in found if there]
    others = min([1.0, *(distance for _, distance, there in found if not there)])
    tie = max([1e-12, *(2 * distance for _, distance, there in found if there)]) if on else 0.0
    return on, tie if tie < others else 0.0


def _kink_values(
    graph: Graph, forward: Mapping[Node, Array], table: Table
) -> list[tuple[Quantity, Any]]:
    """(unit, value) of every expression at whose 0 an operation has a kink, of one variant."""
    found = []
    for node in graph.nodes:
        if not isinstance(node.op, Elementwise) or not node.op.kinks:
            continue
        with np.errstate(all="ignore"):
            values = node.op.at_kinks(table, *(forward[n] for n in node.inputs))
        for kink, array in zip(node.op.kinks, values, strict=True):
            # A kink at some number of one input is named by that input: z[1][2], not a[1][2].
            of = {slot for slot in refs(kink) if slot in node.op.slots}
            unit = node.inputs[node.op.slots.index(of.pop())] if len(of) == 1 else node
            array = np.broadcast_to(array, forward[node].shape)
            for sample in graph.sample_numbers:
                for i in indices(node.shape):
                    at = (*(n - 1 for n in i), (sample or 1) - 1, 0)
                    found.append((unit.element(i, sample), array[at]))
    return found
