"""Decimals: the float nearest to a number that no float is, which knows that number.

So a tenth is a tenth: passes over floats see the float and how far off it is, passes over wider
numbers see the number itself, and everything else need not know.
"""

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from math import gcd
from typing import Any

__all__ = [
    "DECIMAL",
    "SMALLEST",
    "Nearest",
    "exact",
    "fraction",
    "literal",
    "nearest",
    "printed",
    "vanished",
]

WHOLE = 2.0**53
"""Whole numbers below it are floats, and print as they are."""

SMALLEST = 5e-324
"""The smallest float above 0."""

DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?\Z", re.ASCII)
"""A decimal as text."""


class Nearest(float):
    """The float nearest to a rational number. ratio: that number, as two whole ones. rest: the
    number less the float, rounded: half an ulp at most, 0 only where the float is the number and
    prints as another.

    What is computed with it as with any float is a plain float; its negative is not computed.
    """

    __slots__ = ("ratio", "rest")
    ratio: tuple[int, int]
    rest: float

    def __new__(cls, value: float, ratio: tuple[int, int]) -> "Nearest":
        """Value: the nearest float, which the caller has already."""
        self = super().__new__(cls, value)
        self.ratio = ratio
        n, d = value.as_integer_ratio()
        above, below = ratio
        lacks = above * d - n * below
        self.rest = lacks / (below * d)
        if lacks and not self.rest:  # too small for a float
            self.rest = SMALLEST
        return self

    def __neg__(self) -> "Nearest":
        above, below = self.ratio
        return Nearest(-float(self), (-above, below))

    def __reduce__(self) -> tuple[Any, ...]:
        return Nearest, (float(self), self.ratio)


def literal(text: str) -> float:
    """The number of a decimal text.

    It is 0 or infinite where the text's number is too small or too large for a float.
    """
    value = float(text)
    if text.isdigit() and value < WHOLE:
        return value
    if value == 0 or abs(value) == float("inf"):
        return value + 0.0
    return told(value, ratio(text))


def vanished(text: str) -> bool:
    """Whether the number of a decimal text is not 0, though the nearest float is."""
    return float(text) == 0 and any(c in "123456789" for c in text.lower().partition("e")[0])


def nearest(above: int, below: int = 1) -> float:
    """The number above/below, where below is positive. Raises OverflowError beyond the floats."""
    return told(above / below, (above, below))


def told(value: float, exact: tuple[int, int]) -> float:
    """A rational number by its nearest float: just that where it is the number and prints as it."""
    number = Nearest(value, exact)
    if not number.rest:
        n, d = value.as_integer_ratio()
        if (d == 1 and abs(n) < WHOLE) or as_printed(value) == (n, d):
            return value + 0.0
    return number


def as_printed(value: float) -> tuple[int, int]:
    """The number that a float's shortest text says, in lowest terms."""
    above, below = ratio(repr(value))
    common = gcd(above, below)
    return above // common, below // common


def ratio(text: str) -> tuple[int, int]:
    """The number that a decimal text says."""
    digits, _, exponent = text.lower().partition("e")
    before, _, after = digits.partition(".")
    power = int(exponent or 0) - len(after)
    above = whole((before + after).lstrip("+-"))
    above = -above if text.startswith("-") else above
    return (above * 10**power, 1) if power >= 0 else (above, 10**-power)


def whole(text: str) -> int:
    """A whole number, however long: Python reads no more than 4,300 digits at once."""
    if len(text) <= 4000:
        return int(text)
    half = len(text) // 2
    shift: int = 10**half
    return whole(text[:-half]) * shift + whole(text[-half:])


def fraction(value: float) -> Fraction:
    """The number that a float stands for."""
    return Fraction(*value.ratio) if isinstance(value, Nearest) else Fraction(value)


def exact(point: Mapping[str, float]) -> dict[str, dict[str, str]]:
    """For a document: the texts of the numbers that their floats do not say, as `{"exact": ...}`."""
    texts = {
        name: text
        for name, value in point.items()
        if isinstance(value, Nearest) and (text := printed(value)) != repr(float(value))
    }
    return {"exact": texts} if texts else {}


def printed(value: float) -> str:
    """The shortest text of a float, or, of a number that this text does not say, all its digits."""
    if not isinstance(value, Nearest):
        return repr(value)
    above, below = value.ratio
    common = gcd(above, below)
    above, below = above // common, below // common
    if as_printed(value) == (above, below):
        return repr(float(value))
    twos = (below & -below).bit_length() - 1
    fives, rest = 0, below >> twos
    while rest % 5 == 0:
        fives, rest = fives + 1, rest // 5
    if rest != 1:
        return f"{above}/{below}"
    places = max(twos, fives)
    digits = Decimal(above * 10**places // below).scaleb(-places, Context(prec=10**9))
    return str(digits)
