"""A program without a point: its graph and the local gradients as formulas.

It is a trace whose numbers are not evaluated, so every view of a trace shows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..language.graph import Graph
from ..numbers.wide import UNEVALUATED
from ..passes.run import Target
from ..symbolic.rules import Rule, Rules
from .builder import constants_once, frames
from .record import Edge, Node, Trace

__all__ = ["completed", "outline", "outline_of"]


def outline(
    graph: Graph,
    *,
    wrt: Sequence[str] = (),
    output: str = "",
    expand: Sequence[str] = (),
    fold: Sequence[str] = (),
) -> Trace:
    """The trace of a program without a point; its arguments are those of ``evaluate``.

    Every number is UNEVALUATED, both branches of an `if` are there, and there are no notes.
    Raises BackpropError for an unknown name.
    """
    program = graph
    if expand or fold:
        from ..blocks.grouping import shaped  # which a plain outline need not load

        graph, _ = shaped(graph, expand, fold, [*wrt, output], lambda _: set())
    return outlines(program, Target(graph, wrt, output))


def outline_of(trace: Trace) -> Trace:
    """The outline of what a trace is of: the same nodes and names."""
    output = "" if trace.last else trace.output_name
    return outlines(trace.program, Target(trace.tape, tuple(trace.gradients), output))


def completed(trace: Trace, whole: Trace) -> Trace:
    """A trace with the nodes and edges of its outline that its point leaves out, not routed.

    They have no numbers, but for the edge of an `if` to the branch that is not taken: it sends 0.
    """
    nodes = []
    for _, node in sorted((trace.by_index | whole.by_index).items()):
        found = trace.by_index.get(node.index, node)
        own = {edge.place: edge for edge in found.edges if found.value is not UNEVALUATED}
        none = 0.0 if own else UNEVALUATED
        edges = [
            own.get(edge.place, edge._replace(local=none, contribution=none, routed=False))
            for edge in node.edges
        ]
        gradient = node.gradient if found.gradient is None else found.gradient
        nodes.append(found._replace(operands=node.operands, gradient=gradient, edges=tuple(edges)))
    return replace(trace, nodes=tuple(nodes))


def outlines(program: Graph, target: Target) -> Trace:
    """The outline of a target."""
    graph = target.graph
    needed = [node for node in target.names.of if target.needed[node]]
    first = constants_once(graph, needed)
    rules = Rules(graph, target.names)
    shown = [outlined(target, rules, first, k) for k in needed if first.get(k, k) == k]
    return Trace(
        program=program,
        tape=graph,
        names=target.names,
        at={},
        output=target.output,
        value=UNEVALUATED,
        upstream=1.0,
        gradients=dict.fromkeys(target.labels, UNEVALUATED),
        nodes=tuple(shown),
        frames=frames(graph, target.names, {node.index for node in shown}),
    )


def outlined(target: Target, rules: Rules, first: dict[int, int], node: int) -> Node:
    """One node without its numbers."""
    graph, name = target.graph, target.names.of[node]
    gradient = UNEVALUATED if target.wanted[node] else None
    named, row = node in graph.names, graph.operations[node]
    if row.leaf:
        return Node(node, name, row.name, row, (), UNEVALUATED, gradient, named=named)
    block = target.names.blocks.get(node)
    sources = block.operands if block else graph.operands[node]
    operands = tuple([first.get(k, k) for k in sources if target.needed[k]])
    edges = tuple(outgoing(target, rules, first, node, sources))
    if block:
        return Node(node, name, "block", block.row, operands, UNEVALUATED, gradient, edges, block, named)  # fmt: skip
    return Node(node, name, "operation", row, operands, UNEVALUATED, gradient, edges, named=named)


def outgoing(
    target: Target, rules: Rules, first: dict[int, int], node: int, sources: Sequence[int]
) -> Iterator[Edge]:
    """The edges of a node without their numbers."""
    graph, block = target.graph, node in target.names.blocks
    seen: set[int] = set()
    for place, operand in enumerate(sources):
        if not (target.wanted[node] and target.wanted[operand] and target.needed[operand]):
            continue
        tested = not block and node in graph.condition_of and place < 2
        if tested or (block and operand in seen):
            continue
        seen.add(operand)
        rule = rule_of(graph, rules, node, place, block)
        yield Edge(place, first.get(operand, operand), rule, UNEVALUATED, UNEVALUATED)


def rule_of(graph: Graph, rules: Rules, node: int, place: int, block: bool) -> Rule | None:
    """The local gradient of a node for an operand; None where only a point decides."""
    if block:
        return rules.block(node, place, graph.blocks[node].row)
    row = graph.operations[node]
    if row.chooses:
        return None
    return rules.operation(row, place, node)
