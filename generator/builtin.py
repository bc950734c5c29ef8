"""Builtin: the lectures and the kinds of exercise that come with the program, by their files' names."""

from __future__ import annotations

from pathlib import Path

__all__ = ["KINDS", "LECTURES"]

LECTURES = Path(__file__).parent / "lectures"
KINDS = tuple(sorted(p.stem for p in (Path(__file__).parent / "exercises").glob("[a-z]*.py")))
