"""What loses digits where an S-shaped function is flat, and how it is written instead.

The insight: a derivative says 1 - sigmoid(z) where a careful person writes sigmoid(-z); on the
tape that is one pattern, whoever wrote it.
"""

from collections.abc import Callable
from typing import Protocol

from ...language.graph import Graph
from ...operations.row import Operation
from ...operations.table import OPERATIONS
from .target import Branch, Piece

__all__ = ["careful"]


class Lines(Protocol):
    """The printer, as far as a careful form needs it."""

    def apply(
        self, operation: Operation, operands: list[Piece], branch: Branch | None
    ) -> Piece: ...
    def infix(self, name: str, left: Piece, right: Piece) -> Piece: ...
    def leaf(self, value: float) -> Piece: ...
    def negative(self, operand: Piece) -> Piece: ...
    def short(self, operand: Piece, branch: Branch | None) -> Piece: ...


Write = Callable[[Lines, Piece, Branch | None], Piece]
"""What writes a pattern over the piece of its operand."""


def careful(tape: Graph, node: int) -> tuple[int, Write] | None:
    """The operand of a pattern that a node is, and what writes it; None for other nodes."""
    operation, operands = tape.operations[node], tape.operands[node]
    for sign, inner, write in CAREFUL:
        if operation is None or operation.name != sign:
            continue
        for one, other in (operands, operands[::-1])[: 2 if sign == "add" else 1]:
            found = inside(tape, inner, other) if tape.constants.get(one) == 1 else None
            if found is not None:
                return found, write
    return None


def inside(tape: Graph, names: tuple[str, ...], node: int) -> int | None:
    """The operand of operations within each other, if a node is such; of powers, the square."""
    for name in names:
        operation, operands = tape.operations[node], tape.operands[node]
        if operation is None or operation.name != name:
            return None
        if name == "pow" and tape.constants.get(operands[1]) != 2:
            return None
        node = operands[0]
    return node


def falling(lines: Lines, z: Piece, branch: Branch | None) -> Piece:
    """1 - sigmoid(z) = sigmoid(-z)."""
    return lines.apply(OPERATIONS["sigmoid"], [lines.negative(z)], branch)


def tail(lines: Lines, z: Piece, branch: Branch | None) -> Piece:
    """1 - erf(z) = erfc(z)."""
    return lines.apply(OPERATIONS["erfc"], [z], branch)


def lower_tail(lines: Lines, z: Piece, branch: Branch | None) -> Piece:
    """1 + erf(z) = erfc(-z)."""
    return lines.apply(OPERATIONS["erfc"], [lines.negative(z)], branch)


def bell(lines: Lines, z: Piece, branch: Branch | None) -> Piece:
    """1 - tanh(z)^2 = 4 sigmoid(2z) sigmoid(-2z)."""
    twice = lines.infix("mul", lines.leaf(2.0), lines.short(z, branch))
    rising = lines.apply(OPERATIONS["sigmoid"], [twice], branch)
    four = lines.infix("mul", lines.leaf(4.0), rising)
    return lines.infix("mul", four, falling(lines, twice, branch))


CAREFUL: tuple[tuple[str, tuple[str, ...], Write], ...] = (
    ("sub", ("sigmoid",), falling),
    ("sub", ("erf",), tail),
    ("add", ("erf",), lower_tail),
    ("sub", ("pow", "tanh"), bell),
)
"""The sign after the 1, the operations after that, and what writes it."""
