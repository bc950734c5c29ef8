"""Plain: what was typed -> the characters that the lexer knows, and where each of them stood.

    −0,0822   10⁻²   a₁⁽²⁾   ½   ->   -0,0822   10^{-2}   a_{1}^{(2)}   (1/2)

Too long a text and characters that cannot be seen (NUL, bidi marks) are refused before anything else
looks at them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from generator.unreadable import Unreadable

__all__ = ["MAX_LENGTH", "WRAPPERS", "Plain", "Rows", "placed", "plain", "unwrapped"]

MAX_LENGTH = 1000
SPACES = "\t\n\r"

# One character for one, so that offsets stay what they are.
_SAME = {
    "-": "−–—‐‑‒﹣",
    "*": "×·∙⋅∗•",
    "/": "÷∕⁄",
    "'": "′’‘ʹ`´",
    '"': "“”„‟«»",
    " ": "\t\n\r\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))),
    "≈": "≃≅≐",
    "μ": "µ",
    "ε": "ϵ",
    "φ": "ϕ",
    "|": "∣",
}
SAME = {ord(typed): read for read, typings in _SAME.items() for typed in typings}
SAME |= {full: chr(full - 0xFEE0) for full in range(0xFF01, 0xFF5F)}  # full-width letters and digits

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾", "0123456789+-()", strict=True)) | {"ᵀ": "T"}
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎", "0123456789+-()", strict=True))
HALVES = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_SCRIPTS = re.compile(f"(?P<up>[{''.join(RAISED)}]+)|(?P<down>[{''.join(LOWERED)}]+)|[{HALVES}]")


class Plain(NamedTuple):
    """The text, and of each of its characters the place where it was typed (None: the same)."""

    text: str
    origin: list[int] | None = None

    def typed_at(self, offset: int | None) -> int | None:
        """Where something was typed."""
        if offset is None or self.origin is None:
            return offset
        return self.origin[min(offset, len(self.origin) - 1)]


def plain(text: str) -> Plain:
    """The text in plain characters; Unreadable if it is too long or has what cannot be seen."""
    if len(text) > MAX_LENGTH:
        raise Unreadable("long", MAX_LENGTH, str(MAX_LENGTH))
    if text.isascii() and text.isprintable():
        return Plain(text)
    for at, character in enumerate(text):
        if not (character.isprintable() or character in SPACES or character.isspace()):
            raise Unreadable("character", at, f"U+{ord(character):04X}")
        if unicodedata.category(character) == "Cc" and character not in SPACES:
            raise Unreadable("character", at, f"U+{ord(character):04X}")
    same = text.translate(SAME)
    return Plain(same) if _SCRIPTS.search(same) is None else _scripts(same)


def _scripts(text: str) -> Plain:
    """Raised and lowered digits as scripts in braces, ½ as a fraction."""
    pieces: list[str] = []
    origin: list[int] = []
    at = 0
    for match in _SCRIPTS.finditer(text):
        if match["up"]:
            put = "^{" + "".join(RAISED[c] for c in match[0]) + "}"
        elif match["down"]:
            put = "_{" + "".join(LOWERED[c] for c in match[0]) + "}"
        else:
            if text[: match.start()].rstrip()[-1:].isdigit():
                raise Unreadable("mixed", match.start(), match[0])
            top, _, bottom = unicodedata.normalize("NFKC", match[0]).partition("\N{FRACTION SLASH}")
            put = f"({top}/{bottom})"
        pieces += [text[at : match.start()], put]
        origin += [*range(at, match.start()), *[match.start()] * len(put)]
        at = match.end()
    return Plain("".join([*pieces, text[at:]]), [*origin, *range(at, len(text) + 1)])


# --- what is around an answer -------------------------------------------------------------------

# What is taken off, again and again, and what is remarked of it.
Rows = tuple[tuple[re.Pattern[str], str], ...]
WRAPPERS: Rows = tuple(
    (re.compile(rf"\s*(?:{pattern})\s*", re.DOTALL), remark)
    for pattern, remark in (
        (r"\$\$?(?P<in>[^$]*)\$\$?", ""),
        (r"\\\((?P<in>.*)\\\)|\\\[(?P<in2>.*)\\\]", ""),
        (r"\\boxed\s*\{(?P<in>[^{}]*)\}|\\displaystyle(?P<in2>.*)", ""),
        (r'"(?P<in>[^"]*)"', "quotes"),
        (r"'(?P<in>[^']*)'?", "quotes"),
        (r"(?:=|\\,|\\;|\\ )(?P<in>.*)|(?P<in2>.*)(?:\\,|\\;|\\ )", ""),
    )
)
MAX_WRAPPERS = 8


def unwrapped(source: str, rows: Rows, remarks: list[str]) -> tuple[int, int]:
    """Where the answer itself starts and ends."""
    lo, hi = 0, len(source)
    for _ in range(MAX_WRAPPERS):
        for pattern, remark in rows:
            if match := pattern.fullmatch(source, lo, hi):
                inside = "in" if match["in"] is not None else "in2"
                lo, hi = match.span(inside)
                remarks += [remark] if remark and remark not in remarks else []
                break
        else:
            break
    while lo < hi and source[lo] == " ":
        lo += 1
    while lo < hi and source[hi - 1] == " ":
        hi -= 1
    return lo, hi


def placed(error: Unreadable, typed: Plain) -> Unreadable:
    """The same, at the place where it was typed."""
    return Unreadable(error.reason, typed.typed_at(error.offset), error.found)
