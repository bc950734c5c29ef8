"""Forms of answers: what a formula, a choice, a shape and a design have in the key, and why it is right."""

import re
from functools import cache

import numpy as np
import pytest

from derive.network import WEIGHTS
from derive.program import Run, read
from derive.quantity import Derivative, Quantity, parse
from generator.draw import SCREENS, draw, draw_all, sheet_of
from generator.exercise import CORRECTION, MISTAKE
from generator.exercises import found, kind
from generator.exercises._parts import with_function
from generator.forms import FEWEST, FORMS, LETTERS, OPTIONS, lacking
from generator.keys import key
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.publish import contents
from generator.refusal import SpecError
from generator.spec_file import read as read_spec
from tests.conftest import homework

SEEDS = range(20)


@cache
def drawn(name):
    return list(draw_all(found(name), "forms", SEEDS))


def evaluated(exercise, text, rewrite=None):
    """The number of a formula of the key."""
    run = Run(exercise.program, exercise.iterates, float(exercise.spec.source.learning_rate))
    return run.evaluate(read(text))


def test_every_form_is_asked_by_some_kind():
    from generator.exercises import kinds

    asked = {part.form for name in kinds() for part in homework(name).parts}
    assert asked == set(FORMS)


# --- formulas ---


@pytest.mark.parametrize("name", ["symbolic", "local_derivatives"])
def test_a_formula_gives_the_number_and_a_misconception_its_own(name):
    for exercise in drawn(name)[:5]:
        numbers = {part.quantity: part for part in exercise.parts if part.form == "number"}
        for part in (p for p in exercise.parts if p.form == "formula"):
            assert evaluated(exercise, part.answer) == pytest.approx(
                exercise.number(part.quantity), rel=1e-12
            )
            for wrong in part.misconceptions:
                assert not re.search(r"\bd[A-Za-z]", wrong.answer)  # no derivative is left in it
                backward = {w.note: w.answer for w in numbers[part.quantity].misconceptions}
                if wrong.note in backward and wrong.note != "M13":
                    made = MISCONCEPTIONS[wrong.note]
                    rate = float(exercise.spec.source.learning_rate)
                    run = Run(exercise.program, exercise.iterates, rate, {}, rewriting([made]))
                    assert evaluated(exercise, wrong.answer) == pytest.approx(
                        run[part.quantity], rel=1e-9
                    )


FORMULAS = [  # kind, id, formula
    ("symbolic", "dL/dW[2][1][1]", "(a[2][1] - t[1])*a[2][1]*(1 - a[2][1])*a[1][1]"),
    (
        "symbolic",
        "dL/dW[1][1][1]",
        "(a[2][1] - t[1])*a[2][1]*(1 - a[2][1])*W[2][1][1]*(1 - a[1][1]**2)*x[1]",
    ),
    ("local_derivatives", "da[1][1]/dz[1][1]", "a[1][1]*(1 - a[1][1])"),
    ("local_derivatives", "da[2][1]/dz[2][1]", "where(z[2][1] > 0, 1, 0.1)"),
    ("local_derivatives", "da[3][1]/dz[3][1]", "1 - a[3][1]**2"),
]


@pytest.mark.parametrize(("name", "quantity", "formula"), FORMULAS)
def test_the_formula_of_the_key(name, quantity, formula):
    parts = {p.id: p for p in homework(name).parts}
    assert parts[f"{quantity}:formula"].answer == formula
    assert parts[f"{quantity}:formula"].tolerance is None


# --- choices ---


def test_the_letter_of_a_choice_is_that_of_the_right_number_and_the_others_are_wrong():
    letters = set()
    for exercise in drawn("multiple_choice"):
        for part in exercise.parts:
            right = exercise.number(part.quantity)
            assert FEWEST <= len(part.options) <= OPTIONS
            assert list(part.options) == sorted(part.options)
            assert part.options[LETTERS.index(part.answer)] == pytest.approx(right, rel=1e-12)
            others = [option for option in part.options if option != right]
            assert all(abs(option - right) > 1e-4 * abs(right) for option in others)
            assert part.answer not in {w.answer for w in part.misconceptions}
            letters.add(part.answer)
    assert letters == set("abcde")


def test_options_are_on_the_sheet_and_the_letter_is_not():
    exercise = drawn("multiple_choice")[1]
    page = contents(exercise, ["md"])["question.md"]
    for part in exercise.parts:
        assert all(f"({letter})" in page for letter in LETTERS[: len(part.options)])
    assert key(exercise)["parts"][0]["options"] == list(exercise.parts[0].options)


def test_a_choice_needs_wrong_answers():
    """A loss of 0 has no other sign, no other power of ten."""
    text = kind("multiple_choice").spec.replace("targets = [[0.9]]", "targets = [[0]]")
    text = text.replace("weights = [[0.4, -0.7], [-0.3, 0.6]]", "weights = [[0, 0], [0, 0]]")
    text = text.replace(
        'activation = "sigmoid"\nweights = [[0.8, -0.5]]', 'activation = "identity"\nweights = [[0, 0]]'
    )
    spec = read_spec(text.replace("biases = [0.3]", "biases = [0]"))
    batch = sheet_of(spec).batch([spec])
    assert lacking(batch)[0]
    assert SCREENS["too few wrong answers to choose from"][0](batch)[0]


# --- a mistake that is to be found ---


def test_the_first_wrong_line_is_the_first_that_differs():
    planted = set()
    for exercise in drawn("find_mistake"):
        working, numbers = exercise.working, {p.quantity: p.answer for p in exercise.parts}
        right = [exercise.number(line.quantity) for line in working.lines]
        shown = [line.number for line in working.lines]
        wrong = [
            k for k, (a, b) in enumerate(zip(shown, right, strict=True), 1) if abs(a - b) > 1e-9 * abs(b)
        ]
        assert numbers[MISTAKE] == working.first == wrong[0]
        assert (
            numbers[CORRECTION] == working.right.number == pytest.approx(right[wrong[0] - 1], rel=1e-12)
        )
        planted.add(working.note)
        rate = float(exercise.spec.source.learning_rate)
        run = Run(
            exercise.program, exercise.iterates, rate, {}, rewriting([MISCONCEPTIONS[working.note]])
        )
        assert shown == pytest.approx([run[line.quantity] for line in working.lines], rel=1e-9)
    assert len(planted) >= 8


def test_every_line_of_a_working_can_be_recomputed_from_the_numbers_in_it():
    from derive.expression import value

    for exercise in drawn("find_mistake")[:8]:
        before, lines = {}, [line.quantity for line in exercise.working.lines]
        for line in exercise.working.lines:
            assert value(line.formula, line.numbers.__getitem__) == pytest.approx(line.number, rel=1e-12)
            for q, number in line.numbers.items():
                assert number == before.get(q, number)  # what was computed before is computed on with
                assert not isinstance(q, Derivative) or q in lines
            before[line.quantity] = line.number


def test_a_mistake_must_show():
    """Who leaves out every misconception leaves none to plant."""
    known = ", ".join(f'"{note}"' for note in MISCONCEPTIONS)
    spec = read_spec(kind("find_mistake").spec.replace("[draw]", f"[draw]\nignore = [{known}]"))
    assert SCREENS["no mistake that shows"][0](sheet_of(spec).batch([spec]))[0]


# --- shapes ---

SHAPES = [  # notation, shapes of the starter's matrices, 2-3-1
    (
        "plain",
        {"W[1]": "3x2", "a[1]": "3x1", "delta[1]": "3x1", "dW[1]": "3x2", "W[2]": "1x3", "a[2]": "1x1"},
    ),
    (
        "cummins",
        {"W[1]": "2x3", "a[1]": "1x3", "delta[1]": "1x3", "dW[1]": "2x3", "W[2]": "3x1", "a[2]": "1x1"},
    ),
]


@pytest.mark.parametrize(("notation", "shapes"), SHAPES)
def test_shapes_follow_the_convention_of_the_notation(notation, shapes):
    spec = read_spec(kind("matrix_form").spec.replace('notation = "plain"', f'notation = "{notation}"'))
    exercise = draw(spec, 1, 1)
    parts = {p.id: p for p in exercise.parts}
    assert {name: parts[f"shape_{name}:shape"].answer for name in shapes} == shapes
    assert {w.note for w in parts["shape_W[1]:shape"].misconceptions} == {"M14"}
    page = contents(exercise, ["md"])["question.md"]
    assert "{3 \\times 2}" not in page
    assert ("row vector" if notation == "cummins" else "column vector") in page


# --- designs ---


@pytest.mark.parametrize("name", ["design", "compose"])
def test_the_design_of_the_key_has_the_truth_table_and_the_margin(name):
    functions = set()
    for exercise in drawn(name):
        net = exercise.spec.network
        hidden = np.array(net.inputs, dtype=float)
        for layer in net.layers:
            z = hidden @ np.array(layer.weights, dtype=float).T + np.array(layer.biases, dtype=float)
            hidden = (z > 0).astype(float)
        assert (abs(z) >= float(exercise.spec.margin)).all()
        for unit in range(len(net.layers[-1].weights)):
            table = [
                exercise.number(Quantity("a", (len(net.layers), unit + 1), s)) for s in (1, 2, 3, 4)
            ]
            assert hidden[:, unit].tolist() == table
            functions.add(tuple(table))
        designs = [p for p in exercise.parts if p.form == "design"]
        assert [p.answer for p in designs] == [float(w) for row in net.layers[-1].weights for w in row]
        assert all(p.tolerance is None for p in designs)
    assert len(functions) > (5 if name == "design" else 1)
    if name == "compose":
        assert functions == {(0, 1, 1, 0), (1, 0, 0, 1)}


def test_a_design_is_not_given_away():
    for name in ("design", "compose"):
        page = contents(drawn(name)[3], ["md"])["question.md"]
        last = len(found(name).network.layers)
        assert f"w_{{11}}^{{({last})}} = " not in page.split("## Questions")[0].split("The numbers")[1]
        assert "truth table" in page
        assert "0.25" in page
        assert "whole numbers" not in page


def test_no_function_without_weights_for_it():
    """A bias of 0.2 is nearer to 0 than the margin: the first sample decides."""
    text = kind("design").spec.replace("[-1.5, -0.5, 1.5]", "[-1.5, -0.2, 1.5]")
    assert with_function(read_spec(text), 0) is None
    assert with_function(read_spec(text.replace("margin = 0.25", "margin = 0.2")), 0) is not None


CORNERS = "[[0, 0], [0, 1], [1, 0], [1, 1]]"
DESIGNS = [  # inputs, weights, biases, bias
    ("[[0], [1]]", "[[1]]", "[-0.5]", "per_unit"),
    ("[[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 1]]", "[[1, 1, 1]]", "[-0.5]", "per_unit"),
    ("[[0, 1], [1, 0], [1, 1]]", "[[1, 1]]", "[]", "none"),
    (CORNERS, "[[1, 1], [1, 1]]", "[-0.5, -0.5]", "shared"),
]


@pytest.mark.parametrize(("inputs", "weights", "biases", "bias"), DESIGNS)
def test_a_design_of_other_shapes(inputs, weights, biases, bias):
    text = kind("design").spec.replace(CORNERS, inputs).replace("[[1, 1], [1, 1], [-1, -1]]", weights)
    text = text.replace("biases = [-1.5, -0.5, 1.5]", f'bias = "{bias}"\nbiases = {biases}')
    for exercise in draw_all(read_spec(text), 1, range(5)):
        layer = exercise.spec.network.layers[-1]
        assert len(set(layer.biases)) == (bias != "none")
        graph = exercise.graph
        z = exercise.values.forward[next(node for node in graph.nodes if node.name == "z")]
        assert (abs(z) >= 0.25).all()


def test_where_nothing_can_be_designed_it_is_said_what_to_loosen():
    text = kind("design").spec.replace("margin = 0.25", "margin = 9")
    with pytest.raises(
        SpecError, match="nothing to design, allowed: try a smaller margin or other draw.biases"
    ):
        draw(read_spec(text), 1, 1)


UNDESIGNED = [  # what of the starter is replaced by what, what it lacks
    (CORNERS, "[[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]", "at most 4 inputs of an output"),
    ('"step"', '"relu"', "step outputs"),
]


@pytest.mark.parametrize(("old", "new", "need"), UNDESIGNED)
def test_what_cannot_be_designed_is_refused(old, new, need):
    text = kind("design").spec.replace(old, new)
    if need.startswith("at most"):
        text = text.replace("[[1, 1], [1, 1], [-1, -1]]", str([[1] * 5] * 3))
    with pytest.raises(SpecError, match=f"found design without {need}"):
        draw(read_spec(text), 1, 1)


# --- ids ---


def test_a_quantity_can_be_asked_in_two_forms():
    exercise = homework("symbolic")
    ids = [part.id for part in exercise.parts]
    assert len(set(ids)) == len(ids)
    assert all(parse(part.id.partition(":")[0]) == part.quantity for part in exercise.parts)
    assert all(q.wrt.name in WEIGHTS for q in (part.quantity for part in exercise.parts))
