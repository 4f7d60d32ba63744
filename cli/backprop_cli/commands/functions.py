"""`backprop functions`: the table of operations, or one of its rows."""

from typing import TYPE_CHECKING, Annotated

import typer

from backprop_grammar.errors import BackpropError, suggestion

from .. import formats
from ..input.options import Get, Json

if TYPE_CHECKING:
    from backprop_grammar.operations.row import Operation

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop functions
backprop functions sigmoid
backprop functions --json | jq -r '.functions[].name'"""


def command(
    name: Annotated[str | None, typer.Argument(help="Show one operation in full.")] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Derive the local gradients anew and show the worst error."),
    ] = False,
    as_json: Json = False,
    get: Get = None,
) -> int:
    """Print one operation, or all of them."""
    rows = chosen(name)
    if get is not None:
        from backprop_grammar.views.documents.functions_json import document

        formats.print_part(document(rows, verify), get)
        return 0
    if as_json:
        from backprop_grammar.views.documents import functions_json

        print(functions_json.render(rows, verify))
        return 0
    from ..screens import accuracy, functions  # which need the terminal

    if name is None:
        (accuracy.show_rows if verify else functions.show_all)(rows)
    else:
        (accuracy.show_row if verify else functions.show_one)(rows[0])
    return 0


def chosen(name: str | None) -> list["Operation"]:
    """The operation of that name or symbol; without one, all that are shown.

    Raises BackpropError for a name that is none.
    """
    from backprop_grammar.operations.table import FUNCTIONS, OPERATIONS

    rows = [row for row in OPERATIONS.values() if not row.hidden]
    if name is None:
        return rows
    row = FUNCTIONS.get(name) or next((r for r in rows if name in (r.name, r.symbol)), None)
    if row is None:
        known = [*FUNCTIONS, *(r.name for r in rows)]
        hint = suggestion(name, known, "`backprop functions` lists them")
        raise BackpropError("name", f"there is no operation {name}", hint=hint)
    return [row]
