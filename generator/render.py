"""Render: pages from Jinja templates; a format is a folder of templates and one way to escape.

Everything a template prints is escaped for its format unless it is a formula (printed by one of the
printers) or the output of another macro.  Undefined names are errors.
"""

from __future__ import annotations

import re
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, get_args

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    pass_context,
)
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from generator.code import code
from generator.deck import Slide, slides
from generator.formats import FORMATS, SPOKEN
from generator.formula import Aligned, Node, Number, Text, rewritten
from generator.latex import latex_rows
from generator.page import Section
from generator.picture import Label, Picture, extent, svg
from generator.prose import TEMPLATES, languages
from generator.text import CannotRender, CannotWrite

__all__ = ["Body", "Booklet", "Pages", "document", "words"]

NODES = get_args(Node)
LONG = 16.0  # em of a formula that the end of a page may part: a quarter of the page
Through = Callable[[Callable[[str], str], str], str]  # text as a format has it, and letters beyond it


@pass_context
def _printed(context: Context, value: Any) -> Any:
    """What `{{ value }}` prints: a formula as inline math, text escaped for the page's format."""
    if isinstance(value, Markup | StrictUndefined):
        return value
    written = FORMATS.get(context["format"], SPOKEN)
    if isinstance(value, NODES):
        return Markup(written.inline(_localised(context)(value)))
    write, text = written.escape, str(value)
    if through := context.get("through"):
        write = partial(through, write)
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
    drawn = replace(drawn, name=_beside(context["folder"], picture))
    return Markup(FORMATS[context["format"]].picture(drawn, title))


def _beside(folder: str, picture: Picture) -> str:
    """The file of a picture, from where the page is."""
    return f"{folder}/{picture.name}.svg" if folder else f"{picture.name}.svg"


@pass_context
def _slides(context: Context, sections: Sequence[Section]) -> list[Slide]:
    """Sections as slides."""
    language, own = context["language"], context["own"]
    return [*slides(sections, lambda block: len(words(block.phrase, block.args, language, own)))]


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
    environment.filters["slides"] = _slides
    environment.tests["aligned"] = lambda node: isinstance(node, Aligned)
    environment.tests["long"] = lambda node: sum(extent(node)) > LONG
    return environment


def _rendered(own: Path | None, page: str, data: Mapping[str, Any]) -> str:
    """A page; CannotRender says in which file and line a template of one's own goes wrong, or that
    nobody has written the language."""
    _known(data["language"], own)
    try:
        context = {**data, "own": own}
        set_in = tuple((name, context.get(name)) for name in SET_IN)
        macros = _macros(set_in) if own is None else _macros.__wrapped__(set_in)
        return _environment(own).get_template(f"pages/{page}.jinja").render(context | macros)
    except (TemplateError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if own is None or isinstance(error, CannotWrite):
            raise
        raise CannotRender(_place(own, error)) from None


# What all pages of a class have in common, and all that a macro needs to know beside what it is given.
SET_IN = ("format", "language", "form", "paper", "fillable", "typed", "through", "folder", "own")


@lru_cache(64)
def _macros(set_in: tuple[tuple[str, Any], ...]) -> dict[str, TemplateModule]:
    """What a page is made of: `page`, the macros of its format, and `prose`, those of its language."""
    context = dict(set_in)
    environment = _environment(context["own"])
    context["decimal_mark"] = _fixed(context["language"], context["own"])["decimal_mark"]
    files = {"page": f"{context['format']}/page.jinja", "prose": f"prose/{context['language']}.jinja"}
    return {name: environment.get_template(file).make_module(context) for name, file in files.items()}


@cache
def _ours() -> list[str]:
    return languages()


def _known(language: str, own: Path | None) -> None:
    if language not in _ours() and language not in (there := languages(own)):
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
    form: str  # of the paper: narrow, wide, slides
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
    folder: str = ""  # of its pictures, where they are files beside one page of many

    def among(self, folder: str) -> Pages:
        """The same among others, with the files of its pictures in a folder of its own."""
        return replace(self, folder=folder)

    def body(self, page: str, name: str, fillable: bool = False, through: Through | None = None) -> Body:
        """A page in a format; with marks where an answer goes, if it is to be filled in on a screen."""
        form = page if page == "slides" else "wide" if self.common.get("wide") else "narrow"
        data = {"format": name, "fillable": fillable, **self.common, **self.wanted[page]}
        data |= {"folder": self.folder, "form": form, "through": None if self.own else through}
        text = _rendered(self.own, page, data)
        title, variant, student = (
            str(self.common.get(about) or "") for about in ("title", "variant", "student")
        )
        language, paper = self.common["language"], self.common["paper"]
        title = words("title", {"title": title}, language, self.own)
        code = variant if page == "question" else ""
        return Body(Markup(text), title, variant, student, form, language, paper, code, self.own)

    def text(self, page: str, name: str) -> str:
        """A page as a whole file."""
        return document(name, [self.body(page, name)])

    def files(self, formats: Iterable[str], name: str = "") -> dict[str, str]:
        """File name -> text, of every page in each format, under another name if one is given; and its
        pictures, where they are files."""
        formats = [*formats]
        texts = {f"{name or page}.{f}": self.text(page, f) for f in formats for page in self.wanted}
        return texts | (self.beside() if any(FORMATS[f].beside for f in formats) else {})

    def beside(self) -> dict[str, str]:
        """File name -> SVG."""
        language, files = self.common["language"], {}
        for picture in self._pictures():
            title = _title(picture, language, self.own)
            files[_beside(self.folder, picture)] = svg(
                _in(language, picture, self.own), title, alone=True
            )
        return files

    def _pictures(self) -> Iterator[Picture]:
        for page in self.wanted.values():
            told = [page, *page.get("exercises", ())]
            sections = (section for part in told for section in part.get("sections", ()))
            yield from (b.picture for section in sections for b in section.blocks if b.picture)


@dataclass(frozen=True)
class Booklet:
    """Pages of several papers as one file, in their order, each on paper of its own."""

    leaves: Sequence[tuple[Pages, str]]

    def bodies(self, name: str, through: Through | None = None) -> list[Body]:
        """What stands on them, in a format."""
        return [pages.body(page, name, through=through) for pages, page in self.leaves]

    def files(self, formats: Iterable[str], name: str) -> dict[str, str]:
        """File name -> text, in each format; and the pictures, where they are files."""
        files: dict[str, str] = {}
        for f in formats:
            files[f"{name}.{f}"] = document(f, self.bodies(f))
            if FORMATS[f].beside:
                for pages, page in self.leaves:
                    files |= replace(pages, wanted={page: pages.wanted[page]}).beside()
        return files


def document(
    name: str, bodies: Sequence[Body], fillable: bool = False, through: Through | None = None
) -> str:
    """A whole file of a format: each body on paper of its own, with a mark where it begins if it is one
    of several that are to be parted again."""
    first = bodies[0]
    data: dict[str, Any] = {"format": name, "bodies": bodies, "fillable": fillable, "typed": True}
    data |= {about: getattr(first, about) for about in ("title", "form", "language", "paper")}
    data["through"] = None if first.own else through
    return _tidy(_rendered(first.own, "document", data))


def _title(picture: Picture, language: str, own: Path | None) -> str:
    """What there is to see, in words."""
    return words(picture.alt, picture.args, language, own)


def words(phrase: str, args: Any, language: str = "en", own: Path | None = None) -> str:
    """A phrase without any markup."""
    _known(language, own)
    return str(_words(language, own).said(phrase, args)).strip()


@cache
def _words(language: str, own: Path | None) -> Any:
    """The phrases of a language, read once."""
    template = _environment(own).get_template("pages/words.jinja")
    return template.make_module({"format": "spoken", "language": language, "own": own})


def _tidy(text: str) -> str:
    """No runs of blank lines, no trailing spaces."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
