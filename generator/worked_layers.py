"""A network told by whole layers: matrices with their numbers and with their shapes under them.

    z = W a + b,  a = f(z),  δ = (Wᵀ δ) ⊙ f′(z),  ∂L/∂W = δ aᵀ,  ∂L/∂b = δ,  W′ = W − η ∂L/∂W

in columns, or with everything turned, x W + b, δ Wᵀ, xᵀ δ, where the notation has rows.  Whatever is
multiplied is multiplied before it is written: a product that does not give what stands behind it is
not.  A layer that is no plain W a + b is told unit by unit, like everything too wide for a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction as Rational
from functools import partial, reduce
from operator import matmul, mul
from typing import Any

import numpy as np

from derive.expression import Call, Expr, Num, Ref, call
from derive.graph import Node as GraphNode
from derive.ops import OUT, Affine, Array, Elementwise, Softmax
from derive.optimizer import RATE
from derive.quantity import Derivative, Quantity
from derive.verify import Uncertified
from generator.exercise import Exercise
from generator.formula import (
    LINE,
    Aligned,
    Fence,
    Fraction,
    Index,
    Matrix,
    Node,
    Number,
    Op,
    Row,
    Symbol,
    Under,
    equation,
    row,
    side_by_side,
    width,
)
from generator.number import decimals_for
from generator.page import Block, Formula, Section, Table, block, tables
from generator.spec_values import activation_of, loss_of
from generator.telling import ALL_DIGITS, SAME, chain
from generator.typeset import typeset
from generator.worked import NetworkTeller, called, told
from generator.worked_softmax import with_sum

__all__ = ["InVectors", "LayerTeller", "flat", "problem", "turned", "worked"]

COLUMNS, ROWS = 10, 20  # of the largest matrix that is written with its numbers
SUMMANDS = 12  # products, of samples, that are added up on a page; of more only their sum is shown
ONE = Num(Rational(1))

Leaf = Callable[[Any], Node]


def problem(exercise: Exercise) -> tuple[Section, ...]:
    """What is given: the network and its matrices."""
    return (Section("network", {}, tuple(LayerTeller(exercise).given())),)


def worked(exercise: Exercise) -> tuple[Section, ...]:
    """The whole derivation by layers."""
    return told(LayerTeller(exercise))


def flat(expr: Expr) -> Expr:
    """a·(b·c)·1 as a·b·c."""
    if not isinstance(expr, Call):
        return expr
    args = [flat(arg) for arg in expr.args]
    if expr.fn != "*":
        return Call(expr.fn, tuple(args))
    factors = [
        f for arg in args for f in (arg.args if isinstance(arg, Call) and arg.fn == "*" else (arg,))
    ]
    return call("*", *([f for f in factors if f != ONE] or [ONE]))


def turned(node: Node) -> Node:
    """The transpose; of something with its shape under it with the shape turned too."""
    if isinstance(node, Under):
        return Under(turned(node.body), _flipped(node.below))
    return Index(node if isinstance(node, Symbol) else Fence(node), sup=Symbol("T"))


def _flipped(shape: Node) -> Node:
    assert isinstance(shape, Row)
    return Row(shape.items[::-1])


def bare(node: Node) -> Node:
    """Without the shape under it."""
    return node.body if isinstance(node, Under) else node


def _shape(rows: int, columns: int) -> Node:
    return row(Number(str(rows)), "×", Number(str(columns)))


@dataclass(frozen=True)
class Whole:
    """A matrix, or a column: the formula of each element; without a name it is written in full."""

    name: Node | None
    rows: tuple[tuple[Expr, ...], ...]

    @property
    def turned(self) -> Whole:
        return Whole(turned(self.name) if self.name else None, tuple(zip(*self.rows, strict=True)))

    def array(self, number: Callable[[Expr], float]) -> Array:
        """Its elements as numbers."""
        return np.array([[number(cell) for cell in line] for line in self.rows])


@dataclass(frozen=True)
class Product:
    """A product of matrices, or element by element (`dot`); a number before it; taken away or added."""

    factors: tuple[Whole, ...]
    dot: bool = False
    times: Expr | None = None
    sign: str = "+"

    def array(self, number: Callable[[Expr], float]) -> Array:
        """What it comes to."""
        product = reduce(mul if self.dot else matmul, (whole.array(number) for whole in self.factors))
        signed: Array = product * (number(self.times) if self.times else 1.0)
        return -signed if self.sign == "−" else signed


def _total(products: Sequence[Product], number: Callable[[Expr], float]) -> Array:
    total: Array = sum((product.array(number) for product in products), start=np.zeros(()))
    return total


def column(name: Node | None, cells: Iterable[Expr]) -> Whole:
    return Whole(name, tuple((cell,) for cell in cells))


class InVectors(NetworkTeller):
    """Names whole layers; where the telling is by layers, with their shapes under them."""

    @property
    def in_rows(self) -> bool:
        return self.name.notation.vectors == "row"

    def whole(self, role: str, layer: int = 0, sample: int | None = None, update: int = 0) -> Node:
        """W, or the column z, a, b or δ of a layer; a of layer 0 is x."""
        name = self.name.marked(self.name.whole(role, layer), sample, update)
        if role == "delta" and self.exercise.spec.told.whole and not self.name.notation.has_delta:
            name = self.slope(self.name.marked(self.name.whole("z", layer), sample, update))
        if not self.exercise.spec.told.whole:
            return name
        units = self.name.sizes[self.name.last if role == "t" else layer]
        shape = _shape(units, self.name.sizes[layer - 1] if role == "W" else 1)
        return Under(name, _flipped(shape) if self.in_rows else shape)

    def slope(self, whole: Node) -> Node:
        """∂L/∂ a matrix or a column."""
        fraction = Fraction(row("∂", self.name(self.graph.root)), row("∂", bare(whole)))
        return Under(fraction, whole.below) if isinstance(whole, Under) else fraction

    def slots(self, n: int, sample: int | None = None) -> Leaf:
        """Names an operation's slots by the whole layer n."""
        return lambda local: bare(self.whole({OUT: "a"}.get(local[0], local[0]), n, sample))

    def by_layer(self, q: Quantity) -> Node:
        """The whole layer that a quantity is of."""
        return bare(self.whole(q.name, q.index[0] if q.name in "za" else 0, q.sample))

    def times(self, *factors: Node) -> Row:
        """A product of matrices and columns, the other way round where a layer is a row."""
        return side_by_side(*(factors[::-1] if self.in_rows else factors))

    def elementwise(self, rule: Expr, n: int, sample: int | None = None) -> list[Node]:
        """The factors of a taught derivative, of a whole layer at once; 1 is none."""
        expr = flat(rule)
        factors = expr.args if isinstance(expr, Call) and expr.fn == "*" else (expr,)
        nodes: list[Node] = []
        for factor in factors:
            node = typeset(factor, self.slots(n, sample))
            node = Fence(node) if isinstance(factor, Call) and factor.fn in "+-" else node
            if nodes and isinstance(nodes[-1], Number):  # 2 (a − t) is no product of columns
                node = Row((nodes.pop(), node))
            nodes += [node] if factor != ONE else []
        return nodes

    def activation(self, n: int, primes: str = "") -> Node:
        """f of layer n, or f′."""
        return Index(Symbol("f"), Number(str(self.name.layer_number(n))), Op(primes) if primes else None)

    def applied(self, n: int, sample: int | None, primes: str = "") -> Node:
        """f(z), or f′(z), of a whole layer."""
        z = self.whole("z", n, sample)
        applied = Row((self.activation(n, primes), Fence(bare(z))))
        return Under(applied, z.below) if isinstance(z, Under) else applied


class LayerTeller(InVectors):
    """Tells a network by whole layers."""

    def layer(self, role: str, n: int, sample: int | None = None, update: int = 0) -> Whole:
        """W, b, z, a (x), t, δ or g = ∂L/∂a of a layer."""
        node = self.block_of({"delta": "z", "g": "a"}.get(role, role), n, sample)
        gradient = self.derivation.derivative
        if role == "g":
            name: Node | None = self.slope(self.whole("a", n, sample))
        elif role == "b" and not node.shape:  # the same number for every unit has no name as a column
            return column(None, [Ref(node.element(()))] * self.name.sizes[n])
        else:
            name = self.whole(role, n, sample, update)
        quantities = [replace(q, update=update) for q in node.elements(sample)]
        cells = [Ref(gradient(q) if role in ("delta", "g") else q) for q in quantities]
        wide = node.shape[1] if role == "W" else 1
        return Whole(name, tuple(tuple(cells[i : i + wide]) for i in range(0, len(cells), wide)))

    def gradient_of(self, node: GraphNode) -> Whole:
        """∂L/∂W, or ∂L/∂b, of a layer."""
        wide = node.shape[1] if node.name == "W" else 1
        cells = [Ref(self.derivation.derivative(q)) for q in node.elements()]
        rows = tuple(tuple(cells[i : i + wide]) for i in range(0, len(cells), wide))
        return Whole(self.slope(self.whole(node.name, node.prefix[0])), rows)

    def block_of(self, role: str, n: int, sample: int | None) -> GraphNode:
        if role == "t" or (role, n) == ("a", 0):
            (node,) = self.graph.of_kind("target" if role == "t" else "input")
            return node
        return next(node for node in self.graph.nodes if (node.name, node.prefix) == (role, (n,)))

    def is_plain(self, z: GraphNode) -> bool:
        """z = W a + b, fully connected, of the layer before it alone, and nothing but f behind it."""
        (n,), behind = z.prefix, self.graph.consumers(z)
        if not (isinstance(z.op, Affine) and z.op.plain) or [node.name for node in behind] != ["a"]:
            return False
        if z.inputs[0].key != f"W[{n}]" or self.graph.consumers(z.inputs[0]) != [z]:  # tied weights
            return False
        rows, columns = z.shape[0], z.inputs[1].shape[0]
        known = z.inputs[1] is self.block_of("a", n - 1, None) and z.inputs[0].shape == (rows, columns)
        return known and isinstance(behind[0].op, Elementwise | Softmax)

    def leads_on(self, z: GraphNode) -> bool:
        """Whether what comes back to a layer comes from the loss, or from one plain layer."""
        behind = self.graph.consumers(self.graph.consumers(z)[0])
        return len(behind) == 1 and (behind[0].name == "L" or self.is_plain(behind[0]))

    # --- a line of matrices ---

    def laid(self, whole: Whole, leaf: Leaf) -> Node:
        """The matrix in full, its shape under it; turned where the notation has rows."""
        rows = tuple(zip(*whole.rows, strict=True)) if self.in_rows else whole.rows
        cells = tuple(tuple(map(leaf, line)) for line in rows)
        return Under(Matrix(cells, loose=True), _shape(len(rows), len(rows[0])))

    def joined(self, products: Sequence[Product], leaf: Leaf, named: bool) -> Node:
        """The sum of products, in names or with numbers put in."""
        items: list[Node] = []
        for product in products:
            factors = [
                whole.name if named and whole.name else self.laid(whole, leaf)
                for whole in product.factors
            ]
            items += [Op(product.sign)] if items else []
            items += [leaf(product.times), Op("·")] if product.times else []
            if product.dot:
                items += [part for factor in factors for part in (Op("⊙"), factor)][1:]
            else:
                items += self.times(*factors).items
        return Row(tuple(items)) if len(items) > 1 else items[0]

    def cell(self, expr: Expr, digits: int | None = None) -> Node:
        """The formula of an element with numbers put in; of several cases the one that holds."""
        leaf = partial(self.shown, digits=digits) if digits else self.shown
        while isinstance(expr, Call) and expr.fn == "where":
            condition, first, second = expr.args
            expr = first if self.holds(condition) else second
        return typeset(expr, leaf, self.holds)

    def with_numbers(self, result: Whole, products: Sequence[Product]) -> Node:
        """The numbers put in, with as many digits as it takes to find every element of the result."""
        exact = result.array(self._exactly)
        units = np.vectorize(lambda number: 10.0 ** -decimals_for(number, self.digits))(exact)
        for digits in range(self.digits, ALL_DIGITS):
            number = partial(self._computed, leaf=partial(self.shown, digits=digits))
            if np.all(abs(_total(products, number) - exact) <= units):
                return self.joined(products, partial(self.cell, digits=digits), named=False)
        return self.joined(products, self.cell, named=False)

    def _exactly(self, expr: Expr) -> float:
        """With the branch taken that the certified numbers take at a kink."""
        return self._number(expr.name) if isinstance(expr, Ref) else self.compute(expr)

    def compute(self, expr: Expr) -> float:
        return float(self.exercise.values.compute(expr).item())

    def certify(self, result: Whole, products: Sequence[Product]) -> None:
        """Uncertified if the products do not give the elements of the result."""
        exact = result.array(self._exactly)
        found = _total(products, self._exactly)
        if exact.shape != found.shape or not np.allclose(found, exact, rtol=SAME, atol=SAME):
            first = result.rows[0][0]
            of = str(first.name) if isinstance(first, Ref) else "a matrix"
            raise Uncertified(f"{of} and what is beside it are not what their matrices give")

    def line(self, result: Whole, products: Sequence[Product], *said: Node) -> _Line:
        """result = in names, or as `said` = with numbers put in = its numbers: what has room."""
        self.certify(result, products)
        assert result.name is not None
        names = list(said) or [self.joined(products, self.names, named=True)]
        numbers, end = self.with_numbers(result, products), self.laid(result, self.cell)
        wanted = [[*names, numbers, end], [*names, end], [numbers, end], [end]]
        for sides in wanted if len(products) <= SUMMANDS else wanted[1::2]:
            formula = chain(result.name, sides)
            if _fits(formula):
                return _Line(formula, ())
        return _Line(equation(result.name, names[-1]), tuple(self.in_table(result)))

    def in_table(self, whole: Whole) -> Iterator[Table]:
        """What is too large for a line: a column element by element, a matrix by rows and columns."""
        rows = whole.rows
        if len(rows[0]) == 1:
            lines = [(self.names(line[0]), self.cell(line[0])) for line in rows]
            yield Table(("quantity", "value_column"), tuple(lines))
            return
        if self.in_rows:
            rows = tuple(zip(*rows, strict=True))
        heads: list[str | Node] = ["row_column", *(Number(str(j)) for j in range(1, len(rows[0]) + 1))]
        numbered = [(Number(str(i)), *map(self.cell, line)) for i, line in enumerate(rows, 1)]
        yield from tables(heads, numbered)

    @staticmethod
    def blocks(phrase: str, args: dict[str, Any], lines: Iterable[_Line]) -> Iterator[Block]:
        """Lines under one another; then the tables of what had no room there."""
        lines = list(lines)
        yield block(phrase, args, ((line.formula, None) for line in lines))
        for table in (table for line in lines for table in line.tables):
            yield Block("table", {}, (), table)

    # --- given ---

    def _definitions(self, z: GraphNode) -> Iterator[Formula]:
        """z, its units, W a + b; a, its units, f(z)."""
        (n,), a = z.prefix, self.graph.consumers(z)[0]
        if not self.is_plain(z):
            yield from super()._definitions(z)
            return
        sample = self.graph.sample_numbers[0]
        if sample is not None:  # of a batch the inputs and targets are listed one by one
            targets = n == self.name.last and not self.graph.forward_only
            for role, m in [("a", 0)] * (n == 1) + [("t", n)] * targets:
                yield from self._elements(self.layer(role, m, sample))
        for role, side in (("z", self.joined(self.affine(z, sample), self.names, True)), ("a", None)):
            whole = self.layer(role, n, sample)
            yield from self._elements(whole, side or self.applied(n, sample))
        if isinstance(a.op, Elementwise):
            z_name = Symbol("z")
            rule = typeset(a.op.definition((), ()), lambda _: z_name)
            yield equation(Row((self.activation(n), Fence(z_name))), rule), None

    def _elements(self, whole: Whole, *sides: Node) -> Iterator[Formula]:
        """A name = the elements, where they have room = other sides."""
        assert whole.name is not None
        wanted = chain(whole.name, [self.laid(whole, self.names), *sides])
        if _fits(wanted):
            yield wanted, None
        elif sides:
            yield chain(whole.name, sides), None

    def _given_of(self, node: GraphNode) -> Iterator[Node]:
        """A matrix = its elements = their numbers."""
        several = node.sampled and self.graph.samples > 1
        if several or not node.shape or node.absent or node.name not in ("x", "t", "W", "b"):
            yield from super()._given_of(node)
            return
        whole = self.layer("a" if node.name == "x" else node.name, (*node.prefix, 0)[0])
        assert whole.name is not None
        wanted = chain(whole.name, [self.laid(whole, self.names), self.laid(whole, self.cell)])
        yield from [wanted] if _fits(wanted) else super()._given_of(node)

    # --- forward ---

    def affine(self, z: GraphNode, sample: int | None) -> list[Product]:
        """W a + b."""
        (n,) = z.prefix
        products = [Product((self.layer("W", n), self.layer("a", n - 1, sample)))]
        return products + ([Product((self.layer("b", n),))] if len(z.inputs) > 2 else [])

    def _forward_layer(self, z: GraphNode, sample: int | None) -> Iterator[Block]:
        if not self.is_plain(z):
            yield from super()._forward_layer(z, sample)
            return
        (n,), a = z.prefix, self.graph.consumers(z)[0]
        lines = [self.line(self.layer("z", n, sample), self.affine(z, sample))]
        summed = list(with_sum(self, a, sample, numbers=True))
        if not summed:
            definitions = [self.graph.definition(q) for q in a.elements(sample)]
            cells = column(None, [d for d in definitions if d is not None])
            said = self.applied(n, sample)
            lines.append(self.line(self.layer("a", n, sample), [Product((cells,))], said))
        yield from self.blocks("forward_layer", self.layer_args(z), lines)
        yield from summed

    # --- backward ---

    def backward(self, z: GraphNode) -> Iterator[Block]:
        if not (self.is_plain(z) and self.leads_on(z)):
            yield from super().backward(z)
            return
        (n,) = z.prefix
        for sample in self.in_full:
            if sample is not None:
                yield Block("sample", {"number": sample})
            yield from self.error(z, sample)
        derivative = self.derivation.derivative
        pairs = zip(self._units(z, "a"), self._units(z, "z"), strict=True)
        yield from self._in_tables([replace(derivative(q), sample=None) for pair in pairs for q in pair])
        self.told.update(derivative(q) for s in self.in_full for q in z.elements(s))
        for node in self.graph.of_kind("parameter"):
            # Homework does without the gradients that its update does not use.
            if node.prefix == (n,) and (node.trained or not self.exercise.parts):
                yield from self._parameters(node)
        if z is self.layers()[0]:
            yield from self._vanishing()

    def error(self, z: GraphNode, sample: int | None) -> Iterator[Block]:
        """∂L/∂a of a layer, then δ."""
        (n,), a = z.prefix, self.graph.consumers(z)[0]
        back, delta = self.layer("g", n, sample), self.layer("delta", n, sample)
        assert back.name is not None
        output = n == self.name.last
        if output:
            exprs = [self.of_output(q) for q in a.elements(sample)]
            rule = typeset(exprs[0], self.by_layer)
            incoming = self.line(back, [Product((column(None, exprs),))], rule)
            back_said: Node = back.name
        else:
            weights, above = self.layer("W", n + 1).turned, self.layer("delta", n + 1, sample)
            product = Product((weights, above))
            incoming = self.line(back, [product])
            back_said = Fence(self.joined([product], self.names, True), "()")
        new = self.name.notation.has_delta and sample == self.graph.sample_numbers[0]
        elements = self._elements(delta, self.slope(self.whole("z", n, sample))) if new else ()
        meaning = [_Line(formula, ()) for formula, _ in elements]
        kinks = [self.name(q) for q in z.elements(sample) if q in self.exercise.at_kink]
        kinks += [self.name(q) for q in self.terms_of(a, sample) if q in self.exercise.at_kink]
        args = {**self.layer_args(z), "kinks": kinks}
        args["above"] = self.name.layer_number(n + 1)
        yield from self.blocks("back_to_layer", args, [*meaning, incoming])
        if isinstance(a.op, Softmax):
            yield from self.through_softmax(z, sample, back, delta)
            return
        locals_ = [Derivative(Quantity("a", q.index), q.at(), sample) for q in z.elements(sample)]
        taught = [e for d in locals_ if (e := self.graph.local(d)) is not None]
        slope_name = self.applied(n, sample, "′")
        slope = column(slope_name, map(Ref, locals_))
        assert a.op is not None
        factors = self.elementwise(a.op.partial(0, (1,), (1,)), n, sample)
        said = [Row(tuple(part for f in factors for part in (Op("⊙"), f))[1:])] if factors else []
        first = self.line(slope, [Product((column(None, taught),))], *said)
        through = [Product((back, slope), dot=True)]
        second = self.line(delta, through, row(back_said, "⊙", slope_name))
        yield from self.blocks("through_layer", {**args, "dot": Op("⊙")}, [first, second])
        fused = [self.derivation.fused(q) for q in z.elements(sample)] if output else []
        short = [expr for expr in fused if expr is not None]
        if short:
            names = {"activation": called(self.net.layers[n - 1].activation, activation_of)}
            names["loss"] = called(self.net.loss, loss_of)
            line = self.line(delta, [Product((column(None, short),))], typeset(short[0], self.by_layer))
            yield from self.blocks("fused", names, [line])

    def terms_of(self, a: GraphNode, sample: int | None) -> list[Quantity]:
        """The terms of the loss that a layer's units enter; none of a hidden layer."""
        losses = [n for n in self.graph.consumers(a) if n.name == "L"]
        return [q for node in losses for q in node.elements(sample)]

    def of_output(self, q: Quantity) -> Expr:
        """∂L/∂a of an output as it is taught: a − t, times what the sample counts."""
        (term,) = self.derivation.chain(self.derivation.derivative(q), lambda _: False).terms
        return flat(call("*", *(factor.expr for factor in term.factors)))

    def through_softmax(
        self, z: GraphNode, sample: int | None, back: Whole, delta: Whole
    ) -> Iterator[Block]:
        """δ = Jᵀ ∂L/∂a with the Jacobian J = ∂a/∂z; and a − t, where all that comes to it."""
        (n,), units = z.prefix, list(z.elements(sample))
        locals_ = [[Derivative(Quantity("a", i.index), j.at(), sample) for j in units] for i in units]
        rules = [[self.graph.local(d) for d in line] for line in locals_]
        a_name, z_name = (bare(self.whole(role, n, sample)) for role in "az")
        square = _shape(len(units), len(units))
        name = Under(Fraction(row("∂", a_name), row("∂", z_name)), square)
        jacobian = Whole(name, tuple(tuple(map(Ref, line)) for line in locals_))
        taught = Whole(None, tuple(tuple(e for e in line if e is not None) for line in rules))
        first = self.line(jacobian, [Product((taught,))])
        second = self.line(delta, [Product((jacobian.turned, back))])
        yield from self.blocks("through_softmax", self.layer_args(z), [first, second])
        gradients = [self.derivation.derivative(q) for q in units]
        targets = [Quantity("t", q.index[1:], sample) for q in units]
        whole = sum(Rational(self.typed[t]) for t in targets) == 1
        short = [e for d in gradients if (e := self.derivation.together(d, whole)) is not None]
        if short:
            said = [typeset(short[0], self.by_layer)] if whole else []
            line = self.line(delta, [Product((column(None, short),))], *said)
            yield from self.blocks("softmax_short", {"whole": whole}, [line])

    def _parameters(self, node: GraphNode) -> Iterator[Block]:
        (n,) = node.prefix
        z = self.block_of("z", n, None)
        if not (self.is_plain(z) and self.leads_on(z) and node.shape):
            yield from super()._parameters(node)
            return
        samples = self.graph.sample_numbers
        products = []
        for sample in samples:
            below = [self.layer("a", n - 1, sample).turned] if node.name == "W" else []
            products.append(Product((self.layer("delta", n, sample), *below)))
        result = self.gradient_of(node)
        said = [self.over_samples(node.name, n)] if len(samples) > len(self.in_full) else []
        args = {"kind": node.name, "samples": len(samples)}
        yield from self.blocks("gradient_of_layer", args, [self.line(result, products, *said)])

    def over_samples(self, kind: str, n: int) -> Node:
        """∑ δ aᵀ over many samples, for a sample s."""
        delta, below = (self.whole(role, m) for role, m in (("delta", n), ("a", n - 1)))
        one, other = (_of_sample(node, Symbol("s")) for node in (delta, below))
        factors = [one, turned(other)] if kind == "W" else [one]
        return Row((Index(Op("∑"), Symbol("s")), *self.times(*factors).items))

    # --- update ---

    def _new_values(self, trained: Sequence[Quantity]) -> Iterator[Block]:
        """W′ = W − η ∂L/∂W; by another rule parameter by parameter."""
        if self.exercise.optimizer.variables:
            yield from super()._new_values(trained)
            return
        nodes = [n for n in self.graph.of_kind("parameter") if n.trained]
        lines, others = [], []
        for node in nodes:
            (z,) = (z for z in self.layers() if z.prefix == node.prefix)
            if not (self.is_plain(z) and node.shape):  # a shared bias is a single number
                others += list(node.elements())
                continue
            old = self.layer(node.name, node.prefix[0])
            new, gradient = self.layer(node.name, node.prefix[0], update=1), self.gradient_of(node)
            step = [Product((old,)), Product((gradient,), times=Ref(RATE), sign="−")]
            lines.append(self.line(new, step))
        if lines:
            yield from self.blocks("updated", {}, lines)
        if others:
            yield from super()._new_values(others)


@dataclass(frozen=True)
class _Line:
    """A formula; and tables of what had no room in it."""

    formula: Node
    tables: tuple[Table, ...]


def _of_sample(node: Node, sample: Node) -> Node:
    if isinstance(node, Under):
        return Under(_of_sample(node.body, sample), node.below)
    if isinstance(node, Fraction):
        assert isinstance(node.bottom, Row)
        *partial_, whole = node.bottom.items
        return Fraction(node.top, Row((*partial_, _of_sample(whole, sample))))
    index = node if isinstance(node, Index) else Index(node)
    return Index(index.base, index.sub, row(*([index.sup] if index.sup else []), "[", sample, "]"))


def _matrices(node: Node) -> Iterator[Matrix]:
    match node:
        case Matrix():
            yield node
        case Row():
            for item in node.items:
                yield from _matrices(item)
        case Under() | Fence():
            yield from _matrices(node.body)
        case Aligned():
            for pair in node.lines:
                for side in pair:
                    yield from _matrices(side)


def _fits(formula: Node) -> bool:
    """Whether a formula has room on the page, broken into lines as it is."""
    small = all(len(m.rows) <= ROWS and len(m.rows[0]) <= COLUMNS for m in _matrices(formula))
    return small and width(formula) <= LINE + 1
