"""Layers -> Graph.

    z[l] = W[l] a[l-1] + b[l],  a[l] = f_l(z[l]),  a[0] = x,  L = Σ_i loss(a[last][i], t[i])

Over a batch the graph ends in L = Σ_s L#s, or in the mean over the samples.  With a penalty the loss so
far is L0, and L = L0 + R with R = λ/2 Σ w².  Without a loss the graph ends in a[last], and nothing is
differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, Literal

import numpy as np

from derive.graph import Graph, Kind, Node
from derive.ops import (
    ACTIVATIONS,
    GATES,
    Affine,
    Array,
    Elementwise,
    Index,
    Op,
    OverSamples,
    Penalty,
    Shape,
    Total,
    Wiring,
    indices,
)
from derive.quantity import Id, Quantity

__all__ = ["COUNTS", "WEIGHTS", "Bias", "Kernel", "Layer", "Reduction"]
__all__ += ["collapsed", "counted", "network", "parameter_count"]

Bias = Literal["per_unit", "shared", "none", "weight_0"]
Reduction = Literal["sum", "mean"]
WEIGHTS = ("W", "K")  # of a layer; a kernel's, which all its units share


@dataclass(frozen=True)
class Kernel:
    """A convolution: unit (r, c) of a layer is Σ K[p][q] a[r+p−1][c+q−1], over a picture of `rows` ×
    `columns` numbers, counted row by row; a line of numbers is one row."""

    rows: int
    columns: int
    height: int
    width: int

    @property
    def shape(self) -> Shape:
        """Of K: (width,) over a line."""
        return (self.width,) if self.rows == 1 else (self.height, self.width)

    @property
    def wiring(self) -> Wiring:
        """Of each unit, the weight of each input: every place that the whole kernel fits in."""
        places = product(range(self.rows - self.height + 1), range(self.columns - self.width + 1))
        inputs = [*product(range(self.rows), range(self.columns))]
        shifted = ([(r - y, c - x) for r, c in inputs] for y, x in places)
        return tuple(tuple(self._weight(*at) for at in row) for row in shifted)

    def _weight(self, r: int, c: int) -> Index | None:
        if not (0 <= r < self.height and 0 <= c < self.width):
            return None
        return (c + 1,) if self.rows == 1 else (r + 1, c + 1)


@dataclass(frozen=True)
class Layer:
    """One layer: `units` outputs, an activation, a kind of bias, what is trained.

    `missing`: the connections (unit, input) that it does not have.  `tied`: the layer whose weights it
    uses, transposed, and has none of its own.  `kernel`: the same few weights for every unit.  `skip`:
    the layer (0: the inputs) whose activations are added to the pre-activations.  A bias `weight_0` is
    the weight of a constant input 1.
    """

    units: int
    activation: Op = ACTIVATIONS["sigmoid"]
    bias: Bias = "per_unit"
    train: frozenset[str] = frozenset({"weights", "biases"})
    missing: frozenset[Index] = frozenset()
    tied: int | None = None
    kernel: Kernel | None = None
    skip: int | None = None

    def wiring(self, inputs: int) -> Wiring | None:
        """Which weight joins which unit to which input; None where it is simply W[i][j]."""
        if self.kernel:
            return self.kernel.wiring
        if self.tied is None and not self.missing:
            return None
        pairs = [[(i, j) for j in range(1, inputs + 1)] for i in range(1, self.units + 1)]
        if self.tied is not None:
            return tuple(tuple((j, i) for i, j in row) for row in pairs)
        return tuple(tuple(None if at in self.missing else at for at in row) for row in pairs)


class _Network:
    """A network that is being built: nodes, and the other names of parameters."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.aliases: dict[Quantity, Quantity] = {}

    def add(self, name: str, prefix: Index, op: Op, *inputs: Node, sampled: bool = True) -> Node:
        shape = op.shape(*(n.shape for n in inputs))
        return self.keep(Node(name, prefix, shape, "computed", op, inputs, sampled=sampled))

    def given(
        self, name: str, prefix: Index, shape: Shape, kind: Kind, trained: bool = False, **more: Any
    ) -> Node:
        sampled = kind in ("input", "target")
        return self.keep(Node(name, prefix, shape, kind, trained=trained, sampled=sampled, **more))

    def keep(self, node: Node) -> Node:
        self.nodes.append(node)
        return node

    def layer(self, number: int, layer: Layer, outputs: list[Node]) -> Node:
        """The activations of a layer over those of the layers before it."""
        below, wiring = outputs[-1], layer.wiring(*outputs[-1].shape)
        weights = self.weights(number, layer, below)
        feeding = {"W": weights, "a": below}
        if layer.bias != "none":
            units = () if layer.bias == "shared" else (layer.units,)
            bias = self.given("b", (number,), units, "parameter", "biases" in layer.train)
            feeding["b"] = bias
            if layer.bias == "shared":
                shared = bias.element(())
                self.aliases |= {Quantity("b", (number, *i)): shared for i in indices((layer.units,))}
        if layer.skip is not None:
            feeding["s"] = outputs[layer.skip]
        if layer.bias == "weight_0":
            feeding["one"] = self.given("one", (number,), (), "constant")
        if wiring and not layer.missing:
            own = ((Quantity("W", (number, i, j)), w) for i, j, w in _joined(wiring))
            self.aliases |= {q: weights.element(w) for q, w in own}
        z = self.add("z", (number,), Affine(tuple(feeding), wiring), *feeding.values())
        return self.add("a", (number,), layer.activation, z)

    def weights(self, number: int, layer: Layer, below: Node) -> Node:
        """The block of a layer's weights, its own or another layer's."""
        if layer.tied is not None:
            return next(n for n in self.nodes if (n.name, n.prefix) == ("W", (layer.tied,)))
        trained = "weights" in layer.train
        if layer.kernel:
            return self.given("K", (number,), layer.kernel.shape, "parameter", trained)
        shape = (layer.units, *below.shape)
        return self.given("W", (number,), shape, "parameter", trained, absent=layer.missing)

    def penalised(self, loss: Node) -> Node:
        """L = L0 + λ/2 Σ w² over all weights, each of them once, and no bias."""
        weights = [n for n in self.nodes if n.name in WEIGHTS]
        slots = tuple(f"W{n}" for n in range(1, len(weights) + 1))
        op = Penalty(("lambda", *slots), tuple(n.absent for n in weights))
        penalty = self.add(
            "R", (), op, self.given("lambda", (), (), "constant"), *weights, sampled=False
        )
        return self.add("L", (), GATES["+"], loss, penalty, sampled=False)


def _joined(wiring: Wiring) -> Iterator[tuple[int, int, Index]]:
    for i, row in enumerate(wiring, 1):
        yield from ((i, j, weight) for j, weight in enumerate(row, 1) if weight)


def network(
    inputs: int,
    layers: Sequence[Layer],
    loss: Elementwise | None,
    samples: int = 1,
    reduction: Reduction = "sum",
    outputs: Reduction = "sum",
    penalty: bool = False,
) -> Graph:
    """The graph of a network with `inputs` features.  The loss is summed or averaged over the `outputs`,
    then over the samples (`reduction`); `penalty`: λ/2 Σ w² is added to it."""
    net = _Network()
    reached = [net.given("x", (), (inputs,), "input")]
    for number, layer in enumerate(layers, 1):
        reached.append(net.layer(number, layer, reached))
    last = reached[-1]
    if loss is None:
        root = last.element((1,), 1 if samples > 1 else None)
        return Graph(tuple(net.nodes), root, samples, forward_only=True, aliases=net.aliases)
    target = net.given("t", (), last.shape, "target")
    if "n" in (loss.constants or {}):  # of a mean over the outputs
        loss = loss.with_constants(n=Fraction(last.shape[0]))
    of_all = Total(mean=outputs == "mean", outputs=last.shape[0])
    terms = net.add("L", (), loss, last, target)
    total = net.add("L0" if penalty and samples == 1 else "L", (), of_all, terms)
    if samples > 1:
        over = OverSamples(mean=reduction == "mean", samples=samples)
        total = net.add("L0" if penalty else "L", (), over, total, sampled=False)
    if penalty:
        total = net.penalised(total)
    return Graph(tuple(net.nodes), total.element(()), samples, aliases=net.aliases)


def collapsed(layers: Sequence[tuple[Any, Any]]) -> tuple[Array, Array]:
    """M, c with W2 (W1 x + b1) + b2 = M x + c: the layers' (W, b) as one, in the arithmetic of their
    numbers (fractions stay exact)."""
    matrix, shift = (np.array(numbers, dtype=object) for numbers in layers[0])
    for weights, biases in layers[1:]:
        factor = np.array(weights, dtype=object)
        matrix, shift = factor @ matrix, factor @ shift + np.array(biases, dtype=object)
    return matrix, shift


def parameter_count(graph: Graph, layer: int | None = None) -> int:
    """P, the number of trainable parameters, or P[l] of one layer; a shared bias counts once."""
    return _parameters(graph, layer, lambda node: node.trained)


def _parameters(graph: Graph, layer: int | None, which: Callable[[Node], bool]) -> int:
    return sum(
        prod(n.shape) - len(n.absent)
        for n in graph.of_kind("parameter")
        if layer in (None, n.prefix[0]) and which(n)
    )


def _layers(graph: Graph) -> int:
    return sum(node.name == "z" for node in graph.nodes)


COUNTS: dict[str, Callable[[Graph, int | None], int]] = {
    "P": parameter_count,
    "weights": lambda graph, layer: _parameters(graph, layer, lambda n: n.name in WEIGHTS),
    "biases": lambda graph, layer: _parameters(graph, layer, lambda n: n.name == "b"),
    "layers": lambda graph, _: _layers(graph),
    "hidden_layers": lambda graph, _: _layers(graph) - 1,
    "samples": lambda graph, _: graph.samples,
}


def counted(graph: Graph, q: Id) -> int | None:
    """The number that P, P[l], weights[l], hidden_layers, … stand for; None for any other id."""
    if not isinstance(q, Quantity) or q.name not in COUNTS or any(n.name == q.name for n in graph.nodes):
        return None
    layers = {node.prefix for node in graph.nodes if node.name == "z"}
    if q.sample or q.update or not layers or (q.index and q.index not in layers):
        raise KeyError(str(q))
    return COUNTS[q.name](graph, *(q.index or (None,)))
