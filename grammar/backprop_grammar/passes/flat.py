"""The passes over binary64, unrolled.

The insight: a float and the bound on its error need no objects and no questions while all is
ordinary, so the commonest operations are written out here over flat lists. Any other node is
handed to the table's row (see ordinary.py), and what is not ordinary to `Arithmetic`; where
several can do it, they agree.
"""

from collections.abc import Callable
from math import exp, fabs, frexp, fsum
from typing import Any

from ..language.graph import Graph
from ..numbers.arithmetic import SMALL, binary64
from ..numbers.ball import INFINITY, UNIT, Ball, Balls, Outside, Uncertain
from ..numbers.branches import Regions
from ..numbers.decimal import LARGEST_FLOAT
from ..numbers.float64 import HALVES, LARGE, LIMIT, SHORT, applied
from ..operations.exact import product, quotient
from ..operations.row import Operation
from ..operations.table import OPERATIONS
from .forward import Doubt, Forward, Refused, Stopped

__all__ = ["backward", "forward"]

ADD, SUB, MUL, DIV, NEG, EXP, IDENTITY = (
    OPERATIONS[name] for name in ("add", "sub", "mul", "div", "neg", "exp", "identity")
)


def forward(graph: Graph, at: dict[str, float], needed: list[bool], doubt: Doubt) -> Forward[Balls]:
    """Evaluate the needed nodes of a graph.

    Raises Refused where an operation leaves its domain, Stopped where binary64 overflows,
    underflows or cannot decide.
    """
    count = len(graph)
    values: list[Any] = [None] * count
    errors: list[float] = [0.0] * count
    low: list[float] = [0.0] * count
    for name, node in graph.variables.items():
        if name in at:
            values[node] = at[name] + 0.0
    for node, constant in graph.constants.items():
        if type(constant) is float:
            values[node] = constant
        else:
            values[node], errors[node] = binary64.constant(constant)
    balls = Balls(values, errors)
    regions = Regions(graph, binary64.decide, balls)
    tolerance = doubt.loose
    node = -1
    for operation, operands, region in zip(
        graph.operations, graph.operands, graph.regions, strict=True
    ):
        node += 1
        if operation is None or not needed[node]:
            continue
        if region and not active(regions, region, node):
            continue
        if operation is ADD or operation is SUB:
            i, j = operands
            x, low_x, y, low_y = values[i], low[i], values[j], low[j]
            if operation is SUB:
                y, low_y = -y, -low_y
            out = x + y
            t = out - x
            lost = (x - (out - t)) + (y - t)  # exactly (Knuth, TAOCP 2, section 4.2.2)
            if lost or low_x or low_y:
                # What rounding lost is handed on in ``low`` (double-double addition: Dekker
                # 1971), so that a chain of sums is right to the last digit however long; the
                # rest of an error is what the operands brought.
                lost += low_x + low_y
                x = out + lost
                low[node] = rest = lost - (x - out)
                error = fabs(rest) + (
                    (errors[i] - fabs(low_x)) + (errors[j] - fabs(low_y)) + fabs(lost) * 2.0**-50
                )
                out = x
            else:
                error = errors[i] + errors[j]
            values[node] = out + 0.0
            errors[node] = error
            if not error <= fabs(out) * tolerance:
                if not fabs(out) < INFINITY:
                    raise Stopped(node, "overflow")
                doubt.check(binary64, node, (out, error), False)
            continue
        if operation is MUL:
            i, j = operands
            x, dx, y, dy = values[i], errors[i], values[j], errors[j]
            out = x * y
            size = fabs(out)
            if SMALL <= size <= LARGE:
                if dx:
                    error = fabs(y) * dx
                    if dy:
                        error += fabs(x) * dy + size * UNIT
                    elif frexp(y)[0] not in HALVES:
                        error += size * UNIT
                elif dy:
                    error = fabs(x) * dy
                    if frexp(x)[0] not in HALVES:
                        error += size * UNIT
                elif (
                    frexp(x)[0] in HALVES
                    or frexp(y)[0] in HALVES
                    or (out.is_integer() and product((x, y), out, LIMIT))
                ):
                    error = 0.0
                else:
                    error = size * UNIT
                values[node] = out
                errors[node] = error
                if error > size * tolerance:
                    doubt.check(binary64, node, (out, error), False)
                continue
        elif operation is NEG:
            i = operands[0]
            values[node] = 0.0 - values[i]
            errors[node] = errors[i]
            continue
        elif operation is EXP:
            i = operands[0]
            x, dx = values[i], errors[i]
            if dx <= SHORT and -650.0 < x < 650.0 and x:
                values[node] = out = exp(x)
                errors[node] = error = out * (2 * UNIT + dx)
                if error > out * tolerance:
                    doubt.check(binary64, node, (out, error), False)
                continue
        elif operation is DIV:
            i, j = operands
            x, dx, y, dy = values[i], errors[i], values[j], errors[j]
            divisor = fabs(y)
            if dy <= SHORT and dy < divisor and SMALL <= divisor <= LARGE:
                out = x / y
                size = fabs(out)
                if SMALL <= size <= LARGE:
                    error = size * UNIT
                    if dy:
                        error += (dx + size * dy) / divisor
                    elif frexp(y)[0] in HALVES or (not dx and quotient((x, y), out, LIMIT)):
                        error = dx / divisor
                    else:
                        error += dx / divisor
                    values[node] = out
                    errors[node] = error
                    if error > size * tolerance:
                        doubt.check(binary64, node, (out, error), False)
                    continue
        elif operation is IDENTITY:
            i = operands[0]
            values[node] = values[i]
            errors[node] = errors[i]
            continue
        values[node], errors[node] = other(graph, node, operation, regions, balls, doubt)
    return Forward(balls, regions)


def active(regions: Regions, region: int, node: int) -> bool:
    """Whether a node's region is evaluated."""
    try:
        return regions.active(region)
    except Uncertain as reason:
        raise Stopped(node, str(reason)) from None


def other(
    graph: Graph, node: int, operation: Operation, regions: Regions, values: Balls, doubt: Doubt
) -> Ball:
    """The value of a node that is not ordinary, or whose operation is not unrolled."""
    operands = graph.operands[node]
    try:
        if node in graph.condition_of:
            return values.at(operands[2 if regions.holds(graph.condition_of[node]) else 3])
        balls = [values.at(k) for k in operands]
        exact = not any(error for _, error in balls)
        result = applied(operation, balls) or binary64.apply(operation, balls)
    except Uncertain as reason:
        raise Stopped(node, str(reason)) from None
    except Outside as cause:
        raise Refused(node, cause, values) from None
    doubt.check(binary64, node, result, exact)
    return result


def backward(
    graph: Graph,
    output: int,
    upstream: float,
    reached: list[bool],
    run: Balls,
    local: Callable[[int, int], Ball | None],
    doubt: Doubt,
    every: bool,
) -> Balls:
    """The gradients of the output by every node that is reached, as ``passes.backward`` has them.

    every: each of them must be certain for itself. Otherwise one that underflows is 0 with a
    bound, which is small beside what it is added to, or else found out in the end.

    Raises Stopped where binary64 overflows, underflows or cannot decide.
    """
    values, errors = run.values, run.errors
    gradients: list[Any] = [None] * len(graph)
    bounds: list[float] = [0.0] * len(graph)
    gradients[output] = upstream
    tolerance = doubt.loose if every else INFINITY

    def more(node: int, sent: float, bound: float) -> None:
        """Hand on one more contribution to a node."""
        before = gradients[node]
        if before is None:
            gradients[node] = sent
        elif type(before) is list:
            before.append(sent)
        else:
            gradients[node] = [before, sent]
        bounds[node] += bound

    def send(
        node: int, sent: float, error: float, x: float, dx: float, y: float, dy: float
    ) -> None:
        """Hand on a contribution x*y that is not ordinary."""
        if not fabs(sent) <= LARGEST_FLOAT:
            raise Stopped(output, "overflow")
        if fabs(sent) < SMALL:
            if every:
                if x != 0 != y and (error or (x not in ONES and y not in ONES)):
                    raise Stopped(output, "underflow")
            elif (x or dx) and (y or dy):
                sent, error = 0.0, error + 2 * SMALL
        more(node, sent, error)

    for node in range(output, -1, -1):
        gradient = gradients[node]
        if gradient is None:
            continue
        bound = bounds[node]
        if type(gradient) is list:
            gradient, lost = total(gradient, output)
            gradients[node] = gradient
            bounds[node] = bound = bound + lost
            if lost and every and fabs(gradient) < SMALL:
                raise Stopped(output, "underflow")
        if bound > fabs(gradient) * tolerance:
            doubt.check(binary64, node, (gradient, bound), False)
        operation = graph.operations[node]
        if operation is None:
            continue
        operands = graph.operands[node]
        if operation is ADD:
            for i in operands:
                if reached[i]:
                    before = gradients[i]
                    if before is None:
                        gradients[i] = gradient
                        bounds[i] = bound
                    elif type(before) is list:
                        before.append(gradient)
                        bounds[i] += bound
                    else:
                        gradients[i] = [before, gradient]
                        bounds[i] += bound
        elif operation is MUL:
            i, j = operands
            scale = fabs(gradient)
            if reached[i]:
                y, dy = values[j], errors[j]
                sent = gradient * y
                size = fabs(sent)
                error = scale * dy + bound * fabs(y)
                if scale != 1.0:
                    error += size * UNIT
                if not SMALL <= size <= LARGE:
                    send(i, sent, error, gradient, bound, y, dy)
                elif gradients[i] is None:
                    gradients[i], bounds[i] = sent, error
                else:
                    more(i, sent, error)
            if reached[j]:
                y, dy = values[i], errors[i]
                sent = gradient * y
                size = fabs(sent)
                error = scale * dy + bound * fabs(y)
                if scale != 1.0:
                    error += size * UNIT
                if not SMALL <= size <= LARGE:
                    send(j, sent, error, gradient, bound, y, dy)
                elif gradients[j] is None:
                    gradients[j], bounds[j] = sent, error
                else:
                    more(j, sent, error)
        elif operation is EXP:
            i = operands[0]
            if reached[i]:
                y, dy = values[node], errors[node]
                sent = gradient * y
                size = fabs(sent)
                error = fabs(gradient) * dy + (bound + fabs(gradient) * UNIT) * y
                if not SMALL <= size <= LARGE:
                    send(i, sent, error, gradient, bound, y, dy)
                elif gradients[i] is None:
                    gradients[i], bounds[i] = sent, error
                else:
                    more(i, sent, error)
        elif operation is NEG:
            i = operands[0]
            if reached[i]:
                if gradients[i] is None:
                    gradients[i], bounds[i] = 0.0 - gradient, bound
                else:
                    more(i, 0.0 - gradient, bound)
        elif operation is SUB:
            i, j = operands
            if reached[i]:
                more(i, gradient, bound)
            if reached[j]:
                more(j, 0.0 - gradient, bound)
        else:
            for k, i in enumerate(operands):
                if not reached[i]:
                    continue
                slope = divided(values, errors, node, operands, k) if operation is DIV else None
                slope = slope or local(node, k)
                if slope is None:
                    continue
                y, dy = slope
                if dy > fabs(y) * tolerance:
                    doubt.check(binary64, node, slope, False)
                sent = gradient * y
                size = fabs(sent)
                error = fabs(gradient) * dy + bound * fabs(y)
                if gradient != 1.0 and y not in ONES:
                    error += size * UNIT
                if SMALL <= size <= LARGE:
                    more(i, sent, error)
                else:
                    send(i, sent, error, gradient, bound, y, dy)
    return Balls(gradients, bounds)


def divided(
    values: list[float], errors: list[float], node: int, operands: tuple[int, ...], k: int
) -> Ball | None:
    """The local gradient of a quotient x/y, 1/y or -out/y, where all is ordinary."""
    y, dy = values[operands[1]], errors[operands[1]]
    divisor = fabs(y)
    if dy > SHORT or dy >= divisor or not SMALL <= divisor <= LARGE:
        return None
    out = -values[node] / y if k else 1.0 / y
    size = fabs(out)
    if not SMALL <= size <= LARGE:
        return None
    error = (errors[node] + size * dy) / divisor if k else size * dy / divisor
    return out, error + size * UNIT


ONES = (1.0, -1.0)


def total(values: list[float], output: int) -> tuple[float, float]:
    """The sum of some floats, rounded once, and what that lost."""
    try:
        result = fsum(values)
    except OverflowError:
        raise Stopped(output, "overflow") from None
    values.append(-result)
    return result, fabs(fsum(values))
