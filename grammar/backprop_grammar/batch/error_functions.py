"""The error function and its complement over double-doubles with bounds.

Beyond what is near 0, the complement times exp(x^2) is a short Taylor series about a step of a
table; its terms follow from y' = 2*x*y - 2/sqrt(pi), which is the slope of that.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from .double_double import (
    BITS,
    NEAR,
    ONE,
    PI_UNITS,
    Triple,
    absolute,
    add,
    choose,
    entry,
    exact,
    exp,
    fixed,
    moved,
    mul,
    neg,
    ratio,
    small_product,
    sub,
    table,
    triple,
)
from .ufuncs import Column

__all__ = ["ERROR_FUNCTIONS"]

STEPS = 16
"""Steps of the table in 1."""

END = 6.5
"""Where it ends, from which erfc is below ``REST``."""

REST = 2.0**-64

TERMS, TAIL = 22, 10
"""Terms of the series, and from which on floats hold them."""

POWERS, LATE = 26, 12
"""The same of the series at 0."""

TWO_UNITS = (2 << 2 * BITS) // math.isqrt(PI_UNITS << BITS)
STEEPEST = triple(TWO_UNITS)
"""2/sqrt(pi)"""


@cache
def series() -> list[list[Column]]:
    """Of each term, the columns of first and of second parts, a row a step."""
    columns: list[list[int]] = [[] for _ in range(TERMS)]
    for k in range(int(END * STEPS) + 1):
        point = (k << BITS) // STEPS
        square = point * point >> BITS
        odd, term, n = 0, point, 1
        while term:
            odd += term
            n += 2
            term = (term * square >> BITS - 1) // n
        whole, term, n = 0, 1 << BITS, 0
        while term:
            whole += term
            n += 1
            term = (term * square >> BITS) // n
        before, last = 0, whole - (TWO_UNITS * odd >> BITS)
        for n in range(TERMS):
            columns[n].append(last)
            following = 2 * ((point * last >> BITS) + before) - (TWO_UNITS if n == 0 else 0)
            before, last = last, following // (n + 1)
    return [table(column) for column in columns]


def complement(x: Triple) -> Triple:
    """Erfc of numbers without error from 0 to END."""
    high, low, _ = x
    step = np.rint(high * STEPS)
    near = sub((high, low, 0.0), exact(step / STEPS))
    k, terms = step.astype(np.int64), series()
    tail = np.zeros_like(high)
    for n in range(TERMS - 1, TAIL - 1, -1):
        tail = terms[n][0].take(k) + near[0] * tail
    y: Triple = (tail, 0.0, np.abs(terms[TAIL][0].take(k)) * 2.0**-46)
    for n in range(TAIL - 1, -1, -1):
        y = add(entry(terms[n], k), small_product(near, y))
    return mul(exp(neg(mul(x, x))), y)


def erfc(x: Triple) -> Triple:
    high, low, error = x
    size = absolute((high, low, 0.0))
    far = ~(size[0] <= END)
    value = complement(choose(far, exact(np.float64(0.0)), size))
    value = choose(high < 0, sub(exact(np.float64(2.0)), value), value)
    value = choose(
        far, (np.where(high < 0, 2.0, 0.0), 0.0, np.where(high < 0, REST, np.inf)), value
    )
    steep = np.exp(-high * high) * 1.2
    steep = np.where(error * (1 + np.abs(high)) <= NEAR, steep, np.inf)
    steep = np.where(far & (high < 0), 1.2, steep)
    return fixed(x, moved(value, error, steep), 1.0)


def erf(x: Triple) -> Triple:
    high, low, error = x
    plain = (high, low, 0.0)
    size = absolute(plain)
    near, far = size[0] <= 0.5, ~(size[0] <= END)
    small = near_zero(choose(near, plain, exact(np.float64(0.0))))
    inside = choose(near | far, exact(np.float64(1.0)), size)
    large = choose(far, (np.float64(1.0), 0.0, REST), sub(ONE, complement(inside)))
    large = choose(high < 0, neg(large), large)
    return fixed(x, moved(choose(near, small, large), error, 1.2), 0.0)


def near_zero(x: Triple) -> Triple:
    """Erf of numbers without error up to 1/2: its series."""
    square = mul(x, x)
    below = [(-1) ** n * math.factorial(n) * (2 * n + 1) for n in range(POWERS)]
    tail = np.zeros_like(x[0])
    for n in range(POWERS - 1, LATE - 1, -1):
        tail = 1 / below[n] + square[0] * tail
    y: Triple = (tail, 0.0, np.abs(tail) * 2.0**-48)
    for n in range(LATE - 1, -1, -1):
        y = add(
            ratio(1, below[n]) if below[n] > 0 else neg(ratio(1, -below[n])),
            small_product(square, y),
        )
    return mul(mul(x, STEEPEST), y)


ERROR_FUNCTIONS: dict[str, Callable[..., Triple]] = {"erf": erf, "erfc": erfc}
"""By their names in the table."""
