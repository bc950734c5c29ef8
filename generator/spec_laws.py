"""Laws: what has to hold between the keys of a spec, beyond what each may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from derive.circuit import FUNCTIONS, CircuitError
from derive.ops import DOMAINS, OUTPUTS_OF, VECTOR_ACTIVATIONS
from derive.optimizer import OPTIMIZERS, RATE
from derive.program import LONG_RATE
from derive.quantity import Quantity
from generator.notation import NOTATIONS, CircuitNamer, Namer, NotationError
from generator.refusal import SpecError, choices
from generator.spec import Draw, Spec
from generator.spec_network import CircuitSpec, LayerSpec, NetworkSpec
from generator.spec_values import ANY_ACTIVATION, loss_of, takes_alpha

__all__ = ["check"]

LARGEST_DRAWN = 99  # units of a layer: its parameters are counted, no formula of it is written
RESERVED = (RATE.name, LONG_RATE.name)  # what formulas mean the learning rate by
OF_SHEETS = ("name", "title", "note", "exercise")
KEPT = ("inputs", "targets", "weights", "biases")  # of a network


def check(spec: Spec, file: str) -> None:
    """Every law that is about more than one key; SpecError names the first that is broken."""
    if spec.exercise:
        for key in sorted(spec.model_fields_set.difference(OF_SHEETS)):
            allowed = f"{', '.join(OF_SHEETS)}: an exercise has its own {key}"
            raise SpecError(file, key, f"{key} beside [[exercise]]", allowed)
        return
    if (spec.network is None) == (spec.circuit is None):
        found = "neither" if spec.network is None else "both"
        raise SpecError(file, "network or circuit", found, "one of them; or [[exercise]] tables")
    if spec.kind and spec.ask:
        raise SpecError(file, "ask", f"kind = {spec.kind!r} as well", "one of them")
    if spec.circuit:
        if spec.telling:
            raise SpecError(
                file, "telling", repr(spec.telling), "nothing: a circuit is told gate by gate"
            )
        _check_circuit(spec.circuit, file)
        _check_named(spec.draw, "of", spec.circuit.inputs, file)
        _check_named(spec.draw, "keep", spec.circuit.inputs, file)
        for key in ("activations", "notations", "sizes"):
            if getattr(spec.draw, key):
                raise SpecError(file, f"draw.{key}", f"{key}", "nothing: a circuit has none")
    else:
        _check_shapes(spec.network_spec, file)
        _check_draw(spec, file)
        _check_named(spec.draw, "of", (), file)
        _check_named(spec.draw, "keep", KEPT, file)
        drawn = spec.draw.targets
        if drawn and drawn.min < 0 and spec.network_spec.loss in OUTPUTS_OF:
            allowed = f"0 or more: {spec.network_spec.loss} takes no negative targets"
            raise SpecError(file, "draw.targets.min", str(drawn.min), allowed)
        _check_patterns(spec, file)


def _check_circuit(source: CircuitSpec, file: str) -> None:
    """Every line reads, and every name in it has a value."""
    for name in source.inputs:
        if not (name.isidentifier() and name.isascii()) or name in FUNCTIONS:
            raise SpecError(file, "circuit.inputs", repr(name[:40]), "names of letters and digits")
    for number, name in enumerate(source.constants):
        if name not in source.inputs:
            allowed = f"one of the inputs: {choices(name, source.inputs)}"
            raise SpecError(file, f"circuit.constants[{number}]", repr(name[:40]), allowed)
    try:
        graph = source.graph()
    except CircuitError as error:
        line = source.nodes[error.line]
        raise SpecError(file, f"circuit.nodes[{error.line}]", repr(line[:60]), str(error)) from None
    written = CircuitNamer()
    seen: dict[Any, str] = {}
    for node in graph.nodes:
        if node.name in RESERVED or node.name.startswith("_"):
            allowed = "a name that starts with a letter and is not that of the learning rate"
            raise SpecError(file, "circuit", repr(node.name[:40]), allowed)
        other = seen.setdefault(written(Quantity(node.name)), node.name)
        if other != node.name:
            found = f"{other!r} and {node.name!r}, which are written alike"
            raise SpecError(file, "circuit", found, "names that differ by more than _")


def _check_named(source: Draw, key: str, names: Iterable[str], file: str) -> None:
    """What `draw.of` and `draw.keep` name is there."""
    for name in getattr(source, key):
        if name not in names:
            allowed = choices(name, names) or "nothing: it is for the inputs of a circuit"
            raise SpecError(file, f"draw.{key}", repr(name[:40]), allowed)


def _check_patterns(spec: Spec, file: str) -> None:
    """Every pattern reads, and no two quantities of the network are written alike."""
    for name in (spec.notation, *spec.draw.notations):
        try:
            notation = NOTATIONS[name].with_patterns(spec.patterns)
        except NotationError as error:
            allowed = 'a pattern such as W = "w_{<ij>}^{(<l>)}"'
            raise SpecError(file, "patterns", str(error), allowed) from None
        if spec.patterns and (clash := Namer(notation, spec.network_spec.graph()).clash()):
            found = f"the same name for {clash[0]} and {clash[1]}"
            raise SpecError(file, "patterns", found, "another name for each quantity")


def _check_shapes(net: NetworkSpec, file: str) -> None:
    """Every matrix has the shape that its neighbours ask for."""

    def fail(key: str, found: str, allowed: str) -> None:
        raise SpecError(file, f"network.{key}", found, allowed)

    def same_length(rows: Sequence[Sequence[Any]], key: str, length: int, what: str) -> None:
        for number, numbers in enumerate(rows):
            if len(numbers) != length:
                fail(f"{key}[{number}]", f"{len(numbers)} numbers", f"{length}: {what}")

    if net.activation and not net.sizes:
        fail("activation", net.activation, "nothing without sizes: each layer has its own")
    if not net.inputs[0]:
        fail("inputs[0]", "0 numbers", "at least one feature")
    same_length(net.inputs, "inputs", len(net.inputs[0]), "every sample has the same features")
    if net.standardize and len(net.inputs) == 1:
        fail("standardize", "1 sample", "at least 2: a single one has no spread to divide by")
    for number, feature in enumerate(net.features(), 1):
        if not feature.squares:
            only = f"{net.inputs[0][number - 1]} in every sample as feature {number}"
            fail("inputs", only, "different numbers: `standardize` divides by their spread")
    rule = net.optimizer
    for constant, given in rule.constants.items():
        if constant not in (names := OPTIMIZERS[rule.name].constants):
            fail(f"optimizer.{constant}", str(given), f"{', '.join(names) or 'none'}, with {rule.name}")
    if net.stop_below is not None and not (net.updates and any(layer.train for layer in net.layers)):
        fail("stop_below", str(net.stop_below), "no goal, where nothing is trained")
    below, sizes = len(net.inputs[0]), [len(net.inputs[0])]
    for number, layer in enumerate(net.layers):
        key = f"layers[{number}]"
        _check_weights(net, number, below, fail)
        if layer.weights:
            same_length(layer.weights, f"{key}.weights", below, "one for each unit of the layer before")
        units = layer.units(below, net.layers)
        sizes.append(units)
        _check_skip(layer, key, sizes, fail)
        shared = layer.kernel is not None and layer.kind_of_bias == "shared"
        wanted = 0 if layer.kind_of_bias == "none" else 1 if shared else units
        if len(layer.biases) != wanted:
            why = f"{wanted}: one for {'the kernel' if shared else 'each unit'}"
            why = 'none with bias = "none"' if wanted == 0 else why
            fail(f"{key}.biases", f"{len(layer.biases)} numbers", why)
        if layer.kind_of_bias == "shared" and len(set(layer.biases)) > 1:
            shown = ", ".join(map(str, layer.biases))
            fail(f"{key}.biases", shown, 'the same number for each unit, because bias = "shared"')
        if layer.alpha is not None and not takes_alpha(layer.activation):
            fail(f"{key}.alpha", str(layer.alpha), f"no alpha: {layer.activation} takes none")
        if layer.activation in VECTOR_ACTIVATIONS:
            _check_softmax(net, number, units, fail)
        below = units
    if net.targets is None:
        learning = ("loss", "delta", "reduction", "outputs", "l2", "learning_rate")
        said = {key: getattr(net, key) for key in learning if key in net.model_fields_set}
        said |= {"optimizer": net.optimizer.name} if "optimizer" in net.model_fields_set else {}
        said |= {"updates": net.updates} if net.updates else {}
        trained = (n for n, layer in enumerate(net.layers) if "train" in layer.model_fields_set)
        said |= {f"layers[{n}].train": net.layers[n].train for n in trained}
        for key, found in said.items():
            fail(key, str(found), "nothing without targets: then there is a forward pass only")
        return
    if len(net.targets) != len(net.inputs):
        fail("targets", f"{len(net.targets)} rows", f"{len(net.inputs)}: one for each sample")
    same_length(net.targets, "targets", below, "one for each output unit")
    last, takes = net.layers[-1].activation, OUTPUTS_OF.get(net.loss)
    if takes and last not in takes and last in ANY_ACTIVATION:
        allowed = f"{' or '.join(takes)} in the output layer: {net.loss} takes logarithms of outputs"
        fail("loss", f"{net.loss} of {last} outputs", allowed)
    negative = (t for row in net.targets for t in row if t < 0)
    if takes and not net.symbols and (t := next(negative, None)) is not None:
        fail("targets", str(t), f"0 or more: to {net.loss} a target is a share of its class")
    if net.outputs == "mean" and "n" in (loss_of(net.loss).constants or {}):
        fail("outputs", "mean", f"sum: {net.loss} is a mean over the outputs already")
    if net.delta is not None and "delta" not in (loss_of(net.loss).constants or {}):
        fail("delta", str(net.delta), f"no delta: {net.loss} takes none")
    _check_domain(net, fail)


def _check_weights(
    net: NetworkSpec, number: int, below: int, fail: Callable[[str, str, str], None]
) -> None:
    """A layer has weights of its own, or is tied, or has a kernel; and what it has fits."""
    layer, key = net.layers[number], f"layers[{number}]"
    said = [name for name in ("weights", "tied", "kernel") if getattr(layer, name) is not None]
    if len(said) != 1:
        allowed = "one of them: weights; tied = 1, to use layer 1's; or a kernel"
        fail(key, " and ".join(said) or "neither weights nor tied nor kernel", allowed)
    for row, weights in enumerate(layer.weights or []):
        if all(weight is None for weight in weights) and weights:
            fail(f"{key}.weights[{row}]", "no connection at all", "at least one number in each row")
    if layer.tied is not None:
        other = net.layers[layer.tied - 1] if layer.tied <= number else None
        if other is None or other.weights is None or other.missing:
            allowed = "the number of a layer before this one that has weights of its own, all of them"
            fail(f"{key}.tied", str(layer.tied), allowed)
        elif len(other.weights) != below:
            found = f"{layer.tied}, a layer of {len(other.weights)} units"
            fail(f"{key}.tied", found, f"a layer of {below}: transposed, its weights take its units")
        if "train" in layer.model_fields_set and "weights" in layer.train:
            fail(f"{key}.train", "weights", "biases: tied weights are trained where they come from")
    if layer.columns is not None and layer.kernel is None:
        fail(f"{key}.columns", str(layer.columns), "nothing without a kernel")
    if layer.kernel is not None:
        rows = layer.kernel_rows
        mixed = len({type(row) for row in layer.kernel}) > 1
        if mixed or not rows[0] or len({len(row) for row in rows}) > 1:
            fail(f"{key}.kernel", "rows of different lengths, or empty ones", "a list, or a matrix")
        if any(isinstance(row, list) for row in layer.kernel) != (layer.columns is not None):
            allowed = "columns with a kernel of rows: how wide the picture is; none with a list"
            fail(f"{key}.columns", str(layer.columns or "nothing"), allowed)
        try:
            layer.over(below)
        except ValueError as error:
            picture = f"{below} inputs" + (f" in {layer.columns} columns" if layer.columns else "")
            fail(f"{key}.kernel", f"{error} into {picture}", "a kernel no larger than what it is over")
        if layer.kind_of_bias not in ("shared", "none"):
            fail(f"{key}.bias", layer.kind_of_bias, "shared or none, with a kernel")


def _check_skip(
    layer: LayerSpec, key: str, sizes: list[int], fail: Callable[[str, str, str], None]
) -> None:
    """The layer whose activations are added stands before, and is as wide."""
    if layer.skip is None:
        return
    if layer.skip >= len(sizes) - 1:
        fail(f"{key}.skip", str(layer.skip), "the number of a layer before this one; 0: the inputs")
    if sizes[layer.skip] != sizes[-1]:
        found = f"{layer.skip}, of {sizes[layer.skip]} units"
        fail(f"{key}.skip", found, f"a layer of {sizes[-1]}: what is added has to be as wide")


def _check_softmax(
    net: NetworkSpec, number: int, units: int, fail: Callable[[str, str, str], None]
) -> None:
    """A softmax says how likely each of several classes is; the same number added to all its
    pre-activations changes nothing."""
    layer, key = net.layers[number], f"layers[{number}]"
    if number + 1 < len(net.layers):
        fail(f"{key}.activation", layer.activation, "softmax in the output layer only")
    if units < 2:
        fail(f"{key}.activation", "softmax of 1 unit", "at least 2 units: of one it is always 1")
    if layer.kind_of_bias == "shared":
        allowed = "per_unit or none: a bias shared by all units changes nothing in a softmax"
        fail(f"{key}.bias", "shared", allowed)


def _check_draw(spec: Spec, file: str) -> None:
    """Sizes are drawn in place of sizes, activations where they fit, targets from where the loss allows
    them."""
    net = spec.network_spec
    if spec.draw.activations and net.symbols:
        allowed = "nothing for a network that has only sizes"
        raise SpecError(file, "draw.activations", spec.draw.activations[0], allowed)
    for number, name in enumerate(spec.draw.activations):
        try:
            _check_shapes(net.activated([name] * net.varied), file)
        except SpecError as error:
            raise SpecError(file, f"draw.activations[{number}]", name, error.allowed) from None
    if (sizes := spec.draw.sizes) is not None:
        if not spec.network_spec.symbols:
            raise SpecError(file, "draw.sizes", "a network of numbers", "a network that has only sizes")
        if sizes.decimals or sizes.min < 1 or sizes.max > LARGEST_DRAWN:
            found = f"from {sizes.min} to {sizes.max} with {sizes.decimals} decimals"
            raise SpecError(file, "draw.sizes", found, f"from 1 to {LARGEST_DRAWN}, decimals = 0")
    source, domain = spec.draw.targets, DOMAINS.get(spec.network_spec.loss)
    if source and domain and not spec.network_spec.forward_only:
        low, high = domain.labels
        if not domain.between or source.min < low or source.max > high:
            allowed = f"from {low} to {high}" if domain.between else f"nothing: it is {low} or {high}"
            found = f"from {source.min} to {source.max}"
            raise SpecError(file, "draw.targets", found, f"{allowed}, with {spec.network_spec.loss}")


def _check_domain(net: NetworkSpec, fail: Callable[[str, str, str], None]) -> None:
    """The loss is defined for the outputs, and made for the targets."""
    domain, last = DOMAINS.get(net.loss), len(net.layers) - 1
    if domain is None:
        return
    if domain.outputs and (found := net.layers[last].activation) in set(ANY_ACTIVATION).difference(
        domain.outputs
    ):
        allowed = f"{', '.join(domain.outputs)}: {net.loss} needs outputs between 0 and 1"
        fail("activation" if net.symbols else f"layers[{last}].activation", found, allowed)
    low, high = domain.labels
    allowed = f"from {low} to {high}" if domain.between else f"{low} or {high}"
    for number, row in enumerate(net.targets or []):
        for t in row:
            if not (low <= t <= high if domain.between else t in domain.labels):
                fail(f"targets[{number}]", str(t), f"{allowed}, with {net.loss}")
