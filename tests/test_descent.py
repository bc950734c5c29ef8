"""Training: the numbers of a lecture over 8000 updates, when it stops, and that every update is checked."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.backprop import Derivation
from derive.descent import Descent, first_below, one_at_a_time
from derive.quantity import Quantity, parse
from derive.verify import Uncertified, certify_descent
from generator.exercise import build, certified, snapshots
from generator.pages import pages
from generator.spec_file import load, read
from tests.conftest import lecture, networks


@pytest.fixture(scope="module")
def shallow():
    return build(load("shallow"))


# Worked out independently: the summed cost in epoch n (before update n), and w_H1->ON after n updates.
EPOCHS = [
    (1, 1.5507276423054, -0.496386119088),
    (10, 0.96377832154544, -0.57123147263881),
    (100, 0.41033005959134, -1.7917153209777),
    (1000, 0.020175388724152, -4.6495217370265),
    (8000, 0.00091812948118573, -6.3643393926877),
]


@pytest.mark.parametrize(("epoch", "cost", "weight"), EPOCHS)
def test_epochs_of_a_lecture(shallow, epoch, cost, weight):
    assert shallow.number(parse(f"L@{epoch - 1}")) == pytest.approx(cost, rel=1e-12)
    assert shallow.number(parse(f"W[2][1][1]@{epoch}")) == pytest.approx(weight, rel=1e-12)


def test_training_stops_where_the_cost_falls_below_its_goal(shallow):
    """Epoch 7492 is the forward pass after 7491 updates."""
    assert first_below(shallow.iterates, parse("L"), 0.001) == [7491]
    assert first_below(shallow.iterates, parse("L"), 0.0001) == [None]


def test_every_one_of_thousands_of_updates_is_checked(shallow):
    assert certify_descent(shallow.iterates) <= 1e-12


@pytest.mark.parametrize("wrong", [1, 4097])
def test_one_wrong_update_among_thousands_is_found(shallow, wrong):
    right = shallow.iterates
    right.data(8000)
    data = dict(right.data(wrong))
    data["W[2]"] = data["W[2]"] + 1e-9
    states = [*right._data[:wrong], data, *right._data[wrong + 1 :]]
    descent = replace(right, _data=states, _kept={})
    with pytest.raises(Uncertified, match=rf"@({wrong}|{wrong + 1}) does not follow"):
        certify_descent(descent)


def test_states_are_computed_when_they_are_asked_for():
    exercise = lecture("mazur")
    descent = Descent(exercise.graph, exercise.iterates[0].data, 0.5, 10_000)
    assert len(descent) == 10_001
    assert descent[1].values.number(parse("L")) == exercise.number(parse("L@1"))
    assert len(descent._data) == 2
    with pytest.raises(IndexError):
        descent[10_001]
    assert [state.updates for state in descent[2:4]] == [2, 3]


@pytest.mark.parametrize(
    ("updates", "shown"),
    [
        (0, []),
        (1, [1]),
        (3, [1, 2, 3]),
        (50, [*range(1, 21), 50]),
        (8000, [*range(1, 21), 100, 1000, 8000]),
    ],
)
def test_what_is_shown_of_a_training(updates, shown):
    assert snapshots(updates) == shown


def test_a_reconstruction_is_called_one():
    spec = load("shallow")
    assert "reconstruction" in spec.note
    short = spec.model_copy(update={"network": spec.network.model_copy(update={"updates": 1})})
    page = pages(certified(build(short)), ["md"])["solution.md"]
    assert "Samples 4 to 8 are a reconstruction" in page


def test_a_batch_of_many_is_told_for_its_first_sample_and_in_tables_for_all():
    spec = load("shallow")
    short = spec.model_copy(update={"network": spec.network.model_copy(update={"updates": 1})})
    exercise = certified(build(short))
    page = pages(exercise, ["md"])["solution.md"]
    assert page.count("Sample 1.") == 3
    assert "Sample 2." not in page
    assert "| $1$ | $0.6489$ | $0.4930$ | $0.8818$ | $0.1751$ | $0.01534$ |" in page.splitlines()
    assert "| $9$ | $0.6144$ | $0.4621$ | $0.8329$ | $0.1831$ | $0.3337$ |" in page.splitlines()
    # error ∂C/∂output and backpropagation error of ON: the first sample's and the ninth's
    assert "| $1$ | $0.1751$ | $0.02530$ |" in page.splitlines()
    assert "| $9$ | $-0.8169$ | $-0.1222$ |" in page.splitlines()


def test_updates_with_another_rate_end_elsewhere(shallow):
    faster = replace(shallow.iterates, learning_rate=1.0, _data=[], _kept={})
    assert not np.allclose(faster.data(10)["W[1]"], shallow.iterates.data(10)["W[1]"])


# --- sample by sample ---


@given(networks(samples=4), st.sampled_from([0.01, 0.5, 2]))
def test_adding_up_gradients_is_the_same_as_updating_sample_by_sample_from_the_old_weights(net, rate):
    graph, data = net
    assume(graph.samples > 1)
    descent, derivation = Descent(graph, data, rate, 1), Derivation(graph)
    for node in graph.of_kind("parameter"):
        for q in node.elements():
            old, new = (state.values.number(q) for state in descent)
            step = derivation.step(derivation.derivative(q))
            shares = one_at_a_time(step, old, descent[0].values, rate)
            total = descent[0].values.number(derivation.derivative(q))
            assert sum(share for share, _ in shares) == pytest.approx(total, rel=1e-9, abs=1e-12)
            assert shares[-1][1] == pytest.approx(new, rel=1e-12, abs=1e-12)


def test_the_weight_of_the_lecture_sample_by_sample(shallow):
    """The lecture: −0.6 − 0.5 · 0.025 · 0.65 = −0.608 after the first observation, −0.496 after all."""
    w = parse("W[2][1][1]")
    step = shallow.derivation.step(shallow.derivation.derivative(w))
    weights = [new for _, new in one_at_a_time(step, -0.6, shallow.values, 0.5)]
    assert len(weights) == 10
    assert f"{weights[0]:.3f}" == "-0.608"
    assert weights[-1] == pytest.approx(shallow.number(w.at(update=1)), rel=1e-14)


# --- what the page says of a training ---


@pytest.fixture(scope="module")
def told(shallow):
    return pages(certified(shallow), ["md"])["solution.md"]


def test_the_page_tells_the_update_of_a_weight_sample_by_sample(told):
    after = told.split("from $w_{H_{1}\\to\\mathrm{ON}} = -0.6$ to")[1].splitlines()
    head, first, last = after[2], after[4], after[13]
    assert head.startswith(r"| Sample | $\mathrm{BPE}_ {\mathrm{ON}} \cdot \mathrm{output}_ {H_{1}}$ |")
    assert first == "| $1$ | $0.01642$ | $-0.6082$ |"
    assert last == "| $10$ | $0.01702$ | $-0.4964$ |"


def test_the_page_tells_the_cost_added_up_and_averaged(told):
    assert "Averaged over the 10 samples that is:" in told
    assert r"\frac{C}{10} = \frac{1.5507}{10} = 0.1551" in told


def test_the_page_tells_when_the_goal_is_reached(told):
    assert "after 7491 updates, in the forward pass of epoch 7492" in told
    assert r"C^{\langle7490\rangle} & = 0.0010001 \geq 0.001" in told
    assert r"C^{\langle7491\rangle} & = 0.0009999 < 0.001" in told


def test_the_page_has_the_parameters_of_the_epochs_that_the_lecture_prints(told):
    assert "| Parameter | $1$ | $10$ | $100$ | $1000$ | $8000$ |" in told
    row = next(
        line for line in told.splitlines() if line.startswith("| $b_{\\mathrm{ON}}$ | $-0.3267$ |")
    )
    assert row.endswith("| $-0.3267$ | $0.6765$ | $2.6344$ | $6.3265$ | $8.6801$ |")


BATCH = """
name = "batch"
[network]
inputs = [[0.5], [-0.25]]
targets = [[1], [0]]
reduction = "mean"
updates = 3
stop_below = GOAL
[[network.layers]]
weights = [[0.4]]
biases = [0.1]
"""

GOALS = [  # the goal, what the page says, the losses it shows
    ("5", "That is so before any update", [0]),
    ("0.106", "That happens first after 2 updates, in the forward pass of epoch 3", [1, 2]),
    ("0.0001", "That does not happen within 3 updates", [3]),
]


@pytest.mark.parametrize(("goal", "words", "states"), GOALS)
def test_a_goal_is_reached_at_once_or_later_or_not(goal, words, states):
    exercise = certified(build(read(BATCH.replace("GOAL", goal))))
    page = pages(exercise, ["md"])["solution.md"]
    assert words in page
    before, last = exercise.stop, len(exercise.iterates) - 1
    assert states == ([last] if before is None else [k for k in (before - 1, before) if k >= 0])
    for k in states:
        assert (exercise.number(Quantity("L", update=k)) < float(goal)) == (k == before)


def test_a_mean_is_also_told_as_a_sum():
    page = pages(certified(build(read(BATCH.replace("GOAL", "1")))), ["md"])["solution.md"]
    assert "Added up over the 2 samples that is:" in page
    assert r"2 \cdot L = 2 \cdot " in page
