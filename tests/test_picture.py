"""Pictures: what each printer makes of each item, and that labels are escaped."""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from generator.builtin import LECTURES
from generator.exercise import build, certified
from generator.formula import (
    Aligned,
    Cases,
    Fence,
    Fraction,
    Hat,
    Index,
    Matrix,
    Number,
    Op,
    Root,
    Row,
    Symbol,
    Text,
    Under,
    row,
)
from generator.latex import latex
from generator.notation import NOTATIONS
from generator.pages import pages_of
from generator.picture import (
    SMALL,
    Box,
    Circle,
    Label,
    Line,
    Picture,
    extent,
    figure,
    pict2e,
    spoken,
    svg,
)
from generator.spec_file import load
from generator.typst import typst as typst_

W = Index(Symbol("w"), Number("11"), row("(", Number("1"), ")"))
HOSTILE = Text("</text><script>alert(1)</script>&%$#_{}~^\\input")
ITEMS = [
    (Line(((0, 1), (2, 3))), r"\polyline(0,9)(2,7)", '<path d="M0 16 L32 48"', "curve.line((2em, 3em))"),
    (
        Line(((0, 1), (2, 1)), thick=True),
        r"\linethickness{0.13em}",
        'stroke-width="2.08"',
        "stroke: 0.13em",
    ),
    (
        Line(((0, 1), (1.25, 1)), dashed=True),
        r"\multiput(0,9)(0.5,0){3}",
        "stroke-dasharray",
        "dash: (0.25em",
    ),
    (Line(((0, 1), (2, 1)), arrow=True), r"\polygon*(2,9)(1.5,8.85)(1.5,9.15)", "Z", "(1.5em, 0.85em)"),
    (
        Circle(1, 2, 0.5),
        r"\put(1,8){\circle{1}}",
        '<circle cx="16" cy="32" r="8"',
        "dx: 0.5em, dy: 1.5em",
    ),
    (Circle(1, 2, 0.5, filled=True), r"\circle*{1}", 'r="8" fill="currentColor"', "0.5em, fill: black"),
    (
        Box(1, 2, 3, 4),
        r"\polygon(1,8)(4,8)(4,4)(1,4)",
        '<rect x="16" y="32" width="48"',
        "rect(width: 3em",
    ),
    (
        Box(1, 2, 3, 4, filled=True),
        r"\polygon*(1,8)",
        'height="64" fill="currentColor"',
        "4em, fill: black",
    ),
    (Label(1, 2, Symbol("w")), r"\put(1,8){\makebox(0,0){$w$}}", '"italic">w</tspan>', "box([$w$])"),
    (
        Label(1, 2, W, "start", True),
        r"(0,0)[l]{\footnotesize $w_{11}^{(1)}$}",
        ">11</tspan>",
        "place(left",
    ),
    (Label(1, 2, Number("-0.5"), "end"), r"[r]{$-0.5$}", ">−0.5</tspan>", "place(right + horizon"),
]


def picture(*items):
    return Picture("p", 10, 10, items, "network_picture", {})


@pytest.mark.parametrize(("item", "tex", "drawn", "typ"), ITEMS)
def test_items(item, tex, drawn, typ):
    assert tex in pict2e(picture(item))
    assert typ in figure(picture(item), "a title")
    text = svg(picture(item), "a title")
    ET.fromstring(text)
    assert drawn in text


def test_a_picture_is_an_image_with_a_title_in_the_ink_of_the_page():
    root = ET.fromstring(svg(picture(Circle(1, 1, 1)), "a < b & c"))
    assert root.get("role") == "img"
    assert root[0].tag.endswith("title")
    assert root[0].text == "a < b & c"
    colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg(picture(*(i for i, *_ in ITEMS)), "t")))
    assert colours == {"none", "currentColor"}


def test_hostile_labels_are_text():
    text = svg(picture(Label(1, 1, HOSTILE)), "</title><script>")
    assert "<script" not in text
    assert HOSTILE.text in "".join(ET.fromstring(text).itertext())
    tex = pict2e(picture(Label(1, 1, HOSTILE)))
    assert r"\textbackslash input" in tex
    assert r"\&\%\$\#\_\{\}" in tex
    typ = figure(picture(Label(1, 1, Text('"#"'))), '"); #panic("\\')
    assert r'alt: "\"); #panic(\"\\",' in typ
    assert r'"\"#\""' in typ


def test_what_is_wider_than_a_page_is_made_smaller():
    wide = Picture("p", 50, 10, (Circle(1, 1, 1),), "network_picture")
    assert pict2e(wide).startswith(r"\scalebox{0.82}{")
    assert "scale(x: 82%, y: 82%, reflow: true" in figure(wide, "")
    assert "scale" not in pict2e(picture()) + figure(picture(), "")


def test_a_number_that_lives_says_of_what():
    number = Number("0.5", of="a[1][1]", digits=4)
    text = svg(picture(Label(1, 1, number)), "")
    assert 'data-of="a[1][1]" data-digits="4">0.5</tspan>' in text
    assert "data-of" not in svg(picture(Label(1, 1, Number("0.5"))), "")


SPOKEN = [
    (W, "w11(1)"),
    (Number("4.386", -7), "4.386·10−7"),
    (Fraction(Symbol("a"), Symbol("b")), "ab"),
    (Fence(row(Symbol("a"), "+", Symbol("b"))), "(a+b)"),
    (Root(Symbol("x")), "√x"),
    (Hat(Symbol("m")), "m\u0302"),
    (row(Symbol("a"), ",", " ", Text("and")), "a,and"),
]


@pytest.mark.parametrize(("node", "text"), SPOKEN)
def test_every_node_of_a_label_is_set(node, text):
    assert spoken(node) == text
    assert "".join(ET.fromstring(svg(picture(Label(1, 1, node)), "")).itertext()).strip() == text


def test_scripts_of_one_index_start_at_the_same_place():
    text = svg(picture(Label(1, 1, W)), "")
    spans = {
        span.text: float(span.get("x")) for span in ET.fromstring(text).iter() if "tspan" in span.tag
    }
    assert spans["11"] == spans["("]


def test_what_has_more_stands_higher():
    plain, index = extent(Symbol("w")), extent(W)
    assert index[0] > plain[0]
    assert index[1] > plain[1]
    assert sum(extent(Fraction(W, W))) > sum(index)
    assert extent(Row((Op("+"), W))) == index
    for stacked in (Matrix(((W,), (W,))), Aligned(((W, W), (W, W))), Cases(((W, W), (W, W)))):
        assert sum(extent(stacked)) > 2 * sum(index)
        assert extent(Under(stacked, W))[1] > extent(stacked)[1]


def test_what_a_label_has_no_place_for():
    with pytest.raises(TypeError, match="Matrix"):
        svg(picture(Label(1, 1, Matrix(((Number("1"),),)))), "")


# --- the place that is left for a label ---

NEAR = 0.15  # em that it may take more, on either side: there is a gap around each


def in_typst(labels, head):
    """How wide it is, in points."""
    import typst

    text = "".join(
        f"#context [#metadata(measure(text({SMALL if label.small else 1}em)[${typst_(label.text)}$]).width.pt()) <w>]\n"
        for label in labels
    )
    return [found["value"] for found in json.loads(typst.query((head + text).encode(), "<w>"))]


def in_latex(labels, head):
    size = {False: r"\normalsize", True: r"\footnotesize"}
    text = "".join(
        rf"\settowidth{{\w}}{{{size[label.small]} ${latex(label.text)}$}}\typeout{{W \the\w}}"
        for label in labels
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x.tex").write_text(
            rf"{head}\begin{{document}}\newlength{{\w}}{text}\csname @@end\endcsname", "utf-8"
        )
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"]
        run = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
    return [float(found) for found in re.findall(rb"(?m)^W ([\d.]+)pt", run.stdout)]


SETTERS = [
    pytest.param("typ", in_typst, 11, id="typst"),
    pytest.param("tex", in_latex, 10.95, id="latex", marks=pytest.mark.tex),
]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "measured", "em"), SETTERS)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_label_takes_the_place_that_is_left_for_it(notation, form, measured, em):
    labels, head = {}, ""
    for name in sorted(path.stem for path in LECTURES.glob("*.toml")):
        exercise = build(load(name).model_copy(update={"notation": notation, "language": "de"}))
        pages = pages_of(certified(exercise))
        head = head or pages.text("solution", form)
        for section in pages.wanted["solution"]["exercises"][0]["sections"]:
            for block in section.blocks:
                for label in block.picture.labels if block.picture else ():
                    labels[latex(label.text), label.small] = label
    head = head.partition({"typ": "#let tagged", "tex": r"\begin{document}"}[form])[0]
    widths = measured([*labels.values()], head)
    assert len(widths) == len(labels) > 20
    for (said, _), label, width in zip(labels, labels.values(), widths, strict=True):
        assert width / em <= label.size[0] + 2 * NEAR, said
