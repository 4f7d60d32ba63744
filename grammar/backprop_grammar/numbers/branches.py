"""The branches of a program that are evaluated.

An `if` selects a region of the graph, regions nest, and a condition is decided once, when the first
node behind it is met.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..language.graph import Tape
from .ball import Balls, compare

__all__ = ["Branches"]


class Branches:
    """Which branches of the ifs of a graph are evaluated, decided as their conditions are met."""

    def __init__(
        self, graph: Tape, values: Sequence[Any] | Balls, decide: Callable[[Any, Any], int]
    ) -> None:
        """Values: of the nodes so far. decide: the sign of the difference of two of them."""
        self.graph = graph
        self.values = values
        self.decide = decide
        self.signs: dict[int, int] = {}
        self.known = {0: True}

    def holds(self, condition: int) -> bool:
        """Whether a condition holds at the values of its operands."""
        test = self.graph.conditions[condition]
        if condition not in self.signs:
            left, right = self.values[test.left], self.values[test.right]
            assert left is not None and right is not None
            self.signs[condition] = self.decide(left, right)
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
            active = active and self.holds((inner - 1) // 2) == (inner % 2 == 1)
            self.known[inner] = active
        return active
