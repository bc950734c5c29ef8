"""Every .tex page compiles with pdflatex: no overfull box, no missing character, no warning, no ink in a margin."""

import re
import shutil
import subprocess

import pytest

from derive.ops import ACTIVATIONS, LOSSES
from generator.audit import audit, read_facts
from generator.builtin import LECTURES
from generator.draw import draw
from generator.errata import sheet
from generator.exercise import build, certified
from generator.notation import NOTATIONS, TELLINGS
from generator.pages import errata_pages
from generator.paper import drawn, specs_of
from generator.publish import contents
from generator.spec_file import load, read
from tests.conftest import NETWORKS, WAYS, beyond, in_turn
from tests.test_losses import source

pytestmark = pytest.mark.tex

COMPLAINT = re.compile(r"^(?:Overfull|Underfull|Missing character|.*Warning|!).*", re.MULTILINE)


def compiles(folder, name, text):
    """The number of pages; every complaint in the log is a failure, and whatever stands in a margin."""
    (folder / f"{name}.tex").write_text(text, encoding="utf-8")
    command = [
        "pdflatex",
        "-interaction=nonstopmode",
        "-halt-on-error",
        "-no-shell-escape",
        f"{name}.tex",
    ]
    environment = {"PATH": "/usr/bin:/bin", "openin_any": "p", "HOME": str(folder)}
    for _ in range(2):  # longtable settles its columns in the second run
        subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False
        )
    log = (folder / f"{name}.log").read_text("latin-1")
    assert not COMPLAINT.findall(log)
    margin = float(re.search(r"margin=([\d.]+)cm", text)[1]) / 2.54 * 72
    assert list(beyond(folder / f"{name}.pdf", margin)) == []
    return int(re.search(r"\((\d+) pages?,", log)[1])


FORMULAS = ["z*exp(-z**2)", "z/(1 + abs(z))", "max(0, min(z, 6))", "log(cosh(a - t))"]


def test_pdflatex_is_there():
    assert shutil.which("pdflatex"), "apt-get install texlive-latex-recommended texlive-pictures lmodern"


ALL = sorted(path.stem for path in LECTURES.glob("*.toml"))


@pytest.mark.parametrize(("lecture", "way"), [*in_turn([{}]), *in_turn(WAYS, each=2)])
def test_lectures(tmp_path, lecture, way):
    spec = load(lecture).model_copy(update=way)
    assert compiles(tmp_path, "solution", contents(certified(build(spec)), ["tex"])["solution.tex"]) >= 1


def test_sheets(tmp_path):
    """Several exercises, of whose questions the numbers run through; with a name on them."""
    uses = ("circuit", "epochs", "mazur", "logic", "parameter_count", "attention")
    path = tmp_path / "sheet.toml"
    note = 'note = "On paper, please."\n'
    path.write_text(
        'name = "s"\n' + note + "".join(f'[[exercise]]\nuse = "{u}"\n' for u in uses), "utf-8"
    )
    spec = load(str(path))
    (paper,) = drawn(spec, specs_of(spec, str(path)), "tex", [1])
    for page in ("question", "solution"):
        files = contents(paper, ["tex"], "Ayşe Øre-O'Neil & Co., 100% #1")
        assert compiles(tmp_path, page, files[f"{page}.tex"]) >= 4


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", ["[4, 5, 6, 3]", "[2, 9, 9]", "[2, 3, 2]"])
def test_symbols_of_other_sizes(tmp_path, sizes, notation):
    spec = read(f'name = "s"\nnotation = "{notation}"\n[network]\nsizes = {sizes}\n')
    compiles(tmp_path, "solution", contents(certified(build(spec)), ["tex"])["solution.tex"])


@pytest.mark.parametrize("telling", TELLINGS)
@pytest.mark.parametrize("lecture", NETWORKS)
def test_tellings(tmp_path, lecture, telling):
    spec = load(lecture).model_copy(update={"telling": telling})
    compiles(tmp_path, "solution", contents(certified(build(spec)), ["tex"])["solution.tex"])


@pytest.mark.parametrize("lecture", ["mazur", "cummins", "shallow", "softmax"])
@pytest.mark.parametrize("notation", NOTATIONS)
def test_layers_in_every_notation(tmp_path, lecture, notation):
    spec = load(lecture).model_copy(update={"telling": "layers", "notation": notation})
    compiles(tmp_path, "solution", contents(certified(build(spec)), ["tex"])["solution.tex"])


@pytest.mark.parametrize("lecture", ["mazur", "cummins", "shallow", "ceng506-update"])
def test_erratum_sheets(tmp_path, lecture):
    exercise = certified(build(load(lecture)))
    audited = audit(exercise, read_facts((LECTURES / f"{lecture}.csv").read_text("utf-8")))
    compiles(tmp_path, "errata", errata_pages(exercise, sheet(exercise, audited)).text("errata", "tex"))


@pytest.mark.parametrize("lecture", ALL)
def test_homework(tmp_path, lecture):
    net = load(lecture).network
    if net and net.truth_table:
        pytest.skip("a logic function has no homework")
    files = contents(draw(load(lecture), 7, 1), ["tex"])
    for page in ("question", "solution"):
        assert compiles(tmp_path, page, files[f"{page}.tex"]) >= 1


def square(sizes, samples=1):
    """A spec of a fully connected network with many digits, to fill lines."""
    number = "-0.123456"
    rows = [f"[{', '.join([number] * n)}]" for n in sizes]
    layers = "".join(
        f"[[network.layers]]\nweights = [{', '.join([rows[i]] * units)}]\nbiases = [{', '.join([number] * units)}]\n"
        f'activation = "{("relu", "tanh", "sigmoid", "leaky_relu")[i % 4]}"\n'
        for i, units in enumerate(sizes[1:])
    )
    inputs, targets = (", ".join([row] * samples) for row in (rows[0], rows[-1]))
    title = 'title = "Ä ğ ı: 100 % of $x_1$ & \\\\input{x} #1 ~^"'
    return f'name = "square"\n{title}\n[network]\ninputs = [{inputs}]\ntargets = [{targets}]\n{layers}'


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(
    ("sizes", "samples"), [((1, 1), 1), ((4, 4, 4), 1), ((2, 3, 2), 3), ((12, 2, 11), 1)]
)
def test_networks_of_other_sizes(tmp_path, sizes, samples, notation):
    spec = read(square(sizes, samples)).model_copy(update={"notation": notation})
    compiles(tmp_path, "solution", contents(certified(build(spec)), ["tex"])["solution.tex"])


@pytest.mark.parametrize("notation", ["plain", "cummins"])
@pytest.mark.parametrize(
    ("sizes", "samples"), [((1, 1), 1), ((4, 4, 4), 1), ((2, 3, 2), 3), ((12, 2, 11), 1), ((3, 9, 3), 5)]
)
def test_layers_of_other_sizes(tmp_path, sizes, samples, notation):
    spec = read(square(sizes, samples)).model_copy(update={"notation": notation, "telling": "layers"})
    compiles(tmp_path, "solution", contents(certified(build(spec)), ["tex"])["solution.tex"])


@pytest.mark.parametrize("digits", [6, 10])
def test_tables_of_wide_numbers(tmp_path, digits):
    spec = load("shallow").model_copy(update={"digits": digits})
    spec = spec.model_copy(update={"network": spec.network.model_copy(update={"updates": 100})})
    compiles(tmp_path, "solution", contents(certified(build(spec)), ["tex"])["solution.tex"])


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", [*ACTIVATIONS, *LOSSES, *FORMULAS])
def test_activations_and_losses(tmp_path, name, notation):
    is_loss = name in LOSSES or "t)" in name
    text = source(notation=notation, **{"loss" if is_loss else "hidden": name})
    compiles(tmp_path, "solution", contents(certified(build(read(text))), ["tex"])["solution.tex"])
