"""The mean of a program over the rows of files: what `backprop step --points` goes along.

The insight: a mean is one more function of the stepped inputs, so a run need not know of rows.
The rows' values and gradients are added exactly and rounded once, so their order changes no bit.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from backprop_grammar.batch import exact_sums as exact
from backprop_grammar.descent.descend import Plan, Step, arrived, overflows
from backprop_grammar.descent.trajectory import OF_THE_PROGRAM
from backprop_grammar.errors import BackpropError, shorten, usage
from backprop_grammar.language.graph import Graph
from backprop_grammar.trace.record import Flag, Note

from ..input.request import Request
from . import io as tables
from .columns import at_kinks, kernel_of, varying
from .sources import Points, files_of, opened

if TYPE_CHECKING:
    import numpy
    import polars

    from backprop_grammar.batch.evaluator import Kernel

__all__ = ["averaged", "found_in"]

SLICE = 16_384
"""Rows that are added up together, while they are in a processor's cache."""


@dataclass(frozen=True, slots=True)
class Data:
    """Files of points, and the variables that are columns of them."""

    files: tuple[Points, ...]
    columns: tuple[str, ...]


def found_in(
    stack: ExitStack, request: Request, points: Sequence[str], form: str
) -> tuple[Graph, dict[str, float], list[Note], Data]:
    """The program, the values of the variables that are no columns, notes, and the data.

    stack: closes what is opened. form: the name of the files' format, or empty. Raises
    BackpropError for what contradicts each other.
    """
    request.check_input(points)
    files = [opened(stack, path, form, False) for path in files_of(points)]
    graph, at, notes = request.graph(bound=files[0].columns)
    views = request.views()
    columns = varying(graph, at, views["output"], files)
    for name in views["wrt"]:
        if name in columns:
            raise usage(f"{shorten(name)} is a column of the points and cannot be stepped", "name inputs that --at or the program gives a value")  # fmt: skip
    at = {name: value for name, value in at.items() if name not in columns}
    if not at:
        raise usage("every variable is a column, so nothing can be stepped", "give the inputs to step with --at w=0")  # fmt: skip
    return graph, at, notes, Data(tuple(files), columns)


def averaged(plan: Plan, data: Data) -> Plan:
    """The plan of a run over the mean of the rows, which are read here.

    Raises BackpropError where they can't be read, or a row has not all its numbers.
    """
    columns = (*data.columns, *plan.wrt)
    kernel = kernel_of(plan.graph, columns, plan.at, plan.wrt, plan.output)
    frames = [numbers(one, data.columns) for one in data.files]
    ends = list(accumulate(frame.height for frame in frames))
    names = tuple(one.name for one in data.files)
    if not ends[-1]:
        raise BackpropError("file", f"{names[0]} has no rows", hint="a mean is over one row or more")  # fmt: skip
    whole = tables.library().concat(frames)
    del frames
    table = {name: whole.drop_in_place(name).to_numpy() for name in data.columns}
    return replace(plan, arrival=Mean(kernel, table, names, ends), rows=ends[-1], files=names)


def numbers(one: Points, names: Sequence[str]) -> "polars.DataFrame":
    """Some columns of a file as floats. Raises BackpropError for the first row that lacks one."""
    pl = tables.library()
    wrong = dict[int, str]()

    def converted(batch: "polars.DataFrame") -> "polars.DataFrame":
        lines = one.form == "jsonl"
        table = tables.fields(batch, one.name, names, (), True) if lines else batch
        floats = []
        for name in names:
            series, reasons = tables.floats(table[name])
            floats.append(series)
            for k, why in reasons.items():
                wrong.setdefault(batch[tables.ROW][k], why)
        return pl.DataFrame(floats)  # type: ignore[no-any-return]

    with tables.reading(one.name):
        frame = tables.scan(one.path, one.form)
        if one.form != "jsonl":
            frame = frame.select(tables.ROW, *names)
        kinds = dict.fromkeys(names, pl.Float64)
        mapped = frame.map_batches(converted, streamable=True, schema=kinds)
        result: polars.DataFrame = mapped.collect(engine="streaming")
    if wrong:
        row = min(wrong)
        raise BackpropError("file", f"{one.name}, row {row + 1}: {wrong[row]}", hint="a mean is over rows with all their numbers")  # fmt: skip
    return result


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over rows as what a run arrives at; see ``step.Plan``.

    table: the columns. files, ends: the files' names, and how many rows there are up to the end of
    each.
    """

    kernel: "Kernel"
    table: Mapping[str, "numpy.ndarray"]
    files: Sequence[str]
    ends: Sequence[int]

    def __call__(self, number: int, point: dict[str, float], told: bool) -> Step:
        """The means of the value and the gradients; a flag where a row lacks one of these.

        Raises BackpropError where a row has no value.
        """
        import numpy

        rows, labels = self.ends[-1], self.kernel.labels
        sums, kinks, flags = [0] * (1 + len(labels)), 0, dict[str, Flag]()
        for start in range(0, rows, SLICE):
            stop = min(start + SLICE, rows)
            columns = {name: column[start:stop] for name, column in self.table.items()}
            for name in labels:
                columns[name] = numpy.broadcast_to(point[name], stop - start)
            some = self.kernel(columns)
            for row in sorted(some.status):
                if numpy.isnan(some.value[row]):
                    raise self.refusal(start + row, some.status[row], point)
                lacking = [k for k in labels if numpy.isnan(some.gradients[k][row])]
                if not flags.keys() >= set(lacking):
                    flags = self.flags(start + row, point) | flags
                    if not flags.keys() >= set(lacking):
                        raise self.refusal(start + row, some.status[row], point)
            kinks += some.kinks
            for k, column in enumerate((some.value, *some.gradients.values())):
                sums[k] += 0 if numpy.isnan(column).any() else exact.total(column)
        value, *gradients = (exact.value(total, rows) for total in sums)
        for what, mean in zip(("the mean", *(f"the mean gradient of {shorten(k)}" for k in labels)), (value, *gradients), strict=True):  # fmt: skip
            if abs(mean) == float("inf"):
                raise overflows(what)
        notes = list[Note]()
        if told:
            first = arrived(self.kernel.question, number, point | self.row(0), True)
            notes += [note for note in first.notes if note.kind in OF_THE_PROGRAM]
        if kinks:
            notes.append(Note("kink", "", at_kinks(kinks, rows)))
        found = {name: None if name in flags else gradient for name, gradient in zip(labels, gradients, strict=True)}  # fmt: skip
        return Step(number, point, value, found, notes=tuple(notes), flags=tuple(flags.values()))

    def row(self, row: int) -> dict[str, float]:
        """The numbers of a row."""
        return {name: float(column[row]) for name, column in self.table.items()}

    def flags(self, row: int, point: dict[str, float]) -> dict[str, Flag]:
        """The gradients that a row lacks, and why."""
        flags = arrived(self.kernel.question, 0, point | self.row(row)).flags
        place = self.place(row)
        return {
            flag.path.removeprefix("gradients."): flag._replace(message=f"{place}: {flag.message}")
            for flag in flags
        }

    def place(self, row: int) -> str:
        """A row's file, and its number there."""
        k = bisect_right(self.ends, row)
        return f"{self.files[k]}, row {row - (self.ends[k - 1] if k else 0) + 1}"

    def refusal(self, row: int, why: str, point: dict[str, float]) -> BackpropError:
        """The error for a row without a value or a gradient: what `eval` says there, and where."""
        place = self.place(row)
        try:
            arrived(self.kernel.question, 0, point | self.row(row))
        except BackpropError as error:
            return error.replace(message=f"{place}: {error.message}")
        return BackpropError("domain", f"{place}: {why}")
