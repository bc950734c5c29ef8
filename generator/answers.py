r"""Answers: what a student types -> a number, or Unreadable; whether anything was answered at all.

    read_number("−0,0822", ",")     Decimal("-0.0822"), 3 digits
    read_number(r"$\frac{1}{3}$")   Fraction(1, 3)
    read_number("1,234", None)      Unreadable: it can be two numbers

Nothing is guessed: what has two readings is unreadable, what was read in an unusual way is remarked
upon.  Nothing is executed; length, digits and exponents are bounded before anything is computed.
Formulas are read by `typed`, matrices by `matrices`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from generator.grammar import FUNCTIONS, MAX_EXPONENT
from generator.lexing import LETTERS
from generator.plain import WRAPPERS, placed, plain, unwrapped
from generator.unreadable import Unreadable

__all__ = ["BLANKS", "MAX_DIGITS", "REMARKS", "Answer", "blank", "read_number"]

MAX_NUMBER, MAX_DIGITS = 120, 40

# What says that there is no answer, in small letters, without spaces, dots and dashes around.
BLANKS = set(
    "n/a|na|n.a|k.a|k. a|ka|none|nil|blank|leer|empty|skip|skipped|no answer|not answered|no idea|idk|"
    "i don't know|don't know|dont know|keine|keine antwort|keine ahnung|ohne antwort|nicht bearbeitet|"
    "weiß nicht|weiß ich nicht|weiss nicht|weiss ich nicht|tbd|todo".split("|")
)

REMARKS = {
    "mark": "the other decimal mark was typed",
    "thousands": "typed with a mark between thousands",
    "percent": "typed in percent",
    "name": "what stands before = was left out",
    "about": "a sign for 'about' was left out",
    "quotes": "quotation marks or a spreadsheet's apostrophe were left out",
    "stop": "a mark behind the number was left out",
    "unit": "words behind the number were left out",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A number as it was typed, 0.0820 with its last 0; `remarks` are rows of REMARKS."""

    value: Decimal | Fraction
    remarks: tuple[str, ...] = ()

    @property
    def number(self) -> float:
        """The nearest floating-point number."""
        return float(self.value)

    @property
    def digits(self) -> int | None:
        """How many significant digits were typed; None for a fraction."""
        return len(self.value.as_tuple().digits) if isinstance(self.value, Decimal) else None

    @property
    def unit(self) -> Decimal | None:
        """What one more in the last digit would be; None for a fraction."""
        if isinstance(self.value, Fraction):
            return None
        return Decimal((0, (1,), int(self.value.as_tuple().exponent)))


def blank(text: str) -> bool:
    """Whether nothing was answered: nothing, a dash, a question mark, "keine Antwort"."""
    if len(text) > MAX_NUMBER:
        return not text[: 10 * MAX_NUMBER].strip() and not text.strip()
    bare = text.strip(" \t\r\n\u00a0.,;:-–—−_…?!/\"'()").casefold()
    return not bare or " ".join(bare.split()) in BLANKS


# --- numbers ------------------------------------------------------------------------------------

_NAME = r"[^=≈]*[^\W\d_][^=≈]*"
AROUND_NUMBERS = (
    *WRAPPERS,
    *(
        (re.compile(rf"\s*(?:{pattern})\s*", re.DOTALL | re.IGNORECASE), remark)
        for pattern, remark in (
            (rf"{_NAME}(?:[=≈]|\\approx(?![a-z]))(?P<in>[^=]*)", "name"),
            (r"(?:≈|~|\\approx|\\sim|ca\.?|circa|etwa|about|approx\.?)(?P<in>[^a-z].*)", "about"),
            (r"\((?P<in>[^()]*)\)|\{(?P<in2>[^{}]*)\}", ""),
            (r"(?P<in>.*[\d%})])\s*[.;,]", "stop"),
        )
    ),
)
_SIMPLE = re.compile(r" *([+-]?\d{1,30}(?:\.\d{1,30})?) *", re.ASCII)
_BODY = r"(?:\d(?:[\d.,' ]*[\d.,])?|[.,]\d+)"
_TIMES = r"(?:\*|x|\\cdot|\\times|\\ast)"
_TEN = r"10\s*(?:\^|\*\*)\s*[{(]?\s*(?P<ten>[+-]?\s*\d+)\s*[})]?"
_DECIMAL = re.compile(
    rf"(?P<sign>[+-]?)\s*(?:(?P<body>{_BODY})"
    rf"(?:\s*e\s*(?P<exponent>[+-]?\s*\d+)|\s*{_TIMES}\s*{_TEN})?|{_TEN.replace('ten', 'alone')})"
    r"\s*(?P<percent>\\?%|percent|prozent)?",
    re.ASCII | re.IGNORECASE,
)
_PART = rf"\s*[+-]?\s*{_BODY}\s*"
_FRACTION = re.compile(
    rf"(?P<sign>[+-]?)\s*(?:(?P<top>{_BODY})\s*/\s*(?P<bottom>[+-]?\s*{_BODY})"
    rf"|\((?P<top2>{_PART})/(?P<bottom2>{_PART})\)|\((?P<top3>{_PART})\)\s*/\s*\((?P<bottom3>{_PART})\)"
    rf"|\\[dt]?frac\s*(?:\{{(?P<top4>{_PART})\}}|(?P<top5>\d))\s*(?:\{{(?P<bottom4>{_PART})\}}"
    r"|(?P<bottom5>\d)))",
    re.ASCII,
)
_MONTH = r"(?:jan|feb|m[aä]r|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]*"
# What a spreadsheet, a slip of the keyboard or a program made of a number.
DAMAGE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (rf"\d{{1,4}}[.\-/ ]*{_MONTH}(?:[.\-/ ]*\d{{1,4}})?\.?", "date"),
        (rf"{_MONTH}[.\-/ ]*\d{{1,4}}(?:[.,\-/ ]+\d{{1,4}})?", "date"),
        (r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})(?: .*)?|\d{1,2}/\d{1,2}/\d{2,4}(?: .*)?", "date"),
        (r"\d{4}-\d{1,2}-\d{1,2}(?:[ T].*)?|\d{1,2}:\d{2}(?::\d{2})?", "date"),
        (r"#+|#[A-Z/0]+[!?]?", "spreadsheet"),
        (r"[+-]?\s*(?:nan|inf|infinity|∞|\\infty)|true|false|wahr|falsch", "not a number"),
        (r"[+-]\s*[+-].*", "signs"),
        (r"[+-]?\s*\d+\s+\d+\s*/\s*\d+", "mixed"),
    )
)
_UNIT = re.compile(
    r"(?P<in>.*[\d%.})])\s*(?:\\(?:text|mathrm)\s*\{(?P<text>[^{}\d]*)\}|(?P<word>[^\W\d_]{2,}))",
    re.DOTALL,
)
# Words that change the number before them.
CHANGING = {
    *LETTERS,
    *FUNCTIONS,
    *"or oder and und to bis minus plus mal times million millionen".split(),
}
CHANGING |= set("mio mrd tsd thousand tausend hundred hundert billion milliarden dozen percent".split())


def read_number(text: str, decimal_mark: str | None = ".") -> Answer:
    """The number that was typed.  `decimal_mark`: "." or ",", that of the course; None: not known, so
    that 1,234 and 1.234 are unreadable."""
    typed = plain(text)
    if decimal_mark == "." and (simple := _SIMPLE.fullmatch(typed.text)):
        digits = simple[1]
        if len(digits) <= MAX_DIGITS:
            return Answer(Decimal(digits))
    try:
        return _number(typed.text, decimal_mark)
    except Unreadable as error:
        raise placed(error, typed) from None


def _number(source: str, mark: str | None) -> Answer:
    remarks: list[str] = []
    if blank(source):
        raise Unreadable("blank", 0)
    source = source.replace("{,}", ",")
    lo, hi = unwrapped(source, AROUND_NUMBERS, remarks)
    shown = source[lo:hi]
    if not shown:
        raise Unreadable("nothing", lo)
    if len(shown) > MAX_NUMBER:
        raise Unreadable("long", lo, str(MAX_NUMBER))
    if "=" in shown:
        raise Unreadable("left side" if shown.count("=") == 1 else "sides", lo)
    for pattern, reason in DAMAGE:
        if pattern.fullmatch(shown):
            raise Unreadable(reason, lo, shown)
    value = _value(shown, mark, lo, remarks)
    if value is None and (unit := _UNIT.fullmatch(shown)):
        word = unit["word"] if unit["text"] is None else unit["text"]
        if word.strip().lower() in CHANGING:
            raise Unreadable("words", lo + unit.end("in"), word)
        value = _value(unit["in"].strip(), mark, lo, remarks)
        remarks.append("unit")
    if value is None:
        raise _no_number(shown, lo)
    return Answer(value, tuple(remarks))


def _value(shown: str, mark: str | None, at: int, remarks: list[str]) -> Decimal | Fraction | None:
    """The value of a decimal or a fraction; None if it is neither."""
    if match := _DECIMAL.fullmatch(shown):
        ten = match["exponent"] or match["ten"] or match["alone"] or "0"
        exponent = int(ten.replace(" ", ""))
        if match["percent"]:
            exponent -= 2
            remarks.append("percent")
        body = match["body"] or "1"
        return _decimal(match["sign"], body, exponent, mark, at + max(match.start("body"), 0), remarks)
    if match := _FRACTION.fullmatch(shown):
        found = [(name, part) for name, part in match.groupdict().items() if part and name != "sign"]
        parts = []
        for name, part in found:
            sign, body = ("-" if "-" in part else ""), part.strip(" +-")
            start = at + match.start(name)
            parts.append(Fraction(_decimal(sign, body, 0, mark, start, remarks)))
        top, bottom = parts
        if not bottom:
            raise Unreadable("zero", at, shown)
        return -top / bottom if match["sign"] == "-" else top / bottom
    return None


def _decimal(
    sign: str, body: str, exponent: int, mark: str | None, at: int, remarks: list[str]
) -> Decimal:
    digits = body if body.isdigit() else _marks(body, mark, at, remarks)
    if len(digits) > MAX_DIGITS:
        raise Unreadable("digits", at, str(MAX_DIGITS))
    if abs(exponent) > MAX_EXPONENT:
        raise Unreadable("exponent", at, str(MAX_EXPONENT))
    value = Decimal(f"{sign}{digits}e{exponent}")
    if value and abs(value.adjusted()) > MAX_EXPONENT:
        raise Unreadable("exponent", at, str(MAX_EXPONENT))
    return value


_GROUPED = re.compile(r"(\d{1,3})((?:([ '])\d{3})(?:\3\d{3})*)(?:[.,]\d*)?", re.ASCII)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*", re.ASCII)


def _marks(body: str, mark: str | None, at: int, remarks: list[str]) -> str:
    """The digits with a point as decimal mark and no other marks: 1'234,5 is 1234.5."""

    def remark(key: str) -> None:
        if key not in remarks:
            remarks.append(key)

    wrong = Unreadable("mark", at, body)
    if " " in body or "'" in body:
        if not _GROUPED.fullmatch(body):
            raise wrong
        remark("thousands")
        body = body.replace(" ", "").replace("'", "")
    marks = [c for c in body if c in ".,"]
    if not marks:
        return body
    last = marks[-1]
    whole, _, decimals = body.rpartition(last)
    if len(set(marks)) == 2:  # 1,234.5: the last one is the decimal mark
        if not _THOUSANDS.fullmatch(whole) or last in whole:
            raise wrong
        remark("thousands")
        whole = whole.replace(",", "").replace(".", "")
    elif len(marks) > 1:  # 1,234,567
        if not _THOUSANDS.fullmatch(body):
            raise wrong
        remark("thousands")
        return body.replace(last, "")
    elif last != mark and _THOUSANDS.fullmatch(body):
        raise Unreadable("comma", at, body)
    if mark is not None and last != mark:
        remark("mark")
    return f"{whole or '0'}.{decimals}" if decimals else whole


def _no_number(shown: str, at: int) -> Unreadable:
    """Why it is no number."""
    words = re.search(r"[^\W\d_]", shown)
    if re.search(r"\d", shown) and words and words.start() > 0 and not re.search(r"[*/^\\(]", shown):
        return Unreadable("words", at + words.start(), shown[words.start() :])
    if re.search(r"[\d)}]\s*[-+*/^(]|\\", shown) or (words and re.search(r"[-+*/^(_]", shown)):
        return Unreadable("calculation", at, shown)
    return Unreadable("not a number", at, shown)
