"""The passes over binary64, over flat lists.

A float and the bound on its error need no objects and no questions while all is ordinary: then a
node is one call of its row's kernel (see numbers.float64). What is not ordinary is left to
`Binary64`; where both can do it, they agree.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import fabs
from typing import Any

from ..language.graph import Tape
from ..language.nearest import nearest
from ..numbers.ball import INFINITY, UNIT, Ball, Balls, DomainError, Undecided
from ..numbers.binary64 import binary64
from ..numbers.branches import Branches
from ..numbers.float64 import KERNELS, LARGE, SMALL, Hard, few, mul, total
from ..operations.row import Operation
from ..operations.table import ADD, SUB
from .doubt import Doubt, NeedsPrecision
from .local_gradients import MINUS, ONE, PLAIN_RULES

__all__ = ["backward", "forward"]

ONES = (1.0, -1.0)


def forward(
    graph: Tape,
    at: Mapping[str, float],
    needed: list[bool],
    doubt: Doubt,
    exact: Callable[[int, Balls], Fraction | None] | None = None,
) -> tuple[Balls, Branches]:
    """The balls of the needed nodes that are evaluated, and which side each `if` took.

    exact(node, balls): the value of a node that is in doubt, if it is known as a quotient.

    Raises DomainError where an operation leaves its domain, NeedsPrecision where binary64 overflows,
    underflows or cannot decide.
    """
    count = len(graph)
    values: list[Any] = [None] * count
    errors: list[float] = [0.0] * count
    low: list[float] = [0.0] * count
    for name, node in graph.variables.items():
        if name in at:
            values[node], errors[node] = binary64.constant(at[name])
            low[node] = getattr(at[name], "rest", 0.0)
    for node, constant in graph.constants.items():
        if type(constant) is float:
            values[node] = constant
        else:
            values[node], errors[node] = binary64.constant(constant)
            low[node] = getattr(constant, "rest", 0.0)
    balls = Balls(values, errors)
    branches = Branches(graph, balls, binary64.decide)
    close, kernels, plus, minus = doubt.close, KERNELS, ADD, SUB
    operands_of, regions = graph.operands, graph.regions
    node = -1
    try:
        for operation in graph.operations:
            node += 1
            if operation.leaf or not needed[node]:
                continue
            if regions[node] and not branches.active(regions[node]):
                continue
            operands = operands_of[node]
            if operation is plus or operation is minus:
                i, j = operands
                x, low_x, y, low_y = values[i], low[i], values[j], low[j]
                if operation is minus:
                    y, low_y = -y, -low_y
                out = x + y
                t = out - x
                lost = (x - (out - t)) + (y - t)  # exactly (Knuth, TAOCP 2, section 4.2.2)
                error = errors[i] + errors[j]
                if lost or low_x or low_y:
                    # What rounding lost is handed on in ``low`` (double-double addition: Dekker
                    # 1971), so that a chain of sums is right to the last digit however long; the
                    # rest of an error is what the operands brought.
                    lost += low_x + low_y
                    t = out
                    out = t + lost
                    low[node] = rest = lost - (out - t)
                    error = (errors[i] - fabs(low_x)) + (errors[j] - fabs(low_y))
                    error = fabs(rest) + (error + fabs(lost) * 2.0**-50)
                out += 0.0
            else:
                i, j = operands[0], operands[-1]
                try:
                    out, error = kernels[operation](values[i], errors[i], values[j], errors[j])
                except Hard:
                    out, error = general(graph, node, operation, branches, balls)
            values[node] = out
            errors[node] = error
            if not error <= fabs(out) * close:
                if not fabs(out) < INFINITY:
                    raise Undecided("overflow")
                known = exact(node, balls) if exact else None
                if known is not None:
                    near = nearest(known.numerator, known.denominator)
                    values[node], errors[node] = out, error = binary64.constant(near)
                    low[node] = getattr(near, "rest", 0.0)
                doubt.check(binary64, node, (out, error), not any(errors[k] for k in operands))
    except Undecided as reason:
        raise NeedsPrecision(node, reason) from None
    except DomainError as cause:
        cause.node, cause.operands = node, [balls[k] for k in graph.operands[node]]
        raise
    return balls, branches


def general(graph: Tape, node: int, operation: Operation, branches: Branches, balls: Balls) -> Ball:
    """The ball of a node that is not ordinary, or an `if`."""
    operands: list[Any] = [balls[k] for k in graph.operands[node]]
    if node in graph.condition_of:
        ball: Ball = operands[branches.selected(node)]
        return ball
    return binary64.apply(operation, operands)


def backward(
    graph: Tape,
    output: int,
    seed: float,
    wanted: list[bool],
    balls: Balls,
    local: Callable[[int, int], Ball | None],
    doubt: Doubt,
    every: bool,
    zero: Callable[[int], bool] | None = None,
) -> Balls:
    """The gradients of the output by every node that is wanted, as ``passes.backward`` has them.

    every: each of them must be certain for itself. Otherwise one that underflows is 0 with a
    bound, which is small beside what it is added to, or else found out in the end. zero(node):
    whether a gradient that cannot be told from 0 is 0, where that is looked for.

    Raises Undecided where binary64 overflows or underflows; NeedsPrecision as ``local`` does.
    """
    values, errors = balls.values, balls.errors
    gradients: list[Any] = [None] * len(graph)
    bounds: list[float] = [0.0] * len(graph)
    gradients[output], bounds[output] = binary64.constant(seed)
    tolerance = doubt.loose if every else INFINITY
    one, minus, rules = ONE, MINUS, PLAIN_RULES
    for node in range(output, -1, -1):
        gradient = gradients[node]
        if gradient is None:
            continue
        bound = bounds[node]
        if type(gradient) is list:
            gradient, lost = total(gradient)
            bound += lost
            gradients[node], bounds[node] = gradient, bound
            if lost and every and fabs(gradient) < SMALL:
                raise Undecided("underflow")
        if bound > fabs(gradient) * tolerance:
            if zero is not None and bound >= fabs(gradient) and zero(node):
                gradient = bound = gradients[node] = bounds[node] = 0.0
            doubt.check(binary64, node, (gradient, bound), False)
        operation = graph.operations[node]
        if operation.leaf:
            continue
        operands = graph.operands[node]
        for k, rule in rules[operation] or [(k, None) for k in range(len(operands))]:  # variadic
            i = operands[k]
            if not wanted[i]:
                continue
            if rule is one:
                sent, error = gradient, bound
            elif rule is minus:
                sent, error = 0.0 - gradient, bound
            else:
                if rule.__class__ is int:
                    r = node if rule < 0 else operands[rule]
                    y, dy = values[r], errors[r]
                    rounded = gradient not in ONES
                else:
                    slope = local(node, k)
                    if slope is None:
                        continue
                    y, dy = slope
                    rounded = gradient != 1.0 and y not in ONES
                sent = gradient * y
                size = fabs(sent)
                if SMALL <= size <= LARGE:  # as ``mul``, written out for speed
                    error = fabs(gradient) * dy + bound * (fabs(y) + dy)
                    if rounded and (error or not (few(gradient) and few(y))):
                        error += size * UNIT
                else:
                    sent, error = product(gradient, bound, y, dy, every)
            before = gradients[i]
            if before is None:
                gradients[i], bounds[i] = sent, error
                continue
            bounds[i] += error
            if type(before) is list:
                before.append(sent)
            else:
                gradients[i] = [before, sent]
    return Balls(gradients, bounds)


def product(x: float, dx: float, y: float, dy: float, every: bool) -> Ball:
    """A contribution x*y that is nearly 0, or not ordinary."""
    try:
        return mul(x, dx, y, dy)
    except Hard:
        if every or not fabs(x * y) <= LARGE:
            return binary64.times((x, dx), (y, dy))
    return 0.0, fabs(x) * dy + dx * (fabs(y) + dy) + 2 * SMALL
