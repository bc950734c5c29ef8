"""Reading: LaTeX mathematics as people write it -> chains of formulas over ids and printed numbers.

    ∂E/∂w_5 = 0.7414 * 0.1868 = 0.0822   ->   dL/dW[2][1][1] | 0.7414·0.1868 | 0.0822

Names are looked up by their spelling (`Vocabulary`); what nobody knows stays `Unknown`, and a side
that cannot be read is None.  Nothing is executed and nothing is simplified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from derive.expression import UNDEFINED, Call, Expr, Ref, call, refs, substitute
from derive.ops import ACTIVATIONS
from derive.quantity import Derivative, Id, Quantity
from generator.lexing import SEPARATING, Token, tokens

__all__ = ["Chain", "Grid", "Printed", "Side", "Unknown", "Vocabulary", "chains", "numbers"]

MAX_DEPTH, MAX_APPLICATIONS, MAX_SIZE, MAX_POWER = 40, 4, 500, 1000
NEW = ("+", "new", "(new)", "neu", "(neu)", "(+)")  # of a parameter: after the update


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as it is printed, with its sign."""

    text: str

    @property
    def value(self) -> Fraction:
        return Fraction(Decimal(self.text))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that is not in the vocabulary."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix, or a vector with one row or column."""

    rows: tuple[tuple[Expr, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0])

    @property
    def transposed(self) -> Grid:
        return Grid(tuple(zip(*self.rows, strict=True)))


Value = Expr | Grid


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


@dataclass(frozen=True)
class Vocabulary:
    """What names mean: `names` by spelling (`w_5`, `net_h1`, `w_5'`), `blocks`: whole layers (`W^(2)`),
    `derivative(of, wrt)` where there is one, `activation`: what f and g stand for."""

    names: Mapping[str, Id]
    blocks: Mapping[str, Grid]
    derivative: Callable[[Quantity, Quantity], Derivative | None]
    activation: str | None = None

    def function(self, word: str) -> str | None:
        """The function that a word stands for."""
        if word in ("f", "g"):
            return self.activation
        return FUNCTIONS.get(word, FUNCTIONS.get(word.lower()))


FUNCTIONS = {name: name for name in ("max", "min", "exp", "log", "sqrt", "sin", "cos", "abs")}
FUNCTIONS |= {name: name for name, row in ACTIVATIONS.items() if not row.constants}
FUNCTIONS |= {"σ": "sigmoid", "logistic": "sigmoid", "ln": "log", "linear": "identity"}


def numbers(value: Expr) -> list[Printed]:
    """The printed numbers in a formula, from left to right."""
    return [name for name in refs(value) if isinstance(name, Printed)]


# --- parsing ------------------------------------------------------------------------------------


class _Unreadable(Exception):
    pass


MATRICES = ("matrix", "bmatrix", "pmatrix", "Bmatrix", "smallmatrix", "array")
TRANSPOSED = ("T", "⊤", "top", "intercal")
RELATIONS = ("=", "<", ">", "≤", "≥")


class _Parser:
    def __init__(self, tokens: Sequence[Token], vocabulary: Vocabulary) -> None:
        self.tokens = tokens
        self.vocabulary = vocabulary
        self.position = 0
        self.columns = False  # whether a wide space ends a cell
        self.enclosed = 0  # parentheses, brackets and groups around; outside, a quad ends a side
        self.depth = 0
        self.applications = 0
        self.asides: list[tuple[Value, Printed, int]] = []  # a number under a brace, and what it is of

    # tokens

    def peek(self) -> Token:
        while True:
            token = self.tokens[self.position]
            wide = self.columns and token.text in ("hard", "quad")
            if token.kind != "space" or wide or (token.text == "quad" and not self.enclosed):
                return token
            self.position += 1

    def next(self) -> Token:
        token = self.peek()
        self.position += 1 if token.kind != "stop" else 0
        return token

    def at(self, *texts: str) -> bool:
        token = self.peek()
        return token.kind in ("mark", "row", "space") and token.text in texts

    def accept(self, *texts: str) -> bool:
        if self.at(*texts):
            self.next()
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise _Unreadable

    def group(self) -> list[Token]:
        """The tokens of a script or argument: a group in braces, or a single token."""
        token = self.next()
        if token.kind == "number" and len(token.text) > 1 and token.text.isdigit():
            # Without braces it is a single digit.
            rest = Token("number", token.text[1:], token.at + 1)
            self.position -= 1
            self.tokens = [*self.tokens[: self.position], rest, *self.tokens[self.position + 1 :]]
            return [Token("number", token.text[0], token.at)]
        if token.text != "{" or token.kind != "mark":
            return [token]
        found, depth = [], 1
        while depth:
            if self.tokens[self.position].kind == "stop":
                raise _Unreadable
            token = self.tokens[self.position]
            self.position += 1
            if token.kind == "mark":
                depth += (token.text == "{") - (token.text == "}")
            found.append(token)
        return found[:-1]

    def inside(self, tokens: Sequence[Token]) -> Value:
        """The formula that a group holds."""
        stop = Token("stop", "", tokens[-1].at if tokens else 0)
        parser = _Parser([*tokens, stop], self.vocabulary)
        parser.depth, parser.enclosed = self.depth + 1, 1
        parser.applications = self.applications
        value = parser.sum()
        if parser.peek().kind != "stop":
            raise _Unreadable
        return value

    # grammar

    def sum(self) -> Value:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unreadable
        total = self.term()
        while self.at("+", "-"):
            fn = self.next().text
            total = _combine(fn, total, self.term())
        self.depth -= 1
        return total

    def term(self) -> Value:
        """A product; a minus before a number belongs to the number."""
        if self.accept("-"):
            follower = self.peek()
            factor = self.product()
            return _negative(factor, follower.kind == "number")
        self.accept("+")
        return self.product()

    def product(self) -> Value:
        value = self.power()
        juxtaposed_number = False
        while True:
            if self.at("*", "⊙", "/"):
                fn = self.next().text
                other = self.signed_power()
            elif self.starts_factor():
                token = self.peek()
                if token.kind == "number" and (juxtaposed_number or _is_number(value)):
                    raise _Unreadable  # a number beside a number
                fn, other = "*", self.power()
            else:
                return value
            juxtaposed_number = _is_number(other)
            value = _combine(fn, value, other)

    def signed_power(self) -> Value:
        if self.accept("-"):
            number = self.peek().kind == "number"
            return _negative(self.power(), number)
        return self.power()

    def starts_factor(self) -> bool:
        token = self.peek()
        if token.kind == "number":
            return not self.columns
        if token.kind == "word":
            return token.text not in SEPARATING
        return token.kind == "begin" or (token.kind == "mark" and token.text in "([{∂")

    def power(self) -> Value:
        value = self.atom()
        while self.at("^", "_"):
            mark = self.next().text
            script = self.group()
            if mark == "_":  # a comment under a brace
                printed = self.lone_number(script)
                if printed and not _is_number(value):
                    self.asides.append((value, printed, script[0].at))
                continue
            text = _flat(script)
            if text in TRANSPOSED:
                if not isinstance(value, Grid):
                    raise _Unreadable
                value = value.transposed
            else:
                exponent = self.inside(script)
                if isinstance(value, Grid) or isinstance(exponent, Grid):
                    raise _Unreadable
                value = _shortened("**", value, exponent)
        return value

    def lone_number(self, script: Sequence[Token]) -> Printed | None:
        with suppress(_Unreadable):
            value = self.inside(script)
            if isinstance(value, Ref) and isinstance(value.name, Printed):
                return value.name
        return None

    def atom(self) -> Value:
        token = self.next()
        if token.kind == "number":
            return Ref(Printed(token.text if token.text[0] != "." else f"0{token.text}"))
        if token.kind == "begin":
            return self.environment(token.text)
        if token.kind == "word":
            return self.word(token)
        match token.text if token.kind == "mark" else "":
            case "(":
                return self.parentheses()
            case "{":
                self.position -= 1
                return self.inside(self.group())
            case "[":
                return self.bracket()
            case "∂":
                of = self.power()
                self.expect("/")
                self.expect("∂")
                return self.derivative(of, self.power())
        raise _Unreadable

    def parentheses(self) -> Value:
        columns, self.columns = self.columns, False
        self.enclosed += 1
        value = self.sum()
        if self.accept(*RELATIONS):  # (1.5 > 0) is a remark
            self.sum()
            value = Ref(Unknown("a condition"))
        self.enclosed -= 1
        self.expect(")")
        self.columns = columns
        return value

    def bracket(self) -> Value:
        """[a b c]: cells end at a wide space, or where a number follows a number."""
        columns, self.columns = self.columns, True
        self.enclosed += 1
        rows: list[list[Expr]] = [[]]
        while not self.accept("]"):
            if self.accept("hard", "quad", "&", ","):
                continue
            if self.accept(";", "\\\\"):
                rows.append([])
                continue
            if self.peek().kind == "stop":
                raise _Unreadable
            rows[-1].append(_scalar(self.sum()))
        self.columns = columns
        self.enclosed -= 1
        return _grid(rows)

    def environment(self, name: str) -> Value:
        rows: list[list[Value]] = [[]]
        columns, self.columns = self.columns, False
        self.enclosed += 1
        while self.peek().kind != "end":
            if self.accept("&"):
                continue
            if self.accept("\\\\"):
                rows.append([])
                continue
            if self.peek().kind == "stop":
                raise _Unreadable
            rows[-1].append(self.condition() if name == "cases" and rows[-1] else self.sum())
        self.next()
        self.columns = columns
        self.enclosed -= 1
        if name == "cases":
            return _cases([[_scalar(v) for v in row] for row in rows if row])
        if name not in MATRICES:
            raise _Unreadable
        return _grid([[_scalar(v) for v in row] for row in rows if row])

    def condition(self) -> Expr:
        """`x > 0`, `x ≤ 0`, as a call of the relation."""
        while self.accept(";") or _word(self):
            pass
        word = self.peek()
        if word.kind == "word" and word.text not in self.vocabulary.names:
            self.position += 1
            if self.peek().kind in ("end", "row"):  # otherwise, sonst, else
                return OTHERWISE
            self.position -= 1
        if self.peek().kind in ("end", "row"):
            return OTHERWISE
        left = _scalar(self.sum())
        token = self.next()
        if token.text not in RELATIONS:
            raise _Unreadable
        return Call(token.text, (left, _scalar(self.sum())))

    def word(self, token: Token) -> Value:
        if token.text in ("frac", "dfrac", "tfrac"):
            return self.fraction()
        if token.text == "sqrt":
            return Call("sqrt", (_scalar(self.inside(self.group())),))
        sub, sup, primes, power = "", "", 0, None
        while self.at("_", "^", "'"):
            mark = self.next().text
            if mark == "'":
                primes += 1
                continue
            script = self.group()
            if mark == "_":
                sub += _flat(script)
            else:
                if token.text == "e" and "e" not in self.vocabulary.names:
                    return Call("exp", (_scalar(self.inside(script)),))
                text = _flat(script)
                primes += text.count("'")
                text = text.replace("'", "")
                sup += text
                power = script if text else power
        return self.named(token.text, sub, sup, primes, power)

    def named(self, base: str, sub: str, sup: str, primes: int, power: Sequence[Token] | None) -> Value:
        names = self.vocabulary.names
        found = names.get(spelling(base, sub, sup, primes))
        if found is not None:
            return self.no_argument(Ref(found))
        whole = self.block(base, sub, sup, primes)
        if whole is not None:
            return whole
        if sup in NEW and (found := names.get(spelling(base, sub, "", primes + 1))) is not None:
            return self.no_argument(Ref(found))
        if sub.removesuffix("new") != sub or "," in sub:
            plain = sub.removesuffix("new").rstrip(",").replace(",", "")
            newer = primes + sub.endswith("new")
            if (found := names.get(spelling(base, plain, sup, newer))) is not None:
                return self.no_argument(Ref(found))
        bare = power is not None and power[0].text not in ("(", "[")  # w^{(1)} is no power of w
        if bare and power and (found := names.get(spelling(base, sub, "", primes))) is not None:
            return _shortened("**", Ref(found), self.inside(power))
        function = self.vocabulary.function(base) if not sub else None
        if (function and self.at("(", "[", "{")) or (function and self.peek().kind == "begin"):
            assert function
            return self.applied(function, primes, power)
        letters = [names.get(letter) for letter in base[:-1]]
        if len(base) > 1 and None not in letters:  # qz is q times z
            last = self.named(base[-1], sub, sup, primes, power)
            if not isinstance(last, Grid) and not _unknown(last):
                return call("*", *(Ref(letter) for letter in letters), last)
        if base in ("sum", "prod", "int", "nabla", "ldots", "dots", "cdots", "vdots", "ddots"):
            raise _Unreadable
        return Ref(Unknown(spelling(base, sub, sup, primes)))

    def no_argument(self, name: Ref) -> Expr:
        """A name; but E(1) and w[2] are the name with an argument, which is no product."""
        if isinstance(name.name, Quantity) and self.at("(", "["):
            closing = self.tokens[self.position + 2 : self.position + 3]
            lone = self.tokens[self.position + 1].kind == "number"
            if lone and closing and closing[0].text in (")", "]"):
                raise _Unreadable
        return name

    def block(self, base: str, sub: str, sup: str, primes: int) -> Grid | None:
        """A whole layer, or its transpose."""
        blocks = self.vocabulary.blocks
        if (found := blocks.get(spelling(base, sub, sup, primes))) is not None:
            return found
        for mark in TRANSPOSED:
            name = spelling(base, sub, sup.removesuffix(mark), primes)
            if sup.endswith(mark) and name in blocks:
                return blocks[name].transposed
        return None

    def applied(self, function: str, primes: int, power: Sequence[Token] | None) -> Value:
        if power and power[0].text == "-":  # σ^{-1} is the inverse
            raise _Unreadable
        self.applications += 1
        if self.applications > MAX_APPLICATIONS:
            raise _Unreadable
        if self.accept("("):
            columns, self.columns = self.columns, False
            self.enclosed += 1
            arguments = [self.sum()]
            while self.accept(","):
                arguments.append(self.sum())
            self.enclosed -= 1
            self.expect(")")
            self.columns = columns
        else:
            arguments = [self.atom()]
        self.applications -= 1
        if isinstance(arguments[0], Grid) and len(arguments) == 1:
            rows = arguments[0].rows
            return Grid(tuple(tuple(_apply(function, primes, (c,)) for c in row) for row in rows))
        value = _apply(function, primes, tuple(map(_scalar, arguments)))
        return _shortened("**", value, self.inside(power)) if power else value

    def fraction(self) -> Value:
        top, bottom = self.group(), self.group()
        upper, lower = _differential(top), _differential(bottom)
        if upper is not None and lower is not None:
            try:
                return self.derivative(self.inside(upper), self.inside(lower))
            except _Unreadable:
                return Ref(Unknown(f"∂{_flat(upper)}/∂{_flat(lower)}"))
        return _combine("/", self.inside(top), self.inside(bottom))

    def derivative(self, of: Value, wrt: Value) -> Value:
        if isinstance(wrt, Grid) and not isinstance(of, Grid):
            rows = (tuple(_scalar(self.derivative(of, cell)) for cell in row) for row in wrt.rows)
            return Grid(tuple(rows))
        if isinstance(of, Grid) or isinstance(wrt, Grid):
            raise _Unreadable
        one, other = (v.name if isinstance(v, Ref) else None for v in (of, wrt))
        if isinstance(one, Quantity) and isinstance(other, Quantity):
            found = self.vocabulary.derivative(one, other)
            if found is not None:
                return Ref(found)
        return Ref(Unknown(f"∂{_name(one)}/∂{_name(other)}"))


def _name(name: object) -> str:
    return name.text if isinstance(name, Unknown) else str(name)


def spelling(base: str, sub: str = "", sup: str = "", primes: int = 0) -> str:
    """One spelling of a name with its scripts: w_5', wherever the prime was typed."""
    return base + (f"_{sub}" if sub else "") + (f"^{sup}" if sup else "") + "'" * primes


def _flat(tokens: Sequence[Token]) -> str:
    """A script without its braces, spaces and underscores: j_1k_1 is j1k1."""
    kept = (t for t in tokens if t.kind != "space" and not (t.kind == "mark" and t.text in "{}_^"))
    return "".join(t.text for t in kept)


def _differential(tokens: Sequence[Token]) -> list[Token] | None:
    """What stands after ∂ or d in a fraction's half; None if it does not start with one."""
    rest = [t for t in tokens if t.kind != "space"]
    if not rest:
        return None
    first, *others = rest
    if first.text == "∂" or (first.kind == "word" and first.text == "d"):
        return others or None
    if first.kind == "word" and first.text.startswith("d"):
        return [Token("word", first.text[1:], first.at), *others]
    return None


def _is_number(value: Value) -> bool:
    return isinstance(value, Ref) and isinstance(value.name, Printed)


def _unknown(value: Expr) -> bool:
    return any(isinstance(name, Unknown) for name in refs(value))


def _negative(value: Value, number: bool) -> Value:
    if isinstance(value, Grid):
        return Grid(tuple(tuple(Call("neg", (cell,)) for cell in row) for row in value.rows))
    if number and isinstance(value, Ref) and isinstance(value.name, Printed):
        return Ref(Printed("-" + value.name.text))
    if number and isinstance(value, Call) and value.fn == "*":
        first = _negative(value.args[0], True)
        assert not isinstance(first, Grid)
        return Call("*", (first, *value.args[1:]))
    return Call("neg", (value,))


def _scalar(value: Value) -> Expr:
    if isinstance(value, Grid):
        if value.shape == (1, 1):
            return value.rows[0][0]
        raise _Unreadable
    return value


def _grid(rows: Sequence[Sequence[Expr]]) -> Grid:
    kept = tuple(tuple(row) for row in rows if row)
    if not kept or len({len(row) for row in kept}) != 1:
        raise _Unreadable
    return Grid(kept)


def _shortened(fn: str, one: Value, other: Value) -> Expr:
    """A power; of an exponent that nobody computes with it is none."""
    if _is_number(other) and abs(numbers(_scalar(other))[0].value) > MAX_POWER:
        raise _Unreadable
    return Call(fn, (_scalar(one), _scalar(other)))


def _power_of_ten(value: Expr) -> int | None:
    if isinstance(value, Call) and value.fn == "**" and all(map(_is_number, value.args)):
        base, exponent = numbers(value)
        if base.text == "10" and re.fullmatch(r"-?\d{1,3}", exponent.text):
            return int(exponent.text)
    return None


OPERATORS = {"⊙": "*"}


def _combine(fn: str, one: Value, other: Value) -> Value:
    """one fn other, for scalars, matrices, and a scalar with a matrix."""
    if isinstance(one, Grid) and one.shape == (1, 1) and not isinstance(other, Grid):
        one = _scalar(one)
    if isinstance(one, Grid) and isinstance(other, Grid):
        if fn == "*" and one.shape[1] == other.shape[0]:
            columns = list(zip(*other.rows, strict=True))
            return Grid(tuple(tuple(_dot(row, column) for column in columns) for row in one.rows))
        if one.shape != other.shape:
            raise _Unreadable
        pairs = (zip(a, b, strict=True) for a, b in zip(one.rows, other.rows, strict=True))
        fn = OPERATORS.get(fn, fn)
        return Grid(tuple(tuple(Call(fn, (a, b)) for a, b in row) for row in pairs))
    if isinstance(one, Grid):
        return Grid(tuple(tuple(_scalars(fn, cell, _scalar(other)) for cell in r) for r in one.rows))
    if isinstance(other, Grid):
        return Grid(tuple(tuple(_scalars(fn, one, cell) for cell in r) for r in other.rows))
    return _scalars(fn, one, other)


def _dot(row: Sequence[Expr], column: Sequence[Expr]) -> Expr:
    if sum(sum(1 for _ in islice(refs(e), MAX_SIZE)) for e in (*row, *column)) > MAX_SIZE:
        raise _Unreadable
    return call("+", *(call("*", a, b) for a, b in zip(row, column, strict=True)))


def _scalars(fn: str, one: Expr, other: Expr) -> Expr:
    fn = OPERATORS.get(fn, fn)
    power = _power_of_ten(other) if fn == "*" else None
    first, last = (one.args[:-1], one.args[-1]) if isinstance(one, Call) and one.fn == "*" else ((), one)
    if power is not None and isinstance(last, Ref) and isinstance(last.name, Printed):
        return call("*", *first, Ref(Printed(f"{last.name.text}e{power}")))
    if fn in "+*" and isinstance(one, Call) and one.fn == fn:
        return Call(fn, (*one.args, other))
    return Call(fn, (one, other))


def _apply(function: str, primes: int, arguments: tuple[Expr, ...]) -> Expr:
    """f(x), f′(x), or a function of several."""
    row = ACTIVATIONS.get(function)
    if row is None or (function == "tanh" and not primes):
        if primes:
            raise _Unreadable
        return Call(function, arguments)
    (argument,) = arguments
    value = substitute(row.formula, lambda _: argument)
    if primes > 1:
        raise _Unreadable
    if primes:
        return substitute(row.partials["z"], lambda name: value if name == "a" else argument)
    return value


OTHERWISE = Call("otherwise", ())


def _cases(rows: Sequence[Sequence[Expr]]) -> Expr:
    value: Expr = UNDEFINED
    for row in reversed(rows):
        if len(row) == 1:
            value = row[0]
            continue
        shown, condition = row
        if condition == OTHERWISE:
            value = shown
            continue
        assert isinstance(condition, Call)
        left, right = condition.args
        above, below = Call(">", (left, right)), Call(">", (right, left))
        match condition.fn:
            case ">":
                value = Call("where", (above, shown, value))
            case "<":
                value = Call("where", (below, shown, value))
            case "≥":
                value = Call("where", (below, value, shown))
            case "≤":
                value = Call("where", (above, value, shown))
            case _:
                value = Call("where", (Call("==", (left, right)), shown, value))
    return value


# --- chains -------------------------------------------------------------------------------------


ENVIRONMENTS = set(
    "aligned align split gather gathered multline eqnarray equation alignat alignedat flalign "
    "IEEEeqnarray dmath displaymath math subequations".split()
)


def chains(source: str, vocabulary: Vocabulary, start: int = 0, comma: bool = False) -> Iterator[Chain]:
    """The equations of one piece of mathematics, in order."""
    read = tokens(source, start, comma)
    found = _continued([t for t in read if not (t.kind in ("begin", "end") and t.text in ENVIRONMENTS)])
    parser = _Parser(found, vocabulary)
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
        if parser.accept(",", ";", "quad", ".", ":", "<", ">", "≤", "≥") or _word(parser):
            value = chain.sides[0].value if len(chain.sides) == 1 else None
            names = isinstance(value, Ref) and not _is_number(value)
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


def _word(parser: _Parser) -> bool:
    """Whether a word between two equations was passed: and, with, where."""
    token = parser.peek()
    if token.kind == "word" and token.text in SEPARATING:
        parser.next()
        return True
    return False


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


def _side(parser: _Parser, source: str, start: int) -> Side:
    begun = parser.position
    parser.depth, parser.columns, parser.enclosed, parser.applications = 0, False, 0, 0
    first = parser.peek().at
    value: Value | None
    try:
        value = parser.sum()
        if not _over(parser):
            raise _Unreadable
    except (_Unreadable, RecursionError):
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


def _over(parser: _Parser) -> bool:
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


def _next_name(side: Side, parser: _Parser) -> tuple[Expr, Expr] | None:
    """`w0 = 2.06 w1 = -2.88`: the number, and the name of the next equation."""
    value = side.value
    if not (isinstance(value, Call) and value.fn == "*" and len(value.args) == 2 and parser.at("=")):
        return None
    number, name = value.args
    if _is_number(number) and isinstance(name, Ref) and not isinstance(name.name, Printed):
        return number, name
    return None
