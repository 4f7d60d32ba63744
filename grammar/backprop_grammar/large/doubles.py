"""Arrays of double-doubles with bounds: twice the digits of a float, and how many of them are right."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays.vjp import OUT
from ..batch import double_double as dd
from ..batch.bounded import DOUBLES, Kernels, chosen, larger
from ..batch.double_double import Triple, exact, is_zero, reach
from ..batch.ufuncs import COMPARISONS
from ..language.graph import Array, Graph
from ..language.nearest import Nearest
from ..language.table_texts import texts
from ..numbers.arithmetic import domain_error
from ..numbers.ball import Ball, DomainError, Undecided, compare
from ..numbers.binary64 import TOLERANCE
from ..numbers.multiprecision import Multiprecision, multiprecision
from ..operations.row import Operation
from ..operations.shape import Shape
from ..operations.table import ADD, DIV, IDENTITY, MUL, NEG, OPERATIONS, SUB
from .decisions import Compared, Decision, Rounded, Selected, Shared
from .kernel import Column, Failed, Mask
from .products import halved, moved, product
from .walk import Numbers

__all__ = ["Beyond", "Doubles", "doubtful"]

BITS = 192
"""Of the wide numbers that are asked where double-doubles say nothing."""

MOST = 20_000
"""Numbers for which wide ones are asked, a node; and of a function that takes long."""
MOST_SLOW = 500


class Beyond(Failed):
    """Operands of an operation beyond its domain, in some elements.

    place: which operand is to blame for the first; None for all. here: in which elements, in the
    shape of the operands together. operands: their nearest floats. counted: whether how many there
    are tells something.
    """

    def __init__(
        self, error: DomainError, here: Column, operands: Sequence[Any], counted: bool
    ) -> None:
        super().__init__(error.message)
        self.message, self.hint, self.place = error.message, error.hint, error.place
        self.here, self.operands, self.counted = here, operands, counted


def doubtful(x: Triple) -> Column:
    """The elements that are not certain to TOLERANCE."""
    value, error = x[0], reach(x)
    with np.errstate(all="ignore"):
        sure = np.isfinite(value + error) & (error <= TOLERANCE * np.abs(value))
    unsure: Column = np.broadcast_to(~sure, np.shape(value))
    return unsure


class Doubles(Numbers[Triple]):
    """Arrays of double-doubles.

    decisions: what was decided on the way, in order. known: of an earlier walk, with what has been
    proved of them since.
    """

    def __init__(self, known: Sequence[Decision] = ()) -> None:
        self.decisions: list[Decision] = []
        self.known = {one.key: one.proved for one in known}
        self.path: list[object] = [None]  # what is computed, and what in the texts that this runs
        self.met: dict[object, int] = {}

    @property
    def inside(self) -> bool:
        """Whether a text of the tables is run."""
        return len(self.path) > 1

    def enter(self, where: object) -> None:
        self.path[-1] = where

    def next_key(self) -> object:
        """The key of a decision: where it is made, and which of these it is."""
        where = tuple(self.path)
        self.met[where] = count = self.met.get(where, 0) + 1
        return where, count

    def proved(self, key: object) -> Any:
        """Where a decision is known to be between equal numbers."""
        return self.known.get(key, False)

    @cached_property
    def wide(self) -> Multiprecision:
        """What is asked where double-doubles say nothing."""
        return multiprecision(BITS, False)

    def given(self, value: float | Array | Column) -> Triple:
        if isinstance(value, Array):
            high = np.array(value.numbers, dtype=np.float64).reshape(value.shape)
            rests = [x.rest if type(x) is Nearest else 0.0 for x in value.numbers]
            if not any(rests):
                return exact(high)
            low = np.array(rests).reshape(value.shape)
            return high, low, np.abs(low) * 2.0**-53 + np.where(low == 0, 0.0, 5e-324)
        if isinstance(value, Nearest):
            return self.constant(value)
        return exact(np.asarray(value, dtype=np.float64))

    def constant(self, value: float | str) -> Triple:
        if isinstance(value, str):
            return dd.CONSTANTS[value]
        if isinstance(value, Nearest) and value.rest:
            low = np.float64(value.rest)
            return np.float64(value), low, np.abs(low) * 2.0**-53 + 5e-324
        return exact(np.float64(value))

    def moved(self, how: Callable[..., Column], *given: Triple) -> Triple:
        return moved(how, *given)

    def shape(self, x: Triple) -> Shape:
        return np.shape(x[0])

    def whole(self, x: Triple) -> Column:
        whole: Column = np.rint(x[0]).astype(np.int64)
        return whole

    def text(self, graph: Graph, given: Mapping[str, Triple]) -> Triple:
        self.path.append(None)
        try:
            return super().text(graph, given)
        finally:
            self.path.pop()

    # operations on numbers

    def apply(
        self, row: Operation, operands: Sequence[Triple], where: Mask | None = None
    ) -> Triple:
        if row.variadic:
            return self.side_by_side(row, operands)
        if not self.inside:
            self.admit(row, operands, where)
        if row is NEAREST or row is REMAINDER:
            return self.rounded(*operands)
        kernel = KERNELS.get(row)
        if kernel:
            x = tidy(kernel(*operands))
            if row in UNBOUNDED:
                x = unbounded(UNBOUNDED[row], operands, x)
            known = self.inside and row in UNBOUNDED
            return x if known else self.mended(row, operands, x, where)
        text = self.text_of(row)
        if text is not None:
            x = self.text(text, dict(zip(row.operands, operands, strict=False)))
        else:
            shape = np.broadcast_shapes(*[self.shape(one) for one in operands])
            x = np.full(shape, np.nan), 0.0, np.full(shape, np.inf)
        if self.inside and text is not None:
            return x
        return self.mended(row, operands, x, where)

    def rounded(self, x: Triple, y: Triple | None = None) -> Triple:
        """A whole number near x; or x less the whole multiple of y near it."""
        high, _, error = x if y is None else dd.div(x, y)
        known = (error * 4 < 1) & (np.abs(high) < 2.0**52)
        near = np.where(known, np.rint(high), np.inf)
        self.decisions.append(Rounded(self.next_key(), near))
        n: Triple = (np.rint(high), 0.0, 0.0 if np.all(known) else np.where(known, 0.0, np.inf))
        return tidy(n if y is None else dd.sub(x, dd.mul(n, y)))

    def admit(self, row: Operation, operands: Sequence[Triple], where: Mask | None) -> None:
        """Raise Beyond where operands are certainly beyond the domain."""
        beyond: list[tuple[DomainError, Column]] = []
        for bound in row.domain:
            k = row.operands.index(bound.operand)
            if isinstance(bound.limit, str):
                limit = operands[row.operands.index(bound.limit)]
            else:
                limit = exact(np.float64(bound.limit))
            d = dd.sub(operands[k], limit)
            room = reach(d)
            for sign, here in ((-1, d[0] < -room), (0, is_zero(d)), (1, d[0] > room)):
                if not compare(sign, bound.relation) and np.any(here):
                    here = asked(here, where, operands)
                    if np.any(here):
                        beyond.append((domain_error(row, bound, k, sign), here))
        if beyond:
            error, _ = min(beyond, key=lambda one: int(np.argmax(one[1])))
            wrong = np.any([here for _, here in beyond], axis=0)
            counted = not any(isinstance(bound.limit, str) for bound in row.domain)
            raise Beyond(error, wrong, [x[0] for x in operands], counted)

    def mended(
        self, row: Operation, operands: Sequence[Triple], x: Triple, where: Mask | None
    ) -> Triple:
        """A value with what wide numbers say where it is not known, element by element.

        Raises Beyond where they say that there is none.
        """
        unknown = ~(np.isfinite(x[0]) & np.isfinite(x[2])) & ~endless(x)
        if not np.any(unknown):
            return x
        shape = np.broadcast_shapes(np.shape(unknown), *[self.shape(one) for one in operands])
        unknown = np.broadcast_to(unknown, shape) & asked(True, where, operands)
        if np.count_nonzero(unknown) > (MOST_SLOW if row.slow else MOST):
            return x
        high, low, error = (np.array(np.broadcast_to(part, shape)) for part in x)
        parts = [[np.broadcast_to(part, shape) for part in one] for one in operands]
        beyond: DomainError | None = None
        outside = np.zeros(shape, dtype=bool)
        with self.wide.context():
            for place in map(tuple, np.argwhere(unknown)):
                balls = [self.ball([part[place] for part in one]) for one in parts]
                try:
                    ball = self.wide.apply(row, balls)
                except Undecided:
                    continue
                except DomainError as cause:
                    beyond = beyond or cause
                    outside[place] = cause.message == beyond.message
                    continue
                high[place], low[place], error[place] = self.triple(ball)
        if beyond is not None and not self.inside:
            raise Beyond(beyond, outside, [x[0] for x in operands], False)
        return tidy((high, low, error))

    def ball(self, parts: Sequence[Any]) -> Ball:
        """A number as a wide one."""
        number = self.wide.number
        high, low, error = (float(part) for part in parts)
        return number(high) + number(low), number(error * dd.SLACK)

    def triple(self, ball: Ball) -> tuple[float, float, float]:
        """A wide number as a double-double: 0 with a bound where it is far below 1; unknown where
        it is beyond the largest float.
        """
        value, error = ball
        high = float(value)
        if abs(high) < dd.FAINT and value:
            return 0.0, 0.0, max(dd.FAINT, float(2 * error))
        if not np.isfinite(high):
            return np.nan, 0.0, np.inf
        low = value - self.wide.number(high)
        second = float(low)
        lost = float(abs(low - self.wide.number(second)) + error)
        return high, second, lost * dd.SLACK + (5e-324 if error or second else 0.0)

    # local gradients

    def slope(
        self, row: Operation, place: int, operands: Sequence[Triple], out: Triple, key: object
    ) -> Triple:
        local = super().slope(row, place, operands, out, key)
        if row.jump:
            here, near, _ = self.at_kinks(row, operands, out)
            if np.any(near):
                missing = np.float64(np.nan), 0.0, np.where(here, 0.0, np.inf)
                return dd.choose(near, missing, local)
        return local

    def routed(self, up: Triple, local: Triple) -> Triple:
        sent = self.mul(up, local)
        if np.all(np.isfinite(up[0])):
            return sent
        return dd.choose(is_zero(local), exact(np.float64(0.0)), sent)

    def at_kinks(
        self, row: Operation, operands: Sequence[Triple], out: Triple, cut: bool = False
    ) -> tuple[Column, Column, list[Decision]]:
        """Where an operation stands on a kink of its own, or on its branch cut; where it may; and
        what was decided to see that.
        """
        here, near = np.zeros(self.shape(out), dtype=bool), np.zeros(self.shape(out), dtype=bool)
        rows = texts(row)
        told, self.decisions = self.decisions, []
        for text in [rows.cut] if cut and rows.cut else [] if cut else rows.kinks:
            x = self.text(text, {**dict(zip(row.operands, operands, strict=False)), OUT: out})
            here, near = here | is_zero(x), near | ~(np.abs(x[0]) > reach(x))
        told, self.decisions = self.decisions, told
        return here, near, told

    def levelled(self, up: Triple, out: Triple) -> Triple:
        high = out[0]
        places = np.argmax(high, -1, keepdims=True)
        one = moved(lambda a: np.take_along_axis(a, places, -1), up)
        here = np.arange(high.shape[-1]) == places
        return dd.choose(here, exact(np.float64(0.0)), dd.sub(up, one))

    # along an axis

    def total(self, x: Triple, axis: int) -> Triple:
        return tidy(halved(self.add, first(x, axis)))

    def extreme(self, x: Triple, axis: int, sign: int) -> Triple:
        key = self.next_key()
        proved = self.proved(key)
        out = halved(lambda a, b: larger(a, b, sign), first(x, axis))
        d = dd.sub(x, moved(lambda a: np.expand_dims(a, axis), out))
        near = np.broadcast_to(~(np.abs(d[0]) > reach(d)), self.shape(x))
        place = np.argmax(near & (d[0] == 0), axis)
        if np.any(proved):
            places = np.expand_dims(place, axis)
            one = moved(lambda a: np.take_along_axis(a, places, axis).squeeze(axis), x)
            out = dd.choose(proved, one, out)
        close = np.sum(near, axis)
        sure = (close == 1) | (close == np.sum(is_zero(d) & near, axis)) | proved
        self.decisions.append(Selected(key, place, near, sure))
        return out

    def shares(self, x: Triple, out: Triple, axis: int) -> Triple:
        key = self.next_key()
        proved = self.proved(key)
        d = dd.sub(x, out)
        shape = np.shape(d[0])
        near = np.broadcast_to(~(np.abs(d[0]) > reach(d)), shape)
        same = np.broadcast_to(is_zero(d), shape)
        here = near & np.where(proved, True, d[0] == 0)
        count, close, certain = (np.sum(one, axis, keepdims=True) for one in (here, near, same))
        sure = (close == 1) | (close == certain) | proved
        part = dd.div(dd.ONE, exact(np.maximum(count, 1).astype(np.float64)))
        high, low, error = dd.choose(here, part, exact(0.0))
        node = self.path[0][0] if isinstance(self.path[0], tuple) else -1
        self.decisions.append(Shared(key, node, here, near, count, sure))
        return high, low, error if np.all(sure) else np.where(near & ~sure, np.inf, error)

    def product(self, a: Triple, b: Triple) -> Triple:
        return tidy(product(a, b))

    # choice

    def compare(self, left: Triple, comparison: str, right: Triple) -> Mask:
        key = self.next_key()
        proved = self.proved(key)
        x, doubt = dd.difference(left, right)
        if np.any(proved):
            x, doubt = np.where(proved, 0.0, x), doubt & ~proved
        shape = np.broadcast_shapes(self.shape(left), self.shape(right))
        mask = Mask(
            np.broadcast_to(COMPARISONS[comparison](x, 0.0), shape),
            np.broadcast_to(doubt, shape) if np.any(doubt) else None,
            np.broadcast_to((x == 0) & ~doubt, shape),
        )
        self.decisions.append(Compared(key, mask))
        return mask

    def choose(self, mask: Mask, x: Triple, y: Triple) -> Triple:
        return chosen((mask.holds, mask.doubt), [x, y])


KERNELS: Kernels = {
    **DOUBLES,
    IDENTITY: lambda x: x,
}
"""What there is of double-doubles; what it lacks has a text, or is asked of wide numbers."""


NEAREST, REMAINDER = OPERATIONS["_nearest"], OPERATIONS["_remainder"]


UNBOUNDED: dict[Operation, np.ufunc] = {
    ADD: np.add, SUB: np.subtract, MUL: np.multiply, DIV: np.divide, NEG: np.negative,
}  # fmt: skip
"""What is done with numbers that are infinite, or do not exist: of these the bound is 0."""


def endless(x: Triple) -> Column:
    """Which numbers are known to be infinite, or not to exist."""
    here: Column = ~np.isfinite(x[0]) & (x[2] == 0)
    return here


def unbounded(function: np.ufunc, operands: Sequence[Triple], x: Triple) -> Triple:
    """The value of an operation, where operands are infinite, or a divisor is exactly 0."""
    met = np.any(~np.isfinite(x[0]))
    if not met:
        return x
    known = [endless(one) | (np.abs(one[0]) > reach(one)) | is_zero(one) for one in operands]
    here = np.any(np.broadcast_arrays(*map(endless, operands)), axis=0)
    if function is np.divide:
        here = here | is_zero(operands[1])
    value = function(*[one[0] + 0.0 for one in operands])
    here = here & np.all(np.broadcast_arrays(*known), axis=0) & ~np.isfinite(value)
    return dd.choose(here, exact(value), x) if np.any(here) else x


def tidy(x: Triple) -> Triple:
    """The same, where second parts and bounds that are 0 throughout are known to be."""
    high, low, error = x
    return high, low if np.any(low) else 0.0, error if np.any(error) else 0.0


def first(x: Triple, axis: int) -> Triple:
    """An array with an axis as its first."""
    return moved(lambda a: np.ascontiguousarray(np.moveaxis(a, axis, 0)), x)


def asked(here: Any, where: Mask | None, operands: Sequence[Triple]) -> Any:
    """Where something holds and is asked for, in the shape of the operands."""
    shape = np.broadcast_shapes(*[np.shape(one[0]) for one in operands])
    if where is None:
        return np.broadcast_to(here, shape)
    certain = where.holds if where.doubt is None else where.holds & ~where.doubt
    return here & np.broadcast_to(certain, np.broadcast_shapes(shape, np.shape(certain)))
