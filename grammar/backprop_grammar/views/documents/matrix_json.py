"""A Jacobian or a Hessian as one strict JSON document, the format `backprop-matrix/1`."""

import json
from typing import Any

from ...derivatives.matrices import Matrix
from ...language.graph import as_array
from ...numbers.wide import as_float
from ..options import Options
from .trace_json import remarks

__all__ = ["document", "render"]

FORMAT = "backprop-matrix/1"


def render(matrix: Matrix, options: Options) -> str:
    """The document: on one line, or indented on a terminal."""
    return json.dumps(document(matrix), allow_nan=False, indent=2 if options.indent else None)


def document(matrix: Matrix) -> dict[str, Any]:
    """The document as Python objects; see matrix.schema.json."""
    result: dict[str, Any] = {"format": FORMAT, "kind": matrix.kind, "program": matrix.program}
    if matrix.numbers is not None:
        result["at"] = {name: as_array(value).nested for name, value in matrix.at.items()}
    result |= {
        "of": matrix.of,
        "by": list(matrix.by),
        "rows": list(matrix.rows),
        "columns": list(matrix.columns),
    }
    if matrix.text:
        result["formula"] = matrix.formula
    if matrix.zeros is not None:
        result["zeros"] = matrix.zeros
    if matrix.numbers is not None:
        result["numbers"] = [[as_float(x) for x in row] for row in matrix.numbers]
    return result | remarks(matrix.notes, matrix.flags)
