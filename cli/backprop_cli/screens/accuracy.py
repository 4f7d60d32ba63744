"""`backprop functions --verify`: the measured accuracy of the table of operations.

A promise about digits is worth what anyone can do to check it, so the table that the README shows
is a command.
"""

from collections.abc import Sequence

from rich.text import Text

from backprop_grammar.checks.accuracy import SEED, Worst, verify
from backprop_grammar.operations.row import Operation

from .terminal import GRADIENT, NAME, QUIET, VALUE, Column, Grid, ascii_only, console, wrapped

__all__ = ["show_row", "show_rows"]

HINT = (
    "the largest errors, in units in the last place,"
    " of what eval prints against difference quotients"
)


def show_row(row: Operation) -> None:
    """Print the largest error of every number of a row, and where it is."""
    measured = verify(row)
    titles = ("number", "worst error", "at", "printed", "exact")
    cells = []
    for k, worst in enumerate(measured.worst):
        label, style = ("value", VALUE) if k == 0 else (f"d/d{worst.number}", GRADIENT)
        cells.append(
            [
                Text(label, NAME),
                Text(f"{worst.ulps:.2f} ulp"),
                Text(where(worst)),
                Text(shortest(worst.printed), style),
                Text(worst.exact, QUIET),
            ]
        )
    head = f"{row.signature} at {measured.points} random points of its domain, seed {SEED}"
    show(titles, cells, Text(head, NAME))


def show_rows(rows: Sequence[Operation]) -> None:
    """Print the largest errors of every row, a line each."""
    cells = []
    for row in rows:
        measured = verify(row)
        value, *gradients = (f"{worst.ulps:.2f}" for worst in measured.worst)
        cells.append(
            [
                Text(row.signature, NAME),
                Text(f"{measured.points}"),
                Text(value, VALUE),
                Text(", ".join(gradients), GRADIENT),
            ]
        )
    show(("function", "points", "value", "local gradients"), cells)


def show(titles: Sequence[str], rows: list[list[Text]], head: Text | None = None) -> None:
    """Print a grid, or where it is too wide a line per cell."""
    screen = console()
    grid = Grid([Column(title) for title in titles], rows)
    lines = [*wrapped(head, screen.width), Text()] if head else []
    if grid.width() <= screen.width:
        lines += grid.lines("-" if ascii_only(screen) else "─")
    else:
        for cells in grid.rows:
            lines += wrapped(cells[0], screen.width)
            for title, cell in zip(titles[1:], cells[1:], strict=True):
                lines += wrapped(Text(f"  {title} ", QUIET) + cell, screen.width, 4)
    for line in [*lines, Text(), *wrapped(Text(HINT, QUIET), screen.width)]:
        screen.print(line, crop=False, overflow="ignore")


def where(worst: Worst) -> str:
    point = ",".join(f"{name}={shortest(x)}" for name, x in worst.at.items())
    return point or "no point is certain"


def shortest(x: float) -> str:
    """The shortest text that reads back as the same float."""
    return repr(x + 0.0).removesuffix(".0")
