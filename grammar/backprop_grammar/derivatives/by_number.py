"""A program over arrays as one over numbers that has names for them: W_0_1 is what was W[0,1]."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ..arrays.elements import by_element
from ..arrays.lower import owner
from ..arrays.shapes import Values, selects
from ..language.graph import Graph
from ..operations.table import CONSTANTS, FUNCTIONS

__all__ = ["ByNumber", "by_number"]


class ByNumber(NamedTuple):
    """A program over numbers, its point, and what is differentiated by."""

    graph: Graph
    at: dict[str, float]
    wrt: list[str]


def by_number(program: Graph, at: Values, wrt: Sequence[str] = (), output: str = "") -> ByNumber:
    """The program over numbers that a program over arrays means at a point of these shapes.

    wrt: names of nodes and elements; those of the inputs that select nothing when empty. Raises
    BackpropError as by_element does.
    """
    given = list(wrt) or [name for name in program.variables if name in at]
    parts = by_element(program, at, given, output)
    for name in wrt:
        if owner(name) in parts.whole:
            raise selects(name)
    asked = [name for name in given if owner(name) not in parts.whole]
    labels = parts.labels(asked)
    graph = parts.graph
    own = {*program.names.values()}
    taken = {*own, *FUNCTIONS, *CONSTANTS}
    called: dict[str, str] = {}
    kept: dict[int, str] = {}
    for node, name in graph.names.items():
        if name not in called:
            if owner(name) not in own and name not in labels:
                continue
            plain = name.replace("[", "_").replace(",", "_").replace("]", "")
            while plain in taken and plain != name:
                plain += "_"
            taken.add(plain)
            called[name] = plain
        kept[node] = called[name]
    stages = [(called[name], node) for name, node in graph.stages if name in called]
    end = next(node for node, name in graph.names.items() if name == parts.end)
    if not stages or stages[-1][1] != end:
        stages = [one for one in stages if one[1] != end] + [(kept.get(end, ""), end)]
    variables = {called[name]: node for name, node in graph.variables.items() if name in called}
    plain_graph = replace(graph, names=kept, stages=stages, variables=variables)
    point = {called[name]: x for name, x in parts.at.items() if name in called}
    return ByNumber(plain_graph, point, [called[label] for label in labels])
