"""An explanation as paragraphs on a terminal: values green, gradients red, names bold."""

from collections.abc import Iterable

from rich.text import Text

from backprop_grammar.errors import visible
from backprop_grammar.explain.document import Explanation, Paragraph, Piece
from backprop_grammar.views.options import Options

from .terminal import GRADIENT, NAME, QUIET, VALUE, console, program_lines, wrapped

__all__ = ["show"]

STYLES = {"value": VALUE, "gradient": GRADIENT, "name": NAME}
"""The style of a piece's last side."""


def show(explanation: Explanation, options: Options) -> None:
    """Print the explanation, as wide as the terminal; a number is never broken."""
    del options  # an explanation already has the digits it was asked for
    screen = console()
    for line in lines(explanation, screen.width):
        screen.print(line, crop=False, overflow="ignore")


def lines(explanation: Explanation, width: int) -> Iterable[Text]:
    """The program, the headline and the paragraphs, line by line."""
    for stage in program_lines(explanation.trace.program, width):
        yield from wrapped(Text(stage, QUIET), width)
    yield Text()
    yield from wrapped(text(explanation.headline), width, 0)
    for paragraph in explanation.paragraphs:
        yield Text()
        yield from block(paragraph, width)


def block(paragraph: Paragraph, width: int) -> Iterable[Text]:
    """A heading, and the sentences below it, a little to the right."""
    margin = "  " if width >= 40 else ""
    if paragraph.heading:
        yield from wrapped(text(paragraph.heading, heading=True), width)
    yield from wrapped(Text(margin) + text(paragraph.pieces), width, 0)


def text(pieces: Iterable[Piece], heading: bool = False) -> Text:
    """Pieces with their colours."""
    result = Text()
    for piece in pieces:
        style = STYLES.get(piece.kind, "")
        *before, last = (visible(str(side)) for side in piece.sides)
        for k, side in enumerate(before):
            result.append(side, NAME if heading and k == 0 else "").append(" = ", QUIET)
        result.append(last, style)
    return result
