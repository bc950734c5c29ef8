"""Worked inputs: where the z-scores that a network is given come from.

X_j is the raw number of feature j, m_j its mean and s_j its standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction as Rational
from typing import Any

from derive.expression import Call, Num, Ref
from derive.quantity import Quantity
from derive.zscore import Feature
from generator.exercise import Exercise
from generator.formula import Index, Node, Number, Op, Symbol, row
from generator.number import shown
from generator.page import Block, Formula, Section, Table, block
from generator.telling import chain
from generator.typeset import typeset

__all__ = ["scaling", "standardized"]

DEVIATION = Call("-", (Ref("X"), Ref("m")))
RULE = Call("/", (DEVIATION, Ref("s")))


def scaling(exercise: Exercise) -> dict[str, Any]:
    """What a page says about z-scores in words; `std` is empty where there are none."""
    how = exercise.spec.network_spec.standardize
    divisor = exercise.graph.samples - (how is not None and how.std == "sample")
    return {
        "std": how.std if how else "",
        "digits": how.digits if how else None,
        "samples": exercise.graph.samples,
        "divisor": divisor,
    }


def standardized(exercise: Exercise) -> Iterator[Section]:
    """Raw numbers, mean, standard deviation and z-scores of each feature; the first sample in full."""
    features = list(enumerate(exercise.spec.network_spec.features(), 1))
    if features:
        blocks = [Block("standardize_rule", scaling(exercise))]
        for j, feature in features:
            blocks += [_table(exercise, j, feature), _spread(exercise, j, feature)]
        blocks.append(block("first_scores", {}, [_first(exercise, *f) for f in features]))
        yield Section("standardized", {}, tuple(blocks))


def _name(exercise: Exercise, j: int, sample: int | None = None) -> Callable[[Any], Node]:
    """The leaves of a rule, of feature j and, for X, of a sample."""

    def name(letter: str) -> Node:
        base = Index(Symbol(letter), Number(str(j)))
        return exercise.network_namer.marked(base, sample if letter == "X" else None, 0)

    return name


def _score(exercise: Exercise, z: Decimal | float) -> Node:
    """With all the decimals it was rounded to."""
    return Number(f"{z:f}") if isinstance(z, Decimal) else shown(z, exercise.spec.digits)


def _table(exercise: Exercise, j: int, feature: Feature) -> Block:
    """A line a sample, and their sums: X, X − m, (X − m)², z."""
    scores = feature.scores(scaling(exercise)["digits"])
    numbers = [
        (*(shown(float(n), exercise.spec.digits) for n in (x, d, d * d)), _score(exercise, z))
        for x, d, z in zip(feature.raw, feature.deviations, scores, strict=True)
    ]
    sums = (sum(feature.raw), sum(feature.deviations), feature.squares)
    rows = [(Number(str(s)), *cells) for s, cells in enumerate(numbers, 1)]
    total = (*(shown(float(n), exercise.spec.digits) for n in sums), _score(exercise, _sum(scores)))
    names = [typeset(e, _name(exercise, j)) for e in (Ref("X"), DEVIATION, Call("**", (DEVIATION, TWO)))]
    heads = ("sample_column", *names, exercise.network_namer(Quantity("x", (j,))))
    return Block("feature", {"number": j}, (), Table(heads, (*rows, (Op("∑"), *total))))


TWO = Num(Rational(2))


def _sum(scores: Any) -> Any:
    """Of what is rounded exactly; of floats without the noise."""
    return sum(scores) if isinstance(scores[0], Decimal) else 0.0


def _spread(exercise: Exercise, j: int, feature: Feature) -> Block:
    """m = ΣX/n, s² = Σ(X − m)²/(n − 1), s."""
    name, digits = _name(exercise, j), exercise.spec.digits

    def ratio(left: Node, top: Rational, bottom: int) -> Formula:
        quotient = Call("/", (Ref(float(top)), Num(Rational(bottom))))
        sides = [typeset(quotient, lambda n: shown(n, digits)), shown(float(top / bottom), digits)]
        return chain(left, sides), None

    variance = typeset(Call("**", (Ref("s"), TWO)), name)
    formulas = [
        ratio(name("m"), sum(feature.raw, Rational(0)), len(feature.raw)),
        ratio(variance, feature.squares, feature.divisor),
        (row(name("s"), "=", shown(feature.deviation, digits)), None),
    ]
    return block("spread", {}, formulas)


def _first(exercise: Exercise, j: int, feature: Feature) -> Formula:
    """z of the first sample = (X − m)/s in names = in numbers = its value ≈ rounded."""
    decimals = scaling(exercise)["digits"]
    numbers: dict[Any, Any] = {"X": feature.raw[0], "m": feature.mean, "s": feature.deviation}
    (value, *_), (z, *_) = feature.scores(), feature.scores(decimals)
    digits = max(exercise.spec.digits, (decimals or 0) + 1)
    last: Node = shown(float(value), digits)
    if float(z) != value:
        last = row(last, "≈", _score(exercise, z))
    sides = [
        typeset(RULE, _name(exercise, j, 1)),
        typeset(RULE, lambda leaf: shown(float(numbers[leaf]), exercise.spec.digits)),
        last,
    ]
    return chain(exercise.network_namer(Quantity("x", (j,), 1)), sides), None
