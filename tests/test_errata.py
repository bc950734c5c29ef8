"""The erratum sheet: what a lecturer receives."""

import re

import pytest

from generator.audit import Fact, audit
from generator.errata import errata, rounded, sheet
from generator.latex import escape_latex
from generator.misconceptions import MISCONCEPTIONS
from generator.pages import errata_pages
from tests.conftest import lecture


def page(name, facts, form="md"):
    exercise = lecture(name)
    return errata_pages(exercise, sheet(exercise, audit(exercise, facts), "slides.md")).files([form])[
        f"errata.{form}"
    ]


def test_a_number_with_what_it_should_be():
    text = page("mazur", [Fact("dL/dW[2][1][1]", "-0.0822", "line 7"), Fact("L", "0.2984", "line 9")])
    assert (
        "2 printed facts were read from slides.md and held against exact values: 1 right, 1 wrong."
        in text
    )
    assert (
        r"1 (line 7): $\frac{\partial E_{\mathrm{total}}}{\partial w_{5}} = -0.0822$ should be $0.0822$."
        in text
    )
    assert "The sign is lost: $0.0821670$." in text or "The sign is lost: $0.082167$." in text


def test_a_formula_with_the_right_one():
    text = page("cummins", [Fact("dL/da[3][1]", "t[1] - a[3][1]", "line 3")])
    assert (
        "1 (line 3): what is printed, the first formula, does not hold; the second does. The sign of the error."
        in text
    )
    first, second = re.findall(r"\$\$\n(.*?)\n\$\$", text, re.DOTALL)
    assert first.endswith(r"= \mathrm{output} - o_{\mathrm{out}}")
    assert second.endswith(r"= o_{\mathrm{out}} - \mathrm{output}")


def test_a_case_that_was_left_out():
    said = "where(z[1][1] > 0, 1, where(z[1][1] == 0, 0, log(-1)))"
    text = page("cummins", [Fact("da[1][1]/dz[1][1]", said)])
    assert "It says nothing for some numbers" in text
    assert "ln" not in text


def test_what_stands_in_several_places_is_one_erratum():
    facts = [
        Fact("L", "0.3", "line 1"),
        Fact("L[1]", "0.2749", "line 2"),
        Fact("L[1]", "0.2749", "line 5"),
    ]
    (only,) = errata(audit(lecture("mazur"), facts))
    assert only.places == ("line 2", "line 5")


def test_no_errata():
    text = page("mazur", [Fact("L", "0.2984")])
    assert "1 right, 0 wrong" in text
    assert "## Errata one by one" not in text


def test_codes_and_ids_are_for_programs():
    text = page("mazur", [Fact("dL/dz[2][1]", "0.7414"), Fact("W[2][1][1]@1", "0.3178")])
    assert not re.search(r"M\d\d|\[\d\]", text)


ROUNDED = [(0.0364, "0.1710", "0.0364"), (-0.00004, "0.12", "0.00"), (2.5, "3", "2"), (21.0, "20", "21")]


@pytest.mark.parametrize(("number", "printed", "expected"), ROUNDED)
def test_as_many_decimals_as_were_printed(number, printed, expected):
    assert rounded(number, printed) == expected


@pytest.mark.parametrize("name", MISCONCEPTIONS)
def test_every_misconception_can_be_set(name):
    assert escape_latex(MISCONCEPTIONS[name].name)
