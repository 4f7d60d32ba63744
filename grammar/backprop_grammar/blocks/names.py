"""What the nodes of a graph are called, and which of them are seen.

What a block hides is decided here and nowhere else. The passes know only primitive nodes; a block
is a way to look at some of them.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import count, islice

from ..errors import BackpropError, few, shorten, suggestion
from ..language.graph import Block, Graph
from ..language.precedence import Text, atom
from ..operations.table import CONSTANTS

__all__ = ["Names", "outermost"]

FEW = 8
"""Names that are counted out one by one; a further one, and all of them are named at once."""


def outermost(graph: Graph) -> dict[int, Block]:
    """The blocks that are shown as one node: closed, and in no other closed block."""
    blocks = {}
    edge = len(graph)
    for node in sorted(graph.blocks, reverse=True):
        if node < edge and not graph.blocks[node].open:
            blocks[node] = graph.blocks[node]
            edge = graph.blocks[node].first
    return blocks


class Names:
    """The visible nodes of a graph and what they are called."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.blocks = outermost(graph)
        hidden = [False] * len(graph)
        for node, block in self.blocks.items():
            for inner in range(block.first, node):
                hidden[inner] = True
        self.hidden = hidden
        self.lookups = 0

    @cached_property
    def of(self) -> dict[int, str]:
        """The names of the visible nodes; for a few of them, ``name`` is less work."""
        graph, hidden, numbers = self.graph, self.hidden, self.numbers()
        names = {}
        for node in range(len(graph)):
            if not hidden[node]:
                names[node] = self.given(node) or f"n{next(numbers)}"
        return names

    def given(self, node: int) -> str | None:
        """The name that the program gives a node; of a constant, its number."""
        name = self.graph.names.get(node)
        if name is None and node in self.graph.constants:
            return atom(self.graph.constants[node]).text
        return name

    def numbers(self) -> Iterator[int]:
        """1, 2, ... for the nodes without a name, without those that make a name in use."""
        taken = {*self.graph.names.values(), *self.graph.functions, *CONSTANTS}
        return (k for k in count(1) if f"n{k}" not in taken)

    def name(self, node: int) -> str:
        """The name of a visible node."""
        if "of" in self.__dict__ or self.lookups >= FEW:
            return self.of[node]
        self.lookups += 1
        name = self.given(node)
        if name is not None:
            return name
        graph, hidden = self.graph, self.hidden
        before = sum(
            not operation.leaf and k not in graph.names and not hidden[k]
            for k, operation in enumerate(graph.operations[:node])
        )
        return f"n{next(islice(self.numbers(), before, None))}"

    def find(self, name: str) -> int:
        """The node of that name. Raises BackpropError with the nearest name."""
        node = self.graph.node(name)
        if node is not None and self.hidden[node]:
            raise BackpropError(
                "name",
                f"{shorten(name)} is inside {shorten(self.near(node))}, which is folded",
                hint=f"fold something else, or leave out {shorten(name)}",
                node=node,
            )
        if node is None:
            named = self.named()
            node = named.get(name)
            if node is None:
                raise BackpropError(
                    "name",
                    f"there is no node called {shorten(name)}",
                    hint=suggestion(name, named, f"the nodes are {few(named)}") + self.unseen(name),
                )
        return node

    def find_all(self, names: Iterable[str]) -> list[int]:
        """The nodes of those names. Raises BackpropError that tells all of which there is none."""
        names = list(names)
        try:
            return [self.find(name) for name in names]
        except BackpropError as error:
            named = self.named()
            unknown = [n for n in names if self.graph.node(n) is None and n not in named]
            if len(unknown) < 2:
                raise
            message = f"there are no nodes called {few(dict.fromkeys(unknown))}"
            raise error.replace(message=message, hint=f"the nodes are {few(named)}") from None

    def named(self) -> dict[str, int]:
        """The nodes that have a name or a number, by it."""
        return {text: node for node, text in self.of.items() if node not in self.graph.constants}

    def unseen(self, name: str) -> str:
        """What else is to be said where a number such as n7 is none of a visible node."""
        if not any(self.hidden) or not (name[:1] == "n" and name[1:].isdigit()):
            return ""
        return "; nodes inside of what is shown as one have no name, and the others are numbered"

    def text(self, node: int) -> Text:
        """The node's name, or its number, as text."""
        if node in self.graph.constants:
            return atom(self.graph.constants[node])
        return Text(self.of[node])

    def near(self, node: int) -> str:
        """The name of a node, or of the block that hides it."""
        while self.hidden[node]:
            node += 1
        return self.name(node)
