"""Classes that are known to have made their mistakes: is everybody marked as a careful reader would?

    python benchmarks/classes.py [--count 1000] [KIND …]

Of every kind so many variants, and of each a hand-in for all that is planted: right
with rounding, each misconception, two of them, each once and early, a sign, nothing, noise.  Prints a
Markdown table of the share of answers that are marked as they should be.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from generator.exercises import kinds
from tests.simulated import simulated

HEADS = ("careful", "rounded up", "named", "the only one", "two", "followed", "sign", "blank", "accused")


def main() -> int:
    """Simulate, mark, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="variants of each kind")
    parser.add_argument("kinds", nargs="*", default=kinds())
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, ", end="")
    print(f"NumPy {version('numpy')}\n\n| kind | answers | {' | '.join(HEADS)} | s |")
    print(f"| --- | ---: |{' ---: |' * len(HEADS)} ---: |", flush=True)
    for name in args.kinds:
        start = time.perf_counter()
        marked = simulated(name, args.count)
        shares = (f"{100 * np.mean(of):.2f}" if (of := marked[head]) else "" for head in HEADS)
        answers = sum(map(len, marked.values())) - len(marked["the only one"])
        took = time.perf_counter() - start
        print(f"| `{name}` | {answers:,} | {' | '.join(shares)} | {took:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
