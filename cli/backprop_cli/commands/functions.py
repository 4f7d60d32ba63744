"""`backprop functions`: the table of operations, or one of its rows."""

from typing import TYPE_CHECKING, Annotated

import typer

from backprop_grammar.errors import BackpropError, shorten, suggestion, visible

from .. import formats
from ..input.options import Get, Json

if TYPE_CHECKING:
    from backprop_grammar.language.graph import Graph
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
            metavar="NAME",
            help="Show one operation in full, or list those that are called or described so.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Derive the local gradients anew and show the worst error."),
    ] = False,
    as_json: Json = False,
    get: Get = None,
) -> int:
    """Print one operation, those that a word finds, or all of them."""
    name = name and as_called(name)
    rows = chosen(name)
    if get is not None or as_json:
        from backprop_grammar.views.documents.functions_json import document, render

        found = document(rows, verify)
        if get is not None:
            formats.print_part(found, get)
        else:
            print(render(found))
        holds = [one["verified"]["holds"] for one in found["functions"] if verify]
        return 0 if all(holds) else 1
    from ..screens import accuracy, functions  # which need the terminal

    if verify:
        alone = name is not None and rows == [row_of(name)]
        return 0 if (accuracy.show_row(rows[0]) if alone else accuracy.show_rows(rows)) else 1
    if name is not None and rows == [row_of(name)]:
        functions.show_one(rows[0])
    else:
        functions.show_all(rows, written_here(name))
    return 0


def as_called(text: str) -> str:
    """The name or the symbol in a text such as np.maximum, sigmoid(x), σ or **."""
    name = text.strip().split("(")[0].strip() or text
    if not name.isascii():
        from backprop_grammar.language.parser import plain_name

        name = plain_name(name)
    *library, called = name.split(".")
    dotted = library and all(part.isidentifier() for part in (*library, called))
    return {"**": "^"}.get(name, called if dotted else name)


def row_of(name: str) -> "Operation | None":
    """The operation of that name or symbol, also one of another language."""
    from backprop_grammar.operations.makers import ELSEWHERE, MAKERS
    from backprop_grammar.operations.structural import STRUCTURAL, array_rows
    from backprop_grammar.operations.table import ALIASES, FUNCTIONS, OPERATIONS

    meant = ELSEWHERE.get(name, "")
    name = meant if meant.isidentifier() else name
    shown = [row for row in OPERATIONS.values() if not row.hidden]
    row = FUNCTIONS.get(name) or FUNCTIONS.get(ALIASES.get(name, ""))
    row = row or STRUCTURAL.get(name) or MAKERS.get(name)
    if row or not name:
        return row
    return next(
        (r for r in (*shown, *array_rows()) if name in (r.name, r.symbol, r.signature)), None
    )


def written_here(name: str | None) -> str:
    """What another language's function is in this one where that is a formula; else nothing."""
    from backprop_grammar.operations.table import ALIASES

    formula = formula_of(name or "")
    if name is None or formula is None:
        return ""
    return f"{name}({', '.join(formula.variables)}) is {ALIASES[name]}"


def formula_of(name: str) -> "Graph | None":
    """The graph of another language's function that is a formula in this one."""
    from backprop_grammar.operations.table import ALIASES, FUNCTIONS

    meant = ALIASES.get(name, "")
    if not meant or meant in FUNCTIONS:
        return None
    from backprop_grammar.language.parser import expansion

    return expansion(meant)


def chosen(name: str | None) -> list["Operation"]:
    """The operation of that name or symbol, else those whose names or descriptions hold the word,
    and those of its formula; without one, all that are shown.

    Raises BackpropError for a word that finds none.
    """
    from backprop_grammar.operations.structural import array_rows
    from backprop_grammar.operations.table import ALIASES, FUNCTIONS, OPERATIONS, also_called

    rows = [*(row for row in OPERATIONS.values() if not row.hidden), *array_rows()]
    if name is None:
        return rows
    row = row_of(name)
    if row is not None:
        return [row]
    word = name.strip().lower()
    formula = formula_of(name)
    used = formula.operations if formula else []
    said = {row: " ".join([row.name, *also_called(row), row.doc]).lower() for row in rows}
    found = [row for row in rows if row in used or (word and word in said[row])]
    if not found:
        known = [*FUNCTIONS, *(r.name for r in rows), *ALIASES]
        hint = suggestion(name, known, "`backprop functions` lists them")
        shown = shorten(visible(name)).strip() or "without a name"
        raise BackpropError("name", f"there is no operation {shown}", hint=hint)
    return found
