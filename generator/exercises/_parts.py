"""What several kinds ask: (group, quantity, points), in the order in which it is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from functools import cache
from itertools import product

import numpy as np

from derive.evaluate import arrays, evaluate
from derive.graph import Node
from derive.network import WEIGHTS, parameter_count
from derive.ops import Array
from derive.quantity import Id, Quantity
from generator.exercise import Exercise
from generator.spec import Spec
from generator.spec_network import NetworkSpec

__all__ = ["after", "deltas", "designed", "elements", "first_weight", "gradients", "last_weight"]
__all__ += ["lines", "trained", "with_function"]

Part = tuple[str, Id, int]
ALL = 12  # trained parameters of which all are asked


def elements(exercise: Exercise, group: str, *names: str, layers: slice = slice(None)) -> Iterator[Part]:
    """z, a, … of all units of some layers, sample by sample."""
    graph = exercise.graph
    nodes = [node for node in graph.nodes if node.name in names]
    prefixes = list(dict.fromkeys(node.prefix for node in nodes))[layers]
    for sample in graph.sample_numbers:
        for node in nodes:
            if node.prefix in prefixes:
                yield from ((group, q, 1) for q in node.elements(sample))


def deltas(exercise: Exercise) -> Iterator[Part]:
    """∂L/∂z of every unit, from the output back."""
    graph, gradient = exercise.graph, exercise.derivation.derivative
    for sample in graph.sample_numbers:
        for node in reversed(graph.nodes):
            if node.name == "z":
                yield from (("delta", gradient(q), 2) for q in node.elements(sample))


def trained(exercise: Exercise) -> list[Node]:
    """The blocks of parameters that an update changes, from the output back."""
    return [node for node in reversed(exercise.graph.of_kind("parameter")) if node.trained]


def gradients(exercise: Exercise, most: int = ALL) -> Iterator[Part]:
    """∂L/∂w of every trained parameter; where there are more than `most`, of each layer's first and last
    weight and its first bias.  The bias of one unit is not asked: its gradient is that unit's ∂L/∂z."""
    graph, gradient = exercise.graph, exercise.derivation.derivative
    for node in trained(exercise):
        if node.name == "b" and node.shape and graph.samples == 1:
            continue
        chosen: list[Quantity] = list(node.elements())
        if parameter_count(graph) > most and node.name in WEIGHTS:
            chosen = list(dict.fromkeys([chosen[0], chosen[-1]]))
        yield from (("gradient", gradient(q), 1) for q in chosen)


def after(exercise: Exercise) -> Iterator[Part]:
    """The loss after one update, where there is one."""
    if exercise.spec.source.updates and trained(exercise):
        yield "after", exercise.graph.root.at(update=1), 3


def first_weight(exercise: Exercise) -> Quantity:
    """The first weight of the first layer that has weights of its own."""
    node = next(node for node in exercise.graph.of_kind("parameter") if node.name in WEIGHTS)
    return next(node.elements())


def last_weight(exercise: Exercise) -> Quantity:
    """The first weight of the last layer that has weights of its own."""
    node = [node for node in exercise.graph.of_kind("parameter") if node.name in WEIGHTS][-1]
    return next(node.elements())


def lines(exercise: Exercise, group: str) -> Iterator[Part]:
    """Every value of a circuit, in the order in which it is computed."""
    yield from ((group, node.element(()), 1) for node in exercise.graph.nodes if node.op)


# --- designs ------------------------------------------------------------------------------------

STEPS = [Decimal(n) / 2 for n in range(-12, 13) if n]  # weights that are tried
LOTS = 37  # of a lot, how many turns there are for each neuron


def designed(exercise: Exercise) -> list[Quantity]:
    """The weights of the last layer."""
    *_, weights = (node for node in exercise.graph.of_kind("parameter") if node.name == "W")
    return list(weights.elements())


def with_function(
    spec: Spec, lot: int, functions: Collection[tuple[int, ...]] | None = None
) -> NetworkSpec | None:
    """The network with weights of its last neurons that make each compute one of these functions of the
    samples (else any that is not constant), drawn from those that there are weights for, with its bias
    or with the opposite one: the weights that keep the least pre-activation furthest from 0, and then
    the smallest; None without any."""
    net, layer = spec.network_spec, spec.network_spec.layers[-1]
    graph = net.graph()
    values = evaluate(graph, arrays(graph, net.numbers()), gradients=False)
    last = next(node for node in reversed(graph.nodes) if node.name == "z")
    (below,) = (node for node in last.inputs if node.sampled)
    inputs = values.forward[below][..., 0]  # units × samples
    tried = _tried(len(inputs))
    weights, biases = [], []
    for unit, bias in enumerate(layer.biases or [Decimal(0)] * net.widths[-1]):
        turn = lot // LOTS**unit
        ways = (bias, -bias) if turn % 2 else (-bias, bias)
        for own in ways if layer.kind_of_bias == "per_unit" else (bias,):
            found = _functions(tried @ inputs + float(own), float(spec.margin))
            fit = sorted(f for f in found if len(set(f)) > 1 and (functions is None or f in functions))
            if fit:
                chosen = tried[found[fit[turn // 2 % len(fit)]]]
                weights.append([Decimal(str(w)) for w in chosen])
                biases.append(own)
                break
        else:
            return None
    update = {"weights": weights, "biases": biases if layer.biases else []}
    return net.model_copy(update={"layers": [*net.layers[:-1], layer.model_copy(update=update)]})


@cache
def _tried(count: int) -> Array:
    """All weights of a neuron with so many inputs, the smallest first."""
    tried = np.array(list(product(STEPS, repeat=count)), dtype=float)
    return tried[np.argsort(np.abs(tried).sum(axis=1), kind="stable")]


def _functions(z: Array, margin: float) -> dict[tuple[int, ...], int]:
    """Function of the samples -> which row of pre-activations computes it best."""
    near = np.abs(z).min(axis=1)
    order = np.argsort(-near, kind="stable")
    order = order[near[order] >= margin]
    bits = (z[order] > 0).astype(int)
    _, first = np.unique(np.packbits(bits, axis=1), axis=0, return_index=True)
    return {tuple(bits[k].tolist()): int(order[k]) for k in first}
