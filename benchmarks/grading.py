"""Marking a class, against the same graph evaluated answer by answer in a Python loop.

    python benchmarks/grading.py [--students 5000] [--kind cummins] [--loop 5]

Each student hands in all answers of a sheet: right with rounding, with one known misconception, with one
early and everything right from there, or noise.  All are marked, with follow-through and every
misconception, singly and in pairs; the loop does follow-through and single misconceptions only, for a
few students, one formula after the other.  Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import platform
import resource
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from derive.program import Run
from generator.marking import HandIn, mark
from generator.misconceptions import MISCONCEPTIONS, rewriting
from tests.simulated import Class, a_class, noise, notes_of


def class_of(some: Class, students: int) -> list[HandIn]:
    """Hand-ins of as many students: the variants in turn, what is known of them in turn."""
    ways = [some.careful("up"), some.careful(), noise(some, 1)]
    notes = list(notes_of(some))
    ways += [some.mistaken(note) for note in notes]
    ways += [early[1] for note in notes if (early := some.early(note))]
    handed = [some.hand_ins(answers) for answers in ways]
    kinds = len(handed)
    return [
        HandIn(f"s{n}", one.variant, one.answers)
        for n in range(students)
        for one in [handed[n % kinds][n // kinds % some.count]]
    ]


def looped(some: Class, hand_ins: list[HandIn]) -> int:
    """The same graph for every answer: what follows from the student's own, and each misconception."""
    evaluated = 0
    variants = {str(e.variant): e for e in some.exercises}
    for hand_in in hand_ins:
        exercise = variants[hand_in.variant]
        rate = float(exercise.spec.source.learning_rate)
        own = {q: float(hand_in.answers.get(str(q)) or "nan") for q in some.asked}
        for q in some.asked:
            given = {p: number for p, number in own.items() if p != q}
            for rewrite in (None, *(rewriting([m]) for m in MISCONCEPTIONS.values())):
                try:
                    Run(exercise.program, exercise.iterates, rate, given, rewrite)[q]
                except KeyError:
                    continue
                evaluated += 1
    return evaluated


def main() -> int:
    """Mark, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--students", type=int, default=5000)
    parser.add_argument("--kind", default="cummins", help="a kind or a lecture")
    parser.add_argument("--variants", type=int, default=200)
    parser.add_argument("--loop", type=int, default=5, help="students that are marked in the loop")
    args = parser.parse_args()
    some = a_class(args.kind, args.variants)
    hand_ins = class_of(some, args.students)
    answers = args.students * len(some.asked)
    start = time.perf_counter()
    marks = mark(hand_ins, some.keys)
    took = time.perf_counter() - start
    start = time.perf_counter()
    looped(some, hand_ins[:: max(len(hand_ins) // args.loop, 1)][: args.loop])
    each = (time.perf_counter() - start) / (args.loop * len(some.asked))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    verdicts = Counter(m.verdict for m in marks if m.part in map(str, some.asked))
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, ", end="")
    print(f"NumPy {version('numpy')}\n\n| of | |\n| --- | ---: |")
    print(f"| sheet | {args.kind}, {len(some.asked)} numbers |\n| answers | {answers:,} |")
    print(f"| marked in | {took:.1f} s |\n| an answer | {1e6 * took / answers:.0f} µs |")
    print(f"| in a loop, an answer | {1e6 * each:.0f} µs |")
    print(f"| ratio | {each * answers / took:.0f} × |\n| peak memory | {memory:.0f} MB |")
    print(f"\n{', '.join(f'{count} {verdict}' for verdict, count in verdicts.most_common())}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
