"""Listing: what there is, and specs to start from."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from generator.builtin import LECTURES
from generator.exercises import found, kind, kinds
from generator.notation import NOTATIONS, TELLINGS
from generator.prose import languages
from generator.spec_schema import schema

if TYPE_CHECKING:
    pass

from generator.commands.asked import PDF, Unusable, choice

__all__ = ["list_what", "make_spec"]


def list_what(arguments: Namespace) -> int:
    """What there is."""
    tables = _tables()
    wanted = [choice("list", arguments.what, tables)] if arguments.what else list(tables)
    for what in wanted:
        if len(wanted) > 1:
            print(what)
        rows = tables[what]()
        wide = max(map(len, rows))
        for name, title in rows.items():
            print(f"{'  ' * (len(wanted) > 1)}{name:<{wide}}  {title}")
    return 0


def _tables() -> dict[str, Callable[[], Mapping[str, str]]]:
    from derive.expression import text
    from derive.ops import ACTIVATIONS, LOSSES, VECTOR_ACTIVATIONS
    from derive.optimizer import OPTIMIZERS
    from generator.formats import FORMATS
    from generator.misconceptions import MISCONCEPTIONS
    from generator.plots import PLOTS

    return {
        "notations": lambda: {n.name: n.title for n in NOTATIONS.values()},
        "languages": _languages,
        "tellings": lambda: {name: telling.title for name, telling in TELLINGS.items()},
        "losses": lambda: {name: f"{text(op.formula)} for each output" for name, op in LOSSES.items()},
        "activations": lambda: (
            {name: text(op.formula) for name, op in ACTIVATIONS.items()}
            | {name: op.formula for name, op in VECTOR_ACTIVATIONS.items()}
        ),
        "optimizers": lambda: {row.name: row.text for row in OPTIMIZERS.values()},
        "kinds": lambda: {name: kind(name).title for name in kinds()},
        "plots": lambda: {name: row.title for name, row in PLOTS.items()},
        "formats": lambda: {name: f"files ending in .{name}" for name in (*FORMATS, PDF)},
        "lectures": _lectures,
        "misconceptions": lambda: {m.id: m.name for m in MISCONCEPTIONS.values()},
    }


def _lectures() -> dict[str, str]:
    return {path.stem: found(path.stem).title for path in sorted(LECTURES.glob("*.toml"))}


def _languages() -> dict[str, str]:
    from generator.render import words

    return {code: words("language_name", {}, code) for code in languages()}


def make_spec(arguments: Namespace) -> int:
    """A starter of a kind, or the JSON Schema of all specs."""
    if arguments.schema == (arguments.kind is not None):
        wrong = f"{arguments.kind} and --schema" if arguments.schema else "nothing"
        raise Unusable(f"make-spec: found {wrong}, allowed: a kind (see `list kinds`), or --schema")
    if arguments.schema:
        print(json.dumps(schema(), indent=1, ensure_ascii=False))
        return 0
    lectures = {path.stem: path for path in sorted(LECTURES.glob("*.toml"))}
    name = choice("make-spec", arguments.kind, [*kinds(), *lectures])
    print(lectures[name].read_text("utf-8") if name in lectures else kind(name).spec, end="")
    return 0
