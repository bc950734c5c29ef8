"""Report: an Exercise as data, every quantity by id, for `derive` and for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from derive.backprop import Step
from derive.descent import update_steps
from derive.expression import Ref, call, substitute, text
from derive.network import counted
from derive.optimizer import RATE, of_parameter
from derive.quantity import Derivative, Id, Quantity, parse
from generator.exercise import Exercise, snapshots, trained

__all__ = ["Entry", "entries", "entry", "report"]


@dataclass(frozen=True)
class Entry:
    """A quantity: its formula in ids, and the ids whose product it is (empty for a given number and
    for a sum, whose terms are in its step)."""

    id: str
    value: float
    symbolic: str
    factors: list[str]


def _factors(exercise: Exercise, d: Derivative) -> list[str]:
    """The chain of named factors, opened up to ∂L/∂a: dL/da, da/dz, dz/dW."""
    derivation = exercise.derivation.towards(d.of, d.sample)
    step = derivation.chain(d, lambda upstream: upstream.wrt.name == "a")
    return [str(i) for i in step.terms[0].ids] if len(step.terms) == 1 else []


def _step_formula(step: Step) -> str:
    """Σ upstream · local formulas, the upstream by name."""
    terms = []
    for term in step.terms:
        upstream = [Ref(term.upstream)] if term.upstream else []
        terms.append(call("*", *upstream, *(factor.expr for factor in term.factors)))
    return text(call("+", *terms)) if terms else "1"


def entry(exercise: Exercise, q: Id) -> Entry:
    """The entry of any quantity or derivative that the exercise's graph holds; else KeyError."""
    graph = exercise.graph
    count = counted(graph, q)
    if count is not None:
        return Entry(str(q), count, str(q), [])
    if isinstance(q, Derivative) and graph.forward_only:
        raise KeyError(str(q))
    if q.update or exercise.optimizer.owned(q) or exercise.program.constant(q) is not None:
        return _updated(exercise, q)
    value = exercise.number(q)
    if isinstance(q, Quantity):
        definition = graph.definition(q)
        return Entry(str(q), value, text(definition) if definition else str(q), [])
    local = graph.local(q) if q.of != graph.root.at() or q.wrt.name == "L" else None
    if local is not None and q.of != graph.root.at():
        return Entry(str(q), value, text(local), [])
    if not graph.depends(q.of, q.wrt, q.sample):
        return Entry(str(q), value, "0", [])
    step = exercise.derivation.towards(q.of, q.sample).step(q)
    return Entry(str(q), value, _step_formula(step), _factors(exercise, q))


def _updated(exercise: Exercise, q: Id) -> Entry:
    value = exercise.number(q)
    owned = exercise.optimizer.owned(q)
    moved = owned[1] if owned else q.at() if isinstance(q, Quantity) else None
    if q.update and moved and exercise.graph.locate(moved, None)[0].trained:
        formula = exercise.program.formula(q)
        assert formula is not None
        named = substitute(formula, lambda name: Ref("learning_rate" if name == RATE else name))
        return Entry(str(q), value, text(named), [])
    return Entry(str(q), value, str(q), [])


def _layers(exercise: Exercise) -> list[int]:
    """The numbers of the layers with parameters; none in a circuit."""
    return sorted({node.prefix[0] for node in exercise.graph.of_kind("parameter")})


def ids(exercise: Exercise) -> Iterator[Id]:
    """Every id of the report, forward, then backward, then after the update, then counts."""
    graph = exercise.graph
    locals_: dict[Derivative, None] = {}
    for node in graph.nodes:
        for sample in graph.sample_numbers if node.sampled else [None]:
            yield from node.elements(sample)
    for target in exercise.derivation.targets():
        for term in exercise.derivation.step(target).terms:
            locals_.update((f.derivative, None) for f in term.factors)
        yield target
    targets = set(exercise.derivation.targets())
    yield from (d for d in locals_ if d not in targets)
    yield from map(Quantity, exercise.optimizer.constants)
    for k in snapshots(len(exercise.iterates) - 1):
        for q in trained(graph):
            yield from (of_parameter(v, q).at(update=k) for v in exercise.optimizer.variables)
            yield q.at(update=k)
        yield graph.root.at(update=k)
    if layers := _layers(exercise):
        yield Quantity("P")
        yield from (Quantity("P", (layer,)) for layer in layers)


def entries(exercise: Exercise) -> Iterator[Entry]:
    """All quantities."""
    return (entry(exercise, q) for q in ids(exercise))


def steps(exercise: Exercise) -> Iterator[Step]:
    """All steps: backward, then the update."""
    yield from exercise.derivation.steps()
    if len(exercise.iterates) > 1:
        for q in trained(exercise.graph):
            yield from update_steps(exercise.graph, q, exercise.optimizer)


def report(exercise: Exercise, chosen: Sequence[Entry] | None = None) -> dict[str, Any]:
    """quantities, steps, certificate: enough for somebody else to render the derivation; of the
    `chosen` entries alone, or of everything."""
    proof = exercise.certificate
    if chosen is None:
        shown, told = list(entries(exercise)), list(steps(exercise))
    else:
        shown, told = list(chosen), []
        for entry_ in chosen:
            with suppress(KeyError):
                q = parse(entry_.id)
                told += [exercise.derivation.step(q)] if isinstance(q, Derivative) else []
    return {
        "spec": exercise.spec.name,
        "quantities": [asdict(e) for e in shown],
        "steps": [
            {
                "target": str(step.target),
                "rule": step.rule,
                "terms": [
                    {
                        "upstream": str(term.upstream) if term.upstream else None,
                        "factors": [str(f.derivative) for f in term.factors],
                    }
                    for term in step.terms
                ],
            }
            for step in told
        ],
        "certificate": {"methods": list(proof.methods), "max_error": proof.max_error},
    }
