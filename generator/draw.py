"""Variants: every student's own stream of numbers, drawn, screened, and drawn again if need be.

A stream is BLAKE2 of (seed, variant number, attempt): the same on every machine and with every
version of NumPy, and drawing again never walks into another variant's numbers.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import isclose, isfinite
from typing import Any

import numpy as np

from derive.expression import NUMPY, Num
from derive.network import counted
from derive.ops import DOMAINS, Elementwise, Softmax
from derive.verify import Uncertified
from generator.exercise import STOP, Exercise, ask, build, certified
from generator.exercises import asked
from generator.spec import Choice, Draw, NetworkSpec, Range, Spec, SpecError

__all__ = ["ATTEMPTS", "digest", "draw", "variant_id"]

ATTEMPTS = 500
KINK_MARGIN = 0.05  # |pre-activation| of a unit whose derivative jumps at 0
SMALLEST_ANSWER = 1e-4
SATURATED = 0.02  # of a sigmoid or tanh: its derivative there, over the largest it can be

# Targets that the output activation can reach; of any other, from −0.95 to 0.95.
TARGETS = {"sigmoid": Range(min=Decimal("0.05"), max=Decimal("0.95"))}
ONE_HOT = ("cross_entropy",)  # losses whose targets are 1 for one class and 0 for the others
OTHER_TARGETS = Range(min=Decimal("-0.95"), max=Decimal("0.95"))


class _Stream:
    """Numbers that depend on nothing but their key."""

    def __init__(self, *key: object) -> None:
        self.key = "\x1f".join(map(str, key)).encode()
        self.taken = 0

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included (bias below 2⁻⁴⁰ for spans of 10⁶)."""
        self.taken += 1
        word = hashlib.blake2b(self.key + b"\x1f%d" % self.taken, digest_size=8).digest()
        return low + int.from_bytes(word, "big") % (high - low + 1)

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
    return spec.model_dump_json(include={"name", "network", "circuit", "draw"}, exclude_defaults=True)


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U to misread


def variant_id(spec: Spec, seed: object, number: int) -> str:
    """Five characters and a check character, e.g. K7Q2MX; says nothing about the seed."""
    hashed = hashlib.blake2b(f"{_origin(spec)}\x1f{seed}\x1f{number}".encode(), digest_size=8)
    rest, places = int.from_bytes(hashed.digest(), "big"), []
    for _ in range(5):
        rest, place = divmod(rest, 32)
        places.append(place)
    check = sum((position + 1) * place for position, place in enumerate(places)) % 31
    return "".join(_ALPHABET[p] for p in [*places, check])


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
        sizes = [int(stream.decimal(source.sizes)) for _ in net.sizes or ()]
        said = net.model_dump(include={"activation", "loss"}, exclude_unset=True)
        net = NetworkSpec.model_validate({"sizes": sizes, **said})
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


def _alike(exercise: Exercise) -> bool:
    net = exercise.spec.network
    return net is not None and not all(feature.squares for feature in net.features())


def _near_kink(exercise: Exercise) -> bool:
    for node in exercise.graph.nodes:
        if isinstance(node.op, Elementwise) and node.op.kinks:
            inputs = (exercise.values.forward[n] for n in node.inputs)
            if any((np.abs(at) < KINK_MARGIN).any() for at in node.op.at_kinks(NUMPY, *inputs)):
                return True
    return False


def _locals(exercise: Exercise) -> Iterator[tuple[Elementwise | Softmax, Any]]:
    for node in exercise.graph.nodes:
        if isinstance(node.op, Elementwise | Softmax) and node.name == "a":
            inputs = [exercise.values.forward[n] for n in node.inputs]
            yield node.op, node.op.local(NUMPY, 0, exercise.values.forward[node], *inputs)


def _dead(exercise: Exercise) -> bool:
    learning = (local for op, local in _locals(exercise) if not _flat(op))
    return any((local == 0).all() for local in learning)


def _flat(op: object) -> bool:
    """A step's derivative is always 0."""
    return isinstance(op, Elementwise) and op.partials.get("z") == Num(Fraction(0))


def _saturated(exercise: Exercise) -> bool:
    smooth = (local for op, local in _locals(exercise) if isinstance(op, Softmax) or not op.kinks)
    return any((np.abs(local) < SATURATED * 0.25).any() for local in smooth)


def _undecided(exercise: Exercise) -> bool:
    stops = (part for part in exercise.parts if part.quantity == STOP)
    return any(not isfinite(part.answer) or part.tolerance >= 0.5 for part in stops)


def _constant(exercise: Exercise) -> bool:
    """A step that is 0 or 1 for every sample tells no sample from another."""
    steps = (node for node in exercise.graph.nodes if node.name == "a" and _flat(node.op))
    outputs = (exercise.values.forward[node] for node in steps)
    return exercise.graph.samples > 1 and any((np.ptp(a, axis=-2) == 0).any() for a in outputs)


def _idle(exercise: Exercise) -> bool:
    return 4 * sum(part.answer == 0 for part in exercise.parts) > len(exercise.parts)


def _vanishing(exercise: Exercise) -> bool:
    return any(0 < abs(part.answer) < SMALLEST_ANSWER for part in exercise.parts)


def _coincidence(exercise: Exercise) -> bool:
    """Not of what is the same quantity: of a class that is not meant, ∂L/∂z = a."""
    pairs = combinations(exercise.parts, 2)
    return any(
        not isclose(a.answer, b.answer, rel_tol=1e-12)
        and abs(a.answer - b.answer) <= a.tolerance + b.tolerance
        for a, b in pairs
    )


# Why a draw is thrown away, in the order of the tests, with what a spec can loosen.
SCREENS: dict[str, tuple[Callable[[Exercise], bool], str]] = {
    "a goal that is not clearly reached": (_undecided, "another stop_below or more updates"),
    "the same number in every sample": (_alike, "wider draw.inputs"),
    "a unit at a kink": (_near_kink, "wider ranges of draw.weights"),
    "a layer without an active unit": (_dead, "positive draw.biases or wider draw.weights"),
    "too many answers that are 0": (_idle, "positive draw.biases or wider draw.weights"),
    "a step that no sample changes": (_constant, "wider draw.weights or narrower draw.biases"),
    "a saturated unit": (_saturated, "narrower draw.weights, draw.biases and draw.inputs"),
    "a vanishing answer": (_vanishing, "wider draw.weights or draw.inputs"),
    "two parts with the same answer": (_coincidence, "more draw decimals or more digits"),
}


CANCELLED = "digits that cancel out"  # found by the certificate, not by a screen


def draw(spec: Spec, seed: object, number: int, rejected: Counter[str] | None = None) -> Exercise:
    """Variant `number` of a spec under a seed: certified, screened, the same for ever.

    `rejected` counts the draws thrown away, by reason.  SpecError if no draw in 500 is good.
    """
    kind = asked(spec)
    if spec.network and spec.network.truth_table and "inputs" not in spec.draw.keep:
        allowed = "draw.keep with inputs: with drawn weights it is another function"
        raise SpecError(spec.name, "network.inputs", "the 0 and 1 of a truth table", allowed)
    rejected = Counter() if rejected is None else rejected
    here: Counter[str] = Counter()
    screens = {why: test for why, (test, _) in SCREENS.items() if why not in kind.overlooks}
    for attempt in range(ATTEMPTS):
        stream = _Stream(seed, _origin(spec), number, attempt)
        about: dict[str, Any] = {"note": None, "points": []}  # they are about the spec's own numbers
        drawn = spec.model_copy(update={**_redrawn(spec, stream), **about})
        exercise = build(drawn)
        exercise = ask(exercise, kind.ask(exercise))
        reason = next((why for why, test in screens.items() if test(exercise)), None)
        if reason is None:
            variant = variant_id(spec, seed, number)
            try:
                also = [part.quantity for part in exercise.parts]
                counts = all(counted(exercise.graph, q) is not None for q in also)
                only = [exercise.graph.root] if counts else None  # no number of the network is shown
                return certified(
                    replace(exercise, kind=kind.name, variant=variant), only=only, also=also
                )
            except Uncertified:
                reason = CANCELLED
        here[reason] += 1
        rejected[reason] += 1
    reason, count = here.most_common(1)[0]
    found = f"{count} of {ATTEMPTS} draws with {reason}"
    raise SpecError(
        spec.name,
        "draw",
        found,
        f"try {SCREENS[reason][1] if reason in SCREENS else 'other draw decimals'}",
    )
