"""Lines run over chunks of rows, as fast as memory allows.

Where the ranges of the columns tell that no row of a chunk can be wrong, nothing but the lines
themselves need be computed. Rows that stand too near a choice, and results too small for the bound
that holds for all, are handed back as suspects; what overflows, underflows or leaves a domain
raises a flag of the processor's, and hands back the whole chunk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..language.graph import reachable
from ..operations.row import Operation
from ..operations.table import ADD, DIV, MUL, NEG, OPERATIONS, SUB
from .error_ranges import PRODUCTS, Ends, Unknown, error_ranges, floors, told
from .lines import LEAVES, MASKS, Kind, StraightLine
from .ufuncs import COMPARISONS, Column, over_columns

__all__ = ["CHUNK", "Chunks", "live_lines", "most_rows"]

CHUNK = 16_384
"""Rows of a chunk: a dozen columns of them stay in a processor's second cache."""

NUMBERS = 2**25
"""About how many numbers of the lines are held at once."""


def most_rows(most: int, lines: int) -> int:
    """How many rows of so many lines are computed at once."""
    return max(1, min(most, NUMBERS // max(1, lines)))


Box = dict[int, Ends]
"""The ranges of the lines that are measured."""


class Check(NamedTuple):
    """A line that may not be close to 0, nor above it where it is ordered; or two, to each other; or
    a max or min, to two of its operands, which follow it.
    """

    lines: tuple[int, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds while the measured lines stay in a box, and no further columns are inexact.

    near: per check, how close two lines may not be. floors: of lines, how small they may not be.
    spreads: of results that are summed, the relative and the absolute error, both at most.
    """

    box: Box
    inexact: frozenset[str]
    near: list[float]
    floors: dict[int, float]
    spreads: list[tuple[float, float]]

    def holds(self, box: Box, inexact: frozenset[str]) -> bool:
        """Whether a box lies in this one."""
        known = self.box
        return inexact <= self.inexact and all(
            known[k][0] <= low and high <= known[k][1] for k, (low, high) in box.items()
        )


def extent(column: Column) -> Ends:
    """The least and the largest number of a column."""
    return float(np.minimum.reduce(column)), float(np.maximum.reduce(column))


FEW = 16
"""Lines that are measured one by one as they are asked for, each of which takes a round over all."""

Fill = Callable[[Sequence[Column], object, Column], object]
"""What writes a line's column from those of its operands, given its ``what``."""


class Step(NamedTuple):
    """One line made ready: what computes it, from which lines, and where it is written.

    function: one of NumPy's, of one or two columns; or what fills the line's column.
    """

    line: int
    function: np.ufunc | Fill
    operands: tuple[int, ...]
    what: object
    place: int


class Unmeasured(Exception):
    """The range of a line is asked for that is not measured yet."""


class Chunks:
    """Lines made ready: which buffer every one is written to, what is checked and measured."""

    def __init__(self, straight: StraightLine, summed: bool = False) -> None:
        """Summed: whether a bound on each result is enough, for it is only added up."""
        self.straight, self.summed = straight, summed
        self.checks = checks_of(straight)
        watched = [k for check in self.checks for k in check.lines]
        poles = [kink.line for kink in straight.kinks if kink.kind == "pole"]
        self.live = live_lines(straight, [*straight.results, *watched, *poles])
        lines = [line for line in enumerate(straight.lines) if self.live[line[0]]]
        self.hopeless = not all(told(kind) for _, (kind, _, _) in lines)
        target, count = buffers(
            straight, self.live, [*watched, *(() if summed else factors(straight))]
        )
        self.size = most_rows(CHUNK, len(lines))
        self.places = [np.empty(self.size) for _ in range(count)]  # then masks; then the results
        self.template: list[Any] = [None] * len(straight.lines)
        self.columns: list[tuple[int, str]] = []
        self.steps: list[Step] = []
        for line, (kind, operands, what) in lines:
            if kind is Kind.COLUMN:
                self.columns.append((line, str(what)))
            elif kind is Kind.CONSTANT:
                self.template[line] = what[0]  # type: ignore[index]
            elif kind in MASKS:
                self.steps.append(Step(line, FILLS[kind], operands, what, len(self.places)))
                self.places.append(np.empty(self.size, dtype=bool))
            else:
                function = FILLS[kind] if isinstance(kind, Kind) else filled(kind)
                self.steps.append(Step(line, function, operands, what, target[line]))
        self.measured: set[int] = set()
        self.bare = bare_columns(straight, self.live, self.measured)
        self.bounds: Bounds | None = None

    def run(
        self,
        columns: Mapping[str, Column],
        inexact: frozenset[str],
        results: Sequence[Column],
    ) -> tuple[Column | None, list[tuple[float, float]]]:
        """Compute a chunk into ``results``. A mask of the suspect rows, None where none is; and the
        errors of results that are summed.

        inexact: columns of which the numbers are only nearest to what they stand for.

        Raises Unknown where all rows are suspect.
        """
        if self.hopeless:
            raise Unknown("line")
        while True:
            values, box = self.compute(columns, results)
            try:
                bounds = self.bounds_for(box, inexact)
                return self.suspects(values, bounds, len(results[0])), bounds.spreads
            except Unmeasured as unmeasured:
                self.measure(unmeasured.args[0])
                self.bare = bare_columns(self.straight, self.live, self.measured)
                self.bounds = None

    def measure(self, line: int) -> None:
        """Measure a line from now on; where there are many, all of its kind."""
        lines = self.straight.lines
        if len(self.measured) < FEW:
            self.measured.add(line)
        else:
            kind = lines[line].kind
            self.measured.update(
                k for k, live in enumerate(self.live) if live and lines[k].kind is kind
            )

    def compute(
        self, columns: Mapping[str, Column], results: Sequence[Column]
    ) -> tuple[list[Any], Box]:
        """The columns of the lines, and the ranges of those that are measured."""
        rows = len(results[0])
        places = self.places if rows == self.size else [place[:rows] for place in self.places]
        places = [*places, *reversed(results)]  # result k is place -1 - k
        values, box, measured = self.template.copy(), Box(), self.measured
        try:
            for line, name in self.columns:
                values[line] = column = columns[name]
                if line in self.bare and not np.isfinite(np.add.reduce(column)):
                    raise Unknown("missing")
                if line in measured:
                    box[line] = extent(column)
            for line, function, operands, what, place in self.steps:
                out = places[place]
                if type(function) is not np.ufunc:
                    function([values[k] for k in operands], what, out)
                elif len(operands) == 2:
                    function(values[operands[0]], values[operands[1]], out)
                else:
                    function(values[operands[0]], out)
                values[line] = out
                if line in measured:
                    box[line] = extent(out)
        except FloatingPointError:
            raise Unknown("flag") from None
        for result, line in zip(results, self.straight.results, strict=True):
            if values[line] is not result:
                result[...] = values[line]
        return values, box

    def bounds_for(self, box: Box, inexact: frozenset[str]) -> Bounds:
        """Bounds for a box: those that are known, else for the smallest box around both."""
        known = self.bounds
        if known is None:
            self.bounds = self.bounds_in(box, inexact)
            return self.bounds
        if known.holds(box, inexact):
            return known
        around = {
            k: (min(low, known.box[k][0]), max(high, known.box[k][1]))
            for k, (low, high) in box.items()
        }
        try:
            self.bounds = self.bounds_in(around, inexact | known.inexact)
        except Unknown:
            return self.bounds_in(box, inexact)
        return self.bounds

    def bounds_in(self, box: Box, inexact: frozenset[str]) -> Bounds:
        """The bounds for a box. Raises Unknown where there are none."""

        def measured(line: int) -> Ends:
            if line not in box:
                raise Unmeasured(line)
            return box[line]

        try:
            ranges = error_ranges(self.straight, self.live, measured, inexact)
            errors = {
                k: known.error for check in self.checks for k in check.lines if (known := ranges[k])
            }
            least: dict[int, float] = {}
            for k in () if self.summed else self.straight.results:
                for line, size in floors(ranges, k).items():
                    least[line] = max(size, least.get(line, 0.0))
            spreads = [
                (known.relative, known.absolute if known.poles else 0.0)
                for k in self.straight.results
                if self.summed and (known := ranges[k])
            ]
        except (ArithmeticError, ValueError):
            raise Unknown("range") from None
        near = [
            sum(errors[k] for k in check.lines)
            if len(check.lines) < 3
            else 2 * max(errors[k] for k in check.lines)
            for check in self.checks
        ]
        return Bounds(box, inexact, near, least, spreads)

    def suspects(self, values: list[Any], bounds: Bounds, rows: int) -> Column | None:
        """The rows that the bounds do not cover."""
        suspect: Column | None = None
        for (lines, ordered), near in zip(self.checks, bounds.near, strict=True):
            difference = values[lines[0]]
            with np.errstate(over="ignore"):  # as far apart as can be
                if len(lines) > 2:
                    mask = (
                        np.sum([np.abs(difference - values[k]) <= near for k in lines[1:]], 0) > 1
                    )
                else:
                    if len(lines) > 1:
                        difference = difference - values[lines[1]]
                    mask = difference >= -near if ordered else np.abs(difference) <= near
            suspect = mask if suspect is None else suspect | mask
        for line, size in bounds.floors.items():
            mask = np.abs(values[line]) < size
            suspect = mask if suspect is None else suspect | mask
        if suspect is None or not np.any(suspect):
            return None
        return np.broadcast_to(suspect, rows)


def checks_of(straight: StraightLine) -> list[Check]:
    """What the rows are checked for."""
    checks: dict[Check, None] = {}
    for kind, operands, _ in straight.lines:
        if kind is Kind.COMPARE:
            checks[Check(operands[:1] if straight.number(operands[1]) == 0 else operands)] = None
    for line, kink, _ in straight.kinks:
        kind, operands, _ = straight.lines[line]
        if kink == "tie":
            checks[Check(operands if len(operands) == 2 else (line, *operands))] = None
        elif kink == "boundary" and kind is SUB:
            checks[Check(operands)] = None
        elif kink != "pole":
            checks[Check((line,), kink == "order")] = None
    return list(checks)


def live_lines(straight: StraightLine, roots: Sequence[int]) -> list[bool]:
    """Which lines the roots are computed from."""
    return reachable([line.operands for line in straight.lines], roots)


def bare_columns(straight: StraightLine, live: Sequence[bool], measured: set[int]) -> set[int]:
    """The columns whose missing and infinite numbers no measured line would show."""
    shown = set(measured)
    for line in range(len(live) - 1, -1, -1):
        kind, operands, _ = straight.lines[line]
        if line in shown and live[line] and kind in (ADD, SUB, MUL, NEG):
            shown.update(operands)
    columns = {k for k, line in enumerate(straight.lines) if line.kind is Kind.COLUMN and live[k]}
    return columns - shown


def factors(straight: StraightLine) -> list[int]:
    """The lines that results are products of and that may be much smaller than their terms."""
    reached = set(straight.results)
    for line in range(len(straight.lines) - 1, -1, -1):
        kind, operands, _ = straight.lines[line]
        if line in reached and kind in PRODUCTS:
            reached.remove(line)
            reached.update(operands)
    relative = positive(straight)
    return [k for k in reached - relative if straight.lines[k].kind not in RELATIVE]


def positive(straight: StraightLine) -> set[int]:
    """Lines of numbers that are not negative, made of such numbers by what keeps errors relative."""
    lines: set[int] = set()
    for line, (kind, operands, what) in enumerate(straight.lines):
        if kind is Kind.CONSTANT:
            here = what[0] >= 0  # type: ignore[index]
        elif kind in (ADD, MUL, DIV):
            here = lines.issuperset(operands)
        else:
            here = kind is EXP
        if here:
            lines.add(line)
    return lines


EXP = OPERATIONS["exp"]
RELATIVE = LEAVES | MASKS | {Kind.SHARE, Kind.TIES, EXP, OPERATIONS["sqrt"]}
"""Lines whose errors are relative, whatever they are computed from."""


def buffers(
    straight: StraightLine, live: Sequence[bool], kept: Sequence[int]
) -> tuple[list[int], int]:
    """Where each line is written: a buffer's number, or -1 - k for result k; and how many buffers.

    A buffer is used again when no later line reads it. kept: lines that are looked at in the end.
    """
    lines, results = straight.lines, straight.results
    last = {line: line for line, alive in enumerate(live) if alive}
    for line, (_, operands, _) in enumerate(lines):
        if live[line]:
            last.update(dict.fromkeys(operands, line))
    end = len(lines)
    last.update(dict.fromkeys(kept, end))
    last.update(dict.fromkeys(results, end))
    target = [0] * end
    free: list[int] = []
    count = 0
    elsewhere = MASKS | LEAVES
    for line, (kind, operands, _) in enumerate(lines):
        if not live[line] or kind in elsewhere:
            continue
        dying = {
            target[k]
            for k in operands
            if last[k] == line and target[k] >= 0 and lines[k].kind not in elsewhere
        }
        if line in results:
            target[line] = -1 - results.index(line)
        elif dying and isinstance(kind, Operation) and len(operands) <= 2:
            target[line] = dying.pop()  # elementwise: it may be written over what it reads
        elif free:
            target[line] = free.pop()
        else:
            target[line] = count
            count += 1
        free.extend(dying)
    return target, count


# What fills a column, where it is no function of NumPy's


def filled(operation: Operation) -> np.ufunc | Fill:
    """What computes the column of an operation."""
    call, ufunc, _ = over_columns(operation)
    if ufunc is None:

        def fill(given: Sequence[Column], _what: object, out: Column) -> None:
            out[...] = call(*given)

        return fill
    if not operation.variadic:
        return ufunc

    def fill_pairwise(given: Sequence[Column], _what: object, out: Column) -> None:
        ufunc(given[0], given[1], out=out)
        for column in given[2:]:
            ufunc(out, column, out=out)

    return fill_pairwise


def select(given: Sequence[Column], _what: object, out: Column) -> None:
    mask, then, otherwise = given  # products are several times faster than a masked copy
    np.copyto(out, mask)
    np.multiply(out, then, out=out)
    np.add(out, np.multiply(otherwise, ~mask), out=out)


def gate(given: Sequence[Column], _what: object, out: Column) -> None:
    np.copyto(out, given[0])
    np.multiply(out, given[1], out=out)


def share(given: Sequence[Column], what: object, out: Column) -> None:
    assert isinstance(what, int)
    np.copyto(out, np.equal(given[1], given[0]))  # ties are suspects
    if what != 1:
        np.divide(out, what, out=out)


FILLS: dict[Operation | Kind, Fill] = {
    Kind.SELECT: select,
    Kind.GATE: gate,
    Kind.SHARE: share,
    Kind.TIES: lambda _given, _what, out: out.fill(1.0),
    Kind.COMPARE: lambda given, what, out: COMPARISONS[str(what)](*given, out=out),
    Kind.NOT: lambda given, _, out: np.logical_not(given[0], out=out),
    Kind.AND: lambda given, _, out: np.logical_and(given[0], given[1], out=out),
    Kind.OR: lambda given, _, out: np.logical_or(given[0], given[1], out=out),
    Kind.NONZERO: lambda given, _, out: np.not_equal(given[0], 0, out=out),
}
