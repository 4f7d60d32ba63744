"""Floats: fast, and mostly enough."""

from collections.abc import Sequence
from typing import Any

from ..operations.exact import product
from ..operations.row import Operation
from . import float64
from .arithmetic import Arithmetic
from .ball import INFINITY, NEAR, UNIT, Ball, Undecided
from .float64 import KERNELS, SHORT, Hard

__all__ = ["CLOSE", "TOLERANCE", "Binary64", "binary64"]

TOLERANCE = 2.0**-44
"""The relative error up to which a binary64 number is accepted: 5.7e-14."""
CLOSE = 2.0**-50
"""The same for an operation on exact operands; bounds run two to four times over the truth."""


class Binary64(Arithmetic):
    """Floats: ordinary ones by the kernels of the rows, others the general way or not at all.

    A number that overflows, or underflows and is not exact, is Undecided.
    """

    def __init__(self) -> None:
        super().__init__(float, UNIT)

    def constant(self, value: float | str) -> Ball:
        """The ball of a constant of the program, by its number or its name."""
        return float64.constant(value)

    def library_value(self, operation: Operation, operands: Sequence[Any]) -> Any:
        """The value that the row gives."""
        assert operation.value is not None
        return operation.value(*operands) + 0.0

    def apply(self, operation: Operation, operands: Sequence[Ball]) -> Ball:
        """The value of an operation with its error, inherited and new."""
        try:
            return KERNELS[operation](*operands[0], *operands[-1])
        except Hard:
            return super().apply(operation, operands)

    def times(self, a: Ball, b: Ball) -> Ball:
        """The product of two balls."""
        (x, dx), (y, dy) = a, b
        try:
            return float64.mul(x, dx, y, dy)
        except Hard:
            out = x * y
        if self.overflows(out):
            raise Undecided("overflow")
        error = abs(y) * dx + (abs(x) + dx) * dy
        exact = product((x, y), out, self.limit)
        if (x or dx) and (y or dy) and (dx or dy or not exact):
            self.check_underflow(out or error)
        return out + 0.0, error if exact else error + abs(out) * self.unit

    def total(self, balls: Sequence[Ball]) -> Ball:
        """The sum of balls, rounded once."""
        if len(balls) == 1:
            return balls[0]
        value, lost = float64.total([value for value, _ in balls])
        return value, lost + sum([error for _, error in balls])

    def ordinary_local(
        self, operation: Operation, k: int, balls: Any, operands: Sequence[int], node: int
    ) -> Ball | None:
        """What ``local`` gives, where that is known without it and no kink is near; else None."""
        values, errors = balls.values, balls.errors
        i, j = operands[0], operands[-1]
        try:
            return float64.local(operation, k)(
                values[i], errors[i], values[j], errors[j], values[node], errors[node]
            )
        except Hard:
            return None

    def finite(self, x: Any) -> bool:
        """Whether a number is neither infinite nor undefined."""
        return bool(-INFINITY < x < INFINITY)

    def nearest_whole(self, x: Any) -> Any:
        """The whole number nearest to a finite number."""
        return float(round(x))

    def far(self, x: Any, reach: Any) -> bool:
        """Whether an error, not 0, is not near at a distance of x from 0 or from an edge."""
        return bool(reach > SHORT or reach > NEAR * abs(x))

    def overflows(self, value: Any) -> bool:
        """Whether a value is beyond the largest number, or undefined."""
        return not self.finite(value)

    def underflows(self, value: Any) -> bool:
        """Whether a value is so small that a bound on its error would lose digits itself."""
        return bool(abs(value) < float64.SMALL)


binary64 = Binary64()
