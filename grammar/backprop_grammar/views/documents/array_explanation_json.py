"""An explanation over arrays as one strict JSON document, the format `backprop-explanation/2`.

It is `backprop-explanation/1` with nested lists wherever an array stands, and what is sent as a
formula.
"""

import json
from typing import Any

from ...arrays.record import ArrayTrace
from ...explain.document import Explanation, plain
from ...language.graph import Array, as_array
from ...language.nearest import exact
from ...language.printer import shown_text
from ..options import Options
from .explanation_json import paragraph_object

__all__ = ["render"]

FORMAT = "backprop-explanation/2"


def render(explanation: Explanation, options: Options) -> str:
    """The document on one line."""
    del options  # numbers are written in full
    return json.dumps(document(explanation), allow_nan=False) + "\n"


def document(explanation: Explanation) -> dict[str, Any]:
    """The document as Python objects; see array_explanation.schema.json."""
    trace = explanation.trace
    assert isinstance(trace, ArrayTrace)
    numbers = {name: x for name, x in trace.at.items() if not isinstance(x, Array)}
    result: dict[str, Any] = {
        "format": FORMAT,
        "kind": explanation.kind,
        "program": shown_text(trace.program),
        "at": {name: as_array(value).nested for name, value in trace.at.items()},
        **exact(numbers),
        "output": trace.output_name,
        "value": trace.value.floats,
        "upstream": as_array(trace.upstream).nested,
        "headline": plain(explanation.headline),
        "paragraphs": [paragraph_object(paragraph) for paragraph in explanation.paragraphs],
    }
    if explanation.subject:
        result["subject"] = explanation.subject
    return result
