"""A trace over arrays as plain text, for Python's print: its nodes with values and gradients."""

from collections.abc import Iterable, Iterator, Sequence

from ...arrays.notes import gathered_flags
from ...arrays.record import ArrayTrace, Tensor
from ...arrays.text import columns, indents, is_large, summary
from ...errors import visible
from ...operations.shape import said
from ..options import Options
from .text import MOST, remarks, stages

__all__ = ["array_lines", "remark_texts", "render", "rows_of"]

Cell = list[str]
"""The lines of a cell of a table."""


def render(trace: ArrayTrace, options: Options) -> str:
    """The program, its nodes with shapes, values and gradients, notes and flags."""
    digits = trace.precision or options.digits
    lines, place = stages(trace)
    lines[place] += " = "
    first, *more = array_lines(trace.value, digits)
    room = " " * len(lines[place])
    lines[place] += first
    lines[place + 1 : place + 1] = [room + line for line in more]
    return "\n".join(
        map(visible, [*lines, "", *aligned(rows_of(trace, digits)), *remark_texts(trace)])
    )


def array_lines(tensor: Tensor | None, digits: int) -> Cell:
    """An array in columns; of a large one its corner and a summary."""
    if tensor is None:
        return [""]
    return columns(tensor, digits) + [summary(tensor, digits)] * is_large(tensor)


def rows_of(trace: ArrayTrace, digits: int) -> list[tuple[Cell, ...]]:
    """The rows of the table of the nodes, the titles first; of many nodes, of the gradients alone."""

    def shape(tensor: Tensor) -> Cell:
        return [said(tensor.shape) if tensor.shape else ""]

    nodes = [node for node in trace.nodes if node.kind != "constant"]
    if nodes and len(nodes) <= MOST:
        rows = [tuple([title] for title in ("node", "operation", "shape", "value", "gradient"))]
        for node in nodes:
            formula = [node.formula if node.operation else ""]
            value, gradient = (array_lines(one, digits) for one in (node.value, node.gradient))
            rows.append(([node.name], formula, shape(node.value), value, gradient))
        return rows
    rows = [tuple([title] for title in ("by", "shape", "gradient"))]
    for name, found in list(trace.gradients.items())[:MOST]:
        rows.append(([name], shape(found), array_lines(found, digits)))
    if len(trace.gradients) > MOST:
        rows.append(([f"and {len(trace.gradients) - MOST:,} more"], [""], [""]))
    return rows


def aligned(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """Rows of a table, each in as many lines as its tallest cell."""
    table = [placed(column) for column in zip(*rows, strict=True)]
    widths = [max(len(line) for cell in column for line in cell) for column in table]
    for row in zip(*table, strict=True):
        for k in range(max(map(len, row))):
            cells = [cell[k] if k < len(cell) else "" for cell in row]
            texts = [text.ljust(width) for text, width in zip(cells, widths, strict=True)]
            yield "   ".join(texts).rstrip()


def placed(cells: Sequence[Cell]) -> list[Cell]:
    """The cells of a column, the points of their first numbers below each other."""
    rooms = indents(cells)
    return [[" " * room + line for line in cell] for room, cell in zip(rooms, cells, strict=True)]


def remark_texts(trace: ArrayTrace) -> Iterable[str]:
    """Notes and flags, a line each."""
    return remarks(trace.notes, gathered_flags(trace.flags))
