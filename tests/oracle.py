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
    "_normal": (normal, (bell,)),
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
