"""Formulas as small trees that keep the order in which they are written.

`a*(1 - a)` stays `a*(1 - a)`: SymPy would sort and simplify it, so the tree that is *shown* is our
own and SymPy is asked (see `symbolic`) only to differentiate and to prove.  One tree serves the
operations' rules, circuits and formulas from specs; it is data, nothing in it can be executed.

    parse("1/(1 + exp(-z))")   text -> tree, by a Pratt parser with caps on length and depth
    text(tree)                 tree -> text
    value(tree, env, table)    tree -> number or array, over any table of functions
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, reduce
from operator import add, eq, gt, mul
from typing import Any

import numpy as np

__all__ = [
    "ARITY",
    "NUMPY",
    "SMOOTH",
    "UNDEFINED",
    "Call",
    "Expr",
    "ExpressionError",
    "Num",
    "Ref",
    "Table",
]
__all__ += ["call", "calls", "fold", "mpmath_table", "numpy_table", "parse", "rational_table", "refs"]
__all__ += ["substitute", "text", "value"]

MAX_LENGTH, MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, MAX_BITS = 2000, 60, 40, 300, 1000


@dataclass(frozen=True, slots=True)
class Num:
    """An exact number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Ref:
    """A name: a string in a rule such as a*(1 - a), a quantity once the rule is applied."""

    name: Hashable


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator applied to arguments, in teaching order."""

    fn: str
    args: tuple[Expr, ...]


Expr = Num | Ref | Call
Table = Mapping[str, Callable[..., Any]]  # what each function of ARITY does to numbers


class ExpressionError(ValueError):
    """What is wrong with a formula, and at which character (from 0)."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def call(fn: str, *args: Expr | int) -> Expr:
    """`call("*", 2, x)`; a sum or product of one argument is that argument, a sum of none is 0."""
    if fn == "+" and not args:
        return Num(Fraction(0))
    exprs = tuple(Num(Fraction(a)) if isinstance(a, int) else a for a in args)
    return exprs[0] if len(exprs) == 1 and fn in "+*" else Call(fn, exprs)


# What every function is called and how many arguments it takes (None: any number).
ARITY: dict[str, int | None] = {"+": None, "*": None, "-": 2, "/": 2, "**": 2, "neg": 1, ">": 2}
ARITY |= {"==": 2, "where": 3, "max": 2, "min": 2, "abs": 1, "exp": 1, "log": 1, "sqrt": 1}
ARITY |= {"sin": 1, "cos": 1, "tanh": 1, "sinh": 1, "cosh": 1, "sigmoid": 1}
ARITY |= {
    "erf": 1,
    "Phi": 1,
    "phi": 1,
    "pi": 0,
}  # Φ and φ: the standard normal distribution, its density

_SHARED: dict[str, Callable[..., Any]] = {
    "num": lambda number: number.numerator / number.denominator,
    "+": lambda *a: reduce(add, a),
    "*": lambda *a: reduce(mul, a),
    "-": lambda a, b: a - b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: (float(a) if isinstance(a, int) else a) ** b,  # 9**9**9 is a float, or too large
    "neg": lambda a: -a,
    "where": np.where,
}


SMOOTH = ("exp", "log", "sqrt", "sin", "cos", "tanh", "sinh", "cosh")


def _branching(real: Callable[[Any], Any], tie: float = 0.0) -> dict[str, Callable[..., Any]]:
    """Branches look at the real part only, so that a complex step h·i never changes the branch.  Two
    numbers closer than `tie` are equal, and of equal numbers the first is taken: the derivative at a
    kink is the one from the left, relu′(0) = 0."""
    return {
        ">": lambda a, b: real(a) - real(b) > tie,
        "==": lambda a, b: abs(real(a) - real(b)) <= tie,
        "max": lambda a, b: np.where(real(a) - real(b) >= -tie, a, b),
        "min": lambda a, b: np.where(real(b) - real(a) >= -tie, a, b),
        "abs": lambda a: np.where(real(a) > tie, a, -a),
    }


def _density(x: Any) -> Any:
    return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def _lifted(function: Callable[[float], float], slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A real function over arrays; f(x + ih) = f(x) + ih f′(x), all that a complex step needs."""
    real = np.vectorize(function, otypes=[float])

    def lifted(x: Any) -> Any:
        if not np.iscomplexobj(x):
            return real(x)
        return real(np.real(x)) + 1j * np.imag(x) * slope(np.real(x))

    return lifted


LARGEST_EXPONENT = 700.0  # of which exp is a number, with something to spare


def _exp(x: Any) -> Any:
    """exp; a complex step through 1/(1 + exp(800)) is 0, and not ∞/∞.  That exp(x) itself is too
    large, the real evaluation says."""
    if np.iscomplexobj(x):
        x = np.minimum(np.real(x), LARGEST_EXPONENT) + 1j * np.imag(x)
    return np.exp(x)


_NUMPY: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in SMOOTH},
    "exp": _exp,
    "sigmoid": lambda x: 1 / (1 + _exp(-x)),
    "erf": _lifted(math.erf, lambda x: 2 / math.sqrt(math.pi) * np.exp(-(x**2))),
    "Phi": _lifted(lambda x: math.erfc(-x / math.sqrt(2)) / 2, _density),
    "phi": _density,
    "pi": lambda: math.pi,
}


@cache
def numpy_table(tie: float = 0.0) -> Table:
    """Arithmetic over NumPy arrays, real or complex."""
    return {**_SHARED, **_branching(np.real, tie), **_NUMPY, "expm1": np.expm1}


def mpmath_table(context: Any, tie: float = 0.0) -> Table:
    """Arithmetic over object arrays of mpmath numbers of the given context."""
    named = {name: getattr(context, name) for name in (*SMOOTH, "erf")}
    named |= {"sigmoid": lambda x: 1 / (1 + context.exp(-x)), "Phi": context.ncdf, "phi": context.npdf}
    lifted = {name: np.frompyfunc(function, 1, 1) for name, function in named.items()}
    lifted["num"] = lambda number: context.mpf(number.numerator) / number.denominator
    lifted["pi"] = lambda: +context.pi
    return {**_SHARED, **_branching(np.frompyfunc(context.re, 1, 1), tie), **lifted}


def _nan(_: Any) -> float:
    return float("nan")


def rational_table() -> Table:
    """Arithmetic over object arrays of fractions; what is not rational becomes NaN."""

    def rational(function: Callable[[float], float]) -> Callable[[Any], Any]:
        # tanh 0 = 0 and exp 0 = 1 stay exact; nearly everything else is irrational.
        return lambda x: Fraction(float(function(0.0))) if x == 0 else float("nan")

    def power(base: Any, exponent: Any) -> Any:
        whole = exponent == exponent and abs(exponent) <= 1000 and exponent == int(exponent)
        return base ** int(exponent) if whole and (base or exponent >= 0) else float("nan")

    lifted: dict[str, Callable[..., Any]] = {
        name: np.frompyfunc(_nan if name in ("log", "phi") else rational(function), 1, 1)
        for name, function in _NUMPY.items()
        if ARITY[name]
    }
    lifted |= {
        "num": lambda number: number,
        "pi": lambda: float("nan"),
        "**": np.frompyfunc(power, 2, 1),
    }
    lifted["/"] = np.frompyfunc(lambda a, b: Fraction(1) * a / b if b else float("nan"), 2, 1)
    return {**_SHARED, **_branching(lambda a: a), **lifted, **_UNDECIDED}


def _decided(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    decided: Callable[..., Any] = np.frompyfunc(
        lambda a, b: function(a, b) if a == a and b == b else float("nan"), 2, 1
    )
    return decided


# Whether NaN is above 0 is not known; what depends on it is not known either.
_UNDECIDED: dict[str, Callable[..., Any]] = {
    ">": _decided(gt),
    "==": _decided(eq),
    "max": _decided(max),
    "min": _decided(min),
    "where": np.frompyfunc(lambda on, yes, no: (yes if on else no) if on == on else float("nan"), 3, 1),
}


NUMPY = numpy_table()


def value(expr: Expr, env: Callable[[Any], Any], table: Mapping[str, Callable[..., Any]] = NUMPY) -> Any:
    """The number (or array) that `expr` stands for, names looked up by `env`."""
    if isinstance(expr, Ref):
        return env(expr.name)
    if isinstance(expr, Num):
        return int(expr.value) if expr.value.denominator == 1 else table["num"](expr.value)
    if expr.fn == "-" and expr.args[1] == ONE and "expm1" in table:
        (first, _) = expr.args
        if isinstance(first, Call) and first.fn == "exp":  # the difference loses the digits of a small x
            return table["expm1"](value(first.args[0], env, table))
    return table[expr.fn](*[value(arg, env, table) for arg in expr.args])


def substitute(expr: Expr, names: Callable[[Any], Expr]) -> Expr:
    """`expr` with every name replaced by `names(name)`."""
    if isinstance(expr, Ref):
        return names(expr.name)
    if isinstance(expr, Num):
        return expr
    return Call(expr.fn, tuple(substitute(arg, names) for arg in expr.args))


def fold(expr: Expr) -> Expr:
    """Numbers computed with numbers, and 1·x, x¹, x + 0 left out: y*x**(y - 1) at y = 2 is 2*x."""
    if not isinstance(expr, Call):
        return expr
    args = tuple(fold(arg) for arg in expr.args)
    numbers = [arg.value for arg in args if isinstance(arg, Num)]
    if len(numbers) == len(args) and expr.fn in ("+", "-", "*", "/", "neg"):
        return Num(Fraction(_SHARED[expr.fn](*numbers)))
    if expr.fn == "**" and len(numbers) == 2 and _short(*numbers):
        return Num(numbers[0] ** int(numbers[1]))
    if expr.fn in ("*", "**") and args[-1] == ONE:
        return args[0]
    if expr.fn == "*" and args[0] == ONE and len(args) == 2:
        return args[1]
    if expr.fn == "+" and len(args) == 2 and ZERO in args:
        return args[1] if args[0] == ZERO else args[0]
    return Call(expr.fn, args)


def _short(base: Fraction, exponent: Fraction) -> bool:
    """Whether a power is a number that can be written down: not (9**99)**99."""
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    whole = exponent.denominator == 1 and (base != 0 or exponent >= 0)
    return whole and bits * abs(exponent) < MAX_BITS


ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
UNDEFINED = Call("log", (Call("neg", (ONE,)),))  # log(-1): a case that was left out has no value


def refs(expr: Expr) -> Iterator[Any]:
    """The names in `expr`, from left to right, repeated as often as they stand there."""
    if isinstance(expr, Ref):
        yield expr.name
    elif isinstance(expr, Call):
        for arg in expr.args:
            yield from refs(arg)


def calls(expr: Expr) -> Iterator[Call]:
    """The functions and operators in `expr` with their arguments, the outermost first."""
    if isinstance(expr, Call):
        yield expr
        for arg in expr.args:
            yield from calls(arg)


# --- text ------------------------------------------------------------------------------------

# Binding power of each infix operator: left, right.  `**` binds to the right, the rest to the left.
INFIX = {">": (5, 6), "==": (5, 6), "+": (10, 11), "-": (10, 11), "*": (20, 21), "/": (20, 21)}
INFIX |= {"**": (31, 30)}
PREFIX_MINUS = 25
_SPACED = {">", "==", "+", "-"}


def number_text(number: Fraction) -> str:
    """`0.15` where the decimal expansion ends, else `1/3`."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{number.numerator}/{number.denominator}"
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    if not digits:
        return str(number.numerator)
    whole = str(abs(int(number * 10**digits))).rjust(digits + 1, "0")
    return "-" * (number < 0) + f"{whole[:-digits]}.{whole[-digits:]}"


def text(expr: Expr) -> str:
    """One line of plain text, e.g. `a[2][1]*(1 - a[2][1])`; `parse` reads it back."""
    return _text(expr, 0)


def _text(expr: Expr, outer: int) -> str:
    if isinstance(expr, Ref):
        return str(expr.name)
    if isinstance(expr, Num):
        shown, power = number_text(expr.value), 99
        if "/" in shown:
            power = INFIX["/"][0]
        if shown.startswith("-"):
            power = min(power, PREFIX_MINUS)
    elif expr.fn in INFIX:
        power, right = INFIX[expr.fn]
        sign = f" {expr.fn} " if expr.fn in _SPACED else expr.fn
        first = _text(expr.args[0], power)
        shown = sign.join([first, *(_text(arg, right) for arg in expr.args[1:])])
        power = min(power, right)
    elif expr.fn == "neg":
        shown, power = "-" + _text(expr.args[0], PREFIX_MINUS), PREFIX_MINUS
    else:
        arguments = f"({', '.join(_text(arg, 0) for arg in expr.args)})" if expr.args else ""
        shown, power = expr.fn + arguments, 99
    return f"({shown})" if power < outer else shown


NAMES = r"[A-Za-z_]\w*(?:\[\d+\])*"


@cache
def _token(names: str) -> re.Pattern[str]:
    number = r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?"
    return re.compile(
        rf"\s*(?:(?P<num>{number})|(?P<name>{names})|(?P<op>\*\*|==|[-+*/(),>]))", re.ASCII
    )


def parse(source: str, functions: Mapping[str, int | None] = ARITY, names: str = NAMES) -> Expr:
    """Read a formula; ExpressionError says what was not understood and where.

    Operators `+ - * / ** >`, parentheses, the named functions and names (a regular expression; as a
    rule, words with `[i]` indices).  Nothing is executed and nothing is simplified.
    """
    token = _token(names)
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", MAX_LENGTH)
    tokens, at = [], 0
    while source[at:].strip():
        match = token.match(source, at)
        if match is None or not match.lastgroup:
            at += len(source[at:]) - len(source[at:].lstrip())
            raise ExpressionError(f"{source[at]!r} is not part of a formula", at)
        tokens.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    parser = _Parser([*tokens, ("end", "", len(source.rstrip()))], functions)
    expr = parser.expression(0, 0)
    parser.expect("end", "")
    return expr


class _Parser:
    def __init__(self, tokens: list[tuple[str, str, int]], functions: Mapping[str, int | None]) -> None:
        self.tokens = tokens
        self.functions = functions
        self.position = 0

    def next(self) -> tuple[str, str, int]:
        self.position += 1
        return self.tokens[self.position - 1]

    def expect(self, kind: str, word: str) -> None:
        found, shown, at = self.next()
        if (found, shown) != (kind, word):
            wanted = repr(word) if word else "the end"
            raise ExpressionError(f"found {shown or 'the end'!r}, expected {wanted}", at)

    def expression(self, power: int, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep", self.tokens[self.position][2])
        left = self.operand(depth)
        while True:
            kind, word, _ = self.tokens[self.position]
            if kind != "op" or word not in INFIX or INFIX[word][0] < power:
                return left
            self.next()
            left = Call(word, (left, self.expression(INFIX[word][1], depth + 1)))

    def operand(self, depth: int) -> Expr:
        kind, word, at = self.next()
        if kind == "num":
            if len(word) > MAX_DIGITS:
                raise ExpressionError(f"a number of more than {MAX_DIGITS} digits", at)
            if abs(int(word.lower().partition("e")[2] or 0)) > MAX_EXPONENT:
                raise ExpressionError(f"an exponent beyond ±{MAX_EXPONENT}", at)
            return Num(Fraction(word))
        if kind == "name":
            if self.tokens[self.position][1] == "(":
                return self.function(word, at, depth)
            return Call(word, ()) if self.functions.get(word) == 0 else Ref(word)
        if word == "(":
            inner = self.expression(0, depth + 1)
            self.expect("op", ")")
            return inner
        if word == "-":
            return Call("neg", (self.expression(PREFIX_MINUS, depth + 1),))
        raise ExpressionError(f"found {word or 'the end'!r}, expected a number or a name", at)

    def function(self, name: str, at: int, depth: int) -> Expr:
        if not name.isalpha() or name == "neg" or name not in self.functions:
            allowed = " ".join(
                sorted(f for f, n in self.functions.items() if f.isalpha() and f != "neg" and n)
            )
            raise ExpressionError(f"unknown function {name!r}; there are {allowed}", at)
        self.next()
        args = [self.expression(0, depth + 1)]
        while self.tokens[self.position][1] == ",":
            self.next()
            args.append(self.expression(0, depth + 1))
        self.expect("op", ")")
        if len(args) != self.functions[name]:
            raise ExpressionError(
                f"{name} takes {self.functions[name]} arguments, found {len(args)}", at
            )
        return Call(name, tuple(args))
