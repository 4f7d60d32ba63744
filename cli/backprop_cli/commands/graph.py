"""`backprop graph`: the computational graph as a picture."""

from typing import Annotated

from .. import formats
from ..input.options import (
    At,
    Digits,
    Everything,
    Expand,
    File,
    Fold,
    Get,
    Json,
    Output,
    Program,
    Save,
    Upstream,
    Wrt,
    format_option,
)

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop graph "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop graph "sigmoid(w*x + b)" --at w=2,x=-1,b=3 --expand sigmoid
backprop graph "q = x + y; f = q*z" --at x=-2,y=5,z=-4 -o graph.svg
backprop graph "x*y + sin(x)" --format dot"""

LAID_OUT = ("svg", "png", "html", "tikz")
"""Pictures in which every node gets a place, so that their size has a limit."""


def command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    expand: Expand = None,
    fold: Fold = None,
    digits: Digits = 6,
    everything: Everything = False,
    save: Save = None,
    name: Annotated[str, format_option("graph")] = "",
    as_json: Json = False,
    get: Get = None,
) -> int:
    """Draw the trace, or the structure where there is no point; 3 where a number has a flag."""
    from backprop_grammar.views.drawing.layers import check_size

    from ..input.request import Request

    row = formats.chosen("graph", name, save, as_json, get)
    request = Request(program, file, at, wrt, output, upstream, expand, fold, digits=digits)
    trace = request.trace_or_outline(check_size if row.name in LAID_OUT else None)
    formats.deliver(row, trace.record, formats.Options(digits, everything), save, get)
    if row.name in formats.SILENT or get is not None:
        formats.remark(trace.record)
    return 3 if trace.flags else 0
