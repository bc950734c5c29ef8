"""Keys: key.json, written for every variant and read again to mark it.

A key is whole: each part with its answer, tolerance and what misconceptions give, and the specs with
the drawn numbers, from which whatever follows from a student's own answers is computed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from derive.quantity import parse
from generator import __version__
from generator.exercise import Exercise, Part, Wrong, build, trained
from generator.forms import FORMS
from generator.page import label
from generator.paper import Paper
from generator.spec import MarkingSpec, Spec

__all__ = ["Key", "Keyed", "UnusableKey", "key", "misfit", "read_key", "read_keys"]


class UnusableKey(ValueError):
    """A file that is no key: one line that says what is wrong with it."""


@dataclass(frozen=True)
class Keyed:
    """One part of a key: its id on the sheet, the exercise (from 0) that it is of, what is right."""

    id: str
    exercise: int
    part: Part


@dataclass(frozen=True)
class Key:
    """What one variant is marked by."""

    name: str
    title: str
    variant: str
    digest: str
    parts: Mapping[str, Keyed]
    specs: tuple[Spec, ...]  # of each exercise, with its numbers
    marking: MarkingSpec

    @property
    def points(self) -> int:
        """All there are."""
        return sum(keyed.part.points for keyed in self.parts.values())


def key(it: Exercise | Paper) -> dict[str, Any]:
    """key.json: every part with its answer and tolerance, and what vouches for them."""
    paper = Paper.of(it)
    marking = paper.spec.marking.model_dump()
    marking["decimal"] = marking["decimal"] or ("." if paper.spec.language == "en" else "either")
    return {
        "exercise": paper.spec.name,
        "title": paper.spec.title,
        "kind": paper.kind,
        "variant": paper.variant,
        "spec_digest": paper.digest,
        "version": __version__,
        "parts": [
            {
                "id": prefix + part.id,
                "quantity": str(part.quantity),
                "form": part.form,
                "answer": part.answer,
                "tolerance": part.tolerance,
                "points": part.points,
                "depends_on": [prefix + other for other in part.depends_on],
                "misconceptions": [{"note": w.note, "answer": w.answer} for w in part.misconceptions],
                **({"options": list(part.options)} if part.options else {}),
            }
            for prefix, part in paper.parts
        ],
        "verification": {"methods": list(paper.methods), "max_error": paper.max_error},
        "marking": _plain(marking),
        "specs": [_plain(e.spec.model_dump(exclude_defaults=True)) for e in paper.exercises],
    }


def _plain(value: Any) -> Any:
    """Decimals as JSON's numbers, whole ones without a point."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def read_keys(folder: Path) -> dict[str, Key]:
    """Variant -> key, of every variant below a folder that make-exercise wrote."""
    paths = sorted(folder.glob("*/key.json"))
    found = (read_key(path.read_bytes(), f"{path.parent.name}/key.json") for path in paths)
    return {key.variant: key for key in found}


def read_key(text: str | bytes, name: str = "key.json") -> Key:
    """A key; UnusableKey says what is wrong with it."""
    try:
        found = json.loads(text)
        exact = json.loads(text, parse_float=Decimal)
        parts = [_part(entry, len(found.get("specs", ()))) for entry in found["parts"]]
        return Key(
            name=str(found["exercise"]),
            title=str(found["title"]),
            variant=str(found["variant"]),
            digest=str(found["spec_digest"]),
            parts={keyed.id: keyed for keyed in parts},
            specs=tuple(map(_spec, exact["specs"])),
            marking=MarkingSpec.model_validate(exact["marking"]),
        )
    except ValidationError as error:
        raise UnusableKey(f"{name}: {error.errors()[0]['msg']}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise UnusableKey(f"{name}: is no key: {error}") from None
    except KeyError as error:
        raise UnusableKey(f"{name}: is no key: it has no {error}; make the exercise again") from None


def misfit(key: Key) -> str:
    """What in a key is nothing that its own specs have, in words; empty where all fits."""
    try:
        exercises = [build(spec) for spec in key.specs]
    except (ArithmeticError, AssertionError, LookupError, ValueError):
        return "specs"
    for keyed in key.parts.values():
        exercise, part = exercises[keyed.exercise], keyed.part
        try:
            label(exercise, part)
        except (AssertionError, LookupError, ValueError):
            return keyed.id
        if part.form == "design" and part.quantity not in trained(exercise.graph):
            return keyed.id
    return ""


def _spec(found: Mapping[str, Any]) -> Spec:
    """The spec of one exercise; on a sheet it is named sheet/exercise."""
    return Spec.model_validate({**found, "name": str(found["name"]).rpartition("/")[2]})


def _part(entry: Mapping[str, Any], exercises: int) -> Keyed:
    quantity = parse(entry["quantity"])
    number = str(entry["id"]).partition(":")[0]
    several = number.isdecimal()  # 2:a[1][1], of the second exercise of a sheet
    prefix = f"{number}:" if several else ""
    if not 1 <= int(number if several else 1) <= exercises:
        raise ValueError(f"{entry['id']} is of none of its exercises")
    if entry["form"] not in FORMS:
        raise ValueError(f"{entry['id']} has a form that there is not")
    numeric = entry["form"] in ("number", "design")
    answer = float(entry["answer"]) if numeric else str(entry["answer"])
    if numeric and not isfinite(float(answer)):
        raise ValueError(f"{entry['id']} has no finite answer")
    tolerance = None if entry["tolerance"] is None else float(entry["tolerance"])
    part = Part(
        quantity=quantity,
        group="",
        answer=answer,
        tolerance=tolerance,
        points=int(entry["points"]),
        depends_on=tuple(str(other).removeprefix(prefix) for other in entry["depends_on"]),
        form=entry["form"],
        misconceptions=tuple(Wrong(w["note"], w["answer"]) for w in entry["misconceptions"]),
        options=tuple(entry.get("options", ())),
    )
    return Keyed(str(entry["id"]), int(number) - 1 if several else 0, part)
