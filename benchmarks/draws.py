"""Many variants of every kind: is any uncertified, is any mistake marked right, are two sheets alike?

    python benchmarks/draws.py [--count 100000] [--seed draws] [--jobs 2] [KIND …]

Classes of 10,000 (or of all, where they are fewer), each with a seed of its own that begins with
`--seed`, in as many processes as there are jobs.  Collisions are counted within a class.  Exit 1 where
something is wrong that a kind does not overlook.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from generator.check import Checked, check
from generator.exercises import found, kinds

CLASS = 10_000
HEAD = "| kind | variants | rejected | uncertified | marked right | alike | closest | difficulty | ms |"


def one_class(name: str, seed: str, count: int) -> tuple[str, Checked]:
    """A class of one kind."""
    return name, check(found(name), seed, count)


def row(name: str, classes: list[Checked]) -> str:
    """What was found of all classes of a kind."""
    variants, rejected = sum(c.variants for c in classes), Counter[str]()
    for c in classes:
        rejected.update(c.rejected)
    closest = min((c.distance for c in classes if c.distance is not None), default=float("nan"))
    hard = f"{min(c.difficulty[0] for c in classes):.0f}–{max(c.difficulty[2] for c in classes):.0f}"
    each = 1000 * sum(c.seconds for c in classes) / variants
    share = rejected.total() / (variants + rejected.total())
    wrong = (len(c.uncertified) for c in classes), (len(c.marked_right) for c in classes)
    counts = " | ".join(str(sum(column)) for column in (*wrong, (c.collisions for c in classes)))
    return f"| `{name}` | {variants} | {share:.0%} | {counts} | {closest:.2g} | {hard} | {each:.1f} |"


def main() -> int:
    """Draw, and print a row a kind as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=kinds(), metavar="KIND")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", default="draws")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    size = min(CLASS, arguments.count)
    seeds = [f"{arguments.seed} {number}" for number in range(max(1, arguments.count // size))]
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in ("numpy", "mpmath")))
    print(f"\n{HEAD}\n| --- |{' ---: |' * (HEAD.count('|') - 2)}", flush=True)
    wrong, begun = False, time.perf_counter()
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn")) as pool:
        jobs = [(name, seed) for name in arguments.kinds for seed in seeds]
        done: dict[str, list[Checked]] = {name: [] for name in arguments.kinds}
        for name, report in pool.map(partial(one_class, count=size), *zip(*jobs, strict=True)):
            done[name].append(report)
            wrong |= bool(report.defects)
            if len(done[name]) == len(seeds):
                print(row(name, done[name]), flush=True)
    print(f"\n{time.perf_counter() - begun:.0f} s with {arguments.jobs} processes")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
