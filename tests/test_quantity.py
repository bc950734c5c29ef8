"""Ids: what they look like, that they round-trip, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.quantity import Derivative, Quantity, parse

IDS = [
    ("x[2]", Quantity("x", (2,))),
    ("W[1][2][1]", Quantity("W", (1, 2, 1))),
    ("b[2]", Quantity("b", (2,))),
    ("L", Quantity("L")),
    ("L[1]", Quantity("L", (1,))),
    ("a[1][2]#3", Quantity("a", (1, 2), sample=3)),
    ("W[1][1][2]@10", Quantity("W", (1, 1, 2), update=10)),
    ("a[1][2]#3@1", Quantity("a", (1, 2), sample=3, update=1)),
    ("dL/dz[2][1]", Derivative(Quantity("L"), Quantity("z", (2, 1)))),
    ("da[2][1]/dz[2][1]#2", Derivative(Quantity("a", (2, 1)), Quantity("z", (2, 1)), sample=2)),
    ("df/dq", Derivative(Quantity("f"), Quantity("q"))),
    ("delta", Quantity("delta")),
    ("g12", Quantity("g12")),
]
NOT_IDS = ["", "w 1", "W[0]", "W[01]", "W[1", "W[-1]", "1x", "a[1]#0", "a@-1", "dL/", "d/dx", "L\n"]
NOT_IDS += ["W[1][2]]", "a[١]", "dL/dz[1]/dx", "x" * 300, "__import__('os')"]


@pytest.mark.parametrize(("text", "quantity"), IDS)
def test_an_id_names_one_quantity(text, quantity):
    assert parse(text) == quantity
    assert str(quantity) == text


@pytest.mark.parametrize("text", NOT_IDS)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="is not a quantity id"):
        parse(text)


quantities = st.builds(
    Quantity,
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True),
    st.lists(st.integers(1, 10**6), max_size=4).map(tuple),
)
suffixes = {"sample": st.none() | st.integers(1, 99), "update": st.integers(0, 99)}


@given(st.builds(Derivative, quantities, quantities, **suffixes))
def test_derivatives_round_trip(derivative):
    assert parse(str(derivative)) == derivative


@given(quantities, suffixes["sample"], suffixes["update"])
def test_quantities_round_trip(quantity, sample, update):
    marked = quantity.at(sample=sample, update=update)
    assert parse(str(marked)) == marked


def test_zero_updates_is_the_quantity_itself():
    assert parse("L@0") == parse("L")
