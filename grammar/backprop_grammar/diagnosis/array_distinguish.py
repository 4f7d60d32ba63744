"""What would tell one mistake over arrays from another: other numbers, or unequal sizes.

A square matrix hides whether it was transposed, and a batch of 3 beside 3 classes hides by which of
them a mean was divided. Whether a point tells is not argued but tried, as for numbers.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from ..arrays.lower import shapes_at
from ..arrays.record import ArrayTrace
from ..errors import BackpropError
from ..language.graph import Array, as_array
from ..large.choice import evaluate
from ..operations.shape import Shape, said, size
from .array_sheet import ArraySheet
from .array_suspects import LISTED, ArrayClaim, Search, as_sheet, kernel_for
from .floats import Floats
from .search import Findings, Suspect

__all__ = ["told_apart"]

Point = dict[str, float | Array]
Key = tuple[str, ...]

TRIES = 6
"""Points that are tried."""

CHANGES = 60
"""Ways to change sizes that are looked at, most of which do not fit together."""


def told_apart(trace: ArrayTrace, name: str, findings: Findings) -> Iterator[str]:
    """A point at which the mistakes that explain a claim alike give different arrays."""
    found = findings.by_claim.get(name, [])
    if not found or sum(size(node.shape) for node in trace.nodes) > LISTED:
        return
    alike = [one for one in found if one.rank()[:2] == found[0].rank()[:2]]
    every = [other for one in alike for other in (one, *one.also)]
    sheet = ArraySheet.of(trace, kernel_for(trace))
    wanted = {one.key(as_sheet(sheet)) for one in every if not one.kind and one.guess.claim < 0 and one.guess.node >= 0}  # fmt: skip
    if len({key[0] for key in wanted}) < 2:
        return
    best: tuple[int, Point] = (1, {})
    tried = 0
    for point in points(trace):
        if tried == TRIES:
            break
        numbers = predictions(trace, point, name, wanted)
        if numbers is None:
            continue
        tried += 1
        count = len(numbers)
        if count > best[0]:
            best = count, point
        if count == len(wanted):
            break
    if best[1]:
        some = "" if best[0] == len(wanted) else "some of "
        yield f"{with_point(trace, best[1])}, {some}these mistakes give different arrays for {name}"


def predictions(
    trace: ArrayTrace, point: Point, name: str, wanted: set[Key]
) -> set[tuple[str, ...]] | None:
    """The different arrays that mistakes give for a node at another point; None where there is none."""
    upstream = trace.upstream if not isinstance(trace.upstream, Array) else "ones"
    output = "" if trace.last else trace.output_name
    try:
        sheet = ArraySheet.of(other := evaluate(trace.program, point, output=output, upstream=upstream), kernel_for(trace))  # fmt: skip
    except (BackpropError, KeyError):
        return None
    node = sheet.find(name)
    if node is None or other.by_name[name].gradient is None:
        return None
    right = sheet.gradients[node]
    count = size(right.shape)
    claim = ArrayClaim(name, right.shape, tuple(right.numbers), (0.0,) * count, (True,) * count)
    search = Search.of(sheet, {node: claim})
    given = {one.key(as_sheet(sheet)): one for one in search.single()}
    found = [figures(search, given[key], node, right) for key in wanted if key in given]
    return set(found)


def figures(search: Search, suspect: Suspect, node: int, right: Floats) -> tuple[str, ...]:
    """What a mistake gives for a node, to few digits."""
    x = search.gradients(suspect.guess.changes).get(node, right)
    return (said(x.shape), *(f"{number + 0.0:.3g}" for number in x.numbers))


def points(trace: ArrayTrace) -> Iterator[Point]:
    """Points near at hand: other numbers for one input, then an axis longer by one."""
    rng, graph = random.Random(0), trace.names.graph
    found, needed = shapes_at(graph, trace.at, [trace.output])
    fixed = {name for name, k in graph.variables.items() if k in found.whole or not needed[k]}
    given = {name: as_array(x) for name, x in trace.at.items()}
    free = [name for name in given if name not in fixed]
    for name in sorted(free, key=lambda name: size(given[name].shape))[: TRIES // 2]:
        yield trace.at | {name: drawn(rng, given[name].shape).value}
    yield trace.at | {name: drawn(rng, given[name].shape).value for name in free}
    for shapes in longer({name: x.shape for name, x in given.items()}):
        point = dict(trace.at)
        for name, shape in shapes.items():
            kept = given[name].numbers
            if name in fixed:
                point[name] = Array(shape, (*kept, *kept[: size(shape) - len(kept)])).value
            else:
                point[name] = drawn(rng, shape).value
        try:
            shapes_at(graph, point, [trace.output])
        except BackpropError:
            continue
        yield point


def drawn(rng: random.Random, shape: Shape) -> Array:
    """Random numbers of two digits."""
    return Array(shape, tuple([round(rng.uniform(-2, 2), 1) or 0.5 for _ in range(size(shape))]))


def longer(shapes: Mapping[str, Shape]) -> Iterator[dict[str, Shape]]:
    """Shapes in which some axes of one size are longer by one."""
    axes: dict[int, list[tuple[str, int]]] = {}
    for name, shape in shapes.items():
        for axis, n in enumerate(shape):
            if n > 1:
                axes.setdefault(n, []).append((name, axis))
    count = 0
    for n, same in axes.items():
        for some in subsets(same):
            count += 1
            if count > CHANGES:
                return
            changed: dict[str, Shape] = {}
            for name, axis in some:
                shape = changed.get(name, shapes[name])
                changed[name] = (*shape[:axis], n + 1, *shape[axis + 1 :])
            yield changed


def subsets(axes: Sequence[tuple[str, int]]) -> Iterator[tuple[tuple[str, int], ...]]:
    """Some of them, few first."""
    for count in range(1, min(len(axes), 5) + 1):
        yield from combinations(axes, count)


def with_point(trace: ArrayTrace, point: Point) -> str:
    """A point in words: new shapes, or other numbers."""
    texts = []
    others = []
    for name, x in point.items():
        old, new = as_array(trace.at[name]), as_array(x)
        if old.shape != new.shape:
            texts.append(f"{name} {said(new.shape)}")
        elif old.numbers != new.numbers:
            others.append(f"{name} = {new.nested}" if size(new.shape) <= 6 else name)
    if texts:
        return f"with other sizes, such as {' and '.join(texts)}"
    return f"with other numbers for {', '.join(others[:3])}" + ", ..." * (len(others) > 3)
