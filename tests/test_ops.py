"""OPS: each row's taught derivative is right, and its scalar and array forms are the same thing."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from derive.expression import NUMPY, value
from derive.network import network
from derive.ops import (
    ACTIVATIONS,
    DERIVED,
    GATES,
    LOSSES,
    OPS,
    OUT,
    Affine,
    Elementwise,
    OverSamples,
    Total,
    indices,
)
from derive.symbolic import SYMPY, local_derivative

ELEMENTWISE = {name: op for name, op in OPS.items() if isinstance(op, Elementwise)}
SLOTS = [(name, slot) for name, op in ELEMENTWISE.items() for slot in op.partials]


@pytest.mark.parametrize(("name", "slot"), SLOTS)
def test_sympy_differentiates_the_formula_to_the_taught_rule(name, slot):
    difference = local_derivative(ELEMENTWISE[name], slot)
    z = sympy.Symbol(slot, real=True)
    for sign in ({}, {"positive": True}, {"negative": True}):
        if sign or not ELEMENTWISE[name].kinks:
            assert sympy.simplify(difference.subs(z, sympy.Symbol(slot, real=True, **sign))) == 0


@pytest.mark.parametrize(("name", "table"), [(n, t) for n in DERIVED for t in (ACTIVATIONS, GATES)])
def test_how_a_derivative_is_found_holds_step_by_step(name, table):
    """The first formula is the operation's, every other its derivative, the last the taught rule."""
    op, x = table[name], sympy.Symbol("x", real=True)
    what, *steps = (value(e, {"x": x, "f": sympy.Symbol("f")}.get, SYMPY) for e in DERIVED[name])
    (slot,) = op.slots
    formula = value(op.formula, {slot: x}.get, SYMPY)
    assert sympy.simplify((what - formula).rewrite(sympy.exp)) == 0
    for step in steps:
        difference = step.subs("f", what) - sympy.diff(what, x)
        assert sympy.simplify(difference.rewrite(sympy.exp)) == 0
    taught = value(op.partials[slot], {op.output: sympy.Symbol("f")}.get, SYMPY)
    assert sympy.expand(taught - steps[-1]) == 0


KNOWN = [
    ("sigmoid", 0.3775, 1 / (1 + np.exp(-0.3775))),
    ("tanh", 0.5, np.tanh(0.5)),
    ("relu", -2.0, 0.0),
    ("relu", 2.5, 2.5),
    ("leaky_relu", -2.0, -0.02),
    ("leaky_relu", 2.0, 2.0),
    ("identity", -7.0, -7.0),
]


@pytest.mark.parametrize(("name", "z", "a"), KNOWN)
def test_activations_are_what_their_names_say(name, z, a):
    assert ACTIVATIONS[name].forward(NUMPY, np.array(z)) == pytest.approx(a, rel=1e-15)


@pytest.mark.parametrize(("name", "expected"), [("half_squared_error", 0.125), ("squared_error", 0.25)])
def test_losses_are_what_their_names_say(name, expected):
    assert LOSSES[name].forward(NUMPY, np.array(0.75), np.array(0.25)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_at_a_kink_the_derivative_is_the_one_from_the_left(name):
    op = ACTIVATIONS[name]
    at, left = (float(op.local(NUMPY, 0, np.array(z), np.array(z))) for z in (0.0, -1.0))
    assert at == left


def test_saturated_units_overflow_nowhere():
    z = np.array([-1000.0, 1000.0])
    with np.errstate(over="ignore"):
        assert list(ACTIVATIONS["sigmoid"].forward(NUMPY, z)) == [0.0, 1.0]


def test_a_constant_is_set_by_name():
    leaky = ACTIVATIONS["leaky_relu"].with_constants(alpha=sympy.Rational(1, 4))
    assert leaky.forward(NUMPY, np.array(-2.0)) == -0.5
    with pytest.raises(ValueError, match="no constant beta"):
        leaky.with_constants(beta=1)


def cases(op, units, columns, samples):
    """Input shapes for an operation, one list per way it can be used."""
    if isinstance(op, Affine):
        return [[(units, columns), (columns,), bias] for bias in ((units,), ())]
    if isinstance(op, Elementwise):
        return [[(units,)] * len(op.slots)]
    return [[(units,)] if isinstance(op, Total) else [()]]


@given(
    st.sampled_from(sorted(OPS)),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_arrays_and_formulas_say_the_same(name, units, columns, samples, seed):
    """forward = definition and backward = Σ upstream · partial, element by element."""
    op = OPS[name]
    if isinstance(op, OverSamples):  # its terms are samples, not elements: see test_evaluate
        return
    for shapes in cases(op, units, columns, samples):
        rng = np.random.default_rng(seed)
        low = 0.1 if name.endswith(" gate") else -1  # logarithms and powers want positive numbers
        inputs = [rng.uniform(low, 1, (*shape, samples, 1)) for shape in shapes]
        output = op.forward(NUMPY, *inputs)
        upstream = rng.uniform(-1, 1, output.shape)
        arrays = dict(zip(op.slots, inputs, strict=True)) | {OUT: output}

        def element(ref, arrays=arrays):
            slot, index = ref
            return arrays[slot][tuple(i - 1 for i in index)]

        for i in indices(op.shape(*shapes)):
            formula = value(op.definition(i, *shapes), element)
            assert np.allclose(formula, output[tuple(n - 1 for n in i)], rtol=1e-14)
        for slot, gradient in enumerate(op.backward(NUMPY, upstream, output, *inputs)):
            assert (gradient is not None) == op.differentiable(slot)
            for j in indices(shapes[slot]) if gradient is not None else ():
                total = sum(
                    upstream[tuple(n - 1 for n in i)] * value(op.partial(slot, j, i), element)
                    for i in op.feeds(slot, j, *shapes)
                )
                assert np.allclose(total, gradient[tuple(n - 1 for n in j)], rtol=1e-13, atol=1e-14)


def test_every_row_can_be_built_into_a_network():
    from derive.network import Layer

    for activation in ACTIVATIONS.values():
        for loss in LOSSES.values():
            assert network(2, [Layer(3, activation)], loss).nodes[-1].shape == ()
