"""The paths from the output to a node: how many there are, and the strongest of them.

A gradient is a sum over paths, of products over edges. There may be more paths than atoms, but
counting them, adding up their sizes and keeping the best few are each one loop over the tape, from
the output down.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from heapq import nlargest

from ..numbers.decimal import exact_decimal
from ..numbers.wide import (
    INFINITE,
    MINUS_INFINITE,
    UNDEFINED,
    Number,
    Wide,
    exists,
    sign,
)
from ..trace.record import Edge, Trace

__all__ = ["FLOAT_DIGITS", "KEPT", "Path", "Paths", "as_number", "strength"]

KEPT = 5
"""How many of the strongest paths are kept."""

FLOAT_DIGITS = 15
"""The digits up to which a float shows a product as it is."""

Strength = tuple[int, int, float]
"""How strong a product is: its infinite factors, minus its zeros, the logarithm of the rest."""

Hop = tuple[Strength, int, Edge | None, int]
"""A strength, the place of the node before, the edge from there, and which of its hops it is."""


def strength(number: Number) -> Strength:
    """How strong a factor is: strengths of factors are added, and compared like sizes."""
    if not exists(number):
        return 1, 0, 0.0
    if not sign(number):
        return 0, -1, 0.0
    if isinstance(number, float):
        return 0, 0, math.log(abs(number))
    size = float(f"{number.digits[0]}.{number.digits[1:]}")
    return 0, 0, math.log(size) + number.exponent * math.log(10)


@dataclass(frozen=True, slots=True)
class Path:
    """One path: its nodes from the output on, its edges, and the product of its factors.

    nodes: by their places on the tape. product: None where its exponent is beyond decimals.
    """

    nodes: tuple[int, ...]
    edges: tuple[Edge, ...]
    product: Number | None


class Paths:
    """The paths from the output to one node, along edges that pass something on.

    count: all of them. nonzero: those without a factor of 0. sizes: the sum of the sizes of
    their products; None where a factor is infinite or undefined. reach: the nodes that depend
    on the node, itself among them. Nodes are places on the tape.
    """

    def __init__(self, trace: Trace, target: int, digits: int) -> None:
        self.nodes = trace.by_index
        self.digits = digits
        self.output, self.target, self.upstream = trace.output, target, trace.upstream
        # Decimals round a product of many factors far below the digits shown.
        self.context = Context(prec=max(28, digits + 12), Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
        self.reach = self.dependent(trace)
        self.best: dict[int, list[Hop]] = {}
        self.count = self.nonzero = 0
        self.sizes: Decimal | None = None
        if self.output in self.reach:
            with localcontext(self.context):
                self.walk()

    def dependent(self, trace: Trace) -> set[int]:
        """The nodes that depend on the target, whether or not anything flows there."""
        reach = {self.target}
        for node in trace.nodes:
            if any(operand in reach for operand in node.operands):
                reach.add(node.index)
        return reach

    def walk(self) -> None:
        """Count, measure and rank, from the output down."""
        top, end = self.output, self.target
        counts, nonzero = {top: 1}, {top: int(self.upstream != 0)}
        sizes: dict[int, Decimal | None] = {top: abs(Decimal(self.upstream))}
        self.best[top] = [(strength(self.upstream), -1, None, 0)]
        for k in sorted(self.reach, reverse=True):
            if k not in counts or k == end:
                continue
            for edge in self.nodes[k].edges:
                if not edge.routed or edge.operand not in self.reach:
                    continue
                to = edge.operand
                counts[to] = counts.get(to, 0) + counts[k]
                zero = isinstance(edge.local, float) and edge.local == 0
                nonzero[to] = nonzero.get(to, 0) + (0 if zero else nonzero[k])
                size, known = sizes[k], sizes.get(to, Decimal(0))
                if size is None or known is None or not exists(edge.local):
                    sizes[to] = None
                else:
                    sizes[to] = known + size * abs(exact_decimal(edge.local))
                self.rank(k, to, edge)
        self.count, self.nonzero = counts.get(end, 0), nonzero.get(end, 0)
        total = sizes.get(end)
        self.sizes = total if total is not None and total.is_finite() else None

    def rank(self, k: int, to: int, edge: Edge) -> None:
        """Keep the strongest products that reach a node."""
        a, b, c = strength(edge.local)
        hops: list[Hop] = [
            ((own[0] + a, own[1] + b, own[2] + c), k, edge, i)
            for i, (own, _, _, _) in enumerate(self.best[k])
        ]
        self.best[to] = nlargest(KEPT, [*self.best.get(to, ()), *hops], key=lambda hop: hop[0])

    def strongest(self) -> list[Path]:
        """The strongest paths, at most KEPT, the strongest first."""
        hops = self.best.get(self.target, []) if self.count else []
        with localcontext(self.context):
            return [self.path(hop) for hop in hops]

    def path(self, hop: Hop) -> Path:
        edges: list[Edge] = []
        nodes = [self.target]
        _, k, edge, i = hop
        while edge is not None:
            edges.append(edge)
            nodes.append(k)
            _, k, edge, i = self.best[k][i]
        edges.reverse()
        nodes.reverse()
        return Path(tuple(nodes), tuple(edges), self.product(edges))

    def product(self, edges: Sequence[Edge]) -> Number | None:
        """The upstream gradient times the local gradients."""
        if not all(exists(edge.local) for edge in edges):
            return no_number(self.upstream, edges)
        result = Decimal(self.upstream)
        for edge in edges:
            result *= exact_decimal(edge.local)
        return as_number(result, self.digits) if result.is_finite() else None


def no_number(upstream: float, edges: Sequence[Edge]) -> Number:
    """The product of factors of which one is no number."""
    factors: list[Number] = [upstream, *(edge.local for edge in edges)]
    if UNDEFINED in factors or 0.0 in factors:
        return UNDEFINED
    minus = sum(sign(factor) < 0 for factor in factors)
    return MINUS_INFINITE if minus % 2 else INFINITE


def as_number(value: Decimal, digits: int = 6) -> Number:
    """A decimal as a number of a trace, with that many digits at least."""
    near = float(value)
    minus, shown, _ = value.as_tuple()
    wide = Wide(
        "finite",
        -1 if minus else 1,
        "".join(map(str, shown)).rstrip("0") or "0",
        value.adjusted(),
        near,
    )
    if digits > FLOAT_DIGITS and value != 0:
        return wide
    if value == 0 or 2.3e-308 < abs(near) < 1.7e308:
        return near
    return wide._replace(nearest=None)
