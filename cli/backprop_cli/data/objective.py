"""The rows over which `backprop step --points` takes the mean of a program."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from backprop_grammar.errors import BackpropError
from backprop_grammar.operations.shape import Shape

from . import io as tables
from .sources import Points

if TYPE_CHECKING:
    import polars

__all__ = ["PointFiles"]

TEXT = "\0text "
"""Before the name of a column, that of its texts."""


class PointFiles(Mapping[str, Any]):
    """Columns of files of points, one file after the other, which are read when one is looked at.

    columns: variable -> its column; over arrays, see ``arrays.Feed``: element -> its column. shapes:
    of the variables. lists: the columns of lists, with the shapes in them.
    """

    def __init__(
        self,
        files: Sequence[Points],
        columns: Mapping[str, str],
        shapes: Mapping[str, Shape] | None = None,
        lists: Mapping[str, Shape] | None = None,
        labels: Mapping[str, int] | None = None,
    ) -> None:
        self.files = files
        self.columns = columns
        self.shapes = dict.fromkeys(columns, ()) if shapes is None else dict(shapes)
        self.lists, self.labels = lists or {}, labels or {}
        self.names = tuple(one.name for one in files)
        self.ends = list[int]()  # of the files: how many rows there are up to there

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, name: str) -> Any:
        shape = self.shapes[name]
        if not shape:
            return self.table[name]
        from backprop_grammar.arrays.lower import element, elements  # which numbers do not need
        from backprop_grammar.batch.over_arrays import Parts  # likewise

        return Parts([self.table[element(name, place)] for place in elements(shape)])

    @cached_property
    def table(self) -> dict[str, Any]:
        """The columns: floats where all files hold floats, else decimals. Raises BackpropError where they can't be read, or a row lacks a number."""
        columns = tuple(self.columns.values())
        held = [name for name in columns if all(binary(one, name) for one in self.files)]
        frames = [numbers(one, self.columns, held, self.lists, self.labels) for one in self.files]
        self.ends = list(accumulate(frame.height for frame in frames))
        if not self.ends[-1]:
            hint = "a mean is over one row or more"
            raise BackpropError("file", f"{self.names[0]} has no rows", hint=hint)
        joined = tables.library().concat(frames)
        del frames
        table = dict[str, Any]()
        for variable, name in self.columns.items():
            column, texts = joined.drop_in_place(name), joined.drop_in_place(TEXT + name)
            if name in held:
                table[variable] = column.to_numpy()
            else:
                table[variable] = tables.decimals(column, texts)
        return table

    def place(self, row: int) -> str:
        """A row's file, and its number there."""
        k = bisect_right(self.ends, row)
        return f"{self.names[k]}, row {row - (self.ends[k - 1] if k else 0) + 1}"


def binary(one: Points, name: str) -> bool:
    """Whether a file's column holds floats, not texts."""
    (column,) = tables.whole_columns([name])
    return "Float" in one.columns[column]


def numbers(
    one: Points,
    columns: Mapping[str, str],
    held: Sequence[str],
    lists: Mapping[str, Shape],
    labels: Mapping[str, int],
) -> "polars.DataFrame":
    """Some columns of a file as floats, each with its texts (see ``tables.texts``).

    columns: variable -> its column. held: columns that are floats in all files, whose texts do not
    matter. lists, labels: see ``tables.taken``.

    Raises BackpropError for the first row that lacks a number.
    """
    pl = tables.library()
    wrong = dict[int, str]()
    names = tuple(columns.values())
    whole = tables.whole_columns(names)
    labelled = {
        k.partition("[")[0]
        for k, name in columns.items()
        if tables.whole_columns([name])[0] in labels
    }

    def converted(batch: "polars.DataFrame") -> "polars.DataFrame":
        lines = one.form == "jsonl"
        table = tables.fields(batch, one.name, whole, (), True, lists) if lines else batch
        given, misshapen = tables.taken(table, columns, lists, labels)
        floats = []
        for k, why in misshapen.items():
            wrong.setdefault(batch[tables.ROW][k], why)
        for variable, name in columns.items():
            series, reasons = tables.floats(given[variable], variable)
            plain = name in held
            said = tables.no_texts(len(series)) if plain else tables.texts(given[variable], series)
            floats += [series, said.alias(TEXT + name)]
            for k, why in reasons.items():
                wrong.setdefault(batch[tables.ROW][k], why)
        return pl.DataFrame(floats)  # type: ignore[no-any-return]

    with tables.reading(one.name):
        frame = tables.scan(one.path, one.form, one.separator)
        if one.form != "jsonl":
            frame = frame.select(tables.ROW, *whole)
        kinds = {k: kind for n in names for k, kind in ((n, pl.Float64), (TEXT + n, pl.String))}
        mapped = frame.map_batches(converted, streamable=True, schema=kinds)
        result: polars.DataFrame = mapped.collect(engine="streaming")
    if wrong:
        row = min(wrong)
        hint = "a mean is over rows with all their numbers"
        if any(wrong[row].startswith(f"{name} is n") for name in labelled):
            hint = "a label is a whole number, from 0 to one less than there are classes"
        raise BackpropError("file", f"{one.name}, row {row + 1}: {wrong[row]}", hint=hint)
    return result
