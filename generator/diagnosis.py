"""Diagnosis: why a number is not the right one: what a class has typed, all of it at once.

    follow-through  q of the same program, with the student's own earlier numbers given
    misconception   q of the program with a formula rewritten, from the right numbers or from his own
    slip            the right number with something wrong in its writing

Every array has a column for each hand-in.  Numbers are compared to the last digit that was asked for, or
within the tolerance of the key, scaled to the number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose, isfinite
from typing import Any

import numpy as np

from derive.ops import Array
from derive.program import Runs
from derive.quantity import Id
from generator.misconceptions import MISCONCEPTIONS, Misconception, rewriting
from generator.sheet import Sheet
from generator.spec import MarkingSpec, Spec
from generator.unreadable import Unreadable

__all__ = ["JOINED", "SLIPS", "Defect", "Diagnosis", "Judged", "misplaced"]

# What an answer is beside a right one, where it is not quite right and no misconception explains it.
SLIPS = ("too few digits", "sign", "power of ten", "exchanged digits")
POWERS = (-3, -2, -1, 1, 2, 3)
# Several misconceptions explain an answer: one of them, both together, or they are the same on this
# sheet; with the mark between them in a table.
JOINED = {"or": " ", "and": "+", "is": "="}
TRIVIAL = (0.0, 1.0, -1.0)


@dataclass(frozen=True)
class Defect:
    """Why the weights of a neuron do not do what they should: with them z and a come out for a sample,
    where a is to be another, or z is nearer to 0 than the margin, by `short`."""

    sample: int
    z: float
    a: float
    short: float = 0.0


@dataclass
class Judged:
    """What was found of one part, for every hand-in: arrays, or a list of one for each."""

    verdicts: list[str]
    shares: Array  # of the points
    values: Array
    notes: list[tuple[str, ...]]
    joined: list[str]  # how the notes are meant together, a row of JOINED
    own: list[tuple[str, ...]]
    slips: list[str]
    remarks: list[tuple[str, ...]]
    unreadable: list[Unreadable | None]
    defects: list[Defect | None]
    digits: Array = field(default_factory=lambda: np.zeros(0))  # significant ones that were typed
    units: Array = field(default_factory=lambda: np.zeros(0))  # of the last of them

    @classmethod
    def of(cls, count: int) -> Judged:
        def each(value: Any) -> list[Any]:
            return [value] * count

        empty = (each(()), each("or"), each(()), each(""), each(()), each(None), each(None))
        return cls(each("wrong"), np.zeros(count), np.full(count, np.nan), *empty)

    def settle(self, v: int, verdict: str, share: float) -> None:
        self.verdicts[v], self.shares[v] = verdict, share

    def explain(self, v: int, notes: Sequence[str], rules: MarkingSpec, joined: str = "or") -> None:
        """By misconceptions, the likeliest first."""
        self.notes[v], self.joined[v] = tuple(notes), joined
        self.settle(v, "misconception", float(rules.misconception))


@dataclass
class _Fits:
    """What misconceptions explain: question, hand-in, how far off, whether to the last digit asked for;
    and of each hand-in how many answers they would have changed that are something else."""

    explained: list[tuple[Id, int, float, bool]]
    against: Array


class Diagnosis:
    """The numbers of many hand-ins for one sheet; each array has a column for each."""

    def __init__(
        self,
        sheet: Sheet,
        specs: Sequence[Spec],
        rules: Sequence[MarkingSpec],
        right: Mapping[Id, Array],
        near: Mapping[Id, Array],
        judged: Mapping[Id, Judged],
    ) -> None:
        self.sheet = sheet
        self.specs = specs
        self.rules = rules
        self.right, self.near = right, near  # the keys' answers and tolerances
        self.judged = judged
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
        self.batch = self.sheet.batch(self.specs)
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
        if len(columns) == len(self.specs):
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
                        share = float(self.rules[v].follow_through)
                        self.judged[q].settle(int(v), "follow-through", share)

    @staticmethod
    def number(run: Runs, q: Id, count: int) -> Array:
        try:
            return np.broadcast_to(np.asarray(run.compute(q), float), count)
        except KeyError:  # a count, the number of updates: nothing is computed on from them
            return np.full(count, np.nan)

    def is_trivial(self, q: Id, v: int, own: Sequence[Id], number: float) -> bool:
        """Whether the student's own numbers leave nothing to be computed: a factor of 0; a factor of 1,
        or the answer to something else, that leaves one of the numbers that q rests on as it is, where
        the right ones would not."""
        right, near, typed = self.right[q][v], self.near[q][v], [self.typed[p][v] for p in own]
        if right in TRIVIAL:
            return False

        def same(one: float, other: float) -> bool:
            return bool(abs(abs(one) - abs(other)) <= near)

        if number == 0:
            return 0 in typed
        others = [o for o in self.judged if o != q and o not in own]
        copied = any(abs(p) == 1 or any(same(p, self.right[o][v]) for o in others) for p in typed)
        return copied and any(
            isclose(abs(number), abs(known), rel_tol=1e-9) and not same(right, self.right[o][v])
            for o in self.sheet.rests_on[q]
            if isfinite(known := self.typed[o][v])
        )

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
                    judged.explain(v, sorted(best, key=lambda n: (notes[n], n)), self.rules[v])
        self.pairs(sure)

    def fits(self, mistakes: Sequence[Misconception], columns: Array) -> _Fits:
        """Which answers of which hand-ins the mistakes explain: made everywhere; once, from the right
        numbers; or once, from the student's own."""
        affected = set().union(*(self.sheet.affected[m.id] for m in mistakes))
        asked = [q for q in self.judged if q in affected]
        found = _Fits([], np.zeros(len(columns), int))
        if not any(np.intersect1d(self.open(q), columns).size for q in asked):
            return found
        right = {q: self.right[q][columns] for q in self.judged}
        runs = [self.run(columns, given, mistakes) for given in ({}, right, self.given(columns))]
        for q in asked:
            typed, exact, near = self.typed[q][columns], right[q], self.near[q][columns]
            fits, elsewhere = np.zeros(len(columns), bool), np.zeros(len(columns), bool)
            there = np.isin(columns, self.open(q))
            for run in runs:
                number = self.number(run, q, len(columns))
                own = run is runs[-1]
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
            self.judged[q].explain(v, best, self.rules[v], "and")

    # --- slips ---

    def slips(self) -> None:
        """What is left: is it a right number with something wrong in its writing?"""
        for q, found in self.judged.items():
            for v in self.open(q):
                slip = self.slip(q, int(v))
                if slip:
                    rules = self.rules[v]
                    found.slips[v] = slip
                    share = rules.digits if slip == "too few digits" else rules.slip
                    found.settle(int(v), "wrong", float(share))

    def slip(self, q: Id, v: int) -> str:
        typed, right, near = self.typed[q][v], self.right[q][v], self.near[q][v]
        if (q, v) in self.few:
            return "too few digits"
        if right == 0 or typed == 0:
            return ""
        if slip := misplaced(typed, right, near):
            return slip
        return "exchanged digits" if _exchanged(typed, right, self.digits) else ""


def misplaced(typed: float, right: float, near: float) -> str:
    """Whether it is the right number but for its sign or its decimal point; a row of SLIPS, or empty."""
    if abs(typed + right) <= near:
        return "sign"
    powers = (10.0**n for n in POWERS)
    return "power of ten" if any(abs(typed - right * p) <= near * p for p in powers) else ""


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
