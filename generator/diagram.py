"""Diagram: an exercise's graph, laid out as a picture: network, circuit, the paths of a weight.

    y of a label on the edge j → i at t:  (1 − t) y_j + t y_i

Of m units that feed n, the labels of all edges stand under one another at t = 1/(n + 1), as far from
each other as they can be (or at m/(m + 1), where that is further).  A line makes room where a label
stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from math import ceil, dist, hypot
from typing import Any

from derive.graph import Graph
from derive.graph import Node as GraphNode
from derive.ops import Affine, Softmax
from derive.quantity import Id, Quantity
from generator.exercise import Exercise
from generator.formula import Node
from generator.notation import Namer
from generator.picture import LEAST, WIDE, Box, Circle, Item, Label, Line, Picture, Point, inked, size

__all__ = ["MOST_UNITS", "Show", "branching", "canvas", "data_loss", "network", "paths"]

Show = Callable[[Id], Node]  # how a number is written
MOST_UNITS = 4  # of a layer: with more, its weights are better read in a table
GAP = 0.3  # em between what must not touch
STUB = 0.9  # em of the arrow that a bias comes in by
STRETCHED = (1.2, 1.4, 1.6, 1.8, 2, 2.3, 2.6)
BETWEEN = 0.05  # em between lines in a circle
CRUMB = 1.0  # em of a line between two labels that are left out
PAD = 0.12  # em around a label in which no line is drawn


@dataclass(frozen=True)
class Edge:
    """A connection: from unit j of the layer before to unit i, by a weight."""

    layer: int
    i: int
    j: int
    weight: Quantity


class _Network:
    """The places of a network's units, and what is written beside them."""

    def __init__(self, name: Namer, show: Show | None = None) -> None:
        self.name, self.graph, self.show, self.values = name, name.graph, show, show is not None
        self.said: dict[Quantity, Node] = {}
        self.layers = [n for n in self.graph.nodes if n.name == "z"]
        self.sizes = self.name.sizes
        self.edges = [edge for z in self.layers for edge in _edges(z)]
        units = [(n, i) for n, many in enumerate(self.sizes) for i in range(1, many + 1)]
        self.unit = {at: self.name.unit(*at) for at in units}
        self.radius = max(0.9, *(self._inside(at) for at in units))
        self.biases = {at: label for at in units if (label := self._bias(*at))}
        self.step = max(2 * self.radius + self._above + 3 * GAP, *(self._rows(z) for z in self.layers))
        self.across = [self._across(z) for z in self.layers]
        room = WIDE - 2 * self.radius - self._right
        self.columns = [0.0, *accumulate(self.across)]
        for more in STRETCHED:  # as far apart as it takes that no line crosses another one's label
            if more * sum(self.across) > room or not any(self._crossing()):
                break
            self.columns = [0.0, *(more * x for x in accumulate(self.across))]

    # --- what is written ---

    def written(self, q: Quantity) -> Node:
        """A name, or a number."""
        if q not in self.said:
            self.said[q] = self.show(q) if self.show else self.name(q.at())
        return self.said[q]

    def lines(self, at: tuple[int, int]) -> list[Node]:
        """What stands in a circle: a unit's name; under it its activation."""
        layer, i = at
        sample = self.graph.sample_numbers[0]
        q = Quantity("a", (layer, i), sample) if layer else Quantity("x", (i,), sample)
        return [self.unit[at], *([self.show(q)] if self.show else [])]

    def _inside(self, at: tuple[int, int]) -> float:
        """The radius of a circle around what stands in it."""
        return _around(self.lines(at), self.values)

    def _bias(self, layer: int, i: int) -> Node | None:
        if layer == 0:
            return None
        z = self.layers[layer - 1]
        b = _entering(z).get("b")
        return self.written(b.element((i,) if b.shape else ())) if b else None

    # --- where it stands ---

    @property
    def _right(self) -> float:
        """The place that targets take right of the outputs."""
        return 2 + max((size(t, True)[0] for _, t in self.targets()), default=0.0)

    @property
    def _above(self) -> float:
        """The place that a bias takes above its unit."""
        return max((STUB + GAP + size(label, True)[1] for label in self.biases.values()), default=0.0)

    def _between(self, z: GraphNode) -> list[tuple[float, float]]:
        """The sizes of the labels between a layer and the one before it."""
        return [size(self.written(e.weight), True) for e in self.edges if e.layer == z.prefix[0]]

    def _place(self, z: GraphNode) -> tuple[float, float]:
        """At which t the labels of a layer's edges stand; how far apart, in rows."""
        (layer,) = z.prefix
        before, after = self.sizes[layer - 1], self.sizes[layer]
        if after <= before:
            return 1 / (after + 1), 1 / (after + 1)
        return before / (before + 1), 1 / (before + 1)

    def _rows(self, z: GraphNode) -> float:
        """How far apart units stand for the labels of a layer to have room."""
        high = max(high for _, high in self._between(z))
        return (high + 1.5 * GAP) / self._place(z)[1]

    def _across(self, z: GraphNode) -> float:
        """How far a layer is from the one before it: its labels touch no circle and no bias."""
        (layer,) = z.prefix
        half = max(wide for wide, _ in self._between(z)) / 2
        t, _ = self._place(z)
        sides = []
        for share, column in ((t, layer - 1), (1 - t, layer)):
            biases = [size(b, True)[0] / 2 for (n, _), b in self.biases.items() if n == column]
            sides.append((max([self.radius, *biases]) + GAP / 2 + half) / share)
        return max(6.0, *sides)

    def _crossing(self) -> Iterator[tuple[Edge, Edge]]:
        """The connections that run through another one's label."""
        for z in self.layers:
            edges = [edge for edge in self.edges if edge.layer == z.prefix[0]]
            lines = [(edge, self.edge(edge)) for edge in edges]
            for edge in edges:
                box = self.weight(edge).ink
                yield from ((edge, o) for o, line in lines if o != edge and any(_holes(line, box)))

    def at(self, layer: int, i: int) -> Point:
        """The centre of a unit."""
        return self.columns[layer], (i - (self.sizes[layer] + 1) / 2) * self.step

    # --- items ---

    def edge(self, edge: Edge, thick: bool = False) -> Line:
        """The line of a connection, from circle to circle."""
        start, end = self.at(edge.layer - 1, edge.j), self.at(edge.layer, edge.i)
        return _joining(start, self.radius, end, self.radius, thick)

    def weight(self, edge: Edge) -> Label:
        """What is written on a connection."""
        t, _ = self._place(self.layers[edge.layer - 1])
        (x0, y0), (x1, y1) = self.at(edge.layer - 1, edge.j), self.at(edge.layer, edge.i)
        return Label((1 - t) * x0 + t * x1, (1 - t) * y0 + t * y1, self.written(edge.weight), small=True)

    def units(self, thick: Container[tuple[int, int]] = ()) -> Iterator[Item]:
        """The circles, with what stands in them."""
        for at in self.unit:
            x, y = self.at(*at)
            yield Circle(x, y, self.radius, at in thick)
            lines = self.lines(at)
            highs = [size(line, self.values)[1] for line in lines]
            top = y - (sum(highs) + BETWEEN * (len(highs) - 1)) / 2
            for line, high in zip(lines, highs, strict=True):
                yield Label(x, top + high / 2, line, small=self.values)
                top += high + BETWEEN

    def stubs(self) -> Iterator[Item]:
        """The biases, each by an arrow into its unit."""
        for at, label in self.biases.items():
            x, y = self.at(*at)
            top = y - self.radius - STUB
            yield Line(((x, top), (x, y - self.radius)), arrow=True)
            yield Label(x, top - GAP / 2 - size(label, True)[1] / 2, label, small=True)

    def skips(self, thick: Container[tuple[int, int]] = ()) -> Iterator[Line]:
        """What is added to a layer from further back, under the units in between."""
        for z in self.layers:
            if back := _entering(z).get("s"):
                (layer,) = z.prefix
                for i in range(1, z.shape[0] + 1):
                    yield self._under((back.prefix or (0,))[0], layer, i, (layer, i) in thick)

    def _under(self, back: int, layer: int, i: int, thick: bool) -> Line:
        (x0, y), (x1, _) = self.at(back, i), self.at(layer, i)
        below, edge = self.radius + 1.5 * GAP, self.radius * 0.7
        points = ((x0 + edge, y + edge), (x0 + edge + 0.3, y + below), (x1 - edge - 0.3, y + below))
        return Line((*points, (x1 - edge, y + edge)), thick, dashed=True, arrow=True)

    def to_loss(self, thick: Container[tuple[int, int]]) -> Iterator[Item]:
        """The loss, and what every output gives to it."""
        last, label = len(self.layers), self.name(data_loss(self.graph))
        radius = max(0.9, _around([label]))
        loss = (self.columns[-1] + self.radius + radius + 3, 0.0)
        for i in range(1, self.sizes[last] + 1):
            on = (last, i) in thick
            yield _joining(self.at(last, i), self.radius, loss, radius, on)
        yield Circle(*loss, radius, True)
        yield Label(*loss, label)

    def targets(self) -> Iterator[tuple[int, Node]]:
        """What each output is compared with."""
        sample = self.graph.sample_numbers[0]
        for q in (q for node in self.graph.of_kind("target") for q in node.elements(sample)):
            yield q.index[0], self.written(q)

    def ends(self) -> Iterator[Item]:
        """What becomes of the outputs: they are compared with targets, or are all there is."""
        last = len(self.layers)
        for i in range(1, self.sizes[last] + 1) if self.graph.forward_only else ():
            x, y = self.at(last, i)
            yield Line(((x + self.radius, y), (x + self.radius + 1.6, y)), arrow=True)
        for i, label in self.targets():
            x, y = self.at(last, i)
            yield Line(((x + self.radius, y), (x + self.radius + 1.4, y)), dashed=True)
            yield Label(x + self.radius + 1.4 + GAP, y, label, "start", small=True)


def _entering(z: GraphNode) -> dict[str, GraphNode]:
    """What a layer is made of, by its slots: W, a, b, s."""
    return dict(zip(z.op.slots, z.inputs, strict=True)) if z.op else {}


def _edges(z: GraphNode) -> Iterator[Edge]:
    """The connections into a layer."""
    assert isinstance(z.op, Affine)
    weights, (below,) = _entering(z)["W"], _entering(z)["a"].shape
    for i in range(1, z.shape[0] + 1):
        for j in range(1, below + 1):
            if (at := z.op.weight((i,), (j,))) is not None:
                yield Edge(z.prefix[0], i, j, weights.element(at))


def network(exercise: Exercise, show: Show | None = None) -> Picture | None:
    """Units, connections and biases with their names; or, with `show`, with their numbers.  None where
    that cannot be read."""
    name = exercise.network_namer
    return _named(name) if show is None else _network(name, show)


@lru_cache(maxsize=8)  # names are the same in every variant, and so is where they stand
def _named(name: Namer) -> Picture | None:
    return _network(name)


def _network(name: Namer, show: Show | None = None) -> Picture | None:
    if max(name.sizes) > MOST_UNITS:
        return None
    net = _Network(name, show)
    lines = [net.edge(edge) for edge in net.edges]
    labels = [net.weight(edge) for edge in net.edges]
    items = [*lines, *labels, *net.stubs(), *net.ends(), *net.skips(), *net.units()]
    what = "values" if show else "network"
    return canvas(what, items, f"{what}_picture", {"layers": net.sizes})


def _joining(start: Point, out: float, end: Point, into: float, thick: bool) -> Line:
    """An arrow from a circle of one radius to one of another."""
    (x0, y0), (x1, y1) = start, end
    far = hypot(x1 - x0, y1 - y0)
    dx, dy = (x1 - x0) / far, (y1 - y0) / far
    points = ((x0 + dx * out, y0 + dy * out), (x1 - dx * into, y1 - dy * into))
    return Line(points, thick, arrow=True)


def _around(lines: Sequence[Node], small: bool = False) -> float:
    """The radius of a circle around lines under one another."""
    wide, high = max(inked(line, small) for line in lines), sum(size(line, small)[1] for line in lines)
    high += BETWEEN * (len(lines) - 1)
    return hypot(wide, high * 0.8) / 2 + 0.15


# --- paths ---


def branching(exercise: Exercise) -> Quantity | None:
    """The first weight, from the last layer back, from which more than one path leads to the loss; none
    before a softmax, in which all paths cross."""
    if any(isinstance(n.op, Softmax) for n in exercise.graph.nodes):
        return None
    layers = [n for n in exercise.graph.nodes if n.name == "z"]
    onward = Counter({(len(layers), i): 1 for (i,) in layers[-1].present})  # paths from a unit
    paths: Counter[Quantity] = Counter()
    for z in reversed(layers):
        (layer,) = z.prefix
        for edge in _edges(z):
            onward[layer - 1, edge.j] += onward[layer, edge.i]
            paths[edge.weight] += onward[layer, edge.i]
        if back := _entering(z).get("s"):
            for (i,) in z.present:
                onward[(back.prefix or (0,))[0], i] += onward[layer, i]
    return next((weight for weight, count in paths.items() if count > 1), None)


def data_loss(graph: Graph) -> Quantity:
    """What the outputs' losses come to, before a penalty on the weights."""
    penalised = any(node.name == "R" for node in graph.nodes)
    return Quantity("L0") if penalised else graph.root.at()


def paths(exercise: Exercise, q: Quantity) -> Picture | None:
    """The network with every path from a weight to the loss; the paths are thick."""
    return _paths(exercise.network_namer, q)


@lru_cache(maxsize=8)
def _paths(name: Namer, q: Quantity) -> Picture | None:
    if max(name.sizes) > MOST_UNITS:
        return None
    net = _Network(name)
    found = _Paths(net.layers, q)
    lines = [net.edge(edge, edge in found.edges) for edge in net.edges]
    labels = [net.weight(edge) for edge in net.edges if edge in found.edges]
    skips = net.skips(found.skips)
    reached = found.units | {(e.layer - 1, e.j) for e in found.edges if e.weight == q}
    items = [*lines, *labels, *skips, *net.to_loss(found.units), *net.units(reached)]
    uses = sum(edge.weight == q for edge in net.edges)
    return canvas("paths", items, "paths_picture", {"count": found.count, "uses": uses})


class _Paths:
    """What lies on a path from a weight to an output: connections, units, what is added further on."""

    def __init__(self, layers: Sequence[GraphNode], q: Quantity) -> None:
        self.edges: set[Edge] = set()
        self.skips: set[tuple[int, int]] = set()
        ways: Counter[tuple[int, int]] = Counter()
        for z in layers:
            (layer,) = z.prefix
            for edge in _edges(z):
                along = ways[layer - 1, edge.j] + (edge.weight == q)
                if along:
                    self.edges.add(edge)
                    ways[layer, edge.i] += along
            if back := _entering(z).get("s"):
                for (i,) in z.present:
                    if along := ways[(back.prefix or (0,))[0], i]:
                        self.skips.add((layer, i))
                        ways[layer, i] += along
        self.units = {at for at, along in ways.items() if along}
        self.count = sum(along for (layer, _), along in ways.items() if layer == len(layers))


# --- the canvas ---


def canvas(name: str, items: Sequence[Item], alt: str, args: Mapping[str, Any]) -> Picture | None:
    """The items on a canvas that holds them, lines cut where labels stand (but not for those in circles,
    which have a border); none that no page holds."""
    circles = [item for item in items if isinstance(item, Circle)]
    labels = (item for item in items if isinstance(item, Label))
    boxes = [label.ink for label in labels if not any(_within(label, circle) for circle in circles)]
    cut = [part for item in items for part in (_cut(item, boxes) if isinstance(item, Line) else [item])]
    lefts, tops, rights, belows = zip(*map(_bounds, cut), strict=True)
    left, top = min(lefts) - PAD, min(tops) - PAD
    wide, high = max(rights) + PAD - left, max(belows) + PAD - top
    if wide > WIDE / LEAST:
        return None
    return Picture(name, wide, high, tuple(_moved(item, -left, -top) for item in cut), alt, args)


def _within(label: Label, circle: Circle) -> bool:
    return hypot(label.x - circle.x, label.y - circle.y) < circle.r


def _cut(line: Line, boxes: Iterable[Box]) -> list[Item]:
    """The parts of a line outside all boxes."""
    inside = sorted(hole for box in boxes for hole in _holes(line, box))
    parts: list[Item] = []
    start, end = 0.0, float(len(line.points) - 1)
    for first, last in [*inside, (end, end)]:
        if first > start:
            whole = first >= end
            points = _stretch(line, start, first)
            between = start > 0 and not whole
            if not between or dist(points[0], points[-1]) > CRUMB:
                parts.append(replace(line, points=points, arrow=line.arrow and whole))
        start = max(start, last)
    return parts


def _holes(line: Line, box: Box) -> Iterator[tuple[float, float]]:
    """Where a line is in a box: from and to, counted in its pieces."""
    low = (box.x - PAD, box.y - PAD)
    high = (box.x + box.width + PAD, box.y + box.height + PAD)
    for piece, (start, end) in enumerate(pairwise(line.points)):
        first, last = 0.0, 1.0
        for axis in (0, 1):
            step = end[axis] - start[axis]
            if not step:
                first = first if low[axis] < start[axis] < high[axis] else 2.0
                continue
            one, other = sorted(((low[axis] - start[axis]) / step, (high[axis] - start[axis]) / step))
            first, last = max(first, one), min(last, other)
        if first < last:
            yield piece + first, piece + last


def _stretch(line: Line, first: float, last: float) -> tuple[Point, ...]:
    """The line between two places of it."""

    def point(at: float) -> Point:
        piece = min(int(at), len(line.points) - 2)
        (x0, y0), (x1, y1) = line.points[piece : piece + 2]
        return x0 + (at - piece) * (x1 - x0), y0 + (at - piece) * (y1 - y0)

    between = line.points[int(first) + 1 : ceil(last)]
    return point(first), *between, point(last)


def _bounds(item: Item) -> tuple[float, float, float, float]:
    match item:
        case Line(points):
            xs, ys = zip(*points, *item.head, strict=True) if item.arrow else zip(*points, strict=True)
            return min(xs), min(ys), max(xs), max(ys)
        case Circle(x, y, r):
            return x - r, y - r, x + r, y + r
        case _:
            box = item.box if isinstance(item, Label) else item
            return box.x, box.y, box.x + box.width, box.y + box.height


def _moved(item: Item, dx: float, dy: float) -> Item:
    if isinstance(item, Line):
        return replace(item, points=tuple((x + dx, y + dy) for x, y in item.points))
    return replace(item, x=item.x + dx, y=item.y + dy)
