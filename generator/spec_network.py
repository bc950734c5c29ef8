"""What is derived: the tables `[network]` and `[circuit]`, each a graph with exact numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from derive.circuit import circuit
from derive.expression import Num, fold, parse
from derive.graph import Graph
from derive.network import Bias, Kernel, Layer, Reduction, network
from derive.ops import ACTIVATIONS, DOMAINS, LOSSES, Elementwise, Softmax
from derive.optimizer import OPTIMIZERS, SGD, Optimizer
from derive.zscore import Feature
from generator.spec_values import (
    ANY_ACTIVATION,
    Alpha,
    Exact,
    KernelRow,
    Line,
    Model,
    Point,
    Positive,
    Share,
    Weight,
    activation_of,
    loss_of,
    name_of,
    named_or_formula,
    one_of,
    takes_alpha,
)

__all__ = ["CircuitSpec", "LayerSpec", "NetworkSpec", "OptimizerSpec", "Standardize"]

LARGEST_SIZE = 9  # of a layer of which only the size is given


class LayerSpec(Model):
    """`[[network.layers]]`: weights one row per unit, as torch.nn.Linear.weight; or `tied` to those of
    another layer, transposed; or a convolution's `kernel`, over pictures of `columns` if it has rows."""

    weights: Annotated[list[list[Weight]], Field(min_length=1, max_length=1000)] | None = None
    tied: Annotated[int, Field(ge=1)] | None = None
    kernel: list[KernelRow] | None = None
    columns: Annotated[int, Field(ge=1)] | None = None
    biases: list[Exact] = []
    bias: Annotated[Bias, one_of(get_args(Bias))] | None = None
    skip: Annotated[int, Field(ge=0)] | None = None
    activation: Annotated[str, named_or_formula(activation_of, ANY_ACTIVATION, "z")] = "sigmoid"
    alpha: Alpha | None = None
    train: list[Annotated[str, one_of(("weights", "biases"))]] = ["weights", "biases"]

    @property
    def kind_of_bias(self) -> Bias:
        """As said, or per_unit where there are biases and none where there are not; a kernel's is
        shared."""
        usual: Bias = "shared" if self.kernel else "per_unit"
        return self.bias or (usual if self.biases else "none")

    @property
    def plain(self) -> bool:
        """W a + b, everything connected, and nothing else."""
        return not (self.tied or self.kernel or self.missing or self.skip is not None)

    @property
    def missing(self) -> frozenset[tuple[int, int]]:
        """The connections (unit, input) that are not there."""
        rows = enumerate(self.weights or [], 1)
        return frozenset((i, j) for i, row in rows for j, weight in enumerate(row, 1) if weight is None)

    @property
    def kernel_rows(self) -> list[list[Decimal]]:
        """The kernel as a matrix; of one row over a line of numbers."""
        kernel = self.kernel or []
        rows = [row for row in kernel if isinstance(row, list)]
        return rows or [[number for number in kernel if isinstance(number, Decimal)]]

    def own(self) -> Any:
        """The numbers of the layer's own weights, row by row; nothing where it is tied."""
        if self.kernel:
            return self.kernel_rows
        return [[weight or Decimal(0) for weight in row] for row in self.weights or []]

    def over(self, inputs: int) -> Kernel | None:
        """The convolution that this layer is, over so many inputs; ValueError if it cannot be one."""
        if not self.kernel:
            return None
        kernel, columns = self.kernel_rows, self.columns or inputs
        height, width = len(kernel), len(kernel[0])
        if inputs % columns or columns < width or inputs // columns < height:
            raise ValueError(f"a kernel of {height} × {width} does not fit")
        return Kernel(inputs // columns, columns, height, width)

    def units(self, inputs: int, layers: Sequence[LayerSpec]) -> int:
        """How many units the layer has, over so many inputs, after those layers."""
        if self.tied is not None:
            return len((layers[self.tied - 1].weights or [[]])[0])
        kernel = self.over(inputs)
        return len(kernel.wiring) if kernel else len(self.weights or [])


class Standardize(Model):
    """`standardize`: the network is given the z-scores of `inputs`, with the standard deviation of a
    sample (over n − 1) or of a population, rounded to `digits` decimals; left out: not rounded."""

    std: Annotated[Literal["sample", "population"], one_of(("sample", "population"))] = "sample"
    digits: Annotated[int, Field(ge=0, le=10)] | None = None


class OptimizerSpec(Model):
    """`optimizer`: a name, or a table with other constants than usual."""

    name: Annotated[str, one_of(OPTIMIZERS)]
    mu: Share | None = None
    rho: Share | None = None
    beta1: Share | None = None
    beta2: Share | None = None
    epsilon: Positive | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        """A name alone stands for the table with nothing else in it."""
        if isinstance(data, str):
            return {"name": name_of(OPTIMIZERS, data)}
        return data

    @property
    def constants(self) -> dict[str, Decimal]:
        """The constants that were given."""
        return self.model_dump(exclude={"name"}, exclude_none=True)

    @property
    def row(self) -> Optimizer:
        """The rule with its constants."""
        given = {name: Fraction(number) for name, number in self.constants.items()}
        return OPTIMIZERS[self.name].with_constants(**given)


def _certifying(sizes: Any, activation: Any, loss: Any) -> dict[str, Any]:
    """Numbers for a network of which only the sizes are given, the same for ever."""
    found = sizes[:6] if isinstance(sizes, list) and sizes else [1]
    wide = [size if isinstance(size, int) and 0 < size < 10 else 1 for size in found]
    drawn = iter(hashlib.shake_128(repr(wide).encode()).digest(2000))

    def column(length: int) -> list[Decimal]:
        return [Decimal(2 * next(drawn) - 255).scaleb(-3) for _ in range(length)]

    layers = [
        {"weights": [column(below) for _ in range(units)], "biases": column(units)}
        | ({"activation": activation} if activation is not None else {})
        for below, units in pairwise(wide)
    ]
    inputs, targets = column(wide[0]), column(wide[-1])
    if isinstance(loss, str) and loss in DOMAINS:
        targets = [Decimal(DOMAINS[loss].labels[number % 2]) for number in range(len(targets))]
    return {"inputs": [inputs], "targets": [targets], "layers": layers}


class NetworkSpec(Model):
    """`[network]`: numbers and layers, or `sizes` alone for a derivation in symbols."""

    sizes: (
        Annotated[list[Annotated[int, Field(ge=1, le=LARGEST_SIZE)]], Field(min_length=2, max_length=6)]
        | None
    ) = None
    activation: Annotated[str, named_or_formula(activation_of, ACTIVATIONS, "z")] | None = (
        None  # of all layers, with sizes
    )
    inputs: Annotated[list[list[Exact]], Field(min_length=1, max_length=1000)]
    standardize: Standardize | None = None
    targets: Annotated[list[list[Exact]], Field(min_length=1, max_length=1000)] | None = None
    loss: Annotated[str, named_or_formula(loss_of, LOSSES, "a and t")] = "half_squared_error"
    delta: Positive | None = None  # where the Huber loss goes over from a square to a line
    outputs: Annotated[Reduction, one_of(get_args(Reduction))] = "sum"
    reduction: Annotated[Reduction, one_of(get_args(Reduction))] = "sum"
    l2: Positive | None = None  # λ: λ/2 times the sum of all squared weights is added to the loss
    learning_rate: Positive = Decimal("0.5")
    optimizer: OptimizerSpec = OptimizerSpec(name="sgd")
    updates: Annotated[int, Field(ge=0, le=20_000)] = 1
    stop_below: Positive | None = None  # the goal of the training; `updates` is then the most
    layers: Annotated[list[LayerSpec], Field(min_length=1, max_length=20)]

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, data: Any) -> Any:
        """`sizes`: numbers that no page shows, to certify with.  Without targets nothing is updated."""
        if not isinstance(data, dict):
            return data
        if data.get("sizes") is None:
            return {"updates": 0, **data} if data.get("targets") is None else data
        trained = {"reduction", "l2", "learning_rate", "optimizer", "updates"}
        if set(data) & ({"inputs", "targets", "layers"} | trained):
            raise PydanticCustomError("sizes", "sizes with activation and loss, and no numbers")
        return {
            **data,
            **_certifying(data["sizes"], data.get("activation"), data.get("loss")),
            "updates": 0,
        }

    @property
    def update_rule(self) -> Optimizer:
        """What an update does."""
        return self.optimizer.row

    @property
    def symbols(self) -> bool:
        """Sizes alone: the derivation has no numbers."""
        return self.sizes is not None

    @property
    def forward_only(self) -> bool:
        """No targets: no loss, no gradients, no update."""
        return self.targets is None

    @property
    def binary(self) -> bool:
        """All inputs are 0 or 1."""
        return all(number in (0, 1) for sample in self.inputs for number in sample)

    @property
    def truth_table(self) -> bool:
        """A forward pass for several inputs of 0 and 1: the network is a logic function."""
        return self.forward_only and self.binary and len(self.inputs) > 1

    def graph(self) -> Graph:
        """The graph of this network (its structure; for the numbers see `numbers`)."""
        sizes, layers = self.widths, []
        for layer, inputs, units in zip(self.layers, sizes, sizes[1:], strict=False):
            layers.append(
                Layer(
                    units=units,
                    activation=self._activation(layer),
                    bias=layer.kind_of_bias,
                    train=frozenset(layer.train),
                    missing=layer.missing,
                    tied=layer.tied,
                    kernel=layer.over(inputs),
                    skip=layer.skip,
                )
            )
        row = None if self.forward_only else loss_of(self.loss)
        if row and self.delta is not None:
            row = row.with_constants(delta=Fraction(self.delta))
        reductions = {"reduction": self.reduction, "outputs": self.outputs}
        penalty = self.l2 is not None
        return network(sizes[0], layers, row, len(self.inputs), **reductions, penalty=penalty)

    @property
    def widths(self) -> list[int]:
        """How many inputs there are, then how many units each layer has."""
        sizes = [len(self.inputs[0])]
        for layer in self.layers:
            sizes.append(layer.units(sizes[-1], self.layers))
        return sizes

    @staticmethod
    def _activation(layer: LayerSpec) -> Elementwise | Softmax:
        row = activation_of(layer.activation)
        if layer.alpha is None or isinstance(row, Softmax):
            return row
        alpha = fold(parse(layer.alpha)) if isinstance(layer.alpha, str) else Num(Fraction(layer.alpha))
        assert isinstance(alpha, Num)
        return row.with_constants(alpha=alpha.value)

    @property
    def varied(self) -> int:
        """Of how many layers an exercise may draw the activation: all but the last, which is made for
        its loss and targets; or the only one."""
        return max(1, len(self.layers) - 1)

    def sized(self, sizes: Sequence[int]) -> NetworkSpec:
        """A network of other sizes, of which nobody sees a number: they are 0."""
        zeros = [[Decimal(0)] * size for size in sizes]
        layers = [
            layer.model_copy(update={"weights": [below] * len(biases), "biases": biases})
            for layer, (below, biases) in zip(self.layers, pairwise(zeros), strict=True)
        ]
        drawn = {"sizes": None, "inputs": zeros[:1], "targets": zeros[-1:], "layers": layers}
        return self.model_copy(update=drawn)

    def activated(self, names: Sequence[str]) -> NetworkSpec:
        """The same with other activations of its first layers; an alpha stays where one is taken."""
        drawn = []
        for layer, name in zip(self.layers, names, strict=False):
            alpha = layer.alpha if takes_alpha(name) else None
            drawn.append(layer.model_copy(update={"activation": name, "alpha": alpha}))
        return self.model_copy(update={"layers": drawn + self.layers[len(drawn) :]})

    def numbers(self) -> dict[str, Any]:
        """Inputs (or their z-scores), targets and parameters by node name: "x", "t", "W[1]", "b[1]"."""
        numbers: dict[str, Any] = {"x": self.inputs}
        if self.targets is not None:
            numbers["t"] = self.targets
        if self.standardize:
            columns = [feature.scores(self.standardize.digits) for feature in self.features()]
            numbers["x"] = [list(row) for row in zip(*columns, strict=True)]
        if self.l2 is not None:
            numbers["lambda"] = self.l2
        for number, (layer, inputs) in enumerate(zip(self.layers, self.widths, strict=False), 1):
            kernel, own = layer.over(inputs), layer.own()
            if layer.tied is None:
                line = kernel and len(kernel.shape) == 1
                numbers[f"{'K' if kernel else 'W'}[{number}]"] = own[0] if line else own
            match layer.kind_of_bias:
                case "shared":
                    numbers[f"b[{number}]"] = layer.biases[0]
                case "weight_0":
                    numbers |= {f"b[{number}]": layer.biases, f"one[{number}]": Decimal(1)}
                case "per_unit":
                    numbers[f"b[{number}]"] = layer.biases
        return numbers

    def features(self) -> list[Feature]:
        """The columns of `inputs` that are standardized; none where they are taken as they are."""
        if self.standardize is None:
            return []
        sample = self.standardize.std == "sample"
        return [
            Feature(tuple(map(Fraction, column)), sample) for column in zip(*self.inputs, strict=True)
        ]


class CircuitSpec(Model):
    """`[circuit]`: inputs with their numbers, one assignment a line, and the output.  A step is a gate,
    or a whole line.  `text`: what a question says in place of the formulas."""

    inputs: Annotated[dict[str, Exact], Field(min_length=1, max_length=100)]
    nodes: Annotated[list[Line], Field(min_length=1, max_length=200)]
    output: str
    constants: list[str] = []
    steps: Annotated[Literal["gates", "lines"], one_of(("gates", "lines"))] = "gates"
    text: Point | None = None

    learning_rate: ClassVar[Decimal] = Decimal(1)
    update_rule: ClassVar[Optimizer] = SGD
    updates: ClassVar[int] = 0
    forward_only: ClassVar[bool] = False
    symbols: ClassVar[bool] = False

    def graph(self) -> Graph:
        """The graph of this circuit's gates; CircuitError names a line that cannot be read."""
        whole = self.steps == "lines"
        return circuit(list(self.inputs), self.nodes, self.output, self.constants, whole)

    def numbers(self) -> dict[str, Any]:
        """The inputs as typed, by name (samples × nothing)."""
        return {name: [number] for name, number in self.inputs.items()}
