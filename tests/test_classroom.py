"""Classroom: the marking sheet and the booklet of a class say what the keys and the questions say."""

import csv
import io
import json
import re

import pikepdf
import pytest

from generator.classroom import CLASS_PAGES, Seat, booklet, marking_csv, marking_pages
from generator.draw import draw
from generator.exercises import found, kinds
from generator.formats import FORMATS
from generator.keys import key
from generator.pages import pages_of
from generator.paper import Paper
from generator.pdf import ENGINES, Typesetter

NAMES = ["Ada Lovelace", "Jürgen <b>$x_1$</b> & Co.", ""]


def seats(name, count=3):
    """A few students with their papers."""
    papers = (Paper.of(draw(found(name), "class", n)) for n in range(count))
    return [Seat(str(n), NAMES[n], paper) for n, paper in enumerate(papers)]


@pytest.mark.parametrize("name", kinds())
def test_a_line_a_student_with_every_answer_and_its_tolerance(name):
    """Whoever answers what stands in marking.csv is right by the key."""
    class_ = seats(name, 2)
    heads, *lines = marking_csv(class_)
    assert len(lines) == 2
    for seat, line in zip(class_, lines, strict=True):
        assert line[:2] == [seat.student, seat.paper.variant]
        cells = dict(zip(heads, line, strict=True))
        for part in key(seat.paper)["parts"]:
            answer, near = cells[part["id"]], cells[f"{part['id']} ±"]
            if part["form"] != "number":
                assert answer == (
                    part["answer"] if isinstance(part["answer"], str) else f"{part['answer']:.4g}"
                )
            elif part["tolerance"]:
                assert float(answer) == pytest.approx(part["answer"], abs=part["tolerance"])
                assert float(near) == pytest.approx(part["tolerance"], rel=0.06)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ["gradients", "design", "symbolic", "multiple_choice", "matrix_form"])
def test_a_marking_sheet_in_every_format(name, format_):
    """Every variant and every student is on it, and what is in a name does nothing."""
    class_ = seats(name)
    text = marking_pages(class_).text("marked", format_)
    for seat in class_:
        assert FORMATS[format_].escape(seat.paper.variant) in text
        assert FORMATS[format_].escape(seat.name or seat.student) in text
    assert "<b>" not in text


@pytest.mark.parametrize("format_", FORMATS)
def test_a_booklet_has_everybodys_question_and_then_the_answers(format_):
    class_ = seats("update")
    files = booklet(class_).files([format_], "booklet")
    text, at = " ".join(files[f"booklet.{format_}"].split()), 0
    questions = [pages_of(seat.paper, seat.name, only=["question"]) for seat in class_]
    leaves = [
        told.among(s.paper.variant).body("question", format_)
        for told, s in zip(questions, class_, strict=True)
    ]
    for body in (*leaves, marking_pages(class_, wide=False).body("marked", format_)):
        some = " ".join(max(re.split(r"\n\n+", body.text), key=len).split())
        assert (at := text.find(some, at)) >= 0, some
    drawn = re.findall(r"!\[.*?\]\((.*?\.svg)\)", text)
    assert {*drawn, f"booklet.{format_}"} == set(files), (
        "every picture is there, in a folder of its variant"
    )


def test_a_booklet_is_one_pdf(tmp_path):
    """As many pages as all questions have, and nothing to fill in."""
    class_, setter = seats("update"), Typesetter(ENGINES["typst"])
    setter.bind(tmp_path, booklet(class_), "booklet")
    for seat in class_:
        setter.add(tmp_path / seat.student, pages_of(seat.paper, seat.name, only=["question"]))
    setter.add(tmp_path, marking_pages(class_), "marking")
    setter.finish()
    assert setter.failed == {}
    count = {path.name: [] for path in tmp_path.rglob("*.pdf")}
    for path in tmp_path.rglob("*.pdf"):
        with pikepdf.open(io.BytesIO(path.read_bytes())) as pdf:
            count[path.name].append(len(pdf.pages))
            assert ("/AcroForm" in pdf.Root) == (path.name == "question.pdf")
    assert count["booklet.pdf"] == [sum(count["question.pdf"]) + 1]
    assert count["marking.pdf"] == [1]


def test_of_the_command_line(run, tmp_path):
    (tmp_path / "class.csv").write_text("student,name\n7,Ada\n=1+1,Иван\n", encoding="utf-8")
    arguments = ("--students", str(tmp_path / "class.csv"), "--format", "md", "--out", str(tmp_path))
    code, said, _ = run("make-exercise", "update", "--pages", "marking,booklet", *arguments)
    assert code == 0
    for page, row in CLASS_PAGES.items():
        assert re.search(rf"/{page}\.md.* {row.what}\n", said), said
    with (tmp_path / "update/marking.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [row["student"] for row in rows] == ["7", "'=1+1"]
    for row in rows:
        folder = tmp_path / "update" / row["variant"]
        assert json.loads((folder / "key.json").read_text("utf-8"))["variant"] == row["variant"]
        assert not (folder / "question.md").exists(), "only what was asked for"
