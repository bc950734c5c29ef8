"""Sources: a file of hand-ins as rows, whatever wrote it: who, which variant, and what was typed.

    bytes -> text -> cells -> (who it may be, variant, [(what is asked, what was typed)])

Everything is recognised by its content: the encoding by its bytes, the marks by the first line, what
wrote it by the names of its columns (rows of SOURCES).
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

from generator.answers import blank
from generator.course import GIVEN_NAME, IDENTITY, MARKS, NAME
from generator.publish import plain_cell

__all__ = [
    "EXPORTED",
    "Asked",
    "Ids",
    "Remark",
    "Row",
    "Unusable",
    "encoding",
    "listed",
    "read_source",
    "shown",
    "whole",
]

MOST_BYTES = 500_000_000  # of a file
LONG = 1_000_000  # bytes of a file of which each cell is looked at before it is read
MOST_CELL = 50_000  # bytes of such a cell that are read: more than an answer may have
MOST_LINES, MOST_READ = 1_000_000, 50_000_000  # of what is left of a file
SHOWN = 40  # characters of what is found
MOST_SHOWN = 5  # of what is listed


class Unusable(ValueError):
    """A file that cannot be read: one line that says why."""


# What is asked: a part's id as it was typed; or the number of a response, from 1, and of the part in it,
# from 1, or 0 if the response is one answer.
Asked = str | tuple[int, int]


@dataclass(frozen=True)
class Row:
    """What one row says: who it may be, best first; `long`: it is one of several of a hand-in."""

    place: str
    who: tuple[str, ...]
    variant: str
    answers: tuple[tuple[Asked, str], ...]
    attempt: int = 0
    long: bool = False


@dataclass(frozen=True)
class Remark:
    """What is odd about a file: a row of `submissions.PROBLEMS`, where, and what is said of it."""

    reason: str
    place: str
    facts: Mapping[str, Any]


class Ids:
    """The parts of all variants, found by an id that may be typed in another case or with spaces."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.known = frozenset(ids)
        bare = Counter(self._bare(one) for one in self.known)
        self._found = {self._bare(one): one for one in self.known if bare[self._bare(one)] == 1}

    @staticmethod
    def _bare(typed: str) -> str:
        return "".join(typed.split()).casefold()

    def find(self, typed: str) -> str | None:
        """The id that is meant; None for what is none."""
        typed = typed.strip()
        return typed if typed in self.known else self._found.get(self._bare(typed))


def read_source(path: Path, ids: Ids) -> tuple[list[Row], list[Remark]]:
    """The rows of a file, and what is odd about it; Unusable says why there are none."""
    data = _bytes(path)
    if data.startswith(PDF):
        return [_of_pdf(data)], []
    text = _text(_short(data))
    remarks = []
    if lost := text.count("\ufffd"):
        remarks.append(Remark("encoding", "", {"count": lost}))
    text = re.sub("^\ufeff+", "", text, flags=re.MULTILINE)  # also of files put one behind another
    of = _of_json if text.lstrip()[:1] in ("{", "[") else _of_table
    rows = of(text, ids, remarks)
    if not rows:
        raise Unusable("found nothing in it")
    return rows, remarks


# --- bytes to text ------------------------------------------------------------------------------

PDF = b"%PDF"
# How a file begins that is no text, and what to do.
SIGNATURES = (
    (b"PK\x03\x04", "a workbook or a ZIP archive: save it as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook: save it as CSV"),
    (b"\x89PNG", "a picture: its answers have to be typed"),
    (b"\xff\xd8\xff", "a picture: its answers have to be typed"),
    (b"\x1f\x8b", "a compressed file: unpack it"),
    (b"{\\rtf", "a text document: save it as plain text"),
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _bytes(path: Path) -> bytes:
    if path.name.startswith((".", "~$")):
        raise Unusable("passed over: a hidden file")
    try:
        if not path.exists():
            raise Unusable("found no such file")
        if not path.is_file():
            raise Unusable("found something else than a file")
        if path.stat().st_size > MOST_BYTES:
            raise Unusable(f"found more than {MOST_BYTES // 10**6} MB")
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None


def encoding(data: bytes) -> tuple[bytes, str]:
    """(BOM, encoding): UTF-8 with a BOM, UTF-16 with or without one; else none is said.  Unusable for
    what is no text."""
    for start, what in SIGNATURES:
        if data.startswith(start):
            raise Unusable(f"found {what}")
    for bom, found in BOMS:
        if data.startswith(bom):
            return bom, found
    start = data[:2000]
    for offset, found in ((1, "utf-16-le"), (0, "utf-16-be")):  # every second byte of ASCII is 0
        if start[offset::2].count(0) > 0.4 * len(start) > 10 * start[1 - offset :: 2].count(0):
            return b"", found
    return b"", ""


def _short(data: bytes) -> bytes:
    """A long file with the beginnings of its cells: whoever typed 100 MB into one does not make the
    others' unreadable, nor the computer's memory full.  Cells are found without reading them."""
    if len(data) <= LONG:
        return data
    bom, found = encoding(data)
    if found.startswith("utf-16"):
        data = data[len(bom) :].decode(found, "replace").encode("utf-8", "replace")
    start = data[: 10 * MOST_CELL].removeprefix(codecs.BOM_UTF8).lstrip()
    if start[:1] in (b"{", b"["):
        cells = [rb'"(?:[^"\\]++|\\.)*+"']
    else:
        mark = re.escape(_mark(start.decode("latin-1").splitlines())[0].encode("latin-1"))
        begins = rb"(?<![^%b\r\n])" % mark
        cells = [rb'%b"(?:[^"]++|"")*+"' % begins, rb"%b[^%b\r\n]{%d,}+" % (begins, mark, MOST_CELL)]
    for cell in cells:
        data = re.sub(cell, _cut, data, flags=re.DOTALL)
    if len(data) > MOST_READ or data.count(b"\n") > MOST_LINES:
        raise Unusable(f"found more than {MOST_LINES:,} lines, or {MOST_READ // 10**6} MB of cells")
    return data


def _cut(cell: re.Match[bytes]) -> bytes:
    """The beginning of a cell, with its quotes."""
    start, end = cell.span()
    if end - start <= MOST_CELL:
        return cell[0]
    kept = cell.string[start : start + MOST_CELL].decode("utf-8", "ignore").encode("utf-8")
    return b'"%b"' % re.sub(rb'["\\]', b"", kept) if kept.startswith(b'"') else kept


def _text(data: bytes) -> str:
    """UTF-8 with or without BOM, UTF-16, else Windows-1252, also in some lines only; U+FFFD for what is
    in none of them."""
    bom, found = encoding(data)
    if found:
        return whole(data[len(bom) :].decode(found, "replace"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:  # line by line: what one student typed must not change another's name
        return "".join(map(_line, data.splitlines(keepends=True)))


def _line(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def whole(text: str) -> str:
    """Without halves of characters, with which no file can be written."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shown(text: str, most: int = SHOWN) -> str:
    """A piece of what is found, printable."""
    text = "".join(c if c.isprintable() else "\ufffd" for c in text[: most + 1].strip())
    return text if len(text) <= most else text[: most - 1] + "…"


def listed(texts: Iterable[str]) -> str:
    """The first few of them."""
    some = [*dict.fromkeys(texts)]
    return ", ".join(shown(text) or "(no name)" for text in some[:MOST_SHOWN]) + ", …" * (
        len(some) > MOST_SHOWN
    )


# --- columns ------------------------------------------------------------------------------------

VARIANT = ("variant", "variant id", "variante")
PART = ("part", "part id", "question")
ANSWER = ("answer", "response", "typed", "value")
ANSWERS = ("answers", "responses")  # in JSON, where they are an object or a list of their own
EXPORTED = ("sis_id", "username", "user name", "login id", "email", "e-mail", "e-mail address")
WHO = (*(name for name in IDENTITY if name != "id"), *EXPORTED, "id", *NAME)
# What exports say besides, and is no answer; a part with such a name is a part.
BESIDES = {
    *("section", "section_id", "section_sis_id", "root_account", "submitted", "attempt", "score"),
    *("n correct", "n incorrect", "state", "status", "started on", "started", "completed", "time taken"),
    *("duration", "institution", "department", "timestamp", "feedback", "points"),
}
OF_ALL = {"overall average", "gesamtdurchschnitt"}  # Moodle's last row, which is nobody's
_BESIDES = re.compile(r"grade/[\d.,]+|(question|right answer) \d+")
# Moodle's `Response 1`, in some of the languages that it is translated into; a response to a Cloze
# question holds several answers: `part 1: 0.5; part 2: 0.3`.
_RESPONSE = re.compile(
    r"(?:response|antwort|réponse|respuesta|resposta|risposta|antwoord|yanıt) ([0-9]{1,5})"
)
_INNER = re.compile(r"(?:^|;\s*)[^\W\d]{2,12} ([0-9]{1,4}):[ \t]?")
# Canvas's `1234: text`, with its points as the name of the next column.
_QUESTION = re.compile(r"[0-9]+: ")
_POINTS = re.compile(r"[0-9]+(\.[0-9]+)?")


def _bare(head: str) -> str:
    """A column's name in any case, with spaces."""
    return " ".join(head.split()).casefold()


def _responses(heads: Sequence[str], ids: Ids) -> dict[int, Asked]:
    """Moodle: by their numbers, in the order of the sheet."""
    found = {n: _RESPONSE.fullmatch(_bare(head)) for n, head in enumerate(heads)}
    return {n: (int(match[1]), 0) for n, match in found.items() if match}


def _questions(heads: Sequence[str], ids: Ids) -> dict[int, Asked]:
    """Canvas: by the ids that the questions name, if each names another; else in their order."""
    asks = [_QUESTION.match(head) and _POINTS.fullmatch(points) for head, points in pairwise(heads)]
    columns = [n for n, found in enumerate(asks) if found]
    named = {n: _named(heads[n].partition(": ")[2], ids) for n in columns}
    if None not in named.values() and len({*named.values()}) == len(named):
        return {n: str(name) for n, name in named.items()}
    worth = [n for n in columns if float(heads[n + 1])]  # a text between questions has no points
    return {n: (number, 0) for number, n in enumerate(worth, 1)}


def _named(question: str, ids: Ids) -> str | None:
    """The one part that a question names; a single letter has to stand alone: it may be a word."""
    if alone := ids.find(question):
        return alone
    words = (word.rstrip(":") for word in re.findall(r"[\w/\[\]#@:]+", question))
    found = {word for word in words if len(word) > 1} & ids.known
    return found.pop() if len(found) == 1 else None


def _columns(heads: Sequence[str], ids: Ids) -> dict[int, Asked]:
    """Wide: every column that is not about the student."""
    about = {*WHO, *GIVEN_NAME, *VARIANT, *BESIDES}

    def asks(head: str) -> bool:
        return head in ids.known or not (_bare(head) in about or _BESIDES.fullmatch(_bare(head)))

    return {n: head for n, head in enumerate(heads) if asks(head)}


# How the columns with answers are found; the first that finds any is right.
SOURCES: tuple[Callable[[Sequence[str], Ids], dict[int, Asked]], ...] = (
    _responses,
    _questions,
    _columns,
)


class _Heads:
    """Which column says what."""

    def __init__(self, heads: Iterable[str], ids: Ids) -> None:
        self.heads = [head.replace("\0", "").strip() for head in heads]
        self.at = {_bare(head): n for n, head in reversed([*enumerate(self.heads)])}
        self.long = None if ids.known & {*self.heads} else self._long()
        every = (source(self.heads, ids) for source in SOURCES)
        columns = {} if self.long else next((found for found in every if found), {})
        known = {n for n, asked in columns.items() if not isinstance(asked, str) or ids.find(asked)}
        self.asked = {n: asked for n, asked in columns.items() if n in known}
        others = _columns(self.heads, ids) if self.long else columns
        self.strange = [n for n in others if n not in known and n not in (self.long or ())]

    def _long(self) -> tuple[int, int] | None:
        part, answer = ([self.at[n] for n in names if n in self.at] for names in (PART, ANSWER))
        return (part[0], answer[0]) if part and answer else None

    @cached_property
    def who(self) -> list[int]:
        """The columns that may say who it is, best first."""
        used = {*self.asked, *(self.long or ())}
        canvas = {"student", "sis login id"} <= {*self.at}  # where 'Student' is a name
        names = [*WHO[1:], WHO[0]] if canvas else WHO
        return [self.at[n] for n in names if n in self.at and self.at[n] not in used]

    @property
    def usable(self) -> bool:
        """Whether there are answers, and what says whose: of long rows, maybe the file's name."""
        return bool(self.long or (self.asked and (self.who or any(v in self.at for v in VARIANT))))

    def row(self, place: str, cells: Sequence[str]) -> Row:
        """What a row says."""

        def cell(names: Iterable[str]) -> str:
            found = (cells[self.at[n]] for n in names if n in self.at and self.at[n] < len(cells))
            return next((text.strip() for text in found if text.strip()), "")

        names = (cell(GIVEN_NAME), cell(("surname", "last name")))
        who = [plain_cell(cells[n].replace("\0", "").strip()) for n in self.who if n < len(cells)]
        asked: dict[int, Asked] = self.asked
        if self.long:
            part, answer = self.long
            asked = {answer: cells[part].strip() if part < len(cells) else ""}
        answers = ((a, cells[n]) for n, a in asked.items() if n < len(cells))
        attempt = cell(("attempt",))
        return Row(
            place,
            tuple(name for name in [*who, " ".join(filter(None, names))] if name),
            plain_cell(cell(VARIANT)),
            tuple(one for pair in answers for one in _each(*pair)),
            int(attempt) if re.fullmatch("[0-9]{1,6}", attempt) else 0,
            bool(self.long),
        )


def _each(asked: Asked, text: str) -> Iterator[tuple[Asked, str]]:
    """An answer; of a response with several, each of them."""
    found = [] if isinstance(asked, str) else [*_INNER.finditer(text)]
    if not found or found[0].start():
        yield asked, text
        return
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=True):
        yield (int(asked[0]), int(match[1])), text[match.end() : end]


# --- tables -------------------------------------------------------------------------------------

_LIMIT = Lock()  # the limit of a field is that of the whole program


def _of_table(text: str, ids: Ids, remarks: list[Remark]) -> list[Row]:
    table = [(place, cells) for place, cells in _cells(text, remarks) if any(c.strip() for c in cells)]
    if not table:
        return []
    (_, first), *lines = table
    lines = [(place, cells) for place, cells in lines if _bare(cells[0]) not in OF_ALL]
    heads = _Heads(first, ids)
    if not heads.usable:
        raise Unusable(
            f"found the columns {listed(first)}, allowed: student and parts; student, part and answer; "
            "part and answer; or an export of Moodle or Canvas"
        )
    _strange(heads, lines, remarks)
    for place, cells in lines:
        if any(cell.strip() for cell in cells[len(first) :]):
            found = {"count": len(cells) - len(first), "found": listed(cells[len(first) :])}
            remarks.append(Remark("cells", place, found))
    return [heads.row(place, cells) for place, cells in lines]


def _cells(text: str, remarks: list[Remark]) -> list[tuple[str, list[str]]]:
    """Where each row starts, and its cells.  A line with a quote that is not closed is taken as it
    stands, so that it does not swallow those behind it."""
    lines = io.StringIO(text, newline=None).read().split("\n")
    mark, first = _mark(lines)
    rows: list[tuple[str, list[str]]] = []
    with _LIMIT:
        usual = csv.field_size_limit(2**31 - 1)
        try:
            while first < len(lines):
                start = first
                rest = (f"{lines[n]}\n" for n in range(first, len(lines)))
                reader = csv.reader(rest, delimiter=mark, strict=True)
                try:
                    for cells in reader:
                        rows.append((f"line {start + 1}", cells))
                        start = first + reader.line_num
                    break
                except csv.Error:
                    remarks.append(Remark("quote", f"line {start + 1}", {}))
                    rows.append((f"line {start + 1}", lines[start].split(mark)))
                    first = start + 1
        finally:
            csv.field_size_limit(usual)
    return rows


def _mark(lines: Sequence[str]) -> tuple[str, int]:
    """What stands between cells, and the first line of the table."""
    first = next((n for n, line in enumerate(lines) if line.strip()), len(lines) - 1)
    if lines and (told := re.fullmatch(r'"?sep=(.)"?', lines[first].strip(" "))):  # as Excel writes it
        return told[1], first + 1
    head = re.sub(r'"[^"]*"', "", "\n".join(lines[first : first + 100])).partition("\n")[0]
    return max(MARKS, key=head.count), first


def _strange(heads: _Heads, lines: Sequence[tuple[str, Sequence[str]]], remarks: list[Remark]) -> None:
    """Columns that are no part of any variant are said once, if anything stands in them."""
    used = [n for n in heads.strange if any(n < len(row) and not blank(row[n]) for _, row in lines)]
    if used:
        place = lines[0][0] if len(lines) == 1 else ""
        found = {"count": len(used), "found": listed(heads.heads[n] for n in used)}
        remarks.append(Remark("no part", place, found))


# --- JSON ---------------------------------------------------------------------------------------


class _Object(list[tuple[str, Any]]):
    """A JSON object as it is written, a name that stands in it twice too."""

    def get(self, names: Iterable[str]) -> Any:
        found = {_bare(name): value for name, value in self}
        return next((found[name] for name in names if name in found), None)


def _of_pdf(data: bytes) -> Row:
    """What was typed into the fields of a homework."""
    from generator.pdf import answers_of

    try:
        found = answers_of(data)
    except ModuleNotFoundError:
        raise Unusable(
            "found a PDF: with pikepdf it can be read: pip install 'chainwork[pdf]'"
        ) from None
    if found is None:
        raise Unusable("found a PDF without fields of ours: its answers have to be typed")
    variant, answers = found
    return Row("", (), variant, tuple((part, text) for part, text in answers.items() if text.strip()))


def _of_json(text: str, ids: Ids, remarks: list[Remark]) -> list[Row]:
    rows = []
    try:
        for place, found in _objects(text):
            flat = [(whole(head), cell) for head, cell in _flat(found)]
            heads, cells = _Heads((head for head, _ in flat), ids), [cell for _, cell in flat]
            _strange(heads, [(place, cells)], remarks)
            rows.append(heads.row(place, cells))
    except RecursionError:
        raise Unusable("found JSON that is nested too deeply") from None
    return rows


def _objects(text: str) -> Iterator[tuple[str, _Object]]:
    """Where each hand-in, or answer, stands, and what it says."""
    try:
        found = json.loads(
            text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_Object
        )
    except ValueError as error:
        raise Unusable(f"found JSON with a mistake: {error}") from None
    if isinstance(found, _Object):
        if found.get(["spec_digest"]):
            raise Unusable("found a key, which is no hand-in")
        of_each = [n for n, value in found if isinstance(value, _Object) and _bare(n) not in ANSWERS]
        if len(of_each) == len(found):  # {student: {part: answer}}
            yield from ((shown(who), _Object([("student", who), *said])) for who, said in found)
            return
        found = [found]
    if not all(isinstance(one, _Object) for one in found):
        raise Unusable("found other JSON, allowed: a list of objects, or an object of each student's")
    yield from ((f"object {n}", one) for n, one in enumerate(found, 1))


def _flat(found: _Object) -> Iterator[tuple[str, str]]:
    """Name and text of all that an object says."""
    for name, value in found:
        inner = _bare(name) in ANSWERS
        if inner and isinstance(value, _Object):
            yield from _flat(value)
        elif inner and isinstance(value, list) and all(isinstance(one, _Object) for one in value):
            for one in value:
                yield _typed(one.get([*PART, "id"])), _typed(one.get(ANSWER))
        else:
            yield name, _typed(value)


def _typed(value: Any) -> str:
    """A JSON value as it would be typed in a cell; numbers are texts already, with all their digits."""
    if isinstance(value, _Object):
        return "{" + ", ".join(f"{name}: {_typed(item)}" for name, item in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_typed, value)) + "]"
    return "" if value is None else whole(str(value))
