"""Columns of decimals: floats that stand for the numbers of a text.

A float's shortest text is the number that it stands for, unless its own text says another one. To
floats that is half an ulp of error, to double-doubles it is a second part, and to `eval` it is the
number itself. Whole numbers, quarters and the like have no error.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..language.nearest import Nearest, literal
from ..numbers.ball import UNIT
from .double_double import Triple, ratio, two_product
from .ufuncs import Column

__all__ = ["Decimals", "second_parts"]

PLACES = 22
"""The largest power of ten that is a float."""
FEW = 64
"""Rows that are looked at before all are."""


@dataclass(frozen=True, slots=True)
class Decimals:
    """A column of decimals.

    values: the nearest floats. texts: of each row, what it says where it is not the shortest text
    of its float, which ``longer`` tells; None where there is no such row.
    """

    values: Column
    longer: Column | None = None
    texts: Any = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, here: slice | list[int]) -> "Decimals":
        if self.longer is None:
            return Decimals(self.values[here])
        return Decimals(self.values[here], self.longer[here], self.texts[here])

    def number(self, row: int) -> float:
        """The number of a row."""
        value = float(self.values[row])
        if self.longer is not None and self.longer[row]:
            return literal(str(self.texts[row]))
        return literal(repr(value))

    @np.errstate(all="ignore")
    def short(self, at: Any) -> Column:
        """Which of some rows are certainly floats: whole numbers and short binary fractions."""
        x = self.values[at]
        parts = x * 1024.0
        short: Column = (parts == np.rint(parts)) & (np.abs(x) < 1e5)
        return short if self.longer is None else short & ~self.longer[at]

    def exact(self, here: slice) -> bool:
        """Whether all rows of a chunk are such numbers."""
        first = slice(here.start, min(here.start + FEW, here.stop))
        return bool(self.short(first).all() and self.short(here).all())

    def floats(self, at: Column) -> Triple:
        """Some rows as floats with their errors."""
        x = self.values[at]
        error = np.where(self.short(at), 0.0, np.abs(x) * UNIT + 5e-324)
        return x, 0.0, error if error.any() else 0.0

    def doubles(self, at: Column) -> Triple:
        """Some rows as double-doubles."""
        x = self.values[at]
        low, error, known = second_parts(x)
        if self.longer is not None:
            known &= ~self.longer[at]
        for k in np.flatnonzero(~known).tolist():
            number = self.number(int(at[k]))
            _, low[k], error[k] = ratio(*number.ratio) if isinstance(number, Nearest) else (0, 0, 0)
        return x, low if low.any() else 0.0, error if error.any() else 0.0


@np.errstate(all="ignore")
def second_parts(x: Column) -> tuple[Column, Column, Column]:
    """How far the shortest texts of floats are from them, with bounds, and for which this tells.

    The shortest text has the fewest places with which the nearest number is read as the float.
    """
    low, error = np.zeros(len(x)), np.zeros(len(x))
    known = (x == np.rint(x)) & (np.abs(x) < 1e15)
    rest = np.flatnonzero(~known & (np.abs(x) < 1e15))
    for places in range(1, PLACES + 1):
        if not len(rest):
            break
        ten = 10.0**places
        value = x[rest]
        product, lost = two_product(value, ten)
        whole = np.rint(product)
        off = ((whole - product) + np.rint((product - whole) + lost)) - lost
        room = np.spacing(np.abs(value)) * (0.5 * ten)  # from one float to what is read as it
        inside = np.abs(off) < np.where(np.abs(np.frexp(value)[0]) == 0.5, 0.49, 0.99) * room
        found = rest[inside]
        low[found] = off[inside] / ten
        error[found] = np.abs(low[found]) * 2.0**-50
        known[found] = True
        rest = rest[np.abs(off) > 1.01 * room]  # what is in between is not told
    return low, error, known
