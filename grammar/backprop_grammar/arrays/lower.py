"""A program over arrays to the program over numbers that it means.

No calculus stands here, only which element meets which: the numbers' own operations say the rest.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from ..blocks.names import Names
from ..errors import BackpropError, shorten
from ..language.graph import Block, Condition, Graph, as_array
from ..language.nearest import literal
from ..operations.row import Operation
from ..operations.shape import Cells, Shape, Taken, said, size, spread
from ..operations.structural import Structural
from ..operations.table import CONSTANT, IDENTITY, IF, OPERATIONS, VARIABLE
from ..passes.run import check_bound
from .shapes import Shapes, Values, shapes

__all__ = [
    "LARGEST",
    "Lowered",
    "by_default",
    "check_work",
    "element",
    "elements",
    "elementwise",
    "lines",
    "opened",
    "owner",
    "part",
    "reachable_from",
    "shapes_at",
    "work",
]

LARGEST = 20_000
"""Operations on numbers that a program over arrays may mean."""

ELEMENT = re.compile(r"(\w+)\[([0-9]+)(?:,([0-9]+))?\]\Z")


def reachable_from(graph: Graph, roots: Sequence[int]) -> list[bool]:
    """For every node, whether one of some others is computed from it."""
    needed = [graph.needed(node) for node in dict.fromkeys(roots)]
    return [any(one) for one in zip(*needed, strict=True)]


def shapes_at(graph: Graph, at: Values, roots: Sequence[int]) -> tuple[Shapes, list[bool]]:
    """The shapes of what some nodes need, and which nodes these are; given inputs are among them.

    Raises BackpropError for a variable without a value, and where shapes do not fit.
    """
    needed = reachable_from(graph, roots)
    check_bound(graph, dict.fromkeys(at, 0.0), needed)
    for name, node in graph.variables.items():
        needed[node] = needed[node] or name in at
    return shapes(graph, at, needed), needed


def work(graph: Graph, found: Shapes, needed: Sequence[bool]) -> int:
    """How many operations on numbers a program means, about."""
    count = 0
    for node, row in enumerate(graph.operations):
        if needed[node]:
            inner = max([size(found.of[k]) for k in graph.operands[node]], default=1)
            count += size(found.of[node]) + inner
            if isinstance(row, Structural) and row.work:
                given = [Taken("", found.of[k], found.whole.get(k)) for k in graph.operands[node]]
                count += row.work(given, found.of[node])
    return count


def check_work(graph: Graph, found: Shapes, needed: Sequence[bool], most: int = LARGEST) -> None:
    """Raise BackpropError where a program means more numbers than are computed, before the work."""
    count = work(graph, found, needed)
    if count > most:
        raise BackpropError(
            "limit", f"the program means some {count:,} operations on numbers, more than {most:,}",
            hint="make the arrays smaller: fewer rows show the same", source=graph.source,
        )  # fmt: skip


def elements(shape: Shape) -> list[tuple[int, ...]]:
    """The places of the elements of an array, row by row; of a number, the one place ()."""
    if not shape:
        return [()]
    if len(shape) == 1:
        return [(k,) for k in range(shape[0])]
    return [(i, j) for i in range(shape[0]) for j in range(shape[1])]


def element(name: str, place: tuple[int, ...] | tuple[str, ...]) -> str:
    """What an element is called: W[0,1]; a number by its own name."""
    return f"{name}[{','.join(map(str, place))}]" if place else name


def owner(name: str) -> str:
    """The array that an element is of, W of W[0,1]; of another name, that name."""
    return name.partition("[")[0]


def part(name: str, shapes: Mapping[str, Shape]) -> tuple[Shape, list[str]]:
    """The shape and the elements of a node, or of one element of it: x[0].

    shapes: by the names of nodes. Raises BackpropError for an element that is none.
    """
    if name in shapes:
        return shapes[name], [element(name, place) for place in elements(shapes[name])]
    found = ELEMENT.match(name)
    shape = shapes[owner(name)]
    place = tuple([int(k) for k in found.groups()[1:] if k is not None]) if found else ()
    if not shape or place not in elements(shape):
        hint = f"it is {said(shape)}; indices begin at 0" if shape else "it is one number"
        raise BackpropError("name", f"there is no element {shorten(name)}", hint=hint)
    return (), [element(owner(name), place)]


def lines(x: Cells, axis: int | None) -> list[Sequence[int]]:
    """The nodes that become one along an axis, or without one: columns, rows, or all."""
    if axis is None or len(x.shape) == 1:
        return [x.nodes]
    return x.columns() if axis == 0 else x.rows()


def elementwise(program: Graph, nodes: Iterable[int]) -> bool:
    """Whether all that some nodes do goes element by element, without a choice of branches."""
    return not any(
        k in program.written or isinstance(row, Structural) or row is IF or (row.variadic and len(program.operands[k]) == 1)
        for k in nodes
        for row in [program.operations[k]]
    )  # fmt: skip


def opened(program: Graph) -> Graph:
    """A program with all calls as their parts, in which an axis may be counted from the front."""
    return replace(program, blocks={}, written=dict(program.written))


def by_default(program: Graph) -> Graph:
    """A program in which calls are one node where all goes element by element, as over numbers:
    their local gradients have formulas. Others are shown as their parts, which alone say what they
    send.
    """
    blocks = {
        node: block._replace(open=not elementwise(program, range(block.first, node + 1)))
        for node, block in program.blocks.items()
    }
    return replace(opened(program), blocks=blocks)


def insides(names: Names) -> dict[int, tuple[int, bool]]:
    """Of the nodes in blocks that are shown as one node: the results, and whether all in a block
    goes element by element.
    """
    program = names.graph
    found: dict[int, tuple[int, bool]] = {}
    for result, block in names.blocks.items():
        inner = range(block.first, result + 1)
        by_element = elementwise(program, inner)
        found |= dict.fromkeys(inner, (result, by_element))
    return found


class Lowered:
    """The tape of numbers of a program over arrays, as it grows.

    graph: that tape. at: its point. cells: the elements of each node that is seen. sent: with
    edges, the nodes whose gradients are the contributions of a node to an operand: (node, place) ->
    elements. A block that is shown as one node sends as one; where all in it goes element by
    element, there is a block of numbers for each of its elements. first: the first node of what a
    node means. parts: nodes that are no element of any, such as the products of a matrix product.
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
        self.first: dict[int, int] = {}
        self.parts: set[int] = set()
        self.counts: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
        self.conditions: dict[int, list[int]] = {}
        self.choices = {condition: node for node, condition in program.condition_of.items()}
        self.region, self.span = 0, (0, 0)
        self.inside: dict[int, Cells] = {}  # of the block that is lowered, what it is given
        closed = insides(names)
        for node, row in enumerate(program.operations):
            if not needed[node]:
                continue
            self.span = program.spans[node]
            if node not in closed:
                self.add(node, row, at, edges)
                continue
            result, by_element = closed[node]
            block = names.blocks[result]
            if edges and not self.inside:
                self.inside = self.given(result, block)
            if not (edges and by_element):
                self.add(node, row, at, False)
            elif node == result:
                self.add_by_element(node, block)
            if node == result:
                self.inside = {}
                for k in range(block.first, result):
                    self.cells.pop(k, None)

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
        first = self.first[node] = len(self.graph)
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
            given = [self.inside.get(k) or self.cells[k] for k in program.operands[node]]
            if edges:
                given = [
                    self.alias(node, place, program.operands[node][place], cells)
                    if self.receives(node, row, place)
                    else cells
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
        value = as_array(at[name])
        labels = self.labels(name, value.shape)
        self.at |= zip(labels, value.numbers, strict=True)
        return [self.graph.variable(label, self.span) for label in labels]

    def name(self, node: int, shape: Shape, nodes: list[int], first: int) -> None:
        """Give the elements of a node names, by which they can be asked for.

        first: of the nodes that were appended for it.
        """
        name = self.names.near(node)
        for inner in range(first, len(self.graph)):
            if inner not in self.graph.names:
                self.graph.names[inner] = f"part {next(self.counts[name])} of {name}"
                self.parts.add(inner)
        if self.names.hidden[node]:
            return
        for label, one in zip(self.labels(name, shape), nodes, strict=True):
            self.graph.names[one] = label
            self.parts.discard(one)
            self.graph.stages.append((label, one))

    def labels(self, name: str, shape: Shape) -> list[str]:
        """What the elements of an array are called."""
        return [element(name, place) for place in elements(shape)]

    def receives(self, node: int, row: Operation, place: int) -> bool:
        """Whether anything is sent back to an operand: not to what only selects, or is counted."""
        if not isinstance(row, Structural):
            return row is not IF or place > 1
        program = self.program
        shapes = [self.found.of[k] for k in program.operands[node]]
        return row.vjp(shapes, program.written[node])[place] != "0"

    def alias(self, node: int, place: int, operand: int, cells: Cells) -> Cells:
        """A node of its own for each use of an element: its gradient is what that use sends back."""
        graph = self.graph
        if all(graph.operations[k] is CONSTANT for k in cells.nodes) or cells.whole is not None:
            return cells
        name = self.names.of[operand]
        nodes = []
        for where, k in zip(elements(cells.shape), cells.nodes, strict=True):
            one = graph.add(IDENTITY, (k,), self.span, graph.regions[k])
            graph.names[one] = element(name, where)
            nodes.append(one)
        self.sent[node, place] = nodes
        return Cells(cells.shape, nodes)

    # blocks that are shown as one node

    def given(self, result: int, block: Block) -> dict[int, Cells]:
        """What a block is given: nodes of its own for all that it uses an element for."""
        inside: dict[int, Cells] = {}
        for place, operand in enumerate(block.operands):
            if operand not in inside and operand in self.cells:
                inside[operand] = self.alias(result, place, operand, self.cells[operand])
        return inside

    def add_by_element(self, result: int, block: Block) -> None:
        """Append the elements of a block, one after the other, each as a block of numbers."""
        program, graph = self.program, self.graph
        shape, begin = self.found.of[result], len(graph)
        inner = range(block.first, result + 1)
        parts = [k for k in inner if k not in program.constants]
        fixed = {
            k: graph.constant(program.constants[k], self.span)
            for k in inner
            if k in program.constants
        }
        picked = {k: [x.nodes[i] for i in spread(x.shape, shape)] for k, x in self.inside.items()}
        nodes = []
        for place in range(size(shape)):
            first = len(graph)
            moved = fixed | {k: column[place] for k, column in picked.items()}
            for k in parts:
                operands = tuple([moved[i] for i in program.operands[k]])
                region = self.region_of(program.regions[k], place)
                moved[k] = graph.add(program.operations[k], operands, self.span, region)
            nodes.append(moved[result])
            given = tuple([moved[k] for k in block.operands])
            graph.blocks[moved[result]] = Block(block.name, given, first)
        self.name(result, shape, nodes, begin)
        self.cells[result] = Cells(shape, nodes)

    def reduced(self, row: Operation, x: Cells, axis: int | None) -> list[int]:
        """The elements of a reduction, a line each."""
        return [
            self.apply(row.name, *line) if len(line) >= row.least else self.apply("identity", *line)
            for line in lines(x, axis)
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
