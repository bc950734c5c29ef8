"""Submissions: what a class handed in, from any source, as HandIns; and all that is odd about it.

    file -> rows (`sources`) -> whose, which variant, which part -> one HandIn a student, problems

What cannot be placed is a Problem, and nothing is guessed: a student or part is known by its name or not
at all.  Only a variant's id can be mistyped, since its last character tells.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.answers import blank
from generator.course import LONGEST as LONGEST_NAME
from generator.draw import is_variant_id
from generator.keys import Key
from generator.marking import HandIn
from generator.sources import Asked, Ids, Row, Unusable, listed, read_source, shown, whole

__all__ = ["LONGEST", "PROBLEMS", "Problem", "Submissions", "UnusableSubmissions", "read_submissions"]
__all__ += ["same_variant", "slips"]

LONGEST = 10_000  # characters of an answer

# What can be odd, and how it is said.
PROBLEMS = {
    "unreadable": "{why}",
    "encoding": "{count} × what cannot be read in any encoding",
    "quote": "a quote that is not closed, or not doubled: the line is read as it stands",
    "cells": "{count} × more than there are columns: {found}; is an answer with a comma not in quotes?",
    "no part": "{count} × a column that is no part of any variant: {found}",
    "count": "{found} responses, but the sheet has {count} parts; they are taken in its order",
    "no student": "nothing says whose it is",
    "unknown student": "{found} is not in variants.csv{hint}",
    "no variant": "nothing says which variant it answers",
    "unknown variant": "{found} is no variant that there is a key of: {why}",
    "mistyped variant": "{found} is mistyped: {why}; marked as {variant}",
    "other variant": "it answers {variant}, but variants.csv says {own}; marked as {variant}",
    "not of the variant": "{variant} has no part {found}",
    "controls": "the answer to {found} is read without its NUL characters",
    "too long": "the answer to {found} has more than {longest} characters; the first ones are read",
    "answered twice": "{found} is answered again at {where}; that one counts",
    "handed in twice": "handed in again at {where}; that one counts",
    "nothing": "handed in nothing",
}


class UnusableSubmissions(ValueError):
    """Nothing can be read: one line that says why."""


@dataclass(frozen=True)
class Problem:
    """What is odd, a row of PROBLEMS, and where; `student` is empty where nobody is known."""

    reason: str
    file: str
    place: str
    what: str
    student: str = ""


@dataclass(frozen=True)
class Submissions:
    """What is to be marked, one of each student; and what has to be looked at."""

    hand_ins: tuple[HandIn, ...]
    problems: tuple[Problem, ...]


def read_submissions(path: Path, keys: Mapping[str, Key], students: Mapping[str, str]) -> Submissions:
    """What stands in a file, or in all files below a folder; `students`: student -> variant, as in
    variants.csv.  Of what a student handed in twice the later counts: in a file the later row, or the
    attempt with the higher number; in a folder the file with the later name.  UnusableSubmissions where
    there is no file, or only one and it cannot be read."""
    reading = _Reading(keys, students)
    if not path.is_dir():
        try:
            reading.read(path, 0, path.name)
        except Unusable as error:
            raise UnusableSubmissions(f"{path.name}: {error}") from None
        return reading.submissions()
    files = [*_below(path, reading)]
    if not files:
        raise UnusableSubmissions(f"{path}: found an empty folder, allowed: one with hand-ins")
    for number, file in enumerate(files):
        name = whole(str(file.relative_to(path)))
        try:
            reading.read(file, number, name)
        except Unusable as error:
            reading.say("unreadable", name, why=error)
    return reading.submissions()


def _below(folder: Path, reading: _Reading) -> Iterator[Path]:
    """The files below a folder, by name."""

    def refused(error: OSError) -> None:
        reading.say("unreadable", whole(str(error.filename)), why=f"cannot be read: {error.strerror}")

    yield from sorted(
        Path(at, name) for at, _, names in os.walk(folder, onerror=refused) for name in names
    )


@dataclass
class _Draft:
    """A hand-in as it is found; of a student the last counts."""

    file: str
    place: str
    student: str
    variant: str
    order: tuple[int, int, int]  # file, attempt, row
    answers: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


class _Reading:
    """Files are read into it one by one."""

    def __init__(self, keys: Mapping[str, Key], students: Mapping[str, str]) -> None:
        self.keys, self.students = keys, students
        self.ids = Ids(part for key in keys.values() for part in key.parts)
        self.variants = {_characters(variant): variant for variant in keys}
        self.owners = {variant: student for student, variant in students.items()}
        folded = Counter(map(str.casefold, students))
        self.folded = {s.casefold(): s for s in students if folded[s.casefold()] == 1}
        self.drafts: list[_Draft] = []
        self.said: dict[Problem, None] = {}
        self.named: dict[str, str] = {}
        self.known: set[str] = set()  # students of whom something is said or handed in

    def say(self, reason: str, file: str, place: str = "", student: str = "", **facts: Any) -> None:
        """Put a problem down, once."""
        what = PROBLEMS[reason].format(**facts)
        self.said[Problem(reason, file, place, what, shown(student, LONGEST_NAME))] = None

    def read(self, path: Path, number: int, name: str) -> None:
        """A file; Unusable says why it cannot be read."""
        rows, remarks = read_source(path, self.ids)
        for remark in remarks:
            self.say(remark.reason, name, remark.place, **remark.facts)
        drafts: dict[tuple[str, str], _Draft] = {}
        for n, row in enumerate(rows):
            if row.who or row.variant or not all(blank(text) for _, text in row.answers):
                self._place(row, name, (number, row.attempt, n), drafts)
        self.drafts += drafts.values()

    def submissions(self) -> Submissions:
        """All of them: of each student the last that is not empty."""
        last: dict[str, _Draft] = {}
        for draft in sorted(self.drafts, key=lambda draft: draft.order):
            who = draft.student or f"\0{draft.variant}"
            if all(blank(text) for text in draft.answers.values()):
                self.say("nothing", draft.file, draft.place, draft.student)
                continue
            if before := last.pop(who, None):
                where = draft.place if before.file == draft.file else f"{draft.file}, {draft.place}"
                self.say("handed in twice", before.file, before.place, draft.student, where=where)
            last[who] = draft
        for student in self.students:
            if student not in self.known:
                self.say("nothing", "variants.csv", "", student)
        hand_ins = (HandIn(draft.student, draft.variant, draft.answers) for draft in last.values())
        return Submissions(tuple(hand_ins), tuple(self.said))

    def _place(
        self, row: Row, file: str, order: tuple[int, int, int], drafts: dict[tuple[str, str], _Draft]
    ) -> None:
        """The answers of a row into the hand-in that they are of."""
        variants = [name for name in row.who if name not in self.students and self._is_variant(name)]
        who = [name for name in row.who if name not in variants]  # of {variant: {part: answer}}
        student = self._known(who)
        typed = row.variant or next(iter(variants), "") or ("" if student else self._variant_in(file))
        student = student or self._student(who, typed, file, row.place)
        self.known.add(student)
        if (variant := self._variant(typed, student, file, row.place)) is None:
            return
        group = (student, variant) if row.long else (row.place, variant)
        draft = drafts.setdefault(group, _Draft(file, row.place, student, variant, order))
        key = self.keys[variant]
        responses = {a for a, _ in row.answers if not isinstance(a, str) and not a[1]}
        if responses and len(responses) != len(key.parts):
            self.say("count", file, found=len(responses), count=len(key.parts))
        strange = [a for a, text in row.answers if not self._answer(draft, key, a, text, row)]
        if strange:
            found = listed(map(_asked, strange))
            self.say("not of the variant", file, row.place, student, found=found, variant=variant)

    def _answer(self, draft: _Draft, key: Key, asked: Asked, text: str, row: Row) -> bool:
        """An answer into a hand-in; False where something is answered that is not asked."""
        part = self._part(key, asked)
        if part is None or (part in draft.answers and blank(text)):
            return blank(text)
        if not blank(draft.answers.get(part, "")):
            facts = {"found": part, "where": row.place}
            self.say("answered twice", draft.file, draft.places[part], draft.student, **facts)
        if "\0" in text:
            self.say("controls", draft.file, row.place, draft.student, found=part)
            text = text.replace("\0", "")
        if len(text) > LONGEST:
            facts = {"longest": f"{LONGEST:,}", "found": part}
            self.say("too long", draft.file, row.place, draft.student, **facts)
        draft.answers[part] = text[:LONGEST].strip()
        draft.places[part] = row.place
        return True

    def _part(self, key: Key, asked: Asked) -> str | None:
        """The part of a variant that is meant: by its id, or by its place on the sheet."""
        if isinstance(asked, str):
            part = self.ids.find(asked)
            return part if part in key.parts else None
        number, inner = asked
        parts = [*key.parts.values()]
        if inner:  # in a response to a whole exercise
            parts = [part for part in parts if part.exercise == number - 1]
        at = (inner or number) - 1
        return parts[at].id if 0 <= at < len(parts) else None

    # --- whose, and which variant ---

    def _known(self, who: list[str]) -> str:
        """The student of variants.csv among those whom it may be; in another case if none has it."""
        same = (name for name in who if name in self.students)
        near = (self.folded[name.casefold()] for name in who if name.casefold() in self.folded)
        return next(same, "") or next(near, "")

    def _student(self, who: list[str], typed: str, file: str, place: str) -> str:
        """Whose it is if nobody of variants.csv is named in it; empty where nothing says it."""
        variant = self.variants.get(_characters(typed), typed)
        owner = self.owners.get(variant, "")
        if who:
            if self.students:
                hint = f"; {variant} is the variant of {shown(owner)}" if owner else ""
                self.say("unknown student", file, place, who[0], found=shown(who[0]), hint=hint)
            return shown(who[0], LONGEST_NAME)
        named = self._named_in(file)
        if not (named or owner):
            self.say("no student", file, place)
        return named or owner

    def _named_in(self, file: str) -> str:
        """The student whom a file's name says; looked for once."""
        if file not in self.named:
            self.named[file] = _student_in(file, self.students)
        return self.named[file]

    def _is_variant(self, typed: str) -> bool:
        return _characters(typed) in self.variants

    def _variant_in(self, name: str) -> str:
        """The variant that a file's name says, if any."""
        found = [match[0] for match in _ID.finditer(name)]
        return next((typed for typed in reversed(found) if self._is_variant(typed)), "")

    def _variant(self, typed: str, student: str, file: str, place: str) -> str | None:
        """Which variant it is marked as; None where there is no key of it, or nothing says which."""
        own = self.students.get(student, "")
        marked = own if own in self.keys else None
        if not typed:
            if own and not marked:
                why = "variants.csv says it; was the exercise made again?"
                self.say("unknown variant", file, place, student, found=own, why=why)
            elif not own:
                self.say("no variant", file, place, student)
            return marked
        variant = self.variants.get(_characters(typed))
        found = shown(typed)
        if variant is None:
            near = slips(typed, self.keys)
            meant = own if own in near else next(iter(near)) if len(near) == 1 else ""
            if not meant and is_variant_id(typed.strip().upper()):
                why = "it is one of another exercise, or of an earlier run; not marked"
                self.say("unknown variant", file, place, student, found=found, why=why)
                return None
            if not meant:
                why = "its last character does not check the others; "
                why += f"marked as {marked}, which variants.csv says" if marked else "not marked"
                self.say("unknown variant", file, place, student, found=found, why=why)
                return marked
            facts = {"found": found, "why": near[meant], "variant": meant}
            self.say("mistyped variant", file, place, student, **facts)
            variant = meant
        if own and variant != own:
            self.say("other variant", file, place, student, variant=variant, own=own)
        return variant


def _asked(asked: Asked) -> str:
    if isinstance(asked, str):
        return asked
    return f"response {asked[0]}" + f", part {asked[1]}" * bool(asked[1])


# --- names as they are typed --------------------------------------------------------------------

_ID = re.compile(r"(?<![^\W_])[^\W_]{3}[-_ ]?[^\W_]{3}[-_ ]?[^\W_]{3}(?![^\W_])")


def _characters(variant: str) -> str:
    """An id without what is typed between its characters."""
    return re.sub(r"[\W_]", "", variant).upper()


def same_variant(typed: str, variant: str) -> bool:
    """Whether an id is typed, in any case and with any marks between its characters."""
    return _characters(typed) == _characters(variant)


def slips(typed: str, variants: Iterable[str]) -> dict[str, str]:
    """The variants that are one slip of the pen from what was typed, and which slip."""
    return {variant: slip for variant in variants if (slip := _slip(typed, variant))}


def _slip(typed: str, variant: str) -> str:
    """How an id was mistyped: one character is wrong, missing or too many, or two are exchanged; empty
    where it is something else."""
    found, right = _characters(typed), _characters(variant)
    differs = (n for n, pair in enumerate(zip(found, right, strict=False)) if pair[0] != pair[1])
    at = next(differs, min(len(found), len(right)))
    rest, meant = found[at:], right[at:]
    if rest and meant and rest[1:] == meant[1:]:
        return f"character {at + 1} is {rest[0]}, not {meant[0]}"
    if len(rest) > 1 and rest[:2] == meant[1::-1] and rest[2:] == meant[2:]:
        return f"characters {at + 1} and {at + 2} are exchanged"
    if rest == meant[1:]:
        return f"character {at + 1}, {meant[0]}, is missing"
    if rest[1:] == meant:
        return f"character {at + 1}, {rest[0]}, is too many"
    return ""


def _student_in(name: str, students: Iterable[str]) -> str:
    """The student whom a file's name says, between marks; one or two characters only if they are all of
    it, since `answers (1).csv` is a second download."""
    name = name.casefold()
    among = {
        student: re.escape(student.casefold()) for student in students if student.casefold() in name
    }
    alone = [student for student, text in among.items() if re.fullmatch(rf"{text}(\.\w+)?", name)]
    marked = [
        student
        for student, text in among.items()
        if len(student) > 2 and re.search(rf"(?<![^\W_]){text}(?![^\W_])", name)
    ]
    longest = max(marked, key=len, default="")
    found = alone or [longest] * all(one.casefold() in longest.casefold() for one in marked)
    return found[0] if len(found) == 1 else ""
