"""An explanation as Markdown, for GitHub, notebooks and other pages.

Mathematics stands between dollar signs, as all of them know it. Some take a backslash away that
stands before a sign, so what LaTeX writes as one is written as a word.
"""

import re
from collections.abc import Sequence

from ...errors import visible
from ...explain.document import Explanation, Grid, Paragraph, Piece
from ...language.printer import shown_lines
from ..options import Options
from .formula_latex import equation

__all__ = ["render"]

SIGN = re.compile(r"\\[^A-Za-z]")
WORDS = {r"\,": r"\thinspace ", r"\\": r"\cr"}


def render(explanation: Explanation, options: Options) -> str:
    """The explanation as a Markdown document: a heading and a paragraph for each node."""
    del options  # an explanation already has the digits it was asked for
    title = {"why": f"Why the gradient of {code(explanation.subject)} is what it is"}
    parts = [
        f"# {title.get(explanation.kind, 'The backward pass')}",
        fenced(shown_lines(explanation.trace.program)),
        prose(explanation.headline),
    ]
    for paragraph in explanation.paragraphs:
        parts += paragraph_parts(paragraph)
    return "\n\n".join(parts) + "\n"


def paragraph_parts(paragraph: Paragraph) -> list[str]:
    """The heading of a node, its formula and value, and the sentences."""
    parts = []
    if paragraph.node:
        parts.append(f"## {code(paragraph.node)}")
    if paragraph.heading:
        parts.append(prose(paragraph.heading))
    parts.append(prose(paragraph.pieces))
    return parts


def prose(pieces: tuple[Piece, ...]) -> str:
    """Sentences: names as code, formulas as mathematics, numbers as they are."""
    return "".join(map(piece_text, pieces))


def piece_text(piece: Piece) -> str:
    if piece.kind == "name":
        return code(piece.text)
    if piece.kind == "text":
        return escaped(piece.text)
    alone = len(piece.sides) == 1 and not isinstance(piece.sides[0], Grid)
    if alone and piece.kind != "formula":
        return escaped(piece.text)
    return f"${SIGN.sub(in_words, equation(piece.sides))}$"


def in_words(match: re.Match[str]) -> str:
    """A command of LaTeX that is a sign, as a word; an escaped underscore has none."""
    return WORDS.get(match[0], match[0])


def escaped(text: str) -> str:
    """Text that Markdown takes letter by letter."""
    return re.sub(r"[\\`*_{}\[\]<>#!|~$&]", r"\\\g<0>", visible(text))


def code(text: str) -> str:
    """A name as code."""
    return f"`{visible(text).replace('`', '')}`"


def fenced(program: Sequence[str]) -> str:
    """The program as a block of code, whose fence is longer than any run of backticks in it."""
    lines = [visible(line) for line in program]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])
