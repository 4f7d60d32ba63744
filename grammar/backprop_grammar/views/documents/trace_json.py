"""The trace as one strict JSON document, the format `backprop-trace/1`.

A number that does not exist is null and has a flag or a decimal text, so a reader never meets the
words that JSON lacks.
"""

import json
from collections.abc import Iterable
from typing import Any

from ...language.nearest import exact
from ...language.printer import kept_text
from ...numbers.wide import UNEVALUATED, Number, Wide, as_float
from ...trace.index import formula, frame_title, rule_text
from ...trace.record import Flag, Node, Note, Trace
from ..options import Options

__all__ = ["remarks", "render"]

FORMAT = "backprop-trace/1"


def render(trace: Trace, options: Options) -> str:
    """The document, in full: on one line, or indented on a terminal."""
    return json.dumps(document(trace), allow_nan=False, indent=2 if options.indent else None)


def numbers(**fields: Number) -> dict[str, Any]:
    """The numbers as floats, with the decimal texts of those that no float holds in full."""
    result: dict[str, Any] = {name: as_float(value) for name, value in fields.items()}
    wide = {
        name: value.text
        for name, value in fields.items()
        if isinstance(value, Wide) and value is not UNEVALUATED
    }
    return result | ({"wide": wide} if wide else {})


def inner(number: Number) -> Number:
    """The number of a node that no result is rounded to: null where binary64 can't hold it."""
    if isinstance(number, Wide) and number.nearest == 0 and number.digits != "0":
        return number._replace(nearest=None)
    return number


def document(trace: Trace) -> dict[str, Any]:
    """The document as Python objects; see trace.schema.json."""
    result: dict[str, Any] = {
        "format": FORMAT,
        "program": kept_text(trace.program),
        "at": trace.at,
        **exact(trace.at),
        "output": trace.output_name,
        "value": as_float(trace.value),
        "upstream": trace.upstream,
        "gradients": {name: as_float(value) for name, value in trace.gradients.items()},
        "nodes": [node_object(trace, node) for node in trace.nodes],
        **remarks(trace.notes, trace.flags),
    }
    if trace.frames:
        result["frames"] = [
            {
                "title": frame_title(trace, frame),
                "node": trace.name(frame.node),
                "nodes": [trace.name(k) for k in frame.nodes],
            }
            for frame in trace.frames
        ]
    if trace.precision:
        gradients = {
            name: value.text for name, value in trace.gradients.items() if isinstance(value, Wide)
        }
        value = {"value": trace.value.text} if isinstance(trace.value, Wide) else {}
        result["precision"] = trace.precision
        result["wide"] = {**value, "gradients": gradients}
    return result


def remarks(notes: Iterable[Note], flags: Iterable[Flag]) -> dict[str, Any]:
    """Notes and flags as Python objects."""
    return {
        "notes": [
            {"kind": note.kind, "node": note.node, "message": note.message} for note in notes
        ],
        "flags": [
            {"path": flag.path, "status": flag.status}
            | ({"sign": flag.sign} if flag.sign else {})
            | {"node": flag.node, "message": flag.message}
            for flag in flags
        ],
    }


def node_object(trace: Trace, node: Node) -> dict[str, Any]:
    result: dict[str, Any] = {"name": node.name, "kind": node.kind}
    if node.operation:
        result |= {
            "operation": node.operation,
            "formula": formula(trace, node),
            "operands": [trace.name(k) for k in node.operands],
        }
    fields = {"value": node.value}
    if node.gradient is not None:
        fields["gradient"] = node.gradient
    result |= numbers(**fields)
    if node.role and node.gradient is not None:
        upstream = inner(node.gradient)
        result["role"] = node.role.noun
        result["edges"] = [
            {"operand": trace.name(edge.operand), "rule": rule_text(trace, node, edge)}
            | numbers(upstream=upstream, local=edge.local, contribution=edge.contribution)
            for edge in node.edges
        ]
    elif node.role:
        result |= {"role": node.role.noun, "edges": []}
    return result
