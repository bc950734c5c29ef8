"""Units exactly on a kink: found in exact arithmetic, differentiated from the left, said in words."""

import pytest

from derive.quantity import parse
from generator.exercise import build, certified
from generator.pages import pages
from generator.spec_file import read

SPEC = """
name = "kink"
[network]
inputs = [[0.5, -1.0]]
targets = [[1]]
[[network.layers]]
activation = "ACTIVATION"
weights = [[0.4, 0.3], [0.2, -0.6]]
biases = [BIAS, 0.2]
[[network.layers]]
weights = [[0.7, -0.5]]
biases = [0]
"""


def network(activation, bias):
    return certified(
        build(read(SPEC.replace("ACTIVATION", activation).replace("BIAS", bias))), prove=True
    )


def test_in_floating_point_the_unit_misses_the_kink():
    assert 0.4 * 0.5 + 0.3 * -1 + 0.1 != 0


@pytest.mark.parametrize(("activation", "slope"), [("relu", 0), ("leaky_relu", 0.01)])
def test_a_unit_on_its_kink_takes_the_derivative_from_the_left(activation, slope):
    exercise = network(activation, "0.1")
    assert exercise.at_kink == {parse("z[1][1]")}
    assert exercise.number(parse("da[1][1]/dz[1][1]")) == slope
    assert exercise.number(parse("dL/dW[1][1][1]")) == pytest.approx(
        slope * exercise.number(parse("dL/da[1][1]")) * 0.5
    )
    assert exercise.certificate.max_error <= 1e-12
    assert "kink" in pages(exercise, ["md"])["solution.md"]


@pytest.mark.parametrize("bias", ["0.100000001", "0.099999999", "0.3"])
def test_a_unit_beside_its_kink_does_not(bias):
    exercise = network("relu", bias)
    assert not exercise.at_kink
    assert exercise.number(parse("da[1][1]/dz[1][1]")) == (float(bias) > 0.1)
    assert "kink" not in pages(exercise, ["md"])["solution.md"]


def test_a_unit_on_the_kink_and_one_very_near_it_are_told_apart():
    text = (
        SPEC.replace("ACTIVATION", "relu").replace("BIAS", "0.1").replace("0.2]\n", "-0.699999999]\n", 1)
    )
    exercise = certified(build(read(text)))
    assert exercise.at_kink == {parse("z[1][1]")}
    assert exercise.number(parse("da[1][2]/dz[1][2]")) == 1
    assert exercise.number(parse("z[1][2]")) == pytest.approx(1e-9, rel=1e-6)


def test_smooth_activations_have_no_kinks():
    assert not network("tanh", "0.1").at_kink


BEHIND = """
name = "behind"
[network]
inputs = [[0.5]]
targets = [[TARGETS]]
loss = "LOSS"
[[network.layers]]
activation = "sigmoid"
weights = [[1]]
[[network.layers]]
activation = "OUTPUT"
weights = [[WEIGHT], [WEIGHT]]
[[network.layers]]
activation = "LAST"
weights = [[0.5, 0], [0, 0.5]]
"""
KINKS_BEHIND = [  # said, the units that sit on their kink
    ({"LOSS": "hinge", "OUTPUT": "step", "WEIGHT": "9", "LAST": "identity", "TARGETS": "1, -1"}, []),
    ({"LOSS": "mae", "OUTPUT": "step", "WEIGHT": "9", "LAST": "identity", "TARGETS": "0.5, 1"}, ["L[1]"]),
    ({"LOSS": "mae", "OUTPUT": "step", "WEIGHT": "-9", "LAST": "relu", "TARGETS": "1, 1"}, ["z[3][1]", "z[3][2]"]),
    ({"LOSS": "mae", "OUTPUT": "hard_sigmoid", "WEIGHT": "9", "LAST": "relu", "TARGETS": "1, 0.5"}, ["L[2]"]),
    ({"LOSS": "mae", "OUTPUT": "relu", "WEIGHT": "9", "LAST": "relu", "TARGETS": "1, 1"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("said", "units"), KINKS_BEHIND)
def test_kinks_are_found_behind_a_sigmoid_whose_value_is_no_fraction(said, units):
    text = BEHIND
    for word, put in said.items():
        text = text.replace(word, put)
    exercise = certified(build(read(text)))
    assert exercise.at_kink == set(map(parse, units))
