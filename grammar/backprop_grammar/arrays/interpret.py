"""The texts of the array table, computed: certified as any program is.

So what a text says can be held against what the numbers do.
"""

from collections.abc import Mapping

from ..blocks.names import Names
from ..language.graph import Array, Graph
from ..numbers.wide import as_float
from ..operations.shape import Shape, size
from ..operations.structural import Structural
from ..operations.table import CONSTANTS
from .evaluate import evaluate
from .record import ArrayNode, ArrayTrace, Tensor
from .vjp import OUT, UP, sent

__all__ = ["contribution", "fitted", "value"]


def value(graph: Graph, at: Mapping[str, float | Array], precision: int | None = None) -> Tensor:
    """The value of a program; of the point, only what it uses counts.

    Raises BackpropError where it has none.
    """
    used = {name: at[name] for name in graph.variables}
    output = Names(graph).of[graph.output]
    return evaluate(
        graph, used, wrt=(output,), upstream="ones", precision=precision, nodes=False
    ).value


def fitted(tensor: Tensor, shape: Shape) -> Tensor:
    """A tensor in a shape that is alike, as a vector and a row are.

    Raises ValueError for another number of elements.
    """
    if size(tensor.shape) != size(shape):
        raise ValueError(f"{tensor.shape} is not {shape}")
    return Tensor(shape, tensor.numbers)


def contribution(
    trace: ArrayTrace, node: ArrayNode, place: int, text: Graph | None = None
) -> Tensor:
    """What a node sends to an operand, as the text says, from the floats that stand at the nodes.

    text: what is computed instead, over the operands' names, `out` and `up`. Raises BackpropError
    where it has no value, ValueError where that does not fit the operand.
    """
    row, graph = node.row, trace.names.graph
    assert isinstance(row, Structural)
    assert node.gradient is not None
    values = {one.index: one.value for one in trace.nodes}
    given = [values.get(k) or number(graph, k) for k in node.operands]
    shapes, written = [one.shape for one in given], graph.written[node.index]
    text = text or sent(row, place, shapes, written, careful=True)
    names = row.called(len(given), written)
    at = dict(zip(names, given, strict=False)) | {OUT: node.value, UP: node.gradient}
    told = value(text, {name: plain(tensor) for name, tensor in at.items()})
    return fitted(told, shapes[place])


def number(graph: Graph, node: int) -> Tensor:
    """A constant."""
    held = graph.constants[node]
    return Tensor((), (CONSTANTS[held] if isinstance(held, str) else held,))


def plain(tensor: Tensor) -> float | Array:
    """A tensor as a value of a point."""
    floats = tuple([(None if x is None else as_float(x)) or 0.0 for x in tensor.numbers])
    return Array(tensor.shape, floats).value
