"""check and preview: what a lecturer learns of an exercise before a class has it."""

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.program import Run
from derive.quantity import parse
from generator.check import Drawn, apart, check, checked, closest, closest_of, lines, told_apart
from generator.difficulty import difficulty, work
from generator.draw import draw_all, sheet_of, structure
from generator.exercise import STOP, build
from generator.exercises import found, kinds
from generator.forms import LETTERS
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.refusal import SpecError
from generator.sheet import significant
from generator.spec_file import read

NET = """
name = "small"
digits = 4
[network]
inputs = [[0.5, -0.3]]
targets = [[0.9]]
updates = 0
[[network.layers]]
weights = [[0.4, 0.7]]
biases = [0.1]
[draw]
DRAW
"""


def small(draw="", **changed):
    text = NET.replace("DRAW", draw)
    for old, new in changed.items():
        text = text.replace(old, new)
    return read(text)


# --- the closest pair -------------------------------------------------------------------------


def distance(answers, near, a, b):
    """By the definition."""
    return max(
        0 if x[a] == x[b] else abs(x[a] - x[b]) / (t[a] + t[b]) if t[a] + t[b] else np.inf
        for x, t in zip(answers, near, strict=True)
    )


@given(st.integers(1, 4), st.integers(2, 30), st.integers(0, 10**6), st.sampled_from([0.5, 3, 1e6]))
def test_the_closest_pair_is_that_of_all_pairs(questions, variants, seed, spread):
    rng = np.random.default_rng(seed)
    answers = np.round(rng.normal(size=(questions, variants)) * spread, 1)
    near = np.where(rng.random(answers.shape) < 0.1, 0, rng.uniform(0.01, 0.3, answers.shape))
    all_pairs = {
        pair: distance(answers, near, *pair) for pair in itertools.combinations(range(variants), 2)
    }
    got = closest(answers, near)
    assert got.distance == pytest.approx(min(all_pairs.values()))
    if np.isfinite(got.distance):
        assert distance(answers, near, *got.pair) == pytest.approx(got.distance)
        off = abs(answers[got.part, got.pair[0]] - answers[got.part, got.pair[1]])
        assert off <= got.distance * near[got.part, list(got.pair)].sum() * (1 + 1e-9)
    assert got.collisions == sum(d <= 1 for d in all_pairs.values())


def test_ten_thousand_students_are_compared_in_seconds():
    rng = np.random.default_rng(1)
    answers = rng.normal(size=(12, 10_000))
    answers[:, 777] = answers[:, 4242] + 1e-6
    got = closest(answers, np.full(answers.shape, 5e-4))
    assert (got.pair, got.collisions) == ((777, 4242), 1)


def test_a_single_variant_has_no_pair():
    assert closest(np.ones((3, 1)), np.ones((3, 1))) is None


def test_sheets_are_compared_by_their_numbers_alone():
    parts = [e.parts for e in draw_all(small(), 1, range(3))]
    formulas = [tuple(replace(part, form="formula") for part in sheet) for sheet in parts]
    assert closest_of(parts) == closest_of([(*f, *p) for f, p in zip(formulas, parts, strict=True)])
    assert closest_of(parts).distance > 1
    assert closest_of(formulas) is None


APART = [  # wrong answers, a column a variant; the right ones, tolerance 1; told from it, from each other
    ([[10.0], [20.0]], [0.0], 1.0, 1.0),
    ([[10.0], [11.0]], [0.0], 1.0, 0.0),
    ([[1.5], [20.0]], [0.0], 0.5, 0.5),
    ([[10.0, np.nan], [np.nan, 7.0]], [0.0, 0.0], 1.0, 1.0),
    ([[np.nan]], [0.0], None, None),
    ([[10.0], [11.0], [90.0]], [0.0], 1.0, 1 / 3),
]


@pytest.mark.parametrize(("wrong", "right", "told", "named"), APART)
def test_what_is_told_apart(wrong, right, told, named):
    assert told_apart(np.array(wrong), np.array(right), np.ones(len(right))) == (told, named)


# --- difficulty -------------------------------------------------------------------------------

WORK = [  # inputs, weights, biases, what z costs: Σ d(w)·d(x), then the digits of the longer summand
    ("[[0.5, -0.3]]", "[[0.4, 0.7]]", "[0.1]", 1 * 1 + 1 * 1 + 2 + 1),  # 0.2 − 0.21, then −0.01 + 0.1
    ("[[0.5, 0]]", "[[0.4, 0.7]]", "[0.2]", 1 + 0 + 0 + 1),  # what is 0 is not added
    ("[[0.25, 1]]", "[[0.3, 0.7]]", "[0.2]", 2 + 0 + 2 + 3),  # nobody multiplies by 1
]


@pytest.mark.parametrize(("inputs", "weights", "biases", "cost"), WORK)
def test_work_is_digits_times_digits(inputs, weights, biases, cost):
    changed = {"[[0.5, -0.3]]": inputs, "[[0.4, 0.7]]": weights, "[0.1]": biases}
    spec = small(**changed)
    assert work(sheet_of(spec).batch([spec]))[parse("z[1][1]")] == cost


def test_what_is_computed_twice_is_paid_once_and_more_layers_cost_more():
    one, deep = (difficulty(sheet_of(s).batch([s]))[0] for s in (small(), found("vanishing")))
    assert 0 < one < deep
    spec = small()
    assert one == sum(cost[0] for cost in work(sheet_of(spec).batch([spec])).values())


def test_a_training_costs_what_each_of_its_updates_costs():
    drawn = list(draw_all(found("stopping"), 1, range(10)))
    batch = sheet_of(found("stopping")).batch([e.spec for e in drawn])
    spent = work(batch)
    once = sum(cost for q, cost in spent.items() if q != STOP)
    assert spent[STOP] == pytest.approx(once * [e.parts[-1].answer for e in drawn])


def test_a_band_keeps_a_class_together():
    free, kept = found("stopping"), read(kind_text("stopping") + "band = 1.5\n")
    spreads = []
    for spec in (free, kept):
        rejected = Counter()
        specs = [e.spec for e in draw_all(spec, 1, range(40), rejected)]
        hard = difficulty(sheet_of(spec).batch(specs))
        spreads.append(hard.max() / hard.min())
        assert ("much harder or easier than the others" in rejected) == (spec is kept)
    assert spreads[1] <= 1.5**2 < spreads[0]


def kind_text(name):
    from generator.exercises import kind

    return kind(name).spec


def test_sizes_have_no_band():
    with pytest.raises(SpecError, match="no band where sizes are drawn"):
        read(kind_text("parameter_count") + "band = 2\n")


# --- defects ----------------------------------------------------------------------------------


def undrawn(*specs, exercises=None):
    """A class of specs as they are, which nobody screened."""
    sheet = sheet_of(specs[0])
    made = exercises or [
        replace(e, variant=str(v)) for v, e in enumerate(sheet.batch(specs).exercises())
    ]
    drawn = Drawn([], [], [], [], [], sheet.made_in, sheet.overlooks, Counter())
    drawn.add(made, {structure(specs[0]): sheet})
    return checked(drawn, "small")


def test_a_good_class_has_no_defects():
    report = check(small(), count=30)
    assert report.defects == []
    assert (report.variants, report.uncertified, report.collisions) == (30, [], 0)
    assert report.distance > 1
    assert report.draws == 30 + sum(report.rejected.values())


def test_a_variant_without_a_certificate_is_a_defect():
    spec = small()
    bare = replace(sheet_of(spec).batch([spec])._single(0), variant="K7Q")
    assert undrawn(spec, exercises=[bare]).defects == ["1 variant without a certificate: K7Q"]


def test_a_misconception_that_would_be_marked_right_is_a_defect():
    """The bias, 0.00001, is left out."""
    changed = {"[0.1]": "[0.00001]", "-0.3": "0.3"}
    assert undrawn(small(**changed)).defects == []  # z is not asked: it shows in what follows
    asked = {"[network]": '[[ask]]\nquantity = "z[1][1]"\n[network]'}
    (defect,) = undrawn(small(**changed, **asked)).defects
    assert defect == "1 wrong answer would be marked right: M28 in z[1][1] of 0"


def test_two_sheets_alike_are_a_defect():
    report = undrawn(small(), small(), small(**{"0.9": "0.2"}))
    assert report.collisions == 1
    assert report.defects == ["1 pair of sheets alike, such as 0 and 1: wider ranges in draw"]


def test_few_good_draws_are_a_defect_with_what_to_loosen():
    wide = small("inputs = { min = 5, max = 9 }\nweights = { min = -30, max = 30, decimals = 0 }")
    (defect,) = check(wide, count=20).defects
    assert "rejected for a saturated unit: slow for a class; try narrower draw.weights" in defect


def test_one_variant_that_is_no_number_does_not_end_the_tests_of_others():
    """The gradients of the good one are certified, not only its values."""
    log = {"weights = [[0.4, 0.7]]": 'activation = "log(z)"\nweights = [[0.4, 0.7]]'}
    fine, none = small(**log, **{"[0.1]": "[1]"}), small(**log, **{"[0.1]": "[-1]"})
    alone = sheet_of(fine).batch([fine]).exercises()
    together = sheet_of(fine).batch([none, fine]).exercises()
    assert isinstance(together[0], str)
    assert together[1].certificate == alone[0].certificate


def test_a_letter_is_right_on_many_sheets_so_what_they_give_is_compared():
    spec = found("multiple_choice")
    one, other = (e.spec for e in draw_all(spec, 1, range(2)))
    report = undrawn(one, other, one)
    assert (report.collisions, report.closest, report.closest_in) == (1, ("0", "2"), None)
    (defect,) = report.defects
    assert defect.startswith("1 pair of sheets alike, such as 0 and 2")
    assert "Closest     0 and 2: the same is given" in [*lines(report)]
    assert undrawn(one, other).collisions == 0


def test_of_a_design_the_function_is_given_and_not_the_weights():
    (spec,) = (e.spec for e in draw_all(found("design"), 1, [1]))
    layer, net = spec.network.layers[-1], spec.network

    def with_rows(scale):
        rows = [[w * scale for w in row] for row in layer.weights]
        rows = {"layers": [layer.model_copy(update={"weights": rows})]}
        return spec.model_copy(update={"network": net.model_copy(update=rows)})

    tables = [e.values.forward[e.graph.nodes[-1]] for e in (build(spec), build(with_rows(-1)))]
    assert (tables[0] != tables[1]).any()
    assert undrawn(spec, with_rows(-1)).collisions == 0
    assert undrawn(spec, spec).collisions == 1


def test_networks_that_are_counted_may_be_alike_in_structure():
    text = kind_text("parameter_count").replace("max = 50", "max = 3")
    report = check(read(text), count=80)
    assert (report.variants, report.uncertified) == (80, [])
    assert report.collisions > 0
    assert report.defects


# --- commands ---------------------------------------------------------------------------------


def test_check_reports_and_says_what_it_found(run):
    done = run("check", "update", "--seeds", 40)
    assert done.code == 0
    for word in ("40 variants of seed 1", "Difficulty", "Closest", "L@1", "No defects."):
        assert word in done.out
    assert not Path("output").exists()


def test_a_defect_is_exit_code_1_and_in_the_json(run):
    spec = kind_text("circuit").replace(
        "min = -20, max = 20, decimals = 2", "min = -2, max = 2, decimals = 0"
    )
    Path("hw.toml").write_text(spec, "utf-8")
    done = run("check", "hw.toml", "--seeds", 60, "--json")
    report = json.loads(done.out)
    assert done.code == 1
    assert report["collisions"] > 0
    assert "sheets alike" in report["defects"][0]
    assert report["draws"] == 60 + sum(report["rejected"].values())
    assert [q["id"] for q in report["questions"]][:3] == ["q", "p", "m"]


UNUSABLE = [("--seeds", 0, "--seeds: found 0"), ("--seed", "", "--seed: found something")]


@pytest.mark.parametrize(("option", "said", "message"), UNUSABLE)
@pytest.mark.parametrize("command", ["check", "preview"])
def test_what_cannot_be_used_is_exit_code_2(run, command, option, said, message):
    done = run(command, "update", option, said)
    assert (done.code, message in done.err) == (2, True)


def test_preview_writes_the_easiest_and_the_hardest(run):
    done = run("preview", "forward", "--seeds", 30, "--format", "md")
    assert done.code == 0
    for end in ("easiest", "hardest"):
        folder = Path("output/forward") / f"preview-{end}"
        files = {"question.md", "solution.md", "key.json", "answers.csv"}
        assert {path.name for path in folder.iterdir() if path.suffix != ".svg"} == files
    report = json.loads(run("check", "forward", "--seeds", 30, "--json").out)
    for end in ("easiest", "hardest"):
        key = json.loads((Path("output/forward") / f"preview-{end}" / "key.json").read_text("utf-8"))
        assert key["variant"] == report[end]
    assert "What the hardest takes more work for" in done.out


def test_a_class_is_told_its_closest_pair(run):
    assert "Closest pair: " in run("make-exercise", "update", "--count", 3).out
    assert "Closest pair" not in run("make-exercise", "update").out


# --- thousands --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", kinds())
def test_a_thousand_variants_of_every_kind(name):
    """None uncertified, none with a wrong answer that would be marked right, no two sheets alike."""
    report = check(found(name), "thousand", 1000)
    assert (report.uncertified, report.marked_right) == ([], [])
    assert report.collisions == 0 or report.may_collide
    assert report.defects == []
    assert "".join(lines(report))


@pytest.mark.slow
@pytest.mark.parametrize("name", kinds())
def test_simulated_students(name):
    """Who holds a misconception and has all earlier answers right is never marked right where it is
    made; who rounds every intermediate result to the digits asked is right, of 1,000 at least 999."""
    spec = found(name)
    sheet, drawn = sheet_of(spec), list(draw_all(spec, "students", range(1000)))
    for exercise in drawn:
        for part in exercise.parts:
            for wrong in part.misconceptions:
                if part.form != "number":
                    assert wrong.answer != part.answer
                elif part.quantity in sheet.made_in[wrong.note]:
                    assert abs(wrong.answer - part.answer) > part.tolerance
    for exercise in drawn[::50]:
        for note, made_in in sheet.made_in.items():
            for q in made_in:
                held_one_by_one(exercise, sheet, MISCONCEPTIONS[note], q)
    if spec.draw.sizes:
        return  # counting rounds nothing
    batch = sheet.batch([e.spec for e in drawn])
    careful = sheet._descent(dict(batch.states.start), significant(spec.digits, "nearest"))
    inside = np.ones(len(drawn), dtype=bool)
    for q, answers in batch.answers.items():
        inside &= np.abs(batch.numbers(q, careful) - answers) <= batch.tolerances[q]
    assert inside.mean() >= 0.999


def right_number(part):
    """Of a choice, what its letter stands for."""
    return part.options[LETTERS.index(part.answer)] if part.options else part.answer


def held_one_by_one(exercise, sheet, misconception, q):
    """One formula at a time, from this student's own right answers and what is wrong before."""
    computed = [part for part in exercise.parts if part.form in ("number", "choice")]
    (part,) = (part for part in computed if part.quantity == q)
    given_ = {p.quantity: right_number(p) for p in computed if p.quantity != q}
    rate = float(exercise.spec.source.learning_rate)
    student = Run(exercise.program, exercise.iterates, rate, given_, rewriting([misconception]))
    answer = student.compute(q)
    if part.form == "choice":  # of its many mistakes some are offered; none is the right one rounded
        right = right_number(part)
        unit = 10.0 ** (np.floor(np.log10(abs(right))) - exercise.spec.digits + 1)
        same = answer == pytest.approx(right, rel=1e-8)
        assert same or not np.isfinite(answer) or abs(answer - right) > unit
        return
    noted = {wrong.note: wrong.answer for wrong in part.misconceptions}
    if misconception.id in noted:
        assert answer == pytest.approx(noted[misconception.id], rel=1e-9)
        assert abs(answer - part.answer) > part.tolerance
    else:  # it changes nothing here
        assert not np.isfinite(answer) or answer == pytest.approx(part.answer, rel=1e-8)


def test_how_far_apart():
    assert apart(2.25, "q") == "2.2 × their tolerances apart in q"
    assert apart(float("inf"), "q") == "apart in q, which has to be exact"
