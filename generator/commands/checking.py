"""Checking: a class of a homework before there is one."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.check import Drawn

from generator.commands.asked import (
    MOST_VARIANTS,
    Unusable,
    fit_for_pages,
    not_made,
    press_of,
    seed_of,
    sheet_of,
    spec_of,
)

__all__ = ["check_exercise", "preview"]


def check_exercise(arguments: Namespace) -> int:
    """Stress test of an exercise, or of each on a sheet: what is wrong with a class of it."""
    from generator.check import check, lines

    (sheet, specs), seed, count = sheet_of(arguments), seed_of(arguments), _seeds(arguments)
    found = [check(spec, seed, count, _growing(arguments)) for spec in specs]
    if arguments.json:
        reports = [one.report() for one in found]
        print(json.dumps(reports if sheet.exercise else reports[0], indent=1))
    else:
        print("\n\n".join("\n".join(lines(one)) for one in found))
    return 1 if any(one.defects for one in found) else 0


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
    from generator.pages import pages_of
    from generator.publish import beside, staging

    spec, press = spec_of(arguments), press_of(arguments)
    fit_for_pages([spec])
    seed, count = seed_of(arguments), _seeds(arguments)
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
        failed = not_made(press, stage)
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
