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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derive.expression import refs
from derive.program import read
from derive.quantity import Derivative, Id, Quantity
from generator.answers import Answer, blank, read_number
from generator.diagnosis import JOINED, SLIPS, Defect, Diagnosis, Judged, misplaced
from generator.draw import twins
from generator.exercise import CORRECTION, MISTAKE, Exercise, build
from generator.forms import FORMS, LETTERS
from generator.functions import Functions
from generator.keys import Key, Keyed
from generator.names import Names
from generator.sheet import Sheet
from generator.spec import MarkingSpec, Spec
from generator.typed import read_formula
from generator.unreadable import Unreadable

__all__ = ["JOINED", "SLIPS", "VERDICTS", "HandIn", "Mark", "mark"]

VERDICTS = ("correct", "follow-through", "misconception", "wrong", "unreadable", "blank")
ANSWERED = ("correct", "misconception", "wrong")  # an answer that says what somebody thinks
LONGEST = 200  # characters of an answer that are kept
AT_ONCE = 2000  # hand-ins that are computed together


@dataclass(frozen=True)
class HandIn:
    """What one student handed in for one variant: part id -> the answer as it was typed."""

    student: str
    variant: str
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Mark:
    """One answer marked.  `credit` is in points, of `points`; `notes`: the misconceptions that explain
    it, the likeliest first, and how they are `joined`, a row of JOINED; `own`: the student's own wrong
    answers that it follows from; `slip`: a row of SLIPS; `remarks`: how it was typed; `unreadable`: what
    was not understood, and where; `defect`: what a design does wrong."""

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
    joined: str = "or"
    own: tuple[str, ...] = ()
    slip: str = ""
    remarks: tuple[str, ...] = ()
    unreadable: Unreadable | None = None
    defect: Defect | None = None


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
        judged: dict[str, Judged] = {}
        for k, part in enumerate(self.parts):
            read_as = {"number": _numbers, "design": _numbers, "choice": _choices, "shape": _shapes}
            found = Judged.of(len(rows))
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
            self.diagnosis(rows, judged).mark()
        for v, row in enumerate(rows):
            self.agree(v, row, judged)
        designs = [k for k, part in enumerate(self.parts) if part.form == "design"]
        if designs:
            self.designs(rows, designs, [judged[self.parts[k].id] for k in designs])
        return [
            [_mark(row, keyed, judged[keyed.part.id], v) for keyed in row.parts]
            for v, row in enumerate(rows)
        ]

    def diagnosis(self, rows: Sequence[_Row], judged: Mapping[str, Judged]) -> Diagnosis:
        """Of the numbers that something can be computed from."""
        asked = [p for p in self.parts if p.form == "number" and p.quantity in self.sheet.asked]
        of_rows = [{keyed.part.id: keyed.part for keyed in row.parts} for row in rows]
        return Diagnosis(
            self.sheet,
            [row.spec for row in rows],
            [row.key.marking for row in rows],
            {p.quantity: np.array([float(own[p.id].answer) for own in of_rows]) for p in asked},
            {p.quantity: np.array([own[p.id].tolerance or 0.0 for own in of_rows]) for p in asked},
            {p.quantity: judged[p.id] for p in asked},
        )

    def agree(self, v: int, row: _Row, judged: Mapping[str, Judged]) -> None:
        """Of several misconceptions that explain an answer those are kept that explain most others of
        the hand-in, in whatever form, and that give something else nowhere; those that are the same on
        this sheet are one."""
        several = [one for one in judged.values() if len(one.notes[v]) > 1 and one.joined[v] == "or"]
        if not several:
            return
        seen = Counter(note for one in judged.values() for note in one.notes[v])
        against = Counter(
            wrong.note
            for part, found in ((keyed.part, judged[keyed.part.id]) for keyed in row.parts)
            if part.quantity not in self.sheet.asked and found.verdicts[v] in ANSWERED
            for wrong in part.misconceptions
            if wrong.note not in found.notes[v]
        )
        for one in several:
            fit = {note: (against[note], -seen[note]) for note in one.notes[v]}
            kept = tuple(note for note in one.notes[v] if fit[note] == min(fit.values()))
            same = len(kept) > 1 and {*kept} <= self.twins.get(kept[0], frozenset())
            one.notes[v], one.joined[v] = kept, "is" if same else "or"

    @cached_property
    def twins(self) -> Mapping[str, frozenset[str]]:
        """Misconceptions that are the same in all numbers of the sheet, typed or chosen."""
        counted = [p for p in self.parts if FORMS[p.form].computed]
        asked = [p.quantity for p in counted if p.quantity not in (MISTAKE, CORRECTION)]
        return twins(Sheet(self.exercise, [("", q, 1) for q in asked])) if asked else {}

    def formula(self, found: Judged, v: int, keyed: Keyed, text: str, rules: MarkingSpec) -> None:
        """Right if it is equal as a function; else what a misconception gives."""
        q, decimal = keyed.part.quantity, _decimal(rules)
        known = (q, text, str(decimal))
        if known not in self.known_formulas:
            self.known_formulas[known] = self._judge(keyed, text, decimal)
        verdict, notes, error = self.known_formulas[known]
        if error:
            raise error
        if notes:
            found.explain(v, notes, rules)
        else:
            found.settle(v, verdict, float(verdict == "correct"))

    def _judge(
        self, keyed: Keyed, text: str, decimal: str | None
    ) -> tuple[str, tuple[str, ...], Unreadable | None]:
        q = keyed.part.quantity
        try:
            typed = read_formula(text, self.names, decimal)
            derivatives = [name for name in refs(typed) if isinstance(name, Derivative)]
            if self.functions.equal(q, typed):
                return ("wrong" if derivatives else "correct"), (), None
            wrong = [w for w in keyed.part.misconceptions if isinstance(w.answer, str)]
            fit = [w.note for w in wrong if self.functions.same(read(str(w.answer)), typed)]
            return ("misconception" if fit else "wrong"), tuple(fit), None
        except KeyError as error:
            return "unreadable", (), Unreadable("name", None, str(error))
        except Unreadable as error:
            return "unreadable", (), error

    def designs(self, rows: Sequence[_Row], at: Sequence[int], judged: Sequence[Judged]) -> None:
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
        margin = float(self.exercise.spec.margin)
        other, far = typed[a] != right[a], np.abs(typed[z])  # units × samples × variants
        other |= np.isnan(typed[z])
        works = whole & ~other.any(axis=1) & (far.min(axis=1) >= margin * (1 - 1e-9))
        for unit, found in zip(units, judged, strict=True):
            for v in map(int, np.flatnonzero(whole[unit])):
                if works[unit, v]:
                    found.settle(v, "correct", 1.0)
                    continue
                wrong = other[unit, :, v]
                s = int(wrong.argmax() if wrong.any() else far[unit, :, v].argmin())
                short = 0.0 if wrong.any() else margin - float(far[unit, s, v])
                own = float(typed[z][unit, s, v]), float(typed[a][unit, s, v])
                found.defects[v] = Defect(graph.sample_numbers[s] or 1, *own, short)


def _decimal(rules: MarkingSpec) -> str | None:
    return None if rules.decimal == "either" else rules.decimal or "."


def _mark(row: _Row, keyed: Keyed, found: Judged, v: int) -> Mark:
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
        joined=found.joined[v],
        own=found.own[v],
        slip=found.slips[v],
        remarks=found.remarks[v],
        unreadable=found.unreadable[v],
        defect=found.defects[v],
    )


# --- reading one answer --------------------------------------------------------------------------


def _numbers(found: Judged, v: int, keyed: Keyed, text: str, rules: MarkingSpec) -> None:
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
        slip = misplaced(answer.number, float(part.answer), part.tolerance or 0.0)
        if fit:
            found.explain(v, fit, rules)
        elif slip and part.quantity == CORRECTION:
            found.slips[v] = slip
            found.settle(v, "wrong", float(rules.slip))


def _near(one: float, other: float, tolerance: float | None) -> bool:
    return abs(one - other) <= (tolerance or 0.0)


_LETTER = re.compile(r"\W*([a-z])\W*")


def _choices(found: Judged, v: int, keyed: Keyed, text: str, rules: MarkingSpec) -> None:
    """A letter, (b) or B; or one of the numbers."""
    part = keyed.part
    letters = LETTERS[: len(part.options)]
    match = _LETTER.fullmatch(text.strip().casefold()) or re.match(r"\(?([a-z])[).:]\s", text.casefold())
    letter = match[1] if match else None
    if letter is None:
        number = read_number(text, _decimal(rules)).number
        near = [k for k, option in enumerate(part.options) if abs(option - number) <= 1e-3 * abs(option)]
        letter = LETTERS[near[0]] if len(near) == 1 else None
    if letter is None or letter not in letters:
        raise Unreadable("letter", 0, text[:LONGEST])
    found.values[v] = part.options[letters.index(letter)]
    if letter == part.answer:
        found.settle(v, "correct", 1.0)
    elif fit := [w.note for w in part.misconceptions if w.answer == letter]:
        found.explain(v, fit, rules)
    elif (right := part.options[letters.index(str(part.answer))]) and (
        slip := misplaced(found.values[v], right, 1e-9 * abs(right))
    ):
        found.slips[v] = slip
        found.settle(v, "wrong", float(rules.slip))


_SHAPE = re.compile(r"[(\[]?\s*(\d{1,6})\s*(?:[x×*·,;/]|by|mal|\\times)\s*(\d{1,6})\s*[)\]]?")


def _shapes(found: Judged, v: int, keyed: Keyed, text: str, rules: MarkingSpec) -> None:
    """3x2, 3 × 2, (3, 2)."""
    match = _SHAPE.fullmatch(text.strip().casefold())
    if match is None:
        raise Unreadable("extent", 0, text[:LONGEST])
    typed = f"{int(match[1])}x{int(match[2])}"
    if typed == keyed.part.answer:
        found.settle(v, "correct", 1.0)
    elif fit := [w.note for w in keyed.part.misconceptions if w.answer == typed]:
        found.explain(v, fit, rules)
