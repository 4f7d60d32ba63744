"""A program over arrays, array by array, forward and backward, over any kind of numbers.

What an operation sends back is the text of its row, run by the same loop: there is no calculus here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

import numpy as np

from ..arrays.vjp import OUT, UP, sent
from ..batch.bounded import DOUBLES
from ..language.graph import Array, Graph
from ..language.table_texts import compiled, texts
from ..operations.makers import Maker
from ..operations.row import Operation, Role
from ..operations.shape import Shape
from ..operations.structural import Structural
from ..operations.table import CONSTANT, IDENTITY, IF
from .kernel import Failed, Kernel, Mask, V
from .structure import structural

__all__ = [
    "Backward",
    "Forward",
    "Numbers",
    "Replaced",
    "backward",
    "evaluated",
    "forward",
    "reaching",
    "value",
]

Replaced = Mapping[tuple[int, int], Graph | Callable[..., Any]]
"""Other ways in which a node sends to an operand, by both: (node, place).

A text over the operands' names, `out` and `up` (and of any number of operands x and n), that says
what is sent, before it is summed over what was stretched; or a function of the numbers that were
sent, and of those before they are summed, which gives others.
"""


class Numbers(Kernel[V]):
    """A kernel that runs texts, of the tables of operations above all."""

    def text(self, graph: Graph, given: Mapping[str, V]) -> V:
        return evaluated(graph, self, given)

    def text_of(self, row: Operation) -> Graph | None:
        """What computes an operation of which no kernel is known; None of one that has one."""
        if row in DOUBLES:
            return None
        return texts(row).computed or (compiled(row.columns) if row.columns else None)

    def levelled(self, up: V, _out: V) -> V:
        """What arrives at a softmax, less what arrives at its largest number, which changes nothing
        of what is sent: where that number is nearly 1, digits are kept by it.
        """
        return up

    def slope(self, row: Operation, place: int, operands: Sequence[V], out: V, _key: object) -> V:
        """The local gradient of an operation on numbers, element by element.

        key: whose it is, a node and the place of an operand.
        """
        if row.variadic:
            x = self.stacked(operands)
            shape = self.shape(x)
            slopes = self.slopes(row, x, self.stretched(out, (1, *shape[1:])), 0)
            return self.moved(lambda a: np.broadcast_to(a, shape)[place], slopes)
        rules = texts(row).rules if self.careful else texts(row).shown
        return self.text(rules[place], {**dict(zip(row.operands, operands, strict=False)), OUT: out})  # fmt: skip


@dataclass(slots=True, eq=False, repr=False)
class Forward(Generic[V]):
    """The values of a program.

    values: of the nodes, None where one is not evaluated. where: of the nodes in the branches of an
    `if`, the elements at which they are asked for, where these are not all. masks: of conditions.
    """

    graph: Graph
    kernel: Numbers[V]
    values: list[V | None]
    where: dict[int, Mask] = field(default_factory=dict)
    masks: dict[int, Mask] = field(default_factory=dict)

    @property
    def output(self) -> V:
        """The value of the last stage."""
        found = self.values[self.graph.output]
        assert found is not None
        return found


@dataclass(slots=True, eq=False, repr=False)
class Backward(Generic[V]):
    """What comes back.

    gradients: of the nodes that something reaches. sent: what a node sends to an operand, (node,
    place). unsummed: the same of those that were stretched, before it is summed. local: the local
    gradients of operations on numbers, and of reductions.
    """

    gradients: dict[int, V]
    sent: dict[tuple[int, int], V] = field(default_factory=dict)
    unsummed: dict[tuple[int, int], V] = field(default_factory=dict)
    local: dict[tuple[int, int], V] = field(default_factory=dict)


# forward


def forward(
    graph: Graph,
    kernel: Numbers[V],
    given: Mapping[int, V],
    needed: Sequence[bool] | None = None,
    shapes: Sequence[Shape] | None = None,
) -> Forward[V]:
    """Compute the nodes of a program.

    given: the values of variables, and of what is made, such as zeros(3, 4). needed: which nodes are
    computed; all when None. shapes: of all nodes; in a branch of an `if`, arrays are stretched to
    these.
    """
    found: Forward[V] = Forward(graph, kernel, [None] * len(graph))
    values = found.values
    for node, row in enumerate(graph.operations):
        if needed is not None and not needed[node]:
            continue
        if node in given:
            values[node] = given[node]
        elif row is CONSTANT:
            values[node] = kernel.constant(graph.constants[node])
        elif not row.leaf:
            where = region(found, graph.regions[node])
            if where is False:
                continue
            if isinstance(where, Mask):
                found.where[node] = where
            kernel.enter(node)
            operands = graph.operands[node]
            if row is IF:
                x = chosen(found, graph.condition_of[node], operands)
            else:
                try:
                    x = applied(found, node, row, operands)
                except Failed as cause:
                    cause.node = node
                    raise
            if shapes is not None and graph.regions[node]:
                x = kernel.stretched(x, shapes[node])
            values[node] = x
    return found


def region(found: Forward[V], region: int) -> bool | Mask:
    """Where a region is evaluated: everywhere, nowhere, or in some elements."""
    here: bool | Mask = True
    while region:
        condition = (region - 1) // 2
        outer = found.graph.conditions[condition].region
        mask = condition_mask(found, condition)
        if mask is None:
            return False
        all_of_it = mask.everywhere
        if all_of_it is None:
            if region % 2 == 0:
                mask = Mask(~np.asarray(mask.holds), mask.doubt)
            here = mask if here is True else mask.within(here)  # type: ignore[arg-type]
        elif all_of_it != (region % 2 == 1):
            return False
        region = outer
    return here


def condition_mask(found: Forward[V], condition: int) -> Mask | None:
    """Where a condition holds; None where its sides are not evaluated."""
    if condition not in found.masks:
        test = found.graph.conditions[condition]
        left, right = found.values[test.left], found.values[test.right]
        if left is None or right is None:
            return None
        found.kernel.enter(("if", condition))
        found.masks[condition] = found.kernel.compare(left, test.comparison, right)
    return found.masks[condition]


def chosen(found: Forward[V], condition: int, operands: Sequence[int]) -> V:
    """What an `if` selects."""
    kernel, mask = found.kernel, condition_mask(found, condition)
    assert mask is not None
    then, otherwise = (found.values[k] for k in operands[2:])
    if then is None or otherwise is None:
        one = otherwise if then is None else then
        assert one is not None
        shape = np.broadcast_shapes(np.shape(mask.holds), kernel.shape(one))
        return kernel.stretched(one, shape)
    return kernel.choose(mask, then, otherwise)


def applied(found: Forward[V], node: int, row: Operation, operands: Sequence[int]) -> V:
    """The value of an operation."""
    kernel, graph = found.kernel, found.graph
    values: list[Any] = [found.values[k] for k in operands]
    if row is IDENTITY:
        x: V = values[0]
    elif isinstance(row, Structural):
        x = structural(kernel, row, values, graph.written.get(node))
    elif len(values) == 1 and row.variadic:
        x = kernel.reduced(row, values[0], graph.written.get(node))
    elif row.variadic:
        x = kernel.side_by_side(row, values)
    else:
        x = kernel.apply(row, values, found.where.get(node))
    return x


def evaluated(graph: Graph, kernel: Numbers[V], given: Mapping[str, V]) -> V:
    """The value of a text over names."""
    leaves = {node: given[name] for name, node in graph.variables.items()}
    return forward(graph, kernel, leaves).output


def value(graph: Graph, kernel: Numbers[V], at: Mapping[str, float | Array | Any]) -> V:
    """The value of a program at a point: floats, arrays, or arrays of NumPy's.

    It makes nothing, such as zeros(3, 4), for which sizes must be known.
    """
    assert not any(isinstance(row, Maker) for row in graph.operations)
    return evaluated(graph, kernel, {name: kernel.given(at[name]) for name in graph.variables})


# backward


def backward(
    found: Forward[V],
    seeds: Mapping[int, V],
    wanted: Collection[int],
    replaced: Replaced | None = None,
) -> Backward[V]:
    """The gradients of all that some nodes are computed from.

    seeds: what arrives at nodes. wanted: the nodes that are differentiated, and those through which
    one comes to them (see ``reaching``). replaced: other ways in which some edges send.
    """
    kernel, graph = found.kernel, found.graph
    back = Backward(dict(seeds))
    gradients = back.gradients
    for node in range(max(seeds, default=-1), -1, -1):
        up = gradients.get(node)
        if up is None or graph.operations[node].leaf:
            continue
        for place, operand in enumerate(graph.operands[node]):
            if operand not in wanted or found.values[operand] is None:
                continue
            if node in graph.condition_of and place < 2:
                continue
            kernel.enter((node, place))
            part = edge(found, back, node, place, up, (replaced or {}).get((node, place)))
            if part is None:
                continue
            back.sent[node, place] = part
            known = gradients.get(operand)
            gradients[operand] = part if known is None else kernel.add(known, part)
    return back


def edge(
    found: Forward[V],
    back: Backward[V],
    node: int,
    place: int,
    up: V,
    replaced: Graph | Callable[..., V] | None,
) -> V | None:
    """What a node sends to an operand; None where it sends nothing."""
    kernel, graph = found.kernel, found.graph
    operand = graph.operands[node][place]
    x = found.values[operand]
    assert x is not None
    if isinstance(replaced, Graph):
        part = kernel.text(replaced, names_at(found, node, place, up))
    else:
        own = unfitted(found, back, node, place, up)
        if own is None:
            return None
        part = own
    if node in found.where:
        part = kernel.choose(found.where[node], part, kernel.number(0.0))
    before, shape = part, kernel.shape(x)
    if kernel.shape(part) != shape:
        part = kernel.fitted(part, shape)
        if not isinstance(graph.operations[node], Structural):
            back.unsummed[node, place] = before
    return replaced(part, before) if callable(replaced) else part


def names_at(found: Forward[V], node: int, place: int, up: V) -> dict[str, V]:
    """What the texts of a node may name."""
    graph, kernel = found.graph, found.kernel
    row, operands = graph.operations[node], graph.operands[node]
    values: list[Any] = [found.values[k] for k in operands]
    out = found.values[node]
    assert out is not None
    if isinstance(row, Structural):
        names = row.called(len(values), graph.written.get(node))
    elif row.variadic:
        names, values = ("x",), [values[place]]
    else:
        names = row.operands
    result = dict(zip(names, values, strict=False)) | {OUT: out, UP: up}
    if row.variadic:
        count = len(operands)
        if count == 1:
            count = np.size(kernel.shape(values[0]))
        result["n"] = kernel.number(float(count))
    return result


def unfitted(found: Forward[V], back: Backward[V], node: int, place: int, up: V) -> V | None:
    """What a node sends to an operand, before it is summed over what was stretched."""
    kernel, graph = found.kernel, found.graph
    row, operands = graph.operations[node], graph.operands[node]
    values: list[Any] = [found.values[k] for k in operands]
    out = found.values[node]
    assert out is not None
    if isinstance(row, Structural):
        written = graph.written.get(node)
        shapes = [kernel.shape(x) for x in values]
        if row.vjp(shapes, written)[place] == "0":
            return None
        text = sent(row, place, shapes, written, kernel.careful)
        names = row.called(len(values), written)
        given: dict[str, V] = dict(zip(names, values, strict=False))
        if row.name == "softmax":
            up = kernel.levelled(up, out)
        part: V = kernel.text(text, given | {OUT: out, UP: up})
        return part
    if row is IF:
        mask = found.masks[graph.condition_of[node]]
        if place == 3:
            mask = Mask(~np.asarray(mask.holds), mask.doubt)
        everywhere = mask.everywhere
        back.local[node, place] = kernel.choose(mask, kernel.number(1.0), kernel.number(0.0))
        if everywhere is None:
            return kernel.choose(mask, up, kernel.number(0.0))
        return up if everywhere else None
    if row.variadic and len(values) == 1:
        x: V = values[0]
        return reduction(found, back, node, row, x, out, up)
    rule = None if row.variadic else texts(row).rules[place]
    number = rule.constants.get(rule.output) if rule else None
    local = kernel.slope(row, place, values, out, (node, place))
    back.local[node, place] = local
    if number == 1:
        return up
    if number == -1:
        return kernel.negated(up)
    return kernel.routed(up, local) if row.role is Role.ROUTES else kernel.mul(up, local)


def reduction(
    found: Forward[V], back: Backward[V], node: int, row: Operation, x: V, out: V, up: V
) -> V:
    """What a reduction of one array sends back."""
    kernel = found.kernel
    axis, shape = found.graph.written.get(node), kernel.shape(x)
    if axis is None or len(shape) == 1:
        flat = kernel.reshaped(x, (-1,)) if shape else x
        slopes = kernel.slopes(row, flat, kernel.reshaped(out, (1,)), 0)
        if kernel.shape(slopes):
            slopes = kernel.reshaped(slopes, shape)
        up = kernel.reshaped(up, ())
    else:
        slopes = kernel.slopes(row, x, out, axis)
    back.local[node, 0] = slopes
    if row.adds:
        return kernel.stretched(up, shape)
    part = kernel.routed(up, slopes) if row.selects else kernel.mul(up, slopes)
    return kernel.stretched(part, shape)


def reaching(graph: Graph, sources: Collection[int]) -> set[int]:
    """The nodes that are computed from some, and these."""
    reached = set(sources)
    for node, operands in enumerate(graph.operands):
        if not reached.isdisjoint(operands):
            reached.add(node)
    return reached
