"""The data that `backprop step --data` hands to a program at once: a matrix with a row for each row.

A file's columns x_0, x_1, ... are a matrix x, or X where there is no other; a column is a vector.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backprop_grammar.errors import BackpropError, few, shorten, usage
from backprop_grammar.language.graph import Array
from backprop_grammar.library import Program
from backprop_grammar.operations.shape import LARGEST, Shape, size

from .arrays import feed_one, lacking
from .columns import Feed, called, columns_hint
from .objective import PointFiles
from .sources import Points

__all__ = ["Data", "missing", "of_archive", "of_files"]


class Data(NamedTuple):
    """Inputs with all rows, and what the files are called."""

    values: dict[str, Array]
    files: tuple[str, ...]


def of_files(
    program: Program,
    at: Mapping[str, Any],
    output: str,
    files: Sequence[Points],
    renamed: Mapping[str, str],
) -> Data:
    """The data in files, one after the other.

    at: the inputs that have a value otherwise. renamed: columns that have other names. Raises
    BackpropError where an input is a column and has a value, and where none is a column.
    """
    feed, own = Feed(), dict[str, str]()
    one, first = files[0], called(files[0], renamed)
    for name in program.needed(output):
        shape = row_shape(program, name)
        for spelt in dict.fromkeys((name, name.lower())):
            if spelt in own.values() or (spelt != name and spelt in program.inputs):
                continue
            if feed_one(feed, spelt, shape, one, first, set(program.inputs), name in at):
                own[name] = spelt
                break
        if name in own and name in at:
            raise usage(f"{shorten(name)} is a column and given by --at", "leave one of them out")
    if not own:
        message = "no variable of the program is a column"
        raise BackpropError("binding", message, hint=columns_hint(one))
    rows = PointFiles(files, feed.columns, feed.shapes, feed.lists)
    values = {name: array(rows, spelt, feed.shapes[spelt]) for name, spelt in own.items()}
    return Data(values, rows.names)


def row_shape(program: Program, name: str) -> Shape | None:
    """The shape that an input is declared to have in a row; None where nothing says it."""
    declared = program.record.declared.get(name)
    if declared is None:
        return None
    rest = declared[1:]
    if not all(isinstance(n, int) for n in rest):
        return None
    return tuple([int(n) for n in rest])


def array(rows: PointFiles, name: str, shape: Shape) -> Array:
    """A column, or the columns of an array, with all rows."""
    columns = rows[name] if shape else (rows[name],)
    height = len(columns[0])
    if height * size(shape) > LARGEST:
        count = f"{height:,} rows of {size(shape):,} numbers"
        raise usage(
            f"{shorten(name)} has {count}, and an array holds {LARGEST:,} at most",
            "give fewer rows, or --points for a program that takes one row at a time",
        )
    lists = [column_numbers(column) for column in columns]
    numbers = tuple([x for row in zip(*lists, strict=True) for x in row])
    return Array((height, *shape), numbers)


def column_numbers(column: Any) -> list[float]:
    """A column as floats, with what they stand for where they come from texts."""
    if hasattr(column, "number"):
        return [column.number(row) for row in range(len(column))]
    return [float(x) for x in column]


def of_archive(
    program: Program, at: Mapping[str, Any], output: str, found: Mapping[str, Any], path: str
) -> Data:
    """The data in a .npz file, whose arrays have the names of inputs, or these in small letters.

    found: these arrays. Raises BackpropError as ``of_files`` does.
    """
    values: dict[str, Array] = {}
    for name in program.needed(output):
        key = next((key for key in (name, name.lower()) if key in found), None)
        if key is None or (key != name and key in program.inputs):
            continue
        if name in at:
            raise usage(f"{shorten(name)} is in {path} and given by --at", "leave one of them out")
        value = found[key]
        if not isinstance(value, Array):
            raise usage(
                f"{shorten(key)} of {path} is one number", "data has a row for each example"
            )
        values[name] = value
    if not values:
        message = f"no variable of the program is in {path}"
        raise BackpropError("binding", message, hint=f"it holds {few(found)}")
    return Data(values, (path,))


def missing(
    program: Program,
    at: Mapping[str, Any],
    output: str,
    files: Sequence[Points],
    renamed: Mapping[str, str],
) -> BackpropError | None:
    """The error for inputs that have no value; None where all have one."""
    names = [name for name in program.needed(output) if name not in at]
    if not names or not files:
        return None
    return lacking(names, program, files[0], renamed)
