"""Graph to text: the printer is the parser's inverse.

The shapes that write an operation over texts (see precedence.py) also say in which order the
pieces of a whole program come, so printing is a walk, linear and without recursion, whatever the
program's size.
"""

from collections.abc import Callable, Iterator, Sequence

from ..operations.table import IDENTITY
from .graph import Array, Graph
from .precedence import (
    ATOM,
    PRODUCT,
    SUM,
    Shape,
    Text,
    array_pieces,
    array_shape,
    atom,
    call_shape,
    comparison_of,
    number_text,
    shape,
    shown_operands,
    write,
)

__all__ = [
    "array_text",
    "expression_text",
    "formula",
    "kept_text",
    "line_of",
    "program_lines",
    "program_text",
    "shape_text",
    "shown_lines",
    "shown_text",
]


def formula(graph: Graph, node: int, named: Callable[[int], Text]) -> Text:
    """One node over the texts of its operands."""
    operation = graph.operations[node]
    if operation.leaf:
        return named(node)
    return write(operation, [named(k) for k in graph.operands[node]], comparison_of(graph, node))


LONG_PROGRAM = 2_000
"""Characters up to which a program is printed back; longer ones are shown as they were typed."""


def as_typed(program: Graph) -> bool:
    """Whether the program is shown as it was typed: where it is long, and in this spelling."""
    return len(program.source.text) > LONG_PROGRAM and not program.respelled


def shown_text(program: Graph) -> str:
    """The program as it is shown: printed back, or as it was typed."""
    return program.source.text if as_typed(program) else program_text(program)


def kept_text(program: Graph) -> str:
    """The program as it is kept in documents: as it was typed, but in this language's spelling."""
    return program_text(program) if program.respelled else program.source.text


def shown_lines(program: Graph, longest: int | None = None) -> list[str]:
    """The program as it is shown, a stage a line; cut off after so many characters, if any."""
    if as_typed(program):
        text = program.source.text.replace("; ", "\n")
        lines = [line for line in text.splitlines() if line.strip()]
    else:
        lines = program_lines(program)
    if longest is None:
        return lines
    room = longest
    for k, line in enumerate(lines):
        if len(line) > room:
            return [*lines[:k], f"{line[:room]}..."]
        room -= len(line) + len("; ")
    return lines


def line_of(program: Graph, name: str, last: bool) -> int | None:
    """Which of the lines that are shown is the stage of that name; None where none is.

    last: whether the last stage is meant, which may go without a name.
    """
    if not as_typed(program):
        for k, (stage, _) in enumerate(program.stages, len(program.functions)):
            if stage == name:
                return k
    return len(shown_lines(program)) - 1 if last else None


def program_text(graph: Graph) -> str:
    """The program of a graph: parsing it gives the same graph again."""
    return "; ".join(program_lines(graph))


def program_lines(graph: Graph) -> list[str]:
    """The definitions and the stages of a graph, as they are printed."""
    lines = [
        f"{f.name}({', '.join(f.parameters)}) = {expression_text(f.body, f.body.output).text}"
        for f in graph.functions.values()
    ]
    staged = {name for name, _ in graph.stages}
    heads = {name: f"{name}: {shape_text(shape)}" for name, shape in graph.declared.items()}
    lines += [head for name, head in heads.items() if name not in staged]
    for name, node in graph.stages:
        if name in graph.array_inputs:
            lines.append(f"{heads.get(name, name)} = {array_text(graph.array_inputs[name])}")
        elif name in heads:
            lines.append(f"{heads[name]} = {value_text(graph, name, node)}")
        elif name in graph.inputs:
            lines.append(f"{name} = {number_text(graph.inputs[name])}")
        elif name:
            lines.append(f"{name} = {expression_text(graph, node).text}")
        else:
            lines.append(expression_text(graph, node, named=node in graph.names).text)
    return lines


def value_text(graph: Graph, name: str, node: int) -> str:
    """What a stage of that name is given."""
    if name in graph.inputs:
        return number_text(graph.inputs[name])
    return expression_text(graph, node).text


def shape_text(shape: Sequence[int | str]) -> str:
    """A shape as it is declared: scalar, 3, 3x4, NxD."""
    return "x".join(map(str, shape)) or "scalar"


def array_text(array: Array) -> str:
    """An array of numbers as it is written: [1, 2], [[1, 2], [3, 4]], zeros(3, 4)."""
    if array.text:
        return array.text
    pieces = array_pieces(array.shape)
    return "".join(
        [
            piece if isinstance(piece, str) else number_text(array.numbers[piece[0]])
            for piece in pieces
        ]
    )


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
            for piece in reversed(apart(graph, node, pieces, operands))
        ]
        if binds < level:
            pending.append("(")


def apart(graph: Graph, node: int, pieces: Shape, operands: Sequence[int]) -> Shape:
    """The shape of a product element by element whose first factor is a matrix product: (A @ x)*y.

    Without parentheses it would be as right, and harder to read.
    """
    if graph.operations[node].name != "mul" or graph.operations[operands[0]].name != "matmul":
        return pieces
    return tuple([(0, PRODUCT + 1) if piece == (0, PRODUCT) else piece for piece in pieces])


def layout(graph: Graph, node: int) -> tuple[int, Shape, tuple[int, ...]]:
    """How tightly a node's text binds, its shape, and the nodes for the shape's slots."""
    operation = graph.operations[node]
    if operation.leaf:
        text = atom(graph.constants[node] if node in graph.constants else graph.names[node])
        return text.binds, (text.text,), ()
    operands = graph.operands[node]
    block = graph.blocks.get(node)
    if block is not None and not block.stage:
        return ATOM, call_shape(block.name, len(block.operands)), block.operands
    if node in graph.calls:
        return ATOM, call_shape(graph.calls[node].name, len(operands)), operands
    if operation is IDENTITY:
        return ATOM, ((0, SUM),), operands
    count = len(operands)
    if node in graph.written:
        return (*array_shape(operation, count, graph.written[node]), operands)
    if operation.defaults:
        count = shown_operands(operation, [graph.constants.get(k) for k in operands])
    return (*shape(operation, count, comparison_of(graph, node)), operands)
