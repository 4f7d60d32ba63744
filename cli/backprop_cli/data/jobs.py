"""One file of points to a file of gradients: the work of `backprop map` on one file.

A job is plain data, and doing it twice does no harm: what it writes is there as a whole or not at
all, what it counts is handed back. So any executor may run it, anywhere, and run it again.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from backprop_grammar.batch import exact_sums as exact
from backprop_grammar.errors import BackpropError
from backprop_grammar.library import Program
from backprop_grammar.operations.shape import Shape

from . import io as tables
from .atomic import atomic_file, writing

if TYPE_CHECKING:
    import numpy
    import polars

__all__ = ["STATUS", "STOP", "Job", "Tally", "map_file"]

STATUS = "status"
"""The added column that says why a row has no result; empty where it has."""

STOP = threading.Event()
"""Set where the jobs of this process are to end early."""

PERIOD = 0.1
"""Seconds of work after which it is looked at."""


class JobStopped(Exception):
    """The job was ended early."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file of points, and what to compute of it.

    at: the variables that do not vary; columns: those that do -> their columns. shapes: of these in
    a program over arrays, where columns are by element; lists: the columns of lists among them,
    grouped: those of the output, with the shapes in them. added: the names of the results (value,
    d_x, status) -> the columns they get in the output, in order. name, source, form: what the file
    is called, where it is, its format. target, to: the output and its format; target is empty where
    only the sums are wanted. strict: the first row without a result is an error. mark: in the name
    of a file that is not complete yet. exactly: the sums for whose rows floats will not do.
    separator: of CSV.
    """

    program: Program
    at: dict[str, Any]
    columns: dict[str, str]
    wrt: tuple[str, ...]
    output: str
    name: str
    source: str
    form: str
    target: str
    to: str
    added: dict[str, str]
    strict: bool = False
    mark: str = ""
    exactly: tuple[str, ...] = ()
    separator: str = tables.COMMA
    shapes: dict[str, Shape] = field(default_factory=dict)
    lists: dict[str, Shape] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    grouped: dict[str, Shape] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """What some rows came to: counts, and the exact sums over those with a result.

    reasons: why the others have none, without the numbers; kinks: rows at a kink or a tie.
    sums: of the value and the gradients, by the kernel's names, in units of ``exact``; errors:
    bounds on how far they are from the truth.
    """

    rows: int = 0
    failed: int = 0
    kinks: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def unsure(self) -> tuple[str, ...]:
        """The sums that are not certain."""
        pairs = self.sums.items()
        return tuple(k for k, units in pairs if not exact.certain(units, self.errors[k]))

    def settle(self, better: "Tally") -> None:
        """Take the sums that are not certain from better ones where floats are wrong."""
        for name in self.unsure:
            units, error = exact.settled(self.sums[name], better.sums[name], better.errors[name])
            self.sums[name] = units
            self.errors[name] = error  # type: ignore[assignment]  # a Counter adds up floats, too

    def add(self, other: "Tally") -> None:
        """Count further rows."""
        self.rows += other.rows
        self.failed += other.failed
        self.kinks += other.kinks
        self.reasons.update(other.reasons)
        self.sums.update(other.sums)
        self.errors.update(other.errors)


def map_file(
    job: Job, stream: IO[bytes] | None = None, progress: Callable[[int], None] | None = None
) -> Tally:
    """Do a job, and return what its rows came to.

    stream: written instead of the job's target. progress: takes how many rows are done, on any
    thread. Raises BackpropError where a file can't be read or written, and for a strict job's
    first row without a result, and where STOP is set.
    """
    work = Work(job, progress)
    if stream is not None:
        with writing("standard output"):
            work.write(stream)
    elif job.target:
        with atomic_file(Path(job.target), job.mark) as new:
            work.write(new)
    else:
        work.reduce()
    return work.tally


class Work:
    """A job at work; batches of its rows arrive on several threads at once."""

    def __init__(self, job: Job, progress: Callable[[int], None] | None) -> None:
        self.job, self.progress = job, progress
        self.lines = job.form == job.to == "jsonl"
        self.columns = tables.whole_columns(job.columns.values())
        self.added = tables.whole_columns(job.added.values())
        self.names = self.columns
        self.tally = Tally()
        self.lock = threading.Lock()
        self.own = threading.local()
        self.ends: dict[int, int] = {}  # of batches that are done, by their start
        self.front = 0  # all rows before it are done
        self.first: tuple[int, str] | None = None  # the first row without a result, and why

    def write(self, stream: IO[bytes]) -> None:
        """Write every row of the file with its results."""
        pl, job = tables.library(), self.job
        with tables.reading(job.name):
            frame = tables.scan(job.source, job.form, job.separator)
            kinds = dict(frame.collect_schema())
            del kinds[tables.ROW]
            if job.form == "jsonl" and not self.lines:
                self.names = tuple(tables.columns_of(job.source, job.form, job.name))
                kinds = dict.fromkeys(self.names, pl.String)
            for name in self.typed(kinds):
                kinds[name] = tables.list_type(job.lists.get(name, ()))
            if not self.lines:
                for new in self.added:
                    kinds[new] = tables.list_type(job.grouped.get(new, ()))
                if STATUS in job.added:
                    kinds[job.added[STATUS]] = pl.String
            mapped = frame.map_batches(self.extended, streamable=True, schema=kinds)
            tables.write(mapped, stream, job.to, self.lines, job.separator)

    def typed(self, kinds: dict[str, Any]) -> list[str]:
        """The variables' columns that are written as the numbers they are computed with.

        These are texts that turn into numbers, and narrow floats that turn into text.
        """
        job = self.job
        if job.form == "parquet":
            if job.to == "parquet":
                return []
            return [name for name in self.columns if innermost(kinds[name]) == "Float32"]
        return list(self.columns) if job.to in ("parquet", "jsonl") and not self.lines else []

    def reduce(self) -> None:
        """Only count and add up."""
        job = self.job
        with tables.reading(job.name):
            frame = tables.scan(job.source, job.form, job.separator)
            if job.form != "jsonl":
                frame = frame.select(tables.ROW, *self.columns)

            def counted(batch: "polars.DataFrame") -> "polars.DataFrame":
                self.add_up(batch, self.table(batch))
                return batch.clear()

            mapped = frame.map_batches(counted, streamable=True, schema=frame.collect_schema())
            mapped.collect(engine="streaming")

    def table(self, batch: "polars.DataFrame") -> "polars.DataFrame":
        """The columns of a batch that are kept or computed with."""
        job = self.job
        if job.form != "jsonl":
            return batch.drop(tables.ROW)
        more = self.lines or not job.target
        added = self.added if job.target else ()
        return tables.fields(batch, job.name, self.names, added, more, job.lists)

    def extended(self, batch: "polars.DataFrame") -> "polars.DataFrame":
        """A batch with its results."""
        pl, job, table = tables.library(), self.job, self.table(batch)
        numbers, added = self.computed(batch, table)
        if self.lines:
            return tables.joined(batch[tables.LINE], added)
        typed = self.typed(dict(table.schema))
        table = table.with_columns(one for one in numbers if one.name in typed)
        table = table.with_columns(
            tables.floats(table[name])[0] for name in job.labels if name in typed
        )
        if some := {name: shape for name, shape in job.lists.items() if name in typed}:
            parts = [one for one in numbers if tables.whole_columns([one.name])[0] in some]
            table = table.with_columns(tables.listed(pl.DataFrame(parts), some).get_columns())
        return table.with_columns(added.get_columns())

    def add_up(self, batch: "polars.DataFrame", table: "polars.DataFrame") -> None:
        """Count a batch, and add up its rows."""
        job, kernel = self.job, self.kernel()
        _, columns, wrong = self.numbers(table)
        tally, every = Tally(table.height), dict[int, str]()
        for here in self.slices(table.height):
            some = {name: column[here] for name, column in columns.items()}
            sums = kernel.sums(some)
            names = ["value", *(f"d_{label}" for label in kernel.labels)]
            every |= {here.start + row: why for row, why in sums.status.items()}
            if job.exactly:
                sums = kernel.exactly(sums, some, [names.index(name) for name in job.exactly])
            tally.kinks += sums.kinks
            tally.sums.update(dict(zip(names, sums.units, strict=True)))
            tally.errors.update(dict(zip(names, sums.errors, strict=True)))
        self.close(batch, tally, every | wrong)

    def close(self, batch: "polars.DataFrame", tally: Tally, status: dict[int, str]) -> None:
        """Count a batch with the rows that have no result."""
        tally.failed, tally.reasons = len(status), Counter(map(reason, status.values()))
        if tally.rows:
            self.count(batch[tables.ROW][0], tally, status)

    def numbers(
        self, table: "polars.DataFrame"
    ) -> tuple[list["polars.Series"], dict[str, Any], dict[int, str]]:
        """The columns that are computed with: as floats, as what they stand for, and what is wrong
        with their rows.
        """
        numbers, columns = [], dict[str, Any]()
        given, wrong = tables.taken(table, self.job.columns, self.job.lists, self.job.labels)
        for name, column in given.items():
            series, reasons = tables.floats(column, name)
            numbers.append(series)
            if column.dtype.is_float():
                columns[name] = series.to_numpy()
            else:
                columns[name] = tables.decimals(series, tables.texts(column, series))
            wrong = reasons | wrong
        return numbers, columns, wrong

    def computed(
        self, batch: "polars.DataFrame", table: "polars.DataFrame"
    ) -> tuple[list["polars.Series"], "polars.DataFrame"]:
        """The numbers of a batch, and the columns that are added to it."""
        pl, job = tables.library(), self.job
        numbers, columns, wrong = self.numbers(table)
        results, status, kinks = self.results(columns)
        status |= wrong
        self.close(batch, Tally(table.height, kinks=kinks), status)
        added = {
            new: words(status, table.height)
            if name == STATUS
            else pl.Series(results[name] + 0.0, nan_to_null=True)
            for name, new in job.added.items()
        }
        return numbers, tables.listed(pl.DataFrame(added), job.grouped)

    def results(
        self, columns: dict[str, Any]
    ) -> tuple[dict[str, "numpy.ndarray"], dict[int, str], int]:
        """The value and the gradients by name, the status of rows, and the number of kinks."""
        import numpy

        from backprop_grammar.batch.evaluator import Rows

        kernel, height = self.kernel(), len(next(iter(columns.values())))
        value = numpy.empty(height)
        gradients = {label: numpy.empty(height) for label in kernel.labels}
        status, kinks = dict[int, str](), 0
        for here in self.slices(height):
            into = Rows(value[here], {label: column[here] for label, column in gradients.items()})
            rows = kernel({name: column[here] for name, column in columns.items()}, into)
            status |= {here.start + row: why for row, why in rows.status.items()}
            kinks += rows.kinks
        return {"value": value, **{f"d_{k}": v for k, v in gradients.items()}}, status, kinks

    def slices(self, height: int) -> Iterator[slice]:
        """So many rows in slices that are done in about PERIOD, so that a run can end early.

        They get no shorter where it is not the rows that take long, but every call.
        """
        self.kernel()
        start = 0
        while start < height:
            if STOP.is_set():
                raise JobStopped
            step, began = self.own.step, time.monotonic()
            here = slice(start, min(start + step, height))
            yield here
            done = here.stop - here.start, time.monotonic() - began
            (_, less), (_, more) = sorted((done, self.own.done))
            grows = done[1] < PERIOD / 2 or less > more * 2 / 3
            self.own.step = min(step * 2, 1 << 20) if grows else max(1, step // 2)
            self.own.done = done
            start += step

    def kernel(self) -> Any:
        """This thread's own kernel."""
        if not hasattr(self.own, "kernel"):
            job = self.job
            self.own.kernel = job.program.mapper(
                job.shapes or tuple(job.columns), job.at, wrt=job.wrt, output=job.output
            )
            self.own.step, self.own.done = 8, (0, 0.0)  # rows of a slice; of the last, and its time
        return self.own.kernel

    def count(self, start: int, tally: Tally, status: dict[int, str]) -> None:
        """Count a batch.

        Raises BackpropError where the job is strict and its first row without a result is known.
        """
        with self.lock:
            self.tally.add(tally)
            if self.progress:
                self.progress(self.tally.rows)
            if not self.job.strict:
                return
            if status and (self.first is None or start + min(status) < self.first[0]):
                self.first = start + min(status), status[min(status)]
            self.ends[start] = start + tally.rows
            while self.front in self.ends:
                self.front = self.ends.pop(self.front)
            if self.first and self.first[0] < self.front:
                row, why = self.first
                message = f"{self.job.name}, row {row + 1}: {why}"
                hint = "without --strict such rows are written without numbers"
                raise BackpropError("domain", message, hint=hint)


def innermost(kind: Any) -> str:
    """The type of the numbers of a column, be they in lists."""
    while hasattr(kind, "inner"):
        kind = kind.inner
    return str(kind)


def words(status: dict[int, str], height: int) -> "polars.Series":
    """The status of every row; null where all is well."""
    pl = tables.library()
    series: polars.Series = pl.repeat(None, height, dtype=pl.String, eager=True)
    if status:
        rows = sorted(status)
        series = series.scatter(rows, [status[row] for row in rows])
    return series


def reason(status: str) -> str:
    """A status without its numbers, to be counted."""
    return status.partition(" (")[0].partition(": ")[0]
