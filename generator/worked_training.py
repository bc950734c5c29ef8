"""Worked training: the rule of the updates, the updates, and where the goal is reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from derive import descent
from derive.expression import Ref, call, refs
from derive.network import WEIGHTS
from derive.optimizer import of_parameter
from derive.quantity import Quantity
from generator.exercise import TOLD, snapshots
from generator.formula import Fraction, Node, Number, Symbol, equation, row
from generator.notation import Namer
from generator.number import quantised, shown
from generator.page import Block, Formula, Table, block, tables
from generator.telling import Teller, chain
from generator.typeset import typeset

__all__ = ["all_parameters", "another_update", "by_rule", "one_at_a_time", "training", "updated"]

COLUMNS = (1, 10, 100, 1000, 10_000)  # updates after which the parameters are shown, and the last


def by_rule(teller: Teller) -> Iterator[Block]:
    """The assignments of an optimizer that keeps something, for any parameter, and its constants."""
    rule, name = teller.exercise.optimizer, teller.name
    if not rule.variables:
        return
    assert isinstance(name, Namer)
    leaves: dict[str, Node] = {"w": Symbol("w"), "k": Symbol("k"), "eta": name.rate}
    leaves["g"] = Fraction(row("∂", name(teller.graph.root)), row("∂", Symbol("w")))
    leaves |= {constant: name(Quantity(constant)) for constant in rule.constants}
    leaves |= {variable: name.letter(variable) for variable in rule.kept}
    lines = []
    for variable, formula in rule.assignments:
        left = name.marked(name.letter(variable), None, 1)
        lines.append((equation(left, typeset(formula, leaves.__getitem__)), None))
        leaves[variable] = left
    kept = [name.letter(variable) for variable in rule.kept]
    counts = any("k" in refs(formula) for _, formula in rule.assignments)
    args = {"name": rule.name, "kept": kept, "counter": leaves["k"] if counts else None}
    yield block("optimizer", args, lines)
    constants = [(teller.equal(Quantity(constant)), None) for constant in rule.constants]
    yield block("optimizer_constants", {"count": len(constants)}, constants)


def _lines(teller: Teller, q: Quantity, k: int) -> Iterator[Formula]:
    """Update k of one parameter: what the optimizer keeps, then the parameter, with numbers put in."""
    variables = [of_parameter(name, q) for name in teller.exercise.optimizer.variables]
    for target in (new.at(update=k) for new in [*variables, q]):
        formula = teller.exercise.program.formula(target)
        assert formula is not None
        yield chain(teller.name(target), teller.sides(formula, target)), None


def updated(teller: Teller, changed: Sequence[Quantity]) -> Iterator[Block]:
    """The first update of every parameter; each told by itself where it takes several lines."""
    if not teller.exercise.optimizer.variables:
        yield block("updated", {}, (line for q in changed for line in _lines(teller, q, 1)))
        return
    for q in changed:
        yield block("updated_parameter", {"q": teller.name(q)}, _lines(teller, q, 1))


def all_parameters(teller: Teller, changed: Sequence[Quantity], k: int) -> Iterator[Block]:
    """Every parameter after update k, with its gradient and what the optimizer keeps of it, or with its
    old value where it keeps nothing."""
    name, variables = teller.name, teller.exercise.optimizer.variables
    heads: list[str | Node] = ["parameter", "gradient", "old", "new"]
    if variables:
        assert isinstance(name, Namer)
        heads[2:3] = [name.marked(name.letter(variable), None, k) for variable in variables]
    rows: list[tuple[Node, ...]] = []
    for q in changed:
        gradient = replace(teller.derivation.derivative(q), update=k - 1)
        kept = [of_parameter(variable, q).at(update=k) for variable in variables]
        numbers = [gradient, *(kept or [q.at(update=k - 1)]), q.at(update=k)]
        rows.append((name(q), *map(teller.shown, numbers)))
    first, *more = tables(heads, rows)
    yield Block("all_parameters" if variables else "old_and_new", {}, (), first)
    yield from (Block("table", {}, (), table) for table in more)


def another_update(teller: Teller, changed: Sequence[Quantity]) -> Iterator[Block]:
    """Where the optimizer keeps something: the updates after the first, of one parameter line by line,
    of all in a table."""
    last = min(TOLD, len(teller.exercise.iterates) - 1)
    for k in range(2, last + 1) if teller.exercise.optimizer.variables else ():
        q = changed[0]
        yield block("another_update", {"k": k, "q": teller.name(q)}, _lines(teller, q, k))
        yield from all_parameters(teller, changed, k)


def one_at_a_time(teller: Teller) -> Iterator[Block]:
    """Over a batch: a weight after each sample's share of the update, all from the old weights."""
    graph, exercise = teller.graph, teller.exercise
    weights = [node for node in graph.of_kind("parameter") if node.trained and node.name in WEIGHTS]
    if graph.samples == 1 or not weights or exercise.optimizer.variables:
        return
    w, *_ = weights[-1].elements()
    gradient = teller.derivation.step(teller.derivation.derivative(w))
    if len(gradient.terms) != graph.samples:
        return  # it is used several times, or has a penalty
    rate = float(exercise.spec.source.learning_rate)
    shares = descent.one_at_a_time(gradient, exercise.number(w), exercise.values, rate)
    rows = tuple(
        (Number(str(sample)), shown(share, teller.digits), shown(new, teller.digits))
        for sample, (share, new) in zip(graph.sample_numbers, shares, strict=True)
    )
    term = gradient.terms[0]
    product = call("*", *map(Ref, term.ids[:1]), *(factor.expr for factor in term.factors))
    share = typeset(product, lambda q: teller.name(replace(q, sample=None)))
    args = {"old": teller.equal(w), "new": teller.equal(w.at(update=1)), "q": teller.name(w)}
    table = Table(("sample_column", share, teller.name(w)), rows)
    yield Block("one_at_a_time", args, (), table)


def _outputs(teller: Teller) -> list[Quantity]:
    """The outputs, where they are few: of a single sample, up to three units."""
    last = [node for node in teller.graph.nodes if node.name == "a"][-1]
    few = teller.graph.samples == 1 and last.shape[0] <= 3
    return list(last.elements()) if few else []


def training(teller: Teller, trained: Sequence[Quantity]) -> Iterator[Block]:
    """The loss and the parameters after further updates, and when the loss reached its goal."""
    loss, updates = teller.graph.root, len(teller.exercise.iterates) - 1
    if updates > 1:
        states = snapshots(updates)
        shown_too = [loss, *_outputs(teller)]
        losses = tuple(
            (Number(str(k)), *(teller.shown(q.at(update=k)) for q in shown_too)) for k in states
        )
        table = Table(("updates_column", *map(teller.name, shown_too)), losses)
        yield Block("further_updates", {"updates": updates}, (), table)
        chosen = [k for k in states if k in COLUMNS or k == updates]
        rows = tuple((teller.name(q), *(teller.shown(q.at(update=k)) for k in chosen)) for q in trained)
        heads: list[str | Node] = ["parameter", *(Number(str(k)) for k in chosen)]
        yield Block("trained")
        yield from (Block("table", {}, (), table) for table in tables(heads, rows))
    net = teller.exercise.spec.network_spec
    if net.stop_below is None:
        return
    stop, goal = teller.exercise.stop, net.stop_below
    shown_states = [updates] if stop is None else [stop - 1, stop] if stop else [0]
    lines: list[Node] = []
    for k in shown_states:
        q = loss.at(update=k)
        number, sign = teller.exercise.number(q), "<" if k == stop else "≥"
        precise = (d for d in range(teller.digits, 17) if quantised(number, d) != goal)
        lines.append(row(teller.name(q), "=", shown(number, next(precise, 17)), sign, shown(goal)))
    args = {"goal": shown(goal), "after": stop, "epoch": (stop or 0) + 1, "updates": updates}
    yield block("stop", args, ((line, None) for line in lines))
