"""What the built-in blocks are made of.

A row's formula is a program, so a built-in that is to be shown as its parts is a function like one
that the user defined.
"""

import re
from dataclasses import replace
from functools import cache

from ..language.graph import Function, Graph
from ..language.table_texts import compiled
from ..operations.row import Operation
from ..operations.table import IDENTITY, OPERATIONS

__all__ = [
    "defined",
    "definition",
    "function",
    "mirrored",
    "over",
    "parameters",
    "spellings",
    "written_out",
]


def defined() -> list[Operation]:
    """The operations that have a definition in simpler ones: the built-in blocks."""
    return [row for row in OPERATIONS.values() if row.formula]


def parameters(operation: Operation, count: int) -> tuple[str, ...]:
    """Names for so many operands of an operation, as its texts use them (see ``over``)."""
    if operation.variadic:
        return tuple(f"x{k + 1}" for k in range(count))
    return operation.operands


TERM = r"\w*\([^()]*\bx\b[^()]*\)|[\w*/^.]*\bx\b[\w*/^.]*"
LISTED = re.compile(rf"({TERM})( \+ |, )\S.*?\2\.\.\.")
"""A term over x, the same over another operand, and so on: `exp(x) + exp(y) + ...`."""


def over(text: str, names: tuple[str, ...]) -> str:
    """A text of any number of operands, such as `(x + y + ...)/n`, for these."""

    def terms(listed: re.Match[str]) -> str:
        return listed[2].join(re.sub(r"\bx\b", name, listed[1]) for name in names)

    if "..." not in text:
        return text
    return re.sub(r"\bn\b", str(len(names)), LISTED.sub(terms, text))


def function(row: Operation | None, text: str, names: tuple[str, ...]) -> Function:
    """The function of those names that a text over them is, with a body of its own; row: whose
    text it is.
    """
    inputs = "".join(f"{operand} = 0; " for operand in names)
    graph = compiled(inputs + text)  # begins with the parameters, as a body does
    body = replace(graph, inputs={}, operations=[*graph.operations], calls=dict(graph.calls))
    return Function.of(row.name if row else "", names, body, row)


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
    body = function(operation, over(operation.formula, names), names).body
    for node, inner in enumerate(body.operations):
        if inner.name in deeper:
            called = definition(inner, len(body.operands[node]), deeper)
            if called is not None:
                body.operations[node] = IDENTITY
                body.calls[node] = called
    return Function.of(operation.name, names, body, operation)


@cache
def written_out(operation: Operation, count: int) -> Function | None:
    """An operation by others, wherever its row says how: by its definition, else by a text that
    computes it. None where it says nothing.
    """
    text = operation.formula or operation.computed or operation.columns
    names = parameters(operation, count)
    return function(operation, over(text, names), names) if text else None


@cache
def mirrored(operation: Operation) -> Function | None:
    """A block at -x as people write it, `1/(1 + exp(x))`; None where there is no such way."""
    if not operation.mirrored:
        return None
    return function(operation, operation.mirrored, operation.operands)


@cache
def spellings(operation: Operation, count: int) -> tuple[Graph, ...]:
    """The ways in which people write a block of that many operands, each as a graph."""
    names = parameters(operation, count)
    return tuple(
        function(operation, over(text, names), names).body
        for text in (operation.formula, *operation.spellings)
    )
