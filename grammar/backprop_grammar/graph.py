"""The computational graph, kept as a tape.

The insight: a node is an index, and every operand has a smaller one. So a
forward pass is a loop upwards, a backward pass is a loop downwards, and no
pass over a graph needs recursion, whatever its size.
"""

from dataclasses import dataclass, field

from .errors import BackpropError, Source, Span
from .operations import IF, Operation

__all__ = ["MAX_NODES", "Block", "Condition", "Function", "Graph"]

MAX_NODES = 20_000_000
"""The largest tape that is built: function calls can double a program at every definition."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The comparison of an `if`: nodes ``left`` and ``right``, standing in ``region``.

    Condition k opens region 2k + 1 (its first branch) and region 2k + 2 (its second);
    region 0 is evaluated always.
    """

    left: int
    right: int
    comparison: str
    region: int


@dataclass(frozen=True, slots=True)
class Block:
    """A call of a function of the program: nodes ``first`` to ``result`` shown as one."""

    function: str
    operands: tuple[int, ...]
    first: int


@dataclass(frozen=True, slots=True)
class Function:
    """A definition such as `square(u) = u*u`: a graph over its parameters."""

    name: str
    parameters: tuple[str, ...]
    body: "Graph"


@dataclass(slots=True)
class Graph:
    """A program as a tape of nodes, in the order they are evaluated.

    ``operations[i]`` is None for a leaf: a variable (in ``variables``) or a constant
    (in ``constants``: a number, or the name of a constant such as pi).
    """

    source: Source = field(default_factory=lambda: Source(""))
    operations: list[Operation | None] = field(default_factory=list)
    operands: list[tuple[int, ...]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    regions: list[int] = field(default_factory=list)
    constants: dict[int, float | str] = field(default_factory=dict)
    variables: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)  # of variables and named stages
    inputs: dict[str, float] = field(default_factory=dict)  # values the program gives variables
    stages: list[tuple[str, int]] = field(default_factory=list)  # name, or "" for the last
    conditions: list[Condition] = field(default_factory=list)
    condition_of: dict[int, int] = field(default_factory=dict)  # if node -> condition
    blocks: dict[int, Block] = field(default_factory=dict)  # result node -> block
    functions: dict[str, Function] = field(default_factory=dict)
    shadowed: dict[str, Span] = field(default_factory=dict)  # constants replaced by the user

    def __len__(self) -> int:
        return len(self.operations)

    @property
    def output(self) -> int:
        """The node of the last stage."""
        return self.stages[-1][1]

    def node(self, name: str) -> int | None:
        """The node that carries a name in the program, or None."""
        found = self.variables.get(name)
        if found is not None:
            return found
        return next((node for stage, node in self.stages if stage == name), None)

    def add(
        self,
        operation: Operation | None,
        operands: tuple[int, ...] = (),
        span: Span = (0, 0),
        region: int = 0,
    ) -> int:
        """Append a node and return it."""
        self.operations.append(operation)
        self.operands.append(operands)
        self.spans.append(span)
        self.regions.append(region)
        return len(self.operations) - 1

    def constant(self, value: float | str, span: Span = (0, 0)) -> int:
        """Append a constant: a number, or a name of operations.CONSTANTS."""
        node = self.add(None, (), span)
        self.constants[node] = value
        return node

    def variable(self, name: str, span: Span = (0, 0)) -> int:
        """The node of a variable, appended at its first use."""
        node = self.variables.get(name)
        if node is None:
            node = self.variables[name] = self.add(None, (), span)
            self.names[node] = name
        return node

    def inline(self, function: Function, operands: tuple[int, ...], span: Span, region: int) -> int:
        """Append a copy of a function's body over the operands, as a block; return its result.

        Raises BackpropError when the tape would outgrow MAX_NODES.
        """
        body = function.body
        if len(self) + len(body) > MAX_NODES:
            raise BackpropError(
                "limit",
                f"the program grows to more than {MAX_NODES:,} nodes",
                span,
                label=f"a call of {function.name} adds {len(body):,}",
                hint="functions that call functions twice double it every time",
            )
        first = len(self)
        conditions = len(self.conditions)
        moved: list[int] = []

        def placed(inner: int) -> int:
            return inner + 2 * conditions if inner else region

        arguments = dict(zip(function.parameters, operands, strict=True))
        parameters = {node: arguments[name] for name, node in body.variables.items()}
        for node, operation in enumerate(body.operations):
            if node in parameters:
                moved.append(parameters[node])
                continue
            copy = self.add(
                operation,
                tuple([moved[k] for k in body.operands[node]]),
                body.spans[node],
                placed(body.regions[node]),
            )
            moved.append(copy)
            if node in body.constants:
                self.constants[copy] = body.constants[node]
            if node in body.condition_of:
                self.condition_of[copy] = body.condition_of[node] + conditions
            if node in body.blocks:
                block = body.blocks[node]
                # The parameters are not copied, so positions inside the body close up.
                inner_first = next(
                    (moved[k] for k in range(block.first, node) if k not in parameters), copy
                )
                self.blocks[copy] = Block(
                    block.function, tuple(moved[k] for k in block.operands), inner_first
                )
        for condition in body.conditions:
            self.conditions.append(
                Condition(
                    moved[condition.left],
                    moved[condition.right],
                    condition.comparison,
                    placed(condition.region),
                )
            )
        result = moved[body.output]
        if result < first or result in self.blocks or self.operations[result] is None:
            # The block needs a node of its own: its body is a parameter, a constant or a block.
            from .operations import IDENTITY

            result = self.add(IDENTITY, (result,), span, region)
        self.blocks[result] = Block(function.name, operands, first)
        return result

    def select(self, condition: int, then: int, otherwise: int, span: Span, region: int) -> int:
        """Append the node of an `if` over an open condition."""
        test = self.conditions[condition]
        node = self.add(IF, (test.left, test.right, then, otherwise), span, region)
        self.condition_of[node] = condition
        return node

    def needed(self, output: int) -> list[bool]:
        """For every node, whether the output is computed from it."""
        reached = [False] * len(self)
        reached[output] = True
        for node in range(output, -1, -1):
            if reached[node]:
                for operand in self.operands[node]:
                    reached[operand] = True
        return reached
