"""Which numbers of a program are the scores of a classifier, and which are its labels."""

from ..language.graph import Graph
from ..operations.structural import STRUCTURAL

__all__ = ["only_loss"]


def only_loss(graph: Graph, output: int) -> tuple[int, int] | None:
    """The scores and the labels of the one `cross_entropy` that an output needs; None where there
    is none, or several.
    """
    needed = graph.needed(output)
    losses = [
        node
        for node, row in enumerate(graph.operations)
        if row is STRUCTURAL["cross_entropy"] and needed[node]
    ]
    if len(losses) != 1:
        return None
    scores, label = graph.operands[losses[0]]
    return scores, label
