"""What PyTorch and JAX make of a spec, from its TOML text alone: an outside opinion on every number.

    L, z, a and ∂L/∂(W, b, x, z, a) by each library's own functions and its own differentiation; states
    after updates by torch.optim.

The forward pass is written once, over a Library; what is computed here knows nothing of derive/.
Gradients of what is computed are those of a nudge that is added to it.
"""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from generator.exercise import Exercise

__all__ = ["Difference", "Library", "Net", "Outcome", "descent", "differences", "drift", "jax_library"]
__all__ += ["network", "numbers", "optimizers", "outcome", "torch_library", "trained"]

Net = dict[str, Any]
Arrays = dict[str, Any]  # "W[1]": units × inputs; "b[1]"; "x", "z[1]", "a[1]": samples × units
Forward = Callable[[Arrays], tuple[Any, Arrays]]  # L and what is computed on the way


class Library(NamedTuple):
    """An array library with what it calls the functions of a spec."""

    name: str
    array: Callable[[Any], Any]
    held: Callable[[Any], Any]  # the same numbers, not differentiated
    activations: Mapping[str, Callable[..., Any]]  # of z, and alpha where there is one
    losses: Mapping[str, Callable[..., Any]]  # of a, t, delta; summed over outputs and samples
    of_z: Mapping[tuple[str, str], Callable[..., Any]]  # (loss, activation), of z and t: no digits lost
    functions: Mapping[str, Any]  # the names in a formula
    correlate: Callable[[Any, Any], Any]  # samples × picture, kernel -> samples × where it fits
    gradients: Callable[[Forward, Arrays], tuple[Any, Arrays, Arrays]]  # L, values, gradients


class Outcome(NamedTuple):
    """The values and the gradients, by the name of the block."""

    values: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]


DEFAULTS = {
    "standardize": None,
    "loss": "half_squared_error",
    "delta": 1,
    "reduction": "sum",
    "outputs": "sum",
    "l2": 0,
    "learning_rate": 0.5,
    "updates": 1,
    "optimizer": {"name": "sgd"},
}


def network(text: str) -> Net:
    """`[network]` of a spec, with the defaults of a spec; its optimizer as a table."""
    net = {**DEFAULTS, **tomllib.loads(text)["network"]}
    name = net["optimizer"]
    return {**net, "optimizer": {"name": name}} if isinstance(name, str) else net


def numbers(net: Net) -> Arrays:
    """The inputs (or their z-scores) and the parameters."""
    columns = [_scores(net["standardize"], column) for column in zip(*net["inputs"], strict=True)]
    found: Arrays = {"x": np.array(columns, float).T}
    for number, (layer, below) in enumerate(zip(net["layers"], _widths(net), strict=False), 1):
        if "kernel" in layer:
            kernel, (rows, _) = _kernel(layer), _picture(layer, below)
            found[f"K[{number}]"] = kernel[0] if rows == 1 else kernel
        elif "tied" not in layer:
            rows = [[0.0 if w == "-" else w for w in row] for row in layer["weights"]]
            found[f"W[{number}]"] = np.array(rows, float)
        if biases := layer.get("biases"):
            shared = "kernel" in layer or layer.get("bias") == "shared"
            own = biases[0] if shared else biases
            found[f"b[{number}]"] = np.array(own, float)
    return found


def _scores(standardize: dict[str, Any] | None, column: tuple[float, ...]) -> Sequence[float]:
    if standardize is None:
        return column
    exact = [Fraction(str(x)) for x in column]
    population = standardize.get("std") == "population"
    spread = statistics.pstdev(exact) if population else statistics.stdev(exact)
    scores = [float((x - statistics.mean(exact)) / Fraction(spread)) for x in exact]
    digits = standardize.get("digits")
    return scores if digits is None else [round(z, digits) for z in scores]


def trained(net: Net) -> list[str]:
    """The parameters that an update changes."""
    kept = [set(layer.get("train", ["weights", "biases"])) for layer in net["layers"]]
    of = {"W": "weights", "K": "weights", "b": "biases"}
    return [name for name in numbers(net) if name != "x" and of[name[0]] in kept[int(name[2:-1]) - 1]]


def _widths(net: Net) -> list[int]:
    """How many inputs there are, then units of each layer."""
    widths = [len(net["inputs"][0])]
    for layer in net["layers"]:
        if "kernel" in layer:
            (rows, columns), (height, width) = _picture(layer, widths[-1]), _kernel(layer).shape
            widths.append((rows - height + 1) * (columns - width + 1))
        else:  # the layer that a tied one transposes goes from `tied` − 1 to `tied`
            widths.append(widths[layer["tied"] - 1] if "tied" in layer else len(layer["weights"]))
    return widths


def _picture(layer: Mapping[str, Any], below: int) -> tuple[int, int]:
    """Rows and columns of what a kernel is over; a line of numbers is one row."""
    columns = layer.get("columns", below)
    return below // columns, columns


def _kernel(layer: Mapping[str, Any]) -> np.ndarray:
    return np.atleast_2d(np.array(layer["kernel"], float))


def forward(lib: Library, net: Net, at: Arrays) -> tuple[Any, Arrays]:
    """L and all z and a, of inputs, parameters and nudges."""
    a = at["x"]
    outputs, values, weights = [a], {}, {}
    for number, layer in enumerate(net["layers"], 1):
        below = outputs[-1]
        if "kernel" in layer:
            weights[number] = at[f"K[{number}]"]
            picture = below.reshape(-1, *_picture(layer, below.shape[1]))
            z = lib.correlate(picture, weights[number].reshape(_kernel(layer).shape))
            z = z.reshape(len(below), -1)
        elif "tied" in layer:
            z = below @ weights[layer["tied"]]
        else:
            there = lib.array([[float(w != "-") for w in row] for row in layer["weights"]])
            weights[number] = at[f"W[{number}]"] * there
            z = below @ weights[number].T
        if "skip" in layer:
            z = z + outputs[layer["skip"]]
        z = z + at.get(f"b[{number}]", 0) + at.get(f"z[{number}]", 0)
        a = _activation(lib, layer)(z)
        outputs.append(a + at.get(f"a[{number}]", 0))
        values |= {f"z[{number}]": z, f"a[{number}]": outputs[-1]}
    total = _loss(lib, net, z, a, at.get(f"a[{number}]"))
    total = total / (len(net["targets"][0]) if net["outputs"] == "mean" else 1)
    total = total / (len(net["targets"]) if net["reduction"] == "mean" else 1)
    if net["l2"]:
        total = total + net["l2"] / 2 * sum((w**2).sum() for w in weights.values())
    return total, values


def _loss(lib: Library, net: Net, z: Any, a: Any, nudge: Any | None) -> Any:
    """Summed over outputs and samples; of z where that keeps the digits that a = σ(z) loses."""
    t, name = lib.array(net["targets"]), net["loss"]

    def plain(a: Any) -> Any:
        if name in lib.losses:
            return lib.losses[name](a, t, net["delta"])
        return _formula(lib, name, a=a, t=t).sum()

    of_z = lib.of_z.get((name, net["layers"][-1].get("activation", "sigmoid")))
    if of_z is None:
        return plain(a if nudge is None else a + nudge)
    total = of_z(z, t)
    if nudge is not None:  # which z does not know of
        total = total + (plain(lib.held(a) + nudge) - plain(lib.held(a)))
    return total


def _activation(lib: Library, layer: Mapping[str, Any]) -> Callable[[Any], Any]:
    name = layer.get("activation", "sigmoid")
    if name not in lib.activations:
        return lambda z: _formula(lib, name, z=z)
    constants = [float(Fraction(str(layer["alpha"])))] if "alpha" in layer else []
    return lambda z: lib.activations[name](z, *constants)


def _formula(lib: Library, formula: str, **names: Any) -> Any:
    """The formula as Python reads it."""
    return eval(formula, {"__builtins__": {}}, {**lib.functions, **names})


def outcome(lib: Library, net: Net) -> Outcome:
    """Everything at the spec's own numbers."""
    own = {name: lib.array(array) for name, array in numbers(net).items()}
    nudges = {
        f"{name}[{number}]": lib.array(np.zeros((len(own["x"]), units)))
        for number, units in enumerate(_widths(net)[1:], 1)
        for name in "za"
    }
    total, values, gradients = lib.gradients(lambda at: forward(lib, net, at), {**own, **nudges})
    plain = {name: np.asarray(array) for name, array in {**values, "L": total}.items()}
    return Outcome(plain, {name: np.asarray(array) for name, array in gradients.items()})


# --- PyTorch ------------------------------------------------------------------------------------


@cache
def torch_library() -> Library:
    """torch, in float64."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    torch.set_num_threads(1)

    def array(numbers: Any) -> Any:
        return torch.tensor(np.array(numbers, float))

    def pair(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def of(x: Any, y: Any) -> Any:
            return function(*(v if torch.is_tensor(v) else array(v) for v in (x, y)))

        return of

    def one(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: function(x if torch.is_tensor(x) else array(x))

    def gradients(function: Forward, at: Arrays) -> tuple[Any, Arrays, Arrays]:
        moved = {name: tensor.clone().requires_grad_() for name, tensor in at.items()}
        total, values = function(moved)
        found = torch.autograd.grad(total, list(moved.values()), materialize_grads=True)
        detached = {name: tensor.detach() for name, tensor in values.items()}
        return total.detach(), detached, dict(zip(moved, found, strict=True))

    return Library(
        name="torch",
        array=array,
        held=lambda tensor: tensor.detach(),
        activations={
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "relu": F.relu,
            "leaky_relu": F.leaky_relu,
            "prelu": lambda z, alpha=0.25: F.prelu(z, array([alpha])),
            "elu": F.elu,
            "softplus": lambda z: F.softplus(z, threshold=50),  # else a line from 20 on
            "gelu": lambda z: z / 2 * torch.erfc(-z / 2**0.5),  # F.gelu's 1 + erf is 0 below z = -6
            "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
            "silu": F.silu,
            "hard_sigmoid": lambda z: F.relu6(z + 3) / 6,  # F.hardsigmoid's slope is 1/6 in 32 bits
            "step": lambda z: torch.heaviside(z.detach(), array(0)) + 0 * z,
            "identity": torch.nn.Identity(),
            "softmax": lambda z: F.softmax(z, dim=-1),
        },
        losses={
            "half_squared_error": lambda a, t, _: F.mse_loss(a, t, reduction="sum") / 2,
            "squared_error": lambda a, t, _: F.mse_loss(a, t, reduction="sum"),
            "mse": lambda a, t, _: F.mse_loss(a, t, reduction="none").mean(dim=1).sum(),
            "half_mse": lambda a, t, _: F.mse_loss(a, t, reduction="none").mean(dim=1).sum() / 2,
            "binary_cross_entropy": lambda a, t, _: (
                -(torch.xlogy(t, a) + torch.special.xlog1py(1 - t, -a)).sum()
            ),
            "hinge": lambda a, t, _: F.relu(1 - t * a).sum(),
            "huber": lambda a, t, delta: F.huber_loss(a, t, reduction="sum", delta=delta),
            "mae": lambda a, t, _: F.l1_loss(a, t, reduction="sum"),
            # Not xlogy, whose slope is 0/0 where t and an output that has underflowed are both 0.
            "cross_entropy": lambda a, t, _: -(t * torch.log(torch.where(t > 0, a, 1))).sum(),
        },
        of_z={
            ("binary_cross_entropy", "sigmoid"): lambda z, t: F.binary_cross_entropy_with_logits(
                z, t, reduction="sum"
            ),
            ("cross_entropy", "softmax"): lambda z, t: F.cross_entropy(z, t, reduction="sum"),
            ("cross_entropy", "sigmoid"): lambda z, t: -(t * F.logsigmoid(z)).sum(),
        },
        functions={
            **{
                name: one(getattr(torch, name)) for name in "exp log sqrt sin cos tanh sinh cosh".split()
            },
            "sigmoid": one(torch.sigmoid),
            "abs": one(torch.abs),
            "max": pair(torch.maximum),
            "min": pair(torch.minimum),
        },
        correlate=lambda picture, kernel: F.conv2d(picture[:, None], kernel[None, None]),
        gradients=gradients,
    )


@cache
def optimizers() -> dict[str, Callable[..., Any]]:
    """`optimizer` of a spec -> the one in torch.optim, from parameters, a learning rate and the constants
    that are given."""
    from torch import optim

    return {
        "sgd": optim.SGD,
        "momentum": lambda of, lr, mu=0.9: optim.SGD(of, lr, momentum=mu),
        "rmsprop": lambda of, lr, rho=0.99, epsilon=1e-8: optim.RMSprop(of, lr, alpha=rho, eps=epsilon),
        "adam": lambda of, lr, beta1=0.9, beta2=0.999, epsilon=1e-8: optim.Adam(
            of, lr, betas=(float(beta1), float(beta2)), eps=epsilon
        ),
    }


def descent(net: Net, moved_by: float = 0.0) -> list[Arrays]:
    """The inputs and parameters after 0, 1, … updates by torch.optim, from numbers all moved a little."""
    lib = torch_library()
    tensors = {name: lib.array(array * (1 + moved_by)) for name, array in numbers(net).items()}
    moved = [tensors[name].requires_grad_() for name in trained(net)]
    constants = {name: number for name, number in net["optimizer"].items() if name != "name"}
    named = optimizers()[net["optimizer"]["name"]]
    optimizer = named(moved, lr=net["learning_rate"], **constants) if moved else None

    def state() -> Arrays:
        return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}

    states = [state()]
    for _ in range(net["updates"]):
        if optimizer:
            optimizer.zero_grad()
            forward(lib, net, tensors)[0].backward()
            optimizer.step()
        states.append(state())
    return states


# --- JAX ----------------------------------------------------------------------------------------


@cache
def jax_library() -> Library:
    """jax, with 64 bits."""
    import jax
    from jax import nn
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def gradients(function: Forward, at: Arrays) -> tuple[Any, Arrays, Arrays]:
        # Compiled in one go: op by op it takes ten times as long.
        (total, values), found = jax.jit(jax.value_and_grad(function, has_aux=True))(at)
        return total, values, found

    def squares(a: Any, t: Any) -> Any:
        return jnp.square(a - t).sum(axis=1)

    def huber(a: Any, t: Any, delta: float) -> Any:
        inside = jnp.clip(a - t, -delta, delta)
        return (inside * (a - t - inside / 2)).sum()

    return Library(
        name="jax",
        array=lambda numbers: jnp.asarray(numbers, float),
        held=jax.lax.stop_gradient,
        activations={
            "sigmoid": nn.sigmoid,
            "tanh": nn.tanh,
            "relu": nn.relu,
            "leaky_relu": nn.leaky_relu,
            "prelu": lambda z, alpha=0.25: jnp.where(z > 0, z, alpha * z),
            "elu": nn.elu,
            "softplus": nn.softplus,
            "gelu": lambda z: z / 2 * jax.scipy.special.erfc(-z / 2**0.5),
            "gelu_tanh": lambda z: nn.gelu(z, approximate=True),
            "silu": nn.silu,
            "hard_sigmoid": nn.hard_sigmoid,
            "step": lambda z: jnp.heaviside(jax.lax.stop_gradient(z), 0.0),
            "identity": nn.identity,
            "softmax": nn.softmax,
        },
        losses={
            "half_squared_error": lambda a, t, _: squares(a, t).sum() / 2,
            "squared_error": lambda a, t, _: squares(a, t).sum(),
            "mse": lambda a, t, _: squares(a, t).sum() / a.shape[1],
            "half_mse": lambda a, t, _: squares(a, t).sum() / a.shape[1] / 2,
            "binary_cross_entropy": lambda a, t, _: (
                -(jax.scipy.special.xlogy(t, a) + jax.scipy.special.xlog1py(1 - t, -a)).sum()
            ),
            "hinge": lambda a, t, _: nn.relu(1 - t * a).sum(),
            "huber": huber,
            "mae": lambda a, t, _: jnp.abs(a - t).sum(),
            "cross_entropy": lambda a, t, _: -(t * jnp.log(jnp.where(t > 0, a, 1))).sum(),
        },
        of_z={
            ("binary_cross_entropy", "sigmoid"): lambda z, t: (
                -(t * nn.log_sigmoid(z) + (1 - t) * nn.log_sigmoid(-z)).sum()
            ),
            ("cross_entropy", "softmax"): lambda z, t: -(t * nn.log_softmax(z)).sum(),
            ("cross_entropy", "sigmoid"): lambda z, t: -(t * nn.log_sigmoid(z)).sum(),
        },
        functions={
            **{name: getattr(jnp, name) for name in "exp log sqrt sin cos tanh sinh cosh".split()},
            "sigmoid": nn.sigmoid,
            "abs": jnp.abs,
            "max": jnp.maximum,
            "min": jnp.minimum,
        },
        correlate=lambda picture, kernel: jax.lax.conv(
            picture[:, None], kernel[None, None], (1, 1), "VALID"
        ),
        gradients=gradients,
    )


# --- the comparison -----------------------------------------------------------------------------


class Difference(NamedTuple):
    """A block of numbers, and how far its worst is off, scaled."""

    of: str
    error: float


def differences(lib: Library, net: Net, exercise: Exercise) -> list[Difference]:
    """Every value and gradient of an exercise against a library's: values scaled by the largest (at
    least 1), gradients by the largest gradient."""
    theirs, graph, values = outcome(lib, net), exercise.graph, exercise.values
    computed = [node for node in graph.nodes if node.name in ("z", "a")]
    own = {str(node): _block(node, values.forward[node], graph.samples) for node in computed}
    own["L"] = np.array(exercise.number(graph.root))
    slopes = {
        f"dL/d{node}": _block(node, values.gradient[node], graph.samples)
        for node in (*graph.of_kind("input", "parameter"), *computed)
    }
    expected = {f"dL/d{name}": array for name, array in theirs.gradients.items()}
    return [
        *_scaled(own, theirs.values, max(1.0, *map(_largest, own.values()))),
        *_scaled(slopes, expected, max(map(_largest, slopes.values())) or 1.0),
    ]


MOVED = 1e-15  # about what each number of a computation is off by


def drift(net: Net, exercise: Exercise) -> list[Difference]:
    """Every parameter after every update against torch.optim, scaled by the state's largest (at least 1);
    where a training is so unstable that numbers moved by 1e-15, up or down, end up further apart than that a
    hundred times, by a hundredth of how far."""
    found, graph = [], exercise.graph
    runs = zip(*(descent(net, by) for by in (0, MOVED, -MOVED)), strict=True)
    for k, (theirs, *moved) in enumerate(runs):
        data = exercise.iterates[k].data
        own = {str(node): _block(node, data[str(node)], 1) for node in graph.of_kind("parameter")}
        spread = max(_largest(theirs[name] - other[name]) for name in own for other in moved)
        scale = max(1.0, *map(_largest, own.values()), spread / MOVED / 100)
        parameters = {name: array for name, array in theirs.items() if name != "x"}
        found += [Difference(f"{of}@{k}", error) for of, error in _scaled(own, parameters, scale)]
    return found


def _block(node: Any, array: np.ndarray, samples: int) -> np.ndarray:
    """Samples × elements, or the elements where there is one of each."""
    array = np.broadcast_to(array, (*node.shape, samples if node.sampled else 1, 1))[..., 0]
    return np.moveaxis(array, -1, 0) if node.sampled else array[..., 0]


def _scaled(ours: Arrays, theirs: Arrays, scale: float) -> list[Difference]:
    if set(ours) != set(theirs):
        raise KeyError(f"only one side has {sorted(set(ours) ^ set(theirs))}")
    found = []
    for name, array in ours.items():
        if array.shape != theirs[name].shape:
            raise ValueError(f"{name} is {array.shape}, theirs {theirs[name].shape}")
        error = _largest(array - theirs[name]) / scale
        found.append(Difference(name, error if np.isfinite(error) else np.inf))
    return found


def _largest(array: np.ndarray) -> float:
    return float(np.abs(array).max())
