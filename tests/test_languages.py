"""Languages: none lacks a phrase, a misconception or a reason; numbers have its decimal mark."""

import json
import re
from pathlib import Path

import pytest

from generator.builtin import LECTURES
from generator.draw import draw
from generator.exercises import found, kinds
from generator.formats import FORMATS
from generator.formula import Cases, Number, Op, Row, Text, rewritten
from generator.keys import key, read_key
from generator.latex import latex
from generator.mathml import mathml
from generator.misconceptions import MISCONCEPTIONS
from generator.pages import pages
from generator.prose import TEMPLATES, languages
from generator.render import words
from generator.typst import typst
from generator.unreadable import REASONS
from tests.conftest import homework, spec_of

OTHERS = [code for code in languages() if code != "en"]
MACRO = re.compile(r"{% macro ([a-z]\w*)\((\w*)", re.ASCII)


def prose(code):
    return (TEMPLATES / "prose" / f"{code}.jinja").read_text("utf-8")


def in_language(name, code):
    return found(name).model_copy(update={"language": code})


@pytest.mark.parametrize("code", OTHERS)
def test_no_language_lacks_a_phrase(code):
    arguments = dict(MACRO.findall(prose(code)))
    assert dict(MACRO.findall(prose("en"))).items() <= arguments.items()


@pytest.mark.parametrize("code", languages())
def test_every_misconception_and_every_reason_is_said(code):
    for m in MISCONCEPTIONS.values():
        assert words("misconception", m, code)
        assert code == "en" or words("misconception", m, code) != m.name
    for reason, text in REASONS.items():
        said = words("unreadable", {"reason": reason, "found": "<&>", "text": text}, code)
        assert ("<&>" in said) == ("{found}" in text and code != "en")


@pytest.mark.parametrize("code", languages())
def test_names_and_marks(code):
    assert words("language_name", {}, code)[0].isupper()
    assert words("decimal_mark", {}, code) in ".,"


HALF = Row((Number("0,5"), Op("·"), Number("-1,25", -7)))


@pytest.mark.parametrize(
    ("write", "said"),
    [(latex, r"0{,}5 \cdot -1{,}25 \cdot 10^{-7}"), (typst, '0","5 ⋅ -1","25 ⋅ 10^(-7)')],
)
def test_a_decimal_comma_has_no_space_after_it(write, said):
    assert write(HALF) == said
    assert "<mn>0,5</mn>" in mathml(HALF)


def test_a_formula_rewritten():
    node = Cases(((Number("1.5"), Text("otherwise")),))
    assert rewritten(node, lambda leaf: Number("2")) == Cases(((Number("2"), Number("2")),))


POINT = re.compile(r"(?<![\w.{(])\d+\.\d+")


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("name", ["mazur", "multiple_choice", "find_mistake", "design", "circuit"])
def test_numbers_have_the_mark_of_the_language(name, code):
    files = pages(draw(in_language(name, code), 1, 1), ("md", "tex"))
    for file, text in files.items():
        body = text.split(r"\begin{document}")[-1]
        body = re.sub(r"\[[\d.]+ex\]|\\begin{picture}.*?\\end{picture}", "", body, flags=re.DOTALL)
        assert POINT.findall(re.sub(r"<[^>]*>", "", body)) == [] or file.endswith(".svg"), file


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize(
    "name",
    [
        n if n == "gradients" else pytest.param(n, marks=pytest.mark.slow)
        for n in kinds()
        if not (spec_of(n).circuit and spec_of(n).circuit.text)
    ],
)
def test_no_english_word_is_left(name, code):
    """But in word problems, which are the spec's own."""
    texts = pages(draw(in_language(name, code), 1, 1), FORMATS)
    for file in ("question.md", "solution.md"):
        text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|!\[[^\n]*", "", texts[file], flags=re.DOTALL)
        assert not re.search(r"\b(the|and|with|weights?|loss|which|of)\b", text, re.IGNORECASE), file


@pytest.mark.parametrize("code", OTHERS)
def test_a_key_is_marked_with_either_decimal_mark(code):
    exercise = draw(in_language("gradients", code), 1, 1)
    assert read_key(json.dumps(key(exercise))).marking.decimal == "either"
    assert read_key(json.dumps(key(homework("gradients")))).marking.decimal == "."


WRONG = [
    (("make-exercise", "mazur", "--language", "xx"), "--language: found 'xx', allowed: "),
    (("make-exercise", "wrong.toml"), "language: found 'xx', allowed: "),
    (("make-exercise", "bad.toml"), "language"),
]


@pytest.mark.parametrize(("command", "said"), WRONG, ids=["option", "spec", "pattern"])
def test_a_language_that_is_not_there(run, command, said):
    spec = run("make-spec", "mazur").out
    Path("wrong.toml").write_text('language = "xx"\n' + spec, "utf-8")
    Path("bad.toml").write_text('language = "../en"\n' + spec, "utf-8")
    done = run(*command)
    assert (done.code, said in done.err) == (2, True), done.err
    assert not Path("output").exists()


def test_a_language_of_ones_own(run):
    Path("mine/prose").mkdir(parents=True)
    Path("mine/prose/xx.jinja").write_text(prose("en").replace("Forward pass", "Vorwaerts"), "utf-8")
    done = run("make-example", "mazur", "--language", "xx", "--templates", "mine", "--format", "md")
    assert done.code == 0, done.err
    assert "Vorwaerts" in Path("output/mazur/example-xx/solution.md").read_text("utf-8")


@pytest.mark.parametrize("code", OTHERS)
def test_the_titles_of_kinds_and_lectures_are_said(code):
    names = [*kinds(), *(path.stem for path in LECTURES.glob("*.toml"))]
    assert [t for n in names if f'  "{(t := found(n).title)}": ' not in prose(code)] == []
    assert words("title", {"title": "A title & of one's own"}, code) == "A title & of one's own"
