"""Expr -> math tree: precedence and parentheses, with names or with numbers put in.

    typeset(a*(1 - a), names)    out_o1 (1 − out_o1)
    typeset(a*(1 - a), numbers)  0.7514 · (1 − 0.7514)

A negative number is in parentheses wherever it does not stand first; a minus is never doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from derive.expression import INFIX, PREFIX_MINUS, UNDEFINED, Call, Expr, Num, Ref, number_text, text
from generator.formula import (
    Cases,
    Either,
    Fence,
    Fraction,
    Index,
    Node,
    Number,
    Op,
    Root,
    Row,
    Symbol,
    Text,
    negative,
    row,
)

__all__ = ["typeset"]

Leaf = Callable[[Any], Node]
ATOM = 99
NEGATED = {">": "≤", "==": "≠"}
WRITTEN = {"log": "ln", "sigmoid": "σ", "Phi": "Φ", "phi": "φ", "pi": "π"}
RELATIONS = {">": ">", "≤": "≤", "==": "=", "≠": "≠"}


def typeset(expr: Expr, leaf: Leaf, holds: Callable[[Expr], bool] | None = None) -> Node:
    """The formula tree of `expr`, its names shown by `leaf`.

    With `holds` (numbers put in) a case distinction shows the branch that is taken and why:
    1  (1.5 > 0).
    """
    if holds and isinstance(expr, Call) and expr.fn == "where":
        return _decided(expr, leaf, holds, ())
    return _Typesetter(leaf, holds).show(expr, 0, True)


def _decided(expr: Expr, leaf: Leaf, holds: Callable[[Expr], bool], why: tuple[Node, ...]) -> Node:
    """The branch that is taken, and why: all the conditions on the way to it."""
    if not (isinstance(expr, Call) and expr.fn == "where"):
        branch = _Typesetter(leaf, holds).show(expr, 0, True)
        return row(branch, " ", Fence(Row(why) if len(why) > 1 else why[0]))
    condition, first, second = expr.args
    assert isinstance(condition, Call)
    left, right = (typeset(arg, leaf) for arg in condition.args)
    before = (*why, Op(","), Op(" ")) if why else ()
    yes, no = (
        _decided(branch, leaf, holds, (*before, row(left, sign, right)))
        for branch, sign in ((first, condition.fn), (second, NEGATED[condition.fn]))
    )
    taken = holds(condition)
    return Either(yes if taken else no, no if taken else yes, taken, text(condition))


class _Typesetter:
    def __init__(self, leaf: Leaf, holds: Callable[[Expr], bool] | None) -> None:
        self.leaf = leaf
        self.holds = holds

    def show(self, expr: Expr, outer: int, first: bool) -> Node:
        """`outer`: binding power around; `first`: nothing stands before it on the line."""
        node, power = self.build(expr, first)
        if isinstance(node, Number) and node.of is not None and (not first or outer > PREFIX_MINUS):
            node = replace(node, guarded=True)
        if power < outer or (negative(node) and not first):
            inner, _ = (node, 0) if isinstance(node, Number) else self.build(expr, True)
            return Fence(inner)
        return node

    def build(self, expr: Expr, first: bool) -> tuple[Node, int]:
        if isinstance(expr, Ref):
            return self.leaf(expr.name), ATOM
        if isinstance(expr, Num):
            if expr.value.denominator != 1 and "/" in (shown := number_text(expr.value)):
                top, bottom = shown.split("/")
                return Fraction(Number(top), Number(bottom)), ATOM
            return Number(number_text(expr.value)), ATOM
        if expr.fn == "where" and self.holds:
            condition, *branches = expr.args
            taken = self.holds(condition)
            (node, power), (other, _) = (self.build(b, first) for b in branches[:: 1 if taken else -1])
            return Either(node, other, taken, text(condition)), power
        if expr.fn in ("+", "-"):
            return self.sum(expr, first), INFIX["+"][0]
        build = {"*": self.product, "/": self.quotient, "**": self.power, "neg": self.minus}
        if expr.fn in build:
            return build[expr.fn](expr, first)
        if expr.fn in RELATIONS:
            left, right = (self.show(arg, INFIX[">"][1], True) for arg in expr.args)
            return row(left, RELATIONS[expr.fn], right), INFIX[">"][0]
        if expr.fn == "where":
            return self.cases(expr), ATOM
        if expr.fn == "exp":
            return Index(Symbol("e"), sup=self.show(expr.args[0], 0, True)), ATOM
        if expr.fn == "sqrt":
            return Root(self.show(expr.args[0], 0, True)), ATOM
        name = WRITTEN.get(expr.fn, expr.fn)
        if not expr.args:
            return Symbol(name), ATOM
        body: list[Node] = []
        for arg in expr.args:
            body += [Op(","), self.show(arg, 0, True)] if body else [self.show(arg, 0, True)]
        return Row((Symbol(name), Fence(Row(tuple(body))))), ATOM

    def cases(self, expr: Call) -> Cases:
        """Cases one under the other; the last condition is the opposite of the only one before it."""
        branches: list[tuple[Node, Node]] = []
        rest: Expr = expr
        while isinstance(rest, Call) and rest.fn == "where":
            condition, yes, rest = rest.args
            assert isinstance(condition, Call)
            if yes != UNDEFINED:
                branches.append((self.show(yes, 0, True), self.show(condition, 0, True)))
            opposite = Call(NEGATED[condition.fn], condition.args)
        if rest != UNDEFINED:
            only = isinstance(expr.args[2], Call) and expr.args[2].fn == "where"
            last = Text("otherwise") if only else self.show(opposite, 0, True)
            branches.append((self.show(rest, 0, True), last))
        return Cases(tuple(branches))

    def sum(self, expr: Call, first: bool) -> Node:
        items = [self.show(expr.args[0], INFIX["+"][0], first)]
        for arg in expr.args[1:]:
            sign = "−" if expr.fn == "-" else "+"
            if sign == "+" and isinstance(arg, Call) and arg.fn == "neg":
                sign, arg = "−", arg.args[0]
            elif sign == "+" and isinstance(arg, Call) and arg.fn == "*":
                lead, *others = arg.args
                if isinstance(lead, Call) and lead.fn == "neg":  # a + (−b) c is a − b c
                    sign, arg = "−", Call("*", (lead.args[0], *others))
            items += [Op(sign), self.show(arg, INFIX[expr.fn][1], False)]
        return Row(tuple(items))

    def product(self, expr: Call, first: bool) -> tuple[Node, int]:
        items: list[Node] = []
        for position, arg in enumerate(expr.args):
            factor = self.show(arg, INFIX["*"][0 if position == 0 else 1], first and position == 0)
            if items and not self.juxtaposed(expr.args[position - 1], items[-1], factor):
                items.append(Op("·"))
            items.append(factor)
        return Row(tuple(items)), INFIX["*"][0]

    @staticmethod
    def juxtaposed(before: Expr, left: Node, right: Node) -> bool:
        """Whether no dot is needed: ½(…)², 2(a − t), a(1 − a); a number put in keeps its dot."""
        opening = right.base if isinstance(right, Index) else right
        opens = isinstance(opening, Fence) and not isinstance(opening.body, Number)
        return opens and not (isinstance(left, Number) and not isinstance(before, Num))

    def quotient(self, expr: Call, first: bool) -> tuple[Node, int]:
        top, bottom = (self.show(arg, 0, True) for arg in expr.args)
        return Fraction(top, bottom), ATOM

    def power(self, expr: Call, first: bool) -> tuple[Node, int]:
        base, exponent = expr.args
        shown, sup = self.show(base, ATOM, False), self.show(exponent, 0, True)
        if isinstance(shown, Index):  # a_1² is one index, but (a_1^(2))² is not
            bare = shown.sup is None
            shown = Index(shown.base, shown.sub, sup) if bare else Index(Fence(shown), sup=sup)
        else:
            scientific = isinstance(shown, Number) and shown.exponent is not None
            shown = Index(Fence(shown) if scientific or isinstance(shown, Fraction) else shown, sup=sup)
        return shown, INFIX["**"][0]

    def minus(self, expr: Call, first: bool) -> tuple[Node, int]:
        shown = self.show(expr.args[0], PREFIX_MINUS, False)
        if isinstance(shown, Number) and shown.of is None:
            return Number("-" + shown.text, shown.exponent), PREFIX_MINUS
        return row("−", shown), PREFIX_MINUS
