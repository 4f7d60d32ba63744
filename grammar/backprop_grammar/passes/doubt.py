"""How certain the numbers of a pass are, and why it could not go on."""

from dataclasses import dataclass

from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import Ball
from ..numbers.binary64 import CLOSE, TOLERANCE

__all__ = ["Doubt", "NeedsPrecision"]


class NeedsPrecision(Exception):
    """A pass came to a node at which its arithmetic cannot hold a number or decide.

    reason: overflow, underflow, pole, or a few words.
    """

    def __init__(self, node: int, reason: str) -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


TINY = 2.0**-1074 / 2**6


@dataclass(slots=True, eq=False, repr=False)
class Doubt:
    """The worst relative error bound so far, and where; -1 where all are small enough.

    close, loose: what is small enough of an operation on exact operands, and of all others.
    """

    lost: float = 0.0
    node: int = -1
    close: float = CLOSE
    loose: float = TOLERANCE

    def check(self, arithmetic: Arithmetic, node: int, ball: Ball, exact: bool) -> None:
        """Take note of one more number. exact: whether it comes from exact operands."""
        lost = arithmetic.lost(ball)
        if lost > (self.close if exact else self.loose) and lost > self.lost:
            if abs(ball[0]) + ball[1] < TINY:
                return  # whatever it is, the nearest float is 0
            self.lost, self.node = lost, node
