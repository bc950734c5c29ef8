"""Any spec is worked through with certified numbers, or refused with a reason: never a traceback."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.ops import ACTIVATIONS, LOSSES, VECTOR_ACTIVATIONS
from derive.optimizer import OPTIMIZERS
from derive.verify import TOLERANCE, Uncertified
from generator.exercise import build, certified
from generator.notation import NOTATIONS, TELLINGS
from generator.pages import pages
from generator.refusal import SpecError
from generator.spec_file import read
from generator.spec_network import LayerSpec, NetworkSpec, OptimizerSpec
from tests.random_specs import MISTAKES, RULES, mistaken, named, random_spec

SEEDS = st.integers(0, 10**6)


def worked(seed):
    """The exercise of a right spec; None where its numbers are not to be had in 64 bits."""
    try:
        return certified(build(read(random_spec(seed, wrong=0).text)))
    except Uncertified:
        return None


@settings(max_examples=30)
@given(SEEDS)
def test_a_right_spec_is_read_and_certified_or_its_numbers_are_refused(seed):
    if (exercise := worked(seed)) is not None:
        assert exercise.certificate.max_error <= TOLERANCE


UNDECIDED = """
name = "undecided"
[network]
inputs = [[-0.00081, 0.000289, -0.000461, -0.000559]]
loss = "(a - t)**4"
targets = [[-0.49, -0.97, 0.69, 0.58]]
[[network.layers]]
weights = [[0.000814, 0.000276, 0.000303, 0.00081], [0.00096, -0.000558, 0.00062, 6.6e-05]]
activation = "gelu_tanh"
[[network.layers]]
weights = [[0.000871, -0.000741], [0.00075, 0.000748]]
activation = "step"
[[network.layers]]
weights = [[-0.000803, 0.000184], [0.000909, -0.000421], [-0.000517, 0.000309], [-0.000381, 6.2e-05]]
activation = "min(1, max(-1, z))"
biases = [0.58, 0.15, -0.13, 0.7]
"""
TRAINING = """
name = "training"
[network]
inputs = [[-46, -82]]
targets = [[-0.8]]
loss = "(a - t)**4"
updates = 5
stop_below = 0.001
[[network.layers]]
weights = [[56, -40]]
activation = "leaky_relu"
"""


OVERSHOOTS = """
name = "overshoots"
[network]
inputs = [[1]]
targets = [[1]]
loss = "binary_cross_entropy"
learning_rate = 100
updates = 4
[[network.layers]]
weights = [[0.1]]
"""


def test_a_step_of_what_is_not_rational_is_certified_without_a_warning():
    assert certified(build(read(UNDECIDED))).certificate.max_error <= TOLERANCE


def test_a_training_that_overflows_is_refused_without_a_warning():
    with pytest.raises(Uncertified, match="no finite value"):
        certified(build(read(TRAINING)))


def test_a_training_that_ends_beyond_64_bits_says_where():
    with pytest.raises(Uncertified, match=r"^W\[1\]\[1\]\[1\]@2 has no finite value"):
        certified(build(read(OVERSHOOTS)))


@settings(max_examples=10)
@given(SEEDS)
def test_what_is_certified_has_a_page(seed):
    if (exercise := worked(seed)) is not None:
        assert pages(exercise, ["md"])["solution.md"].startswith("# ")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_refused_where_it_was_made(mistake):
    texts = [text for seed in range(60) if (text := mistaken(seed, mistake))][:4]
    assert texts
    for text in texts:
        with pytest.raises(SpecError) as refused:
            read(text)
        assert named(refused.value.key) == mistake.key
        assert refused.value.found
        assert refused.value.allowed


def test_a_seed_is_one_spec_for_ever():
    assert random_spec(7) == random_spec(7)
    assert len({random_spec(seed).text for seed in range(100)}) == 100


def test_everything_that_a_spec_can_say_is_said_by_some():
    networks = [tomllib.loads(random_spec(seed, wrong=0).text) for seed in range(400)]
    said = [spec["network"] for spec in networks]
    layers = [layer for net in said for layer in net["layers"]]
    assert {spec["notation"] for spec in networks} == set(NOTATIONS)
    assert {spec.get("telling") for spec in networks} == {*TELLINGS, None}
    assert {*ACTIVATIONS, *VECTOR_ACTIVATIONS} <= {layer.get("activation") for layer in layers}
    assert set(LOSSES) <= {net["loss"] for net in said}
    assert {tuple(layer.get("train", "?")) for layer in layers} >= {("weights",), ("biases",), ()}
    assert {len(net["inputs"]) for net in said} == {1, 2, 3}
    assert {"per_unit", "shared", "none", "weight_0"} <= {layer.get("bias") for layer in layers}
    assert any("-" in row for layer in layers for row in layer.get("weights", []))
    rules = [net["optimizer"] for net in said if "optimizer" in net]
    assert {rule for rule in rules if isinstance(rule, str)} == set(OPTIMIZERS)
    tables = [rule for rule in rules if isinstance(rule, dict)]
    assert {constant for table in tables for constant in table} == {*OptimizerSpec.model_fields}
    pictures = [layer["columns"] for layer in layers if "columns" in layer]
    assert {1, 2, 3} <= set(pictures)
    keys = {key for table in (*said, *layers) for key in table}
    assert {rule.key for rule in RULES} <= keys
    assert {*NetworkSpec.model_fields, *LayerSpec.model_fields} - keys == {"sizes"}


@pytest.mark.parametrize("seed", [916, 1103])
def test_a_training_that_ends_beyond_64_bits_is_refused_as_that(seed):
    with pytest.raises(Uncertified, match="has no finite value"):
        certified(build(read(random_spec(seed).text)))
