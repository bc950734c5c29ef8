"""Worked: an Exercise told step by step; the same Steps in whatever notation the exercise has.

The telling is data (see `page`); nothing here knows a format or a language.  What was derived before
carries a number and is pointed to, not derived again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction as Rational
from functools import partial
from typing import Any

from derive.backprop import Term
from derive.expression import Call, Num, Ref, call, substitute, value
from derive.graph import Node as GraphNode
from derive.network import counted, parameter_count
from derive.ops import Affine, Elementwise, OverSamples, Softmax
from derive.optimizer import RATE
from derive.quantity import Derivative, Id, Quantity
from generator import worked_softmax as softmax
from generator.diagram import branching, data_loss, network, paths
from generator.exercise import Exercise, trained
from generator.formula import LINE, Matrix, Node, Number, Op, Row, Symbol, equation, row, width
from generator.notation import Namer
from generator.number import shown
from generator.page import Block, Formula, Section, block, tables
from generator.spec_network import LayerSpec
from generator.spec_values import activation_of, loss_of
from generator.telling import Teller, chain
from generator.typeset import typeset
from generator.worked_forward import boundaries, collapse, truth_table, wanted_table
from generator.worked_inputs import scaling, standardized
from generator.worked_training import (
    all_parameters,
    another_update,
    by_rule,
    one_at_a_time,
    training,
    updated,
)

__all__ = ["NetworkTeller", "called", "few", "problem", "told", "worked"]

SAME = 1e-9  # relative: sums are rounded in another order
FEW = 3  # samples of a batch that are all told step by step
VANISHING = 100  # times smaller than in the last layer: gradients of the first that call for a remark
WIDE = 4  # units of a layer that are all written out where only their formulas are shown


def problem(exercise: Exercise) -> tuple[Section, ...]:
    """What is given: the network and its numbers.  Nothing computed is in it."""
    teller = NetworkTeller(exercise)
    wanted = (wanted_table(teller),) if teller.unsaid else ()
    return (Section("network", {}, (*teller.given(), *wanted)),)


def worked(exercise: Exercise) -> tuple[Section, ...]:
    """The whole derivation: forward, loss, backward for every parameter, update, loss after it; or the
    forward pass and what it says of the network."""
    return told(NetworkTeller(exercise))


def told(teller: NetworkTeller) -> tuple[Section, ...]:
    """The sections of a worked example, by whatever teller."""
    exercise = teller.exercise
    sections = [
        *standardized(exercise),
        *teller.designed(),
        Section("forward", {}, (*teller.forward(), *teller.drawn())),
    ]
    for name, say in {"one_map": collapse, "truth": truth_table, "boundary": boundaries}.items():
        if blocks := tuple(say(teller)):
            sections.append(Section(name, {}, blocks))
    if exercise.graph.forward_only:
        return tuple(sections)
    sections.append(Section("loss", {}, tuple(teller.loss())))
    sections += teller.derived()
    sections += [
        Section("backward", teller.layer_args(z), tuple(teller.backward(z)))
        for z in reversed(teller.layers())
    ]
    if exercise.spec.source.updates and any(n.trained for n in exercise.graph.nodes):
        sections.append(Section("update", {"count": 1}, tuple(teller.update())))
    return tuple(sections)


def called(name: str, row: Callable[[str], Elementwise | Softmax]) -> str | Node:
    """The name of a row, for a phrase; a formula itself."""
    found = None if name.isidentifier() else row(name)
    return typeset(found.formula, Symbol) if isinstance(found, Elementwise) else name


def few(numbers: Sequence[int]) -> Sequence[int]:
    """All of a few, the first and the last of many."""
    return numbers if len(numbers) <= WIDE else (numbers[0], numbers[-1])


class NetworkTeller(Teller):
    """Tells a network."""

    def __init__(self, exercise: Exercise) -> None:
        super().__init__(exercise)
        self.net = exercise.spec.network_spec
        self.name: Namer = exercise.network_namer
        self.outputs = range(1, self.name.sizes[-1] + 1)
        designs = (part.quantity for part in exercise.parts if part.form == "design")
        self.branching = branching(exercise)
        self.unsaid = list(designs)  # what is to be found is not given

    def designed(self) -> Iterator[Section]:
        """The weights that were to be found."""
        if self.unsaid:
            found = ((self.equal(q), None) for q in self.unsaid if isinstance(q, Quantity))
            yield Section("designed", {}, (block("designed_weights", {}, found),))

    # --- given ---

    def given(self) -> Iterator[Block]:
        net = self.net
        layers = [
            {"units": units, "activation": called(layer.activation, activation_of)}
            | self._made_of(layer)
            for layer, units in zip(net.layers, self.name.sizes[1:], strict=True)
        ]
        full = not any(layer.kernel or layer.missing for layer in net.layers)
        made_of = {"inputs": self.name.sizes[0], "layers": layers, "full": full}
        yield Block("architecture", made_of, picture=self.picture(network))
        counts = self._counts()
        total = sum(count["weights"] + count["biases"] for count in counts)
        args: dict[str, Any] = {"counts": counts, "total": total, "trained": self._trained()}
        yield Block("parameter_count", {**args, "count": parameter_count(self.graph)})
        for z in self.layers():
            yield block("definitions", self.layer_args(z), self._definitions(z))
            yield from softmax.with_sum(self, self.graph.consumers(z)[0], self.graph.sample_numbers[0])
        if not net.symbols:
            given = ((line, None) for line in self._given_lines())
            yield block("given_numbers", scaling(self.exercise), given)
        if self.graph.forward_only:
            return
        args = {"rate": self.equal(RATE), "samples": self.graph.samples}
        args |= {
            "trains": parameter_count(self.graph) > 0 and net.updates > 0,
            "loss": called(net.loss, loss_of),
        }
        yield block("loss_and_rate", args, self._loss_rule())
        if args["trains"]:
            yield from by_rule(self)

    def _made_of(self, layer: LayerSpec) -> dict[str, Any]:
        """What is special about a layer: a kernel, missing connections, the number of the layer whose
        weights it has, and of the layer that is added (0: the inputs)."""
        tied = self.name.layer_number(layer.tied) if layer.tied else None
        skip = self.name.layer_number(layer.skip) if layer.skip else layer.skip
        return {"kernel": bool(layer.kernel), "missing": len(layer.missing), "tied": tied, "skip": skip}

    def _trained(self) -> dict[str, Any]:
        """What an update changes, if that needs saying: everything, nothing, all weights, all biases,
        or a list of (what, layer)."""
        nodes = self.graph.of_kind("parameter")
        trained = [n for n in nodes if n.trained]
        kinds = {n.name for n in trained}
        parts = [(n.name, self.name.layer_number(n.prefix[0])) for n in trained]
        whole = len(kinds) == 1 and all(n.trained for n in nodes if n.name in kinds)
        return {"all": len(trained) == len(nodes), "parts": parts, "only": min(kinds) if whole else ""}

    def layers(self) -> list[GraphNode]:
        return [n for n in self.graph.nodes if n.name == "z"]

    def layer_args(self, z: GraphNode) -> dict[str, Any]:
        """A layer's number, counted as the notation counts, and what kind of layer it is."""
        number = self.name.layer_number(z.prefix[0])
        return {"layer": number, "where": "output" if z.prefix[0] == self.name.last else "hidden"}

    def _counts(self) -> list[dict[str, Any]]:
        counts = []
        for z in self.layers():
            (layer,) = z.prefix
            weights, biases = (
                counted(self.graph, Quantity(of, z.prefix)) for of in ("weights", "biases")
            )
            made = self._made_of(self.net.layers[layer - 1])
            shared = z.shape[0] > 1 == biases
            counts.append(
                {**self.layer_args(z), "weights": weights, "biases": biases, "shared": shared, **made}
            )
        return counts

    def _definitions(self, z: GraphNode) -> Iterator[Formula]:
        """What the units of a layer compute, in names; of a wide layer the first and the last unit."""
        sample = self.graph.sample_numbers[0]
        said = any(softmax.with_sum(self, self.graph.consumers(z)[0], sample))
        for name in ("z", "a")[: 1 if said else 2]:
            for i in few(range(1, z.shape[0] + 1)):
                yield self._definition(Quantity(name, (*z.prefix, i), sample)), None

    def _definition(self, q: Quantity) -> Node:
        definition = self.graph.definition(q)
        assert definition is not None
        return equation(self.name(q), self.names(definition))

    def _given_lines(self) -> Iterator[Node]:
        for node in self.graph.given:
            yield from self._given_of(node)

    def _given_of(self, node: GraphNode) -> Iterator[Node]:
        """name = number, side by side; the weights of one unit are kept together where they fit."""
        columns = node.shape[1] if len(node.shape) > 1 else 1
        if node.sampled and self.graph.samples > 1:
            columns = node.shape[0]
        samples = self.graph.sample_numbers if node.sampled else [None]
        said = (q for sample in samples for q in node.elements(sample) if q not in self.unsaid)
        items = [self.equal(q) for q in said]
        if not items:
            return
        wide = max(map(width, items)) + 1.5
        room = max(int(LINE // wide), 1)
        per_line = room - room % columns if columns <= room else room
        for at in range(0, len(items), per_line):
            line: list[Node] = []
            for item in items[at : at + per_line]:
                line += [Op(","), Op(" "), item] if line else [item]
            yield Row((Row(()), *line))

    def _loss_rule(self) -> tuple[Formula, ...]:
        """L = Σ_i loss(a_i, t_i) in names; over a batch, of one sample, and what becomes of them all."""
        (total, *others), first = self.totals, self.graph.sample_numbers[0]
        q = total.element((), first)
        terms = {i: self.graph.definition(i) or Ref(i) for i in total.inputs[0].elements(first)}
        whole = self.graph.definition(q)
        assert whole
        rule = equation(self.name(q), self.names(substitute(whole, terms.__getitem__)))
        return (rule, None), *((self._definition(n.element(())), None) for n in others)

    @property
    def totals(self) -> list[GraphNode]:
        """What the terms of the outputs come to: of a sample, of all samples, with a penalty."""
        (terms,) = (n for n in self.graph.nodes if n.name == "L" and n.shape)
        return [n for n in self.graph.nodes[self.graph.nodes.index(terms) + 1 :] if n.op]

    # --- forward ---

    def forward(self) -> Iterator[Block]:
        yield Block("forward_intro", {"digits": self.digits})
        for sample in self.in_full:
            if sample is not None:
                yield Block("sample", {"number": sample})
            for z in self.layers():
                yield from self._forward_layer(z, sample)
        units = [q for z in self.layers() for q in self._units(z, "a")]
        if not self.graph.forward_only:
            units.append(Quantity("L"))
        if not any(truth_table(self)):  # which says the same
            yield from self._in_tables(units)

    def drawn(self) -> Iterator[Block]:
        """The forward pass of a single sample, as a picture of the network."""
        drawn = self.graph.samples == 1 and self.picture(partial(network, show=self.shown))
        if drawn:
            yield Block("values_drawn", {}, picture=drawn)

    def _forward_layer(self, z: GraphNode, sample: int | None) -> Iterator[Block]:
        """z and a of a layer."""
        a = self.graph.find(Quantity("a", (*z.prefix, 1), sample))[0]
        matrix = self._matrix_form(z, sample)
        formulas = list(matrix)
        if not matrix:
            formulas += [(self.computed(q), None) for q in z.elements(sample)]
        said = list(softmax.with_sum(self, a, sample, numbers=True))
        formulas += [] if said else [(self.computed(q), None) for q in a.elements(sample)]
        yield block("forward_layer", self.layer_args(z), formulas)
        yield from said

    @property
    def in_full(self) -> list[int | None]:
        """The samples that are told step by step: all of a few, the first of many."""
        samples = self.graph.sample_numbers
        return samples if len(samples) <= FEW else samples[:1]

    @staticmethod
    def _units(z: GraphNode, name: str) -> list[Quantity]:
        return [Quantity(name, (*z.prefix, i)) for i in range(1, z.shape[0] + 1)]

    def _in_tables(self, quantities: Sequence[Id]) -> Iterator[Block]:
        """The same quantities of all samples where not all are told in full, a line a sample."""
        samples = self.graph.sample_numbers
        if len(samples) == len(self.in_full):
            return
        yield Block("all_samples", {})
        rows = []
        for sample in samples:
            numbers = [replace(q, sample=sample) for q in quantities]
            self.told.update(numbers)
            rows.append((Number(str(sample)), *(self.shown(q) for q in numbers)))
        for table in tables(("sample_column", *(self.name(q) for q in quantities)), rows):
            yield Block("table", {}, (), table)

    def computed(self, q: Quantity) -> Node:
        """q = its formula = numbers put in = its value."""
        definition = self.graph.definition(q)
        assert definition is not None
        return chain(self.name(q), self.sides(definition, q))

    def _matrix_form(self, z: GraphNode, sample: int | None) -> list[Formula]:
        """z = x W + b as row vectors, or z = W x + b as columns, in names and in numbers; nothing
        where the notation has no vectors or the line would be too long."""
        vectors = self.name.notation.vectors
        if vectors is None or not (isinstance(z.op, Affine) and z.op.plain):
            return []
        weights, below, *bias = z.inputs
        units, columns = weights.shape

        def vector(leaf: Callable[[Any], Node], block: GraphNode, length: int) -> Node:
            cells = [
                leaf(block.element((i,) if block.shape else (), sample)) for i in range(1, length + 1)
            ]
            return Matrix((tuple(cells),) if vectors == "row" else tuple((cell,) for cell in cells))

        def product(leaf: Callable[[Any], Node]) -> Node:
            cells = [
                [leaf(weights.element((i, j))) for j in range(1, columns + 1)]
                for i in range(1, units + 1)
            ]
            if vectors == "row":
                cells = [list(column) for column in zip(*cells, strict=True)]
            matrix = Matrix(tuple(map(tuple, cells)))
            x = vector(leaf, below, columns)
            parts = [x, matrix] if vectors == "row" else [matrix, x]
            return row(*parts, *(["+", vector(leaf, bias[0], units)] if bias else []))

        left = vector(self.label, z, units)
        rights = [product(self.label), product(self.shown), vector(self.shown, z, units)]
        if max(map(width, rights)) + 2 > LINE:
            return []
        return [(equation(left, *rights), None)]

    # --- loss ---

    def loss(self) -> Iterator[Block]:
        formulas: list[Formula] = []
        total, *others = self.totals
        for sample in self.in_full:
            terms = [Quantity("L", (i,), sample) for i in self.outputs]
            formulas += [(self.computed(q), None) for q in terms]
            if len(self.outputs) > 1:
                formulas.append((self.computed(total.element((), sample)), None))
        formulas += [(self.computed(n.element(())), None) for n in others]
        args: dict[str, Any] = {"outputs": len(self.outputs), "samples": self.graph.samples}
        args |= {"mean": self.net.outputs == "mean", "reduction": self.net.reduction}
        args["penalty"] = self.net.l2 and self.name(Quantity("lambda"))
        yield block("loss_terms", args, formulas)
        if self.graph.samples > 1:
            yield Block("other_reduction", args, ((self._other_reduction(), None),))

    def _other_reduction(self) -> Node:
        """The mean of the samples' losses where the spec adds them up, their sum where it averages."""
        over = next(n for n in self.totals if isinstance(n.op, OverSamples))
        loss, samples = Ref(over.element(())), Num(Rational(self.graph.samples))
        expr = Call("/", (loss, samples)) if self.net.reduction == "sum" else Call("*", (samples, loss))
        number = shown(float(value(expr, self.exercise.number)), self.digits)
        return chain(self.names(expr), [self.numbers(expr), number])

    # --- backward ---

    def stops(self, d: Derivative) -> bool:
        """Where the chain rule stops in this telling: at ∂L/∂a, or at ∂L/∂z, which may be called δ."""
        return d.wrt.name in self.exercise.spec.told.stops

    def backward(self, z: GraphNode) -> Iterator[Block]:
        (number,) = z.prefix
        for sample in self.in_full:
            if sample is not None:
                yield Block("sample", {"number": sample})
            if softmax.softmax(self.graph.consumers(z)[0]):
                yield from self._outputs(z, sample)
                yield from softmax.paths(self, z, sample)
                continue
            for i in range(1, z.shape[0] + 1):
                yield from self._unit(number, i, sample)
        derivative = self.derivation.derivative
        pairs = zip(self._units(z, "a"), self._units(z, "z"), strict=True)
        yield from self._in_tables([replace(derivative(q), sample=None) for pair in pairs for q in pair])
        for node in self.graph.of_kind("parameter"):
            # Homework does without the gradients that its update does not use.
            if node.prefix == (number,) and (node.trained or not self.exercise.parts):
                yield from self._parameters(node)
        if z is self.layers()[0]:
            yield from self._vanishing()

    def _vanishing(self) -> Iterator[Block]:
        """Where the first layer's gradients are far smaller than the last one's: the largest of each,
        and the largest factor that each sigmoid layer between them put in."""
        *hidden, last = self.layers()
        if not hidden:
            return
        if not self._parameters_of(last):
            return  # tied to another layer's
        first, final = self._largest_gradient(hidden[0]), self._largest_gradient(last)
        small, large = (abs(self.exercise.number(d)) for d in (first, final))
        if not 0 < VANISHING * small < large:
            return
        sigmoid = [z for z in hidden if self.net.layers[z.prefix[0] - 1].activation == "sigmoid"]
        factors = [(self.layer_args(z)["layer"], self._steepest(z)) for z in reversed(sigmoid)]
        args = {"first": self.equal(first), "last": self.equal(final), "factors": factors}
        yield Block("vanishing_gradient", {**args, "ratio": shown(large / small, 1)})

    def _parameters_of(self, z: GraphNode) -> list[GraphNode]:
        return [n for n in self.graph.of_kind("parameter") if n.prefix == z.prefix]

    def _largest_gradient(self, z: GraphNode) -> Derivative:
        """Of the parameters of a layer."""
        nodes = self._parameters_of(z)
        gradients = [self.derivation.derivative(q) for n in nodes for q in n.elements()]
        return max(gradients, key=lambda d: abs(self.exercise.number(d)))

    def _steepest(self, z: GraphNode) -> Node:
        """The largest derivative of an activation in a layer, over its units and all samples."""
        samples = self.graph.sample_numbers
        a = [Quantity("a", q.index, s) for s in samples for q in z.elements()]
        locals_ = [Derivative(q.at(), Quantity("z", q.index), q.sample) for q in a]
        return self.equal(max(locals_, key=self.exercise.number))

    def _outputs(self, z: GraphNode, sample: int | None) -> Iterator[Block]:
        """∂L/∂a of a layer: one by one, or of many under one another."""
        if z.shape[0] <= softmax.MANY_OUTPUTS:
            for i in range(1, z.shape[0] + 1):
                yield self._to_activation(z.prefix[0], i, sample)
            return
        gradients = [self.derivation.derivative(q.at(sample=sample)) for q in self._units(z, "a")]
        lines = [(self.step(self.derivation.chain(d, self.stops)), None) for d in gradients]
        self.told.update(gradients)
        yield block("gradients_of_outputs", {}, lines)

    def _to_activation(self, layer: int, i: int, sample: int | None) -> Block:
        """∂L/∂a of a unit."""
        a = Quantity("a", (layer, i), sample)
        to_a = self.derivation.derivative(a)
        step = self.derivation.chain(to_a, self.stops)
        phrase = "gradient_of_output" if layer == self.name.last else "gradient_of_hidden"
        args: dict[str, Any] = {"a": self.name(a), "paths": len(step.terms), "first": i == 1}
        args |= {"pointers": self.pointers(self.shortest(step))}
        reached = {term.ids[0].wrt.index[0] for term in step.terms if term.ids[0].wrt.name == "z"}
        args["far"] = bool(reached - {layer + 1})  # along a skip connection
        if self.name.last == layer and len(self.outputs) > 1:
            args["term"] = self.name(Quantity("L", (i,), sample))
        if self.name.last == layer:
            args["kink"] = Quantity("L", (i,), sample) in self.exercise.at_kink
        return Block(phrase, args, ((self.step(step), self.tag(to_a)),))

    def _unit(self, layer: int, i: int, sample: int | None) -> Iterator[Block]:
        a, z = Quantity("a", (layer, i), sample), Quantity("z", (layer, i), sample)
        to_a, to_z = self.derivation.derivative(a), self.derivation.derivative(z)
        yield self._to_activation(layer, i, sample)
        local = Derivative(a.at(), z.at(), sample)
        rule = self.graph.local(local)
        assert rule is not None
        formulas = [(chain(self.name(local), self.sides(rule, local)), self.tag(local))]
        product = Call("*", (Ref(to_a), Ref(local)))
        left, whole = self.name.gradient(z), self.name(to_z)
        formulas.append((chain(whole, [left, *self.sides(product, to_z)]), self.tag(to_z)))
        activation = called(self.net.layers[layer - 1].activation, activation_of)
        at = shown(round(self.exercise.number(z), 9)) if z in self.exercise.at_kink else None
        args = {"z": self.name(z), "activation": activation, "kink": at}
        yield Block("gradient_of_net", args, tuple(formulas))
        fused = self.derivation.fused(z) if layer == self.name.last else None
        if fused is not None:
            sides = [*self.surely(to_z, fused), self.numbers(fused), self.shown(to_z)]
            args = {"activation": activation, "loss": called(self.net.loss, loss_of)}
            yield Block("fused", args, ((chain(whole, sides), None),))

    def _parameters(self, node: GraphNode) -> Iterator[Block]:
        for q in node.elements():
            yield from self._paths(q)
            target = self.derivation.derivative(q)
            step = self.derivation.chain(target, self.stops)
            formulas: list[Formula] = []
            if len(step.terms) == 1:
                (term,) = step.terms
                factor = term.factors[-1]
                names = [self.names(factor.expr), self.numbers(factor.expr)]
                formulas.append((chain(self.name(factor.derivative), names), None))
                product = call("*", *(Ref(d) for d in term.ids))
                formulas.append(
                    (chain(self.name(target), self.sides(product, target)), self.tag(target))
                )
            else:
                formulas.append((self.step(step), self.tag(target)))
            args: dict[str, Any] = {"q": self.name(q), "terms": len(step.terms)}
            args["pointers"] = self.pointers(step if len(step.terms) == 1 else self.shortest(step))
            args |= {"kind": node.name, "shared": node.name == "b" and not node.shape}
            args |= {"samples": self.graph.samples, "penalty": self.net.l2 is not None}
            args |= {"uses": max(Counter(term.ids[0].sample for term in self._data_terms(q)).values())}
            yield Block("gradient_of_parameter", args, tuple(formulas))

    def _paths(self, q: Quantity) -> Iterator[Block]:
        """The first weight from which several paths lead to the loss, with a picture of them."""
        if q != self.branching:
            return
        if drawn := self.picture(partial(paths, q=q)):
            args = {**drawn.args, "q": self.name(q), "loss": self.name(data_loss(self.graph))}
            yield Block("paths", args, picture=drawn)

    def _data_terms(self, q: Quantity) -> list[Term]:
        """The terms of a parameter's gradient that come from the units that it enters."""
        terms = self.derivation.step(self.derivation.derivative(q)).terms
        return [term for term in terms if term.upstream and term.upstream.wrt.name == "z"]

    # --- update ---

    def update(self) -> Iterator[Block]:
        changed = trained(self.graph)
        yield Block("update_rule", {"rate": self.equal(RATE), "optimizer": self.net.optimizer.name})
        yield from self._new_values(changed)
        yield from all_parameters(self, changed, 1)
        yield from one_at_a_time(self)
        before, after = self.graph.root, self.graph.root.at(update=1)
        new_units = [
            row(self.name(q), "=", self.shown(q))
            for sample in self.in_full
            for z in self.layers()
            for q in (Quantity("a", (*z.prefix, i), sample, 1) for i in range(1, z.shape[0] + 1))
        ]
        was, became = self.exercise.number(before), self.exercise.number(after)
        change = "same" if was == became else "falls" if became < was else "rises"
        old_shown, new_shown = _apart(was, became, self.digits)
        sign = {"falls": "<", "rises": ">", "same": "="}[change]
        compared = row(self.name(after), "=", new_shown, sign, old_shown, "=", self.name(before))
        lines = [*new_units, compared]
        yield block("loss_after", {"change": change}, ((line, None) for line in lines))
        yield from another_update(self, changed)
        yield from training(self, changed)

    def _new_values(self, trained: Sequence[Quantity]) -> Iterator[Block]:
        """What the optimizer makes of each parameter."""
        yield from updated(self, trained)


def _apart(one: float, other: float, digits: int) -> tuple[Node, Node]:
    """Two numbers with as many digits as it takes to see that they differ."""
    for more in range(digits, 17):
        pair = shown(one, more), shown(other, more)
        if pair[0] != pair[1] or one == other:
            break
    return pair
