"""One tape, many interpretations: a loop upwards over a graph, over any algebra.

What a graph means is up to two functions: what an operation makes of its operands, and how the two
sides of a condition compare. Programs and the texts of the table, balls and plain numbers are all
run by this loop.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from ..language.graph import Graph, Tape
from ..language.nearest import fraction
from ..operations.exact import LONGEST
from ..operations.row import Operation
from .branches import Branches

__all__ = ["interpret", "leaves", "quotient"]

V = TypeVar("V")


def leaves(graph: Tape, given: Mapping[int, V], constant: Callable[[float | str], V]) -> list[Any]:
    """A value for every constant of a graph, and for the nodes that are given one; else None."""
    values: list[V | None] = [None] * len(graph)
    for node, value in given.items():
        values[node] = value
    for node, number in graph.constants.items():
        values[node] = constant(number)
    return values


def interpret(
    graph: Tape,
    values: list[Any],
    apply: Callable[[Operation, list[Any]], Any],
    branches: Branches,
    nodes: Iterable[int] | None = None,
    hull: Callable[[list[Any]], Any] | None = None,
) -> None:
    """Fill in the values of a graph, or of some nodes in their order, where they are evaluated.

    values: of its leaves. apply: gives the value of an operation from those of its operands. hull:
    what is known of a value that is one of some, where the branches may leave open which.
    """
    for node in range(len(graph)) if nodes is None else nodes:
        operation = graph.operations[node]
        region = graph.regions[node]
        if operation.leaf or (region and not branches.active(region)):
            continue
        operands = graph.operands[node]
        if node in graph.condition_of:
            if branches.holds(graph.condition_of[node]) is None:
                assert hull is not None
                values[node] = hull([values[k] for k in operands[2:]])
            else:
                values[node] = values[operands[branches.selected(node)]]
        else:
            values[node] = apply(operation, [values[k] for k in operands])


def quotient(program: Graph) -> Fraction | None:
    """The value of a program without variables as a quotient; None where it is none, or a long one."""

    def leaf(value: float | str) -> Fraction:
        if isinstance(value, str):
            raise ValueError
        return fraction(value)

    def apply(operation: Operation, operands: list[Fraction]) -> Fraction:
        if operation.rational is None:
            raise ValueError
        value = operation.rational(*operands)
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > LONGEST:
            raise ValueError
        return value

    def sign(a: Fraction, b: Fraction) -> int:
        return int(a > b) - int(a < b)

    try:
        values = leaves(program, {}, leaf)
        interpret(program, values, apply, Branches(program, values, sign))
    except (ArithmeticError, ValueError):
        return None
    result: Fraction = values[program.output]
    return result
