"""Finding a block's definition in a graph: `1/(1 + exp(-z))` is a sigmoid.

A definition is a small graph whose variables stand for any node. Nodes are looked at in the order
of the tape, so what a larger pattern is made of has been found before.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..language.graph import Function, Graph
from ..language.precedence import comparison_of
from ..operations.row import Operation
from ..operations.table import ADD
from .definitions import defined, definition, mirrored, spellings

__all__ = ["WIDEST", "Match", "Search", "matches"]

MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}

LARGEST = 60
"""Nodes of the largest function of a program that is looked for."""

WIDEST = 64
"""Operands of the largest sum, mean or logsumexp that is looked for."""


@dataclass(frozen=True, slots=True)
class Match:
    """A block that a graph spells out: the nodes that are its operands, its parts, what it computes.

    inner: the nodes that it is made of, the result among them, in ascending order. mirrored: it
    is the block at minus its operand. written: what is written at it beside its operands.
    """

    operands: tuple[int, ...]
    inner: tuple[int, ...]
    function: Function
    mirrored: bool = False
    written: Any = None

    @property
    def name(self) -> str:
        """Of its function; an empty text for a stage."""
        return self.function.name


Bound = dict[int, int]
"""Which node each variable of a pattern stands for."""


@dataclass(slots=True)
class Search:
    """A search under way: the graph, which of its nodes are closed, and its matches so far."""

    graph: Graph
    closed: Sequence[bool] = ()
    matches: dict[int, list[Match]] = field(default_factory=dict)

    def more(self, node: int) -> Iterable[Match]:
        """What else a node may be, beside rows of the table of numbers and functions."""
        return ()

    def alike(self, row: Operation, wanted: Any, written: Any, operands: Sequence[int]) -> bool:
        """Whether what is written beside the operands of a row is what a pattern wants."""
        return bool(wanted == written)

    def fits(self, pattern: Graph, p: int, node: int, bound: Bound) -> Iterator[Bound]:
        """The ways in which node p of a pattern can stand for a node. Patterns are small."""
        graph = self.graph
        operation = pattern.operations[p]
        if p in pattern.constants:
            if graph.constants.get(node) == pattern.constants[p]:
                yield bound
            return
        if operation.leaf:
            known = bound.get(p)
            if known is None:
                yield bound | {p: node}
            elif known == node or (
                node in graph.constants and graph.constants[node] == graph.constants.get(known)
            ):
                yield bound
            return
        wanted = pattern.written.get(p)
        for match in self.matches.get(node, ()):
            if (
                match.function.row is operation
                and not match.mirrored
                and self.alike(operation, wanted, match.written, match.operands)
            ):
                yield from self.all_fit(pattern, pattern.operands[p], match.operands, bound)
        if graph.operations[node] is not operation or self.closed[node]:
            return
        operands = graph.operands[node]
        if not self.alike(operation, wanted, graph.written.get(node), operands):
            return
        if node in graph.condition_of:
            yield from self.if_fits(pattern, p, node, bound)
            return
        if len(operands) != len(pattern.operands[p]):
            return
        yield from self.all_fit(pattern, pattern.operands[p], operands, bound)
        if len(operands) == 2 and operation.commutative:
            yield from self.all_fit(pattern, pattern.operands[p], operands[::-1], bound)

    def if_fits(self, pattern: Graph, p: int, node: int, bound: Bound) -> Iterator[Bound]:
        """The same for an `if`, whose comparison may stand the other way round."""
        left, right, *sides = self.graph.operands[node]
        comparison, wanted = comparison_of(self.graph, node), comparison_of(pattern, p)
        if comparison == wanted:
            yield from self.all_fit(pattern, pattern.operands[p], (left, right, *sides), bound)
        if MIRRORED[comparison] == wanted:
            yield from self.all_fit(pattern, pattern.operands[p], (right, left, *sides), bound)

    def all_fit(
        self, pattern: Graph, ps: tuple[int, ...], nodes: tuple[int, ...], bound: Bound
    ) -> Iterator[Bound]:
        if not ps:
            yield bound
            return
        for one in self.fits(pattern, ps[0], nodes[0], bound):
            yield from self.all_fit(pattern, ps[1:], nodes[1:], one)

    def parts(self, node: int, operands: Iterable[int]) -> tuple[int, ...]:
        """The nodes between the operands and a result, the result among them."""
        outside = set(operands)
        inner: set[int] = set()
        pending = [node]
        while pending:
            here = pending.pop()
            if here in inner or here in outside:
                continue
            inner.add(here)
            pending += self.graph.operands[here]
        return tuple(sorted(inner))

    def at(self, node: int, function: Function, pattern: Graph) -> Match | None:
        """The match of a pattern whose result is that node, or None."""
        for bound in self.fits(pattern, pattern.output, node, {}):
            if len(bound) == len(pattern.variables):
                operands = tuple(bound[k] for k in pattern.variables.values())
                inner = self.parts(node, operands)
                return Match(operands, inner, function)
        return None


def terms(graph: Graph, node: int) -> int:
    """How many operands the sums below a node have together, along first operands."""
    count = 1
    while graph.operations[node] is ADD and count < WIDEST:
        count += 1
        node = graph.operands[node][0]
    return count


def counts(operation: Operation, graph: Graph, node: int) -> Iterable[int]:
    """For how many operands a row may be spelled out at a node."""
    if not operation.variadic:
        return (len(operation.operands),)
    sums = node if graph.operations[node] is ADD else graph.operands[node][0]
    return range(terms(graph, sums), 1, -1)


class Bodies:
    """Functions of a program by what their bodies need, so that a node asks only those that may fit.

    Of functions with the same body there is only the first. The others are found by the operation
    of the result and by a constant near it, the one that fewest of them have.
    """

    def __init__(self, functions: Iterable[Function]) -> None:
        bodies: dict[tuple[object, ...], tuple[Function, Graph, set[float | str]]] = {}
        for function in functions:
            if function.size > LARGEST:
                continue
            body = inlined(function)
            operation = body.operations[body.output]
            if not operation.leaf and len(depends(body)) == len(body.variables):
                near = constants_near(body, body.output, through_blocks=False)
                bodies.setdefault(contents(body), (function, body, near))
        often = Counter(constant for _, _, near in bodies.values() for constant in near)
        self.found: dict[tuple[str, float | str | None], list[tuple[int, Function, Graph]]] = {}
        for place, (function, body, near) in enumerate(bodies.values()):
            rarest = min(near, key=lambda constant: (often[constant], str(constant)), default=None)
            key = body.operations[body.output].name, rarest
            self.found.setdefault(key, []).append((place, function, body))

    def at(self, graph: Graph, node: int) -> list[tuple[int, Function, Graph]]:
        """The functions that may be spelled out at a node, in the order of the program."""
        if not self.found:
            return []
        operation = graph.operations[node].name
        near = [None, *constants_near(graph, node)]
        return sorted(
            (one for constant in near for one in self.found.get((operation, constant), ())),
            key=lambda one: one[0],
        )


def contents(body: Graph) -> tuple[object, ...]:
    """What a body computes: equal bodies have equal contents."""
    comparisons = [comparison_of(body, node) for node in body.condition_of]
    return (
        tuple(body.operations), tuple(body.operands), tuple(body.constants.items()),
        tuple(body.variables.values()), tuple(body.written.items()), tuple(comparisons),
    )  # fmt: skip


def constants_near(graph: Graph, node: int, through_blocks: bool = True) -> set[float | str]:
    """The constants that a node is computed from, and those that its operands are computed from.

    through_blocks: also of operands that might be spelled out in other ways.
    """
    found: set[float | str] = set()
    for operand in graph.operands[node]:
        if operand in graph.constants:
            found.add(graph.constants[operand])
        elif through_blocks or not graph.operations[operand].formula:
            below = graph.operands[operand]
            found.update(graph.constants[k] for k in below if k in graph.constants)
    return found


def matches(
    search: Search, closed: list[bool], functions: Iterable[Function]
) -> dict[int, list[Match]]:
    """Every block of the table, and every one of some functions, that is spelled out.

    search: not yet under way. closed: nodes that belong to closed blocks, where nothing is looked
    for.
    """
    graph, search.closed = search.graph, closed
    own = Bodies(functions)
    roots: dict[str, list[Operation]] = {}
    for row in defined():
        if row.name in graph.functions:  # the program's own function of that name
            continue
        for pattern in spellings(row, 2 if row.variadic else len(row.operands)):
            root = pattern.operations[pattern.output]
            if root is not None and row not in roots.setdefault(root.name, []):
                roots[root.name].append(row)
    for node, operation in enumerate(graph.operations):
        if operation.leaf or closed[node]:
            continue
        candidates = [search.at(node, function, body) for _, function, body in own.at(graph, node)]
        candidates += [spelled(search, row, node) for row in roots.get(operation.name, ())]
        candidates += search.more(node)
        here = [match for match in candidates if match is not None]
        if here:
            search.matches[node] = here
    return search.matches


def spelled(search: Search, row: Operation, node: int) -> Match | None:
    """A row that is spelled out at a node, with as many operands as possible."""
    for count in counts(row, search.graph, node):
        for pattern in spellings(row, count):
            function = definition(row, count)
            assert function is not None
            match = search.at(node, function, pattern)
            if match is not None:
                return match
    function = mirrored(row)
    match = search.at(node, function, function.body) if function else None
    return replace(match, mirrored=True) if match else None


def inlined(function: Function) -> Graph:
    """The body of a function with the calls in it written out."""
    tape = Graph()
    operands = tuple([tape.variable(name) for name in function.parameters])
    tape.stages.append(("", tape.inline(function, operands, (0, 0), 0)))
    return tape


def depends(body: Graph) -> set[int]:
    """The variables that a body's output is computed from."""
    needed = body.needed(body.output)
    return {node for node in body.variables.values() if needed[node]}
