"""Report: an Exercise as data, every quantity by id, for `derive` and for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import islice
from math import fsum, prod
from typing import Any

from derive.backprop import Step
from derive.descent import update_steps
from derive.expression import Expr, Num, Ref, call, substitute, text
from derive.network import counted
from derive.optimizer import RATE, of_parameter
from derive.quantity import Derivative, Id, Quantity, parse
from derive.verify import TOLERANCE, Uncertified
from generator.exercise import Exercise, snapshots, trained

__all__ = ["Entry", "along_paths", "entries", "entry", "report"]

ONE = Num(Fraction(1))
LEARNING_RATE = "learning_rate"
WALKED = 10_000  # paths up to which all are walked, to certify their sum


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


def _step_formula(step: Step) -> Expr:
    """Σ upstream · local formulas, the upstream by name."""
    terms = []
    for term in step.terms:
        upstream = [Ref(term.upstream)] if term.upstream else []
        terms.append(call("*", *upstream, *(factor.expr for factor in term.factors)))
    return ONE if step.rule == "seed" else call("+", *terms)


def _told(exercise: Exercise, step: Step) -> dict[str, Any]:
    """A step: every factor by its id and by its formula, in the order in which it is told."""
    updated = isinstance(step.target, Quantity)
    return {
        "target": str(step.target),
        "rule": step.rule,
        "terms": [
            {
                "upstream": str(term.upstream) if term.upstream else None,
                "factors": [str(f.derivative) for f in term.factors],
                "formulas": [text(f.expr) for f in term.factors],
            }
            for term in step.terms
        ],
        "formula": text(_formula(exercise, step.target) if updated else _step_formula(step)),
    }


def entry(exercise: Exercise, q: Id) -> Entry:
    """The entry of any quantity or derivative that the exercise's graph holds; else KeyError."""
    graph = exercise.graph
    count = counted(graph, q)
    if count is not None:
        return Entry(str(q), count, str(q), [])
    if isinstance(q, Derivative) and graph.forward_only:
        raise KeyError(str(q))
    value = exercise.number(q)
    factors: list[str] = []
    if isinstance(q, Derivative) and not q.update and _local(exercise, q) is None:
        factors = _factors(exercise, q) if graph.depends(q.of, q.wrt, q.sample) else []
    return Entry(str(q), value, text(_formula(exercise, q)), factors)


def _local(exercise: Exercise, d: Derivative) -> Expr | None:
    """The taught formula of a local derivative; None of one by the chain rule."""
    return exercise.graph.local(d) if d.of != exercise.graph.root.at() else None


def _formula(exercise: Exercise, q: Id) -> Expr:
    """What q is in terms of other ids; q itself where it is given."""
    graph = exercise.graph
    if q.update:
        return _updated(exercise, q)
    if q in _of_optimizer(exercise):
        return Ref(q)
    if isinstance(q, Quantity):
        return graph.definition(q) or Ref(q)
    if (local := _local(exercise, q)) is not None:
        return local
    if not graph.depends(q.of, q.wrt, q.sample):
        return Num(Fraction(0))
    return _step_formula(exercise.derivation.towards(q.of, q.sample).step(q))


def _updated(exercise: Exercise, q: Id) -> Expr:
    """How the optimizer computes a parameter or a variable of its own; of anything else its formula,
    with what an update changes as it is after k of them."""
    graph = exercise.graph
    owned = exercise.optimizer.owned(q)
    if owned or (isinstance(q, Quantity) and graph.locate(q.at(), q.sample)[0].trained):
        formula = exercise.program.formula(q)
        assert formula is not None
        return substitute(formula, lambda name: Ref(LEARNING_RATE if name == RATE else name))

    def moved(r: Id) -> bool:
        node = graph.locate(r, r.sample)[0] if isinstance(r, Quantity) else None
        return node is None or node.op is not None or node.trained

    formula = _formula(exercise, replace(q, update=0))
    return substitute(formula, lambda r: Ref(replace(r, update=q.update) if moved(r) else r))


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
    yield from _of_optimizer(exercise)
    for k in snapshots(len(exercise.iterates) - 1):
        for q in trained(graph):
            yield from (of_parameter(v, q).at(update=k) for v in exercise.optimizer.variables)
            yield q.at(update=k)
        for node in graph.nodes:
            for sample in graph.sample_numbers if node.op and node.sampled else [None]:
                yield from (replace(q, update=k) for q in node.elements(sample) if node.op)
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
    rate = exercise.spec.source.learning_rate if len(exercise.iterates) > 1 else None
    return {
        "spec": exercise.spec.name,
        "root": None if exercise.graph.forward_only else str(exercise.graph.root),
        "samples": exercise.graph.samples,
        LEARNING_RATE: None if rate is None else float(rate),
        "given": [str(q) for q in _given(exercise)],
        "quantities": [asdict(e) for e in shown],
        "steps": [_told(exercise, step) for step in told],
        "certificate": {"methods": list(proof.methods), "max_error": proof.max_error},
    }


def _given(exercise: Exercise) -> Iterator[Quantity]:
    """The ids whose numbers are put in, from which all others follow."""
    for node in exercise.graph.given:
        for sample in exercise.graph.sample_numbers if node.sampled else [None]:
            yield from node.elements(sample)
    yield from _of_optimizer(exercise)


def _of_optimizer(exercise: Exercise) -> list[Quantity]:
    """What an update starts from besides the parameters: constants, variables that are 0 at first."""
    if len(exercise.iterates) < 2:
        return []
    rule = exercise.optimizer
    kept = [of_parameter(v, q) for q in trained(exercise.graph) for v in rule.kept]
    return [*map(Quantity, rule.constants), *kept]


def along_paths(exercise: Exercise, target: Derivative, most: int) -> dict[str, Any]:
    """count, paths: a gradient as a sum over paths, the first `most` of them with their local factors
    from the root on; and their sum, where these are all.

    Uncertified if the sum of all paths, as long as they can be walked, is not the gradient.
    """
    derivation, values = exercise.derivation.towards(target.of, target.sample), exercise.values
    count = derivation.path_count(target)
    walked = derivation.paths(target) if count <= WALKED else islice(derivation.paths(target), most)
    paths: list[dict[str, Any]] = []
    products: list[float] = []
    for term in walked:
        product = prod(float(values.compute(f.expr).item()) for f in term.factors) + 0.0  # not -0
        products.append(product)
        if len(paths) < most:
            paths.append({"factors": [str(f.derivative) for f in term.factors], "value": product})
    gradient = exercise.number(target)
    if len(products) == count:
        error, scale = abs(fsum(products) - gradient), fsum(map(abs, products))
        if error > TOLERANCE * scale:
            raise Uncertified(f"{target} is {gradient!r}, but {fsum(products)!r} over its paths")
    told = {"target": str(target), "count": count, "paths": paths}
    return told | ({"sum": gradient} if len(paths) == count else {})
