"""Balls: numbers with a bound on how wrong they may be.

An error is known only up to a bound, so a comparison has three outcomes: less, greater, or
undecided, which is an exception and not a guess.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ENLARGED",
    "INFINITY",
    "MARGIN",
    "NEAR",
    "UNIT",
    "Ball",
    "Balls",
    "DomainError",
    "Undecided",
    "compare",
    "rounding",
]

INFINITY = float("inf")
UNIT = 2.0**-53
"""Half an ulp of 1 in binary64."""

NEAR = 2.0**-12
"""An error is near if it is smaller than this part of the distance to 0 and to the edges of the
domain, and, squared, than a part of a rounding error: then a bound of first order is trusted."""

ENLARGED = 1 + 2.0**-10
"""What such a bound is multiplied by for the terms of second order."""

MARGIN = 1.25
"""What a movement that is measured at the ends of errors is multiplied by."""

Ball = tuple[Any, Any]
"""A value and a bound on its absolute error; (nan, 0) does not exist, (inf, 0) is a pole."""


@dataclass(slots=True, eq=False, repr=False)
class Balls:
    """The balls of the nodes, kept as two flat lists; a value is None where there is none."""

    values: list[Any]
    errors: list[float]

    def __getitem__(self, node: int) -> Ball | None:
        value = self.values[node]
        return None if value is None else (value, self.errors[node])

    def __setitem__(self, node: int, ball: Ball) -> None:
        self.values[node], self.errors[node] = ball

    def __contains__(self, node: int) -> bool:
        return self.values[node] is not None

    def get(self, node: int, default: Ball | None = None) -> Ball | None:
        """The ball of a node, or another where it has none."""
        return self[node] or default


class Undecided(Exception):
    """This arithmetic cannot hold a number, or decide a comparison; the message says why.

    bound: of two numbers that are too close to tell apart, how far apart they are at most; None for
    other reasons. place, limit: which operand is too close to which limit. nodes: the sides of a
    condition.
    """

    def __init__(self, message: str, bound: Any = None) -> None:
        super().__init__(message)
        self.bound = bound
        self.place: int | None = None
        self.limit: float | str = 0.0
        self.nodes: tuple[int, ...] = ()


class DomainError(Exception):
    """An operation is applied outside its domain.

    hint: the way out. place: which operand is to blame; None for all of them. A pass that meets it
    says where: node, and the balls of its operands.
    """

    def __init__(self, message: str, hint: str, place: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place
        self.node = -1
        self.operands: list[Ball | None] = []


RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le,
    ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def compare(sign: int, comparison: str) -> bool:
    """Whether `a comparison b` holds, given the sign of a - b."""
    return bool(RELATIONS[comparison](sign, 0))


def rounding(x: Any, y: Any, out: Any) -> Any:
    """The rounding error of out = x + y, exactly (Knuth, TAOCP 2, section 4.2.2)."""
    t = out - x
    return abs((x - (out - t)) + (y - t))
