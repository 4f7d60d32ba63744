"""Operations on ordinary floats, with their errors.

The insight: nearly all numbers are ordinary: finite, far from 0 and from every edge of a domain.
For these an operation and the bound on its error are a handful of float operations, and a text
of the table is a flat list of such steps. Whatever is not ordinary is ``Hard`` and left to
`Arithmetic`, which knows every case; so nothing here decides anything that is close.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from math import fabs
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import compiled, texts
from ..operations.exact import at_zero, product, quotient
from ..operations.row import Operation, relative
from .arithmetic import SMALL, binary64
from .ball import UNIT, Ball, compare

__all__ = ["HALVES", "LARGE", "LIMIT", "SHORT", "Hard", "applied", "slope"]

LIMIT = 2.0**53
"""Whole numbers below are exact."""
LARGE = 2.0**960
"""Ordinary numbers lie between SMALL and this."""
SHORT = 2.0**-32
"""An error over which the slope of an operation may be taken as constant."""
HALVES = (0.5, -0.5)
"""The mantissas of powers of two."""

Kernel = Callable[[float, float, float, float], tuple[float, float]]
"""A value and the bound on its error from x, its error, y, its error; raises Hard."""


class Hard(Exception):
    """A number is not ordinary."""


# The operators


def add(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
    out = x + y
    t = out - x
    error = dx + dy + fabs((x - (out - t)) + (y - t))  # Knuth, TAOCP 2, section 4.2.2
    size = fabs(out)
    if not size <= LARGE or (error and size < SMALL and out):
        raise Hard
    return out + 0.0, error


def sub(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
    return add(x, dx, -y, dy)


def mul(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
    out = x * y
    size = fabs(out)
    error = fabs(y) * dx + fabs(x) * dy
    if not SMALL <= size <= LARGE:
        if size or (x and y):
            raise Hard
        return 0.0, error
    exact = product((x, y), out, LIMIT)
    return out, error if exact else error + size * UNIT


def div(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
    divisor = fabs(y)
    if not SMALL <= divisor <= LARGE or dy > SHORT or dy >= divisor:
        raise Hard
    out = x / y
    size = fabs(out)
    error = (dx + size * dy) / divisor
    if not SMALL <= size <= LARGE:
        if x:
            raise Hard
        return 0.0, error
    exact = quotient((x, y), out, LIMIT)
    return out, error if exact else error + size * UNIT


def neg(x: float, dx: float, _y: float, _dy: float) -> tuple[float, float]:
    return 0.0 - x, dx


def exponential(x: float, dx: float, _y: float, _dy: float) -> tuple[float, float]:
    if dx > SHORT or not -650.0 < x < 650.0:
        raise Hard
    out = math.exp(x)
    return out, out * (2 * UNIT * (x != 0) + dx)


OPERATORS: dict[str, Kernel] = {"add": add, "sub": sub, "mul": mul, "div": div, "neg": neg, "exp": exponential}  # fmt: skip

# Every other function, from its row


@cache
def kernel(operation: Operation) -> Kernel | None:
    """An operation on ordinary floats; None where only ``Arithmetic`` has it."""
    if operation.name in OPERATORS:
        return OPERATORS[operation.name]
    if operation.variadic or len(operation.operands) > 2 or operation.name == "if":
        return None
    if computed := texts(operation).computed:
        steps = flat(computed, operation.operands, kernel)
        if steps is None:
            return None
        return lambda x, dx, y, dy: swept(steps, (x, y, 0.0), (dx, dy, 0.0))
    if operation.scale is not relative or (operation.requires and operation.name != "pow"):
        return None
    slopes = [flat(rule, operation.operands, bare) for rule in rules_of(operation)]
    return None if None in slopes else rounded(operation, slopes)


def bare(operation: Operation) -> Callable[..., float] | None:
    """The value of an operation, of two floats; None where that is a text itself."""
    value = abs if operation.name == "abs" else operation.value
    if value is None or len(operation.operands) == 2:
        return value
    return lambda x, _y: value(x)


def rounded(operation: Operation, slopes: "list[Steps | None]") -> Kernel:
    """An operation that a library computes, within some units in the last place."""
    value, exact = bare(operation), operation.exact
    assert value is not None
    slack = 2 * operation.ulps * UNIT
    domain = [(bound.relation[0] == ">", bound.limit) for bound in operation.domain]
    power, binary = operation.name == "pow", len(operation.operands) == 2

    def function(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
        if dx > SHORT or dy > SHORT:
            raise Hard
        for above, limit in domain:
            if not (x - dx > limit if above else x + dx < limit):  # type: ignore[operator]
                raise Hard
        if power and not (x > dx or (fabs(x) > dx and not dy and y.is_integer())):
            raise Hard
        try:
            out = value(x, y)
        except (OverflowError, ValueError, ZeroDivisionError):
            raise Hard from None
        size = fabs(out)
        if not SMALL <= size <= LARGE:
            raise Hard
        if exact is at_zero and not binary:
            error = size * slack if x else 0.0
        elif exact(((x, y) if binary else (x,)), out, LIMIT):
            error = 0.0
        else:
            error = size * slack
        if dx:
            error += fabs(plain(slopes[0], x, y, out)) * dx
        if binary and dy:
            error += fabs(plain(slopes[1], x, y, out)) * dy
        return out, error

    return function


ORDINARY = {"pow": ("y*(out/x)", "out*log(x)")}
"""Local gradients at ordinary points, of a row whose own text is mostly about the others."""


@cache
def rules_of(operation: Operation) -> list[Graph]:
    """The local gradients of an operation at ordinary points."""
    if operation.name not in ORDINARY:
        return texts(operation).rules
    return [compiled(text) for text in ORDINARY[operation.name]]


def applied(operation: Operation, operands: Sequence[Ball]) -> Ball | None:
    """The value of an operation with its error, where all is ordinary; else None."""
    function = kernel(operation)
    if function is None:
        return None
    (x, dx), (y, dy) = operands if len(operands) == 2 else (operands[0], NOTHING)
    try:
        return function(x, dx, y, dy)
    except Hard:
        return None


NOTHING = (0.0, 0.0)


@cache
def slopes_of(operation: Operation) -> "tuple[list[Steps | None], list[Steps | None]]":
    """The local gradients of an operation, and the texts that are 0 where it has a kink or a cut."""
    if operation.variadic or len(operation.operands) > 2:
        return [], []
    row = texts(operation)
    edges = [*row.kinks, row.cut] if row.cut else row.kinks
    return (
        [flat(rule, operation.operands, kernel) for rule in rules_of(operation)],
        [flat(text, operation.operands, kernel) for text in edges],
    )


def slope(operation: Operation, k: int, operands: Sequence[Ball], out: Ball) -> Ball | None:
    """The local gradient for operand k with its error, where all is ordinary; else None."""
    rules, edges = slopes_of(operation)
    rule = rules[k] if rules else None
    if rule is None or None in edges:
        return None
    (x, dx), (y, dy) = operands if len(operands) == 2 else (operands[0], NOTHING)
    values, errors = (x, y, out[0]), (dx, dy, out[1])
    try:
        for edge in edges:
            distance, error = swept(edge, values, errors)
            if fabs(distance) <= error:
                return None
        return swept(rule, values, errors)
    except Hard:
        return None


# Texts of the table as steps


class Steps:
    """A text as steps over registers: x, y and out, then constants, then a result a step.

    A step is a function with the registers of its two operands; or the comparison of an `if`
    with the registers of its four, which are all computed.
    """

    def __init__(self) -> None:
        self.values: list[float] = []
        self.errors: list[float] = []
        self.steps: list[tuple[Any, ...]] = []
        self.result = 0


def flat(
    graph: Graph, operands: tuple[str, ...], function: Callable[[Operation], Any]
) -> Steps | None:
    """A text of the table as steps; None where an operation has no such function."""
    found = Steps()
    places = {**dict(zip(operands, (0, 1), strict=False)), "out": 2}
    moved = {node: places[name] for name, node in graph.variables.items()}
    for node, constant in graph.constants.items():
        value, error = binary64.constant(constant)
        moved[node] = 3 + len(found.values)
        found.values.append(value)
        found.errors.append(error)
    for node, operation in enumerate(graph.operations):
        if operation is None:
            continue
        registers = [moved[k] for k in graph.operands[node]]
        moved[node] = 3 + len(found.values) + len(found.steps)
        if node in graph.condition_of:
            first: Any = graph.conditions[graph.condition_of[node]].comparison
        else:
            first = function(operation)
            if first is None or len(registers) > 2:
                return None
        found.steps.append((first, *registers, *([0] if len(registers) == 1 else ())))
    found.result = moved[graph.output]
    return found


def swept(
    text: Steps | None, operands: Sequence[float], inherited: Sequence[float]
) -> tuple[float, float]:
    """The value of a text with its error, over x, y and out."""
    assert text is not None
    values, errors = [*operands, *text.values], [*inherited, *text.errors]
    for function, i, j, *sides in text.steps:
        if sides:
            difference, error = values[i] - values[j], errors[i] + errors[j]
            if error and fabs(difference) <= error:
                raise Hard
            chosen = sides[not compare((difference > 0) - (difference < 0), function)]
            result, error = values[chosen], errors[chosen]
        else:
            result, error = function(values[i], errors[i], values[j], errors[j])
        values.append(result)
        errors.append(error)
    return values[text.result], errors[text.result]


def plain(text: Steps | None, x: float, y: float, out: float) -> float:
    """The value of a text alone, without an `if`."""
    assert text is not None
    values = [x, y, out, *text.values]
    try:
        for function, i, j, *sides in text.steps:
            result = math.inf if sides else function(values[i], values[j])
            if not SMALL <= fabs(result) <= LARGE:
                raise Hard
            values.append(result)
    except (OverflowError, ValueError, ZeroDivisionError):
        raise Hard from None
    return values[text.result]
