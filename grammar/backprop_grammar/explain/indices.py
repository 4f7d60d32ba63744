"""Formulas over arrays, element by element: `up @ x.T` is up[i]*x[j] at row i and column j.

What a sentence says with indices is read from the formula that is sent, so it says the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from ..arrays.elements import placeholder
from ..arrays.shapes import shapes
from ..errors import BackpropError
from ..language.graph import Graph
from ..language.parser import parse
from ..operations.shape import Shape
from ..operations.structural import INDEX, MATMUL, STRUCTURAL, TRANSPOSE, Structural
from ..operations.table import MUL, OPERATIONS
from ..symbolic.rules import Rule
from .document import Indexed

__all__ = ["Turned", "element", "letters", "multiplies", "names_in", "read", "shape_of", "turned"]

LETTERS = "ijklmnrst"
"""What indices are called, as far as no node is called so."""

DOT, OUTER = STRUCTURAL["dot"], STRUCTURAL["outer"]

Place = tuple[str, ...]
"""An index for each axis."""


class Untold(Exception):
    """A formula that has no element by element reading."""


def letters(taken: Iterable[str]) -> list[str]:
    """Names for indices, none of which is taken."""
    used = set(taken)
    free = [one for one in LETTERS if one not in used]
    return free if len(free) >= 3 else [f"{one}_" for one in LETTERS]


def read(text: str, names: Iterable[str]) -> Graph | None:
    """The graph of a formula over the nodes of those names; None of one that is no program."""
    try:
        return parse(text, internal=True).bind(names)
    except BackpropError:
        return None


def names_in(text: str, names: Iterable[str]) -> list[str]:
    """The nodes that a formula names, in the order in which it does."""
    graph = read(text, names)
    return [] if graph is None else list(graph.variables)


def found(graph: Graph, of: Mapping[str, Shape]) -> list[Shape] | None:
    """The shapes of a formula's nodes; None where they do not fit."""
    at = {name: placeholder(of[name]) for name in graph.variables if name in of}
    if len(at) < len(graph.variables):
        return None
    try:
        return shapes(graph, at, graph.needed(graph.output)).of
    except BackpropError:
        return None


def shape_of(text: str, of: Mapping[str, Shape]) -> Shape | None:
    """The shape of a formula over nodes of those shapes; None where it has none."""
    graph = read(text, of)
    all_of = found(graph, of) if graph else None
    return all_of[graph.output] if graph and all_of else None


def element(
    text: str, of: Mapping[str, Shape], place: Place, free: Sequence[str]
) -> Indexed | None:
    """The element of a formula at a place, as a formula over elements; None where it has none.

    of: the shapes of the nodes that it names. free: indices that a sum may run over.
    """
    graph = read(text, of)
    all_of = found(graph, of) if graph else None
    if graph is None or all_of is None:
        return None
    shape, rest = all_of[graph.output], [one for one in free if one not in place]
    if len(place) == 2 and len(shape) == 1:  # a vector is a row
        place = place[1:]
    if len(shape) != len(place):
        return None
    reader = Reader(graph, all_of, iter(rest))
    try:
        over, node = reader.whole(graph.output, place)
    except Untold:
        return None
    return Indexed(over, Rule(reader.tape, node))


def fitted(place: Place, shape: Shape, over: Shape) -> Place:
    """Where an operand is read, at a place of an elementwise result."""
    if not shape:
        return ()
    kept = place[len(over) - len(shape) :] if len(shape) <= len(over) else ("0", *place)
    return tuple(["0" if n == 1 else one for one, n in zip(kept, shape, strict=True)])


class Reader:
    """Writes the elements of a formula's nodes onto a tape of numbers."""

    def __init__(self, graph: Graph, shapes: list[Shape], free: Iterator[str]) -> None:
        self.graph, self.shapes, self.free = graph, shapes, free
        self.tape = Graph()

    def index(self) -> str:
        """An index that a sum runs over."""
        try:
            return next(self.free)
        except StopIteration:
            raise Untold from None

    def whole(self, node: int, place: Place) -> tuple[Place, int]:
        """A formula that may be a sum: the indices that it runs over, and what is added."""
        graph, of = self.graph, self.shapes
        while graph.operations[node] is TRANSPOSE:
            place = self.before_transpose(node, place)
            (node,) = graph.operands[node]
        row, operands = graph.operations[node], graph.operands[node]
        if row is MATMUL:
            return self.product(operands, place)
        if row is OUTER and len(place) == 2 and all(len(of[k]) == 1 for k in operands):
            return (), self.tape.add(MUL, tuple([self.at(k, (i,)) for k, i in zip(operands, place, strict=True)]))  # fmt: skip
        if row is DOT and len(of[operands[0]]) == len(of[operands[1]]) == 1:
            over = (self.index(),)
            return over, self.tape.add(
                MUL, (self.at(operands[0], over), self.at(operands[1], over))
            )
        if row.name == "sum" and len(operands) == 1:
            (x,) = operands
            axis = graph.written.get(node)
            inner = [self.index() if axis in (None, k) else place[k] for k in range(len(of[x]))]
            return tuple([one for one in inner if one not in place]), self.at(x, tuple(inner))
        return (), self.at(node, place)

    def product(self, operands: tuple[int, ...], place: Place) -> tuple[Place, int]:
        """A matrix product."""
        a, b = operands
        m, n = self.shapes[a], self.shapes[b]
        if len(m) == 1 and len(n) == 2 and n[0] == 1 != m[0]:  # a column times a row
            row, column = place
            return (), self.tape.add(MUL, (self.at(a, (row,)), self.at(b, ("0", column))))
        if m == (1,) and len(n) == 2:  # one number times a row
            return (), self.tape.add(MUL, (self.at(a, ("0",)), self.at(b, ("0", *place))))
        k = self.index()
        left, right = place[: len(m) - 1], place[len(m) - 1 :]
        factors = self.at(a, (*left, k)), self.at(b, (k, *right))
        return (k,), self.tape.add(MUL, factors)

    def before_transpose(self, node: int, place: Place) -> Place:
        """Where an element stood before it was transposed."""
        return place[::-1] if len(self.shapes[self.graph.operands[node][0]]) == 2 else place[1:]

    def at(self, node: int, place: Place) -> int:
        """An element of a node that is no sum."""
        graph = self.graph
        row, operands = graph.operations[node], graph.operands[node]
        if node in graph.constants:
            return self.tape.constant(graph.constants[node], (0, 0))
        if node in graph.names:
            inner = ",".join(place)
            return self.tape.variable(
                f"{graph.names[node]}[{inner}]" if place else graph.names[node]
            )
        if row is TRANSPOSE:
            return self.at(operands[0], self.before_transpose(node, place))
        if row is INDEX:
            return self.at(operands[0], self.before_index(node, place))
        if isinstance(row, Structural) or node in graph.written or row.name not in OPERATIONS:
            raise Untold
        if row.variadic and len(operands) == 1:
            raise Untold
        over = self.shapes[node]
        parts = [self.at(k, fitted(place, self.shapes[k], over)) for k in operands]
        return self.tape.add(row, tuple(parts))

    def before_index(self, node: int, place: Place) -> Place:
        """Where an element stood from which an index by numbers took it."""
        graph = self.graph
        x, *given = graph.operands[node]
        numbers = iter([graph.constants.get(k) for k in given])
        rest = iter(place)
        result: list[str] = []
        for how in chain(graph.written[node], ["every"] * len(self.shapes[x])):
            if len(result) == len(self.shapes[x]):
                break
            start = 0.0 if how in ("every", "until") else next(numbers)
            if how in ("until", "between"):
                next(numbers)
            if not isinstance(start, float):
                raise Untold
            result.append(f"{start:g}" if how == "only" else moved(next(rest), int(start)))
        return tuple(result)


def moved(index: str, by: int) -> str:
    """An index that begins later."""
    return f"{index}+{by}" if by else index


class Turned(NamedTuple):
    """A transpose within a product: what is turned, and whether the sum runs over its rows.

    outer: nothing is added, every number of one meets every number of the other.
    """

    name: str
    rows: bool
    outer: bool


def turned(text: str, of: Mapping[str, Shape]) -> list[Turned]:
    """The transposes of the factors of the matrix product that a formula is."""
    graph = read(text, of)
    all_of = found(graph, of) if graph else None
    if graph is None or all_of is None:
        return []
    node = graph.output
    while graph.operations[node] is TRANSPOSE:
        (node,) = graph.operands[node]
    if graph.operations[node] is not MATMUL:
        return []
    result = []
    for place, factor in enumerate(graph.operands[node]):
        if graph.operations[factor] is TRANSPOSE:
            (x,) = graph.operands[factor]
            if x in graph.names:
                result.append(Turned(graph.names[x], not place, len(all_of[x]) == 1))
    return result


def multiplies(text: str, of: Mapping[str, Shape]) -> bool:
    """Whether there is a matrix product in a formula."""
    graph = read(text, of)
    return graph is not None and MATMUL in graph.operations
