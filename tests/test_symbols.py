"""Networks of which only the sizes are given: a derivation in symbols, every formula evaluated."""

import re

import numpy as np
import pytest

from derive.expression import parse as parse_formula
from derive.expression import text
from derive.quantity import parse
from derive.verify import Uncertified
from generator.exercise import build, certified
from generator.notation import NOTATIONS
from generator.pages import pages
from generator.refusal import SpecError
from generator.spec_file import read
from generator.worked_symbols import _Teller, flat
from tests.conftest import homework, lecture


def symbols(sizes, activation="sigmoid", notation="ceng506", more=""):
    return read(
        f'name = "s"\nnotation = "{notation}"\n[network]\nsizes = {sizes}\n'
        f'activation = "{activation}"\n{more}',
        "s.toml",
    )


def markdown(exercise):
    return pages(exercise, ["md"])["solution.md"]


LECTURE = [  # as CENG 506 writes them, the order of factors included
    r"\delta_{1}^{(4)} = \frac{\partial E}{\partial z_{1}^{(4)}}",
    r"= (a_{1}^{(4)} - y_{1}) \cdot a_{1}^{(4)}(1 - a_{1}^{(4)})",
    r"= \delta_{1}^{(4)} \cdot w_{11}^{(3)} \cdot a_{1}^{(3)}(1 - a_{1}^{(3)})",
    r"= (\delta_{1}^{(3)} \cdot w_{12}^{(2)} + \delta_{2}^{(3)} \cdot w_{22}^{(2)})"
    r" \cdot a_{2}^{(2)}(1 - a_{2}^{(2)})",
    r"(W^{(3)})^{T}\delta^{(4)}\odot a^{(3)}\odot(1 - a^{(3)})",
    r"(W^{(2)})^{T}\delta^{(3)}\odot a^{(2)}\odot(1 - a^{(2)})",
    r"\frac{\partial E}{\partial w_{13}^{(2)}} & = \delta_{1}^{(3)} \cdot a_{3}^{(2)}",
    r"& = (a_{1}^{(4)} - y_{1}) \cdot a_{1}^{(4)}(1 - a_{1}^{(4)}) \cdot w_{11}^{(3)} \cdot a_{1}^{(3)}"
    r"(1 - a_{1}^{(3)}) \cdot a_{3}^{(2)}",
]


@pytest.mark.parametrize("formula", LECTURE)
def test_the_lecture_in_symbols(formula):
    page = markdown(lecture("ceng506-layers"))
    assert formula in page.replace(" \\\\\n& \\quad", "")  # a long line goes on in the next


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", [[3, 3, 2, 1], [1, 1], [2, 5, 3]])
def test_a_page_in_symbols_has_no_number_of_the_network(sizes, notation):
    exercise = certified(build(symbols(sizes, notation=notation)))
    page, _, proof = markdown(exercise).rpartition("---")
    assert not re.search(r"\d\.\d|\d{3}", page)
    assert "Every formula here was evaluated" in proof


def test_a_factor_of_the_loss_is_not_multiplied_element_by_element():
    exercise = certified(build(symbols([2, 1], more='loss = "squared_error"')))
    assert r"= 2(a^{(2)} - y)\odot a^{(2)}\odot(1 - a^{(2)})" in markdown(exercise)


def test_every_weight_and_every_bias_has_its_gradient():
    page = markdown(lecture("ceng506-layers"))
    derived = set(
        re.findall(r"^\\frac\{\\partial E\}\{\\partial (w_\{\d\d\}\^\{\(\d\)\})\}", page, re.MULTILINE)
    )
    assert len(derived) == 9 + 3 + 6 + 2 + 2 + 1


def test_vectors_say_what_the_units_say():
    """δ = Wᵀ δ ⊙ a ⊙ (1 − a) and ∂E/∂W = δ aᵀ, in numbers."""
    exercise = lecture("ceng506-layers")
    gradient, forward = exercise.values.gradient, exercise.values.forward
    block = {str(node): node for node in exercise.graph.nodes}

    def column(of, name):
        return of[block[name]][..., 0, 0]

    for layer in (1, 2):
        a, above = column(forward, f"a[{layer}]"), column(gradient, f"z[{layer + 1}]")
        weights = column(forward, f"W[{layer + 1}]")
        assert column(gradient, f"z[{layer}]") == pytest.approx(weights.T @ above * a * (1 - a))
        assert column(gradient, f"W[{layer + 1}]") == pytest.approx(np.outer(above, a))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity", "leaky_relu"])
def test_every_delta_opened_gives_the_gradient(activation):
    """However many paths: δ put into δ until only the forward pass is left is still ∂E/∂z."""
    exercise = certified(build(symbols([2, 3, 4, 3, 2], activation)))
    teller = _Teller(exercise)
    for layer, unit in ((1, 2), (2, 4), (3, 1), (4, 2)):
        z = parse(f"z[{layer}][{unit}]")
        for expr in teller.delta(z):
            found = exercise.values.compute(expr).item()
            assert found == pytest.approx(exercise.number(parse(f"dL/d{z}")), rel=1e-12, abs=1e-15)
    assert "One gradient to the end" in markdown(exercise)


def test_a_formula_that_does_not_give_its_number_is_not_written(monkeypatch):
    wrong = parse_formula("1 + 1")
    monkeypatch.setattr(_Teller, "delta", lambda self, z: (wrong, wrong))
    with pytest.raises(Uncertified, match=r"dL/dz\[3\]\[1\] is .* but 2.0 by its formula"):
        markdown(lecture("ceng506-layers"))


FLAT = [
    ("a*(b*c)", "a*b*c"),
    ("a*1*b", "a*b"),
    ("1*1", "1"),
    ("(a*b + c*(d*1))*e", "(a*b + c*d)*e"),
    ("a", "a"),
]


@pytest.mark.parametrize(("nested", "expected"), FLAT)
def test_products_are_flat(nested, expected):
    assert text(flat(parse_formula(nested))) == expected


BAD = [
    ("[3]", "", "network.sizes: found [3], allowed: "),
    ("[3, 0]", "", "network.sizes[1]: found 0, allowed: greater than or equal to 1"),
    ("[3, 10, 1]", "", "network.sizes[1]: found 10, allowed: less than or equal to 9"),
    ("3", "", "network.sizes: found 3, allowed: a list in brackets"),
    ("[]", "", "network.sizes: found []"),
    ('["a", 1]', "", "network.sizes[0]: found 'a', allowed: "),
    ("[2, 1]", "inputs = [[1, 2]]", "network: found {"),
    ("[2, 1]", "updates = 3", "network: found {"),
    ("[2, 1]", "learning_rate = 1", "network: found {"),
]


@pytest.mark.parametrize(("sizes", "more", "message"), BAD)
def test_bad_sizes_get_one_line(sizes, more, message):
    with pytest.raises(SpecError) as refused:
        symbols(sizes, more=more)
    assert str(refused.value.at(None)).startswith(f"s.toml: {message}")
    assert "\n" not in str(refused.value)
    assert not more or "sizes with activation and loss, and no numbers" in str(refused.value)


def test_an_activation_of_the_whole_network_needs_sizes():
    from tests.test_spec import GOOD

    with pytest.raises(
        SpecError, match="network.activation: found tanh, allowed: nothing without sizes"
    ):
        read(GOOD.replace("[network]", '[network]\nactivation = "tanh"'))


def test_homework_of_sizes_has_numbers():
    exercise = homework("ceng506-layers", seed=7)
    assert exercise.kind == "backprop"
    assert re.search(r"w_\{11\}\^\{\(1\)\} = -?0\.\d", pages(exercise, ["md"])["question.md"])
    assert not exercise.spec.source.symbols


def test_the_numbers_behind_the_symbols_are_always_the_same():
    assert symbols([3, 2]).network == symbols([3, 2]).network
    assert symbols([3, 2]).network.inputs != symbols([3, 3]).network.inputs
