"""A drawing that is too wide, folded like music.

Layers are laid in rows, the staves. Each begins with the wires that the one before it left open, in
the same order.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from .layers import Layers

__all__ = ["folded"]

Drawn = TypeVar("Drawn")

SHARES = tuple(tenths / 10 for tenths in range(16, 3, -1))
"""How wide, of the room, the staves may be expected to be, until they are no wider than it."""


def folded(
    layers: Layers,
    expected: Callable[[int, int], float],
    drawn: Callable[[Layers], Drawn],
    width: Callable[[Drawn], float],
    most: float,
    kept: dict[tuple[int, int], Drawn],
) -> list[Drawn]:
    """The staves of a drawing that is folded so that none is wider, each as it is drawn.

    expected: about how wide the stave of some layers is, the first of them and the one after the
    last; not less for more of them. kept: the staves that are drawn already, by the same. Empty
    where they can't be that narrow.
    """
    for share in SHARES:
        ends = folds(layers, expected, share * most)
        for first, last in ends:
            if (first, last) not in kept:
                kept[first, last] = drawn(stave(layers, first, last))
            if width(kept[first, last]) > most:
                break
        else:
            if ends:
                return [kept[pair] for pair in ends]
    return []


def folds(layers: Layers, width: Callable[[int, int], float], most: float) -> list[tuple[int, int]]:
    """The first layer of every stave and the one after its last, so that no stave is wider.

    As few staves as can be, then as few wires from one to the next, then staves of like widths.
    """
    count = len(layers.order)
    crossing = [
        len({link.start for link in links if link.start not in layers.leaves})
        for links in (*layers.links, [])
    ]
    best: list[tuple[int, int, float]] = [(0, 0, 0.0)] + [(count + 1, 0, 0.0)] * count
    before = [0] * (count + 1)
    for first in range(count):
        if best[first][0] > count:
            continue
        for last in range(first + 1 if first else min(2, count), count + 1):  # leaves wait
            wide = width(first, last)
            if wide > most:
                break
            rows, wires, ragged = best[first]
            cost = rows + 1, wires + crossing[last - 1], ragged + (most - wide) ** 2
            if cost < best[last]:
                best[last], before[last] = cost, first
    ends = [count]
    while before[ends[-1]]:
        ends.append(before[ends[-1]])
    return list(pairwise([0, *reversed(ends)])) if best[count][0] <= count else []


def stave(layers: Layers, first: int, last: int) -> Layers:
    """The layers from first to before last as a drawing of its own.

    It begins with a layer of bends, where wires come in from the stave before it, and of the
    leaves that nothing before it uses.
    """
    rank, source = list(layers.rank), list(layers.source)
    order = [list(layer) for layer in layers.order[first:last]]
    links = layers.links[first : last - 1]
    if last < len(layers.order):
        order[-1] = [item for item in order[-1] if item not in layers.leaves]
    if first:
        entering = layers.links[first - 1]
        starts = {link.start for link in entering}
        bend: dict[int, int] = {}
        for item in (item for item in layers.order[first - 1] if item in starts):
            bend[item] = item if item in layers.leaves else len(rank)
            if bend[item] != item:
                rank.append(0)
                source.append(layers.source[item])
        order = [list(bend.values()), *order]
        links = [[replace(link, start=bend[link.start]) for link in entering], *links]
    for k, layer in enumerate(order):
        for item in layer:
            rank[item] = k
    onward = layers.links[last - 1] if last < len(layers.order) else []
    onward = [link for link in onward if link.start not in layers.leaves]
    return Layers(layers.count, order, rank, source, links, layers.leaves, onward)
