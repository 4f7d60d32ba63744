"""Values that the standard library does not give, or not to the last digits.

Functions whose name starts with `wide_` take the mpmath module first and work at its
precision with unbounded exponents, right to a few units of it; they raise OverflowError
beyond ``LARGEST``. The others take floats: most are the wide ones, rounded once.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

__all__ = [
    "MPMATH",
    "bounded",
    "cbrt",
    "logsumexp",
    "logsumexp_scale",
    "mean",
    "precision",
    "rounded",
    "total",
    "total_scale",
    "wide_acosh",
    "wide_atan2",
    "wide_cosh",
    "wide_digamma",
    "wide_erfc",
    "wide_exp",
    "wide_expm1",
    "wide_gauss",
    "wide_lgamma",
    "wide_logsumexp",
    "wide_normal",
    "wide_polygamma",
    "wide_power",
    "wide_sinh",
    "wide_tanh",
]

LARGEST = 20_000
"""Operands of exp, sin, ... may have this many bits before the point, no more: each costs that
many bits of working precision, and `9^9^9^9` must not hang."""

HIGHEST_ORDER = 2_000
"""Of polygamma, which takes a second there."""


def check_size(m: Any, *operands: Any) -> None:
    """Raise OverflowError where an operand has more than LARGEST bits before the point."""
    if any(m.mag(x) > LARGEST for x in operands):
        raise OverflowError


def bounded(name: str) -> Callable[..., Any]:
    """The function of mpmath of that name, refusing operands of more than LARGEST bits."""

    def function(m: Any, x: Any) -> Any:
        check_size(m, x)
        return getattr(m, name)(x)

    return function


MPMATH = RLock()
"""Mpmath has one precision for all threads of a process, so one thread at a time may set it."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work in mpmath numbers of that many bits, while no other thread does."""
    import mpmath

    with MPMATH, mpmath.workprec(bits):
        yield


def rounded(wide: Callable[..., Any]) -> Callable[..., float]:
    """A wide function over floats, computed to 80 bits and rounded once."""

    def function(*operands: float) -> float:
        import mpmath

        with precision(80):
            return float(wide(mpmath.mp, *map(mpmath.mpf, operands)))

    return function


def settled(m: Any, terms: Callable[[], list[Any]]) -> Any:
    """The sum of some terms, computed again with as many more bits as it cancels."""
    extra = 40
    for _ in range(4):
        with m.extraprec(extra):
            parts = terms()
            result = sum(parts)
        lost = max(map(m.mag, parts)) - m.mag(result) if result else m.prec + extra
        if lost + 20 <= extra:
            break
        extra = lost + 40
    return +result


# Exponentials, powers and roots


def wide_exp(m: Any, x: Any) -> Any:
    """exp(x) = 2^n exp(x - n log 2).

    Mpmath raises e to a power where x is whole and large, which takes minutes and loses digits.
    """
    check_size(m, x)
    with m.extraprec(10 + max(0, m.mag(x))):
        n = int(m.nint(x / m.ln2))
        result = m.exp(x - n * m.ln2)
    return +m.ldexp(result, n)


def wide_expm1(m: Any, x: Any) -> Any:
    """exp(x) - 1, exact near 0."""
    return m.expm1(x) if m.mag(x) < 8 else wide_exp(m, x) - 1


def wide_sinh(m: Any, x: Any) -> Any:
    """The hyperbolic sine."""
    return m.sinh(x) if m.mag(x) < 8 else (wide_exp(m, x) - wide_exp(m, -x)) / 2


def wide_cosh(m: Any, x: Any) -> Any:
    """The hyperbolic cosine."""
    return m.cosh(x) if m.mag(x) < 8 else (wide_exp(m, x) + wide_exp(m, -x)) / 2


def wide_power(m: Any, x: Any, y: Any) -> Any:
    """x^y for a real result, 0^0 = 1. Raises ValueError where there is none."""
    if y == 0 or x == 1:
        return m.one
    if x == 0:
        return m.zero
    if m.isint(y) and m.mag(y) <= 12:
        return x ** int(y)
    size = y * m.log(abs(x))
    check_size(m, y, size)
    if x < 0 and not m.isint(y):
        raise ValueError
    with m.extraprec(20 + max(0, m.mag(size))):
        result = wide_exp(m, y * m.log(abs(x)))
    return +(-result if x < 0 and int(y) % 2 else result)


def cbrt(x: float) -> float:
    """The cube root within 2 ulp: libraries are off by up to 4, one step of Newton's undoes it."""
    r = math.cbrt(x)
    return r - (r - x / (r * r)) / 3 if r else r


def wide_atan2(m: Any, y: Any, x: Any) -> Any:
    """The angle of (x, y); 0 at the origin, as in the standard library."""
    return m.zero if x == 0 and y == 0 else m.atan2(y, x)


def wide_tanh(m: Any, x: Any) -> Any:
    """The hyperbolic tangent, of any size of operand."""
    return m.sign(x) if m.mag(x) > LARGEST else m.tanh(x)


def wide_acosh(m: Any, x: Any) -> Any:
    """acosh(x) = 2 asinh(sqrt((x - 1)/2)), which keeps its digits near 1."""
    return 2 * m.asinh(m.sqrt((x - 1) / 2))


# The normal distribution


def wide_gauss(m: Any, x: Any) -> Any:
    """exp(-x^2), with x^2 not rounded."""
    with m.extraprec(10 + 2 * max(0, m.mag(x))):
        result = wide_exp(m, -x * x)
    return +result


def wide_erfc(m: Any, x: Any) -> Any:
    """erfc; by its asymptotic series where x is large (DLMF 7.12.1), which mpmath refuses."""
    if x < 1e6:
        return m.erfc(x)
    term = total = m.one
    k = 0
    while abs(term) > m.eps:
        k += 1
        term *= -(2 * k - 1) / (2 * x * x)
        total += term
    return wide_gauss(m, x) / (x * m.sqrt(m.pi)) * total


def wide_normal(m: Any, x: Any) -> Any:
    """The normal distribution function, erfc(-x/sqrt(2))/2."""
    check_size(m, x * x)
    with m.extraprec(10 + 2 * max(0, m.mag(x))):
        result = wide_erfc(m, -x / m.sqrt(2)) / 2
    return +result


# The gamma function


def steps(m: Any, x: Any) -> int:
    """How many whole steps take x > 0 to where Stirling's series is short.

    Left to itself, mpmath spends many seconds on Bernoulli numbers at high precision.
    """
    precision: int = m.prec
    return max(0, precision // 2 - int(min(x, precision)))


def lgamma_terms(m: Any, x: Any) -> list[Any]:
    """What adds up to log gamma(x) for x > 0 (DLMF 5.5.1)."""
    n = steps(m, x)
    return [m.loggamma(x + n), -m.log(math.prod((x + k for k in range(n)), start=m.one))]


def polygamma_terms(m: Any, n: int, x: Any) -> list[Any]:
    """What adds up to polygamma(n, x) for x > 0 (DLMF 5.5.2)."""
    if n > 0:
        return [m.psi(n, x)]
    count = steps(m, x)
    return [m.digamma(x + count), -m.fsum(1 / (x + k) for k in range(count))]


def wide_lgamma(m: Any, x: Any) -> Any:
    """log|gamma(x)|, reflected where x < 0 (DLMF 5.5.3), to the last digits at its zeros."""
    check_size(m, x)
    if x > 0:
        return settled(m, lambda: lgamma_terms(m, x))
    return settled(
        m, lambda: [m.log(m.pi / abs(m.sinpi(x))), *(-term for term in lgamma_terms(m, 1 - x))]
    )


def wide_digamma(m: Any, x: Any) -> Any:
    """The derivative of log gamma."""
    return wide_polygamma(m, 0, x)


def wide_polygamma(m: Any, n: Any, x: Any) -> Any:
    """Derivative n of digamma.

    For x < 0 the terms of its series at x are those at the two distances to the next whole
    numbers, less those at 1 - x (DLMF 5.15.6); mpmath would step to x > 0 one by one.
    """
    check_size(m, x, 1 / x)
    if n > HIGHEST_ORDER:
        raise OverflowError
    n = int(n)
    if x > 0:
        return settled(m, lambda: polygamma_terms(m, n, x))

    def terms() -> list[Any]:
        below, above = x - m.floor(x), m.ceil(x) - x
        sign = -1 if n % 2 else 1
        parts = [sign * term for term in polygamma_terms(m, n, 1 - x)]
        if n % 2 or below != above:  # else they cancel exactly
            parts += polygamma_terms(m, n, below)
            parts += [-sign * term for term in polygamma_terms(m, n, above)]
        return parts

    return settled(m, terms)


# Sums


HUGE = 2.0**53
"""By so much huge numbers are made smaller, so that only their sum can overflow."""


def total(*xs: float) -> float:
    """The sum, rounded once."""
    try:
        return math.fsum(xs)
    except OverflowError:
        return math.fsum(x / HUGE for x in xs) * HUGE


def mean(*xs: float) -> float:
    """The arithmetic mean, rounded twice."""
    try:
        return math.fsum(xs) / len(xs)
    except OverflowError:
        return math.fsum(x / HUGE for x in xs) / len(xs) * HUGE


def total_scale(xs: tuple[Any, ...], out: Any) -> Any:
    """The result; the largest operand over mpmath, whose sum drops what is far smaller."""
    return abs(out) if isinstance(out, float) else max(map(abs, xs))


def logsumexp(*xs: float) -> float:
    """log(sum exp(x)), with the largest operand taken out (Blanchard, Higham & Higham 2021)."""
    *rest, largest = sorted(xs)
    return largest + math.log1p(math.fsum(math.exp(x - largest) for x in rest))


def logsumexp_scale(xs: tuple[Any, ...], out: Any) -> Any:
    """The magnitudes that add up to the result: its rounding error is relative to these."""
    largest = max(xs)
    return abs(largest) + 2 * abs(out - largest)


def wide_logsumexp(m: Any, *xs: Any) -> Any:
    """log(sum exp(x)), with the largest operand taken out."""
    *rest, largest = sorted(xs)
    return largest + m.log1p(m.fsum(wide_exp(m, x - largest) for x in rest))
