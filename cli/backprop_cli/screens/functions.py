"""The table of operations on a terminal. All is read from the rows: a new one documents itself."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from backprop_grammar.arrays.examples import examples
from backprop_grammar.operations.row import Operation
from backprop_grammar.operations.shape import said
from backprop_grammar.operations.structural import REDUCTIONS, Structural
from backprop_grammar.operations.table import KINDS, OPERATIONS, also_called
from backprop_grammar.views.documents.functions_json import described

from .terminal import (
    GRADIENT,
    NAME,
    QUIET,
    TITLE,
    VALUE,
    Column,
    Grid,
    ascii_only,
    console,
    wrapped,
)

__all__ = ["show_all", "show_one"]

HINT = "out is the result; `backprop functions NAME` shows one in full"
ARRAY_HINT = HINT.replace("the result", "the result, up the upstream gradient")
ARRAYS = "vectors and matrices: what is sent to each operand"

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
        lines += wrapped(Text(title.capitalize(), TITLE), width)
        for row in members:
            lines += row_lines(row, width)
        lines.append(Text())
    hint = ARRAY_HINT if any(isinstance(row, Structural) for row in rows) else HINT
    for line in [*lines, *wrapped(Text(hint, QUIET), width)]:
        screen.print(line, crop=False, overflow="ignore")


def by_kind(rows: Sequence[Operation]) -> dict[str, list[Operation]]:
    """The rows by their kinds, in the order of the table."""
    kinds: dict[str, list[Operation]] = {title: [] for title in KINDS.values()}
    title = ""
    for row in OPERATIONS.values():
        title = KINDS.get(row.name, title)
        if row in rows:
            kinds[title].append(row)
    kinds[ARRAYS] = [row for row in rows if isinstance(row, Structural)]
    return {title: members for title, members in kinds.items() if members}


def row_lines(row: Operation, width: int) -> Iterator[Text]:
    """An operation in the list; of local gradients that are too long for it, dots are shown.

    What operations on arrays send stands there in full, on lines of its own if it is long.
    """
    rules, arrays = ", ".join(row.rules), isinstance(row, Structural)
    texts = [text for text in row.rules if text != "0"]  # nothing is sent to what only selects
    if arrays:
        rules = ", ".join(texts) or "nothing"
    long = len(rules) > PLACES[2] - PLACES[1] - 2
    if long and not arrays:
        rules = "..."
    cells = Text(row.signature, NAME), Text(rules, GRADIENT), Text(row.doc.split(";")[0], QUIET)
    if width < NARROWEST:
        yield from wrapped(cells[0], width)
        for cell in cells[1:]:
            yield from wrapped(Text("  ") + cell, width)
        return
    if long and arrays:
        for k, text in enumerate(texts):
            head = (Text() if k else cells[0], Text(text, GRADIENT))
            yield from wrapped(placed(head, PLACES), width, 2 if k else PLACES[1] + 2)
        yield from wrapped(placed(cells[2:], PLACES[2:]), width, 0)
        return
    yield from wrapped(placed(cells, PLACES), width, PLACES[2])


def placed(cells: Sequence[Text], places: Sequence[int]) -> Text:
    """Texts on a line, each at its column, or two columns after the one before it."""
    line = Text()
    for place, cell in zip(places, cells, strict=False):
        room = max(place - cell_len(line.plain), 2 * bool(line.plain))
        line.append(" " * room).append_text(cell)
    return line


def show_one(row: Operation) -> None:
    """An operation in full, one fact per line."""
    screen = console()
    if isinstance(row, Structural):
        for line in array_lines(row, screen.width):
            screen.print(line, crop=False, overflow="ignore")
        return
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
    if row.name in REDUCTIONS:
        lines.append(
            fact("of one array: ", f"{row.name}(X), or along an axis {row.name}(X, axis=0)")
        )
    if facts["kinks"]:
        lines.append(fact("kinks: ", ", ".join(facts["kinks"])))
    if any("out" in gradient["rule"] for gradient in facts["gradients"]):
        lines.append(Text("out is the result", QUIET))
    for line in lines:
        for part in wrapped(line, screen.width):
            screen.print(part, crop=False, overflow="ignore")


def array_lines(row: Structural, width: int) -> Iterator[Text]:
    """An operation on arrays in full: the shapes that it takes, and what is sent then."""
    shown = examples(row)
    count = max(len(one.shapes) for one in shown)
    names = ["x", "y", "z"][:count] if row.variadic else list(row.operands[:count])
    vjps = [[*row.vjp(one.shapes, one.written), *[""] * count] for one in shown]
    sent = [k for k in range(count) if any(texts[k] not in ("", "0") for texts in vjps)]
    role = f"{row.role.verb} its upstream gradient" if sent else "sends nothing, having no slope"
    for head in (Text(row.signature, NAME), Text(row.doc), Text.assemble(("role: ", QUIET), role)):
        yield from wrapped(head, width)
    yield Text()
    titles = [*names, "out", *(f"{names[k]} gets" for k in sent)]
    grid = Grid([Column(title) for title in titles], [])
    for one, texts in zip(shown, vjps, strict=True):
        given = [*one.texts, *[""] * count][:count]
        cells = [Text(text) for text in (*given, said(one.result))]
        grid.rows.append([*cells, *(Text(texts[k], GRADIENT) for k in sent)])
    if grid.width() <= width:
        yield from grid.lines("-" if ascii_only(console()) else "─")
    else:
        for cells in grid.rows:
            shapes = zip(titles, cells[: count + 1], strict=False)
            head = Text(", ".join(f"{title} {cell.plain}" for title, cell in shapes if cell.plain))
            yield from wrapped(head, width)
            for title, cell in zip(titles[count + 1 :], cells[count + 1 :], strict=True):
                yield from wrapped(Text.assemble((f"  {title} ", QUIET), cell), width, 4)
    yield Text()
    jacobians = {
        names[k]: text
        for one in shown
        for k in range(len(one.shapes))
        if (text := row.jacobian(k, one.shapes, one.result))
    }
    for name, text in jacobians.items():
        title = f"Jacobian by {name}, where that and out are vectors: "
        yield from wrapped(Text.assemble((title, QUIET), (text, GRADIENT)), width)
    if sent:
        yield from wrapped(Text("out is the result, up the upstream gradient", QUIET), width)
