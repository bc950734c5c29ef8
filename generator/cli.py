"""The command line: `python -m generator …`, also installed as `chainwork …`.

Only argparse is imported here; a command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]

FOUND, UNUSABLE = 1, 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, not the whole usage."""
        self.exit(UNUSABLE, f"chainwork: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="chainwork",
        description="Backpropagation, derived step by step, certified, and turned into homework.",
        epilog="chainwork make-exercise          a homework with its solution and key in output/\n"
        "chainwork make-example mazur     a lecture, worked through completely\n"
        "chainwork COMMAND --help         what a command can do",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    spec_help = "a TOML file, the name of a built-in lecture, or else of a kind of exercise (see `list`)"
    format_help = "of md, tex, html, typ, pdf; default: md,tex"
    exercise = commands.add_parser("make-exercise", help="randomised homework: question, solution, key")
    exercise.add_argument("spec", metavar="SPEC", nargs="?", default="mazur", help=spec_help)
    exercise.add_argument(
        "--seed", metavar="N", help="same seed, same files; default: a new one, of a roster always 1"
    )
    many = exercise.add_mutually_exclusive_group()
    many.add_argument("-n", "--count", type=int, default=1, metavar="N", help="how many variants")
    many.add_argument(
        "--students",
        metavar="CSV",
        help="a variant for each: student,name, or as Moodle or Canvas export it",
    )
    exercise.add_argument(
        "--secret", metavar="FILE", help="what the variants are keyed with; default: in your settings"
    )
    exercise.add_argument(
        "--pages",
        default="question,solution",
        metavar="LIST",
        help="of question, solution, slides, booklet, marking; default: question,solution",
    )
    example = commands.add_parser("make-example", help="the complete worked example of a spec")
    example.add_argument("spec", metavar="SPEC", help=spec_help)
    example.add_argument(
        "--pages", default="solution", metavar="LIST", help="solution, slides; default: solution"
    )
    practice = commands.add_parser("make-practice", help="a page that checks answers, and has hints")
    practice.add_argument("spec", metavar="SPEC", nargs="?", default="gradients", help=spec_help)
    practice.add_argument("--seed", default="1", metavar="N", help="same seed, same page; default: 1")
    practice.add_argument(
        "-n", "--count", type=int, default=20, metavar="N", help="how many variants; default: 20"
    )
    practice.add_argument("--language", metavar="CODE", help="see `list languages`")
    practice.add_argument("--notation", metavar="NAME", help="see `list notations`")
    practice.add_argument("--templates", metavar="DIR", help="your own, in the place of ours")
    practice.add_argument("-o", "--out", default="output", metavar="DIR", help="default: output")
    practice.set_defaults(telling=None, format="html", engine=None)
    for command in (exercise, example):
        command.add_argument("--language", metavar="CODE", help="see `list languages`")
        command.add_argument("--paper", metavar="NAME", help="a4 or letter; default: the spec's, or a4")
        command.add_argument("--notation", metavar="NAME", help="see `list notations`")
        command.add_argument("--telling", metavar="NAME", help="see `list tellings`")
        command.add_argument("--format", default="md,tex", metavar="LIST", help=format_help)
        command.add_argument("-o", "--out", default="output", metavar="DIR", help="default: output")

    grade = commands.add_parser("grade", help="marks hand-ins, and says why an answer is wrong")
    grade.add_argument("folder", metavar="DIR", help="what make-exercise wrote: output/NAME")
    grade.add_argument(
        "submissions",
        metavar="SUBMISSIONS",
        nargs="?",
        help="a CSV or JSON file, or a folder of filled-in answers.csv",
    )
    grade.add_argument(
        "--ask", metavar="VARIANT", help="type in the answers of a sheet of paper, into DIR/typed.csv"
    )
    grade.add_argument(
        "--into",
        metavar="CSV",
        help="a gradebook of Canvas or Moodle: a copy gets the scores",
    )
    grade.add_argument("-o", "--out", metavar="DIR", help="default: DIR/graded")
    grade.add_argument("--format", default="md", metavar="LIST", help="of the pages; default: md")

    derive = commands.add_parser("derive", help="every quantity with its chain rule, value, certificate")
    derive.add_argument("spec", metavar="SPEC", help=spec_help)
    derive.add_argument("--json", action="store_true", help="print JSON")
    derive.add_argument(
        "--of",
        metavar="ID",
        help="one quantity: dL/dW[1][2][1], a[2][1], L@1, P, …",
    )
    derive.add_argument(
        "--paths",
        metavar="ID",
        help="a gradient as a sum over all paths, one by one: dL/dW[1][2][1]",
    )
    derive.add_argument("--most", type=int, default=20, metavar="N", help="paths to print; default: 20")
    derive.set_defaults(notation=None, telling=None)

    audit = commands.add_parser(
        "audit", help="a lecture's printed numbers: right, rounded or wrong, and why"
    )
    audit.add_argument("spec", metavar="SPEC", help=spec_help)
    audit.add_argument(
        "--printed", metavar="CSV", help="columns id,printed[,where]; default: the lecture's own"
    )
    audit.add_argument("--text", metavar="FILE", help="the lecture itself, in LaTeX or Markdown")
    audit.add_argument("--json", action="store_true", help="print JSON")
    audit.add_argument("--notation", metavar="NAME", help="the lecture's; default: the spec's")
    audit.set_defaults(telling=None)
    audit.add_argument("-o", "--out", metavar="DIR", help="write an erratum sheet into DIR/<name>")
    audit.add_argument(
        "--format", default="md,tex", metavar="LIST", help="of the sheet; default: md,tex"
    )

    check = commands.add_parser(
        "check",
        help="stress test: many variants of an exercise, what was rejected and why, what is alike",
    )
    preview = commands.add_parser("preview", help="the easiest and the hardest of many variants")
    for command in (check, preview):
        command.add_argument("spec", metavar="SPEC", help=spec_help)
        command.add_argument(
            "--seeds", type=int, default=1000, metavar="N", help="how many variants; default: 1000"
        )
        command.add_argument("--seed", default="1", metavar="N", help="of all of them; default: 1")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(language=None, notation=None, telling=None)
    preview.add_argument("--language", metavar="CODE", help="see `list languages`")
    preview.add_argument("--notation", metavar="NAME", help="see `list notations`")
    preview.add_argument("--telling", metavar="NAME", help="see `list tellings`")
    preview.add_argument("--format", default="md,tex", metavar="LIST", help=format_help)
    preview.add_argument("-o", "--out", default="output", metavar="DIR", help="default: output")

    plot = commands.add_parser("plot", help="curves, decision boundaries, a training: SVG and PDF")
    plot.add_argument("spec", metavar="SPEC", help=spec_help)
    plot.add_argument("--of", metavar="NAME", help="one of `list plots`; default: all that fit")
    plot.add_argument("--weight", metavar="ID", help="of the plot of the loss: W[1][1][1], b[2][1]")
    plot.add_argument("--language", metavar="CODE", help="see `list languages`")
    plot.add_argument("--notation", metavar="NAME", help="see `list notations`")
    plot.set_defaults(telling=None)
    plot.add_argument("-o", "--out", default="output", metavar="DIR", help="default: output")

    for command in (exercise, example, grade, audit, preview):
        command.add_argument("--templates", metavar="DIR", help="your own, in the place of ours")
        command.add_argument(
            "--engine",
            metavar="NAME",
            help="of PDF: typst or latex; default: the first there is",
        )

    starter = commands.add_parser(
        "make-spec", help="a commented spec to start from, or what one may hold"
    )
    starter.add_argument("kind", metavar="KIND", nargs="?", help="a kind of exercise, or a lecture")
    starter.add_argument("--schema", action="store_true", help="print the JSON Schema, for editors")

    table = commands.add_parser("list", help="what there is")
    table.add_argument("what", nargs="?", metavar="WHAT", help="notations, losses, activations, …")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 fine, 1 it found something, 2 it cannot use its input."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without δ shows ? and goes on
            stream.reconfigure(errors="replace")
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.version:
        from generator import __version__

        print(f"chainwork {__version__}")
        return 0
    if arguments.command is None:
        parser.print_help()
        return UNUSABLE
    from generator.commands import COMMANDS, Unusable

    try:
        return COMMANDS[arguments.command](arguments)
    except Unusable as error:
        # One line, whatever was in the file: nothing that a terminal would act upon.
        line = "".join(c if c.isprintable() else " " for c in str(error))
        print(f"chainwork: {line[:900]}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("chainwork: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def run() -> None:
    """The console script `chainwork`."""
    sys.exit(main())
