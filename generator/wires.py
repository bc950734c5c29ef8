"""Wires: a circuit laid out as a picture, left to right.

    column of a gate = 1 + the last column of what it is computed from

Every wire leaves level with its gate, with its value above and its gradient below, and enters the next
one level; in between it slants.  A wire that passes a column has a place of its own in it.  Places are
ordered by the mean place of their neighbours, then moved to the mean height of their neighbours as far
as their order and size allow (the squares of what is left are the least that there can be).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from statistics import fmean

from derive.expression import Ref, call
from derive.graph import Node as Gate
from derive.ops import GATES, Elementwise
from derive.quantity import Quantity
from generator.diagram import Show, canvas
from generator.exercise import Exercise
from generator.formula import Node, Op, Symbol, row, width
from generator.picture import LEAST, WIDE, Box, Circle, Item, Label, Line, Picture, inked, size
from generator.typeset import typeset

__all__ = ["circuit"]

MOST_GATES = 30  # beyond which nobody follows a wire
TALL = 50.0  # em that a page has
GAP = 0.25
ROUND = 0.85  # radius of a gate with a sign in it
PORT = 0.9  # em between the wires that enter a gate
LONG = 9.0  # em of a formula in a gate; of a longer one its name stands there
SIGNS = {"+": "+", "-": "−", "*": "×", "/": "/"}
COMMUTE = ("+", "*", "max", "min")
SWEEPS = 12
ENTRY = 0.6  # em that a wire runs level into a gate
# Whether a wire has its name beside its value, and a gate the formula of a whole line; in how many em.
ATTEMPTS = ((True, True, WIDE), (False, True, WIDE / LEAST), (False, False, WIDE / LEAST))


def circuit(exercise: Exercise, show: Show, solved: bool = False) -> Picture | None:
    """Gates and wires with what is given; `solved`: with the value and the gradient of every wire.  None
    of a word problem, or of what no page holds."""
    source = exercise.spec.circuit
    gates = sum(node.op is not None for node in exercise.graph.nodes)
    if source is None or source.text or gates > MOST_GATES:
        return None
    for named, formulas, room in ATTEMPTS:
        drawn = _Circuit(exercise, show, solved, named, formulas).picture()
        if drawn and drawn.width <= room and drawn.height <= TALL:
            return drawn
    return None


@dataclass(eq=False)
class _Place:
    """A gate, an input, or a wire that passes, in its column."""

    gate: Gate
    passing: bool
    entering: list[_Place] = field(default_factory=list)  # in the order of its slots
    leaving: list[_Place] = field(default_factory=list)
    order: float = 0.0
    y: float = 0.0
    half: float = 0.4  # of the height that it takes


class _Circuit:
    def __init__(
        self, exercise: Exercise, show: Show, solved: bool, named: bool, formulas: bool
    ) -> None:
        self.exercise, self.show = exercise, show
        self.solved, self.named, self.formulas = solved, named, formulas
        self.graph, self.name = exercise.graph, exercise.namer
        self.reached = self.graph.ancestors()  # by a gradient
        self.columns = self._placed()
        for place in (place for column in self.columns for place in column if not place.passing):
            place.half = self._half(place)
        self._ordered()
        self._levelled()

    # --- columns ---

    def _depths(self) -> dict[Gate, int]:
        """The column of each gate; an input stands right before what it enters first."""
        depth: dict[Gate, int] = {}
        for node in self.graph.nodes:
            if node.op:
                depth[node] = 1 + max(depth.get(source, 0) for source in node.inputs)
        for node in self.graph.given:
            uses = [depth[gate] for gate in self.graph.consumers(node)]
            if uses:
                depth[node] = min(uses) - 1
        return depth

    def _placed(self) -> list[list[_Place]]:
        """The places of all columns, joined."""
        depth = self._depths()
        columns: list[list[_Place]] = [[] for _ in range(max(depth.values()) + 1)]
        own: dict[tuple[Gate, int], _Place] = {}

        def place(gate: Gate, column: int) -> _Place:
            """Where a gate's wire is in a column; passing, behind its own."""
            if (gate, column) not in own:
                own[gate, column] = new = _Place(gate, column > depth[gate])
                columns[column].append(new)
                if new.passing:
                    before = place(gate, column - 1)
                    new.entering.append(before)
                    before.leaving.append(new)
            return own[gate, column]

        def visit(gate: Gate) -> None:
            for source in gate.inputs:
                if (source, depth[source]) not in own:
                    visit(source)
            mine = place(gate, depth[gate])
            for source in gate.inputs:
                before = place(source, depth[gate] - 1)
                mine.entering.append(before)
                before.leaving.append(mine)

        for node in reversed(self.graph.nodes):  # the output first, so that its inputs stand in order
            if node in depth and (node, depth[node]) not in own:
                visit(node)
        return columns

    def _ordered(self) -> None:
        """Puts each column in the order of its neighbours' places, and keeps the best of all orders."""
        best, fewest = [list(column) for column in self.columns], self._crossings()
        for sweep in range(SWEEPS):
            forward = sweep % 2 == 0
            for column in self.columns if forward else self.columns[::-1]:
                means = {id(p): self._mean(p.entering if forward else p.leaving, p) for p in column}
                column.sort(key=lambda p: means[id(p)])
                self._number(column)
            if (crossings := self._crossings()) < fewest:
                best, fewest = [list(column) for column in self.columns], crossings
        self.columns = best
        for column in self.columns:
            self._number(column)

    @staticmethod
    def _mean(neighbours: Sequence[_Place], own: _Place) -> float:
        return fmean(p.order for p in neighbours) if neighbours else own.order

    @staticmethod
    def _number(column: Sequence[_Place]) -> None:
        for number, place in enumerate(column):
            place.order = number - (len(column) - 1) / 2

    def _crossings(self) -> int:
        for column in self.columns:
            self._number(column)
        count = 0
        for column in self.columns:
            wires = [(p.order, q.order) for p in column for q in p.leaving]
            count += sum((a - c) * (b - d) < 0 for a, b in wires for c, d in wires)
        return count

    def _levelled(self) -> None:
        for column in self.columns:
            for place in column:
                place.y = 4 * place.order
        for sweep in range(8 * SWEEPS):
            for column in self.columns if sweep % 2 else self.columns[::-1]:
                self._settle(column, lambda place: (*place.entering, *place.leaving))
        for column in self.columns:  # so that a wire is level where it can be
            self._settle(column, lambda place: place.entering)
        for column in self.columns[::-1]:
            self._settle(column, lambda place: place.leaving)

    def _settle(self, column: Sequence[_Place], near: Callable[[_Place], Sequence[_Place]]) -> None:
        wanted = [fmean(p.y for p in near(place)) if near(place) else place.y for place in column]
        for place, y in zip(column, self._apart(column, wanted), strict=True):
            place.y = y

    def _apart(self, column: Sequence[_Place], wanted: Sequence[float]) -> list[float]:
        """The heights nearest to what is wanted at which nothing touches (pool adjacent violators)."""
        shifts = [0.0]
        for one, other in pairwise(column):
            shifts.append(shifts[-1] + one.half + other.half)
        pools: list[tuple[float, int]] = []
        for y, shift in zip(wanted, shifts, strict=True):
            pools.append((y - shift, 1))
            while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
                (a, m), (b, n) = pools[-2:]
                pools[-2:] = [((a * m + b * n) / (m + n), m + n)]
        means = [mean for mean, count in pools for _ in range(count)]
        return [mean + shift for mean, shift in zip(means, shifts, strict=True)]

    # --- sizes ---

    def _half(self, place: _Place) -> float:
        """Half of the height that a gate or an input takes."""
        above = max((size(label, True)[1] + GAP for label in self._labels(place) if label), default=0.0)
        return max(self._shape(place)[1] / 2, above) + GAP

    def _shape(self, place: _Place) -> tuple[float, float]:
        """Width and height of a gate; of an input, those of its name."""
        if place.gate.op is None:
            wide, high = inked(self.name(self._q(place))), size(self.name(self._q(place)))[1]
            return wide + GAP, high
        label = self._label(place.gate)
        if isinstance(label, Op):
            return 2 * ROUND, 2 * ROUND
        high = max(size(label)[1] + 2 * GAP, PORT * (len(place.entering) - 1) + 2 * GAP, 2 * ROUND)
        return max(inked(label) + 3 * GAP, 2 * ROUND), high

    @staticmethod
    def _q(place: _Place) -> Quantity:
        return place.gate.element(())

    # --- what is written ---

    def _label(self, gate: Gate) -> Node:
        """What a gate does: its sign, a function of x, or a line's whole formula."""
        op = gate.op
        assert isinstance(op, Elementwise)
        known = next((name for name, row_ in GATES.items() if row_ == op), None)
        if known in SIGNS:
            return Op(SIGNS[known])
        if known and len(op.slots) > 1 and known.isalpha():
            return Symbol(known)
        x = iter("xy")
        letters = {slot: Symbol(next(x)) for slot in op.slots[:2]}
        if known and known.isalpha() and known != "neg":
            return typeset(call(known, Ref(op.slots[0])), letters.__getitem__)
        if known or op.constants:
            return typeset(op.rule(op.formula, ()), lambda leaf: letters[leaf[0]])
        definition = self.graph.definition(gate.element(()))
        assert definition is not None
        whole = typeset(definition, self.name)
        return whole if self.formulas and width(whole) <= LONG else self.name(gate.element(()))

    def _labels(self, place: _Place) -> tuple[Node | None, Node | None]:
        """What stands above and below a wire."""
        q = self._q(place)
        if place.gate.op is None:
            above: Node = self.show(q)
        elif not self.solved:
            own = self.name(q)  # which a gate may have inside
            return (None if self._label(place.gate) == own else own), None
        else:
            above = row(self.name(q), "=", self.show(q)) if self.named else self.show(q)
        if not self.solved or place.gate not in self.reached or place.gate.kind == "constant":
            return above, None
        return above, self.show(self.exercise.derivation.derivative(q))

    # --- items ---

    def picture(self) -> Picture | None:
        """All of it, left to right."""
        items: list[Item] = []
        wires: dict[Line, None] = {}
        left = 0.0
        for number, column in enumerate(self.columns):
            own = [place for place in column if not place.passing]
            body = max((self._shape(place)[0] for place in own), default=0.0)
            labels = [label for place in own for label in self._labels(place) if label]
            stem = max([size(label, True)[0] + 2 * GAP for label in labels], default=0.0)
            right = left + body + max(stem, 1.2)
            for place in column:
                items += self._drawn(place, left, body, right)
            nexts = self.columns[number + 1] if number + 1 < len(self.columns) else []
            steep = max((abs(p.y - q.y) for p in column for q in p.leaving), default=0.0)
            next_left = right + min(max(0.7, 0.5 * steep), 5.0) + ENTRY
            for place in nexts:
                for line in self._into(place, right, next_left, nexts):
                    wires[line] = None
            items += (Circle(right, p.y, 0.14, filled=True) for p in column if len(p.leaving) > 1)
            left = next_left
        args = {"gates": sum(node.op is not None for node in self.graph.nodes)}
        name = "gradients" if self.solved else "circuit"
        return canvas(name, [*wires, *items], f"{name}_picture", args)

    def _drawn(self, place: _Place, left: float, body: float, right: float) -> Iterator[Item]:
        """A gate or an input, and the wire that it leaves by."""
        if place.passing:
            yield Line(((left, place.y), (right, place.y)))
            return
        wide, high = self._shape(place)
        middle = left + body / 2
        start = middle + wide / 2
        if place.gate.op is None:
            start = left + body
            yield Label(start - GAP, place.y, self.name(self._q(place)), "end")
        else:
            label = self._label(place.gate)
            if isinstance(label, Op):
                yield Circle(middle, place.y, ROUND)
            else:
                yield Box(middle - wide / 2, place.y - high / 2, wide, high)
            yield Label(middle, place.y, label)
        yield Line(((start, place.y), (right, place.y)), arrow=not place.leaving)
        above, below = self._labels(place)
        centre = (left + body + right) / 2
        if above:
            yield Label(centre, place.y - GAP / 2 - size(above, True)[1] / 2, above, small=True)
        if below:
            yield Label(centre, place.y + GAP / 2 + size(below, True)[1] / 2, below, small=True)

    def _into(
        self, place: _Place, start: float, left: float, column: Sequence[_Place]
    ) -> Iterator[Line]:
        """The wires that enter a place from the column before."""
        if place.passing:
            (before,) = place.entering
            yield Line(((start, before.y), (left - ENTRY, place.y), (left, place.y)))
            return
        body = max((self._shape(p)[0] for p in column if not p.passing), default=0.0)
        wide, _ = self._shape(place)
        middle = left + body / 2
        for before, y in self._ports(place):
            lower = y - place.y
            round_ = isinstance(place.gate.op, Elementwise) and isinstance(self._label(place.gate), Op)
            edge = sqrt(ROUND**2 - lower**2) if round_ else wide / 2
            yield Line(((start, before.y), (left - ENTRY, y), (middle - edge, y)), arrow=True)

    def _ports(self, place: _Place) -> Iterator[tuple[_Place, float]]:
        """What enters a gate, and at what height; sorted where the order does not matter."""
        sources = list(place.entering)
        if any(place.gate.op == GATES[name] for name in COMMUTE):
            sources.sort(key=lambda p: p.y)
        for number, source in enumerate(sources):
            yield source, place.y + (number - (len(sources) - 1) / 2) * PORT
