"""Optimizers: what each does to a weight, by hand; arrays, formulas and pages say the same; a wrong row is found."""

from dataclasses import replace
from fractions import Fraction
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.backprop import Derivation
from derive.descent import Descent
from derive.expression import parse as parse_formula
from derive.optimizer import OPTIMIZERS, of_parameter
from derive.program import Program, Run
from derive.quantity import parse
from derive.verify import UNROLLED, Uncertified, certify_descent
from generator.audit import audit
from generator.exercise import build, certified, trained
from generator.latex import latex
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.notation import NOTATIONS
from generator.pages import pages
from generator.refusal import SpecError
from generator.report import report
from generator.slides import read_slides
from generator.spec_file import load, read
from generator.spec_network import OptimizerSpec
from tests import test_structures
from tests.conftest import homework, lecture, networks

# A single weight of 1 whose gradient is the weight itself: x = 1, t = 0, L = a²/2.  η = 0.1.
SINGLE = """
name = "single"
[network]
inputs = [[1]]
targets = [[0]]
learning_rate = 0.1
optimizer = OPTIMIZER
updates = 3
[[network.layers]]
activation = "identity"
weights = [[1]]
"""


def single(optimizer, layers=SINGLE):
    return certified(build(read(layers.replace("OPTIMIZER", optimizer))))


HAND = [  # optimizer, quantity, after the updates 1, 2, 3
    ('"sgd"', "W", [0.9, 0.81, 0.729]),
    ('"momentum"', "vW", [1, 1.8, 2.34]),  # 1; 0.9·1 + 0.9; 0.9·1.8 + 0.72
    ('"momentum"', "W", [0.9, 0.72, 0.486]),
    ('{ name = "momentum", mu = 0 }', "W", [0.9, 0.81, 0.729]),
    ('{ name = "momentum", mu = 0.5 }', "W", [0.9, 0.76, 0.614]),
    ('{ name = "rmsprop", rho = 0.75 }', "sW", [0.25, 0.3475, 0.3709452]),  # 0.75·s + 0.25·w²
    ('{ name = "rmsprop", rho = 0.75 }', "W", [0.8, 0.6642898, 0.5552204]),
    (
        '{ name = "rmsprop", rho = 0, epsilon = 1 }',
        "W",
        [0.95, 0.9012821, 0.8538778],
    ),  # w − 0.1 w/(w + 1)
    ('"adam"', "mW", [0.1, 0.18, 0.2420412]),
    ('"adam"', "vW", [0.001, 0.001809, 0.0024478506]),
    ('"adam"', "mhatW", [1, 0.9473684, 0.8931410]),  # 0.1/0.1; 0.18/0.19; …/0.271
    ('"adam"', "vhatW", [1, 0.9049525, 0.8167668]),
    ('"adam"', "W", [0.9, 0.8004122, 0.7015863]),
]


@pytest.mark.parametrize(("optimizer", "name", "expected"), HAND)
def test_three_updates_by_hand(optimizer, name, expected):
    exercise = single(optimizer)
    run = Run(exercise.program, exercise.iterates, 0.1)
    for k, number in enumerate(expected, 1):
        q = parse(f"{name}[1][1][1]@{k}")
        assert exercise.number(q) == pytest.approx(number, rel=1e-6)
        assert run[q] == pytest.approx(number, rel=1e-6)


def test_adam_moves_every_weight_by_the_rate_first_and_none_without_gradient():
    exercise = lecture("adam")
    for q in trained(exercise.graph):
        assert abs(exercise.number(q.at(update=1)) - exercise.number(q)) == pytest.approx(0.1, rel=1e-4)
    for name in ("adam", "rmsprop"):
        flat = single(f'"{name}"', SINGLE.replace("[[1]]", "[[0]]"))
        assert flat.number(parse("W[1][1][1]@3")) == 0


# --- laws ---


@st.composite
def rules(draw):
    """Any row, with constants with which no gradient of rounding noise is blown up to a step."""
    row = draw(st.sampled_from(list(OPTIMIZERS.values())))
    shares = st.fractions(0, Fraction(99, 100), max_denominator=100)
    return row.with_constants(
        **{name: Fraction(1, 100) if name == "epsilon" else draw(shares) for name in row.constants}
    )


@given(networks(largest=3, deepest=3), rules())
def test_arrays_and_formulas_agree(net, rule):
    graph, data = net
    descent = Descent(graph, data, 0.3, 2, optimizer=rule)
    run = Run(Program(Derivation(graph), rule), descent, 0.3)
    for q in trained(graph):
        for target in [q, *(of_parameter(v, q) for v in rule.variables)]:
            for k in (1, 2):
                exact = descent[k].number(target.at(update=k))
                assert run[target.at(update=k)] == pytest.approx(exact, rel=1e-8, abs=1e-10)


@given(networks(largest=3, deepest=3), rules())
def test_every_update_of_any_optimizer_is_certified(net, rule):
    graph, data = net
    assert certify_descent(Descent(graph, data, 0.3, 3, optimizer=rule)) <= 1e-12


def test_thousands_of_updates_are_certified():
    spec = load("adam")
    spec = spec.model_copy(update={"network": spec.network.model_copy(update={"updates": 3000})})
    assert certify_descent(build(spec).iterates) <= 1e-12


def test_every_row_is_said_a_second_time():
    for row in OPTIMIZERS.values():
        assert list(UNROLLED[row.name]) == [*row.variables, "w"]
        assert set(row.constants) <= set(OptimizerSpec.model_fields)


WRONG = [  # a row with another formula
    ("sgd", "w", "w + eta*g"),
    ("momentum", "v", "mu*v + (1 - mu)*g"),
    ("momentum", "w", "w - eta*g - mu*v"),
    ("rmsprop", "s", "rho*s + (1 - rho)*abs(g)"),
    ("rmsprop", "w", "w - eta*g/sqrt(s + epsilon)"),
    ("adam", "m", "beta1*m + (1 - beta2)*g"),
    ("adam", "mhat", "m"),
    ("adam", "vhat", "v/(1 - beta2**(k + 1))"),
    ("adam", "w", "w - eta*m/(sqrt(vhat) + epsilon)"),
]


@pytest.mark.parametrize(("name", "variable", "formula"), WRONG)
def test_a_wrong_row_is_not_certified(name, variable, formula):
    right = OPTIMIZERS[name]
    lines = tuple((v, parse_formula(formula) if v == variable else f) for v, f in right.assignments)
    start = lecture("adam").iterates
    descent = Descent(start.graph, start.start, 0.1, 3, optimizer=replace(right, assignments=lines))
    with pytest.raises(Uncertified, match="does not follow"):
        certify_descent(descent)


# --- specs ---

BAD = [
    (
        '"adm"',
        "found 'adm', allowed: sgd, momentum, rmsprop, adam; did you mean adam?",
        "network.optimizer",
    ),
    ('{ name = "adm" }', "found 'adm', allowed: sgd, momentum, rmsprop, adam", "network.optimizer.name"),
    ("3", "found 3, allowed: ", "network.optimizer"),
    ("{ beta1 = 0.5 }", "found nothing, allowed: it must be given", "network.optimizer.name"),
    (
        '{ name = "adam", beta3 = 0.5 }',
        "found an unknown key, allowed: name, mu, rho, beta1, beta2, epsilon",
        "network.optimizer.beta3",
    ),
    (
        '{ name = "adam", mu = 0.5 }',
        "found 0.5, allowed: beta1, beta2, epsilon, with adam",
        "network.optimizer.mu",
    ),
    ('{ name = "sgd", mu = 0.5 }', "found 0.5, allowed: none, with sgd", "network.optimizer.mu"),
    ('{ name = "adam", beta1 = 1 }', "found 1, allowed: less than 1", "network.optimizer.beta1"),
    (
        '{ name = "adam", beta1 = -0.1 }',
        "found -0.1, allowed: greater than or equal to 0",
        "network.optimizer.beta1",
    ),
    ('{ name = "adam", epsilon = 0 }', "found 0, allowed: greater than 0", "network.optimizer.epsilon"),
]


@pytest.mark.parametrize(("optimizer", "message", "key"), BAD)
def test_a_bad_optimizer_is_one_line(optimizer, message, key):
    with pytest.raises(SpecError) as caught:
        read(SINGLE.replace("OPTIMIZER", optimizer), "hw.toml")
    assert str(caught.value.at(None)).startswith(f"hw.toml: {key}: {message}")


def test_without_targets_there_is_no_optimizer():
    text = SINGLE.replace("targets = [[0]]\nlearning_rate = 0.1\n", "").replace("updates = 3\n", "")
    with pytest.raises(SpecError, match=r"network\.optimizer: found adam, allowed: nothing without"):
        read(text.replace("OPTIMIZER", '"adam"'))


# --- what is written ---

NAMES = [  # notation, id, how it is written
    ("plain", "vW[2][1][1]@1", r"v_{w_{11}^{(2)}}^{\prime}"),
    ("plain", "mhatb[1][2]@3", r"\hat{m}_ {b_{2}^{(1)}}^{\langle3\rangle}"),
    ("mazur", "vhatW[2][1][1]", r"\hat{v}_ {w_{5}}"),
    ("cummins", "mW[1][1][2]@2", r"m_{w_{i_{2}j_{1}}}^{\langle2\rangle}"),
    ("ceng506", "sb[2][1]@1", r"s_{w_{10}^{(2)}}^{\prime}"),
    ("mazur", "beta1", r"\beta_{1}"),
    ("bpe", "epsilon", r"\varepsilon"),
]


@pytest.mark.parametrize(("notation", "name", "written"), NAMES)
def test_names(notation, name, written):
    exercise = build(load("adam").model_copy(update={"notation": notation}))
    assert latex(exercise.namer(parse(name))) == written


ROWS = [(row, notation) for row in OPTIMIZERS for notation in NOTATIONS]


@pytest.mark.slow
@pytest.mark.parametrize(("row", "notation"), ROWS)
def test_pages_are_read_back_without_an_erratum(row, notation):
    spec = load("adam").model_copy(update={"notation": notation})
    network = spec.network.model_copy(update={"optimizer": OptimizerSpec(name=row)})
    exercise = certified(build(spec.model_copy(update={"network": network})))
    reading = read_slides(exercise, pages(exercise, ["tex"])["solution.tex"])
    assert {a.verdict for a in audit(exercise, reading.facts)} == {"match"}
    read_ = {fact.id for fact in reading.facts}
    assert {f"{v}W[1][1][1]@2" for v in OPTIMIZERS[row].variables} <= read_
    assert reading.found - reading.placed <= 2


STRUCTURES = [test_structures.AUTOENCODER, test_structures.PARTIAL, test_structures.LINE]


@pytest.mark.parametrize("text", STRUCTURES)
@pytest.mark.parametrize("row", ["momentum", "adam"])
def test_layers_of_any_structure(row, text):
    """Tied, missing and shared weights have one state each."""
    text = text.replace("[network]", f'[network]\noptimizer = "{row}"\nupdates = 2\nlearning_rate = 0.1')
    exercise = certified(build(read(text)))
    run = Run(exercise.program, exercise.iterates, 0.1)
    page = pages(exercise, ["tex"])["solution.tex"]
    for q in trained(exercise.graph):
        assert run[q.at(update=2)] == pytest.approx(exercise.number(q.at(update=2)), rel=1e-9)
        kept = of_parameter(OPTIMIZERS[row].variables[0], q).at(update=1)
        assert latex(exercise.namer(kept)) in page
    verdicts = {a.verdict for a in audit(exercise, read_slides(exercise, page).facts)}
    assert verdicts == {"match"}


def test_a_report_has_the_state():
    data = report(lecture("adam"))
    entries = {entry["id"]: entry for entry in data["quantities"]}
    assert entries["mhatW[1][1][1]@2"]["symbolic"] == "mW[1][1][1]@2/(1 - beta1**2)"
    assert entries["mW[1][1][1]@1"]["symbolic"] == "beta1*mW[1][1][1] + (1 - beta1)*dL/dW[1][1][1]"
    assert entries["W[1][1][1]@1"]["symbolic"] == (
        "W[1][1][1] - learning_rate*mhatW[1][1][1]@1/(sqrt(vhatW[1][1][1]@1) + epsilon)"
    )
    assert entries["beta2"]["value"] == 0.999
    updates = [step["target"] for step in data["steps"] if step["rule"] == "update"]
    assert updates[:5] == [f"{v}W[1][1][1]@1" for v in ("m", "v", "mhat", "vhat", "")]


def test_commands(run):
    assert "adam      m = beta1*m + (1 - beta1)*g; v = " in run("list", "optimizers").out
    done = run("derive", "momentum", "--of", "vW[1][2][1]@2")
    assert done.out.startswith("vW[1][2][1]@2")
    assert "= mu*vW[1][2][1]@1 + dL/dW[1][2][1]@1" in done.out
    assert run("derive", "momentum", "--of", "mW[1][2][1]@2").code == 2
    assert run("derive", "mazur", "--of", "vW[1][2][1]@1").code == 2


def test_homework_asks_for_the_loss_after_an_update_by_the_rule():
    exercise = homework("adam", seed=7)
    (after,) = (part for part in exercise.parts if part.group == "after")
    run = Run(exercise.program, exercise.iterates, 0.1)
    assert after.answer == pytest.approx(run[parse("L@1")], rel=1e-12)
    assert 0 < after.tolerance < 0.01 * abs(after.answer) + 0.001
    question = pages(exercise, ["md"])["question.md"]
    assert "Updates are made by Adam." in question
    assert r"\beta_{2} & = 0.999" in question


# --- misconceptions ---

MISTAKEN = [  # W@1 of the single weight with gradient 1: up the gradient, the rate forgotten or squared, …
    ("momentum", "M09", 1.1),
    ("momentum", "M31", 0),
    ("momentum", "M31b", 0.99),
    ("momentum", "M32", 0.1),
    ("momentum", "M32b", 1),
    ("adam", "M09", 1.1),
    ("adam", "M31", 0),
    ("rmsprop", "M09", 2),
    ("sgd", "M31b", 0.99),
    ("sgd", "M32b", 1),
]


@pytest.mark.parametrize(("row", "mistake", "expected"), MISTAKEN)
def test_mistakes_of_an_update(row, mistake, expected):
    exercise = single(f'"{row}"')
    wrong = Run(exercise.program, exercise.iterates, 0.1, {}, rewriting([MISCONCEPTIONS[mistake]]))
    assert wrong[parse("W[1][1][1]@1")] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", MISCONCEPTIONS)
def test_every_mistake_can_be_made_with_adam(name):
    exercise = lecture("adam")
    wrong = Run(exercise.program, exercise.iterates, 0.1, {}, rewriting([MISCONCEPTIONS[name]]))
    assert isfinite(wrong[parse("L@2")])
