"""Lines run with a bound on the error of every number of every row.

What arithmetic.py does for one point, its bounds included, NumPy does for columns of points.
Whoever comes here was a suspect; most turn out to be right, some to have no value, and the few for
which floats are not enough are handed on to wider numbers, one by one.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..blocks.definitions import parameters
from ..language.graph import Graph
from ..language.table_texts import texts
from ..numbers import ball as balls
from ..numbers.arithmetic import domain_error
from ..numbers.ball import ENLARGED, MARGIN, NEAR, UNIT, rounding
from ..numbers.binary64 import TOLERANCE, binary64
from ..numbers.float64 import SHORT, SMALL
from ..operations.row import Operation, Role
from ..operations.special import COARSE, REDUCED
from ..operations.table import ADD, DIV, MUL, NEG, OPERATIONS, SUB
from .straightline import Kind, StraightLine, text_of
from .ufuncs import COMPARISONS, Column, admits, called, over_columns

__all__ = ["Outcome", "bounded"]

Number = tuple[Column, Column | None]
"""Values, and bounds on their errors, None where they are exact; of a mask, where it is in doubt."""


@dataclass(slots=True)
class Outcome:
    """What is known of some rows.

    results: a column each. sure: which rows are right in all of them. status: per row, 0 or the
    number of its reason, from 1, why it has no value. kinks: how many of the sure rows are at one.
    """

    results: list[Column]
    sure: Column
    status: Column
    reasons: list[str]
    kinks: int


def bounded(
    straight: StraightLine, live: Sequence[bool], columns: Mapping[str, Column], rows: int
) -> Outcome:
    """Compute some rows, a few thousand at a time at most. live: the lines that matter."""
    with np.errstate(all="ignore"):
        return BoundedRows(straight, live, columns, rows).outcome()


class BoundedRows:
    """The numbers of all live lines for some rows."""

    def __init__(
        self,
        straight: StraightLine,
        live: Sequence[bool],
        columns: Mapping[str, Column],
        rows: int,
    ) -> None:
        self.straight = straight
        self.rows = rows
        self.numbers: list[Number] = []
        nothing, one = np.empty(0), np.ones(rows)
        for line, (kind, operands, what) in enumerate(straight.lines):
            if not live[line]:
                number: Number = nothing, None
            elif kind is Kind.COLUMN:
                number = columns[str(what)], None
            elif kind is Kind.CONSTANT:
                assert isinstance(what, tuple)
                value, error = what
                number = value * one, error * one if error else None
            else:
                given = [self.numbers[k] for k in operands]
                rule = RULES.get(kind)
                if rule:
                    number = rule(given, what)
                else:
                    assert isinstance(kind, Operation)
                    number = applied(kind, given)
            self.numbers.append(number)

    def number(self, line: int) -> tuple[Column, Column]:
        """The values of a line and the bounds on their errors."""
        return known(self.numbers[line])

    def outcome(self) -> Outcome:
        """What these numbers tell of the rows."""
        sure = np.ones(self.rows, dtype=bool)
        results = []
        for k in self.straight.results:
            value, error = self.number(k)
            sure &= (error <= TOLERANCE * np.abs(value)) & np.isfinite(value)
            results.append(value + 0.0)
        at_kink = self.kinks(sure)
        for value, _ in self.numbers if at_kink.any() else ():
            if len(value):  # what a kink sends nothing of is no 0 where something infinite arrives
                sure &= ~at_kink | np.isfinite(value)
        status, reasons = self.status()
        sure &= status == 0
        return Outcome(results, sure, status, reasons, int((at_kink & sure).sum()))

    def kinks(self, sure: Column) -> Column:
        """The rows at a kink; those that may be at one, or where none can stand, are not sure.

        Nor are those at which the function may have another gradient than the rules: at several
        kinks, or on the boundary of a condition. At one kink the rules' number lies between the
        slopes on both sides, and stays.
        """
        at_kink = np.zeros(self.rows, dtype=bool)
        for line, kind, live in self.straight.kinks:
            value, error = self.number(line)
            if kind == "pole":
                here = near = ~(np.isfinite(value) & np.isfinite(error))
            elif kind == "order":
                here = near = ~(value + error < 0)
            elif kind == "tie":
                here, near = self.ties(line)
            else:
                near = ~(np.abs(value) > error)
                here = (value == 0) & (error == 0)
            asked: Column | bool = True
            if live is not None:
                mask, doubt = self.numbers[live]
                asked = mask if doubt is None else mask | doubt
            certain = here if kind in ("kink", "boundary", "tie") else here & False
            sure &= ~(near & ~certain & asked)
            sure &= ~(certain & asked & (at_kink | (kind == "boundary")))
            at_kink |= certain & asked
        return at_kink

    def ties(self, line: int) -> tuple[Column, Column]:
        """Where several operands of a max or min are the result, and where they may be."""
        out, error = self.number(line)
        equal = np.zeros(self.rows, dtype=np.int64)
        close = np.zeros(self.rows, dtype=np.int64)
        exact = error == 0
        for k in self.straight.lines[line].operands:
            value, own = self.number(k)
            close += ~(np.abs(value - out) > own + error)
            equal += value == out
            exact &= (own == 0) | (value != out)
        return (equal > 1) & (close == equal) & exact, close > 1

    def status(self) -> tuple[Column, list[str]]:
        """Which rows certainly leave a domain on the way, and which."""
        status = np.zeros(self.rows, dtype=np.int64)
        reasons: list[str] = []
        for operation, operands in self.straight.guards:
            place = operation.operands.index
            for bound in operation.domain:
                k = place(bound.operand)
                value, error = self.number(operands[k])
                if isinstance(bound.limit, str):
                    limit, other = self.number(operands[place(bound.limit)])
                    error = error + other
                else:
                    limit = np.asarray(bound.limit)
                sides = {
                    -1: value + error < limit,
                    1: value - error > limit,
                    0: (value == limit) & (error == 0),
                }
                for sign, where in sides.items():
                    if not balls.compare(sign, bound.relation) and where.any():
                        message = domain_error(operation, bound, k, sign).message
                        if message not in reasons:
                            reasons.append(message)
                        status[where & (status == 0)] = reasons.index(message) + 1
        return status, reasons


# Values and errors


def rounded(
    value: Column, error: Column | None, ulps: float, nonzero: Column | bool = True
) -> Number:
    """A value with its own rounding added; of one that is nearly 0 no bound is trusted, but of 0
    itself a bound that is not.

    nonzero: where it is not exactly 0.
    """
    size = np.abs(value)
    own = size * (2 * ulps * UNIT * (1 + 2.0**-40))
    error = own if error is None else error + own
    if not size.min() >= SMALL:  # rarely
        hidden = (size < SMALL) & ((size > 0) | (error < SMALL)) & nonzero
        error = np.where(hidden, np.inf, error)
    return value, error


def nonzero_ball(number: Number) -> Column:
    """Where a number is not exactly 0."""
    value, error = number
    return np.asarray(value != 0 if error is None else (value != 0) | (error != 0))


def times(size: Column, error: Column | None) -> Column | None:
    """An error that is enlarged by a factor."""
    return None if error is None else np.abs(size) * error


def plus(a: Column | None, b: Column | None) -> Column | None:
    """The sum of two errors."""
    return b if a is None else a if b is None else a + b


def known(number: Number) -> tuple[Column, Column]:
    """Values and the bounds on their errors, 0 where they are exact."""
    value, error = number
    return value, np.zeros(len(value)) if error is None else error


def add(given: Sequence[Number], _what: object, sign: float = 1.0) -> Number:
    (x, error_x), (y, error_y) = given
    y = y if sign > 0 else -y
    out = x + y
    return out, plus(rounding(x, y, out), plus(error_x, error_y))


def sub(given: Sequence[Number], what: object) -> Number:
    return add(given, what, -1.0)


def mul(given: Sequence[Number], _what: object) -> Number:
    (x, error_x), (y, error_y) = given
    error = plus(times(x, error_y), times(y, error_x))
    if error_x is not None and error_y is not None:
        error = plus(error, error_x * error_y)
    return rounded(x * y, error, 0.5, nonzero_ball(given[0]) & nonzero_ball(given[1]))


def div(given: Sequence[Number], _what: object) -> Number:
    (x, error_x), (y, error_y) = given
    value = x / y
    error = plus(error_x, times(value, error_y))
    if error is not None:
        room = np.abs(y) if error_y is None else np.abs(y) - error_y
        error = np.where(room > 0, error / room, np.inf)
    return rounded(value, error, 0.5, nonzero_ball(given[0]))


def exp(given: Sequence[Number], _what: object) -> Number:
    x, error = given[0]
    value = np.exp(x)
    if error is not None:
        error = np.where(error < NEAR, value * error * ENLARGED, np.inf)
    return rounded(value, error, EXP.numpy_ulps)


def neg(given: Sequence[Number], _what: object) -> Number:
    return -given[0][0], given[0][1]


def absolute(given: Sequence[Number], _what: object) -> Number:
    return np.abs(given[0][0]), given[0][1]


def selected(operation: Operation, given: Sequence[Number]) -> Number:
    """The largest or the smallest of some numbers."""
    numbers = [known(number) for number in given]
    out = over_columns(operation).call(*[value for value, _ in numbers])
    size = np.zeros_like(out)
    for value, error in numbers:  # the selected one's, or those of all that may be selected
        size = np.where(value == out, np.maximum(size, error), size)
    bound = size
    for value, error in numbers:
        close = ~(np.abs(value - out) > error + size)
        bound = np.where(close, np.maximum(bound, error), bound)
    return out, np.where(np.isnan(bound), np.inf, bound)


def ties(given: Sequence[Number], uses: object) -> Number:
    assert isinstance(uses, tuple)
    (out, error), *operands = map(known, given)
    tied, equal, close = np.zeros_like(out), np.zeros_like(out), np.zeros_like(out)
    exact = np.ones(len(out), dtype=bool)
    for (value, own), count in zip(operands, uses, strict=True):
        here = value == out
        tied += here * count
        equal += here
        close += ~(np.abs(value - out) > own + error)
        exact &= (own == 0) | ~here
    sure = (close == 1) | ((close == equal) & exact)
    return tied, np.where(sure, 0.0, np.inf)


def share(given: Sequence[Number], _what: object) -> Number:
    (out, _), (operand, _), (tied, error) = map(known, given)
    value = np.where(operand == out, 1 / np.maximum(tied, 1), 0.0)
    return value, np.where(tied > 2, value * UNIT, 0.0) + error


def select(given: Sequence[Number], _what: object) -> Number:
    (mask, doubt), (then, error_then), (otherwise, error_otherwise) = map(known, given)
    error = np.where(mask, error_then, error_otherwise)
    return np.where(mask, then, otherwise), np.where(doubt, np.inf, error)


def gate(given: Sequence[Number], _what: object) -> Number:
    (mask, doubt), (value, error) = map(known, given)
    return np.where(mask, value, 0.0), np.where(doubt, np.inf, np.where(mask, error, 0.0))


# Masks, with where they are in doubt


def compare(given: Sequence[Number], relation: object) -> Number:
    (x, error_x), (y, error_y) = map(known, given)
    error = error_x + error_y
    return COMPARISONS[str(relation)](x, y), ~(np.abs(x - y) > error) & (error != 0)


def nonzero(given: Sequence[Number], _what: object) -> Number:
    value, error = known(given[0])
    return value != 0, ~(np.abs(value) > error) & (error != 0)


def doubts(given: Sequence[Number]) -> Column | None:
    """Where any of some masks is in doubt."""
    every = [doubt for _, doubt in given if doubt is not None]
    return np.logical_or.reduce(every) if every else None


EXP = OPERATIONS["exp"]

RULES: dict[Operation | Kind, Callable[[Sequence[Number], object], Number]] = {
    ADD: add,
    SUB: sub,
    MUL: mul,
    DIV: div,
    NEG: neg,
    EXP: exp,
    OPERATIONS["abs"]: absolute,
    Kind.TIES: ties,
    Kind.SHARE: share,
    Kind.SELECT: select,
    Kind.GATE: gate,
    Kind.COMPARE: compare,
    Kind.NONZERO: nonzero,
    Kind.NOT: lambda given, _: (~given[0][0], given[0][1]),
    Kind.AND: lambda given, _: (given[0][0] & given[1][0], doubts(given)),
    Kind.OR: lambda given, _: (given[0][0] | given[1][0], doubts(given)),
}
"""The commonest operations, written out, and what is none; the others go by their rows."""


# Operations of the table, by their local gradients


def applied(operation: Operation, given: Sequence[Number]) -> Number:
    """The value of an operation, with the error that its operands brought and its own."""
    if operation.selects:
        return selected(operation, given)
    values = [value for value, _ in given]
    function = over_columns(operation)
    out = function.call(*values)
    if function.ufunc is None and (operation.domain or operation.requires):
        out = np.where(admitted(operation, given), out, np.nan)
    error = carried(operation, given, out)
    if operation.period and function.ufunc:
        error = plus(error, unreduced(values[0], out))
    nonzero = nonzero_at(operation, values, out)
    if error is not None:
        nonzero = nonzero | (error != 0)
    value, bound = rounded(out, error, function.ulps, nonzero)
    return value, bound if bound is None else np.where(np.isnan(out), np.inf, bound)


def carried(operation: Operation, given: Sequence[Number], out: Column) -> Column | None:
    """How far the errors of the operands can have moved a value (see Arithmetic.carried)."""
    values = [value for value, _ in given]
    moved: Column | None = None
    far = np.zeros(len(out), dtype=bool)
    limits = [bound.limit for bound in operation.domain if not isinstance(bound.limit, str)]
    for k, (value, reach) in enumerate(given):
        if reach is None:
            continue
        steep = np.abs(slope(operation, k, values, out))
        moved = plus(moved, np.asarray(np.where(reach == 0, 0.0, steep * reach)))
        for limit in (0.0, *limits):
            far |= (reach > 0) & ((reach > SHORT) | (reach > NEAR * np.abs(value - limit)))
    if moved is not None and operation.choice:
        return np.where(chosen(given), moved, np.inf)
    if moved is None or operation.role is Role.DISTRIBUTES:
        return moved
    far |= ~(moved * 2.0**20 <= 1 + np.abs(out))
    if not far.any():
        return moved * ENLARGED
    rows = np.flatnonzero(far)
    some = [(x[rows], None if error is None else error[rows]) for x, error in given]
    error = moved * ENLARGED
    error[rows] = measured(operation, some, out[rows])
    return error


def chosen(given: Sequence[Number]) -> Column:
    """The same as ``Arithmetic.chosen``."""
    (x, error), (y, other) = known(given[0]), known(given[-1])
    if len(given) == 1:
        return np.asarray(4 * error < 1)
    return np.asarray(4 * (error + (np.abs(x / y) + 1) * other) < np.abs(y) - other)


def measured(operation: Operation, given: Sequence[Number], out: Column) -> Column:
    """The same of errors of any size, measured at their ends; infinite where it cannot be."""
    if operation.lipschitz:
        errors = [error for _, error in given if error is not None]
        return np.asarray(sum(errors) * operation.lipschitz)
    function = over_columns(operation)
    turns = np.zeros(len(out), dtype=bool)
    ends: list[list[Column]] = []
    for value, error in given:
        if error is None:
            ends.append([value])
            continue
        reach = error + np.abs(value) * 2 * UNIT
        if operation.period:
            turns |= ~(4 * reach < operation.period)
        near_0 = np.where(np.abs(value) < reach, 0.0, value)
        ends.append([value, value - reach, value + reach, near_0])
    farthest, largest = np.zeros_like(out), np.abs(out)
    for operands in itertools.product(*ends):
        value = function.call(*operands)
        farthest = np.maximum(farthest, np.abs(value - out))  # nan where there is no value
        largest = np.maximum(largest, np.abs(value))
    error = farthest * MARGIN + largest * (4 * function.ulps * UNIT)
    known = np.isfinite(error) & ~turns
    if operation.requires:
        known &= admitted(operation, given)
    return np.where(known, error, np.inf)


def unreduced(x: Column, out: Column) -> Column | None:
    """An infinite error where a wave's library may not have reduced its operand well enough."""
    if not np.abs(x).max() > REDUCED:
        return None
    size = np.abs(out)
    return np.where((np.abs(x) > REDUCED) & ~((size >= COARSE) & (size <= 1 / COARSE)), np.inf, 0.0)


def admitted(operation: Operation, given: Sequence[Number]) -> Column:
    """The rows whose operands certainly have a value, asked one by one."""
    pairs = [column for number in given for column in known(number)]

    def one(*numbers: float) -> bool:
        return admits(operation, list(zip(numbers[::2], numbers[1::2], strict=True)))

    return called(one)(*pairs) > 0


def nonzero_at(operation: Operation, values: Sequence[Column], out: Column) -> Column | bool:
    """The rows whose value is not exactly 0, as sin(0) and 0^2 are by their rows."""
    zeros = np.flatnonzero((out == 0) & (values[0] == 0))
    if not len(zeros):
        return True
    rows = np.ones(len(out), dtype=bool)
    for row in zeros.tolist():
        operands = tuple([float(value[row]) for value in values])
        rows[row] = not operation.exact(operands, 0.0, binary64.limit)
    return rows


def slope(operation: Operation, k: int, values: Sequence[Column], out: Column) -> Column:
    """The local gradient for operand k, as a plain column."""
    leaves = {"out": out}
    if operation.variadic:
        leaves |= {"x": values[k], "n": np.asarray(float(len(values)))}
        return plain(texts(operation).rules[0], leaves)
    leaves |= dict(zip(operation.operands, values, strict=True))
    return plain(texts(operation).rules[k], leaves)


def plain(graph: Graph, leaves: Mapping[str, Column]) -> Column:
    """A text of the table over plain columns."""
    names = {node: name for name, node in graph.variables.items()}
    values: list[Any] = []
    for node, operation in enumerate(graph.operations):
        operands = [values[k] for k in graph.operands[node]]
        if node in names:
            values.append(leaves[names[node]])
        elif operation.leaf:
            values.append(np.float64(binary64.constant(graph.constants[node])[0]))
        elif node in graph.condition_of:
            test = graph.conditions[graph.condition_of[node]]
            mask = COMPARISONS[test.comparison](operands[0], operands[1])
            values.append(np.where(mask, operands[2], operands[3]))
        else:
            values.append(evaluated(operation, operands))
    result: Column = values[graph.output]
    return result


def evaluated(operation: Operation, operands: Sequence[Column]) -> Column:
    """The value of an operation over plain columns."""
    text = text_of(operation, len(operands))
    if text is None:
        return over_columns(operation).call(*operands)
    return plain(text, dict(zip(parameters(operation, len(operands)), operands, strict=True)))
