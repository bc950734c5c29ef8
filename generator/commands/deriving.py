"""Deriving: the quantities of a network by id, path by path, or as plots."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from generator.exercise import build, certified

if TYPE_CHECKING:
    from derive.quantity import Id, Quantity
    from generator.exercise import Exercise

from generator.commands.asked import Unusable, choice, listed, spec_of

__all__ = ["certified_for", "derive", "plot_of"]


def derive(arguments: Namespace) -> int:
    """Every quantity by id, or one of them."""
    from derive.quantity import parse
    from generator.report import entries, entry, report

    exercise = build(spec_of(arguments))
    if arguments.paths:
        return _along_paths(exercise, arguments)
    if arguments.of:
        try:
            q = parse(arguments.of)
            chosen = [entry(exercise, q)]
            exercise = certified_for(exercise, q)
        except KeyError:
            allowed = "an id that the network has, such as dL/dW[1][1][1]"
            raise Unusable(f"--of: found {arguments.of!r}, allowed: {allowed}") from None
        except ValueError as error:
            raise Unusable(f"--of: {error}") from None
    else:
        exercise = certified(exercise, prove=True)
        chosen = list(entries(exercise))
    if arguments.json:
        print(json.dumps(report(exercise, chosen if arguments.of else None), indent=1))
        return 0
    wide = max(len(e.id) for e in chosen)
    for e in chosen:
        formula = "" if e.symbolic == e.id else f"  = {e.symbolic}"
        print(f"{e.id:<{wide}}  {e.value + 0.0: .10g}{formula}")
        if arguments.of and e.factors:
            numbers = " * ".join(f"{entry(exercise, parse(f)).value:.10g}" for f in e.factors)
            print(f"{'':<{wide}}  = {' * '.join(e.factors)}\n{'':<{wide}}  = {numbers}")
    proof = exercise.certificate
    print(f"Certified by {', '.join(proof.methods)}: within {proof.max_error:.0e}.")
    return 0


def _along_paths(exercise: Exercise, arguments: Namespace) -> int:
    """A gradient as a sum over paths, the first of them one by one."""
    from derive.quantity import Derivative, parse
    from generator.report import along_paths

    if arguments.of:
        raise Unusable("--paths: found --of as well, allowed: one of them")
    if arguments.most < 0:
        raise Unusable(f"--most: found {arguments.most}, allowed: 0 or more")
    try:
        target = parse(arguments.paths)
        if not isinstance(target, Derivative) or target.update or exercise.graph.forward_only:
            raise KeyError(arguments.paths)
        exercise = certified_for(exercise, target)
        told = along_paths(exercise, target, arguments.most)
    except KeyError:
        allowed = "a derivative before any update, such as dL/dW[1][1][1]"
        raise Unusable(f"--paths: found {arguments.paths!r}, allowed: {allowed}") from None
    except ValueError as error:
        raise Unusable(f"--paths: {error}") from None
    if arguments.json:
        print(json.dumps(told, indent=1))
        return 0
    count, shown = told["count"], told["paths"]
    print(f"{target}: {count} path{'s' * (count != 1)}")
    for path in shown:
        print(f"  {' * '.join(path['factors']) or '1'}\n    = {path['value']:.10g}")
    if rest := count - len(shown):
        print(f"{rest} more path{'s are' if rest > 1 else ' is'} left out; see --most")
    print(f"Sum of all {count} = {target} = {exercise.number(target) + 0.0:.10g}")
    proof = exercise.certificate
    print(f"Certified by {', '.join(proof.methods)}: within {proof.max_error:.0e}.")
    return 0


def certified_for(exercise: Exercise, q: Id) -> Exercise:
    """The exercise with a certificate for one id; KeyError if it has no such id."""
    from derive.quantity import Derivative

    wanted = q.wrt.at() if isinstance(q, Derivative) else exercise.graph.root
    node, i = exercise.graph.locate(wanted, q.sample or wanted.sample)
    reached = node in exercise.graph.ancestors()  # the loss need not depend on it
    return certified(exercise, only=[node.element(i, q.sample)] if reached else [], also=[q])


def plot_of(arguments: Namespace) -> int:
    """Plots of a network: files in DIR/<name>/plots."""
    from generator.plots import PLOTS, plot
    from generator.publish import staging

    spec = spec_of(arguments)
    if arguments.of:
        choice("--of", arguments.of, PLOTS)
    exercise = certified(build(spec))
    fitting = [name for name, row in PLOTS.items() if row.fits(exercise)]
    wanted = [arguments.of] if arguments.of else fitting
    if not fitting or not set(wanted) <= set(fitting):
        missing = arguments.of or "nothing to plot"
        raise Unusable(f"{spec.name}: found {missing}, allowed with it: {listed(fitting)}")
    weight = _weight(arguments.weight, exercise) if arguments.weight else None
    folder = Path(arguments.out) / spec.name / "plots"
    try:
        files = {f"{name}.{f}": b for name in wanted for f, b in plot(exercise, name, weight).items()}
    except ModuleNotFoundError:
        raise Unusable("plot: found no matplotlib, allowed: pip install 'chainwork[plots]'") from None
    with staging(folder) as stage:
        for name, content in files.items():
            (stage / name).write_bytes(content)
    for name in files:
        print(folder / name)
    return 0


def _weight(text: str, exercise: Exercise) -> Quantity:
    """A parameter that an update changes, by its id."""
    from derive.quantity import Quantity, parse
    from generator.exercise import trained

    there = trained(exercise.graph)
    with suppress(ValueError, KeyError):
        q = parse(text)
        if isinstance(q, Quantity):
            node, i = exercise.graph.find(q)
            if node.element(i) in there:
                return node.element(i)
    raise Unusable(f"--weight: found {text[:60]!r}, allowed: {listed(map(str, there))}")
