"""Exercise kinds: one file each, found because it is there.

A kind is a module with a docstring (its first line is what `list kinds` prints) and a function
`ask(exercise) -> [(group, quantity, points), …]`, the parts in the order in which they are asked.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from generator.spec import Spec

__all__ = ["default", "kind", "kinds"]


def default(spec: Spec) -> str:
    """The kind of homework that a spec is by itself."""
    if spec.circuit:
        return "circuit"
    return "forward" if spec.source.forward_only else "backprop"


def kinds() -> list[str]:
    """The names of all kinds."""
    return sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py"))


def kind(name: str) -> ModuleType:
    """The module of a kind."""
    return import_module(f"generator.exercises.{name}")
