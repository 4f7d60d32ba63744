"""The options that commands share.

An option means the same wherever it stands, so it is written once.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from .. import formats

__all__ = [
    "At",
    "Decimals",
    "Digits",
    "Everything",
    "Expand",
    "File",
    "Fold",
    "Get",
    "Json",
    "Output",
    "Precision",
    "Program",
    "Quiet",
    "Random",
    "Rename",
    "Save",
    "Seed",
    "Separator",
    "Source",
    "Upstream",
    "Wrt",
    "format_option",
]

Source = Annotated[
    str, typer.Option("--from", metavar="NAME", help="Read csv, tsv, jsonl or parquet.")
]
Separator = Annotated[
    str, typer.Option(metavar="CHAR", help="What stands between the cells of csv, such as ;.")
]
Rename = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES",
        help='Call a column something else: "sepal length (cm)=sl"; may be repeated.',
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Get = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Print one part of that document alone: gradients.w."),
]
Program = Annotated[
    str | None,
    typer.Argument(
        metavar="PROGRAM",
        help="Stages `name = expression`, a file.bp, or - for standard input.",
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="POINT",
        help="The point: x=1,y=pi/4, @point.json, @-; or x=1 y=2 behind the program.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        metavar="N", help="Of random arrays, such as W=randn(3,4).", rich_help_panel="Input"
    ),
]
Random = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Random values, of that seed, for what is declared (W: 3x4) and has none.",
        rich_help_panel="Input",
    ),
]
File = Annotated[
    Path | None,
    typer.Option(
        "-f",
        "--file",
        metavar="FILE",
        help="Read the program from a file, or a sample: @neuron.",
    ),
]
Wrt = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES", help="Differentiate by these nodes only: w0,w1 (any node's name)."
    ),
]
Output = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Differentiate this stage instead of the last; several: p,z."
    ),
]
Upstream = Annotated[
    str,
    typer.Option(
        metavar="VALUE",
        help="The gradient that arrives at the output from a larger network; of an array, [1,2], @dout.npy or ones.",
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
Decimals = Annotated[
    int | None,
    typer.Option(metavar="N", help="Show so many decimals instead: 2 for 0.20 and 1.37."),
]
Everything = Annotated[bool, typer.Option("--all", help="Show every node, however many.")]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Value and gradients alone, which is less work.")
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
