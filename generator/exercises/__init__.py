"""Exercise kinds: one file each, found because it is there.

A kind is a module with a docstring, `SPEC`, `NEEDS` and `ask`; see the fields of `Kind`.  What is asked
on one network by several kinds, or by single ids, a spec says in its `[[ask]]` tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from derive.network import WEIGHTS
from derive.quantity import Derivative, Id, parse
from generator.builtin import KINDS, LECTURES
from generator.exercise import STOP, Exercise
from generator.spec import AskSpec, Spec
from generator.spec_file import load, read
from generator.spec_network import NetworkSpec

__all__ = ["NEEDS", "Asked", "Kind", "asked", "default", "fitting", "found", "kind", "kinds"]

# Group, quantity, points, and the form (a row of FORMS) where it is not a number; in their order.
Asked = Iterable[tuple[str, Id, int] | tuple[str, Id, int, str]]

DESIGNED = 4  # inputs of a neuron up to which all its weights are tried

# What a kind may need of a spec -> whether the spec has it.
NEEDS: dict[str, Callable[[Spec], bool]] = {
    "a network": lambda spec: spec.network is not None,
    "a circuit": lambda spec: spec.circuit is not None,
    "targets": lambda spec: spec.network is not None and not spec.network.forward_only,
    "an update": lambda spec: spec.source.updates > 0 and bool(_trained(spec)),
    "a second update": lambda spec: spec.source.updates > 1,
    "trained weights": lambda spec: "weights" in _trained(spec),
    "a second sample": lambda spec: spec.network is not None and len(spec.network.inputs) > 1,
    "a single output": lambda spec: spec.network is not None and spec.network.widths[-1] == 1,
    "a second layer": lambda spec: spec.network is not None and len(spec.network.layers) > 1,
    "stop_below": lambda spec: spec.network is not None and spec.network.stop_below is not None,
    "an optimizer that remembers": lambda spec: bool(spec.source.update_rule.variables),
    "inputs of 0 and 1 (draw.keep)": lambda spec: (
        spec.network is not None and spec.network.binary and "inputs" in spec.draw.keep
    ),
    "identity activations": lambda spec: (
        spec.network is not None and all(n.activation == "identity" for n in spec.network.layers)
    ),
    "a single step output": lambda spec: (
        spec.network is not None
        and spec.network.widths[-1] == 1
        and spec.network.layers[-1].activation == "step"
    ),
    "step outputs": lambda spec: (
        spec.network is not None and spec.network.layers[-1].activation == "step"
    ),
    "plain outputs": lambda spec: spec.network is not None and spec.network.layers[-1].plain,
    f"at most {DESIGNED} inputs of an output": lambda spec: (
        spec.network is not None and spec.network.widths[-2] <= DESIGNED
    ),
    "a plain network": lambda spec: (
        spec.network is not None and all(layer.weights for layer in spec.network.layers)
    ),
    "draw.sizes": lambda spec: spec.draw.sizes is not None,
}


def _trained(spec: Spec) -> set[str]:
    return {part for layer in spec.network.layers for part in layer.train} if spec.network else set()


@dataclass(frozen=True)
class Kind:
    """What a homework asks.  `spec` is a commented starter, a good homework by itself; `needs` are rows
    of NEEDS; `overlooks` are reasons to draw again (`SCREENS`) that are none for this kind; `working`:
    what its lines are in which a mistake is to be found; `complete`: a drawn network with what it
    needs to be asked, by a lot, or None."""

    name: str
    title: str
    spec: str
    ask: Callable[[Exercise], Asked]
    needs: tuple[str, ...] = ()
    overlooks: frozenset[str] = frozenset()
    working: Callable[[Exercise], Iterable[Id]] | None = None
    complete: Callable[[Spec, int], NetworkSpec | None] | None = None

    def lacks(self, spec: Spec) -> str | None:
        """What the spec would need to be asked in this way, and has not."""
        return next((need for need in self.needs if not NEEDS[need](spec)), None)


def kinds() -> list[str]:
    """The names of all kinds."""
    return list(KINDS)


@cache
def kind(name: str) -> Kind:
    """The kind of that name, read off its module."""
    module = import_module(f"generator.exercises.{name}")
    title = (module.__doc__ or "").splitlines()[0]
    overlooks = frozenset(getattr(module, "OVERLOOKS", ()))
    more = {key: getattr(module, key, None) for key in ("working", "complete")}
    return Kind(name, title, module.SPEC, module.ask, module.NEEDS, overlooks, **more)


def default(spec: Spec) -> str:
    """The kind of homework that a spec is by itself."""
    if spec.kind:
        return spec.kind
    if spec.circuit:
        return "circuit"
    return "forward" if spec.source.forward_only else "backprop"


def fitting(spec: Spec) -> list[str]:
    """The kinds that a spec can be asked as."""
    return [name for name in KINDS if kind(name).lacks(spec) is None]


def found(source: str) -> Spec:
    """What a file, a lecture or else a kind of that name says."""
    if source in KINDS and not (LECTURES / f"{source}.toml").is_file():
        return read(kind(source).spec, source)
    return load(source)


# --- what a spec asks -------------------------------------------------------------------------


def asked(spec: Spec) -> Kind:
    """The kind of a spec, or all its `[[ask]]` together as one; SpecError where it lacks something."""
    if not spec.ask:
        return _fitting(spec, default(spec), "kind")
    rows = {f"ask[{number}]": row for number, row in enumerate(spec.ask)}
    parts = [_fitting(spec, row.kind, f"{key}.kind") for key, row in rows.items() if row.kind]
    overlooked = frozenset(reason for part in parts for reason in part.overlooks)
    working = next((part.working for part in parts if part.working), None)
    complete = next((part.complete for part in parts if part.complete), None)

    def ask(exercise: Exercise) -> Iterator[tuple[Any, ...]]:
        seen: set[tuple[Any, ...]] = set()
        for key, row in rows.items():
            of_row = list(_of_row(exercise, row, key))
            new = [part for part in of_row if _asks(part) not in seen]
            if not new:
                what = row.quantity or row.kind
                raise spec.refused(
                    f"{key}.{'quantity' if row.quantity else 'kind'}",
                    f"{what}, which was asked before",
                    "every quantity once",
                )
            seen.update(map(_asks, new))
            yield from new

    return Kind("mixed", "", "", ask, (), overlooked, working, complete)


def _asks(part: tuple[Any, ...]) -> tuple[Any, ...]:
    """What cannot be asked twice: a quantity, in the same form."""
    _, q, _, *form = part
    return q, *(form or ["number"])


def _fitting(spec: Spec, name: str, key: str) -> Kind:
    chosen = kind(name)
    if (need := chosen.lacks(spec)) is not None:
        allowed = f"with this spec: {', '.join(fitting(spec))}"
        raise spec.refused(key, f"{name} without {need}", allowed)
    return chosen


def _of_row(exercise: Exercise, row: AskSpec, key: str) -> Iterator[tuple[Any, ...]]:
    """What one `[[ask]]` asks."""
    if row.kind:
        for group, q, points, *form in kind(row.kind).ask(exercise):
            yield group, q, row.points or points, *form
        return
    q = parse(str(row.quantity))
    allowed = f"what is computed, such as {exercise.graph.root}; `derive` lists all"
    try:
        if isinstance(q, Derivative) and exercise.graph.forward_only:
            raise KeyError(str(q))
        exercise.number(q)
    except KeyError:
        raise exercise.spec.refused(f"{key}.quantity", str(q), allowed) from None
    if q == STOP and (net := exercise.spec.network) and net.stop_below is None:
        raise exercise.spec.refused(f"{key}.quantity", "stop without stop_below", allowed)
    if not isinstance(q, Derivative) and not q.update and _given(exercise, q):
        raise exercise.spec.refused(f"{key}.quantity", f"{q}, which is given", allowed)
    if row.form == "formula" and not _has_formula(exercise, q):
        raise exercise.spec.refused(f"{key}.form", f"formula of {q}", "of a derivative: dL/dW[1][1][1]")
    yield _group(q) if row.form == "number" else row.form, q, row.points or 1, row.form


def _has_formula(exercise: Exercise, q: Id) -> bool:
    """Whether it can be asked how q is written in values of the network."""
    return isinstance(q, Derivative) and not q.update and exercise.spec.network is not None


def _given(exercise: Exercise, q: Id) -> bool:
    """Whether the sheet says q's number."""
    graph = exercise.graph
    return any(q == e for n in graph.given for s in graph.sample_numbers for e in n.elements(s))


def _group(q: Id) -> str:
    """The group of a single quantity: what it is."""
    if isinstance(q, Derivative):
        return "gradient" if q.wrt.name in (*WEIGHTS, "b") and q.of.name == "L" else "slope"
    return "count" if q == STOP else "value"
