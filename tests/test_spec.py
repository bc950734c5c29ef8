"""Specs: what is accepted, and the one line that says what is wrong with anything else."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.builtin import LECTURES
from generator.refusal import SpecError
from generator.spec_file import load, read

GOOD = """
name = "hw"
[network]
inputs = [[0.05, 0.10]]
targets = [[0.01, 0.99]]
[[network.layers]]
weights = [[0.15, 0.20], [0.25, 0.30]]
biases = [0.35, 0.35]
bias = "shared"
[[network.layers]]
weights = [[0.40, 0.45], [0.50, 0.55]]
biases = [1, 2]
"""


def test_defaults_are_what_a_lecturer_expects():
    spec = read(GOOD)
    assert (spec.notation, spec.digits, spec.network.loss) == ("plain", 4, "half_squared_error")
    assert spec.network.layers[1].kind_of_bias == "per_unit"
    assert spec.network.layers[0].weights[0] == [Decimal("0.15"), Decimal("0.20")]
    assert spec.network.learning_rate == Decimal("0.5")


@pytest.mark.parametrize("path", sorted(LECTURES.glob("*.toml")), ids=lambda p: p.stem)
def test_every_built_in_lecture_is_a_valid_spec(path):
    assert load(path.stem).name == path.stem
    assert load(str(path)) == load(path.stem)


BAD = [  # replace, by, the whole message
    (
        'bias = "shared"',
        'bais = "shared"',
        "hw.toml: network.layers[0].bais: found an unknown key, allowed: weights, tied, kernel, columns, "
        "biases, bias, skip, activation, alpha, train; did you mean bias?",
    ),
    (
        "[network]",
        "[netwrk]",
        "hw.toml: netwrk: found an unknown key, allowed: name, title, note, points, language, paper, notation, patterns, telling, digits, braces, pictures, kind, ask, network, circuit, margin, draw, marking, exercise; "
        "did you mean network? (and 1 more)",
    ),
    ('name = "hw"\n', "", "hw.toml: name: found nothing, allowed: it must be given"),
    ('"hw"', '"../hw"', "hw.toml: name: found '../hw', allowed: letters, digits, - and _"),
    ("0.05", "nan", "hw.toml: network.inputs[0][0]: found NaN, allowed: a finite number"),
    ("0.05", "inf", "hw.toml: network.inputs[0][0]: found Infinity, allowed: a finite number"),
    (
        "0.05",
        "1e400",
        "hw.toml: network.inputs[0][0]: found 1E+400, allowed: 0, or from 1e-12 to 1e6",
    ),
    ("0.05", "true", "hw.toml: network.inputs[0][0]: found True, allowed: a number"),
    ("0.05", '"a"', "hw.toml: network.inputs[0][0]: found 'a', allowed: a number"),
    (
        "[0.15, 0.20]",
        "[0.15, 0.20, 1]",
        "hw.toml: network.layers[0].weights[0]: found 3 numbers, allowed: 2: one for each unit of the layer before",
    ),
    (
        "[[0.40, 0.45], [0.50, 0.55]]",
        "[[0.40, 0.45]]",
        "hw.toml: network.layers[1].biases: found 2 numbers, allowed: 1: one for each unit",
    ),
    (
        "[[0.01, 0.99]]",
        "[[0.01]]",
        "hw.toml: network.targets[0]: found 1 numbers, allowed: 2: one for each output unit",
    ),
    (
        "[[0.01, 0.99]]",
        "[[0.01, 0.99], [0, 1]]",
        "hw.toml: network.targets: found 2 rows, allowed: 1: one for each sample",
    ),
    (
        "[0.35, 0.35]",
        "[0.35, 0.36]",
        "hw.toml: network.layers[0].biases: found 0.35, 0.36, allowed: the same number for each unit, "
        'because bias = "shared"',
    ),
    (
        'bias = "shared"',
        'activation = "sigmod"',
        "hw.toml: network.layers[0].activation: found 'sigmod', allowed: sigmoid, tanh, relu, leaky_relu, "
        "prelu, elu, softplus, gelu, gelu_tanh, silu, hard_sigmoid, step, identity, softmax; did you mean "
        "sigmoid?",
    ),
    (
        'bias = "shared"',
        "alpha = 2",
        "hw.toml: network.layers[0].alpha: found 2, allowed: no alpha: sigmoid takes none",
    ),
    ("[[0.05, 0.10]]", "[]", "hw.toml: network.inputs: found [], allowed: "),
    (
        "[[0.05, 0.10]]",
        "[[]]",
        "hw.toml: network.inputs[0]: found 0 numbers, allowed: at least one feature",
    ),
    ("[[0.05, 0.10]]", "3", "hw.toml: network.inputs: found 3, allowed: a list in brackets"),
    (
        "[[0.05",
        "[[0.05;",
        "hw.toml: the file: found Unclosed array (at line 4, column 16), allowed: TOML",
    ),
    (
        "[network]",
        "[draw.weights]\nmin = 1\nmax = 0\n[network]",
        "hw.toml: draw.weights: found {'max': 0, 'min': 1}, allowed: min ≤ max with a number of 2 decimals other than 0 between them",
    ),
    (
        "[network]",
        "digits = 99\n[network]",
        "hw.toml: digits: found 99, allowed: less than or equal to 10",
    ),
    (
        "[network]",
        'title = "a\\nb"\n[network]',
        "hw.toml: title: found 'a\\nb', allowed: one line of text",
    ),
]


CLASSES = """
name = "classes"
[network]
inputs = [[1]]
targets = [[0, 1]]
loss = "cross_entropy"
[[network.layers]]
weights = [[1], [2]]
[[network.layers]]
activation = "softmax"
weights = [[1, 2], [3, 4]]
biases = [1, 2]
"""
NO_CLASSES = [
    ("[[0, 1]]", "[[-1, 2]]", "targets: found -1, allowed: 0 or more: to cross_entropy a target is"),
    (
        'activation = "softmax"',
        'activation = "tanh"',
        "loss: found cross_entropy of tanh outputs, allowed: softmax or sigmoid in the output layer: "
        "cross_entropy takes logarithms of outputs",
    ),
    (
        "biases = [1, 2]",
        'bias = "shared"\nbiases = [1, 1]',
        "layers[1].bias: found shared, allowed: per_unit or none: a bias shared by all units changes "
        "nothing in a softmax",
    ),
    (
        "[[1], [2]]",
        '[[1], [2]]\nactivation = "softmax"',
        "layers[0].activation: found softmax, allowed: softmax in the output layer only",
    ),
    (
        "[[1, 2], [3, 4]]\nbiases = [1, 2]",
        "[[1, 2]]",
        "layers[1].activation: found softmax of 1 unit, allowed: at least 2 units: of one it is always 1",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), NO_CLASSES, ids=[n[1][:30] for n in NO_CLASSES])
def test_softmax_and_cross_entropy_only_where_they_make_sense(old, new, message):
    read(CLASSES)
    assert old in CLASSES
    with pytest.raises(SpecError) as refused:
        read(CLASSES.replace(old, new, 1), "hw.toml")
    assert str(refused.value.at(None)).startswith(f"hw.toml: network.{message}")


@pytest.mark.parametrize(("old", "new", "message"), BAD, ids=[b[1][:30] for b in BAD])
def test_a_bad_spec_gets_one_line_with_file_key_found_and_allowed(old, new, message):
    with pytest.raises(SpecError) as refused:
        read(GOOD.replace(old, new, 1), "hw.toml")
    assert "\n" not in str(refused.value)
    assert str(refused.value.at(None)).startswith(message)


@given(st.text(max_size=300))
def test_any_text_is_a_spec_or_gets_a_message(text):
    with pytest.raises(SpecError):
        read(text)


@pytest.mark.parametrize("inside", ["[" * 5000, "x = " + "[" * 5000 + "]" * 5000, "a.b" * 3000 + " = 1"])
def test_a_bomb_gets_a_message(inside):
    with pytest.raises(SpecError):
        read(inside)


def test_a_missing_spec_is_named_with_what_there_is():
    with pytest.raises(
        SpecError,
        match="no such file or lecture, allowed: .* cummins, mazur, momentum, rnn, shallow.*; did you mean mazur",
    ):
        load("mazurr")


def test_bytes_that_are_not_text(tmp_path):
    path = tmp_path / "hw.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not UTF-8"):
        load(str(path))


CIRCUIT = """
name = "c"
[circuit]
inputs = { x = -2, y = 5, z = -4 }
nodes = ["q = x + y", "f = q * z"]
output = "f"
"""

BAD_CIRCUITS = [
    (
        "q * z",
        "q * w",
        "circuit.nodes[1]: found 'f = q * w', allowed: 'w' has no value here; there are x, y, z, q",
    ),
    (
        "q * z",
        "q * * z",
        "circuit.nodes[1]: found 'f = q * * z', allowed: character 9: found '*', expected a number",
    ),
    (
        "q * z",
        "__import__('os')",
        "circuit.nodes[1]: found \"f = __import__('os')\", allowed: character",
    ),
    ('"f"', '"g"', "circuit.nodes[1]: found 'f = q * z', allowed: the output 'g' is not computed"),
    (
        "q = x",
        "x = x",
        "circuit.nodes[0]: found 'x = x + y', allowed: 'x' is an input; give the result another name",
    ),
    (
        "q = x + y",
        "q = 2",
        "circuit.nodes[0]: found 'q = 2', allowed: 'q' is a number; make it an input",
    ),
    (
        "q = x + y",
        "x + y",
        "circuit.nodes[0]: found 'x + y', allowed: 'x + y' is not of the form name = formula",
    ),
    ("x = -2", "exp = -2", "circuit.inputs: found 'exp', allowed: names of letters and digits"),
    (
        "x = -2",
        "x = -2, eta = 1",
        "circuit: found 'eta', allowed: a name that starts with a letter and is",
    ),
    ("x = -2", "x = -2, __w = 1", "circuit: found '__w', allowed: a name that starts with a letter"),
    ("x = -2", "x = -2, y_ = 1", "circuit: found 'y_' and 'y', which are written alike, allowed: names"),
    (
        "q = x + y",
        'q = x*z + y", "g_1 = x + y',
        "circuit: found 'g1' and 'g_1', which are written alike",
    ),
    (
        'output = "f"',
        'output = "f"\nconstants = ["w"]',
        "circuit.constants[0]: found 'w', allowed: one of the inputs: x, y, z",
    ),
    ("[circuit]", "[circuitt]", "circuitt: found an unknown key"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD_CIRCUITS, ids=[b[1] for b in BAD_CIRCUITS])
def test_a_bad_circuit_gets_one_line(old, new, message):
    with pytest.raises(SpecError) as refused:
        read(CIRCUIT.replace(old, new, 1), "c.toml")
    assert str(refused.value.at(None)).startswith(f"c.toml: {message}")


def test_a_spec_is_a_network_or_a_circuit():
    with pytest.raises(SpecError, match="network or circuit: found both"):
        read(GOOD + CIRCUIT.replace('name = "c"', ""))
    with pytest.raises(SpecError, match="network or circuit: found neither"):
        read('name = "empty"')


PATTERNS = [
    ('W = "θ_{<ij>}^{(<l>)}"', None),
    (
        'W = "w_<i>"',
        "patterns: found the same name for W[1][1][1] and W[1][1][2], allowed: another name",
    ),
    ('W = "w_<q>"', "patterns: found unknown field <q> in 'w_<q>', allowed: a pattern such as"),
    (
        'V = "v"',
        "patterns: found 'V' is not one of x, t, W, b, b_shared, z, a, L, L_term, rate, delta, b_last",
    ),
    ('W = "\\\\input{x}"', "patterns: found '\\\\' is not allowed in the pattern"),
    ('W = "Ж_{<ij>}^{(<l>)}"', "patterns: found 'Ж' is not a Latin or Greek letter"),
]


@pytest.mark.parametrize(("line", "message"), PATTERNS)
def test_a_spec_can_write_its_quantities_in_its_own_way(line, message):
    text = GOOD.replace("[network]", f"[patterns]\n{line}\n[network]", 1)
    if message:
        with pytest.raises(SpecError) as refused:
            read(text, "hw.toml")
        assert str(refused.value.at(None)).startswith(f"hw.toml: {message}")
        return
    from generator.exercise import build, certified
    from generator.pages import pages

    page = pages(certified(build(read(text))), ["md"])["solution.md"]
    assert r"\theta_{21}^{(1)} = 0.25" in page
    assert "w_{" not in page


def test_no_negative_target_is_drawn_for_a_cross_entropy():
    with pytest.raises(
        SpecError, match=r"draw.targets.min: found -1, allowed: 0 or more: cross_entropy"
    ):
        read(CLASSES + "[draw.targets]\nmin = -1\nmax = 1\n")


def test_symbols_have_no_penalty():
    """Their pages would leave its share of every gradient out."""
    text = 'name = "s"\n[network]\nsizes = [2, 1]\nactivation = "tanh"\nl2 = 0.1'
    with pytest.raises(SpecError, match="sizes with activation and loss, and no numbers"):
        read(text)
