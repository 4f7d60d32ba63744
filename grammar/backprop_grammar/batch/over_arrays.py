"""A program over arrays at many points: each element is a column of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays.elements import Label, by_element, classes, placeholder
from ..arrays.lower import element, elements, owner
from ..arrays.shapes import selects
from ..errors import BackpropError, shorten, usage
from ..language.graph import Array, Graph
from ..operations.shape import Shape, said
from .decimals import Decimals
from .evaluator import Evaluator, Rows, check_lengths, column_of, columns_of
from .ufuncs import Column

__all__ = [
    "LINES",
    "EvaluatorOfArrays",
    "Parts",
    "check_lines",
    "columns_of_arrays",
    "with_classes",
]

LINES = 20_000
"""Columns of numbers that a program over arrays may mean for every row."""


class EvaluatorOfArrays(Evaluator):
    """A program over arrays made ready for many points.

    It is called with a column per input, of an array with the rows as its first axis, and gives the
    gradients so. All else, labels, sums and results that are written in place, is element by element.
    """

    def __init__(
        self,
        graph: Graph,
        columns: Mapping[str, Shape],
        at: Mapping[str, float | Array],
        wrt: Sequence[str] = (),
        output: str = "",
    ) -> None:
        """Columns: the inputs that vary, with the shapes of what stands in a row.

        Other parameters as of Evaluator. Raises BackpropError as that does, and where the program
        means too much a row.
        """
        values = {**at, **{name: placeholder(shape) for name, shape in columns.items()}}
        self.elements = by_element(graph, values, wrt, output, columns)
        self.shapes, self.names = dict(columns), tuple(dict.fromkeys(wrt)) or tuple(columns)
        for name in self.names:
            if owner(name) in self.elements.whole:
                raise selects(name)
        check_lines(len(self.elements.graph))
        labels = self.elements.labels(columns)
        point = {k: x for k, x in self.elements.at.items() if k not in labels}
        wanted = self.elements.labels(self.names)
        super().__init__(self.elements.graph, labels, point, wanted, self.elements.end)
        check_lines(len(self.straight.lines))

    def __call__(self, columns: Mapping[str, Any], into: Rows | None = None) -> Rows:
        """Evaluate rows; see Evaluator. into: its columns, and the given ones, are by element."""
        if into is not None:
            return super().__call__(columns, into)
        for name in self.shapes:
            if name not in columns:
                raise usage(
                    f"the column {shorten(name)} is missing", "give each column its numbers"
                )
        rows = super().__call__(columns_of_arrays(columns, self.shapes))
        gradients = {}
        for name in self.names:
            shape, labels = self.elements.part(name)
            parts = [rows.gradients[label] for label in labels]
            gradients[name] = np.stack(parts, axis=-1).reshape(len(rows.value), *shape)
        return Rows(rows.value, gradients, rows.status, rows.kinks)


def check_lines(count: int) -> None:
    """Raise BackpropError where a program means more columns of numbers than are computed."""
    if count > LINES:
        raise BackpropError(
            "limit",
            f"the program means {count:,} operations on numbers for every row, more than {LINES:,}",
            hint="make the arrays smaller; what is the same in all rows counts less as values of the point",
        )


def with_classes(
    program: Graph,
    at: Mapping[str, float | Array],
    columns: Mapping[str, Any],
    given: Mapping[str, Shape],
    output: str = "",
) -> tuple[dict[str, Any], dict[str, Shape], list[str]]:
    """Columns with vectors of a 1 and 0s for labels, their shapes, and which columns were labels.

    See ``arrays.elements.classes``. Raises BackpropError for a label that names no class.
    """
    result, sizes = dict(columns), dict(given)
    found = classes(program, at, given, output)
    for name, count in found.items():
        labels = np.asarray(column_of(name, columns[name]))
        missing = np.isnan(labels)
        wrong = np.flatnonzero(~missing & ~np.isin(labels, np.arange(count)))
        if len(wrong):
            k = int(wrong[0])
            raise usage(
                f"the label {labels[k]:g} of {shorten(name)} in row {k + 1:,} names no class",
                f"labels are 0 to {count - 1}",
            )
        result[name] = Parts([np.where(missing, np.nan, labels == k) for k in range(count)])
        sizes[name] = Label((count,))
    return result, sizes, list(found)


def columns_of_arrays(
    values: Mapping[str, Any], shapes: Mapping[str, Shape]
) -> dict[str, Column | Decimals]:
    """Columns by element, x[0] and so on, of one length; shapes: of what stands in each row.

    Raises BackpropError for what is no column of such arrays.
    """
    columns = dict[str, Column | Decimals]()
    for name, shape in shapes.items():
        columns |= (
            parts_of(name, values[name], shape) if shape else columns_of({name: values[name]})[0]
        )
    check_lengths(columns)
    return columns


def parts_of(name: str, given: Any, shape: Shape) -> dict[str, Column | Decimals]:
    """A column of arrays as a column for each element. Raises BackpropError for what is none.

    given: an array with the rows as its first axis, or the columns of the elements, row by row.
    """
    places = [element(name, place) for place in elements(shape)]
    if isinstance(given, Parts):
        return {one: column_of(one, part) for one, part in zip(places, given, strict=True)}
    try:
        array = np.ma.asarray(given) if np.ma.isMaskedArray(given) else np.asarray(given)
    except ValueError:
        array = np.empty(0)
    if array.shape[1:] != shape or array.dtype.kind not in "iuf":
        message = (
            f"the column {shorten(name)} is no list of arrays of real numbers, each {said(shape)}"
        )
        raise usage(message, "the first axis is that of the points")
    flat = array.reshape(len(array), len(places))
    columns = [column_of(one, flat[:, k]) for k, one in enumerate(places)]
    return {one: np.ascontiguousarray(x) for one, x in zip(places, columns, strict=True)}


class Parts(tuple[Any, ...]):
    """A column of arrays as the columns of its elements, row by row."""
