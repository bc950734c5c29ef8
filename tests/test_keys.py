"""Keys: written, and read again to mark by."""

import json

import pytest

from generator.draw import draw
from generator.exercises import found, kinds
from generator.keys import UnusableKey, key, read_key, read_keys
from generator.paper import drawn, specs_of
from generator.publish import contents, write_files
from generator.spec_file import read
from tests.conftest import homework


@pytest.mark.parametrize("name", kinds())
def test_a_key_is_read_as_it_was_written(name):
    exercise = homework(name)
    read = read_key(json.dumps(key(exercise)))
    assert [k.part.answer for k in read.parts.values()] == [p.answer for p in exercise.parts]
    assert [k.part.quantity for k in read.parts.values()] == [p.quantity for p in exercise.parts]
    assert [k.part.depends_on for k in read.parts.values()] == [p.depends_on for p in exercise.parts]
    assert read.specs[0].model_dump() == exercise.spec.model_dump()
    assert read.points == sum(p.points for p in exercise.parts)


WRONG = [  # text -> what it says
    ("", "is no key"),
    ("[]", "is no key"),
    ("{}", "it has no 'parts'; make the exercise again"),
    ('{"parts": [{"id": "L"}]}', "it has no 'quantity'"),
    ("[" * 100_000, "is no key"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_no_key(text, said):
    with pytest.raises(UnusableKey, match=said):
        read_key(text, "K/key.json")


TAMPERED = [  # what is changed in the first part -> what it says
    ({"form": "poem"}, "has a form that there is not"),
    ({"answer": None}, "is no key"),
    ({"answer": "x"}, "is no key"),
    ({"tolerance": []}, "is no key"),
    ({"points": "many"}, "is no key"),
    ({"quantity": "rm -rf"}, "is not a quantity id"),
    ({"id": "9:L"}, "9:L is of none of its exercises"),
    ({"id": 7}, "7 is of none of its exercises"),
]


@pytest.mark.parametrize(("changed", "said"), TAMPERED)
def test_a_key_that_somebody_has_changed(tmp_path, changed, said):
    whole = key(homework("loss"))
    whole["parts"][0] |= changed
    with pytest.raises(UnusableKey, match=said):
        read_key(json.dumps(whole))
    write_files(tmp_path / "K", {"key.json": ""})
    (tmp_path / "K" / "key.json").write_bytes(b"\xff")
    with pytest.raises(UnusableKey, match="K/key.json: is no key"):
        read_keys(tmp_path)


def test_the_key_of_a_sheet_is_read_with_the_specs_of_its_exercises(tmp_path):
    text = 'name = "hw"\ntitle = "HW"\n' + '[[exercise]]\nuse = "loss"\n' * 2
    (tmp_path / "hw.toml").write_text(text, "utf-8")
    spec = read(text)
    (paper,) = drawn(spec, specs_of(spec, str(tmp_path / "hw.toml")), 1, ["ada"])
    made = read_key(json.dumps(key(paper)))
    assert [*made.parts] == [f"{n}:{part.id}" for n in (1, 2) for part in paper.exercises[n - 1].parts]
    assert {keyed.exercise for keyed in made.parts.values()} == {0, 1}
    for one, exercise in zip(made.specs, paper.exercises, strict=True):
        assert one.model_dump(exclude={"name"}) == exercise.spec.model_dump(exclude={"name"})


def test_keys_of_a_folder(tmp_path):
    for student in (1, 2):
        exercise = draw(found("loss"), 1, student)
        write_files(tmp_path / exercise.variant, contents(exercise, ["md"]))
    assert set(read_keys(tmp_path)) == {draw(found("loss"), 1, n).variant for n in (1, 2)}
