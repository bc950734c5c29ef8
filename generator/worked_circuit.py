"""Worked circuits: every gate forward, then every wire's gradient from the output back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from derive.graph import Node as Gate
from derive.quantity import Derivative
from generator.exercise import Exercise
from generator.formula import LINE, Node, Op, Row, equation, row, width
from generator.page import Block, Formula, Section, Table, block
from generator.spec_network import CircuitSpec
from generator.telling import Teller, chain
from generator.wires import circuit

__all__ = ["problem", "worked"]


def problem(exercise: Exercise) -> tuple[Section, ...]:
    """What is given: the formulas, the gates that they are made of, the numbers."""
    teller = _Teller(exercise)
    args = {**teller.lines, "text": bool(teller.circuit.text)}
    return (Section("circuit", args, tuple(teller.given())),)


def worked(exercise: Exercise) -> tuple[Section, ...]:
    """Forward values of all gates, then the gradient on every wire."""
    teller = _Teller(exercise)
    return (
        Section("calculated" if teller.circuit.text else "forward", {}, tuple(teller.forward())),
        *teller.derived(),
        Section("circuit_backward", {}, tuple(teller.backward())),
    )


class _Teller(Teller):
    def gates(self) -> list[Gate]:
        return [n for n in self.graph.nodes if n.op]

    @property
    def lines(self) -> dict[str, bool]:
        """Whether a step is a whole line, not a gate."""
        return {"lines": self.circuit.steps == "lines"}

    @property
    def circuit(self) -> CircuitSpec:
        circuit = self.exercise.spec.circuit
        assert circuit is not None
        return circuit

    def story(self, text: str) -> list[str | Node]:
        """What a spec says in words, {x} written as the wire's name is."""
        wires = {node.name: node for node in self.graph.nodes}
        parts: list[str | Node] = []
        for part in re.split(r"(\{\w+\})", text):
            wire = wires.get(part[1:-1]) if part[:1] == "{" else None
            parts.append(self.name(wire.element(())) if wire else part)
        return parts

    def given(self) -> Iterator[Block]:
        definitions: list[Formula] = []
        for gate in self.gates():
            q = gate.element(())
            definition = self.graph.definition(q)
            assert definition is not None
            definitions.append((equation(self.name(q), self.names(definition)), None))
        if self.circuit.text:
            yield Block("circuit_text", {"text": self.story(self.circuit.text)})
        else:
            said = block("gates", {"count": len(definitions), **self.lines}, definitions)
            yield replace(said, picture=self.picture(partial(circuit, show=self.shown)))
        line: list[Node] = []
        for node in self.graph.given:
            q = node.element(())
            line += [*([Op(","), Op(" ")] if line else []), row(self.name(q), "=", self.shown(q))]
        lines = [Row(tuple(line))] if width(Row(tuple(line))) < LINE else line[::3]
        yield block("circuit_numbers", {}, ((part, None) for part in lines))

    def forward(self) -> Iterator[Block]:
        yield Block("forward_intro", {"digits": self.digits})
        formulas: list[Formula] = []
        for gate in self.gates():
            q = gate.element(())
            definition = self.graph.definition(q)
            assert definition is not None
            formulas.append((chain(self.name(q), self.sides(definition, q)), None))
        yield block("gate_values", self.lines, formulas)

    def backward(self) -> Iterator[Block]:
        yield Block("gate_rule", {"gates": len(self.gates()), **self.lines})
        yield from self.wires()
        rows = tuple((self.name(d.wrt), self.shown(d.wrt), self.shown(d)) for d in self.targets())
        yield Block("all_wires", {}, (), Table(("wire_column", "value_column", "gradient"), rows))
        if drawn := self.picture(partial(circuit, show=self.shown, solved=True)):
            yield Block("solved_circuit", {}, picture=drawn)

    def targets(self) -> list[Derivative]:
        """The gradients in the order of the circuit, its inputs first."""
        return list(self.derivation.targets())[::-1]

    def wires(self) -> Iterator[Block]:
        root = self.graph.root
        for target in self.derivation.targets():
            step = self.derivation.chain(target, lambda upstream: upstream.wrt != root)
            if step.rule == "seed":
                continue
            args: dict[str, Any] = {"q": self.name(target.wrt), "paths": len(step.terms)}
            args |= {"pointers": self.pointers(step), "kink": target.wrt in self.exercise.at_kink}
            formulas: list[Formula] = []
            for term in step.terms:
                if term.upstream:  # the last gate's local derivative is the gradient itself
                    (factor,) = term.factors
                    sides = self.sides(factor.expr, factor.derivative)
                    formulas.append((chain(self.name(factor.derivative), sides), None))
            formulas.append((self.step(step), self.tag(target)))
            yield block("wire", args, formulas)
