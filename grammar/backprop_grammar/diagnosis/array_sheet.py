"""A trace of arrays as numbers to compute with: its backward pass, with some of it changed.

It shows what the sheet of a trace of numbers shows, with an array wherever a number stands, so the
table of mistakes at edges, nodes and sums is one table for both. What a structural operation sends
has no local gradient to multiply by: there a map from what arrives to what is sent stands in its
place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from heapq import heapify, heappop, heappush
from operator import add
from typing import Any

from ..arrays.record import ArrayNode, ArrayTrace, Tensor
from ..arrays.text import inline, summary
from ..arrays.vjp import OUT, UP, renamed, sent
from ..language.graph import Array, Graph, as_array
from ..language.printer import program_text
from ..language.table_texts import compiled, texts
from ..numbers.wide import as_float
from ..operations.row import Operation
from ..operations.shape import Misfit, Shape, size
from ..operations.structural import Structural
from ..operations.table import CONSTANTS, IF
from .floats import Floats, Kernel, alike, fitted, floats_of
from .perturbed import Arc, Numbered

__all__ = ["ArraySheet", "Map", "Spelled", "Text", "predicted"]


class Spelled:
    """A text that stands where an edge of numbers has its rule."""

    number, is_one = None, False

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Map:
    """What is sent, made of what arrives; times a number."""

    send: Callable[[Floats], Floats | None]
    text: str = ""
    scale: float = 1.0

    def of(self, up: Floats) -> Floats | None:
        """What is sent for what arrives; None where there is nothing that could be."""
        found = self.send(up)
        return found if found is None or self.scale == 1 else found * self.scale

    def __mul__(self, factor: float) -> "Map":
        return Map(self.send, self.text, self.scale * factor)

    __rmul__ = __mul__

    def __truediv__(self, number: float) -> "Map":
        return self * (1 / number)

    def __neg__(self) -> "Map":
        return self * -1.0


@dataclass(frozen=True, slots=True)
class Text:
    """A wrong rule at a structural node, as a program over the operands' names, `out` and `up`."""

    sheet: "ArraySheet"
    node: int
    graph: Graph

    def __str__(self) -> str:
        return self.sheet.spelled(self.node, self.graph)


@dataclass(slots=True)
class ArraySheet(Numbered):
    """What a trace of arrays holds; see perturbed.Numbered.

    sends: what each edge sends, in the order of the edges. seeded: what arrives from outside.
    folded: nodes that are several of the trace, with what is written there. claimed: shapes of
    claims, where these are others than the nodes'.
    """

    trace: ArrayTrace
    kernel: Kernel
    nodes: tuple[ArrayNode, ...]
    number: dict[int, int]
    values: list[Floats]
    gradients: list[Floats]
    output: int
    arcs: list[Arc] = field(default_factory=list)
    sent: list[list[Arc]] = field(default_factory=list)
    received: list[list[Arc]] = field(default_factory=list)
    sends: list[Floats] = field(default_factory=list)
    seeded: dict[int, Floats] = field(default_factory=dict)
    folded: dict[int, Any] = field(default_factory=dict)
    claimed: dict[int, Shape] = field(default_factory=dict)

    @classmethod
    def of(cls, trace: ArrayTrace, kernel: Kernel) -> "ArraySheet":
        """The sheet of a trace that lists its nodes."""
        numbers = {node.index: i for i, node in enumerate(trace.nodes)}
        constants = {
            node.value.numbers[0]: i
            for i, node in enumerate(trace.nodes)
            if node.kind == "constant"
        }
        for index, number in trace.names.graph.constants.items():
            exact = CONSTANTS[number] if isinstance(number, str) else number
            if index not in numbers and exact in constants:
                numbers[index] = constants[exact]

        def real(tensor: Tensor | None, shape: Shape) -> Floats:
            if tensor is None:
                return kernel.filled(shape, 0.0)
            return kernel.make(
                tensor.shape, [(None if x is None else as_float(x)) or 0.0 for x in tensor.numbers]
            )

        sheet = cls(
            trace, kernel, trace.nodes, numbers,
            [real(node.value, node.shape) for node in trace.nodes],
            [real(node.gradient, node.shape) for node in trace.nodes],
            numbers.get(trace.output, -1),
        )  # fmt: skip
        ends = trace.outputs or ((trace.output, trace.value, trace.upstream),)
        for index, value, up in ends:
            given: Array = as_array(up)
            seed = kernel.make(given.shape, given.numbers)
            whole = fitted(seed, value.shape)
            sheet.seeded[numbers[index]] = seed if whole is None else whole
        sheet.received = [[] for _ in trace.nodes]
        for i, node in enumerate(trace.nodes):
            sheet.sent.append([])
            for edge in node.edges:
                operand = numbers[edge.operand]
                local: Any = None
                rule: Any = edge.rule
                if edge.local is not None:
                    known = sheet.slope(i, edge.place)
                    local = real(edge.local, edge.local.shape) if known is None else known
                elif isinstance(node.row, Structural):
                    rule = Spelled(edge.vjp)
                    local = sheet.by_text(i, edge.place, edge.vjp)
                else:
                    continue  # a block that only its parts can compute
                arc = Arc(len(sheet.arcs), i, operand, edge.place, local, True, rule)
                sheet.arcs.append(arc)
                sheet.sent[i].append(arc)
                sheet.received[operand].append(arc)
                sheet.sends.append(real(edge.contribution, edge.contribution.shape))
        return sheet

    def structural(self, node: int, operand: int, place: int) -> Arc:
        """A new edge of a structural node, that sends nothing yet."""
        shown = self.spelled(node, self.rule(node, place))
        local = self.by_text(node, place, shown)
        rule: Any = Spelled(shown)
        arc = Arc(len(self.arcs), node, operand, place, local, True, rule)
        self.arcs.append(arc)
        self.sent[node].append(arc)
        self.received[operand].append(arc)
        self.sends.append(self.filled(self.nodes[operand].shape, 0.0))
        return arc

    def slope(self, node: int, place: int) -> Floats | None:
        """The local gradients of an operation on numbers, in elements that nothing reaches, too."""
        shown, row = self.nodes[node], self.nodes[node].row
        operands = self.operands(node)
        if row is IF:
            graph = self.trace.names.graph
            test = graph.conditions[graph.condition_of[shown.index]]
            one, zero = (self.filled((), number) for number in (1.0, 0.0))
            sides = [self.values[k] for k in operands[:2]]
            chosen = [one, zero] if place == 2 else [zero, one]
            found = self.kernel.choose(test.comparison, [*sides, *chosen])
            return fitted(found, shown.shape)
        if not row.variadic:
            leaves = self.leaves(node)
            local = None if leaves is None else self.value(texts(row).rules[place], leaves)
            return None if local is None else fitted(local, shown.shape)
        x, out = self.values[operands[place]], self.values[node]
        try:
            if len(operands) == 1:
                over, n = x.shape, size(x.shape) / size(shown.shape)
                ties = self.value(TIES, {"x": x, "out": out})
                if ties is not None:
                    ties = ties.sum(self.written(node))
            else:
                over, n = shown.shape, len(operands)
                same = [self.value(TIES, {"x": self.values[k], "out": out}) for k in operands]
                ties = reduce(add, [one for one in same if one is not None])
            leaves = {"x": x, "out": out, "n": self.filled((), float(n)), "ties": ties}
            local = self.value(texts(row).shown[0], leaves)
        except Misfit:
            return None
        return None if local is None else fitted(local, over)

    def by_text(self, node: int, place: int, shown: str) -> Map:
        """What a structural node sends to an operand, by its rule."""
        graph = self.rule(node, place, careful=True)
        return Map(lambda up: self.told(node, graph, up), shown)

    def rule(self, node: int, place: int, careful: bool = False) -> Graph:
        """The rule of a structural node for an operand, as a program."""
        row = self.nodes[node].row
        assert isinstance(row, Structural)
        shapes = [self.values[k].shape for k in self.operands(node)]
        return sent(row, place, shapes, self.written(node), careful)

    def told(self, node: int, text: Graph, up: Floats, **more: Floats) -> Floats | None:
        """What a text over a structural node's operands, `out` and `up` gives; None for nothing."""
        row = self.nodes[node].row
        operands = self.operands(node)
        assert isinstance(row, Structural)
        names = row.called(len(operands), self.written(node))
        leaves = {name: self.values[k] for name, k in zip(names, operands, strict=False)}
        return self.value(text, leaves | {OUT: self.values[node], UP: up} | more)

    def written(self, node: int) -> Any:
        """What is written at a node beside its operands."""
        if node in self.folded:
            return self.folded[node]
        shown = self.nodes[node]
        block = self.trace.names.blocks.get(shown.index)
        return (
            block.written if block is not None else self.trace.names.graph.written.get(shown.index)
        )

    def spelled(self, node: int, text: Graph) -> str:
        """A text over a structural node's operands, over the names of the nodes."""
        row = self.nodes[node].row
        assert isinstance(row, Structural)
        operands = self.operands(node)
        names = row.called(len(operands), self.written(node))
        given: dict[str, str | float] = {OUT: self.nodes[node].name}
        for name, k in zip(names, operands, strict=False):
            shown = self.nodes[k]
            constant = shown.value.numbers[0] if shown.kind == "constant" else None
            given[name] = shown.name if not isinstance(constant, float) else constant
        return program_text(renamed(text, given, [one.name for one in self.nodes]))

    # as of a trace of numbers

    def find(self, name: str) -> int | None:
        """The number of the node of that name."""
        return next((i for i, node in enumerate(self.nodes) if node.name == name), None)

    def row(self, node: int) -> Operation | None:
        """The node's row of the table of numbers, where it is done element by element."""
        row = self.nodes[node].row
        shown = self.nodes[node]
        if row.leaf or row.variadic or row is IF or isinstance(row, Structural) or not row.rules:
            return None
        return row if len(shown.operands) == len(row.operands) else None

    def value(self, text: Graph, leaves: Mapping[str, Any]) -> Floats | None:
        """The numbers that a text gives; None where there are none, or its shapes do not fit."""
        arrays = {name: self.array(x) for name, x in leaves.items()}
        try:
            found = floats_of(self.kernel, text, arrays)
        except (Misfit, KeyError, ValueError, AssertionError):
            return None
        return found if found.reach < float("inf") else None

    def array(self, x: Any) -> Floats:
        """A number, or what is an array already, as one."""
        return x if isinstance(x, Floats) else self.filled((), float(x))

    def applied(self, row: Operation, operands: list[Any]) -> Floats | None:
        """The value of an operation; None where there is none."""
        try:
            found = self.kernel.elementwise(row, [self.array(x) for x in operands])
        except Misfit:
            return None
        return found if found.reach < float("inf") else None

    def named(self, node: int) -> str:
        """`w = [1, 2]`: a node and its value; of a large one the name, a constant its number."""
        shown = self.nodes[node]
        if shown.kind == "constant" or size(shown.shape) > SHOWN:
            return shown.name
        return f"{shown.name} = {self.figure(self.values[node])}"

    def figure(self, value: Any) -> str:
        """Numbers for a message: 6 significant digits."""
        if isinstance(value, Map):
            return value.text
        if not isinstance(value, Floats):
            return f"{value + 0.0:.6g}"
        tensor = Tensor(value.shape, tuple([x + 0.0 for x in value.numbers]))
        return inline(tensor, 6) if size(value.shape) <= SHOWN else summary(tensor, 6)

    # a backward pass with changes

    def contribution(self, arc: Arc, up: Floats, m: Any, b: Any = 0.0) -> Floats | None:
        """What an edge sends that sends m times what arrives plus b, not yet in any shape.

        None where that is nothing. Where b stands in the place of a rule, it is what is sent for ones.
        """
        shown, own = self.nodes[arc.sender], self.nodes[arc.operand].shape
        over = own if shown.row.variadic and len(shown.operands) == 1 else shown.shape
        parts: list[Floats | None] = []
        try:
            if isinstance(m, Map):
                parts.append(m.of(up))
            elif isinstance(m, Floats) or m:
                product = up * m
                larger = size(product.shape) >= size(over)
                parts.append(product if larger else fitted(product, over))
            if isinstance(b, Map):
                parts.append(b.of(self.filled(shown.shape, 1.0)))
            elif isinstance(b, Floats) or b:
                parts.append(b if isinstance(b, Floats) else self.filled(over, float(b)))
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            return reduce(add, known) if known else self.filled(own, 0.0)
        except Misfit:
            return None

    def filled(self, shape: Shape, number: float) -> Floats:
        """An array of that number."""
        return self.kernel.filled(shape, number)


TIES = compiled("if(x == out, 1, 0)")

SHOWN = 6
"""Numbers of an array that a message writes out."""


def predicted(
    sheet: ArraySheet,
    changes: Iterable[tuple[Arc, Any, Any]],
    wanted: Sequence[bool],
    shapes: Mapping[int, Shape],
    stops: Callable[[int, Floats], bool] = lambda _node, _gradient: False,
) -> dict[int, Floats] | None:
    """The gradients that a backward pass over changed edges gives, where they may differ.

    wanted: nodes whose gradients are needed. shapes: those that claims have of nodes, where these
    are others than the nodes'. stops: whether nothing below a node is of interest with a gradient
    that it has. None where something that is sent fits nowhere.
    """
    changed = {arc.number: (m, b) for arc, m, b in changes}
    gradients: dict[int, Floats] = {}
    fresh: dict[int, Floats] = {}  # what is sent instead, by edge
    waiting = [-sheet.arcs[k].sender for k in changed]
    heapify(waiting)
    done = set[int]()
    while waiting:
        node = -heappop(waiting)
        if node in done:
            continue
        done.add(node)
        touched = [arc for arc in sheet.received[node] if arc.number in fresh]
        if touched:
            total = gathered(sheet, node, fresh, shapes.get(node))
            if total is None:
                return None
            gradients[node] = total
            if total.shape != sheet.nodes[node].shape or stops(node, total):
                continue  # from another shape nothing can go on
        up = gradients.get(node, sheet.gradients[node])
        for arc in sheet.sent[node]:
            if not wanted[arc.operand] or (not touched and arc.number not in changed):
                continue
            m, b = changed.get(arc.number, (arc.local, 0.0))
            sent = sheet.contribution(arc, up, m, b)
            if sent is None:
                if arc.number in changed:
                    return None
                continue
            fresh[arc.number] = sent
            heappush(waiting, -arc.operand)
    return gradients


def gathered(
    sheet: ArraySheet, node: int, fresh: Mapping[int, Floats], shape: Shape | None
) -> Floats | None:
    """The sum of what reaches a node; in its own shape, or in that of a claim."""
    own = sheet.nodes[node].shape
    arcs = sheet.received[node]
    parts = [fresh.get(arc.number, sheet.sends[arc.number]) for arc in arcs]
    terms: list[Floats | None]
    if shape is not None and shape != own:
        terms = [part for part in parts if part]
        if not terms or not all(part.shape == shape for part in parts if part):
            return None
    else:
        terms = [into(sheet, arc, part) for arc, part in zip(arcs, parts, strict=True)]
    if node in sheet.seeded:
        terms.append(sheet.seeded[node])
    known = [term for term in terms if term is not None]
    if len(known) < len(terms):
        return None
    return reduce(add, known) if known else sheet.filled(shape or own, 0.0)


def into(sheet: ArraySheet, arc: Arc, sent: Floats) -> Floats | None:
    """What an edge sends in the shape of its operand: summed where that was stretched."""
    shape = sheet.nodes[arc.operand].shape
    if sent.shape == shape:
        return sent
    stretched = not isinstance(sheet.nodes[arc.sender].row, Structural)
    return fitted(sent, shape) if stretched or alike(sent.shape, shape) else None
