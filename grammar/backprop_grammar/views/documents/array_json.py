"""The trace over arrays as one strict JSON document, the format `backprop-trace/2`.

It is `backprop-trace/1` with nested lists wherever an array stands, the shapes of the nodes, and
what structural operations send as text.
"""

import json
from typing import Any

from ...arrays.lower import element, elements
from ...arrays.record import ArrayEdge, ArrayNode, ArrayTrace
from ...language.graph import as_array
from ...language.nearest import exact
from ...language.printer import kept_text
from ..options import Options
from .trace_json import remarks

__all__ = ["render"]

FORMAT = "backprop-trace/2"

MOST = 10_000
"""Elements of an array above which the document lists no nodes, unless everything is wanted."""


def render(trace: ArrayTrace, options: Options) -> str:
    """The document: on one line, or indented on a terminal."""
    return json.dumps(
        document(trace, options.everything), allow_nan=False, indent=2 if options.indent else None
    )


def document(trace: ArrayTrace, everything: bool = True) -> dict[str, Any]:
    """The document as Python objects; see arrays.schema.json.

    everything: the nodes, too, where an array is very large.
    """
    numbers: dict[str, float] = {}
    for name, x in trace.at.items():
        shape, given, _ = as_array(x)
        if set(map(type, given)) != {float}:  # some are decimals that no float is
            labels = [element(name, place) for place in elements(shape)]
            numbers |= zip(labels, given, strict=True)
    large = any(len(node.value.numbers) > MOST for node in trace.nodes)
    result: dict[str, Any] = {
        "format": FORMAT,
        "program": kept_text(trace.program),
        "at": {name: as_array(value).nested for name, value in trace.at.items()},
        **exact(numbers),
        "output": trace.output_name,
        "value": trace.value.floats,
        "upstream": as_array(trace.upstream).nested,
        **outputs(trace),
        "gradients": {name: tensor.floats for name, tensor in trace.gradients.items()},
        "nodes": [node_object(trace, node) for node in trace.nodes if everything or not large],
        **remarks(trace.notes, trace.flags),
    }
    if trace.frames:
        result["frames"] = [
            {
                "title": one.title,
                "node": trace.name(one.node),
                "nodes": [trace.name(k) for k in one.nodes],
            }
            for one in trace.frames
        ]
    if trace.precision:
        result["precision"] = trace.precision
        result["wide"] = {
            "value": trace.value.texts,
            "gradients": {name: tensor.texts for name, tensor in trace.gradients.items()},
        }
    return result


def outputs(trace: ArrayTrace) -> dict[str, Any]:
    """Where there are several outputs, the value of each and what arrives at it."""
    found = {
        trace.name(node): {"value": value.floats, "upstream": as_array(upstream).nested}
        for node, value, upstream in trace.outputs
    }
    return {"outputs": found} if found else {}


def node_object(trace: ArrayTrace, node: ArrayNode) -> dict[str, Any]:
    result: dict[str, Any] = {"name": node.name, "kind": node.kind}
    if node.operation:
        result |= {
            "operation": node.row.name,
            "formula": node.formula,
            "operands": [trace.name(k) for k in node.operands],
        }
    result |= {"shape": list(node.shape), "value": node.value.floats}
    if node.gradient is not None:
        result["gradient"] = node.gradient.floats
    if node.operation:
        result["role"] = node.row.role.noun
        result["edges"] = [edge_object(trace, node, edge) for edge in node.edges]
    return result


def edge_object(trace: ArrayTrace, node: ArrayNode, edge: ArrayEdge) -> dict[str, Any]:
    result: dict[str, Any] = {"operand": trace.name(edge.operand), "kind": edge.kind}
    if edge.kind == "structural":
        result["vjp"] = edge.vjp
    else:
        result["rule"] = "" if edge.rule is None else str(edge.rule)
    assert node.gradient is not None
    result["upstream"] = node.gradient.floats
    if edge.local is not None:
        result["local"] = edge.local.floats
    if edge.fit:
        result["fit"] = edge.fit
    return result | {"contribution": edge.contribution.floats}
