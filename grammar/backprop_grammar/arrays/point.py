"""Arrays from what a person or a program gives: nested lists and NumPy's arrays."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from ..errors import BackpropError, shorten
from ..language.graph import Array, Graph
from ..operations.shape import LARGEST, size
from ..trace.point import finite, is_array, unknown_names

__all__ = ["NARROW", "array", "bind", "held"]

NARROW = {"float16": "binary16", "float32": "binary32"}
"""Types whose numbers are widened, and their arithmetic: what they print as is not what they hold."""

FLOATS = ("float16", "float32", "float64")
"""NumPy's names of the types whose numbers are floats."""


def held(value: Any) -> Any:
    """What a table or a tensor of another library holds, as NumPy's array; else the value itself."""
    if hasattr(value, "detach"):  # a tensor that has a gradient
        value = value.detach()
    for way in ("to_numpy", "__array__"):
        if not isinstance(value, list | tuple) and hasattr(value, way):
            return getattr(value, way)()
    return value


def of_floats(value: Any, what: str) -> Array:
    """An array of floats, each of which is what it is. Raises BackpropError for one that is none."""
    numbers = (value.astype("float64") + 0.0).ravel().tolist()
    if not all(map(isfinite, numbers)):
        for x in numbers:
            finite(x, f"an element of {what}")
    return Array(tuple(value.shape), tuple(numbers))


def array(value: Any, what: str) -> Array:
    """A vector or a matrix of finite numbers. Raises BackpropError for what is none.

    what: a message calls it. NumPy's arrays hold the floats that they are; a list is numbers as
    they print.
    """

    def refuse(why: str, hint: str) -> BackpropError:
        return BackpropError("binding", f"{what} {why}", hint=hint)

    if isinstance(value, Array):
        return value
    two = "a vector is [1, 2], a matrix [[1, 2], [3, 4]], a list of its rows"
    if type(value).__name__ == "MaskedArray" and value.mask.any():
        raise refuse("has a mask", "give a plain array: x.filled(0)")
    value = held(value)
    if hasattr(value, "dtype"):
        if value.ndim > 2:
            raise refuse(f"has {value.ndim} axes", f"arrays have two at most: {two}")
        if 0 not in value.shape and size(value.shape) > LARGEST:
            raise refuse(f"has {size(value.shape):,} elements, more than {LARGEST:,}", "give fewer")
        if str(value.dtype).startswith("complex"):
            raise refuse("holds complex numbers", "give its real part: x.real")
        if str(value.dtype).startswith(FLOATS) and 0 not in value.shape:
            return of_floats(value, what)
        if str(value.dtype) == "bool":
            value = value.astype(int)  # a mask
        value = value.tolist()
    shape: tuple[int, ...]
    rows = list(value)
    lists = [row for row in rows if is_array(row)]
    if not rows:
        raise refuse("is empty", "an array has one number at least")
    if not lists:
        rows, shape = [rows], (len(rows),)
    elif len(lists) < len(rows):
        raise refuse("mixes numbers and rows", two)
    else:
        rows = [list(row) for row in rows]
        width = len(rows[0])
        if not width:
            raise refuse("is empty", "an array has one number at least")
        for k, row in enumerate(rows):
            if len(row) != width:
                numbers = f"{len(row)} number{'s' * (len(row) != 1)}"
                raise refuse(f"is no matrix: row {k + 1} has {numbers}, row 1 has {width}", "all rows of a matrix are as long")  # fmt: skip
            if any(map(is_array, row)):
                raise refuse("has three axes", f"arrays have two at most: {two}")
        shape = (len(rows), width)
    if sum(map(len, rows)) > LARGEST:
        raise refuse(f"has more than {LARGEST:,} elements", "give a smaller one")
    return Array(shape, tuple([finite(x, f"an element of {what}") for row in rows for x in row]))


def bind(program: Graph, values: Mapping[str, object]) -> tuple[Graph, dict[str, float | Array]]:
    """The program at these values, as trace.point.bind, with arrays among them."""
    program = program.bind(values)
    at: dict[str, float | Array] = {**program.inputs, **program.array_inputs}
    unknown = [name for name in values if name not in program.variables]
    if unknown:
        raise unknown_names(program, unknown, values)
    for name, value in values.items():
        what = f"the value of {shorten(name)}"
        if not hasattr(value, "ndim"):
            value = held(value)
        at[name] = array(value, what) if is_array(value) else finite(value, what)
    for name in program.declared.keys() & at.keys():
        at[name] = as_declared(at[name], program.declared[name])
    return program, at


def as_declared(value: float | Array, declared: tuple[int | str, ...]) -> float | Array:
    """A value as it is declared, where that is the same to see: a vector is a row, too."""
    if not isinstance(value, Array) or len(value.shape) == len(declared):
        return value
    if not declared and len(value.numbers) == 1:
        return value.numbers[0]
    if len(declared) == 2 and declared[0] == 1:
        return value._replace(shape=(1, *value.shape))
    if len(declared) == 1 and value.shape[0] == 1:
        return value._replace(shape=value.shape[1:])
    return value
