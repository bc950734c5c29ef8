"""Render: pages from Jinja templates; a format is a folder of templates and one way to escape.

Everything a template prints is escaped for its format unless it is a formula (printed by
one of
the printers) or the output of another macro.  Undefined names are errors.
"""

from __future__ import annotations

import re
import traceback
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from derive.network import COUNTS
from derive.quantity import Derivative, Quantity
from generator import worked, worked_circuit, worked_counts, worked_layers, worked_symbols
from generator.code import code
from generator.exercise import STOP, Exercise
from generator.formats import FORMATS, SPOKEN
from generator.formula import Aligned, Node, Number, Text, rewritten
from generator.latex import latex_rows
from generator.live import live
from generator.number import shown
from generator.page import Block, Section, answers, groups, mistake, working
from generator.paper import Paper
from generator.picture import Label, Picture, svg
from generator.prose import TEMPLATES, languages
from generator.spec import Spec
from generator.telling import Teller
from generator.text import CannotRender, CannotWrite

__all__ = [
    "PAGES",
    "Body",
    "Pages",
    "document",
    "errata_pages",
    "marked_pages",
    "pages",
    "pages_of",
    "words",
]

NODES = get_args(Node)
LOSSES = ("L", "L0", "R")  # ids that a forward pass alone does not give


@pass_context
def _printed(context: Context, value: Any) -> Any:
    """What `{{ value }}` prints: a formula as inline math, text escaped for the page's format."""
    if isinstance(value, Markup | StrictUndefined):
        return value
    written = FORMATS.get(context["format"], SPOKEN)
    if isinstance(value, NODES):
        return Markup(written.inline(_localised(context)(value)))
    write, text = written.escape, str(value)
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


@pass_context
def _math(context: Context, node: Node) -> Markup:
    """A formula on a line of its own."""
    return Markup(FORMATS[context["format"]].math(_localised(context)(node)))


@pass_context
def _rows(context: Context, node: Aligned) -> Markup:
    """The lines of an aligned formula, in LaTeX."""
    return Markup(latex_rows(_localised(context)(node)))


@pass_context
def _drawn(context: Context, picture: Picture) -> Markup:
    """A picture."""
    language, own = context["language"], context["own"]
    drawn, title = _in(language, picture, own), _title(picture, language, own)
    return Markup(FORMATS[context["format"]].picture(drawn, title))


def _localised(context: Context) -> Callable[[Any], Any]:
    return _language(context["language"], context.get("own"))


@cache
def _fixed(language: str, own: Path | None) -> Mapping[str, str]:
    """What a language puts into formulas."""
    return {name: words(name, {}, language, own) for name in ("decimal_mark", "otherwise")}


@cache
def _language(language: str, own: Path | None) -> Callable[[Any], Any]:
    """What a formula is in a language: with its decimal mark and its words."""
    said = _fixed(language, own)
    if said == {"decimal_mark": ".", "otherwise": "otherwise"}:
        return lambda node: node

    def leaf(node: Number | Text) -> Node:
        if isinstance(node, Text):
            return replace(node, text=said.get(node.text, node.text))
        return replace(node, text=node.text.replace(".", said["decimal_mark"]))

    return lambda node: rewritten(node, leaf)


def _in(language: str, picture: Picture, own: Path | None) -> Picture:
    """A picture with its labels in a language."""
    local = _language(language, own)
    items = (replace(i, text=local(i.text)) if isinstance(i, Label) else i for i in picture.items)
    return replace(picture, items=tuple(items))


@cache
def _environment(own: Path | None = None) -> Environment:
    """One environment for all formats, so that the prose is compiled once.  A file in the folder `own`
    takes the place of ours; such a template can say things, but not do any."""
    environment = (SandboxedEnvironment if own else Environment)(
        loader=FileSystemLoader([own, TEMPLATES] if own else TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,  # makes macros return Markup; what is printed is escaped by `_printed`
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["math"] = _math
    environment.filters["rows"] = _rows
    environment.filters["hex"] = lambda text: Markup(text.encode().hex())  # safe anywhere
    environment.filters["braced"] = _braced
    environment.filters["drawn"] = _drawn
    environment.globals["code"] = code
    environment.tests["aligned"] = lambda node: isinstance(node, Aligned)
    return environment


def _rendered(own: Path | None, page: str, data: Mapping[str, Any]) -> str:
    """A page; CannotRender says in which file and line a template of one's own goes wrong, or that
    nobody has written the language."""
    _known(data["language"], own)
    try:
        return _environment(own).get_template(f"pages/{page}.jinja").render(data, own=own)
    except (TemplateError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if own is None or isinstance(error, CannotWrite):
            raise
        raise CannotRender(_place(own, error)) from None


def _known(language: str, own: Path | None) -> None:
    if language not in (there := languages(own)):
        raise CannotRender(f"language: found {language!r}, allowed: {', '.join(there)}")


def _place(own: Path, error: Exception) -> str:
    """folder/md/page.jinja, line 7: 'nothing' is undefined."""
    if isinstance(error, TemplateSyntaxError):
        where = [(error.filename or "", error.lineno)]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        where = [(frame.filename, frame.lineno or 0) for frame in frames]
    ours = [(Path(file), line) for file, line in where if file and own in Path(file).parents]
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return f"{ours[-1][0]}, line {ours[-1][1]}: {said}" if ours else f"{own}: {said}"


@dataclass(frozen=True)
class Body:
    """What stands on a page, before it is a whole file: of several, a file can be made too."""

    text: Markup
    title: str
    variant: str
    student: str
    wide: bool
    language: str
    paper: str
    code: str = ""  # what a scanner is to read from it
    own: Path | None = None


@dataclass(frozen=True)
class Pages:
    """Pages that have been told and can be written in any format; by name, what is on each."""

    wanted: Mapping[str, Mapping[str, Any]]
    common: Mapping[str, Any]
    own: Path | None = None  # a folder of templates that take the place of ours

    def body(self, page: str, name: str, fillable: bool = False) -> Body:
        """A page in a format; with marks where an answer goes, if it is to be filled in on a screen."""
        data = {"format": name, "fillable": fillable, **self.common, **self.wanted[page]}
        text = _rendered(self.own, page, data)
        title, variant, student = (
            str(self.common.get(about) or "") for about in ("title", "variant", "student")
        )
        wide, language, paper = (
            bool(self.common.get("wide")),
            self.common["language"],
            self.common["paper"],
        )
        title = words("title", {"title": title}, language, self.own)
        code = variant if page == "question" and fillable else ""
        return Body(Markup(text), title, variant, student, wide, language, paper, code, self.own)

    def text(self, page: str, name: str) -> str:
        """A page as a whole file."""
        return document(name, [self.body(page, name)])

    def files(self, formats: Iterable[str], name: str = "") -> dict[str, str]:
        """File name -> text, of every page in each format, under another name if one is given; and its
        pictures, where they are files."""
        formats = [*formats]
        texts = {f"{name or page}.{f}": self.text(page, f) for f in formats for page in self.wanted}
        return texts | (self._beside() if any(FORMATS[f].beside for f in formats) else {})

    def _beside(self) -> dict[str, str]:
        """File name -> SVG."""
        language, files = self.common["language"], {}
        for picture in self._pictures():
            title = _title(picture, language, self.own)
            files[f"{picture.name}.svg"] = svg(_in(language, picture, self.own), title, alone=True)
        return files

    def _pictures(self) -> Iterator[Picture]:
        for page in self.wanted.values():
            told = [page, *page.get("exercises", ())]
            sections = (section for part in told for section in part.get("sections", ()))
            yield from (b.picture for section in sections for b in section.blocks if b.picture)


def document(name: str, bodies: Sequence[Body], fillable: bool = False) -> str:
    """A whole file of a format: each body on paper of its own, with a mark where it begins if it is one
    of several that are to be parted again."""
    first = bodies[0]
    data = {"format": name, "bodies": bodies, "title": first.title, "wide": first.wide}
    data |= {"language": first.language, "typed": True, "fillable": fillable, "paper": first.paper}
    data["decimal_mark"] = _fixed(first.language, first.own)["decimal_mark"]
    return _tidy(_rendered(first.own, "document", data))


def pages(it: Exercise | Paper, formats: Iterable[str], student: str = "") -> dict[str, str]:
    """File name -> text: the solution in each format, and the question where something is asked, each
    with its pictures where they are files."""
    return pages_of(it, student).files(formats)


PAGES = ("question", "solution")


def pages_of(it: Exercise | Paper, student: str = "", only: Collection[str] = PAGES) -> Pages:
    """The solution, and the question where something is asked; with the name of whom they are for,
    where it is known."""
    paper, first = Paper.of(it), 1
    solutions, questions = [], []
    for number, exercise in enumerate(paper.exercises, 1):
        about = {"spec": exercise.spec, "number": number, "before": first - 1}
        own = f"{number}-" if paper.several else ""
        given = _given(exercise)
        if "solution" in only:
            told = {**about, **_solution(exercise, given, first)}
            solutions.append(_named(told, f"solution-{own}"))
        prefix = f"{number}:" if paper.several else ""
        questions.append(_named({**about, **_question(exercise, given, prefix)}, f"question-{own}"))
        first += len(questions[-1]["groups"])
    several = paper.several
    common = {"spec": paper.spec, "variant": paper.variant, "student": student, "several": several}
    common |= _set_in(paper.spec)
    wanted: dict[str, dict[str, Any]] = {}
    if "solution" in only:
        wanted["solution"] = {"exercises": solutions}
    if paper.parts and "question" in only:
        total = sum(part.points for _, part in paper.parts)
        said = [question["instructions"] for question in questions]
        usual = [how for how in said if how["numbers"] and not how["whole"]] or said
        once = usual[0] if several and all(how == usual[0] for how in usual) else None
        wanted["question"] = {"exercises": questions, "total": total, "instructions": once}
    return Pages(wanted, common)


def _named(page: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The page with its pictures called as their files are."""

    def named(block: Block) -> Block:
        drawn = block.picture
        return replace(block, picture=replace(drawn, name=prefix + drawn.name)) if drawn else block

    sections = (replace(s, blocks=tuple(map(named, s.blocks))) for s in page["sections"])
    return {**page, "sections": tuple(sections)}


def _given(exercise: Exercise) -> tuple[Section, ...]:
    """What is said before the questions; not what is asked: shapes are."""
    shapes = any(part.form == "shape" for part in exercise.parts)
    problem = (worked if shapes else _telling(exercise)).problem(exercise)
    return (*problem, *Teller(exercise).kinks())


def _solution(exercise: Exercise, given: tuple[Section, ...], first: int) -> dict[str, Any]:
    """The answers, from question `first` on, and every step."""
    key = tuple(section for section in [answers(exercise, first)] if section)
    told = _asked_for(exercise, _telling(exercise).worked(exercise)) + _points(exercise)
    sections = key + given + mistake(exercise) + told
    return {"sections": sections, "proof": _proof(exercise), "live": partial(live, exercise, sections)}


def _question(exercise: Exercise, given: tuple[Section, ...], prefix: str) -> dict[str, Any]:
    """What is asked, what it is worth, and how answers are written."""
    numbers = [p.answer for p in exercise.parts if p.tolerance is not None]
    whole = all(float(number).is_integer() for number in numbers)
    only = len(numbers) == len(exercise.parts)  # else whole ones go without saying
    how = {"digits": exercise.spec.digits, "whole": whole, "numbers": only or not whole}
    points = sum(part.points for part in exercise.parts)
    return {
        "sections": given + working(exercise),
        "groups": groups(exercise, prefix),
        "points": points,
        "instructions": how,
    }


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


def errata_pages(exercise: Exercise, sections: tuple[Section, ...]) -> Pages:
    """An erratum sheet."""
    data = {"sections": sections, "proof": {**_proof(exercise), "of": "right"}}
    spec = exercise.spec
    return Pages({"errata": data}, {"spec": spec, **_set_in(spec)})


def _set_in(spec: Spec) -> dict[str, Any]:
    """What every page of a spec is set in."""
    return {"title": spec.title, "language": spec.language, "paper": spec.paper}


def marked_pages(
    phrase: str,
    title: str,
    sections: tuple[Section, ...],
    spec: Spec,
    student: str = "",
    variant: str = "",
) -> Pages:
    """What became of a hand-in, or of a class; whatever was typed can be written."""
    about = {"phrase": phrase, "student": student, "variant": variant, "typed": True}
    about |= {**_set_in(spec), "title": title}
    return Pages({"marked": {"sections": sections}}, about | {"wide": not student})


def _proof(exercise: Exercise) -> dict[str, Any]:
    proof = exercise.certificate
    error = shown(float(f"{proof.max_error:.0e}"), 1)
    of = _certain(exercise)
    return {"methods": proof.methods, "error": error, "of": of, "exactly": not proof.max_error}


def _title(picture: Picture, language: str, own: Path | None) -> str:
    """What there is to see, in words."""
    return words(picture.alt, picture.args, language, own)


def words(phrase: str, args: Any, language: str = "en", own: Path | None = None) -> str:
    """A phrase without any markup."""
    _known(language, own)
    template = _environment(own).get_template("pages/words.jinja")
    about = {"format": "spoken", "language": language, "own": own}
    return template.render(**about, phrase=phrase, args=args).strip()


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
