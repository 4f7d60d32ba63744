"""Lines run over few rows, alike ones at once.

What a line costs over a few hundred rows is the calls, not the numbers. So lines of one operation
that wait for nothing but earlier ones are computed together, their columns one above the other: the
kernels are those of ``bounded``, element by element, and so are the numbers.

What is the same in all rows, such as the weights of a net, is one number.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..operations.row import Operation
from .bounded import BoundedRows, Kernels, computed
from .double_double import Triple, some
from .lines import Kind, StraightLine

__all__ = ["Order", "StackedRows", "order_of"]


class Group(NamedTuple):
    """Lines of one operation that are computed together; of none, those that are run singly.

    operands: of each place, the lines of all.
    """

    kind: Operation | Kind | None
    lines: Sequence[int]
    operands: Sequence[Sequence[int]] = ()


class Order(NamedTuple):
    """Lines in an order in which they can be computed.

    waves: lines that need only those of earlier waves, by operation. groups: what is alike among
    these, and is stacked, from the first rows on.
    """

    waves: list[Group]
    groups: list[Group]


def order_of(straight: StraightLine, live: Sequence[bool], kernels: Kernels) -> Order:
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
    return Order([Group(kind, lines) for wave in found for kind, lines in wave.items()], [])


class StackedRows(BoundedRows):
    """The numbers and the masks of all live lines for some rows; see BoundedRows."""

    @np.errstate(all="ignore")
    def __init__(
        self,
        straight: StraightLine,
        order: Order,
        columns: Mapping[str, Triple],
        rows: int,
        known: Mapping[int, Triple],
        kernels: Kernels,
    ) -> None:
        """Order: of the lines that matter. Other parameters as of BoundedRows."""
        self.straight, self.rows, self.kernels = straight, rows, kernels
        self.numbers, self.masks = dict(known), {}
        self.constant = known.keys()
        if order.groups:
            for group in order.groups:
                self.run_group(group, columns)
            return
        for wave in order.waves:
            for group in self.alike(wave):
                self.run_group(group, columns)
                order.groups.append(group)

    def run_group(self, group: Group, columns: Mapping[str, Triple]) -> None:
        """Compute lines of one operation."""
        if group.kind is None:
            for line in group.lines:
                self.run(line, columns)
            return
        given = [self.stacked(lines) for lines in group.operands]
        stack = computed(self.kernels, group.kind, given)
        self.numbers.update(
            zip(group.lines, parts(stack, len(group.lines), self.rows), strict=True)
        )

    def alike(self, wave: Group) -> list[Group]:
        """The lines of a wave by what their operands have in common."""
        if wave.kind is None:
            return [wave]
        found: dict[tuple[object, ...], list[int]] = {}
        for line in wave.lines:
            operands = self.straight.lines[line].operands
            found.setdefault(tuple(map(self.likeness, operands)), []).append(line)
        return [
            Group(wave.kind, lines, list(zip(*[self.straight.lines[k].operands for k in lines], strict=True)))
            for lines in found.values()
        ]  # fmt: skip

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
        if not any(map(some, some_parts)):
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
