"""The trace: the record of one forward and one backward pass.

The insight: every output format is a view of this one immutable object, so the
table, the JSON and whatever comes next cannot disagree.
"""

from typing import NamedTuple

from ..errors import Span
from ..numbers.wide import Number

__all__ = ["KINKS", "Edge", "Flag", "Frame", "Node", "Note", "Trace"]


class Edge(NamedTuple):
    """What one edge of the graph sends back: upstream x local = contribution.

    rule: the local gradient as a formula. routed: False where the node did not select this
    operand, so that nothing is sent whatever the upstream gradient.
    """

    operand: str
    rule: str
    upstream: Number
    local: Number
    contribution: Number
    routed: bool = True


class Node(NamedTuple):
    """One node as it is shown.

    kind: variable, constant, operation or block. formula: over the operands' names.
    gradient: None where nothing is differentiated. edges: to the operands that are.
    """

    name: str
    kind: str
    operation: str
    formula: str
    operands: tuple[str, ...]
    value: Number
    gradient: Number | None
    role: str = ""
    verb: str = ""
    edges: tuple[Edge, ...] = ()
    named: bool = True
    span: Span = (0, 0)


class Note(NamedTuple):
    """A remark on a right answer: kind is kink, tie, boundary, branch cut, underflow, ..."""

    kind: str
    node: str
    message: str


KINKS = frozenset({"kink", "tie", "boundary"})
"""Kinds of notes on a point at which a derivative is a choice."""


class Flag(NamedTuple):
    """A number that does not exist, or that no float holds.

    path: where in the JSON; status: infinite, undefined or overflow; sign: of an infinity;
    node: where it comes from.
    """

    path: str
    status: str
    sign: str
    node: str
    message: str


class Frame(NamedTuple):
    """A block that is shown as its parts: the nodes around which a picture draws a frame.

    title: the call, such as `sigmoid(z)`; node: its result; nodes: all of its parts, the result
    among them.
    """

    title: str
    node: str
    nodes: tuple[str, ...]


class Trace(NamedTuple):
    """One forward and one backward pass.

    program: as it was typed; formula: as it is printed; at: the point; output: the output's
    node, and last whether it is the last stage; upstream: the gradient that arrives there;
    gradients: of the output by the inputs, or the names asked for; precision: digits of the
    numbers' texts, where they were asked for.
    """

    program: str
    formula: str
    at: dict[str, float]
    output: str
    value: Number
    upstream: float
    gradients: dict[str, Number]
    nodes: tuple[Node, ...]
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()
    frames: tuple[Frame, ...] = ()
    last: bool = True
    precision: int | None = None
