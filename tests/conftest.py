"""What the tests share: networks, built exercises, and the command line as a function."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from derive.evaluate import arrays
from derive.network import Layer, network
from derive.ops import ACTIVATIONS, DOMAINS, LOSSES, OUTPUTS_OF, VECTOR_ACTIVATIONS, Domain
from generator import cli
from generator.builtin import LECTURES
from generator.course import secret, usual_secret
from generator.draw import draw
from generator.exercise import build, certified
from generator.exercises import found
from generator.notation import NOTATIONS, TELLINGS
from generator.prose import languages

settings.register_profile("chainwork", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("chainwork")


# What several tests look at is made once in a process, and when it is asked for: what parameters are made
# of is made by every worker, whatever it runs.


@cache
def spec_of(name):
    """A built-in lecture, or a kind's starter."""
    return found(name)


@cache
def lecture(name):
    """A built-in lecture, certified."""
    return certified(build(spec_of(name)))


@cache
def homework(name, student=1, seed=1):
    """A variant of a lecture or of a kind's starter, certified."""
    return draw(spec_of(name), seed, student)


ALL = sorted(path.stem for path in LECTURES.glob("*.toml"))
NETWORKS = [name for name in ALL if spec_of(name).network]
CIRCUITS = [name for name in ALL if spec_of(name).circuit]

# The ways in which a lecture can be told otherwise than by itself.
WAYS = [
    {key: way}
    for key, ways in (("language", languages()), ("notation", NOTATIONS), ("telling", TELLINGS))
    for way in ways
]


def in_turn(ways, each=1):
    """Every lecture with a few of the ways, so that each way has its turn: all of them with all would
    take an hour.  A circuit is told in one way."""
    turns = []
    for n, name in enumerate(ALL):
        own = [way for way in ways if "telling" not in way or name in NETWORKS]
        some = (own[(each * n + k) % len(own)] for k in range(each))
        turns += [pytest.param(name, way, id="-".join([name, *way.values()])) for way in some]
    return turns


@st.composite
def networks(draw, largest=6, deepest=4, samples=2):
    """A random network and its numbers: (graph, data, node numbers)."""
    rows = ACTIVATIONS | VECTOR_ACTIVATIONS  # a softmax only where a spec may have one
    loss = draw(st.sampled_from(sorted(LOSSES)))
    sizes = draw(st.lists(st.integers(1, largest), min_size=2, max_size=deepest + 1))
    made_for = DOMAINS.get(loss, Domain((-1, 1), between=True))
    possible = OUTPUTS_OF.get(loss) or made_for.outputs or sorted(rows)
    last = [n for n in possible if n in ACTIVATIONS or sizes[-1] > 1]
    activations = [sorted(ACTIVATIONS)] * (len(sizes) - 2) + [last]
    names = [draw(st.sampled_from(allowed)) for allowed in activations]
    layers = [
        Layer(
            units=units,
            activation=rows[name],
            bias=draw(st.sampled_from(["per_unit", "none", "shared"][: 2 + (name in ACTIVATIONS)])),
        )
        for units, name in zip(sizes[1:], names, strict=True)
    ]
    count = draw(st.integers(1, samples))
    reduction = draw(st.sampled_from(["sum", "mean"]))
    graph = network(sizes[0], layers, LOSSES[loss], count, reduction)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    numbers = {
        str(node): rng.uniform(-1, 1, size=(count,) * node.sampled + node.shape) for node in graph.given
    }
    if not made_for.between or made_for.labels != (-1, 1):
        numbers["t"] = rng.choice(made_for.labels, size=numbers["t"].shape)
    return graph, arrays(graph, numbers)


def without_places(text):
    """A page or a picture without the numbers that say where in a picture something stands."""

    def words(picture):
        return re.sub(r"\([-\d.]+,[-\d.]+\)|\\circle\*?\{[\d.]+\}|\{[\d.]+em\}", "", picture[0])

    def marked(picture):
        return re.sub(r'(?<=[a-zA-Z]=")[^"]*(?=")', "", picture[0])

    text = re.sub(r"\\begin\{picture\}.*?\\end\{picture\}", words, text, flags=re.DOTALL)
    text = re.sub(r"<svg.*?</svg>", marked, text, flags=re.DOTALL)
    return re.sub(r"-?[\d.]+(em|%)", "", text)  # typst


def beyond(pdf, margin):
    """What is drawn in the margins of a PDF file, in points: (page, left, top, right, bottom) of all ink.
    Heads and feet stand above and below the text."""
    command = ["pdftoppm", "-r", "72", "-gray", str(pdf)]
    data = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    pages, at = [], 0
    while head := PGM.match(data, at):
        wide, high = int(head[1]), int(head[2])
        dark = np.frombuffer(data, np.uint8, wide * high, head.end()).reshape(high, wide) < 200
        pages.append(dark)
        at = head.end() + wide * high
    assert pages
    for number, dark in enumerate(pages, 1):
        (rows, columns), (high, wide) = np.nonzero(dark), dark.shape
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        side, above = margin - 2, 0.4 * margin  # a letter may hang out by a hair
        if box[0] < side or box[1] < above or box[2] > wide - side or box[3] > high - above:
            yield number, *map(int, box)


PGM = re.compile(rb"P5\s(\d+)\s(\d+)\s255\s")


class Run(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """run("make-exercise", "--seed", 7) -> (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        return Run(code, *capsys.readouterr())

    return call


def pytest_addoption(parser):
    parser.addoption("--rewrite", action="store_true", help="write the golden files anew")


@pytest.fixture(autouse=True, scope="session")
def settings_of_nobody(tmp_path_factory):
    """Secrets of tests are kept where nobody's own are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        secret(usual_secret())  # which the first command to need it would say that it has made
        yield


# --- a real browser ---

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


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
