"""A question gives nothing away: no answer in any rounding, nothing that an answer could be computed
from but what is given, nobody's identity.

Two ways, since neither sees everything.  Numbers with three significant digits or more are searched for;
what is shorter (a 1 of a truth table, a count of 12) stands on every page anyway, as a layer's number or as
points.  And a question is made a second time without a single computed number at hand: it is the same.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

import pytest

from derive.descent import Iterate
from derive.evaluate import Values
from derive.network import counted
from generator import pages as told_pages
from generator.builtin import LECTURES
from generator.draw import draw_all
from generator.exercise import Exercise
from generator.exercises import found, kinds
from generator.formats import FORMATS
from generator.paper import Paper
from generator.prose import TEMPLATES
from generator.publish import answers_csv, contents
from generator.refusal import SpecError
from generator.spec import Spec
from generator.spec_file import read
from tests.conftest import without_places
from tests.test_draw import ON_KINKS

FEWEST, MOST = 3, 17  # significant digits: fewer are no evidence, more a float has not
SEED, STUDENT, SECRET = "seed-918273645", "student-564738291", b"a secret of the course, long enough"
LONG = 1000  # updates, from which on one variant is enough
NUMBER = re.compile(
    r"(\d+(?:\.\d+)?|\.\d+)(?:\s*(?:\\cdot|×|\*)\s*10\^\{?(-?\d+)\}?|[eE]([-+]?\d{1,2})(?![0-9a-f]))?"
)


def printed(text: str) -> set[Decimal]:
    """Every number in a text, without its sign: 0.0312, 3.12·10⁻² and 3.12e-2 alike."""
    text = text.replace("{,}", "").replace(r"\,", "")
    return {Decimal(m[1]).scaleb(int(m[2] or m[3] or 0)).normalize() for m in NUMBER.finditer(text)}


def roundings(number: float) -> set[Decimal]:
    """A number to 3, 4, … significant digits, to nearest and cut off; none that has fewer."""
    exact, cut = abs(Decimal(number)), set()
    for way in (ROUND_HALF_EVEN, ROUND_DOWN):
        for digits in range(FEWEST, MOST + 1):
            cut.add(Context(prec=digits, rounding=way).plus(exact).normalize())
    return {n for n in cut if len(n.as_tuple().digits) >= FEWEST}


WORDS = {n for path in TEMPLATES.rglob("*.*") for n in printed(path.read_text("utf-8"))}


def given(exercise) -> set[Decimal]:
    """What the question has to say: the numbers of its spec as they are typed, z-scores; what there is to
    choose from, and the lines of a working with a mistake in it."""
    spec: Spec = exercise.spec
    said = printed(re.sub(r'Decimal\("?|"', "", spec.model_dump_json(exclude={"points"})))
    graph = exercise.graph
    for q in (q for n in graph.given for s in graph.sample_numbers for q in n.elements(s)):
        said |= {Decimal(repr(abs(exercise.number(q)))).normalize()}
    lines = exercise.working.lines if exercise.working else ()
    shown = [n for part in exercise.parts for n in part.options]
    shown += [n for line in lines for n in (line.number, *line.numbers.values())]
    return said.union(*map(roundings, shown))


def leaks(text: str, it: Exercise | Paper) -> Iterator[str]:
    """What stands in a question and must not."""
    paper = Paper.of(it)
    page = without_places(text.replace(str(paper.variant), ""))
    there = printed(page).difference(WORDS, *map(given, paper.exercises))
    for _, part in paper.parts:
        answers = [("answer", part.answer), *((w.note, w.answer) for w in part.misconceptions)]
        for what, answer in answers:
            if part.form == "formula" and re.search("[-+*/]", str(answer)) and str(answer) in text:
                yield f"{part.id}: {what} {answer}"
            if isinstance(answer, float) and there & roundings(answer):
                yield f"{part.id}: {what} {answer}"
    yield from (hidden for hidden in (SEED, STUDENT, SECRET.decode(), SECRET.hex()) if hidden in text)


def variants(name: str):
    """A few of a kind or a lecture; none where it makes no homework."""
    spec = found(name)
    count = 1 if spec.source.updates > LONG else 2
    try:
        yield from draw_all(spec, SEED, [f"{STUDENT}-{n}" for n in range(count)], secret=SECRET)
    except SpecError as error:
        if error.key != "network.inputs":  # a truth table that nobody can be asked: `sheet_of`
            raise


NAMES = [*kinds(), *sorted(path.stem for path in LECTURES.glob("*.toml") if path.stem not in kinds())]
FAST = {*kinds(), "mazur", "ceng506-and"}
LASTING = [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]


@pytest.mark.parametrize("name", LASTING)
def test_no_question_holds_an_answer_or_what_it_is_drawn_from(name, monkeypatch):
    for exercise in variants(name):
        files = contents(exercise, FORMATS)
        for form in FORMATS:
            assert f"solution.{form}" in files
            assert list(leaks(files[f"question.{form}"], exercise)) == [], form
        assert list(leaks(files["answers.csv"], exercise)) == []
        assert blind_sheet(exercise) == files["answers.csv"]
        if all(part.form != "design" for part in exercise.parts):  # else its truth table is given
            questions = {f: files[f] for f in files if f.startswith("question")}
            assert blind(exercise, monkeypatch) == questions
        if any(counted(exercise.graph, part.quantity) is not None for part in exercise.parts):
            assert "parameters:" not in files["question.md"]


def blind(exercise, monkeypatch):
    """The question, made where nothing has been computed: all values but those given are missing, and the
    answers are others (whole numbers stay whole, which a question may say)."""
    state = exercise.iterates[0]
    only = {node: state.values.forward[node] for node in exercise.graph.given}
    nothing = Iterate(0, state.data, Values(exercise.graph, only, {}))
    parts = tuple(
        replace(part, answer="another" if isinstance(part.answer, str) else part.answer * 3 + 7)
        for part in exercise.parts
    )
    parts = tuple(replace(part, misconceptions=()) for part in parts)
    without = replace(exercise, iterates=[nothing], parts=parts)
    with monkeypatch.context() as patch:  # a solution cannot be told without
        patch.setattr(told_pages._telling(exercise), "worked", lambda exercise: ())
        patch.setattr(told_pages, "answers", lambda exercise, first: None)
        told = told_pages.pages_of(without)
        asked = replace(told, wanted={"question": told.wanted["question"]})
        return asked.files(FORMATS)


def blind_sheet(exercise):
    """The answer sheet, made where there are no answers."""
    parts = tuple(
        replace(part, answer="", tolerance=None, depends_on=(), misconceptions=(), options=())
        for part in exercise.parts
    )
    return answers_csv(Paper.of(replace(exercise, parts=parts, iterates=[])))


@pytest.mark.parametrize("text", ON_KINKS.values(), ids=ON_KINKS)
def test_a_question_does_not_say_which_unit_sits_on_a_kink(text, monkeypatch):
    for exercise in draw_all(read(text), SEED, range(3)):
        files = contents(exercise, FORMATS)
        assert blind(exercise, monkeypatch) == {f: files[f] for f in files if f.startswith("question")}


# --- the search can find ---


@pytest.fixture(scope="module")
def mazur():
    return next(variants("mazur"))


@pytest.fixture(scope="module")
def files(mazur):
    return contents(mazur, FORMATS)


PLANTED = [  # of the answer of a part, its size, a hundred times that, and what a misconception answers
    *("{answer:.2e}", "{answer:.3e}", "{answer:.7e}", "{answer:.16e}"),
    *("{size:.5f}", "{size:.8f}", "{size:.17f}"),
    "% {answer!r}",
    "${hundred:.4f} \\cdot 10^{{-2}}$",
    "{wrong:.4g}",
    SEED,
    f"% {STUDENT}-0",
    SECRET.decode(),
    SECRET.hex(),
]


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("form", FORMATS)
def test_what_is_planted_is_found(mazur, files, form, planted):
    page = files[f"question.{form}"]
    part = next(part for part in mazur.parts if part.misconceptions)
    numbers = {"answer": part.answer, "size": abs(part.answer), "hundred": 100 * abs(part.answer)}
    text = planted.format(**numbers, wrong=part.misconceptions[0].answer)
    assert not list(leaks(page, mazur))
    assert list(leaks(f"{page}\n{text}\n", mazur))


def test_every_solution_leaks(mazur, files):
    for form in FORMATS:
        told = list(leaks(files[f"solution.{form}"], mazur))
        assert {line.split(":")[0] for line in told} >= {part.id for part in mazur.parts}


def test_a_page_that_is_made_of_a_computed_number_is_found(mazur, monkeypatch):
    """The problem of an exercise that tells its own forward pass cannot be made blind."""
    from generator import worked

    monkeypatch.setattr(worked, "problem", lambda e: (e.number(e.graph.root), ())[1])
    with pytest.raises(KeyError):
        blind(mazur, monkeypatch)


NOTHING = [0.0, 1.0, 0.5, 12.0, 100.0, -0.25]


@pytest.mark.parametrize("number", NOTHING)
def test_short_numbers_are_no_evidence(number):
    assert roundings(number) == set()


SEARCHED = [
    (0.0312347, {"0.0312", "0.03123", "0.031235", "0.031234"}),
    (-1234.5, {"1230", "1234", "1234.5"}),
    (4.386e-7, {"4.386e-7", "4.39e-7"}),
]


@pytest.mark.parametrize(("number", "among"), SEARCHED)
def test_what_is_searched_for(number, among):
    assert {Decimal(text).normalize() for text in among} <= roundings(number)


READ = [
    ("a = -0.0312", {"0.0312"}),
    (r"$3.12 \cdot 10^{-2}$", {"0.0312"}),
    ("3.120e-02", {"0.0312"}),
    (".5x", {"0.5"}),
]


@pytest.mark.parametrize(("text", "numbers"), READ)
def test_numbers_are_read_however_they_are_written(text, numbers):
    assert printed(text) == {Decimal(n).normalize() for n in numbers}
