r"""Lexing: LaTeX mathematics -> tokens that say what a command stands for, not how it was typed.

`\times`, `·` and `*` are one mark, `\delta` is the word δ, `\mathrm{net}` the word net; sizes, colours
and labels are gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from derive.quantity import Id
from generator.formula import GREEK

__all__ = ["HAT", "LETTERS", "SEPARATING", "Finder", "Token", "hatted", "tokens"]

MAX_TOKENS = 20_000
HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"


class Token(NamedTuple):
    """kind: number, word, mark, space, row, begin, end, stop; where it starts.  A name has its id."""

    kind: str
    text: str
    at: int
    name: Id | None = None


# What finds the name of a quantity at a place of a text: its tokens, and where it ends.
Finder = Callable[[str, int, int], tuple[list[Token], int] | None]


_TOKEN = re.compile(
    r"(?P<number>(?:\d+(?:(?:\.|\{,\})\d+)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<command>\\(?:[A-Za-z]+\*?|.))"
    r"|(?P<word>[^\W\d_]+)|(?P<soft>\s+|~)|(?P<mark>:=|\*\*|.)",
    re.DOTALL,
)
MARKS = {
    "div": "/",
    "odot": "⊙",
    "circ": "⊙",
    "partial": "∂",
    "prime": "'",
    "lbrack": "[",
    "rbrack": "]",
    "langle": "⟨",
    "rangle": "⟩",
}
MARKS |= dict.fromkeys(("times", "cdot", "ast"), "*")
MARKS |= dict.fromkeys(("approx", "simeq", "doteq", "equiv", "coloneqq", "cong"), "=")
MARKS |= dict.fromkeys(("leftarrow", "gets", "longleftarrow"), "←")
MARKS |= {
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "lt": "<",
    "gt": ">",
    "to": "→",
    "rightarrow": "→",
}
MARKS |= dict.fromkeys(("Rightarrow", "implies", "iff", "Longrightarrow", "Leftrightarrow", "mid"), ";")
MARKS |= dict.fromkeys(("neq", "ne", "gg", "ll", "sim", "propto", "in", "vert", "longrightarrow"), ";")
MARKS |= dict.fromkeys(("checkmark", "therefore", "because", "newline"), ";")
MARKS |= {"quad": "quad", "qquad": "quad", ",": "soft", "!": "soft", "pause": "soft"}
MARKS |= {"thinspace": "soft", "lvert": "|", "rvert": "|"}
MARKS |= {" ": "hard", ";": "hard", ":": "hard", "enspace": "hard"}
UNICODE = {"−": "-", "–": "-", "·": "*", "×": "*", "∗": "*", "⋅": "*", "≈": "=", "′": "'", "’": "'"}
SKIPPED = set(
    "left right big Big bigl bigr Bigl Bigr bigg Bigg displaystyle textstyle limits nonumber notag "
    "hfill bullet hline underline centering boxed underbrace overbrace cancel fbox ensuremath "
    "mathstrut alert only uncover visible onslide structure strut smash mathop mathbin mathrel".split()
)
WITH_ARGUMENT = set("label tag hspace vspace color textcolor footnote phantom hphantom vphantom".split())
WITH_ARGUMENT |= {"underset"}  # the shape under a matrix
SENTENCES = {"intertext", "shortintertext", "caption"}  # words between two equations
UPRIGHT = set(
    "text mathrm mathit mathbf mathsf mathtt textbf textit textrm textnormal bm operatorname boldsymbol "
    "mathcal mbox emph pmb vec".split()
)
LETTERS = {name: letter for letter, name in GREEK.items()}
LETTERS |= {"epsilon": "ε", "phi": "φ", "vartheta": "θ", "ell": "l"}
SEPARATING = set("and or with where if for und mit also so then dann da since hence thus".split())
SPACES = ("soft", "hard", "quad")
_ENVIRONMENT = re.compile(r"\s*\{(\w+)\*?\}((?:\s*\{[^{}]*\}|\s*\[[^\]]*\])*)")
_BRACED = re.compile(r"\s*\{([^{}]*)\}")
_LETTER = re.compile(r"\s*\{\s*([A-Za-z])\s*\}")
_OVERLAY = re.compile(r"\s*<[^<>]*>")


def hatted(letter: str) -> str:
    """A letter with a hat, as the word that it is read as."""
    return letter + HAT


def tokens(source: str, start: int, comma: bool = False, names: Finder | None = None) -> list[Token]:
    """The tokens of one piece of mathematics that starts at `start` of the text; a stop at the end.
    `comma`: a comma between digits is the decimal one; `names` knows those that are typed without
    scripts, w11."""
    found: list[Token] = []
    for character, plain in UNICODE.items():
        source = source.replace(character, plain)
    at = 0
    while at < len(source) and len(found) < MAX_TOKENS:
        match = _TOKEN.match(source, at)
        assert match
        kind, text, where = str(match.lastgroup), match[0], start + at
        if kind == "word" and names and (named := names(source, at, start)):
            found += named[0]
            at = named[1]
            continue
        at = match.end()
        if kind == "command":
            token, at = _command(source, at, text, where)
            found += [token] if token else []
        elif kind == "soft":
            found.append(Token("space", "soft", where))
        elif kind == "number":
            token, at = _number(source, at, text, where, comma)
            found.append(token)
        elif text == "." and source[at : at + 1] == "*":
            found.append(Token("mark", "⊙", where))
            at += 1
        elif text in (":=", "**"):
            found.append(Token("mark", "←" if text == ":=" else "^", where))
        else:
            found.append(Token(kind, text, where))
    return [*found, Token("stop", "", start + at)]


def _number(source: str, at: int, text: str, where: int, comma: bool) -> tuple[Token, int]:
    """A number with its decimals: 0.75, 0{,}75; 0,75 only where the text writes its decimals so."""
    more = re.compile(r",(\d+)(?![\d.])").match(source, at)
    if more and comma and text.isdigit():
        text, at = f"{text}.{more[1]}", more.end()
    return Token("number", text.replace("{,}", "."), where), at


def _command(source: str, at: int, text: str, where: int) -> tuple[Token | None, int]:
    """What a command stands for, and where to go on."""
    name = text[1:].rstrip("*")
    if text == "\\\\":
        return Token("row", text, where), _skip(source, at, r"\*?\s*\[[^\]]*\]")
    if name in ("begin", "end"):
        inside = _ENVIRONMENT.match(source, at)
        if not inside:
            return Token(name, "", where), at
        array = name == "begin" and inside[1] in ("array", "alignat", "alignedat")
        return Token(name, inside[1], where), inside.end() if array else inside.end(1) + 1
    if name in LETTERS:
        return Token("word", LETTERS[name], where), at
    if name in MARKS:
        space = MARKS[name] in SPACES
        return Token("space" if space else "mark", MARKS[name], where), at
    if name in WITH_ARGUMENT or name in SENTENCES:
        mark = Token("mark", ";", where) if name in SENTENCES else Token("space", "soft", where)
        return mark, _skip(source, at, r"\s*\{[^{}]*\}")
    if name == "hat" and (inside := _LETTER.match(source, at)):
        return Token("word", hatted(inside[1]), where), inside.end()
    if name in UPRIGHT:
        inside = _BRACED.match(source, at)
        if inside and re.fullmatch(r"[^\W\d_]+", inside[1]):
            return Token("word", inside[1], where), inside.end()
        if inside and not re.search(r"[\d_^\\]", inside[1]):  # words between two formulas
            return Token("mark", ";", where), inside.end()
        return None, at
    if name in SKIPPED:
        return None, _skip(source, at, _OVERLAY.pattern)
    return Token("word", name, where), at


def _skip(source: str, at: int, pattern: str) -> int:
    match = re.compile(pattern).match(source, at)
    return match.end() if match else at
