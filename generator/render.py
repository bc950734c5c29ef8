"""Render: pages from Jinja templates; a format is a folder of templates and one way to escape.

Everything a template prints is escaped for its format unless it is a formula (printed by
`formula.latex`) or the output of another macro.  Undefined names are errors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from generator.exercise import Exercise
from generator.formula import Node, latex
from generator.worked import answers, groups, problem, worked

__all__ = ["FORMATS", "CannotWrite", "escape_latex", "escape_markdown", "pages"]

_HERE = Path(__file__).parent
TEMPLATES = next(p for p in (_HERE / "templates", _HERE.parent / "templates") if p.is_dir())
NODES = get_args(Node)


class CannotWrite(ValueError):
    """Text that a format has no way to write."""


def _plain(text: str) -> str:
    """NFC, control characters dropped, white space folded."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or c.isprintable())
    return re.sub(" +", " ", text)


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "@": "&#64;"}
_MARKUP = re.compile(
    r"[\\`*_{}\[\]~|#!]"  # markup wherever it stands
    r"|^[-+=:]|(?<=^\d)[.)]"  # a list, a rule or a heading where a line starts
    r"|:(?=//)|(?<=www)\."  # an address, which GitHub turns into a link
)


def escape_markdown(text: str) -> str:
    """Text that GitHub's Markdown shows as it is: no markup, no HTML, no math, no mention, no link."""
    escaped = _MARKUP.sub(lambda match: "\\" + match[0], _plain(text))
    return "".join(_ENTITIES.get(c, c) for c in escaped)


_SPECIALS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIALS |= {c: "\\" + c for c in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}
_SPECIALS |= {"|": r"\textbar{}", '"': r"\textquotedbl{}", "'": "'", "`": r"\textasciigrave{}"}


def escape_latex(text: str) -> str:
    """Text for pdflatex: specials in one pass, then accents by latexcodec; CannotWrite names a
    character that it cannot set."""
    import latexcodec  # noqa: F401  (registers the codec; 70 ms, so only where it is needed)

    parts = []
    for character in _plain(text):
        if character in _SPECIALS:
            parts.append(_SPECIALS[character])
        elif character.isascii():
            parts.append(character)
        else:
            try:
                parts.append(character.encode("latex").decode("ascii"))
            except ValueError:
                name = unicodedata.name(character, "unknown")
                raise CannotWrite(f"pdflatex cannot write {character!r} ({name})") from None
    return "".join(parts)


# A format's name is its folder under templates/ and its files' ending.
FORMATS: Mapping[str, Callable[[str], str]] = {"md": escape_markdown, "tex": escape_latex}


def _finalize(escape: Callable[[str], str]) -> Callable[[Any], Any]:
    def finalize(value: Any) -> Any:
        if isinstance(value, Markup | StrictUndefined):
            return value
        if isinstance(value, NODES):
            return Markup("$" + latex(value) + "$")
        return Markup(escape(str(value)))

    return finalize


@cache
def _environment(format_name: str) -> Environment:
    finalize = _finalize(FORMATS[format_name])
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES / format_name, TEMPLATES]),
        undefined=StrictUndefined,
        autoescape=True,  # makes macros return Markup; what is printed is escaped by `finalize`
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["math"] = lambda node: Markup(latex(node))
    # {{ x | braced }} is {x}: a brace beside Jinja's own would not be seen as one.
    environment.filters["braced"] = lambda value: Markup("{" + finalize(value) + "}")
    return environment


def pages(exercise: Exercise, format_name: str) -> dict[str, str]:
    """File name -> text: the solution, and the question where something is asked."""
    environment = _environment(format_name)
    given = problem(exercise)
    solution = {"sections": given + worked(exercise), "answers": answers(exercise)}
    wanted: dict[str, dict[str, Any]] = {"solution": {**solution, "proof": exercise.certificate}}
    if exercise.parts:
        wanted["question"] = {"sections": given, "groups": groups(exercise)}
    texts = {}
    for page, data in wanted.items():
        template = environment.get_template(f"{page}.{format_name}.jinja")
        text = template.render(spec=exercise.spec, variant=exercise.variant, **data)
        texts[f"{page}.{format_name}"] = _tidy(text)
    return texts


def _tidy(text: str) -> str:
    """No runs of blank lines, no trailing spaces."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
