"""The live page in a real browser: every number is Python's, after edits and updates too; nothing is loaded from
anywhere; nothing is wrong for those who cannot see it."""

import random
import shutil
from dataclasses import replace

import numpy as np
import pytest

from derive.expression import refs, value
from derive.program import RATE, Run, read
from derive.quantity import parse
from generator.draw import draw
from generator.exercise import build, certified
from generator.exercises import found
from generator.live import live
from generator.pages import pages_of
from generator.spec import LECTURES, load

pytestmark = pytest.mark.browser

NAMES = sorted(path.stem for path in LECTURES.glob("*.toml"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEAR = 1e-9


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A page from its text, and whatever the browser has to complain of or to ask for."""
    context = browser.new_context()
    said = []

    def open_(text):
        path = tmp_path / "page.html"
        path.write_text(text, "utf-8")
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request", lambda request: said.append(request.url) if request.url != path.as_uri() else None
        )
        page.goto(path.as_uri())
        return page

    yield open_
    context.close()
    assert said == []


def exercise_of(name):
    spec = load(name)
    return certified(build(spec)) if name in NAMES else draw(found(name), 1, 1)


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


def evaluated(run, keys):
    with np.errstate(all="ignore"):
        return {key: float(value(read(key), lambda q: np.float64(run[q]))) for key in keys}


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_what_python_says_before_and_after_an_edit(name, opened):
    exercise = exercise_of(name)
    text = pages_of(exercise).text("solution", "html")
    if "data-of" not in text:
        pytest.skip("nothing in it is computed")
    page = opened(text)
    rate = float(exercise.spec.source.learning_rate)
    run = Run(exercise.program, exercise.iterates, rate)
    # Later states are `test_a_hundred_updates`; Run would go through each of them for each number.
    keys = [key for key in values(page) if all(q.update <= 2 for q in refs(read(key)))]
    same(values(page), evaluated(run, keys))

    given = page.evaluate("LIVE.given")
    new, rng = {}, random.Random(name)
    for input_ in page.query_selector_all("input[data-slot]"):
        key, number = given[int(input_.get_attribute("data-slot"))]
        changed = round(number * rng.choice([0.9, 1.1]) + rng.choice([-0.03, 0.04]), 4)
        input_.fill(str(changed))
        new[RATE if key == str(RATE) else parse(key)] = changed
    rate = new.pop(RATE, rate)
    same(values(page), evaluated(Run(exercise.program, exercise.iterates, rate, given=new), keys))
    page.click("#reset")
    same(values(page), evaluated(run, keys))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_stand_as_on_paper_until_something_is_edited(name, opened):
    """A script writes each of them anew, and nothing changes."""
    text = pages_of(exercise_of(name)).text("solution", "html")
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["mazur", "cummins", "ceng506-and", "ceng506-layers", "ceng506-sum-product"]
)
def test_nobody_is_kept_out(name, scheme, browser, tmp_path):
    """axe finds nothing, on a phone either; and the page is no wider than it."""
    from axe_playwright_python.sync_playwright import Axe

    path = tmp_path / "page.html"
    path.write_text(pages_of(exercise_of(name)).text("solution", "html"), "utf-8")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(path.as_uri())
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()[:2000]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_what_cannot_be_read_is_marked_and_changes_nothing(opened):
    page = opened(pages_of(exercise_of("mazur")).text("solution", "html"))
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
    page = opened(pages_of(exercise_of("mazur")).text("solution", "html"))
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
    one, other = (draw(found("backprop"), 1, n) for n in (1, 2))
    codes = [
        live(e, pages_of(e).wanted["solution"]["exercises"][0]["sections"]).code for e in (one, other)
    ]
    assert codes[0] == codes[1]
