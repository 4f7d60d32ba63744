"""Of many claims, the first that is wrong: what is computed from it is wrong, too, by the right rules.

A backward pass is linear in what arrives, so a gradient that is off by so much makes every gradient
behind it off by what the rules make of that; and a wrong value makes wrong values of all that is
computed from it. What is wrong just so has no mistake of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..arrays.evaluate import evaluate
from ..arrays.record import Tensor
from ..blocks.names import Names
from ..errors import BackpropError, few
from ..language.graph import Array, Graph
from ..numbers.wide import as_float
from ..operations.shape import size
from ..operations.table import VARIABLE
from .claimed import VALUE, Target, Written

__all__ = ["First", "follows"]

MOST = 8
"""Claims whose consequences are computed."""

SLACK = 1e-9

Claimed = tuple[Target, Written, Tensor, bool]
"""Of what a claim is, its numbers, the right ones, and whether it is right."""


class First(NamedTuple):
    """The first wrong claim, and what follows from it.

    name: of the claim; following: those that are what the right rules make of it; own: others that
    have a mistake of their own, in order, each with what follows from it.
    """

    name: str
    following: tuple[str, ...]
    own: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def all_following(self) -> tuple[str, ...]:
        """All claims that have no mistake of their own."""
        return (*self.following, *(name for _, names in self.own for name in names))

    @property
    def of_values(self) -> tuple[str, ...]:
        """The claims that follow from wrong values."""
        every = ((self.name, self.following), *self.own)
        return tuple([one for root, names in every if root.startswith("value.") for one in names])

    @property
    def message(self) -> str:
        """What is said of it, a whole sentence."""
        order = "evaluation" if self.name.startswith("value.") else "the backward pass"
        parts = [f"in the order of {order}, the first wrong one is {self.name}"]
        if self.following:
            parts.append(f"{told(self.following)} from it by the right rules")
        if not self.all_following:
            return parts[0]
        alone = [name for name, names in self.own if not names]
        if alone:
            parts.append(f"{few(alone)} {'is' if len(alone) == 1 else 'are'} wrong without it")
        parts += [f"{name} is wrong without it, and {told(names)} from that" for name, names in self.own if names]  # fmt: skip
        return "; ".join(parts)


def told(names: Sequence[str]) -> str:
    """`x follows`, `x, y follow`."""
    return f"{few(names)} follow{'s' * (len(names) == 1)}"


def follows(trace: Any, claims: Sequence[Claimed]) -> First | None:
    """The first wrong claim, values in the order of evaluation before gradients in that of the
    backward pass, and which of the others follow from it; None where fewer than two are wrong.

    trace: of numbers or of arrays.
    """
    where = {node.name: node.index for node in trace.nodes}

    def order(claim: Claimed) -> tuple[int, int]:
        value = claim[0].kind == VALUE
        index = where[claim[0].node]
        return (0, index) if value else (1, -index)

    wrong = sorted((claim for claim in claims if not claim[3]), key=order)
    if len(wrong) < 2:
        return None
    roots: dict[str, list[str]] = {}  # with what follows from each
    moving: dict[Target, str] = {}  # what moved a claim last
    predicted = {claim[0]: floats(claim[2]) for claim in wrong}
    rooms = {claim[0]: 0.0 for claim in wrong}
    for k, claim in enumerate(wrong):
        target, written, correct, _ = claim
        if target in moving and fits(written, predicted[target], rooms[target]):  # fmt: skip
            roots[moving[target]].append(target.name)
            continue
        roots[target.name] = []
        if len(roots) > MOST or target.place is not None or None in written.numbers or size(written.shape) != size(correct.shape):  # fmt: skip
            continue
        try:
            moved = consequences(trace, claim, predicted[target], [one[0] for one in wrong[k + 1 :]])  # fmt: skip
        except BackpropError:  # where a value does not exist at the claimed ones
            continue
        off = max((abs((x or 0.0) - (y or 0.0)) for x, y in zip(written.numbers, predicted[target], strict=True)), default=0.0)  # fmt: skip
        share = max(written.halves) / off if off else 0.0
        for one, shift in moved.items():
            if any(shift):
                moving[one] = target.name
            predicted[one] = [x + y for x, y in zip(predicted[one], shift, strict=True)]
            rooms[one] += (share + SLACK) * max(map(abs, shift), default=0.0)
    (first, following), *own = roots.items()
    return First(first, tuple(following), tuple([(name, tuple(names)) for name, names in own]))


def floats(tensor: Tensor) -> list[float]:
    return [0.0 if x is None else as_float(x) or 0.0 for x in tensor.numbers]


def fits(written: Written, predicted: Sequence[float], room: float) -> bool:
    """Whether a claim is what is predicted, to its digits."""
    if len(written.numbers) != len(predicted):
        return False
    narrow = 2.0**-18 if written.made in ("binary32", "binary16") else SLACK
    top = max(map(abs, predicted), default=0.0)
    return all(
        x is not None and abs(x - y) <= half + room + narrow * max(abs(y), top * 1e-2)
        for x, half, y in zip(written.numbers, written.halves, predicted, strict=True)
    )


def consequences(
    trace: Any, claim: Claimed, expected: Sequence[float], later: Sequence[Target]
) -> dict[Target, list[float]]:
    """By how much later claims move where a claim is taken for right. expected: what it is else."""
    target, written, correct, _ = claim
    shape = correct.shape
    if target.kind == VALUE:
        return of_value(trace, target, Array(shape, tuple([x or 0.0 for x in written.numbers])).value, later)  # fmt: skip
    off = Array(shape, tuple([(x or 0.0) - y for x, y in zip(written.numbers, expected, strict=True)]))  # fmt: skip
    asked = [one for one in later if one.kind != VALUE]
    found = gradients(trace.program, trace.at, target.node, off.value, asked)
    return {one: floats(found[one]) for one in asked}


def gradients(
    program: Graph, at: Any, output: str, upstream: Any, asked: Sequence[Target]
) -> dict[Target, Tensor]:
    """Gradients where so much arrives at a node."""
    names = [one.name for one in asked]
    if not names:
        return {}
    found = evaluate(program, at, output=output, upstream=upstream, wrt=names, nodes=False)
    return {one: found.gradients[one.name] for one in asked}


def of_value(trace: Any, target: Target, value: Any, later: Sequence[Target]) -> dict[Target, list[float]]:  # fmt: skip
    """The same where a value is another one: what is computed from it, and its gradients."""
    program = given(trace.names, target.node)
    at = {**trace.at, target.node: value}
    new = evaluate(program, at, output=trace.output_name, upstream=trace.upstream)
    before, after = trace.by_name, new.by_name
    changed = after[target.node].gradient
    through: dict[Target, Tensor] = {}
    if changed is not None:  # what is before it gets the rest by way of it
        behind = [one for one in later if one.kind != VALUE and before[one.node].index < before[target.node].index]  # fmt: skip
        through = gradients(
            trace.program,
            trace.at,
            target.node,
            Array(changed.shape, tuple(floats(changed))).value,
            behind,
        )
    result: dict[Target, list[float]] = {}
    for one in later:
        node, other = before[one.node], after.get(one.node)
        old: Any = node.value if one.kind == VALUE else node.gradient
        now: Any = None if other is None else other.value if one.kind == VALUE else other.gradient
        if old is None or (now is None and one not in through):
            continue
        first = picked(old, one)
        last = picked(now, one) if now is not None else [0.0] * len(first)
        if one in through:
            last = [x + y for x, y in zip(last, floats(through[one]), strict=True)]
        result[one] = [y - x for x, y in zip(first, last, strict=True)]
    return result


def picked(value: Any, target: Target) -> list[float]:
    """The numbers of a node, or of the element that a target is."""
    held = tensor(value)
    numbers = floats(held)
    if target.place is None:
        return numbers
    k = target.place[0] if len(target.place) == 1 else target.place[0] * held.shape[1] + target.place[1]  # fmt: skip
    return [numbers[k]]


def tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor((), (value,))


def given(names: Names, name: str) -> Graph:
    """A program in which a node is an input; all that is seen has a name of its own."""
    program, node = names.graph, names.find(name)
    seen = {k: one for k, one in names.of.items() if k not in program.constants}
    graph = replace(
        program,
        operations=[*program.operations], operands=[*program.operands], names=seen,
        variables={**program.variables, name: node}, blocks={**program.blocks},
        written={**program.written}, condition_of={**program.condition_of},
    )  # fmt: skip
    graph.operations[node], graph.operands[node] = VARIABLE, ()
    for kept in (graph.blocks, graph.written, graph.condition_of):
        kept.pop(node, None)
    return graph
