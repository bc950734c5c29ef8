"""z-scores: (x − mean)/s of a feature over its samples, rounded without error.

Roots of fractions are rounded in integers: no last digit depends on floating point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import isqrt

__all__ = ["Feature", "root"]

MANY = 40  # decimals of what is not rounded, before it becomes a float


def root(square: Fraction, decimals: int) -> Decimal:
    """√square to the nearest number of so many decimals, half a unit up."""
    doubled = isqrt(int(4 * square * 100**decimals))
    return Decimal(f"{(doubled + 1) // 2}e-{decimals}")


@dataclass(frozen=True)
class Feature:
    """One feature of all samples; `sample` says whether its variance is over n − 1 or over n."""

    raw: tuple[Fraction, ...]
    sample: bool = True

    @cached_property
    def mean(self) -> Fraction:
        return sum(self.raw, Fraction(0)) / len(self.raw)

    @cached_property
    def deviations(self) -> tuple[Fraction, ...]:
        return tuple(x - self.mean for x in self.raw)

    @cached_property
    def squares(self) -> Fraction:
        """The sum of the squared deviations."""
        return sum((d * d for d in self.deviations), Fraction(0))

    @property
    def divisor(self) -> int:
        return len(self.raw) - self.sample

    @property
    def variance(self) -> Fraction:
        return self.squares / self.divisor

    @property
    def deviation(self) -> float:
        """The standard deviation s."""
        return float(root(self.variance, MANY))

    def scores(self, decimals: int | None = None) -> Sequence[Decimal | float]:
        """The z-scores: decimals, half a unit away from 0, or floats where they are not rounded.
        Where all samples are alike they are 0."""
        found: list[Decimal | float] = []
        for d in self.deviations:
            square = d * d / self.variance if d else Fraction(0)
            size = root(square, MANY if decimals is None else decimals)
            z = size.copy_negate() if d < 0 and size else size
            found.append(float(z) if decimals is None else z)
        return found
