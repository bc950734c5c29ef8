"""Marking: verdicts, credit, explanations; a class that is known to have made its mistakes."""

import json
from dataclasses import replace
from decimal import Decimal
from functools import cache
from itertools import pairwise, permutations

import numpy as np
import pytest

from derive.quantity import parse
from generator.draw import draw
from generator.exercises import found, kinds
from generator.keys import key, read_key
from generator.marking import HandIn, mark
from generator.misconceptions import MISCONCEPTIONS
from generator.spec_file import read
from tests.conftest import homework
from tests.simulated import a_class, simulated, typed


def marked(name, answers, seed=1, student=1, **marking):
    """The marks of one hand-in, by part; `answers`: part id -> text, or a function of the right number."""
    read_ = _key(name, seed, student, **marking)
    right = {k.id: k.part.answer for k in read_.parts.values()}
    texts = {part: a(right[part]) if callable(a) else a for part, a in answers.items()}
    return {m.part: m for m in mark([HandIn("ada", read_.variant, texts)], {read_.variant: read_})}


@cache
def _key(name, seed, student, **marking):
    spec = found(name)
    shares = {name: Decimal(str(share)) for name, share in marking.items()}
    spec = spec.model_copy(update={"marking": spec.marking.model_copy(update=shares)})
    return read_key(json.dumps(key(draw(spec, seed, student))))


def four(number):
    return typed(number, 4)


G = "dL/dW[1][1][1]"
ONE = [  # answer to ∂L/∂w of `gradients` -> verdict, slip, share of the points
    (four, "correct", "", 1),
    (lambda x: f"  $ {four(x)} $ ", "correct", "", 1),
    (lambda x: f"{x:.12f}", "correct", "", 1),
    (lambda x: f"{100 * x:.6f} %", "correct", "", 1),
    (lambda x: four(x * 10), "wrong", "power of ten", 0.5),
    (lambda x: four(x / 1000), "wrong", "power of ten", 0.5),
    (lambda x: typed(x, 2), "wrong", "too few digits", 0.5),
    (lambda x: four(x * 1.37), "wrong", "", 0),
    ("", "blank", "", 0),
    ("?", "blank", "", 0),
    ("keine Ahnung", "blank", "", 0),
    ("about half", "unreadable", "", 0),
    ("__import__('os').system('x')", "unreadable", "", 0),
    ("(" * 100_000, "unreadable", "", 0),
    ("\0", "unreadable", "", 0),
    ("=cmd()", "unreadable", "", 0),
    ("nan", "unreadable", "", 0),
    ("1e999", "unreadable", "", 0),
]


@pytest.mark.parametrize(("answer", "verdict", "slip", "share"), ONE)
def test_one_answer(answer, verdict, slip, share):
    one = marked("gradients", {G: answer})[G]
    assert (one.verdict, one.slip, one.credit) == (verdict, slip, share * one.points)
    assert (one.unreadable is not None) == (verdict == "unreadable")


def test_digits_that_changed_places():
    one = marked("gradients", {G: lambda x: _exchanged(four(x))})[G]
    assert (one.verdict, one.slip) == ("wrong", "exchanged digits")


def _exchanged(text):
    digits = [k for k, c in enumerate(text) if c.isdigit()]
    for i, j in pairwise(digits):
        if text[i] != text[j] and "0" not in (text[i], text[j]) and j == i + 1:
            return text[:i] + text[j] + text[i] + text[j + 1 :]
    raise AssertionError(text)


def test_a_sign_is_a_misconception_where_one_gives_it_and_else_a_slip():
    delta = "dL/dz[2][1]"
    assert marked("gradients", {delta: lambda x: four(-x)})[delta].notes[0] == "M08"
    assert marked("forward", {"z[1][1]": lambda x: four(-x)})["z[1][1]"].slip == "sign"


def test_the_course_says_what_is_worth_how_much():
    def ten(x):
        return four(10 * x)

    assert marked("gradients", {G: ten}, slip=0)[G].credit == 0
    assert marked("gradients", {G: ten}, slip=1)[G].credit == 1
    few = marked("gradients", {G: lambda x: typed(x, 2)}, digits=1)[G]
    assert (few.verdict, few.credit) == ("wrong", 1)


def test_right_from_ones_own_wrong_answer():
    """δ is wrong, and w's gradient computed with it."""
    wrong = 0.1234
    x = float(homework("gradients").spec.network.inputs[0][0])
    marks = marked("gradients", {"dL/dz[1][1]": str(wrong), G: four(wrong * x)})
    assert marks["dL/dz[1][1]"].verdict == "wrong"
    assert (marks[G].verdict, marks[G].own, marks[G].credit) == ("follow-through", ("dL/dz[1][1]",), 1)
    half = marked("gradients", {"dL/dz[1][1]": str(wrong), G: four(wrong * x)}, follow_through=0.5)
    assert half[G].credit == 0.5


@pytest.mark.parametrize("own", ["0", "1"])
def test_nothing_follows_from_what_leaves_nothing_to_do(own):
    marks = marked(
        "chain_rule", {"dL[1]/da[2][1]": own, "da[2][1]/dz[2][1]": four, "dL/dW[1][1][1]": "0"}
    )
    assert marks["dL/dW[1][1][1]"].verdict != "follow-through"


CHOICES = [("{}", True), ("({})", True), (" {}) ", True), ("{}.", True), ("z", None), ("", None)]


@pytest.mark.parametrize(("how", "right"), CHOICES)
def test_a_choice(how, right):
    one = marked("multiple_choice", {"L:choice": how.format})["L:choice"]
    expected = "correct" if right else "blank" if how == "" else "unreadable"
    assert one.verdict == expected


UNREAD = [  # kind, part, what is typed, what the student is told
    ("multiple_choice", "L:choice", "z", "z is none of the letters; type one of them, such as a"),
    ("matrix_form", "shape_W[1]:shape", "3", "3 is no shape; type rows and columns, such as 3x2"),
]


@pytest.mark.parametrize(("name", "part", "text", "told"), UNREAD)
def test_who_types_what_is_no_choice_or_no_shape_is_told_what_to_type(name, part, text, told):
    assert str(marked(name, {part: text})[part].unreadable) == told


@pytest.mark.parametrize("rules", [{}, {"misconception": 0.25, "slip": 0.75}])
def test_a_wrong_choice_is_worth_what_the_course_says(rules):
    """A misconception's number has the share of a misconception, a slip's that of a slip."""
    exercise = homework("multiple_choice")
    told = set()
    for part in exercise.parts:
        right = part.options["abcdefgh".index(part.answer)]
        for letter, option in zip("abcdefgh", part.options, strict=False):
            one = marked("multiple_choice", {part.id: letter}, **rules)[part.id]
            slip = {-1: "sign", 10: "power of ten", 0.1: "power of ten"}.get(
                round(option / right, 6), ""
            )
            noted = letter in [w.answer for w in part.misconceptions]
            expected = 1 if letter == part.answer else 0.25 if noted else 0.75 if slip else 0
            if not rules:
                expected = 1 if letter == part.answer else 0.5 if slip and not noted else 0
            assert one.credit == expected * one.points
            assert one.slip == ("" if noted or letter == part.answer else slip)
            told.add(one.verdict)
    assert told >= {"correct", "misconception"}


def test_a_slip_in_a_choice_that_no_misconception_gives():
    exercise = homework("multiple_choice")
    read_ = read_key(json.dumps(key(exercise)))
    (keyed, right), *_ = (
        (k, k.part.options["abcdefgh".index(k.part.answer)]) for k in read_.parts.values()
    )
    part = replace(keyed.part, options=(right, -right, 10 * right, 7.0), answer="a", misconceptions=())
    one = replace(read_, parts={keyed.id: replace(keyed, part=part)})
    for letter, slip, share in (("b", "sign", 0.5), ("c", "power of ten", 0.5), ("d", "", 0)):
        (found_,) = mark([HandIn("ada", one.variant, {keyed.id: letter})], {one.variant: one})
        assert (found_.verdict, found_.slip, found_.credit) == ("wrong", slip, share * part.points)


def test_misconceptions_that_are_the_same_are_said_as_one():
    from generator.grading import feedback, note_of, of_class
    from generator.pages import marked_pages

    some = a_class("updates", 3)
    marks = mark(some.hand_ins(some.mistaken("M09")), some.keys)
    one = next(m for m in marks if m.notes)
    assert (one.notes, one.joined, note_of(one)) == (("M08", "M09"), "is", "M08=M09")
    own = [m for m in marks if m.student == one.student]
    page = marked_pages(
        "feedback_title", "T", feedback(some.keys[one.variant], own), some.keys[one.variant].specs[0]
    ).text("marked", "md")
    same = "the sign of the error; which on this sheet is the same as: up the gradient instead of down"
    assert same in page
    page = marked_pages(
        "class_title", "T", of_class(marks, some.keys), next(iter(some.keys.values())).specs[0]
    ).text("marked", "md")
    assert "| M08=M09 | the sign of the error; up the gradient instead of down |" in page


def test_a_wrong_choice_names_its_misconception():
    exercise = homework("multiple_choice")
    part = next(p for p in exercise.parts if p.misconceptions)
    wrong = part.misconceptions[0]
    one = marked("multiple_choice", {part.id: wrong.answer})[part.id]
    assert (one.verdict, wrong.note in one.notes) == ("misconception", True)


FORMULAS = [  # what is typed for ∂L/∂w of the first layer in `symbolic` -> verdict, a misconception
    ("(a[2][1]-t[1])*a[2][1]*(1-a[2][1])*W[2][1][1]*(1-a[1][1]^2)*x[1]", "correct", None),
    ("x_1 (1-(a_1^{(1)})^2) w_{11}^{(2)} (a_1^{(2)}-t_1) a_1^{(2)} (1-a_1^{(2)})", "correct", None),
    ("(a[2][1]-t[1])*a[2][1]*(1-a[2][1])*W[2][1][1]*x[1]", "misconception", "M02"),
    ("(t[1]-a[2][1])*a[2][1]*(1-a[2][1])*W[2][1][1]*(1-a[1][1]^2)*x[1]", "misconception", "M08"),
    ("dL/dW[1][1][1]", "wrong", None),
    ("a[2][1]*x[1]", "wrong", None),
    ("a[2][1]*x[9]", "unreadable", None),
    ("a[2][1]*(", "unreadable", None),
]


@pytest.mark.parametrize(("text", "verdict", "note"), FORMULAS)
def test_a_formula(text, verdict, note):
    part = "dL/dW[1][1][1]:formula"
    one = marked("symbolic", {part: text})[part]
    assert one.verdict == verdict
    assert note is None or note in one.notes


CASES = [  # of leaky ReLU
    ("where(z[2][1] > 0, 1, 0.1)", "correct"),  # as the key has it
    ("1 if z[2][1] >= 0 else 0.1", "correct"),
    ("0.1 if z_1^{(2)} <= 0; 1 otherwise", "correct"),
    ("1 wenn z_1^{(2)} > 0 sonst 0.1", "correct"),
    ("1 for z_1^{(2)} > 0, 0.1 for z_1^{(2)} < 0", "correct"),
    (r"\begin{cases} 1 & z_1^{(2)} > 0 \\ 0.1 & z_1^{(2)} \leq 0 \end{cases}", "correct"),
    ("0.1 if z[2][1] > 0 else 1", "wrong"),
    ("1", "misconception"),
    ("1 if z[2][1] > 0", "unreadable"),
    ("where(z[2][1], 1, 0.1)", "unreadable"),
    ("where(" * 150, "unreadable"),
    ("1 if 1 > " * 70, "unreadable"),
]


@pytest.mark.parametrize(("text", "verdict"), CASES)
def test_a_formula_of_cases(text, verdict):
    part = "da[2][1]/dz[2][1]:formula"
    assert marked("local_derivatives", {part: text})[part].verdict == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("3x2", "correct"),
        ("3 × 2", "correct"),
        ("(3, 2)", "correct"),
        ("2x3", "misconception"),
        ("3", "unreadable"),
        ("4x4", "wrong"),
    ],
)
def test_a_shape(text, verdict):
    part = "shape_W[1]:shape"
    assert marked("matrix_form", {part: text})[part].verdict == verdict


def test_a_design_is_judged_by_what_it_does():
    """Other weights than the key's are right too; others with a wrong row, or too near to 0, are not."""
    exercise = homework("design")
    weights = [float(p.answer) for p in exercise.parts[:2]]  # of the first unit
    others = [float(p.answer) for p in exercise.parts[2:]]
    ids = [p.id for p in exercise.parts]
    bias = float(exercise.spec.network.layers[0].biases[0])
    table = [exercise.number(parse(f"a[1][1]#{s}")) for s in (1, 2, 3, 4)]

    def right(w):
        rows = [(x @ np.array(w)) + bias for x in np.array([[0, 0], [0, 1], [1, 0], [1, 1]])]
        return [float(z > 0) for z in rows] == table and min(map(abs, rows)) >= 0.25

    verdicts = set()
    for w in ([1.01 * v for v in weights], [-v for v in weights], [0.1, 0.1], [7, -9], weights):
        marks = marked("design", dict(zip(ids, map(str, [*w, *others]), strict=True)))
        own = {marks[part].verdict for part in ids[:2]}
        assert own == {"correct" if right(w) else "wrong"}
        assert {marks[part].verdict for part in ids[2:]} == {"correct"}
        verdicts |= own
    assert verdicts == {"correct", "wrong"}


HOSTILE = [  # of any form: unreadable, wrong or blank, at once, and never anything else
    *(mark_ * 10**6 for mark_ in ("(", "[", "{", "√", "|", "-", "9", '"', "$", "1/", "if ", "a[1][1]")),
    *("where(" * 100, "exp(" * 200 + "1" + ")" * 200, "sqrt(" * 200, r"\frac{" * 100),
    *("9^9^9^9", "9**9**9", "1e999999999", "1e" + "9" * 1000, "exp(exp(exp(9)))", "0/0", "1/0"),
    *("\u202e5.0\u202c", "\u200b0.5", "\ud800", "\0", "½½", "٠٫٥", "😀" * 999),
    *("nan", "-inf", "None", "TRUE", "#REF!", "3. Feb", "01.02.2024", "12:30", "=cmd|'/C calc'!A0"),
    *("{{7*7}}", "%s%n", "${7*7}", r"\input{/etc/passwd}", "<script>", "999999x999999", "a or b"),
]
FORMS = ["gradients", "symbolic", "multiple_choice", "matrix_form", "design", "find_mistake"]


@pytest.mark.parametrize("name", FORMS)
def test_hostile_answers_in_every_form(name):
    one = read_key(json.dumps(key(homework(name))))
    hand_ins = [HandIn(str(n), one.variant, dict.fromkeys(one.parts, t)) for n, t in enumerate(HOSTILE)]
    marks = mark(hand_ins, {one.variant: one})
    assert len(marks) == len(HOSTILE) * len(one.parts)
    right = {(m.part, m.answer[:20]) for m in marks if m.verdict not in ("unreadable", "wrong", "blank")}
    assert right == set()
    assert max(len(m.answer) for m in marks) <= 200


DESIGNS = [  # weights of the first neuron, of bias 0.8, that is to be 1, 0, 0, 0; what is said of them
    (("-2", "-2"), None, ""),
    (
        ("1.5", "-1"),
        (3, 2.3, 1, 0),
        "row 3 of the truth table fails. There $a_{1}^{(1)[3]}$ is $1$, not $0$",
    ),
    (("-2", "0.1"), (2, 0.9, 1, 0), "row 2 of the truth table fails"),
    (
        ("-0.8", "-1.2"),
        (3, 0, 0, 0.25),
        "in row 3 the pre-activation is nearer to 0 than $0.25$, by $0.25$",
    ),
    (
        ("-0.9", "-0.9"),
        (2, -0.1, 0, 0.15),
        "in row 2 the pre-activation is nearer to 0 than $0.25$, by $0.15$",
    ),
    (("-2", ""), None, "is not judged without $w_{12}^{(1)}$"),
    (("-2", "many"), None, "is not judged without $w_{12}^{(1)}$"),
]


@pytest.mark.parametrize(("weights", "defect", "told"), DESIGNS)
def test_a_design_that_fails_is_told_where(weights, defect, told):
    from generator.grading import feedback, note_of
    from generator.pages import marked_pages

    exercise = homework("design")
    assert float(exercise.spec.network.layers[0].biases[0]) == 0.8
    assert [exercise.number(parse(f"a[1][1]#{s}")) for s in (1, 2, 3, 4)] == [1, 0, 0, 0]
    ids = [p.id for p in exercise.parts[:2]]
    marks = marked("design", dict(zip(ids, weights, strict=True)))
    own = marks[ids[0]].defect
    assert (own is None) == (defect is None)
    if own:
        assert (own.sample, own.z, own.a, own.short) == pytest.approx(defect, abs=1e-12)
        assert note_of(marks[ids[0]]) == ("margin" if own.short else f"row {own.sample}")
    one = read_key(json.dumps(key(exercise)))
    page = marked_pages("feedback_title", "T", feedback(one, [*marks.values()]), one.specs[0]).text(
        "marked", "md"
    )
    assert told in page
    assert page.count("z_{1}^{(1)[") == (own is not None)  # once for both weights


def test_the_order_of_hand_ins_changes_nothing():
    some = a_class("gradients", 12)
    hand_ins = some.hand_ins(some.mistaken("M02"))
    one, other = mark(hand_ins, some.keys), mark(hand_ins[::-1], some.keys)
    assert sorted(one, key=str) == sorted(other, key=str)
    assert [m.part for m in mark(hand_ins[:1], some.keys)] == list(some.keys[hand_ins[0].variant].parts)


def test_a_sheet_of_several_exercises(tmp_path):
    from generator.paper import drawn, specs_of

    spec = read('name = "hw"\n[[exercise]]\nuse = "loss"\n[[exercise]]\nuse = "gradients"\n')
    (paper,) = drawn(spec, specs_of(spec, str(tmp_path / "hw.toml")), 1, ["ada"])
    one = read_key(json.dumps(key(paper)))
    texts = {part: four(k.part.answer) for part, k in one.parts.items()}
    texts["2:dL/dW[1][1][1]"] = "7"
    marks = {m.part: m for m in mark([HandIn("ada", one.variant, texts)], {one.variant: one})}
    assert [p for p, m in marks.items() if m.verdict != "correct"] == ["2:dL/dW[1][1][1]"]


# --- simulated classes ---------------------------------------------------------------------------

COUNT = 60


LEAST = {"careful": 1, "rounded up": 1, "named": 0.99, "the only one": 0.95, "followed": 0.99}
LEAST |= {"two": 0.95, "sign": 1, "blank": 1}
MOST = {"accused": 0.01}


def assert_marked_as_it_should_be(found_, most=MOST):
    shares = {done: float(np.mean(of_each)) for done, of_each in found_.items() if of_each}
    assert {done: s for done, s in shares.items() if s < LEAST.get(done, 0)} == {}
    assert {done: s for done, s in shares.items() if s > most.get(done, 1)} == {}


@pytest.mark.parametrize("name", ["gradients", "multiple_choice"])
def test_a_simulated_class(name):
    assert_marked_as_it_should_be(simulated(name, COUNT), {"accused": 0.02})


@pytest.mark.slow
@pytest.mark.parametrize("name", kinds())
def test_a_simulated_class_of_every_kind(name):
    assert_marked_as_it_should_be(simulated(name, 300))


def test_two_misconceptions_at_once():
    some = a_class("backprop", 40)
    made = {"M02", "M24"}
    marks = mark(some.hand_ins(some.mistaken(*made)), some.keys)
    wrong = [m for m in marks if m.part == "dL/dW[1][1][1]" and m.verdict != "correct"]
    assert np.mean([bool(made & set(m.notes)) or m.verdict == "follow-through" for m in wrong]) > 0.9
    assert set(MISCONCEPTIONS) > made


def test_no_two_misconceptions_go_round_in_circles():
    """Weights that are newer on a path, where there is none on it any more: ∂L/∂z@1 of ∂L/∂z@2 of …"""
    some = a_class("vanishing", 2)
    made = [m.id for m in some.sheet.misconceptions if some.sheet.rewritten[m.id]]
    for pair in permutations(made, 2):
        assert {*some.mistaken(*pair)} == {*some.asked}  # no RecursionError


def test_who_gains_and_who_loses_by_marking_again():
    from generator.grading import changes

    some = a_class("gradients", 12)
    one = mark(some.hand_ins(some.careful()), some.keys)
    row = f"s0,{one[0].variant}"
    before = f"student,variant,score,max\n{row},3,12\ns1,{some.exercises[1].variant},12,12\n"
    assert [*changes(before, one)] == [
        ("student", "variant", "before", "now"),
        ("s0", one[0].variant, "3", "12"),
    ]


def test_answers_to_somebody_elses_sheet_are_a_question():
    from generator.grading import copied
    from generator.marking import HandIn

    some = a_class("gradients", 12)
    hand_ins = some.hand_ins(some.careful())
    assert copied(mark(hand_ins, some.keys), some.keys) == []
    hand_ins[3] = HandIn("s3", hand_ins[3].variant, hand_ins[7].answers)
    (found_,) = copied(mark(hand_ins, some.keys), some.keys)
    assert (found_.student, found_.other, found_.count, found_.of) == ("s3", "s7", 9, 9)
    assert found_.power >= 3


def test_a_page_shows_what_was_done_and_what_is_right():
    from generator.grading import by_hand_in, feedback, of_class
    from generator.pages import marked_pages

    some = a_class("gradients", 12)
    marks = mark(some.hand_ins(some.mistaken("M02")), some.keys)
    (student, variant), own = next(iter(by_hand_in(marks).items()))
    told = marked_pages(
        "feedback_title", "T", feedback(some.keys[variant], own), some.keys[variant].specs[0], student
    ).files(["md", "tex"])
    assert "a hidden unit's activation derivative is forgotten" in told["marked.md"]
    right = next(m for m in own if m.verdict == "misconception").expected
    assert f"{right:.3g}"[:6] in told["marked.md"]
    pages = marked_pages(
        "class_title", "T", of_class(marks, some.keys), next(iter(some.keys.values())).specs[0]
    ).files(["md"])
    assert "| M02 | a hidden unit's activation derivative is forgotten | $24$ |" in pages["marked.md"]
