"""Practice: a page that asks, checks what is typed, names the mistake, and opens hints one by one.

    right    |typed − answer| ≤ tolerance
    mistake  |typed − what it gives| ≤ as large a share of that

Every variant in the page was drawn, screened and certified like anybody's homework, but with another
secret: none of them is a student's.  A hint is one side more of the equation that leads to the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from derive.expression import Ref
from derive.quantity import Derivative, Quantity
from generator.exercise import Exercise, Part
from generator.formula import Node, Text, equation
from generator.misconceptions import MISCONCEPTIONS
from generator.page import keyed, label
from generator.pages import pages_of
from generator.paper import Paper
from generator.picture import spoken
from generator.render import Pages, words
from generator.telling import Teller

__all__ = ["CHECKED", "hints", "practice_pages"]

CHECKED = ("number", "choice", "shape")  # forms that a page can judge
SLIPS = {"wrong": "", "sign": "sign", "power": "power of ten", "few": "too few digits"}


def practice_pages(papers: Sequence[Paper]) -> Pages:
    """The page; what it says of an answer is what feedback says."""
    told = [pages_of(paper, only=["question"]) for paper in papers]
    variants = [
        {**one.wanted["question"], "variant": paper.variant, "asked": _asked(paper)}
        for one, paper in zip(told, papers, strict=True)
    ]
    notes = {note for v in variants for part in v["asked"].values() for _, note in part["key"]["wrong"]}
    common = told[0].common
    texts = _texts(common["language"], sorted(notes))
    return Pages({"practice": {"variants": variants, "texts": texts}}, common)


def _asked(paper: Paper) -> dict[str, dict[str, Any]]:
    """Part id -> what the page checks it by, and its hints."""
    found = {}
    for number, exercise in enumerate(paper.exercises, 1):
        prefix = f"{number}:" if paper.several else ""
        for part in exercise.parts:
            key = {
                "form": part.form,
                "answer": part.answer,
                "near": part.tolerance or 0,
                "digits": exercise.spec.digits,
                "wrong": [[wrong.answer, wrong.note] for wrong in part.misconceptions],
                "name": spoken(label(exercise, part)),
            }
            found[prefix + part.id] = {
                "key": key,
                "checked": part.form in CHECKED,
                "hints": list(hints(exercise, part)),
            }
    return found


def hints(exercise: Exercise, part: Part) -> Iterator[Node]:
    """name = the chain rule; name = formula; = numbers put in; = answer: one side more each time."""
    name, sides = label(exercise, part), _sides(exercise, part)
    answer, _ = keyed(exercise, part)
    if part.form == "choice" or not sides:
        sides = [*sides[:-1], answer]
    seen = None
    for end in range(1, len(sides) + 1):
        if sides[end - 1] != seen:
            yield equation(name, sides[end - 1])
        seen = sides[end - 1]


def _sides(exercise: Exercise, part: Part) -> list[Node]:
    """What a quantity is, side by side; nothing where no formula leads to it."""
    q, teller = part.quantity, Teller(exercise)
    if part.form not in ("number", "choice"):
        return []
    with suppress(KeyError, AssertionError):
        if isinstance(q, Derivative) and q.of == exercise.graph.root.at() and not q.update:
            return teller.step_sides(exercise.derivation.step(q))
        formula = exercise.program.formula(q)
        while isinstance(formula, Ref) and teller.label(formula.name) == teller.label(q):
            assert isinstance(formula.name, Quantity)
            formula = exercise.program.formula(formula.name)  # of a single term: L = L says nothing
        return [] if formula is None else teller.sides(formula, q)
    return []


def _texts(language: str, notes: Sequence[str]) -> dict[str, Any]:
    """What the page says of an answer, beside which it stands: {answer} is what was typed."""

    def told(phrase: str, **args: Any) -> str:
        about = {"name": Text("{name}"), "answer": Text("{answer}"), **args}
        said = words(phrase, about, language).removeprefix("{name}: ")
        return said[0].upper() + said[1:]

    mistakes = {
        note: told("told_misconception", joined="or", notes=[MISCONCEPTIONS[note]]) for note in notes
    }
    said = {name: told("told_wrong", slip=slip) for name, slip in SLIPS.items()}
    said |= {name: words(f"practice_{name}", {}, language) for name in ("right", "unreadable", "score")}
    return {**said, "mistakes": mistakes}
