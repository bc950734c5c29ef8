"""Publish: an Exercise to files.  A folder appears whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from generator import __version__
from generator.draw import digest
from generator.exercise import Exercise
from generator.render import pages

__all__ = ["contents", "key", "write_file", "write_folder"]


def key(exercise: Exercise) -> dict[str, Any]:
    """key.json: every part with its answer and tolerance, and what vouches for them."""
    return {
        "exercise": exercise.spec.name,
        "kind": exercise.kind,
        "variant": exercise.variant,
        "spec_digest": digest(exercise.spec),
        "version": __version__,
        "parts": [
            {
                "id": part.id,
                "quantity": str(part.quantity),
                "form": part.form,
                "answer": part.answer,
                "tolerance": part.tolerance,
                "points": part.points,
                "depends_on": list(part.depends_on),
                "misconceptions": [],
            }
            for part in exercise.parts
        ],
        "verification": {
            "methods": list(exercise.certificate.methods),
            "max_error": exercise.certificate.max_error,
        },
    }


def contents(exercise: Exercise, formats: Iterable[str]) -> dict[str, str]:
    """File name -> text of everything that belongs to one exercise."""
    files = pages(exercise, formats)
    if exercise.parts:
        files["key.json"] = json.dumps(key(exercise), indent=1) + "\n"
    return files


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files into a new folder beside `folder` and put it in its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8", newline="\n")
        made.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
            os.replace(folder, old / folder.name)
            os.replace(made, folder)
            shutil.rmtree(old)
        else:
            os.replace(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(made, 0o644)
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise


def variants_csv(rows: Iterable[tuple[str, str]]) -> str:
    """`student,variant`, one line each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("student", "variant"))
    writer.writerows(rows)
    return text.getvalue()
