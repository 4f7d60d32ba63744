"""How certain the numbers of a pass are, and why it could not go on."""

from collections.abc import Set
from dataclasses import dataclass

from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import Ball, Undecided
from ..numbers.binary64 import CLOSE, TOLERANCE

__all__ = ["Doubt", "NeedsPrecision"]


class NeedsPrecision(Exception):
    """A pass came to a node at which its arithmetic cannot hold a number or decide.

    reason: overflow, underflow, pole, or a few words. cause: what it was that could not be decided.
    """

    def __init__(self, node: int, cause: Undecided) -> None:
        super().__init__(str(cause))
        self.node = node
        self.reason = str(cause)
        self.cause = cause


SHOWN = 2.0**-20
"""The relative error above which a number whose nearest float is 0 is shown as 0, and not by its
digits."""


@dataclass(slots=True, eq=False, repr=False)
class Doubt:
    """The worst relative error bound so far, and where; -1 where all are small enough.

    close, loose: what is small enough of an operation on exact operands, and of all others. parts:
    nodes that nobody sees, which need not be certain; aside: whether one of them is not.
    """

    lost: float = 0.0
    node: int = -1
    close: float = CLOSE
    loose: float = TOLERANCE
    parts: Set[int] = frozenset()
    aside: bool = False

    def check(self, arithmetic: Arithmetic, node: int, ball: Ball, exact: bool) -> None:
        """Take note of one more number. exact: whether it comes from exact operands."""
        lost = arithmetic.lost(ball)
        if lost > (self.close if exact else self.loose) and lost > self.lost:
            if lost > SHOWN and arithmetic.rounds_to_zero(ball):
                return
            if node in self.parts:
                self.aside = True
                return
            self.lost, self.node = lost, node
