"""Statements: printed formulas, dL/da[1][1] = dL/da[2][1]*…, held against the graph.

An equation is a statement about all numbers: it must hold for the lecture's own and for others.  A
comparison, L > L@1, and what is built with one, is a statement about the lecture's numbers.  Either
is meant for every sample where it names none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import combinations

import numpy as np

from derive.descent import Descent
from derive.expression import Call, Expr, Ref, refs, substitute, value
from derive.network import counted
from derive.ops import Array
from derive.program import Run
from derive.quantity import Derivative, Id, Quantity
from generator.exercise import Exercise
from generator.misconceptions import MISCONCEPTIONS, rewriting
from generator.report import ids

__all__ = ["FEWEST", "Statements", "compares"]

NEARBY, ANYWHERE = 4, 4  # other numbers: close to the lecture's (inside every domain), and any
FEWEST = 3  # of them at which the left side has a value


def compares(formula: Expr) -> bool:
    """Whether there is a comparison in a formula."""
    if not isinstance(formula, Call):
        return False
    return formula.fn in (">", "==") or (formula.fn != "where" and any(map(compares, formula.args)))


def replaced(formula: Expr, one: Id, other: Id) -> Expr:
    """The formula with another name in place of one."""
    return substitute(formula, lambda q: Ref(other if q == one else q))


class Statements:
    """What can be said about printed equations of one exercise."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.program = exercise.program
        self.own = Run(self.program, exercise.iterates, float(exercise.spec.source.learning_rate))

    @cached_property
    def others(self) -> list[Run]:
        """The same graph with other numbers put in, the same each time."""
        random = np.random.default_rng(0)
        runs = []
        for k in range(NEARBY + ANYWHERE):
            data = self.drawn(k, random)
            rate = float(random.uniform(0.1, 0.9))
            updates, rule = len(self.exercise.iterates) - 1, self.exercise.optimizer
            states = Descent(self.exercise.graph, data, rate, updates, optimizer=rule)
            runs.append(Run(self.program, states, rate))
        return runs

    def drawn(self, k: int, random: np.random.Generator) -> dict[str, Array]:
        """Other numbers to put in; the first NEARBY ones are close to the lecture's."""
        fixed = {node.key for node in self.exercise.graph.of_kind("constant")}
        absent = {node.key: node.absent for node in self.exercise.graph.given}
        data = {}
        for name, array in self.exercise.iterates[0].data.items():
            if name in fixed:
                data[name] = array
                continue
            drawn = random.uniform(0.2, 1.2, array.shape) * random.choice([-1, 1], array.shape)
            data[name] = array + 0.1 * drawn if k < NEARBY else drawn
            for i in absent[name]:
                data[name][tuple(n - 1 for n in i)] = 0
        return {**data, **self.shares(data)}

    def shares(self, data: Mapping[str, Array]) -> dict[str, Array]:
        """The targets of a softmax with cross-entropy add up to 1 where the lecture's do: what it says
        is said of such targets."""
        graph, own = self.exercise.graph, self.exercise.iterates[0].data
        (t,) = graph.of_kind("target") or (None,)
        ends = (q for n in graph.nodes if n.name == "z" for q in n.elements(graph.sample_numbers[0]))
        derivation = self.exercise.derivation
        if t is None or all(derivation.together(derivation.derivative(q)) is None for q in ends):
            return {}
        if not np.allclose(own[t.key].sum(axis=0), 1, atol=1e-12):
            return {}
        return {t.key: np.abs(data[t.key]) / np.abs(data[t.key]).sum(axis=0)}

    def judge(self, left: Expr, right: Expr) -> tuple[str, str]:
        """(verdict, cause) of `left = right`.  KeyError if it names what there is not."""
        pairs = [(left, right)]
        if self.exercise.graph.samples > 1:
            pairs = [(self.at(left, s), self.at(right, s)) for s in self.samples(left, right)]
        for one, other in pairs:
            if compares(one) or compares(other):
                if bool(self.number(one, self.own)) != bool(self.number(other, self.own)):
                    return "erratum", "it is not so for these numbers"
            elif not self.holds(one, other):
                return "erratum", self.cause(one, other) or "unexplained"
        return "match", ""

    def samples(self, *formulas: Expr) -> Sequence[int | None]:
        """The samples that a statement is about: all where it names a quantity without one."""
        for q in (q for formula in formulas for q in refs(formula)):
            if q.sample is None and self.sampled(q):
                return self.exercise.graph.sample_numbers
        return [None]

    def sampled(self, q: Id) -> bool:
        """Whether q has a value for each sample."""
        if isinstance(q, Derivative):
            return self.sampled(q.of) or self.sampled(q.wrt)
        graph = self.exercise.graph
        with suppress(KeyError):
            return graph.samples > 1 and graph.find(q.at())[0].sampled  # L is over the whole batch
        with suppress(KeyError):
            return graph.find(q.at(sample=1))[0].sampled
        return False

    def at(self, formula: Expr, sample: int | None) -> Expr:
        """The formula for one sample."""

        def name(q: Id) -> Expr:
            return Ref(replace(q, sample=sample) if q.sample is None and self.sampled(q) else q)

        return substitute(formula, name) if sample else formula

    def holds(self, left: Expr, right: Expr) -> bool:
        """Whether both sides are equal for the lecture's numbers and for others."""
        return self.equal(left, right, self.own) is True and self.identical(left, right)

    def identical(self, left: Expr, right: Expr, *mistakes: str) -> bool:
        """Whether both sides are equal for all numbers, the left one computed with these mistakes."""
        agreed = 0
        for run in self.others:
            same = self.equal(left, right, run, *mistakes)
            if same is False:
                return False
            agreed += bool(same)
        return agreed >= FEWEST

    def equal(self, left: Expr, right: Expr, run: Run, *mistakes: str) -> bool | None:
        """Whether both sides have the same value; None where the left one has no value."""
        one = self.number(left, self.misled(run, *mistakes))
        if not np.isfinite(one):
            return None
        return bool(abs(one - self.number(right, run)) <= 1e-9 * abs(one) + 1e-13)

    @staticmethod
    def number(formula: Expr, run: Run) -> float:
        with np.errstate(all="ignore"):
            try:
                return run.evaluate(formula) if run.rewrite else float(value(formula, run.exact))
            except (ZeroDivisionError, OverflowError, TypeError):
                return float("nan")

    # --- causes ---

    def cause(self, left: Expr, right: Expr) -> str:
        """Why an equation is wrong, in one sentence; empty where nothing explains it."""
        causes = (
            self.independent,
            self.undefined,
            self.mistake,
            self.another,
            self.misplaced,
            self.factor,
            self.constant,
            self.accident,
        )
        return next((c for cause in causes if (c := cause(left, right))), "")

    def independent(self, *formulas: Expr) -> str:
        """A derivative by what a quantity does not depend on."""
        graph = self.exercise.graph
        for d in (d for formula in formulas for d in refs(formula)):
            if isinstance(d, Derivative) and not graph.depends(d.of, d.wrt, d.sample):
                return f"{d} is 0: {d.of} does not depend on {d.wrt}"
        return ""

    def undefined(self, left: Expr, right: Expr) -> str:
        """Conditions that leave something out."""
        gaps = (run for run in self.others if not np.isfinite(self.number(right, run)))
        run = next((run for run in gaps if np.isfinite(self.number(left, run))), None)
        if run is None:
            return ""
        q = next(refs(right), None)
        if q is None:
            return "what is printed has no value"
        return f"it says nothing for some numbers, such as {q} = {self.number(Ref(q), run):.3g}"

    def accident(self, left: Expr, right: Expr) -> str:
        return "it holds for these numbers only" if self.equal(left, right, self.own) else ""

    def mistake(self, left: Expr, right: Expr) -> str:
        """A misconception, or two: in this very formula, or in what it is computed from."""
        for names in [*((name,) for name in MISCONCEPTIONS), *combinations(MISCONCEPTIONS, 2)]:
            rewrite = rewriting([MISCONCEPTIONS[name] for name in names])
            q = left.name if isinstance(left, Ref) else None
            wrong = rewrite(self.program, q) if isinstance(q, Quantity | Derivative) else None
            with suppress(KeyError, ValueError):
                if wrong is not None and self.identical(wrong, right):
                    return self.named(names)
        run = self.others[-1]
        exact = self.number(left, run)
        changing = []
        for name in MISCONCEPTIONS:
            with suppress(KeyError, ValueError, RecursionError):
                if self.number(left, self.misled(run, name)) != exact:
                    changing.append(name)
        for names in [*((name,) for name in changing), *combinations(changing, 2)]:
            with suppress(KeyError, ValueError, RecursionError):
                if self.identical(left, right, *names):
                    return self.named(names)
        return ""

    @staticmethod
    def named(names: Sequence[str]) -> str:
        return "; and ".join(f"{MISCONCEPTIONS[n].name} ({n})" for n in names)

    @staticmethod
    def misled(run: Run, *mistakes: str) -> Run:
        rewrite = rewriting([MISCONCEPTIONS[name] for name in mistakes]) if mistakes else None
        return replace(run, rewrite=rewrite, computed={})

    def another(self, left: Expr, right: Expr) -> str:
        """The formula of something else."""
        for q in self.candidates():
            if self.equal(Ref(q), right, self.others[-1]) and self.identical(Ref(q), right):
                return f"that is {q}"
        return ""

    def candidates(self) -> Iterator[Id]:
        graph = self.exercise.graph
        named = (q for q in ids(self.exercise) if counted(graph, q) is None)
        return (q for q in named if not (isinstance(q, Quantity) and q.update))

    def misplaced(self, left: Expr, right: Expr) -> str:
        """One name in place of another: of the same kind in a network, any in a circuit."""
        circuit = not self.exercise.graph.of_kind("parameter")
        quantities = [q for q in self.candidates() if isinstance(q, Quantity) and Ref(q) != left]
        for q in dict.fromkeys(refs(right)):
            if not isinstance(q, Quantity):
                continue
            for other in quantities:
                alike = other.name == q.name and other.sample == q.sample
                if other == q or not (alike or circuit):
                    continue
                put = replaced(right, q, other)
                if self.equal(left, put, self.others[-1]) and self.identical(left, put):
                    return f"{q} stands where {other} belongs"
        return ""

    def constant(self, left: Expr, right: Expr) -> str:
        """A number that nothing depends on."""
        numbers = {self.number(right, run) for run in self.others}
        if len(numbers) == 1 and len({self.number(left, run) for run in self.others}) > 1:
            return f"that is {numbers.pop():.6g} for any numbers; the left side changes with them"
        return ""

    def factor(self, left: Expr, right: Expr) -> str:
        """The same but for a constant factor."""
        ratios = []
        for run in self.others:
            one, other = self.number(left, run), self.number(right, run)
            if np.isfinite(one) and one:
                ratios.append(other / one)
        if len(ratios) >= FEWEST and np.ptp(ratios) <= 1e-9 * abs(ratios[0]) and ratios[0]:
            return "the sign is lost" if abs(ratios[0] + 1) < 1e-9 else f"{ratios[0]:.6g} times too much"
        return ""
