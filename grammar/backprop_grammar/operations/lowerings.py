"""What each operation on arrays means: index arithmetic over the operations on numbers, no more.

A function a row of the table, which makes the nodes of the result, row by row. There is no calculus
here.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from .fits import around, positions, window
from .shape import Cells, Shape, spread


class Scalars(Protocol):
    """A tape of numbers that grows."""

    def apply(self, name: str, *operands: int) -> int:
        """The node of an operation of the table of numbers."""
        ...

    def number(self, value: float) -> int:
        """The node of a number, which is what it prints as."""
        ...

    def select(self, left: int, comparison: str, right: int, then: int, otherwise: int) -> int:
        """The node of an `if` between two nodes that are there already."""
        ...


def total(on: Scalars, nodes: Sequence[int]) -> int:
    """The node of a sum."""
    return on.apply("sum", *nodes) if len(nodes) > 1 else nodes[0]


def moved(on: Scalars, nodes: Sequence[int]) -> list[int]:
    """Elements in another place: each a node of its own, with a gradient of its own."""
    return [on.apply("identity", node) for node in nodes]


def matmul(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    a, b = operands
    of_pairs = len(a.shape) == 1 and len(b.shape) == 2 and b.shape[0] == 1
    left = [[one] for one in a.nodes] if of_pairs else a.rows()
    right = [b.nodes] if len(b.shape) == 1 else b.columns()
    return [
        total(on, [on.apply("mul", x, y) for x, y in zip(row, column, strict=True)])
        for row in left
        for column in right
    ]


def transpose(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    (x,) = operands
    lines = x.columns() if len(x.shape) == 2 else x.rows()
    return moved(on, [node for line in lines for node in line])


def array(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    return moved(on, [x.nodes[0] for x in operands])


def index(on: Scalars, operands: Sequence[Cells], places: Any) -> list[int]:
    return moved(on, [operands[0].nodes[k] for k in positions(operands, places)[1]])


def dot(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    a, b = operands
    return [total(on, [on.apply("mul", x, y) for x, y in zip(a.nodes, b.nodes, strict=True)])]


def norm(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    first, *rest = operands[0].nodes
    if not rest:
        return [on.apply("abs", first)]
    for node in rest:
        first = on.apply("hypot", first, node)
    return [first]


def logsumexp(on: Scalars, nodes: Sequence[int]) -> int:
    return on.apply("logsumexp", *nodes) if len(nodes) > 1 else nodes[0]


def softmax(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    return [on.apply("exp", node) for node in logsoftmax(on, operands, None)]


def logsoftmax(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    result = []
    for row in operands[0].rows():
        below = logsumexp(on, row)
        result += [on.apply("sub", node, below) for node in row]
    return result


def pick(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    scores, labels = operands
    assert labels.whole is not None
    return moved(on, [row[k] for row, k in zip(scores.rows(), labels.whole, strict=True)])


def cross_entropy(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    scores, labels = operands
    rows = scores.rows()
    if labels.whole is not None:
        losses = [
            on.apply("sub", logsumexp(on, row), row[k])
            for row, k in zip(rows, labels.whole, strict=True)
        ]
    else:
        losses = []
        for row, shares in zip(rows, labels.rows(), strict=True):
            below = logsumexp(on, row)
            parts = [
                on.apply("mul", p, on.apply("sub", below, z))
                for p, z in zip(shares, row, strict=True)
            ]
            losses.append(total(on, parts))
    return [on.apply("mean", *losses) if len(losses) > 1 else losses[0]]


def concat(on: Scalars, operands: Sequence[Cells], axis: int | None) -> list[int]:
    if axis and len(operands[0].shape) == 2:
        nodes = [
            node
            for rows in zip(*(x.rows() for x in operands), strict=True)
            for row in rows
            for node in row
        ]
    else:
        nodes = [node for x in operands for node in x.nodes]
    return moved(on, nodes)


def windows(shape: Shape, width: Shape, step: int) -> list[list[int]]:
    """The places of the elements under every window that slides over an array, row by row."""
    rows, columns = shape if len(shape) == 2 else (1, *shape)
    high, wide = width if len(width) == 2 else (1, *width)
    return [
        [i * columns + j for i in range(top, top + high) for j in range(left, left + wide)]
        for top in range(0, rows - high + 1, step if len(shape) == 2 else 1)
        for left in range(0, columns - wide + 1, step)
    ]


def pooled(operands: Sequence[Cells]) -> list[list[int]]:
    x, k, *stride = operands
    width, step = window(k, stride)
    return windows(x.shape, (width,) * len(x.shape), step)


def maxpool(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    nodes = operands[0].nodes
    return [largest(on, [nodes[k] for k in places]) for places in pooled(operands)]


def largest(on: Scalars, nodes: Sequence[int]) -> int:
    return on.apply("max", *nodes) if len(nodes) > 1 else on.apply("identity", nodes[0])


def conv(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x, k = operands
    return [
        total(on, [on.apply("mul", x.nodes[place], weight) for place, weight in zip(places, k.nodes, strict=True)])
        for places in windows(x.shape, k.shape, 1)
    ]  # fmt: skip


def pad(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x = operands[0]
    *above, beside = around(x, operands[1])
    zeros = x.shape[-1] + 2 * beside

    def blank(n: int) -> list[int]:
        return [on.apply("identity", on.number(0.0)) for _ in range(n)]

    result = blank(sum(above) * zeros)
    for row in x.rows():
        result += [*blank(beside), *moved(on, row), *blank(beside)]
    return result + blank(sum(above) * zeros)


def crop(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x = operands[0]
    *above, beside = around(x, operands[1])
    lines = x.rows()[sum(above) : len(x.rows()) - sum(above)]
    return [node for row in lines for node in moved(on, row[beside : len(row) - beside])]


def outer(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    a, b = operands
    return [on.apply("mul", x, y) for x in a.nodes for y in b.nodes]


def trace(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x = operands[0]
    return [total(on, moved(on, x.nodes[:: x.shape[1] + 1]))]


def diag(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x = operands[0]
    n = x.shape[0]
    if len(x.shape) == 2:
        return moved(on, x.nodes[:: n + 1])
    return [
        on.apply("identity", x.nodes[i] if i == j else on.number(0.0))
        for i in range(n)
        for j in range(n)
    ]


def same(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    return moved(on, operands[0].nodes)


def flip(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    return moved(on, operands[0].nodes[::-1])


def eye(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    n = (operands[0].whole or (1,))[0]
    return [node for i in range(n) for node in unit(on, i, n)]


def onehot(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    y, n = operands
    width = (n.whole or (1,))[0]
    return [node for label in y.whole or () for node in unit(on, label, width)]


def unit(on: Scalars, place: int, n: int) -> list[int]:
    """A 1 among zeros."""
    return [on.apply("identity", on.number(float(k == place))) for k in range(n)]


EPSILON = 1e-5
"""What is added to a variance before the root, as PyTorch does."""


def mean(on: Scalars, nodes: Sequence[int]) -> int:
    return on.apply("mean", *nodes) if len(nodes) > 1 else nodes[0]


def normalised(on: Scalars, nodes: Sequence[int]) -> list[int]:
    """Numbers less their mean, over the root of their variance."""
    middle = mean(on, nodes)
    apart = [on.apply("sub", node, middle) for node in nodes]
    variance = mean(on, [on.apply("mul", node, node) for node in apart])
    width = on.apply("sqrt", on.apply("add", variance, on.number(EPSILON)))
    return [on.apply("div", node, width) for node in apart]


def batchnorm(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    columns = [normalised(on, column) for column in operands[0].columns()]
    return scaled(on, [node for row in zip(*columns, strict=True) for node in row], operands)


def layernorm(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    lines = operands[0].rows()
    return scaled(on, [node for row in lines for node in normalised(on, row)], operands)


def scaled(on: Scalars, nodes: Sequence[int], operands: Sequence[Cells]) -> list[int]:
    """Times the second operand, plus the third, which are stretched."""
    x, *others = operands
    g, b = ([one.nodes[k] for k in spread(one.shape, x.shape)] for one in others)
    return [
        on.apply("add", on.apply("mul", scale, node), shift)
        for node, scale, shift in zip(nodes, g, b, strict=True)
    ]


def chosen(on: Scalars, x: Sequence[Cells], written: Any) -> list[list[tuple[int, int | None]]]:
    """Which elements each of what `x[...]`, `pick` and `maxpool` select is: their places in x, and
    their shares of it, None for all of it.

    The shares of those that tie for the largest are equal.
    """
    row, places = written
    if row.name == "index":
        return [[(k, None)] for k in positions(x, places)[1]]
    if row.name == "pick":
        width = x[0].shape[-1]
        return [[(k * width + label, None)] for k, label in enumerate(x[1].whole or ())]
    assert row.name == "maxpool"
    result: list[list[tuple[int, int | None]]] = []
    one, nothing = on.number(1.0), on.number(0.0)
    for under in pooled(x):
        nodes = [x[0].nodes[k] for k in under]
        top = largest(on, nodes)
        ties = [on.select(node, "==", top, one, nothing) for node in nodes]
        count = total(on, ties)
        result.append(
            [(k, on.apply("div", tie, count)) for k, tie in zip(under, ties, strict=True)]
        )
    return result


def weighed(on: Scalars, node: int, share: int | None) -> int:
    return on.apply("identity", node) if share is None else on.apply("mul", node, share)


def put(on: Scalars, operands: Sequence[Cells], written: Any) -> list[int]:
    u, x, *_ = operands
    parts: list[list[int]] = [[] for _ in x.nodes]
    for node, places in zip(u.nodes, chosen(on, operands[1:], written), strict=True):
        for k, share in places:
            parts[k].append(weighed(on, node, share))
    return [total(on, nodes) if nodes else on.apply("identity", on.number(0.0)) for nodes in parts]


def take(on: Scalars, operands: Sequence[Cells], written: Any) -> list[int]:
    u = operands[0]
    return [
        total(on, [weighed(on, u.nodes[k], share) for k, share in places])
        for places in chosen(on, operands[1:], written)
    ]
