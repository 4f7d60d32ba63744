"""The same arrays of floats, held and computed by NumPy: for programs beyond a lecture's size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..large.plain import PLAIN
from ..large.structure import structural
from ..operations.row import Operation
from ..operations.shape import Misfit, Shape, size
from ..operations.structural import Structural
from .floats import Floats, cells_of, shape_of, shared_shape

__all__ = ["COLUMNS"]


class Columns:
    """Numbers in arrays of NumPy's."""

    def make(self, shape: Shape, numbers: Sequence[float]) -> Floats:
        return Floats(self, shape, np.array(numbers, dtype=np.float64).reshape(shape))

    def filled(self, shape: Shape, number: float) -> Floats:
        return Floats(self, shape, np.full(shape, number))

    def numbers(self, x: Floats) -> list[float]:
        found: list[float] = x.data.ravel().tolist()
        return found

    def result(self, data: Any) -> Floats:
        return Floats(self, np.shape(data), np.asarray(data))

    @np.errstate(all="ignore")
    def elementwise(self, row: Operation, operands: Sequence[Floats]) -> Floats:
        shape = shared_shape(operands)  # NumPy stretches more than this language does
        data = PLAIN.apply(row, [x.data for x in operands])
        return self.result(data if np.shape(data) == shape else np.reshape(data, shape))

    def choose(self, comparison: str, operands: Sequence[Floats]) -> Floats:
        shared_shape(operands)
        a, b, x, y = (one.data for one in operands)
        return self.result(PLAIN.choose(PLAIN.compare(a, comparison, b), x, y))

    @np.errstate(all="ignore")
    def reduce(self, row: Operation, x: Floats, axis: int | None) -> Floats:
        return self.result(PLAIN.reduced(row, x.data, axis))

    @np.errstate(all="ignore")
    def structural(self, row: Structural, operands: Sequence[Floats], written: Any) -> Floats:
        shape = shape_of(row, [cells_of(row, k, operands) for k in range(len(operands))], written)
        data = structural(PLAIN, row, [x.data for x in operands], written)
        if np.shape(data) != shape:
            raise Misfit("", "", "")
        return self.result(data)

    def shaped(self, x: Floats, shape: Shape) -> Floats:
        return Floats(self, shape, x.data.reshape(shape))

    def reaches(self, x: Floats) -> float:
        return float(np.max(np.abs(x.data))) if size(x.shape) else 0.0


COLUMNS = Columns()
