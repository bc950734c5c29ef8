"""Live: the numbers of a page as JavaScript, so that each follows when an input or a weight is edited.

    v[20] = 1/(1 + Math.exp(-v[14]))

Every quantity has a slot.  Its formula is the program's own, printed by SymPy's code printer: nothing is
implemented a second time.  A state after an update is the same program on new parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

from derive.descent import Descent
from derive.expression import Expr, Num, Ref, refs, substitute, value
from derive.optimizer import RATE, of_parameter
from derive.program import Program, read
from derive.quantity import Derivative, Id, Quantity
from generator.exercise import Exercise, trained
from generator.formula import Either, Node, Number, row
from generator.telling import Teller

__all__ = ["Live", "live"]

UPDATE = Quantity("update")  # the number of the update that is being made


@dataclass(frozen=True)
class Live:
    """`given`: name, number and label of the slots 0, 1, …, without a label if it is not to be edited;
    `held`: numbers of those after them, which follow from updates alone; `states`: how many of them the
    page shows, one after each update; `result`: the loss; `code`: what computes the rest."""

    given: tuple[tuple[str, float, Node | None], ...]
    held: tuple[float, ...]
    result: Node | None
    states: int
    updates: bool
    code: str


def _said(thing: Any) -> Iterator[str]:
    """The formulas of all numbers and conditions in sections, blocks, trees."""
    if isinstance(thing, Number):
        if thing.of is not None:
            yield thing.of
    elif isinstance(thing, Either):
        yield thing.condition
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, list | tuple):
        for item in thing:
            yield from _said(item)
    elif is_dataclass(thing) and not isinstance(thing, Quantity | Derivative | type):
        for part in fields(thing):
            yield from _said(getattr(thing, part.name))


def live(exercise: Exercise, sections: Iterable[Any]) -> Live | None:
    """What makes the sections live; None where nothing in them was computed."""
    said = tuple(_said(tuple(sections)))
    if not said:
        return None
    root = None if exercise.graph.forward_only else exercise.graph.root.at()
    keys = tuple(dict.fromkeys([*said, *([str(root)] if root else [])]))
    writer = _Writer(exercise)
    shown = {key: writer.states(read(key)) for key in keys}
    news: dict[Id, Expr] = {}
    for q in trained(exercise.graph) if isinstance(exercise.iterates, Descent) else ():
        for variable in (*exercise.optimizer.variables, "w"):
            new = q if variable == "w" else of_parameter(variable, q)
            news[new] = writer.next(variable, q)
    slots = writer.slots(news)
    given, held = [], []
    for leaf in writer.leaves:
        if leaf in writer.state:
            held.append(0.0)
        else:
            label = exercise.namer.rate if leaf == RATE else exercise.namer(leaf)
            given.append((str(leaf), writer.number(leaf), None if writer.fixed(leaf) else label))
    lines = [f"  v[{slots[q]}] = {writer.js(expr, slots)};" for q, expr in writer.formulas.items()]
    after = [f"  n[{slots[q]}] = {writer.js(expr, slots)};" for q, expr in news.items()]
    pairs = (f"  {_quoted(key)}: s => {writer.js(expr, slots, 's')}," for key, expr in shown.items())
    code = "\n".join(
        (
            *("compute(v) {", *lines, "},"),
            *("update(v, k) {", "  const n = {};"),
            *after,
            *("  return n;", "},"),
            *("shown: {", *pairs, "},"),
        )
    )
    states = 1 + max(q.update for key in keys for q in refs(read(key)))
    result = row(exercise.namer(root), "=", Teller(exercise).shown(root)) if root else None
    return Live(tuple(given), tuple(held), result, states, bool(news), code)


def _quoted(key: str) -> str:
    import json

    return json.dumps(key)


class _Writer:
    """Which quantities there are, in the order in which they are computed, and their formulas."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.program: Program = exercise.program
        self.formulas: dict[Id, Expr] = {}
        self.leaves: dict[Id, None] = {}
        self.state: set[Id] = set()  # what an optimizer keeps

    def number(self, q: Id) -> float:
        source = self.exercise.spec.source
        return float(source.learning_rate) if q == RATE else self.exercise.number(q)

    def fixed(self, q: Id) -> bool:
        """Whether a number follows from others that are not on this page: a z-score."""
        net = self.exercise.spec.network
        return bool(net and net.standardize and isinstance(q, Quantity) and q.name == "x")

    def states(self, expr: Expr) -> Expr:
        """The formula in (update, quantity before any update); all of these are needed."""

        def at_state(q: Id) -> Expr:
            base = replace(q, update=0)
            self.need(base)
            return Ref((q.update, base))

        return substitute(expr, at_state)

    def need(self, wanted: Id) -> None:
        """Makes sure that a quantity is computed, after all that it takes."""
        waiting = [wanted]
        while waiting:
            q = waiting[-1]
            kept = bool(self.program.optimizer.owned(q))
            expr = None if kept or q == RATE else self.program.formula(q)
            before = () if expr is None else refs(expr)
            if q in self.formulas or q in self.leaves:
                waiting.pop()
            elif missing := [r for r in before if r not in self.formulas and r not in self.leaves]:
                waiting += missing
            elif expr is None:
                self.leaves[q] = None
                self.state |= {q} if kept else set()
            else:
                self.formulas[q] = expr

    def next(self, variable: str, q: Quantity) -> Expr:
        """The next value of a parameter, or of what the optimizer keeps for it, from this state's."""
        root = self.exercise.graph.root.at()
        slope = Derivative(root, q)
        expr = self.program.optimizer.formula(variable, q, 2, slope, Ref(UPDATE))
        assert expr is not None
        new = {of_parameter(name, q) for name in self.program.optimizer.variables}

        def now(ref: Id) -> Expr:
            if ref == UPDATE:
                return Ref(ref)
            base = replace(ref, update=0)
            if ref.update == 2 and base in new:  # assigned in this same update: by its own formula
                return self.next(base.name[:-1], q)
            self.need(base)
            return Ref(base)

        return substitute(expr, now)

    def slots(self, news: Iterable[Id]) -> dict[Id, int]:
        """Given ones first, then what is kept, then what is computed."""
        for q in news:
            if self.program.optimizer.owned(q) and q not in self.leaves:
                self.state.add(q)
                self.leaves[q] = None
        ordered = sorted(self.leaves, key=lambda q: q in self.state)
        self.leaves = dict.fromkeys(ordered)
        return {q: n for n, q in enumerate((*ordered, *self.formulas))}

    def js(self, expr: Expr, slots: dict[Id, int], states: str = "") -> str:
        """The formula in JavaScript, over v or over the states s."""

        def name(q: Any) -> str:
            if q == UPDATE:
                return "k"
            if states:
                update, base = q
                return f"{states}[{update}][{slots[base]}]"
            return f"v[{slots[q]}]"

        names: dict[Any, str] = {}
        for q in refs(expr):
            names.setdefault(q, f"x{len(names)}")
        said = {short: name(q) for q, short in names.items()}
        printed = _javascript(substitute(expr, lambda q: Ref(names[q])))
        return _SHORT.sub(lambda found: said[found[0]], printed)


_SHORT = re.compile(r"\bx\d+\b")


@lru_cache(maxsize=10_000)
def _javascript(expr: Expr) -> str:
    """A formula of x0, x1, …: printed once for all that are made in the same way."""
    import sympy

    from derive.symbolic import sympy_table

    if isinstance(expr, Num):
        return str(float(expr.value))
    found = value(expr, lambda name: sympy.Symbol(name, real=True), sympy_table())
    return " ".join(sympy.jscode(found, user_functions={"erf": "erf"}).split())
