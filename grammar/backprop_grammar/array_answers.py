"""Traces of programs over vectors and matrices as Python and notebooks see them."""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .answers import Evaluated, Explanation, checked, named, no_arrays, rendered
from .errors import usage
from .language.graph import as_array

if TYPE_CHECKING:
    from .arrays.record import ArrayTrace as ArrayTraceRecord

__all__ = ["ArrayEdge", "ArrayExplanation", "ArrayNode", "ArrayTrace"]


class ArrayEdge(NamedTuple):
    """What one edge of a node over arrays sends back; numbers and arrays are floats and nested lists.

    operand: the name of the node that receives it. kind: elementwise, reduction or structural.
    rule: the local gradient as a formula. sent: what is sent instead of upstream x local, over the
    names of the nodes and `up`, such as `up @ x.T`; empty where it is that. local: None of a
    structural edge, and in elements where nothing arrives.
    """

    operand: str
    kind: str
    rule: str
    sent: str
    upstream: Any
    local: Any
    contribution: Any


class ArrayNode(NamedTuple):
    """One node of a trace over arrays; fields as in ``Node``, with nested lists for arrays.

    shape: () of a number, (n,) of a vector, (m, n) of a matrix.
    """

    name: str
    kind: str
    operation: str
    formula: str
    operands: tuple[str, ...]
    shape: tuple[int, ...]
    value: Any
    gradient: Any
    role: str
    edges: tuple[ArrayEdge, ...]

    @property
    def upstream(self) -> Any:
        """The gradient that arrives at the node, from which its edges hand on."""
        return self.gradient


class ArrayTrace(Evaluated[ArrayNode]):
    """One forward and one backward pass over vectors and matrices, which are nested lists here."""

    record: "ArrayTraceRecord"
    notebook = "documents.array_notebook"
    arrays = True

    @property
    def point(self) -> dict[str, Any]:
        """The value of every input."""
        return {name: as_array(value).nested for name, value in self.record.at.items()}

    @property
    def value(self) -> Any:
        """The value of the output."""
        return self.record.value.floats

    @property
    def gradients(self) -> dict[str, Any]:
        """The gradient of the output by every input; None where there is none, with a flag."""
        return {name: tensor.floats for name, tensor in self.record.gradients.items()}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every node: () of a number, (n,) of a vector, (m, n) of a matrix."""
        return {node.name: node.shape for node in self.record.nodes}

    def told(self) -> "ArrayTraceRecord":
        """As of numbers. Raises BackpropError where it has several outputs."""
        if self.record.outputs:
            raise usage("pictures and words begin at one output", "name one")
        record: ArrayTraceRecord = self.listed()
        return record

    def explain(self, node: str = "") -> "Explanation":
        """The backward pass in words, a paragraph a node; of one node where it is named."""
        from .explain.array_narrate import explain  # loaded when it is asked for

        record = explain(self.told(), self.digits, named(node, "the node"))
        return ArrayExplanation(record, self.digits, partial(ArrayTrace.explain, self, node))

    def why(self, node: str) -> "Explanation":
        """Why the gradient of a node, or of an element such as `W[0,1]`, is what it is."""
        from .explain.array_why import why  # loaded when it is asked for

        base, bracket, place = checked(node, "the node").partition("[")
        label = named(base.strip(), "the node") + bracket + place
        record = why(self.told(), label, self.digits)
        return ArrayExplanation(record, self.digits, partial(ArrayTrace.why, self, node))

    def html(self) -> str:
        """A web page that steps through both passes. Raises BackpropError where it is too large."""
        return self.drawn("pictures.array_html")

    def json(self) -> str:
        """The trace as a JSON document, with nested lists for arrays."""
        return rendered("documents.array_json", self.record, self.digits, everything=True)

    def node(self, node: Any) -> ArrayNode:
        """A node of the record with names for the places of its operands."""
        trace, upstream = self.record, None if node.gradient is None else node.gradient.floats
        edges = [
            ArrayEdge(
                trace.name(edge.operand), edge.kind, "" if edge.rule is None else str(edge.rule), edge.sent,
                upstream, None if edge.local is None else edge.local.floats, edge.contribution.floats,
            )
            for edge in node.edges
        ]  # fmt: skip
        return ArrayNode(
            node.name, node.kind, node.operation, node.formula if node.operation else "",
            tuple([trace.name(k) for k in node.operands]), node.shape, node.value.floats, upstream,
            node.role.verb if node.role else "", tuple(edges),
        )  # fmt: skip

    def __repr__(self) -> str:
        return rendered("documents.array_text", self.record, self.digits)

    def unbuilt(self, *_: Any, **__: Any) -> Any:
        """Of numbers alone. Raises BackpropError."""
        raise no_arrays("this view")

    check = claim = unbuilt


class ArrayExplanation(Explanation):
    """The same over vectors and matrices."""

    def json(self) -> str:
        """The words and their facts as one JSON document, with nested lists for arrays."""
        return rendered("documents.array_explanation_json", self.record, self.digits)
