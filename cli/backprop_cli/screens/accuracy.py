"""`backprop functions --verify`: the measured accuracy of the table of operations.

A promise about digits is worth what anyone can do to check it, so the table that the README shows
is a command.
"""

from collections.abc import Sequence

from rich.text import Text

from backprop_grammar.checks.accuracy import verify
from backprop_grammar.checks.measurement import SEED, WRONG, Measurement, Worst
from backprop_grammar.operations.row import Operation
from backprop_grammar.operations.structural import Structural

from .terminal import (
    GRADIENT,
    NAME,
    QUIET,
    VALUE,
    WARNING,
    Column,
    Grid,
    ascii_only,
    console,
    wrapped,
)

__all__ = ["show_row", "show_rows"]

HINT = "the largest errors, in units in the last place, of what eval prints against "
QUOTIENTS = "difference quotients"
TEXTS = "the texts of what is sent, by which no number is computed"
BOTH = "difference quotients; of operations on arrays, against the texts of what is sent"


def show_row(row: Operation) -> bool:
    """Print the largest error of every number of a row, and where it is; whether all are right."""
    measured = verify(row)
    arrays = isinstance(row, Structural)
    titles = ("number", "worst error", "at", "printed", "exact")
    cells = []
    for k, worst in enumerate(measured.worst):
        label, style = (f"d/d{worst.number}", GRADIENT) if k else ("value", VALUE)
        if arrays:
            label, style = f"to {worst.number}", GRADIENT
        cells.append(
            [
                Text(label, NAME),
                Text(error_text(worst)),
                Text(where(worst)),
                Text(shortest(worst.printed), style),
                Text(worst.exact or "the text has no such value", QUIET),
            ]
        )
    head = f"{row.signature} at {measured.points} random points of its domain, seed {SEED}"
    if not cells:
        head += ": nothing is sent to its operands"
    show(titles, cells, Text(head, NAME), TEXTS if arrays else QUOTIENTS, [measured])
    return measured.holds


def show_rows(rows: Sequence[Operation]) -> bool:
    """Print the largest errors of every row, a line each; whether all are right."""
    cells = []
    found = []
    for row in rows:
        measured = verify(row)
        found.append(measured)
        errors = [error_text(worst, "") for worst in measured.worst]
        value, gradients = ("", errors) if isinstance(row, Structural) else (errors[0], errors[1:])
        cells.append(
            [
                Text(row.signature, NAME),
                Text(f"{measured.points}"),
                Text(value, VALUE),
                Text(", ".join(gradients), GRADIENT),
            ]
        )
    arrays = any(isinstance(row, Structural) for row in rows)
    title = "local gradients, or what is sent" if arrays else "local gradients"
    show(("function", "points", "value", title), cells, None, BOTH if arrays else QUOTIENTS, found)
    return all(one.holds for one in found)


def show(
    titles: Sequence[str],
    rows: list[list[Text]],
    head: Text | None,
    against: str,
    measured: Sequence[Measurement],
) -> None:
    """Print a grid, or where it is too wide a line per cell; then what is not as right as promised."""
    screen = console()
    grid = Grid([Column(title) for title in titles], rows)
    lines = wrapped(head, screen.width) if head else []
    lines += [Text()] if head and rows else []
    if grid.width() <= screen.width:
        lines += grid.lines("-" if ascii_only(screen) else "─") if rows else []
    else:
        for cells in grid.rows:
            lines += wrapped(cells[0], screen.width)
            for title, cell in zip(titles[1:], cells[1:], strict=True):
                lines += wrapped(Text(f"  {title} ", QUIET) + cell, screen.width, 4)
    wrong = [one.row.name for one in measured if not one.holds]
    if rows:
        lines += [Text(), *wrapped(Text(HINT + against, QUIET), screen.width)]
    if wrong:
        said = f"{', '.join(wrong)}: an error is larger than is promised, 2^-44 of the number"
        lines += wrapped(Text(said, WARNING), screen.width)
    for line in lines:
        screen.print(line, crop=False, overflow="ignore")


def error_text(worst: Worst, unit: str = " ulp") -> str:
    """An error; of a number that is wrong in its first digit no size."""
    return "wrong" if worst.ulps == WRONG else f"{worst.ulps:.2f}{unit}"


def where(worst: Worst) -> str:
    point = ",".join(
        f"{name}={x if isinstance(x, list) else shortest(x)}" for name, x in worst.at.items()
    )
    return point or "no point is certain"


def shortest(x: float) -> str:
    """The shortest text that reads back as the same float."""
    return repr(x + 0.0).removesuffix(".0")
