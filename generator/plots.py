"""Plots: what is sooner seen than read; a row each in PLOTS, drawn by matplotlib.

    activation  f(z) and f′(z)                  loss        L along one weight, its tangent, the step
    boundary    the data, and where a = 1/2     epochs      L after each update
    boundaries  the same line as it is learnt

Everything is black: marks and dashes tell things apart, so that no printer and no eye needs colours.
The same spec gives the same bytes.  Matplotlib is imported when something is drawn, not before.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.evaluate import evaluate
from derive.expression import numpy_table
from derive.ops import Array, Elementwise
from derive.quantity import Quantity
from generator.exercise import Exercise, trained
from generator.formula import Index, Node, Op, Row, Symbol
from generator.latex import latex
from generator.render import words
from generator.spec_values import activation_of
from generator.worked import called

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FORMATS", "PLOTS", "Plot", "along", "falling", "field", "plot"]

FORMATS = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # and what makes their bytes the same
SIZE = (5.2, 3.6)  # inches
FINE = 241  # points of a curve
GRID = 121  # and of each side of a map
MOST_STATES = 400  # of a training that are drawn
LINES = 5  # as which a boundary is drawn while it is learnt
SETTINGS: Mapping[str, Any] = {
    "svg.hashsalt": "chainwork",
    "font.family": "serif",
    "mathtext.fontset": "cm",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 11,
    "lines.color": "black",
}
DASHES = (":", (0, (1, 1)), "-.", "--", "-")


@dataclass(frozen=True)
class Plot:
    """A row of PLOTS: what it says of itself, what it needs, and how it is drawn."""

    title: str
    fits: Callable[[Exercise], bool]
    draw: Callable[[Axes, Exercise, Quantity | None], None]


def plot(exercise: Exercise, name: str, weight: Quantity | None = None) -> dict[str, bytes]:
    """Ending -> file, of one row of PLOTS."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    files = {}
    with mpl.rc_context(dict(SETTINGS)):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        PLOTS[name].draw(axes, exercise, weight)
        axes.set_title(_said(exercise, f"plot_{name}"), fontsize=11)
        for ending, metadata in FORMATS.items():
            file = io.BytesIO()
            figure.savefig(file, format=ending, metadata=metadata)
            files[ending] = file.getvalue()
    return files


def _said(exercise: Exercise, phrase: str, args: Any = None) -> str:
    return words(phrase, args or {}, exercise.spec.language)


# --- numbers ------------------------------------------------------------------------------------


def along(exercise: Exercise, q: Quantity, wide: float) -> tuple[Array, Array]:
    """w and L(w) around the number of a weight, everything else as it is."""
    here = exercise.number(q)
    weights = np.linspace(here - wide, here + wide, FINE)
    values = evaluate(exercise.graph, exercise.iterates[0].data, given={q: weights}, gradients=False)
    return weights, np.broadcast_to(values[exercise.graph.root], weights.shape)


def falling(exercise: Exercise) -> tuple[Array, Array]:
    """k and L after k updates, of all of a few states, of many evenly."""
    last = len(exercise.iterates) - 1
    updates = np.unique(np.linspace(0, last, min(last + 1, MOST_STATES)).round().astype(int))
    root = exercise.graph.root
    return updates, np.array([exercise.number(root.at(update=int(k))) for k in updates])


def field(exercise: Exercise, update: int = 0) -> tuple[Array, Array, Array]:
    """x1, x2 and the output over the plane around the data."""
    (inputs,) = exercise.graph.of_kind("input")
    first, data = exercise.graph.sample_numbers[0], exercise.iterates[update].data
    points = data[inputs.key][:, :, 0]
    low, high = points.min(), points.max()
    margin = 0.35 * (high - low) or 1.0
    side = np.linspace(low - margin, high + margin, GRID)
    one, other = np.meshgrid(side, side)
    given = {inputs.element((1,), first): one.ravel(), inputs.element((2,), first): other.ravel()}
    values = evaluate(exercise.graph, data, given=given, gradients=False)
    output = values[Quantity("a", (len(exercise.spec.network_spec.layers), 1), first)]
    return one, other, output.reshape(one.shape)


# --- drawings -----------------------------------------------------------------------------------


def _math(node: Node) -> str:
    return f"${latex(node).replace('_ {', '_{')}$"


def _activation(axes: Axes, exercise: Exercise, weight: Quantity | None) -> None:
    z, sigma = np.linspace(-5, 5, FINE), Symbol("f")
    table, nodes = numpy_table(0.0), [n for n in exercise.graph.nodes if n.name == "a"]
    rows = zip(exercise.spec.network_spec.layers, nodes, strict=True)
    ops = {layer.activation: node.op for layer, node in rows if isinstance(node.op, Elementwise)}
    shades = np.linspace(0, 0.55, len(ops))
    argument = Row((Op("("), Symbol("z"), Op(")")))
    function, slope = Row((sigma, argument)), Row((Index(sigma, sup=Op("′")), argument))
    for (name, op), shade in zip(ops.items(), shades, strict=True):
        output, said = (
            op.forward(table, z),
            _said(exercise, "activation", called(name, activation_of)),
        )
        axes.plot(z, output, "-", color=str(shade), label=f"{_math(function)}, {said}")
        axes.plot(z, op.local(table, 0, output, z), "--", color=str(shade), label=_math(slope))
    axes.axhline(0, color="0.7", linewidth=0.6, zorder=0)
    axes.axvline(0, color="0.7", linewidth=0.6, zorder=0)
    axes.set_xlabel(_math(Symbol("z")))
    axes.legend(frameon=False)


def _loss(axes: Axes, exercise: Exercise, weight: Quantity | None) -> None:
    name, root = exercise.network_namer, exercise.graph.root
    q = weight or max(trained(exercise.graph), key=lambda q: abs(_slope(exercise, q)))
    here, loss = exercise.number(q), exercise.number(root)
    slope = _slope(exercise, q)
    step = exercise.number(q.at(update=1)) if len(exercise.iterates) > 1 else here
    wide = max(0.5, 12 * abs(step - here))
    weights, losses = along(exercise, q, wide)
    axes.plot(weights, losses, "-", color="black", label=_math(name(root)))
    near = np.array([-wide / 2, wide / 2])
    axes.plot(
        here + near,
        loss + slope * near,
        "--",
        color="black",
        label=_said(exercise, "plot_tangent"),
    )
    axes.plot([here], [loss], "o", color="black", label=_math(name(q)))
    if step != here:
        after = np.interp(step, weights, losses)
        axes.plot(
            [step], [after], "s", color="black", fillstyle="none", label=_math(name(q.at(update=1)))
        )
        arrow = {"arrowstyle": "->", "shrinkA": 4, "shrinkB": 4}
        axes.annotate("", (step, after), (here, loss), arrowprops=arrow)
    axes.set_xlabel(_math(name(q)))
    axes.set_ylabel(_math(name(root)))
    axes.legend(frameon=False)


def _slope(exercise: Exercise, q: Quantity) -> float:
    return exercise.number(exercise.derivation.derivative(q))


def _epochs(axes: Axes, exercise: Exercise, weight: Quantity | None) -> None:
    updates, losses = falling(exercise)
    axes.plot(updates, losses, "-", color="black", marker="o" if len(updates) < LINES**2 else "")
    if losses.min() > 0 and losses.max() > 100 * losses.min():
        axes.set_yscale("log")
    axes.set_xlabel(_said(exercise, "plot_updates"))
    axes.set_ylabel(_math(exercise.network_namer(exercise.graph.root)))
    axes.locator_params("x", integer=True)


def _boundary(axes: Axes, exercise: Exercise, weight: Quantity | None) -> None:
    _contour(axes, exercise, len(exercise.iterates) - 1, "-")
    _data(axes, exercise)


def _boundaries(axes: Axes, exercise: Exercise, weight: Quantity | None) -> None:
    last = len(exercise.iterates) - 1
    chosen = sorted({0, *(round(last ** (k / (LINES - 1))) for k in range(1, LINES))})
    for state, dashes in zip(chosen, DASHES[-len(chosen) :], strict=True):
        _contour(axes, exercise, state, dashes)
        axes.plot(
            [],
            [],
            color="black",
            linestyle=dashes,
            label=_said(exercise, "plot_after", {"count": state}),
        )
    _data(axes, exercise)


def _contour(axes: Axes, exercise: Exercise, update: int, dashes: Any) -> None:
    """Where the output is in the middle of what it is trained to."""
    labels = [float(t) for row in exercise.spec.network_spec.targets or [] for t in row] or [0.0, 1.0]
    middle = (min(labels) + max(labels)) / 2
    one, other, output = field(exercise, update)
    if output.min() < middle < output.max():
        axes.contour(one, other, output, [middle], colors="black", linestyles=[dashes])


def _data(axes: Axes, exercise: Exercise) -> None:
    """The samples, by their targets; where there are none, by what the output rounds to."""
    net, name = exercise.spec.network_spec, exercise.network_namer
    (inputs,) = exercise.graph.of_kind("input")
    points = exercise.iterates[0].data[inputs.key][:, :, 0]
    last, samples = len(net.layers), exercise.graph.sample_numbers
    outputs = [exercise.number(Quantity("a", (last, 1), s)) for s in samples]
    marks = [float(row[0]) for row in net.targets] if net.targets else [round(a) for a in outputs]
    target = name(Quantity("t", (1,))) if net.targets else name(Quantity("a", (last, 1)))
    for label, mark in zip(sorted(set(marks)), ("x", "o", "s", "^", "d", "v"), strict=False):
        chosen = [k for k, found in enumerate(marks) if found == label]
        (drawn,) = axes.plot(*points[:, chosen], mark, color="black", fillstyle="none", markersize=8)
        drawn.set_label(f"{_math(target)} = {label:g}")
    axes.set_aspect("equal")
    axes.set_xlabel(_math(name(Quantity("x", (1,)))))
    axes.set_ylabel(_math(name(Quantity("x", (2,)))))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


# --- the table ----------------------------------------------------------------------------------


def _network(exercise: Exercise) -> bool:
    return exercise.spec.network is not None and not exercise.spec.source.symbols


def _elementwise(exercise: Exercise) -> bool:
    ops = [node.op for node in exercise.graph.nodes if node.name == "a"]
    return exercise.spec.network is not None and any(isinstance(op, Elementwise) for op in ops)


def _learns(exercise: Exercise) -> bool:
    return _network(exercise) and bool(exercise.spec.source.updates and trained(exercise.graph))


def _plane(exercise: Exercise) -> bool:
    widths = exercise.spec.network.widths if exercise.spec.network else [0]
    return _network(exercise) and widths[0] == 2 and widths[-1] == 1 and exercise.graph.samples > 1


PLOTS = {
    "activation": Plot("the activations and their derivatives", _elementwise, _activation),
    "loss": Plot("the loss along one weight, with its tangent and the step", _learns, _loss),
    "epochs": Plot("the loss after each update", _learns, _epochs),
    "boundary": Plot("samples with two inputs, and the decision boundary", _plane, _boundary),
    "boundaries": Plot(
        "the decision boundary as it is learnt", lambda e: _plane(e) and _learns(e), _boundaries
    ),
}
