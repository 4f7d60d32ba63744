"""The same arrays of floats, held and computed by NumPy: for programs beyond a lecture's size."""

from collections.abc import Sequence
from typing import Any

from ..language.graph import Array
from ..large.plain import PLAIN
from ..large.structure import structural
from ..operations.row import Operation
from ..operations.shape import Misfit, Shape
from ..operations.structural import Structural
from .floats import Floats, cells_of, shape_of, shared_shape

__all__ = ["COLUMNS"]


class Columns:
    """Numbers in arrays of NumPy's."""

    def make(self, shape: Shape, numbers: Sequence[float]) -> Floats:
        return Floats(self, shape, PLAIN.given(Array(shape, tuple(numbers))))

    def filled(self, shape: Shape, number: float) -> Floats:
        return Floats(self, shape, PLAIN.stretched(PLAIN.number(number), shape))

    def numbers(self, x: Floats) -> list[float]:
        found: list[float] = x.data.ravel().tolist()
        return found

    def result(self, data: Any) -> Floats:
        return Floats(self, PLAIN.shape(data), data)

    def elementwise(self, row: Operation, operands: Sequence[Floats]) -> Floats:
        shape = shared_shape(operands)  # NumPy stretches more than this language does
        data = PLAIN.apply(row, [x.data for x in operands])
        return self.result(PLAIN.reshaped(data, shape))

    def choose(self, comparison: str, operands: Sequence[Floats]) -> Floats:
        shared_shape(operands)
        a, b, x, y = (one.data for one in operands)
        return self.result(PLAIN.choose(PLAIN.compare(a, comparison, b), x, y))

    def reduce(self, row: Operation, x: Floats, axis: int | None) -> Floats:
        return self.result(PLAIN.reduced(row, x.data, axis))

    def structural(self, row: Structural, operands: Sequence[Floats], written: Any) -> Floats:
        shape = shape_of(row, [cells_of(row, k, operands) for k in range(len(operands))], written)
        data = structural(PLAIN, row, [x.data for x in operands], written)
        if PLAIN.shape(data) != shape:
            raise Misfit("", "", "")
        return self.result(data)

    def shaped(self, x: Floats, shape: Shape) -> Floats:
        return Floats(self, shape, PLAIN.reshaped(x.data, shape))

    def reaches(self, x: Floats) -> float:
        return float(abs(x.data).max())


COLUMNS = Columns()
