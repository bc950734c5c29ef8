"""Errata: what an audit found, as a sheet that one could send to the lecturer, in its notation.

A number that is printed wrongly in several places is one erratum with several places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from derive.expression import Expr
from derive.network import counted
from derive.program import RATE, read
from derive.quantity import Id, Quantity
from derive.quantity import parse as parse_id
from generator.audit import Audited
from generator.exercise import Exercise
from generator.formula import Node, Number, Symbol, Text, row
from generator.page import Block, Section, tables
from generator.typeset import typeset

__all__ = ["Erratum", "errata", "sheet"]

_IDS = re.compile(
    r"d?[A-Za-z]\w*(?:\[\d+\])+(?:/d\w+(?:\[\d+\])*)?(?:#\d+)?(?:@\d+)?|dL/d\w+(?:\[\d+\])*"
)


@dataclass(frozen=True)
class Erratum:
    """One wrong fact and every place where it stands."""

    audited: Audited
    places: tuple[str, ...]


def errata(audited: Sequence[Audited]) -> list[Erratum]:
    """The errata in order, repetitions put together."""
    found: dict[tuple[str, str], list[Audited]] = {}
    for a in audited:
        if a.verdict == "erratum":
            found.setdefault((a.fact.id, a.fact.printed), []).append(a)
    return [
        Erratum(same[0], tuple(dict.fromkeys(a.fact.where for a in same if a.fact.where)))
        for same in found.values()
    ]


def rounded(number: float, printed: str) -> str:
    """A number with as many decimals as were printed."""
    exponent = Decimal(printed).as_tuple().exponent
    assert isinstance(exponent, int)
    shown = f"{Decimal(number):.{max(0, -exponent)}f}"
    return shown.removeprefix("-") if not Decimal(shown) else shown


def _is_number(printed: str) -> bool:
    with suppress(ArithmeticError):
        return Decimal(printed).is_finite()
    return False


class _Sheet:
    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise

    def name(self, q: Id) -> Node:
        """A quantity in the lecture's notation; a count by its own word."""
        if q == RATE:
            return self.exercise.namer.rate
        if isinstance(q, Quantity) and counted(self.exercise.graph, q) is not None:
            return Text(str(q))
        return self.exercise.namer(q)

    def formula(self, text: str) -> Node:
        return typeset(read(text), self.name)

    def words(self, cause: str) -> list[str | Node]:
        """A cause in words and formulas: its ids by the lecture's names."""
        parts: list[str | Node] = []
        at = 0
        cause = cause if _IDS.match(cause) else cause[:1].upper() + cause[1:]
        for match in _IDS.finditer(cause):
            with suppress(ValueError, KeyError):
                node = self.name(parse_id(match[0]))
                parts += [cause[at : match.start()], node]
                at = match.end()
        return [*parts, cause[at:]]

    def entry(self, number: int, erratum: Erratum) -> Block:
        fact, exact = erratum.audited.fact, erratum.audited.exact
        args: dict[str, Any] = {
            "number": number,
            "places": erratum.places,
            "cause": self.words(erratum.audited.cause),
            "explained": erratum.audited.cause != "unexplained",
        }
        left = self.formula(fact.id)
        if _is_number(fact.printed) and exact is not None:
            args |= {
                "printed": row(left, "=", Number(fact.printed)),
                "right": Number(rounded(exact, fact.printed)),
            }
            if Decimal(rounded(exact, fact.printed)) == Decimal(fact.printed):
                args["right"] = Number(f"{exact:.6g}")
            return Block("erratum_number", args)
        right: Expr | None = None
        with suppress(ValueError):
            right = read(fact.printed)
        shown = typeset(right, self.name) if right is not None else Symbol(fact.printed)
        return Block("erratum_formula", args, ((row(left, "=", shown), None),))


def sheet(exercise: Exercise, audited: Sequence[Audited]) -> tuple[Section, ...]:
    """The erratum sheet: a table of what is wrong, then each erratum with its cause."""
    maker = _Sheet(exercise)
    found = errata(audited)
    counts: Mapping[str, int] = {
        verdict: sum(a.verdict == verdict for a in audited)
        for verdict in ("match", "rounded-intermediates", "erratum", "unchecked")
    }
    entries = [maker.entry(number, erratum) for number, erratum in enumerate(found, 1)]
    summary = Block(
        "audit_summary",
        {
            "total": len(audited),
            "right": counts["match"],
            "rounded": counts["rounded-intermediates"],
            "wrong": counts["erratum"],
            "unchecked": counts["unchecked"],
            "errata": len(found),
        },
    )
    sections = [Section("audit_heading", {}, (summary, *_table(entries)))]
    if entries:
        sections.append(Section("errata_heading", {}, tuple(entries)))
    return tuple(sections)


def _table(entries: Sequence[Block]) -> Iterator[Block]:
    rows = [
        (Number(str(b.args["number"])), b.args["printed"], b.args["right"])
        for b in entries
        if b.phrase == "erratum_number"
    ]
    if rows:
        for part in tables(("erratum_head", "printed_head", "right_head"), rows):
            yield Block("errata_table", {}, (), part)
