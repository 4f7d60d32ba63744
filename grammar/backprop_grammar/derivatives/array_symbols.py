"""Formulas over arrays: a tape of symbols on which every node has a shape.

Operations on elements are simplified as those on numbers are, so a node may come out smaller than
what it stands for: x - x is the number 0, whatever the shape of x. It is stretched again where
its size counts, which is in matrix products and sums; elsewhere it never is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..arrays.shapes import Shapes, reduced
from ..language.graph import Graph
from ..language.precedence import comparison_of
from ..operations.row import Operation
from ..operations.shape import Misfit, Shape, Taken, size
from ..operations.structural import (
    INDEX,
    MATMUL,
    REDUCTIONS,
    SELECTIONS,
    STRUCTURAL,
    TRANSPOSE,
    Structural,
)
from ..operations.table import CONSTANT, DIV, IDENTITY, IF, MUL, OPERATIONS, VARIABLE
from .array_tape import ALONE, ArrayTape, Extent, Held
from .matrix_products import EYE, ONES, alike, factored, full, product, transposed

__all__ = ["EYE", "ONES", "SUM", "ArraySymbols", "spread_out"]

SUM, MEAN = OPERATIONS["sum"], OPERATIONS["mean"]

MOVES = frozenset(
    ("index", "reshape", "flatten", "flip", "pad", "crop", "put", "take", "diag", "trace", "pick")
)
"""Operations of which the result is 0 where the first operand is."""


def spread_out(given: Shape, over: Shape) -> tuple[int, ...]:
    """The axes of a shape along which a smaller one is stretched over it."""
    padded = (1,) * (len(over) - len(given)) + given
    return tuple([k for k, (m, n) in enumerate(zip(padded, over, strict=True)) if m != n])


KEEPS = frozenset(("softmax", "logsoftmax", "flip", "batchnorm", "layernorm"))
"""Operations of which the result is as large as the first operand."""


class ArraySymbols(ArrayTape):
    """The builder that simplifies, over arrays."""

    def full(self, x: Held) -> int:
        """A node that has the shape that it stands for."""
        return full(self, x)

    def alike(self, node: int, shape: Shape) -> int:
        """A node in another shape of as many numbers, as of a vector and a row."""
        return alike(self, node, shape)

    def transposed(self, node: int) -> int:
        """The transpose of a node."""
        return transposed(self, node)

    def apply(self, operation: Operation, operands: Sequence[int], comparison: str = "") -> int:
        x = operands[0]
        if (
            operation.name == "exp"
            and self.tape.operations[x].name == "logsoftmax"
            and x not in self.named
        ):
            return self.written(STRUCTURAL["softmax"], self.tape.operands[x])
        if operation is MUL and self.tape.operations[x] is EYE and not self.shape(operands[1]):
            operands = operands[::-1]
        try:
            node = super().apply(operation, operands, comparison)
            self.shape(node)
        except Misfit:  # what was stretched was left out, and a column meets a vector
            operands = [self.transposed(k) if len(self.shape(k)) == 1 else k for k in operands]
            if operation is IF:
                return self.selection(comparison, *operands)
            return self.plain(operation, operands)
        if operation in (OPERATIONS["add"], OPERATIONS["sub"]):
            return factored(self, node)
        return self.averaged(node)

    def averaged(self, node: int) -> int:
        """A sum over how many numbers it is of, as their mean."""
        parts = self.parts(node, DIV)
        total = None if parts is None or parts[0] in self.named else self.parts(parts[0], SUM)
        if parts is None or total is None or len(total) > 1 or not self.sized(parts[1]):
            return node
        axis = self.tape.written.get(parts[0])
        shape = self.shape(total[0])
        summed = size(shape) if axis is None else shape[axis]
        if self.counted(parts[1]) != (summed,) or parts[1] in self.tape.constants:
            return node
        return self.written(MEAN, total, axis)

    def reduce(self, row: Operation, x: Held, axis: int | None) -> Held:
        """A reduction of an array, or along an axis."""
        shape = reduced(row, Taken("", x.shape), axis)
        extents = tuple([e if n > 1 else ALONE for e, n in zip(x.extents, shape, strict=False)])
        axis = None if axis is not None and len(x.shape) == 1 else axis
        node, own = x.node, self.shape(x.node)
        lost = spread_out(own, x.shape) if len(own) <= len(x.shape) else ()
        along = range(len(x.shape)) if axis is None else (axis,)
        if row not in (SUM, MEAN) and row.selects == 0:
            node, lost = self.full(x), ()
        times = [self.count(x.extents[k]) for k in along if k in lost] if row is SUM else []
        left = [k for k in along if k not in lost and x.shape[k] > 1]
        if left:
            scale: int | None = None
            if row in (SUM, MEAN):
                scale, rest = self.split(node)
                assert rest is not None
                node = rest
            whole = axis is None and row is SUM
            inner = next((k for k in self.parts(node, MUL) or () if self.parts(k, EYE)), None)
            if (
                row is SUM
                and self.tape.operations[node].name == "onehot"
                and len(self.shape(node)) == 1
            ):
                node = self.constant(1.0)
            elif whole and inner is not None:  # of eye*A
                a, b = self.tape.operands[node]
                node = self.written(STRUCTURAL["trace"], (b if inner == a else a,))
            elif axis is None or len(self.shape(node)) == 1:
                node = self.written(row, (node,))
            else:
                node = self.written(row, (node,), axis)
            node = self.scaled_by(scale, node)
        elif axis is None:
            node = self.alike(node, ())
        for count in times:
            node = self.apply(MUL, (count, node))
        return Held(node, shape, extents)

    def lifted(
        self,
        graph: Graph,
        found: Shapes,
        leaves: Mapping[str, Held],
        needed: Sequence[bool],
        text: bool = False,
    ) -> list[Held]:
        """The nodes of a program, or of a text of the table, on this tape; 0 for what is not needed."""
        nothing = Held(self.constant(0.0), (), ())
        held = [nothing] * len(graph)
        for node, row in enumerate(graph.operations):
            if not needed[node]:
                continue
            if row is CONSTANT:
                held[node] = Held(self.constant(graph.constants[node]), (), ())
            elif row is VARIABLE:
                held[node] = leaves[graph.names[node]]
            else:
                given = [held[k] for k in graph.operands[node]]
                held[node] = self.operation(graph, node, row, given, found.of[node])
            if node in found.whole and held[node].node not in self.whole:
                self.whole[held[node].node] = found.whole[node]
            if node not in graph.names or row.leaf:
                continue
            if text:
                self.hints.setdefault(held[node].node, graph.names[node])
            else:
                self.named.add(held[node].node)
        return held

    def operation(
        self, graph: Graph, node: int, row: Operation, given: Sequence[Held], shape: Shape
    ) -> Held:
        """A node of a program, over what its operands are on this tape."""
        written = graph.written.get(node)
        if isinstance(row, Structural):
            return self.structural(row, given, written, shape)
        if row.name in REDUCTIONS and len(given) == 1 and given[0].shape:
            return self.reduce(row, given[0], written)
        if row is IDENTITY:
            return given[0]
        comparison = comparison_of(graph, node)
        one = self.apply(row, [x.node for x in given], comparison)
        return Held(one, shape, self.stretched_extents(given, shape))

    def stretched_extents(self, given: Sequence[Held], shape: Shape) -> tuple[Extent, ...]:
        """The sizes of a result element by element: of an operand that has them."""
        extents = [ALONE] * len(shape)
        for axis, n in enumerate(shape):
            for one in given:
                own = axis - len(shape) + len(one.shape)
                if n > 1 and own >= 0 and one.shape[own] == n:
                    extents[axis] = one.extents[own]
                    break
        return tuple(extents)

    def structural(
        self, row: Structural, given: Sequence[Held], written: Any, shape: Shape
    ) -> Held:
        """An operation on whole arrays."""
        first = given[0] if given else None
        if row.counts:
            assert first is not None
            return Held(self.counting(row, first), (), ())
        if row is MATMUL:
            a, b = given
            extents = (*a.extents[: len(a.shape) - 1], *b.extents[1:])
            if len(shape) == 2 and len(a.shape) == 1:  # a column times a row
                extents = (a.extents[0], b.extents[1])
            return Held(product(self, a, b, shape), shape, extents)
        assert first is not None
        if row is TRANSPOSE:
            turned = first.extents[::-1] if len(first.shape) == 2 else (ALONE, first.extents[0])
            if not self.shape(first.node):
                return Held(first.node, shape, turned)
            return Held(self.transposed(self.full(first)), shape, turned)
        if row.name == "outer":
            a, b = given
            right = Held(
                self.transposed(self.full(b)),
                (1, *b.shape) if len(b.shape) == 1 else b.shape[::-1],
                (),
            )
            left = Held(self.full(a), a.shape, a.extents)
            if len(a.shape) == 2 or len(b.shape) == 2:
                node = self.written(row, (self.full(a), self.full(b)), written)
                return Held(node, shape, self.own_extents(node, shape))
            return Held(product(self, left, right, shape), shape, (a.extents[0], b.extents[0]))
        if row.name == "dot" and any(self.number(x.node) == 0 for x in given):
            return Held(self.constant(0.0), (), ())
        operands = [self.full(x) if x.shape else x.node for x in given]
        if (
            row.name == "index"
            and written == ("only",)
            and shape
            and self.number(operands[1]) == 0
            and first.shape[0] == 1
        ):
            node = self.alike(operands[0], shape)
            return Held(node, shape, self.extents_of(row, first, given, shape, node, written))
        if row.name in SELECTIONS and written[0] is INDEX:
            node = self.selection_of(row, operands, written[1], given[1], shape)
            if node >= 0:
                return Held(node, shape, self.extents_of(row, first, given, shape, node, written))
        scale: int | None = None
        if first.shape and (row.name in MOVES or row.name == "dot"):
            for place in range(2 if row.name == "dot" else 1):
                own, rest = self.split(operands[place])
                if rest is not None:
                    scale = self.product_of(scale, own)
                    operands[place] = rest
        whole = self.written(row, operands, written)
        extents = self.extents_of(row, first, given, shape, whole, written)
        if row.name in MOVES and self.number(first.node) == 0:
            return first._replace(shape=shape, extents=extents)
        return Held(self.scaled_by(scale, whole), shape, extents)

    def selection_of(
        self, row: Structural, operands: Sequence[int], places: Any, x: Held, shape: Shape
    ) -> int:
        """What is taken, by its index; what is put into the only row, as that row; a number that is
        put into a vector, as one times a unit vector. Of others -1.
        """
        if row.name == "take":
            if self.shape(operands[0]) != self.shape(operands[1]):
                return -1
            return self.written(INDEX, (operands[0], *operands[2:]), places)
        if places != ("only",) or self.shape(operands[2]):
            return -1
        if len(shape) == 2 and shape[0] == 1:
            return self.alike(operands[0], shape)
        if len(shape) == 1:
            label = operands[2]
            if (self.counted(label) or (0,))[0] < 0:  # from the end, which is no label
                return -1
            unit = self.onehot(label, self.count(x.extents[0]))
            return self.apply(MUL, (operands[0], unit))
        return -1

    def onehot(self, label: int, count: int) -> int:
        """The unit vector, or a row of it for each label."""
        return self.written(STRUCTURAL["onehot"], (label, count))

    def extents_of(
        self,
        row: Structural,
        first: Held,
        given: Sequence[Held],
        shape: Shape,
        node: int,
        written: Any,
    ) -> tuple[Extent, ...]:
        """The sizes of a result: those of an operand that it is as large as, else its own."""
        if row.name in KEEPS:
            return first.extents
        if row.name == "put":
            return given[1].extents
        if row.name == "pick" and len(shape) == 2:
            return first.extents[0], ALONE
        own = self.own_extents(node, shape)
        if row.name == "index" and len(shape) == len(first.shape):
            places = (*written, "every")[: len(shape)]  # a place that is left out is every one
            return tuple([
                e if how == "every" else o
                for e, o, how in zip(first.extents, own, places, strict=True)
            ])  # fmt: skip
        if row is EYE:
            inner = self.tape.operands[node][0]
            if isinstance(one := self.tape.operations[inner], Structural) and one.counts:
                return ((self.tape.operands[inner][0], one.name),) * 2
        return own

    def counting(self, row: Structural, x: Held) -> int:
        """How many rows, columns or numbers: of what has a name, or of what these come from."""
        assert row.counts is not None
        leaf = self.tape.operations[x.node].leaf
        if (leaf or x.node in self.named) and self.shape(x.node) == x.shape:
            return self.written(row, (x.node,))
        if row.counts(x.shape) == 1:
            return self.constant(1.0)
        if row.name == "size" and len(x.shape) == 2:
            counts = [self.count(one) for one in x.extents]
            return self.apply(MUL, counts)
        return self.count(x.extents[0 if row.name == "rows" else -1])
