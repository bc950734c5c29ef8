"""The JSON Schema of a spec: it accepts what we accept, and refuses what an editor should underline."""

import json
import re
import tomllib

import pytest

from derive.ops import LOSSES
from generator.builtin import LECTURES
from generator.exercises import kind, kinds
from generator.spec_schema import schema
from tests.test_spec import GOOD

SCHEMA = schema()
TYPES = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int}


def errors(data, part=SCHEMA, path=""):
    """Where data is not as a schema says, by the few words that ours uses."""
    part = SCHEMA["$defs"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
    if any(key in part for key in ("anyOf", "oneOf")):
        found = [list(errors(data, way, path)) for way in part.get("anyOf") or part["oneOf"]]
        if all(found):
            yield from min(found, key=len)
        return
    if not isinstance(data, TYPES.get(part.get("type"), object)) or data not in part.get(
        "enum", [part.get("const", data)]
    ):
        yield path
    elif isinstance(data, dict):
        known, rest = part.get("properties", {}), part.get("additionalProperties")
        yield from (f"{path}.{key}" for key in part.get("required", ()) if key not in data)
        for key, value in data.items():
            inside = known.get(key, rest)
            yield from [f"{path}.{key}"] if inside is False else errors(value, inside, f"{path}.{key}")
    elif isinstance(data, list):
        if not part.get("minItems", 0) <= len(data) <= part.get("maxItems", len(data)):
            yield path
        for number, item in enumerate(data):
            yield from errors(item, part["items"], f"{path}[{number}]")
    elif isinstance(data, (int, float)):
        low, high = part.get("exclusiveMinimum", data - 1), part.get("exclusiveMaximum", data + 1)
        if not (low < data < high and part.get("minimum", data) <= data <= part.get("maximum", data)):
            yield path


def of(text):
    return list(errors(tomllib.loads(text)))


@pytest.mark.parametrize("name", kinds())
def test_a_starter_is_as_the_schema_says(name):
    assert of(kind(name).spec) == []


@pytest.mark.parametrize("path", sorted(LECTURES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_lecture_is_as_the_schema_says(path):
    assert of(path.read_text("utf-8")) == []


UNDERLINED = [  # what in a good spec becomes what, where an editor would underline it
    ("name =", "nam =", ".name"),
    ("targets", "target", ".network.target"),
    ("[network]", "[network]\nloss = 3", ".network.loss"),
    ("[network]", "[network]\nlearning_rate = 0", ".network.learning_rate"),
    ("[network]", '[network]\nlearning_rate = "0.5"', ".network.learning_rate"),
    ("0.05", '"a"', ".network.inputs[0][0]"),
    ('bias = "shared"', 'bias = "share"', ".network.layers[0].bias"),
    ("[network]", '[draw]\nweights = "wide"\n[network]', ".draw.weights"),
    ("[network]", "[draw.weights]\nmin = 1\n[network]", ".draw.weights.max"),
    ("[network]", '[[ask]]\nkind = "los"\n[network]', ".ask[0].kind"),
    ('name = "', 'kind = "los"\nname = "', ".kind"),
]


@pytest.mark.parametrize(("old", "new", "where"), UNDERLINED)
def test_an_editor_underlines_what_is_wrong(old, new, where):
    assert old in GOOD
    assert where in of(GOOD.replace(old, new, 1))
    assert of(GOOD) == []


def test_names_are_offered_and_no_word_is_pydantics_own():
    loss = SCHEMA["$defs"]["NetworkSpec"]["properties"]["loss"]["anyOf"]
    assert loss == [{"enum": list(LOSSES), "type": "string"}, {"type": "string"}]
    assert SCHEMA["properties"]["kind"]["anyOf"][0]["enum"] == kinds()
    assert not re.search(r'"(gt|ge|lt|le)":|null', json.dumps(SCHEMA))


def test_make_spec_prints_the_schema(run):
    assert json.loads(run("make-spec", "--schema").out) == SCHEMA
