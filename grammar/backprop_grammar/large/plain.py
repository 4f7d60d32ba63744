"""Plain floats, without bounds: for trying much, quickly."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..batch.ufuncs import COMPARISONS, over_columns
from ..language.graph import Array
from ..language.table_texts import texts
from ..operations.row import Operation
from ..operations.shape import Shape
from ..operations.table import CONSTANTS
from .kernel import Column, Mask
from .walk import Numbers

__all__ = ["PLAIN", "Plain"]


class Plain(Numbers[Any]):
    """Arrays of floats, as NumPy computes them."""

    def given(self, value: float | Array | Column) -> Any:
        if isinstance(value, Array):
            return np.array(value.numbers, dtype=np.float64).reshape(value.shape)
        return np.asarray(value, dtype=np.float64)

    def constant(self, value: float | str) -> Any:
        return np.float64(CONSTANTS[value] if isinstance(value, str) else value)

    def moved(self, how: Callable[..., Column], *given: Any) -> Any:
        return how(*map(np.asarray, given))

    def shape(self, x: Any) -> Shape:
        return np.shape(x)

    def whole(self, x: Any) -> Any:
        return np.rint(x).astype(np.int64)

    @np.errstate(all="ignore")
    def apply(self, row: Operation, operands: Sequence[Any], _where: Mask | None = None) -> Any:
        if row.variadic:
            return self.side_by_side(row, operands)
        own = texts(row).computed
        if own is not None and not row.numpy:
            return self.text(own, dict(zip(row.operands, operands, strict=False)))
        return over_columns(row).call(*operands)

    def total(self, x: Any, axis: int) -> Any:
        return np.sum(x, axis)

    def extreme(self, x: Any, axis: int, sign: int) -> Any:
        return np.max(x, axis) if sign > 0 else np.min(x, axis)

    def shares(self, x: Any, out: Any, axis: int) -> Any:
        same = (x == out).astype(np.float64)
        return same / np.sum(same, axis, keepdims=True)

    def product(self, a: Any, b: Any) -> Any:
        return a @ b

    def compare(self, left: Any, comparison: str, right: Any) -> Mask:
        return Mask(COMPARISONS[comparison](left, right))

    def choose(self, mask: Mask, x: Any, y: Any) -> Any:
        return np.where(mask.holds, x, y)


PLAIN = Plain()
