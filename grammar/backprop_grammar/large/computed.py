"""A program over arrays at a point, array by array: values, gradients, what each edge sends.

Every number has its bound. What is not certain of it is told element by element; nothing is guessed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..arrays.lower import element
from ..arrays.shapes import Shapes
from ..arrays.vjp import OUT
from ..batch.double_double import Triple, choose, exact, reach
from ..blocks.names import Names
from ..errors import BackpropError
from ..language.graph import Array, Block, Graph
from ..language.table_texts import texts
from ..numbers.decimal import short_number
from ..operations.row import Operation
from ..operations.shape import Taken, size
from ..operations.structural import MAXPOOL, Structural
from ..operations.table import CONSTANT, IF, VARIABLE
from ..passes.run import first_places, written
from .decisions import Decision, Shared
from .doubles import Beyond, Doubles, doubtful
from .kernel import Column, V
from .residues import Residue, Residues
from .walk import Backward, Forward, Numbers, backward, forward, reaching

__all__ = ["MOST_NUMBERS", "MOST_PRODUCTS", "Computed", "Met", "check_size", "computed"]

MOST_PRODUCTS = 100_000_000
"""Products of two numbers that a program may mean."""

MOST_NUMBERS = 4_000_000
"""Numbers that its nodes may hold."""


class Met(NamedTuple):
    """Elements at which a derivative is a choice, or none.

    kind: kink, jump, tie, boundary or branch cut, as in trace.record.Note. here: which elements of
    the node's value.
    """

    kind: str
    node: int
    here: Column


@dataclass(slots=True, eq=False, repr=False)
class Computed:
    """What is known of a program at a point.

    An array of numbers is a triple of NumPy's arrays: first parts, second parts and bounds on the
    error of their sum, the last two 0.0 where they are 0 throughout (see batch.double_double). The
    first part is the float nearest to the number wherever this is certain, of which ``certain``
    tells. It is infinite or nan where a number has no value or none is known.

    values: of the nodes that are evaluated. absent: of nodes in branches, the elements that are not
    evaluated. gradients: of the nodes that are reached. sent: what a node, or a block that is shown
    as one, sends to an operand, by (node, place), in the operand's shape; of a block, place is the
    first at which the operand is given. unsummed: the same in the shape of the node, where that is
    another and the node is an operation on numbers. local: local gradients of operations on numbers,
    in a shape that is stretched to that of the node, and of reductions, to that of the operand.
    met: kinks and the like, in the order of the nodes.
    """

    names: Names
    found: Shapes
    forward: Forward[Triple]
    backward: Backward[Triple]
    kernel: Doubles
    sent: dict[tuple[int, int], Triple]
    met: list[Met] = field(default_factory=list)

    @property
    def values(self) -> dict[int, Triple]:
        """The values of the nodes that are evaluated."""
        return {node: x for node, x in enumerate(self.forward.values) if x is not None}

    @property
    def gradients(self) -> dict[int, Triple]:
        """The gradients of the nodes that are reached."""
        return self.backward.gradients

    @property
    def unsummed(self) -> dict[tuple[int, int], Triple]:
        """What edges send before it is summed over what was stretched."""
        return self.backward.unsummed

    @property
    def local(self) -> dict[tuple[int, int], Triple]:
        """The local gradients of operations on numbers and of reductions."""
        return self.backward.local

    def absent(self, node: int) -> Column | None:
        """The elements of a node in a branch that are not evaluated; None where all are."""
        mask = self.forward.where.get(node)
        if mask is None:
            return None
        return np.broadcast_to(~mask.holds, self.found.of[node])

    def certain(self, x: Triple) -> Column:
        """Which elements of an array of numbers are right to 2^-44 of their size."""
        return ~doubtful(x)

    def undecided(self, node: int) -> Column:
        """Which elements of the value of a node are not certain, of those that are evaluated."""
        x = self.forward.values[node]
        assert x is not None
        unsure, absent = doubtful(x), self.absent(node)
        return unsure if absent is None else unsure & ~absent

    def block_local(self, result: int, place: int) -> Triple:
        """The local gradient of a block that goes element by element, in the shape of its result."""
        graph, kernel = self.names.graph, self.kernel
        block = graph.blocks[result]
        shape = self.found.of[result]
        inner = range(block.first, result + 1)
        given = {}
        for operand in block.operands:
            x = self.forward.values[operand]
            if x is not None:
                given[operand] = kernel.stretched(x, shape)
        needed = [node in inner or node in given for node in range(result + 1)]
        needed += [False] * (len(graph) - len(needed))
        with np.errstate(all="ignore"):
            again = forward(graph, kernel, given, needed)
            wanted = within(graph, block, inner, place, result)
            seeds = {result: kernel.given(np.ones(shape))}
            back = backward(again, seeds, wanted)
        found = back.gradients.get(block.operands[place])
        return kernel.zeros(shape) if found is None else kernel.stretched(found, shape)


def within(graph: Graph, block: Block, inner: range, place: int, result: int) -> set[int]:
    """The nodes of a block that are computed from one of its operands, and that."""
    reached = {block.operands[place]}
    for node in inner:
        if not reached.isdisjoint(graph.operands[node]):
            reached.add(node)
    return reached | {result}


def computed(
    names: Names,
    found: Shapes,
    at: Mapping[str, float | Array],
    needed: Sequence[bool],
    arrives: Mapping[int, float | Array],
    sources: Collection[int],
) -> Computed:
    """Compute a program over arrays, forward and backward.

    names: of the program, grouped as it is shown. found, needed: see arrays.lower.shapes_at.
    arrives: the gradients at the outputs, one or more, each a number or of its output's shape.
    sources: the nodes that are differentiated by.

    Raises BackpropError as trace.evaluate does where an operation leaves its domain; and where the
    program means more work than is done, before it is.
    """
    graph = names.graph
    check_size(graph, found, needed)
    walked = Walked(names, found, at, needed, arrives, sources)
    with np.errstate(all="ignore"):
        known: Sequence[Decision] = ()
        formal = None
        for _ in range(ROUNDS):
            kernel = Doubles(known)
            ahead, back = walked.over(kernel)
            if not open_(ahead, back, kernel):
                break
            formal, other = walked.over(Residues(kernel.decisions))
            cancel(ahead, back, formal, other)
            if not any(proves(one) for one in kernel.decisions):
                break
            known = kernel.decisions
        sent = back.sent | of_blocks(names, back, kernel)
        met = list(choices(found, ahead, back, kernel, sources, formal))
    return Computed(names, found, ahead, back, kernel, sent, met)


ROUNDS = 3
"""How often a program is computed at most, each time with what is known to be equal."""


class Walked(NamedTuple):
    """What is walked over, whatever the numbers; see ``computed``."""

    names: Names
    found: Shapes
    at: Mapping[str, float | Array]
    needed: Sequence[bool]
    arrives: Mapping[int, float | Array]
    sources: Collection[int]

    def over(self, kernel: Numbers[V]) -> tuple[Forward[V], Backward[V]]:
        """Forward and backward, over a kind of numbers. Raises BackpropError where one has no value."""
        graph, found = self.names.graph, self.found
        given = {
            node: kernel.given(self.at[name])
            for name, node in graph.variables.items()
            if self.needed[node] and name in self.at
        }
        for node, numbers in found.made.items():
            given[node] = kernel.given(Array(found.of[node], numbers))
        try:
            ahead = forward(graph, kernel, given, self.needed, found.of)
        except Beyond as cause:
            raise refused(self.names, found, cause) from None
        seeds = {
            node: kernel.stretched(kernel.given(up), found.of[node])
            for node, up in self.arrives.items()
        }
        return ahead, backward(ahead, seeds, reaching(graph, self.sources))


def choices(
    found: Shapes,
    ahead: Forward[Triple],
    back: Backward[Triple],
    kernel: Doubles,
    sources: Collection[int],
    formal: Forward[Residue] | None,
) -> Iterator[Met]:
    """Where derivatives are a choice, of all through which a gradient passes.

    formal: what is known of the values as formulas.
    """
    graph = ahead.graph
    reached = reaching(graph, sources)
    for node, row in enumerate(graph.operations):
        operands = graph.operands[node]
        if row.leaf or node not in back.gradients or reached.isdisjoint(operands):
            continue
        for kind, here in chosen_at(found, ahead, kernel, node, row, reached, formal):
            mask = ahead.where.get(node)
            here = here if mask is None else here & mask.holds
            if np.any(here):
                yield Met(kind, node, np.broadcast_to(here, found.of[node]))


def chosen_at(
    found: Shapes,
    ahead: Forward[Triple],
    kernel: Doubles,
    node: int,
    row: Operation,
    reached: Collection[int],
    formal: Forward[Residue] | None,
) -> Iterator[tuple[str, Any]]:
    """Of what kind the choices at a node are, and in which elements."""
    graph = ahead.graph
    out = ahead.values[node]
    if out is None:
        return
    if row is IF:
        left, right = graph.operands[node][:2]
        if left in reached or right in reached:
            yield "boundary", ahead.masks[graph.condition_of[node]].equal
        return
    given = [x for k in graph.operands[node] if (x := ahead.values[k]) is not None]
    if row.kinks:
        here, near, told = kernel.at_kinks(row, given, out)
        if formal is not None and np.any(near & ~here):
            here = here | (near & vanish(formal, node, row, told))
        yield "jump" if row.jump else "kink", here
    if row.cut:
        yield "branch cut", kernel.at_kinks(row, given, out, cut=True)[0]
    for one in kernel.decisions if row.selects or row is MAXPOOL else ():
        if isinstance(one, Shared) and one.node == node:
            yield "tie", np.reshape(one.sure & (one.count > 1), found.of[node])
            return


def vanish(formal: Forward[Residue], node: int, row: Operation, told: Sequence[Decision]) -> Any:
    """Where a kink of an operation is met as a formula. told: what was decided to look at it."""
    out, kernel = formal.values[node], Residues(told)
    operands = [x for k in formal.graph.operands[node] if (x := formal.values[k]) is not None]
    if out is None:
        return False
    names = dict(zip(row.operands, operands, strict=False)) | {OUT: out}
    met = [kernel.text(text, names).number == 0 for text in texts(row).kinks]
    return np.any(np.broadcast_arrays(*met), axis=0)


def tables(ahead: Forward[V], back: Backward[V]) -> Iterator[tuple[Any, Any]]:
    """All that numbers are kept in, with their keys."""
    for node, x in enumerate(ahead.values):
        if x is not None:
            yield ahead.values, node
    for table in (back.gradients, back.sent, back.unsummed, back.local):
        for key in table:
            yield table, key


def vanishing(x: Triple) -> Any:
    """Which elements cannot be told from 0, and are not exactly that."""
    return doubtful(x) & (np.abs(x[0]) <= reach(x))


def open_(ahead: Forward[Triple], back: Backward[Triple], kernel: Doubles) -> bool:
    """Whether anything may be 0 that is not known to be, or a choice is in doubt."""
    return any(np.any(one.doubtful) for one in kernel.decisions) or any(
        np.any(vanishing(table[key])) for table, key in tables(ahead, back)
    )


def cancel(
    ahead: Forward[Triple],
    back: Backward[Triple],
    formal: Forward[Residue],
    sent: Backward[Residue],
) -> None:
    """Make 0 what cannot be told from it, and is 0 as a formula."""
    for (table, key), (residues, _) in zip(tables(ahead, back), tables(formal, sent), strict=True):
        x = table[key]
        here = vanishing(x)
        if np.any(here):
            here = here & (residues[key].number == 0)
            if np.any(here):
                table[key] = choose(here, exact(np.float64(0.0)), x)


def proves(one: Decision) -> bool:
    """Whether something that was in doubt is known by now."""
    return bool(np.any(one.doubtful & one.proved))


def of_blocks(
    names: Names, back: Backward[Triple], kernel: Doubles
) -> dict[tuple[int, int], Triple]:
    """What the blocks send that are shown as one node: what their parts send out of them."""
    graph = names.graph
    found: dict[tuple[int, int], Triple] = {}
    for result, block in names.blocks.items():
        places = first_places(block)
        for node in range(block.first, result + 1):
            for place, operand in enumerate(graph.operands[node]):
                part = back.sent.get((node, place))
                if operand in places and part is not None:
                    key = result, places[operand]
                    found[key] = kernel.add(found[key], part) if key in found else part
    return found


# what is refused


def check_size(graph: Graph, found: Shapes, needed: Sequence[bool]) -> None:
    """Raise BackpropError where a program means more than is computed, before the work."""
    products = numbers = 0
    for node, row in enumerate(graph.operations):
        if not needed[node]:
            continue
        numbers += size(found.of[node])
        if isinstance(row, Structural) and row.work:
            given = [Taken("", found.of[k], found.whole.get(k)) for k in graph.operands[node]]
            products += row.work(given, found.of[node])
    for count, most, what in (
        (products, MOST_PRODUCTS, "products of numbers"),
        (numbers, MOST_NUMBERS, "numbers"),
    ):
        if count > most:
            raise BackpropError(
                "limit", f"the program means some {count:,} {what}, more than {most:,}",
                hint="make the arrays smaller: fewer rows show the same", source=graph.source,
            )  # fmt: skip


def refused(names: Names, found: Shapes, cause: Beyond) -> BackpropError:
    """The error for elements beyond the domain of an operation: the first, and how many there are."""
    graph, node = names.graph, cause.node
    operands = graph.operands[node]
    shape = np.shape(cause.here)
    first = int(np.flatnonzero(cause.here)[0])
    about = range(len(operands)) if cause.place is None else (cause.place,)
    labels = []
    for place in dict.fromkeys(operands[k] for k in about):
        if graph.operations[place] is CONSTANT:
            continue
        own = found.of[place]
        where = np.broadcast_to(np.arange(size(own)).reshape(own), shape).flat[first]
        value = short_number(
            np.broadcast_to(cause.operands[operands.index(place)], shape).flat[first]
        )
        name = element(names.of.get(place, ""), tuple(map(int, np.unravel_index(where, own))))
        text = "" if graph.operations[place] is VARIABLE else written(graph, place)
        labels.append(" = ".join(part for part in (name, text, value) if part))
    count = int(np.count_nonzero(cause.here))
    more = (
        f" (and {count - 1} more of {size(found.of[node])})" if cause.counted and count > 1 else ""
    )
    return BackpropError(
        "domain", cause.message, graph.spans[node], label=", ".join(labels) + more, hint=cause.hint,
        source=graph.source,
    )  # fmt: skip
