"""Audit: a lecture's printed numbers against the derived ones, and why a wrong one is wrong.

For each fact in the order of the file: does the exact value round to what is printed (`match`); if not,
does it from the numbers printed before it (`rounded-intermediates`); else it is an `erratum`, and its
cause is looked for, nearest first: inherited from a wrong number printed before; a misconception, with
the lecture's own numbers or with the exact ones; a slip of the pen.  What nothing explains is
`unexplained`; a fact that names no quantity is `unchecked`.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import combinations
from typing import Any

from derive.expression import Expr, Ref, refs
from derive.network import WEIGHTS, counted
from derive.program import RATE, Run, read
from derive.quantity import Derivative, Id, Quantity
from generator.exercise import Exercise
from generator.misconceptions import MISCONCEPTIONS, Rewrite, rewriting
from generator.statement import Statements, compares

__all__ = ["Audited", "Fact", "audit", "named", "read_facts", "shows"]

MOST_CAUSES = 300  # different errata whose causes are looked for
TRUTH = {"true": "1", "false": "0"}
PAIRS = ("M41",)  # misconceptions that are also tried together with another one


@dataclass(frozen=True)
class Fact:
    """What is printed (a number, true or false, or a formula of ids), what it is said to be (an id, or a
    formula of ids), and where."""

    id: str
    printed: str
    where: str = ""


@dataclass(frozen=True)
class Audited:
    """A fact with its exact value, verdict and cause."""

    fact: Fact
    exact: float | None
    verdict: str
    cause: str = ""


class FactsError(ValueError):
    """A facts file that cannot be read: line, found, allowed."""


def read_facts(text: str) -> list[Fact]:
    """CSV `id,printed[,where]` -> facts."""
    try:
        return _facts(text.removeprefix("\ufeff"))
    except csv.Error as error:
        raise FactsError(f"found no CSV: {error}, allowed: id,printed[,where]") from None


def _facts(text: str) -> list[Fact]:
    rows = csv.DictReader(io.StringIO(text))
    names = [name.strip() for name in rows.fieldnames or []]
    if names[:2] != ["id", "printed"]:
        raise FactsError(f"line 1: found {','.join(names)[:60]!r}, allowed: id,printed[,where]")
    rows.fieldnames = names
    facts = []
    for row in rows:
        if None in row or row["printed"] is None:
            columns = len(names) + (len(row[None]) if None in row else -1)
            found = f"line {rows.line_num}: found {columns} columns, allowed: {len(names)}"
            raise FactsError(f"{found}; a decimal comma needs quotes")
        facts.append(Fact(row["id"] or "", row["printed"].strip(), row.get("where") or ""))
    if not facts:
        raise FactsError("found a head and no facts, allowed: a line for each printed number")
    return facts


@dataclass(frozen=True)
class _Print:
    """A printed decimal: a number and half a unit of its last place."""

    value: float
    half: float

    @staticmethod
    def read(text: str) -> _Print | None:
        """A decimal number, or `true` (1) or `false` (0)."""
        try:
            decimal = Decimal(TRUTH.get(text, text).replace("−", "-"))
        except InvalidOperation:
            return None
        exponent = decimal.as_tuple().exponent
        if not isinstance(exponent, int) or not math.isfinite(float(decimal)):
            return None
        return _Print(float(decimal), float(Decimal(5).scaleb(exponent - 1)))

    def shows(self, number: float) -> bool:
        """Whether `number` rounds to what is printed (a tie may go either way)."""
        return abs(number - self.value) <= self.half * (1 + 1e-9) + 1e-15

    def cuts(self, number: float) -> bool:
        """Whether `number` cut off (not rounded) gives what is printed."""
        return 0 <= (number - self.value) * (1 if self.value > 0 else -1) < 2 * self.half * (1 - 1e-9)

    def far(self, number: float, other: float) -> bool:
        """Whether two numbers would be printed clearly differently: only then does one explain."""
        return abs(number - other) > 2 * self.half


def shows(printed: str, number: float) -> bool:
    """Whether a number rounds to what is printed."""
    found = _Print.read(printed)
    return found is not None and found.shows(number)


class _Auditor:
    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.program = exercise.program
        self.statements = Statements(exercise)
        self.rate = float(exercise.spec.source.learning_rate)
        self.right: dict[Id, float] = {}  # printed and right, or right from rounded numbers
        self.printed: dict[Id, float] = {}  # printed, whatever it is worth
        self.wrong: dict[Id, Fact] = {}
        self.known: list[tuple[Fact, _Print]] = []
        self.found: dict[tuple[Expr, _Print], str] = {}  # causes
        self.misstated: dict[str, tuple[Fact, Expr]] = {}  # wrong formulas by what they are said of
        self.explained: dict[str, tuple[str, ...]] = {}  # misconceptions by kind of quantity
        self.habits: set[tuple[str, ...]] = set()  # misconceptions that explained something before
        self.misled = {name: self.run({}, name) for name in MISCONCEPTIONS}

    def run(self, given: Mapping[Id, float], *names: str) -> Run:
        rows = [MISCONCEPTIONS[name] for name in names]
        rewrite = rewriting(rows) if rows else None
        return Run(self.program, self.exercise.iterates, self.rate, given, rewrite)

    def audit(self, fact: Fact) -> Audited:
        try:
            formula = read(fact.id)
            exact = None if self.over_samples(formula) else self.exactly(formula)
            printed = _Print.read(fact.printed)
            if printed is None:
                return Audited(fact, exact, *self.statement(fact, formula))
            if exact is None:
                return Audited(fact, None, *self.every_sample(formula, printed))
        except (ValueError, KeyError) as error:
            why = str(error).strip("'\"")
            missing = f"there is no {why} here" if isinstance(error, KeyError) else str(error)
            return Audited(fact, None, "unchecked", missing)
        counts = [counted(self.exercise.graph, q) is not None for q in refs(formula)]
        if counts and all(counts):
            right = printed.value == exact
            return Audited(fact, exact, "match" if right else "erratum", "" if right else "miscounted")
        if not math.isfinite(exact):
            return Audited(fact, None, "unchecked", "the formula has no value")
        verdict, cause = self.judge(formula, exact, printed)
        q = formula.name if isinstance(formula, Ref) else None
        if isinstance(q, Quantity | Derivative):
            self.printed[q] = printed.value
            if verdict == "erratum":
                self.wrong[q] = fact
                self.right.pop(q, None)
            else:
                self.wrong.pop(q, None)
                self.right[q] = printed.value
        self.known.append((fact, printed))
        return Audited(fact, exact, verdict, cause)

    def statement(self, fact: Fact, formula: Expr) -> tuple[str, str]:
        """The verdict on a printed formula; a wrong one may be what later numbers were computed by."""
        said = read(fact.printed)
        verdict, cause = self.statements.judge(formula, said)
        if verdict == "erratum" and not compares(said):
            self.misstated[self.text(formula)] = (fact, said)
        return verdict, cause

    def over_samples(self, formula: Expr) -> bool:
        """Whether a formula is about every sample of a batch."""
        return self.exercise.graph.samples > 1 and self.statements.samples(formula) != [None]

    def every_sample(self, formula: Expr, printed: _Print) -> tuple[str, str]:
        """(verdict, cause) of one number printed for all samples: each must round to it."""
        for sample in self.statements.samples(formula):
            number = self.exactly(self.statements.at(formula, sample))
            if not printed.shows(number):
                return "erratum", f"of sample {sample} it is {number:.6g}"
        return "match", ""

    def exactly(self, formula: Expr) -> float:
        """The exact value, from the certified arrays."""
        return self.statements.number(formula, self.statements.own)

    @staticmethod
    def value(formula: Expr, run: Run) -> float:
        """A quantity's own print does not count as a number that it is computed from."""
        given = run.given
        if isinstance(formula, Ref) and formula.name in given:
            given = {q: number for q, number in given.items() if q != formula.name}
        base = max([0, *(_base(q) for q in refs(formula) if isinstance(q, Quantity | Derivative))])
        if given is not run.given or base != run.base:
            run = replace(run, given=given, base=base, computed={})
        return run.evaluate(formula)

    def judge(self, formula: Expr, exact: float, printed: _Print) -> tuple[str, str]:
        if printed.shows(exact):
            return "match", ""
        if printed.shows(self.value(formula, self.run(self.right))):
            return "rounded-intermediates", "right from the rounded numbers printed before"
        return "erratum", self.cause(formula, exact, printed) or "unexplained"

    # --- causes ---

    def cause(self, formula: Expr, exact: float, printed: _Print) -> str:
        if nothing := self.statements.independent(formula):
            return nothing
        key = (formula, printed)
        if key not in self.found and len(self.found) < MOST_CAUSES:
            self.found[key] = self.search(formula, exact, printed)
        return self.found.get(key, "not looked for, after so many others")

    def search(self, formula: Expr, exact: float, printed: _Print) -> str:
        candidates = (
            self.stale,
            self.inherited,
            self.direct,
            self.by_formula,
            self.as_before,
            self.slip,
            self.unrounded,
            self.indirect,
            self.repeated,
        )
        return next((c for candidate in candidates if (c := candidate(formula, exact, printed))), "")

    def stale(self, formula: Expr, exact: float, printed: _Print) -> str:
        """What was printed for the same quantity, one update earlier or later."""
        q = formula.name if isinstance(formula, Ref) else None
        if isinstance(q, Quantity | Derivative):
            for update in (q.update - 1, q.update + 1):
                other = str(_with_update(q, update)) if update >= 0 else ""
                for fact, number in reversed(self.known):
                    if fact.id == other and number.value == printed.value:
                        when = "before" if update < q.update else "after"
                        return f"the number of {other}{_at(fact)} stands here, the one {when} an update"
        return ""

    def unrounded(self, formula: Expr, exact: float, printed: _Print) -> str:
        """From the z-scores as they were before they were rounded."""
        network = self.exercise.spec.network
        if network is None or not network.standardize:
            return ""
        (x,) = self.exercise.graph.of_kind("input")
        columns = [feature.scores(None) for feature in network.features()]
        samples = zip(self.exercise.graph.sample_numbers, zip(*columns, strict=True), strict=True)
        given: dict[Id, float] = {
            q: float(score)
            for sample, scores in samples
            for q, score in zip(x.elements(sample), scores, strict=True)
        }
        number = self.value(formula, self.run(given))
        if printed.shows(number) and not printed.shows(exact):
            return f"from the z-scores before they were rounded: {number:.6g}"
        return ""

    def by_formula(self, formula: Expr, exact: float, printed: _Print) -> str:
        """From the wrong formula that was printed for the same quantity."""
        if self.text(formula) not in self.misstated:
            return ""
        fact, said = self.misstated[self.text(formula)]
        for given in (self.printed, {}):
            number = self.value(said, self.run(given))
            if printed.shows(number) and printed.far(number, exact):
                return f"it follows from the formula before it{_at(fact)}, which is wrong: {number:.6g}"
        return ""

    def repeated(self, formula: Expr, exact: float, printed: _Print) -> str:
        """The same wrong number once more."""
        for fact, number in reversed(self.known):
            if fact.id == self.text(formula) and number.value == printed.value:
                return f"it is wrong the same way{_at(fact)}"
        return ""

    def inherited(self, formula: Expr, exact: float, printed: _Print) -> str:
        """From all the numbers printed before, or from the wrong ones alone (the lecture may have gone
        on with unrounded numbers of its own); rounded, or cut off."""
        wrong = {q: self.printed[q] for q in self.wrong}
        for given in (self.printed, wrong):
            sources = self.sources(formula, given)
            number = self.value(formula, self.run(given)) if sources else exact
            if sources and (printed.shows(number) or printed.cuts(number)):
                sources = self.decisive(formula, printed, given, sources)
                names = " and ".join(f"{q} = {self.wrong[q].printed}" for q in sources)
                how = "" if printed.shows(number) else ", cut off instead of rounded"
                are, them = ("is", "it") if len(sources) == 1 else ("are", "them")
                return (
                    f"inherited from {names}, which {are} wrong: {number:.6g} follows from {them}{how}"
                )
        return ""

    def decisive(
        self, formula: Expr, printed: _Print, given: Mapping[Id, float], sources: list[Id]
    ) -> list[Id]:
        """Those of the sources without which something else would be printed; all, if none is."""

        def without(source: Id) -> float:
            return self.value(formula, self.run({q: given[q] for q in given if q != source}))

        number = self.value(formula, self.run(given))
        return [q for q in sources if abs(without(q) - number) > printed.half] or sources

    def sources(self, formula: Expr, given: Mapping[Id, float]) -> list[Id]:
        """The wrong printed numbers that the formula rests on, without a given one in between."""
        target = formula.name if isinstance(formula, Ref) else None
        base = max([0, *(_base(q) for q in refs(formula) if isinstance(q, Quantity | Derivative))])
        found: dict[Id, None] = {}
        pending: list[Any] = list(self.parents(formula))
        seen = {target}
        while pending:
            q = pending.pop(0)
            if q in seen:
                continue
            seen.add(q)
            earlier = _kept(q) and 0 < q.update <= base
            if q in self.wrong:
                found[q] = None
            elif q not in given and q != RATE and not earlier:
                pending.extend(self.parents(Ref(q)))
        return list(found)

    def parents(self, formula: Expr) -> Iterator[Id]:
        if isinstance(formula, Ref) and formula.name != RATE:
            assert isinstance(formula.name, Quantity | Derivative)
            own = self.program.formula(formula.name)
            yield from refs(own) if own else ()
        else:
            yield from refs(formula)

    def direct(self, formula: Expr, exact: float, printed: _Print) -> str:
        """A misconception about this very quantity, alone or together with another one."""
        return self.misconception(formula, exact, printed, here=True)

    def indirect(self, formula: Expr, exact: float, printed: _Print) -> str:
        """A misconception about something that this quantity is computed from."""
        return self.misconception(formula, exact, printed, here=False)

    def misconception(self, formula: Expr, exact: float, printed: _Print, *, here: bool) -> str:
        q = formula.name if isinstance(formula, Ref) else None
        singles: list[tuple[str, ...]] = [(name,) for name in MISCONCEPTIONS]
        singles.sort(key=lambda names: names not in self.habits)  # who errs, errs the same way again
        pairs = [pair for pair in combinations(MISCONCEPTIONS, 2) if set(pair) & set(PAIRS)]
        for names in [*singles, *pairs]:
            rewrite = rewriting([MISCONCEPTIONS[name] for name in names])
            if here == self.concerns(rewrite, q) and (why := self.made(names, formula, exact, printed)):
                self.explained[_kind(formula)] = names
                return why
        return ""

    def as_before(self, formula: Expr, exact: float, printed: _Print) -> str:
        """The misconceptions that explained a number of the same kind."""
        names = self.explained.get(_kind(formula))
        return self.made(names, formula, exact, printed) if names else ""

    def made(self, names: tuple[str, ...], formula: Expr, exact: float, printed: _Print) -> str:
        """Whether these misconceptions lead to what is printed, in words."""
        for given, whose in ((self.printed, "the numbers printed before"), ({}, "exact numbers")):
            run = self.misled[names[0]] if len(names) == 1 and not given else self.run(given, *names)
            try:
                number = self.value(formula, run)
            except (KeyError, ValueError, OverflowError, ZeroDivisionError, RecursionError):
                continue
            if printed.shows(number) and (names in self.habits or printed.far(number, exact)):
                self.habits.add(names)
                what = "; and ".join(f"{MISCONCEPTIONS[n].name} ({n})" for n in names)
                times = f", {number / exact:.4g} times the right value" if exact else ""
                return f"{what}: with {whose} that gives {number:.6g}{times}"
        return ""

    def concerns(self, rewrite: Rewrite, q: Any) -> bool:
        """Whether a rewrite is about q itself, or about what q is only another name for (L = L[1])."""
        if not isinstance(q, Quantity | Derivative):
            return False
        own = self.program.formula(q)
        same = own.name if isinstance(own, Ref) else None
        about = [q, *([same] if isinstance(same, Quantity) and same.name == "L" else [])]
        return any(rewrite(self.program, a) is not None for a in about)

    def slip(self, formula: Expr, exact: float, printed: _Print) -> str:
        digits = f"{abs(printed.value):.12g}"
        if printed.shows(-exact):
            return f"the sign is lost: {exact:.6g}"
        if misprint := self.misprint(formula, exact, printed):
            return misprint
        for power in (-3, -2, -1, 1, 2, 3):
            if printed.shows(exact * 10.0**power) and len(digits.replace(".", "").lstrip("0")) > 1:
                return f"the decimal point is {abs(power)} off: {exact:.6g}"
        if printed.cuts(exact):
            return f"cut off instead of rounded: {exact:.6g}"
        for fact, other in reversed(self.known):
            if transposed(f"{abs(other.value):.12g}", digits) and fact.id == self.text(formula):
                return f"digits transposed: {fact.printed} is printed{_at(fact)}"
        for fact, other in reversed(self.known):
            copied = other.value == printed.value and printed.far(printed.value, exact)
            if copied and fact.id != self.text(formula) and self.copies(fact.id, formula, digits):
                return f"the number of {fact.id}{_at(fact)} stands here"
        if transposed(f"{abs(exact):.{max(0, len(digits.partition('.')[2]))}f}", digits):
            return f"digits transposed: {exact:.6g}"
        q = formula.name if isinstance(formula, Ref) else None
        if isinstance(q, Quantity | Derivative):
            for update in {0, q.update + 1, q.update - 1} - {q.update, -1}:
                if update >= len(self.exercise.iterates):
                    continue
                number = self.exercise.number(_with_update(q, update))
                if printed.shows(number) and printed.far(number, exact):
                    when = "before" if update < q.update else "after"
                    return f"the value {when} an update: {number:.6g}"
        for factor, name in (
            (2.0, "doubled"),
            (0.5, "halved"),
            (self.rate, "multiplied by the learning rate"),
        ):
            if printed.shows(exact * factor) and printed.far(exact * factor, exact):
                return f"{name}: {exact:.6g}"
        return self.difference(formula, exact, printed)

    def misprint(self, formula: Expr, exact: float, printed: _Print) -> str:
        """A number that is put in cannot be miscalculated: another such number, or a misprint."""
        q = formula.name if isinstance(formula, Ref) else None
        if not isinstance(q, Quantity) or q.update or self.program.formula(q) is not None:
            return ""
        graph = self.exercise.graph
        own = graph.find(q.at(sample=q.sample))[0]
        nodes = [own, *(n for n in graph.given if n.name == own.name and n is not own)]
        for other in (other for node in nodes for other in node.elements(q.sample)):
            if self.exercise.number(other) == printed.value:
                return f"the number of {other} stands here"
        return f"misprinted: {exact:.6g} is given"

    def difference(self, formula: Expr, exact: float, printed: _Print) -> str:
        """A loss that is only how far the output is from its target."""
        q = formula.name if isinstance(formula, Ref) else None
        layers = [node for node in self.exercise.graph.nodes if node.name == "a"]
        if layers and isinstance(q, Quantity) and q.name == "L":
            for a in layers[-1].elements(q.sample):
                d = Derivative(self.exercise.graph.root.at(), a.at(), q.sample, q.update)
                with suppress(KeyError):
                    number = self.exactly(Ref(d))
                    if printed.shows(number) and printed.far(number, exact):
                        return f"that is {d}: {number:.6g}"
        return ""

    @staticmethod
    def copies(source: str, formula: Expr, digits: str) -> bool:
        """Whether equal digits can be no accident: four significant ones, or two of the same kind."""
        significant = digits.replace(".", "").lstrip("0")
        same_kind = source.split("[")[0] == str(getattr(formula, "name", "")).split("[")[0]
        return len(significant) >= (2 if same_kind and "[" in source else 4)

    @staticmethod
    def text(formula: Expr) -> str:
        return str(formula.name) if isinstance(formula, Ref) else ""


def _kind(formula: Expr) -> str:
    """What numbers of a kind have in common: dL/db[1][4] and dL/db[1][1] are dL/db[1]."""
    return re.sub(r"(\[\d+\])(\[\d+\])+", r"\1", str(getattr(formula, "name", "")).partition("#")[0])


def _with_update(q: Quantity | Derivative, update: int) -> Id:
    if isinstance(q, Quantity):
        return q.at(sample=q.sample, update=update)
    return Derivative(q.of, q.wrt, q.sample, update)


def _base(q: Quantity | Derivative) -> int:
    """Of a training only its first update, or a parameter's last one, is gone through again."""
    return q.update if q.update > 1 and not _kept(q) else max(q.update - 1, 0)


def _kept(q: Id) -> bool:
    """A parameter, or what an optimizer keeps beside it: W, vW, mb."""
    return isinstance(q, Quantity) and q.name[-1:] in (*WEIGHTS, "b")


def _at(fact: Fact) -> str:
    return f" ({fact.where})" if fact.where else ""


def transposed(one: str, other: str) -> bool:
    """Whether two numbers differ by two neighbouring digits that changed places."""
    if len(one) != len(other) or one == other:
        return False
    differ = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(differ) != 2:
        return False
    first, second = differ
    return one[first] == other[second] and one[second] == other[first] and second - first <= 2


def named(exercise: Exercise, facts: Sequence[Fact]) -> list[Id]:
    """The quantities of the exercise that the facts are about, for their certificate."""
    found: list[Id] = []
    for fact in facts:
        for text in (fact.id, fact.printed):
            with suppress(ValueError, KeyError):
                found += [q for q in refs(read(text)) if _certifiable(exercise, q)]
    return found


def _certifiable(exercise: Exercise, q: Id) -> bool:
    """Whether q is a number of the exercise that has to be certified."""
    with suppress(KeyError):
        if q != RATE and counted(exercise.graph, q) is None:
            exercise.number(q)
            return True
    return False


def audit(exercise: Exercise, facts: Sequence[Fact]) -> list[Audited]:
    """Every fact, in order; each is judged knowing those before it."""
    auditor = _Auditor(exercise)
    return [auditor.audit(fact) for fact in facts]
