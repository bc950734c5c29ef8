"""The line of a key in a TOML text, against what tomllib reads from it."""

import re
import tomllib

import pytest

from generator.builtin import LECTURES
from generator.check import check
from generator.draw import draw
from generator.exercises import kind, kinds
from generator.place import line_of
from generator.refusal import SpecError
from generator.spec_file import read

TEXT = '''\
# name = "no"
title = "[network] # name = 1"
note = """
name = 2
[circuit]
"""
name = 'x'  # [draw]

[network]
inputs = [
  [1, 2],  # ]]
  [3, 4],
]
"loss" = "mae"
optimizer = { name = "adam",
  beta1 = 0.8 }
draw.weights = 3
[[network.layers]]
weights = [[1]]
[[ network . layers ]]
  bias = "]"
[draw.of]
bias = 1
'''

LINES = [  # key, line
    ("title", 2),
    ("note", 3),
    ("name", 7),
    ("network", 9),
    ("network.inputs", 10),
    ("network.inputs[1][0]", 10),
    ("network.loss", 9),  # a quoted key has no line of its own
    ("network.optimizer.beta1", 15),
    ("network.draw.weights", 17),
    ("network.layers[0]", 18),
    ("network.layers[0].weights[0][0]", 19),
    ("network.layers[0].bias", 18),
    ("network.layers[1].bias", 21),
    ("draw.of.bias", 23),
    ("circuit", None),
    ("the file", None),
    ("", None),
]


@pytest.mark.parametrize(("key", "line"), LINES)
def test_the_line_of_a_key(key, line):
    assert line_of(TEXT, key) == line


def keys(data, path=""):
    """Every path to a value, through tables and arrays of tables."""
    for key, value in data.items():
        here = f"{path}.{key}".lstrip(".")
        yield here
        if isinstance(value, dict):
            yield from keys(value, here)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, item in enumerate(value):
                yield from keys(item, f"{here}[{number}]")


TEXTS = {name: kind(name).spec for name in kinds()}
TEXTS |= {path.stem: path.read_text("utf-8") for path in LECTURES.glob("*.toml")}


@pytest.mark.parametrize("name", TEXTS)
def test_every_key_of_our_own_specs_is_found(name):
    text = TEXTS[name]
    found = list(keys(tomllib.loads(text)))
    assert found
    for key in found:
        line = text.splitlines()[line_of(text, key) - 1]
        assert re.search(rf"\b{key.rsplit('.', 1)[-1]}\b", line), key


WRONG = [  # what becomes what in a starter, how the message begins
    ("targets", "target", "hw.toml:9: network.target: found an unknown key"),
    ('"sigmoid"', '"sigmod"', "hw.toml:14: network.layers[0].activation: found 'sigmod'"),
    ("biases = [0.3]", "biases = [0.3, 1]", "hw.toml:21: network.layers[1].biases: found 2 numbers"),
    ("digits = 4", "digits = ", "hw.toml: the file: found Invalid value"),
    ("decimals = 1 }", "decimals = 9 }", "hw.toml:24: draw.inputs.decimals: found 9"),
    ('name = "backprop"', "", "hw.toml: name: found nothing"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_a_message_says_the_line(old, new, message):
    text = kind("backprop").spec
    assert old in text
    with pytest.raises(SpecError) as refused:
        read(text.replace(old, new, 1), "hw.toml")
    assert str(refused.value).startswith(message)


LATER = [  # what stands for `kind` in a starter, how the message begins that comes with the first draw
    ('[[ask]]\nquantity = "a[3][1]"', "hw.toml:3: ask[0].quantity: found a[3][1]"),
    ('[[ask]]\nkind = "circuit"', "hw.toml:3: ask[0].kind: found circuit without a circuit"),
    (
        '[[ask]]\nkind = "loss"\n[[ask]]\nquantity = "L"',
        "hw.toml:5: ask[1].quantity: found L, which was",
    ),
    ('[[ask]]\nquantity = "L"\nform = "formula"', "hw.toml:4: ask[0].form: found formula of L"),
    ('kind = "updates"', "hw.toml:2: kind: found updates without a second update"),
    ("[draw]\nsmallest = 1000", "hw.toml:2: draw: found "),
]


@pytest.mark.parametrize(("new", "message"), LATER)
def test_so_does_one_about_what_is_asked_and_drawn(new, message):
    rest = kind("backprop").spec.partition("[network]")[2].partition("[draw]")[0]
    spec = read(f'name = "hw"\n{new}\n[network]{rest}', "hw.toml")
    assert spec == read(f'name = "hw"\n\n{new}\n[network]{rest}', "other.toml")
    for refused in (lambda: draw(spec, 1, 1), lambda: check(spec, count=2)):
        with pytest.raises(SpecError) as error:
            refused()
        assert str(error.value).startswith(message)
