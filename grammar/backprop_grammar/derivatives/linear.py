"""The matrix of what is linear in a vector: M of M @ v, from the formula of M @ v.

Every node that hangs on v is written as a matrix times v, from v on: a number as a row, a vector as
a sum of products such as A @ diag(d) @ B, and a matrix as products with the vector on a diagonal,
L @ diag(u) @ R. What no text says in this way has none.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..language.graph import reachable
from ..operations.shape import Misfit, Shape
from ..operations.structural import INDEX, MATMUL, STRUCTURAL, TRANSPOSE, Structural
from ..operations.table import ADD, DIV, IDENTITY, IF, MUL, NEG, SUB
from .array_symbols import ONES, SUM, ArraySymbols
from .array_tape import Extent, Held

__all__ = ["NoMatrix", "matrix_of"]

DIAG, DOT = STRUCTURAL["diag"], STRUCTURAL["dot"]
MOST_TERMS = 6
"""Products in a sum; more are put together to one matrix."""


class NoMatrix(Exception):
    """No text says the matrix."""


class Term(NamedTuple):
    """A matrix: scale * diag(left) @ right; outer: scale * left @ right.T, of two vectors.

    What is None is 1, the unit matrix, or a vector of ones.
    """

    scale: int | None = None
    left: int | None = None
    right: int | None = None
    outer: bool = False


Terms = tuple[Term, ...]
"""A vector that is linear in v, as a sum of matrices that multiply v."""


class Side(NamedTuple):
    """A matrix that multiplies a diagonal: a node; ones: a vector times ones, which it stretches.

    node: None is the unit matrix, or with ones the number 1.
    """

    node: int | None = None
    ones: bool = False


class Diagonal(NamedTuple):
    """A matrix that is linear in v: left @ diag(terms) @ right.

    A left side that stretches is a column, the same everywhere along the rows; a right one a row.
    """

    left: Side
    terms: Terms
    right: Side


UNIT, ONE = Side(), Side(None, True)
Linear = int | Terms | tuple[Diagonal, ...]
"""What is linear in v: of a number the row that multiplies v, of vectors and matrices sums."""


def matrix_of(s: ArraySymbols, x: Held, v: Held) -> int:
    """The matrix that multiplies v in a vector, as a node.

    Raises NoMatrix where no text says it.
    """
    return Linearity(s, x, v).matrix


class Linearity:
    """The nodes between v and what is linear in it, each as a matrix."""

    def __init__(self, s: ArraySymbols, x: Held, v: Held) -> None:
        self.s, self.v = s, v
        self.found: dict[int, Any] = {v.node: (Term(),)}
        tape, end = s.tape, s.full(x)
        reach = reachable(tape.operands, [end])
        for node in range(v.node + 1, end + 1):
            if reach[node] and any(k in self.found for k in tape.operands[node]):
                try:
                    self.found[node] = self.limited(self.linear(node), len(s.shape(node)))
                except (NoMatrix, Misfit) as error:
                    self.found[node] = error
        if end in self.found:
            self.matrix = self.together(self.of(end), x.extents[0])
        else:
            zero = Held(s.constant(0.0), (*x.shape, *v.shape), (*x.extents, *v.extents))
            self.matrix = s.full(zero)

    def of(self, node: int) -> Any:
        """What an operand is; raises NoMatrix where that has no text."""
        found = self.found[node]
        if isinstance(found, Exception):
            raise NoMatrix from found
        return found

    def extent(self, node: int) -> Extent:
        """The size of a vector: that of v where it is as long."""
        if self.s.shape(node) == self.v.shape:
            return self.v.extents[0]
        return self.s.own_extents(node, self.s.shape(node))[0]

    def limited(self, found: Linear, axes: int) -> Linear:
        """A sum of few products, each of which stands there once. axes: of what it is."""
        if not isinstance(found, tuple):
            if axes:
                raise NoMatrix
            return found
        if axes != (1 if isinstance(found[0], Term) else 2):
            raise NoMatrix
        if isinstance(found[0], Term):
            terms = self.merged(found)
            return terms if len(terms) <= MOST_TERMS else (Term(right=self.together(terms)),)
        if len(found) > MOST_TERMS:
            raise NoMatrix
        return found

    def merged(self, x: Terms) -> Terms:
        """A sum in which a product stands once, with its number."""
        s = self.s
        scales: dict[Term, int | None] = {}
        for one in x:
            bare = one._replace(scale=None)
            if bare in scales:
                one_scale, other = (
                    s.constant(1.0) if c is None else c for c in (scales[bare], one.scale)
                )
                scales[bare] = s.apply(ADD, (one_scale, other))
            else:
                scales[bare] = one.scale
        return tuple([bare._replace(scale=c) for bare, c in scales.items()])

    # nodes

    def linear(self, node: int) -> Any:
        """A node over what its operands are."""
        s, tape = self.s, self.s.tape
        row, operands = tape.operations[node], tape.operands[node]
        shape = s.shape(node)
        moves = [k in self.found for k in operands]
        if row is IDENTITY:
            return self.of(operands[0])
        if row is NEG:
            return self.scaled(self.of(operands[0]), s.constant(-1.0))
        if row in (ADD, SUB):
            if not all(moves):
                raise NoMatrix
            a, b = (self.stretched(k, shape) for k in operands)
            return self.added(a, b if row is ADD else self.scaled(b, s.constant(-1.0)))
        if row is MUL and sum(moves) == 1:
            k, d = operands if moves[0] else operands[::-1]
            return self.times(k, d, shape)
        if row is DIV and not moves[1]:
            d = operands[1]
            if not s.shape(d):
                return self.over(operands[0], d, shape)
            return self.times(operands[0], s.apply(DIV, (s.constant(1.0), d)), shape)
        if row is IF and not any(moves[:2]):
            return self.chosen(node, operands, moves, shape)
        if row.name in ("sum", "mean") and len(operands) == 1:
            return self.reduced(node, operands[0])
        if isinstance(row, Structural):
            return self.structural(row, node, operands, moves, shape)
        raise NoMatrix

    def chosen(
        self, node: int, operands: Sequence[int], moves: Sequence[bool], shape: Shape
    ) -> Any:
        """An `if` between what is linear, or 0."""
        s = self.s
        comparison = s.test(node)[0]
        sides = []
        for place in (2, 3):
            if not moves[place]:
                if s.number(operands[place]) != 0:
                    raise NoMatrix
                continue
            both = [s.constant(1.0), s.constant(0.0)]
            ones = both if place == 2 else both[::-1]
            mask = s.choose(comparison, operands[0], operands[1], *ones)
            sides.append(self.times(operands[place], mask, shape))
        return sides[0] if len(sides) == 1 else self.added(*sides)

    def structural(
        self,
        row: Structural,
        node: int,
        operands: Sequence[int],
        moves: Sequence[bool],
        shape: Shape,
    ) -> Any:
        """An operation on whole arrays."""
        s = self.s
        first = operands[0]
        if row is MATMUL and sum(moves) == 1:
            return self.product(operands, moves, shape)
        if row is DOT and sum(moves) == 1:
            k, d = operands if moves[0] else operands[::-1]
            if len(s.shape(k)) == len(s.shape(d)) == 1:
                return self.total(self.of(k), d)
            if s.shape(k) != s.shape(d):
                raise NoMatrix
            return self.sum_of(self.times(k, d, s.shape(k)))
        if row is TRANSPOSE:
            x = self.of(first)
            if len(s.shape(first)) == 1:
                return (Diagonal(ONE, x, UNIT),)
            return tuple([self.back(one) for one in x])
        if row is INDEX and moves[0]:
            return self.indexed(node, operands, shape)
        if row.name == "put" and len(s.shape(first)) == len(shape) == 1 and moves[0]:
            inner, places = s.tape.written[node]
            if inner is INDEX and places[0] != "only":
                eye = s.written(STRUCTURAL["eye"], (s.count(self.extent(operands[1])),))
                part = s.written(INDEX, (eye, *operands[2:]), ("every", *places))
                return self.applied(part, self.of(first))
        if row is DIAG and len(s.shape(first)) == 1:
            return (Diagonal(UNIT, self.of(first), UNIT),)
        if row.name == "array" and len(operands) == 1:
            if len(shape) == 1:
                return (Term(None, None, self.of(first), True),)
            return (Diagonal(ONE, (Term(None, None, self.of(first), True),), UNIT),)
        raise NoMatrix

    def indexed(self, node: int, operands: Sequence[int], shape: Shape) -> Any:
        """An element or a part of what is linear."""
        s = self.s
        first, written = operands[0], s.tape.written[node]
        if len(s.shape(first)) == 1:
            x = self.of(first)
            if not shape and x == (Term(),):
                return s.onehot(operands[1], s.count(self.v.extents[0]))
            whole = self.together(x)
            part = s.written(INDEX, (whole, *operands[1:]), written)
            return part if not shape else (Term(right=part),)
        rows, columns = s.shape(first)
        terms: Terms = ()
        if written[0] == "only" and rows == 1 and len(shape) == 1:
            for one in self.of(first):
                terms += self.within(one.terms, self.row_of(one.left), one.right, turned=True)
        elif written == ("every", "only") and columns == 1:
            for one in self.of(first):
                terms += self.within(one.terms, self.row_of(self.turned(one.right)), one.left)
        elif written == ("only", "only") and rows == columns == 1:
            return self.sum_of(self.of(first))
        else:
            raise NoMatrix
        return terms

    def within(self, terms: Terms, d: int | None, side: Side, turned: bool = False) -> Terms:
        """A side times a vector, each of whose elements is multiplied by one of another."""
        terms = self.by(terms, d)
        if side.ones:
            return (Term(None, side.node, self.total(terms), True),)
        if side.node is None:
            return terms
        return self.applied(self.transposed(side.node) if turned else side.node, terms)

    def row_of(self, side: Side) -> int | None:
        """The only row of a left side, as a vector."""
        if side.ones and side.node is None:
            return None
        if side.ones or side.node is None:
            raise NoMatrix
        return self.s.alike(side.node, (self.s.shape(side.node)[1],))

    # numbers in front, elements, sums

    def scaled(self, x: Any, c: int) -> Any:
        """What is linear times a number that does not move."""
        if isinstance(x, int):
            return self.s.apply(MUL, (c, x))
        if isinstance(x[0], Term):
            return tuple([one._replace(scale=self.s.product_of(one.scale, c)) for one in x])
        return tuple([one._replace(terms=self.scaled(one.terms, c)) for one in x])

    def over(self, k: int, c: int, shape: Shape) -> Any:
        """What is linear over a number."""
        s = self.s
        x = self.stretched(k, shape)
        if isinstance(x, int):
            return s.apply(DIV, (x, c))
        return self.scaled(x, s.apply(DIV, (s.constant(1.0), c)))

    def times(self, k: int, d: int, shape: Shape) -> Any:
        """What is linear times what does not move, element by element."""
        s = self.s
        own = s.shape(d)
        if not own:
            return self.scaled(self.stretched(k, shape), d)
        if len(shape) == 1:
            if own != shape:
                raise NoMatrix
            x = self.of(k)
            if isinstance(x, int):
                return (Term(None, d, x, True),)
            return self.by(self.stretched(k, shape), d)
        if not s.shape(k):
            one = (Term(None, None, self.of(k), True),)
            return (Diagonal(UNIT, one, Side(d)),)
        x = self.stretched(k, shape)
        if own == shape:
            return tuple([self.hadamard(one, d) for one in x])
        if len(own) == 1 or own[0] == 1:
            row = d if len(own) == 1 else s.alike(d, (own[1],))
            return tuple([self.across(one, row) for one in x])
        column = s.alike(d, (own[0],))
        return tuple([self.back(self.across(self.back(one), column)) for one in x])

    def back(self, x: Diagonal) -> Diagonal:
        """The transpose."""
        return Diagonal(self.turned(x.right), x.terms, self.turned(x.left))

    def across(self, x: Diagonal, d: int) -> Diagonal:
        """A matrix of which each row is multiplied by the same vector."""
        right = x.right
        if right == UNIT:
            return x._replace(terms=self.by(x.terms, d))
        if right == ONE:
            return x._replace(right=Side(d, True))
        assert right.node is not None
        return x._replace(right=right._replace(node=self.s.apply(MUL, (d, right.node))))

    def hadamard(self, x: Diagonal, d: int) -> Diagonal:
        """A matrix times another, element by element."""
        s = self.s

        def joined(side: Side) -> Side:
            if side.node is None:
                return Side(d)
            return Side(s.apply(MUL, (d, side.node)))

        if x.right == UNIT and (not x.left.ones or x.left == ONE) and x.left != UNIT:
            return x._replace(left=joined(x.left))
        if x.left == UNIT and x.right != UNIT:
            return x._replace(right=joined(x.right))
        raise NoMatrix

    def by(self, x: Terms, d: int | None) -> Terms:
        """A vector times another, element by element."""
        s = self.s
        if d is None:
            return x
        found = []
        for one in x:
            left = d if one.left is None else s.apply(MUL, (d, one.left))
            if s.shape(left):
                found.append(one._replace(left=left))
            else:  # such as p*(1/p)
                found.append(one._replace(left=None, scale=s.product_of(one.scale, left)))
        return tuple(found)

    def stretched(self, k: int, shape: Shape) -> Any:
        """An operand in the shape of the result."""
        own, x = self.s.shape(k), self.of(k)
        if own == shape:
            return x
        if len(shape) == 1 and not own:
            return (Term(None, None, x, True),)
        if len(shape) == 2 and len(own) == 1:
            return (Diagonal(ONE, x, UNIT),)
        if len(shape) == 2 and own == (1, 1):
            return (Diagonal(ONE, (Term(None, None, self.sum_of(x), True),), UNIT),)
        if len(shape) == 2 and len(own) == 2 and all(
            side.ones for one in x for side in [one.left if own[0] == 1 else one.right]
        ):  # fmt: skip
            return x
        raise NoMatrix

    def added(self, a: Any, b: Any) -> Any:
        if isinstance(a, int):
            return self.s.apply(ADD, (a, b))
        return (*a, *b)

    def total(self, x: Terms, weights: int | None = None) -> int:
        """The sum of a vector, or of its products with another, as a row."""
        s, whole = self.s, None
        for one in x:
            if one.outer:
                w = one.left if weights is None else weights
                if one.left is not None and weights is not None:
                    factor = self.dot(weights, one.left)
                elif w is not None:
                    factor = self.summed(w)
                else:
                    raise NoMatrix
                assert one.right is not None
                row = s.apply(MUL, (factor, one.right))
            else:
                w = one.left
                scale = None
                if weights is not None:
                    w = weights if w is None else s.apply(MUL, (weights, w))
                    if not s.shape(w):
                        scale, w = w, None
                row = s.scaled_by(scale, self.row(w, one.right))
            if one.scale is not None:
                row = s.apply(MUL, (one.scale, row))
            whole = row if whole is None else s.apply(ADD, (whole, row))
        assert whole is not None
        return whole

    def row(self, w: int | None, right: int | None) -> int:
        """w.T @ right, as a vector."""
        s = self.s
        if right is None:
            return s.full(self.v._replace(node=s.constant(1.0))) if w is None else w
        if w is None:
            return self.along(right, 0)
        return self.multiplied(self.transposed(right), w)

    def summed(self, w: int) -> int:
        s = self.s
        shape = s.shape(w)
        return s.reduce(SUM, Held(w, shape, s.own_extents(w, shape)), None).node

    def dot(self, a: int, b: int) -> int:
        s = self.s
        both = [Held(k, s.shape(k), s.own_extents(k, s.shape(k))) for k in (a, b)]
        return s.structural(DOT, both, None, ()).node

    def along(self, matrix: int, axis: int) -> int:
        """The sums of a matrix along an axis, as a vector."""
        s = self.s
        shape = s.shape(matrix)
        node = s.reduce(SUM, Held(matrix, shape, s.own_extents(matrix, shape)), axis).node
        return s.alike(node, (shape[1 - axis],))

    def reduced(self, node: int, k: int) -> Any:
        """A sum or a mean of what is linear."""
        s = self.s
        own, shape = s.shape(k), s.shape(node)
        x = self.of(k)
        axis = s.tape.written.get(node)
        if isinstance(x, int):
            return x
        if len(own) == 1:
            found: Any = self.total(x)
        elif axis is None:
            found = self.sum_of(x)
        elif axis == 0:
            found = ()
            for one in x:
                w = self.weights(one.left, own[0], 0)
                found += (Diagonal(ONE, self.within(one.terms, w, one.right, turned=True), UNIT),)
        else:
            found = ()
            for one in x:
                terms = self.within(one.terms, self.weights(one.right, own[1]), one.left)
                found += (Diagonal(UNIT, terms, ONE),)
        if s.tape.operations[node] is not SUM:
            extents = s.own_extents(k, own)
            for one in extents if axis is None else (extents[axis],):
                found = self.scaled(found, s.apply(DIV, (s.constant(1.0), s.count(one))))
        assert len(shape) < 3
        return found

    def sum_of(self, x: Sequence[Diagonal]) -> int:
        """The sum of all numbers of a matrix."""
        s, whole = self.s, None
        for one in x:
            if one.left.ones and one.left.node is None:
                row = self.total(one.terms, self.weights(one.right, -1))
            elif one.right.ones and one.right.node is None:
                row = self.total(one.terms, self.weights(one.left, -1, 0))
            else:
                a, b = self.weights(one.left, -1, 0), self.weights(one.right, -1)
                both = a if b is None else b if a is None else s.apply(MUL, (a, b))
                row = self.total(one.terms, both)
            whole = row if whole is None else s.apply(ADD, (whole, row))
        assert whole is not None
        return whole

    def weights(self, side: Side, count: int, axis: int = 1) -> int | None:
        """The sums of a side along an axis, as a vector; None is a vector of ones.

        count: of the numbers that are summed where it stretches.
        """
        if side == UNIT or (side == ONE and count in (1, -1)):
            return None
        if side.ones or side.node is None:
            raise NoMatrix
        return self.along(side.node, axis)

    # products

    def product(self, operands: Sequence[int], moves: Sequence[bool], shape: Shape) -> Any:
        """A matrix product in which one side moves."""
        s = self.s
        a, b = operands
        first, second = len(s.shape(a)), len(s.shape(b))
        x = self.of(a if moves[0] else b)
        if isinstance(x, int):
            raise NoMatrix
        if first == second == 1:
            return self.total(x, b if moves[0] else a)
        column = first == 1 and second == 2 and s.shape(b)[0] == 1 != s.shape(a)[0]
        if column:  # a column times a row
            if moves[0]:
                return (Diagonal(UNIT, x, Side(s.alike(b, (s.shape(b)[1],)), True)),)
            vector: Terms = ()
            for one in x:
                vector += self.within(one.terms, self.row_of(one.left), one.right, turned=True)
            return (Diagonal(Side(a, True), vector, UNIT),)
        if second == 1:
            if moves[1]:
                return self.applied(a, x)
            terms: Terms = ()
            for one in x:
                terms += self.weighted(one.terms, one.right, b, one.left)
            return terms
        if first == 1:
            if moves[0]:
                return self.applied(self.transposed(b), x)
            terms = ()
            for one in x:
                terms += self.weighted(one.terms, self.turned(one.left), a, self.turned(one.right))
            return terms
        if moves[1]:
            return tuple([one._replace(left=self.times_side(a, one.left)) for one in x])
        turned = self.transposed(b)
        return tuple([
            one._replace(right=self.turned(self.times_side(turned, self.turned(one.right)))) for one in x
        ])  # fmt: skip

    def weighted(self, terms: Terms, right: Side, b: int, left: Side) -> Terms:
        """(left @ diag(terms) @ right) @ b."""
        if right.ones:
            factor = self.summed(b) if right.node is None else self.dot(right.node, b)
            if right.node is None or not self.s.shape(factor):
                return self.within(self.scaled(terms, factor), None, left)
        w = b if right.node is None else self.multiplied(right.node, b)
        return self.within(terms, w, left)

    def times_side(self, a: int, left: Side) -> Side:
        """A matrix times a left side."""
        s = self.s
        if left.node is None and not left.ones:
            return Side(a)
        if left.ones:
            return Side(
                self.along(a, 1) if left.node is None else self.multiplied(a, left.node), True
            )
        assert left.node is not None
        return Side(self.multiplied(a, left.node)) if s.shape(a) else left

    def turned(self, side: Side) -> Side:
        """The transpose of a side."""
        if side.node is None or side.ones:
            return side
        return Side(self.transposed(side.node))

    def transposed(self, node: int) -> int:
        return self.s.transposed(node)

    def multiplied(self, a: int, b: int) -> int:
        """A matrix times a matrix or a vector."""
        s = self.s
        left, right = s.shape(a), s.shape(b)
        shape = (left[0],) if len(right) == 1 else (left[0], right[1])
        both = [Held(k, s.shape(k), s.own_extents(k, s.shape(k))) for k in (a, b)]
        return s.full(s.structural(MATMUL, both, None, shape))

    def applied(self, a: int, x: Terms) -> Terms:
        """A matrix times a vector."""
        terms = []
        for one in x:
            if one.outer:
                left = self.along(a, 1) if one.left is None else self.multiplied(a, one.left)
                terms.append(one._replace(left=left))
            else:
                scale, right = one.scale, one.right
                if one.left is not None:
                    factor, left = self.diagonal(one.left)
                    scale = self.s.product_of(scale, factor)
                    right = left if right is None else self.multiplied(left, right)
                terms.append(Term(scale, None, a if right is None else self.multiplied(a, right)))
        return tuple(terms)

    def diagonal(self, d: int) -> tuple[int | None, int]:
        """A vector as a number and a diagonal matrix."""
        scale, rest = self.s.split(d)
        assert rest is not None
        return scale, self.s.written(DIAG, (rest,))

    def together(self, x: Terms, rows: Extent | None = None) -> int:
        """A sum of matrices as one node. rows: how many it has, where that is known."""
        s, whole = self.s, None
        n, extents = self.v.shape[0], self.v.extents
        for one in x:
            scale = one.scale
            if one.outer:
                assert one.right is not None
                left = one.left
                if left is None:
                    if rows is None:
                        raise NoMatrix
                    left = s.written(ONES, (s.count(rows),))
                right = s.transposed(one.right)
                both = [Held(k, s.shape(k), s.own_extents(k, s.shape(k))) for k in (left, right)]
                node = s.full(s.structural(MATMUL, both, None, (s.shape(left)[0], n)))
            elif one.left is None:
                node = (
                    one.right
                    if one.right is not None
                    else s.written(STRUCTURAL["eye"], (s.count(extents[0]),))
                )
            else:
                factor, node = self.diagonal(one.left)
                scale = s.product_of(scale, factor)
                if one.right is not None:
                    node = self.multiplied(node, one.right)
            if scale is not None:
                node = s.apply(MUL, (scale, node))
            whole = node if whole is None else s.apply(ADD, (whole, node))
        assert whole is not None
        return whole
