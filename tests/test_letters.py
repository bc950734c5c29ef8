"""Letters that pdflatex has none for: who sets them, in what font, and that nothing else is changed."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import letters, pdf
from generator.draw import draw, draw_all
from generator.exercises import found
from generator.latex import escape_latex
from generator.pages import marked_pages, pages_of
from generator.pdf import ENGINES, CannotTypeset, Typesetter, answers_of
from generator.prose import TEMPLATES
from generator.render import document
from tests.test_pdf import filled, made, said

SERIF, SANS = "/fonts/Serif.ttf", "/fonts/Sans.ttf"
FONTS = ((SERIF, frozenset("Адажένx\u0304ễNguyn")), (SANS, frozenset("עדהבל艾达")))


@pytest.fixture
def fonts(monkeypatch):
    """Two fonts that are nowhere."""
    monkeypatch.setattr(letters, "_fonts", lambda: FONTS)
    letters._font.cache_clear()
    yield
    letters._font.cache_clear()


@pytest.fixture
def lualatex():
    """The real ones."""
    if letters.letterless("Жλ"):
        pytest.skip("needs lualatex and a font: apt-get install texlive-luatex fonts-dejavu-core")


def serif(text):
    return rf"\beyond{{{SERIF}}}{{{text}}}"


def sans(text, turned=True):
    return rf"\beyond{{{SANS}}}{{" + r"\textdir TRT " * turned + text + "}"


WRITTEN = [
    ("Ada & Söhne", r"Ada \& S\"ohne"),
    ("Ада & Söhne_", serif("Ада") + r" \& S\"ohne\_"),
    ("Ада Ада", serif("Ада Ада")),
    ("Ада Ada", serif("Ада") + " Ada"),
    (r"\input{Ада}%", r"\textbackslash{}input\{" + serif("Ада") + r"\}\%"),
    ("Ада--ж", serif("Ада") + "-{}-" + serif("ж")),
    ("עדה לב", sans("עדה לב")),
    ("עדה 12", sans("עדה") + " 12"),
    ("艾达", sans("艾达", turned=False)),
    ("έν", serif("έν")),
    ("σ(x)", r"$\sigma$(x)"),
    ("x\u0304", serif("x\u0304")),
    ("Nguyễn", serif("Nguyễn")),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_what_a_font_has_stands_in_it(text, expected, fonts):
    assert letters.through(escape_latex, text) == expected


STRANGE = "Адажעדה"


@given(st.text(st.sampled_from("Ada \\{}%$#&_^~\"<>|'`-,12éßАдажעדהλέ\u0304"), max_size=30))
def test_a_run_of_letters_holds_no_special(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters, "_fonts", lambda: (*FONTS, (SERIF, frozenset("\u0304λ"))))
        letters._font.cache_clear()
        written = letters.through(escape_latex, text)
        letters._font.cache_clear()
    runs = re.findall(r"\\beyond\{[^}]*\}\{(?:\\textdir TRT )?([^}]*)\}", written)
    assert all(c.isalpha() or c in " \u0304" for run in runs for c in run)
    assert re.sub(r"\\beyond\{[^}]*\}\{[^}]*\}", "", written).isascii()
    assert [c for run in runs for c in run if c in STRANGE] == [c for c in text if c in STRANGE]


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.jinja")), ids=lambda file: file.stem)
def test_every_character_of_a_template_has_a_spelling_in_ascii(file):
    assert letters.readable(file.read_text("utf-8")).isascii()


# --- by whom ---


def named(engine):
    """The same engine, whose failures say who it was."""

    def run(source):
        raise CannotTypeset(engine)

    return run


def marked(student, title="Marked"):
    """A page for what somebody handed in."""
    return marked_pages("feedback_title", title, (), found("logic"), student, "AAA-AAA-AAA")


def setter(there=True):
    latex = ENGINES["latex"]
    other = replace(latex.beyond, there=lambda: there, run=named("lualatex"))
    return Typesetter(replace(latex, run=named("pdflatex"), beyond=other))


CHOICE = [
    ("Ada Lovelace", True, "pdflatex"),
    ("Ада", True, "lualatex"),
    ("Ада", False, "pdflatex"),
    ("\U0001f98b", True, "lualatex"),  # with ? for it
]


@pytest.mark.parametrize(("name", "there", "expected"), CHOICE)
def test_a_sheet_is_set_by_what_has_its_letters(name, there, expected, fonts, tmp_path):
    typesetter = setter(there)
    typesetter.add(tmp_path, marked(name))
    typesetter.add(tmp_path, marked("Alan"), "other")
    typesetter.finish()
    by = {path.name: who for path, who in typesetter.failed.items()}
    assert by == {"marked.pdf": expected, "other.pdf": "pdflatex"}


def test_templates_of_ones_own_are_never_given_to_lualatex(fonts, tmp_path):
    typesetter, own = setter(), tmp_path / "own"
    (own / "tex").mkdir(parents=True)
    page = (TEMPLATES / "tex" / "page.jinja").read_text("utf-8")
    (own / "tex" / "page.jinja").write_text(
        page.replace(r"\begin{center}", r"\beyond{\directlua{}}{}"), "utf-8"
    )
    told = replace(marked("Ада"), own=own)
    typesetter.add(tmp_path, told)
    typesetter.finish()
    assert [*typesetter.failed.values()] == ["pdflatex"]


@pytest.mark.parametrize(
    ("there", "text", "lacking"), [(True, "Ада ق", "ق"), (False, "Ада ق", "Адаق"), (True, "Işık", "")]
)
def test_what_nothing_has_glyphs_for(there, text, lacking, fonts):
    assert setter(there).lacks(text) == "".join(dict.fromkeys(lacking))


@pytest.mark.parametrize("there", [{}, {"lualatex": "#!/bin/sh\nexit 1\n"}])
def test_without_lualatex_or_its_fonts_there_are_no_letters(there, tmp_path, monkeypatch):
    for name, script in there.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [*letters._looked_into(["/fonts/Serif.ttf"])] == []


# --- really ---

NAMES = ["Ada Lovelace", "Софья Ковалевская", "Ελένη ΝΙΚΟΣ", "Łukasz Ağaoğlu"]


def roster(names):
    rows = "".join(f"{NAMES.index(name)},{name}\n" for name in names)
    Path("roster.csv").write_text("student,name\n" + rows, "utf-8")


def homeworks(run, out):
    done = run(
        *("make-exercise", "logic", "--students", "roster.csv", "--format", "pdf", "--engine", "latex"),
        *("--pages", "question", "--out", out),
    )
    with Path(out, "logic", "variants.csv").open(encoding="utf-8") as file:
        variants = [row["variant"] for row in csv.DictReader(file)]
    return done, [Path(out, "logic", variant, "question.pdf").read_bytes() for variant in variants]


@pytest.mark.tex
def test_every_name_is_on_its_sheet(run, lualatex):
    roster(NAMES)
    done, files = homeworks(run, "one")
    assert (done.code, done.err) == (0, "")
    for name, file in zip(NAMES, files, strict=True):
        assert said(file).count(name) >= 2  # in the head of each page, and where it asks for a name
    assert homeworks(run, "two")[1] == files


@pytest.mark.tex
def test_other_sheets_are_set_as_ever(run, lualatex):
    roster(NAMES)
    _, (first, *_, last) = homeworks(run, "one")
    roster([NAMES[0], NAMES[-1]])
    assert homeworks(run, "two")[1] == [first, last]


@pytest.mark.tex
@pytest.mark.parametrize(
    "title", [r"\directlua{os.exit(3)} Ж", r"Ж\input{/etc/passwd}", "Ж $x_1$ 100 % #1 ~^"]
)
def test_what_is_typed_is_text(title, lualatex, tmp_path):
    told = marked("Жан", title)
    (file,) = made(tmp_path, told, "latex").values()
    assert title.replace(" ", "") in said(file).replace(" ", "")


@pytest.mark.tex
@pytest.mark.parametrize("name", ["mazur", "multiple_choice"])
def test_answers_have_their_fields(name, lualatex, tmp_path):
    exercise = draw(found(name), 1, 1)
    question = made(tmp_path, pages_of(exercise, "Жан"), "latex")["0/question.pdf"]
    answers = {part.id: f"{n}.5" for n, part in enumerate(exercise.parts)}
    assert answers_of(filled(question, answers)) == (str(exercise.variant), answers)


@pytest.mark.tex
def test_both_say_the_same(lualatex):
    """A sheet without strange letters by lualatex: pages and words as by pdflatex."""
    body = pages_of(draw(found("mazur"), 1, 1), "Ada").body("solution", "tex", fillable=True)
    source = document("tex", [body], fillable=True)
    latex = ENGINES["latex"]
    one, other = (re.findall(r"[a-z]{3,}|\d\.\d+", said(e.run(source))) for e in (latex.beyond, latex))
    assert one == other


# --- in one run, where it can be ---


@pytest.mark.tex
@pytest.mark.parametrize(
    ("known", "runs"), [("", 2), ("11", 1), ("1", 1), ("19", 2), ("29", 2), ("114", 1)]
)
def test_what_was_known_of_the_pages_changes_no_byte(known, runs, monkeypatch):
    bodies = [
        pages_of(exercise).body("question", "tex", fillable=True)
        for exercise in draw_all(found("logic"), "class", range(2))
    ]
    source = document("tex", bodies, fillable=True)
    monkeypatch.setattr(pdf, "_TOTALS", {})
    expected = ENGINES["latex"].run(source)
    monkeypatch.setattr(pdf, "_TOTALS", {"pdflatex": [*known]})
    done, real = [], pdf._run_latex
    monkeypatch.setattr(pdf, "_run_latex", lambda *about: (done.append(about), real(*about)))
    assert ENGINES["latex"].run(source) == expected
    assert len(done) == runs
