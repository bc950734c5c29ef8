"""Values: what a key of a spec may hold, as types with their messages; what names and formulas mean.

Numbers stay the decimals that were typed until they are evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache, partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from derive.expression import ExpressionError, Num, fold, parse
from derive.ops import ACTIVATIONS, LOSSES, VECTOR_ACTIVATIONS, Elementwise, Softmax
from derive.quantity import parse as parse_id
from generator.refusal import choices

__all__ = [
    "ANY_ACTIVATION",
    "Alpha",
    "Exact",
    "Identifier",
    "KernelRow",
    "Line",
    "MisconceptionId",
    "Model",
    "Name",
    "Point",
    "Positive",
    "Share",
    "Weight",
    "activation_of",
    "loss_of",
    "name_of",
    "named_or_formula",
    "one_of",
    "takes_alpha",
]

ANY_ACTIVATION: dict[str, Elementwise | Softmax] = {**ACTIVATIONS, **VECTOR_ACTIVATIONS}
SMALLEST, LARGEST, DIGITS = -12, 6, 12  # powers of ten; significant digits
NO_CONNECTION = "-"


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number", "a number")
    value = Decimal(value)
    if not value.is_finite():
        raise PydanticCustomError("number", "a finite number")
    if value and not SMALLEST <= value.adjusted() <= LARGEST:
        raise PydanticCustomError("number", f"0, or from 1e{SMALLEST} to 1e{LARGEST}")
    if len(value.normalize().as_tuple().digits) > DIGITS:
        raise PydanticCustomError("number", f"at most {DIGITS} digits")
    return value


def name_of(names: Iterable[str], value: Any) -> Any:
    """The value, which is one of the names."""
    if not isinstance(value, str) or value not in names:
        raise PydanticCustomError("one_of", "{allowed}", {"allowed": choices(value, names)})
    return value


def one_of(names: Iterable[str]) -> BeforeValidator:
    """One of the names of a table, or of a list."""
    names = tuple(names)
    return BeforeValidator(partial(name_of, names), Literal[*names])


def named_or_formula(row: Callable[[str], object], names: Iterable[str], of: str) -> BeforeValidator:
    """One of the names of a table, or a formula."""
    names = tuple(names)

    def check(value: Any) -> Any:
        if not isinstance(value, str) or re.fullmatch(r"\w*", value):
            return name_of(names, value)
        try:
            row(value)
        except ExpressionError as error:
            wrong = f"a formula of {of}; character {error.offset + 1}: {error}"
            raise PydanticCustomError("formula", "{wrong}", {"wrong": wrong}) from None
        return value

    return BeforeValidator(check, Literal[*names] | str)


def activation_of(name: str) -> Elementwise | Softmax:
    """The activation of that name, or what a formula of z computes."""
    return ANY_ACTIVATION.get(name) or _differentiated(name, "a", ("z",))


def loss_of(name: str) -> Elementwise:
    """The loss of that name, or what a formula of a and t computes."""
    return LOSSES.get(name) or _differentiated(name, "L", ("a", "t"))


def takes_alpha(activation: str) -> bool:
    """Whether the activation has a constant α."""
    return "alpha" in (activation_of(activation).constants or {})


@cache
def _differentiated(formula: str, output: str, slots: tuple[str, ...]) -> Elementwise:
    from derive.symbolic import elementwise

    return elementwise(formula, output, *slots)


def _alpha(value: Any) -> Any:
    """A number, or a formula of numbers: "1/3"."""
    if not isinstance(value, str):
        return _number(value)
    if len(value) > 40 or "**" in value:
        raise PydanticCustomError("alpha", "a number, or a short formula of numbers such as 1/3")
    try:
        found = fold(parse(value))
    except (ExpressionError, ArithmeticError) as error:
        raise PydanticCustomError(
            "alpha", "{wrong}", {"wrong": f"a formula of numbers; {error}"}
        ) from None
    if not isinstance(found, Num):
        raise PydanticCustomError("alpha", "a number, or a short formula of numbers such as 1/3")
    return value


def _id(value: Any) -> Any:
    """A quantity's id, as text."""
    try:
        parse_id(value if isinstance(value, str) else "")
    except ValueError:
        raise PydanticCustomError("id", "an id such as a[2][1] or dL/dW[1][2][1]") from None
    return value


def _weight(value: Any) -> Any:
    """A number, or "-" where there is no connection."""
    try:
        return None if value == NO_CONNECTION else _number(value)
    except PydanticCustomError as error:
        wrong = f'{error.message()}, or "{NO_CONNECTION}" for no connection'
        raise PydanticCustomError("weight", "{wrong}", {"wrong": wrong}) from None


def _kernel_row(value: Any) -> Any:
    """A number of a kernel over a line, or a row of one over a picture."""
    return [_number(number) for number in value] if isinstance(value, list) else _number(value)


Exact = Annotated[Decimal, BeforeValidator(_number, float)]
KernelRow = Annotated[Decimal | list[Decimal], BeforeValidator(_kernel_row, float | list[float])]
Weight = Annotated[Decimal | None, BeforeValidator(_weight, float | Literal["-"])]
Alpha = Annotated[Decimal | str, BeforeValidator(_alpha, float | str)]
Identifier = Annotated[str, BeforeValidator(_id)]
MisconceptionId = Annotated[str, Field(pattern=r"^M\d+[a-z]?$")]
Positive = Annotated[Exact, Field(gt=0)]
Share = Annotated[Exact, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]
Line = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*[\p{L}\p{N}][^\x00-\x1f\x7f]*$")]
Point = Annotated[str, Field(min_length=1, max_length=600, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Model(BaseModel):
    """A table: frozen, and nothing in it that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)
