"""Numbers of a run to numbers of a trace: the nearest floats, and digits where those fall short.

Rounding happens here and only here, once per number.
"""

from decimal import MAX_EMAX, Decimal
from typing import Any

from ..operations.special import precision
from .ball import Ball
from .wide import INFINITE, MINUS_INFINITE, UNDEFINED, Number, Wide, fixed, sign

__all__ = [
    "ENORMOUS",
    "LARGEST_FLOAT",
    "SMALLEST_NORMAL",
    "Decimals",
    "above",
    "brief",
    "decimal",
    "exact_decimal",
    "exact_float",
    "exponent_text",
    "number",
    "rounded",
    "short_number",
    "shown_decimal",
    "telling",
    "wide",
]


class Decimals(int):
    """Decimals that are always shown, where a number of significant digits may stand."""


LARGEST_FLOAT = 1.7976931348623157e308
SMALLEST_NORMAL = 2.0**-1022


def exact_float(value: Any) -> float:
    """The float nearest to an mpmath number, subnormals rounded once; inf on overflow."""
    sign, mantissa, exponent, bits = value._mpf_
    mantissa = int(mantissa)
    if mantissa == 0:
        return 0.0
    if exponent + bits < -1080:
        return 0.0
    if exponent + bits > 1100:
        result = float("inf")
    else:
        try:  # the division of whole numbers is rounded once, subnormals included
            result = float(mantissa << exponent) if exponent >= 0 else mantissa / (1 << -exponent)
        except OverflowError:
            result = float("inf")
    return -result if sign else result


def expanded(value: Any, digits: int) -> tuple[int, str, int]:
    """A finite mpmath number as its sign, that many significant digits, and a power of ten."""
    import mpmath

    if not value:
        return 1, "0", 0
    _, _, exponent, bits = value._mpf_
    power = 0
    if abs(exponent + bits) >= 4000:
        # The general way multiplies powers of ten out; for these the logarithm is faster.
        with precision(int(3.33 * digits) + exponent.bit_length() + 60):
            size = mpmath.log10(abs(value))
            power = int(mpmath.floor(size))
            scaled = mpmath.mpf(10) ** (size - power)
            text = mpmath.nstr(scaled, digits, min_fixed=1, max_fixed=0)
    else:
        text = mpmath.nstr(value, digits, min_fixed=1, max_fixed=0)
    mantissa, _, own = text.partition("e")
    shown = mantissa.strip("-").replace(".", "").rstrip("0")
    return -1 if value < 0 else 1, shown, power + int(own or 0)


def wide(value: Any, digits: int, nearest: float | None = None) -> Wide:
    """A finite mpmath number as a number of the trace, with that many significant digits."""
    return Wide("finite", *expanded(value, digits), nearest)


def number(ball: Ball, precision: int | None, inner: bool) -> Number:
    """A ball as a number of the trace.

    inner: of a node, whose number is null where binary64 can't hold it; a requested result
    is rounded to 0 where it is too small.
    """
    value = ball[0]
    if isinstance(value, float):
        return float(value) + 0.0
    near = exact_float(value)
    if SMALLEST_NORMAL <= abs(near) <= LARGEST_FLOAT and not precision and made_out(ball):
        return near
    if value != value:
        return UNDEFINED
    if abs(value) == float("inf"):
        return INFINITE if value > 0 else MINUS_INFINITE
    if ball[1] and (abs(value) <= ball[1] or (near == 0 and ball[1] > abs(value) * 2.0**-20)):
        return 0.0  # whatever it is, the nearest float is 0, or it cannot be told from 0
    digits = precision or 17
    if abs(near) > LARGEST_FLOAT:
        return wide(value, digits)
    if value != 0 and abs(near) < SMALLEST_NORMAL:
        return wide(value, digits, None if near == 0 and inner else near)
    if precision:
        return wide(value, precision, near)
    return near


def made_out(ball: Ball) -> bool:
    """Whether the powers of two alone tell a finite number that is not 0 from 0."""
    value, error = ball
    if not error or isinstance(error, float):
        return not error
    (_, _, power, bits), (_, bound, low, few) = value._mpf_, error._mpf_
    return bool(bound and low + few < power + bits)


def short_number(value: Any) -> str:
    """A number for a message: 6 significant digits."""
    return f"{value:.6g}" if isinstance(value, float) else brief(wide(value, 6))


def above(value: Any) -> str:
    """A power of ten above a positive number."""
    power = expanded(value, 1)[2] + 1
    return f"1e{power}" if abs(power) < ENORMOUS else power_of_ten(1, power)


def brief(number: Wide) -> str:
    """The text of a finite number for a message, without the digits of an enormous exponent."""
    return (
        number.text
        if abs(number.exponent) < ENORMOUS
        else power_of_ten(number.sign, number.exponent)
    )


ENORMOUS = 10**15
"""The size of an exponent that is rounded itself."""


def power_of_ten(sign: int, exponent: int) -> str:
    return f"{'-' * (sign < 0)}10^{exponent_text(exponent)}"


def exponent_text(exponent: int) -> str:
    """An ENORMOUS exponent."""
    return f"{Decimal(exponent):.6g}"


def rounded(number: Number, digits: int) -> tuple[int, str, int]:
    """The sign, at most that many significant digits, and the power of ten of a finite number."""
    if not sign(number):
        return 1, "0", 0
    if isinstance(number, Wide):
        own = Decimal(f"{number.digits[0]}.{number.digits[1:]}")
        power = number.exponent
    else:
        own, power = Decimal(abs(number)), 0
    mantissa, _, exponent = f"{own:.{max(digits, 1) - 1}e}".partition("e")
    return sign(number), mantissa.replace(".", "").rstrip("0"), int(exponent) + power


def exact_decimal(number: Number) -> Decimal:
    """A finite number as a decimal; nan where its exponent is beyond those of decimals."""
    if not isinstance(number, Wide):
        return Decimal(number)
    return of_digits(number.sign, number.digits, number.exponent)


def shown_decimal(number: Number, digits: int) -> Decimal:
    """A finite number, rounded to that many significant digits."""
    return of_digits(*rounded(number, digits))


def of_digits(sign: int, digits: str, exponent: int) -> Decimal:
    if abs(exponent) >= MAX_EMAX // 2:
        return Decimal("nan")
    return Decimal((int(sign < 0), tuple(map(int, digits)), exponent - len(digits) + 1))


def decimal(number: Number, digits: int) -> str:
    """A number at that many significant digits; 6 give 0.731059, 1.5e-07, 2.72637e+347.

    An exponent of more than 15 digits is rounded itself: 10^-4.34294e+307. With decimals instead,
    2 give 0.73 and 0.20, and what has more than 15 digits before them has 6 significant ones.
    """
    if isinstance(digits, Decimals):
        exact = exact_decimal(number) if not isinstance(number, Wide) or number.exists else None
        if exact is None or exact.is_nan() or abs(exact) >= ENORMOUS:
            return decimal(number, 6)
        text = f"{exact:.{int(digits)}f}"
        return text if text.strip("-0.") else text.removeprefix("-")
    if isinstance(number, float):
        return f"{number + 0.0:.{digits}g}"
    if not number.exists:
        return number.text
    own_sign, shown, exponent = rounded(number, digits)
    if abs(exponent) >= ENORMOUS:
        return power_of_ten(own_sign, exponent)
    minus = "-" * (own_sign < 0)
    if -5 < exponent < max(digits, 6):
        return minus + fixed(shown, exponent)
    return f"{minus}{shown[0]}{'.' * (len(shown) > 1)}{shown[1:]}e{exponent:+03d}"


def telling(a: Number, b: Number, digits: int) -> tuple[str, str]:
    """Two numbers at that many significant digits, or as many more as it takes to tell them apart."""
    for more in range(digits, 18):
        texts = decimal(a, more), decimal(b, more)
        if texts[0] != texts[1]:
            break
    return texts
