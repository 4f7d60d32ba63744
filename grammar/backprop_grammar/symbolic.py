"""Gradients as formulas.

The insight: the backward pass runs over any algebra, and nodes of a graph are one. Upstream
times local appends a node; a node that is there already is used again, so nothing is computed
twice; and the derivative is a graph, which can be differentiated again.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache, reduce
from itertools import combinations_with_replacement

from .graph import Condition, Graph
from .operations import IDENTITY, IF, Operation
from .passes import backward
from .simplify import ADD, DIV, MUL, SIMPLER

__all__ = ["Symbols", "gradient", "partials", "symbols_of"]


@cache
def rules(operation: Operation) -> tuple[Graph, ...]:
    """The displayed local gradients of a row as graphs."""
    from .parser import parse

    return tuple(parse(text, name=operation.name, internal=True) for text in operation.rules)


class Symbols:
    """A tape on which equal nodes are one node, and which is simplified as it grows.

    An `if` is lazy here: what stands only in a branch is meant to be evaluated only there, so
    the tape is for printing (see derive.py), not for the passes over numbers.
    """

    def __init__(self) -> None:
        self.tape = Graph()
        self.known: dict[tuple[object, ...], int] = {}

    # leaves

    def constant(self, value: float | str) -> int:
        if value == 0:
            value = 0.0
        return self.once(("constant", value), lambda: self.tape.constant(value))

    def variable(self, name: str) -> int:
        return self.tape.variable(name)

    def once(self, key: tuple[object, ...], make: Callable[[], int]) -> int:
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = make()
        return node

    # what a node is

    def number(self, node: int) -> float | None:
        value = self.tape.constants.get(node)
        return value if isinstance(value, float) else None

    def parts(self, node: int, operation: Operation) -> tuple[int, ...] | None:
        """The operands of a node, if it is of that operation."""
        return self.tape.operands[node] if self.tape.operations[node] is operation else None

    def is_if(self, node: int) -> bool:
        return node in self.tape.condition_of

    # operations

    def apply(self, operation: Operation, operands: Sequence[int], comparison: str = "") -> int:
        """The node of an operation, simplified the way a person would."""
        if operation is IF:
            return self.choose(comparison, *operands)
        simple = SIMPLER.get(operation.name)
        node = simple(self, *operands) if simple else None
        if node is not None:
            return node
        if operation is MUL and self.number(operands[1]) is not None:
            operands = operands[::-1]  # a number stands in front
        return self.plain(operation, operands)

    def plain(self, operation: Operation, operands: Sequence[int]) -> int:
        key = (operation.name, *operands)
        if operation.name in ("add", "mul") and (operation.name, *operands[::-1]) in self.known:
            key = (operation.name, *operands[::-1])
        return self.once(key, lambda: self.tape.add(operation, tuple(operands)))

    def choose(self, comparison: str, left: int, right: int, then: int, otherwise: int) -> int:
        """An `if`; one that is decided, or whose branches agree, is no choice."""
        if then == otherwise:
            return then
        a, b = self.number(left), self.number(right)
        if a is not None and b is not None:
            from .balls import compare

            return then if compare((a > b) - (a < b), comparison) else otherwise

        def make() -> int:
            self.tape.conditions.append(Condition(left, right, comparison, 0))
            k = len(self.tape.conditions) - 1
            return self.tape.select(k, then, otherwise, (0, 0), 0)

        return self.once(("if", comparison, left, right, then, otherwise), make)

    def test(self, node: int) -> tuple[str, int, int]:
        """The comparison of an `if` and its two sides."""
        condition = self.tape.conditions[self.tape.condition_of[node]]
        return condition.comparison, condition.left, condition.right

    def copy(self, graph: Graph, leaves: dict[str, int], apart: Collection[int] = ()) -> list[int]:
        """The nodes of a graph on this tape, its variables replaced by leaves.

        apart: nodes that stay nodes of their own, so that derivatives by them are of what uses
        them, not of what is written the same.
        """
        moved: list[int] = []
        names = {node: name for name, node in graph.variables.items()}
        for node, operation in enumerate(graph.operations):
            if node in graph.constants:
                moved.append(self.constant(graph.constants[node]))
            elif operation is None:
                name = names[node]
                moved.append(leaves[name] if name in leaves else self.variable(name))
            elif operation is IDENTITY:
                moved.append(moved[graph.operands[node][0]])
            else:
                comparison = ""
                if node in graph.condition_of:
                    comparison = graph.conditions[graph.condition_of[node]].comparison
                moved.append(self.apply(operation, [moved[k] for k in graph.operands[node]], comparison))  # fmt: skip
            if node in apart and operation is not None:
                moved[node] = self.tape.add(IDENTITY, (moved[node],))
        return moved

    # gradients

    def times(self, a: int, b: int) -> int:
        """Upstream x local; a choice between something and nothing is made last.

        So a local gradient that exists in one branch only is only evaluated there.
        """
        for one, other in ((a, b), (b, a)):
            if self.number(other) == 1:
                return one
            if self.is_if(one) and self.may_be_nothing(one):
                then, otherwise = self.tape.operands[one][2:]
                return self.choose(*self.test(one), self.times(then, other), self.times(otherwise, other))  # fmt: skip
        return self.apply(MUL, (a, b))

    def may_be_nothing(self, node: int) -> bool:
        """Whether a node is 0, or a choice of which some branch is."""
        if not self.is_if(node):
            return self.number(node) == 0
        return any(map(self.may_be_nothing, self.tape.operands[node][2:]))

    def plus(self, a: int, b: int) -> int:
        """The sum of two contributions; two choices by one condition are one choice."""
        if self.is_if(a) and self.is_if(b) and self.test(a) == self.test(b):
            (_, _, x, y), (_, _, u, v) = self.tape.operands[a], self.tape.operands[b]
            return self.choose(*self.test(a), self.plus(x, u), self.plus(y, v))
        return self.apply(ADD, (a, b))

    def local(self, node: int, k: int) -> int | None:
        """The local gradient of a node for its operand k, as a node."""
        operation, operands = self.tape.operations[node], self.tape.operands[node]
        assert operation is not None
        one, zero = self.constant(1.0), self.constant(0.0)
        if operation is IF:
            if k < 2:
                return None
            return self.choose(*self.test(node), *((one, zero) if k == 2 else (zero, one)))
        if operation.name in ("max", "min"):
            return self.share(operation, operands, node, k)
        if operation.variadic:
            leaves = {"x": operands[k], "out": node, "n": self.constant(float(len(operands)))}
            graph = rules(operation)[0]
        else:
            leaves = dict(zip(operation.operands, operands, strict=True)) | {"out": node}
            graph = rules(operation)[k]
        return self.copy(graph, leaves)[graph.output]

    def share(self, operation: Operation, operands: Sequence[int], node: int, k: int) -> int:
        """What operand k of a max or min gets: all, nothing, or its share of a tie."""
        one, zero = self.constant(1.0), self.constant(0.0)
        if len(operands) == 2:
            sign = ">" if operation.name == "max" else "<"
            half = self.plain(DIV, (one, self.constant(2.0)))  # as people write it
            tie = self.choose("==", operands[k], operands[1 - k], half, zero)
            return self.choose(sign, operands[k], operands[1 - k], one, tie)
        ties = [self.choose("==", operand, node, one, zero) for operand in operands]
        return self.choose("==", operands[k], node, self.apply(DIV, (one, reduce(self.plus, ties))), zero)  # fmt: skip


def symbols_of(graph: Graph, apart: Collection[int] = ()) -> tuple[Symbols, list[int]]:
    """A program on a tape of symbols, some nodes apart; where each of its nodes went."""
    symbols = Symbols()
    return symbols, symbols.copy(graph, {}, apart)


def gradient(symbols: Symbols, output: int, sources: Sequence[int]) -> list[int]:
    """The gradient of a node by others, as nodes of the same tape; a constant 0 where none."""
    depends = [False] * (output + 1)
    for node in sources:
        if node <= output:
            depends[node] = True
    for node in range(output + 1):
        depends[node] = depends[node] or any(depends[k] for k in symbols.tape.operands[node])
    found = backward(
        symbols.tape, output, symbols.constant(1.0), 0,
        depends.__getitem__, symbols.local, symbols.times,
        lambda nodes: reduce(symbols.plus, nodes),
    )  # fmt: skip
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
