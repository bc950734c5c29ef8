"""Auditing: what is wrong with a lecture."""

from __future__ import annotations

import json
import textwrap
from argparse import Namespace
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from generator.builtin import LECTURES
from generator.exercise import build, certified

if TYPE_CHECKING:
    from generator.audit import Audited, Fact
    from generator.exercise import Exercise
    from generator.slides import Reading

from generator.commands.asked import Unusable, not_made, press_of, read_file, spec_of

__all__ = ["audit_lecture"]


def audit_lecture(arguments: Namespace) -> int:
    """A lecture's printed numbers against the derived ones; 1 where errata were found."""
    from collections import Counter

    from generator.audit import audit, named

    spec = spec_of(arguments)
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
        return read_facts(read_file(path, "--printed", "a CSV file"))
    except FactsError as error:
        raise Unusable(f"{path.name}: {error}") from None


def _read_text(exercise: Exercise, path: str) -> Reading:
    """The facts of a LaTeX or Markdown file."""
    from generator.slides import read_slides

    reading = read_slides(exercise, read_file(Path(path), "--text", "a LaTeX or Markdown file"))
    if not reading.facts:
        notation = exercise.spec.notation
        seen = "".join(f"; not placed: {u.text} ({u.where})" for u in reading.unplaced[:3])
        raise Unusable(
            f"{path}: found no equation in the notation {notation}, allowed: formulas "
            f"in $…$ or an equation environment; is notation = {notation!r} the lecture's?{seen}"
        )
    return reading


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
    from generator.pages import errata_pages
    from generator.publish import staging

    folder = Path(arguments.out) / exercise.spec.name
    source = Path(arguments.text or arguments.printed or "").name
    press = press_of(arguments)
    with staging(folder) as stage:
        files = press.put(stage, errata_pages(exercise, sheet(exercise, audited, source)))
        not_made(press, stage)
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
