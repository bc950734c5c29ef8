"""The command `grade`: what it writes, what it says, and that one hand-in changes no other."""

import csv
import io
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.course import read_roster
from generator.gradebook import UnusableGradebook, decoded, filled
from tests.test_tex import compiles

HEADS = "student,variant,part,quantity,answer,verdict,credit,note,expected"
G = "dL/dW[1][1][1]"
TABLES = ("grades.csv", "summary.csv")


def written(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


class Course:
    """A folder of an exercise, and what its students hand in."""

    def __init__(self, folder):
        self.folder = Path(folder)
        rows = csv.DictReader((self.folder / "variants.csv").read_text("utf-8").splitlines())
        self.variants = {row["student"]: row["variant"] for row in rows}
        self.parts = [part["id"] for part in self.key(next(iter(self.variants)))["parts"]]

    def key(self, student):
        return json.loads((self.folder / self.variants[student] / "key.json").read_text("utf-8"))

    def right(self, student, **other):
        """A row: everything right, but for what is said."""
        answers = {part["id"]: f"{part['answer']:.6g}" for part in self.key(student)["parts"]}
        answers |= other.pop("but", {})
        return [student, self.variants[student], *(answers[part] for part in self.parts)]

    def wide(self, rows):
        return written([["student", "variant", *self.parts], *rows])


@pytest.fixture
def course(run):
    Path("roster.csv").write_text("student,name\nada,Ada\nalan,Alan\ngrace,Grace\nada-2,\n", "utf-8")
    assert run("make-exercise", "gradients", "--students", "roster.csv", "--format", "md").code == 0
    return Course("output/gradients")


def graded(folder="output/gradients/graded"):
    return {
        name: [*csv.DictReader(io.StringIO(Path(folder, name).read_text("utf-8")))] for name in TABLES
    }


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def class_of(course):
    """Ada is right, Alan forgets a factor and a digit, Grace says nothing to one and nonsense to another."""
    right = float(course.right("alan")[2 + course.parts.index(G)])
    return [
        course.right("ada"),
        course.right("alan", but={G: f"{10 * right:.4g}"}),
        course.right("grace", but={G: "", course.parts[0]: "about half"}),
    ]


def test_what_is_written(run, course):
    Path("class.csv").write_text(course.wide(class_of(course)), "utf-8")
    done = run("grade", course.folder, "class.csv")
    assert done.code == 0
    assert "3 hand-ins marked: 24 correct, 1 wrong, 1 unreadable, 1 blank." in done.out
    assert "variants.csv: ada-2: handed in nothing" in done.out
    tables = {name: (course.folder / "graded" / name).read_text("utf-8") for name in TABLES}
    assert tables["grades.csv"].splitlines()[0] == HEADS
    assert tables["summary.csv"].splitlines()[0] == "student,variant,score,max"
    rows = {(row["student"], row["part"]): row for row in graded()["grades.csv"]}
    assert [*rows] == [(who, part) for who in ("ada", "alan", "grace") for part in course.parts]
    found = {
        who: {part: (rows[who, part]["verdict"], rows[who, part]["note"]) for part in course.parts}
        for who in ("ada", "alan", "grace")
    }
    assert {*found["ada"].values()} == {("correct", "")}
    assert found["alan"][G] == ("wrong", "power of ten")
    assert found["grace"][G] == ("blank", "")
    assert found["grace"][course.parts[0]][0] == "unreadable"
    most = sum(part["points"] for part in course.key("ada")["parts"])
    scores = {
        row["student"]: (float(row["score"]), float(row["max"])) for row in graded()["summary.csv"]
    }
    assert scores["ada"] == (most, most)
    assert scores["alan"] == (most - 0.5, most)
    for who, variant in course.variants.items():
        page = course.folder / "graded" / "feedback" / f"{variant}.md"
        assert page.is_file() == (who != "ada-2")
        assert not page.is_file() or who in page.read_text("utf-8")


def test_marking_again_says_who_gains_and_takes_any_old_table(run, course):
    Path("class.csv").write_text(course.wide([course.right("ada", but={G: ""})]), "utf-8")
    assert "Marked again" not in run("grade", course.folder, "class.csv").out
    Path("class.csv").write_text(course.wide([course.right("ada")]), "utf-8")
    assert "Marked again: 1 gain, 0 lose." in run("grade", course.folder, "class.csv").out


def test_marking_again_knows_who_is_named_like_a_formula(run):
    Path("roster.csv").write_text("student,name\n=1+1,Ada\n-x,Alan\n@me,\n", "utf-8")
    run("make-exercise", "gradients", "--students", "roster.csv", "--format", "md")
    course = Course("output/gradients")
    course.variants = {who.removeprefix("'"): variant for who, variant in course.variants.items()}
    blank = [course.right(who, but={G: ""}) for who in course.variants]
    Path("class.csv").write_text(course.wide(blank), "utf-8")
    assert run("grade", course.folder, "class.csv").code == 0
    Path("class.csv").write_text(course.wide([course.right(who) for who in course.variants]), "utf-8")
    assert "Marked again: 3 gain, 0 lose." in run("grade", course.folder, "class.csv").out


OLD = {  # a summary.csv that is none of ours, or that somebody has opened
    "bytes": b"\xff",
    "columns": b"student,score\nada,1\n",
    "short": b"student,variant,score\nada\n",
    "word": b"student,variant,score\nada,K,many\n",
    "nan": b"student,variant,score\nada,K,nan\n",
    "long": b"student,variant,score\nada,K," + b"9" * 200_000,
}


@pytest.mark.parametrize("old", OLD)
def test_whatever_the_old_summary_is_a_class_is_marked(run, course, old):
    (course.folder / "graded").mkdir()
    data = OLD[old].replace(b"K", course.variants["ada"].encode())
    (course.folder / "graded" / "summary.csv").write_bytes(data)
    Path("class.csv").write_text(course.wide([course.right("ada")]), "utf-8")
    done = run("grade", course.folder, "class.csv")
    assert (done.code, "again" in done.out) == (0, False)


def test_a_class_of_which_nothing_can_be_marked(run, course):
    Path("class.csv").write_text(course.wide([["zoe", "", *["1"] * len(course.parts)]]), "utf-8")
    done = run("grade", course.folder, "class.csv")
    assert (done.code, "0 hand-ins marked: no answers." in done.out) == (0, True)
    assert "0 hand-ins of 0 points each." in (course.folder / "graded" / "class.md").read_text("utf-8")


def test_the_order_of_the_rows_changes_no_byte(run, course):
    rows = class_of(course)
    for number in range(3):
        random.Random(number).shuffle(rows)
        Path("class.csv").write_text(course.wide(rows), "utf-8")
        assert run("grade", course.folder, "class.csv", "--out", f"out{number}").code == 0
    assert files("out0") == files("out1") == files("out2")


WRONG = [  # arguments, what is said
    (("nowhere", "class.csv"), "nowhere: found no keys in it, allowed: the folder of an exercise"),
    (("output", "class.csv"), "output: found no keys in it, allowed: the folder of an exercise"),
    (("output/gradients", "none.csv"), "none.csv: found no such file"),
    (("output/gradients", "empty.csv"), "empty.csv: found nothing in it"),
    (("output/gradients", "class.csv", "--format", "doc"), "--format: found 'doc', allowed: md, tex"),
    (("output/broken", "class.csv"), "output/broken: X/key.json: is no key"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_what_cannot_be_graded_gets_one_line_and_writes_nothing(run, course, words, said):
    Path("class.csv").write_text(course.wide([course.right("ada")]), "utf-8")
    Path("empty.csv").write_text("", "utf-8")
    Path("output/broken/X").mkdir(parents=True)
    Path("output/broken/X/key.json").write_text("{", "utf-8")
    before = files(".")
    done = run("grade", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"chainwork: {said}")
    assert files(".") == before


def test_who_and_what_is_not_known_is_said_and_the_rest_marked(run, course):
    run("make-exercise", "loss", "--students", "roster.csv", "--format", "md")
    other = Course("output/loss").variants["alan"]
    stranger = ["mallory", *course.right("grace")[1:]]
    foreign = ["alan", other, *course.right("alan")[2:]]
    Path("class.csv").write_text(course.wide([course.right("ada"), stranger, foreign]), "utf-8")
    done = run("grade", course.folder, "class.csv")
    assert done.code == 0
    assert "line 3: mallory: mallory is not in variants.csv" in done.out
    assert f"line 4: alan: {other} is no variant that there is a key of" in done.out
    assert [row["student"] for row in graded()["summary.csv"]] == ["ada", "mallory"]


def test_a_stranger_does_not_take_the_page_of_the_variants_owner(run, course):
    rows = [["aaa", *course.right("ada")[1:]], course.right("ada", but={G: "7"})]
    Path("class.csv").write_text(course.wide(rows), "utf-8")
    assert run("grade", course.folder, "class.csv").code == 0
    pages, variant = course.folder / "graded" / "feedback", course.variants["ada"]
    assert f"ada, variant {variant}" in (pages / f"{variant}.md").read_text("utf-8")
    assert f"aaa, variant {variant}" in (pages / f"{variant}-2.md").read_text("utf-8")


HOSTILE = {
    "code": "__import__('os').system('touch pwned')",
    "power": "9**9**9",
    "brackets": "[" * 10**6,
    "NUL": "\0\0" + "1",
    "huge": "9" * 20_000_000,
    "formula": "=cmd()|' /C calc'!A0",
    "full-width": "＝1+1",
    "tab": "\t=1+1",
    "right to left": "\u202e5.0\u200f\u2066",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "TeX": r"$\input{/etc/passwd}$ \write18{touch pwned} ^^5c %",
    "halves": "\ud800\udfff\ud83d",
    "other letters": "語 ἄ \u0338",
    "Markdown": "| [x](http://e.x) | `a` **b** @all #1\n\n# h",
    "lines": 'a"b\r\n=1+1,\n@x',
}


def hostile_rows(course, names):
    variant = course.variants["ada"]
    for name in names:
        text = HOSTILE[name]
        who = f"{name[:3]} {text}" if name == "huge" else text
        yield [who[:300], variant, text, *[text[:20_000]] * (len(course.parts) - 1)]


def hand_in(course, rows, name="class.csv"):
    Path(name).write_bytes(course.wide(rows).encode("utf-8", "surrogatepass"))
    return name


@pytest.fixture
def with_a_name(run):
    """A course in which one name is not plain ASCII."""
    names = ["ada", "ayşe", "grace"]
    Path("roster.csv").write_text("student\n" + "\n".join(names) + "\n", "utf-8")
    assert run("make-exercise", "gradients", "--students", "roster.csv", "--format", "md").code == 0
    return Course("output/gradients"), names


def test_hostile_hand_ins_change_nobody_elses(run, with_a_name):
    course, names = with_a_name
    good = [course.right(who, but={G: "7"} if who == "ada" else {}) for who in names]
    assert run("grade", course.folder, hand_in(course, good), "--out", "clean").code == 0
    rows = [good[0], *hostile_rows(course, HOSTILE), *good[1:]]
    done = run("grade", course.folder, hand_in(course, rows), "--out", "hostile")
    assert done.code == 0
    assert not Path("pwned").exists()
    clean, hostile = graded("clean"), graded("hostile")
    for name in TABLES:
        assert [row for row in hostile[name] if row["student"] in names] == clean[name]
    assert len(hostile["summary.csv"]) > len(names) + len(HOSTILE) - 3
    for path, page in files("clean").items():
        if path.startswith("feedback"):
            assert files("hostile")[path] == page


def test_no_cell_that_is_written_is_a_formula(run, course):
    some = set(HOSTILE) - {"brackets", "huge"}
    assert run("grade", course.folder, hand_in(course, hostile_rows(course, some))).code == 0
    for name in TABLES:
        text = (course.folder / "graded" / name).read_text("utf-8")
        for cell in (cell for row in csv.reader(io.StringIO(text)) for cell in row):
            plain = cell[:1] in ("-", "+") and cell[1:2].isdigit()
            assert plain or cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "＝"), cell


MARKUP = ["<script", "<img", "[x](", "`a`", "**b**", "@all", "$\\input", "\n# h"]


def test_the_pages_hold_no_markup_of_anybody(run, course):
    assert run("grade", course.folder, hand_in(course, hostile_rows(course, HOSTILE))).code == 0
    for path, page in files(course.folder / "graded").items():
        if path.endswith(".md"):
            assert not [text for text in MARKUP if text in page.decode()], path


@pytest.mark.tex
def test_pdflatex_sets_the_pages_of_a_hostile_class(run, course, tmp_path):
    good = class_of(course)
    rows = [*good, *hostile_rows(course, HOSTILE)]
    assert run("grade", course.folder, hand_in(course, rows), "--format", "tex").code == 0
    pages = [*(course.folder / "graded").rglob("*.tex")]
    assert len(pages) > len(HOSTILE)
    for page in pages:
        text = page.read_text("utf-8")
        assert r"\input{" not in text.partition(r"\begin{document}")[2]
        compiles(tmp_path, page.stem, text)


# --- a gradebook ---

CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Quiz 1 (17),Current Score\r\n"
    "    Points Possible,,,,,10,(read only)\r\n"
    '"Lovelace, Ada",1,0815,ada,S1,9.5,95\r\n'
    '"Turing, Alan",2,0816,ALAN,S1,,\r\n'
    '"Nobody, Here",3,0817,nobody,S1,7,70\r\n'
    '"Two, Ada",4,0818,ada-2,S1,7,70\r\n'
    '"Student, Test",5,,x9,S1,,\r\n'
)
MOODLE = (
    '"First name",Surname,"ID number","Email address","Assignment: gradients (Real)","Course total"\n'
    "Ada,Lovelace,,ada,-,5\n"
    "Alan,Turing,alan,t@b.c,2,5\n"
    "No,Body,nobody,n@b.c,-,5\n"
)
PLAIN = 'student;remark\nalan;"=1+1;\n2"\n\nada\n'
SCORES = {"ada": "12", "alan": "11.5"}

GRADEBOOKS = [  # text -> where a student's score is, all cells as they were but for these
    (CANVAS, 5, {1: "12", 2: "12", 3: "11.5"}, True),
    (CANVAS.replace(",Quiz 1 (17)", ",gradients (17)"), 5, {2: "12", 3: "11.5"}, False),
    (MOODLE, 4, {1: "12", 2: "11.5"}, False),
    (PLAIN, 2, {1: "11.5", 3: "12"}, True),
]


def table(text):
    mark = ";" if ";" in text.partition("\n")[0] else ","
    return [*csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=mark)]


@pytest.mark.parametrize(("text", "at", "cells", "new"), GRADEBOOKS)
def test_scores_in_a_gradebook(text, at, cells, new):
    done = filled(text, "gradients", 12, SCORES)
    before, after = table(text), table(done.text)
    assert len(before) == len(after)
    for number, (old, now) in enumerate(zip(before, after, strict=True)):
        own = cells.get(number, "" if new else (old[at] if old else ""))
        if number == 0:
            assert now[at] == ("gradients" if new else old[at])
        elif old:
            assert now[at] == own
        rest = "\0".join(now[:at] + now[at + 1 :])  # a short row is made long enough
        assert rest.rstrip("\0") == "\0".join(old[:at] + old[at + (not new) :]).rstrip("\0")
    assert done.text.startswith("\ufeff") == text.startswith("\ufeff")
    assert done.text.count("\r\n") == text.count("\r\n")
    assert filled(done.text, "gradients", 12, SCORES).text == done.text
    assert [s.id for s in read_roster(done.text)] == [s.id for s in read_roster(text)]


CELLS = st.text(st.sampled_from("a,;\t\"'=\n\r 0ı\ufeff\0") | st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=4))
def test_no_cell_of_a_gradebook_is_changed(rows):
    rows = [["student", "x"], ["ada", "1"], *rows]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    after = [*csv.reader(io.StringIO(filled(text.getvalue(), "hw", 12, {"ada": "3"}).text, newline=""))]
    for old, now, score in zip(rows, after, ["hw", "3", *[""] * len(rows)], strict=False):
        long = old + [""] * (2 - len(old))
        assert now == ([*long[:2], score, *long[2:]] if any(old) else old)
    assert len(after) == len(rows)


@given(st.text())
def test_any_text_is_a_gradebook_or_one_clean_error(text):
    try:
        done = filled(text, "hw", 12, SCORES)
    except UnusableGradebook:
        return
    assert filled(done.text, "hw", 12, SCORES) == done


def test_canvas_takes_it_back():
    heads, points, *_ = table(filled(CANVAS, "gradients", 12, SCORES).text)
    assert heads[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert points[0] == "    Points Possible"
    assert points[5] == "12"


def test_who_is_not_in_a_gradebook_and_other_points_are_said():
    done = filled(CANVAS.replace("Quiz 1", "gradients"), "gradients", 12, {**SCORES, "mallory": "3"})
    assert (done.missing, done.points) == (("mallory",), "10")
    assert "mallory" not in done.text


NO_GRADEBOOK = [
    ("", "found nothing"),
    (
        "who,what\nada,1\n",
        "line 1: found the columns who, what, allowed: an export with a column student",
    ),
    ('student\n"ada\n', "found a line that is not CSV"),
    ("student\nada\nADA\n", "line 3: found 'ada' again, who is in line 2"),
    ("student,hw,Quiz: hw (Real)\nada,,\n", "line 1: found the columns hw, Quiz: hw (Real)"),
    ("Student,SIS Login ID\nAda,ada\n", "line 1: found no column id, which Canvas needs"),
]


@pytest.mark.parametrize(("text", "said"), NO_GRADEBOOK)
def test_what_is_no_gradebook(text, said):
    with pytest.raises(UnusableGradebook) as error:
        filled(text, "hw", 12, SCORES)
    assert str(error.value).startswith(said)


def test_grade_into_a_gradebook(run, course):
    Path("book.csv").write_text(CANVAS, "utf-8", newline="")
    rows = [*class_of(course)[:2], ["mallory", *course.right("grace")[1:]]]
    Path("class.csv").write_text(course.wide(rows), "utf-8")
    done = run("grade", course.folder, "class.csv", "--into", "book.csv")
    assert done.code == 0
    assert "Not in book.csv: mallory." in done.out
    scores = {row["student"]: row["score"] for row in graded()["summary.csv"]}
    found = table((course.folder / "graded" / "gradebook.csv").read_bytes().decode())
    assert [row[5] for row in found[2:]] == [scores["ada"], scores["alan"], "", "", ""]
    Path("bad.csv").write_text("who\nada\n", "utf-8")
    before = files(".")
    done = run("grade", course.folder, "class.csv", "--into", "bad.csv")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert files(".") == before


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_gradebook_keeps_its_encoding(run, course, encoding):
    text = "Student;ID number;é\r\nJosé;ada;ü\r\nñ;alan;\r\n"
    Path("book.csv").write_bytes(text.encode(encoding))
    Path("class.csv").write_text(course.wide([course.right("ada")]), "utf-8")
    done = run("grade", course.folder, "class.csv", "--into", "book.csv")
    assert done.code == 0
    after = "Student;ID number;é;gradients\r\nJosé;ada;ü;12\r\nñ;alan;;\r\n"
    assert (course.folder / "graded" / "gradebook.csv").read_bytes() == after.encode(encoding)


def test_bytes_of_a_gradebook_that_mean_nothing_stay():
    data = b"student;x\nada;\x81\xe9\n"
    text, written_ = decoded(data)
    assert written_(filled(text, "hw", 12, SCORES).text) == b"student;x;hw\nada;\x81\xe9;12\n"
    with pytest.raises(UnusableGradebook, match="cp1252, which has no δ"):
        written_(filled(text, "δ", 12, SCORES).text)
    with pytest.raises(UnusableGradebook, match="an Excel workbook: save it as CSV, allowed"):
        decoded(b"\xd0\xcf\x11\xe0 and more")


# --- a pile of paper ---


@pytest.fixture
def asked(run, course, monkeypatch):
    """asked(student or variant, *lines) -> the run; the lines are typed."""

    def call(who, *lines):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return run("grade", course.folder, "--ask", course.variants.get(who, who))

    return call


def typed_of(course):
    rows = [*csv.DictReader((course.folder / "typed.csv").read_text("utf-8").splitlines())]
    assert all([*row] == ["student", "variant", "part", "answer"] for row in rows)
    return {(row["student"], row["part"]): row["answer"] for row in rows}


def test_a_sheet_is_typed_in_and_marked(run, course, asked):
    ada = course.right("ada")[2:]
    typed = [ada[0], "7", "<", ada[1], "", "about half", "=1/3", *ada[5:]]
    done = asked("ada", *typed)
    assert done.code == 0
    said = [line.strip() for line in done.out.splitlines()]
    for line in ("correct", "wrong", "unreadable: "):
        assert any(line in one for one in said), line
    answers = typed_of(course)
    expected = [ada[0], ada[1], None, "about half", "'=1/3", *ada[5:]]
    assert [answers.get(("ada", part)) for part in course.parts] == expected
    alan = course.right("alan")[2:]
    assert asked("alan", *alan).out.count("correct") == len(alan)
    assert run("grade", course.folder, course.folder / "typed.csv").code == 0
    rows = {(row["student"], row["part"]): row for row in graded()["grades.csv"]}
    verdicts = [rows["ada", part]["verdict"] for part in course.parts]
    assert verdicts[:4] == ["correct", "correct", "blank", "unreadable"]
    assert verdicts[5:] == ["correct"] * len(verdicts[5:])
    assert {row["verdict"] for (who, _), row in rows.items() if who == "alan"} == {"correct"}


def test_what_was_typed_stays_where_the_typing_stops(course, asked):
    ada = course.right("ada")[2:]
    assert asked("ada", *ada[:2]).code == 0
    assert typed_of(course) == {("ada", part): ada[n] for n, part in enumerate(course.parts[:2])}
    again = asked("ada", "", "<", "<", "<", "5")
    assert f"[{ada[0]}]" in again.out
    assert typed_of(course)["ada", course.parts[0]] == "5"
    assert typed_of(course)["ada", course.parts[1]] == ada[1]


def test_a_formula_of_a_spreadsheet_that_is_typed_is_marked_as_it_was_typed(run, course, asked):
    """`-1/3` would be computed: its cell gets an apostrophe, and is read without it."""
    done = asked("ada", "-1/3")
    assert run("grade", course.folder, course.folder / "typed.csv").code == 0
    first = graded()["grades.csv"][0]
    assert first["verdict"] != "unreadable"
    assert first["verdict"] in done.out


def test_a_mistyped_variant_says_which_character(course, asked):
    variant = course.variants["ada"]
    wrong = ("2" if variant[0] != "2" else "3") + variant[1:]
    done = asked(wrong)
    assert done.code == 2
    assert f"character 1 is {wrong[0]}, not {variant[0]}, if {variant} is meant" in done.err
    for typed, said in (("K7Q", "its last character does not check"), ("", "its last character")):
        assert said in asked(typed).err
    assert asked(variant.lower().replace("-", " ")).code == 0


def test_without_hand_ins_or_with_both(run, course):
    variant = course.variants["ada"]
    assert "found no SUBMISSIONS, allowed: a CSV or JSON file" in run("grade", course.folder).err
    assert run("grade", course.folder, "x.csv", "--ask", variant).code == 2


@pytest.mark.parametrize("text", ["", "x\n", "student;variant;part;answer\nada;K;L;0,5\n"])
def test_what_somebody_else_wrote_into_typed_csv_stays(course, asked, text):
    """Excel's own CSV, say."""
    path = course.folder / "typed.csv"
    path.write_text(text, "utf-8")
    done = asked("ada", "0.5")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "typed.csv: found another table, allowed: student,variant,part,answer" in done.err
    assert path.read_text("utf-8") == text


TAMPERED = [  # what somebody has changed in a key.json, and what is said
    (("parts", 0, "quantity"), "dL/dW[9][9][9]", "dL/dz[2][1] does not fit the rest of it"),
    (("parts", 0, "form"), "shape", "dL/dz[2][1] does not fit the rest of it"),
    (("parts", 0, "form"), "design", "dL/dz[2][1] does not fit the rest of it"),
    (("parts", 0, "answer"), float("inf"), "dL/dz[2][1] has no finite answer"),
    (("specs", 0), {"name": "x"}, "specs does not fit the rest of it"),
    (("specs", 0, "network", "inputs"), [[1, 2], [3, 4]], "specs does not fit the rest of it"),
]


@pytest.mark.parametrize(("place", "value", "said"), TAMPERED)
def test_a_key_that_somebody_has_changed(run, course, place, value, said):
    Path("class.csv").write_text(course.wide([course.right("ada")]), "utf-8")
    for path in Path(course.folder).glob("*/key.json"):
        key = at = json.loads(path.read_text("utf-8"))
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = value
        path.write_text(json.dumps(key), "utf-8")
    done = run("grade", course.folder, "class.csv")
    assert (done.code, done.err.count("\n"), said in done.err) == (2, 1, True), done.err
    assert not Path(course.folder, "graded").exists()
