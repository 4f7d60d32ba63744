"""What is measured of a row of a table of operations."""

from dataclasses import dataclass
from typing import Any

from ..operations.row import Operation

__all__ = ["SEED", "WRONG", "Measurement", "Worst"]

SEED = 0
"""Of the random points."""

PROMISED = 2.0**9
"""The largest error that is promised, 2^-44 of the number."""

WRONG = 2.0**53
"""The error of a number of which no digit is right; of larger ones the size says nothing."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The largest error of one number of a row.

    number: `value`, or the operand of a local gradient. ulps: the error in units in the last
    place; at: the point, by operand; printed: what `eval` gives; exact: 20 digits of the truth;
    points: at how many the truth was certain and was compared.
    """

    number: str
    ulps: float
    at: dict[str, Any]
    printed: float
    exact: str
    points: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured of a row, at so many points: first its value, then each local gradient."""

    row: Operation
    points: int
    worst: tuple[Worst, ...]

    @property
    def holds(self) -> bool:
        """Whether every number is as right as is promised."""
        return all(one.ulps < PROMISED for one in self.worst)
