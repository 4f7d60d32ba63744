"""A trace in a notebook: the picture, and a table of its nodes below it."""

from collections.abc import Iterable
from html import escape

from ...errors import visible
from ...numbers.decimal import decimal
from ...numbers.wide import UNEVALUATED, Number
from ...trace.index import formula
from ...trace.record import Trace
from ..drawing.pictured import AnyTrace, pictured
from ..options import Options
from ..pictures.svg import drawing

__all__ = ["page", "render"]

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
    return page(trace, options, [titles, *rows])


def page(trace: AnyTrace, options: Options, rows: Iterable[str]) -> str:
    """The picture of a trace, a table of these rows, and what is to be said."""
    remarks = [
        f"<p><b>{kind}</b> {escape(visible(remark.message))}</p>"
        for kind, remarks in (("note", trace.notes), ("flag", trace.flags))
        for remark in remarks
    ]
    picture = pictured(trace, trace.precision or options.digits, heat=True)
    table = "\n".join(["<table>", *rows, "</table>"])
    return "\n".join(
        [
            f"<div>{drawing(picture)}</div>",
            table,
            *remarks,
        ]
    )


def shown(number: Number | None, digits: int) -> str:
    return "" if number is None or number is UNEVALUATED else decimal(number, digits)


def row(tag: str, *cells: str) -> str:
    """A row of the table: columns of words, then two of numbers."""
    sides = ("left",) * (len(cells) - 2) + ("right", "right")
    return "".join(
        ["<tr>"]
        + [
            f"<{tag} {CELL.format(side)}>{escape(visible(cell))}</{tag}>"
            for cell, side in zip(cells, sides, strict=True)
        ]
        + ["</tr>"]
    )
