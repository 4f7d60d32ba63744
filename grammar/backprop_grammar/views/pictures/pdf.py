"""The picture as PDF: one page of lines, outlines and text in Helvetica, which every reader has.

Places come from the same drawing as the SVG. A PDF is a list of objects, of which one says in a
few operators what is on the page (ISO 32000-1, 8 and 9); nothing has to be embedded, and the texts
can be searched.
"""

import zlib
from collections.abc import Iterable

from ...errors import shorten, visible
from ..drawing.diagram import Diagram, Vertex
from ..drawing.geometry import Label, Outline, Panel, Scene, Segment, minus_of
from ..drawing.pictured import AnyTrace, pictured
from ..drawing.sheet import A4, POINT, page_scale, scene
from ..drawing.text_metrics import SIZES, Runs, typeset
from ..options import Options
from .svg import DARK, LIGHT, number

__all__ = ["drawing", "render"]

ARC = (
    0.5523  # of a radius: how far off the controls are of the cubic that is nearly a quarter circle
)

COLOURS = {
    "name": "ink",
    "stage": "ink",
    "alias": "quiet",
    "entering": "quiet",
    "leaving": "quiet",
    "symbol": "ink",
    "sign": "ink",
    "value": "value",
    "gradient": "gradient",
    "contribution": "gradient",
    "rule": "gradient",
    "title": "quiet",
}
"""The colour of every kind of text."""

MINUS = 128
"""The code of the minus sign, which the encoding of the page adds to that of Windows."""

SIGN = 0.253
"""How high above the baseline the middle of a sign such as + is in Helvetica, of its size."""

PLAIN = {"≤": "<=", "≥": ">="}
"""What stands for characters that not every reader's Helvetica has."""

WIDTHS = dict(
    zip(
        map(chr, range(32, 127)),
        (
            *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
            *(556,) * 10,
            *(278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278),
            *(500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611),
            *(278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500),
            *(222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500),
            *(334, 260, 334, 584),
        ),
        strict=True,
    )
) | {"−": 584, "×": 584, "÷": 584, "·": 278}
"""How wide characters are in Helvetica, in thousandths of its size (Adobe's font metrics)."""


def render(trace: AnyTrace, options: Options) -> bytes:
    """The picture of a trace as a PDF; on a sheet of paper where its width is that of one."""
    return drawing(pictured(trace, options.digits, heat=True), options.theme, options.width)


def drawing(picture: Diagram, theme: str = "light", most: float | str | None = None) -> bytes:
    """A diagram as a PDF. theme: light or dark; most: as for its scene."""
    drawn = scene(picture, most)
    colours = {name: rgb(code) for name, code in (DARK if theme == "dark" else LIGHT).items()}
    scale, wide, high = POINT, POINT * drawn.width, POINT * drawn.height
    left = top = 0.0
    if most == "a4":
        scale, turned = page_scale(drawn)
        wide, high = reversed(A4) if turned else A4
        left, top = (wide - scale * drawn.width) / 2, (high - scale * drawn.height) / 2
    lines = [
        f"{colours['ground']} rg 0 0 {wide:.2f} {high:.2f} re f",
        f"{scale:.5f} 0 0 {-scale:.5f} {left:.2f} {high - top:.2f} cm",  # from the top, in pixels
        *body(picture, drawn, colours),
    ]
    return document("\n".join(lines).encode("latin-1"), wide, high, picture.title)


def document(content: bytes, wide: float, high: float, title: str) -> bytes:
    """A file of one page."""
    packed = zlib.compress(content)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {wide:.2f} {high:.2f}] /Contents 5 0 R"
        " /Resources << /Font << /F 4 0 R >> /ExtGState << /Faint << /CA 0.6 >> >> >> >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding"
        b" /BaseEncoding /WinAnsiEncoding /Differences [%d /minus] >> >>" % MINUS,
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        f"<< /Title <{shorten(visible(title), 400).encode('utf-16').hex()}> >>".encode(),
    ]
    file, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for k, text in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (k, text)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(objects) + 1
    return (
        file
        + (
            f"xref\n0 {count}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {count} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{len(file)}\n%%EOF\n"
        ).encode()
    )


def rgb(code: str) -> str:
    return " ".join(f"{int(code[i : i + 2], 16) / 255:.3f}" for i in (1, 3, 5))


def body(picture: Diagram, drawn: Scene, colours: dict[str, str]) -> Iterable[str]:
    """Frames, wires, gates and texts, in the order in which they cover each other."""
    yield f"{colours['wire']} RG {colours['wire']} rg 1.2 w [5 4] 0 d"
    for frame in drawn.frames:
        centre = frame.left + frame.width / 2, frame.top + frame.height / 2
        yield f"{rounded(Outline(*centre, frame.width, frame.height, 10.0))} S"
    yield "1.5 w [] 0 d 1 J 1 j"
    for segment in drawn.segments:
        line = f"{path(segment)} S"
        yield line if segment.routed else f"q 0 J [3 4] 0 d /Faint gs {line} Q"
    for x, y, _ in drawn.dots:
        yield f"{rounded(Outline(x, y, 6.0, 6.0, 3.0))} f"
    for x, y in drawn.tips:
        yield f"{point(x - 5, y - 4.5)} m {point(x, y)} l {point(x - 5, y + 4.5)} l S"
    yield f"{colours['edge']} RG"
    for vertex, outline in zip(picture.vertices, drawn.outlines, strict=True):
        if outline:
            yield f"{colours['block' if vertex.block else 'gate']} rg {rounded(outline)} B"
            yield from symbol(vertex, outline, colours)
    for frame in drawn.frames:
        title = Label(frame.left + 10, frame.top - 5, frame.title, "title", "start", -1)
        yield write(title, colours)
    for panel in drawn.panels:
        yield from panelled(panel, colours)
    for label in drawn.labels:
        yield write(label, colours)


def panelled(panel: Panel, colours: dict[str, str]) -> Iterable[str]:
    """What stands behind an array."""
    hue, ground = colours[COLOURS[panel.kind]], colours["ground"]
    for _, _, x, y, side, strength in panel.squares():
        yield f"{mixed(hue, ground, abs(strength))} rg {rectangle(x, y, side, side)} f"
        if strength < 0:
            yield f"{ground} rg {rectangle(*minus_of(x, y, side))} f"
    yield f"{mixed(hue, ground, 0.5)} rg"
    for line in panel.lines():
        yield f"{rectangle(*line)} f"


def mixed(hue: str, ground: str, share: float) -> str:
    """A share of a colour on a ground."""
    pairs = zip(map(float, hue.split()), map(float, ground.split()), strict=True)
    return " ".join(f"{share * a + (1 - share) * b:.3f}" for a, b in pairs)


def rectangle(x: float, y: float, wide: float, high: float) -> str:
    return f"{x:.2f} {y:.2f} {wide:.2f} {high:.2f} re"


def point(x: float, y: float) -> str:
    return f"{number(x)} {number(y)}"


def path(segment: Segment) -> str:
    (a, b), (one, two) = (segment.a, segment.b), segment.controls()
    return (
        f"{point(*a)} m {point(*b)} l"
        f" {point(*one)} {point(*two)} {point(*segment.c)} c {point(*segment.d)} l"
    )


def rounded(outline: Outline) -> str:
    """The path of an outline."""
    x, y, round_ = outline.x, outline.y, outline.round
    right, low = outline.width / 2, outline.height / 2
    near = round_ * (1 - ARC)

    def corner(*pairs: tuple[float, float]) -> str:
        return " ".join(point(x + dx, y + dy) for dx, dy in pairs)

    return " ".join(
        (
            f"{corner((-right + round_, -low))} m {corner((right - round_, -low))} l",
            f"{corner((right - near, -low), (right, -low + near), (right, -low + round_))} c",
            f"{corner((right, low - round_))} l",
            f"{corner((right, low - near), (right - near, low), (right - round_, low))} c",
            f"{corner((-right + round_, low))} l",
            f"{corner((-right + near, low), (-right, low - near), (-right, low - round_))} c",
            f"{corner((-right, -low + round_))} l",
            f"{corner((-right, -low + near), (-right + near, -low), (-right + round_, -low))} c h",
        )
    )


def symbol(vertex: Vertex, outline: Outline, colours: dict[str, str]) -> Iterable[str]:
    runs = typeset(visible(vertex.symbol))
    letters = "".join(text for text, _ in runs)
    size = SIZES["sign" if len(letters) == 1 else "symbol"]
    middle = SIGN if len(letters) == 1 and not letters.isalnum() else 0.345
    base = outline.y + middle * size
    if vertex.backward:
        base, size = outline.y - 2.0, SIZES["symbol"]
        back, below = [(vertex.backward, False)], outline.y + SIZES["gradient"]
        yield text(back, outline.x, below, SIZES["gradient"], "middle", colours["gradient"])
    yield text(runs, outline.x, base, size, "middle", colours["ink"])


def write(label: Label, colours: dict[str, str]) -> str:
    colour, size = colours[COLOURS[label.kind]], SIZES[label.kind]
    if not label.shape:
        return text([(label.text, False)], label.x, label.y, size, label.anchor, colour)
    small = SIZES["alias"]
    name, shape = encoded(label.text), encoded(f" {label.shape}")
    long = extent(name, size) + extent(shape, small)
    left = label.x - {"start": 0.0, "middle": long / 2, "end": long}[label.anchor]
    middle = left + extent(name, size)
    return (
        f"{text([(label.text, False)], left, label.y, size, 'start', colour)} "
        f"{text([(f' {label.shape}', False)], middle, label.y, small, 'start', colours['quiet'])}"
    )


def text(runs: Runs, x: float, y: float, size: float, anchor: str, colour: str) -> str:
    """Pieces of text on a baseline, the raised ones smaller and higher."""
    shown = [(encoded(piece), 0.72 * size if up else size, up) for piece, up in runs]
    long = sum(extent(piece, own) for piece, own, _ in shown)
    x -= {"start": 0.0, "middle": long / 2, "end": long}[anchor]
    parts = []
    for piece, own, up in shown:
        literal = "".join(f"\\{c}" if c in "()\\" else c.replace("−", chr(MINUS)) for c in piece)
        place = point(x, y - 0.42 * size * up)
        parts.append(f"/F {number(own)} Tf 1 0 0 -1 {place} Tm ({literal}) Tj")
        x += extent(piece, own)
    return f"BT {colour} rg {' '.join(parts)} ET"


def encoded(piece: str) -> str:
    """A text in which what the page's font lacks shows otherwise, or as an escape."""
    return "".join(
        c if c in WIDTHS else PLAIN.get(c) or c.encode("unicode_escape").decode() for c in piece
    )


def extent(piece: str, size: float) -> float:
    return size * sum(WIDTHS[c] for c in piece) / 1000
