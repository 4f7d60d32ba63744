"""Traces of programs over vectors and matrices as Python and notebooks see them."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .answers import (
    Evaluated,
    Explanation,
    Report,
    checked,
    joined,
    named,
    rendered,
    with_rules,
)
from .errors import usage
from .language.graph import as_array

if TYPE_CHECKING:
    from .arrays.record import ArrayTrace as ArrayTraceRecord
    from .matrix_answers import Matrix

__all__ = ["ArrayEdge", "ArrayExplanation", "ArrayNode", "ArrayReport", "ArrayTrace"]


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

    def jacobian(self, of: str, by: str) -> "Matrix":
        """The Jacobian of a node by another one, or an input: a row for each of its elements."""
        from .matrix_answers import jacobian  # loaded when it is asked for

        return jacobian(self, of, by)

    def hessian(self, *wrt: str) -> "Matrix":
        """The Hessian of the output by the elements of these inputs, or of all; 100 at most."""
        from .matrix_answers import hessian  # loaded when it is asked for

        return hessian(self, *wrt)

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

    def check(self) -> "ArrayReport":
        """Every gradient beside difference quotients: of its elements, or of some and a direction."""
        from .checks.array_differences import array_differences  # loaded when it is asked for
        from .checks.report import Report as Record  # with it

        trace = self.listed()
        found = array_differences(trace)
        report = Record(trace.program, trace.at, self.output, trace.value, found)
        return ArrayReport(report, self.digits, partial(ArrayTrace.check, self))

    def claim(
        self,
        claims: Mapping[str, Any] | None = None,
        /,
        *,
        file: Mapping[str, Any] | None = None,
        points: int | None = None,
        seed: int = 0,
        over: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> "ArrayReport":
        """Gradients of your own, judged: arrays of NumPy, PyTorch or JAX, nested lists, or texts.

        Names are those of nodes, of elements, `W[0,1]`, and of values, `value.h`; dW is W. Texts
        keep their digits; what a program computed may be off by the rounding of its arithmetic.
        file: claims of a file, which may hold more: what is of no node is left aside. A formula,
        `"up @ x.T"`, is judged as a function: here and at other points, of which points, seed and
        over are those of ``Program.claim``.
        """
        from .checks.report import Report as Record  # loaded when it is asked for
        from .diagnosis.array_claims import judge_arrays  # with it
        from .diagnosis.claimed import written  # with it
        from .diagnosis.claims import is_formula  # with it

        if claims is not None and not isinstance(claims, Mapping):
            raise usage("the claims are no dict of arrays", 'write {"W": [[1, 2], [3, 4]]}')
        trace, given = self.listed(), joined(claims or {}, more)
        formulas = {name: x for name, x in given.items() if is_formula(x, trace.by_name)}
        found = {
            name: written(value, f"the claim of {name}")
            for name, value in (*given.items(), *(file or {}).items())
            if name not in formulas
        }
        judged = judge_arrays(trace, found, tuple(file or ()))
        verdicts: tuple[Any, ...] = with_rules(trace, judged.verdicts)
        first: Any = judged.first
        notes = judged.notes
        if formulas:
            of = self.formulas(formulas, points, seed, over)
            verdicts, first, notes = (*verdicts, *of.verdicts), of.first or first, (*notes, *of.notes)  # fmt: skip
        report = Record(
            trace.program, trace.at, self.output, trace.value, verdicts=verdicts, first=first,
            remarks=notes,
        )  # fmt: skip
        again = partial(
            ArrayTrace.claim, self, given, file=file, points=points, seed=seed, over=over
        )
        return ArrayReport(report, self.digits, again)


class ArrayReport(Report):
    """The same over vectors and matrices."""

    def json(self) -> str:
        """The findings as one JSON document, with nested lists for arrays."""
        return rendered("documents.array_check_json", self.record, self.digits)


class ArrayExplanation(Explanation):
    """The same over vectors and matrices."""

    def json(self) -> str:
        """The words and their facts as one JSON document, with nested lists for arrays."""
        return rendered("documents.array_explanation_json", self.record, self.digits)
