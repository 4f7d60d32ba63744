"""Two formulas for the same function: do they agree in value and in all gradients?

Every number here is certified, so a difference beyond the certificate is one
between the formulas and not between roundings. A few chosen points (corners, centre, middles of
the sides) find what is special, and seeded random ones the rest.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import localcontext
from typing import Any

from ..diagnosis.claims import EXACT, simple_ratio
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Graph
from ..language.printer import kept_text
from ..numbers.ball import INFINITY
from ..numbers.decimal import decimal, exact_decimal, telling
from ..numbers.wide import Number, exists
from ..trace.evaluate import evaluate
from ..trace.point import finite
from ..trace.record import KINKS, Trace

__all__ = [
    "TOLERANCE",
    "Agreement",
    "Parting",
    "Ranges",
    "agree",
    "at_first",
    "factor",
    "points",
    "range_of",
    "relative",
    "shared_stages",
    "text",
    "unknown_range",
    "without_range",
    "without_value",
]

Ranges = dict[str, tuple[float, float]]
"""The least and the largest value of every variable."""

TOLERANCE = 1e-12
"""The relative difference up to which numbers agree; they are certified to 5.7e-14."""

CORNERS = 64
"""Corners, and middles of sides, that are tried at most."""


@dataclass(frozen=True, slots=True)
class Parting:
    """The first point where two formulas part.

    what: `value`, or the variable by which the gradients differ. a, b: the two numbers, None
    where that formula has none; error: relative; message: in words.
    node: the first stage that both programs have and that differs, by its value, or from the
    output back by its gradient; empty where there is none.
    """

    at: dict[str, float]
    what: str
    a: Number | None
    b: Number | None
    error: float | None
    message: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two formulas compare over a box.

    points: where both were compared; skipped: where neither has a value; kinks: where a kink
    leaves the gradients open, so that only the values were compared; worst: the largest relative
    difference.
    """

    a: str
    b: str
    box: Ranges
    points: int
    skipped: int
    kinks: int
    worst: float
    parting: Parting | None

    @property
    def agreed(self) -> bool:
        """Whether they agree at every point that was compared, and there was one."""
        return self.parting is None and self.points > 0

    def __bool__(self) -> bool:
        return self.agreed


def points(box: Ranges, seed: int, count: int) -> Iterator[dict[str, float]]:
    """The centre, the corners, the middles of the sides, then random points."""
    names = list(box)
    middle = {name: low + (high - low) / 2 for name, (low, high) in box.items()}
    yield middle
    corners = itertools.product(*(dict.fromkeys(box[name]) for name in names))
    for corner in itertools.islice(corners, CORNERS):
        yield dict(zip(names, corner, strict=True))
    for name in names[: CORNERS // 2]:
        for end in dict.fromkeys(box[name]):
            yield middle | {name: end}
    numbers = random.Random(seed)
    for _ in range(count):
        yield {name: numbers.uniform(*ends) for name, ends in box.items()}


def range_of(name: str, ends: object) -> tuple[float, float]:
    """The ends of a range as floats. Raises BackpropError for what is none."""
    if not isinstance(ends, Sequence) or isinstance(ends, str) or len(ends) != 2:
        raise usage(f"the range of {shorten(name)} is no pair of numbers", "write (-2.0, 2.0)")
    low, high = (finite(end, f"an end of the range of {shorten(name)}") for end in ends)
    if low > high or high - low == INFINITY:
        raise usage(f"the range of {shorten(name)} is no range", "the least number comes first")
    return low, high


def agree(a: Graph, b: Graph, box: Ranges, seed: int = 0, count: int = 100) -> Agreement:
    """Whether two programs agree in value and all gradients over a box.

    Variables that the programs give a value themselves need no range.

    Raises BackpropError for variables without a range.
    """
    names = list(dict.fromkeys([*a.variables, *b.variables]))
    given = {
        name: value
        for name, value in (b.inputs | a.inputs).items()
        if a.inputs.get(name, value) == b.inputs.get(name, value)
    }  # where they differ, each has its own
    unranged = [
        (name, graph)
        for graph in (a, b)
        for name in graph.variables
        if name not in box and name not in given and name not in graph.inputs
    ]
    if unranged:
        raise without_range(unranged)
    unknown = [name for name in box if name not in names]
    if unknown:
        raise unknown_range(unknown[0], names)
    seen = set[tuple[float, ...]]()
    compared = skipped = kinks = 0
    worst = 0.0
    parting = None
    for point in points(box, seed, count):
        at = {name: given[name] for name in names if name in given} | point
        if tuple(at.values()) in seen:
            continue
        seen.add(tuple(at.values()))
        first, second = traced(a, a.inputs | at), traced(b, b.inputs | at)
        if isinstance(first, BackpropError) and isinstance(second, BackpropError):
            skipped += 1
            continue
        compared += 1
        if isinstance(first, BackpropError) or isinstance(second, BackpropError):
            parting = without_value(at, first, second, point_text(at))
            break
        bent = has_kink(first) or has_kink(second)
        kinks += bent
        error, parting = difference(at, first, second, () if bent else names)
        worst = max(worst, error)
        if parting:
            parting = located(parting, a, b)
            break
    return Agreement(kept_text(a), kept_text(b), box, compared, skipped, kinks, worst, parting)


def without_range(unranged: Sequence[tuple[str, Graph]]) -> BackpropError:
    """The error for variables of programs that have no range."""
    missing = tuple(dict.fromkeys(name for name, _ in unranged))
    name, graph = unranged[0]
    each = f"{name} a range" if len(missing) == 1 else "each of them a range"
    return BackpropError(
        "binding",
        f"no range for {few(missing)}",
        graph.spans[graph.variables[name]],
        hint=f"give {each}, such as -2 to 2",
        source=graph.source,
        node=graph.variables[name],
        missing=missing,
        reason="unranged",
    )


def unknown_range(name: str, names: Sequence[str]) -> BackpropError:
    """The error for the range of what is no variable."""
    message = f"neither program has a variable {name}"
    return BackpropError("binding", message, hint=f"the variables are {few(names)}")


def traced(graph: Graph, at: dict[str, float]) -> Trace | BackpropError:
    """The trace, or why the program has no value there."""
    try:
        return evaluate(graph, at, nodes=False, finite=False)
    except BackpropError as error:
        return error


def has_kink(trace: Trace) -> bool:
    return any(note.kind in KINKS for note in trace.notes)


def point_text(at: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:.6g}" for name, value in list(at.items())[:8])


def without_value(at: dict[str, Any], first: Any, second: Any, where: str) -> Parting:
    """The parting where only one of the formulas has a value.

    first, second: a trace and an error, or the other way round. where: the point, in words.
    """
    which, error = ("A", first) if isinstance(first, BackpropError) else ("B", second)
    assert isinstance(error, BackpropError)
    a, b = (
        None if isinstance(one, BackpropError) or hasattr(one.value, "shape") else one.value
        for one in (first, second)
    )
    message = f"{which} has no value at {where}: {error.message}"
    return Parting(at, "value", a, b, None, message)


def difference(
    at: dict[str, float], first: Trace, second: Trace, names: list[str] | tuple[()]
) -> tuple[float, Parting | None]:
    """The largest relative difference at a point, and the first that is beyond the tolerance."""
    pairs: list[tuple[str, Number, Number]] = [("value", first.value, second.value)]
    pairs += [
        (name, first.gradients.get(name, 0.0), second.gradients.get(name, 0.0)) for name in names
    ]
    worst = 0.0
    for what, x, y in pairs:
        error = relative(x, y)
        if error > TOLERANCE:
            place = "the values" if what == "value" else f"the gradients by {what}"
            texts = telling(x, y, 9) if exists(x) and exists(y) else (text(x), text(y))
            message = f"{place} part at {point_text(at)}: {' and '.join(texts)}{factor(x, y)}"
            return worst, Parting(at, what, x, y, error if error < INFINITY else None, message)
        worst = max(worst, error)
    return worst, None


def located(parting: Parting, a: Graph, b: Graph) -> Parting:
    """The parting with the first stage of both programs that differs there."""
    first, second = (evaluate(g, g.inputs | parting.at, finite=False) for g in (a, b))
    shared = shared_stages(first.nodes, second.nodes)
    if parting.what == "value":
        parts = [x.name for x, y in shared if relative(x.value, y.value) > TOLERANCE]
    else:
        parts = [
            x.name
            for x, y in reversed(shared)
            if x.gradient is not None
            and y.gradient is not None
            and relative(x.gradient, y.gradient) > TOLERANCE
        ]
    return at_first(parting, parts)


def shared_stages(first: Sequence[Any], second: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The stages of two traces that have one name, in the order of the first."""
    theirs = {node.name: node for node in second if node.named and node.operation}
    return [
        (node, theirs[node.name])
        for node in first
        if node.named and node.operation and node.name in theirs
    ]


def at_first(parting: Parting, stages: Sequence[str]) -> Parting:
    """The parting with the first of the stages that differ, where there is one."""
    if not stages:
        return parting
    return replace(parting, node=stages[0], message=f"{parting.message}; first at {stages[0]}")


def relative(x: Number, y: Number) -> float:
    """The relative difference of two numbers; infinite where only one of them exists."""
    if not (exists(x) and exists(y)):
        return 0.0 if x == y else INFINITY
    if isinstance(x, float) and isinstance(y, float):
        largest = max(abs(x), abs(y))
        return abs(x / largest - y / largest) if largest else 0.0
    p, q = exact_decimal(x), exact_decimal(y)
    if p.is_nan() or q.is_nan():  # of an exponent beyond those of decimals: their texts decide
        return 0.0 if text(x) == text(y) else INFINITY
    with localcontext(EXACT):
        return float(abs(p - q) / max(abs(p), abs(q))) if p or q else 0.0


def factor(x: Number, y: Number) -> str:
    """By what simple factor two numbers differ, where it is one."""
    if not (exists(x) and exists(y)):
        return ""
    p, q = exact_decimal(x), exact_decimal(y)
    if not p or not q or p.is_nan() or q.is_nan():
        return ""
    ratio = simple_ratio(*((p, q) if abs(p) > abs(q) else (q, p)))
    if ratio == -1:
        return "; they have opposite signs"
    return f"; they differ by a factor of {ratio:g}" if ratio else ""


def text(number: Number) -> str:
    """A number to nine digits."""
    return decimal(number, 9)
