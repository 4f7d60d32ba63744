"""A trace as one web page: the picture, and a stepper that walks both passes over it.

The insight: every number knows the step from which it is seen. So to show a step, forwards,
backwards or out of a link, is one comparison per number, and the page computes nothing.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from backprop_grammar.errors import shorten, visible
from backprop_grammar.numbers import decimal
from backprop_grammar.trace import UNEVALUATED, Edge, Node, Number, Trace

from ..picture import Diagram, diagram
from . import Options
from .svg import DARK, FONT, LIGHT, drawing

__all__ = ["render"]

Line = list[tuple[str, str]]
"""Pieces of text, each with its class: `value`, `gradient`, `quiet`, `name` or none."""

EQUALS = ("", " = ")
"""Where a line may be broken."""

ROLES = {
    "distributes": "the upstream gradient goes on to every operand, whatever their values",
    "swaps": "each operand receives the upstream gradient times the other operand",
    "routes": "the upstream gradient goes on to the operand that was selected",
    "scales": "the upstream gradient is multiplied by the slope at this point",
}
"""What the verb of a role means, said at the node's backward step."""

PAPER = {"ground": "#ffffff", "lit": "#fff8dc", "line": "#dfe3e8", "accent": "#0969da"}
SLATE = {"ground": "#0d1117", "lit": "#2b2a1c", "line": "#2d333b", "accent": "#58a6ff"}
"""The page's own colours on light and on dark ground, beside those of the picture."""

WIDE = 720
"""Pixels above which a picture stands over the table, not beside it."""

BRANCHES = 6
"""Branches that a sum spells out where there are many more."""

WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
STYLES = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def render(trace: Trace, options: Options) -> str:
    """The page, self-contained, and whole without JavaScript.

    Raises BackpropError where the graph is too large for a picture.
    """
    digits = trace.precision or options.digits
    shown = diagram(trace, digits)
    picture = drawing(shown)
    story = tell(trace, digits)
    style, script = sheet(picture, story), part("page.js")
    return Template(part("page.html")).substitute(
        policy=policy([style, *STYLES.findall(picture)], script),
        title=escape(visible(shorten(trace.formula, 80))),
        style=style,
        program="\n".join(program(story)),
        layout=("wide" if width(picture) > WIDE else "narrow") + " numberless" * (not story.steps),
        picture=picture,
        rows="\n".join(row(story, node) for node in listed(trace)),
        remarks="\n".join(remarks(trace)),
        data=embedded(data(story, shown)),
        script=script,
    )


# the story: what happens in which step


@dataclass(slots=True)
class Story:
    """The steps, and when each number is first seen.

    top: what is differentiated, as it is written: `df`, or `d` where an upstream gradient came
    from outside. senders: for every node, who sends it a contribution. values, gradients: for
    every node, the step that shows its value, its whole gradient. sends: for every node, the
    step in which it passes its gradient on.
    """

    trace: Trace
    digits: int
    top: str
    nodes: dict[str, Node]
    senders: dict[str, list[tuple[Node, Edge]]]
    steps: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)
    gradients: dict[str, int] = field(default_factory=dict)
    sends: dict[str, int] = field(default_factory=dict)

    def text(self, number: Number | None) -> str:
        if number is None or number is UNEVALUATED:
            return ""
        return decimal(number, self.digits)

    def add(self, phase: str, node: str, *lines: Line, title: str = "") -> None:
        """One more step; phase: start, forward, backward or end."""
        step = {"phase": phase, "node": node, "title": title, "lines": [seen(x) for x in lines]}
        self.steps.append(step)


def seen(line: Line) -> Line:
    return [(kind, visible(text)) for kind, text in line]


def tell(trace: Trace, digits: int) -> Story:
    """The story of a trace; it has no steps where there is no point."""
    senders: dict[str, list[tuple[Node, Edge]]] = {}
    for node in trace.nodes:
        for edge in node.edges:
            senders.setdefault(edge.operand, []).append((node, edge))
    top = f"d{trace.output}" if trace.upstream == 1 else "d"
    story = Story(trace, digits, top, {node.name: node for node in trace.nodes}, senders)
    if trace.value is UNEVALUATED:
        return story
    opening(story)
    for node in trace.nodes:
        if node.operation:
            story.values[node.name] = len(story.steps)
            title = f"Forward pass: {node.name} is computed."
            story.add("forward", node.name, forward(story, node), title=title)
    if story.nodes[trace.output].gradient is not None:
        turning_point(story)
        for node in reversed(trace.nodes):
            if passes_on(node):
                story.sends[node.name] = len(story.steps)
                backward(story, node)
    ending(story)
    return story


def opening(story: Story) -> None:
    """Step 0: the graph, and the values of its inputs."""
    lines: list[Line] = []
    for node in story.trace.nodes:
        if not node.operation:
            story.values[node.name] = 0
        if node.kind == "variable":
            lines.append([("", node.name), EQUALS, ("value", story.text(node.value))])
    title = "The graph, and the values of its inputs." if lines else "The graph."
    story.add("start", "", *lines, title=title)


def forward(story: Story, node: Node) -> Line:
    """`q = x + y = -2 + 5 = 3`."""
    line = [("", node.name), EQUALS, ("", node.formula), EQUALS]
    numbers = substituted(story, node)
    if any(kind for kind, _ in numbers):
        line += [*numbers, EQUALS]
    return [*line, ("value", story.text(node.value))]


def substituted(story: Story, node: Node) -> Line:
    """The formula with the values of its operands in the place of their names."""
    formula, line, end = node.formula, Line(), 0
    for match in WORD.finditer(formula):
        operand = story.nodes.get(match[0])
        if match[0] not in node.operands or operand is None or operand.kind == "constant":
            continue
        before, after = formula[: match.start()].rstrip(), formula[match.end() :].lstrip()
        line.append(("", formula[end : match.start()]))
        beside = before[-1:] in tuple("+-*/^") or after[:1] == "^"
        line += factor("value", story.text(operand.value), beside)
        end = match.end()
    return [*line, ("", formula[end:])]


def factor(kind: str, number: str, beside: bool = True) -> Line:
    """A number; in parentheses where a sign of its own would stand beside an operator."""
    if beside and (number.startswith("-") or "^" in number):
        return [("", "("), (kind, number), ("", ")")]
    return [(kind, number)]


def turning_point(story: Story) -> None:
    """The backward pass starts at the output."""
    trace = story.trace
    story.gradients[trace.output] = len(story.steps)
    number = ("gradient", story.text(trace.upstream))
    line: Line = [("", f"{story.top}/d{trace.output}"), EQUALS, number]
    if trace.upstream != 1:
        line.append(("quiet", "  the upstream gradient that was given"))
    title = "The backward pass starts at the output."
    story.add("backward", trace.output, line, title=title)


def passes_on(node: Node) -> bool:
    """Whether a node has a step in the backward pass."""
    stuck = node.operation and node.gradient == 0
    return node.gradient is not None and bool(node.edges or stuck)


def backward(story: Story, node: Node) -> None:
    """The step in which a node sends its contributions, and some gradients become whole."""
    here = len(story.steps)
    if node.name not in story.senders:
        story.gradients.setdefault(node.name, here)
    lines = [chain_rule(story, node, edge) for edge in node.edges]
    for operand in dict.fromkeys(edge.operand for edge in node.edges):
        if story.senders[operand][0][0] is node:  # the first on the tape is the last to send
            story.gradients[operand] = here
            total = sum_of(story, operand)
            if total:
                whole: Line = [("", f"{story.top}/d{operand}"), EQUALS, *total]
                number = ("gradient", story.text(story.nodes[operand].gradient))
                lines.append([*whole, EQUALS, number])
    title = f"Backward pass, {node.name}: {node.operation} {node.verb}, {ROLES[node.verb]}."
    if not node.edges:
        title = f"Backward pass, {node.name}: no gradient passes here."
    story.add("backward", node.name, *lines, title=title)


def chain_rule(story: Story, node: Node, edge: Edge) -> Line:
    """`df/dx += df/dq * dq/dx = -4 * 1 = -4`."""
    top, name, operand = story.top, node.name, edge.operand
    if not edge.routed:
        return [
            ("", f"{top}/d{operand} += "), ("gradient", "0"),
            ("quiet", f"  {node.operation} did not select {operand}"),
        ]  # fmt: skip
    return [
        ("", f"{top}/d{operand} += {top}/d{name} * d{name}/d{operand}"), EQUALS,
        ("gradient", story.text(edge.upstream)), ("", " * "),
        *factor("gradient", story.text(edge.local)), EQUALS,
        ("gradient", story.text(edge.contribution)),
    ]  # fmt: skip


def sum_of(story: Story, operand: str) -> Line:
    """`-4 via q + 2 via r`; empty where no branches meet, or there are no numbers."""
    routed = [pair for pair in story.senders.get(operand, ()) if pair[1].routed]
    if len(routed) < 2 or not story.steps:
        return []
    line: Line = []
    few = routed[:BRANCHES] if len(routed) > BRANCHES + 2 else routed
    for i, (sender, edge) in enumerate(few):
        number = story.text(edge.contribution)
        minus = i > 0 and number.startswith("-")
        line.append(("", "" if i == 0 else " - " if minus else " + "))
        line += [("gradient", number[minus:]), ("quiet", f" via {sender.name}")]
    if len(few) < len(routed):
        line.append(("quiet", f" + {len(routed) - len(few)} more"))
    return line


def ending(story: Story) -> None:
    """The last step: the gradients; whatever was not seen by now is seen here."""
    trace, here = story.trace, len(story.steps)
    for node in trace.nodes:
        story.gradients.setdefault(node.name, here)
    lines: list[Line] = [
        [("", f"{story.top}/d{name}"), EQUALS, ("gradient", story.text(number))]
        for name, number in trace.gradients.items()
    ]
    title = f"The gradients of {trace.output}." if lines else "There are no variables, so there are no gradients."  # fmt: skip
    story.add("end", "", *lines, title=title)


# the data that the page's script reads


def data(story: Story, shown: Diagram) -> dict[str, Any]:
    """The steps, the vertices with their cards, and the wires; all texts as they are shown."""
    names = [vertex.name for vertex in shown.vertices]
    wires = [
        {"source": names[wire.source], "target": names[wire.target],
         "from": story.sends.get(names[wire.target], 0)}
        for wire in shown.wires
    ]  # fmt: skip
    nodes = [
        {"name": name, "value": story.values.get(name, 0), "gradient": story.gradients.get(name, 0),
         "title": seen(heading(story.nodes[name])), "card": card(story, story.nodes[name])}
        for name in dict.fromkeys(names)
    ]  # fmt: skip
    return {"steps": story.steps, "nodes": nodes, "wires": wires}


def heading(node: Node) -> Line:
    line = [("name", node.name)]
    if node.operation:
        return [*line, ("", f" = {node.formula}")]
    return [*line, ("quiet", "  a constant" if node.kind == "constant" else "  an input")]


def card(story: Story, node: Node) -> list[dict[str, Any]]:
    """What a node shows when it is pointed at: labels, and lines with the step they belong to."""
    rows: list[tuple[str, int, Line]] = []
    if story.text(node.value) and node.kind != "constant":
        rows.append(("value", story.values[node.name], [("value", story.text(node.value))]))
    if node.gradient is not None and story.text(node.gradient):
        number = ("gradient", story.text(node.gradient))
        label = "upstream" if node.edges else "gradient"
        line = [*sum_of(story, node.name), EQUALS] if sum_of(story, node.name) else []
        rows.append((label, story.gradients[node.name], [*line, number]))
    for i, edge in enumerate(node.edges):
        line = [*rule(story, node, edge), *slope(story, edge)]
        rows.append(("local" if i == 0 else "", story.sends.get(node.name, 0), line))
    for i, edge in enumerate(node.edges):
        if story.text(edge.contribution):
            label = node.verb if i == 0 else ""
            rows.append((label, story.sends[node.name], sent(story, edge)))
    return [{"label": label, "from": step, "line": seen(line)} for label, step, line in rows]


def rule(story: Story, node: Node, edge: Edge) -> Line:
    """`df/dq = z`, or the left side alone where the rule is a number."""
    name = ("quiet", f"d{node.name}/d{edge.operand}")
    if edge.rule == story.text(edge.local):
        return [name]
    return [name, ("quiet", " = "), ("", edge.rule)]


def slope(story: Story, edge: Edge) -> Line:
    """The number of a local gradient, to stand after its rule: ` = -4`."""
    number = story.text(edge.local)
    return [("quiet", " = "), ("gradient", number)] if number else []


def sent(story: Story, edge: Edge) -> Line:
    number = ("gradient", story.text(edge.contribution)) if edge.routed else ("quiet", "0")
    return [number, ("quiet", f" → {edge.operand}")]


# the parts of the page


def program(story: Story) -> Iterable[str]:
    """The stages, and last the output with its value."""
    trace = story.trace
    stages = [line for line in trace.formula.replace("; ", "\n").splitlines() if line.strip()]
    named = [stage for stage in stages if stage.startswith(f"{trace.output} = ")]
    output = named[0] if named else stages[-1] if trace.last else trace.output
    others = [stage for stage in stages if stage is not output]
    if others:
        yield '<span class="stages">'
        yield from (f'<span class="stage">{cell([("", stage)])}</span>' for stage in others)
        yield "</span>"
    value: Line = [("quiet", " = "), ("value", story.text(trace.value))]
    shown = later(value, story.values[trace.output]) if story.steps else ""
    yield f'<b class="stage">{cell([("", output)])}{shown}</b>'


def cell(line: Line) -> str:
    """A line as HTML."""
    return "".join(
        f'<span class="{kind}">{escape(text)}</span>' if kind else escape(text)
        for kind, text in seen(line)
    )


def later(line: Line, step: int) -> str:
    """A line that is not seen before its step."""
    return f'<span data-from="{step}">{cell(line)}</span>' if line else ""


def listed(trace: Trace) -> list[Node]:
    """The rows of the table: the inputs, then the operations in the order of the tape."""
    inputs = [node for node in trace.nodes if node.kind == "variable"]
    return inputs + [node for node in trace.nodes if node.operation]


def row(story: Story, node: Node) -> str:
    """A row of the table; it leads to the node's step."""
    name = escape(visible(node.name))
    arrives, sends = story.gradients.get(node.name, 0), story.sends.get(node.name, 0)
    computed = story.values.get(node.name, 0)
    step = sends or (arrives if node.gradient is not None else computed)
    total = sum_of(story, node.name)
    edges = [back(story, node, edge, sends) for edge in node.edges]
    if total:
        edges.append(f"<div>{later(total, arrives)}</div>")
    link = f'<a href="#step={step}">{name}</a>' if story.steps else name
    named = ' class="named"' if node.named else ""
    return (
        f'<tr data-name="{name}" data-step="{step}"><th scope="row"{named}>{link}</th>'
        f'<td class="formula">{cell([("", node.formula)]) if node.operation else ""}</td>'
        f'<td class="number">{number(story, "value", node.value, computed)}</td>'
        f'<td class="number">{number(story, "gradient", node.gradient, arrives)}</td>'
        f'<td class="edges" colspan="2">{"".join(edges)}</td></tr>'
    )


def number(story: Story, kind: str, number: Number | None, step: int) -> str:
    text = story.text(number)
    return later([(kind, text)], step) if text else ""


def back(story: Story, node: Node, edge: Edge, step: int) -> str:
    """An edge in the table: the local gradient on the left, what it sends on the right."""
    left = f"<span>{cell(rule(story, node, edge))}{later(slope(story, edge), step)}</span>"
    sending = later(sent(story, edge), step) if story.steps else ""
    return f'<div class="edge">{left}<span class="sends">{sending}</span></div>'


def remarks(trace: Trace) -> Iterable[str]:
    for kind, messages in (("note", trace.notes), ("flag", trace.flags)):
        for remark in messages:
            yield f'<p class="{kind}"><b>{kind}</b> {escape(visible(remark.message))}</p>'


# what holds the page together


def part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def sheet(picture: str, story: Story) -> str:
    """The page's style sheet: in the picture's colours, with the room that things will need."""

    def colours(ground: dict[str, str]) -> str:
        return " ".join(f"--{name}: {colour};" for name, colour in ground.items())

    lines = max((len(step["lines"]) for step in story.steps[1:-1]), default=0)
    return (
        f":root {{ {colours(LIGHT | PAPER)} --font: {FONT};"
        f" --picture: {width(picture):g}px; --lines: {min(lines, 6)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {colours(DARK | SLATE)} }} }}\n"
        f"{part('page.css')}"
    )


def width(picture: str) -> float:
    """How wide a drawing is, in pixels."""
    found = re.search(r'<svg[^>]* width="([\d.]+)"', picture)
    return float(found[1]) if found else 0


def policy(styles: Sequence[str], script: str) -> str:
    """A Content-Security-Policy under which nothing but these very texts has any effect."""

    def source(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    hashes = " ".join(source(style) for style in styles)
    return (
        f"default-src 'none'; img-src data:; style-src {hashes}; script-src {source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def embedded(subject: Any) -> str:
    """JSON that can stand in a script element: no `<` could close it or open a comment."""
    text = json.dumps(subject, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
