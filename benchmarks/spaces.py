"""How many different sheets a kind has: pairs alike among many draws, screened but not certified.

    python benchmarks/spaces.py [--count 100000] [--seed spaces] [KIND …]

    pairs in a class of 10,000 = pairs found · C(10,000, 2) / C(count, 2)

A tenth of the time of `draws.py` a variant, and pairs grow with the square of the count: 300,000 draws
say of a class what 900 classes would.  Only of kinds whose sheets are told apart by their numbers.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import count
from math import comb
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from generator.check import SHARED, closest
from generator.draw import _completed, _keyed, _redrawn, _Stream, screened, sheet_of
from generator.exercises import found, kinds

CLASS, AT_ONCE = 10_000, 1000
HEAD = "| kind | draws | pairs alike | closest | pairs in a class of 10,000 | s |"


def space(name: str, seed: str, wanted: int) -> str | None:
    """A row of the table; None of a kind that has no numbers of its own on every sheet."""
    begun, spec = time.perf_counter(), found(name)
    sheet = sheet_of(spec)
    asked = [a.quantity for a in sheet.questions if a.form == "number"]
    if spec.draw.sizes or not asked or any(a.form in SHARED for a in sheet.questions):
        return None
    answers, near, had = [], [], 0
    for start in count(step=AT_ONCE):
        streams = [_Stream(_keyed(b"", name, seed, start + n)) for n in range(AT_ONCE)]
        drawn = (_completed(sheet, spec.model_copy(update=_redrawn(spec, s)), s) for s in streams)
        batch = sheet.batch([one for one in drawn if not isinstance(one, str)])
        good = [v for v, reason in enumerate(screened(batch)) if reason is None]
        answers.append(np.array([batch.answers[q][good] for q in asked]))
        near.append(np.array([batch.tolerances[q][good] for q in asked]))
        if (had := had + len(good)) >= wanted:
            break
    nearest = closest(np.concatenate(answers, axis=1), np.concatenate(near, axis=1))
    assert nearest is not None
    expected = nearest.collisions * comb(CLASS, 2) / comb(had, 2)
    cells = f"{had} | {nearest.collisions} | {nearest.distance:.2g} | {expected:.4f}"
    return f"| `{name}` | {cells} | {time.perf_counter() - begun:.0f} |"


def main() -> None:
    """Print a row a kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=kinds(), metavar="KIND")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", default="spaces")
    arguments = parser.parse_args()
    print(f"{HEAD}\n| --- |{' ---: |' * (HEAD.count('|') - 2)}", flush=True)
    for name in arguments.kinds:
        if row := space(name, arguments.seed, arguments.count):
            print(row, flush=True)


if __name__ == "__main__":
    main()
