"""Names: what the quantities of one exercise are called, in its notation and as they are typed.

    w_5  w5  w_{5}  W[2][1][1]  ->  W[2][1][1]        dE/dw5  ∂E/∂w_5  ->  dL/dW[2][1][1]

`vocabulary` is what a lecture's text is read with; `Names` adds spellings without braces and
underscores, Greek letters by name and plain ids, and is made once for a sheet: a name is then found
character by character.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Any

from derive.expression import Expr, Ref, substitute
from derive.graph import FIXED
from derive.ops import ACTIVATIONS
from derive.ops import Op as Operation
from derive.optimizer import of_parameter
from derive.program import RATE
from derive.quantity import Derivative, Id, Quantity
from generator.exercise import Exercise, trained
from generator.formula import GREEK, Hat, Index, Node, Op, Row, Symbol
from generator.formula import Number as ShownNumber
from generator.grammar import Vocabulary, spelling
from generator.grid import Grid
from generator.lexing import HAT, Token, hatted
from generator.notation import Writer
from generator.telling import TOTALS
from generator.unreadable import Unreadable

__all__ = ["Names", "vocabulary"]


def _parts(node: Node | None) -> str:
    """A script as it would be typed, without braces: j1k1, (2)."""
    if node is None:
        return ""
    if isinstance(node, Row):
        return "".join(map(_parts, node.items))
    if isinstance(node, Index):
        return _parts(node.base) + _parts(node.sub) + _parts(node.sup)
    if isinstance(node, Hat):
        return hatted(node.body.text)
    if isinstance(node, Symbol | Op | ShownNumber):
        return node.text.replace(" ", "")
    raise ValueError(node)


def _spelled(node: Node) -> str:
    """A name as a reader looks it up."""
    if not isinstance(node, Index):
        return spelling(_parts(node))
    sup = _parts(node.sup)
    return spelling(_parts(node.base), _parts(node.sub), sup.replace("′", ""), sup.count("′"))


def _meanings(exercise: Exercise) -> dict[str, set[Id]]:
    """What each spelling of the exercise's notation stands for."""
    graph, namer = exercise.graph, exercise.namer
    meanings: dict[str, set[Id]] = {} if exercise.spec.circuit else {_spelled(namer.rate): {RATE}}

    namers: Sequence[Writer] = [namer] if exercise.spec.circuit else exercise.network_namer.readers

    def learn(q: Id) -> None:
        for writer in namers:
            with suppress(ValueError, KeyError):  # a fraction is not a name
                meanings.setdefault(_spelled(writer(q)), set()).add(q)

    states = range(min(len(exercise.iterates), 21))
    for node in graph.nodes:
        for sample in graph.sample_numbers if node.sampled else [None]:
            for q in node.elements(sample):
                for k in states if node.op or node.kind == "parameter" else [0]:
                    learn(q.at(sample=sample, update=k))
    for constant in exercise.optimizer.constants:
        learn(Quantity(constant))
    for variable, q in product(exercise.optimizer.variables, trained(graph)):
        for k in states if variable in exercise.optimizer.kept else states[1:]:
            learn(of_parameter(variable, q).at(update=k))
    for d in exercise.derivation.targets():
        for k in states:
            learn(replace(d, update=k))
    if graph.forward_only and not exercise.spec.circuit:  # δ is then of the output
        for q in (q for node in graph.nodes if node.name == "z" for q in node.elements()):
            learn(Derivative(graph.root.at(), q))
    _same(exercise, meanings)
    return meanings


def vocabulary(exercise: Exercise) -> Vocabulary:
    """What the names of the exercise's notation stand for; a name with two meanings is left out."""
    return _vocabulary(exercise, _meanings(exercise))


def _vocabulary(exercise: Exercise, meanings: Mapping[str, set[Id]]) -> Vocabulary:
    rows = [node.op for node in exercise.graph.nodes if node.name == "a"]
    return Vocabulary(
        {name: next(iter(ids)) for name, ids in meanings.items() if len(ids) == 1},
        _blocks(exercise) if not exercise.spec.circuit else {},
        lambda of, wrt: _derivative(exercise, of, wrt),
        _only_activation(rows),
    )


def _blocks(exercise: Exercise) -> dict[str, Grid]:
    """Whole layers by name, as the notation lays them out; of a batch only the weights."""
    graph, namer = exercise.graph, exercise.network_namer
    found: dict[str, Grid] = {}

    def learn(role: str, layer: int, ids: Sequence[Id], columns: int) -> None:
        rows = tuple(tuple(map(Ref, ids[i : i + columns])) for i in range(0, len(ids), columns))
        grid = Grid(rows).transposed if namer.notation.vectors == "row" else Grid(rows)
        for primes in (0, 1):
            cells = tuple(tuple(_later(cell, primes) for cell in row) for row in grid.rows)
            found[_spelled(namer.whole(role, layer)) + "'" * primes] = Grid(cells)

    for node in graph.nodes:
        if node.name not in ("x", "t", "W", "b", "z", "a") or (graph.samples > 1 and node.sampled):
            continue
        if node.absent:
            continue
        ids = list(node.elements())
        layer = node.prefix[0] if node.prefix else 0
        if node.name == "x":
            learn("a", 0, ids, 1)
        elif node.shape:
            learn(node.name, layer, ids, node.shape[1] if node.name == "W" else 1)
        if node.name == "z" and not graph.forward_only:
            learn("delta", layer, [exercise.derivation.derivative(q) for q in ids], 1)
    return found


def _later(cell: Expr, updates: int) -> Expr:
    return substitute(cell, lambda q: Ref(replace(q, update=updates)))


def _same(exercise: Exercise, meanings: dict[str, set[Id]]) -> None:
    """L (with a penalty L0) and its only term are the same number."""
    for ids in meanings.values():
        if len(ids) > 1:
            plain = {q for q in ids if isinstance(q, Quantity) and not (q.name == "L" and q.index)}
            if len(plain) == 1 and all(isinstance(q, Quantity) and q.name in TOTALS for q in ids):
                ids.intersection_update(plain)


def _only_activation(rows: Sequence[Operation | None]) -> str | None:
    """What f stands for where every layer has the same activation."""
    named = (name for name, row in ACTIVATIONS.items() if not row.constants)
    return next((n for n in named if rows and all(row == ACTIVATIONS[n] for row in rows)), None)


def _derivative(exercise: Exercise, of: Quantity, wrt: Quantity) -> Derivative | None:
    """∂of/∂wrt of one state and sample; None where there is no such thing."""
    if of.update != wrt.update or (of.sample and wrt.sample and of.sample != wrt.sample):
        return None
    root = exercise.graph.root
    if (
        of.sample and of.at() == root.at() and not root.sample
    ):  # of one sample's loss, not of the batch's
        of = replace(of, index=(1,))
        with suppress(KeyError):
            exercise.graph.find(replace(of, index=(2,)).at(sample=of.sample))
            return None  # of several terms their sum has no id
    d = Derivative(of.at(), wrt.at(), of.sample or wrt.sample, of.update)
    with suppress(KeyError):
        if exercise.graph.locate(wrt.at(), d.sample)[0].kind not in FIXED:
            exercise.number(d)
            return d
    return None


# --- as they are typed --------------------------------------------------------------------------

_SUFFIX = re.compile(r"(?:#([1-9]\d{0,6}))?(?:@(\d{1,7}))?", re.ASCII)
_OVER = re.compile(r"\s*/\s*(?:d|∂|\\partial)\s*")
# What makes a superscript an index: (2), [1], T, +, new, a prime.
_INDEX = re.compile(
    r"\^\s*\{?\s*(?:\(\s*\d+\s*\)|[\[⟨<T⊤+']|\(?ne[wu]|\\(?:top|prime|text|mathrm|langle))"
)
_LAYER = re.compile(r"\^\s*\{?\s*\(\s*\d+\s*\)")
KEPT = 4096  # answers of what is asked again and again


# Other spellings: mw11^(1) for m of w_11^(1), w<2>, wH1->O1, wH1O1, w5new.
SPELLINGS = [
    (re.compile(pattern), typed)
    for pattern, typed in (
        (r"^([^(^]*)\(", r"\1^("),
        (r"⟨(.*)⟩", r"<\1>"),
        ("→", ""),
        ("→", "->"),
        (r"'$", "new"),
        (r"'$", "neu"),
    )
]


def _flat(name: str) -> set[str]:
    """The spellings of a name without braces and underscores: δ1^(2), delta1^(2)."""
    plain = name.replace("_", "")
    letters = (GREEK.get(letter, letter).removeprefix("var") for letter in plain)
    found = {plain, "".join(letters).replace(HAT, "hat")}
    for pattern, typed in SPELLINGS:
        found |= {pattern.sub(typed, one) for one in found}
    return found


class Names:
    """What names mean on one sheet: as they are printed (`vocabulary`) and as they are typed."""

    def __init__(self, exercise: Exercise) -> None:
        meanings = _meanings(exercise)
        self.exercise = exercise
        self.vocabulary = _vocabulary(exercise, meanings)
        self.derivative = lru_cache(KEPT)(self._derivative)
        self.exists = lru_cache(KEPT)(self._exists)
        self.trie: dict[str, Any] = {}
        flat: dict[str, set[Id]] = {}
        for name, ids in meanings.items():
            for typed in _flat(name):
                flat.setdefault(typed, set()).update(ids)
        for name, ids in list(flat.items()):  # a1(2) for a1^(2), where a1 is nothing by itself
            base, mark, layer = name.partition("^(")
            if mark and base not in flat:
                flat.setdefault(f"{base}({layer}", set()).update(ids)
        known = {q for ids in meanings.values() for q in ids if isinstance(q, Quantity)}
        for node in exercise.graph.nodes:  # L[1] too, which is written as L where it is the only term
            for sample in exercise.graph.sample_numbers if node.sampled else [None]:
                known.update(node.elements(sample))
        for q in known:
            if q.bare not in flat or q.index:
                flat.setdefault(q.bare, set()).add(q.at())
        batch = exercise.graph.samples > 1
        self.sampled = {q.at() for q in known if q.sample and batch} - known
        if not exercise.spec.circuit:
            flat.setdefault("eta", set()).add(RATE)
        self.lower = {name.lower(): name for name in flat}
        for name, ids in flat.items():
            self._insert(name, ids)

    def _insert(self, name: str, ids: set[Id]) -> None:
        node = self.trie
        for character in name:
            node = node.setdefault(character, {})
        node[""] = next(iter(ids)) if len(ids) == 1 else None

    def tokens_at(self, source: str, at: int, start: int) -> tuple[list[Token], int] | None:
        """The name that starts here as tokens, and where it ends; None if there is none.  Unreadable if
        it has two meanings.  Offsets are counted from `start`."""
        if (found := self.name_at(source, at, start)) is not None:
            q, end = found
            if source[end : end + 1] in ("#", "@"):
                q, end = self._suffixed(q, source, end)
                if not self.exists(q):
                    return None
            return [self._token(q, source[at:end], start + at)], end
        if source[at] != "d" or (of := self.name_at(source, at + 1, start)) is None:
            return None
        over = _OVER.match(source, of[1])
        wrt = self.name_at(source, over.end(), start) if over else None
        if wrt is not None:
            below, end = self._suffixed(wrt[0], source, wrt[1])
            if below in self.sampled:
                raise Unreadable("sample", start + at, f"{source[at:end]}#1")
            d = self.derivative(of[0], below)
            if d is None:
                raise Unreadable("derivative", start + at, source[at:end])
            return [self._token(d, source[at:end], start + at)], end
        if source[:at].rstrip().endswith("{"):  # half of a fraction
            name = Token("name", source[at + 1 : of[1]], start + at + 1, of[0])
            return [Token("mark", "∂", start + at), name], of[1]
        return None

    def _token(self, q: Id, typed: str, at: int) -> Token:
        """A name as a token; of several samples it says which."""
        if q.sample is None and self.sampled and {q, getattr(q, "wrt", q)} & self.sampled:
            raise Unreadable("sample", at, f"{typed}#1")
        return Token("name", typed, at, q)

    def name_at(self, source: str, at: int, start: int = 0) -> tuple[Id, int] | None:
        """The quantity whose name starts here, the longest one, and where it ends."""
        node: Any = self.trie
        depth, ends = 0, []
        for end in range(at, len(source)):
            character = source[end]
            if character == "_":
                continue
            if character == "{":
                depth += 1
                continue
            if character == "}":
                depth -= 1
                if depth < 0:
                    break
            else:
                node = node.get(character)
                if node is None:
                    break
            if not depth and "" in node:
                ends.append((node[""], end + 1))
        for q, end in reversed(ends):
            if _ends(source, end):
                if q is None:
                    raise Unreadable("two names", start + at, source[at:end])
                return q, end
        if ends and _LAYER.match(source, ends[-1][1]):
            raise Unreadable("layer", start + at, source[at : source.index(")", ends[-1][1]) + 1])
        return None

    @staticmethod
    def _suffixed(q: Id, source: str, end: int) -> tuple[Id, int]:
        """The quantity with the sample and the update that its id says: a[1][1]#2@3."""
        match = _SUFFIX.match(source, end)
        assert match
        sample, update = (int(digits) if digits else None for digits in match.groups())
        sample, update = sample or q.sample, q.update if update is None else update
        return replace(q, sample=sample, update=update), match.end()

    def _exists(self, q: Id) -> bool:
        with suppress(KeyError, IndexError):
            self.exercise.number(q)
            return True
        return False

    def _derivative(self, of: Id, wrt: Id) -> Derivative | None:
        """∂of/∂wrt; the suffix of an id belongs to the whole, dL/dW[1][1][1]@1."""
        if not isinstance(of, Quantity) or not isinstance(wrt, Quantity):
            return None
        return self.vocabulary.derivative(replace(of, update=wrt.update), wrt)


def _ends(source: str, end: int) -> bool:
    """Whether a name may end here: not in the middle of a word, number or index."""
    if end == len(source):
        return True
    before, after = source[end - 1], source[end]
    if after.isalpha():
        return not before.isalpha()
    if after.isdigit():
        return before in ")]"
    if after == "^":
        return _INDEX.match(source, end) is None
    if after == ".":
        return not (before.isdigit() and source[end + 1 : end + 2].isdigit())
    return after not in "_'{"
