"""What a class hands in, from every source: a text of a file, what is marked of it, what is odd about it."""

import csv
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator import sources
from generator.answers import blank
from generator.draw import ALPHABET, draw_all, is_variant_id
from generator.exercises import found
from generator.keys import key, read_key
from generator.paper import Paper, drawn, specs_of
from generator.publish import answers_csv, csv_text, plain_cell, read_variants, safe_cell, variants_csv
from generator.sources import BESIDES, SIGNATURES, SOURCES, VARIANT, WHO
from generator.spec_file import read
from generator.submissions import LONGEST, PROBLEMS, Submissions, UnusableSubmissions, read_submissions

SYMBOLIC = [*draw_all(found("symbolic"), 1, ["ada", "alan", "grace"])]
KEYS = {e.variant: read_key(json.dumps(key(e))) for e in SYMBOLIC}
A, B, C = KEYS  # of ada, alan and grace
STUDENTS = {"ada": A, "alan": B, "grace": C}
V, W = "dL/dW[2][1][1]", "dL/dW[1][1][1]"
F, G = f"{V}:formula", f"{W}:formula"  # the parts are F, G, V, W

TYPED = {V: "0.5", F: "a1*(1-a1)"}


def test_the_parts_of_these_tests():
    assert all([*key.parts] == [F, G, V, W] for key in KEYS.values())


@pytest.fixture
def hand_in(tmp_path):
    """hand_in({name: text or bytes}) of a folder, or hand_in(text) of a file -> Submissions."""

    def read_them(files, keys=KEYS, students=STUDENTS):
        for name, text in files.items() if isinstance(files, dict) else [("class.csv", files)]:
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        where = tmp_path / "in" if isinstance(files, dict) else tmp_path / "in" / "class.csv"
        return read_submissions(where, keys, students)

    return read_them


def answered(submissions):
    """What is marked, without what is blank."""
    return {
        (h.student, h.variant): {part: text for part, text in h.answers.items() if not blank(text)}
        for h in submissions.hand_ins
    }


def odd(submissions):
    """What is odd, but for students who handed in nothing: (reason, place, student)."""
    return [(p.reason, p.place, p.student) for p in submissions.problems if p.reason != "nothing"]


ADA = {("ada", A): TYPED}
BOTH = {**ADA, ("alan", B): {V: "-1,5"}}

# --- sources ---

WIDE = f'student,variant,{V},{F}\nada,{A},0.5,a1*(1-a1)\nalan,{B},"-1,5",\n'
LONG = f'student,variant,part,answer\nada,{A},{V},0.5\nada,{A},{F},a1*(1-a1)\nalan,{B},{V},"-1,5"\n'
MOODLE = (
    "Surname,First name,ID number,Email address,State,Started on,Completed,Time taken,Grade/10.00,"
    "Response 1,Response 2,Response 3,Response 4\n"
)
CANVAS = (
    "name,id,sis_id,section,section_id,section_sis_id,submitted,attempt,"
    f'"7: Type this:\n{F}",3.0,8: {G},3.0,"9: The number, {V}?",1.0,10: {W},1.0,'
    "n correct,n incorrect,score\n"
)
SHEETS = {
    "wide": WIDE,
    "wide, another order": f"{F},Variant,{V},Student\na1*(1-a1),{A},0.5,ada\n,{B},\"-1,5\",alan\n",
    "wide, semicolons": WIDE.replace(",", ";").replace('"-1;5"', "-1,5"),
    "wide, tabs": WIDE.replace(",", "\t").replace('"-1\t5"', "-1,5"),
    "wide, marks said": "sep=;\n" + WIDE.replace(",", ";").replace('"-1;5"', "-1,5"),
    "wide, no variants": f"student,{V},{F}\nada,0.5,a1*(1-a1)\nalan,\"-1,5\",\n",
    "wide, no students": f"variant,{V},{F}\n{A},0.5,a1*(1-a1)\n{B},\"-1,5\",\n",
    "wide, heads as somebody typed them": WIDE.replace("student,variant", " STUDENT , Variant ID")
    .replace(V, " dl / dw[2][1][1] ", 1),
    "wide, students in another case": WIDE.replace("ada,", "Ada,").replace("alan,", " ALAN ,"),
    "wide, variants as somebody typed them": WIDE.replace(A, A.lower().replace("-", " ")),
    "wide, Windows lines": WIDE.replace("\n", "\r\n"),
    "wide, old lines": WIDE.replace("\n", "\r"),
    "wide, empty lines": "\n\n" + WIDE.replace("\n", "\n,,,\n"),
    "wide, all quoted": "\n".join(
        ",".join(f'"{c}"' for c in row) for row in csv.reader(WIDE.splitlines())
    ),
    "wide, with what forms add": f"Timestamp,Email address,ID number,{V},{F},Score\n"
    "1/2/2026,a@b.c,ada,0.5,a1*(1-a1),3\n1/2/2026,b@b.c,alan,\"-1,5\",,0\n",
    "long": LONG,
    "long, no variants": LONG.replace(f",{A}", "").replace(f",{B}", "").replace(",variant", ""),
    "long, in any order": "\n".join([LONG.splitlines()[0], *LONG.splitlines()[:0:-1]]),
    "Moodle": MOODLE + "Lovelace,Ada,ada,a@b.c,Finished,1,2,3,-,a1*(1-a1),-,0.5,-\n"
    "Turing,Alan,alan,b@b.c,Finished,1,2,3,-,-,-,\"-1,5\",-\nHopper,Grace,grace,g@b.c,-,-,-,-,-,-,-,-,-\n"
    "Overall average,,,,,,,,0.00,,,,\n",
    "Moodle, in German": (MOODLE + "Lovelace,Ada,ada,,,,,,,a1*(1-a1),,0.5,\nTuring,Alan,alan,,,,,,,,,\"-1,5\",\n")
    .replace("Surname", "Nachname")
    .replace("Response", "Antwort"),
    "Moodle, one question with all parts": "Last name,First name,ID number,Response 1\n"
    "L,Ada,ada,part 1: a1*(1-a1); part 2: ; part 3: 0.5; part 4: \nT,Alan,alan,\"part 3: -1,5\"\n",
    "Canvas": CANVAS + "Ada,1001,ada,S,1,,2026,1,a1*(1-a1),3.0,,0,0.5,1.0,,0,2,2,4\n"
    "Alan,1002,alan,S,1,,2026,1,,0,,0,\"-1,5\",0,,0,0,4,0\n",
    "Canvas, in the order of the sheet": CANVAS.replace(F, "One").replace(G, "Two").replace(V, "3").replace(W, "4")
    .replace(",1.0,n correct", ",1.0,99: Thank you,0.0,n correct")
    + "Ada,1001,ada,S,1,,2026,1,a1*(1-a1),3.0,,0,0.5,1.0,,0,,0,2,2,4\n"
    "Alan,1002,alan,S,1,,2026,1,,0,,0,\"-1,5\",0,,0,,0,0,4,0\n",
    "JSON": json.dumps([{"student": "ada", "variant": A, **TYPED}, {"Student": "alan", V: "-1,5"}]),
    "JSON, long": json.dumps(
        [{"student": s, "part": p, "answer": t} for s, p, t in
         [("ada", V, "0.5"), ("ada", F, "a1*(1-a1)"), ("alan", V, "-1,5")]]
    ),
    "JSON, by students": json.dumps({"ada": TYPED, "alan": {V: "-1,5", F: None}}),
    "JSON, by variants": json.dumps({A: TYPED, B: {V: "-1,5"}}),
    "JSON, with answers of their own": json.dumps(
        [{"student": "ada", "answers": TYPED}, {"variant": B, "answers": [{"part": V, "answer": "-1,5"}]}]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHEETS)
def test_sources(hand_in, name):
    submissions = hand_in(SHEETS[name])
    assert answered(submissions) == BOTH
    assert odd(submissions) == []
    assert [p.student for p in submissions.problems] == ["grace"]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(hand_in, encoding):
    students = {"zoë": A, "alan": B}
    text = f"student,{V},{F}\nzoë,0.5,½ · é\n"
    submissions = hand_in(text.encode(encoding), students=students)
    assert answered(submissions) == {("zoë", A): {V: "0.5", F: "½ · é"}}
    assert odd(submissions) == []


def test_numbers_in_json_keep_their_digits(hand_in):
    text = f'{{"ada": {{"{V}": 0.50, "{W}": 1e-3, "{F}": [[1, 2.0], [3, 4]], "{G}": 1{"0" * 5000}}}}}'
    answers = answered(hand_in(text))["ada", A]
    assert answers == {V: "0.50", W: "1e-3", F: "[[1, 2.0], [3, 4]]", G: "1" + "0" * 5000}


def test_a_quoted_answer_may_have_lines_and_commas(hand_in):
    text = f'student,{V},{F}\nada,0.5,"a,\n""b"""\nalan,1,c\n'
    assert answered(hand_in(text)) == {
        ("ada", A): {V: "0.5", F: 'a,\n"b"'},
        ("alan", B): {V: "1", F: "c"},
    }


def test_numbers_and_responses_of_a_sheet_of_several_exercises(hand_in, tmp_path):
    """Ids say which exercise; a response with several answers is one exercise."""
    text = 'name = "s"\ntitle = "S"\n' + '[[exercise]]\nuse = "loss"\n' * 2
    Path(tmp_path / "s.toml").write_text(text, "utf-8")
    spec = read(text)
    (paper,) = drawn(spec, specs_of(spec, str(tmp_path / "s.toml")), 1, ["ada"])
    keys = {paper.variant: read_key(json.dumps(key(paper)))}
    first, second = "1:L[1]", "2:a[2][2]"
    expected = {("ada", paper.variant): {first: "0.5", second: "0.25"}}
    for sheet in (
        f"student,{first},{second}\nada,0.5,0.25\n",
        f"part,answer,student\n{first},0.5,ada\n{second},0.25,ada\n",
        "ID number,Response 1,Response 2\nada,part 1: ; part 3: 0.5,part 1: ; part 2: 0.25\n",
    ):
        submissions = hand_in(sheet, keys, {"ada": paper.variant})
        assert (answered(submissions), submissions.problems) == (expected, ())


# --- files of single students ---


def sheet(variant, *typed):
    """An answer sheet, filled in."""
    lines = answers_csv(Paper.of(SYMBOLIC[[*KEYS].index(variant)])).splitlines()
    return "\n".join(
        [lines[0], *(f'{line}"{text}"' for line, text in zip(lines[1:], typed, strict=False))]
    )


FILLED = sheet(A, "a1*(1-a1)", "", "0.5", "")
BARE = f"part,answer\n{V},0.5\n{F},a1*(1-a1)\n"
OF_ADA = [
    ("x.csv", FILLED),
    ("Lovelace Ada_1815_assignsubmission_file/answers.csv", FILLED),
    (f"ada_lovelace_{A}.csv", BARE),
    (f"{A}/answers.csv", BARE),
    (f"hw-{A.replace('-', '')} (1).txt", BARE),
    ("ada.csv", BARE),
    ("ada/answers.csv", BARE),
    ("2026_Ada_hw.json", json.dumps(TYPED)),
    ("x.json", json.dumps({"variant": A, "answers": TYPED})),
    ("ada.json", json.dumps({"answers": TYPED})),
]


@pytest.mark.parametrize(("name", "text"), OF_ADA, ids=[name for name, _ in OF_ADA])
def test_a_file_of_one_student(hand_in, name, text):
    submissions = hand_in({name: text})
    assert answered(submissions) == ADA
    assert odd(submissions) == []


def test_an_empty_answer_sheet_asks_for_all_parts_and_holds_none():
    for exercise in SYMBOLIC:
        rows = [*csv.reader(answers_csv(Paper.of(exercise)).splitlines())]
        assert rows == [
            ["variant", "part", "answer"],
            *([exercise.variant, p, ""] for p in (F, G, V, W)),
        ]


def test_a_folder(hand_in):
    files = {
        "ada.csv": BARE,
        "b/class.csv": f"student,{V}\nalan,1\n",
        "b/grace.csv": sheet(C),
        "essay.pdf": b"%PDF-1.7",
        ".DS_Store": b"\0\0",
    }
    submissions = hand_in(files)
    assert answered(submissions) == {**ADA, ("alan", B): {V: "1"}}
    assert [(p.reason, p.file, p.student, p.what) for p in submissions.problems] == [
        ("unreadable", ".DS_Store", "", "passed over: a hidden file"),
        ("unreadable", "b/grace.csv", "", "found nothing in it"),
        (
            "unreadable",
            "essay.pdf",
            "",
            "found a PDF without fields of ours: its answers have to be typed",
        ),
        ("nothing", "variants.csv", "grace", "handed in nothing"),
    ]


def test_a_sheet_that_comes_back_empty_is_said_with_its_file(hand_in):
    submissions = hand_in({"x.csv": sheet(A, "", "-", "?", " ")}, students={"ada": A})
    assert submissions.hand_ins == ()
    assert [(p.reason, p.file, p.student) for p in submissions.problems] == [("nothing", "x.csv", "ada")]


def test_our_own_files_are_no_hand_ins(hand_in):
    files = {
        f"{A}/key.json": json.dumps(key(SYMBOLIC[0])),
        "variants.csv": variants_csv(STUDENTS.items()),
    }
    submissions = hand_in(files)
    assert submissions.hand_ins == ()
    assert [p.reason for p in submissions.problems][:2] == ["unreadable", "unreadable"]


# --- what is odd ---


def wrong(variant, at, by=None):
    """A variant's id with a wrong character."""
    other = by or ALPHABET[(ALPHABET.index(variant[at]) + 1) % len(ALPHABET)]
    return variant[:at] + other + variant[at + 1 :]


@cache
def elsewhere():
    """The id of a variant that there is no key of."""
    return next(draw_all(found("loss"), 1, ["ada"])).variant


SLIP = wrong(A, 4)
SWAPPED = next(
    A[:n] + A[n + 1] + A[n] + A[n + 2 :]
    for n in range(8)
    if A[n] != A[n + 1] and "-" not in A[n : n + 2]
)
HEAD = f"student,variant,{V},{F}\n"
ROW = "0.5,a1*(1-a1)\n"
ODD = [  # file, what is marked, (reason, place, student), what is said
    (f"{HEAD}eve,{A},{ROW}", {("eve", A): TYPED}, ("unknown student", "line 2", "eve"),
     f"eve is not in variants.csv; {A} is the variant of ada"),
    (f"student,{V}\neve,1\n", {}, ("unknown student", "line 2", "eve"), "eve is not in variants.csv"),
    (f"student,{V}\neve,1\n", {}, ("no variant", "line 2", "eve"), "which variant"),
    (f"variant,{V}\n,1\n", {}, ("no student", "line 2", ""), "whose it is"),
    (f"{HEAD}ada,{B},{ROW}", {("ada", B): TYPED}, ("other variant", "line 2", "ada"),
     f"it answers {B}, but variants.csv says {A}; marked as {B}"),
    (f"{HEAD}ada,{SLIP},{ROW}", ADA, ("mistyped variant", "line 2", "ada"),
     f"{SLIP} is mistyped: character 4 is {SLIP[4]}, not {A[4]}; marked as {A}"),
    (f"{HEAD}ada,{wrong(A, 5, 'O')},{ROW}", ADA, ("mistyped variant", "line 2", "ada"), "character 5 is O"),
    (f"{HEAD}ada,{SWAPPED},{ROW}", ADA, ("mistyped variant", "line 2", "ada"), "are exchanged"),
    (f"{HEAD}ada,{A[:-1]},{ROW}", ADA, ("mistyped variant", "line 2", "ada"), f"9, {A[-1]}, is missing"),
    (f"{HEAD}ada,{A}X,{ROW}", ADA, ("mistyped variant", "line 2", "ada"), "character 10, X, is too many"),
    (f"{HEAD}ada,?-3,{ROW}", ADA, ("unknown variant", "line 2", "ada"), f"marked as {A}"),
    (f"{HEAD}eve,3,{ROW}", {}, ("unknown variant", "line 2", "eve"), "not marked"),
    (f"{HEAD}ada,{elsewhere()},{ROW}", {}, ("unknown variant", "line 2", "ada"), "of another exercise"),
    (f"{HEAD}ada,{A},{ROW}ada,{A},2,\n", {("ada", A): {V: "2"}}, ("handed in twice", "line 2", "ada"),
     "handed in again at line 3; that one counts"),
    (f"{HEAD}ada,{A},{ROW}ada,{A},,\n", ADA, ("nothing", "line 3", "ada"), "handed in nothing"),
    (f"student,attempt,{V}\nada,2,0.5\nada,1,7\n", {("ada", A): {V: "0.5"}},
     ("handed in twice", "line 3", "ada"), "again at line 2"),
    (f"student,part,answer\nada,{V},1\nada,{V},2\nada,{V},\n", {("ada", A): {V: "2"}},
     ("answered twice", "line 2", "ada"), f"{V} is answered again at line 3; that one counts"),
    (f'{{"ada": {{"{V}": 1, "{V}": 2}}}}', {("ada", A): {V: "2"}}, ("answered twice", "ada", "ada"), "again"),
    (f"student,part,answer\nada,{V},1\nada,L,2\n", {("ada", A): {V: "1"}},
     ("not of the variant", "line 3", "ada"), f"{A} has no part L"),
    (f"student,{V},L,,comment\nada,1,2,,hello\nalan,,,,\n", {("ada", A): {V: "1"}}, ("no part", "", ""),
     "2 × a column that is no part of any variant: L, comment"),
    (f"student,part,answer,sure?\nada,{V},1,yes\n", {("ada", A): {V: "1"}}, ("no part", "line 2", ""), "sure?"),
    ("ID number,Response 1,Response 5\nada,1,2\n", {("ada", A): {F: "1"}},
     ("not of the variant", "line 2", "ada"), f"{A} has no part response 5"),
    ("ID number,Response 1,Response 2\nada,1,2\n", {("ada", A): {F: "1", G: "2"}}, ("count", "", ""),
     "2 responses, but the sheet has 4 parts"),
    (f"student,{V},{F}\nada,0,5,a\n", {("ada", A): {V: "0", F: "5"}}, ("cells", "line 2", ""),
     "1 × more than there are columns: a"),
    (f'student,{V},{F}\nada,"0.5,a\nalan,1,b\n', {("ada", A): {V: '"0.5', F: "a"}, ("alan", B): {V: "1", F: "b"}},
     ("quote", "line 2", ""), "a quote that is not closed"),
    (f"student,{V}\nada,{'7' * (LONGEST + 1)}\n", {("ada", A): {V: "7" * LONGEST}},
     ("too long", "line 2", "ada"), "more than 10,000 characters; the first ones are read"),
    (f"student,{V}\nada,0.\0005\n", {("ada", A): {V: "0.5"}}, ("controls", "line 2", "ada"), "NUL"),
    (f"student,{V}\nada,\x81\xe4\n".encode("latin-1"), {("ada", A): {V: "�ä"}}, ("encoding", "", ""), "1 ×"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "marked", "problem", "said"), ODD, ids=[f"{o[2][0]}-{o[3]}" for o in ODD]
)
def test_what_is_odd_is_said_and_the_rest_is_marked(hand_in, text, marked, problem, said):
    submissions = hand_in(text)
    assert answered(submissions) == marked
    (what,) = [p.what for p in submissions.problems if (p.reason, p.place, p.student) == problem]
    assert said in what


def test_every_problem_has_a_test():
    assert {problem[0] for _, _, problem, _ in ODD} | {"unreadable"} == {*PROBLEMS}


def test_a_variant_of_variants_csv_without_a_key_is_said(hand_in):
    submissions = hand_in(f"student,{V}\nada,1\n", students={"ada": elsewhere()})
    assert submissions.hand_ins == ()
    assert [p.reason for p in submissions.problems] == ["unknown variant"]


def test_a_student_who_is_not_told_from_another_by_case_is_unknown(hand_in):
    submissions = hand_in(f"student,{V}\nADA,1\nAda,2\n", students={"ada": A, "Ada": B})
    assert answered(submissions) == {("Ada", B): {V: "2"}}
    assert odd(submissions)[0] == ("unknown student", "line 2", "ADA")


def test_without_variants_csv_the_variants_say_enough(hand_in):
    submissions = hand_in(WIDE, students={})
    assert (answered(submissions), submissions.problems) == (BOTH, ())


@pytest.mark.parametrize("at", [n for n, c in enumerate(A) if c != "-"])
def test_the_last_character_tells_a_wrong_one(at):
    assert is_variant_id(A)
    assert not any(is_variant_id(wrong(A, at, by)) for by in ALPHABET if by != A[at])


# --- files that cannot be read ---

UNREADABLE = [
    *((start + b"\0" * 100, what) for start, what in SIGNATURES),
    (b"", "found nothing"),
    (b" \n,,\n", "found nothing"),
    (b"{}", "found nothing"),
    (b"[]", "found nothing"),
    (b"hello", "found the columns hello, allowed: student and parts"),
    (b"ada,0.5\n", "found the columns ada, 0.5"),
    (b"student,name\nada,Ada\n", "found the columns student, name"),
    (b'{"ada": ', "found JSON with a mistake"),
    (b"[1, 2]", "found other JSON"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"a":' * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("data", "said"), UNREADABLE, ids=[said for _, said in UNREADABLE])
def test_what_cannot_be_read_is_one_line(hand_in, data, said):
    with pytest.raises(UnusableSubmissions) as error:
        hand_in(data)
    assert str(error.value).startswith("class.csv: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_no_file_and_an_empty_folder(tmp_path):
    with pytest.raises(UnusableSubmissions, match="nowhere: found no such file"):
        read_submissions(tmp_path / "nowhere", KEYS, STUDENTS)
    with pytest.raises(UnusableSubmissions, match="found an empty folder"):
        read_submissions(tmp_path, KEYS, STUDENTS)


# --- whatever comes ---


def test_a_huge_cell_and_a_million_columns_disturb_nobody(hand_in):
    usual = csv.field_size_limit()
    huge = "7" * 20_000_000
    text = f"student,{V},{F}\nada,{huge},a\nalan,1,b{',' * 1_000_000}c\ngrace,2,d\n"
    submissions = hand_in(text)
    assert answered(submissions) == {
        ("ada", A): {V: "7" * LONGEST, F: "a"},
        ("alan", B): {V: "1", F: "b"},
        ("grace", C): {V: "2", F: "d"},
    }
    assert odd(submissions) == [("cells", "line 3", ""), ("too long", "line 2", "ada")]
    assert all(len(p.what) < 300 for p in submissions.problems)
    assert csv.field_size_limit() == usual


PIECES = [
    "student",
    "variant",
    "part",
    "answer",
    "Response 1",
    "1: a",
    "1.0",
    "ada",
    A,
    SLIP,
    V,
    F,
    "0.5",
]
MARKED = [
    ",",
    ";",
    "\t",
    "\n",
    "\r",
    '"',
    "'",
    "\0",
    "{",
    "}",
    "[",
    "]",
    ":",
    "\ufeff",
    "\ud800",
    "é",
    " ",
]
TEXTS = st.lists(st.sampled_from(PIECES + MARKED), max_size=60).map("".join)
BYTES = st.one_of(
    st.binary(max_size=200),
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    TEXTS.map(lambda text: text.encode("utf-16", "surrogatepass")),
    st.recursive(
        st.none() | st.sampled_from(PIECES),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(PIECES), inner),
    ).map(lambda value: json.dumps(value).encode()),
)


@given(BYTES)
@example(WIDE.encode())
@example(b'student,answer,part\n"')
@example(b'{"ada": {"answers": [{}]}}')
@example(b'[{"variant": "\\ud800"}]')
def test_any_bytes_are_hand_ins_or_one_clean_error(tmp_path_factory, data):
    """What is marked has a key and its parts; everything can be written down; nobody is left out."""
    usual = csv.field_size_limit()
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(data)
    try:
        submissions, said = read_submissions(path, KEYS, STUDENTS), ""
    except UnusableSubmissions as error:
        submissions, said = Submissions((), ()), str(error)
    assert said.isprintable()
    handed = {one.student for one in submissions.hand_ins}
    assert said.startswith("x.csv: ") or {*STUDENTS} <= handed | {
        p.student for p in submissions.problems
    }
    for one in submissions.hand_ins:
        assert {*one.answers} <= {*KEYS[one.variant].parts}
        assert all(len(text.encode()) <= 4 * LONGEST for text in one.answers.values())
    for problem in submissions.problems:
        assert (problem.file + problem.place + problem.what + problem.student).isprintable()
    assert csv.field_size_limit() == usual


ANSWERS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@given(st.dictionaries(st.sampled_from(["ada", "alan", "grace"]), ANSWERS, min_size=1))
def test_what_is_written_is_read_again(tmp_path_factory, typed):
    """Whatever was typed comes through every source as it was, without the spaces around it."""
    folder = tmp_path_factory.mktemp("typed")
    rows = [("student", V), *typed.items()]
    texts = {
        "wide.csv": "\n".join(
            ",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in row) for row in rows
        ),
        "by.json": json.dumps({student: {V: text} for student, text in typed.items()}),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
        submissions = read_submissions(folder / name, KEYS, STUDENTS)
        for one in submissions.hand_ins:
            assert one.answers == {V: typed[one.student].strip()}
        nothing = {p.student for p in submissions.problems if p.reason == "nothing"}
        assert nothing | {one.student for one in submissions.hand_ins} == {*STUDENTS}


# --- tables ---


def test_every_source_and_column_name_is_plain():
    """Column names are compared in lower case, with single spaces."""
    names = [*WHO, *VARIANT, *BESIDES]
    assert names == [" ".join(name.split()).casefold() for name in names]
    assert len(SOURCES) == 3


CELLS = [
    ("=1+1", "'=1+1"),
    ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"),
    ("-1/3", "'-1/3"),
    ("＝1+1", "'＝1+1"),
    ("'=1", "''=1"),
    ("-", "'-"),
    ("-0.0822", "-0.0822"),
    ("+.5e", "'+.5e"),
    ("-1,5", "-1,5"),
    ("-8.22e-2", "-8.22e-2"),
    ("+491234567", "+491234567"),
    ("ada", "ada"),
    ("a=1", "a=1"),
    ("'tis", "'tis"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "cell"), CELLS)
def test_cells_that_no_spreadsheet_computes(text, cell):
    assert safe_cell(text) == cell
    assert plain_cell(cell) == text


@given(st.text(st.sampled_from("=+-@\t'1a.＝"), max_size=6) | st.text(max_size=6))
def test_a_safe_cell_is_plain_again_and_is_no_formula(text):
    cell = safe_cell(text)
    assert plain_cell(cell) == text
    assert cell[:1] not in [*"=+-@\t\r"] or (cell == text != "" and cell[1:2].isdigit())


def test_students_whose_names_are_formulas(hand_in):
    students = {"=1+1": A, "-0.5": B, "ada, L.": C}
    text = variants_csv(students.items())
    assert text.splitlines()[1:3] == [f"'=1+1,{A}", f"-0.5,{B}"]
    assert read_variants(text) == students
    sheet = csv_text([("student", V), *((student, "1") for student in students)])
    submissions = hand_in(sheet, students=students)
    assert (answered(submissions), submissions.problems) == (
        {(student, variant): {V: "1"} for student, variant in students.items()},
        (),
    )


# --- what programs leave in a file ---------------------------------------------------------------

LEFT = {
    "BOMs of files that were put one behind another": lambda text: (
        "\ufeff" + text.replace("\n", "\n\ufeff")
    ),
    "NULs": lambda text: text.replace(",", ",\0").replace("st", "s\0t"),
    "carriage returns": lambda text: text.replace("\n", "\r"),
    "empty lines": lambda text: text.replace("\n", "\n\n,,,\n"),
}


@pytest.mark.parametrize("left", LEFT)
def test_what_programs_leave_in_a_file_is_passed_over(hand_in, left):
    text = f"student,variant,{V},{F}\nada,{A},0.5,a\nalan,{B},1,b\n"
    assert answered(hand_in(LEFT[left](text))) == answered(hand_in(text))
    assert len(answered(hand_in(text))) == 2


# --- cells that would fill the memory ------------------------------------------------------------

BIG = [  # what stands in a cell, in quotes or not; all else of the class is read
    "9",
    "(",
    "a,b\n",
    '""',
    "\0",
    "😀",
    f"\nada,{V},0.7",
]


@pytest.mark.parametrize("text", BIG)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_cell_as_long_as_a_book_is_cut_and_disturbs_nobody(tmp_path, monkeypatch, text, encoding):
    monkeypatch.setattr(sources, "LONG", 1000)
    cell = text * (200_000 // len(text))
    cell = f'"{cell}"' if "\n" in text or '"' in text else cell
    whole = f"student,{V},{F}\nada,0.5,a\nalan,{cell},b\njosé,2,d\n"
    (tmp_path / "class.csv").write_bytes(whole.encode(encoding))
    read = read_submissions(tmp_path / "class.csv", KEYS, {"ada": A, "alan": B, "josé": C})
    found = {h.student: dict(h.answers) for h in read.hand_ins}
    assert found["ada"] == {V: "0.5", F: "a"}
    assert found["josé"] == {V: "2", F: "d"}
    assert found["alan"][F] == "b"
    assert len(found["alan"].get(V, "")) <= LONGEST


def test_a_long_file_of_short_cells_is_read_as_it_is(tmp_path, monkeypatch):
    whole = f'student,{V},{F}\nada,"0,5;""x""\n1",a\nalan,\'1"2,b\ngrace,"open,d\n'
    (tmp_path / "class.csv").write_text(whole, "utf-8")
    before = read_submissions(tmp_path / "class.csv", KEYS, STUDENTS)
    monkeypatch.setattr(sources, "LONG", 10)
    assert read_submissions(tmp_path / "class.csv", KEYS, STUDENTS) == before


def test_json_with_a_long_text_and_lines_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LONG", 1000)
    monkeypatch.setattr(sources, "MOST_LINES", 1000)
    long = {"ada": {V: "0.5"}, "alan": {V: '\\"(' * 50_000, F: "b"}, "grace": {V: 2}}
    (tmp_path / "class.json").write_text(json.dumps(long), "utf-8")
    read = read_submissions(tmp_path / "class.json", KEYS, STUDENTS)
    assert [h.student for h in read.hand_ins] == ["ada", "alan", "grace"]
    (tmp_path / "class.csv").write_text(f"student,{V}\nada,1\n" + "\n" * 1001, "utf-8")
    with pytest.raises(UnusableSubmissions, match="found more than 1,000 lines"):
        read_submissions(tmp_path / "class.csv", KEYS, STUDENTS)


@pytest.mark.slow
@pytest.mark.parametrize("quoted", [False, True])
def test_a_cell_of_100_mb_does_not_fill_the_memory(tmp_path, quoted):
    cell = b'"' + b"a,b\n" * 25_000_000 + b'"' if quoted else b"9" * 100_000_000
    path = tmp_path / "class.csv"
    path.write_bytes(f"student,{V},{F}\nada,0.5,a\nalan,".encode() + cell + b",b\ngrace,2,d\n")
    read = (
        "import re, sys; from pathlib import Path; from generator.sources import Ids, read_source;"
        f"rows, _ = read_source(Path(sys.argv[1]), Ids(['{V}', '{F}']));"
        "print(*(row.who[0] for row in rows), int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)"
    )
    del cell
    done = subprocess.run([sys.executable, "-c", read, path], capture_output=True, text=True, check=True)
    *who, megabytes = done.stdout.split()
    assert who == ["ada", "alan", "grace"]
    assert int(megabytes) < 400
