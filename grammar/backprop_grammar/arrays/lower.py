"""A program over arrays to the program over numbers that it means.

No calculus stands here, only which element meets which: the numbers' own operations say the rest.
"""

from collections.abc import Sequence

from ..blocks.names import Names
from ..language.graph import Array, Condition, Graph
from ..language.nearest import literal
from ..operations.row import Operation
from ..operations.structural import Cells, Shape, Structural, spread
from ..operations.table import CONSTANT, IDENTITY, IF, OPERATIONS, VARIABLE
from .shapes import Shapes, Values

__all__ = ["Lowered", "element", "elements"]


def elements(shape: Shape) -> list[tuple[int, ...]]:
    """The places of the elements of an array, row by row; of a number, the one place ()."""
    if not shape:
        return [()]
    if len(shape) == 1:
        return [(k,) for k in range(shape[0])]
    return [(i, j) for i in range(shape[0]) for j in range(shape[1])]


def element(name: str, place: tuple[int, ...]) -> str:
    """What an element is called: W[0,1]; a number by its own name."""
    return f"{name}[{','.join(map(str, place))}]" if place else name


class Lowered:
    """The tape of numbers of a program over arrays, as it grows.

    graph: that tape. at: its point. cells: the elements of each node. sent: with edges, the nodes
    whose gradients are the contributions of a node to an operand: (node, place) -> elements;
    texts: what the operations on arrays send, as the table says it.
    """

    def __init__(
        self, program: Graph, names: Names, found: Shapes, at: Values, needed: Sequence[bool], edges: bool
    ) -> None:  # fmt: skip
        self.program, self.names, self.found = program, names, found
        self.graph = Graph(source=program.source)
        self.graph.remarks, self.graph.shadowed = program.remarks, program.shadowed
        self.at: dict[str, float] = {}
        self.cells: dict[int, Cells] = {}
        self.sent: dict[tuple[int, int], list[int]] = {}
        self.texts: dict[int, tuple[str, ...]] = {}
        self.conditions: dict[int, list[int]] = {}
        self.choices = {condition: node for node, condition in program.condition_of.items()}
        self.region, self.span = 0, (0, 0)
        for node, row in enumerate(program.operations):
            if needed[node]:
                self.span = program.spans[node]
                self.add(node, row, at, edges)

    # the tape of numbers, as the rows of the array table see it

    def apply(self, name: str, *operands: int) -> int:
        return self.graph.add(OPERATIONS[name], operands, self.span, self.region)

    def number(self, value: float) -> int:
        return self.graph.constant(literal(repr(value)), self.span)

    def select(self, left: int, comparison: str, right: int, then: int, otherwise: int) -> int:
        self.graph.conditions.append(Condition(left, right, comparison, self.region))
        condition = len(self.graph.conditions) - 1
        return self.graph.select(condition, then, otherwise, self.span, self.region)

    # nodes

    def add(self, node: int, row: Operation, at: Values, edges: bool) -> None:
        """Append the elements of a node."""
        program, found = self.program, self.found
        shape = found.of[node]
        region = program.regions[node]
        first = len(self.graph)
        self.region = 0
        if row is VARIABLE:
            nodes = self.variable(program.names[node], at)
        elif row is CONSTANT:
            nodes = [self.graph.constant(program.constants[node], self.span)]
        elif node in found.made:
            nodes = [
                self.apply("identity", self.graph.constant(x, self.span)) for x in found.made[node]
            ]
            self.name(node, shape, nodes, first)
        else:
            given = [self.cells[k] for k in program.operands[node]]
            if edges:
                given = [
                    self.alias(node, place, cells) if self.receives(node, row, place) else cells
                    for place, cells in enumerate(given)
                ]
            if isinstance(row, Structural):
                self.region = self.region_of(region, 0)
                nodes = list(row.lower(self, given, program.written[node]))
            elif len(given) == 1 and row.variadic:
                self.region = self.region_of(region, 0)
                nodes = self.reduced(row, given[0], program.written.get(node))
            else:
                nodes = self.by_element(node, row, given, shape, region)
            self.name(node, shape, nodes, first)
        self.cells[node] = Cells(shape, nodes, found.whole.get(node))

    def variable(self, name: str, at: Values) -> list[int]:
        value = at[name]
        numbers = value.numbers if isinstance(value, Array) else (value,)
        shape = value.shape if isinstance(value, Array) else ()
        labels = [element(name, place) for place in elements(shape)]
        self.at |= zip(labels, numbers, strict=True)
        return [self.graph.variable(label, self.span) for label in labels]

    def name(self, node: int, shape: Shape, nodes: Sequence[int], first: int) -> None:
        """Give the elements of a node names, by which they can be asked for.

        first: of the nodes that were appended for it.
        """
        name = self.names.of[node]
        for inner in range(first, len(self.graph)):
            self.graph.names.setdefault(inner, f"a part of {name}")
        for place, one in zip(elements(shape), nodes, strict=True):
            label = element(name, place)
            self.graph.names[one] = label
            self.graph.stages.append((label, one))

    def receives(self, node: int, row: Operation, place: int) -> bool:
        """Whether anything is sent back to an operand: not to what only selects, or is counted."""
        if not isinstance(row, Structural):
            return row is not IF or place > 1
        if node not in self.texts:
            shapes = [self.found.of[k] for k in self.program.operands[node]]
            self.texts[node] = row.vjp(shapes, self.program.written[node])
        return self.texts[node][place] != "0"

    def alias(self, node: int, place: int, cells: Cells) -> Cells:
        """A node of its own for each use of an element: its gradient is what that use sends back."""
        graph = self.graph
        if all(graph.operations[k] is CONSTANT for k in cells.nodes) or cells.whole is not None:
            return cells
        name = self.names.of[self.program.operands[node][place]]
        nodes = []
        for where, k in zip(elements(cells.shape), cells.nodes, strict=True):
            one = graph.add(IDENTITY, (k,), self.span, graph.regions[k])
            graph.names[one] = element(name, where)
            nodes.append(one)
        self.sent[node, place] = nodes
        return Cells(cells.shape, nodes)

    def reduced(self, row: Operation, x: Cells, axis: int | None) -> list[int]:
        """The elements of a reduction, a line each."""
        lines: list[Sequence[int]] = [x.nodes]
        if axis is not None and len(x.shape) == 2:
            lines = x.columns() if axis == 0 else x.rows()
        return [
            self.apply(row.name, *line) if len(line) >= row.least else self.apply("identity", *line)
            for line in lines
        ]

    def by_element(
        self, node: int, row: Operation, given: list[Cells], shape: Shape, region: int
    ) -> list[int]:
        """The elements of an elementwise operation, each in the branch where it is chosen."""
        if row is IF:
            self.conditions_of(self.program.condition_of[node])
        columns = [[x.nodes[k] for k in spread(x.shape, shape)] for x in given]
        nodes = []
        for place, operands in enumerate(zip(*columns, strict=True)):
            one = self.graph.add(row, operands, self.span, self.region_of(region, place))
            if row is IF:
                self.choose(node, place, one, operands)
            nodes.append(one)
        return nodes

    def choose(self, node: int, place: int, one: int, operands: tuple[int, ...]) -> None:
        """Tie an `if` of numbers to its condition."""
        lowered = self.conditions[self.program.condition_of[node]]
        k = lowered[place if len(lowered) > 1 else 0]
        self.graph.condition_of[one] = k
        test = self.graph.conditions[k]
        self.graph.operands[one] = (test.left, test.right, *operands[2:])

    # regions

    def region_of(self, region: int, place: int) -> int:
        """The region of an element of a node that stands in a region."""
        if not region:
            return 0
        lowered = self.conditions_of((region - 1) // 2)
        k = lowered[place if len(lowered) > 1 else 0]
        return 2 * k + (1 if region % 2 else 2)

    def conditions_of(self, k: int) -> list[int]:
        """The conditions that a condition becomes: one for each element that is chosen."""
        pending = []
        while k not in self.conditions:
            pending.append(k)
            region = self.program.conditions[k].region
            if not region:
                break
            k = (region - 1) // 2
        for k in reversed(pending):
            self.lower_condition(k)
        return self.conditions[pending[0] if pending else k]

    def lower_condition(self, k: int) -> None:
        """Append the conditions that a condition becomes; the one around it has been lowered."""
        test = self.program.conditions[k]
        frame = self.found.frames.get(self.choices[k])
        shape = () if frame is None else self.found.of[frame]
        left, right = self.cells[test.left], self.cells[test.right]
        pairs = zip(spread(left.shape, shape), spread(right.shape, shape), strict=True)
        self.conditions[k] = []
        for place, (i, j) in enumerate(pairs):
            region = self.region_of(test.region, place)
            self.conditions[k].append(len(self.graph.conditions))
            self.graph.conditions.append(
                Condition(left.nodes[i], right.nodes[j], test.comparison, region)
            )
