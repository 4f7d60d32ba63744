"""A diagram put on a sheet of characters.

Everything is placed from the left, each thing as far left as the rows that it takes allow. So a
picture is as narrow as its texts, and what is placed later can only stand to the right of what
it could run into.

One that is folded is a sheet for each stave. A wire leaves a stave by an arrow to its name, and
comes into the next one by an arrow from it.
"""

from collections import defaultdict

from backprop_grammar.views.drawing.diagram import Boundary, Diagram, Vertex, lines
from backprop_grammar.views.drawing.layers import Layers, Link

from .cells import Canvas
from .channels import Net, arranged
from .rows import Extent, Port, place
from .terminal import GRADIENT, NAME, QUIET, VALUE

__all__ = ["Drawing", "RowLayout"]

Rectangle = tuple[int, int, int, int]
"""Top, left, bottom, right."""


ARROW = "→"
BETWEEN = 2
"""Blanks between two arrays, beside the one after every text; between two numbers, one."""


class RowLayout:
    """The rows of a drawing: what does not depend on how wide the gates are.

    below: what is written below the last run of a wire, by the port where it ends. used: the
    vertices of the wires that end here.
    """

    def __init__(self, diagram: Diagram, layers: Layers) -> None:
        self.diagram, self.layers = diagram, layers
        self.used = {diagram.wires[i].source for i in layers.used()}
        fan_out = diagram.fan_out()
        pointless = not any(v.value or v.gradient for v in diagram.vertices)
        self.below: dict[Port, tuple[str, ...]] = {}
        for wire in diagram.wires:
            part = wire.contribution if fan_out[wire.source] > 1 else ""
            self.below[wire.target, wire.slot] = lines(wire.rule if pointless else part)
        self.sizes = [0] * len(diagram.vertices)
        for wire in diagram.wires:
            self.sizes[wire.target] += 1
        framed = {item for boundary in diagram.boundaries for item in boundary.members}
        extents = [self.extent(item, item in framed) for item in range(len(self.layers.rank))]
        self.rows, self.ports = place(self.layers, extents)

    def extent(self, item: int, framed: bool) -> Extent:
        """The rows that an item takes, with its texts."""
        if item >= self.layers.count and not self.numbered(item):
            return Extent()
        vertex = self.diagram.vertices[self.layers.source[item]]
        above, below = len(lines(vertex.value)), len(lines(vertex.gradient))
        if item >= self.layers.count or not vertex.symbol:
            return Extent((), above + framed, below + framed)
        count = self.sizes[item]
        texts = tuple(len(self.below[item, slot]) for slot in range(count))
        if count < 2:
            up, down = max(1, above), max(1, below, *texts)
            return Extent((0,) * count, up + framed, down + framed)
        offsets = [0]  # of the ports on the left side
        for slot in range(1, count - 2):
            offsets.append(offsets[-1] + 2 + texts[slot])
        start = -(offsets[-1] // 2)
        middle = [start + offset for offset in offsets]
        first = middle[0] - (2 + texts[0] * (count > 2))
        last = middle[-1] + 2 + (texts[-2] if count > 2 else max(0, texts[0] - 2))
        ports = (first, *(middle if count > 2 else ()), last)
        up, down = max(-first, above), max(last + texts[-1], below)
        return Extent(ports, up + framed, down + framed)

    def numbered(self, item: int) -> bool:
        """Whether the numbers of an item's wire stand where the wire begins."""
        bend, entering = item >= self.layers.count, self.layers.rank[item] == 0
        return not bend or (entering and self.layers.source[item] in self.used)

    def box_rows(self, item: int) -> tuple[int, int]:
        """The rows of a gate's border."""
        left = [self.ports[item, slot] for slot in range(1, self.sizes[item] - 1)]
        row = self.rows[item]
        return min([row, *left]) - 1, max([row, *left]) + 1


class Drawing:
    """A diagram as it is put on a sheet, from the left.

    front: per row, the first column that is not taken. right: per item, the column of the
    border, or the blank, in which its wire begins. spans: of every layer, the column in which
    the last of its wires begins, and the first one after it. edge: the column where the arrows of all wires that leave can stand.
    """

    def __init__(self, layout: RowLayout, roomy: bool) -> None:
        self.diagram, self.layers = layout.diagram, layout.layers
        self.rows, self.ports, self.below = layout.rows, layout.ports, layout.below
        self.sizes, self.box_rows, self.numbered = layout.sizes, layout.box_rows, layout.numbered
        self.roomy = roomy
        self.sheet = Canvas()
        diagram = layout.diagram
        last = len(diagram.vertices) - 1
        self.entered, self.left = set[int](), set[int]()  # where a wire passes a frame
        for members in (boundary.members for boundary in diagram.boundaries):
            ways = [(wire.source in members, wire.target in members) for wire in diagram.wires]
            for wire, (inside, to_inside) in zip(diagram.wires, ways, strict=True):
                if to_inside and not inside:
                    self.entered.add(wire.target)
                if inside and not to_inside:
                    self.left.add(wire.source)
            self.left |= members & {last}
        self.front: defaultdict[int, int] = defaultdict(int)
        self.right: dict[int, int] = {}
        self.arriving: dict[Port, tuple[int, int, bool]] = {}
        self.boxes: dict[int, Rectangle] = {}
        self.spans: list[tuple[int, int]] = []
        for rank, layer in enumerate(self.layers.order):
            if rank:
                self.route(self.layers.links[rank - 1])
            self.stand([item for item in layer if item < self.layers.count or not rank])
            begin = max((self.right[item] for item in layer if item < self.layers.count), default=0)
            self.spans.append((begin, max(self.front.values())))
        for boundary in diagram.boundaries:
            self.frame(boundary)
        self.leaving = self.layers.leaving()
        self.edge = max((self.front[self.rows[item]] for item in self.leaving), default=0)

    def columns(self) -> int:
        """How many columns it takes, with its arrows."""
        return max(self.sheet.width(), bool(self.leaving) * (self.edge + 2 + self.names()))

    def names(self) -> int:
        """The length of the longest name at an arrow by which a wire leaves."""
        vertices = [self.diagram.vertices[self.layers.source[item]] for item in self.leaving]
        return max((len(vertex.name) for vertex in vertices), default=0)

    def lead_on(self, edge: int) -> None:
        """The arrows by which wires leave, all of them at that column."""
        for item, wires in self.leaving.items():
            row, vertex = self.rows[item], self.layers.source[item]
            dashed = not any(self.diagram.wires[i].routed for i in wires)
            self.sheet.level(vertex, row, self.right[item], edge, dashed)
            self.sheet.write(row, edge, f"{ARROW} {self.diagram.vertices[vertex].name}", QUIET)

    # gates and leaves

    def stand(self, vertices: list[int]) -> None:
        """Put the leaves and gates of a layer, one under the other."""
        centre = max((self.least(item) for item in vertices), default=0)
        for item in vertices:
            if self.is_gate(item):
                self.gate(item, centre)
            else:
                self.leaf(item, centre)
            self.output(item)

    def is_gate(self, item: int) -> bool:
        return item < self.layers.count and bool(self.diagram.vertices[item].symbol)

    def label(self, item: int) -> tuple[str, str]:
        """What stands where the wire of no gate begins, and its style."""
        if item < self.layers.count:
            return f"{named(self.diagram.vertices[item])} ", NAME
        return f"{self.diagram.vertices[self.layers.source[item]].name} {ARROW}", QUIET

    def width(self, item: int) -> int:
        symbol = self.diagram.vertices[item].symbol
        return len(symbol) + (4 if self.roomy or len(symbol) == 1 else 2)

    def least(self, item: int) -> int:
        """The leftmost column for the middle of a leaf or gate."""
        row, front = self.rows[item], self.front
        vertex = self.diagram.vertices[self.layers.source[item]]
        above, below = (
            len(lines(x)) * self.numbered(item) for x in (vertex.value, vertex.gradient)
        )
        beside = max(front[r] for r in range(row - above, row + below + 1))
        beside += BETWEEN * (max(above, below) > 1)
        if not self.is_gate(item):
            return max(front[row] + len(self.label(item)[0]) - 2, beside - 2)
        top, bottom = self.box_rows(item)
        room = self.width(item) // 2 + (item in self.entered)
        least = [front[r] + room for r in range(top, bottom + 1)]
        least.append(beside - (self.width(item) - self.width(item) // 2))
        if self.sizes[item] > 1:
            upper, lower = self.ports[item, 0], self.ports[item, self.sizes[item] - 1]
            least += [front[r] for r in (*range(upper, top), *range(bottom + 1, lower + 1))]
        return max(least)

    def leaf(self, item: int, centre: int) -> None:
        label, style = self.label(item)
        start = centre - len(label) + 2
        self.sheet.write(self.rows[item], start, label, style)
        if item < self.layers.count:
            self.shape(item, centre + 1)
        self.right[item] = centre + 1
        self.boxes[item] = (self.rows[item], start, self.rows[item], centre)

    def gate(self, item: int, centre: int) -> None:
        vertex, width, row = self.diagram.vertices[item], self.width(item), self.rows[item]
        (top, bottom), left = self.box_rows(item), centre - width // 2
        right, last = left + width - 1, self.sizes[item] - 1
        write = self.sheet.write
        corners = "┌┐└┘" if vertex.block else "╭╮╰╯"
        write(top, left, corners[0] + "─" * (width - 2) + corners[1])
        write(bottom, left, corners[2] + "─" * (width - 2) + corners[3])
        for r in range(top + 1, bottom):
            write(r, left, "│" + " " * (width - 2) + "│")
        write(row, left + 1, vertex.symbol.center(width - 2))
        write(row, right, "├")
        if vertex.backward:
            back = f" {vertex.backward} "
            write(bottom, centre - len(back) // 2, back, GRADIENT)
        for slot in range(last + 1):
            port, (wire, start, dashed) = self.ports[item, slot], self.arriving[item, slot]
            if not slot and last:
                self.sheet.level(wire, port, start, centre, dashed)
                self.sheet.upright(wire, centre, port, top, dashed)
                write(top, centre, "┴")
            elif slot == last and last:
                self.sheet.level(wire, port, start, centre, dashed)
                self.sheet.upright(wire, centre, bottom, port, dashed)
                write(bottom, centre, "┬")
            else:
                self.sheet.level(wire, port, start, left, dashed)
                write(port, left, "┤")
        high, low = (self.ports.get((item, slot), row) for slot in (0, last))
        for r in range(min(high, top), max(low, bottom) + 1):
            self.front[r] = (right if top <= r <= bottom else centre) + 2
        self.right[item], self.boxes[item] = right, (top, left, bottom, right)

    def output(self, item: int) -> None:
        """The wire that leaves an item, with its value, gradient and name."""
        vertex = self.diagram.vertices[self.layers.source[item]]
        row, column = self.rows[item], self.right[item]
        name = named(vertex) if self.is_gate(item) and vertex.label else ""
        above, below = lines(vertex.value), lines(vertex.gradient)
        signed = any(text.startswith("-") for text in (*above, *below))
        start, end = column + 2 + (item in self.left), column + 1
        numbers = (row - len(above), above, VALUE), (row + 1, below, GRADIENT)
        for first, texts, style in numbers if self.numbered(item) else ():
            shift = (signed or bool(name)) and not any(text.startswith("-") for text in texts)
            for r, text in enumerate(texts, first):
                self.sheet.write(r, start + shift, text, style)
                end = max(end, start + shift + len(text) - 1)
                self.front[r] = start + shift + len(text) + 1
        if item == len(self.diagram.vertices) - 1:
            end = max(end, column + 3)
            self.sheet.level(item, row, column, end)
            self.sheet.write(row, end + 1, f" {name}", NAME)
            if name:
                self.shape(item, end + 2 + len(name))
            return
        if name:
            self.sheet.write(row, start, f" {name} ", NAME)
            self.shape(item, start + 1 + len(name))
            end = max(end, start + len(name) + 1)
        self.front[row] = end + (2 if end > column + 1 else 1)

    def shape(self, item: int, end: int) -> None:
        """Write the shape of an array once more, in the quiet colour. end: the column after it."""
        shape = self.diagram.vertices[item].shape
        self.sheet.write(self.rows[item], end - len(shape), shape, QUIET)

    # wires

    def route(self, links: list[Link]) -> None:
        """The wires between two layers: upright pieces, then what is written before the gates."""
        trunks: dict[int, list[Link]] = defaultdict(list)
        for link in links:
            trunks[link.start].append(link)
        nets = [
            Net(trunk, self.rows[trunk], tuple(sorted(self.end(link) for link in group)))
            for trunk, group in trunks.items()
        ]
        for net in nets:
            if net.ends == (net.start,):
                self.arrive(trunks[net.trunk], self.right[net.trunk])
        for net in arranged(nets):
            self.turn(net, trunks[net.trunk])
        for link in links:
            texts = self.below[link.end, link.slot] if link.slot >= 0 else ()
            if texts:
                row = self.end(link)
                taken = range(row, row + len(texts) + 1)
                start = max(self.front[r] for r in taken)
                if any((r, start - 2) in self.sheet.texts for r in taken[1:]):
                    start += BETWEEN if len(texts) > 1 else 1
                for r, text in zip(taken[1:], texts, strict=True):
                    self.sheet.write(r, start, text, GRADIENT)
                for r in taken:
                    self.front[r] = start + max(map(len, texts)) + 1

    def turn(self, net: Net, links: list[Link]) -> None:
        """The upright piece of a wire, as far left as it can stand, and the run up to it."""
        wire, (low, high) = self.layers.source[net.trunk], net.span()
        column = max(self.front[row] for row in range(low, high + 1))
        for row in range(low, high + 1):
            self.front[row] = column + 2
        dashed = all(self.dashed(link) for link in links)
        self.sheet.level(wire, net.start, self.right[net.trunk], column, dashed)
        ends = [link for link in links if self.end(link) in net.ends]
        routed = [self.end(link) for link in ends if not self.dashed(link)]
        if not ends:  # the first part of a wire that turns twice
            routed = [] if dashed else list(net.ends)
        above, under = min([net.start, *routed]), max([net.start, *routed])
        self.sheet.upright(wire, column, above, under)
        self.sheet.upright(wire, column, low, above, dashed=True)
        self.sheet.upright(wire, column, under, high, dashed=True)
        self.right[net.trunk] = column
        self.arrive(ends, column)

    def arrive(self, links: list[Link], column: int) -> None:
        """Note the column from which the last runs of these wires go on."""
        for link in links:
            if link.slot < 0:
                self.right[link.end] = column
            else:
                wire = self.layers.source[link.start]
                self.arriving[link.end, link.slot] = wire, column, self.dashed(link)

    def dashed(self, link: Link) -> bool:
        """Whether a link leads only to gates that did not select it."""
        return not any(self.diagram.wires[i].routed for i in link.wires)

    def end(self, link: Link) -> int:
        """The row where a link ends."""
        return self.rows[link.end] if link.slot < 0 else self.ports[link.end, link.slot]

    def frame(self, boundary: Boundary) -> None:
        """The frame of a block around its parts, if there is a way that meets nothing else."""
        inside = [self.boxes[item] for item in boundary.members if item in self.boxes]
        if not inside:
            return
        tops, lefts, bottoms, rights = zip(*inside, strict=True)
        top, left, bottom, right = min(tops), min(lefts), max(bottoms), max(rights)
        foreign = [box for item, box in self.boxes.items() if item not in boundary.members]
        for box in (
            (top - up, left - before, bottom + down, right + after)
            for after in range(1, 4)
            for down in range(1, 5)
            for up in range(1, 5)
            for before in range(1, 16)
        ):
            if not any(overlap(box, other) for other in foreign) and self.sheet.frame(
                box, boundary.title
            ):
                return


def named(vertex: Vertex) -> str:
    """The name of a vertex, and its shape."""
    return " ".join(part for part in (vertex.label, vertex.shape) if part)


def overlap(one: Rectangle, other: Rectangle) -> bool:
    """Whether two rectangles have a cell in common."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
