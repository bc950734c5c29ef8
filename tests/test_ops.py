"""OPS: each row's taught derivative is right, and its scalar and array forms are the same thing."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from derive.backprop import Derivation
from derive.expression import NUMPY, parse, text, value
from derive.network import Kernel, Layer, network
from derive.ops import (
    ACTIVATIONS,
    DERIVED,
    DOMAINS,
    FUSED,
    GATES,
    LOSSES,
    OPS,
    OUT,
    OUTPUTS_OF,
    VECTOR_ACTIVATIONS,
    Affine,
    Elementwise,
    OverSamples,
    Penalty,
    Softmax,
    Total,
    indices,
)
from derive.quantity import Quantity
from derive.quantity import parse as parse_id
from derive.symbolic import SYMPY, local_derivative

ELEMENTWISE = {name: op for name, op in OPS.items() if isinstance(op, Elementwise)}
SLOTS = [(name, slot) for name, op in ELEMENTWISE.items() for slot in op.partials]


@pytest.mark.parametrize(("name", "slot"), SLOTS)
def test_sympy_differentiates_the_formula_to_the_taught_rule(name, slot):
    difference = local_derivative(ELEMENTWISE[name], slot)
    z = sympy.Symbol(slot, real=True)
    if name == "huber":  # simplify does not decide cases of two variables: a point of each case
        t = sympy.Symbol("t", real=True)
        for a in (-3, sympy.Rational(-1, 2), sympy.Rational(1, 3), 4):
            assert difference.subs({z: a, t: 0}) == 0
        return
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


@pytest.mark.parametrize(("loss", "activation"), FUSED)
def test_loss_and_activation_together_simplify_to_what_is_taught(loss, activation):
    """∂L/∂a · ∂a/∂z, with a put in."""
    a, t, z = sympy.symbols("a t z", real=True)
    slopes = value(LOSSES[loss].partials["a"], {"a": a, "t": t}.get, SYMPY)
    slopes *= value(ACTIVATIONS[activation].partials["z"], {"a": a, "z": z}.get, SYMPY)
    fused = value(FUSED[loss, activation], {"a": a, "t": t, "z": z}.get, SYMPY)
    put_in = value(ACTIVATIONS[activation].formula, {"z": z}.get, SYMPY)
    assert sympy.simplify((slopes - fused).subs(a, put_in)) == 0


KNOWN = [
    ("sigmoid", 0.3775, 1 / (1 + np.exp(-0.3775))),
    ("tanh", 0.5, np.tanh(0.5)),
    ("relu", -2.0, 0.0),
    ("relu", 2.5, 2.5),
    ("leaky_relu", -2.0, -0.02),
    ("leaky_relu", 2.0, 2.0),
    ("identity", -7.0, -7.0),
    ("prelu", -2.0, -0.5),
    ("prelu", 2.0, 2.0),
    ("elu", -1.0, -0.63212055882855768),
    ("elu", 1.5, 1.5),
    ("softplus", 0.0, 0.69314718055994531),
    ("softplus", 1.0, 1.3132616875182228),
    ("softplus", 700.0, 700.0),
    ("softplus", -700.0, 0.0),
    ("gelu", 1.0, 0.84134474606854293),
    ("gelu", -0.5, -0.15426876936299345),
    ("gelu", -10.0, -7.6198530241604978e-23),
    ("gelu_tanh", 1.0, 0.84119199060827676),
    ("gelu_tanh", 700.0, 700.0),
    ("silu", 1.0, 0.73105857863000488),
    ("silu", -2.0, -0.23840584404423517),
    ("hard_sigmoid", -3.5, 0.0),
    ("hard_sigmoid", 1.0, 2 / 3),
    ("hard_sigmoid", 3.0, 1.0),
    ("step", -0.1, 0.0),
    ("step", 0.1, 1.0),
]


@pytest.mark.parametrize(("name", "z", "a"), KNOWN)
def test_activations_are_what_their_names_say(name, z, a):
    assert ACTIVATIONS[name].forward(NUMPY, np.array(z)) == pytest.approx(a, rel=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_large_pre_activations_overflow_nowhere(name):
    """Value and slope for |z| up to 700, real and with a complex step, without a warning."""
    z, op = np.array([-700.0, -37.5, -1.25, 0.0, 1.25, 37.5, 700.0]), ACTIVATIONS[name]
    a = op.forward(NUMPY, z)
    stepped = op.forward(NUMPY, z + 1e-30j)
    assert np.isfinite(a).all()
    assert np.real(stepped) == pytest.approx(a, rel=1e-14)
    slope = np.broadcast_to(np.imag(stepped) / 1e-30, z.shape)
    assert slope == pytest.approx(op.local(NUMPY, 0, a, z), rel=1e-12, abs=1e-14)


LOSS_OF = [  # a, t, loss
    ("half_squared_error", 0.75, 0.25, 0.125),
    ("squared_error", 0.75, 0.25, 0.25),
    ("mse", 0.75, 0.25, 0.25),
    ("half_mse", 0.75, 0.25, 0.125),
    ("binary_cross_entropy", 0.75, 1, 0.28768207245178093),
    ("binary_cross_entropy", 0.75, 0, 1.3862943611198906),
    ("binary_cross_entropy", 0.75, 0.25, 1.1116412889528630),
    ("hinge", 0.75, 1, 0.25),
    ("hinge", 0.75, -1, 1.75),
    ("hinge", 1.5, 1, 0),
    ("huber", 0.75, 0.25, 0.125),
    ("huber", -2, 1, 2.5),
    ("mae", 0.25, 0.75, 0.5),
    ("cross_entropy", 0.25, 1.0, math.log(4)),
]


@pytest.mark.parametrize(("name", "a", "t", "expected"), LOSS_OF)
def test_losses_are_what_their_names_say(name, a, t, expected):
    assert LOSSES[name].forward(NUMPY, np.array(a), np.array(t)) == pytest.approx(expected, rel=1e-15)


def test_every_loss_is_in_the_table():
    assert {name for name, *_ in LOSS_OF} == set(LOSSES)
    assert {name for name, *_ in KNOWN} == set(ACTIVATIONS)


def test_the_mean_squared_error_is_over_the_outputs():
    graph = network(1, [Layer(3)], LOSSES["mse"])
    formulas = [text(graph.definition(Quantity("L", (i,)))) for i in (1, 2)]
    assert formulas == ["1/3*(a[1][1] - t[1])**2", "1/3*(a[1][2] - t[2])**2"]
    graph = network(1, [Layer(3)], LOSSES["half_mse"])
    step = Derivation(graph).chain(parse_id("dL/da[1][1]"), lambda _: False)
    assert text(step.terms[0].factors[-1].expr) == "1/3*(a[1][1] - t[1])"


@pytest.mark.parametrize("name", [name for name, op in ACTIVATIONS.items() if parse("z") in op.kinks])
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


def wirings(units, columns):
    """(shape of W, wiring): everything joined, transposed weights, missing ones, a kernel."""
    pairs = [[(i, j) for j in range(1, columns + 1)] for i in range(1, units + 1)]
    yield (units, columns), None
    yield (columns, units), tuple(tuple((j, i) for i, j in row) for row in pairs)
    yield (
        (units, columns),
        tuple(tuple(at if sum(at) % 2 else None for at in row) for row in [*pairs, [(1, 2)] * columns]),
    )
    yield Kernel(units, columns, 1, columns).shape, Kernel(units, columns, 1, columns).wiring


def cases(op, units, columns):
    """(operation, shapes of its inputs), one for each way it can be used."""
    if isinstance(op, Affine):
        for weights, wiring in wirings(units, columns):
            n = len(wiring) if wiring else units
            for bias in ((n,), ()):
                shapes = {"W": weights, "a": (columns,), "b": bias}
                yield Affine(tuple(shapes), wiring), [*shapes.values()]
                shapes |= {"s": (n,), "one": ()}
                yield Affine(tuple(shapes), wiring), [*shapes.values()]
    elif isinstance(op, Penalty):
        yield op, [(), (units, columns)]
    elif isinstance(op, Total):
        yield op, [(units,)]
        yield replace(op, mean=True, outputs=units), [(units,)]
    else:
        yield op, [(units,)] * len(op.slots)


@given(
    st.sampled_from(sorted(OPS)),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_arrays_and_formulas_say_the_same(name, units, columns, samples, seed):
    """forward = definition and backward = Σ upstream · partial, element by element."""
    if isinstance(OPS[name], OverSamples):  # its terms are samples, not elements: see test_evaluate
        return
    for op, shapes in cases(OPS[name], units, columns):
        rng = np.random.default_rng(seed)
        # Logarithms and powers want positive numbers.
        low = 0.1 if name.endswith(" gate") or name in DOMAINS or name in OUTPUTS_OF else -1
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
