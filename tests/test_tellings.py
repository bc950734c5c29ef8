"""Three tellings of one derivation: by weights, by units, by layers; the same numbers in each, in any notation."""

import re
from decimal import Decimal

import cmarkgfm
import pytest

from derive.expression import refs, value
from derive.quantity import parse
from derive.verify import Uncertified
from generator.audit import audit
from generator.exercise import build, certified
from generator.grid import Grid, Printed
from generator.latex import latex
from generator.names import vocabulary
from generator.notation import NOTATIONS, TELLINGS
from generator.pages import pages
from generator.reading import chains
from generator.refusal import SpecError
from generator.slides import mathematics, read_slides
from generator.spec_file import load, read
from generator.worked_layers import LayerTeller
from tests.conftest import NETWORKS
from tests.test_pages import MATHJAX, displays
from tests.test_spec import GOOD

EVERY = [(lecture, telling) for lecture in NETWORKS for telling in TELLINGS]


def told(spec, telling, notation=None):
    chosen = {"telling": telling} | ({"notation": notation} if notation else {})
    return certified(build(spec.model_copy(update=chosen)))


def lasting(every):
    """A few lectures in the fast suite, the others in the slow one."""
    return [
        e
        if e[0] in ("mazur", "ceng506-layers", "convolution")
        else pytest.param(*e, marks=pytest.mark.slow)
        for e in every
    ]


def page(exercise, form="md"):
    return pages(exercise, [form])[f"solution.{form}"]


# --- every lecture in every telling ---


@pytest.mark.parametrize(("lecture", "telling"), lasting(EVERY))
def test_every_lecture_is_told_in_every_way_and_read_back_without_an_erratum(lecture, telling):
    exercise = told(load(lecture), telling)
    text = page(exercise)
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= set(MATHJAX)
    assert "<em>" not in cmarkgfm.github_flavored_markdown_to_html(text)
    for display in displays(text):
        assert not re.search(r"\\\\(?!\n)", display)
    verdicts = {a.verdict for a in audit(exercise, read_slides(exercise, text).facts)}
    assert verdicts <= {"match"}


def cells(side):
    return [cell for row in side.rows for cell in row] if isinstance(side, Grid) else [side]


def lines_of(exercise):
    """(the text, numbers put in, the number that stands behind them), for every element of every line."""
    for piece, start in mathematics(page(exercise, "tex")):
        for found in chains(piece, vocabulary(exercise), start):
            sides = [s for s in found.sides if s.value is not None]
            numeric = [
                s for s in sides if all(isinstance(n, Printed) for c in cells(s.value) for n in refs(c))
            ]
            if not numeric:
                continue
            last = cells(numeric[-1].value)
            if not all(len(list(refs(c))) == 1 for c in last):
                continue
            for side in numeric[:-1]:
                if len(cells(side.value)) == len(last):
                    for formula, result in zip(cells(side.value), last, strict=True):
                        (printed,) = refs(result)
                        yield side.text, formula, printed.text


@pytest.mark.parametrize(("lecture", "telling"), lasting(e for e in EVERY if e[0] != "shallow"))
def test_every_line_can_be_computed_from_its_own_numbers(lecture, telling):
    """Products of matrices too: whoever multiplies them gets what stands behind, to a unit of the last digit."""
    for text, formula, result in lines_of(told(load(lecture), telling)):
        unit = 10.0 ** Decimal(result).as_tuple().exponent
        computed = value(formula, lambda n: float(n.text))
        assert computed == pytest.approx(float(result), abs=1.51 * unit), text


# --- what each of them says ---


@pytest.mark.parametrize("notation", NOTATIONS)
def test_left_out_a_telling_is_what_the_notation_implies(notation):
    spec = load("mazur").model_copy(update={"notation": notation})
    implied = "units" if NOTATIONS[notation].has_delta else "weights"
    assert page(certified(build(spec))) == page(told(spec, implied))
    assert page(told(spec, "weights")) != page(told(spec, "units"))


CHAINS = [  # notation, telling: the chain rule of the first weight
    ("mazur", "weights", r"{\partial\mathrm{out}_ {h_{1}}} \cdot \frac{\partial\mathrm{out}_ {h_{1}}}"),
    ("mazur", "units", r"= \frac{\partial E_{\mathrm{total}}}{\partial\mathrm{net}_ {h_{1}}} \cdot"),
    (
        "ceng506",
        "weights",
        r"= \frac{\partial E}{\partial a_{1}^{(2)}} \cdot \frac{\partial a_{1}^{(2)}}",
    ),
    ("ceng506", "units", r"= \delta_{1}^{(2)} \cdot \frac{\partial z_{1}^{(2)}}"),
]


@pytest.mark.parametrize(("notation", "telling", "named"), CHAINS)
def test_a_weight_s_chain_rule_goes_back_as_far_as_the_telling_says(notation, telling, named):
    exercise = told(load("mazur"), telling, notation)
    gradient = latex(exercise.namer(parse("dL/dW[1][1][1]")))
    found = [
        d for d in displays(page(exercise)) if d.removeprefix("\\begin{aligned}\n").startswith(gradient)
    ]
    assert named in found[0]


# Mazur's network by layers, the numbers as NumPy has them; a matrix is a list of lines.
BY_LAYERS = [
    ("z^{(1)}", "2x1", "0.3775;0.3925"),
    ("a^{(1)}", "2x1", "0.5933;0.5969"),
    ("a^{(2)}", "2x1", "0.7514;0.7729"),
    (r"\frac{\partial E_{\mathrm{total}}}{\partial z^{(2)}}", "2x1", "0.1385;-0.03810"),
    (r"\frac{\partial E_{\mathrm{total}}}{\partial a^{(1)}}", "2x1", "0.03635;0.04137"),
    (
        r"\frac{\partial E_{\mathrm{total}}}{\partial W^{(1)}}",
        "2x2",
        "0.0004386 0.0008771;0.0004977 0.0009954",
    ),
    (
        r"\frac{\partial E_{\mathrm{total}}}{\partial W^{(2)}}",
        "2x2",
        "0.08217 0.08267;-0.02260 -0.02274",
    ),
    (r"W^{(2)\prime}", "2x2", "0.3589 0.4087;0.5113 0.5614"),
]


def matrix(shape, lines, turned=False):
    rows = [line.split() for line in lines.split(";")]
    rows = [list(column) for column in zip(*rows, strict=True)] if turned else rows
    body = " \\\\\n".join(" & ".join(row) for row in rows)
    return rf"\underset{{{shape}}}{{\begin{{bmatrix}}{chr(10)}{body}{chr(10)}\end{{bmatrix}}}}"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("name", "shape", "lines"), BY_LAYERS)
def test_layers_end_in_their_numbers_with_their_shape_under_them(name, shape, lines, turned):
    """In columns, and turned where the notation has rows."""
    exercise = told(load("mazur"), "layers", "cummins" if turned else "mazur")
    name = name.replace(r"\partial E_{\mathrm{total}}", r"\partial\mathrm{Loss}") if turned else name
    shape = r" \times ".join(shape.split("x")[:: -1 if turned else 1])
    named = [d for d in displays(page(exercise)) if rf"\underset{{{shape}}}{{{name}}}" in d]
    assert any(f"= {matrix(shape, lines, turned)}" in display for display in named)


ORDER = [
    ("mazur", r"{W^{(2)}}\thinspace\underset{2 \times 1}{a^{(1)}}"),
    ("mazur", r"{(W^{(2)})^{T}}\thinspace\underset{2 \times 1}{\frac{\partial E_{\mathrm{total}}}"),
    ("mazur", r"\thinspace\underset{1 \times 2}{(a^{(1)})^{T}}"),
    ("cummins", r"{a^{(1)}}\thinspace\underset{4 \times 2}{W^{(2)}}"),
    ("cummins", r"{\partial z^{(2)}}}\thinspace\underset{2 \times 4}{(W^{(2)})^{T}}"),
    (
        "cummins",
        r"{x^{T}}\thinspace\underset{1 \times 4}{\frac{\partial\mathrm{Loss}}{\partial z^{(1)}}}",
    ),
]


@pytest.mark.parametrize(("lecture", "product"), ORDER)
def test_a_product_is_in_the_order_of_the_notation(lecture, product):
    assert product in page(told(load(lecture), "layers"))


def test_the_shapes_of_a_product_fit():
    """n×m beside m×k, on every page: the inner ones agree."""
    for lecture in ("mazur", "cummins", "softmax", "shallow"):
        text = page(told(load(lecture), "layers"))
        beside = re.findall(
            r"\\underset\{(\d+) \\times (\d+)\}\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}\\thinspace"
            r"\\underset\{(\d+) \\times (\d+)\}",
            text,
        )
        assert len(beside) > 5
        assert all(inner == other for _, inner, other, _ in beside)


def test_a_softmax_has_its_jacobian_and_then_what_it_comes_to():
    text = page(told(load("softmax"), "layers"))
    assert r"\underset{3 \times 3}{\frac{\partial a^{(2)}}{\partial z^{(2)}}}" in text
    assert r"\left( \frac{\partial a^{(2)}}{\partial z^{(2)}} \right)^{T}" in text
    assert r"\underset{3 \times 1}{\delta^{(2)}} = a^{(2)} - t = " in text


def test_over_a_batch_outer_products_are_added_up():
    text = page(told(load("shallow"), "layers"))
    assert (
        r"\sum_{s}\underset{3 \times 1}{\delta^{(1)[s]}}\thinspace\underset{1 \times 2}{(x^{[s]})^{T}}"
        in text
    )


# --- what cannot be told by layers ---


@pytest.mark.parametrize("method", ["is_plain", "leads_on"])
def test_a_layer_that_is_not_plain_is_told_unit_by_unit(method, monkeypatch):
    plain = getattr(LayerTeller, method)
    monkeypatch.setattr(LayerTeller, method, lambda self, z: z.prefix == (2,) and plain(self, z))
    exercise = told(load("mazur"), "layers")
    first, second = page(exercise).split("## Backward pass: layer 1")
    assert "bmatrix" in first
    assert r"\frac{\partial E_{\mathrm{total}}}{\partial w_{1}} = " in second
    assert r"\partial W^{(1)}" not in second.split("## Update")[0]
    assert {a.verdict for a in audit(exercise, read_slides(exercise, page(exercise)).facts)} == {"match"}


def test_a_layer_too_wide_for_a_line_has_its_numbers_in_tables():
    rows = ", ".join(f"[{', '.join(['0.125'] * 12)}]" for _ in range(2))
    text = GOOD.replace("[[0.05, 0.10]]", f"[[{', '.join(['0.5'] * 12)}]]").replace(
        "[[0.15, 0.20], [0.25, 0.30]]", f"[{rows}]"
    )
    wide = page(told(read(text), "layers"))
    assert r"\underset{2 \times 12}{W^{(1)}}\thinspace\underset{12 \times 1}{x}" in wide
    assert "| Row | $1$ | $2$ |" in wide


def test_matrices_that_do_not_give_what_stands_behind_them_are_not_written(monkeypatch):
    right = LayerTeller.affine
    monkeypatch.setattr(LayerTeller, "affine", lambda *a: right(*a)[:1])  # without the bias
    with pytest.raises(Uncertified, match=r"z\[1\]\[1\] and what is beside it"):
        page(told(load("mazur"), "layers"))


def test_a_circuit_has_no_telling():
    with pytest.raises(SpecError, match="telling: found 'units', allowed: nothing: a circuit"):
        read(
            'name = "c"\ntelling = "units"\n[circuit]\ninputs = { x = 1 }\nnodes = ["f = x*x"]\noutput = "f"'
        )


def test_an_unknown_telling_is_refused():
    with pytest.raises(SpecError, match="telling: found 'layer', allowed: weights, units, layers"):
        read(GOOD.replace("[network]", 'telling = "layer"\n[network]', 1))
