"""Both passes of a trace as steps: what a lecturer does at the board, one node after the other.

Every number knows the step from which it is seen, so a step is told by its lines alone and shown by
one comparison per number.
"""

from dataclasses import dataclass, field
from typing import Any

from ...errors import visible
from ...numbers.decimal import ENORMOUS, decimal
from ...numbers.wide import UNEVALUATED, Number, Wide, negative, sign
from ...operations.row import Role
from ...trace.index import formula, formula_pieces, is_number, partial, rule_text
from ...trace.record import Edge, Node, Trace
from .diagram import Diagram

__all__ = ["Spans", "Story", "data", "rule", "seen", "sent", "slope", "sum_of", "tell"]

Spans = list[tuple[str, str]]
"""Pieces of text, each with its class: `value`, `gradient`, `quiet`, `name` or none."""

EQUALS = ("", " = ")
"""Where a line may be broken."""

ROLES = {
    Role.DISTRIBUTES: "the upstream gradient goes on to every operand, whatever their values",
    Role.SWAPS: "each operand receives the upstream gradient times the other operand",
    Role.ROUTES: "the upstream gradient goes on to the operand that was selected",
    Role.SCALES: "the upstream gradient is multiplied by the slope at this point",
}
"""What a role means, said at the node's backward step."""

BRANCHES = 6
"""Branches that a sum spells out where there are many more."""


@dataclass(slots=True)
class Story:
    """The steps, and when each number is first seen.

    top: what is differentiated, as it is written: `df`, or `d` where an upstream gradient came
    from outside. senders: for every node, who sends it a contribution. values, gradients: for
    every node, the step that shows its value, its full gradient. sends: for every node, the
    step in which it passes its gradient on. Nodes are places on the tape.
    """

    trace: Trace
    digits: int
    top: str
    senders: dict[int, list[tuple[Node, Edge]]]
    steps: list[dict[str, Any]] = field(default_factory=list)
    values: dict[int, int] = field(default_factory=dict)
    gradients: dict[int, int] = field(default_factory=dict)
    sends: dict[int, int] = field(default_factory=dict)

    def text(self, number: Number | None) -> str:
        if number is None or number is UNEVALUATED:
            return ""
        return decimal(number, self.digits)

    def add(self, phase: str, node: str, *lines: Spans, title: str = "") -> None:
        """One more step; phase: start, forward, backward or end."""
        step = {"phase": phase, "node": node, "title": title, "lines": [seen(x) for x in lines]}
        self.steps.append(step)


def seen(line: Spans) -> Spans:
    """A line whose control and bidirectional characters are written as escapes."""
    return [(kind, visible(text)) for kind, text in line]


def tell(trace: Trace, digits: int) -> Story:
    """The story of a trace; it has no steps where there is no point."""
    senders: dict[int, list[tuple[Node, Edge]]] = {}
    for node in trace.nodes:
        for edge in node.edges:
            senders.setdefault(edge.operand, []).append((node, edge))
    top = f"d{trace.output_name}" if trace.upstream == 1 else "d"
    story = Story(trace, digits, top, senders)
    if trace.value is UNEVALUATED:
        return story
    opening(story)
    for node in trace.nodes:
        if node.operation:
            story.values[node.index] = len(story.steps)
            title = f"Forward pass: {node.name} is computed."
            story.add("forward", node.name, forward(story, node), title=title)
    if trace.by_index[trace.output].gradient is not None:
        turning_point(story)
        for node in reversed(trace.nodes):
            if passes_on(node):
                story.sends[node.index] = len(story.steps)
                backward(story, node)
    ending(story)
    return story


def opening(story: Story) -> None:
    """Step 0: the graph, and the values of its inputs."""
    lines: list[Spans] = []
    for node in story.trace.nodes:
        if not node.operation:
            story.values[node.index] = 0
        if node.kind == "variable":
            lines.append([("", node.name), EQUALS, ("value", story.text(node.value))])
    title = "The graph, and the values of its inputs." if lines else "The graph."
    story.add("start", "", *lines, title=title)


def forward(story: Story, node: Node) -> Spans:
    """`q = x + y = -2 + 5 = 3`."""
    line = [("", node.name), EQUALS, ("", formula(story.trace, node)), EQUALS]
    numbers = substituted(story, node)
    if any(kind for kind, _ in numbers):
        line += [*numbers, EQUALS]
    return [*line, ("value", story.text(node.value))]


def substituted(story: Story, node: Node) -> Spans:
    """The formula with the values of its operands in the place of their names."""
    trace = story.trace
    pieces = [
        trace.name(piece) if isinstance(piece, int) and piece in trace.tape.constants else piece
        for piece in formula_pieces(trace, node)
    ]
    line: Spans = []
    text = ""
    for k, piece in enumerate(pieces):
        if isinstance(piece, str):
            text += piece
            continue
        line.append(("", text))
        text = ""
        before = pieces[k - 1] if k else ""
        after = pieces[k + 1] if k + 1 < len(pieces) else ""
        beside = ends_in_sign(before) or (isinstance(after, str) and after.startswith("^"))
        line += factor(story, trace.by_index[piece].value, "value", beside)
    return [*line, ("", text)]


def ends_in_sign(piece: str | int) -> bool:
    """Whether a piece of a formula ends in an operator."""
    return isinstance(piece, str) and piece.rstrip()[-1:] in tuple("+-*/^")


def factor(story: Story, number: Number, kind: str, beside: bool = True) -> Spans:
    """A number; in parentheses where a sign of its own would stand beside an operator."""
    shown = (kind, story.text(number))
    enormous = isinstance(number, Wide) and abs(number.exponent) >= ENORMOUS
    if beside and (sign(number) < 0 or enormous):
        return [("", "("), shown, ("", ")")]
    return [shown]


def turning_point(story: Story) -> None:
    """The backward pass starts at the output."""
    trace = story.trace
    story.gradients[trace.output] = len(story.steps)
    number = ("gradient", story.text(trace.upstream))
    line: Spans = [("", f"{story.top}/d{trace.output_name}"), EQUALS, number]
    if trace.upstream != 1:
        line.append(("quiet", "  the upstream gradient that was given"))
    title = "The backward pass starts at the output."
    story.add("backward", trace.output_name, line, title=title)


def passes_on(node: Node) -> bool:
    """Whether a node has a step in the backward pass."""
    stuck = node.operation and node.gradient == 0
    return node.gradient is not None and bool(node.edges or stuck)


def backward(story: Story, node: Node) -> None:
    """The step in which a node sends its contributions, and some gradients become complete."""
    here = len(story.steps)
    if node.index not in story.senders:
        story.gradients.setdefault(node.index, here)
    lines = [chain_rule(story, node, edge) for edge in node.edges]
    for operand in dict.fromkeys(edge.operand for edge in node.edges):
        if story.senders[operand][0][0] is node:  # the first on the tape is the last to send
            story.gradients[operand] = here
            total = sum_of(story, operand)
            if total:
                start: Spans = [("", f"{story.top}/d{story.trace.name(operand)}"), EQUALS, *total]
                number = ("gradient", story.text(story.trace.by_index[operand].gradient))
                lines.append([*start, EQUALS, number])
    title = f"Backward pass, {node.name}: no gradient passes here."
    if node.edges and node.role:
        verb, meaning = node.role.verb, ROLES[node.role]
        title = f"Backward pass, {node.name}: {node.operation} {verb}, {meaning}."
    story.add("backward", node.name, *lines, title=title)


def chain_rule(story: Story, node: Node, edge: Edge) -> Spans:
    """`df/dx += df/dq * dq/dx = -4 * 1 = -4`."""
    top, name, operand = story.top, node.name, story.trace.name(edge.operand)
    if not edge.routed:
        return [
            ("", f"{top}/d{operand} += "),
            ("gradient", "0"),
            ("quiet", f"  {node.operation} did not select {operand}"),
        ]
    return [
        ("", f"{top}/d{operand} += {top}/d{name} * d{name}/d{operand}"),
        EQUALS,
        ("gradient", story.text(node.gradient)),
        ("", " * "),
        *factor(story, edge.local, "gradient"),
        EQUALS,
        ("gradient", story.text(edge.contribution)),
    ]


def sum_of(story: Story, operand: int) -> Spans:
    """`-4 via q + 2 via r`; empty where no branches meet, or there are no numbers."""
    routed = [pair for pair in story.senders.get(operand, ()) if pair[1].routed]
    if len(routed) < 2 or not story.steps:
        return []
    line: Spans = []
    few = routed[:BRANCHES] if len(routed) > BRANCHES + 2 else routed
    for i, (sender, edge) in enumerate(few):
        minus = i > 0 and sign(edge.contribution) < 0
        line.append(("", "" if i == 0 else " - " if minus else " + "))
        number = story.text(negative(edge.contribution) if minus else edge.contribution)
        line += [("gradient", number), ("quiet", f" via {sender.name}")]
    if len(few) < len(routed):
        line.append(("quiet", f" + {len(routed) - len(few)} more"))
    return line


def ending(story: Story) -> None:
    """The last step: the gradients; whatever was not seen by now is seen here."""
    trace, here = story.trace, len(story.steps)
    for node in trace.nodes:
        story.gradients.setdefault(node.index, here)
    lines: list[Spans] = [
        [("", f"{story.top}/d{name}"), EQUALS, ("gradient", story.text(number))]
        for name, number in trace.gradients.items()
    ]
    title = "There are no variables, so there are no gradients."
    if lines:
        title = f"The gradients of {trace.output_name}."
    story.add("end", "", *lines, title=title)


# the data that the page's script reads


def data(story: Story, shown: Diagram) -> dict[str, Any]:
    """The steps, the vertices with their cards, and the wires; all texts as they are shown."""
    vertices = shown.vertices
    wires = [
        {
            "source": vertices[wire.source].name,
            "target": vertices[wire.target].name,
            "from": story.sends.get(vertices[wire.target].node, 0),
        }
        for wire in shown.wires
    ]
    nodes = [
        {
            "name": node.name,
            "value": story.values.get(node.index, 0),
            "gradient": story.gradients.get(node.index, 0),
            "title": seen(heading(story, node)),
            "card": card(story, node),
        }
        for node in (
            story.trace.by_index[k] for k in dict.fromkeys(vertex.node for vertex in vertices)
        )
    ]
    return {"steps": story.steps, "nodes": nodes, "wires": wires}


def heading(story: Story, node: Node) -> Spans:
    line = [("name", node.name)]
    if node.operation:
        return [*line, ("", f" = {formula(story.trace, node)}")]
    return [*line, ("quiet", "  a constant" if node.kind == "constant" else "  an input")]


def card(story: Story, node: Node) -> list[dict[str, Any]]:
    """What a node shows when it is pointed at: labels, and lines with the step they belong to."""
    rows: list[tuple[str, int, Spans]] = []
    if story.text(node.value) and node.kind != "constant":
        rows.append(("value", story.values[node.index], [("value", story.text(node.value))]))
    if node.gradient is not None and story.text(node.gradient):
        number = ("gradient", story.text(node.gradient))
        label = "upstream" if node.edges else "gradient"
        line = [*sum_of(story, node.index), EQUALS] if sum_of(story, node.index) else []
        rows.append((label, story.gradients[node.index], [*line, number]))
    for i, edge in enumerate(node.edges):
        line = [*rule(story, node, edge), *slope(story, edge)]
        rows.append(("local" if i == 0 else "", story.sends.get(node.index, 0), line))
    for i, edge in enumerate(node.edges):
        if story.text(edge.contribution):
            label = node.role.verb if i == 0 and node.role else ""
            rows.append((label, story.sends[node.index], sent(story, edge)))
    return [{"label": label, "from": step, "line": seen(line)} for label, step, line in rows]


def rule(story: Story, node: Node, edge: Edge) -> Spans:
    """`df/dq = z`, or the left side alone where the rule is a number."""
    sign = partial(story.trace, node, edge)
    text = rule_text(story.trace, node, edge)
    if text == sign or is_number(text, story.text(edge.local)):
        return [("quiet", sign)]
    return [("quiet", sign), ("quiet", " = "), ("", text)]


def slope(story: Story, edge: Edge) -> Spans:
    """The number of a local gradient, to stand after its rule: ` = -4`."""
    number = story.text(edge.local)
    return [("quiet", " = "), ("gradient", number)] if number else []


def sent(story: Story, edge: Edge) -> Spans:
    """What an edge sends, and to whom: `-4 → q`."""
    number = ("gradient", story.text(edge.contribution)) if edge.routed else ("quiet", "0")
    return [number, ("quiet", f" → {story.trace.name(edge.operand)}")]
