"""The math tree and its LaTeX, as (input, output) tables; and numbers as they are shown."""

import re
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.expression import parse
from generator.formula import (
    LINE,
    Boxed,
    Brace,
    Fence,
    Fraction,
    Index,
    Matrix,
    Node,
    Number,
    Row,
    Symbol,
    Text,
    equation,
    row,
    stack,
    width,
)
from generator.latex import latex
from generator.mathml import _element as mathml_element
from generator.mathml import mathml
from generator.number import exact, shown
from generator.typeset import typeset
from generator.typst import typst

w5 = Index(Symbol("w"), Number("5"))
net = Index(Symbol("net"), Index(Symbol("h"), Number("1")))


def fenced(inside):
    return f'<mrow><mo stretchy="false">(</mo>{inside}<mo stretchy="false">)</mo></mrow>'


LATEX = [
    (w5, "w_{5}"),
    (net, r"\mathrm{net}_ {h_{1}}"),  # `}_` would be emphasis in Markdown
    (Index(Symbol("δ"), Number("1"), row("(", Number("2"), ")")), r"\delta_{1}^{(2)}"),
    (Fraction(row("∂", Symbol("E")), row("∂", w5)), r"\frac{\partial E}{\partial w_{5}}"),
    (row("∂", Symbol("net")), r"\partial\mathrm{net}"),
    (row(w5, "+", Number("-1")), "w_{5} + -1"),
    (row("−", w5), "-w_{5}"),
    (row(Symbol("a"), "=", Number("1")), "a = 1"),
    (Number("4.386", -7), r"4.386 \cdot 10^{-7}"),
    (Fence(Fraction(Number("1"), Number("2"))), r"\left( \frac{1}{2} \right)"),
    (Fence(w5, "[]"), "[w_{5}]"),
    (Brace(w5, Number("0.4")), r"\underbrace{w_{5}}_ {0.4}"),
    (row("=", Boxed(Number("0.4"))), r"= \boxed{0.4}"),
    (Text("50 % of $x_1$"), r"\text{50 \% of \$x\_1\$}"),
    (
        Matrix(((w5, w5), (w5, w5))),
        "\\begin{bmatrix}\nw_{5} & w_{5} \\\\\nw_{5} & w_{5}\n\\end{bmatrix}",
    ),
]


@pytest.mark.parametrize(("node", "expected"), LATEX)
def test_latex(node, expected):
    assert latex(node) == expected


DELTA = Index(Symbol("δ"), Number("1"), row("(", Number("2"), ")"))  # no code: its `;` would end a row
HALF = Fraction(Number("1"), Number("2"))
TYPST = [
    (Brace(w5, Number("0.4")), "underbrace(w_5, 0.4)"),
    (Boxed(Number("0.4")), "#box(stroke: 0.5pt, inset: 0.3em, $0.4$)"),
    (w5, "w_5"),
    (net, '"net"_(h_1)'),
    (Index(Symbol("δ"), Number("11"), row("(", Number("2"), ")")), r"δ_(11)^(\(2\))"),
    (Index(row(Symbol("a"), Symbol("b")), Number("1")), "attach(a b, b: 1)"),
    (row("∂", Symbol("net")), '∂"net"'),  # a space would be seen
    (row(w5, "+", Number("-1")), "w_5 + -1"),
    (Number("4.386", -7), "4.386 ⋅ 10^(-7)"),
    (Fence(row(Symbol("a"), ",", Symbol("b"))), r"\(a\,b\)"),  # not two arguments
    (Fence(Fraction(Number("1"), Number("2"))), r"lr(\(frac(1, 2)\))"),
    (Text('"#$\\'), r'"\"#$\\"'),
    (Matrix(((w5, Row(())), (w5, w5))), 'mat(delim: "[", w_5, ""; w_5, w_5)'),
    (Matrix(((DELTA,), (HALF,)), loose=True), r'mat(delim: "[", δ_1^(\(2\)); display(frac(1, 2)))'),
]


@pytest.mark.parametrize(("node", "expected"), TYPST)
def test_typst(node, expected):
    assert typst(node) == expected


MATHML = [
    (
        Brace(Symbol("a"), Number("0.4")),
        '<munder><munder><mi>a</mi><mo stretchy="true">⏟</mo></munder><mn>0.4</mn></munder>',
    ),
    (Boxed(Number("0.4")), '<mrow class="boxed"><mn>0.4</mn></mrow>'),
    (w5, "<msub><mi>w</mi><mn>5</mn></msub>"),
    (Number("-0.5"), "<mn>−0.5</mn>"),
    (row(Symbol("a"), "=", Number("1")), "<mi>a</mi><mo>=</mo><mn>1</mn>"),
    (row(w5, Symbol("x")), "<msub><mi>w</mi><mn>5</mn></msub><mo>\u2062</mo><mi>x</mi>"),
    (row(Symbol("f"), Fence(Symbol("x"))), f"<mi>f</mi>{fenced('<mi>x</mi>')}"),
    (row(Number("2"), Fence(Symbol("x"))), f"<mn>2</mn><mo>\u2062</mo>{fenced('<mi>x</mi>')}"),
    (Text("a < b & c"), "<mtext>a\u00a0&lt;\u00a0b\u00a0&amp;\u00a0c</mtext>"),
]


@pytest.mark.parametrize(("node", "expected"), MATHML)
def test_mathml(node, expected):
    assert mathml(node) == f"<math>{expected}</math>"


@pytest.mark.parametrize("node", get_args(Node), ids=lambda node: node.__name__)
@pytest.mark.parametrize("printed", [width, latex, typst, mathml_element])
def test_every_printer_has_every_node(node, printed):
    assert printed.dispatch(node) is not printed.dispatch(object)


NAMES = {"a": Symbol("a"), "z": Symbol("z"), "t": Symbol("t"), "w": w5}
NUMBERS = {"a": 0.75, "z": -1.5, "t": 0.01, "w": -0.5}

TYPESET = [  # formula, with names, with numbers
    ("1/(1 + exp(-z))", r"\frac{1}{1 + e^{-z}}", r"\frac{1}{1 + e^{-(-1.5)}}"),
    ("a*(1 - a)", "a(1 - a)", r"0.75 \cdot (1 - 0.75)"),
    ("1/2*(a - t)**2", r"\frac{1}{2}(a - t)^{2}", r"\frac{1}{2}(0.75 - 0.01)^{2}"),
    ("2*(a - t)", "2(a - t)", "2(0.75 - 0.01)"),
    ("a - w", "a - w_{5}", "0.75 - (-0.5)"),
    ("w - a", "w_{5} - a", "-0.5 - 0.75"),
    ("a + z*w", r"a + z \cdot w_{5}", r"0.75 + (-1.5) \cdot (-0.5)"),
    ("a + -w", "a - w_{5}", "0.75 - (-0.5)"),
    ("a - (t - z)", "a - (t - z)", "0.75 - (0.01 - (-1.5))"),
    ("-w", "-w_{5}", "-(-0.5)"),
    ("w**2", "w_{5}^{2}", "(-0.5)^{2}"),
    ("(w**2)**3", "(w_{5}^{2})^{3}", "((-0.5)^{2})^{3}"),
    ("0.01*z", r"0.01 \cdot z", r"0.01 \cdot (-1.5)"),
    ("max(0, z)", r"\mathrm{max}(0, z)", r"\mathrm{max}(0, -1.5)"),
    ("log(a)", r"\mathrm{ln}(a)", r"\mathrm{ln}(0.75)"),
    (
        "where(z > 0, 1, 0)",
        "\\begin{cases}\n1 & z > 0 \\\\\n0 & z \\leq 0\n\\end{cases}",
        r"0\quad(-1.5 \leq 0)",
    ),
]


@pytest.mark.parametrize(("source", "names", "numbers"), TYPESET)
def test_a_formula_with_names_and_with_numbers(source, names, numbers):
    expr = parse(source)
    assert latex(typeset(expr, NAMES.__getitem__)) == names
    assert (
        latex(typeset(expr, lambda n: shown(NUMBERS[n]), lambda condition: NUMBERS["z"] > 0)) == numbers
    )


SHOWN = [  # digits = 4: at least four decimals and four significant digits
    (0.2910277736935994, "0.2910"),
    (0.0004385677344743467, "0.0004386"),
    (1.10590596705977, "1.1059"),
    (12.3456789, "12.3457"),
    (-0.02260254047747506, "-0.02260"),
    (1.5, "1.5"),
    (6.0, "6"),
    (0.1 + 0.2, "0.3"),
    (0.0, "0"),
    (-0.0, "0"),
    (0.99999999, "1.0000"),
    (0.000099999, "0.0001000"),
    (4.3856e-7, r"4.386 \cdot 10^{-7}"),
    (-4.3856e-7, r"-4.386 \cdot 10^{-7}"),
]


@pytest.mark.parametrize(("number", "expected"), SHOWN)
def test_numbers_are_rounded_once_and_say_that_they_are(number, expected):
    assert latex(shown(number, 4)) == expected


@given(st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-12), st.integers(2, 8))
def test_a_shown_number_is_within_half_a_unit_of_its_last_place(number, digits):
    node = shown(number, digits)
    decimal = Decimal(node.text).scaleb(node.exponent or 0)
    unit = Decimal(1).scaleb(decimal.as_tuple().exponent)
    assert abs(Decimal(number) - decimal) <= unit / 2 + abs(Decimal(number)) * Decimal("1e-14")
    assert not node.text.startswith("--")
    assert node.text.strip("-0.") or number == 0


@given(st.decimals(-1000, 1000, places=4))
def test_a_typed_number_is_shown_in_full(number):
    assert Decimal(exact(number)) == number
    assert not re.search(r"\.\d*0$|E|\.$", exact(number))


def long_sum(terms):
    return Row(
        tuple(
            part
            for i in range(terms)
            for part in ([row("+").items[0]] * (i > 0) + [w5, row("·").items[0], w5])
        )
    )


@pytest.mark.parametrize("terms", [1, 5, 20, 60])
def test_no_line_of_an_equation_is_longer_than_the_page(terms):
    assert width(equation(w5, long_sum(terms), Number("1.5"))) <= LINE + 2


def test_a_short_chain_stays_on_one_line():
    assert latex(equation(w5, Number("1"), Number("2"))) == "w_{5} = 1 = 2"


def test_equations_are_stacked_at_their_first_relation_and_in_stacks_a_page_can_break():
    lines = [equation(w5, Number(str(n))) for n in range(30)]
    stacked = list(stack(lines))
    assert [len(s.lines) for s in stacked] == [12, 12, 6]
    assert latex(stacked[2]).startswith("\\begin{aligned}\nw_{5} & = 24 \\\\\n")


@pytest.mark.parametrize(
    ("number", "digits", "expected"),
    [
        (123456789012345.0, 4, r"123456789012345"),
        (2.0**60, 4, r"1.153 \cdot 10^{18}"),
        (-9.99996e130, 4, r"-1.000 \cdot 10^{131}"),
        (1e300, 2, r"1.0 \cdot 10^{300}"),
    ],
)
def test_a_number_has_no_digits_that_a_float_does_not_know(number, digits, expected):
    assert latex(shown(number, digits)) == expected
