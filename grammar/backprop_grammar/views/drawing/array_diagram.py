"""A trace over arrays as a picture: that of numbers, with arrays beside the wires.

Where an array is stretched, its wire runs through a gate: it copies forward, and adds backward.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, inf

from ...arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor
from ...arrays.text import columns, extremes, inline, is_large, norm, text_of
from ...language.precedence import array_shape
from ...language.printer import shown_text
from ...numbers.decimal import decimal
from ...numbers.wide import as_float
from ...operations.structural import Structural, said, size, spread
from ...operations.table import IF
from .diagram import Diagram, Figure, Grid, Vertex, Wire, gate
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
    graph, by_index = trace.program, {node.index: node for node in trace.nodes}
    constants = graph.constants
    once = {constants[k]: node for k, node in by_index.items() if k in constants}
    needed = graph.needed(trace.output)
    place: dict[int, int] = {}
    vertices: list[Vertex] = []
    wires: list[Wire] = []

    def shown(tensor: Tensor | None) -> Figure:
        return "" if tensor is None else figure(tensor, digits, heat)

    def both(value: Tensor | None, gradient: Tensor | None) -> tuple[Figure, Figure]:
        """Value and gradient, each element of one where it is in the other."""
        if value is None or gradient is None or not gradient.shape or is_large(value):
            return shown(value), shown(gradient)
        wide = value.shape[-1]
        stacked = Tensor((2 * size(value.shape) // wide, wide), value.numbers + gradient.numbers)
        rows = columns(stacked, digits, everything=True)
        half = len(rows) // 2
        return abreast(
            *(
                replace(one, lines=tuple(map(str.rstrip, own))) if isinstance(one, Grid) else one
                for one, own in ((shown(value), rows[:half]), (shown(gradient), rows[half:]))
            )
        )

    def leaf(node: ArrayNode, symbol: str = "") -> Vertex:
        named = bool(not symbol or graph.names.get(node.index) == node.name)
        label = node.name if named else ""
        if node.kind == "operation" and not symbol and node.index not in graph.names:
            label = node.formula if len(node.formula) <= LONGEST_SYMBOL else node.name
        value, gradient = both(None if node.index in constants else node.value, node.gradient)
        return Vertex(
            node.name, symbol, label, value, gradient, node.formula if node.kind == "operation" else "", node.index,
            shape=said(node.shape) if node.shape else "",
        )  # fmt: skip

    for node in trace.nodes:
        if not needed[node.index] or (node.index in constants and node.index != trace.output):
            continue
        edges = {edge.place: edge for edge in node.edges}
        sources: list[tuple[int, ArrayEdge | None, Figure]] = []
        for position, operand in wired_operands(trace, node):
            other = once[constants[operand]] if operand in constants else by_index[operand]
            if operand in constants:
                vertices.append(leaf(other))
            source = len(vertices) - 1 if operand in constants else place[operand]
            edge = edges.get(position)
            sent: Figure = shown(edge.contribution) if edge else ""
            if edge and edge.unsummed:
                times = size(node.shape) // size(other.shape)
                over = Tensor(node.shape, tuple([other.value.numbers[k] for k in spread(other.shape, node.shape)]))  # fmt: skip
                value, back = both(over, edge.unsummed)
                said_of = f"{other.name} copied {times} times"
                vertices.append(Vertex(
                    other.name, f"copy x{times}", "", value, back, said_of, operand, backward="+",
                ))  # fmt: skip
                wires.append(Wire(source, len(vertices) - 1, 0, sent, is_routed(node, edge)))
                source, sent = len(vertices) - 1, back
            sources.append((source, edge, sent))
        place[node.index] = len(vertices)
        gated = node.kind == "operation" and bool(sources)
        vertices.append(leaf(node, symbol(trace, node) if gated else ""))
        for slot, (source, edge, sent) in enumerate(sources):
            if edge is None:
                wires.append(Wire(source, len(vertices) - 1, slot))
                continue
            rule = edge.vjp or ("" if edge.rule is None else str(edge.rule))
            local = "" if edge.local is None else inline(edge.local, digits)
            routed = is_routed(node, edge)
            wires.append(Wire(source, len(vertices) - 1, slot, sent, routed, rule, local))
    return Diagram(shown_text(graph), description(trace, digits), tuple(vertices), tuple(wires), ())


def wired_operands(trace: ArrayTrace, node: ArrayNode) -> list[tuple[int, int]]:
    """The operands that have a wire, with their places; other constants are in the symbol."""
    constants = trace.program.constants
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
    graph, row = trace.program, node.row
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
