"""Two formulas over arrays: do they agree in value and all gradients over a box?

As over numbers, element by element; the programs declare how large the arrays are.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

from ..arrays.lower import element, elements
from ..arrays.point import bind
from ..arrays.record import ArrayTrace, Tensor
from ..diagnosis.comparison import alike
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Array, Graph, as_array
from ..language.printer import kept_text
from ..large.choice import evaluate
from ..numbers.ball import INFINITY
from ..numbers.decimal import telling
from ..numbers.wide import Number, exists
from ..operations.shape import Shape, said, size
from ..trace.record import KINKS
from .differences import speed
from .equivalence import (
    TOLERANCE,
    Agreement,
    Parting,
    Ranges,
    at_first,
    factor,
    relative,
    shared_stages,
    text,
    unknown_range,
    without_range,
    without_value,
)

__all__ = ["agree_arrays"]

CORNERS = 16
"""Corners that are tried at most, each with all elements of an array at one end."""

MISTAKES = ("shape", "binding", "name", "limit", "usage")
"""Kinds of errors that no other point mends."""


def agree_arrays(a: Graph, b: Graph, box: Ranges, seed: int = 0, count: int = 100) -> Agreement:
    """Whether two programs agree in value and all gradients over a box.

    Raises BackpropError for variables without a range, and for arrays of which no program declares
    how large they are.
    """
    names = list(dict.fromkeys([*a.variables, *b.variables]))
    own: dict[str, Any] = {**b.inputs, **b.array_inputs, **a.inputs, **a.array_inputs}
    missing = [
        (name, graph)
        for graph in (a, b)
        for name in graph.variables
        if name not in box and name not in own
    ]
    if missing:
        raise without_range(missing)
    if unknown := [name for name in box if name not in names]:
        raise unknown_range(unknown[0], names)
    shapes = {name: declared(name, a, b) for name in box}
    compared = skipped = kinks = 0
    worst = 0.0
    parting = None
    ups: list[Any] = []
    for point in points(box, shapes, seed, count):
        at = {name: own[name] for name in names if name in own} | point
        if not ups:
            ups = [arriving(graph, at) for graph in (a, b)]
            x, y = (shape for shape, _ in ups)
            if size(x) != size(y) or not (x == y or alike(x, y)):
                message = f"the value of A is {said(x)}, of B {said(y)}"
                parting = Parting(plain(at), "value", None, None, None, message)
                compared = 1
                break
        first, second = (traced(graph, at, up) for graph, (_, up) in zip((a, b), ups, strict=True))
        if isinstance(first, BackpropError) and isinstance(second, BackpropError):
            skipped += 1
            continue
        compared += 1
        if isinstance(first, BackpropError) or isinstance(second, BackpropError):
            parting = without_value(plain(at), first, second, point_text(at))
            break
        bent = any(note.kind in KINKS for trace in (first, second) for note in trace.notes)
        kinks += bent
        error_of, parting = difference(at, first, second, [] if bent else names)
        worst = max(worst, error_of)
        if parting:
            parting = located(parting, at, (a, b), [up for _, up in ups])
            break
    return Agreement(kept_text(a), kept_text(b), box, compared, skipped, kinks, worst, parting)


def declared(name: str, *programs: Graph) -> Shape:
    """The shape of a variable, as a program declares it; else it is a number."""
    for program in programs:
        shape = program.declared.get(name)
        if shape is not None and all(isinstance(n, int) for n in shape):
            return tuple([int(n) for n in shape])
        if shape is not None:
            hint = f"declare it with numbers: {name}: {'x'.join('34'[: len(shape)])}"
            raise usage(f"how large {shorten(name)} is is not known", hint)
    return ()


def points(
    box: Ranges, shapes: dict[str, Shape], seed: int, count: int
) -> Iterator[dict[str, float | Array]]:
    """The centre, corners, then random points, each element on its own."""

    def filled(name: str, x: float) -> float | Array:
        return Array(shapes[name], (x,) * size(shapes[name])).value

    yield {name: filled(name, low + (high - low) / 2) for name, (low, high) in box.items()}
    corners = itertools.product(*(dict.fromkeys(ends) for ends in box.values()))
    for corner in itertools.islice(corners, CORNERS):
        yield {name: filled(name, x) for name, x in zip(box, corner, strict=True)}
    numbers = random.Random(seed)
    for _ in range(count):
        yield {
            name: Array(shapes[name], tuple([numbers.uniform(*ends) for _ in range(size(shapes[name]))])).value
            for name, ends in box.items()
        }  # fmt: skip


def arriving(graph: Graph, at: dict[str, Any]) -> tuple[Shape, Any]:
    """The shape of the output, and a gradient that arrives there, another one at each element."""
    found = traced(graph, at, "ones")
    if isinstance(found, BackpropError):
        return (), "ones"
    shape = found.value.shape
    speeds = Array(shape, tuple([speed(i) for i in range(size(shape))]))
    return shape, speeds.value if shape else 1.0


def traced(
    graph: Graph, at: dict[str, Any], up: Any, nodes: bool = False
) -> ArrayTrace | BackpropError:
    """The trace, or why the program has no value there. Raises BackpropError where it has none
    anywhere.
    """
    own = {name: value for name, value in at.items() if name in graph.variables}
    given = {**graph.inputs, **graph.array_inputs, **own}
    try:
        bound, values = bind(graph, given)
        return evaluate(bound, values, upstream=up, nodes=nodes)
    except BackpropError as error:
        if error.kind in MISTAKES:
            raise
        return error


def difference(
    at: dict[str, Any], first: ArrayTrace, second: ArrayTrace, names: Sequence[str]
) -> tuple[float, Parting | None]:
    """The largest relative difference at a point, and the first that is beyond the tolerance."""
    worst = 0.0
    pairs: list[tuple[str, Tensor | None, Tensor | None]] = [("value", first.value, second.value)]
    pairs += [(name, first.gradients.get(name), second.gradients.get(name)) for name in names]
    for what, x, y in pairs:
        if x is None and y is None:
            continue
        shape = (x or y).shape  # type: ignore[union-attr]
        zeros = Tensor(shape, (0.0,) * size(shape))
        left, right = (x or zeros).numbers, (y or zeros).numbers
        for place, p, q in zip(elements(shape), left, right, strict=True):
            error = apart(p, q)
            if error > TOLERANCE:
                label, where = element(what, place), f"the gradients by {element(what, place)}"
                if what == "value":
                    where = f"the values {element('', place)}".rstrip()
                known = p is not None and q is not None and exists(p) and exists(q)
                texts = telling(p, q, 9) if known else (shown(p), shown(q))  # type: ignore[arg-type]
                ratio = factor(p, q) if known else ""  # type: ignore[arg-type]
                message = f"{where} part at {point_text(at)}: {' and '.join(texts)}{ratio}"
                apart_by = error if error < INFINITY else None
                return worst, Parting(plain(at), label, p, q, apart_by, message)
            worst = max(worst, error)
    return worst, None


def apart(x: Number | None, y: Number | None) -> float:
    """The relative difference of two elements."""
    if x is None or y is None:
        return 0.0 if x is y else INFINITY
    return relative(x, y)


def shown(number: Number | None) -> str:
    return "none" if number is None else text(number)


def located(
    parting: Parting, at: dict[str, Any], programs: Sequence[Graph], ups: Sequence[Any]
) -> Parting:
    """The parting with the first stage of both programs that differs there."""
    first, second = (traced(graph, at, up, True) for graph, up in zip(programs, ups, strict=True))
    if isinstance(first, BackpropError) or isinstance(second, BackpropError):
        return parting
    shared = shared_stages(first.nodes, second.nodes)

    def differ(x: Tensor | None, y: Tensor | None) -> bool:
        if x is None or y is None or x.shape != y.shape:
            return False
        return any(apart(p, q) > TOLERANCE for p, q in zip(x.numbers, y.numbers, strict=True))

    if parting.what.startswith("value"):
        parts = [x.name for x, y in shared if differ(x.value, y.value)]
    else:
        parts = [x.name for x, y in reversed(shared) if differ(x.gradient, y.gradient)]
    return at_first(parting, parts)


def plain(at: dict[str, Any]) -> dict[str, Any]:
    """A point with nested lists for arrays."""
    return {name: as_array(value).nested for name, value in at.items()}


def point_text(at: dict[str, Any]) -> str:
    """A point in a message: its numbers, and of arrays the first of them."""
    parts = []
    for name, value in list(at.items())[:8]:
        numbers = as_array(value).numbers
        if not as_array(value).shape:
            parts.append(f"{name} = {numbers[0]:.6g}")
        else:
            parts.append(f"{name} = [{few([f'{x:.6g}' for x in numbers], 4)}]")
    return ", ".join(parts)
