"""`backprop functions --verify`: the proof sheets of the table of operations.

The insight: a promise about digits is worth what anyone can do to check it, so the sheet that the
README shows is a command.
"""

from typing import Any

from backprop_grammar.checks.accuracy import SEED, Worst, verify
from backprop_grammar.operations.row import Operation

__all__ = ["proof_fields", "show_proofs"]


def proof_fields(row: Operation) -> dict[str, Any]:
    """The proof sheet of a row as it stands in the JSON: see functions.schema.json."""
    sheet = verify(row)
    return {
        "verified": {
            "points": sheet.points,
            "seed": SEED,
            "worst": [
                {
                    "number": one.number, "ulps": one.ulps, "at": one.at, "printed": one.printed,
                    "exact": one.exact, "points": one.points,
                }
                for one in sheet.worst
            ],
        }
    }  # fmt: skip


def show_proofs(rows: list[Operation], alone: bool) -> None:
    """Print the sheet of one row with its worst points, or a line per row."""
    from rich.text import Text

    from .terminal import GRADIENT, NAME, QUIET, VALUE, Column, Grid, ascii_only, console, wrapped

    screen = console()
    titles = ("number", "worst error", "at", "printed", "exact") if alone else ("function", "points", "value", "local gradients")  # fmt: skip
    grid = Grid([Column(title) for title in titles], [])
    for row in rows:
        sheet = verify(row)
        first, *slopes = sheet.worst
        if not alone:
            grid.rows.append([
                Text(row.signature, NAME), Text(f"{sheet.points}"), Text(f"{first.ulps:.2f}", VALUE),
                Text(", ".join(f"{one.ulps:.2f}" for one in slopes), GRADIENT),
            ])  # fmt: skip
            continue
        for one in sheet.worst:
            label = "value" if one is first else f"d/d{one.number}"
            grid.rows.append([
                Text(label, NAME), Text(f"{one.ulps:.2f} ulp"), Text(where(one)),
                Text(shortest(one.printed), VALUE if one is first else GRADIENT), Text(one.exact, QUIET),
            ])  # fmt: skip
    if alone:
        points = f"{rows[0].signature} at {sheet.points} random points of its domain, seed {SEED}"
        lines = [*wrapped(Text(points, NAME), screen.width), Text()]
    else:
        lines = []
    if grid.width() <= screen.width:
        lines += grid.lines("-" if ascii_only(screen) else "─")
    else:
        for cells in grid.rows:
            lines += wrapped(cells[0], screen.width)
            for title, cell in zip(titles[1:], cells[1:], strict=True):
                lines += wrapped(Text(f"  {title} ", QUIET) + cell, screen.width, 4)
    hint = "the largest errors, in units in the last place, of what eval prints against difference quotients"  # fmt: skip
    for line in [*lines, Text(), *wrapped(Text(hint, QUIET), screen.width)]:
        screen.print(line, crop=False, overflow="ignore")


def where(one: Worst) -> str:
    return ",".join(f"{name}={shortest(x)}" for name, x in one.at.items()) or "no point is certain"


def shortest(x: float) -> str:
    """The shortest text that reads back as the same float."""
    return repr(x + 0.0).removesuffix(".0")
