"""A trace as one web page: the picture, and a stepper that walks both passes over it.

Every number knows the step from which it is seen. So to show a step, forwards, backwards or out of
a link, is one comparison per number, and the page computes nothing.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ...errors import shorten, visible
from ...language.printer import line_of, shown_lines, shown_text
from ...numbers.wide import Number
from ...trace.index import formula
from ...trace.record import Edge, Node, Trace
from ..drawing.diagram import diagram
from ..drawing.geometry import Scene, scene
from ..drawing.steps import Spans, Story, data, rule, seen, sent, slope, sum_of, tell
from ..options import Options
from .svg import ADAPTIVE, DARK, FONT, LIGHT, svg
from .svg import number as pixels

__all__ = ["render"]

PAPER = {"ground": "#ffffff", "lit": "#fff8dc", "line": "#dfe3e8", "accent": "#0969da"}
SLATE = {"ground": "#0d1117", "lit": "#2b2a1c", "line": "#2d333b", "accent": "#58a6ff"}
"""The page's own colours on light and on dark ground, beside those of the picture."""

WIDE = 720
"""Pixels above which a picture stands over the table, not beside it."""


def render(trace: Trace, options: Options) -> str:
    """The page, self-contained, and whole without JavaScript.

    Raises BackpropError where the graph is too large for a picture.
    """
    digits = trace.precision or options.digits
    shown = diagram(trace, digits)
    drawn = scene(shown)
    story = tell(trace, digits)
    style, script = sheet(drawn, story), part("page.js")
    return Template(part("page.html")).substitute(
        policy=policy([style, ADAPTIVE], script),
        title=escape(visible(shorten(shown_text(trace.program), 80))),
        style=style,
        program="\n".join(program(story)),
        layout=("wide" if drawn.width > WIDE else "narrow") + " numberless" * (not story.steps),
        picture=svg(shown, drawn, ADAPTIVE),
        rows="\n".join(row(story, node) for node in listed(trace)),
        remarks="\n".join(remarks(trace)),
        data=embedded(data(story, shown)),
        script=script,
    )


# the parts of the page


def program(story: Story) -> Iterable[str]:
    """The stages, and last the output with its value."""
    trace = story.trace
    stages = shown_lines(trace.program)
    k = line_of(trace.program, trace.output_name, trace.last)
    output = trace.output_name if k is None else stages[k]
    others = stages if k is None else [*stages[:k], *stages[k + 1 :]]
    if others:
        yield '<span class="stages">'
        yield from (f'<span class="stage">{cell([("", stage)])}</span>' for stage in others)
        yield "</span>"
    value: Spans = [("quiet", " = "), ("value", story.text(trace.value))]
    shown = later(value, story.values[trace.output]) if story.steps else ""
    yield f'<b class="stage">{cell([("", output)])}{shown}</b>'


def cell(line: Spans) -> str:
    """A line as HTML."""
    return "".join(
        f'<span class="{kind}">{escape(text)}</span>' if kind else escape(text)
        for kind, text in seen(line)
    )


def later(line: Spans, step: int) -> str:
    """A line that is not seen before its step."""
    return f'<span data-from="{step}">{cell(line)}</span>' if line else ""


def listed(trace: Trace) -> list[Node]:
    """The rows of the table: the inputs, then the operations in the order of the tape."""
    inputs = [node for node in trace.nodes if node.kind == "variable"]
    return inputs + [node for node in trace.nodes if node.operation]


def row(story: Story, node: Node) -> str:
    """A row of the table; it leads to the node's step."""
    trace = story.trace
    name = escape(visible(node.name))
    arrives, sends = story.gradients.get(node.index, 0), story.sends.get(node.index, 0)
    computed = story.values.get(node.index, 0)
    step = sends or (arrives if node.gradient is not None else computed)
    total = sum_of(story, node.index)
    edges = [back(story, node, edge, sends) for edge in node.edges]
    if total:
        edges.append(f"<div>{later(total, arrives)}</div>")
    link = f'<a href="#step={step}">{name}</a>' if story.steps else name
    named = ' class="named"' if node.named else ""
    return (
        f'<tr data-name="{name}" data-step="{step}"><th scope="row"{named}>{link}</th>'
        f'<td class="formula">{cell([("", formula(trace, node))]) if node.operation else ""}</td>'
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


def sheet(drawn: Scene, story: Story) -> str:
    """The page's style sheet: in the picture's colours, with the room that things will need."""

    def colours(ground: dict[str, str]) -> str:
        return " ".join(f"--{name}: {colour};" for name, colour in ground.items())

    lines = max((len(step["lines"]) for step in story.steps[1:-1]), default=0)
    return (
        f":root {{ {colours(LIGHT | PAPER)} --font: {FONT};"
        f" --picture: {pixels(drawn.width)}px; --lines: {min(lines, 6)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {colours(DARK | SLATE)} }} }}\n"
        f"{part('page.css')}"
    )


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
