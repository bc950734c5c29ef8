r"""Lexing: LaTeX mathematics -> tokens that say what a command stands for, not how it was typed.

`\times`, `·` and `*` are one mark, `\delta` is the word δ, `\mathrm{net}` the word net; sizes, colours
and labels are gone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from generator.formula import GREEK

__all__ = ["SEPARATING", "Token", "tokens"]

MAX_TOKENS = 20_000


class Token(NamedTuple):
    """kind: number, word, mark, space, row, begin, end, stop; where it starts."""

    kind: str
    text: str
    at: int


_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<command>\\(?:[A-Za-z]+\*?|.))|(?P<word>[^\W\d_]+)"
    r"|(?P<soft>\s+|~)|(?P<mark>.)",
    re.DOTALL,
)
MARKS = {"times": "*", "cdot": "*", "ast": "*", "div": "/", "odot": "⊙", "circ": "⊙", "partial": "∂"}
MARKS |= {"approx": "=", "simeq": "=", "doteq": "=", "equiv": "=", "coloneqq": "=", "gets": "="}
MARKS |= {"leftarrow": "=", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "lt": "<", "gt": ">"}
MARKS |= {"to": "→", "rightarrow": "→", "prime": "'", "Rightarrow": ";", "implies": ";", "iff": ";"}
MARKS |= {"lbrack": "[", "rbrack": "]", "{": "(", "}": ")", "quad": "quad", "qquad": "quad"}
MARKS |= {" ": "hard", ";": "hard", ":": "hard", ",": "soft", "!": "soft", "enspace": "hard"}
UNICODE = {"−": "-", "–": "-", "·": "*", "×": "*", "∗": "*", "≈": "=", "′": "'", "’": "'", "⋅": "*"}
UNICODE |= {"²": "^2", "½": "(1/2)"}
SKIPPED = {"left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "bigg", "Bigg", "displaystyle"}
SKIPPED |= {
    "textstyle",
    "limits",
    "nonumber",
    "notag",
    "hfill",
    "bullet",
    "hline",
    "underline",
    "centering",
}
WITH_ARGUMENT = {"label", "tag", "hspace", "vspace", "color", "textcolor", "footnote", "phantom"}
WORDS = {"text", "mathrm", "mathit", "mathbf", "mathsf", "mathtt", "textbf", "textit", "textrm", "bm"}
WORDS |= {"operatorname", "boldsymbol", "mathcal", "mbox", "emph", "pmb"}
WRAPPERS = {"boxed", "underbrace", "overbrace", "cancel", "fbox", "ensuremath", "mathstrut"}
LETTERS = {name: letter for letter, name in GREEK.items()} | {
    "epsilon": "ε",
    "phi": "φ",
    "vartheta": "θ",
}
LETTERS |= {"ell": "l"}
SEPARATING = {"and", "or", "with", "where", "if", "for", "und", "mit", "also", "so", "then"}


def tokens(source: str, start: int) -> list[Token]:
    """The tokens of one piece of mathematics that starts at `start` of the text; a stop at the end."""
    found: list[Token] = []
    for character, plain in UNICODE.items():
        if len(plain) == 1:
            source = source.replace(character, plain)
    at = 0
    while at < len(source) and len(found) < MAX_TOKENS:
        match = _TOKEN.match(source, at)
        assert match
        kind, text, where = str(match.lastgroup), match[0], start + at
        at = match.end()
        if kind == "command":
            name = text[1:].rstrip("*")
            if text == "\\\\":
                found.append(Token("row", text, where))
                at = _skip(source, at, r"\*?\s*\[[^\]]*\]")
            elif name in ("begin", "end"):
                inside = re.compile(r"\s*\{(\w+)\*?\}(\s*\{[lcr|@{}\s]*\})?").match(source, at)
                found.append(Token(name, inside[1] if inside else "", where))
                at = inside.end() if inside else at
            elif name in LETTERS:
                found.append(Token("word", LETTERS[name], where))
            elif name in MARKS:
                space = MARKS[name] in ("soft", "hard", "quad")
                found.append(Token("space" if space else "mark", MARKS[name], where))
            elif name in WITH_ARGUMENT:
                at = _skip(source, at, r"\s*\{[^{}]*\}")
                found.append(Token("space", "soft", where))
            elif name in WORDS:
                inside = re.compile(r"\s*\{([^{}]*)\}").match(source, at)
                if inside and re.fullmatch(r"\s*[^\W\d_]+\s*", inside[1]):
                    found.append(Token("word", inside[1].strip(), where))
                    at = inside.end()
                elif inside and not re.search(r"[\d_^\\]", inside[1]):
                    found.append(Token("mark", ";", where))
                    at = inside.end()
            elif name not in SKIPPED and name not in WRAPPERS:
                found.append(Token("word", name, where))
        elif kind == "soft":
            found.append(Token("space", "soft", where))
        elif text == "." and source[at : at + 1] == "*":
            found.append(Token("mark", "⊙", where))
            at += 1
        else:
            found.append(Token(kind, text, where))
    return [*found, Token("stop", "", start + at)]


def _skip(source: str, at: int, pattern: str) -> int:
    match = re.compile(pattern).match(source, at)
    return match.end() if match else at
