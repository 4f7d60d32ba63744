"""How large the numbers were that were added for a value or a gradient.

What rounding leaves in a sum is small beside what was added, not beside what is left of it: so a
gradient that cancels to 1e-9 may be off by as much, and is right all the same.
"""

import math
from collections.abc import Sequence

from ..arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor
from ..language.graph import as_array
from ..numbers.wide import as_float
from ..operations.shape import Shape, size, spread
from ..operations.table import CONSTANTS, VARIABLE
from ..symbolic.rules import Rule

__all__ = ["of_gradients", "of_values"]

Sizes = list[float]


def sizes_of(tensor: Tensor) -> Sizes:
    """The absolute values of an array; 0 where there is no number."""
    return [0.0 if x is None else abs(as_float(x) or 0.0) for x in tensor.numbers]


def of_gradients(trace: ArrayTrace) -> dict[int, Sizes]:
    """For every node, the magnitudes of what was added for each element of its gradient."""
    found: dict[int, Sizes] = {}
    for k, value, up in trace.outputs or ((trace.output, trace.value, trace.upstream),):
        given = as_array(up).numbers
        found[k] = [abs(x) for x in given] * (size(value.shape) if len(given) == 1 else 1)
    shapes = {node.index: node.shape for node in trace.nodes}
    values = {node.index: sizes_of(node.value) for node in trace.nodes}
    wanted = {node.index for node in trace.nodes if node.gradient is not None}
    for node in reversed(trace.nodes):
        own = sizes_of(node.gradient) if node.gradient is not None else []
        above = found.setdefault(node.index, own)
        sent = {
            edge.place: (edge.operand, sent_back(trace, node, edge, above, shapes, values))
            for edge in node.edges
        }
        for place, operand in enumerate(node.operands if any(above) else ()):
            if place not in sent and operand in shapes and operand in wanted:
                sent[place] = operand, [max(above)] * size(shapes[operand])
        for operand, sizes in sent.values():
            before = found.get(operand)
            found[operand] = sizes if before is None else list(map(float.__add__, before, sizes))
    return found


def sent_back(
    trace: ArrayTrace,
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
        if edge.rule is not None and (told := of_rule(trace, edge.rule, edge.local.shape)):
            local = list(map(max, local, told))
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
    top = max(sizes_of(node.gradient), default=0.0) if node.gradient is not None else 0.0
    gain = max(sent) / top if top and max(sent) else 1.0
    return [max(x, gain * most) for x in sent]


def of_rule(trace: ArrayTrace, rule: Rule, shape: Shape) -> Sizes | None:
    """The magnitudes that a local gradient is computed from, as its formula says: 1 + h^2 for
    1 - h^2. None of a formula that is more than a polynomial.
    """
    tape, n = rule.tape, size(shape)
    found: dict[int, Sizes] = {}
    pending = [rule.node]
    while pending:
        k = pending[-1]
        operands = [one for one in tape.operands[k] if one not in found]
        if operands:
            pending += operands
            continue
        pending.pop()
        name, inner = tape.operations[k].name, [found[one] for one in tape.operands[k]]
        held = trace.by_name.get(tape.names.get(k, ""))
        if k in tape.constants:
            constant = tape.constants[k]
            if isinstance(constant, str):
                constant = CONSTANTS[constant]
            found[k] = [abs(float(constant))] * n
        elif tape.operations[k] is VARIABLE and held is not None:
            sizes = sizes_of(held.value)
            if held.shape != shape and size(held.shape) not in (1, n):
                return None
            found[k] = [sizes[i] for i in spread(held.shape, shape)] if held.shape != shape else sizes  # fmt: skip
        elif name in ("add", "sub", "sum"):
            found[k] = [sum(xs) for xs in zip(*inner, strict=True)]
        elif name in ("neg", "identity"):
            found[k] = inner[0]
        elif name == "mul":
            found[k] = [math.prod(xs) for xs in zip(*inner, strict=True)]
        elif name == "div" and all(inner[1]):
            found[k] = [x / y for x, y in zip(*inner, strict=True)]
        elif name == "pow" and tape.operands[k][1] in tape.constants and all(inner[0]):
            exponent = float(tape.constants[tape.operands[k][1]])
            found[k] = [x**exponent for x in inner[0]]
        else:
            return None
    return found[rule.node]


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
