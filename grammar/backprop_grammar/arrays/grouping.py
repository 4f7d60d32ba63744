"""Which nodes over arrays are shown as one: opened to their parts or their elements, and folded.

As for numbers, granularity is a change of the tape before all else. What shapes decide is decided
here: which text says what a row is made of, and whether a row is what some nodes spell out.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..blocks.definitions import definition, function
from ..blocks.grouping import Choice, block_around, folded, inside_closed, rebuilt, stands_inside
from ..blocks.matching import Match, Search
from ..errors import BackpropError, shorten
from ..language.graph import Array, Function, Graph, reachable
from ..language.precedence import number_text
from ..operations.row import Operation
from ..operations.shape import Cells, Misfit, Taken, size, spread
from ..operations.structural import ARRAY, INDEX, REDUCTIONS, STRUCTURAL, Structural
from ..operations.table import IDENTITY, IF, OPERATIONS, VARIABLE
from .lower import elements, lines, reachable_from
from .shapes import Shapes, Values, reduced, shapes

__all__ = ["shaped"]

LARGEST = 2_000
"""Nodes that one node is opened into at most."""


def shaped(
    graph: Graph,
    at: Values,
    expand: Sequence[str],
    fold: Sequence[str],
    keep: Sequence[str],
    kinks: Callable[[Graph], set[int]],
) -> tuple[Graph, list[int]]:
    """A graph with nodes opened, then others folded; and which nodes stay closed at a kink.

    at: the point. keep: names of stages that must stay visible. kinks: the nodes of a graph that
    stand at one. A node is opened into what its row is made of, or else into its elements.

    Raises BackpropError for names that are not in the program.
    """
    graph = replace(graph, blocks=dict(graph.blocks))
    unopened: list[int] = []
    if expand:
        choice = ArrayChoice(graph, expand, "expand")
        found, needed = shapes_of(graph, at, keep)
        nodes = to_expand(graph, choice, found, needed)
        present = {block.name for block in graph.blocks.values() if block.open}
        present |= {graph.operations[k].name for k in nodes}
        nodes = {k for k in nodes if needed[k]}  # of others nothing is seen
        while nodes:
            if any(graph.operations[k].kinks for k in nodes):
                whole = nodes & kinks(graph)
                unopened += sorted(whole)
                nodes -= whole
            found, _ = shapes_of(graph, at, keep)
            functions = {k: opened(graph, k, found) for k in sorted(nodes)}
            doubled = dict.fromkeys(nodes & graph.blocks.keys(), False)
            graph, moved = rebuilt(graph, range(len(graph)), functions, doubled)
            unopened = [moved[k] for k in unopened]
            inner = [
                k for node in nodes for k in range(graph.blocks[moved[node]].first, moved[node] + 1)
            ]
            nodes = {k for k in inner if graph.operations[k].name in choice.functions}
            present |= {graph.operations[k].name for k in nodes}
        for name in choice.functions - present:
            raise choice.none_here(name)
    if fold:
        choice = ArrayChoice(graph, fold, "fold")
        visible = {node for name in keep if (node := graph.node(name)) is not None}
        search = ArraySearch(graph, found=shapes_of(graph, at, keep)[0])
        graph, moved = folded(graph, choice, {*visible, graph.output}, search)
        unopened = [moved[k] for k in unopened]
    return graph, unopened


def shapes_of(graph: Graph, at: Values, keep: Sequence[str]) -> tuple[Shapes, list[bool]]:
    """The shapes of the nodes that the output needs, or those that are asked for; and which these are."""
    roots = [graph.output, *(k for name in keep if (k := graph.node(name)) is not None)]
    needed = reachable_from(graph, roots)
    found = shapes(graph, at, needed)
    return found, needed


class ArrayChoice(Choice):
    """Names of what to expand or to fold, those of the array table among them."""

    def row(self, name: str) -> Operation | None:
        return super().row(name) or STRUCTURAL.get(name)

    def made_of(self, row: Operation) -> str:
        texts = parts_of(row)
        if texts:
            return re.sub(AXIS, "", texts[row.name == "logsumexp"])
        opens = self.option == "expand" and isinstance(row, Structural)
        return row.formula or "by its elements" * opens

    def known(self) -> list[str]:
        rows = [name for name, texts in REDUCTIONS.items() if texts]
        rows += [row.name for row in STRUCTURAL.values() if row.parts]
        return list(dict.fromkeys([*super().known(), *rows]))

    def primitive(self, name: str) -> BackpropError:
        rows = [name for name in self.known() if name in STRUCTURAL or name in REDUCTIONS]
        hint = f"blocks are {', '.join(rows)}, functions such as sigmoid, and those of the program"
        if self.option == "expand":
            hint += "; a node over arrays is opened by its name"
        return super().primitive(name).replace(hint=hint)


def parts_of(row: Operation) -> tuple[str, ...]:
    """What a row over arrays is made of, as texts."""
    return row.parts if isinstance(row, Structural) else REDUCTIONS.get(row.name, ())


AXIS = r", axis(?!=)"
"""Stands in the parts of a row for the axis along which it goes."""


# Opening


def to_expand(graph: Graph, choice: Choice, found: Shapes, needed: Sequence[bool]) -> set[int]:
    """The nodes that are to be opened; blocks are opened first.

    Raises BackpropError for what has no parts, or stands in a closed block.
    """
    shown = set()
    for node, block in graph.blocks.items():
        if choice.takes(block.name, node) and not block.open:
            shown.add(node)
            graph.blocks[node] = block._replace(open=True)
    hidden = inside_closed(graph)
    nodes: set[int] = set()
    behind: dict[str, int] = {}
    for node, row in enumerate(graph.operations):
        if row.name in choice.functions and not row.leaf:
            if hidden[node]:
                behind.setdefault(row.name, node)
            else:
                nodes.add(node)
    seen = {graph.operations[node].name for node in nodes}
    for name in behind.keys() - seen - {block.name for block in graph.blocks.values()}:
        raise stands_inside(name, block_around(graph, behind[name]))
    for node in choice.nodes - shown:
        row = graph.operations[node]
        numbers = needed[node] and not any(found.of[k] for k in graph.operands[node])
        primitive = row.leaf or row in (IF, INDEX, ARRAY, IDENTITY)
        if primitive or (numbers and not (row.formula or parts_of(row))):
            raise choice.primitive(graph.names.get(node, "it") if row.leaf else row.name)
        nodes.add(node)
    return nodes


def opened(graph: Graph, node: int, found: Shapes) -> Function:
    """A node as a function of its operands: of simpler rows, or of their elements."""
    row, operands = graph.operations[node], graph.operands[node]
    if isinstance(row, Structural) or (row.variadic and len(operands) == 1):
        made = (fitting(row, text, graph, node, found) for text in parts_of(row))
        return next((one for one in made if one is not None), None) or in_elements(
            graph, node, found
        )
    return definition(row, len(operands)) or in_elements(graph, node, found)


def filled(text: str, axis: int | None) -> str:
    """The parts of a row along an axis."""
    return re.sub(AXIS, "" if axis is None else f", axis={axis}", text)


def fitting(row: Operation, text: str, graph: Graph, node: int, found: Shapes) -> Function | None:
    """What a text says that a node is made of; None where it doesn't fit the shapes."""
    operands = graph.operands[node]
    shape = found.of[operands[0]]
    axis = graph.written[node] if row.name in REDUCTIONS and node in graph.written else None
    if isinstance(row, Structural):
        axis = 1 if len(shape) == 2 else None
    n = size(shape) // max(1, size(found.of[node]))
    text = re.sub(r"\bn\b", number_text(float(n)), filled(text, axis))
    names = row.operands if isinstance(row, Structural) else ("x",)
    at: dict[str, float | Array] = {}
    for name, k in zip(names, operands, strict=True):
        numbers = tuple(map(float, found.whole.get(k, (0,) * size(found.of[k]))))
        at[name] = Array(found.of[k], numbers).value
    try:
        made = function(row, text, names)
        inner = shapes(made.body, at, made.body.needed(made.body.output))
    except BackpropError:
        return None
    body = made.body
    for k, one in enumerate(body.operations):
        if (
            one.name in REDUCTIONS
            and len(body.operands[k]) == 1
            and not inner.of[body.operands[k][0]]
        ):
            return None  # there is nothing to reduce
    return made if inner.of[body.output] == found.of[node] else None


class Numbers:
    """A tape of numbers, as the rows of the array table see it."""

    def __init__(self, name: str) -> None:
        self.name, self.graph = name, Graph()

    def apply(self, name: str, *operands: int) -> int:
        if name == "identity":
            return operands[0]
        if name == "sum" and len(operands) == 2:
            name = "add"
        if len(self.graph) > 2 * LARGEST:
            raise self.too_many()
        return self.graph.add(OPERATIONS[name], operands)

    def number(self, value: float) -> int:
        return self.graph.constant(value)

    def select(self, left: int, comparison: str, right: int, then: int, otherwise: int) -> int:
        raise AssertionError("only rows that stand in texts choose")

    def too_many(self) -> BackpropError:
        message = f"{shorten(self.name)} would be opened into more than {LARGEST:,} nodes"
        return BackpropError(
            "limit", message, hint="make its arrays smaller: fewer rows show the same"
        )


def in_elements(graph: Graph, node: int, found: Shapes) -> Function:
    """A node as the array of its elements: [W[0,0]*x[0] + W[0,1]*x[1], ...]."""
    row, shape = graph.operations[node], found.of[node]
    on = Numbers(graph.names.get(node, row.name))
    taken: dict[int, tuple[int, tuple[int, ...]]] = {}
    given = []
    if sum(size(found.of[k]) for k in graph.operands[node]) > LARGEST:
        raise on.too_many()
    for place, k in enumerate(graph.operands[node]):
        cells = []
        for where in elements(found.of[k]):
            cells.append(on.graph.add(VARIABLE))
            taken[cells[-1]] = place, where
        given.append(Cells(found.of[k], cells, found.whole.get(k)))
    written = graph.written.get(node)
    if isinstance(row, Structural):
        result = list(row.lower(on, given, written))
    elif len(given) == 1 and row.variadic:
        result = [on.apply(row.name, *line) for line in lines(given[0], written)]
    else:
        columns = [[x.nodes[k] for k in spread(x.shape, shape)] for x in given]
        result = [on.apply(row.name, *operands) for operands in zip(*columns, strict=True)]
    body = Graph()
    parameters = [body.variable(f"p{place}") for place in range(len(given))]
    needed = reachable(on.graph.operands, result)
    if sum(needed) > LARGEST:
        raise on.too_many()
    moved: dict[int, int] = {}
    for one, inner in enumerate(on.graph.operations):
        if not needed[one]:
            continue
        if one in taken:
            place, where = taken[one]
            places = [body.constant(float(k)) for k in where]
            moved[one] = parameters[place]
            if where:
                moved[one] = body.add(INDEX, (parameters[place], *places))
                body.written[moved[one]] = ("only",) * len(where)
        elif one in on.graph.constants:
            moved[one] = body.constant(on.graph.constants[one])
        else:
            moved[one] = body.add(inner, tuple([moved[k] for k in on.graph.operands[one]]))
    output = moved[result[0]]
    if shape:
        output = body.add(ARRAY, tuple([moved[k] for k in result]))
        body.written[output] = shape
    body.stages.append(("", output))
    return Function.of(row.name, tuple(body.variables), body, row)


# Folding


class Spelling(NamedTuple):
    """One way to write a row: as a pattern, along an axis, for operands of a rank; 0 for any.

    counts: whether its last variable is how many numbers become one.
    """

    row: Operation
    function: Function
    pattern: Graph
    axis: int | None
    rank: int
    counts: bool


def spellings(row: Operation) -> Iterator[Spelling]:
    """The ways in which a row over arrays is written."""
    structural = isinstance(row, Structural)
    names = row.operands if structural else ("x",)
    for text in parts_of(row):
        counts = re.search(r"\bn\b", text) is not None
        for axis, rank in ((None, 1), (1, 2)) if structural else ((None, 0), (0, 0), (1, 2)):
            pattern = function(row, filled(text, axis), (*names, "n") if counts else names).body
            made = Function.of(row.name, names, pattern, row)
            yield Spelling(row, made, pattern, None if structural else axis, rank, counts)


@dataclass(slots=True)
class ArraySearch(Search):
    """A search over a graph of arrays, whose shapes are known."""

    found: Shapes = field(default_factory=lambda: Shapes([], {}, {}, {}, {}))
    roots: dict[str, list[Spelling]] = field(default_factory=dict)

    def alike(self, row: Operation, wanted: Any, written: Any, operands: Sequence[int]) -> bool:
        vector = row.name in REDUCTIONS and len(self.found.of[operands[0]]) == 1
        return bool(wanted == written or (vector and {wanted, written} == {None, 0}))

    def at(self, node: int, function: Function, pattern: Graph) -> Match | None:
        match = Search.at(self, node, function, pattern)
        row = function.row
        if (
            match
            and row
            and row.name in REDUCTIONS
            and any(self.found.of[k] for k in match.operands)
        ):
            return None  # of several arrays there is no such thing
        return match

    def more(self, node: int) -> Iterable[Match]:
        """The rows of the array table, and reductions of an array, that are spelled out at a node."""
        if not self.roots:
            rows = [*dict.fromkeys(STRUCTURAL.values()), *(OPERATIONS[name] for name in REDUCTIONS)]
            for row in rows:
                for one in spellings(row) if row.name not in self.graph.functions else ():
                    root = one.pattern.operations[one.pattern.output].name
                    self.roots.setdefault(root, []).append(one)
        for spelling in self.roots.get(self.graph.operations[node].name, ()):
            match = Search.at(self, node, spelling.function, spelling.pattern)
            if match is not None and (fitted := self.fitted(node, match, spelling)) is not None:
                yield fitted

    def fitted(self, node: int, match: Match, spelling: Spelling) -> Match | None:
        """A match along its axis; None where shapes say that the row is something else."""
        row, operands, inner = spelling.row, match.operands, match.inner
        found = self.found
        if spelling.counts:
            operands, count = operands[:-1], operands[-1]
            inner = tuple(sorted({*inner, count}))
        given = [Taken("", found.of[k], found.whole.get(k)) for k in operands]
        if not given[0].shape or spelling.rank not in (0, len(given[0].shape)):
            return None
        try:
            if isinstance(row, Structural):
                shape = row.shape(given, None)
            else:
                shape = reduced(row, given[0], spelling.axis)
        except Misfit:
            return None
        if shape != found.of[node]:
            return None
        if spelling.counts:
            n = size(given[0].shape) // size(shape)
            if self.graph.constants.get(count) != n:
                return None
        return replace(match, operands=operands, inner=inner, written=spelling.axis)
