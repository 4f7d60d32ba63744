"""The options that commands share.

An option means the same wherever it stands, so it is written once.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from .. import formats

__all__ = [
    "At",
    "Digits",
    "Everything",
    "Expand",
    "File",
    "Fold",
    "Json",
    "Output",
    "Precision",
    "Program",
    "Quiet",
    "Save",
    "Source",
    "Upstream",
    "Wrt",
    "format_option",
]

Source = Annotated[
    str, typer.Option("--from", metavar="NAME", help="Read csv, tsv, jsonl or parquet.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Program = Annotated[
    str | None,
    typer.Argument(help="Stages `name = expression` separated by ; (- reads standard input)."),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="POINT", help="The point: x=1,y=pi/4, @point.json or @-; may be repeated."
    ),
]
File = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Read the program from a file, or a sample: @neuron."),
]
Wrt = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES", help="Differentiate by these nodes only: w0,w1 (any node's name)."
    ),
]
Output = Annotated[
    str, typer.Option(metavar="NAME", help="Differentiate this stage instead of the last.")
]
Upstream = Annotated[
    str,
    typer.Option(
        metavar="VALUE", help="The gradient that arrives at the output from a larger network."
    ),
]
Expand = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES", help="Show these blocks as their parts: sigmoid, a function, a node, all."
    ),
]
Fold = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES",
        help="Show as one node: sigmoid where it is spelled out, all that a stage needs, or all.",
    ),
]
Precision = Annotated[
    int | None, typer.Option(metavar="N", help="Compute this many digits, up to 1000.")
]
Digits = Annotated[
    int, typer.Option(metavar="N", help="Significant digits of the numbers shown, 1 to 17.")
]
Everything = Annotated[bool, typer.Option("--all", help="Show every node, however many.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="Value and gradients alone, which is less work.")
]
Save = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--save",
        metavar="FILE",
        help="Write a file, in the format of its suffix.",
        callback=lambda path: None if str(path) == "-" else path,
    ),
]


def format_option(command: str) -> Any:
    """The option that names a format of a command; its help lists the table."""
    names = ", ".join(formats.formats_of(command))
    return typer.Option("--format", metavar="NAME", help=f"Print it as {names}.")
