"""Operations on ordinary floats, with their errors.

Nearly all numbers are ordinary: finite, far from 0 and from every edge of a domain. For these an
operation and the bound on its error are a handful of float operations, its kernel. Whatever is not
ordinary is ``Hard`` and left to `Arithmetic`, which knows every case; so nothing here decides
anything that is close.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from math import fabs, frexp
from typing import NamedTuple

from ..language.graph import Graph
from ..language.nearest import SMALLEST, Nearest
from ..language.table_texts import compiled, texts
from ..operations.exact import always, at_zero, product, quotient
from ..operations.row import Operation, relative
from ..operations.table import ADD, CONSTANTS, DIV, IDENTITY, MUL, NEG, OPERATIONS, POW, SUB
from .ball import ENLARGED, NEAR, UNIT, Ball, Undecided, compare

__all__ = [
    "KERNELS",
    "LARGE",
    "SMALL",
    "Hard",
    "Kernel",
    "constant",
    "few",
    "kernel",
    "local",
    "mul",
    "total",
]

SMALL = 2.0**-960
"""Below, a bound on a rounding error would itself lose digits in binary64."""
LARGE = 2.0**960
"""Ordinary numbers lie between SMALL and this."""
LIMIT = 2.0**53
"""Whole numbers below are exact."""
SHORT = 2.0**-32
"""The largest error that is near (see ball.NEAR)."""

Kernel = Callable[[float, float, float, float], tuple[float, float]]
"""A value and the bound on its error from x, its error, y, its error; raises Hard. That of one
operand may be given anything as y."""
Local = Callable[[float, float, float, float, float, float], tuple[float, float]]
"""A local gradient and the bound on its error from the operands, the result and their errors; raises
Hard, also where a kink is near."""


EXACT = (0.0, 0.0, 0.0)


class Hard(Exception):
    """A number is not ordinary."""


def constant(value: float | str) -> Ball:
    """The ball of a constant of the program, by its number or its name."""
    if type(value) is float:
        return value, 0.0
    if not isinstance(value, str):
        rest = value.rest if isinstance(value, Nearest) else 0.0
        return float(value), fabs(rest) * (1 + 2 * UNIT) + (SMALLEST if rest else 0.0)
    nearest = CONSTANTS[value]
    return nearest, nearest * UNIT


def total(values: list[float]) -> tuple[float, float]:
    """The sum of some floats, rounded once, and what that lost."""
    try:
        result = math.fsum(values)
    except OverflowError:
        raise Undecided("overflow") from None
    return result, fabs(math.fsum([*values, -result]))


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
    """The product."""
    out = x * y
    size = fabs(out)
    error = fabs(y) * dx + (fabs(x) + dx) * dy
    if not SMALL <= size <= LARGE:
        if size or (x and y) or (error < SMALL and (x or dx) and (y or dy)):
            raise Hard
        return 0.0, error
    if fabs(frexp(x)[0]) == 0.5 or fabs(frexp(y)[0]) == 0.5:
        return out, error  # by a power of two
    if few(x) and few(y):
        return out, error
    if out.is_integer() and product((x, y), out, LIMIT):
        return out, error
    return out, error + size * UNIT


def few(x: float) -> bool:
    """Whether a number has at most 26 binary digits (Veltkamp's splitting, Dekker 1971)."""
    t = x * 134217729.0
    return t - (t - x) == x


def div(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
    divisor = fabs(y)
    if not SMALL <= divisor <= LARGE or dy >= divisor:
        raise Hard
    out = x / y
    size = fabs(out)
    error = (dx + size * dy) / (divisor - dy)
    if not SMALL <= size <= LARGE:
        if x or (error < SMALL and (dx or dy)):
            raise Hard
        return 0.0, error
    if fabs(frexp(y)[0]) == 0.5 or (out.is_integer() and quotient((x, y), out, LIMIT)):
        return out, error
    return out, error + size * UNIT


def neg(x: float, dx: float, _y: float, _dy: float) -> tuple[float, float]:
    return 0.0 - x, dx


def identity(x: float, dx: float, _y: float, _dy: float) -> tuple[float, float]:
    return x, dx


def exponential(x: float, dx: float, _y: float, _dy: float) -> tuple[float, float]:
    if (dx and (dx > SHORT or dx > NEAR * fabs(x))) or not -650.0 < x < 650.0:
        raise Hard
    out = math.exp(x)
    return out, out * (2 * UNIT * (x != 0) + dx * ENLARGED)


def nearest(x: float, dx: float, _y: float, _dy: float) -> tuple[float, float]:
    """A whole number near x, and near whatever x may be (see Arithmetic.chosen)."""
    if not (fabs(x) <= LARGE and dx <= SHORT):
        raise Hard
    return float(round(x)), 0.0


def remainder(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
    """X less the whole multiple of y near it (see Arithmetic.chosen)."""
    size = fabs(y)
    if not (SMALL <= size <= LARGE and fabs(x) <= LARGE * min(size, 1.0)):
        raise Hard
    quotient = x / y
    if not 4 * (dx + (fabs(quotient) + 1) * dy) < size - dy:
        raise Hard
    out = math.remainder(x, y) + 0.0
    error = dx + fabs(round(quotient)) * dy
    if error and (fabs(out) or error) < SMALL:
        raise Hard
    return out, error


OPERATORS: dict[Operation, Kernel] = {
    ADD: add,
    SUB: sub,
    MUL: mul,
    DIV: div,
    NEG: neg,
    IDENTITY: identity,
    OPERATIONS["exp"]: exponential,
    OPERATIONS["_nearest"]: nearest,
    OPERATIONS["_remainder"]: remainder,
}

TAN = OPERATIONS["tan"]

# Every other function, from its row


def unknown(*_numbers: float) -> tuple[float, float]:
    """The kernel of what only `Arithmetic` has."""
    raise Hard


class Kernels(dict[Operation, Kernel]):
    """The kernel of every operation, made when it is first looked up, which is faster than a call."""

    def __missing__(self, operation: Operation) -> Kernel:
        self[operation] = function = kernel(operation)
        return function


KERNELS = Kernels()


def kernel(operation: Operation) -> Kernel:
    """An operation on ordinary floats."""
    if operation in OPERATORS:
        return OPERATORS[operation]
    if operation.variadic or len(operation.operands) > 2:
        return unknown
    if operation.requires and operation not in (POW, TAN):  # of which ``rounded`` takes care
        return unknown
    if any(isinstance(bound.limit, str) for bound in operation.domain):
        return unknown
    if computed := texts(operation).computed:
        return spelled(operation, computed)
    return rounded(operation) if operation.scale is relative else unknown


def inside(operation: Operation) -> Callable[[float, float, float, float], bool]:
    """Whether operands are within the domain, and their errors near at its edges."""
    names = operation.operands
    edges = [
        (names.index(b.operand), b.relation[0] != "<", b.relation[0] != ">", float(b.limit))
        for b in operation.domain
    ]

    def function(x: float, dx: float, y: float, dy: float) -> bool:
        for place, above, below, limit in edges:
            value, error = (y, dy) if place else (x, dx)
            distance = value - limit
            if not ((above and distance > 0) or (below and distance < 0)):
                return False
            if error > NEAR * fabs(distance):
                return False
        return True

    return function


def spelled(operation: Operation, text: Graph) -> Kernel:
    """An operation that a text of the table computes."""
    names, bounds, within = operation.operands, operation.domain, inside(operation)

    def function(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
        if bounds and not within(x, dx, y, dy):
            raise Hard
        return run(straight(text, names), (x, y, 0.0), (dx, dy, 0.0))

    return function


def rounded(operation: Operation) -> Kernel:
    """An operation that a library computes, within some units in the last place."""
    value, exact = operation.value, operation.exact
    assert value is not None
    slack = 2 * operation.ulps * UNIT
    bounds, within = operation.domain, inside(operation)
    power, binary = operation is POW, len(operation.operands) == 2
    operands, rules = operation.operands, ordinary_rules(operation)

    def function(x: float, dx: float, y: float, dy: float) -> tuple[float, float]:
        if dx and (dx > SHORT or dx > NEAR * fabs(x)):
            raise Hard
        if binary and dy and (dy > SHORT or dy > NEAR * fabs(y)):
            raise Hard
        if bounds and not within(x, dx, y, dy):
            raise Hard
        if power and not (x > 0 or (x and not dy and y.is_integer())):
            raise Hard
        try:
            out = value(x, y) if binary else value(x)
        except (OverflowError, ValueError, ZeroDivisionError):
            raise Hard from None
        size = fabs(out)
        if not SMALL <= size <= LARGE and (out or exact is not always):
            raise Hard
        if exact is at_zero and not binary:
            error = size * slack if x else 0.0
        elif exact((x, y) if binary else (x,), out, LIMIT):
            error = 0.0
        else:
            error = size * slack
        if dx or (binary and dy):
            moved = fabs(run(straight(rules[0], operands), (x, y, out), EXACT)[0]) * dx if dx else 0
            if binary and dy:
                moved += fabs(run(straight(rules[1], operands), (x, y, out), EXACT)[0]) * dy
            if moved * 2.0**20 > 1 + size:
                raise Hard
            error += moved * ENLARGED
        return out, error

    return function


def ordinary_rules(operation: Operation) -> list[Graph]:
    """The local gradients of an operation at ordinary points."""
    return [compiled(text) for text in operation.ordinary] or texts(operation).rules


@cache
def local(operation: Operation, k: int) -> Local:
    """The local gradient for operand k."""
    names = operation.operands
    if operation.variadic or len(names) > 2:
        return unknown
    if operation is POW and k == 0:
        return power_slope
    row, rule = texts(operation), straight(ordinary_rules(operation)[k], names)
    edges = [straight(edge, names) for edge in ((*row.kinks, row.cut) if row.cut else row.kinks)]

    def function(
        x: float, dx: float, y: float, dy: float, out: float, lost: float
    ) -> tuple[float, float]:
        operands, inherited = (x, y, out), (dx, dy, lost)
        for edge in edges:
            distance, error = run(edge, operands, inherited)
            if fabs(distance) <= error:
                raise Hard
        return run(rule, operands, inherited)

    return function


def power_slope(
    x: float, dx: float, y: float, dy: float, out: float, lost: float
) -> tuple[float, float]:
    """The local gradient of x^y for x."""
    if y - dy > 1:
        return mul(y, dy, *KERNELS[POW](x, dx, *sub(y, dy, 1.0, 0.0)))
    if y + dy < 1 and y:
        return mul(y, dy, *div(out, lost, x, dx))
    raise Hard


# Texts of the table


class Steps(NamedTuple):
    """A text as steps over registers: two operands and the result, then constants, then a result a step.

    A step is a kernel and the registers of its operands. That of an `if` has more: which register it
    selects where the difference of the operands is 0, positive and negative.
    """

    values: list[float]
    errors: list[float]
    steps: list[tuple[Kernel, int, int, tuple[int, ...]]]
    result: int


@cache
def straight(text: Graph, operands: tuple[str, ...]) -> Steps:
    """A text over one or two operands and `out` as steps."""
    registers = {name: k for k, name in enumerate(operands)} | {"out": 2}
    places = {node: registers[name] for name, node in text.variables.items()}
    constants = [constant(value) for value in text.constants.values()]
    places |= {node: 3 + k for k, node in enumerate(text.constants)}
    steps: list[tuple[Kernel, int, int, tuple[int, ...]]] = []
    for node, operation in enumerate(text.operations):
        if operation.leaf:
            continue
        used = [places[k] for k in text.operands[node]]
        places[node] = 3 + len(constants) + len(steps)
        if node in text.condition_of:
            comparison = text.conditions[text.condition_of[node]].comparison
            sides = tuple([used[2 if compare(k, comparison) else 3] for k in (0, 1, -1)])
            steps.append((sign, used[0], used[1], sides))
        else:
            steps.append((KERNELS[operation], used[0], used[-1], ()))
    values, errors = [value for value, _ in constants], [error for _, error in constants]
    return Steps(values, errors, steps, places[text.output])


def sign(x: float, dx: float, y: float, dy: float) -> tuple[int, float]:
    """The sign of a difference."""
    difference, error = x - y, dx + dy
    if error and fabs(difference) <= error:
        raise Hard
    return (difference > 0) - (difference < 0), 0.0


def run(text: Steps, operands: Sequence[float], inherited: Sequence[float]) -> tuple[float, float]:
    """The value of a text with its error, over two operands and the result."""
    values, errors = [*operands, *text.values], [*inherited, *text.errors]
    for function, i, j, sides in text.steps:
        value, error = function(values[i], errors[i], values[j], errors[j])
        if sides:
            k = sides[int(value)]
            value, error = values[k], errors[k]
        values.append(value)
        errors.append(error)
    return values[text.result], errors[text.result]
