"""The mean of a program over rows, as what a run goes along.

A mean is one more function of the stepped inputs, so a run need not know of rows. The rows' values
and gradients are added exactly and rounded once, so their order changes no bit. What must be certain
is the mean, not every row: only where too little is left of a sum are its rows computed again.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..batch import exact_sums as exact
from ..batch.evaluator import Evaluator, Table, columns_of
from ..errors import BackpropError, shorten, usage
from ..trace.record import Flag, Note
from .batches import batches
from .descend import Plan, Step, arrived, overflows
from .trajectory import OF_THE_PROGRAM

if TYPE_CHECKING:
    from ..batch.double_double import Triple
    from ..operations.shape import Shape
    from .batches import Batches

FEW = 16_384
"""Rows of programs over arrays up to which double-doubles are computed at once."""

__all__ = ["Mean", "at_kinks", "cancelled", "check_stepped", "mean_over"]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over rows as what a run arrives at; see ``descend.Plan``.

    kernel: of the program, whose columns are those of ``table`` and the stepped inputs. table: the
    columns that the rows give, of one length. place: what to call a row, by its number from 0.
    doubles: the table as double-doubles, where rows are few at a time. batches: what each step looks
    at, if that is not all.
    """

    kernel: Evaluator
    table: Table
    place: Callable[[int], str]
    doubles: "dict[str, Triple] | None" = None
    batches: "Batches | None" = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.table.count

    def __call__(self, number: int, point: dict[str, float], notes: bool) -> Step:
        """The means of the value and the gradients; a flag where a row lacks one of these.

        notes: with those on the program itself.

        Raises BackpropError where a row has no value.
        """
        rows = None if self.batches is None else self.batches.at(number)
        return self.mean(number, point, notes, rows)

    def everywhere(self, number: int, point: dict[str, float], notes: bool) -> Step:
        """The same over all rows, where steps look at batches."""
        return self.mean(number, point, notes, None)

    def mean(
        self, number: int, point: dict[str, float], notes: bool, some_rows: list[int] | None
    ) -> Step:
        """The same over some rows, or all."""
        import numpy

        labels = self.kernel.labels
        columns = dict(self.table.columns)
        for name in labels:
            columns[name] = numpy.broadcast_to(point[name], self.rows)
        if self.doubles is None:
            sums = self.kernel.sums(columns)
        else:
            numbers = self.doubles | {k: exactly(numpy.float64(point[k])) for k in labels}
            at = numpy.arange(self.rows) if some_rows is None else numpy.array(some_rows)
            sums = self.kernel.stacked_sums(columns, numbers, at)
        rows, flags = sums.rows, dict[str, Flag]()
        for row in sorted(sums.status):
            found = sums.numbers[row]
            if math.isnan(found[0]):
                raise self.refusal(row, sums.status[row], point)
            lacking = [k for k, x in zip(labels, found[1:], strict=True) if math.isnan(x)]
            if not flags.keys() >= set(lacking):
                flags = self.flags(row, point) | flags
                if not flags.keys() >= set(lacking):
                    raise self.refusal(row, sums.status[row], point)
        wanted = [0, *(k for k, label in enumerate(labels, 1) if label not in flags)]
        if unsure := sorted(set(sums.unsure) & set(wanted)):
            if some_rows is None:
                sums.settle(self.kernel.exactly(sums, columns, unsure), unsure)
            elif not sums.status:
                those = {name: column[some_rows] for name, column in columns.items()}
                sums.settle(self.kernel.exactly(sums, those, unsure), unsure)
            unsure = sorted(set(sums.unsure) & set(unsure))
        for found in sums.numbers.values():
            sums.include(found, wanted)
        value, *means = (exact.value(total, rows) for total in sums.units)
        if abs(value) == float("inf"):
            raise overflows("the mean")
        for label, mean in zip(labels, means, strict=True):
            if abs(mean) == float("inf"):
                raise overflows(f"the mean gradient of {shorten(label)}")
        remarks = list[Note]()
        if notes:
            first = arrived(self.kernel.target, number, point | self.table.point(0), True)
            remarks += [note for note in first.notes if note.kind in OF_THE_PROGRAM]
        if sums.kinks:
            remarks.append(Note("kink", "", at_kinks(sums.kinks, rows)))
        for k in unsure:
            what = f"the mean gradient of {shorten(labels[k - 1])}" if k else "the mean"
            remarks.append(Note("precision", "", cancelled(what, sums.errors[k] / rows)))
        gradients = {
            label: None if label in flags else mean
            for label, mean in zip(labels, means, strict=True)
        }
        return Step(
            number, point, value, gradients, notes=tuple(remarks), flags=tuple(flags.values())
        )

    def flags(self, row: int, point: dict[str, float]) -> dict[str, Flag]:
        """The gradients that a row lacks, and why."""
        flags = arrived(self.kernel.target, 0, point | self.table.point(row)).flags
        place = self.place(row)
        return {
            flag.path.removeprefix("gradients."): flag._replace(message=f"{place}: {flag.message}")
            for flag in flags
        }

    def refusal(self, row: int, why: str, point: dict[str, float]) -> BackpropError:
        """The error for a row without a value or a gradient: that of its point, and which it is."""
        place = self.place(row)
        try:
            arrived(self.kernel.target, 0, point | self.table.point(row))
        except BackpropError as error:
            return error.replace(message=f"{place}: {error.message}")
        return BackpropError("domain", f"{place}: {why}")


def check_stepped(names: Sequence[str], columns: Sequence[str]) -> None:
    """Raise BackpropError where a plan over rows steps one of their columns, or nothing.

    names: of the inputs that are stepped.
    """
    for name in names:
        if name in columns:
            raise usage(
                f"{shorten(name)} is a column of the points and cannot be stepped",
                "step inputs that have one value",
                reason="column",
            )
    if not names:
        raise usage(
            "every variable is a column, so nothing can be stepped",
            "give the inputs to step a value: w=0",
            reason="columns",
        )


def mean_over(
    plan: Plan,
    shapes: "Mapping[str, Shape]",
    rows: Mapping[str, Any],
    place: Callable[[int], str],
    batch: int = 0,
    seed: int = 0,
) -> Plan:
    """A plan over the mean of rows, whose numbers are looked at when all else is checked.

    shapes: of what stands in each row, by the names of the columns. place, batch, seed: as of
    ``over_rows``. Raises BackpropError as that does, and where a column is stepped, or none.
    """
    if plan.elements is None:
        columns = list(shapes)
        check_stepped(plan.wrt, columns)
    else:
        from ..batch.over_arrays import check_lines, columns_of_arrays  # which numbers do not need

        columns = plan.elements.labels(shapes)
        check_lines(len(plan.target.graph))
    others = {name: value for name, value in plan.at.items() if name not in plan.wrt}
    output = plan.target.names.of[plan.target.output]
    kernel = Evaluator(plan.target.graph, [*columns, *plan.wrt], others, plan.wrt, output)
    if plan.elements is None:
        table, numbers = columns_of(rows)
        for name in numbers:
            raise usage(f"{name} is one number, not a column", "give it as a value of the point")
        return over_rows(plan, kernel, table, place, batch, seed)
    check_lines(len(kernel.straight.lines))
    table = columns_of_arrays(rows, shapes)
    planned = over_rows(plan, kernel, table, place, batch, seed)
    from .accuracy import counted  # which numbers do not need

    return replace(planned, right=counted(planned, table, shapes))


def over_rows(
    plan: Plan,
    kernel: Evaluator,
    columns: Mapping[str, Any],
    place: Callable[[int], str],
    batch: int = 0,
    seed: int = 0,
) -> Plan:
    """The plan of a run over the mean of rows; see ``Mean``.

    batch: how many rows each step looks at; 0 for all. seed: of their order.

    Raises BackpropError where there are none, and for one that lacks a number.
    """
    table = Table(dict(columns), len(next(iter(columns.values()))))
    if not table.count:
        raise usage("there are no rows", "a mean is over one row or more")
    parts = batches(table.count, batch, seed) if batch else None

    def refuse(row: int, why: str) -> None:
        hint = "a mean is over rows with all their numbers"
        raise BackpropError("binding", f"{place(row)}: {why}", hint=hint)

    table.present(range(table.count), refuse)
    doubles = None
    if parts is not None or (plan.elements is not None and table.count <= FEW):
        import numpy

        doubles = table.numbers(numpy.arange(table.count), True)
    mean = Mean(kernel, table, place, doubles, parts)
    return replace(plan, arrival=mean, rows=table.count, batches=parts, everywhere=mean.everywhere)


def exactly(number: Any) -> "Triple":
    """A float as the double-double that it is."""
    return number, 0.0, 0.0


def cancelled(what: str, error: float) -> str:
    """How far a mean or a sum may be off of which too little is left."""
    return f"{what} cancels: it is certain to within {error:.1g}, and what is smaller may be 0"


def at_kinks(kinks: int, rows: int) -> str:
    """How many rows have a gradient that is a choice."""
    return f"{kinks:,} of {rows:,} rows stand at a kink or a tie, where the gradient is a choice"
