"""Arrays of plain floats, and what texts over arrays make of them.

What a diagnosis tries is tried a thousand times and compared to a few digits, so no number here
knows how wrong it may be. An operation on arrays is its own lowering, over floats where a tape has
nodes; a kernel says how the numbers are held.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Protocol

from ..language.graph import Graph
from ..language.table_texts import texts
from ..numbers.ball import DomainError, Undecided
from ..numbers.binary64 import binary64
from ..operations.row import Operation
from ..operations.shape import Cells, Misfit, Shape, Taken, broadcast, size, spread
from ..operations.structural import INDEX, Structural
from ..operations.table import (
    ADD,
    CONSTANT,
    CONSTANTS,
    DIV,
    MUL,
    NEG,
    OPERATIONS,
    SUB,
    VARIABLE,
)

__all__ = ["LISTS", "Floats", "Kernel", "alike", "fitted", "floats_of"]

HOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

NAN = float("nan")


class Kernel(Protocol):
    """How the numbers of arrays are held, and what operations make of them.

    All raise Misfit for shapes that do not fit; a number that does not exist is a nan.
    """

    def make(self, shape: Shape, numbers: Sequence[float]) -> "Floats":
        """An array of these numbers, row by row."""
        ...

    def filled(self, shape: Shape, number: float) -> "Floats":
        """An array of one number."""
        ...

    def numbers(self, x: "Floats") -> list[float]:
        """Its numbers, row by row."""
        ...

    def elementwise(self, row: Operation, operands: Sequence["Floats"]) -> "Floats":
        """An operation, element by element."""
        ...

    def choose(self, comparison: str, operands: Sequence["Floats"]) -> "Floats":
        """An `if`: the two that are compared, and what is taken where that holds and where not."""
        ...

    def reduce(self, row: Operation, x: "Floats", axis: int | None) -> "Floats":
        """A reduction of all numbers, or along an axis."""
        ...

    def structural(self, row: Structural, operands: Sequence["Floats"], written: Any) -> "Floats":
        """A row of the array table."""
        ...

    def shaped(self, x: "Floats", shape: Shape) -> "Floats":
        """The same numbers in another shape."""
        ...

    def reaches(self, x: "Floats") -> float:
        """The largest magnitude; nan or infinite where a number does not exist."""
        ...


class Floats:
    """An array of floats, with operators element by element."""

    __slots__ = ("data", "kernel", "shape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, kernel: Kernel, shape: Shape, data: Any) -> None:
        self.kernel, self.shape, self.data = kernel, shape, data

    @property
    def numbers(self) -> list[float]:
        """The numbers, row by row."""
        return self.kernel.numbers(self)

    @property
    def reach(self) -> float:
        """The largest magnitude; nan or infinite where a number does not exist."""
        return self.kernel.reaches(self)

    def with_(self, row: Operation, *operands: Any) -> "Floats":
        """An operation on this and others, which may be numbers."""
        return self.kernel.elementwise(row, [self.like(one) for one in operands])

    def like(self, x: Any) -> "Floats":
        return x if isinstance(x, Floats) else self.kernel.make((), (float(x),))

    def __add__(self, other: Any) -> "Floats":
        return self.with_(ADD, self, other) if isinstance(other, Floats) or other else self

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Floats":
        return self.with_(SUB, self, other)

    def __rsub__(self, other: Any) -> "Floats":
        return self.with_(SUB, other, self)

    def __mul__(self, other: Any) -> "Floats":
        if not isinstance(other, Floats | float | int):
            return NotImplemented
        return self.with_(MUL, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Floats":
        return self.with_(DIV, self, other)

    def __rtruediv__(self, other: Any) -> "Floats":
        return self.with_(DIV, other, self)

    def __neg__(self) -> "Floats":
        return self.with_(NEG, self)

    def __bool__(self) -> bool:
        """Whether any number is not 0."""
        return self.reach != 0

    def __eq__(self, other: object) -> bool:
        """Whether all numbers are equal, or are all that number."""
        return not (self - other).reach

    def sum(self, axis: int | None = None) -> "Floats":
        """The sum of all numbers, or along an axis, which stays with size 1."""
        return self.kernel.reduce(OPERATIONS["sum"], self, axis)


def fitted(x: Floats, shape: Shape) -> Floats | None:
    """An array as one of another shape: stretched over it, or summed where it is larger.

    None where neither fits, which a transposed matrix does not.
    """
    if x.shape == shape:
        return x
    if alike(x.shape, shape):
        return x.kernel.shaped(x, shape)
    if size(x.shape) > size(shape):
        if size(shape) == 1:
            return x.kernel.shaped(x.sum(), shape)
        if len(x.shape) != 2 or (len(shape) == 2 and 1 not in shape):
            return None
        axis = 1 if len(shape) == 2 and shape[1] == 1 else 0
        summed = x.sum(axis)
        return x.kernel.shaped(summed, shape) if size(summed.shape) == size(shape) else None
    try:
        whole = x + x.kernel.filled(shape, 0.0)
    except Misfit:
        return None
    return whole if whole.shape == shape else None


def alike(one: Shape, other: Shape) -> bool:
    """Whether shapes differ in sizes of 1 alone, as a vector and a row or a column do."""
    if [n for n in one if n > 1] != [n for n in other if n > 1]:
        return False
    return one[-1:] == other[-1:] or 2 not in (len(one), len(other)) or len(one) != len(other)


# numbers in lists


class Loose:
    """What the lowerings of the array table see: a tape whose nodes are the numbers themselves."""

    def apply(self, name: str, *operands: float) -> float:
        return number_of(OPERATIONS[name])(*operands)

    def number(self, value: float) -> float:
        return value

    def select(self, left: float, comparison: str, right: float, then: float, otherwise: float) -> float:  # fmt: skip
        return then if HOLDS[comparison](left, right) else otherwise


ON: Any = Loose()

QUICK: dict[str, Callable[..., float]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "neg": operator.neg,
    "identity": operator.pos, "abs": abs, "sum": lambda *xs: math.fsum(xs),
    "mean": lambda *xs: math.fsum(xs) / len(xs), "max": max, "min": min,
}  # fmt: skip


@cache
def number_of(row: Operation) -> Callable[..., float]:
    """The value of an operation on floats, nan where it has none."""
    quick = QUICK.get(row.name)
    if quick is None and row.value is not None and not texts(row).computed:
        quick = row.value

    def value(*operands: float) -> float:
        try:
            return quick(*operands) if quick else binary64.value(row, operands)
        except (ArithmeticError, ValueError, Undecided, DomainError):
            return NAN

    return quick if row.name in ("add", "sub", "mul", "neg", "identity", "abs") and quick else value


def shared_shape(operands: Sequence[Floats]) -> Shape:
    """The shape of operands side by side. Raises Misfit."""
    shape = operands[0].shape
    for one in operands[1:]:
        if one.shape != shape:
            shape = broadcast(Taken("", shape), Taken("", one.shape))
    return shape


class Lists:
    """Numbers in lists, which needs no library."""

    def make(self, shape: Shape, numbers: Sequence[float]) -> Floats:
        return Floats(self, shape, list(numbers))

    def filled(self, shape: Shape, number: float) -> Floats:
        return Floats(self, shape, [number] * size(shape))

    def numbers(self, x: Floats) -> list[float]:
        return list(x.data)

    def elementwise(self, row: Operation, operands: Sequence[Floats]) -> Floats:
        shape = shared_shape(operands)
        apply = number_of(row)
        return Floats(self, shape, list(map(apply, *columns(operands, shape))))

    def choose(self, comparison: str, operands: Sequence[Floats]) -> Floats:
        shape, holds = shared_shape(operands), HOLDS[comparison]
        columned = zip(*columns(operands, shape), strict=True)
        return Floats(self, shape, [x if holds(a, b) else y for a, b, x, y in columned])

    def reduce(self, row: Operation, x: Floats, axis: int | None) -> Floats:
        cells, apply = Cells(x.shape, x.data), number_of(row)
        if axis is None or len(x.shape) < 2:
            lines, shape = [x.data], (1,) * len(x.shape) if axis is not None else ()
        elif axis == 0:
            lines, shape = cells.columns(), (1, x.shape[1])
        else:
            lines, shape = cells.rows(), (x.shape[0], 1)
        single = row.name in ("sum", "mean", "max", "min", "logsumexp")
        return Floats(self, shape, [line[0] if single and len(line) == 1 else apply(*line) for line in lines])  # fmt: skip

    def structural(self, row: Structural, operands: Sequence[Floats], written: Any) -> Floats:
        given = [cells_of(row, k, operands) for k in range(len(operands))]
        shape = shape_of(row, given, written)
        data = list(row.lower(ON, given, written))
        if len(data) != size(shape):  # what selects is no whole number
            raise Misfit("", "", "")
        return Floats(self, shape, data)

    def shaped(self, x: Floats, shape: Shape) -> Floats:
        return Floats(self, shape, x.data)

    def reaches(self, x: Floats) -> float:
        total = sum(x.data)  # nan where any is
        return max(map(abs, x.data), default=0.0) if math.isfinite(total) else NAN


LISTS = Lists()


def columns(operands: Sequence[Floats], shape: Shape) -> list[list[float]]:
    """The numbers of arrays beside each other, those of smaller ones repeated."""
    return [
        one.data if one.shape == shape else [one.data[k] for k in spread(one.shape, shape)]
        for one in operands
    ]


def cells_of(row: Structural, place: int, operands: Sequence[Floats]) -> Cells:
    """An operand as the lowering of a row takes it, with the whole numbers by which it selects."""
    x = operands[place]
    selects = place in row.indices or (place and (row is INDEX or row.hidden))
    if not selects:
        return Cells(x.shape, x.data)
    numbers = x.numbers
    whole = all(number == number and number == int(number) for number in numbers)
    if not whole or (row.holds and row.holds([one.shape for one in operands], whole)):
        return Cells(x.shape, x.data)
    return Cells(x.shape, x.data, tuple(map(int, numbers)))


def shape_of(row: Structural, given: Sequence[Cells], written: Any) -> Shape:
    """The shape that an operation gives. Raises Misfit."""
    return row.shape([Taken("", x.shape, x.whole) for x in given], written)


# texts


@lru_cache(maxsize=4096)
def steps(key: "Key") -> list[tuple[int, Operation, Sequence[int], Any]]:
    """What a text does, in order: only what its output needs."""
    graph = key.graph
    needed = graph.needed(graph.output)
    return [
        (node, row, graph.operands[node], graph.written.get(node))
        for node, row in enumerate(graph.operations)
        if needed[node] and row is not VARIABLE
    ]


class Key:
    """A graph by its identity."""

    __slots__ = ("graph",)

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __hash__(self) -> int:
        return id(self.graph)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other.graph is self.graph


def floats_of(kernel: Kernel, graph: Graph, leaves: Mapping[str, Floats]) -> Floats:
    """The value of a text over arrays. Raises Misfit where its shapes do not fit.

    Raises KeyError for a name without a value.
    """
    values: dict[int, Floats] = {
        node: leaves[name] for name, node in graph.variables.items() if name in leaves
    }
    for node, row, operands, written in steps(Key(graph)):
        if row is CONSTANT:
            number = graph.constants[node]
            value = CONSTANTS[number] if isinstance(number, str) else number
            values[node] = kernel.make((), (value,))
            continue
        if node in graph.condition_of:
            test = graph.conditions[graph.condition_of[node]]
            compared = [values[test.left], values[test.right], *(values[k] for k in operands[2:])]
            values[node] = kernel.choose(test.comparison, compared)
            continue
        given = [values[k] for k in operands]
        if isinstance(row, Structural):
            values[node] = kernel.structural(row, given, written)
        elif row.variadic and len(given) == 1:
            values[node] = kernel.reduce(row, given[0], along(given[0], written))
        else:
            values[node] = kernel.elementwise(row, given)
    return values[graph.output]


def along(x: Floats, axis: int | None) -> int | None:
    """An axis, counted from the first. Raises Misfit for one that the array does not have."""
    if axis is None:
        return None
    if not -len(x.shape) <= axis < len(x.shape):
        raise Misfit("no such axis", "", "")
    return axis % len(x.shape)
