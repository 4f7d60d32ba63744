"""Sums and products of matrices of double-doubles, with bounds."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..batch import double_double as dd
from ..batch.double_double import SLACK, SMALL, Triple, exact, some, split, two_sum
from ..numbers.ball import UNIT
from .kernel import Column

__all__ = ["halved", "moved", "product"]

SLICES = 5
"""Parts of a number of which the products are exact in floats, even added up."""

INNER = 1 << 12
"""Products that are added up so."""

SURE = 2.0**-72
"""The relative error up to which products of slices will do."""

MOST = 1 << 22
"""Products of numbers that are taken term by term where that does not."""

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
    """The product of two matrices; exact where it can be held."""
    (rows, inner), columns = np.shape(a[0]), np.shape(b[0])[1]
    x = (0.0, 0.0, 0.0)
    for start in range(0, inner, INNER):
        here = slice(start, start + INNER)
        piece = by_slices(moved(lambda u, k=here: u[:, k], a), moved(lambda u, k=here: u[k], b))
        x = dd.add(x, piece) if start else piece
    fine = x[2] <= SURE * np.abs(x[0])
    if np.all(fine) or rows * inner * columns > MOST:
        return x
    step = max(1, PIECE // columns)
    pieces = [by_terms(part(a, slice(k, k + step)), b) for k in range(0, rows, step)]
    return pieces[0] if len(pieces) == 1 else moved(lambda *parts: np.concatenate(parts), *pieces)


def by_slices(a: Triple, b: Triple) -> Triple:
    """The product by those of slices, each a product of matrices of floats without error.

    Ozaki, Ogita, Oishi, Rump, Error-free transformations of matrix multiplication (2012). What is
    left out is bounded by the largest of each row and column.
    """
    inner = np.shape(a[0])[1]
    bits = (53 - (SLICES * inner - 1).bit_length()) // 2
    left, up, above = slices(a, 1, bits)
    right, down, below = slices(b, 0, bits)
    x: Triple = (0.0, 0.0, 0.0)
    for level in range(SLICES):
        total = np.hstack(left[: level + 1]) @ np.vstack(right[level::-1])
        x = dd.add(x, exact(total)) if level else exact(total)
    rest = [(i, j) for i in range(SLICES + 1) for j in range(SLICES + 1) if i + j >= SLICES]
    lost = sum(above[i] * below[j] for i, j in rest) * (inner * SLACK)
    high, low, error = x
    power, error = up + down, error + lost
    high, low, bound = np.ldexp(high, power), np.ldexp(low, power), np.ldexp(error, power)
    faint = (np.abs(high) < SMALL) & ((x[0] != 0) | (error > 0))
    bound = np.where(faint, bound + FAINT, bound)
    return high, low, from_errors(a, b, bound)


def slices(x: Triple, axis: int, bits: int) -> tuple[list[Column], Column, list[Column]]:
    """The numbers of a matrix over a power of two for each row, or column, in slices of so many bits;
    those powers; and the largest of every slice, and of what is left, along the axis.
    """
    high, low, _ = x
    largest = np.max(np.abs(high), axis, keepdims=True)
    power = np.where(largest > 0, np.frexp(largest)[1], 0)
    high = np.ldexp(high, -power)
    low = np.ldexp(np.broadcast_to(low, high.shape), -power) if some(low) else None
    parts, sizes = list[Column](), list[Column]()
    for k in range(1, SLICES + 1):
        shift = 1.5 * 2.0 ** (52 - k * bits)
        piece = (high + shift) - shift
        high = high - piece
        if low is not None:
            high, low = two_sum(high, low)
        parts.append(piece)
        sizes.append(np.max(np.abs(piece), axis, keepdims=True))
    rest = np.abs(high) if low is None else np.abs(high) + np.abs(low)
    sizes.append(np.max(rest, axis, keepdims=True) * SLACK)
    return parts, power, sizes


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
    error = error * SLACK
    left, right = np.abs(a[0]), np.abs(b[0])
    if across:  # cross products are rounded, and that of the second parts is left out
        error = error + (left @ right) * (16 * UNIT * UNIT * SLACK)
    if not smallest(left) * smallest(right) >= SMALL:
        error = error + met(left > 0, right > 0)
    return high, low, from_errors(a, b, error)


def from_errors(a: Triple, b: Triple, error: Any) -> Any:
    """A bound of a product, with what errors of the factors add."""
    (x, _, xe), (y, _, ye) = a, b
    left, right = np.abs(x), np.abs(y)
    if not some(xe) and not some(ye):
        return error
    xe, ye = np.broadcast_to(xe, x.shape), np.broadcast_to(ye, y.shape)
    error = error + (left @ ye + xe @ (right + ye)) * SLACK
    if not smallest(left, xe) * smallest(right, ye) >= SMALL:
        error = error + met((left > 0) | (xe > 0), (right > 0) | (ye > 0))
    return error


def met(left: Column, right: Column) -> Any:
    """What may be lost below the smallest float where two numbers meet, neither of which is 0."""
    return (left.astype(float) @ right.astype(float)) * FAINT


def smallest(*sizes: Any) -> float:
    """The smallest size that is not 0."""
    return min(float(np.min(one, initial=np.inf, where=np.asarray(one) > 0)) for one in sizes)
