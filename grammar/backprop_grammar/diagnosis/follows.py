"""Of many claims, the first that is wrong: what is computed from it is wrong, too, by the right rules.

A backward pass is linear in what arrives, so a gradient that is off by so much makes every gradient
behind it off by what the rules make of that; and a wrong value makes wrong values of all that is
computed from it. What is wrong just so has no mistake of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..arrays.record import ArrayTrace, Tensor
from ..blocks.names import Names
from ..errors import BackpropError, few
from ..language.graph import Array, Graph
from ..numbers.wide import as_float
from ..operations.shape import size as count_of
from ..operations.table import VARIABLE
from .claimed import VALUE, Target, Written, at_place
from .perturbed import Arc, Sheet, predicted

__all__ = ["First", "follows"]

MOST = 8
"""Claims whose consequences are computed."""

SLACK, NARROW = 1e-9, 2.0**-18
"""What rounding may leave, relative to what was added, in binary64 and in binary32."""

Pinned = Mapping[str, Sequence[float]]
"""Gradients that are taken for what is claimed, by the names of their nodes."""

Backward = Callable[[Pinned], dict[str, list[float]]]
"""The backward pass with some gradients pinned."""

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

    def besides(self, count: int) -> str:
        """What is said of so many others that are wrong: of a wrong value there are more
        consequences than are tried.
        """
        if self.name.startswith("value."):
            return f"do{'es' * (count == 1)} not follow from it alone"
        return f"{'is' if count == 1 else 'are'} wrong without it"

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
            parts.append(f"{few(alone)} {self.besides(len(alone))}")
        parts += [f"{name} {self.besides(1)}, and {told(names)} from that" for name, names in self.own if names]  # fmt: skip
        return "; ".join(parts)


def told(names: Sequence[str]) -> str:
    """`x follows`, `x, y follow`."""
    return f"{few(names)} follow{'s' * (len(names) == 1)}"


def follows(
    trace: Any, claims: Sequence[Claimed], scale: Callable[[Target], Sequence[float]] | None = None
) -> First | None:
    """The first wrong claim, values in the order of evaluation before gradients in that of the
    backward pass, and which of the others follow from it; None where fewer than two are wrong.

    trace: of numbers or of arrays. scale: the magnitudes that were added for each element.
    """
    where = {node.name: node.index for node in trace.nodes}

    def order(claim: Claimed) -> tuple[int, int]:
        value = claim[0].kind == VALUE
        index = where[claim[0].node]
        return (0, index) if value else (1, -index)

    wrong = sorted((claim for claim in claims if not claim[3]), key=order)
    if len(wrong) < 2:
        return None
    again = backward(trace)
    roots: dict[str, list[str]] = {}  # with what follows from each
    moving: dict[Target, str] = {}  # what moved a claim last
    pinned: dict[str, list[float]] = {}
    expected = {claim[0]: floats(claim[2]) for claim in wrong}
    shifts: dict[Target, list[float]] = {}  # by wrong values
    rooms = dict.fromkeys(expected, 0.0)
    for k, (target, written, correct, _) in enumerate(wrong):
        if target in moving and fits(
            written, expected[target], rooms[target], scale and scale(target)
        ):
            roots[moving[target]].append(target.name)
            continue
        roots[target.name] = []
        later = wrong[k + 1 :]
        if len(roots) > MOST or target.place is not None or None in written.numbers or count_of(written.shape) != count_of(correct.shape):  # fmt: skip
            continue
        numbers = [x or 0.0 for x in written.numbers]
        before = {claim[0]: expected[claim[0]] for claim in later}
        if target.kind == VALUE:
            try:
                moved = of_value(trace, target, Array(correct.shape, tuple(numbers)).value, list(before), again)  # fmt: skip
            except BackpropError:  # where a value does not exist at the claimed ones
                continue
            for one, shift in moved.items():
                shifts[one] = added(shifts.get(one), shift)
                expected[one] = added(expected[one], shift)
        else:
            pinned[target.node] = less(numbers, shifts.get(target))
            found = again(pinned)
            for one in before:
                if one.kind != VALUE and one.node in found:
                    expected[one] = added(shifts.get(one), at_target(found[one.node], one, trace))
        off = max(map(abs, less(numbers, expected[target])), default=0.0)
        share = max(written.halves) / off if off else 0.0
        for one, old in before.items():
            change = max(map(abs, less(expected[one], old)), default=0.0)
            if change > SLACK * max(map(abs, old), default=0.0):
                moving[one] = target.name
                rooms[one] += (share + SLACK) * change
    (first, following), *own = roots.items()
    return First(first, tuple(following), tuple([(name, tuple(names)) for name, names in own]))


def added(numbers: Sequence[float] | None, more: Sequence[float]) -> list[float]:
    return list(more) if numbers is None else [x + y for x, y in zip(numbers, more, strict=True)]


def less(numbers: Sequence[float], other: Sequence[float] | None) -> list[float]:
    return list(numbers) if other is None else [x - y for x, y in zip(numbers, other, strict=True)]


def backward(trace: Any) -> "Backward":
    """The backward pass with some gradients pinned: what others are then, where they may differ."""
    if isinstance(trace, ArrayTrace):
        from .array_sheet import ArraySheet  # which numbers alone do not need
        from .array_sheet import predicted as predicted_arrays  # likewise
        from .array_suspects import kernel_for  # likewise

        arrays = ArraySheet.of(trace, kernel_for(trace))
        every = [True] * len(arrays.nodes)

        def of_arrays(pinned: Pinned) -> dict[str, list[float]]:
            changes = list[tuple[Arc, Any, Any]]()
            for name, numbers in pinned.items():
                node = arrays.find(name)
                assert node is not None
                whole = arrays.kernel.make(arrays.nodes[node].shape, numbers)
                changes += [(arc, 0.0, 0.0 if i else whole) for i, arc in enumerate(arrays.received[node])]  # fmt: skip
            found = predicted_arrays(arrays, changes, every, {}) or {}
            return {arrays.nodes[k].name: list(x.numbers) for k, x in found.items()}

        return of_arrays
    sheet = Sheet.of(trace)

    def of_numbers(pinned: Pinned) -> dict[str, list[float]]:
        changes = list[tuple[Arc, Any, Any]]()
        with sheet.arithmetic.context():
            for name, numbers in pinned.items():
                node = sheet.find(name)
                assert node is not None
                given = sheet.arithmetic.number(numbers[0])
                changes += [(arc, 0, 0 if i else given) for i, arc in enumerate(sheet.received[node])]  # fmt: skip
            found = predicted(sheet, changes)
            return {sheet.nodes[k].name: [float(x)] for k, x in found.items()}

    return of_numbers


def at_target(numbers: list[float], target: Target, trace: Any) -> list[float]:
    """The numbers of a node, or of the element that a target is."""
    if target.place is None:
        return numbers
    return [numbers[at_place(target.place, trace.by_name[target.node].shape)]]


def floats(tensor: Tensor) -> list[float]:
    return [0.0 if x is None else as_float(x) or 0.0 for x in tensor.numbers]


def fits(
    written: Written, predicted: Sequence[float], room: float, scale: Sequence[float] | None
) -> bool:
    """Whether a claim is what is predicted, to its digits and to what rounding leaves."""
    if len(written.numbers) != len(predicted):
        return False
    narrow = NARROW if written.made in ("binary32", "binary16") else SLACK
    sizes = scale or [max(map(abs, predicted), default=0.0) * 1e-2] * len(predicted)
    return all(
        x is not None and abs(x - y) <= half + room + narrow * max(abs(y), size)
        for x, half, y, size in zip(written.numbers, written.halves, predicted, sizes, strict=True)
    )


def of_value(
    trace: Any, target: Target, value: Any, later: Sequence[Target], again: Backward
) -> dict[Target, list[float]]:
    """By how much later claims move where a value is another one: what is computed from it, and
    its gradients.

    Raises BackpropError where something has no value then.
    """
    from ..large.choice import evaluate  # which gradients alone do not need

    program = given(trace.names, target.node)
    at = {**trace.at, target.node: value}
    new = evaluate(program, at, output=trace.output_name, upstream=trace.upstream)
    before, after = trace.by_name, new.by_name
    changed, place = after[target.node].gradient, before[target.node].index
    through: dict[str, list[float]] = {}
    if changed is not None:  # what is before it gets the rest by way of it
        numbers = floats(changed)
        without = again({target.node: [0.0] * len(numbers)})
        found = again({target.node: numbers})
        through = {
            name: less(found.get(name) or floats(tensor(before[name].gradient)), rest)
            for name, rest in without.items()
        }
    result: dict[Target, list[float]] = {}
    for one in later:
        node, other = before[one.node], after.get(one.node)
        old: Any = node.value if one.kind == VALUE else node.gradient
        now: Any = None if other is None else other.value if one.kind == VALUE else other.gradient
        if old is None:
            continue
        first = floats(tensor(old))
        last = [0.0] * len(first) if now is None else floats(tensor(now))
        if one.kind != VALUE and node.index < place and one.node in through:
            last = added(last, through[one.node])
        elif now is None:
            continue
        result[one] = at_target(less(last, first), one, trace)
    return result


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
