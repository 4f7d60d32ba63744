"""What a piece of code computes in plain doubles, by Python's own floats.

Libraries differ in the last digits of their functions, and a file is run by others. So a number is
computed three times: as Python does, and with what a function gives moved up or down by what
libraries may be off. Where digits cancel, the three part.
"""

import math
import operator
from collections.abc import Callable, Sequence

from ...language.graph import Graph
from ...language.precedence import comparison_of
from ...language.table_texts import texts
from ...numbers.ball import compare
from ...operations.row import Operation
from ...operations.table import ADD, CONSTANTS, DIV, MUL, NEG, POW, SUB

__all__ = ["Doubles", "Holds", "chosen", "computed", "decided", "off", "same"]

Doubles = tuple[float, ...] | str | None
"""The three numbers; a text where there is none, which says why; None where there is no point."""

Holds = bool | str | None
"""Whether a condition holds; a text or None as above."""

ULP = 2.0**-52
EXACT = 2.0**53

OPERATORS: dict[Operation, Callable[..., float]] = {
    ADD: operator.add,
    SUB: operator.sub,
    MUL: operator.mul,
    DIV: operator.truediv,
    NEG: operator.neg,
    POW: math.pow,
}


def same(value: float) -> Doubles:
    """A number that is the same everywhere."""
    return (value,) * 3


def function(operation: Operation, xs: Sequence[float]) -> float:
    """The value of an operation of which a library knows; raises what Python's math raises."""
    if operation in OPERATORS:
        return OPERATORS[operation](*xs)
    if operation.selects:
        return max(xs) if operation.selects > 0 else min(xs)
    value = getattr(math, operation.libm) if operation.libm else operation.value
    assert value is not None, operation.name
    result: float = value(*xs)
    return result


def computed(operation: Operation, operands: Sequence[Doubles], ulps: float) -> Doubles:
    """What an operation makes of its operands; ulps: how far off a library's function may be."""
    for operand in operands:
        if not isinstance(operand, tuple):
            return operand
    text = texts(operation).computed
    if text is not None and not operation.libm:
        return by_text(text, dict(zip(operation.operands, operands, strict=True)), ulps)
    values = []
    for place, xs in enumerate(zip(*operands, strict=True)):
        try:
            value = function(operation, xs)
        except (OverflowError, ValueError, ZeroDivisionError):
            value = math.nan
        if not math.isfinite(value):
            shown = ", ".join(f"{x:.6g}" for x in xs)
            return f"{operation.name} has no number in doubles at {shown}"
        rounded = (operation in OPERATORS and operation is not POW) or operation.selects
        if not rounded and not operation.exact(xs, value, EXACT):
            value += (0, ulps, -ulps)[place] * ULP * value * (1 if hash(xs) & 8 else -1)
        values.append(value)
    return tuple(values)


def by_text(text: Graph, leaves: dict[str, Doubles], ulps: float) -> Doubles:
    """What a text of the table computes."""
    values: list[Doubles] = []
    for node, operation in enumerate(text.operations):
        below = [values[k] for k in text.operands[node]]
        if node in text.constants:
            constant = text.constants[node]
            values.append(same(CONSTANTS[constant] if isinstance(constant, str) else constant))
        elif operation.leaf:
            values.append(leaves[text.names[node]])
        elif comparison := comparison_of(text, node):
            left, right, then, otherwise = below
            values.append(chosen(decided(left, right, comparison), then, otherwise))
        else:
            values.append(computed(operation, below, ulps))
    return values[text.output]


def chosen(holds: Holds, then: Doubles, otherwise: Doubles) -> Doubles:
    """The number of the side that a condition selects."""
    if isinstance(holds, bool):
        return then if holds else otherwise
    return holds


def decided(left: Doubles, right: Doubles, comparison: str) -> Holds:
    """Whether a condition holds in each of the three."""
    if not isinstance(left, tuple):
        return left
    if not isinstance(right, tuple):
        return right
    found = {compare((x > y) - (x < y), comparison) for x, y in zip(left, right, strict=True)}
    if len(found) > 1:
        return "which branch is taken hangs on the last digits"
    return found.pop()


def off(numbers: tuple[float, ...], expected: float, tolerance: float) -> float | None:
    """The first of the numbers that is too far from what it should be."""
    return next((x for x in numbers if abs(x - expected) > tolerance * abs(expected or 1.0)), None)
