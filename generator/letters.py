r"""Letters: what pdflatex has none for, and the fonts that are there for it.

    Ада & Söhne  →  \beyond{/usr/share/fonts/…/DejaVuSerif.ttf}{Ада} \& S\"ohne

lualatex sets that; all else of such a sheet it reads and sets as pdflatex does, with the same fonts.
Fonts are opened by their paths, so no database of their names is ever made.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from generator.latex import escape_latex
from generator.text import CannotWrite, plain

__all__ = ["BEYOND", "latin", "letterless", "readable", "through"]

BEYOND = r"\beyond{"
RIGHT_TO_LEFT = ("R", "AL")
TIMEOUT = 60  # seconds that a look at all fonts may take

# The first that has a letter is taken.
FONTS = (
    "DejaVuSerif.ttf",
    "DejaVuSans.ttf",
    "FreeSerif.[ot]tf",
    "NotoSerif*-Regular.[ot]t[fc]",
    "NotoSans*-Regular.[ot]t[fc]",
    "DroidSansFallback*.ttf",
)
_NOT_ASCII = re.compile(r"\\beyond\{[^}]*\}\{[^}]*\}|[^\x00-\x7f]")
_SAFE = re.compile(r"[\w./+-]+", re.ASCII)  # a path that stands in TeX as it is

# What is in a font, by HarfBuzz, which is in lualatex; nothing where lualatex cannot open fonts.
_LOOK = """\
kpse.set_program_name("lualatex")
local harfbuzz = require("luaharfbuzz")
for _, file in ipairs(kpse.find_file("luaotfload-main", "lua") and arg or {}) do
  local face = harfbuzz.Face.new(file)
  for _, code in ipairs(face and face:collect_unicodes() or {}) do
    file = file .. string.format(" %d", code)
  end
  print(file)
end
"""

# T1 before the class: the first font of lualatex's own would be looked up by its name.
_PRELUDE = r"""\RequirePackage[T1]{fontenc}
\RequirePackage{lmodern}
\newcount\pdfinfoomitdate
\newcount\pdfsuppressptexinfo
\newtoks\pdftrailerid
\pdfvariable suppressoptionalinfo 1023
\protected\def\pdfannot{\pdfextension annot }
\makeatletter
\protected\def\beyond#1#2{{\font\beyondfont="[#1]:mode=harf" at \f@size pt\relax\beyondfont#2}}
\makeatother
"""


@cache
def latin(character: str) -> bool:
    """Whether pdflatex can set a character."""
    try:
        escape_latex(character)
    except CannotWrite:
        return False
    return True


@cache
def _fonts() -> tuple[tuple[str, frozenset[str]], ...]:
    """The fonts that are there and the characters of each, in the order in which they are taken."""
    home, usual = Path.home(), "/usr/local/share:/usr/share"
    data = [os.environ.get("XDG_DATA_HOME") or str(home / ".local/share")]
    data += (os.environ.get("XDG_DATA_DIRS") or usual).split(":")
    folders = [home / ".fonts", Path("/Library/Fonts"), *(Path(folder, "fonts") for folder in data)]
    there = sorted({file for folder in folders for file in folder.rglob("*.[ot]t[fc]")})
    files = [str(file) for name in FONTS for file in there if file.match(name)]
    return tuple(_looked_into([file for file in files if _SAFE.fullmatch(file)]))


def _looked_into(files: Sequence[str]) -> Iterator[tuple[str, frozenset[str]]]:
    with tempfile.TemporaryDirectory(prefix="chainwork-") as folder:
        look = Path(folder, "look.lua")
        look.write_text(_LOOK, encoding="utf-8")
        try:
            run = subprocess.run(  # noqa: S603
                ["lualatex", "--luaonly", str(look), *files], cwd=folder, capture_output=True,  # noqa: S607
                timeout=TIMEOUT, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return
    for line in run.stdout.decode("ascii", "replace").splitlines():
        file, *codes = line.split(" ")
        if file in files:
            yield file, frozenset(chr(int(code)) for code in codes)


@cache
def _font(character: str) -> str:
    """The font for a character, if there is one: not for Latin letters and signs that pdflatex has."""
    strange = _in_word(character) and not unicodedata.name(character).startswith("LATIN")
    if latin(character) and not strange:
        return ""
    return next((file for file, letters in _fonts() if character in letters), "")


def letterless(text: str) -> str:
    """The characters of a text that neither pdflatex nor any font has."""
    return "".join(c for c in dict.fromkeys(text) if not latin(c) and not _font(c))


def through(write: Callable[[str], str], text: str) -> str:
    """Text as `write` has it, but for what a font has that pdflatex has not."""
    if text.isascii() or all(map(latin, text := plain(text))):
        return write(text)
    fonts = [_font(c) for c in text]
    for is_word, places in groupby(range(len(text)), key=lambda i: _in_word(text[i])):
        if is_word:
            _of_one_font(text, fonts, [*places])
    for i in range(1, len(text) - 1):
        if text[i] == " " and fonts[i - 1] == fonts[i + 1]:
            fonts[i] = fonts[i - 1]  # words from right to left stand in that order too
    runs = groupby(zip(fonts, text, strict=True), key=itemgetter(0))
    return "".join(_run(font, "".join(c for _, c in run), write) for font, run in runs)


def _in_word(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character)[0] == "M"


def _of_one_font(text: str, fonts: list[str], word: Sequence[int]) -> None:
    """The letters of a word of one font, where it has them, and accents with what they stand on."""
    font = next((fonts[i] for i in word if fonts[i]), "")
    ways = {unicodedata.bidirectional(text[i]) for i in word} - {"NSM"}
    if font and len(ways) == 1:
        has = dict(_fonts())[font]
        for i in word:
            fonts[i] = font if text[i] in has else fonts[i]


def _run(font: str, text: str, write: Callable[[str], str]) -> str:
    if not font:
        return write(text)
    turned = any(unicodedata.bidirectional(c) in RIGHT_TO_LEFT for c in text)
    return BEYOND + font + "}{" + r"\textdir TRT " * turned + text + "}"


def readable(source: str) -> str:
    """A source for pdflatex as lualatex reads the same from it."""

    def ascii_only(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith(BEYOND) else escape_latex(found[0])

    return _PRELUDE + _NOT_ASCII.sub(ascii_only, source)
