"""The passes over any arithmetic: the two loops, where they fail, and how certain their numbers are."""

from collections.abc import Callable, Iterator, Mapping
from itertools import compress
from typing import TYPE_CHECKING, Any

from ..language.graph import Tape
from ..language.nearest import fraction
from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import Ball, DomainError, Undecided
from ..numbers.branches import Branches
from ..numbers.interpret import interpret, leaves
from ..numbers.multiprecision import Multiprecision
from ..operations.row import Operation
from .backward import backward
from .doubt import Doubt, NeedsPrecision

if TYPE_CHECKING:
    from ..numbers.reals import Real

__all__ = ["Values", "forward", "gradients"]

Values = list[Ball | None]
"""The balls of the nodes; None where one is not evaluated."""


def forward(
    graph: Tape,
    given: Mapping[int, Ball],
    needed: list[bool],
    arithmetic: Multiprecision,
    doubt: Doubt,
    exact: "Mapping[int, Real] | None" = None,
) -> tuple[Values, Branches]:
    """The balls of the needed nodes that are evaluated, and which side each `if` took.

    given: of the variables. exact: numbers of nodes that are known otherwise; equal ones are one
    ball, and rational ones have no error beyond rounding.

    Raises DomainError where an operation leaves its domain, NeedsPrecision where the arithmetic overflows or
    cannot decide.
    """
    node = -1

    def nodes() -> Iterator[int]:
        nonlocal node
        for node in compress(range(len(graph)), needed):  # noqa: UP028  # the node that fails
            yield node

    known: dict[tuple[Any, ...], Ball] = {}
    numbers: dict[Any, Ball] = {}

    def proved(ball: Ball) -> Ball:
        """The ball of this node, if its number is known, by which equal numbers cancel exactly."""
        number = exact.get(node) if exact else None
        if number is None:
            return ball
        if number.key not in numbers:
            numbers[number.key] = arithmetic.quotient(number.rational) or ball
        return numbers[number.key]

    def apply(operation: Operation, operands: list[Ball]) -> Ball:
        what = operation, *map(id, operands)  # equal formulas are one ball, and so cancel exactly
        if what in known:
            return known[what]
        known[what] = ball = proved(arithmetic.apply(operation, operands))
        doubt.check(arithmetic, node, ball, not any(error for _, error in operands))
        return ball

    constants: dict[Any, Ball] = {}

    def constant(value: float | str) -> Ball:
        number = value if isinstance(value, str) else fraction(value)  # many have one nearest float
        if number not in constants:
            constants[number] = arithmetic.constant(value)
        return constants[number]

    values: Values = leaves(graph, given, constant)
    branches = Branches(graph, values, arithmetic.decide)
    try:
        interpret(graph, values, apply, branches, nodes())
    except Undecided as reason:
        raise NeedsPrecision(node, reason) from None
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
    zeros: set[int] | None = None,
) -> dict[int, Ball]:
    """The gradients of a node by every node that is wanted and reached, down to the first.

    zeros: where it is given, the nodes are added whose contributions cancel to the last half of
    their digits; a gradient that no contribution makes out is 0 then, with its bound.
    """
    sizes: dict[int, Any] = {}

    def vjp(node: int, place: int, upstream: Ball) -> Ball | None:
        operand = graph.operands[node][place]
        if not wanted(operand):
            return None
        slope = local(node, place)
        if slope is None:
            return None
        sent = arithmetic.times(upstream, slope)
        if zeros is not None:  # how large it would be if nothing had cancelled
            size = max(abs(upstream[0]), sizes.get(node, 0)) * abs(slope[0])
            sizes[operand] = max(size, sizes.get(operand, 0))
        return sent

    balls = backward(graph.operands, {output: seed}, vjp, arithmetic.total, first)
    if zeros is not None:
        for node, (value, error) in balls.items():
            if error and abs(value) <= error <= sizes.get(node, 0) * arithmetic.unit**0.5:
                zeros.add(node)
                balls[node] = arithmetic.zero[0], error
    return balls
