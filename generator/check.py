"""Check: an exercise drawn for a large class, and what a lecturer wants to know before the class has it.

    distance of two variants = max over questions of |answer a − answer b| / (tolerance a + tolerance b)

Two sheets are alike, a collision, where it is at most 1: one set of answers is then right on both.  A
letter or a design is right on many sheets by nature, so sheets that ask for these are alike where what
they give is the same.  All is read off what students get, not off what drew it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from derive.ops import Array
from derive.quantity import Id, Quantity
from derive.verify import TOLERANCE
from generator.difficulty import difficulty, work
from generator.draw import Structure, draw_all, loosened, sheet_of, structure
from generator.exercise import Exercise, Part
from generator.sheet import Sheet
from generator.spec import Spec

__all__ = ["DEFECTS", "SECRET", "Checked", "Closest", "Drawn", "check", "closest", "closest_of"]
__all__ += ["drawn", "lines", "told_apart", "why"]

SECRET = b"variants of a check, which are nobody's"
AT_ONCE = 200  # variants after which a bar moves
APART = 2  # tolerances between two answers that are told apart
MOST_REJECTED = 0.9  # of the draws
ALIKE = "two sheets alike"  # what a kind may overlook
SHARED = ("choice", "design")  # forms in which one answer is right on sheets with other numbers


# --- two variants -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Closest:
    """The two variants that are nearest, the question that tells them apart best, and how many pairs
    are alike."""

    distance: float
    pair: tuple[int, int]
    part: int
    collisions: int


def _distances(off: Array, width: Array) -> Array:
    """Of each question (row) and pair (column)."""
    with np.errstate(all="ignore"):
        return np.where(off == 0, 0.0, np.abs(off) / width)


def closest(answers: Array, tolerances: Array) -> Closest | None:
    """The nearest of all pairs, from arrays of questions × variants; None of a single variant.

    The variants are sorted by the question in which neighbours are furthest apart, and each is compared
    with the next, the one after it, …, until that question alone keeps them further apart than the
    nearest.
    """
    if answers.shape[-1] < 2 or not len(answers):
        return None
    gaps, widths = np.diff(np.sort(answers)), 2 * np.median(tolerances, axis=-1, keepdims=True)
    first = int(np.argmax(np.median(_distances(gaps, widths), axis=-1)))
    order = np.argsort(answers[first], kind="stable")
    x, near = answers[:, order], tolerances[:, order]
    widest = np.maximum.accumulate(near[first][::-1])[::-1]  # from here on
    best, count, alive, step = Closest(np.inf, (0, 1), 0, 0), 0, np.arange(len(order) - 1), 1
    while alive.size:
        a, b = alive, alive + step
        gap, limit = x[first, b] - x[first, a], max(min(best.distance, 1e300), 1.0)
        close = gap <= limit * (near[first, a] + near[first, b])
        if close.any():
            i, j = a[close], b[close]
            found = _distances(x[:, i] - x[:, j], near[:, i] + near[:, j])
            furthest = found.max(axis=0)
            count += int((furthest <= 1).sum())
            if furthest[n := int(furthest.argmin())] < best.distance:
                pair = (int(order[i[n]]), int(order[j[n]]))
                best = Closest(float(furthest[n]), pair, int(found[:, n].argmax()), 0)
        step += 1
        alive = a[(gap <= limit * (near[first, a] + widest[b])) & (a + step < len(order))]
    return Closest(best.distance, (min(best.pair), max(best.pair)), best.part, count)


def numeric(parts: Iterable[Part]) -> list[Part]:
    """Those whose answer is a number."""
    return [part for part in parts if part.form == "number"]


def closest_of(sheets: Sequence[Sequence[Part]]) -> Closest | None:
    """The nearest pair of sheets with the same questions."""
    pairs = [[(part.answer, part.tolerance) for part in numeric(parts)] for parts in sheets]
    numbers = np.array(pairs, float).reshape(len(pairs), len(pairs[0]), 2)
    return closest(numbers[..., 0].T, numbers[..., 1].T)


def _same(given: Sequence[str]) -> Closest | None:
    """Two sheets that give the same, and how many pairs do."""
    places: dict[str, list[int]] = {}
    for place, numbers in enumerate(given):
        places.setdefault(numbers, []).append(place)
    same = [some for some in places.values() if len(some) > 1]
    count = sum(len(some) * (len(some) - 1) // 2 for some in same)
    return Closest(0.0, (same[0][0], same[0][1]), 0, count) if same else None


# --- a class ----------------------------------------------------------------------------------


@dataclass
class Drawn:
    """A class as it was drawn: a list entry for each variant."""

    variants: list[str]
    sheets: list[tuple[Part, ...]]
    errors: list[float]  # of the certificate; infinite where there is none
    work: list[float]
    given: list[str]  # the numbers on a sheet, where it is not told by its answers
    made_in: dict[str, list[Id]]
    overlooks: Collection[str]  # reasons that are none for this kind
    rejected: Counter[str]

    def add(self, exercises: Sequence[Exercise], sheets: Mapping[Structure, Sheet]) -> None:
        """Some more variants, and the sheets that they are of."""
        self.variants += [str(exercise.variant) for exercise in exercises]
        self.sheets += [exercise.parts for exercise in exercises]
        self.errors += [e.proof.max_error if e.proof else np.inf for e in exercises]
        self.work += _difficulties(exercises, sheets)
        self.given += [_given(exercise) for exercise in exercises]


def by_answers(parts: Sequence[Part]) -> bool:
    """Whether sheets with these questions are told apart by their answers."""
    return bool(numeric(parts)) and not any(part.form in SHARED for part in parts)


def _given(exercise: Exercise) -> str:
    """All numbers that are given; of a design, whose weights are not, what the outputs come to."""
    if by_answers(exercise.parts):
        return ""
    designed = (p.quantity for p in exercise.parts if p.form == "design")
    asked = {exercise.graph.find(q)[0].key for q in designed if isinstance(q, Quantity)}
    numbers = {k: n for k, n in exercise.spec.source.numbers().items() if k not in asked}
    outputs = exercise.graph.nodes[-1] if asked else None
    return f"{numbers} {exercise.values.forward[outputs].tolist() if outputs else ''}"


def _difficulties(exercises: Sequence[Exercise], sheets: Mapping[Structure, Sheet]) -> list[float]:
    alike: dict[Structure, list[int]] = {}
    for place, exercise in enumerate(exercises):
        alike.setdefault(structure(exercise.spec), []).append(place)
    work = np.zeros(len(exercises))
    for one, places in alike.items():
        work[places] = difficulty(sheets[one].batch([exercises[place].spec for place in places]))
    return work.tolist()


def drawn(spec: Spec, seed: str, count: int, secret: bytes = SECRET) -> Iterator[Drawn]:
    """The class, again after every few variants that it has grown by."""
    sheet = sheet_of(spec)
    found = Drawn([], [], [], [], [], sheet.made_in, sheet.overlooks, Counter())
    for start in range(1, count + 1, AT_ONCE):
        students = [str(n) for n in range(start, min(start + AT_ONCE, count + 1))]
        sheets = {structure(spec): sheet}  # of many structures not all are kept
        found.add([*draw_all(spec, seed, students, found.rejected, secret, sheets)], sheets)
        yield found


@dataclass(frozen=True)
class Question:
    """One question over a class.  `shared`: how many students could hand in somebody else's answer.
    `told`: the share of the misconceptions' answers that are told apart from the right one; `named`: and
    from those of all others."""

    id: str
    answers: tuple[float, float]
    tolerances: tuple[float, float, float]  # least, median, largest; of the answer's size
    misconceptions: int
    told: float | None
    named: float | None
    shared: int


@dataclass(frozen=True)
class Checked:
    """What was found of a class."""

    name: str
    seed: str
    variants: int
    seconds: float
    rejected: dict[str, int]
    uncertified: list[str]
    largest_error: float
    marked_right: list[str]  # misconceptions inside the tolerance of a question they are made in
    difficulty: tuple[float, float, float]  # least, median, largest
    easiest: str
    hardest: str
    questions: list[Question]
    collisions: int
    may_collide: bool  # there are few sheets of this kind
    distance: float | None  # of the closest pair
    closest: tuple[str, str] | None
    closest_in: str | None

    @property
    def draws(self) -> int:
        """Good or thrown away."""
        return self.variants + sum(self.rejected.values())

    @property
    def defects(self) -> list[str]:
        """What no class should have."""
        return [said for row in DEFECTS for said in row(self)]

    def report(self) -> dict[str, Any]:
        """As JSON has it."""
        distance = self.distance if self.distance is not None and np.isfinite(self.distance) else None
        return {**asdict(self), "distance": distance, "draws": self.draws, "defects": self.defects}


def check(
    spec: Spec,
    seed: str = "1",
    count: int = 1000,
    progress: Callable[[Iterator[Drawn]], Iterator[Drawn]] = iter,
) -> Checked:
    """Draw a class and look at all of it."""
    begun = time.perf_counter()
    *_, found = progress(drawn(spec, seed, count))
    return checked(found, spec.name, seed, time.perf_counter() - begun)


def checked(found: Drawn, name: str, seed: str = "", seconds: float = 0.0) -> Checked:
    """What there is to say of a class."""
    order = np.argsort(found.work, kind="stable")
    told = by_answers(found.sheets[0])
    near = closest_of(found.sheets) if told else _same(found.given)
    pair = (found.variants[near.pair[0]], found.variants[near.pair[1]]) if near else None
    certified = [error for error in found.errors if error <= TOLERANCE]
    return Checked(
        name,
        seed,
        len(found.variants),
        seconds,
        dict(found.rejected.most_common()),
        [v for v, error in zip(found.variants, found.errors, strict=True) if not error <= TOLERANCE],
        max(certified, default=0.0),
        [*_marked_right(found)],
        (float(min(found.work)), float(np.median(found.work)), float(max(found.work))),
        found.variants[order[0]],
        found.variants[order[-1]],
        [*_questions(found.sheets)],
        near.collisions if near else 0,
        ALIKE in found.overlooks,
        near.distance if near else None,
        pair,
        numeric(found.sheets[0])[near.part].id if near and told else None,
    )


def _marked_right(found: Drawn) -> Iterator[str]:
    for variant, parts in zip(found.variants, found.sheets, strict=True):
        for part in numeric(parts):
            for wrong in part.misconceptions:
                made = part.quantity in found.made_in.get(wrong.note, ())
                if made and abs(float(wrong.answer) - float(part.answer)) <= (part.tolerance or 0.0):
                    yield f"{wrong.note} in {part.id} of {variant}"


def _questions(sheets: Sequence[Sequence[Part]]) -> Iterator[Question]:
    for parts in zip(*map(numeric, sheets), strict=True):
        answers = np.array([part.answer for part in parts])
        near = np.array([part.tolerance for part in parts])
        size = np.where(answers == 0, 1.0, np.abs(answers))
        notes = sorted({wrong.note for part in parts for wrong in part.misconceptions})
        wrong = np.full((len(notes), len(parts)), np.nan)
        for v, part in enumerate(parts):
            for one in part.misconceptions:
                wrong[notes.index(one.note), v] = one.answer
        told, named = told_apart(wrong, answers, near)
        relative = near / size
        yield Question(
            parts[0].id,
            (float(answers.min()), float(answers.max())),
            (float(relative.min()), float(np.median(relative)), float(relative.max())),
            len(notes),
            told,
            named,
            _shared(answers, near),
        )


def told_apart(wrong: Array, right: Array, near: Array) -> tuple[float | None, float | None]:
    """Of the wrong answers (misconceptions × variants, NaN where there is none) the share that is more
    than twice the tolerance off the right one; and off all other wrong ones too."""
    if not (there := ~np.isnan(wrong)).any():
        return None, None
    told = there & (np.abs(wrong - right) > APART * near)
    order = np.argsort(wrong, axis=0)  # NaN last
    gaps = np.nan_to_num(np.diff(np.take_along_axis(wrong, order, 0), axis=0), nan=np.inf) > APART * near
    edge = np.ones((1, wrong.shape[1]), dtype=bool)
    alone = np.empty_like(there)
    np.put_along_axis(alone, order, np.concatenate([edge, gaps]) & np.concatenate([gaps, edge]), 0)
    count = int(there.sum())
    return int(told.sum()) / count, int((told & alone).sum()) / count


def _shared(answers: Array, near: Array) -> int:
    order = np.argsort(answers, kind="stable")
    gaps = np.concatenate([[np.inf], np.diff(answers[order]), [np.inf]])
    return int((np.minimum(gaps[1:], gaps[:-1]) <= near[order]).sum())


def _uncertified(found: Checked) -> Iterator[str]:
    if found.uncertified:
        count = len(found.uncertified)
        yield f"{count} variant{'s' * (count > 1)} without a certificate: {_some(found.uncertified)}"


def _indistinct(found: Checked) -> Iterator[str]:
    if found.marked_right:
        count = len(found.marked_right)
        said = f"{count} wrong answer{'s' * (count > 1)} would be marked right"
        yield f"{said}: {_some(found.marked_right)}"


def _collide(found: Checked) -> Iterator[str]:
    if found.collisions and found.closest and not found.may_collide:
        pairs = f"{found.collisions} pair{'s' * (found.collisions > 1)}"
        yield f"{pairs} of sheets alike, such as {' and '.join(found.closest)}: wider ranges in draw"


def _slow(found: Checked) -> Iterator[str]:
    if found.draws and sum(found.rejected.values()) > MOST_REJECTED * found.draws:
        reason, count = max(found.rejected.items(), key=lambda item: item[1])
        of = f"{count} of {found.draws} draws rejected for {reason}"
        yield f"{of}: slow for a class; try {loosened(reason)}"


# What no class should have: each row says it, or nothing.
DEFECTS: tuple[Callable[[Checked], Iterable[str]], ...] = (_uncertified, _indistinct, _collide, _slow)


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:3]) + (", …" if len(words) > 3 else "")


# --- told -------------------------------------------------------------------------------------


def lines(found: Checked) -> Iterator[str]:
    """The report, as plain text."""
    each = 1000 * found.seconds / found.variants
    yield f"{found.name}: {found.variants} variants of seed {found.seed}, {each:.1f} ms each"
    thrown = sum(found.rejected.values())
    yield f"Draws       {found.draws} made, {thrown} rejected ({thrown / found.draws:.0%})"
    wide = max(map(len, found.rejected), default=0)
    for reason, count in found.rejected.items():
        yield f"  {count:8}  {reason:<{wide}}  try {loosened(reason)}"
    said = f"within {found.largest_error:.0e}"
    yield f"Certified   {found.variants - len(found.uncertified)} of {found.variants}, {said}"
    least, middle, most = found.difficulty
    ends = f"from {least:.0f} ({found.easiest}) to {most:.0f} ({found.hardest})"
    yield f"Difficulty  {ends}, median {middle:.0f}"
    yield from _alike(found)
    yield ""
    yield from _table(found.questions)
    yield ""
    yield from [f"Defect: {said}" for said in found.defects] or ["No defects."]


def _alike(found: Checked) -> Iterator[str]:
    if found.variants > 1:
        count = found.collisions
        yield f"Alike       {count or 'no'} pair{'s' * (count != 1)} of whole sheets"
    if found.closest:
        one, other = found.closest
        said = apart(found.distance, found.closest_in) if found.closest_in else "the same is given"
        yield f"Closest     {one} and {other}: {said}"


def apart(distance: float | None, part: str | None) -> str:
    """How far two variants are: without end, where an answer that has no tolerance differs."""
    if distance == float("inf"):
        return f"apart in {part}, which has to be exact"
    return f"{distance:.1f} × their tolerances apart in {part}"


COLUMNS = (
    "question",
    "answers from",
    "to",
    "tolerance",
    "median",
    "largest",
    "wrong",
    "told",
    "named",
    "shared",
)


def _table(questions: Sequence[Question]) -> Iterator[str]:
    def share(number: float | None) -> str:
        return "" if number is None else f"{number:.1%}"

    rows: list[tuple[str, ...]] = [COLUMNS]
    for q in questions:
        ranges = (f"{number:.4g}" for number in (*q.answers,))
        near = (f"{number:.2g}" for number in q.tolerances)
        rows.append(
            (q.id, *ranges, *near, str(q.misconceptions), share(q.told), share(q.named), str(q.shared))
        )
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:>{w}}" for cell, w in zip(row[1:], wide[1:], strict=True))
        yield "  ".join([f"{row[0]:<{wide[0]}}", *cells])
    yield "tolerance: as a share of the answer    wrong: misconceptions that change it"
    yield "told: their answers that are clearly not the right one    named: nor any other's"
    yield "shared: students whose answer would be right for somebody else"


def why(exercises: Sequence[Exercise], most: int = 5) -> list[tuple[Id, float, float]]:
    """What makes the second of two variants more work than the first: quantities, and what they cost."""
    easy, hard = (work(sheet_of(e.spec).batch([e.spec])) for e in exercises)
    zero = np.zeros(1)
    costs = [(q, float(easy.get(q, zero)[0]), float(hard.get(q, zero)[0])) for q in {**easy, **hard}]
    ranked = sorted(costs, key=lambda row: row[1] - row[2])
    return [row for row in ranked[:most] if row[2] > row[1]]
