"""Steps: which rule, which named upstream, which local factors; and that nothing grows with depth."""

from math import fsum, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.backprop import Derivation
from derive.circuit import circuit
from derive.descent import update_steps
from derive.evaluate import arrays, evaluate
from derive.expression import text
from derive.network import Layer, network
from derive.ops import LOSSES, VECTOR_ACTIVATIONS
from derive.quantity import parse
from tests.conftest import lecture, networks

STEPS = [
    ("dL/dL", "seed", []),
    ("dL/da[2][1]", "chain", ["dL/dL[1] * a[2][1] - t[1]"]),
    ("dL/dz[2][1]", "chain", ["dL/da[2][1] * a[2][1]*(1 - a[2][1])"]),
    ("dL/dW[2][1][2]", "chain", ["dL/dz[2][1] * a[1][2]"]),
    ("dL/db[2]", "sum over paths", ["dL/dz[2][1] * 1", "dL/dz[2][2] * 1"]),
    ("dL/da[1][2]", "sum over paths", ["dL/dz[2][1] * W[2][1][2]", "dL/dz[2][2] * W[2][2][2]"]),
    ("dL/dW[1][2][1]", "chain", ["dL/dz[1][2] * x[1]"]),
    ("dL/dx[1]", "sum over paths", ["dL/dz[1][1] * W[1][1][1]", "dL/dz[1][2] * W[1][2][1]"]),
]


@pytest.mark.parametrize(("target", "rule", "terms"), STEPS)
def test_mazur_steps(target, rule, terms):
    step = lecture("mazur").derivation.step(parse(target))
    assert step.rule == rule
    assert [f"{t.upstream} * {text(t.factors[0].expr)}" for t in step.terms] == terms


@pytest.mark.parametrize("target", ["dL/dt[1]", "dL/dW[3][1][1]", "da[2][1]/dz[2][1]", "dL/dq"])
def test_what_has_no_gradient_has_no_step(target):
    with pytest.raises(KeyError):
        lecture("mazur").derivation.step(parse(target))


def test_over_a_batch_a_parameter_sums_over_the_samples():
    graph = network(2, [Layer(2), Layer(1)], LOSSES["squared_error"], samples=3)
    step = Derivation(graph).step(parse("dL/dW[1][2][1]"))
    assert step.rule == "sum over samples"
    assert [str(t.upstream) for t in step.terms] == [f"dL/dz[1][2]#{s}" for s in (1, 2, 3)]
    assert [text(t.factors[0].expr) for t in step.terms] == ["x[1]#1", "x[1]#2", "x[1]#3"]
    assert Derivation(graph).step(parse("dL/da[1][2]#2")).rule == "chain"


def test_an_update_names_the_gradient_it_uses():
    (step,) = update_steps(lecture("mazur").graph, parse("W[1][2][1]"))
    assert (str(step.target), step.rule) == ("W[1][2][1]@1", "update")
    assert [str(t.upstream) for t in step.terms] == ["dL/dW[1][2][1]"]


def test_a_delta_notation_stops_at_z():
    step = lecture("mazur").derivation.chain(parse("dL/dW[1][1][1]"), lambda d: d.wrt.name in "az")
    assert [str(i) for i in step.terms[0].ids] == ["dL/dz[1][1]", "dz[1][1]/dW[1][1][1]"]


def test_a_step_of_a_deep_network_is_as_short_as_one_of_a_shallow_network():
    deep = Derivation(network(3, [Layer(3)] * 30, LOSSES["squared_error"]))
    assert len(deep.step(parse("dL/da[1][1]")).terms) == 3
    assert len(deep.chain(parse("dL/dW[1][1][1]"), lambda d: d.wrt.name == "a").terms[0].ids) == 3


# --- paths one by one ---


PATHS = [  # sizes, samples, target: how many, counted by hand
    ((8, 8, 8, 4), 1, "dL/dW[1][1][1]", 8 * 4),
    ((8, 8, 8, 4), 1, "dL/dW[2][3][5]", 4),
    ((8, 8, 8, 4), 1, "dL/dW[3][2][8]", 1),
    ((8, 8, 8, 4), 1, "dL/dx[1]", 8 * 8 * 4),
    ((8, 8, 8, 4), 3, "dL/db[1][1]", 3 * 8 * 4),
    ((8, 8, 8, 4), 3, "dL/da[1][1]#2", 8 * 4),
    ((8, 8, 8, 4), 3, "dL[1]/db[1][1]#2", 8),
    ((1, *[10] * 12, 1), 1, "dL/dx[1]", 10**12),
    ((2, 2), 1, "dL/dL", 1),
]


@pytest.mark.parametrize(("sizes", "samples", "target", "count"), PATHS)
def test_paths_are_counted_without_being_walked(sizes, samples, target, count):
    graph = network(sizes[0], [Layer(n) for n in sizes[1:]], LOSSES["squared_error"], samples)
    d = parse(target)
    assert Derivation(graph).towards(d.of, d.sample).path_count(d) == count
    first = next(Derivation(graph).towards(d.of, d.sample).paths(d))  # one of 10^12, at once
    assert len(first.factors) == len({*first.ids})


def test_a_softmax_has_a_path_from_each_output_to_each_pre_activation():
    graph = network(2, [Layer(5), Layer(3, VECTOR_ACTIVATIONS["softmax"])], LOSSES["cross_entropy"])
    assert Derivation(graph).path_count(parse("dL/dW[1][1][1]")) == 3 * 3


def test_a_path_leads_from_the_loss_to_the_quantity():
    first, second = lecture("mazur").derivation.paths(parse("dL/dW[1][2][1]"))
    assert first.upstream is None
    assert [str(d) for d in first.ids] == [
        *("dL/dL[1]", "dL[1]/da[2][1]", "da[2][1]/dz[2][1]"),
        *("dz[2][1]/da[1][2]", "da[1][2]/dz[1][2]", "dz[1][2]/dW[1][2][1]"),
    ]
    assert [str(d) for d in second.ids][1] == "dL[2]/da[2][2]"


def summed_over_paths(derivation, values, target):
    return fsum(
        prod(values.compute(factor.expr).item() for factor in term.factors)
        for term in derivation.paths(target)
    )


@given(networks(largest=3, deepest=3))
def test_the_sum_over_all_paths_is_the_gradient(drawn):
    graph, data = drawn
    derivation, values = Derivation(graph), evaluate(graph, data)
    for target in derivation.targets():
        exact = values.number(target)
        found = summed_over_paths(derivation, values, target)
        assert found == pytest.approx(exact, rel=1e-9, abs=1e-11), str(target)
        assert derivation.path_count(target) == len(list(derivation.paths(target)))


GATE = st.sampled_from(
    ["{0} + {1}", "{0}*{1}", "{0} - {1}", "max({0}, {1})", "exp({0}/4)", "tanh({0}*{1})"]
)


@given(st.lists(st.tuples(GATE, st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6))
def test_the_sum_over_all_paths_of_a_circuit_is_the_gradient(gates):
    """Gates that feed several others, or one of them twice."""
    names, lines = ["x", "y"], []
    for number, (gate, i, j) in enumerate(gates):
        lines.append(f"q{number} = " + gate.format(names[i % len(names)], names[j % len(names)]))
        names.append(f"q{number}")
    graph = circuit(["x", "y"], lines, names[-1])
    values = evaluate(graph, arrays(graph, {"x": [0.75], "y": [-0.5]}))
    derivation = Derivation(graph)
    for target in derivation.targets():
        found = summed_over_paths(derivation, values, target)
        assert found == pytest.approx(values.number(target), rel=1e-9, abs=1e-12), str(target)
        assert derivation.path_count(target) == len(list(derivation.paths(target)))
