"""Gradients as formulas: the backward pass over symbols.

Upstream times local appends a node, and a node that is there already is used again; so the
derivative is a graph, which can be differentiated again.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache, partial, reduce
from heapq import heapify, heappop, heappush
from itertools import combinations_with_replacement

from ..blocks.definitions import over, parameters
from ..errors import BackpropError
from ..language.graph import Graph
from ..language.table_texts import compiled, texts
from ..operations.row import Operation
from ..operations.table import ADD, DIV, IF, MUL
from ..passes.backward import backward
from .simplify import SPINE, Symbols

__all__ = ["LONGEST", "gradient", "partials", "plus", "symbols_of", "times", "too_long"]

LONGEST = 2_000_000
"""Characters of the longest program of derivatives."""

CHOICE = len("if(a < b, c, 0)")
"""Characters of the shortest choice between something and nothing."""


def times(s: Symbols, upstream: int, slope: int, whole: Collection[int] = ()) -> int:
    """Upstream x local; a choice between something and nothing is made last.

    So a local gradient that exists in one branch only is only evaluated there. The choice of the
    local gradient stands around that of the upstream gradient, which stays one node: what is shared
    is written once. whole: choices that are not opened to multiply their branches, unless a branch
    decides whether the local gradient exists.
    """
    if s.number(slope) == 1:
        return upstream
    if s.number(upstream) == 1:
        return slope
    if slope in s.nothing:
        return opened(s, slope, lambda leaf: s.apply(MUL, (upstream, leaf)))
    if upstream in s.nothing:
        kept = whole if s.total(slope) else ()
        return opened(s, upstream, lambda leaf: s.apply(MUL, (leaf, slope)), kept)
    return s.apply(MUL, (upstream, slope))


def opened(
    s: Symbols, choice: int, product: Callable[[int], int], whole: Collection[int] = ()
) -> int:
    """A choice of which some branch is 0, with every other branch multiplied; the outermost SPINE
    choices of it, so that the cost does not grow with what they hold.
    """
    room = SPINE

    def branch(node: int) -> int:
        nonlocal room
        if s.number(node) == 0:
            return node
        if node not in s.nothing or node in whole or not room:
            return product(node)
        room -= 1
        then, otherwise = s.tape.operands[node][2:]
        return s.choose(*s.test(node), branch(then), branch(otherwise))

    room -= 1
    then, otherwise = s.tape.operands[choice][2:]
    return s.choose(*s.test(choice), branch(then), branch(otherwise))


def plus(s: Symbols, a: int, b: int, depth: int = SPINE) -> int:
    """The sum of two contributions; two choices by one condition are one choice."""
    if depth and s.is_if(a) and s.is_if(b) and s.test(a) == s.test(b):
        (_, _, x, y), (_, _, u, v) = s.tape.operands[a], s.tape.operands[b]
        return s.choose(*s.test(a), plus(s, x, u, depth - 1), plus(s, y, v, depth - 1))
    return s.apply(ADD, (a, b))


class Branches:
    """The branches of an `if` in which contributions exist, as a tree; 0 is everywhere.

    A contribution that comes out of a branch stays in it until it meets one from elsewhere. So what
    is in a branch is added up there, and a choice is written once around the sum.
    """

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.sides = [(0, 0, 0, 0)]  # the branch around, its depth, the `if`, and which side of it
        self.numbers: dict[tuple[int, int, int], int] = {}

    def enter(self, around: int, choice: int, side: int) -> int:
        """One side of an `if` within a branch."""
        key = around, choice, side
        if key not in self.numbers:
            self.numbers[key] = len(self.sides)
            self.sides.append((around, self.sides[around][1] + 1, choice, side))
        return self.numbers[key]

    def total(self, parts: Sequence[tuple[int, int]], within: int | None = None) -> tuple[int, int]:
        """The sum of contributions, each in a branch, in the innermost branch that holds them all;
        or in the branch ``within``.
        """
        s = self.symbols
        sums: dict[int, int] = {}
        for branch, node in parts if within is None else (*parts, (within, s.constant(0.0))):
            sums[branch] = plus(s, sums[branch], node) if branch in sums else node
        deepest = [(-self.sides[branch][1], branch) for branch in sums]
        heapify(deepest)
        while len(sums) > 1:
            _, branch = heappop(deepest)
            if branch not in sums:  # the other side of one before
                continue
            around, depth, choice, side = self.sides[branch]
            other = self.numbers.get((around, choice, 1 - side), -1)
            both = [s.constant(0.0)] * 2
            both[side], both[1 - side] = sums.pop(branch), sums.pop(other, both[1 - side])
            node = s.choose(*s.test(choice), *both)
            if around in sums:
                sums[around] = plus(s, sums[around], node)
            else:
                sums[around] = node
                heappush(deepest, (1 - depth, around))
        (result,) = sums.items()
        return result


def local(s: Symbols, node: int, k: int) -> int:
    """The local gradient of an operation that neither selects nor chooses, as a node; k: the
    operand.
    """
    operation, operands = s.tape.operations[node], s.tape.operands[node]
    names = parameters(operation, len(operands))
    leaves = dict(zip(names, operands, strict=True)) | {"out": node}
    if operation.variadic:
        leaves |= {"x": operands[k], "n": s.constant(float(len(operands)))}
    graph = rule(operation, len(operands), 0 if operation.variadic else k, s.floats)
    still = [i for i, name in graph.names.items() if name[0] == "_"]
    if node in s.rules:  # what all operands have in common is there
        moved = s.rules[node]
        s.fill(moved, of_one_operand(graph), graph, leaves, still)
    else:
        moved = s.copy(graph, leaves, apart=still)
    if operation.variadic:
        s.rules[node] = moved
    s.still.update(moved[i] for i in still)
    return moved[graph.output]


@cache
def rule(operation: Operation, count: int, k: int, floats: bool) -> Graph:
    """The text of a local gradient: as a learner reads it, or as it is computed in floats."""
    if not floats:
        return texts(operation).shown[k]
    text = (operation.twice or operation.careful or operation.rules)[k]
    return compiled(over(text, parameters(operation, count)))


@cache
def of_one_operand(graph: Graph) -> list[int]:
    """The nodes of a variadic row's rule that are of the operand that the gradient is sent to."""
    depends = [False] * len(graph)
    for node, operands in enumerate(graph.operands):
        own = node == graph.variables.get("x")
        depends[node] = own or any(depends[k] for k in operands)
    return [node for node, here in enumerate(depends) if here]


def share(s: Symbols, node: int, k: int, part: int, once: bool) -> int:
    """What operand k of a max or min gets: all, nothing, or its part of a tie.

    It is held against the largest of the others, so that what is selected never stands on the
    boundary of a condition; against the result only where it would be written out too often. once:
    in such a way that what is multiplied by it is written once.
    """
    operation, operands = s.tape.operations[node], s.tape.operands[node]
    larger, smaller = (">", "<") if operation.selects > 0 else ("<", ">")
    one, zero = s.constant(1.0), s.constant(0.0)
    mine = operands[k]
    if len(operands) > SPINE:
        return s.choose("==", mine, node, part, zero)
    others = (*operands[:k], *operands[k + 1 :])
    other = others[0] if len(others) == 1 else s.plain(operation, others)
    if once:
        return s.choose(smaller, mine, other, zero, s.choose("==", mine, other, part, one))
    return s.choose(larger, mine, other, one, s.choose("==", mine, other, part, zero))


def tie(s: Symbols, node: int) -> int:
    """What each operand of a max or min gets that is equal to the result: one over their number."""
    one, zero = s.constant(1.0), s.constant(0.0)
    if len(s.tape.operands[node]) == 2:
        return s.plain(DIV, (one, s.constant(2.0)))  # as people write it
    equal = [s.choose("==", operand, node, one, zero) for operand in s.tape.operands[node]]
    total = reduce(partial(plus, s), equal)
    s.nonzero.add(total)
    return s.apply(DIV, (one, total))


def symbols_of(
    graph: Graph, output: int, apart: Collection[int] = (), floats: bool = False
) -> tuple[Symbols, list[int]]:
    """A program on a tape of symbols, some nodes apart; where each of its nodes went.

    What the output is always computed from exists wherever it has a value, and what a domain keeps
    off 0 is not 0 there. floats: it is computed in floats, as it was typed.
    """
    symbols = Symbols(floats=floats)
    moved = symbols.copy(graph, {}, apart, verbatim=floats)
    needed = graph.needed(output)
    for node, operation in enumerate(graph.operations):
        if not needed[node] or graph.regions[node]:
            continue
        symbols.exist.add(moved[node])
        for bound in operation.domain:
            if bound.excludes_zero:
                place = operation.operands.index(bound.operand)
                symbols.nonzero.add(moved[graph.operands[node][place]])
    return symbols, moved


def gradient(symbols: Symbols, output: int, sources: Sequence[int]) -> list[int]:
    """The gradient of a node by others, as nodes of the same tape; a constant 0 where none."""
    depends = [False] * (output + 1)
    for node in sources:
        if node <= output:
            depends[node] = True
    for node in range(output + 1):
        depends[node] = node not in symbols.still and (
            depends[node] or any(depends[k] for k in symbols.tape.operands[node])
        )
    branches = Branches(symbols)
    upstreams: set[int] = set()  # each is handed to several operands, and written once
    tied = cache(partial(tie, symbols))
    zero = symbols.constant(0.0)

    def slope(node: int, place: int, upstream: int) -> int:
        if not symbols.tape.operations[node].selects:
            return local(symbols, node, place)
        return share(symbols, node, place, tied(node), once=not symbols.total(upstream))

    def vjp(node: int, place: int, upstream: tuple[int, int]) -> tuple[int, int] | None:
        if not depends[symbols.tape.operands[node][place]]:
            return None
        branch, arriving = upstream
        if symbols.tape.operations[node] is IF:
            return None if place < 2 else (branches.enter(branch, node, place - 2), arriving)
        upstreams.add(arriving)
        return branch, times(symbols, arriving, slope(node, place, arriving), upstreams)

    seeds = {output: (0, symbols.constant(1.0))}
    found = backward(symbols.tape.operands, seeds, vjp, branches.total)
    choices = sum(branches.sides[found[node][0]][1] for node in sources if node in found)
    if choices * CHOICE > LONGEST:  # each is written around one derivative
        raise too_long()
    return [branches.total([found.get(node, (0, zero))], within=0)[1] for node in sources]


def too_long(which: str = "") -> BackpropError:
    """The error for derivatives that nobody reads."""
    what = f"the derivatives, {which}," if which else "the derivatives"
    return BackpropError(
        "limit",
        f"{what} are longer than {LONGEST:,} characters",
        hint="name shared parts as stages, or ask for fewer of them",
    )


def partials(
    symbols: Symbols, output: int, sources: Sequence[int], order: int
) -> dict[tuple[int, ...], int]:
    """All partial derivatives of that order: places among the sources, ascending -> node.

    The order in which they are taken makes no difference (Schwarz).
    """
    found: dict[tuple[int, ...], int] = {(): output}
    for size in range(1, order + 1):
        higher: dict[tuple[int, ...], int] = {}
        for places in combinations_with_replacement(range(len(sources)), size - 1):
            rest = range(places[-1] if places else 0, len(sources))
            nodes = gradient(symbols, found[places], [sources[k] for k in rest])
            higher |= {(*places, k): node for k, node in zip(rest, nodes, strict=True)}
        found = higher
    return found
