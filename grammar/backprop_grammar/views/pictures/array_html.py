"""A trace over arrays as one web page: as that of numbers, with an array wherever a number stands.

The page computes the numbers that the arrays mean, and gathers from them what it shows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from string import Template
from typing import Any

from ...arrays.evaluate import by_numbers
from ...arrays.notes import gathered_flags
from ...arrays.of_numbers import completed
from ...arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor, TraceByNumbers
from ...arrays.text import inline, is_large, text_of
from ...errors import BackpropError, shorten, visible
from ...language.graph import Array
from ...language.printer import shown_text
from ...operations.shape import said
from ..drawing.array_diagram import array_diagram
from ..drawing.array_steps import ArrayStory, copies_of, data, sent, sums, tell
from ..drawing.diagram import Diagram
from ..options import Options
from .html import (
    LARGEST,
    READ,
    WIDE,
    embedded,
    later,
    legend,
    longest,
    made,
    part,
    policy,
    program,
    remarks,
    roomy,
    sheet,
    written,
)
from .svg import ADAPTIVE, svg

__all__ = ["render"]

SCRIPTS = ("entries.js", "passes.js", "inputs.js", "numbers.js", "page.js", "arrays.js")
"""The last takes the place of some functions of those before it, which are of numbers."""


def render(subject: ArrayTrace, options: Options) -> str:
    """The page, self-contained, and whole without JavaScript.

    Raises BackpropError where the graph is too large for a picture, and where the arrays mean more
    numbers than a page computes.
    """
    way = "an SVG draws it; or make the arrays smaller: fewer rows show the same"
    trace = by_numbers(subject, "a page computes", way)
    places = needed(trace)
    if len(places) > LARGEST:
        raise BackpropError(
            "limit",
            f"the arrays of the program mean {len(places):,} operations on numbers, more than a page computes ({LARGEST:,})",
            hint=way,
        )
    digits = trace.precision or options.digits
    trace = completed(trace)
    shown = apart(trace, array_diagram(trace, digits, heat=True))
    drawn = roomy(shown, digits)
    story = tell(trace, digits)
    functions, tape = computing(story, places)
    lines = f":root {{ --lines: {lines_of(story)} }}\n"
    style = sheet(drawn, story) + part("arrays.css") + lines
    script = "\n".join([READ, functions, *map(part, SCRIPTS)])
    held = data(story, shown) | {"program": tape, "evaluation": options.evaluation}
    held["room"] = len(longest(digits))
    page = Template(part("page.html")).substitute(
        policy=policy([style, ADAPTIVE], script),
        title=escape(visible(shorten(shown_text(trace.program), 80))),
        style=style,
        program="\n".join(program(story, f"va{trace.output}")),
        layout="wide" if drawn.width > WIDE else "narrow",
        picture=svg(shown, drawn, ADAPTIVE),
        legend=legend(story),
        rows="\n".join(row(story, node) for node in listed(trace)),
        remarks="\n".join(remarks(trace.notes, gathered_flags(trace.flags))),
        made=made(options.command),
        data=embedded(held),
        script=script,
    )
    return page.replace(">local gradient</th>", ">what operands get</th>", 1)


def needed(trace: TraceByNumbers) -> list[int]:
    """The nodes over numbers that the page computes: all that the elements are computed from."""
    tape, lowered = trace.numbers.tape, trace.lowered
    shown = {k for cells in lowered.cells.values() for k in cells.nodes}
    wanted = [k in shown for k in range(len(tape))]
    wanted[trace.numbers.output] = True
    for node in reversed(range(len(tape))):
        if not wanted[node]:
            continue
        for operand in tape.operands[node]:
            wanted[operand] = True
        region = tape.regions[node]
        while region:
            test = tape.conditions[(region - 1) // 2]
            wanted[test.left] = wanted[test.right] = True
            region = test.region
    return [node for node, is_wanted in enumerate(wanted) if is_wanted]


def apart(trace: ArrayTrace, shown: Diagram) -> Diagram:
    """A picture in which each gate that stretches an array has a name of its own."""
    vertices = list(shown.vertices)
    for k, (node, edge) in copies_of(trace, shown).items():
        name = f"{vertices[k].name} copied for {node.name}"
        again = any(vertex.name == name for vertex in vertices)
        vertices[k] = replace(vertices[k], name=f"{name} ({edge.place})" if again else name)
    return replace(shown, vertices=tuple(vertices))


def lines_of(story: ArrayStory) -> int:
    """How many lines the longest step takes, about."""
    rows = 0.0
    for step in story.steps[1:-1]:
        references = [[piece[2] for piece in line if len(piece) > 2] for line in step["lines"]]
        rows = max(rows, sum(max(map(high(story), of), default=1.0) for of in references))
    return min(round(rows), 6)


def high(story: ArrayStory) -> Any:
    def height(reference: str) -> float:
        node = story.by_index[int(reference.lstrip("vgca").partition(".")[0])]
        tensor = node.value
        if reference.startswith("c"):
            place = int(reference.partition(".")[2])
            tensor = next(edge.contribution for edge in node.edges if edge.place == place)
        tall = len(tensor.shape) == 2 and not is_large(tensor)
        return 0.3 + 0.75 * tensor.shape[0] if tall else 1.0

    return height


# the table


def listed(trace: ArrayTrace) -> list[ArrayNode]:
    """The rows of the table: the inputs, then the operations in the order of the tape."""
    inputs = [node for node in trace.nodes if node.kind == "variable"]
    return inputs + [node for node in trace.nodes if node.operation]


def row(story: ArrayStory, node: ArrayNode) -> str:
    """A row of the table; it leads to the node's step."""
    name, short = escape(visible(node.name)), escape(visible(shorten(node.name, 24)))
    arrives, sends = story.gradients.get(node.index, 0), story.sends.get(node.index, 0)
    computed = story.values.get(node.index, 0)
    step = sends or (arrives if node.gradient is not None else computed)
    edges = [back(story, node, edge, sends) for edge in node.edges]
    total = sums(story, node.index)
    if total and node.gradient is not None:
        span = later([("quiet", f"sums {total}")], arrives, f"ga{node.index}")
        edges.append(f"<div>{span}</div>")
    shape = f' <span class="quiet">{said(node.shape)}</span>' if node.shape else ""
    named = ' class="named"' if node.named else ""
    formula = escape(visible(node.formula)) if node.operation else ""
    return (
        f'<tr data-name="{name}" data-step="{step}"><th scope="row"{named}>'
        f'<a href="#step={step}">{short}</a>{shape}</th><td class="formula">{formula}</td>'
        f'<td class="number">{timed(story, "value", node.value, f"va{node.index}", computed)}</td>'
        f'<td class="number">{timed(story, "gradient", node.gradient, f"ga{node.index}", arrives)}</td>'
        f'<td class="edges" colspan="2">{"".join(edges)}</td></tr>'
    )


def back(story: ArrayStory, node: ArrayNode, edge: ArrayEdge, step: int) -> str:
    """An edge in the table: what an operand gets on the left, its numbers on the right."""
    name = escape(visible(story.trace.name(edge.operand)))
    text = escape(visible(sent(node, edge)))
    of = f"ca{node.index}.{edge.place}"
    sending = timed(story, "gradient", edge.contribution, of, step)
    return (
        f'<div class="edge"><span>{name} <span class="quiet">gets</span> {text}</span>'
        f'<span class="sends">{sending}</span></div>'
    )


def timed(story: ArrayStory, kind: str, tensor: Tensor | None, of: str, step: int) -> str:
    """An array that is not seen before its step."""
    if tensor is None:
        return ""
    return f'<span data-from="{step}" data-of="{of}">{array(story, kind, tensor, of)}</span>'


def array(story: ArrayStory, kind: str, tensor: Tensor, of: str) -> str:
    """An array as HTML: in rows and columns, or as its summary where it is large."""
    texts = [text_of(x, story.digits) for x in tensor.numbers]
    if len(texts) == 1 or is_large(tensor):
        text = texts[0] if len(texts) == 1 else inline(tensor, story.digits)
        return f'<span class="{kind}" data-number="{of}">{escape(text)}</span>'
    wide = tensor.shape[-1]
    cells = [f'<span data-number="{of}@{k}">{escape(text)}</span>' for k, text in enumerate(texts)]
    rows = [f'<span class="line">{"".join(cells[k : k + wide])}</span>' for k in range(0, len(cells), wide)]  # fmt: skip
    return f'<span class="array {kind}" data-array="{of}">{"".join(rows)}</span>'


# what the page computes by


def computing(story: ArrayStory, places: Sequence[int]) -> tuple[str, dict[str, Any] | None]:
    """The functions of the operations, as JavaScript, and the program over them, as data.

    No program where there is no input, or where JavaScript lacks an operation.
    """
    trace, numbers = story.trace, story.trace.numbers
    found = written(numbers.tape, places)
    if found is None or not trace.at:
        return "const kernels = {};", None
    functions, rows = found
    lowered = trace.lowered
    fixed = {trace.name(node) for node in lowered.found.whole if node in lowered.cells}
    return functions, {
        **rows,
        "blocks": {},
        "edges": {node: edges for node, edges in story.edges.items() if edges},
        "output": numbers.output,
        "upstream": numbers.upstream,
        "inputs": [[name, given(value)] for name, value in trace.at.items()],
        "fixed": sorted(fixed),
        "shown": list(elements(trace)),
    }


def given(value: float | Array) -> Any:
    """The value of an input: a number, or the shape and the numbers of an array."""
    if isinstance(value, Array):
        return {"shape": list(value.shape), "numbers": [float(x) for x in value.numbers]}
    return float(value)


def elements(trace: TraceByNumbers) -> Iterable[dict[str, Any]]:
    """The nodes over numbers that are shown, or what is sent to one that is."""
    lowered = trace.lowered
    shown = {k for cells in lowered.cells.values() for k in cells.nodes}
    shown.update(k for aliases in lowered.sent.values() for k in aliases)
    shown.add(trace.numbers.output)
    names = lowered.graph.names
    for k in sorted(shown):
        yield {"index": k, "name": visible(names.get(k, trace.output_name))}
