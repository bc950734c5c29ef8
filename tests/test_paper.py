"""Sheets: several exercises under one title, each drawn by itself, with one key."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from derive.quantity import parse
from generator.exercises import found
from generator.formats import FORMATS
from generator.forms import FORMS
from generator.keys import key
from generator.paper import Paper, drawn, specs_of
from generator.publish import contents
from generator.refusal import SpecError
from generator.spec_file import load, read
from tests.conftest import homework
from tests.test_leaks import SEED, STUDENT, leaks

HEAD = 'name = "hw3"\ntitle = "Homework 3"\nnote = "By Monday."\n'
OWN = """
name = "own"
title = "My own"
digits = 3
[network]
inputs = [[0.5, -1.0]]
targets = [[1]]
[[network.layers]]
weights = [[0.4, 0.3]]
[[ask]]
kind = "loss"
[[ask]]
quantity = "dL/dW[1][1][2]"
points = 4
"""


def using(*names):
    return HEAD + "".join(f'[[exercise]]\nuse = "{name}"\n' for name in names)


@pytest.fixture
def sheet(tmp_path):
    """sheet("circuit", "own.toml") -> the spec of a sheet, and those of its exercises."""
    (tmp_path / "own.toml").write_text(OWN, "utf-8")

    def make(*names, text=None):
        path = tmp_path / "hw3.toml"
        path.write_text(text or using(*names), "utf-8")
        spec = load(str(path))
        return spec, specs_of(spec, str(path))

    return make


def papers(made, students=(1,), seed=SEED, secret=b""):
    return [*drawn(*made, seed, students, Counter(), secret)]


MIXED = ("circuit", "own.toml", "mazur")


def test_a_sheet_uses_kinds_files_beside_it_and_lectures(sheet):
    (paper,) = papers(sheet(*MIXED))
    assert [e.spec.name for e in paper.exercises] == ["hw3/circuit", "hw3/own", "hw3/mazur"]
    assert [e.kind for e in paper.exercises] == ["circuit", "mixed", "backprop"]


def test_one_key_has_all_parts_and_its_ids_start_with_the_number_of_the_exercise(sheet):
    (paper,) = papers(sheet(*MIXED))
    made = key(paper)
    assert (made["exercise"], made["kind"], made["variant"]) == ("hw3", "sheet", paper.variant)
    ids = [part["id"] for part in made["parts"]]
    assert len(set(ids)) == len(ids) == sum(len(e.parts) for e in paper.exercises)
    assert ids[:3] == ["1:q", "1:p", "1:m"]
    assert {"2:L", "2:dL/dW[1][1][2]", "3:a[1][1]", "3:L@1"} <= set(ids)
    for part in made["parts"]:
        number, _, plain = part["id"].partition(":")
        assert part["quantity"] == plain == str(parse(plain))
        assert {other.partition(":")[0] for other in part["depends_on"]} <= {number}
        assert set(part["depends_on"]) <= set(ids)
    assert set(made["verification"]["methods"]) == {m for e in paper.exercises for m in e.proof.methods}
    assert made["verification"]["max_error"] == max(e.proof.max_error for e in paper.exercises)


def test_answers_of_every_form_stand_on_one_sheet(sheet):
    (paper,) = papers(sheet("multiple_choice", "find_mistake", "design", "symbolic", "matrix_form"))
    made = key(paper)["parts"]
    assert {part["form"] for part in made} == set(FORMS)
    assert len({part["id"] for part in made}) == len(made)
    assert all(part["id"].split(":")[1] == part["quantity"] for part in made)
    files = contents(paper, FORMATS)
    assert all(list(leaks(files[f"question.{form}"], paper)) == [] for form in FORMATS)


def test_a_single_exercise_is_a_paper_of_one():
    exercise = homework("mazur", seed=7)
    paper = Paper.of(exercise)
    assert contents(paper, FORMATS) == contents(exercise, FORMATS)
    assert [part["id"] for part in key(paper)["parts"]] == [part.id for part in exercise.parts]
    assert Paper.of(paper) is paper


def test_a_sheet_of_one_has_numbers_so_that_another_exercise_changes_no_id(sheet):
    (one,), (two,) = papers(sheet("circuit")), papers(sheet("circuit", "z_score"))
    ids = [part["id"] for part in key(one)["parts"]]
    assert ids == [part["id"] for part in key(two)["parts"]][: len(ids)]
    assert ids[0] == "1:q"


def numbers(made, students=(1, 2)):
    """Of every exercise by its name: the drawn specs of all students."""
    return {
        e.spec.name: [p.exercises[n].spec.source for p in papers(made, students)]
        for n, e in enumerate(papers(made)[0].exercises)
    }


@pytest.mark.parametrize(
    "others", [("circuit",), ("z_score", "circuit"), ("circuit", "mazur", "own.toml")]
)
def test_other_exercises_change_nobodys_numbers(sheet, others):
    few, all_ = numbers(sheet("circuit", "own.toml")), numbers(sheet(*others))
    assert few["hw3/circuit"] == all_["hw3/circuit"]


def test_a_spec_used_twice_is_drawn_twice_and_for_each_sheet_anew(sheet):
    made = numbers(sheet("circuit", "circuit", "z_score", "circuit"))
    assert list(made) == ["hw3/circuit", "hw3/circuit/2", "hw3/z-score", "hw3/circuit/3"]
    other = numbers(sheet(text=using("circuit").replace("hw3", "hw4")))
    first, *more = [made[name] for name in made if "circuit" in name] + [*other.values()]
    assert first not in more


def test_variants_are_of_a_student_and_a_sheet(sheet):
    two, three = sheet("circuit", "z_score"), sheet("circuit", "z_score", "epochs")
    ids = [p.variant for made in (two, three) for p in papers(made, (1, 2, 3))]
    ids += [p.variant for p in papers(two, (1, 2), secret=b"another")]
    ids += [p.variant for p in papers(two, (1, 2), seed="another")]
    assert len(set(ids)) == len(ids) == 10
    assert all(re.fullmatch("[1-9A-HJKMNP-TV-Z]{3}(-[1-9A-HJKMNP-TV-Z]{3}){2}", i) for i in ids)
    (alone,) = papers(two, (3,))
    assert (alone.variant, key(alone)) == (ids[2], key(papers(two, (1, 2, 3))[2]))


def test_questions_are_numbered_through_and_points_add_up(sheet):
    (paper,) = papers(sheet(*MIXED))
    files = contents(paper, FORMATS)
    question, solution = files["question.md"], files["solution.md"]
    asked = re.findall(r"^(\d+)\. ", question, re.MULTILINE)
    assert asked == [str(n) for n in range(1, len(asked) + 1)]
    assert set(re.findall(r"^\| \$(\d+)\$ \|", solution, re.MULTILINE)) == set(asked)
    heads = re.findall(r"^## (\d)\. (.*) \((\d+) points?\)$", question, re.MULTILINE)
    assert [(number, title) for number, title, _ in heads] == [
        ("1", "Backpropagation through a circuit"),
        ("2", "My own"),
        ("3", load("mazur").title),
    ]
    worth = [sum(part.points for part in e.parts) for e in paper.exercises]
    assert [int(points) for *_, points in heads] == worth
    assert f"{sum(worth)} points in all" in question
    for text in (question, solution):
        assert re.match(r"# Homework 3\n\nVariant .*\n\nBy Monday\.\n", text)
        assert re.findall(r"^# ", text, re.MULTILINE) == ["# "]
    started = re.findall(r"\\setcounter\{enumi\}\{(\d+)\}", files["question.tex"])
    items = [part.count("\\item ") for part in files["question.tex"].split("\\begin{enumerate}")[1:]]
    assert [int(n) for n in started] == [items[0], items[0] + items[1]]


SAID = [  # exercises -> how often a sheet says how answers are written
    (("epochs",), 1, 0),  # whole numbers
    (("mazur", "cummins"), 0, 1),
    (("epochs", "mazur", "cummins"), 1, 1),
    (("own.toml", "mazur"), 0, 2),  # three digits, and four
]


@pytest.mark.parametrize(("names", "whole", "digits"), SAID)
def test_what_is_said_of_all_exercises_is_said_once(sheet, names, whole, digits):
    (paper,) = papers(sheet(*names))
    for form in FORMATS:
        page = contents(paper, [form])[f"question.{form}"]
        assert page.count("All answers are whole numbers.") == whole
        assert page.count("significant digits (") == digits


def test_points_are_for_each_answer(sheet):
    for name in ("circuit", "own.toml"):
        plain, worth = sheet(name), sheet(text=using(name) + "points = 5\n")
        (one,), (other,) = papers(plain), papers(worth)
        assert [p.points for _, p in other.parts] == [5] * len(one.parts)
        assert [p.answer for _, p in other.parts] == [p.answer for _, p in one.parts]


def test_a_title_stands_in_place_of_its_own(sheet):
    (paper,) = papers(sheet(text=using("circuit") + 'title = "Gates & wires"\n'))
    files = contents(paper, FORMATS)
    assert "1. Gates \\& wires" in files["question.tex"]
    assert "## 1. Gates &amp; wires" in files["question.md"]


def test_no_question_of_a_sheet_gives_anything_away(sheet):
    for paper in papers(
        sheet("circuit", "own.toml", "chain_rule"), [f"{STUDENT}-{n}" for n in range(3)]
    ):
        files = contents(paper, FORMATS)
        for form in FORMATS:
            page = files[f"question.{form}"]
            assert list(leaks(page, paper)) == []
            planted = f"{page}\n{paper.exercises[2].parts[0].answer:.4g}"
            assert list(leaks(planted, paper))


REFUSED = [  # text -> key, found, allowed, line
    (using("circut"), "exercise[0].use", "'circut'", "a kind, a lecture .*did you mean circuit?", 5),
    (using("circuit", "no.toml"), "exercise[1].use", "'no.toml'", "a kind, a lecture", 7),
    (using("../hw3.toml"), "exercise[0].use", "'../hw3.toml'", "a kind, .* or a TOML file beside", 5),
    (using("/etc/passwd"), "exercise[0].use", "'/etc/passwd'", "a kind", 5),
    (
        using("circuit", "hw3.toml"),
        "exercise[1].use",
        "'hw3.toml', a sheet itself",
        "a spec with one",
        7,
    ),
    (using("circuit") + "points = 0\n", "exercise[0].points", "0", "greater than or equal to 1", 6),
    (
        using("circuit") + "kind = 'loss'\n",
        "exercise[0].kind",
        "an unknown key",
        "use, title, points",
        6,
    ),
    (HEAD + "[[exercise]]\npoints = 1\n", "exercise[0].use", "nothing", "it must be given", 4),
    (
        "digits = 3\n" + using("circuit"),
        "digits",
        "digits beside .*",
        "name, title, note, exercise: an",
        1,
    ),
    (
        using("circuit") + "[draw]\nsmallest = 0.1\n",
        "draw",
        r"draw beside \[\[exercise\]\]",
        "name, title, note, exercise: an exercise has its own draw",
        6,
    ),
    (HEAD, "network or circuit", "neither", r"one of them; or \[\[exercise\]\] tables", None),
]


@pytest.mark.parametrize(("text", "where", "there", "allowed", "line"), REFUSED)
def test_a_bad_sheet_gets_one_line_with_its_place(sheet, text, where, there, allowed, line):
    with pytest.raises(SpecError) as refused:
        sheet(text=text)
    error = refused.value
    assert error.key == where
    assert re.match(there, error.found) or error.found == there
    assert re.match(allowed, error.allowed)
    assert str(error).startswith(f"hw3.toml:{line}: " if line else "hw3.toml: ")


def test_what_is_wrong_in_a_file_is_said_of_that_file(sheet, tmp_path):
    (tmp_path / "bad.toml").write_text('name = "bad"\n[network]\ninputs = [[1]]\n', "utf-8")
    with pytest.raises(SpecError, match=r"^bad.toml:\d+: network.layers: found nothing"):
        sheet("circuit", "bad.toml")


def test_the_commands_know_sheets(run, tmp_path):
    Path("own.toml").write_text(OWN, "utf-8")
    Path("hw3.toml").write_text(using(*MIXED), "utf-8")
    Path("roster.csv").write_text("student,name\nada,Ada King\nalan,\n", "utf-8")
    done = run("make-exercise", "hw3.toml", "--students", "roster.csv", "--notation", "bpe")
    assert done.code == 0
    folders = [path for path in Path("output/hw3").iterdir() if path.is_dir()]
    assert len(folders) == 2
    for folder in folders:
        made = json.loads((folder / "key.json").read_text("utf-8"))
        assert made["variant"] == folder.name
        assert f"{len(made['parts'])} answers" in done.out
    assert "Name: Ada King" in "".join((f / "question.tex").read_text("utf-8") for f in folders)
    assert run("make-example", "hw3.toml", "--notation", "bpe").code == 0
    told = Path("output/hw3/example-bpe/solution.md").read_text("utf-8")
    assert [line for line in told.splitlines() if line.startswith("## ")] == [
        "## 1. Backpropagation through a circuit",
        "## 2. My own",
        f"## 3. {load('mazur').title}",
    ]
    for command in ("derive", "audit"):
        refused = run(command, "hw3.toml")
        assert (refused.code, refused.err) == (
            2,
            "chainwork: hw3: found a sheet of 3, allowed: one network or circuit, such as one of its exercises\n",
        )


def test_a_kind_that_does_not_fit_is_said_with_the_exercise(run):
    Path("own.toml").write_text('kind = "circuit"\n' + OWN[: OWN.index("[[ask]]")], "utf-8")
    Path("hw3.toml").write_text(using("own.toml"), "utf-8")
    done = run("make-exercise", "hw3.toml")
    assert done.code == 2
    assert "own.toml:1: kind: found circuit without a circuit, allowed: with this spec: " in done.err


def test_a_spec_without_exercises_stands_for_itself():
    spec = found("circuit")
    assert specs_of(spec, "circuit") == (spec,)
    assert read(OWN).exercise == []
