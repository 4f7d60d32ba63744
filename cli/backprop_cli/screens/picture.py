"""The computational graph drawn in characters, as the lecture draws it.

A picture that does not fit its terminal is worse than none. So its width is known before
anything is printed. One that is too wide is drawn with fewer digits; where that does not do, it is
folded into rows like staves, and where no row fits, the same graph is a tree of lines.
"""

from collections.abc import Iterable
from itertools import chain

from rich.text import Text

from backprop_grammar.views.drawing.diagram import Diagram, Wire
from backprop_grammar.views.drawing.diagram import lines as written
from backprop_grammar.views.drawing.layers import LARGEST, Layers, arrange
from backprop_grammar.views.drawing.pictured import AnyTrace, pictured
from backprop_grammar.views.drawing.staves import folded
from backprop_grammar.views.options import Options

from . import tree
from .cells import Canvas
from .drawing import Drawing, RowLayout
from .terminal import QUIET, ascii_only, console, remark_lines, wrapped

__all__ = ["LARGEST", "lines", "show"]

STAVES = 16
"""Lines of a terminal that the longest chain of nodes may fill; what is longer is a tree."""

TANGLED = 1_000
"""Gates, and wires past layers of gates, up to which a picture is folded."""


def show(trace: AnyTrace, options: Options) -> None:
    """Print the picture where it fits the terminal, or the tree; then notes and flags."""
    screen = console()
    plain, width = ascii_only(screen), int(options.width or screen.width)
    digits = trace.precision or options.digits
    drawn = pictured(trace, digits)
    fewer = ((n, pictured(trace, n)) for n in range(digits - 1, options.fewest - 1, -1))
    most = len(drawn.vertices) if options.everything else tree.LARGEST
    remarks = remark_lines(trace.notes, trace.flags, width)
    for line in (*lines(drawn, width, plain, most, fewer), *remarks):
        screen.print(line, crop=False, overflow="ignore")


def lines(
    diagram: Diagram,
    width: int,
    plain: bool = False,
    most: int = tree.LARGEST,
    fewer: Iterable[tuple[int, Diagram]] = (),
) -> Iterable[Text]:
    """The picture if it fits that width, in staves if need be; otherwise why not, and a tree.

    plain: in ASCII. most: nodes of the tree. fewer: how many digits, and the same with so few,
    which is tried before it is folded.
    """
    reason = unfit(diagram, width)
    if not reason:
        layers = arrange(diagram)
        subjects = []
        for digits, subject in chain([(0, diagram)], fewer):
            subjects.append((digits, subject))
            if least(subject) > width:
                continue
            layout = RowLayout(subject, layers)
            for roomy in (True, False):
                drawn = Drawing(layout, roomy)
                if drawn.columns() <= width:
                    yield from drawn.sheet.lines(plain)
                    yield from remark(digits, width)
                    return
        wide = any(vertex.shape for vertex in diagram.vertices)  # arrays: fewer digits fold, too
        for digits, subject in chain([(0, diagram)], subjects[1:] if wide else ()):
            for roomy in (True, False) if len(layers.rank) <= TANGLED else ():
                sheets = staves(subject, layers, width, roomy)
                for k, sheet in enumerate(sheets):
                    if k:
                        yield Text()
                    yield from sheet.lines(plain)
                if sheets:
                    yield from remark(digits, width)
                    return
        reason = too_wide(max(least(diagram), width), width)
    yield from wrapped(Text(reason, QUIET), width)
    yield Text()
    yield from tree.lines(diagram, width, plain, most)


def remark(digits: int, width: int) -> Iterable[Text]:
    """That there are fewer digits than usual; nothing where there are none fewer."""
    if digits:
        text = f"{digits} digits, to fit {width} columns; --digits shows more"
        yield from wrapped(Text(text, QUIET), width)


def staves(diagram: Diagram, layers: Layers, width: int, roomy: bool) -> list[Canvas]:
    """The picture in staves of that width; none where there are no such staves."""
    whole = Drawing(RowLayout(diagram, layers), roomy)
    long = 2 * (3 + max(len(vertex.name) for vertex in diagram.vertices))

    def expected(first: int, last: int) -> float:
        return whole.spans[last - 1][1] - (whole.spans[first - 1][0] if first else 0) + long

    def drawn(layers: Layers) -> Drawing:
        return Drawing(RowLayout(diagram, layers), roomy)

    drawings = folded(layers, expected, drawn, Drawing.columns, width, {})
    names = max((drawing.names() for drawing in drawings), default=0)
    edge = min(max((drawing.edge for drawing in drawings), default=0), width - 2 - names)
    for drawing in drawings:
        drawing.lead_on(max(edge, drawing.edge))
    return [drawing.sheet for drawing in drawings]


def unfit(diagram: Diagram, width: int) -> str:
    """Why there can't be a picture, as far as is known before it is drawn; empty otherwise."""
    count = len(diagram.vertices)
    if not count:
        return "there are no nodes to draw"
    if count > LARGEST:
        return f"{count:,} nodes are too many for a picture; --format dot draws them"
    columns = least(diagram)
    return too_wide(columns, width) if columns > STAVES * width else ""


def too_wide(least: int, width: int) -> str:
    return f"the picture needs more than {least} columns; this terminal has {width}"


def least(diagram: Diagram) -> int:
    """Columns that the longest chain of nodes takes at least."""
    leaving: list[list[Wire]] = [[] for _ in diagram.vertices]
    for wire in diagram.wires:
        leaving[wire.source].append(wire)
    reach = [0] * len(diagram.vertices)  # columns that the wires up to a node take at least
    for i, vertex in enumerate(diagram.vertices):
        texts = (*written(vertex.value), *written(vertex.gradient))
        text = max(map(len, texts), default=0)
        reach[i] += (len(vertex.symbol) + 2 if vertex.symbol else 1) + text + 2 * bool(text)
        for wire in leaving[i]:
            reach[wire.target] = max(reach[wire.target], reach[i])
    return reach[-1]
