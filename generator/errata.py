"""Errata: what an audit found, as a sheet that one could send to the lecturer, in its notation.

A number that is printed wrongly in several places is one erratum with several places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from derive.expression import Expr, Ref, fold
from derive.network import counted
from derive.program import RATE, read, sum_of
from derive.quantity import Derivative, Id, Quantity
from derive.quantity import parse as parse_id
from generator.audit import TRUTH, Audited
from generator.exercise import Exercise
from generator.formula import Node, Number, Text, equation, row
from generator.page import Block, Section, tables
from generator.statement import compares
from generator.typeset import typeset

__all__ = ["Erratum", "errata", "sheet"]

_ID = r"[A-Za-z]\w*(?:\[\d+\])+(?:/d\w+(?:\[\d+\])*)?|dL/d\w+(?:\[\d+\])*"
_IDS = re.compile(rf"(?:{_ID})(?:#\d+)?(?:@\d+)?")
_SYMBOLS = re.compile(rf"(?P<id>{_IDS.pattern})|(?<![\w.])-?\d+\.\d+(?![\w.])")
_CODES = re.compile(r" \(M\d+[a-z]?\)")


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
        self.program = exercise.program

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
        """A cause in words and formulas: ids by the lecture's names, numbers as numbers, no codes."""
        parts: list[str | Node] = []
        at = 0
        cause = _CODES.sub("", cause)
        cause = cause if _IDS.match(cause) else cause[:1].upper() + cause[1:]
        for match in _SYMBOLS.finditer(cause):
            with suppress(ValueError, KeyError):
                name = match["id"]
                node = self.name(parse_id(name)) if name else Number(match[0])
                parts += [cause[at : match.start()], node]
                at = match.end()
        return [*parts, cause[at:]]

    def taught(self, left: Expr) -> Expr | None:
        """The right formula for what a wrong one was printed for."""
        q = left.name if isinstance(left, Ref) else None
        if not isinstance(q, Quantity | Derivative):
            return None
        with suppress(KeyError):  # of every sample at once
            if isinstance(q, Derivative) and self.exercise.graph.local(replace(q, update=0)) is None:
                factors = self.program.factors(q)
                return fold(sum_of(factors)) if factors else None
            return self.program.formula(q)
        return None

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
            right = rounded(exact, fact.printed)
            if Decimal(right) in (Decimal(fact.printed), 0):
                right = f"{Decimal(exact):.3g}" if abs(exact) < 1 else f"{exact:.6g}"
            printed = row(left, "=", Number(fact.printed))
            return Block("erratum_number", args | {"printed": printed, "right": _number(right)})
        said = read(fact.printed) if fact.printed not in TRUTH else None
        shown = typeset(said, self.name) if said is not None else Text(fact.printed)
        formulas = [equation(left, shown)]
        better = self.taught(read(fact.id)) if said is not None and not compares(said) else None
        if better is not None:
            formulas.append(equation(left, typeset(better, self.name)))
        args["corrected"] = better is not None
        return Block("erratum_formula", args, tuple((f, None) for f in formulas))


def _number(text: str) -> Number:
    """1.23e-07 as 1.23·10^-7."""
    mantissa, _, exponent = text.lower().partition("e")
    return Number(mantissa, int(exponent)) if exponent else Number(mantissa)


def sheet(exercise: Exercise, audited: Sequence[Audited], source: str = "") -> tuple[Section, ...]:
    """The erratum sheet: a table of what is wrong, then each erratum with its cause; `source`: the
    file that its lines are counted in."""
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
            "source": source,
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
