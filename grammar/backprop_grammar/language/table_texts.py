"""The texts of the table of operations as graphs, compiled once.

A text is a program of this language over the names of an operation's operands and `out`, its
result. Whoever interprets one, over whatever numbers, symbols or columns, takes it from here.
"""

from functools import cache
from typing import NamedTuple

from ..operations.row import Operation
from .graph import Graph
from .parser import parse

__all__ = ["Texts", "compiled", "texts"]


class Texts(NamedTuple):
    """The texts of a row as graphs.

    shown: the local gradients as a learner reads them. rules: as they are computed. computed: the
    value; None where a function of a library gives it. kinks, cut: what is 0 there.
    """

    shown: list[Graph]
    rules: list[Graph]
    computed: Graph | None
    kinks: list[Graph]
    cut: Graph | None


@cache
def texts(operation: Operation) -> Texts:
    """The texts of a row of the table."""
    return Texts(
        [compiled(text) for text in operation.rules],
        [compiled(text) for text in operation.careful or operation.rules],
        compiled(operation.computed) if operation.computed else None,
        [compiled(text) for text in operation.kinks],
        compiled(operation.cut) if operation.cut else None,
    )


@cache
def compiled(text: str) -> Graph:
    """A text over the operations of the table, hidden ones too, as a graph."""
    return parse(text, name="table", internal=True)
