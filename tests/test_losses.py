"""Every activation and loss on a page: named, certified, with the targets that it is made for."""

import re
from fractions import Fraction

import pytest

from derive.expression import text
from derive.ops import ACTIVATIONS, DOMAINS, FUSED, LOSSES
from derive.quantity import parse
from generator.draw import draw
from generator.exercise import build, certified
from generator.pages import pages
from generator.refusal import SpecError
from generator.spec_file import read
from generator.spec_values import activation_of

SPEC = """
name = "n"
notation = "NOTATION"
[network]
inputs = [[0.5, -1.0]]
targets = [[TARGETS]]
loss = "LOSS"
[[network.layers]]
activation = "HIDDEN"
weights = [[0.4, 0.3], [0.2, -0.6]]
biases = [0.35, 0.2]
[[network.layers]]
activation = "OUTPUT"
weights = [[0.7, -0.5], [0.1, 0.2]]
biases = [0.1, 0.3]
"""


def source(hidden="tanh", loss="half_squared_error", output=None, notation="plain", targets=None):
    """A 2-2-2 network; the targets are the labels that the loss is made for."""
    labels = DOMAINS[loss].labels if loss in DOMAINS else (0, 1)
    words = {"HIDDEN": hidden, "LOSS": loss, "OUTPUT": output or "sigmoid", "NOTATION": notation}
    words["TARGETS"] = targets or f"{labels[1]}, {labels[0]}"
    text = SPEC
    for word, said in words.items():
        text = text.replace(word, said)
    return text


def solution(**how):
    return pages(certified(build(read(source(**how))), prove=True), ["md"])["solution.md"]


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_has_a_page(activation):
    page = solution(hidden=activation)
    assert re.search(r"2 hidden units \([A-Za-z, ]+\)", page)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_has_a_page_and_homework(loss):
    assert re.search(r"The loss is (the|half the) [A-Za-z -]+:", solution(loss=loss))
    exercise = draw(read(source(loss=loss)), 7, 1)
    targets = exercise.spec.network.targets[0]
    if loss in DOMAINS:
        assert set(map(int, targets)) <= set(DOMAINS[loss].labels)


@pytest.mark.parametrize(("loss", "output"), FUSED)
def test_loss_and_activation_together_are_told_in_short(loss, output):
    page = solution(loss=loss, output=output)
    assert "come to something simpler" in page
    assert "= a_{1}^{(2)} - t_{1}" in page
    assert "come to something simpler" not in solution(output=output)


def test_a_mean_over_samples_is_in_the_short_form_too():
    text = source(loss="binary_cross_entropy").replace("[[0.5, -1.0]]", "[[0.5, -1.0], [1, 2]]")
    text = text.replace("[[1, 0]]", '[[1, 0], [0, 1]]\nreduction = "mean"')
    exercise = certified(build(read(text)))
    for sample in (1, 2):
        short = exercise.derivation.fused(parse(f"z[2][1]#{sample}"))
        number = exercise.values.compute(short).item()
        assert number == pytest.approx(exercise.number(parse(f"dL/dz[2][1]#{sample}")), rel=1e-14)


def test_symbols_end_in_the_short_form():
    spec = read('name = "s"\n[network]\nsizes = [2, 2, 1]\nloss = "binary_cross_entropy"\n')
    assert r"\delta^{(2)} & = \frac{\partial L}{\partial z^{(2)}} = (a^{(2)} - t)" in (
        pages(certified(build(spec)), ["md"])["solution.md"]
        .replace("= \\frac", "& = \\frac")
        .replace("& &", "&")
    )


def test_a_step_says_that_nothing_comes_back():
    page = solution(hidden="step")
    assert "its derivative is 0 wherever it has one" in page


KINKS = [  # loss, targets; the first output is on the kink
    ("mae", "0.5, 1"),
    ("hinge", "1, -1"),
]


@pytest.mark.parametrize(("loss", "targets"), KINKS)
def test_a_loss_on_its_kink(loss, targets):
    text = source(loss=loss, output="identity", targets=targets)
    text = text.replace("[[0.7, -0.5], [0.1, 0.2]]", "[[0, 0], [0.1, 0.2]]")
    text = text.replace("[0.1, 0.3]", "[0.5, 0.3]" if loss == "mae" else "[1, 0.3]")
    exercise = certified(build(read(text)), prove=True)
    assert exercise.at_kink == {parse("L[1]")}
    page = pages(exercise, ["md"])["solution.md"]
    assert page.count("There the loss has a kink and no derivative") == 1


def test_a_unit_of_a_hard_sigmoid_on_its_kink():
    text = source(hidden="hard_sigmoid").replace("[0.35, 0.2]", "[3.1, 0.2]")
    exercise = certified(build(read(text)), prove=True)
    assert exercise.at_kink == {parse("z[1][1]")}
    assert "It is exactly $3$, where" in pages(exercise, ["md"])["solution.md"]


def test_an_elu_has_a_kink_only_where_alpha_is_not_1():
    text = source(hidden="elu").replace("[[0.4, 0.3]", "[[0.5, 0.25]").replace("[0.35, 0.2]", "[0, 0.2]")
    assert not build(read(text)).at_kink
    text = text.replace('"elu"', '"elu"\nalpha = 0.5')
    assert certified(build(read(text))).at_kink == {parse("z[1][1]")}


REFUSED = [
    (
        {"loss": "binary_cross_entropy", "targets": "1.5, 0"},
        "network.targets[0]: found 1.5, allowed: from 0 to 1",
    ),
    ({"loss": "hinge", "targets": "1, 0"}, "network.targets[0]: found 0, allowed: -1 or 1, with hinge"),
    (
        {"loss": "binary_cross_entropy", "output": "tanh"},
        "network.layers[1].activation: found tanh, allowed: sigmoid: binary_cross_entropy needs outputs",
    ),
    (
        {"loss": "binary_cross_entropy", "output": "softmax"},
        "network.layers[1].activation: found softmax, allowed: sigmoid: binary_cross_entropy needs",
    ),
    ({"loss": 'mse"\ndelta = 2 #'}, "network.delta: found 2, allowed: no delta: mse takes none"),
    ({"hidden": 'gelu"\nalpha = 2 #'}, "network.layers[0].alpha: found 2, allowed: no alpha: gelu"),
]


@pytest.mark.parametrize(("how", "message"), REFUSED)
def test_what_a_loss_does_not_allow_is_one_line(how, message):
    with pytest.raises(SpecError) as refused:
        read(source(**how))
    assert str(refused.value.at(None)).startswith(f"spec: {message}")


def test_targets_are_drawn_from_where_the_loss_allows_them():
    draws = "[draw]\ntargets = { min = -1, max = 1 }\n"
    with pytest.raises(SpecError, match="draw.targets: found from -1 to 1, allowed: from 0 to 1"):
        read(source(loss="binary_cross_entropy") + draws)
    with pytest.raises(SpecError, match="draw.targets: found from -1 to 1, allowed: nothing"):
        read(source(loss="hinge") + draws)


def test_a_huber_loss_takes_its_delta():
    text = source(loss="huber", output="identity", targets="3, 0").replace(
        "[[3, 0]]", "[[3, 0]]\ndelta = 0.5"
    )
    exercise = certified(build(read(text)), prove=True)
    assert exercise.number(parse("dL/da[2][1]")) == -0.5
    assert abs(exercise.number(parse("dL/da[2][2]"))) < 0.5


def test_what_has_no_value_is_not_handed_out():
    from derive.verify import Uncertified

    text = (
        source(loss="binary_cross_entropy")
        .replace("[0.1, 0.3]", "[900, 0.3]")
        .replace("[[1, 0]]", "[[0, 0]]")
    )
    with pytest.raises(Uncertified, match="has no finite value"):
        certified(build(read(text)))


# --- formulas of one's own ---

OWN = [  # formula, its derivative
    ("z*exp(-z**2)", "exp(-z**2) - 2*z**2*exp(-z**2)"),
    ("z*Phi(z)", "z*phi(z) + Phi(z)"),
    ("max(z, 0.1*z)", "where(z/10 > z, 0.1, 1)"),
    ("max(0, min(z, 6))", "where(z > 6, 0, where(min(z, 6) > 0, 1, 0))"),
    (
        "z/(1 + abs(z))",
        "where(z > 0, 1/(abs(z) + 1) - z/(abs(z) + 1)**2, z/(abs(z) + 1)**2 + 1/(abs(z) + 1))",
    ),
    ("z*sigmoid(1.702*z)", None),
    ("log(1 + exp(z))*sqrt(2/pi)", None),
    ("sin(z) + erf(z)**3/(2 + cos(z))", None),
    ("2**z - tanh(z)", None),
]


@pytest.mark.slow
@pytest.mark.parametrize(("formula", "slope"), OWN)
def test_an_activation_of_ones_own_is_a_row_like_any_other(formula, slope):
    if slope:
        assert text(activation_of(formula).partials["z"]) == slope
    exercise = certified(build(read(source(hidden=formula))), prove=True)
    assert "sympy" in exercise.certificate.methods
    page = pages(exercise, ["md"])["solution.md"]
    assert "2 hidden units ($" in page
    assert "Through the $" in page


def test_a_loss_of_ones_own():
    page = solution(loss="log(cosh(a - t))", output="tanh")
    assert r"The loss is $\mathrm{ln}(\mathrm{cosh}(a - t))$:" in page
    assert draw(read(source(loss="log(cosh(a - t))")), 7, 1).certificate.max_error <= 1e-12


def test_a_formula_brings_its_kinks():
    text = (
        source(hidden="z/(1 + abs(z))")
        .replace("[[0.4, 0.3]", "[[0.5, 0.25]")
        .replace("[0.35, 0.2]", "[0, 0.2]")
    )
    exercise = certified(build(read(text)), prove=True)
    assert exercise.at_kink == {parse("z[1][1]")}
    assert "as usual that of one side is taken" in pages(exercise, ["md"])["solution.md"]


NO_FORMULA = [
    ("z*(", "character 4: found 'the end', expected a number or a name"),
    ("z + y", "character 5: unknown name 'y'; there is z"),
    ("1 + 1", "character 1: nothing depends on z"),
    ("z**z", "character 2: a power is of a number, or to a number up to 99"),
    ("9**9**9*z", "character 2: a power is of a number"),
    ("z**1000000", "character 2: a power is of a number"),
    ("where(z > 0, z, 0)", "character 1: 'where' is not for a formula here"),
    ("log(-1 - z**2)", "character 1: it has no value between -2 and 2"),
    ("1/0*z", "character 1: its derivative cannot be written as a formula"),
    ("z + " + "1" * 300, "character 201: longer than 200 characters"),
    ("__import__('os')*z", "character 12: "),
]


@pytest.mark.parametrize(("formula", "message"), NO_FORMULA)
def test_a_bad_formula_is_one_line(formula, message):
    with pytest.raises(SpecError) as refused:
        read(source(hidden=formula))
    assert str(refused.value.at(None)).startswith("spec: network.layers[0].activation: found ")
    assert f"allowed: a formula of z; {message}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_alpha_may_be_a_formula_of_numbers():
    exercise = build(read(source(hidden='elu"\nalpha = "1/3" #')))
    assert exercise.graph.find(parse("a[1][1]"))[0].op.constants == {"alpha": Fraction(1, 3)}
    for bad in ("z", "1/0", "9**9**9"):
        with pytest.raises(SpecError, match=r"layers\[0\].alpha: found .*, allowed: a "):
            read(source(hidden=f'elu"\nalpha = "{bad}" #'))
