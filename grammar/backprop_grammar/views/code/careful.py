"""What loses digits where an S-shaped function is flat, and how it is written instead.

A derivative says 1 - sigmoid(z) where a careful person writes sigmoid(-z); on the tape that is one
pattern, whoever wrote it.
"""

from functools import cache

from ...blocks.definitions import function
from ...blocks.matching import Search
from ...language.graph import Function
from ...operations.row import Operation

__all__ = ["careful"]

CAREFUL = (
    ("1 - sigmoid(z)", "sigmoid(-z)"),
    ("1 - erf(z)", "erfc(z)"),
    ("1 + erf(z)", "erfc(-z)"),
    ("1 - tanh(z)^2", "4*sigmoid(2*z)*sigmoid(-(2*z))"),
)
"""What a tape says, and what is written."""


@cache
def patterns() -> list[tuple[Operation | None, Function, Function]]:
    """CAREFUL as functions of z, each with the operation at the root of its pattern."""
    sides = [[function(None, text, ("z",)) for text in pair] for pair in CAREFUL]
    return [
        (pattern.body.operations[pattern.body.output], pattern, replacement)
        for pattern, replacement in sides
    ]


def careful(search: Search, node: int) -> tuple[int, Function] | None:
    """The node that a pattern stands over, and what is written over it; None for other nodes."""
    for root, pattern, replacement in patterns():
        if search.graph.operations[node] is root:
            match = search.at(node, pattern, pattern.body)
            if match:
                return match.operands[0], replacement
    return None
