"""Grading: the marks of a class as tables and pages.

grades.csv has a line for each answer, summary.csv one for each student; a student's page shows the first
step that went wrong and the right derivation from there; the page of the class, which questions are
hard, which misconceptions were met, what nobody could do, and whose answers are right for somebody else.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite, log10
from typing import Any

import numpy as np

from derive.graph import Graph
from derive.graph import Node as GraphNode
from derive.program import Runs
from derive.quantity import Id, Quantity, parse
from generator.exercise import Exercise, build
from generator.exercises.find_mistake import working
from generator.formula import Node, Number, row
from generator.keys import Key, Keyed
from generator.marking import JOINED, VERDICTS, Mark
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.number import shown
from generator.page import Block, Cell, Phrase, Section, Table, Words, label, said
from generator.publish import plain_cell
from generator.sheet import Sheet, line
from generator.unreadable import Unreadable

__all__ = ["Copied", "changes", "copied", "feedback", "grades", "of_class", "summary"]

GRADES = ("student", "variant", "part", "quantity", "answer", "verdict", "credit", "note", "expected")
MOST_LINES = 8  # of a right derivation
FEWEST_SHARED, SHARE = 3, 0.6  # answers, and of those that are numbers, right for somebody else
HARD = 0.05  # of the points, of a question that nobody could do


# --- tables -------------------------------------------------------------------------------------


def grades(marks: Iterable[Mark]) -> Iterator[Sequence[str]]:
    """A line for each answer."""
    yield GRADES
    for m in marks:
        yield (
            m.student,
            m.variant,
            m.part,
            m.quantity,
            m.answer,
            m.verdict,
            f"{m.credit:g}",
            note_of(m),
            m.expected if isinstance(m.expected, str) else f"{m.expected:.10g}",
        )


def note_of(m: Mark) -> str:
    """The misconceptions, M02 M24 (or), M02+M24 (and) or M08=M09 (the same); or else the slip, the
    row of a truth table that fails, or why it could not be read."""
    if m.notes:
        return JOINED[m.joined].join(m.notes)
    if m.defect:
        return "margin" if m.defect.short else f"row {m.defect.sample}"
    return m.slip or (str(m.unreadable) if m.unreadable else "")


def summary(marks: Iterable[Mark]) -> Iterator[Sequence[str]]:
    """A line for each hand-in: its points, of how many."""
    yield "student", "variant", "score", "max"
    for (student, variant), own in by_hand_in(marks).items():
        score, most = sum(m.credit for m in own), sum(m.points for m in own)
        yield student, variant, f"{score:g}", str(most)


def by_hand_in(marks: Iterable[Mark]) -> dict[tuple[str, str], list[Mark]]:
    """(student, variant) -> its marks."""
    found: dict[tuple[str, str], list[Mark]] = defaultdict(list)
    for m in marks:
        found[m.student, m.variant].append(m)
    return found


def changes(before: str, marks: Iterable[Mark]) -> Iterator[Sequence[str]]:
    """Who has another score than in an earlier summary.csv: before, now; the largest gain first."""
    rows = csv.DictReader(io.StringIO(before))
    scored = (row for row in rows if row["score"] and isfinite(float(row["score"])))
    earlier = {(plain_cell(row["student"]), plain_cell(row["variant"])): row["score"] for row in scored}
    _, *now = summary(marks)
    moved = [
        (float(score) - float(earlier[student, variant]), student, variant, score)
        for student, variant, score, _ in now
        if (student, variant) in earlier and float(earlier[student, variant]) != float(score)
    ]
    yield "student", "variant", "before", "now"
    for _, student, variant, score in sorted(moved, key=lambda row: (-row[0], row[1:])):
        yield student, variant, earlier[student, variant], score


# --- a student's page ---------------------------------------------------------------------------


class _Explained:
    """Says what became of the answers to one exercise of a variant."""

    def __init__(self, key: Key, number: int) -> None:
        self.exercise: Exercise = build(key.specs[number])
        self.parts = {k.id: k for k in key.parts.values() if k.exercise == number}
        self.ids = {str(k.part.quantity): k for k in self.parts.values()}
        self.told: set[Id] = set()  # what has been derived on the page

    @cached_property
    def named(self) -> set[Id]:
        """What has a line of its own before the first update, and all that is given."""
        graph = self.exercise.graph
        if self.exercise.spec.network and not graph.forward_only:
            return {*working(self.exercise), *self.asked, *_elements(graph, graph.of_kind("parameter"))}
        return {*_elements(graph, (n for n in graph.nodes if n.op)), *self.asked}

    def has_line(self, q: Id) -> bool:
        """Whether q is a line of its own; else it is written out where it is used."""
        updated = self.exercise.program.optimizer.owned(q)
        return bool(updated) or q in self.named or replace(q, update=0) in self.named

    @cached_property
    def asked(self) -> set[Id]:
        return {k.part.quantity for k in self.parts.values() if k.part.form == "number"}

    @cached_property
    def sheet(self) -> Sheet:
        return Sheet(self.exercise, [("", q, 1) for q in self.asked])

    def run(self, given: Mapping[Id, float], notes: Sequence[str] = ()) -> Runs:
        rewrite = rewriting([MISCONCEPTIONS[note] for note in notes]) if notes else None
        rate = float(self.exercise.spec.source.learning_rate)
        numbers = {q: np.array([number]) for q, number in given.items()}
        return Runs(self.exercise.program, self.exercise.iterates, rate, numbers, rewrite)

    def typed(self, marks: Mapping[str, Mark]) -> dict[Id, float]:
        """The student's own numbers."""
        own = ((k.part, marks[k.id].value) for k in self.parts.values() if k.part.form == "number")
        return {part.quantity: value for part, value in own if value is not None}

    def line(self, run: Runs, q: Id) -> Node | None:
        """quantity = formula = numbers = number; None of what has no formula."""
        try:
            found = line(run, q, 0, self.has_line)
        except (KeyError, AssertionError):
            return None
        return said(self.exercise, found) if isfinite(found.number) else None

    def wrong_line(self, m: Mark, marks: Mapping[str, Mark]) -> Node | None:
        """How a misconception comes to the student's answer: from the right numbers, or from his own."""
        q, best = parse(m.quantity), None
        for given in ({}, self.typed(marks)):
            given = {p: n for p, n in given.items() if p != q}
            run = self.run(given, m.notes if m.joined == "and" else m.notes[:1])
            try:
                off = abs(float(np.ravel(run[q])[0]) - (m.value or 0.0))
            except KeyError:
                return None
            if best is None or off < best[0]:
                best = off, run
        return self.line(best[1], q) if best else None

    def derivation(self, keyed: Keyed) -> list[Node]:
        """The lines from what is asked before, or given, to the right answer."""
        q, run = keyed.part.quantity, self.run({})
        if keyed.part.form != "number" or q not in self.sheet.asked:
            return []
        try:
            if abs(float(np.ravel(run[q])[0]) - float(keyed.part.answer)) > 1e-9 * (
                1 + abs(float(keyed.part.answer))
            ):
                return []  # it is not what the key is certified for
        except KeyError:
            return []
        known = self.asked | self.told
        between = [u for u in self.sheet.way_to(q) if self.has_line(u) and u not in known]
        way = [*reversed(between[: MOST_LINES - 1]), q]
        self.told.update(way)
        lines = [self.line(run, u) for u in way]
        return [node for node in lines if node is not None]

    def design(self, m: Mark, marks: Mapping[str, Mark]) -> Iterator[Block]:
        """What the weights of a neuron do wrong, said once of all of them."""
        unit = _neuron(m)
        designs = [k for k in self.parts.values() if k.part.form == "design"]
        own = [k for k in designs if _neuron(marks[k.id]) == unit]
        typed = {k.part.quantity: marks[k.id].value for k in own}
        given = {q: number for q, number in typed.items() if number is not None}
        if m.defect is None:
            missing = [self.exercise.namer(q) for q in typed if q not in given]
            name = self.exercise.namer(parse(m.quantity))
            yield Block("told_undecided", {"name": name, "answer": _answer(m), "missing": missing})
        elif m.part == own[0].id:
            z, a = (Quantity(name, unit, m.defect.sample) for name in ("z", "a"))
            args: dict[str, Any] = {
                "weights": [row(self.exercise.namer(q), "=", shown(n, 6)) for q, n in given.items()],
                "row": m.defect.sample,
                "unit": self.exercise.namer(a),
                "found": shown(m.defect.a),
                "wanted": shown(self.exercise.number(a)),
                "margin": shown(float(self.exercise.spec.margin)),
                "short": shown(m.defect.short, 3) if m.defect.short else "",
            }
            node = self.line(self.run(given), z)
            yield Block("told_design", args, ((node, None),) if node else ())


def _elements(graph: Graph, nodes: Iterable[GraphNode]) -> Iterator[Id]:
    """The quantities of nodes, of every sample."""
    return (q for node in nodes for sample in graph.sample_numbers for q in node.elements(sample))


def _neuron(m: Mark) -> tuple[int, ...]:
    """The unit that a weight leads to."""
    q = parse(m.quantity)
    return q.index[:2] if isinstance(q, Quantity) else ()


def feedback(key: Key, marks: Sequence[Mark]) -> tuple[Section, ...]:
    """What became of each answer, and from the first wrong one on how it is right."""
    by_part = {m.part: m for m in marks}
    explained = [_Explained(key, number) for number in range(len(key.specs))]

    def of(m: Mark) -> tuple[_Explained, Keyed]:
        keyed = key.parts[m.part]
        return explained[keyed.exercise], keyed

    rows = []
    for m in marks:
        about, keyed = of(m)
        points = row(shown(m.credit, 2), "/", Number(str(m.points)))
        rows.append(
            (
                label(about.exercise, keyed.part),
                _answer(m),
                f"verdict_{m.verdict}".replace("-", "_"),
                points,
            )
        )
    score, most = sum(m.credit for m in marks), sum(m.points for m in marks)
    args = {"score": shown(float(score), 2), "max": most}
    table = Table(("quantity", "your_answer", "verdict", "points_head"), tuple(rows))
    sections = [Section("feedback_answers", args, (Block("feedback_score", args, (), table),))]
    if wrong := [m for m in marks if m.verdict != "correct"]:
        blocks = (block for m in wrong for block in _told(*of(m), m, by_part))
        sections.append(Section("feedback_wrong", {}, tuple(blocks)))
    return tuple(sections)


def _why(unreadable: Unreadable) -> dict[str, str]:
    """Why an answer could not be read; `text` in English."""
    about = {"reason": unreadable.reason, "found": unreadable.short}
    return about | {"text": str(unreadable)}


def _verdict(verdict: str) -> str:
    """Its phrase."""
    return f"verdict_{verdict}".replace("-", "_")


def _answer(m: Mark) -> Node | Words:
    """As it was typed, if it is short."""
    text = m.answer.strip().replace("−", "-")
    text = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
    if m.value is not None and len(text) > 14:
        return shown(m.value, 6)
    return Words(text if len(text) <= 24 else text[:21] + "...") if text else Words("-")


def _told(about: _Explained, keyed: Keyed, m: Mark, marks: Mapping[str, Mark]) -> Iterator[Block]:
    if keyed.part.form == "design" and m.verdict == "wrong":
        yield from about.design(m, marks)
        return
    name = label(about.exercise, keyed.part)
    own = [label(about.exercise, about.ids[q].part) for q in m.own if q in about.ids]
    args: dict[str, Any] = {
        "name": name,
        "answer": _answer(m),
        "notes": [MISCONCEPTIONS[note] for note in m.notes if note in MISCONCEPTIONS],
        "joined": m.joined,
        "own": own,
        "slip": m.slip,
        "why": _why(m.unreadable) if m.unreadable else None,
        "at": None if m.unreadable is None or m.unreadable.offset is None else m.unreadable.offset + 1,
    }
    formulas: list[Node] = []
    if m.verdict == "misconception" and keyed.part.form == "number":
        node = about.wrong_line(m, marks)
        formulas = [node] if node is not None else []
    yield Block(f"told_{m.verdict}".replace("-", "_"), args, tuple((f, None) for f in formulas))
    if m.verdict != "follow-through":
        right = about.derivation(keyed)
        if right:
            yield Block("told_right", args, tuple((f, None) for f in right))


# --- the class ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Copied:
    """`count` of `of` answers of a student are right for the variant of another one, not for his own; by
    chance that happens once in 10**`power` such comparisons, about."""

    student: str
    other: str
    count: int
    of: int
    power: int


def copied(marks: Sequence[Mark], keys: Mapping[str, Key]) -> list[Copied]:
    """Whose wrong answers are right for somebody else: a question, not a verdict."""
    hand_ins = by_hand_in(marks)
    parts = sorted({m.part for m in marks if isinstance(m.expected, float)})
    if len(hand_ins) < 2 or not parts:
        return []
    place = {part: k for k, part in enumerate(parts)}
    typed = np.full((len(hand_ins), len(parts)), np.nan)
    right, near = typed.copy(), typed.copy()
    for v, ((_, variant), own) in enumerate(hand_ins.items()):
        for m in own:
            keyed = keys[variant].parts[m.part].part
            if m.part in place and keyed.form == "number":
                right[v, place[m.part]], near[v, place[m.part]] = (
                    float(keyed.answer),
                    keyed.tolerance or 0.0,
                )
                if m.value is not None and m.verdict not in ("correct", "follow-through"):
                    typed[v, place[m.part]] = m.value
    found, names = [], [student for student, _ in hand_ins]
    counted = np.isfinite(right).sum(axis=1)
    for v in map(int, np.flatnonzero(np.isfinite(typed).sum(axis=1) >= FEWEST_SHARED)):
        same = np.abs(typed[v] - right) <= near
        same[v] = False
        often = (same.sum(axis=0) + 1) / (len(names) + 1)  # of all variants, those that it is right for
        for other in np.flatnonzero(same.sum(axis=1) >= max(FEWEST_SHARED, SHARE * counted[v])):
            if names[other] != names[v]:
                power = -sum(log10(often[k]) for k in np.flatnonzero(same[other])) - log10(len(names))
                one = Copied(
                    names[v], names[other], int(same[other].sum()), int(counted[v]), int(max(power, 0))
                )
                found.append(one)
    return found


def of_class(
    marks: Sequence[Mark], keys: Mapping[str, Key], problems: Sequence[str] = ()
) -> tuple[Section, ...]:
    """The page of a class."""
    hand_ins = by_hand_in(marks)
    scores = np.array([sum(m.credit for m in own) for own in hand_ins.values()])
    most = max((sum(m.points for m in own) for own in hand_ins.values()), default=0)
    args: dict[str, Any] = {"count": len(hand_ins), "max": most, "mean": None}
    if len(scores):
        args |= {"mean": shown(float(scores.mean()), 1), "median": shown(float(np.median(scores)), 1)}
        args |= {"least": shown(float(scores.min()), 1), "best": shown(float(scores.max()), 1)}
    items = _items(marks, hand_ins)
    table = Table(
        (
            "part_head",
            "share_head",
            "discrimination_head",
            *(f"verdict_{v}".replace("-", "_") for v in VERDICTS),
        ),
        tuple(items),
    )
    sections = [
        Section(
            "class_heading", args, (Block("class_scores", args), Block("class_items", {}, (), table))
        )
    ]
    hard = [part for part, own in _by_part(marks).items() if _share(own) <= HARD]
    if hard:
        sections[0] = Section(
            "class_heading", args, (*sections[0].blocks, Block("class_nobody", {"parts": hard}))
        )
    if met := _met(marks):
        head = ("misconception_head", "name_head", "count_head", "parts_head")
        sections.append(
            Section("class_misconceptions", {}, (Block("class_met", {}, (), Table(head, tuple(met))),))
        )
    if pairs := copied(marks, keys):
        alike = (Block("class_copied", {"pair": pair}) for pair in pairs)
        sections.append(Section("class_alike", {}, tuple(alike)))
    if problems:
        odd = (Block("class_problem", {"text": text}) for text in problems)
        sections.append(Section("class_problems", {"count": len(problems)}, tuple(odd)))
    return tuple(sections)


def _by_part(marks: Iterable[Mark]) -> dict[str, list[Mark]]:
    found: dict[str, list[Mark]] = defaultdict(list)
    for m in marks:
        found[m.part].append(m)
    return found


def _share(marks: Sequence[Mark]) -> float:
    return sum(m.credit for m in marks) / max(sum(m.points for m in marks), 1)


def _items(
    marks: Sequence[Mark], hand_ins: Mapping[tuple[str, str], Sequence[Mark]]
) -> Iterator[tuple[Cell, ...]]:
    """Part, share of its points, correlation with all other points, how often which verdict."""
    total = {who: sum(m.credit for m in own) for who, own in hand_ins.items()}
    for part, own in _by_part(marks).items():
        credit = np.array([m.credit for m in own])
        rest = np.array([total[m.student, m.variant] - m.credit for m in own])
        spread = len(own) > 2 and credit.std() > 0 and rest.std() > 0
        apart: Node | Words = Words("-")
        if spread:
            apart = Number(f"{np.corrcoef(credit, rest)[0, 1]:.2f}")
        counts = Counter(m.verdict for m in own)
        share = Number(f"{100 * _share(own):.0f}")
        yield (Words(part), share, apart, *(Number(str(counts[verdict])) for verdict in VERDICTS))


def _met(marks: Iterable[Mark]) -> list[tuple[Cell, ...]]:
    """Misconceptions, the most frequent first: the likeliest explanation of an answer counts, both of
    two together, and those that are the same as one."""
    parts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for m in marks:
        both = [(note,) for note in m.notes]
        for notes in both if m.joined == "and" else [m.notes] if m.joined == "is" else both[:1]:
            parts[notes][m.part] += 1
    order = sorted(parts, key=lambda notes: (-parts[notes].total(), notes))
    return [
        (
            Words(JOINED["is"].join(notes)),
            Phrase("class_mistakes", {"notes": [MISCONCEPTIONS[note] for note in notes]}),
            Number(str(parts[notes].total())),
            Words(", ".join(f"{part} ({n})" for part, n in parts[notes].most_common(1))),
        )
        for notes in order
    ]
