r"""Typed: a formula as a student types it -> a formula over ids, or Unreadable.

    a1*(1-a1)    out_{o1}(1 - out_{o1})    σ'(z_1^{(1)})    ->    a[1][1]*(1 - a[1][1])

The grammar is that of lectures, names are those of the sheet (`Names`).  A name that nobody knows makes
it unreadable; length, depth, digits and powers are bounded before anything is computed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fractions import Fraction

from derive.expression import Call, Expr, Num
from generator.answers import MAX_DIGITS, blank
from generator.grammar import FUNCTIONS, MAX_DEPTH, MAX_EXPONENT, Parser
from generator.grid import Printed, Unknown, Value, cases, scalar
from generator.lexing import LETTERS, Token, tokens
from generator.names import Names
from generator.plain import WRAPPERS, placed, plain, unwrapped
from generator.unreadable import Unreadable

__all__ = ["read_formula"]

MAX_TOKENS = 300
IF, ELSE = ("if", "for", "wenn", "für", "falls"), ("else", "otherwise", "sonst")


class _Typed(Parser):
    """The grammar of lectures with what only a keyboard has: x^(1/2), e^-z, a^12, |x|, √x, 1 if z > 0
    else 0."""

    bars = 0  # an open |

    def whole(self, last: bool = False) -> Value:
        """A formula, or one for each of some cases, the last of which may have a condition too."""
        value = self.sum()
        if last and self.says(ELSE):  # 1 if z > 0, 0 otherwise
            self.next()
        if not self.says(IF):
            return value
        self.next()
        row = [scalar(value), self.condition()]
        if last and self.peek().kind == "stop":
            return cases([row])
        if not (self.accept(",", ";") or self.says(ELSE)):
            raise self.unexpected(self.peek())
        if self.says(ELSE):
            self.next()
        return cases([row, [scalar(self.whole(last=True))]])

    def says(self, words: Collection[str]) -> bool:
        token = self.peek()
        known = token.kind == "word" and token.text in words
        return known and token.text not in self.vocabulary.names

    def choice(self) -> Value:
        """where(z > 0, 1, 0)"""
        self.expect("(")
        condition = self.condition()
        values = []
        for _ in range(2):
            self.expect(",")
            values.append(scalar(self.sum()))
        self.expect(")")
        return cases([[values[0], condition], [values[1]]])

    def script(self) -> list[Token]:
        token = self.peek()
        if token.kind == "number":
            return [self.next()]
        if token.kind == "mark" and token.text in ("-", "+"):
            after = self.tokens[self.position + 1]
            if after.kind in ("number", "word", "name") or after.text == "(":
                return [self.next(), *self.script()]
        if token.kind != "mark" or token.text != "(":
            return self.group()
        found, depth = [self.next()], 1
        while depth:
            token = self.tokens[self.position]
            if token.kind == "stop":
                raise Unreadable("unclosed", token.at, ")")
            self.position += 1
            depth += (token.text == "(") - (token.text == ")")
            found.append(token)
        return found

    def atom(self) -> Value:
        token = self.peek()
        if token.kind == "mark" and token.text in ("|", "√"):
            self.next()
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise Unreadable("depth", token.at)
            if token.text == "√":
                value = Call("sqrt", (scalar(self.atom()),))
            else:
                self.bars += 1
                value = Call("abs", (scalar(self.sum()),))
                self.bars -= 1
                self.expect("|")
            self.depth -= 1
            return value
        return super().atom()

    def starts_factor(self) -> bool:
        token = self.peek()
        opens = token.text == "√" or (token.text == "|" and not self.bars)
        return (opens and token.kind == "mark") or (
            super().starts_factor() and not self.says((*IF, *ELSE))
        )

    def word(self, token: Token) -> Value:
        names = self.vocabulary.names
        if token.text not in names:
            if token.text == "where" and self.at("("):
                return self.choice()
            token = token._replace(text=LETTERS.get(token.text, token.text))
            if token.text == "π" and not self.at("_", "^", "'"):
                return Call("pi", ())
            if token.text == "e" and not self.at("_", "^", "'", "("):
                return Call("exp", (Num(Fraction(1)),))
        return super().word(token)


_LAYER = re.compile(r"[^\W\d_]\w*\^\(\d+\)")


def read_formula(text: str, names: Names, decimal_mark: str | None = ".") -> Expr:
    """The formula that was typed; its names are ids, its numbers exact."""
    typed = plain(text)
    try:
        return _formula(typed.text, names, decimal_mark)
    except Unreadable as error:
        raise placed(error, typed) from None
    except RecursionError:
        raise Unreadable("depth", 0) from None


def _formula(source: str, names: Names, mark: str | None) -> Expr:
    if blank(source):
        raise Unreadable("blank", 0)
    source = source.replace(">=", "≥ ").replace("<=", "≤ ")
    lo, hi = unwrapped(source, WRAPPERS, []) if source[:1] in "$\\\"'= " else (0, len(source))
    if (equals := source.find("=", lo, hi)) >= 0:
        if source.find("=", equals + 1, hi) >= 0:
            raise Unreadable("sides", equals)
        if not re.search(r"[^\W\d_]", source[lo:equals]) or source[equals - 1] in "<>!":
            raise Unreadable("left side", lo)
        lo = equals + 1
    piece = source[lo:hi].rstrip()
    piece = piece[:-1] if piece.endswith((".", ";")) else piece
    if not piece.strip():
        raise Unreadable("nothing", lo)
    found = tokens(piece, lo, mark == ",", names.tokens_at)
    if len(found) > MAX_TOKENS:
        raise Unreadable("size", found[MAX_TOKENS].at)
    parser = _Typed(found, names.vocabulary)
    try:
        value = parser.whole()
        if (token := parser.peek()).kind != "stop":
            raise parser.unexpected(token) if token.text != "," else Unreadable("decimal", token.at)
        return _finished(scalar(value), piece, lo, names)
    except Unreadable as error:
        if error.offset is None:
            error.offset = parser.peek().at
        raise


def _finished(expr: Expr, source: str, start: int, names: Names) -> Expr:
    """With exact numbers, and without names that nobody knows."""
    if isinstance(expr, Call):
        return Call(expr.fn, tuple([_finished(arg, source, start, names) for arg in expr.args]))
    if isinstance(expr, Num):
        return expr
    if isinstance(expr.name, Printed):
        digits, _, exponent = expr.name.text.lower().partition("e")
        if len(digits) > MAX_DIGITS:
            raise Unreadable("digits", None, str(MAX_DIGITS))
        if abs(int(exponent or 0)) > MAX_EXPONENT:
            raise Unreadable("exponent", None, str(MAX_EXPONENT))
        return Num(expr.name.value)
    if isinstance(expr.name, Unknown):
        raise _unknown(expr.name, source, start, names)
    return expr


_TYPED_NAME = re.compile(r"\\?[^\W\d_]\w*(?:[_^](?:\{[^{}]*\}|\([\d]+\)|\w+))*|.", re.DOTALL)


def _unknown(name: Unknown, source: str, start: int, names: Names) -> Unreadable:
    """Why a name is none."""
    if name.text.startswith("∂"):
        return Unreadable("derivative", name.at, name.text)
    if name.text.lower() in FUNCTIONS:
        return Unreadable("function", name.at, name.text)
    typed = _TYPED_NAME.match(source, (name.at or start) - start)
    shown = typed[0] if typed else name.text
    near = names.lower.get(re.sub(r"[_{}\\]", "", shown).lower())
    if near is None and _LAYER.fullmatch(name.text):
        return Unreadable("layer", name.at, shown)
    return Unreadable("name" if near is None else "nearly", name.at, shown)
