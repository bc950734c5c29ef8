"""How long a command takes from a cold start, as a ratio to `python -c pass` in the same run.

    python benchmarks/startup.py

Medians of 15 runs, the commands taken in turn so that a noisy minute hits all of them.
"""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "--help": ["-m", "generator", "--help"],
    "make-exercise": ["-m", "generator", "make-exercise", "--seed", "7", "--out", "{out}"],
    "make-exercise cummins": [
        "-m",
        "generator",
        "make-exercise",
        "cummins",
        "--seed",
        "7",
        "--out",
        "{out}",
    ],
    "make-example mazur": ["-m", "generator", "make-example", "mazur", "--out", "{out}"],
    "import sympy (the rival's first step)": ["-c", "import sympy"],
}


def main() -> None:
    """Print a Markdown table."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as out:
        for _ in range(15):
            for name, words in COMMANDS.items():
                command = [sys.executable, *(word.format(out=out) for word in words)]
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    bare = medians["python -c pass"]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "sympy", "jinja2", "pydantic"))
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {libraries}\n")
    print("| command | median | × bare Python |\n| --- | ---: | ---: |")
    for name, median in medians.items():
        print(f"| {name} | {1000 * median:.0f} ms | {median / bare:.1f} |")


if __name__ == "__main__":
    main()
