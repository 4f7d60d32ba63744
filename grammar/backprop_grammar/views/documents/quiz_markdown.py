"""A quiz as Markdown: tables with blanks, and the keys at the end."""

from collections.abc import Iterable, Sequence

from ...language.printer import shown_lines
from ...quiz.key import worked
from ...quiz.record import GRADIENTS, VALUES, Quiz, Variant
from ...quiz.sheet import Row, backward, forward, given
from ..options import Options
from .markdown import code, escaped, fenced, paragraph_parts

__all__ = ["render"]

LINE = "\\_" * 8
"""Where an answer is written."""


def render(quiz: Quiz, options: Options) -> str:
    """The document. The keys stand behind all sheets where they are asked for."""
    parts = [f"# {escaped(quiz.title or 'Fill in the blanks')}", fenced(shown_lines(quiz.program))]
    for key in (False, True) if options.key else (False,):
        for variant in quiz.variants:
            parts += sheet(quiz, variant, key)
    return "\n\n".join(parts) + "\n"


def sheet(quiz: Quiz, variant: Variant, key: bool) -> Iterable[str]:
    """One sheet; of a key, filled in and worked."""
    about = f"{'Key to sheet' if key else 'Sheet'} {variant.number}"
    yield f"## {about} (seed {quiz.seed})"
    yield "Given: " + ", ".join(f"{code(row.name)} = {plain(row)}" for row in given(variant))
    yield table(VALUES, forward(variant), key)
    gradients = backward(variant)
    if gradients:
        yield f"The gradients of {code(variant.trace.output_name)}, from the output back:"
        yield table(GRADIENTS, gradients, key)
    if any(not blank.exact for blank in variant.blanks):
        yield "Where no short number comes out, 3 digits are enough."
    if key:
        for paragraph in worked(variant).paragraphs:
            head, *rest = paragraph_parts(paragraph)
            yield f"#{head}" if head.startswith("#") else head
            yield from rest


def table(kind: str, rows: Sequence[Row], key: bool) -> str:
    """The values forward, or the gradients backward."""
    values = kind == VALUES
    head = ["node", "formula", "value"] if values else ["by", "gradient"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = [code(row.name), *([code(row.formula).replace("|", "\\|")] if values else [])]
        lines.append(f"| {' | '.join([*cells, numbers(row, key)])} |")
    return "\n".join(lines)


def numbers(row: Row, key: bool) -> str:
    """The numbers of a node, and blanks, a row of a matrix on a line."""
    shown = []
    for cell in row.cells:
        if isinstance(cell, str):
            shown.append(escaped(cell))
        else:
            shown.append(f"({cell.number}) {f'**{escaped(cell.text)}**' if key else LINE}")
    width = row.shape[-1] if row.shape else 1
    lines = [" &nbsp; ".join(shown[k : k + width]) for k in range(0, len(shown), width)]
    return "<br>".join(lines)


def plain(row: Row) -> str:
    """The numbers of an input."""
    texts = [cell if isinstance(cell, str) else cell.text for cell in row.cells]
    if not row.shape:
        return texts[0]
    width = row.shape[-1]
    lines = [", ".join(texts[k : k + width]) for k in range(0, len(texts), width)]
    return code(f"[{'; '.join(lines)}]")
