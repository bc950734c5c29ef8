"""NOTATIONS: how a quantity is written; one row a notation, each a table of patterns.

A pattern is a little math markup with fields in angle brackets, `w_{<ij>}^{(<l>)}`:

    <i> <j>   index of the unit, of the unit (or input) before it; <ij> both, <i0> with 0
    <l> <m>   the layer counted from the first weights, counted from the input
    <n>       running number of the parameter through the whole network
    <u> <v>   name of the unit, of the unit before it (h_1, o_2): see `units`
    <c> <p>   letter of the layer, of the layer before it
    <i?>      as <i>, but nothing where the layer has a single unit; <u?> and <v?> likewise

Letters stand alone and are italic, words are upright, `'` is a prime.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from math import prod
from typing import Literal, Protocol

from derive.graph import Graph
from derive.ops import Affine
from derive.optimizer import OPTIMIZERS
from derive.quantity import Derivative, Id, Quantity
from generator.formula import GREEK, Fraction, Hat, Index, Node, Number, Op, Row, Symbol, row

__all__ = ["NOTATIONS", "TELLINGS", "Namer", "Notation", "NotationError", "Telling"]
__all__ += ["CircuitNamer", "Writer"]

ROLES = ("x", "t", "W", "b", "b_shared", "z", "a", "L", "L_term", "rate")
# A whole layer as matrix or column, where a notation does not say it otherwise.
WHOLE = {"x_all": "x", "t_all": "t", "W_all": "W^{(<l>)}", "b_all": "b^{(<l>)}"}
WHOLE |= {"z_all": "z^{(<l>)}", "a_all": "a^{(<l>)}", "delta_all": "δ^{(<l>)}"}
# What only some networks have: a kernel's weights, the weight of a constant input, a penalty and its λ.
RARE = {"K": "w_{<ij>}^{(<l>)}", "b_0": "w_{<i0>}^{(<l>)}", "R": "R", "lambda": "λ"}
# The constants of optimizers, where a notation does not say it otherwise.
CONSTANTS = {"mu": "μ", "rho": "ρ", "beta1": "β_1", "beta2": "β_2", "epsilon": "ε"}
# What is counted: parameters, in all and of a layer; updates until a training has reached its goal; the
# first wrong line of a working, and what should stand there.
COUNTS = {"P": "P", "P_layer": "P_<l>", "stop": "k", "mistake": "n", "correction": "c"}
DEFAULTS = {**WHOLE, **RARE, **CONSTANTS, **COUNTS}
OPTIONAL = ("delta", "b_last", "unit", *DEFAULTS)
FIELDS = ("i", "j", "ij", "i0", "l", "m", "n", "u", "v", "c", "p", "i?", "u?", "v?")


class NotationError(ValueError):
    """A pattern that cannot be read."""


# --- patterns ---------------------------------------------------------------------------------


_TOKEN = re.compile(r"<(\w+\??)>|([^\W\d_]+)|(\d+)|([_^{}'(),+*.→])|(\s+)")


@cache
def _parse(pattern: str) -> Node:
    """A pattern as a math tree in which a field is the symbol `<field>`."""
    tokens: list[Node | str] = []
    at = 0
    while at < len(pattern):
        match = _TOKEN.match(pattern, at)
        if match is None:
            raise NotationError(f"{pattern[at]!r} is not allowed in the pattern {pattern!r}")
        field, word, digits, mark, _ = match.groups()
        if field:
            if field not in FIELDS:
                raise NotationError(f"unknown field <{field}> in {pattern!r}")
            tokens.append(Symbol(f"<{field}>"))
        elif word:
            if strange := [c for c in word if not c.isascii() and c not in GREEK]:
                raise NotationError(f"{strange[0]!r} is not a Latin or Greek letter in {pattern!r}")
            tokens.append(Symbol(word))
        elif digits:
            tokens.append(Number(digits))
        elif mark:
            tokens.append(mark)
        at = match.end()
    tokens.reverse()
    node = _sequence(tokens, pattern)
    if tokens:
        raise NotationError(f"a brace too many in {pattern!r}")
    return node


def _sequence(tokens: list[Node | str], pattern: str) -> Node:
    items: list[Node] = []
    while tokens and tokens[-1] != "}":
        token = tokens.pop()
        if token in ("_", "^", "'"):
            if not items:
                raise NotationError(f"{token!r} has nothing before it in {pattern!r}")
            base = items.pop()
            index = base if isinstance(base, Index) else Index(base)
            script = Op("′") if token == "'" else _group(tokens, pattern)
            if token == "_":
                items.append(Index(index.base, script, index.sup))
            else:
                sup = script if index.sup is None else row(index.sup, script)
                items.append(Index(index.base, index.sub, sup))
        elif token == "{":
            tokens.append(token)
            items.append(_group(tokens, pattern))
        else:
            items.append(Op(token) if isinstance(token, str) else token)
    return items[0] if len(items) == 1 else Row(tuple(items))


def _group(tokens: list[Node | str], pattern: str) -> Node:
    if not tokens:
        raise NotationError(f"an index is missing in {pattern!r}")
    token = tokens.pop()
    if token == "{":
        inner = _sequence(tokens, pattern)
        if not tokens:
            raise NotationError(f"a closing brace is missing in {pattern!r}")
        tokens.pop()
        return inner
    return Op(token) if isinstance(token, str) else token


def _fill(node: Node, fields: Mapping[str, Node]) -> Node:
    if isinstance(node, Symbol) and node.text.startswith("<"):
        return fields[node.text[1:-1]]
    if isinstance(node, Row):
        parts = [_fill(item, fields) for item in node.items]
        return Row(tuple(part for part in parts if part != Row(())))
    if isinstance(node, Index):
        scripts = [_fill(s, fields) if s is not None else None for s in (node.sub, node.sup)]
        sub, sup = (None if s == Row(()) else s for s in scripts)
        base = _fill(node.base, fields)
        return Index(base, sub, sup) if sub or sup else base
    return node


# --- the table ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Notation:
    """`patterns` by role; `units`: letters of the input, of the hidden layers in turn, of the output;
    `vectors`: whether layers are also shown as row vectors (x W + b) or as columns (W x + b); `also`:
    other spellings that lectures in this notation use, which are read but never written."""

    name: str
    title: str
    patterns: Mapping[str, str]
    units: tuple[str, str, str] = ("x", "hkmpqr", "o")
    vectors: Literal["row", "column"] | None = None
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if missing := [role for role in ROLES if role not in self.patterns]:
            raise NotationError(f"notation {self.name} does not say how to write {missing[0]}")
        for pattern in self.patterns.values():
            _parse(pattern)

    def with_patterns(self, patterns: Mapping[str, str]) -> Notation:
        """The same notation with some quantities written otherwise; NotationError for a bad pattern."""
        roles = (*ROLES, *OPTIONAL)
        if unknown := [role for role in patterns if role not in roles]:
            raise NotationError(f"{unknown[0]!r} is not one of {', '.join(roles)}")
        return replace(self, patterns={**self.patterns, **patterns}) if patterns else self

    @property
    def has_delta(self) -> bool:
        """Whether ∂L/∂z has a name of its own, so that a chain rule stops there."""
        return "delta" in self.patterns

    @property
    def telling(self) -> str:
        """How a lecture in this notation tells its derivation."""
        return "units" if self.has_delta else "weights"


@dataclass(frozen=True)
class Telling:
    """How a derivation is told, in whatever notation: a chain rule is not written beyond the gradients
    of the quantities in `stops`; `whole`: by matrices of whole layers."""

    title: str
    stops: tuple[str, ...]
    whole: bool = False


TELLINGS = {
    "weights": Telling("every weight by named factors, back to ∂L/∂a of its unit", ("a",)),
    "units": Telling("∂L/∂z of every unit first, then the weights by it", ("a", "z")),
    "layers": Telling("whole layers at once, as matrices with their shapes", ("a", "z"), whole=True),
}


PLAIN = {
    "x": "x_<j>",
    "t": "t_<i>",
    "W": "w_{<ij>}^{(<l>)}",
    "b": "b_<i>^{(<l>)}",
    "b_shared": "b^{(<l>)}",
    "z": "z_<i>^{(<l>)}",
    "a": "a_<i>^{(<l>)}",
    "L": "L",
    "L_term": "L_<i>",
    "delta": "δ_<i>^{(<l>)}",
    "rate": "η",
}

NOTATIONS: dict[str, Notation] = {
    "plain": Notation("plain", "z, a, δ; layers counted from the first weights", PLAIN),
    "mazur": Notation(
        "mazur",
        "net and out, weights numbered through: w5",
        {
            "x": "<u>",
            "t": "target_{<u>}",
            "W": "w_<n>",
            "K": "w_<n>",
            "b": "b_<n>",
            "b_shared": "b_<n>",
            "z": "net_{<u>}",
            "a": "out_{<u>}",
            "L": "E_{total}",
            "L_term": "E_{<u>}",
            "rate": "η",
            "unit": "<u>",
        },
        units=("i", "hkmpqr", "o"),
        also={"a": ("output_{<u>}",), "L": ("E", "L")},
    ),
    "cummins": Notation(
        "cummins",
        "j_1in and j_1out, weights by both ends: w_j1k1; row vectors",
        {
            "x": "<u?>",
            "t": "output_{<i?>}",
            "W": "w_{<v?><u?>}",
            "b": "b_{<p><u?>}",
            "b_shared": "b_{<p><c>}",
            "b_last": "b_{<u?>}",
            "z": "<c>_{<i?>in}",
            "a": "<c>_{<i?>out}",
            "L": "Loss",
            "L_term": "Loss_{<i?>}",
            "rate": "α",
            "unit": "<u?>",
        },
        units=("i", "jklmnpqr", "o"),
        vectors="row",
        also={"x": ("input_{<i?>}",), "L": ("L",)},
    ),
    "bpe": Notation(
        "bpe",
        "input and output of IN1, H1, ON; backpropagation error BPE for ∂L/∂input",
        {
            "x": "<u>",
            "t": "y_{<i?>}",
            "W": "w_{<v>→<u?>}",
            "b": "b_{<u?>}",
            "b_shared": "b_{<c>}",
            "z": "input_{<u?>}",
            "a": "output_{<u?>}",
            "L": "C",
            "L_term": "C_{<i>}",
            "delta": "BPE_{<u?>}",
            "rate": "α",
            "unit": "<u?>",
        },
        units=("IN", "HKMPQR", "ON"),
    ),
    "ceng506": Notation(
        "ceng506",
        "z, a, δ with the layer as superscript, the input being layer 1; w_i0 is the bias",
        {
            "x": "x_<j>",
            "t": "y_<i>",
            "W": "w_{<ij>}^{(<l>)}",
            "b": "w_{<i0>}^{(<l>)}",
            "b_shared": "w_0^{(<l>)}",
            "z": "z_<i>^{(<m>)}",
            "a": "a_<i>^{(<m>)}",
            "L": "E",
            "L_term": "E_<i>",
            "delta": "δ_<i>^{(<m>)}",
            "rate": "η",
            "t_all": "y",
            "b_all": "w_0^{(<l>)}",
            "z_all": "z^{(<m>)}",
            "a_all": "a^{(<m>)}",
            "delta_all": "δ^{(<m>)}",
        },
    ),
}


# --- names ------------------------------------------------------------------------------------


class Writer(Protocol):
    """Writes the quantities of a graph as formula nodes."""

    def __call__(self, q: Id) -> Node:
        """The name of a quantity or derivative."""

    def gradient(self, q: Quantity) -> Node:
        """∂L/∂q, even where there is a shorter name for it."""

    @property
    def rate(self) -> Node:
        """The learning rate."""


class CircuitNamer:
    """Writes a circuit's quantities by the names that its spec gives them: w0 is w with index 0, w_q is
    w with index q."""

    rate: Node = Symbol("η")

    def __call__(self, q: Id) -> Node:
        """The name, or ∂of/∂wrt."""
        if isinstance(q, Derivative):
            return Fraction(row("∂", self(q.of)), row("∂", self(q.wrt)))
        base, _, index = q.name.partition("_")
        letters = base.rstrip("0123456789")
        word = Symbol(letters or q.name)
        parts = [part for part in (base[len(letters) :], *index.split("_")) if part and letters]
        names = [Number(part) if part.isdecimal() else Symbol(part) for part in parts]
        return Index(word, row(*names)) if names else word

    def gradient(self, q: Quantity) -> Node:
        """The derivative has no other name."""
        raise KeyError(str(q))


class Namer:
    """Writes the quantities of one graph in one notation: `namer(id)` is a formula node."""

    def __init__(self, notation: Notation, graph: Graph) -> None:
        self.notation = notation
        self.graph = graph
        self._known: dict[Id, Node] = {}  # names are the same in every variant
        (inputs,) = (n.shape[0] for n in graph.of_kind("input"))
        self.sizes = [inputs, *(n.shape[0] for n in graph.nodes if n.name == "z")]
        self.last = len(self.sizes) - 1
        self.wide = max(self.sizes) > 9
        self.first_number: dict[tuple[str, int], int] = {}
        counts = {"W": 1, "b": 1}
        for node in graph.of_kind("parameter"):
            counted = "b" if node.name == "b" else "W"
            self.first_number[node.name, node.prefix[0]] = counts[counted]
            counts[counted] += prod(node.shape) - len(node.absent)
        slots = {n.prefix[0]: n.op.slots for n in graph.nodes if isinstance(n.op, Affine)}
        self.constant_input = {layer for layer, names in slots.items() if "one" in names}
        self.penalised = graph.samples == 1 and any(n.name == "L0" for n in graph.nodes)

    def __call__(self, q: Id) -> Node:
        """The name of a quantity, or ∂of/∂wrt as a fraction; δ where the notation has one."""
        if q not in self._known:
            self._known[q] = self._written(q)
        return self._known[q]

    def _written(self, q: Id) -> Node:
        if isinstance(q, Quantity):
            return self.marked(self._name(q), q.sample, q.update)
        root = self.graph.root
        if q.of == root.at() and q.wrt.name == "z" and self.notation.has_delta:
            return self.marked(self._pattern("delta", *q.wrt.index), q.sample, q.update)
        # Of the loss over the batch, not of one sample's; before a penalty too.
        whole = q.of == root.at() or not self.graph.locate(q.of, q.sample)[0].sampled
        top = self.marked(self._name(q.of), None if whole else q.sample, q.update)
        sampled = q.sample is not None and self.graph.locate(q.wrt, q.sample)[0].sampled
        bottom = self.marked(self._name(q.wrt), q.sample if sampled else None, q.update)
        return Fraction(row("∂", top), row("∂", bottom))

    @cached_property
    def readers(self) -> list[Namer]:
        """The namer itself, and one for each other spelling that is read."""
        other = ({role: p} for role, patterns in self.notation.also.items() for p in patterns)
        return [self, *(Namer(self.notation.with_patterns(pattern), self.graph) for pattern in other)]

    def gradient(self, q: Quantity) -> Node:
        """∂L/∂q, even where the notation has a shorter name for it."""
        return Fraction(row("∂", self(self.graph.root.at(update=q.update))), row("∂", self(q)))

    def whole(self, role: str, layer: int = 0) -> Node:
        """A layer's W as a matrix, its b, z, a or δ as a column; a of layer 0 is x."""
        return self._pattern("x_all" if (role, layer) == ("a", 0) else f"{role}_all", layer)

    def unit(self, layer: int, i: int) -> Node:
        """A unit, as a picture has it: by a name of its own, h_1, or by that of its activation."""
        if layer == 0:
            return self(Quantity("x", (i,)))
        return self._pattern("unit" if "unit" in self.notation.patterns else "a", layer, i)

    def layer_number(self, layer: int) -> int:
        """The number that this notation gives a layer: one more where it counts the input as 1."""
        return layer + ("<m>" in self.notation.patterns["z"])

    def clash(self) -> tuple[Quantity, Quantity] | None:
        """Two different quantities that would be written alike, if there are any."""
        seen: dict[Node, Quantity] = {}
        single = self.sizes[-1] == 1
        for node in self.graph.nodes:
            if node.name == "L" and node.shape and single:
                continue  # a single output's term is the loss itself
            for q in node.elements(self.graph.sample_numbers[0] if node.sampled else None):
                if seen.setdefault(self(q), q) != q:
                    return seen[self(q)], q
        return None

    @property
    def rate(self) -> Node:
        """The learning rate."""
        return self._pattern("rate")

    def marked(self, name: Node, sample: int | None, update: int) -> Node:
        """A prime for the new value, ⟨k⟩ after k updates, [s] for sample s."""
        marks: list[Node] = []
        if sample is not None and self.graph.samples > 1:
            marks.append(row("[", Number(str(sample)), "]"))
        if update:
            marks.append(Op("′") if update == 1 else row("⟨", Number(str(update)), "⟩"))
        if not marks:
            return name
        index = name if isinstance(name, Index) else Index(name)
        return Index(index.base, index.sub, row(*([index.sup] if index.sup else []), *marks))

    @staticmethod
    def letter(variable: str) -> Node:
        """A variable of an optimizer: v, m, or m with a hat for mhat."""
        plain = Symbol(variable.removesuffix("hat"))
        return plain if plain.text == variable else Hat(plain)

    def _name(self, q: Quantity) -> Node:
        for rule in OPTIMIZERS.values():
            if owned := rule.owned(q):
                variable, parameter = owned
                return Index(self.letter(variable), self._name(parameter))
        q = self.graph.aliases.get(q.at(), q)
        match q.name, q.index:
            case "L", (_,) if self.sizes[-1] > 1:
                return self._pattern("L_term", self.last, *q.index)
            case "L", _ if not q.index or not self.penalised:
                return self._pattern("L")
            case "L" | "L0", _:  # before the penalty is added, which may be an only output's term
                loss = self._pattern("L")
                return Index(loss.base if isinstance(loss, Index) else loss, Number("0"))
            case "one", (layer,):
                return self._pattern("x") if layer == 1 else self._pattern("a", layer - 1)
            case "b", (layer, _) if layer in self.constant_input:
                return self._pattern("b_0", *q.index)
            case "a", (0, j):
                return self._pattern("x", 0, j)
            case "x", (j,):
                return self._pattern("x", 0, j)
            case "t", (i,):
                return self._pattern("t", self.last, i)
            case "b" | "P", (layer,):
                return self._pattern({"b": "b_shared", "P": "P_layer"}[q.name], layer)
            case "b", (layer, _) if layer == self.last and "b_last" in self.notation.patterns:
                return self._pattern("b_last", *q.index)
            case _:
                return self._pattern(q.name, *q.index)

    def _letter(self, layer: int) -> str:
        first, hidden, last = self.notation.units
        if layer == 0:
            return first
        if layer == self.last:
            return last
        return hidden[layer - 1] if layer <= len(hidden) else f"{hidden[-1]}{layer}"

    def _running(self, role: str, layer: int, i: int, j: int) -> int:
        """The number of a parameter, counted through the whole network; of anything else, its index."""
        first = self.first_number.get((role[0], layer), 0)
        if not (first and j):
            return first + max(i - 1, 0)
        node, at = self.graph.find(Quantity(role, (layer, i, j)))
        if node.absent:
            return first + list(node.present).index(at)
        return first + (i - 1) * node.shape[1] + j - 1

    def _pattern(self, role: str, layer: int = 0, i: int = 0, j: int = 0) -> Node:
        before = max(layer - 1, 0)
        column = i if role == "x" else j
        comma = [Op(",")] if self.wide else []
        running = self._running(role, layer, i, j)
        numbers = {"i": i, "j": column, "l": layer, "m": layer + 1, "n": running}
        fields: dict[str, Node] = {name: Number(str(n)) for name, n in numbers.items()}
        fields["ij"] = Row((fields["i"], *comma, fields["j"]) if j else (fields["i"],))
        fields["i0"] = Row((fields["i"], *comma, Number("0")))
        fields["c"], fields["p"] = Symbol(self._letter(layer)), Symbol(self._letter(before))
        fields["u"] = Index(fields["c"], Number(str(column if layer == 0 else i)))
        fields["v"] = Index(fields["p"], fields["j"])
        # The constant input 0 beside a single one is not left without its index.
        single, single_before = self.sizes[layer] == 1 and column + i > 0, self.sizes[before] == 1
        fields["i?"] = Row(()) if single else fields["i"]
        fields["u?"] = fields["c"] if single else fields["u"]
        fields["v?"] = fields["p"] if single_before else fields["v"]
        return _fill(_parse({**DEFAULTS, **self.notation.patterns}[role]), fields)
