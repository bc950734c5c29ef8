"""Kinds of exercises: each is whole, its starter is a good homework; what a spec can ask, and cannot."""

import itertools
import math
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from derive.quantity import Derivative, parse
from derive.verify import TOLERANCE
from generator.builtin import LECTURES
from generator.check import ALIKE
from generator.draw import ATTEMPTS, SCREENS, draw, draw_all, sheet_of
from generator.exercise import build
from generator.exercises import NEEDS, asked, default, fitting, found, kind, kinds
from generator.formats import FORMATS
from generator.prose import TEMPLATES
from generator.publish import contents
from generator.refusal import SpecError
from generator.sheet import ask
from generator.spec_file import load, read
from tests.conftest import homework
from tests.test_spec import GOOD

PROSE = (TEMPLATES / "prose" / "en.jinja").read_text("utf-8")
GROUPS = set(re.findall(r"macro group_(\w+)\(", PROSE))
CLASS = range(20)
MAZUR = load("mazur")


@cache
def twenty(name):
    """A class of a kind, and how often it was drawn again for which reason."""
    rejected = Counter()
    return list(draw_all(found(name), 1, CLASS, rejected)), rejected


def exercise_of(text):
    spec = read(text)
    exercise = build(spec)
    kind = asked(spec)
    return ask(exercise, kind.ask(exercise), kind.working(exercise) if kind.working else ())


def given_numbers(exercise):
    """What a sheet says."""
    source = exercise.spec.source
    return repr((source.sizes if exercise.spec.network else (), source.numbers()))


def ids(exercise):
    return [part.id for part in exercise.parts]


# --- every kind ---


@pytest.mark.parametrize("name", kinds())
def test_a_kind_is_whole(name):
    it = kind(name)
    assert it.title.endswith(".")
    assert len(it.title) <= 100
    assert it.needs
    assert set(it.needs) <= set(NEEDS)
    assert it.overlooks <= {*SCREENS, ALIKE}
    spec = found(name)
    assert default(spec) == name
    assert it.lacks(spec) is None
    assert name in fitting(spec)


@pytest.mark.parametrize("name", kinds())
def test_a_starter_is_small_commented_and_keeps_its_lines_short(name):
    lines = kind(name).spec.splitlines()
    assert len(lines) <= 50
    assert all(len(line) <= 105 for line in lines)
    assert any("#" in line for line in lines)
    assert found(name).title != type(MAZUR).model_fields["title"].default


@pytest.mark.parametrize("name", kinds())
def test_a_starter_draws_twenty_variants_that_are_certified_and_differ(name):
    drawn, rejected = twenty(name)
    assert all(e.kind == name and e.certificate.max_error <= TOLERANCE for e in drawn)
    assert len({given_numbers(e) for e in drawn}) >= 15
    assert rejected.total() <= 2 * len(drawn) < ATTEMPTS
    for e in drawn:
        assert len({part.id for part in e.parts}) == len(e.parts) <= 20
        assert all(p.tolerance <= 0.5 * max(abs(p.answer), 1e-3) for p in e.parts if p.tolerance)


@pytest.mark.parametrize("name", kinds())
def test_every_group_of_a_kind_has_a_phrase(name):
    assert {part.group for part in homework(name).parts} <= GROUPS


def test_no_phrase_is_left_over():
    folder = Path(__file__).parent.parent / "generator" / "exercises"
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    for group in GROUPS:
        assert f'"{group}"' in source


# --- what is asked ---

ASKED = {  # of the kind's own starter: a few of its ids, in their order
    "forward": ["z[1][1]", "a[1][2]", "z[2][1]", "a[2][1]"],
    "loss": ["a[2][1]", "a[2][2]", "L[1]", "L[2]", "L"],
    "chain_rule": [
        "dL[1]/da[2][1]",
        "da[2][1]/dz[2][1]",
        "dz[2][1]/da[1][1]",
        "da[1][1]/dz[1][1]",
        "dz[1][1]/dW[1][1][1]",
        "dL/dW[1][1][1]",
    ],
    "gradients": ["dL/dz[2][1]", "dL/dz[1][1]", "dL/dW[2][1][1]", "dL/dW[1][1][1]"],
    "backprop": ["a[1][1]", "L", "dL/dz[2][1]", "dL/dW[2][1][2]", "dL/dW[1][1][1]", "L@1"],
    "update": ["L", "dL/dW[2][1][1]", "W[2][1][1]@1", "W[1][1][1]@1", "L@1"],
    "updates": ["L", "L@1", "L@2", "L@3", "W[1][1][1]@3"],
    "batch": ["a[1][1]#1", "a[1][1]#3", "dL[1]/dW[1][1][1]#1", "dL[1]/dW[1][1][1]#3", "dL/dW[1][1][1]"],
    "circuit": ["q", "p", "f", "df/dp", "df/dx"],
    "local_derivatives": [
        "z[1][1]",
        "a[3][1]",
        "da[1][1]/dz[1][1]:formula",
        "da[1][1]/dz[1][1]",
        "da[3][1]/dz[3][1]",
    ],
    "parameter_count": ["P[1]", "P[2]", "P[5]", "P"],
    "z_score": ["m", "s", "z1", "z5"],
    "epochs": ["u", "k", "s", "v"],
    "vanishing": ["dL/dz[4][1]", "dL/dz[1][1]", "dz[4][1]/dz[1][1]"],
    "optimizer_step": [
        "dL/dW[1][1][1]",
        "vW[1][1][1]@1",
        "W[1][1][1]@1",
        "dL/dW[1][1][1]@1",
        "vW[1][1][1]@2",
        "W[1][1][1]@2",
    ],
    "stopping": ["L", "L@1", "stop"],
    "collapse": ["a[1][1]", "a[2][1]", "da[2][1]/dx[1]", "da[2][1]/dx[2]"],
    "gradient_check": ["y", "L", "p", "m", "d", "dL/dw"],
    "logic": ["z[1][1]#1", "a[1][1]#1", "z[1][1]#4", "a[1][1]#4"],
    "symbolic": [
        "dL/dW[2][1][1]:formula",
        "dL/dW[1][1][1]:formula",
        "dL/dW[2][1][1]",
        "dL/dW[1][1][1]",
    ],
    "find_mistake": ["mistake", "correction", "dL/dW[2][1][1]", "dL/dW[1][1][1]"],
    "multiple_choice": [
        "L:choice",
        "dL/dz[2][1]:choice",
        "dL/dz[1][2]:choice",
        "dL/dW[1][1][1]:choice",
        "W[1][1][1]@1:choice",
    ],
    "design": ["W[1][1][1]", "W[1][3][2]"],
    "compose": ["a[1][1]#1", "a[1][2]#4", "W[2][1][1]", "W[2][1][2]"],
    "matrix_form": ["shape_W[1]:shape", "shape_dW[2]:shape", "a[2][1]", "dL/dz[1][3]", "dL/dW[1][3][2]"],
}


def test_the_table_is_of_all_kinds():
    assert set(ASKED) == set(kinds())


@pytest.mark.parametrize("name", kinds())
def test_what_a_starter_asks(name):
    there = ids(homework(name))
    assert [q for q in there if q in ASKED[name]] == ASKED[name]


def product_of(exercise, *names):
    result = 1.0
    for name in names:
        result *= exercise.number(parse(name))
    return result


def test_what_the_answers_of_kinds_are_to_each_other():
    """The sentence of each kind, as an equation between its answers."""
    chain = homework("chain_rule")
    *factors, product = chain.parts
    assert product_of(chain, *(p.id for p in factors)) == pytest.approx(product.answer, rel=1e-12)
    batch = homework("batch")
    own = [p.answer for p in batch.parts if p.group == "contribution"]
    assert sum(own) == pytest.approx(batch.parts[-1].answer, rel=1e-12)
    vanishing = homework("vanishing")
    ratio = product_of(vanishing, "dL/dz[4][1]", "dz[4][1]/dz[1][1]")
    assert ratio == pytest.approx(vanishing.number(parse("dL/dz[1][1]")), rel=1e-12)
    scores = homework("z_score")
    assert sum(p.answer for p in scores.parts[2:]) == pytest.approx(0, abs=1e-12)
    check = homework("gradient_check")
    d, gradient = (check.number(parse(q)) for q in ("d", "dL/dw"))
    assert d == pytest.approx(gradient, abs=0.01)
    count = homework("parameter_count")
    widths = count.spec.network.widths
    layers = [(below + 1) * units for below, units in itertools.pairwise(widths)]
    assert [p.answer for p in count.parts] == [*layers, sum(layers)]


@pytest.mark.parametrize("number", CLASS)
def test_when_to_stop_is_when_the_loss_is_first_below_the_goal(number):
    exercise = twenty("stopping")[0][number]
    goal, stop = float(exercise.spec.network.stop_below), int(exercise.parts[-1].answer)
    losses = [state.number(parse("L")) for state in exercise.iterates]
    assert losses[stop] < goal
    assert all(loss >= goal for loss in losses[:stop])


@pytest.mark.parametrize("number", CLASS)
def test_a_drawn_neuron_tells_inputs_apart_and_its_inputs_stay(number):
    exercise = twenty("logic")[0][number]
    assert {p.answer for p in exercise.parts if p.id.startswith("a")} == {0, 1}
    assert exercise.spec.network.inputs == found("logic").network.inputs


UNCLEAR, UNCHANGED = "a goal that is not clearly reached", "a step that no sample changes"
BAD_DRAWS = [  # kind, what is changed in its starter, the reason, whether it is one
    ("stopping", {}, UNCLEAR, False),
    ("stopping", {"stop_below = 0.05": "stop_below = 1e-9"}, UNCLEAR, True),
    ("stopping", {"stop_below = 0.05": "stop_below = 0.02924299", "[[1.0]]": "[[1.1]]"}, UNCLEAR, True),
    ("logic", {}, UNCHANGED, False),
    ("logic", {"biases = [-0.5]": "biases = [0.5]"}, UNCHANGED, True),
]


@pytest.mark.parametrize(("name", "changes", "reason", "bad"), BAD_DRAWS)
def test_a_bad_draw_of_a_kind_is_recognised(name, changes, reason, bad):
    text = kind(name).spec
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    spec = read(text)
    assert SCREENS[reason][0](sheet_of(spec).batch([spec]))[0] == bad


@pytest.mark.parametrize("number", CLASS)
def test_epochs_are_whole_batches(number):
    exercise = twenty("epochs")[0][number]
    assert all(float(p.answer).is_integer() and p.tolerance < 0.5 for p in exercise.parts)
    assert "whole numbers" in contents(exercise, ["md"])["question.md"]


def test_a_solution_goes_as_far_as_its_questions():
    heads = {
        n: re.findall("^## (.*)", contents(homework(n), ["md"])["solution.md"], re.MULTILINE)
        for n in kinds()
    }
    assert heads["loss"][-1] == "Loss"
    assert heads["gradients"][-1] == "Backward pass: layer 1"
    assert heads["update"][-1] == "Update"
    assert heads["z_score"] == ["Answers", "What is given", "The calculation"]
    last = MAZUR.model_copy(update={"ask": read(GOOD + ASK.format("quantity", "dL/dW[2][1][1]")).ask})
    page = contents(draw(last, 1, 1), ["md"])["solution.md"]
    assert re.findall("^## (Backward.*)", page, re.MULTILINE) == ["Backward pass: layer 2 (output)"]


# --- kind and [[ask]] ---

ASK = '[[ask]]\n{} = "{}"\n'


def test_kind_says_what_a_spec_asks_and_ask_combines_it():
    assert ids(exercise_of('kind = "loss"\n' + GOOD))[-1] == "L"
    text = GOOD + ASK.format("kind", "loss") + ASK.format("quantity", "dL/dW[1][1][1]") + "points = 7\n"
    text += ASK.format("kind", "gradients")
    parts = exercise_of(text).parts
    assert [p.id for p in parts[:6]] == ["a[2][1]", "a[2][2]", "L[1]", "L[2]", "L", "dL/dW[1][1][1]"]
    assert [p.points for p in parts[:6]] == [1, 1, 1, 1, 1, 7]
    assert len({p.id for p in parts}) == len(parts)  # what was asked by itself is not asked again
    drawn = draw(read(text), 1, 1)
    assert drawn.kind == "mixed"
    assert contents(drawn, ["md"])["question.md"].count("points)") >= 4


@pytest.mark.parametrize(
    "quantity",
    [
        "z[2][1]",
        "a[1][2]",
        "L",
        "L@1",
        "W[1][1][1]@1",
        "dL/da[1][1]",
        "da[2][1]/dz[2][1]",
        "P",
        "P[1]",
        "dL/dx[1]",
    ],
)
def test_any_id_can_be_asked(quantity):
    exercise = draw(read(GOOD + ASK.format("quantity", quantity)), 1, 1)
    assert ids(exercise) == [quantity]
    assert contents(exercise, FORMATS)["question.md"]


NOT_ASKED = [  # what stands after a good spec -> key, found, allowed
    (ASK.format("quantity", "a[9][9]"), "ask[0].quantity", "a[9][9]", "what is computed"),
    (ASK.format("quantity", "W[1][1][1]"), "ask[0].quantity", "W[1][1][1], which is given", "what is"),
    (ASK.format("quantity", "L@2"), "ask[0].quantity", "L@2", "what is computed"),
    (ASK.format("quantity", "dL/dt[1]"), "ask[0].quantity", "dL/dt[1]", "what is computed"),
    (
        ASK.format("quantity", "L") * 2,
        "ask[1].quantity",
        "L, which was asked before",
        "every quantity once",
    ),
    (
        ASK.format("kind", "loss") * 2,
        "ask[1].kind",
        "loss, which was asked before",
        "every quantity once",
    ),
    (
        ASK.format("kind", "circuit"),
        "ask[0].kind",
        "circuit without a circuit",
        "with this spec: backprop, ",
    ),
    (ASK.format("kind", "batch"), "ask[0].kind", "batch without a second sample", "with this spec: "),
]


@pytest.mark.parametrize(("more", "key", "there", "allowed"), NOT_ASKED)
def test_what_cannot_be_asked(more, key, there, allowed):
    with pytest.raises(SpecError) as refused:
        exercise_of(GOOD + more)
    assert (refused.value.key, refused.value.found) == (key, there)
    assert refused.value.allowed.startswith(allowed)


UNREADABLE = [  # what stands before a good spec, and after it -> key, allowed
    ('kind = "los"\n', "", "kind", "backprop, .*did you mean loss"),
    ('kind = "loss"\n', ASK.format("kind", "loss"), "ask", "one of them"),
    ("", ASK.format("quantity", "dL/"), "ask[0].quantity", "an id such as"),
    ("", "[[ask]]\npoints = 3\n", "ask[0]", "either a kind or a quantity"),
    ("", "[[ask]]\nid = 3\n", "ask[0].id", "kind, quantity, points"),
    (
        "",
        '[draw]\nkeep = ["weight"]\n',
        "draw.keep",
        "inputs, targets, weights, biases; did you mean weights",
    ),
    ("", "[draw.of]\nx = [1]\n", "draw.of", "nothing: it is for the inputs of a circuit"),
    (
        "",
        "[draw]\nsizes = { min = 2, max = 5, decimals = 0 }\n",
        "draw.sizes",
        "a network that has only sizes",
    ),
    (
        "",
        '[draw]\nactivations = ["tanh", "relo"]\n',
        "draw.activations[1]",
        "sigmoid, .*did you mean relu",
    ),
    ("", '[draw]\nactivations = ["softmax"]\n', "draw.activations[0]", "sigmoid, tanh"),
    ("", '[draw]\nnotations = ["plain", "bpi"]\n', "draw.notations[1]", "plain, .*did you mean bpe"),
]


@pytest.mark.parametrize(("before", "after", "key", "allowed"), UNREADABLE)
def test_a_bad_wish_is_refused_when_the_spec_is_read(before, after, key, allowed):
    with pytest.raises(SpecError) as refused:
        read(before + GOOD + after)
    assert refused.value.key == key
    assert re.match(allowed, refused.value.allowed)


NOT_COUNTED = [
    'kind = "backprop"',
    'kind = "find_mistake"',
    'ask = [{ quantity = "P" }, { kind = "loss" }]',
]


@pytest.mark.parametrize("wish", NOT_COUNTED)
def test_of_drawn_sizes_only_counts_can_be_asked(wish):
    text = re.sub("kind = .*", wish, kind("parameter_count").spec)
    with pytest.raises(SpecError, match=r"draw.sizes: found a question for .*, allowed: counts"):
        draw(read(text), 1, 1)


def test_a_working_without_lines_has_no_mistake():
    asked_for, exercise = kind("find_mistake"), build(found("find_mistake"))
    first, right, *_ = ask(exercise, asked_for.ask(exercise)).parts
    assert (math.isnan(first.answer), math.isnan(right.answer)) == (True, True)
    whole = ask(exercise, asked_for.ask(exercise), asked_for.working(exercise))
    assert whole.parts[0].answer == whole.working.first
    assert whole.parts[1].answer == whole.working.right.number


WITHOUT = [  # kind, lecture or kind whose spec lacks something for it, what
    ("backprop", "ceng506-xnor", "targets"),
    ("circuit", "mazur", "a circuit"),
    ("forward", "circuit", "a network"),
    ("updates", "mazur", "a second update"),
    ("optimizer_step", "mazur", "an optimizer that remembers"),
    ("stopping", "mazur", "stop_below"),
    ("collapse", "mazur", "identity activations"),
    ("parameter_count", "mazur", "draw.sizes"),
    ("logic", "ceng506-xnor", "inputs of 0 and 1 (draw.keep)"),
    ("update", "loss", "an update"),
]


@pytest.mark.parametrize(("name", "source", "need"), WITHOUT)
def test_a_kind_that_does_not_fit_says_what_is_missing(name, source, need):
    spec = found(source).model_copy(update={"kind": name})
    with pytest.raises(SpecError, match=re.escape(f"kind: found {name} without {need}, allowed: with")):
        draw(spec, 1, 1)


# --- [draw] ---


def test_what_is_kept_is_not_drawn():
    for part in ("inputs", "targets", "weights", "biases"):
        drawn = draw(read(GOOD + f'[draw]\nkeep = ["{part}"]\n'), 1, 1).spec.network
        own = read(GOOD).network
        same = {
            "inputs": drawn.inputs == own.inputs,
            "targets": drawn.targets == own.targets,
            "weights": [n.weights for n in drawn.layers] == [n.weights for n in own.layers],
            "biases": [n.biases for n in drawn.layers] == [n.biases for n in own.layers],
        }
        assert {key for key, kept in same.items() if kept} == {part}


def test_numbers_can_be_drawn_from_a_list():
    drawn = draw(read(GOOD + "[draw]\nweights = [-0.5, 0.25, 0.75]\n"), 1, 1).spec.network
    weights = {float(w) for layer in drawn.layers for row in layer.weights for w in row}
    assert weights <= {-0.5, 0.25, 0.75}


# --- a kind's name is a spec ---


def test_a_kind_is_found_by_its_name_and_a_lecture_first(monkeypatch):
    assert found("forward").name == "forward"
    assert found("mazur") == MAZUR
    assert not {p.stem for p in LECTURES.glob("*.toml")} & set(kinds())
    monkeypatch.setattr("generator.exercises.KINDS", ("mazur", *kinds()))
    assert found("mazur") == MAZUR


@pytest.mark.parametrize("name", kinds())
def test_a_starter_is_plain_toml(name):
    assert tomllib.loads(kind(name).spec)["kind"] == name


def test_a_derivative_is_asked_of_the_loss_that_it_names():
    assert isinstance(parse(ASKED["batch"][2]), Derivative)


# --- the command line ---


@pytest.mark.parametrize("name", kinds())
def test_make_spec_prints_a_starter_that_makes_an_exercise(run, name):
    printed = run("make-spec", name)
    assert (printed.code, printed.out) == (0, kind(name).spec)
    Path("hw.toml").write_text(printed.out, "utf-8")
    assert run("make-exercise", "hw.toml", "--seed", 7, "--out", "file", "--format", "md").code == 0
    assert run("make-exercise", name, "--seed", 7, "--out", "name", "--format", "md").code == 0
    one, other = (sorted(p for p in Path(at).rglob("*") if p.is_file()) for at in ("file", "name"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in other]


@pytest.mark.parametrize("name", kinds())
def test_a_starter_is_an_example_too(run, name):
    assert run("make-example", name, "--format", "md").code == 0
    assert run("derive", name).code == 0


def test_a_kind_that_does_not_fit_is_wrong_in_every_command(run):
    Path("hw.toml").write_text('kind = "circuit"\n' + GOOD, "utf-8")
    for command in ("make-exercise", "make-example", "derive"):
        done = run(command, "hw.toml")
        assert done.code == 2
        assert "kind: found circuit without a circuit, allowed: with this spec: backprop" in done.err


def test_make_spec_prints_a_lecture_too(run):
    assert run("make-spec", "mazur").out == (LECTURES / "mazur.toml").read_text("utf-8")


WRONG = [  # words, message
    (["make-spec"], "found nothing, allowed: a kind (see `list kinds`), or --schema"),
    (["make-spec", "loss", "--schema"], "found loss and --schema, allowed: a kind"),
    (["make-spec", "los"], "did you mean loss?"),
    (["make-exercise", "los"], "did you mean loss"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_what_make_spec_cannot_print(run, words, message):
    done = run(*words)
    assert done.code == 2
    assert message in done.err


def test_list_kinds_prints_what_each_asks(run):
    assert run("list", "kinds").out.splitlines() == [
        f"{n:<{max(map(len, kinds()))}}  {kind(n).title}" for n in kinds()
    ]
