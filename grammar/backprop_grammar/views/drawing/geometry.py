"""A diagram in the plane: where its gates, wires, numbers and frames stand, in pixels.

A wire only bends in the gap between two columns, where no number stands, and numbers only stand
beside straight wires within a band of height that their item has to itself. So nothing can run
into anything else, and nothing needs to be checked or moved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from re import findall

from ...errors import shorten, visible
from .block_frames import TITLE, cleared
from .diagram import Boundary, Diagram, Vertex
from .layers import Layers, Link, arrange, heights
from .text_metrics import CAPITAL, SIZES, minus, typeset, width

__all__ = ["Frame", "Label", "Outline", "Scene", "Segment", "mentioned", "scene"]

RADIUS = 20.0
PORT = 18.0  # between two wires that enter a gate
RISE = 6.0  # between a wire and the number above it
PAD = 9.0  # beside a number
STUB = 14.0  # of a wire without numbers
BEND = 14.0  # height that a passing wire takes
MARGIN = 16.0
SNAP = 10.0  # a wire that would step less than that runs straight
FRAME = 10.0  # between a frame and what is in it, at its sides
LONGEST = 40  # characters of a name; a longer one is cut in its middle


@dataclass(frozen=True, slots=True)
class Outline:
    """A rectangle with round corners around its centre; a circle is one with nothing else."""

    x: float
    y: float
    width: float
    height: float
    round: float

    def edge(self, below: float) -> float:
        """How far left of the centre the outline is, that far below the centre."""
        over = max(0.0, abs(below) - (self.height / 2 - self.round))
        return self.width / 2 - self.round + sqrt(max(0.0, self.round**2 - over**2))


@dataclass(frozen=True, slots=True)
class Label:
    """A text on its baseline. kind: a key of SIZES; anchor: start, middle or end.

    vertex: whose text it is, or the wire's source; wire: of a contribution or a rule, else -1.
    """

    x: float
    y: float
    text: str
    kind: str
    anchor: str
    vertex: int
    wire: int = -1

    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what it covers."""
        size = SIZES[self.kind]
        long = width(self.text, size)
        left = self.x - {"start": 0.0, "middle": long / 2, "end": long}[self.anchor]
        return left, self.y - size * 0.75, left + long, self.y + size * 0.22


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of wire: straight from a to b, a curve from b to c, straight from c to d.

    Points that coincide leave the piece between them out.
    """

    vertex: int
    wires: tuple[int, ...]
    routed: bool
    a: tuple[float, float]
    b: tuple[float, float]
    c: tuple[float, float]
    d: tuple[float, float]

    def controls(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Of the cubic curve from b to c, which leaves and arrives level."""
        middle = (self.b[0] + self.c[0]) / 2
        return (middle, self.b[1]), (middle, self.c[1])


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle around a block that is shown as its parts."""

    left: float
    top: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is drawn. outlines: by vertex, None at a leaf; end: tip of the output."""

    width: float
    height: float
    outlines: list[Outline | None]
    segments: list[Segment]
    dots: list[tuple[float, float, int]]
    labels: list[Label]
    frames: list[Frame]
    end: tuple[float, float]


def plain(vertex: Vertex) -> str:
    return "".join(text for text, _ in typeset(visible(vertex.symbol)))


def outline_of(vertex: Vertex, ports: int) -> Outline:
    """The outline of a gate around 0, 0."""
    text = plain(vertex)
    tall = max(2 * RADIUS, (ports - 1) * PORT + 22.0)
    long = width(text, SIZES["symbol"])
    if vertex.block:
        return Outline(0, 0, max(52.0, long + 24.0), tall, 8.0)
    if len(text) == 1 or long <= 34.0:
        return Outline(0, 0, 2 * RADIUS, tall, RADIUS)
    return Outline(0, 0, long + 24.0, tall, RADIUS)


class Layout:
    """The columns of a drawing: what stands where, before it is drawn."""

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.ports = [0] * len(diagram.vertices)
        for wire in diagram.wires:
            self.ports[wire.target] += 1
        self.fan_out = diagram.fan_out()
        self.layers: Layers = arrange(diagram)
        mentions = mentioned(diagram)
        self.names = [
            shorten(visible(vertex.label or vertex.name * (vertex.name in mentions)), LONGEST)
            for vertex in diagram.vertices
        ]
        self.outlines = [
            outline_of(vertex, ports) if ports else None
            for vertex, ports in zip(diagram.vertices, self.ports, strict=True)
        ]
        self.half = [self.room(item) for item in range(len(diagram.vertices))]
        self.y = heights(self.layers, self.size, self.port, snap=SNAP)
        self.frames: list[tuple[float, float]] = []
        if diagram.boundaries:
            self.y, self.frames = cleared(diagram, self.layers, self.y, self.size, self.port, SNAP)
        tops = [y - self.size(item) / 2 for item, y in enumerate(self.y)]
        top = min([*tops, *(top - TITLE for top, _ in self.frames)]) - MARGIN
        self.y = [y - top for y in self.y]
        self.frames = [(a - top, b - top) for a, b in self.frames]
        self.nesting()
        self.columns()

    def nesting(self) -> None:
        """The frames that open and that close at a column, outer ones outside."""
        self.opens: dict[int, list[Boundary]] = {}
        self.closes: dict[int, list[Boundary]] = {}
        for boundary in sorted(self.diagram.boundaries, key=lambda one: -len(one.members)):
            ranks = [self.layers.rank[item] for item in boundary.members]
            self.opens.setdefault(min(ranks), []).append(boundary)
            self.closes.setdefault(max(ranks), []).insert(0, boundary)

    def tip(self) -> float:
        """Where the output's wire ends: past the frames that close there."""
        rank = self.layers.rank[len(self.names) - 1]
        return self.branch[rank] + 12.0 + FRAME * len(self.closes.get(rank, ()))

    def room(self, vertex: int) -> float:
        """How much height a vertex needs above its wire, and below."""
        outline, name = self.outlines[vertex], self.names[vertex]
        seen = self.diagram.vertices[vertex]
        numbers = 22.0 if seen.value or seen.gradient else 13.0
        if outline is None:
            return numbers
        return max(numbers, outline.height / 2 + (24.0 if name else 7.0))

    def size(self, item: int) -> float:
        return 2 * self.half[item] if item < self.layers.count else BEND

    def port(self, link: Link) -> float:
        return 0.0 if link.slot < 0 else (link.slot - (self.ports[link.end] - 1) / 2) * PORT

    def note(self, wire: int) -> tuple[str, str]:
        """What is written at a wire's far end, and its kind: its own contribution, or its rule."""
        seen = self.diagram.wires[wire]
        source = self.diagram.vertices[seen.source]
        if seen.rule and not seen.contribution and not source.value:
            return shorten(visible(seen.rule), 28), "rule"
        return (minus(seen.contribution) if self.fan_out[seen.source] > 1 else ""), "contribution"

    def columns(self) -> None:
        """From the left: a column of gates, its numbers, a gap where wires bend, notes."""
        order, links = self.layers.order, self.layers.links
        self.centre: list[float] = []
        self.right: list[float] = []  # where the numbers begin
        self.branch: list[float] = []  # where the numbers end and wires part
        self.notes: list[float] = []  # where the notes of the column begin
        x = MARGIN
        for rank, layer in enumerate(order):
            vertices = [item for item in layer if item < self.layers.count]
            note = 12.0
            if rank:
                ends = (link for link in links[rank - 1] if link.slot >= 0)
                texts = [self.note(link.wires[0])[0] for link in ends]
                note = max(
                    [width(text, SIZES["rule"]) + 14.0 for text in texts if text], default=12.0
                )
            gate = max(
                [outline.width / 2 for item in vertices if (outline := self.outlines[item])],
                default=0.0,
            )
            left, above = gate, 0.0
            for item in vertices:
                long = width(self.names[item], SIZES["name"])
                if self.outlines[item] is None:
                    left = max(left, long + 6.0 - gate - note * (rank > 0))
                else:
                    left = max(left, long / 2 - note * (rank > 0))
                    above = max(above, long / 2 - gate)
            numbers = [
                width(minus(text), SIZES["value"])
                for item in vertices
                for text in (
                    self.diagram.vertices[item].value,
                    self.diagram.vertices[item].gradient,
                )
            ]
            zone = max(max(numbers, default=0.0) + 2 * PAD, STUB, above)
            x += FRAME * len(self.opens.get(rank, ()))
            self.notes.append(x)
            self.centre.append(x + note * (rank > 0) + left)
            self.right.append(self.centre[-1] + gate)
            self.branch.append(self.right[-1] + zone)
            leaving = links[rank] if rank < len(links) else []
            steps = [
                abs(self.y[link.end] + self.port(link) - self.y[link.start]) for link in leaving
            ]
            steep = max(steps, default=0.0)
            x = self.branch[-1] + max(30.0, min(160.0, 0.55 * steep))
            x += FRAME * len(self.closes.get(rank, ()))


def mentioned(diagram: Diagram) -> set[str]:
    """Names that what is written at wires and frames speaks of."""
    rules = [wire.rule for wire in diagram.wires if not wire.contribution]
    return set(findall(r"\w+", " ".join([*rules, *(frame.title for frame in diagram.boundaries)])))


def scene(diagram: Diagram) -> Scene:
    """The drawing of a diagram; a limit error above LARGEST vertices."""
    layout = Layout(diagram)
    layers, last = layout.layers, len(diagram.vertices) - 1
    outlines = [
        outline and Outline(layout.centre[rank], y, outline.width, outline.height, outline.round)
        for outline, rank, y in zip(layout.outlines, layers.rank, layout.y, strict=False)
    ]
    tip = layout.tip(), layout.y[last]
    frames = [framing(layout, k) for k in range(len(diagram.boundaries))]
    labels = list(labelled(layout))
    right = max([tip[0] + 2, *(frame.left + frame.width for frame in frames)])
    bottom = max(y + layout.size(item) / 2 for item, y in enumerate(layout.y))
    bottom = max([bottom, *(below for _, below in layout.frames)])
    return Scene(
        right + MARGIN,
        bottom + MARGIN,
        outlines,
        list(segments(layout)),
        list(dots(layout)),
        labels,
        frames,
        tip,
    )


def start(layout: Layout, item: int) -> float:
    """Where the wire that leaves an item begins."""
    rank = layout.layers.rank[item]
    outline = layout.outlines[item] if item < layout.layers.count else None
    return layout.centre[rank] + outline.width / 2 if outline else layout.right[rank]


def segments(layout: Layout) -> Iterable[Segment]:
    """The wires, piece by piece: trunks beside their numbers, then what leads on from there."""
    wires, layers = layout.diagram.wires, layout.layers
    leaving: list[list[int]] = [[] for _ in layout.ports]
    for i, wire in enumerate(wires):
        leaving[wire.source].append(i)
    for vertex, own in enumerate(leaving):
        x, y = layout.branch[layers.rank[vertex]], layout.y[vertex]
        end = (x, y) if own else (layout.tip(), y)
        routed = not own or any(wires[i].routed for i in own)
        yield Segment(vertex, tuple(own), routed, (start(layout, vertex), y), end, end, end)
    for rank, links in enumerate(layers.links):
        for link in links:
            x, y = layout.branch[rank], layout.y[link.start]
            level = layout.y[link.end] + layout.port(link)
            outline = layout.outlines[link.end] if link.slot >= 0 else None
            goal = (
                layout.centre[rank + 1] - outline.edge(layout.port(link))
                if outline
                else layout.branch[rank + 1]
            )
            routed = any(wires[i].routed for i in link.wires)
            yield Segment(
                layers.source[link.start],
                link.wires,
                routed,
                (x, y),
                (x, y),
                (layout.notes[rank + 1], level),
                (goal, level),
            )


def dots(layout: Layout) -> Iterable[tuple[float, float, int]]:
    """Where a wire branches, and whose wire it is."""
    for rank, links in enumerate(layout.layers.links):
        leaving: dict[int, int] = {}
        for link in links:
            leaving[link.start] = leaving.get(link.start, 0) + 1
        for item, count in leaving.items():
            if count > 1:
                yield layout.branch[rank], layout.y[item], layout.layers.source[item]


def labelled(layout: Layout) -> Iterable[Label]:
    """All labels but the symbols in the gates and the titles of frames."""
    rank, high = layout.layers.rank, SIZES["value"] * CAPITAL
    for i, vertex in enumerate(layout.diagram.vertices):
        y, x = layout.y[i], (layout.right[rank[i]] + layout.branch[rank[i]]) / 2
        outline = layout.outlines[i]
        if outline is None:
            yield Label(layout.right[rank[i]] - 6.0, y + 4.8, layout.names[i], "name", "end", i)
        elif layout.names[i]:
            top = y - outline.height / 2 - 7.0
            kind = "stage" if vertex.label else "alias"
            yield Label(layout.centre[rank[i]], top, layout.names[i], kind, "middle", i)
        if vertex.value:
            yield Label(x, y - RISE, minus(vertex.value), "value", "middle", i)
        if vertex.gradient:
            yield Label(x, y + RISE + high, minus(vertex.gradient), "gradient", "middle", i)
    for links in layout.layers.links:
        for link in links:
            note, kind = layout.note(link.wires[0]) if link.slot >= 0 else ("", "")
            if note:
                end = layout.diagram.wires[link.wires[0]]
                outline = layout.outlines[link.end]
                assert outline is not None
                x = layout.centre[rank[link.end]] - outline.edge(layout.port(link)) - 5.0
                below = layout.y[link.end] + layout.port(link) + 3.5 + SIZES[kind] * CAPITAL
                yield Label(x, below, note, kind, "end", end.source, link.wires[0])


def framing(layout: Layout, k: int) -> Frame:
    """The rectangle around its members and their numbers; an inner one stands within."""
    boundary = layout.diagram.boundaries[k]
    ranks = [layout.layers.rank[item] for item in boundary.members]
    opens, closes = layout.opens[min(ranks)], layout.closes[max(ranks)]
    left = layout.notes[min(ranks)] - FRAME * (len(opens) - opens.index(boundary) - 1) - 4.0
    right = layout.branch[max(ranks)] + FRAME * closes.index(boundary) + 4.0
    top, bottom = layout.frames[k]
    letters = int((right - left - 20.0) / width("n", SIZES["title"]))
    title = shorten(visible(boundary.title), max(24, letters))
    return Frame(left, top, right - left, bottom - top, title)
