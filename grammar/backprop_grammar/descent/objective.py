"""The mean of a program over rows, as what a run goes along.

A mean is one more function of the stepped inputs, so a run need not know of rows. The rows' values
and gradients are added exactly and rounded once, so their order changes no bit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..batch import exact_sums as exact
from ..errors import BackpropError, shorten, usage
from ..trace.record import Flag, Note
from .descend import Plan, Step, arrived, overflows
from .trajectory import OF_THE_PROGRAM

if TYPE_CHECKING:
    import numpy

    from ..batch.evaluator import Evaluator  # for types only: it loads NumPy

__all__ = ["Mean", "at_kinks", "check_stepped", "over_rows"]

SLICE = 16_384
"""Rows that are added up together, while they are in a processor's cache."""


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over rows as what a run arrives at; see ``descend.Plan``.

    kernel: of the program, whose columns are those of ``table`` and the stepped inputs. table: the
    columns that the rows give, of one length. place: what to call a row, by its number from 0.
    """

    kernel: "Evaluator"
    table: Mapping[str, "numpy.ndarray"]
    place: Callable[[int], str]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(next(iter(self.table.values())))

    def __call__(self, number: int, point: dict[str, float], notes: bool) -> Step:
        """The means of the value and the gradients; a flag where a row lacks one of these.

        notes: with those on the program itself.

        Raises BackpropError where a row has no value.
        """
        import numpy

        rows, labels = self.rows, self.kernel.labels
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
        value, *means = (exact.value(total, rows) for total in sums)
        if abs(value) == float("inf"):
            raise overflows("the mean")
        for label, mean in zip(labels, means, strict=True):
            if abs(mean) == float("inf"):
                raise overflows(f"the mean gradient of {shorten(label)}")
        remarks = list[Note]()
        if notes:
            first = arrived(self.kernel.target, number, point | self.row(0), True)
            remarks += [note for note in first.notes if note.kind in OF_THE_PROGRAM]
        if kinks:
            remarks.append(Note("kink", "", at_kinks(kinks, rows)))
        gradients = {
            label: None if label in flags else mean
            for label, mean in zip(labels, means, strict=True)
        }
        return Step(
            number, point, value, gradients, notes=tuple(remarks), flags=tuple(flags.values())
        )

    def row(self, row: int) -> dict[str, float]:
        """The numbers of a row."""
        return {name: float(column[row]) for name, column in self.table.items()}

    def flags(self, row: int, point: dict[str, float]) -> dict[str, Flag]:
        """The gradients that a row lacks, and why."""
        flags = arrived(self.kernel.target, 0, point | self.row(row)).flags
        place = self.place(row)
        return {
            flag.path.removeprefix("gradients."): flag._replace(message=f"{place}: {flag.message}")
            for flag in flags
        }

    def refusal(self, row: int, why: str, point: dict[str, float]) -> BackpropError:
        """The error for a row without a value or a gradient: that of its point, and which it is."""
        place = self.place(row)
        try:
            arrived(self.kernel.target, 0, point | self.row(row))
        except BackpropError as error:
            return error.replace(message=f"{place}: {error.message}")
        return BackpropError("domain", f"{place}: {why}")


def check_stepped(plan: Plan, columns: Sequence[str]) -> None:
    """Raise BackpropError where a plan over rows steps one of their columns, or nothing."""
    for name in plan.wrt:
        if name in columns:
            raise usage(
                f"{shorten(name)} is a column of the points and cannot be stepped",
                "step inputs that have one value",
                reason="column",
            )
    if not plan.wrt:
        raise usage(
            "every variable is a column, so nothing can be stepped",
            "give the inputs to step a value: w=0",
            reason="columns",
        )


def over_rows(
    plan: Plan,
    kernel: "Evaluator",
    table: Mapping[str, "numpy.ndarray"],
    place: Callable[[int], str],
) -> Plan:
    """The plan of a run over the mean of rows; see ``Mean``.

    Raises BackpropError where there are none, and for one that lacks a number.
    """
    import numpy

    mean = Mean(kernel, table, place)
    if not mean.rows:
        raise usage("there are no rows", "a mean is over one row or more")
    for name, column in table.items():
        wrong = ~numpy.isfinite(column)
        if wrong.any():
            row = int(wrong.argmax())
            why = "is missing" if numpy.isnan(column[row]) else "is not finite"
            hint = "a mean is over rows with all their numbers"
            raise BackpropError("binding", f"{place(row)}: {shorten(name)} {why}", hint=hint)
    return replace(plan, arrival=mean, rows=mean.rows)


def at_kinks(kinks: int, rows: int) -> str:
    """How many rows have a gradient that is a choice."""
    return f"{kinks:,} of {rows:,} rows stand at a kink or a tie, where the gradient is a choice"
