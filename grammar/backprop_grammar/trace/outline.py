"""A program without a point: its graph and the local gradients as formulas.

The insight: it is a trace whose numbers are not evaluated, so every view of a trace shows it.
"""

from collections.abc import Sequence

from ..language.graph import Graph
from ..language.printer import formula, program_text
from ..numbers.wide import UNEVALUATED
from ..operations.row import Role
from ..passes.run import Question
from ..symbolic.rule_text import rule_text
from .builder import LONG_PROGRAM, block_rule_text, block_text, frames, operation_of
from .record import Edge, Node, Trace

__all__ = ["structure"]


def structure(
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
    written = graph
    if expand or fold:
        from ..blocks.grouping import shaped  # which a plain outline need not load

        graph, _ = shaped(graph, expand, fold, [*wrt, output], lambda _: set())
    question = Question(graph, wrt, output)
    shown: dict[str, Node] = {}
    for node, name in question.names.of.items():
        if question.needed[node]:
            shown.setdefault(name, outlined(question, node, name))
    text = written.source.text
    return Trace(
        program=text,
        formula=program_text(written) if len(text) <= LONG_PROGRAM else text,
        at={},
        output=question.names.of[question.output],
        value=UNEVALUATED,
        upstream=1.0,
        gradients=dict.fromkeys(question.labels, UNEVALUATED),
        nodes=tuple(shown.values()),
        frames=frames(graph, question.names, set(shown)),
        last=question.output == graph.output,
    )


def outlined(question: Question, node: int, name: str) -> Node:
    """One node without its numbers."""
    graph, names = question.graph, question.names
    gradient = UNEVALUATED if question.wanted[node] else None
    named, span = node in graph.names, graph.spans[node]
    operation = graph.operations[node]
    if operation is None:
        kind = "constant" if node in graph.constants else "variable"
        return Node(name, kind, "", name, (), UNEVALUATED, gradient, named=named, span=span)
    block = names.blocks.get(node)
    sources = block.operands if block else graph.operands[node]
    operands = tuple(names.text(k).text for k in sources)
    needed = tuple(o for o, k in zip(operands, sources, strict=True) if question.needed[k])
    edges = tuple(
        Edge(operand, rule(question, node, k), UNEVALUATED, UNEVALUATED, UNEVALUATED)
        for k, (source, operand) in enumerate(zip(sources, operands, strict=True))
        if not (block and source in sources[:k])
        and question.wanted[source]
        and question.needed[source]
        and not (node in graph.condition_of and k < 2)
    )
    role = Role.SCALES if block else operation.role
    if block:
        kind, what, written = (
            "block",
            operation_of(block) or name,
            block_text(graph, node, operands),
        )
    else:
        kind, what, written = "operation", operation.name, formula(graph, node, names.text).text
    return Node(
        name, kind, what, written, needed, UNEVALUATED, gradient, role.noun, role.verb, edges,
        named, span,
    )  # fmt: skip


def rule(question: Question, node: int, k: int) -> str:
    """The local gradient of a node for its operand k."""
    graph, names = question.graph, question.names
    if node in names.blocks:
        return block_rule_text(names, node, k).text
    operation = graph.operations[node]
    assert operation is not None
    if operation.name in ("max", "min", "if"):
        return "1 or 0"
    texts = [names.text(i) for i in graph.operands[node]]
    return rule_text(operation, k, texts, names.text(node)).text
