"""Mpmath's numbers: of any precision, with an exponent that knows no bounds."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ..language.nearest import Nearest, fraction
from ..operations.row import Operation
from ..operations.special import precision
from ..operations.table import MUL, OPERATIONS
from .arithmetic import Arithmetic
from .ball import Ball, Undecided, rounding

__all__ = ["Multiprecision", "multiprecision", "size_of"]

SUM = OPERATIONS["sum"]

SMALLEST = -1080
"""The power of two of a number and of its error from which down the nearest float is 0."""

NOTHING = -90
"""The power of two of a relative error below which none is of interest."""


class Multiprecision(Arithmetic):
    """Numbers of so many bits; run them inside their ``context``."""

    guard = 8

    def __init__(self, bits: int, last: bool) -> None:
        import mpmath

        from . import rational  # needs mpmath, which takes its time

        self.rational: Any = rational
        self.module: Any = mpmath.mp
        self.bits = bits
        super().__init__(mpmath.mpf, mpmath.mpf(2) ** -bits, last)

    def context(self) -> AbstractContextManager[Any]:
        """Within it the numbers have their precision."""
        return precision(self.bits)

    def constant(self, value: float | str) -> Ball:
        """The ball of a constant of the program, by its number or its name."""
        if isinstance(value, Nearest) and value.rest:
            number = fraction(value)
            return self.quotient(number) or self.rational.nearest(number, self.unit)
        if not isinstance(value, str):
            return self.exactly(float(value))
        m = self.module
        exact = {"pi": m.pi, "e": m.e, "tau": 2 * m.pi}[value]
        return +exact, abs(+exact) * self.unit

    def library_value(self, operation: Operation, operands: Sequence[Any]) -> Any:
        """The value as mpmath gives it; outside the domain mpmath goes on in the plane."""
        if operation.wide:
            result = operation.wide(self.module, *operands)
        else:
            result = getattr(self.module, operation.name)(*operands)
        return self.undefined[0] if isinstance(result, self.module.mpc) else result

    def quotient(self, value: Fraction | None) -> Ball | None:
        """The ball of a quotient, if it is one and not too long."""
        return None if value is None else self.rational.rational(value, self.unit)

    def apply(self, operation: Operation, operands: Sequence[Ball]) -> Ball:
        """The value of an operation with its error, inherited and new; of quotients, a quotient."""
        exact = self.quotient(self.rational.of_operation(operation, operands))
        return super().apply(operation, operands) if exact is None else exact

    def decide(self, a: Ball, b: Ball) -> int:
        """The sign of a - b. Raises Undecided where the errors leave it open."""
        if a[1] or b[1]:
            x, y = self.rational.quotient(a), self.rational.quotient(b)
            if x is not None and y is not None:
                return int(x > y) - int(x < y)
        return super().decide(a, b)

    def whole(self, operands: list[Ball], k: int) -> bool:
        """Whether operand k is a whole number, which it becomes where it can't be told from it."""
        quotient = self.rational.quotient(operands[k])
        if quotient is None:
            return super().whole(operands, k)
        if quotient.denominator == 1 and operands[k][1]:
            raise Undecided("a whole number of more digits")
        return bool(quotient.denominator == 1)

    def times(self, a: Ball, b: Ball) -> Ball:
        """The product of two balls; inf*0 does not exist."""
        exact = self.quotient(self.rational.of_operation(MUL, (a, b)))
        if exact is not None:
            return exact
        (x, dx), (y, dy) = a, b
        value = x * y
        if not self.finite(value):
            return value, self.zero[1]
        error = (abs(x) + dx) * dy if dy else dy
        if dx:
            error += dx * abs(y)
        digits, more = x._mpf_[3], y._mpf_[3]
        exact = digits < 2 or more < 2 or digits + more <= self.bits  # a power of two has one
        return value, error if exact else error + abs(value) * self.unit

    def total(self, balls: Sequence[Ball]) -> Ball:
        """The sum of balls; inf - inf does not exist."""
        if len(balls) == 1:
            return balls[0]
        exact = self.quotient(self.rational.of_operation(SUM, balls))
        if exact is not None:
            return exact
        value = lost = self.zero[1]
        for x, _ in balls:  # mpmath's fsum drops what is much smaller, even where the rest cancels
            before, value = value, value + x
            lost += rounding(before, x, value)
        if not self.finite(value):
            return value, self.zero[1]
        return value, lost + sum([error for _, error in balls])

    def lost(self, ball: Ball) -> float:
        """The bound on a number's relative error; 0 where it is exact, a pole or undefined."""
        value, error = ball
        if value and error and self.finite(value) and self.finite(error):
            power = size_of(error) - size_of(value) + 1
            if power < NOTHING:  # an upper bound will do
                return float(2.0**power) if power > -1000 else self.module.ldexp(1, power)
        return super().lost(ball)

    def rounds_to_zero(self, ball: Ball) -> bool:
        """Whether the nearest float is 0 wherever in its ball a number lies."""
        return all(not x or (self.finite(x) and size_of(x) < SMALLEST) for x in ball)

    def leaps(self, moved: Any, out: Any) -> bool:
        """Whether a movement is so large beside a value and 1 that a pole may be near."""
        if not self.finite(moved):
            return True
        return bool(moved) and size_of(moved) + 20 > max(1, size_of(out))

    def finite(self, x: Any) -> bool:
        """Whether a number is neither infinite nor undefined."""
        _, mantissa, exponent, _ = x._mpf_  # comparing would convert the other side first
        return bool(mantissa) or not exponent

    def nearest_whole(self, x: Any) -> Any:
        """The whole number nearest to a finite number."""
        return self.module.nint(x)

    def far(self, x: Any, reach: Any) -> bool:
        """Whether an error, not 0, is not near at a distance of x from 0 or from an edge."""
        if not x or not self.finite(reach):
            return True
        size = size_of(reach)
        return size + 12 > size_of(x) or 2 * size + 11 > size_of(self.unit)


def size_of(x: Any) -> int:
    """The power of two above the size of an mpmath number that is finite and not 0."""
    _, _, exponent, bits = x._mpf_
    return int(exponent + bits)


@lru_cache(maxsize=8)
def multiprecision(bits: int, last: bool) -> Multiprecision:
    """Mpmath's numbers of that precision."""
    return Multiprecision(bits, last)
