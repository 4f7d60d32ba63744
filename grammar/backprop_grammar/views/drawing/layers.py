"""Where the gates of a diagram stand: layers, an order in each, and heights.

A layered drawing (Sugiyama, Tagawa, Toda 1981) of a graph whose operands have an order. A
depth-first walk from the output, operand by operand, already draws a tree without crossings;
sweeps are only kept where they leave fewer crossings. All wires that leave a gate share one
trunk, so a value that is used twice is one wire that branches.
"""

from bisect import bisect, insort
from collections.abc import Callable
from dataclasses import dataclass, field

from ...errors import BackpropError
from .diagram import Diagram

__all__ = [
    "LARGEST",
    "Layers",
    "Link",
    "arrange",
    "check_size",
    "heights",
    "straighten",
    "tension",
]

LARGEST = 300
"""Vertices up to which a layout is made; a larger picture is not readable."""

SWEEPS = 12
"""Passes over all layers, each way, that try for fewer crossings."""

WORK = 40_000
"""Links that all passes together look at: a picture that large gets fewer passes."""


@dataclass(frozen=True, slots=True)
class Link:
    """A piece of wire between neighbouring layers.

    start, end: items. slot: of the gate where it ends; -1 where it ends at a bend.
    wires: the diagram's wires that run along it (their places in ``Diagram.wires``).
    """

    start: int
    end: int
    slot: int
    wires: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layers:
    """The items of every layer from the top, layers from the left.

    An item below ``count`` is a vertex; from there on it is a bend, where the trunk of a wire
    passes a layer (``source[item]`` is its vertex). rank: layer by item. links: per pair of
    neighbouring layers. leaves: vertices that no wire leads to. onward: of a stave, the links
    that lead on to the next one.
    """

    count: int
    order: list[list[int]]
    rank: list[int]
    source: list[int]
    links: list[list[Link]]
    leaves: frozenset[int]
    onward: list[Link] = field(default_factory=list)

    def entering(self) -> list[int]:
        """The bends where wires of the stave before come in, from the top."""
        return [item for item in self.order[0] if item >= self.count]

    def leaving(self) -> dict[int, set[int]]:
        """By the item where it begins, the wires of each trunk that leads on."""
        trunks: dict[int, set[int]] = {}
        for link in self.onward:
            trunks.setdefault(link.start, set()).update(link.wires)
        return trunks

    def used(self) -> set[int]:
        """The wires that end here."""
        return {i for links in self.links for link in links if link.slot >= 0 for i in link.wires}

    def crossings(self) -> int:
        """How many pairs of links cross."""
        place = {item: i for layer in self.order for i, item in enumerate(layer)}
        return sum(crossed(links, place) for links in self.links)


def arrange(diagram: Diagram) -> Layers:
    """Layers and orders of a diagram, each vertex as near to the output as it can stand.

    A limit error above LARGEST vertices.
    """
    count = len(diagram.vertices)
    check_size(count)
    last = count - 1
    depth = [0] * count  # the longest way to the output
    for wire in sorted(diagram.wires, key=lambda wire: -wire.target):
        depth[wire.source] = max(depth[wire.source], depth[wire.target] + 1)
    deepest = max(depth, default=0)
    rank = [deepest - d for d in depth]
    source = list(range(count))
    leaving: list[list[int]] = [[] for _ in range(count)]
    for i, wire in enumerate(diagram.wires):
        leaving[wire.source].append(i)
    links: list[list[Link]] = [[] for _ in range(max(rank))]
    for vertex in range(count):
        trunk = vertex
        ends = sorted(leaving[vertex], key=lambda i: rank[diagram.wires[i].target])
        for layer in range(rank[vertex], rank[last]):
            here = [i for i in ends if rank[diagram.wires[i].target] == layer + 1]
            further = tuple(i for i in ends if rank[diagram.wires[i].target] > layer + 1)
            for i in here:
                wire = diagram.wires[i]
                links[layer].append(Link(trunk, wire.target, wire.slot, (i,)))
            if not further:
                break
            bend = len(rank)
            rank.append(layer + 1)
            source.append(vertex)
            links[layer].append(Link(trunk, bend, -1, further))
            trunk = bend
    leaves = frozenset(range(count)) - {wire.target for wire in diagram.wires}
    layers = Layers(count, [[] for _ in range(max(rank) + 1)], rank, source, links, leaves)
    depth_first(layers, last)
    improve(layers)
    return layers


def check_size(count: int) -> None:
    """Raise BackpropError for more vertices than are laid out."""
    if count > LARGEST:
        raise BackpropError(
            "limit",
            f"a picture of {count:,} nodes is too large to draw (more than {LARGEST})",
            hint="Graphviz draws it, from its text in DOT",
            reason="picture",
        )


def depth_first(layers: Layers, output: int) -> None:
    """The order in which a walk from the output, first operand first, reaches the items."""
    into: list[list[Link]] = [[] for _ in layers.rank]
    for links in layers.links:
        for link in links:
            into[link.end].append(link)
    placed = [False] * len(layers.rank)
    pending = [output]
    while pending:
        item = pending.pop()
        if placed[item]:
            continue
        placed[item] = True
        layers.order[layers.rank[item]].append(item)
        pending += [link.start for link in sorted(into[item], key=lambda link: -link.slot)]


def crossed(links: list[Link], place: dict[int, int]) -> int:
    """How many pairs of links between two layers cross: inversions, counted by insertion."""
    ends: list[tuple[int, int]] = []
    total = 0
    run: list[tuple[int, int]] = []
    before = -1
    for link in sorted(links, key=lambda link: place[link.start]):
        if place[link.start] != before:  # links of one trunk do not cross each other
            for end in run:
                insort(ends, end)
            run, before = [], place[link.start]
        end = place[link.end], link.slot
        total += len(ends) - bisect(ends, end)
        run.append(end)
    return total


def improve(layers: Layers) -> None:
    """Reorder layers by the mean place of their neighbours, where that leaves fewer crossings."""
    best = [list(layer) for layer in layers.order]
    fewest = layers.crossings()
    fraction = [len([link for link in links if link.slot >= 0]) + 1.0 for links in layers.links]
    total = sum(map(len, layers.links))
    for sweep in range(min(2 * SWEEPS, 2 + WORK // (total + 1))):
        if fewest == 0:
            break
        backward = sweep % 2 == 0
        gaps = range(len(layers.links) - 1, -1, -1) if backward else range(len(layers.links))
        for gap in gaps:
            fixed, moved = layers.order[gap + backward], layers.order[gap + 1 - backward]
            place = {item: float(i) for i, item in enumerate(fixed)}
            near: dict[int, list[float]] = {}
            for link in layers.links[gap]:
                here, there = (link.start, link.end) if backward else (link.end, link.start)
                within = backward * max(link.slot, 0) / fraction[gap]
                near.setdefault(here, []).append(place[there] + within)
            own = {item: float(i) for i, item in enumerate(moved)}
            key = {i: sum(near[i]) / len(near[i]) if i in near else own[i] for i in moved}
            moved.sort(key=lambda item: (key[item], own[item]))
        crossings = layers.crossings()
        if crossings < fewest:
            fewest, best = crossings, [list(layer) for layer in layers.order]
    layers.order[:] = best


def heights(
    layers: Layers,
    size: Callable[[int], float],
    port: Callable[[Link], float],
    rounds: int = 24,
    snap: float = 0.0,
) -> list[float]:
    """The height of every item's centre, from 0 at the top, so that wires run straight.

    size: room an item takes, half above and half below its centre. port: how far below the
    centre of its gate a link ends. Items of a layer keep their order and do not overlap. snap:
    a link that would step less than that is made straight where there is room.
    """
    y = [0.0] * len(layers.rank)
    for layer in layers.order:
        edge = 0.0
        for item in layer:
            y[item] = edge + size(item) / 2
            edge += size(item)
    pulls = [
        [(link.start, link.end, port(link), pull(link)) for link in links]
        for pull in [tension(layers)]
        for links in layers.links
    ]
    for turn in range(min(rounds, 4 + WORK // len(y))):
        backward = turn % 2 == 0
        span = range(len(layers.order) - 2, -1, -1) if backward else range(1, len(layers.order))
        for rank in span:
            wish: dict[int, list[tuple[float, float]]] = {}
            for start, end, below, weight in pulls[rank if backward else rank - 1]:
                if backward:
                    wish.setdefault(start, []).append((y[end] + below, weight))
                else:
                    wish.setdefault(end, []).append((y[start] - below, weight))
            settle(layers.order[rank], y, size, wish)
    place = {item: i for layer in layers.order for i, item in enumerate(layer)}

    def free(item: int, height: float) -> bool:
        layer, i = layers.order[layers.rank[item]], place[item]
        near = [(other, height - y[other]) for other in layer[max(i - 1, 0) : i]]
        near += [(other, y[other] - height) for other in layer[i + 1 : i + 2]]
        return all(apart >= (size(item) + size(other)) / 2 for other, apart in near)

    straighten(layers, y, port, snap, free)
    top = min(y[item] - size(item) / 2 for layer in layers.order for item in layer)
    return [height - top for height in y]


def tension(layers: Layers) -> Callable[[Link], float]:
    """How strongly a link pulls at its ends: trunks and chains of gates run straight."""
    out, into = [0] * len(layers.rank), [0] * len(layers.rank)
    for link in (link for gap in layers.links for link in gap):
        out[link.start] += 1
        into[link.end] += 1

    def pull(link: Link) -> float:
        bends = (link.start >= layers.count) + (link.end >= layers.count)
        if bends == 0:
            return 4.0 if out[link.start] == into[link.end] == 1 else 1.0
        return 2.0 if bends == 1 else 8.0

    return pull


def straighten(
    layers: Layers,
    y: list[float],
    port: Callable[[Link], float],
    snap: float,
    free: Callable[[int, float], bool],
) -> None:
    """Make links that step less than snap straight, where nothing else becomes less so.

    From the output back, what a link starts from moves; then what it ends at. free: whether an
    item may stand at a height.
    """
    into: list[list[Link]] = [[] for _ in layers.rank]
    out: list[list[Link]] = [[] for _ in layers.rank]
    links = [link for gap in layers.links for link in gap]
    for link in links:
        into[link.end].append(link)
        out[link.start].append(link)

    def step(link: Link) -> float:
        return y[link.end] + port(link) - y[link.start]

    def move(item: int, by: float, others: list[Link]) -> None:
        if all(abs(step(link)) >= snap for link in others) and free(item, y[item] + by):
            y[item] += by

    for link in reversed(links):
        if 0 < abs(step(link)) < snap:
            move(link.start, step(link), [other for other in out[link.start] if other is not link])
    for link in links:
        if 0 < abs(step(link)) < snap:
            others = [other for other in into[link.end] if other is not link]
            move(link.end, -step(link), out[link.end] + others)


def settle(
    layer: list[int],
    y: list[float],
    size: Callable[[int], float],
    wish: dict[int, list[tuple[float, float]]],
) -> None:
    """Move a layer's items to where they wish to be, as nearly as their order and sizes allow.

    Least squares under an order is isotonic regression: pool adjacent violators (Ayer et al.
    1955).
    """
    pools: list[list[float]] = []  # weighted sum, weight, number of items
    offsets: list[float] = []
    edge = 0.0
    for item in layer:
        centre = edge + size(item) / 2
        edge += size(item)
        offsets.append(centre)
        wishes = wish.get(item, [(y[item], 0.1)])
        pool = [sum((h - centre) * w for h, w in wishes), sum(w for _, w in wishes), 1]
        while pools and pools[-1][0] / pools[-1][1] > pool[0] / pool[1]:
            upper = pools.pop()
            pool = [upper[0] + pool[0], upper[1] + pool[1], upper[2] + pool[2]]
        pools.append(pool)
    index = 0
    for total, weight, count in pools:
        for _ in range(int(count)):
            y[layer[index]] = total / weight + offsets[index]
            index += 1
