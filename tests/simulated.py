"""A class that hands in what is known of it: right with rounding, one mistake, two, slips, noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from derive.expression import refs
from derive.program import Runs, read
from generator.draw import draw_all, sheet_of, structure, twins
from generator.exercise import MISTAKE, Exercise, Part
from generator.exercises import found
from generator.keys import Key, key, read_key
from generator.marking import HandIn, mark
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.sheet import significant


@dataclass
class Class:
    """Variants of one kind, drawn once, their keys, and who hands in what."""

    name: str
    count: int
    exercises: list[Exercise] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import json

        self.spec = found(self.name)
        drawn = list(draw_all(self.spec, "simulated", range(self.count)))
        self.exercises = [e for e in drawn if structure(e.spec) == structure(drawn[0].spec)]
        self.count = len(self.exercises)
        self.keys = {str(e.variant): read_key(json.dumps(key(e))) for e in self.exercises}
        self.sheet = sheet_of(self.exercises[0].spec)
        self.batch = self.sheet.batch([e.spec for e in self.exercises])
        self.asked = [q for q in self.sheet.asked if self.sheet.asked[q].form == "number"]
        self.digits = self.spec.digits
        # What is asked in another form: choices, formulas, shapes, designs; of each the parts of all.
        of_each = zip(*(e.parts for e in self.exercises), strict=True)
        self.others = {ps[0].id: ps for ps in of_each if ps[0].form != "number"}

    def hand_ins(
        self, answers: dict[Any, np.ndarray], texts: Mapping[str, Sequence[str]] | None = None
    ) -> list[HandIn]:
        """Numbers (of each question, an array over the variants) as they are typed, and texts."""
        return [
            HandIn(
                f"s{v}",
                str(e.variant),
                {str(q): typed(a[v], self.digits) for q, a in answers.items()}
                | {part: of_each[v] for part, of_each in (texts or {}).items()},
            )
            for v, e in enumerate(self.exercises)
        ]

    def texts(self, answer: Callable[[Part, int], str]) -> dict[str, list[str]]:
        """What is typed where no number is asked."""
        return {name: [answer(p, v) for v, p in enumerate(ps)] for name, ps in self.others.items()}

    def right(self) -> dict[Any, np.ndarray]:
        return {q: self.batch.answers[q] for q in self.asked}

    def careful(self, way: str = "nearest") -> dict[Any, np.ndarray]:
        """Every intermediate result rounded to the digits asked for."""
        states = self.sheet._descent(dict(self.batch.states.start), significant(self.digits, way))
        return {q: np.asarray(self.batch.numbers(q, states)) for q in self.asked}

    def run(self, notes: Sequence[str] = (), given: dict[Any, np.ndarray] | None = None) -> Runs:
        rewrite = rewriting([MISCONCEPTIONS[note] for note in notes]) if notes else None
        program, rate = self.sheet.exercise.program, self.batch.states.learning_rate
        return Runs(program, self.batch.states, rate, given or {}, rewrite)

    def number(self, run: Runs, q: Any) -> np.ndarray:
        try:
            return np.broadcast_to(np.asarray(run[q], float), self.count)
        except KeyError:  # a count of updates
            return self.batch.answers[q]

    def mistaken(self, *notes: str) -> dict[Any, np.ndarray]:
        """Somebody who makes the same mistakes wherever they can be made."""
        run = self.run(notes)
        return {q: self.number(run, q) for q in self.asked}

    def mistakable(self, *notes: str) -> dict[Any, np.ndarray]:
        """Whether mistakes that are made in a question give another number than what is right given all
        other answers of somebody who makes them everywhere."""
        answers, found = self.mistaken(*notes), {}
        for q in (q for note in notes for q in self.sheet.made_in[note]):
            if q in self.asked and q not in found:
                given = {p: a for p, a in answers.items() if p != q and np.isfinite(a).all()}
                for number in (self.number(self.run((), given), q), self.batch.answers[q]):
                    near = self.near(q, number)
                    found[q] = found.get(q, True) & (np.abs(answers[q] - number) > near)
        return found

    def near(self, q: Any, number: np.ndarray) -> np.ndarray:
        """How near to a number an answer has to be to count as it."""
        right, share = np.abs(self.batch.answers[q]), self.batch.tolerances[q]
        share = np.divide(share, right, out=np.zeros(len(right)), where=right > 0)
        return 2 * share * np.abs(number) + 10.0 ** (1 - self.digits) * np.abs(number)

    def early(self, note: str) -> tuple[Any, dict[Any, np.ndarray]] | None:
        """One mistake in the first question that it is made in, everything after it right from there;
        NaN where it changes nothing; None where nothing follows from it."""
        made = [q for q in self.sheet.made_in[note] if q in self.asked]
        if not made or not any(made[0] in self.sheet.rests_on[q] for q in self.asked):
            return None
        wrong = self.batch.wrong[made[0]].get(note)
        if wrong is None:
            return None
        run = self.run((), {made[0]: wrong})
        there = np.where(np.isnan(wrong), np.nan, 1.0)
        return made[0], {q: wrong if q == made[0] else there * self.number(run, q) for q in self.asked}


def typed(number: float, digits: int) -> str:
    """As a student writes it, to so many digits; nothing where there is no number."""
    if not np.isfinite(number):
        return ""
    return (
        f"{number:.{digits - 1}e}"
        if number and not 1e-4 <= abs(number) < 1e6
        else _plain(number, digits)
    )


def _plain(number: float, digits: int) -> str:
    if number == int(number) and abs(number) < 10**digits:
        return str(int(number))
    power = int(np.floor(np.log10(abs(number))))
    return f"{number:.{max(digits - 1 - power, 0)}f}"


@cache
def a_class(name: str, count: int) -> Class:
    """Drawn once for all tests."""
    return Class(name, count)


def noise(some: Class, seed: int) -> dict[Any, np.ndarray]:
    """Numbers of the right size that mean nothing."""
    random = np.random.default_rng(seed)
    found = {}
    for q in some.asked:
        size = np.abs(some.batch.answers[q]) + (some.batch.answers[q] == 0)
        factor = 10 ** random.uniform(-1, 1, some.count) * random.choice([-1, 1], some.count)
        found[q] = size * factor
    return found


def right_text(part: Part, _: int = 0) -> str:
    return str(part.answer)


def mistaken_text(note: str) -> Callable[[Part, int], str]:
    """What somebody with a misconception chooses or types; what is right where it changes nothing."""
    return lambda part, _: str(
        next((w.answer for w in part.misconceptions if w.note == note), part.answer)
    )


def noise_text(seed: int) -> Callable[[Part, int], str]:
    """A formula of the names that are in the right one, a shape, a weight: all without a meaning."""
    random = np.random.default_rng(seed)

    def text(part: Part, _: int) -> str:
        if part.form == "formula":
            names = sorted({str(q) for q in refs(read(str(part.answer)))})
            picked = random.choice(names, random.integers(1, 4))
            return random.choice(["*", "+", "-"]).join([*picked, str(random.integers(2, 9))])
        if part.form == "shape":
            return "x".join(map(str, random.integers(5, 20, 2)))
        return f"{random.uniform(-3, 3):.2f}" if part.form == "design" else ""

    return text


def notes_of(some: Class) -> Iterator[str]:
    """The misconceptions that are made in a question of the sheet."""
    for note, made in some.sheet.made_in.items():
        made = [q for q in made if q in some.asked and note in some.batch.wrong[q]]
        parts = (p for ps in some.others.values() for p in ps)
        if made or any(w.note == note for p in parts for w in p.misconceptions):
            yield note


# --- how a class is marked ----------------------------------------------------------------------


def judged(some, answers, texts, which):
    """What `which` says of the marks: of a question and who, and of the mark; None counts for nothing."""
    asked, seen = {str(q): q for q in some.asked}, []
    for one in mark(some.hand_ins(answers, some.texts(texts)), some.keys):
        said = which(asked.get(one.part, one.part), int(one.student[1:]), one)
        seen += [] if said is None or one.verdict == "blank" else [said]
    return seen


def is_right(q, v, one):
    return one.verdict == "correct" and one.credit == one.points


def is_accused(q, v, one):
    return one.verdict == "misconception"


def planted(some, note):
    """Of somebody with one misconception: whether it is named, and whether as the only one, or as one
    with those that are the same on the sheet.  Not of a number that is right from his own others."""
    made, same = some.mistakable(note), twins(some.sheet).get(note, {note})

    def named(q, v, one):
        if q in some.others:
            wrong = [w.note for w in some.others[q][v].misconceptions]
            return (note in one.notes, {*one.notes} <= same) if note in wrong else None
        if q not in made or not made[q][v]:
            return None
        return note in one.notes, {*one.notes} <= same and one.joined != "and"

    return judged(some, some.mistaken(note), mistaken_text(note), named)


def doubled(some, one_note, other):
    """Of somebody with two misconceptions: whether one of them at least is named where one is made."""
    made = some.mistakable(one_note, other)
    known = {one_note, other}.union(*(twins(some.sheet).get(note, ()) for note in (one_note, other)))

    def named(q, v, one):
        return bool({*one.notes} & known) if q in made and made[q][v] else None

    return judged(some, some.mistaken(one_note, other), lambda *_: "", named)


def followed(some, note):
    """Of somebody who makes a mistake once, early, and everything right from there: whether it shows."""
    if (early := some.early(note)) is None:
        return []
    first, answers = early

    def follows(q, v, one):
        if q not in some.asked or q == first or first not in some.sheet.rests_on[q]:
            return None
        return None if one.verdict == "correct" else one.verdict == "follow-through"

    return judged(some, answers, lambda *_: "", follows)


def slipped(some):
    """Of somebody with one sign the wrong way round: whether that is said, or what else gives it; and
    whether all others are right."""
    answers, numbers = some.right(), some.asked
    for n, q in enumerate(numbers):
        turn = np.where(np.arange(some.count) % len(numbers) == n, -1, 1)
        answers[q] = answers[q] * turn

    def seen(q, v, one):
        if q not in numbers or numbers.index(q) != v % len(numbers):
            return None if q not in numbers else one.verdict in ("correct", "misconception", "wrong")
        if some.batch.answers[q][v] == 0 or q == MISTAKE:
            return None  # a line has no sign
        return one.slip == "sign" or one.verdict == "misconception"

    return judged(some, answers, right_text, seen)


def blanks(some):
    nothing = {q: np.full(some.count, np.nan) for q in some.asked}
    marks = mark(some.hand_ins(nothing, some.texts(lambda *_: "")), some.keys)
    return [one.verdict == "blank" and one.credit == 0 for one in marks]


def simulated(name, count):
    """What is done -> whether each mark is as it should be."""
    some = a_class(name, count)
    notes = [*notes_of(some)]
    both = [pair for note in notes for pair in planted(some, note)]
    return {
        "careful": judged(some, some.careful(), right_text, is_right),
        "rounded up": judged(some, some.careful("up"), right_text, is_right),
        "named": [named for named, _ in both],
        "the only one": [only for _, only in both],
        "two": [named for pair in pairwise(notes) for named in doubled(some, *pair)],
        "followed": [follows for note in notes for follows in followed(some, note)],
        "sign": slipped(some),
        "blank": blanks(some),
        "accused": judged(some, noise(some, 1), noise_text(1), is_accused),
    }
