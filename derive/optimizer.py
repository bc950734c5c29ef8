"""OPTIMIZERS: an update as a few assignments, the last one of w.

    momentum   v = mu*v + g ; w = w - eta*v

One row is read by arrays (`descent`), by formulas (`program`) and by pages.  In an assignment stand w,
the gradient g, the rate eta, the number of the update k (1, 2, …), the row's constants, and its
variables: those assigned before it are the new ones, others are those of the update before, 0 at first.
Every parameter has variables of its own, with their name before the parameter's: vW[2][1][1]@1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.expression import Expr, Num, Ref, parse, refs, substitute, text, value
from derive.network import WEIGHTS
from derive.quantity import Derivative, Quantity

__all__ = ["OPTIMIZERS", "RATE", "SGD", "Optimizer", "of_parameter"]

RATE = Quantity("eta")  # the learning rate, as a quantity of a program


@dataclass(frozen=True)
class Optimizer:
    """Assignments in order, the last one of w, and constants with their values."""

    name: str
    assignments: tuple[tuple[str, Expr], ...]
    constants: Mapping[str, Fraction] = field(default_factory=dict)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """What is assigned before w: v, s, m, mhat."""
        return tuple(name for name, _ in self.assignments[:-1])

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """The variables that one update hands over to the next."""
        found: dict[str, None] = {}
        for at, (_, expr) in enumerate(self.assignments):
            found.update((n, None) for n in refs(expr) if n in self.variables[at:])
        return tuple(found)

    @property
    def text(self) -> str:
        """The assignments on one line."""
        return "; ".join(f"{name} = {text(expr)}" for name, expr in self.assignments)

    def with_constants(self, **numbers: Fraction) -> Optimizer:
        """The same rule with other constants."""
        return replace(self, constants={**self.constants, **numbers})

    @cached_property
    def floats(self) -> dict[str, float]:
        """The constants as floating-point numbers."""
        return {name: float(number) for name, number in self.constants.items()}

    def update(
        self, names: Mapping[str, Any], rounding: Callable[[Any], Any] | None = None
    ) -> dict[str, Any]:
        """The new w and variables from w, g, eta, k and what is kept, numbers or arrays; the variables
        rounded, as by somebody who writes each of them down."""
        env, new = {**self.floats, **names}, {}
        for name, expr in self.assignments:
            found = value(expr, env.__getitem__)
            new[name] = env[name] = rounding(found) if rounding and name != "w" else found
        return new

    def owned(self, q: object) -> tuple[str, Quantity] | None:
        """(variable, parameter) of vW[2][1][1]@1; None for what is no variable of this row."""
        if not isinstance(q, Quantity) or q.sample is not None:
            return None
        variable, parameter = q.name[:-1], q.name[-1]
        known = variable in self.variables and parameter in (*WEIGHTS, "b")
        return (variable, Quantity(parameter, q.index)) if known else None

    def formula(
        self, variable: str, parameter: Quantity, k: int, gradient: Derivative, count: Expr | None = None
    ) -> Expr | None:
        """How `variable` (or w) of a parameter is computed in update k, 1, 2, …; before the first update
        what is kept is 0.  `count`: what stands for k in it.  None for a variable that there is not."""
        if k == 0:
            return Num(Fraction(0)) if variable in self.kept else None
        order = [name for name, _ in self.assignments]
        if variable not in order:
            return None
        at = order.index(variable)
        names: dict[str, Expr] = {name: Ref(Quantity(name)) for name in self.constants}
        names |= {"w": Ref(parameter.at(update=k - 1)), "g": Ref(replace(gradient, update=k - 1))}
        names |= {"eta": Ref(RATE), "k": count or Num(Fraction(k))}
        names |= {
            name: Ref(of_parameter(name, parameter).at(update=k if new < at else k - 1))
            for new, name in enumerate(self.variables)
        }
        return substitute(self.assignments[at][1], names.__getitem__)


def of_parameter(variable: str, parameter: Quantity) -> Quantity:
    """The variable that belongs to a parameter: v and W[2][1][1] -> vW[2][1][1]."""
    return Quantity(variable + parameter.name, parameter.index)


def _row(name: str, rule: str, **constants: str) -> Optimizer:
    lines = (line.split(" = ") for line in rule.split(" ; "))
    assignments = tuple((variable, parse(formula)) for variable, formula in lines)
    return Optimizer(name, assignments, {c: Fraction(number) for c, number in constants.items()})


# The rules and the constants of PyTorch; a constant other than epsilon is a share, from 0 to below 1.
OPTIMIZERS: dict[str, Optimizer] = {
    row.name: row
    for row in (
        _row("sgd", "w = w - eta*g"),
        _row("momentum", "v = mu*v + g ; w = w - eta*v", mu="0.9"),
        _row(
            "rmsprop",
            "s = rho*s + (1 - rho)*g**2 ; w = w - eta*g/(sqrt(s) + epsilon)",
            rho="0.99",
            epsilon="1e-8",
        ),
        _row(
            "adam",
            "m = beta1*m + (1 - beta1)*g ; v = beta2*v + (1 - beta2)*g**2 ; mhat = m/(1 - beta1**k) ; "
            "vhat = v/(1 - beta2**k) ; w = w - eta*mhat/(sqrt(vhat) + epsilon)",
            beta1="0.9",
            beta2="0.999",
            epsilon="1e-8",
        ),
    )
}
SGD = OPTIMIZERS["sgd"]
