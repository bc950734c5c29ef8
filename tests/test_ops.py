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
    OUTPUTS_OF,
    VECTOR_ACTIVATIONS,
    Affine,
    Elementwise,
    OverSamples,
    Softmax,
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
    return [[(units,)] * len(op.slots)]


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
        positive = name.endswith(" gate") or name in OUTPUTS_OF  # logarithms and powers want that
        low = 0.1 if positive else -1
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

    for activation in (*ACTIVATIONS.values(), *VECTOR_ACTIVATIONS.values()):
        for loss in LOSSES.values():
            assert network(2, [Layer(3, activation)], loss).nodes[-1].shape == ()


# --- softmax ---


@pytest.mark.parametrize("units", [1, 2, 4])
def test_sympy_differentiates_the_softmax_to_its_jacobian(units):
    """All ∂a[i]/∂z[j], the outputs put in."""
    op, shape = Softmax(), (units,)
    z = {("z", j): sympy.Symbol(f"z{j[0]}", real=True) for j in indices(shape)}
    a = {(OUT, i): value(op.definition(i, shape), z.__getitem__, SYMPY) for i in indices(shape)}
    for i in indices(shape):
        assert list(op.feeds(0, i, shape)) == list(indices(shape))
        for j in indices(shape):
            taught = value(op.partial(0, j, i), a.__getitem__, SYMPY)
            assert sympy.simplify(sympy.diff(a[OUT, i], z["z", j]) - taught) == 0


def test_softmax_overflows_nowhere_and_its_logarithm_is_finite():
    """exp(1000) is beyond floating point; of the others 0·log(a) must still be 0."""
    softmax, loss = Softmax(), LOSSES["cross_entropy"]
    a = softmax.forward(NUMPY, np.array([1000.0, 0.0, -1000.0]).reshape(3, 1, 1))
    assert a.ravel() == pytest.approx([1, 0, 0], abs=1e-300)
    t = np.array([1.0, 0.0, 0.0]).reshape(3, 1, 1)
    assert (loss.forward(NUMPY, a, t) == 0).all()
    slopes, _ = loss.backward(NUMPY, np.ones((3, 1, 1)), loss.forward(NUMPY, a, t), a, t)
    assert slopes.ravel().tolist() == [-1, 0, 0]
    moved = np.array([1000.0, 1000.0 + 1e-30j]).reshape(2, 1, 1)
    assert softmax.forward(NUMPY, moved).imag.ravel() / 1e-30 == pytest.approx([-0.25, 0.25], rel=1e-14)


@pytest.mark.parametrize("units", [2, 3])
def test_sympy_puts_the_paths_through_softmax_and_cross_entropy_together(units):
    """Σ_i ∂L/∂a[i] ∂a[i]/∂z[j] = a[j] Σ_i t[i] − t[j]; with targets that add up to 1, a[j] − t[j]."""
    softmax, loss, shape = Softmax(), LOSSES["cross_entropy"], (units,)
    a = [sympy.Symbol(f"a{i}", positive=True) for (i,) in indices(shape)]
    t = [sympy.Symbol(f"t{i}", nonnegative=True) for (i,) in indices(shape)]
    names = {"a": a, "t": t, OUT: a}

    def symbol(ref):
        return names[ref[0]][ref[1][0] - 1]

    slope = {i: value(loss.partial(0, i, i), symbol, SYMPY) for i in indices(shape)}
    for j in indices(shape):
        paths = sum(slope[i] * value(softmax.partial(0, j, i), symbol, SYMPY) for i in indices(shape))
        own = j[0] - 1
        assert sympy.expand(paths - (a[own] * sum(t) - t[own])) == 0
        whole = paths.subs(t[-1], 1 - sum(t[:-1]))
        assert sympy.expand(whole - (a[own] - t[own]).subs(t[-1], 1 - sum(t[:-1]))) == 0
