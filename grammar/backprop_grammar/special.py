"""Values that the standard library does not give, or not to the last digits.

Functions of floats here stay within a few ulp over their whole domain. Functions
whose name starts with `wide_` take the mpmath module first and work at its
precision with unbounded exponents; they raise OverflowError beyond ``LARGEST``.
"""

import math
from collections.abc import Callable
from typing import Any

__all__ = [
    "digamma", "gauss", "lgamma", "logsumexp", "logsumexp_scale", "mean", "normal", "polygamma",
    "power", "total",
]  # fmt: skip

LARGEST = 20_000
"""Operands of exp, sin, ... may have this many bits before the point, no more: each costs that
many bits of working precision, and `9^9^9^9` must not hang."""


def bounded(name: str) -> Callable[..., Any]:
    """The function of mpmath of that name, refusing operands of more than LARGEST bits."""

    def function(m: Any, x: Any) -> Any:
        if m.mag(x) > LARGEST:
            raise OverflowError
        return getattr(m, name)(x)

    return function


wide_exp = bounded("exp")
wide_expm1 = bounded("expm1")


def power(x: float, y: float) -> float:
    return math.pow(x, y)


def wide_power(m: Any, x: Any, y: Any) -> Any:
    if y == 0 or x == 1:
        return m.one
    if x == 0:
        return m.zero
    if m.mag(y) > LARGEST or m.mag(y * m.log(abs(x))) > LARGEST:
        raise OverflowError
    if y == int(y) and m.mag(y) > 12:
        # mpmath multiplies this out exactly; the logarithm is faster and right to the precision.
        extra = max(0, m.mag(y)) + max(0, m.mag(m.log(abs(x)))) + 20
        with m.extraprec(extra):
            size = m.exp(y * m.log(abs(x)))
        return +(-size if x < 0 and int(y) % 2 else size)
    return x**y


def wide_atan2(m: Any, y: Any, x: Any) -> Any:
    return m.zero if x == 0 and y == 0 else m.atan2(y, x)


def wide_tanh(m: Any, x: Any) -> Any:
    if m.mag(x) > LARGEST:
        return m.sign(x)
    return m.tanh(x)


def split(x: float) -> tuple[float, float]:
    """X as a sum of two floats of 26 bits, so that products of them are exact (Dekker 1971)."""
    if abs(x) > 1e150:
        return x, 0.0
    t = 134217729.0 * x
    high = t - (t - x)
    return high, x - high


def gauss(x: float) -> float:
    """exp(-x^2), within 2 ulp: the rounding of x^2 would cost up to 600 in the tail."""
    if abs(x) > 30:
        return 0.0
    high, low = split(x)
    return math.exp(-high * high) * math.exp(-low * (x + high))


ROOT_HALF = (0.7071067811865476, -4.833646656726457e-17)
"""1/sqrt(2) as a sum of two floats."""


def normal(x: float) -> float:
    """The normal distribution function, erfc(-x/sqrt(2))/2, within 4 ulp.

    erfc(z + d) = erfc(z) - 2/sqrt(pi) exp(-z^2) d, with d the rounding error of z = -x/sqrt(2).
    """
    if x < -40:
        return 0.0
    if x > 40:
        return 1.0
    z = -x * ROOT_HALF[0]
    xh, xl = split(-x)
    ch, cl = split(ROOT_HALF[0])
    d = ((xh * ch - z) + xh * cl + xl * ch) + xl * cl - x * ROOT_HALF[1]
    return 0.5 * (math.erfc(z) - 2 / math.sqrt(math.pi) * gauss(z) * d)


def wide_normal(m: Any, x: Any) -> Any:
    return wide_erfc(m, -x / m.sqrt(2)) / 2


def wide_erfc(m: Any, x: Any) -> Any:
    """erfc; by its asymptotic series where x is large (DLMF 7.12.1), which mpmath refuses."""
    if x < 1e6:
        return m.erfc(x)
    term = total = m.one
    for k in range(1, 200):
        term *= -(2 * k - 1) / (2 * x * x)
        total += term
        if abs(term) < m.eps:
            break
    return wide_exp(m, -x * x) / (x * m.sqrt(m.pi)) * total


def through_mpmath(name: str, *operands: float) -> float:
    import mpmath

    with mpmath.workprec(120):
        return float(globals()[name](mpmath, *map(mpmath.mpf, operands)))


def lgamma(x: float) -> float:
    """log|gamma(x)|; the standard library's loses all digits near its zeros."""
    return through_mpmath("wide_lgamma", x)


def wide_lgamma(m: Any, x: Any) -> Any:
    with m.extraprec(20 + max(0, -m.mag(x - 1), -m.mag(x - 2)) if x not in (1, 2) else 0):
        result = m.re(m.loggamma(x))
    return +result


def digamma(x: float) -> float:
    return through_mpmath("wide_digamma", x)


def wide_digamma(m: Any, x: Any) -> Any:
    return m.digamma(x)


def polygamma(n: float, x: float) -> float:
    return through_mpmath("wide_polygamma", n, x)


def wide_polygamma(m: Any, n: Any, x: Any) -> Any:
    return m.psi(int(n), x)


def total(*xs: float) -> float:
    """The sum, rounded once."""
    return math.fsum(xs)


def mean(*xs: float) -> float:
    return math.fsum(xs) / len(xs)


def logsumexp(*xs: float) -> float:
    """log(sum exp(x)), with the largest operand taken out (Blanchard, Higham & Higham 2021)."""
    largest = max(xs)
    rest = list(xs)
    rest.remove(largest)
    return largest + math.log1p(math.fsum(math.exp(x - largest) for x in rest))


def logsumexp_scale(xs: tuple[Any, ...], out: Any) -> Any:
    """The magnitudes that add up to the result: its rounding error is relative to these."""
    largest = max(xs)
    return abs(largest) + 2 * abs(out - largest)


def wide_logsumexp(m: Any, *xs: Any) -> Any:
    largest = max(xs)
    rest = list(xs)
    rest.remove(largest)
    return largest + m.log1p(m.fsum(wide_exp(m, x - largest) for x in rest))
