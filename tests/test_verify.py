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
from tests.conftest import lecture, networks


@pytest.mark.parametrize("name", ["mazur", "cummins"])
def test_the_lectures_are_certified_by_four_methods(name):
    exercise = lecture(name)
    given_ = [q for q in quantities(exercise.graph) if exercise.graph.definition(q) is None]
    proof = certify(exercise.derivation, exercise.values, given_)
    assert proof.methods == ("chain rule", "complex step", "mpmath", "sympy")
    assert proof.max_error <= TOLERANCE


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(networks(), st.integers(0, 99))
def test_random_networks_up_to_four_layers_of_six_agree_with_both_oracles(drawn, pick):
    graph, data = drawn
    given_ = [q for q in quantities(graph) if graph.definition(q) is None]
    chosen = list(islice(given_, pick % len(given_), pick % len(given_) + 1))
    proof = certify(Derivation(graph), evaluate(graph, data), chosen)
    assert proof.max_error <= TOLERANCE


def test_a_three_layer_relu_tanh_sigmoid_network():
    layers = [Layer(2, ACTIVATIONS["relu"]), Layer(2, ACTIVATIONS["tanh"]), Layer(1)]
    graph = network(3, layers, LOSSES["squared_error"])
    rng = np.random.default_rng(1)
    numbers = {str(n): rng.uniform(0.1, 1, n.shape) for n in graph.given}
    values = evaluate(graph, arrays(graph, numbers))
    given_ = [q for q in quantities(graph) if graph.definition(q) is None]
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


def test_sympy_on_its_own_disagrees_with_a_wrong_gradient():
    exercise = lecture("mazur")
    values = exercise.values
    wrong = {n: (1.5 * g if str(n) == "W[1]" else g) for n, g in values.gradient.items()}
    from derive.symbolic import gradients

    numbers = {
        q: values.number(q) for q in quantities(exercise.graph) if exercise.graph.definition(q) is None
    }
    numbers |= {parse("t[1]"): 0.01, parse("t[2]"): 0.99}
    q = parse("W[1][1][1]")
    theirs = gradients(exercise.graph, numbers, [q])[q]
    assert theirs == pytest.approx(values.number(parse("dL/dW[1][1][1]")), rel=1e-13)
    assert replace(values, gradient=wrong).number(parse("dL/dW[1][1][1]")) != pytest.approx(
        theirs, rel=1e-3
    )


def test_nothing_leaves_before_it_is_certified():
    from generator.exercise import build
    from generator.publish import contents
    from generator.spec import load

    with pytest.raises(Uncertified, match="has not been certified"):
        contents(build(load("mazur")), ["md"])
