"""A tape of symbols as a program that can be evaluated.

On a tape of symbols a node stands once, whichever branches of an `if` use it. A program says of
every node in which branch it is evaluated, so what only branches use is written out there.
"""

from collections.abc import Callable, Iterable

from ..language.graph import Condition, Graph
from ..operations.table import IDENTITY

__all__ = ["evaluable"]


def evaluable(tape: Graph, stages: Iterable[tuple[str, int]]) -> Graph:
    """The program of some named nodes of a tape of symbols, each a stage.

    A stage whose node has another name on the tape is a second name for that.
    """
    return Lowering(tape).program(stages)


Task = Callable[[], None]


class Lowering:
    """A program under way: the nodes that have names, and what is still to be written out."""

    def __init__(self, tape: Graph) -> None:
        self.tape = tape
        self.lowered = Graph()
        self.named: dict[str, int] = {}
        self.region = 0
        self.done: list[int] = []  # the nodes written out, a stack
        self.pending: list[Task] = []

    def program(self, stages: Iterable[tuple[str, int]]) -> Graph:
        lowered = self.lowered
        for name, root in stages:
            own = self.tape.names.get(root)
            self.expand(root, own is not None and own != name)
            while self.pending:
                self.pending.pop()()
            node = self.done.pop()
            if lowered.operations[node].leaf or node in lowered.names:
                node = lowered.add(IDENTITY, (node,))
            lowered.names[node] = name
            lowered.stages.append((name, node))
            self.named[name] = node
        return lowered

    def expand(self, node: int, by_name: bool = True) -> None:
        """Write a node out; by_name: where it has a name, its node is there already."""
        tape, lowered = self.tape, self.lowered
        name = tape.names.get(node) if by_name else None
        operation = tape.operations[node]
        if node in tape.constants:
            self.done.append(lowered.constant(tape.constants[node]))
        elif name is not None and name in self.named:
            self.done.append(self.named[name])
        elif operation.leaf:
            self.done.append(lowered.variable(tape.names[node]))
        elif node in tape.condition_of:
            self.choice(node)
        else:
            operands = tape.operands[node]

            def finish() -> None:
                given = tuple(self.done[-len(operands) :])
                del self.done[-len(operands) :]
                self.done.append(lowered.add(operation, given, (0, 0), self.region))

            self.pending.append(finish)
            self.pending += [self.task(k) for k in reversed(operands)]

    def task(self, node: int) -> Task:
        return lambda: self.expand(node)

    def choice(self, node: int) -> None:
        """An `if`: its condition, then each branch in a region of its own."""
        lowered = self.lowered
        left, right, then, otherwise = self.tape.operands[node]
        comparison = self.tape.conditions[self.tape.condition_of[node]].comparison
        around = self.region
        place = len(lowered.conditions)

        def test() -> None:
            nonlocal place
            b, a = self.done.pop(), self.done.pop()
            place = len(lowered.conditions)
            lowered.conditions.append(Condition(a, b, comparison, around))
            self.region = 2 * place + 1

        def second() -> None:
            self.region = 2 * place + 2

        def finish() -> None:
            self.region = around
            b, a = self.done.pop(), self.done.pop()
            self.done.append(lowered.select(place, a, b, (0, 0), around))

        self.pending += [finish, self.task(otherwise), second, self.task(then), test]
        self.pending += [self.task(right), self.task(left)]
