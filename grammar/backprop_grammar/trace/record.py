"""The trace: the record of one forward and one backward pass.

Every output is a view of this one immutable object, so the table, the JSON and whatever comes
next cannot disagree. It holds nodes by their places on a tape, formulas as formulas and numbers
as numbers; text is made by views, and never read back.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..blocks.names import Names
from ..language.graph import Block, Graph
from ..numbers.wide import Number
from ..operations.row import Operation, Role
from ..symbolic.rules import Rule

__all__ = ["KINKS", "Edge", "Flag", "Frame", "Node", "Note", "Trace"]


class Edge(NamedTuple):
    """What one edge of the graph sends back: upstream x local = contribution.

    place: which operand of the node it leads to. operand: that operand's place on the tape. rule:
    the local gradient as a formula; None where it has no short one, or where a point decides.
    routed: False where the node did not select this operand, so that nothing is sent whatever the
    upstream gradient.
    """

    place: int
    operand: int
    rule: Rule | None
    local: Number
    contribution: Number
    routed: bool = True


class Node(NamedTuple):
    """One node as it is shown.

    index: its place on the tape. row: its operation, variable and constant among them; None of a
    block that is no function of the table. operands: the places of those that are evaluated. gradient: None where
    nothing is differentiated; of a node with edges, it is their upstream gradient. edges: to the
    operands that are differentiated. block: what it hides.
    """

    index: int  # type: ignore[assignment]  # nobody looks a value up in a node
    name: str
    kind: str
    row: Operation | None
    operands: tuple[int, ...]
    value: Number
    gradient: Number | None
    edges: tuple[Edge, ...] = ()
    block: Block | None = None
    named: bool = True

    @property
    def operation(self) -> str:
        """What it does, such as `sigmoid`, or `sigmoid(-x)`; an empty text for a leaf."""
        if self.block is not None:
            return f"{self.block.name}(-x)" if self.block.mirrored else self.block.name or self.name
        return "" if self.row is None or self.row.leaf else self.row.name

    @property
    def upstream(self) -> Number | None:
        """The gradient that it hands on to its operands: its own."""
        return self.gradient

    @property
    def role(self) -> Role | None:
        """How it passes gradients on; None for a leaf."""
        if self.block is not None:
            return Role.SCALES
        return None if self.row is None or self.row.leaf else self.row.role


class Note(NamedTuple):
    """A remark on a right answer: kind is kink, tie, boundary, sides, branch cut, underflow, ..."""

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

    node: its result; nodes: all of its parts, the result among them; by their places on the tape.
    """

    node: int
    nodes: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """One forward and one backward pass.

    program: as it was typed. tape: the same, grouped as it is shown; places of nodes are on it.
    at: the point. output: the node that is differentiated. upstream: the gradient that arrives
    there. gradients: of the output by the inputs, or the names asked for; values: of those among
    these that are no inputs. nodes: those that are seen, or none where only results were asked
    for; each constant stands once. precision: digits of the numbers, where they were asked for.
    decided: the nodes whose gradient is that of the function, and not the one that the rules give
    to the node.
    """

    program: Graph
    tape: Graph
    names: Names
    at: dict[str, float]
    output: int
    value: Number
    upstream: float
    gradients: dict[str, Number]
    nodes: tuple[Node, ...]
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()
    frames: tuple[Frame, ...] = ()
    precision: int | None = None
    values: dict[str, Number] = field(default_factory=dict)
    decided: frozenset[int] = frozenset()

    @property
    def output_name(self) -> str:
        """What the output is called."""
        return self.names.name(self.output)

    @property
    def last(self) -> bool:
        """Whether the output is the last stage."""
        return self.output == self.tape.output

    @cached_property
    def by_index(self) -> dict[int, Node]:
        """The nodes by their places on the tape."""
        return {node.index: node for node in self.nodes}

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes by their names."""
        return {node.name: node for node in self.nodes}

    def name(self, index: int) -> str:
        """The name of a node that is seen; of a constant, its number."""
        return self.names.of[index]
