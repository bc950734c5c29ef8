"""Training: the numbers of a lecture over 8000 updates, when it stops, and that every update is checked."""

from dataclasses import replace

import numpy as np
import pytest

from derive.descent import Descent, first_below
from derive.quantity import parse
from derive.verify import Uncertified, certify_descent
from generator.exercise import build, snapshots
from generator.render import pages
from generator.spec import load
from tests.conftest import lecture


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
    assert first_below(shallow.iterates, parse("L"), 0.001) == 7491
    assert first_below(shallow.iterates, parse("L"), 0.0001) is None


def test_every_one_of_thousands_of_updates_is_checked(shallow):
    assert certify_descent(shallow.iterates) <= 1e-12


@pytest.mark.parametrize("wrong", [1, 4096, 4097, 7999])
def test_one_wrong_update_among_thousands_is_found(shallow, wrong):
    first = shallow.iterates
    descent = Descent(first.graph, first.start, first.learning_rate, first.updates)
    descent.data(8000)
    data = dict(descent.data(wrong))
    data["W[2]"] = data["W[2]"] + 1e-9
    descent._data[wrong] = data
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
    from generator.exercise import certified

    page = pages(certified(build(short)), ["md"])["solution.md"]
    assert "Samples 4 to 8 are a reconstruction" in page


def test_a_batch_of_many_is_told_for_its_first_sample_and_in_tables_for_the_others():
    spec = load("shallow")
    short = spec.model_copy(update={"network": spec.network.model_copy(update={"updates": 1})})
    from generator.exercise import certified

    exercise = certified(build(short))
    page = pages(exercise, ["md"])["solution.md"]
    assert page.count("Sample 1.") == 3
    assert "Sample 2." not in page
    line = next(row for row in page.splitlines() if row.startswith("| $9$ |"))
    assert line == "| $9$ | $0.6144$ | $0.4621$ | $0.8329$ | $0.1831$ | $0.3337$ |"


def test_updates_with_another_rate_end_elsewhere(shallow):
    faster = replace(shallow.iterates, learning_rate=1.0, _data=[], _kept={})
    assert not np.allclose(faster.data(10)["W[1]"], shallow.iterates.data(10)["W[1]"])
