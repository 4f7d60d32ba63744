"""What views of a trace look up: formulas over the names of nodes, and who sends a node something."""

from collections.abc import Iterable, Iterator

from ..errors import BackpropError, few, shorten, suggestion
from ..language.graph import Block, Graph
from ..language.precedence import (
    POWER,
    SUM,
    Shape,
    Text,
    atom,
    comparison_of,
    shape,
    shown_operands,
)
from ..language.printer import expression_text
from ..numbers.wide import Number
from ..operations.row import Operation
from ..operations.table import IDENTITY
from .record import Edge, Frame, Node, Trace

__all__ = [
    "Index",
    "branch_text",
    "find",
    "formula",
    "formula_pieces",
    "frame_title",
    "is_number",
    "partial",
    "rule_text",
    "senders",
    "spelled_out",
]

LONGEST_BRANCH = 24
"""Characters of a branch that an `if` leaves unevaluated; a longer one is only `...`."""

LONGEST_STAGE = 60
"""Characters of a folded stage that is shown as its expression; a longer one is a call."""


def formula(trace: Trace, node: Node) -> str:
    """A node over the names of its operands: `x + y`; its name alone for a leaf."""
    return "".join(
        piece if isinstance(piece, str) else trace.name(piece)
        for piece in formula_pieces(trace, node)
    )


def formula_pieces(trace: Trace, node: Node) -> Iterator[str | int]:
    """A node's formula in pieces: its text, and the places of the operands that are named in it."""
    tape = trace.tape
    if node.block is not None:
        yield from block_pieces(trace, node.index, node.block)
        return
    if node.row is None or node.row.leaf:
        yield node.name
        return
    operands = tape.operands[node.index]
    for piece in shape_of(node.row, tape, node.index):
        if isinstance(piece, str):
            yield piece
            continue
        slot, level = piece
        yield operand_piece(trace, operands[slot], level)


def operand_piece(trace: Trace, operand: int, level: int) -> str | int:
    """How an operand is named in a formula: by its place, a number as itself; what an `if` or a
    function leaves unevaluated has no node, so it is written out.
    """
    tape = trace.tape
    if operand in tape.constants:
        return atom(tape.constants[operand]).within(level)
    return operand if operand in trace.by_index else branch_text(tape, operand).within(level)


def shape_of(row: Operation, tape: Graph, node: int) -> Shape:
    """How an operation is written over its operands."""
    if row is IDENTITY:
        return ((0, SUM),)
    operands = tape.operands[node]
    count = shown_operands(row, [tape.constants.get(k) for k in operands])
    return shape(row, count, comparison_of(tape, node))[1]


def block_pieces(trace: Trace, node: int, block: Block) -> Iterator[str | int]:
    """A block over its operands; a folded stage as its expression, where that is short."""
    if block.stage and spelled_out(trace.tape, node):
        yield expression_text(trace.tape, node).text
        return
    yield f"{block.name or '...'}("
    for k, operand in enumerate(block.operands):
        yield ", " * bool(k) + "-" * block.mirrored
        yield operand_piece(trace, operand, POWER if block.mirrored else SUM)
    yield ")"


def branch_text(tape: Graph, node: int) -> Text:
    """A branch that is not evaluated, or `...` where it is long."""
    return expression_text(tape, node, longest=LONGEST_BRANCH)


def spelled_out(tape: Graph, stage: int) -> bool:
    """Whether a folded stage is shown as its expression, not as a call."""
    return expression_text(tape, stage, longest=LONGEST_STAGE).text != "..."


def rule_text(trace: Trace, node: Node, edge: Edge) -> str:
    """The local gradient of an edge as text; where it has no formula, what can be said of it."""
    if edge.rule is not None:
        return str(edge.rule)
    return partial(trace, node, edge) if node.block is not None else "1 or 0"


def is_number(rule: str, number: str) -> bool:
    """Whether a local gradient is the number itself, which may have zeros for decimals."""
    return rule == number or ("." in number and rule == number.rstrip("0").rstrip("."))


def partial(trace: Trace, node: Node, edge: Edge) -> str:
    """The sign of a local gradient: `dq/dx`."""
    return f"d{node.name}/d{trace.name(edge.operand)}"


def frame_title(trace: Trace, frame: Frame) -> str:
    """The call that a frame is around, such as `sigmoid(z)`."""
    block = trace.tape.blocks[frame.node]
    return f"{block.name}({', '.join(trace.name(k) for k in block.operands)})"


def senders(nodes: Iterable[Node]) -> dict[int, list[tuple[Node, Edge]]]:
    """For every node, which of some nodes send it something, and along which edges."""
    received: dict[int, list[tuple[Node, Edge]]] = {}
    for node in nodes:
        for edge in node.edges:
            if edge.routed:
                received.setdefault(edge.operand, []).append((node, edge))
    return received


class Index:
    """A trace with what sentences look up in it.

    senders: of a node, the nodes and edges that send it something, the nearest to the output
    first. kinks: the names of nodes that stand on a kink. boundaries: of those whose condition
    stands exactly on its boundary.
    """

    def __init__(self, trace: Trace, digits: int) -> None:
        self.trace = trace
        self.digits = trace.precision or digits
        self.senders = senders(reversed(trace.nodes))
        self.kinks = {note.node for note in trace.notes if note.kind == "kink"}
        self.boundaries = {note.node for note in trace.notes if note.kind == "boundary"}

    def value(self, node: int) -> Number | None:
        """The value of a node."""
        found = self.trace.by_index.get(node)
        return found.value if found else None

    def is_constant(self, node: int) -> bool:
        return node in self.trace.tape.constants


def find(trace: Trace, label: str) -> Node:
    """The node of that name. Raises BackpropError with the nearest name."""
    node = trace.by_name.get(label)
    if node is not None and node.kind != "constant":
        return node
    trace.names.find(label)  # says so where it is folded
    known = [n.name for n in trace.nodes if n.kind != "constant"]
    hint = suggestion(label, known, f"the nodes are {few(known)}" if known else "")
    raise BackpropError("name", f"there is no node called {shorten(label)}", hint=hint)
