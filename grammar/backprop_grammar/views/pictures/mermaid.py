"""The picture for Mermaid, which Markdown pages on GitHub and elsewhere draw.

Mermaid's edges have one colour, so arrows tell the two passes apart: the value runs → forward, the
gradient comes ← back.
"""

from ...errors import shorten, visible
from ..drawing.diagram import Diagram, Figure, Grid, Vertex, line
from ..drawing.geometry import mentioned
from ..drawing.pictured import AnyTrace, pictured
from ..drawing.text_metrics import shaped, typeset
from ..options import Options

__all__ = ["drawing", "render"]


def render(trace: AnyTrace, options: Options) -> str:
    """The picture of a trace as a Mermaid flowchart."""
    return drawing(pictured(trace, options.digits))


def drawing(picture: Diagram) -> str:
    """A diagram as a Mermaid flowchart."""
    fan_out, last = picture.fan_out(), len(picture.vertices) - 1
    lines = ["flowchart LR"]
    inside: dict[int, int] = {}
    for number, boundary in enumerate(picture.boundaries):
        for i in boundary.members:
            # frames are nested or apart, and Mermaid wants a node named in one: the smallest
            best = inside.get(i)
            if best is None or len(picture.boundaries[best].members) > len(boundary.members):
                inside[i] = number
    mentions = mentioned(picture)
    nodes = [
        f"v{i}{node(v, v.label or v.name * (v.name in mentions), fan_out[i] > 1)}"
        for i, v in enumerate(picture.vertices)
    ]
    lines += [f"  {nodes[i]}" for i in range(last + 1) if i not in inside]
    for number, boundary in enumerate(picture.boundaries):
        lines.append(f"  subgraph s{number}[{quoted(shorten(boundary.title))}]")
        lines += [f"    {nodes[i]}" for i in sorted(boundary.members) if inside[i] == number]
        lines.append("  end")
    for wire in picture.wires:
        source = picture.vertices[wire.source]
        back = wire.contribution or (wire.rule if not source.value else "")
        line = "-->" if wire.routed else "-.->"
        lines.append(f"  v{wire.source} {line}{numbers(source.value, back)} v{wire.target}")
    end = picture.vertices[last]
    lines.append(f"  v{last} -->{numbers(end.value, end.gradient)} out[ ]")
    lines.append("  style out fill:none,stroke:none")
    leaves = ",".join(f"v{i}" for i, v in enumerate(picture.vertices) if not v.symbol)
    if leaves:
        lines += ["  classDef leaf fill:none,stroke:none", f"  class {leaves} leaf"]
    return "\n".join(lines) + "\n"


def node(vertex: Vertex, label: str, several: bool) -> str:
    """A leaf's name, or a gate's name and symbol; the total where it has several users."""
    symbol = "".join(("^" + text) if raised else text for text, raised in typeset(vertex.symbol))
    total = f"Σ ← {line(vertex.gradient)}" if several and vertex.gradient else ""
    name = f"{shorten(label)} {shaped(vertex.shape)}" if label and vertex.shape else shorten(label)
    forward, back = (f"→ {symbol}", f"← {vertex.backward}") if vertex.backward else (symbol, "")
    text = quoted(*[part for part in (name, forward, back, total) if part])
    if not symbol:
        return f"[{text}]"
    if vertex.block:
        return f"[{text}]"
    return f"(({text}))" if len(symbol) <= 4 and not total else f"([{text}])"


def numbers(value: Figure, gradient: Figure) -> str:
    """What stands at an arrow; of an array, a line for each row."""
    back = gradient if isinstance(gradient, Grid) else shorten(gradient)
    parts = [
        arrow * (k == 0) + text
        for arrow, figure in (("→ ", value), ("← ", back))
        for k, text in enumerate(lines(figure))
    ]
    return f"|{quoted(*parts)}|" if parts else ""


def lines(figure: Figure) -> list[str]:
    """A number, or the rows of an array."""
    if isinstance(figure, Grid) and figure.rows:
        return [", ".join(row) for row in figure.rows]
    return [line(figure)] if figure else []


def quoted(*lines: str) -> str:
    """Lines of text in which no character means anything to Mermaid or to HTML."""
    return '"' + "<br/>".join(map(harmless, lines)) + '"'


def harmless(line: str) -> str:
    if line in "+-":  # alone, Markdown takes it for a list
        return f"#{ord(line)};"
    return "".join(map(entity, visible(line)))


def entity(c: str) -> str:
    return c if c.isalnum() or c in " .,()+-=→←Σ×÷−·_≤≥" else f"#{ord(c)};"
