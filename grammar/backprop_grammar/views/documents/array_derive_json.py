"""Gradients over arrays as one strict JSON document, the format `backprop-derive/2`.

It is `backprop-derive/1` with the shapes of variables and stages, and nested lists wherever an
array stands.
"""

import json
from typing import Any

from ...arrays.lower import element, elements
from ...derivatives.array_formulas import ArrayFormulas
from ...language.graph import as_array
from ...language.nearest import exact
from ..options import Options
from .trace_json import remarks

__all__ = ["document", "render"]

FORMAT = "backprop-derive/2"


def render(formulas: ArrayFormulas, options: Options) -> str:
    """The document: on one line, or indented on a terminal."""
    return json.dumps(document(formulas), allow_nan=False, indent=2 if options.indent else None)


def document(formulas: ArrayFormulas) -> dict[str, Any]:
    """The document as Python objects; see array_derive.schema.json."""
    derivative = formulas.derivative
    texts = {stage.name: derivative.expression(stage) for stage in derivative.stages}
    result: dict[str, Any] = {
        "format": FORMAT,
        "program": formulas.program,
        "output": derivative.output,
    }
    if formulas.at is not None:
        numbers: dict[str, float] = {}
        for name, x in formulas.at.items():
            sizes, given, _ = as_array(x)
            labels = [element(name, place) for place in elements(sizes)]
            numbers |= zip(labels, given, strict=True)
        result["at"] = {name: as_array(value).nested for name, value in formulas.at.items()}
        result |= exact(numbers)
        result["value"] = formulas.value.floats if formulas.value else None
    result["shapes"] = {name: shape(formulas, name) for name in derivative.variables}
    result["stages"] = [
        {"name": name, "formula": text, "shape": shape(formulas, name)}
        for name, text in texts.items()
    ]
    result["derivatives"] = [
        {"by": list(by), "name": name, "formula": texts[name], "shape": shape(formulas, name)}
        | ({"value": value(formulas, name)} if formulas.at is not None else {})
        for by, name in derivative.results.items()
    ]
    return result | remarks(formulas.notes, formulas.flags)


def shape(formulas: ArrayFormulas, name: str) -> list[int | str | None]:
    """The sizes of a stage or a variable: numbers, the letters of declarations, or null."""
    sizes = formulas.derivative.sizes
    return [
        int(text) if (text := sizes.text((n,))).isdigit() else text or None
        for n in formulas.derivative.shapes[name]
    ]


def value(formulas: ArrayFormulas, name: str) -> Any:
    """The numbers of a gradient; null where there are none."""
    tensor = formulas.numbers.get(name)
    return None if tensor is None else tensor.floats
