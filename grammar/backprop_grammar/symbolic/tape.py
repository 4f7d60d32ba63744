"""Formulas as a tape on which equal nodes are one node."""

from collections.abc import Callable, Sequence

from ..language.graph import Condition, Graph
from ..operations.row import Operation
from ..operations.table import ADD, DIV, MUL, NEG, OPERATIONS, POW

__all__ = ["SharedTape"]

EXP = OPERATIONS["exp"]

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
        self.nothing: set[int] = set()  # choices of which some branch is 0, or such a choice
        self.exist: set[int] = set()  # nodes that exist wherever the program has a value
        self.nonzero: set[int] = set()  # nodes that are not 0 wherever the program has a value
        self.facts: list[tuple[bool, bool]] = []

    # leaves

    def constant(self, value: float | str) -> int:
        if value == 0:
            value = 0.0
        key = "constant", value, getattr(value, "ratio", None)
        return self.once(key, lambda: self.tape.constant(value))

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

    def total(self, node: int) -> bool:
        """Whether a node exists wherever the program has a value, in branches not taken too."""
        for k in range(len(self.facts), node + 1):
            self.facts.append((self.always(k), self.never_zero(k)))
        return self.facts[node][0]

    def always(self, node: int) -> bool:
        """Whether a node exists wherever the program has a value, by what is known of operands."""
        operation, operands = self.tape.operations[node], self.tape.operands[node]
        if node in self.exist:
            return True
        if not all(self.facts[k][0] for k in operands):
            return False
        if operation is DIV:
            return self.facts[operands[1]][1]
        if operation is POW:
            exponent = self.number(operands[1])
            if exponent is None or not exponent.is_integer():
                return False
            return exponent >= 0 or self.facts[operands[0]][1]
        return not (operation.domain or operation.requires)

    def never_zero(self, node: int) -> bool:
        """Whether a node is known not to be 0."""
        operation, operands = self.tape.operations[node], self.tape.operands[node]
        if node in self.tape.constants:
            return self.tape.constants[node] != 0
        if operation in (MUL, NEG):
            return all(self.facts[k][1] for k in operands)
        quotient = operation in (DIV, POW) and self.facts[operands[0]][1]
        return quotient or operation is EXP or node in self.nonzero

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
            node = self.tape.select(k, then, otherwise, (0, 0), 0)
            if any(self.number(side) == 0 or side in self.nothing for side in (then, otherwise)):
                self.nothing.add(node)
            return node

        return self.once(("if", comparison, left, right, then, otherwise), make)
