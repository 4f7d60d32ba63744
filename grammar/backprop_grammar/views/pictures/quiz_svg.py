"""The picture of a sheet: its graph, with boxes where numbers are to be filled in."""

from collections.abc import Mapping
from dataclasses import replace

from ...errors import usage
from ...quiz.record import GRADIENTS, VALUES, Blank, Quiz
from ...quiz.sheet import GIVEN_DIGITS
from ..drawing.diagram import BOX, Diagram, Figure, Grid, Vertex
from ..drawing.pictured import pictured
from ..options import Options
from .svg import drawing

__all__ = ["pictured_sheet", "render"]


def render(quiz: Quiz, options: Options) -> str:
    """The picture of one sheet as a file. Raises BackpropError for several."""
    text = drawing(pictured_sheet(quiz, options.key), options.theme, options.width)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def pictured_sheet(quiz: Quiz, key: bool) -> Diagram:
    """The diagram of a sheet. Raises BackpropError where there are several."""
    if len(quiz.variants) > 1:
        raise usage("a picture is of one sheet", "choose it by its number", reason="one sheet")
    (variant,) = quiz.variants
    picture = pictured(variant.trace, GIVEN_DIGITS)
    if key:
        return picture
    blanks = {(blank.kind, blank.node): blank for blank in variant.blanks}
    vertices = tuple([blanked(vertex, blanks) for vertex in picture.vertices])
    if GRADIENTS not in quiz.blank:  # they would tell the values
        vertices = tuple([replace(vertex, gradient="") for vertex in vertices])
    # A contribution and a local gradient would tell, too.
    wires = tuple([replace(wire, contribution="", local="") for wire in picture.wires])
    about = f"Sheet {variant.number}: fill in the boxes."
    return replace(picture, vertices=vertices, wires=wires, description=about)


def blanked(vertex: Vertex, blanks: Mapping[tuple[str, str], Blank]) -> Vertex:
    """A vertex with boxes for its numbers that are left blank."""
    value = boxes(vertex.value, VALUES, vertex.name, blanks)
    return replace(
        vertex, value=value, gradient=boxes(vertex.gradient, GRADIENTS, vertex.name, blanks)
    )


def boxes(figure: Figure, kind: str, name: str, blanks: Mapping[tuple[str, str], Blank]) -> Figure:
    """A figure with boxes for what is left blank."""
    if isinstance(figure, Grid):
        rows = []
        for i, texts in enumerate(figure.rows):
            row = []
            for j, text in enumerate(texts):
                places = (f"{name}[{i},{j}]", f"{name}[{j}]")
                blank = next((blanks[kind, one] for one in places if (kind, one) in blanks), None)
                row.append(box(blank) if blank else text)
            rows.append(tuple(row))
        lines = tuple("  ".join(row) for row in rows)
        return replace(figure, line=" ".join(lines), lines=lines, rows=tuple(rows))
    blank = blanks.get((kind, name))
    return box(blank) if blank and figure else figure


def box(blank: Blank) -> str:
    return f"{blank.number} {BOX}"
