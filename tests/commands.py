"""Every command in every format, for tests of what must hold for all of them.

The list is derived from the table of formats, so a new row is tested on arrival.
"""

from pathlib import Path

from backprop_cli.commands.schema import SCHEMAS
from tests.support import FORMATS

MORE = {"matrix": ["--hessian"]}
"""Options without which a format has nothing to show."""


def printing(program: str, *point: str) -> list[list[str]]:
    """Arguments that print every format of every command. point: `--at x=1`, or nothing."""
    found = []
    for row in FORMATS:
        if (
            row.binary or row.command == "grade"
        ):  # which marks answers, and runs no program of theirs
            continue
        how = ["--json"] if row.name == "json" else ["--format", row.name]
        if row.command in ("eval", "check", "step") and row.name != "json":
            how = []
        found.append([row.command, program, *point, *how, *MORE.get(row.name, [])])
    return found


def asking(program: str, point: str, name: str) -> list[list[str]]:
    """What else can be asked of a program at a point; name: of one of its variables."""
    given = [program, "--at", point]
    return [
        ["eval", *given, "--wrt", name, "--upstream", "2", "--precision", "40"],
        ["graph", program],
        ["explain", *given, "--why", name],
        ["explain", *given, "--node", name],
        ["derive", program, "--order", "2"],
        ["derive", *given, "--jvp", f"{name}=1"],
        ["check", *given, "--claim", f"{name}=12.5"],
        ["check", program, "--against", program, "--over", ",".join(f"{p.split('=')[0]}=1:2" for p in point.split(","))],
        ["step", *given, "--steps", "3", "--stream"],
    ]  # fmt: skip


def mapping(program: str, point: str, folder: Path) -> list[list[str]]:
    """Arguments that read a table, which is written here, and print results or write them."""
    names, values = zip(*(pair.split("=") for pair in point.split(",")), strict=True)
    table = folder / "points.csv"
    table.write_text(",".join(names) + ("\n" + ",".join(values)) * 5 + "\n", encoding="utf-8")
    given = [program, "--points", str(table)]
    return [
        ["map", *given],
        ["map", *given, "--to", "jsonl"],
        ["map", *given, "--reduce", "mean"],
        ["map", *given, "-o", str(folder / "mapped.csv")],
        ["map", *given, "-o", str(folder / "mapped.parquet")],
        ["map", *given, "--reduce", "sum", "-o", str(folder / "sum.jsonl")],
    ]  # fmt: skip


def telling() -> list[list[str]]:
    """The commands that take no program."""
    return [
        [],
        ["--help"],
        ["--version"],
        ["eval", "--help"],
        ["functions"],
        ["functions", "gelu"],
        ["functions", "--json"],
        *(["schema", name] for name in SCHEMAS),
    ]


def saving(program: str, point: str, folder: Path) -> list[list[str]]:
    """Arguments that write every format that has a suffix into a folder."""
    return [
        [row.command, program, "--at", point, "-o", str(folder / f"{row.command}{row.suffix}")]
        for row in FORMATS
        if row.suffix and row.command != "grade"
    ]
