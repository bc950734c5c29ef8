"""Spec: a TOML file as frozen tables: what is derived, and how it is written, drawn, asked, marked."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Literal

from pydantic import Discriminator, Field, PrivateAttr, StringConstraints, Tag, model_validator
from pydantic_core import PydanticCustomError

from derive.ops import ACTIVATIONS
from generator.builtin import KINDS
from generator.notation import NOTATIONS, TELLINGS, Telling
from generator.place import Place, line_of
from generator.refusal import SpecError
from generator.spec_network import CircuitSpec, NetworkSpec
from generator.spec_values import (
    Exact,
    Identifier,
    Line,
    MisconceptionId,
    Model,
    Name,
    Point,
    Positive,
    activation_of,
    named_or_formula,
    one_of,
)

__all__ = [
    "OF_LIST",
    "OF_RANGE",
    "PAPERS",
    "AskSpec",
    "Choice",
    "Draw",
    "MarkingSpec",
    "Range",
    "Spec",
    "UseSpec",
]

PAPERS = ("a4", "letter")


class Range(Model):
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
Drawable = Annotated[str, named_or_formula(activation_of, ACTIVATIONS, "z")]


class Draw(Model):
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
    notations: Annotated[list[Annotated[str, one_of(NOTATIONS)]], Field(max_length=20)] = []
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


class MarkingSpec(Model):
    """`[marking]`: the share of a part's points for an answer that is right given the student's own
    earlier ones, that a misconception explains, that a slip does (a sign, the decimal point, two digits
    exchanged), or that is right to too few digits; and the decimal mark that students type."""

    follow_through: Annotated[Exact, Field(ge=0, le=1)] = Decimal(1)
    misconception: Annotated[Exact, Field(ge=0, le=1)] = Decimal(0)
    slip: Annotated[Exact, Field(ge=0, le=1)] = Decimal("0.5")
    digits: Annotated[Exact, Field(ge=0, le=1)] = Decimal("0.5")
    decimal: Literal[".", ",", "either"] | None = None  # left out: "." in English, else either


class AskSpec(Model):
    """`[[ask]]`: all that a kind asks, or one quantity by its id; `points` for each answer."""

    kind: Annotated[str, one_of(KINDS)] | None = None
    quantity: Identifier | None = None
    points: Annotated[int, Field(ge=1, le=100)] | None = None
    form: Literal["number", "choice", "formula"] = "number"  # in which a quantity is answered

    @model_validator(mode="after")
    def _one_of_them(self) -> AskSpec:
        if (self.kind is None) == (self.quantity is None):
            raise PydanticCustomError("ask", "either a kind or a quantity")
        if self.kind and self.form != "number":
            raise PydanticCustomError("ask", "a form for a quantity; a kind has its own")
        return self


class UseSpec(Model):
    """`[[exercise]]`: one exercise of a sheet, which is a kind, a lecture, or a TOML file beside it;
    `title` in place of its own, `points` for each answer."""

    use: Line
    title: Line | None = None
    points: Annotated[int, Field(ge=1, le=100)] | None = None


class Spec(Model):
    """A whole spec file: a network, a circuit, or a sheet of several exercises."""

    name: Name
    title: Line = "Backpropagation"
    note: Line | None = None  # stands under the title of the worked example
    points: Annotated[list[Point], Field(max_length=20)] = []  # what the example is to teach, at its end
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")] = "en"  # of the pages
    paper: Annotated[str, one_of(PAPERS)] = "a4"  # of pages that are printed
    notation: Annotated[str, one_of(NOTATIONS)] = "plain"
    patterns: dict[str, Annotated[str, Field(max_length=100)]] = {}  # written otherwise than there
    telling: Annotated[str, one_of(TELLINGS)] | None = None  # left out: what the notation implies
    digits: Annotated[int, Field(ge=2, le=10)] = 4
    braces: bool = False  # under each factor of a chain rule its number, and a box around what it gives
    pictures: bool = True  # on the pages, where there is something to see
    kind: Annotated[str, one_of(KINDS)] | None = None  # of homework; left out: what suits
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
