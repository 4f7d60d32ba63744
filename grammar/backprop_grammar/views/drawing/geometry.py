"""A diagram in the plane: where its gates, wires, numbers and frames stand, in pixels.

A wire only bends in the gap between two columns, where no number stands, and numbers only stand
beside straight wires within a band of height that their item has to itself. So nothing can run
into anything else, and nothing needs to be checked or moved. A drawing may be a stave of a picture
that is folded, which `sheet.py` puts together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import sqrt
from re import findall

from ...errors import shorten, visible
from .block_frames import TITLE, cleared
from .diagram import Boundary, Diagram, Figure, Grid, Vertex
from .grids import long, placed, spans, tall
from .layers import Layers, Link, heights
from .text_metrics import CAPITAL, SIZES, minus, shaped, typeset, width

__all__ = [
    "LONGEST",
    "MARGIN",
    "TIP",
    "Frame",
    "Label",
    "Layout",
    "Outline",
    "Panel",
    "Scene",
    "Segment",
    "dots",
    "framing",
    "labelled",
    "mentioned",
    "minus_of",
    "segments",
    "tips",
]

RADIUS = 20.0
PORT = 18.0  # between two wires that enter a gate
RISE = 6.0  # between a wire and the number above it
NUMBERS = 22.0  # height of a number beside its wire, with the space between
PAD = 9.0  # beside a number
STUB = 14.0  # of a wire without numbers
BEND = 14.0  # height that a passing wire takes
MARGIN = 16.0
SNAP = 10.0  # a wire that would step less than that runs straight
FRAME = 10.0  # between a frame and what is in it, at its sides
LINE = 0.8  # how thick the lines around numbers are
DROP = 3.5  # between a wire and what is written below its end
TIP = 5.0  # length of an arrow's head
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
    shape: stands after the text, in small. place: row and column of an element of an array.
    """

    x: float
    y: float
    text: str
    kind: str
    anchor: str
    vertex: int
    wire: int = -1
    shape: str = ""
    place: tuple[int, int] | None = None

    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what it covers."""
        size = SIZES[self.kind]
        long = width(self.text, size) + beside(self.shape)
        left = self.x - {"start": 0.0, "middle": long / 2, "end": long}[self.anchor]
        return left, self.y - size * 0.75, left + long, self.y + size * 0.22


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands behind the numbers of an array: lines around them, or a heat map.

    kind, vertex, wire: as of a label. across, down: where its lines stand. heat: how strong each
    square is, -1 to 1, row by row; empty where numbers are written. parts: how many rows and
    columns of the array a square stands for. title: says so.
    """

    kind: str
    vertex: int
    wire: int
    across: list[float]
    down: list[float]
    heat: tuple[tuple[float, ...], ...]
    parts: tuple[int, int]
    title: str

    def lines(self) -> Iterable[tuple[float, float, float, float]]:
        """Of every line left, top, width and height; a heat map has those around it alone."""
        (left, *columns, right), (top, *rows, bottom) = self.across, self.down
        for x in (left, *(() if self.heat else columns), right):
            yield x - LINE / 2, top - LINE / 2, LINE, bottom - top + LINE
        for y in (top, *(() if self.heat else rows), bottom):
            yield left - LINE / 2, y - LINE / 2, right - left + LINE, LINE

    def squares(self) -> Iterable[tuple[int, int, float, float, float, float]]:
        """Of every square of a heat map row and column, left, top, side and strength."""
        for i, row in enumerate(self.heat):
            for j, strength in enumerate(row):
                side = self.across[1] - self.across[0]
                yield i, j, self.across[j], self.down[i], side, strength


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
    """Everything that is drawn.

    outlines: by vertex, None at a leaf. tips: of arrows, the output's last; the others are where
    a wire leaves a stave and where it comes into the next one. panels: behind arrays.
    """

    width: float
    height: float
    outlines: list[Outline | None]
    segments: list[Segment]
    dots: list[tuple[float, float, int]]
    labels: list[Label]
    frames: list[Frame]
    tips: list[tuple[float, float]]
    panels: list[Panel]


def plain(vertex: Vertex) -> str:
    return "".join(text for text, _ in typeset(visible(vertex.symbol)))


def minus_of(x: float, y: float, side: float) -> tuple[float, float, float, float]:
    """The minus sign in a square of a heat map: left, top, width and height."""
    high = max(1.0, 0.18 * side)
    return x + 0.2 * side, y + (side - high) / 2, 0.6 * side, high


def printed(figure: Figure) -> Figure:
    """A number with a true minus sign; those of an array get theirs when they are placed."""
    return figure if isinstance(figure, Grid) else minus(figure)


def beside(shape: str) -> float:
    """The room that a shape takes after a name."""
    return width(f" {shape}", SIZES["alias"]) if shape else 0.0


def more(*figures: Figure) -> float:
    """How much higher the highest of some figures is than a number."""
    grids = [tall(figure, SIZES["value"]) for figure in figures if isinstance(figure, Grid)]
    return max([high - SIZES["value"] * CAPITAL for high in grids], default=0.0)


def outline_of(vertex: Vertex, ports: int, pitch: float) -> Outline:
    """The outline of a gate around 0, 0. pitch: from wire to wire."""
    text = plain(vertex)
    tall = max(2 * RADIUS, (ports - 1) * pitch + 22.0)
    long = width(text, SIZES["symbol"])
    if vertex.block:
        return Outline(0, 0, max(52.0, long + 24.0), tall, 8.0)
    if len(text) == 1 or long <= 34.0:
        return Outline(0, 0, 2 * RADIUS, tall, RADIUS)
    return Outline(0, 0, long + 24.0, tall, RADIUS)


class Layout:
    """The columns of a drawing, or of a stave: what stands where, before it is drawn."""

    def __init__(self, diagram: Diagram, layers: Layers) -> None:
        self.layers = layers
        self.items = [item for layer in layers.order for item in layer]
        self.vertices = sorted(item for item in self.items if item < layers.count)
        inner = [
            Boundary(boundary.title, boundary.members & frozenset(self.vertices))
            for boundary in diagram.boundaries
        ]
        inner = [boundary for boundary in inner if boundary.members]
        self.diagram = diagram = replace(diagram, boundaries=tuple(inner))
        self.ports = [0] * len(diagram.vertices)
        for wire in diagram.wires:
            self.ports[wire.target] += 1
        self.fan_out = diagram.fan_out()
        self.entering, self.leaving = layers.entering(), layers.leaving()
        self.used = {diagram.wires[i].source for i in layers.used()}
        mentions = mentioned(diagram)
        self.names = [
            shorten(visible(vertex.label or vertex.name * (vertex.name in mentions)), LONGEST)
            for vertex in diagram.vertices
        ]
        self.below = [0.0] * len(diagram.vertices)  # how high what is written below wires is
        for k, wire in enumerate(diagram.wires):
            note, kind = self.note(k)
            if isinstance(note, Grid):
                high = DROP + tall(note, SIZES[kind])
                self.below[wire.target] = max(self.below[wire.target], high)
        self.pitch = [max(PORT, high + 8.0) if high else PORT for high in self.below]
        self.outlines = [
            outline_of(vertex, ports, pitch) if ports else None
            for vertex, ports, pitch in zip(diagram.vertices, self.ports, self.pitch, strict=True)
        ]
        self.half = [self.room(item) for item in range(len(diagram.vertices))]
        self.y = heights(self.layers, self.size, self.port, snap=SNAP)
        self.frames: list[tuple[float, float]] = []
        if diagram.boundaries:
            self.y, self.frames = cleared(diagram, self.layers, self.y, self.size, self.port, SNAP)
        tops = [self.y[item] - self.size(item) / 2 for item in self.items]
        self.top = min([*tops, *(top - TITLE for top, _ in self.frames)])
        self.move(MARGIN - self.top)
        self.nesting()
        self.columns()

    def move(self, down: float) -> None:
        """Put everything further down."""
        self.top += down
        self.y = [y + down for y in self.y]
        self.frames = [(top + down, bottom + down) for top, bottom in self.frames]

    def bottom(self) -> float:
        ends = [self.y[item] + self.size(item) / 2 for item in self.items]
        return max([*ends, *(bottom for _, bottom in self.frames)])

    def vertex(self, item: int) -> Vertex:
        """The vertex whose wire an item carries."""
        return self.diagram.vertices[self.layers.source[item]]

    def carried(self, item: int) -> str:
        """The name at an arrow from one stave to the next."""
        return shorten(visible(self.vertex(item).name), LONGEST)

    def numbers(self, item: int) -> tuple[Figure, Figure]:
        """Value and gradient, where they stand where the wire of an item begins."""
        if item < self.layers.count or self.layers.source[item] in self.used:
            return printed(self.vertex(item).value), printed(self.vertex(item).gradient)
        return "", ""

    def named(self, item: int) -> float:
        """How wide the name of a vertex is, with its shape."""
        return width(self.names[item], SIZES["name"]) + beside(self.shape(item))

    def beside_name(self, item: int, figure: Figure, gate: float) -> float:
        """How far an array, which may stand as high as the name above its gate, is pushed aside.

        gate: half of how wide the gates of the column are.
        """
        if item >= self.layers.count or self.outlines[item] is None or not more(figure):
            return 0.0
        return max(0.0, self.named(item) / 2 - gate)

    def shape(self, item: int) -> str:
        """The shape that stands after the name of a vertex."""
        return shaped(self.diagram.vertices[item].shape) if self.names[item] else ""

    def nesting(self) -> None:
        """The frames that open and that close at a column, outer ones outside."""
        self.opens: dict[int, list[Boundary]] = {}
        self.closes: dict[int, list[Boundary]] = {}
        for boundary in sorted(self.diagram.boundaries, key=lambda one: -len(one.members)):
            ranks = [self.layers.rank[item] for item in boundary.members]
            self.opens.setdefault(min(ranks), []).append(boundary)
            self.closes.setdefault(max(ranks), []).insert(0, boundary)

    def tip(self) -> float:
        """Where a wire that leaves the last column ends: past the frames that close there."""
        rank = len(self.layers.order) - 1
        return self.branch[rank] + 12.0 + FRAME * len(self.closes.get(rank, ()))

    def legend(self) -> float:
        """The width of the names at the arrows to the next stave."""
        names = [width(self.carried(item), SIZES["leaving"]) + TIP for item in self.leaving]
        return max(names, default=0.0)

    def end(self) -> float:
        """Where its last column ends, with what is beside it."""
        frames = [framing(self, k) for k in range(len(self.frames))]
        return max([self.tip() + 2 + self.legend(), *(f.left + f.width for f in frames)])

    def room(self, vertex: int) -> float:
        """How much height a vertex needs above its wire, and below."""
        outline, name = self.outlines[vertex], self.names[vertex]
        seen = self.diagram.vertices[vertex]
        numbers = NUMBERS if seen.value or seen.gradient else 13.0
        numbers += more(seen.value, seen.gradient)
        if outline is None:
            return numbers
        last = (self.ports[vertex] - 1) / 2 * self.pitch[vertex] + self.below[vertex] + 7.0
        return max(numbers, outline.height / 2 + (24.0 if name else 7.0), last)

    def size(self, item: int) -> float:
        if item < self.layers.count:
            return 2 * self.half[item]
        if item in self.entering and any(self.numbers(item)):
            return 2 * (NUMBERS + more(*self.numbers(item)))
        return BEND

    def port(self, link: Link) -> float:
        if link.slot < 0:
            return 0.0
        return (link.slot - (self.ports[link.end] - 1) / 2) * self.pitch[link.end]

    def note(self, wire: int) -> tuple[Figure, str]:
        """What is written at a wire's far end, and its kind: its own contribution, or its rule."""
        seen = self.diagram.wires[wire]
        source = self.diagram.vertices[seen.source]
        if seen.rule and not seen.contribution and not source.value:
            return shorten(visible(seen.rule), 28), "rule"
        return (printed(seen.contribution) if self.fan_out[seen.source] > 1 else ""), "contribution"

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
                    [long(text, SIZES["rule"]) + 14.0 for text in texts if text], default=12.0
                )
            gate = max(
                [outline.width / 2 for item in vertices if (outline := self.outlines[item])],
                default=0.0,
            )
            left, above = gate, 0.0
            for item in vertices:
                name = self.named(item)
                if self.outlines[item] is None:
                    left = max(left, name + 6.0 - gate - note * (rank > 0))
                else:
                    left = max(left, name / 2 - note * (rank > 0))
                    above = max(above, name / 2 - gate)
            bends = [] if rank else self.entering
            for item in bends:
                left = max(left, width(self.carried(item), SIZES["entering"]) + 6.0 + TIP)
            numbers = [
                long(text, SIZES["value"]) + 2 * self.beside_name(item, text, gate)
                for item in (*vertices, *bends)
                for text in self.numbers(item)
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


def start(layout: Layout, item: int) -> float:
    """Where the wire that leaves an item begins."""
    rank = layout.layers.rank[item]
    outline = layout.outlines[item] if item < layout.layers.count else None
    return layout.centre[rank] + outline.width / 2 if outline else layout.right[rank]


def segments(layout: Layout, edge: float) -> Iterable[Segment]:
    """The wires, piece by piece: trunks beside their numbers, then what leads on from there.

    edge: where those that leave end.
    """
    wires, layers = layout.diagram.wires, layout.layers
    trunks: dict[int, list[int]] = {item: [] for item in (*layout.vertices, *layout.entering)}
    for link in (link for links in (*layers.links, layers.onward) for link in links):
        if link.start in trunks:
            trunks[link.start] += link.wires
    for item, own in trunks.items():
        x, y = layout.branch[layers.rank[item]], layout.y[item]
        end = (x, y) if own else (layout.tip(), y)
        routed = not own or any(wires[i].routed for i in own)
        vertex = layers.source[item]
        yield Segment(vertex, tuple(sorted(own)), routed, (start(layout, item), y), end, end, end)
    for item, onward in layout.leaving.items():
        begin, end = (layout.branch[-1], layout.y[item]), (edge, layout.y[item])
        routed = any(wires[i].routed for i in onward)
        yield Segment(layers.source[item], tuple(sorted(onward)), routed, begin, end, end, end)
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


def tips(layout: Layout, edge: float) -> Iterable[tuple[float, float]]:
    """Where arrows end: of wires that come in, of those that leave, and of the output."""
    for item in layout.entering:
        yield layout.right[0], layout.y[item]
    for item in layout.leaving:
        yield edge, layout.y[item]
    if not layout.layers.onward:
        yield layout.tip(), layout.y[len(layout.names) - 1]


def labelled(layout: Layout, edge: float) -> Iterable[Label | Panel]:
    """All labels but the symbols in the gates and the titles of frames, and what is behind them."""
    rank = layout.layers.rank
    for item in (*layout.vertices, *layout.entering):
        source = layout.layers.source[item]
        y, x = layout.y[item], (layout.right[rank[item]] + layout.branch[rank[item]]) / 2
        value, gradient = layout.numbers(item)
        if item != source:
            left = layout.right[0] - 6.0 - TIP
            yield Label(left, y + 4.0, layout.carried(item), "entering", "end", source)
        elif (outline := layout.outlines[item]) is None:
            left, shape = layout.right[rank[item]] - 6.0, layout.shape(item)
            yield Label(left, y + 4.8, layout.names[item], "name", "end", item, shape=shape)
        elif layout.names[item]:
            top, middle = y - outline.height / 2 - 7.0, layout.centre[rank[item]]
            kind, shape = "stage" if layout.vertex(item).label else "alias", layout.shape(item)
            yield Label(middle, top, layout.names[item], kind, "middle", item, shape=shape)
        if value:
            yield from written(value, "value", "middle", x, y - RISE, source, above=True)
        if gradient:
            yield from written(gradient, "gradient", "middle", x, y + RISE, source)
    for item in layout.leaving:
        text, source = layout.carried(item), layout.layers.source[item]
        yield Label(edge + TIP, layout.y[item] + 4.0, text, "leaving", "start", source)
    for links in layout.layers.links:
        for link in links:
            note, kind = layout.note(link.wires[0]) if link.slot >= 0 else ("", "")
            if note:
                end = layout.diagram.wires[link.wires[0]]
                outline = layout.outlines[link.end]
                assert outline is not None
                x = layout.centre[rank[link.end]] - outline.edge(layout.port(link)) - 5.0
                below = layout.y[link.end] + layout.port(link) + DROP
                yield from written(note, kind, "end", x, below, end.source, link.wires[0])


def written(
    figure: Figure, kind: str, anchor: str, x: float, edge: float, vertex: int, wire: int = -1,
    above: bool = False,
) -> Iterable[Label | Panel]:  # fmt: skip
    """A number, or an array, beside a wire. edge: of what is written, the one next to the wire."""
    size = SIZES[kind]
    if not isinstance(figure, Grid):
        y = edge if above else edge + size * CAPITAL
        yield Label(x, y, figure, kind, anchor, vertex, wire)
        return
    left = x - long(figure, size) * (1.0 if anchor == "end" else 0.5)
    top = edge - tall(figure, size) * above
    if figure.heat or figure.boxed:
        across, down = spans(figure, size, left, top)
        title = figure.title if figure.heat else ""
        yield Panel(kind, vertex, wire, across, down, figure.heat, figure.parts, title)
    for text, start, end, baseline, place in placed(figure, size, left, top):
        x = end if anchor == "end" else (start + end) / 2
        yield Label(x, baseline, text, kind, anchor, vertex, wire, place=place)


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
