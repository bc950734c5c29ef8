"""Course: its students, and the secret that their variants are keyed with.

A roster is a CSV file as it comes: `student,name`, an export of Moodle or Canvas, or the
`registration;name;id` of R/exams.  Who somebody is says the first of the known columns with an entry.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RosterError", "Student", "read_roster", "secret", "usual_secret"]

# Columns that say who somebody is, best first; and what somebody is called.
IDENTITY = ("student", "registration", "id number", "sis login id", "sis user id", "email address", "id")
NAME = ("name", "student", "full name", "surname", "last name")
GIVEN_NAME = ("first name", "given name", "firstname")
LONGEST = 200  # characters of a name
MARKS = ",;\t"


class RosterError(ValueError):
    """A roster that cannot be used: line, what was found, what is allowed."""


@dataclass(frozen=True)
class Student:
    """Whose variant it is; `name` may be empty."""

    id: str
    name: str = ""


def read_roster(text: str) -> list[Student]:
    """CSV text -> students in its order; RosterError says what is wrong in which line."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or not lines[0].strip():
        raise RosterError("found nothing, allowed: a line of column names, then a line for each student")
    mark = max(MARKS, key=lines[0].count)
    try:
        heads, *rows = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=mark, strict=True)
    except csv.Error as error:
        raise RosterError(f"found a line that is not CSV ({error}), allowed: CSV") from None
    columns = {head.strip().casefold(): n for n, head in reversed([*enumerate(heads)])}
    canvas = {"student", "sis login id"} <= set(columns)  # where 'Student' is a name
    known = [columns[c] for c in IDENTITY if c in columns and not (canvas and c == "student")]
    if not known:
        allowed = "a column student, registration, ID number, SIS Login ID or Email address"
        raise RosterError(f"line 1: found the columns {', '.join(heads)[:80]}, allowed: {allowed}")
    students: dict[str, Student] = {}
    for number, row in enumerate(rows, 2):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (canvas and cells[0].startswith(("Points Possible", "Student, Test"))):
            continue
        who = next((cells[n] for n in known if n < len(cells) and cells[n]), "")
        if not who or len(who) > LONGEST or not who.isprintable():
            allowed = f"up to {LONGEST} printable characters that say who it is"
            raise RosterError(f"line {number}: found {who[:40]!r}, allowed: {allowed}")
        if who in students:
            raise RosterError(f"line {number}: found {who[:40]!r} again, allowed: each student once")
        students[who] = Student(who, _name(columns, cells, who))
    if not students:
        raise RosterError("found no student, allowed: a line for each under the column names")
    return list(students.values())


def _name(columns: dict[str, int], cells: list[str], who: str) -> str:
    def first(names: tuple[str, ...]) -> str:
        found = (cells[columns[n]] for n in names if n in columns and columns[n] < len(cells))
        return next((cell for cell in found if cell and cell != who), "")

    name = " ".join(part for part in (first(GIVEN_NAME), first(NAME)) if part)
    return "".join(c for c in name if c.isprintable())[:LONGEST]


def secret(path: Path) -> tuple[bytes, bool]:
    """The secret in a file, and whether it was made now: 32 random bytes in hexadecimal that only their
    owner may read.  OSError where it cannot be kept, ValueError where there is something else."""
    made = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        made = True
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
    found = path.read_bytes().strip()
    if len(found) < 32:
        raise ValueError(f"{path}: found {len(found)} bytes, allowed: a secret of at least 32")
    return found, made


def usual_secret() -> Path:
    """Where a course's secret is kept: with its owner's settings, not with what is handed out."""
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(settings) / "chainwork" / "secret"
