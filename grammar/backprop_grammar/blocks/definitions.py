"""What the built-in blocks are made of.

The insight: a row's formula is a program, so a built-in that is to be shown as its parts is a
function like one that the user defined.
"""

import re
from dataclasses import replace
from functools import cache

from ..language.graph import Function, Graph
from ..language.parser import parse
from ..operations.row import Operation
from ..operations.table import IDENTITY, OPERATIONS

__all__ = ["DEFINED", "definition", "mirrored", "spellings"]

DEFINED = tuple(row for row in OPERATIONS.values() if row.formula)
"""The operations that have a definition in simpler ones: the built-in blocks."""


def parameters(operation: Operation, count: int) -> tuple[str, ...]:
    """Names for the operands of a definition."""
    if operation.variadic:
        return tuple(f"x{k + 1}" for k in range(count))
    return operation.operands


def written(formula: str, names: tuple[str, ...]) -> str:
    """A formula of any number of operands, such as `(x + y + ...)/n`, for these."""

    def terms(found: re.Match[str]) -> str:
        return " + ".join(re.sub(r"\bx\b", name, found[1]) for name in names)

    listed = re.sub(r"(exp\(x\)|x) \+ \S+ \+ \.\.\.", terms, formula)
    return re.sub(r"\bn\b", str(len(names)), listed) if "..." in formula else formula


def function(name: str, formula: str, names: tuple[str, ...]) -> Function:
    """The function `name(names) = formula`."""
    call = f"_f({', '.join(names)})"
    return replace(parse(f"{call} = {formula}; {call}", internal=True).functions["_f"], name=name)


@cache
def definition(
    operation: Operation, count: int, deeper: frozenset[str] = frozenset()
) -> Function | None:
    """A built-in block as a function of that many operands; None for a primitive operation.

    deeper: names of operations in it that are to be calls of their own definitions in turn.
    """
    if not operation.formula:
        return None
    names = parameters(operation, count)
    found = function(operation.name, written(operation.formula, names), names)
    body = found.body
    for node, inner in enumerate(body.operations):
        if inner is not None and inner.name in deeper:
            called = definition(inner, len(body.operands[node]), deeper)
            if called is not None:
                body.operations[node] = IDENTITY
                body.calls[node] = called
    return Function.of(operation.name, names, body)


@cache
def mirrored(operation: Operation) -> Function | None:
    """A block at -x as people write it, `1/(1 + exp(x))`; None where there is no such way."""
    if not operation.mirrored:
        return None
    return function(operation.name, operation.mirrored, operation.operands)


@cache
def spellings(operation: Operation, count: int) -> tuple[Graph, ...]:
    """The ways in which people write a block of that many operands, each as a graph."""
    names = parameters(operation, count)
    formulas = [operation.formula, *operation.spellings]
    return tuple(
        function(operation.name, written(formula, names), names).body for formula in formulas
    )
