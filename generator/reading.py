"""Reading: LaTeX mathematics as people write it -> chains of formulas over ids and printed numbers.

    ∂E/∂w_5 = 0.7414 * 0.1868 = 0.0822   ->   dL/dW[2][1][1] | 0.7414·0.1868 | 0.0822

A side that cannot be read is None.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from derive.expression import Call, Expr, Ref
from generator.grammar import RELATIONS, Parser, Vocabulary
from generator.grid import Printed, Value, is_number
from generator.lexing import SEPARATING, Token, tokens
from generator.unreadable import Unreadable

__all__ = ["Chain", "Side", "chains"]


class Side(NamedTuple):
    """One side of an equation; None where it could not be read."""

    value: Value | None
    text: str


@dataclass
class Chain:
    """Sides that are said to be equal, and where the first one starts in the text."""

    sides: list[Side]
    offset: int
    assigned: bool = False  # w ← …: the left side is the new one


# --- chains -------------------------------------------------------------------------------------


ENVIRONMENTS = set(
    "aligned align split gather gathered multline eqnarray equation alignat alignedat flalign "
    "IEEEeqnarray dmath displaymath math subequations".split()
)


def chains(source: str, vocabulary: Vocabulary, start: int = 0, comma: bool = False) -> Iterator[Chain]:
    """The equations of one piece of mathematics, in order."""
    read = tokens(source, start, comma)
    found = _continued([t for t in read if not (t.kind in ("begin", "end") and t.text in ENVIRONMENTS)])
    parser = Parser(found, vocabulary)
    chain = Chain([], start)
    listed = False  # a, b = 1, 2: which is which, this does not say

    def ended() -> Iterator[Chain]:
        nonlocal chain
        if chain.sides:
            yield Chain([Side(None, s.text) for s in chain.sides], chain.offset) if listed else chain
        for value, printed, offset in parser.asides:
            yield Chain([Side(value, ""), Side(Ref(printed), printed.text)], offset)
        parser.asides.clear()
        chain = Chain([], start)

    while parser.peek().kind != "stop":
        if parser.accept("&"):
            if len(chain.sides) > 1:  # the next column
                yield from ended()
            continue
        if parser.at("\\\\"):
            parser.next()
            while parser.accept("&", "quad"):
                pass
            if not parser.at("="):
                yield from ended()
                listed = False
            continue
        if parser.accept("←"):
            chain.assigned = True
            continue
        if parser.accept("="):
            continue
        if parser.accept(",", ";", "quad", ".", ":", "<", ">", "≤", "≥") or parser.separating():
            value = chain.sides[0].value if len(chain.sides) == 1 else None
            names = isinstance(value, Ref) and not is_number(value)
            comma_here = parser.tokens[parser.position - 1].text == ","
            if not (listed and comma_here):
                yield from ended()
            listed = comma_here and (listed or names)
            continue
        chain.offset = chain.offset if chain.sides else parser.peek().at
        side = _side(parser, source, start)
        more = _next_name(side, parser) if chain.sides else None
        chain.sides.append(side if more is None else Side(more[0], side.text))
        if more is not None:
            at = parser.peek().at
            yield from ended()
            chain = Chain([Side(more[1], side.text)], at)
    yield from ended()


def _continued(tokens: list[Token]) -> list[Token]:
    """Without the line breaks inside a sum: a row that starts with + goes on with the last one."""
    found: list[Token] = []
    at = inside = 0
    while at < len(tokens):
        after = at + 1
        inside += (tokens[at].kind == "begin") - (tokens[at].kind == "end")
        if tokens[at].kind == "row" and not inside:
            aligned = False
            while tokens[after].kind == "space" or tokens[after].text in ("&", "{", "}"):
                aligned |= tokens[after].text in ("&", "quad")
                after += 1
            signs = ("+", "-", "*") if aligned else ("+", "*")  # a row may start with a minus
            if tokens[after].kind == "mark" and tokens[after].text in signs:
                at = after
                continue
            after = at + 1
        found.append(tokens[at])
        at = after
    return found


def _side(parser: Parser, source: str, start: int) -> Side:
    begun = parser.position
    parser.depth, parser.columns, parser.enclosed, parser.applications = 0, False, 0, 0
    first = parser.peek().at
    value: Value | None
    try:
        value = parser.sum()
        if not _over(parser):
            raise Unreadable("unexpected")
    except (Unreadable, RecursionError):
        value = None
        parser.position, parser.depth, parser.columns, parser.enclosed = begun, 0, False, 0
        depth = 0
        while parser.peek().kind != "stop" and (
            depth > 0 or parser.position == begun or not _over(parser)
        ):
            token = parser.next()
            opens = token.kind == "begin" or (token.kind == "mark" and token.text in "([{")
            closes = token.kind == "end" or (token.kind == "mark" and token.text in ")]}")
            depth += opens - closes
    return Side(value, source[first - start : parser.peek().at - start].strip())


def _over(parser: Parser) -> bool:
    """Whether a side ends here."""
    parser.depth = 0
    token = parser.peek()
    if token.kind == "word":
        return token.text in SEPARATING
    return token.kind in ("stop", "row") or token.text in (
        "&",
        ",",
        ";",
        "quad",
        ".",
        ":",
        "←",
        *RELATIONS,
    )


def _next_name(side: Side, parser: Parser) -> tuple[Expr, Expr] | None:
    """`w0 = 2.06 w1 = -2.88`: the number, and the name of the next equation."""
    value = side.value
    if not (isinstance(value, Call) and value.fn == "*" and len(value.args) == 2 and parser.at("=")):
        return None
    number, name = value.args
    if is_number(number) and isinstance(name, Ref) and not isinstance(name.name, Printed):
        return number, name
    return None
