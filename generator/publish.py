"""Publish: an Exercise to files, all of them or none."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from generator.exercise import Exercise
from generator.keys import key
from generator.pages import pages
from generator.paper import Paper
from generator.pdf import Typesetter
from generator.render import Booklet, Pages

__all__ = [
    "Press",
    "answers_csv",
    "beside",
    "contents",
    "csv_text",
    "plain_cell",
    "read_variants",
    "safe_cell",
    "staging",
    "variants_csv",
]
__all__ += ["write_files"]

# What a spreadsheet computes instead of showing it, full-width signs included (OWASP, CSV injection).
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")


def contents(it: Exercise | Paper, formats: Iterable[str], student: str = "") -> dict[str, str]:
    """File name -> text of everything that belongs to one paper; names are on pages only."""
    return pages(it, formats, student) | beside(it)


def beside(it: Exercise | Paper) -> dict[str, str]:
    """File name -> text of what is no page: the key, and the sheet to fill in."""
    files = {}
    if Paper.of(it).parts:
        files["key.json"] = json.dumps(key(it), indent=1) + "\n"
    if it.variant and Paper.of(it).parts:
        files["answers.csv"] = answers_csv(Paper.of(it))
    return files


@dataclass
class Press:
    """Writes pages in all formats that are asked for, PDF among them; a page that cannot be made into
    PDF stops no other, and is in `failed`."""

    formats: Sequence[str]
    typesetter: Typesetter | None = None
    own: Path | None = None  # templates that take the place of ours

    def put(
        self, folder: Path, told: Pages, more: Mapping[str, str] | None = None, name: str = ""
    ) -> list[str]:
        """Writes pages, under another name if they are given one, and what else there is; the names of
        the files."""
        told = replace(told, own=self.own)
        files = told.files(self.formats, name) | dict(more or {})
        write_files(folder, files)
        if not self.typesetter:
            return [*files]
        return [*files, *self.typesetter.add(folder, told, name)]

    def bind(self, folder: Path, booklet: Booklet, name: str) -> list[str]:
        """Writes a booklet; the names of the files."""
        leaves = [(replace(told, own=self.own), page) for told, page in booklet.leaves]
        booklet = Booklet(leaves)
        files = booklet.files(self.formats, name)
        write_files(folder, files)
        return [*files, *(self.typesetter.bind(folder, booklet, name) if self.typesetter else [])]

    @property
    def first(self) -> str:
        """The ending of what is looked at first."""
        return self.formats[0] if self.formats else "pdf"

    def finish(self, stage: Path) -> dict[str, str]:
        """Makes what is still waiting; a file of `stage` that could not be made, and why."""
        if not self.typesetter:
            return {}
        self.typesetter.finish()
        return {str(path.relative_to(stage)): why for path, why in self.typesetter.failed.items()}


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A hidden folder to write into; at the end everything moves to `folder`, file by file, and what
    else is there stays.  After an error nothing of it is left."""
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".chainwork-", dir=folder))
    try:
        yield stage
        files = sorted(path for path in stage.rglob("*") if path.is_file())
        for path in files:  # look first, so that nothing is moved where one of them cannot go
            target = folder / path.relative_to(stage)
            if target.is_dir() or target.parent.is_file():
                raise FileExistsError(17, "something else is there", str(target))
        for parent in dict.fromkeys(path.parent for path in files):
            (folder / parent.relative_to(stage)).mkdir(exist_ok=True)
        for path in files:
            os.replace(path, folder / path.relative_to(stage))
        made = []
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for path in made:
            path.rmdir()


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        if "/" in name:
            (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def variants_csv(rows: Iterable[tuple[str, str]]) -> str:
    """`student,variant`, one line each."""
    return csv_text([("student", "variant"), *rows])


def read_variants(text: str) -> dict[str, str]:
    """variants.csv, as `variants_csv` wrote it: student -> variant."""
    rows = [*csv.reader(io.StringIO(text.removeprefix("\ufeff")))][1:]
    return {plain_cell(row[0]): plain_cell(row[1]) for row in rows if len(row) > 1}


def answers_csv(paper: Paper) -> str:
    """`variant,part,answer`: the sheet to fill in.  It says whose it is under any file name, and of an
    answer no more than the id of what is asked."""
    parts = (prefix + part.id for prefix, part in paper.parts)
    return csv_text([("variant", "part", "answer"), *((str(paper.variant), part, "") for part in parts)])


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """CSV that a spreadsheet can open: cells that are safe, and one kind of line end."""
    text = io.StringIO()
    safe = ([safe_cell(re.sub("\r\n?", "\n", cell)) for cell in row] for row in rows)
    csv.writer(text, lineterminator="\n").writerows(safe)
    return text.getvalue()


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: `'=1+1`.  A plain number stays as it is."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def plain_cell(cell: str) -> str:
    """What was written by `safe_cell`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
