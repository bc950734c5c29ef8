"""The command `grade`: what it writes, what it says, and that one hand-in changes no other."""

import csv
import io
import json
import random
from pathlib import Path

import pytest

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
        self.parts = [part["id"] for part in self.key("ada")["parts"]]

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
    (("output/gradients", "class.csv", "--format", "pdf"), "--format: found 'pdf', allowed: md, tex"),
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
