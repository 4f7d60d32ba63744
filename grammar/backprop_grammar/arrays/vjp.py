"""What operations on arrays send back, as programs of this language.

A text of the array table is read by the grammar as any program is: over the operands of its row,
`out` and `up`. Whoever shows one, computes one or changes one takes it from here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import compiled
from ..operations.shape import Shape
from ..operations.structural import Structural
from ..operations.table import CONSTANT

__all__ = ["OUT", "UP", "renamed", "sent"]

OUT, UP = "out", "up"
"""What texts call the result, and the gradient that arrives."""


def sent(
    row: Structural, place: int, shapes: Sequence[Shape], written: Any, careful: bool = False
) -> Graph:
    """What is sent back to an operand, as a program over the operands' names, `out` and `up`.

    shapes: of all operands. written: at the node, beside these. careful: as it is computed.
    """
    return compiled(row.vjp(shapes, written, careful)[place])


def renamed(graph: Graph, given: Mapping[str, str | float], taken: Collection[str] = ()) -> Graph:
    """The program with other names, or numbers, for some of its variables.

    taken: names that its own stages may not have, besides these.
    """
    operations, constants = list(graph.operations), dict(graph.constants)
    names, variables = dict(graph.names), dict(graph.variables)
    for name, new in given.items():
        node = variables.pop(name, None)
        if node is None:
            continue
        if isinstance(new, str):
            names[node] = new
        else:
            del names[node]
            operations[node], constants[node] = CONSTANT, new
    variables |= {names[node]: node for name, node in graph.variables.items() if names.get(node, name) != name}  # fmt: skip
    others = {*variables, *taken}
    stages = []
    for name, node in graph.stages:
        fresh = name
        if name in others:
            fresh = next(one for k in count(1) if (one := f"{name}_{k}") not in others)
        if name:
            names[node] = fresh
        stages.append((fresh, node))
    return replace(
        graph, operations=operations, constants=constants, names=names, variables=variables, stages=stages
    )  # fmt: skip
