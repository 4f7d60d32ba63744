"""Lines run over few rows, alike ones at once.

What a line costs over a few hundred rows is the calls, not the numbers. So lines of one operation
that wait for nothing but earlier ones are computed together, their columns one above the other: the
kernels are those of ``bounded``, element by element, and so are the numbers.

What is the same in all rows, such as the weights of a net, is one number.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..operations.row import Operation
from .bounded import BoundedRows, Kernels, computed
from .double_double import Triple, some
from .lines import Kind, StraightLine

__all__ = ["StackedRows", "waves"]

Wave = list[tuple[Operation | Kind | None, list[int]]]
"""Lines that need only those of earlier waves, by operation; None of those that are run singly."""


def waves(straight: StraightLine, live: Sequence[bool], kernels: Kernels) -> list[Wave]:
    """The lines that matter, each in the first wave in which it can be computed."""
    depth = [0] * len(straight.lines)
    found: list[dict[Operation | Kind | None, list[int]]] = []
    for line, (kind, operands, _) in enumerate(straight.lines):
        if not live[line] or kind is Kind.CONSTANT:
            continue
        depth[line] = 1 + max([depth[k] for k in operands], default=-1)
        while len(found) <= depth[line]:
            found.append({})
        together = isinstance(kind, Operation) and (kind in kernels or kind.selects)
        found[depth[line]].setdefault(kind if together else None, []).append(line)
    return [list(wave.items()) for wave in found]


class StackedRows(BoundedRows):
    """The numbers and the masks of all live lines for some rows; see BoundedRows."""

    @np.errstate(all="ignore")
    def __init__(
        self,
        straight: StraightLine,
        order: Sequence[Wave],
        columns: Mapping[str, Triple],
        rows: int,
        known: Mapping[int, Triple],
        kernels: Kernels,
    ) -> None:
        """Order: the waves of the lines that matter. Other parameters as of BoundedRows."""
        self.straight, self.rows, self.kernels = straight, rows, kernels
        self.numbers, self.masks = dict(known), {}
        self.constant = known.keys()
        for wave in order:
            for kind, lines in wave:
                if kind is None:
                    for line in lines:
                        self.run(line, columns)
                else:
                    self.run_alike(kind, lines)

    def run_alike(self, kind: Operation | Kind, lines: Sequence[int]) -> None:
        """Compute lines of one operation."""
        alike: dict[tuple[object, ...], list[int]] = {}
        for line in lines:
            operands = self.straight.lines[line].operands
            alike.setdefault(tuple(map(self.likeness, operands)), []).append(line)
        for group in alike.values():
            columns = zip(*[self.straight.lines[line].operands for line in group], strict=True)
            given = [self.stacked(column) for column in columns]
            for line, number in zip(group, parts(computed(self.kernels, kind, given), len(group), self.rows), strict=True):  # fmt: skip
                self.numbers[line] = number

    def likeness(self, line: int) -> object:
        """What lines that are stacked have in common: which parts are 0 throughout, and whether they
        are columns; a constant is only like itself, as a power of two costs nothing.
        """
        if line in self.constant:
            return line
        high, low, error = self.numbers[line]
        return np.ndim(high) > 0, some(low), some(error)

    def stacked(self, lines: Sequence[int]) -> Triple:
        """The columns of lines that are alike, one above the other."""
        if lines[0] in self.constant:
            return self.numbers[lines[0]]
        high, low, error = zip(*[self.numbers[line] for line in lines], strict=True)
        return self.above(high), self.above(low), self.above(error)

    def above(self, some_parts: Sequence[Any]) -> Any:
        """Parts of numbers, one above the other."""
        if not some(some_parts[0]):
            return 0.0
        if all(np.ndim(part) == 0 for part in some_parts):
            return np.array(some_parts)[:, None]
        result = np.empty((len(some_parts), self.rows))
        for row, part in zip(result, some_parts, strict=True):
            row[...] = part
        return result


def parts(number: Triple, count: int, rows: int) -> Iterable[Triple]:
    """The numbers that are stacked in one."""
    return zip(*[split(part, count, rows) for part in number], strict=True)


def split(part: Any, count: int, rows: int) -> Iterable[Any]:
    """One part of them: a column each, or a number where that is the same in all rows."""
    if np.ndim(part) < 2:
        return [part] * count
    columns: Iterable[Any] = part[:, 0] if part.shape[1] == 1 < rows else part
    return columns
