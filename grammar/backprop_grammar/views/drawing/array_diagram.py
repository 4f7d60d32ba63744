"""A trace over arrays as a picture: that of numbers, with arrays beside the wires.

Where an array is stretched, its wire runs through a gate: it copies forward, and adds backward.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import ceil, inf

from ...arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor
from ...arrays.text import columns, extremes, inline, is_large, norm, text_of
from ...language.precedence import array_shape
from ...language.printer import shown_text
from ...numbers.decimal import decimal
from ...numbers.wide import as_float
from ...operations.shape import said, size, spread
from ...operations.structural import Structural
from ...operations.table import IF
from .diagram import Boundary, Diagram, Figure, Grid, Vertex, Wire, gate
from .grids import abreast

__all__ = ["array_diagram", "figure"]

SQUARES = 16
"""Rows, and columns, of the largest heat map; of a larger array, each square is the largest of some."""

BRIEF = 4
"""Digits at most of what is said of a large array."""

LONGEST_SYMBOL = 12
"""Characters of a gate that shows what it is written as; of a longer one, its name is."""


def array_diagram(trace: ArrayTrace, digits: int = 6, heat: bool = False) -> Diagram:
    """The diagram of a trace over arrays; numbers at that many significant digits.

    heat: whether large arrays are heat maps, or a line of text.
    """
    graph = trace.tape
    needed = graph.needed(trace.output)
    drawn = Drawn(trace, digits, heat)
    for node in trace.nodes:
        if needed[node.index] and (node.index not in graph.constants or node.index == trace.output):
            drawn.add(node)
    vertices, wires = tuple(drawn.vertices), tuple(drawn.wires)
    boundaries = tuple(
        Boundary(one.title, frozenset(drawn.members(one.nodes)))
        for one in trace.frames
        if one.node in drawn.place
    )
    return Diagram(
        shown_text(trace.program), description(trace, digits), vertices, wires, boundaries
    )


class Drawn:
    """The vertices and wires of a trace, as they grow.

    place: of a node, among the vertices. gates: of a node, those that stretch its operands. once:
    the constants, each of which has one node.
    """

    def __init__(self, trace: ArrayTrace, digits: int, heat: bool) -> None:
        self.trace, self.digits, self.heat = trace, digits, heat
        self.constants = trace.tape.constants
        self.by_index = {node.index: node for node in trace.nodes}
        known = self.by_index.keys() & self.constants.keys()
        self.once = {self.constants[k]: self.by_index[k] for k in known}
        self.place: dict[int, int] = {}
        self.gates: dict[int, list[int]] = {}
        self.vertices: list[Vertex] = []
        self.wires: list[Wire] = []

    def members(self, nodes: Iterable[int]) -> Iterator[int]:
        """The vertices of some nodes, with the gates before them."""
        for node in nodes:
            if node in self.place:
                yield self.place[node]
                yield from self.gates.get(node, ())

    def shown(self, tensor: Tensor | None) -> Figure:
        return "" if tensor is None else figure(tensor, self.digits, self.heat)

    def pair(self, value: Tensor, gradient: Tensor | None) -> tuple[Figure, Figure]:
        """Value and gradient, each element of one where it is in the other."""
        above, below = abreast(self.shown(value), self.shown(gradient))
        if gradient is None or not (
            isinstance(above, Grid) and isinstance(below, Grid) and above.rows
        ):
            return above, below
        wide = value.shape[-1]
        stacked = Tensor((2 * size(value.shape) // wide, wide), value.numbers + gradient.numbers)
        rows = tuple(map(str.rstrip, columns(stacked, self.digits, everything=True)))
        half = len(rows) // 2
        return replace(above, lines=rows[:half]), replace(below, lines=rows[half:])

    def vertex(self, node: ArrayNode, symbol: str = "") -> Vertex:
        """A leaf, or a gate that shows a symbol; its name stands beside it where it has one."""
        named = node.index in self.trace.tape.names
        label = node.name if named or not symbol else ""
        formula = node.formula if node.operation else ""
        if formula and not symbol and not named and len(formula) <= LONGEST_SYMBOL:
            label = formula
        value, gradient = self.pair(node.value, node.gradient)
        shape = said(node.shape) if node.shape else ""
        value = "" if node.index in self.constants else value
        block = node.kind == "block"
        return Vertex(node.name, symbol, label, value, gradient, formula, node.index, block, shape)

    def source(self, operand: int) -> int:
        """The vertex of an operand; a constant is a leaf of its own per use."""
        if operand not in self.constants:
            return self.place[operand]
        self.vertices.append(self.vertex(self.once[self.constants[operand]]))
        return len(self.vertices) - 1

    def copied(self, node: ArrayNode, edge: ArrayEdge, source: int, over: Tensor) -> Figure:
        """Add the gate that stretches an operand; what comes back along the wire that leaves it."""
        operand = self.by_index[edge.operand]
        picked = [operand.value.numbers[k] for k in spread(operand.shape, node.shape)]
        value, back = self.pair(Tensor(node.shape, tuple(picked)), over)
        times = size(node.shape) // size(operand.shape)
        formula = f"{operand.name} copied {times} times"
        self.wires.append(
            Wire(
                source, len(self.vertices), 0, self.shown(edge.contribution), is_routed(node, edge)
            )
        )
        self.vertices.append(
            Vertex(
                operand.name,
                f"copy x{times}",
                "",
                value,
                back,
                formula,
                operand.index,
                backward="+",
            )
        )
        return back

    def add(self, node: ArrayNode) -> None:
        """Add a node, after its operands, with its wires."""
        edges = {edge.place: edge for edge in node.edges}
        sources: list[tuple[int, ArrayEdge | None, Figure]] = []
        for position, operand in wired_operands(self.trace, node):
            source, edge = self.source(operand), edges.get(position)
            sent: Figure = self.shown(edge.contribution) if edge else ""
            if edge and edge.unsummed:
                sent = self.copied(node, edge, source, edge.unsummed)
                source = len(self.vertices) - 1
                self.gates.setdefault(node.index, []).append(source)
            sources.append((source, edge, sent))
        target = self.place[node.index] = len(self.vertices)
        self.vertices.append(self.vertex(node, symbol(self.trace, node) if sources else ""))
        for slot, (source, edge, sent) in enumerate(sources):
            if edge is None:
                self.wires.append(Wire(source, target, slot))
                continue
            rule = edge.vjp or ("" if edge.rule is None else str(edge.rule))
            local = "" if edge.local is None else inline(edge.local, self.digits)
            routed = is_routed(node, edge)
            self.wires.append(Wire(source, target, slot, sent, routed, rule, local))


def wired_operands(trace: ArrayTrace, node: ArrayNode) -> list[tuple[int, int]]:
    """The operands that have a wire, with their places; other constants are in the symbol."""
    constants = trace.tape.constants
    pairs = list(enumerate(node.operands))
    if all(operand in constants for operand in node.operands):
        return [] if isinstance(node.row, Structural) and node.shape else pairs
    return [
        (i, operand)
        for i, operand in pairs
        if operand not in constants or (node.row is IF and i > 1)
    ]


def is_reduction(node: ArrayNode) -> bool:
    """Whether a node reduces one array."""
    return node.row.variadic and len(node.operands) == 1


def is_routed(node: ArrayNode, edge: ArrayEdge) -> bool:
    """Whether a node selected anything of an operand."""
    selects = node.row is IF or node.row.selects
    return not selects or edge.local is None or any(edge.local.numbers)


def symbol(trace: ArrayTrace, node: ArrayNode) -> str:
    """What a gate shows: `@`, `.T`, `[0]`, `sum axis=0`; of a row of numbers, what it shows there."""
    graph, row = trace.tape, node.row
    if node.kind == "block":
        return row.name
    if not isinstance(row, Structural) and not is_reduction(node):
        return gate(graph, node.index, row, node.operands, trace.name)
    if row.symbol:
        return row.symbol
    constants = graph.constants
    _, pieces = array_shape(row, len(node.operands), graph.written.get(node.index))
    texts = [
        piece
        if isinstance(piece, str)
        else trace.name(node.operands[piece[0]])
        if node.operands[piece[0]] in constants
        else "_"
        for piece in pieces
    ]
    text = "".join(texts)
    plain = re.fullmatch(r"(\w+)\(_(?:, _)*((?:, axis=\d+)?)\)", text)
    if plain:
        return plain[1] + plain[2].replace(",", "", 1)
    text = text.removeprefix("_")
    return text if len(text) <= LONGEST_SYMBOL else row.name


def figure(tensor: Tensor, digits: int, heat: bool = False) -> Figure:
    """An array as it stands beside a wire. heat: whether a large one is a heat map."""
    if size(tensor.shape) == 1:
        return text_of(tensor.numbers[0], digits)
    if not is_large(tensor):
        texts = [text_of(x, digits) for x in tensor.numbers]
        wide = tensor.shape[-1]
        rows = tuple(tuple(texts[k : k + wide]) for k in range(0, len(texts), wide))
        return Grid(inline(tensor, digits), tuple(map(str.rstrip, columns(tensor, digits))), rows)
    few = min(digits, BRIEF)
    length, ends = norm(tensor), extremes(tensor)
    line = said(tensor.shape) + ("" if length is None else f" · {decimal(length, few)}")
    if not heat:
        return Grid(line, (line,))
    texts = [] if ends is None else [decimal(end, few) for end in ends]
    caption = " to ".join(dict.fromkeys(texts))
    squares, parts = heat_of(tensor)
    return Grid(line, (line,), (), squares, caption, parts)


def heat_of(tensor: Tensor) -> tuple[tuple[tuple[float, ...], ...], tuple[int, int]]:
    """Rows of squares, -1 to 1 of the largest, and how many rows and columns each stands for."""
    rows = tensor.shape[0] if len(tensor.shape) == 2 else 1
    width = tensor.shape[-1]
    down, across = ceil(rows / SQUARES), ceil(width / SQUARES)
    floats = [0.0 if x is None else as_float(x) or 0.0 for x in tensor.numbers]
    most = max(map(abs, floats)) or 1.0

    def share(x: float) -> float:
        return max(-1.0, min(1.0, x / most)) if most < inf else 0.0

    squares = tuple(
        tuple(
            share(
                max(
                    (
                        floats[i * width + j]
                        for i in range(top, min(top + down, rows))
                        for j in range(left, min(left + across, width))
                    ),
                    key=abs,
                )
            )
            for left in range(0, width, across)
        )
        for top in range(0, rows, down)
    )
    return squares, (down, across)


def description(trace: ArrayTrace, digits: int) -> str:
    """The picture in words, for who does not see it."""
    parts = [f"{trace.output_name} is {inline(trace.value, digits)}."]
    found: Sequence[tuple[str, Tensor]] = list(trace.gradients.items())
    parts += [f"Its gradient by {name} is {inline(tensor, digits)}." for name, tensor in found[:20]]
    if len(found) > 20:
        parts.append(f"And {len(found) - 20} more gradients.")
    return " ".join(parts)
