"""The branches of a program that are evaluated.

The insight: an if selects a region of the graph, regions nest, and a condition is decided once, when
the first node behind it is met.
"""

from collections.abc import Callable

from ..language.graph import Graph
from .ball import Ball, Balls, compare

__all__ = ["Regions"]


class Regions:
    """Which branches of the ifs of a graph are evaluated, decided as their conditions are met."""

    def __init__(
        self, graph: Graph, decide: Callable[[Ball, Ball], int], balls: list[Ball | None] | Balls
    ) -> None:
        """Decide: the sign of the difference of two balls."""
        self.graph = graph
        self.decide = decide
        self.balls = balls
        self.signs: dict[int, int] = {}
        self.known = {0: True}

    def holds(self, condition: int) -> bool:
        """Whether a condition holds at the values of its operands."""
        test = self.graph.conditions[condition]
        if condition not in self.signs:
            left, right = self.balls[test.left], self.balls[test.right]
            assert left is not None and right is not None
            self.signs[condition] = self.decide(left, right)
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
