"""Lines run with a bound on the error of every number of every row, over floats or double-doubles.

Whoever comes here was a suspect. Most turn out to be right over floats, and most of the others over
double-doubles; some have no value. The few for which twice the digits of a float are not enough are
handed on to wider numbers, one by one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from ..numbers import ball as balls
from ..numbers.arithmetic import domain_error
from ..numbers.ball import UNIT
from ..numbers.binary64 import TOLERANCE
from ..operations.row import Operation
from ..operations.table import ADD, DIV, MUL, NEG, OPERATIONS, SUB
from . import double_double as dd
from .carried import Number, applied
from .double_double import Triple, exact, is_zero, reach, some
from .error_functions import ERROR_FUNCTIONS
from .lines import MASKS, Kind, StraightLine
from .ufuncs import COMPARISONS, Column

__all__ = ["DOUBLES", "FLOATS", "BoundedRows", "Kernels", "Outcome", "Refuse", "constants"]

Kernels = Mapping[Operation, Callable[..., Triple]]
"""What computes operations; those it lacks are computed as floats, with bounds by their rows."""

Mask = tuple[Column, Column | None]
"""Where something holds, and where that is in doubt; None is nowhere."""


Refuse = Callable[..., None]
"""What takes the number of a row and why it has no value."""


@dataclass(slots=True)
class Outcome:
    """What is known of some rows.

    results: a number each. sure: which rows are right in all of them, each to TOLERANCE, or, where
    they are summed, to a bound. status: per row, 0 or the number of its reason, from 1, why it has
    no value. kinks: how many of the sure rows are at one.
    """

    results: list[Triple]
    sure: Column
    status: Column
    reasons: list[str]
    kinks: int

    def rest(self, rows: Column, refuse: Refuse) -> Column:
        """The rows that are not sure; those without a value are refused. rows: their numbers."""
        for k in np.flatnonzero(self.status).tolist():
            refuse(int(rows[k]), self.reasons[int(self.status[k]) - 1])
        unsure: Column = rows[~self.sure & (self.status == 0)]
        return unsure


def constants(straight: StraightLine) -> dict[int, Triple]:
    """The lines that no column changes."""
    numbers: dict[int, Triple] = {}
    with np.errstate(all="ignore"):
        for line, (kind, _, what) in enumerate(straight.lines):
            if kind is Kind.CONSTANT:
                numbers[line] = constant(what, numbers)
    return numbers


def constant(what: Any, numbers: Mapping[int, Triple]) -> Triple:
    """A number that floats know as a ball, from its origin; see Kind.CONSTANT."""
    value, error, origin = what
    if isinstance(origin, Fraction):
        return dd.ratio(origin.numerator, origin.denominator)
    if isinstance(origin, str):
        return dd.CONSTANTS[origin]
    if origin is None:
        return np.float64(value), 0.0, error
    operation, operands = origin
    return computed(DOUBLES, operation, [numbers[k] for k in operands])


class BoundedRows:
    """The numbers and the masks of all live lines for some rows, a few thousand at a time at most."""

    @np.errstate(all="ignore")
    def __init__(
        self,
        straight: StraightLine,
        live: Sequence[bool],
        columns: Mapping[str, Triple],
        rows: int,
        known: Mapping[int, Triple],
        kernels: Kernels,
    ) -> None:
        """Live: the lines that matter. known: see ``constants``. kernels: FLOATS or DOUBLES."""
        self.straight = straight
        self.rows = rows
        self.numbers = numbers = dict(known if kernels is DOUBLES else rounded_constants(known))
        self.masks: dict[int, Mask] = {}
        for line, (kind, operands, what) in enumerate(straight.lines):
            if not live[line] or kind is Kind.CONSTANT:
                continue
            if kind is Kind.COLUMN:
                numbers[line] = columns[str(what)]
            elif kind in MASKS:
                self.masks[line] = self.mask(kind, operands, what)
            elif kind in (Kind.SELECT, Kind.GATE):
                numbers[line] = chosen(self.masks[operands[0]], [numbers[k] for k in operands[1:]])
            else:
                given = [numbers[k] for k in operands]
                if kind in SHARES:
                    numbers[line] = SHARES[kind](given, what)
                else:
                    numbers[line] = computed(kernels, kind, given)

    def mask(self, kind: Operation | Kind, operands: Sequence[int], what: object) -> Mask:
        """Where a condition holds, or several do."""
        if kind is Kind.COMPARE:
            x, doubt = dd.difference(*[self.numbers[k] for k in operands])
            return COMPARISONS[str(what)](x, 0.0), doubt
        if kind is Kind.NONZERO:
            x, doubt = dd.difference(self.numbers[operands[0]], exact(np.float64(0.0)))
            return x != 0, doubt
        given = [self.masks[k] for k in operands]
        if kind is Kind.NOT:
            return ~given[0][0], given[0][1]
        every = [doubt for _, doubt in given if doubt is not None]
        join = np.logical_and if kind is Kind.AND else np.logical_or
        return join(given[0][0], given[1][0]), reduce(np.logical_or, every) if every else None

    @np.errstate(all="ignore")
    def outcome(self, wanted: Sequence[int], summed: bool, choices: bool) -> Outcome:
        """What these numbers tell of the rows.

        wanted: the lines of the results. summed: whether a bound is enough. choices: whether kinks
        and domains are to be looked at.
        """
        sure = np.ones(self.rows, dtype=bool)
        for k in wanted:
            value, error = self.numbers[k][0], reach(self.numbers[k])
            sure &= np.isfinite(value + error)
            if not summed:
                sure &= error <= TOLERANCE * np.abs(value)
        numbers = [self.numbers[k] for k in wanted]
        if not choices:
            return Outcome(numbers, sure, np.zeros(self.rows, dtype=np.int64), [], 0)
        at_kink = self.kinks(sure)
        for value, _, _ in self.numbers.values() if at_kink.any() else ():
            # what a kink sends nothing of is no 0 where something infinite arrives
            sure &= ~at_kink | np.isfinite(value)
        status, reasons = self.status()
        sure &= status == 0
        return Outcome(numbers, sure, status, reasons, int((at_kink & sure).sum()))

    def kinks(self, sure: Column) -> Column:
        """The rows at a kink; those that may be at one, or where none can stand, are not sure.

        Nor are those at which the function may have another gradient than the rules: at several
        kinks, on the boundary of a condition, or at a jump. At one kink the rules' number lies
        between the slopes on both sides, and stays.
        """
        at_kink = np.zeros(self.rows, dtype=bool)
        for line, kind, live in self.straight.kinks:
            number = self.numbers[line]
            value, error = number[0], reach(number)
            if kind == "pole":
                here = near = ~(np.isfinite(value) & np.isfinite(error))
            elif kind == "order":
                here = near = ~(value + error < 0)
            elif kind == "tie":
                here, near = self.ties(line)
            else:
                here, near = is_zero(number), ~(np.abs(value) > error)
            asked: Column | bool = True
            if live is not None:
                mask, doubt = self.masks[live]
                asked = mask if doubt is None else mask | doubt
            certain = here if kind in ("kink", "boundary", "tie") else here & False
            sure &= ~(near & ~certain & asked)
            sure &= ~(certain & asked & (at_kink | (kind == "boundary")))
            at_kink |= certain & asked
        return at_kink

    def ties(self, line: int) -> tuple[Column, Column]:
        """Where several operands of a max or min are the result, and where they may be."""
        operands = [self.numbers[k] for k in self.straight.lines[line].operands]
        _, close, same = tied(self.numbers[line], operands)
        return (same > 1) & (close == same), close > 1

    def status(self) -> tuple[Column, list[str]]:
        """Which rows certainly leave a domain on the way, and which."""
        status = np.zeros(self.rows, dtype=np.int64)
        reasons: list[str] = []
        for operation, operands in self.straight.guards:
            place = operation.operands.index
            for bound in operation.domain:
                k = place(bound.operand)
                if isinstance(bound.limit, str):
                    limit = self.numbers[operands[place(bound.limit)]]
                else:
                    limit = exact(np.float64(bound.limit))
                d = dd.sub(self.numbers[operands[k]], limit)
                sides = {-1: d[0] < -reach(d), 1: d[0] > reach(d), 0: is_zero(d)}
                for sign, where in sides.items():
                    if not balls.compare(sign, bound.relation) and np.any(where):
                        message = domain_error(operation, bound, k, sign).message
                        if message not in reasons:
                            reasons.append(message)
                        status[where & (status == 0)] = reasons.index(message) + 1
        return status, reasons


# Choice


def chosen(test: Mask, given: Sequence[Triple]) -> Triple:
    """One of two numbers, or of a number and 0, by a mask."""
    mask, doubt = test
    high, low, error = dd.choose(mask, given[0], given[1] if len(given) > 1 else exact(0.0))
    return high, low, error if doubt is None else np.where(doubt, np.inf, error)


def selected(sign: int, given: Sequence[Triple]) -> Triple:
    """The largest or the smallest of some numbers."""
    return reduce(lambda x, y: larger(x, y, sign), given)


def larger(x: Triple, y: Triple, sign: int) -> Triple:
    """The larger of two numbers, or the smaller; either, with a bound for both, if in doubt."""
    d = dd.sub(x, y)
    high, low, error = dd.choose(d[0] * sign > 0, x, y)
    near = reach(d)
    return high, low, np.where((np.abs(d[0]) > near) | is_zero(d), error, 2 * near)


def tied(out: Triple, operands: Sequence[Triple]) -> tuple[list[Column], Column, Column]:
    """Which operands of a max or min are the result; how many may be, and how many certainly are."""
    here = []
    close, same = np.zeros(np.shape(out[0]), np.int64), np.zeros(np.shape(out[0]), np.int64)
    for operand in operands:
        d = dd.sub(operand, out)
        here.append(d[0] == 0)
        close += ~(np.abs(d[0]) > reach(d))
        same += is_zero(d)
    return here, close, same


def ties(given: Sequence[Triple], uses: object) -> Triple:
    """How many operands of a max or min are the result; see Kind.TIES."""
    assert isinstance(uses, tuple)
    out, *operands = given
    here, close, same = tied(out, operands)
    count = sum(mask * float(use) for mask, use in zip(here, uses, strict=True))
    return count, 0.0, np.where((close == 1) | (close == same), 0.0, np.inf)


def share(given: Sequence[Triple], _what: object) -> Triple:
    """What an operand of a max or min is given of the gradient; see Kind.SHARE."""
    out, operand, (count, _, doubt) = given
    part = dd.div(dd.ONE, exact(np.maximum(count, 1.0)))
    high, low, error = dd.choose(dd.sub(operand, out)[0] == 0, part, exact(0.0))
    return high, low, error + doubt


SHARES: dict[Operation | Kind, Callable[..., Triple]] = {Kind.TIES: ties, Kind.SHARE: share}


# Operations


def computed(kernels: Kernels, operation: Operation | Kind, given: Sequence[Triple]) -> Triple:
    """The value of an operation with its error."""
    assert isinstance(operation, Operation)
    if operation.selects:
        return selected(operation.selects, given)
    kernel = kernels.get(operation)
    if kernel:
        return kernel(*given)
    rows = np.shape(sum(x[0] for x in given)) or (1,)
    value, error = applied(operation, [with_bound(x, rows) for x in given])
    return value, 0.0, 0.0 if error is None else error


def add(x: Triple, y: Triple) -> Triple:
    (a, _, e), (c, _, f) = x, y
    value, lost = dd.two_sum(a, c)
    error = np.abs(lost)
    for bound in (e, f):
        if some(bound):
            error = error + bound
    return value, 0.0, error


def mul(x: Triple, y: Triple) -> Triple:
    (a, _, e), (c, _, f) = x, y
    value = a * c
    error = np.abs(value) * UNIT
    if some(f):
        error = error + np.abs(a) * f
    if some(e):
        error = error + (np.abs(c) + f if some(f) else np.abs(c)) * e
    return value, 0.0, dd.trusted(value, error, x, y)


def div(x: Triple, y: Triple) -> Triple:
    (a, _, e), (c, _, f) = x, y
    value = a / c
    error = np.abs(value) * UNIT
    if some(e) or some(f):
        error = error + dd.over(x, value, y)
    return value, 0.0, dd.trusted(value, error, x, dd.ONE)


def exp(x: Triple) -> Triple:
    value = np.exp(x[0])
    error = value * (2 * EXP.numpy_ulps * UNIT)
    if some(x[2]):
        error = error + x[2] * dd.steepest(x, value)
    return value, 0.0, dd.trusted(value, error, dd.ONE, dd.ONE)


EXP = OPERATIONS["exp"]
FLOATS: Kernels = {
    ADD: add,
    SUB: lambda x, y: add(x, dd.neg(y)),
    MUL: mul,
    DIV: div,
    NEG: dd.neg,
    EXP: exp,
    OPERATIONS["abs"]: dd.absolute,
}
"""The commonest operations, written out."""

DOUBLES: Kernels = {
    ADD: dd.add,
    SUB: dd.sub,
    MUL: dd.mul,
    DIV: dd.div,
    NEG: dd.neg,
    **{OPERATIONS[name]: function for name, function in (dd.FUNCTIONS | ERROR_FUNCTIONS).items()},
}
"""What there is of double-doubles."""


def rounded_constants(known: Mapping[int, Triple]) -> dict[int, Triple]:
    """Numbers as floats."""
    return {line: (x[0], 0.0, reach(x) if some(x[1]) else x[2]) for line, x in known.items()}


def with_bound(x: Triple, rows: tuple[int, ...]) -> Number:
    """A number as floats, one for each row."""
    value = np.broadcast_to(x[0], rows)
    if not some(x[1]) and not some(x[2]):
        return value, None
    return value, np.broadcast_to(reach(x), rows)
