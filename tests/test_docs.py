"""The documents tell the truth: their commands run, their excerpts are what the program prints."""

import io
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from generator.cli import main
from generator.exercises import kind, kinds
from generator.formats import FORMATS
from generator.grading import feedback
from generator.keys import key as key_of
from generator.keys import read_key
from generator.marking import VERDICTS, HandIn, mark
from generator.pages import marked_pages, pages
from generator.publish import csv_text, read_variants
from generator.spec import Draw, MarkingSpec, Range, Spec, UseSpec
from generator.spec_file import read
from generator.spec_network import CircuitSpec, LayerSpec, NetworkSpec, OptimizerSpec, Standardize
from tests.conftest import homework, lecture

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
PYTHON = ".venv/bin/python -m "


def commands(text):
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            yield line.split("  #")[0].strip()


PROGRAM = [
    c.removeprefix(PYTHON + "generator ") for c in commands(README) if c.startswith(PYTHON + "generator")
]


@pytest.mark.parametrize("command", PROGRAM)
def test_commands_of_the_readme_run(run, command, tmp_path):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    assert run(*shlex.split(command)).code == command.startswith("audit")  # they have errata


def test_every_command_of_the_documents_is_run_by_a_test_or_by_ci():
    ci = (ROOT / ".ci/run").read_text("utf-8")
    for name in ("README.md", "CONTRIBUTING.md"):
        for command in commands((ROOT / name).read_text("utf-8")):
            program = command.removeprefix(PYTHON + "generator ") in PROGRAM
            parts = [
                re.sub(r" -m tex| tests/test_pages.py --rewrite", "", c) for c in command.split(" && ")
            ]
            assert program or all(part in ci for part in parts), command


def test_what_the_document_of_exercises_says(run):
    """Its commands run one after another, its specs make homework, its table is that of the kinds."""
    text = (ROOT / "docs" / "exercises.md").read_text("utf-8")
    Path("roster.csv").write_text("student,name\nada,Ada Lovelace\nalan,Alan Turing\n", "utf-8")
    for command in commands(text):
        words, _, file = command.removeprefix(PYTHON + "generator ").partition(" > ")
        done = run(*shlex.split(words))
        assert done.code == 0
        if file:
            Path(file).write_text(done.out, "utf-8")
    network, sheet, draw = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    Path("hw2.toml").write_text(network + draw, "utf-8")
    Path("hw3.toml").write_text(sheet, "utf-8")
    for file in ("hw2.toml", "hw3.toml"):
        assert run("make-exercise", file).code == 0
        assert run("make-example", file).code == 0
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", text, re.MULTILINE)
    assert rows == [(n, kind(n).title, ", ".join(kind(n).needs)) for n in kinds()]
    assert f"one of {len(kinds())} kinds" in README


def test_what_the_guide_says(run):
    """Its commands run one after another, and its patterns are what is written."""
    text = (ROOT / "docs" / "guide.md").read_text("utf-8")
    Path("roster.csv").write_text("student,name\nada,Ada\nalan,Alan\n", "utf-8")
    Path("gradebook.csv").write_text("student,update\nada,\nalan,\n", "utf-8")
    for name in ("templates", "docs"):
        Path(name).symlink_to(ROOT / name)
    (patterns,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    head, _, table = patterns.partition("[patterns]")
    network = "[network]\ninputs = [[0.5]]\ntargets = [[1]]\n[[network.layers]]\nweights = [[0.3]]\n"
    Path("mine.toml").write_text(f'name = "mine"\n{head}{network}[patterns]{table}', "utf-8")
    for command in commands(text):
        if command.startswith("sh .ci/setup "):
            assert command.split()[-1] in EXTRAS
        elif command.startswith("mkdir"):
            subprocess.run(command, shell=True, check=True)
        else:
            if "handed-in" in command and not Path("handed-in").exists():
                (sheet, *_) = Path("output/update").glob("*/answers.csv")
                Path("handed-in").mkdir()
                shutil.copy(sheet, f"handed-in/{sheet.parent.name}.csv")
            words, _, file = command.removeprefix(PYTHON + "generator ").partition(" > ")
            done = run(*shlex.split(words))
            assert done.code == command.startswith(PYTHON + "generator audit"), (command, done)
            if file:
                Path(file).write_text(done.out, "utf-8")
    written = Path("output/mine/example/solution.md").read_text("utf-8")
    assert all(letter in written for letter in (r"\theta", "s_", "h_", r"\varepsilon"))
    linked = {Path(link).name for link in re.findall(r"\((\S+?\.md)[)#]", text + README)}
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"slides.md"} <= linked


def test_what_the_gallery_shows_can_be_made(run):
    text = (ROOT / "docs" / "gallery.md").read_text("utf-8")
    for command in commands(text):
        assert run(*shlex.split(command.removeprefix(PYTHON + "generator "))).code == 0, command
    shown = {path.name for path in (ROOT / "docs" / "gallery").iterdir()}
    assert {*re.findall(r"\(gallery/(\S+)\)", text)} == shown


def test_what_the_document_of_formats_says(run):
    """Its commands run one after another; its table is that of the formats."""
    text = (ROOT / "docs" / "documents.md").read_text("utf-8")
    Path("roster.csv").write_text("student,name\nada,Ada Lovelace\n", "utf-8")
    for command in commands(text):
        if command.startswith("sh .ci/setup "):
            assert command.split()[-1] in EXTRAS
            continue
        if "handed-in" in command:
            (key,) = Path("output/mazur").glob("*/question.pdf")
            shutil.copytree(key.parent, "handed-in", ignore=lambda _, names: {*names} - {"question.pdf"})
        few = command.replace("--count 200", "--count 2")
        done = run(*shlex.split(few.removeprefix(PYTHON + "generator ")))
        assert done.code == 0, command
    page = Path("output/mazur/example/solution.html").read_text("utf-8")
    assert "<script>" in page
    assert not re.search(r"(src|href)=|@import|url\(", page)
    assert {*re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)} == {*FORMATS, "pdf"}


def test_what_the_document_of_grading_says(run, monkeypatch):
    """Its commands run one after another, its TOML belongs into the spec, its shares are the defaults."""
    text = (ROOT / "docs" / "grading.md").read_text("utf-8")
    Path("roster.csv").write_text("student,name\nada,Ada\nalan,Alan\n", "utf-8")
    Path("gradebook.csv").write_text("student,update\nada,\nalan,\n", "utf-8")
    scores = []
    for language, block in re.findall(r"```(sh|toml)\n(.*?)```", text, re.DOTALL):
        if language == "toml":
            with Path("hw.toml").open("a", encoding="utf-8") as spec:
                spec.write(block)
            continue
        for command in commands(f"```sh\n{block}```"):
            words, _, file = command.removeprefix(PYTHON + "generator ").partition(" > ")
            variants = hand_ins_of_the_document()
            monkeypatch.setattr("sys.stdin", io.StringIO("0.1\n"))
            done = run(*shlex.split(words.replace("K7Q-2MX-4PC", variants.get("ada", ""))))
            assert done.code == 0, command
            if file:
                Path(file).write_text(done.out, "utf-8")
            if words == "grade output/update class.csv":
                scores.append(Path("output/update/graded/summary.csv").read_text("utf-8"))
    assert Path("output/update/typed.csv").is_file()
    assert re.search(r"\nada,[\d.]+\nalan,[\d.]+\n", graded_book())
    first, again = ([row.split(",") for row in one.splitlines()] for one in scores)
    assert [row[:2] for row in first] == [row[:2] for row in again]  # the same variants
    assert float(first[1][2]) < float(again[1][2])  # `digits` is worth more now
    rows = re.findall(r"^\| (?:`(\S+)`)? ?\| .* \| ([\d.]+) \| (?:`(\w+)`)? ?\|$", text, re.MULTILINE)
    assert [verdict for verdict, *_ in rows if verdict] == [*VERDICTS]
    shares = {key: float(share) for _, share, key in rows if key}
    marking = MarkingSpec()
    assert shares == {
        key: float(getattr(marking, key)) for key in MarkingSpec.model_fields if key in shares
    }
    assert (
        {*shares, "decimal"}
        == {*MarkingSpec.model_fields}
        == {*tomllib.loads(_marking(text))["marking"]}
    )


def _marking(text):
    return re.search(r"```toml\n(\[marking\].*?)```", text, re.DOTALL)[1]


def graded_book():
    return Path("output/update/graded/gradebook.csv").read_text("utf-8")


def hand_ins_of_the_document():
    """class.csv and the folder handed-in, once there are variants; student -> variant."""
    listed = Path("output/update/variants.csv")
    if not listed.is_file():
        return {}
    variants = read_variants(listed.read_text("utf-8"))
    rows = []
    for student, variant in variants.items():
        folder = Path("output/update", variant)
        parts = json.loads((folder / "key.json").read_text("utf-8"))["parts"]
        typed = {part["id"]: f"{part['answer']:.2g}".replace("e", "E") for part in parts}
        rows += [(student, variant, part, answer) for part, answer in typed.items()]
        own = Path("handed-in", student, "answers.csv")
        own.parent.mkdir(parents=True, exist_ok=True)
        lines = ("variant", "part", "answer"), *((variant, *pair) for pair in typed.items())
        own.write_text(csv_text(lines), "utf-8")
    Path("class.csv").write_text(csv_text([("student", "variant", "part", "answer"), *rows]), "utf-8")
    return variants


def test_ci_runs_the_two_lines_of_the_readme():
    first, second = [c for c in commands(README) if c.startswith("sh ")]
    ci = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    assert first in ci
    assert second in ci


def test_the_excerpt_of_the_readme_is_what_the_program_prints():
    page = pages(lecture("mazur"), ["md"])["solution.md"]
    quote, formula = re.search(
        r"^> (.*?)\n\n(\$\$\n.*?\n\$\$)$", README, re.MULTILINE | re.DOTALL
    ).groups()
    assert quote in page
    assert formula in page


def test_the_marked_answer_of_the_readme_is_what_the_program_says():
    one = read_key(json.dumps(key_of(homework("mazur", seed=7))))
    q = "dL/dz[1][1]"
    wrong = {w.note: w.answer for w in one.parts[q].part.misconceptions}["M02"]
    marks = mark([HandIn("ada", one.variant, {q: f"{wrong:.4g}"})], {one.variant: one})
    page = marked_pages("feedback_title", "T", feedback(one, marks), one.specs[0]).text("marked", "md")
    said, line = re.findall(r"^> (.*?)\n\n(\$\$\n.*?\n\$\$)$", README, re.MULTILINE | re.DOTALL)[1]
    assert f"{said}\n\n{line}" in page


def test_the_specs_of_the_readme_are_valid_and_work(run):
    network, draw, patterns = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    Path("hw1.toml").write_text(network + draw + patterns, "utf-8")
    for command in ("make-example", "make-exercise", "derive"):
        assert run(command, "hw1.toml").code == 0
    spec = read(network + draw)
    assert spec.draw.inputs.decimals == 0
    assert len(spec.network.layers) == 2


SPECS = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/specs.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", SPECS, ids=[tomllib.loads(text)["name"] for text in SPECS])
def test_the_examples_of_specs_work(run, text):
    Path("hw.toml").write_text(text, "utf-8")
    symbols = tomllib.loads(text).get("network", {}).get("sizes")
    for command in (
        ("make-example", "derive") if symbols else ("make-example", "derive", "make-exercise")
    ):
        seed = ["--seed", 1] if command == "make-exercise" else []
        assert run(command, "hw.toml", *seed).code == 0


def keys(table):
    """Every key of a TOML file, at any depth."""
    for key, value in table.items():
        yield key
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from keys(inner)


def test_the_examples_of_specs_have_every_key():
    """The keys of the models that a spec is read into, and those of an optimizer in a sentence."""
    document = (ROOT / "docs/specs.md").read_text("utf-8")
    others = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/exercises.md").read_text("utf-8"), re.DOTALL)
    shown = {key for text in [*SPECS, *others] for key in keys(tomllib.loads(text))}
    shown |= set(re.findall(r"(\w+) = ", " ".join(re.findall(r"`(optimizer = .*?)`", document))))
    models = [
        Spec,
        UseSpec,
        NetworkSpec,
        LayerSpec,
        Standardize,
        OptimizerSpec,
        CircuitSpec,
        Draw,
        Range,
    ]
    assert {field for model in models for field in model.model_fields} <= shown


def test_the_changelog_knows_the_version(capsys):
    main(["--version"])
    version = capsys.readouterr().out.split()[1]
    assert f"## {version} " in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_architecture_names_every_module():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for path in [*ROOT.glob("derive/*.py"), *ROOT.glob("generator/*.py")]:
        if not path.stem.startswith("_"):
            assert re.search(rf"\b{path.stem}\b", text), path


def test_floors():
    """derive/ imports nothing from generator/, and each module only what stands above it."""
    order = {
        "derive": "quantity zscore expression ops graph network circuit optimizer evaluate backprop descent program symbolic verify",
        "generator": "prose formula text latex markdown mathml typst picture formats number typeset notation place builtin refusal spec_values spec_network spec spec_laws spec_file spec_schema exercise exercises misconceptions report statement forms sheet difficulty course draw check paper diagram wires page telling worked_inputs worked_training worked_forward worked_softmax worked worked_circuit worked_counts worked_layers worked_symbols code live deck render pages plots audit unreadable lexing grid grammar reading names tabular slides plain answers typed matrices functions keys letters pdf publish classroom practice diagnosis marking grading errata sources submissions gradebook asking commands cli",
    }
    floors = [f"{package}.{module}" for package, modules in order.items() for module in modules.split()]
    for name in floors:
        path = ROOT / (name.replace(".", "/") + ".py")
        if path.exists() and name != "generator.cli":
            for imported in re.findall(
                r"^from ((?:derive|generator)\.\w+)", path.read_text("utf-8"), re.MULTILINE
            ):
                assert floors.index(imported) < floors.index(name), f"{name} imports {imported}"


def test_the_dependencies_have_lower_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in [
        *project["dependencies"],
        *(r for e in project["optional-dependencies"].values() for r in e),
    ]:
        assert re.fullmatch(r"[a-z0-9-]+>=[\d.]+", requirement)


def test_what_the_readme_shows_of_the_slides_is_what_the_audit_prints(run):
    done = run("audit", "mazur", "--text", ROOT / "docs" / "slides.md")
    shown = re.search(r"```\n(line 27 .*?)```", README, re.DOTALL)[1]
    assert shown in done.out
