"""Formulas as a tape on which equal nodes are one node."""

from collections.abc import Callable, Sequence

from ..language.graph import Condition, Graph
from ..operations.row import Operation
from ..operations.table import ADD, MUL, OPERATIONS

__all__ = ["SharedTape"]


COMMUTE = (ADD, MUL, OPERATIONS["hypot"])
"""Operations whose two operands may change places: written either way, they are one node."""


class SharedTape:
    """A tape of symbols: what is there already is used again, so nothing is computed twice.

    An `if` is lazy here: what stands only in a branch is meant to be evaluated only there, so
    the tape is for printing, not for the passes over numbers.
    """

    def __init__(self) -> None:
        self.tape = Graph()
        self.known: dict[tuple[object, ...], int] = {}

    # leaves

    def constant(self, value: float | str) -> int:
        if value == 0:
            value = 0.0
        return self.once(("constant", value), lambda: self.tape.constant(value))

    def variable(self, name: str) -> int:
        return self.tape.variable(name)

    def once(self, key: tuple[object, ...], make: Callable[[], int]) -> int:
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = make()
        return node

    # what a node is

    def number(self, node: int) -> float | None:
        value = self.tape.constants.get(node)
        return value if isinstance(value, float) else None

    def parts(self, node: int, operation: Operation) -> tuple[int, ...] | None:
        """The operands of a node, if it is of that operation."""
        return self.tape.operands[node] if self.tape.operations[node] is operation else None

    def is_if(self, node: int) -> bool:
        return node in self.tape.condition_of

    def test(self, node: int) -> tuple[str, int, int]:
        """The comparison of an `if` and its two sides."""
        condition = self.tape.conditions[self.tape.condition_of[node]]
        return condition.comparison, condition.left, condition.right

    # operations, as they stand

    def plain(self, operation: Operation, operands: Sequence[int]) -> int:
        key = (operation.name, *operands)
        if operation in COMMUTE and (operation.name, *operands[::-1]) in self.known:
            key = (operation.name, *operands[::-1])
        return self.once(key, lambda: self.tape.add(operation, tuple(operands)))

    def selection(self, comparison: str, left: int, right: int, then: int, otherwise: int) -> int:
        """The node of an `if`."""

        def make() -> int:
            self.tape.conditions.append(Condition(left, right, comparison, 0))
            k = len(self.tape.conditions) - 1
            return self.tape.select(k, then, otherwise, (0, 0), 0)

        return self.once(("if", comparison, left, right, then, otherwise), make)
