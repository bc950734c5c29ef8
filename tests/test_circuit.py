"""Circuits: which gates a formula is made of, what flows back through them, and names used again."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.backprop import Derivation
from derive.circuit import FUNCTIONS, CircuitError, circuit
from derive.evaluate import arrays, evaluate
from derive.expression import Call, Num, Ref, fold, parse, refs, text, value
from derive.ops import GATES
from derive.program import Program, Run
from derive.quantity import parse as parse_id
from derive.verify import certify, quantities
from generator.exercise import build, certified
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.pages import pages
from generator.spec_file import load, read
from tests.conftest import lecture


def run(inputs, lines, output="f", constants=()):
    graph = circuit(list(inputs), lines, output, constants)
    return graph, evaluate(graph, arrays(graph, inputs))


def gates(graph):
    return [f"{n} = {text(graph.definition(n.element(())))}" for n in graph.nodes if n.op]


DECOMPOSED = [
    (["f = (x + y)*z"], ["g1 = x + y", "f = g1*z"]),
    (["q = x + y", "f = q*z"], ["q = x + y", "f = q*z"]),
    (["f = 1/(1 + exp(-x))"], ["g1 = -x", "g2 = exp(g1)", "g3 = 1 + g2", "f = 1/g3"]),
    (["f = sigmoid(x*y + z)"], ["g1 = x*y", "g2 = g1 + z", "f = 1/(1 + exp(-g2))"]),
    (["f = 2*x**2"], ["g1 = x**2", "f = 2*g1"]),
    (["a = x + 1", "a = a*a", "f = a - y"], ["g1 = x + 1", "a = g1*g1", "f = a - y"]),
    (["g1 = x*y", "f = (x + y)*g1"], ["g1 = x*y", "g2 = x + y", "f = g2*g1"]),
    (["f = x"], ["f = x"]),
]


@pytest.mark.parametrize(("lines", "expected"), DECOMPOSED)
def test_a_formula_becomes_gates_in_the_order_of_evaluation(lines, expected):
    assert gates(circuit(["x", "y", "z"], lines, "f")) == expected


LECTURES = [  # the numbers that are printed on the slides
    ("ceng506-sum-product", {"q": 3, "f": -12, "df/dx": -4, "df/dy": -4, "df/dz": 3, "df/dq": -4}),
    (
        "ceng506-neuron",
        {
            "f": 0.731059,
            "df/dw0": -0.196612,
            "df/dx0": 0.393224,
            "df/dw1": -0.393224,
            "df/dx1": -0.589836,
            "df/dw2": 0.196612,
        },
    ),
]


@pytest.mark.parametrize(("name", "facts"), LECTURES)
def test_the_lectures_circuits(name, facts):
    spec = load(name)
    graph = spec.source.graph()
    values = evaluate(graph, arrays(graph, spec.source.numbers()))
    for quantity, expected in facts.items():
        assert values.number(parse_id(quantity)) == pytest.approx(expected, abs=1e-6)


def test_what_is_used_several_times_adds_up():
    graph, values = run({"x": 3, "y": 2}, ["a = x*y", "f = a*a + a + x"])
    step = Derivation(graph).step(parse_id("df/da"))
    assert step.rule == "sum over paths"
    assert values.number(parse_id("df/da")) == 2 * 6 + 1
    assert values.number(parse_id("df/dx")) == (2 * 6 + 1) * 2 + 1


def test_a_constant_gets_no_gradient():
    graph, values = run({"x": 3, "c": 2}, ["f = c*x"], constants=["c"])
    assert values.number(parse_id("df/dx")) == 2
    with pytest.raises(KeyError):
        Derivation(graph).step(parse_id("df/dc"))


SLOPES = [  # formula, x, y, df/dx, df/dy
    ("x/y", 3, 2, 0.5, -0.75),
    ("x**3", 2, 1, 12, None),
    ("2**x", 3, 1, 8 * 0.6931471805599453, None),
    ("max(x, y)", 3, 2, 1, 0),
    ("max(x, y)", 2, 2, 1, 0),
    ("min(x, y)", 3, 2, 0, 1),
    ("abs(x - y)", 1, 2, -1, 1),
    ("relu(x)", -1, 1, 0, None),
    ("log(x*y)", 2, 4, 0.5, 0.25),
    ("sqrt(x)", 4, 1, 0.25, None),
    ("sin(x)*cos(x)", 0, 1, 1, None),
]


@pytest.mark.parametrize(("formula", "x", "y", "slope_x", "slope_y"), SLOPES)
def test_slopes(formula, x, y, slope_x, slope_y):
    _, values = run({"x": x, "y": y}, [f"f = {formula}"])
    assert values.number(parse_id("df/dx")) == pytest.approx(slope_x, abs=1e-15)
    if slope_y is not None:
        assert values.number(parse_id("df/dy")) == pytest.approx(slope_y, abs=1e-15)


def test_every_function_of_the_contract_is_a_gate():
    wanted = {
        "+",
        "-",
        "*",
        "/",
        "**",
        "exp",
        "log",
        "sqrt",
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "relu",
        "max",
        "min",
        "abs",
    }
    assert wanted <= set(GATES)
    assert set(FUNCTIONS) == set(GATES)


smooth = st.recursive(
    st.sampled_from(["x", "y", "z"]).map(Ref)
    | st.integers(1, 3).map(lambda n: Num(parse(str(n)).value)),
    lambda inner: (
        st.builds(Call, st.sampled_from(["+", "-", "*"]), st.tuples(inner, inner))
        | st.builds(Call, st.sampled_from(["tanh", "sin", "sigmoid"]), st.tuples(inner))
    ),
    max_leaves=8,
)


@given(smooth, st.integers(0, 99))
def test_random_circuits_are_certified_and_have_the_formulas_value(expr, seed):
    formula = Call("+", (fold(expr), Ref("x")))  # at least one gate that is not a number
    inputs = {"x": 0.5 + seed / 100, "y": -0.25, "z": 0.75}
    assume(not any(isinstance(e, Call) and not list(refs(e)) for e in inner(formula)))  # tanh(2)
    graph, values = run(inputs, [f"f = {text(formula)}"])
    assert values.number(parse_id("f")) == pytest.approx(float(direct(formula, inputs)), rel=1e-12)
    given_ = quantities(graph, ("input", "parameter"))
    assert certify(Derivation(graph), values, given_).max_error <= 1e-12


def inner(expr):
    yield expr
    for arg in expr.args if isinstance(expr, Call) else ():
        yield from inner(arg)


def direct(expr, inputs):
    if isinstance(expr, Call) and expr.fn == "sigmoid":
        return direct(parse("1/(1 + exp(-u))"), {"u": direct(expr.args[0], inputs)})
    if isinstance(expr, Call):
        names = {f"v{i}": direct(arg, inputs) for i, arg in enumerate(expr.args)}
        return value(Call(expr.fn, tuple(Ref(name) for name in names)), names.__getitem__)
    return value(expr, inputs.__getitem__)


def test_a_constant_must_be_an_input_and_an_input_is_not_assigned():
    with pytest.raises(CircuitError, match="is an input"):
        circuit(["x"], ["x = x + 1"], "x")


def test_a_sigmoid_as_one_gate_gives_what_its_gates_give():
    """∂f/∂g4 = f (1 − f), and every gradient further back is the same as gate by gate."""
    one, many = lecture("ceng506-neuron-gate"), lecture("ceng506-neuron")
    assert [str(n) for n in one.graph.nodes if n.op] == ["g1", "g2", "g3", "g4", "f"]
    for wire in ("g4", "g1", "g2", "w0", "x0", "w1", "x1", "w2"):
        gradient = parse_id(f"df/d{wire}")
        assert one.number(gradient) == pytest.approx(many.number(gradient), rel=1e-14)
    assert text(one.graph.local(parse_id("df/dg4"))) == "(1 - f)*f"


LINES = ["z = w*x + u*h + b", "a = tanh(z)", "L = 1/2*(a - t)**2"]
LOCALS = [  # of a whole line, by each name in it
    ("dz/dw", "x"),
    ("dz/dh", "u"),
    ("dz/db", "1"),
    ("da/dz", "1 - a**2"),
    ("dL/da", "a - t"),
]


@pytest.mark.parametrize(("d", "formula"), LOCALS)
def test_a_whole_line_is_one_operation(d, formula):
    graph = circuit(["w", "x", "u", "h", "b", "t"], LINES, "L", ["t"], whole=True)
    assert [n.name for n in graph.nodes if n.op] == ["z", "a", "L"]
    assert text(graph.local(parse_id(d))) == formula


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("f = x + q", "'q' has no value here"),
        ("f = x**(y + 1)", "a power is of a number"),
        ("f = relu(x) + y", "unknown"),
    ],
)
def test_a_whole_line_that_cannot_be_differentiated_is_named(line, said):
    with pytest.raises(CircuitError, match=re.escape(said)):
        circuit(["x", "y"], [line], "f", whole=True)


def test_the_last_use_of_a_recurrent_weight_alone():
    """M39 in a circuit."""
    exercise = build(load("rnn"))
    run_ = Run(
        Program(exercise.derivation), exercise.iterates, 1, rewrite=rewriting([MISCONCEPTIONS["M39"]])
    )
    last = exercise.number(parse_id("dL/dz3")) * exercise.number(parse_id("x3"))
    assert run_[parse_id("dL/dw")] == pytest.approx(last, rel=1e-14)


@pytest.mark.parametrize("steps", ["gates", "lines"])
@pytest.mark.parametrize("last", ["q + x", "q - x", "x - q", "q + 1", "q"])
def test_a_last_gate_with_a_slope_of_one_is_told(steps, last):
    """No factor is left but the 1."""
    nodes = f'nodes = ["q = x*y", "f = {last}"]'
    spec = (
        f'name = "s"\n[circuit]\ninputs = {{ x = 2, y = 3 }}\nsteps = "{steps}"\n{nodes}\noutput = "f"'
    )
    page = pages(certified(build(read(spec))), ["md"])["solution.md"]
    assert re.search(r"frac\{\\partial f\}\{\\partial q\} = .*1 \\tag", page)
