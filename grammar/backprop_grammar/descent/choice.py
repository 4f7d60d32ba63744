"""Which way a run over vectors and matrices goes: element by element, or array by array."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import BackpropError
from ..language.graph import Array, Graph
from ..operations.shape import Shape
from ..trace.point import unknown_names
from .descend import Plan
from .over_arrays import plan_arrays

__all__ = ["plan_of_arrays"]


def plan_of_arrays(
    graph: Graph,
    at: Mapping[str, float | Array],
    columns: Mapping[str, Shape],
    *,
    data: Sequence[str] = (),
    batch: int = 0,
    seed: int = 0,
    **how: Any,
) -> Plan:
    """The plan of a run over arrays: array by array where all data is taken at once, or there is too
    much for a step of every element on its own.

    columns: as of ``plan_arrays``. data, batch, seed: as of ``plan_whole``. how: as of ``plan``.
    Raises BackpropError as these do, and for data that is no input.
    """
    unknown = [name for name in data if name not in graph.variables]
    if unknown:
        raise unknown_names(graph, unknown)
    if not data:
        try:
            return plan_arrays(graph, at, columns, **how)
        except BackpropError as error:
            if error.kind != "limit" or columns:
                raise
    from .whole import plan_whole  # which needs NumPy

    return plan_whole(graph, at, data, batch=batch, seed=seed, **how)
