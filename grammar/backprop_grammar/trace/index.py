"""A trace with what sentences look up in it.

The insight: who sends a node something is asked at every node, so it is turned round once.
"""

from ..errors import BackpropError, few, shorten, suggestion
from ..numbers.wide import Number, Wide, exists
from .record import Edge, Node, Trace

__all__ = ["Scene", "find", "positions", "sign"]


class Scene:
    """A trace with what the sentences look up in it.

    nodes: by name. senders: of a node, the nodes and edges that send it something. kinks: the
    nodes that stand on a kink. boundaries: the nodes whose condition stands exactly on its
    boundary.
    """

    def __init__(self, trace: Trace, digits: int) -> None:
        self.trace = trace
        self.digits = trace.precision or digits
        self.nodes = {node.name: node for node in trace.nodes}
        self.senders: dict[str, list[tuple[Node, Edge]]] = {}
        for node in reversed(trace.nodes):
            for edge in node.edges:
                if edge.routed:
                    self.senders.setdefault(edge.operand, []).append((node, edge))
        self.kinks = {note.node for note in trace.notes if note.kind == "kink"}
        self.boundaries = {note.node for note in trace.notes if note.kind == "boundary"}

    def value(self, operand: str) -> Number | None:
        """The value of an operand."""
        node = self.nodes.get(operand)
        return node.value if node else None


def sign(number: Number | None) -> int | None:
    """1, 0 or -1; None where that is not known."""
    if number is None or not exists(number):
        return None
    if isinstance(number, Wide):
        return -1 if number.text.startswith("-") else int(number.text.strip("0.") != "")
    return (number > 0) - (number < 0)


def positions(node: Node) -> list[int]:
    """Which operand each edge of a node leads to; edges stand in the order of the operands."""
    found = []
    k = 0
    for edge in node.edges:
        while k < len(node.operands) and node.operands[k] != edge.operand:
            k += 1
        found.append(k)
        k += 1
    return found


def find(scene: Scene, label: str) -> Node:
    """The node of that name. Raises BackpropError with the nearest name."""
    found = scene.nodes.get(label)
    if found is not None and found.kind != "constant":
        return found
    known = [n.name for n in scene.trace.nodes if n.kind != "constant"]
    hint = suggestion(label, known, f"the nodes are {few(known)}" if known else "")
    raise BackpropError("name", f"there is no node called {shorten(label)}", hint=hint)
