"""Render: pages from Jinja templates; a format is a folder of templates and one way to escape.

Everything a template prints is escaped for its format unless it is a formula (printed by
`formula.latex`) or the output of another macro.  Undefined names are errors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from derive.network import COUNTS
from derive.quantity import Derivative, Quantity
from generator import worked, worked_circuit, worked_counts, worked_layers, worked_symbols
from generator.exercise import STOP, Exercise
from generator.formula import Aligned, Node, latex, latex_rows
from generator.number import shown
from generator.page import Block, Section, answers, groups, mistake, working
from generator.paper import Paper
from generator.telling import Teller

__all__ = ["FORMATS", "CannotWrite", "errata_pages", "escape_latex", "escape_markdown", "marked_pages"]
__all__ += ["pages"]

_HERE = Path(__file__).parent
TEMPLATES = next(p for p in (_HERE / "templates", _HERE.parent / "templates") if p.is_dir())
NODES = get_args(Node)
LOSSES = ("L", "L0", "R")  # ids that a forward pass alone does not give


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
    parts = []
    if not text.isascii():
        import latexcodec  # noqa: F401  (registers the codec; 60 ms, so only where it is needed)
    for character in _plain(text):
        if character in _SPECIALS:
            parts.append(_SPECIALS[character])
        elif character.isascii():
            parts.append(character)
        else:
            try:
                encoded = character.encode("latex").decode("ascii")
                ends = re.search(r"\\[A-Za-z]+$", encoded)  # \i would swallow a letter behind it
                parts.append(encoded + "{}" if ends else encoded)
            except ValueError:
                name = unicodedata.name(character, "unknown")
                raise CannotWrite(f"pdflatex cannot write {character!r} ({name})") from None
    # -- and ,, are ligatures to TeX
    return re.sub(r"([-,'])(?=\1)", r"\1{}", "".join(parts))


# A format's name is its folder under templates/ and its files' ending.
FORMATS: Mapping[str, Callable[[str], str]] = {"md": escape_markdown, "tex": escape_latex}


@pass_context
def _printed(context: Context, value: Any) -> Any:
    """What `{{ value }}` prints: a formula as inline math, text escaped for the page's format."""
    if isinstance(value, Markup | StrictUndefined):
        return value
    if isinstance(value, NODES):
        return Markup("$" + latex(value) + "$")
    write, text = FORMATS[context["format"]], str(value)
    return Markup(write(_writable(write, text) if context.get("typed") else text))


def _writable(write: Callable[[str], str], text: str) -> str:
    """With ? for what a format cannot write: one name must not keep a class from being marked."""

    def legible(character: str) -> bool:
        try:
            write(character)
        except CannotWrite:
            return False
        return True

    text = unicodedata.normalize("NFC", text)
    return "".join(c if c.isascii() or legible(c) else "?" for c in text)


@pass_context
def _braced(context: Context, value: Any) -> Markup:
    """{{ x | braced }} is {x}: a brace beside Jinja's own would not be seen as one."""
    return Markup("{" + _printed(context, value) + "}")


@cache
def _environment() -> Environment:
    """One environment for all formats, so that the prose is compiled once."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,  # makes macros return Markup; what is printed is escaped by `_printed`
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["math"] = lambda node: Markup(latex(node))
    environment.filters["rows"] = lambda node: Markup(latex_rows(node))
    environment.filters["braced"] = _braced
    environment.tests["aligned"] = lambda node: isinstance(node, Aligned)
    return environment


def pages(it: Exercise | Paper, formats: Iterable[str], student: str = "") -> dict[str, str]:
    """File name -> text: the solution in each format, and the question where something is asked; with
    the name of whom they are for, where it is known."""
    paper, first = Paper.of(it), 1
    solutions, questions = [], []
    for number, exercise in enumerate(paper.exercises, 1):
        about = {"spec": exercise.spec, "number": number, "before": first - 1}
        solutions.append({**about, **_solution(exercise, first)})
        questions.append({**about, **_question(exercise)})
        first += len(questions[-1]["groups"])
    several = paper.several
    common = {"spec": paper.spec, "variant": paper.variant, "student": student, "several": several}
    wanted: dict[str, dict[str, Any]] = {"solution": {"exercises": solutions}}
    if paper.parts:
        total = sum(part.points for _, part in paper.parts)
        said = [question["instructions"] for question in questions]
        usual = [how for how in said if how["numbers"] and not how["whole"]] or said
        once = usual[0] if several and all(how == usual[0] for how in usual) else None
        wanted["question"] = {"exercises": questions, "total": total, "instructions": once}
    return _rendered(wanted, common, formats)


def _given(exercise: Exercise) -> tuple[Section, ...]:
    """What is said before the questions; not what is asked: shapes are."""
    shapes = any(part.form == "shape" for part in exercise.parts)
    problem = (worked if shapes else _telling(exercise)).problem(exercise)
    return (*problem, *Teller(exercise).kinks())


def _solution(exercise: Exercise, first: int) -> dict[str, Any]:
    """The answers, from question `first` on, and every step."""
    key = tuple(section for section in [answers(exercise, first)] if section)
    told = _asked_for(exercise, _telling(exercise).worked(exercise)) + _points(exercise)
    sections = key + _given(exercise) + mistake(exercise) + told
    return {"sections": sections, "proof": _proof(exercise)}


def _question(exercise: Exercise) -> dict[str, Any]:
    """What is asked, what it is worth, and how answers are written."""
    numbers = [p.answer for p in exercise.parts if p.tolerance is not None]
    whole = all(float(number).is_integer() for number in numbers)
    only = len(numbers) == len(exercise.parts)  # else whole ones go without saying
    how = {"digits": exercise.spec.digits, "whole": whole, "numbers": only or not whole}
    points = sum(part.points for part in exercise.parts)
    sections = _given(exercise) + working(exercise)
    return {"sections": sections, "groups": groups(exercise), "points": points, "instructions": how}


def _asked_for(exercise: Exercise, sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """A solution goes as far as the questions do: no loss after a forward pass, no layer before the
    last one whose gradients are asked."""
    asked = [part.quantity for part in exercise.parts]
    if not asked or any(q.update or q == STOP for q in asked):
        return sections
    slopes = [q.wrt for q in asked if isinstance(q, Derivative)]
    layers = [1 if len(q.index) < 2 else q.index[0] for q in slopes]
    lowest = 0 if exercise.spec.circuit else exercise.network_namer.layer_number(min([*layers, 99]))
    loss = bool(slopes) or any(q.name in LOSSES for q in asked if isinstance(q, Quantity))
    needed = {"loss": loss, "derived": bool(slopes), "circuit_backward": bool(slopes), "update": False}
    return tuple(
        section
        for section in sections
        if needed.get(section.phrase, True)
        and not (section.phrase == "backward" and section.args["layer"] < lowest)
    )


def _points(exercise: Exercise) -> tuple[Section, ...]:
    """What the spec says that its example is to teach."""
    blocks = tuple(Block("point", {"text": text}) for text in exercise.spec.points)
    return (Section("points", {}, blocks),) if blocks else ()


def errata_pages(
    exercise: Exercise, sections: tuple[Section, ...], formats: Iterable[str]
) -> dict[str, str]:
    """File name -> text: an erratum sheet in each format."""
    data = {"sections": sections, "proof": {**_proof(exercise), "of": "right"}}
    return _rendered({"errata": data}, {"spec": exercise.spec}, formats)


def marked_pages(
    phrase: str,
    title: str,
    sections: tuple[Section, ...],
    formats: Iterable[str],
    student: str = "",
    variant: str = "",
) -> dict[str, str]:
    """File name -> text: what became of a hand-in, or of a class; whatever was typed can be written."""
    about = {"phrase": phrase, "title": title, "student": student, "variant": variant, "typed": True}
    return _rendered({"marked": {"sections": sections}}, about, formats)


def _proof(exercise: Exercise) -> dict[str, Any]:
    proof = exercise.certificate
    error = shown(float(f"{proof.max_error:.0e}"), 1)
    of = _certain(exercise)
    return {"methods": proof.methods, "error": error, "of": of, "exactly": not proof.max_error}


def _rendered(
    wanted: Mapping[str, Mapping[str, Any]], common: Mapping[str, Any], formats: Iterable[str]
) -> dict[str, str]:
    texts = {}
    for name in formats:
        for page, data in wanted.items():
            template = _environment().get_template(f"{name}/{page}.{name}.jinja")
            texts[f"{page}.{name}"] = _tidy(template.render(format=name, **common, **data))
    return texts


def _telling(exercise: Exercise) -> ModuleType:
    """The module that tells an exercise of this sort: its `problem` and its `worked`."""
    if exercise.spec.circuit:
        return worked_circuit
    names = {part.quantity.name for part in exercise.parts if isinstance(part.quantity, Quantity)}
    if names and all(isinstance(p.quantity, Quantity) for p in exercise.parts) and names <= set(COUNTS):
        return worked_counts
    if exercise.spec.source.symbols:
        return worked_symbols
    designed = any(part.form == "design" for part in exercise.parts)
    return worked_layers if exercise.spec.told.whole and not designed else worked


def _certain(exercise: Exercise) -> str:
    """What the certificate is about."""
    if _telling(exercise) is worked_counts:
        return "count"
    if exercise.spec.source.symbols:
        return "formula"
    return "value" if exercise.graph.forward_only else "gradient"


def _tidy(text: str) -> str:
    """No runs of blank lines, no trailing spaces."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
