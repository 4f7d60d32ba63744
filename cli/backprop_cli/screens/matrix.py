"""The Hessian at a point, as a table of numbers.

It is symmetric (Schwarz), so each number is computed once and stands twice.
"""

from rich.text import Text

from backprop_grammar.derivatives.formulas import Formulas
from backprop_grammar.numbers.decimal import decimal
from backprop_grammar.views.documents.derive_json import hessian
from backprop_grammar.views.options import Options

from .terminal import GRADIENT, NAME, QUIET, Column, Grid, ascii_only, console, wrapped

__all__ = ["show"]


def show(formulas: Formulas, options: Options) -> None:
    """Print the matrix; where it is too wide, one entry a line."""
    screen = console()
    matrix = hessian(formulas)
    names, stages = matrix["variables"], matrix["names"]

    def entry(stage: str) -> Text:
        return Text(decimal(formulas.number(stage), options.digits), GRADIENT)

    title = Column(f"Hessian of {formulas.derivative.output}")
    grid = Grid(
        [title, *(Column(name, right=True) for name in names)],
        [[Text(name, NAME), *map(entry, row)] for name, row in zip(names, stages, strict=True)],
    )
    if grid.width() <= screen.width:
        lines = grid.lines("-" if ascii_only(screen) else "─")
    else:
        lines = []
        for i, name in enumerate(names):
            for other, stage in zip(names[: i + 1], stages[i], strict=False):
                head = Text(f"d2{formulas.derivative.output}/d{other} d{name} = ", QUIET)
                lines += wrapped(head + entry(stage), screen.width)
    for line in lines:
        screen.print(line, crop=False, overflow="ignore")
