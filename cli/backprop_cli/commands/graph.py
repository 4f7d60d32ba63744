"""`backprop graph`: the computational graph as a picture."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backprop_grammar.errors import few, shorten, usage
from backprop_grammar.views.options import checked_theme

from .. import desktop, formats
from ..input.options import (
    At,
    Decimals,
    Everything,
    Expand,
    File,
    Fold,
    Get,
    Json,
    Output,
    Program,
    Random,
    Save,
    Seed,
    Upstream,
    Wrt,
    format_option,
)
from ..screens.diagnostics import say

if TYPE_CHECKING:
    from ..input.request import Request

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop graph "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop graph "sigmoid(w*x + b)" --at w=2,x=-1,b=3 --expand sigmoid
backprop graph "q = x + y; f = q*z" --at x=-2,y=5,z=-4 -o graph.svg
backprop graph "tanh(w*x + b)" --at w=2,x=1,b=0 --decimals 2 -o graph.svg
backprop graph "norm(W @ x)^2" --at "W=[.1,.5;-.3,.8],x=[.2,.4]"
backprop graph "x*y + sin(x)" --format dot"""

LAID_OUT = ("svg", "png", "pdf", "html", "tikz")
"""Pictures in which every node gets a place, so that their size has a limit."""

FOLDED = ("terminal", "svg", "png", "pdf", "tikz")
"""Pictures that can be folded into rows."""

GROUNDED = ("svg", "png", "pdf", "tikz")
"""Pictures that have a ground of their own."""

FEWEST = 3
"""Digits that are left at least, of those that nobody asked for, so that a picture is narrower."""

ShownDigits = Annotated[
    int | None,
    typer.Option(
        "--digits",
        metavar="N",
        help="Significant digits of the numbers shown, 1 to 17; 6, or fewer to fit a terminal.",
    ),
]
Width = Annotated[
    str,
    typer.Option(
        metavar="N|a4",
        help="Fold a wider picture into rows: columns, or pixels of a file, or as an A4 sheet needs.",
    ),
]
Theme = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="The ground of a file: light, dark, or auto as its reader's (SVG)."
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Show the file on the desktop.")]


def command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    expand: Expand = None,
    fold: Fold = None,
    digits: ShownDigits = None,
    decimals: Decimals = None,
    everything: Everything = False,
    width: Width = "",
    theme: Theme = "light",
    save: Save = None,
    on_desktop: Open = False,
    name: Annotated[str, format_option("graph")] = "",
    as_json: Json = False,
    get: Get = None,
    seed: Seed = 0,
    random: Random = None,
) -> int:
    """Draw the trace, or the structure where there is no point; 3 where a number has a flag."""
    from backprop_grammar.views.drawing.layers import check_size

    from ..input.request import Request

    fresh = on_desktop and save is None  # a file of its own, for the desktop alone
    if fresh and name == "terminal":
        raise usage("--open shows a file", "give --format another one, such as svg")
    named = name or "svg" * (fresh and not as_json)
    row = formats.chosen("graph", named, Path() if fresh else save, as_json, get)
    looks: dict[str, Any] = {"width": wide(width, row.name), "theme": ground(theme, row.name)}
    request = Request(
        *(program, file, at, wrt, output, upstream, expand, fold),
        digits=digits,
        decimals=decimals,
        seed=seed,
        random=random,
    )
    trace = request.trace_or_outline(check_size if row.name in LAID_OUT else None)
    if trace.arrays:
        row = formats.of_arrays(row)
    if digits is None and decimals is None:
        looks["fewest"] = FEWEST
    if row.name == "html":
        from backprop_grammar.language.printer import shown_text

        text = shown_text(trace.record.program)
        commands = typed(request, text, save), evaluation(request, text)
        if all(map(str.isprintable, commands)):
            looks |= {"command": commands[0], "evaluation": commands[1]}
    target = desktop.temporary(row.suffix) if fresh else save
    options = formats.Options(trace.digits, everything, **looks)
    formats.deliver(row, trace.record, options, target, get)
    if row.name in formats.SILENT or get is not None:
        formats.remark(trace.record)
    if on_desktop and target is not None:
        shown = desktop.show(target)
        if fresh or not shown:
            say("note", f"the picture is {target}{'' if shown else ', and no desktop shows it'}")
    return 3 if trace.flags else 0


def wide(text: str, name: str) -> float | str | None:
    """What --width asks for, of a format of that name."""
    if not text:
        return None
    if name not in FOLDED:
        raise usage(f"--width is for {few(FOLDED)}, not for {name}")
    if text.lower() == "a4":
        if name == "terminal":
            raise usage("a4 is for files", "give --width a number of columns")
        return "a4"
    from ..input.request import number_option

    number = number_option(text, "--width")
    if number < 1:
        raise usage(f"--width takes a number from 1, not {shorten(text)}")
    return number


def ground(theme: str, name: str) -> str:
    """The theme, of a format of that name."""
    if theme != "light" and name not in GROUNDED:
        raise usage(f"--theme is for {few(GROUNDED)}, not for {name}")
    return checked_theme(theme, name == "svg")


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
    digits = ["--digits", str(request.digits)] if request.digits is not None else []
    if request.decimals is not None:
        digits += ["--decimals", str(request.decimals)]
    end = ["-o", save.name] if save else ["--format", "html"]
    return shlex.join(["backprop", "graph", *wanted(request, program), *at, *digits, *end])


def evaluation(request: "Request", program: str) -> str:
    """The command that evaluates the same at a point, which is to follow."""
    return shlex.join(["backprop", "eval", *wanted(request, program), "--at"])
