"""The practice page in a real browser: it judges as the key does, names the mistake, opens hints, draws on."""

import json

import pytest

from generator.check import SECRET
from generator.commands.making import MOST_PRACTICE
from generator.draw import draw, draw_all
from generator.exercises import found, kinds
from generator.formula import equation, rewritten
from generator.misconceptions import MISCONCEPTIONS
from generator.page import label
from generator.paper import drawn
from generator.practice import hints, practice_pages
from generator.prose import languages
from generator.render import words
from generator.telling import Teller

DIGITS = {"de": ",", "tr": ",", "en": "."}


def papers_of(name, count=2, language="en"):
    spec = found(name).model_copy(update={"language": language})
    return [*drawn(spec, (spec,), "practice", range(count), None, SECRET)]


def numbers_of(node):
    """The numbers in a formula, as they are shown."""
    seen = []
    rewritten(node, lambda leaf: seen.append(leaf.text) or leaf)
    return seen


# --- hints ---


@pytest.mark.parametrize("name", kinds())
def test_the_last_hint_is_the_answer(name):
    for exercise in draw_all(found(name), 1, range(2)):
        for part in exercise.parts:
            *_, last = found_ = [*hints(exercise, part)]
            name_ = label(exercise, part)
            assert equation(name_, name_) not in found_, "L = L says nothing"
            if part.form == "number":
                expected = Teller(exercise).shown(part.quantity) if part.id.startswith("dL") else None
                texts = numbers_of(last)
                assert expected is None or expected.text in texts
                assert any(abs(float(t) - part.answer) <= (part.tolerance or 0) for t in _plain(texts))


def _plain(texts):
    for text in texts:
        try:
            yield float(text)
        except ValueError:
            continue


def test_hints_go_from_the_chain_rule_to_the_number():
    exercise = draw(found("gradients"), 1, 1)
    part = next(p for p in exercise.parts if p.id == "dL/dW[2][1][1]")
    named, *_, result = hints(exercise, part)
    assert not [t for t in numbers_of(named) if "." in t]
    assert len(numbers_of(result)) >= 1


# --- the page ---


@pytest.mark.browser
@pytest.mark.parametrize(
    "name", ["gradients", "update", "multiple_choice", "matrix_form", "logic", "symbolic"]
)
def test_right_answers_are_right(name, opened):
    papers = papers_of(name)
    page = opened(practice_pages(papers).text("practice", "html"))
    for _ in papers:
        parts = page.query_selector_all(".variant:not([hidden]) .part")
        checked = [part for part in parts if part.query_selector("input")]
        for part in checked:
            key = json.loads(part.get_attribute("data-key"))
            answer = key["answer"]
            part.query_selector("input").fill(
                answer if isinstance(answer, str) else f"{answer:.{key['digits']}g}"
            )
            page.keyboard.press("Enter")
            assert part.query_selector("[role=status]").inner_text() == words("practice_right", {})
        if checked:
            assert page.inner_text("#score") == f"{len(checked)} of {len(checked)} right"
        page.click("#another")


@pytest.mark.browser
@pytest.mark.parametrize("language", languages())
def test_a_mistake_is_named(language, opened):
    """Every number that a misconception gives, typed in the language's way; and what is no number."""
    papers = papers_of("gradients", 1, language)
    page = opened(practice_pages(papers).text("practice", "html"))
    for part in page.query_selector_all(".part"):
        key = json.loads(part.get_attribute("data-key"))
        field, status = part.query_selector("input"), part.query_selector("[role=status]")
        for number, note in key["wrong"]:
            field.fill(f"{number:.4g}".replace(".", DIGITS[language]).replace("-", "−"))
            field.dispatch_event("change")
            known = [n for x, n in key["wrong"] if abs(x - number) <= 1e-3 * abs(number)]
            causes = [words("misconception", MISCONCEPTIONS[n], language) for n in (*known, note)]
            assert any(cause in status.inner_text() for cause in causes), (number, note)
        for text, slip in ((-key["answer"], "sign"), (key["answer"] * 10, "power of ten")):
            if not any(abs(x - text) <= 1e-3 * abs(text) for x, _ in key["wrong"]):
                field.fill(f"{text:.5g}")
                field.dispatch_event("change")
                about = {"name": "N", "answer": f"{text:.5g}", "slip": slip}
                said = words("told_wrong", about, language).removeprefix("N: ")
                assert status.inner_text().lower() == said.lower()
        for text in ("<b>1/0</b>", "1/0", "1e999", "-1e999"):
            field.fill(text)
            field.dispatch_event("change")
            assert status.inner_text() == words("practice_unreadable", {}, language), text
        field.fill("0")
        field.dispatch_event("change")
        about = {"name": "N", "answer": "0", "slip": ""}
        assert (
            status.inner_text().lower()
            == words("told_wrong", about, language).removeprefix("N: ").lower()
        )
        field.fill(f"= {key['answer']:.6g}")
        field.dispatch_event("change")
        assert status.inner_text() == words("practice_right", {}, language)
        field.fill("")
        field.dispatch_event("change")
        assert status.inner_text() == ""


@pytest.mark.browser
def test_hints_open_one_by_one_and_every_variant_comes_before_any_again(opened):
    papers = papers_of("gradients", 4)
    page = opened(practice_pages(papers).text("practice", "html"))
    names = []
    for _ in range(2 * len(papers)):
        part = page.query_selector(".variant:not([hidden]) .part")
        count = len(part.query_selector_all(".hint"))
        for n in range(count):
            assert len(part.query_selector_all(".hint:not([hidden])")) == n
            part.query_selector(".ask").click()
        assert part.query_selector(".ask").is_disabled()
        names.append(page.inner_text(".variant:not([hidden]) h2"))
        page.click("#another")
        assert not page.query_selector_all(".variant:not([hidden]) .hint:not([hidden])")
    assert len(set(names[:4])) == len(set(names[4:])) == 4
    assert {f"Variant {paper.variant}" for paper in papers} == set(names)


@pytest.mark.browser
@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", ["gradients", "multiple_choice", "find_mistake"])
def test_for_those_who_cannot_see_it(name, language, opened):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(practice_pages(papers_of(name, 2, language)).text("practice", "html"))
    for button in page.query_selector_all(".variant:not([hidden]) .ask"):
        button.click()
    found_ = Axe().run(page)
    assert found_.violations_count == 0, found_.generate_report()


# --- the command ---


def test_of_the_command_line(run, tmp_path):
    code, said, _ = run("make-practice", "logic", "--count", "3", "--out", str(tmp_path))
    assert code == 0
    assert said.splitlines()[0].endswith("logic/practice.html")
    text = (tmp_path / "logic/practice.html").read_text("utf-8")
    assert text.count('class="variant"') == 3
    assert run("make-practice", "logic", "--count", "3", "--out", str(tmp_path)).code == 0
    assert text == (tmp_path / "logic/practice.html").read_text("utf-8")
    code, said, _ = run("make-practice", "logic", "--count", "1", "--out", str(tmp_path))
    assert "1 variant, nobody's" in said
    assert "One variant is in it" in (tmp_path / "logic/practice.html").read_text("utf-8")
    code, _, said = run("make-practice", "design")
    assert (code, said.split(",")[0]) == (2, "chainwork: design: found nothing that a page can check")
    code, _, said = run("make-practice", "logic", "--count", "0")
    assert (code, said) == (2, f"chainwork: --count: found 0, allowed: 1 to {MOST_PRACTICE}\n")


def test_nobodys_homework_is_in_it():
    """With the same seed, and even where the course has no secret of its own."""
    spec = found("gradients")
    mine = {e.variant for e in draw_all(spec, "1", range(30))}
    practised = {p.variant for p in drawn(spec, (spec,), "1", range(30), None, SECRET)}
    assert not mine & practised
