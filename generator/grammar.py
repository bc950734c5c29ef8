r"""Grammar: tokens of mathematics as people write it -> a formula over ids and printed numbers.

    \sigma(net_{h1}) (1 - 0.59)   ->   1/(1 + exp(-z[1][1]))·(1 - 0.59)

One recursive grammar for lectures (`reading`) and for what students type (`answers`).  Names are looked
up by their spelling (`Vocabulary`); what nobody knows stays `Unknown`.  Nothing is executed and nothing
is simplified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from derive.expression import Call, Expr, Ref, call
from derive.ops import ACTIVATIONS
from derive.quantity import Derivative, Id, Quantity
from generator.grid import (
    OTHERWISE,
    Grid,
    Printed,
    Unknown,
    Value,
    apply,
    cases,
    combine,
    grid,
    is_number,
    negative,
    scalar,
    shortened,
    unknown,
)
from generator.lexing import SEPARATING, Token
from generator.unreadable import Unreadable

__all__ = ["FUNCTIONS", "MAX_DEPTH", "MAX_EXPONENT", "RELATIONS", "Parser", "Vocabulary", "spelling"]

MAX_DEPTH, MAX_APPLICATIONS, MAX_EXPONENT = 40, 4, 300
NEW = ("+", "new", "(new)", "neu", "(neu)", "(+)")  # of a parameter: after the update


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


MATRICES = ("matrix", "bmatrix", "pmatrix", "Bmatrix", "smallmatrix", "array")
TRANSPOSED = ("T", "⊤", "top", "intercal")
RELATIONS = ("=", "<", ">", "≤", "≥")


class Parser:
    """Tokens -> a formula or a matrix of formulas, by recursive descent; Unreadable says what is not."""

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
            token = self.peek()
            raise Unreadable("unclosed", token.at, ")") if text == ")" else self.unexpected(token)

    @staticmethod
    def unexpected(token: Token) -> Unreadable:
        """That a token does not belong where it is."""
        if token.kind == "stop":
            return Unreadable("unfinished", token.at)
        return Unreadable("unexpected", token.at, token.text)

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
            token = self.tokens[self.position]
            if token.kind == "stop":
                raise Unreadable("unclosed", token.at, "}")
            self.position += 1
            if token.kind == "mark":
                depth += (token.text == "{") - (token.text == "}")
            found.append(token)
        return found[:-1]

    def script(self) -> list[Token]:
        """The tokens of an index or exponent."""
        return self.group()

    def inside(self, tokens: Sequence[Token]) -> Value:
        """The formula that a group holds."""
        stop = Token("stop", "", tokens[-1].at if tokens else 0)
        parser = type(self)([*tokens, stop], self.vocabulary)
        parser.depth, parser.enclosed = self.depth + 1, 1
        parser.applications = self.applications
        value = parser.sum()
        if parser.peek().kind != "stop":
            raise self.unexpected(parser.peek())
        return value

    # grammar

    def sum(self) -> Value:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("depth", self.peek().at)
        total = self.term()
        while self.at("+", "-"):
            fn = self.next().text
            total = combine(fn, total, self.term())
        self.depth -= 1
        return total

    def term(self) -> Value:
        """A product; a minus before a number belongs to the number."""
        if self.accept("-"):
            follower = self.peek()
            factor = self.product()
            return negative(factor, follower.kind == "number")
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
                if token.kind == "number" and (juxtaposed_number or is_number(value)):
                    raise Unreadable("beside", token.at)
                fn, other = "*", self.power()
            else:
                return value
            juxtaposed_number = is_number(other)
            value = combine(fn, value, other)

    def signed_power(self) -> Value:
        if self.accept("-"):
            number = self.peek().kind == "number"
            return negative(self.power(), number)
        return self.power()

    def starts_factor(self) -> bool:
        token = self.peek()
        if token.kind == "number":
            return not self.columns
        if token.kind == "word":
            return token.text not in SEPARATING
        return token.kind in ("begin", "name") or (token.kind == "mark" and token.text in "([{∂")

    def power(self) -> Value:
        value = self.atom()
        raised = False
        while self.at("^", "_"):
            mark = self.next().text
            script = self.script()
            if mark == "_":  # a comment under a brace
                printed = self.lone_number(script)
                if printed and not is_number(value):
                    self.asides.append((value, printed, script[0].at))
                continue
            text = flat(script)
            if text in TRANSPOSED:
                if not isinstance(value, Grid):
                    raise Unreadable("transposed", script[0].at)
                value = value.transposed
            else:
                exponent = self.inside(script)
                if isinstance(value, Grid) or isinstance(exponent, Grid):
                    raise Unreadable("matrix", script[0].at)
                if raised:
                    raise Unreadable("powers", script[0].at)
                raised = True
                value = shortened("**", value, exponent)
        return value

    def lone_number(self, script: Sequence[Token]) -> Printed | None:
        with suppress(Unreadable):
            value = self.inside(script)
            if isinstance(value, Ref) and isinstance(value.name, Printed):
                return value.name
        return None

    def atom(self) -> Value:
        token = self.next()
        if token.kind == "number":
            exponent = token.text.lower().partition("e")[2]
            if len(exponent) > 5 or abs(int(exponent or 0)) > MAX_EXPONENT:
                raise Unreadable("exponent", token.at, str(MAX_EXPONENT))
            return Ref(Printed(token.text if token.text[0] != "." else f"0{token.text}"))
        if token.kind == "name":
            return self.no_argument(Ref(token.name))
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
                if self.peek().text == "∂":
                    raise self.unexpected(self.peek())
                of = self.power()
                self.expect("/")
                self.expect("∂")
                return self.derivative(of, self.power())
        raise self.unexpected(token)

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
                raise Unreadable("unclosed", self.peek().at, "]")
            rows[-1].append(scalar(self.sum()))
        self.columns = columns
        self.enclosed -= 1
        return grid(rows)

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
                raise self.unexpected(self.peek())
            rows[-1].append(self.condition() if name == "cases" and rows[-1] else self.sum())
        self.next()
        self.columns = columns
        self.enclosed -= 1
        if name == "cases":
            return cases([[scalar(v) for v in row] for row in rows if row])
        if name not in MATRICES:
            raise Unreadable("environment", self.peek().at, name)
        return grid([[scalar(v) for v in row] for row in rows if row])

    def condition(self) -> Expr:
        """`x > 0`, `x ≤ 0`, as a call of the relation."""
        while self.accept(";") or self.separating():
            pass
        word = self.peek()
        if word.kind == "word" and word.text not in self.vocabulary.names:
            self.position += 1
            if self.peek().kind in ("end", "row"):  # otherwise, sonst, else
                return OTHERWISE
            self.position -= 1
        if self.peek().kind in ("end", "row"):
            return OTHERWISE
        left = scalar(self.sum())
        token = self.next()
        if token.text not in RELATIONS:
            raise Unreadable("condition", token.at)
        return Call(token.text, (left, scalar(self.sum())))

    def separating(self) -> bool:
        """Whether a word between two equations was passed: and, with, where."""
        token = self.peek()
        if token.kind == "word" and token.text in SEPARATING:
            self.next()
            return True
        return False

    def word(self, token: Token) -> Value:
        if token.text in ("frac", "dfrac", "tfrac"):
            return self.fraction()
        if token.text == "sqrt":
            if self.at("["):
                raise Unreadable("root", token.at)
            return Call("sqrt", (scalar(self.atom() if self.at("(") else self.inside(self.group())),))
        sub, sup, primes, power = "", "", 0, None
        while self.at("_", "^", "'"):
            mark = self.next().text
            if mark == "'":
                primes += 1
                continue
            script = self.script()
            if mark == "_":
                sub += flat(script)
            else:
                if token.text == "e" and "e" not in self.vocabulary.names:
                    value = Call("exp", (scalar(self.inside(script)),))
                    if self.at("^"):
                        raise Unreadable("powers", self.peek().at)
                    return value
                text = flat(script)
                primes += text.count("'")
                text = text.replace("'", "")
                sup += text
                power = script if text else power
        return self.named(token.text, sub, sup, primes, power, token.at)

    def named(
        self, base: str, sub: str, sup: str, primes: int, power: Sequence[Token] | None, at: int
    ) -> Value:
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
            return shortened("**", Ref(found), self.inside(power))
        function = self.vocabulary.function(base) if not sub else None
        if (function and self.at("(", "[", "{")) or (function and self.peek().kind == "begin"):
            assert function
            return self.applied(function, primes, power)
        letters = [names.get(letter) for letter in base[:-1]]
        if len(base) > 1 and None not in letters:  # qz is q times z
            last = self.named(base[-1], sub, sup, primes, power, at)
            if not isinstance(last, Grid) and not unknown(last):
                return call("*", *(Ref(letter) for letter in letters), last)
        if base in ("sum", "prod", "int", "nabla", "ldots", "dots", "cdots", "vdots", "ddots"):
            raise Unreadable("dots", at, base)
        return Ref(Unknown(spelling(base, sub, sup, primes), at))

    def no_argument(self, name: Ref) -> Expr:
        """A name; but E(1) and w[2] are the name with an argument, which is no product."""
        if isinstance(name.name, Quantity) and self.at("(", "["):
            closing = self.tokens[self.position + 2 : self.position + 3]
            lone = self.tokens[self.position + 1].kind == "number"
            if lone and closing and closing[0].text in (")", "]"):
                raise Unreadable("argument", self.peek().at, str(name.name))
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
        if power and power[0].text == "-":  # σ^{-1}
            raise Unreadable("inverse", power[0].at)
        self.applications += 1
        if self.applications > MAX_APPLICATIONS:
            raise Unreadable("depth", self.peek().at)
        if self.accept("("):
            columns, self.columns = self.columns, False
            self.enclosed += 1
            arguments = [self.sum()]
            while self.accept(",", ";"):
                arguments.append(self.sum())
            self.enclosed -= 1
            self.expect(")")
            self.columns = columns
        else:
            arguments = [self.atom()]
        self.applications -= 1
        if isinstance(arguments[0], Grid) and len(arguments) == 1:
            rows = arguments[0].rows
            return Grid(tuple(tuple(apply(function, primes, (c,)) for c in row) for row in rows))
        value = apply(function, primes, tuple(map(scalar, arguments)))
        return shortened("**", value, self.inside(power)) if power else value

    def fraction(self) -> Value:
        top, bottom = self.group(), self.group()
        upper, lower = _differential(top), _differential(bottom)
        if upper is not None and lower is not None:
            try:
                return self.derivative(self.inside(upper), self.inside(lower))
            except Unreadable:
                return Ref(Unknown(f"∂{flat(upper)}/∂{flat(lower)}"))
        return combine("/", self.inside(top), self.inside(bottom))

    def derivative(self, of: Value, wrt: Value) -> Value:
        if isinstance(wrt, Grid) and not isinstance(of, Grid):
            rows = (tuple(scalar(self.derivative(of, cell)) for cell in row) for row in wrt.rows)
            return Grid(tuple(rows))
        if isinstance(of, Grid) or isinstance(wrt, Grid):
            raise Unreadable("matrix", self.peek().at)
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


SCRIPTS = re.compile(r"[{}_^\s]")


def flat(tokens: Sequence[Token]) -> str:
    """A script without its braces, spaces and underscores: j_1k_1 is j1k1."""
    kept = (t for t in tokens if t.kind != "space" and not (t.kind == "mark" and t.text in "{}_^"))
    return "".join(SCRIPTS.sub("", t.text) if t.kind == "name" else t.text for t in kept)


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
