"""Which row of a character picture every gate, leaf and passing wire takes.

The first operand comes in from above and the last from below, in the gate's own column, from any
row that is far enough away. So the wires of a tree run straight, and a row is chosen not to be
near but to be the same.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from backprop_grammar.views.drawing.layers import Layers, Link, heights

__all__ = ["Extent", "Port", "place"]

Port = tuple[int, int]
"""A gate and a slot of it."""

WINDOW = 6
"""Rows up and down that one step of the alignment may move an item."""

SWEEPS = ((1.0, 0.4), (0.4, 1.0)) * 3 + ((1.0, 1.0), (1.0, 1.0))
"""How much the wires that come in, and those that leave, count in each step."""

JOG = 2.0
"""What two corners cost, in rows."""

FAR = 0.006
"""What the square of the length of an upright costs that needs no corner more."""

BLANK = 1
"""Empty rows between what stands in neighbouring places, so that no number is near two wires."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The rows of an item, counted from its own: the row where its wire leaves.

    ports: where the wires of its operands come in; of several, the first may come from further
    up and the last from further down. up, down: the rows it takes.
    """

    ports: tuple[int, ...] = ()
    up: int = 0
    down: int = 0

    def free(self, slot: int) -> int:
        """-1 for a port that may lie higher, 1 for one that may lie lower, 0 for a fixed one."""
        if len(self.ports) < 2:
            return 0
        return -1 if slot == 0 else 1 if slot == len(self.ports) - 1 else 0


def place(layers: Layers, extents: Sequence[Extent]) -> tuple[list[int], dict[Port, int]]:
    """The row of every item and of every port; items of a layer keep their order."""

    def size(item: int) -> float:
        return extents[item].up + extents[item].down + 1 + BLANK

    def port(link: Link) -> float:
        return extents[link.end].ports[link.slot] if link.slot >= 0 else 0.0

    wished = heights(layers, size, port)
    rows = [round(height) for height in wished]
    spare = [spares(layers, rank, extents) for rank in range(len(layers.order))]
    for layer, extra in zip(layers.order, spare, strict=True):
        for (above, item), more in zip(pairwise(layer), extra, strict=False):
            gap = extents[above].down + more + BLANK + 1 + extents[item].up
            rows[item] = max(rows[item], rows[above] + gap)
    attach = attractions(layers, extents)
    forward = range(len(layers.order))
    few = len(rows) > 1500  # wires of a large picture that jog once more are soon drawn
    for turn, weights in enumerate(SWEEPS[:2] if few else SWEEPS):
        for rank in reversed(forward) if turn % 2 else forward:
            if layers.order[rank]:
                align(layers.order[rank], spare[rank], rows, extents, attach, weights)
    port_rows = ports(layers, extents, rows)
    for rank in reversed(forward):  # now that it is known where the gates' wires come in
        for link in layers.links[rank] if rank < len(layers.links) else ():
            if link.slot >= 0 and port_rows[link.end, link.slot] != rows[link.start]:
                offset = port_rows[link.end, link.slot] - rows[link.end]
                attach[link.start] = [
                    (*pull[:2], 0, *pull[3:]) if pull[:2] == (link.end, offset) else pull
                    for pull in attach[link.start]
                ]
        if layers.order[rank]:
            align(layers.order[rank], spare[rank], rows, extents, attach, (1.0, 1.0))
    return rows, ports(layers, extents, rows)


def spares(layers: Layers, rank: int, extents: Sequence[Extent]) -> list[int]:
    """The rows to leave free below every item of a layer.

    Wires to neighbouring ports are as far apart as the ports, to run straight into them.
    """
    slots: dict[int, dict[int, int]] = {}
    for link in layers.links[rank] if rank < len(layers.links) else ():
        if link.slot >= 0:
            slots.setdefault(link.start, {})[link.end] = link.slot
    result = []
    for above, below in pairwise(layers.order[rank]):
        least = gap = extents[above].down + extents[below].up + 1 + BLANK
        for gate, slot in slots.get(above, {}).items():
            if slots.get(below, {}).get(gate) == slot + 1:
                gap = max(gap, extents[gate].ports[slot + 1] - extents[gate].ports[slot])
        result.append(gap - least)
    return [*result, 0]


Pull = tuple[int, int, int, int, float]
"""The other end of a wire, the offset of the row there, the side on which it is as good as
straight (-1: above, 1: below, 0: nowhere), whether it comes in (0) or leaves (1), a weight."""


def attractions(layers: Layers, extents: Sequence[Extent]) -> list[list[Pull]]:
    result: list[list[Pull]] = [[] for _ in layers.rank]
    for link in (link for links in layers.links for link in links):
        offset, side = 0, 0
        if link.slot >= 0:
            offset = extents[link.end].ports[link.slot]
            side = extents[link.end].free(link.slot)
        weight = 2.0 if min(link.start, link.end) >= layers.count else 1.0
        result[link.end].append((link.start, -offset, -side, 0, weight))
        result[link.start].append((link.end, offset, side, 1, weight))
    return result


def align(
    layer: Sequence[int],
    spare: Sequence[int],
    rows: list[int],
    extents: Sequence[Extent],
    attach: Sequence[Sequence[Pull]],
    weights: tuple[float, float],
) -> None:
    """Move the items of a layer to where the fewest wires jog, neighbours kept apart.

    Exact within the window: the best rows of the items down to one, if they end at some row,
    are built on the best rows down to the one above it.
    """
    tables: list[Table] = []
    for item, extra in zip(layer, spare, strict=True):
        choices: dict[int, tuple[float, int, int]] = {}  # by last row: cost, row, last row before
        for row in range(rows[item] - WINDOW, rows[item] + WINDOW + 1):
            base = 0.002 * abs(row - rows[item]) + price(item, row, rows, extents, attach, weights)
            for top, more in edges(item, row, -1, rows, extents, attach, weights):
                before = 0.0
                if tables:
                    last = tables[-1].at(top - 1 - BLANK)
                    if last is None:
                        continue
                    before = last[0]
                cost = base + more + before
                for bottom, rest in edges(item, row, 1, rows, extents, attach, weights):
                    edge = bottom + extra
                    if edge not in choices or cost + rest < choices[edge][0]:
                        choices[edge] = cost + rest, row, top - 1 - BLANK
        tables.append(Table(choices))
    edge = tables[-1].edges[-1]
    for item, table in zip(reversed(layer), reversed(tables), strict=True):
        choice = table.at(edge)
        assert choice is not None
        _, rows[item], edge = choice


class Table:
    """The best choice for every row at which the items so far may end."""

    def __init__(self, choices: dict[int, tuple[float, int, int]]) -> None:
        self.edges: list[int] = []
        self.best: list[tuple[float, int, int]] = []
        for edge in sorted(choices):
            if not self.best or choices[edge][0] < self.best[-1][0]:
                self.edges.append(edge)
                self.best.append(choices[edge])

    def at(self, edge: int) -> tuple[float, int, int] | None:
        """The best that ends at that row or above it."""
        place = bisect(self.edges, edge)
        return self.best[place - 1] if place else None


def price(
    item: int,
    row: int,
    rows: Sequence[int],
    extents: Sequence[Extent],
    attach: Sequence[Sequence[Pull]],
    weights: tuple[float, float],
) -> float:
    """What the wires of an item cost on a row, but for those that may come from far."""
    cost = 0.0
    for other, offset, side, leaves, weight in attach[item]:
        off = row - rows[other] - offset
        if off * side > 0:
            cost += FAR * off * off  # as good as straight: only not too far
        elif off and (leaves or not side):
            cost += weights[leaves] * weight * (JOG + abs(off))
    return cost


def edges(
    item: int,
    row: int,
    end: int,
    rows: Sequence[int],
    extents: Sequence[Extent],
    attach: Sequence[Sequence[Pull]],
    weights: tuple[float, float],
) -> list[tuple[int, float]]:
    """The first (end -1) or last (1) row that an item may take, and what its wire costs there."""
    extent = extents[item]
    near = row - extent.up if end < 0 else row + extent.down
    for other, offset, side, leaves, weight in attach[item]:
        if side == -end and not leaves:
            off = row - rows[other] - offset
            if off == 0:
                break
            jogs = near, weights[0] * weight * (JOG + abs(off))
            return [jogs, (near - off, 0.0)] if off * side > 0 else [jogs]
    return [(near, 0.0)]


def ports(layers: Layers, extents: Sequence[Extent], rows: list[int]) -> dict[Port, int]:
    """The row of every port: that of the operand where the port may lie there."""
    source = {
        (link.end, link.slot): rows[link.start]
        for links in layers.links
        for link in links
        if link.slot >= 0
    }
    result: dict[Port, int] = {}
    for layer in layers.order:
        edge: int | None = None  # the last row that is taken
        for i, item in enumerate(layer):
            extent, row = extents[item], rows[item]
            for slot, offset in enumerate(extent.ports):
                result[item, slot] = row + offset
            edge_below = row + extent.down
            if len(extent.ports) > 1:
                highest = row + extent.ports[0] if edge is None else edge + 1 + BLANK
                wish = source[item, 0]
                if (edge is None or wish >= highest) and wish < row + extent.ports[0]:
                    result[item, 0] = wish
                last = len(extent.ports) - 1
                wish = source[item, last]
                below = layer[i + 1] if i + 1 < len(layer) else None
                down = wish + extent.down - extent.ports[last]
                room = below is None or down + BLANK < rows[below] - extents[below].up
                if room and wish > row + extent.ports[last]:
                    result[item, last] = wish
                    edge_below = down
            edge = edge_below
    return result
