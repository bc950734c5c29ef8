"""A course: rosters as they come, and the secret that variants are keyed with."""

import csv
import os
from pathlib import Path

import pytest

from generator.course import RosterError, Student, read_roster, secret, usual_secret
from generator.formats import FORMATS
from generator.latex import escape_latex
from generator.markdown import escape_markdown
from generator.publish import contents
from tests.conftest import homework

ROSTERS = [  # text, students
    ("student,name\nada,Ada Lovelace\nalan,\n", [Student("ada", "Ada Lovelace"), Student("alan")]),
    ("\ufeffstudent;name\r\nada;Lovelace, Ada\r\n", [Student("ada", "Lovelace, Ada")]),
    ("registration;name;id\n0815;Ada Lovelace;ada\n", [Student("0815", "Ada Lovelace")]),
    (
        "First name,Surname,ID number,Email address\nAda,Lovelace,0815,a@b.c\nAlan,Turing,,t@b.c\n",
        [Student("0815", "Ada Lovelace"), Student("t@b.c", "Alan Turing")],
    ),
    (
        'Student,ID,SIS User ID,SIS Login ID,Section,Quiz 1 (17)\n    Points Possible,,,,,10\n"Lovelace, Ada",17,0815,ada,S1,\n',
        [Student("ada", "Lovelace, Ada")],
    ),
    ("student\tname\nada\tAda\n\n", [Student("ada", "Ada")]),
]


@pytest.mark.parametrize(("text", "students"), ROSTERS)
def test_a_roster_is_read_as_it_comes(text, students):
    assert read_roster(text) == students


BAD = [
    ("", "found nothing, allowed: a line of column names"),
    ("who,what\nada,1\n", "line 1: found the columns who, what, allowed: a column student"),
    ("student,name\n", "found no student"),
    ("student,name\nada,Ada\nada,Ada\n", "line 3: found 'ada' again, allowed: each student once"),
    ("student,name\n,Ada\n", "line 2: found '', allowed: up to 200 printable characters"),
    ('student,name\nada,"Ada\n', "found a line that is not CSV"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_a_roster_that_cannot_be_used_says_where(text, said):
    with pytest.raises(RosterError) as error:
        read_roster(text)
    assert said in str(error.value)


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "settings" / "secret"
    first, made = secret(path)
    assert made
    assert len(first) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret(path) == (first, False)


def test_what_is_too_short_is_no_secret(tmp_path):
    (tmp_path / "secret").write_text("abc")
    with pytest.raises(ValueError, match="found 3 bytes, allowed: a secret of at least 32"):
        secret(tmp_path / "secret")


def test_it_is_kept_with_the_settings(monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "XDG_CONFIG_HOME", str(tmp_path))
    assert usual_secret() == tmp_path / "chainwork" / "secret"


# --- names on pages ---

NAMES = ["Ada Lovelace", "Işık, Ömer", "O'Neil-Smith", "Bobby $x$ & *Co*", r"\input{x}", "50% #1_a ~^"]
NAMES += ["<script>", "[a](http://b.c)", "{{ seed }}", "--- ''", "`rm` | @ada"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stands_escaped_in_the_place_of_the_line_for_it_and_changes_nothing_else(name):
    nameless, named = (contents(homework("mazur", "ada", 7), FORMATS, student) for student in ("", name))
    line = f"Name: {escape_latex(name)}\n"
    head = rf"\rhead{{{escape_latex(name)}}}"
    expected = nameless["question.tex"].replace("Name: \\hrulefill\n", line).replace(r"\rhead{}", head)
    assert named["question.tex"] == expected
    for file, escape in (
        ("question.md", escape_markdown),
        ("solution.md", escape_markdown),
        ("solution.tex", escape_latex),
    ):
        said = [line for line in named[file].splitlines() if line]
        said.remove(f"Name: {escape(name)}")
        bare = [line.replace(head, r"\rhead{}") for line in said]
        assert bare == [line for line in nameless[file].splitlines() if line]
    assert named["key.json"] == nameless["key.json"]


def test_names_of_a_roster_are_on_their_pages_and_in_nobodys_stream(run):
    for names in ("Ada Lovelace", "Ada King"):
        Path(f"{names}.csv").write_text(f"student,name\nada,{names}\nalan,\n", "utf-8")
        done = run("make-exercise", "mazur", "--students", f"{names}.csv", "--out", names)
        assert done.code == 0
    for path in (p for p in Path("Ada King").rglob("*.*") if p.is_file()):
        other = Path("Ada Lovelace", *path.parts[1:]).read_text("utf-8")
        assert path.read_text("utf-8").replace("Ada King", "Ada Lovelace") == other
    with open("Ada King/mazur/variants.csv", encoding="utf-8") as file:
        of = {row["student"]: row["variant"] for row in csv.DictReader(file)}
    for student, line in (("ada", "Name: Ada King\n"), ("alan", "Name: \\hrulefill\n")):
        assert line in Path("Ada King", "mazur", of[student], "question.tex").read_text("utf-8")


def test_a_name_that_pdflatex_cannot_set_is_said_with_its_student_and_nothing_is_written(run):
    Path("roster.csv").write_text("student,name\nada,Ada\nli,李娜\n", "utf-8")
    done = run("make-exercise", "mazur", "--students", "roster.csv")
    assert done.code == 2
    assert "roster.csv: student li: found '李娜', of which pdflatex cannot write '李'" in done.err
    assert "--format md" in done.err
    assert done.err.count("\n") == 1
    assert not Path("output").exists()
    assert run("make-exercise", "mazur", "--students", "roster.csv", "--format", "md").code == 0
