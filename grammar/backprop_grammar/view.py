"""A finished run to a trace: formulas, numbers and edges of the nodes that are seen.

The insight: a block is one node here, whose edges are the local gradients of all it hides.
"""

from collections.abc import Sequence

from .arithmetic import Ball
from .errors import BackpropError
from .evaluate import Run
from .graph import Graph
from .names import Names
from .notation import block_rule, expression_text, formula, program_text, rule_text
from .numbers import number
from .operations import Role
from .remarks import flags, notes, overflow
from .text import Text
from .trace import Edge, Node, Number, Trace, Wide

__all__ = ["trace"]

LONG_PROGRAM = 2_000
"""Characters up to which a program is printed back; longer ones are shown as they were typed."""


def trace(
    run: Run,
    names: Names,
    at: dict[str, float],
    wrt: Sequence[str],
    sources: Sequence[int],
    precision: int | None,
    nodes: bool,
) -> Trace:
    """The trace of a run; nodes: whether it lists them."""
    with run.arithmetic.context():
        return Builder(run, names, precision).build(at, wrt, sources, nodes)


class Builder:
    """Turns the nodes of a run into the nodes of a trace."""

    def __init__(self, run: Run, names: Names, precision: int | None) -> None:
        self.run = run
        self.graph = run.graph
        self.names = names
        self.precision = precision

    def number(self, ball: Ball, inner: bool = True) -> Number:
        return number(self.run.arithmetic, ball, self.precision, inner)

    def gradient(self, node: int) -> Ball:
        zero = self.run.arithmetic.number(0.0)
        return self.run.gradients.get(node, (zero, zero))

    def build(
        self, at: dict[str, float], wrt: Sequence[str], sources: Sequence[int], nodes: bool
    ) -> Trace:
        run, graph, names = self.run, self.graph, self.names
        output = run.forward.values[run.output]
        if output is None:
            raise not_evaluated(graph, run.output)
        value = self.number(output, inner=False)
        if isinstance(value, Wide) and value.nearest is None:
            raise overflow(run)
        requested = {run.output, *sources}
        labels = list(wrt) or list(graph.variables)
        gradients = {
            label: self.number(self.gradient(node), inner=False)
            for label, node in zip(labels, sources, strict=True)
        }
        shown: list[Node] = []
        constants: set[str] = set()
        for node, name in names.of.items() if nodes else ():
            ball = run.forward.values[node]
            if ball is None or not (run.needed[node] or (node in graph.names and name in at)):
                continue
            if node in graph.constants:
                if name in constants:
                    continue
                constants.add(name)
            shown.append(self.node(node, name, ball, node in requested))
        text = graph.source.text
        return Trace(
            program=text,
            formula=program_text(graph) if len(text) <= LONG_PROGRAM else text,
            at={name: at[name] + 0.0 for name in graph.variables if name in at},
            output=names.of[run.output],
            value=value,
            upstream=run.upstream,
            gradients=gradients,
            nodes=tuple(shown),
            notes=tuple(notes(run, names, value, gradients, shown)),
            flags=tuple(flags(run, names, labels, sources, gradients)),
            precision=self.precision,
            last=run.output == graph.output,
        )

    def node(self, node: int, name: str, ball: Ball, requested: bool) -> Node:
        run, graph = self.run, self.graph
        operation = graph.operations[node]
        wanted = run.wanted[node]
        value = self.number(ball, inner=not requested)
        gradient = self.number(self.gradient(node), inner=not requested) if wanted else None
        named = node in graph.names
        if operation is None:
            kind = "constant" if node in graph.constants else "variable"
            return Node(name, kind, "", name, (), value, gradient, named=named, span=graph.spans[node])  # fmt: skip
        block = self.names.blocks.get(node)
        if block is not None:
            operands = tuple(self.names.text(k).text for k in block.operands)
            return Node(
                name, "block", block.function, f"{block.function}({', '.join(operands)})",
                operands, value, gradient, Role.SCALES.noun, Role.SCALES.verb,
                tuple(self.block_edges(node)), named, graph.spans[node],
            )  # fmt: skip
        operands = tuple(
            self.names.text(k).text for k in graph.operands[node] if run.forward.values[k]
        )
        return Node(
            name, "operation", operation.name, formula(graph, node, self.operand_text).text,
            operands, value, gradient, operation.role.noun, operation.role.verb,
            tuple(self.edges(node)), named, graph.spans[node],
        )  # fmt: skip

    def operand_text(self, node: int) -> Text:
        """An operand's name; what an `if` leaves unevaluated has no node, so it is written out."""
        if self.run.forward.values[node] is not None:
            return self.names.text(node)
        return expression_text(self.graph, node, longest=24)

    def edge(self, node: int, operand: int, rule: str, local: Ball | None) -> Edge:
        upstream = self.gradient(node)
        name = self.names.text(operand).text
        if local is None:
            return Edge(name, rule, self.number(upstream), 0.0, 0.0, routed=False)
        contribution = self.run.arithmetic.times(upstream, local)
        return Edge(
            name, rule, self.number(upstream), self.number(local), self.number(contribution)
        )

    def edges(self, node: int) -> list[Edge]:
        run, graph = self.run, self.graph
        operation = graph.operations[node]
        assert operation is not None
        result = []
        for k, operand, local, _ in run.edges.get(node, ()):
            if node in graph.condition_of:
                if k < 2:
                    continue  # the condition passes nothing on
                rule = "0" if local is None else "1"
            elif operation.name in ("max", "min"):
                rule = "0" if local is None else f"1/{round(float(1 / local[0]))}"
                rule = "1" if rule == "1/1" else rule
            else:
                values = [run.forward.values[i][0] for i in graph.operands[node]]  # type: ignore[index]
                texts = [self.names.text(i) for i in graph.operands[node]]
                rule = rule_text(operation, k, texts, self.names.text(node),
                                 () if operation.variadic else values).text  # fmt: skip
            result.append(self.edge(node, operand, rule, local))
        return result

    def block_edges(self, node: int) -> list[Edge]:
        run, graph = self.run, self.graph
        block = graph.blocks[node]
        function = graph.functions[block.function]
        leaves = {
            parameter: self.names.text(operand)
            for parameter, operand in zip(function.parameters, block.operands, strict=True)
        }
        result = []
        for k, operand in enumerate(block.operands):
            if (node, k) not in run.blocks:
                continue
            derived = block_rule(function.body, function.parameters[k], leaves)
            rule = derived.text if derived else f"d{self.names.of[node]}/d{leaves[function.parameters[k]].text}"  # fmt: skip
            result.append(self.edge(node, operand, rule, run.blocks[node, k]))
        return result


def not_evaluated(graph: Graph, node: int) -> BackpropError:
    return BackpropError(
        "domain", "the output stands in a branch that is not selected here", graph.spans[node],
        hint="choose another --output", source=graph.source,
    )  # fmt: skip
