"""Slides: a lecture's LaTeX or Markdown -> facts for the audit, by the spec's notation.

A chain `name = formula = numbers put in = number` gives the result, each number put in as a fact of the
name it stands for, and the formula as a statement.  What cannot be placed is listed; no id is guessed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice, permutations

import numpy as np

from derive.expression import Call, Expr, Num, Ref, refs, substitute, text, value
from derive.graph import Node as GraphNode
from derive.program import RATE, sum_of
from derive.program import read as read_formula
from derive.quantity import Derivative, Id, Quantity
from generator.audit import Fact, shows
from generator.exercise import Exercise
from generator.grid import Grid, Printed, Unknown, numbers
from generator.names import vocabulary
from generator.reading import Chain, Side, chains
from generator.tabular import Cell, TextTable, text_tables

__all__ = ["Reading", "Unplaced", "read_slides"]

SAMPLE = ("sample", "observation", "obs", "example", "data point", "row")  # heads of their numbers
MAX_FACTORS = 5  # of a product whose factors may stand in another order


@dataclass(frozen=True)
class Unplaced:
    """Something with numbers in it that no quantity could be found for."""

    where: str
    text: str
    numbers: int


@dataclass
class Reading:
    """What was read: the facts in order, and what could not be placed."""

    facts: list[Fact] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)
    alone: list[Unplaced] = field(default_factory=list)  # in mathematics, but in no equation
    placed: int = 0  # numbers

    @property
    def found(self) -> int:
        """How many numbers stand in equations."""
        return self.placed + sum(u.numbers for u in self.unplaced)


# --- the mathematics of a file --------------------------------------------------------------------

_OPENING = re.compile(
    r"```math\n|(?<!\\)\$\$|(?<!\\)\$`|(?<!\\)\$|\\\[|\\\(|\\begin\{(?P<display>"
    r"equation|align|alignat|flalign|gather|multline|eqnarray|IEEEeqnarray|dmath|displaymath|math)\*?\}"
)
CLOSING = {"```math\n": "```", "$$": "$$", "$`": "`$", "$": "$", r"\[": r"\]", r"\(": r"\)"}
_PARAGRAPH = re.compile(r"\n\s*\n")
_TEX = re.compile(r"\\(documentclass|begin\{(document|frame)\}|usepackage|section|frametitle)\b")
# What is shown as it was typed, or not at all: no mathematics.
_TEX_QUIET = re.compile(
    r"(?<!\\)%[^\n]*|\\begin\{(verbatim|lstlisting|minted|comment)\}.*?\\end\{\1\}|\\iffalse\b.*?\\fi\b",
    re.DOTALL,
)
_MARKDOWN_QUIET = re.compile(
    r"^(```|~~~)(?!math)[^\n]*\n.*?^\1|<!--.*?-->|(?<![\$`])(`+)(?!`)[^\n]*?(?<!`)\2(?![`$])",
    re.DOTALL | re.MULTILINE,
)
_MACRO = re.compile(
    r"\\(?:re|provide)?(?:newcommand|DeclareMathOperator)\*?\s*\{?\\(\w+)\}?\s*(?:\[(\d)\])?\s*(?=\{)"
    r"|\\def\s*\\(\w+)\s*((?:#\d)*)\s*(?=\{)"
)
MAX_MACROS = 200


def _quiet(source: str) -> str:
    """The text without comments, code and what is shown verbatim, every line where it was."""
    pattern = _TEX_QUIET if _TEX.search(source) else _MARKDOWN_QUIET
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), source)


def _braces(source: str, at: int) -> int:
    """Where the group that opens at `at` ends; -1 if it does not."""
    depth = 0
    for n in range(at, min(len(source), at + 2000)):
        depth += (source[n] == "{") - (source[n] == "}")
        if not depth:
            return n + 1
    return -1


def macros(source: str) -> dict[str, tuple[int, str]]:
    """What the text defines by newcommand, def and the like: name -> (number of arguments, body)."""
    found: dict[str, tuple[int, str]] = {}
    for match in islice(_MACRO.finditer(source), MAX_MACROS):
        end = _braces(source, match.end())
        if end > 0:
            count = int(match[2] or 0) if match[1] else len(match[4]) // 2
            found[match[1] or match[3]] = count, source[match.end() + 1 : end - 1]
    return found


def expanded(piece: str, known: Mapping[str, tuple[int, str]], depth: int = 0) -> str:
    """A piece of mathematics with the text's own macros put in."""
    if not known or depth > 5 or len(piece) > 20_000:
        return piece
    pattern = re.compile(r"\\(" + "|".join(map(re.escape, known)) + r")(?![A-Za-z])")
    out, at = [], 0
    while match := pattern.search(piece, at):
        out.append(piece[at : match.start()])
        count, body = known[match[1]]
        at = match.end()
        for number in range(1, count + 1):
            skipped = len(piece[at:]) - len(piece[at:].lstrip())
            end = _braces(piece, at + skipped) if piece[at + skipped :].startswith("{") else -1
            if end < 0:
                return piece
            body = body.replace(f"#{number}", piece[at + skipped + 1 : end - 1])
            at = end
        out.append(body)
    out.append(piece[at:])
    return expanded("".join(out), known, depth + 1) if len(out) > 1 else piece


def mathematics(source: str) -> Iterator[tuple[str, int]]:
    """Each piece of mathematics and where it starts."""
    tex = bool(_TEX.search(source))
    source = _quiet(source)
    at = 0
    never: set[str] = set()  # closing marks that do not come any more
    while opening := _OPENING.search(source, at):
        at = opening.end()
        display = opening["display"] is not None
        closing = opening[0].replace("begin", "end", 1) if display else CLOSING[opening[0]]
        end = -1 if closing in never else source.find(closing, at)
        while closing == "$" and end > 0 and source[end - 1] == "\\":
            end = source.find(closing, end + 1)
        if end < 0:
            never.add(closing)
        elif closing == "$" and not _dollars(source, at, end, tex):
            continue
        else:
            yield source[at:end], at
            at = end + len(closing)


def _dollars(source: str, at: int, end: int, tex: bool) -> bool:
    """Whether two dollars hold mathematics: `$5 and $` does not, nor does more than a paragraph."""
    inner = source[at:end]
    price = not tex and inner[:1].isdigit() and inner[-1:].isspace()
    return bool(inner.strip()) and not price and not _PARAGRAPH.search(inner)


# --- facts --------------------------------------------------------------------------------------


def _activations(exercise: Exercise) -> dict[str, str]:
    """1/(1 + exp(-z[1][1])) has a name, a[1][1]."""
    graph, found = exercise.graph, {}
    for node in graph.nodes:
        if node.name == "a":
            for sample in graph.sample_numbers:
                for q in node.elements(sample):
                    formula = graph.definition(q)
                    if isinstance(formula, Call):
                        found[text(formula)] = str(q)
    return found


@dataclass(frozen=True)
class _Match:
    """Numbers put in for names: what each stands for, and how well the two formulas fit."""

    put_in: tuple[tuple[Expr, str], ...] = ()
    fit: float = 0.0


class _Reader:
    def __init__(self, exercise: Exercise, source: str) -> None:
        self.exercise = exercise
        self.program = exercise.program
        self.vocabulary = vocabulary(exercise)
        self.source = source
        self.said: dict[str, list[Expr]] = {}  # formulas that were printed for a left side
        self.printed: dict[str, set[float]] = {}  # numbers that were printed for a name
        self.starts = [m.end() for m in re.finditer("\n", source)]  # of the lines but the first
        self.named = _activations(exercise)
        self.reading = Reading()

    def read(self) -> Reading:
        """Tables first, so that their cells are not taken for formulas of their own; facts by line."""
        source = self.source
        for table in text_tables(source):
            if self.table(table):
                blank = re.sub(r"[^\n]", " ", source[table.start : table.end])
                source = source[: table.start] + blank + source[table.end :]
        own = macros(_quiet(source))
        pieces = list(mathematics(source))
        digits = " ".join(piece for piece, _ in pieces)
        comma = bool(re.search(r"\d,\d\d", digits)) and not re.search(r"\d\.\d", digits)
        for piece, start in pieces:
            plain = expanded(piece, own)
            for chain in chains(plain, self.vocabulary, start, comma):
                if plain != piece:  # where it stands in the text is only known by its piece
                    chain.offset = start
                self.chain(chain)
        self.reading.facts.sort(key=lambda fact: int(fact.where.removeprefix("line ")))
        return self.reading

    def line(self, offset: int) -> str:
        return f"line {bisect_right(self.starts, offset) + 1}"

    def table(self, table: TextTable) -> bool:
        """Whether the cells of a table have names: by its head (for each sample, or in a single row), or
        by the first cell of each row of two."""
        head, *rows = table.rows
        found: list[tuple[Id, Cell]] = []
        names = [self.name(cell) for cell in head]
        samples = self.exercise.graph.samples > 1 and head[0].text.strip(" .:#").lower() in SAMPLE
        if samples:
            for first, *cells in rows:
                sample = self.sample(first)
                named = [self.name(cell, sample) if sample else None for cell in head[1:]]
                found += [(q, c) for q, c in zip(named, cells, strict=False) if q is not None]
        elif len(rows) == 1:
            found = [(q, c) for q, c in zip(names, rows[0], strict=False) if q and self.number(c)]
        if not found and len(head) == 2:
            lines = [(self.name(row[0]), row[1]) for row in table.rows if len(row) == 2]
            found = [(q, cell) for q, cell in lines if q is not None]
        for q, cell in found:
            sides = [Side(Ref(q), str(q)), *self.number(cell)]
            self.equation(sides, self.line(cell.offset))
        return bool(found)

    def sample(self, cell: Cell) -> int | None:
        """The number of a sample: 3, Sample 3, #3."""
        match = re.fullmatch(r"[^\d]*([1-9]\d*)", cell.text)
        return int(match[1]) if match and int(match[1]) <= self.exercise.graph.samples else None

    def name(self, cell: Cell, sample: int | None = None) -> Id | None:
        """What a cell names; for a sample, what it names there."""
        known = self.vocabulary
        if sample:
            mark = f"[{sample}]"
            names = {
                n.removesuffix(mark).rstrip("^"): q for n, q in known.names.items() if n.endswith(mark)
            }
            known = replace(known, names=names)
        sides = [side for chain in chains(cell.text, known) for side in chain.sides]
        value = sides[0].value if len(sides) == 1 else None
        name = value.name if isinstance(value, Ref) else None
        return name if isinstance(name, Quantity | Derivative) and name != RATE else None

    def number(self, cell: Cell) -> list[Side]:
        """The number in a cell, if that is all that stands there."""
        sides = [side for chain in chains(cell.text, self.vocabulary) for side in chain.sides]
        return [s for s in sides if s.value is not None and len(sides) == 1 and _is_cell(s.value)]

    def chain(self, chain: Chain) -> None:
        where = self.line(chain.offset)
        shapes = {s.value.shape for s in chain.sides if isinstance(s.value, Grid)}
        if len(shapes) != 1:
            if not shapes:
                self.equation(chain.sides, where, chain.assigned)
            else:
                self.leave(chain.sides, where)
            return
        ((height, width),) = shapes
        for i in range(height):
            for j in range(width):
                self.equation([_cell(s, i, j) for s in chain.sides], where, chain.assigned)

    def leave(self, sides: Sequence[Side], where: str, formulas: bool = False) -> None:
        """List what has numbers in it and cannot be placed; also what has none, if `formulas`."""
        for side in sides:
            if side.value is None:
                count = len(re.findall(r"\d*\.\d+", side.text))
            else:
                count = sum(map(_put_in, _cells(side.value)))
            if count or (formulas and side.text):
                shown = " ".join(side.text.split())[:120]
                last = self.reading.unplaced[-1] if self.reading.unplaced else None
                if last and (last.where, last.text) == (where, shown):  # another cell of the same matrix
                    count += self.reading.unplaced.pop().numbers
                self.reading.unplaced.append(Unplaced(where, shown, count))

    def equation(self, sides: Sequence[Side], where: str, assigned: bool = False) -> None:
        """The facts of one chain of scalars."""
        values = [
            s.value if s.value is not None and not isinstance(s.value, Grid) else None for s in sides
        ]
        symbolic = [v for v in values if v is not None and _known(v) and not _numeric(v)]
        subject = self.subject(symbolic, assigned)
        if len(sides) < 2:
            if sides[0].value is not None and all(map(_is_printed, _cells(sides[0].value))):
                self.reading.alone.append(Unplaced(where, sides[0].text, 1))
            return
        if subject is None:
            self.leave(sides, where)
            return
        key = text(_plain(subject))
        formulas = [_plain(v) for v in symbolic[1:] if not _put_in(v)]
        before = len(self.reading.facts), self.reading.placed
        for side, v in zip(sides, values, strict=True):
            if v is None or not _known(v):
                self.leave([side], where, formulas=True)
            elif _is_printed(v):
                self.result(subject, v, side, where)
            elif _put_in(v):
                self.operands(subject, formulas, v, side, where)
            elif v is not symbolic[0]:
                self.statement(subject, v, where)
        self.said[key] = [*formulas, *self.said.get(key, [])]
        self.other_state(before, where)

    def other_state(self, before: tuple[int, int], where: str) -> None:
        """A chain whose numbers are wrong for the state that it names, and all right for another one, is
        about that: the text says so in words, or not at all.  It is listed."""
        facts = self.reading.facts[before[0] :]
        numbers_ = [(read_formula(f.id), f.printed) for f in facts if _decimal(f.printed)]
        if all(shows(printed, self.value(formula)) for formula, printed in numbers_):
            return
        for k in range(1, min(len(self.exercise.iterates), 21)):
            later = [(self.later(formula, k), printed) for formula, printed in numbers_]
            if all(f is not None and shows(printed, self.value(f)) for f, printed in later):
                said = ", ".join(f"{f.id} = {f.printed}" for f in facts if _decimal(f.printed))
                said += f": so it is after {k} update{'s' * (k > 1)}"
                self.reading.unplaced.append(Unplaced(where, said[:160], len(numbers_)))
                del self.reading.facts[before[0] :]
                self.reading.placed = before[1]
                return

    def later(self, formula: Expr, k: int) -> Expr | None:
        """The formula k updates later; None where there is no such state."""
        most = len(self.exercise.iterates) - 1
        if any(q != RATE and self.moves(q) and q.update + k > most for q in refs(formula)):
            return None
        return substitute(
            formula, lambda q: Ref(replace(q, update=q.update + k) if q != RATE and self.moves(q) else q)
        )

    def moves(self, q: Id) -> bool:
        """Whether an update changes q."""
        if isinstance(q, Derivative):
            return True
        node = self.node(q)
        computed = node is not None and (node.op is not None or node.kind == "parameter")
        return computed or self.exercise.optimizer.owned(q) is not None

    def subject(self, symbolic: Sequence[Expr], assigned: bool = False) -> Expr | None:
        """What a chain is about; `w = w - …` and `w ← …` are about the new w."""
        if not symbolic:
            return None
        first, *others = symbolic
        if isinstance(first, Ref) and isinstance(first.name, Quantity):
            node, owned = self.node(first.name), self.exercise.optimizer.owned(first.name)
            again = any(first.name in set(refs(other)) for other in others if other != first)
            if (again or assigned) and (owned or (node and node.kind == "parameter")):
                return Ref(first.name.at(update=first.name.update + 1))
        return first

    def node(self, q: Quantity) -> GraphNode | None:
        with suppress(KeyError):
            return self.exercise.graph.locate(q.at(), q.sample)[0]
        return None

    def result(self, subject: Expr, number: Expr, side: Side, where: str) -> None:
        """`subject = number`; a number put in that differs from the spec's is of another state."""
        (printed,) = numbers(number)
        if self.given(subject) and not shows(printed.text, self.value(subject)):
            said = f"{text(_plain(subject))} = {printed.text}: the spec has {self.value(subject):g}"
            self.reading.unplaced.append(Unplaced(where, said, 1))
            return
        self.fact(subject, printed.text, where)

    def given(self, subject: Expr) -> bool:
        if not (isinstance(subject, Ref) and isinstance(subject.name, Quantity)):
            return False
        node = self.node(subject.name)
        if subject.name == RATE or self.program.constant(subject.name) is not None:
            return True
        return bool(node and node.op is None and not subject.name.update)

    def value(self, formula: Expr) -> float:
        def number(q: Id) -> float:
            return (
                float(self.exercise.spec.source.learning_rate) if q == RATE else self.exercise.number(q)
            )

        with np.errstate(all="ignore"):
            try:
                return float(value(_plain(formula), number))
            except (ZeroDivisionError, OverflowError, TypeError, KeyError, ValueError):
                return float("nan")

    def fact(self, formula: Expr, printed: str, where: str) -> None:
        name = text(_plain(formula))
        self.printed.setdefault(name, set()).add(float(printed))
        self.reading.facts.append(Fact(self.named.get(name, name), printed, where))
        self.reading.placed += 1

    def statement(self, subject: Expr, formula: Expr, where: str) -> None:
        """`subject = formula`, unless the subject's number is put in: that is nothing to derive."""
        if not self.given(subject):
            self.reading.facts.append(Fact(text(_plain(subject)), text(_plain(formula)), where))

    def operands(
        self, subject: Expr, formulas: Sequence[Expr], numeric: Expr, side: Side, where: str
    ) -> None:
        """The numbers put in, each for the name that it stands for in a formula of the subject."""
        said = [*reversed(formulas), *self.said.get(text(_plain(subject)), [])]
        if not isinstance(subject, Ref):
            said.append(subject)
        found = _best(said, numeric)
        if found is None or not self.plausible(found):
            taught = [f for f in self.taught(subject) if f is not None]
            found = _best(taught, numeric, self.value)
        if found is None or not self.plausible(found):
            self.leave([Side(numeric, side.text)], where)
            return
        for formula, printed in found.put_in:
            self.fact(formula, printed, where)

    def plausible(self, match: _Match) -> bool:
        """Whether at least half of the numbers are what they were put in for, exactly or as printed
        before; else they were put in for something else."""
        right = 0
        for formula, printed in match.put_in:
            known = self.printed.get(text(_plain(formula)), set())
            right += shows(printed, self.value(formula)) or float(printed) in known
        return 2 * right >= len(match.put_in)

    def taught(self, subject: Expr) -> Iterator[Expr | None]:
        """The formulas that the graph has for a quantity."""
        if not (isinstance(subject, Ref) and isinstance(subject.name, Quantity | Derivative)):
            return
        q = subject.name
        with suppress(KeyError):
            yield self.program.formula(q)
        if isinstance(q, Derivative):
            with suppress(KeyError):
                yield sum_of(self.program.factors(q)) if self.program.factors(q) else None
            with suppress(KeyError):
                yield self.exercise.graph.local(q)


def _put_in(formula: Expr) -> int:
    """How many numbers were put in: all of a numeric side, else those that are no mere ½ or 2."""
    every = _numeric(formula)
    return sum(every or "." in number.text for number in numbers(formula))


def _is_cell(found: Expr | Grid) -> bool:
    return not isinstance(found, Grid) and _is_printed(found)


def _cells(found: Expr | Grid) -> list[Expr]:
    return [cell for row in found.rows for cell in row] if isinstance(found, Grid) else [found]


def _cell(side: Side, i: int, j: int) -> Side:
    return Side(side.value.rows[i][j], side.text) if isinstance(side.value, Grid) else side


def _known(formula: Expr) -> bool:
    return not any(isinstance(name, Unknown) for name in refs(formula))


def _numeric(formula: Expr) -> bool:
    return all(isinstance(name, Printed) for name in refs(formula))


def _is_printed(formula: Expr) -> bool:
    return isinstance(formula, Ref) and isinstance(formula.name, Printed)


def _plain(formula: Expr) -> Expr:
    """The formula with printed numbers as numbers."""
    return substitute(formula, lambda n: Num(n.value) if isinstance(n, Printed) else Ref(n))


# --- numbers put in for names ---------------------------------------------------------------------


Numbers = Callable[[Expr], float]


def _best(formulas: Sequence[Expr], numeric: Expr, number: Numbers | None = None) -> _Match | None:
    """The formula that the numbers were put in for: the first that fits best."""
    matches = [m for f in formulas if (m := _fit(_plain(f), numeric, number)) is not None]
    return max(matches, key=lambda m: m.fit, default=None)


def _fit(formula: Expr, numeric: Expr, number: Numbers | None = None) -> _Match | None:
    """`w*a + b` and `0.4*0.59 + 0.6`: what each number stands for; None where the shapes differ.

    Factors and summands may have changed places, but only where the shapes say how, or where the
    formula is the graph's own (`number`) and the values do."""
    if _is_printed(numeric):
        (printed,) = numbers(numeric)
        if isinstance(formula, Num):
            return _Match(fit=0.5) if formula.value == printed.value else None
        if not list(refs(formula)):
            with suppress(ArithmeticError):
                return _Match(fit=0.5) if value(formula, float) == float(printed.value) else None
            return None
        if isinstance(formula, Call) and formula.fn == "neg" and printed.text.startswith("-"):
            return _fit(formula.args[0], Ref(Printed(printed.text[1:])), number)
        right = 0.1 if number and shows(printed.text, number(formula)) else 0.0
        return _Match(((formula, printed.text),), (1.0 if isinstance(formula, Ref) else 0.2) + right)
    if isinstance(numeric, Num | Ref):
        return _Match(fit=0.5) if numeric == formula else None
    if not isinstance(formula, Call) or not isinstance(numeric, Call):
        return None
    if formula.fn == "+" and numeric.fn == "-":  # a negative summand, written with a minus
        numeric = _as_sum(numeric)
    if formula.fn != numeric.fn or len(formula.args) != len(numeric.args):
        return None
    table = [[_fit(f, n, number) for n in numeric.args] for f in formula.args]
    count = len(table)
    orders: Iterable[tuple[int, ...]] = [tuple(range(count))]
    if formula.fn in "+*" and count <= MAX_FACTORS:
        orders = permutations(range(count))
    best: _Match | None = None
    for order in orders:
        fitting = [part for at, i in enumerate(order) if (part := table[i][at]) is not None]
        fit = sum(part.fit for part in fitting)
        if len(fitting) == count and (best is None or fit > best.fit + 1e-9):
            best = _Match(sum((part.put_in for part in fitting), ()), fit)
    return best


def _as_sum(difference: Call) -> Call:
    """x − y as x + (−y)."""
    first, second = difference.args
    summands = first.args if isinstance(first, Call) and first.fn == "+" else (first,)
    if isinstance(first, Call) and first.fn == "-":
        summands = _as_sum(first).args
    if isinstance(second, Call) and second.fn == "*" and _is_printed(second.args[0]):
        negative: Expr = Call("*", (_minus(second.args[0]), *second.args[1:]))
    else:
        negative = _minus(second) if _is_printed(second) else Call("neg", (second,))
    return Call("+", (*summands, negative))


def _minus(number: Expr) -> Expr:
    (printed,) = numbers(number)
    negative = printed.text.removeprefix("-") if printed.text[0] == "-" else f"-{printed.text}"
    return Ref(Printed(negative))


def _decimal(printed: str) -> bool:
    with suppress(ArithmeticError):
        return Decimal(printed).is_finite()
    return False


def read_slides(exercise: Exercise, source: str) -> Reading:
    """The facts of a lecture's text, and what could not be placed."""
    return _Reader(exercise, source).read()
