"""The forward pass: one loop over the tape, which keeps a value per node."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..language.graph import Graph
from ..numbers.arithmetic import CLOSE, TOLERANCE, Arithmetic
from ..numbers.ball import Ball, Balls, Outside, Uncertain
from ..numbers.branches import Regions

__all__ = ["Doubt", "Forward", "Refused", "Stopped", "forward"]


class Stopped(Exception):
    """A pass met something at a node that its arithmetic cannot express."""

    def __init__(self, node: int, reason: str) -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


class Refused(Exception):
    """The forward pass left an operation's domain."""

    def __init__(self, node: int, cause: Outside, values: "list[Ball | None] | Balls") -> None:
        super().__init__(cause.message)
        self.node = node
        self.cause = cause
        self.values = values


@dataclass(slots=True)
class Doubt:
    """The worst relative error bound met so far, and where."""

    lost: float = 0.0
    node: int = -1
    close: float = CLOSE
    loose: float = TOLERANCE

    def check(self, arithmetic: Arithmetic, node: int, ball: Ball, exact: bool) -> None:
        lost = arithmetic.lost(ball)
        if lost > (self.close if exact else self.loose) and lost > self.lost:
            if arithmetic.module is not None and abs(ball[0]) + ball[1] < TINY:
                return  # whatever it is, the nearest float is 0
            self.lost, self.node = lost, node


TINY = 2.0**-1074 / 2**6


V = TypeVar("V")


@dataclass(slots=True)
class Forward(Generic[V]):
    """What the forward pass leaves: a ball per evaluated node, and which side each if took."""

    values: V
    regions: Regions


def forward(
    graph: Graph, leaves: dict[int, Ball], needed: list[bool], arithmetic: Arithmetic, doubt: Doubt
) -> Forward[list[Ball | None]]:
    """Evaluate the needed nodes of a graph.

    Raises Refused where an operation leaves its domain, Stopped where the arithmetic
    overflows or cannot decide.
    """
    values: list[Ball | None] = [None] * len(graph)
    for node, ball in leaves.items():
        values[node] = ball
    for node, constant in graph.constants.items():
        values[node] = arithmetic.constant(constant)
    regions = Regions(graph, arithmetic.decide, values)
    for node, operation in enumerate(graph.operations):
        if operation is None or not needed[node]:
            continue
        try:
            if not regions.active(graph.regions[node]):
                continue
            operands = graph.operands[node]
            if node in graph.condition_of:
                chosen = 2 if regions.holds(graph.condition_of[node]) else 3
                values[node] = values[operands[chosen]]
                continue
            balls: list[Any] = [values[k] for k in operands]
            exact = all(not error for _, error in balls)
            result = arithmetic.settle(arithmetic.apply(operation, balls))
        except Uncertain as reason:
            raise Stopped(node, str(reason)) from None
        except Outside as cause:
            raise Refused(node, cause, values) from None
        values[node] = result
        doubt.check(arithmetic, node, result, exact)
    return Forward(values, regions)
