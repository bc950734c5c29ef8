"""Plots: their numbers are the certified ones, their bytes the same each time, and what does not fit is said."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from derive.quantity import parse
from generator import plots
from generator.exercise import trained
from generator.plots import PLOTS, along, falling, field, plot
from tests.conftest import NETWORKS, lecture

pytest.importorskip("matplotlib", reason="the extra plots")

FITS = [
    ("mazur", {"activation", "loss", "epochs"}),
    ("cummins", {"activation", "loss", "epochs"}),
    ("ceng506-xnor", {"activation", "boundary"}),
    ("shallow", {"activation", "loss", "epochs", "boundary", "boundaries"}),
    ("softmax", {"activation", "loss", "epochs"}),
    ("ceng506-layers", {"activation"}),
    ("ceng506-neuron", set()),
]


@pytest.mark.parametrize(("name", "fitting"), FITS)
def test_what_fits(name, fitting):
    assert {row for row in PLOTS if PLOTS[row].fits(lecture(name))} == fitting


FAST = {"mazur", "ceng506-and", "shallow"}


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS]
)
def test_every_plot_that_fits_is_drawn(name):
    if name == "shallow":
        pytest.skip("its training is long, and it is drawn below")
    for row in PLOTS:
        if PLOTS[row].fits(lecture(name)):
            files = plot(lecture(name), row)
            assert files["svg"].startswith(b"<?xml")
            assert files["pdf"].startswith(b"%PDF")


def test_the_same_bytes_again():
    for row in ("activation", "loss", "boundary"):
        exercise = lecture("ceng506-xnor" if row == "boundary" else "mazur")
        assert plot(exercise, row) == plot(exercise, row)
        assert b"<dc:date>" not in plot(exercise, row)["svg"]


def test_the_loss_along_a_weight_goes_through_its_number_with_its_gradient():
    exercise = lecture("mazur")
    for q in trained(exercise.graph):
        weights, losses = along(exercise, q, 0.001)
        middle = len(weights) // 2
        assert losses[middle] == pytest.approx(exercise.number(exercise.graph.root), rel=1e-12)
        slope = (losses[middle + 1] - losses[middle - 1]) / (weights[middle + 1] - weights[middle - 1])
        assert slope == pytest.approx(exercise.number(exercise.derivation.derivative(q)), rel=1e-5)


def test_the_loss_falls_as_the_states_say():
    exercise = lecture("ceng506-update")
    updates, losses = falling(exercise)
    assert list(updates) == list(range(len(exercise.iterates)))
    assert losses[-1] == exercise.number(parse(f"L@{updates[-1]}"))


def test_the_field_is_what_the_network_makes_of_a_point():
    exercise = lecture("ceng506-xnor")
    one, other, output = field(exercise)
    assert one.min() < 0 < 1 < one.max()
    for sample, (x1, x2) in enumerate(exercise.spec.network.inputs, 1):
        at = np.unravel_index(np.argmin((one - float(x1)) ** 2 + (other - float(x2)) ** 2), one.shape)
        assert round(output[at]) == round(exercise.number(parse(f"a[2][1]#{sample}")))


def test_plot_writes_what_fits_and_says_where(run):
    done = run("plot", "ceng506-xnor", "--notation", "plain")
    assert done.code == 0
    names = [
        f"output/ceng506-xnor/plots/{row}.{end}"
        for row in ("activation", "boundary")
        for end in plots.FORMATS
    ]
    assert done.out.split() == names
    assert all(Path(name).is_file() for name in names)
    assert run("plot", "mazur", "--of", "loss", "--weight", "W[2][1][1]").code == 0


REFUSED = [
    (
        ("mazur", "--of", "los"),
        "--of: found 'los', allowed: activation, loss, epochs, boundary, boundaries; did",
    ),
    (("mazur", "--of", "boundary"), "mazur: found boundary, allowed with it: activation, loss, epochs"),
    (("ceng506-neuron",), "ceng506-neuron: found nothing to plot, allowed with it: nothing"),
    (
        ("mazur", "--of", "loss", "--weight", "W[9]"),
        "--weight: found 'W[9]', allowed: W[1][1][1], W[1][1][2]",
    ),
    (
        ("mazur", "--of", "loss", "--weight", "b[1]"),
        "--weight: found 'b[1]', allowed: W[1][1][1], W[1][1][2]",
    ),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_what_cannot_be_plotted_is_one_line(run, words, message):
    done = run("plot", *words)
    assert done.code == 2
    assert done.err.startswith(f"chainwork: {message}")
    assert not Path("output").exists()


def test_without_matplotlib_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run("plot", "mazur")
    assert done.code == 2
    assert "pip install 'chainwork[plots]'" in done.err


def test_nothing_imports_matplotlib_before_it_draws():
    code = "import sys, generator.plots, generator.commands; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_plots_of_a_long_training():
    for row in PLOTS:
        assert plot(lecture("shallow"), row)["pdf"].startswith(b"%PDF")
