"""Numbers of a trace: floats, and those that a float does not hold in full."""

from typing import NamedTuple

__all__ = ["UNEVALUATED", "Number", "Wide", "as_float", "exists"]


class Wide(NamedTuple):
    """A number that a float does not hold in full.

    text: its decimal digits, or ``infinite``, ``-infinite``, ``undefined``, ``unevaluated``.
    nearest: the nearest float; None where there is none.
    """

    text: str
    nearest: float | None = None

    @property
    def exists(self) -> bool:
        """Whether this is a number at all."""
        return self.text[-1] not in "ed"


Number = float | Wide


def as_float(number: Number) -> float | None:
    """The nearest float to a number of a trace; None where there is none."""
    return number.nearest if isinstance(number, Wide) else number


UNEVALUATED = Wide("unevaluated")
"""Every number of a trace that has no point, only the structure."""


def exists(number: Number) -> bool:
    """Whether a number of a trace is a finite number."""
    return not isinstance(number, Wide) or number.exists
