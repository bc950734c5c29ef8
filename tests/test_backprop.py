"""Steps: which rule, which named upstream, which local factors; and that nothing grows with depth."""

import pytest

from derive.backprop import Derivation
from derive.descent import update_steps
from derive.expression import text
from derive.network import Layer, network
from derive.ops import LOSSES
from derive.quantity import parse
from tests.conftest import lecture

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
