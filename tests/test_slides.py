"""Slides: what is read out of a lecture's text, and that nothing is guessed."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.expression import Ref, refs, value
from generator.audit import audit
from generator.exercise import build, certified
from generator.grid import Grid, Printed
from generator.names import vocabulary
from generator.notation import NOTATIONS
from generator.pages import pages
from generator.reading import chains
from generator.slides import mathematics, read_slides
from generator.spec_file import load
from tests.conftest import ALL, lecture, spec_of


def facts(text, name="mazur"):
    reading = read_slides(lecture(name), text)
    return [(f.id, f.printed) for f in reading.facts]


W5 = "dL/dW[2][1][1]"

# A lecture's line -> the facts in it.  Mazur's network: w1 … w8, net_h1, out_o1, E_total.
READ = [
    (r"$net_{h_1} = 0.3775$", [("z[1][1]", "0.3775")]),
    # one name, however it is typed
    (r"$\mathrm{net}_{h1} = 0.3775$", [("z[1][1]", "0.3775")]),
    (r"$\text{net}_{h_{1}} \approx 0.3775$", [("z[1][1]", "0.3775")]),
    (r"$net_{{h}_{1}}=.3775$", [("z[1][1]", "0.3775")]),
    (r"$w'_5 = 0.3589$", [("W[2][1][1]@1", "0.3589")]),
    (r"$w_{5}^{\prime} = 0.3589$", [("W[2][1][1]@1", "0.3589")]),
    (r"$w_5' = 0.3589$", [("W[2][1][1]@1", "0.3589")]),
    (r"$output_{o1} = 0.7514$", [("a[2][1]", "0.7514")]),
    # one derivative
    (r"$\frac{\partial E_{total}}{\partial w_5} = 0.0822$", [(W5, "0.0822")]),
    (r"$\dfrac{\partial E_{total}}{\partial w_{5}} = 0.0822$", [(W5, "0.0822")]),
    (r"$\partial E_{total} / \partial w_5 = 0.0822$", [(W5, "0.0822")]),
    (r"$\frac{d E_{total}}{d w_5} = 0.0822$", [(W5, "0.0822")]),
    (r"$\frac{\partial E_{o1}}{\partial out_{h1}} = 0.0554$", [("dL[1]/da[1][1]", "0.0554")]),
    # kinds of mathematics
    (r"\[ net_{h_1} = 0.3775 \]", [("z[1][1]", "0.3775")]),
    (r"\( net_{h_1} = 0.3775 \)", [("z[1][1]", "0.3775")]),
    ("$$\nnet_{h_1} = 0.3775\n$$", [("z[1][1]", "0.3775")]),
    ("```math\nnet_{h_1} = 0.3775\n```", [("z[1][1]", "0.3775")]),
    (r"\begin{equation*} net_{h_1} = 0.3775 \tag{1} \end{equation*}", [("z[1][1]", "0.3775")]),
    (
        r"\begin{align} net_{h_1} &= 0.3775 \\ out_{h_1} &= 0.5933 \end{align}",
        [("z[1][1]", "0.3775"), ("a[1][1]", "0.5933")],
    ),
    ("\\section{A}\n% $net_{h_1} = 0.1$\n$net_{h_1} = 0.3775$", [("z[1][1]", "0.3775")]),
    (
        "\\section{A}\n\\begin{verbatim}$w_5 = 1$\\end{verbatim}\n$net_{h_1} = 0.3775$",
        [("z[1][1]", "0.3775")],
    ),
    ("```\n$net_{h_1} = 1$\n```\nand `$w_6 = 2$`: $net_{h_1} = 0.3775$", [("z[1][1]", "0.3775")]),
    ("50% of it: $net_{h_1} = 0.3775$", [("z[1][1]", "0.3775")]),
    ("It costs $5 and $net_{h_1} = 0.3775$", [("z[1][1]", "0.3775")]),
    (r"\newcommand{\net}[1]{net_{h_{#1}}} $\net{1} = 0.3775$", [("z[1][1]", "0.3775")]),
    (r"\def\out{out} $\out_{h_1} = 0.5933$", [("a[1][1]", "0.5933")]),
    # columns, words and wide spaces between equations
    (
        r"\begin{align} net_{h_1} &= 0.3775 & out_{h_1} &= 0.5933 \end{align}",
        [("z[1][1]", "0.3775"), ("a[1][1]", "0.5933")],
    ),
    (
        r"$out_{h_1} = 0.5933 \text{ and } out_{h_2} = 0.5969$",
        [("a[1][1]", "0.5933"), ("a[1][2]", "0.5969")],
    ),
    (
        r"$out_{h_1} = \sigma(net_{h_1}) \qquad out_{h_2} = \sigma(net_{h_2})$",
        [("a[1][1]", "1/(1 + exp(-z[1][1]))"), ("a[1][2]", "1/(1 + exp(-z[1][2]))")],
    ),
    (r"$out_{h_1} = 0.5933 \mid out_{h_2} = 0.5969$", [("a[1][1]", "0.5933"), ("a[1][2]", "0.5969")]),
    # numbers, as they are written elsewhere
    (r"$net_{h_1} = 0{,}3775$", [("z[1][1]", "0.3775")]),
    (r"$net_{h_1} = 0,3775$", [("z[1][1]", "0.3775")]),
    (
        r"$\frac{\partial E_{total}}{\partial w_1} = 4.386 \cdot 10^{-4}$",
        [("dL/dW[1][1][1]", "4.386e-4")],
    ),
    (r"$\frac{\partial E_{total}}{\partial w_1} = 4.386e-4$", [("dL/dW[1][1][1]", "4.386e-4")]),
    (r"$E_{o1} = \frac12 (target_{o1} - out_{o1})^2$", [("L[1]", "1/2*(t[1] - a[2][1])**2")]),
    # the new value
    (r"$w_5^{+} = 0.3589$", [("W[2][1][1]@1", "0.3589")]),
    (r"$w_5^{\text{new}} = 0.3589$", [("W[2][1][1]@1", "0.3589")]),
    (r"$w_5 \leftarrow 0.3589$", [("W[2][1][1]@1", "0.3589")]),
    (r"$w_5 := 0.3589$", [("W[2][1][1]@1", "0.3589")]),
    # a number under a brace
    (
        r"$\underbrace{\frac{\partial out_{o1}}{\partial net_{o1}}}_{0.1868}$",
        [("da[2][1]/dz[2][1]", "0.1868")],
    ),
    (r"costs \$5, and $net_{h_1} = 0.3775$", [("z[1][1]", "0.3775")]),
    # several equations in one
    (
        r"$out_{o1} = 0.7514, \quad out_{o2} = 0.7729$",
        [("a[2][1]", "0.7514"), ("a[2][2]", "0.7729")],
    ),
    (r"$out_{o1} = 0.7514\ out_{o2} = 0.7729$", [("a[2][1]", "0.7514"), ("a[2][2]", "0.7729")]),
    # numbers put in for names
    (
        r"$net_{h_1} = w_1 * i_1 + w_2 * i_2 + b_1 * 1 = 0.15 * 0.05 + 0.2 * 0.1 + 0.35 * 1 = 0.3775$",
        [
            ("z[1][1]", "W[1][1][1]*x[1] + W[1][1][2]*x[2] + b[1]*1"),
            ("W[1][1][1]", "0.15"),
            ("x[1]", "0.05"),
            ("W[1][1][2]", "0.2"),
            ("x[2]", "0.1"),
            ("b[1]", "0.35"),
            ("z[1][1]", "0.3775"),
        ],
    ),
    (
        r"$out_{o1} = \frac{1}{1+e^{-net_{o1}}} = \frac{1}{1 + e^{-1.1059}} = 0.7514$",
        [("a[2][1]", "1/(1 + exp(-z[2][1]))"), ("z[2][1]", "1.1059"), ("a[2][1]", "0.7514")],
    ),
    (
        r"$w'_5 = w_5 - \eta \frac{\partial E_{total}}{\partial w_5} = 0.4 - 0.5 \cdot 0.0822 = 0.3589$",
        [
            ("W[2][1][1]@1", f"W[2][1][1] - eta*{W5}"),
            ("W[2][1][1]", "0.4"),
            ("eta", "0.5"),
            (W5, "0.0822"),
            ("W[2][1][1]@1", "0.3589"),
        ],
    ),
    (
        r"$\frac{\partial out_{o1}}{\partial net_{o1}} = out_{o1}(1 - out_{o1}) = (1 - 0.7514) 0.7514$",
        [
            ("da[2][1]/dz[2][1]", "a[2][1]*(1 - a[2][1])"),
            ("a[2][1]", "0.7514"),
            ("a[2][1]", "0.7514"),
        ],
    ),
    # a sum that the graph knows, though the slide shows no names
    (r"$E_{total} = 0.2748 + 0.0236$", [("L[1]", "0.2748"), ("L[2]", "0.0236")]),
    # an assignment is about the new value
    (
        r"$w_5 = w_5 - \eta \frac{\partial E_{total}}{\partial w_5} = 0.3589$",
        [("W[2][1][1]@1", f"W[2][1][1] - eta*{W5}"), ("W[2][1][1]@1", "0.3589")],
    ),
    # vectors, element by element
    (
        r"$\begin{bmatrix} out_{o1} \\ out_{o2} \end{bmatrix} = \begin{pmatrix} 0.7514 \\ 0.7729 \end{pmatrix}$",
        [("a[2][1]", "0.7514"), ("a[2][2]", "0.7729")],
    ),
    (r"$[out_{o1} \quad out_{o2}] = [0.7514 \ 0.7729]$", [("a[2][1]", "0.7514"), ("a[2][2]", "0.7729")]),
    (
        r"$\sigma\left([net_{o1} \ net_{o2}]\right) = [0.7514 \ 0.7729]$",
        [("a[2][1]", "0.7514"), ("a[2][2]", "0.7729")],
    ),
    # nothing to place: an index, an argument or a list that the notation does not know
    (r"$w_5^{(1)} = 0.3589$", []),
    (r"$E_{total}(1) = 0.2805$", []),
    (r"$w_5[1] = 0.3589$", []),
    (r"$\sigma^{-1}(out_{o1}) = 1.1059$", []),
    (r"$out_{h_1}, out_{h_2} = 0.5933, 0.5969$", []),
    # numbers that are right after an update: the text does not say so, or in words
    (r"After it, $E_{total} = 0.2910$", []),
    # numbers whose names are not clear
    (r"$E_{o1} = \frac{1}{2}(0.01 - 0.7514)^2$", []),
    # nothing to place
    (r"$x = 5$", []),
    (r"$net_{q7} = 0.3$", []),
    (r"$\frac{\partial net_{o1}}{\partial target_{o1}} = 3$", []),
    (r"$E = \sum_i \frac{1}{2}(t_i - o_i)^2$", []),
    ("net = 0.3775, in words", []),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_read(text, expected):
    assert facts(text) == expected


DELTA = r"\delta^{(1)} = (W^{(2)})^T \delta^{(2)} \odot a^{(1)} \odot (1 - a^{(1)})"
LAYERS = [  # whole layers, in the notation `plain`
    (r"$z^{(1)} = W^{(1)} x + b^{(1)}$", 2, ""),
    (r"$\frac{\partial L}{\partial W^{(2)}} = \delta^{(2)} (a^{(1)})^T$", 4, ""),
    (f"${DELTA}$", 2, ""),
    (f"${DELTA.replace('(W^{(2)})^T', 'W^{(2)T}')}$", 2, ""),
    (f"${DELTA.replace(')^T', ')')}$", 2, "the weight matrix is not transposed (M14)"),
    (r"$a^{(2)} = \sigma(z^{(2)}) = \begin{bmatrix} 0.7514 \\ 0.7729 \end{bmatrix}$", 4, ""),
    (r"$x - t = \begin{bmatrix} 0.04 \\ -0.89 \end{bmatrix}$", 2, ""),
]


@pytest.mark.parametrize(("text", "count", "cause"), LAYERS)
def test_read_whole_layers(text, count, cause):
    exercise = certified(build(load("mazur").model_copy(update={"notation": "plain"})))
    verdicts = audit(exercise, read_slides(exercise, text).facts)
    assert len(verdicts) == count
    assert {a.cause for a in verdicts} == {cause}


CUMMINS = [
    (
        r"$$[j_{1in} \ j_{2in}] = [input] \times [w_{ij_1} \ w_{ij_2}] + [b_{ij_1} \ b_{ij_2}]$$",
        [("z[1][1]", "x[1]*W[1][1][1] + b[1][1]"), ("z[1][2]", "x[1]*W[1][2][1] + b[1][2]")],
    ),
    (r"$\text{ReLU}(j_{1in}) = 1.5$", [("a[1][1]", "1.5")]),
    (
        r"$\frac{\partial j_{1out}}{\partial j_{1in}} = \begin{cases} 1 & j_{1in} > 0 \\ 0 & j_{1in} \le 0 \end{cases}$",
        [("da[1][1]/dz[1][1]", "where(z[1][1] > 0, 1, where(z[1][1] > 0, log(-1), 0))")],
    ),
]


@pytest.mark.parametrize(("text", "expected"), CUMMINS)
def test_read_in_another_notation(text, expected):
    assert facts(text, "cummins") == expected


TABLES = [
    ("| | |\n|---|---|\n| $net_{h_1}$ | $0.3775$ |\n| $out_{h_1}$ | 0.5933 |", "mazur"),
    ("$net_{h_1}$ | $out_{h_1}$\n--- | ---\n0.3775 | 0.5933", "mazur"),
    (
        "\\begin{tabular}{l|r}\n\\hline\n$net_{h_1}$ & 0.3775 \\\\ \\hline\n$out_{h_1}$ & $0.5933$ \\\\\n"
        "\\end{tabular}",
        "mazur",
    ),
]


@pytest.mark.parametrize(("text", "name"), TABLES)
def test_read_tables(text, name):
    assert facts(text, name) == [("z[1][1]", "0.3775"), ("a[1][1]", "0.5933")]


def test_a_table_of_samples():
    text = "| Obs. | $output_{H_1}$ | Cost |\n|---|---|---|\n| 1 | 0.65 | 0.02 |\n| 2 | 0.65 | 0.02 |"
    assert facts(text, "shallow") == [("a[1][1]#1", "0.65"), ("a[1][1]#2", "0.65")]


def test_tables_that_do_not_say_what_their_rows_are():
    """Old and new values side by side, epochs: no id is guessed."""
    text = "| | old | new |\n|---|---|---|\n| $w_5$ | 0.4 | 0.3589 |\n| $w_6$ | 0.45 | 0.4087 |"
    assert facts(text) == []
    assert facts("| epoch | $E_{total}$ |\n|---|---|\n| 1 | 0.2984 |\n| 2 | 0.2910 |") == []


def test_a_number_of_another_state_is_not_placed():
    """The text does not say after which round w_5 is 0.41: that is no erratum, and no fact."""
    reading = read_slides(lecture("mazur"), r"After the next round: $w_5 = 0.41$, $w_6 = 0.45$")
    assert [(f.id, f.printed) for f in reading.facts] == [("W[2][1][2]", "0.45")]
    assert [u.text for u in reading.unplaced] == ["W[2][1][1] = 0.41: the spec has 0.4"]


def test_the_line_of_each_fact():
    text = (
        "one\n\n$$\n\\begin{aligned}\nnet_{h_1} &= 0.3775 \\\\\nout_{h_1} &= 0.5933\n\\end{aligned}\n$$"
    )
    assert [f.where for f in read_slides(lecture("mazur"), text).facts] == ["line 5", "line 6"]


def test_what_cannot_be_placed_is_listed():
    text = r"$net_{h_1} = 0.1 * 0.2 + \dots = 0.3775$ and $foo = 0.25$; $0.5$"
    reading = read_slides(lecture("mazur"), text)
    assert [(u.text, u.numbers) for u in reading.unplaced] == [(r"0.1 * 0.2 + \dots", 2), ("0.25", 1)]
    assert [u.text for u in reading.alone] == ["0.5"]
    assert (reading.placed, reading.found) == (1, 4)


# Sums of z-scores, whole matrices and lines in the plane have no ids.
NAMELESS = ("shallow", "ceng506-linear", "ceng506-and", "ceng506-or", "ceng506-xnor")
BACK = [(name, spec_of(name).notation) for name in ALL]
BACK += [
    (name, n) for name in ("mazur", "cummins", "softmax") for n in NOTATIONS if (name, n) not in BACK
]


READ = {("mazur", "mazur"), ("cummins", "cummins"), ("ceng506-and", "ceng506"), ("softmax", "plain")}
EVERY = [  # and those of the fast suite
    pytest.param(*pair, form, marks=[] if pair in READ and form == "tex" else pytest.mark.slow)
    for pair in BACK
    for form in ("tex", "md")
]


@pytest.mark.parametrize(("name", "notation", "form"), EVERY)
def test_our_own_pages_are_read_back_without_an_erratum(name, notation, form):
    """Every number that a page derives finds its quantity again, and all formulas hold."""
    exercise = certified(build(load(name).model_copy(update={"notation": notation})))
    reading = read_slides(exercise, pages(exercise, [form])[f"solution.{form}"])
    assert {a.verdict for a in audit(exercise, reading.facts)} == {"match"}
    if name not in NAMELESS:
        assert reading.found - reading.placed <= 2


def lines_of(name):
    """(numbers put in, the result that is shown) of every line of a page."""
    exercise = certified(build(load(name)))
    for piece, start in mathematics(pages(exercise, ["tex"])["solution.tex"]):
        for chain in chains(piece, vocabulary(exercise), start):
            values = [
                s.value for s in chain.sides if s.value is not None and not isinstance(s.value, Grid)
            ]
            if values and isinstance(values[-1], Ref) and isinstance(values[-1].name, Printed):
                for formula in values[:-1]:
                    if all(isinstance(n, Printed) for n in refs(formula)):
                        yield chain.sides, formula, values[-1].name.text


FAST = {"mazur", "ceng506-and", "attention", "softmax", "convolution"}


@pytest.mark.parametrize(
    "name",
    [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in ALL if n != "shallow"],
)
def test_every_line_can_be_computed_from_its_own_numbers(name):
    """Whoever types a line into a calculator gets what stands behind it, to a unit of the last digit."""
    for sides, formula, result in lines_of(name):
        unit = 10.0 ** Decimal(result).as_tuple().exponent
        assert value(formula, lambda n: float(n.text)) == pytest.approx(
            float(result), abs=1.51 * unit
        ), sides


@pytest.mark.parametrize("name", ["mazur", pytest.param("cummins", marks=pytest.mark.slow)])
def test_a_digit_changed_on_a_page_is_found(name):
    """Each printed result of a worked example in turn, with its last digit changed."""
    exercise = lecture(name)
    page = pages(exercise, ["tex"])["solution.tex"]
    lines = page.splitlines()
    results = [(n, m) for n, line in enumerate(lines) if (m := re.search(r"= (-?0\.\d+) \\tag", line))]
    for n, match in results[:12]:
        digits = match[1]
        wrong = digits[:-1] + str((int(digits[-1]) + 5) % 10)
        line = lines[n][: match.start(1)] + wrong + lines[n][match.end(1) :]
        changed = "\n".join([*lines[:n], line, *lines[n + 1 :]])
        verdicts = audit(exercise, read_slides(exercise, changed).facts)
        assert "erratum" in {a.verdict for a in verdicts if a.fact.printed == wrong}, lines[n]


@given(st.text(alphabet="$\\{}[]()^_=+-*/&'.,<>01a w_5frac%\n", max_size=200))
def test_any_text_is_read_without_an_error(text):
    read_slides(lecture("mazur"), text)


HOSTILE = [
    "$" + "{" * 5000 + "$",
    "$" + r"\frac{" * 3000 + "$",
    r"\[" * 20_000,
    "$" + "(" * 50_000 + "$",
    "$w_5 = " + "+".join(["0.1*0.2*0.3*0.4*0.5"] * 300) + "$",
    "$net_{h_1} = " + "(" * 200 + "1" + ")" * 200 + "$",
    "$w_5 = 9^{9^{9^9}}$",
    "$" * 50_000,
    "$w_5 = 1" + "0" * 5000 + "$",
    "$net_{h_1} = 99^{9999999} i_1$",
    "$net_{h_1} = " + r"\sigma'(" * 30 + "w_1" + ")" * 30 + "$",
    r"$net_{h_1} = \frac{w_1}{0}$ and $net_{h_1} = \frac{w_1}{w_1 - w_1}$ and $(w_1 - w_2)^{0.5} = 0.5$",
    "$net_{h_1} = "
    + "".join(r"\begin{bmatrix}" + r"w_1 & w_2 \\ w_3 & w_4" + r"\end{bmatrix}" for _ in range(20))
    + "$",
    r"\newcommand{\a}{\a\a} $\a = 1$",
    "$net_{h_1} = 0.4$ " * 300,
    r"$w_5 = \begin{bmatrix}" + r"1 & " * 5000 + r"\end{bmatrix}$",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_read_to_its_end(text):
    audit(lecture("mazur"), read_slides(lecture("mazur"), text).facts)


def test_the_command_reads_a_file(run, tmp_path):
    slides = tmp_path / "slides.tex"
    slides.write_text(r"$net_{h_1} = 0.3775$ and $out_{h_1} = 0.5939$", "utf-8")
    done = run("audit", "mazur", "--text", str(slides))
    assert done.code == 1
    assert "0.5939" in done.out
    assert "2 of 2 numbers in equations placed" in done.out


def test_a_file_without_equations_is_refused_with_one_line(run, tmp_path):
    slides = tmp_path / "slides.md"
    slides.write_text("Nothing but words.", "utf-8")
    done = run("audit", "mazur", "--text", str(slides))
    assert done.code == 2
    assert "found no equation in the notation mazur" in done.err
    assert run("audit", "mazur", "--text", str(tmp_path / "none.tex")).code == 2
