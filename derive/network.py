"""Layers -> Graph.

    z[l] = W[l] a[l-1] + b[l],  a[l] = f_l(z[l]),  a[0] = x,  L = Σ_i loss(a[last][i], t[i])

Over a batch the graph ends in L = Σ_s L#s, or in the mean over the samples.  Without a loss it ends
in a[last], and nothing is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, Literal

import numpy as np

from derive.graph import Graph, Node
from derive.ops import ACTIVATIONS, Affine, Array, Elementwise, Op, OverSamples, Total
from derive.quantity import Id, Quantity

__all__ = ["COUNTS", "Bias", "Layer", "collapsed", "counted", "network", "parameter_count"]

Bias = Literal["per_unit", "shared", "none"]


@dataclass(frozen=True)
class Layer:
    """One layer of weights: `units` outputs, an activation, a kind of bias, what is trained."""

    units: int
    activation: Op = ACTIVATIONS["sigmoid"]
    bias: Bias = "per_unit"
    train: frozenset[str] = frozenset({"weights", "biases"})


def network(
    inputs: int,
    layers: Sequence[Layer],
    loss: Elementwise | None,
    samples: int = 1,
    reduction: Literal["sum", "mean"] = "sum",
) -> Graph:
    """The graph of a fully connected network with `inputs` features."""
    nodes: list[Node] = []

    def add(name: str, prefix: tuple[int, ...], op: Op, *inputs: Node) -> Node:
        shape = op.shape(*(n.shape for n in inputs))
        nodes.append(Node(name, prefix, shape, "computed", op, inputs))
        return nodes[-1]

    def parameter(name: str, number: int, shape: tuple[int, ...], trained: bool) -> Node:
        node = Node(name, (number,), shape, "parameter", trained=trained, sampled=False)
        nodes.append(node)
        return node

    below = Node("x", (), (inputs,), "input")
    nodes.append(below)
    for number, layer in enumerate(layers, 1):
        shape = (layer.units, below.shape[0])
        feeding = [parameter("W", number, shape, "weights" in layer.train), below]
        if layer.bias != "none":
            units = (layer.units,) if layer.bias == "per_unit" else ()
            feeding.append(parameter("b", number, units, "biases" in layer.train))
        z = add("z", (number,), Affine(Affine().slots[: len(feeding)]), *feeding)
        below = add("a", (number,), layer.activation, z)
    if loss is None:
        root = below.element((1,), 1 if samples > 1 else None)
        return Graph(tuple(nodes), root, samples, forward_only=True)
    target = Node("t", (), below.shape, "target")
    nodes.append(target)
    if "n" in (loss.constants or {}):  # of a mean over the outputs
        loss = loss.with_constants(n=Fraction(below.shape[0]))
    total = add("L", (), Total(), add("L", (), loss, below, target))
    if samples > 1:
        op = OverSamples(mean=reduction == "mean", samples=samples)
        total = Node("L", (), (), "computed", op, (total,), sampled=False)
        nodes.append(total)
    return Graph(tuple(nodes), total.element(()), samples)


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
        prod(n.shape) for n in graph.of_kind("parameter") if layer in (None, n.prefix[0]) and which(n)
    )


def _layers(graph: Graph) -> int:
    return sum(node.name == "z" for node in graph.nodes)


COUNTS: dict[str, Callable[[Graph, int | None], int]] = {
    "P": parameter_count,
    "weights": lambda graph, layer: _parameters(graph, layer, lambda n: n.name == "W"),
    "biases": lambda graph, layer: _parameters(graph, layer, lambda n: n.name == "b"),
    "layers": lambda graph, _: _layers(graph),
    "hidden_layers": lambda graph, _: _layers(graph) - 1,
    "samples": lambda graph, _: graph.samples,
}


def counted(graph: Graph, q: Id) -> int | None:
    """The number that P, P[l], weights[l], hidden_layers, … stand for; None for any other id."""
    if not isinstance(q, Quantity) or q.name not in COUNTS or any(n.name == q.name for n in graph.nodes):
        return None
    layers = {node.prefix for node in graph.of_kind("parameter")}
    if q.sample or q.update or not layers or (q.index and q.index not in layers):
        raise KeyError(str(q))
    return COUNTS[q.name](graph, *(q.index or (None,)))
