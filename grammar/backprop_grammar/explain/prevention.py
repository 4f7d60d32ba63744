"""The one sentence that would have prevented a mistake: the rule, from the table of operations."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from ..diagnosis.mistakes import at_sum
from ..diagnosis.search import Diagnosis
from ..operations.row import Operation, Role
from ..operations.table import IF, NEG, SUB
from .sentences import row_sentence

__all__ = ["prevention", "ruled"]

V = TypeVar("V", bound=Any)

ADDED = "Where branches meet, the gradients add up."
CHAIN = "Every node multiplies the gradient that arrives by its local gradient, and sends that on."
NODE = (
    "The gradient of a node says how the output changes with that node; it is not its value, nor "
    "another's."
)
SHAPE = "A gradient has the shape of what it is the gradient of: a number for each of its elements."
STRETCHED = "Where an array was stretched, what its copies receive is added up."
FORWARD = "The backward pass uses the numbers of the forward pass; what it leads to is used in the next one."

OF_SUMS = {mistake.name for mistake in at_sum} - {"loss for derivative", "sign of the sum"} | {
    "treated as a constant",
    "index overwritten",
}
OF_CHAINS = {
    "upstream left out",
    "upstream left out of one edge",
    "upstream left out of one operand",
    "upstream applied twice",
    "added to the upstream",
    "another upstream",
    "local left out",
    "applied twice",
    "handed on",
    "inner variable",
    "inner differentiated",
    "undifferentiated inner",
    "sign of the sum",
    "two mistakes",
}
OF_NODES = {"value for gradient", "mixed up", "loss for derivative", "loss for its derivative"}
OF_SHAPES = {"transposed", "summed up"}
OF_STRETCHED = {
    "not summed",
    "averaged over the batch",
    "summed over everything",
    "counted once",
    "wrong axis",
    "one row",
    "sum of the input",
}
OF_STEPS = {"updated weights", "updated point", "updated value"}
EVERYWHERE = {
    **dict.fromkeys(OF_SUMS, ADDED),
    **dict.fromkeys(OF_CHAINS, CHAIN),
    **dict.fromkeys(OF_NODES, NODE),
    **dict.fromkeys(OF_SHAPES, SHAPE),
    **dict.fromkeys(OF_STRETCHED, STRETCHED),
    **dict.fromkeys(OF_STEPS, FORWARD),
}
"""The rules that hold at every node, by the mistakes that forget them."""


def prevention(mistake: str, row: Operation | None, place: int = 0, sent: str = "") -> str:
    """The sentence for a mistake of that name at an operation.

    place: of the operand. sent: what an operation on arrays sends to it, as `W @ x sends up @ x.T to W`.
    """
    if mistake in EVERYWHERE:
        return EVERYWHERE[mistake]
    if sent:
        return f"{sent}, where up is the gradient that arrives."
    if row is None or row.leaf:
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


def ruled(trace: Any, verdicts: Iterable[V]) -> tuple[V, ...]:
    """Verdicts on claims of nodes of a trace, each diagnosis with its rule."""
    return tuple(
        replace(one, diagnoses=tuple([replace(of, rule=of_diagnosis(trace, of)) for of in one.diagnoses]))
        for one in verdicts
    )  # fmt: skip


def of_diagnosis(trace: Any, found: Diagnosis) -> str:
    """The rule that a mistake forgot, at the operation where it was made."""
    node = trace.by_name[found.node]
    operand = trace.by_name.get(found.operand)
    edges = [edge for edge in node.edges if operand is None or edge.operand == operand.index]
    if not edges:
        return prevention(found.mistake, node.row)
    sent = getattr(edges[0], "vjp", "")
    told = f"{node.formula} sends {sent} to {trace.name(edges[0].operand)}" if sent else ""
    return prevention(found.mistake, node.row, edges[0].place, told)
