"""The rows over which `backprop step --points` takes the mean of a program."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from backprop_grammar.errors import BackpropError

from . import io as tables
from .sources import Points

if TYPE_CHECKING:
    import numpy
    import polars

__all__ = ["PointFiles"]


class PointFiles(Mapping[str, "numpy.ndarray"]):
    """Columns of files of points, one file after the other, which are read when one is looked at."""

    def __init__(self, files: Sequence[Points], columns: Sequence[str]) -> None:
        self.files = files
        self.columns = columns
        self.names = tuple(one.name for one in files)
        self.ends = list[int]()  # of the files: how many rows there are up to there

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, name: str) -> "numpy.ndarray":
        return self.table[name]

    @cached_property
    def table(self) -> dict[str, "numpy.ndarray"]:
        """The columns. Raises BackpropError where they can't be read, or a row lacks a number."""
        frames = [numbers(one, self.columns) for one in self.files]
        self.ends = list(accumulate(frame.height for frame in frames))
        if not self.ends[-1]:
            hint = "a mean is over one row or more"
            raise BackpropError("file", f"{self.names[0]} has no rows", hint=hint)
        joined = tables.library().concat(frames)
        del frames
        return {name: joined.drop_in_place(name).to_numpy() for name in self.columns}

    def place(self, row: int) -> str:
        """A row's file, and its number there."""
        k = bisect_right(self.ends, row)
        return f"{self.names[k]}, row {row - (self.ends[k - 1] if k else 0) + 1}"


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
