"""What two lectures say beyond numbers; their printed facts are in test_ledger."""

import pytest

from derive.expression import value
from derive.quantity import parse as parse_id
from derive.symbolic import SYMPY, closed_form, symbol
from generator.exercise import build
from generator.report import entry
from generator.spec_file import load
from tests.conftest import lecture

# What the Mazur slides say in symbols (facts 10, 11, 13, 20, 21, 22), as chains of named factors.
CHAINS = [
    ("dL/dW[2][1][1]", [["dL/da[2][1]", "da[2][1]/dz[2][1]", "dz[2][1]/dW[2][1][1]"]]),
    ("dL/dW[1][1][1]", [["dL/da[1][1]", "da[1][1]/dz[1][1]", "dz[1][1]/dW[1][1][1]"]]),
    (
        "dL/da[1][1]",
        [
            ["dL/da[2][1]", "da[2][1]/dz[2][1]", "dz[2][1]/da[1][1]"],
            ["dL/da[2][2]", "da[2][2]/dz[2][2]", "dz[2][2]/da[1][1]"],
        ],
    ),
]


@pytest.mark.parametrize(("target", "terms"), CHAINS)
def test_mazur_chain_rules(target, terms):
    step = lecture("mazur").derivation.chain(parse_id(target), lambda d: d.wrt.name == "a")
    assert [[str(factor) for factor in term.ids] for term in step.terms] == terms


def test_mazur_local_derivatives_hold_identically():
    """Facts 11 and 13: ∂E_o1/∂out = out − target, and ∂out/∂net = e^−net/(1 + e^−net)² = (1 − σ)σ."""
    import sympy

    graph = lecture("mazur").graph
    a, t, z = (symbol(parse_id(name)) for name in ("a[2][1]", "t[1]", "z[2][1]"))
    sigma = 1 / (1 + sympy.exp(-z))
    taught = value(graph.local(parse_id("da[2][1]/dz[2][1]")), lambda _: sigma, SYMPY)
    assert sympy.simplify(taught - sympy.exp(-z) / (1 + sympy.exp(-z)) ** 2) == 0
    assert sympy.simplify(taught - (1 - sigma) * sigma) == 0
    assert value(graph.local(parse_id("dL[1]/da[2][1]")), symbol, SYMPY) == a - t
    assert sympy.expand(value(graph.definition(parse_id("L[1]")), symbol, SYMPY) - (t - a) ** 2 / 2) == 0


def test_mazur_would_end_elsewhere_if_the_biases_were_updated():
    """The slides' 0.2910 holds with fixed biases only: 0.28575 otherwise."""
    spec = load("mazur")
    layers = [layer.model_copy(update={"train": ["weights", "biases"]}) for layer in spec.network.layers]
    spec = spec.model_copy(update={"network": spec.network.model_copy(update={"layers": layers})})
    assert build(spec).number(parse_id("L@1")) == pytest.approx(0.2857508866992965, rel=1e-12)


def test_cummins_counts_its_parameters():
    exercise = lecture("cummins")
    assert [entry(exercise, parse_id(p)).value for p in ("P", "P[1]", "P[2]", "P[3]")] == [21, 8, 10, 3]


def test_cummins_loss_after_the_right_update():
    assert lecture("cummins").number(parse_id("L@1")) == pytest.approx(0.0082798502260125, rel=1e-12)


def test_a_closed_form_has_the_value_of_the_steps():
    """SymPy's own derivative of the composed loss, numbers put in last."""
    exercise = lecture("mazur")
    target = parse_id("dL/dW[1][2][1]")
    form = closed_form(exercise.graph, target)
    numbers = {s: exercise.number(parse_id(s.name)) for s in form.free_symbols}
    assert float(form.subs(numbers)) == pytest.approx(exercise.number(target), rel=1e-12)
