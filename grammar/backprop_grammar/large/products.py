"""Sums and products of matrices of double-doubles, with bounds."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..batch import double_double as dd
from ..batch.double_double import SLACK, SMALL, Triple, exact, some, split, two_sum
from ..numbers.ball import UNIT
from .kernel import Column

__all__ = ["halved", "moved", "product"]

WHOLE = 2.0**53
"""Whole numbers below it are floats, and so are their sums."""

FAINT = 2.0**-1060
"""How far a product may be off of which the last digits are below the smallest float."""

PIECE = 1 << 14
"""Numbers of a piece of the result: a dozen columns of them stay in a processor's second cache."""

WIDE = 1 << 12
"""Numbers that are computed at once, where the result has as few."""


def moved(how: Callable[..., Column], *given: Triple) -> Triple:
    """Elements of some arrays, put elsewhere: how, in arrays of NumPy's."""
    shapes = [np.shape(x[0]) for x in given]
    high = how(*[np.asarray(x[0]) for x in given])
    low, error = (
        how(*[np.broadcast_to(x[part], shape) for x, shape in zip(given, shapes, strict=True)])
        if any(some(x[part]) for x in given)
        else 0.0
        for part in (1, 2)
    )
    return high, low, error


def halved(join: Callable[[Triple, Triple], Triple], x: Triple) -> Triple:
    """Arrays along a first axis joined by halves, until one is left."""
    while (count := len(x[0])) > 1:
        half = count // 2
        both = join(part(x, slice(half)), part(x, slice(half, 2 * half)))
        if count % 2:
            last = part(x, slice(count - 1, count))
            both = moved(lambda a, b: np.concatenate([a, b]), both, last)
        x = both
    return moved(lambda a: a[0], x)


def part(x: Triple, rows: slice) -> Triple:
    """Some of what stands along the first axis."""
    return moved(lambda a: a[rows], x)


@np.errstate(all="ignore")
def product(a: Triple, b: Triple) -> Triple:
    """The product of two matrices; of short binary fractions it is exact."""
    whole = of_short(a, b)
    if whole is not None:
        return whole
    rows, columns = a[0].shape[0], b[0].shape[1]
    step = max(1, PIECE // columns)
    pieces = [by_terms(part(a, slice(k, k + step)), b) for k in range(0, rows, step)]
    if len(pieces) == 1:
        return pieces[0]
    return moved(lambda *parts: np.concatenate(parts), *pieces)


def of_short(a: Triple, b: Triple) -> Triple | None:
    """The product of matrices of whole numbers, quarters and the like, if floats hold all sums."""
    if any(some(one) and np.any(one) for x in (a, b) for one in x[1:]):
        return None
    most = 1.0
    for high, _, _ in (a, b):
        largest = float(np.max(np.abs(high)))
        scaled = high * 1024.0
        if not largest < 1e15 or not np.array_equal(scaled, np.rint(scaled)):
            return None
        most *= largest * 1024.0
    if most * a[0].shape[1] >= WHOLE:
        return None
    return exact(a[0] @ b[0])


def by_terms(a: Triple, b: Triple) -> Triple:
    """The product, some terms at a time: what each rounding loses is kept in a second sum.

    Ogita, Rump, Oishi, Accurate sum and dot product (2005), algorithm 5.3; what the second sum loses
    is added up as well, so that what is exact is known to be.
    """
    rows, columns = a[0].shape[0], b[0].shape[1]
    inner = a[0].shape[1]
    width = max(1, min(inner, WIDE // (rows * columns)))
    steps = -(-inner // width)

    def apart(x: Column) -> Column:
        """With axes of their own for what is computed at once, and for the steps."""
        padded = np.zeros((steps * width, *x.shape[1:]))
        padded[:inner] = x
        return np.ascontiguousarray(padded.reshape(width, steps, *x.shape[1:]))

    x, xl, _ = moved(lambda u: apart(u.T[:, :, None]), a)
    y, yl, _ = moved(lambda u: apart(u[:, None, :]), b)
    x1, x2 = split(x)
    y1, y2 = split(y)
    across = some(xl) or some(yl)
    shape = width, rows, columns
    total, low, lost = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for k in range(steps):
        left, l1, l2, right, r1, r2 = (one[:, k] for one in (x, x1, x2, y, y1, y2))
        p = left * right
        rest = ((l1 * r1 - p) + l1 * r2 + l2 * r1) + l2 * r2
        total, more = two_sum(total, p)
        if across:
            cross: Any = 0.0
            if some(yl):
                cross = left * yl[:, k]
            if some(xl):
                cross = cross + xl[:, k] * right
            rest, gone = two_sum(rest, cross)
            lost += np.abs(gone)
        rest, gone = two_sum(rest, more)
        lost += np.abs(gone)
        low, gone = two_sum(low, rest)
        lost += np.abs(gone)
    high, low = two_sum(total, low)
    high, low, error = halved(dd.add, (high, low, lost))
    return high, low, with_errors(a, b, error, across)


def with_errors(a: Triple, b: Triple, lost: Column, across: bool) -> Any:
    """The bound of a product, with what errors of the factors add."""
    (x, _, xe), (y, _, ye) = a, b
    grown = SLACK * (1 + (x.shape[1] + 8) * 2 * UNIT)
    left, right = np.abs(x), np.abs(y)
    error: Any = lost * SLACK
    if across:  # cross products are rounded, and that of the second parts is left out
        error = error + (left @ right) * (16 * UNIT * UNIT * grown)
    faint = smallest(left, xe) * smallest(right, ye)
    if some(ye):
        ye = np.broadcast_to(ye, y.shape)
        error = error + (left @ ye) * grown
    if some(xe):
        xe = np.broadcast_to(xe, x.shape)
        error = error + (xe @ (right + ye)) * grown
    if not faint >= SMALL:
        met = ((left > 0) | (xe > 0)).astype(float) @ ((right > 0) | (ye > 0)).astype(float)
        error = error + met * FAINT
    return error if np.any(error) else 0.0


def smallest(*sizes: Any) -> float:
    """The smallest size that is not 0."""
    return min(float(np.min(one, initial=np.inf, where=np.asarray(one) > 0)) for one in sizes)
