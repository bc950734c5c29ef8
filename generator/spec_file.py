"""Spec files: TOML text -> Spec.

A bad file gets one message that names the file and line, the key's path, what was found and what is
allowed (SpecError).
"""

from __future__ import annotations

import reprlib
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from generator.builtin import KINDS, LECTURES
from generator.place import Place, line_of
from generator.refusal import WHOLE, SpecError, choices
from generator.spec import OF_LIST, OF_RANGE, Spec
from generator.spec_laws import check

__all__ = ["load", "read"]

MAX_BYTES = 1_000_000


def load(source: str) -> Spec:
    """A built-in lecture's name or the path of a TOML file -> Spec; SpecError says what is wrong."""
    path = Path(source)
    if path.suffix != ".toml" and "/" not in source and (LECTURES / f"{source}.toml").is_file():
        path = LECTURES / f"{source}.toml"
    file = path.name
    try:
        if not path.is_file():
            raise FileNotFoundError
        if path.stat().st_size > MAX_BYTES:
            raise SpecError(file, WHOLE, "more than 1 MB", "a spec is a page of TOML")
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        if isinstance(error, SpecError):
            raise
        if isinstance(error, UnicodeDecodeError):
            raise SpecError(file, WHOLE, "bytes that are not UTF-8", "UTF-8 text") from None
        names = sorted(p.stem for p in LECTURES.glob("*.toml"))
        allowed = "the path of a TOML file, a lecture or a kind of exercise"
        allowed += f" (see `list`): {choices(source, [*names, *KINDS])}"
        raise SpecError(source[:80], "SPEC", "no such file or lecture", allowed) from None
    return read(text, file)


def read(text: str, file: str = "spec") -> Spec:
    """TOML text -> Spec; SpecError says in which line what is wrong."""
    try:
        spec = _read(text, file)
        spec._place = Place(file, text)
        return spec
    except SpecError as error:
        if error.key == WHOLE:  # which says its line itself, or has none
            raise
        raise error.at(line_of(text, error.key)) from None


def _read(text: str, file: str) -> Spec:
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(file, WHOLE, f"{error}", "TOML") from None
    except (ValueError, RecursionError, ArithmeticError):
        found = "a number or a nesting beyond all bounds"
        raise SpecError(file, WHOLE, found, "TOML with numbers people can read") from None
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise _explained(error, file) from None
    check(spec, file)
    return spec


def _explained(error: ValidationError, file: str) -> SpecError:
    errors = error.errors(include_url=False)
    errors.sort(key=lambda e: e["type"] != "extra_forbidden")  # a misspelt key is the likely cause
    first, *others = errors
    key, model = "", Spec
    for part in (part for part in first["loc"] if part not in (OF_RANGE, OF_LIST)):
        if isinstance(part, int):
            key += f"[{part}]"
            continue
        if first["type"] != "extra_forbidden" or part != first["loc"][-1]:
            model = _model_of(model, part)
        key += ("." if key else "") + str(part)
    found = _found(first["input"])
    match first["type"]:
        case "extra_forbidden":
            found = "an unknown key"
            allowed = choices(first["loc"][-1], list(model.model_fields))
        case "missing":
            found, allowed = "nothing", "it must be given"
        case "model_type" | "dict_type":
            allowed = "a table"
        case "list_type":
            allowed = "a list in brackets"
        case "string_pattern_mismatch":
            allowed = "letters, digits, - and _" if key == "name" else "one line of text"
        case _:
            allowed = first["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return SpecError(file, key or WHOLE, found, allowed, len(others))


def _model_of(model: Any, field: str) -> Any:
    """The model of a field, looked up through lists and annotations, to name its keys."""
    pending = [model.model_fields[field].annotation] if field in model.model_fields else []
    while pending:
        candidate = pending.pop()
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
        pending.extend(get_args(candidate))
    return model


def _found(value: Any) -> str:
    text = str(value) if isinstance(value, int | Decimal) else reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
