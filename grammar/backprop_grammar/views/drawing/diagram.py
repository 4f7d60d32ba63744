"""A trace as a picture: gates, wires between them, and the numbers beside the wires.

Every picture format draws the same diagram, so what a gate shows, which wire carries which number
and where a name stands is decided once, here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...language.graph import Tape
from ...language.precedence import POWER, SUM, atom, comparison_of, shown_operands
from ...language.printer import shown_text
from ...numbers.decimal import decimal
from ...numbers.wide import UNEVALUATED, Number
from ...operations.row import Operation
from ...operations.table import ADD, IF, SUB
from ...trace.index import formula, frame_title, rule_text
from ...trace.record import Edge, Node, Trace

__all__ = ["BOX", "Boundary", "Diagram", "Figure", "Grid", "Vertex", "Wire", "diagram", "gate", "line", "lines"]  # fmt: skip

BOX = "\u25a2" * 5
"""Where an answer is written: a box as wide as these."""

WRITTEN = 4
"""Numbers of an array that stand without lines around them."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The numbers of an array. A picture is laid out around blocks of lines; a number is one line.

    line: all of them on a line, or what is said of them where they are too many. lines: the same
    in columns, for characters. rows: the text of each, row by row; empty where they are too many.
    heat: of many, how large each is beside the largest, -1 to 1, row by row; caption: its range.
    parts: how many rows and columns of the array each square of it stands for. room: a text for
    every column, which is to have room there.
    """

    line: str
    lines: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    heat: tuple[tuple[float, ...], ...] = ()
    caption: str = ""
    parts: tuple[int, int] = (1, 1)
    room: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What is said of a heat map: its size, and what a square of it stands for."""
        pairs = zip(self.parts, ("row", "column"), strict=True)
        parts = " and ".join(f"{n} {what}s" for n, what in pairs if n > 1)
        return f"{self.line}; a square is the largest of {parts}" if parts else self.line

    @property
    def boxed(self) -> bool:
        """Whether lines are drawn around the numbers."""
        return len(self.rows) * len(self.rows[0]) > WRITTEN if self.rows else False


Figure = str | Grid
"""A number as text, which is empty where there is none, or an array."""


def line(figure: Figure) -> str:
    """A figure on one line."""
    return figure.line if isinstance(figure, Grid) else figure


def lines(figure: Figure) -> tuple[str, ...]:
    """A figure in characters, line by line."""
    if isinstance(figure, Grid):
        return figure.lines
    return (figure,) if figure else ()


@dataclass(frozen=True, slots=True)
class Vertex:
    """A leaf or a gate.

    name: of the node in the trace; node: its place on the tape. symbol: what the gate shows, such
    as `+`, `exp`, `1/x`; empty at a leaf. label: the name beside it, of leaves and named stages.
    value, gradient: of the wire that leaves it, empty where there is none. formula: over the
    operands' names. shape: of an array. backward: what the gate does in the backward pass, where
    that is drawn.
    """

    name: str
    symbol: str
    label: str
    value: Figure
    gradient: Figure
    formula: str
    node: int
    block: bool = False
    shape: str = ""
    backward: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """From an operand to the gate that uses it.

    slot: which of the gate's wires, from the top. contribution: what the backward pass sends
    along it, empty where nothing is differentiated. routed: False where the gate did not select
    this operand. rule: the local gradient as a formula; local: as a number.
    """

    source: int
    target: int
    slot: int
    contribution: Figure = ""
    routed: bool = True
    rule: str = ""
    local: str = ""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A frame around the vertices of a block that is shown as its parts."""

    title: str
    members: frozenset[int]


@dataclass(frozen=True, slots=True)
class Diagram:
    """What a picture shows. vertices: operands before what uses them; the last is the output."""

    title: str
    description: str
    vertices: tuple[Vertex, ...]
    wires: tuple[Wire, ...]
    boundaries: tuple[Boundary, ...]

    def fan_out(self) -> list[int]:
        """For every vertex, how many wires leave it."""
        count = [0] * len(self.vertices)
        for wire in self.wires:
            count[wire.source] += 1
        return count


def diagram(trace: Trace, digits: int = 6) -> Diagram:
    """The diagram of a trace; numbers at that many significant digits."""
    seen = {trace.output}
    for node in reversed(trace.nodes):
        if node.index in seen:
            seen.update(node.operands)
    place: dict[int, int] = {}
    vertices: list[Vertex] = []
    wires: list[Wire] = []
    for node in trace.nodes:
        if node.index not in seen or (node.kind == "constant" and node.index != trace.output):
            continue  # a constant is part of its gate's symbol, or a leaf of its own per use
        edges: dict[int, list[Edge]] = {}  # by operand, the first of them last
        for edge in reversed(node.edges):
            edges.setdefault(edge.operand, []).append(edge)
        sources: list[tuple[int, int, bool]] = []
        for position, operand in wired_operands(trace, node):
            constant = operand in trace.tape.constants
            if constant:
                vertices.append(vertex(trace, trace.by_index[operand], digits))
            source = len(vertices) - 1 if constant else place[operand]
            sources.append((source, operand, node.row is IF and position < 2))
        place[node.index] = len(vertices)
        vertices.append(vertex(trace, node, digits, symbol(trace, node)))
        for slot, (source, operand, tested) in enumerate(sources):
            if tested or not edges.get(operand):  # what a condition compares receives nothing
                wires.append(Wire(source, len(vertices) - 1, slot))
                continue
            edge = edges[operand].pop()
            rule = rule_text(trace, node, edge)
            sent, local = shown(edge.contribution, digits), shown(edge.local, digits)
            wires.append(Wire(source, len(vertices) - 1, slot, sent, edge.routed, rule, local))
    boundaries = [
        Boundary(frame_title(trace, frame), frozenset(place[k] for k in frame.nodes if k in place))
        for frame in trace.frames
    ]
    return Diagram(
        shown_text(trace.program),
        description(trace, digits),
        tuple(vertices),
        tuple(wires),
        tuple(boundary for boundary in boundaries if boundary.members),
    )


def wired_operands(trace: Trace, node: Node) -> list[tuple[int, int]]:
    """The operands that have a wire, with their places; other constants are in the symbol."""
    constants = trace.tape.constants
    every = node.kind == "block" or all(operand in constants for operand in node.operands)
    return [
        (i, operand)
        for i, operand in enumerate(node.operands)
        if every or operand not in constants or (node.row is IF and i > 1)
    ]


def shown(number: Number, digits: int) -> str:
    return "" if number is UNEVALUATED else decimal(number, digits)


def vertex(trace: Trace, node: Node, digits: int, symbol: str = "") -> Vertex:
    label = node.name if node.named or not node.operation else ""
    gradient = "" if node.gradient is None else shown(node.gradient, digits)
    value = "" if node.kind == "constant" else shown(node.value, digits)
    text = formula(trace, node) if node.operation else ""
    block = node.kind == "block"
    return Vertex(node.name, symbol, label, value, gradient, text, node.index, block)


def symbol(trace: Trace, node: Node) -> str:
    """What a gate shows; constant operands are part of it: `+1`, `1/x`, `^2`, `max(_, 0)`."""
    if not node.operation:
        return ""
    if node.block is not None or node.row is None:
        return node.operation
    return gate(trace.tape, node.index, node.row, node.operands, trace.name)


def gate(
    tape: Tape, node: int, row: Operation, operands: tuple[int, ...], name: Callable[[int], str]
) -> str:
    """What the gate of an operation shows. name: of a node, and of a constant its number."""
    constants = tape.constants
    if row.gate:
        return row.gate
    fixed = [name(k) if k in constants else "" for k in operands]
    if row is IF:
        left, right = fixed[:2]
        comparison = comparison_of(tape, node)
        return " ".join(part for part in ("if", left, comparison, right) if part)
    if not any(fixed) or all(fixed):
        return row.symbol or row.name
    if row.symbol:
        level = POWER if row in (ADD, SUB) else SUM  # a sign does not stand beside another
        left, right = (atom(constants[k]).within(level) if k in constants else "" for k in operands)
        if not left:
            return f"{row.symbol}{right}"
        return f"{row.symbol}{left}" if row.symbol in "+*" else f"{left}{row.symbol}x"
    # a last operand that is its default is left out
    shown = fixed[: shown_operands(row, [constants.get(k) for k in operands])]
    return f"{row.name}({', '.join(n or '_' for n in shown)})" if any(shown) else row.name


def description(trace: Trace, digits: int) -> str:
    """The picture in words, for who does not see it."""
    parts: list[str] = []
    if trace.value is UNEVALUATED:
        parts.append(
            f"The computational graph of {trace.output_name}, from the inputs on the left."
        )
    else:
        parts.append(f"{trace.output_name} is {decimal(trace.value, digits)}.")
        parts.extend(gradients(trace, digits))
    return " ".join(parts)


def gradients(trace: Trace, digits: int) -> Iterable[str]:
    for count, (name, number) in enumerate(trace.gradients.items()):
        if count == 20:
            yield f"And {len(trace.gradients) - count} more gradients."
            break
        yield f"Its gradient by {name} is {decimal(number, digits)}."
