"""Unreadable: the one exception of everything that reads mathematics; REASONS is what is said of it."""

from __future__ import annotations

__all__ = ["REASONS", "Unreadable"]

# What was not understood and what to type instead; `{found}` is what stands there, shortened.
REASONS = {
    "unfinished": "the formula ends too early",
    "unexpected": "{found} does not belong here",
    "unclosed": "{found} is missing",
    "depth": "too many brackets in one another; type it simpler",
    "beside": "two numbers side by side; type * between them, or only one number",
    "power": "the exponent {found} is too large",
    "powers": "a power of a power; put parentheses around the first one",
    "layer": "{found}: a layer or a power? Type ^2 for a square, without parentheses",
    "argument": "{found} is a name and takes no argument; type * for a product",
    "function": "put parentheses around what {found} is taken of: {found}(…)",
    "arguments": "{found} is given the wrong number of arguments",
    "primes": "{found} has no derivative here; type it out",
    "inverse": "a function to the power −1 can be the inverse or 1/f; type it out",
    "root": "only square roots; type x^(1/3) for another",
    "dots": "{found} says that something is left out; type all of it",
    "environment": "{found} is not something that an answer has",
    "condition": "a condition needs one of = < > ≤ ≥",
    "transposed": "only a matrix can be transposed",
    "shape": "the matrices do not fit together",
    "ragged": "the rows of the matrix have different lengths",
    "matrix": "a matrix stands where one number belongs",
    "size": "this is too much to be computed with",
    "name": "{found} is no name of this sheet; use the names as they are printed on it",
    "nearly": "{found} is no name of this sheet; is it the same letter in another case?",
    "two names": "{found} can be two different quantities; type it as it is printed on the sheet",
    "sample": "of which sample? Type its number behind the name, {found}",
    "derivative": "{found} is no derivative of this sheet",
    "long": "longer than {found} characters",
    "character": "a character that cannot be seen ({found}); delete the answer and type it anew",
    "blank": "nothing was typed",
    "signs": "two signs one after the other; type one",
    "comma": "{found} can be two numbers; type it without a thousands mark",
    "cells": "{found} can be one number or two; type ; between numbers",
    "decimal": "a comma; decimals are typed with the course's mark, arguments inside parentheses",
    "mark": "{found}: one decimal mark is enough, and thousands have three digits",
    "digits": "more than {found} digits",
    "exponent": "an exponent beyond ±{found}",
    "zero": "a fraction with 0 below",
    "mixed": "{found}: type a mixed number as a decimal or as one fraction",
    "date": "{found} is a date, which a spreadsheet makes of numbers; format the cell as text first",
    "spreadsheet": "{found} is the error of a spreadsheet; type the number itself",
    "letter": "{found} is none of the letters; type one of them, such as a",
    "extent": "{found} is no shape; type rows and columns, such as 3x2",
    "not a number": "{found} is not a number",
    "calculation": "a calculation; type its result, one number",
    "words": "{found} stands behind the number; type the number only",
    "sides": "more than one = sign; type what stands behind the last one",
    "left side": "type the answer behind the = sign, not before it",
    "nothing": "nothing stands behind the = sign",
    "rows": "this is not a matrix: type [[1, 2], [3, 4]]",
}
SHOWN = 40  # characters of what is found


class Unreadable(ValueError):
    """What cannot be read: `reason`, a row of REASONS; at which character, and what is there."""

    def __init__(self, reason: str, offset: int | None = None, found: str = "") -> None:
        super().__init__(reason, offset, found)
        self.reason, self.offset, self.found = reason, offset, found

    @property
    def short(self) -> str:
        """What is there, cut off where it is long."""
        return self.found if len(self.found) <= SHOWN else self.found[: SHOWN - 1] + "…"

    def __str__(self) -> str:
        return REASONS[self.reason].replace("{found}", self.short)
