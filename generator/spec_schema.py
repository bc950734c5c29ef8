"""The JSON Schema of a spec, for editors that complete and check."""

from __future__ import annotations

from typing import Any

from derive.optimizer import OPTIMIZERS
from generator.spec import Spec

__all__ = ["schema"]

BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def schema() -> dict[str, Any]:
    """The JSON Schema of a spec file, for editors that complete and check."""
    found = Spec.model_json_schema()
    tables = found["$defs"]
    tables["OptimizerSpec"] = {"anyOf": [{"enum": list(OPTIMIZERS)}, tables["OptimizerSpec"]]}
    del tables["NetworkSpec"]["required"]  # inputs and layers, or sizes
    described: dict[str, Any] = _of_toml(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}


def _of_toml(part: Any) -> Any:
    """A part of a schema as TOML has it: no null, bounds by their names, numbers as numbers."""
    if isinstance(part, list):
        return [_of_toml(item) for item in part if item != {"type": "null"}]
    if not isinstance(part, dict):
        return part
    default = part.get("default")
    if default is None or isinstance(default, dict):
        part = {key: value for key, value in part.items() if key != "default"}
    elif part.get("type") == "number":
        part = {**part, "default": float(default)}
    return {BOUNDS.get(key, key): _of_toml(value) for key, value in part.items()}
