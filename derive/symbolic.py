"""The graph in SymPy: closed forms, the taught rules differentiated, an independent oracle.

SymPy is imported here only, and this module only by who needs it: importing SymPy takes longer
than everything else that a homework needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from derive.expression import (
    ARITY,
    SMOOTH,
    Call,
    Expr,
    ExpressionError,
    Num,
    Ref,
    Table,
    call,
    calls,
    fold,
    numpy_table,
    parse,
    refs,
    substitute,
    value,
)
from derive.graph import Graph
from derive.ops import GATES, Elementwise
from derive.quantity import Derivative, Quantity

__all__ = [
    "SYMPY",
    "closed_form",
    "elementwise",
    "from_sympy",
    "gradients",
    "local_derivative",
    "symbol",
    "sympy_table",
]


def sympy_table(tie: float = 0.0, at: Mapping[Any, Any] | None = None) -> Table:
    """Arithmetic over SymPy expressions; branches as in `expression`, or only those taken `at` a point:
    cases inside cases are more than SymPy can sort out."""
    near = sympy.Float(tie) if tie else 0

    def where(condition: Any, yes: Any, no: Any) -> Any:
        if at is not None:
            return yes if condition.subs(at) == sympy.true else no
        return sympy.Piecewise((yes, condition), (no, True))

    return {
        "num": lambda number: sympy.Rational(number.numerator, number.denominator),
        "+": sympy.Add,
        "*": sympy.Mul,
        "-": lambda a, b: a - b,
        "/": lambda a, b: sympy.Mul(a, sympy.Pow(b, -1)),
        "**": lambda a, b: a**b,
        "neg": lambda a: -a,
        ">": lambda a, b: sympy.Gt(a - b, near),
        "==": lambda a, b: sympy.Le(sympy.Abs(a - b), near),
        "where": where,
        "max": lambda a, b: where(sympy.Ge(a - b, -near), a, b),
        "min": lambda a, b: where(sympy.Ge(b - a, -near), a, b),
        "abs": lambda a: where(sympy.Gt(a, near), a, -a),
        **{name: getattr(sympy, name) for name in (*SMOOTH, "erf")},
        "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
        "Phi": lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
        "phi": lambda x: sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi),
        "pi": lambda: sympy.pi,
    }


SYMPY = sympy_table()


def symbol(q: Quantity | str) -> sympy.Symbol:
    """The real SymPy symbol of a quantity, named by its id."""
    return sympy.Symbol(str(q), real=True)


def _compose(
    graph: Graph,
    q: Quantity,
    leaf: Callable[[Quantity], Any],
    seen: dict[Quantity, Any],
    table: Table = SYMPY,
) -> Any:
    if q not in seen:
        definition = graph.definition(q)
        if definition is None:
            seen[q] = leaf(q)
        else:
            seen[q] = value(definition, lambda name: _compose(graph, name, leaf, seen, table), table)
    return seen[q]


def closed_form(graph: Graph, q: Quantity | Derivative) -> Any:
    """q composed down to inputs and parameters; a derivative is SymPy's own `diff` of the composed
    quantity, so it grows quickly with depth: for small networks, to look at."""
    if isinstance(q, Quantity):
        return sympy.Add(_compose(graph, q, symbol, {}))
    wrt, i = graph.locate(q.wrt, q.sample)
    at = wrt.element(i, q.sample)
    seen: dict[Quantity, Any] = {at: symbol(at)}
    composed = _compose(graph, q.of.at(sample=q.sample) if _sampled(graph, q) else q.of, symbol, seen)
    definition = _compose(graph, at, symbol, {})
    return sympy.diff(composed, symbol(at)).subs(symbol(at), definition)


def _sampled(graph: Graph, q: Derivative) -> bool:
    return q.sample is not None and graph.locate(q.of, q.sample)[0].sampled


def gradients(
    graph: Graph,
    numbers: Mapping[Quantity, Any],
    wanted: Iterable[Quantity],
    digits: int = 30,
    tie: float = 0.0,
) -> dict[Quantity, float]:
    """∂root/∂q for each parameter or input q: SymPy composes the root as a function of q alone
    (all other numbers put in), differentiates it and evaluates it to `digits` digits."""
    result = {}
    exact = {q: sympy.Float(number, digits) for q, number in numbers.items()}
    for q in wanted:
        free = symbol(q)
        table = sympy_table(tie, {free: exact[q]})
        composed = _compose(graph, graph.root, exact.__getitem__, {q: free}, table)
        slope = sympy.diff(composed, free).subs(free, exact[q])
        result[q] = float(sympy.N(slope, digits))
    return result


# --- formulas of one's own --------------------------------------------------------------------

LONGEST, LARGEST_POWER, MOST_CASES, POINTS = 200, 99, 3, 24
BRANCHES = ("where", ">", "==")


def _function(name: str, *slopes: Callable[..., Any]) -> Any:
    """A function that SymPy differentiates as it is told, and leaves alone otherwise."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return slopes[argindex - 1](*self.args)

    return type(name, (sympy.Function,), {"nargs": len(slopes), "fdiff": fdiff})


_CASES: Any = _function(
    "cases",
    lambda *_: sympy.S.Zero,
    lambda *_: sympy.S.Zero,
    lambda left, right, *_: _CASES(left, right, 1, 0),
    lambda left, right, *_: _CASES(left, right, 0, 1),
)


def _taught(fn: str, slots: tuple[str, ...], *partials: Expr) -> Any:
    def slope(partial: Expr) -> Callable[..., Any]:
        return lambda *args: value(partial, dict(zip(slots, args, strict=True)).__getitem__, TAUGHT)

    return _function(fn, *map(slope, partials))


# As SYMPY, but what has cases or a name of its own keeps it, and is differentiated as it is taught.
TAUGHT: dict[str, Callable[..., Any]] = {
    **SYMPY,
    ">": lambda left, right: (left, right),
    "where": lambda condition, yes, no: _CASES(*condition, yes, no),
    **{fn: _taught(fn, GATES[fn].slots, *GATES[fn].partials.values()) for fn in ("abs", "max", "min")},
    "sigmoid": _taught("sigmoid", ("x",), parse("sigmoid(x)*(1 - sigmoid(x))")),
    "Phi": _taught("Phi", ("x",), parse("phi(x)")),
    "phi": _taught("phi", ("x",), parse("-x*phi(x)")),
}


def elementwise(source: str, output: str, *slots: str, by: Sequence[str] = ()) -> Elementwise:
    """`z*exp(-z**2)` as an operation: differentiated `by` slots, its first one unless they are said,
    checked by complex steps.

    abs, max and min bring their kinks; ExpressionError says what cannot be used, and where.
    """
    if len(source) > LONGEST:
        raise ExpressionError(f"longer than {LONGEST} characters", LONGEST)
    formula, names = parse(source), {slot: symbol(slot) for slot in slots}
    try:
        formula = fold(formula)
        _usable(formula, source, slots)
        composed = value(formula, names.__getitem__, TAUGHT)
        slopes = {slot: _by_cases(sympy.diff(composed, names[slot])) for slot in by or slots[:1]}
    except ExpressionError:
        raise
    except (TypeError, ValueError, ArithmeticError, RecursionError, AttributeError):
        raise ExpressionError("its derivative cannot be written as a formula", 0) from None
    made = Elementwise(slots, output, formula, slopes, tuple(dict.fromkeys(_kinks(formula))))
    _check(made)
    return made


def _usable(formula: Expr, source: str, slots: tuple[str, ...]) -> None:
    """Only the slots, the first among them; no branches, no power beyond all bounds."""
    for name in refs(formula):
        if name not in slots:
            raise ExpressionError(
                f"unknown name {name!r}; there is {' and '.join(slots)}", _at(source, name)
            )
    if slots[0] not in refs(formula):
        raise ExpressionError(f"nothing depends on {slots[0]}", 0)
    for call_ in calls(formula):
        if call_.fn in BRANCHES:
            raise ExpressionError(f"{call_.fn!r} is not for a formula here", _at(source, call_.fn))
        if call_.fn == "**":
            base, exponent = call_.args
            bounded = isinstance(exponent, Num) and abs(exponent.value) <= LARGEST_POWER
            if isinstance(exponent, Num) and not any(refs(base)):  # 2**0.5; not what `fold` left alone
                bounded = isinstance(base, Num) and exponent.value.denominator > 1
            if not bounded and not (isinstance(base, Num) and any(refs(exponent))):
                allowed = f"a power is of a number, or to a number up to {LARGEST_POWER}"
                raise ExpressionError(allowed, _at(source, "**"))


def _at(source: str, word: str) -> int:
    return max(source.find(word), 0)


def _kinks(formula: Expr) -> Iterator[Expr]:
    """Where abs, max and min have none of their derivatives."""
    for call_ in calls(formula):
        if gate := GATES.get(call_.fn):
            for kink in gate.kinks:
                yield substitute(kink, dict(zip(gate.slots, call_.args, strict=True)).__getitem__)


def _check(op: Elementwise) -> None:
    """The derivatives are those that complex steps find, at points between −2 and 2."""
    table, random = numpy_table(), np.random.default_rng(506)
    inputs = [random.uniform(-2, 2, POINTS) for _ in op.slots]
    for slot in op.partials:
        at = op.slots.index(slot)
        nudged = [array + 1e-30j if n == at else array for n, array in enumerate(inputs)]
        with np.errstate(all="ignore"):
            output = op.forward(table, *inputs)
            moved = np.imag(op.forward(table, *nudged)) / 1e-30
            taught = op.local(table, at, output, *inputs)
        good = np.isfinite(output) & np.isfinite(taught) & np.isfinite(moved)
        if not good.any():
            raise ExpressionError("it has no value between -2 and 2", 0)
        if not np.allclose(moved[good], taught[good], rtol=1e-9, atol=1e-9):
            raise ExpressionError("its derivative is not the one that complex steps find", 0)


def from_sympy(expr: Any) -> Expr:
    """A SymPy expression as a tree of our own; TypeError for what has no place in one."""
    if expr.is_Symbol:
        return Ref(expr.name)
    if expr.is_Rational:
        return Num(Fraction(int(expr.p), int(expr.q)))
    if expr == sympy.pi:
        return Call("pi", ())
    if expr == sympy.E:
        return Call("exp", (Num(Fraction(1)),))
    if expr.is_Add:
        return _sum(expr.as_ordered_terms())
    if expr.is_Mul:
        return _product(expr)
    if isinstance(expr, sympy.Pow):
        base, exponent = expr.args
        if exponent == sympy.Rational(1, 2):
            return Call("sqrt", (from_sympy(base),))
        if exponent.could_extract_minus_sign():
            return Call("/", (Num(Fraction(1)), from_sympy(base**-exponent)))
        return Call("**", (from_sympy(base), from_sympy(exponent)))
    name = expr.func.__name__
    if isinstance(expr, _CASES):
        left, right, yes, no = map(from_sympy, expr.args)
        return Call("where", (Call(">", (left, right)), yes, no))
    if name not in ARITY or ARITY[name] != len(expr.args):
        raise TypeError(expr)
    return Call(name, tuple(map(from_sympy, expr.args)))


def _sum(terms: list[Any]) -> Expr:
    terms.sort(key=lambda term: term.could_extract_minus_sign())  # what is added first
    tree = from_sympy(terms[0])
    for term in terms[1:]:
        minus = term.could_extract_minus_sign()
        tree = Call("-" if minus else "+", (tree, from_sympy(-term if minus else term)))
    return tree


def _product(expr: Any) -> Expr:
    if expr.could_extract_minus_sign():
        return Call("neg", (from_sympy(-expr),))
    top, bottom = sympy.fraction(expr, exact=True)
    if bottom != 1:
        return Call("/", (from_sympy(top), from_sympy(bottom)))
    return call("*", *map(from_sympy, expr.as_ordered_factors()))


def _by_cases(expr: Any) -> Expr:
    """One formula for each side of a condition: where(z > 0, 1, 0) + 2 as where(z > 0, 3, 2)."""
    found = sorted(expr.atoms(_CASES), key=lambda atom: (atom.count_ops(), str(atom)))
    if not found or len({atom.args[:2] for atom in found}) > MOST_CASES:
        return from_sympy(expr)
    left, right = found[0].args[:2]
    here = [atom for atom in found if atom.args[:2] == (left, right)]
    yes, no = (expr.xreplace({atom: atom.args[side] for atom in here}) for side in (2, 3))
    if yes == no:
        return _by_cases(yes)
    condition = Call(">", (from_sympy(left), from_sympy(right)))
    return Call("where", (condition, _by_cases(yes), _by_cases(no)))


def local_derivative(op: Elementwise, slot: str) -> Any:
    """∂out/∂slot − (the taught rule), with the output put in: 0 where the row is right."""

    def compose(expr: Expr) -> Any:
        def name(word: str) -> Any:
            constants = op.constants or {}
            if word in constants:
                return value(Num(constants[word]), name, SYMPY)
            return compose(op.formula) if word == op.output else symbol(word)

        return value(expr if isinstance(expr, Call) else Call("+", (expr,)), name, SYMPY)

    return sympy.diff(compose(op.formula), symbol(slot)) - compose(op.partials[slot])
