"""Gradebook: the export of a learning platform with the scores of a class in one of its columns.

    its rows -> whose each is -> the same rows, one cell in each more

Every other cell stays as it is, since the platform reads the file again; nobody is added, and where
there is no score there is no cell changed: 0 would be a mark.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from generator.course import IDENTITY, MARKS
from generator.sources import EXPORTED, Unusable, encoding, listed, shown

__all__ = ["Filled", "UnusableGradebook", "decoded", "filled"]

CANVAS = ("student", "id", "sis user id", "sis login id", "section")  # what it wants to have back
POINTS = "Points Possible"  # Canvas's row under the names


class UnusableGradebook(ValueError):
    """A gradebook that cannot be filled: where, what was found, what is allowed."""


@dataclass(frozen=True)
class Filled:
    """The text with the scores; who has a score and no row; what the column counts to already, if that
    is not what there is to score."""

    text: str
    missing: tuple[str, ...]
    points: str = ""


def filled(text: str, name: str, most: int, scores: Mapping[str, str]) -> Filled:
    """Student -> score into the column of an exercise, made if there is none; UnusableGradebook says why
    not."""
    bom = "\ufeff" * text.startswith("\ufeff")
    rows, mark = _rows(text.removeprefix("\ufeff"))
    heads = [" ".join(head.split()).casefold() for head in rows[0]]
    canvas = {"student", "sis login id"} <= {*heads}
    if canvas and (lost := [head for head in CANVAS if head not in heads]):
        raise UnusableGradebook(
            f"line 1: found no column {lost[0]}, which Canvas needs, allowed: its export"
        )
    names = [c for c in (*IDENTITY, *EXPORTED) if c in heads and not (canvas and c == "student")]
    if not names:
        allowed = "an export with a column student, ID number, SIS Login ID or Email address"
        raise UnusableGradebook(f"line 1: found the columns {listed(heads)}, allowed: {allowed}")
    at, new = _column(rows, heads, name, canvas)
    known = [n + (new and n >= at) for n in map(heads.index, names)]
    folded = Counter(map(str.casefold, scores))
    students = {s.casefold(): s for s in scores if folded[s.casefold()] == 1} | {s: s for s in scores}
    places: dict[str, int] = {}
    points = ""
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        row += [""] * (at + 1 - len(row))
        if canvas and row[0].strip().startswith(POINTS):
            points = row[at].strip()
            row[at] = row[at] if points else str(most)
            continue
        if not (who := _who([row[n] for n in known if n < len(row)], students)):
            continue
        if who in places:
            wrong = f"line {number}: found {shown(who)!r} again, who is in line {places[who]}"
            raise UnusableGradebook(f"{wrong}, allowed: each student once")
        places[who] = number
        row[at] = scores[who]
    out = io.StringIO()
    end = "\r\n" if "\r" in text else "\n"  # else a cell with \r would not be quoted
    csv.writer(out, delimiter=mark, lineterminator=end).writerows(rows)
    other = points if points and not _same(points, most) else ""
    return Filled(bom + out.getvalue(), tuple(s for s in scores if s not in places), other)


def decoded(data: bytes) -> tuple[str, Callable[[str], bytes]]:
    """The text of an export, and what writes a text as the export was written: in UTF-8 or UTF-16, with
    its BOM or without, else in Windows-1252, whose five bytes without a meaning stay as they are."""
    try:
        bom, found = encoding(data)
    except Unusable as error:
        raise UnusableGradebook(f"{error}, allowed: an export of Canvas or Moodle as CSV") from None
    if not found:
        found = "utf-8" if _is_utf8(data) else "cp1252"
    lost = "surrogatepass" if found.startswith("utf-16") else "surrogateescape"

    def written(text: str) -> bytes:
        try:
            return bom + text.encode(found, lost)
        except UnicodeEncodeError as error:
            what = f"found it in {found}, which has no {shown(text[error.start : error.end])}"
            raise UnusableGradebook(f"{what}, allowed: an export in UTF-8") from None

    try:
        return data[len(bom) :].decode(found, lost), written
    except UnicodeDecodeError:  # half a character at its end
        raise UnusableGradebook(f"found it not in {found}, allowed: an export in UTF-8") from None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _rows(text: str) -> tuple[list[list[str]], str]:
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise UnusableGradebook("found nothing, allowed: an export of Canvas or Moodle as CSV")
    mark = max(MARKS, key=lines[0].count)
    try:
        return [*csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)], mark
    except csv.Error as error:
        raise UnusableGradebook(f"found a line that is not CSV ({error}), allowed: CSV") from None


def _column(rows: list[list[str]], heads: Sequence[str], name: str, canvas: bool) -> tuple[int, bool]:
    """Where the scores go, and whether that is new: `hw1`, Canvas's `hw1 (123)`, Moodle's `Assignment:
    hw1 (Real)`; else a new column: in Canvas before the others, since those at its end are totals, else
    behind all."""
    known = re.compile(rf"([^:]+: )?{re.escape(name.casefold())}( \([^()]*\))?")
    found = [n for n, head in enumerate(heads) if known.fullmatch(head)]
    if len(found) > 1:
        columns = ", ".join(shown(rows[0][n]) for n in found)
        raise UnusableGradebook(f"line 1: found the columns {columns}, allowed: one of {name}")
    if found:
        return found[0], False
    at = max(heads.index(head) for head in CANVAS) + 1 if canvas else len(heads)
    for row in rows:
        if any(row):
            row += [""] * (at - len(row))
            row.insert(at, "")
    rows[0][at] = name
    return at, True


def _who(cells: Sequence[str], students: Mapping[str, str]) -> str:
    """Whose a row is; empty of somebody who has no score."""
    names = [cell.strip() for cell in cells]
    both = [*names, *(name.casefold() for name in names)]
    return next((students[name] for name in both if name in students), "")


def _same(points: str, most: int) -> bool:
    try:
        return float(points.replace(",", ".")) == most
    except ValueError:
        return False
