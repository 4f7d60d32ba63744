"""Numbers for a person to compute with: drawn by a seed, and kept where a sheet of them is fair.

Where only + - * / max relu and squares stand, all numbers are short and exact; what goes through an
exp, a log, a tanh or a root comes from short numbers, and what comes of it is judged at 3 digits.
Draws are made of ``random.Random(n).random()`` alone, which is the same on every Python.
"""

import random
from collections.abc import Iterator, Sequence, Set
from decimal import Decimal
from functools import cache

from ..language.graph import Graph
from ..language.table_texts import texts
from ..numbers.decimal import exact_decimal
from ..numbers.wide import Number, as_float, exists
from ..operations.exact import always
from ..operations.row import Operation, Role
from ..operations.table import CONSTANT, POW, VARIABLE
from ..passes.run import Run
from ..trace.record import KINKS, Node, Trace

__all__ = ["TRIES", "draws", "fair", "hopeless", "is_short", "plain_nodes", "stream"]

TRIES = 1500
"""Points that are drawn for a sheet at most."""

Plain = tuple[list[bool], list[bool]]
"""Which values and which gradients are short; see plain_nodes."""

SMALL = (2, 3, -2, -3, 4, 1, -1)
WHOLE = (2, 3, 4, 5, -2, -3, -4, -5, 6, 7, 1, -1)
HALVES = (0.5, -0.5, 1.5, -1.5, 2.5, -2.5)
TENTHS = (0.2, 0.3, 0.4, 0.6, 0.8, -0.2, -0.3, -0.4, -0.6, -0.8, 0.1, 1.2)
POOLS: tuple[tuple[float, ...], ...] = (
    WHOLE,
    SMALL + HALVES,
    WHOLE + HALVES,
    WHOLE + HALVES + TENTHS,
    HALVES + TENTHS,
)
"""What inputs are drawn from, the easiest most often."""

DIGITS, DECIMALS = 4, 3
"""Significant digits and decimals of a short number, at most."""

SMALLEST, LARGEST = 0.004, 1000.0
"""Sizes of numbers on a sheet."""

STEEP = 4.0
"""The largest operand of an exp, a tanh or the like."""


def stream(seed: int, number: int) -> random.Random:
    """The random numbers of a variant of a quiz."""
    return random.Random(abs(seed) * 1_000_003 + number)


def draws(names: Sequence[str], stream: random.Random) -> Iterator[dict[str, float]]:
    """Points over some names; TRIES of them."""
    for _ in range(TRIES):
        pool = POOLS[int(stream.random() ** 2 * len(POOLS))]
        yield {name: float(pool[int(stream.random() * len(pool))]) for name in names}


def is_short(number: Number) -> bool:
    """Whether a number is a decimal of few digits."""
    return exists(number) and short(exact_decimal(number))


def short(number: Decimal) -> bool:
    _, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)
    return len(digits) <= DIGITS and exponent >= -DECIMALS and abs(number) <= LARGEST


def plain_nodes(graph: Graph, long: Set[str] = frozenset()) -> tuple[list[bool], list[bool]]:
    """For every node, whether its value, and whether its gradient, comes of short numbers by
    + - * /, small powers and choices alone.

    long: inputs whose numbers are given, and are not short.
    """
    values = [False] * len(graph)
    given = {graph.variables[name] for name in long}
    for node, row in enumerate(graph.operations):
        if row is CONSTANT:
            number = graph.constants[node]
            values[node] = not isinstance(number, str) and is_short(float(number))
        elif row is VARIABLE:
            values[node] = node not in given
        else:
            values[node] = is_plain(graph, node, row) and all(
                values[k] for k in graph.operands[node]
            )
    gradients = [True] * len(graph)
    for node in reversed(range(len(graph))):
        if not (gradients[node] and values[node]):
            for k in graph.operands[node]:
                gradients[k] = False
    return values, gradients


def is_plain(graph: Graph, node: int, row: Operation) -> bool:
    """Whether an operation makes short numbers of short ones."""
    if row is POW:
        return graph.constants.get(graph.operands[node][1]) in (2.0, 3.0)
    return chooses(row)


@cache
def chooses(row: Operation) -> bool:
    """Whether an operation is one of + - * / or a choice, or made of such, as a relu is."""
    if row.rational is not None or row.exact is always or row.selects:
        return row is not POW
    computed = texts(row).computed if row.computed else None
    return computed is not None and all(one.leaf or chooses(one) for one in computed.operations)


def hopeless(run: Run, plain: Plain, corners: bool) -> bool:
    """Whether a run, which costs little, shows that its trace is not fair. plain: see plain_nodes."""
    if run.kinks and not corners:
        return True
    graph = run.graph
    values, gradients = plain
    choosing = any(
        row.selects and len(k) > 1 for row, k in zip(graph.operations, graph.operands, strict=True)
    )
    for node, row in enumerate(graph.operations):
        value, gradient = run.values[node], run.gradients.get(node)
        if row is CONSTANT or value is None:
            continue
        if row is not VARIABLE and (odd(value[0]) or (values[node] and lengthy(value[0]))):
            return True
        if row.rectifies and not corners and not value[0]:
            return True
        if gradient is not None and not (gradient[0] or corners or choosing):
            return True
        if gradient is not None and (
            odd(gradient[0]) or (gradients[node] and lengthy(gradient[0]))
        ):
            return True
    return False


def odd(x: float) -> bool:
    """Whether a number is too small or too large for a sheet."""
    return bool(x) and not SMALLEST <= abs(x) <= LARGEST


def lengthy(x: float) -> bool:
    """Whether a float is no short decimal, and not near one."""
    return abs(x - round(x, DECIMALS)) > 1e-9


def fair(trace: Trace, corners: bool = False, long: Set[str] = frozenset()) -> bool:
    """Whether a person can do the numbers of a trace by hand, and learns from all of them.

    corners: also at kinks, at ties and where a gradient is dead. long: see plain_nodes.
    """
    if trace.flags or (not corners and any(note.kind in KINKS for note in trace.notes)):
        return False
    values, gradients = plain_nodes(trace.tape, long)
    by_index = trace.by_index
    for node in trace.nodes:
        if node.kind == "constant" or node.gradient is None:
            continue
        if node.row is not VARIABLE and odd(as_float(node.value) or 0.0):
            return False
        if not corners and not node.gradient and not unselected(trace, node):
            return False
        if odd(as_float(node.gradient) or 0.0):
            return False
        if values[node.index] and not is_short(node.value):
            return False
        if gradients[node.index] and not is_short(node.gradient):
            return False
        if node.edges and not values[node.index]:
            for operand in node.operands:
                x = by_index[operand]
                if values[operand] and not abs(as_float(x.value) or 0.0) <= STEEP:
                    return False
    return True


def unselected(trace: Trace, node: Node) -> bool:
    """Whether a max or the like was given something larger: then 0 is what there is to learn."""
    edges = [(one, edge) for one in trace.nodes for edge in one.edges if edge.operand == node.index]
    routers = [one.role is Role.ROUTES and len(one.operands) > 1 for one, _ in edges]
    return bool(edges) and all(routers) and not any(edge.routed for _, edge in edges)
