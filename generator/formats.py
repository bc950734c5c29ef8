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
from generator.typst import escape_typst, typst

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True)
class Format:
    """How text is escaped, and how a formula is printed in a sentence and on a line of its own."""

    escape: Callable[[str], str]
    inline: Callable[[Node], str]
    math: Callable[[Node], str]


def _dollars(math: Callable[[Node], str]) -> Callable[[Node], str]:
    return lambda node: f"${math(node)}$"


FORMATS: Mapping[str, Format] = {
    "md": Format(escape_markdown, _dollars(latex), latex),
    "tex": Format(escape_latex, _dollars(latex), latex),
    "typ": Format(escape_typst, _dollars(typst), typst),
    "html": Format(escape_html, mathml, partial(mathml, display=True)),
}
