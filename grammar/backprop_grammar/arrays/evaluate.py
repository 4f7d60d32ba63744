"""A program over arrays and a point to a trace, by way of the numbers that it means.

The tape of numbers certifies every element: whatever it can't decide is refused as it is there.
"""

import operator
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..blocks.names import Names
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Array, Block, Graph
from ..language.precedence import POWER, SUM, Text, array_shape, write
from ..language.printer import expression_text, formula, program_text
from ..language.table_texts import compiled
from ..numbers.wide import Number, Wide, as_float
from ..operations.row import Operation, Role
from ..operations.structural import Shape, Structural, said, size, spread
from ..operations.table import CONSTANTS, IF, MUL, OPERATIONS, POW
from ..passes.run import Target, check_bound, run_at, spelled
from ..symbolic.rules import Rule, Rules
from ..trace import record
from ..trace.builder import constants_once, frames, stays_whole
from ..trace.evaluate import evaluate as evaluate_numbers
from ..trace.evaluate import with_limit
from ..trace.index import LONGEST_STAGE
from ..trace.notes import beyond
from ..trace.record import Flag, Note
from .lower import (
    Lowered,
    by_default,
    check_size,
    element,
    elements,
    flattened,
    opened,
    reachable_from,
)
from .notes import gathered
from .readings import readings
from .record import ArrayEdge, ArrayFrame, ArrayNode, ArrayTrace, Tensor
from .shapes import output_shape, shapes
from .vjp import OUT, renamed, sent

__all__ = ["completed", "edges_of", "evaluate", "in_numbers"]

Upstream = float | Array | str
"""The gradient that arrives: a number, an array, or `ones`."""


def evaluate(
    program: Graph,
    at: dict[str, float | Array],
    *,
    wrt: Sequence[str] = (),
    output: str | Sequence[str] = "",
    upstream: Upstream | Mapping[str, Upstream] = 1.0,
    precision: int | None = None,
    nodes: bool = True,
    expand: Sequence[str] = (),
    fold: Sequence[str] = (),
) -> ArrayTrace:
    """The trace of a program over arrays at a point.

    at: a finite value per variable, numbers or arrays of them. wrt: names of the nodes to
    differentiate by; the inputs when empty, but for indices and labels. output: the node that is
    differentiated; the last stage when empty. Of several, it is the sum of their products with what
    arrives. upstream: the gradient that arrives there, of its shape, or `ones`; needed where the
    output is more than one number; by the names of several. precision: digits asked for.
    nodes: whether the trace lists its nodes. expand: names of nodes and functions that are shown as
    their parts, or their elements; fold: of those whose parts are shown as one. They change no
    number.

    Raises BackpropError where shapes do not fit, and as trace.evaluate does.
    """
    graph, unopened = by_default(program), list[int]()
    outputs = [output] if isinstance(output, str) else list(output)
    if expand or fold:
        from .grouping import shaped  # which a plain evaluation need not load

        graph, unopened = shaped(graph, at, expand, fold, [*wrt, *outputs], partial(kinks, at=at))
    names = Names(graph)
    ends = ends_of(names, output, upstream)
    end = ends[-1]
    asked = {name: names.find(name) for name in wrt}
    needed = reachable_from(graph, [*ends, *asked.values()])
    if "T" in graph.variables.keys() - at.keys():
        check_transposes(graph)
    check_bound(graph, dict.fromkeys(at, 0.0), needed)
    for name, node in graph.variables.items():
        needed[node] = needed[node] or name in at
    found = shapes(graph, at, needed)
    arrives = {
        one: arriving(graph, one, found.of[one], upstream_of(names.of[one], upstream))
        for one in ends
    }
    check_size(graph, found, needed)
    sources = asked or {
        name: node
        for name, node in graph.variables.items()
        if node not in found.whole and name in at
    }
    for name, node in sources.items():
        if node in found.whole:
            raise selects(name)
    for edges in (nodes, False):  # without them, to say a fault in the program's own terms
        lowered = Lowered(graph, names, found, at, needed, edges)
        seed = seeded(lowered, arrives)
        labels = [
            element(name, place)
            for name, node in sources.items()
            for place in elements(found.of[node])
        ]
        arrived = arrives[end]
        weighted = len(ends) > 1 or isinstance(arrived, Array)
        if weighted:  # the numbers of the outputs are shown, too
            labels += [
                element(names.of[one], place) for one in ends for place in elements(found.of[one])
            ]
        if edges:
            labels += beside(lowered, sources.values())
        try:
            numbers = evaluate_numbers(
                lowered.graph, lowered.at, wrt=list(dict.fromkeys(labels)), output=seed, precision=precision,
                upstream=1.0 if weighted or isinstance(arrived, Array) else arrived, nodes=nodes,
                finite=not weighted, parts=lowered.parts,
            )  # fmt: skip
        except BackpropError as error:
            if edges:
                continue
            raise with_others(lowered, error).replace(node=None) from None
        trace = Gathered(lowered, numbers, needed, edges).trace(
            program, at, arrives, sources, precision
        )
        more = [stays_whole(graph, names, node) for node in unopened if needed[node]]
        return replace(trace, notes=(*trace.notes, *more))
    raise AssertionError  # what fails with edges fails without them


def in_numbers(
    program: Graph,
    at: dict[str, float | Array],
    *,
    wrt: Sequence[str] = (),
    output: str | Sequence[str] = "",
    upstream: Upstream | Mapping[str, Upstream] = 1.0,
    precision: int | None = None,
    nodes: bool = True,
    expand: Sequence[str] = (),
    fold: Sequence[str] = (),
) -> record.Trace:
    """The trace of the same program over numbers alone: W[0,1] is W_0_1, and so on.

    Arguments as of evaluate; wrt, output and fold take names of both programs. An output of more
    than one number becomes the sum of its products with what arrives. Raises BackpropError for
    several outputs.
    """
    outputs = [output] if isinstance(output, str) else list(output)
    if len(outputs) > 1 or isinstance(upstream, Mapping):
        raise usage("a program over numbers has one output", "name one, or add them up in a stage")
    (output,) = outputs
    from .grouping import ArrayChoice  # which a plain evaluation need not load

    ArrayChoice(by_default(program), expand, "expand")  # which knows all names
    names = Names(opened(program))
    known = names.named()
    given = [name for name in wrt if name in known]
    end, shape = known.get(output, program.output), tuple[int, ...]()
    mine = output if output in known else ""
    flat = flattened(program, at, wrt=given, output=mine)
    if mine == output:
        shape = flat.layout[names.of[end]][0] if end not in program.constants else ()
    arrives = arriving(program, end, shape, upstream)
    if isinstance(arrives, Array):
        flat = flattened(program, at, wrt=given, output=mine, arrives=arrives)
    sources = list(wrt)
    for name in wrt:
        if name in flat.whole:
            raise selects(name)
    if not wrt:
        sources = [name for name in program.variables if name in flat.layout.keys() - flat.whole]
    labels = [k for name in sources for k in flat.layout.get(name, ((), (name,)))[1]]
    try:
        return evaluate_numbers(
            flat.graph, flat.at, wrt=[k for k in labels if wrt or k in flat.at], expand=["all"],
            output="" if mine == output else output, precision=precision, nodes=nodes, fold=fold,
            upstream=1.0 if isinstance(arrives, Array) else arrives,
        )  # fmt: skip
    except BackpropError as error:
        raise with_limit(error, flat.graph, flat.at, "") from None


def selects(name: str) -> BackpropError:
    return usage(f"{shorten(name)} selects elements, and has no gradient", "leave it out")


def kinks(graph: Graph, at: dict[str, float | Array]) -> set[int]:
    """The nodes of a program that stand at a kink, or of which an element does."""
    names = Names(opened(graph))
    needed = reachable_from(graph, [graph.output])
    check_bound(graph, dict.fromkeys(at, 0.0), needed)
    lowered = Lowered(names.graph, names, shapes(graph, at, needed), at, needed, False)
    end = lowered.cells[graph.output].nodes
    tape = lowered.graph
    tape.stages.append(("", tape.add(OPERATIONS["sum"], tuple(end))))
    run = run_at(Target(tape, (), ""), lowered.at, 1.0, None, False)
    starts = sorted(lowered.first.items(), key=lambda one: one[1])
    firsts = [first for _, first in starts]
    return {starts[bisect_right(firsts, k) - 1][0] for k in run.kinks}


def check_transposes(graph: Graph) -> None:
    """Raise BackpropError for A^T, where T has no value."""
    letter = graph.variables["T"]
    for node, row in enumerate(graph.operations):
        if row is POW and graph.operands[node][1] == letter:
            base = spelled(graph, graph.operands[node][0])
            raise BackpropError(
                "binding", f"{base}^T is a power of {base}, and T has no value", graph.spans[node],
                hint=f"the transpose is {base}.T", source=graph.source, node=node,
            )  # fmt: skip


def ends_of(
    names: Names, output: str | Sequence[str], upstream: Upstream | Mapping[str, Upstream]
) -> list[int]:
    """The nodes that are differentiated. Raises BackpropError where what arrives names others."""
    texts = [output] if isinstance(output, str) else list(output)
    ends = [names.find(text) if text else names.graph.output for text in texts]
    if isinstance(upstream, Mapping):
        known = [names.of[end] for end in ends]
        for name in upstream:
            if name not in known:
                raise usage(
                    f"a gradient arrives at {shorten(name)}, which is no output",
                    f"the outputs are {few(known)}",
                )
    return list(dict.fromkeys(ends))


def upstream_of(name: str, upstream: Upstream | Mapping[str, Upstream]) -> Upstream:
    """What arrives at an output of that name; 1 where nothing is given."""
    return upstream.get(name, 1.0) if isinstance(upstream, Mapping) else upstream


def arriving(graph: Graph, end: int, shape: Shape, upstream: Upstream) -> float | Array:
    """The gradient that arrives at an output of that shape. Raises BackpropError for another."""
    if upstream == "ones":
        upstream = Array(shape, (1.0,) * size(shape)) if shape else 1.0
    assert not isinstance(upstream, str)
    if isinstance(upstream, Array):
        alike = (shape, (1, *shape) if len(shape) == 1 else shape)
        if upstream.shape not in alike:
            raise BackpropError(
                "shape", f"the upstream gradient is {said(upstream.shape)}, the output {spelled(graph, end)} is {said(shape)}",
                graph.spans[end], hint="the upstream gradient has the shape of what it belongs to",
                source=graph.source, node=end, reason="upstream",
            )  # fmt: skip
        return Array(shape, upstream.numbers)
    if size(shape) > 1:
        raise output_shape(graph, end, shape)
    return upstream


def seeded(lowered: Lowered, arrives: dict[int, float | Array]) -> str:
    """The name of the number that is differentiated: the output, or its product with what arrives."""
    *_, end = arrives
    if len(arrives) == 1 and not isinstance(arrives[end], Array):
        return element(lowered.names.of[end], elements(lowered.cells[end].shape)[0])
    lowered.region, lowered.span = 0, lowered.program.spans[end]
    parts = []
    for one, given in arrives.items():
        numbers = given.numbers if isinstance(given, Array) else (given,)
        parts += [
            lowered.apply("mul", node, lowered.graph.constant(up, lowered.span))
            for node, up in zip(lowered.cells[one].nodes, numbers, strict=True)
        ]
    total = lowered.apply("sum", *parts)
    name = "the output times what arrives"
    lowered.graph.names[total] = name
    lowered.graph.stages.append((name, total))
    lowered.parts |= {*parts, total}
    return name


def beside(lowered: Lowered, sources: Iterable[int]) -> list[str]:
    """The elements that no source reaches, of arrays of which a source reaches others.

    They have gradients as their neighbours have: m[1] of m = [x, 2].
    """
    program, graph = lowered.program, lowered.graph
    cells = lowered.cells
    reached = reaching(program, sources)
    inner = reaching(graph, (k for node in sources for k in cells[node].nodes))
    return [
        graph.names[k]
        for node, one in cells.items()
        if reached[node] and node not in program.constants
        for k in one.nodes
        if not inner[k] and k in graph.names
    ]


def reaching(graph: Graph, sources: Iterable[int]) -> list[bool]:
    """For every node, whether it is one of the sources, or computed from one."""
    reached = [False] * len(graph)
    for node in sources:
        reached[node] = True
    for node, operands in enumerate(graph.operands):
        reached[node] = reached[node] or any(reached[k] for k in operands)
    return reached


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
    total = graph.add(OPERATIONS["sum"], tuple(outside), lowered.span)
    name = "all the others"
    graph.names[total] = name
    graph.stages.append((name, total))
    found: dict[int, Number | None] = {}
    notes = []
    try:
        values = values_of(graph, lowered.at, name, [graph.names[k] for k in rest])
        return {k: values.get(graph.names[k]) for k in rest}, []
    except BackpropError:  # one by one, to see which it is
        for k in rest:
            try:
                label = graph.names[k]
                found[k] = values_of(graph, lowered.at, label, [label])[label]
            except BackpropError as error:
                found[k] = None
                if error.reason != "branch":
                    said = f"{label} has no value, and the output needs none of it"
                    notes.append(Note("unused", label, said))
    return found, notes


def values_of(
    graph: Graph, at: dict[str, float], output: str, labels: list[str]
) -> dict[str, Number]:
    """The values of some nodes, which an output needs."""
    one = evaluate_numbers(graph, at, wrt=labels, output=output, nodes=False, finite=False)
    return one.values


HOLDS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "!=": operator.ne,
}  # fmt: skip


def with_others(lowered: Lowered, error: BackpropError) -> BackpropError:
    """An error of one element that says how many others of its array are as wrong."""
    graph, program = lowered.graph, lowered.program
    node = next((k for k, one in lowered.cells.items() if error.node in one.nodes), None)
    if node is None or node in lowered.found.frames or error.kind != "domain" or not error.label:
        return error
    row, cells = program.operations[node], lowered.cells[node].nodes
    bounds = [(row.operands.index(one.operand), one) for one in row.domain if not isinstance(one.limit, str)]  # fmt: skip
    inner = dict.fromkeys(k for one in cells for k in graph.operands[one])
    if not bounds or len(cells) < 2:
        return error
    total = graph.add(OPERATIONS["sum"], tuple(inner), lowered.span)
    graph.names[total] = name = "all that it is of"
    graph.stages.append((name, total))
    named = [k for k in inner if k not in graph.constants]
    try:
        found = values_of(graph, lowered.at, name, [graph.names[k] for k in named]) | lowered.at
    except BackpropError:  # some have no value themselves
        return error
    values = {k: as_float(found[graph.names[k]]) for k in named} | graph.constants
    wrong = 0
    for one in cells:
        operands = [values[k] for k in graph.operands[one]]
        wrong += not all(
            isinstance(x := operands[place], float) and HOLDS[bound.relation](x, float(bound.limit))
            for place, bound in bounds
        )
    if wrong < 2:
        return error
    return error.replace(label=f"{error.label} (and {wrong - 1} more of {len(cells)})")


class Gathered:
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
        precision: int | None,
    ) -> ArrayTrace:
        numbers, lowered = self.numbers, self.lowered
        shown = tuple(self.nodes()) if self.edges else ()
        *_, end = arrives
        several = len(arrives) > 1
        gradients = {
            name: self.gradient(name, lowered.found.of[node]) for name, node in sources.items()
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
                name: self.result(node)
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

    def gradient(self, name: str, shape: Shape) -> Tensor:
        found = self.numbers.gradients
        return Tensor(shape, tuple([found.get(element(name, k), 0.0) for k in elements(shape)]))

    def known(self, node: int) -> bool:
        """Whether every element of a node was asked for, or is the output."""
        cells, name = self.lowered.cells[node], self.names.of[node]
        return self.numbers.output in cells.nodes or all(
            element(name, k) in self.numbers.values for k in elements(cells.shape)
        )

    def result(self, end: int) -> Tensor:
        """The value of the output, or of a node that was asked for."""
        cells, name = self.lowered.cells[end], self.names.of[end]
        if self.numbers.output in cells.nodes:
            return Tensor(cells.shape, (self.numbers.value,))
        values = {**self.lowered.at, **self.numbers.values}
        return Tensor(cells.shape, tuple([values[element(name, k)] for k in elements(cells.shape)]))

    def beyond(self, end: int, value: Tensor) -> Iterator[Flag]:
        """A flag for every element of the output that no float holds."""
        for place, x in zip(elements(value.shape), value.numbers, strict=True):
            if isinstance(x, Wide) and x.nearest is None:
                name = element(self.names.of[end], place)
                yield beyond(path_of(element("value", place)), name, x, name)

    def tensor(self, node: int, field: str) -> Tensor:
        cells = self.lowered.cells[node]
        return self.gathered(cells.shape, cells.nodes, field)

    def gathered(self, shape: Shape, nodes: Sequence[int], field: str) -> Tensor:
        """The values or the gradients of nodes; a gradient that nothing reaches is 0."""
        by_index = self.numbers.by_index
        found = [by_index.get(k) for k in nodes]
        if field == "gradient":
            return Tensor(shape, tuple([0.0 if one is None else one.gradient for one in found]))
        pairs = zip(nodes, found, strict=True)
        return Tensor(
            shape, tuple([self.others.get(k) if one is None else one.value for k, one in pairs])
        )

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
        value = self.tensor(node, "value")
        gradient: Tensor | None = self.tensor(node, "gradient")
        assert gradient is not None
        if not self.wanted(node) or node in self.lowered.found.whole:
            gradient = None
        else:
            gradient = Tensor(
                gradient.shape, tuple([0.0 if x is None else x for x in gradient.numbers])
            )
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
        return ArrayNode(node, name, kind, row, self.formula(node), operands, value, gradient, tuple(edges), node in graph.names)  # fmt: skip

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
        shape = self.lowered.found.of[operand]
        sent = self.gathered(shape, self.lowered.sent[node, place], "gradient")
        return Tensor(shape, tuple([0.0 if x is None else x for x in sent.numbers]))

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
                return ArrayEdge(place, operand, "elementwise", "", rule, local, contribution, summed(shape, over))  # fmt: skip
        text = ""
        if row is not None and not block.mirrored:
            text = self.vjp_of(row, node, place, block.operands, block.written)
        return ArrayEdge(place, operand, "structural", text, None, None, contribution)

    def edge(self, node: int, row: Operation, place: int, operand: int) -> ArrayEdge:
        lowered, graph = self.lowered, self.graph
        shape = lowered.found.of[operand]
        contribution = self.contribution(node, place, operand)
        if isinstance(row, Structural):
            return ArrayEdge(place, operand, "structural", self.vjp(node, row, place), None, None, contribution)  # fmt: skip
        reduction = row.variadic and len(graph.operands[node]) == 1
        kind = "reduction" if reduction else "elementwise"
        local = self.local(node, place, shape, reduction)
        fit = "" if reduction else summed(shape, lowered.found.of[node])
        unsummed = self.unsummed(node, place, shape) if fit else None
        return ArrayEdge(place, operand, kind, "", self.rule(node, row, place, reduction), local, contribution, fit, unsummed)  # fmt: skip

    def local(self, node: int, place: int, shape: Shape, reduction: bool) -> Tensor:
        """The local gradients, in the shape of the node; of a reduction, of what it reduces.

        0 where another operand is selected; None where nothing arrives that could be passed on.
        """
        lowered = self.lowered
        aliases = lowered.sent[node, place]
        over = shape if reduction else lowered.found.of[node]
        pairs: dict[tuple[int, int], Number] = {}
        reached = set()
        for one in lowered.cells[node].nodes:
            at = self.numbers.by_index.get(one)
            if at is not None and at.gradient not in (None, 0):
                reached.add(one)
            for edge in at.edges if at else ():
                pairs[one, edge.operand] = edge.local
        if reduction:
            by_operand = {operand: local for (_, operand), local in pairs.items()}
            return Tensor(over, tuple([by_operand.get(alias) for alias in aliases]))
        picked = spread(shape, over)
        nodes = lowered.cells[node].nodes
        return Tensor(over, tuple([pairs.get((one, aliases[k]), 0.0 if one in reached else None) for one, k in zip(nodes, picked, strict=True)]))  # fmt: skip

    def unsummed(self, node: int, place: int, shape: Shape) -> Tensor:
        """What each element of a node sends to an operand that was stretched."""
        lowered, over = self.lowered, self.lowered.found.of[node]
        aliases, picked = lowered.sent[node, place], spread(shape, over)
        numbers = []
        for one, k in zip(lowered.cells[node].nodes, picked, strict=True):
            at = self.numbers.by_index.get(one)
            own = (edge for edge in (at.edges if at else ()) if edge.operand == aliases[k])
            numbers.append(next((edge.contribution for edge in own), 0.0))
        return Tensor(over, tuple(numbers))

    def rule(self, node: int, row: Operation, place: int, reduction: bool) -> Rule | None:
        """The local gradient as a formula over the names of the nodes."""
        if row is IF or row.selects:
            return None  # each element has its own
        if reduction and row.name == "mean":
            of = self.lowered.found.of
            return self.rules.share(size(of[self.graph.operands[node][0]]) // size(of[node]))
        return self.rules.operation(row, place, node)

    def vjp(self, node: int, row: Structural, place: int) -> str:
        """What is sent back, as text over the names of the nodes."""
        graph = self.graph
        return self.vjp_of(row, node, place, graph.operands[node], graph.written[node])

    def vjp_of(
        self, row: Operation, node: int, place: int, operands: Sequence[int], written: Any
    ) -> str:
        """The same of a row over these operands, whether it is the node's own or that of a block."""
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


class Whole(Gathered):
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


def path_of(path: str) -> str:
    """A path of the numbers' document as one of the arrays': gradients.W[0][1]."""
    return re.sub(r"(\d),(\d+\])", r"\1][\2", path)
