"""A tape of symbols on which every node has a shape."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ..arrays.shapes import reduced, side_by_side
from ..operations.makers import Maker
from ..operations.row import Operation
from ..operations.shape import Misfit, Shape, Taken
from ..operations.structural import REDUCTIONS, STRUCTURAL, Structural
from ..operations.table import CONSTANT, DIV, IDENTITY, MUL, NEG, VARIABLE
from ..symbolic.simplify import Symbols, coefficient, scaled

__all__ = ["ALONE", "ArrayTape", "Extent", "Held"]

Extent = tuple[int, str]
"""Where the size of an axis is found: a node, and rows, cols or size of it; of no node, it is 1."""

ALONE: Extent = (-1, "")


class Held(NamedTuple):
    """What a node of a program is on a tape of symbols.

    shape: of what it stands for; the node may be smaller. extents: one for each axis.
    """

    node: int
    shape: Shape
    extents: tuple[Extent, ...]


class ArrayTape(Symbols):
    """The builder that simplifies, over arrays.

    given: the shapes of variables. whole: the whole numbers of nodes that select or are sizes.
    named: nodes of which sizes may be taken in a text, as they have names. hints: what the texts of
    the table call a node.
    """

    def __init__(self, given: Mapping[str, Shape]) -> None:
        super().__init__()
        self.given = dict(given)
        self.shapes: list[Shape | None] = []
        self.whole: dict[int, tuple[int, ...]] = {}
        self.named: set[int] = set()
        self.hints: dict[int, str] = {}

    def shape(self, node: int) -> Shape:
        """The shape of a node. Raises Misfit where its operands do not fit together."""
        for k in range(len(self.shapes), node + 1):
            self.shapes.append(None)
            with suppress(Misfit):
                self.shapes[k] = self.inferred(k)
        shape = self.shapes[node]
        if shape is None:
            raise Misfit("these do not fit together", "", "")
        return shape

    def inferred(self, node: int) -> Shape:
        tape = self.tape
        row, operands = tape.operations[node], tape.operands[node]
        if row is VARIABLE:
            return self.given.get(tape.names[node], ())
        if row is CONSTANT:
            return ()
        taken = [Taken("", self.shape(k), self.counted(k)) for k in operands]
        if row is IDENTITY:
            return taken[0].shape
        if isinstance(row, Maker):
            return tuple([(one.whole or (1,))[0] for one in taken[-row.sizes :]])
        if isinstance(row, Structural):
            if row.counts:
                self.whole[node] = (row.counts(taken[0].shape),)
            return row.shape(taken, tape.written[node])
        if node in tape.written:
            return reduced(row, taken[0], tape.written[node])
        if row.name in REDUCTIONS and len(operands) == 1:
            return ()
        return side_by_side(taken, row.symbol)

    def counted(self, node: int) -> tuple[int, ...] | None:
        """The whole numbers of a node that selects or is a size."""
        number = self.number(node)
        if number is not None and number.is_integer():
            return (int(number),)
        return self.whole.get(node)

    def plain(self, operation: Operation, operands: Sequence[int]) -> int:
        node = super().plain(operation, operands)
        self.shape(node)
        return node

    def selection(self, comparison: str, left: int, right: int, then: int, otherwise: int) -> int:
        node = super().selection(comparison, left, right, then, otherwise)
        self.shape(node)
        return node

    def written(self, row: Operation, operands: Sequence[int], written: Any = None) -> int:
        """The node of an operation on arrays, as it stands."""

        def make() -> int:
            node = self.tape.add(row, tuple(operands))
            if written is not None or isinstance(row, Structural):
                self.tape.written[node] = written
            return node

        node = self.once(("array", row.name, written, *operands), make)
        self.shape(node)
        return node

    def scaled_by(self, scale: int | None, node: int) -> int:
        """A number times an array, where there is one."""
        return node if scale is None else self.apply(MUL, (scale, node))

    def split(self, node: int) -> tuple[int | None, int | None]:
        """A node as a number times an array; None for what is not there."""
        if not self.shape(node):
            return node, None
        scale: int | None = None
        below: int | None = None
        while True:
            row, operands = self.tape.operations[node], self.tape.operands[node]
            if row is NEG:
                scale = self.product_of(scale, self.constant(-1.0))
                (node,) = operands
            elif row is MUL and not self.shape(operands[0]):
                scale = self.product_of(scale, operands[0])
                node = operands[1]
            elif row is MUL and not self.shape(operands[1]):
                scale = self.product_of(scale, operands[1])
                node = operands[0]
            elif row is DIV and not self.shape(operands[1]):
                below = self.product_of(below, operands[1])
                node = operands[0]
            else:
                break
        size, rest = coefficient(self, node)
        if size.value != 1 and rest is not None:
            scale = self.product_of(scale, scaled(self, size, None))
            node = rest
        if below is not None:
            above = self.constant(1.0) if scale is None else scale
            scale = self.apply(DIV, (above, below))
        return scale, node

    def product_of(self, a: int | None, b: int | None) -> int | None:
        """The product of two numbers, either of which may be left out."""
        if a is None or b is None:
            return b if a is None else a
        return self.apply(MUL, (a, b))

    def count(self, extent: Extent) -> int:
        """The node of a size."""
        node, how = extent
        if node < 0:
            return self.constant(1.0)
        return self.written(STRUCTURAL[how], (node,))

    def sized(self, node: int) -> bool:
        """Whether a node is a number that is written, or a size."""
        row = self.tape.operations[node]
        return node in self.tape.constants or (
            isinstance(row, Structural) and row.counts is not None
        )

    def own_extents(self, node: int, shape: Shape) -> tuple[Extent, ...]:
        """The sizes of a node by its own name."""
        if len(shape) == 2:
            hows: tuple[str, ...] = ("rows", "cols")
        else:
            hows = ("size",) * len(shape)
        return tuple([(node, how) if n > 1 else ALONE for how, n in zip(hows, shape, strict=True)])
