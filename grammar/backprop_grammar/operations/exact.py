"""When a value has no rounding error: predicates of an operation's operands and its result."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

__all__ = [
    "LONGEST",
    "Exact",
    "always",
    "angle",
    "at_one",
    "at_zero",
    "average",
    "exact_power",
    "integers",
    "never",
    "power",
    "product",
    "quotient",
    "root",
]

LONGEST = 4096
"""Bits of the longest numerator or denominator of a quotient that is kept."""

Exact = Callable[[tuple[Any, ...], Any, Any], bool]
"""Whether a value has no rounding error, given operands, result and 1/(half an ulp)."""


def never(_operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    """No value is free of rounding."""
    return False


def always(_operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    """No value is rounded."""
    return True


def at_zero(operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    """All operands are 0."""
    return all(x == 0 for x in operands)


def at_one(operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    """The first operand is 1."""
    return bool(operands[0] == 1)


def integers(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    """Whole numbers in, a whole number out, nothing too large: no rounding took place."""
    if not abs(out) < limit or out != int(out):
        return False
    return all(abs(x) < limit and x == int(x) for x in operands)


def power_of_two(x: Any) -> bool:
    return abs(math.frexp(x)[0]) == 0.5 if isinstance(x, float) else x.man_exp[0] == 1


def normal(out: Any) -> bool:
    """Whether scaling by a power of two gave this without pushing digits below the smallest."""
    return bool(abs(out) >= 2.0**-1022)


def length(x: Any) -> int:
    """How many binary digits a finite number has, without zeros at its ends."""
    if not isinstance(x, float):
        return int(x._mpf_[3])
    whole = abs(x.as_integer_ratio()[0])
    return (whole // (whole & -whole)).bit_length() if whole else 0


def product(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    """A product with 0, 1, a power of two, or of numbers with few digits."""
    x, y = operands
    if x == 0 or y == 0 or abs(x) == 1 or abs(y) == 1:
        return True
    if not normal(out):
        return False
    if power_of_two(x) or power_of_two(y) or integers(operands, out, limit):
        return True
    return bool(2 ** (length(x) + length(y)) <= limit)


def quotient(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    """A quotient of 0, by 1 or a power of two, or that divides whole numbers."""
    x, y = operands
    if x == 0 or abs(y) == 1:
        return True
    return normal(out) and (
        power_of_two(y) or (integers(operands, out, limit) and bool(out * y == x))
    )


def average(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    """Whole operands whose sum, too, is small enough to have been exact."""
    return integers(operands, out, limit / len(operands))


def root(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    """The root of the square of a whole number."""
    x = operands[0]
    return integers(operands, out, limit) and bool(out * out == x)


def power(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    """A power that is 1, the base itself, or a whole power of a number with few digits."""
    x, y = operands
    if y == 0 or y == 1 or x == 1 or (x == 0 and y > 0):
        return True
    if not 0 < y < 2**12 or y != int(y) or not normal(out):
        return False
    if integers(operands, out, limit):
        return bool(int(x) ** int(y) == out)
    digits = length(x) * int(y)
    return digits < 2**15 and bool(2**digits <= limit)


def exact_power(base: Fraction, exponent: Fraction) -> Fraction:
    """A whole power of a quotient. Raises ValueError for another one, or a long one."""
    if exponent.denominator != 1 or (base == 0 and exponent < 0):
        raise ValueError
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if base not in (0, 1, -1) and bits * abs(exponent) > LONGEST:
        raise ValueError
    result: Fraction = base ** int(exponent)
    return result


def angle(operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    """Atan2 on the positive half of the x axis."""
    return bool(operands[0] == 0 and operands[1] >= 0)
