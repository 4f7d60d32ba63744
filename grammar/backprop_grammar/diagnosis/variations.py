"""Rules of array operations as people write them wrongly: a rule with one thing in it changed.

A rule is a small program, so forgetting its transpose, exchanging its factors, or leaving out its
sum is an edit of a tape, of whatever operation it is the rule.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from ..arrays.vjp import OUT, UP, renamed
from ..language.graph import Graph
from ..operations.row import Operation
from ..operations.structural import MATMUL, TRANSPOSE
from ..operations.table import ADD, DIV, MUL, NEG, OPERATIONS, SUB

__all__ = [
    "another_axis",
    "another_factor",
    "as_elementwise",
    "averaged",
    "divisor_left_out",
    "factor_left_out",
    "from_operand",
    "only_first",
    "other_transposed",
    "plus_for_minus",
    "reversed_factors",
    "transposed",
    "untransposed",
]

SUM, MEAN = OPERATIONS["sum"], OPERATIONS["mean"]


def nodes_of(graph: Graph, *rows: Operation) -> list[int]:
    """The nodes of some operations that the result needs."""
    needed = graph.needed(graph.output)
    return [k for k, row in enumerate(graph.operations) if row in rows and needed[k]]


def with_row(graph: Graph, node: int, row: Operation, **how: Any) -> Graph:
    """The program in which a node does something else."""
    operations = list(graph.operations)
    operations[node] = row
    written = dict(graph.written)
    if how:
        written[node] = how["written"]
    elif not (row is MATMUL or row.variadic):
        written.pop(node, None)
    return replace(graph, operations=operations, written=written)


def with_operands(graph: Graph, node: int, *operands: int) -> Graph:
    """The program in which a node is computed from others, which stand before it."""
    changed = list(graph.operands)
    changed[node] = operands
    return replace(graph, operands=changed)


def bypassed(graph: Graph, node: int, instead: int) -> Graph:
    """The program in which another node, which stands before it, is used in the place of one."""
    operands = [tuple([instead if k == node else k for k in one]) for one in graph.operands]
    stages = [(name, instead if k == node else k) for name, k in graph.stages]
    return replace(graph, operands=operands, stages=stages)


def appended(graph: Graph, row: Operation, *operands: int) -> Graph:
    """The program whose result is an operation on nodes of it."""
    node = len(graph.operations)
    *before, (name, _) = graph.stages
    spans = deepcopy(graph.spans)
    spans.append(graph.spans[graph.output])
    return replace(
        graph,
        operations=[*graph.operations, row],
        operands=[*graph.operands, operands],
        regions=[*graph.regions, 0],
        spans=spans,
        written={**graph.written, node: None},
        stages=[*before, (name, node)],
    )


def untransposed(graph: Graph, own: str) -> Iterator[Graph]:
    """Without a transpose, or without any."""
    every = nodes_of(graph, TRANSPOSE)
    for node in every:
        yield bypassed(graph, node, graph.operands[node][0])
    if len(every) > 1:
        for node in every:
            graph = bypassed(graph, node, graph.operands[node][0])
        yield graph


def transposed(graph: Graph, own: str) -> Iterator[Graph]:
    """All of it transposed."""
    if graph.operations[graph.output] is not TRANSPOSE:
        yield appended(graph, TRANSPOSE, graph.output)


def reversed_factors(graph: Graph, own: str) -> Iterator[Graph]:
    """The factors of a matrix product exchanged."""
    for node in nodes_of(graph, MATMUL):
        a, b = graph.operands[node]
        yield with_operands(graph, node, b, a)


def other_transposed(graph: Graph, own: str) -> Iterator[Graph]:
    """The other factor of a matrix product transposed, with or without the one that should be."""
    node = graph.output
    if graph.operations[node] is not MATMUL:
        return
    for place, k in enumerate(graph.operands[node]):
        if graph.operations[k] is not TRANSPOSE:
            factors = list(graph.operands[node])
            changed = appended(graph, TRANSPOSE, k)
            factors[place] = changed.output
            yield appended(changed, MATMUL, *factors)
            other = factors[1 - place]
            if graph.operations[other] is TRANSPOSE:
                factors[1 - place] = graph.operands[other][0]
                yield appended(changed, MATMUL, *factors)


def as_elementwise(graph: Graph, own: str) -> Iterator[Graph]:
    """Matrix products taken element by element, with and without the transposes in them."""
    for node in nodes_of(graph, MATMUL):
        changed = with_row(graph, node, MUL)
        yield changed
        for k in graph.operands[node]:
            if graph.operations[k] is TRANSPOSE:
                changed = bypassed(changed, k, graph.operands[k][0])
                yield changed


def another_factor(graph: Graph, own: str) -> Iterator[Graph]:
    """The operand itself in the place of the other one, and with the factors exchanged."""
    others = [name for name in graph.variables if name not in (own, UP, OUT)]
    if len(others) == 1 and own not in graph.variables:
        changed = renamed(graph, {others[0]: own})
        yield changed
        yield from reversed_factors(changed, own)
        yield from untransposed(changed, own)


def factor_left_out(graph: Graph, own: str) -> Iterator[Graph]:
    """A factor forgotten, but for the upstream gradient."""
    for node in nodes_of(graph, MUL):
        for left, kept in (graph.operands[node], graph.operands[node][::-1]):
            if left != graph.variables.get(UP):
                yield bypassed(graph, node, kept)


def divisor_left_out(graph: Graph, own: str) -> Iterator[Graph]:
    """A division forgotten, and done twice."""
    for node in nodes_of(graph, DIV):
        yield bypassed(graph, node, graph.operands[node][0])
    for node in nodes_of(graph, DIV):
        if node == graph.output:
            yield appended(graph, DIV, node, graph.operands[node][1])


def only_first(graph: Graph, own: str) -> Iterator[Graph]:
    """What is subtracted left out; and that alone kept."""
    for node in nodes_of(graph, SUB):
        yield bypassed(graph, node, graph.operands[node][0])
    for node in nodes_of(graph, SUB):
        kept = with_operands(graph, node, graph.operands[node][1])
        yield with_row(kept, node, NEG)


def plus_for_minus(graph: Graph, own: str) -> Iterator[Graph]:
    """What is subtracted added; and the two exchanged."""
    for node in nodes_of(graph, SUB):
        yield with_row(graph, node, ADD)
    for node in nodes_of(graph, SUB):
        yield with_operands(graph, node, *graph.operands[node][::-1])


def another_axis(graph: Graph, own: str) -> Iterator[Graph]:
    """Sums and means along the other axis, or over everything."""
    every = [k for k in nodes_of(graph, SUM, MEAN) if len(graph.operands[k]) == 1]
    for axis in (0, 1, None):
        changed = graph
        for node in every:
            if graph.written.get(node) is not None:
                changed = with_row(changed, node, graph.operations[node], written=axis)
        if any(changed.written.get(k) != graph.written.get(k) for k in every):
            yield changed


def averaged(graph: Graph, own: str) -> Iterator[Graph]:
    """A mean for a sum, and a sum for a mean."""
    for row, other in ((SUM, MEAN), (MEAN, SUM)):
        for node in nodes_of(graph, row):
            if len(graph.operands[node]) == 1:
                yield with_row(graph, node, other, written=graph.written.get(node))


def from_operand(graph: Graph, own: str) -> Iterator[Graph]:
    """The operand in the place of the result, all over and once; and the result in its place."""
    if OUT in graph.variables and own not in graph.variables:
        yield renamed(graph, {OUT: own})
    elif own in graph.variables and OUT not in graph.variables:
        yield renamed(graph, {own: OUT})


Variation = Callable[[Graph, str], Iterator[Graph]]
"""Wrong rules for a right one; the name of the operand it is sent to."""
