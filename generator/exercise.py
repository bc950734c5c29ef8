"""Exercise: what everything downstream (pages, keys, marking) is fed by, and nothing else.

An Exercise is a spec with its numbers, the derivation, the values before and after the updates,
their certificate, and the parts that are asked.  A worked example is an Exercise that asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal
from functools import cached_property

import numpy as np

from derive.backprop import Derivation
from derive.descent import Descent, Iterate, first_below
from derive.evaluate import Rounding, Values, arrays, evaluate, kinks
from derive.expression import refs
from derive.graph import Graph
from derive.network import counted
from derive.ops import Array
from derive.optimizer import Optimizer
from derive.program import Program
from derive.quantity import Derivative, Id, Quantity
from derive.verify import (
    Certificate,
    Uncertified,
    certify,
    certify_derivatives,
    certify_descent,
    certify_scores,
    certify_values,
    quantities,
)
from generator.notation import NOTATIONS, CircuitNamer, Namer, Writer
from generator.spec import Spec

__all__ = ["STOP", "TOLD", "Exercise", "Part", "ask", "build", "certified", "snapshots", "trained"]

TOLD = 3  # updates of an optimizer that keeps something which are told one by one
STOP = Quantity("stop")  # after how many updates the loss is below the spec's goal
SMALL = 12  # paths through a network up to which SymPy differentiates the composed loss as well


@dataclass(frozen=True)
class Part:
    """One answer that is asked for.  `answer` ± `tolerance` is right: whoever rounds every
    intermediate result to the digits that the sheet asks for lands inside."""

    quantity: Id
    group: str
    answer: float
    tolerance: float
    points: int = 1
    depends_on: tuple[str, ...] = ()
    form: str = "number"

    @property
    def id(self) -> str:
        """The quantity's id, e.g. dL/dW[1][2][1]."""
        return str(self.quantity)


@dataclass(frozen=True)
class Exercise:
    """A spec and its numbers; `parts` are asked, `variant` names this draw."""

    spec: Spec
    derivation: Derivation
    iterates: Sequence[Iterate]  # the states after 0, 1, … updates
    kind: str = "example"
    variant: str | None = None
    parts: tuple[Part, ...] = ()
    proof: Certificate | None = None
    at_kink: frozenset[Quantity] = frozenset()  # units that sit exactly on a kink

    @property
    def graph(self) -> Graph:
        return self.derivation.graph

    @property
    def optimizer(self) -> Optimizer:
        """What an update does, with its constants."""
        return self.spec.source.update_rule

    @cached_property
    def program(self) -> Program:
        """The calculation as formulas."""
        return Program(self.derivation, self.optimizer)

    @property
    def certificate(self) -> Certificate:
        """What vouches for the numbers; asking for it before `certified` is an error."""
        if self.proof is None:
            raise Uncertified(f"{self.spec.name} has not been certified")
        return self.proof

    @property
    def values(self) -> Values:
        """Before any update."""
        return self.iterates[0].values

    @cached_property
    def network_namer(self) -> Namer:
        """Writes a network's quantities in the spec's notation."""
        notation = NOTATIONS[self.spec.notation].with_patterns(self.spec.patterns)
        return Namer(notation, self.graph)

    @property
    def namer(self) -> Writer:
        """Writes this exercise's quantities: a network's in its notation, a circuit's by their names."""
        return CircuitNamer() if self.spec.circuit else self.network_namer

    @cached_property
    def stop(self) -> int | None:
        """After how many updates the loss is below the spec's goal for the first time, if it is."""
        net = self.spec.network
        if net is None or net.stop_below is None or not isinstance(self.iterates, Descent):
            return None
        return first_below(self.iterates, self.graph.root, float(net.stop_below))

    def number(self, q: Id) -> float:
        """The value of any quantity, W@1 and L@1 included, or of a count, P."""
        if (count := counted(self.graph, q)) is not None:
            return count
        if q == STOP:
            return float("nan") if self.stop is None else self.stop
        if q.update >= len(self.iterates) or (q.sample or 1) > self.graph.samples:
            raise KeyError(str(q))
        if (constant := self.program.constant(q)) is not None:
            return float(constant)
        return self.iterates[q.update].number(q)


def build(spec: Spec) -> Exercise:
    """Evaluate a spec's own numbers; nothing may leave the program before it is `certified`."""
    graph = spec.source.graph()
    numbers = spec.source.numbers()
    data = arrays(graph, numbers)
    rate = float(spec.source.learning_rate)
    on, tie = kinks(graph, numbers, evaluate(graph, data, gradients=False))
    rule = spec.source.update_rule
    iterates = Descent(graph, data, rate, spec.source.updates, tie=tie, optimizer=rule)
    return Exercise(spec, Derivation(graph), iterates, at_kink=frozenset(on))


def certified(
    exercise: Exercise,
    prove: bool = False,
    only: Iterable[Quantity] | None = None,
    also: Iterable[Id] = (),
) -> Exercise:
    """The exercise with a certificate: all of the first state, every update, and the values of the
    states that are shown; Uncertified if two methods disagree.

    `prove`: let SymPy differentiate the composed loss too, where the network is small.  `only`: the
    quantities whose gradients somebody is going to see.  `also`: ids that are asked for of later states.
    """
    graph, digits = exercise.graph, exercise.spec.digits
    only, also = list(only) if only is not None else None, list(also)
    if graph.forward_only:
        slopes = certify_derivatives(exercise.values, (d for d in also if isinstance(d, Derivative)))
        proof = Certificate(("mpmath",), max(slopes, certify_values(exercise.values, digits)))
        return replace(exercise, proof=proof)
    small = prove and only is None and _paths(graph) <= SMALL
    asked = quantities(graph, ("input", "parameter")) if small else None
    states = exercise.iterates
    proof = certify(exercise.derivation, states[0].values, asked, digits, only)
    errors = [proof.max_error]
    if isinstance(states, Descent) and (only is None or any(q.update for q in also)):
        errors.append(certify_descent(states))
    if not graph.ancestors().issuperset(graph.nodes):  # beside the way to what is differentiated
        errors.append(certify_values(states[0].values, digits))
    if (net := exercise.spec.network) and net.standardize:
        errors += [certify_scores(feature, net.standardize.digits) for feature in net.features()]
    later = {q.update for q in also if 0 < q.update < len(states)}
    later |= {k for k in (exercise.stop or 0, (exercise.stop or 0) - 1) if k > 0}
    for k in {0, *later}:
        others = (d for d in also if isinstance(d, Derivative) and d.update == k)
        others = (replace(d, update=0) for d in others if d.of != graph.root.at())
        errors.append(certify_derivatives(states[k].values, others))
    for k in sorted({*later, *snapshots(len(states) - 1)}):
        errors.append(certify_values(states[k].values))
        wrt = {_element(graph, q) for q in also if q.update == k and isinstance(q, Derivative)}
        if k < min(TOLD, len(states) - 1) and exercise.optimizer.variables and only is None:
            wrt.update(trained(graph))
        if wrt:
            part = certify(exercise.derivation, states[k].values, None, digits, wrt)
            errors.append(part.max_error)
    return replace(exercise, proof=Certificate(proof.methods, max(errors)))


def trained(graph: Graph) -> list[Quantity]:
    """The parameters that an update changes."""
    return [q for n in graph.of_kind("parameter") if n.trained for q in n.elements()]


def _element(graph: Graph, q: Derivative) -> Quantity:
    """What q is the derivative by, as the graph names it (b[1] for a shared b[1][2])."""
    node, i = graph.locate(q.wrt, q.sample)
    return node.element(i, q.sample)


def snapshots(updates: int) -> list[int]:
    """The states that are shown of a long training: 1 to 20, the powers of ten, the last."""
    powers = (10**n for n in range(2, 7))
    return sorted({*range(1, min(updates, 20) + 1), *(p for p in powers if p < updates), updates} - {0})


def _paths(graph: Graph) -> int:
    """How often the composed loss repeats its innermost part, about."""
    count = graph.samples
    for node in graph.nodes:
        count *= node.shape[0] if node.name == "a" and node.shape else 1
    return count


# --- parts ------------------------------------------------------------------------------------


def significant(digits: int, toward: str) -> Rounding:
    """A rounding of arrays to `digits` significant digits: to the nearest, up or down."""
    step = {"nearest": np.rint, "up": np.ceil, "down": np.floor}[toward]

    def rounded(array: Array) -> Array:
        scale = np.abs(array)
        power = np.floor(np.log10(np.where(scale > 0, scale, 1.0))) - (digits - 1)
        # 10.0**p is exact for p ≥ 0 only, so a small number is multiplied, not divided.
        up, down = 10.0 ** np.maximum(power, 0), 10.0 ** np.maximum(-power, 0)
        return np.asarray(step(array / up * down) / down * up)

    return rounded


def tolerances(exercise: Exercise, wanted: Iterable[Id]) -> dict[Id, float]:
    """|answer − the answer of somebody who rounds every node to the digits asked for|, to nearest, up
    and down in turn, half as much again; and at least one unit of the last digit asked.  The sum
    is rounded up to two significant digits: what is written in the key is what is applied."""
    spec, digits = exercise.spec, exercise.spec.digits
    rate, updates = float(spec.source.learning_rate), spec.source.updates
    data = exercise.iterates[0].data
    passes = [
        Descent(
            exercise.graph,
            data,
            rate,
            updates,
            significant(digits, toward),
            optimizer=exercise.optimizer,
        )
        for toward in ("nearest", "up", "down")
    ]
    result = {}
    for q in wanted:
        exact = exercise.number(q)
        careless = [replace(exercise, iterates=p).number(q) for p in passes]
        unit = 10.0 ** (np.floor(np.log10(abs(exact))) - (digits - 1)) if exact else 0.0
        result[q] = _rounded_up(1.5 * max(abs(c - exact) for c in careless) + float(unit))
    return result


def _rounded_up(number: float) -> float:
    if not number:
        return 0.0
    exact = Decimal(number)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), ROUND_UP))


def parents(exercise: Exercise, q: Id) -> Iterator[Id]:
    """The quantities that q is computed from directly, as it is taught."""
    if counted(exercise.graph, q) is not None:
        return
    if q.update or q == STOP:
        yield from _gradients(exercise)
        return
    if isinstance(q, Quantity):
        definition = exercise.graph.definition(q)
        yield from refs(definition) if definition else ()
        return
    if q.of != exercise.graph.root.at() and (local := exercise.graph.local(q)) is not None:
        yield from refs(local)
        return
    for term in exercise.derivation.towards(q.of, q.sample).step(replace(q, update=0)).terms:
        if term.upstream:
            yield term.upstream
        for factor in term.factors:
            yield from refs(factor.expr)


def _gradients(exercise: Exercise) -> Iterator[Id]:
    """What a number after an update rests on: every gradient that moved a parameter."""
    for node in exercise.graph.of_kind("parameter"):
        if node.trained:
            yield from (exercise.derivation.derivative(p) for p in node.elements())


def dependencies(exercise: Exercise, q: Id, asked: set[Id]) -> tuple[str, ...]:
    """The asked quantities that q rests on without another asked one in between."""
    found: dict[Id, None] = {}
    pending, seen = list(parents(exercise, q)), set()
    while pending:
        current = pending.pop(0)
        if current in seen:
            continue
        seen.add(current)
        if current in asked:
            found[current] = None
        else:
            pending.extend(parents(exercise, current))
    return tuple(str(d) for d in found)


def ask(exercise: Exercise, wanted: Iterable[tuple[str, Id, int]]) -> Exercise:
    """The exercise with a part for each (group, quantity, points)."""
    wanted = list(wanted)
    groups = {q: group for group, q, _ in wanted}
    points = {q: number for _, q, number in wanted}
    tolerance = tolerances(exercise, groups)
    parts = tuple(
        Part(
            quantity=q,
            group=group,
            answer=exercise.number(q),
            tolerance=tolerance[q],
            points=points[q],
            depends_on=dependencies(exercise, q, set(groups) - {q}),
        )
        for q, group in groups.items()
    )
    return replace(exercise, parts=parts)
