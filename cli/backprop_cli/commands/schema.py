"""`backprop schema`: the JSON Schema of the tool's documents."""

from typing import Annotated

import typer

from backprop_grammar.errors import shorten, suggestion, usage
from backprop_grammar.views.documents.schemas import schema

from .. import formats

__all__ = ["EXAMPLES", "SCHEMAS", "command"]

EXAMPLES = """\
backprop schema > trace.schema.json
backprop schema error"""

ARRAYS = ("arrays", "array_explanation", "array_step", "array_derive", "matrix")
"""Those of the documents over vectors and matrices."""

SCHEMAS = tuple(
    dict.fromkeys(
        [*(row.schema for row in formats.FORMATS if row.schema), *ARRAYS, "error", "functions"]
    )
)
"""The documents that have a JSON Schema."""


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"{', '.join(SCHEMAS)}.")] = "trace",
) -> int:
    """Print the schema of that name."""
    if name not in SCHEMAS:
        hint = suggestion(name, SCHEMAS, f"the schemas are {', '.join(SCHEMAS)}")
        raise usage(f"there is no schema {shorten(name)}", hint)
    print(schema(name))
    return 0
