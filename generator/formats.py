"""Formats: what pages can be written as; a row each.

A format's name is its folder under templates/ and the ending of its files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from generator.formula import Node
from generator.latex import escape_latex, latex
from generator.markdown import escape_markdown
from generator.mathml import escape_html, mathml
from generator.picture import Picture, figure, pict2e, spoken, svg
from generator.text import plain
from generator.typst import escape_typst, typst

__all__ = ["FORMATS", "SPOKEN", "Format"]


@dataclass(frozen=True)
class Format:
    """How text is escaped, how a formula is printed in a sentence and on a line of its own, and how a
    picture is, of which a title says what there is to see; `beside`: only its file's name is."""

    escape: Callable[[str], str]
    inline: Callable[[Node], str]
    math: Callable[[Node], str]
    picture: Callable[[Picture, str], str]
    beside: bool = False


def _dollars(math: Callable[[Node], str]) -> Callable[[Node], str]:
    return lambda node: f"${math(node)}$"


def _reference(picture: Picture, title: str) -> str:
    return f"![{escape_markdown(title)}]({picture.name})"


FORMATS: Mapping[str, Format] = {
    "md": Format(escape_markdown, _dollars(latex), latex, _reference, beside=True),
    "tex": Format(escape_latex, _dollars(latex), latex, pict2e),
    "typ": Format(escape_typst, _dollars(typst), typst, figure),
    "html": Format(escape_html, mathml, partial(mathml, display=True), svg),
}
SPOKEN = Format(plain, spoken, spoken, lambda picture, title: title)  # words alone: of a picture's title
