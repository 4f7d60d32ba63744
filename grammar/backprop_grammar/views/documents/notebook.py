"""A trace in a notebook: the picture, and a table of its nodes below it."""

from html import escape

from ...errors import visible
from ...numbers.decimal import decimal
from ...numbers.wide import UNEVALUATED, Number
from ...trace.index import formula
from ...trace.record import Trace
from ..drawing.diagram import diagram
from ..options import Options
from ..pictures.svg import drawing

__all__ = ["render"]

CELL = 'style="text-align: {}; padding: 1px 8px; white-space: nowrap"'


def render(trace: Trace, options: Options) -> str:
    """The picture and the table as a piece of HTML.

    Raises BackpropError where the graph is too large for a picture.
    """
    titles = row("th", "node", "operation", "value", "gradient")
    rows = [
        row(
            "td",
            node.name,
            formula(trace, node) if node.operation else "",
            shown(node.value, options.digits),
            shown(node.gradient, options.digits),
        )
        for node in trace.nodes
        if node.kind != "constant"
    ]
    remarks = [
        f"<p><b>{kind}</b> {escape(visible(remark.message))}</p>"
        for kind, remarks in (("note", trace.notes), ("flag", trace.flags))
        for remark in remarks
    ]
    table = "\n".join(["<table>", titles, *rows, "</table>"])
    return "\n".join(
        [
            f"<div>{drawing(diagram(trace, trace.precision or options.digits))}</div>",
            table,
            *remarks,
        ]
    )


def shown(number: Number | None, digits: int) -> str:
    return "" if number is None or number is UNEVALUATED else decimal(number, digits)


def row(tag: str, *cells: str) -> str:
    """A row of the table: two columns of words, two of numbers."""
    sides = ("left", "left", "right", "right")
    return "".join(
        ["<tr>"]
        + [
            f"<{tag} {CELL.format(side)}>{escape(visible(cell))}</{tag}>"
            for cell, side in zip(cells, sides, strict=True)
        ]
        + ["</tr>"]
    )
