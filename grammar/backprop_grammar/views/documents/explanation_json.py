"""An explanation as one strict JSON document, the format `backprop-explanation/1`.

Beside every paragraph stand the facts it was made of, so a program need not read prose, and a test
can read both and compare.
"""

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...explain.document import Explanation, Fact, Paragraph, plain
from ...language.graph import nested
from ...language.nearest import exact
from ...language.printer import shown_text
from ...numbers.wide import Number, Wide, as_float
from ...trace.record import Trace
from ..options import Options

if TYPE_CHECKING:
    from ...arrays.record import Tensor

__all__ = ["number_object", "paragraph_object", "render"]

FORMAT = "backprop-explanation/1"

NAMES = {
    "gradient": ("node",),
    "receives": ("node", "sender"),
    "sends": ("node", "operand", "sent"),  # what is sent: over arrays only
    "stops": ("node", "operand"),
    "paths": ("output", "node"),
}
"""What the names of a fact are; of the other kinds they are a list."""

NUMBERS = {
    "gradient": ("gradient",),
    "receives": ("contribution",),
    "sends": ("upstream", "local", "contribution"),
}
"""What the numbers of a fact are."""

LARGEST_COUNT = 2**53
"""Counts above this are written as text, since many readers of JSON would round them."""


def render(explanation: Explanation, options: Options) -> str:
    """The document on one line."""
    del options  # numbers are written in full
    return json.dumps(document(explanation), allow_nan=False) + "\n"


def document(explanation: Explanation) -> dict[str, Any]:
    """The document as Python objects; see explanation.schema.json."""
    trace = explanation.trace
    assert isinstance(trace, Trace)
    result: dict[str, Any] = {
        "format": FORMAT,
        "kind": explanation.kind,
        "program": shown_text(trace.program),
        "at": trace.at,
        **exact(trace.at),
        "output": trace.output_name,
        "value": as_float(trace.value),
        "upstream": trace.upstream,
        "headline": plain(explanation.headline),
        "paragraphs": [paragraph_object(paragraph) for paragraph in explanation.paragraphs],
    }
    if explanation.subject:
        result["subject"] = explanation.subject
    return result


def paragraph_object(paragraph: Paragraph) -> dict[str, Any]:
    """A paragraph with its facts."""
    return {
        "node": paragraph.node or None,
        "heading": plain(paragraph.heading),
        "text": paragraph.text,
        "facts": [fact_object(fact) for fact in paragraph.facts],
    }


def fact_object(fact: Fact) -> dict[str, Any]:
    """A fact with the names of its fields, which depend on its kind."""
    result: dict[str, Any] = {"kind": fact.kind}
    if fact.kind == "path":
        result["nodes"] = list(fact.names)
        product, *factors = fact.numbers or (None,)
        result["product"] = None if product is None else number_object(product)
        result["factors"] = [number_object(number) for number in factors if number is not None]
    elif fact.kind == "cause":
        result["cause"], *result["nodes"] = fact.names
        result["numbers"] = [number_object(number) for number in fact.numbers]
    else:
        result |= zip(NAMES[fact.kind], fact.names, strict=False)
        fields = dict(zip(NUMBERS.get(fact.kind, ()), fact.numbers, strict=True))
        result |= {key: number_object(x) for key, x in fields.items() if x is not None}
    if fact.count is not None:
        exact = fact.count <= LARGEST_COUNT
        result["count"] = fact.count if exact else str(Decimal(fact.count))
    return result


def number_object(number: "Number | Tensor | None") -> Any:
    """A number, or its text where binary64 does not hold it in full; of an array nested lists."""
    if number is None or isinstance(number, float):
        return number
    if isinstance(number, Wide):
        return number.text
    return nested(number.shape, map(number_object, number.numbers))
