"""random_spec(seed): a spec as TOML text, right or wrong in one small way; the same for ever.

A key of a spec, or what it can say, is a row of RULES: where it stands, what is drawn for it.  A mistake
is a row of MISTAKES: what is done to a right spec, and the key that the message has to name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise, product
from random import Random
from typing import Any, NamedTuple

from derive.ops import ACTIVATIONS, DOMAINS, LOSSES, OUTPUTS_OF, Domain
from derive.optimizer import OPTIMIZERS
from generator.notation import NOTATIONS, TELLINGS

__all__ = ["ACTIVATION_FORMULAS", "LOSS_FORMULAS", "MISTAKES", "RULES", "Drawn", "mistaken", "named"]
__all__ += ["random_spec", "toml"]

ACTIVATION_FORMULAS = (
    "z*exp(-z**2)",
    "sin(z)",
    "z/(1 + abs(z))",
    "max(z, z/5)",
    "min(1, max(-1, z))",
    "log(1 + z**2)",
    "-z**2/3 + z",
    "2**(-z)",
    "sqrt(1 + z**2) - 1",
    "z*sigmoid(2*z)",
    "(exp(z) - exp(-z))/(exp(z) + exp(-z))",
)
LOSS_FORMULAS = (
    "log(cosh(a - t))",
    "(a - t)**4",
    "sqrt(1 + (a - t)**2) - 1",
    "max(2*(a - t), t - a)",
    "exp(a - t) - (a - t) - 1",
    "abs(a - t) + (a - t)**2/2",
)
ALPHAS = {"leaky_relu": (0.01, 0.1, "1/3"), "prelu": (0.25, 0.5), "elu": (1, 0.5, 1.5, "2/3")}


class Drawn(NamedTuple):
    """A spec's text; where it is wrong, the mistake in it."""

    text: str
    mistake: Mistake | None = None


# --- TOML ---------------------------------------------------------------------------------------


def toml(data: dict[str, Any]) -> str:
    """The tables of a spec as TOML; a number that is a string of digits stays as it was drawn."""
    network = {key: value for key, value in data.get("network", {}).items() if key != "layers"}
    lines = [f"{key} = {_value(value)}" for key, value in data.items() if key != "network"]
    lines += ["[network]", *(f"{key} = {_value(value)}" for key, value in network.items())]
    for layer in data.get("network", {}).get("layers", []):
        lines += ["[[network.layers]]", *(f"{key} = {_value(value)}" for key, value in layer.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    match value:
        case bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {_value(item)}' for key, item in value.items())} }}"
        case _:
            return str(value)


# --- what is drawn ------------------------------------------------------------------------------

SCALES = ((1, 2), (1, 2), (1, 1), (2, 3), (10, 1), (100, 0), (0.001, 6))  # up to, decimals


def _number(random: Random, scale: tuple[float, int]) -> float:
    largest, decimals = scale
    return round(random.uniform(-largest, largest), decimals) + 0.0  # no -0.0


def _sizes(net: dict[str, Any]) -> list[int]:
    return [len(net["inputs"][0]), *(len(layer["weights"]) for layer in net["layers"])]


def _bare(random: Random) -> dict[str, Any]:
    """A network with nothing but numbers, of which every key below is a part or a change."""
    sizes = [random.randint(1, 5) for _ in range(random.randint(2, 5))]
    if random.random() < 0.1:  # a picture
        sizes[0] = random.choice((6, 9))
    scale = random.choice(SCALES)

    def column(length: int) -> list[float]:
        return [_number(random, scale) for _ in range(length)]

    layers = [{"weights": [column(below) for _ in range(units)]} for below, units in pairwise(sizes)]
    samples = random.choice((1, 1, 2, 3))
    return {"inputs": [column(sizes[0]) for _ in range(samples)], "layers": layers}


def _loss(random: Random, net: dict[str, Any]) -> None:
    formula = random.random() < 0.15
    net["loss"] = random.choice(LOSS_FORMULAS if formula else tuple(LOSSES))


def _targets(random: Random, net: dict[str, Any]) -> None:
    """Labels where the loss is made for them, shares of classes, or any number."""
    units, loss = len(net["layers"][-1]["weights"]), net.get("loss", "half_squared_error")

    def row() -> list[float]:
        if domain := DOMAINS.get(loss):
            between = domain.between and random.random() < 0.3
            low, high = domain.labels
            return [
                round(random.uniform(low, high), 2) if between else random.choice(domain.labels)
                for _ in range(units)
            ]
        if loss in OUTPUTS_OF:
            if random.random() < 0.3:
                return [round(random.random(), 2) for _ in range(units)]
            which = random.randrange(units)
            return [int(which == unit) for unit in range(units)]
        return [_number(random, (1, 2)) for _ in range(units)]

    net["targets"] = [row() for _ in net["inputs"]]


def _delta(random: Random, net: dict[str, Any]) -> None:
    if net.get("loss") == "huber" and random.random() < 0.6:
        net["delta"] = random.choice((0.1, 0.5, 1, 1.5))


def _standardize(random: Random, net: dict[str, Any]) -> None:
    spread = all(len(set(column)) > 1 for column in zip(*net["inputs"], strict=True))
    if spread and random.random() < 0.3:
        net["standardize"] = {"std": random.choice(("sample", "population"))}
        if random.random() < 0.7:
            net["standardize"]["digits"] = random.randint(1, 6)


def _stop_below(random: Random, net: dict[str, Any]) -> None:
    trained = any(layer.get("train", ["weights"]) for layer in net["layers"])
    if net.get("updates", 1) and trained and random.random() < 0.2:
        net["stop_below"] = random.choice((0.001, 0.1, 5))


def _activation(random: Random, net: dict[str, Any], number: int) -> None:
    layer, last = net["layers"][number], number == len(net["layers"]) - 1
    loss = net.get("loss", "half_squared_error") if last else None
    made_for = DOMAINS.get(loss, Domain((0, 1)))
    names = OUTPUTS_OF.get(loss) or made_for.outputs or (*ACTIVATIONS, *(["softmax"] * last))
    names = [name for name in names if name != "softmax" or len(layer["weights"]) > 1]
    logarithm = loss in OUTPUTS_OF or made_for.outputs
    formula = random.random() < 0.1 and not logarithm
    if (
        name := random.choice(ACTIVATION_FORMULAS if formula else names)
    ) != "sigmoid" or random.random() < 0.5:
        layer["activation"] = name


def _alpha(random: Random, net: dict[str, Any], number: int) -> None:
    layer = net["layers"][number]
    if (allowed := ALPHAS.get(layer.get("activation", ""))) and random.random() < 0.6:
        layer["alpha"] = random.choice(allowed)


def _bias(random: Random, net: dict[str, Any], number: int) -> None:
    layer, scale = net["layers"][number], random.choice(SCALES[:4])
    units = len(layer["weights"])
    kinds = ("per_unit", "per_unit", "none", *(["shared"] * (layer.get("activation") != "softmax")))
    kind = random.choice(kinds)
    if kind != "none":
        drawn = [_number(random, scale) for _ in range(units)]
        layer["biases"] = [drawn[0]] * units if kind == "shared" else drawn
    if kind == "shared" or random.random() < 0.3:
        layer["bias"] = kind


def _train(random: Random, net: dict[str, Any], number: int) -> None:
    if random.random() < 0.3:
        layer = net["layers"][number]
        layer["train"] = random.choice((["weights"], ["biases"], ["weights", "biases"], []))


def _skip(random: Random, net: dict[str, Any], number: int) -> None:
    """The output of an earlier layer (0: the inputs) with as many units is added to z."""
    sizes = _sizes(net)
    possible = [k for k in range(number + 1) if sizes[k] == sizes[number + 1]]
    if possible and random.random() < 0.3:
        net["layers"][number]["skip"] = random.choice(possible)


def _tied(random: Random, net: dict[str, Any], number: int) -> None:
    """The weights of an earlier layer, transposed."""
    sizes = _sizes(net)
    shape = (sizes[number], sizes[number + 1])
    possible = [
        k + 1
        for k in range(number)
        if (sizes[k + 1], sizes[k]) == shape
        and not {"tied", "kernel"} & set(net["layers"][k])
        and not any("-" in row for row in net["layers"][k]["weights"])
    ]
    layer = net["layers"][number]
    if possible and random.random() < 0.5 and "kernel" not in layer:
        layer["tied"] = random.choice(possible)
        if "weights" in layer.get("train", []):  # they are trained where they come from
            layer["train"].remove("weights")


def _missing(random: Random, net: dict[str, Any], number: int) -> None:
    """Some connections are not there; every unit keeps one at least."""
    layer = net["layers"][number]
    if random.random() < 0.2 and "kernel" not in layer:
        for row in layer["weights"]:
            kept = random.randrange(len(row))
            for column in range(len(row)):
                if column != kept and random.random() < 0.3:
                    row[column] = "-"


def _weight_0(random: Random, net: dict[str, Any], number: int) -> None:
    layer = net["layers"][number]
    per_unit = layer.get("biases") and layer.get("bias", "per_unit") == "per_unit"
    if per_unit and random.random() < 0.3 and "kernel" not in layer:
        layer["bias"] = "weight_0"


def _kernel(random: Random, net: dict[str, Any], number: int) -> None:
    """A convolution where the layer's sizes let one be, over a line of numbers or over a picture: the
    kernel fits in as many places as there are units."""
    below, units = _sizes(net)[number : number + 2]
    layer = net["layers"][number]
    possible = [
        (below // columns, columns, height, width)
        for columns in range(1, below + 1)
        if below % columns == 0
        for height, width in product(range(1, below // columns + 1), range(1, columns + 1))
        if (below // columns - height + 1) * (columns - width + 1) == units
    ]
    if not possible or random.random() >= 0.3:
        return
    rows, columns, height, width = random.choice(possible)
    flat = layer["weights"][0][: height * width]
    layer["kernel"] = flat
    if rows > 1 or random.random() < 0.2:
        layer["kernel"] = [flat[at : at + width] for at in range(0, len(flat), width)]
        layer["columns"] = columns
    layer.pop("biases", None)
    layer.pop("bias", None)
    if layer.get("activation") != "softmax" and random.random() < 0.6:
        layer["biases"] = [_number(random, (1, 2))]
        if random.random() < 0.5:
            layer["bias"] = "shared"


def _outputs(random: Random, net: dict[str, Any]) -> None:
    """A mean over the outputs, of a loss that is none yet."""
    if random.random() < 0.3:
        net["outputs"] = "sum" if net["loss"] in ("mse", "half_mse") else random.choice(("sum", "mean"))


def _optimizer(random: Random, net: dict[str, Any]) -> None:
    """A name, or a table with other constants than usual."""
    if random.random() < 0.6:
        return
    name = random.choice(sorted(OPTIMIZERS))
    constants = {
        constant: random.choice((1e-8, 0.001, 1) if constant == "epsilon" else (0, 0.5, 0.95))
        for constant in OPTIMIZERS[name].constants
        if random.random() < 0.5
    }
    table = random.random() < 0.4
    net["optimizer"] = {"name": name, **constants} if table else name


def sometimes(key: str, *choices: Any, odds: float = 0.5) -> Callable[[Random, dict[str, Any]], None]:
    """`key` with one of the choices, or left out."""

    def put(random: Random, net: dict[str, Any]) -> None:
        if random.random() < odds:
            net[key] = random.choice(choices)

    return put


class Rule(NamedTuple):
    """A key of [network], or of each layer (`layer`), and how it is drawn."""

    key: str
    put: Callable[..., None]
    layer: bool = False


# In this order: what is drawn for a key may look at the keys above it.
RULES = (
    Rule("loss", _loss),
    Rule("activation", _activation, layer=True),
    Rule("targets", _targets),
    Rule("alpha", _alpha, layer=True),
    Rule("bias", _bias, layer=True),
    Rule("train", _train, layer=True),
    Rule("kernel", _kernel, layer=True),
    Rule("weights", _missing, layer=True),
    Rule("tied", _tied, layer=True),
    Rule("skip", _skip, layer=True),
    Rule("biases", _weight_0, layer=True),
    Rule("delta", _delta),
    Rule("reduction", sometimes("reduction", "sum", "mean")),
    Rule("outputs", _outputs),
    Rule("l2", sometimes("l2", 0.01, 0.1, odds=0.3)),
    Rule("learning_rate", sometimes("learning_rate", 0.01, 0.1, 1, 2)),
    Rule("optimizer", _optimizer),
    Rule("updates", sometimes("updates", 0, 1, 2, 3, 5)),
    Rule("standardize", _standardize),
    Rule("stop_below", _stop_below),
)


def _right(random: Random) -> dict[str, Any]:
    net = _bare(random)
    for rule in RULES:
        for where in range(len(net["layers"])) if rule.layer else [None]:
            rule.put(random, net, *([] if where is None else [where]))
    for layer in net["layers"]:  # drawn for the shapes alone
        if {"tied", "kernel"} & set(layer):
            del layer["weights"]
    data = {"name": "random", "notation": random.choice(sorted(NOTATIONS)), "network": net}
    if random.random() < 0.3:
        data["digits"] = random.randint(2, 6)
    if random.random() < 0.6:
        data["telling"] = random.choice(sorted(TELLINGS))
    return data


# --- what is wrong ------------------------------------------------------------------------------


class Mistake(NamedTuple):
    """What is done to a right spec, if it can be (else it says False), and the key that is named, every
    index left out."""

    name: str
    make: Callable[[Random, dict[str, Any]], bool | None]
    key: str


def _plain(net: dict[str, Any]) -> list[dict[str, Any]]:
    return [layer for layer in net["layers"] if "weights" in layer]


def _in_layers(change: Callable[[Random, dict[str, Any]], Any]) -> Callable[..., bool | None]:
    """The change, in one of the layers with weights of its own."""

    def make(random: Random, data: dict[str, Any]) -> bool | None:
        layers = _plain(data["network"])
        return change(random, random.choice(layers)) if layers else False

    return make


def _set(key: str, *values: Any) -> Callable[..., None]:
    return lambda random, data: data["network"].update({key: random.choice(values)})


def _number_somewhere(*values: Any) -> Callable[[Random, dict[str, Any]], None]:
    def make(random: Random, data: dict[str, Any]) -> None:
        row = random.choice(data["network"]["inputs"])
        row[random.randrange(len(row))] = random.choice(values)

    return make


def _loss_that_outputs_do_not_suit(random: Random, data: dict[str, Any]) -> None:
    net = data["network"]
    net.pop("delta", None)
    net["layers"][-1].update(activation="tanh")
    net["layers"][-1].pop("alpha", None)
    net["loss"] = "cross_entropy"
    net["targets"] = [[1] * len(row) for row in net["targets"]]


def _probabilities_of_tanh(random: Random, data: dict[str, Any]) -> None:
    _loss_that_outputs_do_not_suit(random, data)
    data["network"]["loss"] = "binary_cross_entropy"


def _label(random: Random, data: dict[str, Any]) -> bool | None:
    """A target that the loss is not made for."""
    net = data["network"]
    wrong = {"binary_cross_entropy": (-0.1, 1.5), "hinge": (0, 0.5), "cross_entropy": (-1, -0.01)}
    if (values := wrong.get(net.get("loss", ""))) is None:
        return False
    random.choice(net["targets"])[0] = random.choice(values)
    return None


def _input_too_many(random: Random, data: dict[str, Any]) -> bool | None:
    if "kernel" in data["network"]["layers"][0]:
        return False
    data["network"].pop("standardize", None)
    for row in data["network"]["inputs"]:
        row.append(1)
    return None


def _hidden_softmax(random: Random, data: dict[str, Any]) -> bool | None:
    if len(layers := data["network"]["layers"]) < 2:
        return False
    layers[0]["activation"] = "softmax"
    layers[0].pop("alpha", None)
    return None


def _softmax_of_one(random: Random, data: dict[str, Any]) -> bool | None:
    last = data["network"]["layers"][-1]
    if len(last.get("weights", "no")) != 1:
        return False
    last["activation"] = "softmax"
    last.pop("alpha", None)
    return None


def _goal_of_nothing(random: Random, data: dict[str, Any]) -> None:
    data["network"].update(updates=0, stop_below=0.1)


def _standardize_one(random: Random, data: dict[str, Any]) -> None:
    net = data["network"]
    net["inputs"], net["targets"] = net["inputs"][:1], net["targets"][:1]
    net["standardize"] = {"std": "sample"}


def _standardize_a_constant(random: Random, data: dict[str, Any]) -> bool | None:
    net = data["network"]
    if len(net["inputs"]) < 2:
        return False
    for row in net["inputs"]:
        row[0] = 0.5
    net["standardize"] = {"std": "population"}
    return None


def _shared(random: Random, layer: dict[str, Any]) -> bool | None:
    if layer.get("activation") == "softmax" or len(layer["weights"]) < 2:
        return False
    layer["bias"], layer["biases"] = "shared", list(range(len(layer["weights"])))
    return None


def _in_a_layer_with(
    key: str, change: Callable[[Random, dict[str, Any], int], Any]
) -> Callable[..., bool | None]:
    """The change of `data`, about the first layer that has that key."""

    def make(random: Random, data: dict[str, Any]) -> bool | None:
        numbers = (n for n, layer in enumerate(data["network"]["layers"]) if key in layer)
        number = next(numbers, None)
        return False if number is None else change(random, data["network"]["layers"][number], number)

    return make


def _skip_of_another_width(random: Random, data: dict[str, Any]) -> bool | None:
    net = data["network"]
    widths = [len(layer.get("weights", "")) for layer in net["layers"]]
    wrong = (k for k, width in enumerate(widths) if width not in (0, len(net["inputs"][0])))
    if (number := next(wrong, None)) is None:
        return False
    net["layers"][number]["skip"] = 0
    return None


def _tied_to_a_part(random: Random, data: dict[str, Any]) -> bool | None:
    layers = data["network"]["layers"]
    tied = [layer["tied"] - 1 for layer in layers if "tied" in layer]
    wide = [k for k in tied if len(layers[k]["weights"][0]) > 1]
    if not wide:
        return False
    layers[wide[0]]["weights"][0][0] = "-"
    return None


def _mean_of_a_mean(random: Random, data: dict[str, Any]) -> bool | None:
    net = data["network"]
    net["outputs"] = "mean"
    return None if net["loss"] in ("mse", "half_mse") else False


MISTAKES = (
    Mistake(
        "a weight too many",
        _in_layers(lambda r, layer: layer["weights"][-1].append(0.5)),
        "layers.weights",
    ),
    Mistake(
        "a weight too few",
        _in_layers(lambda r, layer: layer["weights"][0].pop() and None),
        "layers.weights",
    ),
    Mistake(
        "a bias too many",
        _in_layers(
            lambda r, layer: layer.update(bias="per_unit", biases=[1] * (len(layer["weights"]) + 1))
        ),
        "layers.biases",
    ),
    Mistake(
        "biases of no bias",
        _in_layers(lambda r, layer: layer.update(bias="none", biases=[1] * len(layer["weights"]))),
        "layers.biases",
    ),
    Mistake("a shared bias of several numbers", _in_layers(_shared), "layers.biases"),
    Mistake("no weights", _in_layers(lambda r, layer: layer.pop("weights") and None), "layers"),
    Mistake(
        "weights of one row",
        _in_layers(lambda r, layer: layer.update(weights=[0.5, 0.1])),
        "layers.weights",
    ),
    Mistake(
        "an unknown activation",
        _in_layers(
            lambda r, layer: layer.update(activation=r.choice(("sigmod", "Tanh", "", "softplus2")))
        ),
        "layers.activation",
    ),
    Mistake(
        "a formula that does not read",
        _in_layers(
            lambda r, layer: layer.update(
                activation=r.choice(("z +* 1", "sin(z", "2(z)", "z**z", "x + 1", "3", "import(z)"))
            )
        ),
        "layers.activation",
    ),
    Mistake(
        "an alpha that is not taken",
        _in_layers(lambda r, layer: layer.update(activation="tanh", alpha=0.1)),
        "layers.alpha",
    ),
    Mistake(
        "an alpha that is no number",
        _in_layers(
            lambda r, layer: layer.update(
                activation="elu", alpha=r.choice(("x", "1/0", "", "9**9", [1]))
            )
        ),
        "layers.alpha",
    ),
    Mistake(
        "an unknown bias", _in_layers(lambda r, layer: layer.update(bias="per_layer")), "layers.bias"
    ),
    Mistake(
        "an unknown parameter to train",
        _in_layers(lambda r, layer: layer.update(train=["inputs"])),
        "layers.train",
    ),
    Mistake(
        "a misspelt key of a layer",
        _in_layers(lambda r, layer: layer.update(activaton="tanh")),
        "layers.activaton",
    ),
    Mistake(
        "no connection at all",
        _in_layers(
            lambda r, layer: layer["weights"][-1].__setitem__(
                slice(None), ["-"] * len(layer["weights"][-1])
            )
        ),
        "layers.weights",
    ),
    Mistake(
        "a weight that is none",
        _in_layers(lambda r, layer: layer["weights"][0].__setitem__(0, r.choice(("x", "", "--", True)))),
        "layers.weights",
    ),
    Mistake("weights and a tie", _in_layers(lambda r, layer: layer.update(tied=1)), "layers"),
    Mistake(
        "a tie to itself",
        _in_a_layer_with("tied", lambda r, layer, number: layer.update(tied=number + 1)),
        "layers.tied",
    ),
    Mistake("a tie to a part", _tied_to_a_part, "layers.tied"),
    Mistake(
        "tied weights to train",
        _in_a_layer_with("tied", lambda r, layer, number: layer.update(train=["weights"])),
        "layers.train",
    ),
    Mistake(
        "a skip of a layer to come",
        _in_a_layer_with("skip", lambda r, layer, number: layer.update(skip=number + 1)),
        "layers.skip",
    ),
    Mistake("a skip of another width", _skip_of_another_width, "layers.skip"),
    Mistake(
        "a kernel larger than what it is over",
        _in_a_layer_with(
            "kernel",
            lambda r, layer, number: layer.update(
                kernel=[layer["kernel"][0]] * 10 if "columns" in layer else [1] * 10
            ),
        ),
        "layers.kernel",
    ),
    Mistake(
        "a kernel of nothing",
        _in_a_layer_with("kernel", lambda r, layer, number: layer.update(kernel=[])),
        "layers.kernel",
    ),
    Mistake(
        "a kernel of rows and numbers",
        _in_a_layer_with("kernel", lambda r, layer, number: layer.update(kernel=[[1], 2])),
        "layers.kernel",
    ),
    Mistake(
        "a kernel that is no number",
        _in_a_layer_with(
            "kernel", lambda r, layer, number: layer.update(kernel=[r.choice(("x", [0.5, "-"]))])
        ),
        "layers.kernel",
    ),
    Mistake(
        "columns that it does not fill",
        _in_a_layer_with("columns", lambda r, layer, number: layer.update(columns=7)),
        "layers.kernel",
    ),
    Mistake(
        "columns without a kernel",
        _in_layers(lambda r, layer: layer.update(columns=2)),
        "layers.columns",
    ),
    Mistake(
        "a kernel with a bias for each unit",
        _in_a_layer_with("kernel", lambda r, layer, number: layer.update(bias="per_unit", biases=[1])),
        "layers.bias",
    ),
    Mistake("softmax in a hidden layer", _hidden_softmax, "layers.activation"),
    Mistake("softmax of one unit", _softmax_of_one, "layers.activation"),
    Mistake("cross-entropy of tanh", _loss_that_outputs_do_not_suit, "loss"),
    Mistake("binary cross-entropy of tanh", _probabilities_of_tanh, "layers.activation"),
    Mistake("a target that the loss is not made for", _label, "targets"),
    Mistake("a target too many", lambda r, data: data["network"]["targets"][-1].append(0), "targets"),
    Mistake(
        "a row of targets too many",
        lambda r, data: data["network"]["targets"].append(list(data["network"]["targets"][0])),
        "targets",
    ),
    Mistake("an unknown loss", _set("loss", "l2", "crossentropy", "MSE"), "loss"),
    Mistake(
        "a loss that does not read", _set("loss", "a - y", "a -- ", "log(t)", "(a - t)**1000"), "loss"
    ),
    Mistake(
        "a delta that is not taken",
        lambda r, data: data["network"].update(
            loss="mae", delta=1, targets=[[2] * len(row) for row in data["network"]["targets"]]
        ),
        "delta",
    ),
    Mistake("a number that is none", _number_somewhere("0.5", True, "", [1]), "inputs"),
    Mistake("a number beyond bounds", _number_somewhere(10**9, "nan", 1.23456789e-30), "inputs"),
    Mistake("an input too many", _input_too_many, "layers.weights"),
    Mistake("no samples", _set("inputs", [], [[]]), "inputs"),
    Mistake("an unknown reduction", _set("reduction", "average", 1), "reduction"),
    Mistake("an unknown mean", _set("outputs", "average", True), "outputs"),
    Mistake("a mean of a mean", _mean_of_a_mean, "outputs"),
    Mistake("a penalty of nothing", _set("l2", 0, -0.1, "weights"), "l2"),
    Mistake("an unknown optimizer", _set("optimizer", "adagrad", "Adam", ""), "optimizer"),
    Mistake(
        "an unknown optimizer's table",
        _set("optimizer", {"name": "lion"}, {"mu": 0.5}),
        "optimizer.name",
    ),
    Mistake(
        "a constant of another optimizer",
        _set("optimizer", {"name": "adam", "mu": 0.5}, {"name": "sgd", "mu": 0.5}),
        "optimizer.mu",
    ),
    Mistake("a share of 1", _set("optimizer", {"name": "adam", "beta1": 1}), "optimizer.beta1"),
    Mistake("a learning rate of nothing", _set("learning_rate", 0, -0.5, "fast"), "learning_rate"),
    Mistake("updates that cannot be counted", _set("updates", -1, 1.5, "ten", 10**6), "updates"),
    Mistake("a goal without an update", _goal_of_nothing, "stop_below"),
    Mistake("standardizing one sample", _standardize_one, "standardize"),
    Mistake("standardizing a constant", _standardize_a_constant, "inputs"),
    Mistake("an unknown deviation", _set("standardize", {"std": "robust"}), "standardize.std"),
    Mistake("no layers", _set("layers", []), "layers"),
    Mistake("sizes and numbers", _set("sizes", [2, 2]), ""),
    Mistake("an unknown notation", lambda r, data: data.update(notation="mine"), "notation"),
    Mistake(
        "digits beyond bounds", lambda r, data: data.update(digits=r.choice((0, 99, 2.5))), "digits"
    ),
    Mistake("no name", lambda r, data: data.pop("name") and None, "name"),
    Mistake("a name that is a path", lambda r, data: data.update(name="../up"), "name"),
)


def random_spec(seed: int, wrong: float = 0.2) -> Drawn:
    """The spec of that seed; a share of them has a mistake."""
    random = Random(seed)
    if random.random() >= wrong:
        return Drawn(toml(_right(random)))
    order = random.sample(MISTAKES, len(MISTAKES))
    return next(Drawn(text, made) for made in order if (text := mistaken(seed, made)))


def mistaken(seed: int, mistake: Mistake) -> str | None:
    """The spec of that seed with the mistake, if it can be made there."""
    random = Random(seed)
    data = _right(random)
    return None if mistake.make(random, data) is False else toml(data)


def named(key: str) -> str:
    """A key of a message as MISTAKES has it: "network.layers[0].weights[1]" is "layers.weights"."""
    return re.sub(r"\[\d+\]", "", key).removeprefix("network").removeprefix(".")
