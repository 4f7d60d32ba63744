"""The backward pass: one loop over the tape, from the output down.

It hands upstream x local to every operand, and knows nothing else.
"""

from collections.abc import Callable
from typing import TypeVar

from ..language.graph import Graph

__all__ = ["backward"]

T = TypeVar("T")


def backward(
    graph: Graph,
    output: int,
    seed: T,
    last: int,
    wanted: Callable[[int], bool],
    local: Callable[[int, int], T | None],
    times: Callable[[T, T], T],
    total: Callable[[list[T]], T],
) -> dict[int, T]:
    """Walk back from the output: the gradient of every node reached.

    Over any algebra: ``seed`` is the upstream gradient of the output, ``local(node, k)`` the
    local gradient for operand k, or None where the node does not route to it. The walk ends
    at node ``last``; ``wanted(node)`` says which operands are differentiated.
    """
    received = {output: [seed]}
    gradients: dict[int, T] = {}
    for node in range(output, last - 1, -1):
        if node not in received:
            continue
        upstream = gradients[node] = total(received.pop(node))
        for k, operand in enumerate(graph.operands[node]):
            if not wanted(operand):
                continue
            slope = local(node, k)
            if slope is not None:
                received.setdefault(operand, []).append(times(upstream, slope))
    for node, contributions in received.items():
        gradients[node] = total(contributions)  # operands that stand before the last node
    return gradients
