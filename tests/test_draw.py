"""Variants: the same seed the same numbers, everybody's own stream, no bad draw, honest tolerances."""

import re
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.descent import Descent
from derive.expression import NUMPY, Ref, call, value
from derive.quantity import Derivative, parse
from generator.draw import (
    ALPHABET,
    SCREENS,
    digest,
    draw,
    draw_all,
    screened,
    sheet_of,
    twins,
    variant_id,
)
from generator.exercise import build
from generator.exercises import found, kind
from generator.publish import contents
from generator.refusal import SpecError
from generator.sheet import Sheet, ask, significant
from generator.spec import Range
from generator.spec_file import load, read
from tests.conftest import homework
from tests.test_spec import GOOD

MAZUR, CUMMINS = load("mazur"), load("cummins")
INPUTS, FIRST = ["0.17", "0.28"], [["0.54", "-0.33"], ["-0.76", "-0.08"]]  # of seed 7, student 1


def test_the_same_seed_draws_the_same_variant():
    assert draw(MAZUR, 7, 1).parts == draw(MAZUR, 7, 1).parts
    assert draw(MAZUR, 7, 1).variant == draw(MAZUR, 7, 1).variant


def test_seeds_numbers_and_specs_draw_different_variants():
    drawn = [draw(MAZUR, 7, 1), draw(MAZUR, 8, 1), draw(MAZUR, 7, 2), draw(CUMMINS, 7, 1)]
    assert len({e.variant for e in drawn}) == 4
    assert len({e.parts[0].answer for e in drawn}) == 4


def test_a_variant_does_not_depend_on_the_others():
    """Number 3 alone is number 3 of five, whatever was rejected before it."""
    assert [draw(MAZUR, 5, n).variant for n in (1, 2, 3)][2] == draw(MAZUR, 5, 3).variant


def test_the_stream_is_the_same_on_every_machine():
    """Written down once; a change of these numbers breaks every course's seeds."""
    network = draw(MAZUR, 7, 1).spec.network
    assert [str(x) for x in network.inputs[0]] == INPUTS
    assert [[str(w) for w in row] for row in network.layers[0].weights] == FIRST


@pytest.mark.parametrize("spec", [MAZUR, CUMMINS], ids=lambda s: s.name)
def test_a_drawn_network_has_the_shape_of_its_spec(spec):
    drawn = draw(spec, 3, 1).spec.network
    assert [np.shape(layer.weights) for layer in drawn.layers] == [
        np.shape(layer.weights) for layer in spec.network.layers
    ]
    assert [layer.kind_of_bias for layer in drawn.layers] == [
        layer.kind_of_bias for layer in spec.network.layers
    ]
    read_again = type(spec).model_validate(draw(spec, 3, 1).spec.model_dump())
    assert read_again.network == drawn


def test_a_new_title_or_notation_changes_nobodys_numbers():
    other = MAZUR.model_copy(update={"title": "Homework 2", "notation": "plain"})
    assert draw(other, 7, 1).spec.network == draw(MAZUR, 7, 1).spec.network
    assert draw(other, 7, 1).variant == draw(MAZUR, 7, 1).variant


def test_drawn_numbers_are_decimals_of_their_range_and_never_zero():
    spec = MAZUR.model_copy(
        update={"draw": MAZUR.draw.model_copy(update={"weights": Range(min=-1, max=1, decimals=1)})}
    )
    for exercise in draw_all(spec, 1, range(1, 20)):
        for layer in exercise.spec.network.layers:
            for weight in (w for row in layer.weights for w in row):
                assert weight
                assert abs(weight) <= 1
                assert weight == weight.quantize(Decimal("0.1"))


def batch(text):
    exercise = build(read(text))
    return Sheet(exercise, kind("backprop").ask(exercise)).batch([exercise.spec])


BAD_DRAWS = [  # reason, what makes GOOD such a draw
    (
        "a unit at a kink",
        'activation = "relu"\nweights = [[0.15, 0.20], [0.5, -0.60]]\nbiases = [0.35, 0]',
        None,
    ),
    (
        "a layer without an active unit",
        'activation = "relu"\nweights = [[-9, 0.2], [-9, -0.6]]\nbiases = [-1, -1]',
        None,
    ),
    (
        "too many answers that are 0",
        'activation = "relu"\nweights = [[-9, 0.2], [-9, -0.6]]\nbiases = [-1, -1]',
        None,
    ),
    ("a saturated unit", "weights = [[90, 90], [0.25, 0.3]]\nbiases = [0.35, 0.35]", None),
    (
        "a vanishing answer",
        "weights = [[0.15, 0.20], [0.25, 0.3]]\nbiases = [0.35, 0.35]",
        "[[0.000001, 0.10]]",
    ),
    (
        "a wrong answer that would be marked right",  # M03: tanh(z) is z, for a small z
        'activation = "tanh"\nweights = [[0.015, 0.020], [0.025, 0.030]]\nbiases = [0.03, 0.02]',
        None,
    ),
    (
        "a number that is not defined",  # the logarithm of 0
        'activation = "log(z)"\nweights = [[0.15, 0.20], [0.25, 0.30]]\nbiases = [-9, -9]',
        None,
    ),
    (
        "two parts with the same answer",
        "weights = [[0.15, 0.20], [0.15, 0.20]]\nbiases = [0.35, 0.3501]",
        None,
    ),
]


@pytest.mark.parametrize(("reason", "layer", "inputs"), BAD_DRAWS)
def test_a_bad_draw_is_recognised(reason, layer, inputs):
    old = 'weights = [[0.15, 0.20], [0.25, 0.30]]\nbiases = [0.35, 0.35]\nbias = "shared"'
    assert old in GOOD
    text = GOOD.replace(old, layer, 1)
    bad = batch(text.replace("[[0.05, 0.10]]", inputs) if inputs else text)
    assert SCREENS[reason][0](bad)[0]
    assert screened(bad)[0] is not None


def test_every_reason_has_a_bad_draw():
    # In test_standardize.py, because `read` refuses it; in test_exercises.py; in test_check.py.
    elsewhere = {
        "the same number in every sample",
        "a goal that is not clearly reached",
        "a step that no sample changes",
        "no unit at a kink",
        "too few wrong answers to choose from",  # in test_forms.py
        "no mistake that shows",
        "much harder or easier than the others",
        "two mistakes that look alike",  # below
    }
    assert {reason for reason, *_ in BAD_DRAWS} | elsewhere == set(SCREENS)


ALIKE = "two mistakes that look alike"


def test_mistakes_that_look_alike_are_drawn_again_where_that_is_possible():
    """The sign of the error, or the input left out: alike where the input is -1 and no more is asked."""
    text = kind("find_mistake").spec.replace(
        "[network]", '[[ask]]\nquantity = "dL/dW[1][1][1]"\n[network]'
    )
    spec = read(re.sub("kind = .*", "", text))

    def inputs(*of):
        numbers = [Decimal(x) for x in of]
        return spec.model_copy(update={"draw": spec.draw.model_copy(update={"inputs": numbers})})

    assert all(abs(e.spec.network.inputs[0][0]) != 1 for e in draw_all(spec, 1, range(40)))
    first = [e.spec.network.inputs[0][0] for e in draw_all(inputs(-1, "0.7"), 1, range(40))]
    assert set(first) == {Decimal("0.7")}
    assert [*draw_all(inputs(-1), 1, range(5))]  # nothing else can be drawn: they are the same there
    (bad,) = draw_all(inputs(-1), 1, [1])
    bad = sheet_of(spec).batch([bad.spec])
    assert screened(bad) == screened(bad, [True]) == [ALIKE]
    assert screened(bad, [False]) == [None]  # after some draws it is good enough


def test_misconceptions_that_are_the_same_whatever_is_drawn():
    spec = found("updates")
    rate = spec.network.model_copy(update={"learning_rate": Decimal("0.3")})
    steps, signs = frozenset({"M32", "M32b"}), frozenset({"M08", "M09"})
    assert set(twins(sheet_of(spec)).values()) == {steps, signs}  # the learning rate is 1
    assert set(twins(sheet_of(spec.model_copy(update={"network": rate}))).values()) == {signs}
    inputs = frozenset({"M11", "M31"})
    assert set(twins(sheet_of(found("stopping"))).values()) == {
        signs,
        inputs,
    }  # where it never stops too


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("spec", [MAZUR, CUMMINS], ids=lambda s: s.name)
def test_no_bad_draw_gets_through(spec, number):
    exercise = draw(spec, "screens", number)
    answers = [part.answer for part in exercise.parts]
    assert all(a == 0 or abs(a) >= 1e-4 for a in answers)
    for node in exercise.graph.nodes:
        if node.name == "z" and spec is CUMMINS and node.prefix == (1,):
            z = exercise.values.forward[node]
            assert (abs(z) >= 0.05).all()
            assert (z > 0).any()
        if node.name == "a" and spec is MAZUR:
            a = exercise.values.forward[node]
            assert (a * (1 - a) > 0.005).all()
    assert exercise.certificate.max_error <= 1e-12


RANGES = [("1.2", "2.4", 0, {2}), ("0.26", "0.34", 1, {Decimal("0.3")}), ("-1", "1", 0, {-1, 1})]


@pytest.mark.parametrize(("low", "high", "decimals", "drawn"), RANGES)
def test_no_draw_leaves_its_range(low, high, decimals, drawn):
    from generator.draw import _Stream

    source = Range(min=Decimal(low), max=Decimal(high), decimals=decimals)
    stream = _Stream(b"range")
    assert {stream.decimal(source) for _ in range(50)} == drawn


def test_rejections_are_counted_by_reason():
    rejected = Counter()
    assert len(list(draw_all(MAZUR, "count", range(1, 30), rejected))) == 29
    assert set(rejected) <= set(SCREENS)
    assert sum(rejected.values()) > 0


def test_a_spec_that_cannot_be_satisfied_says_which_demand_is_the_impossible_one():
    tiny = GOOD.replace(
        "[network]", "[draw]\nweights = {min = 0.000001, max = 0.000009, decimals = 6}\n[network]", 1
    )
    with pytest.raises(
        SpecError, match="500 of 500 draws with a vanishing answer, allowed: try wider draw.weights"
    ):
        draw(read(tiny), 1, 1)


@pytest.mark.parametrize("toward", ["nearest", "up", "down"])
@pytest.mark.parametrize("number", range(1, 6))
def test_who_rounds_every_intermediate_result_is_right(number, toward):
    exercise = draw(MAZUR, "careful", number)
    careful = Descent(exercise.graph, exercise.iterates[0].data, 0.5, 1, significant(4, toward))
    for part in exercise.parts:
        q = part.quantity
        answer = careful[q.update].values.number(parse(str(q).split("@")[0]))
        assert abs(answer - part.answer) <= part.tolerance


def test_a_tolerance_is_narrow():
    for part in draw(MAZUR, "narrow", 1).parts:
        assert part.tolerance < 0.05 * abs(part.answer)


SIGNIFICANT = [(0.59327, "nearest", 0.5933), (0.59321, "up", 0.5933), (0.59329, "down", 0.5932)]
SIGNIFICANT += [(-0.0226025, "nearest", -0.0226), (123456.0, "nearest", 123500.0), (0.0, "nearest", 0.0)]


@pytest.mark.parametrize(("number", "toward", "expected"), SIGNIFICANT)
def test_significant_digits(number, toward, expected):
    assert significant(4, toward)(np.array(number)) == pytest.approx(expected, rel=1e-15)


def test_parts_depend_on_the_parts_they_are_computed_from():
    exercise = ask(build(MAZUR), kind("backprop").ask(build(MAZUR)))
    depends = {part.id: set(part.depends_on) for part in exercise.parts}
    assert depends["a[1][1]"] == set()
    assert depends["a[2][1]"] == {"a[1][1]", "a[1][2]"}
    assert depends["L"] == {"a[2][1]", "a[2][2]"}
    assert depends["dL/dz[2][1]"] == {"a[2][1]"}
    assert depends["dL/dz[1][1]"] == {"a[1][1]", "dL/dz[2][1]", "dL/dz[2][2]"}
    assert depends["dL/dW[2][1][2]"] == {"dL/dz[2][1]", "a[1][2]"}
    assert depends["L@1"] == {p for p in depends if p.startswith("dL/dW")}


def test_dependencies_skip_what_is_not_asked():
    sheet = Sheet(build(MAZUR), [("loss", parse("L"), 1), ("forward", parse("a[1][1]"), 1)])
    assert sheet.rests_on == {parse("L"): (parse("a[1][1]"),), parse("a[1][1]"): ()}


def test_a_variant_id_is_short_readable_and_checked():
    ids = [variant_id(MAZUR, seed, n) for seed in range(20) for n in range(20)]
    assert len(set(ids)) == 400
    assert all(re.fullmatch("[1-9A-HJKMNP-TV-Z]{3}(-[1-9A-HJKMNP-TV-Z]{3}){2}", i) for i in ids)


@given(st.integers(), st.integers(0, 8), st.sampled_from(ALPHABET))
def test_a_wrong_character_of_a_variant_id_is_noticed(student, at, other):
    places = [ALPHABET.index(c) for c in variant_id(MAZUR, 0, student).replace("-", "")]

    def checks(places):
        *eight, check = places
        return sum(weight * place for weight, place in enumerate(eight, 1)) % len(ALPHABET) == check

    assert checks(places)
    changed = [ALPHABET.index(other) if n == at else place for n, place in enumerate(places)]
    assert checks(changed) == (changed == places)
    exchanged = (
        [*places[: at - 1], *reversed(places[at - 1 : at + 1]), *places[at + 1 :]] if at else places
    )
    assert exchanged == places or at == 8 or not checks(exchanged)


def test_without_the_secret_nobody_finds_a_variant():
    ours, theirs = (draw(MAZUR, 7, "ada", secret=secret) for secret in (b"ours", b"theirs"))
    assert ours.spec.network != theirs.spec.network
    assert ours.variant != theirs.variant


def test_a_student_more_changes_no_one_elses_variant():
    few, more = (
        {e.variant: e.spec.network for e in draw_all(MAZUR, 7, students)}
        for students in (["ada", "bob"], ["zoe", "bob", "carl", "ada"])
    )
    assert few.items() <= more.items()


# --- structure that is drawn ---

VARIED = ["sigmoid", "tanh", "leaky_relu"]
DEEP = f"""
name = "deep"
[network]
inputs = [[0.5, -1.0]]
targets = [[0.7]]
[[network.layers]]
activation = "leaky_relu"
alpha = 0.2
weights = [[0.4, 0.3], [0.2, -0.6]]
biases = [0.3, 0.2]
[[network.layers]]
weights = [[0.4, 0.3], [0.2, -0.6]]
biases = [0.3, 0.2]
[[network.layers]]
weights = [[0.7, -0.5]]
[draw]
activations = {VARIED}
"""


def activations(exercise):
    return [layer.activation for layer in exercise.spec.network.layers]


@pytest.mark.slow
def test_every_hidden_layer_draws_its_activation_and_the_output_keeps_its_own():
    drawn = [*draw_all(read(DEEP), 1, range(40))]
    assert {tuple(activations(e)[:2]) for e in drawn} == {(a, b) for a in VARIED for b in VARIED}
    for e in drawn:
        first, *_, last = e.spec.network.layers
        assert last.activation == "sigmoid"
        assert first.alpha == (Decimal("0.2") if first.activation == "leaky_relu" else None)
        assert [n.op for n in e.graph.nodes] == [n.op for n in e.spec.network.graph().nodes]


def test_a_single_layer_draws_its_activation():
    single = DEEP[: DEEP.index("[[network.layers]]")] + DEEP[DEEP.rindex("[[network.layers]]") :]
    assert {activations(e)[0] for e in draw_all(read(single), 1, range(12))} == set(VARIED)


STRUCTURES = [read(DEEP), found("parameter_count")]


@pytest.mark.slow
@pytest.mark.parametrize("spec", STRUCTURES, ids=lambda spec: spec.name)
def test_a_variant_of_a_drawn_structure_does_not_depend_on_the_others(spec):
    """Whoever else has that structure, or draws first."""
    together = {e.variant: e.parts for e in draw_all(spec, 5, range(20))}
    for student in (3, 11, 17):
        alone = draw(spec, 5, student)
        assert together[alone.variant] == alone.parts


@pytest.mark.slow
def test_the_usual_difficulty_of_a_drawn_structure_does_not_depend_on_the_others():
    spec = read(DEEP + "band = 1.5\n")
    together = {e.variant: e.parts for e in draw_all(spec, 5, range(6))}
    alone = draw(spec, 5, 5)
    assert together[alone.variant] == alone.parts


@pytest.mark.slow
def test_a_structure_is_made_once(monkeypatch):
    import generator.draw

    made = []
    monkeypatch.setattr(
        generator.draw, "sheet_of", lambda s: made.append(activations_of(s)) or sheet_of(s)
    )
    drawn = [*draw_all(read(DEEP), 1, range(60))]
    assert made[0] == ("leaky_relu", "sigmoid", "sigmoid")
    assert len(made) == len(set(made)) <= len(VARIED) ** 2
    assert {activations_of(e.spec) for e in drawn} <= set(made)


def activations_of(spec):
    return tuple(layer.activation for layer in spec.network.layers)


@pytest.mark.slow
def test_a_drawn_notation_changes_nobodys_numbers():
    plain, varied = (read(DEEP + more) for more in ("", 'notations = ["plain", "bpe"]'))
    one, other = ([*draw_all(spec, 1, range(12))] for spec in (plain, varied))
    assert [(e.variant, e.parts, e.spec.network) for e in one] == [
        (e.variant, e.parts, e.spec.network) for e in other
    ]
    assert {e.spec.notation for e in other} == {"plain", "bpe"}
    default = MAZUR.model_copy(update={"draw": MAZUR.draw.model_copy(update={"notations": ["bpe"]})})
    assert draw(default, 7, 1).spec.network == draw(MAZUR, 7, 1).spec.network


# --- units on kinks ---

ON_KINKS = {
    "network": """
name = "kinks"
[network]
inputs = [[1, -2]]
targets = [[1]]
[[network.layers]]
activation = "relu"
weights = [[0.4, 0.2], [0.6, 0.5]]
biases = [0.1, 0.2]
[[network.layers]]
activation = "identity"
weights = [[0.8, -0.5]]
biases = [0.3]
[draw]
kinks = true
inputs = [-2, -1, 0.5, 1, 2]
weights = [-0.6, -0.4, -0.2, 0.2, 0.3, 0.4, 0.6]
biases = [-0.4, -0.2, 0.2, 0.4, 0.5]
""",
    "circuit": """
name = "kinks"
[circuit]
inputs = { x = 1, y = 2, z = 3 }
nodes = ["p = x*y", "f = max(p, z)", "g = f*x"]
output = "g"
[draw]
kinks = true
""",
}
SAID = {  # in the solution, of the unit
    "network": r"Through the ReLU activation to \$(z_\{\d\}\^\{\(1\)\})\$. It is exactly \$0\$, where the activation",
    "circuit": r"\$(f)\$ sits exactly on a kink, where there is no derivative",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_KINKS)
def test_units_on_kinks_where_they_are_wanted(name):
    """Every variant has one, none is merely near; the solution says so, whatever floats make of it:
    0.4·0.5 − 0.2 is not 0 there."""
    rejected, noise = Counter(), 0
    for exercise in draw_all(read(ON_KINKS[name]), 1, range(25), rejected):
        assert exercise.at_kink
        there = {q: exercise.values.number(q) for q in exercise.at_kink if q.name == "z"}
        assert all(abs(z) < 1e-12 for z in there.values())
        noise += any(there.values())
        for node in (n for n in exercise.graph.nodes if name == "network" and n.prefix == (1,)):
            for q in (q for q in node.elements() if node.name == "z"):
                z, slope = exercise.values.number(q), exercise.derivation.derivative(q)
                assert q in exercise.at_kink or abs(z) >= 0.05
                assert q not in exercise.at_kink or exercise.number(slope) == 0
        solution = contents(exercise, ["md"])["solution.md"]
        assert len(set(re.findall(SAID[name], solution))) == len(exercise.at_kink)
        question = contents(exercise, ["md"])["question.md"]  # says what is taken, and not where
        assert question.count("## At a kink") == 1
        assert "\\begin{cases}" in question.split("## At a kink")[1]
        assert "sits" not in question
    assert noise or name == "circuit"
    assert "no unit at a kink" in rejected


@pytest.mark.parametrize("name", ON_KINKS)
def test_no_unit_is_on_a_kink_where_it_is_not_wanted(name):
    spec = read(ON_KINKS[name].replace("kinks = true", ""))
    rejected = Counter()
    drawn = [*draw_all(spec, 1, range(25), rejected)]
    assert not any(e.at_kink for e in drawn)
    assert "At a kink" not in contents(drawn[0], ["md"])["question.md"]
    assert "a unit at a kink" in rejected


def test_what_has_no_kink_cannot_have_units_on_it():
    smooth = ON_KINKS["network"].replace('"relu"', '"tanh"')
    with pytest.raises(
        SpecError, match="500 of 500 draws with no unit at a kink, allowed: try an activ"
    ):
        draw(read(smooth), 1, 1)


def test_a_kink_of_the_specs_own_numbers_is_no_variants():
    own = ON_KINKS["network"].replace("biases = [0.1, 0.2]", "biases = [0, 0.2]")
    spec = read(own.replace("kinks = true", ""))
    assert build(spec).at_kink
    assert not draw(spec, 1, 1).at_kink


def test_wrong_answers_are_told_from_the_right_one():
    """Who makes one mistake, all else right, is outside the tolerance of the question where it shows."""
    sheet = sheet_of(MAZUR)
    for exercise in draw_all(MAZUR, "apart", range(20)):
        for part in exercise.parts:
            for wrong in part.misconceptions:
                if part.quantity in sheet.made_in[wrong.note]:
                    assert abs(wrong.answer - part.answer) > 2 * part.tolerance


def test_a_misconception_shows_where_it_is_made():
    shows = sheet_of(MAZUR).made_in
    assert {str(q.wrt) for q in shows["M24"]} == {
        f"W[{n}][{i}][{j}]" for n in (1, 2) for i in (1, 2) for j in (1, 2)
    }
    assert [str(q) for q in shows["M01"]] == ["dL/dz[2][1]", "dL/dz[2][2]"]
    assert [str(q) for q in shows["M12"]] == ["L", "L@1"]
    assert shows["M03"] == []  # no slope is asked: it shows in what follows
    following = {q for q, answers in sheet_of(MAZUR).batch([MAZUR]).wrong.items() if "M03" in answers}
    assert {str(q.wrt) for q in following} == {"z[1][1]", "z[1][2]", "z[2][1]", "z[2][2]"}


def test_a_misconception_may_be_left_out():
    spec = MAZUR.model_copy(update={"draw": MAZUR.draw.model_copy(update={"ignore": ["M24"]})})
    assert all(w.note != "M24" for part in draw(spec, 7, 1).parts for w in part.misconceptions)
    assert any(w.note == "M24" for part in draw(MAZUR, 7, 1).parts for w in part.misconceptions)


def test_the_digest_is_of_the_content():
    assert digest(load("mazur")) == digest(MAZUR) != digest(CUMMINS)


def by_hand(exercise, digits):
    """Every quantity as somebody computes it who rounds each single operation to `digits` digits."""
    graph, derivation = exercise.graph, exercise.derivation
    to = significant(digits, "nearest")

    def rounded(f):
        return lambda *args: to(np.asarray(f(*args), float))

    rounding = {n: f if n in ("where", ">") else rounded(f) for n, f in NUMPY.items()}
    rate = float(exercise.spec.network.learning_rate)

    def look(q, new, memo):
        if q not in memo:
            memo[q] = compute(q, new, memo)
        return memo[q]

    def compute(q, new, memo):
        inside = lambda name: look(name, new, memo)  # noqa: E731
        if isinstance(q, Derivative):
            step = derivation.step(q)
            if step.rule == "seed":
                return 1.0
            terms = [call("*", Ref(t.upstream), *(f.expr for f in t.factors)) for t in step.terms]
            return float(value(call("+", *terms), inside, rounding))
        definition = graph.definition(q)
        if definition is not None:
            return float(value(definition, inside, rounding))
        node = graph.find(q)[0]
        if new is not None and node.trained:
            return float(
                to(np.asarray(exercise.number(q) - rate * look(derivation.derivative(q), None, new)))
            )
        return exercise.number(q)

    before = {}
    return lambda q: look(q.at(), before, {}) if q.update else look(q, None, before)


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("spec", [MAZUR, CUMMINS], ids=lambda s: s.name)
def test_who_keeps_the_digits_that_the_sheet_asks_for_is_right(spec, number):
    """The sheet: keep at least six digits while computing, give four."""
    exercise = draw(spec, "by hand", number)
    hand = by_hand(exercise, spec.digits + 2)
    for part in exercise.parts:
        answer = float(significant(spec.digits, "nearest")(np.asarray(hand(part.quantity))))
        assert abs(answer - part.answer) <= part.tolerance, part.id


def test_a_draw_that_is_not_certified_is_drawn_again(monkeypatch):
    import generator.sheet
    from generator.exercise import examined

    refused = []

    def once(exercise, *rest):
        found = examined(exercise, *rest)
        if not refused:
            found.wrong[0] = "dL/da[1][1] is 0, but computed as 1e-19: its digits cancel out"
            refused.append(exercise.values[parse("W[1][1][1]")][0])
        return found

    monkeypatch.setattr(generator.sheet, "examined", once)
    rejected = Counter()
    exercise = draw(MAZUR, 7, 1, rejected)
    assert rejected["digits that cancel out"] == 1
    assert exercise.values.number(parse("W[1][1][1]")) != refused[0]


@pytest.mark.parametrize("number", range(1, 6))
def test_cross_entropy_is_asked_with_one_class_for_certain(number):
    """Of the other classes ∂L/∂z = a, which is asked before: that is no coincidence to draw again for."""
    drawn = homework("softmax", number, seed=11)
    (target,) = drawn.spec.network.targets
    assert sorted(target) == [0, 0, 1]
    for i, t in enumerate(target, 1):
        delta, a = (drawn.number(parse(q)) for q in (f"dL/dz[2][{i}]", f"a[2][{i}]"))
        assert delta == pytest.approx(a - float(t), rel=1e-12)


@pytest.mark.parametrize("steps", ["gates", "lines"])
def test_gates_may_be_called_as_the_nodes_of_a_network_are(steps):
    """The screens of activations are about networks."""
    spec = read(f"""
name = "s"
[circuit]
inputs = {{ x = 2, W = 0.5, b = 1, K = 0.3, one = 1, lambda = 0.1, t = 0.7, P = 2 }}
steps = "{steps}"
nodes = ["z = W*x + b", "a = z - t", "L0 = a**2", "R = lambda*K*P", "L = L0 + R*one"]
output = "L"
""")
    assert draw(spec, "1", 1, Counter()).parts
