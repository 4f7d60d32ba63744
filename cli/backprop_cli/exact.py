"""Sums without rounding.

The insight: every float is a whole number of the smallest one's size, and whole numbers add
exactly. So a sum is the same whatever the order, the batches and the workers, and it is rounded
once, when it is read.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

__all__ = ["total", "value"]

UNIT = 1126
"""A sum is counted in units of 2^-UNIT: 53 bits below the exponent of the smallest float."""


def total(numbers: "numpy.ndarray") -> int:
    """The exact sum of at most 2^26 finite floats, in units of 2^-UNIT."""
    import numpy

    fraction, exponent = numpy.frexp(numbers)
    whole = (fraction * 2.0**53).astype(numpy.int64)
    shift = exponent + (UNIT - 53)
    result = 0
    # Halves of 27 bits, whose sums by exponent stay below 2^53, where floats are exact.
    for part, bits in ((whole >> 26, 26), (whole & (2**26 - 1), 0)):
        sums = numpy.bincount(shift, weights=part)
        for k in numpy.flatnonzero(sums):
            result += int(sums[k]) << (int(k) + bits)
    return result


def value(units: int, count: int = 1) -> float:
    """A sum divided by a count, rounded once; an infinity where it is beyond the largest float."""
    try:
        return units / (count << UNIT)
    except OverflowError:
        return float("inf") if units > 0 else float("-inf")
