"""A network by symbols alone, of any sizes: forward pass, δ of every unit, gradient of every weight.

No number is on the page; but each formula is evaluated, at numbers that are certified like any other,
before it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from derive.backprop import Step
from derive.expression import Expr, Ref, call, refs, substitute
from derive.graph import Node as GraphNode
from derive.quantity import Derivative, Quantity
from generator.exercise import Exercise
from generator.formula import Fence, Node, Op, Row, equation, row
from generator.page import Block, Formula, Section, block
from generator.telling import chain
from generator.typeset import typeset
from generator.worked import few
from generator.worked_forward import collapse
from generator.worked_layers import InVectors, flat, turned

__all__ = ["problem", "worked"]

FEW = 2  # paths that are summed inside a product; more are summed on a line of their own


def problem(exercise: Exercise) -> tuple[Section, ...]:
    """What is given: the layers and the loss."""
    return (Section("network", {}, tuple(_Teller(exercise).given())),)


def worked(exercise: Exercise) -> tuple[Section, ...]:
    """Layer by layer in vectors, δ from the output back, the gradients, one of them to the end."""
    teller = _Teller(exercise)
    sections = [Section("forward", {}, tuple(teller.in_vectors()))]
    if blocks := tuple(collapse(teller)):
        sections.append(Section("one_map", {}, blocks))
    sections += teller.derived()
    sections += [
        Section("backward", teller.layer_args(z), tuple(teller.deltas(z)))
        for z in reversed(teller.layers())
    ]
    sections.append(Section("to_the_end", {}, tuple(teller.to_the_end())))
    return tuple(sections)


class _Teller(InVectors):
    def in_vectors(self) -> Iterator[Block]:
        """z = W a + b and a = f(z) of each layer at once."""
        formulas: list[Formula] = []
        for z in self.layers():
            (n,), a = z.prefix, self.graph.consumers(z)[0]
            parts: list[Node] = [self.times(self.whole("W", n), self.whole("a", n - 1))]
            parts += [Op("+"), self.whole("b", n)] if len(z.inputs) > 2 else []
            formulas.append((equation(self.whole("z", n), row(*parts)), None))
            assert a.op is not None
            rule = typeset(a.op.definition((), ()), self.slots(n))
            formulas.append((equation(self.whole("a", n), rule), None))
        yield block("layers_in_vectors", {"rows": self.name.notation.vectors == "row"}, formulas)

    # --- δ ---

    @property
    def by_weights(self) -> bool:
        """Whether it was asked for that every weight's factors go back to ∂L/∂a."""
        return self.exercise.spec.telling == "weights"

    def named(self, d: Derivative, stop: str = "z") -> Step:
        """The step of d from the ∂L/∂z of the layer after it."""
        return self.derivation.chain(d, lambda upstream: upstream.wrt.name == stop)

    def terms(self, d: Derivative, stop: str = "z") -> tuple[Expr, Expr]:
        """∂L/∂q by named factors, and as it is taught."""
        pairs = [self._factors(term) for term in self.named(d, stop).terms]
        named, taught = zip(*((call("*", *ids), call("*", *exprs)) for ids, exprs in pairs), strict=True)
        return flat(call("+", *named)), flat(call("+", *taught))

    def delta(self, z: Quantity) -> tuple[Expr, ...]:
        """∂L/∂z = ∂L/∂a · ∂a/∂z, with ∂L/∂a in terms of the layer after it; and in short."""
        a = Quantity("a", z.index)
        local = Derivative(a, z)
        rule = self.graph.local(local)
        assert rule is not None
        named, taught = self.terms(self.derivation.derivative(a))
        short = self.derivation.fused(z) if z.index[0] == self.name.last else None
        sides = flat(call("*", named, Ref(local))), flat(call("*", taught, rule))
        return sides if short is None else (*sides, short)

    def deltas(self, z: GraphNode) -> Iterator[Block]:
        """δ of every unit of a layer, then the gradients of its parameters."""
        (n,), output = z.prefix, z.prefix == (self.name.last,)
        units = [Quantity("z", (n, i)) for i in range(1, z.shape[0] + 1)]
        if output and self.name.notation.has_delta:
            meaning = row(
                self.name(self.derivation.derivative(units[0])), "=", self.name.gradient(units[0])
            )
            yield Block("delta_defined", {}, ((meaning, None),))
        formulas: list[Formula] = []
        for i in few(range(1, z.shape[0] + 1)):
            formulas += ((line, None) for line in self.unit(units[i - 1]))
        paths = 0 if output else self.graph.consumers(self.graph.consumers(z)[0])[0].shape[0]
        if not self.exercise.spec.told.whole:
            yield block("deltas", {"paths": paths, "units": len(units)}, formulas)
        factors = self.delta_in_vectors(n)
        joined = Row(tuple(part for factor in factors for part in (Op("⊙"), factor))[1:])
        whole = equation(self.whole("delta", n), self.slope(self.whole("z", n)), joined)
        dot = Op("⊙") if len(factors) > 1 else None
        yield Block("deltas_in_vectors", {"dot": dot}, ((whole, None),))
        for node in self.graph.of_kind("parameter"):
            if node.prefix == z.prefix:
                yield from self.gradients(node)

    def unit(self, z: Quantity) -> Iterator[Node]:
        """δ of a unit; where many paths lead to it, ∂L/∂a by itself first."""
        to_z, a = self.derivation.derivative(z), Quantity("a", z.index)
        to_a = self.derivation.derivative(a)
        if len(self.named(to_a).terms) <= FEW and not self.by_weights:
            sides = self.surely(to_z, *self.delta(z))
        else:
            yield chain(self.name(to_a), self.surely(to_a, *self.terms(to_a)))
            rule = self.graph.local(Derivative(a, z))
            assert rule is not None
            product = [call("*", Ref(to_a), factor) for factor in (Ref(Derivative(a, z)), rule)]
            sides = self.surely(to_z, *map(flat, product))
        yield chain(self.name(to_z), [self.name.gradient(z), *sides])

    def delta_in_vectors(self, n: int) -> list[Node]:
        """The factors of δ = Wᵀ δ ⊙ a ⊙ (1 − a); at the output (a − t) ⊙ a ⊙ (1 − a)."""
        a = self.graph.find(Quantity("a", (n, 1)))[0]
        assert a.op is not None
        if n == self.name.last:
            fused = self.derivation.fused(Quantity("z", (n, 1)))
            if fused is not None:
                whole = {"a": self.whole("a", n), "t": self.whole("t"), "z": self.whole("z", n)}
                return [Fence(typeset(fused, lambda q: whole[q.name]))]
            loss = self.graph.consumers(a)[0].op
            assert loss is not None
            start = self.elementwise(loss.partial(0, (1,), (1,)), n)
        else:
            transposed = turned(self.whole("W", n + 1))
            start = [self.times(transposed, self.whole("delta", n + 1))]
        return [*start, *self.elementwise(a.op.partial(0, (1,), (1,)), n)]

    # --- gradients ---

    def gradients(self, node: GraphNode) -> Iterator[Block]:
        """∂L/∂w = δ a: by named factors once, then as it is taught."""
        formulas: list[Formula] = []
        rows, columns = (*node.shape, 1, 1)[:2]
        for i in few(range(1, rows + 1)):
            for j in few(range(1, columns + 1)):
                q = node.element((i, j)[: len(node.shape)])
                target = self.derivation.derivative(q)
                sides = self.surely(target, *self.terms(target, "a" if self.by_weights else "z"))
                formulas.append((chain(self.name(target), sides[bool(formulas) :]), None))
        if self.exercise.spec.told.whole:
            yield self.gradient_in_vectors(node)
            return
        yield block(
            "gradients", {"kind": node.name, "layer": self.name.layer_number(*node.prefix)}, formulas
        )
        if node.name == "W":
            yield replace(self.gradient_in_vectors(node), phrase="gradients_in_vectors", args={})

    def gradient_in_vectors(self, node: GraphNode) -> Block:
        """∂L/∂W = δ aᵀ, ∂L/∂b = δ, of the whole layer."""
        (n,) = node.prefix
        factors = [self.whole("delta", n), *([turned(self.whole("a", n - 1))] * (node.name == "W"))]
        formula = equation(self.slope(self.whole(node.name, n)), self.times(*factors))
        return Block("gradient_of_layer", {"kind": node.name, "samples": 1}, ((formula, None),))

    def to_the_end(self) -> Iterator[Block]:
        """The gradient of one weight with every δ put in, until only forward values are left."""
        n = self.name.last - (self.name.last > 1 and self.name.sizes[-1] == 1)
        q = Quantity("W", (n, 1, self.name.sizes[n - 1]))
        target = self.derivation.derivative(q)
        exprs = list(self.terms(target))
        while any(isinstance(name, Derivative) for name in refs(exprs[-1])):
            exprs.append(flat(substitute(exprs[-1], self.opened)))
        formula = chain(self.name(target), self.surely(target, *exprs))
        yield Block("to_the_end_of", {"w": self.name(q)}, ((formula, None),))

    def opened(self, q: Any) -> Expr:
        """δ by its formula, anything else by its name."""
        return self.delta(q.wrt)[-1] if isinstance(q, Derivative) else Ref(q)
