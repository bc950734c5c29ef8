"""MISCONCEPTIONS: one row each: an id, a name, and how it rewrites the calculation.

A misconception rewrites the formula of the quantities that it is about (`derive.program`), so the same
row marks a student, audits a lecture and makes a distractor.  What it does to the paths of a sum is
kept apart (`paths`, `combine`), so that two misconceptions about the same sum can be put together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from derive.expression import Call, Expr, Num, Ref, call, fold, parse, refs, substitute
from derive.network import WEIGHTS
from derive.ops import ACTIVATIONS, LOSSES, Elementwise, Op
from derive.program import RATE, Program, product_of, sum_of
from derive.quantity import Derivative, Id, Quantity

__all__ = ["MISCONCEPTIONS", "Misconception", "Rewrite", "rewriting"]

Terms = tuple[tuple[Expr, ...], ...]
Rewrite = Callable[[Program, Id], Expr | None]


@dataclass(frozen=True)
class Misconception:
    """`rewrite`: a formula for a quantity that it is about, else None; or, for ∂L/∂a of a hidden unit,
    `paths`: other terms of the sum over paths, `combine`: something else than their sum."""

    id: str
    name: str
    rewrite: Rewrite | None = None
    paths: Callable[[Program, Derivative, Terms], Terms | None] | None = None
    combine: Callable[[Terms], Expr] | None = None


def rewriting(together: Sequence[Misconception]) -> Rewrite:
    """One rewrite that makes all of the given mistakes."""
    of_paths = any(m.paths or m.combine for m in together)

    def rewrite(program: Program, q: Id) -> Expr | None:
        if of_paths and hidden(program, q):
            assert isinstance(q, Derivative)
            terms: Terms | None = program.factors(q)
            if not all(_passes_a_weight(term) for term in terms or ()):
                return None
            for m in together:
                if m.paths and terms and all(map(_passes_a_weight, terms)):  # the other one left it so
                    terms = m.paths(program, q, terms)
            combine = next((m.combine for m in together if m.combine), sum_of)
            return combine(terms) if terms else None
        found = (m.rewrite(program, q) for m in together if m.rewrite)
        return next((expr for expr in found if expr is not None), None)

    return rewrite


def _passes_a_weight(term: tuple[Expr, ...]) -> bool:
    """Whether a path ends in ∂z/∂a of the next layer (and does not begin there)."""
    local = term[-1].name if isinstance(term[-1], Ref) else None
    return isinstance(local, Derivative) and (local.of.name, local.wrt.name) == ("z", "a")


# --- what a quantity is ------------------------------------------------------------------------


def _gradient(program: Program, q: Id, name: str) -> bool:
    # Without an index it is the gate of a circuit that is called z.
    named = isinstance(q, Derivative) and q.wrt.name == name and bool(q.wrt.index)
    return named and _of_the_loss(program, q)


def _of_the_loss(program: Program, q: Id) -> bool:
    return isinstance(q, Derivative) and q.of == program.derivation.graph.root.at()


def _last(program: Program) -> int:
    layers = (n for n in program.derivation.graph.nodes if n.name == "a" and n.prefix)
    return max((n.prefix[0] for n in layers), default=0)


def _layer(program: Program, q: Id) -> int | None:
    """The layer of ∂L/∂a; None for anything else."""
    is_one = _gradient(program, q, "a") and isinstance(q, Derivative)
    return q.wrt.index[0] if is_one and isinstance(q, Derivative) else None


def hidden(program: Program, q: Id) -> bool:
    """∂L/∂a of a hidden unit."""
    layer = _layer(program, q)
    return layer is not None and layer < _last(program)


def output(program: Program, q: Id) -> bool:
    """∂L/∂a of an output."""
    layer = _layer(program, q)
    return layer is not None and layer == _last(program) > 0


def slope(q: Any) -> bool:
    """∂a/∂z of a unit (and not, in a softmax, of one unit by another's z)."""
    return (
        isinstance(q, Derivative) and (q.of.name, q.wrt.name) == ("a", "z") and q.of.index == q.wrt.index
    )


def _loss_slope(q: Id) -> bool:
    """∂L_i/∂a of an output."""
    return isinstance(q, Derivative) and (q.of.name, q.wrt.name) == ("L", "a") and bool(q.of.index)


def _about(
    test: Callable[[Program, Id], bool], change: Callable[[Program, Any], Expr | None]
) -> Rewrite:
    def rewrite(program: Program, q: Id) -> Expr | None:
        return change(program, q) if test(program, q) else None

    return rewrite


def _renamed(expr: Expr | None, name: Callable[[Any], Any]) -> Expr | None:
    """The formula with other quantities in it; None if that changes nothing."""
    if expr is None:
        return None
    changed = substitute(expr, lambda q: Ref(name(q)))
    return changed if changed != expr else None


def _updated(q: Id) -> bool:
    return isinstance(q, Quantity) and q.update > 0 and q.name in (*WEIGHTS, "b")


def _update(change: Callable[[Expr, Expr], Expr]) -> Rewrite:
    """About w@k = w − step, of the old weight and the step that is taken from it."""

    def rewrite(program: Program, q: Id) -> Expr | None:
        formula = program.formula(q) if _updated(q) else None
        if not (isinstance(formula, Call) and formula.fn == "-"):
            return None  # not trained
        return change(*formula.args)

    return rewrite


ETA = Ref(RATE)


def _without_rate(step: Expr) -> Expr:
    return fold(substitute(step, lambda q: Num(Fraction(1)) if q == RATE else Ref(q)))


def _slope_for_weight(program: Program, q: Id) -> Expr | None:
    if not (_updated(q) and isinstance(q, Quantity) and isinstance(program.formula(q), Call)):
        return None
    return Ref(Derivative(program.derivation.graph.root.at(), q.at(), None, q.update - 1))


def _times(*factors: Expr | int) -> Expr:
    return call("*", *factors)


def _minus(a: Expr, b: Expr) -> Expr:
    return Call("-", (a, b))


# --- paths -------------------------------------------------------------------------------------


def _input_factor(program: Program, q: Derivative, terms: Terms) -> Terms:
    """∂z/∂w put in before the weight, as if the chain went through the weight."""
    return tuple(
        (*term[:-1], Ref(q.wrt.at(sample=q.sample, update=q.update)), term[-1]) for term in terms
    )


def _other_weight(program: Program, q: Derivative, terms: Terms) -> Terms | None:
    layer, j = q.wrt.index
    (units,) = program.derivation.graph.find(Quantity("a", (layer, 1), q.sample))[0].shape
    if units < 2:
        return None
    other = Quantity("a", (layer, j % units + 1))

    def swapped(factor: Expr) -> Expr:
        local = factor.name if isinstance(factor, Ref) else None
        assert isinstance(local, Derivative)
        return Ref(Derivative(local.of, other, local.sample, local.update))

    return tuple((*term[:-1], swapped(term[-1])) for term in terms)


def _new_weights(program: Program, q: Derivative, terms: Terms) -> Terms | None:
    """The next layer's weights after their update; not of tied weights, which wait for this gradient."""
    below = q.wrt.index[0]
    locals_ = (f.name for *_, f in terms if isinstance(f, Ref) and isinstance(f.name, Derivative))
    weights = [w for local in locals_ for w in refs(program.formula(local) or call("+", 1))]
    if any(program.derivation.graph.locate(w, None)[0].prefix[0] <= below for w in weights):
        return None

    def newer(factor: Expr) -> Expr:
        local = factor.name if isinstance(factor, Ref) else None
        assert isinstance(local, Derivative)
        return Ref(Derivative(local.of, local.wrt, local.sample, local.update + 1))

    return tuple((*term[:-1], newer(term[-1])) for term in terms)


def _transposed_weight(program: Program, q: Derivative, terms: Terms) -> Terms | None:
    """W[k][j] read where W[j][k] is meant, in a square layer."""
    swapped = [_swapped(program, term[-1]) for term in terms]
    if None in swapped:
        return None
    changed = tuple((*term[:-1], w) for term, w in zip(terms, swapped, strict=True) if w is not None)
    return changed if changed != terms else None


def _swapped(program: Program, factor: Expr) -> Expr | None:
    """∂z[l][k]/∂a[l−1][j] = W[l][k][j] -> W[l][j][k]."""
    local = factor.name if isinstance(factor, Ref) else None
    formula = program.formula(local) if isinstance(local, Derivative) else None
    weight = formula.name if isinstance(formula, Ref) else None
    return _mirrored(program, weight) if isinstance(weight, Quantity) else None


def _mirrored(program: Program, weight: Quantity) -> Expr | None:
    """The weight on the other side of the diagonal; None where the matrix is not square."""
    if weight.name != "W":
        return None
    block, _ = program.derivation.graph.find(weight.at())
    if block.absent:
        return None
    (layer, i, j), (rows, columns) = weight.index, block.shape
    return Ref(Quantity("W", (layer, j, i), None, weight.update)) if rows == columns else None


def _instead_of_weight(
    stands: Callable[[Program, Derivative, tuple[Expr, ...]], Expr | None],
) -> Callable[[Program, Derivative, Terms], Terms | None]:
    """Another factor of the chain in the weight's place."""

    def paths(program: Program, q: Derivative, terms: Terms) -> Terms | None:
        factors = [stands(program, q, term) for term in terms]
        if None in factors:
            return None
        return tuple((*term[:-1], f) for term, f in zip(terms, factors, strict=True) if f is not None)

    return paths


def _own_slope(program: Program, q: Derivative, term: tuple[Expr, ...]) -> Expr:
    z = Quantity("z", q.wrt.index)
    return Ref(Derivative(q.wrt, z, q.sample, q.update))


def _product_of_sums(terms: Terms) -> Expr:
    return product_of(tuple(call("+", *column) for column in zip(*terms, strict=True)))


# --- forward -----------------------------------------------------------------------------------


def _is_bias(q: Any) -> bool:
    return isinstance(q, Quantity) and q.name == "b"


def _without_bias(program: Program, q: Quantity) -> Expr | None:
    formula = program.formula(q)
    if not (isinstance(formula, Call) and formula.fn == "+"):
        return None
    kept = [arg for arg in formula.args if not (isinstance(arg, Ref) and _is_bias(arg.name))]
    return call("+", *kept) if len(kept) < len(formula.args) else None


def _transposed_matrix(program: Program, q: Quantity) -> Expr | None:
    """z = Wᵀ a + b, in a square layer."""
    formula = program.formula(q)
    weights = [w for w in refs(formula) if isinstance(w, Quantity) and w.name == "W"] if formula else []
    if not weights or _mirrored(program, weights[0]) is None:
        return None

    def name(w: Any) -> Any:
        mirrored = _mirrored(program, w) if w in weights else None
        return mirrored.name if isinstance(mirrored, Ref) else w

    return _renamed(formula, name)


def _logistic(program: Program, q: Quantity) -> Expr | None:
    formula = program.formula(q)
    z = next(refs(formula), None) if formula else None
    plain = substitute(ACTIVATIONS["sigmoid"].formula, lambda _: Ref(z))
    wrong = Call("/", (Num(Fraction(1)), call("+", 1, Call("exp", (Ref(z),)))))
    return wrong if formula == plain else None


def _named(name: str) -> Callable[[Program, Id], bool]:
    return lambda _, q: isinstance(q, Quantity) and q.name == name and bool(q.index)


def _slope_at_activation(program: Program, q: Derivative) -> Expr | None:
    formula, definition = program.formula(q), program.formula(_a(q))
    if formula is None or definition is None or _a(q) not in list(refs(formula)):
        return None
    if set(refs(definition)) != {_z(q)}:
        return None  # a softmax is a function of all z
    again = substitute(definition, lambda _: Ref(_a(q)))
    return substitute(formula, lambda name: again if name == _a(q) else Ref(name))


def _a(q: Derivative) -> Quantity:
    return q.of.at(sample=q.sample, update=q.update)


def _z(q: Derivative) -> Quantity:
    return q.wrt.at(sample=q.sample, update=q.update)


def _other_slope(program: Program, q: Derivative) -> Expr | None:
    """The derivative of the other of sigmoid and tanh."""
    formula = program.formula(q)
    for mine, theirs in (("sigmoid", "tanh"), ("tanh", "sigmoid")):
        rule = substitute(ACTIVATIONS[mine].partials["z"], lambda _: Ref(_a(q)))
        if formula == rule:
            return substitute(ACTIVATIONS[theirs].partials["z"], lambda _: Ref(_a(q)))
    return None


def _factored(program: Program, q: Id) -> bool:
    """∂a/∂z of a unit of which 1 − a is a factor: a(1 − a) and 1 − a²."""
    if not slope(q):
        return False
    assert isinstance(q, Derivative)
    rules = (ACTIVATIONS[name].partials["z"] for name in ("sigmoid", "tanh"))
    return program.formula(q) in [substitute(rule, lambda _: Ref(_a(q))) for rule in rules]


def _curved(change: Callable[[Derivative], Expr]) -> Rewrite:
    """About ∂a/∂z of a unit whose slope is written with its activation."""

    def rewrite(program: Program, q: Id) -> Expr | None:
        if not slope(q):
            return None
        assert isinstance(q, Derivative)
        formula = program.formula(q)
        return change(q) if formula and _a(q) in list(refs(formula)) else None

    return rewrite


def _delta(program: Program, q: Derivative) -> Derivative:
    return Derivative(q.of, Quantity("a", q.wrt.index), q.sample, q.update)


def _dropped_slope(where: Callable[[Program, Id], bool]) -> Rewrite:
    def rewrite(program: Program, q: Id) -> Expr | None:
        if not _gradient(program, q, "z"):
            return None
        assert isinstance(q, Derivative)
        above = _delta(program, q)
        return Ref(above) if where(program, above) else None

    return rewrite


def _diagonal(program: Program, q: Id) -> Expr | None:
    """∂L/∂a[j] ∂a[j]/∂z[j] alone, where z[j] feeds the other outputs of a softmax too."""
    if not _gradient(program, q, "z"):
        return None
    assert isinstance(q, Derivative)
    terms = program.factors(q, opened=False)
    own = tuple(term for term in terms if isinstance(term[-1], Ref) and slope(term[-1].name))
    return sum_of(own) if own and len(own) < len(terms) else None


def _last_use(program: Program, q: Derivative) -> Expr | None:
    """Of a weight that enters several units, or an input that enters several gates: the last one's term
    alone, for each sample."""
    derivation = program.derivation
    node, _ = derivation.graph.locate(q.wrt, q.sample)
    if node.kind not in ("parameter", "input") or node.name == "x":
        return None
    terms = program.factors(q, opened=False)
    uses = [term.ids[0] for term in derivation.step(replace(q, update=0)).terms]
    last = {(d.wrt.name == "R", d.sample): term for d, term in zip(uses, terms, strict=True)}
    return sum_of(tuple(last.values())) if len(last) < len(terms) else None


def _input_of(program: Program, q: Derivative) -> tuple[Expr, Quantity] | None:
    """(∂L/∂z, the input) of ∂L/∂w over one sample."""
    formula = program.formula(q)
    if not (isinstance(formula, Call) and formula.fn == "*" and len(formula.args) == 2):
        return None
    upstream, below = formula.args
    if not (isinstance(below, Ref) and isinstance(below.name, Derivative)):
        return None
    local = program.formula(below.name)
    if not (isinstance(local, Ref) and isinstance(local.name, Quantity)):
        return None
    return upstream, local.name


def _input(change: Callable[[Expr, Quantity, Derivative], Expr | None]) -> Rewrite:
    def rewrite(program: Program, q: Id) -> Expr | None:
        if not _gradient(program, q, "W"):
            return None
        assert isinstance(q, Derivative)
        parts = _input_of(program, q)
        return change(*parts, q) if parts else None

    return rewrite


def _outer_product(program: Program, q: Derivative) -> Expr | None:
    """∂L/∂W[j][i] where ∂L/∂W[i][j] is meant, in a square layer."""
    mirrored = _mirrored(program, q.wrt)
    if not (isinstance(mirrored, Ref) and isinstance(mirrored.name, Quantity)):
        return None
    if mirrored.name == q.wrt:
        return None
    return program.formula(Derivative(q.of, mirrored.name, q.sample, q.update))


def _pre_activation(delta: Expr, below: Quantity, _: Derivative) -> Expr | None:
    if below.name != "a":
        return None
    return _times(delta, Ref(Quantity("z", below.index, below.sample, below.update)))


def _own_output(delta: Expr, below: Quantity, q: Derivative) -> Expr:
    own = Quantity("a", q.wrt.index[:2], below.sample, q.update)
    return _times(delta, Ref(own))


def _bias(change: Callable[[Expr, Derivative], Expr]) -> Rewrite:
    def rewrite(program: Program, q: Id) -> Expr | None:
        if not _gradient(program, q, "b"):
            return None
        assert isinstance(q, Derivative)
        formula = program.formula(q)
        return change(formula, q) if formula else None

    return rewrite


def _gate(value: Callable[[Derivative], Expr]) -> Rewrite:
    """About ∂a/∂z of a unit whose slope is 1 for z > 0 and another for the rest."""

    def rewrite(program: Program, q: Id) -> Expr | None:
        if not slope(q):
            return None
        assert isinstance(q, Derivative)
        formula = program.formula(q)
        if not (isinstance(formula, Call) and formula.fn == "where"):
            return None
        on = formula.args[0] == call(">", Ref(_z(q)), 0) and formula.args[1] == call("*", 1)
        return value(q) if on else None

    return rewrite


def _count(program: Program) -> tuple[int, bool]:
    """How many terms the loss has, samples or else outputs, and whether it is their mean."""
    graph = program.derivation.graph
    if graph.samples > 1:
        op = graph.find(graph.root)[0].op
        return graph.samples, getattr(op, "mean", False)
    outputs = next((n.shape[0] for n in graph.of_kind("target")), 1)
    return outputs, "n" in (getattr(_loss(program), "constants", None) or {})


def _mean_for_sum(program: Program, q: Id) -> Expr | None:
    """f/n for a sum over n terms, n·f for a mean."""
    count, mean = _count(program)
    formula = program.formula(q)
    if formula is None or count < 2:
        return None
    return _times(count, formula) if mean else Call("/", (formula, Num(Fraction(count))))


def _whole_loss(program: Program, q: Id) -> bool:
    root = program.derivation.graph.root
    return isinstance(q, Quantity) and q.at() == root.at() and q.sample == root.sample


def _loss(program: Program) -> Op | None:
    """What the loss of one output is."""
    return next((n.op for n in program.derivation.graph.nodes if n.name == "L"), None)


def _halved(program: Program) -> bool:
    return _loss(program) == LOSSES["half_squared_error"]


def _squared(program: Program) -> bool:
    """Whether the derivative of the loss has a factor 2, or would have it without a half."""
    loss = _loss(program)
    means = isinstance(loss, Elementwise) and loss.formula == LOSSES["mse"].formula
    return means or _halved(program) or loss == LOSSES["squared_error"]


def _scaled_output(program: Program, q: Derivative) -> Expr | None:
    formula = program.formula(q)
    assert formula is not None
    if not _squared(program):
        return None
    return _times(2, formula) if _halved(program) else Call("/", (formula, Num(Fraction(2))))


def _scaled_loss(program: Program, q: Quantity) -> Expr | None:
    formula = program.formula(q)
    assert formula is not None
    return _times(2, formula) if _halved(program) else None


def _slope_again(program: Program, q: Id) -> Expr | None:
    """(a − t)·a(1 − a), where a − t is all that loss and activation come to."""
    if not _gradient(program, q, "z"):
        return None
    assert isinstance(q, Derivative)
    if q.wrt.index[0] != _last(program) or q.update:
        return None
    short = program.derivation.fused(q.wrt.at(sample=q.sample))
    local = Derivative(Quantity("a", q.wrt.index), q.wrt, q.sample)
    return None if short is None else _times(short, Ref(local))


def _entropy(wrong: str) -> Rewrite:
    """Another formula in the place of binary cross-entropy."""
    expr = parse(wrong)

    def rewrite(program: Program, q: Id) -> Expr | None:
        formula = program.formula(q) if _named("L")(program, q) else None
        if formula is None or _loss(program) != LOSSES["binary_cross_entropy"]:
            return None
        names = {name.name: name for name in refs(formula)}
        return substitute(expr, lambda slot: Ref(names[slot]))

    return rewrite


def _other_base(base: int) -> Rewrite:
    """log to a base for every ln in a loss."""

    def based(expr: Expr) -> Expr:
        if not isinstance(expr, Call):
            return expr
        changed = Call(expr.fn, tuple(map(based, expr.args)))
        return call("/", changed, call("log", base)) if expr.fn == "log" else changed

    def rewrite(program: Program, q: Id) -> Expr | None:
        formula = program.formula(q) if _named("L")(program, q) else None
        changed = based(formula) if formula else None
        return changed if changed != formula else None

    return rewrite


def _negated(program: Program, q: Id) -> Expr | None:
    formula = program.formula(q)
    return Call("neg", (formula,)) if formula else None


def _other_target(program: Program, q: Id) -> Expr | None:
    def other(name: Any) -> Any:
        if isinstance(name, Quantity) and name.name == "t":
            (outputs,) = program.derivation.graph.find(name)[0].shape
            return Quantity("t", (name.index[0] % outputs + 1,), name.sample)
        return name

    return _renamed(program.formula(q), other)


MISCONCEPTIONS: dict[str, Misconception] = {
    m.id: m
    for m in (
        Misconception("M01", "the output's activation derivative is forgotten", _dropped_slope(output)),
        Misconception(
            "M02", "a hidden unit's activation derivative is forgotten", _dropped_slope(hidden)
        ),
        Misconception(
            "M03",
            "the activation's derivative is taken at the activation, not at the pre-activation",
            _about(lambda _, q: slope(q), _slope_at_activation),
        ),
        Misconception(
            "M04",
            "the pre-activation is put into a(1 - a)",
            _about(
                lambda _, q: slope(q),
                lambda p, q: _renamed(p.formula(q), lambda n: _z(q) if n == _a(q) else n),
            ),
        ),
        Misconception(
            "M05", "another activation's derivative", _about(lambda _, q: slope(q), _other_slope)
        ),
        Misconception("M06", "the activation stands for its derivative", _curved(lambda q: Ref(_a(q)))),
        Misconception(
            "M07",
            "a factor of the activation's derivative is lost",
            _about(_factored, lambda p, q: call("-", 1, Ref(_a(q)))),
        ),
        Misconception("M08", "the sign of the error", _about(output, _negated)),
        Misconception(
            "M09", "up the gradient instead of down", _update(lambda w, step: call("+", w, step))
        ),
        Misconception("M10", "the factor 1/2 of the loss is dropped", _about(_named("L"), _scaled_loss)),
        Misconception("M11", "a factor 2 in the loss's derivative", _about(output, _scaled_output)),
        Misconception(
            "M12",
            "the mean for the sum, or the sum for the mean",
            _about(lambda p, q: _whole_loss(p, q) or output(p, q), _mean_for_sum),
        ),
        Misconception(
            "M13", "weights that were already updated, in the backward pass", paths=_new_weights
        ),
        Misconception("M14", "the weight matrix is not transposed", paths=_transposed_weight),
        Misconception(
            "M14b", "the weight matrix is transposed", _about(_named("z"), _transposed_matrix)
        ),
        Misconception("M15", "a neighbour's weight on the path", paths=_other_weight),
        Misconception(
            "M16", "only the first path is followed", paths=lambda p, q, t: t[:1] if t[1:] else None
        ),
        Misconception(
            "M17", "sums of factors multiplied, not a sum of products", combine=_product_of_sums
        ),
        Misconception("M18", "the paths are multiplied", combine=lambda t: product_of(sum(t, ()))),
        Misconception(
            "M19",
            "the paths are averaged",
            combine=lambda t: Call("/", (sum_of(t), Num(Fraction(len(t))))),
        ),
        Misconception(
            "M20",
            "the factors are added",
            combine=lambda t: call("+", *(factor for term in t for factor in term)),
        ),
        Misconception(
            "M21",
            "the weight on the path is left out",
            paths=lambda p, q, t: tuple(term[:-1] for term in t),
        ),
        Misconception(
            "M22",
            "the next unit's activation derivative in the weight's place",
            paths=_instead_of_weight(lambda p, q, term: term[-2] if len(term) > 2 else None),
        ),
        Misconception(
            "M22b",
            "the unit's own activation derivative in the weight's place",
            paths=_instead_of_weight(_own_slope),
        ),
        Misconception(
            "M22c",
            "the unit's activation in the weight's place",
            paths=_instead_of_weight(lambda p, q, term: Ref(q.wrt.at(sample=q.sample, update=q.update))),
        ),
        Misconception(
            "M23",
            "the activation derivative is skipped on the path",
            paths=lambda p, q, t: (
                tuple((*term[:-2], term[-1]) for term in t) if all(len(term) > 2 for term in t) else None
            ),
        ),
        Misconception("M24", "the input is left out of a weight's gradient", _input(lambda d, x, q: d)),
        Misconception("M25", "the pre-activation stands for the input", _input(_pre_activation)),
        Misconception("M25b", "the unit's own output stands for its input", _input(_own_output)),
        Misconception(
            "M26",
            "the outer product is transposed",
            _about(lambda p, q: _gradient(p, q, "W"), _outer_product),
        ),
        Misconception(
            "M27",
            "the bias is treated as an input",
            _bias(lambda f, q: _times(f, Ref(q.wrt.at(update=q.update)))),
        ),
        Misconception("M28", "the bias is left out", _about(_named("z"), _without_bias)),
        Misconception(
            "M29",
            "the activation is not applied",
            _about(_named("a"), lambda p, q: Ref(Quantity("z", q.index, q.sample, q.update))),
        ),
        Misconception("M30", "the sign in the logistic function", _about(_named("a"), _logistic)),
        Misconception(
            "M31",
            "the learning rate is left out",
            _update(lambda w, step: _minus(w, _without_rate(step))),
        ),
        Misconception(
            "M31b",
            "the learning rate is applied twice",
            _update(lambda w, step: _minus(w, _times(ETA, step))),
        ),
        Misconception("M32", "the step stands for the new value", _update(lambda w, step: step)),
        Misconception("M32b", "the gradient stands for the new value", _slope_for_weight),
        Misconception(
            "M33",
            "another output's target",
            _about(lambda p, q: _loss_slope(q) or _named("L")(p, q), _other_target),
        ),
        Misconception("M34", "of the softmax only a unit's own derivative is taken", _diagonal),
        Misconception(
            "M35",
            "the activation's derivative once more, after a − t",
            _slope_again,
        ),
        Misconception("M36", "the second term of the cross-entropy is left out", _entropy("-t*log(a)")),
        Misconception(
            "M36b",
            "the sign of the second term of the cross-entropy",
            _entropy("-t*log(a) + (1 - t)*log(1 - a)"),
        ),
        Misconception("M37", "the logarithm to base 10", _other_base(10)),
        Misconception("M37b", "the logarithm to base 2", _other_base(2)),
        Misconception("M38", "slope 1 where ReLU is off", _gate(lambda q: Num(Fraction(1)))),
        Misconception("M38b", "z stands for the slope of ReLU", _gate(lambda q: Ref(_z(q)))),
        Misconception(
            "M39",
            "of a weight that is used several times, only the last use is counted",
            _about(
                lambda p, q: isinstance(q, Derivative) and q.of == p.derivation.graph.root.at(),
                _last_use,
            ),
        ),
        Misconception("M41", "a factor too many: the input, before the weight", paths=_input_factor),
    )
}
