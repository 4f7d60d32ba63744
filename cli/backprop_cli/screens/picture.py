"""The computational graph drawn in characters, as the lecture draws it.

A picture that does not fit its terminal is worse than none. So its width is known before
anything is printed, and where it is too wide the same graph is a tree of lines.
"""

from collections.abc import Iterable

from rich.text import Text

from backprop_grammar.trace.record import Trace
from backprop_grammar.views.drawing.diagram import Diagram, Wire, diagram
from backprop_grammar.views.drawing.layers import LARGEST
from backprop_grammar.views.options import Options

from . import tree
from .drawing import Drawing, RowLayout
from .terminal import QUIET, ascii_only, console, remark_lines, wrapped

__all__ = ["LARGEST", "lines", "show"]


def show(trace: Trace, options: Options) -> None:
    """Print the picture where it fits the terminal, or the tree; then notes and flags."""
    screen = console()
    plain = ascii_only(screen)
    drawn = diagram(trace, trace.precision or options.digits)
    most = len(drawn.vertices) if options.everything else tree.LARGEST
    remarks = remark_lines(trace.notes, trace.flags, screen.width)
    for line in (*lines(drawn, screen.width, plain, most), *remarks):
        screen.print(line, crop=False, overflow="ignore")


def lines(
    diagram: Diagram, width: int, plain: bool = False, most: int = tree.LARGEST
) -> Iterable[Text]:
    """The picture if it fits that width, otherwise why not, and a tree.

    plain: in ASCII. most: nodes of the tree.
    """
    reason = unfit(diagram, width)
    if not reason:
        layout = RowLayout(diagram)
        narrow = 0
        for roomy in (True, False):
            drawn = Drawing(layout, roomy).sheet.lines(plain)
            narrow = max(len(line.plain) for line in drawn)
            if narrow <= width:
                yield from drawn
                return
        reason = f"the picture needs {narrow} columns; this terminal has {width}"
    yield from wrapped(Text(reason, QUIET), width)
    yield Text()
    yield from tree.lines(diagram, width, plain, most)


def unfit(diagram: Diagram, width: int) -> str:
    """Why there can't be a picture, as far as is known before it is drawn; empty otherwise."""
    count = len(diagram.vertices)
    if not count:
        return "there are no nodes to draw"
    if count > LARGEST:
        return f"{count:,} nodes are too many for a picture; --format dot draws them"
    leaving: list[list[Wire]] = [[] for _ in diagram.vertices]
    for wire in diagram.wires:
        leaving[wire.source].append(wire)
    reach = [0] * count  # columns that the wires up to a node take at least
    for i, vertex in enumerate(diagram.vertices):
        text = max(len(vertex.value), len(vertex.gradient))
        reach[i] += (len(vertex.symbol) + 2 if vertex.symbol else 1) + text + 2 * bool(text)
        if i == count - 1 and reach[i] > 4 * width:
            return f"the picture needs more than {reach[i]} columns; this terminal has {width}"
        for wire in leaving[i]:
            reach[wire.target] = max(reach[wire.target], reach[i])
    return ""
