"""z-scores: the lecture's, exactly; any others, against the textbook's formula in many digits."""

import re
import statistics
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.verify import Uncertified, certify_scores
from derive.zscore import Feature, root
from generator.draw import SCREENS, draw, sheet_of
from generator.exercise import build, certified
from generator.formats import FORMATS
from generator.notation import NOTATIONS
from generator.pages import pages
from generator.refusal import SpecError
from generator.spec_file import load, read

# What the lecture prints of its ten rows (1, 2, 3, 9, 10), and what the others were recovered as.
PRINTED = {
    1: ("-0.97", "-0.80"),
    2: ("-0.69", "-0.97"),
    3: ("-1.14", "-1.09"),
    9: ("-0.79", "-0.52"),
    10: ("1.04", "0.34"),
}
RECOVERED = {
    4: ("0.26", "0.63"),
    5: ("0.76", "0.92"),
    6: ("1.14", "1.09"),
    7: ("1.32", "1.49"),
    8: ("-0.93", "-1.09"),
}


def test_the_z_scores_of_the_lecture():
    z = load("shallow").network.numbers()["x"]
    expected = [(PRINTED | RECOVERED)[number] for number in range(1, 11)]
    assert [tuple(map(str, row)) for row in z] == expected


def test_mean_and_standard_deviation_of_the_lecture():
    first, second = load("shallow").network.features()
    assert (first.mean, second.mean) == (Fraction("4.75"), Fraction("2.9"))
    assert (first.deviation, second.deviation) == (
        pytest.approx(2.838720369, abs=5e-10),
        pytest.approx(1.744196727, abs=5e-10),
    )


def test_with_the_standard_deviation_of_a_population_the_lecture_would_print_others():
    first, _ = load("shallow").network.features()
    z = Feature(first.raw, sample=False).scores(2)
    assert str(z[0]) == "-1.02"


decimals = st.decimals(-100, 100, places=2)
columns = st.lists(decimals, min_size=2, max_size=8).filter(lambda xs: len(set(xs)) > 1)


@given(columns, st.booleans(), st.integers(0, 6))
def test_z_scores_are_rounded_half_up_from_fifty_digits(column, sample, digits):
    with localcontext() as context:
        context.prec = 50
        spread = statistics.stdev(column) if sample else statistics.pstdev(column)
        mean = sum(column) / len(column)
        exact = [(x - mean) / spread for x in column]
        unit = Decimal(1).scaleb(-digits)
        halves = [z / unit % 1 for z in exact]
        assume(all(abs(abs(h) - Decimal("0.5")) > Decimal("1e-20") for h in halves))
        expected = [z.quantize(unit, ROUND_HALF_UP) for z in exact]
    feature = Feature(tuple(map(Fraction, column)), sample)
    assert feature.scores(digits) == expected
    assert feature.scores() == pytest.approx(list(map(float, exact)), rel=1e-15)
    assert certify_scores(feature, digits) <= 1e-12
    assert certify_scores(feature, None) <= 1e-12


@given(st.fractions(0, 1000), st.integers(0, 9))
def test_a_root_is_rounded_without_error(square, places):
    unit = Fraction(1, 10**places)
    rounded = Fraction(root(square, places))
    assert max(rounded - unit / 2, 0) ** 2 <= square < (rounded + unit / 2) ** 2


def test_half_a_unit_is_rounded_away_from_zero():
    half = Feature((Fraction(-1), Fraction(-1), Fraction(2)), sample=False)  # z = −1/√2, −1/√2, √2
    assert [str(z) for z in half.scores(0)] == ["-1", "-1", "1"]
    assert root(Fraction("0.25"), 0) == 1
    assert root(Fraction("0.0625"), 1) == Decimal("0.3")


def test_a_wrong_z_score_is_found(monkeypatch):
    feature = load("shallow").network.features()[0]
    wrong = [*feature.scores(2)]
    wrong[3] += Decimal("0.01")
    monkeypatch.setattr(Feature, "scores", lambda *_: wrong)
    with pytest.raises(Uncertified, match="z-score 0.27 of sample 4 does not follow by mpmath"):
        certify_scores(feature, 2)


# --- in a spec ---

RAW = """
name = "raw"
[network]
inputs = [[1, 20], [2, 50], [4, 30], [8, 10]]
standardize = { std = "population", digits = 3 }
targets = [[1], [0], [1], [0]]
reduction = "mean"
updates = 3
[[network.layers]]
weights = [[0.4, 0.1], [0.3, -0.5]]
biases = [0.1, -0.2]
[[network.layers]]
weights = [[0.7, -0.5]]
biases = [0]
"""

HOW = '{ std = "population", digits = 3 }'

BAD = [
    (
        "[[1, 20], [2, 50], [4, 30], [8, 10]]",
        "[[1, 5], [2, 5], [4, 5], [8, 5]]",
        "network.inputs: found 5 in every sample as feature 2, allowed: different numbers: "
        "`standardize` divides by their spread",
    ),
    (
        "[[1, 20], [2, 50], [4, 30], [8, 10]]",
        "[[1, 20]]",
        "network.standardize: found 1 sample, allowed: at least 2: a single one has no spread to divide by",
    ),
    (
        '"population"',
        '"poplation"',
        "network.standardize.std: found 'poplation', allowed: sample, population; did you mean population?",
    ),
    (
        "digits",
        "digit",
        "network.standardize.digit: found an unknown key, allowed: std, digits; did you",
    ),
    (
        "digits = 3",
        "digits = 11",
        "network.standardize.digits: found 11, allowed: less than or equal to 10",
    ),
    (HOW, "true", "network.standardize: found True, allowed: a table"),
    (
        "updates = 3",
        "updates = 0\nstop_below = 0.1",
        "network.stop_below: found 0.1, allowed: no goal, where nothing is trained",
    ),
    ("updates = 3", "stop_below = 0", "network.stop_below: found 0, allowed: greater than 0"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD, ids=[b[2][:40] for b in BAD])
def test_what_cannot_be_standardized_is_refused_in_one_line(old, new, message):
    with pytest.raises(SpecError) as refused:
        read(RAW.replace(old, new, 1), "raw.toml")
    assert str(refused.value.at(None)).startswith(f"raw.toml: {message}")
    assert "\n" not in str(refused.value)


def test_left_to_itself_it_is_the_sample_s_and_not_rounded():
    x = read(RAW.replace(HOW, "{}")).network.numbers()["x"]
    assert x[0][0] == pytest.approx((1 - 3.75) / statistics.stdev([1, 2, 4, 8]), rel=1e-15)


def test_the_page_shows_raw_numbers_mean_deviation_and_the_first_z_score_in_full():
    page = pages(certified(build(load("shallow"))), ["md"])["solution.md"]
    section = re.search(r"## Inputs: z-scores\n(.*?)\n## ", page, re.DOTALL)[1]
    assert "| $1$ | $2$ | $-2.75$ | $7.5625$ | $-0.97$ |" in section
    assert r"| $\sum$ | $47.5$ | $0$ | $72.525$ | $0.00$ |" in section
    assert r"m_{1} & = \frac{47.5}{10} = 4.75" in section
    assert r"s_{1}^{2} & = \frac{72.525}{9} = 8.0583" in section
    assert r"= \frac{2 - 4.75}{2.8387} = -0.9687 \approx -0.97" in section
    assert section.count("| $10$ |") == 2


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("how", [HOW, "{}"])
def test_z_scores_in_every_notation(notation, how):
    spec = read(RAW.replace(HOW, how)).model_copy(update={"notation": notation})
    exercise = certified(build(spec))
    for name, text in pages(exercise, FORMATS).items():
        assert "z-score" in text or name.endswith(".svg")
        assert "None" not in text


# --- in homework ---


def question(spec, seed=7):
    exercise = draw(spec, seed, 1)
    return exercise, pages(exercise, ["md"])["question.md"]


def test_a_question_gives_the_z_scores_that_the_answers_are_computed_from():
    exercise, page = question(read(RAW))
    assert "(the inputs are z-scores, rounded to 3 decimals)" in page
    for sample, row in enumerate(exercise.spec.network.numbers()["x"], 1):
        for j, z in enumerate(row, 1):
            name = rf"x_{{{j}}}^{{[{sample}]}}"
            assert f"{name} = {z.normalize():f}" in page


def test_in_homework_z_scores_are_always_rounded_to_the_digits_of_the_sheet():
    exercise, page = question(read(RAW.replace(HOW, "{}")))
    assert exercise.spec.network.standardize.digits == 4
    assert "rounded to 4 decimals" in page


@pytest.mark.slow
def test_a_draw_that_is_alike_in_every_sample_is_drawn_again():
    few = RAW + "[draw]\ninputs = { min = 1, max = 2, decimals = 0 }\n"
    rejected = Counter()
    for number in range(1, 11):
        exercise = draw(read(few), 7, number, rejected)
        assert all(feature.squares for feature in exercise.spec.network.features())
    assert rejected["the same number in every sample"] > 0


def test_where_nothing_else_can_be_drawn_one_line_says_so():
    alike = RAW + "[draw]\ninputs = { min = 1, max = 1, decimals = 0 }\n"
    with pytest.raises(SpecError, match="500 draws with the same number in every sample, .*draw.inputs"):
        draw(read(alike), 7, 1)


def test_the_screen_knows_a_bad_draw():
    spec = read(RAW)
    alike = [[Decimal(1), *row[1:]] for row in spec.network.inputs]
    network = spec.network.model_copy(update={"inputs": alike})
    screen, _ = SCREENS["the same number in every sample"]
    both = sheet_of(spec).batch([spec.model_copy(update={"network": network}), spec])
    assert list(screen(both)) == [True, False]
