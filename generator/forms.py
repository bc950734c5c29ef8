"""FORMS: in what form a question is answered; one row each, with what the key then holds.

number   0.1234, give or take a tolerance
choice   b, the letter of one of several numbers, the others being what misconceptions give
formula  (a[2][1] - t[1])*a[1][1], or any other that is equal as a function
shape    3x2, rows and columns of a matrix
design   a weight: one of many right answers, judged by what the network then computes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.expression import Call, Expr, Ref, fold, refs, substitute, text
from derive.program import Program
from derive.quantity import Derivative, Id, Quantity
from derive.verify import Uncertified
from generator.exercise import Exercise, Wrong
from generator.misconceptions import Rewrite, rewriting
from generator.statement import Statements

if TYPE_CHECKING:
    from generator.sheet import Asked, Batch, Sheet

__all__ = ["APART", "FORMS", "LETTERS", "SHAPES", "Form", "formulas", "lacking", "opened", "shapes"]

APART = 2  # tolerances between the right answer and a wrong one that is told from it
LETTERS = "abcdefgh"
OPTIONS = 5  # of a choice, the right one included
FEWEST = 3


@dataclass(frozen=True)
class Form:
    """`computed`: the answer is a number that is the same for everybody who is right, so it is screened
    and has a tolerance; `key`: the fields of a Part that a variant of a Batch fills."""

    computed: bool
    key: Callable[[Batch, Asked, int], dict[str, Any]]


# --- numbers ------------------------------------------------------------------------------------


def _number(batch: Batch, asked: Asked, v: int) -> dict[str, Any]:
    q = asked.quantity
    return {
        "answer": float(batch.answers[q][v]),
        "tolerance": float(batch.tolerances[q][v]),
        "misconceptions": tuple(Wrong(note, number) for note, number in _wrong(batch, q, v)),
    }


def _wrong(batch: Batch, q: Id, v: int) -> Iterator[tuple[str, float]]:
    """What each misconception gives, of those that give something."""
    for note, numbers in batch.wrong[q].items():
        if not np.isnan(numbers[v]):
            yield note, float(numbers[v])


def _design(batch: Batch, asked: Asked, v: int) -> dict[str, Any]:
    return {"answer": float(batch.numbers(asked.quantity)[v])}


# --- choices ------------------------------------------------------------------------------------


def _options(batch: Batch, q: Id, v: int) -> list[float]:
    """The right number, and wrong ones that are apart from it and from one another: of those that have
    a misconception behind them some, drawn for the variant; then slips of the sign and of the point."""
    right, near = float(batch.answers[q][v]), APART * float(batch.tolerances[q][v])
    wrong = [number for _, number in _wrong(batch, q, v)]
    turn = batch.specs[v].lot % len(wrong) if wrong else 0
    found = [right]
    for number in (*wrong[turn:], *wrong[:turn], -right, 10 * right, right / 10):
        if len(found) < OPTIONS and all(abs(number - other) > near for other in found):
            found.append(number)
    return sorted(found)


def lacking(batch: Batch) -> np.ndarray:
    """Of each variant, whether a choice has too few numbers to choose from."""
    asked = [a for a in batch.sheet.questions if a.form == "choice"]
    few = [[len(_options(batch, a.quantity, v)) < FEWEST for a in asked] for v in range(len(batch))]
    return np.array([any(row) for row in few])


def _choice(batch: Batch, asked: Asked, v: int) -> dict[str, Any]:
    q = asked.quantity
    options, near = _options(batch, q, v), float(batch.tolerances[q][v])

    def letter(number: float) -> str | None:
        at = [k for k, option in enumerate(options) if abs(option - number) <= near]
        return LETTERS[at[0]] if at else None

    right = letter(float(batch.answers[q][v]))
    wrong = ((note, letter(number)) for note, number in _wrong(batch, q, v))
    return {
        "answer": right,
        "options": tuple(options),
        "misconceptions": tuple(Wrong(note, at) for note, at in wrong if at not in (None, right)),
    }


# --- formulas -----------------------------------------------------------------------------------


def opened(program: Program, q: Id, rewrite: Rewrite | None = None) -> Expr:
    """q in terms of values alone, every derivative in it written out: (a[2][1] - t[1])*a[1][1]."""
    rewritten = rewrite(program, q) if rewrite else None
    formula = rewritten if rewritten is not None else program.formula(q)
    if formula is None:
        return Ref(q)

    def spelled(name: Any) -> Expr:
        return opened(program, name, rewrite) if isinstance(name, Derivative) else Ref(name)

    return _flat(fold(substitute(formula, spelled)))


def _flat(expr: Expr) -> Expr:
    """A product of products as one product."""
    if not isinstance(expr, Call):
        return expr
    args = [_flat(arg) for arg in expr.args]
    if expr.fn == "*":
        nested = (a.args if isinstance(a, Call) and a.fn == "*" else (a,) for a in args)
        args = [factor for factors in nested for factor in factors]
    return Call(expr.fn, tuple(args))


def formulas(sheet: Sheet, q: Id) -> dict[str, Any]:
    """The formula of q, and those of misconceptions that are other functions."""
    exercise, statements = sheet.exercise, Statements(sheet.exercise)
    right = opened(exercise.program, q)
    if not statements.holds(Ref(q), right):
        raise Uncertified(f"the formula of {q} does not give its number")
    wrong: dict[str, Expr] = {}
    for m in sheet.misconceptions:
        formula = opened(exercise.program, q, rewriting([m]))
        known = all(name.update < len(exercise.iterates) for name in refs(formula))
        if formula != right and known and not statements.identical(Ref(q), formula):
            wrong[m.id] = formula
    return {
        "answer": text(right),
        "misconceptions": tuple(Wrong(note, text(formula)) for note, formula in wrong.items()),
    }


def _formula(batch: Batch, asked: Asked, v: int) -> dict[str, Any]:
    return batch.sheet.formulas[asked.quantity]


# --- shapes -------------------------------------------------------------------------------------

# id of a shape -> the role of the matrix, and the misconception that turns it round.
SHAPES: dict[str, tuple[str, str]] = {
    "shape_W": ("W", "M14"),
    "shape_z": ("z", ""),
    "shape_a": ("a", ""),
    "shape_delta": ("delta", ""),
    "shape_dW": ("dW", "M26"),
}


def shapes(exercise: Exercise, q: Quantity) -> tuple[int, int]:
    """Rows and columns of a layer's matrix or vector, in the convention of the notation."""
    (layer,), (role, _) = q.index, SHAPES[q.name]
    sizes, rows = exercise.network_namer.sizes, exercise.network_namer.notation.vectors == "row"
    shape = sizes[layer], sizes[layer - 1] if role in ("W", "dW") else 1
    return shape[::-1] if rows else shape


def _shape(batch: Batch, asked: Asked, v: int) -> dict[str, Any]:
    assert isinstance(asked.quantity, Quantity)
    rows, columns = shapes(batch.sheet.exercise, asked.quantity)
    note = SHAPES[asked.quantity.name][1]
    turned = (Wrong(note, f"{columns}x{rows}"),) if note and rows != columns else ()
    return {"answer": f"{rows}x{columns}", "misconceptions": turned}


FORMS: dict[str, Form] = {
    "number": Form(True, _number),
    "choice": Form(True, _choice),
    "formula": Form(False, _formula),
    "shape": Form(False, _shape),
    "design": Form(False, _design),
}
