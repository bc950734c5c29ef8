"""Networks without targets: a forward pass, a truth table, decision boundaries; nothing is derived."""

import json
import math
import re
from fractions import Fraction

import pytest

from derive.network import collapsed
from derive.quantity import Quantity, parse
from derive.verify import Uncertified
from generator import worked_forward
from generator.builtin import LECTURES
from generator.draw import draw
from generator.exercise import build, certified
from generator.notation import NOTATIONS
from generator.pages import pages
from generator.refusal import SpecError
from generator.spec_file import load, read
from tests.conftest import lecture

GATES = {  # lecture: its outputs for (0,0), (0,1), (1,0), (1,1)
    "ceng506-and": [0, 0, 0, 1],
    "ceng506-or": [0, 1, 1, 1],
    "ceng506-xnor": [1, 0, 0, 1],
}


@pytest.mark.parametrize(("name", "bits"), GATES.items())
def test_a_logic_neuron_computes_its_table(name, bits):
    exercise = lecture(name)
    last = exercise.graph.root
    outputs = [exercise.number(last.at(sample=s)) for s in (1, 2, 3, 4)]
    assert [round(a) for a in outputs] == bits
    assert all(min(a, 1 - a) < 1e-4 for a in outputs)
    lines = truth_table(markdown(exercise))
    assert [[line[0], line[1], line[-1]] for line in lines] == [
        [f"${x}$", f"${y}$", f"${bit}$"] for (x, y), bit in zip(CORNERS, bits, strict=True)
    ]


CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def markdown(exercise):
    return pages(exercise, ["md"])["solution.md"]


def truth_table(page):
    table = re.search(r"\n((?:\|.*Rounded \|\n)(?:\|.*\n)+)", page)[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_what_g_is_of():
    """g(−30), g(−10), g(−10), g(10), as the lecture has them."""
    lines = truth_table(markdown(lecture("ceng506-and")))
    assert [line[2] for line in lines] == ["$-30$", "$-10$", "$-10$", "$10$"]
    assert lines[0][3] == r"$9.358 \cdot 10^{-14}$"


BOUNDARIES = [
    ("[[20, 20]]", "-30", "x_{1} + x_{2} = 1.5"),
    ("[[20, 20]]", "-10", "x_{1} + x_{2} = 0.5"),
    ("[[-20, -20]]", "10", "x_{1} + x_{2} = 0.5"),
    ("[[0.3, -0.7]]", "0.1", r"3 \cdot x_{1} - 7 \cdot x_{2} = -1"),
    ("[[-1, 3]]", "1", r"x_{1} - 3 \cdot x_{2} = 1"),
    ("[[3, 0]]", "1", r"x_{1} = -\frac{1}{3}"),
    ("[[0, 2]]", "0", "x_{2} = 0"),
]


def neuron(weights, bias, more=""):
    return read(
        f'name = "n"\n[network]\ninputs = [[0, 1], [1, 1]]\n[[network.layers]]\n'
        f"weights = {weights}\nbiases = [{bias}]\n{more}"
    )


@pytest.mark.parametrize(("weights", "bias", "line"), BOUNDARIES)
def test_a_boundary_has_coprime_weights(weights, bias, line):
    assert f"| ${line}$ |" in markdown(certified(build(neuron(weights, bias))))


def test_on_its_boundary_a_sigmoid_is_one_half():
    inputs = "[[0, 1.5], [0.75, 0.75]]"
    spec = read(load_text("ceng506-and").replace("[[0, 0], [0, 1], [1, 0], [1, 1]]", inputs))
    exercise = certified(build(spec))
    assert [exercise.number(parse(f"a[1][1]#{s}")) for s in (1, 2)] == [0.5, 0.5]


def load_text(name):
    return (LECTURES / f"{name}.toml").read_text("utf-8")


@pytest.mark.parametrize("activation", ["tanh", "relu", "identity", "leaky_relu"])
def test_only_an_activation_that_is_one_half_at_0_has_a_boundary_there(activation):
    page = markdown(certified(build(neuron("[[1, 2]]", "3", f'activation = "{activation}"'))))
    assert "boundar" not in page


def test_a_unit_without_weights_has_no_boundary():
    assert "boundar" not in markdown(certified(build(neuron("[[0, 0]]", "3"))))


def test_no_line_separates_xnor_and_the_page_says_so_there_alone():
    says = {name: "No straight line" in markdown(lecture(name)) for name in GATES}
    assert says == {"ceng506-and": False, "ceng506-or": False, "ceng506-xnor": True}


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", GATES)
def test_a_forward_page_has_nothing_of_a_backward_pass(name, notation):
    spec = load(name).model_copy(update={"notation": notation})
    page = markdown(certified(build(spec)))
    assert not re.search(r"\\partial|learning rate|The loss|Backward|Update|target", page)
    assert "50 digits" in page


def test_a_value_that_loses_its_digits_is_not_handed_out():
    """0.1 + 0.2 − 0.3 is 0, in floating point 5.6·10⁻¹⁷; but σ(−30) keeps all of its digits."""
    spec = neuron("[[0.1, 0.2]]", "-0.3", 'activation = "identity"')
    with pytest.raises(Uncertified, match=r"z\[1\]\[1\]#2 is .* its digits cancel out"):
        certified(build(spec))
    exact = 1 / (1 + math.exp(30))
    assert lecture("ceng506-and").number(parse("a[1][1]#1")) == pytest.approx(exact, rel=1e-12)


CONTRADICTIONS = [  # after which line, what is said
    ("[network]", 'loss = "squared_error"', "network.loss: found squared_error"),
    ("[network]", 'reduction = "mean"', "network.reduction: found mean"),
    ("[network]", "learning_rate = 0.5", "network.learning_rate: found 0.5"),
    ("[network]", "updates = 3", "network.updates: found 3"),
    ("[[network.layers]]", 'train = ["biases"]', "network.layers[0].train: found ['biases']"),
]


@pytest.mark.parametrize(("after", "line", "message"), CONTRADICTIONS)
def test_a_contradiction_gets_one_line(after, line, message):
    text = load_text("ceng506-and").replace(after, f"{after}\n{line}")
    with pytest.raises(SpecError) as refused:
        read(text, "n.toml")
    allowed = "nothing without targets: then there is a forward pass only"
    assert str(refused.value.at(None)) == f"n.toml: {message}, allowed: {allowed}"


def test_homework_of_a_forward_pass_asks_for_every_unit():
    spec = read(
        load_text("ceng506-xnor").replace("[[0, 0], [0, 1], [1, 0], [1, 1]]", "[[2, 0], [0, 3]]")
    )
    exercise = draw(spec, 7, 1)
    assert exercise.kind == "forward"
    assert len(exercise.parts) == 2 * 3 * 2
    question = pages(exercise, ["md"])["question.md"]
    assert "the pre-activation and the activation of every unit" in question


@pytest.mark.parametrize("name", GATES)
def test_a_logic_function_has_no_homework_because_drawn_weights_are_another_function(name, run):
    refused = run("make-exercise", name)
    assert refused.code == 2
    assert re.match(rf"chainwork: {name}\.toml:\d+: network.inputs: found the 0 and 1", refused.err)
    assert refused.err.count("\n") == 1


def test_derive_lists_values_and_no_gradients(run):
    data = json.loads(run("derive", "ceng506-xnor", "--json").out)
    ids = [entry["id"] for entry in data["quantities"]]
    assert "a[2][1]#4" in ids
    assert not any(id_.startswith("d") for id_ in ids)
    assert not data["steps"]
    assert run("derive", "ceng506-and", "--of", "a[1][1]#4").code == 0
    assert run("derive", "ceng506-and", "--of", "W[1][1][2]").code == 0
    for quantity in ("da[1][1]/dz[1][1]#4", "da[1][1]/dW[1][1][1]", "L", "dL/dW[1][1][1]"):
        assert run("derive", "ceng506-and", "--of", quantity).code == 2


def test_the_graph_ends_in_the_outputs():
    graph = lecture("ceng506-xnor").graph
    assert graph.forward_only
    assert graph.root == Quantity("a", (2, 1), 1)
    assert [node.name for node in graph.nodes][-1] == "a"


# --- without a non-linearity ---


BY_HAND = """
name = "by-hand"
notation = "ceng506"
[network]
inputs = [[1, 2]]
[[network.layers]]
activation = "identity"
weights = [[1, 2], [3, -1]]
biases = [1, 0]
[[network.layers]]
activation = "identity"
weights = [[2, -1]]
biases = [1]
"""


def test_two_linear_layers_are_one():
    """(W2 W1) x + (W2 b1 + b2) by hand: [2 −1] [[1 2] [3 −1]] = [−1 5], 2·1 − 1·0 + 1 = 3, −1 + 10 + 3 = 12."""
    slope, constant = collapsed([([[1, 2], [3, -1]], [1, 0]), ([[2, -1]], [1])])
    assert slope.tolist() == [[-1, 5]]
    assert constant.tolist() == [3]
    page = markdown(certified(build(read(BY_HAND))))
    assert r"f(x) & = W^{(2)}(W^{(1)}x + w_{0}^{(1)}) + w_{0}^{(2)}" in page
    assert r"& = (W^{(2)}W^{(1)})x + (W^{(2)}w_{0}^{(1)} + w_{0}^{(2)})" in page
    assert "\\end{bmatrix} = \\begin{bmatrix}\n-1 & 5\n\\end{bmatrix}" in page
    assert "\\end{bmatrix} = \\begin{bmatrix}\n12\n\\end{bmatrix}" in page


LINEAR = """
name = "linear"
[network]
inputs = [[0.5, -1.25], [2, 3]]
targets = [[1], [2]]
[[network.layers]]
activation = "identity"
weights = [[0.1, 0.7], [-0.3, 0.25], [1.5, 2]]
biases = [0.1, 0.1, 0.1]
bias = "shared"
[[network.layers]]
activation = "identity"
weights = [[0.4, -0.2, 0.9], [1.1, 0.3, -0.6]]
[[network.layers]]
activation = "sigmoid"
weights = [[0.5, -0.8]]
biases = [0.35]
"""


@pytest.mark.parametrize("notation", NOTATIONS)
def test_hidden_linear_layers_collapse_in_a_network_that_learns_too(notation):
    spec = read(LINEAR.replace("[network]", f'notation = "{notation}"\n[network]'))
    page = markdown(certified(build(spec)))
    assert "this is all that the output's activation gets" in page
    assert "For sample 1 that gives" in page


@pytest.mark.parametrize("changed", ["tanh", "relu", "sigmoid"])
def test_one_non_linear_hidden_layer_is_enough(changed):
    text = LINEAR.replace('activation = "identity"', f'activation = "{changed}"', 1)
    assert "one linear map" not in markdown(certified(build(read(text))))


def test_a_collapsed_map_that_disagrees_is_not_handed_out(monkeypatch):
    exercise = certified(build(read(LINEAR)))
    monkeypatch.setattr(worked_forward, "collapsed", lambda maps: wrong(*collapsed(maps)))
    with pytest.raises(Uncertified, match="by one linear map"):
        markdown(exercise)


def wrong(slope, constant):
    return slope, constant + Fraction(1, 10**6)
