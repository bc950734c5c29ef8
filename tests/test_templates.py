"""Templates of somebody's own: in the place of ours, one by one; in a sandbox; errors with file and line."""

import re
import shutil
from pathlib import Path

import pytest

from generator.prose import TEMPLATES

ROOT = Path(__file__).parent.parent
EXAMPLE = ("make-example", "ceng506-neuron", "--templates", "mine", "--format", "md")


@pytest.fixture
def mine(run, tmp_path):
    """mine(file, old, new) changes a copy of one of our files; then the example is made with it."""

    def make(file, old, new):
        path = Path("mine", file)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (TEMPLATES / file).read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        return run(*EXAMPLE)

    return make


def solution():
    return Path("output/ceng506-neuron/example/solution.md").read_text("utf-8")


def test_a_file_of_ones_own_takes_the_place_of_ours(mine, run):
    assert mine("md/page.jinja", "# {{ title }}", "# My course: {{ title }}").code == 0
    own = solution()
    assert own.startswith("# My course: ")
    assert run(*(word for word in EXAMPLE if word not in ("--templates", "mine"))).code == 0
    assert own.replace("# My course: ", "# ", 1) == solution()


def test_another_sentence(mine):
    assert mine("prose/en.jinja", "}The circuit{", "}This circuit{").code == 0
    assert "## This circuit" in solution()


WRONG = [  # what is written into the macro of the title, and what is said of it
    ("{{ nothing }}", "'nothing' is undefined"),
    ("{% if %}", "Expected an expression, got 'end of statement block'"),
    ("{{ title | shout }}", "No filter named 'shout'."),
    ("{{ 1 / 0 }}", "division by zero"),
    ("{{ title.__class__.__mro__ }}", "access to attribute '__class__' of 'Markup' object is unsafe."),
    (
        "{{ ().__class__.__base__.__subclasses__() }}",
        "access to attribute '__class__' of 'tuple' object is unsafe.",
    ),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_is_said_with_file_and_line(text, said, mine):
    done = mine("md/page.jinja", "# {{ title }}", text)
    assert done.code == 2
    line = 1 + (TEMPLATES / "md/page.jinja").read_text("utf-8").split("# {{ title }}")[0].count("\n")
    assert re.search(rf"--templates: .*mine/md/page\.jinja, line {line}: {re.escape(said)}", done.err)
    assert not Path("output").exists()


def test_a_folder_that_is_none(run):
    done = run(*EXAMPLE)
    assert done.code == 2
    assert "--templates: found 'mine', allowed: a folder with templates" in done.err


def test_the_document_lists_every_macro_of_a_format_and_every_page(run):
    text = (ROOT / "docs/templates.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)\((.*?)\)` \|", text, re.MULTILINE))
    macros = re.findall(r"{% macro (\w+)\((.*?)\) %}", (TEMPLATES / "md/page.jinja").read_text("utf-8"))
    assert told == {name: re.sub(r"=[^,]*", "", arguments) for name, arguments in macros}
    for path in (TEMPLATES / "pages").glob("*.jinja"):
        assert path.stem in ("document", "picture", "words") or f"`{path.stem}`" in text
    (command,) = re.findall(r"-m generator (make-example .*)", text)
    shutil.copytree(TEMPLATES / "html", "mine/html")
    assert run(*command.split()).code == 0
