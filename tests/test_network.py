"""Graphs: what a network holds, how its quantities are found, how its parameters are counted."""

import pytest
from hypothesis import given

from derive.network import Layer, network, parameter_count
from derive.ops import LOSSES
from derive.quantity import parse
from tests.conftest import networks

LOSS = LOSSES["half_squared_error"]


def small(samples=1):
    layers = [Layer(2, bias="shared"), Layer(2), Layer(1, bias="none")]
    return network(3, layers, LOSS, samples)


@pytest.mark.parametrize(
    ("name", "node", "element"),
    [
        ("x[3]", "x", (3,)),
        ("W[1][2][3]", "W[1]", (2, 3)),
        ("b[1]", "b[1]", ()),
        ("b[1][2]", "b[1]", ()),  # names the same parameter as the shared b[1]
        ("b[2][2]", "b[2]", (2,)),
        ("z[2][1]", "z[2]", (1,)),
        ("L", "L", ()),
        ("L[1]", "L", (1,)),
        ("t[1]", "t", (1,)),
    ],
)
def test_a_quantity_is_an_element_of_a_node(name, node, element):
    found, i = small().find(parse(name))
    assert (str(found), i) == (node, element)


@pytest.mark.parametrize(
    "name", ["x[4]", "W[1][3][1]", "b[1][3]", "b[3]", "W[4][1][1]", "q", "x[1]#2", "W[1]"]
)
def test_what_a_network_does_not_hold_is_not_found(name):
    with pytest.raises(KeyError):
        small().find(parse(name))


def test_in_a_batch_quantities_have_samples_and_parameters_have_none():
    graph = small(samples=2)
    assert graph.find(parse("a[1][2]#2"))[0].sampled
    assert graph.find(parse("L#1"))[0] is not graph.find(parse("L"))[0]
    for name in ("a[1][2]", "a[1][2]#3", "W[1][1][1]#1"):
        with pytest.raises(KeyError):
            graph.find(parse(name))


@given(networks())
def test_every_quantity_finds_its_own_element(drawn):
    graph, _ = drawn
    for node in graph.nodes:
        for sample in graph.sample_numbers if node.sampled else [None]:
            for q in node.elements(sample):
                found, i = graph.find(q)
                assert found is node
                assert node.element(i, sample) == q


def test_a_shared_bias_counts_once_and_what_is_not_trained_not_at_all():
    assert parameter_count(small()) == (6 + 1) + (4 + 2) + 2
    assert parameter_count(small(), 1) == 7
    fixed = [Layer(2, bias="shared", train=frozenset({"weights"}))] * 2
    assert parameter_count(network(2, fixed, LOSS)) == 8


def test_the_size_of_a_graph_follows_its_layers_not_its_weights():
    assert len(network(784, [Layer(128), Layer(10)], LOSS).nodes) == 12
