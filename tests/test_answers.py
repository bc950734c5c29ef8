"""Answers: how what students type is read, what is not read and why, and that nothing else happens."""

import re
import time
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.expression import Ref, text
from derive.network import counted
from derive.program import RATE
from derive.quantity import parse
from generator.answers import REMARKS, Answer, blank, read_number
from generator.exercise import build
from generator.exercises import found, kinds
from generator.functions import Functions
from generator.latex import latex
from generator.matrices import read_matrix
from generator.names import Names
from generator.notation import NOTATIONS
from generator.report import ids
from generator.spec_file import load
from generator.typed import read_formula
from generator.typeset import typeset
from generator.unreadable import REASONS, Unreadable
from tests.conftest import ALL, NETWORKS, spec_of

DOCUMENT = (Path(__file__).parent.parent / "docs" / "answers.md").read_text("utf-8")


def read(reader, *args):
    """What is read, or why it is not."""
    try:
        return reader(*args)
    except Unreadable as error:
        found = error
    assert "{" not in REASONS[found.reason].replace("{found}", "")
    assert found.offset is None or 0 <= found.offset <= max(len(args[0]), 1000)
    assert len(str(found)) < 200
    return found.reason


@cache
def built(name, notation):
    return build(load(name).model_copy(update={"notation": notation}))


@cache
def names(name, notation):
    return Names(built(name, notation))


@cache
def functions(name, notation):
    return Functions(built(name, notation))


# --- numbers ---

# typed -> the number with a point as the course's mark, with a comma, with the mark not known
NUMBERS = [
    # signs
    ("-0.0822", "-0.0822", "-0.0822", "-0.0822"),
    ("−0.0822", "-0.0822", "-0.0822", "-0.0822"),
    ("–0.0822", "-0.0822", "-0.0822", "-0.0822"),
    ("‐0.0822", "-0.0822", "-0.0822", "-0.0822"),
    ("- 0.0822", "-0.0822", "-0.0822", "-0.0822"),
    ("+0.5", "0.5", "0.5", "0.5"),
    ("+.5", "0.5", "0.5", "0.5"),
    ("--0.5", "signs", "signs", "signs"),
    ("−−0.5", "signs", "signs", "signs"),
    ("- −0.5", "signs", "signs", "signs"),
    ("+-0.5", "signs", "signs", "signs"),
    # decimals
    ("0.0822", "0.0822", "0.0822", "0.0822"),
    ("0,0822", "0.0822", "0.0822", "0.0822"),
    ("−0,0822", "-0.0822", "-0.0822", "-0.0822"),
    (",5", "0.5", "0.5", "0.5"),
    ("5.", "5", "5", "5"),
    ("0{,}5", "0.5", "0.5", "0.5"),
    ("1.234", "1.234", "comma", "comma"),
    ("1,234", "comma", "1.234", "comma"),
    ("0.234", "0.234", "0.234", "0.234"),
    ("1.2345", "1.2345", "1.2345", "1.2345"),
    ("12,34", "12.34", "12.34", "12.34"),
    ("007", "7", "7", "7"),
    # thousands
    ("1,234,567", "1234567", "1234567", "1234567"),
    ("1.234.567", "1234567", "1234567", "1234567"),
    ("1,234.5", "1234.5", "1234.5", "1234.5"),
    ("1.234,5", "1234.5", "1234.5", "1234.5"),
    ("1 234,5", "1234.5", "1234.5", "1234.5"),
    ("1'234.5", "1234.5", "1234.5", "1234.5"),
    ("1’234.5", "1234.5", "1234.5", "1234.5"),
    ("1\u00a0234", "1234", "1234", "1234"),
    ("1\u202f234", "1234", "1234", "1234"),
    ("12,34,567", "mark", "mark", "mark"),
    ("1.2.3", "mark", "mark", "mark"),
    ("0.5,0.6", "mark", "mark", "mark"),
    ("0.123 456", "mark", "mark", "mark"),
    ("1 23", "mark", "mark", "mark"),
    # powers of ten
    ("8.22e-2", "0.0822", "0.0822", "0.0822"),
    ("8.22E-02", "0.0822", "0.0822", "0.0822"),
    ("8,22E-02", "0.0822", "0.0822", "0.0822"),
    ("8.22e−2", "0.0822", "0.0822", "0.0822"),
    ("1e5", "1e5", "1e5", "1e5"),
    ("1e+5", "1e5", "1e5", "1e5"),
    ("8.22×10^-2", "0.0822", "0.0822", "0.0822"),
    ("8.22 x 10^-2", "0.0822", "0.0822", "0.0822"),
    ("8.22*10**-2", "0.0822", "0.0822", "0.0822"),
    ("8.22*10^(-2)", "0.0822", "0.0822", "0.0822"),
    ("8.22·10⁻²", "0.0822", "0.0822", "0.0822"),
    (r"8.22\cdot 10^{-2}", "0.0822", "0.0822", "0.0822"),
    (r"8.22\times10^{-2}", "0.0822", "0.0822", "0.0822"),
    ("10⁻²", "0.01", "0.01", "0.01"),
    ("-10^-2", "-0.01", "-0.01", "-0.01"),
    ("1e300", "1e300", "1e300", "1e300"),
    ("1e301", "exponent", "exponent", "exponent"),
    ("10e300", "exponent", "exponent", "exponent"),
    ("1e99999999999", "exponent", "exponent", "exponent"),
    ("1e", "words", "words", "words"),
    ("9" * 40, "9" * 40, "9" * 40, "9" * 40),
    ("9" * 41, "digits", "digits", "digits"),
    ("9" * 200, "long", "long", "long"),
    # fractions
    ("1/3", "1/3", "1/3", "1/3"),
    ("-1/3", "-1/3", "-1/3", "-1/3"),
    ("1/-3", "-1/3", "-1/3", "-1/3"),
    ("(1/3)", "1/3", "1/3", "1/3"),
    ("-(1/3)", "-1/3", "-1/3", "-1/3"),
    ("(1)/(3)", "1/3", "1/3", "1/3"),
    ("0.5/1.5", "1/3", "1/3", "1/3"),
    (r"\frac{1}{3}", "1/3", "1/3", "1/3"),
    (r"\frac13", "1/3", "1/3", "1/3"),
    (r"-\dfrac{1}{3}", "-1/3", "-1/3", "-1/3"),
    (r"\frac{-1}{3}", "-1/3", "-1/3", "-1/3"),
    ("½", "1/2", "1/2", "1/2"),
    ("-¾", "-3/4", "-3/4", "-3/4"),
    ("1⁄3", "1/3", "1/3", "1/3"),
    ("1½", "mixed", "mixed", "mixed"),
    ("1 1/2", "mixed", "mixed", "mixed"),
    ("1/0", "zero", "zero", "zero"),
    ("1/2/3", "calculation", "calculation", "calculation"),
    # percent
    ("8.2 %", "0.082", "0.082", "0.082"),
    (r"8.2\%", "0.082", "0.082", "0.082"),
    ("8,2%", "0.082", "0.082", "0.082"),
    ("50 Prozent", "0.5", "0.5", "0.5"),
    # what is around it
    ("  0.5\n", "0.5", "0.5", "0.5"),
    ("= -0.08", "-0.08", "-0.08", "-0.08"),
    ("dL/dw = -0.08", "-0.08", "-0.08", "-0.08"),
    (r"\frac{\partial E}{\partial w_5} = 0.08", "0.08", "0.08", "0.08"),
    ("L ≈ 0.29", "0.29", "0.29", "0.29"),
    ("$0.5$", "0.5", "0.5", "0.5"),
    ("$$-0.5$$", "-0.5", "-0.5", "-0.5"),
    (r"\(0.5\)", "0.5", "0.5", "0.5"),
    (r"$\boxed{0.5}$", "0.5", "0.5", "0.5"),
    ("≈ 0.5", "0.5", "0.5", "0.5"),
    ("~0.5", "0.5", "0.5", "0.5"),
    ("ca. 0.5", "0.5", "0.5", "0.5"),
    ("0.5.", "0.5", "0.5", "0.5"),
    ("0.5;", "0.5", "0.5", "0.5"),
    ("'0.5", "0.5", "0.5", "0.5"),
    ('"0.5"', "0.5", "0.5", "0.5"),
    ("„0,5“", "0.5", "0.5", "0.5"),
    ("(0.5)", "0.5", "0.5", "0.5"),
    ("０．５", "0.5", "0.5", "0.5"),
    ("0.5 cm", "0.5", "0.5", "0.5"),
    (r"0.5 \text{ units}", "0.5", "0.5", "0.5"),
    ("0.5 x", "words", "words", "words"),
    ("0.5 million", "words", "words", "words"),
    ("0.5 pi", "words", "words", "words"),
    ("0.5 or 0.6", "words", "words", "words"),
    ("0.15 = a", "left side", "left side", "left side"),
    ("a = 0.5*0.3 = 0.15", "sides", "sides", "sides"),
    ("a =", "nothing", "nothing", "nothing"),
    # what a spreadsheet makes of it
    ("3. Feb", "date", "date", "date"),
    ("03.Feb", "date", "date", "date"),
    ("Feb-82", "date", "date", "date"),
    ("Feb 82", "date", "date", "date"),
    ("2. Mrz", "date", "date", "date"),
    ("02.03.2026", "date", "date", "date"),
    ("2026-03-02", "date", "date", "date"),
    ("2/3/2026", "date", "date", "date"),
    ("2026-03-02 00:00:00", "date", "date", "date"),
    ("08:22", "date", "date", "date"),
    ("#DIV/0!", "spreadsheet", "spreadsheet", "spreadsheet"),
    ("#NAME?", "spreadsheet", "spreadsheet", "spreadsheet"),
    ("#WERT!", "spreadsheet", "spreadsheet", "spreadsheet"),
    ("#N/A", "spreadsheet", "spreadsheet", "spreadsheet"),
    ("#####", "spreadsheet", "spreadsheet", "spreadsheet"),
    # no numbers
    ("nan", "not a number", "not a number", "not a number"),
    ("-inf", "not a number", "not a number", "not a number"),
    ("TRUE", "not a number", "not a number", "not a number"),
    ("hello", "not a number", "not a number", "not a number"),
    ("0.5*0.3", "calculation", "calculation", "calculation"),
    ("0.5 - 0.3", "calculation", "calculation", "calculation"),
    ("sqrt(2)", "calculation", "calculation", "calculation"),
    ("e^-2", "calculation", "calculation", "calculation"),
    ("0x1F", "words", "words", "words"),
    ("1_000", "not a number", "not a number", "not a number"),
    ("", "blank", "blank", "blank"),
    # what cannot be seen
    ("0.5\x00", "character", "character", "character"),
    ("\u202e0.5", "character", "character", "character"),
    ("0.\u200b5", "character", "character", "character"),
    ("0.5\x1b[31m", "character", "character", "character"),
    ("0.5\ud800", "character", "character", "character"),
    ("1" * 1001, "long", "long", "long"),
    # nothing is run
    ("__import__('os')", "calculation", "calculation", "calculation"),
    ("{{7*7}}", "calculation", "calculation", "calculation"),
    ("$(reboot)", "calculation", "calculation", "calculation"),
    ("٣", "not a number", "not a number", "not a number"),
]


def shown(value):
    return str(value) if isinstance(value, Fraction) else value


@pytest.mark.parametrize(("typed", "point", "comma", "unknown"), NUMBERS)
def test_read_number(typed, point, comma, unknown):
    for mark, expected in ((".", point), (",", comma), (None, unknown)):
        found = read(read_number, typed, mark)
        if expected in REASONS:
            assert found == expected
        else:
            assert isinstance(found, Answer)
            assert found.value == (Fraction(expected) if "/" in expected else Decimal(expected))


DIGITS = [
    ("0.0822", 3, "0.0001"),
    ("0.0820", 3, "0.0001"),
    ("1200", 4, "1"),
    ("8.20e-2", 3, "0.0001"),
    ("8.2 %", 2, "0.001"),
    ("0,50", 2, "0.01"),
    ("0", 1, "1"),
    ("1/3", None, None),
]


@pytest.mark.parametrize(("typed", "digits", "unit"), DIGITS)
def test_the_digits_that_were_typed(typed, digits, unit):
    found = read_number(typed)
    assert found.digits == digits
    assert found.unit == (unit and Decimal(unit))


REMARKED = [
    ("0.5", ()),
    ("0,0822", ("mark",)),
    ("1 234,5", ("thousands", "mark")),
    ("8.2 %", ("percent",)),
    ("L = 0.5", ("name",)),
    ("≈ 0.5", ("about",)),
    ("'0.5", ("quotes",)),
    ("0.5.", ("stop",)),
    ("0.5 cm", ("unit",)),
]


@pytest.mark.parametrize(("typed", "remarks"), REMARKED)
def test_remarks(typed, remarks):
    assert read_number(typed).remarks == remarks
    assert {remark for _, row in REMARKED for remark in row} == set(REMARKS)


PLACES = [
    ("0.5 or 0.6", "words", 4),
    ("L = 0.5 million", "words", 7),
    ("   --0.5", "signs", 3),
    ("0.5\x00", "character", 3),
    ("1½", "mixed", 1),
]


@pytest.mark.parametrize(("typed", "reason", "offset"), PLACES)
def test_the_place_of_what_was_not_understood(typed, reason, offset):
    with pytest.raises(Unreadable) as error:
        read_number(typed)
    assert (error.value.reason, error.value.offset) == (reason, offset)


BLANK = [
    "",
    "  ",
    "\n",
    "-",
    "—",
    "?",
    "???",
    "n/a",
    "N/A",
    "k. A.",
    "keine Antwort",
    "No answer.",
    "...",
]
BLANK += ["(keine)", "I don't know", "weiß nicht", "/", "_"]


@pytest.mark.parametrize("typed", BLANK)
def test_blank(typed):
    assert blank(typed)
    assert read(read_number, typed) == "blank"


@pytest.mark.parametrize("typed", ["0", "x", "-1", "#N/A", "none of them", " " * 200 + "0"])
def test_not_blank(typed):
    assert not blank(typed)


# --- formulas ---

FORMULAS = {
    "plain": [
        ("a_1^{(1)}(1-a_1^{(1)})", "a[1][1]*(1 - a[1][1])"),
        ("a1^(1)*(1-a1^(1))", "a[1][1]*(1 - a[1][1])"),
        ("a1(1)(1-a1(1))", "a[1][1]*(1 - a[1][1])"),
        ("a₁⁽¹⁾(1−a₁⁽¹⁾)", "a[1][1]*(1 - a[1][1])"),
        ("a^{(1)}_1", "a[1][1]"),
        (r"\delta_1^{(2)} w_{11}^{(2)}", "dL/dz[2][1]*W[2][1][1]"),
        ("δ_1^{(2)} w_{11}^{(1)}", "dL/dz[2][1]*W[1][1][1]"),
        ("delta1^(2) w11^(2)", "dL/dz[2][1]*W[2][1][1]"),
        (r"\sigma'(z_1^{(1)})", "1/(1 + exp(-z[1][1]))*(1 - 1/(1 + exp(-z[1][1])))"),
        ("(a[2][1]-t[1])*a[2][1]*(1-a[2][1])", "(a[2][1] - t[1])*a[2][1]*(1 - a[2][1])"),
        ("dL/dz[2][1]*a[1][1]", "dL/dz[2][1]*a[1][1]"),
        ("W[1][1][1]@1", "W[1][1][1]@1"),
        ("w_11^(1)'", "W[1][1][1]@1"),
        ("x1^2", "x[1]**2"),
        ("x_1^{2}", "x[1]**2"),
        ("x1**2", "x[1]**2"),
        ("x₁²", "x[1]**2"),
        ("x1^-2", "x[1]**(-2)"),
        ("x1^10", "x[1]**10"),
        ("x1^(1/2)", "x[1]**(1/2)"),
        ("(x1 - t1)^2/2", "(x[1] - t[1])**2/2"),
        (r"\frac12 (t_1 - a_1^{(2)})^2", "1/2*(t[1] - a[2][1])**2"),
        ("-x1^2", "-x[1]**2"),
        ("1/(1+e^{-z_1^{(1)}})", "1/(1 + exp(-z[1][1]))"),
        ("e^-x1", "exp(-x[1])"),
        ("2e^x1", "2*exp(x[1])"),
        ("2e-3 x1", "0.002*x[1]"),
        ("2e3*x1", "2000*x[1]"),
        ("tanh(x1)", "tanh(x[1])"),
        (r"\tanh(x_1)", "tanh(x[1])"),
        ("|x1 - t1|", "abs(x[1] - t[1])"),
        ("2|x1||x2|", "2*abs(x[1])*abs(x[2])"),
        ("sqrt(x1)", "sqrt(x[1])"),
        (r"\sqrt{x_1}", "sqrt(x[1])"),
        ("√x1", "sqrt(x[1])"),
        (r"\log(x_1)", "log(x[1])"),
        ("ln(x1)", "log(x[1])"),
        ("max(0, x1)", "max(0, x[1])"),
        ("2x1x2", "2*x[1]*x[2]"),
        ("x1 x2", "x[1]*x[2]"),
        ("[x1 - x2]*2", "(x[1] - x[2])*2"),
        ("½x1", "1/2*x[1]"),
        ("π x1", "pi*x[1]"),
        ("w_11^(1) - η ∂L/∂w_{11}^{(1)}", "W[1][1][1] - eta*dL/dW[1][1][1]"),
        ("$x_1$", "x[1]"),
        ("dL/dw11^(1) = x1", "x[1]"),
        ("x1.", "x[1]"),
        ("0.5", "0.5"),
        # not read
        ("x1^(2)", "layer"),
        ("x_1^{(2)}", "layer"),
        ("x1^2^3", "powers"),
        ("e^x1^2", "powers"),
        ("x1^99999", "power"),
        ("w7", "name"),
        ("A1^(1)", "nearly"),
        ("foo(x1)", "name"),
        ("ln x1", "function"),
        ("max(x1)", "arguments"),
        ("σ(x1, x2)", "arguments"),
        ("log10(x1)", "function"),
        ("x1 =", "nothing"),
        ("2 = x1", "left side"),
        ("x1 = x2 = x1", "sides"),
        ("x1 <= x2", "unexpected"),
        ("0,5*x1", "decimal"),
        ("((x1", "unclosed"),
        ("x1)", "unexpected"),
        ("x1 +", "unfinished"),
        ("x1 * * x2", "unexpected"),
        ("2 3", "beside"),
        ("x1(2)", "argument"),
        ("dL/dt1", "derivative"),
        (r"\frac{dL}{dt_1}", "derivative"),
        (r"\sqrt[3]{x_1}", "root"),
        (r"\sigma^{-1}(x_1)", "inverse"),
        ("[x1, x2]", "matrix"),
        ("x1^T", "transposed"),
        (r"\sum x_1", "dots"),
        ("1½", "mixed"),
        ("x1\x00", "character"),
        ("1e400", "exponent"),
        ("9" * 41, "digits"),
        ("+".join(["x1"] * 200), "size"),
        ("", "blank"),
        ("?", "blank"),
        ("__import__('os').system('x')", "unexpected"),
        (r"\input{/etc/passwd}", "unexpected"),
        (r"\write18{x}", "matrix"),
    ],
    "mazur": [
        ("out_{o1}(1-out_{o1})", "a[2][1]*(1 - a[2][1])"),
        ("outo1*(1-outo1)", "a[2][1]*(1 - a[2][1])"),
        ("output_o1", "a[2][1]"),
        (r"\mathrm{net}_{h_1}", "z[1][1]"),
        ("(out_o1 - target_o1) out_o1 (1-out_o1)", "(a[2][1] - t[1])*a[2][1]*(1 - a[2][1])"),
        ("w5_new", "W[2][1][1]@1"),
        ("E_o1 + E_o2", "L[1] + L[2]"),
        ("Etotal", "L"),
        ("∂E_total/∂w_5", "dL/dW[2][1][1]"),
        ("w9", "name"),
        ("W5", "nearly"),
    ],
    "cummins": [
        ("j_1out w_j1o1", "a[1][1]*W[2][1][1]"),
        ("j1out*wj1o1", "a[1][1]*W[2][1][1]"),
        (r"j_{1\mathrm{out}}", "a[1][1]"),
        ("j_1in", "z[1][1]"),
        ("w_i1j1 - α*dLoss/dw_i1j1", "W[1][1][1] - eta*dL/dW[1][1][1]"),
    ],
    "bpe": [
        ("BPE_ON1 output_H1", "dL/dz[2][1]*a[1][1]"),
        ("BPEON1*outputH1", "dL/dz[2][1]*a[1][1]"),
        (r"w_{H_1\to ON_1}", "W[2][1][1]"),
        ("w_H1->ON1", "W[2][1][1]"),
        ("wH1ON1", "W[2][1][1]"),
    ],
    "ceng506": [
        ("δ_1^(3) a_1^(2)", "dL/dz[2][1]*a[1][1]"),
        ("w_0^(1)", "b[1]"),
        ("delta1^(3)*w11^(2)", "dL/dz[2][1]*W[2][1][1]"),
        ("E", "L"),
    ],
}


@pytest.mark.parametrize(
    ("notation", "typed", "expected"), [(n, *row) for n, rows in FORMULAS.items() for row in rows]
)
def test_read_formula(notation, typed, expected):
    found = read(read_formula, typed, names("mazur", notation))
    shown = found if isinstance(found, str) else text(found)
    assert shown == expected


def test_there_are_rows_for_every_notation_and_every_reason():
    assert set(FORMULAS) == set(NOTATIONS)
    assert len(NUMBERS) >= 120


def test_a_decimal_comma_in_a_formula():
    assert text(read_formula("0,5*x1", names("mazur", "plain"), ",")) == "0.5*x[1]"


def test_the_names_of_a_circuit():
    circuit = names("ceng506-sum-product", load("ceng506-sum-product").notation)
    for typed, expected in [("q*z", "q*z"), ("qz", "q*z"), ("df/dq", "df/dq"), ("∂f/∂q z", "df/dq*z")]:
        assert text(read_formula(typed, circuit)) == expected


def test_a_name_of_several_samples_says_which():
    shallow = names("shallow", load("shallow").notation)
    assert text(read_formula("a[1][1]#2", shallow)) == "a[1][1]#2"
    assert text(read_formula("dL/dz[1][1]#2", shallow)) == "dL/dz[1][1]#2"
    assert read(read_formula, "a[1][1]", shallow) == "sample"
    assert read(read_formula, "dL/dz[1][1]", shallow) == "sample"


# --- laws: what a sheet prints is read ---

PAIRS = [(name, n) for name in ALL for n in NOTATIONS if name in NETWORKS or n == spec_of(name).notation]
FAST = {"mazur", "softmax", "convolution", "ceng506-sum-product", "ceng506-and"}
LAW = [
    pytest.param(*pair, marks=[] if pair[0] in FAST else pytest.mark.slow, id="-".join(pair))
    for pair in PAIRS
]
SHOWN_STATES = 20  # later ones have names by their ids only


def flattened(name):
    """A name in LaTeX without braces, underscores and backslashes."""
    name = re.sub(r"\\frac\{\\partial ?(.*)\}\{\\partial ?(.*)\}$", r"d\1/d\2", name)
    name = re.sub(r"\\hat\{(\w)\}", r"\1hat", name)
    name = re.sub(r"\\(?:mathrm|text)\{([^{}]*)\}", r"\1", name)
    for command, mark in (("langle", "<"), ("rangle", ">"), ("to", "->"), ("prime", "'")):
        name = name.replace(f"\\{command}", mark)
    return re.sub(r"[_{}\\ ]", "", re.sub(r"\^\{?'\}?", "'", name))


@pytest.mark.parametrize(("lecture", "notation"), LAW)
def test_every_printed_name_is_read_in_every_spelling(lecture, notation):
    exercise, sheet = built(lecture, notation), functions(lecture, notation)
    for q in ids(exercise):
        if counted(exercise.graph, q) is not None or q.update > SHOWN_STATES:
            continue
        printed = latex(exercise.namer(q))
        for typed in (printed, flattened(printed), str(q)):
            formula = read_formula(typed, names(lecture, notation))
            assert isinstance(formula, Ref), typed
            same = sheet.canonical(formula.name) == sheet.canonical(q)
            assert same or (sheet[formula.name] == sheet[q]).all(), typed  # L[1], where it is L


def name_of(exercise, q):
    rate = q == RATE and not exercise.spec.circuit
    return exercise.namer.rate if rate else exercise.namer(q)


def assert_read_back(exercise, sheet, known, asked_ids):
    for q in asked_ids:
        try:
            formula = exercise.program.formula(q)
        except KeyError:  # a count
            continue
        if formula is None:
            continue
        shown = latex(typeset(formula, partial(name_of, exercise)))
        found = read(read_formula, shown, known)
        if isinstance(found, str):  # a sum over many samples
            assert (found, len(shown) > 700) in (("long", True), ("size", True)), shown
        else:
            assert sheet.equal(q, found), shown


@pytest.mark.parametrize(("lecture", "notation"), LAW)
def test_every_printed_formula_is_read_back_as_what_it_is(lecture, notation):
    exercise = built(lecture, notation)
    some = [q for q in ids(exercise) if q.update <= 1][:150]
    assert_read_back(exercise, functions(lecture, notation), names(lecture, notation), some)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", kinds())
def test_the_formulas_of_every_kind_are_read_back(name, notation):
    spec = found(name)
    if spec.circuit and notation != spec.notation:
        return
    spec = spec.model_copy(update={"notation": notation})
    exercise = build(spec)
    some = [q for q in ids(exercise) if q.update <= 1][:40]
    assert_read_back(exercise, Functions(exercise), Names(exercise), some)


# --- formulas as functions ---

Z = "dL/dz[2][1]"
JUDGED = [
    (Z, "(a1^(2)-t1)a1^(2)(1-a1^(2))", True),
    (Z, "(a1^(2)-t1)*σ'(z1^(2))", True),
    (Z, "a1^(2)(1-a1^(2))(a1^(2)-t1)", True),
    (Z, "dL/da[2][1]*a1^(2)*(1-a1^(2))", True),
    (Z, "-(t1-a1^(2))a1^(2)(1-a1^(2))", True),
    (Z, "(t1-a1^(2))a1^(2)(1-a1^(2))", False),
    (Z, "(a1^(2)-t1)a1^(2)", False),
    (Z, "(a1^(2)-t1)a1^(2)(1-a1^(2)) + 1e-9", False),
    (Z, "0.138498562", False),
    (Z, "1/0", False),
    (Z, "(9^999)^999", False),
    (Z, "exp(exp(exp(9999)))", False),
    (Z, "(-8)^(1/3)", False),
    # digits are lost in floating point
    (Z, "1e14 + (a1^(2)-t1)a1^(2)(1-a1^(2)) - 1e14", True),
    (Z, "1e14 + (a1^(2)-t1)a1^(2) - 1e14", False),
    (Z, "1e20*(a1^(2) - σ(z1^(2))) + (a1^(2)-t1)a1^(2)(1-a1^(2))", True),
    ("W[1][1][1]@1", "w11^(1) - eta*dL/dw11^(1)", True),
    ("W[1][1][1]@1", "w11^(1) + eta*dL/dw11^(1)", False),
    ("W[1][1][1]@1", "w11^(1) - 0.5*dL/dw11^(1)", False),
    ("a[1][1]", "1/(1+e^-z1^(1))", True),
    ("a[1][1]", "tanh(z1^(1))", False),
]


@pytest.mark.parametrize(("asked", "typed", "right"), JUDGED)
def test_equal_as_functions(asked, typed, right):
    formula = read_formula(typed, names("mazur", "plain"))
    assert functions("mazur", "plain").equal(parse(asked), formula) is right


CIRCULAR = [
    (Z, "δ1^(2)", (), True),
    (Z, "2*dL/dz[2][1]/2", (), True),
    (Z, "dL/da[2][1]*a1^(2)*(1-a1^(2))", (), False),
    (Z, "dL/da[2][1]*a1^(2)*(1-a1^(2))", ("dL/da[2][1]",), True),
    ("b[1][1]@1", "b[1]@1", (), True),
    ("b[1][1]@1", "b[1]", (), False),
]


@pytest.mark.parametrize(("asked", "typed", "forbidden", "circular"), CIRCULAR)
def test_a_formula_that_names_what_is_asked_is_no_answer(asked, typed, forbidden, circular):
    sheet, formula = functions("mazur", "plain"), read_formula(typed, names("mazur", "plain"))
    assert sheet.circular(parse(asked), formula, [parse(q) for q in forbidden]) is circular


# --- matrices ---

MATRICES = [
    ("[[1, 2], [3, 4]]", ".", [[1, 2], [3, 4]]),
    ("((1,2),(3,4))", ".", [[1, 2], [3, 4]]),
    ("[1 2; 3 4]", ".", [[1, 2], [3, 4]]),
    ("[1, 2; 3, 4]", ".", [[1, 2], [3, 4]]),
    ("(1; 2)", ".", [[1], [2]]),
    ("(1, 2)", ".", [[1, 2]]),
    ("(1, 2)^T", ".", [[1], [2]]),
    (r"[1, 2]^{\top}", ".", [[1], [2]]),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", ".", [[1, 2], [3, 4]]),
    (r"$$\begin{bmatrix} 1 \\ 2 \end{bmatrix}$$", ".", [[1], [2]]),
    (r"\left[\begin{array}{cc}1 & 2\\ 3 & 4\end{array}\right]", ".", [[1, 2], [3, 4]]),
    ("W = [[1, 2], [3, 4]]", ".", [[1, 2], [3, 4]]),
    ("[1e0; 2.0]", ".", [[1], [2]]),
    ("(1,0; 2,0)", ",", [[1], [2]]),
    ("[[1,0; 2]; [3; 4]]", ",", [[1, 2], [3, 4]]),
    ("(1, 2)", ",", [[1, 2]]),
    ("(1,2)", ",", "cells"),
    ("[[1,2],[3,4]]", ",", "cells"),
    ("(1,5; 2,5)", None, "cells"),
    ("[[1, 2], [3]]", ".", "ragged"),
    ("1 2", ".", "rows"),
    ("[1", ".", "rows"),
    ("[[1, x], [3, 4]]", ".", "not a number"),
    ("[1, ]", ".", "blank"),
    ("", ".", "blank"),
    ("[" * 900, ".", "rows"),
    ("[" + "1," * 450 + "1]", ".", "size"),
]


@pytest.mark.parametrize(("typed", "mark", "expected"), MATRICES)
def test_read_matrix(typed, mark, expected):
    rows = read(read_matrix, typed, partial(read_number, decimal_mark=mark), mark)
    if isinstance(rows, str):
        assert rows == expected
    else:
        assert [[cell.value for cell in row] for row in rows] == expected


def test_a_matrix_of_formulas():
    cell = partial(read_formula, names=names("mazur", "plain"))
    rows = read_matrix("(a1^(1)*(1-a1^(1)); max(x1, x2))", cell)
    assert [[text(f) for f in row] for row in rows] == [["a[1][1]*(1 - a[1][1])"], ["max(x[1], x[2])"]]


def test_the_place_in_a_matrix():
    with pytest.raises(Unreadable) as error:
        read_matrix("[[1, 2], [3, 0.5 or 1]]", read_number)
    assert error.value.offset == 17


# --- any text ---

ALPHABET = "0123456789.,-+−*/^_{}()[]|\\$=≈%'\"#@; \tabdeEwxσδ∂½²₁√"
RIGHT = [typed for typed, *_ in NUMBERS] + [typed for rows in FORMULAS.values() for typed, _ in rows]
RIGHT += [typed for typed, *_ in MATRICES]


def everything(typed):
    """Whatever reads an answer gives a value or says why not, at once."""
    begun = time.perf_counter()
    known = names("mazur", "plain")
    for mark in (".", ",", None):
        found = read(read_number, typed, mark)
        if isinstance(found, Answer):
            assert abs(found.number) < 1e301
    formula = read(read_formula, typed, known)
    if not isinstance(formula, str):
        text(formula)
        functions("mazur", "plain").equal(parse(Z), formula)
    read(read_matrix, typed, read_number)
    read(read_matrix, typed, partial(read_formula, names=known))
    blank(typed)
    assert time.perf_counter() - begun < 2


@given(st.text(max_size=300) | st.text(alphabet=ALPHABET, max_size=300))
def test_any_text_is_a_value_or_unreadable(typed):
    everything(typed)


@given(st.sampled_from(RIGHT), st.data())
def test_right_answers_with_slips_are_values_or_unreadable(typed, data):
    """A character deleted, doubled, changed or put in, a few times."""
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(typed)))
        put = data.draw(st.sampled_from(["", *ALPHABET, typed[at : at + 3] * 2]))
        typed = typed[:at] + put + typed[at + data.draw(st.integers(0, 2)) :]
    everything(typed)


HOSTILE = [
    "(" * 10**6,
    "x" * 10**8,
    "\x00" * 1000,
    *("".join(["{}"] * 500), "$" * 1000, "'" * 1000, '"' * 999, " " * 1000, "=" * 1000, "-" * 1000),
    *("[" * 1000, "(" * 1000, "{" * 1000, "|" * 1000, "√" * 1000, "∂" * 299, "∂L/" * 300, "\\" * 1000),
    *("1-" * 140 + "1", "1/" * 140 + "1", "-" * 290 + "1", "x1^" * 140, "e^" * 140 + "1", "a_" * 400),
    *("(" * 140 + "x1" + ")" * 140, "σ(" * 90 + "x1" + ")" * 90, "|" * 140 + "x1" + "|" * 140),
    *("{" * 140 + "x1" + "}" * 140, r"\frac{" * 120, r"\sqrt{" * 120 + "x1" + "}" * 120),
    *("1 " * 500, "1," * 500, "1'" * 500, "1." * 500, "1e" * 500, "." * 999 + "1", ",1" * 499),
    *("9^" * 140 + "9", "(9^999)" * 40, "((9^999)^999)^999", "1e300*" * 100 + "1", "1/1e300" * 40),
    *("σ'(" * 4 + "x1" + ")" * 4, "[[" * 400, "[1;" * 300, "w" * 1000, "w1" * 500, "dw/" * 300),
    *("x1^{" * 100 + "}" * 100, "x_{" * 300, "#" * 1000, "L@" * 300, "L@9999999", "a[1][1]#9999999"),
    "W[" + "1" * 900 + "]",
    "e^-" + "2" * 30,
    "√" + "9" * 30,
]


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_read_to_its_end(typed):
    everything(typed)


# --- the document ---


def rows(head):
    """The rows of a table of the document: what is typed, and what stands beside it."""
    table = DOCUMENT.split(head)[1].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        first, *others = (cell.strip() for cell in line.strip("|").split(" | "))
        for typed in re.findall(r"`([^`]+)`", first):
            yield typed, *(other.strip("` ") for other in others)


def test_the_document_says_how_numbers_are_read():
    head = "| typed | read as |"
    assert len(list(rows(head))) >= 20
    for typed, expected in rows(head):
        assert read_number(typed).value in (Fraction(expected), Decimal(str(float(Fraction(expected)))))
    for typed, *expected in rows("| typed | in a course with `.` | in a course with `,` |"):
        for mark, said in zip(".,", expected, strict=True):
            found = read(read_number, typed, mark)
            assert (found if isinstance(found, str) else str(found.value)) == said.split(": ")[-1]
    for typed, _ in rows("| typed | why |"):
        assert read(read_number, typed) in REASONS


def test_the_document_says_how_formulas_and_matrices_are_read():
    _, formulas, matrices = re.split(r"\n## ", DOCUMENT)[1:]
    for section, reader in (
        (formulas, lambda typed: text(read_formula(typed, names("mazur", "mazur")))),
        (
            matrices,
            lambda typed: str([[int(c.value) for c in row] for row in read_matrix(typed, read_number)]),
        ),
    ):
        count = 0
        for line in section.splitlines():
            cells = re.findall(r"^\| (`.*`) \| (.*) \|$", line)
            for first, expected in cells:
                for typed in re.findall(r"`([^`]+)`", first):
                    assert reader(typed) == expected.strip("`"), typed
                    count += 1
        assert count >= 10
