"""Sums without rounding.

Every float is a whole number of the smallest one's size, and whole numbers add exactly. So a sum is
the same whatever the order, the batches and the workers, and it is rounded once, when it is read.

Most sums are cut from the numbers in slices of a common unit, which floats add exactly in any order
(Demmel, Nguyen, Fast reproducible floating-point summation, 2013); what spans more is counted.
"""

import math
from typing import TYPE_CHECKING

from ..numbers.binary64 import TOLERANCE

if TYPE_CHECKING:
    import numpy

__all__ = ["UNIT", "certain", "counted", "settled", "total", "totals", "value"]

UNIT = 1126
"""A sum is counted in units of 2^-UNIT: 53 bits below the exponent of the smallest float."""

SLICES = 4
"""Slices after which what is left is counted."""


def total(numbers: "numpy.ndarray") -> int:
    """The exact sum of at most 2^26 finite floats, in units of 2^-UNIT."""
    import numpy

    rest = numpy.array(numbers)
    if not rest.size:
        return 0
    size = max(float(rest.max()), -float(rest.min()))
    if not size:
        return 0
    if not 2.0**-700 < size < 2.0**900:
        return counted(rest)
    room = rest.size.bit_length() + 1
    part, result, top = numpy.empty_like(rest), 0, math.frexp(size)[1] + room
    for k in range(SLICES):
        # Whatever is added to it is rounded to a unit of which all rows' sum has 53 bits at most.
        large = math.ldexp(1.0, top)
        numpy.subtract(numpy.add(rest, large, out=part), large, out=part)
        rest -= part
        numerator, denominator = float(part.sum()).as_integer_ratio()
        result += numerator * ((1 << UNIT) // denominator)
        if k and not rest.any():
            return result
        top -= 52 - room  # above what is left, at most half a unit
    return result + counted(rest)


def totals(numbers: "numpy.ndarray") -> list[int]:
    """The same of each row of a matrix, at once."""
    import numpy

    if not numbers.size:
        return [0] * len(numbers)
    rest = numpy.array(numbers)
    size = numpy.abs(rest).max(axis=1)
    odd = ~((size > 2.0**-700) & (size < 2.0**900)) & (size != 0)
    rest[odd] = 0.0
    room = rest.shape[1].bit_length() + 1
    top = numpy.frexp(numpy.where(odd, 0.0, size))[1] + room
    results = [0] * len(rest)
    for _ in range(SLICES):
        large = numpy.ldexp(1.0, top)[:, None]
        part = (rest + large) - large
        rest -= part
        for k, some in enumerate(part.sum(axis=1).tolist()):
            if some:
                numerator, denominator = some.as_integer_ratio()
                results[k] += numerator * ((1 << UNIT) // denominator)
        if not rest.any():
            break
        top -= 52 - room
    else:
        for k in numpy.flatnonzero(rest.any(axis=1)).tolist():
            results[k] += counted(rest[k])
    for k in numpy.flatnonzero(odd).tolist():
        results[k] = counted(numpy.array(numbers[k]))
    return results


def counted(numbers: "numpy.ndarray") -> int:
    """The same of any range, several times slower."""
    import numpy

    fraction, exponent = numpy.frexp(numbers)
    mantissa = (fraction * 2.0**53).astype(numpy.int64)
    shift = exponent + (UNIT - 53)
    result = 0
    # Halves of 27 bits, whose sums by exponent stay below 2^53, where floats are exact.
    for part, bits in ((mantissa >> 26, 26), (mantissa & (2**26 - 1), 0)):
        sums = numpy.bincount(shift, weights=part)
        for k in numpy.flatnonzero(sums):
            result += int(sums[k]) << (int(k) + bits)
    return result


def certain(units: int, error: float) -> bool:
    """Whether a sum is certain to TOLERANCE. error: how far it may be from the truth."""
    return error <= TOLERANCE * abs(value(units))


def settled(units: int, better: int, error: float) -> tuple[int, float]:
    """A sum of floats if a better one shows that it is certain, else that one; with a bound.

    So it does not depend on what was known of the rows. error: how far the better one may be off.
    """
    off = abs(value(units - better)) * (1 + 2.0**-40) + error
    return (units, off) if certain(units, off) else (better, error)


def value(units: int, count: int = 1) -> float:
    """A sum divided by a count, rounded once; an infinity where it is beyond the largest float."""
    try:
        return units / (count << UNIT)
    except OverflowError:
        return float("inf") if units > 0 else float("-inf")
