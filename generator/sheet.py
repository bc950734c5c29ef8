"""Sheet: what is asked of every variant of a spec, compiled once and computed for many variants at once.

    answer ± tolerance,  what each misconception gives instead,  what an answer rests on

A Batch is an Exercise whose states hold many variants: every number is an array, one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal
from functools import cache, cached_property
from typing import Any

import numpy as np

from derive.descent import Descent, first_below
from derive.evaluate import Rounding, arrays, kinks
from derive.expression import Expr, Ref, fold, refs, substitute
from derive.network import counted
from derive.ops import Array
from derive.program import RATE, Runs
from derive.quantity import Derivative, Id
from derive.verify import Certificate, examine_counts
from generator.exercise import (
    CORRECTION,
    MISTAKE,
    STOP,
    Exercise,
    Line,
    Part,
    Working,
    examined,
    methods_of,
    scored,
    trained,
)
from generator.forms import APART, FORMS, formulas
from generator.misconceptions import MISCONCEPTIONS, Misconception, rewriting
from generator.spec import Spec
from generator.spec_network import NetworkSpec

__all__ = ["Asked", "Batch", "Sheet", "ask", "line", "significant"]

SAME = 1e-9  # relative: the same number, by other operations
TIE = 1e-12
SCATTERED = 4  # passes in which each number is rounded up or down by its place
MARGIN = 1.5  # times as far as the passes are off


Complete = Callable[[Spec, int], NetworkSpec | None]


@dataclass(frozen=True)
class Asked:
    """One question: the group that it stands in, what is asked, what it is worth, in what form."""

    group: str
    quantity: Id
    points: int = 1
    form: str = "number"  # a row of FORMS


class Sheet:
    """The questions of one spec, and the exercise of the spec's own numbers."""

    def __init__(
        self,
        exercise: Exercise,
        wanted: Iterable[tuple[Any, ...]],
        kind: str = "",
        overlooks: Collection[str] = (),
        lines: Iterable[Id] = (),
        complete: Complete | None = None,
    ) -> None:
        self.exercise = exercise
        self.kind = kind
        self.overlooks = overlooks  # reasons to draw again that are none for this kind
        self.questions = [Asked(*row) for row in wanted]
        self.asked = {a.quantity: a for a in self.questions if FORMS[a.form].computed}
        self.lines = list(lines)  # of a working in which a mistake is to be found
        self.complete = complete  # what a drawn network needs so that it can be asked
        self._parents = cache(self._computed_from)  # a cache of the sheet's own, which ends with it

    @property
    def not_counted(self) -> list[Id]:
        """What is asked that is no count."""
        graph = self.exercise.graph
        return [a.quantity for a in self.questions if counted(graph, a.quantity) is None]

    @cached_property
    def formulas(self) -> dict[Id, dict[str, Any]]:
        """What the key says of each question for a formula: the same in every variant."""
        asked = (a.quantity for a in self.questions if a.form == "formula")
        return {q: formulas(self, q) for q in asked}

    @cached_property
    def rests_on(self) -> dict[Id, tuple[Id, ...]]:
        """For each question the other questions that its answer rests on directly."""
        return {q: tuple(u for u in self.way_to(q) if u in self.asked) for q in self.asked}

    @cached_property
    def depends_on(self) -> dict[Id, tuple[str, ...]]:
        """Their ids."""
        return {q: tuple(map(str, rests_on)) for q, rests_on in self.rests_on.items()}

    @cached_property
    def between(self) -> list[Id]:
        """What is computed on the way from one answer to another without being asked."""
        ways = (u for q in self.asked for u in self.way_to(q) if u not in self.asked)
        return list(dict.fromkeys(ways))

    def way_to(self, q: Id) -> Iterator[Id]:
        """What q is computed from, back to what is asked or given."""
        pending, seen = list(self._parents(q)), {q}
        while pending:
            current = pending.pop(0)
            if current not in seen:
                seen.add(current)
                yield current
                pending.extend(() if current in self.asked else self._parents(current))

    def _computed_from(self, q: Id) -> tuple[Any, ...]:
        """What q is computed from, as it is taught."""
        if q == STOP:
            return tuple(map(self.exercise.derivation.derivative, trained(self.exercise.graph)))
        try:
            formula = self.exercise.program.formula(q)
        except KeyError:  # the learning rate, a count
            return ()
        return tuple(refs(formula)) if formula else ()

    @cached_property
    def misconceptions(self) -> list[Misconception]:
        """Those that the spec does not leave out."""
        left_out = self.exercise.spec.draw.ignore
        return [m for m in MISCONCEPTIONS.values() if m.id not in left_out]

    @cached_property
    def rewritten(self) -> dict[str, set[Id]]:
        """The quantities of the sheet whose own formula a misconception changes."""
        program, graph = self.exercise.program, self.exercise.graph
        known = [q for q in (*self.asked, *self.between) if counted(graph, q) is None]
        changes = {m.id: rewriting([m]) for m in self.misconceptions}
        return {
            note: {q for q in known if change(program, q) is not None}
            for note, change in changes.items()
        }

    @cached_property
    def affected(self) -> dict[str, set[Id]]:
        """Those that are another number then, all other answers being right."""
        children: dict[Id, list[Id]] = {}
        for q in (*self.asked, *self.between):
            for parent in self._parents(q):
                children.setdefault(parent, []).append(q)
        found = {}
        for note, changed in self.rewritten.items():
            reached, pending = set(changed), [q for q in changed if q not in self.asked]
            while pending:
                new = [q for q in children.get(pending.pop(), ()) if q not in reached]
                reached.update(new)
                pending += [q for q in new if q not in self.asked]
            found[note] = reached
        return found

    @cached_property
    def made_in(self) -> dict[str, list[Id]]:
        """The questions that a misconception is made in, their own formula being changed; none where
        what it is about is not asked, and it only shows in what follows."""
        return {note: [q for q in self.asked if q in found] for note, found in self.rewritten.items()}

    def batch(self, specs: Sequence[Spec]) -> Batch:
        """Variants of the same structure with other numbers."""
        graph = self.exercise.graph
        each = [arrays(graph, spec.source.numbers()) for spec in specs]
        data = {name: np.concatenate([one[name] for one in each], axis=-1) for name in each[0]}
        return Batch(self, tuple(specs), self._descent(data))

    def _descent(self, data: dict[str, Array], rounding: Rounding | None = None) -> Descent:
        source, graph = self.exercise.spec.source, self.exercise.graph
        rate, rule = float(source.learning_rate), source.update_rule
        return Descent(graph, data, rate, source.updates, rounding, self.tie, rule)

    @property
    def tie(self) -> float:
        """How near to a kink a unit is on it: 0.4·0.5 − 0.3 + 0.1 is 2.8e-17.  What is drawn has up to
        six decimals, so a sum of products that is not 0 is further off."""
        return TIE if self.exercise.spec.draw.kinks else 0.0


@dataclass(frozen=True)
class Batch:
    """Many variants of a sheet."""

    sheet: Sheet
    specs: tuple[Spec, ...]
    states: Descent

    def __len__(self) -> int:
        return len(self.specs)

    @cached_property
    def exercise(self) -> Exercise:
        """All of them as one exercise."""
        return replace(self.sheet.exercise, iterates=self.states, parts=())

    def numbers(self, q: Id, states: Descent | None = None) -> Array:
        """The number of q in each variant."""
        exercise, states = self.sheet.exercise, states or self.states
        if q in (MISTAKE, CORRECTION):
            return self._of_working(q, states)
        if q == STOP:
            bound = exercise.spec.network_spec.stop_below
            stops = first_below(states, exercise.graph.root, float(bound or 0))
            return np.array([np.nan if k is None else k for k in stops])
        count, constant = counted(exercise.graph, q), exercise.program.constant(q)
        rate = self.states.learning_rate if q == RATE else None
        known = [float(number) for number in (count, constant, rate) if number is not None]
        found = np.array(known[0]) if known else states[q.update][q]
        return np.broadcast_to(found, len(self))

    @cached_property
    def answers(self) -> dict[Id, Array]:
        """Of each question."""
        return {q: self.numbers(q) for q in self.sheet.asked}

    @cached_property
    def plantings(self) -> list[_Planting | None]:
        """For each variant a misconception whose working shows, in a line that it is made in, a number
        that nobody would take for a rounding; drawn from those that do; None where none does."""
        lines, sheet = self.sheet.lines, self.sheet
        if not lines:
            return [None] * len(self)
        right = np.array([self.numbers(q) for q in lines])
        near = APART * np.array([self._tolerance(q) for q in lines])
        fit: list[list[_Planting]] = [[] for _ in self.specs]
        program, rate = sheet.exercise.program, self.states.learning_rate
        for m in sheet.misconceptions:
            run = Runs(program, self.states, rate, {}, rewriting([m]))
            wrong = np.array([np.broadcast_to(run[q], len(self)) for q in lines])
            other = ~np.isclose(wrong, right, rtol=SAME, atol=0)
            told = np.isfinite(wrong).all(axis=0) & other.any(axis=0)
            first = other.argmax(axis=0)
            for v in np.flatnonzero(told):
                if abs(wrong[first[v], v] - right[first[v], v]) > near[first[v], v]:
                    fit[v].append(_Planting(m.id, int(first[v]), run, int(v)))
        return [
            some[spec.lot % len(some)] if some else None
            for spec, some in zip(self.specs, fit, strict=True)
        ]

    def _of_working(self, q: Id, states: Descent | None) -> Array:
        """The number of the first wrong line, or what should stand there; NaN without a working."""
        found = []
        for v, planting in enumerate(self.plantings):
            if planting is None:
                found.append(np.nan)
                continue
            line = self.sheet.lines[planting.first]
            found.append(self.numbers(line, states)[v] if q == CORRECTION else planting.first + 1)
        return np.array(found, dtype=float)

    def _working(self, v: int) -> Working | None:
        planting = self.plantings[v]
        if planting is None:
            return None
        run, at, v, names = planting.run, planting.first, planting.variant, self.sheet.lines
        right = Runs(run.program, run.states, run.rate)
        has_line = set(names).__contains__
        lines = tuple(line(run, q, v, has_line) for q in names)
        return Working(planting.note, lines, at + 1, line(right, names[at], v, has_line))

    @cached_property
    def tolerances(self) -> dict[Id, Array]:
        """How far an answer may be off: half as much again as the answers of people who round every
        intermediate result to the digits asked for, to nearest, up, down or now this way, now that; and
        at least one unit of the last digit asked.  Rounded up to two significant digits: what is
        written in the key is what is applied."""
        return {q: self._tolerance(q) for q in self.answers}

    @cached_property
    def careless(self) -> list[Descent]:
        """The same calculations with every intermediate result rounded, in several ways."""
        digits = self.sheet.exercise.spec.digits
        ways = [significant(digits, way) for way in ("nearest", "up", "down", *range(SCATTERED))]
        return [self.sheet._descent(dict(self.states.start), way) for way in ways]

    def _tolerance(self, q: Id) -> Array:
        if counted(self.sheet.exercise.graph, q) is not None:
            return np.zeros(len(self))  # nobody rounds when counting
        exact, digits = self.numbers(q), self.sheet.exercise.spec.digits
        off = np.max([np.abs(self.numbers(q, states) - exact) for states in self.careless], axis=0)
        unit = np.where(exact == 0, 0.0, 10.0 ** (_power(exact) - (digits - 1)))
        return np.array([_rounded_up(t) for t in MARGIN * off + unit])

    @cached_property
    def wrong(self) -> dict[Id, dict[str, Array]]:
        """What each misconception gives for each question, the answers that it rests on being right; NaN
        where it gives nothing, or changes nothing: to a unit that is off all slopes are alike."""
        sheet, found = self.sheet, {q: dict[str, Array]() for q in self.sheet.asked}
        program, rate = sheet.exercise.program, self.states.learning_rate
        known = {**{q: self.numbers(q) for q in sheet.between}, **self.answers}
        for m in sheet.misconceptions:
            affected = sheet.affected[m.id]
            given = {q: n for q, n in known.items() if q in self.answers or q not in affected}
            run = Runs(program, self.states, rate, given, rewriting([m]))
            for q in (q for q in self.answers if q in affected and q != STOP):
                right, number = self.answers[q], np.broadcast_to(run.compute(q), len(self))
                same = np.isclose(number, right, rtol=SAME, atol=0)
                if not (same | ~np.isfinite(number)).all():
                    found[q][m.id] = np.where(same | ~np.isfinite(number), np.nan, number)
        return found

    def picked(self, which: Sequence[int]) -> Batch:
        """Some of them, with what is known of them."""
        data = {
            n: a[..., which] if a.shape[-1] == len(self) else a for n, a in self.states.start.items()
        }
        some = Batch(self.sheet, tuple(self.specs[v] for v in which), self.sheet._descent(data))
        if self.sheet.lines:
            some.__dict__["plantings"] = [self.plantings[v] for v in which]
        some.__dict__["answers"] = {q: a[which] for q, a in self.answers.items()}
        some.__dict__["tolerances"] = {q: a[which] for q, a in self.tolerances.items()}
        some.__dict__["wrong"] = {
            q: {note: a[which] for note, a in notes.items()} for q, notes in self.wrong.items()
        }
        return some

    def exercises(self) -> list[Exercise | str]:
        """Each variant as an exercise with its certificate; or why it has none."""
        graph, also = self.sheet.exercise.graph, list(self.sheet.asked)
        methods: tuple[str, ...]
        if self.sheet.exercise.spec.draw.sizes:  # no number of the network is shown
            found, methods = examine_counts(graph, also, len(self)), ("counting",)
        else:
            found, methods = examined(self.exercise, None, also), methods_of(graph)
        good = [v for v, wrong in enumerate(found.wrong) if wrong is None]
        if found.unfinished and good:
            made = iter(self.picked(good).exercises())
            return [wrong or next(made) for wrong in found.wrong]
        for v, spec in enumerate(self.specs):
            found.errors[v] = max(found.errors[v], scored(spec))
        return [
            found.wrong[v]
            or replace(self._single(v), proof=Certificate(methods, float(found.errors[v])))
            for v in range(len(self))
        ]

    def _single(self, v: int) -> Exercise:
        data = {name: array[..., v : v + 1] for name, array in self.states.start.items()}
        parts = tuple(self._part(asked, v) for asked in self.sheet.questions)
        exercise, spec, states = self.sheet.exercise, self.specs[v], self.sheet._descent(data)
        on = kinks(exercise.graph, spec.source.numbers(), states[0].values)[0] if states.tie else ()
        made = replace(exercise, spec=spec, iterates=states, parts=parts, at_kink=frozenset(on))
        return replace(made, working=self._working(v))

    def _part(self, asked: Asked, v: int) -> Part:
        q = asked.quantity
        return Part(
            quantity=q,
            group=asked.group,
            points=asked.points,
            form=asked.form,
            depends_on=self.sheet.depends_on.get(q, ()),
            **FORMS[asked.form].key(self, asked, v),
        )


@dataclass(frozen=True)
class _Planting:
    """The misconception `note` in a working, which shows in line `first` (from 0); its numbers, in a run
    of many variants."""

    note: str
    first: int
    run: Runs
    variant: int


def line(run: Runs, q: Id, v: int, has_line: Callable[[Id], bool]) -> Line:
    """A line of what variant v calculates; what has no line of its own is written out."""

    def spelled(name: Any) -> Expr:
        known = name == RATE or has_line(name) or run.program.constant(name) is not None
        formula = None if known else run.formula(name)
        return Ref(name) if formula is None else substitute(formula, spelled)

    def number(name: Any) -> float:
        of_all = np.ravel(run[name])
        return float(of_all[v if len(of_all) > 1 else 0])

    formula = run.formula(q)
    assert formula is not None
    formula = substitute(formula, spelled)
    formula = fold(formula) if isinstance(q, Derivative) else formula
    return Line(q, formula, {name: number(name) for name in refs(formula)}, number(q))


def ask(exercise: Exercise, wanted: Iterable[tuple[Any, ...]], lines: Iterable[Id] = ()) -> Exercise:
    """An exercise with a part for each (group, quantity, points); `lines`: of a wrong working."""
    made = Sheet(exercise, wanted, lines=lines).batch([exercise.spec])._single(0)
    return replace(exercise, parts=made.parts, working=made.working)


def _power(numbers: Array) -> Array:
    """Of the first digit: 2 of 314, −1 of 0.5."""
    return np.floor(np.log10(np.where(numbers == 0, 1.0, np.abs(numbers))))


def significant(digits: int, way: str | int) -> Rounding:
    """A rounding of arrays to `digits` significant digits: to the nearest, up or down; or, of a number,
    each element up or down as its place and that number have it, the same in every variant."""
    steps = {"nearest": np.rint, "up": np.ceil, "down": np.floor}

    def rounded(array: Array) -> Array:
        power = _power(array) - (digits - 1)
        # 10.0**p is exact for p ≥ 0 only, so a small number is multiplied, not divided.
        up, down = 10.0 ** np.maximum(power, 0), 10.0 ** np.maximum(-power, 0)
        scaled = array / up * down
        if isinstance(way, str):
            return np.asarray(steps[way](scaled) / down * up)
        whole = np.where(_scattered(array, way), np.ceil(scaled), np.floor(scaled))
        return np.asarray(whole / down * up)

    return rounded


def _scattered(array: Array, way: int) -> Array:
    """Zeros and ones over all axes but that of the variants."""
    places = np.arange(int(np.prod(array.shape[:-1]))) + 1
    bits = (places * 2654435761 + (way + 1) * 40503 * len(places)) >> 15 & 1
    return bits.reshape(*array.shape[:-1], 1)


def _rounded_up(number: float) -> float:
    if not number or not np.isfinite(number):
        return number
    exact = Decimal(float(number))
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), ROUND_UP))
