"""How many rows a classifier gets right: those where no class has a higher score than the label."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..arrays.elements import tensor
from ..arrays.lower import opened
from ..batch.evaluator import Evaluator
from ..batch.over_arrays import EvaluatorOfArrays
from ..blocks.names import Names
from ..language.graph import Array, Graph, Spans
from ..operations.shape import Shape
from ..operations.structural import STRUCTURAL
from ..operations.table import MUL, OPERATIONS, SUB
from .descend import Plan
from .scores import only_loss

__all__ = ["counted"]

FAR = 1e200
"""What a label's score is lowered by to be no other's."""


def counted(
    plan: Plan, columns: Mapping[str, Any], shapes: Mapping[str, Shape]
) -> Callable[[Mapping[str, Any]], int] | None:
    """What counts the rows of a plan that are right at a point; None where it does not classify.

    columns: of the rows, by element. shapes: of what stands in each row.
    """
    given = plan.elements
    found = None if given is None else beaten(given.program, given.output)
    if given is None or found is None:
        return None
    graph, label = found
    if not shapes.get(label) or not one_hot([columns[one] for one in given.labels([label])]):
        return None

    def count(point: Mapping[str, Any]) -> int:
        values = {name: tensor(value) for name, value in point.items() if name not in shapes}
        at = {
            name: Array(one.shape, tuple(map(float, one.numbers))).value  # type: ignore[arg-type]  # floats
            for name, one in values.items()
        }
        kernel = EvaluatorOfArrays(graph, shapes, at, given.labels(plan.names)[:1])
        return int((Evaluator.__call__(kernel, columns).value >= 0).sum())

    return count


def beaten(program: Graph, output: str) -> tuple[Graph, str] | None:
    """A program whose output is by how much the label's score is above the highest other one, and
    what the label is called; None where there is not one `cross_entropy` of a variable.
    """
    loss = only_loss(program, Names(opened(program)).find(output))
    if loss is None:
        return None
    scores, label = loss
    if label not in program.variables.values():
        return None
    graph = extendable(program)
    far = graph.add(MUL, (label, graph.constant(FAR)))
    highest = graph.add(OPERATIONS["max"], (graph.add(SUB, (scores, far)),))
    own = graph.add(STRUCTURAL["dot"], (scores, label))
    graph.written[own] = None
    graph.stages.append(("", graph.add(SUB, (own, highest))))
    return graph, graph.names[label]


def extendable(program: Graph) -> Graph:
    """A copy of a program that nodes can be added to."""
    copy = replace(
        program,
        spans=Spans(),
        operations=list(program.operations),
        operands=list(program.operands),
        constants=dict(program.constants),
        regions=list(program.regions),
        written=dict(program.written),
        stages=list(program.stages),
    )
    for span in program.spans:
        copy.spans.append(span)
    return copy


def one_hot(columns: list[Any]) -> bool:
    """Whether every row has a 1 for one class, and zeros."""
    values = [getattr(column, "values", column) for column in columns]
    binary = all(((value == 0) | (value == 1)).all() for value in values)
    return bool(binary and (sum(values) == 1).all())
