"""`backprop graph`: the computational graph as a picture."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from .. import formats
from ..input.options import (
    At,
    Digits,
    Everything,
    Expand,
    File,
    Fold,
    Json,
    Output,
    Program,
    Save,
    Upstream,
    Wrt,
    format_option,
)

if TYPE_CHECKING:
    from ..input.request import Request

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
) -> int:
    """Draw the trace, or the structure where there is no point; 3 where a number has a flag."""
    from backprop_grammar.views.drawing.layers import check_size

    from ..input.request import Request

    row = formats.chosen("graph", name, save, as_json)
    request = Request(program, file, at, wrt, output, upstream, expand, fold, digits=digits)
    trace = request.trace_or_outline(check_size if row.name in LAID_OUT else None)
    options = formats.Options(digits, everything)
    if row.name == "html":
        from backprop_grammar.language.printer import shown_text

        text = shown_text(trace.record.program)
        commands = typed(request, text, save), evaluation(request, text)
        if all(map(str.isprintable, commands)):
            options = options._replace(command=commands[0], evaluation=commands[1])
    formats.deliver(row, trace.record, options, save)
    if row.name in formats.SILENT:
        formats.remark(trace.record)
    return 3 if trace.flags else 0


def wanted(request: "Request", program: str) -> list[str]:
    """The words that say what a request is of, but its point. program: its text."""
    words = ["--file", str(request.file)] if request.file else []
    if not words or words[1] == "-":
        words = [program]
    for option, values in (
        ("--wrt", request.wrt),
        ("--output", [request.output] if request.output else None),
        ("--upstream", [request.upstream] if request.upstream != "1" else None),
        ("--expand", request.expand),
        ("--fold", request.fold),
    ):
        for value in values or ():
            words += [option, value]
    return words


def typed(request: "Request", program: str, save: Path | None) -> str:
    """The command that draws a request as a page."""
    at = [word for point in request.at or () for word in ("--at", point)]
    digits = ["--digits", str(request.digits)] if request.digits != 6 else []
    end = ["-o", save.name] if save else ["--format", "html"]
    return shlex.join(["backprop", "graph", *wanted(request, program), *at, *digits, *end])


def evaluation(request: "Request", program: str) -> str:
    """The command that evaluates the same at a point, which is to follow."""
    return shlex.join(["backprop", "eval", *wanted(request, program), "--at"])
