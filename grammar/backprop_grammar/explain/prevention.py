"""The one sentence that would have prevented a mistake: the rule, from the table of operations."""

from ..diagnosis.mistakes import at_sum
from ..operations.row import Operation, Role
from ..operations.table import IF, NEG, SUB
from .sentences import row_sentence

__all__ = ["prevention"]

ADDED = "Where branches meet, the gradients add up."
CHAIN = "Every node multiplies the gradient that arrives by its local gradient, and sends that on."

OF_SUMS = {mistake.name for mistake in at_sum} | {"treated as a constant"}
OF_CHAINS = {
    "upstream left out",
    "upstream left out of one edge",
    "added to the upstream",
    "local left out",
    "inner variable",
    "undifferentiated inner",
}
"""Mistakes for which a rule stands that holds at every node."""


def prevention(mistake: str, row: Operation | None, place: int = 0) -> str:
    """The sentence for a mistake of that name at an operation; place: of the operand."""
    if mistake in OF_SUMS:
        return ADDED
    if mistake in OF_CHAINS or row is None or row.leaf:
        return CHAIN
    return rule(row, place)


def rule(row: Operation, place: int) -> str:
    """What an operation sends to an operand, in a sentence."""
    said = "".join(piece.text for piece in row_sentence(row, [place], True))
    if said:
        return said
    if row is SUB:
        return (
            "A difference sends the gradient to its first operand, and its negative to the second."
        )
    if row is NEG:
        return "A minus sign turns the sign of the gradient."
    if row.role is Role.DISTRIBUTES and set(row.rules) == {"1"}:
        return (
            f"{article(row.name)} distributes: every operand receives the gradient as it arrives."
        )
    if row is IF:
        return "An if sends the gradient to the branch that is chosen, and nothing to what it compares."
    if row.selects:
        return (
            f"{article(row.name)} routes: only the operand that it selects receives the gradient."
        )
    if row.rectifies:
        return f"{article(row.name)} lets the gradient through where its operand is above 0."
    operands = row.operands[:-1] if row.variadic else row.operands
    operand = operands[min(place, len(operands) - 1)]
    text = row.rules[min(place, len(row.rules) - 1)]
    return f"The local gradient of {row.name}({', '.join(operands)}) by {operand} is {text}."


def article(name: str) -> str:
    return f"{'An' if name[0] in 'aeiou' else 'A'} {name}"
