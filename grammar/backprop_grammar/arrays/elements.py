"""A program over arrays for what takes numbers only: steps along the gradient, and many points.

These see the elements as inputs of their own, W[0,1]; what they find is put back into arrays here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..blocks.names import Names
from ..errors import shorten, usage
from ..language.graph import Array, Graph, nested
from ..operations.shape import Shape, size
from ..operations.table import IDENTITY, NEG, VARIABLE
from ..passes.run import check_bound
from ..trace.point import unknown_names
from .lower import Lowered, check_work, element, elements, opened, owner, part, shapes_at
from .record import Tensor
from .shapes import Shapes, Values, output_shape, shapes

__all__ = ["Elements", "by_element", "classes", "placeholder", "tensor", "varying"]


class Elements(NamedTuple):
    """A program over arrays, and the program over numbers that it means.

    graph: over numbers, which are called as elements are. at: its point. shapes: of the nodes of
    the program. output: what the output is called; end: what its number is. whole: the variables
    that select, such as labels.
    """

    program: Graph
    graph: Graph
    at: dict[str, float]
    shapes: dict[str, Shape]
    output: str
    end: str
    whole: frozenset[str]

    def part(self, name: str) -> tuple[Shape, list[str]]:
        """The shape and the elements of a node, or of one element of it: x[0].

        Raises BackpropError for what is neither.
        """
        if owner(name) not in self.shapes:
            Names(self.program).find(name)  # which says what is nearest
        return part(name, self.shapes)

    def labels(self, names: Iterable[str]) -> list[str]:
        """The elements of some nodes."""
        return list(dict.fromkeys(label for name in names for label in self.part(name)[1]))

    def gathered(self, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Values of elements as nested lists; names: of nodes and elements, as far as they have some."""
        result = {}
        for name in names:
            shape, labels = self.part(name)
            if labels[0] in values:
                result[name] = nested(shape, iter([values[label] for label in labels]))
        return result


def by_element(
    program: Graph, at: Values, wrt: Sequence[str] = (), output: str = "", columns: Sequence[str] = ()
) -> Elements:  # fmt: skip
    """The program over numbers that a program over arrays means.

    at: a value per variable; of those that vary, which are the columns, any of their shape. wrt:
    names of nodes and elements that are needed. output: one number; the last stage when empty.

    Raises BackpropError for unknown names, where shapes do not fit, for an output that is an array,
    and for a column that selects elements.
    """
    graph = opened(program)
    names = Names(graph)
    end = names.find(output) if output else graph.output
    roots = [names.find(name if graph.node(name) is not None else owner(name)) for name in wrt]
    graph = replace(graph, declared=of_others(program, at, columns, output))
    found, needed = shapes_at(graph, at, [end, *roots])
    if size(found.of[end]) > 1:
        error = output_shape(graph, end, found.of[end])
        raise error.replace(hint=error.hint.partition(", or ")[0], reason="")
    whole = selecting(graph, found)
    for name in columns:
        if name in whole:
            raise usage(
                f"{shorten(name)} selects elements, and cannot be another one in every row",
                "give it one value; only the label of a cross_entropy of one vector may vary",
            )
    check_work(graph, found, needed)
    lowered = Lowered(graph, names, found, at, needed, edges=False)
    known = {names.of[node]: cells.shape for node, cells in lowered.cells.items()}
    output = names.of[end]
    last = element(output, elements(found.of[end])[0])
    return Elements(program, lowered.graph, lowered.at, known, output, last, whole)


def of_others(
    program: Graph, at: Values, columns: Sequence[str], output: str
) -> dict[str, tuple[int | str, ...]]:
    """The declared shapes, but of columns of labels, which are declared as the numbers they were."""
    given = {name: getattr(at[name], "shape", ()) for name in columns}
    labels = {name: () for name in columns if program.declared.get(name) == () != given[name]}
    if labels:
        others = {name: value for name, value in at.items() if name not in given}
        labels = dict.fromkeys(classes(program, others, given | labels, output), ())
    return {name: shape for name, shape in program.declared.items() if name not in labels}


def selecting(graph: Graph, found: Shapes) -> frozenset[str]:
    """The variables that select, or whose negatives do."""
    result = set()
    for node in found.whole:
        while graph.operations[node] in (NEG, IDENTITY):
            (node,) = graph.operands[node]
        if graph.operations[node] is VARIABLE:
            result.add(graph.names[node])
    return frozenset(result)


def classes(
    program: Graph, at: Values, columns: Mapping[str, Shape], output: str = ""
) -> dict[str, int]:
    """Of the columns that hold the labels of `cross_entropy`, one for a vector of scores a row, how
    many classes these are.

    Such a label may be another one in every row: it stands for a vector with a 1 for its class.
    at: a value for each other variable. columns: with their shapes. Raises BackpropError where
    shapes do not fit.
    """
    graph = opened(program)
    needed = graph.needed(Names(graph).find(output) if output else graph.output)
    values = {**at, **{name: placeholder(shape) for name, shape in columns.items()}}
    check_bound(graph, dict.fromkeys(values, 0.0), needed)
    found = shapes(graph, values, needed)
    tested = {node for test in graph.conditions for node in (test.left, test.right)}
    result = {}
    for name in columns:
        node = graph.variables[name]
        if node not in found.whole or node in tested:
            continue
        uses = [
            (graph.operations[k].name, place, found.of[operands[0]])
            for k, operands in enumerate(graph.operands)
            for place, operand in enumerate(operands)
            if operand == node and needed[k]
        ]
        sizes = {shape for what, place, shape in uses if (what, place) == ("cross_entropy", 1)}
        if len(sizes) == 1 == len({one[:2] for one in uses}):
            shape = sizes.pop()
            if len(shape) == 1 < shape[0]:
                result[name] = shape[0]
    return result


def tensor(value: Any) -> Tensor:
    """Nested lists of numbers, or one number, as a tensor."""
    if not isinstance(value, list):
        return Tensor((), (value,))
    if not isinstance(value[0], list):
        return Tensor((len(value),), tuple(value))
    return Tensor((len(value), len(value[0])), tuple([x for row in value for x in row]))


def placeholder(shape: Shape) -> float | Array:
    """A value of some shape, of which only the shape matters."""
    return Array(shape, (0.0,) * size(shape)).value


def varying(program: Graph, given: Mapping[str, Shape | None]) -> dict[str, Shape]:
    """The shapes of inputs that vary: as they are given, or declared; a number where none is said.

    Raises BackpropError for a name that the program does not have, and for a shape with letters.
    """
    unknown = [name for name in given if name not in program.variables]
    if unknown:
        raise unknown_names(program, unknown)
    result = {}
    for name, shape in given.items():
        declared = program.declared.get(name, ())
        if shape is None and any(isinstance(n, str) for n in declared):
            hint = f'say it: {{"{name}": (3,)}} for 3 numbers a row'
            raise usage(f"the shape of {shorten(name)} is not known", hint)
        result[name] = tuple([int(n) for n in declared]) if shape is None else tuple(shape)
    return result
