"""Exercise: what everything downstream (pages, keys, marking) is fed by, and nothing else.

An Exercise is a spec with its numbers, the derivation, the values before and after the updates,
their certificate, and the parts that are asked.  A worked example is an Exercise that asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from derive.backprop import Derivation
from derive.descent import Descent, Iterate, first_below
from derive.evaluate import Values, arrays, evaluate, kinks
from derive.expression import Expr
from derive.graph import Graph
from derive.network import counted
from derive.optimizer import Optimizer
from derive.program import Program
from derive.quantity import Derivative, Id, Quantity
from derive.verify import (
    METHODS,
    Certificate,
    Findings,
    Uncertified,
    certify_scores,
    examine,
    examine_by_sympy,
    examine_derivatives,
    examine_descent,
    examine_values,
    quantities,
)
from generator.notation import NOTATIONS, CircuitNamer, Namer, Writer
from generator.spec import Spec

__all__ = ["CORRECTION", "MISTAKE", "STOP", "TOLD", "Exercise", "Line", "Part", "Working", "Wrong"]
__all__ += ["build", "certified", "examined", "methods_of", "scored", "snapshots", "trained"]

TOLD = 3  # updates of an optimizer that keeps something which are told one by one
STOP = Quantity("stop")  # after how many updates the loss is below the spec's goal
# Of a working with a mistake in it: the number of its first wrong line, and what should stand there.
MISTAKE, CORRECTION = Quantity("mistake"), Quantity("correction")
SMALL = 12  # paths through a network up to which SymPy differentiates the composed loss as well


@dataclass(frozen=True)
class Wrong:
    """The answer of somebody with one misconception, `note`, who has everything asked before right."""

    note: str
    answer: float | str


@dataclass(frozen=True)
class Part:
    """One answer that is asked for, in a form (`generator.forms`).  A number ± `tolerance` is right:
    whoever rounds every intermediate result to the digits that the sheet asks for lands inside.  Of a
    choice the answer is the letter of one of the `options`; of a formula or a shape its text; of a
    design one of many right ones."""

    quantity: Id
    group: str
    answer: float | str
    tolerance: float | None = None
    points: int = 1
    depends_on: tuple[str, ...] = ()
    form: str = "number"
    misconceptions: tuple[Wrong, ...] = ()
    options: tuple[float, ...] = ()

    @property
    def id(self) -> str:
        """The quantity's id, e.g. dL/dW[1][2][1]; of a formula or a choice with its form."""
        numeric = self.form in ("number", "design")
        return str(self.quantity) if numeric else f"{self.quantity}:{self.form}"


@dataclass(frozen=True)
class Line:
    """A line of a worked solution: quantity = formula = the formula with these numbers = number."""

    quantity: Id
    formula: Expr
    numbers: Mapping[Id, float]
    number: float


@dataclass(frozen=True)
class Working:
    """A worked solution by somebody who has one misconception, `note`; line `first` (from 1) is the
    first that is wrong, and `right` what it should be."""

    note: str
    lines: tuple[Line, ...]
    first: int
    right: Line


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
    working: Working | None = None  # with a mistake that is to be found

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
        return _namer(self.graph, self.spec.notation, tuple(self.spec.patterns.items()))

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
        (stop,) = first_below(self.iterates, self.graph.root, float(net.stop_below))
        return stop

    def number(self, q: Id) -> float:
        """The value of any quantity, W@1 and L@1 included, or of a count, P."""
        if (count := counted(self.graph, q)) is not None:
            return count
        if q == STOP:
            return float("nan") if self.stop is None else self.stop
        if q.update >= len(self.iterates) or (q.sample or 1) > self.graph.samples:
            raise KeyError(str(q))
        if isinstance(q, Derivative) and q.sample and q.of == self.graph.root.at():
            if not self.graph.locate(q.wrt, q.sample)[0].sampled:  # it is over the whole batch
                raise KeyError(str(q))
        if (constant := self.program.constant(q)) is not None:
            return float(constant)
        return self.iterates[q.update].number(q)


@lru_cache(maxsize=8)  # of variants that follow one another most have one graph
def _namer(graph: Graph, notation: str, patterns: tuple[tuple[str, str], ...]) -> Namer:
    return Namer(NOTATIONS[notation].with_patterns(dict(patterns)), graph)


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
    found, graph = examined(exercise, only, also), exercise.graph
    methods = methods_of(graph)
    if prove and only is None and not graph.forward_only and _paths(graph) <= SMALL:
        given = quantities(graph, ("input", "parameter"))
        found.add(examine_by_sympy(exercise.derivation, exercise.values, given))
        methods = (*methods, "sympy")
    return replace(exercise, proof=Certificate(methods, found.worst()))


def methods_of(graph: Graph) -> tuple[str, ...]:
    """What vouches for the numbers of a graph."""
    return ("mpmath",) if graph.forward_only else METHODS


def examined(
    exercise: Exercise, only: Iterable[Quantity] | None = None, also: Iterable[Id] = ()
) -> Findings:
    """What `certified` checks but for SymPy, of every variant that the exercise's states hold."""
    graph, digits = exercise.graph, exercise.spec.digits
    only, also = list(only) if only is not None else None, list(also)
    if graph.forward_only:
        found = examine_values(exercise.values, digits)
        slopes = (d for d in also if isinstance(d, Derivative))
        found.add(examine_derivatives(exercise.values, slopes))
        return found
    states = exercise.iterates
    found = examine(exercise.derivation, states[0].values, digits, only)
    if isinstance(states, Descent) and (only is None or any(q.update for q in also)):
        found.add(examine_descent(states))
    if not graph.ancestors().issuperset(graph.nodes):  # beside the way to what is differentiated
        found.add(examine_values(states[0].values, digits))
    single = exercise.values.variants == 1
    if single:
        found.errors = np.fmax(found.errors, scored(exercise.spec))
    later = {q.update for q in also if 0 < q.update < len(states)}
    if single:
        later |= {k for k in (exercise.stop or 0, (exercise.stop or 0) - 1) if k > 0}
    for k in {0, *later}:
        others = (d for d in also if isinstance(d, Derivative) and d.update == k)
        others = (replace(d, update=0) for d in others if d.of != graph.root.at())
        found.add(examine_derivatives(states[k].values, others))
    for k in sorted({*later, *snapshots(len(states) - 1)}):
        found.add(examine_values(states[k].values))
        wrt = {_element(graph, q) for q in also if q.update == k and isinstance(q, Derivative)}
        if k < min(TOLD, len(states) - 1) and exercise.optimizer.variables and only is None:
            wrt.update(trained(graph))
        if wrt:
            found.add(examine(exercise.derivation, states[k].values, digits, wrt))
    return found


def scored(spec: Spec) -> float:
    """The largest error of a spec's z-scores; 0 where it has none."""
    if not (spec.network and spec.network.standardize):
        return 0.0
    net, digits = spec.network, spec.network.standardize.digits
    return max(certify_scores(feature, digits) for feature in net.features())


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
