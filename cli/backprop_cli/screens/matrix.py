"""A Hessian or a Jacobian at a point, as a table of numbers.

A Hessian is symmetric (Schwarz), so each number is computed once and stands twice.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from backprop_grammar.derivatives.formulas import Formulas
from backprop_grammar.numbers.decimal import decimal
from backprop_grammar.views.documents.derive_json import hessian
from backprop_grammar.views.options import Options

from .terminal import GRADIENT, NAME, QUIET, TITLE, Column, Grid, ascii_only, console, wrapped

if TYPE_CHECKING:
    from backprop_grammar.derivatives.matrices import Matrix

__all__ = ["show"]

MOST = 400
"""Numbers that are listed, an entry a line, where a matrix is too wide."""

Entry = Callable[[int, int], Text]


def show(subject: "Formulas | Matrix", options: Options) -> None:
    """Print the matrix; where it is too wide, one entry a line, or its corner."""
    screen = console()
    if not isinstance(subject, Formulas):
        show_matrix(subject, options, screen)
        return
    matrix = hessian(subject)
    names, stages = matrix["variables"], matrix["names"]

    def entry(i: int, j: int) -> Text:
        return Text(decimal(subject.number(stages[i][j]), options.digits), GRADIENT)

    output = subject.derivative.output
    grid = table(f"Hessian of {output}", names, names, entry)
    if grid.width() <= screen.width:
        lines = grid.lines("-" if ascii_only(screen) else "─")
    else:
        lines = entries(names, names, entry, output, "hessian", screen)
    print_lines(lines, screen)


def show_matrix(matrix: "Matrix", options: Options, screen: Console) -> None:
    """Print a matrix over arrays, after what it is and how large."""
    from backprop_grammar.views.documents.matrix_text import (  # arrays alone
        formula_lines,
        headline,
        remarks_on,
    )

    lines = wrapped(Text(headline(matrix), TITLE), screen.width)
    for line in remarks_on(matrix):
        lines += wrapped(Text(line, QUIET), screen.width)
    if matrix.text:
        lines.append(Text())
        for head, text in formula_lines(matrix):
            lines += wrapped(Text(head, QUIET) + Text(text, GRADIENT), screen.width)
    numbers = matrix.numbers
    if numbers is not None:
        rows, columns = matrix.rows, matrix.columns

        def entry(i: int, j: int) -> Text:
            return Text(decimal(numbers[i][j], options.digits), GRADIENT)

        rule = "-" if ascii_only(screen) else "─"
        grid = table("", rows, columns, entry)
        lines.append(Text())
        if grid.width() <= screen.width:
            lines += grid.lines(rule)
        elif len(rows) * len(columns) <= MOST:
            lines += entries(rows, columns, entry, matrix.of, matrix.kind, screen)
        else:
            count = fitting(rows, columns, entry, screen.width)
            short = min(count, len(rows))
            lines += table("", rows[:short], columns[:count], entry).lines(rule)
            lines.append(Text())
            corner = f"the first {short} rows and {count} columns; --json has all {matrix.size}"
            lines += wrapped(Text(corner, QUIET), screen.width)
    print_lines(lines, screen)


def table(title: str, rows: Sequence[str], columns: Sequence[str], entry: Entry) -> Grid:
    """The matrix as a grid."""
    return Grid(
        [Column(title), *(Column(name, right=True) for name in columns)],
        [
            [Text(name, NAME), *(entry(i, j) for j in range(len(columns)))]
            for i, name in enumerate(rows)
        ],
    )


def fitting(rows: Sequence[str], columns: Sequence[str], entry: Entry, width: int) -> int:
    """How many rows and columns of a corner fit a screen, one at least."""
    count = 1
    while table("", rows[: count + 1], columns[: count + 1], entry).width() <= width:
        count += 1
    return count


def entries(
    rows: Sequence[str], columns: Sequence[str], entry: Entry, of: str, kind: str, screen: Console
) -> list[Text]:
    """The matrix an entry a line; of a symmetric one its lower triangle."""
    lines = []
    for i, name in enumerate(rows):
        for j, other in enumerate(columns[: i + 1] if kind == "hessian" else columns):
            head = f"d2{of}/d{other} d{name} = " if kind == "hessian" else f"d{name}/d{other} = "
            lines += wrapped(Text(head, QUIET) + entry(i, j), screen.width)
    return lines


def print_lines(lines: Sequence[Text], screen: Console) -> None:
    for line in lines:
        screen.print(line, crop=False, overflow="ignore")
