"""The passes over any arithmetic: the two loops, where they fail, and how certain their numbers are."""

from collections.abc import Callable, Iterator, Mapping
from itertools import compress

from ..language.graph import Tape
from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import Ball, DomainError, Undecided
from ..numbers.branches import Branches
from ..numbers.interpret import interpret, leaves
from ..operations.row import Operation
from .backward import backward
from .doubt import Doubt, NeedsPrecision

__all__ = ["Values", "forward", "gradients"]

Values = list[Ball | None]
"""The balls of the nodes; None where one is not evaluated."""


def forward(
    graph: Tape,
    given: Mapping[int, Ball],
    needed: list[bool],
    arithmetic: Arithmetic,
    doubt: Doubt,
) -> tuple[Values, Branches]:
    """The balls of the needed nodes that are evaluated, and which side each `if` took.

    given: of the variables.

    Raises DomainError where an operation leaves its domain, NeedsPrecision where the arithmetic overflows or
    cannot decide.
    """
    node = -1

    def nodes() -> Iterator[int]:
        nonlocal node
        for node in compress(range(len(graph)), needed):  # noqa: UP028  # the node that fails
            yield node

    def apply(operation: Operation, operands: list[Ball]) -> Ball:
        ball = arithmetic.apply(operation, operands)
        doubt.check(arithmetic, node, ball, not any(error for _, error in operands))
        return ball

    values: Values = leaves(graph, given, arithmetic.constant)
    branches = Branches(graph, values, arithmetic.decide)
    try:
        interpret(graph, values, apply, branches, nodes())
    except Undecided as reason:
        raise NeedsPrecision(node, str(reason)) from None
    except DomainError as cause:
        cause.node, cause.operands = node, [values[k] for k in graph.operands[node]]
        raise
    return values, branches


def gradients(
    graph: Tape,
    output: int,
    seed: Ball,
    wanted: Callable[[int], bool],
    local: Callable[[int, int], Ball | None],
    arithmetic: Arithmetic,
    first: int = 0,
) -> dict[int, Ball]:
    """The gradients of a node by every node that is wanted and reached, down to the first."""

    def vjp(node: int, place: int, upstream: Ball) -> Ball | None:
        if not wanted(graph.operands[node][place]):
            return None
        slope = local(node, place)
        return None if slope is None else arithmetic.times(upstream, slope)

    balls = backward(graph.operands, {output: seed}, vjp, arithmetic.total, first)
    return {node: arithmetic.settle(ball) for node, ball in balls.items()}
