"""A trace as numbers to compute with: its backward pass, run again with some of it changed.

Whatever a person gets wrong at an edge, what it sends is still m times the upstream gradient plus
b. So every mistake is a few pairs (m, b) put in the place of local gradients, and what it does to
the gradient of a node c is known at once from the slopes towards c.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

from ..language.graph import Graph
from ..language.table_texts import texts
from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import Undecided
from ..numbers.binary64 import binary64
from ..numbers.decimal import LARGEST_FLOAT, short_number
from ..numbers.multiprecision import multiprecision
from ..numbers.wide import Number, Wide
from ..operations.row import Operation
from ..operations.table import IF
from ..passes.backward import backward
from ..symbolic.rules import Rule
from ..trace.record import Node, Trace

__all__ = [
    "Arc",
    "Change",
    "Numbered",
    "Sheet",
    "Towards",
    "paths_to",
    "predicted",
    "replay",
    "shift",
    "slopes",
]

Change = tuple["Arc", Any, Any]
"""An edge that sends m times the upstream gradient plus b, whatever its local gradient is."""

UNDEFINED = float("nan")


@dataclass(frozen=True, slots=True)
class Arc:
    """One edge of the graph by numbers: node ``sender`` sends upstream x local to ``operand``.

    place: which operand of the sender it is. rule: the local gradient as a formula, if it has one.
    """

    number: int
    sender: int
    operand: int
    place: int
    local: Any
    routed: bool
    rule: Rule | None


class Numbered(Protocol):
    """The nodes of a trace, of numbers or of arrays, numbered in the order of the tape.

    number: of a node, by its place on the tape. sent, received: the edges from a node to its
    operands, and those that reach it.
    """

    nodes: Any
    number: dict[int, int]
    values: list[Any]
    sent: list[list[Arc]]
    received: list[list[Arc]]

    def row(self, node: int) -> Operation | None:
        """The node's row of the table of operations, where its operands are those of the row."""

    def operation(self, node: int) -> str:
        operation: str = self.nodes[node].operation
        return operation

    def operands(self, node: int) -> list[int]:
        """The nodes a node is computed from."""
        return [self.number[operand] for operand in self.nodes[node].operands]

    def leaves(self, node: int, **replaced: Any) -> dict[str, Any] | None:
        """The values behind the names of a row's texts; None where there are none."""
        row = self.row(node)
        if row is None:
            return None
        operands = self.operands(node)
        values = {name: self.values[k] for name, k in zip(row.operands, operands, strict=True)}
        return values | {"out": self.values[node]} | replaced

    def title(self, node: int) -> str:
        """`n3 (mul)`: a node and what it does."""
        shown = self.nodes[node]
        return f"{shown.name} ({shown.operation})" if shown.operation else str(shown.name)


def paths_to(sheet: Numbered, claimed: Iterable[int]) -> list[bool]:
    """For every node, whether one of the claimed nodes is that node or lies below it."""
    reached = [False] * len(sheet.nodes)
    for node in claimed:
        reached[node] = True
    for node, arcs in enumerate(sheet.sent):
        reached[node] = reached[node] or any(reached[arc.operand] for arc in arcs)
    return reached


@dataclass(slots=True)
class Sheet(Numbered):
    """What a trace holds."""

    trace: Trace
    arithmetic: Arithmetic
    nodes: tuple[Node, ...]
    number: dict[int, int]
    values: list[Any]
    gradients: list[Any]
    output: int
    arcs: list[Arc] = field(default_factory=list)
    sent: list[list[Arc]] = field(default_factory=list)
    received: list[list[Arc]] = field(default_factory=list)

    @classmethod
    def of(cls, trace: Trace, wide: bool = False) -> "Sheet":
        """The sheet of a trace that lists its nodes; wide numbers only where floats can't do, or
        where asked for.
        """
        arithmetic = multiprecision(192, True) if wide or not fits(trace) else binary64
        numbers = {node.index: i for i, node in enumerate(trace.nodes)}

        def real(number: Number | None) -> Any:
            if isinstance(number, Wide):
                if not number.exists:
                    return arithmetic.number(UNDEFINED)
                return real_of(arithmetic, number)
            return arithmetic.number(number or 0.0)

        with arithmetic.context():
            sheet = cls(
                trace,
                arithmetic,
                trace.nodes,
                numbers,
                [real(node.value) for node in trace.nodes],
                [real(node.gradient) for node in trace.nodes],
                numbers.get(trace.output, -1),
            )
            sheet.received = [[] for _ in trace.nodes]
            for i, node in enumerate(trace.nodes):
                sheet.sent.append([])
                for edge in node.edges:
                    operand = numbers[edge.operand]
                    sheet.join(i, operand, edge.place, real(edge.local), edge.routed, edge.rule)
                if not node.edges:
                    sheet.join_in_vain(i)
        return sheet

    def join(
        self, sender: int, operand: int, place: int, local: Any, routed: bool, rule: Rule | None
    ) -> None:
        """Add an edge."""
        arc = Arc(len(self.arcs), sender, operand, place, local, routed, rule)
        self.arcs.append(arc)
        self.sent[sender].append(arc)
        self.received[operand].append(arc)

    def join_in_vain(self, node: int) -> None:
        """Add the edges of a node that no gradient reaches, as behind a relu that is off."""
        row, leaves = self.row(node), self.leaves(node)
        if row is None or leaves is None or self.nodes[node].gradient is None:
            return
        for place, operand in enumerate(self.operands(node)):
            text = texts(row).shown[place]
            local = self.value(text, leaves)
            if local is not None and self.nodes[operand].gradient is not None:
                self.join(node, operand, place, local, True, Rule(text, text.output))

    def find(self, name: str) -> int | None:
        """The number of the node of that name."""
        node = self.trace.by_name.get(name)
        return self.number[node.index] if node else None

    def row(self, node: int) -> Operation | None:
        shown = self.nodes[node]
        row = shown.row
        mirrored = shown.block is not None and shown.block.mirrored
        if row is None or row.leaf or row.variadic or row is IF or mirrored:
            return None
        return row if len(shown.operands) == len(row.operands) else None

    def value(self, text: Graph, leaves: dict[str, Any]) -> Any | None:
        """The number that a text of the table gives; None where there is none."""
        try:
            result = self.arithmetic.plain(text, leaves)
        except Undecided:  # a 0 that may have underflowed: floats cannot tell
            result = widely(text, leaves)
        except (ZeroDivisionError, ValueError, OverflowError):
            return None
        finite = hasattr(result, "real") and not getattr(result, "imag", 0)
        return result if finite and abs(result) < float("inf") else None

    def applied(self, row: Operation, operands: list[Any]) -> Any | None:
        """The value of an operation; None where there is none."""
        try:
            result = self.arithmetic.value(row, operands)
        except (Undecided, ZeroDivisionError, ValueError, OverflowError):
            return None
        return result if abs(result) < float("inf") else None

    def named(self, node: int) -> str:
        """`w1 = -3`: a node and its value; a constant is only its number."""
        shown = self.nodes[node]
        if shown.kind == "constant":
            return shown.name
        return f"{shown.name} = {self.figure(self.values[node])}"

    def figure(self, value: Any) -> str:
        """A number for a message: 6 significant digits."""
        if isinstance(value, float):
            return f"{value + 0.0:.6g}"
        return short_number(value) if value == value and value else "0"


def fits(trace: Trace) -> bool:
    """Whether every number of the trace that exists is near a float."""

    def near(number: Number | None) -> bool:
        return not isinstance(number, Wide) or not number.exists or number.nearest is not None

    return all(
        near(node.value)
        and near(node.gradient)
        and all(near(edge.local) and near(edge.contribution) for edge in node.edges)
        for node in trace.nodes
    )


def real_of(arithmetic: Arithmetic, number: Wide) -> Any:
    """A finite number of a trace in an arithmetic."""
    return number.nearest if arithmetic is binary64 else arithmetic.number(number.text)


def widely(text: Graph, leaves: dict[str, Any]) -> float:
    """The number of a text by way of wide numbers; nan where it does not exist."""
    arithmetic = multiprecision(192, True)
    with arithmetic.context():
        exact = {name: arithmetic.number(value) for name, value in leaves.items()}
        try:
            result = arithmetic.plain(text, exact)
        except (Undecided, ZeroDivisionError, ValueError, OverflowError):
            return UNDEFINED
        if getattr(result, "imag", 0) or abs(result) > LARGEST_FLOAT:
            return UNDEFINED
        return float(result)


def replay(sheet: Sheet, changes: Sequence[Change] = ()) -> list[Any]:
    """The gradients of all nodes by one backward pass over changed edges."""
    changed = {arc.number: (m, b) for arc, m, b in changes}
    none = sheet.arithmetic.zero[0]

    def vjp(arc: Arc, upstream: Any) -> Any | None:
        if arc.number in changed:
            m, b = changed[arc.number]
            return upstream * m + b
        return upstream * arc.local if arc.routed else None

    # What is sent whatever arrives is sent by nodes that nothing reaches, too.
    return along(sheet, vjp, {arc.sender: none for arc, _, b in changes if b})


def along(
    sheet: Sheet, vjp: Callable[[Arc, Any], Any | None], seeds: dict[int, Any] | None = None
) -> list[Any]:
    """The gradients of all nodes by a backward pass in which an edge sends what it is told to."""
    seed, none = sheet.arithmetic.number(sheet.trace.upstream), sheet.arithmetic.zero[0]
    operands = [[arc.operand for arc in arcs] for arcs in sheet.sent]

    def send(node: int, place: int, upstream: Any) -> Any | None:
        return vjp(sheet.sent[node][place], upstream)

    gradients = backward(operands, {**(seeds or {}), sheet.output: seed}, send, sum)
    return [gradients.get(node, none) for node in range(len(sheet.nodes))]


class Towards(dict[int, Any]):
    """The gradients of nodes by one node, of those that depend on it; of all others, 0."""

    def __init__(self, zero: Any) -> None:
        super().__init__()
        self.zero = zero

    def __missing__(self, node: int) -> Any:
        return self.zero


def slopes(sheet: Sheet, claimed: int) -> Towards:
    """The gradients by the claimed node of the nodes between it and the output, in their order."""
    zero = sheet.arithmetic.number(0.0)
    slope = Towards(zero)
    totals = {claimed: sheet.arithmetic.number(1.0)}
    waiting = [claimed]
    while waiting:
        node = heappop(waiting)
        slope[node] = total = totals[node]
        for arc in sheet.received[node]:
            if arc.sender > sheet.output:
                continue
            if arc.sender not in totals:
                totals[arc.sender] = zero
                heappush(waiting, arc.sender)
            if arc.routed:
                totals[arc.sender] = totals[arc.sender] + arc.local * total
    return slope


def predicted(sheet: Sheet, changes: Iterable[Change]) -> dict[int, Any]:
    """The gradients that a backward pass over changed edges gives, where they may differ."""
    changed = {arc.number: (m, b) for arc, m, b in changes}
    changed_at: dict[int, list[Arc]] = {}
    for arc, _, _ in changes:
        changed_at.setdefault(arc.sender, []).append(arc)
    delta = dict.fromkeys(changed_at, sheet.arithmetic.number(0.0))
    waiting = [-node for node in delta]
    heapify(waiting)
    moved = set[int]()
    while waiting:
        node = -heappop(waiting)
        upstream, more = sheet.gradients[node], delta[node]
        for arc in sheet.sent[node] if more else changed_at.get(node, ()):
            if arc.number in changed:
                m, b = changed[arc.number]
                sent = (upstream + more) * m + b - upstream * arc.local
            elif arc.routed:
                sent = more * arc.local
            else:
                continue
            moved.add(arc.operand)
            if arc.operand in delta:
                delta[arc.operand] = delta[arc.operand] + sent
            else:
                delta[arc.operand] = sent
                heappush(waiting, -arc.operand)
    return {node: total(sheet, node, changed, delta) for node in moved}


def total(
    sheet: Sheet, node: int, changed: dict[int, tuple[Any, Any]], delta: dict[int, Any]
) -> Any:
    """A gradient and what changed edges add to it; added up anew where that cancels."""
    gradient = sheet.gradients[node] + delta[node]
    if abs(gradient) * 2.0**10 > abs(sheet.gradients[node]):
        return gradient
    terms = []
    for arc in sheet.received[node]:
        upstream = sheet.gradients[arc.sender] + delta.get(arc.sender, 0)
        m, b = changed.get(arc.number, (arc.local if arc.routed else 0, 0))
        terms.append(upstream * m + b)
    return sum(terms)


def shift(sheet: Sheet, changes: Iterable[Change], slope: Towards) -> Any:
    """By how much changed edges move the gradient of the node that the slopes lead to.

    Exact where the changes stand side by side (at one sender, or into one operand) or directly
    one below the other, the upper one first.
    """
    moved: Any = sheet.arithmetic.number(0.0)
    extra: dict[int, Any] = {}
    for arc, m, b in changes:
        upstream = sheet.gradients[arc.sender] + extra.get(arc.sender, 0)
        delta = upstream * (m - arc.local) + b
        extra[arc.operand] = extra.get(arc.operand, 0) + delta
        moved = moved + delta * slope[arc.operand]
    return moved
