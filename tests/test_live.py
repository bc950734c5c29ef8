"""The live page in a real browser: every number is Python's, after edits and updates too; nothing is loaded from
anywhere; nothing is wrong for those who cannot see it."""

import random
from dataclasses import replace
from functools import cache
from itertools import cycle, product

import numpy as np
import pytest

from derive.expression import refs, value
from derive.program import RATE, Run, read
from derive.quantity import parse
from generator.builtin import LECTURES
from generator.draw import draw
from generator.exercise import build, certified
from generator.exercises import found
from generator.live import live
from generator.number import shown
from generator.pages import pages_of
from generator.picture import LEAST
from generator.spec_file import load
from tests.conftest import WAYS, homework, in_turn

pytestmark = pytest.mark.browser

NAMES = sorted(path.stem for path in LECTURES.glob("*.toml"))
NEAR = 1e-9


@cache
def exercise_of(name, language="en"):
    spec = load(name).model_copy(update={"language": language})
    return certified(build(spec)) if name in NAMES else draw(found(name), 1, 1)


@cache
def page_of(name, language="en"):
    return pages_of(exercise_of(name, language)).text("solution", "html")


def numbers(page):
    """What stands in every living number, in order."""
    return page.eval_on_selector_all(
        "[data-of]", "all => all.filter(e => !e.closest('[hidden]')).map(e => e.textContent)"
    )


def values(page):
    """Formula -> its value in the page."""
    js = "Object.fromEntries(Object.entries(LIVE.shown).map(([k, f]) => [k, f(window.live.states)]))"
    return page.evaluate(js)


def same(found, expected):
    found = {key: float("nan") if x is None else float(x) for key, x in found.items()}
    for key, number in expected.items():
        if np.isfinite(number):
            assert found[key] == pytest.approx(number, rel=NEAR, abs=NEAR), key


def fields(page):
    """What stands in every input, by its slot."""
    js = "all => all.map(e => [e.dataset.slot, e.value])"
    return {int(slot): text for slot, text in page.eval_on_selector_all("input[data-slot]", js)}


def written(page, mark):
    """Every living number is written as a page is that Python makes of the same value."""
    found = values(page)
    js = "all => all.map(e => [e.dataset.of, +e.dataset.digits, e.textContent])"
    living = page.eval_on_selector_all("[data-of]", js)
    assert living
    for of, digits, text in living:
        if np.isfinite(x := float("nan") if found[of] is None else float(found[of])):
            assert text.strip("()") == shown(x, digits).line.replace(".", mark), of


def evaluated(run, keys):
    with np.errstate(all="ignore"):
        return {key: float(value(read(key), lambda q: np.float64(run[q]))) for key in keys}


LANGUAGES = {"en": ".", "de": ",", "tr": ","}  # and their decimal marks


@pytest.mark.parametrize(
    ("name", "language"), [*product(NAMES, ["en"]), *zip(NAMES[::3], cycle(["de", "tr"]), strict=False)]
)
def test_a_page_shows_what_python_says_before_and_after_an_edit(name, language, opened):
    exercise, mark = exercise_of(name, language), LANGUAGES[language]
    text = page_of(name, language)
    if "data-of" not in text:
        pytest.skip("nothing in it is computed")
    page = opened(text)
    rate = float(exercise.spec.source.learning_rate)
    run = Run(exercise.program, exercise.iterates, rate)
    # Later states are `test_a_hundred_updates`; Run would go through each of them for each number.
    keys = [key for key in values(page) if all(q.update <= 2 for q in refs(read(key)))]
    same(values(page), evaluated(run, keys))

    given = page.evaluate("LIVE.given")
    assert {slot: float(typed.replace(mark, ".")) for slot, typed in fields(page).items()} == {
        slot: pytest.approx(given[slot][1], rel=1e-11) for slot in fields(page)
    }
    new, typed, rng = {}, {}, random.Random(name)
    for input_ in page.query_selector_all("input[data-slot]"):
        slot = int(input_.get_attribute("data-slot"))
        key, number = given[slot]
        changed = round(number * rng.choice([0.9, 1.1]) + rng.choice([-0.03, 0.04]), 4)
        typed[slot] = f"{changed:.15g}".replace(".", mark)
        input_.fill(typed[slot])
        new[RATE if key == str(RATE) else parse(key)] = changed
    assert fields(page) == typed
    written(page, mark)
    rate = new.pop(RATE, rate)
    same(values(page), evaluated(Run(exercise.program, exercise.iterates, rate, given=new), keys))
    page.click("#reset")
    same(values(page), evaluated(run, keys))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_stand_as_on_paper_until_something_is_edited(name, opened):
    """A script writes each of them anew, and nothing changes."""
    text = page_of(name)
    if "data-of" not in text:
        pytest.skip("nothing in it is computed")
    still = opened(text.replace("  show();\n})();", "})();"))
    alive = opened(text)
    assert numbers(alive) == numbers(still)


@pytest.mark.parametrize("name", ["mazur", "cummins", "adam", "ceng506-neuron"])
def test_a_hundred_updates(name, opened):
    spec = load(name)
    network = spec.network
    if network is None or not network.updates:
        pytest.skip("nothing is trained")
    exercise = build(spec.model_copy(update={"network": network.model_copy(update={"updates": 100})}))
    page = opened(pages_of(certified(build(spec))).text("solution", "html"))
    for _ in range(10):
        page.click("#updates")
    assert page.inner_text("#made") == "100"
    given = page.evaluate("LIVE.given.map(([name]) => name)")
    state = page.evaluate("window.live.states[0]")
    for slot, key in enumerate(given):
        q = parse(key) if key != str(RATE) else None
        if q and q.name in ("W", "b"):
            assert state[slot] == pytest.approx(exercise.number(replace(q, update=100)), rel=NEAR), key


SEEN = [
    {"language": code, "scheme": ink} for code, ink in (("en", "light"), ("de", "dark"), ("tr", "light"))
]


@pytest.mark.parametrize(("name", "seen"), in_turn(SEEN))
def test_nobody_is_kept_out(name, seen, browser, tmp_path):
    """axe finds nothing, on a phone."""
    from axe_playwright_python.sync_playwright import Axe

    path = tmp_path / "page.html"
    path.write_text(page_of(name, seen["language"]), "utf-8")
    context = browser.new_context(color_scheme=seen["scheme"], viewport=PHONE)
    page = context.new_page()
    page.goto(path.as_uri())
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()[:2000]
    context.close()


@pytest.mark.parametrize(("name", "way"), [*in_turn([{}]), *in_turn(WAYS)])
def test_a_phone_is_wide_enough(name, way, opened):
    """Formulas, tables and pictures scroll inside themselves, the page does not; labels are as large as
    they have to be and no picture clips one.  (What a page asks for and complains of, `opened` looks at.)"""
    spec = load(name)
    page = opened(pages_of(certified(build(spec.model_copy(update=way)))).text("solution", "html"))
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(SMALLEST) >= LEAST - 0.01
    assert page.evaluate(CLIPPED) == []


PHONE = {"width": 390, "height": 800}
SMALLEST = """Math.min(1, ...[...document.querySelectorAll("svg")].map(
    svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))"""
CLIPPED = """[...document.querySelectorAll("svg text")].filter(text => {
    const {x, y, width, height} = text.getBBox(), all = text.closest("svg").viewBox.baseVal;
    const leading = 3; // which a line has around its ink
    return x < 0 || y < -leading || x + width > all.width || y + height > all.height + leading;
}).map(text => text.textContent)"""


def test_what_cannot_be_read_is_marked_and_changes_nothing(opened):
    page = opened(page_of("mazur"))
    before = numbers(page)
    field = page.query_selector("input[data-slot='2']")
    for text in ("", "abc", "1/0", "alert(1)"):
        field.fill(text)
        assert field.get_attribute("aria-invalid") == "true"
        assert numbers(page) == before
    field.fill("0,15")  # as a comma is typed
    assert field.get_attribute("aria-invalid") == "false"
    assert numbers(page) == before


def test_steps_one_by_one(opened):
    page = opened(page_of("mazur"))
    steps = "document.querySelectorAll('.step:not([hidden])').length"
    everything = page.evaluate(steps)
    page.click("#next")
    assert page.evaluate(steps) == 0
    page.click("#next")
    page.click("#next")
    assert page.evaluate(steps) == 2
    page.click("#reset")
    assert page.evaluate(steps) == everything


def test_formulas_are_printed_once_for_all_variants():
    """The code depends on the structure alone."""
    one, other = (homework("backprop", n) for n in (1, 2))
    codes = [
        live(e, pages_of(e).wanted["solution"]["exercises"][0]["sections"]).code for e in (one, other)
    ]
    assert codes[0] == codes[1]
