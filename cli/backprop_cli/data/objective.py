"""The rows over which `backprop step --points` takes the mean of a program."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from backprop_grammar.descent.descend import Plan
from backprop_grammar.descent.objective import Mean
from backprop_grammar.errors import BackpropError

from . import io as tables
from .columns import kernel_of
from .sources import Points

if TYPE_CHECKING:
    import polars

__all__ = ["PointFiles", "over_rows"]


@dataclass(frozen=True, slots=True)
class PointFiles:
    """Files of points, and the variables that are columns of them."""

    files: tuple[Points, ...]
    columns: tuple[str, ...]


def over_rows(plan: Plan, rows: PointFiles) -> Plan:
    """The plan of a run over the mean of the rows, which are read here.

    Raises BackpropError where they can't be read, or a row has not all its numbers.
    """
    columns = (*rows.columns, *plan.wrt)
    kernel = kernel_of(plan.graph, columns, plan.at, plan.wrt, plan.output)
    frames = [numbers(one, rows.columns) for one in rows.files]
    ends = list(accumulate(frame.height for frame in frames))
    files = tuple(one.name for one in rows.files)
    if not ends[-1]:
        hint = "a mean is over one row or more"
        raise BackpropError("file", f"{files[0]} has no rows", hint=hint)
    joined = tables.library().concat(frames)
    del frames
    table = {name: joined.drop_in_place(name).to_numpy() for name in rows.columns}

    def place(row: int) -> str:
        """A row's file, and its number there."""
        k = bisect_right(ends, row)
        return f"{files[k]}, row {row - (ends[k - 1] if k else 0) + 1}"

    return replace(plan, arrival=Mean(kernel, table, place), rows=ends[-1], files=files)


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
        hint = "a mean is over rows with all their numbers"
        raise BackpropError("file", f"{one.name}, row {row + 1}: {wrong[row]}", hint=hint)
    return result
