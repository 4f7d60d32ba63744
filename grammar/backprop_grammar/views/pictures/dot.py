"""The picture for Graphviz: gates, wires with value and gradient, clusters for frames.

Graphviz has no trunk that branches, so every edge carries the value that runs forward on it and the
contribution that comes back, and a node used more than once shows the sum.
"""

from xml.sax.saxutils import escape

from ...errors import shorten, visible
from ..drawing.diagram import Diagram, Figure, Grid, Vertex, line
from ..drawing.geometry import mentioned
from ..drawing.pictured import AnyTrace, pictured
from ..drawing.text_metrics import shaped, typeset
from ..options import Options
from .svg import LIGHT

__all__ = ["drawing", "render"]

HEAD = f"""\
  rankdir=LR; ordering=in; ranksep=0.5; nodesep=0.3; bgcolor=transparent
  node [fontname="Helvetica", fontsize=13, color="{LIGHT["edge"]}", fontcolor="{LIGHT["ink"]}"]
  edge [fontname="Helvetica", fontsize=11, color="{LIGHT["wire"]}", arrowsize=0.6]
"""


def render(trace: AnyTrace, options: Options) -> str:
    """The picture of a trace in the DOT language."""
    return drawing(pictured(trace, options.digits))


def drawing(picture: Diagram) -> str:
    """A diagram in the DOT language."""
    fan_out, last = picture.fan_out(), len(picture.vertices) - 1
    mentions = mentioned(picture)
    lines = [f"digraph {quoted(shorten(picture.title, 400))} {{", HEAD.rstrip("\n")]
    for i, vertex in enumerate(picture.vertices):
        label = vertex.label or vertex.name * (vertex.name in mentions)
        lines.append(f"  v{i} [{node(vertex, label, fan_out[i] > 1)}]")
    for number, boundary in enumerate(picture.boundaries):
        members = "; ".join(f"v{i}" for i in sorted(boundary.members))
        lines.append(
            f"  subgraph cluster_{number} {{ label={quoted(boundary.title)}; labeljust=l;"
            f' style="rounded,dashed"; color="{LIGHT["wire"]}"; fontcolor="{LIGHT["quiet"]}";'
            f' fontname="Helvetica"; fontsize=11; {members} }}'
        )
    for wire in picture.wires:
        source = picture.vertices[wire.source]
        back = wire.contribution or (wire.rule if not source.value else "")
        style = "" if wire.routed else ", style=dashed"
        lines.append(f"  v{wire.source} -> v{wire.target} [{edge(source.value, back)}{style}]")
    end = picture.vertices[last]
    lines.append('  out [shape=none, label="", width=0, height=0]')
    lines.append(f"  v{last} -> out [{edge(end.value, end.gradient)}]")
    return "\n".join([*lines, "}"]) + "\n"


def node(vertex: Vertex, label: str, several: bool) -> str:
    """The attributes of a leaf or a gate, whose total is written where it has several users."""
    sides = [text for text in (vertex.name, vertex.formula, line(vertex.value)) if text]
    hint = f"tooltip={quoted(' = '.join(sides))}"
    total = (
        [coloured(f"Σ {line(vertex.gradient)}", "gradient")] if several and vertex.gradient else []
    )
    if not vertex.symbol:
        name = html(shorten(label)) + size(vertex)
        return f"shape=plain, label=<{'<BR/>'.join([name, *total])}>, {hint}"
    runs = typeset(vertex.symbol)
    symbol = "".join(f"<SUP>{html(text)}</SUP>" if up else html(text) for text, up in runs)
    lines = [coloured(label, "quiet") + size(vertex)] * bool(label) + [symbol] + total
    lines += [coloured(vertex.backward, "gradient")] * bool(vertex.backward)
    if vertex.block:
        outline = 'shape=box, style=rounded, margin="0.12,0.04"'
    elif len(lines) == 1 and sum(len(text) for text, _ in runs) <= 4:
        outline = "shape=circle, fixedsize=true, width=0.55"
    else:
        outline = 'shape=ellipse, margin="0.04,0.02"'
    return f"{outline}, label=<{'<BR/>'.join(lines)}>, {hint}"


def size(vertex: Vertex) -> str:
    """The shape of an array, after its name."""
    return f" {coloured(shaped(vertex.shape), 'quiet')}" if vertex.shape else ""


def edge(value: Figure, gradient: Figure) -> str:
    """What stands at an edge; of arrays, every number above its gradient."""
    pairs = [
        (figure, kind) for figure, kind in ((value, "value"), (gradient, "gradient")) if figure
    ]
    if any(isinstance(figure, Grid) for figure, _ in pairs):
        rows = [
            "".join(f"<TD>{coloured(text, kind)}</TD>" for text in row)
            for figure, kind in pairs
            for row in ((isinstance(figure, Grid) and figure.rows) or [[line(figure)]])
        ]
        table = "".join(f"<TR>{row}</TR>" for row in rows)
        return f'label=<<TABLE BORDER="0" CELLPADDING="1" CELLSPACING="2">{table}</TABLE>>'
    lines = [coloured(line(figure), kind) for figure, kind in pairs]
    return f"label=<{'<BR/>'.join(lines)}>" if lines else 'label=""'


def coloured(text: str, kind: str) -> str:
    return f'<FONT COLOR="{LIGHT[kind]}">{html(shorten(text))}</FONT>'


def html(text: str) -> str:
    return escape(visible(text), {'"': "&quot;"})


def quoted(text: str) -> str:
    """A string of the DOT language."""
    return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
