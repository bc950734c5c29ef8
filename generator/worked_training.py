"""Worked training: an update sample by sample, further updates, and where the goal is reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from derive import descent
from derive.expression import Ref, call
from derive.network import WEIGHTS
from derive.quantity import Quantity
from generator.exercise import snapshots
from generator.formula import Node, Number, row
from generator.number import quantised, shown
from generator.page import Block, Table, block, tables
from generator.telling import Teller
from generator.typeset import typeset

__all__ = ["one_at_a_time", "training"]

COLUMNS = (1, 10, 100, 1000, 10_000)  # updates after which the parameters are shown, and the last


def one_at_a_time(teller: Teller) -> Iterator[Block]:
    """Over a batch: a weight after each sample's share of the update, all from the old weights."""
    graph, exercise = teller.graph, teller.exercise
    weights = [node for node in graph.of_kind("parameter") if node.trained and node.name in WEIGHTS]
    if graph.samples == 1 or not weights:
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
