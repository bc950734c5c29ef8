"""Random specs against PyTorch and JAX: what is accepted, what is refused and why, what is wrong.

    python benchmarks/sweep.py [--count 10000] [--seed 0] [--jobs 2]

Each seed is a spec (tests/random_specs.py): read, built, certified, every value and gradient compared
with PyTorch, every update with torch.optim, and a share of them with JAX, which compiles each anew.
Of another share a page is written, and every gradient computed with every known misconception.
A spec that is right must be read; one with a mistake must be refused by a message that names its place.
Exit 1 on any disagreement, surprise or crash (each with its seed, and at once), else 0.  Needs the extra
`oracle`.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from derive.program import Run
from derive.verify import TOLERANCE, Uncertified
from generator.exercise import Exercise, build, certified
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.pages import pages
from generator.refusal import SpecError
from generator.spec import Spec
from generator.spec_file import read
from tests.oracles import differences, drift, jax_library, network, torch_library
from tests.random_specs import named, random_spec

JAX_EVERY, TOLD_EVERY, BLOCK = 50, 25, 25

# Why a number is not certified, by what the message says.
REASONS = {
    r"no finite value": "a value is infinite or none: exp overflows, or the logarithm of 0",
    r"no finite gradient": "a gradient is infinite or none",
    r"digits cancel out": "a number has lost the digits that are shown of it",
    r"does not follow": "an update does not follow by complex steps",
    r"mpmath says": "a number is another one in 50 digits: log(exp(-700)), a sine of millions",
    r"complex step says": "a gradient is another one by complex steps",
    r"": "other",
}
WRONG = ("disagreement", "surprise", "crash")


class Verdict(NamedTuple):
    """What became of a seed: one word, the reason, the worst error where something was compared."""

    seed: int
    word: str
    reason: str = ""
    error: float = 0.0
    seconds: float = 0.0
    oracles: tuple[str, ...] = ()
    told: bool = False


def judged(seed: int) -> Verdict:
    """One spec, start to end; nothing is raised."""
    start = time.perf_counter()
    try:
        verdict = _judged(seed)
    except Exception as error:
        verdict = Verdict(seed, "crash", f"{type(error).__name__}: {error}"[:200])
    return verdict._replace(seconds=time.perf_counter() - start)


def _judged(seed: int) -> Verdict:
    text, mistake = random_spec(seed)
    try:
        spec = read(text)
    except SpecError as error:
        if mistake is None:
            return Verdict(seed, "surprise", f"refused though right: {error}")
        if named(error.key) != mistake.key:
            return Verdict(seed, "surprise", f"{mistake.name} blamed on something else: {error}")
        return Verdict(seed, "refused", mistake.name)
    if mistake:
        return Verdict(seed, "surprise", f"accepted with {mistake.name}")
    return _compared(seed, text, spec)


def _compared(seed: int, text: str, spec: Spec) -> Verdict:
    try:
        exercise = certified(build(spec))
    except Uncertified as error:
        reason = next(why for said, why in REASONS.items() if re.search(said, str(error)))
        return Verdict(seed, "uncertified", reason)
    if told := seed % TOLD_EVERY == 0:
        _told(exercise)
    if exercise.at_kink:  # where every library has a convention of its own
        return Verdict(seed, "certified", "on a kink, not compared", told=told)
    net, oracles = network(text), ["torch"]
    found = [*differences(torch_library(), net, exercise), *drift(net, exercise)]
    if seed % JAX_EVERY == 0:
        oracles.append("jax")
        found += differences(jax_library(), net, exercise)
    worst = max(found, key=lambda difference: difference.error)
    if not worst.error <= TOLERANCE:
        return Verdict(seed, "disagreement", f"{worst.of} by {worst.error:.1e}", worst.error)
    return Verdict(seed, "certified", "compared", worst.error, oracles=tuple(oracles), told=told)


def _told(exercise: Exercise) -> None:
    """Its page, and its gradients by everybody who makes one of the known mistakes."""
    pages(exercise, ["md"])
    rate = float(exercise.spec.source.learning_rate)
    for misconception in MISCONCEPTIONS.values():
        run = Run(exercise.program, exercise.iterates, rate, rewrite=rewriting([misconception]))
        for target in exercise.derivation.targets():
            if not isinstance(run[target], float):
                raise TypeError(f"{target} with {misconception.id} is no number")


def block(seeds: range) -> list[Verdict]:
    """Several seeds in one process."""
    warnings.simplefilter("error")  # a warning of NumPy's on somebody's screen is a defect
    return [judged(seed) for seed in seeds]


def sweep(seeds: range, jobs: int) -> Iterator[Verdict]:
    """The verdict on every seed; a worker lives for all of its blocks."""
    blocks = [seeds[start : start + BLOCK] for start in range(0, len(seeds), BLOCK)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for number, verdicts in enumerate(pool.map(block, blocks), 1):
            yield from verdicts
            for verdict in verdicts:
                if verdict.word in WRONG:
                    print(_line(verdict), file=sys.stderr, flush=True)
            if sys.stderr.isatty():
                print(f"\r{number} of {len(blocks)}", end="", file=sys.stderr)


def main() -> int:
    """Print Markdown; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    start = time.perf_counter()
    verdicts = list(sweep(range(args.seed, args.seed + args.count), args.jobs))
    print(report(verdicts, time.perf_counter() - start))
    return 1 if any(verdict.word in WRONG for verdict in verdicts) else 0


def report(verdicts: list[Verdict], seconds: float) -> str:
    """Tables of what became of how many, and every seed that is wrong."""
    names = ("numpy", "mpmath", "sympy", "torch", "jax")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    groups: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        groups[verdict.word].append(verdict)
    compared = Counter(oracle for verdict in verdicts for oracle in verdict.oracles)
    worst = max(verdicts, key=lambda verdict: verdict.error)
    lines = [
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {libraries}",
        "",
        "| of | specs |",
        "| --- | ---: |",
    ]
    for word in ("certified", "uncertified", "refused", *WRONG):
        lines.append(f"| **{word}** | {len(groups[word])} |")
        if word in ("certified", "uncertified"):
            lines += [f"| {reason} | {count} |" for reason, count in _counted(groups[word])]
    mistakes = ", ".join(f"{reason} {count}" for reason, count in _counted(groups["refused"]))
    slowest = max(verdict.seconds for verdict in verdicts)
    lines += [
        "",
        f"Compared with PyTorch {compared['torch']}, with JAX {compared['jax']}; worst error "
        f"{worst.error:.1e} (seed {worst.seed}).",
        f"Told, and recomputed with each of {len(MISCONCEPTIONS)} misconceptions: "
        f"{sum(verdict.told for verdict in verdicts)}.",
        f"{seconds:.0f} s, {1000 * seconds / len(verdicts):.0f} ms a spec; the slowest {slowest:.1f} s.",
        f"Refused: {mistakes}.",
    ]
    lines += [_line(verdict) for word in WRONG for verdict in groups[word]]
    return "\n".join(lines)


def _line(verdict: Verdict) -> str:
    return f"{verdict.word}: seed {verdict.seed}: {verdict.reason}"


def _counted(verdicts: list[Verdict]) -> list[tuple[str, int]]:
    """The reasons, the most frequent first."""
    return Counter(verdict.reason for verdict in verdicts).most_common()


if __name__ == "__main__":
    sys.exit(main())
