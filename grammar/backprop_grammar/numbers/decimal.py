"""Numbers of a run to numbers of a trace: the nearest floats, and digits where those fall short.

The insight: rounding happens here and only here, once per number.
"""

from decimal import Decimal
from typing import Any

from .arithmetic import Arithmetic
from .ball import Ball
from .wide import Number, Wide

__all__ = [
    "LARGEST_FLOAT",
    "SMALLEST_NORMAL",
    "brief",
    "decimal",
    "exact_float",
    "number",
    "short_number",
]

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


def digits_text(value: Any, digits: int) -> str:
    """A wide number as decimal text with that many significant digits."""
    import mpmath

    _, _, exponent, bits = value._mpf_
    if abs(exponent + bits) < 4000:
        text: str = mpmath.nstr(value, digits, min_fixed=-5, max_fixed=16, strip_zeros=True)
        return text.removesuffix(".0").replace(".0e", "e")
    # The general way multiplies powers of ten out; for these the logarithm is faster.
    with mpmath.workprec(int(3.33 * digits) + exponent.bit_length() + 60):
        size = mpmath.log10(abs(value))
        power = int(mpmath.floor(size))
        mantissa = mpmath.nstr(mpmath.mpf(10) ** (size - power), digits, strip_zeros=True)
    if mantissa.startswith("10"):
        mantissa, power = "1", power + 1
    return f"{'-' if value < 0 else ''}{mantissa.removesuffix('.0')}e{power:+d}"


def number(arithmetic: Arithmetic, ball: Ball, precision: int | None, inner: bool) -> Number:
    """A ball as a number of the trace.

    inner: of a node, whose number is null where binary64 can't hold it; a requested result
    is rounded to 0 where it is too small.
    """
    value = ball[0]
    if arithmetic.module is None:
        return float(value) + 0.0
    if value != value:
        return Wide("undefined")
    if abs(value) == float("inf"):
        return Wide("infinite" if value > 0 else "-infinite")
    near = exact_float(value)
    if near == 0 and ball[1] > abs(value) * 2.0**-20:
        return 0.0  # whatever it is, the nearest float is 0
    digits = precision or 17
    if abs(near) > LARGEST_FLOAT:
        return Wide(digits_text(value, digits))
    if value != 0 and abs(near) < SMALLEST_NORMAL:
        return Wide(digits_text(value, digits), None if near == 0 and inner else near)
    if precision:
        return Wide(digits_text(value, precision), near)
    return near


def short_number(value: Any) -> str:
    """A number for a message: 6 significant digits."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return brief(digits_text(value, 6))


def brief(text: str) -> str:
    """The text of a wide number for a message, without the digits of an enormous exponent."""
    exponent = text.partition("e")[2]
    return text if len(exponent) < 17 else f"{'-' * (text[0] == '-')}10^{Decimal(exponent):.6g}"


def decimal(number: Number, digits: int) -> str:
    """A number at that many significant digits; 6 give 0.731059, 1.5e-07, 2.72637e+347.

    An exponent of more than 15 digits is rounded itself: 10^-4.34294e+307.
    """
    if isinstance(number, float):
        return f"{number + 0.0:.{digits}g}"
    if not number.exists:
        return number.text
    written, _, power = number.text.partition("e")
    mantissa, own = f"{Decimal(written):.{digits - 1}e}".split("e")
    exponent = int(own) + int(power or 0)
    if abs(exponent) >= 10**15:
        return f"{'-' * (mantissa[0] == '-')}10^{Decimal(exponent):.6g}"
    if -5 < exponent < max(digits, 6):
        places = max(0, digits - 1 - exponent)
        fixed = f"{Decimal(f'{mantissa}e{exponent}'):.{places}f}"
        return fixed.rstrip("0").rstrip(".") if "." in fixed else fixed
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{exponent:+03d}"
