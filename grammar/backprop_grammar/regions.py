"""The branches of a program that are evaluated.

The insight: an if selects a region of the graph, regions nest, and a condition is decided once, when
the first node behind it is met.
"""

from typing import TYPE_CHECKING

from .balls import Ball, Balls, compare
from .graph import Graph

if TYPE_CHECKING:
    from .arithmetic import Arithmetic

__all__ = ["Regions"]


class Regions:
    """Which branches of the ifs of a graph are evaluated, decided as their conditions are met."""

    def __init__(
        self, graph: Graph, arithmetic: "Arithmetic", balls: list[Ball | None] | Balls
    ) -> None:
        self.graph = graph
        self.arithmetic = arithmetic
        self.balls = balls
        self.signs: dict[int, int] = {}
        self.known = {0: True}

    def holds(self, condition: int) -> bool:
        """Whether a condition holds at the values of its operands."""
        test = self.graph.conditions[condition]
        if condition not in self.signs:
            left, right = self.balls[test.left], self.balls[test.right]
            assert left is not None and right is not None
            self.signs[condition] = self.arithmetic.decide(left, right)
        return compare(self.signs[condition], test.comparison)

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
