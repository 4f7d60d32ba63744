"""The picture as SVG: a file on its own, and the element that a page embeds.

The picture carries its meaning. Every gate, wire and number says by its id, class and data what it
belongs to, so a style sheet or a script needs no knowledge of the layout:

    g.vertex.leaf|gate|block[.output]  id="v{index}" data-name="{node}"
    path.wire[.unrouted]   data-name="{source}" data-wires="{indices}"; circle.dot likewise
    text.value, .gradient  data-name="{whose output it is}"
    text.contribution, .rule  data-name="{source}" data-wire="{index}"
    rect.box               where an answer is to be written, behind its number
    text.element           beside these: of an array, data-vertex="{index}" data-place="{row},{column}"
    g.panel.value|gradient|contribution  behind an array, data-name, data-vertex and data-wire as of
        its texts: path.lines, and of a heat map path.square  data-place="{row},{column}"
    text.entering, .leaving   data-name="{source}", where a wire leads from row to row
    g.frame                data-title
"""

from collections.abc import Iterable
from textwrap import indent
from xml.sax.saxutils import escape

from ...errors import shorten, visible
from ..drawing.diagram import BOX, Diagram, Vertex, line
from ..drawing.geometry import Frame, Label, Outline, Panel, Scene, Segment, minus_of
from ..drawing.pictured import AnyTrace, pictured
from ..drawing.sheet import scene
from ..drawing.text_metrics import SIZES, typeset, width
from ..options import Options

__all__ = [
    "ADAPTIVE",
    "DARK",
    "FONT",
    "LIGHT",
    "STYLES",
    "drawing",
    "number",
    "render",
    "svg",
]

FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans",'
    ' "Liberation Sans", Arial, sans-serif'
)

LIGHT = {
    "ground": "#ffffff",
    "ink": "#1f2328",
    "quiet": "#59636e",
    "wire": "#7d8691",
    "edge": "#59636e",
    "gate": "#ffffff",
    "block": "#eef2f7",
    "value": "#1a7f37",
    "gradient": "#c9252d",
}
DARK = {
    "ground": "#0d1117",
    "ink": "#e6edf3",
    "quiet": "#9aa4af",
    "wire": "#76808b",
    "edge": "#9aa4af",
    "gate": "#161b22",
    "block": "#232a33",
    "value": "#4ac26b",
    "gradient": "#ff7b72",
}
"""Colours on light and on dark ground, by what they are for."""


def render(trace: AnyTrace, options: Options) -> str:
    """The picture of a trace as a file."""
    picture = pictured(trace, options.digits, heat=True)
    text = drawing(picture, options.theme, options.width)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def drawing(picture: Diagram, theme: str = "light", most: float | str | None = None) -> str:
    """The `<svg>` element of a diagram on its own ground.

    theme: a key of STYLES. most: as for its scene.
    """
    return svg(picture, scene(picture, most), STYLES[theme], ground=True)


def svg(picture: Diagram, drawn: Scene, style: str, ground: bool = False) -> str:
    """The `<svg>` element of a diagram, drawn as its scene says, with a style sheet.

    ground: whether it has one of its own; otherwise that of the page is seen.
    """
    size = f"{number(drawn.width)} {number(drawn.height)}"
    wide, high = size.split()
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="backprop" viewBox="0 0 {size}" '
        f'width="{wide}" height="{high}" role="img" aria-labelledby="picture-title picture-desc">',
        f'<title id="picture-title">{quoted(shorten(picture.title, 400))}</title>',
        f'<desc id="picture-desc">{quoted(picture.description)}</desc>',
        f"<style>{style}</style>",
        *(['<rect class="ground" width="100%" height="100%"/>'] if ground else []),
        *[framed(frame) for frame in drawn.frames],
        '<g class="wires">',
        *wires(picture, drawn),
        "</g>",
        '<g class="vertices">',
        *vertices(picture, drawn),
        "</g>",
        *[panelled(picture, panel) for panel in drawn.panels],
        '<g class="numbers">',
        *numbers(picture, drawn),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def colours(ground: dict[str, str]) -> str:
    """The part of the style sheet that has to do with light and dark."""
    return "".join(
        f"  .backprop {selector} {{ {rule.format(**ground)} }}\n"
        for selector, rule in (
            (".ground", "fill: {ground}"),
            (".name, .backprop .symbol", "fill: {ink}"),
            (".alias, .backprop .entering, .backprop .leaving", "fill: {quiet}"),
            (".shape", "fill: {gate}; stroke: {edge}"),
            (".block .shape", "fill: {block}"),
            (".wire", "stroke: {wire}"),
            (".dot", "fill: {wire}"),
            (".arrow", "stroke: {wire}"),
            (".value", "fill: {value}"),
            (".gradient, .backprop .contribution, .backprop .rule", "fill: {gradient}"),
            (".frame rect", "stroke: {wire}"),
            (".frame text", "fill: {quiet}"),
        )
    )


NAMES = ("name", "stage", "alias")

STYLE = (
    f"\n  .backprop {{ font-family: {FONT};"
    " font-variant-numeric: tabular-nums }\n"
    "  .backprop .wire, .backprop .arrow { fill: none; stroke-width: 1.5 }\n"
    "  .backprop .arrow { stroke-linecap: round; stroke-linejoin: round }\n"
    "  .backprop .unrouted { stroke-dasharray: 3 4; opacity: 0.6 }\n"
    "  .backprop .shape { stroke-width: 1.5 }\n"
    "  .backprop .vertex:focus { outline: none }\n"
    "  .backprop .vertex:focus .shape { stroke-width: 3 }\n"
    "  .backprop .leaf:focus .name { text-decoration: underline }\n"
    "  .backprop .frame rect { fill: none; stroke-width: 1.2; stroke-dasharray: 5 4 }\n"
    + "".join(
        f"  .backprop {selector} {{ font-size: {size:g}px; text-anchor: {anchor} }}\n"
        for selector, size, anchor in (
            (".name", SIZES["name"], "end"),
            (".stage", SIZES["stage"], "middle"),
            (".alias", SIZES["alias"], "middle"),
            (".symbol", SIZES["symbol"], "middle"),
            (".sign", SIZES["sign"], "middle"),
            (".value, .backprop .gradient", SIZES["value"], "middle"),
            (".contribution, .backprop .rule", SIZES["rule"], "end"),
            (".entering", SIZES["entering"], "end"),
            (".leaving", SIZES["leaving"], "start"),
            (".frame text", SIZES["title"], "start"),
        )
    )
)
"""The part of the style sheet that is the same on any ground."""

ADAPTIVE = (
    f"{STYLE}  .backprop {{ color-scheme: light dark }}\n{colours(LIGHT)}  @media (prefers-color-scheme: dark) {{\n"
    f"{indent(colours(DARK), '    ')}  }}\n"
)
"""The style sheet in the colours that the reader's ground asks for."""

STYLES = {"light": STYLE + colours(LIGHT), "dark": STYLE + colours(DARK), "auto": ADAPTIVE}
"""The style sheets, by theme."""


def quoted(text: str) -> str:
    """A user's text, harmless as content and as an attribute."""
    return escape(visible(text), {'"': "&quot;", "'": "&#39;"})


def number(x: float) -> str:
    """A coordinate to a tenth of a pixel."""
    text = f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def at(*points: tuple[float, float]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)


def framed(frame: Frame) -> str:
    title = quoted(frame.title)
    return (
        f'<g class="frame" data-title="{title}"><rect x="{number(frame.left)}"'
        f' y="{number(frame.top)}" width="{number(frame.width)}" height="{number(frame.height)}"'
        f' rx="10"/><text x="{number(frame.left + 10)}" y="{number(frame.top - 5)}">{title}</text></g>'
    )


def path(segment: Segment) -> str:
    """The path of a segment; what coincides is left out."""
    parts = [f"M{at(segment.a)}"]
    if segment.b != segment.a:
        parts.append(f"H{number(segment.b[0])}")
    if segment.c != segment.b:
        level = abs(segment.c[1] - segment.b[1]) < 0.05
        parts.append(
            f"H{number(segment.c[0])}" if level else f"C{at(*segment.controls(), segment.c)}"
        )
    if segment.d != segment.c:
        parts.append(f"H{number(segment.d[0])}")
    return "".join(parts)


def wires(picture: Diagram, drawn: Scene) -> Iterable[str]:
    """Wires, those that were not selected first, then the dots where they branch."""
    for segment in sorted(drawn.segments, key=lambda segment: segment.routed):
        indices = " ".join(map(str, segment.wires))
        yield (
            f'<path class="wire{"" if segment.routed else " unrouted"}"'
            f' data-name="{quoted(picture.vertices[segment.vertex].name)}" data-wires="{indices}"'
            f' d="{path(segment)}"/>'
        )
    for x, y, vertex in drawn.dots:
        name = quoted(picture.vertices[vertex].name)
        yield f'<circle class="dot" data-name="{name}" cx="{number(x)}" cy="{number(y)}" r="3"/>'
    for x, y in drawn.tips:
        yield f'<path class="arrow" d="M{at((x - 5, y - 4.5), (x, y), (x - 5, y + 4.5))}"/>'


def vertices(picture: Diagram, drawn: Scene) -> Iterable[str]:
    """Gates and leaves, each with its formula for whoever points at it."""
    names = {label.vertex: label for label in drawn.labels if label.kind in NAMES}
    last = len(picture.vertices) - 1
    for i, (vertex, outline) in enumerate(zip(picture.vertices, drawn.outlines, strict=True)):
        kind = "leaf" if outline is None else "gate block" if vertex.block else "gate"
        name = names.get(i)
        yield (
            f'<g class="vertex {kind}{" output" * (i == last)}" id="v{i}"'
            f' data-name="{quoted(vertex.name)}" tabindex="0"><title>{quoted(equation(vertex))}</title>'
            f"{gate(vertex, outline) if outline else ''}{write(name) if name else ''}</g>"
        )


def equation(vertex: Vertex) -> str:
    """What a gate computes, in a line: `q = x + y = 3`."""
    parts = [vertex.name, shorten(vertex.formula, 200), line(vertex.value)]
    return " = ".join(part for part in parts if part)


def gate(vertex: Vertex, outline: Outline) -> str:
    """A gate's outline and its symbol, optically centred."""
    runs = typeset(visible(vertex.symbol))
    text = "".join(part for part, _ in runs)
    kind = "symbol sign" if len(text) == 1 else "symbol"
    size = SIZES["sign" if len(text) == 1 else "symbol"]
    up = f'<tspan dy="{number(-0.42 * size)}" font-size="{number(0.72 * size)}">'
    spans = "".join(
        f"{up}{quoted(part)}</tspan>" if raised else quoted(part) for part, raised in runs
    )
    middle, back = outline.y + 0.345 * size, ""
    if vertex.backward:
        middle, below = outline.y - 2.0, number(outline.y + SIZES["gradient"])
        back = f'<text class="gradient" x="{number(outline.x)}" y="{below}">{quoted(vertex.backward)}</text>'
    return (
        f'<rect class="shape" x="{number(outline.x - outline.width / 2)}" y="{number(outline.y - outline.height / 2)}"'
        f' width="{number(outline.width)}" height="{number(outline.height)}" rx="{number(outline.round)}"/>'
        f'<text class="{kind}" x="{number(outline.x)}" y="{number(middle)}">{spans}</text>{back}'
    )


def write(label: Label, data: str = "") -> str:
    kind = label.kind if label.kind == "name" or label.kind not in NAMES else f"name {label.kind}"
    where = f'x="{number(label.x)}" y="{number(label.y)}"'
    text = quoted(label.text)
    if label.shape:
        text += f'<tspan class="alias">\u00a0{quoted(label.shape)}</tspan>'
    if label.place is not None:
        kind = f"{kind} element"
        data += f' data-vertex="{label.vertex}" data-place="{place(*label.place)}"'
    if BOX in label.text:
        return boxed(label, kind, data)
    return f'<text class="{kind}"{data} {where}>{text}</text>'


def boxed(label: Label, kind: str, data: str) -> str:
    """A box to fill in, and its number before it."""
    size = SIZES[label.kind]
    all_of, long = width(label.text, size), width(BOX, size)
    left = label.x - {"value": all_of / 2, "gradient": all_of / 2}.get(label.kind, all_of)
    before = label.text.replace(BOX, "").strip()
    x, y = left + all_of - long, label.y - size + 0.5
    return (
        f'<text class="{kind}"{data} style="text-anchor: start" x="{number(left)}" y="{number(label.y)}">{quoted(before)}</text>'
        f'<rect class="shape box" x="{number(x)}" y="{number(y)}" width="{number(long)}" height="{number(size + 1)}" rx="2"/>'
    )


def place(row: int, column: int) -> str:
    return f"{row},{column}"


def panelled(picture: Diagram, panel: Panel) -> str:
    """What stands behind an array. A square is as dark as its number is large, and says its sign."""
    name = quoted(picture.vertices[panel.vertex].name)
    wire = f' data-wire="{panel.wire}"' * (panel.wire >= 0)
    title = f"<title>{quoted(panel.title)}</title>" if panel.title else ""
    squares = "".join(
        f'<path class="square" shape-rendering="crispEdges" data-place="{place(i * panel.parts[0], j * panel.parts[1])}"'
        f' fill-opacity="{abs(strength):.2g}" d="{squared(x, y, side, strength < 0)}"/>'
        for i, j, x, y, side, strength in panel.squares()
        if strength
    )
    lines = "".join(
        f"M{at((x, y))}h{number(long)}v{number(high)}h{number(-long)}z"
        for x, y, long, high in panel.lines()
    )
    return (
        f'<g class="panel {panel.kind}" data-name="{name}" data-vertex="{panel.vertex}"{wire}>{title}{squares}'
        f'<path class="lines" fill-opacity="0.5" d="{lines}"/></g>'
    )


def squared(x: float, y: float, side: float, minus: bool) -> str:
    """A square of a heat map; of a negative number, with a minus sign cut out."""
    path = f"M{at((x, y))}h{number(side)}v{number(side)}h{number(-side)}z"
    if minus:
        left, top, long, high = minus_of(x, y, side)
        path += f"M{at((left, top))}v{number(high)}h{number(long)}v{number(-high)}z"
    return path


def numbers(picture: Diagram, drawn: Scene) -> Iterable[str]:
    """Values above the wires, gradients below, contributions and rules at their far ends."""
    for label in drawn.labels:
        if label.kind not in NAMES:
            data = f' data-name="{quoted(picture.vertices[label.vertex].name)}"'
            yield write(label, data + (f' data-wire="{label.wire}"' if label.wire >= 0 else ""))
