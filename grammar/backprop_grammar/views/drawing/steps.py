"""Both passes of a trace as steps: what a lecturer does at the board, one node after the other.

Every number knows the step from which it is seen, so a step is told by its lines alone and shown by
one comparison per number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...errors import visible
from ...numbers.decimal import Decimals, decimal
from ...numbers.wide import UNEVALUATED, Number, as_float, negative, sign
from ...operations.row import Role
from ...trace.index import formula, formula_pieces, is_number, partial, rule_text
from ...trace.record import Edge, Node, Trace
from .diagram import Diagram

__all__ = [
    "Spans",
    "Story",
    "data",
    "figures",
    "rule",
    "seen",
    "sent",
    "slope",
    "sum_of",
    "tell",
]

Span = tuple[str, ...]
Spans = list[Span]
"""Pieces of text, each with its class: `value`, `gradient`, `quiet`, `name` or none.

A number has its reference, too, by which a page that computes finds it: `v3` is the value of node 3,
`g3` its gradient, `l3.0` the local gradient of its first edge, `c3.0` what that edge sends, `r3.0`
the formula of that. Then, of a number, `beside` where it stands beside an operator, and the name that
stands for it where it is not evaluated. A piece of the class `sum` is the sum of what node 3 receives,
and its text follows it, if it is one. A line may begin with a condition: `routed` or `unrouted`, and
an edge; `total`, a node, and the step that may be the last to send it something.
"""

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
    from outside. senders: for every node, who sends it a contribution, and along which edge.
    values, gradients: for every node, the step that shows its value, its full gradient. sends: for
    every node, the step in which it passes its gradient on. general: of edges whose formula depends
    on the point, the one that does not. Nodes are places on the tape.
    """

    trace: Trace
    digits: int
    top: str
    senders: dict[int, list[tuple[Node, int]]]
    general: dict[tuple[int, int], str]
    steps: list[dict[str, Any]] = field(default_factory=list)
    values: dict[int, int] = field(default_factory=dict)
    gradients: dict[int, int] = field(default_factory=dict)
    sends: dict[int, int] = field(default_factory=dict)

    def text(self, number: Number | None) -> str:
        if number is None or number is UNEVALUATED:
            return ""
        return decimal(number, self.digits)

    def figure(self, kind: str, number: Number | None, reference: str, *how: str) -> Span:
        """A number as a piece of a line."""
        return (kind, self.text(number), reference, *how)

    def add(self, phase: str, node: str, *lines: Spans, title: str = "", needs: str = "") -> None:
        """One more step; phase: start, forward, backward or end. needs: the number without which
        there is no such step.
        """
        step = {"phase": phase, "node": node, "title": title, "lines": [seen(x) for x in lines]}
        self.steps.append(step | ({"needs": needs} if needs else {}))


def seen(line: Spans) -> Spans:
    """A line whose control and bidirectional characters are written as escapes."""
    return [(kind, visible(text), *more) for kind, text, *more in line]


def tell(trace: Trace, whole: Trace, digits: int) -> Story:
    """The story of a trace; it has no steps where there is no point. whole: its outline."""
    senders: dict[int, list[tuple[Node, int]]] = {}
    for node in trace.nodes:
        for k, edge in enumerate(node.edges):
            senders.setdefault(edge.operand, []).append((node, k))
    top = f"d{trace.output_name}" if trace.upstream == 1 else "d"
    story = Story(trace, digits, top, senders, general(trace, whole))
    if trace.value is UNEVALUATED:
        return story
    opening(story)
    for node in trace.nodes:
        if node.operation:
            story.values[node.index] = len(story.steps)
            title = f"Forward pass: {node.name} is computed."
            needs = f"v{node.index}"
            story.add("forward", node.name, forward(story, node), title=title, needs=needs)
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
            value = story.figure("value", node.value, f"v{node.index}")
            lines.append([("", node.name), EQUALS, value])
    title = "The graph, and the values of its inputs." if lines else "The graph."
    story.add("start", "", *lines, title=title)


def forward(story: Story, node: Node) -> Spans:
    """`q = x + y = -2 + 5 = 3`."""
    line: Spans = [("", node.name), EQUALS, ("", formula(story.trace, node)), EQUALS]
    numbers = substituted(story, node)
    if any(kind for kind, *_ in numbers):
        line += [*numbers, EQUALS]
    return [*line, story.figure("value", node.value, f"v{node.index}")]


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
        how = (["beside"] if beside else [""]) + [trace.name(piece)] * bool(
            trace.tape.regions[piece]
        )
        line.append(story.figure("value", trace.by_index[piece].value, f"v{piece}", *how))
    return [*line, ("", text)]


def ends_in_sign(piece: str | int) -> bool:
    """Whether a piece of a formula ends in an operator."""
    return isinstance(piece, str) and piece.rstrip()[-1:] in tuple("+-*/^")


def turning_point(story: Story) -> None:
    """The backward pass starts at the output."""
    trace = story.trace
    story.gradients[trace.output] = len(story.steps)
    number = story.figure("gradient", trace.upstream, f"g{trace.output}")
    line: Spans = [("", f"{story.top}/d{trace.output_name}"), EQUALS, number]
    if trace.upstream != 1:
        line.append(("quiet", "  the upstream gradient that was given"))
    title = "The backward pass starts at the output."
    needs = f"g{trace.output}"
    story.add("backward", trace.output_name, line, title=title, needs=needs)


def passes_on(node: Node) -> bool:
    """Whether a node has a step in the backward pass."""
    stuck = node.operation and node.gradient == 0
    return node.gradient is not None and bool(node.edges or stuck)


def backward(story: Story, node: Node) -> None:
    """The step in which a node sends its contributions, and some gradients become complete."""
    here = len(story.steps)
    if node.index not in story.senders:
        story.gradients.setdefault(node.index, here)
    lines = [line for k in range(len(node.edges)) for line in chain_rule(story, node, k)]
    for operand in dict.fromkeys(edge.operand for edge in node.edges):
        senders = story.senders[operand]
        if senders[0][0] is node:  # the first on the tape is the last to send
            story.gradients[operand] = here
        if len(senders) > 1:
            number = story.figure("gradient", story.trace.by_index[operand].gradient, f"g{operand}")
            start = ("", f"{story.top}/d{story.trace.name(operand)}")
            total = ("sum", EQUALS[1], str(operand))
            lines.append([("total", str(operand), str(here)), start, EQUALS, total, number])
    title = stuck = f"Backward pass, {node.name}: no gradient passes here."
    if node.edges and node.role:
        verb, meaning = node.role.verb, ROLES[node.role]
        title = f"Backward pass, {node.name}: {node.operation} {verb}, {meaning}."
    story.add("backward", node.name, *lines, title=title, needs=f"g{node.index}")
    if node.edges:
        story.steps[-1]["stuck"] = stuck


def chain_rule(story: Story, node: Node, k: int) -> Iterator[Spans]:
    """`df/dx += df/dq * dq/dx = -4 * 1 = -4`, or that the node did not select the operand."""
    edge, of = node.edges[k], f"{node.index}.{k}"
    top, name, operand = story.top, node.name, story.trace.name(edge.operand)
    routes = node.role is Role.ROUTES or not edge.routed
    if routes:
        yield [
            ("unrouted", f"c{of}"),
            ("", f"{top}/d{operand} += "),
            ("gradient", "0"),
            ("quiet", f"  {node.operation} did not select {operand}"),
        ]
    yield [
        ("routed", f"c{of}"),
        ("", f"{top}/d{operand} += {top}/d{name} * d{name}/d{operand}"),
        EQUALS,
        story.figure("gradient", node.gradient, f"g{node.index}"),
        ("", " * "),
        story.figure("gradient", edge.local, f"l{of}", "beside"),
        EQUALS,
        story.figure("gradient", edge.contribution, f"c{of}"),
    ]


def sum_of(story: Story, operand: int) -> Spans:
    """`-4 via q + 2 via r`; empty where no branches meet, or there are no numbers."""
    pairs = [(node, node.edges[k]) for node, k in story.senders.get(operand, ())]
    routed = [pair for pair in pairs if pair[1].routed]
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
        [
            ("", f"{story.top}/d{name}"),
            EQUALS,
            story.figure("gradient", number, f"g{trace.names.find(name)}"),
        ]
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
    edges = edges_of(story.trace, shown)
    wires = [
        {
            "source": vertices[wire.source].name,
            "target": vertices[wire.target].name,
            "edge": edges[k],
            "from": story.sends.get(vertices[wire.target].node, 0),
        }
        for k, wire in enumerate(shown.wires)
    ]
    nodes = [
        {
            "name": node.name,
            "index": node.index,
            "title": seen(heading(story, node)),
            "card": card(story, node),
        }
        for node in (
            story.trace.by_index[k] for k in dict.fromkeys(vertex.node for vertex in vertices)
        )
    ]
    sums = {
        node: [[f"c{sender.index}.{k}", visible(sender.name)] for sender, k in senders]
        for node, senders in story.senders.items()
        if len(senders) > 1
    }
    return {
        "digits": story.digits,
        "decimals": isinstance(story.digits, Decimals),
        "steps": story.steps,
        "nodes": nodes,
        "wires": wires,
        "sums": sums,
        "branches": BRANCHES,
        "numbers": figures(story),
    }


def edges_of(trace: Trace, shown: Diagram) -> list[str]:
    """Of each wire the edge that it draws; none of what a condition compares."""
    drawn: dict[tuple[int, int], list[int]] = {}
    for k, wire in enumerate(shown.wires):
        pair = shown.vertices[wire.target].node, shown.vertices[wire.source].node
        drawn.setdefault(pair, []).append(k)
    found = [""] * len(shown.wires)
    for (target, source), wires in drawn.items():
        own = [k for k, edge in enumerate(trace.by_index[target].edges) if edge.operand == source]
        for drawing, k in zip(wires[len(wires) - len(own) :], own, strict=True):
            found[drawing] = f"{target}.{k}"
    return found


def figures(story: Story) -> dict[str, list[Any]]:
    """Every number by its reference: as it is shown, as a float, from which step it is seen, and of
    what an edge sends whether it does. Of a formula: as it is at the point, and at any.
    """
    found: dict[str, list[Any]] = {}
    for node in story.trace.nodes:
        values, sends = story.values.get(node.index, 0), story.sends.get(node.index, 0)
        found[f"v{node.index}"] = [story.text(node.value), floated(node.value), values]
        if node.gradient is not None:
            arrives = story.gradients.get(node.index, 0)
            found[f"g{node.index}"] = [story.text(node.gradient), floated(node.gradient), arrives]
        for k, edge in enumerate(node.edges):
            of = f"{node.index}.{k}"
            found[f"l{of}"] = [story.text(edge.local), floated(edge.local), sends]
            sent = story.text(edge.contribution)
            found[f"c{of}"] = [sent, floated(edge.contribution), sends, int(edge.routed)]
            if (node.index, edge.place) in story.general:
                found[f"r{of}"] = [
                    visible(formula_of(story, node, edge)),
                    story.general[node.index, edge.place],
                ]
    return found


def floated(number: Number | None) -> float | None:
    """A number as a float; None where there is none."""
    return None if number is None or number is UNEVALUATED else as_float(number)


def general(trace: Trace, whole: Trace) -> dict[tuple[int, int], str]:
    """The formulas of local gradients that hold at any point, where that at the point is another."""
    found = {}
    for node in whole.nodes:
        own = {edge.place: edge for edge in trace.by_index[node.index].edges}
        for edge in node.edges:
            text = "" if edge.rule is None else f" = {rule_text(whole, node, edge)}"
            if edge.place in own and f" = {rule_text(trace, node, own[edge.place])}" != text:
                found[node.index, edge.place] = visible(text)
    return found


def heading(story: Story, node: Node) -> Spans:
    line = [("name", node.name)]
    if node.operation:
        return [*line, ("", f" = {formula(story.trace, node)}")]
    return [*line, ("quiet", "  a constant" if node.kind == "constant" else "  an input")]


def card(story: Story, node: Node) -> list[dict[str, Any]]:
    """What a node shows when it is pointed at: labels, and lines with the step they belong to."""
    rows: list[tuple[str, int, Spans]] = []
    if story.steps and node.kind != "constant":
        value = story.figure("value", node.value, f"v{node.index}")
        rows.append(("value", story.values[node.index], [value]))
    if story.steps and node.gradient is not None:
        number = story.figure("gradient", node.gradient, f"g{node.index}")
        label = "upstream" if node.edges else "gradient"
        several = len(story.senders.get(node.index, ())) > 1
        line: Spans = [("sum", EQUALS[1], str(node.index))] if several else []
        rows.append((label, story.gradients[node.index], [*line, number]))
    for k in range(len(node.edges)):
        line = [*rule(story, node, k), *slope(story, node, k)]
        rows.append(("local" if k == 0 else "", story.sends.get(node.index, 0), line))
    for k in range(len(node.edges) if story.steps else 0):
        label = node.role.verb if k == 0 and node.role else ""
        rows.append((label, story.sends[node.index], sent(story, node, k)))
    return [{"label": label, "from": step, "line": seen(line)} for label, step, line in rows]


def rule(story: Story, node: Node, k: int) -> Spans:
    """`df/dq = z`, or the left side alone where the rule is a number."""
    edge = node.edges[k]
    sign = partial(story.trace, node, edge)
    text = formula_of(story, node, edge)
    if (node.index, edge.place) in story.general:
        return [("quiet", sign), ("", text, f"r{node.index}.{k}")]
    return [("quiet", sign), *([("quiet", text[:3]), ("", text[3:])] if text else [])]


def formula_of(story: Story, node: Node, edge: Edge) -> str:
    """` = z`; nothing where the rule is a number."""
    text = rule_text(story.trace, node, edge)
    if is_number(text, story.text(edge.local)):
        return ""
    known = partial(story.trace, node, edge), ""
    fixed = edge.local is UNEVALUATED and edge.rule is not None and edge.rule.number is not None
    return "" if text in known or (fixed and story.steps) else f" = {text}"


def slope(story: Story, node: Node, k: int) -> Spans:
    """The number of a local gradient, to stand after its rule: ` = -4`."""
    if not story.steps:
        return []
    return [
        ("quiet", " = "),
        story.figure("gradient", node.edges[k].local, f"l{node.index}.{k}"),
    ]


def sent(story: Story, node: Node, k: int) -> Spans:
    """What an edge sends, and to whom: `-4 → q`."""
    edge, of = node.edges[k], f"c{node.index}.{k}"
    number = story.figure("gradient", edge.contribution, of) if edge.routed else ("quiet", "0", of)
    return [number, ("quiet", f" → {story.trace.name(edge.operand)}")]
