"""The operations of the table over columns of numbers, each by its row."""

import math
from collections.abc import Callable
from functools import cache, reduce
from typing import Any, NamedTuple

import numpy as np

from ..numbers.ball import Ball, DomainError, Undecided
from ..numbers.binary64 import binary64
from ..operations.row import Operation

__all__ = ["COMPARISONS", "Column", "ColumnFunction", "admits", "called", "over_columns"]

Column = np.ndarray[Any, np.dtype[Any]]

COMPARISONS: dict[str, np.ufunc] = {
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


class ColumnFunction(NamedTuple):
    """What computes columns from columns; nan or infinite where there is no value.

    ufunc: where it is one call of NumPy's, or one for each further operand. ulps: its largest error.
    """

    call: Callable[..., Column]
    ufunc: np.ufunc | None
    ulps: float


@cache
def over_columns(operation: Operation) -> ColumnFunction:
    """What an operation is over columns: NumPy's function, or one that is called row by row.

    One that only a text computes, which says nothing of where it has no value, has none here, so
    that its points are asked one by one.
    """
    if isinstance(operation.numpy, str) and operation.numpy:
        ufunc: np.ufunc = getattr(np, operation.numpy)
        if operation.cut:
            return ColumnFunction(unsigned(ufunc), None, operation.numpy_ulps)
        call = pairwise(ufunc) if operation.variadic else ufunc
        return ColumnFunction(call, ufunc, operation.numpy_ulps)
    if operation.numpy:
        return ColumnFunction(row_by_row(operation.numpy), None, operation.numpy_ulps)
    if operation.value:
        return ColumnFunction(row_by_row(operation.value), None, operation.ulps)
    return ColumnFunction(lambda *columns: columns[0] * math.nan, None, 0.0)


def unsigned(ufunc: np.ufunc) -> Callable[..., Column]:
    """A function with a branch cut, of numbers: NumPy's takes -0 for one below 0."""

    def of_numbers(*columns: Column) -> Column:
        return np.asarray(ufunc(*(column + 0.0 for column in columns)))

    return of_numbers


def pairwise(ufunc: np.ufunc) -> Callable[..., Column]:
    """A function of two columns over any number of them."""

    def over_all(*columns: Column) -> Column:
        return np.asarray(reduce(ufunc, columns))

    return over_all


def row_by_row(value: Callable[..., float]) -> Callable[..., Column]:
    """A function of floats, called for every row; nan where it has no value."""

    def one(*operands: float) -> float:
        try:
            return value(*operands)
        except ARITHMETIC:
            return math.nan

    return called(one)


def admits(operation: Operation, operands: list[Ball]) -> bool:
    """Whether operands certainly have a value by the domain and the requirement of a row."""
    try:
        binary64.admit(operation, operands)
    except (DomainError, Undecided, *ARITHMETIC):
        return False
    return True


ARITHMETIC = (ValueError, OverflowError, ZeroDivisionError)
"""What Python raises where a number does not exist."""


def called(function: Callable[..., float]) -> Callable[..., Column]:
    """A function of floats as one of columns."""

    def over_rows(*columns: Column) -> Column:
        rows = np.frompyfunc(function, len(columns), 1)(*columns)
        return np.asarray(rows, dtype=np.float64)

    return over_rows
