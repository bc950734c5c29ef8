"""Audit: the verdict on every printed number of two lectures, and causes that hold elsewhere too."""

import csv
import json
from pathlib import Path

import pytest

from derive.program import Program, Run
from derive.quantity import Derivative, parse
from derive.quantity import parse as parse_id
from generator.audit import Fact, audit, read_facts
from generator.exercise import build
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.report import ids
from generator.spec import LECTURES, load
from tests.conftest import lecture


def facts(name):
    with open(Path(__file__).parent / "facts" / f"{name}.csv", newline="") as file:
        return [
            (r["fact"], Fact(r["quantity"], r["printed"], f"fact {r['fact']}"))
            for r in csv.DictReader(file)
        ]


def audited(name):
    numbers, printed = zip(*facts(name), strict=True)
    return dict(zip(numbers, audit(lecture(name), printed), strict=True))


def test_mazur_has_no_erratum_among_its_results():
    assert {a.verdict for a in audited("mazur").values()} == {"match"}


ROUNDED = ["45", "46", "48", "57"]
ERRATA = ["53", "54", "55", "68", "70", "71", "72", "73", "74", "75", "77", "79", "81", "83", "85", "95"]
ERRATA += [str(n) for n in (*range(100, 118),)]


def test_cummins_verdicts():
    """As worked out independently, fact by fact."""
    for number, a in audited("cummins").items():
        wanted = (
            "erratum" if number in ERRATA else "rounded-intermediates" if number in ROUNDED else "match"
        )
        assert a.verdict == wanted, (number, a)


CAUSES = [
    ("53", "the number of dz[3][1]/dW[3][1][1]"),
    ("55", "M41"),
    ("70", "inherited from dL/da[2][1] = -0.50474"),
    ("73", "cut off instead of rounded"),
    ("79", "inherited from dL/da[2][2]"),
    ("95", "sums of factors multiplied, not a sum of products (M17)"),
    ("95", "16.62 times the right value"),
    ("100", "inherited from dL/da[1][1] = -0.02073"),
    ("110", "inherited from dL/dW[1][2][1] = -0.05528"),
    ("113", "the learning rate is left out (M31)"),
    ("117", "digits transposed: 1.02764 is printed"),
]


@pytest.mark.parametrize(("number", "cause"), CAUSES)
def test_cummins_causes(number, cause):
    assert cause in audited("cummins")[number].cause


def test_no_erratum_of_the_lectures_is_unexplained():
    assert not [a for a in audited("cummins").values() if a.cause == "unexplained"]


def test_the_neuron_that_learns():
    """Rounds 1, 2, 3 and 19; w0 after round 3 is cut off on the slide."""
    with open(Path(__file__).parent / "facts" / "ceng506-update.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    verdicts = audit(
        lecture("ceng506-update"), [Fact(r["quantity"], r["printed"], r["fact"]) for r in rows]
    )
    assert [a.verdict for a in verdicts] == [r["verdict"] for r in rows]
    assert [a.cause for a in verdicts if a.verdict == "erratum"] == [
        "cut off instead of rounded: 2.14757"
    ]


def test_shallow_verdicts_over_thousands_of_updates():
    """252 printed numbers: forward tables, costs, BPEs, parameters after 1 to 8000 updates."""
    with open(Path(__file__).parent / "facts" / "shallow.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    verdicts = audit(
        build(load("shallow")), [Fact(r["quantity"], r["printed"], r["fact"]) for r in rows]
    )
    assert {r["fact"]: a.verdict for r, a in zip(rows, verdicts, strict=True)} == {
        r["fact"]: r["verdict"] for r in rows
    }
    causes = {a.fact.where: a.cause for a in verdicts}
    for number in (51, 52, 53, 54, 55, 153, 163, 193, 203, 233, 253):
        assert "the ½ of the loss is dropped (M10)" in causes[str(number)]
    assert causes["137"].startswith("the number of b[1][3]@1 (136) stands here")
    assert causes["196"].startswith("the number of a[1][3]#1@99")
    assert causes["225"].startswith("cut off instead of rounded")
    assert causes["264"].startswith("the sign is lost")
    assert [n for n, cause in causes.items() if cause == "unexplained"] == ["17", "273"]


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


PLANTED = [  # misconception, a quantity that it changes in Mazur's network
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
    ("M13", "dL/da[1][1]"),
    ("M15", "dL/da[1][1]"),
    ("M16", "dL/da[1][2]"),
    ("M17", "dL/da[1][1]"),
    ("M18", "dL/da[1][1]"),
    ("M19", "dL/da[1][1]"),
    ("M20", "dL/da[1][1]"),
    ("M21", "dL/da[1][1]"),
    ("M23", "dL/da[1][1]"),
    ("M24", "dL/dW[2][1][2]"),
    ("M25", "dL/dW[2][1][1]"),
    ("M25b", "dL/dW[2][1][1]"),
    ("M27", "dL/db[2]"),
    ("M28", "z[1][1]"),
    ("M29", "a[1][1]"),
    ("M30", "a[1][2]"),
    ("M31", "W[2][1][1]@1"),
    ("M31b", "W[2][1][1]@1"),
    ("M32", "W[2][1][1]@1"),
    ("M32b", "W[2][1][1]@1"),
    ("M33", "dL/da[2][1]"),
    ("M41", "dL/da[1][1]"),
]


def test_every_misconception_is_planted_somewhere():
    assert {name for name, _ in PLANTED} == set(MISCONCEPTIONS)


@pytest.mark.parametrize(("name", "quantity"), PLANTED)
def test_a_planted_misconception_is_named(name, quantity):
    exercise = lecture("mazur")
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
    assert run("audit", "mazur").code == 0


def test_json_keeps_the_order_of_the_file(run):
    data = json.loads(run("audit", "cummins", "--json").out)
    file = LECTURES / "cummins.csv"
    assert [f["id"] for f in data["facts"]] == [fact.id for fact in read_facts(file.read_text())]
    assert data["summary"]["erratum"] == 34
    assert set(data["facts"][0]) == {"id", "printed", "exact", "verdict", "cause", "where"}


def test_facts_from_a_file(run):
    Path("facts.csv").write_text("id,printed,where\na[1][1],0.5933,slide 3\nL,0.2985,slide 4\n")
    done = run("audit", "mazur", "--printed", "facts.csv")
    assert done.code == 1
    assert "slide 4" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("audit", "ceng506-neuron"), "ceng506-neuron: found no printed facts of its own"),
        (("audit", "mazur", "--printed", "no.csv"), "--printed: found 'no.csv', allowed: a CSV file"),
        (
            ("audit", "mazur", "--printed", "bad.csv"),
            "bad.csv: line 1: found 'a,b', allowed: id,printed[,where]",
        ),
    ],
)
def test_unusable_facts(run, words, message):
    Path("bad.csv").write_text("a,b\n1,2\n")
    done = run(*words)
    assert (done.code, done.err.startswith(f"chainwork: {message}")) == (2, True), done.err


def test_derivatives_after_an_update_are_facts_too():
    exercise = lecture("mazur")
    run = Run(Program(exercise.derivation), exercise.iterates, 0.5)
    after = exercise.iterates[1].values
    q = parse_id("dL/dW[2][1][1]")
    assert run[Derivative(q.of, q.wrt, None, 1)] == pytest.approx(after.number(q), rel=1e-13)
