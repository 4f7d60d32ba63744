"""A picture as wide as it may be: on one line, in staves, or as large as a sheet of paper lets it be.

A picture that must not be wider is folded into staves, one under the other: a wire leaves one by an
arrow to its name, and comes into the next one by an arrow from it.
"""

from contextlib import suppress
from dataclasses import replace
from math import ceil

from ...errors import BackpropError, shorten, usage, visible
from .diagram import Diagram
from .geometry import (
    LONGEST,
    MARGIN,
    TIP,
    Label,
    Layout,
    Outline,
    Panel,
    Scene,
    dots,
    framing,
    labelled,
    segments,
    tips,
)
from .layers import arrange
from .staves import folded
from .text_metrics import SIZES, width

__all__ = ["A4", "POINT", "page_scale", "scene"]

STAVE = 20.0  # between two staves
POINT = 0.75  # of a pixel
A4 = 595.0, 842.0  # points
SHEET_MARGIN = 42.5  # points; 15 mm
WIDEST, NARROWEST, WIDTHS_APART = 1800, 500, 50  # of the pictures that are tried on a sheet


def page_scale(drawn: Scene) -> tuple[float, bool]:
    """Points of a pixel on an A4 sheet, within its margins, and whether the sheet is turned."""
    wide, high = (side - 2 * SHEET_MARGIN for side in A4)
    upright = min(wide / drawn.width, high / drawn.height)
    turned = min(high / drawn.width, wide / drawn.height)
    return min(max(upright, turned), POINT), turned > upright


def scene(diagram: Diagram, most: float | str | None = None) -> Scene:
    """The drawing of a diagram.

    most: pixels that it may be wide, or `a4` for as many as make it largest on that sheet; what
    is wider is in staves.

    Raises BackpropError above LARGEST vertices, and where no staves are that narrow.
    """
    folding = Folding(diagram)
    if most is None:
        return together(diagram, [folding.whole])
    if isinstance(most, str):
        return folding.on_page()
    return folding.narrow(most)


class Folding:
    """A diagram, in staves of any width.

    kept: the staves that are drawn already. long: the width of the longest name at an arrow.
    """

    def __init__(self, diagram: Diagram) -> None:
        self.diagram, self.layers = diagram, arrange(diagram)
        self.whole = Layout(diagram, self.layers)
        self.kept: dict[tuple[int, int], Layout] = {}
        names = (shorten(visible(vertex.name), LONGEST) for vertex in diagram.vertices)
        self.long = max((width(name, SIZES["leaving"]) for name in names), default=0.0)

    def expected(self, first: int, last: int) -> float:
        """About how wide the stave of some layers is."""
        begin = self.whole.right[first - 1] if first else self.whole.notes[0]
        return self.whole.branch[last - 1] - begin + 2 * (MARGIN + self.long + 2 * TIP)

    def staves(self, most: float) -> list[Layout]:
        """The staves in that many pixels; none where none are that narrow."""
        if self.whole.end() + MARGIN <= most:
            return [self.whole]
        return folded(
            self.layers,
            self.expected,
            lambda layers: Layout(self.diagram, layers),
            lambda layout: layout.end() + MARGIN,
            most,
            self.kept,
        )

    def narrow(self, most: float) -> Scene:
        """The drawing in that many pixels. Raises BackpropError where no staves are that narrow."""
        staves = self.staves(most)
        if not staves:
            enough = most
            while not self.staves(enough):
                enough = ceil(1.05 * enough + 1)
            message = f"the picture does not fit {most:g} pixels, in rows neither"
            raise usage(message, f"{enough} pixels are enough")
        return together(self.diagram, staves, most)

    def on_page(self) -> Scene:
        """The drawing that can be printed largest on an A4 sheet."""
        best = together(self.diagram, [self.whole])
        for most in range(WIDEST, NARROWEST, -WIDTHS_APART):
            if page_scale(best)[0] >= POINT:
                break
            with suppress(BackpropError):
                best = max(best, self.narrow(most), key=page_scale)
        return best


def together(diagram: Diagram, staves: list[Layout], most: float | None = None) -> Scene:
    """The drawing of some staves, one under the other. most: pixels that they may be wide."""
    top = MARGIN
    for stave in staves:
        stave.move(top - stave.top)
        top = stave.bottom() + STAVE
    edge = max(stave.tip() for stave in staves)
    if most is not None:
        edge = min(edge, most - MARGIN - 2 - max(stave.legend() for stave in staves))
    edges = [max(edge, stave.tip()) if stave.leaving else stave.tip() for stave in staves]
    ends = [
        max(x + 2 + stave.legend(), stave.end()) for x, stave in zip(edges, staves, strict=True)
    ]
    outlines: list[Outline | None] = [None] * len(diagram.vertices)
    for stave in staves:
        for item in stave.vertices:
            outline, x = stave.outlines[item], stave.centre[stave.layers.rank[item]]
            outlines[item] = outline and replace(outline, x=x, y=stave.y[item])
    pairs = list(zip(staves, edges, strict=True))
    texts = [one for stave, x in pairs for one in labelled(stave, x)]
    return Scene(
        max(ends) + MARGIN,
        staves[-1].bottom() + MARGIN,
        outlines,
        [segment for stave, x in pairs for segment in segments(stave, x)],
        [dot for stave in staves for dot in dots(stave)],
        [text for text in texts if isinstance(text, Label)],
        [framing(stave, k) for stave in staves for k in range(len(stave.frames))],
        [tip for stave, x in pairs for tip in tips(stave, x)],
        [panel for panel in texts if isinstance(panel, Panel)],
    )
