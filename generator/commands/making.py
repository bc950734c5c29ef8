"""Making: homework and worked examples, written as pages."""

from __future__ import annotations

import secrets
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.exercise import build, certified
from generator.exercises import found
from generator.spec import Spec

if TYPE_CHECKING:
    from generator.course import Student
    from generator.exercise import Part
    from generator.pdf import Typesetter

from generator.commands.asked import (
    MOST_VARIANTS,
    Unusable,
    choice,
    fit_for_pages,
    not_made,
    press_of,
    progress,
    read_file,
    seed_of,
    sheet_of,
)

__all__ = ["make_example", "make_exercise", "make_practice"]

EXAMPLE_PAGES = ("solution", "slides")
MOST_PRACTICE = 500  # variants in a page
MANY_COMPARED = 10_000  # of which the closest pair is said


def make_exercise(arguments: Namespace) -> int:
    """Randomised homework: question, solution and key for each variant."""
    from collections import Counter

    from generator.classroom import CLASS_PAGES, Seat
    from generator.pages import PAGES, pages_of
    from generator.paper import drawn
    from generator.publish import beside, staging, variants_csv, write_files

    (spec, specs), press = sheet_of(arguments), press_of(arguments)
    fit_for_pages(specs)
    pages = [choice("--pages", p.strip(), [*PAGES, *CLASS_PAGES]) for p in arguments.pages.split(",")]
    of_class = [CLASS_PAGES[page] for page in pages if page in CLASS_PAGES]
    if not 1 <= arguments.count <= MOST_VARIANTS:
        raise Unusable(f"--count: found {arguments.count}, allowed: 1 to {MOST_VARIANTS}")
    students = _students(arguments)
    _writable(students, press.formats, arguments)
    nameless = _nameless(spec, students, press.typesetter)
    fresh = "1" if arguments.students else str(secrets.randbelow(10**6))
    seed = fresh if arguments.seed is None else arguments.seed
    secret = _secret(arguments)
    if not (seed.isprintable() and 0 < len(seed) <= 100):
        raise Unusable("--seed: found something unprintable, allowed: 1 to 100 printable characters")
    folder = Path(arguments.out) / spec.name
    rejected: Counter[str] = Counter()
    rows, worst, files, sheets = [], 0.0, list[str](), []
    seats, paper = list[Seat](), None
    with staging(folder) as stage:
        papers = drawn(spec, specs, seed, [student.id for student in students], rejected, secret)
        for student, paper in zip(students, progress(papers, len(students)), strict=True):
            name = "" if student.id in nameless else student.name
            told = pages_of(paper, name, only=pages)
            files = press.put(stage / str(paper.variant), told, beside(paper))
            rows.append((student.id, str(paper.variant)))
            seats += [Seat(student.id, name, paper)] if of_class else []
            sheets.append(tuple(part for _, part in paper.parts))
            worst = max(worst, paper.max_error)
        write_files(stage, {"variants.csv": variants_csv(rows)})
        made = {page.what: page.put(press, stage, seats) for page in of_class}
        failed = not_made(press, stage)
    assert paper

    where = folder / (rows[0][1] if len(rows) == 1 else "…")
    print(f"{len(rows)} variant{'s' * (len(rows) > 1)} of {spec.name} in {folder}")
    for page, what in (
        ("question", "the homework; holds no answers"),
        ("answers", "the sheet to fill in and hand in"),
        ("solution", "every step, with the numbers put in"),
        ("key", f"{len(paper.parts)} answers with their tolerances"),
    ):
        if names := " ".join(name for name in files if name.startswith(page)):
            print(f"  {where}/{names:<27} {what}")
    for what, written in made.items():
        names = " ".join(name for name in written if "/" not in name)  # not its pictures
        print(f"  {folder}/{names:<{29 + len(str(where)) - len(str(folder)) - 2}} {what}")
    print(f"Certified by {', '.join(paper.methods)}: within {worst:.0e}.")
    if rejected:
        reasons = ", ".join(f"{count} × {reason}" for reason, count in rejected.most_common())
        print(f"Drawn again: {reasons}.")
    if 1 < len(rows) <= MANY_COMPARED:
        print(_nearest([variant for _, variant in rows], sheets))
    print(f"The same again: {_again(arguments, seed)}")
    if len(rows) == 1:
        source = shlex.quote(arguments.spec)
        print(f"For a class:    make-exercise {source} --count 30")
        print(f"Worked through: make-example {source}")
    if older := _older(folder, rows):
        print(f"Note: {folder} also holds {older} of an earlier run; variants.csv lists this run only.")
    for line in nameless.values():
        print(line, file=sys.stderr)
    return 1 if failed or nameless else 0


def make_practice(arguments: Namespace) -> int:
    """A page to practise on: variants that are nobody's, checked as they are typed."""
    from generator.check import SECRET
    from generator.paper import drawn
    from generator.practice import CHECKED, practice_pages
    from generator.publish import staging

    (spec, specs), press = sheet_of(arguments), press_of(arguments)
    fit_for_pages(specs)
    if not 1 <= arguments.count <= MOST_PRACTICE:
        raise Unusable(f"--count: found {arguments.count}, allowed: 1 to {MOST_PRACTICE}")
    seed, numbers = seed_of(arguments), range(1, arguments.count + 1)
    papers = [*progress(drawn(spec, specs, seed, numbers, None, SECRET), arguments.count)]
    if not any(part.form in CHECKED for paper in papers for _, part in paper.parts):
        allowed = "a kind whose answers are numbers, choices or shapes"
        raise Unusable(f"{spec.name}: found nothing that a page can check, allowed: {allowed}")
    folder = Path(arguments.out) / spec.name
    with staging(folder) as stage:
        (file,) = press.put(stage, practice_pages(papers))
    print(folder / file)
    many = f"{arguments.count} variant{'s' * (arguments.count > 1)}"
    print(f"{many}, nobody's: what is typed is checked, and there are hints.")
    print(f"Certified by {', '.join(papers[0].methods)}: within {max(p.max_error for p in papers):.0e}.")
    return 0


def _nearest(variants: list[str], sheets: list[tuple[Part, ...]]) -> str:
    """The two variants of a class that are nearest."""
    from generator.check import apart, closest_of, numeric

    if (near := closest_of(sheets)) is None:
        return "No two variants can be compared: no answer is a number."
    pair = " and ".join(variants[v] for v in near.pair)
    if near.collisions:
        more = f", and {near.collisions - 1} more" if near.collisions > 1 else ""
        return f"Alike: {pair}{more}; one set of answers is right on both. See `check`."
    return f"Closest pair: {pair}, {apart(near.distance, numeric(sheets[0])[near.part].id)}."


def _students(arguments: Namespace) -> list[Student]:
    """Those of a roster, or nameless ones with the numbers 1, 2, …."""
    from generator.course import RosterError, Student, read_roster

    if not arguments.students:
        return [Student(str(number)) for number in range(1, arguments.count + 1)]
    path = Path(arguments.students)
    try:
        return read_roster(read_file(path, "--students", "a CSV file"))
    except RosterError as error:
        raise Unusable(f"{path.name}: {error}") from None


def _writable(students: list[Student], formats: Sequence[str], arguments: Namespace) -> None:
    """Every name can be printed; found out before anything is drawn."""
    from generator.formats import FORMATS
    from generator.text import CannotWrite

    for student in students:
        for name in formats:
            try:
                FORMATS[name].escape(student.name)
            except CannotWrite as error:
                allowed = "a name in Latin letters, or none" + "; or --format md" * (name == "tex")
                raise Unusable(
                    f"{Path(arguments.students).name}: student {student.id}: found {student.name!r}, "
                    f"of which {error}, allowed: {allowed}"
                ) from None


def _nameless(spec: Spec, students: list[Student], typesetter: Typesetter | None) -> dict[str, str]:
    """Students whose names have a character that there is no glyph for, and what to say of it: one
    of them must not keep the others waiting, so their pages have a line for the name instead."""
    import unicodedata

    if not typesetter:
        return {}

    def lacking(text: str) -> str:
        strange = typesetter.lacks(text)
        return ", ".join(f"{c!r} ({unicodedata.name(c, 'unknown')})" for c in strange)

    if missing := lacking(f"{spec.title}{spec.note}"):
        raise Unusable(
            f"{spec.name}: title or note: found {missing}, allowed: what there are glyphs for"
        )
    found = ((student, lacking(student.name)) for student in students)
    return {
        s.id: f"Without its name: the PDF of student {s.id}: no glyph for {missing}"
        for s, missing in found
        if missing
    }


def _secret(arguments: Namespace) -> bytes:
    """What the variants are keyed with."""
    from generator.course import secret, usual_secret

    path = Path(arguments.secret) if arguments.secret else usual_secret()
    try:
        found, made = secret(path)
    except ValueError as error:
        raise Unusable(f"--secret: {error}") from None
    if made:
        print(f"A new secret in {path}: with it, and only with it, the same seed makes the same sheets.")
    return found


def _again(arguments: Namespace, seed: str) -> str:
    """The command that makes the same files."""
    words = ["make-exercise", arguments.spec, "--seed", seed]
    usual: dict[str, Any] = {
        "count": 1,
        "students": None,
        "secret": None,
        "language": None,
        "paper": None,
        "notation": None,
        "telling": None,
        "engine": None,
        "templates": None,
        "pages": "question,solution",
    }
    usual |= {"format": "md,tex", "out": "output"}
    for option, default in usual.items():
        if (chosen := getattr(arguments, option)) != default:
            words += [f"--{option}", str(chosen)]
    return shlex.join(words)


def _older(folder: Path, rows: list[tuple[str, str]]) -> str:
    """Variants in the folder that this run did not make, as words; empty where there are none."""
    made = {variant for _, variant in rows}
    found = sum((path / "key.json").is_file() for path in folder.iterdir() if path.name not in made)
    return f"{found} variant{'s' * (found > 1)}" if found else ""


def make_example(arguments: Namespace) -> int:
    """The worked example for the spec's own numbers."""
    from generator.pages import pages_of
    from generator.paper import Paper
    from generator.publish import beside, staging

    (spec, specs), press = sheet_of(arguments), press_of(arguments)
    fit_for_pages(specs)
    paper = Paper(spec, tuple(certified(build(own), prove=True) for own in specs))
    own = found(arguments.spec)  # a sheet has no notation of its own
    usual = () if own.exercise else (own.language, own.notation, own.telling)
    wanted = (arguments.language, arguments.notation, arguments.telling)
    other = [name for name in wanted if name and name not in usual]
    folder = Path(arguments.out) / spec.name / "-".join(["example", *other])
    pages = [choice("--pages", page.strip(), EXAMPLE_PAGES) for page in arguments.pages.split(",")]
    with staging(folder) as stage:
        files = press.put(stage, pages_of(paper, only=pages), beside(paper))
        failed = not_made(press, stage)
    for name in files:
        if (folder / name).exists():
            print(folder / name)
    print(f"Certified by {', '.join(paper.methods)}: within {paper.max_error:.0e}.")
    return failed
