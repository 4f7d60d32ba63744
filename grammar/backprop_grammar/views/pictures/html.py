"""A trace as one web page: the picture, and a stepper that walks both passes over it.

Every number knows the step from which it is seen. So to show a step, forwards, backwards or out of
a link, is one comparison per number. And every number has a reference, so that the page, which
brings the rules of its operations along, can write what it computes at another point.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ...errors import shorten, visible
from ...language.graph import Tape
from ...language.printer import line_of, shown_lines, shown_text
from ...numbers.wide import UNEVALUATED, Number
from ...operations.row import Role
from ...operations.table import CONSTANTS, IF
from ...trace.index import formula
from ...trace.outline import completed, outline_of
from ...trace.record import Flag, Node, Note, Trace
from ..code.kernels import kernels, name_of
from ..drawing.diagram import Diagram, Figure, Grid, diagram, line
from ..drawing.geometry import Scene
from ..drawing.sheet import scene
from ..drawing.steps import Spans, Story, data, rule, seen, sent, slope, sum_of, tell
from ..drawing.text_metrics import SIZES, minus
from ..options import Options
from .svg import ADAPTIVE, DARK, FONT, LIGHT, svg
from .svg import number as pixels

__all__ = [
    "LARGEST",
    "READ",
    "cell",
    "embedded",
    "later",
    "legend",
    "made",
    "part",
    "policy",
    "program",
    "remarks",
    "render",
    "roomy",
    "sheet",
    "written",
]

PAPER = {"ground": "#ffffff", "lit": "#fff8dc", "line": "#dfe3e8", "accent": "#0969da"}
SLATE = {"ground": "#0d1117", "lit": "#2b2a1c", "line": "#2d333b", "accent": "#58a6ff"}
"""The page's own colours on light and on dark ground, beside those of the picture."""

WIDE = 720
"""Pixels above which a picture stands over the table, not beside it, where no script decides."""

READ = """"use strict";
const data = JSON.parse(document.getElementById("data").textContent);"""

LARGEST = 5_000
"""Nodes of the largest tape that a page computes."""

MISSING = "\u2013"
"""What stands in the picture for a number of a branch that is not taken."""


def render(trace: Trace, options: Options) -> str:
    """The page, self-contained, and whole without JavaScript.

    Raises BackpropError where the graph is too large for a picture.
    """
    digits = trace.precision or options.digits
    whole = trace
    if trace.value is not UNEVALUATED:
        whole = outline_of(trace)
        trace = completed(trace, whole)
    shown = placed(trace, diagram(trace, digits))
    drawn = roomy(shown, digits)
    story = tell(trace, whole, digits)
    functions, tape = computing(story)
    style = sheet(drawn, story)
    parts = [part(name) for name in ("passes.js", "inputs.js", "numbers.js", "page.js")]
    script = "\n".join([READ, functions, *parts])
    subject = data(story, shown) | {"program": tape, "evaluation": options.evaluation}
    subject["room"] = len(longest(digits))
    return Template(part("page.html")).substitute(
        policy=policy([style, ADAPTIVE], script),
        title=escape(visible(shorten(shown_text(trace.program), 80))),
        style=style,
        program="\n".join(program(story, f"v{trace.output}")),
        layout=("wide" if drawn.width > WIDE else "narrow") + " numberless" * (not story.steps),
        picture=svg(shown, drawn, ADAPTIVE),
        legend=legend(story),
        rows="\n".join(row(story, node) for node in listed(trace)),
        remarks="\n".join(remarks(trace.notes, trace.flags)),
        made=made(options.command),
        data=embedded(subject),
        script=script,
    )


# the parts of the page


def program(story: Story, of: str) -> Iterable[str]:
    """The stages, and last the output with its value. of: the reference of that."""
    trace = story.trace
    stages = shown_lines(trace.program)
    k = line_of(trace.program, trace.output_name, trace.last)
    output = trace.output_name if k is None else stages[k]
    others = stages if k is None else [*stages[:k], *stages[k + 1 :]]
    others = [stage for stage in others if stage != trace.output_name]  # a last line that names it
    if others:
        yield '<span class="stages">'
        given = (*trace.program.inputs, *trace.program.array_inputs)
        inputs = tuple(f"{name} = " for name in given)
        for stage in others:
            kind = "stage" + " given" * stage.startswith(inputs)
            yield f'<span class="{kind}">{cell([("", stage)])}</span>'
        yield "</span>"
    value: Spans = [("quiet", " = "), story.figure("value", trace.value, of)]
    shown = later(value, story.values[trace.output], of) if story.steps else ""
    yield f'<b class="stage">{cell([("", output)])}{shown}</b>'


def cell(line: Spans) -> str:
    """A line as HTML."""
    parts = []
    for kind, text, *reference in seen(line):
        number = f' data-number="{reference[0]}"' if reference else ""
        kinds = f' class="{kind}"' if kind else ""
        plain = escape(text)
        parts.append(f"<span{kinds}{number}>{plain}</span>" if kinds or number else plain)
    return "".join(parts)


def later(line: Spans, step: int, of: str) -> str:
    """A line that is not seen before its step, nor where the number that it is of does not exist."""
    return f'<span data-from="{step}" data-of="{of}">{cell(line)}</span>' if line else ""


def listed(trace: Trace) -> list[Node]:
    """The rows of the table: the inputs, then the operations in the order of the tape."""
    inputs = [node for node in trace.nodes if node.kind == "variable"]
    return inputs + [node for node in trace.nodes if node.operation]


def row(story: Story, node: Node) -> str:
    """A row of the table; it leads to the node's step."""
    trace = story.trace
    name, short = escape(visible(node.name)), escape(visible(shorten(node.name, 24)))
    arrives, sends = story.gradients.get(node.index, 0), story.sends.get(node.index, 0)
    computed = story.values.get(node.index, 0)
    step = sends or (arrives if node.gradient is not None else computed)
    edges = [back(story, node, k, sends) for k in range(len(node.edges))]
    if story.steps and len(story.senders.get(node.index, ())) > 1:
        total = f'<span data-sum="{node.index}">{cell(sum_of(story, node.index))}</span>'
        edges.append(
            f'<div><span data-from="{arrives}" data-of="g{node.index}">{total}</span></div>'
        )
    link = f'<a href="#step={step}">{short}</a>' if story.steps else short
    named = ' class="named"' if node.named else ""
    return (
        f'<tr data-name="{name}" data-step="{step}"><th scope="row"{named}>{link}</th>'
        f'<td class="formula">{cell([("", formula(trace, node))]) if node.operation else ""}</td>'
        f'<td class="number">{number(story, "value", node, node.value, computed)}</td>'
        f'<td class="number">{number(story, "gradient", node, node.gradient, arrives)}</td>'
        f'<td class="edges" colspan="2">{"".join(edges)}</td></tr>'
    )


def number(story: Story, kind: str, node: Node, number: Number | None, step: int) -> str:
    if number is None or not story.steps:
        return ""
    of = f"{kind[0]}{node.index}"
    return later([story.figure(kind, number, of)], step, of)


def back(story: Story, node: Node, k: int, step: int) -> str:
    """An edge in the table: the local gradient on the left, what it sends on the right."""
    of = f"{node.index}.{k}"
    slopes = later(slope(story, node, k), step, f"l{of}")
    left = f"<span>{cell(rule(story, node, k))}{slopes}</span>"
    sending = later(sent(story, node, k), step, f"c{of}") if story.steps else ""
    return f'<div class="edge">{left}<span class="sends">{sending}</span></div>'


def remarks(notes: Iterable[Note], flags: Iterable[Flag]) -> Iterable[str]:
    """Notes and flags, a paragraph each."""
    for kind, messages in (("note", notes), ("flag", flags)):
        for remark in messages:
            yield f'<p class="{kind}"><b>{kind}</b> {escape(visible(remark.message))}</p>'


def placed(trace: Trace, shown: Diagram) -> Diagram:
    """A picture with room for the numbers of branches that are not taken."""
    dead = {node.index for node in trace.nodes if node.value is UNEVALUATED}
    if trace.value is UNEVALUATED:
        return shown
    vertices = tuple(
        replace(v, value=MISSING, gradient=MISSING if trace.by_index[v.node].gradient else "")
        if v.node in dead
        else v
        for v in shown.vertices
    )
    wires = tuple(
        replace(wire, contribution=MISSING) if wire.rule and not wire.contribution else wire
        for wire in shown.wires
    )
    return replace(shown, vertices=vertices, wires=wires)


def longest(digits: int) -> str:
    """A number that there is room for wherever one stands; the page writes longer ones smaller."""
    return f"-0.{'0' * min(max(digits, 4), 6)}"


def roomy(shown: Diagram, digits: int) -> Scene:
    """A picture laid out so that other numbers have room, too."""

    def room(text: Figure) -> Figure:
        if isinstance(text, Grid):
            columns = text.room or [""] * len(text.rows[0] if text.rows else ())
            return replace(text, room=tuple(max(x, longest(digits), key=len) for x in columns))
        return max(line(text), longest(digits), key=len) if text else ""

    vertices = [replace(v, value=room(v.value), gradient=room(v.gradient)) for v in shown.vertices]
    wires = [replace(wire, contribution=room(wire.contribution)) for wire in shown.wires]
    drawn = scene(replace(shown, vertices=tuple(vertices), wires=tuple(wires)))
    texts = {
        "value": lambda label: shown.vertices[label.vertex].value,
        "gradient": lambda label: shown.vertices[label.vertex].gradient,
        "contribution": lambda label: shown.wires[label.wire].contribution,
    }
    labels = [
        replace(label, text=minus(text))
        if label.kind in texts and isinstance(text := texts[label.kind](label), str)
        else label
        for label in drawn.labels
    ]
    return replace(drawn, labels=labels)


def legend(story: Story) -> str:
    """What the colours and the lines of the picture mean."""
    if not story.steps:
        return ""
    routes = any(node.role is Role.ROUTES for node in story.trace.nodes)
    dashes = "; nothing comes back along a dashed one" * routes
    return (
        '<p class="legend"><span class="value">values</span> above the wires, '
        f'<span class="gradient">gradients</span> below{dashes}</p>'
    )


def made(command: str) -> str:
    """The name of the tool, and what was typed."""
    typed = f": <code>{escape(visible(command))}</code>" if command else ""
    return f"Made by <b>backprop</b>{typed}"


# what the page computes by


def computing(story: Story) -> tuple[str, dict[str, Any] | None]:
    """The functions of the operations, as JavaScript, and the program over them, as data.

    Neither where there is no input or no point, or where JavaScript lacks an operation.
    """
    trace, tape, none = story.trace, story.trace.tape, "const kernels = {};"
    needed = tape.needed(trace.output)
    places = [k for k in range(len(tape)) if needed[k] or k in trace.by_index]
    if not story.steps or not trace.at or len(places) > LARGEST:
        return none, None
    found = written(tape, places)
    if found is None:
        return none, None
    functions, rows = found
    return functions, {
        **rows,
        "blocks": {k: block.first for k, block in trace.names.blocks.items()},
        "edges": {
            node.index: [[edge.place, edge.operand] for edge in node.edges]
            for node in trace.nodes
            if node.edges
        },
        "output": trace.output,
        "upstream": trace.upstream,
        "inputs": [[name, float(x)] for name, x in trace.at.items()],
        "shown": [{"index": node.index, "name": visible(node.name)} for node in trace.nodes],
    }


def written(tape: Tape, places: Sequence[int]) -> tuple[str, dict[str, Any]] | None:
    """The functions of the operations at some places of a tape, and these as data; None where
    JavaScript lacks one.
    """
    rows = {k: tape.operations[k] for k in places}
    found = kernels((rows[k], len(tape.operands[k])) for k in places)
    if found is None:
        return None
    operations = ",\n".join(f"  {name}: {text}" for name, text in found.operations.items())
    functions = "\n".join([*found.helpers, f"const kernels = {{\n{operations}\n}};"])
    conditions = [[c.left, c.right, c.comparison, c.region] for c in tape.conditions]
    numbers = {k: x for k, x in tape.constants.items() if k in rows}
    return functions, {
        "rows": [
            name_of(rows[k], len(tape.operands[k])) if k in rows else 0
            for k in range(places[-1] + 1)
        ],
        "operands": [list(tape.operands[k]) for k in range(places[-1] + 1)],
        "constants": {
            k: CONSTANTS[x] if isinstance(x, str) else float(x) for k, x in numbers.items()
        },
        "variables": {k: name for name, k in tape.variables.items()},
        "conditions": conditions,
        "choices": {k: tape.condition_of[k] for k in places if rows[k] is IF},
        "regions": tape.regions[: places[-1] + 1],
    }


# what holds the page together


def part(name: str) -> str:
    """A file that is a part of the page."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def sheet(drawn: Scene, story: Story) -> str:
    """The page's style sheet: in the picture's colours, with the room that things will need."""

    def colours(ground: dict[str, str]) -> str:
        return " ".join(f"--{name}: {colour};" for name, colour in ground.items())

    told = [[x for x in step["lines"] if x[0][0] != "unrouted"] for step in story.steps[1:-1]]
    lines = max(map(len, told), default=0)
    upright = drawn.width < 1.2 * drawn.height
    return (
        f":root {{ {colours(LIGHT | PAPER)} --font: {FONT};"
        f" --picture: {pixels(drawn.width)}px; --lines: {min(lines, 6)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {colours(DARK | SLATE)} }} }}\n"
        + Template(part("page.css")).substitute(
            paper="portrait" if upright else "landscape",
            height="140mm" if upright else "95mm",
            size=pixels(SIZES["value"]),
            small=pixels(SIZES["contribution"]),
        )
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
