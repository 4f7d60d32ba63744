"""A trace over arrays in a notebook: a table of its nodes, with arrays as they stand in columns."""

from html import escape

from ...arrays.record import ArrayTrace
from ...errors import visible
from ..options import Options
from .array_text import Cell, remark_texts, rows_of

__all__ = ["render"]

WORDS = 'style="text-align: left; vertical-align: top; padding: 1px 8px; white-space: nowrap"'
NUMBERS = 'style="text-align: left; vertical-align: top; padding: 1px 8px; white-space: pre; font-family: monospace"'


def render(trace: ArrayTrace, options: Options) -> str:
    """The table, notes and flags as a piece of HTML."""
    titles, *rows = rows_of(trace, trace.precision or options.digits)
    numbers = ("value", "gradient")
    styles = [NUMBERS if title[0] in numbers else WORDS for title in titles]
    lines = [row("th", titles, [WORDS] * len(styles)), *(row("td", one, styles) for one in rows)]
    said = [
        f"<p><b>{kind}</b> {escape(visible(message))}</p>"
        for kind, _, message in (text.partition(": ") for text in remark_texts(trace))
    ]
    return "\n".join(["<table>", *lines, "</table>", *said])


def row(tag: str, cells: tuple[Cell, ...], styles: list[str]) -> str:
    """A row of the table."""
    texts = ["\n".join(escape(visible(line)) for line in cell) for cell in cells]
    inner = [f"<{tag} {style}>{text}</{tag}>" for text, style in zip(texts, styles, strict=True)]
    return "".join(["<tr>", *inner, "</tr>"])
