"""Pages: golden files, no leaks, escaping, and what GitHub's Markdown makes of them.

Golden files are in tests/pages; after a wanted change `pytest --rewrite` writes them anew.
"""

import html
import re
import string
from functools import cache
from pathlib import Path

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from generator.exercise import build, certified
from generator.formats import FORMATS
from generator.formula import Number
from generator.keys import key
from generator.latex import escape_latex
from generator.markdown import escape_markdown
from generator.notation import NOTATIONS
from generator.number import shown
from generator.page import tables
from generator.pages import pages
from generator.prose import TEMPLATES
from generator.publish import contents
from generator.spec_file import load, read
from generator.text import CannotWrite
from tests.conftest import homework, lecture, spec_of
from tests.test_spec import GOOD

GOLDEN = Path(__file__).parent / "pages"


# Everything that a batch has on its pages: z-scores, tables of samples, a training with a goal.
STANDARDIZED = """
name = "batch"
notation = "bpe"
[network]
inputs = [[1, 20], [2, 50], [4, 30], [8, 10]]
standardize = { std = "population", digits = 3 }
targets = [[1], [0], [1], [0]]
updates = 100
stop_below = 0.5
[[network.layers]]
weights = [[0.4, 0.1]]
biases = [0.1]
[[network.layers]]
weights = [[0.7]]
biases = [0]
"""


def changed(name, **keys):
    """A lecture with other keys."""
    return certified(build(spec_of(name).model_copy(update=keys)))


EXERCISES = {
    "mazur": lambda: lecture("mazur"),
    "cummins-mazur": lambda: changed("cummins", notation="mazur"),
    "cummins-ceng506": lambda: changed("cummins", notation="ceng506"),
    "cummins": lambda: lecture("cummins"),
    "mazur-layers": lambda: changed("mazur", telling="layers"),
    "cummins-layers": lambda: changed("cummins", telling="layers"),
    "ceng506-neuron": lambda: lecture("ceng506-neuron"),
    "batch": lambda: certified(build(read(STANDARDIZED))),
    "ceng506-and": lambda: lecture("ceng506-and"),
    "ceng506-layers": lambda: lecture("ceng506-layers"),
    "softmax": lambda: lecture("softmax"),
    "adam": lambda: lecture("adam"),
    "homework": lambda: homework("mazur", seed=7),
    "homework-softmax": lambda: homework("softmax", seed=7),
    "homework-circuit": lambda: homework("ceng506-sum-product", seed=7),
}


@cache
def files_of(name):
    """All files of an exercise, in all formats."""
    return contents(EXERCISES[name](), FORMATS)


@pytest.mark.parametrize("name", EXERCISES)
def test_golden_pages(name, request):
    for file, text in files_of(name).items():
        path = GOLDEN / name / file
        if request.config.getoption("--rewrite"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; if wanted: pytest --rewrite"


# --- completeness ---


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(("name", "count"), [("mazur", 10), ("cummins", 21)])
def test_a_worked_example_derives_every_parameter(name, count, notation):
    spec = load(name).model_copy(update={"notation": notation})
    exercise = certified(build(spec))
    text = pages(exercise, ["md"])["solution.md"]
    from generator.latex import latex

    parameters = [q for node in exercise.graph.of_kind("parameter") for q in node.elements()]
    assert len(parameters) == count
    for q in parameters:
        gradient = latex(exercise.namer(exercise.derivation.derivative(q)))
        value = latex(shown(exercise.number(exercise.derivation.derivative(q))))
        derived = [
            d for d in displays(text) if d.startswith((gradient, "\\begin{aligned}\n" + gradient))
        ]
        assert len(derived) == 1
        assert f"= {value}" in derived[0]
        assert derived[0].count("\\tag") == 1


def displays(markdown):
    return [d.strip() for d in re.findall(r"^\$\$\n(.*?)\n\$\$$", markdown, re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_pointed_to_was_derived_before(name):
    """`(7)` in a sentence comes after \\tag{7} in a formula, and numbers count up from 1."""
    text = files_of(name)["solution.md"]
    seen = 0
    for tag, sentence in re.findall(r"\\tag\{(\d+)\}|Known from above: ([^.]*)\.", text):
        if tag:
            seen += 1
            assert int(tag) == seen
        for number in re.findall(r"\((\d+)\)", sentence):
            assert int(number) <= seen


@pytest.mark.parametrize("name", EXERCISES)
def test_numbers_are_written_as_a_person_would(name):
    for file, text in files_of(name).items():
        if file.endswith((".md", ".tex", ".csv")):
            assert not re.search(
                r"--|\+ -|- -|\\cdot -|\+ \+|= =|nan|inf\b|None|Undefined|\bNumber\(",
                text.replace("---", ""),
            )


DERIVED_ONCE = [  # of which functions a page derives the derivative
    ("mazur", [r"\sigma"]),
    ("cummins", [r"\sigma"]),
    ("ceng506-neuron", []),
    ("ceng506-neuron-gate", [r"\sigma"]),
    ("ceng506-and", []),
]


@pytest.mark.parametrize(("name", "functions"), DERIVED_ONCE)
def test_a_derivative_is_found_once_on_the_page_that_uses_it(name, functions):
    text = pages(lecture(name), ["md"])["solution.md"]
    assert re.findall(r"(\\sigma|tanh)\^\{\\prime\}\(x\)", text) == functions


def test_tanh_has_its_own_derivation_and_homework_has_none():
    tanh = read(GOOD.replace("biases = [1, 2]", 'biases = [1, 2]\nactivation = "tanh"', 1))
    text = pages(certified(build(tanh)), ["md"])["solution.md"]
    assert re.findall(r"(\\sigma|tanh\})\^\{\\prime\}\(x\)", text) == [r"\sigma", "tanh}"]
    assert "prime}(x)" not in files_of("homework")["solution.md"]


# --- questions give nothing away ---


def test_the_key_holds_what_the_contract_says():
    data = key(homework("mazur", seed=7))
    assert set(data) == {
        *("exercise", "title", "kind", "variant", "spec_digest", "version", "parts", "verification"),
        *("marking", "specs"),  # by which it is marked
    }
    assert set(data["parts"][0]) == {
        *("id", "quantity", "form", "answer", "tolerance", "points", "depends_on", "misconceptions"),
    }
    assert data["verification"]["max_error"] <= 1e-12
    assert len(data["parts"]) == 18


# --- escaping ---

HOSTILE = [
    r"\input{/etc/passwd}",
    "$x$ & 50% #1 _a_ ^b^ ~c~ {d}",
    "<script>alert(1)</script>",
    "# h",
    "- a",
    "1. b",
]
HOSTILE += [
    "[a](http://b.c)",
    "`code`",
    "![x](y)",
    "a|b",
    "**b** __i__",
    "@someone",
    "{{ 7*7 }}",
    "{% raw %}",
]
HOSTILE += [
    "http://example.org",
    "www.example.org",
    "\"quoted\" 'q'",
    "é ü ß ğ ş ı İ Ł ø",
    "\\\\",
    "&lt;",
    "^^41",
    "a\u202eb",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_github_shows_hostile_text_as_it_is(text):
    shown_ = cmarkgfm.github_flavored_markdown_to_html("# " + escape_markdown(text))
    plain = html.unescape(re.sub(r"^<h1>|</h1>\n$", "", shown_))
    assert plain == re.sub("[\u202e]", "", text)
    assert "<" not in shown_[4:-6]


@given(st.text(max_size=60))
def test_github_shows_any_text_without_markup(text):
    shown_ = cmarkgfm.github_flavored_markdown_to_html("x " + escape_markdown(text))
    assert re.sub(r"^<p>|</p>\n$", "", shown_).count("<") == 0


ESCAPED = [
    ("naïve", r"na\"\i{}ve"),
    ("maïs--x", r"ma\"\i{}s-{}-x"),
    ("1–2, „no“", "1--2, ,,no``"),
    ("50% & more", r"50\% \& more"),
    ("a_b^c~d", r"a\_b\textasciicircum{}c\textasciitilde{}d"),
    (r"\input{x}", r"\textbackslash{}input\{x\}"),
    ("$#", r"\$\#"),
    ("café", r"caf\'e"),
    ("Übung", r"\"Ubung"),
    ("a\x00b\x1bc", "abc"),
    ("e\u0301", r"\'e"),
    ("ışık", r"\i{}\c s\i{}k"),
    ("ßx", r"\ss{}x"),
    ("<b>", r"\textless{}b\textgreater{}"),
]


@pytest.mark.parametrize(("text", "expected"), ESCAPED)
def test_latex_escapes(text, expected):
    assert escape_latex(text) == expected


@given(st.text(st.sampled_from(string.printable + "éèüßğşıİŁøñç"), max_size=60))
def test_latex_output_is_ascii_without_live_specials(text):
    escaped = escape_latex(text)
    assert escaped.isascii()
    assert not re.search(r"(?<!\\)[&%$#_]", escaped)


def test_a_script_pdflatex_cannot_set_is_named():
    with pytest.raises(CannotWrite, match="pdflatex cannot write '語' .CJK UNIFIED IDEOGRAPH-8A9E."):
        escape_latex("日本語"[2:])


@pytest.mark.parametrize("letter", "ΑΒΕΖΗΙΚΜΝΟΡΤΧο")
def test_a_greek_letter_that_tex_has_no_command_for_is_named(letter):
    with pytest.raises(CannotWrite, match="GREEK"):
        escape_latex(letter)


@cache
def _plain():
    return pages(certified(build(read(GOOD))), FORMATS)


TITLES = [text for text in HOSTILE if any(c.isalnum() for c in text) and "\u202e" not in text]


@pytest.mark.parametrize("text", TITLES)
def test_a_hostile_title_stands_escaped_in_its_place_and_changes_nothing_else(text):
    title = text.replace("\\", "\\\\").replace('"', '\\"')
    spec = read(GOOD.replace('name = "hw"', f'name = "hw"\ntitle = "{title}"', 1))
    plain = _plain()
    for file, page in pages(certified(build(spec)), FORMATS).items():
        form = file.rsplit(".", 1)[1]
        escaped = FORMATS[form].escape(text) if form in FORMATS else "a picture has no title of a page"
        assert page == plain[file].replace("Backpropagation", escaped)


# --- GitHub's `$…$` and `$$…$$` ---


@pytest.mark.parametrize("name", EXERCISES)
def test_github_leaves_every_formula_alone(name):
    """cmark is what GitHub parses with: nothing in a formula may be markup to it."""
    for file, text in files_of(name).items():
        if not file.endswith(".md"):
            continue
        rendered = cmarkgfm.github_flavored_markdown_to_html(text)
        assert "<em>" not in rendered
        assert "<strong>" not in rendered
        plain = html.unescape(re.sub(r"</?[a-z][^>]*>", "", rendered))
        for formula in re.findall(r"(?<!\$)\$([^$\n]+)\$(?!\$)", text):
            assert f"${formula}$" in plain, (file, formula)
        for display in displays(text):  # a row ends its line: only there `\\` survives on GitHub
            assert not re.search(r"\\\\(?!\n)", display)
            assert display.replace("\\\\", "\\") in plain


MATHJAX = [
    *(
        "underset",
        "times",
        "thinspace",
        "lambda",
        "mu",
        "displaystyle",
        "vphantom",
        "Big",
        "Bigg",
    ),  # by layers
    "alpha",
    "begin",
    "bmatrix",
    "cases",
    "cdot",
    "delta",
    "end",
    "eta",
    "frac",
    "langle",
    "left",
    "leq",
    "mathrm",
    "odot",
    "partial",
    "pm",
    "prime",
    "quad",
    "rangle",
    "right",
    "sigma",
    "tag",
    "text",
    "aligned",
    "approx",
    "geq",
    "to",
    "sum",
    "sqrt",
    "hat",
    "beta",
    "varepsilon",
]


@pytest.mark.parametrize("name", EXERCISES)
def test_formulas_use_only_what_mathjax_was_seen_to_read(name):
    """GitHub shows math with MathJax 3, which lacks some of LaTeX (\\sb) and adds some (\\gt)."""
    text = files_of(name)["solution.md"]
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= set(MATHJAX)


# --- templates ---


def test_an_undefined_name_in_a_template_is_an_error():
    from generator.render import _environment

    with pytest.raises(UndefinedError):
        _environment().from_string("{{ nothing }}").render(format="md")


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_format_says_what_everything_looks_like(format_name):
    """The same macros with the same arguments in every format, and all that pages ask for."""
    page = (TEMPLATES / format_name / "page.jinja").read_text("utf-8")
    macros = dict(re.findall(r"{% macro (\w+)\((.*?)\) %}", page))
    used = {
        use for path in (TEMPLATES / "pages").iterdir() for use in USES.findall(path.read_text("utf-8"))
    }
    assert used <= set(macros)
    usual = dict(
        re.findall(r"{% macro (\w+)\((.*?)\) %}", (TEMPLATES / "md/page.jinja").read_text("utf-8"))
    )
    assert {name: macros[name] for name in usual} == usual


USES = re.compile(r"page\.(\w+)\(")


def test_only_the_formula_printer_writes_latex_math():
    """No LaTeX math in the mathematics, in the telling, or in the prose; but in what reads it."""
    root = Path(__file__).parent.parent
    files = [*root.glob("derive/*.py"), *root.glob("generator/*.py"), *root.glob("templates/prose/*")]
    for path in files:
        if path.stem not in (
            *"latex formula lexing grid grammar names plain answers typed matrices".split(),
        ):
            assert not re.search(
                r"\\(frac|partial|cdot|delta|sigma|mathrm|begin\{(?!document|picture))",
                path.read_text("utf-8"),
            ), path


# --- what the pages say of other networks ---


def solution(text, old="", new=""):
    return pages(certified(build(read(text.replace(old, new, 1)))), ["md"])["solution.md"]


SAYS = [  # what is changed in the spec, what the page says then
    ("biases = [1, 2]", "biases = [1, 2]", "the loss falls"),
    ("[[0.05, 0.10]]", "[[0, 0]]", "shared"),
    (
        "biases = [1, 2]",
        'biases = [1, 2]\ntrain = ["weights"]',
        "Trained are the weights into layer 1, the biases into layer 1 and the weights into layer 2",
    ),
    ("biases = [1, 2]", "", "None" if False else "4 weights into layer 2."),
    ("[network]", "[network]\nupdates = 3", "up to 3"),
    ("[network]", "[network]\nlearning_rate = 0.000000001", " < "),
]


@pytest.mark.parametrize(("old", "new", "words"), SAYS)
def test_pages_say_what_is_so(old, new, words):
    assert words in solution(GOOD, old, new)


def test_a_loss_that_does_not_change_is_said_to_stay():
    spec = GOOD.replace("[[0.01, 0.99]]", "[[0.5, 0.5]]").replace(
        "[[0.40, 0.45], [0.50, 0.55]]", "[[0, 0], [0, 0]]"
    )
    assert "stays the same" in solution(spec, "[1, 2]", "[0, 0]")


def test_a_loss_that_rises_is_said_to_rise():
    linear = GOOD.replace("biases = [1, 2]", 'biases = [1, 2]\nactivation = "identity"')
    assert "the loss rises" in solution(linear, "[network]", "[network]\nlearning_rate = 9")


def test_where_nothing_is_trained_nothing_is_updated():
    text = GOOD.replace("[network]", "[network]").replace(
        "biases = [0.35, 0.35]", "biases = [0.35, 0.35]\ntrain = []"
    )
    page = solution(text, "biases = [1, 2]", "biases = [1, 2]\ntrain = []")
    assert "None of them is trained" in page
    assert "learning rate" not in page
    assert "## Update" not in page


def test_numbers_that_differ_a_little_are_shown_apart():
    page = solution(GOOD, "[network]", "[network]\nlearning_rate = 0.000000001")
    line = next(line for line in page.splitlines() if " < " in line)
    new, old = re.search(r"= (\S+) < (\S+) =", line).groups()
    assert new != old


BATCH = """
name = "batch"
notation = "plain"
[network]
inputs = [[0.5], [-0.25], [1]]
targets = [[1], [0.2], [0.6]]
reduction = "mean"
[[network.layers]]
weights = [[0.4], [0.3]]
biases = [0.1, -0.2]
[[network.layers]]
weights = [[0.7, -0.5]]
biases = [0]
"""


def test_over_a_batch_the_loss_is_that_of_the_batch_and_weights_have_no_sample():
    page = solution(BATCH)
    assert r"L & = \frac{L^{[1]}}{3} + \frac{L^{[2]}}{3} + \frac{L^{[3]}}{3}" in page
    assert r"\frac{\partial L}{\partial a_{1}^{(2)[1]}}" in page
    assert r"\partial L^{[1]}}{\partial a" in page  # one sample's own loss, as a factor
    assert not re.search(r"\\partial w[^}]*\}\^\{[^}]*\[\d\]", page)
    assert "averaged over the samples" in page


def equations(markdown):
    """(left side, what it ends in) of every equation that ends in a number."""
    for display in displays(markdown):
        body = re.sub(r"\\(begin|end)\{aligned\}| \\tag\{\d+\}", "", display)
        left = ""
        for line in body.strip().split(" \\\\\n"):
            before, _, right = line.partition("=")
            left = before.replace("&", "").strip() or left
            if re.fullmatch(r"-?[\d.]+( \\cdot 10\^\{-\d+\})?", last := right.split("=")[-1].strip()):
                yield left, last


@pytest.mark.parametrize("notation", NOTATIONS)
def test_no_symbol_has_two_values(notation):
    for text in (BATCH, GOOD):
        spec = read(text).model_copy(update={"notation": notation})
        values = {}
        for left, last in equations(pages(certified(build(spec)), ["md"])["solution.md"]):
            assert values.setdefault(left, last) == last, left
        assert len(values) > 30


@pytest.mark.parametrize("alpha", ["0.25", "0.5"])
def test_alpha_is_used(alpha):
    text = BATCH.replace(
        "weights = [[0.4], [0.3]]",
        f'activation = "leaky_relu"\nalpha = {alpha}\nweights = [[-4], [0.3]]',
    )
    exercise = certified(build(read(text)))
    from derive.quantity import parse

    assert exercise.number(parse("a[1][1]#1")) == pytest.approx(float(alpha) * (0.5 * -4 + 0.1))


# --- vanishing gradients ---


def test_a_gradient_that_vanishes_on_its_way_back_is_pointed_out():
    """Cummins: b_o moves by 0.5, the first layer by at most 0.003; both sigmoids are saturated."""
    page = pages(lecture("cummins"), ["md"])["solution.md"]
    (remark,) = [line for line in page.splitlines() if "vanished" in line]
    assert "= -0.5058$, the largest of the first layer" in remark
    assert "= -0.003146$, $160.8$ times smaller" in remark
    assert (
        r"in layer 2 at most $\frac{\partial k_{2\mathrm{out}}}{\partial k_{2\mathrm{in}}} = 0.006648$."
        in remark
    )
    assert "vanished" not in pages(lecture("mazur"), ["md"])["solution.md"]


def test_where_no_sigmoid_made_a_gradient_vanish_none_is_blamed():
    small = GOOD.replace("[[0.40, 0.45], [0.50, 0.55]]", "[[0.0004, 0.0005], [0.0005, 0.0005]]")
    linear = small.replace('bias = "shared"', 'bias = "shared"\nactivation = "identity"')
    (remark,) = [line for line in solution(linear).splitlines() if "vanished" in line]
    assert "sigmoid" not in remark
    assert "in layer 1 at most" in solution(small)


# --- tables ---


@given(st.integers(1, 12), st.integers(1, 24))
def test_a_table_that_is_too_wide_becomes_several_with_the_same_first_column(columns, digits):
    cell = Number("8" * digits)
    heads = ["sample_column", *(Number(str(n)) for n in range(columns))]
    rows = [[Number("1"), *[cell] * columns], [Number("2"), *[cell] * columns]]
    parts = list(tables(heads, rows))
    assert [head for part in parts for head in part.heads[1:]] == heads[1:]
    for part in parts:
        assert part.heads[0] == "sample_column"
        assert [row[0] for row in part.rows] == [Number("1"), Number("2")]
        wide = (len(part.heads) - 1) * (digits / 2 + 1.1) + 5.1
        assert len(part.heads) == 2 or wide <= 41 + 1e-9


# --- softmax ---


def classes(count, targets=None, weight="0.5", samples=1, reduction="sum", loss="cross_entropy"):
    """A page of a softmax of `count` classes, the second one meant."""
    wide = ", ".join(targets or [str(int(i == 1)) for i in range(count)])
    rows = ", ".join(f"[{weight}, 0.{i}1]" for i in range(count - 1))
    text = f"""
name = "classes"
[network]
inputs = [{", ".join(["[0.5, -0.8]", "[0.3, 0.7]"][:samples])}]
targets = [{", ".join([f"[{wide}]"] * samples)}]
loss = "{loss}"
reduction = "{reduction}"
[[network.layers]]
activation = "softmax"
weights = [{rows}, [0.2, -0.1]]
"""
    return certified(build(read(text)))


SHORTER = "There is a shorter way."


@pytest.mark.parametrize(
    ("said", "exercise"),
    [
        (f"{SHORTER} In every term of the sum for", classes(3)),
        ("the output cancels, and the targets add up to 1:", classes(3)),
        ("the output cancels:", classes(3, ["0.5", "1", "0"])),
        ("| Quantity | Put together | Gradient |", classes(6)),
        ("The same sum for all other units:", classes(6, loss="squared_error")),
        ("The same sum for all other units:", classes(6, ["0.5"] * 6)),
        (r"= 0.5(a_{1}^{(1)[2]} - t_{1}^{[2]})", classes(3, samples=2, reduction="mean")),
    ],
)
def test_what_a_softmax_page_says(said, exercise):
    from generator.audit import audit
    from generator.slides import read_slides

    page = pages(exercise, ["md"])["solution.md"]
    assert said in page
    assert {a.verdict for a in audit(exercise, read_slides(exercise, page).facts)} == {"match"}


def test_only_cross_entropy_has_the_shorter_way():
    assert SHORTER not in pages(classes(3, loss="squared_error"), ["md"])["solution.md"]


def test_a_softmax_of_huge_numbers_is_told_by_the_same_formula():
    """e^1000 is beyond floating point, the share is not."""
    page = pages(classes(3, weight="2000"), ["md"])["solution.md"]
    assert r"\frac{e^{999.992}}{e^{999.992} + e^{999.912} + e^{0.18}} = 0.5200" in page
