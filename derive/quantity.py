"""Identity of every number in a network: parse it, print it, nothing else.

    x[2]  W[1][2][1]  z[2][1]  L  dL/dW[1][2][1]  a[1][2]#3  W[2][1][1]@1

All indices count from 1.  `#s` is a sample of a batch, `@k` the state after k updates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Derivative", "Id", "Quantity", "parse"]

_QUANTITY = r"(?P<{0}>[A-Za-z_]\w*)(?P<{0}i>(?:\[[1-9]\d*\])*)"
_SUFFIX = r"(?:\#(?P<sample>[1-9]\d*))?(?:@(?P<update>0|[1-9]\d*))?"
_PLAIN = re.compile(_QUANTITY.format("q") + _SUFFIX, re.ASCII)
_DERIVATIVE = re.compile(
    "d" + _QUANTITY.format("of") + "/d" + _QUANTITY.format("wrt") + _SUFFIX, re.ASCII
)


def _suffix(sample: int | None, update: int) -> str:
    return (f"#{sample}" if sample else "") + (f"@{update}" if update else "")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A named number, `name[i][j]…#sample@update`; sample None: the only one, or over the batch."""

    name: str
    index: tuple[int, ...] = ()
    sample: int | None = None
    update: int = 0

    def __str__(self) -> str:
        return self.bare + _suffix(self.sample, self.update)

    @property
    def bare(self) -> str:
        """The id without sample and update."""
        return self.name + "".join(f"[{i}]" for i in self.index)

    def at(self, *, sample: int | None = None, update: int = 0) -> Quantity:
        """The same quantity for another sample or after other updates."""
        if (sample, update) == (self.sample, self.update):
            return self
        return Quantity(self.name, self.index, sample, update)


@dataclass(frozen=True, slots=True)
class Derivative:
    """∂of/∂wrt, printed `dL/dW[1][2][1]`; sample and update belong to the whole."""

    of: Quantity
    wrt: Quantity
    sample: int | None = None
    update: int = 0

    def __str__(self) -> str:
        return f"d{self.of.bare}/d{self.wrt.bare}" + _suffix(self.sample, self.update)


Id = Quantity | Derivative


def _index(text: str) -> tuple[int, ...]:
    return tuple(int(i) for i in re.findall(r"\d+", text))


def parse(text: str) -> Id:
    """Read an id; ValueError says what an id looks like.  `parse(str(q)) == q` for every id."""
    match = _DERIVATIVE.fullmatch(text) or _PLAIN.fullmatch(text)
    if match is None or len(text) > 200:
        raise ValueError(f"{text[:60]!r} is not a quantity id such as a[2][1] or dL/dW[1][2][1]")
    found = match.groupdict()
    sample = int(found["sample"]) if found["sample"] else None
    update = int(found["update"] or 0)
    if "q" in found:
        return Quantity(found["q"], _index(found["qi"]), sample, update)
    of = Quantity(found["of"], _index(found["ofi"]))
    return Derivative(of, Quantity(found["wrt"], _index(found["wrti"])), sample, update)
