"""Backward walk: ∂L/∂node = Σ over the nodes it feeds of (∂L/∂child · ∂child/∂node).

Each Step is data: what is derived, by which rule, from which *named* upstream gradients and local
factors in teaching order.  The upstream is never inlined, so nothing grows with depth, and a step
is made only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from derive.expression import Expr, Num, Ref, call, substitute
from derive.graph import FIXED, Graph, Node
from derive.ops import ACTIVATIONS, FUSED, LOSSES, OverSamples, Softmax, Total
from derive.quantity import Derivative, Id, Quantity

__all__ = ["Derivation", "Factor", "Step", "Term"]


@dataclass(frozen=True, slots=True)
class Factor:
    """A local derivative and its taught formula, ∂a[2][1]/∂z[2][1] = a[2][1]*(1 - a[2][1])."""

    derivative: Derivative
    expr: Expr


@dataclass(frozen=True, slots=True)
class Term:
    """upstream · factor · factor …; upstream None stands for ∂L/∂L = 1."""

    upstream: Derivative | None
    factors: tuple[Factor, ...]

    @property
    def ids(self) -> tuple[Derivative, ...]:
        """The named factors in order, upstream first."""
        upstream = (self.upstream,) if self.upstream else ()
        return upstream + tuple(factor.derivative for factor in self.factors)


@dataclass(frozen=True, slots=True)
class Step:
    """target = Σ terms, by a rule: seed, chain, sum over paths, sum over samples, update."""

    target: Id
    rule: str
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Derivation:
    """The chain rule for every quantity that the graph's root depends on."""

    graph: Graph

    @cached_property
    def _reached(self) -> set[Node]:
        return self.graph.ancestors()

    def towards(self, q: Quantity, sample: int | None = None) -> Derivation:
        """The derivation of another quantity than the root, ∂q/∂…, on the same graph."""
        return self if q == self.graph.root.at() else Derivation(self.graph.towards(q, sample))

    def derivative(self, q: Quantity) -> Derivative:
        """∂root/∂q, carrying q's sample."""
        root = self.graph.root
        return Derivative(root.at(), q.at(), q.sample or root.sample, q.update)

    def step(self, target: Derivative) -> Step:
        """The one step that yields ∂root/∂q; KeyError if the root does not depend on q."""
        graph = self.graph
        if target.of != graph.root.at():
            raise KeyError(str(target))
        node, j = graph.locate(target.wrt, target.sample)
        if (node, j) == graph.find(graph.root):
            return Step(target, "seed", ())
        if node not in self._reached or node.kind in FIXED:
            raise KeyError(str(target))
        terms = []
        samples: set[int | None] = set()
        for consumer in graph.consumers(node):
            if consumer not in self._reached:
                continue
            if node.sampled:
                reading: list[int | None] = [target.sample]
            else:
                reading = [graph.root.sample] if graph.root.sample else graph.sample_numbers
            for sample in reading if consumer.sampled else [None]:
                for i in graph.fed(consumer, node, j):
                    child = consumer.element(i)
                    local = Derivative(child, node.element(j), sample or target.sample)
                    expr = graph.partial(consumer, i, j, node, sample)
                    upstream = Derivative(graph.root.at(), child, sample)
                    terms.append(Term(upstream, (Factor(local, expr),)))
                    samples.add(sample)
        if len(samples) > 1:
            rule = "sum over samples"
        else:
            rule = "chain" if len(terms) == 1 else "sum over paths"
        return Step(target, rule, tuple(terms))

    def chain(self, target: Derivative, named: Callable[[Derivative], bool]) -> Step:
        """The step for `target` with every upstream that is not `named` opened into its factors.

        This is how a lecture that has no δ tells the same derivation:
        ∂L/∂w = ∂L/∂a · ∂a/∂z · ∂z/∂w.  Sums are never opened: they are steps of their own.
        """
        step = self.step(target)
        return Step(target, step.rule, tuple(self._open(term, named) for term in step.terms))

    def _open(self, term: Term, named: Callable[[Derivative], bool]) -> Term:
        if term.upstream is None or named(term.upstream):
            return term
        above = self.step(term.upstream)
        if above.rule == "seed":
            return Term(None, term.factors)
        if above.rule != "chain":
            return term
        (inner,) = above.terms
        return self._open(Term(inner.upstream, inner.factors + term.factors), named)

    def paths(self, target: Derivative) -> Iterator[Term]:
        """∂root/∂q = Σ over the paths from the root to q of Π local factors: each path as a Term without
        upstream, its factors in order from the root; one at a time, however many there are."""
        pending: list[tuple[Derivative, tuple[Factor, ...]]] = [(target, ())]
        while pending:
            d, factors = pending.pop()
            step = self.step(d)
            if step.rule == "seed":
                yield Term(None, factors)
            for term in reversed(step.terms):
                assert term.upstream is not None
                pending.append((term.upstream, term.factors + factors))

    def path_count(self, target: Derivative) -> int:
        """How many `paths` there are, without walking them: those of every upstream, added up."""
        counts: dict[Derivative, int] = {}
        pending = [target]
        while pending:
            step = self.step(pending[-1])
            above = [term.upstream for term in step.terms if term.upstream is not None]
            if unknown := [d for d in above if d not in counts]:
                pending += unknown
            else:
                counts[pending.pop()] = 1 if step.rule == "seed" else sum(counts[d] for d in above)
        return counts[target]

    def together(self, target: Derivative, whole: bool = False) -> Expr | None:
        """a[j] (t[1] + t[2] + …) − t[j], times what the sample counts: ∂L/∂z[j] through a softmax and
        cross-entropy with all paths put together; a[j] − t[j] where the targets are `whole`, a sum of 1.
        None behind anything else."""
        graph = self.graph
        z, (*_, j) = graph.locate(target.wrt, target.sample)[0], target.wrt.index or (0,)
        layer = [a for a in graph.consumers(z) if isinstance(a.op, Softmax)]
        losses = [n for a in layer for n in graph.consumers(a) if n.op == LOSSES["cross_entropy"]]
        if not losses or target.of != graph.root.at() or losses[0] not in self._reached:
            return None
        output, targets = losses[0].inputs
        a, t = (Ref(node.element((j,), target.sample)) for node in (output, targets))
        every = call("+", *map(Ref, targets.elements(target.sample)))
        error = call("-", a if whole else call("*", a, every), t)
        counting = Total if graph.root.sample else Total | OverSamples
        weight = prod(n.op.weight for n in self._reached if isinstance(n.op, counting))
        return error if weight == 1 else call("*", Num(weight), error)

    def fused(self, z: Quantity) -> Expr | None:
        """∂root/∂z of an output in one formula, a − t, where the derivatives of loss and activation
        simplify together (FUSED)."""
        graph = self.graph
        node, i = graph.find(Quantity("a", z.index, z.sample))
        losses = [n for n in graph.consumers(node) if n.name == "L"]
        ops = (losses[0].op, node.op) if losses else ()
        rules = (rule for (loss, f), rule in FUSED.items() if (LOSSES[loss], ACTIVATIONS[f]) == ops)
        rule = next(rules, None)
        if rule is None:
            return None
        (term,) = self.chain(self.derivative(node.element(i, z.sample)), lambda _: False).terms
        outer = [f.expr for f in term.factors[:-1] if f.expr != call("*", 1)]
        names = {"a": node.element(i, z.sample), "t": losses[0].inputs[1].element(i, z.sample), "z": z}
        return call("*", *outer, substitute(rule, lambda name: Ref(names[name])))

    def targets(self) -> Iterator[Derivative]:
        """∂root/∂q for every q that gets a gradient, from the root backwards."""
        for node in reversed(self.graph.nodes if not self.graph.forward_only else ()):
            if node in self._reached and node.kind not in FIXED:
                for sample in self.graph.sample_numbers if node.sampled else [None]:
                    for q in node.elements(sample):
                        yield self.derivative(q)

    def steps(self) -> Iterator[Step]:
        """All steps, from the root backwards."""
        return map(self.step, self.targets())
