"""Gradients as formulas: the backward pass over symbols.

Upstream times local appends a node, and a node that is there already is used again; so the
derivative is a graph, which can be differentiated again.
"""

from collections.abc import Collection, Sequence
from functools import cache, partial, reduce
from itertools import combinations_with_replacement

from ..blocks.definitions import over, parameters
from ..language.graph import Graph
from ..language.table_texts import compiled, texts
from ..operations.row import Operation
from ..operations.table import ADD, DIV, IF, MUL
from ..passes.backward import backward
from .simplify import Symbols

__all__ = ["gradient", "local", "partials", "plus", "symbols_of", "times"]


def times(s: Symbols, a: int, b: int) -> int:
    """Upstream x local; a choice between something and nothing is made last.

    So a local gradient that exists in one branch only is only evaluated there.
    """
    for one, other in ((a, b), (b, a)):
        if s.number(other) == 1:
            return one
        if s.is_if(one) and may_be_nothing(s, one):
            then, otherwise = s.tape.operands[one][2:]
            return s.choose(*s.test(one), times(s, then, other), times(s, otherwise, other))  # fmt: skip
    return s.apply(MUL, (a, b))


def may_be_nothing(s: Symbols, node: int) -> bool:
    """Whether a node is 0, or a choice of which some branch is."""
    if not s.is_if(node):
        return s.number(node) == 0
    return any(map(partial(may_be_nothing, s), s.tape.operands[node][2:]))


def plus(s: Symbols, a: int, b: int) -> int:
    """The sum of two contributions; two choices by one condition are one choice."""
    if s.is_if(a) and s.is_if(b) and s.test(a) == s.test(b):
        (_, _, x, y), (_, _, u, v) = s.tape.operands[a], s.tape.operands[b]
        return s.choose(*s.test(a), plus(s, x, u), plus(s, y, v))
    return s.apply(ADD, (a, b))


def local(s: Symbols, node: int, k: int) -> int | None:
    """The local gradient of a node for its operand k, as a node."""
    operation, operands = s.tape.operations[node], s.tape.operands[node]
    one, zero = s.constant(1.0), s.constant(0.0)
    if operation is IF:
        if k < 2:
            return None
        return s.choose(*s.test(node), *((one, zero) if k == 2 else (zero, one)))
    if operation.selects:
        return share(s, operation, operands, node, k)
    names = parameters(operation, len(operands))
    leaves = dict(zip(names, operands, strict=True)) | {"out": node}
    if operation.variadic:
        leaves |= {"x": operands[k], "n": s.constant(float(len(operands)))}
    graph = rule(operation, len(operands), 0 if operation.variadic else k, s.floats)
    still = [i for i, name in graph.names.items() if name[0] == "_"]
    moved = s.copy(graph, leaves, apart=still)
    s.still.update(moved[i] for i in still)
    return moved[graph.output]


@cache
def rule(operation: Operation, count: int, k: int, floats: bool) -> Graph:
    """The text of a local gradient: as a learner reads it, or as it is computed in floats."""
    if not floats:
        return texts(operation).shown[k]
    text = (operation.twice or operation.careful or operation.rules)[k]
    return compiled(over(text, parameters(operation, count)))


def share(s: Symbols, operation: Operation, operands: Sequence[int], node: int, k: int) -> int:
    """What operand k of a max or min gets: all, nothing, or its share of a tie."""
    one, zero = s.constant(1.0), s.constant(0.0)
    if len(operands) == 2:
        sign = ">" if operation.selects > 0 else "<"
        half = s.plain(DIV, (one, s.constant(2.0)))  # as people write it
        tie = s.choose("==", operands[k], operands[1 - k], half, zero)
        return s.choose(sign, operands[k], operands[1 - k], one, tie)
    ties = [s.choose("==", operand, node, one, zero) for operand in operands]
    return s.choose("==", operands[k], node, s.apply(DIV, (one, reduce(partial(plus, s), ties))), zero)  # fmt: skip


def symbols_of(
    graph: Graph, apart: Collection[int] = (), floats: bool = False
) -> tuple[Symbols, list[int]]:
    """A program on a tape of symbols, some nodes apart; where each of its nodes went.

    floats: it is computed in floats, as it was typed.
    """
    symbols = Symbols(floats=floats)
    return symbols, symbols.copy(graph, {}, apart, verbatim=floats)


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

    def vjp(node: int, place: int, upstream: int) -> int | None:
        if not depends[symbols.tape.operands[node][place]]:
            return None
        slope = local(symbols, node, place)
        return None if slope is None else times(symbols, upstream, slope)

    total = partial(reduce, partial(plus, symbols))
    seeds = {output: symbols.constant(1.0)}
    found = backward(symbols.tape.operands, seeds, vjp, total)
    zero = symbols.constant(0.0)
    return [found.get(node, zero) for node in sources]


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
