"""What the commands do; `cli` parses, this module runs."""

from __future__ import annotations

import difflib
import json
import secrets
import shlex
import sys
import textwrap
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from derive.verify import Uncertified
from generator.exercise import build, certified
from generator.exercises import asked, found, kind, kinds
from generator.notation import NOTATIONS, TELLINGS
from generator.prose import languages
from generator.spec import LECTURES, Spec, SpecError, schema

if TYPE_CHECKING:
    from derive.quantity import Id, Quantity
    from generator.audit import Audited, Fact
    from generator.check import Drawn
    from generator.course import Student
    from generator.exercise import Exercise, Part
    from generator.gradebook import Filled
    from generator.keys import Key
    from generator.marking import Mark
    from generator.pdf import Typesetter
    from generator.publish import Press
    from generator.slides import Reading
    from generator.submissions import Problem

__all__ = ["COMMANDS", "Unusable"]

T = TypeVar("T")

PDF = "pdf"  # a format that others are made into

MOST_VARIANTS = 100_000
MANY_COMPARED = 10_000  # of which the closest pair is said
MOST_PROBLEMS = 20  # of a class that are printed
MANY_VARIANTS = 20  # from which on making them shows how far it is
MOST_PARAMETERS = 400  # of a worked example on pages


class Unusable(ValueError):
    """Input that cannot be used: one line that says what, where, and what is allowed."""


def _choice(what: str, found: str, names: Iterable[str]) -> str:
    names = list(names)
    if found not in names:
        near = difflib.get_close_matches(found, names, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Unusable(f"{what}: found {found[:60]!r}, allowed: {', '.join(names)}{hint}")
    return found


def _spec(arguments: Namespace) -> Spec:
    """A single network or circuit."""
    spec = found(arguments.spec)
    if spec.exercise:
        allowed = "one network or circuit, such as one of its exercises"
        raise Unusable(f"{spec.name}: found a sheet of {len(spec.exercise)}, allowed: {allowed}")
    return _told_as(arguments, _in_language(arguments, spec))


def _sheet(arguments: Namespace) -> tuple[Spec, tuple[Spec, ...]]:
    """A sheet and the exercises on it; of a network or circuit twice the same."""
    from generator.paper import specs_of

    spec = _in_language(arguments, found(arguments.spec))
    if not spec.exercise:
        spec = _told_as(arguments, spec)
        return spec, (spec,)
    specs = specs_of(spec, arguments.spec)
    networks = any(own.network for own in specs)
    return spec, tuple(_told_as(arguments, own) if own.network or not networks else own for own in specs)


def _in_language(arguments: Namespace, spec: Spec) -> Spec:
    """The spec in the language that is asked for."""
    wanted = getattr(arguments, "language", None)
    if not wanted:
        return spec
    own = getattr(arguments, "templates", None)
    there = languages(Path(own) if own else None)
    return spec.model_copy(update={"language": _choice("--language", wanted, there)})


def _told_as(arguments: Namespace, spec: Spec) -> Spec:
    """The spec in the notation and the telling that are asked for."""
    asked(spec)  # a kind that does not fit is wrong in every command
    if arguments.notation:
        notation = _choice("--notation", arguments.notation, NOTATIONS)
        draw = spec.draw.model_copy(update={"notations": []})
        spec = spec.model_copy(update={"notation": notation, "draw": draw})
    if arguments.telling:
        telling = _choice("--telling", arguments.telling, TELLINGS)
        if spec.circuit:
            raise Unusable(
                f"--telling: found {telling!r}, allowed: nothing: a circuit is told gate by gate"
            )
        spec = spec.model_copy(update={"telling": telling})
    return spec


def _press(arguments: Namespace) -> Press:
    """What writes pages in the formats that are asked for."""
    from generator.formats import FORMATS
    from generator.publish import Press

    names = [_choice("--format", n.strip(), [*FORMATS, PDF]) for n in arguments.format.split(",")]
    written = [name for name in names if name != PDF]
    own = Path(arguments.templates).resolve() if arguments.templates else None
    if own and not own.is_dir():
        allowed = "a folder with templates such as md/page.jinja; see docs/templates.md"
        raise Unusable(f"--templates: found {arguments.templates!r}, allowed: {allowed}")
    return Press(written, _typesetter(arguments) if PDF in names else None, own)


def _typesetter(arguments: Namespace) -> Typesetter:
    from generator.pdf import ENGINES, Typesetter

    wanted = [_choice("--engine", arguments.engine, ENGINES)] if arguments.engine else [*ENGINES]
    for name in wanted:
        if ENGINES[name].there():
            return Typesetter(ENGINES[name])
    ways = "; or ".join(f"{name}: {ENGINES[name].get}" for name in wanted)
    raise Unusable(f"--format: found 'pdf', allowed: with one of these installed: {ways}")


def _not_made(press: Press, stage: Path) -> int:
    """Makes what is still waiting; 1 and a line for each page that could not be made, else 0."""
    failed = press.finish(stage)
    for name, why in failed.items():
        print(f"Not made: {name}: {why}", file=sys.stderr)
    return int(bool(failed))


def _pages_of(specs: Iterable[Spec]) -> None:
    for spec in specs:
        given = spec.network.graph().of_kind("parameter") if spec.network else []
        count = sum(prod(node.shape) for node in given)
        if count > MOST_PARAMETERS:
            raise Unusable(
                f"{spec.name}: found {count} parameters, allowed: up to {MOST_PARAMETERS} on pages; "
                f"`derive` has any of them with --of dL/dW[1][1][1]"
            )


def make_exercise(arguments: Namespace) -> int:
    """Randomised homework: question, solution and key for each variant."""
    from collections import Counter

    from generator.paper import drawn
    from generator.publish import beside, staging, variants_csv, write_files
    from generator.render import PAGES, pages_of

    (spec, specs), press = _sheet(arguments), _press(arguments)
    _pages_of(specs)
    pages = [_choice("--pages", page.strip(), PAGES) for page in arguments.pages.split(",")]
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
    paper = None
    with staging(folder) as stage:
        papers = drawn(spec, specs, seed, [student.id for student in students], rejected, secret)
        for student, paper in zip(students, _progress(papers, len(students)), strict=True):
            name = "" if student.id in nameless else student.name
            told = pages_of(paper, name, only=pages)
            files = press.put(stage / str(paper.variant), told, beside(paper))
            rows.append((student.id, str(paper.variant)))
            sheets.append(tuple(part for _, part in paper.parts))
            worst = max(worst, paper.max_error)
        write_files(stage, {"variants.csv": variants_csv(rows)})
        failed = _not_made(press, stage)
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
        return read_roster(_read(path, "--students", "a CSV file"))
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
        strange = typesetter.engine.lacks(text)
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


def _progress(each: Iterable[T], count: int) -> Iterator[T]:
    """The same, with a bar on a terminal where there are many."""
    if count < MANY_VARIANTS:
        return iter(each)
    from tqdm import tqdm

    return iter(tqdm(each, total=count, unit=" variants", disable=None, leave=False))


def _again(arguments: Namespace, seed: str) -> str:
    """The command that makes the same files."""
    words = ["make-exercise", arguments.spec, "--seed", seed]
    usual: dict[str, Any] = {
        "count": 1,
        "students": None,
        "secret": None,
        "language": None,
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


def check_exercise(arguments: Namespace) -> int:
    """Stress test of an exercise, or of each on a sheet: what is wrong with a class of it."""
    from generator.check import check, lines

    (sheet, specs), seed, count = _sheet(arguments), _seed(arguments), _seeds(arguments)
    found = [check(spec, seed, count, _growing(arguments)) for spec in specs]
    if arguments.json:
        reports = [one.report() for one in found]
        print(json.dumps(reports if sheet.exercise else reports[0], indent=1))
    else:
        print("\n\n".join("\n".join(lines(one)) for one in found))
    return 1 if any(one.defects for one in found) else 0


def _seed(arguments: Namespace) -> str:
    seed: str = arguments.seed
    if not (seed.isprintable() and 0 < len(seed) <= 100):
        raise Unusable("--seed: found something unprintable, allowed: 1 to 100 printable characters")
    return seed


def _seeds(arguments: Namespace) -> int:
    if not 1 <= arguments.seeds <= MOST_VARIANTS:
        raise Unusable(f"--seeds: found {arguments.seeds}, allowed: 1 to {MOST_VARIANTS}")
    return int(arguments.seeds)


def _growing(arguments: Namespace) -> Callable[[Iterator[Drawn]], Iterator[Drawn]]:
    """A bar on a terminal, for a class that grows."""

    def shown(classes: Iterator[Drawn]) -> Iterator[Drawn]:
        from tqdm import tqdm

        with tqdm(total=arguments.seeds, unit=" variants", disable=None, leave=False) as bar:
            for found in classes:
                bar.update(len(found.variants) - bar.n)
                yield found

    return shown


def preview(arguments: Namespace) -> int:
    """The easiest and the hardest of many variants, and what makes them so."""
    from generator.check import SECRET, checked, drawn, why
    from generator.draw import draw
    from generator.publish import beside, staging
    from generator.render import pages_of

    spec, press = _spec(arguments), _press(arguments)
    _pages_of([spec])
    seed, count = _seed(arguments), _seeds(arguments)
    *_, found = _growing(arguments)(drawn(spec, seed, count))
    report = checked(found, spec.name)
    ends = {"easiest": report.easiest, "hardest": report.hardest}
    chosen = [
        draw(spec, seed, found.variants.index(variant) + 1, secret=SECRET) for variant in ends.values()
    ]
    folder = Path(arguments.out) / spec.name
    with staging(folder) as stage:
        for end, exercise in zip(ends, chosen, strict=True):
            press.put(stage / f"preview-{end}", pages_of(exercise), beside(exercise))
        failed = _not_made(press, stage)
    least, middle, most = report.difficulty
    print(f"Of {count} variants of {spec.name}, whose median is {middle:.0f}:")
    for end, number in zip(ends, (least, most), strict=True):
        print(f"  {folder}/preview-{end}  difficulty {number:.0f}")
    if rows := why(chosen):
        print("What the hardest takes more work for:")
        wide = max(len(str(q)) for q, _, _ in rows)
        for q, easy, hard in rows:
            numbers = [f"{e.number(q):.4g}" for e in chosen]
            print(f"  {q!s:<{wide}}  {easy:.0f} -> {hard:.0f}  (it is {numbers[0]} and {numbers[1]})")
    print("Neither is a student's: they are drawn with another secret.")
    return failed


def grade(arguments: Namespace) -> int:
    """Marks hand-ins: a table of all answers, one of scores, a page for each student and the class."""
    from generator.marking import mark
    from generator.submissions import UnusableSubmissions, read_submissions

    folder, press = Path(arguments.folder), _press(arguments)
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
    students = read_variants(_read(listed, "variants.csv", "a CSV file")) if listed.is_file() else {}
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
            return read_typed(_read(path, path.name, "a CSV file")) if path.is_file() else {}
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
    from generator.publish import csv_text, staging
    from generator.render import marked_pages
    from generator.sources import shown

    one = next(iter(keys.values()))
    title, language = one.title, one.specs[0].language
    # Of several hand-ins for a variant its owner's page is named after it.
    own_first = sorted(by_hand_in(marks).items(), key=lambda h: students.get(h[0][0]) != h[0][1])
    named_so: Counter[str] = Counter()
    with staging(out) as stage:
        tables = {"grades.csv": csv_text(grades(marks)), "summary.csv": csv_text(summary(marks))}
        pages = marked_pages("class_title", title, of_class(marks, keys, problems), language=language)
        press.put(stage, pages, tables, name="class")
        for name, data in more.items():
            (stage / name).write_bytes(data)
        for (student, variant), own in _progress(own_first, len(own_first)):
            named_so[variant] += 1
            page = variant + f"-{named_so[variant]}" * (named_so[variant] > 1)
            told = feedback(keys[variant], own)
            pages = marked_pages("feedback_title", title, told, shown(student), variant, language)
            press.put(stage / "feedback", pages, name=page)
        return _not_made(press, stage)


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


def make_example(arguments: Namespace) -> int:
    """The worked example for the spec's own numbers."""
    from generator.paper import Paper
    from generator.publish import beside, staging
    from generator.render import pages_of

    (spec, specs), press = _sheet(arguments), _press(arguments)
    _pages_of(specs)
    paper = Paper(spec, tuple(certified(build(own), prove=True) for own in specs))
    own = found(arguments.spec)  # a sheet has no notation of its own
    usual = () if own.exercise else (own.language, own.notation, own.telling)
    wanted = (arguments.language, arguments.notation, arguments.telling)
    other = [name for name in wanted if name and name not in usual]
    folder = Path(arguments.out) / spec.name / "-".join(["example", *other])
    with staging(folder) as stage:
        files = press.put(stage, pages_of(paper), beside(paper))
        failed = _not_made(press, stage)
    for name in files:
        if (folder / name).exists():
            print(folder / name)
    print(f"Certified by {', '.join(paper.methods)}: within {paper.max_error:.0e}.")
    return failed


def plot_of(arguments: Namespace) -> int:
    """Plots of a network: files in DIR/<name>/plots."""
    from generator.plots import PLOTS, plot
    from generator.publish import staging

    spec = _spec(arguments)
    if arguments.of:
        _choice("--of", arguments.of, PLOTS)
    exercise = certified(build(spec))
    fitting = [name for name, row in PLOTS.items() if row.fits(exercise)]
    wanted = [arguments.of] if arguments.of else fitting
    if not fitting or not set(wanted) <= set(fitting):
        missing = arguments.of or "nothing to plot"
        raise Unusable(f"{spec.name}: found {missing}, allowed with it: {_listed(fitting)}")
    weight = _weight(arguments.weight, exercise) if arguments.weight else None
    folder = Path(arguments.out) / spec.name / "plots"
    try:
        files = {f"{name}.{f}": b for name in wanted for f, b in plot(exercise, name, weight).items()}
    except ModuleNotFoundError:
        raise Unusable("plot: found no matplotlib, allowed: pip install 'chainwork[plots]'") from None
    with staging(folder) as stage:
        for name, content in files.items():
            (stage / name).write_bytes(content)
    for name in files:
        print(folder / name)
    return 0


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"


def _weight(text: str, exercise: Exercise) -> Quantity:
    """A parameter that an update changes, by its id."""
    from derive.quantity import Quantity, parse
    from generator.exercise import trained

    there = trained(exercise.graph)
    with suppress(ValueError, KeyError):
        q = parse(text)
        if isinstance(q, Quantity):
            node, i = exercise.graph.find(q)
            if node.element(i) in there:
                return node.element(i)
    raise Unusable(f"--weight: found {text[:60]!r}, allowed: {_listed(map(str, there))}")


def _certified_for(exercise: Exercise, q: Id) -> Exercise:
    """The exercise with a certificate for one id; KeyError if it has no such id."""
    from derive.quantity import Derivative

    wanted = q.wrt.at() if isinstance(q, Derivative) else exercise.graph.root
    node, i = exercise.graph.locate(wanted, q.sample or wanted.sample)
    reached = node in exercise.graph.ancestors()  # the loss need not depend on it
    return certified(exercise, only=[node.element(i, q.sample)] if reached else [], also=[q])


def _along_paths(exercise: Exercise, arguments: Namespace) -> int:
    """A gradient as a sum over paths, the first of them one by one."""
    from derive.quantity import Derivative, parse
    from generator.report import along_paths

    if arguments.of:
        raise Unusable("--paths: found --of as well, allowed: one of them")
    if arguments.most < 0:
        raise Unusable(f"--most: found {arguments.most}, allowed: 0 or more")
    try:
        target = parse(arguments.paths)
        if not isinstance(target, Derivative) or target.update or exercise.graph.forward_only:
            raise KeyError(arguments.paths)
        exercise = _certified_for(exercise, target)
        told = along_paths(exercise, target, arguments.most)
    except KeyError:
        allowed = "a derivative before any update, such as dL/dW[1][1][1]"
        raise Unusable(f"--paths: found {arguments.paths!r}, allowed: {allowed}") from None
    except ValueError as error:
        raise Unusable(f"--paths: {error}") from None
    if arguments.json:
        print(json.dumps(told, indent=1))
        return 0
    count, shown = told["count"], told["paths"]
    print(f"{target}: {count} path{'s' * (count != 1)}")
    for path in shown:
        print(f"  {' * '.join(path['factors']) or '1'}\n    = {path['value']:.10g}")
    if rest := count - len(shown):
        print(f"{rest} more path{'s are' if rest > 1 else ' is'} left out; see --most")
    print(f"Sum of all {count} = {target} = {exercise.number(target) + 0.0:.10g}")
    proof = exercise.certificate
    print(f"Certified by {', '.join(proof.methods)}: within {proof.max_error:.0e}.")
    return 0


def derive(arguments: Namespace) -> int:
    """Every quantity by id, or one of them."""
    from derive.quantity import parse
    from generator.report import entries, entry, report

    exercise = build(_spec(arguments))
    if arguments.paths:
        return _along_paths(exercise, arguments)
    if arguments.of:
        try:
            q = parse(arguments.of)
            chosen = [entry(exercise, q)]
            exercise = _certified_for(exercise, q)
        except KeyError:
            allowed = "an id that the network has, such as dL/dW[1][1][1]"
            raise Unusable(f"--of: found {arguments.of!r}, allowed: {allowed}") from None
        except ValueError as error:
            raise Unusable(f"--of: {error}") from None
    else:
        exercise = certified(exercise, prove=True)
        chosen = list(entries(exercise))
    if arguments.json:
        print(json.dumps(report(exercise, chosen if arguments.of else None), indent=1))
        return 0
    wide = max(len(e.id) for e in chosen)
    for e in chosen:
        formula = "" if e.symbolic == e.id else f"  = {e.symbolic}"
        print(f"{e.id:<{wide}}  {e.value + 0.0: .10g}{formula}")
        if arguments.of and e.factors:
            numbers = " * ".join(f"{entry(exercise, parse(f)).value:.10g}" for f in e.factors)
            print(f"{'':<{wide}}  = {' * '.join(e.factors)}\n{'':<{wide}}  = {numbers}")
    proof = exercise.certificate
    print(f"Certified by {', '.join(proof.methods)}: within {proof.max_error:.0e}.")
    return 0


def _read(path: Path, option: str, what: str) -> str:
    """The text of a file."""
    try:
        return path.read_text("utf-8-sig")
    except OSError:
        raise Unusable(f"{option}: found {str(path)!r}, allowed: {what}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{option}: found {str(path)!r} not in UTF-8, allowed: {what} in UTF-8") from None


def _printed(arguments: Namespace) -> list[Fact]:
    """The facts of a CSV file, or a lecture's own."""
    from generator.audit import FactsError, read_facts

    path = Path(arguments.printed) if arguments.printed else LECTURES / f"{arguments.spec}.csv"
    if not arguments.printed and not path.is_file():
        raise Unusable(
            f"{arguments.spec}: found no printed facts of its own, allowed: --printed FACTS.csv "
            "with the columns id,printed[,where], or --text SLIDES.tex"
        )
    try:
        return read_facts(_read(path, "--printed", "a CSV file"))
    except FactsError as error:
        raise Unusable(f"{path.name}: {error}") from None


def _read_text(exercise: Exercise, path: str) -> Reading:
    """The facts of a LaTeX or Markdown file."""
    from generator.slides import read_slides

    reading = read_slides(exercise, _read(Path(path), "--text", "a LaTeX or Markdown file"))
    if not reading.facts:
        notation = exercise.spec.notation
        seen = "".join(f"; not placed: {u.text} ({u.where})" for u in reading.unplaced[:3])
        raise Unusable(
            f"{path}: found no equation in the notation {notation}, allowed: formulas "
            f"in $…$ or an equation environment; is notation = {notation!r} the lecture's?{seen}"
        )
    return reading


def audit_lecture(arguments: Namespace) -> int:
    """A lecture's printed numbers against the derived ones; 1 where errata were found."""
    from collections import Counter

    from generator.audit import audit, named

    spec = _spec(arguments)
    exercise = build(spec)
    reading = _read_text(exercise, arguments.text) if arguments.text else None
    facts = reading.facts if reading else _printed(arguments)
    exercise = certified(exercise, also=named(exercise, facts))
    audited = audit(exercise, facts)
    summary = Counter(a.verdict for a in audited)
    if arguments.json:
        facts_ = [{**asdict(a.fact), **_judged(a)} for a in audited]
        report: dict[str, object] = {"summary": dict(summary), "facts": facts_}
        if reading:
            report["unplaced"] = [asdict(u) for u in [*reading.unplaced, *reading.alone]]
        print(json.dumps(report, indent=1))
    else:
        _print_audit(audited, reading)
        print(", ".join(f"{count} {verdict}" for verdict, count in summary.most_common()))
    if arguments.out:
        _write_errata(arguments, exercise, audited)
    return 1 if summary["erratum"] else 0


def _judged(a: Audited) -> dict[str, object]:
    return {"exact": a.exact, "verdict": a.verdict, "cause": a.cause}


def _print_audit(audited: list[Audited], reading: Reading | None) -> None:
    """What is not simply right, line by line, and what could not be placed."""
    width = max((len(a.fact.where) for a in audited if a.verdict != "match"), default=0)
    for a in audited:
        if a.verdict != "match":
            print(_told(a, max(width, 10)))
    if reading:
        for u in reading.unplaced:
            print(f"{u.where:<10} not placed: {u.text}")
        if reading.alone:
            shown = [f"{u.text} ({u.where})" for u in reading.alone[:8]]
            more = f" and {len(reading.alone) - 8} more" if len(reading.alone) > 8 else ""
            print(f"In no equation: {', '.join(shown)}{more}")
        print(f"{reading.placed} of {reading.found} numbers in equations placed")


def _write_errata(arguments: Namespace, exercise: Exercise, audited: list[Audited]) -> None:
    """The erratum sheet."""
    from generator.errata import sheet
    from generator.publish import staging
    from generator.render import errata_pages

    folder = Path(arguments.out) / exercise.spec.name
    source = Path(arguments.text or arguments.printed or "").name
    press = _press(arguments)
    with staging(folder) as stage:
        files = press.put(stage, errata_pages(exercise, sheet(exercise, audited, source)))
        _not_made(press, stage)
    if not arguments.json:
        for name in files:
            print(folder / name)


def _told(a: Audited, width: int) -> str:
    """A fact that is not simply right, in two lines or more: what is printed, and what it should be."""
    margin = " " * (width + 1)
    wrap = partial(textwrap.fill, width=110, break_long_words=False, break_on_hyphens=False)
    exact = "" if a.exact is None else f"exactly {a.exact:.8g}"
    line = f"{a.fact.where:<{width}} {a.fact.id:<18} {a.fact.printed:>10}  {exact:<22} {a.verdict}"
    if len(line) > 110:  # a formula
        printed = wrap(
            f"{a.fact.id} = {a.fact.printed}", initial_indent=margin, subsequent_indent=margin + "  "
        )
        line = f"{a.fact.where:<{width}} {printed[width + 1 :]}\n{margin}{exact:<18} {a.verdict}"
    return f"{line}\n{wrap(a.cause, initial_indent=margin, subsequent_indent=margin)}"


def _lectures() -> dict[str, str]:
    return {path.stem: found(path.stem).title for path in sorted(LECTURES.glob("*.toml"))}


def _languages() -> dict[str, str]:
    from generator.render import words

    return {code: words("language_name", {}, code) for code in languages()}


def _tables() -> dict[str, Callable[[], Mapping[str, str]]]:
    from derive.expression import text
    from derive.ops import ACTIVATIONS, LOSSES, VECTOR_ACTIVATIONS
    from derive.optimizer import OPTIMIZERS
    from generator.formats import FORMATS
    from generator.misconceptions import MISCONCEPTIONS
    from generator.plots import PLOTS

    return {
        "notations": lambda: {n.name: n.title for n in NOTATIONS.values()},
        "languages": _languages,
        "tellings": lambda: {name: telling.title for name, telling in TELLINGS.items()},
        "losses": lambda: {name: f"{text(op.formula)} for each output" for name, op in LOSSES.items()},
        "activations": lambda: (
            {name: text(op.formula) for name, op in ACTIVATIONS.items()}
            | {name: op.formula for name, op in VECTOR_ACTIVATIONS.items()}
        ),
        "optimizers": lambda: {row.name: row.text for row in OPTIMIZERS.values()},
        "kinds": lambda: {name: kind(name).title for name in kinds()},
        "plots": lambda: {name: row.title for name, row in PLOTS.items()},
        "formats": lambda: {name: f"files ending in .{name}" for name in (*FORMATS, PDF)},
        "lectures": _lectures,
        "misconceptions": lambda: {m.id: m.name for m in MISCONCEPTIONS.values()},
    }


def make_spec(arguments: Namespace) -> int:
    """A starter of a kind, or the JSON Schema of all specs."""
    if arguments.schema == (arguments.kind is not None):
        wrong = f"{arguments.kind} and --schema" if arguments.schema else "nothing"
        raise Unusable(f"make-spec: found {wrong}, allowed: a kind (see `list kinds`), or --schema")
    if arguments.schema:
        print(json.dumps(schema(), indent=1, ensure_ascii=False))
        return 0
    lectures = {path.stem: path for path in sorted(LECTURES.glob("*.toml"))}
    name = _choice("make-spec", arguments.kind, [*kinds(), *lectures])
    print(lectures[name].read_text("utf-8") if name in lectures else kind(name).spec, end="")
    return 0


def list_what(arguments: Namespace) -> int:
    """What there is."""
    tables = _tables()
    wanted = [_choice("list", arguments.what, tables)] if arguments.what else list(tables)
    for what in wanted:
        if len(wanted) > 1:
            print(what)
        rows = tables[what]()
        wide = max(map(len, rows))
        for name, title in rows.items():
            print(f"{'  ' * (len(wanted) > 1)}{name:<{wide}}  {title}")
    return 0


def _guarded(command: Callable[[Namespace], int]) -> Callable[[Namespace], int]:
    """Every kind of unusable input as one line."""

    def run(arguments: Namespace) -> int:
        from generator.text import CannotRender, CannotWrite

        try:
            return command(arguments)
        except (SpecError, CannotWrite) as error:
            raise Unusable(str(error)) from None
        except CannotRender as error:
            raise Unusable(f"--templates: {error}; see docs/templates.md") from None
        except Uncertified as error:
            raise Unusable(f"{arguments.spec}: nothing written, because {error}") from None
        except BrokenPipeError:
            raise
        except OSError as error:
            where = error.filename or getattr(arguments, "out", "the output")
            raise Unusable(f"{where}: cannot be written: {error.strerror}") from None

    return run


COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "make-exercise": _guarded(make_exercise),
    "make-example": _guarded(make_example),
    "grade": _guarded(grade),
    "derive": _guarded(derive),
    "audit": _guarded(audit_lecture),
    "check": _guarded(check_exercise),
    "preview": _guarded(preview),
    "plot": _guarded(plot_of),
    "make-spec": _guarded(make_spec),
    "list": _guarded(list_what),
}
