"""What a walk over a program asks of a kind of numbers, in arrays.

A kernel says what its numbers are; how they are put side by side, moved, added up along an axis and
multiplied as matrices. What can be said with these stands here, once for all kinds.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from ..language.graph import Array, Graph
from ..operations.row import Operation
from ..operations.shape import Shape, size
from ..operations.table import ADD, DIV, MUL, NEG, OPERATIONS, SUB

__all__ = ["Failed", "Kernel", "Mask", "V"]

V = TypeVar("V")
"""An array of numbers."""

Column = np.ndarray[Any, np.dtype[Any]]

EXP, LOG = OPERATIONS["exp"], OPERATIONS["log"]


class Failed(Exception):
    """An operation has no value. node: where, which a walk says."""

    node = -1


class Mask(NamedTuple):
    """Where a condition holds, and where that is in doubt; None is nowhere.

    equal: where both sides of the comparison are known to be equal.
    """

    holds: Any
    doubt: Any = None
    equal: Any = False

    @property
    def everywhere(self) -> bool | None:
        """Whether it holds in all elements, or in none; None where that differs, or is in doubt."""
        if self.doubt is not None and np.any(self.doubt):
            return None
        if np.all(self.holds):
            return True
        return None if np.any(self.holds) else False

    def less(self, other: "Mask") -> "Mask":
        """Where it holds, and another does not."""
        doubts = [one for one in (self.doubt, other.doubt) if one is not None]
        return Mask(self.holds & ~other.holds, reduce(np.logical_or, doubts) if doubts else None)

    def within(self, other: "Mask") -> "Mask":
        """Where both hold."""
        doubts = [one for one in (self.doubt, other.doubt) if one is not None]
        return Mask(self.holds & other.holds, reduce(np.logical_or, doubts) if doubts else None)


class Kernel(ABC, Generic[V]):
    """A kind of numbers, in arrays of the shapes of NumPy."""

    careful = True
    """Whether texts are run as they are computed, or as they are shown (see row.Operation)."""

    # what a kind of numbers says of itself

    @abstractmethod
    def given(self, value: float | Array | Column) -> V:
        """Numbers of a point; floats of NumPy's are what they are."""

    @abstractmethod
    def constant(self, value: float | str) -> V:
        """A constant of a program, by its number or its name."""

    @abstractmethod
    def moved(self, how: Callable[..., Column], *given: V) -> V:
        """Elements of some arrays, put elsewhere: how, in arrays of NumPy's."""

    @abstractmethod
    def shape(self, x: V) -> Shape:
        """The shape of an array."""

    @abstractmethod
    def whole(self, x: V) -> Column:
        """The whole numbers that an array holds."""

    @abstractmethod
    def apply(self, row: Operation, operands: Sequence[V], where: Mask | None = None) -> V:
        """An operation of the table of numbers, element by element.

        where: the elements that are asked for; None is everywhere.
        """

    @abstractmethod
    def total(self, x: V, axis: int) -> V:
        """Sums along an axis, which is gone."""

    @abstractmethod
    def extreme(self, x: V, axis: int, sign: int) -> V:
        """The largest along an axis, which is gone; or the smallest, with a sign of -1."""

    @abstractmethod
    def shares(self, x: V, out: V, axis: int) -> V:
        """What each gets of the gradient of the largest, or smallest, along an axis, which stands in
        ``out`` with size 1: 1 over how many of them tie, and 0 of the others.
        """

    @abstractmethod
    def product(self, a: V, b: V) -> V:
        """The product of two matrices."""

    @abstractmethod
    def compare(self, left: V, comparison: str, right: V) -> Mask:
        """Where a comparison holds."""

    @abstractmethod
    def choose(self, mask: Mask, x: V, y: V) -> V:
        """X where a mask holds, else y."""

    @abstractmethod
    def text(self, graph: Graph, given: Mapping[str, V]) -> V:
        """The value of a text of the tables over the names of its operands."""

    # what follows from that

    def enter(self, where: object) -> None:
        """Take note of what is computed: a node, an edge, a condition."""

    def number(self, value: float) -> V:
        """A number that a float is."""
        return self.given(np.float64(value))

    def add(self, x: V, y: V) -> V:
        return self.apply(ADD, (x, y))

    def sub(self, x: V, y: V) -> V:
        return self.apply(SUB, (x, y))

    def mul(self, x: V, y: V) -> V:
        return self.apply(MUL, (x, y))

    def div(self, x: V, y: V) -> V:
        return self.apply(DIV, (x, y))

    def routed(self, up: V, local: V) -> V:
        """What is sent through an operation that selects: nothing of what is infinite elsewhere."""
        return self.mul(up, local)

    def zeros(self, shape: Shape) -> V:
        return self.given(np.zeros(shape))

    def reshaped(self, x: V, shape: Shape) -> V:
        """The same numbers, row by row."""
        return x if self.shape(x) == shape else self.moved(lambda a: a.reshape(shape), x)

    def stretched(self, x: V, shape: Shape) -> V:
        """An array beside larger ones."""
        if self.shape(x) == shape:
            return x
        return self.moved(lambda a: np.broadcast_to(a, shape), x)

    def fitted(self, x: V, shape: Shape) -> V:
        """What is sent back to an operand of a shape, summed over what that was stretched to; of one
        number for all, that.
        """
        over = self.shape(x)
        if over == shape:
            return x
        if size(over) < size(shape):
            return self.stretched(x, shape)
        if size(over) == size(shape):
            return self.reshaped(x, shape)
        if size(shape) == 1:
            return self.reshaped(self.total(self.reshaped(x, (size(over),)), 0), shape)
        return self.reshaped(self.total(x, 1 if shape[-1] == 1 else 0), shape)

    def scattered(self, x: V, places: Column, count: int) -> V:
        """A vector added up in places of one of so many numbers, with 0 where nothing is put."""
        order = np.argsort(places, kind="stable")
        places, x = places[order], self.moved(lambda a: a[order], x)
        while True:
            starts = np.flatnonzero(np.r_[True, places[1:] != places[:-1]])
            if len(starts) == len(places):
                break
            rank = np.arange(len(places)) - np.repeat(starts, np.diff(np.r_[starts, len(places)]))
            first = np.flatnonzero(rank % 2 == 0)
            second = np.minimum(first + 1, len(places) - 1)
            paired = (first + 1 < len(places)) & (places[second] == places[first])
            kept, one, other = first[~paired], first[paired], second[paired]
            sums = self.add(self.moved(lambda a, k=one: a[k], x), self.moved(lambda a, k=other: a[k], x))  # fmt: skip
            new = np.concatenate([kept, one])
            order = np.argsort(new, kind="stable")
            x = self.moved(lambda a, b, k=kept, o=order: np.concatenate([a[k], b])[o], x, sums)
            places = places[new[order]]

        def spread(a: Column) -> Column:
            out = np.zeros(count, dtype=a.dtype)
            out[places] = a
            return out

        return self.moved(spread, x)

    def reduced(self, row: Operation, x: V, axis: int | None) -> V:
        """A reduction along an axis, which stays with size 1; or of all numbers, to one."""
        kept = self.shape(x)
        if axis is None or len(kept) == 1:
            x, kept = self.reshaped(x, (size(kept),)), (1,) if axis is not None else ()
            axis = 0
        else:
            axis %= len(kept)
            kept = tuple([1 if k == axis else n for k, n in enumerate(kept)])
        return self.reshaped(self.along(row, x, axis), kept)

    def along(self, row: Operation, x: V, axis: int) -> V:
        """A reduction along an axis, which is gone."""
        count = self.shape(x)[axis]
        if row.selects:
            return self.extreme(x, axis, row.selects)
        if count == 1:
            return self.moved(lambda a: np.take(a, 0, axis), x)
        if row.name == "logsumexp":
            top = self.extreme(x, axis, 1)
            less = self.sub(x, self.moved(lambda a: np.expand_dims(a, axis), top))
            total = self.total(self.apply(EXP, (less,)), axis)
            return self.add(top, self.apply(LOG, (total,)))
        total = self.total(x, axis)
        return self.div(total, self.number(float(count))) if row.name == "mean" else total

    def side_by_side(self, row: Operation, operands: Sequence[V]) -> V:
        """A reduction of several operands, element by element."""
        return self.along(row, self.stacked(operands), 0)

    def stacked(self, operands: Sequence[V]) -> V:
        """Several operands beside each other, along a new first axis."""
        shape = np.broadcast_shapes(*[self.shape(x) for x in operands])
        return self.moved(lambda *xs: np.stack(xs), *[self.stretched(x, shape) for x in operands])

    def slopes(self, row: Operation, x: V, out: V, axis: int) -> V:
        """The local gradients of a reduction along an axis, which stands in ``out`` with size 1."""
        if row.selects:
            return self.shares(x, out, axis)
        if row.name == "logsumexp":
            return self.apply(EXP, (self.sub(x, out),))
        count = self.shape(x)[axis] if row.name == "mean" else 1
        return self.div(self.number(1.0), self.number(float(count)))

    def negated(self, x: V) -> V:
        return self.apply(NEG, (x,))
