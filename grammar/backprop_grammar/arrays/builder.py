"""The numbers of a trace put back into arrays: values, gradients, what each edge sends, notes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import BackpropError, few
from ..language.graph import Array, Block, Graph
from ..language.precedence import POWER, SUM, Text, array_shape, write
from ..language.printer import expression_text, formula, program_text
from ..language.table_texts import compiled
from ..numbers.wide import Number, Wide
from ..operations.row import Operation, Role
from ..operations.shape import Shape, size, spread
from ..operations.structural import Structural
from ..operations.table import CONSTANTS, IF, MUL, OPERATIONS, VARIABLE
from ..passes.run import Target
from ..symbolic.rules import Rule, Rules
from ..trace import record
from ..trace.builder import constants_once, frames
from ..trace.evaluate import evaluate as evaluate_numbers
from ..trace.index import LONGEST_STAGE
from ..trace.notes import beyond
from ..trace.record import Flag, Note
from .lower import (
    Lowered,
    element,
    elements,
    reachable_from,
)
from .notes import gathered
from .readings import readings
from .record import ArrayEdge, ArrayFrame, ArrayNode, ArrayTrace, Tensor, path_of
from .vjp import OUT, renamed, sent

__all__ = ["Builder", "completed", "edges_of", "values_of"]


def unneeded(
    lowered: Lowered, numbers: record.Trace
) -> tuple[dict[int, Number | None], list[Note]]:
    """The values of elements that the output does not need, and notes on those without one."""
    graph = lowered.graph
    needed = graph.needed(numbers.output)
    cells = [k for one in lowered.cells.values() for k in one.nodes]
    rest = [k for k in cells if not needed[k] and not graph.operations[k].leaf and k in graph.names]
    if not rest:
        return {}, []
    outside = [k for k in rest if not graph.regions[k]]  # what a branch needs, its `if` needs
    found: dict[int, Number | None] = {}
    notes = []
    try:
        labels = [graph.names[k] for k in rest]
        values = values_of(lowered, outside, labels, "all the others", finite=False)
        return {k: values.get(graph.names[k]) for k in rest}, []
    except BackpropError:  # one by one, to see which it is
        for k in rest:
            label = graph.names[k]
            try:
                found[k] = values_of(lowered, None, [label], label, finite=False)[label]
            except BackpropError as error:
                found[k] = None
                if error.reason != "branch":
                    said = f"{label} has no value, and the output needs none of it"
                    notes.append(Note("unused", label, said))
    return found, notes


def values_of(
    lowered: Lowered, nodes: Sequence[int] | None, labels: Sequence[str], name: str, **how: Any
) -> dict[str, Number]:
    """The values of some of what an output needs, by their labels.

    nodes: whose sum is the output, of that name; None where there is one already. how: as of
    trace.evaluate. Raises BackpropError where one of the nodes has no value.
    """
    graph = lowered.graph
    if nodes is not None:
        total = graph.add(OPERATIONS["sum"], tuple(nodes), lowered.span)
        graph.names[total] = name
        graph.stages.append((name, total))
    labels = list(dict.fromkeys(labels))
    return evaluate_numbers(graph, lowered.at, wrt=labels, output=name, nodes=False, **how).values


class Builder:
    """The numbers of a trace put back into arrays."""

    def __init__(
        self, lowered: Lowered, numbers: record.Trace, needed: Sequence[bool], edges: bool
    ) -> None:
        self.lowered, self.numbers, self.needed, self.edges = lowered, numbers, needed, edges
        self.graph, self.names = lowered.program, lowered.names
        self.rules = Rules(self.graph, self.names)
        self.others, self.remarks = unneeded(lowered, numbers) if edges else ({}, [])

    def trace(
        self,
        program: Graph,
        at: dict[str, float | Array],
        arrives: dict[int, float | Array],
        sources: dict[str, int],
        parts: dict[str, tuple[Shape, list[str]]],
        precision: int | None,
    ) -> ArrayTrace:
        """The trace; sources: the nodes that are differentiated by, parts: their shapes and elements."""
        numbers, lowered = self.numbers, self.lowered
        shown = tuple(self.nodes()) if self.edges else ()
        *_, end = arrives
        several = len(arrives) > 1
        slopes = numbers.gradients
        gradients = {
            name: Tensor(shape, tuple([slopes.get(label, 0.0) for label in labels]))
            for name, (shape, labels) in parts.items()
        }
        value = self.result(end)
        found = [flag._replace(path=path_of(flag.path)) for flag in numbers.flags]
        return ArrayTrace(
            program=program,
            names=self.names,
            at={name: at[name] for name in self.graph.variables if name in at},
            output=end,
            value=value,
            upstream=arrives[end],
            outputs=tuple([(one, self.result(one), up) for one, up in arrives.items() if several]),
            gradients=gradients,
            nodes=shown,
            notes=(*self.notes(list(arrives)), *self.remarks),
            flags=(*self.beyond(end, value), *found),
            numbers=numbers,
            lowered=lowered,
            frames=tuple(self.frames(shown)),
            precision=precision,
            values={
                name: self.values(node, *parts[name])
                for name, node in sources.items()
                if name not in at and self.known(node)
            },
            decided=frozenset(
                node
                for node, cells in lowered.cells.items()
                if not numbers.decided.isdisjoint(cells.nodes)
            ),
        )

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
        yield from readings(self.graph, self.names, self.lowered.found, self.needed)
        told = [note for note in self.numbers.notes if note.kind != "unused"]
        yield from gathered(told, self.lowered, self.formula)
        graph = self.graph
        used = reachable_from(graph, ends)
        unused = [name for name, node in graph.stages if not used[node]]
        if unused and graph.output in ends:
            yield Note("unused", unused[0], f"the output does not use {few(unused, 8)}")

    def known(self, node: int) -> bool:
        """Whether every element of a node was asked for, or is the output."""
        cells, name = self.lowered.cells[node], self.names.of[node]
        if self.graph.operations[node] is VARIABLE or self.numbers.output in cells.nodes:
            return True
        return all(element(name, k) in self.numbers.values for k in elements(cells.shape))

    def result(self, end: int) -> Tensor:
        """The value of the output, or of a node that was asked for."""
        cells, name = self.lowered.cells[end], self.names.of[end]
        return self.values(end, cells.shape, [element(name, k) for k in elements(cells.shape)])

    def values(self, node: int, shape: Shape, labels: Sequence[str]) -> Tensor:
        """The values of elements of a node, which are known."""
        if self.numbers.output in self.lowered.cells[node].nodes:
            return Tensor(shape, (self.numbers.value,))
        values = {**self.lowered.at, **self.numbers.values}
        return Tensor(shape, tuple([values[label] for label in labels]))

    def beyond(self, end: int, value: Tensor) -> Iterator[Flag]:
        """A flag for every element of the output that no float holds."""
        for place, x in zip(elements(value.shape), value.numbers, strict=True):
            if isinstance(x, Wide) and x.nearest is None:
                name = element(self.names.of[end], place)
                yield beyond(path_of(element("value", place)), name, x, name)

    def value(self, node: int) -> Tensor:
        """The values of the elements of a node."""
        cells, by_index = self.lowered.cells[node], self.numbers.by_index
        numbers = [by_index[k].value if k in by_index else self.others.get(k) for k in cells.nodes]
        return Tensor(cells.shape, tuple(numbers))

    def upstream(self, shape: Shape, nodes: Sequence[int]) -> Tensor:
        """The gradients of nodes, 0 of one that nothing reaches."""
        found = map(self.numbers.by_index.get, nodes)
        numbers = [0.0 if one is None or one.gradient is None else one.gradient for one in found]
        return Tensor(shape, tuple(numbers))

    def nodes(self) -> list[ArrayNode]:
        """The nodes that are needed; each constant once."""
        graph = self.graph
        used = [node for node in self.names.of if self.needed[node]]
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
        value, gradient = self.value(node), None
        if self.wanted(node) and node not in self.lowered.found.whole:
            gradient = self.upstream(value.shape, self.lowered.cells[node].nodes)
        block = self.names.blocks.get(node)
        if row.leaf and block is None:
            return ArrayNode(node, name, row.name, row, name, (), value, gradient)
        kind, operands, edge = "operation", graph.operands[node], partial(self.edge, node, row)
        if block is not None:
            kind, row, operands = "block", row_of(block, name), block.operands
            edge = partial(self.block_edge, node, block)
        passes = gradient is not None and self.sends(gradient)
        edges = [
            edge(place, operand)
            for place, operand in enumerate(operands)
            if passes and (node, place) in self.lowered.sent and self.wanted(operand)
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

    def sends(self, gradient: Tensor) -> bool:
        """Whether a node with that gradient sends anything back."""
        return any(x != 0 for x in gradient.numbers)

    def wanted(self, operand: int) -> bool:
        """Whether a node is differentiated."""
        by_index = self.numbers.by_index
        return any(
            one is not None and one.gradient is not None
            for one in map(by_index.get, self.lowered.cells[operand].nodes)
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

    def contribution(self, node: int, place: int, operand: int) -> Tensor:
        return self.upstream(self.lowered.found.of[operand], self.lowered.sent[node, place])

    def block_edge(self, node: int, block: Block, place: int, operand: int) -> ArrayEdge:
        """What a block sends back: of a row of the tables as that says, of a function of the
        program by its rule where all goes element by element, else through its parts.
        """
        contribution = self.contribution(node, place, operand)
        lowered, row = self.lowered, block.row
        shape, over = lowered.found.of[operand], lowered.found.of[node]
        if lowered.graph.blocks.get(lowered.cells[node].nodes[0]):
            rule = self.rules.block(node, place, row)
            if rule is not None:
                local = self.local(node, place, shape, False)
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
        lowered, graph = self.lowered, self.graph
        shape = lowered.found.of[operand]
        contribution = self.contribution(node, place, operand)
        if isinstance(row, Structural):
            text = self.vjp(row, node, place, graph.operands[node], graph.written[node])
            return ArrayEdge(place, operand, "structural", text, None, None, contribution)
        reduction = row.variadic and len(graph.operands[node]) == 1
        kind = "reduction" if reduction else "elementwise"
        local = self.local(node, place, shape, reduction)
        fit = "" if reduction else summed(shape, lowered.found.of[node])
        unsummed = self.unsummed(node, place, shape) if fit else None
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

    def inner_edges(self, node: int) -> dict[tuple[int, int], record.Edge]:
        """The edges of the elements of a node, by element and operand."""
        by_index = self.numbers.by_index
        known = [k for k in self.lowered.cells[node].nodes if k in by_index]
        return {(k, edge.operand): edge for k in known for edge in by_index[k].edges}

    def local(self, node: int, place: int, shape: Shape, reduction: bool) -> Tensor:
        """The local gradients, in the shape of the node; of a reduction, of what it reduces.

        0 where another operand is selected; None where nothing arrives that could be passed on.
        """
        lowered, edges = self.lowered, self.inner_edges(node)
        aliases = lowered.sent[node, place]
        if reduction:
            by_operand = {operand: edge.local for (_, operand), edge in edges.items()}
            return Tensor(shape, tuple([by_operand.get(alias) for alias in aliases]))
        over, by_index = lowered.found.of[node], self.numbers.by_index
        numbers: list[Number | None] = []
        for one, k in zip(lowered.cells[node].nodes, spread(shape, over), strict=True):
            edge = edges.get((one, aliases[k]))
            reached = one in by_index and by_index[one].gradient not in (None, 0)
            numbers.append(edge.local if edge else 0.0 if reached else None)
        return Tensor(over, tuple(numbers))

    def unsummed(self, node: int, place: int, shape: Shape) -> Tensor:
        """What each element of a node sends to an operand that was stretched."""
        lowered, edges = self.lowered, self.inner_edges(node)
        aliases, over = lowered.sent[node, place], lowered.found.of[node]
        pairs = zip(lowered.cells[node].nodes, spread(shape, over), strict=True)
        sent = [edges.get((one, aliases[k])) for one, k in pairs]
        return Tensor(over, tuple([edge.contribution if edge else 0.0 for edge in sent]))

    def rule(self, node: int, row: Operation, place: int, reduction: bool) -> Rule | None:
        """The local gradient as a formula over the names of the nodes."""
        if row is IF or row.selects:
            return None  # each element has its own
        if reduction and row.name == "mean":
            of = self.lowered.found.of
            return self.rules.share(size(of[self.graph.operands[node][0]]) // size(of[node]))
        return self.rules.operation(row, place, node)

    def vjp(
        self, row: Operation, node: int, place: int, operands: Sequence[int], written: Any
    ) -> str:
        """What is sent back, as text over the names of the nodes.

        row: of the node, or of the block that it is, over these operands.
        """
        graph, names, of = self.graph, self.names, self.lowered.found.of
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


class Whole(Builder):
    """The same with all edges that there are at any point."""

    def __init__(self, trace: ArrayTrace) -> None:
        lowered, numbers = trace.lowered, trace.numbers
        needed = [k in lowered.cells for k in range(len(lowered.program))]
        super().__init__(lowered, numbers, needed, False)
        self.target = Target(numbers.tape, tuple(numbers.gradients), numbers.output_name)

    def sends(self, gradient: Tensor) -> bool:
        return True

    def wanted(self, operand: int) -> bool:
        return any(self.target.wanted[k] for k in self.lowered.cells[operand].nodes)


def completed(trace: ArrayTrace) -> ArrayTrace:
    """A trace with the edges and gradients that its point leaves out: they send 0 there."""
    nodes = []
    for own, whole in zip(trace.nodes, Whole(trace).nodes(), strict=True):
        edges = {edge.place: edge for edge in (*whole.edges, *own.edges)}
        gradient = own.gradient or whole.gradient
        nodes.append(own._replace(gradient=gradient, edges=tuple(edges.values())))
    return replace(trace, nodes=tuple(nodes))


def edges_of(numbers: record.Trace) -> dict[int, list[tuple[int, int]]]:
    """Along which places the nodes over numbers send something back at some point, and to which."""
    tape = numbers.tape
    wanted = Target(tape, tuple(numbers.gradients), numbers.output_name).wanted
    return {
        node: [
            (place, operand)
            for place, operand in enumerate(tape.operands[node])
            if wanted[operand] and not (row is IF and place < 2)
        ]
        for node, row in enumerate(tape.operations)
        if wanted[node] and not row.leaf
    }


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
