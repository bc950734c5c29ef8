"""Asked: what every command makes of its arguments, and how it refuses what it cannot use."""

from __future__ import annotations

import difflib
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from generator.exercises import asked, found
from generator.notation import NOTATIONS, TELLINGS
from generator.prose import languages
from generator.spec import PAPERS, Spec

if TYPE_CHECKING:
    from generator.pdf import Typesetter
    from generator.publish import Press

__all__ = [
    "MANY_VARIANTS",
    "MOST_PARAMETERS",
    "MOST_VARIANTS",
    "PDF",
    "Unusable",
    "choice",
    "fit_for_pages",
    "listed",
    "not_made",
    "press_of",
    "progress",
    "read_file",
    "seed_of",
    "sheet_of",
    "spec_of",
]

T = TypeVar("T")

PDF = "pdf"  # a format that others are made into
MOST_VARIANTS = 100_000
MANY_VARIANTS = 20  # from which on making them shows how far it is
MOST_PARAMETERS = 400  # of a worked example on pages


class Unusable(ValueError):
    """Input that cannot be used: one line that says what, where, and what is allowed."""


def choice(what: str, found: str, names: Iterable[str]) -> str:
    """One of the names; Unusable says which are allowed, and which of them is near."""
    names = list(names)
    if found not in names:
        near = difflib.get_close_matches(found, names, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Unusable(f"{what}: found {found[:60]!r}, allowed: {', '.join(names)}{hint}")
    return found


def spec_of(arguments: Namespace) -> Spec:
    """A single network or circuit."""
    spec = found(arguments.spec)
    if spec.exercise:
        allowed = "one network or circuit, such as one of its exercises"
        raise Unusable(f"{spec.name}: found a sheet of {len(spec.exercise)}, allowed: {allowed}")
    return _told_as(arguments, _printed_as(arguments, spec))


def sheet_of(arguments: Namespace) -> tuple[Spec, tuple[Spec, ...]]:
    """A sheet and the exercises on it; of a network or circuit twice the same."""
    from generator.paper import specs_of

    spec = _printed_as(arguments, found(arguments.spec))
    if not spec.exercise:
        spec = _told_as(arguments, spec)
        return spec, (spec,)
    specs = specs_of(spec, arguments.spec)
    networks = any(own.network for own in specs)
    return spec, tuple(_told_as(arguments, own) if own.network or not networks else own for own in specs)


def _printed_as(arguments: Namespace, spec: Spec) -> Spec:
    """The spec in the language and on the paper that are asked for."""
    own = getattr(arguments, "templates", None)
    there = {"language": languages(Path(own) if own else None), "paper": PAPERS}
    wanted = {name: getattr(arguments, name, None) for name in there}
    chosen = {name: choice(f"--{name}", w, there[name]) for name, w in wanted.items() if w}
    return spec.model_copy(update=chosen)


def _told_as(arguments: Namespace, spec: Spec) -> Spec:
    """The spec in the notation and the telling that are asked for."""
    asked(spec)  # a kind that does not fit is wrong in every command
    if arguments.notation:
        notation = choice("--notation", arguments.notation, NOTATIONS)
        draw = spec.draw.model_copy(update={"notations": []})
        spec = spec.model_copy(update={"notation": notation, "draw": draw})
    if arguments.telling:
        telling = choice("--telling", arguments.telling, TELLINGS)
        if spec.circuit:
            raise Unusable(
                f"--telling: found {telling!r}, allowed: nothing: a circuit is told gate by gate"
            )
        spec = spec.model_copy(update={"telling": telling})
    return spec


def seed_of(arguments: Namespace) -> str:
    """A seed that can be printed."""
    seed: str = arguments.seed
    if not (seed.isprintable() and 0 < len(seed) <= 100):
        raise Unusable("--seed: found something unprintable, allowed: 1 to 100 printable characters")
    return seed


def read_file(path: Path, option: str, what: str) -> str:
    """The text of a file."""
    try:
        return path.read_text("utf-8-sig")
    except OSError:
        raise Unusable(f"{option}: found {str(path)!r}, allowed: {what}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{option}: found {str(path)!r} not in UTF-8, allowed: {what} in UTF-8") from None


def listed(names: Iterable[str]) -> str:
    """Names with commas."""
    return ", ".join(names) or "nothing"


def progress(each: Iterable[T], count: int) -> Iterator[T]:
    """The same, with a bar on a terminal where there are many."""
    if count < MANY_VARIANTS:
        return iter(each)
    from tqdm import tqdm

    return iter(tqdm(each, total=count, unit=" variants", disable=None, leave=False))


def press_of(arguments: Namespace) -> Press:
    """What writes pages in the formats that are asked for."""
    from generator.formats import FORMATS
    from generator.publish import Press

    names = [choice("--format", n.strip(), [*FORMATS, PDF]) for n in arguments.format.split(",")]
    written = [name for name in names if name != PDF]
    own = Path(arguments.templates).resolve() if arguments.templates else None
    if own and not own.is_dir():
        allowed = "a folder with templates such as md/page.jinja; see docs/templates.md"
        raise Unusable(f"--templates: found {arguments.templates!r}, allowed: {allowed}")
    return Press(written, _typesetter(arguments) if PDF in names else None, own)


def _typesetter(arguments: Namespace) -> Typesetter:
    from generator.pdf import ENGINES, Typesetter

    wanted = [choice("--engine", arguments.engine, ENGINES)] if arguments.engine else [*ENGINES]
    for name in wanted:
        if ENGINES[name].there():
            return Typesetter(
                replace(ENGINES[name], beyond=None) if arguments.templates else ENGINES[name]
            )
    ways = "; or ".join(f"{name}: {ENGINES[name].get}" for name in wanted)
    raise Unusable(f"--format: found 'pdf', allowed: with one of these installed: {ways}")


def not_made(press: Press, stage: Path) -> int:
    """Makes what is still waiting; 1 and a line for each page that could not be made, else 0."""
    failed = press.finish(stage)
    for name, why in failed.items():
        print(f"Not made: {name}: {why}", file=sys.stderr)
    return int(bool(failed))


def fit_for_pages(specs: Iterable[Spec]) -> None:
    """Unusable if a network is too large to be told weight by weight."""
    for spec in specs:
        given = spec.network.graph().of_kind("parameter") if spec.network else []
        count = sum(prod(node.shape) for node in given)
        if count > MOST_PARAMETERS:
            raise Unusable(
                f"{spec.name}: found {count} parameters, allowed: up to {MOST_PARAMETERS} on pages; "
                f"`derive` has any of them with --of dL/dW[1][1][1]"
            )
