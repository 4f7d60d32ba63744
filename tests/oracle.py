"""What every operation and its local gradients are, from mpmath alone.

Nothing here is taken from the table under test. Values are mpmath's own functions, slopes are
closed forms in other words than the table's, and every number is computed at twice the precision
again and again until two runs agree, so that no cancellation survives. `None` is a value that does
not exist, nan a slope that does not, an infinity a slope that is infinite.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from mpmath import mp as m

Number = Any
Function = Callable[..., Number]

INFINITY, UNDEFINED = m.inf, m.nan


def value(name: str, operands: Sequence[Number], bits: int = 80) -> Number | None:
    """The value of an operation to so many bits; None where it does not exist."""
    found = settled(FUNCTIONS[name][0], operands, bits)
    return found if found is not None and m.isfinite(found) else None


def slope(name: str, k: int, operands: Sequence[Number], bits: int = 80) -> Number:
    """The local gradient for operand k to so many bits; nan where it does not exist."""
    slopes = FUNCTIONS[name][1]
    if name in VARIADIC:
        return settled(lambda *xs: slopes[0](k, *xs), operands, bits)
    return settled(slopes[k], operands, bits)


def settled(function: Function, operands: Sequence[Number], bits: int = 80) -> Number | None:
    """A function at ever higher precision, until two runs agree in so many bits."""
    before, precision = None, bits + 50
    while precision < 60_000:
        with m.workprec(precision):
            now = real(function, [m.convert(x) for x in operands])
            if now is None or not m.isfinite(now):
                return now
            agreed = before is not None and m.ldexp(abs(now - before), bits) <= abs(now)
            if agreed and (now or precision > 3000):  # what cancels to 0 may not be 0
                return now
        before, precision = now, 2 * precision
    raise ArithmeticError(f"no agreement at {operands}")


def real(function: Function, operands: Sequence[Number]) -> Number | None:
    """The result if it is a real number or a slope that says that it is none, else None."""
    try:
        result = function(*operands)
    except ZeroDivisionError:
        return None
    return None if result is None or isinstance(result, m.mpc) else m.mpf(result)


def over(numerator: Number, denominator: Number) -> Number:
    """A quotient, infinite where the denominator is 0 from above."""
    return numerator * INFINITY if denominator == 0 else numerator / denominator


def exp(x: Number) -> Number:
    """exp(x) by repeated squaring: mpmath loses digits where x is whole and large.

    Beyond exp(10^6), which no float can tell from more, it stays there.
    """
    x = min(max(x, m.mpf(-(10**6))), m.mpf(10**6))
    halvings = max(0, int(m.mag(x))) if x else 0
    with m.extraprec(2 * halvings + 10):
        result = m.exp(m.ldexp(x, -halvings))
        for _ in range(halvings):
            result *= result
    return +result


def sinh(x: Number) -> Number:
    return (exp(x) - exp(-x)) / 2


def cosh(x: Number) -> Number:
    return (exp(x) + exp(-x)) / 2


def sech(x: Number) -> Number:
    return 1 / cosh(x)


def power_by_base(x: Number, y: Number) -> Number:
    if y == 0:
        return m.zero
    if x == 0:
        return m.zero if y > 1 else m.one if y == 1 else INFINITY
    return y * raised(x, y) / x


def power_by_exponent(x: Number, y: Number) -> Number:
    if x > 0:
        return raised(x, y) * m.log(x)
    return m.zero if x == 0 and y > 0 else UNDEFINED


def raised(x: Number, y: Number) -> Number:
    """x^y by the logarithm, at a precision that its size asks for; -0.5 to the power 2 too."""
    if x <= 0 or y == 0:
        if y == 0 or x == 0 or not m.isint(y):
            return x**y
        return raised(-x, y) * (-1 if int(y) % 2 else 1)
    with m.extraprec(max(0, m.mag(y)) + max(0, m.mag(m.log(x))) + 20):
        return exp(y * m.log(x))


def lgamma(x: Number) -> Number:
    """log|gamma(x)|, by reflection on the left (DLMF 5.5.3)."""
    if x > 0:
        return m.loggamma(x)
    return m.log(m.pi / abs(m.sinpi(x))) - m.loggamma(1 - x)


def polygamma(n: Number, x: Number) -> Number:
    """Derivative n of digamma: a Hurwitz zeta function (DLMF 25.11.12), reflected on the left."""
    if not m.isint(n) or n < 0 or (x <= 0 and m.isint(x)):
        return 1 / m.zero
    n = int(n)
    if x < 0:
        cotangent = m.cospi(x) / m.sinpi(x)
        derivative = m.zero
        for coefficient in cotangent_derivative(n):
            derivative = derivative * cotangent + coefficient
        return (-1) ** n * polygamma(m.mpf(n), 1 - x) - derivative * m.pi ** (n + 1)
    return -((-1) ** n) * m.factorial(n) * m.zeta(n + 1, x) if n else m.digamma(x)


@cache
def cotangent_derivative(n: int) -> list[int]:
    """Derivative n of cot as a polynomial in cot, highest power first: cot' = -1 - cot^2."""
    if n == 0:
        return [1, 0]
    before = cotangent_derivative(n - 1)
    degree = len(before) - 1
    slope = [c * (degree - i) for i, c in enumerate(before[:-1])]
    return [-a - b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]


def cube_root(x: Number) -> Number:
    return m.sign(x) * exp(m.log(abs(x)) / 3) if x else m.zero


def normal(x: Number) -> Number:
    """The normal distribution function; far to the left by its leading term (DLMF 7.12.1)."""
    return m.erfc(-x / m.sqrt(2)) / 2 if x > -1e30 else -bell(x) / x


def bell(x: Number) -> Number:
    return exp(-x * x / 2) / m.sqrt(2 * m.pi)


def logistic(x: Number) -> Number:
    return 1 / (1 + exp(-x))


def shared(k: int, selected: Number, xs: Sequence[Number]) -> Number:
    """The share of operand k in a maximum or minimum."""
    return m.mpf(xs[k] == selected) / sum(x == selected for x in xs)


def clamp(x: Number, lo: Number, hi: Number) -> Number:
    return sorted([x, lo, hi])[1] if lo <= hi else 1 / m.zero


def clamp_slope(k: int) -> Function:
    """Of the limits only the one that x has reached counts; equal ones share."""

    def slope(x: Number, lo: Number, hi: Number) -> Number:
        candidates = [x, lo if x <= lo else None, hi if x >= hi else None]
        return shared(k, clamp(x, lo, hi), candidates)

    return slope


def leaky_by_x(x: Number, a: Number) -> Number:
    """At the kink, the number between 1 and a that is nearest to 0."""
    return m.one if x > 0 else a if x < 0 else sorted([m.zero, m.one, a])[1]


def angle_slope(numerator: Function) -> Function:
    return lambda y, x: UNDEFINED if x == y == 0 else numerator(y, x) / (x * x + y * y)


def total(xs: Sequence[Number]) -> Number:
    """The sum of floats, exactly."""
    with m.extraprec(2200):
        return sum(xs)


def logsumexp(*xs: Number) -> Number:
    *rest, largest = sorted(xs)
    return largest + m.log1p(m.fsum(exp(x - largest) for x in rest))


def elu_by_x(x: Number, a: Number) -> Number:
    """At the kink, the number between 1 and a that is nearest to 0."""
    return m.one if x > 0 else a * exp(x) if x < 0 else sorted([m.zero, m.one, a])[1]


def scale() -> Number:
    """The first constant of selu, with all its published digits."""
    return m.mpf("1.0507009873554804934193349852946")


def alpha() -> Number:
    """The second."""
    return m.mpf("1.6732632423543772848170429916717")


def kept(low: int, high: int) -> tuple[Function, tuple[Function, ...]]:
    """A number kept between two limits, beyond and at which nothing comes through."""
    return lambda x: sorted([m.mpf(low), x, m.mpf(high)])[1], (lambda x: m.mpf(low < x < high),)


def stepping(value: Function, jumps: Function) -> tuple[Function, tuple[Function, ...]]:
    """A function that is flat between its jumps."""
    return value, (lambda x: UNDEFINED if jumps(x) else m.zero,)


def halves_to_even(x: Number) -> Number:
    below = m.floor(x)
    above = m.ceil(x)
    if x - below == above - x:
        return below if m.isint(below / 2) else above
    return below if x - below < above - x else above


def remainder(x: Number, y: Number) -> Number:
    """x - y*floor(x/y), at a precision at which the quotient is exact enough."""
    with m.extraprec(2 * abs(m.mag(x or 1)) + 2 * abs(m.mag(y)) + 200):
        return x - y * m.floor(x / y)


def remainder_by_y(x: Number, y: Number) -> Number:
    with m.extraprec(2 * abs(m.mag(x or 1)) + 2 * abs(m.mag(y)) + 200):
        return UNDEFINED if m.isint(x / y) else -m.floor(x / y)


def near_remainder(x: Number, y: Number) -> Number:
    """x less its nearest multiple of y; halfway, the even one."""
    with m.extraprec(2 * abs(m.mag(x or 1)) + 2 * abs(m.mag(y)) + 200):
        return x - y * halves_to_even(x / y)


def sinc(n: Number, x: Number) -> Number:
    """Derivative n: pi^n times the mean of t^n cos(pi x t + n pi/2) over t from 0 to 1.

    By partial integration from the top, or by the series of the cosine.
    """
    n = int(n)
    if abs(x) < 1:
        total, k = m.zero, -(-n // 2)
        while True:
            factor = m.pi ** (2 * k) / (m.factorial(2 * k - n) * (2 * k + 1))
            term = (-1) ** k * factor * x ** (2 * k - n)
            total += term
            if abs(term) < m.ldexp(abs(total), -m.prec - 20) or (x == 0 and 2 * k > n):
                return total
            k += 1
    result = m.sinpi(x) / (m.pi * x)
    for k in range(1, n + 1):
        wave = [m.sinpi, m.cospi][k % 2](x) * (-1) ** (k // 2)
        result = (m.pi ** (k - 1) * wave - k * result) / x
    return result


def erfcx(n: Number, x: Number) -> Number:
    """Derivative n: a repeated integral of erfc (DLMF 7.18.3), a parabolic cylinder function; far to
    the right by its leading terms."""
    n = int(n)
    if x > 100:
        total = term = m.one
        k = 0
        while abs(term) > m.ldexp(1, -m.prec - 10):
            k += 1
            term *= -m.mpf(2 * k - 1 + n) * (2 * k + n) / (4 * k) / (x * x)
            total += term
        return (-1) ** n * m.factorial(n) * total / (m.sqrt(m.pi) * x ** (n + 1))
    with m.extraprec(60 + (n * (2 * max(0, m.mag(x)) + 4) if x > 0 else 0)):
        values = [exp(x * x) * 2 * normal(-x * m.sqrt(2))]
        values.append(2 * x * values[0] - 2 / m.sqrt(m.pi))
        for k in range(1, n):
            values.append(2 * x * values[k] + 2 * k * values[k - 1])
    return values[n]


def erfinv(x: Number) -> Number:
    """By bisection of the logarithm of erfc, and secants."""
    if abs(x) >= 1:
        return 1 / m.zero
    if x <= 0:
        return -erfinv(-x) if x else m.zero
    if x < 0.5:
        guess, function = x * m.sqrt(m.pi) / 2, lambda y: m.erf(y) / x - 1
    else:
        rest = 1 - x
        guess, function = m.sqrt(-m.log(rest)), lambda y: m.log(m.erfc(y) / rest)
    low, high = guess / 3, 3 * guess + m.mpf(1) / 4
    with m.workprec(60):
        for _ in range(20):
            middle = (low + high) / 2
            if (function(middle) > 0) == (function(low) > 0):
                low = middle
            else:
                high = middle
    ends = function(low), function(high)
    for _ in range(14):
        if ends[0] == ends[1]:
            break
        low, high = high, high - ends[1] * (high - low) / (ends[1] - ends[0])
        ends = ends[1], function(high)
    return high


def mills(x: Number) -> Number:
    """-x times the normal distribution function over its density, far to the left (DLMF 7.12.1)."""
    total = term = m.one
    k = 0
    while abs(term) > m.ldexp(1, -m.prec - 10):
        term *= -(2 * k + 1) / (x * x)
        total += term
        k += 1
    return total


def log_normal(x: Number) -> Number:
    if x < -100:
        return -x * x / 2 - m.log(-x * m.sqrt(2 * m.pi)) + m.log(mills(x))
    return m.log1p(-normal(-x)) if x > 5 else m.log(normal(x))


def gamma(x: Number) -> Number:
    """By the logarithm, and by reflection on the left (DLMF 5.5.3)."""
    if x <= 0 and m.isint(x):
        return 1 / m.zero
    if x < 0.5:
        return m.pi / (m.sinpi(x) * gamma(1 - x))
    with m.workprec(53):
        size = m.mag(m.loggamma(x))
    with m.extraprec(30 + max(0, size)):
        return exp(m.loggamma(x))


def beta(x: Number, y: Number) -> Number:
    if x <= 0 or y <= 0:
        return 1 / m.zero
    with m.workprec(53):
        size = max(m.mag(m.loggamma(z)) for z in (x, y))
    with m.extraprec(80 + max(0, size, m.mag(x), m.mag(y))):
        return exp(m.loggamma(x) + m.loggamma(y) - m.loggamma(x + y))


def beta_slope(x: Number, y: Number) -> Number:
    """By the first: beta times minus the rise of digamma from x to x + y."""
    with m.extraprec(100 + max(0, m.mag(x) - m.mag(y), m.mag(x))):
        rise = m.digamma(x + y) - m.digamma(x)
    return -rise * beta(x, y)


def mish_slope(x: Number) -> Number:
    """By the definition of tanh: of x (s^2 - 1)/(s^2 + 1) with s = 1 + exp(x)."""
    grows = exp(x) if x < 10**5 else exp(m.mpf(10**5))
    w = grows * (grows + 2)
    return w / (w + 2) + x * 4 * (1 + grows) * grows / (w + 2) ** 2


def counted(function: Function) -> Function:
    """Derivative n of a function, where n is one of 0, 1, 2, ..."""
    return lambda n, x: function(n, x) if m.isint(n) and n >= 0 else 1 / m.zero


def weighted(log: Function) -> Function:
    """x times the logarithm of y, 0 where x is 0 and y on the edge of its domain."""

    def value(x: Number, y: Number) -> Number:
        edge = y if log == m.log else 1 + y
        if edge < 0 or (edge == 0 and x != 0):
            return 1 / m.zero
        return x * log(y) if x else m.zero

    return value


ZERO, ONE = (lambda *xs: m.zero), (lambda *xs: m.one)

FUNCTIONS: dict[str, tuple[Function, tuple[Function, ...]]] = {
    "add": (lambda x, y: x + y, (ONE, ONE)),
    "sub": (lambda x, y: x - y, (ONE, lambda x, y: -m.one)),
    "mul": (lambda x, y: x * y, (lambda x, y: y, lambda x, y: x)),
    "div": (lambda x, y: x / y, (lambda x, y: y**-1, lambda x, y: -x * y**-2)),
    "pow": (raised, (power_by_base, power_by_exponent)),
    "neg": (lambda x: -x, (lambda x: -m.one,)),
    "identity": (lambda x: x, (ONE,)),
    "if": (
        lambda a, b, x, y: x if a < b else y,
        (ZERO, ZERO, lambda a, b, x, y: m.mpf(a < b), lambda a, b, x, y: m.mpf(a >= b)),
    ),
    "exp": (exp, (exp,)),
    "expm1": (lambda x: exp(x) - 1 if m.mag(x) > 8 else m.expm1(x), (exp,)),
    "log": (m.ln, (lambda x: 1 / x,)),
    "log2": (lambda x: m.log(x, 2), (lambda x: m.log(m.e, 2) / x,)),
    "log10": (lambda x: m.log(x, 10), (lambda x: m.log(m.e, 10) / x,)),
    "log1p": (m.log1p, (lambda x: 1 / (1 + x),)),
    "sqrt": (m.sqrt, (lambda x: over(m.mpf(0.5), m.sqrt(x)),)),
    "cbrt": (cube_root, (lambda x: over(m.one, 3 * cube_root(x * x)),)),
    "hypot": (
        lambda x, y: m.sqrt(x * x + y * y),
        (
            lambda x, y: x / m.sqrt(x * x + y * y) if x else m.zero,
            lambda x, y: y / m.sqrt(x * x + y * y) if y else m.zero,
        ),
    ),
    "abs": (m.fabs, (m.sign,)),
    "sign": (m.sign, (lambda x: m.zero if x else UNDEFINED,)),
    "max": (lambda *xs: max(xs), (lambda k, *xs: shared(k, max(xs), xs),)),
    "min": (lambda *xs: min(xs), (lambda k, *xs: shared(k, min(xs), xs),)),
    "clamp": (clamp, tuple(clamp_slope(k) for k in range(3))),
    "relu": (lambda x: max(x, m.zero), (lambda x: m.mpf(x > 0),)),
    "leaky_relu": (lambda x, a: x if x > 0 else a * x, (leaky_by_x, lambda x, a: min(x, m.zero))),
    "sin": (m.sin, (m.cos,)),
    "cos": (m.cos, (lambda x: -m.sin(x),)),
    "tan": (m.tan, (lambda x: m.sec(x) ** 2,)),
    "asin": (m.asin, (lambda x: over(m.one, m.sqrt(1 - x * x)),)),
    "acos": (m.acos, (lambda x: over(-m.one, m.sqrt(1 - x * x)),)),
    "atan": (m.atan, (lambda x: 1 / (1 + x * x),)),
    "atan2": (
        lambda y, x: m.atan2(y, x) if x or y else m.zero,
        (angle_slope(lambda y, x: x), angle_slope(lambda y, x: -y)),
    ),
    "sinh": (sinh, (cosh,)),
    "cosh": (cosh, (sinh,)),
    "tanh": (m.tanh, (lambda x: sech(x) ** 2,)),
    "asinh": (m.asinh, (lambda x: 1 / m.sqrt(1 + x * x),)),
    "acosh": (m.acosh, (lambda x: over(m.one, m.sqrt(x * x - 1)),)),
    "atanh": (m.atanh, (lambda x: 1 / (1 - x * x),)),
    "erf": (m.erf, (lambda x: 2 * bell(x * m.sqrt(2)) * m.sqrt(2),)),
    "erfc": (
        lambda x: 2 * normal(-x * m.sqrt(2)),
        (lambda x: -2 * bell(x * m.sqrt(2)) * m.sqrt(2),),
    ),
    "lgamma": (lgamma, (lambda x: polygamma(0, x),)),
    "digamma": (lambda x: polygamma(0, x), (lambda x: polygamma(1, x),)),
    "polygamma": (polygamma, (lambda n, x: UNDEFINED, lambda n, x: polygamma(n + 1, x))),
    "sigmoid": (logistic, (lambda x: sech(x / 2) ** 2 / 4,)),
    "softplus": (lambda x: m.log1p(exp(-abs(x))) + max(x, m.zero), (logistic,)),
    "silu": (lambda x: x * logistic(x), (lambda x: (x * logistic(-x) + 1) * logistic(x),)),
    "gelu": (lambda x: x * normal(x), (lambda x: x * bell(x) + normal(x),)),
    "sum": (lambda *xs: total(xs), (lambda k, *xs: m.one,)),
    "mean": (lambda *xs: total(xs) / len(xs), (lambda k, *xs: m.one / len(xs),)),
    "logsumexp": (logsumexp, (lambda k, *xs: 1 / m.fsum(exp(x - xs[k]) for x in xs),)),
    "_gauss": (lambda x: exp(-x * x), (lambda x: -2 * x * exp(-x * x),)),
    "elu": (
        lambda x, a: x if x > 0 else a * m.expm1(x),
        (elu_by_x, lambda x, a: m.expm1(min(x, m.zero))),
    ),
    "selu": (
        lambda x: scale() * (x if x > 0 else alpha() * m.expm1(x)),
        (lambda x: scale() if x >= 0 else scale() * alpha() * exp(x),),
    ),
    "mish": (
        lambda x: x * m.tanh(m.log1p(exp(x))) if x > -(10**5) else x * exp(x),
        (mish_slope,),
    ),
    "softsign": (lambda x: x / (1 + abs(x)), (lambda x: (1 + abs(x)) ** -2,)),
    "relu6": kept(0, 6),
    "hardtanh": kept(-1, 1),
    "floor": stepping(m.floor, m.isint),
    "ceil": stepping(m.ceil, m.isint),
    "round": stepping(halves_to_even, lambda x: m.isint(2 * x) and not m.isint(x)),
    "mod": (
        lambda x, y: remainder(x, y) if y else 1 / m.zero,
        (lambda x, y: UNDEFINED if m.isnan(remainder_by_y(x, y)) else m.one, remainder_by_y),
    ),
    "sinc": (lambda x: sinc(m.zero, x), (lambda x: sinc(m.one, x),)),
    "gamma": (gamma, (lambda x: gamma(x) * polygamma(0, x),)),
    "beta": (beta, (beta_slope, lambda x, y: beta_slope(y, x))),
    "erfinv": (erfinv, (lambda x: m.sqrt(m.pi) / 2 * exp(erfinv(x) ** 2),)),
    "erfcx": (lambda x: erfcx(m.zero, x), (lambda x: erfcx(m.one, x),)),
    "normcdf": (normal, (bell,)),
    "lognormcdf": (log_normal, (lambda x: bell(x) / normal(x) if x > -100 else -x / mills(x),)),
    "logit": (
        lambda x: m.log(x) - m.log1p(-x) if x < 1 else 1 / m.zero,
        (lambda x: 1 / x + 1 / (1 - x),),
    ),
    "log1mexp": (
        lambda x: m.log(-m.expm1(-x)) if x < 1 else m.log1p(-exp(-x)),
        (lambda x: -exp(-x) / m.expm1(-x),),
    ),
    "xlogy": (
        weighted(m.log),
        (lambda x, y: m.log(y) if y else UNDEFINED, lambda x, y: x / y if x else m.zero),
    ),
    "xlog1py": (
        weighted(m.log1p),
        (
            lambda x, y: m.log1p(y) if y > -1 else UNDEFINED,
            lambda x, y: x / (1 + y) if x else m.zero,
        ),
    ),
    "_nearest": (halves_to_even, (ZERO,)),
    "_remainder": (
        lambda x, y: near_remainder(x, y) if y else 1 / m.zero,
        (ONE, lambda x, y: (near_remainder(x, y) - x) / y),
    ),
    "_sinc": (counted(sinc), (lambda n, x: UNDEFINED, lambda n, x: sinc(n + 1, x))),
    "_erfcx": (counted(erfcx), (lambda n, x: UNDEFINED, lambda n, x: erfcx(n + 1, x))),
    "_bell": (
        lambda x: m.sech(x / 2) ** 2 / 4,
        (lambda x: -m.tanh(x / 2) * m.sech(x / 2) ** 2 / 4,),
    ),
    "_circle": (lambda x: (1 - x) * (1 + x), (lambda x: -2 * x,)),
    "_cosine": (
        lambda x, y: x / m.hypot(x, y) if x or y else m.zero,
        (
            lambda x, y: y**2 / m.hypot(x, y) ** 3 if x or y else UNDEFINED,
            lambda x, y: -x * y / m.hypot(x, y) ** 3 if x or y else UNDEFINED,
        ),
    ),
}
"""name -> (value, (slope per operand)); of a variadic one, the one slope takes k first."""

VARIADIC = {"max", "min", "sum", "mean", "logsumexp"}
