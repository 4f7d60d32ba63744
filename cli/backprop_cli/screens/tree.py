"""The computational graph as a tree of lines, where there is no room for a picture.

Only where a gate has several operands does a tree need to branch. So a chain goes on at the same
indent, a node that was shown before is referred to, and one that would stand too far to the right
begins a tree of its own.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rich.text import Text

from backprop_grammar.views.drawing.diagram import Diagram, Vertex, Wire, line
from backprop_grammar.views.drawing.diagram import lines as rows_of

from .terminal import GRADIENT, NAME, QUIET, VALUE, wrapped

__all__ = ["LARGEST", "lines"]

LARGEST = 600
"""Nodes shown unless all are asked for."""

DEEPEST = 10
"""Branchings from the left margin, where the width allows as many."""

STEP = 3
"""Columns of a guide."""

MARGIN = " " * 2
"""Before the rows of a matrix."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a node is to be shown: after which guides, and the wire on which it is met."""

    vertex: int
    first: str = ""
    rest: str = ""
    wire: Wire | None = None


def lines(diagram: Diagram, width: int, plain: bool = False, most: int = LARGEST) -> Iterable[Text]:
    """The nodes from the output down, one a line where it fits. plain: in ASCII."""
    operands: list[list[Wire]] = [[] for _ in diagram.vertices]
    for wire in diagram.wires:
        operands[wire.target].append(wire)
    fan_out = diagram.fan_out()
    deepest = STEP * max(1, min(DEEPEST, width // 2 // STEP))
    shown: set[int] = set()
    later: deque[Entry] = deque([Entry(len(diagram.vertices) - 1)] if diagram.vertices else [])
    awaited: set[int] = set()
    while later and len(shown) < most:
        pending = [later.popleft()]
        if shown:
            yield Text()
        while pending and len(shown) < most:
            place = pending.pop()
            vertex, where = place.vertex, ""
            if vertex in shown:
                where = "above"
            elif place.wire is not None and vertex in awaited:
                where = "below"
            elif len(operands[vertex]) > 1 and len(place.rest) >= deepest:
                where = "below"
                awaited.add(vertex)
                later.append(Entry(vertex))
            apart = [] if where else arrays(diagram.vertices[vertex], width - len(place.rest))
            shared = fan_out[vertex] > 1
            text = described(diagram, place, where, shared, bool(apart))
            yield from framed(text, place, width, plain)
            for text in apart:
                yield from framed(text, replace(place, first=place.rest), width, plain)
            if not where:
                shown.add(vertex)
                pending += reversed(list(below(operands[vertex], place)))
    rest = len(diagram.vertices) - len(shown)
    if rest:
        yield from wrapped(Text(f"{rest:,} more nodes; --all shows them all", QUIET), width)


def below(wires: list[Wire], place: Entry) -> Iterable[Entry]:
    """The places of a node's operands."""
    if len(wires) == 1:
        yield Entry(wires[0].source, place.rest, place.rest, wires[0])
        return
    for i, wire in enumerate(wires):
        last = i == len(wires) - 1
        first = ("└" if last else "├") + ("─ " if wire.routed else "╌ ")
        rest = " " * STEP if last else "│  "
        yield Entry(wire.source, place.rest + first, place.rest + rest, wire)


def arrays(vertex: Vertex, width: int) -> list[Text]:
    """A matrix and its gradient, each row on a line; nothing where they are no matrices, or too wide."""
    value, gradient = rows_of(vertex.value), rows_of(vertex.gradient)
    if max(len(value), len(gradient)) < 2 or max(map(len, value + gradient)) + len(MARGIN) > width:
        return []
    found = [Text.assemble(MARGIN, (row, VALUE)) for row in value]
    if gradient:
        found.append(Text.assemble(MARGIN, ("gradient", QUIET)))
    return found + [Text.assemble(MARGIN, (row, GRADIENT)) for row in gradient]


def described(
    diagram: Diagram, place: Entry, where: str, shared: bool, apart: bool = False
) -> Text:
    """A node in words: `q = x + y = 3, gradient -4`.

    where: it is shown, if not here. apart: whether its numbers stand on lines of their own.
    """
    vertex, wire = diagram.vertices[place.vertex], place.wire
    text = Text()
    text.append(vertex.name, NAME if vertex.label else "")
    if where:
        text.append(f", see {where}", QUIET)
    else:
        if vertex.formula:
            text.append(f" = {vertex.formula}")
        if vertex.shape:
            text.append(f", {vertex.shape}" if vertex.formula else f" {vertex.shape}", QUIET)
        if vertex.value and not apart:
            text.append(" = ").append(line(vertex.value), VALUE)
        if vertex.gradient and not apart:
            text.append(", gradient ", QUIET).append(line(vertex.gradient), GRADIENT)
    if wire is None:
        return text
    gate = diagram.vertices[wire.target]
    if not gate.value and wire.rule:
        text.append(f", d{gate.name}/d{vertex.name} = ", QUIET).append(wire.rule, GRADIENT)
    elif not wire.routed:
        text.append(", not selected", QUIET)
    elif shared and wire.contribution:
        text.append(" (", QUIET).append(line(wire.contribution), GRADIENT)
        text.append(f" via {gate.name})", QUIET)
    return text


def framed(text: Text, place: Entry, width: int, plain: bool) -> Iterable[Text]:
    """The text after its guides, in lines of that width."""
    for i, row in enumerate(wrapped(text, max(1, width - len(place.first)))):
        guide = place.rest if i else place.first
        yield Text.assemble((guide.translate(PLAIN) if plain else guide, QUIET), row)


PLAIN = str.maketrans("├└─╌│", "|`-.|")
