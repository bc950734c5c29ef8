"""Numbers as they are shown: quantised once, to decimals that text, key and check share.

A number is shown with at least `digits` decimals and at least `digits` significant digits.  Trailing
zeros say 'rounded': an exact 1.5 is shown as 1.5, a rounded 0.29103 as 0.2910.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from generator.formula import Number

__all__ = ["as_float", "decimals_for", "exact", "living", "quantised", "shown"]

SMALLEST = -5  # powers of ten below this are shown as 4.386·10^-7
LARGEST = 15  # and those above as 4.386·10^16: a float knows no more digits


def decimals_for(number: float, digits: int) -> int:
    """How many decimals `number` is rounded to: `digits`, more where it would lose significant ones."""
    if number == 0:
        return digits
    return max(digits, digits - 1 - Decimal(number).adjusted())


def quantised(number: float, digits: int) -> Decimal:
    """The decimal that is shown for `number`, short where the number is exact (1.5, not 1.5000)."""
    with localcontext() as context:
        context.prec = 400
        exact_value = Decimal(number)
        places = decimals_for(number, digits)
        rounded = exact_value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
        if rounded.adjusted() > exact_value.adjusted() and number:  # 0.99999 became 1.0000
            places = decimals_for(float(rounded), digits)
            rounded = exact_value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
        if abs(exact_value - rounded) <= abs(exact_value) * Decimal("1e-14"):
            rounded = Decimal(exact(rounded))
    return rounded


def exact(number: Decimal) -> str:
    """A decimal in full, without exponent or trailing zeros: 0.05, 3, -1.5."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def as_float(number: Number) -> float:
    """What is shown, as a number."""
    return float(f"{number.text}e{number.exponent or 0}")


def living(of: object, number: float | Decimal, digits: int = 4) -> Number:
    """The same, of a quantity or a formula that it follows on a page that lives."""
    return replace(shown(number, digits), of=str(of), digits=digits)


def shown(number: float | Decimal, digits: int = 4) -> Number:
    """The number as a formula node: a Decimal was put in and is shown in full, a float was computed."""
    if isinstance(number, Decimal):
        return Number(exact(number))
    decimal = quantised(number, digits)
    if decimal != 0 and decimal.adjusted() < SMALLEST:
        mantissa = f"{decimal.scaleb(-decimal.adjusted()):f}"
        return Number(mantissa, decimal.adjusted())
    if decimal.adjusted() > LARGEST:
        mantissa, _, power = f"{decimal:.{digits - 1}e}".partition("e")
        return Number(mantissa, int(power))
    text = f"{decimal:f}"
    return Number(text.removeprefix("-") if decimal == 0 else text)
