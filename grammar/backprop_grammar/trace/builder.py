"""A finished run to a trace: formulas, numbers and edges of the nodes that are seen.

The insight: a block is one node here, whose edges are the local gradients of all it hides.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from ..blocks.names import Names
from ..errors import BackpropError
from ..language.graph import Block, Graph
from ..language.precedence import Text, atom, number_text
from ..language.printer import expression_text, formula, program_text
from ..numbers.ball import Ball
from ..numbers.decimal import number
from ..numbers.wide import Number, Wide
from ..operations.row import Operation, Role
from ..operations.table import OPERATIONS
from ..passes.local_gradients import plain_rules
from ..passes.run import Question, Run
from ..symbolic.rule_text import block_rule, compose, rule_text
from .notes import flags, notes, overflow
from .record import Edge, Frame, Node, Note, Trace

__all__ = ["LONG_PROGRAM", "block_rule_text", "block_text", "frames", "operation_of", "trace"]

LONG_PROGRAM = 2_000
"""Characters up to which a program is printed back; longer ones are shown as they were typed."""


def trace(
    run: Run,
    question: Question,
    written: Graph,
    whole: Sequence[int],
    at: dict[str, float],
    precision: int | None,
    nodes: bool,
) -> Trace:
    """The trace of a run. nodes: whether it lists them.

    written: the graph as it was typed. whole: nodes that were not expanded, at a kink.
    """
    with run.arithmetic.context():
        found = Builder(run, question.names, precision).build(written, question, at, nodes)
        if not whole:
            return found
        notes = [stays_whole(run.graph, question.names, node) for node in whole]
        return found._replace(notes=(*found.notes, *notes))


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
        return self.run.gradients.get(node) or (zero, zero)

    def build(self, written: Graph, question: Question, at: dict[str, float], nodes: bool) -> Trace:
        run, graph, names = self.run, self.graph, self.names
        labels, sources = question.labels, question.sources
        output = run.forward.values[run.output]
        if output is None:
            raise not_evaluated(graph, run.output)
        value = self.number(output, inner=False)
        if isinstance(value, Wide) and value.nearest is None:
            raise overflow(run)
        requested = {run.output, *sources}
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
            formula=program_text(written) if len(text) <= LONG_PROGRAM else text,
            at={name: at[name] + 0.0 for name in graph.variables if name in at},
            output=names.name(run.output),
            value=value,
            upstream=run.upstream,
            gradients=gradients,
            nodes=tuple(shown),
            notes=tuple(notes(run, names, value, gradients, shown)),
            flags=tuple(flags(run, names, labels, sources, gradients)),
            frames=frames(graph, names, {node.name for node in shown}) if nodes else (),
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
                name, "block", operation_of(block) or name, block_text(graph, node, operands),
                tuple(o for o, k in zip(operands, block.operands, strict=True) if run.needed[k]),
                value, gradient, Role.SCALES.noun, Role.SCALES.verb,
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

    def edge(
        self, upstream: Number, operand: int, rule: str, local: Ball | None, sent: Ball | None
    ) -> Edge:
        name = self.names.text(operand).text
        if local is None or sent is None:
            return Edge(name, rule, upstream, 0.0, 0.0, routed=False)
        return Edge(name, rule, upstream, self.number(local), self.number(sent))

    def edges(self, node: int) -> list[Edge]:
        run, graph = self.run, self.graph
        operation = graph.operations[node]
        assert operation is not None
        upstream = self.number(self.gradient(node))
        found = run.sent(node)
        if node in graph.condition_of:  # the condition passes nothing on
            return [
                self.edge(upstream, operand, "0" if local is None else "1", local, sent)
                for k, operand, local, sent in found
                if k >= 2
            ]
        return [
            self.edge(upstream, operand, self.rule(operation, node, k, local), local, sent)
            for k, operand, local, sent in found
        ]

    def rule(self, operation: Operation, node: int, k: int, local: Ball | None) -> str:
        """The local gradient of an operation as a formula."""
        operands, names = self.graph.operands[node], self.names
        if operation.name in ("max", "min"):
            rule = "0" if local is None else f"1/{round(float(1 / local[0]))}"
            return "1" if rule == "1/1" else rule
        if operation.smooth and not operation.careful:
            plain = plain_rules(operation)[k]
            if isinstance(plain, float):
                return number_text(plain)
            if plain is not None:
                return names.text(node if plain < 0 else operands[plain]).text
        values = [self.run.forward.values[i][0] for i in operands]  # type: ignore[index]
        texts = [names.text(i) for i in operands]
        shown = () if operation.variadic else values
        return rule_text(operation, k, texts, names.text(node), shown).text

    def block_edges(self, node: int) -> list[Edge]:
        run = self.run
        result = []
        gradient = self.gradient(node)
        upstream = self.number(gradient)
        for k, operand in enumerate(self.graph.blocks[node].operands):
            if (node, k) in run.blocks and run.needed[operand]:
                local = run.blocks[node, k]
                sent = None if local is None else run.arithmetic.times(gradient, local)
                rule = self.block_rule(node, k, local)
                result.append(self.edge(upstream, operand, rule, local, sent))
        return result

    def block_rule(self, node: int, k: int, local: Ball | None) -> str:
        """The local gradient of a block as a formula, which agrees with its number."""
        block = self.graph.blocks[node]
        row = row_of(block)
        balls = [self.run.forward.values[i] for i in block.operands]
        values = [ball[0] for ball in balls if ball] if row else ()
        rule = block_rule_text(self.names, node, k, values)
        own = local[0] if local else 0
        if row and row.kinks and rule.number is not None and rule.number != own:
            return atom(float(own)).text  # at a kink its parts decide
        return rule.text


def block_rule_text(names: Names, node: int, k: int, values: Sequence[Any] = ()) -> Text:
    """The local gradient of a block as a formula; where it has no short one, `dq/dx`.

    k: the first place of an operand, which may be given twice. values: of the block's operands,
    where they are known.
    """
    block = names.graph.blocks[node]
    texts = [names.text(operand) for operand in block.operands]
    places = [i for i, operand in enumerate(block.operands) if operand == block.operands[k]]
    row, function = row_of(block), block.function
    found: list[Text | None] = []
    for i in places:
        if row is not None and block.mirrored:
            minus = OPERATIONS["neg"]
            negative = [compose(minus, [text]) for text in texts]
            found.append(compose(minus, [rule_text(row, i, negative, names.text(node))]))
        elif row is not None:
            out = names.text(node)
            found.append(rule_text(row, i, texts, out, () if row.variadic else values))
        elif function is not None:
            leaves = dict(zip(function.parameters, texts, strict=True))
            found.append(
                block_rule(function.body, function.parameters[i], leaves, names.text(node))
            )
    rules = [text for text in found if text is not None]
    if not rules or len(rules) < len(places):
        return Text(f"d{names.of[node]}/d{texts[k].text}")
    return reduce(lambda a, b: compose(OPERATIONS["add"], [a, b]), rules)


def operation_of(block: Block) -> str:
    """What a block does, such as `sigmoid`, or `sigmoid(-x)`."""
    return f"{block.name}(-x)" if block.mirrored else block.name


def row_of(block: Block) -> Operation | None:
    """The row of a built-in that the program spells out, if a block is one."""
    return None if block.stage else OPERATIONS.get(block.name)


def block_text(graph: Graph, node: int, operands: Sequence[str]) -> str:
    """A block over its operands; a folded stage as its expression, where that is short."""
    block = graph.blocks[node]
    sign = "-" * block.mirrored
    call = f"{block.name or '...'}({', '.join(sign + operand for operand in operands)})"
    if not block.stage:
        return call
    text = expression_text(graph, node, longest=60).text
    return text if text != "..." else call


def frames(graph: Graph, names: Names, shown: set[str]) -> tuple[Frame, ...]:
    """The open blocks that are seen, outer ones first."""
    found = []
    for node, block in sorted(graph.blocks.items(), key=lambda one: (one[1].first, -one[0])):
        seen = all(k in names.of for k in block.operands)  # a fold may cross the frame's border
        if block.open and seen and names.of.get(node) in shown:
            inside = [names.of[k] for k in range(block.first, node + 1)
                      if k in names.of and k not in graph.constants and names.of[k] in shown]  # fmt: skip
            call = f"{block.name}({', '.join(names.text(k).text for k in block.operands)})"
            found.append(Frame(call, names.of[node], tuple(inside)))
    return tuple(found)


def stays_whole(graph: Graph, names: Names, node: int) -> Note:
    operation = graph.operations[node]
    name = names.near(node)
    what = operation.name if operation else "the block"
    return Note("kink", name, f"{what} is not expanded at its kink ({name}), where its parts would share the gradient in another way")  # fmt: skip


def not_evaluated(graph: Graph, node: int) -> BackpropError:
    return BackpropError(
        "domain", "the output stands in a branch that is not selected here", graph.spans[node],
        hint="choose another --output", source=graph.source,
    )  # fmt: skip
