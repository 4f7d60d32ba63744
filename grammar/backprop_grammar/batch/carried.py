"""Operations of the table over columns of floats, with the errors that local gradients carry on.

What no kernel is written out for is computed by NumPy, or row by row, and its bound comes from the
row of the table, as `Arithmetic` has it for one point.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..blocks.definitions import parameters
from ..language.graph import Graph
from ..language.table_texts import texts
from ..numbers.ball import ENLARGED, MARGIN, NEAR, UNIT
from ..numbers.binary64 import binary64
from ..numbers.float64 import SHORT, SMALL
from ..operations.row import Operation, Role
from ..operations.special import COARSE, REDUCED
from .lines import text_of
from .ufuncs import COMPARISONS, Column, admits, called, over_columns

__all__ = ["Number", "applied"]

Number = tuple[Column, Column | None]
"""Floats, and bounds on their errors, None where they are exact."""


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
    if not np.min(size) >= SMALL:  # rarely
        hidden = (size < SMALL) & ((size > 0) | (error < SMALL)) & nonzero
        error = np.where(hidden, np.inf, error)
    return value, error


def plus(a: Column | None, b: Column | None) -> Column | None:
    """The sum of two errors."""
    return b if a is None else a if b is None else a + b


def applied(operation: Operation, given: Sequence[Number]) -> Number:
    """The value of an operation, with the error that its operands brought and its own."""
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
    for k, (value, inherited) in enumerate(given):
        if inherited is None:
            continue
        steep = np.abs(slope(operation, k, values, out))
        moved = plus(moved, np.asarray(np.where(inherited == 0, 0.0, steep * inherited)))
        for limit in (0.0, *limits):
            near = (inherited <= SHORT) & (inherited <= NEAR * np.abs(value - limit))
            far |= (inherited > 0) & ~near
    if moved is not None and operation.choice:
        return np.where(near_choice(given), moved, np.inf)
    if moved is None or operation.role is Role.DISTRIBUTES:
        return moved
    far |= ~(moved * 2.0**20 <= 1 + np.abs(out))
    if not far.any():
        return moved * ENLARGED
    rows = np.flatnonzero(far)
    these = [(x[rows], None if error is None else error[rows]) for x, error in given]
    bound = moved * ENLARGED
    bound[rows] = measured(operation, these, out[rows])
    return bound


def near_choice(given: Sequence[Number]) -> Column:
    """The same as ``Arithmetic.chosen``."""
    (x, e), (y, f) = given[0], given[-1]
    error, other = (np.zeros_like(x) if one is None else one for one in (e, f))
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
    zeros = np.zeros(len(given[0][0]))
    pairs = [x for value, error in given for x in (value, zeros if error is None else error)]

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
