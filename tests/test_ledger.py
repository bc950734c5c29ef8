"""The ledger: whatever five lectures print that can be checked, and the verdict on each of it.

The verdicts and the exact numbers were worked out independently of this program, fact by fact.  A fact is
`003-016`: the sixteenth of lecture 003.  Where it says several things (a table and its weights belong
together) it has several rows, and its verdict is the worst of theirs.
"""

import csv
from functools import cache
from pathlib import Path

import pytest

from generator.audit import Fact, audit, read_facts
from generator.builtin import LECTURES
from generator.exercise import build
from generator.spec_file import load

TABLES = Path(__file__).parent / "facts"
NAMES = sorted(path.stem for path in TABLES.glob("*.csv"))
OF_ITS_OWN = {"batch"}  # about any network: the slides have no numbers

PRINTED = {"000": 65, "001": 62, "002": 318, "003": 35, "004": 123}
LEFT_OUT = {
    "000-024", "000-025", "001-016", "001-017", "002-316", "002-317", "002-318",  # opinions, lost figures
    "002-315",  # the numbers of two headings, which are wrong: there is no quantity to it
}  # fmt: skip
WRONG = {"000": 3, "001": 4, "002": 40, "003": 1, "004": 39}
ROUNDED = {"004-045", "004-046", "004-048", "004-057", "004-092"}
VERDICTS = ["match", "rounded-intermediates", "erratum"]  # from good to bad


@cache
def table(name):
    """The rows of a table, in the order of the lecture."""
    with open(TABLES / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


@cache
def audited(name):
    own = TABLES / f"{name}.toml"
    exercise = build(load(name if (LECTURES / f"{name}.toml").is_file() else str(own)))
    return audit(exercise, [Fact(r["quantity"], r["printed"], r["fact"]) for r in table(name)])


def rows():
    return [(name, i, row) for name in NAMES for i, row in enumerate(table(name))]


def worst():
    """fact -> the worst verdict of its rows, as audited."""
    found = {}
    for name, i, row in rows():
        for fact in row["fact"].split():
            found[fact] = max(found.get(fact, "match"), audited(name)[i].verdict, key=VERDICTS.index)
    return found


@pytest.mark.parametrize(
    ("name", "i", "row"),
    [pytest.param(*r, id=f"{r[0]}-{r[2]['fact']}-{r[2]['quantity']}"[:80]) for r in rows()],
)
def test_fact(name, i, row):
    done = audited(name)[i]
    assert (done.fact.id, done.fact.printed, done.verdict) == (
        row["quantity"],
        row["printed"],
        row["verdict"],
    ), done.cause
    if row["exact"]:
        assert done.exact == pytest.approx(float(row["exact"]), rel=1e-12)


def test_every_fact_of_every_lecture_is_there():
    every = {f"{lecture}-{n:03}" for lecture, count in PRINTED.items() for n in range(1, count + 1)}
    assert set(worst()) == every - LEFT_OUT
    assert len(every - LEFT_OUT) == 595


def test_how_many_are_wrong():
    verdicts = worst()
    wrong = [fact for fact, verdict in verdicts.items() if verdict == "erratum"]
    assert {lecture: sum(f.startswith(lecture) for f in wrong) for lecture in PRINTED} == WRONG
    assert {f for f, verdict in verdicts.items() if verdict == "rounded-intermediates"} == ROUNDED


@pytest.mark.parametrize("name", sorted(set(NAMES) - OF_ITS_OWN))
def test_a_lecture_brings_its_facts_in_its_own_order(name):
    """What `audit LECTURE` reads is the same table."""
    own = [(fact.id, fact.printed) for fact in read_facts((LECTURES / f"{name}.csv").read_text())]
    assert own == [(row["quantity"], row["printed"]) for row in table(name)]


CAUSES = [  # fact, what its cause says (of each row that is an erratum)
    ("000-037", "that is 2 for any numbers"),
    ("000-043", "that is dL/da[1][1]: 0.301059"),
    ("000-052", "cut off instead of rounded: 2.14757"),
    ("001-060", "the weight on the path is left out (M21)"),
    ("001-061", "that is 3 for any numbers"),
    ("002-050", "the mean for the sum, or the sum for the mean (M12)"),
    ("002-057", "x stands where z belongs"),
    ("002-070", "from the z-scores before they were rounded: -0.0256353"),
    ("002-071", "the number of W[1][2][2] stands here"),
    ("002-121", "stands where a[1][2]#"),
    ("002-127", "misprinted: -0.69 is given"),
    ("002-137", "the number of b[1][3]@1 (002-136) stands here"),
    ("002-139", "the sign is lost"),
    ("002-196", "the number of a[1][3]#1@99"),
    ("002-225", "cut off instead of rounded"),
    ("002-264", "the sign is lost"),
    *[
        (f"002-{n:03}", "the factor 1/2 of the loss is dropped (M10)")
        for n in (51, 52, 53, 54, 55, 153, 163, 193)
    ],
    *[(f"002-{n}", "the factor 1/2 of the loss is dropped (M10)") for n in (203, 233, 253, 273)],
    *[(f"002-{n}", "stands here, the one before an update") for n in (310, 175, 215, 255)],
    ("002-311", "that is a[1][1]#1"),
    ("003-016", "cut off instead of rounded"),
    ("004-035", "that is z[3][1]"),
    ("004-052", "W[3][1][1] does not depend on a[2][1]"),
    ("004-053", "the number of dz[3][1]/dW[3][1][1]"),
    ("004-055", "M41"),
    ("004-070", "inherited from dL/da[2][1] = -0.50474"),
    ("004-073", "cut off instead of rounded"),
    ("004-079", "inherited from dL/da[2][2]"),
    ("004-091", "inherited from dL/da[2][1] = -0.50474 and dL/da[2][2] = -0.25130"),
    ("004-095", "sums of factors multiplied, not a sum of products (M17)"),
    ("004-095", "16.62 times the right value"),
    ("004-096", "it says nothing for some numbers"),
    ("004-100", "inherited from dL/da[1][1] = -0.02073"),
    ("004-110", "inherited from dL/dW[1][2][1] = -0.05528"),
    ("004-113", "the learning rate is left out (M31)"),
    ("004-117", "digits transposed: 1.02764 is printed"),
]


@pytest.mark.parametrize(("fact", "cause"), CAUSES)
def test_cause(fact, cause):
    causes = [
        audited(name)[i].cause
        for name, i, row in rows()
        if fact in row["fact"].split() and row["verdict"] == "erratum"
    ]
    assert causes
    assert all(cause in found for found in causes), causes


def test_every_erratum_has_a_cause():
    assert not [row["fact"] for name, i, row in rows() if audited(name)[i].cause == "unexplained"]
