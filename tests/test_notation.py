"""Notations: how each one writes a quantity, and that no two quantities look alike in any."""

import pytest
from hypothesis import given

from derive.network import Layer, network
from derive.ops import LOSSES
from derive.quantity import Derivative, parse
from generator.latex import latex
from generator.notation import NOTATIONS, Namer, Notation, NotationError
from tests.conftest import lecture, networks

NAMES = [  # lecture, notation, quantity, LaTeX
    ("mazur", "mazur", "x[2]", "i_{2}"),
    ("mazur", "mazur", "W[2][1][1]", "w_{5}"),
    ("mazur", "mazur", "W[1][2][1]", "w_{3}"),
    ("mazur", "mazur", "b[2]", "b_{2}"),
    ("mazur", "mazur", "z[1][1]", r"\mathrm{net}_ {h_{1}}"),
    ("mazur", "mazur", "a[2][2]", r"\mathrm{out}_ {o_{2}}"),
    ("mazur", "mazur", "t[1]", r"\mathrm{target}_ {o_{1}}"),
    ("mazur", "mazur", "L", r"E_{\mathrm{total}}"),
    ("mazur", "mazur", "L[1]", "E_{o_{1}}"),
    ("mazur", "mazur", "W[2][1][1]@1", r"w_{5}^{\prime}"),
    ("mazur", "mazur", "W[2][1][1]@3", r"w_{5}^{\langle3\rangle}"),
    (
        "mazur",
        "mazur",
        "dL/dz[2][1]",
        r"\frac{\partial E_{\mathrm{total}}}{\partial\mathrm{net}_ {o_{1}}}",
    ),
    ("cummins", "cummins", "x[1]", "i"),
    ("cummins", "cummins", "z[1][1]", r"j_{1\mathrm{in}}"),
    ("cummins", "cummins", "a[2][2]", r"k_{2\mathrm{out}}"),
    ("cummins", "cummins", "a[3][1]", r"o_{\mathrm{out}}"),
    ("cummins", "cummins", "W[1][2][1]", "w_{ij_{2}}"),
    ("cummins", "cummins", "W[2][1][4]", "w_{j_{4}k_{1}}"),
    ("cummins", "cummins", "W[3][1][2]", "w_{k_{2}o}"),
    ("cummins", "cummins", "b[2][1]", "b_{jk_{1}}"),
    ("cummins", "cummins", "b[3][1]", "b_{o}"),
    ("cummins", "cummins", "t[1]", r"\mathrm{output}"),
    ("cummins", "ceng506", "W[2][1][4]", "w_{14}^{(2)}"),
    ("cummins", "ceng506", "b[1][3]", "w_{30}^{(1)}"),
    ("cummins", "ceng506", "z[1][1]", "z_{1}^{(2)}"),
    ("cummins", "ceng506", "dL/dz[3][1]", r"\delta_{1}^{(4)}"),
    ("cummins", "ceng506", "dL/da[1][2]", r"\frac{\partial E}{\partial a_{2}^{(2)}}"),
    ("mazur", "plain", "a[1][2]", "a_{2}^{(1)}"),
    ("mazur", "plain", "dL/dz[1][2]", r"\delta_{2}^{(1)}"),
]


@pytest.mark.parametrize(("name", "notation", "quantity", "expected"), NAMES)
def test_names(name, notation, quantity, expected):
    namer = Namer(NOTATIONS[notation], lecture(name).graph)
    assert latex(namer(parse(quantity))) == expected


def everything(graph):
    """Every quantity that has a name of its own; L[1] of a single output is L itself."""
    root = graph.root
    single = graph.find(parse("t[1]" if graph.samples == 1 else "t[1]#1"))[0].shape == (1,)
    for node in graph.nodes:
        if node.name == "L" and node.shape and single:
            continue
        for sample in graph.sample_numbers if node.sampled else [None]:
            for q in node.elements(sample):
                yield q
                if node.name != "L":
                    yield Derivative(root.at(), q.at(), sample)
                if node.kind == "parameter":
                    yield q.at(update=1)
                    yield q.at(update=2)


@pytest.mark.parametrize("notation", NOTATIONS)
@given(drawn=networks(samples=3))
def test_no_two_quantities_print_alike(notation, drawn):
    graph, _ = drawn
    namer = Namer(NOTATIONS[notation], graph)
    seen = {}
    for q in everything(graph):
        assert seen.setdefault(latex(namer(q)), q) == q


@pytest.mark.parametrize("notation", NOTATIONS)
def test_wide_layers_separate_their_indices(notation):
    graph = network(12, [Layer(12), Layer(1)], LOSSES["squared_error"])
    namer = Namer(NOTATIONS[notation], graph)
    assert latex(namer(parse("W[1][1][11]"))) != latex(namer(parse("W[1][11][1]")))


@pytest.mark.parametrize("notation", NOTATIONS)
def test_more_layers_than_letters(notation):
    graph = network(1, [Layer(2)] * 15, LOSSES["squared_error"])
    namer = Namer(NOTATIONS[notation], graph)
    names = [latex(namer(q)) for q in everything(graph)]
    assert len(set(names)) == len(names)


BAD = [
    ("w_<q>", "unknown field <q>"),
    ("w_{<i>", "a closing brace is missing"),
    ("w}", "a brace too many"),
    ("_1", "has nothing before it"),
    ("w_", "an index is missing"),
    (r"\input{x}", "is not allowed"),
    ("w$", "is not allowed"),
]


@pytest.mark.parametrize(("pattern", "message"), BAD)
def test_a_bad_pattern_is_refused(pattern, message):
    patterns = {**NOTATIONS["plain"].patterns, "W": pattern}
    with pytest.raises(NotationError, match=message):
        Notation("mine", "", patterns)


def test_a_notation_must_say_how_to_write_everything():
    patterns = {role: p for role, p in NOTATIONS["plain"].patterns.items() if role != "rate"}
    with pytest.raises(NotationError, match="does not say how to write rate"):
        Notation("mine", "", patterns)
