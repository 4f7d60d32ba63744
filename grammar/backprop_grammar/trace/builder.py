"""A finished run to a trace: numbers, rules and edges of the nodes that are seen.

A block is one node here, whose edges are the local gradients of all it hides.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from ..blocks.names import Names
from ..language.graph import Block, Graph
from ..numbers.ball import Ball
from ..numbers.decimal import number
from ..numbers.wide import Number, Wide
from ..operations.row import Operation
from ..passes.local_gradients import PLAIN_RULES
from ..passes.run import Run, Target
from ..symbolic.rules import Rule, Rules
from .notes import flags, notes, overflow
from .record import Edge, Frame, Node, Note, Trace

__all__ = ["constants_once", "frames", "trace"]


def trace(
    run: Run,
    target: Target,
    program: Graph,
    whole: Sequence[int],
    at: dict[str, float],
    precision: int | None,
    nodes: bool,
    finite: bool = True,
    parts: Set[int] = frozenset(),
    edged: Set[int] | None = None,
) -> Trace:
    """The trace of a run. nodes: whether it lists them, but for some parts. finite: whether an output that no float
    holds is refused. parts, edged: see ``evaluate``.

    program: as it was typed. whole: nodes that were not expanded, at a kink.
    """
    with run.arithmetic.context():
        built = Builder(run, target.names, precision, edged).build(
            program, target, at, nodes, parts
        )
        value = built.value
        if finite and isinstance(value, Wide) and value.nearest is None:
            raise overflow(run)
        if not whole:
            return built
        more = [stays_whole(run.graph, target.names, node) for node in whole]
        return replace(built, notes=(*built.notes, *more))


class Builder:
    """Turns the nodes of a run into the nodes of a trace."""

    def __init__(
        self, run: Run, names: Names, precision: int | None, edged: Set[int] | None = None
    ) -> None:
        self.run = run
        self.graph = run.graph
        self.names = names
        self.precision = precision
        self.rules = Rules(run.graph, names)
        self.first: dict[int, int] = {}
        self.edged = edged

    def number(self, ball: Ball, inner: bool = True) -> Number:
        return number(ball, self.precision, inner)

    def gradient(self, node: int) -> Ball:
        zero = self.run.arithmetic.number(0.0)
        return self.run.gradients.get(node) or (zero, zero)

    def build(
        self,
        program: Graph,
        target: Target,
        at: dict[str, float],
        nodes: bool,
        parts: Set[int],
    ) -> Trace:
        run, graph, names = self.run, self.graph, self.names
        labels, sources = target.labels, target.sources
        output = run.values[run.output]
        assert output is not None
        value = self.number(output, inner=False)
        requested = {run.output, *sources}
        gradients = {
            label: self.number(self.gradient(node), inner=False)
            for label, node in zip(labels, sources, strict=True)
        }
        found_flags = flags(run, names, labels, sources, gradients)
        sided: list[Note] = []
        ruled = gradients
        if run.kinks or run.jumps or found_flags:
            from .singular import decided, remarks  # only where a rule is a choice, or none

            verdicts = decided(run, at, labels, sources, gradients, self.precision)
            sided, found_flags = remarks(run, names, verdicts, found_flags)
            decisions = {label: one.result(ruled[label]) for label, one in verdicts.items()}
            gradients = ruled | decisions
        evaluated = {
            node: ball
            for node, name in (names.of.items() if nodes else ())
            if node not in parts
            and (run.needed[node] or (node in graph.names and name in at))
            and (ball := run.values[node]) is not None
        }
        self.first = constants_once(graph, evaluated)
        shown = [
            self.node(node, names.of[node], ball, node in requested)
            for node, ball in evaluated.items()
            if self.once(node) == node
        ]
        trace = Trace(
            program=program,
            tape=graph,
            names=names,
            at={name: at[name] for name in graph.variables if name in at},
            output=run.output,
            value=value,
            upstream=run.upstream,
            gradients=gradients,
            nodes=tuple(shown),
            flags=tuple(found_flags),
            frames=frames(graph, names, {node.index for node in shown}) if nodes else (),
            precision=self.precision,
            values={
                label: self.number(ball, inner=False)
                for label, node in zip(labels, sources, strict=True)
                if label not in at and (ball := run.values[node]) is not None
            },
            decided=frozenset(
                node
                for label, node in zip(labels, sources, strict=True)
                if gradients[label] != ruled[label]
            ),
        )
        return replace(trace, notes=(*notes(run, trace, self.edged is not None), *sided))

    def node(self, node: int, name: str, ball: Ball, requested: bool) -> Node:
        run, graph = self.run, self.graph
        row = graph.operations[node]
        value = self.number(ball, inner=not requested)
        gradient = None
        if run.wanted[node]:
            gradient = self.number(self.gradient(node), inner=not requested)
        named = node in graph.names
        if row.leaf:
            return Node(node, name, row.name, row, (), value, gradient, named=named)
        listed = self.edged is None or node in self.edged
        block = self.names.blocks.get(node)
        if block is not None:
            operands = tuple([self.once(k) for k in block.operands if run.needed[k]])
            edges = tuple(self.block_edges(node, block)) if listed else ()
            return Node(node, name, "block", block.row, operands, value, gradient, edges, block, named)  # fmt: skip
        operands = tuple([self.once(k) for k in graph.operands[node] if run.values[k] is not None])
        edges = tuple(self.edges(node, row)) if listed else ()
        return Node(node, name, "operation", row, operands, value, gradient, edges, named=named)

    def once(self, node: int) -> int:
        """The place of a node; of equal constants, that of the first."""
        return self.first.get(node, node)

    def edge(
        self, place: int, operand: int, rule: Rule | None, local: Ball | None, sent: Ball | None
    ) -> Edge:
        operand = self.once(operand)
        if local is None or sent is None:
            return Edge(place, operand, rule, 0.0, 0.0, routed=False)
        return Edge(place, operand, rule, self.number(local), self.number(sent))

    def edges(self, node: int, row: Operation) -> Iterator[Edge]:
        choice = node in self.graph.condition_of  # whose condition passes nothing on
        for place, operand, local, sent in self.run.sent(node):
            if choice and place < 2:
                continue
            rule = None
            if choice and self.edged is None:
                rule = self.rules.constant(0.0 if local is None else 1.0)
            elif self.edged is None:
                rule = self.rule(row, node, place, local)
            yield self.edge(place, operand, rule, local, sent)

    def rule(self, row: Operation, node: int, place: int, local: Ball | None) -> Rule:
        """The local gradient of an operation as a formula."""
        operands = self.graph.operands[node]
        if row.selects:
            if local is None:
                return self.rules.constant(0.0)
            return self.rules.share(round(float(1 / local[0])))
        if row.smooth and not row.careful:
            plain = PLAIN_RULES[row][place][1]
            if isinstance(plain, float):
                return self.rules.constant(plain)
            if plain is not None:
                return self.rules.leaf(node if plain < 0 else operands[plain])
        balls = [] if row.variadic else [self.run.values[i] for i in (*operands, node)]
        values = [ball[0] for ball in balls if ball]
        return self.rules.operation(row, place, node, values)

    def block_edges(self, node: int, block: Block) -> Iterator[Edge]:
        run = self.run
        gradient = self.gradient(node)
        for place, operand in enumerate(block.operands):
            if (node, place) in run.blocks and run.needed[operand]:
                local = run.blocks[node, place]
                sent = None if local is None else run.arithmetic.times(gradient, local)
                rule = self.block_rule(node, block, place, local) if self.edged is None else None
                yield self.edge(place, operand, rule, local, sent)

    def block_rule(self, node: int, block: Block, place: int, local: Ball | None) -> Rule | None:
        """The local gradient of a block as a formula, which agrees with its number."""
        row = block.row
        used = (*block.operands, node) if row and not row.variadic else ()
        values = [ball[0] for i in used if (ball := self.run.values[i])]
        rule = self.rules.block(node, place, row, values)
        own = local[0] if local else 0
        if row and row.kinks and rule is not None and rule.number not in (None, own):
            return self.rules.constant(float(own))  # at a kink its parts decide
        return rule


def constants_once(graph: Graph, nodes: Iterable[int]) -> dict[int, int]:
    """For each constant among some nodes, the first that is written like it.

    Equal constants are shown as one node.
    """
    first: dict[float | str, int] = {}
    return {
        node: first.setdefault(graph.constants[node], node)
        for node in nodes
        if node in graph.constants
    }


def frames(graph: Graph, names: Names, shown: Set[int]) -> tuple[Frame, ...]:
    """The open blocks that are seen, outer ones first; shown: the nodes that are seen."""
    opened = [(node, block) for node, block in graph.blocks.items() if block.open]
    return tuple(
        Frame(
            node,
            tuple(
                [k for k in range(block.first, node + 1) if k in shown and k not in graph.constants]
            ),
        )
        for node, block in sorted(opened, key=lambda one: (one[1].first, -one[0]))
        # a fold may cross the frame's border
        if node in shown and all(k in names.of for k in block.operands)
    )


def stays_whole(graph: Graph, names: Names, node: int) -> Note:
    operation = graph.operations[node]
    name = names.near(node)
    what = "the block" if operation.leaf else operation.name
    return Note("kink", name, f"{what} is not expanded at its kink ({name}), where its parts would share the gradient in another way")  # fmt: skip
