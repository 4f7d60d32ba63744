"""A program over arrays at a point, array by array: values, gradients, what each edge sends.

Every number has its bound. What is not certain of it is told element by element; nothing is guessed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..arrays.lower import element
from ..arrays.shapes import Shapes
from ..batch.double_double import Triple
from ..blocks.names import Names
from ..errors import BackpropError
from ..language.graph import Array, Block, Graph
from ..numbers.decimal import short_number
from ..operations.shape import Taken, size
from ..operations.structural import Structural
from ..operations.table import CONSTANT, VARIABLE
from ..passes.run import first_places, written
from .doubles import Beyond, Doubles, doubtful
from .kernel import Column
from .walk import Backward, Forward, backward, forward, reaching

__all__ = ["MOST_NUMBERS", "MOST_PRODUCTS", "Computed", "Met", "check_size", "computed"]

MOST_PRODUCTS = 100_000_000
"""Products of two numbers that a program may mean."""

MOST_NUMBERS = 10_000_000
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
    kernel = Doubles()
    with np.errstate(all="ignore"):
        given = {
            node: kernel.given(at[name])
            for name, node in graph.variables.items()
            if needed[node] and name in at
        }
        for node, numbers in found.made.items():
            given[node] = kernel.given(Array(found.of[node], numbers))
        try:
            ahead = forward(graph, kernel, given, needed, found.of)
        except Beyond as cause:
            raise refused(names, found, cause) from None
        seeds = {
            node: kernel.stretched(kernel.given(up), found.of[node]) for node, up in arrives.items()
        }
        back = backward(ahead, seeds, reaching(graph, sources))
        sent = back.sent | of_blocks(names, back, kernel)
    return Computed(names, found, ahead, back, kernel, sent)


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
