"""Both passes over arrays as steps: a node at a time, with what it sends back.

Numbers have references as those of other steps do, which here begin with an `a`: `va3` is the value
of node 3, `ca3.0` what its first operand receives. An operand that is stretched has `va3.0` and
`ga3.0`, the value and the gradient of its copies, and `ca3.0u`, what these receive.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...arrays.of_numbers import edges_of
from ...arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor, TraceByNumbers
from ...arrays.text import inline, is_large, text_of
from ...errors import visible
from ...numbers.decimal import Decimals
from ...operations.shape import said, spread
from ...operations.table import IF
from .array_diagram import figure, is_routed, wired_operands
from .diagram import Diagram, Grid
from .steps import BRANCHES, EQUALS, ROLES, Span, Spans, Story, floated, seen

__all__ = ["ArrayStory", "copies_of", "data", "sent", "sums", "tell", "wires_of"]


@dataclass(slots=True)
class ArrayStory(Story):
    """The steps of a trace over arrays; fields as of others.

    edges: of the nodes over numbers, along which places something is sent back, to which nodes.
    """

    trace: TraceByNumbers  # type: ignore[assignment]  # which has arrays where the other has numbers
    senders: dict[int, list[tuple[ArrayNode, ArrayEdge]]]  # type: ignore[assignment]
    edges: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    by_index: dict[int, ArrayNode] = field(default_factory=dict)

    def text(self, number: Any) -> str:
        if number is None:
            return ""
        return inline(number if isinstance(number, Tensor) else Tensor((), (number,)), self.digits)

    def sends_to(self, node: int, operand: int) -> str:
        """The reference of what a node over numbers sends to another."""
        places = [k for k, (_, other) in enumerate(self.edges.get(node, ())) if other == operand]
        return f"c{node}.{places[0]}" if places else ""


def tell(trace: TraceByNumbers, digits: int) -> ArrayStory:
    """The story of a trace that has all its edges."""
    senders: dict[int, list[tuple[ArrayNode, ArrayEdge]]] = {}
    for node in trace.nodes:
        for edge in node.edges:
            senders.setdefault(edge.operand, []).append((node, edge))
    alone = trace.upstream == 1 and not trace.outputs
    story = ArrayStory(trace, digits, f"d{trace.output_name}" if alone else "d", senders, {})
    story.edges = edges_of(trace.numbers)
    story.by_index = {node.index: node for node in trace.nodes}
    opening(story)
    for node in trace.nodes:
        if node.operation:
            forward(story, node)
    if story.by_index[trace.output].gradient is not None:
        turning_point(story)
        for node in reversed(trace.nodes):
            if node.edges:
                backward(story, node)
    ending(story)
    return story


def opening(story: ArrayStory) -> None:
    """Step 0: the graph, and the values of its inputs."""
    lines: list[Spans] = []
    for node in story.trace.nodes:
        if not node.operation:
            story.values[node.index] = 0
        if node.kind == "variable":
            value = story.figure("value", node.value, f"va{node.index}")  # type: ignore[arg-type]
            lines.append([("", node.name), EQUALS, value])
    title = "The graph, and the values of its inputs." if lines else "The graph."
    story.add("start", "", *lines, title=title)


def forward(story: ArrayStory, node: ArrayNode) -> None:
    """`q = W @ x = [0.22, 0.26]`, and which shapes that makes of which."""
    story.values[node.index] = len(story.steps)
    of = f"va{node.index}"
    line = [("", node.name), EQUALS, ("", node.formula), EQUALS, array(story, "value", node.value, of)]  # fmt: skip
    operands = [story.by_index[k] for k in node.operands if k in story.by_index]
    shapes = [one.shape for one in operands if one.kind != "constant"]
    title = f"Forward pass: {node.name} is computed."
    if node.shape or any(shapes):
        given = " and ".join(dict.fromkeys(said(shape) if shape else "a number" for shape in shapes))  # fmt: skip
        made = said(node.shape) if node.shape else "a number"
        title = f"Forward pass: {node.name} is computed, {made} from {given}."
    story.add("forward", node.name, line, title=title, needs=of)


def array(story: ArrayStory, kind: str, tensor: Tensor | None, reference: str) -> Span:
    return (kind, story.text(tensor), reference)


def turning_point(story: ArrayStory) -> None:
    """The backward pass starts at the output, or at each of several."""
    trace, lines = story.trace, []
    outputs = [(k, up) for k, _, up in trace.outputs] or [(trace.output, trace.upstream)]
    for k, upstream in outputs:
        node = story.by_index[k]
        story.gradients[k] = len(story.steps)
        of = f"ga{k}"
        line: Spans = [("", f"{story.top}/d{node.name}"), EQUALS, array(story, "gradient", node.gradient, of)]  # fmt: skip
        if upstream != 1:
            line.append(("quiet", "  the upstream gradient that was given"))
        lines.append(line)
    title = "The backward pass starts at the output."
    story.add("backward", trace.output_name, *lines, title=title, needs=f"ga{trace.output}")


def backward(story: ArrayStory, node: ArrayNode) -> None:
    """The step in which a node sends its contributions, and some gradients become complete."""
    here = story.sends[node.index] = len(story.steps)
    if node.index not in story.senders:
        story.gradients.setdefault(node.index, here)
    lines: list[Spans] = []
    for edge in node.edges:
        name = story.trace.name(edge.operand)
        of = f"ca{node.index}.{edge.place}"
        lines.append([("", name), ("quiet", " gets "), ("", sent(node, edge)), EQUALS, array(story, "gradient", edge.contribution, of)])  # fmt: skip
    for operand in dict.fromkeys(edge.operand for edge in node.edges):
        senders = story.senders[operand]
        if senders[0][0] is not node:  # the first on the tape is the last to send
            continue
        story.gradients[operand] = here
        if len(senders) > 1:
            start = ("", f"{story.top}/d{story.trace.name(operand)}")
            total = array(story, "gradient", story.by_index[operand].gradient, f"ga{operand}")
            lines.append([start, EQUALS, ("quiet", sums(story, operand)), EQUALS, total])
    title = f"Backward pass: {node.name} sends gradients back."
    if node.role:
        title = (
            f"Backward pass, {node.name}: {node.operation} {node.role.verb}, {ROLES[node.role]}."
        )
        if any(edge.kind == "structural" for edge in node.edges):
            title = f"Backward pass, {node.name}: up is the gradient that arrived at {node.name}."
    story.add("backward", node.name, *lines, title=title, needs=f"ga{node.index}")


def sent(node: ArrayNode, edge: ArrayEdge) -> str:
    """What an operand gets, over the names of the nodes and `up`: `up @ x.T`, `up*2*q`."""
    text = edge.sent or edge.product
    if edge.kind != "structural" and edge.rule is None:
        text = text.replace("up*local", f"up where {node.operation} selects it")
    return text


def sums(story: ArrayStory, operand: int) -> str:
    """`via q + via r`; empty where no branches meet."""
    senders = [node.name for node, _ in story.senders.get(operand, ())]
    if len(senders) < 2:
        return ""
    few = senders[:BRANCHES] if len(senders) > BRANCHES + 2 else senders
    more = f" + {len(senders) - len(few)} more" * (len(few) < len(senders))
    return " + ".join(f"via {name}" for name in few) + more


def ending(story: ArrayStory) -> None:
    """The last step: the gradients; whatever was not seen by now is seen here."""
    trace, here = story.trace, len(story.steps)
    for node in trace.nodes:
        story.gradients.setdefault(node.index, here)
    lines: list[Spans] = []
    for name, tensor in trace.gradients.items():
        source = trace.by_name.get(name)
        if source is not None and source.gradient is not None:
            lines.append([("", f"{story.top}/d{name}"), EQUALS, array(story, "gradient", tensor, f"ga{source.index}")])  # fmt: skip
    title = "There are no variables, so there are no gradients."
    if lines:
        title = f"The gradients of {trace.output_name}."
    story.add("end", "", *lines, title=title)


# which element stands where


def copies_of(trace: ArrayTrace, shown: Diagram) -> dict[int, tuple[ArrayNode, ArrayEdge]]:
    """Of each vertex that stretches an operand, for which node it does, and along which edge."""
    found = {}
    for k, (node, position) in enumerate(wired(trace, shown)):
        source = shown.wires[k].source
        if position >= 0 and shown.vertices[source].backward:
            found[source] = node, next(edge for edge in node.edges if edge.place == position)
    return found


def wired(trace: ArrayTrace, shown: Diagram) -> Iterator[tuple[ArrayNode, int]]:
    """Of each wire the node that it leads to, and the place of the operand; -1 into a copy."""
    by_index = {node.index: node for node in trace.nodes}
    places: dict[int, list[int]] = {}
    for wire in shown.wires:
        vertex = shown.vertices[wire.target]
        node = by_index[vertex.node]
        if vertex.backward:
            yield node, -1
            continue
        if wire.target not in places:
            places[wire.target] = [position for position, _ in wired_operands(trace, node)]
        yield node, places[wire.target][wire.slot]


def wires_of(story: ArrayStory, shown: Diagram) -> list[dict[str, Any]]:
    """The wires, each with its edge; those into a copy lead to what it is made for."""
    vertices, copies = shown.vertices, copies_of(story.trace, shown)
    result = []
    for wire, (node, position) in zip(shown.wires, wired(story.trace, shown), strict=True):
        target, more = node, ""
        if wire.target in copies:
            target, edge = copies[wire.target]
            position = edge.place
        elif wire.source in copies:
            more = "u"
        known = any(edge.place == position for edge in target.edges)
        result.append(
            {
                "source": vertices[wire.source].name,
                "target": target.name,
                "edge": f"a{target.index}.{position}{more}" if known else "",
                "from": story.sends.get(target.index, 0),
            }
        )
    return result


def data(story: ArrayStory, shown: Diagram) -> dict[str, Any]:
    """The steps, the vertices with their cards, the wires, and what stands in each array."""
    copies = copies_of(story.trace, shown)
    nodes: dict[str, dict[str, Any]] = {}
    for k, vertex in enumerate(shown.vertices):
        node = story.by_index[vertex.node]
        index = f"a{node.index}"
        heading: Spans = [("name", node.name), ("", f" = {node.formula}")]
        card = card_of(story, node)
        if k in copies:
            target, edge = copies[k]
            index = f"a{target.index}.{edge.place}"
            heading, card = [("name", vertex.formula)], card_of_copy(story, target, index)
        elif not node.operation:
            what = "  a constant" if node.kind == "constant" else "  an input"
            heading = [("name", node.name), ("quiet", what)]
        if node.shape and k not in copies:
            heading.append(("quiet", f"  {said(node.shape)}"))
        nodes.setdefault(
            vertex.name,
            {"name": vertex.name, "index": index, "title": seen(heading), "card": card},
        )
    arrays = dict(arrays_of(story))
    return {
        "digits": story.digits,
        "decimals": isinstance(story.digits, Decimals),
        "steps": story.steps,
        "nodes": list(nodes.values()),
        "wires": wires_of(story, shown),
        "sums": {
            f"a{node}": [[f"ca{one.index}.{edge.place}", visible(one.name)] for one, edge in pairs]
            for node, pairs in story.senders.items()
            if len(pairs) > 1
        },
        "branches": BRANCHES,
        "numbers": {
            name: [one.pop("text"), None, one.pop("from"), one.pop("sends")]
            for name, one in arrays.items()
        },
        "arrays": arrays,
        "operands": {
            f"a{node.index}": [f"a{k}" for k in dict.fromkeys(node.operands)]
            for node in story.trace.nodes
        },
        "copies": [
            [f"a{node.index}.{edge.place}", f"a{edge.operand}", f"a{node.index}"]
            for node, edge in copies.values()
        ],
    }


def card_of(story: ArrayStory, node: ArrayNode) -> list[dict[str, Any]]:
    """What a node shows when it is pointed at: labels, and lines with the step they belong to."""
    rows: list[tuple[str, int, Spans]] = []
    if node.kind != "constant":
        value = array(story, "value", node.value, f"va{node.index}")
        rows.append(("value", story.values[node.index], [value]))
    if node.gradient is not None:
        label = "upstream" if node.edges else "gradient"
        number = array(story, "gradient", node.gradient, f"ga{node.index}")
        rows.append((label, story.gradients[node.index], [number]))
    for k, edge in enumerate(node.edges):
        line: Spans = [("", story.trace.name(edge.operand)), ("quiet", " gets "), ("", sent(node, edge))]  # fmt: skip
        of = f"ca{node.index}.{edge.place}"
        line += [EQUALS, array(story, "gradient", edge.contribution, of)]
        label = node.role.verb if k == 0 and node.role else "sends" * (k == 0)
        rows.append((label, story.sends[node.index], line))
    return [{"label": label, "from": step, "line": seen(line)} for label, step, line in rows]


def card_of_copy(story: ArrayStory, target: ArrayNode, index: str) -> list[dict[str, Any]]:
    """What the gate shows that stretches an operand."""
    step = story.sends[target.index]
    lines: list[tuple[str, int, Spans]] = [
        ("value", story.values[target.index], [("value", "", f"v{index}")]),
        ("upstream", step, [("gradient", "", f"g{index}")]),
        ("adds", step, [("gradient", "", f"c{index}")]),
    ]
    return [{"label": label, "from": step, "line": seen(line)} for label, step, line in lines]


def arrays_of(story: ArrayStory) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every array by its reference, with the numbers that its elements are."""
    lowered = story.trace.lowered
    for node in story.trace.nodes:
        cells = lowered.cells[node.index].nodes
        index, computed = f"a{node.index}", story.values[node.index]
        yield f"v{index}", described(story, node.value, [f"v{k}" for k in cells], computed)
        if node.gradient is not None:
            arrives = story.gradients[node.index]
            yield f"g{index}", described(story, node.gradient, [f"g{k}" for k in cells], arrives)
        for edge in node.edges:
            yield from sent_of(story, node, edge, cells)


def sent_of(
    story: ArrayStory, node: ArrayNode, edge: ArrayEdge, cells: Sequence[int]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an edge sends, and of an operand that is stretched what its copies are and receive."""
    lowered, step = story.trace.lowered, story.sends[node.index]
    aliases, of = lowered.sent[node.index, edge.place], f"a{node.index}.{edge.place}"
    tape = lowered.graph
    found = described(story, edge.contribution, [f"g{k}" for k in aliases], step)
    reduction = edge.kind == "reduction"
    if node.row is IF or node.row.selects:
        pairs = [(one, alias) for one in cells for alias in set(aliases) & set(tape.operands[one])]
        found |= {"routes": [story.sends_to(*pair) for pair in pairs]}
        found |= {"sends": int(is_routed(node, edge))}
    yield f"c{of}", found
    if edge.unsummed is None or reduction:
        return
    operand = story.by_index[edge.operand]
    picked = spread(operand.shape, node.shape)
    sources = lowered.cells[edge.operand].nodes
    copied = Tensor(node.shape, tuple([operand.value.numbers[k] for k in picked]))
    refs = [story.sends_to(one, aliases[k]) for one, k in zip(cells, picked, strict=True)]
    yield f"v{of}", described(story, copied, [f"v{sources[k]}" for k in picked], story.values[node.index])  # fmt: skip
    yield f"g{of}", described(story, edge.unsummed, refs, step)
    yield f"c{of}u", described(story, edge.unsummed, refs, step)


def described(story: ArrayStory, tensor: Tensor, refs: list[str], step: int) -> dict[str, Any]:
    """An array as data: its numbers as they are shown and as floats, and which numbers they are."""
    digits, heat = story.digits, figure(tensor, story.digits, heat=True)
    result: dict[str, Any] = {
        "shape": list(tensor.shape),
        "refs": refs,
        "values": [floated(x) for x in tensor.numbers],
        "texts": [text_of(x, digits) for x in tensor.numbers],
        "text": inline(tensor, digits),
        "from": step,
        "sends": 1,
    }
    if is_large(tensor):
        assert isinstance(heat, Grid)
        result |= {"said": said(tensor.shape) + " numbers" * (len(tensor.shape) == 1)}
        result |= {"caption": heat.caption, "parts": list(heat.parts)}
    return result
