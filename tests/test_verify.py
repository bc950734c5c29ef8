"""Certificates: right numbers pass by every method, a wrong one does not pass by any."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.backprop import Derivation
from derive.evaluate import arrays, evaluate
from derive.expression import parse as formula
from derive.network import Layer, network
from derive.ops import ACTIVATIONS, LOSSES
from derive.quantity import parse
from derive.verify import TOLERANCE, Uncertified, certify, certify_values, quantities
from generator.exercise import build, certified
from generator.spec_file import read
from tests.conftest import lecture, networks


@pytest.mark.parametrize("name", ["mazur", "cummins"])
def test_the_lectures_are_certified_by_four_methods(name):
    exercise = lecture(name)
    given_ = quantities(exercise.graph, ("input", "parameter"))
    proof = certify(exercise.derivation, exercise.values, given_)
    assert proof.methods == ("chain rule", "complex step", "mpmath", "sympy")
    assert proof.max_error <= TOLERANCE


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(networks(), st.integers(0, 99))
def test_random_networks_up_to_four_layers_of_six_agree_with_both_oracles(drawn, pick):
    graph, data = drawn
    given_ = quantities(graph, ("input", "parameter"))
    chosen = list(islice(given_, pick % len(given_), pick % len(given_) + 1))
    proof = certify(Derivation(graph), evaluate(graph, data), chosen)
    assert proof.max_error <= TOLERANCE


def test_a_three_layer_relu_tanh_sigmoid_network():
    layers = [Layer(2, ACTIVATIONS["relu"]), Layer(2, ACTIVATIONS["tanh"]), Layer(1)]
    graph = network(3, layers, LOSSES["squared_error"])
    rng = np.random.default_rng(1)
    numbers = {str(n): rng.uniform(0.1, 1, n.shape) for n in graph.given}
    values = evaluate(graph, arrays(graph, numbers))
    given_ = quantities(graph, ("input", "parameter"))
    assert certify(Derivation(graph), values, given_).max_error <= TOLERANCE


WRONG = [("sigmoid", "a*(1 + a)"), ("tanh", "1 - a"), ("relu", "where(z > 0, 1, 1)"), ("identity", "z")]


@pytest.mark.parametrize(("name", "rule"), WRONG)
def test_a_wrong_local_derivative_is_not_certified(name, rule):
    wrong = replace(ACTIVATIONS[name], partials={"z": formula(rule)})
    graph = network(2, [Layer(2, wrong), Layer(1)], LOSSES["squared_error"])
    numbers = {
        "x": [[0.5, 0.25]],
        "t": [[1]],
        "W[1]": [[0.5, 1], [-1, -0.5]],
        "b[1]": [0.1, 0.2],
        "W[2]": [[0.3, 0.7]],
        "b[2]": [0.1],
    }
    with pytest.raises(Uncertified, match="complex step says"):
        certify(Derivation(graph), evaluate(graph, arrays(graph, numbers)))


@pytest.mark.parametrize("quantity", ["dL/dW[1][1][2]", "dL/dz[2][1]", "dL/db[1]"])
def test_a_gradient_off_by_a_billionth_is_not_certified(quantity):
    exercise = lecture("mazur")
    off = exercise.number(parse(quantity)) + 1e-9
    values = evaluate(exercise.graph, exercise.iterates[0].data, {parse(quantity): off})
    with pytest.raises(Uncertified):
        certify(exercise.derivation, values)


def test_a_value_off_by_a_billionth_is_not_certified():
    exercise = lecture("mazur")
    off = exercise.number(parse("a[1][1]")) + 1e-9
    with pytest.raises(Uncertified, match=r"^a\[1\]\[1\] is .* but mpmath says"):
        certify_values(evaluate(exercise.graph, exercise.iterates[0].data, {parse("a[1][1]"): off}))


def test_sympy_is_asked_too(monkeypatch):
    """A gradient that only SympPy's oracle disagrees with is not certified."""
    import derive.symbolic

    exercise = lecture("mazur")
    q = parse("W[1][1][1]")
    monkeypatch.setattr(derive.symbolic, "gradients", lambda *_, **__: {q: 0.0004})
    certify(exercise.derivation, exercise.values)
    with pytest.raises(Uncertified, match="sympy says 0.0004"):
        certify(exercise.derivation, exercise.values, [q])


@pytest.mark.parametrize("state", [0, 1])
def test_a_wrong_number_in_any_state_is_found(state):
    from generator.exercise import certified

    exercise = lecture("mazur")
    it = exercise.iterates[state]
    off = evaluate(
        exercise.graph, it.data, {parse("a[2][2]"): it.values.number(parse("a[2][2]")) + 1e-8}
    )
    iterates = tuple(
        replace(i, values=off) if n == state else i for n, i in enumerate(exercise.iterates)
    )
    with pytest.raises(Uncertified):
        certified(replace(exercise, iterates=iterates))


def test_nothing_leaves_before_it_is_certified():
    from generator.exercise import build
    from generator.publish import contents
    from generator.spec_file import load

    with pytest.raises(Uncertified, match="has not been certified"):
        contents(build(load("mazur")), ["md"])


SATURATED = """
name = "raw"
[network]
inputs = [[100, 50]]
targets = [[1]]
loss = "mae"
updates = 0
[[network.layers]]
activation = "ACTIVATION"
weights = [[-9, 1], [0.5, -1]]
[[network.layers]]
activation = "identity"
weights = [[0.5, 0.25]]
"""


@pytest.mark.parametrize("activation", ["sigmoid", "silu", "softplus", "z*sigmoid(2*z)"])
def test_a_unit_so_far_out_that_exp_is_infinite_is_flat_and_certified(activation):
    exercise = certified(build(read(SATURATED.replace("ACTIVATION", activation))))
    assert exercise.number(parse("z[1][1]")) == -850
    assert exercise.number(parse("da[1][1]/dz[1][1]")) == 0
    assert exercise.certificate.max_error <= TOLERANCE


TINY = """
name = "tiny"
[network]
inputs = [[1]]
targets = [[TARGETS]]
loss = "LOSS"
updates = 0
[[network.layers]]
activation = "ACTIVATION"
weights = WEIGHTS
"""
SEEN = [  # an output of 10⁻³⁵ or less in a logarithm: activation, loss, weights, targets, a gradient
    ("sigmoid", "binary_cross_entropy", "[[-80]]", "1", "dL/da[1][1]", -5.54062238439351e34),
    ("sigmoid", "binary_cross_entropy", "[[-80]]", "1", "dL/dz[1][1]", -1.0),
    ("softmax", "cross_entropy", "[[70], [-10]]", "0, 1", "dL/da[1][2]", -5.54062238439351e34),
    ("softmax", "cross_entropy", "[[70], [-10]]", "0, 1", "dL/dz[1][1]", 1.0),
    ("softmax", "cross_entropy", "[[70], [-10], [-80]]", "0, 0.5, 0.5", "dL/dW[1][2][1]", -0.5),
]
LOST = [  # a difference of that size that 64 bits do not have: what it is
    ("softmax", "cross_entropy", "[[40], [-10]]", "1, 0", "-1.92875e-22"),
    ("softmax", "cross_entropy", "[[70], [-10]]", "1, 0", "-1.80485e-35"),
    ("softmax", "half_squared_error", "[[70], [-10]]", "1, 0", "-6.51498e-70"),
]


def tiny(activation, loss, weights, targets):
    names = {"ACTIVATION": activation, "LOSS": loss, "WEIGHTS": weights, "TARGETS": targets}
    text = TINY
    for name, said in names.items():
        text = text.replace(name, said)
    return certified(build(read(text)))


@pytest.mark.parametrize(("activation", "loss", "weights", "targets", "d", "slope"), SEEN)
def test_a_step_is_small_beside_a_small_number(activation, loss, weights, targets, d, slope):
    found = tiny(activation, loss, weights, targets).number(parse(d))
    assert found == pytest.approx(slope, rel=1e-14)


@pytest.mark.parametrize(("activation", "loss", "weights", "targets", "exact"), LOST)
def test_a_small_gradient_without_its_digits_is_refused(activation, loss, weights, targets, exact):
    with pytest.raises(Uncertified, match=f"is {exact}, but computed as .*: its digits cancel out"):
        tiny(activation, loss, weights, targets)
