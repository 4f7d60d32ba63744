"""Graph to text: the printer is the parser's inverse.

The insight: the shapes that write an operation over texts (text.py) also say in which
order the pieces of a whole program come, so printing is a walk, linear and without
recursion, whatever the program's size.
"""

from collections.abc import Callable, Iterator

from .graph import Graph
from .precedence import (
    ATOM,
    SUM,
    Shape,
    Text,
    atom,
    call_shape,
    comparison_of,
    number_text,
    shape,
    shown_operands,
    write,
)

__all__ = ["expression_text", "formula", "program_text"]


def formula(graph: Graph, node: int, named: Callable[[int], Text]) -> Text:
    """One node over the texts of its operands."""
    operation = graph.operations[node]
    if operation is None:
        return named(node)
    return write(operation, [named(k) for k in graph.operands[node]], comparison_of(graph, node))


def program_text(graph: Graph, separator: str = "; ") -> str:
    """The program of a graph: parsing it gives the same graph again."""
    lines = [
        f"{f.name}({', '.join(f.parameters)}) = {expression_text(f.body, f.body.output).text}"
        for f in graph.functions.values()
    ]
    for name, node in graph.stages:
        if name in graph.inputs:
            lines.append(f"{name} = {number_text(graph.inputs[name])}")
        elif name:
            lines.append(f"{name} = {expression_text(graph, node).text}")
        else:
            text = expression_text(graph, node, named=node in graph.names).text
            # A sign may not begin a line, where it could carry on the line before.
            lines.append(f"({text})" if text[0] == "-" and lines and "\n" in separator else text)
    return separator.join(lines)


def expression_text(
    graph: Graph, node: int, named: bool = False, longest: int | None = None
) -> Text:
    """The expression that a node was written as, down to names and numbers.

    named: the expression may be just the node's own name. longest: characters beyond which
    it is only `...`.
    """
    if named:
        return atom(graph.names[node])
    pieces: list[str] = []
    length = 0
    for piece in expression_pieces(graph, node):
        pieces.append(piece)
        length += len(piece)
        if longest is not None and length > longest:
            return Text("...")
    return Text("".join(pieces), layout(graph, node)[0])


def expression_pieces(graph: Graph, root: int) -> Iterator[str]:
    """The pieces of an expression from left to right, without recursion."""
    pending: list[str | tuple[int, int]] = [(root, SUM)]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
            continue
        node, level = item
        if node != root and node in graph.names:
            yield graph.names[node]
            continue
        binds, pieces, operands = layout(graph, node)
        if binds < level:
            pending.append(")")
        pending += [
            piece if isinstance(piece, str) else (operands[piece[0]], piece[1])
            for piece in reversed(pieces)
        ]
        if binds < level:
            pending.append("(")


def layout(graph: Graph, node: int) -> tuple[int, Shape, tuple[int, ...]]:
    """How tightly a node's text binds, its shape, and the nodes for the shape's slots."""
    operation = graph.operations[node]
    if operation is None:
        text = atom(graph.constants[node] if node in graph.constants else graph.names[node])
        return text.binds, (text.text,), ()
    operands = graph.operands[node]
    block = graph.blocks.get(node)
    if block is not None and not block.stage:
        return ATOM, call_shape(block.name, len(block.operands)), block.operands
    if node in graph.calls:
        return ATOM, call_shape(graph.calls[node].name, len(operands)), operands
    if operation.name == "identity":
        return ATOM, ((0, SUM),), operands
    count = len(operands)
    if operation.defaults:
        count = shown_operands(operation, [graph.constants.get(k) for k in operands])
    return (*shape(operation, count, comparison_of(graph, node)), operands)
