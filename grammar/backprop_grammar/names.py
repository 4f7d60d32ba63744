"""What the nodes of a graph are called, and which of them are seen.

The insight: what a block hides is decided here and nowhere else. The passes know only
primitive nodes; a block is a way to look at some of them.
"""

from .errors import BackpropError, nearest, shorten
from .graph import Block, Graph
from .operations import CONSTANTS
from .text import Text, atom

__all__ = ["Names", "outermost"]


def outermost(graph: Graph) -> dict[int, Block]:
    """The blocks that are shown as one node: closed, and in no other closed block."""
    found = {}
    edge = len(graph)
    for node in sorted(graph.blocks, reverse=True):
        if node < edge and not graph.blocks[node].open:
            found[node] = graph.blocks[node]
            edge = graph.blocks[node].first
    return found


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
        self.of: dict[int, str] = {}
        taken = {*graph.names.values(), *graph.functions, *CONSTANTS}
        count = 0
        for node, operation in enumerate(graph.operations):
            if hidden[node]:
                continue
            if node in graph.names:
                self.of[node] = graph.names[node]
            elif node in graph.constants:
                self.of[node] = atom(graph.constants[node]).text
            elif operation is not None:
                count += 1
                while f"n{count}" in taken:
                    count += 1
                self.of[node] = f"n{count}"

    def find(self, name: str) -> int:
        """The node of that name. Raises BackpropError with the nearest name."""
        node = self.graph.node(name)
        if node is not None and self.hidden[node]:
            raise BackpropError(
                "name", f"{shorten(name)} is inside {shorten(self.near(node))}, which is folded",
                hint=f"fold something else, or leave out {shorten(name)}",
            )  # fmt: skip
        if node is None:
            named = {
                text: node for node, text in self.of.items() if node not in self.graph.constants
            }
            node = named.get(name)
            if node is None:
                meant = nearest(name, list(named))
                shown = ", ".join(map(shorten, list(named)[:12])) + (
                    ", ..." if len(named) > 12 else ""
                )
                raise BackpropError(
                    "name", f"there is no node called {shorten(name)}",
                    hint=f"did you mean {shorten(meant)}?" if meant else f"the nodes are {shown}",
                )  # fmt: skip
        return node

    def text(self, node: int) -> Text:
        """The node's name, or its number, as text."""
        if node in self.graph.constants:
            return atom(self.graph.constants[node])
        return Text(self.of[node])

    def near(self, node: int) -> str:
        """The name of a node, or of the block that hides it."""
        while node not in self.of:
            node += 1
        return self.of[node]
