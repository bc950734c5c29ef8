"""Marking: what each answer of a class is worth, and why; on the graph, all hand-ins at once.

correct  <  follow-through: right from the student's own earlier answers  <  misconception  <  wrong
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.unreadable import Unreadable

__all__ = ["SLIPS", "VERDICTS", "HandIn", "Mark"]

VERDICTS = ("correct", "follow-through", "misconception", "wrong", "unreadable", "blank")
# What a wrong answer is beside a right one, when no misconception explains it.
SLIPS = ("sign", "power of ten", "exchanged digits", "too few digits")


@dataclass(frozen=True)
class HandIn:
    """What one student handed in for one variant: part id -> the answer as it was typed."""

    student: str
    variant: str
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Mark:
    """One answer marked.  `credit` is in points, of `points`; `notes`: the misconceptions that explain
    it, the likeliest first; `own`: the student's own wrong answers that it follows from; `slip`: a row
    of SLIPS; `remarks`: rows of REMARKS of how it was typed."""

    student: str
    variant: str
    part: str
    quantity: str
    answer: str
    verdict: str
    credit: float
    points: int
    expected: float | str
    value: float | None = None  # the number that was read
    notes: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    slip: str = ""
    remarks: tuple[str, ...] = ()
    unreadable: Unreadable | None = None
