"""Numbers for a person to compute with: drawn by a seed, and kept where a sheet of them is fair.

Where only + - * / max relu and squares stand, all numbers are short and exact; what goes through an
exp, a log, a tanh or a root comes from short numbers, and what comes of it is judged at 3 digits.
Draws are made of ``random.Random(n).random()`` alone, which is the same on every Python.
"""

import random
from collections.abc import Iterator, Sequence, Set
from decimal import Decimal

from ..numbers.decimal import exact_decimal
from ..numbers.wide import Number, as_float, exists
from ..operations.exact import always
from ..operations.row import Operation, Role
from ..operations.table import CONSTANT, POW, VARIABLE
from ..trace.record import KINKS, Node, Trace

__all__ = ["TRIES", "draws", "fair", "is_short", "plain_nodes", "stream"]

TRIES = 240
"""Points that are drawn for a sheet at most."""

WHOLE = (2, 3, 4, 5, -2, -3, -4, -5, 6, 7, 1, -1)
HALVES = (0.5, -0.5, 1.5, -1.5, 2.5, -2.5)
TENTHS = (0.2, 0.3, 0.4, 0.6, 0.8, -0.2, -0.3, -0.4, -0.6, -0.8, 0.1, 1.2)
POOLS: tuple[tuple[float, ...], ...] = (
    WHOLE,
    WHOLE + HALVES,
    WHOLE + HALVES + TENTHS,
    HALVES + TENTHS,
)
"""What inputs are drawn from, one after the other: the easiest first."""

DIGITS, DECIMALS = 4, 3
"""Significant digits and decimals of a short number, at most."""

SMALLEST, LARGEST = 0.004, 1000.0
"""Sizes of numbers on a sheet."""

STEEP = 4.0
"""The largest operand of an exp, a tanh or the like."""

Key = tuple[int, int]


def stream(seed: int, number: int) -> random.Random:
    """The random numbers of a variant of a quiz."""
    return random.Random(abs(seed) * 1_000_003 + number)


def draws(names: Sequence[str], stream: random.Random) -> Iterator[dict[str, float]]:
    """Points over some names, the easiest first."""
    for turn in range(TRIES):
        pool = POOLS[turn * len(POOLS) // TRIES]
        yield {name: float(pool[int(stream.random() * len(pool))]) for name in names}


def is_short(number: Number) -> bool:
    """Whether a number is a decimal of few digits."""
    return exists(number) and short(exact_decimal(number))


def short(number: Decimal) -> bool:
    _, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)
    return len(digits) <= DIGITS and exponent >= -DECIMALS and abs(number) <= LARGEST


def fair(trace: Trace, corners: bool = False, fixed: Set[str] = frozenset()) -> bool:
    """Whether a person can do the numbers of a trace by hand, and learns from all of them.

    corners: also at kinks, at ties and where a gradient is dead. fixed: inputs that are given, which
    may have any number.
    """
    if trace.flags or (not corners and any(note.kind in KINKS for note in trace.notes)):
        return False
    plain = plain_nodes(trace)
    by_index = trace.by_index
    for node in trace.nodes:
        if node.kind == "constant" or node.gradient is None:
            continue
        if node.row is not VARIABLE and not in_range(node.value):
            return False
        if not corners and not node.gradient and not unselected(trace, node):
            return False
        if node.gradient and not in_range(node.gradient):
            return False
        if (node.index, 0) in plain and not is_short(node.value) and node.name not in fixed:
            return False
        if (node.index, 1) in plain and not is_short(node.gradient):
            return False
        if node.edges and (node.index, 0) not in plain:
            for operand in node.operands:
                x = by_index[operand]
                if (operand, 0) in plain and not abs(as_float(x.value) or 0.0) <= STEEP:
                    return False
    return True


def in_range(number: Number) -> bool:
    x = as_float(number)
    return x is not None and (x == 0 or SMALLEST <= abs(x) <= LARGEST)


def unselected(trace: Trace, node: Node) -> bool:
    """Whether a max or the like was given something larger: then 0 is what there is to learn."""
    edges = [(one, edge) for one in trace.nodes for edge in one.edges if edge.operand == node.index]
    routers = [one.role is Role.ROUTES and len(one.operands) > 1 for one, _ in edges]
    return bool(edges) and all(routers) and not any(edge.routed for _, edge in edges)


def plain_nodes(trace: Trace) -> set[Key]:
    """The nodes whose values, (node, 0), or gradients, (node, 1), come of + - * / and choices alone."""
    plain: set[Key] = set()
    for node in trace.nodes:
        row = node.row
        if (
            row is VARIABLE
            or row is CONSTANT
            or (
                node.block is None
                and row is not None
                and all((k, 0) in plain for k in node.operands)
                and is_plain(trace, node, row)
            )
        ):
            plain.add((node.index, 0))
    received: dict[int, list[Node]] = {}
    for node in trace.nodes:
        for edge in node.edges:
            received.setdefault(edge.operand, []).append(node)
    for node in reversed(trace.nodes):
        senders = received.get(node.index, [])
        if all((one.index, 1) in plain and (one.index, 0) in plain for one in senders):
            plain.add((node.index, 1))
    return plain


def is_plain(trace: Trace, node: Node, row: Operation) -> bool:
    """Whether an operation makes short numbers of short ones."""
    if row is POW:
        exponent = trace.by_index[node.operands[1]]
        return exponent.kind == "constant" and as_float(exponent.value) in (2.0, 3.0)
    return row.rational is not None or row.exact is always or bool(row.selects)
