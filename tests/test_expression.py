"""Formulas: they keep the order they are written in, they round-trip, and hostile text is refused."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.expression import (
    ARITY,
    NUMPY,
    Call,
    ExpressionError,
    Num,
    Ref,
    fold,
    mpmath_table,
    parse,
    refs,
    text,
    value,
)

SAME = ["a*(1 - a)", "1/(1 + exp(-z))", "1/2*(a - t)**2", "where(z > 0, 1, 0)", "-a*t", "a - (b - c)"]
SAME += ["a - b - c", "a/(b*c)", "a/b*c", "(a + b)*c", "a**b**c", "(a**b)**c", "(-a)**2", "-a**2"]
SAME += ["a[2][1]*(1 - a[2][1])", "max(0, z)", "0.05", "a - -b", "a*-b", "2*(a - t)"]


@pytest.mark.parametrize("source", SAME)
def test_text_is_printed_as_it_was_written(source):
    assert text(parse(source)) == source


NUMBERS = [("1 + 2*3", 7), ("2**3**2", 512), ("-2**2", -4), ("8/4/2", 1), ("1.5e3", 1500)]
NUMBERS += [("where(2 > 1, 5, 6)", 5), ("max(2, 3) - min(2, 3)", 1), ("abs(-4)", 4), ("sqrt(9)", 3)]
NUMBERS += [("exp(log(5))", 5), ("tanh(0) + sin(0) + cos(0)", 1), ("0.1*3", 0.3)]


@pytest.mark.parametrize(("source", "expected"), NUMBERS)
def test_values(source, expected):
    assert float(value(parse(source), {}.__getitem__)) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("source", "expected"), NUMBERS)
def test_the_arithmetics_agree(source, expected):
    context = mpmath.MPContext()
    context.dps = 40
    assert float(value(parse(source), {}.__getitem__, mpmath_table(context))) == pytest.approx(
        expected, rel=1e-15
    )


def test_every_function_has_every_arithmetic():
    assert set(ARITY) <= set(NUMPY)
    assert set(ARITY) <= set(mpmath_table(mpmath.MPContext()))


REFUSED = [
    ("", 0, "found 'the end', expected a number or a name"),
    ("a +", 3, "expected a number or a name"),
    ("a b", 2, "found 'b', expected the end"),
    ("(a", 2, r"expected '\)'"),
    ("a)", 1, "expected the end"),
    ("f(x)", 0, "unknown function 'f'"),
    ("neg(x)", 0, "unknown function 'neg'"),
    ("exp(1, 2)", 0, "exp takes 1 arguments, found 2"),
    ("a = 1", 2, "'=' is not part of a formula"),
    ("a.b", 1, "'.' is not part of a formula"),
    ("__import__('os')", 11, "is not part of a formula"),
    ("lambda: 0", 6, "':' is not part of a formula"),
    ("(" * 100 + "a", 61, "nested more than 60 deep"),
    ("-" * 100 + "a", 61, "nested more than 60 deep"),
    ("1e999", 0, "an exponent beyond"),
    ("9" * 41, 0, "more than 40 digits"),
    ("a" * 2001, 2000, "longer than 2000 characters"),
]


@pytest.mark.parametrize(("source", "offset", "message"), REFUSED)
def test_what_is_not_a_formula_is_refused_with_its_place(source, offset, message):
    with pytest.raises(ExpressionError, match=message) as refused:
        parse(source)
    assert refused.value.offset == offset


leaves = st.builds(Ref, st.sampled_from(["a", "b", "W[1][2]"]))
leaves |= st.builds(Num, st.decimals(0, 100, places=3).map(Fraction))
expressions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Call, st.sampled_from(["+", "-", "*", "/", "**"]), st.tuples(inner, inner))
        | st.builds(Call, st.sampled_from(["neg", "exp", "tanh"]), st.tuples(inner))
        | st.builds(lambda *args: Call("+", args), inner, inner, inner)
    ),
    max_leaves=12,
)


def binary(expr):
    """n-ary sums as the parser builds them: from the left, two at a time."""
    if not isinstance(expr, Call):
        return expr
    first, *rest = (binary(arg) for arg in expr.args)
    if len(rest) < 2 or expr.fn not in "+*":
        return Call(expr.fn, (first, *rest))
    for arg in rest:
        first = Call(expr.fn, (first, arg))
    return first


@given(expressions)
def test_text_round_trips(expr):
    assert parse(text(expr)) == binary(expr)


def test_names_are_found_from_left_to_right():
    assert list(refs(parse("b*(1 - a) + b"))) == ["b", "a", "b"]


def test_a_branch_does_not_depend_on_a_complex_step():
    relu = parse("max(0, z)")
    for z, slope in [(-1.0, 0), (0.0, 0), (1.0, 1)]:
        stepped = value(relu, {"z": np.array(z + 1e-30j)}.__getitem__)
        assert np.imag(stepped) / 1e-30 == slope


LEFT = [
    ("(9**99)**99", "**"),
    ("0**(-1)", "**"),
    ("(1/3)**999", "**"),
    ("2**10", None),
    ("(1/2)**3", None),
]


@pytest.mark.parametrize(("source", "kept"), LEFT)
def test_a_power_is_computed_where_it_can_be_written_down(source, kept):
    """(9**99)**99 and what is built with it would take for ever; 0 has no reciprocal."""
    found = fold(parse(source))
    assert (found.fn if isinstance(found, Call) else None) == kept


@pytest.mark.parametrize("x", [1e-9, -1e-6, 1e-3, 0.5, 3.0])
def test_exp_minus_one_keeps_its_digits(x):
    """An optimizer that divides by the size of a gradient would show what 1e-6 had lost."""
    formula = parse("alpha*(exp(z) - 1)")
    exact = float(mpmath.expm1(x))
    for number in (x, x + 0j):
        found = value(formula, {"z": np.array(number), "alpha": 1}.__getitem__)
        assert abs(complex(found) - exact) <= 1e-15 * abs(exact)
