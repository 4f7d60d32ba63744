"""How large the numbers were that were added for a value or a gradient.

What rounding leaves in a sum is small beside what was added, not beside what is left of it: so a
gradient that cancels to 1e-9 may be off by as much, and is right all the same.
"""

from collections.abc import Sequence

from ..arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor
from ..language.graph import as_array
from ..numbers.wide import as_float
from ..operations.shape import Shape, size, spread

__all__ = ["of_gradients", "of_values"]

Sizes = list[float]


def sizes_of(tensor: Tensor) -> Sizes:
    """The absolute values of an array; 0 where there is no number."""
    return [0.0 if x is None else abs(as_float(x) or 0.0) for x in tensor.numbers]


def of_gradients(trace: ArrayTrace) -> dict[int, Sizes]:
    """For every node, the magnitudes of what was added for each element of its gradient."""
    shapes = {node.index: node.shape for node in trace.nodes}
    values = {node.index: sizes_of(node.value) for node in trace.nodes}
    found: dict[int, Sizes] = {}
    for k, value, up in trace.outputs or ((trace.output, trace.value, trace.upstream),):
        given = as_array(up).numbers
        found[k] = [abs(x) for x in given] * (size(value.shape) if len(given) == 1 else 1)
    for node in reversed(trace.nodes):
        own = sizes_of(node.gradient) if node.gradient is not None else []
        above = found.setdefault(node.index, own)
        for edge in node.edges:
            sent = sent_back(node, edge, above, shapes, values)
            before = found.get(edge.operand)
            found[edge.operand] = sent if before is None else [x + y for x, y in zip(before, sent, strict=True)]  # fmt: skip
    return found


def sent_back(
    node: ArrayNode,
    edge: ArrayEdge,
    above: Sizes,
    shapes: dict[int, Shape],
    values: dict[int, Sizes],
) -> Sizes:
    """What an edge sends back where all that meets has one sign."""
    shape = edge.contribution.shape
    if edge.local is not None:
        local = sizes_of(edge.local)
        if edge.kind == "reduction":
            return [x * above[k] for x, k in zip(local, spread(node.shape, shape), strict=True)]
        result = [0.0] * size(shape)
        for x, up, k in zip(local, above, spread(shape, node.shape), strict=True):
            result[k] += x * up
        return result
    if node.operation == "matmul":
        a, b = factors(node, shapes, values)
        rows = as_rows(above, len(b[0]))
        if edge.place == 0:
            return [x for row in product(rows, columns(b)) for x in row]
        return [x for row in product(columns(a), rows) for x in row]
    sent = sizes_of(edge.contribution)
    most = max(above, default=0.0)
    top = max(map(abs, sizes_of(node.gradient)), default=0.0) if node.gradient else 0.0
    gain = max(sent) / top if top and max(sent) else 1.0
    return [max(x, gain * most) for x in sent]


def of_values(trace: ArrayTrace) -> dict[int, Sizes]:
    """For every node, the magnitudes of what was added for each element of its value."""
    found: dict[int, Sizes] = {}
    shapes = {node.index: node.shape for node in trace.nodes}
    for node in trace.nodes:
        total = sizes_of(node.value)
        for edge in node.edges:
            below = found.get(edge.operand)
            if below is None:
                continue
            shape = edge.contribution.shape
            if edge.local is not None and edge.kind == "reduction":
                for x, y, k in zip(sizes_of(edge.local), below, spread(node.shape, shape), strict=True):  # fmt: skip
                    total[k] += x * y
            elif edge.local is not None:
                for i, (x, k) in enumerate(zip(sizes_of(edge.local), spread(shape, node.shape), strict=True)):  # fmt: skip
                    total[i] += x * below[k]
            elif node.operation != "matmul":
                most = max(below, default=0.0)
                total = [max(x, most) for x in total]
        if node.operation == "matmul" and all(k in found for k in node.operands):
            total = [x for row in product(*factors(node, shapes, found)) for x in row]
        found[node.index] = total
    return found


def as_rows(sizes: Sequence[float], width: int) -> list[Sequence[float]]:
    return [sizes[k : k + width] for k in range(0, len(sizes), width)]


def factors(
    node: ArrayNode, shapes: dict[int, Shape], sizes: dict[int, Sizes]
) -> tuple[list[Sequence[float]], list[Sequence[float]]]:
    """The operands of a product as rows: a vector on the left is a row, on the right a column, and
    on the left of one row a column, too.
    """
    left, right = node.operands
    b = as_rows(sizes[right], shapes[right][1] if len(shapes[right]) == 2 else 1)
    a = as_rows(sizes[left], shapes[left][-1])
    return (a if len(a[0]) == len(b) else as_rows(sizes[left], 1)), b


def columns(rows: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    return list(zip(*rows, strict=True))


def product(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> list[list[float]]:
    """The product of two matrices."""
    across = columns(b)
    return [[sum(map(float.__mul__, row, column)) for column in across] for row in a]
