"""Remarks on what was written and may have been meant otherwise: W*x, max(s, 1), 3x1 beside 1x4."""

from collections.abc import Iterator, Sequence

from ..blocks.names import Names
from ..language.graph import Graph
from ..operations.shape import said
from ..operations.structural import TRANSPOSE, Structural
from ..operations.table import IF, MUL, POW, VARIABLE
from ..passes.run import spelled
from ..trace.record import Note
from .shapes import Shapes

__all__ = ["readings"]

MOST = 3
"""Remarks of a kind that are made."""


def readings(graph: Graph, names: Names, found: Shapes, needed: Sequence[bool]) -> Iterator[Note]:
    """The notes on the operations that are needed, as they are written."""
    made = dict[str, int]()
    for node, row in enumerate(graph.operations):
        if not needed[node] or row.leaf or isinstance(row, Structural) or row is IF:
            continue
        for kind, say in (
            ("product", product),
            ("inverse", inverse),
            ("second", second),
            ("stretched", stretched),
        ):
            text = say(graph, found, node)
            if text and made.get(kind, 0) < MOST:
                made[kind] = made.get(kind, 0) + 1
                yield Note("spelling", names.near(node), text)
                break


def product(graph: Graph, found: Shapes, node: int) -> str:
    """What to say of W*x, where W and x are inputs and W @ x fits as well; else nothing."""
    operands = graph.operands[node]
    if graph.operations[node] is not MUL:
        return ""
    a, b = (found.of[k] for k in operands)
    first, other = (spelled(graph, k) for k in operands)
    if graph.operations[operands[0]] is TRANSPOSE and b[:1] == a[-1:] != (1,):
        return f"{first}*{other} goes element by element; the matrix product is {first} @ {other}"
    if any(graph.operations[k] is not VARIABLE for k in operands):
        return ""
    if len(a) == 2 and len(b) == 1 and a[0] > 1 and a[1] == b[0] > 1:
        matrix, vector = first, other
    elif len(a) == 1 and len(b) == 2 and b[0] == b[1] == a[0] > 1:
        matrix, vector = other, first
    else:
        return ""
    return (
        f"{first}*{other} multiplies every row of {matrix} by {vector}, element by element; "
        f"the matrix product is {first} @ {other}"
    )


def inverse(graph: Graph, found: Shapes, node: int) -> str:
    """What to say of A^-1 of a square matrix, which is no inverse; else nothing."""
    operands = graph.operands[node]
    shape = found.of[operands[0]]
    if graph.operations[node] is not POW or graph.constants.get(operands[1]) != -1:
        return ""
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 1 or operands[0] not in graph.names:
        return ""
    base = spelled(graph, operands[0])
    return (
        f"{base}^-1 is 1/{base}, element by element; the inverse of a matrix is not computed here"
    )


def second(graph: Graph, found: Shapes, node: int) -> str:
    """What to say of max(s, 1), which is no maximum along axis 1; else nothing."""
    row, operands = graph.operations[node], graph.operands[node]
    if not row.selects or len(operands) != 2 or not found.of[operands[0]]:
        return ""
    number = graph.constants.get(operands[1])
    start, end = graph.spans[node]
    if number not in (0, 1) or not graph.source.text[start:end].startswith(f"{row.name}("):
        return ""  # np.maximum(s, 0) can't be meant otherwise
    x = spelled(graph, operands[0])
    extreme = "largest" if row.selects > 0 else "smallest"
    way = f"the {extreme} of all is {row.name}({x})"
    if len(found.of[operands[0]]) == 2:
        line = ("column", "row")[int(number)]
        way = f"the {extreme} of each {line} is {row.name}({x}, axis={int(number)})"
    return f"{row.name}({x}, {int(number)}) compares every number of {x} with {int(number)}; {way}"


def stretched(graph: Graph, found: Shapes, node: int) -> str:
    """What to say of a column beside a row, which are both stretched; else nothing."""
    operands = graph.operands[node]
    if len(operands) != 2 or node in graph.written:
        return ""
    a, b = (found.of[k] for k in operands)
    if not (len(a) == len(b) == 2 and a[0] != b[0] and a[1] != b[1]):
        return ""
    shape = said(found.of[node])
    first, other = (spelled(graph, k) for k in operands)
    return (
        f"{first} is {said(a)} and {other} is {said(b)}: each element of one meets each of the other, "
        f"which makes {shape}"
    )
