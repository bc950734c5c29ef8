"""Marking: what each answer of a class is worth, and why; on the graph, all hand-ins at once.

    correct        within the key's tolerance; a formula that is equal as a function; a design that works
    follow-through right, given the student's own earlier answers
    misconception  what a known mistake gives, or two, from the right answers or from the student's own
    wrong          none of these; perhaps a slip: the sign, the decimal point, two digits exchanged

The hand-ins of a class are the columns of one Batch.  What follows from a student's own answers is the
same program with those numbers given, and a misconception the same program with a formula rewritten.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from derive.ops import Array
from derive.program import Runs, read
from derive.quantity import Derivative, Id, Quantity
from generator.answers import Answer, blank, read_number
from generator.exercise import CORRECTION, MISTAKE, Exercise, build
from generator.forms import LETTERS
from generator.functions import Functions
from generator.keys import Key, Keyed
from generator.misconceptions import MISCONCEPTIONS, Misconception, rewriting
from generator.names import Names
from generator.sheet import Sheet
from generator.spec import MarkingSpec, Spec
from generator.typed import read_formula
from generator.unreadable import Unreadable

__all__ = ["SLIPS", "VERDICTS", "HandIn", "Mark", "mark"]

VERDICTS = ("correct", "follow-through", "misconception", "wrong", "unreadable", "blank")
# What an answer is beside a right one, where it is not quite right and no misconception explains it.
SLIPS = ("too few digits", "sign", "power of ten", "exchanged digits")
LONGEST = 200  # characters of an answer that are kept
AT_ONCE = 2000  # hand-ins that are computed together
POWERS = (-3, -2, -1, 1, 2, 3)
TRIVIAL = (0.0, 1.0, -1.0)


@dataclass(frozen=True)
class HandIn:
    """What one student handed in for one variant: part id -> the answer as it was typed."""

    student: str
    variant: str
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Mark:
    """One answer marked.  `credit` is in points, of `points`; `notes`: the misconceptions that explain
    it, the likeliest first; `own`: the student's own wrong answers that it follows from; `slip`: a row
    of SLIPS; `remarks`: how it was typed; `unreadable`: what was not understood, and where."""

    student: str
    variant: str
    part: str
    quantity: str
    answer: str
    verdict: str
    credit: float
    points: int
    expected: float | str
    value: float | None = None  # the number that was read
    notes: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    slip: str = ""
    remarks: tuple[str, ...] = ()
    unreadable: Unreadable | None = None


def mark(hand_ins: Sequence[HandIn], keys: Mapping[str, Key]) -> list[Mark]:
    """Every part of every hand-in, in the order of the hand-ins and of their sheets; each depends on its
    hand-in and its key alone.  KeyError if a variant has no key."""
    alike: dict[str, list[tuple[int, int]]] = defaultdict(list)  # structure -> (hand-in, exercise)
    structures = {variant: [*map(_structure, key.specs)] for variant, key in keys.items()}
    for place, hand_in in enumerate(hand_ins):
        for number, structure in enumerate(structures[hand_in.variant]):
            asked = [k.part.id for k in keys[hand_in.variant].parts.values() if k.exercise == number]
            alike[json.dumps([structure, asked])].append((place, number))
    found: dict[tuple[int, str], Mark] = {}
    for places in alike.values():
        place, number = places[0]
        first = keys[hand_ins[place].variant]
        marker = _Marker(
            build(first.specs[number]), [k for k in first.parts.values() if k.exercise == number]
        )
        for at in range(0, len(places), AT_ONCE):
            some = places[at : at + AT_ONCE]
            rows = [_Row(hand_ins[p], keys[hand_ins[p].variant], n) for p, n in some]
            for (p, _), marks in zip(some, marker.marks(rows), strict=True):
                found.update({(p, one.part): one for one in marks})
    return [
        found[place, part]
        for place, hand_in in enumerate(hand_ins)
        for part in keys[hand_in.variant].parts
    ]


def _structure(spec: Spec) -> str:
    """What specs have in common that are computed together: all but the numbers that are drawn."""
    drawn = {"inputs", "targets", "weights", "biases", "kernel"}

    def shape(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: shape(v) for k, v in value.items()}
        return [*map(shape, value)] if isinstance(value, list | tuple) else value is None

    def walked(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: shape(v) if k in drawn else walked(v) for k, v in value.items()}
        return [*map(walked, value)] if isinstance(value, list | tuple) else value

    about = {"network", "circuit", "digits", "margin", "notation", "patterns"}
    said = spec.model_dump(include=about)
    said["ignore"] = spec.draw.ignore
    return json.dumps(walked(said), default=str, sort_keys=True)


@dataclass
class _Row:
    """One hand-in for one exercise of its sheet."""

    hand_in: HandIn
    key: Key
    exercise: int

    @cached_property
    def parts(self) -> list[Keyed]:
        return [keyed for keyed in self.key.parts.values() if keyed.exercise == self.exercise]

    @property
    def spec(self) -> Spec:
        return self.key.specs[self.exercise]

    def typed(self, keyed: Keyed) -> str:
        return self.hand_in.answers.get(keyed.id, "")


@dataclass
class _Judged:
    """What was found of one part, for every hand-in: arrays, or a list of one for each."""

    verdicts: list[str]
    shares: Array  # of the points
    values: Array
    notes: list[tuple[str, ...]]
    own: list[tuple[str, ...]]
    slips: list[str]
    remarks: list[tuple[str, ...]]
    unreadable: list[Unreadable | None]
    digits: Array = field(default_factory=lambda: np.zeros(0))  # significant ones that were typed
    units: Array = field(default_factory=lambda: np.zeros(0))  # of the last of them

    @classmethod
    def of(cls, count: int) -> _Judged:
        def each(value: Any) -> list[Any]:
            return [value] * count

        empty = (each(()), each(()), each(""), each(()), each(None))
        return cls(each("wrong"), np.zeros(count), np.full(count, np.nan), *empty)

    def settle(self, v: int, verdict: str, share: float) -> None:
        self.verdicts[v], self.shares[v] = verdict, share


class _Marker:
    """Marks the hand-ins of one structure; what they have in common is made once."""

    def __init__(self, exercise: Exercise, parts: Sequence[Keyed]) -> None:
        self.exercise = exercise
        self.parts = [keyed.part for keyed in parts]
        asked = [p for p in self.parts if p.form == "number" and p.quantity not in (MISTAKE, CORRECTION)]
        self.sheet = Sheet(exercise, [("", p.quantity, p.points) for p in asked])
        self.known_formulas: dict[
            tuple[Id, str, str], tuple[str, tuple[str, ...], Unreadable | None]
        ] = {}

    @cached_property
    def names(self) -> Names:
        return Names(self.exercise)

    @cached_property
    def functions(self) -> Functions:
        return Functions(self.exercise)

    def marks(self, rows: Sequence[_Row]) -> list[list[Mark]]:
        """The marks of every row, part by part."""
        judged: dict[str, _Judged] = {}
        for k, part in enumerate(self.parts):
            read_as = {"number": _numbers, "design": _numbers, "choice": _choices, "shape": _shapes}
            found = _Judged.of(len(rows))
            for v, row in enumerate(rows):
                keyed = row.parts[k]
                text = row.typed(keyed)
                if blank(text):
                    found.settle(v, "blank", 0.0)
                    continue
                try:
                    if part.form == "formula":
                        self.formula(found, v, keyed, text, row.key.marking)
                    else:
                        read_as[part.form](found, v, keyed, text, row.key.marking)
                except Unreadable as error:
                    found.settle(v, "unreadable", 0.0)
                    found.unreadable[v] = error
            judged[part.id] = found
        if self.sheet.asked:
            _OnTheGraph(self.sheet, rows, {p.quantity: judged[p.id] for p in self._computed()}).mark()
        designs = [k for k, part in enumerate(self.parts) if part.form == "design"]
        if designs:
            self.designs(rows, designs, [judged[self.parts[k].id] for k in designs])
        return [
            [_mark(row, keyed, judged[keyed.part.id], v) for keyed in row.parts]
            for v, row in enumerate(rows)
        ]

    def _computed(self) -> Iterable[Any]:
        return (p for p in self.parts if p.form == "number" and p.quantity in self.sheet.asked)

    def formula(self, found: _Judged, v: int, keyed: Keyed, text: str, rules: MarkingSpec) -> None:
        """Right if it is equal as a function; else what a misconception gives."""
        q, decimal = keyed.part.quantity, _decimal(rules)
        known = (q, text, str(decimal))
        if known not in self.known_formulas:
            self.known_formulas[known] = self._judge(keyed, text, decimal)
        verdict, notes, error = self.known_formulas[known]
        if error:
            raise error
        share = {"correct": 1.0, "misconception": float(rules.misconception)}.get(verdict, 0.0)
        found.settle(v, verdict, share)
        found.notes[v] = notes

    def _judge(
        self, keyed: Keyed, text: str, decimal: str | None
    ) -> tuple[str, tuple[str, ...], Unreadable | None]:
        q = keyed.part.quantity
        try:
            typed = read_formula(text, self.names, decimal)
            derivatives = [name for name in _names(typed) if isinstance(name, Derivative)]
            if self.functions.equal(q, typed):
                return ("wrong" if derivatives else "correct"), (), None
            wrong = [w for w in keyed.part.misconceptions if isinstance(w.answer, str)]
            fit = [w.note for w in wrong if self.functions.same(read(str(w.answer)), typed)]
            return ("misconception" if fit else "wrong"), tuple(fit), None
        except KeyError as error:
            return "unreadable", (), Unreadable("name", None, str(error))
        except Unreadable as error:
            return "unreadable", (), error

    def designs(self, rows: Sequence[_Row], at: Sequence[int], judged: Sequence[_Judged]) -> None:
        """Weights that were to be found: those of a unit are right together if its output is as it
        should be, and none of its pre-activations nearer to 0 than the margin."""
        batch = self.sheet.batch([row.spec for row in rows])
        asked = [q for k in at if isinstance(q := self.parts[k].quantity, Quantity)]
        units = np.array([q.index[-2] - 1 for q in asked])
        whole = np.ones((units.max() + 1, len(rows)), dtype=bool)
        for unit, found in zip(units, judged, strict=True):
            whole[unit] &= np.isfinite(found.values)
        graph, right = self.exercise.graph, batch.states[0].values.forward
        data = {name: array.copy() for name, array in batch.states.start.items()}
        for q, unit, found in zip(asked, units, judged, strict=True):
            node, i = graph.locate(q, None)
            place = tuple(n - 1 for n in i)
            shaped = np.broadcast_to(data[node.key], (*data[node.key].shape[:-1], len(rows))).copy()
            shaped[place] = np.where(whole[unit], found.values, shaped[place])
            data[node.key] = shaped
        typed = self.sheet._descent(data)[0].values.forward
        z, a = (next(n for n in reversed(graph.nodes) if n.name == name) for name in ("z", "a"))
        margin = float(self.exercise.spec.margin) * (1 - 1e-9)
        same, near = (typed[a] == right[a]).all(axis=1), np.abs(typed[z]).min(axis=1)
        works = whole & same & (near >= margin)  # units × variants
        for unit, found in zip(units, judged, strict=True):
            for v in np.flatnonzero(works[unit]):
                found.settle(int(v), "correct", 1.0)


def _names(formula: Any) -> Iterable[Id]:
    from derive.expression import refs

    return refs(formula)


def _decimal(rules: MarkingSpec) -> str | None:
    return None if rules.decimal == "either" else rules.decimal


def _mark(row: _Row, keyed: Keyed, found: _Judged, v: int) -> Mark:
    part, value = keyed.part, float(found.values[v])
    return Mark(
        student=row.hand_in.student,
        variant=row.hand_in.variant,
        part=keyed.id,
        quantity=str(part.quantity),
        answer=row.typed(keyed)[:LONGEST],
        verdict=found.verdicts[v],
        credit=round(float(found.shares[v]) * part.points, 9),
        points=part.points,
        expected=part.answer,
        value=value if np.isfinite(value) else None,
        notes=found.notes[v],
        own=found.own[v],
        slip=found.slips[v],
        remarks=found.remarks[v],
        unreadable=found.unreadable[v],
    )


# --- reading one answer --------------------------------------------------------------------------


def _numbers(found: _Judged, v: int, keyed: Keyed, text: str, rules: MarkingSpec) -> None:
    """The number; whether it is right, if that needs no graph."""
    answer: Answer = read_number(text, _decimal(rules))
    found.values[v] = answer.number
    found.remarks[v] = answer.remarks
    if not found.digits.size:
        found.digits, found.units = np.full(len(found.values), np.inf), np.zeros(len(found.values))
    if answer.digits is not None and answer.unit is not None:
        found.digits[v], found.units[v] = answer.digits, float(answer.unit)
    part = keyed.part
    if part.form == "number" and abs(answer.number - float(part.answer)) <= (part.tolerance or 0.0):
        found.settle(v, "correct", 1.0)
    elif part.form == "number" and part.quantity in (MISTAKE, CORRECTION):
        fit = [
            w.note for w in part.misconceptions if _near(float(w.answer), answer.number, part.tolerance)
        ]
        if fit:
            found.settle(v, "misconception", float(rules.misconception))
            found.notes[v] = tuple(fit)


def _near(one: float, other: float, tolerance: float | None) -> bool:
    return abs(one - other) <= (tolerance or 0.0)


_LETTER = re.compile(r"\W*([a-z])\W*")


def _choices(found: _Judged, v: int, keyed: Keyed, text: str, rules: MarkingSpec) -> None:
    """A letter, (b) or B; or one of the numbers."""
    part = keyed.part
    letters = LETTERS[: len(part.options)]
    match = _LETTER.fullmatch(text.strip().casefold()) or re.match(r"\(?([a-z])[).:]\s", text.casefold())
    letter = match[1] if match else None
    if letter is None:
        number = read_number(text, _decimal(rules)).number
        size = max(map(abs, part.options))
        near = [k for k, option in enumerate(part.options) if abs(option - number) <= 1e-3 * abs(option)]
        letter = LETTERS[near[0]] if len(near) == 1 and size else None
    if letter is None or letter not in letters:
        raise Unreadable("not a number", 0, text[:LONGEST])
    found.values[v] = part.options[letters.index(letter)]
    if letter == part.answer:
        found.settle(v, "correct", 1.0)
    elif fit := [w.note for w in part.misconceptions if w.answer == letter]:
        found.settle(v, "misconception", float(rules.misconception))
        found.notes[v] = tuple(fit)


_SHAPE = re.compile(r"[(\[]?\s*(\d{1,6})\s*(?:[x×*·,;/]|by|mal|\\times)\s*(\d{1,6})\s*[)\]]?")


def _shapes(found: _Judged, v: int, keyed: Keyed, text: str, rules: MarkingSpec) -> None:
    """3x2, 3 × 2, (3, 2)."""
    match = _SHAPE.fullmatch(text.strip().casefold())
    if match is None:
        raise Unreadable("not a number", 0, text[:LONGEST])
    typed = f"{int(match[1])}x{int(match[2])}"
    if typed == keyed.part.answer:
        found.settle(v, "correct", 1.0)
    elif fit := [w.note for w in keyed.part.misconceptions if w.answer == typed]:
        found.settle(v, "misconception", float(rules.misconception))
        found.notes[v] = tuple(fit)


# --- on the graph --------------------------------------------------------------------------------


@dataclass
class _Fits:
    """What misconceptions explain: question, hand-in, how far off, whether to the last digit asked for;
    and of each hand-in how many answers they would have changed that are something else."""

    explained: list[tuple[Id, int, float, bool]]
    against: Array


class _OnTheGraph:
    """The numbers of many hand-ins for one sheet; each array has a column for each."""

    def __init__(self, sheet: Sheet, rows: Sequence[_Row], judged: Mapping[Id, _Judged]) -> None:
        self.sheet = sheet
        self.rows = rows
        self.judged = judged
        by_quantity = [
            {k.part.quantity: k.part for k in row.parts if k.part.form == "number"} for row in rows
        ]
        self.right = {q: np.array([float(parts[q].answer) for parts in by_quantity]) for q in judged}
        near = {q: np.array([parts[q].tolerance or 0.0 for parts in by_quantity]) for q in judged}
        self.near = near
        self.typed = {q: found.values for q, found in judged.items()}
        self.digits = sheet.exercise.spec.digits

    def relative(self, q: Id, which: Array) -> Array:
        """The tolerance as a share of the right answer."""
        size = np.abs(self.right[q][which])
        share = self.near[q][which] / np.where(size > 0, size, 1.0)
        return np.asarray(np.where(size > 0, share, 0.0))

    def unit(self, numbers: Array) -> Array:
        """Of the last digit that the sheet asks for."""
        size = np.where((numbers == 0) | ~np.isfinite(numbers), 1.0, np.abs(numbers))
        return np.where(numbers == 0, 0.0, 10.0 ** (np.floor(np.log10(size)) - (self.digits - 1)))

    def mark(self) -> None:
        """Whatever is not right yet, in the order of the sheet."""
        self.batch = self.sheet.batch([row.spec for row in self.rows])
        self.follow_through()
        self.few = self.few_digits()
        self.misconceptions()
        self.slips()

    def open(self, q: Id) -> Array:
        """Which hand-ins have a number for q that nothing has explained."""
        found = self.judged[q]
        wrong = np.array([verdict == "wrong" for verdict in found.verdicts])
        plain = np.array([not slip for slip in found.slips])
        return np.flatnonzero(wrong & plain & np.isfinite(self.typed[q]))

    def is_wrong(self, q: Id) -> Array:
        """Which hand-ins have a number for q that is not the right one."""
        typed = self.typed[q]
        return np.asarray(np.isfinite(typed) & ~(np.abs(typed - self.right[q]) <= self.near[q]))

    def given(self, columns: Array, moved: Id | None = None) -> dict[Id, Array]:
        """What each student computes on with: his own numbers, but the right ones where his are missing;
        that of `moved` larger by half a unit of the last digit that was typed."""
        found = {}
        for q, judged in self.judged.items():
            typed = self.typed[q][columns]
            if q == moved and judged.units.size:
                rounded = judged.digits[columns] >= self.digits  # what is shorter is taken for exact
                typed = typed + 0.5 * np.where(rounded, judged.units[columns], 0.0)
            found[q] = np.where(np.isfinite(typed), typed, self.right[q][columns])
        return found

    def run(
        self, columns: Array, given: Mapping[Id, Array], mistakes: Sequence[Misconception] = ()
    ) -> Runs:
        """The calculation of some of the students."""
        states = self.states(columns)
        rewrite = rewriting(list(mistakes)) if mistakes else None
        return Runs(self.batch.sheet.exercise.program, states, states.learning_rate, given, rewrite)

    def states(self, columns: Array) -> Any:
        if len(columns) == len(self.rows):
            return self.batch.states
        data = {n: a[..., columns] if a.shape[-1] > 1 else a for n, a in self.batch.states.start.items()}
        return self.sheet._descent(data)

    # --- right from wrong ---

    def follow_through(self) -> None:
        columns = np.unique(np.concatenate([self.open(q) for q in self.judged] or [np.zeros(0, int)]))
        columns = columns.astype(int)
        if not columns.size:
            return
        run = self.run(columns, self.given(columns))
        moved = [self.run(columns, self.given(columns, p)) for p in self.judged]
        for q in self.judged:
            number = self.number(run, q, len(columns))
            parents = self.sheet.rests_on[q]
            wrong = {p: self.is_wrong(p)[columns] for p in parents}
            if not wrong:
                continue
            off = np.sum([np.abs(self.number(one, q, len(columns)) - number) for one in moved], axis=0)
            near = self.relative(q, columns) * np.abs(number) + self.unit(number) + off
            fits = np.abs(self.typed[q][columns] - number) <= near
            there = set(self.open(q).tolist())
            for place, v in enumerate(columns):
                own = tuple(str(p) for p in parents if wrong[p][place])
                if fits[place] and own and int(v) in there:
                    self.judged[q].own[v] = own
                    if not self.is_trivial(
                        q, int(v), [p for p in parents if wrong[p][place]], number[place]
                    ):
                        share = float(self.rows[v].key.marking.follow_through)
                        self.judged[q].settle(int(v), "follow-through", share)

    @staticmethod
    def number(run: Runs, q: Id, count: int) -> Array:
        try:
            return np.broadcast_to(np.asarray(run.compute(q), float), count)
        except KeyError:  # a count, the number of updates: nothing is computed on from them
            return np.full(count, np.nan)

    def is_trivial(self, q: Id, v: int, own: Sequence[Id], number: float) -> bool:
        """Whether the student's own numbers leave nothing to be computed: a factor of 0; a factor of 1,
        or the answer to something else, that leaves a number that he knows."""
        right, near, typed = self.right[q][v], self.near[q][v], [self.typed[p][v] for p in own]
        if right in TRIVIAL:
            return False

        def same(one: float, other: float) -> bool:
            return bool(abs(abs(one) - abs(other)) <= near)

        others = [self.right[o][v] for o in self.judged if o != q and o not in own]
        if number == 0:
            return 0 in typed
        copied = any(abs(p) == 1 or any(same(p, other) for other in others) for p in typed)
        return copied and not same(number, right) and any(same(number, other) for other in others)

    def few_digits(self) -> set[tuple[Id, int]]:
        """Where the answer is right as far as it goes."""
        few = set()
        for q, found in self.judged.items():
            if found.digits.size:
                half = 0.5 * found.units * (1 + 1e-9) + self.near[q]
                near = np.abs(self.typed[q] - self.right[q]) <= half
                short = np.flatnonzero(near & (found.digits < self.digits))
                few |= {(q, int(v)) for v in np.intersect1d(short, self.open(q))}
        return few

    # --- misconceptions ---

    def misconceptions(self) -> None:
        """Singly, from the right answers or the student's own; then in pairs, one of which is seen in
        another answer of the same student.  Of several that explain an answer those are kept that
        explain most others too, and that give no number where the student has another."""
        columns = np.unique(np.concatenate([self.open(q) for q in self.judged])).astype(int)
        if not columns.size:
            return
        tight: dict[tuple[Id, int], dict[str, float]] = defaultdict(dict)
        loose: dict[tuple[Id, int], dict[str, float]] = defaultdict(dict)
        against: dict[str, Array] = {}
        for m in self.sheet.misconceptions:
            found = self.fits([m], columns)
            against[m.id] = found.against
            for q, v, off, close in found.explained:
                (tight if close else loose)[q, v][m.id] = off
        seen: dict[int, Counter[str]] = defaultdict(Counter)
        for (_, v), notes in [*tight.items(), *loose.items()]:
            seen[v].update(list(notes))
        sure: dict[int, set[str]] = defaultdict(set)
        for (_, v), notes in tight.items():
            sure[v].update(notes)
        for q, judged in self.judged.items():
            for v in map(int, self.open(q)):
                exact = tight.get((q, v), {})
                other = {n: o for n, o in loose.get((q, v), {}).items() if seen[v][n] > 1}
                notes = exact or ({} if (q, v) in self.few else other)
                if notes:
                    place = int(np.searchsorted(columns, v))
                    fit = {n: (int(against[n][place]), -seen[v][n]) for n in notes}
                    best = [n for n in notes if fit[n] == min(fit.values())]
                    self.explain(judged, v, sorted(best, key=lambda n: (notes[n], n)))
        self.pairs(sure)

    def explain(self, found: _Judged, v: int, notes: Sequence[str]) -> None:
        found.notes[v] = tuple(notes)
        found.settle(v, "misconception", float(self.rows[v].key.marking.misconception))

    def fits(self, mistakes: Sequence[Misconception], columns: Array) -> _Fits:
        """Which answers of which hand-ins the mistakes explain."""
        affected = set().union(*(self.sheet.affected[m.id] for m in mistakes))
        asked = [q for q in self.judged if q in affected]
        found = _Fits([], np.zeros(len(columns), int))
        if not any(np.intersect1d(self.open(q), columns).size for q in asked):
            return found
        right = {q: self.right[q][columns] for q in self.judged}
        runs = [self.run(columns, given, mistakes) for given in (right, self.given(columns))]
        for q in asked:
            typed, exact, near = self.typed[q][columns], right[q], self.near[q][columns]
            fits, elsewhere = np.zeros(len(columns), bool), np.zeros(len(columns), bool)
            there = np.isin(columns, self.open(q))
            for own, number in enumerate(self.number(run, q, len(columns)) for run in runs):
                rounded = own * 0.5 * 10.0 ** (1 - self.digits) * np.abs(number)  # his own numbers are
                off, unit = np.abs(typed - number), self.unit(number)
                changed = np.isfinite(number) & (np.abs(number - exact) > near)
                hit = changed & (off <= self.relative(q, columns) * np.abs(number) + unit + rounded)
                fits, elsewhere = fits | hit, elsewhere | changed
                for place in np.flatnonzero(there & hit):
                    error = float(off[place] / max(abs(number[place]), 1e-300))
                    close = bool(off[place] <= unit[place])
                    found.explained.append((q, int(columns[place]), error, close))
            found.against += (elsewhere & np.isfinite(typed) & ~fits).astype(int)
        return found

    def pairs(self, sure: Mapping[int, set[str]]) -> None:
        """Two misconceptions at once: one that this student has shown, and any other."""
        by_note: dict[str, list[int]] = defaultdict(list)
        still = {int(v) for q in self.judged for v in self.open(q) if (q, int(v)) not in self.few}
        for v, notes in sure.items():
            for note in notes if v in still else ():
                by_note[note].append(v)
        found: dict[tuple[Id, int], dict[tuple[str, str], float]] = defaultdict(dict)
        for note, hand_ins in by_note.items():
            columns = np.array(sorted(hand_ins), dtype=int)
            for m in self.sheet.misconceptions:
                if m.id == note:
                    continue
                both = [MISCONCEPTIONS[note], m]
                for q, v, off, close in self.fits(both, columns).explained:
                    if close and (q, v) not in self.few:
                        found[q, v][note, m.id] = off
        for (q, v), pairs in found.items():
            best = min(pairs, key=lambda pair: (pairs[pair], pair))
            self.explain(self.judged[q], v, best)

    # --- slips ---

    def slips(self) -> None:
        """What is left: is it a right number with something wrong in its writing?"""
        for q, found in self.judged.items():
            for v in self.open(q):
                slip = self.slip(q, int(v))
                if slip:
                    rules = self.rows[v].key.marking
                    found.slips[v] = slip
                    share = rules.digits if slip == "too few digits" else rules.slip
                    found.settle(int(v), "wrong", float(share))

    def slip(self, q: Id, v: int) -> str:
        typed, right, near = self.typed[q][v], self.right[q][v], self.near[q][v]
        if (q, v) in self.few:
            return "too few digits"
        if right == 0 or typed == 0:
            return ""
        if abs(typed + right) <= near:
            return "sign"
        if any(abs(typed - right * 10.0**n) <= near * 10.0**n for n in POWERS):
            return "power of ten"
        return "exchanged digits" if _exchanged(typed, right, self.digits) else ""


def _exchanged(typed: float, right: float, digits: int) -> bool:
    """Whether two neighbouring digits are the other way round."""
    if (typed < 0) != (right < 0):
        return False
    one, other = (f"{abs(n):.{digits - 1}e}" for n in (typed, right))
    (a, power), (b, same) = one.split("e"), other.split("e")
    a, b = a.replace(".", ""), b.replace(".", "")
    differ = [k for k, (c, d) in enumerate(zip(a, b, strict=True)) if c != d]
    if power != same or len(differ) != 2:
        return False
    i, j = differ
    return j == i + 1 and a[i] == b[j] and a[j] == b[i]
