"""PDF: by both engines what the page says, a class in one go, fields to fill in, names nobody can print."""

import io
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pikepdf
import pytest

from generator.draw import draw, draw_all
from generator.exercise import build, certified
from generator.exercises import found, kinds
from generator.pages import pages_of
from generator.pdf import ENGINES, CannotTypeset, Typesetter, answers_of
from generator.render import document
from generator.spec_file import load
from tests.conftest import WAYS, beyond, homework, in_turn

TEX = pytest.param("latex", marks=pytest.mark.tex)
LECTURES = ["mazur", "cummins", "ceng506-and", "ceng506-layers", "ceng506-sum-product"]


def made(folder, pages, engine, count=1, name=""):
    """The PDFs of pages, none of which fails."""
    setter = Typesetter(ENGINES[engine])
    for n in range(count):
        setter.add(folder / str(n), pages, name)
    setter.finish()
    assert setter.failed == {}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.pdf")}


def said(data):
    """The words of a PDF, as poppler reads them."""
    run = subprocess.run(["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True)
    return run.stdout.decode()


@pytest.mark.parametrize("engine", ["typst", TEX])
@pytest.mark.parametrize("name", LECTURES)
def test_a_lecture(name, engine, tmp_path):
    pages = pages_of(certified(build(load(name))))
    (data,) = made(tmp_path, pages, engine).values()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) >= 1
        assert str(pdf.docinfo["/Title"]) == pages.common["title"]
        assert "/AcroForm" not in pdf.Root


@pytest.mark.slow
@pytest.mark.parametrize(("name", "way"), [*in_turn([{}]), *in_turn(WAYS, each=2)])
def test_typst_keeps_to_the_margins(name, way, tmp_path):
    """LaTeX says itself what is too wide, see `test_tex`."""
    spec = load(name)
    made(tmp_path, pages_of(certified(build(spec.model_copy(update=way)))), "typst")
    assert list(beyond(tmp_path / "0" / "solution.pdf", 2.5 / 2.54 * 72)) == []


@pytest.mark.tex
@pytest.mark.parametrize("name", ["mazur", "matrix_form", "multiple_choice"])
def test_both_engines_say_the_same(name, tmp_path):
    """The same words and numbers; to poppler a power is one more digit of its base."""
    pages = pages_of(homework(name), "Ada Lovelace")
    by = {engine: made(tmp_path / engine, pages, engine) for engine in ENGINES}
    for file in by["typst"]:
        words = [
            set(re.findall(r"\b[a-z]{3,}\b|\d\.\d{1,4}", said(by[engine][file]))) for engine in ENGINES
        ]
        assert words[0] ^ words[1] <= {"net", "out", "target", "total"}, file


@pytest.mark.parametrize("engine", ["typst", TEX])
def test_the_same_twice(engine, tmp_path):
    pages = pages_of(homework("mazur"))
    first, second = (made(tmp_path / n, pages, engine) for n in "12")
    assert first == second


# --- paper ---


def scanned(data):
    """What a scanner reads from each page."""
    import zxingcpp

    run = subprocess.run(["pdftoppm", "-gray", "-r", "150"], input=data, capture_output=True, check=True)
    grey, pages = run.stdout, []
    while grey:
        magic, size, _, rest = grey.split(b"\n", 3)
        wide, high = map(int, size.split())
        image = np.frombuffer(rest[: wide * high], np.uint8).reshape(high, wide)
        pages.append([found.text for found in zxingcpp.read_barcodes(image)])
        grey = rest[wide * high :]
        assert magic == b"P5"
    return pages


@pytest.mark.tex
@pytest.mark.parametrize("engine", ENGINES)
def test_every_page_of_a_homework_says_whose_it_is_to_a_scanner(engine, tmp_path):
    exercise = draw(load("mazur"), 1, 1)
    files = made(tmp_path, pages_of(exercise, "Ada Lovelace"), engine)
    pages = scanned(files["0/question.pdf"])
    assert pages == [[exercise.variant]] * len(pages)
    assert not any(scanned(files["0/solution.pdf"]))


@pytest.mark.parametrize("engine", ["typst", TEX])
@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792))])
def test_paper(engine, paper, size, tmp_path):
    spec = load("mazur").model_copy(update={"paper": paper})
    (data,) = made(tmp_path, pages_of(certified(build(spec))), engine).values()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for page in pdf.pages:
            assert [float(x) for x in page.MediaBox] == pytest.approx([0, 0, *size], abs=1)


def test_paper_is_an_option_and_changes_nobodys_numbers(run, tmp_path):
    usual, letter = tmp_path / "usual", tmp_path / "letter"
    assert run("make-exercise", "update", "--seed", "5", "--out", str(usual))[0] == 0
    code, said, _ = run(
        "make-exercise", "update", "--seed", "5", "--paper", "letter", "--out", str(letter)
    )
    assert code == 0
    assert "--paper letter" in said
    first, second = (folder / "update/variants.csv" for folder in (usual, letter))
    assert first.read_bytes() == second.read_bytes()
    assert "letterpaper" in next(letter.glob("update/*/question.tex")).read_text("utf-8")


def test_paper_that_there_is_not(run):
    code, _, said = run("make-exercise", "update", "--paper", "a5")
    assert code == 2
    assert said == "chainwork: --paper: found 'a5', allowed: a4, letter\n"


# --- answers ---


def filled(data, answers):
    """What a PDF reader saves."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for field in pdf.Root.AcroForm.Fields:
            name = str(field.T)
            if name != "variant":
                field.V = pikepdf.String(answers.get(bytes.fromhex(name).decode(), ""))
        pdf.save(out)
    return out.getvalue()


@pytest.mark.parametrize("engine", ["typst", TEX])
@pytest.mark.parametrize("name", kinds())
def test_every_part_has_a_field_and_what_is_typed_there_is_read(name, engine, tmp_path):
    exercise = homework(name)
    files = made(tmp_path, pages_of(exercise, "Ada Lovelace"), engine)
    assert set(files) == {"0/question.pdf", "0/solution.pdf"}
    question = files["0/question.pdf"]
    answers = {part.id: f"{n}.5 ü" for n, part in enumerate(exercise.parts)}
    assert answers_of(filled(question, answers)) == (str(exercise.variant), answers)


def test_fields_lie_on_the_page_and_apart(tmp_path):
    question = made(tmp_path, pages_of(homework("mazur")), "typst")["0/question.pdf"]
    with pikepdf.open(io.BytesIO(question)) as pdf:
        for page in pdf.pages:
            boxes = [
                [float(x) for x in a.Rect] for a in page.get("/Annots", ()) if a.Subtype == "/Widget"
            ]
            for n, (left, low, right, high) in enumerate(boxes):
                assert 0 < left < right < float(page.MediaBox[2])
                assert 0 < low < high < float(page.MediaBox[3])
                for other in boxes[:n]:
                    assert right <= other[0] or other[2] <= left or high <= other[1] or other[3] <= low


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4", b"\0" * 1000])
def test_what_is_no_homework_has_no_answers(data):
    assert answers_of(data) is None


def test_filled_in_homework_is_marked(run, tmp_path):
    """A folder of PDFs, as they come back."""
    assert run("make-exercise", "logic", "--seed", "1", "--count", "2", "--format", "pdf").code == 0
    for key in Path("output/logic").glob("*/key.json"):
        parts = json.loads(key.read_text("utf-8"))["parts"]
        answers = {part["id"]: str(part["answer"]) for part in parts}
        question = key.with_name("question.pdf").read_bytes()
        Path("in").mkdir(exist_ok=True)
        Path("in", f"{key.parent.name}.pdf").write_bytes(filled(question, answers))
    done = run("grade", "output/logic", "in", "--format", "md,pdf")
    assert done.code == 0
    assert re.match(r"2 hand-ins marked: \d+ correct\.", done.out)
    assert len(list(Path("output/logic/graded/feedback").glob("*.pdf"))) == 2


# --- a class ---


@pytest.mark.parametrize("engine", ["typst", TEX])
def test_everybody_gets_their_own(engine, tmp_path):
    """Of a class set in one run each file has its own variant and starts with page 1."""
    exercises = list(draw_all(found("logic"), "class", range(5)))
    setter = Typesetter(ENGINES[engine])
    for exercise in exercises:
        setter.add(tmp_path / str(exercise.variant), pages_of(exercise))
    setter.finish()
    for exercise in exercises:
        variant, _ = answers_of((tmp_path / str(exercise.variant) / "question.pdf").read_bytes())
        assert variant == str(exercise.variant)


@pytest.mark.parametrize("engine", ["typst", TEX])
def test_a_page_that_fails_stops_no_other(engine, tmp_path, monkeypatch):
    from dataclasses import replace

    real = ENGINES[engine]

    def run(source):
        if "Mallory" in source:
            raise CannotTypeset("no")
        return real.run(source)

    setter = Typesetter(replace(real, run=run))
    exercise = draw(load("logic") if "logic" in LECTURES else found("logic"), 1, 1)
    for student in ("Ada", "Mallory", "Alan"):
        setter.add(tmp_path / student, pages_of(exercise, student))
    setter.finish()
    assert {path.parent.name for path in setter.failed} == {"Mallory"}
    assert {path.parent.name for path in tmp_path.rglob("question.pdf")} == {"Ada", "Alan"}


ROSTER = "student,name\nada,Ada Lovelace\nzhu,\U0001f98b Butterfly\n"


@pytest.mark.parametrize("engine", ["typst", TEX])
def test_a_name_without_glyphs_is_said_and_the_rest_is_made(engine, run):
    Path("roster.csv").write_text(ROSTER, "utf-8")
    done = run(
        "make-exercise", "logic", "--students", "roster.csv", "--format", "pdf", "--engine", engine
    )
    assert done.code == 1
    assert "student zhu: no glyph for '\U0001f98b' (BUTTERFLY)" in done.err
    assert len(list(Path("output/logic").rglob("question.pdf"))) == 2


def test_pdf_is_not_to_be_had_without_an_engine(run, monkeypatch):
    done = run("make-exercise", "logic", "--format", "pdf", "--engine", "word")
    assert done.code == 2
    assert "--engine: found 'word', allowed: typst, latex" in done.err


@pytest.mark.parametrize(
    ("text", "missing"), [("Ada", ""), ("Işık Øre", ""), ("a\U0001f98bb", "\U0001f98b")]
)
@pytest.mark.parametrize("engine", ENGINES)
def test_characters_without_a_glyph(engine, text, missing):
    assert ENGINES[engine].lacks(text) == missing


@pytest.mark.tex
def test_latex_is_not_let_out():
    """A source that reads another file, or runs a program, fails."""
    body = pages_of(homework("logic")).body("question", "tex")
    source = document("tex", [body], fillable=True)
    for hostile in (r"\input{/etc/passwd}", r"\immediate\write18{touch x}\input{x}"):
        with pytest.raises(CannotTypeset):
            ENGINES["latex"].run(source.replace(r"\end{document}", hostile + r"\end{document}"))


@pytest.mark.parametrize("page", ["question", "solution"])
def test_only_the_pages_that_are_wanted(run, page):
    assert run("make-exercise", "logic", "--pages", page, "--format", "pdf,md").code == 0
    made = {path.name for path in Path("output/logic").rglob("*") if path.suffix in (".md", ".pdf")}
    assert made == {f"{page}.md", f"{page}.pdf"}
    assert len([*Path("output/logic").rglob("key.json")]) == 1


def test_a_page_that_there_is_not(run):
    done = run("make-exercise", "logic", "--pages", "question,key")
    assert (done.code, done.out) == (2, "")
    assert "--pages: found 'key', allowed: question, solution" in done.err
