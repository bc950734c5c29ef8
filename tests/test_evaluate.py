"""Evaluation: variants and samples side by side, and interventions."""

import numpy as np
import pytest
from hypothesis import given

from derive.backprop import Derivation
from derive.descent import Descent
from derive.evaluate import evaluate
from derive.ops import indices
from derive.quantity import parse
from tests.conftest import lecture, networks


def test_variants_are_evaluated_side_by_side():
    exercise = lecture("mazur")
    data = {
        name: np.concatenate([array, 2 * array], axis=-1)
        for name, array in exercise.iterates[0].data.items()
    }
    both = evaluate(exercise.graph, data)
    for q in ("L", "a[2][1]", "dL/dW[1][1][2]", "da[1][1]/dz[1][1]"):
        alone = [
            evaluate(exercise.graph, {k: v[..., i : i + 1] for k, v in data.items()}) for i in (0, 1)
        ]
        assert list(both[parse(q)]) == pytest.approx([v.number(parse(q)) for v in alone], rel=1e-15)


def test_a_given_quantity_stays_as_given_and_everything_after_it_follows():
    exercise = lecture("mazur")
    data = exercise.iterates[0].data
    given_ = evaluate(exercise.graph, data, {parse("a[1][1]"): 0.5})
    assert given_.number(parse("a[1][1]")) == 0.5
    assert given_.number(parse("z[2][1]")) == pytest.approx(0.4 * 0.5 + 0.45 * 0.5968843782597671 + 0.6)
    assert given_.number(parse("z[1][1]")) == exercise.number(parse("z[1][1]"))


def test_a_given_gradient_is_passed_on():
    exercise = lecture("mazur")
    given_ = evaluate(exercise.graph, exercise.iterates[0].data, {parse("dL/da[1][1]"): 2.0})
    slope = exercise.number(parse("da[1][1]/dz[1][1]"))
    assert given_.number(parse("dL/dW[1][1][2]")) == pytest.approx(2.0 * slope * 0.10)


def test_nan_means_not_given():
    exercise = lecture("mazur")
    values = evaluate(
        exercise.graph, exercise.iterates[0].data, {parse("a[1][1]"): np.array([np.nan, 0.5])}
    )
    first, second = values[parse("L")]
    assert first == exercise.number(parse("L"))
    assert second == evaluate(exercise.graph, exercise.iterates[0].data, {parse("a[1][1]"): 0.5}).number(
        parse("L")
    )


@pytest.mark.parametrize("name", ["da[1][1]/dz[1][1]", "q", "a[9][1]"])
def test_what_cannot_be_given_is_refused(name):
    exercise = lecture("mazur")
    with pytest.raises(KeyError):
        evaluate(exercise.graph, exercise.iterates[0].data, {parse(name): 1.0})


@given(networks())
def test_giving_every_quantity_its_own_value_changes_nothing(drawn):
    graph, data = drawn
    values = evaluate(graph, data)
    own = {
        q: values[q]
        for n in graph.nodes
        for s in (graph.sample_numbers if n.sampled else [None])
        for q in n.elements(s)
    }
    again = evaluate(graph, data, own)
    for q in own:
        assert again[q] == values[q]
    for d in Derivation(graph).targets():
        assert again[d] == pytest.approx(values[d], rel=1e-15)


@given(networks(samples=3))
def test_a_batch_is_the_sum_or_the_mean_of_its_samples(drawn):
    graph, data = drawn
    values = evaluate(graph, data)
    count = graph.samples
    terms = [values.number(parse(f"L#{s}")) for s in range(1, count + 1)]
    total = values.number(parse("L"))
    assert total == pytest.approx(sum(terms)) or total == pytest.approx(sum(terms) / count)


@given(networks())
def test_a_small_step_against_the_gradient_lowers_the_loss(drawn):
    graph, data = drawn
    before, after = (state.values for state in Descent(graph, data, 1e-7, 1))
    slope = sum(
        float((before.gradient[n] ** 2).sum())
        for n in graph.of_kind("parameter")
        if n in before.gradient
    )
    fell = before.number(graph.root) - after.number(graph.root)
    assert fell == pytest.approx(1e-7 * slope, rel=1e-3, abs=1e-14)


def test_any_quantity_can_be_the_root():
    """∂a[2][1]/∂W[1][1][1] = a(1 − a) · w5 · h(1 − h) · i1."""
    exercise = lecture("mazur")
    graph = exercise.graph.rooted(parse("a[2][1]"))
    slope = evaluate(graph, exercise.iterates[0].data).number(parse("da[2][1]/dW[1][1][1]"))
    o, h = (exercise.number(parse(q)) for q in ("a[2][1]", "a[1][1]"))
    assert slope == pytest.approx(o * (1 - o) * 0.4 * h * (1 - h) * 0.05, rel=1e-14)
    assert Derivation(graph).step(parse("da[2][1]/dz[2][1]")).rule == "chain"


def test_indices_count_from_one():
    assert list(indices((2, 2))) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert list(indices(())) == [()]
