"""Picture: a display list, and its printers: SVG, pict2e (LaTeX), typst.

    Picture = width × height (em), Line | Circle | Box | Label …

Lengths are in em of the text around, y grows downwards.  What is drawn is ink on whatever is behind it:
nothing is covered by something white, so a picture stands on a dark page too, and colour says nothing:
what matters is thick, what is different is dashed.  `diagram` places, this module prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, singledispatch
from html import escape
from itertools import pairwise
from math import hypot
from typing import Any, Literal

from generator.formula import (
    INFIX,
    THIN,
    Aligned,
    Boxed,
    Brace,
    Cases,
    Either,
    Fence,
    Fraction,
    Hat,
    Index,
    Matrix,
    Node,
    Number,
    Op,
    Root,
    Row,
    Symbol,
    Text,
    Under,
    width,
)
from generator.latex import latex
from generator.typst import typst

__all__ = ["LEAST", "SMALL", "WIDE", "Box", "Circle", "Item", "Label", "Line", "Picture", "Point"]
__all__ += ["extent", "figure", "inked", "pict2e", "size", "spoken", "svg"]

Point = tuple[float, float]
SMALL = 0.82  # of the size of the text around
THIN_LINE, THICK_LINE = 0.04, 0.13
DASH = 0.25  # em of a dash, and between two
WIDE = 41.0  # em that a page has; what is wider is made smaller
LEAST = 0.77  # but no smaller than this
HEAD = 0.5  # em that an arrow's head is long


@dataclass(frozen=True, slots=True)
class Line:
    """Straight pieces from point to point; with an arrow at its end."""

    points: tuple[Point, ...]
    thick: bool = False
    dashed: bool = False
    arrow: bool = False

    @property
    def head(self) -> tuple[Point, Point, Point]:
        """The triangle at its end, the tip first."""
        (x0, y0), (x1, y1) = self.points[-2:]
        far = hypot(x1 - x0, y1 - y0) or 1.0
        dx, dy = (x1 - x0) / far * HEAD, (y1 - y0) / far * HEAD
        wide = 0.45 if self.thick else 0.3
        left = (x1 - dx - wide * dy, y1 - dy + wide * dx)
        return (x1, y1), left, (x1 - dx + wide * dy, y1 - dy - wide * dx)

    @property
    def drawn(self) -> tuple[Point, ...]:
        """Its points, the last one inside the head, so that a thick line does not blunt the tip."""
        if not self.arrow:
            return self.points
        tip, left, right = self.head
        middle = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
        inside = ((tip[0] + 2 * middle[0]) / 3, (tip[1] + 2 * middle[1]) / 3)
        return (*self.points[:-1], inside)


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle around (x, y)."""

    x: float
    y: float
    r: float
    thick: bool = False
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; (x, y) is its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    thick: bool = False
    filled: bool = False

    @property
    def corners(self) -> tuple[Point, ...]:
        right, below = self.x + self.width, self.y + self.height
        return (self.x, self.y), (right, self.y), (right, below), (self.x, below)


@dataclass(frozen=True, slots=True)
class Label:
    """A formula that starts at, is centred on, or ends at (x, y), half of it above and half below."""

    x: float
    y: float
    text: Node
    anchor: Literal["start", "middle", "end"] = "middle"
    small: bool = False

    @property
    def size(self) -> tuple[float, float]:
        """Its width and height, on the safe side."""
        return size(self.text, self.small)

    @property
    def box(self) -> Box:
        """The place that is left for it."""
        return self._around(*self.size)

    @property
    def ink(self) -> Box:
        """The place that it takes, in whatever font."""
        return self._around(inked(self.text, self.small), self.size[1])

    def _around(self, wide: float, high: float) -> Box:
        shift = {"start": 0.0, "middle": wide / 2, "end": wide}[self.anchor]
        return Box(self.x - shift, self.y - high / 2, wide, high)


Item = Line | Circle | Box | Label


@dataclass(frozen=True)
class Picture:
    """Items on a canvas; `alt` is the phrase that says what there is to see, for who does not."""

    name: str
    width: float
    height: float
    items: tuple[Item, ...]
    alt: str
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> Iterator[Label]:
        return (item for item in self.items if isinstance(item, Label))


def _decimal(number: float, places: int) -> str:
    text = f"{number:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


# --- how large a formula is ---------------------------------------------------------------------

SCRIPT = 0.7  # of the size of what has the index
SUB, SUP = 0.2, 0.38  # em that scripts are lowered and raised


@lru_cache(4096)
def size(node: Node, small: bool = False) -> tuple[float, float]:
    """Width and height in em, on the safe side."""
    scale = SMALL if small else 1.0
    return max(width(node) * scale, inked(node, small)), sum(extent(node)) * scale


@singledispatch
def extent(node: object) -> tuple[float, float]:
    """What stands above the baseline and below it, in em."""
    return 0.74, 0.24


@extent.register
def _(node: Row) -> tuple[float, float]:
    each = [extent(item) for item in node.items] or [(0.74, 0.24)]
    return max(up for up, _ in each), max(down for _, down in each)


@extent.register
def _(node: Index) -> tuple[float, float]:
    up, down = extent(node.base)
    if node.sup:
        up = max(up, SUP + SCRIPT * extent(node.sup)[0])
    if node.sub:
        down = max(down, SUB + SCRIPT * extent(node.sub)[1])
    return up, down


@extent.register
def _(node: Fraction) -> tuple[float, float]:
    return 0.35 + sum(extent(node.top)), sum(extent(node.bottom)) - 0.1


@extent.register
def _(node: Fence) -> tuple[float, float]:
    return extent(node.body)


@extent.register
def _(node: Root) -> tuple[float, float]:
    up, down = extent(node.body)
    return up + 0.15, down


AXIS = 0.25  # em above the baseline that fractions and matrices are centred on
CELL = 0.5  # em between the lines of a matrix


def _centred(high: float) -> tuple[float, float]:
    return high / 2 + AXIS, high / 2 - AXIS


@extent.register
def _(node: Matrix) -> tuple[float, float]:
    more = 0.6 if node.loose else 0.0
    return _centred(sum(max(sum(extent(c)) for c in line) + CELL + more for line in node.rows))


@extent.register
def _(node: Cases) -> tuple[float, float]:
    return _centred(sum(max(sum(extent(part)) for part in branch) + CELL for branch in node.branches))


@extent.register
def _(node: Aligned) -> tuple[float, float]:
    return _centred(sum(max(sum(extent(side)) for side in line) + CELL for line in node.lines))


@extent.register
def _(node: Under) -> tuple[float, float]:
    up, down = extent(node.body)
    return up, down + 0.2 + SCRIPT * sum(extent(node.below))


@extent.register
def _(node: Brace) -> tuple[float, float]:
    up, down = extent(node.body)
    return up, down + 0.5 + SCRIPT * sum(extent(node.below))


@extent.register
def _(node: Boxed) -> tuple[float, float]:
    up, down = extent(node.body)
    return up + 0.35, down + 0.35


@extent.register
def _(node: Either) -> tuple[float, float]:
    return extent(node.shown)


# --- SVG --------------------------------------------------------------------------------------

EM = 16  # units of a drawing

# Widths of glyphs in 1/1000 em, those of Times: what a browser has instead is fitted to them, so that a
# label takes the place that was left for it.
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_UPRIGHT = (
    "444 500 444 500 444 333 500 500 278 278 500 278 778 500 500 500 500 333 389 278 500 500 722 500 "
    "500 444 722 667 667 722 611 556 722 722 333 389 722 611 889 722 722 556 722 667 556 611 722 722 "
    "944 722 722 611"
)
_ITALIC = (
    "500 500 444 500 444 278 500 500 278 278 444 278 722 500 500 500 500 389 389 278 500 444 667 444 "
    "444 389 611 611 667 722 611 611 722 722 333 444 667 556 833 667 722 611 722 611 500 556 722 611 "
    "833 611 556 556"
)
_SIGNS = {".": 250, ",": 250, "(": 333, ")": 333, "[": 333, "]": 333, " ": 250, "′": 247, "·": 250}
_SIGNS |= dict.fromkeys("+−=<>≤≥≠≈×±", 564) | dict.fromkeys("0123456789", 500) | {"→": 987, "∂": 494}
_WIDE = {
    italic: _SIGNS | dict(zip(_LETTERS, map(int, table.split()), strict=True))
    for italic, table in ((False, _UPRIGHT), (True, _ITALIC))
}


_AS_WIDE = set("0123456789.,()[] ")  # in any font


def _set_width(text: str, italic: bool, letters: float = 1.0) -> float:
    wide = _WIDE[italic]
    return sum(wide.get(c, 550) * (1.0 if c in _AS_WIDE else letters) for c in text) / 1000


@dataclass(frozen=True)
class _Run:
    """A text at its place; `number`, where it lives (see `formula.Number`)."""

    x: float
    y: float
    scale: float
    text: str
    italic: bool
    number: Number | None = None


@dataclass
class _Setter:
    """Sets a formula as runs of text, each at its place, and rules; with wider letters, to be sure."""

    letters: float = 1.0
    runs: list[_Run] = field(default_factory=list)
    rules: list[tuple[float, float, float, float]] = field(default_factory=list)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        scale: float,
        italic: bool = False,
        number: Number | None = None,
    ) -> float:
        self.runs.append(_Run(x, y, scale, text, italic, number))
        return x + scale * _set_width(text, italic, self.letters)

    def put(self, node: Node, x: float, y: float, scale: float, first: bool = True) -> float:
        """Sets a node from x on, on the baseline y; where it ends."""
        match node:
            case Number() if node.of is not None:
                return self.text(node.line, x, y, scale, number=node)
            case Number(text, exponent):
                x = self.text(text.replace("-", "−"), x, y, scale)
                if exponent is None:
                    return x
                x = self.text("·10", x, y, scale)
                power = str(exponent).replace("-", "−")
                return self.text(power, x, y - SUP * scale, scale * SCRIPT)
            case Symbol(text):
                return self.text(text, x, y, scale, italic=len(text) == 1 and not "Α" <= text <= "Ω")
            case Text(text):
                return self.text(text, x, y, scale)
            case Op(text):
                gap = {THIN: 0.2, " ": 1.0}.get(text)
                if gap is not None:
                    return x + gap * scale
                around = 0.22 * scale if text in INFIX and not first else 0.0
                x = self.text(text, x + around, y, scale)
                return x + (around or (0.15 * scale if text == "," else 0.0))
            case Row(items):
                for place, item in enumerate(items):
                    x = self.put(item, x, y, scale, place == 0)
                return x
            case Index(base, sub, sup):
                x = self.put(base, x, y, scale) + 0.04 * scale
                ends = [x]
                if sub:
                    ends.append(self.put(sub, x, y + SUB * scale, scale * SCRIPT))
                if sup:
                    ends.append(self.put(sup, x, y - SUP * scale, scale * SCRIPT))
                return max(ends)
            case Fraction(top, bottom):
                wide = [_Setter(self.letters).put(part, 0.0, 0.0, scale) for part in (top, bottom)]
                end = x + max(wide) + 0.3 * scale
                self.put(top, (x + end - wide[0]) / 2, y - (0.35 + extent(top)[1]) * scale, scale)
                self.put(bottom, (x + end - wide[1]) / 2, y + (extent(bottom)[0] - 0.1) * scale, scale)
                axis, inset = y - 0.25 * scale, 0.08 * scale
                self.rules.append((x + inset, axis, end - inset, axis))
                return end
            case Fence(body, kind):
                x = self.text(kind[0], x, y, scale)
                return self.text(kind[1], self.put(body, x, y, scale), y, scale)
            case Root(body):
                x = self.text("√", x, y, scale)
                end = self.put(body, x, y, scale)
                self.rules.append((x, y - extent(body)[0] * scale, end, y - extent(body)[0] * scale))
                return end
            case Hat(body):
                return self.text(body.text + "\u0302", x, y, scale, italic=True)
            case _:
                raise TypeError(f"a label has no place for a {type(node).__name__}")


@lru_cache(4096)
def inked(node: Node, small: bool = False) -> float:
    """How wide a formula is set, TeX's letters being wider than those of Times."""
    return _Setter(letters=1.35).put(node, 0.0, 0.0, SMALL if small else 1.0) + 0.1


def _measured(node: Node, scale: float) -> float:
    return _Setter().put(node, 0.0, 0.0, scale)


def spoken(node: Node) -> str:
    """A formula as a line of plain text: w5, 0.15."""
    setter = _Setter()
    setter.put(node, 0.0, 0.0, 1.0)
    return "".join(run.text for run in setter.runs)


def svg(picture: Picture, title: str, alone: bool = False) -> str:
    """The picture as SVG, its text as text, its ink the colour of the text around; `alone`, as a file,
    it has no text around and follows the reader's choice of light or dark itself."""
    wide, high = _units(picture.width), _units(picture.height)
    about = f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img"'
    least = "" if alone else f"; min-width: {_units(LEAST * picture.width)}px"  # then a phone scrolls
    style = f"max-width: 100%{least}; height: auto"
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {about} style="{style}">']
    lines.append(f"<title>{escape(title)}</title>")
    if alone:
        dark = "@media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }"
        lines.append(f"<style>{dark}</style>")
    family = "'Times New Roman', Times, 'Liberation Serif', 'STIX Two Text', serif"
    ink = 'fill="none" stroke="currentColor" stroke-linejoin="round"'
    lines.append(f'<g {ink} font-family="{family}" font-size="{EM}">')
    for item in picture.items:
        lines += _svg(item)
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _units(length: float) -> str:
    """In units of a drawing, with as many decimals as can be seen."""
    return _decimal(length * EM, 2)


def _stroke(thick: bool, dashed: bool = False) -> str:
    dashes = f' stroke-dasharray="{_units(DASH)}"' if dashed else ""
    return f'stroke-width="{_units(THICK_LINE if thick else THIN_LINE)}"{dashes}'


def _path(points: tuple[Point, ...]) -> str:
    return "M" + " L".join(f"{_units(x)} {_units(y)}" for x, y in points)


_INK = 'fill="currentColor" stroke="none"'


@singledispatch
def _svg(item: object) -> Iterator[str]:
    raise TypeError(item)


@_svg.register
def _(item: Line) -> Iterator[str]:
    yield f'<path d="{_path(item.drawn)}" {_stroke(item.thick, item.dashed)}/>'
    if item.arrow:
        yield f'<path d="{_path(item.head)} Z" {_INK}/>'


@_svg.register
def _(item: Circle) -> Iterator[str]:
    drawn = _INK if item.filled else _stroke(item.thick)
    yield f'<circle cx="{_units(item.x)}" cy="{_units(item.y)}" r="{_units(item.r)}" {drawn}/>'


@_svg.register
def _(item: Box) -> Iterator[str]:
    place = f'x="{_units(item.x)}" y="{_units(item.y)}"'
    drawn = _INK if item.filled else _stroke(item.thick)
    yield f'<rect {place} width="{_units(item.width)}" height="{_units(item.height)}" {drawn}/>'


@_svg.register
def _(item: Label) -> Iterator[str]:
    scale = SMALL if item.small else 1.0
    wide = _measured(item.text, scale)
    shift = {"start": 0.0, "middle": wide / 2, "end": wide}[item.anchor]
    up, down = extent(item.text)
    setter = _Setter()
    setter.put(item.text, item.x - shift, item.y + (up - down) / 2 * scale, scale)
    spans = []
    for run in setter.runs:
        attributes = [f'x="{_units(run.x)}" y="{_units(run.y)}" font-size="{_units(run.scale)}"']
        if run.italic:
            attributes.append('font-style="italic"')
        if run.number:  # of any length, once it has been edited
            about = f'data-of="{escape(str(run.number.of))}" data-digits="{run.number.digits}"'
            attributes.append(about)
        elif len(run.text) > 1:
            fitted = _units(run.scale * _set_width(run.text, run.italic))
            attributes.append(f'textLength="{fitted}" lengthAdjust="spacingAndGlyphs"')
        spans.append(f"<tspan {' '.join(attributes)}>{escape(run.text)}</tspan>")
    yield f"<text {_INK}>{''.join(spans)}</text>"
    for rule in setter.rules:
        yield f'<path d="{_path((rule[:2], rule[2:]))}" {_stroke(thick=False)}/>'


# --- pict2e -----------------------------------------------------------------------------------


def pict2e(picture: Picture, title: str = "") -> str:
    """The picture as LaTeX, with the package pict2e: eight times as fast to set as TikZ.  PDF as LaTeX
    makes it has no place for a title."""
    smaller = picture.width > WIDE
    lines = [rf"\scalebox{{{_length(WIDE / picture.width)}}}{{%"] * smaller
    lines.append(r"\setlength{\unitlength}{1em}%")
    lines.append(r"\begin{picture}" + _at((picture.width, picture.height)))
    pen = ""
    for line in (line for item in picture.items for line in _pict2e(item, picture.height)):
        if line != pen:  # it is still in hand
            lines.append(line)
        pen = line if line.startswith(r"\linethickness") else pen
    return "\n".join([*lines, r"\end{picture}" + "}" * smaller])


def _length(length: float) -> str:
    return _decimal(length, 3)


def _at(point: Point) -> str:
    return f"({_length(point[0])},{_length(point[1])})"


def _pen(thick: bool) -> str:
    return rf"\linethickness{{{THICK_LINE if thick else THIN_LINE}em}}"


@singledispatch
def _pict2e(item: object, height: float) -> Iterator[str]:
    raise TypeError(item)


@_pict2e.register
def _(item: Line, height: float) -> Iterator[str]:
    points = [(x, height - y) for x, y in item.drawn]
    yield _pen(item.thick)
    if item.dashed:
        for (x0, y0), (x1, y1) in pairwise(points):
            far = hypot(x1 - x0, y1 - y0)
            count = max(round((far / DASH + 1) / 2), 1)  # ends with a dash
            dx, dy = (x1 - x0) / (2 * count - 1), (y1 - y0) / (2 * count - 1)
            step, dash = _at((2 * dx, 2 * dy)), _at((dx, dy))
            yield rf"\multiput{_at((x0, y0))}{step}{{{count}}}{{\Line(0,0){dash}}}"
    else:
        yield r"\polyline" + "".join(map(_at, points))
    if item.arrow:
        yield r"\polygon*" + "".join(_at((x, height - y)) for x, y in item.head)


@_pict2e.register
def _(item: Circle, height: float) -> Iterator[str]:
    if not item.filled:
        yield _pen(item.thick)
    star = "*" * item.filled
    yield rf"\put{_at((item.x, height - item.y))}{{\circle{star}{{{_length(2 * item.r)}}}}}"


@_pict2e.register
def _(item: Box, height: float) -> Iterator[str]:
    if not item.filled:
        yield _pen(item.thick)
    corners = "".join(_at((x, height - y)) for x, y in item.corners)
    yield rf"\polygon{'*' * item.filled}{corners}"


@_pict2e.register
def _(item: Label, height: float) -> Iterator[str]:
    side = {"start": "[l]", "middle": "", "end": "[r]"}[item.anchor]
    text = (r"\footnotesize " if item.small else "") + f"${latex(item.text)}$"
    yield rf"\put{_at((item.x, height - item.y))}{{\makebox(0,0){side}{{{text}}}}}"


# --- typst ------------------------------------------------------------------------------------


def figure(picture: Picture, title: str) -> str:
    """The picture as typst, with its title for who does not see it."""
    said = title.replace("\\", "\\\\").replace('"', '\\"')
    canvas = f"width: {_em(picture.width)}, height: {_em(picture.height)}"
    lines = [f'#figure(alt: "{said}",', f"  box({canvas}, {{"]
    if smaller := picture.width > WIDE:
        share = f"{_decimal(100 * WIDE / picture.width, 2)}%"
        lines.insert(1, f"  scale(x: {share}, y: {share}, reflow: true,")
    for item in picture.items:
        lines += (f"    place(top + left, {drawn})" for drawn in _figure(item))
    return "\n".join([*lines, "  })" + ")" * smaller + ")"])


def _em(length: float) -> str:
    return f"{_decimal(length, 3)}em"


def _pair(point: Point) -> str:
    return f"({_em(point[0])}, {_em(point[1])})"


def _ink(thick: bool, dashed: bool = False) -> str:
    pen = _em(THICK_LINE if thick else THIN_LINE)
    return (
        f"stroke: (thickness: {pen}, dash: ({_em(DASH)}, {_em(DASH)}))" if dashed else f"stroke: {pen}"
    )


@singledispatch
def _figure(item: object) -> Iterator[str]:
    raise TypeError(item)


@_figure.register
def _(item: Line) -> Iterator[str]:
    start, *others = map(_pair, item.drawn)
    ways = [f"curve.move({start})", *(f"curve.line({point})" for point in others)]
    yield f"curve({_ink(item.thick, item.dashed)}, {', '.join(ways)})"
    if item.arrow:
        yield f"polygon(fill: black, {', '.join(map(_pair, item.head))})"


@_figure.register
def _(item: Circle) -> Iterator[str]:
    place = f"dx: {_em(item.x - item.r)}, dy: {_em(item.y - item.r)}"
    yield f"{place}, circle(radius: {_em(item.r)}, {'fill: black' if item.filled else _ink(item.thick)})"


@_figure.register
def _(item: Box) -> Iterator[str]:
    place = f"dx: {_em(item.x)}, dy: {_em(item.y)}"
    wide = f"width: {_em(item.width)}, height: {_em(item.height)}"
    yield f"{place}, rect({wide}, {'fill: black' if item.filled else _ink(item.thick)})"


@_figure.register
def _(item: Label) -> Iterator[str]:
    side = {"start": "left", "middle": "center", "end": "right"}[item.anchor]
    body = f"${typst(item.text)}$"
    body = f"text({SMALL}em)[{body}]" if item.small else f"[{body}]"
    held = f"box(width: 0pt, height: 0pt, place({side} + horizon, box({body})))"
    yield f"dx: {_em(item.x)}, dy: {_em(item.y)}, {held}"
