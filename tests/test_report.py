"""derive --json carries a whole derivation: from its text alone every value and every step is found again."""

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from math import prod
from pathlib import Path

import pytest

from derive.expression import parse, value
from generator.cli import main
from tests.test_structures import UNHEARD

# Tiny on purpose: what somebody else would need to read the formulas.
ID = r"[A-Za-z_]\w*(?:\[\d+\])*"
SUFFIX = r"(?:#\d+)?(?:@\d+)?"
IDS = rf"d{ID}/d{ID}{SUFFIX}|{ID}{SUFFIX}"

BATCH = """
name = "batch"
notation = "plain"
[network]
inputs = [[0.5, -1], [-0.25, 2], [1, 0.75]]
targets = [[1, 0.5], [0.2, 0], [0.6, -1]]
reduction = "mean"
updates = 1
[[network.layers]]
activation = "leaky_relu"
alpha = "1/3"
weights = [[0.4, -0.6], [0.3, 0.1], [0.25, 1]]
biases = [0.1, 0.1, 0.1]
bias = "shared"
[[network.layers]]
weights = [[0.7, -0.5, 0.2], [0.1, 0.9, -0.3]]
biases = [0, 0.3]
train = ["weights"]
"""
# A circuit whose inputs are used several times: df/dx is a sum, one of whose terms is the gate's own ∂f/∂x.
CIRCUIT = """
name = "circuit"
[circuit]
inputs = { x = 1.5, y = -0.75, c = 2 }
constants = ["c"]
nodes = ["q = x*y + c", "r = exp(q)/(x + 2)", "f = max(r, y) * x"]
output = "f"
"""
FILES = {"batch.toml": BATCH, "circuit.toml": CIRCUIT, "unheard.toml": UNHEARD}
SPECS = ["mazur", "cummins", "softmax", "ceng506-xnor", "ceng506-neuron", *FILES]


@pytest.fixture(scope="module", params=SPECS)
def report(request, tmp_path_factory):
    source = request.param
    if source in FILES:
        source = tmp_path_factory.mktemp("spec") / source
        source.write_text(FILES[request.param], "utf-8")
    with redirect_stdout(StringIO()) as out:
        assert main(["derive", str(source), "--json"]) == 0
    return json.loads(out.getvalue())


def number(formula, env):
    return float(value(parse(formula, names=IDS), env))


def recomputed(report):
    """Every quantity from the given numbers alone, by the formulas of the report."""
    entries = {q["id"]: q for q in report["quantities"]}
    known = {name: entries[name]["value"] for name in report["given"]}
    if report["learning_rate"] is not None:
        known["learning_rate"] = report["learning_rate"]

    def env(name):
        if name not in known:
            assert entries[name]["symbolic"] != name, f"{name} has no formula"
            known[name] = number(entries[name]["symbolic"], env)
        return known[name]

    for name, entry in entries.items():
        if not re.fullmatch(r"P(\[\d+\])?", name):  # counts
            yield name, env(name), entry["value"]


def test_every_value_follows_from_the_given_numbers(report):
    found = list(recomputed(report))
    assert len(found) > len(report["given"])
    for name, computed, told in found:
        assert computed == pytest.approx(told, rel=1e-10, abs=1e-14), name


def test_every_step_follows_from_its_terms_and_from_its_formula(report):
    values = {name: computed for name, computed, _ in recomputed(report)}
    values["learning_rate"] = report["learning_rate"]
    for step in report["steps"]:
        target = values[step["target"]]
        assert number(step["formula"], values.__getitem__) == pytest.approx(target, rel=1e-10, abs=1e-14)
        terms = [
            (values[term["upstream"]] if term["upstream"] else 1.0)
            * prod(number(formula, values.__getitem__) for formula in term["formulas"])
            for term in step["terms"]
        ]
        assert all(len(term["factors"]) == len(term["formulas"]) for term in step["terms"])
        match step["rule"]:
            case "seed":
                assert (terms, target) == ([], 1)
            case "update":
                old = values[step["target"].removesuffix("@1")]
                assert old - report["learning_rate"] * terms[0] == pytest.approx(target, rel=1e-12)
            case _:
                assert sum(terms) == pytest.approx(target, rel=1e-10, abs=1e-14), step["target"]


def test_a_step_s_factors_lead_from_its_upstream_to_its_target(report):
    """∂L/∂a · ∂a/∂z · ∂z/∂w: each factor is the derivative of what the one before it was by."""
    for step in report["steps"]:
        for term in step["terms"] if step["rule"] not in ("seed", "update") else ():
            links = [
                re.fullmatch(r"d(.*?)/d(.*?)(?:#\d+)?", f) for f in [term["upstream"], *term["factors"]]
            ]
            for before, after in pairwise(links):
                assert before[2] == after[1]
            assert f"/d{links[-1][2]}" in step["target"]


def test_every_gradient_has_its_step(report):
    targets = [step["target"] for step in report["steps"]]
    assert len(targets) == len(set(targets))
    root = report["root"]
    if root is None:
        assert targets == []
        return
    gradients = {q["id"] for q in report["quantities"] if q["id"].startswith(f"d{root.split('#')[0]}/d")}
    assert gradients - set(targets) <= {q["id"] for q in report["quantities"] if not q["factors"]}
    for name in report["given"]:
        if re.match(r"[Wb]\[", name):
            assert f"d{root}/d{name}" in targets


def test_a_later_weight_is_told_by_the_one_before_it(run):
    """After two updates the gradient after one has moved it; `--of` tells that one."""
    Path("batch.toml").write_text(BATCH.replace("updates = 1", "updates = 2"))
    report = json.loads(run("derive", "batch.toml", "--json").out)
    entries = {q["id"]: q for q in report["quantities"]}
    weight = entries["W[1][2][1]@2"]
    assert weight["symbolic"] == "W[1][2][1]@1 - learning_rate*dL/dW[1][2][1]@1"
    assert entries["b[1]@2"]["symbolic"] == "b[1]@1 - learning_rate*dL/db[1]@1"
    assert entries["z[2][1]#2@2"]["symbolic"].endswith("W[2][1][3]@2*a[1][3]#2@2 + b[2][1]")
    gradient = json.loads(run("derive", "batch.toml", "--json", "--of", "dL/dW[1][2][1]@1").out)
    moved = report["learning_rate"] * gradient["quantities"][0]["value"]
    assert weight["value"] == pytest.approx(entries["W[1][2][1]@1"]["value"] - moved, rel=1e-12)
