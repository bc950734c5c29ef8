"""Layers that are not simply W a + b: tied and missing weights, convolutions, skips, penalties, means."""

import re
from dataclasses import replace

import numpy as np
import pytest

from derive.backprop import Derivation
from derive.expression import NUMPY, text
from derive.network import Kernel, counted, parameter_count
from derive.ops import Affine
from derive.program import Program, Run
from derive.quantity import Derivative, Quantity, parse
from generator.audit import audit
from generator.exercise import build, certified
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.notation import NOTATIONS, TELLINGS, Namer
from generator.pages import pages
from generator.refusal import SpecError
from generator.slides import read_slides
from generator.spec_file import read

AUTOENCODER = """
name = "autoencoder"
[network]
inputs = [[0.5, -0.3, 0.8]]
targets = [[0.5, -0.3, 0.8]]
[[network.layers]]
activation = "tanh"
weights = [[0.2, -0.4, 0.3], [0.5, 0.1, -0.2]]
biases = [0.1, -0.1]
[[network.layers]]
activation = "identity"
tied = 1
"""
PARTIAL = """
name = "partial"
[network]
inputs = [[0.5, -0.3, 0.8]]
targets = [[0.2]]
[[network.layers]]
weights = [[0.2, "-", 0.3], ["-", 0.1, "-"]]
bias = "weight_0"
biases = [0.1, -0.1]
[[network.layers]]
weights = [[0.4, -0.7]]
"""
UNHEARD = """
name = "unheard"
[network]
inputs = [[0.5, -0.3]]
targets = [[0.2, 0.4]]
[[network.layers]]
weights = [[0.2, 0.4], [0.3, 0.1], [0.6, 0.7]]
[[network.layers]]
weights = [[0.4, "-", 0.3], [0.1, "-", 0.2]]
"""
LINE = """
name = "line"
[network]
inputs = [[0.5, -0.3, 0.8, 0.2], [0.1, 0.9, -0.4, 0.6]]
targets = [[0.2], [0.4]]
[[network.layers]]
activation = "tanh"
kernel = [0.4, -0.2]
biases = [0.1]
[[network.layers]]
weights = [[0.4, -0.7, 0.2]]
"""
PICTURE = """
name = "picture"
[network]
inputs = [[0.5, -0.3, 0.8, 0.2, 0.1, 0.4, -0.6, 0.3, 0.9]]
targets = [[0.5]]
[[network.layers]]
activation = "tanh"
kernel = [[0.4, -0.2], [0.3, 0.6]]
columns = 3
[[network.layers]]
weights = [[0.5, -0.4, 0.2, 0.3]]
biases = [0.1]
"""
RESIDUAL = """
name = "residual"
[network]
inputs = [[0.5, -0.3]]
targets = [[0.2, 0.7]]
[[network.layers]]
weights = [[0.2, -0.4], [0.5, 0.1]]
[[network.layers]]
weights = [[0.3, 0.6], [-0.2, 0.8]]
skip = 1
[[network.layers]]
weights = [[0.1, 0.9], [-0.5, 0.4]]
skip = 0
"""
PENALTY = """
name = "penalty"
[network]
inputs = [[0.5, -0.3], [0.2, 0.4]]
targets = [[0.2, 0.7], [0.1, 0.3]]
l2 = 0.1
outputs = "mean"
reduction = "mean"
[[network.layers]]
weights = [[0.2, -0.4], [0.5, 0.1]]
biases = [0.3, 0.1]
"""
ALL = {
    "autoencoder": AUTOENCODER,
    "partial": PARTIAL,
    "line": LINE,
    "picture": PICTURE,
    "residual": RESIDUAL,
    "penalty": PENALTY,
    "one row": LINE.replace("[0.4, -0.2]", "[[0.4, -0.2]]\ncolumns = 4"),
    "unheard": UNHEARD,
    "penalty of one sample": PENALTY.replace(", [0.2, 0.4]]", "]").replace(", [0.1, 0.3]]", "]"),
    "penalty of a kernel": LINE.replace("[[network.layers]]", "l2 = 0.01\n[[network.layers]]", 1),
    "penalty of ties": AUTOENCODER.replace("[[network.layers]]", "l2 = 0.01\n[[network.layers]]", 1),
    "penalty of a part": PARTIAL.replace("[[network.layers]]", "l2 = 0.01\n[[network.layers]]", 1),
}


def exercise(name):
    return build(read(ALL[name]))


FAST = {"line", "partial", "penalty", "residual"}


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in ALL]
)
def test_every_number_is_certified_and_on_its_pages(name):
    proven = certified(exercise(name), prove=True)
    assert proven.certificate.max_error < 1e-14
    for telling in TELLINGS:
        told = replace(proven, spec=proven.spec.model_copy(update={"telling": telling}))
        assert set(pages(told, ("tex",))) == {"solution.tex"}


FORMULAS = [  # network, quantity, its formula
    ("autoencoder", "z[2][3]", "W[1][1][3]*a[1][1] + W[1][2][3]*a[1][2]"),
    ("partial", "z[1][1]", "W[1][1][1]*x[1] + W[1][1][3]*x[3] + b[1][1]*one[1]"),
    ("partial", "z[1][2]", "W[1][2][2]*x[2] + b[1][2]*one[1]"),
    ("line", "z[1][2]#1", "K[1][1]*x[2]#1 + K[1][2]*x[3]#1 + b[1]"),
    ("picture", "z[1][3]", "K[1][1][1]*x[4] + K[1][1][2]*x[5] + K[1][2][1]*x[7] + K[1][2][2]*x[8]"),
    ("residual", "z[2][1]", "W[2][1][1]*a[1][1] + W[2][1][2]*a[1][2] + a[1][1]"),
    ("residual", "z[3][2]", "W[3][2][1]*a[2][1] + W[3][2][2]*a[2][2] + x[2]"),
    ("penalty", "L#2", "L[1]#2/2 + L[2]#2/2"),
    ("penalty", "L0", "L#1/2 + L#2/2"),
    ("penalty", "R", "lambda/2*(W[1][1][1]**2 + W[1][1][2]**2 + W[1][2][1]**2 + W[1][2][2]**2)"),
    ("penalty", "L", "L0 + R"),
    (
        "penalty of a part",
        "R",
        "lambda/2*(W[1][1][1]**2 + W[1][1][3]**2 + W[1][2][2]**2 + W[2][1][1]**2 + W[2][1][2]**2)",
    ),
    (
        "penalty of a kernel",
        "R",
        "lambda/2*(K[1][1]**2 + K[1][2]**2 + W[2][1][1]**2 + W[2][1][2]**2 + W[2][1][3]**2)",
    ),
]


@pytest.mark.parametrize(("name", "q", "formula"), FORMULAS)
def test_a_quantity_is_defined_by_what_is_connected(name, q, formula):
    assert text(exercise(name).graph.definition(parse(q))) == formula


STEPS = [  # network, derivative, the terms by named factors
    (
        "autoencoder",
        "dL/dW[1][1][3]",
        ["dL/dz[1][1] dz[1][1]/dW[1][1][3]", "dL/dz[2][3] dz[2][3]/dW[1][1][3]"],
    ),
    (
        "line",
        "dL/dK[1][2]",
        [f"dL/dz[1][{i}]#{s} dz[1][{i}]/dK[1][2]#{s}" for s in (1, 2) for i in (1, 2, 3)],
    ),
    ("unheard", "dL/da[1][2]", []),
    ("unheard", "dL/dz[1][2]", ["dL/da[1][2] da[1][2]/dz[1][2]"]),
    ("residual", "dL/da[1][1]", ["dL/dz[2][1] dz[2][1]/da[1][1]", "dL/dz[2][2] dz[2][2]/da[1][1]"]),
    (
        "residual",
        "dL/dx[1]",
        ["dL/dz[1][1] dz[1][1]/dx[1]", "dL/dz[1][2] dz[1][2]/dx[1]", "dL/dz[3][1] dz[3][1]/dx[1]"],
    ),
    (
        "penalty of one sample",
        "dL/dW[1][1][2]",
        ["dL/dz[1][1] dz[1][1]/dW[1][1][2]", "dL/dR dR/dW[1][1][2]"],
    ),
]


@pytest.mark.parametrize(("name", "target", "terms"), STEPS)
def test_the_chain_rule_goes_along_every_connection(name, target, terms):
    step = exercise(name).derivation.step(parse(target))
    assert [" ".join(map(str, term.ids)) for term in step.terms] == terms


LOCALS = [
    ("residual", "dz[2][1]/da[1][1]", "W[2][1][1] + 1"),
    ("residual", "dz[2][1]/da[1][2]", "W[2][1][2]"),
    ("residual", "dz[3][1]/dx[1]", "1"),
    ("line", "dz[1][2]/dK[1][1]#1", "x[2]#1"),
    ("partial", "dz[1][1]/db[1][1]", "one[1]"),
    ("penalty", "dR/dW[1][2][1]", "lambda*W[1][2][1]"),
]


@pytest.mark.parametrize(("name", "d", "formula"), LOCALS)
def test_local_derivatives_are_what_stands_beside(name, d, formula):
    assert text(exercise(name).graph.local(parse(d))) == formula


ALIASES = [  # the contract's names of parameters that a layer does not have for itself
    ("autoencoder", "dL/dW[2][3][1]", "dL/dW[1][1][3]"),
    ("line", "dL/dW[1][3][4]", "dL/dK[1][2]"),
    ("picture", "dL/dW[1][4][9]", "dL/dK[1][2][2]"),
    ("line", "dL/db[1][3]", "dL/db[1]"),
]


@pytest.mark.parametrize(("name", "other", "own"), ALIASES)
def test_a_weight_that_is_used_twice_has_two_names_and_one_number(name, other, own):
    ours = exercise(name)
    assert ours.number(parse(other)) == ours.number(parse(own)) != 0


ABSENT = [
    ("partial", "W[1][1][2]"),
    ("line", "W[1][1][3]"),
    ("autoencoder", "W[2][4][1]"),
    ("line", "W[1][4][1]"),
]


@pytest.mark.parametrize(("name", "q"), ABSENT)
def test_a_missing_connection_has_no_number(name, q):
    with pytest.raises(KeyError):
        exercise(name).number(parse(q))


COUNTS = [  # network, P, weights, biases
    ("autoencoder", 8, 6, 2),
    ("partial", 7, 5, 2),
    ("line", 6, 5, 1),
    ("picture", 9, 8, 1),
]


@pytest.mark.parametrize(("name", "total", "weights", "biases"), COUNTS)
def test_a_shared_weight_counts_once_and_a_missing_one_not_at_all(name, total, weights, biases):
    graph = exercise(name).graph
    assert parameter_count(graph) == total
    assert [counted(graph, Quantity(of)) for of in ("weights", "biases")] == [weights, biases]


def test_an_update_leaves_a_missing_connection_alone():
    ours = build(read(PARTIAL.replace("[[network.layers]]", "updates = 3\n[[network.layers]]", 1)))
    weights = ours.iterates[3].values.forward[ours.graph.find(parse("W[1][1][1]"))[0]][..., 0, 0]
    assert weights[0, 1] == weights[1, 0] == weights[1, 2] == 0
    assert weights[0, 0] != 0.2


@pytest.mark.parametrize("kernel", [Kernel(1, 5, 1, 2), Kernel(4, 4, 2, 3), Kernel(3, 3, 3, 3)])
def test_a_kernel_is_a_valid_cross_correlation(kernel):
    """Against a sliding window of NumPy."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=kernel.shape)
    picture = rng.normal(size=(kernel.rows, kernel.columns))
    windows = np.lib.stride_tricks.sliding_window_view(picture, (kernel.height, kernel.width))
    op, inputs = Affine(("W", "a"), kernel.wiring), (weights, picture.ravel())
    found = op.forward(NUMPY, *(array[..., None, None] for array in inputs))
    assert np.allclose(found[:, 0, 0], (windows * weights).sum(axis=(2, 3)).ravel(), rtol=1e-14)


NAMES = [  # network, notation, quantity, LaTeX
    ("partial", "plain", "b[1][2]", "w_{20}^{(1)}"),
    ("partial", "plain", "one[1]", "x_{0}"),
    ("line", "plain", "K[1][2]", "w_{2}^{(1)}"),
    ("line", "mazur", "K[1][2]", "w_{2}"),
    ("line", "mazur", "W[2][1][1]", "w_{3}"),
    ("picture", "plain", "K[1][2][1]", "w_{21}^{(1)}"),
    ("picture", "plain", "W[1][1][1]", "w_{11}^{(1)}"),
    ("autoencoder", "mazur", "W[2][3][1]", "w_{3}"),
    ("partial", "mazur", "W[1][2][2]", "w_{3}"),
    ("partial", "mazur", "W[2][1][1]", "w_{4}"),
    ("penalty", "mazur", "L0", "E_{0}"),
    ("penalty", "plain", "lambda", r"\lambda"),
]


@pytest.mark.parametrize(("name", "notation", "q", "latex"), NAMES)
def test_names(name, notation, q, latex):
    from generator.latex import latex as printed

    namer = Namer(NOTATIONS[notation], exercise(name).graph)
    assert printed(namer(parse(q))) == latex


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", ALL)
def test_no_two_quantities_are_written_alike(name, notation):
    assert Namer(NOTATIONS[notation], exercise(name).graph).clash() is None


def test_a_weight_used_twice_and_counted_once():
    """M39: the last use alone."""
    ours = exercise("autoencoder")
    run = Run(Program(ours.derivation), ours.iterates, 0.5, rewrite=rewriting([MISCONCEPTIONS["M39"]]))
    last = ours.number(parse("dL/dz[2][3]")) * ours.number(parse("a[1][1]"))
    assert run[parse("dL/dW[1][1][3]")] == pytest.approx(last, rel=1e-14)
    assert run[parse("dL/dW[1][1][3]")] != pytest.approx(ours.number(parse("dL/dW[1][1][3]")), rel=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_no_misconception_stumbles_over_a_structure(name):
    ours = exercise(name)
    for m in MISCONCEPTIONS.values():
        run = Run(Program(ours.derivation), ours.iterates, 0.5, rewrite=rewriting([m]))
        for d in Derivation(ours.graph).targets():
            assert isinstance(run[d], float)


ONE_OUTPUT = PARTIAL.replace("[[network.layers]]", "l2 = 0.1\n[[network.layers]]", 1)
WIDE = """
name = "wide"
[network]
inputs = [[0.5, -0.3, 0.8, 0.2]]
targets = [[0, 1, 0, 0, 0]]
loss = "cross_entropy"
l2 = 0.1
[[network.layers]]
activation = "softmax"
weights = [[0.5, -0.4, 0.2, 0.3], [0.1, 0.2, -0.3, 0.4], [0.3, "-", 0.1, -0.5], [-0.2, 0.6, 0.7, 0.1], [0.2, 0.3, 0.4, 0.5]]
"""


@pytest.mark.slow
@pytest.mark.parametrize("text", [ONE_OUTPUT, WIDE, ALL["penalty of a part"], ALL["penalty of ties"]])
@pytest.mark.parametrize("notation", NOTATIONS)
def test_what_a_page_says_of_a_penalty_holds(text, notation):
    """Of one output too, whose term is L0 and not L; and however long the sum of squares is."""
    ours = certified(build(read(text).model_copy(update={"notation": notation})))
    page = pages(ours, ["tex"])["solution.tex"]
    assert "λ" not in page  # pdflatex has no such character
    verdicts = [(a.fact.id, a.verdict) for a in audit(ours, read_slides(ours, page).facts)]
    assert {v for _, v in verdicts} == {"match"}
    assert "R" in dict(verdicts)


def test_the_loss_of_a_batch_before_its_penalty_is_no_samples():
    text = ALL["penalty of a kernel"].replace("l2 =", 'reduction = "mean"\nl2 =')
    page = pages(certified(build(read(text))), ["md"])["solution.md"]
    assert r"\frac{\partial L_{0}}{\partial L^{[1]}}" in page
    assert "L_{0}^{[" not in page


@pytest.mark.parametrize("l2", ["", "l2 = 0.1\n"])
def test_the_slope_of_one_samples_loss_is_read_as_that(l2):
    """Not as the slope of the mean over the batch."""
    text = LINE.replace("[[network.layers]]", f'{l2}reduction = "mean"\n[[network.layers]]', 1)
    ours = certified(build(read(text)))
    page = pages(ours, ["tex"])["solution.tex"]
    assert {a.verdict for a in audit(ours, read_slides(ours, page).facts)} == {"match"}


def test_a_long_penalty_is_broken_inside_its_parentheses():
    page = pages(certified(build(read(WIDE))), ["tex"])["solution.tex"]
    (rule,) = re.findall(r"^R & = .*?(?=\nL)", page.split("Forward")[0], re.MULTILINE | re.DOTALL)
    assert rule.count("\n& \\quad + ") >= 3
    assert rule.count("^{2}") == 19  # one weight is not there


BAD = [  # of which network, replace, by, what is said
    ("autoencoder", "tied = 1", "tied = 2", "network.layers[1].tied: found 2, allowed: the number of a layer before"),
    ("autoencoder", "tied = 1", "", "network.layers[1]: found neither weights nor tied nor kernel, allowed: one of them"),
    ("autoencoder", "tied = 1", "tied = 1\nkernel = [1]", "network.layers[1]: found tied and kernel, allowed: one of them"),
    ("autoencoder", "tied = 1", 'tied = 1\ntrain = ["weights"]', "network.layers[1].train: found weights, allowed: biases"),
    ("autoencoder", "tied = 1", "tied = 1\nskip = 2", "network.layers[1].skip: found 2, allowed: the number of a layer before"),
    ("autoencoder", "tied = 1", "tied = 1\nskip = 1", "network.layers[1].skip: found 1, of 2 units, allowed: a layer of 3"),
    ("partial", '["-", 0.1, "-"]', '["-", "-", "-"]', "network.layers[0].weights[1]: found no connection at all"),
    ("partial", '"-"', '"x"', 'a number, or "-" for no connection'),
    ("partial", "[[0.4, -0.7]]", "[[0.4]]", "network.layers[1].weights[0]: found 1 numbers, allowed: 2"),
    ("line", "[0.4, -0.2]", "[0.4, -0.2, 1, 1, 1]", "network.layers[0].kernel: found a kernel of 1 × 5 does not fit into 4 inputs"),
    ("line", "[0.4, -0.2]", '[0.4, "-"]', "network.layers[0].kernel[1]: found '-', allowed: a number"),
    ("line", "[0.4, -0.2]", "[[0.4], -0.2]", "network.layers[0].kernel: found rows of different lengths, or empty ones"),
    ("line", "[0.4, -0.2]", "[]", "network.layers[0].kernel: found rows of different lengths, or empty ones"),
    ("line", "biases = [0.1]", "biases = [0.1, 0.2]", "network.layers[0].biases: found 2 numbers, allowed: 1: one for the kernel"),
    ("line", "biases = [0.1]", 'biases = [0.1]\nbias = "per_unit"', "network.layers[0].bias: found per_unit, allowed: shared or none"),
    ("line", "biases = [0.1]", "biases = [0.1]\ncolumns = 2", "network.layers[0].columns: found 2, allowed: columns with a kernel of rows"),
    ("picture", "columns = 3", "", "network.layers[0].columns: found nothing, allowed: columns with a kernel of rows"),
    ("picture", "columns = 3", "columns = 2", "network.layers[0].kernel: found a kernel of 2 × 2 does not fit into 9 inputs in 2 columns"),
    ("penalty", "l2 = 0.1", "l2 = -1", "network.l2: found -1, allowed: greater than 0"),
    ("penalty", 'outputs = "mean"', 'outputs = "mean"\nloss = "mse"', "network.outputs: found mean, allowed: sum: mse is a mean"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "said"), BAD)
def test_a_structure_that_does_not_fit_is_one_line(name, old, new, said):
    assert old in ALL[name]
    with pytest.raises(SpecError) as error:
        read(ALL[name].replace(old, new, 1), "hw.toml")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_derivative_of_a_mean_counts_each_output_once():
    ours = exercise("penalty of one sample")
    assert ours.number(Derivative(Quantity("L"), Quantity("L", (1,)))) == 0.5
