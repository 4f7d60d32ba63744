"""A program at many points.

Four ways to the same certificate, each slower and surer than the one before. Chunks of rows whose
ranges tell that nothing can go wrong; rows with bounds of their own, over floats and then over
double-doubles; and single points over wider numbers, as `eval` does it. A row is handed on until it
is right or refused.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..errors import BackpropError, shorten, usage
from ..language.graph import Graph
from ..numbers.binary64 import TOLERANCE
from ..numbers.float64 import SMALL
from ..passes.run import Target, check_bound
from ..trace.evaluate import results
from ..trace.point import unknown_names
from ..trace.record import KINKS
from . import exact_sums as exact
from .bounded import DOUBLES, FLOATS, BoundedRows, Kernels, Outcome, Refuse, constants
from .certified import CHUNK, Chunks, live_lines
from .decimals import Decimals
from .double_double import SLACK, Triple, some
from .double_double import exact as as_triple
from .error_ranges import Unknown
from .straightline import straightline
from .ufuncs import Column

__all__ = ["Evaluator", "Mapped", "Rows", "Sums", "Table", "columns_of", "mapped"]

PIECE = 4_096
"""Rows of a piece of a chunk of which nothing is known as a whole."""
BLOCK = 16384
"""Suspect rows that are looked at together: a few columns of them stay in a processor's cache."""

RUNGS = FLOATS, DOUBLES


@dataclass(slots=True)
class Rows:
    """Value and gradients at some points, a float64 column each; NaN where there is none.

    gradients: by label. status: row -> why a number of it is missing. kinks: how many rows stand at
    a kink or a tie, where the gradient is a choice.
    """

    value: Column
    gradients: dict[str, Column]
    status: dict[int, str] = field(default_factory=dict)
    kinks: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of rows. count: how many there are."""

    columns: dict[str, Column | Decimals]
    count: int

    def chunk(self, here: slice) -> tuple[dict[str, Column], frozenset[str]]:
        """Some rows as floats, and which of the columns these are not exactly.

        Raises Unknown where such a number is too small for an error that is relative.
        """
        given = {name: floats(column)[here] for name, column in self.columns.items()}
        decimals = {k: column for k, column in self.columns.items() if isinstance(column, Decimals)}
        inexact = frozenset(k for k, column in decimals.items() if not column.exact(here))
        for name in inexact:
            if ((np.abs(given[name]) < SMALL) & (given[name] != 0)).any():
                raise Unknown("tiny")
        return given, inexact

    def numbers(self, at: Column, double: bool) -> dict[str, Triple]:
        """Some rows, over floats or double-doubles."""
        taken: dict[str, Triple] = {}
        for name, column in self.columns.items():
            if isinstance(column, Decimals):
                taken[name] = column.doubles(at) if double else column.floats(at)
            else:
                taken[name] = as_triple(column[at])
        return taken

    def point(self, row: int) -> dict[str, float]:
        """A row as a point; -0 is 0 there."""
        return {
            name: column.number(row) if isinstance(column, Decimals) else float(column[row]) + 0.0
            for name, column in self.columns.items()
        }

    def present(self, at: Any, refuse: Refuse) -> Column:
        """Those of some rows that have all their numbers."""
        at = np.asarray(at, dtype=np.intp)
        complete = np.ones(len(at), dtype=bool)
        for name, column in self.columns.items():
            taken = floats(column)[at]
            wrong = ~np.isfinite(taken) & complete
            for k in np.flatnonzero(wrong).tolist():
                why = "is missing" if np.isnan(taken[k]) else "is not finite"
                refuse(int(at[k]), f"{name} {why}")
            complete &= ~wrong
        those: Column = at[complete]
        return those


def floats(column: Column | Decimals) -> Column:
    """A column as floats."""
    return column.values if isinstance(column, Decimals) else column


class Point(NamedTuple):
    """The numbers of a row, and whether it stands at a kink."""

    results: list[float]
    kink: bool


@dataclass(slots=True)
class Sums:
    """Sums of the value and the gradients over the rows that have all of them.

    units: the sums, in units of ``exact_sums``. errors: bounds on how far each is from the truth.
    status: of the other rows, why a number is missing; numbers: what they have, NaN where there is
    none. kinks: how many rows stand at a kink or a tie.
    """

    rows: int
    units: list[int]
    errors: list[float]
    status: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, list[float]] = field(default_factory=dict)
    kinks: int = 0

    @property
    def unsure(self) -> list[int]:
        """Which of the sums are not certain to TOLERANCE."""
        pairs = zip(self.units, self.errors, strict=True)
        return [k for k, (units, error) in enumerate(pairs) if not exact.certain(units, error)]

    def refuse(self, row: int, why: str, numbers: Sequence[float] | float = np.nan) -> None:
        """Leave a row out."""
        self.status[row] = why
        self.numbers[row] = np.broadcast_to(numbers, len(self.units)).tolist()

    def add(self, outcome: Outcome, places: Iterable[int]) -> None:
        """Add the rows that are sure."""
        self.kinks += outcome.kinks
        sure = outcome.sure
        if not sure.any():
            return
        for k, (high, low, error) in zip(places, outcome.results, strict=True):
            for part in (high, low):
                if some(part):
                    self.units[k] += exact.total(np.broadcast_to(part, sure.shape)[sure])
            self.errors[k] += float(np.sum(error, where=sure)) * SLACK if some(error) else 0.0

    def settle(self, better: "Sums", only: Sequence[int]) -> None:
        """Take some of the sums from better ones where floats are wrong."""
        for k in only:
            found = self.units[k], better.units[k], better.errors[k]
            self.units[k], self.errors[k] = exact.settled(*found)

    def include(self, numbers: Sequence[float], places: Iterable[int]) -> None:
        """Add the numbers of a row that `eval` finds, as far as it has them."""
        for k in places:
            if not math.isnan(numbers[k]):
                self.units[k] += exact.total(np.array([numbers[k]]))
                self.errors[k] += abs(numbers[k]) * TOLERANCE


class Evaluator:
    """A program made ready for many points; each thread needs one of its own.

    labels: of the gradients. again: makes it anew; it is pickled as that.
    """

    again: Callable[[], "Evaluator"] | None = None

    def __reduce__(self) -> tuple[Callable[[], "Evaluator"], tuple[()]]:
        if self.again is None:
            raise TypeError("it is pickled where a program made it, as Program.mapper does")
        return self.again, ()

    def __init__(
        self,
        graph: Graph,
        columns: Sequence[str],
        at: Mapping[str, float],
        wrt: Sequence[str] = (),
        output: str = "",
    ) -> None:
        """Columns: the variables that vary; at: values of the others.

        wrt: names of the nodes to differentiate by; the columns when empty. output: the node to
        differentiate; the last stage when empty. Raises BackpropError for names that are unknown
        and for variables without a value.
        """
        unknown = [name for name in columns if name not in graph.variables]
        if unknown:
            raise unknown_names(graph, unknown)
        self.at = {k: value for k, value in {**graph.inputs, **at}.items() if k not in columns}
        self.target = Target(graph, list(wrt) or list(dict.fromkeys(columns)), output)
        self.labels = tuple(self.target.labels)
        check_bound(graph, {**self.at, **dict.fromkeys(columns, 0.0)}, self.target.needed)
        needed = self.target.needed
        self.columns = tuple(n for n in dict.fromkeys(columns) if needed[graph.variables[n]])
        self.straight = straight = straightline(self.target, self.columns, self.at)
        self.chunks = Chunks(straight)
        watched = [line for kink in straight.kinks for line in (kink.line, kink.live)]
        guarded = [line for guard in straight.guards for line in guard.operands]
        roots = [*straight.results, *guarded, *(line for line in watched if line is not None)]
        self.live = live_lines(straight, roots)
        self.constants: dict[int, Triple] | None = None
        self.summed: Chunks | None = None

    def __call__(self, columns: Mapping[str, Any], into: Rows | None = None) -> Rows:
        """Evaluate rows: columns of numbers, of one length. NaN stands for a missing number.

        What varies between calls only is a column, too: one number, broadcast. into: whose columns
        are written, of that length, instead of new ones. Raises BackpropError for a column that is
        missing, that is no list of numbers, or of another length.
        """
        table = self.taken(columns)
        if into is None:
            results = [np.empty(table.count) for _ in self.straight.results]
        else:
            results = [into.value, *(into.gradients[label] for label in self.labels)]
        rows = Rows(results[0], dict(zip(self.labels, results[1:], strict=True)))

        def refuse(row: int, why: str, numbers: Sequence[float] | float = np.nan) -> None:
            rows.status[row] = why
            for result, number in zip(results, np.broadcast_to(numbers, len(results)), strict=True):
                result[row] = number

        suspects: list[Column] = []
        for here in chunks(table.count):
            suspects += self.compute(self.chunks, here, table, [column[here] for column in results])
        at = table.present(joined(suspects), refuse)
        for kernels in RUNGS:
            rest: list[Column] = []
            for block in blocks(at):
                outcome = self.look_at(block, table, kernels)
                for result, column in zip(results, outcome.results, strict=True):
                    result[block] = column[0]
                rows.kinks += outcome.kinks
                rest.append(outcome.rest(block, refuse))
            at = joined(rest)
        for row in at.tolist():
            numbers = self.point(row, table, refuse)
            if numbers is not None:
                rows.kinks += numbers.kink
                for result, number in zip(results, numbers.results, strict=True):
                    result[row] = number
        return rows

    def sums(self, columns: Mapping[str, Any]) -> Sums:
        """The sums of the value and the gradients over rows, as floats give them; see ``__call__``."""
        table = self.taken(columns)
        sums = Sums(
            table.count, [0] * len(self.straight.results), [0.0] * len(self.straight.results)
        )
        self.summed = self.summed or Chunks(self.straight, summed=True)
        results = [np.empty(CHUNK) for _ in self.straight.results]
        suspects: list[Column] = []
        for here in chunks(table.count):
            into = [column[: here.stop - here.start] for column in results]
            some = joined(self.compute(self.summed, here, table, into, sums.errors))
            suspects.append(some)
            for k, column in enumerate(into):
                column[some - here.start] = 0.0
                sums.units[k] += exact.total(column)
        self.add(sums, table, joined(suspects), RUNGS)
        return sums

    def exactly(self, sums: Sums, columns: Mapping[str, Any], only: Sequence[int]) -> Sums:
        """Some of the sums over double-doubles, where floats leave them unsure."""
        table, count = self.taken(columns), len(sums.units)
        better = Sums(table.count, [0] * count, [0.0] * count)
        rows = np.delete(np.arange(table.count), list(sums.status))
        self.add(better, table, rows, RUNGS[1:], only)
        if not set(better.unsure).isdisjoint(only):
            better = Sums(table.count, [0] * count, [0.0] * count)
            self.add(better, table, rows, RUNGS[1:], only, summed=False)
        return better

    def add(
        self,
        sums: Sums,
        table: Table,
        rows: Column,
        rungs: Sequence[Kernels],
        only: Sequence[int] = (),
        summed: bool = True,
    ) -> None:
        """Add rows to sums, each with a bound of its own.

        only: to these; to all when empty. summed: whether any bound will do; else what is not
        certain by itself is computed as `eval` does it, unless that is too much.
        """
        places = only or range(len(sums.units))
        at = table.present(rows, sums.refuse)
        for kernels in rungs:
            rest: list[Column] = []
            for block in blocks(at):
                outcome = self.look_at(block, table, kernels, only, summed)
                sums.add(outcome, places)
                rest.append(outcome.rest(block, sums.refuse))
            at = joined(rest)
        if not summed and len(at) > BLOCK:
            self.add(sums, table, at, rungs, only)
            return
        for row in at.tolist():
            numbers = self.point(row, table, sums.refuse)
            if numbers is not None:
                sums.kinks += numbers.kink and not only
                sums.include(numbers.results, places)

    def taken(self, columns: Mapping[str, Any]) -> Table:
        """The columns that are used. Raises BackpropError as ``__call__`` does."""
        for name in self.columns:
            if name not in columns:
                raise usage(
                    f"the column {shorten(name)} is missing", "give each column its numbers"
                )
        given = {name: column_of(name, columns[name]) for name in self.columns}
        check_lengths(given)
        first = next(iter((given or columns).values()), ())
        return Table(given, np.size(first) if isinstance(first, tuple | list) else len(first))

    def compute(
        self,
        chunks: Chunks,
        here: slice,
        table: Table,
        results: Sequence[Column],
        errors: list[float] | None = None,
    ) -> list[Column]:
        """Evaluate a chunk, in pieces where nothing is known of it; the rows that are suspect.

        errors: to which bounds on the errors of the sums of the others are added.
        """
        start, stop = here.start, here.stop
        try:
            with np.errstate(over="raise", under="raise", divide="raise", invalid="raise"):
                mask, spreads = chunks.run(*table.chunk(here), results)
        except Unknown:
            if stop - start <= PIECE:
                return [np.arange(start, stop)]
            return [
                rows
                for k in range(start, stop, PIECE)
                for rows in self.compute(
                    chunks,
                    slice(k, min(k + PIECE, stop)),
                    table,
                    [column[k - start : k - start + PIECE] for column in results],
                    errors,
                )
            ]
        if errors is not None:
            for k, (relative, absolute) in enumerate(spreads):
                size = math.sqrt((stop - start) * float(np.einsum("i,i", results[k], results[k])))
                errors[k] += (size * relative + (stop - start) * absolute) * SLACK
        return [] if mask is None else [np.flatnonzero(mask) + start]

    def look_at(
        self,
        at: Column,
        table: Table,
        kernels: Kernels,
        only: Sequence[int] = (),
        summed: bool = False,
    ) -> Outcome:
        """Evaluate some rows with bounds of their own. only: these results; see ``Outcome``."""
        if self.constants is None:
            self.constants = constants(self.straight)
        straight = self.straight
        results = [straight.results[k] for k in only] or straight.results
        live = live_lines(straight, results) if only else self.live
        taken = table.numbers(at, kernels is DOUBLES)
        rows = BoundedRows(straight, live, taken, len(at), self.constants, kernels)
        return rows.outcome(results, summed, not only)

    def point(self, row: int, table: Table, refuse: Refuse) -> Point | None:
        """Evaluate one row as `eval` does."""
        try:
            with np.errstate(all="ignore"):
                numbers = results(self.target, {**self.at, **table.point(row)})
        except BackpropError as error:
            refuse(row, error.message)
            return None
        found = [numbers.value, *(numbers.gradients[label] for label in self.labels)]
        floats = [np.nan if number is None else float(number) for number in found]
        kink = any(note.kind in KINKS for note in numbers.notes)
        if numbers.flags:
            refuse(row, numbers.flags[0].message, floats)
            return None
        return Point(floats, kink)


def chunks(count: int) -> Iterator[slice]:
    """So many rows, a chunk at a time."""
    return (slice(k, min(k + CHUNK, count)) for k in range(0, count, CHUNK))


def blocks(at: Column) -> Iterator[Column]:
    """Rows, a block at a time."""
    return (at[k : k + BLOCK] for k in range(0, len(at), BLOCK))


def joined(rows: Sequence[Column]) -> Column:
    """Numbers of rows in one column."""
    return np.concatenate([np.empty(0, dtype=np.intp), *rows])


@dataclass(frozen=True, slots=True)
class Mapped:
    """Value and gradients at many points, a NumPy array each; NaN where there is none.

    gradients: by name. status: per point, why a number is missing; an empty text where none is.
    kinks: at how many points a gradient is a choice.
    """

    value: Column
    gradients: dict[str, Column]
    status: Column
    kinks: int


def columns_of(
    values: Mapping[str, Any],
) -> tuple[dict[str, Column | Decimals], dict[str, Any]]:
    """Arrays of floats and columns of decimals, of one length, and what is no column but one value.

    Raises BackpropError for what is no column of numbers.
    """
    columns, others = dict[str, Column | Decimals](), dict[str, Any]()
    for name, given in values.items():
        many = hasattr(given, "__len__") and getattr(
            given, "ndim", True
        )  # not an array of one number
        if many and not isinstance(given, str | bytes):
            columns[name] = column_of(name, given)
        else:
            others[name] = given
    if not columns:
        raise usage("no column is given", 'write {"x": [1.0, 2.0]}')
    check_lengths(columns)
    return columns, others


def column_of(name: str, given: Any) -> Column | Decimals:
    """A column as floats, or as the decimals it is; a masked number is a missing one. Raises BackpropError for what is none."""
    if isinstance(given, Decimals) or (
        type(given) is np.ndarray and given.dtype == np.float64 and given.ndim == 1
    ):
        return given
    try:
        array = np.ma.asarray(given) if np.ma.isMaskedArray(given) else np.asarray(given)
    except ValueError:
        array = np.empty((0, 0))
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        message = f"the column {shorten(name)} is not a list of real numbers"
        raise usage(message, "give one number per point")
    column = array.astype(np.float64, copy=False)
    return np.ma.filled(column, np.nan)


def check_lengths(columns: Mapping[str, Column | Decimals]) -> None:
    """Raise BackpropError unless the columns are of one length."""
    first = ""
    for name, column in columns.items():
        first = first or name
        if len(column) != len(columns[first]):
            lengths = f"{first} has {len(columns[first]):,} numbers and {name} has {len(column):,}"
            raise usage(f"{lengths}: columns are of one length")


def mapped(rows: Rows) -> Mapped:
    """The results with a status for every point."""
    status = np.full(len(rows.value), "", dtype=object)
    for row, why in rows.status.items():
        status[row] = why
    return Mapped(rows.value, rows.gradients, status, rows.kinks)
