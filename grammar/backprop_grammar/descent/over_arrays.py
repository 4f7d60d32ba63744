"""A run over a program on arrays: each element is stepped, as an input of its own."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..arrays.elements import by_element, placeholder
from ..arrays.lower import owner
from ..errors import shorten, usage
from ..language.graph import Array, Graph
from ..operations.shape import Shape
from .descend import Plan, check_inputs, plan

__all__ = ["check_steppable", "plan_arrays"]


def plan_arrays(
    graph: Graph,
    at: Mapping[str, float | Array],
    columns: Mapping[str, Shape],
    wrt: Sequence[str] = (),
    output: str = "",
    **how: Any,
) -> Plan:
    """A checked plan of a program over arrays.

    columns: the inputs that are others in every row, with their shapes. wrt: inputs, or elements
    such as x[0]. how: as of ``plan``. Raises BackpropError as ``plan`` does.
    """
    values = {**at, **{name: placeholder(shape) for name, shape in columns.items()}}
    names = tuple(dict.fromkeys(wrt))
    given = by_element(graph, values, names, output, columns)
    check_inputs(graph, list(map(owner, names)))
    for name in names:
        given.part(name)
    check_steppable(names, given.whole)
    names = names or tuple(
        [name for name in graph.variables if name in at and name not in given.whole]
    )
    if columns:
        from .objective import check_stepped  # needs NumPy

        check_stepped(list(map(owner, names)), tuple(columns))
    elif not names:
        raise usage("the inputs only select elements, so nothing can be stepped")
    vary = set(given.labels(columns))
    point = {label: x for label, x in given.at.items() if label not in vary}
    planned = plan(given.graph, point, given.labels(names), output=given.end, **how)
    return replace(planned, elements=given, names=names)


def check_steppable(names: Iterable[str], whole: Collection[str]) -> None:
    """Raise BackpropError for a name of what selects elements, which are ``whole``."""
    for name in names:
        if owner(name) in whole:
            message = f"{shorten(name)} selects elements, and is never stepped"
            raise usage(message, "step inputs that are no index and no label")
