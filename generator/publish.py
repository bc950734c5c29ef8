"""Publish: an Exercise to files, all of them or none."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from generator.exercise import Exercise
from generator.keys import key
from generator.paper import Paper
from generator.render import pages

__all__ = ["contents", "staging", "variants_csv", "write_files"]


def contents(it: Exercise | Paper, formats: Iterable[str], student: str = "") -> dict[str, str]:
    """File name -> text of everything that belongs to one paper; names are on pages only."""
    files = pages(it, formats, student)
    if Paper.of(it).parts:
        files["key.json"] = json.dumps(key(it), indent=1) + "\n"
    return files


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
        for path in files:
            target = folder / path.relative_to(stage)
            target.parent.mkdir(exist_ok=True)
            os.replace(path, target)
        made = []
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for path in made:
            path.rmdir()


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files into a folder."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def variants_csv(rows: Iterable[tuple[str, str]]) -> str:
    """`student,variant`, one line each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("student", "variant"))
    writer.writerows(rows)
    return text.getvalue()
