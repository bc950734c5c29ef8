"""Classroom: what is made once for a class: everybody's answers for who marks on paper, and a booklet.

marking sheet   one line a student: variant, student, every answer with what is accepted beside it
booklet         everybody's question, and the marking sheet at its end
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.exercise import Exercise, Part
from generator.formula import Node, Under
from generator.page import WIDE, Block, Section, Words, keyed, label, tables
from generator.pages import marked_pages, pages_of
from generator.paper import Paper
from generator.publish import Press, csv_text
from generator.render import Booklet, Pages

__all__ = ["CLASS_PAGES", "ClassPage", "Seat", "booklet", "marking_csv", "marking_pages"]

WIDEST = 58.0  # em of a line where a page is wide
LONGEST = 30  # characters of a name in a line


@dataclass(frozen=True)
class Seat:
    """A student, the name where it can be printed, and the paper that is theirs."""

    student: str
    name: str
    paper: Paper


def _parts(paper: Paper) -> Iterator[tuple[str, Exercise, Part]]:
    """Every part with its id on the paper and the exercise that it is of."""
    for number, exercise in enumerate(paper.exercises, 1):
        for part in exercise.parts:
            yield (f"{number}:" if paper.several else "") + part.id, exercise, part


def _answers(paper: Paper) -> dict[str, Node]:
    """Part id -> the answer, and its tolerance under it."""
    found = {}
    for name, exercise, part in _parts(paper):
        answer, near = keyed(exercise, part)
        found[name] = answer if isinstance(near, str) else Under(answer, near)
    return found


def marking_pages(seats: Sequence[Seat], wide: bool = True) -> Pages:
    """The marking sheet, on a wide page, or as an appendix.  Variants whose parts have other names, as
    in another notation, stand in a table of their own."""
    alike: dict[tuple[Node, ...], list[tuple[Node | Words, ...]]] = {}
    for seat in seats:
        heads = tuple(label(exercise, part) for _, exercise, part in _parts(seat.paper))
        name = seat.name or seat.student
        name = name[:LONGEST] + "…" * (len(name) > LONGEST)
        line = (Words(str(seat.paper.variant)), Words(name), *_answers(seat.paper).values())
        alike.setdefault(heads, []).append(line)
    room = WIDEST if wide else WIDE
    found = [
        table
        for heads, rows in alike.items()
        for table in tables(("variant_head", "student_head", *heads), rows, room)
    ]
    blocks = [Block("marking_lines", {"first": not n}, (), table) for n, table in enumerate(found)]
    spec = seats[0].paper.spec
    section = Section("marking_heading", {}, tuple(blocks))
    pages = marked_pages("marking_title", spec.title, (section,), spec)
    return pages if wide else replace(pages, common={**pages.common, "wide": False})


def marking_csv(seats: Iterable[Seat]) -> Iterator[list[str]]:
    """student, variant, and for each part its answer and how far off it may be."""
    papers = [(seat, {name: _cells(e, part) for name, e, part in _parts(seat.paper)}) for seat in seats]
    names = [*dict.fromkeys(name for _, cells in papers for name in cells)]
    yield ["student", "variant", *(head for name in names for head in (name, f"{name} ±"))]
    for seat, cells in papers:
        each = (cell for name in names for cell in cells.get(name, ("", "")))
        yield [seat.student, str(seat.paper.variant), *each]


def _cells(exercise: Exercise, part: Part) -> tuple[str, str]:
    """An answer with the digits that are shown, and its tolerance."""
    if isinstance(part.answer, str):
        return part.answer, ""
    near = "" if part.tolerance is None else f"{part.tolerance:.2g}"
    return f"{part.answer:.{exercise.spec.digits}g}", near


def booklet(seats: Sequence[Seat]) -> Booklet:
    """Everybody's question, and the marking sheet at the end."""
    leaves = []
    for seat in seats:
        told = pages_of(seat.paper, seat.name, only=["question"])
        leaves.append((told.among(str(seat.paper.variant)), "question"))
    return Booklet([*leaves, (marking_pages(seats, wide=False), "marked")])


@dataclass(frozen=True)
class ClassPage:
    """How it is written into a folder, which gives the names of the files; what it is, for who asked."""

    put: Callable[[Press, Path, Sequence[Seat]], list[str]]
    what: str


def _put_booklet(press: Press, folder: Path, seats: Sequence[Seat]) -> list[str]:
    return press.bind(folder, booklet(seats), "booklet")


def _put_marking(press: Press, folder: Path, seats: Sequence[Seat]) -> list[str]:
    table = {"marking.csv": csv_text(marking_csv(seats))}
    return press.put(folder, marking_pages(seats), table, name="marking")


CLASS_PAGES: Mapping[str, ClassPage] = {
    "booklet": ClassPage(_put_booklet, "everybody's homework, all answers at the end"),
    "marking": ClassPage(_put_marking, "a line a student: every answer with its tolerance"),
}
