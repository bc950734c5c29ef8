"""Diagrams: no label on another label, on a circle or on a line, up to 4-4-4 in every notation."""

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.network import parameter_count
from generator.diagram import MOST_UNITS, branching, data_loss, network, paths
from generator.exercise import build, certified
from generator.exercises import found, kinds
from generator.latex import latex
from generator.notation import NOTATIONS
from generator.number import shown
from generator.pages import pages, pages_of
from generator.picture import LEAST, WIDE, Box, Circle, Label, Line
from generator.render import _in
from generator.spec_file import load, read
from generator.wires import circuit
from tests.conftest import CIRCUITS, NETWORKS, WAYS, homework, in_turn, lecture
from tests.test_tex import square


def numbers(exercise):
    """How a page writes a number."""
    return lambda q: shown(exercise.number(q), exercise.spec.digits)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def touches(box: Box, circle: Circle) -> bool:
    near = (min(max(circle.x, box.x), box.x + box.width), min(max(circle.y, box.y), box.y + box.height))
    return (near[0] - circle.x) ** 2 + (near[1] - circle.y) ** 2 < circle.r**2


def inside(label: Label, circle: Circle) -> bool:
    return (label.x - circle.x) ** 2 + (label.y - circle.y) ** 2 < circle.r**2


def runs_through(line: Line, box: Box) -> bool:
    """Whether a point of the line, looked at closely, is in the box."""
    for (x0, y0), (x1, y1) in zip(line.points, line.points[1:], strict=False):
        for k in range(101):
            x, y = x0 + (x1 - x0) * k / 100, y0 + (y1 - y0) * k / 100
            if box.x < x < box.x + box.width and box.y < y < box.y + box.height:
                return True
    return False


def collisions(picture):
    """What touches what, and must not."""
    labels = list(picture.labels)
    circles = [item for item in picture.items if isinstance(item, Circle)]
    lines = [item for item in picture.items if isinstance(item, Line)]
    boxes = [item for item in picture.items if isinstance(item, Box)]
    for one, other in combinations(labels, 2):
        apart = {id(label) for label in (one, other) if any(inside(label, c) for c in circles)}
        if len(apart) != 1 and overlap(one.box, other.box):  # a circle is apart from other labels
            yield "labels", latex(one.text), latex(other.text)
    for one, other in combinations(circles, 2):
        if (one.x - other.x) ** 2 + (one.y - other.y) ** 2 < (one.r + other.r) ** 2:
            yield "circles", one, other
    for label in labels:
        around = [circle for circle in circles if inside(label, circle)]
        if not around:
            yield from (("circle", latex(label.text)) for c in circles if touches(label.box, c))
        for circle in around:
            if not holds(circle, label):
                yield "too wide for its circle", latex(label.text)
        for box in boxes:
            held = box.x <= label.ink.x and label.ink.x + label.ink.width <= box.x + box.width
            held &= box.y <= label.ink.y and label.ink.y + label.ink.height <= box.y + box.height
            if not held and overlap(label.box, box):
                yield "box", latex(label.text)
        yield from (("line", latex(label.text), line) for line in lines if runs_through(line, label.ink))
        box = label.box
        if (
            min(box.x, box.y) < 0
            or box.x + box.width > picture.width
            or box.y + box.height > picture.height
        ):
            yield "clipped", latex(label.text)


def holds(circle, label):
    """Whether what is written stays in a circle; its corners are empty."""
    ink = label.ink
    return max(circle.x - ink.x, ink.x + ink.width - circle.x) < circle.r


SIZES = [*product(range(1, 5), repeat=2), (4, 4, 4), (1, 4, 2, 1), (4, 1, 4), (2, 3, 3), (2, 2, 2, 2)]


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", SIZES)
def test_nothing_collides_in_a_network(sizes, notation, values):
    """Numbers are -0.123456: as wide as a label gets."""
    spec = read(square(sizes)).model_copy(update={"notation": notation, "digits": 6})
    exercise = build(spec)
    drawn = network(exercise, numbers(exercise) if values else None)
    assert drawn is not None
    assert drawn.width <= WIDE / LEAST
    assert list(collisions(drawn)) == []


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=3),
    st.sampled_from(sorted(NOTATIONS)),
    st.booleans(),
)
def test_nothing_collides_where_paths_are_drawn(sizes, notation, values):
    exercise = build(read(square(tuple(sizes))).model_copy(update={"notation": notation}))
    if (q := branching(exercise)) and (drawn := paths(exercise, q)):
        assert list(collisions(drawn)) == []
    show = numbers(exercise) if values else None
    assert list(collisions(network(exercise, show))) == []


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_collides_in_a_lecture(name, notation):
    exercise = build(load(name).model_copy(update={"notation": notation}))
    for drawn in (network(exercise), network(exercise, numbers(exercise))):
        assert list(collisions(drawn)) == []


def pictures(exercise):
    """Every picture that a solution holds, as it stands there."""
    pages_ = pages_of(exercise)
    for section in pages_.wanted["solution"]["exercises"][0]["sections"]:
        for block in section.blocks:
            if block.picture:
                yield _in(exercise.spec.language, block.picture, None)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "way"), [*in_turn([{}]), *in_turn(WAYS, each=4)])
def test_nothing_collides_on_the_pages_of_a_lecture(name, way):
    spec = load(name)
    drawn = list(pictures(certified(build(spec.model_copy(update=way)))))
    assert drawn
    for picture in drawn:
        assert list(collisions(picture)) == [], picture.name


@pytest.mark.parametrize("solved", [False, True])
@pytest.mark.parametrize("name", sorted({*CIRCUITS, "circuit"}))
def test_nothing_collides_in_a_circuit(name, solved):
    exercise = build(found(name))
    drawn = circuit(exercise, numbers(exercise), solved)
    if drawn is None:
        assert (name, solved) in {("rnn", True), ("attention", True)}  # no page is wide enough
    else:
        assert list(collisions(drawn)) == []


GATED = """
name = "gates"
[circuit]
inputs = {{ {inputs} }}
nodes = [{nodes}]
output = "f"
"""


@st.composite
def gated(draw):
    """Gates of anything that is there before."""
    there = [f"x{n}" for n in range(1, draw(st.integers(1, 4)) + 1)]
    inputs = ", ".join(f"{name} = {draw(st.integers(-9, 9)) + 0.5}" for name in there)
    nodes = []
    for n in range(draw(st.integers(0, 7)) + 1):
        one, other = (draw(st.sampled_from(there)) for _ in range(2))
        rule = draw(
            st.sampled_from(["{a} + {b}", "{a} * {b}", "{a} - {b}", "tanh({a})", "max({a}, {b})"])
        )
        nodes.append(f"q{n} = " + rule.format(a=one, b=other))
        there.append(f"q{n}")
    nodes.append(f"f = {there[-1]} + 1")
    return GATED.format(inputs=inputs, nodes=", ".join(f'"{line}"' for line in nodes))


@given(gated(), st.booleans())
def test_nothing_collides_in_any_circuit(text, solved):
    exercise = build(read(text))
    if drawn := circuit(exercise, numbers(exercise), solved):
        assert list(collisions(drawn)) == []
        entering = sum(len(node.inputs) for node in exercise.graph.nodes)
        arrows = [item for item in drawn.items if isinstance(item, Line) and item.arrow]
        assert len(arrows) >= entering


def test_a_circuit_in_a_question_has_the_numbers_that_are_given_and_no_other():
    exercise = lecture("ceng506-sum-product")
    given_ = {latex(label.text) for label in circuit(exercise, numbers(exercise)).labels}
    assert given_ == {"x", "-2", "y", "5", "z", "-4", "+", "\\times", "q", "f"}
    told = {latex(label.text) for label in circuit(exercise, numbers(exercise), solved=True).labels}
    assert told >= {"q = 3", "f = -12", "-4", "3", "1"}


def test_a_word_problem_has_no_picture():
    exercise = build(found("epochs"))
    assert circuit(exercise, numbers(exercise)) is None


SKIPPED = """
name = "residual"
[network]
inputs = [[0.5, -0.3]]
targets = [[0.2, 0.7]]
[[network.layers]]
weights = [[0.2, -0.4], [0.5, "-"]]
biases = [0.1, 0.2]
[[network.layers]]
weights = [[0.3, 0.6], [-0.2, 0.8]]
[[network.layers]]
weights = [[0.3, 0.6], [-0.2, 0.8]]
skip = 1
bias = "weight_0"
biases = [0.1, 0.2]
"""


def test_what_is_not_connected_is_not_drawn_and_what_is_added_is_dashed():
    drawn = network(build(read(SKIPPED)))
    assert list(collisions(drawn)) == []
    assert [latex(label.text) for label in drawn.labels].count("w_{22}^{(1)}") == 0
    around = [line for line in drawn.items if isinstance(line, Line) and line.dashed and line.arrow]
    assert len(around) >= 2


@pytest.mark.parametrize(("sizes", "there"), [((4, 4), True), ((5, 2), False), ((2, 5, 2), False)])
def test_a_layer_of_more_than_four_units_has_no_picture(sizes, there):
    assert (network(build(read(square(sizes)))) is not None) is there
    assert MOST_UNITS == 4


def test_a_network_has_one_label_for_each_connection_bias_unit_and_target():
    exercise = lecture("cummins")
    drawn = network(exercise)
    assert len(list(drawn.labels)) == parameter_count(exercise.graph) + 8 + 1


BRANCHING = [
    ("mazur", "W[1][1][1]", 2),
    ("cummins", "W[1][1][1]", 2),
    ("convolution", "K[1][1]", 3),
    ("autoencoder", "W[1][1][1]", 4),
    ("adam", None, 0),
    ("softmax", None, 0),
]


@pytest.mark.parametrize(("name", "weight", "count"), BRANCHING)
def test_the_first_weight_with_several_paths(name, weight, count):
    """As many as the derivation walks."""
    exercise = lecture(name)
    q = branching(exercise)
    assert (str(q) if q else None) == weight
    if q:
        assert paths(exercise, q).args["count"] == count
        data = exercise.derivation.towards(data_loss(exercise.graph))  # not the penalty
        assert data.path_count(data.derivative(q)) == count


def test_numbers_of_a_solution_are_drawn_after_the_forward_pass():
    exercise = lecture("mazur")
    labels = {latex(label.text) for label in network(exercise, numbers(exercise)).labels}
    assert {"0.15", "0.5933", "0.7514", "0.99", "0.35"} <= labels
    files = pages(exercise, ["md"])
    assert "solution-values.svg" in files
    assert "solution-values.svg" not in pages(lecture("ceng506-and"), ["md"])  # several samples


def test_thick_is_what_lies_on_a_path():
    exercise = lecture("mazur")
    drawn = paths(exercise, branching(exercise))
    thick = [item for item in drawn.items if isinstance(item, Circle) and item.thick]
    assert len(thick) == 5  # i1, h1, o1, o2, E_total
    assert {latex(label.text) for label in drawn.labels if label.small} == {"w_{1}", "w_{5}", "w_{7}"}


def test_a_spec_can_do_without():
    spec = load("mazur").model_copy(update={"pictures": False})
    files = pages(certified(build(spec)), ["md", "tex"])
    assert set(files) == {"solution.md", "solution.tex"}
    assert "begin{picture}" not in files["solution.tex"]


def test_who_counts_parameters_is_not_shown_them():

    assert "parameter_count" in kinds()
    files = pages(homework("parameter_count"), ["md", "tex"])
    assert not [name for name in files if name.endswith(".svg")]
