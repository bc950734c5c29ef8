"""Outside opinions: PyTorch and JAX, from a spec's text alone, find what we find; `pytest -m oracle`."""

import pytest

from derive.ops import ACTIVATIONS, DOMAINS, LOSSES, VECTOR_ACTIVATIONS
from derive.optimizer import OPTIMIZERS
from generator.exercise import build
from generator.refusal import SpecError
from generator.spec_file import read
from tests.oracles import differences, drift, jax_library, network, torch_library
from tests.random_specs import ACTIVATION_FORMULAS, LOSS_FORMULAS, toml

pytestmark = pytest.mark.oracle
TOLERANCE = 1e-12

LIBRARIES = {"torch": torch_library, "jax": jax_library}


def text(activation="tanh", loss="half_squared_error", hidden=None, output=None, **said):
    """A 2-3-2 network, two samples, off all kinks; of that activation in both layers where it may be."""
    first = "sigmoid" if activation == "softmax" else activation
    targets = [[0.3, 0.6], [0.9, 0.2]]
    if loss in DOMAINS:
        low, high = DOMAINS[loss].labels
        targets = [[high, low], [low, low]]
    net = {"inputs": [[0.5, -1.1], [0.3, 0.8]], "targets": targets, "loss": loss, **said}
    net["layers"] = [
        {
            "activation": first,
            "weights": [[0.4, 0.3], [0.2, -0.6], [-0.7, 0.9]],
            "biases": [0.35, -0.2, 0.1],
            **(hidden or {}),
        },
        {
            "activation": activation,
            "weights": [[-0.7, -0.5, 0.3], [0.1, 0.2, -0.8]],
            "biases": [-0.1, 0.3],
            **(output or {}),
        },
    ]
    layers = [{key: said for key, said in layer.items() if said is not None} for layer in net["layers"]]
    return toml({"name": "n", "network": {**net, "layers": layers}})


def accepted(source):
    try:
        read(source)
    except SpecError:
        return False
    return True


NO_BIAS = {"biases": [], "bias": "none"}
SHARED = {"biases": [0.2] * 3, "bias": "shared"}
HOLES = {
    "hidden": {"weights": [[0.4, "-"], [0.2, -0.6], ["-", 0.9]]},
    "output": {"weights": [[-0.7, "-", 0.3], [0.1, 0.2, "-"]]},
}
TIED = {"output": {"weights": None, "tied": 1}}
LINE = {
    "inputs": [[0.5, -1.1, 0.4, 0.2], [0.3, 0.8, -0.6, 0.9]],
    "hidden": {"weights": None, "kernel": [0.4, -0.2], "biases": [0.1]},
}
PICTURE = {
    "inputs": [[0.5, -0.3, 0.8, 0.2, 0.1, 0.4, -0.6, 0.3, 0.9]],
    "targets": [[0.3, 0.6]],
    "hidden": {"weights": None, "kernel": [[0.4, -0.2], [0.3, 0.6]], "columns": 3, "biases": [0.1]},
    "output": {"weights": [[0.5, -0.4, 0.2, 0.3], [-0.1, 0.6, -0.7, 0.2]]},
}
PAIRS = [
    (activation, loss)
    for activation in (*ACTIVATIONS, *VECTOR_ACTIVATIONS)
    for loss in LOSSES
    if accepted(text(activation, loss))
]
VARIANTS = {  # what a spec says -> the text
    **{f"activation = {formula}": text(formula) for formula in ACTIVATION_FORMULAS},
    **{f"loss = {formula}": text(loss=formula) for formula in LOSS_FORMULAS},
    **{f"{name} alpha": text(name, hidden={"alpha": 0.3}, output={"alpha": "2/3"}) for name in ("leaky_relu", "prelu", "elu")},
    "delta": text(loss="huber", delta=0.5),
    "delta, all of it a line": text(loss="huber", delta=0.01),
    "reduction = sum": text(reduction="sum"),
    "reduction = mean": text(reduction="mean"),
    "mean of a mean": text(loss="mse", reduction="mean"),
    "mean of cross-entropy": text("softmax", "cross_entropy", reduction="mean"),
    "no bias": text(hidden=NO_BIAS, output=NO_BIAS),
    "shared bias": text(hidden=SHARED, output={"biases": [0.2] * 2, "bias": "shared"}),
    "one sample": text(inputs=[[0.5, -1.1]], targets=[[0.3, 0.6]]),
    "z-scores": text(standardize={"std": "population"}, inputs=[[1, 2], [2, 5], [4, 3]], targets=[[0, 1]] * 3),
    "z-scores, rounded": text(standardize={"digits": 2}, inputs=[[1, 2], [2, 5], [4, 3]], targets=[[0, 1]] * 3),
    "one class for certain": text("softmax", "cross_entropy", targets=[[0, 1], [1, 0]]),
    "half a mean": text(loss="half_mse"),
    "mean of outputs": text(outputs="mean"),
    "mean of outputs and samples": text(outputs="mean", reduction="mean"),
    "penalty": text(l2=0.1),
    "penalty of a mean": text(l2=0.1, outputs="mean", reduction="mean"),
    "penalty of a part": text(l2=0.1, **HOLES),
    "penalty of a tie": text(l2=0.1, **TIED),
    "penalty of a kernel": text(l2=0.1, **LINE),
    "missing connections": text(**HOLES),
    "weight 0": text(hidden={"bias": "weight_0"}, output={"bias": "weight_0"}),
    "tied": text(**TIED),
    "tied, with weight 0": text(**TIED | {"output": {**TIED["output"], "bias": "weight_0"}}),
    "skip": text(output={"skip": 0}),
    "skip of the layer before": text(hidden={"weights": [[0.4, 0.3], [0.2, -0.6]], "biases": [0.3, -0.2]}, output={"weights": [[-0.7, -0.5], [0.1, 0.2]], "skip": 1}),
    "skip around two layers": text(output={"skip": 0, "tied": 1, "weights": None}),
    "kernel": text(**LINE),
    "kernel without a bias": text(**LINE | {"hidden": {"weights": None, "kernel": [0.4, -0.2], "biases": None}}),
    "kernel over a picture": text(**PICTURE),
    "kernel over a column": text(**LINE | {"hidden": {"weights": None, "kernel": [[0.4], [-0.2]], "columns": 1, "biases": [0.1]}}),
    "kernel of one row": text(**LINE | {"hidden": {"weights": None, "kernel": [[0.4, -0.2]], "columns": 4, "biases": [0.1]}}),
    "what is not trained": text(hidden={"train": ["biases"]}, output={"train": []}),
}  # fmt: skip


def compared(found):
    """Nothing is off by more than 1e-12, and something was compared."""
    assert found
    assert [d for d in found if not d.error <= TOLERANCE] == []


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("activation", "loss"), PAIRS)
def test_every_activation_with_every_loss(library, activation, loss):
    source = text(activation, loss)
    exercise = build(read(source))
    assert not exercise.at_kink
    compared(differences(LIBRARIES[library](), network(source), exercise))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("said", VARIANTS)
def test_everything_else_that_a_spec_can_say(library, said):
    exercise = build(read(VARIANTS[said]))
    assert not exercise.at_kink
    compared(differences(LIBRARIES[library](), network(VARIANTS[said]), exercise))


def test_no_activation_and_no_loss_is_left_out():
    assert {activation for activation, _ in PAIRS} == {*ACTIVATIONS, *VECTOR_ACTIVATIONS}
    assert {loss for _, loss in PAIRS} == set(LOSSES)


@pytest.mark.parametrize("said", VARIANTS)
def test_updates_are_those_of_torch_optim(said):
    source = VARIANTS[said].replace("[network]\n", "[network]\nupdates = 5\nlearning_rate = 0.1\n")
    compared(drift(network(source), build(read(source))))


@pytest.mark.parametrize(
    "constants", [{}, {"epsilon": 0.01, "mu": 0.5, "rho": 0.7, "beta1": 0.6, "beta2": 0}]
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_is_the_one_of_torch_optim(optimizer, constants):
    taken = {
        name: number for name, number in constants.items() if name in OPTIMIZERS[optimizer].constants
    }
    source = text(updates=5, learning_rate=0.1, optimizer={"name": optimizer, **taken})
    compared(drift(network(source), build(read(source))))
