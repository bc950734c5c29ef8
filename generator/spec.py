"""Spec: one TOML file to a validated network with exact numbers.

A bad file gets one message that names the file, the key's path, what was found and what is
allowed (SpecError).  Numbers stay the decimals that were typed until they are evaluated.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import reprlib
import tomllib
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from derive.circuit import FUNCTIONS, CircuitError, circuit
from derive.expression import ExpressionError, Num, fold, parse
from derive.graph import Graph
from derive.network import Bias, Kernel, Layer, Reduction, network
from derive.ops import ACTIVATIONS, DOMAINS, LOSSES, OUTPUTS_OF, VECTOR_ACTIVATIONS, Elementwise, Softmax
from derive.optimizer import OPTIMIZERS, RATE, SGD, Optimizer
from derive.program import LONG_RATE
from derive.quantity import Quantity
from derive.quantity import parse as parse_id
from derive.zscore import Feature
from generator.notation import NOTATIONS, TELLINGS, CircuitNamer, Namer, NotationError, Telling
from generator.place import Place, line_of

__all__ = [
    "KINDS",
    "LECTURES",
    "PAPERS",
    "AskSpec",
    "CircuitSpec",
    "Draw",
    "LayerSpec",
    "MarkingSpec",
    "NetworkSpec",
]
__all__ += [
    "OptimizerSpec",
    "Range",
    "Spec",
    "SpecError",
    "Standardize",
    "UseSpec",
    "activation_of",
    "load",
    "loss_of",
    "near",
    "read",
]

LECTURES = Path(__file__).parent / "lectures"
KINDS = tuple(sorted(p.stem for p in (Path(__file__).parent / "exercises").glob("[a-z]*.py")))
PAPERS = ("a4", "letter")
ANY_ACTIVATION: dict[str, Elementwise | Softmax] = {**ACTIVATIONS, **VECTOR_ACTIVATIONS}
SMALLEST, LARGEST, DIGITS = -12, 6, 12  # powers of ten; significant digits
MAX_BYTES = 1_000_000
LARGEST_SIZE = 9  # of a layer of which only the size is given
LARGEST_DRAWN = 99  # of one that is drawn: its parameters are counted, no formula of it is written
NO_CONNECTION = "-"
RESERVED = (RATE.name, LONG_RATE.name)  # what formulas mean the learning rate by
WHOLE = "the file"  # the key of what is wrong with all of it


class SpecError(ValueError):
    """A spec that cannot be used: file and line, key path, what was found, what is allowed."""

    def __init__(
        self, file: str, key: str, found: str, allowed: str, more: int = 0, line: int | None = None
    ) -> None:
        self.file, self.key, self.found, self.allowed, self.more = file, key, found, allowed, more
        others = f" (and {more} more)" if more else ""
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {key}: found {found}, allowed: {allowed}{others}")

    def at(self, line: int | None) -> SpecError:
        """The same with its line."""
        return SpecError(self.file, self.key, self.found, self.allowed, self.more, line)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number", "a number")
    value = Decimal(value)
    if not value.is_finite():
        raise PydanticCustomError("number", "a finite number")
    if value and not SMALLEST <= value.adjusted() <= LARGEST:
        raise PydanticCustomError("number", f"0, or from 1e{SMALLEST} to 1e{LARGEST}")
    if len(value.normalize().as_tuple().digits) > DIGITS:
        raise PydanticCustomError("number", f"at most {DIGITS} digits")
    return value


def _name_of(names: Iterable[str], value: Any) -> Any:
    if not isinstance(value, str) or value not in names:
        raise PydanticCustomError("one_of", "{allowed}", {"allowed": _choices(value, names)})
    return value


def _one_of(names: Iterable[str]) -> BeforeValidator:
    """One of the names of a table, or of a list."""
    names = tuple(names)
    return BeforeValidator(partial(_name_of, names), Literal[*names])


def _named_or_formula(row: Callable[[str], object], names: Iterable[str], of: str) -> BeforeValidator:
    """One of the names of a table, or a formula."""
    names = tuple(names)

    def check(value: Any) -> Any:
        if not isinstance(value, str) or re.fullmatch(r"\w*", value):
            return _name_of(names, value)
        try:
            row(value)
        except ExpressionError as error:
            wrong = f"a formula of {of}; character {error.offset + 1}: {error}"
            raise PydanticCustomError("formula", "{wrong}", {"wrong": wrong}) from None
        return value

    return BeforeValidator(check, Literal[*names] | str)


def activation_of(name: str) -> Elementwise | Softmax:
    """The activation of that name, or what a formula of z computes."""
    return ANY_ACTIVATION.get(name) or _differentiated(name, "a", ("z",))


def loss_of(name: str) -> Elementwise:
    """The loss of that name, or what a formula of a and t computes."""
    return LOSSES.get(name) or _differentiated(name, "L", ("a", "t"))


def _takes_alpha(activation: str) -> bool:
    return "alpha" in (activation_of(activation).constants or {})


@cache
def _differentiated(formula: str, output: str, slots: tuple[str, ...]) -> Elementwise:
    from derive.symbolic import elementwise

    return elementwise(formula, output, *slots)


def _alpha(value: Any) -> Any:
    """A number, or a formula of numbers: "1/3"."""
    if not isinstance(value, str):
        return _number(value)
    if len(value) > 40 or "**" in value:
        raise PydanticCustomError("alpha", "a number, or a short formula of numbers such as 1/3")
    try:
        found = fold(parse(value))
    except (ExpressionError, ArithmeticError) as error:
        raise PydanticCustomError(
            "alpha", "{wrong}", {"wrong": f"a formula of numbers; {error}"}
        ) from None
    if not isinstance(found, Num):
        raise PydanticCustomError("alpha", "a number, or a short formula of numbers such as 1/3")
    return value


def _id(value: Any) -> Any:
    """A quantity's id, as text."""
    try:
        parse_id(value if isinstance(value, str) else "")
    except ValueError:
        raise PydanticCustomError("id", "an id such as a[2][1] or dL/dW[1][2][1]") from None
    return value


def _choices(found: Any, names: Any) -> str:
    return near(found, names, ", ".join(names))


def near(found: Any, names: Iterable[str], allowed: str) -> str:
    """What is allowed, with the nearest of the names."""
    close = difflib.get_close_matches(str(found), list(names), 1)
    return allowed + (f"; did you mean {close[0]}?" if close else "")


def _weight(value: Any) -> Any:
    """A number, or "-" where there is no connection."""
    try:
        return None if value == NO_CONNECTION else _number(value)
    except PydanticCustomError as error:
        wrong = f'{error.message()}, or "{NO_CONNECTION}" for no connection'
        raise PydanticCustomError("weight", "{wrong}", {"wrong": wrong}) from None


def _kernel_row(value: Any) -> Any:
    """A number of a kernel over a line, or a row of one over a picture."""
    return [_number(number) for number in value] if isinstance(value, list) else _number(value)


Exact = Annotated[Decimal, BeforeValidator(_number, float)]
KernelRow = Annotated[Decimal | list[Decimal], BeforeValidator(_kernel_row, float | list[float])]
Weight = Annotated[Decimal | None, BeforeValidator(_weight, float | Literal["-"])]
MisconceptionId = Annotated[str, Field(pattern=r"^M\d+[a-z]?$")]
Positive = Annotated[Exact, Field(gt=0)]
Share = Annotated[Exact, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]
Line = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*[\p{L}\p{N}][^\x00-\x1f\x7f]*$")]


Point = Annotated[str, Field(min_length=1, max_length=600, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


class LayerSpec(_Model):
    """`[[network.layers]]`: weights one row per unit, as torch.nn.Linear.weight; or `tied` to those of
    another layer, transposed; or a convolution's `kernel`, over pictures of `columns` if it has rows."""

    weights: Annotated[list[list[Weight]], Field(min_length=1, max_length=1000)] | None = None
    tied: Annotated[int, Field(ge=1)] | None = None
    kernel: list[KernelRow] | None = None
    columns: Annotated[int, Field(ge=1)] | None = None
    biases: list[Exact] = []
    bias: Annotated[Bias, _one_of(get_args(Bias))] | None = None
    skip: Annotated[int, Field(ge=0)] | None = None
    activation: Annotated[str, _named_or_formula(activation_of, ANY_ACTIVATION, "z")] = "sigmoid"
    alpha: Annotated[Decimal | str, BeforeValidator(_alpha, float | str)] | None = None
    train: list[Annotated[str, _one_of(("weights", "biases"))]] = ["weights", "biases"]

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


class Standardize(_Model):
    """`standardize`: the network is given the z-scores of `inputs`, with the standard deviation of a
    sample (over n − 1) or of a population, rounded to `digits` decimals; left out: not rounded."""

    std: Annotated[Literal["sample", "population"], _one_of(("sample", "population"))] = "sample"
    digits: Annotated[int, Field(ge=0, le=10)] | None = None


class OptimizerSpec(_Model):
    """`optimizer`: a name, or a table with other constants than usual."""

    name: Annotated[str, _one_of(OPTIMIZERS)]
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
            return {"name": _name_of(OPTIMIZERS, data)}
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


class NetworkSpec(_Model):
    """`[network]`: numbers and layers, or `sizes` alone for a derivation in symbols."""

    sizes: (
        Annotated[list[Annotated[int, Field(ge=1, le=LARGEST_SIZE)]], Field(min_length=2, max_length=6)]
        | None
    ) = None
    activation: Annotated[str, _named_or_formula(activation_of, ACTIVATIONS, "z")] | None = (
        None  # of all layers, with sizes
    )
    inputs: Annotated[list[list[Exact]], Field(min_length=1, max_length=1000)]
    standardize: Standardize | None = None
    targets: Annotated[list[list[Exact]], Field(min_length=1, max_length=1000)] | None = None
    loss: Annotated[str, _named_or_formula(loss_of, LOSSES, "a and t")] = "half_squared_error"
    delta: Positive | None = None  # where the Huber loss goes over from a square to a line
    outputs: Annotated[Reduction, _one_of(get_args(Reduction))] = "sum"
    reduction: Annotated[Reduction, _one_of(get_args(Reduction))] = "sum"
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
            alpha = layer.alpha if _takes_alpha(name) else None
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


class CircuitSpec(_Model):
    """`[circuit]`: inputs with their numbers, one assignment a line, and the output.  A step is a gate,
    or a whole line.  `text`: what a question says in place of the formulas."""

    inputs: Annotated[dict[str, Exact], Field(min_length=1, max_length=100)]
    nodes: Annotated[list[Line], Field(min_length=1, max_length=200)]
    output: str
    constants: list[str] = []
    steps: Annotated[Literal["gates", "lines"], _one_of(("gates", "lines"))] = "gates"
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


class Range(_Model):
    """Decimals from `min` to `max` with `decimals` decimals; 0 is never drawn."""

    min: Exact
    max: Exact
    decimals: Annotated[int, Field(ge=-3, le=6)] = 2  # −2: whole hundreds

    @model_validator(mode="after")
    def _something_to_draw(self) -> Range:
        low, high = self.steps
        if low > high or low == high == 0:
            what = f"min ≤ max with a number of {self.decimals} decimals other than 0 between them"
            raise PydanticCustomError("range", "{what}", {"what": what})
        return self

    @property
    def steps(self) -> tuple[int, int]:
        """The range in units of the last decimal, rounded inwards."""
        unit = Decimal(1).scaleb(-self.decimals)
        low = (self.min / unit).to_integral_value(ROUND_CEILING)
        return int(low), int((self.max / unit).to_integral_value(ROUND_FLOOR))


OF_RANGE, OF_LIST = "a range", "a list"
Choice = Annotated[
    Annotated[Range, Tag(OF_RANGE)]
    | Annotated[list[Exact], Field(min_length=1, max_length=100), Tag(OF_LIST)],
    Discriminator(lambda value: OF_LIST if isinstance(value, list) else OF_RANGE),
]
Drawable = Annotated[str, _named_or_formula(activation_of, ACTIVATIONS, "z")]
OF_SHEETS = ("name", "title", "note", "exercise")
KEPT = ("inputs", "targets", "weights", "biases")  # of a network


class Draw(_Model):
    """`[draw]`: what an exercise draws anew for each variant, from a range or a list; targets default to
    what the output activation can reach.  `sizes` of a network that has nothing else; `of`: one input
    of a circuit; `keep`: what is not drawn, of a network a row of KEPT, of a circuit an input.
    `activations`: of each hidden layer, or the only layer; `notations`: of the page; `kinks`: every
    variant has a unit that sits exactly on one."""

    inputs: Choice = Range(min=Decimal("0.05"), max=Decimal(1))
    weights: Choice = Range(min=Decimal("-0.95"), max=Decimal("0.95"))
    biases: Choice = Range(min=Decimal("-0.95"), max=Decimal("0.95"))
    targets: Range | None = None
    wires: Choice = Range(min=Decimal(-5), max=Decimal(5), decimals=0)
    of: dict[str, Choice] = {}
    sizes: Range | None = None
    activations: Annotated[list[Drawable], Field(max_length=20)] = []
    notations: Annotated[list[Annotated[str, _one_of(NOTATIONS)]], Field(max_length=20)] = []
    keep: list[str] = []
    kinks: bool = False
    smallest: Positive = Decimal("0.0001")  # of an answer that is not 0: some show 0 for what is smaller
    ignore: list[MisconceptionId] = []  # misconceptions that need not be told from the right answer
    # How many times harder or easier than the middle of all a variant may be; left out: as it comes.
    band: Annotated[Exact, Field(gt=1)] | None = None

    @model_validator(mode="after")
    def _of_one_network(self) -> Draw:
        if self.band and self.sizes:
            raise PydanticCustomError("band", "no band where sizes are drawn: each is another network")
        return self


class MarkingSpec(_Model):
    """`[marking]`: the share of a part's points for an answer that is right given the student's own
    earlier ones, that a misconception explains, that a slip does (a sign, the decimal point, two digits
    exchanged), or that is right to too few digits; and the decimal mark that students type."""

    follow_through: Annotated[Exact, Field(ge=0, le=1)] = Decimal(1)
    misconception: Annotated[Exact, Field(ge=0, le=1)] = Decimal(0)
    slip: Annotated[Exact, Field(ge=0, le=1)] = Decimal("0.5")
    digits: Annotated[Exact, Field(ge=0, le=1)] = Decimal("0.5")
    decimal: Literal[".", ",", "either"] | None = None  # left out: "." in English, else either


class AskSpec(_Model):
    """`[[ask]]`: all that a kind asks, or one quantity by its id; `points` for each answer."""

    kind: Annotated[str, _one_of(KINDS)] | None = None
    quantity: Annotated[str, BeforeValidator(_id)] | None = None
    points: Annotated[int, Field(ge=1, le=100)] | None = None
    form: Literal["number", "choice", "formula"] = "number"  # in which a quantity is answered

    @model_validator(mode="after")
    def _one_of_them(self) -> AskSpec:
        if (self.kind is None) == (self.quantity is None):
            raise PydanticCustomError("ask", "either a kind or a quantity")
        if self.kind and self.form != "number":
            raise PydanticCustomError("ask", "a form for a quantity; a kind has its own")
        return self


class UseSpec(_Model):
    """`[[exercise]]`: one exercise of a sheet, which is a kind, a lecture, or a TOML file beside it;
    `title` in place of its own, `points` for each answer."""

    use: Line
    title: Line | None = None
    points: Annotated[int, Field(ge=1, le=100)] | None = None


class Spec(_Model):
    """A whole spec file: a network, a circuit, or a sheet of several exercises."""

    name: Name
    title: Line = "Backpropagation"
    note: Line | None = None  # stands under the title of the worked example
    points: Annotated[list[Point], Field(max_length=20)] = []  # what the example is to teach, at its end
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")] = "en"  # of the pages
    paper: Annotated[str, _one_of(PAPERS)] = "a4"  # of pages that are printed
    notation: Annotated[str, _one_of(NOTATIONS)] = "plain"
    patterns: dict[str, Annotated[str, Field(max_length=100)]] = {}  # written otherwise than there
    telling: Annotated[str, _one_of(TELLINGS)] | None = None  # left out: what the notation implies
    digits: Annotated[int, Field(ge=2, le=10)] = 4
    braces: bool = False  # under each factor of a chain rule its number, and a box around what it gives
    pictures: bool = True  # on the pages, where there is something to see
    kind: Annotated[str, _one_of(KINDS)] | None = None  # of homework; left out: what suits
    ask: Annotated[list[AskSpec], Field(max_length=100)] = []  # in place of one kind
    network: NetworkSpec | None = None
    circuit: CircuitSpec | None = None
    margin: Positive = Decimal("0.25")  # that a design keeps between every pre-activation and 0
    draw: Draw = Draw()
    marking: MarkingSpec = MarkingSpec()
    exercise: Annotated[list[UseSpec], Field(max_length=50)] = []
    _lot: int = PrivateAttr(0)
    _place: Place = PrivateAttr(Place())

    @property
    def lot(self) -> int:
        """Drawn with the numbers of a variant, to pick one of several that fit; 0 of a spec itself."""
        return self._lot

    def refused(self, key: str, found: str, allowed: str) -> SpecError:
        """What is wrong with a key, where it was read."""
        place = self._place
        return SpecError(place.file or self.name, key, found, allowed, line=line_of(place.text, key))

    @property
    def source(self) -> NetworkSpec | CircuitSpec:
        """What is derived: the network or the circuit."""
        return self.circuit or self.network_spec

    @property
    def network_spec(self) -> NetworkSpec:
        """The network; an error where the spec has a circuit."""
        assert self.network is not None
        return self.network

    @property
    def told(self) -> Telling:
        """How the derivation of a network is told: as asked for, or as the notation implies."""
        notation = NOTATIONS[self.notation].with_patterns(self.patterns)
        return TELLINGS[self.telling or notation.telling]


def schema() -> dict[str, Any]:
    """The JSON Schema of a spec file, for editors that complete and check."""
    found = Spec.model_json_schema()
    tables = found["$defs"]
    tables["OptimizerSpec"] = {"anyOf": [{"enum": list(OPTIMIZERS)}, tables["OptimizerSpec"]]}
    del tables["NetworkSpec"]["required"]  # inputs and layers, or sizes
    described: dict[str, Any] = _of_toml(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}


BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def _of_toml(part: Any) -> Any:
    """A part of a schema as TOML has it: no null, bounds by their names, numbers as numbers."""
    if isinstance(part, list):
        return [_of_toml(item) for item in part if item != {"type": "null"}]
    if not isinstance(part, dict):
        return part
    default = part.get("default")
    if default is None or isinstance(default, dict):
        part = {key: value for key, value in part.items() if key != "default"}
    elif part.get("type") == "number":
        part = {**part, "default": float(default)}
    return {BOUNDS.get(key, key): _of_toml(value) for key, value in part.items()}


def load(source: str) -> Spec:
    """A built-in lecture's name or the path of a TOML file -> Spec; SpecError says what is wrong."""
    path = Path(source)
    if path.suffix != ".toml" and "/" not in source and (LECTURES / f"{source}.toml").is_file():
        path = LECTURES / f"{source}.toml"
    file = path.name
    try:
        if not path.is_file():
            raise FileNotFoundError
        if path.stat().st_size > MAX_BYTES:
            raise SpecError(file, WHOLE, "more than 1 MB", "a spec is a page of TOML")
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        if isinstance(error, SpecError):
            raise
        if isinstance(error, UnicodeDecodeError):
            raise SpecError(file, WHOLE, "bytes that are not UTF-8", "UTF-8 text") from None
        names = sorted(p.stem for p in LECTURES.glob("*.toml"))
        allowed = "the path of a TOML file, a lecture or a kind of exercise"
        allowed += f" (see `list`): {_choices(source, [*names, *KINDS])}"
        raise SpecError(source[:80], "SPEC", "no such file or lecture", allowed) from None
    return read(text, file)


def read(text: str, file: str = "spec") -> Spec:
    """TOML text -> Spec; SpecError says in which line what is wrong."""
    try:
        spec = _read(text, file)
        spec._place = Place(file, text)
        return spec
    except SpecError as error:
        if error.key == WHOLE:  # which says its line itself, or has none
            raise
        raise error.at(line_of(text, error.key)) from None


def _read(text: str, file: str) -> Spec:
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(file, WHOLE, f"{error}", "TOML") from None
    except (ValueError, RecursionError, ArithmeticError):
        found = "a number or a nesting beyond all bounds"
        raise SpecError(file, WHOLE, found, "TOML with numbers people can read") from None
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise _explained(error, file) from None
    if spec.exercise:
        for key in sorted(spec.model_fields_set.difference(OF_SHEETS)):
            allowed = f"{', '.join(OF_SHEETS)}: an exercise has its own {key}"
            raise SpecError(file, key, f"{key} beside [[exercise]]", allowed)
        return spec
    if (spec.network is None) == (spec.circuit is None):
        found = "neither" if spec.network is None else "both"
        raise SpecError(file, "network or circuit", found, "one of them; or [[exercise]] tables")
    if spec.kind and spec.ask:
        raise SpecError(file, "ask", f"kind = {spec.kind!r} as well", "one of them")
    if spec.circuit:
        if spec.telling:
            raise SpecError(
                file, "telling", repr(spec.telling), "nothing: a circuit is told gate by gate"
            )
        _check_circuit(spec.circuit, file)
        _check_named(spec.draw, "of", spec.circuit.inputs, file)
        _check_named(spec.draw, "keep", spec.circuit.inputs, file)
        for key in ("activations", "notations", "sizes"):
            if getattr(spec.draw, key):
                raise SpecError(file, f"draw.{key}", f"{key}", "nothing: a circuit has none")
    else:
        _check_shapes(spec.network_spec, file)
        _check_draw(spec, file)
        _check_named(spec.draw, "of", (), file)
        _check_named(spec.draw, "keep", KEPT, file)
        drawn = spec.draw.targets
        if drawn and drawn.min < 0 and spec.network_spec.loss in OUTPUTS_OF:
            allowed = f"0 or more: {spec.network_spec.loss} takes no negative targets"
            raise SpecError(file, "draw.targets.min", str(drawn.min), allowed)
        _check_patterns(spec, file)
    return spec


def _explained(error: ValidationError, file: str) -> SpecError:
    errors = error.errors(include_url=False)
    errors.sort(key=lambda e: e["type"] != "extra_forbidden")  # a misspelt key is the likely cause
    first, *others = errors
    key, model = "", Spec
    for part in (part for part in first["loc"] if part not in (OF_RANGE, OF_LIST)):
        if isinstance(part, int):
            key += f"[{part}]"
            continue
        if first["type"] != "extra_forbidden" or part != first["loc"][-1]:
            model = _model_of(model, part)
        key += ("." if key else "") + str(part)
    found = _found(first["input"])
    match first["type"]:
        case "extra_forbidden":
            found = "an unknown key"
            allowed = _choices(first["loc"][-1], list(model.model_fields))
        case "missing":
            found, allowed = "nothing", "it must be given"
        case "model_type" | "dict_type":
            allowed = "a table"
        case "list_type":
            allowed = "a list in brackets"
        case "string_pattern_mismatch":
            allowed = "letters, digits, - and _" if key == "name" else "one line of text"
        case _:
            allowed = first["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return SpecError(file, key or WHOLE, found, allowed, len(others))


def _model_of(model: Any, field: str) -> Any:
    """The model of a field, looked up through lists and annotations, to name its keys."""
    pending = [model.model_fields[field].annotation] if field in model.model_fields else []
    while pending:
        candidate = pending.pop()
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
        pending.extend(get_args(candidate))
    return model


def _found(value: Any) -> str:
    text = str(value) if isinstance(value, int | Decimal) else reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_patterns(spec: Spec, file: str) -> None:
    """Every pattern reads, and no two quantities of the network are written alike."""
    for name in (spec.notation, *spec.draw.notations):
        try:
            notation = NOTATIONS[name].with_patterns(spec.patterns)
        except NotationError as error:
            allowed = 'a pattern such as W = "w_{<ij>}^{(<l>)}"'
            raise SpecError(file, "patterns", str(error), allowed) from None
        if spec.patterns and (clash := Namer(notation, spec.network_spec.graph()).clash()):
            found = f"the same name for {clash[0]} and {clash[1]}"
            raise SpecError(file, "patterns", found, "another name for each quantity")


def _check_circuit(source: CircuitSpec, file: str) -> None:
    """Every line reads, and every name in it has a value."""
    for name in source.inputs:
        if not (name.isidentifier() and name.isascii()) or name in FUNCTIONS:
            raise SpecError(file, "circuit.inputs", repr(name[:40]), "names of letters and digits")
    for number, name in enumerate(source.constants):
        if name not in source.inputs:
            allowed = f"one of the inputs: {_choices(name, source.inputs)}"
            raise SpecError(file, f"circuit.constants[{number}]", repr(name[:40]), allowed)
    try:
        graph = source.graph()
    except CircuitError as error:
        line = source.nodes[error.line]
        raise SpecError(file, f"circuit.nodes[{error.line}]", repr(line[:60]), str(error)) from None
    written = CircuitNamer()
    seen: dict[Any, str] = {}
    for node in graph.nodes:
        if node.name in RESERVED or node.name.startswith("_"):
            allowed = "a name that starts with a letter and is not that of the learning rate"
            raise SpecError(file, "circuit", repr(node.name[:40]), allowed)
        other = seen.setdefault(written(Quantity(node.name)), node.name)
        if other != node.name:
            found = f"{other!r} and {node.name!r}, which are written alike"
            raise SpecError(file, "circuit", found, "names that differ by more than _")


def _check_named(source: Draw, key: str, names: Iterable[str], file: str) -> None:
    """What `draw.of` and `draw.keep` name is there."""
    for name in getattr(source, key):
        if name not in names:
            allowed = _choices(name, names) or "nothing: it is for the inputs of a circuit"
            raise SpecError(file, f"draw.{key}", repr(name[:40]), allowed)


def _check_shapes(net: NetworkSpec, file: str) -> None:
    """Every matrix has the shape that its neighbours ask for."""

    def fail(key: str, found: str, allowed: str) -> None:
        raise SpecError(file, f"network.{key}", found, allowed)

    def same_length(rows: Sequence[Sequence[Any]], key: str, length: int, what: str) -> None:
        for number, numbers in enumerate(rows):
            if len(numbers) != length:
                fail(f"{key}[{number}]", f"{len(numbers)} numbers", f"{length}: {what}")

    if net.activation and not net.sizes:
        fail("activation", net.activation, "nothing without sizes: each layer has its own")
    if not net.inputs[0]:
        fail("inputs[0]", "0 numbers", "at least one feature")
    same_length(net.inputs, "inputs", len(net.inputs[0]), "every sample has the same features")
    if net.standardize and len(net.inputs) == 1:
        fail("standardize", "1 sample", "at least 2: a single one has no spread to divide by")
    for number, feature in enumerate(net.features(), 1):
        if not feature.squares:
            only = f"{net.inputs[0][number - 1]} in every sample as feature {number}"
            fail("inputs", only, "different numbers: `standardize` divides by their spread")
    rule = net.optimizer
    for constant, given in rule.constants.items():
        if constant not in (names := OPTIMIZERS[rule.name].constants):
            fail(f"optimizer.{constant}", str(given), f"{', '.join(names) or 'none'}, with {rule.name}")
    if net.stop_below is not None and not (net.updates and any(layer.train for layer in net.layers)):
        fail("stop_below", str(net.stop_below), "no goal, where nothing is trained")
    below, sizes = len(net.inputs[0]), [len(net.inputs[0])]
    for number, layer in enumerate(net.layers):
        key = f"layers[{number}]"
        _check_weights(net, number, below, fail)
        if layer.weights:
            same_length(layer.weights, f"{key}.weights", below, "one for each unit of the layer before")
        units = layer.units(below, net.layers)
        sizes.append(units)
        _check_skip(layer, key, sizes, fail)
        shared = layer.kernel is not None and layer.kind_of_bias == "shared"
        wanted = 0 if layer.kind_of_bias == "none" else 1 if shared else units
        if len(layer.biases) != wanted:
            why = f"{wanted}: one for {'the kernel' if shared else 'each unit'}"
            why = 'none with bias = "none"' if wanted == 0 else why
            fail(f"{key}.biases", f"{len(layer.biases)} numbers", why)
        if layer.kind_of_bias == "shared" and len(set(layer.biases)) > 1:
            shown = ", ".join(map(str, layer.biases))
            fail(f"{key}.biases", shown, 'the same number for each unit, because bias = "shared"')
        if layer.alpha is not None and not _takes_alpha(layer.activation):
            fail(f"{key}.alpha", str(layer.alpha), f"no alpha: {layer.activation} takes none")
        if layer.activation in VECTOR_ACTIVATIONS:
            _check_softmax(net, number, units, fail)
        below = units
    if net.targets is None:
        learning = ("loss", "delta", "reduction", "outputs", "l2", "learning_rate")
        said = {key: getattr(net, key) for key in learning if key in net.model_fields_set}
        said |= {"optimizer": net.optimizer.name} if "optimizer" in net.model_fields_set else {}
        said |= {"updates": net.updates} if net.updates else {}
        trained = (n for n, layer in enumerate(net.layers) if "train" in layer.model_fields_set)
        said |= {f"layers[{n}].train": net.layers[n].train for n in trained}
        for key, found in said.items():
            fail(key, str(found), "nothing without targets: then there is a forward pass only")
        return
    if len(net.targets) != len(net.inputs):
        fail("targets", f"{len(net.targets)} rows", f"{len(net.inputs)}: one for each sample")
    same_length(net.targets, "targets", below, "one for each output unit")
    last, takes = net.layers[-1].activation, OUTPUTS_OF.get(net.loss)
    if takes and last not in takes and last in ANY_ACTIVATION:
        allowed = f"{' or '.join(takes)} in the output layer: {net.loss} takes logarithms of outputs"
        fail("loss", f"{net.loss} of {last} outputs", allowed)
    negative = (t for row in net.targets for t in row if t < 0)
    if takes and not net.symbols and (t := next(negative, None)) is not None:
        fail("targets", str(t), f"0 or more: to {net.loss} a target is a share of its class")
    if net.outputs == "mean" and "n" in (loss_of(net.loss).constants or {}):
        fail("outputs", "mean", f"sum: {net.loss} is a mean over the outputs already")
    if net.delta is not None and "delta" not in (loss_of(net.loss).constants or {}):
        fail("delta", str(net.delta), f"no delta: {net.loss} takes none")
    _check_domain(net, fail)


def _check_weights(
    net: NetworkSpec, number: int, below: int, fail: Callable[[str, str, str], None]
) -> None:
    """A layer has weights of its own, or is tied, or has a kernel; and what it has fits."""
    layer, key = net.layers[number], f"layers[{number}]"
    said = [name for name in ("weights", "tied", "kernel") if getattr(layer, name) is not None]
    if len(said) != 1:
        allowed = "one of them: weights; tied = 1, to use layer 1's; or a kernel"
        fail(key, " and ".join(said) or "neither weights nor tied nor kernel", allowed)
    for row, weights in enumerate(layer.weights or []):
        if all(weight is None for weight in weights) and weights:
            fail(f"{key}.weights[{row}]", "no connection at all", "at least one number in each row")
    if layer.tied is not None:
        other = net.layers[layer.tied - 1] if layer.tied <= number else None
        if other is None or other.weights is None or other.missing:
            allowed = "the number of a layer before this one that has weights of its own, all of them"
            fail(f"{key}.tied", str(layer.tied), allowed)
        elif len(other.weights) != below:
            found = f"{layer.tied}, a layer of {len(other.weights)} units"
            fail(f"{key}.tied", found, f"a layer of {below}: transposed, its weights take its units")
        if "train" in layer.model_fields_set and "weights" in layer.train:
            fail(f"{key}.train", "weights", "biases: tied weights are trained where they come from")
    if layer.columns is not None and layer.kernel is None:
        fail(f"{key}.columns", str(layer.columns), "nothing without a kernel")
    if layer.kernel is not None:
        rows = layer.kernel_rows
        mixed = len({type(row) for row in layer.kernel}) > 1
        if mixed or not rows[0] or len({len(row) for row in rows}) > 1:
            fail(f"{key}.kernel", "rows of different lengths, or empty ones", "a list, or a matrix")
        if any(isinstance(row, list) for row in layer.kernel) != (layer.columns is not None):
            allowed = "columns with a kernel of rows: how wide the picture is; none with a list"
            fail(f"{key}.columns", str(layer.columns or "nothing"), allowed)
        try:
            layer.over(below)
        except ValueError as error:
            picture = f"{below} inputs" + (f" in {layer.columns} columns" if layer.columns else "")
            fail(f"{key}.kernel", f"{error} into {picture}", "a kernel no larger than what it is over")
        if layer.kind_of_bias not in ("shared", "none"):
            fail(f"{key}.bias", layer.kind_of_bias, "shared or none, with a kernel")


def _check_skip(
    layer: LayerSpec, key: str, sizes: list[int], fail: Callable[[str, str, str], None]
) -> None:
    """The layer whose activations are added stands before, and is as wide."""
    if layer.skip is None:
        return
    if layer.skip >= len(sizes) - 1:
        fail(f"{key}.skip", str(layer.skip), "the number of a layer before this one; 0: the inputs")
    if sizes[layer.skip] != sizes[-1]:
        found = f"{layer.skip}, of {sizes[layer.skip]} units"
        fail(f"{key}.skip", found, f"a layer of {sizes[-1]}: what is added has to be as wide")


def _check_softmax(
    net: NetworkSpec, number: int, units: int, fail: Callable[[str, str, str], None]
) -> None:
    """A softmax says how likely each of several classes is; the same number added to all its
    pre-activations changes nothing."""
    layer, key = net.layers[number], f"layers[{number}]"
    if number + 1 < len(net.layers):
        fail(f"{key}.activation", layer.activation, "softmax in the output layer only")
    if units < 2:
        fail(f"{key}.activation", "softmax of 1 unit", "at least 2 units: of one it is always 1")
    if layer.kind_of_bias == "shared":
        allowed = "per_unit or none: a bias shared by all units changes nothing in a softmax"
        fail(f"{key}.bias", "shared", allowed)


def _check_draw(spec: Spec, file: str) -> None:
    """Sizes are drawn in place of sizes, activations where they fit, targets from where the loss allows
    them."""
    net = spec.network_spec
    if spec.draw.activations and net.symbols:
        allowed = "nothing for a network that has only sizes"
        raise SpecError(file, "draw.activations", spec.draw.activations[0], allowed)
    for number, name in enumerate(spec.draw.activations):
        try:
            _check_shapes(net.activated([name] * net.varied), file)
        except SpecError as error:
            raise SpecError(file, f"draw.activations[{number}]", name, error.allowed) from None
    if (sizes := spec.draw.sizes) is not None:
        if not spec.network_spec.symbols:
            raise SpecError(file, "draw.sizes", "a network of numbers", "a network that has only sizes")
        if sizes.decimals or sizes.min < 1 or sizes.max > LARGEST_DRAWN:
            found = f"from {sizes.min} to {sizes.max} with {sizes.decimals} decimals"
            raise SpecError(file, "draw.sizes", found, f"from 1 to {LARGEST_DRAWN}, decimals = 0")
    source, domain = spec.draw.targets, DOMAINS.get(spec.network_spec.loss)
    if source and domain and not spec.network_spec.forward_only:
        low, high = domain.labels
        if not domain.between or source.min < low or source.max > high:
            allowed = f"from {low} to {high}" if domain.between else f"nothing: it is {low} or {high}"
            found = f"from {source.min} to {source.max}"
            raise SpecError(file, "draw.targets", found, f"{allowed}, with {spec.network_spec.loss}")


def _check_domain(net: NetworkSpec, fail: Callable[[str, str, str], None]) -> None:
    """The loss is defined for the outputs, and made for the targets."""
    domain, last = DOMAINS.get(net.loss), len(net.layers) - 1
    if domain is None:
        return
    if domain.outputs and (found := net.layers[last].activation) in set(ANY_ACTIVATION).difference(
        domain.outputs
    ):
        allowed = f"{', '.join(domain.outputs)}: {net.loss} needs outputs between 0 and 1"
        fail("activation" if net.symbols else f"layers[{last}].activation", found, allowed)
    low, high = domain.labels
    allowed = f"from {low} to {high}" if domain.between else f"{low} or {high}"
    for number, row in enumerate(net.targets or []):
        for t in row:
            if not (low <= t <= high if domain.between else t in domain.labels):
                fail(f"targets[{number}]", str(t), f"{allowed}, with {net.loss}")
