"""The table of operations on a terminal. All is read from the rows: a new one documents itself."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from backprop_grammar.operations.row import Operation
from backprop_grammar.operations.table import KINDS, OPERATIONS, also_called
from backprop_grammar.views.documents.functions_json import described

from .terminal import GRADIENT, NAME, QUIET, TITLE, VALUE, console, wrapped

__all__ = ["show_all", "show_one"]

HINT = "out is the result; `backprop functions NAME` shows one in full"

PLACES = (0, 18, 44)
"""The columns at which the function, its local gradients and its line begin."""

WIDEST, NARROWEST = 80, 60
"""Columns of the list; where there are fewer, a function takes a line for each of the three."""


def show_all(rows: Sequence[Operation], first: str = "") -> None:
    """The operations by their kinds, each with its local gradients and a line on what it is.

    first: what is said before.
    """
    screen = console()
    width = min(screen.width, WIDEST)
    lines = [Text(first), Text()] if first else []
    for title, members in by_kind(rows).items():
        lines.append(Text(title.capitalize(), TITLE))
        for row in members:
            lines += row_lines(row, width)
        lines.append(Text())
    for line in [*lines, *wrapped(Text(HINT, QUIET), width)]:
        screen.print(line, crop=False, overflow="ignore")


def by_kind(rows: Sequence[Operation]) -> dict[str, list[Operation]]:
    """The rows by their kinds, in the order of the table."""
    kinds: dict[str, list[Operation]] = {title: [] for title in KINDS.values()}
    title = ""
    for row in OPERATIONS.values():
        title = KINDS.get(row.name, title)
        if row in rows:
            kinds[title].append(row)
    return {title: members for title, members in kinds.items() if members}


def row_lines(row: Operation, width: int) -> Iterator[Text]:
    """An operation in the list; of local gradients that are too long for it, dots are shown."""
    rules = ", ".join(row.rules)
    if len(rules) > PLACES[2] - PLACES[1] - 2:
        rules = "..."
    cells = Text(row.signature, NAME), Text(rules, GRADIENT), Text(row.doc.split(";")[0], QUIET)
    if width < NARROWEST:
        yield from wrapped(cells[0], width)
        for cell in cells[1:]:
            yield from wrapped(Text("  ") + cell, width)
        return
    line = Text()
    for place, cell in zip(PLACES, cells, strict=True):
        room = max(place - cell_len(line.plain), 2 * bool(place))
        line.append(" " * room).append_text(cell)
    yield from wrapped(line, width, PLACES[2])


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
    if also_called(row):
        lines.append(fact("also called ", ", ".join(also_called(row))))
    lines.append(fact("domain: ", facts["domain"] or "all numbers"))
    if facts["kinks"]:
        lines.append(fact("kinks: ", ", ".join(facts["kinks"])))
    if any("out" in gradient["rule"] for gradient in facts["gradients"]):
        lines.append(Text("out is the result", QUIET))
    for line in lines:
        for part in wrapped(line, screen.width):
            screen.print(part, crop=False, overflow="ignore")
