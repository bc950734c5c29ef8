"""Deck: as slides a worked example is all there, in its order, and no slide holds more than it can."""

import io
import subprocess

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.builtin import LECTURES
from generator.deck import ROOM, Slide, slides
from generator.draw import draw
from generator.exercise import build, certified
from generator.exercises import found, kinds
from generator.formats import FORMATS
from generator.formula import EMPTY, Aligned, Symbol, row
from generator.page import Block, Section, Table
from generator.pages import pages_of
from generator.paper import Paper
from generator.pdf import ENGINES
from generator.picture import extent
from generator.render import document, words
from generator.spec_file import load

ALL = sorted(path.stem for path in LECTURES.glob("*.toml"))


def told(exercise, language="en"):
    """The pages of a deck, and its slides."""
    spec = exercise.spec.model_copy(update={"language": language})
    paper = Paper(spec, (exercise,), exercise.variant)
    pages = pages_of(paper, only=["slides"])
    (one,) = pages.wanted["slides"]["exercises"]
    return pages, [*slides(one["sections"], lambda b: len(words(b.phrase, b.args, language)))], one


def exercise_of(name):
    return draw(found(name), 1, 1) if name in kinds() else certified(build(load(name)))


def lines_of(formulas):
    """The lines of formulas, and their numbers."""
    for node, number in formulas:
        yield from node.lines if isinstance(node, Aligned) else [node]
        yield from [number] if number else []


@pytest.mark.parametrize("name", ["mazur", "cummins", "ceng506-layers", "find_mistake", "circuit"])
def test_nothing_is_left_out_and_nothing_said_twice(name):
    _, deck, one = told(exercise_of(name))
    for section in one["sections"]:
        mine = [slide for slide in deck if slide.section == section]
        told_ = [block for slide in mine for block in slide.blocks]
        for part in ("formulas", "table", "picture"):
            whole, parts = ([getattr(b, part) for b in blocks] for blocks in (section.blocks, told_))
            if part == "formulas":
                whole, parts = ([x for f in some for x in lines_of(f)] for some in (whole, parts))
            elif part == "table":
                whole, parts = ([r for t in some if t for r in t.rows] for some in (whole, parts))
            else:
                whole, parts = ([p for p in some if p] for some in (whole, parts))
            assert whole == parts
        said = [b.phrase for slide in mine if not slide.again for b in slide.blocks]
        assert said == [block.phrase for block in section.blocks]


@given(
    st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=6),
    st.integers(0, 40),
    st.integers(0, 300),
)
def test_of_any_length(heights, rows, letters):
    """Formulas of any number of lines and tables of any length are parted; in their order, evenly."""
    line = (Symbol("a"), row("=", Symbol("b")))
    formulas = tuple(
        (Aligned((line,) * high), n if tagged else None) for n, (high, tagged) in enumerate(heights, 1)
    )
    table = Table(("part_head",), tuple((Symbol(str(n)),) for n in range(rows))) if rows else None
    block = Block("p", {}, formulas, table)
    deck = [*slides([Section("s", {}, (block,))], lambda b: letters)]
    lines = [x for slide in deck for b in slide.blocks for x in lines_of(b.formulas)]
    assert lines == [*lines_of(formulas)]
    assert [r for slide in deck for b in slide.blocks if b.table for r in b.table.rows] == (
        list(table.rows) if table else []
    )
    assert [slide.again for slide in deck] == [bool(n) for n in range(len(deck))]
    for slide in deck:
        nodes = [node for b in slide.blocks for node, _ in b.formulas]
        assert sum(sum(extent(node)) for node in nodes) < ROOM


def test_sentences_that_stand_alone_share_a_slide():
    blocks = tuple(Block(f"p{n}") for n in range(3))
    section = Section("s", {}, blocks)
    assert [*slides([section], lambda b: 60)] == [Slide(section, blocks)]
    assert len([*slides([section], lambda b: 900)]) == 3


@pytest.mark.parametrize("language", ["en", "de", "tr"])
@pytest.mark.parametrize("name", ALL)
def test_a_slide_is_a_page(name, language):
    """By typst: what is too much for a slide would go on a page of its own."""
    pages, deck, _ = told(exercise_of(name), language)
    body = pages.body("slides", "typ")
    made = ENGINES["typst"].run(document("typ", [body], fillable=True))
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert len(pdf.pages) == len(deck) + 2  # the title, what vouches for it


@pytest.mark.slow
@pytest.mark.parametrize("name", kinds())
def test_a_slide_is_a_page_of_every_kind(name):
    test_a_slide_is_a_page(name, "en")


@pytest.mark.tex
@pytest.mark.parametrize("name", ALL)
def test_a_slide_holds_what_is_on_it(name, tmp_path):
    """By beamer, which would only warn."""
    pages, deck, _ = told(exercise_of(name))
    (tmp_path / "slides.tex").write_text(pages.text("slides", "tex"), encoding="utf-8")
    for _ in range(2):
        run = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "slides.tex"],
            cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
    log = run.stdout.decode("latin-1")
    assert run.returncode == 0, log[-1000:]
    assert "Overfull" not in log
    assert "Missing character" not in log
    assert "undefined" not in log
    with pikepdf.open(tmp_path / "slides.pdf") as pdf:
        assert len(pdf.pages) == len(deck) + 2


@pytest.mark.parametrize("format_", FORMATS)
def test_factors_have_their_numbers_and_results_a_box(format_):
    text = told(exercise_of("mazur"))[0].text("slides", format_)
    brace, box = {
        "md": (r"\underbrace{", r"\boxed{0.08217}"),
        "tex": (r"\underbrace{", r"\boxed{0.08217}"),
        "typ": ("underbrace(", "$0.08217$)"),
        "html": ("⏟", 'class="boxed"'),
    }[format_]
    assert brace in text
    assert box in text


@pytest.mark.parametrize("name", ["mazur", "ceng506-layers"])
def test_an_equation_is_not_parted(name):
    """What goes on, goes on where it began: these are all lower than a slide."""
    for slide in told(exercise_of(name))[1]:
        for node, _ in slide.blocks[0].formulas if slide.section.phrase != "network" else ():
            assert not (slide.again and isinstance(node, Aligned) and node.lines[0][0] == EMPTY)


@pytest.mark.parametrize("engine", ["typst", pytest.param("latex", marks=pytest.mark.tex)])
def test_two_decks_of_several_exercises(engine, run, tmp_path):
    """Each exercise has a title of its own; a deck begins at the first."""
    sheet = 'name = "s"\n[[exercise]]\nuse = "circuit"\n[[exercise]]\nuse = "parameter_count"\n'
    (tmp_path / "s.toml").write_text(sheet, encoding="utf-8")
    made = ("--count", "2", "--pages", "slides", "--format", "pdf", "--engine", engine)
    assert run("make-exercise", str(tmp_path / "s.toml"), *made, "--out", str(tmp_path)).code == 0
    assert len([*tmp_path.rglob("slides.pdf")]) == 2


def test_of_the_command_line(run, tmp_path):
    arguments = ("--pages", "slides", "--format", "md,pdf", "--out", str(tmp_path))
    assert run("make-example", "ceng506-and", *arguments)[0] == 0
    assert {path.suffix for path in tmp_path.rglob("slides.*")} == {".md", ".pdf"}
    code, _, said = run("make-example", "mazur", "--pages", "booklet")
    assert code == 2
    assert said == "chainwork: --pages: found 'booklet', allowed: solution, slides\n"


def test_braces_are_for_pages_too(tmp_path, run):
    (tmp_path / "b.toml").write_text(
        'name = "b"\nbraces = true\n[network]\ninputs = [[1, 2]]\ntargets = [[1]]\n'
        "[[network.layers]]\nweights = [[0.3, 0.4]]\nbiases = [0.1]\n",
        encoding="utf-8",
    )
    assert run("make-example", str(tmp_path / "b.toml"), "--out", str(tmp_path))[0] == 0
    text = (tmp_path / "b/example/solution.md").read_text("utf-8")
    assert r"\underbrace{" in text
    assert r"\boxed{" in text


@pytest.mark.browser
def test_slides_in_a_browser(opened):
    """Each fills the window; axe finds nothing."""
    from axe_playwright_python.sync_playwright import Axe

    pages, deck, _ = told(exercise_of("ceng506-and"))
    page = opened(pages.text("slides", "html"))
    high = page.evaluate("innerHeight")
    heights = page.eval_on_selector_all(".slide", "all => all.map(e => e.offsetHeight)")
    assert len(heights) == len(deck) + 2
    assert min(heights) >= high
    found_ = Axe().run(page)
    assert found_.violations_count == 0, found_.generate_report()[:2000]
