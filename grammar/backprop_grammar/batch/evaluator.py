"""A program at many points.

Four ways to the same certificate, each slower and surer than the one before. Chunks of rows whose
ranges tell that nothing can go wrong; rows with bounds of their own, over floats and then over
double-doubles; and single points over wider numbers, as `eval` does it. A row is handed on until it
is right or refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import BackpropError, shorten, usage
from ..language.graph import Graph
from ..passes.run import Target, check_bound
from ..trace.evaluate import results
from ..trace.point import unknown_name
from ..trace.record import KINKS
from .bounded import DOUBLES, FLOATS, Kernels, bounded, constants
from .certified import CHUNK, Chunks, live_lines
from .double_double import Triple
from .error_ranges import Unknown
from .straightline import straightline
from .ufuncs import Column

__all__ = ["Evaluator", "Mapped", "Rows", "columns_of", "mapped"]

PIECE = 4_096
"""Rows of a piece of a chunk of which nothing is known as a whole."""
BLOCK = 16384
"""Suspect rows that are looked at together: a few columns of them stay in a processor's cache."""


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

    def __call__(self, columns: Mapping[str, Any], into: Rows | None = None) -> Rows:
        """Evaluate rows: columns of numbers, of one length. NaN stands for a missing number.

        What varies between calls only is a column, too: one number, broadcast. into: whose columns
        are written, of that length, instead of new ones. Raises BackpropError for a column that is
        missing, that is no list of numbers, or of another length.
        """
        for name in self.columns:
            if name not in columns:
                raise usage(
                    f"the column {shorten(name)} is missing", "give each column its numbers"
                )
        given = {name: column_of(name, columns[name]) for name in self.columns}
        check_lengths(given)
        count = np.size(next(iter((given or columns).values()), ()))
        if into is None:
            results = [np.empty(count) for _ in self.straight.results]
        else:
            results = [into.value, *(into.gradients[label] for label in self.labels)]
        rows = Rows(results[0], dict(zip(self.labels, results[1:], strict=True)))
        suspects: list[Column] = []
        with np.errstate(over="raise", under="raise", divide="raise", invalid="raise"):
            for start in range(0, count, CHUNK):
                suspects += self.compute(start, min(start + CHUNK, count), given, results)
        at = self.present(joined(suspects), given, results, rows)
        for kernels in (FLOATS, DOUBLES):
            blocks = [at[k : k + BLOCK] for k in range(0, len(at), BLOCK)]
            at = joined([self.look_at(block, given, kernels, results, rows) for block in blocks])
        for row in at.tolist():
            point = {name: float(column[row]) for name, column in given.items()}
            self.point(row, point, results, rows)
        return rows

    def compute(
        self,
        start: int,
        stop: int,
        given: Mapping[str, Column],
        results: Sequence[Column],
    ) -> list[Column]:
        """Evaluate a chunk, in pieces where nothing is known of it; the rows that are suspect."""
        here = slice(start, stop)
        chunk = {name: column[here] for name, column in given.items()}
        try:
            mask = self.chunks.run(chunk, [column[here] for column in results])
        except Unknown:
            if stop - start <= PIECE:
                return [np.arange(start, stop)]
            pieces = (
                self.compute(k, min(k + PIECE, stop), given, results)
                for k in range(start, stop, PIECE)
            )
            return [rows for piece in pieces for rows in piece]
        return [] if mask is None else [np.flatnonzero(mask) + start]

    def present(
        self, at: Column, given: Mapping[str, Column], results: Sequence[Column], rows: Rows
    ) -> Column:
        """Those of some rows that have all their numbers."""
        complete = np.ones(len(at), dtype=bool)
        for name, column in given.items():
            taken = column[at]
            wrong = ~np.isfinite(taken) & complete
            for k in np.flatnonzero(wrong).tolist():
                why = "is missing" if np.isnan(taken[k]) else "is not finite"
                self.refuse(int(at[k]), f"{name} {why}", results, rows)
            complete &= ~wrong
        return at[complete]

    def look_at(
        self,
        at: Column,
        given: Mapping[str, Column],
        kernels: Kernels,
        results: Sequence[Column],
        rows: Rows,
    ) -> Column:
        """Evaluate some rows with bounds of their own; those that are not sure."""
        if self.constants is None:
            self.constants = constants(self.straight)
        taken = {name: column[at] for name, column in given.items()}
        outcome = bounded(self.straight, self.live, taken, len(at), self.constants, kernels)
        for result, column in zip(results, outcome.results, strict=True):
            result[at] = column
        rows.kinks += outcome.kinks
        for k in np.flatnonzero(outcome.status).tolist():
            self.refuse(int(at[k]), outcome.reasons[int(outcome.status[k]) - 1], results, rows)
        unsure: Column = at[~outcome.sure & (outcome.status == 0)]
        return unsure

    def point(
        self, row: int, point: dict[str, float], columns: Sequence[Column], rows: Rows
    ) -> None:
        """Evaluate one row as `eval` does."""
        try:
            with np.errstate(all="ignore"):
                numbers = results(self.target, {**self.at, **point})
        except BackpropError as error:
            self.refuse(row, error.message, columns, rows)
            return
        columns[0][row] = numbers.value
        for result, label in zip(columns[1:], self.labels, strict=True):
            gradient = numbers.gradients[label]
            result[row] = np.nan if gradient is None else gradient
        rows.kinks += any(note.kind in KINKS for note in numbers.notes)
        if numbers.flags:
            rows.status[row] = numbers.flags[0].message

    def refuse(self, row: int, why: str, results: Sequence[Column], rows: Rows) -> None:
        rows.status[row] = why
        for result in results:
            result[row] = np.nan


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
        if isinstance(given, str | bytes) or not (np.ndim(given) or hasattr(given, "__len__")):
            others[name] = given
            continue
        columns[name] = column_of(name, given)
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
