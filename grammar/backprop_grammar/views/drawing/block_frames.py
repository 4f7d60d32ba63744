"""Room for frames: the heights of a layout, moved so that nobody stands in another's frame.

"Above", "within" and "below" are differences of two heights, and heights that keep them all are
a convex set. So it is entered by pushing down and by pushing up and taking the middle, and then
items walk to where their wires run straight without leaving it.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, pairwise
from math import inf

from .diagram import Diagram
from .layers import Layers, Link, straighten, tension

__all__ = ["TITLE", "cleared"]

TITLE = 19.0  # between a frame and what is above it
INSIDE = 9.0  # between a frame and its members
BELOW = 4.0
ROUNDS = 40

Constraint = tuple[int, int, float]
"""The second height is at least the first and that much."""


def cleared(
    diagram: Diagram,
    layers: Layers,
    y: Sequence[float],
    size: Callable[[int], float],
    port: Callable[[Link], float],
    snap: float = 0.0,
) -> tuple[list[float], list[tuple[float, float]]]:
    """Heights with room for every frame, and the top and bottom of each.

    snap: as for the heights. A frame whose room contradicts the order of the items does not get it.
    """
    count = len(y)
    insides = [inside(diagram, layers, frame.members) for frame in diagram.boundaries]
    spans = [(min(ranks), max(ranks)) for ranks in ({layers.rank[i] for i in m} for m in insides)]
    frames = list(range(len(insides)))
    while True:
        rules = list(rows(layers, size))
        for k in frames:
            rules += around(layers, y, size, insides[k], spans[k], count + 2 * k)
        rules += between(layers, y, insides, spans, frames, count)
        order = sorted_out(rules, count + 2 * len(insides))
        if order or not frames:
            break
        frames.pop()
    heights = relaxed(entered(y, rules, order), layers, rules, port, snap)
    edges = [
        (min(y[i] - size(i) / 2 for i in m) - INSIDE, max(y[i] + size(i) / 2 for i in m) + INSIDE)
        for m in insides
    ]
    for k in frames:
        edges[k] = heights[count + 2 * k], heights[count + 2 * k + 1]
    return heights[:count], edges


def inside(diagram: Diagram, layers: Layers, members: frozenset[int]) -> set[int]:
    """The members, and the bends of wires that run among them only."""
    within = set(members)
    for links in layers.links:
        for link in links:
            ends = {layers.source[link.end], *(diagram.wires[i].target for i in link.wires)}
            if link.slot < 0 and ends <= members:
                within.add(link.end)
    return within


def rows(layers: Layers, size: Callable[[int], float]) -> Iterable[Constraint]:
    """Items of a layer keep their order."""
    for layer in layers.order:
        for above, below in pairwise(layer):
            yield above, below, (size(above) + size(below)) / 2


def around(
    layers: Layers,
    y: Sequence[float],
    size: Callable[[int], float],
    members: set[int],
    span: tuple[int, int],
    top: int,
) -> Iterable[Constraint]:
    """Members are within their frame, other items of its layers above or below."""
    middle = sum(y[i] for i in members) / len(members)
    for layer in layers.order[span[0] : span[1] + 1]:
        places = [place for place, item in enumerate(layer) if item in members]
        for place in places:
            item = layer[place]
            yield top, item, INSIDE + size(item) / 2
            yield item, top + 1, INSIDE + size(item) / 2
        if not places:
            first = sum(y[item] < middle for item in layer)
            places = [first, first - 1]
        for item in layer[max(min(places) - 1, 0) : min(places)]:
            yield item, top, TITLE + size(item) / 2
        for item in layer[max(places) + 1 : max(places) + 2]:
            yield top + 1, item, BELOW + size(item) / 2


def between(
    layers: Layers,
    y: Sequence[float],
    insides: list[set[int]],
    spans: list[tuple[int, int]],
    frames: list[int],
    count: int,
) -> Iterable[Constraint]:
    """A frame is within another, or above or below it."""
    place = {item: i for layer in layers.order for i, item in enumerate(layer)}
    for a, b in combinations(frames, 2):
        if insides[b] <= insides[a]:
            yield count + 2 * a, count + 2 * b, TITLE
            yield count + 2 * b + 1, count + 2 * a + 1, BELOW
        elif not insides[a] & insides[b]:
            if spans[a][1] < spans[b][0] or spans[b][1] < spans[a][0]:
                continue
            shared = [
                place[i] - place[j]
                for i in insides[a]
                for j in insides[b]
                if layers.rank[i] == layers.rank[j]
            ]
            mean = [sum(y[i] for i in insides[k]) / len(insides[k]) for k in (a, b)]
            first = (sum(shared) < 0) if shared else mean[0] < mean[1]
            upper, lower = (a, b) if first else (b, a)
            yield count + 2 * upper + 1, count + 2 * lower, TITLE


def sorted_out(rules: Iterable[Constraint], count: int) -> list[int]:
    """The variables, each after those that are above it; empty where some contradict."""
    after: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for above, below, _ in rules:
        after[above].append(below)
        waits[below] += 1
    order = [v for v in range(count) if not waits[v]]
    for v in order:
        for below in after[v]:
            waits[below] -= 1
            if not waits[below]:
                order.append(below)
    return order if len(order) == count else []


def entered(y: Sequence[float], rules: list[Constraint], order: list[int]) -> list[float]:
    """The middle of the heights pushed down, and pushed up, until no rule is broken."""
    rank = {v: i for i, v in enumerate(order)}
    infinite = [inf] * (len(order) - len(y))
    down = [*y, *(-x for x in infinite)]
    for above, below, by in sorted(rules, key=lambda rule: rank[rule[0]]):
        down[below] = max(down[below], down[above] + by)
    up = [*y, *infinite]
    for above, below, by in sorted(rules, key=lambda rule: -rank[rule[1]]):
        up[above] = min(up[above], up[below] - by)
    return [(a + b) / 2 for a, b in zip(down, up, strict=True)]


def relaxed(
    y: list[float],
    layers: Layers,
    rules: list[Constraint],
    port: Callable[[Link], float],
    snap: float,
) -> list[float]:
    """Walk every item to the mean of what its wires wish, as far as the rules let it."""
    above: list[list[tuple[int, float]]] = [[] for _ in y]
    below: list[list[tuple[int, float]]] = [[] for _ in y]
    for upper, lower, by in rules:
        above[lower].append((upper, by))
        below[upper].append((lower, by))
    pull = tension(layers)
    near: list[list[tuple[int, float, float]]] = [[] for _ in y]
    for link in (link for links in layers.links for link in links):
        weight = pull(link)
        near[link.start].append((link.end, port(link), weight))
        near[link.end].append((link.start, -port(link), weight))
    items = [item for layer in layers.order for item in layer]
    tops = range(len(layers.rank), len(y), 2)

    def least(v: int) -> float:
        return max((y[upper] + by for upper, by in above[v]), default=-inf)

    def most(v: int) -> float:
        return min((y[lower] - by for lower, by in below[v]), default=inf)

    def close() -> None:
        for top in reversed(tops):  # frames close around what is in them, inner ones first
            y[top], y[top + 1] = most(top), least(top + 1)

    for turn in range(ROUNDS):
        close()
        for item in items if turn % 2 else reversed(items):
            total = sum(weight for _, _, weight in near[item])
            if total:
                wish = sum((y[other] + by) * weight for other, by, weight in near[item]) / total
                y[item] = max(least(item), min(most(item), wish))
    for top in tops:  # and open as far as they can, so that what is in them may move
        y[top], y[top + 1] = least(top), most(top + 1)
    straighten(layers, y, port, snap, lambda item, height: least(item) <= height <= most(item))
    close()
    return y
