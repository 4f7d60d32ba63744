"""The backward pass: one loop over the tape, from the output down.

It hands every operand the contribution of what it is used by, adds up what a node receives, and
knows nothing else: what a contribution is, is up to its algebra.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

__all__ = ["backward"]

T = TypeVar("T")


def backward(
    operands: Sequence[Sequence[int]],
    seeds: Mapping[int, T],
    vjp: Callable[[int, int, T], T | None],
    total: Callable[[list[T]], T],
    first: int = 0,
) -> dict[int, T]:
    """The gradient of every node that is reached.

    operands: of every node. seeds: what arrives from outside, at the output. vjp(node, place,
    upstream): the contribution of a node to the operand at that place, which is upstream x local for
    scalars; None where it sends nothing there. total: the sum of what a node receives. first: the
    last node that the walk comes to; of those before it only the gradient is known.
    """
    received = {node: [seed] for node, seed in seeds.items()}
    gradients: dict[int, T] = {}
    for node in range(max(received), first - 1, -1):
        if node not in received:
            continue
        upstream = gradients[node] = total(received.pop(node))
        for place, operand in enumerate(operands[node]):
            contribution = vjp(node, place, upstream)
            if contribution is not None:
                received.setdefault(operand, []).append(contribution)
    for node, contributions in received.items():
        gradients[node] = total(contributions)
    return gradients
