"""The table of operations on a terminal. All is read from the rows: a new one documents itself."""

from rich.text import Text

from backprop_grammar.operations.row import Operation
from backprop_grammar.views.documents.functions_json import described

from .terminal import GRADIENT, NAME, QUIET, VALUE, Column, Grid, ascii_only, console, wrapped

__all__ = ["show_all", "show_one"]

HINT = "out is the result; `backprop functions NAME` shows one in full"


def show_all(rows: list[Operation]) -> None:
    """One line per operation, or three where the terminal is narrow."""
    screen = console()
    grid = table(rows, 40)
    if grid.width() > screen.width:
        grid = table(rows, 24)
    if grid.width() <= screen.width:
        lines = grid.lines("-" if ascii_only(screen) else "─")
    else:
        lines = []
        for cells in grid.rows:
            lines += wrapped(cells[0], screen.width)
            for cell in cells[1:]:
                lines += wrapped(Text("  ") + cell, screen.width, 4)
    for line in [*lines, Text(), *wrapped(Text(HINT, QUIET), screen.width)]:
        screen.print(line, crop=False, overflow="ignore")


def table(rows: list[Operation], longest: int) -> Grid:
    """The rows as a grid; of local gradients longer than that only dots are shown."""
    titles = ("function", "role", "local gradients", "about")
    grid = Grid([Column(title) for title in titles], [])
    for row in rows:
        rules = ", ".join(row.rules)
        cells = [
            Text(row.signature, NAME),
            Text(row.role.verb),
            Text(rules if len(rules) <= longest else "...", GRADIENT),
            Text(row.doc.split(";")[0], QUIET),
        ]
        grid.rows.append(cells)
    return grid


def show_one(row: Operation) -> None:
    """An operation in full, one fact per line."""
    screen = console()
    facts = described(row)

    def fact(title: str, text: str, style: str = "") -> Text:
        return Text.assemble((title, QUIET), (text, style))

    title = Text.assemble((row.signature, NAME))
    if row.formula:
        title.append(" = ").append(row.formula, VALUE)
    lines = [title, Text(row.doc), fact("role: ", f"{row.role.verb} its upstream gradient")]
    for gradient in facts["gradients"]:
        lines.append(fact(f"d/d{gradient['operand']} = ", gradient["rule"], GRADIENT))
        if "computed" in gradient:
            lines.append(fact("  computed as ", gradient["computed"]))
    lines.append(fact("domain: ", facts["domain"] or "all numbers"))
    if facts["kinks"]:
        lines.append(fact("kinks: ", ", ".join(facts["kinks"])))
    if any("out" in gradient["rule"] for gradient in facts["gradients"]):
        lines.append(Text("out is the result", QUIET))
    for line in lines:
        for part in wrapped(line, screen.width):
            screen.print(part, crop=False, overflow="ignore")
