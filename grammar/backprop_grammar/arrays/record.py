"""The trace of a program over arrays: as that of numbers, with an array wherever a number stands."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..blocks.names import Names
from ..language.graph import Array, Graph, nested
from ..language.printer import expression_text
from ..numbers.wide import Number, Wide, as_float
from ..operations.row import PRODUCT, Operation, Role
from ..operations.shape import Shape
from ..symbolic.rules import Rule
from ..trace.record import Flag, Note, Trace

if TYPE_CHECKING:
    from .lower import Lowered
    from .question import Question

__all__ = [
    "ArrayEdge",
    "ArrayFrame",
    "ArrayNode",
    "ArrayTrace",
    "Tensor",
    "TraceByNumbers",
    "path_of",
]


def path_of(path: str) -> str:
    """A path of the numbers' document as one of the arrays': gradients.W[0][1]."""
    return re.sub(r"(\d),(\d+\])", r"\1][\2", path)


class Tensor(NamedTuple):
    """Numbers of a trace in a shape, row by row; None where a branch is not evaluated."""

    shape: Shape
    numbers: tuple[Number | None, ...]

    @property
    def floats(self) -> Any:
        """The nearest floats, nested; None where there is none."""
        if set(map(type, self.numbers)) == {float}:
            return nested(self.shape, iter(self.numbers))
        floats = (None if x is None else as_float(x) for x in self.numbers)
        return nested(self.shape, floats)

    @property
    def texts(self) -> Any:
        """The decimal texts of the numbers that a float does not hold in full, nested; else None."""
        texts = (x.text if isinstance(x, Wide) else None for x in self.numbers)
        return nested(self.shape, texts)


class ArrayEdge(NamedTuple):
    """What a node sends back to one operand.

    kind: elementwise, reduction or structural. vjp: of a structural one, what is sent as text over
    the names of the nodes and `up`; empty where only the parts of a block say it.

    rule, local: of the others, the local gradient as a formula and its numbers, which stand in the
    shape of the node, or of what a reduction reduces; None for one along which nothing arrives.
    fit: of an operand that was stretched, along what it is summed for that: `axis=0`, `axis=1`, or
    `all`. unsummed: its contribution before that, in the shape of the node.
    """

    place: int
    operand: int
    kind: str
    vjp: str
    rule: Rule | None
    local: Tensor | None
    contribution: Tensor
    fit: str = ""
    unsummed: Tensor | None = None

    @property
    def routed(self) -> bool:
        """Whether the node selected this operand: an array may always be, in some elements."""
        return True

    @property
    def sent(self) -> str:
        """What is sent back, over the names of the nodes and `up`: the rule of a structural edge,
        `sum(up*h, axis=0)` of an operand that was stretched. An empty text for others, which send
        upstream x local.
        """
        if not self.fit:
            return self.vjp or ("up, through its parts" if self.kind == "structural" else "")
        axis = "" if self.fit == "all" else f", {self.fit}"
        return f"sum({self.product}{axis})"

    @property
    def product(self) -> str:
        """Upstream x local, such as `up*x`, `-up`, `up/n`; `up*local` where it has no formula."""
        if self.rule is None:
            return "up*local"
        if self.rule.is_one:
            return "up"
        if self.rule.number == -1:
            return "-up"
        name = self.rule.tape.names.get(self.rule.node)
        text = expression_text(self.rule.tape, self.rule.node)
        local = name or text.within(PRODUCT)
        sign = "-" if local.startswith("-") else ""
        local = local.removeprefix("-")
        return f"{sign}up{local[1:]}" if local.startswith("1/") else f"{sign}up*{local}"


class ArrayNode(NamedTuple):
    """One node as it is shown; fields as in trace.record.Node."""

    index: int  # type: ignore[assignment]  # nobody looks a value up in a node
    name: str
    kind: str
    row: Operation
    formula: str
    operands: tuple[int, ...]
    value: Tensor
    gradient: Tensor | None
    edges: tuple[ArrayEdge, ...] = ()
    named: bool = True

    @property
    def shape(self) -> Shape:
        return self.value.shape

    @property
    def operation(self) -> str:
        """What it does, such as `matmul`; an empty text for a leaf."""
        return "" if self.row.leaf else self.row.name

    @property
    def role(self) -> Role | None:
        """How it passes gradients on; None for a leaf."""
        return None if self.row.leaf else self.row.role


class ArrayFrame(NamedTuple):
    """A node, a call or a row of the tables that is shown as its parts.

    title: what it does over the names of its operands, such as `W @ x`. node: its result; nodes:
    all of its parts, the result among them.
    """

    title: str
    node: int
    nodes: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class ArrayTrace:
    """One forward and one backward pass over arrays.

    program: as it was typed. names: of the same, grouped as it is shown. upstream: the gradient
    that arrives at the output, of its shape, or a number. question: what was asked, with the shapes
    of all nodes. kinks: by the names of nodes, their elements at which a derivative is a choice.
    outputs: where there are several, all of them with their values and what arrives there; then
    ``output`` is the last, and what is differentiated the sum of their products.
    Other fields as in trace.record.Trace.
    """

    program: Graph
    names: Names
    at: dict[str, float | Array]
    output: int
    value: Tensor
    upstream: float | Array
    gradients: dict[str, Tensor]
    nodes: tuple[ArrayNode, ...]
    notes: tuple[Note, ...]
    flags: tuple[Flag, ...]
    question: "Question"
    kinks: dict[str, list[str]] = field(default_factory=dict)
    frames: tuple[ArrayFrame, ...] = ()
    precision: int | None = None
    outputs: tuple[tuple[int, Tensor, float | Array], ...] = ()
    values: dict[str, Tensor] = field(default_factory=dict)
    decided: frozenset[int] = frozenset()

    @property
    def tape(self) -> Graph:
        """The program, grouped as it is shown; places of nodes are on it."""
        return self.names.graph

    @property
    def last(self) -> bool:
        """Whether the output is the last stage."""
        return self.output == self.tape.output

    @property
    def output_name(self) -> str:
        """What the output is called."""
        return self.names.of[self.output]

    @property
    def by_name(self) -> dict[str, ArrayNode]:
        """The nodes by their names."""
        return {node.name: node for node in self.nodes}

    def name(self, index: int) -> str:
        """The name of a node; of a constant, its number."""
        return self.names.of[index]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TraceByNumbers(ArrayTrace):
    """One whose numbers come from the program over numbers that the program means.

    numbers: the trace of that program; lowered: which numbers of it each element is.
    """

    numbers: Trace
    lowered: "Lowered"
