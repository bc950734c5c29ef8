"""Pages: what each page of a paper holds: a question, a solution, an erratum sheet, a marked hand-in.

What is told is told once, whatever the format; `render` writes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

from derive.network import COUNTS
from derive.quantity import Derivative, Quantity
from generator import worked, worked_circuit, worked_counts, worked_layers, worked_symbols
from generator.exercise import STOP, Exercise
from generator.live import live
from generator.number import shown
from generator.page import Block, Section, answers, groups, mistake, working
from generator.paper import Paper
from generator.render import Pages
from generator.spec import Spec
from generator.telling import Teller

__all__ = ["PAGES", "errata_pages", "marked_pages", "pages", "pages_of"]

LOSSES = ("L", "L0", "R")  # ids that a forward pass alone does not give


def pages(it: Exercise | Paper, formats: Iterable[str], student: str = "") -> dict[str, str]:
    """File name -> text: the solution in each format, and the question where something is asked, each
    with its pictures where they are files."""
    return pages_of(it, student).files(formats)


PAGES = ("question", "solution", "slides")
USUAL = PAGES[:2]


def pages_of(it: Exercise | Paper, student: str = "", only: Collection[str] = USUAL) -> Pages:
    """The solution, and the question where something is asked; with the name of whom they are for,
    where it is known."""
    paper, first = Paper.of(it), 1
    solutions, questions, decks = [], [], []
    for number, exercise in enumerate(paper.exercises, 1):
        about = {"spec": exercise.spec, "number": number, "before": first - 1}
        own = f"{number}-" if paper.several else ""
        given = _given(exercise)
        if "solution" in only:
            told = {**about, **_solution(exercise, given, first)}
            solutions.append(_named(told, f"solution-{own}"))
        if "slides" in only:
            decks.append(_named({**about, **_deck(exercise)}, f"slides-{own}"))
        prefix = f"{number}:" if paper.several else ""
        questions.append(_named({**about, **_question(exercise, given, prefix)}, f"question-{own}"))
        first += len(questions[-1]["groups"])
    several = paper.several
    common = {"spec": paper.spec, "variant": paper.variant, "student": student, "several": several}
    common |= _set_in(paper.spec)
    wanted: dict[str, dict[str, Any]] = {}
    if "solution" in only:
        wanted["solution"] = {"exercises": solutions}
    if "slides" in only:
        wanted["slides"] = {"exercises": decks}
    if paper.parts and "question" in only:
        total = sum(part.points for _, part in paper.parts)
        said = [question["instructions"] for question in questions]
        usual = [how for how in said if how["numbers"] and not how["whole"]] or said
        once = usual[0] if several and all(how == usual[0] for how in usual) else None
        wanted["question"] = {"exercises": questions, "total": total, "instructions": once}
    return Pages(wanted, common)


def _named(page: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The page with its pictures called as their files are."""

    def named(block: Block) -> Block:
        drawn = block.picture
        return replace(block, picture=replace(drawn, name=prefix + drawn.name)) if drawn else block

    sections = (replace(s, blocks=tuple(map(named, s.blocks))) for s in page["sections"])
    return {**page, "sections": tuple(sections)}


def _given(exercise: Exercise) -> tuple[Section, ...]:
    """What is said before the questions; not what is asked: shapes are."""
    shapes = any(part.form == "shape" for part in exercise.parts)
    problem = (worked if shapes else _telling(exercise)).problem(exercise)
    return (*problem, *Teller(exercise).kinks())


def _solution(exercise: Exercise, given: tuple[Section, ...], first: int) -> dict[str, Any]:
    """The answers, from question `first` on, and every step."""
    key = tuple(section for section in [answers(exercise, first)] if section)
    told = _asked_for(exercise, _telling(exercise).worked(exercise)) + _points(exercise)
    sections = key + given + mistake(exercise) + told
    return {"sections": sections, "proof": _proof(exercise), "live": partial(live, exercise, sections)}


def _deck(exercise: Exercise) -> dict[str, Any]:
    """The sections of a worked example; `render` parts them into slides."""
    braced = replace(exercise, spec=exercise.spec.model_copy(update={"braces": True}))
    told = _asked_for(braced, _telling(braced).worked(braced)) + _points(braced)
    return {"sections": _given(braced) + mistake(braced) + told, "proof": _proof(exercise)}


def _question(exercise: Exercise, given: tuple[Section, ...], prefix: str) -> dict[str, Any]:
    """What is asked, what it is worth, and how answers are written."""
    numbers = [p.answer for p in exercise.parts if p.tolerance is not None]
    whole = all(float(number).is_integer() for number in numbers)
    only = len(numbers) == len(exercise.parts)  # else whole ones go without saying
    how = {"digits": exercise.spec.digits, "whole": whole, "numbers": only or not whole}
    points = sum(part.points for part in exercise.parts)
    return {
        "sections": given + working(exercise),
        "groups": groups(exercise, prefix),
        "points": points,
        "instructions": how,
    }


def _asked_for(exercise: Exercise, sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """A solution goes as far as the questions do: no loss after a forward pass, no layer before the
    last one whose gradients are asked."""
    asked = [part.quantity for part in exercise.parts]
    if not asked or any(q.update or q == STOP for q in asked):
        return sections
    slopes = [q.wrt for q in asked if isinstance(q, Derivative)]
    layers = [1 if len(q.index) < 2 else q.index[0] for q in slopes]
    lowest = 0 if exercise.spec.circuit else exercise.network_namer.layer_number(min([*layers, 99]))
    loss = bool(slopes) or any(q.name in LOSSES for q in asked if isinstance(q, Quantity))
    needed = {"loss": loss, "derived": bool(slopes), "circuit_backward": bool(slopes), "update": False}
    return tuple(
        section
        for section in sections
        if needed.get(section.phrase, True)
        and not (section.phrase == "backward" and section.args["layer"] < lowest)
    )


def _points(exercise: Exercise) -> tuple[Section, ...]:
    """What the spec says that its example is to teach."""
    blocks = tuple(Block("point", {"text": text}) for text in exercise.spec.points)
    return (Section("points", {}, blocks),) if blocks else ()


def errata_pages(exercise: Exercise, sections: tuple[Section, ...]) -> Pages:
    """An erratum sheet."""
    data = {"sections": sections, "proof": {**_proof(exercise), "of": "right"}}
    spec = exercise.spec
    return Pages({"errata": data}, {"spec": spec, **_set_in(spec)})


def _set_in(spec: Spec) -> dict[str, Any]:
    """What every page of a spec is set in."""
    return {"title": spec.title, "language": spec.language, "paper": spec.paper}


def marked_pages(
    phrase: str,
    title: str,
    sections: tuple[Section, ...],
    spec: Spec,
    student: str = "",
    variant: str = "",
) -> Pages:
    """What became of a hand-in, or of a class; whatever was typed can be written."""
    about = {"phrase": phrase, "student": student, "variant": variant, "typed": True}
    about |= {**_set_in(spec), "title": title}
    return Pages({"marked": {"sections": sections}}, about | {"wide": not student})


def _proof(exercise: Exercise) -> dict[str, Any]:
    proof = exercise.certificate
    error = shown(float(f"{proof.max_error:.0e}"), 1)
    of = _certain(exercise)
    return {"methods": proof.methods, "error": error, "of": of, "exactly": not proof.max_error}


def _telling(exercise: Exercise) -> ModuleType:
    """The module that tells an exercise of this sort: its `problem` and its `worked`."""
    if exercise.spec.circuit:
        return worked_circuit
    names = {part.quantity.name for part in exercise.parts if isinstance(part.quantity, Quantity)}
    if names and all(isinstance(p.quantity, Quantity) for p in exercise.parts) and names <= set(COUNTS):
        return worked_counts
    if exercise.spec.source.symbols:
        return worked_symbols
    designed = any(part.form == "design" for part in exercise.parts)
    return worked_layers if exercise.spec.told.whole and not designed else worked


def _certain(exercise: Exercise) -> str:
    """What the certificate is about."""
    if _telling(exercise) is worked_counts:
        return "count"
    if exercise.spec.source.symbols:
        return "formula"
    return "value" if exercise.graph.forward_only else "gradient"
