"""Graph: a directed acyclic graph of named quantities, in topological order.

A node is a *block* of quantities of one shape (a layer's weights, its pre-activations, the loss),
so the graph's size follows the number of layers.  Scalars are addressed by Quantity; nothing is
built per scalar until it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from derive.expression import Expr, Ref, call, substitute
from derive.ops import OUT, Index, Op, indices
from derive.quantity import Derivative, Quantity

__all__ = ["FIXED", "Graph", "Kind", "Node"]

Kind = Literal["input", "target", "constant", "parameter", "computed"]
FIXED = ("target", "constant")  # what nothing is differentiated by


@dataclass(frozen=True, eq=False)
class Node:
    """A block of quantities `name[prefix…][element…]`; `sampled`: it has a value per sample;
    `absent`: elements that are not there, such as the weights of missing connections."""

    name: str
    prefix: Index
    shape: Index
    kind: Kind
    op: Op | None = None
    inputs: tuple[Node, ...] = ()
    trained: bool = False
    sampled: bool = True
    absent: frozenset[Index] = frozenset()

    @cached_property
    def key(self) -> str:
        """The block's name, `W[2]`: what its array is called."""
        return str(Quantity(self.name, self.prefix))

    def __str__(self) -> str:
        return self.key

    __repr__ = __str__

    def element(self, i: Index, sample: int | None = None) -> Quantity:
        """The quantity at element i (counted from 1)."""
        return Quantity(self.name, self.prefix + i, sample if self.sampled else None)

    @property
    def present(self) -> Iterator[Index]:
        """All elements that are there, in row order."""
        return (i for i in indices(self.shape) if i not in self.absent)

    def elements(self, sample: int | None = None) -> Iterator[Quantity]:
        """All quantities of the block, in row order."""
        return (self.element(i, sample) for i in self.present)


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in topological order, for a number of samples; `root` is what is differentiated, or
    `forward_only`, where nothing is, an output.  `aliases`: other names of parameters, such as
    b[1][2] of a bias b[1] that a layer shares, W[2][1][3] of a W[1][3][1] that it is tied to."""

    nodes: tuple[Node, ...]
    root: Quantity
    samples: int = 1
    forward_only: bool = False
    aliases: Mapping[Quantity, Quantity] = field(default_factory=dict, compare=False, repr=False)
    _found: dict[tuple[str, Index, int, bool], Node] = field(init=False, repr=False)
    _located: dict[tuple[str, Index, int | None], tuple[Node, Index] | None] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        found = {(n.name, n.prefix, len(n.shape), n.sampled): n for n in self.nodes}
        if len(found) != len(self.nodes):
            raise ValueError("two nodes with the same name and shape")
        object.__setattr__(self, "_found", found)

    def of_kind(self, *kinds: Kind) -> list[Node]:
        """The nodes of the given kinds, in topological order."""
        return [n for n in self.nodes if n.kind in kinds]

    @property
    def given(self) -> list[Node]:
        """The nodes whose numbers are put in: inputs, targets, constants, parameters."""
        return [n for n in self.nodes if n.op is None]

    @property
    def sample_numbers(self) -> list[int | None]:
        """The samples as ids name them: [None] when there is only one."""
        return list(range(1, self.samples + 1)) if self.samples > 1 else [None]

    def find(self, q: Quantity) -> tuple[Node, Index]:
        """The node that holds `q` and the element's index in it; KeyError if there is none."""
        key = (q.name, q.index, q.sample)
        if key not in self._located:
            self._located[key] = self._find(q)
        if (found := self._located[key]) is None:
            raise KeyError(str(q))
        return found

    def _find(self, q: Quantity) -> tuple[Node, Index] | None:
        per_sample = self.samples == 1 or q.sample is not None
        for cut in range(len(q.index) + 1):
            prefix, element = q.index[:cut], q.index[cut:]
            for sampled in (True, False) if per_sample else (False,):
                node = self._found.get((q.name, prefix, len(element), sampled))
                if node and all(1 <= i <= n for i, n in zip(element, node.shape, strict=True)):
                    if element not in node.absent:
                        if q.sample is None or (sampled and q.sample <= self.samples):
                            return node, element
        if q.sample is None and (same := self.aliases.get(q.at())):
            return self._find(same)
        return None

    def locate(self, q: Quantity, sample: int | None) -> tuple[Node, Index]:
        """`find` for a sample where q has one per sample, else for q as it is."""
        try:
            return self.find(q.at(sample=sample))
        except KeyError:
            return self.find(q.at())

    def consumers(self, node: Node) -> list[Node]:
        """The nodes that `node` feeds."""
        return [consumer for consumer in self.nodes if node in consumer.inputs]

    def ancestors(self) -> set[Node]:
        """The nodes that the root depends on, itself included."""
        reached = {self.find(self.root)[0]}
        for node in reversed(self.nodes):
            if node in reached:
                reached.update(node.inputs)
        return reached

    def following(self, node: Node) -> set[Node]:
        """The nodes that depend on `node`, itself included."""
        reached = {node}
        for later in self.nodes:
            if not reached.isdisjoint(later.inputs):
                reached.add(later)
        return reached

    def rooted(self, root: Quantity) -> Graph:
        """The same graph with another quantity to differentiate."""
        self.find(root)
        return replace(self, root=root)

    def depends(self, q: Quantity, on: Quantity, sample: int | None = None) -> bool:
        """Whether `q` is computed from `on`, at any distance; KeyError for what is never moved."""
        node, _ = self.locate(on, sample)
        if node.kind in FIXED:
            raise KeyError(f"nothing is differentiated by {on}")
        return node in self.towards(q, sample).ancestors()

    def towards(self, q: Quantity, sample: int | None) -> Graph:
        """The same graph with `q` to differentiate, for a sample where q has one per sample."""
        node, i = self.locate(q, sample)
        return self.rooted(node.element(i, sample))

    def definition(self, q: Quantity) -> Expr | None:
        """The formula of q in terms of the quantities it is computed from; None if it is given."""
        node, i = self.find(q)
        if node.op is None:
            return None
        shapes = [n.shape for n in node.inputs]
        return self._named(node.op.definition(i, *shapes), node, q.sample)

    def local(self, d: Derivative) -> Expr | None:
        """The taught local derivative ∂of/∂wrt; None unless `of` is computed from `wrt` directly."""
        of, i = self.locate(d.of, d.sample)
        wrt, j = self.locate(d.wrt, d.sample)
        return self.partial(of, i, j, wrt, d.sample) if i in self.fed(of, wrt, j) else None

    @staticmethod
    def fed(node: Node, source: Node, j: Index) -> list[Index]:
        """The elements of `node` that element j of its input `source` feeds, differentiably."""
        if node.op is None:
            return []
        shapes = [n.shape for n in node.inputs]
        found: dict[Index, None] = {}
        for slot, entering in enumerate(node.inputs):
            if entering is source and node.op.differentiable(slot):
                found.update(dict.fromkeys(node.op.feeds(slot, j, *shapes)))
        return list(found)

    def partial(self, node: Node, i: Index, j: Index, source: Node, sample: int | None) -> Expr:
        """The taught ∂node[i]/∂source[j]; x*x takes x twice, so that its two partials add up."""
        op = node.op
        assert op is not None
        slots = [slot for slot, entering in enumerate(node.inputs) if entering is source]
        if len(slots) > 1:
            shapes = [n.shape for n in node.inputs]
            slots = [slot for slot in slots if i in op.feeds(slot, j, *shapes)]
        partials = (op.partial(slot, j, i) for slot in slots if op.differentiable(slot))
        return self._named(call("+", *partials), node, sample)

    def _named(self, expr: Expr, node: Node, sample: int | None) -> Expr:
        def name(local: tuple[str, Index] | tuple[str, Index, int]) -> Expr:
            slot, index, *other = local
            at = other[0] if other else sample
            if slot == OUT:
                return Ref(node.element(index, at))
            assert node.op is not None
            return Ref(node.inputs[node.op.slots.index(slot)].element(index, at))

        return substitute(expr, name)
