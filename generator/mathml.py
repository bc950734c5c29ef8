"""MathML: the math tree's printer (Presentation MathML Core), and text for HTML.

A screen reader says what is written here, so a number with its sign is one `mn`, a word is one `mi`, and
a product without a sign has an invisible times in it.
"""

from __future__ import annotations

from functools import singledispatch
from xml.etree.ElementTree import Element, tostring

from markupsafe import escape

from generator.formula import (
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
    tall,
)
from generator.text import plain

__all__ = ["escape_html", "mathml"]

SPACES = {" ": "1em", THIN: "0.167em"}
TIMES = "\u2062"  # invisible


def mathml(node: Node, display: bool = False) -> str:
    """The formula as a `<math>` element."""
    math = _of("math", *_items(node))
    if display:
        math.set("display", "block")
    return tostring(math, encoding="unicode")


def _of(tag: str, *children: Element | str, **attributes: str) -> Element:
    """<tag>children</tag>."""
    element = Element(tag, {name.rstrip("_"): said for name, said in attributes.items()})
    for child in children:
        if isinstance(child, str):
            element.text = child
        else:
            element.append(child)
    return element


def _items(node: Node, product: bool = True) -> list[Element]:
    """What stands side by side, without a row around it; in an index it is no product."""
    if not isinstance(node, Row):
        return [_element(node)]
    items: list[Element] = []
    for position, item in enumerate(node.items):
        if product and position and _times(node.items[position - 1], item):
            items.append(_of("mo", TIMES))
        items += _items(item, product)
    return items


def _times(left: Node, right: Node) -> bool:
    """Whether two things side by side are a product: not a function and its argument, f(x)."""
    if isinstance(left, Op | Text | Row) or isinstance(right, Op | Text | Row):
        return False
    return not isinstance(right, Fence) or isinstance(left, Number | Fence | Fraction)


@singledispatch
def _element(node: object) -> Element:
    raise TypeError(node)


@_element.register
def _(node: Number) -> Element:
    number = _of("mn", node.text.replace("-", "−"))
    if node.of is not None:
        return _living(node, number)
    if node.exponent is None:
        return number
    power = _of("msup", _of("mn", "10"), _of("mn", str(node.exponent).replace("-", "−")))
    return _of("mrow", number, _of("mo", "·"), power)


def _living(node: Number, number: Element) -> Element:
    """A number that follows what is edited: a script finds out what of, and with how many digits."""
    number.text = f"({node.line})" if node.guarded and node.text.startswith("-") else node.line
    about = {"data-of": str(node.of), "data-digits": str(node.digits)}
    number.attrib |= about | ({"data-guarded": ""} if node.guarded else {})
    return number


@_element.register
def _(node: Either) -> Element:
    shown, other = (_of("mrow", _element(branch)) for branch in (node.shown, node.other))
    names = ("data-if", "data-unless") if node.holds else ("data-unless", "data-if")
    for branch, name in zip((shown, other), names, strict=True):
        branch.set(name, str(node.condition))
    other.set("hidden", "")
    return _of("mrow", shown, other)


@_element.register
def _(node: Symbol) -> Element:
    return _of("mi", node.text)


@_element.register
def _(node: Text) -> Element:
    return _of("mtext", node.text.replace(" ", "\u00a0"))


@_element.register
def _(node: Op) -> Element:
    if node.text in SPACES:
        return _of("mspace", width=SPACES[node.text])
    return _of("mo", node.text, **({"stretchy": "false"} if node.text in "()[]" else {}))


@_element.register
def _(node: Row) -> Element:
    return _of("mrow", *_items(node))


@_element.register
def _(node: Fraction) -> Element:
    return _of("mfrac", _element(node.top), _element(node.bottom))


@_element.register
def _(node: Index) -> Element:
    if node.sup == Op("′"):
        return _of(
            "mrow", _element(Index(node.base, node.sub) if node.sub else node.base), _of("mo", "′")
        )
    scripts = {"sub": node.sub, "sup": node.sup}
    tag = "m" + "".join(name for name, script in scripts.items() if script)
    rows = (_items(script, product=False) for script in scripts.values() if script)
    return _of(tag, _element(node.base), *(r[0] if len(r) == 1 else _of("mrow", *r) for r in rows))


@_element.register
def _(node: Root) -> Element:
    return _of("msqrt", *_items(node.body))


@_element.register
def _(node: Hat) -> Element:
    return _of("mover", _element(node.body), _of("mo", "^"), accent="true")


@_element.register
def _(node: Fence) -> Element:
    if isinstance(node.body, Number) and node.body.guarded:
        return _element(node.body)
    left, right = (
        _of("mo", bracket, **({} if tall(node.body) else {"stretchy": "false"})) for bracket in node.kind
    )
    return _of("mrow", left, *_items(node.body), right)


@_element.register
def _(node: Matrix) -> Element:
    lines = (_of("mtr", *(_of("mtd", *_items(cell)) for cell in line)) for line in node.rows)
    table = _of("mtable", *lines, **({"displaystyle": "true"} if node.loose else {}))
    return _of("mrow", _of("mo", "["), table, _of("mo", "]"))


@_element.register
def _(node: Under) -> Element:
    return _of("munder", _element(node.body), _element(node.below))


@_element.register
def _(node: Brace) -> Element:
    braced = _of("munder", _element(node.body), _of("mo", "⏟", stretchy="true"))
    return _of("munder", braced, _element(node.below))


@_element.register
def _(node: Boxed) -> Element:
    return _of("mrow", *_items(node.body), class_="boxed")


@_element.register
def _(node: Cases) -> Element:
    lines = (_of("mtr", *(_of("mtd", *_items(part)) for part in branch)) for branch in node.branches)
    return _of("mrow", _of("mo", "{"), _of("mtable", *lines, class_="cases"))


@_element.register
def _(node: Aligned) -> Element:
    lines = (_of("mtr", *(_of("mtd", *_items(side)) for side in line)) for line in node.lines)
    return _of("mtable", *lines, class_="aligned", displaystyle="true")


# --- text ---


def escape_html(text: str) -> str:
    """Text inside an element or an attribute."""
    return str(escape(plain(text)))
