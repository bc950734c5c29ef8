"""How deriving grows with the network, against substituting and differentiating in SymPy.

    python benchmarks/size.py

Ready: the graph and its derivation, before anything is asked.  Steps: every gradient as a Step with
named factors.  Rival: the loss as one SymPy expression in the parameters, `diff` once for each of
them.  Operations: + − · / and functions in all steps, each computed once, against the count by hand:
δ = (1 − a) a Σ w δ for each unit, δ a for each weight.
"""

from __future__ import annotations

import gc
import platform
import resource
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise

from derive.backprop import Derivation
from derive.expression import Call, Expr, text
from derive.network import Layer, network
from derive.ops import LOSSES
from derive.quantity import Derivative, Quantity

SIZES = ([2, 2, 2], [4, 4, 4, 2], [8, 8, 8, 4], [784, 128, 10])
RIVAL = [8, 8, 8, 4]


def derivation(sizes: list[int]) -> Derivation:
    """A sigmoid network of these sizes, ready to be asked."""
    layers = [Layer(units) for units in sizes[1:]]
    return Derivation(network(sizes[0], layers, LOSSES["half_squared_error"]))


def seconds(work: Callable[[], object], repeat: int = 7) -> float:
    """The median time of `work`."""
    times = []
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def written(d: Derivation, q: Quantity) -> str:
    """∂L/∂q as named factors and as formulas, in plain text."""
    chain = d.chain(d.derivative(q), lambda named: named.wrt.name == "a")
    return "\n".join(
        f"{' * '.join(map(str, term.ids))} = {' * '.join(text(f.expr) for f in term.factors)}"
        for term in chain.terms
    )


def operations(expr: Expr) -> int:
    """How many operations a formula takes."""
    if not isinstance(expr, Call):
        return 0
    own = len(expr.args) - 1 if expr.fn in "+*" else 1
    return own + sum(map(operations, expr.args))


def counted(d: Derivation) -> int:
    """The operations of all steps; ∂L/∂L_i = 1 and factors of 1 cost nothing, and nobody asks for the
    inputs' gradients."""
    total, seen = 0, set()
    for step in d.steps():
        if isinstance(step.target, Derivative) and step.target.wrt.name in ("x", "L"):
            continue
        for term in step.terms:
            factors = [f for f in term.factors if text(f.expr) != "1"]
            known = term.upstream is not None and term.upstream.wrt.name != "L"
            total += max(0, len(factors) + known - 1)
            for f in factors:
                total += 0 if f.derivative in seen else operations(f.expr)
                seen.add(f.derivative)
        total += max(0, len(step.terms) - 1)
    return total


def by_hand(sizes: list[int]) -> int:
    """∂L/∂a: a − t at the output, Σ w δ before; δ: 3; a weight's gradient: 1."""
    total = sizes[-1] + sum(n * (2 * m - 1) for n, m in pairwise(sizes[1:]))
    return total + 3 * sum(sizes[1:]) + sum(n * m for n, m in pairwise(sizes))


def rival(sizes: list[int]) -> float:
    """Seconds that SymPy takes for all gradients of one composed loss."""
    import sympy

    start = time.perf_counter()
    below: list[sympy.Expr] = list(sympy.symbols(f"x1:{sizes[0] + 1}"))
    parameters: list[sympy.Symbol] = []
    for layer, units in enumerate(sizes[1:], 1):
        above = []
        for i in range(units):
            weights = list(sympy.symbols(f"w{layer}_{i}_1:{len(below) + 1}"))
            bias = sympy.Symbol(f"b{layer}_{i}")
            parameters += [*weights, bias]
            z = bias + sum(w * a for w, a in zip(weights, below, strict=True))
            above.append(1 / (1 + sympy.exp(-z)))
        below = above
    targets = sympy.symbols(f"t1:{sizes[-1] + 1}")
    loss = sum((a - t) ** 2 for a, t in zip(below, targets, strict=True)) / 2
    for parameter in parameters:
        loss.diff(parameter)
    return time.perf_counter() - start


def main() -> None:
    """Print Markdown tables."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "sympy"))
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {libraries}\n")
    heads = "network,parameters,ready,all steps,per step,one weight,operations,by hand".split(",")
    print(f"| {' | '.join(heads)} |\n| --- |{' ---: |' * (len(heads) - 1)}")
    taken = {}
    for sizes in SIZES:
        d = derivation(sizes)
        count = sum(n * m + m for n, m in pairwise(sizes))
        ready = seconds(lambda sizes=sizes: derivation(sizes))
        last = Quantity("W", (1, sizes[1], sizes[0]))
        one = seconds(lambda d=d, last=last: written(d, last))
        name = "-".join(map(str, sizes))
        if count > 10_000:
            print(f"| {name} | {count} | {1000 * ready:.2f} ms | | | {1000 * one:.2f} ms | | |")
            continue
        taken[name] = seconds(lambda d=d: list(d.steps()))
        steps = len(list(d.steps()))
        print(
            f"| {name} | {count} | {1000 * ready:.2f} ms | {1000 * taken[name]:.1f} ms "
            f"| {1e6 * taken[name] / steps:.0f} µs | {1000 * one:.2f} ms "
            f"| {counted(d)} | {by_hand(sizes)} |"
        )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = "-".join(map(str, RIVAL))
    slow = rival(RIVAL)
    print(f"\nPeak memory of all of these: {memory:.0f} MB.")
    print(f"SymPy on {name}: {slow:.0f} s, {slow / taken[name]:,.0f} times as long as all steps.")


if __name__ == "__main__":
    main()
