r"""An explanation as a LaTeX document that pdflatex sets.

One equation a line, aligned at the signs of equality, is how a node's chain looks on the board; the
sentences around it stay sentences.
"""

from ...explain.document import Explanation, Paragraph, Partial, Piece
from ...language.printer import shown_lines
from ..options import Options
from .formula_latex import equation, escaped, name_latex, side

__all__ = ["render"]

HEAD = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{amsmath}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{\medskipamount}
\sloppy
\begin{document}
"""

LONGEST = 2_000
"""Characters of a program that are repeated; a longer one is cut."""


def render(explanation: Explanation, options: Options) -> str:
    """The explanation as a whole document."""
    del options  # an explanation already has the digits it was asked for
    title = "The backward pass"
    if explanation.kind == "why":
        title = rf"Why the gradient of ${name_latex(explanation.subject)}$ is what it is"
    stages = shown_lines(explanation.trace.program, LONGEST)
    parts = [
        rf"\section*{{{title}}}",
        "\\\\\n".join(rf"\texttt{{{escaped(stage)}}}" for stage in stages),
        prose(explanation.headline),
        *(paragraph_text(paragraph) for paragraph in explanation.paragraphs),
    ]
    return HEAD + "\n\n".join(parts) + "\n\n\\end{document}\n"


def paragraph_text(paragraph: Paragraph) -> str:
    """A node: its name, the sentences, and its equations below each other."""
    name = rf"\subsection*{{${name_latex(paragraph.node)}$}}" + "\n" if paragraph.node else ""
    if paragraph.heading and not any(map(is_local, paragraph.pieces)):
        name = rf"\subsection*{{${equation(paragraph.heading[0].sides)}$}}" + "\n"
    return name + prose(paragraph.pieces) + chain([*paragraph.heading, *paragraph.pieces])


def prose(pieces: tuple[Piece, ...]) -> str:
    return "".join(map(piece_text, pieces))


def piece_text(piece: Piece) -> str:
    if piece.kind == "text":
        return escaped(piece.text)
    if piece.kind == "name":
        return f"${name_latex(piece.text)}$"
    return f"${equation(piece.sides)}$"


def is_local(piece: Piece) -> bool:
    return isinstance(piece.sides[0], Partial) and len(piece.sides) > 1


def chain(pieces: list[Piece]) -> str:
    """The value and the local gradients of a node, aligned at their signs of equality."""
    lines = []
    for piece in pieces:
        first, *others = piece.sides
        if others and (piece.kind == "value" or is_local(piece)):
            lines.append(f"{side(first)} &= {equation(others)}")
    if len(lines) < 2:
        return ""
    return "\n\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"
