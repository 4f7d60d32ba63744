"""A trace over arrays in a notebook: the picture, and a table of its nodes below it."""

from ...arrays.record import ArrayTrace, Tensor
from ...arrays.text import inline
from ...operations.structural import said
from ..options import Options
from .notebook import page, row

__all__ = ["render"]


def render(trace: ArrayTrace, options: Options) -> str:
    """The picture and the table as a piece of HTML.

    Raises BackpropError where the graph is too large for a picture.
    """

    def shown(tensor: Tensor | None) -> str:
        return "" if tensor is None else inline(tensor, options.digits)

    rows = [
        row(
            "td",
            node.name,
            node.formula if node.kind == "operation" else "",
            said(node.shape) if node.shape else "",
            shown(node.value),
            shown(node.gradient),
        )
        for node in trace.nodes
        if node.kind != "constant"
    ]
    titles = row("th", "node", "operation", "shape", "value", "gradient")
    return page(trace, options, [titles, *rows])
