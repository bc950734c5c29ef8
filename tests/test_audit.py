"""Audit: causes of errors that are planted in a right lecture, and the command.  The verdicts on what the
lectures print are in test_ledger."""

import json
from pathlib import Path

import pytest

from derive.program import Program, Run
from derive.quantity import Derivative, parse
from derive.quantity import parse as parse_id
from generator.audit import Fact, audit, read_facts
from generator.builtin import LECTURES
from generator.exercise import build
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.report import entries, ids
from generator.spec_file import load, read
from tests.conftest import lecture

# --- causes, planted in a lecture that has none ---


@pytest.mark.parametrize("name", ["mazur", "cummins"])
def test_the_program_computes_what_the_arrays_compute(name):
    exercise = lecture(name)
    run = Run(
        Program(exercise.derivation), exercise.iterates, float(exercise.spec.network.learning_rate)
    )
    for q in ids(exercise):
        if str(q)[0] != "P":
            assert run[q] == pytest.approx(exercise.number(q), rel=1e-14, abs=1e-18)


PLANTED = [  # misconception, a quantity that it changes, in Mazur's network unless another is named
    ("M01", "dL/dz[2][1]"),
    ("M02", "dL/dz[1][1]"),
    ("M03", "da[2][1]/dz[2][1]"),
    ("M04", "da[1][1]/dz[1][1]"),
    ("M05", "da[1][2]/dz[1][2]"),
    ("M06", "da[2][1]/dz[2][1]"),
    ("M07", "da[2][1]/dz[2][1]"),
    ("M08", "dL/da[2][2]"),
    ("M09", "W[2][1][1]@1"),
    ("M10", "L[1]"),
    ("M11", "dL/da[2][1]"),
    ("M12", "L"),
    ("M12", "L", "shallow"),
    ("M13", "dL/da[1][1]"),
    ("M14", "dL/da[1][1]"),
    ("M14b", "z[2][1]"),
    ("M15", "dL/da[1][1]"),
    ("M16", "dL/da[1][2]"),
    ("M17", "dL/da[1][1]"),
    ("M18", "dL/da[1][1]"),
    ("M19", "dL/da[1][1]"),
    ("M20", "dL/da[1][1]"),
    ("M21", "dL/da[1][1]"),
    ("M22", "dL/da[1][1]"),
    ("M22b", "dL/da[1][2]"),
    ("M22c", "dL/da[1][1]"),
    ("M23", "dL/da[1][1]"),
    ("M24", "dL/dW[2][1][2]"),
    ("M25", "dL/dW[2][1][1]"),
    ("M25b", "dL/dW[2][1][1]"),
    ("M26", "dL/dW[2][1][2]"),
    ("M27", "dL/db[2]"),
    ("M28", "z[1][1]"),
    ("M29", "a[1][1]"),
    ("M30", "a[1][2]"),
    ("M31", "W[2][1][1]@1"),
    ("M31b", "W[2][1][1]@1"),
    ("M32", "W[2][1][1]@1"),
    ("M32b", "W[2][1][1]@1"),
    ("M33", "dL/da[2][1]"),
    ("M34", "dL/dz[1][2]", "soft"),
    ("M35", "dL/dz[2][1]", "entropy"),
    ("M36", "L[1]", "entropy"),
    ("M36b", "L[2]", "entropy"),
    ("M37", "L[1]", "entropy"),
    ("M37b", "L[2]", "entropy"),
    ("M38", "da[1][1]/dz[1][1]", "off"),
    ("M38b", "da[1][1]/dz[1][1]", "off"),
    ("M39", "dL/dW[1][1][2]", "tied"),
    ("M41", "dL/da[1][1]"),
]

OFF = """
name = "off"
[network]
inputs = [[1, 2]]
targets = [[1]]
[[network.layers]]
activation = "relu"
weights = [[0.5, -1.3]]
biases = [0.1]
"""

SOFT = """
name = "soft"
[network]
inputs = [[1, 2]]
targets = [[0.2, 0.7, 0.1]]
loss = "cross_entropy"
[[network.layers]]
activation = "softmax"
weights = [[0.5, -1.3], [0.4, 0.3], [-0.2, 0.6]]
biases = [0.1, 0.2, 0.3]
"""


ENTROPY = """
name = "entropy"
[network]
inputs = [[1, 2]]
targets = [[0.8, 0.3]]
loss = "binary_cross_entropy"
[[network.layers]]
weights = [[0.5, -0.3], [0.4, 0.1]]
biases = [0.1, -0.2]
[[network.layers]]
weights = [[0.6, -0.9], [0.7, 0.2]]
biases = [0.3, 0.2]
"""
TIED = """
name = "tied"
[network]
inputs = [[0.5, -0.3, 0.8]]
targets = [[0.5, -0.3, 0.8]]
[[network.layers]]
activation = "tanh"
weights = [[0.2, -0.4, 0.3], [0.5, 0.1, -0.2]]
[[network.layers]]
tied = 1
"""
SPECS = {"tied": TIED, "off": OFF, "soft": SOFT, "entropy": ENTROPY}


def test_every_misconception_is_planted_somewhere():
    assert {name for name, *_ in PLANTED} == set(MISCONCEPTIONS)


@pytest.mark.parametrize("planted", PLANTED, ids=" ".join)
def test_a_planted_misconception_is_named(planted):
    name, quantity, *where = planted
    own = SPECS.get("".join(where))
    exercise = build(read(own)) if own else lecture(*where or ["mazur"])
    wrong = Run(
        Program(exercise.derivation), exercise.iterates, 0.5, {}, rewriting([MISCONCEPTIONS[name]])
    )
    number = wrong.compute(parse(quantity))
    (a,) = audit(exercise, [Fact(quantity, f"{number:.8f}")])
    assert a.verdict == "erratum"
    assert f"({name})" in a.cause


SLIPS = [  # id, printed, what it says
    ("dL/dW[2][1][1]", "-0.0822", "the sign is lost"),
    ("dL/dW[2][1][1]", "0.8217", "the decimal point is 1 off"),
    ("dL/da[2][1]", "0.7413", "cut off instead of rounded"),
    ("z[2][1]", "1.1095", "digits transposed"),
    ("dL/dW[1][1][1]", "0.12345", "unexplained"),
    ("L", "0.2910278", "the value after an update"),
]


@pytest.mark.parametrize(("quantity", "printed", "cause"), SLIPS)
def test_slips_of_the_pen(quantity, printed, cause):
    (a,) = audit(lecture("mazur"), [Fact(quantity, printed)])
    assert (a.verdict, cause in a.cause) == ("erratum", True), a.cause


def test_the_same_number_before_an_update():
    """What is printed right for one state and again for the next one was not computed anew."""
    before = [Fact("a[1][1]", "0.59327", "line 1"), Fact("a[1][1]@1", "0.59327", "line 2")]
    right, wrong = audit(lecture("mazur"), before)
    assert (right.verdict, wrong.verdict) == ("match", "erratum")
    assert wrong.cause == "the number of a[1][1] (line 1) stands here, the one before an update"


GIVEN = [  # a number that is put in, printed, what it says
    ("W[2][1][1]", "0.45", "the number of W[2][1][2] stands here"),
    ("W[2][1][1]", "0.20", "the number of W[1][1][2] stands here"),
    ("W[2][1][1]", "0.41", "misprinted: 0.4 is given"),
]


@pytest.mark.parametrize(("quantity", "printed", "cause"), GIVEN)
def test_a_number_that_is_put_in_can_only_be_misprinted(quantity, printed, cause):
    (a,) = audit(lecture("mazur"), [Fact(quantity, printed)])
    assert (a.verdict, a.cause) == ("erratum", cause)


def test_a_mean_for_a_sum():
    exercise = build(load("shallow"))
    (a,) = audit(exercise, [Fact("L", "0.1551")])
    assert a.cause.startswith("the mean for the sum, or the sum for the mean (M12)")


def test_one_number_for_every_sample():
    """Without #s a number is said of all samples: each must round to it."""
    exercise = build(load("shallow"))
    facts = [Fact("t[1] > 0.5", "false"), Fact("a[2][1]", "0"), Fact("dz[2][1]/db[2][1]", "1")]
    verdicts = audit(exercise, facts)
    assert [a.verdict for a in verdicts] == ["erratum", "match", "match"]
    assert verdicts[0].cause == "of sample 4 it is 1"


def test_a_formula_without_ids_is_a_number():
    verdicts = audit(lecture("mazur"), [Fact("sigmoid(0.3775)", "0.5933"), Fact("2 + 2", "5")])
    assert [a.verdict for a in verdicts] == ["match", "erratum"]


WRONG_FORMULAS = [
    ("dL/dW[2][1][2]", "dL/dz[2][1]*a[1][1]", "that is dL/dW[2][1][1]"),
    ("z[2][1]", "W[2][1][1]*a[1][1] + W[2][1][1]*a[1][2] + b[2]", "unexplained"),
    ("L", "(t[1] - a[2][1])**2/2 + (t[1] - a[2][2])**2/2", "unexplained"),
    (
        "z[2][2]",
        "W[2][2][1]*a[1][1] + W[2][1][2]*a[1][2] + b[2]",
        "W[2][1][2] stands where W[2][2][2] belongs",
    ),
    ("L", "layers", "that is 2 for any numbers; the left side changes with them"),
]


@pytest.mark.parametrize(("quantity", "printed", "cause"), WRONG_FORMULAS)
def test_a_wrong_formula(quantity, printed, cause):
    (a,) = audit(lecture("mazur"), [Fact(quantity, printed)])
    assert (a.verdict, a.cause) == ("erratum", cause)


def test_an_error_is_followed_to_where_it_comes_from():
    wrong, right = "0.5999", "0.5969"
    chain = [Fact("a[1][2]", wrong), Fact("z[2][1]", "1.1073"), Fact("a[2][1]", "0.7516")]
    verdicts = audit(lecture("mazur"), chain)
    assert [a.verdict for a in verdicts] == ["erratum"] * 3
    assert "a[1][2] = 0.5999" in verdicts[1].cause
    assert "z[2][1] = 1.1073" in verdicts[2].cause
    assert audit(lecture("mazur"), [Fact("a[1][2]", right)])[0].verdict == "match"


@pytest.mark.parametrize("digits", [2, 3, 4, 6])
@pytest.mark.parametrize("name", ["mazur", "cummins", "ceng506-neuron"])
def test_right_numbers_raise_no_alarm(name, digits):
    """Every quantity, printed with so many decimals, in the order of the calculation."""
    exercise = build(load(name))
    printed = [
        Fact(str(q), f"{exercise.number(q):.{digits}f}") for q in ids(exercise) if str(q)[0] != "P"
    ]
    assert {a.verdict for a in audit(exercise, printed)} == {"match"}


@pytest.mark.parametrize("name", ["mazur", "cummins", "ceng506-neuron", "ceng506-sum-product"])
def test_right_formulas_raise_no_alarm(name):
    """Every definition, local derivative, chain of factors and update, as `derive` prints it."""
    exercise = build(load(name))
    every = list(entries(exercise))
    printed = [Fact(e.id, e.symbolic) for e in every] + [
        Fact(e.id, "*".join(e.factors)) for e in every if e.factors
    ]
    assert {a.verdict for a in audit(exercise, printed)} == {"match"}


def test_what_names_no_quantity_is_unchecked():
    verdicts = audit(
        lecture("mazur"), [Fact("W[9][1][1]", "1"), Fact("rm -rf", "1"), Fact("L", "about 0.3")]
    )
    assert [a.verdict for a in verdicts] == ["unchecked"] * 3


def test_a_count_is_a_fact():
    assert [a.verdict for a in audit(lecture("cummins"), [Fact("P", "21"), Fact("P[1]", "7")])] == [
        "match",
        "erratum",
    ]


# --- the command ---


def test_the_command_audits_a_lecture_and_says_that_it_found_something(run):
    done = run("audit", "cummins")
    assert done.code == 1
    assert "16.62 times the right value" in " ".join(done.out.split())
    assert run("audit", "ceng506-sum-product").code == 0


def test_json_keeps_the_order_of_the_file(run):
    data = json.loads(run("audit", "cummins", "--json").out)
    file = LECTURES / "cummins.csv"
    assert [f["id"] for f in data["facts"]] == [fact.id for fact in read_facts(file.read_text())]
    assert data["summary"]["erratum"] == 40
    assert set(data["facts"][0]) == {"id", "printed", "exact", "verdict", "cause", "where"}


def test_facts_from_a_file(run):
    Path("facts.csv").write_text("id,printed,where\na[1][1],0.5933,slide 3\nL,0.2985,slide 4\n")
    done = run("audit", "mazur", "--printed", "facts.csv")
    assert done.code == 1
    assert "slide 4" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("audit", "own.toml"), "own.toml: found no printed facts of its own"),
        (("audit", "mazur", "--printed", "no.csv"), "--printed: found 'no.csv', allowed: a CSV file"),
        (
            ("audit", "mazur", "--printed", "bad.csv"),
            "bad.csv: line 1: found 'a,b', allowed: id,printed[,where]",
        ),
    ],
)
def test_unusable_facts(run, words, message):
    Path("bad.csv").write_text("a,b\n1,2\n")
    Path("own.toml").write_text((LECTURES / "mazur.toml").read_text())
    done = run(*words)
    assert (done.code, done.err.startswith(f"chainwork: {message}")) == (2, True), done.err


def test_derivatives_after_an_update_are_facts_too():
    exercise = lecture("mazur")
    run = Run(Program(exercise.derivation), exercise.iterates, 0.5)
    after = exercise.iterates[1].values
    q = parse_id("dL/dW[2][1][1]")
    assert run[Derivative(q.of, q.wrt, None, 1)] == pytest.approx(after.number(q), rel=1e-13)
