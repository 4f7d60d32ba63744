"""The gradients of arrays against difference quotients: of every element, or of some and all at once.

A direction through all elements tells of a mistake in any of them, and an element where it is.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..arrays.lower import element, elements
from ..arrays.record import ArrayTrace, Tensor, TraceByNumbers
from ..errors import usage
from ..numbers.ball import Ball
from ..numbers.wide import Number, exists
from ..operations.shape import Shape
from .differences import Bench, Difference, compare, speed
from .moved import along, effort
from .quotients import Moved, Pass, Work

__all__ = ["ArrayDifference", "ArrayDifferences", "array_differences"]

ALL = 64
"""Elements up to which every one is compared; of a larger array so many are chosen."""

SEED = 0

WORK = 150_000
"""Operands that are looked at for the elements; what is beyond is left to the direction."""

WORST = ("wrong", "undecided", "unchecked", "undefined", "infinite", "-infinite", "kink", "right")


@dataclass(frozen=True, slots=True)
class ArrayDifference:
    """The gradient of an array beside difference quotients.

    elements: those that were compared; direction: all of them at once, where some were not.
    """

    name: str
    shape: Shape
    elements: tuple[Difference, ...]
    direction: Difference | None = None

    @property
    def rows(self) -> tuple[Difference, ...]:
        """All comparisons."""
        return (*self.elements, self.direction) if self.direction else self.elements

    @property
    def verdict(self) -> str:
        """The worst of all comparisons."""
        return min((row.verdict for row in self.rows), key=WORST.index, default="unchecked")

    @property
    def error(self) -> float | None:
        """The largest relative difference."""
        return max((row.error for row in self.rows if row.error is not None), default=None)


@dataclass(frozen=True, slots=True)
class ArrayDifferences:
    """All comparisons, per input."""

    inputs: tuple[ArrayDifference, ...]

    @property
    def right(self) -> bool:
        """Whether no gradient is contradicted."""
        return all(one.verdict != "wrong" for one in self.inputs)


def array_differences(trace: ArrayTrace) -> ArrayDifferences:
    """The backward pass of a trace of arrays against difference quotients of the forward pass.

    Raises BackpropError where there is no program over numbers to take them of.
    """
    if not isinstance(trace, TraceByNumbers):
        raise usage(
            "difference quotients are taken of smaller programs",
            "make the arrays smaller: fewer rows show the same",
        )
    bench = Bench.of(trace.numbers)
    with bench.point.arithmetic.context():
        bench.work = Work(WORK)
        left = len(trace.gradients)
        found = []
        for name, gradient in trace.gradients.items():
            share = bench.work.left // max(1, left)
            found.append(of_array(bench, name, gradient, share))
            left -= 1
    return ArrayDifferences(tuple(found))


def of_array(bench: Bench, name: str, gradient: Tensor, share: int) -> ArrayDifference:
    """One array. share: work for its elements."""
    names = [element(name, place) for place in elements(gradient.shape)]
    labels = dict(zip(names, gradient.numbers, strict=True))
    chosen = list(labels)
    if len(chosen) > ALL:
        chosen = sorted(random.Random(SEED).sample(chosen, ALL), key=list(labels).index)
    rows = tuple(by_element(bench, labels, chosen, share))
    every = len(rows) == len(labels)
    direction = None if every else in_direction(bench, name, labels)
    return ArrayDifference(name, gradient.shape, rows, direction)


def by_element(
    bench: Bench, labels: dict[str, Any], chosen: Sequence[str], share: int
) -> Iterator[Difference]:
    """Elements moved one by one, until the work is done."""
    first = bench.work.left
    for label in chosen:
        gradient, node = labels[label], bench.names.find(label)
        if gradient is None:
            continue
        if bench.values[node] is None:
            unused = f"the output does not use {label}"
            yield Difference(label, "", label, gradient, 0.0, 0.0, 0.0, 0.0, "right", unused)
            continue
        below = bench.dependents([node])
        if first - bench.work.left + 2 * effort(bench.graph, below) > share:
            return
        moved = along(bench.graph, below, {node: 1.0}, bench.output, bench.trace.upstream)
        yield compared(bench, label, gradient, moved, [node], below)


def compared(
    bench: Bench,
    name: str,
    gradient: Number,
    moved: Moved,
    sources: Sequence[int],
    below: Sequence[int],
) -> Difference:
    """A gradient beside the slopes of the output when the sources move.

    Where it is 0, no number of digits shows that: the output and a line of a known slope together
    are looked at instead, which have that slope.
    """
    if gradient == 0:

        def tilted(point: Pass, step: Any) -> Ball:
            value, error = moved(point, step)
            return value + step, error

        with bench.besides(WORK):
            found = compare(bench, name, "", name, 1.0, tilted, sources, below)
        if found.verdict == "right":
            return replace(found, backward=0.0, quotient=0.0, left=0.0, right=0.0)
    return compare(bench, name, "", name, gradient, moved, sources, below)


def in_direction(bench: Bench, name: str, labels: dict[str, Any]) -> Difference | None:
    """All elements moved at once, each at a speed of its own."""
    total, speeds = bench.zero, {}
    for i, (label, gradient) in enumerate(labels.items()):
        node = bench.names.find(label)
        if gradient is None or not exists(gradient):
            return None
        if bench.values[node] is not None:
            speeds[node] = speed(i)
            total += speed(i) * bench.real(gradient)
    below = bench.dependents(list(speeds))
    moved = along(bench.graph, below, speeds, bench.output, bench.trace.upstream)
    with bench.besides(WORK):
        what = f"{name}, all at once"
        return compared(bench, what, bench.number(total), moved, list(speeds), below)
