"""LaTeX: the math tree's printer, and text.

The LaTeX is what pdflatex and GitHub's Markdown both read: no backslash before punctuation, no `<`, `*`
or `|`, and no `_` between braces, which Markdown would take for emphasis.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache, singledispatch

from generator.formula import (
    GREEK,
    INFIX,
    RELATIONS,
    THIN,
    Aligned,
    Boxed,
    Brace,
    Cases,
    Either,
    Fence,
    Fraction,
    Hat,
    Index,
    Matrix,
    Node,
    Number,
    Op,
    Root,
    Row,
    Symbol,
    Text,
    Under,
    tall,
    two_scripts,
)
from generator.text import CannotWrite, plain

__all__ = ["escape_latex", "latex", "latex_rows"]

LATEX_OPS = {
    "−": "-",
    "·": r"\cdot",
    "×": r"\times",
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "≈": r"\approx",
}
LATEX_OPS |= {
    ",": ", ",
    "±": r"\pm",
    "→": r"\to",
    "∂": r"\partial",
    "∑": r"\sum",
    " ": r"\quad",
    "′": r"\prime",
}
LATEX_OPS |= {
    "⟨": r"\langle",
    "⟩": r"\rangle",
    "⋅": r"\cdot",
    "⊙": r"\odot",
    "…": r"\ldots",
    THIN: r"\thinspace",
}
LATEX_TEXT = {"\\": r"\textbackslash ", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_"}
LATEX_TEXT |= {"{": r"\{", "}": r"\}", "~": r"\textasciitilde ", "^": r"\textasciicircum "}


_CONTROL_WORD = re.compile(r"\\[A-Za-z]+$")


@singledispatch
def latex(node: object) -> str:
    """The formula as LaTeX math, without delimiters."""
    raise TypeError(node)


@latex.register
def _(node: Number) -> str:
    text = node.text.replace(",", "{,}")  # a decimal comma has no space after it
    return text if node.exponent is None else rf"{text} \cdot 10^{{{node.exponent}}}"


@latex.register
def _(node: Symbol) -> str:
    if len(node.text) == 1:
        return "\\" + GREEK[node.text] if node.text in GREEK else node.text
    return rf"\mathrm{{{node.text}}}"


@latex.register
def _(node: Text) -> str:
    return r"\text{" + "".join(LATEX_TEXT.get(c, c) for c in node.text) + "}"


@latex.register
def _(node: Op) -> str:
    return LATEX_OPS.get(node.text, node.text)


@latex.register
def _(node: Row) -> str:
    text = ""
    for position, item in enumerate(node.items):
        part = latex(item)
        if isinstance(item, Op) and item.text in INFIX and (position or item.text in RELATIONS):
            part = f" {part} "
        elif _CONTROL_WORD.search(text) and part[:1].isalpha():
            part = " " + part
        text += part
    return text.strip()


@latex.register
def _(node: Fraction) -> str:
    return rf"\frac{{{latex(node.top)}}}{{{latex(node.bottom)}}}"


@latex.register
def _(node: Index) -> str:
    base = latex(node.base)
    if isinstance(node.base, Row | Fraction | Index):
        base = "{" + base + "}"
    # Between two braces `_` opens Markdown's emphasis, before a space it does not; TeX skips the space.
    below = "_ " if base.endswith("}") else "_"
    sub = f"{below}{{{latex(node.sub)}}}" if node.sub else ""
    return base + sub + (f"^{{{latex(node.sup)}}}" if node.sup else "")


@latex.register
def _(node: Root) -> str:
    return rf"\sqrt{{{latex(node.body)}}}"


@latex.register
def _(node: Hat) -> str:
    return rf"\hat{{{latex(node.body)}}}"


@latex.register
def _(node: Fence) -> str:
    left, right = node.kind
    if tall(node.body):
        return rf"\left{left} {latex(node.body)} \right{right}"
    return f"{left}{latex(node.body)}{right}"


@latex.register
def _(node: Matrix) -> str:
    cell = _loose if node.loose else latex
    lines = " \\\\\n".join(" & ".join(map(cell, line)) for line in node.rows)
    return f"\\begin{{bmatrix}}\n{lines}\n\\end{{bmatrix}}"


def _loose(node: Node) -> str:
    """An element of a matrix: a fraction as large as outside, with room above and below."""
    if tall(node):
        return rf"\displaystyle {latex(node)}\vphantom{{\Bigg(}}"
    return latex(node) + (r"\vphantom{\Big(}" if two_scripts(node) else "")


@latex.register
def _(node: Under) -> str:
    return rf"\underset{{{latex(node.below)}}}{{{latex(node.body)}}}"


@latex.register
def _(node: Brace) -> str:
    return rf"\underbrace{{{latex(node.body)}}}_ {{{latex(node.below)}}}"


@latex.register
def _(node: Boxed) -> str:
    return rf"\boxed{{{latex(node.body)}}}"


@latex.register
def _(node: Cases) -> str:
    lines = " \\\\\n".join(f"{latex(v)} & {latex(c)}" for v, c in node.branches)
    return f"\\begin{{cases}}\n{lines}\n\\end{{cases}}"


def latex_rows(node: Aligned) -> str:
    """The lines alone, for an environment that a page may break (align*)."""
    return " \\\\\n".join(f"{latex(left)} & {latex(right)}".strip() for left, right in node.lines)


@latex.register
def _(node: Either) -> str:
    return latex(node.shown)


@latex.register
def _(node: Aligned) -> str:
    return f"\\begin{{aligned}}\n{latex_rows(node)}\n\\end{{aligned}}"


# --- text ---

_SPECIALS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIALS |= {c: "\\" + c for c in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}
_SPECIALS |= {"|": r"\textbar{}", '"': r"\textquotedbl{}", "'": "'", "`": r"\textasciigrave{}"}
# An accent of its own would be set on the letter behind it.
_UNDEFINED = "ΑΒΕΖΗΙΚΜΝΟΡΤΧο"  # latexcodec has \Alpha … for them


@lru_cache(maxsize=4096)  # most of what stands on pages stands there often
def escape_latex(text: str) -> str:
    """Text for pdflatex: specials in one pass, then accents by latexcodec; CannotWrite names a
    character that it cannot set."""
    parts = []
    if not text.isascii():
        import latexcodec  # noqa: F401  (registers the codec; 60 ms, so only where it is needed)
    text = plain(text)
    for before, character in zip(" " + text, text, strict=False):
        if character in _SPECIALS:
            parts.append(_SPECIALS[character])
        elif character.isascii():  # -- and ,, are ligatures to TeX
            parts.append("{}" * (character == before and character in "-,'") + character)
        else:
            try:
                if character in _UNDEFINED or unicodedata.combining(character):
                    raise ValueError(character)
                encoded = character.encode("latex").decode("ascii")
                ends = re.search(r"\\[A-Za-z]+$", encoded)  # \i would swallow a letter behind it
                parts.append(encoded + "{}" if ends else encoded)
            except ValueError:
                name = unicodedata.name(character, "unknown")
                raise CannotWrite(f"pdflatex cannot write {character!r} ({name})") from None
    return "".join(parts)
