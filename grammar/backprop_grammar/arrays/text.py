"""Arrays as people read them: in columns, on a line, and in a summary where they are large.

A number is never cut: elements are left out, and `…` says so.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from ..numbers.decimal import decimal, exact_decimal
from ..numbers.wide import Number, Wide, as_float
from ..operations.shape import said
from .record import Tensor

__all__ = [
    "MOST",
    "columns",
    "corner",
    "extremes",
    "indents",
    "inline",
    "is_large",
    "norm",
    "summary",
    "text_of",
]

MOST = 6
"""Rows, or columns, of the largest array that is written out."""

KEPT = 3
"""Rows and columns that are kept of a larger one, beside the last."""

ELLIPSIS = "…"
UNUSED = "unused"
"""Stands for an element of a branch that is not evaluated."""


def is_large(tensor: Tensor) -> bool:
    """Whether an array has more rows or columns than are written out."""
    return any(n > MOST for n in tensor.shape)


def corner(n: int) -> list[int | None]:
    """The places along an axis that are written, None for those between them that are left out."""
    return list(range(n)) if n <= MOST else [*range(KEPT), None, n - 1]


def text_of(number: Number | None, digits: int) -> str:
    """An element: its number, or `unused`."""
    return UNUSED if number is None else decimal(number, digits)


def columns(
    tensor: Tensor,
    digits: int,
    everything: bool = False,
    text: Callable[[Number | None, int], str] = text_of,
    ellipsis: str = ELLIPSIS,
) -> list[str]:
    """An array as lines of one width, a row each, its columns aligned at the points.

    A vector is one line; of a large array its corner is shown unless everything is asked for.
    text: what is written for an element. ellipsis: for those that are left out.
    """
    shape = tensor.shape
    rows, width = (shape[0], shape[1]) if len(shape) == 2 else (1, *(shape or (1,)))
    across = list(range(width)) if everything else corner(width)
    down = list(range(rows)) if everything else corner(rows)
    cells = [
        [
            ellipsis if i is None or j is None else text(tensor.numbers[i * width + j], digits)
            for i in down
        ]
        for j in across
    ]
    return ["  ".join(line) for line in zip(*map(aligned, cells), strict=True)]


def aligned(texts: Sequence[str]) -> list[str]:
    """Numbers below each other, their points too; words between them; all of one width."""
    heads = [before_point(text) for text in texts]
    left = max(heads)
    padded = [" " * (left - head) + text for head, text in zip(heads, texts, strict=True)]
    width = max([*map(len, texts), *(len(one) for one, head in zip(padded, heads, strict=True) if head)])  # fmt: skip
    return [
        one.ljust(width) if head else text.center(width)
        for one, text, head in zip(padded, texts, heads, strict=True)
    ]


def before_point(text: str) -> int:
    """How many characters stand before the point, or would; 0 of what is no number."""
    found = re.match(r"-?\d+", text)
    return found.end() if found else 0


def indents(cells: Sequence[Sequence[str]]) -> list[int]:
    """How far arrays in columns, the lines of a cell each, are moved to the right in a column of
    them, so that the points of their first numbers stand below each other.
    """
    found = [
        [re.match(r" *-?\d+", line) for line in cell if ", " not in line]  # which is a summary
        for cell in cells
    ]
    leads = [max((one.end() for one in cell if one), default=0) for cell in found]
    return [max(leads) - lead if lead else 0 for lead in leads]


def inline(
    tensor: Tensor,
    digits: int,
    everything: bool = False,
    text: Callable[[Number | None, int], str] = text_of,
) -> str:
    """An array on a line, as programs write it: [[1, 2], [3, 4]].

    A large one is its summary unless everything is asked for. text: what is written for an element.
    """
    if is_large(tensor) and not everything:
        return summary(tensor, digits)
    texts = [text(x, digits) for x in tensor.numbers]
    if not tensor.shape:
        return texts[0]
    if len(tensor.shape) == 1:
        return f"[{', '.join(texts)}]"
    width = tensor.shape[1]
    rows = [", ".join(texts[k : k + width]) for k in range(0, len(texts), width)]
    return f"[{', '.join(f'[{row}]' for row in rows)}]"


def summary(tensor: Tensor, digits: int) -> str:
    """Shape, range and norm: 128x10, -0.00779103 to 0.00544858, norm 0.0888726; or 8x8, all 1."""
    shape = said(tensor.shape) + " numbers" * (len(tensor.shape) == 1)
    ends, length = extremes(tensor), norm(tensor)
    if not ends:
        return shape
    if ends[0] == ends[1] and None not in tensor.numbers:
        return f"{shape}, all {decimal(ends[0], digits)}"
    text = f"{shape}, {decimal(ends[0], digits)} to {decimal(ends[1], digits)}"
    return text if length is None else f"{text}, norm {decimal(length, digits)}"


def only_floats(tensor: Tensor) -> bool:
    """Whether all numbers of an array are plain floats."""
    return set(map(type, tensor.numbers)) == {float}


def extremes(tensor: Tensor) -> tuple[Number, Number] | None:
    """The least and the largest number; None where there is none."""
    floats: Any = tensor.numbers
    if only_floats(tensor):
        return min(floats), max(floats)
    numbers = [x for x in tensor.numbers if x is not None and (not isinstance(x, Wide) or x.exists)]
    if not numbers:
        return None
    key: Any = exact_decimal if any(isinstance(x, Wide) for x in numbers) else as_float
    return min(numbers, key=key), max(numbers, key=key)


def norm(tensor: Tensor) -> float | None:
    """The length of all numbers as one vector; None where some are missing, or it overflows."""
    if only_floats(tensor):
        length = math.hypot(*tensor.numbers)  # type: ignore[arg-type]
        return length if math.isfinite(length) else None
    floats = [None if x is None else as_float(x) for x in tensor.numbers]
    known = [x for x in floats if x is not None]
    length = math.hypot(*known)
    return length if len(known) == len(floats) and math.isfinite(length) else None
