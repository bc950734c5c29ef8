"""Asking: a pile of paper, typed in part by part, each marked as soon as it is typed.

What has been typed is one table, `student,variant,part,answer`, which is a hand-in like any other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping

from generator.draw import is_variant_id
from generator.keys import Key
from generator.marking import HandIn, Mark, mark
from generator.misconceptions import MISCONCEPTIONS
from generator.publish import csv_text, plain_cell
from generator.sources import shown, whole
from generator.submissions import LONGEST, same_variant, slips

__all__ = ["BACK", "UnknownVariant", "UnusableTyped", "ask", "meant", "read_typed", "typed_csv"]

BACK = "<"
HEADS = ("student", "variant", "part", "answer")
TOGETHER = {"or": "; or ", "and": "; and ", "is": "; which here is "}  # how misconceptions are joined

# (variant, part) -> (student, answer)
Typed = Mapping[tuple[str, str], tuple[str, str]]


class UnknownVariant(ValueError):
    """An id that there is no key of: one line that says which character is wrong."""


class UnusableTyped(ValueError):
    """A file that is not what was typed: one line that says so."""


def meant(typed: str, variants: Iterable[str]) -> str:
    """The variant that was typed; UnknownVariant says what is wrong with it."""
    variants = [*variants]
    for variant in variants:
        if same_variant(typed, variant):
            return variant
    if near := slips(typed, variants):
        said = "; or ".join(f"{why}, if {variant} is meant" for variant, why in near.items())
    elif is_variant_id(typed.strip().upper()):
        said = "it is one of another exercise, or of an earlier run"
    else:
        said = "its last character does not check the others"
    raise UnknownVariant(f"found {shown(typed)!r}, allowed: a variant that there is a key of: {said}")


def read_typed(text: str) -> dict[tuple[str, str], tuple[str, str]]:
    """What was typed before, as `typed_csv` wrote it; UnusableTyped where it is something else, which
    must not be written over."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except csv.Error:
        rows = []
    if rows[:1] != [[*HEADS]] or any(len(row) != len(HEADS) for row in rows):
        raise UnusableTyped(f"found another table, allowed: {','.join(HEADS)}, with commas, or no file")
    found = ([plain_cell(cell) for cell in row] for row in rows[1:])
    return {(variant, part): (student, answer) for student, variant, part, answer in found}


def typed_csv(typed: Typed) -> str:
    """`student,variant,part,answer`, a line for each answer."""
    rows = ((student, variant, part, answer) for (variant, part), (student, answer) in typed.items())
    return csv_text([HEADS, *rows])


def ask(
    key: Key,
    student: str,
    answers: Mapping[str, str],
    lines: Callable[[str], str | None],
    say: Callable[[str], None],
    save: Callable[[Mapping[str, str]], None],
) -> None:
    """Every part in turn: `lines(prompt)` is what is typed, None at its end.  An empty line leaves an
    answer as it is, BACK goes to the part before; whatever is typed is saved at once, then marked."""
    parts, answers, at = [*key.parts], dict(answers), 0
    while at < len(parts):
        part = parts[at]
        before = f" [{shown(answers[part])}]" if answers.get(part) else ""
        if (line := lines(f"{at + 1}/{len(parts)} {part}{before}: ")) is None:
            return
        typed = "".join(c for c in whole(line) if c.isprintable()).strip()[:LONGEST]
        if typed == BACK:
            at = max(at - 1, 0)
            continue
        if typed:
            answers[part] = typed
            save(answers)
        marks = mark([HandIn(student, key.variant, answers)], {key.variant: key})
        if answers.get(part):
            of = next(m for m in marks if m.part == part)
            open_ = key.parts[part].part.form == "design" and of.verdict == "wrong" and not of.defect
            say("  " + ("the others of its neuron decide" if open_ else ": ".join(_verdict(of))))
        at += 1
    say(f"{sum(m.credit for m in marks):g} of {key.points} points.")


def _verdict(m: Mark) -> Iterator[str]:
    """The verdict, and why."""
    yield m.verdict
    if m.notes:
        yield TOGETHER[m.joined].join(f"{note}, {MISCONCEPTIONS[note].name}" for note in m.notes)
    if m.own:
        yield f"from {', '.join(m.own)}"
    if m.slip:
        yield m.slip
    if m.defect:
        yield f"in row {m.defect.sample} of the truth table z is {m.defect.z:.4g}" + (
            f", {m.defect.short:.3g} too near to 0" if m.defect.short else f" and a {m.defect.a:g}"
        )
    if m.unreadable:
        at = m.unreadable.offset
        yield f"{m.unreadable}" + ("" if at is None else f", at character {at + 1}")
