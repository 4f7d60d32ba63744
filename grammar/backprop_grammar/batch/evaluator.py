"""A program at many points.

Four ways to the same certificate, each slower and surer than the one before. Chunks of rows whose
ranges tell that nothing can go wrong; rows with bounds of their own, over floats and then over
double-doubles; and single points over wider numbers, as `eval` does it. A row is handed on until it
is right or refused.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..errors import BackpropError, shorten, usage
from ..language.graph import Graph
from ..numbers.binary64 import TOLERANCE
from ..passes.run import Target, check_bound
from ..trace.evaluate import results
from ..trace.point import unknown_name
from ..trace.record import KINKS
from . import exact_sums as exact
from .bounded import DOUBLES, FLOATS, BoundedRows, Kernels, Outcome, Refuse, constants
from .certified import CHUNK, Chunks, live_lines
from .double_double import SLACK, Triple, some
from .error_ranges import Unknown
from .straightline import straightline
from .ufuncs import Column

__all__ = ["Evaluator", "Mapped", "Rows", "Sums", "columns_of", "mapped"]

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

    def include(self, numbers: Sequence[float], places: Iterable[int]) -> None:
        """Add the numbers of a row that `eval` finds, as far as it has them."""
        for k in places:
            if not math.isnan(numbers[k]):
                self.units[k] += exact.total(np.array([numbers[k]]))
                self.errors[k] += abs(numbers[k]) * TOLERANCE


class Evaluator:
    """A program made ready for many points; each thread needs one of its own.

    labels: of the gradients.
    """

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
        for name in columns:
            if name not in graph.variables:
                raise unknown_name(graph, name)
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
        given, count = self.taken(columns)
        if into is None:
            results = [np.empty(count) for _ in self.straight.results]
        else:
            results = [into.value, *(into.gradients[label] for label in self.labels)]
        rows = Rows(results[0], dict(zip(self.labels, results[1:], strict=True)))

        def refuse(row: int, why: str, numbers: Sequence[float] | float = np.nan) -> None:
            rows.status[row] = why
            for result, number in zip(results, np.broadcast_to(numbers, len(results)), strict=True):
                result[row] = number

        suspects: list[Column] = []
        for here in chunks(count):
            suspects += self.compute(self.chunks, here, given, [column[here] for column in results])
        at = present(joined(suspects), given, refuse)
        for kernels in RUNGS:
            rest: list[Column] = []
            for block in blocks(at):
                outcome = self.look_at(block, given, kernels)
                for result, column in zip(results, outcome.results, strict=True):
                    result[block] = column[0]
                rows.kinks += outcome.kinks
                rest.append(outcome.rest(block, refuse))
            at = joined(rest)
        for row in at.tolist():
            numbers = self.point(row, given, refuse)
            if numbers is not None:
                rows.kinks += numbers.kink
                for result, number in zip(results, numbers.results, strict=True):
                    result[row] = number
        return rows

    def sums(self, columns: Mapping[str, Any]) -> Sums:
        """The sums of the value and the gradients over rows, as floats give them; see ``__call__``."""
        given, count = self.taken(columns)
        sums = Sums(count, [0] * len(self.straight.results), [0.0] * len(self.straight.results))
        self.summed = self.summed or Chunks(self.straight, summed=True)
        results = [np.empty(CHUNK) for _ in self.straight.results]
        suspects: list[Column] = []
        for here in chunks(count):
            into = [column[: here.stop - here.start] for column in results]
            some = joined(self.compute(self.summed, here, given, into, sums.errors))
            suspects.append(some)
            for k, column in enumerate(into):
                column[some - here.start] = 0.0
                sums.units[k] += exact.total(column)
        self.add(sums, given, joined(suspects), RUNGS)
        return sums

    def refine(self, sums: Sums, columns: Mapping[str, Any], only: Sequence[int]) -> None:
        """Take some of the sums anew, over double-doubles: those that floats leave unsure."""
        given, count = self.taken(columns)
        for k in only:
            sums.units[k], sums.errors[k] = 0, 0.0
        rows = np.delete(np.arange(count), list(sums.status))
        self.add(sums, given, rows, RUNGS[1:], only)

    def add(
        self,
        sums: Sums,
        given: Mapping[str, Column],
        rows: Column,
        rungs: Sequence[Kernels],
        only: Sequence[int] = (),
    ) -> None:
        """Add rows to sums, each with a bound of its own. only: to these; to all when empty."""
        places = only or range(len(sums.units))
        at = present(rows, given, sums.refuse)
        for kernels in rungs:
            rest: list[Column] = []
            for block in blocks(at):
                outcome = self.look_at(block, given, kernels, only, True)
                sums.add(outcome, places)
                rest.append(outcome.rest(block, sums.refuse))
            at = joined(rest)
        for row in at.tolist():
            numbers = self.point(row, given, sums.refuse)
            if numbers is not None:
                sums.kinks += numbers.kink and not only
                sums.include(numbers.results, places)

    def taken(self, columns: Mapping[str, Any]) -> tuple[dict[str, Column], int]:
        """The columns that are used, and their length. Raises BackpropError as ``__call__`` does."""
        for name in self.columns:
            if name not in columns:
                raise usage(
                    f"the column {shorten(name)} is missing", "give each column its numbers"
                )
        given = {name: column_of(name, columns[name]) for name in self.columns}
        check_lengths(given)
        return given, np.size(next(iter((given or columns).values()), ()))

    def compute(
        self,
        chunks: Chunks,
        here: slice,
        given: Mapping[str, Column],
        results: Sequence[Column],
        errors: list[float] | None = None,
    ) -> list[Column]:
        """Evaluate a chunk, in pieces where nothing is known of it; the rows that are suspect.

        errors: to which bounds on the errors of the sums of the others are added.
        """
        start, stop = here.start, here.stop
        chunk = {name: column[here] for name, column in given.items()}
        try:
            with np.errstate(over="raise", under="raise", divide="raise", invalid="raise"):
                mask, spreads = chunks.run(chunk, results)
        except Unknown:
            if stop - start <= PIECE:
                return [np.arange(start, stop)]
            return [
                rows
                for k in range(start, stop, PIECE)
                for rows in self.compute(
                    chunks,
                    slice(k, min(k + PIECE, stop)),
                    given,
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
        given: Mapping[str, Column],
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
        taken = {name: column[at] for name, column in given.items()}
        rows = BoundedRows(straight, live, taken, len(at), self.constants, kernels)
        return rows.outcome(results, summed, not only)

    def point(self, row: int, given: Mapping[str, Column], refuse: Refuse) -> Point | None:
        """Evaluate one row as `eval` does."""
        point = {name: float(column[row]) for name, column in given.items()}
        try:
            with np.errstate(all="ignore"):
                numbers = results(self.target, {**self.at, **point})
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


def present(at: Column, given: Mapping[str, Column], refuse: Refuse) -> Column:
    """Those of some rows that have all their numbers."""
    complete = np.ones(len(at), dtype=bool)
    for name, column in given.items():
        taken = column[at]
        wrong = ~np.isfinite(taken) & complete
        for k in np.flatnonzero(wrong).tolist():
            refuse(int(at[k]), f"{name} {'is missing' if np.isnan(taken[k]) else 'is not finite'}")
        complete &= ~wrong
    return at[complete]


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


def columns_of(values: Mapping[str, Any]) -> tuple[dict[str, Column], dict[str, Any]]:
    """Arrays of floats, of one length, and what is no column but one value.

    Raises BackpropError for what is no column of numbers.
    """
    columns, others = dict[str, Column](), dict[str, Any]()
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


def column_of(name: str, given: Any) -> Column:
    """A column as floats; a masked number is a missing one. Raises BackpropError for what is none."""
    if type(given) is np.ndarray and given.dtype == np.float64 and given.ndim == 1:
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


def check_lengths(columns: Mapping[str, Column]) -> None:
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
