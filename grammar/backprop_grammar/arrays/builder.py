"""What an engine found of a program over arrays as a trace: nodes, edges with their texts, notes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from ..errors import few
from ..language.graph import Block
from ..language.precedence import POWER, SUM, Text, array_shape, write
from ..language.printer import expression_text, formula, program_text
from ..language.table_texts import compiled
from ..operations.row import Operation, Role
from ..operations.shape import Shape, size
from ..operations.structural import Structural
from ..operations.table import CONSTANTS, IF, MUL
from ..symbolic.rules import Rule, Rules
from ..trace.builder import constants_once, frames, stays_whole
from ..trace.index import LONGEST_STAGE
from ..trace.record import Flag, Note
from .lower import reachable_from
from .question import Question
from .readings import readings
from .record import ArrayEdge, ArrayFrame, ArrayNode, ArrayTrace, Tensor
from .vjp import OUT, renamed, sent

__all__ = ["Builder", "Results", "built"]

T = TypeVar("T", bound=ArrayTrace)


class Results(Protocol):
    """What an engine found: the numbers at the nodes, and what is to be said of them."""

    @property
    def remarks(self) -> Sequence[Note]:
        """Notes that come after all others."""

    def slopes(self, name: str) -> Tensor:
        """The gradient by a node or an element that is differentiated by."""

    def known(self, name: str) -> Tensor | None:
        """The value of such a one, where it was asked for."""

    def result(self, end: int) -> Tensor:
        """The value of an output."""

    def notes(self, formula: Callable[[int], str]) -> Iterable[Note]:
        """Notes on the numbers. formula: of a node, over the names of its operands."""

    def flags(self) -> Iterable[Flag]:
        """Flags of the numbers that do not exist, or that no float holds."""

    def kinks(self) -> dict[str, list[str]]:
        """By the names of nodes, their elements at which a derivative is a choice."""

    def decided(self) -> frozenset[int]:
        """The nodes whose gradient is that of the function, and not the one that the rules give."""

    def value(self, node: int) -> Tensor:
        """The values of a node."""

    def gradient(self, node: int) -> Tensor | None:
        """The gradient of a node; None where it is not differentiated."""

    def wanted(self, operand: int) -> bool:
        """Whether a node is differentiated."""

    def passes(self, gradient: Tensor) -> bool:
        """Whether a node with that gradient sends anything back."""

    def sends(self, node: int, place: int) -> bool:
        """Whether a node sends anything to an operand: not to what only selects, or is written."""

    def contribution(self, node: int, place: int, operand: int) -> Tensor:
        """What a node sends to an operand."""

    def closed(self, node: int) -> bool:
        """Whether a node is a block that goes element by element, so that it has local gradients."""

    def local(self, node: int, place: int, shape: Shape, reduction: bool) -> Tensor:
        """The local gradients, in the shape of the node; of a reduction, of what it reduces.

        0 where another operand is selected; None where nothing arrives that could be passed on.
        """

    def unsummed(self, node: int, place: int, shape: Shape) -> Tensor:
        """What each element of a node sends to an operand that was stretched."""


def built(asked: Question, results: Results, kind: type[T], nodes: bool, **more: Any) -> T:
    """The trace of a question by its results.

    kind: of the trace, which has ``more`` besides. nodes: whether it lists them.
    """
    return Builder(asked, results).trace(kind, nodes, more)


class Builder:
    """A question and its results, put together."""

    def __init__(self, asked: Question, results: Results) -> None:
        self.asked, self.results = asked, results
        self.graph, self.names, self.found = asked.graph, asked.names, asked.found
        self.rules = Rules(self.graph, self.names)

    def trace(self, kind: type[T], nodes: bool, more: dict[str, Any]) -> T:
        """The trace."""
        asked, results = self.asked, self.results
        shown = tuple(self.nodes()) if nodes else ()
        arrives, end, at = asked.arrives, asked.end, asked.at
        several = len(arrives) > 1
        values = {name: results.known(name) for name in asked.sources if name not in at}
        return kind(
            program=asked.program,
            names=self.names,
            at={name: at[name] for name in self.graph.variables if name in at},
            output=end,
            value=results.result(end),
            upstream=arrives[end],
            outputs=tuple([(one, results.result(one), up) for one, up in arrives.items() if several]),
            gradients={name: results.slopes(name) for name in asked.sources},
            nodes=shown,
            notes=tuple(self.notes(list(arrives))),
            flags=tuple(results.flags()),
            question=asked,
            kinks=results.kinks(),
            frames=tuple(self.frames(shown)),
            precision=asked.precision,
            values={name: value for name, value in values.items() if value is not None},
            decided=results.decided(),
            **more,
        )  # fmt: skip

    def frames(self, shown: Iterable[ArrayNode]) -> Iterator[ArrayFrame]:
        """The blocks that are shown as their parts."""
        for frame in frames(self.graph, self.names, {node.index for node in shown}):
            block = self.graph.blocks[frame.node]
            yield ArrayFrame(self.title(frame.node, block), frame.node, frame.nodes)

    def title(self, node: int, block: Block) -> str:
        """What a block does, over the names of its operands: `layer(x, W, b)`, `W @ x`."""
        row = block.row
        if row is None or not (row.symbol or row.syntax):
            return called(block, self.names.of[node], self.names.text)
        if isinstance(row, Structural):
            return self.over(row, block.operands, block.written)
        return write(row, [self.names.text(k) for k in block.operands]).text

    def notes(self, ends: Sequence[int]) -> Iterator[Note]:
        """The notes on the numbers, but what is unused is a whole stage."""
        graph, needed = self.graph, self.asked.needed
        yield from readings(graph, self.names, self.found, needed)
        yield from self.results.notes(self.formula)
        used = reachable_from(graph, ends)
        unused = [name for name, node in graph.stages if not used[node]]
        if unused and graph.output in ends:
            yield Note("unused", unused[0], f"the output does not use {few(unused, 8)}")
        yield from self.results.remarks
        for node in self.asked.unopened:
            if needed[node]:
                yield stays_whole(graph, self.names, node)

    def nodes(self) -> list[ArrayNode]:
        """The nodes that are needed; each constant once."""
        graph = self.graph
        used = [node for node in self.names.of if self.asked.needed[node]]
        once = constants_once(graph, used)
        return [
            self.node(node, graph.operations[node]) for node in used if once.get(node, node) == node
        ]

    def node(self, node: int, row: Operation) -> ArrayNode:
        graph, name = self.graph, self.names.of[node]
        if node in graph.constants:
            number = graph.constants[node]
            numbers = (CONSTANTS[number] if isinstance(number, str) else number,)
            return ArrayNode(node, name, row.name, row, name, (), Tensor((), numbers), None)
        results = self.results
        value = results.value(node)
        gradient = None if node in self.found.whole else results.gradient(node)
        block = self.names.blocks.get(node)
        if row.leaf and block is None:
            return ArrayNode(node, name, row.name, row, name, (), value, gradient)
        kind, operands, edge = "operation", graph.operands[node], partial(self.edge, node, row)
        if block is not None:
            kind, row, operands = "block", row_of(block, name), block.operands
            edge = partial(self.block_edge, node, block)
        passes = gradient is not None and results.passes(gradient)
        edges = [
            edge(place, operand)
            for place, operand in enumerate(operands)
            if passes and results.sends(node, place) and results.wanted(operand)
        ]
        return ArrayNode(
            node,
            name,
            kind,
            row,
            self.formula(node),
            operands,
            value,
            gradient,
            tuple(edges),
            node in graph.names,
        )

    def formula(self, node: int) -> str:
        """A node over the names of its operands; a folded stage as its expression, if that is short."""
        graph, block = self.graph, self.names.blocks.get(node)
        if block is not None and block.stage:
            text = expression_text(graph, node, longest=LONGEST_STAGE).text
            if text != "...":
                return text
        if block is not None:
            return called(block, self.names.of[node], self.names.text)
        if node not in graph.written:
            return formula(graph, node, self.names.text).text
        return self.over(graph.operations[node], graph.operands[node], graph.written[node])

    def over(self, row: Operation, operands: Sequence[int], written: Any) -> str:
        """An operation on arrays over the names of its operands."""
        _, pieces = array_shape(row, len(operands), written)
        return "".join(
            [
                piece
                if isinstance(piece, str)
                else self.names.text(operands[piece[0]]).within(piece[1])
                for piece in pieces
            ]
        )

    def block_edge(self, node: int, block: Block, place: int, operand: int) -> ArrayEdge:
        """What a block sends back: of a row of the tables as that says, of a function of the
        program by its rule where all goes element by element, else through its parts.
        """
        results, row = self.results, block.row
        contribution = results.contribution(node, place, operand)
        shape, over = self.found.of[operand], self.found.of[node]
        if results.closed(node):
            rule = self.rules.block(node, place, row)
            if rule is not None:
                local = results.local(node, place, shape, False)
                return ArrayEdge(
                    place,
                    operand,
                    "elementwise",
                    "",
                    rule,
                    local,
                    contribution,
                    summed(shape, over),
                )
        text = ""
        if row is not None and not block.mirrored:
            text = self.vjp(row, node, place, block.operands, block.written)
        return ArrayEdge(place, operand, "structural", text, None, None, contribution)

    def edge(self, node: int, row: Operation, place: int, operand: int) -> ArrayEdge:
        results, graph = self.results, self.graph
        shape = self.found.of[operand]
        contribution = results.contribution(node, place, operand)
        if isinstance(row, Structural):
            text = self.vjp(row, node, place, graph.operands[node], graph.written[node])
            return ArrayEdge(place, operand, "structural", text, None, None, contribution)
        reduction = row.variadic and len(graph.operands[node]) == 1
        kind = "reduction" if reduction else "elementwise"
        local = results.local(node, place, shape, reduction)
        fit = "" if reduction else summed(shape, self.found.of[node])
        unsummed = results.unsummed(node, place, shape) if fit else None
        return ArrayEdge(
            place,
            operand,
            kind,
            "",
            self.rule(node, row, place, reduction),
            local,
            contribution,
            fit,
            unsummed,
        )

    def rule(self, node: int, row: Operation, place: int, reduction: bool) -> Rule | None:
        """The local gradient as a formula over the names of the nodes."""
        if row is IF or row.selects:
            return None  # each element has its own
        if reduction and row.name == "mean":
            of = self.found.of
            return self.rules.share(size(of[self.graph.operands[node][0]]) // size(of[node]))
        return self.rules.operation(row, place, node)

    def vjp(
        self, row: Operation, node: int, place: int, operands: Sequence[int], written: Any
    ) -> str:
        """What is sent back, as text over the names of the nodes.

        row: of the node, or of the block that it is, over these operands.
        """
        graph, names, of = self.graph, self.names, self.found.of
        called: Sequence[str]
        if isinstance(row, Structural):
            text = sent(row, place, [of[k] for k in operands], written)
            called = row.called(len(operands), written)
        elif row.name == "mean":
            text, called = compiled(f"up/{size(of[operands[0]]) // size(of[node])}"), ()
        else:
            rule = compiled(row.rules[min(place, len(row.rules) - 1)])
            factor = expression_text(rule, rule.output)
            text = compiled(write(MUL, [Text("up"), factor]).text)
            called = row.operands[: len(operands)]
        given: dict[str, str | float] = {OUT: names.of[node]}
        for name, operand in zip(called, operands, strict=bool(called)):
            given[name] = graph.constants.get(operand, names.of[operand])
        return program_text(renamed(text, given, names.of.values()))


def called(block: Block, name: str, text: Callable[[int], Text]) -> str:
    """A block over its operands: `layer(x, W, b)`. name: of its node; text: of an operand."""
    sign, level = ("-", POWER) if block.mirrored else ("", SUM)
    parts = [sign + text(k).within(level) for k in block.operands]
    if isinstance(block.written, int):
        parts.append(f"axis={block.written}")
    return f"{block.name or name}({', '.join(parts)})"


def row_of(block: Block, name: str) -> Operation:
    """The row of a block that is shown as one node; name: of its node."""
    if block.row is not None and not block.mirrored:
        return block.row
    operands = block.function.parameters if block.function else ()
    called = f"{block.name}(-x)" if block.mirrored else block.name or name
    return Operation(called, operands, (), Role.SCALES, "")


def summed(shape: Shape, over: Shape) -> str:
    """Along what an operand is summed that was stretched over a larger shape; else nothing."""
    if size(shape) == size(over):
        return ""
    if size(shape) == 1:
        return "all"
    return "axis=1" if shape[-1] == 1 else "axis=0"
