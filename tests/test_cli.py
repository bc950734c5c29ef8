"""The command line: what it writes, what it says, how it fails; nothing half-written."""

import csv
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from derive.quantity import parse
from generator.cli import main
from generator.refusal import SpecError

ROOT = Path(__file__).parent.parent

SPEC = """
name = "mine"
notation = "plain"
[network]
inputs = [[1, -2, 0.5]]
targets = [[0.3]]
loss = "squared_error"
learning_rate = 0.1
[[network.layers]]
activation = "relu"
weights = [[0.2, -0.4, 0.1], [-0.3, 0.2, 0.8]]
biases = [0.1, -0.1]
[[network.layers]]
activation = "tanh"
weights = [[0.5, -0.6], [0.7, 0.2]]
biases = [0.05, 0]
[[network.layers]]
activation = "sigmoid"
weights = [[1.5, -0.9]]
biases = [0.2]
"""


def files(folder="output"):
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def test_make_exercise_leaves_question_solution_and_key_and_says_where(run):
    done = run("make-exercise")
    assert done.code == 0
    written = files()
    assert {Path(name).name for name in written} == {
        *("question.md", "question.tex", "solution.md", "solution.tex", "key.json", "variants.csv"),
        *(
            "answers.csv",
            "question-network.svg",
            "solution-network.svg",
            "solution-paths.svg",
            "solution-values.svg",
        ),
    }
    assert "output/mazur" in done.out
    assert "--seed" in done.out
    assert "Certified by" in done.out


def test_the_same_seed_writes_the_same_bytes(run):
    run("make-exercise", "mazur", "--seed", 7)
    run("make-exercise", "mazur", "--seed", 7, "--out", "again")
    run("make-exercise", "mazur", "--seed", 8, "--out", "other")
    assert files() == files("again") != files("other")


def test_without_a_seed_it_says_the_one_it_took(run):
    said = run("make-exercise").out
    seed = said.split("--seed ")[1].split()[0]
    run("make-exercise", "mazur", "--seed", seed, "--out", "again")
    assert files() == files("again")


def test_count_makes_that_many_variants_and_lists_them(run):
    assert run("make-exercise", "cummins", "--count", 3, "--seed", 1).code == 0
    with open("output/cummins/variants.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == ["1", "2", "3"]
    for row in rows:
        key = json.loads(Path("output/cummins", row["variant"], "key.json").read_text())
        assert key["variant"] == row["variant"]
        assert all(part["tolerance"] > 0 or part["answer"] == 0 for part in key["parts"])


def test_making_an_exercise_again_replaces_it_whole(run):
    run("make-exercise", "mazur", "--seed", 7)
    (folder,) = (p for p in Path("output/mazur").iterdir() if p.is_dir())
    (folder / "question.md").write_text("edited")
    before = set(Path("output/mazur").iterdir())
    run("make-exercise", "mazur", "--seed", 7)
    assert set(Path("output/mazur").iterdir()) == before
    assert (folder / "question.md").read_text() != "edited"


@pytest.mark.parametrize("notation", ["mazur", "cummins", "ceng506", "plain"])
@pytest.mark.parametrize("lecture", ["mazur", "cummins"])
def test_make_example_in_every_notation(run, lecture, notation):
    assert run("make-example", lecture, "--notation", notation).code == 0
    folder = "example" if notation == lecture else f"example-{notation}"
    written = (
        "solution.md",
        "solution.tex",
        *(f"solution-{p}.svg" for p in ("network", "paths", "values")),
    )
    assert set(files()) == {f"{lecture}/{folder}/{name}" for name in written}


def test_a_spec_from_outside_derives_and_certifies(run):
    Path("mine.toml").write_text(SPEC)
    done = run("derive", "mine.toml", "--json")
    assert done.code == 0
    certificate = json.loads(done.out)["certificate"]
    assert certificate["max_error"] <= 1e-12
    assert certificate["methods"] == ["chain rule", "complex step", "mpmath", "sympy"]
    assert run("make-example", "mine.toml").code == 0
    assert run("make-exercise", "mine.toml", "--seed", 1).code == 0


def test_derive_json_carries_every_quantity_and_every_step(run):
    data = json.loads(run("derive", "mazur", "--json").out)
    assert set(data) >= {"spec", "quantities", "steps", "certificate"}
    by_id = {q["id"]: q for q in data["quantities"]}
    assert by_id["dL/dW[2][1][1]"] == {
        "id": "dL/dW[2][1][1]",
        "value": pytest.approx(0.08216704056423078),
        "symbolic": "dL/dz[2][1]*a[1][1]",
        "factors": ["dL/da[2][1]", "da[2][1]/dz[2][1]", "dz[2][1]/dW[2][1][1]"],
    }
    assert by_id["W[1][2][2]@1"]["value"] == pytest.approx(0.2995022872647391)
    assert by_id["L@1"]["value"] == pytest.approx(0.2910277736935994)
    assert by_id["P"]["value"] == 8
    for q in by_id.values():
        parse(q["id"])
        product = 1.0
        for factor in q["factors"]:
            product *= by_id[factor]["value"]
        if q["factors"]:
            assert product == pytest.approx(q["value"], rel=1e-12)
    steps = {s["target"]: s for s in data["steps"]}
    for step in steps.values():
        for term in step["terms"]:
            assert term["upstream"] is None or term["upstream"] in by_id
            assert all(factor in by_id for factor in term["factors"])
    assert steps["dL/da[1][1]"]["rule"] == "sum over paths"
    assert len(steps["dL/da[1][1]"]["terms"]) == 2


def test_a_step_can_be_recomputed_from_the_json_alone(run):
    data = json.loads(run("derive", "cummins", "--json").out)
    value = {q["id"]: q["value"] for q in data["quantities"]}
    for step in data["steps"]:
        if step["rule"] in ("seed", "update"):
            continue
        total = 0.0
        for term in step["terms"]:
            product = value[term["upstream"]]
            for factor in term["factors"]:
                product *= value[factor]
            total += product
        assert total == pytest.approx(value[step["target"]], rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("quantity", "shown"),
    [("dL/dW[1][1][1]", "0.0004385677345"), ("L@1", "0.2910277737"), ("P[1]", "4"), ("b[1][2]", "0.35")],
)
def test_derive_of_one_quantity(run, quantity, shown):
    done = run("derive", "mazur", "--of", quantity)
    assert done.code == 0
    assert shown in done.out


@pytest.mark.parametrize(
    "what",
    ["notations", "tellings", "losses", "activations", "kinds", "formats", "lectures", "misconceptions"],
)
def test_list(run, what):
    assert run("list", what).out.strip()
    assert f"{what}\n" in run("list").out


DEAD = """
name = "s"
[circuit]
inputs = { x = 2, y = 3, b = 1 }
nodes = ["z = x*y", "a = tanh(z)", "d = a + b", "e = d*d", "L = a + b"]
output = "L"
"""


@pytest.mark.parametrize("option", ["--of", "--paths"])
@pytest.mark.parametrize(
    ("quantity", "shown"),
    [
        ("dL/dx", "7.372964222e-05"),  # small beside dL/dL: certified as in the list of all
        ("de/dd", "3.999975423"),  # which the output does not depend on
        ("dL/de", None),
    ],
)
def test_derive_of_a_quantity_beside_the_way_to_the_output(run, option, quantity, shown):
    Path("s.toml").write_text(DEAD, "utf-8")
    done = run("derive", "s.toml", option, quantity)
    assert done.code == (0 if shown else 2)
    assert shown in done.out if shown else f"{option}: found '{quantity}', allowed: " in done.err


BATCH = """
name = "batch"
[network]
inputs = [[0.5, -0.3], [0.2, 0.4]]
targets = [[0.2], [0.7]]
[[network.layers]]
weights = [[0.2, -0.4], [0.5, 0.1]]
[[network.layers]]
weights = [[0.3, 0.6]]
"""


@pytest.mark.parametrize("option", ["--of", "--paths"])
def test_a_parameters_gradient_is_over_the_batch_and_not_of_a_sample(run, option):
    Path("batch.toml").write_text(BATCH, "utf-8")
    assert run("derive", "batch.toml", option, "dL/dW[1][1][1]#1").code == 2
    assert run("derive", "batch.toml", option, "dL[1]/dW[1][1][1]#1").code == 0
    assert run("derive", "batch.toml", option, "dL/dz[1][1]#1").code == 0


PATHS = [  # --most: paths printed, what is said of the others
    ([], 2, None),
    (["--most", 2], 2, None),
    (["--most", 1], 1, "1 more path is left out"),
    (["--most", 0], 0, "2 more paths are left out"),
]


@pytest.mark.parametrize(("most", "count", "rest"), PATHS)
def test_paths_one_by_one(run, most, count, rest):
    done = run("derive", "mazur", "--paths", "dL/dW[1][1][1]", *most)
    assert done.code == 0
    assert done.out.startswith("dL/dW[1][1][1]: 2 paths\n")
    assert done.out.count("da[1][1]/dz[1][1] * dz[1][1]/dW[1][1][1]\n    = ") == count
    assert (rest in done.out) if rest else ("left out" not in done.out)
    assert "Sum of all 2 = dL/dW[1][1][1] = 0.0004385677345\nCertified by" in done.out
    data = json.loads(run("derive", "mazur", "--paths", "dL/dW[1][1][1]", "--json", *most).out)
    assert data["count"] == 2
    assert len(data["paths"]) == count
    assert ("sum" in data) == (count == 2)
    if count == 2:
        assert sum(path["value"] for path in data["paths"]) == pytest.approx(data["sum"])
        assert data["paths"][0]["factors"][:2] == ["dL/dL[1]", "dL[1]/da[2][1]"]


BAD = [
    (("derive", "mazur", "--paths", "dL/dt[1]"), "--paths: found 'dL/dt[1]', allowed: a derivative"),
    (("derive", "mazur", "--paths", "L"), "--paths: found 'L', allowed: a derivative"),
    (
        ("derive", "mazur", "--paths", "dL/dW[1][1][1]@1"),
        "--paths: found 'dL/dW[1][1][1]@1', allowed: a",
    ),
    (("derive", "mazur", "--paths", "dL/dL", "--of", "L"), "--paths: found --of as well"),
    (("derive", "mazur", "--paths", "dL/dL", "--most", "-1"), "--most: found -1, allowed: 0 or more"),
    (
        ("make-example", "mazur", "--telling", "layer"),
        "--telling: found 'layer', allowed: weights, units",
    ),
    (
        ("make-example", "ceng506-neuron", "--telling", "units"),
        "--telling: found 'units', allowed: nothing: a circuit is told gate by gate",
    ),
    (("make-example", "nowhere.toml"), "nowhere.toml: SPEC: found no such file or lecture"),
    (("make-example", "mazur", "--notation", "mazr"), "--notation: found 'mazr', allowed: plain, mazur"),
    (("make-example", "mazur", "--format", "md,docx"), "--format: found 'docx', allowed: md, tex"),
    (("make-exercise", "mazur", "--count", "0"), "--count: found 0, allowed: 1 to 100000"),
    (
        ("derive", "mazur", "--of", "W[9][1][1]"),
        "--of: found 'W[9][1][1]', allowed: an id that the network has",
    ),
    (("derive", "mazur", "--of", "rm -rf"), "--of: 'rm -rf' is not a quantity id"),
    (("list", "everything"), "list: found 'everything', allowed: notations"),
    (
        ("make-example", "wrong.toml"),
        "wrong.toml:11: network.layers[0].weights[0]: found 2 numbers, allowed: 3",
    ),
    (("make-example", "script.toml", "--format", "tex"), "pdflatex cannot write '語'"),
    (("make-exercise", "mazur", "--out", "a-file"), "a-file"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_unusable_input_gets_one_line_exit_2_and_writes_nothing(run, words, message):
    Path("wrong.toml").write_text(SPEC.replace("[[0.2, -0.4, 0.1]", "[[0.2, -0.4]"))
    Path("script.toml").write_text(SPEC.replace('"mine"', '"mine"\ntitle = "語"'))
    Path("a-file").write_text("here")
    before = files(".")
    done = run(*words)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith(f"chainwork: {message}")
    assert done.err.count("\n") == 1
    assert files(".") == before


def test_a_folder_that_cannot_be_written(run, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "output/mazur")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    done = run("make-exercise")
    assert (done.code, done.err) == (
        2,
        "chainwork: output/mazur: cannot be written: Permission denied\n",
    )


def test_a_disk_that_fills_up_leaves_no_half_of_an_exercise(run, monkeypatch):
    written = []

    def full(self, text, **options):
        written.append(self.name)
        if len(written) == 3:
            raise OSError(28, "No space left on device", str(self))
        return real(self, text, **options)

    real = Path.write_text
    monkeypatch.setattr(Path, "write_text", full)
    assert run("make-exercise").code == 2
    assert files() == {}


def test_an_impossible_draw_leaves_nothing_of_the_earlier_variants(run, monkeypatch):
    import generator.paper

    def draw_all(*arguments):
        for number, exercise in enumerate(real(*arguments)):
            if number == 3:
                raise SpecError("mazur", "draw", "no good one", "others")
            yield exercise

    real = generator.paper.draw_all
    monkeypatch.setattr(generator.paper, "draw_all", draw_all)
    assert run("make-exercise", "--count", 5).code == 2
    assert not Path("output").exists()


def test_what_somebody_else_put_beside_an_example_stays(run):
    run("make-example", "mazur")
    mine = Path("output/mazur/example/mine.pdf")
    mine.write_text("mine")
    run("make-example", "mazur")
    assert mine.read_text() == "mine"


def test_what_it_says_to_type_again_makes_the_same_files(run):
    said = run(
        "make-exercise", "cummins", "--notation", "plain", "--format", "md", "--seed", "a b", "-n", 2
    ).out
    again = next(line for line in said.splitlines() if line.startswith("The same again: "))
    run(*shlex.split(again.removeprefix("The same again: ")), "--out", "again")
    assert files() == files("again")


@pytest.mark.parametrize(
    "quantity",
    [
        "L@2",
        "x[1]@2",
        "a[1][1]@9",
        "L@99999999999999999999999",
        "dz[2][1]/da[1][1]@7",
        "dL/da[2][1]#2",
        "P[9]",
        "t[3]",
    ],
)
def test_what_the_network_does_not_have(run, quantity):
    done = run("derive", "mazur", "--of", quantity)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "an id that the network has" in done.err


@pytest.mark.parametrize(
    "words",
    [("--count", "x"), ("--nonsense",), ("--seed", ""), ("--seed", "\udcff"), ("--seed", "a\nb")],
)
def test_a_wrong_option_gets_one_line(run, words):
    done = run("make-exercise", *words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith("chainwork: ")


def test_a_message_holds_nothing_that_a_terminal_acts_upon(run):
    done = run("make-example", "\x1b[31m\nno")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "\x1b" not in done.err


def test_a_terminal_without_greek_letters():
    command = [sys.executable, "-m", "generator", "list"]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0


def test_a_device_is_not_a_spec(run):
    assert "no such file" in run("derive", "/dev/zero").err


def test_one_of_many_weights_is_certified_alone(run):
    row = ", ".join(["0.01"] * 60)
    rows = ", ".join([f"[{row}]"] * 20)
    Path("large.toml").write_text(
        f'name = "large"\n[network]\ninputs = [[{row}]]\ntargets = [[{", ".join(["0.5"] * 20)}]]\n'
        f"[[network.layers]]\nweights = [{rows}]\n"
    )
    done = run("derive", "large.toml", "--of", "dL/dW[1][20][60]")
    assert done.code == 0
    assert "Certified by" in done.out


@pytest.mark.parametrize("quantity", ["dL/dz[1][1]@1", "a[1][1]@1", "dL/db[1]@1", "dL/db[1][2]"])
def test_a_number_of_a_later_state_is_certified_too(run, monkeypatch, quantity):
    import generator.exercise

    checked = []

    def examine(derivation, values, *rest):
        checked.append(("gradients", values))
        return real(derivation, values, *rest)

    def examine_values(values):
        checked.append(("values", values))
        return real_values(values)

    real, real_values = generator.exercise.examine, generator.exercise.examine_values
    monkeypatch.setattr(generator.exercise, "examine", examine)
    monkeypatch.setattr(generator.exercise, "examine_values", examine_values)
    assert run("derive", "mazur", "--of", quantity).code == 0
    first = checked[0][1]
    later = {what for what, values in checked if values is not first}
    assert later >= (
        {"gradients", "values"} if quantity.endswith("@1") and quantity[0] == "d" else {"values"}
    )


def test_digits_that_cancel_out_are_not_shown(run):
    """σ(30) is so near 1 that 1 − σ has lost its digits: better nothing than 9.348e-14 for 9.358e-14."""
    Path("saturated.toml").write_text(
        'name = "s"\n[network]\ninputs = [[1]]\ntargets = [[0]]\n[[network.layers]]\nweights = [[30]]\n'
    )
    done = run("make-example", "saturated.toml")
    assert done.code == 2
    assert "its digits cancel out" in done.err


def test_a_large_network_is_derived_but_not_printed_on_pages(run):
    row = ", ".join(["0.1"] * 30)
    rows = ", ".join([f"[{row}]"] * 20)
    Path("large.toml").write_text(
        f'name = "large"\n[network]\ninputs = [[{row}]]\ntargets = [[{", ".join(["0.5"] * 20)}]]\n'
        f"[[network.layers]]\nweights = [{rows}]\n"
    )
    done = run("make-example", "large.toml")
    assert done.code == 2
    assert "allowed: up to 400 on pages" in done.err


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_imports_nothing_heavy(word):
    code = (
        "import sys\nfrom generator.cli import main\n"
        f"try: main([{word!r}])\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'sympy', 'jinja2', 'pydantic', 'mpmath') if m in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed.splitlines()[-1] == "[]"


def test_make_exercise_needs_no_sympy():
    code = "import sys\nfrom generator.cli import main\nmain(['make-exercise', '--out', sys.argv[1]])\n"
    code += "assert 'sympy' not in sys.modules"
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", code, folder], check=True, capture_output=True)


def test_no_command_prints_the_help(run):
    done = run()
    assert done.code == 2
    assert "make-exercise" in done.out


def test_main_returns_its_exit_code(run):
    assert main(["list", "formats"]) == 0
