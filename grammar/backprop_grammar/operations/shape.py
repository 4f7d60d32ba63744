"""Shapes of arrays: what they are called, which fit together, and how a small one is stretched.

An operation on arrays is given its operands in one of two ways: as ``Taken``, where only shapes are
known, or as ``Cells``, the nodes of their elements.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "LARGEST",
    "Cells",
    "Misfit",
    "Shape",
    "Taken",
    "broadcast",
    "check_size",
    "counted",
    "said",
    "size",
    "spread",
]

Shape = tuple[int, ...]
"""() of a number, (n,) of a vector, (m, n) of a matrix."""

LARGEST = 1_000_000
"""Numbers of the largest array."""


class Misfit(Exception):
    """Shapes that an operation does not take.

    place: the operand that is to blame; None for the whole. label: stands beside the caret.
    """

    def __init__(self, message: str, label: str, hint: str, place: int | None = None) -> None:
        super().__init__(message)
        self.message, self.label, self.hint, self.place = message, label, hint, place


class Taken(NamedTuple):
    """An operand where shapes are inferred: as it is written, its shape, and what it selects by.

    whole: the whole numbers of an index or of labels, which only a point tells; else None.
    """

    text: str
    shape: Shape
    whole: tuple[int, ...] | None = None

    @property
    def is_shape(self) -> str:
        return f"{self.text} is {said(self.shape)}"


class Cells(NamedTuple):
    """An array as nodes of a tape of numbers, row by row."""

    shape: Shape
    nodes: Sequence[int]
    whole: tuple[int, ...] | None = None

    def rows(self) -> list[Sequence[int]]:
        """The rows of a matrix; a vector is one."""
        width = self.shape[-1]
        return [self.nodes[k : k + width] for k in range(0, len(self.nodes), width)]

    def columns(self) -> list[Sequence[int]]:
        """The columns of a matrix."""
        return [self.nodes[k :: self.shape[-1]] for k in range(self.shape[-1])]


def said(shape: Shape) -> str:
    """A shape in a message: `a number`, `3`, `3x4`."""
    return "x".join(map(str, shape)) if shape else "a number"


def size(shape: Shape) -> int:
    """How many numbers an array of that shape has."""
    return math.prod(shape)


def spread(shape: Shape, over: Shape) -> list[int]:
    """Which element of a smaller array stands beside each of a larger one."""
    if shape == over:
        return list(range(size(over)))
    if size(shape) == 1:
        return [0] * size(over)
    rows, columns = over if len(over) == 2 else (1, over[0])
    m, n = shape if len(shape) == 2 else (1, shape[0])
    return [
        (i if m > 1 else 0) * n + (j if n > 1 else 0) for i in range(rows) for j in range(columns)
    ]


def counted(n: int, what: str) -> str:
    """So many of something in a message: `1 row`, `3 rows`."""
    return f"{n} {what}{'s' * (n != 1)}"


def broadcast(a: Taken, b: Taken, symbol: str = "") -> Shape:
    """The shape of two operands side by side, element by element.

    Equal sizes fit, and a size of 1 is stretched; a vector is a row beside a matrix. A column
    and a vector do not fit: their table of all pairs is seldom meant.

    Raises Misfit for all others.
    """
    if a.shape == b.shape or not b.shape:
        return a.shape
    if not a.shape:
        return b.shape
    label = f"{a.is_shape}, {b.is_shape}"
    if len(a.shape) == len(b.shape) == 1:
        m, n = a.shape[0], b.shape[0]
        if 1 in (m, n):
            return (max(m, n),)
        raise Misfit(
            f"{a.text} and {b.text} do not fit together",
            label,
            "element by element, sizes are equal or 1",
        )
    matrix, other = (a, b) if len(a.shape) == 2 else (b, a)
    if len(other.shape) == 1:
        m, n = matrix.shape
        k = other.shape[0]
        if k in (1, n) or m == n == 1:
            return m, max(n, k)
        if n == 1:
            raise Misfit(
                f"{a.text} and {b.text} do not fit together", label,
                f"a column and a vector would make {m}x{k}, which is seldom meant; write {other.text} as a "
                f"column, {other.text}.T.T, or {matrix.text}[:,0] for a vector",
            )  # fmt: skip
        way = f"a vector is added to every row, so it needs {counted(n, 'number')}"
        if k == m:
            way += f"; to add one number a row, write {other.text}.T.T"
        raise Misfit(f"{other.text} does not fit the columns of {matrix.text}", label, way)
    result = []
    for axis, (m, n) in enumerate(zip(a.shape, b.shape, strict=True)):
        if m != n and 1 not in (m, n):
            what = ("row", "column")[axis]
            way = "element by element, sizes are equal or 1"
            if a.shape[1] == b.shape[0] and symbol == "*":
                way += f"; for the matrix product write {a.text} @ {b.text}"
            raise Misfit(
                f"{a.text} and {b.text} do not fit together",
                f"{label}: {counted(m, what)} beside {n}", way,
            )  # fmt: skip
        result.append(n if m == 1 else m)
    return tuple(result)


def check_size(shape: Shape, maker: str = "") -> None:
    """Raise Misfit for what is larger than any array may be. maker: the call that would make it."""
    if size(shape) > LARGEST:
        count = f"{size(shape):,}" if size(shape) < 10**15 else "far too many"
        what = f"{maker} would make" if maker else "this would have"
        label = "" if maker else f"it would be {said(shape)}"
        way = "make it smaller: fewer rows show the same"
        raise Misfit(f"{what} {count} numbers, more than {LARGEST:,}", label, way)
