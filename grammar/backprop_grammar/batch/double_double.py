"""Double-doubles with bounds, in columns: twice the digits of a float, and how many of them are right.

A number is the sum of two floats, the second at most half an ulp of the first, and a bound on how
far that is from the truth. What is 0 throughout, a second part or a bound, is the plain number 0.0,
so that it costs nothing: columns of floats are exact, and so are their sums and products.

A bound is right but for a relative error of its own, at most 2^-50 of it an operation; it is read
through ``reach``, which makes up for that. Where nothing is known it is infinite or undefined.

Sums and products: Dekker, A floating-point technique for extending the available precision (1971);
Knuth, TAOCP 2, section 4.2.2. Functions: arguments are reduced by tables until floats hold all but
the first terms (Tang, Table-driven implementation of the exponential function, 1989).
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..numbers.ball import UNIT
from .ufuncs import Column

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "ONE",
    "SLACK",
    "Triple",
    "absolute",
    "add",
    "choose",
    "difference",
    "div",
    "exact",
    "is_zero",
    "mul",
    "neg",
    "over",
    "ratio",
    "reach",
    "some",
    "steepest",
    "sub",
    "trusted",
    "two_sum",
]

SMALL = 2.0**-900
"""Below, the second part of a product may lose digits."""
SPLITTER = 2.0**27 + 1
SLACK = 1 + 2.0**-20
OWN = 2.0**-102
"""The relative error of a product, a quotient or a root, of which some 2^-104 is needed."""
NEAR = 2.0**-12
"""The largest error of an exponent."""

Triple = tuple[Any, Any, Any]
"""Two columns, or floats of NumPy's, whose sum is the number, and a bound on its error."""


def some(part: Any) -> bool:
    """Whether a second part or a bound is anything but 0 throughout."""
    return not (type(part) is float and part == 0)


def exact(value: Any) -> Triple:
    """Floats as what they are."""
    return value, 0.0, 0.0


def ratio(above: int, below: int) -> Triple:
    """The quotient of two whole numbers, which binary64 can hold."""
    high = above / below
    n, d = high.as_integer_ratio()
    low = (above * d - n * below) / (below * d)
    return np.float64(high), low, abs(high) * 2.0**-105 if low else 0.0


ONE = exact(np.float64(1.0))


# What is known of a number


def reach(x: Triple) -> Any:
    """How far the first part may be from the truth."""
    _, low, error = x
    if not some(low):
        return error * SLACK
    return (np.abs(low) + error) * SLACK


def is_zero(x: Triple) -> Any:
    """Where it is exactly 0; the second part is 0 where the first one is."""
    return (x[0] == 0) & (x[2] == 0)


def choose(mask: Column, x: Triple, y: Triple) -> Triple:
    """X where a mask holds, else y."""
    a, b, c = (
        np.where(mask, p, q) if some(p) or some(q) else 0.0 for p, q in zip(x, y, strict=True)
    )
    return a, b, c


def absolute(x: Triple) -> Triple:
    """The absolute value."""
    high, low, error = x
    return np.abs(high), np.where(high < 0, -low, low) if some(low) else 0.0, error


# Without error


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """A sum, and what its rounding lost."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def quick_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """The same where b is below an ulp of a."""
    s = a + b
    return s, b - (s - a)


def split(a: Any) -> tuple[Any, Any]:
    """Two parts of at most 26 bits, whose products are exact."""
    c = a * SPLITTER
    high = c - (c - a)
    return high, a - high


def two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """A product, and what its rounding lost, unless it is near the smallest float."""
    p = a * b
    a1, a2 = split(a)
    b1, b2 = (a1, a2) if b is a else split(b)
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


# Arithmetic


def neg(x: Triple) -> Triple:
    """The number with the opposite sign."""
    high, low, error = x
    return -high, -low if some(low) else 0.0, error


def add(x: Triple, y: Triple) -> Triple:
    """The sum; exact where it can be held."""
    (a, b, e), (c, d, f) = x, y
    high, low = two_sum(a, c)
    error = e + f if some(e) and some(f) else e if some(e) else f
    if some(b) or some(d):
        rest = b if some(b) else d
        if some(b) and some(d):
            rest = b + d
            error = error + np.abs(rest) * UNIT
        low, lost = two_sum(low, rest)
        high, low = two_sum(high, low)
        error = error + np.abs(lost)
    return high, low, error


def sub(x: Triple, y: Triple) -> Triple:
    """The difference; exact where it can be held."""
    return add(x, neg(y))


def difference(x: Triple, y: Triple) -> tuple[Any, Any]:
    """The sign of x - y as that of a number, and where it is in doubt."""
    d = sub(x, y)
    return d[0], ~((np.abs(d[0]) > reach(d)) | is_zero(d))


def mul(x: Triple, y: Triple) -> Triple:
    """The product; exact for floats, and for a power of two."""
    for one, other in ((x, y), (y, x)):
        if plain(one) and abs(math.frexp(one[0])[0]) == 0.5:
            return scaled(other, one[0])
    high, low, error = product(x, y)
    return high, low, trusted(high, error, x, y)


def plain(x: Triple) -> bool:
    """Whether it is one number for all, which a float is."""
    return not (np.ndim(x[0]) or some(x[1]) or some(x[2]))


def product(x: Triple, y: Triple) -> Triple:
    """The product, if it is not near the smallest float."""
    (a, b, e), (c, d, f) = x, y
    high, low = two_product(a, c)
    error: Any = 0.0
    if some(b) or some(d):
        cross = a * d + b * c if some(b) and some(d) else a * d if some(d) else b * c
        error = np.abs(high) * OWN
        high, low = quick_sum(high, low + cross)
    if some(f):
        error = error + np.abs(a) * f
    if some(e):
        error = error + np.abs(c) * e
        if some(f):
            error = error + e * f
    return high, low, error


def scaled(x: Triple, factor: Any) -> Triple:
    """The product with a power of two."""
    high, low, bound = x
    bound = bound * abs(factor) if some(bound) else 0.0
    high = high * factor
    return high, low * factor if some(low) else 0.0, trusted(high, bound, x, ONE)


def trusted(value: Any, error: Any, x: Triple, y: Triple) -> Any:
    """The bound of a product, infinite where that is too small for its second part; not where it
    is shown as 0, of which this is all that is known.
    """
    size = np.abs(value)
    if np.min(size, initial=1.0) >= SMALL:
        return error
    faint = (size < SMALL) & ((size > 0) | (error < SMALL)) & ~is_zero(x) & ~is_zero(y)
    return np.where(faint, np.where(size == 0, 2 * SMALL, np.inf), error)


def div(x: Triple, y: Triple) -> Triple:
    """The quotient; nothing is known where the divisor may be 0. By a power of two it is exact."""
    if plain(y) and abs(math.frexp(y[0])[0]) == 0.5 and SMALL < abs(y[0]) < 1 / SMALL:
        return scaled(x, 1 / y[0])
    (a, b, e), (c, d, f) = x, y
    high = a / c
    p, q = two_product(high, c)
    rest = (a - p) - q
    error: Any = 0.0
    if some(b):
        rest = rest + b
    if some(d):
        rest = rest - high * d
    if some(b) or some(d):
        error = np.abs(high) * OWN
    low = rest / c
    error = error + np.abs(low) * 2.0**-50
    high, low = quick_sum(high, low)
    if some(e) or some(f):
        error = error + over(x, high, y)
    return high, low, trusted(high, error, x, ONE)


def over(x: Triple, value: Any, y: Triple) -> Any:
    """How far the errors of both may have moved a quotient; infinite where y may be 0."""
    moved, room = x[2], np.abs(y[0])
    if some(y[2]):
        moved = moved + np.abs(value) * y[2]
        room = np.maximum(room - y[2] * SLACK, 0.0)
    return moved / room


def sqrt(x: Triple) -> Triple:
    """The square root; nothing is known where the number may be negative, or is near 0."""
    a, b, e = x
    high = np.sqrt(a)
    p, q = two_product(high, high)
    rest = (a - p) - q
    error: Any = 0.0
    if some(b):
        rest = rest + b
        error = high * OWN
    low = rest / (high * 2)
    error = error + np.abs(low) * 2.0**-50
    if some(e):
        error = error + np.where(e * SLACK < a, e / high, np.inf)
    high, low = quick_sum(high, low)
    if np.min(a, initial=1.0) >= SMALL:
        return high, low, error
    error = np.where(a >= SMALL, error, np.inf)
    return choose(is_zero(x), exact(np.float64(0.0)), (high, low, error))


# Constants and tables, in units of 2^-BITS

BITS = 256


def triple(units: int) -> Triple:
    """A number in units of 2^-BITS, of which the last few may be wrong."""
    high, low, _ = ratio(units, 1 << BITS)
    return high, low, abs(high) * 2.0**-105


def arctan_inverse(n: int, sign: int) -> int:
    """The arc tangent of 1/n; or, with signs of 1, the hyperbolic one."""
    power, total, k = (1 << BITS + 64) // n, 0, 1
    while power:
        total += sign ** (k // 2) * (power // k)
        power, k = power // (n * n), k + 2
    return total


LN2_UNITS = 2 * arctan_inverse(3, 1) >> 64
PI_UNITS = 4 * (4 * arctan_inverse(5, -1) - arctan_inverse(239, -1)) >> 64
"""By Machin's formula."""
E_UNITS = sum((1 << BITS + 64) // math.factorial(k) for k in range(80)) >> 64
LN2 = triple(LN2_UNITS)
CONSTANTS = {"pi": triple(PI_UNITS), "tau": triple(2 * PI_UNITS), "e": triple(E_UNITS)}

STEPS = 1024
"""Steps of a table: of a power of two, and of a quarter of a circle."""


class Reduction(NamedTuple):
    """What a number is taken modulo of: one over it, and itself in three parts, of which the
    products of the first two with the whole numbers that are met are exact.
    """

    inverse: float
    parts: tuple[float, ...]
    largest: float


def reduction(units: int, bits: int, largest: float) -> Reduction:
    """A step in units of 2^-BITS/STEPS in parts of so many bits; largest: what is reduced."""
    parts, rest, unit = list[float](), units, -BITS - 10
    for width in (bits, bits, 53):
        shift = rest.bit_length() - width
        parts.append(math.ldexp(rest >> shift, shift + unit))
        rest &= (1 << shift) - 1
    return Reduction(1 / math.ldexp(units, unit), tuple(parts), largest)


OF_EXP = reduction(LN2_UNITS, 32, 620.0)
OF_WAVES = reduction(PI_UNITS >> 1, 26, 1e5)


def reduced(x: Triple, by: Reduction) -> tuple[Any, Triple]:
    """The nearest whole number of steps, and what is left of x, without its own error.

    Infinite is the bound on what is too large.
    """
    high, low, _ = x
    error: Any = 0.0
    far = ~(np.abs(high) <= by.largest)
    if far.any():
        high, error = np.where(far, 0.0, high), np.where(far, np.inf, 0.0)
    n = np.rint(high * by.inverse)
    first, second, third = by.parts
    a, b = two_sum(high - n * first, -(n * second))
    c = low - n * third
    d = b + c
    error = error + (np.abs(c) + np.abs(d) + np.abs(n) * (4 * third)) * (UNIT * (n != 0))
    a, d = two_sum(a, d)
    return n.astype(np.int64), (a, d, error)


@cache
def powers() -> list[Column]:
    """2^(k/STEPS): the first parts, and the second ones."""
    root = 2 << BITS
    for _ in range(STEPS.bit_length() - 1):
        root = math.isqrt(root << BITS)
    units = [1 << BITS]
    while len(units) < STEPS:
        units.append(units[-1] * root >> BITS)
    return table(units)


@cache
def sines() -> list[Column]:
    """Of a circle in 4 STEPS, and a quarter more."""
    angle = PI_UNITS // (2 * STEPS)
    turn, term, k = [0, 0], 1 << BITS, 0
    while term:
        turn[k % 2] += term if k % 4 < 2 else -term
        k += 1
        term = (term * angle >> BITS) // k
    c, s = turn
    points = [(1 << BITS, 0)]
    while len(points) <= STEPS // 2:
        x, y = points[-1]
        points.append((x * c - y * s >> BITS, y * c + x * s >> BITS))
    quarter = [y for _, y in points] + [x for x, _ in points[-2::-1]]
    half = quarter + quarter[-2::-1]
    return table([*half, *(-y for y in half[1:]), *quarter[1:]])


def table(units: Sequence[int]) -> list[Column]:
    """Numbers as columns of first and second parts."""
    return [np.array(part) for part in zip(*[triple(k)[:2] for k in units], strict=True)]


def entry(parts: Sequence[Column], k: Column) -> Triple:
    """Entries of a table."""
    high, low = (part.take(k) for part in parts)
    return high, low, np.abs(high) * 2.0**-105


# Functions of numbers without error


def expm1_near(x: Triple) -> Triple:
    """exp(x) - 1 where x is below 2^-11."""
    high = x[0]
    tail = high * (1 / 6 + high * (1 / 24 + high * (1 / 120 + high * (1 / 720))))
    tail = tail * high * high
    return joined(joined(x, half_square(x)), (tail, 0.0, np.abs(tail) * 2.0**-49))


def joined(x: Triple, y: Triple) -> Triple:
    """The sum with a smaller number."""
    (a, b, e), (c, d, f) = x, y
    high, low = quick_sum(a, c)
    return high, low + (b + d), e + f + np.abs(a) * OWN


def half_square(x: Triple) -> Triple:
    """Half of the square of what is small."""
    high, low, error = small_product(x, x)
    return high * 0.5, low * 0.5, error * 0.5


def small_product(x: Triple, y: Triple) -> Triple:
    """A product beside larger numbers."""
    high, low, error = product(x, y)
    return high, low, error + SMALL


def exponential(x: Triple) -> tuple[Triple, Triple, Any]:
    """exp(x); and, where the last is true, exp(x) - 1."""
    n, rest = reduced(x, OF_EXP)
    near = expm1_near(rest)
    step = entry(powers(), n & STEPS - 1)
    high, low, error = joined(step, small_product(step, near))
    size = np.ldexp(1.0, n >> STEPS.bit_length() - 1)
    high, low = quick_sum(high * size, low * size)
    return (high, low, error * size), near, n == 0


def less_one(x: Triple) -> Triple:
    """exp(x) - 1."""
    value, near, here = exponential(x)
    return choose(here, near, sub(value, ONE))


def log_near(x: Triple) -> Triple:
    """log(1 + x), where 1 + x lies between the roots of 1/2 and 2: one step of Newton's."""
    y = np.log1p(x[0])
    less = less_one(exact(-y))
    high, low, error = add(add(x, less), small_product(x, less))
    return add(exact(y), (high, low, error + high * high))


def log_parts(x: Triple) -> tuple[Any, Triple]:
    """The power of two of a number, and by how much what is left is above 1."""
    high, low, error = x
    mantissa, power = np.frexp(high)
    small = mantissa < math.sqrt(0.5)
    mantissa, power = np.where(small, mantissa * 2, mantissa), power - small
    less = -power
    rest = np.ldexp(low, less) if some(low) else 0.0
    bound = np.ldexp(error, less) if some(error) else 0.0
    return power, add(exact(mantissa - 1), (rest, 0.0, bound))


def log_of(power: Any, rest: Triple) -> Triple:
    """The logarithm of what has these parts."""
    return add(log_near(rest), mul(exact(power.astype(float)), LN2))


def waves(x: Triple) -> tuple[Triple, Triple]:
    """Sine and cosine."""
    n, rest = reduced(x, OF_WAVES)
    k = n & 4 * STEPS - 1
    s, c = entry(sines(), k), entry(sines(), k + STEPS)
    high = rest[0]
    square = high * high
    tail = high * square * (-1 / 6 + square * (1 / 120 - square * (1 / 5040)))
    sine = joined(rest, (tail, 0.0, np.abs(tail) * 2.0**-49))
    tail = square * square * (1 / 24 - square * (1 / 720))
    less = joined(neg(half_square(rest)), (tail, 0.0, tail * 2.0**-48))
    return (
        add(add(s, small_product(s, less)), small_product(c, sine)),
        add(add(c, small_product(c, less)), neg(small_product(s, sine))),
    )


# Functions


def moved(value: Triple, error: Any, steep: Any) -> Triple:
    """A value with what an error of its operand adds at the most."""
    if not some(error):
        return value
    high, low, own = value
    return high, low, own + error * steep


def fixed(x: Triple, value: Triple, result: float) -> Triple:
    """A value, exact where the operand is 0."""
    here = is_zero(x)
    return choose(here, exact(np.float64(result)), value) if here.any() else value


def exp(x: Triple) -> Triple:
    value, _, _ = exponential(x)
    value = moved(value, x[2], steepest(x, value[0]))
    low = x[0] < -OF_EXP.largest
    if np.any(low):
        known = low & (x[2] <= NEAR)
        value = choose(known, (np.float64(0.0), 0.0, FAINT), value)
    return fixed(x, value, 1.0)


FAINT = 2.0**-512
"""A bound on the exponential of what is far below 0, with which bounds of products are floats."""


def expm1(x: Triple) -> Triple:
    value = less_one(x)
    return fixed(x, moved(value, x[2], steepest(x, value[0] + 1.5)), 0.0)


def steepest(x: Triple, power: Any) -> Any:
    """How steep exp is within the error of x, where that is not too large."""
    return np.where(x[2] <= NEAR, power * (1 + 2 * NEAR), np.inf)


def log(x: Triple) -> Triple:
    high, low, error = x
    value = log_of(*log_parts((high, low, 0.0)))
    value = moved(value, error, inverse(high - error * SLACK))
    one = (high == 1) & (low == 0) & (error == 0)
    return choose(one, exact(np.float64(0.0)), value) if np.any(one) else value


def log1p(x: Triple) -> Triple:
    high, low, error = x
    one_more = add(ONE, (high, low, 0.0))
    power, rest = log_parts(one_more)
    value = log_of(power, choose(power == 0, (high, low, 0.0), rest))
    return fixed(x, moved(value, error, inverse(one_more[0] - error * SLACK)), 0.0)


def inverse(room: Any) -> Any:
    """One over what is left of an operand when its error is taken away."""
    return np.where(room > 0, 1 / room, np.inf)


def sin(x: Triple) -> Triple:
    return fixed(x, moved(waves(x)[0], x[2], 1.0), 0.0)


def cos(x: Triple) -> Triple:
    return fixed(x, moved(waves(x)[1], x[2], 1.0), 1.0)


def tanh(x: Triple) -> Triple:
    high, low, _ = absolute(x)
    less = less_one((high * -2, low * -2, 0.0))
    value = div(neg(less), add(less, exact(np.float64(2.0))))
    return fixed(x, moved(choose(x[0] < 0, neg(value), value), x[2], 1.0), 0.0)


def sinh(x: Triple) -> Triple:
    less = expm1(absolute(x))
    value = scaled(add(less, div(less, add(less, ONE))), 0.5)
    return fixed(x, choose(x[0] < 0, neg(value), value), 0.0)


def cosh(x: Triple) -> Triple:
    value = exp(absolute(x))
    return scaled(add(value, div(ONE, value)), 0.5)


def atan(x: Triple) -> Triple:
    """A step of Newton's: what is left of x when an angle is turned back is a small slope."""
    high, low, error = x
    angle = np.arctan(high)
    s, c = waves(exact(angle))
    x = high, low, 0.0
    rest = div(sub(mul(x, c), s), add(c, mul(x, s)))
    rest = rest[0], rest[1], rest[2] + rest[0] * rest[0]
    return fixed((high, low, error), moved(add(exact(angle), rest), error, 1.0), 0.0)


def asin(x: Triple) -> Triple:
    return atan(div(x, sqrt(mul(sub(ONE, x), add(ONE, x)))))


def asinh(x: Triple) -> Triple:
    size = absolute(x)
    square = mul(x, x)
    value = log1p(add(size, div(square, add(ONE, sqrt(add(ONE, square))))))
    return choose(x[0] < 0, neg(value), value)


def acosh(x: Triple) -> Triple:
    less = sub(x, ONE)
    return log1p(add(less, sqrt(mul(less, add(x, ONE)))))


def atanh(x: Triple) -> Triple:
    return scaled(log1p(div(scaled(x, 2.0), sub(ONE, x))), 0.5)


def cbrt(x: Triple) -> Triple:
    """A step of Newton's."""
    high, low, error = x
    root = np.cbrt(high)
    square = mul(exact(root), exact(root))
    slope = mul(square, exact(np.float64(3.0)))
    rest = div(sub((high, low, 0.0), mul(square, exact(root))), slope)
    rest = rest[0], rest[1], rest[2] + 2 * rest[0] * rest[0] / np.abs(root)
    steep = np.where(error <= NEAR * np.abs(high), (1 + 2 * NEAR) / slope[0], np.inf)
    return fixed(x, moved(add(exact(root), rest), error, steep), 0.0)


def hypot(x: Triple, y: Triple) -> Triple:
    return sqrt(add(mul(x, x), mul(y, y)))


def power(x: Triple, y: Triple) -> Triple:
    """x^y: products where y is one whole number that is small, else where x is positive."""
    exponent = float(y[0]) if not np.ndim(y[0]) else 0.5
    if not exponent.is_integer() or not 0 < abs(exponent) <= MOST or some(y[2]):
        return exp(mul(y, log(x)))
    whole, result = abs(int(exponent)), x
    for bit in f"{whole:b}"[1:]:
        result = mul(result, result)
        if bit == "1":
            result = mul(result, x)
    return result if exponent > 0 else div(ONE, result)


MOST = 64
"""Up to which power products are taken."""

FUNCTIONS: dict[str, Callable[..., Triple]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log2": lambda x: div(log(x), LN2),
    "log10": lambda x: div(log(x), log(exact(np.float64(10.0)))),
    "log1p": log1p,
    "sqrt": sqrt,
    "hypot": hypot,
    "abs": absolute,
    "sin": sin,
    "cos": cos,
    "tan": lambda x: div(sin(x), cos(x)),
    "asin": asin,
    "acos": lambda x: sub(scaled(CONSTANTS["pi"], 0.5), asin(x)),
    "atan": atan,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asinh": asinh,
    "acosh": acosh,
    "atanh": atanh,
    "cbrt": cbrt,
    "pow": power,
}
"""What there is of the functions of the table."""
