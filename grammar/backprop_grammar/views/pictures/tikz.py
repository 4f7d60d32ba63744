"""The picture in TikZ, for LaTeX: a standalone document whose middle can be pasted into slides.

Places come from the same drawing as the SVG, so nothing is left to LaTeX but the letters; one
length, `x`, scales it all.
"""

from collections.abc import Iterable

from ...errors import shorten, visible
from ..drawing.diagram import Diagram, Vertex
from ..drawing.geometry import Outline, Scene, Segment
from ..drawing.pictured import AnyTrace, pictured
from ..drawing.sheet import POINT, scene
from ..drawing.text_metrics import SIZES, typeset
from ..options import Options
from .svg import DARK, LIGHT, number

__all__ = ["drawing", "render"]


HEAD = r"""\documentclass[tikz,border=2bp]{standalone}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}
\renewcommand{\familydefault}{\sfdefault}
"""
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    '"': r"{\char34}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"\textbar{}",
    "`": r"\`{}",
    "'": r"{'}",
    "−": r"$-$",
    "×": r"$\times$",
    "÷": r"$\div$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
}


def render(trace: AnyTrace, options: Options) -> str:
    """The picture of a trace as a LaTeX document."""
    return drawing(pictured(trace, options.digits), options.theme, options.width)


def drawing(picture: Diagram, theme: str = "light", most: float | str | None = None) -> str:
    """A diagram as a LaTeX document. theme: light or dark; most: as for its scene."""
    drawn = scene(picture, most)
    ground = DARK if theme == "dark" else LIGHT
    colours = "".join(
        f"\\definecolor{{{name}}}{{HTML}}{{{code[1:].upper()}}}\n" for name, code in ground.items()
    )
    comment = f"% {shorten(' '.join(visible(picture.title).split()), 200)}\n"
    lines = [
        r"\begin{document}",
        rf"\begin{{tikzpicture}}[x={POINT}bp, y=-{POINT}bp,",
        *styles(),
        *body(picture, drawn),
        r"\end{tikzpicture}",
        r"\end{document}",
    ]
    return comment + HEAD + colours + "\n".join(lines) + "\n"


def styles() -> Iterable[str]:
    yield "  every node/.style={inner sep=0, outer sep=0, anchor=base},"
    yield f"  wire/.style={{draw=wire, line width={1.5 * POINT}bp}},"
    yield "  unrouted/.style={dash pattern=on 2.2bp off 3bp, opacity=0.6},"
    yield f"  gate/.style={{draw=edge, fill=gate, line width={1.5 * POINT}bp}},"
    yield "  block/.style={fill=block},"
    yield "  frame/.style={draw=wire, line width=0.9bp, dash pattern=on 4bp off 3bp},"
    kinds = {
        "name": ("ink", "base east"),
        "stage": ("ink", "base"),
        "alias": ("quiet", "base"),
        "entering": ("quiet", "base east"),
        "leaving": ("quiet", "base west"),
        "symbol": ("ink", "base"),
        "sign": ("ink", "base"),
        "value": ("value", "base"),
        "gradient": ("gradient", "base"),
        "contribution": ("gradient", "base east"),
        "rule": ("gradient", "base east"),
        "title": ("quiet", "base west"),
    }
    for kind, (colour, anchor) in kinds.items():
        size = SIZES[kind] * POINT
        font = rf"\fontsize{{{number(size)}bp}}{{{number(1.2 * size)}bp}}\selectfont"
        end = "]" if kind == "title" else ","
        yield f"  {kind}/.style={{text={colour}, anchor={anchor}, font={font}}}{end}"


def body(picture: Diagram, drawn: Scene) -> Iterable[str]:
    """The ground, frames, wires, gates and texts, in the order in which they cover each other."""
    yield rf"\fill[color=ground] (0,0) rectangle {point((drawn.width, drawn.height))};"
    for frame in drawn.frames:
        corner = point((frame.left + frame.width, frame.top + frame.height))
        yield (
            rf"\draw[frame, rounded corners=7bp] {point((frame.left, frame.top))} rectangle {corner};"
        )
        yield node("title", frame.left + 10, frame.top - 5, escaped(frame.title))
    for segment in sorted(drawn.segments, key=lambda segment: segment.routed):
        yield rf"\draw[wire{'' if segment.routed else ', unrouted'}] {path(segment)};"
    for x, y, _ in drawn.dots:
        yield rf"\fill[color=wire] {point((x, y))} circle[radius={3 * POINT}bp];"
    for x, y in drawn.tips:
        tip = " -- ".join(map(point, ((x - 5, y - 4.5), (x, y), (x - 5, y + 4.5))))
        yield rf"\draw[wire, line cap=round, line join=round] {tip};"
    for vertex, outline in zip(picture.vertices, drawn.outlines, strict=True):
        if outline:
            yield from gate(vertex, outline)
    for panel in drawn.panels:
        for x, y, wide, high in panel.lines():
            corners = f"{point((x, y))} rectangle {point((x + wide, y + high))}"
            yield rf"\fill[color={panel.kind if panel.kind == 'value' else 'gradient'}, opacity=0.5] {corners};"
    for label in drawn.labels:
        text = escaped(label.text)
        if label.shape:
            text += rf"{{\color{{quiet}} {escaped(label.shape)}}}"
        yield node(label.kind, label.x, label.y, text)


def path(segment: Segment) -> str:
    (left, right), middle = segment.controls(), point(segment.b)
    parts = [point(segment.a)]
    if segment.b != segment.a:
        parts.append(f"-- {middle}")
    if segment.c != segment.b:
        parts.append(f".. controls {point(left)} and {point(right)} .. {point(segment.c)}")
    if segment.d != segment.c:
        parts.append(f"-- {point(segment.d)}")
    return " ".join(parts)


def gate(vertex: Vertex, outline: Outline) -> Iterable[str]:
    left, top = outline.x - outline.width / 2, outline.y - outline.height / 2
    corners = (
        f"{point((left, top))} rectangle {point((left + outline.width, top + outline.height))}"
    )
    style = "gate, block" if vertex.block else "gate"
    yield rf"\draw[{style}, rounded corners={(outline.round - 0.02) * POINT:.3f}bp] {corners};"
    runs = typeset(visible(vertex.symbol))
    kind = "sign" if len("".join(text for text, _ in runs)) == 1 else "symbol"
    text = "".join(rf"\textsuperscript{{{escaped(t)}}}" if up else escaped(t) for t, up in runs)
    middle = outline.y + 0.345 * SIZES[kind]
    if vertex.backward:
        middle, below = outline.y - 2.0, outline.y + SIZES["gradient"]
        yield node("gradient", outline.x, below, escaped(vertex.backward))
    yield node(kind, outline.x, middle, text)


def node(kind: str, x: float, y: float, text: str) -> str:
    return rf"\node[{kind}] at {point((x, y))} {{{text}}};"


def point(place: tuple[float, float]) -> str:
    return f"({number(place[0])},{number(place[1])})"


def escaped(text: str) -> str:
    """A text in which no character means anything to TeX; what LaTeX lacks shows as an escape."""
    return "".join(
        SPECIAL.get(c) or (c if c.isascii() else escaped(c.encode("unicode_escape").decode()))
        for c in visible(text)
    )
