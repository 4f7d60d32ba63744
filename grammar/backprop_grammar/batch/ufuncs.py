"""NumPy's functions for the lines of a recipe."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..operations.table import OPERATIONS

__all__ = ["COMPARISONS", "FUNCTIONS", "Column"]

Column = np.ndarray[Any, np.dtype[Any]]

COMPARISONS: dict[str, np.ufunc] = {
    "<": np.less, ">": np.greater, "<=": np.less_equal,
    ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip


def one_by_one(function: Callable[..., float] | None) -> Callable[..., Column]:
    """A function that NumPy does not have, called for every row; NaN where it has no value."""
    assert function is not None

    def safe(*operands: float) -> float:
        try:
            return function(*operands)
        except (ValueError, OverflowError, ZeroDivisionError):
            return math.nan

    def over_columns(*columns: Column) -> Column:
        return np.asarray(np.frompyfunc(safe, len(columns), 1)(*columns), dtype=np.float64)

    return over_columns


FUNCTIONS: dict[str, Callable[..., Column]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power,
    "neg": np.negative, "exp": np.exp, "expm1": np.expm1, "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt, "cbrt": np.cbrt, "hypot": np.hypot,
    "abs": np.absolute, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "erf": one_by_one(math.erf), "erfc": one_by_one(math.erfc),
    **{name: one_by_one(OPERATIONS[name].value) for name in ("lgamma", "digamma", "polygamma")},
}  # fmt: skip
"""By the names of operations."""
