"""The forward and the backward pass.

The insight: both are one loop over the tape, in opposite directions. The forward
pass keeps a value per node; the backward pass keeps a gradient per node and hands
upstream x local to every operand, knowing nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from .arithmetic import CLOSE, TOLERANCE, Arithmetic, texts
from .balls import Ball, Balls, Outside, Uncertain
from .graph import Graph
from .operations import Operation, Role
from .ordinary import slope as ordinary_slope
from .regions import Regions

__all__ = ["Forward", "backward", "forward", "local_gradients", "plain_rules"]

T = TypeVar("T")


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
    regions = Regions(graph, arithmetic, values)
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


def backward(
    graph: Graph,
    output: int,
    seed: T,
    last: int,
    wanted: Callable[[int], bool],
    local: Callable[[int, int], T | None],
    times: Callable[[T, T], T],
    total: Callable[[list[T]], T],
) -> dict[int, T]:
    """Walk back from the output: the gradient of every node reached.

    Over any algebra: ``seed`` is the upstream gradient of the output, ``local(node, k)`` the
    local gradient for operand k, or None where the node does not route to it. The walk ends
    at node ``last``; ``wanted(node)`` says which operands are differentiated.
    """
    received = {output: [seed]}
    gradients: dict[int, T] = {}
    for node in range(output, last - 1, -1):
        if node not in received:
            continue
        upstream = gradients[node] = total(received.pop(node))
        for k, operand in enumerate(graph.operands[node]):
            if not wanted(operand):
                continue
            slope = local(node, k)
            if slope is not None:
                received.setdefault(operand, []).append(times(upstream, slope))
    for node, contributions in received.items():
        gradients[node] = total(contributions)  # operands that stand before the last node
    return gradients


@cache
def plain_rules(operation: Operation) -> list[float | int | None]:
    """The local gradients that need no computing: a number, an operand's index, -1 for `out`."""
    found: list[float | int | None] = []
    for rule in texts(operation).rules:
        number = rule.constants.get(rule.output)
        name = rule.names.get(rule.output)
        if isinstance(number, float):
            found.append(number)
        elif name == "out":
            found.append(-1)
        else:
            found.append(operation.operands.index(name) if name in operation.operands else None)
    return found


def local_gradients(
    graph: Graph, run: Forward[Any], arithmetic: Arithmetic, doubt: Doubt, met: dict[int, str]
) -> Callable[[int, int], Ball | None]:
    """The function local(node, k) that the backward pass needs, over evaluated balls.

    ``met`` collects the kinks it meets: node -> kink, tie, cut, jump or boundary.
    """
    zero, one = arithmetic.number(0.0), arithmetic.number(1.0)
    seen: dict[int, str] = {}

    def kink(node: int, balls: list[Ball], out: Ball) -> str:
        operation = graph.operations[node]
        assert operation is not None
        if operation.name in ("max", "min"):
            selected = {graph.operands[node][k] for k in arithmetic.selected(operation, balls)}
            return "tie" if len(selected) > 1 else ""
        found = arithmetic.kink(operation, balls, out)
        return "jump" if found == "kink" and operation.jump else found

    def local(node: int, k: int) -> Ball | None:
        operation = graph.operations[node]
        assert operation is not None
        operands = graph.operands[node]
        rule = plain_rules(operation)[k] if operation.smooth else None
        if rule is not None:  # a number, an operand or the result: nothing to compute
            if isinstance(rule, float):
                return arithmetic.number(rule), zero
            ball: Ball | None = run.values[node if rule < 0 else operands[rule]]
            return ball
        if node in graph.condition_of:
            condition = graph.condition_of[node]
            chosen = 2 if run.regions.holds(condition) else 3
            if run.regions.signs[condition] == 0:
                met[node] = "boundary"
            return (one, zero) if k == chosen else None
        balls: list[Any] = [run.values[i] for i in operands]
        out = run.values[node]
        assert out is not None
        if arithmetic.module is None and (result := ordinary_slope(operation, k, balls, out)):
            if operation.role is Role.ROUTES and result == (0, 0):
                return None  # not selected, which no infinite upstream gradient can change
            doubt.check(arithmetic, node, result, not any(error for _, error in balls))
            return result
        try:
            if node not in seen:
                seen[node] = kink(node, balls, out)
                if seen[node]:
                    met[node] = seen[node]
            if seen[node] == "jump":
                return arithmetic.number(float("nan")), zero
            result = arithmetic.settle(arithmetic.local(operation, balls, out, k))
            if arithmetic.module is None and not abs(result[0]) < float("inf"):
                raise Uncertain("pole")
        except Uncertain as reason:
            raise Stopped(node, str(reason)) from None
        if operation.role is Role.ROUTES and result == (0, 0) and seen[node] in ("", "tie"):
            return None
        doubt.check(arithmetic, node, result, all(not error for _, error in balls))
        return result

    return local
