"""Paper: exercises under one title, as they are handed out; a single exercise is a paper of one.

    paper = title + (exercise 1, exercise 2, …),  id of a part = "2:" + its quantity's id

An exercise of a sheet is another spec, used as it is: a kind, a lecture, or a TOML file beside it.  Each
draws from a stream of its own, by its name, so that another exercise changes nobody's numbers.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.builtin import KINDS, LECTURES
from generator.draw import digest, draw_all, variant_id
from generator.exercise import Exercise, Part
from generator.exercises import default, found
from generator.place import line_of
from generator.refusal import SpecError, near
from generator.spec import AskSpec, Spec, UseSpec

__all__ = ["Paper", "drawn", "specs_of"]


@dataclass(frozen=True)
class Paper:
    """What pages and keys are made of: `spec` has the title, and says whether it is a sheet."""

    spec: Spec
    exercises: tuple[Exercise, ...]
    variant: str | None = None

    @classmethod
    def of(cls, it: Exercise | Paper) -> Paper:
        """A single exercise as a paper of one."""
        return it if isinstance(it, Paper) else cls(it.spec, (it,), it.variant)

    @property
    def several(self) -> bool:
        """Whether exercises have numbers: on a sheet, even if it has one so far."""
        return bool(self.spec.exercise)

    @property
    def parts(self) -> tuple[tuple[str, Part], ...]:
        """Every part of every exercise, after what its id starts with: "2:" in the second exercise."""
        return tuple(
            (f"{number}:" if self.several else "", part)
            for number, exercise in enumerate(self.exercises, 1)
            for part in exercise.parts
        )

    @property
    def kind(self) -> str:
        """What its exercise asks; of several "sheet"."""
        return "sheet" if self.several else self.exercises[0].kind

    @property
    def methods(self) -> tuple[str, ...]:
        """All that vouches for the numbers."""
        each = (method for e in self.exercises for method in e.certificate.methods)
        return tuple(dict.fromkeys(each))

    @property
    def max_error(self) -> float:
        """The largest of all certificates."""
        return max(e.certificate.max_error for e in self.exercises)

    @property
    def digest(self) -> str:
        """Identifies the content, drawn numbers included."""
        each = [digest(exercise.spec) for exercise in self.exercises]
        if not self.several:
            return each[0]
        return hashlib.sha256(" ".join([digest(self.spec), *each]).encode()).hexdigest()[:16]


def specs_of(spec: Spec, source: str) -> tuple[Spec, ...]:
    """What a sheet from the file `source` uses, in its order, each named after the sheet; or the spec
    itself.  SpecError says which line of the sheet names what cannot be used."""
    if not spec.exercise:
        return (spec,)
    times, specs = Counter[str](), []
    for number, row in enumerate(spec.exercise):
        own = _used(row, Path(source), f"exercise[{number}].use")
        times[own.name] += 1
        again = f"/{times[own.name]}" if times[own.name] > 1 else ""
        about = {"name": f"{spec.name}/{own.name}{again}", "title": row.title or own.title}
        about |= {"language": spec.language, "paper": spec.paper}
        specs.append(own.model_copy(update={**about, **_worth(own, row.points)}))
    return tuple(specs)


def _used(row: UseSpec, sheet: Path, key: str) -> Spec:
    """The spec that an exercise is; what is wrong in a file of its own is said of that file."""
    known = [*KINDS, *sorted(path.stem for path in LECTURES.glob("*.toml"))]
    if row.use in known:
        return found(row.use)

    def refused(what: str, allowed: str) -> SpecError:
        line = line_of(sheet.read_text("utf-8"), key)
        return SpecError(sheet.name, key, repr(row.use[:60]) + what, allowed, line=line)

    path = sheet.parent / row.use
    if path.suffix != ".toml" or path.parent != sheet.parent or not path.is_file():
        allowed = "a kind, a lecture (see `list`) or a TOML file beside this one"
        raise refused("", near(row.use, known, allowed))
    own = found(str(path))
    if own.exercise:
        raise refused(", a sheet itself", "a spec with one network or circuit")
    return own


def _worth(spec: Spec, points: int | None) -> dict[str, object]:
    """So many points for each answer, as an update of the spec."""
    if points is None:
        return {}
    rows = spec.ask or [AskSpec(kind=default(spec))]
    return {"kind": None, "ask": [row.model_copy(update={"points": points}) for row in rows]}


def drawn(
    spec: Spec,
    specs: Sequence[Spec],
    seed: object,
    students: Sequence[object],
    rejected: Counter[str] | None = None,
    secret: bytes = b"",
) -> Iterator[Paper]:
    """The papers of all students, in their order; see `draw_all`."""
    each = [draw_all(own, seed, students, rejected, secret) for own in specs]
    for student, *exercises in zip(students, *each, strict=True):
        if not spec.exercise:
            yield Paper.of(exercises[0])
            continue
        variant = variant_id(spec, (seed, *(e.variant for e in exercises)), student, secret)
        yield Paper(spec, tuple(exercises), variant)
