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

__all__ = ["as_fraction", "nearest", "of_operation", "quotient", "rational"]


class Rational(mpmath.mpf):  # type: ignore[misc]
    """The number nearest to a quotient, which it knows."""

    quotient: Fraction


def nearest(value: Fraction, unit: Any) -> Ball:
    """The number nearest to a quotient at the present precision, with its error, 0 where it is that.

    unit: half an ulp of 1.
    """
    above, below = value.numerator, value.denominator
    near = mpmath.mp.mpf(above) / below
    if not below & (below - 1) and above.bit_length() <= mpmath.mp.prec:
        return near, mpmath.mp.zero
    return near, abs(near) * unit * 4


def rational(value: Fraction, unit: Any) -> Ball | None:
    """The same as a number that knows the quotient; None of a long one."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > LONGEST:
        return None
    near, error = nearest(value, unit)
    if not error:
        return near, error
    result = Rational(near)
    result.quotient = value
    return result, error


def as_fraction(x: Any) -> Fraction:
    """The quotient that a finite number of mpmath's is."""
    sign, mantissa, exponent, _ = x._mpf_
    whole = -int(mantissa) if sign else int(mantissa)
    return Fraction(whole << exponent) if exponent >= 0 else Fraction(whole, 1 << -exponent)


def quotient(ball: Ball) -> Fraction | None:
    """The quotient that a ball is, where that is known and short."""
    value, error = ball
    if type(value) is Rational:
        return value.quotient
    if error:
        return None
    _, mantissa, exponent, bits = value._mpf_
    if (exponent and not mantissa) or bits + abs(exponent) > LONGEST:
        return None
    return as_fraction(value)


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
