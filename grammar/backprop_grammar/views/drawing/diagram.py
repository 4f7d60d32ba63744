"""A trace as a picture: gates, wires between them, and the numbers beside the wires.

The insight: every picture format draws the same diagram, so what a gate shows, which wire
carries which number and where a name stands is decided once, here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ...numbers.decimal import decimal
from ...numbers.wide import UNEVALUATED, Number
from ...operations.table import FUNCTIONS, OPERATIONS
from ...trace.record import Node, Trace

__all__ = ["Boundary", "Diagram", "Vertex", "Wire", "diagram"]


@dataclass(frozen=True, slots=True)
class Vertex:
    """A leaf or a gate.

    name: of the node in the trace. symbol: what the gate shows, such as `+`, `exp`, `1/x`; empty
    at a leaf. label: the name written beside it, of leaves and named stages. value, gradient: of
    the wire that leaves it, empty where there is none. formula: over the operands' names.
    """

    name: str
    symbol: str
    label: str
    value: str
    gradient: str
    formula: str
    role: str
    block: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """From an operand to the gate that uses it.

    slot: which of the gate's wires, from the top. contribution: what the backward pass sends
    along it, empty where nothing is differentiated. routed: False where the gate did not select
    this operand. rule: the local gradient as a formula; local: as a number.
    """

    source: int
    target: int
    slot: int
    contribution: str = ""
    routed: bool = True
    rule: str = ""
    local: str = ""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A frame around the vertices of a block that is shown as its parts."""

    title: str
    members: frozenset[int]


@dataclass(frozen=True, slots=True)
class Diagram:
    """What a picture shows. vertices: operands before what uses them; the last is the output."""

    title: str
    description: str
    vertices: tuple[Vertex, ...]
    wires: tuple[Wire, ...]
    boundaries: tuple[Boundary, ...]

    def fan_out(self) -> list[int]:
        """For every vertex, how many wires leave it."""
        count = [0] * len(self.vertices)
        for wire in self.wires:
            count[wire.source] += 1
        return count


def diagram(trace: Trace, digits: int = 6) -> Diagram:
    """The diagram of a trace; numbers at that many significant digits."""
    nodes = {node.name: node for node in trace.nodes}
    seen = {trace.output}
    for node in reversed(trace.nodes):
        if node.name in seen:
            seen.update(node.operands)
    place: dict[str, int] = {}
    vertices: list[Vertex] = []
    wires: list[Wire] = []
    for node in trace.nodes:
        if node.name not in seen or (node.kind == "constant" and node.name != trace.output):
            continue  # a constant is part of its gate's symbol, or a leaf of its own per use
        edges = list(node.edges)
        found: list[tuple[int, str, bool]] = []
        for position, name in shown_operands(node, nodes):
            if nodes[name].kind == "constant":
                vertices.append(vertex(nodes[name], digits))
            source = len(vertices) - 1 if nodes[name].kind == "constant" else place[name]
            found.append((source, name, node.operation == "if" and position < 2))
        place[node.name] = len(vertices)
        vertices.append(vertex(node, digits, symbol(node, nodes)))
        for slot, (source, name, tested) in enumerate(found):
            edge = next((edge for edge in edges if edge.operand == name), None)
            if edge is None or tested:  # what a condition compares receives nothing
                wires.append(Wire(source, len(vertices) - 1, slot))
                continue
            edges.remove(edge)
            wires.append(
                Wire(source, len(vertices) - 1, slot, shown(edge.contribution, digits),
                     edge.routed, edge.rule, shown(edge.local, digits))
            )  # fmt: skip
    boundaries = [
        Boundary(frame.title, frozenset(place[name] for name in frame.nodes if name in place))
        for frame in trace.frames
    ]
    return Diagram(
        trace.formula, description(trace, digits), tuple(vertices), tuple(wires),
        tuple(boundary for boundary in boundaries if boundary.members),
    )  # fmt: skip


def shown_operands(node: Node, nodes: dict[str, Node]) -> list[tuple[int, str]]:
    """The operands that have a wire, with their places; other constants are in the symbol."""
    whole = node.kind == "block" or not any(nodes[n].kind != "constant" for n in node.operands)
    return [
        (i, name)
        for i, name in enumerate(node.operands)
        if whole or nodes[name].kind != "constant" or (node.operation == "if" and i > 1)
    ]


def shown(number: Number, digits: int) -> str:
    return "" if number is UNEVALUATED else decimal(number, digits)


def vertex(node: Node, digits: int, symbol: str = "") -> Vertex:
    label = node.name if node.named or not node.operation else ""
    gradient = "" if node.gradient is None else shown(node.gradient, digits)
    value = "" if node.kind == "constant" else shown(node.value, digits)
    return Vertex(
        node.name, symbol, label, value, gradient, node.formula if node.operation else "",
        node.role, node.kind == "block",
    )  # fmt: skip


def symbol(node: Node, nodes: dict[str, Node]) -> str:
    """What a gate shows; constant operands are part of it: `+1`, `1/x`, `^2`, `max(_, 0)`."""
    if not node.operation:
        return ""
    fixed = [name if nodes[name].kind == "constant" else "" for name in node.operands]
    row = OPERATIONS.get(node.operation)
    if node.kind == "block" or row is None:
        return node.operation
    if node.operation == "neg":
        return "*-1"
    if node.operation == "identity":
        return "="
    if node.operation == "if":
        return condition(node, fixed)
    sign = row.symbol if node.operation not in FUNCTIONS or "^" in node.formula else ""
    if not any(fixed) or all(fixed):
        return sign or node.operation
    if sign:
        left, right = (f"({n})" if n.startswith("-") and sign in "+-" else n for n in fixed)
        if not left:
            return f"{sign}{right}"
        return f"{sign}{left}" if sign in "+*" else f"{left}{sign}x"
    count = node.formula.count(", ") + 1  # a last operand that is its default is not written
    return f"{node.operation}({', '.join(name or '_' for name in fixed[:count])})" if any(fixed[:count]) else node.operation  # fmt: skip


def condition(node: Node, fixed: list[str]) -> str:
    """`if < 0`, or `if <` where both sides are computed."""
    comparison = node.formula.removeprefix(f"if({node.operands[0]} ").split(" ", 1)[0]
    left, right = fixed[:2]
    return " ".join(part for part in ("if", left, comparison, right) if part)


def description(trace: Trace, digits: int) -> str:
    """The picture in words, for who does not see it."""
    parts: list[str] = []
    if trace.value is UNEVALUATED:
        parts.append(f"The computational graph of {trace.output}, from the inputs on the left.")
    else:
        parts.append(f"{trace.output} is {decimal(trace.value, digits)}.")
        parts.extend(gradients(trace, digits))
    return " ".join(parts)


def gradients(trace: Trace, digits: int) -> Iterable[str]:
    for count, (name, number) in enumerate(trace.gradients.items()):
        if count == 20:
            yield f"And {len(trace.gradients) - count} more gradients."
            break
        yield f"Its gradient by {name} is {decimal(number, digits)}."
