"""Marking: a class's hand-ins, as tables and pages."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.gradebook import Filled
    from generator.keys import Key
    from generator.marking import Mark
    from generator.publish import Press
    from generator.submissions import Problem

from generator.commands.asked import Unusable, not_made, press_of, progress, read_file

__all__ = ["grade"]

MOST_PROBLEMS = 20  # of a class that are printed


def grade(arguments: Namespace) -> int:
    """Marks hand-ins: a table of all answers, one of scores, a page for each student and the class."""
    from generator.marking import mark
    from generator.submissions import UnusableSubmissions, read_submissions

    folder, press = Path(arguments.folder), press_of(arguments)
    keys, students = _keys(folder)
    if arguments.ask is not None:
        return _ask(arguments, folder, keys, students)
    if arguments.submissions is None:
        allowed = "a CSV or JSON file, a folder of them, or --ask VARIANT"
        raise Unusable(f"grade: found no SUBMISSIONS, allowed: {allowed}")
    try:
        handed_in = read_submissions(Path(arguments.submissions), keys, students)
    except UnusableSubmissions as error:
        raise Unusable(str(error)) from None
    problems = [_problem(problem) for problem in handed_in.problems]
    place = {student: n for n, student in enumerate(students)}  # whatever the order of the file
    hand_ins = sorted(
        handed_in.hand_ins, key=lambda h: (place.get(h.student, len(place)), h.student, h.variant)
    )
    out = Path(arguments.out) if arguments.out else folder / "graded"
    with _whole(folder, keys):
        marks = mark(hand_ins, keys)
        gradebook, exported = _gradebook(arguments, keys, marks)
        changed = _changed(out / "summary.csv", marks)
        tables = {"gradebook.csv": exported} if gradebook else {}
        failed = _write_marks(out, marks, keys, students, problems, press, tables)
    for line in problems[:MOST_PROBLEMS]:
        print(line)
    if len(problems) > MOST_PROBLEMS:
        print(
            f"{len(problems) - MOST_PROBLEMS} more to look at: they are all in {out}/class.{press.first}"
        )
    _print_marks(out, marks, press)
    for line in changed:
        print(line)
    if gradebook:
        _print_gradebook(out, Path(arguments.into).name, gradebook, keys)
    return failed


@contextmanager
def _whole(folder: Path, keys: Mapping[str, Key]) -> Iterator[None]:
    """What goes wrong within is said of the key that somebody has changed, if one was."""
    from generator.keys import misfit

    try:
        yield
    except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
        for variant, key in keys.items():
            if part := misfit(key):
                said = f"{part} does not fit the rest of it; make the exercise again"
                raise Unusable(f"{folder}: {variant}/key.json: is no key: {said}") from error
        raise


def _keys(folder: Path) -> tuple[dict[str, Key], dict[str, str]]:
    """Variant -> key, and student -> variant, of a folder that make-exercise wrote."""
    from generator.keys import UnusableKey, read_keys
    from generator.publish import read_variants

    try:
        keys = read_keys(folder)
    except UnusableKey as error:
        raise Unusable(f"{folder}: {error}") from None
    if not keys:
        allowed = "the folder of an exercise that make-exercise wrote, such as output/mazur"
        raise Unusable(f"{folder}: found no keys in it, allowed: {allowed}")
    listed = folder / "variants.csv"
    students = read_variants(read_file(listed, "variants.csv", "a CSV file")) if listed.is_file() else {}
    return keys, students


def _ask(
    arguments: Namespace, folder: Path, keys: Mapping[str, Key], students: Mapping[str, str]
) -> int:
    """The answers of one sheet of paper, typed in, into DIR/typed.csv."""
    from generator.asking import (
        BACK,
        UnknownVariant,
        UnusableTyped,
        ask,
        meant,
        read_typed,
        typed_csv,
    )
    from generator.publish import staging, write_files

    if arguments.submissions is not None or arguments.into is not None:
        raise Unusable(
            "--ask: found SUBMISSIONS or --into as well, allowed: --ask first, then the others"
        )
    try:
        variant = meant(arguments.ask, keys)
    except UnknownVariant as error:
        raise Unusable(f"--ask: {error}") from None
    student = next((s for s, own in students.items() if own == variant), "")
    path = folder / "typed.csv"

    def typed() -> dict[tuple[str, str], tuple[str, str]]:
        try:
            return read_typed(read_file(path, path.name, "a CSV file")) if path.is_file() else {}
        except UnusableTyped as error:
            raise Unusable(f"{path}: {error}") from None

    def save(answers: Mapping[str, str]) -> None:
        # Read again: somebody else may be typing in another pile.
        own = {(variant, part): (student, text) for part, text in answers.items()}
        with staging(folder) as stage:
            write_files(stage, {path.name: typed_csv(typed() | own)})

    def lines(prompt: str) -> str | None:
        try:
            return input(prompt)
        except EOFError:
            print()
            return None

    before = {part: text for (of, part), (_, text) in typed().items() if of == variant}
    whose = f"{variant} of {student}" if student else variant
    print(f"{whose}: an empty line leaves an answer as it is, {BACK} goes back.")
    ask(keys[variant], student, before, lines, print, save)
    print(f"To mark all that has been typed: grade {shlex.quote(str(folder))} {shlex.quote(str(path))}")
    return 0


def _gradebook(
    arguments: Namespace, keys: Mapping[str, Key], marks: list[Mark]
) -> tuple[Filled | None, bytes]:
    """A gradebook with the scores in it, if one is given; and its bytes."""
    from generator.gradebook import UnusableGradebook, decoded, filled
    from generator.grading import summary

    if arguments.into is None:
        return None, b""
    path, key = Path(arguments.into), next(iter(keys.values()))
    _, *rows = summary(marks)
    scores = {student: score for student, _, score, _ in rows if student}
    try:
        text, written = decoded(path.read_bytes())
        found = filled(text, key.name, key.points, scores)
        return found, written(found.text)
    except OSError:
        raise Unusable(f"--into: found {str(path)!r}, allowed: a CSV file") from None
    except UnusableGradebook as error:
        raise Unusable(f"--into: {path.name}: {error}") from None


def _print_gradebook(out: Path, name: str, gradebook: Filled, keys: Mapping[str, Key]) -> None:
    from generator.sources import listed

    print(f"  {out}/{'gradebook.csv':<16} {name} with the scores, to be imported")
    if gradebook.missing:
        print(f"Not in {name}: {listed(gradebook.missing)}.")
    if gradebook.points:
        most = next(iter(keys.values())).points
        print(
            f"{name} counts to {gradebook.points}, the scores to {most}: they are filled in as they are."
        )


def _changed(before: Path, marks: list[Mark]) -> list[str]:
    """Who gains and who loses by marking again."""
    from csv import Error

    from generator.grading import changes

    try:
        _, *rows = changes(before.read_text("utf-8"), marks) if before.is_file() else [()]
    except (ValueError, KeyError, Error):  # it is not one of ours
        return []
    up = sum(float(now) > float(earlier) for _, _, earlier, now in rows)
    lines = [f"Marked again: {up} gain, {len(rows) - up} lose."] if rows else []
    lines += [
        f"  {student} ({variant}): {old} -> {new}" for student, variant, old, new in rows[:MOST_PROBLEMS]
    ]
    return lines


def _problem(problem: Problem) -> str:
    from generator.sources import shown

    where = ", ".join(filter(None, (problem.file, problem.place)))
    return f"{where}: {shown(problem.student) + ': ' if problem.student else ''}{problem.what}"


def _write_marks(
    out: Path,
    marks: list[Mark],
    keys: Mapping[str, Key],
    students: Mapping[str, str],
    problems: list[str],
    press: Press,
    more: Mapping[str, bytes],
) -> int:
    from collections import Counter

    from generator.grading import by_hand_in, feedback, grades, of_class, summary
    from generator.pages import marked_pages
    from generator.publish import csv_text, staging
    from generator.sources import shown

    one = next(iter(keys.values()))
    title, spec = one.title, one.specs[0]
    # Of several hand-ins for a variant its owner's page is named after it.
    own_first = sorted(by_hand_in(marks).items(), key=lambda h: students.get(h[0][0]) != h[0][1])
    named_so: Counter[str] = Counter()
    with staging(out) as stage:
        tables = {"grades.csv": csv_text(grades(marks)), "summary.csv": csv_text(summary(marks))}
        pages = marked_pages("class_title", title, of_class(marks, keys, problems), spec)
        press.put(stage, pages, tables, name="class")
        for name, data in more.items():
            (stage / name).write_bytes(data)
        for (student, variant), own in progress(own_first, len(own_first)):
            named_so[variant] += 1
            page = variant + f"-{named_so[variant]}" * (named_so[variant] > 1)
            told = feedback(keys[variant], own)
            pages = marked_pages("feedback_title", title, told, spec, shown(student), variant)
            press.put(stage / "feedback", pages, name=page)
        return not_made(press, stage)


def _print_marks(out: Path, marks: list[Mark], press: Press) -> None:
    from collections import Counter

    from generator.grading import by_hand_in

    hand_ins = by_hand_in(marks)
    verdicts = Counter(m.verdict for m in marks)
    said = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    print(f"{len(hand_ins)} hand-in{'s' * (len(hand_ins) != 1)} marked: {said or 'no answers'}.")
    for name, what in (
        ("grades.csv", "a line for each answer: verdict, points, why"),
        ("summary.csv", "a line for each student: score"),
        (f"class.{press.first}", "questions, misconceptions, what to look at"),
        (f"feedback/….{press.first}", "a page for each hand-in, by its variant"),
    ):
        print(f"  {out}/{name:<16} {what}")
