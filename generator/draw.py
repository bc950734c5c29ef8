"""Variants: every student's own stream of numbers, drawn, screened, and drawn again if need be.

A stream is keyed with a secret of the course: HMAC-SHA-256 of (seed, spec, student, attempt), stretched
by SHAKE-128.  It is the same on every machine and with every version of NumPy, drawing again never walks
into another student's numbers, and from a sheet and this program nobody finds another one.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from derive.expression import NUMPY, Num
from derive.ops import DOMAINS, Array, Elementwise, Softmax
from generator.difficulty import difficulty
from generator.exercise import STOP, Exercise, build
from generator.exercises import asked
from generator.forms import APART, lacking
from generator.sheet import Batch, Sheet
from generator.spec import Choice, Draw, Range, Spec
from generator.spec_network import NetworkSpec

__all__ = ["ATTEMPTS", "SCREENS", "Structure", "digest", "draw", "draw_all", "is_variant_id"]
__all__ += ["loosened", "sheet_of", "structure", "twins", "variant_id"]

ATTEMPTS = 500
AT_ONCE = 1000  # variants that are computed together
AHEAD = 8  # draws that are made ahead of need, where they are few: together they cost what one does
KINK_MARGIN = 0.05  # |pre-activation| of a unit whose derivative jumps at 0
USUAL = 64  # draws whose median difficulty the others are measured by
SAMPLED = 12  # draws in all of which two misconceptions give the same, if they are one
PATIENCE = 8  # draws of a student in which what is PREFERRED is a reason to draw again
SATURATED = 0.02  # of a sigmoid or tanh: its derivative there, over the largest it can be

# Targets that the output activation can reach; of any other, from −0.95 to 0.95.
TARGETS = {"sigmoid": Range(min=Decimal("0.05"), max=Decimal("0.95"))}
ONE_HOT = ("cross_entropy",)  # losses whose targets are 1 for one class and 0 for the others
OTHER_TARGETS = Range(min=Decimal("-0.95"), max=Decimal("0.95"))


def _keyed(secret: bytes, *parts: object) -> bytes:
    return hmac.digest(secret, "\x1f".join(map(str, parts)).encode(), "sha256")


class _Stream:
    """Numbers that depend on nothing but their key."""

    WORDS = 64  # that are stretched at a time

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.taken = 0
        self.words: list[int] = []

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included (bias below 2⁻⁴⁰ for spans of 10⁶)."""
        if not self.words:
            self.taken += 1
            stretched = hashlib.shake_128(self.key + b"%d" % self.taken).digest(8 * self.WORDS)
            self.words = [*struct.unpack(f">{self.WORDS}Q", stretched)]
        return low + self.words.pop() % (high - low + 1)

    def decimal(self, source: Choice) -> Decimal:
        """A decimal of the range, never 0; or one of a list."""
        if not isinstance(source, Range):
            return source[self.integer(1, len(source)) - 1]
        while (drawn := self.integer(*source.steps)) == 0:
            pass
        return Decimal(drawn).scaleb(-source.decimals)


def digest(spec: Spec) -> str:
    """Identifies a spec's content."""
    return hashlib.sha256(spec.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:16]


def _origin(spec: Spec) -> str:
    """What the draws of a spec depend on: not its title or notation, nor what it leaves open."""
    spec = spec.model_copy(update={"draw": spec.draw.model_copy(update={"notations": []})})
    return spec.model_dump_json(include={"name", "network", "circuit", "draw"}, exclude_defaults=True)


ALPHABET = "123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 31, a prime; no 0, I, L, O, U to misread or mishear


def variant_id(spec: Spec, seed: object, student: object, secret: bytes = b"") -> str:
    """Nine characters to read aloud, K7Q-2MX-4PC: eight, and one that checks them: a single wrong one or
    two neighbours exchanged are noticed.  They say nothing about the student."""
    rest = int.from_bytes(_keyed(secret, "id", _origin(spec), seed, student)[:8], "big")
    places = []
    for _ in range(8):
        rest, place = divmod(rest, len(ALPHABET))
        places.append(place)
    text = "".join(ALPHABET[place] for place in [*places, _check(places)])
    return "-".join(text[i : i + 3] for i in range(0, 9, 3))


def _check(places: Sequence[int]) -> int:
    return sum(weight * place for weight, place in enumerate(places, 1)) % len(ALPHABET)


def is_variant_id(text: str) -> bool:
    """Whether the last character of a typed id checks the others."""
    places = [ALPHABET.find(c) for c in text.replace("-", "")]
    return len(places) == 9 and -1 not in places and _check(places[:8]) == places[8]


def _redrawn(spec: Spec, stream: _Stream) -> dict[str, Any]:
    """The same network or circuit with new numbers, as an update of the spec."""
    if spec.circuit:
        own = {name: [number] for name, number in spec.circuit.inputs.items() if name in spec.draw.keep}
        sources = {**dict.fromkeys(spec.circuit.inputs, spec.draw.wires), **spec.draw.of, **own}
        inputs = {name: stream.decimal(source) for name, source in sources.items()}
        return {"circuit": spec.circuit.model_copy(update={"inputs": inputs})}
    network = _redrawn_network(spec.network_spec, spec.draw, stream)
    if (how := network.standardize) and how.digits is None:  # a sheet's numbers are those computed with
        how = how.model_copy(update={"digits": spec.digits})
        network = network.model_copy(update={"standardize": how})
    return {"network": network}


def _redrawn_network(net: NetworkSpec, source: Draw, stream: _Stream) -> NetworkSpec:
    """The same network with new inputs, targets, weights and biases."""

    def rows(shape: Any, drawn_from: Choice) -> Any:
        """Numbers in the place of numbers, however nested; no connection stays none."""
        if isinstance(shape, list):
            return [rows(item, drawn_from) for item in shape]
        return None if shape is None else stream.decimal(drawn_from)

    if source.sizes:
        return net.sized([int(stream.decimal(source.sizes)) for _ in net.sizes or ()])
    if of := source.activations:
        net = net.activated([of[stream.integer(1, len(of)) - 1] for _ in range(net.varied)])
    layers = []
    for layer in net.layers:
        weights = {key: rows(getattr(layer, key), source.weights) for key in ("weights", "kernel")}
        if layer.kind_of_bias == "shared":
            biases = [stream.decimal(source.biases)] * len(layer.biases)
        else:
            biases = [stream.decimal(source.biases) for _ in layer.biases]
        weights = {} if "weights" in source.keep else weights
        own = {} if "biases" in source.keep else {"biases": biases}
        layers.append(layer.model_copy(update={**weights, **own}))
    targets = source.targets or TARGETS.get(net.layers[-1].activation, OTHER_TARGETS)
    domain = DOMAINS.get(net.loss)
    drawn = {"inputs": rows(net.inputs, source.inputs), "sizes": None}
    if net.targets is not None and net.loss in ONE_HOT and not source.targets:
        classes = [stream.integer(1, len(row)) for row in net.targets]
        drawn["targets"] = [
            [Decimal(i == own) for i in range(1, len(row) + 1)]
            for own, row in zip(classes, net.targets, strict=True)
        ]
    elif net.targets is not None:
        drawn["targets"] = rows(net.targets, targets)
        if domain and source.targets is None:  # the targets of the two classes
            pick = [[stream.integer(0, 1) for _ in row] for row in net.targets]
            drawn["targets"] = [[Decimal(domain.labels[n]) for n in row] for row in pick]
    drawn = {key: numbers for key, numbers in drawn.items() if key not in source.keep}
    return net.model_copy(update={**drawn, "layers": layers})


# --- screening --------------------------------------------------------------------------------


def _any(true: Array) -> Array:
    """Of each variant, whether it is so anywhere."""
    return np.asarray(true.reshape(-1, true.shape[-1]).any(axis=0))


def _answers(batch: Batch) -> Array:
    """One row a question."""
    return np.reshape([*batch.answers.values()], (-1, len(batch)))


def _none(batch: Batch) -> Array:
    return np.zeros(len(batch), dtype=bool)


def _alike(batch: Batch) -> Array:
    nets = (spec.network for spec in batch.specs)
    return np.array([not all(f.squares for f in net.features()) if net else False for net in nets])


def _undefined(batch: Batch) -> Array:
    near = np.reshape([*batch.tolerances.values()], (-1, len(batch)))
    return _any(~np.isfinite(_answers(batch) + near))


def _from_kinks(batch: Batch) -> Iterator[Array]:
    """How far every unit is from every kink of its operation."""
    forward = batch.states[0].values.forward
    for node in batch.sheet.exercise.graph.nodes:
        if isinstance(node.op, Elementwise) and node.op.kinks:
            for at in node.op.at_kinks(NUMPY, *(forward[n] for n in node.inputs)):
                if at.ndim:  # 1, where there is no kink: ELU with alpha = 1
                    yield np.abs(at)


def _near_kink(batch: Batch) -> Array:
    found, on = _none(batch), batch.states.tie  # 0, where none may be on it
    for far in _from_kinks(batch):
        found = found | _any((far < KINK_MARGIN) & ~(far < on))
    return found


def _no_kink(batch: Batch) -> Array:
    found = _none(batch) | (batch.states.tie > 0)
    for far in _from_kinks(batch):
        found = found & ~_any(far < batch.states.tie)
    return found


def _locals(batch: Batch) -> Iterator[tuple[Elementwise | Softmax, Array]]:
    forward = batch.states[0].values.forward
    for node in batch.sheet.exercise.graph.nodes:
        if isinstance(node.op, Elementwise | Softmax) and node.name == "a" and node.prefix:
            inputs = [forward[n] for n in node.inputs]
            yield node.op, node.op.local(NUMPY, 0, forward[node], *inputs)


def _dead(batch: Batch) -> Array:
    found = _none(batch)
    for op, local in _locals(batch):
        if not _flat(op):
            found = found | ~_any(local != 0)
    return found


def _flat(op: object) -> bool:
    """A step's derivative is always 0."""
    return isinstance(op, Elementwise) and op.partials.get("z") == Num(Fraction(0))


def _saturated(batch: Batch) -> Array:
    found = _none(batch)
    for op, local in _locals(batch):
        if isinstance(op, Softmax) or not op.kinks:
            found = found | _any(np.abs(local) < SATURATED * 0.25)
    return found


def _undecided(batch: Batch) -> Array:
    stops, near = batch.answers.get(STOP, np.zeros(len(batch))), batch.tolerances.get(STOP, 0.0)
    return np.asarray(~np.isfinite(stops) | (np.asarray(near) >= 0.5))


def _constant(batch: Batch) -> Array:
    """A step that is 0 or 1 for every sample tells no sample from another."""
    found, forward = _none(batch), batch.states[0].values.forward
    graph = batch.sheet.exercise.graph
    for node in graph.nodes if graph.samples > 1 else ():
        if node.name == "a" and _flat(node.op):
            found = found | _any(np.ptp(forward[node], axis=-2) == 0)
    return found


def _idle(batch: Batch) -> Array:
    """Not where units are wanted on their kinks: on that of a ReLU everything behind it is 0."""
    if batch.states.tie:
        return _none(batch)
    answers = _answers(batch)
    return np.asarray(4 * (answers == 0).sum(axis=0) > len(answers))


def _vanishing(batch: Batch) -> Array:
    answers = np.abs(_answers(batch))
    smallest = float(batch.sheet.exercise.spec.draw.smallest)
    return _any((answers > 0) & (answers < smallest))


def _coincidence(batch: Batch) -> Array:
    """Not of what is the same quantity: of a class that is not meant, ∂L/∂z = a."""
    found, answers, near = _none(batch), batch.answers, batch.tolerances
    for a, b in combinations(answers, 2):
        same = np.isclose(answers[a], answers[b], rtol=1e-12, atol=0)
        found |= ~same & (np.abs(answers[a] - answers[b]) <= near[a] + near[b])
    return found


def _marked_right(batch: Batch) -> Array:
    """A misconception's answer is so near to the right one that it would be marked right: in a question
    that it is made in, or, where there is none, in every question about the same state of the network
    that it shows in.  (What an update comes to hides the mistakes made on the way to it.)"""
    found = _none(batch)
    for note, made_in in batch.sheet.made_in.items():
        shown = [q for q, answers in batch.wrong.items() if note in answers]
        own = [q for q in shown if q in made_in]
        asked = own or [q for q in shown if not q.update]
        if not asked:
            continue
        numbers = np.array([batch.wrong[q][note] for q in asked])
        off = np.abs(numbers - [batch.answers[q] for q in asked])
        near = off <= APART * np.array([batch.tolerances[q] for q in asked])  # NaN is not
        changes = ~np.isnan(numbers)
        found |= near.any(axis=0) if own else changes.any(axis=0) & ~(changes & ~near).any(axis=0)
    return found


def _no_mistake(batch: Batch) -> Array:
    none = [p is None for p in batch.plantings] if batch.sheet.lines else _none(batch)
    return np.array(none)


def _some(sheet: Sheet, count: int) -> Batch:
    """Some draws of a spec, good or not: the same for every student."""
    spec = sheet.exercise.spec
    about = structure(spec) or _origin(spec)  # of a drawn structure, whosever draw it was first
    streams = (_Stream(_keyed(b"", "usual", about, number)) for number in range(count))
    same = spec.draw.model_copy(update={"sizes": None, "activations": []})
    spec = spec.model_copy(update={"draw": same})
    return sheet.batch([spec.model_copy(update=_redrawn(spec, stream)) for stream in streams])


@cache
def _usual(sheet: Sheet) -> float:
    """The median difficulty of some draws of a spec."""
    return float(np.median(difficulty(_some(sheet, USUAL))))


def _mistaken(batch: Batch) -> tuple[list[str], Array]:
    """The misconceptions that change an answer, and what each gives: misconceptions × questions ×
    variants, the right answer where it changes nothing."""
    notes = [m.id for m in batch.sheet.misconceptions if any(m.id in of for of in batch.wrong.values())]
    numbers = np.empty((len(notes), len(batch.answers), len(batch)))
    for k, (q, right) in enumerate(batch.answers.items()):
        for n, note in enumerate(notes):
            wrong = batch.wrong[q].get(note, right)
            numbers[n, k] = np.where(np.isnan(wrong), right, wrong)
    return notes, numbers


@cache
def twins(sheet: Sheet) -> dict[str, frozenset[str]]:
    """Misconceptions that are one and the same on a sheet, each with all that it is one with: they give
    the same answers whatever is drawn.  The step is the gradient, where the learning rate is 1."""
    notes, numbers = _mistaken(_some(sheet, SAMPLED))
    same = {
        note: frozenset(
            notes[k]
            for k in np.flatnonzero(np.isclose(numbers, own, rtol=1e-9, equal_nan=True).all(axis=(1, 2)))
        )
        for note, own in zip(notes, numbers, strict=True)
    }
    return {note: those for note, those in same.items() if len(those) > 1}


def _lookalikes(batch: Batch) -> Array:
    """A misconception that is made in a question, and another one that is not the same, give the same
    answers to all questions."""
    found, (notes, numbers) = _none(batch), _mistaken(batch)
    right = _answers(batch)
    near = np.reshape([*batch.tolerances.values()], right.shape)
    with np.errstate(all="ignore"):
        near = np.where(right == 0, 0.0, near / np.abs(right))  # relative
    made = np.array([bool(batch.sheet.made_in[note]) for note in notes], dtype=bool)
    wrong = (numbers != right).any(axis=1)  # misconceptions × variants
    for n, note in enumerate(notes):
        same = (np.abs(numbers[:n] - numbers[n]) <= near * np.abs(numbers[n])).all(axis=1)
        same &= wrong[n] & wrong[:n] & (made[n] | made[:n, None])
        for k in np.flatnonzero(same.any(axis=1)):
            if notes[k] not in twins(batch.sheet).get(note, ()):
                found |= same[k]
    return found


def _beyond_band(batch: Batch) -> Array:
    band, sheet = batch.sheet.exercise.spec.draw.band, batch.sheet
    if band is None:
        return _none(batch)
    hard, usual = difficulty(batch), _usual(sheet)
    return np.asarray((hard > float(band) * usual) | (float(band) * hard < usual))


# Why a draw is thrown away, in the order of the tests, with what a spec can loosen.
SCREENS: dict[str, tuple[Callable[[Batch], Array], str]] = {
    "a goal that is not clearly reached": (_undecided, "another stop_below or more updates"),
    "the same number in every sample": (_alike, "wider draw.inputs"),
    "a number that is not defined": (_undefined, "other ranges in draw"),
    "a unit at a kink": (_near_kink, "wider ranges of draw.weights; of a circuit, draw.wires"),
    "no unit at a kink": (_no_kink, "an activation with a kink, and short lists to draw from"),
    "a layer without an active unit": (_dead, "positive draw.biases or wider draw.weights"),
    "too many answers that are 0": (
        _idle,
        "positive draw.biases or wider draw.weights; of a circuit, wider draw.wires or draw.of",
    ),
    "a step that no sample changes": (_constant, "wider draw.weights or narrower draw.biases"),
    "a saturated unit": (_saturated, "narrower draw.weights, draw.biases and draw.inputs"),
    "a vanishing answer": (_vanishing, "wider draw.weights or draw.inputs, or a smaller draw.smallest"),
    "two parts with the same answer": (_coincidence, "more draw decimals or more digits"),
    "a wrong answer that would be marked right": (_marked_right, "more digits, or draw.ignore"),
    "too few wrong answers to choose from": (lacking, "more digits"),
    "no mistake that shows": (_no_mistake, "more digits"),
    "much harder or easier than the others": (_beyond_band, "a wider draw.band"),
    "two mistakes that look alike": (_lookalikes, "more draw decimals or more digits"),
}
PREFERRED = {"two mistakes that look alike"}  # not to have, where that is possible
NOT_COMPLETED = "nothing to design"  # found before there is a batch
CANCELLED = "digits that cancel out"  # found by the certificate, not by a screen
OTHERS = {
    NOT_COMPLETED: "a smaller margin or other draw.biases; without a bias nothing makes 1 of zeros",
    CANCELLED: "other draw decimals",
}


def loosened(reason: str) -> str:
    """What a spec can loosen where draws are thrown away for a reason."""
    return SCREENS[reason][1] if reason in SCREENS else OTHERS[reason]


def screened(batch: Batch, first: Sequence[bool] = ()) -> list[str | None]:
    """Why each variant is thrown away; None where it is good, as one is whose parameters are counted.
    `first`: whether it is one of a student's first draws, all of them if nothing is said."""
    reasons: list[str | None] = [None] * len(batch)
    if batch.sheet.exercise.spec.draw.sizes:
        return reasons
    for reason, (test, _) in SCREENS.items():
        if all(reasons):
            break
        if reason in batch.sheet.overlooks:
            continue
        for v in np.flatnonzero(test(batch)):
            if reason not in PREFERRED or not first or first[int(v)]:
                reasons[v] = reasons[v] or reason
    return reasons


# --- drawing ----------------------------------------------------------------------------------


def sheet_of(spec: Spec) -> Sheet:
    """What is asked of every variant of a spec; SpecError where nobody can be asked that."""
    kind = asked(spec)
    if spec.network and spec.network.truth_table and "inputs" not in spec.draw.keep:
        allowed = "draw.keep with inputs: with drawn weights it is another function"
        raise spec.refused("network.inputs", "the 0 and 1 of a truth table", allowed)
    exercise = build(spec)
    lines = kind.working(exercise) if kind.working else ()
    sheet = Sheet(exercise, kind.ask(exercise), kind.name, kind.overlooks, lines, kind.complete)
    if spec.draw.sizes and (asked_for := sheet.not_counted):
        allowed = "counts: with other sizes other things would be asked, and nobody sees the numbers"
        raise spec.refused("draw.sizes", f"a question for {asked_for[0]}", allowed)
    return sheet


def draw(
    spec: Spec,
    seed: object,
    student: object,
    rejected: Counter[str] | None = None,
    secret: bytes = b"",
) -> Exercise:
    """The variant of one student: certified, screened, the same for ever."""
    (exercise,) = draw_all(spec, seed, [student], rejected, secret)
    return exercise


def draw_all(
    spec: Spec,
    seed: object,
    students: Sequence[object],
    rejected: Counter[str] | None = None,
    secret: bytes = b"",
    sheets: dict[Structure, Sheet] | None = None,
) -> Iterator[Exercise]:
    """The variants of all students, in their order; each depends on its student alone.

    `rejected` counts the draws thrown away, by reason; `sheets` keeps that of every structure.
    SpecError if no draw in 500 is good.
    """
    sheets, rejected = {} if sheets is None else sheets, Counter() if rejected is None else rejected
    if structure(spec) not in sheets:
        sheets[structure(spec)] = sheet_of(spec)
    for start in range(0, len(students), AT_ONCE):
        yield from _drawn(sheets, spec, seed, students[start : start + AT_ONCE], rejected, secret)


def _drawn(
    sheets: dict[Structure, Sheet],
    spec: Spec,
    seed: object,
    students: Sequence[object],
    rejected: Counter[str],
    secret: bytes,
) -> list[Exercise]:
    origin, own = _origin(spec), sheets[structure(spec)]
    about: dict[str, Any] = {"note": None, "points": []}  # said of the spec's own numbers
    found: dict[object, Exercise] = {}
    here: Counter[str] = Counter()
    attempt = 0
    while attempt < ATTEMPTS and (pending := [s for s in dict.fromkeys(students) if s not in found]):
        ahead = range(attempt, min(attempt + max(1, AHEAD // len(pending)), ATTEMPTS))
        tried = [(student, number) for student in pending for number in ahead]
        streams = (_Stream(_keyed(secret, seed, origin, *pair)) for pair in tried)
        drawn = [
            _completed(own, spec.model_copy(update={**_redrawn(spec, s), **about}), s) for s in streams
        ]
        specs = [one for one in drawn if isinstance(one, Spec)]
        first = [n < PATIENCE for one, (_, n) in zip(drawn, tried, strict=True) if isinstance(one, Spec)]
        made = iter(_made(sheets, specs, first) if specs else [])
        exercises = [next(made) if isinstance(one, Spec) else one for one in drawn]
        for (student, _), exercise in zip(tried, exercises, strict=True):
            if student in found:
                continue  # an earlier draw was good
            if isinstance(exercise, Exercise):
                variant = variant_id(spec, seed, student, secret)
                notation = _notation(spec, _keyed(secret, "notation", seed, origin, student))
                told = exercise.spec.model_copy(update={"notation": notation})
                found[student] = replace(exercise, spec=told, kind=own.kind, variant=variant)
            else:
                here[exercise] += 1
        attempt = ahead.stop
    rejected.update(here)
    if len(found) < len(set(students)):
        why, count = here.most_common(1)[0]
        draws = f"{count} of {here.total() + len(found)} draws with {why}"
        raise spec.refused("draw", draws, f"try {loosened(why)}")
    return [found[student] for student in students]


def _notation(spec: Spec, key: bytes) -> str:
    """Of one student's page, whatever draws were thrown away: one of a list, or the spec's own."""
    of = spec.draw.notations or [spec.notation]
    return of[_Stream(key).integer(1, len(of)) - 1]


Structure = tuple[object, ...]


def structure(spec: Spec) -> Structure:
    """What specs have in common that are computed together: of all that is drawn, what is no number."""
    net, draw = spec.network, spec.draw
    if net is None or not (draw.sizes or draw.activations):
        return ()
    return (*net.widths, *(layer.activation for layer in net.layers))


def _made(
    sheets: dict[Structure, Sheet], specs: Sequence[Spec], first: Sequence[bool]
) -> list[Exercise | str]:
    """Each drawn spec as an exercise, or why it is none; `sheets` keeps that of every structure."""
    alike: dict[Structure, list[int]] = {}
    for place, spec in enumerate(specs):
        alike.setdefault(structure(spec), []).append(place)
    made: dict[int, Exercise | str] = {}
    for one, places in alike.items():
        some = [specs[place] for place in places]
        if one not in sheets:
            sheets[one] = sheet_of(some[0])
        early = [first[place] for place in places]
        made.update(zip(places, _of_one_structure(sheets[one], some, early), strict=True))
    return [made[place] for place in range(len(specs))]


def _completed(sheet: Sheet, spec: Spec, stream: _Stream) -> Spec | str:
    """A drawn spec with its lot, and what its kind completes it with; or why it cannot be."""
    lot = stream.integer(0, 2**32 - 1)
    network = sheet.complete(spec, lot) if sheet.complete else spec.network
    if sheet.complete and network is None:
        return NOT_COMPLETED
    spec = spec.model_copy(update={"network": network})
    spec._lot = lot
    return spec


def _of_one_structure(
    sheet: Sheet, specs: Sequence[Spec], first: Sequence[bool]
) -> list[Exercise | str]:
    batch = sheet.batch(specs)
    reasons = screened(batch, first)
    good = [v for v, reason in enumerate(reasons) if reason is None]
    made = iter(batch.picked(good).exercises() if good else [])
    certified = (next(made) if reason is None else reason for reason in reasons)
    return [e if isinstance(e, Exercise) or e in SCREENS else CANCELLED for e in certified]
