"""The numbers that a program over arrays means, once they are computed, as arrays at its nodes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..errors import BackpropError
from ..numbers.wide import Number, Wide
from ..operations.shape import Shape, spread
from ..operations.table import IF, OPERATIONS, VARIABLE
from ..passes.run import Target
from ..trace import record
from ..trace.evaluate import evaluate as evaluate_numbers
from ..trace.notes import beyond
from ..trace.record import KINKS, Flag, Note
from .builder import Builder
from .lower import Lowered, element, elements
from .notes import gathered
from .question import Question
from .record import Tensor, TraceByNumbers, path_of

__all__ = ["OfNumbers", "completed", "edges_of", "values_of"]


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


class OfNumbers:
    """What the tape of numbers says of the nodes of a program; see builder.Results."""

    def __init__(
        self, asked: Question, lowered: Lowered, numbers: record.Trace, edges: bool
    ) -> None:
        self.asked, self.lowered, self.numbers, self.edges = asked, lowered, numbers, edges
        self.others, self.remarks = unneeded(lowered, numbers) if edges else ({}, [])

    # results

    def slopes(self, name: str) -> Tensor:
        shape, labels = self.asked.part(name)
        slopes = self.numbers.gradients
        return Tensor(shape, tuple([slopes.get(label, 0.0) for label in labels]))

    def known(self, name: str) -> Tensor | None:
        node = self.asked.sources[name]
        cells, label = self.lowered.cells[node], self.asked.names.of[node]
        if (
            self.asked.graph.operations[node] is VARIABLE
            or self.numbers.output in cells.nodes
            or all(element(label, k) in self.numbers.values for k in elements(cells.shape))
        ):
            return self.values(node, *self.asked.part(name))
        return None

    def result(self, end: int) -> Tensor:
        cells, name = self.lowered.cells[end], self.asked.names.of[end]
        return self.values(end, cells.shape, [element(name, k) for k in elements(cells.shape)])

    def values(self, node: int, shape: Shape, labels: Sequence[str]) -> Tensor:
        """The values of elements of a node, which are known."""
        if self.numbers.output in self.lowered.cells[node].nodes:
            return Tensor(shape, (self.numbers.value,))
        values = {**self.lowered.at, **self.numbers.values}
        return Tensor(shape, tuple([values[label] for label in labels]))

    def notes(self, formula: Callable[[int], str]) -> Iterator[Note]:
        told = [note for note in self.numbers.notes if note.kind != "unused"]
        yield from gathered(told, self.asked, formula)

    def flags(self) -> Iterator[Flag]:
        end = self.asked.end
        value = self.result(end)
        for place, x in zip(elements(value.shape), value.numbers, strict=True):
            if isinstance(x, Wide) and x.nearest is None:
                name = element(self.asked.names.of[end], place)
                yield beyond(path_of(element("value", place)), name, x, name)
        yield from [flag._replace(path=path_of(flag.path)) for flag in self.numbers.flags]

    def kinks(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for note in self.numbers.notes:
            if note.kind in KINKS:
                found.setdefault(note.node.partition("[")[0], []).append(note.node)
        return found

    def decided(self) -> frozenset[int]:
        decided = self.numbers.decided
        cells = self.lowered.cells.items()
        return frozenset(k for k, one in cells if not decided.isdisjoint(one.nodes))

    # nodes

    def value(self, node: int) -> Tensor:
        cells, by_index = self.lowered.cells[node], self.numbers.by_index
        numbers = [by_index[k].value if k in by_index else self.others.get(k) for k in cells.nodes]
        return Tensor(cells.shape, tuple(numbers))

    def gradient(self, node: int) -> Tensor | None:
        if not self.wanted(node):
            return None
        cells = self.lowered.cells[node]
        return self.upstream(cells.shape, cells.nodes)

    def upstream(self, shape: Shape, nodes: Sequence[int]) -> Tensor:
        """The gradients of nodes, 0 of one that nothing reaches."""
        found = map(self.numbers.by_index.get, nodes)
        numbers = [0.0 if one is None or one.gradient is None else one.gradient for one in found]
        return Tensor(shape, tuple(numbers))

    def wanted(self, operand: int) -> bool:
        by_index = self.numbers.by_index
        return any(
            one is not None and one.gradient is not None
            for one in map(by_index.get, self.lowered.cells[operand].nodes)
        )

    def passes(self, gradient: Tensor) -> bool:
        return any(x != 0 for x in gradient.numbers)

    def sends(self, node: int, place: int) -> bool:
        return (node, place) in self.lowered.sent

    def closed(self, node: int) -> bool:
        return bool(self.lowered.graph.blocks.get(self.lowered.cells[node].nodes[0]))

    def contribution(self, node: int, place: int, operand: int) -> Tensor:
        return self.upstream(self.asked.found.of[operand], self.lowered.sent[node, place])

    def inner_edges(self, node: int) -> dict[tuple[int, int], record.Edge]:
        """The edges of the elements of a node, by element and operand."""
        by_index = self.numbers.by_index
        known = [k for k in self.lowered.cells[node].nodes if k in by_index]
        return {(k, edge.operand): edge for k in known for edge in by_index[k].edges}

    def local(self, node: int, place: int, shape: Shape, reduction: bool) -> Tensor:
        lowered, edges = self.lowered, self.inner_edges(node)
        aliases = lowered.sent[node, place]
        if reduction:
            by_operand = {operand: edge.local for (_, operand), edge in edges.items()}
            return Tensor(shape, tuple([by_operand.get(alias) for alias in aliases]))
        over, by_index = self.asked.found.of[node], self.numbers.by_index
        numbers: list[Number | None] = []
        for one, k in zip(lowered.cells[node].nodes, spread(shape, over), strict=True):
            edge = edges.get((one, aliases[k]))
            reached = one in by_index and by_index[one].gradient not in (None, 0)
            numbers.append(edge.local if edge else 0.0 if reached else None)
        return Tensor(over, tuple(numbers))

    def unsummed(self, node: int, place: int, shape: Shape) -> Tensor:
        lowered, edges = self.lowered, self.inner_edges(node)
        aliases, over = lowered.sent[node, place], self.asked.found.of[node]
        pairs = zip(lowered.cells[node].nodes, spread(shape, over), strict=True)
        sent = [edges.get((one, aliases[k])) for one, k in pairs]
        return Tensor(over, tuple([edge.contribution if edge else 0.0 for edge in sent]))


class Whole(OfNumbers):
    """The same with all edges that there are at any point."""

    def __init__(self, trace: TraceByNumbers) -> None:
        super().__init__(trace.question, trace.lowered, trace.numbers, False)
        numbers = trace.numbers
        self.target = Target(numbers.tape, tuple(numbers.gradients), numbers.output_name)

    def passes(self, gradient: Tensor) -> bool:
        return True

    def wanted(self, operand: int) -> bool:
        return any(self.target.wanted[k] for k in self.lowered.cells[operand].nodes)


def completed(trace: TraceByNumbers) -> TraceByNumbers:
    """A trace with the edges and gradients that its point leaves out: they send 0 there."""
    nodes = []
    for own, whole in zip(trace.nodes, Builder(trace.question, Whole(trace)).nodes(), strict=True):
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
