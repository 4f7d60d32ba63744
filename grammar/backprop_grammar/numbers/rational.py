"""Rational numbers among wide ones: what sums, products, quotients and whole powers of decimals are.

Such a number knows the quotient that it is, so what cancels is 0 and what ties is equal without a
doubt, at any precision. To everything that does not ask it is a number of mpmath's.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath

from ..operations.exact import LONGEST
from ..operations.row import Operation
from .ball import Ball

__all__ = ["of_operation", "quotient", "rational"]


class Rational(mpmath.mpf):  # type: ignore[misc]
    """The number nearest to a quotient, which it knows."""

    quotient: Fraction


def rational(value: Fraction, unit: Any) -> Ball | None:
    """The ball of a quotient at the present precision; None of a long one. unit: half an ulp of 1."""
    above, below = value.numerator, value.denominator
    if max(above.bit_length(), below.bit_length()) > LONGEST:
        return None
    near = mpmath.mp.mpf(above) / below
    if not below & (below - 1) and above.bit_length() <= mpmath.mp.prec:
        return near, mpmath.mp.zero
    result = Rational(near)
    result.quotient = value
    return result, abs(near) * unit * 4


def quotient(ball: Ball) -> Fraction | None:
    """The quotient that a ball is, where that is known and short."""
    value, error = ball
    if type(value) is Rational:
        return value.quotient
    if error:
        return None
    sign, mantissa, exponent, bits = value._mpf_
    if (exponent and not mantissa) or bits + abs(exponent) > LONGEST:
        return None
    whole = -int(mantissa) if sign else int(mantissa)
    return Fraction(whole << exponent) if exponent >= 0 else Fraction(whole, 1 << -exponent)


def of_operation(operation: Operation, operands: Sequence[Ball]) -> Fraction | None:
    """The value of an operation over quotients that are known; None where that is none."""
    if operation.rational is None:
        return None
    known = []
    for ball in operands:
        value = quotient(ball)
        if value is None:
            return None
        known.append(value)
    try:
        return operation.rational(*known)
    except (ArithmeticError, ValueError):
        return None
