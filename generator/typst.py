"""Typst: the math tree's printer, and text.

Whatever could be syntax stands behind a backslash or in a string: a comma does not part the arguments of
a function, and a parenthesis grows only where it is to.
"""

from __future__ import annotations

import re
from functools import singledispatch

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
    tall,
)
from generator.text import plain

__all__ = ["escape_typst", "typst"]

OPS = {" ": "quad", THIN: "thin", "·": "⋅", "′": "prime", "⊙": "dot.o", "…": "dots.h"}
OPS |= {c: "\\" + c for c in ",;()[]"} | {"/": "\\/", "⟨": "chevron.l", "⟩": "chevron.r"}


@singledispatch
def typst(node: object) -> str:
    """The formula as typst math, without delimiters."""
    raise TypeError(node)


@typst.register
def _(node: Number) -> str:
    text = node.text.replace(",", '","')  # in quotes a decimal comma has no space after it
    return text if node.exponent is None else f"{text} ⋅ 10^({node.exponent})"


@typst.register
def _(node: Symbol) -> str:
    return node.text if len(node.text) == 1 else _string(node.text)


@typst.register
def _(node: Text) -> str:
    return _string(node.text)


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@typst.register
def _(node: Op) -> str:
    return OPS.get(node.text, node.text)


@typst.register
def _(node: Row) -> str:
    """A space around a word would be seen: only what would run together is kept apart."""
    text = ""
    for item in node.items:
        part = typst(item)
        if isinstance(item, Op) and item.text in INFIX:
            part = f" {part} "
        elif text[-1:].isalnum() and part[:1].isalnum():
            part = " " + part
        text += part
    return text.strip()


@typst.register
def _(node: Fraction) -> str:
    return f"frac({typst(node.top)}, {typst(node.bottom)})"


@typst.register
def _(node: Index) -> str:
    scripts = [(sign, name, n) for sign, name, n in (("_", "b", node.sub), ("^", "t", node.sup)) if n]
    if isinstance(node.base, Row | Fraction | Index):
        named = "".join(f", {name}: {typst(script)}" for _, name, script in scripts)
        return f"attach({typst(node.base)}{named})"
    return typst(node.base) + "".join(sign + _script(script) for sign, _, script in scripts)


def _script(node: Node) -> str:
    """Parentheses that typst takes for braces, around more than a character."""
    shown = typst(node)
    return shown if len(shown) == 1 else f"({shown})"


@typst.register
def _(node: Root) -> str:
    return f"sqrt({typst(node.body)})"


@typst.register
def _(node: Hat) -> str:
    return f"hat({typst(node.body)})"


@typst.register
def _(node: Fence) -> str:
    left, right = node.kind
    inside = f"\\{left}{typst(node.body)}\\{right}"
    return f"lr({inside})" if tall(node.body) else inside


@typst.register
def _(node: Matrix) -> str:
    cell = _loose if node.loose else typst
    lines = "; ".join(", ".join(cell(n) or '""' for n in line) for line in node.rows)
    return f'mat(delim: "[", {lines})'


def _loose(node: Node) -> str:
    """An element of a matrix: a fraction as large as outside; typst itself keeps what is tall apart."""
    shown = typst(node)
    return f"display({shown})" if tall(node) else shown


@typst.register
def _(node: Under) -> str:
    return f"attach(limits({typst(node.body)}), b: {typst(node.below)})"


@typst.register
def _(node: Brace) -> str:
    return f"underbrace({typst(node.body)}, {typst(node.below)})"


@typst.register
def _(node: Boxed) -> str:
    return f"#box(stroke: 0.5pt, inset: 0.3em, ${typst(node.body)}$)"


@typst.register
def _(node: Cases) -> str:
    return "cases(" + ", ".join(f"{typst(v)} & quad {typst(c)}" for v, c in node.branches) + ")"


@typst.register
def _(node: Either) -> str:
    return typst(node.shown)


@typst.register
def _(node: Aligned) -> str:
    return " \\\n  ".join(f"{typst(left)} & {typst(right)}".strip() for left, right in node.lines)


# --- text ---

_MARKUP = re.compile(
    r"[\\#$*_`<>@~\[\]\"']"  # markup wherever it stands
    r"|^[-+=/]|(?<=^\d)\.|-(?=[-?\d])|(?<=-)-|\.(?=\.)"  # a list, a dash, an ellipsis
    r"|/(?=[/*])|(?<=/)/|:(?=//)"  # a comment, an address
)


def escape_typst(text: str) -> str:
    """Text that typst shows as it is: no code, no markup, no link."""
    return _MARKUP.sub(lambda match: "\\" + match[0], plain(text))
