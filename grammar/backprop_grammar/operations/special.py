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
    "COARSE",
    "REDUCED",
    "bounded",
    "cbrt",
    "erfcx",
    "erfinv",
    "lognormcdf",
    "logsumexp",
    "logsumexp_scale",
    "mean",
    "mish",
    "nearest",
    "precision",
    "rounded",
    "sinc",
    "total",
    "total_scale",
    "wave",
    "wide_acosh",
    "wide_atan2",
    "wide_beta",
    "wide_cosh",
    "wide_digamma",
    "wide_erf",
    "wide_erfc",
    "wide_erfcx",
    "wide_erfcx_slope",
    "wide_erfinv",
    "wide_exp",
    "wide_expm1",
    "wide_gamma",
    "wide_gauss",
    "wide_lgamma",
    "wide_lognormcdf",
    "wide_logsumexp",
    "wide_mish",
    "wide_normcdf",
    "wide_polygamma",
    "wide_power",
    "wide_remainder",
    "wide_sinc",
    "wide_sinc_slope",
    "wide_sinh",
    "wide_tanh",
]

LARGEST = 20_000
"""Operands of exp, sin, ... may have this many bits before the point, no more: each costs that
many bits of working precision, and `9^9^9^9` must not hang."""

HIGHEST_ORDER = 100_000
"""Of polygamma; of the other derivatives that are counted, far beyond use."""

FAR = 1e6
"""From here on the asymptotic series of erfc has all digits after a few terms (DLMF 7.12.1)."""


def check_size(m: Any, *operands: Any) -> None:
    """Raise OverflowError where an operand has more than LARGEST bits before the point."""
    if any(m.mag(x) > LARGEST for x in operands):
        raise OverflowError


def counted(n: Any) -> int:
    """The order of a derivative, 0, 1, 2, ...; raises ValueError where it is none."""
    if not 0 <= n <= HIGHEST_ORDER or n != int(n):
        raise ValueError
    return int(n)


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


REDUCED, COARSE = 2.0**26, 2.0**-30
"""Libraries take multiples of pi/2 off operands above REDUCED with an error that is up to 2^-93 in
glibc: too much where the sine, cosine or tangent is below COARSE, or the tangent above 1/COARSE."""


def wave(name: str) -> Callable[..., float]:
    """The sine, cosine or tangent of the standard library, where that has all digits."""
    plain, careful = getattr(math, name), rounded(bounded(name))

    def function(x: float) -> float:
        out: float = plain(x)
        if abs(x) > REDUCED and not COARSE <= abs(out) <= 1 / COARSE:
            return careful(x)
        return out

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


def tail(m: Any, x: Any) -> Any:
    """erfc(x) for x > 4, with the digits that a sum with 1 keeps: erfc(x) < exp(-x^2).

    Mpmath adds up numbers of the size of exp(x^2) to find those of erf(x).
    """
    hidden = 1.44 * x * x
    if hidden > m.prec + 10:
        return m.zero
    with m.workprec(m.prec + 20 - int(hidden)):
        return m.erfc(x)


def wide_erf(m: Any, x: Any) -> Any:
    """erf; by its tails where it is next to 1 or -1."""
    return m.erf(x) if abs(x) < 4 else m.sign(x) * (1 - tail(m, abs(x)))


def wide_erfc(m: Any, x: Any) -> Any:
    """erfc; by its tail on the left, and by erfcx where x is large, which mpmath refuses."""
    if x < -4:
        return 2 - tail(m, -x)
    return m.erfc(x) if x < FAR else wide_gauss(m, x) * wide_erfcx(m, x)


def wide_erfcx(m: Any, x: Any) -> Any:
    """exp(x^2) erfc(x)."""
    return wide_erfcx_slope(m, 0, x)


def wide_erfcx_slope(m: Any, n: Any, x: Any) -> Any:
    """Derivative n of erfcx.

    That of y' = 2 x y - 2/sqrt(pi) is 2 x y' + 2 y, and so on. To the right these cancel: each step
    from k to k + 1 loses a factor exp(2 asinh(x/sqrt(2 k))), of which ``lost`` is the sum; far to
    the right, each term of the asymptotic series has a derivative.
    """
    check_size(m, x)
    n = counted(n)
    if x >= FAR:
        factor = m.rf(m.one, n) / (x ** (n + 1) * m.sqrt(m.pi)) * (-1 if n % 2 else 1)
        term = total = m.one
        k = 0
        while abs(term) > m.eps:
            k += 1
            term *= -m.mpf(2 * k + n - 1) * (2 * k + n) / (2 * k) / (2 * x * x)
            total += term
        return factor * total
    right, root = max(0.0, float(x)), math.sqrt(2 * n)
    lost = (
        2 * n * (math.asinh(right / root) + right / (math.hypot(right, root) + right)) if n else 0
    )
    with m.extraprec(40 + 2 * max(0, m.mag(x)) + math.ceil(1.5 * lost)):
        before, here = m.zero, wide_exp(m, x * x) * wide_erfc(m, x)
        for k in range(n):
            before, here = here, 2 * x * here + (2 * k * before if k else -2 / m.sqrt(m.pi))
    return +here


def wide_normcdf(m: Any, x: Any) -> Any:
    """The normal distribution function, erfc(-x/sqrt(2))/2."""
    check_size(m, x * x)
    with m.extraprec(10 + 2 * max(0, m.mag(x))):
        result = wide_erfc(m, -x / m.sqrt(2)) / 2
    return +result


def wide_lognormcdf(m: Any, x: Any) -> Any:
    """The logarithm of the normal distribution function."""
    return m.log1p(-wide_normcdf(m, -x)) if x > 0 else m.log(wide_normcdf(m, x))


def wide_erfinv(m: Any, x: Any) -> Any:
    """The inverse of erf, by Newton's method: on erf, or on log(erfc), which is nearly a parabola."""
    size = abs(x)
    if size == 0:
        return x
    if size >= 1:
        raise ValueError
    with m.extraprec(20):
        scale = 2 / m.sqrt(m.pi)
        tail = 1 - size
        y = m.sqrt(-m.log(tail)) if size > 0.5 else size / scale
        for _ in range(100):
            slope = scale * wide_gauss(m, y)
            if size > 0.5:
                here = wide_erfc(m, y)
                step = m.log(here / tail) * here / slope
            else:
                step = (size - m.erf(y)) / slope
            y += step
            if m.mag(step) < m.mag(y) - m.prec // 2 - 8:
                break
    return m.sign(x) * y


def square(x: float) -> tuple[float, float]:
    """The square of a float and what it lost by rounding (Dekker 1971)."""
    high = x * 134217729.0
    high -= high - x
    low = x - high
    out = x * x
    return out, ((high * high - out) + 2 * high * low) + low * low


def erfcx(x: float) -> float:
    """exp(x^2) erfc(x) of a float, within 12 ulp; by the asymptotic series where erfc has few digits."""
    if x < 25:
        high, low = square(x)
        return math.exp(high) * (math.erfc(x) * (1 + low))
    t = 0.5 / x / x
    total = 1.0
    for k in range(17, 0, -2):
        total = 1 - k * t * total
    return total / (x * math.sqrt(math.pi))


def lognormcdf(x: float) -> float:
    """The logarithm of the normal distribution function at a float, within 16 ulp."""
    scaled = erfcx(abs(x) * math.sqrt(0.5)) / 2
    if x <= 0:
        return math.log(scaled) - x * x / 2
    high, low = square(x)
    return math.log1p(-math.exp(-high / 2) * (1 - low / 2) * scaled)


def erfinv(x: float) -> float:
    """The inverse of erf at a float, within 12 ulp: Winitzki's formula, and Halley's steps."""
    size = abs(x)
    tail = 1 - size
    if size < 0.5:
        y = size * math.sqrt(math.pi) / 2 * (1 + math.pi / 12 * size * size)
    else:
        w = math.log(tail * (1 + size))
        t = 2 / (0.147 * math.pi) + w / 2
        y = math.sqrt(math.sqrt(t * t - w / 0.147) - t)
    for _ in range(3):
        lost = math.erf(y) - size if size < 0.5 else tail - math.erfc(y)
        step = lost * math.exp(y * y) * math.sqrt(math.pi) / 2
        y -= step / (1 + y * step)
    return math.copysign(y, x)


# The gamma function


def steps(m: Any, x: Any) -> int:
    """How many whole steps take x > 0 to where Stirling's series is short, where mpmath needs them.

    Of many digits, it spends seconds on the coefficients of its series at small x.
    """
    precision: int = m.prec
    return max(0, precision // 3 - int(min(x, precision))) if precision > 600 else 0


def lgamma_terms(m: Any, x: Any) -> list[Any]:
    """What adds up to log gamma(x) for x > 0 (DLMF 5.5.1)."""
    n = steps(m, x)
    return [m.loggamma(x + n), -m.log(math.prod((x + k for k in range(n)), start=m.one))]


def polygamma_terms(m: Any, n: int, x: Any) -> list[Any]:
    """What adds up to polygamma(n, x) for x > 0 (DLMF 5.5.2).

    Of a high order, the series itself ends soon (DLMF 5.15.1), where mpmath takes long.
    """
    if n > 0:
        count = int(min(m.prec * x / n, 10**6)) + 1
        if n < 100 or count > 2_000:
            return [m.psi(n, x)]
        tail = m.fsum((x / (x + k)) ** (n + 1) for k in range(count))
        return [-((-1) ** n) * m.factorial(n) * tail / x ** (n + 1)]
    count = max(1, steps(m, x))  # so that what cancels at its zero is seen
    return [m.digamma(x + count), -m.fsum(1 / (x + k) for k in range(count))]


def wide_lgamma(m: Any, x: Any) -> Any:
    """log|gamma(x)|, reflected where x < 0 (DLMF 5.5.3), to the last digits at its zeros."""
    check_size(m, x)
    if x and m.mag(x) < -2 * m.prec:
        return -m.log(abs(x)) - m.euler * x
    if x > 0:
        return settled(m, lambda: lgamma_terms(m, x))
    return settled(
        m, lambda: [m.log(m.pi / abs(m.sinpi(x))), *(-term for term in lgamma_terms(m, 1 - x))]
    )


def wide_gamma(m: Any, x: Any) -> Any:
    """The gamma function, where it has a value: exactly at small whole numbers, else by lgamma."""
    if m.isint(x) and x < 200:
        return m.mpf(math.factorial(int(x) - 1))
    with m.workprec(60):
        size = max(0, m.mag(wide_lgamma(m, x)))
    with m.extraprec(20 + size):
        result = wide_exp(m, wide_lgamma(m, x))
    return +(-result if x < 0 and int(m.floor(x)) % 2 else result)


def wide_beta(m: Any, a: Any, b: Any) -> Any:
    """gamma(a) gamma(b)/gamma(a + b) for positive operands, by their logarithms."""
    if a <= 0 or b <= 0:
        raise ValueError
    if any(abs(m.mag(x)) > LARGEST // 8 for x in (a, b)):
        raise OverflowError
    with m.workprec(60):
        largest = max(abs(wide_lgamma(m, x)) for x in (a, b, a + b))
    with m.extraprec(80 + max(0, m.mag(largest), m.mag(a), m.mag(b))):
        terms = [*lgamma_terms(m, a), *lgamma_terms(m, b)]
        result = wide_exp(m, m.fsum([*terms, *(-term for term in lgamma_terms(m, a + b))]))
    return +result


def wide_digamma(m: Any, x: Any) -> Any:
    """The derivative of log gamma."""
    return wide_polygamma(m, 0, x)


def wide_polygamma(m: Any, n: Any, x: Any) -> Any:
    """Derivative n of digamma.

    For x < 0 the terms of its series at x are those at the two distances to the next whole
    numbers, less those at 1 - x (DLMF 5.15.6); mpmath would step to x > 0 one by one.
    """
    check_size(m, x)
    n = int(n)
    if x and m.mag(x) < -2 * m.prec:
        return (-1) ** (n + 1) * m.factorial(n) / x ** (n + 1)
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


# Whole numbers


def nearest(x: float) -> float:
    """The nearest whole number; of two, the even one."""
    return float(round(x))


def wide_remainder(m: Any, x: Any, y: Any) -> Any:
    """What of x is nearest to 0 when a whole multiple of y is taken off, exactly (IEEE 754, 5.3.1)."""
    if x == 0 or m.mag(x) < m.mag(y) - 1:
        return +x
    ratio = m.mag(x) - m.mag(y)
    if ratio > LARGEST:
        raise OverflowError
    with m.extraprec(ratio + m.prec + max(x._mpf_[3], y._mpf_[3])):
        result = x - y * m.nint(x / y)
    return +result


# Sinc and mish


def sinc(x: float) -> float:
    """sin(pi x)/(pi x) within 3 ulp: no digits are lost where x is reduced, for that is exact."""
    if x == 0:
        return 1.0
    r = math.remainder(x, 2.0)
    if abs(r) > 0.5:
        r = math.copysign(1.0, r) - r
    return math.sin(math.pi * r) / (math.pi * x)


def wide_sinc(m: Any, x: Any) -> Any:
    """sin(pi x)/(pi x), 1 at 0."""
    check_size(m, x)
    return m.one if x == 0 else m.sinpi(x) / (m.pi * x)


def wide_sinc_slope(m: Any, n: Any, x: Any) -> Any:
    """Derivative n of sinc: by the product rule on sin(pi x) and 1/(pi x), near 0 by its series."""
    check_size(m, x)
    n = counted(n)

    def near() -> list[Any]:
        terms: list[Any] = []
        k = (n + 1) // 2
        term = m.mpf((-1) ** k) * m.pi ** (2 * k) * x ** (2 * k - n)  # over (2k - n)!
        while not terms or abs(term) > m.eps * abs(terms[0]) / 2**20:
            terms.append(term / (2 * k + 1))
            k += 1
            term *= -((m.pi * x) ** 2) / ((2 * k - n) * (2 * k - n - 1))
        return terms

    def far() -> list[Any]:
        waves = [m.sinpi(x), m.cospi(x), -m.sinpi(x), -m.cospi(x)]
        terms, factor = [], m.pi**n / (m.pi * x)
        for j in range(n + 1):
            terms.append(factor * waves[(n - j) % 4])
            factor *= -m.mpf(n - j) / (m.pi * x)
        return terms

    return settled(m, near if abs(x) < max(1, n / 3) else far)


def mish(x: float) -> float:
    """The mish of a float within 3.5 ulp: tanh(softplus(x)) is w/(w + 2), w = exp(x) (exp(x) + 2)."""
    t = math.exp(-abs(x))
    if x > 0:
        return x * ((1 + 2 * t) / (1 + 2 * t * (1 + t)))
    w = t * (t + 2)
    return x * (w / (w + 2))


def wide_mish(m: Any, x: Any) -> Any:
    """The product of x and tanh(softplus(x))."""
    t = wide_exp(m, -abs(x))
    w = (1 + 2 * t) / t / t if x > 0 else t * (t + 2)
    return x * (w / (w + 2))


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
