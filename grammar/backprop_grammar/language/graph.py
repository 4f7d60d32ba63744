"""The computational graph, kept as a tape.

A node is an index, and every operand has a smaller one. So a forward pass is a loop upwards, a
backward pass is a loop downwards, and no pass over a graph needs recursion, whatever its size.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple, overload

from ..errors import BackpropError, Source, Span, shorten
from ..operations.row import Operation
from ..operations.table import CONSTANT, CONSTANTS, IDENTITY, IF, VARIABLE

__all__ = [
    "MAX_NODES",
    "Array",
    "Block",
    "Condition",
    "Function",
    "Graph",
    "Tape",
    "as_array",
    "nested",
    "reachable",
]

MAX_NODES = 2_000_000
"""The largest tape that is built: functions that call functions can double it at every definition."""

HUGE = 10**9
"""Where counting the nodes of a call ends."""


class Condition(NamedTuple):
    """The comparison of an `if`: nodes ``left`` and ``right``, standing in ``region``.

    Condition k opens region 2k + 1 (its first branch) and region 2k + 2 (its second);
    region 0 is evaluated always.
    """

    left: int
    right: int
    comparison: str
    region: int


class Block(NamedTuple):
    """Nodes ``first`` to a result that can be shown as one.

    name: of a function of the program, of a row of the table, or of a stage. function: what it
    computes, over ``operands``; None where it is not known. open: it is shown as its parts.
    stage: it is everything that only that stage needs, not a call. mirrored: it is the function
    of the table at minus its operand. written: what is written at it beside its operands, as at a
    node (see ``Graph.written``).
    """

    name: str
    operands: tuple[int, ...]
    first: int
    function: "Function | None" = None
    open: bool = False
    stage: bool = False
    mirrored: bool = False
    written: Any = None

    @property
    def row(self) -> Operation | None:
        """The function of the table that it is; None for a stage and a function of the program."""
        return self.function.row if self.function else None


class Function(NamedTuple):
    """A definition such as `square(u) = u*u`.

    body: a graph that begins with the parameters, in which a call of another function is one
    node (see ``Graph.calls``). size: how many nodes a call of it adds to a tape; at most HUGE.
    row: of the table, where it is what that row is made of.
    """

    name: str
    parameters: tuple[str, ...]
    body: "Graph"
    size: int
    row: Operation | None = None

    @classmethod
    def of(
        cls,
        name: str,
        parameters: tuple[str, ...],
        body: "Graph",
        row: Operation | None = None,
    ) -> "Function":
        """A definition with its size, which is counted without doing the work."""
        own = len(body) - len(parameters) - len(body.calls) + needs_identity(body)
        called = sum(function.size for function in body.calls.values())
        return cls(name, parameters, body, min(own + called, HUGE), row)

    @property
    def signature(self) -> str:
        """How it is called, such as `square(u)`; shortened for a message."""
        return f"{shorten(self.name)}({shorten(', '.join(self.parameters))})"


def nested(shape: tuple[int, ...], items: Iterator[Any]) -> Any:
    """The items of an array as a list, or as a list of rows; of a number, the one item."""
    if not shape:
        return next(items)
    if len(shape) == 1:
        return list(islice(items, shape[0]))
    return [list(islice(items, shape[1])) for _ in range(shape[0])]


class Array(NamedTuple):
    """A vector or a matrix of numbers, row by row.

    shape: (n,) or (m, n). text: how a program writes it, if not as its numbers: zeros(3, 4).
    """

    shape: tuple[int, ...]
    numbers: tuple[float, ...]
    text: str = ""

    @property
    def nested(self) -> Any:
        """The numbers as a list, or as a list of rows."""
        return nested(self.shape, iter(self.numbers))

    @property
    def value(self) -> "float | Array":
        """The array as a value of a point: of the shape (), its one number."""
        return self if self.shape else self.numbers[0]


def as_array(value: float | Array) -> Array:
    """A value of a point as an array; the shape of a number is ()."""
    return value if isinstance(value, Array) else Array((), (value,))


class Spans(Sequence[Span]):
    """Spans of a text, in eight bytes each."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts, self.ends = array("i"), array("i")

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, k: int) -> Span: ...
    @overload
    def __getitem__(self, k: slice) -> list[Span]: ...
    def __getitem__(self, k: int | slice) -> Span | list[Span]:
        if isinstance(k, slice):
            return list(zip(self.starts[k], self.ends[k], strict=True))
        return self.starts[k], self.ends[k]

    def __setitem__(self, k: int, span: Span) -> None:
        self.starts[k], self.ends[k] = span

    def append(self, span: Span) -> None:
        """Add a span at the end."""
        start, end = span
        self.starts.append(start)
        self.ends.append(end)


@dataclass(slots=True, eq=False, repr=False)
class Tape:
    """Nodes in the order they are evaluated: all that a pass has to know.

    A leaf is a variable (in ``variables``) or a constant (in ``constants``: a number, or the name
    of a constant such as pi). spans: where a node stands in the text that it was read from.
    """

    operations: list[Operation] = field(default_factory=list)
    operands: list[tuple[int, ...]] = field(default_factory=list)
    spans: Spans = field(default_factory=Spans)
    regions: list[int] = field(default_factory=list)
    constants: dict[int, float | str] = field(default_factory=dict)
    variables: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)  # of variables and named stages
    conditions: list[Condition] = field(default_factory=list)
    condition_of: dict[int, int] = field(default_factory=dict)  # if node -> condition

    def __len__(self) -> int:
        return len(self.operations)

    def add(
        self,
        operation: Operation,
        operands: tuple[int, ...] = (),
        span: Span = (0, 0),
        region: int = 0,
    ) -> int:
        """Append a node and return it. Raises BackpropError beyond MAX_NODES."""
        node = len(self.operations)
        if node >= MAX_NODES:
            raise self.too_many(span)
        self.operations.append(operation)
        self.operands.append(operands)
        self.spans.starts.append(span[0])
        self.spans.ends.append(span[1])
        self.regions.append(region)
        return node

    def constant(self, value: float | str, span: Span = (0, 0)) -> int:
        """Append a constant: a number, or a name of operations.CONSTANTS."""
        node = self.add(CONSTANT, (), span)
        self.constants[node] = value
        return node

    def variable(self, name: str, span: Span = (0, 0)) -> int:
        """The node of a variable, appended at its first use."""
        node = self.variables.get(name)
        if node is None:
            node = self.variables[name] = self.add(VARIABLE, (), span)
            self.names[node] = name
        return node

    def select(self, condition: int, then: int, otherwise: int, span: Span, region: int) -> int:
        """Append the node of an `if` over an open condition."""
        test = self.conditions[condition]
        node = self.add(IF, (test.left, test.right, then, otherwise), span, region)
        self.condition_of[node] = condition
        return node

    def needed(self, output: int) -> list[bool]:
        """For every node, whether the output is computed from it, or it decides whether it is."""
        roots = [output]
        region = self.regions[output]
        while region:
            test = self.conditions[(region - 1) // 2]
            roots += test.left, test.right
            region = test.region
        return reachable(self.operands, roots)

    def too_many(self, span: Span, function: Function | None = None) -> BackpropError:
        """The error for a tape that outgrows MAX_NODES, by a call of a function if one is given."""
        label, hint = "", "split it up, and run one part at a time"
        if function:
            more = "more than " * (function.size == HUGE)
            label = f"a call of {shorten(function.name)} adds {more}{function.size:,}"
            hint = "a function that calls a function twice doubles it"
        message = f"the program grows to more than {MAX_NODES:,} nodes"
        return BackpropError("limit", message, span, label=label, hint=hint)


@dataclass(slots=True, eq=False, repr=False)
class Graph(Tape):
    """A program: its tape, the text that it was read from, and what its nodes are called there."""

    source: Source = field(default_factory=lambda: Source(""))
    inputs: dict[str, float] = field(default_factory=dict)  # values the program gives variables
    stages: list[tuple[str, int]] = field(default_factory=list)  # name, or "" for the last
    blocks: dict[int, Block] = field(default_factory=dict)  # result node -> block
    functions: dict[str, Function] = field(default_factory=dict)
    calls: dict[int, Function] = field(default_factory=dict)  # in the body of a function only
    shadowed: dict[str, Span] = field(default_factory=dict)  # constants replaced by the user
    respelled: bool = (
        False  # whether it was typed in a spelling that is not the one it is printed in
    )
    remarks: dict[str, str] = field(
        default_factory=dict
    )  # on how it was typed, by what they are on
    inner_constants: dict[str, tuple[str, Span]] = field(
        default_factory=dict
    )  # name -> a function that uses it
    written: dict[int, Any] = field(default_factory=dict)
    """What is written at an operation on arrays beside its operands: axis, places, shape; an
    operation on arrays has an entry in any case."""
    declared: dict[str, tuple[int | str, ...]] = field(default_factory=dict)
    array_inputs: dict[str, "Array"] = field(default_factory=dict)
    """As ``inputs``. Of what is written as a call, such as zeros(3, 4), the text alone, until it is
    made (see arrays.constants)."""
    _staged: dict[str, int] = field(default_factory=dict, init=False)  # the stages so far, by name

    @property
    def arrays(self) -> bool:
        """Whether an operation on arrays, an array or a shape is written in it."""
        return bool(self.written or self.declared or self.array_inputs)

    @property
    def output(self) -> int:
        """The node of the last stage."""
        return self.stages[-1][1]

    def node(self, name: str) -> int | None:
        """The node that carries a name in the program, or None."""
        variable = self.variables.get(name)
        if variable is not None:
            return variable
        if len(self._staged) != len(self.stages):
            self._staged = dict(self.stages)
        return self._staged.get(name)

    def bind(self, names: Iterable[str]) -> "Graph":
        """The program where values are given to these names: a constant among them is an input.

        Raises BackpropError where a function of the program uses such a constant.
        """
        taken = [name for name in names if name in CONSTANTS and name not in self.variables]
        for name in taken:
            if name in self.inner_constants:
                raise constant_unseen(self.source, name, *self.inner_constants[name])
        leaves = {node: name for node, name in self.constants.items() if name in taken}
        if not leaves:
            return self
        variables = self.variables | {str(name): node for node, name in leaves.items()}
        operations = list(self.operations)
        for node in leaves:
            operations[node] = VARIABLE
        return replace(
            self,
            operations=operations,
            constants={k: value for k, value in self.constants.items() if k not in leaves},
            variables=dict(sorted(variables.items(), key=lambda one: one[1])),
            names=dict(sorted((self.names | {k: str(n) for k, n in leaves.items()}).items())),
            shadowed=self.shadowed | {str(name): self.spans[k] for k, name in leaves.items()},
            remarks={about: said for about, said in self.remarks.items() if about not in taken},
        )

    def call(self, function: Function, operands: tuple[int, ...], span: Span, region: int) -> int:
        """Append a call as one node, which stands for the function's body until it is inlined."""
        node = self.add(IDENTITY, operands, span, region)
        self.calls[node] = function
        return node

    def inline(
        self,
        function: Function,
        operands: tuple[int, ...],
        span: Span,
        region: int,
        opened: bool = False,
    ) -> int:
        """Append a copy of a function's body over the operands, as a block; return its result.

        The calls inside it become blocks in turn, without recursion. opened: they are all shown
        as their parts. Raises BackpropError before the work starts when the tape would outgrow
        MAX_NODES.
        """
        if len(self) + function.size > MAX_NODES:
            raise self.too_many(span, function)
        copies = [Copy(self, function, operands, span, region, opened)]
        while True:
            copy = copies[-1]
            inner = copy.proceed()
            if inner is not None:
                copies.append(inner)
                continue
            result = copy.finish()
            copies.pop()
            if not copies:
                return result
            copies[-1].moved.append(result)

    def too_many(self, span: Span, function: Function | None = None) -> BackpropError:
        """The same error, which can show the place."""
        error = Tape.too_many(self, span, function)
        error.source = self.source
        return error


def reachable(operands: Sequence[Sequence[int]], roots: Sequence[int]) -> list[bool]:
    """Which nodes some others are computed from, themselves among them. operands: of every node."""
    reached = [False] * len(operands)
    for node in roots:
        reached[node] = True
    for node in range(max(roots, default=-1), -1, -1):
        if reached[node]:
            for operand in operands[node]:
                reached[operand] = True
    return reached


class Copy:
    """The body of a function on its way onto a tape: ``moved`` says where its nodes went."""

    def __init__(
        self,
        tape: Graph,
        function: Function,
        operands: tuple[int, ...],
        span: Span,
        region: int,
        opened: bool,
    ) -> None:
        self.tape, self.function = tape, function
        self.operands, self.span, self.region, self.open = operands, span, region, opened
        self.first = len(tape)
        self.moved = list(operands)  # a body begins with its parameters
        self.base = len(tape.conditions)
        tape.conditions.extend(function.body.conditions)  # they get their nodes in finish

    def placed(self, region: int) -> int:
        """A region of the body as a region of the tape."""
        return region + 2 * self.base if region else self.region

    def proceed(self) -> "Copy | None":
        """Copy the nodes up to the next call, and return that call's own copy; None at the end."""
        tape, body, moved = self.tape, self.function.body, self.moved
        for node in range(len(moved), len(body)):
            operands = tuple([moved[k] for k in body.operands[node]])
            ours = body.source is tape.source  # the table's definitions stand in no program
            span = body.spans[node] if ours else self.span
            region = self.placed(body.regions[node])
            if node in body.calls:
                return Copy(tape, body.calls[node], operands, span, region, self.open)
            copy = tape.add(body.operations[node], operands, span, region)
            moved.append(copy)
            if node in body.constants:
                tape.constants[copy] = body.constants[node]
            elif node in body.written:
                tape.written[copy] = body.written[node]
            elif node in body.condition_of:
                tape.condition_of[copy] = body.condition_of[node] + self.base
        return None

    def finish(self) -> int:
        """Close the block and return its result, which is a node of its own."""
        tape, body, moved = self.tape, self.function.body, self.moved
        for k, test in enumerate(body.conditions, self.base):
            left, right = moved[test.left], moved[test.right]
            tape.conditions[k] = Condition(left, right, test.comparison, self.placed(test.region))
        result = moved[body.output]
        if needs_identity(body):
            result = tape.add(IDENTITY, (result,), self.span, self.region)
        tape.blocks[result] = Block(
            self.function.name, self.operands, self.first, self.function, self.open
        )
        return result


def constant_unseen(source: Source, name: str, function: str, span: Span) -> BackpropError:
    """The error for a constant that a function uses and the user replaces."""
    hint = f"make {name} a parameter of {shorten(function)}, or give your value another name"
    message = f"{name} has a value of your own, which {shorten(function)} does not see"
    return BackpropError("name", message, span, hint=hint, source=source)


def needs_identity(body: Graph) -> bool:
    """Whether a body is only a parameter, a constant or a call, so that its block has no node."""
    return body.operations[body.output].leaf or body.output in body.calls
