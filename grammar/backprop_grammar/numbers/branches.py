"""The branches of a program that are evaluated.

An `if` selects a region of the graph, regions nest, and a condition is decided once, when the first
node behind it is met.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..language.graph import Tape
from .ball import Balls, Undecided, compare

__all__ = ["Branches"]


class Branches:
    """Which branches of the ifs of a graph are evaluated, decided as their conditions are met."""

    def __init__(
        self,
        graph: Tape,
        values: Sequence[Any] | Balls,
        decide: Callable[[Any, Any], int],
        both: bool = False,
    ) -> None:
        """Values: of the nodes so far. decide: the sign of the difference of two of them. both: a
        condition that is Undecided holds and does not.
        """
        self.graph = graph
        self.values = values
        self.decide = decide
        self.both = both
        self.signs: dict[int, int] = {}
        self.open: set[int] = set()
        self.known = {0: True}

    def holds(self, condition: int) -> bool | None:
        """Whether a condition holds at the values of its operands; None where that is open."""
        test = self.graph.conditions[condition]
        if condition in self.open:
            return None
        if condition not in self.signs:
            left, right = self.values[test.left], self.values[test.right]
            assert left is not None and right is not None
            try:
                self.signs[condition] = self.decide(left, right)
            except Undecided as cause:
                if not self.both:
                    cause.nodes = test.left, test.right
                    raise
                self.open.add(condition)
                return None
        return compare(self.signs[condition], test.comparison)

    def selected(self, node: int) -> int:
        """Which operand an `if` selects."""
        return 2 if self.holds(self.graph.condition_of[node]) else 3

    def active(self, region: int) -> bool:
        """Whether a region is evaluated: its own condition and those around it select it."""
        if region in self.known:
            return self.known[region]
        chain = [region]
        conditions = self.graph.conditions
        while (around := conditions[(chain[-1] - 1) // 2].region) not in self.known:
            chain.append(around)
        active = self.known[around]
        for inner in reversed(chain):
            active = active and self.holds((inner - 1) // 2) in (inner % 2 == 1, None)
            self.known[inner] = active
        return active
