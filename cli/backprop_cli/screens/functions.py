"""`backprop functions`: the table of operations, shown.

The insight: everything here is read from the rows, so a new operation documents itself.
"""

import json
from typing import TYPE_CHECKING, Any

from backprop_grammar.errors import BackpropError, suggestion
from backprop_grammar.operations.row import Operation
from backprop_grammar.operations.table import FUNCTIONS, OPERATIONS

if TYPE_CHECKING:
    from .terminal import Grid

__all__ = ["describe"]

FORMAT = "backprop-functions/1"


def fields(row: Operation) -> dict[str, Any]:
    """A row as the object of the JSON: see functions.schema.json."""
    operands = ["x"] if row.variadic else list(row.operands)
    return {
        "name": row.name,
        "signature": row.signature,
        "operands": list(row.operands),
        "formula": row.formula,
        "gradients": [
            {"operand": operand, "rule": rule}
            | ({"computed": computed} if computed != rule else {})
            for operand, rule, computed in zip(
                operands, row.rules, row.careful or row.rules, strict=True
            )
        ],
        "role": row.role.noun,
        "domain": row.requirement or " and ".join(map(str, row.domain)),
        "kinks": kinks(row),
        "doc": row.doc,
    }


def kinks(row: Operation) -> list[str]:
    """Where a row has kinks, in words of the language."""
    found = [text.replace(" - ", " == ") if " - " in text else f"{text} == 0" for text in row.kinks]
    if row.name in ("max", "min"):
        found.append("a tie of operands")
    if row.name == "if":
        found.append("a == b")
    return found


def shown_rows() -> list[Operation]:
    return [row for row in OPERATIONS.values() if not row.hidden]


def describe(name: str | None, verified: bool, as_json: bool) -> None:
    """Print one operation, or all of them; verified: their proof sheets.

    Raises BackpropError for a name that is none.
    """
    if name is None:
        chosen = shown_rows()
    else:
        row = FUNCTIONS.get(name) or next((r for r in shown_rows() if name in (r.name, r.symbol)), None)  # fmt: skip
        if row is None:
            known = [*FUNCTIONS, *(r.name for r in shown_rows())]
            hint = suggestion(name, known, "`backprop functions` lists them")
            raise BackpropError("name", f"there is no operation {name}", hint=hint)
        chosen = [row]
    if verified:
        from .accuracy import proof_fields, show_proofs

        if not as_json:
            show_proofs(chosen, alone=name is not None)
            return
        found = [fields(row) | proof_fields(row) for row in chosen]
        print(json.dumps({"format": FORMAT, "functions": found}, allow_nan=False))
    elif as_json:
        found = [fields(row) for row in chosen]
        document = {"format": FORMAT, "functions": found}
        print(json.dumps(document, allow_nan=False))
    elif name is None:
        show_all(chosen)
    else:
        show_one(chosen[0])


def show_all(rows: list[Operation]) -> None:
    """One line per operation, or three where the terminal is narrow."""
    from rich.text import Text

    from .terminal import QUIET, ascii_only, console, wrapped

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
    hint = "out is the result; `backprop functions NAME` shows one in full"
    for line in [*lines, Text(), *wrapped(Text(hint, QUIET), screen.width)]:
        screen.print(line, crop=False, overflow="ignore")


def table(rows: list[Operation], longest: int) -> "Grid":
    """The rows as a grid; of local gradients longer than that only dots are shown."""
    from rich.text import Text

    from .terminal import GRADIENT, NAME, QUIET, Column, Grid

    titles = ("function", "role", "local gradients", "about")
    grid = Grid([Column(title) for title in titles], [])
    for row in rows:
        rules = ", ".join(row.rules)
        grid.rows.append([
            Text(row.signature, NAME),
            Text(row.role.verb),
            Text(rules if len(rules) <= longest else "...", GRADIENT),
            Text(row.doc.split(";")[0], QUIET),
        ])  # fmt: skip
    return grid


def show_one(row: Operation) -> None:
    """An operation in full, one fact per line."""
    from rich.text import Text

    from .terminal import GRADIENT, NAME, QUIET, VALUE, console, wrapped

    screen = console()
    facts = fields(row)

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
        for piece in wrapped(line, screen.width):
            screen.print(piece, crop=False, overflow="ignore")
