"""`backprop functions`: the table of operations, or one of its rows."""

from typing import TYPE_CHECKING, Annotated

import typer

from backprop_grammar.errors import BackpropError, suggestion

from ..input.options import Json

if TYPE_CHECKING:
    from backprop_grammar.operations.row import Operation

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop functions
backprop functions sigmoid
backprop functions normal
backprop functions --json | jq -r '.functions[].name'"""


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show one operation in full, or list those that are called or described so."
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Derive the local gradients anew and show the worst error."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Print one operation, those that a word finds, or all of them."""
    rows = chosen(name)
    if as_json:
        from backprop_grammar.views.documents import functions_json

        print(functions_json.render(rows, verify))
        return 0
    from ..screens import accuracy, functions  # which need the terminal

    if name is not None and rows == [row_of(name)]:
        (accuracy.show_row if verify else functions.show_one)(rows[0])
    else:
        (accuracy.show_rows if verify else functions.show_all)(rows)
    return 0


def row_of(name: str) -> "Operation | None":
    """The operation of that name or symbol."""
    from backprop_grammar.operations.table import FUNCTIONS, OPERATIONS

    shown = (row for row in OPERATIONS.values() if not row.hidden)
    return FUNCTIONS.get(name) or next((r for r in shown if name in (r.name, r.symbol)), None)


def chosen(name: str | None) -> list["Operation"]:
    """The operation of that name or symbol, else those whose names or descriptions hold the word;
    without one, all that are shown.

    Raises BackpropError for a word that finds none.
    """
    from backprop_grammar.operations.table import FUNCTIONS, OPERATIONS, also_called

    rows = [row for row in OPERATIONS.values() if not row.hidden]
    if name is None:
        return rows
    row = row_of(name)
    if row is not None:
        return [row]
    word = name.strip().lower()
    said = {row: " ".join([row.name, *also_called(row), row.doc]).lower() for row in rows}
    found = [row for row in rows if word and word in said[row]]
    if not found:
        known = [*FUNCTIONS, *(r.name for r in rows)]
        hint = suggestion(name, known, "`backprop functions` lists them")
        raise BackpropError("name", f"there is no operation {name}", hint=hint)
    return found
