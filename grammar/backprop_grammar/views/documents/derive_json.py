"""Derivatives as one strict JSON document, the format `backprop-derive/1`.

Formulas are texts of the language, and numbers stand beside them: a reader needs neither to
parse nor to evaluate.
"""

import json
from typing import Any

from ...derivatives.formulas import Formulas
from ...language.nearest import exact
from ..options import Options
from .trace_json import remarks

__all__ = ["document", "hessian", "render"]

FORMAT = "backprop-derive/1"


def render(formulas: Formulas, options: Options) -> str:
    """The document: on one line, or indented on a terminal."""
    return json.dumps(document(formulas), allow_nan=False, indent=2 if options.indent else None)


def document(formulas: Formulas) -> dict[str, Any]:
    """The document as Python objects; see derive.schema.json."""
    derivative = formulas.derivative
    texts = {stage.name: derivative.expression(stage) for stage in derivative.stages}
    result: dict[str, Any] = {
        "format": FORMAT,
        "program": formulas.program,
        "output": derivative.output,
    }
    if formulas.at is not None:
        result |= {"at": formulas.at, **exact(formulas.at), "value": formulas.value}
    result["stages"] = [{"name": name, "formula": text} for name, text in texts.items()]
    result["derivatives"] = [
        {"by": list(by), "name": name, "formula": texts[name]}
        | ({"value": formulas.numbers.get(name)} if formulas.at is not None else {})
        for by, name in derivative.results.items()
    ]
    if derivative.results and all(len(by) == 2 for by in derivative.results):
        result["hessian"] = hessian(formulas)
    if formulas.at is not None:
        result |= remarks(formulas.notes, formulas.flags)
    return result


def hessian(formulas: Formulas) -> dict[str, Any]:
    """The second derivatives as a matrix, which is symmetric: by names, and by numbers."""
    results = formulas.derivative.results
    variables = list(dict.fromkeys(name for by in results for name in by))
    names = [[results.get((a, b)) or results.get((b, a)) for b in variables] for a in variables]
    matrix: dict[str, Any] = {"variables": variables, "names": names}
    if formulas.at is not None:
        matrix["values"] = [
            [formulas.numbers.get(name) if name else None for name in row] for row in names
        ]
    return matrix
